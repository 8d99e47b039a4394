//! Preferences of users, none of which may be changed through this API.
//!
//! No app of this server allows it. The responses are those of an installation in which no app
//! does.

use super::call::Call;
use super::docs::{ParamDoc, ParamKind, ResponseDoc};
use super::envelope::code::Code;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};

const NOT_ALLOWED: &[ResponseDoc] = &[(Code::BAD_REQUEST, "no app here has settings of this kind")];

/// `POST …/config/users/{app}/{key}`
pub(crate) const SET: Operation =
    operation!("PreferenceSet", Settings, "Sets a preference of the caller", nothing(), set(call))
        .params(&[ParamDoc::text("configValue", "The value").required()])
        .codes(NOT_ALLOWED);

async fn set(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    call.params.required("configValue")?;
    Err(OcsFailure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}/{key}`
pub(crate) const DELETE: Operation =
    operation!("PreferenceDelete", Settings, "Deletes a preference of the caller", nothing(), delete(call))
        .codes(NOT_ALLOWED);

async fn delete(_: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    Err(OcsFailure::new(Code::BAD_REQUEST, ""))
}

/// `POST …/config/users/{app}`
pub(crate) const SET_SEVERAL: Operation =
    operation!("PreferencesSet", Settings, "Sets preferences of the caller", nothing(), set_several(call))
        .params(&[ParamDoc::new("configs", ParamKind::Map, "The values by key")])
        .codes(NOT_ALLOWED);

async fn set_several(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    call.params.text_map("configs")?;
    Err(OcsFailure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}`
pub(crate) const DELETE_SEVERAL: Operation = operation!(
    "PreferencesDelete",
    Settings,
    "Deletes preferences of the caller",
    nothing(),
    delete_several(call)
)
.params(&[ParamDoc::new("configKeys", ParamKind::List, "The keys")])
.codes(NOT_ALLOWED);

async fn delete_several(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    call.params.texts("configKeys")?;
    Err(OcsFailure::new(Code::BAD_REQUEST, ""))
}
