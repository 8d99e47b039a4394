//! The envelope of responses, as JSON Schema.

use utoipa::openapi::schema::{Schema, SchemaType};
use utoipa::openapi::{AllOfBuilder, Components, ComponentsBuilder, ObjectBuilder, Ref, RefOr, Type};

use crate::provisioning::envelope::code::{Code, Version};
use crate::provisioning::schema::{self, any, closed, number, object, text, words};

/// The schemas with a name.
pub(super) fn components(version: Version) -> Components {
    ComponentsBuilder::new()
        .schema("Success", success(version))
        .schema("Failure", failure(version))
        .schema("Problem", problem())
        .schema("User", schema::user_itself())
        .schema("Group", schema::group())
        .build()
}

/// The envelope with this in it.
pub(super) fn enveloped(data: RefOr<Schema>) -> Schema {
    let inside = object().property("ocs", object().property("data", data).required("data"));
    AllOfBuilder::new().item(Ref::from_schema_name("Success")).item(inside).build().into()
}

/// The envelope with one of these codes.
pub(super) fn failed(codes: &[u16]) -> Schema {
    let code = ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::Integer))
        .enum_values(Some(codes.iter().copied()));
    let meta = object().property("statuscode", code);
    let inside = object().property("ocs", object().property("meta", meta));
    AllOfBuilder::new().item(Ref::from_schema_name("Failure")).item(inside).build().into()
}

fn success(version: Version) -> Schema {
    let code = Code::OK.shown(version);
    let meta = object()
        .property("status", words(&["ok"]))
        .property("statuscode", number().enum_values(Some([code])))
        .property("message", words(&["OK"]))
        .property("hint", text("For people: a remark about a successful call"));
    // Each answer says what `data` is.
    in_envelope(with_totals(meta, version), None)
}

fn failure(version: Version) -> Schema {
    let message = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("For programs; `null` where the data contains it"));
    let meta = object()
        .property("status", words(&["failure"]))
        .property("statuscode", number())
        .property("message", message)
        .property("hint", text("For people: how to fix it"));
    // The old envelope, of wrong credentials and unknown paths, knows no totals.
    in_envelope(with_totals(meta, version), Some(any()))
}

fn in_envelope(meta: ObjectBuilder, data: Option<Schema>) -> Schema {
    let meta = ["status", "statuscode", "message"].into_iter().fold(meta, ObjectBuilder::required);
    let mut inner = object().property("meta", closed(meta)).required("meta");
    if let Some(data) = data {
        inner = inner.property("data", data).required("data");
    }
    object().property("ocs", inner).required("ocs").build().into()
}

fn with_totals(meta: ObjectBuilder, version: Version) -> ObjectBuilder {
    let when = match version {
        Version::V1 => "Empty unless `limit` was sent",
        Version::V2 => "There when `limit` was sent",
    };
    meta.property("totalitems", text(when)).property("itemsperpage", text(when))
}

/// A response from before the call was routed.
fn problem() -> Schema {
    let problem = object()
        .property("message", text("What is wrong"))
        .property("hint", text("What to do about it"))
        .required("message");
    closed(problem)
}
