//! What answers look like, as JSON Schema. A map without entries is an empty list, as everywhere in this API.

use accounts::ProfileField;
use utoipa::openapi::schema::{AdditionalProperties, ArrayBuilder, Schema, SchemaType};
use utoipa::openapi::{
    AllOfBuilder, Components, ComponentsBuilder, ObjectBuilder, OneOfBuilder, Ref, RefOr, Type,
};

use crate::ocs::code::{Code, Version};

/// The schemas with a name.
pub(super) fn components(version: Version) -> Components {
    ComponentsBuilder::new()
        .schema("Success", success(version))
        .schema("Failure", failure(version))
        .schema("Problem", problem())
        .schema("User", user_itself())
        .schema("Group", group())
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

/// One of several.
pub(super) fn one_of(mut schemas: Vec<RefOr<Schema>>) -> RefOr<Schema> {
    match schemas.len() {
        1 => schemas.remove(0),
        _ => RefOr::T(schemas.into_iter().fold(OneOfBuilder::new(), OneOfBuilder::item).build().into()),
    }
}

fn success(version: Version) -> Schema {
    let code = Code::OK.shown(version);
    let meta = object()
        .property("status", words(&["ok"]))
        .property("statuscode", number().enum_values(Some([code])))
        .property("message", words(&["OK"]));
    in_envelope(with_totals(meta, version))
}

fn failure(version: Version) -> Schema {
    let message = ObjectBuilder::new()
        .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
        .description(Some("For programs; `null` where the data tells it"));
    let meta = object()
        .property("status", words(&["failure"]))
        .property("statuscode", number())
        .property("message", message)
        .property("hint", text("For people: what to do about it"));
    // The old envelope, of wrong credentials and unknown paths, knows no totals.
    in_envelope(with_totals(meta, version))
}

fn in_envelope(meta: ObjectBuilder) -> Schema {
    let meta = ["status", "statuscode", "message"].into_iter().fold(meta, ObjectBuilder::required);
    let inner =
        object().property("meta", closed(meta)).property("data", any()).required("meta").required("data");
    object().property("ocs", inner).required("ocs").build().into()
}

fn with_totals(meta: ObjectBuilder, version: Version) -> ObjectBuilder {
    let when = match version {
        Version::V1 => "Empty unless `limit` was sent",
        Version::V2 => "There when `limit` was sent",
    };
    meta.property("totalitems", text(when)).property("itemsperpage", text(when))
}

/// An answer that was given before anybody looked at the call.
fn problem() -> Schema {
    let problem = object()
        .property("message", text("What is wrong"))
        .property("hint", text("What to do about it"))
        .required("message");
    closed(problem)
}

/// Nothing to say.
pub(super) fn nothing() -> Schema {
    ArrayBuilder::new().items(RefOr::T(any())).max_items(Some(0)).build().into()
}

/// A list of texts.
pub(super) fn list() -> Schema {
    ArrayBuilder::new().items(RefOr::T(string())).build().into()
}

/// A list of texts under a name.
pub(super) fn named_list(name: &str) -> Schema {
    closed(object().property(name, list()).required(name))
}

/// Another `data` in `data`.
pub(super) fn wrapped(inner: impl Into<RefOr<Schema>>) -> Schema {
    closed(object().property("data", inner).required("data"))
}

/// Users by id.
pub(super) fn details() -> Schema {
    let short = closed(object().property("id", string()).required("id"));
    let one = one_of(vec![user(), short.into()]);
    let map = map_of(one);
    closed(object().property("users", map).required("users"))
}

/// A list of groups under a name.
pub(super) fn groups() -> Schema {
    let list = ArrayBuilder::new().items(Ref::from_schema_name("Group"));
    closed(object().property("groups", list).required("groups"))
}

/// The id of what was created.
pub(super) fn id() -> Schema {
    closed(object().property("id", string()).required("id"))
}

/// A user.
pub(super) fn user() -> RefOr<Schema> {
    Ref::from_schema_name("User").into()
}

/// Texts by key.
pub(super) fn texts_by_key() -> Schema {
    map_of(string().into())
}

/// A text.
pub(super) fn text(description: &str) -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .description(Some(description))
        .build()
        .into()
}

/// One text of this name.
pub(super) fn named_text(name: &str) -> Schema {
    closed(object().property(name, string()).required(name))
}

pub(super) fn judged() -> Schema {
    let passed = ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    closed(
        object().property("passed", passed).property("reason", text("Why it is refused")).required("passed"),
    )
}

pub(super) fn person() -> Schema {
    let person = closed(object().property("personid", string()).required("personid"));
    closed(object().property("person", person).required("person"))
}

/// An app, and whatever its manifest holds.
pub(super) fn app() -> Schema {
    let mut app = object();
    for name in ["id", "name", "summary", "description", "version", "licence"] {
        app = app.property(name, string()).required(name);
    }
    let author = one_of(vec![string().into(), list().into()]);
    let types = ArrayBuilder::new().items(RefOr::T(string()));
    app.property("author", author)
        .property("types", types)
        .required("author")
        .required("types")
        .description(Some("And whatever else the manifest of the app holds"))
        .build()
        .into()
}

pub(super) fn capabilities() -> Schema {
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    let version = all(&[
        ("major", number().into()),
        ("minor", number().into()),
        ("micro", number().into()),
        ("string", string()),
        ("edition", string()),
        ("extendedSupport", boolean().into()),
    ]);
    let api = all(&[
        ("version", string()),
        ("AccountPropertyScopesVersion", number().into()),
        ("AccountPropertyScopesFederatedEnabled", boolean().into()),
        ("AccountPropertyScopesPublishedEnabled", boolean().into()),
    ]);
    let addresses = all(&[("generate", string()), ("validate", string())]);
    let policy = all(&[
        ("minLength", number().into()),
        ("enforceNonCommonPassword", boolean().into()),
        ("enforceNumericCharacters", boolean().into()),
        ("enforceSpecialCharacters", boolean().into()),
        ("enforceUpperLowerCase", boolean().into()),
        ("api", addresses),
    ]);
    let capabilities = closed(
        object()
            .property("provisioning_api", api)
            .property("password_policy", policy)
            .required("provisioning_api"),
    );
    all(&[("version", version), ("capabilities", capabilities)])
}

pub(super) fn service() -> Schema {
    all(&["version", "website", "host", "contact", "ssl"].map(|name| (name, string())))
}

fn group() -> Schema {
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean)).into();
    all(&[
        ("id", string()),
        ("displayname", string()),
        ("usercount", number().into()),
        ("disabled", number().into()),
        ("canAdd", boolean()),
        ("canRemove", boolean()),
    ])
}

fn user_itself() -> Schema {
    let of =
        |name: &str| ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).description(Some(name));
    let or_null = || ObjectBuilder::new().schema_type(SchemaType::from_iter([Type::String, Type::Null]));
    let boolean = || ObjectBuilder::new().schema_type(SchemaType::Type(Type::Boolean));
    let mut user = object()
        .property("enabled", boolean().description(Some("Told to those who administer the user")))
        .property("id", string())
        .property("firstLoginTimestamp", number().description(Some("Seconds since 1970; 0: never")))
        .property("lastLoginTimestamp", number().description(Some("Seconds since 1970; 0: never")))
        .property("lastLogin", number().description(Some("Milliseconds since 1970; 0: never")))
        .property("backend", of("`Database` for local users, otherwise the id of the backend"))
        .property("subadmin", list())
        .property("quota", quota())
        .property("email", or_null())
        .property("additional_mail", list())
        .property("additional_mailScope", list())
        .property("groups", list())
        .property("notify_email", or_null())
        .property(
            "backendCapabilities",
            all(&[("setDisplayName", boolean().into()), ("setPassword", boolean().into())]),
        );
    for name in [
        "id",
        "firstLoginTimestamp",
        "lastLoginTimestamp",
        "lastLogin",
        "backend",
        "subadmin",
        "quota",
        "email",
        "additional_mail",
        "groups",
        "notify_email",
        "backendCapabilities",
    ] {
        user = user.required(name);
    }
    let texts = ["manager", "displayname", "display-name"]
        .into_iter()
        .chain(ProfileField::scoped_texts().map(ProfileField::as_str))
        .chain(["language", "locale", "timezone", "storageLocation"]);
    for name in texts {
        user = user.property(name, string()).required(name);
    }
    for name in ProfileField::scoped() {
        let scope = words(&["v2-private", "v2-local", "v2-federated", "v2-published"]);
        user = user.property(format!("{name}Scope"), scope);
    }
    closed(user.description(Some("The names that end in `Scope` are told to oneself only")))
}

fn quota() -> Schema {
    let bytes =
        one_of(vec![number().description(Some("Bytes; -3: unlimited")).into(), words(&["none"]).into()]);
    closed(
        object()
            .property("quota", bytes)
            .property("used", number())
            .property("free", number())
            .property("total", number())
            .property("relative", ObjectBuilder::new().schema_type(SchemaType::Type(Type::Number)))
            .required("quota")
            .required("used")
            .description(Some("Who has never signed in has `quota` and `used` only")),
    )
}

fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Object))
}

fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::Integer))
}

fn string() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).build().into()
}

fn any() -> Schema {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).build().into()
}

/// One of these.
pub(super) fn words(words: &[&str]) -> Schema {
    ObjectBuilder::new()
        .schema_type(SchemaType::Type(Type::String))
        .enum_values(Some(words.iter().copied()))
        .build()
        .into()
}

fn closed(object: ObjectBuilder) -> Schema {
    object.additional_properties(Some(AdditionalProperties::<Schema>::FreeForm(false))).build().into()
}

/// An object with all of these and nothing else.
fn all(properties: &[(&str, Schema)]) -> Schema {
    let with = |object: ObjectBuilder, (name, schema): &(&str, Schema)| {
        object.property(*name, schema.clone()).required(*name)
    };
    closed(properties.iter().fold(object(), with))
}

fn map_of(value: RefOr<Schema>) -> Schema {
    let map = object().additional_properties(Some(AdditionalProperties::RefOr(value))).build();
    let some = Schema::from(map);
    OneOfBuilder::new().item(some).item(nothing()).build().into()
}
