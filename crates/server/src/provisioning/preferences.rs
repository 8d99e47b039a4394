//! What users set for themselves: no app of this server has settings that people may change this way, and the answers are
//! those of an installation where no app allows it.

use super::call::Call;
use super::docs::{Kind, Param, ResponseDoc, Tag};
use super::envelope::code::Code;
use super::envelope::{Answer, Failure};
use super::operation::Operation;
use super::schema;

const NOT_ALLOWED: &[ResponseDoc] = &[(Code::BAD_REQUEST, "no app here has settings of this kind")];

/// `POST …/config/users/{app}/{key}`
pub(crate) const SET: Operation = Operation::new(
    "PreferenceSet",
    Tag::Settings,
    "Sets a preference of one's own",
    || schema::nothing().into(),
    |call| Box::pin(set(call)),
)
.params(&[Param::text("configValue", "The value").required()])
.codes(NOT_ALLOWED);

async fn set(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.required("configValue")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}/{key}`
pub(crate) const DELETE: Operation = Operation::new(
    "PreferenceDelete",
    Tag::Settings,
    "Takes a preference of one's own away",
    || schema::nothing().into(),
    |call| Box::pin(delete(call)),
)
.codes(NOT_ALLOWED);

async fn delete(_: &Call<'_>) -> Result<Answer, Failure> {
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `POST …/config/users/{app}`
pub(crate) const SET_SEVERAL: Operation = Operation::new(
    "PreferencesSet",
    Tag::Settings,
    "Sets preferences of one's own",
    || schema::nothing().into(),
    |call| Box::pin(set_several(call)),
)
.params(&[Param::new("configs", Kind::Map, "The values by key")])
.codes(NOT_ALLOWED);

async fn set_several(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.text_map("configs")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}

/// `DELETE …/config/users/{app}`
pub(crate) const DELETE_SEVERAL: Operation = Operation::new(
    "PreferencesDelete",
    Tag::Settings,
    "Takes preferences of one's own away",
    || schema::nothing().into(),
    |call| Box::pin(delete_several(call)),
)
.params(&[Param::new("configKeys", Kind::List, "The keys")])
.codes(NOT_ALLOWED);

async fn delete_several(call: &Call<'_>) -> Result<Answer, Failure> {
    call.params.texts("configKeys")?;
    Err(Failure::new(Code::BAD_REQUEST, ""))
}
