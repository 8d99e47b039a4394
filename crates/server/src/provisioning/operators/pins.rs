//! Pins: which backend owns a name.

use accounts::Pin;
use user_backend::CanonicalName;

use super::seconds;
use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ParamKind};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

const NO_NAME: Code = Code::of_endpoint(101);
const NO_BACKEND: Code = Code::of_endpoint(102);
const ONESELF: Code = Code::of_endpoint(103);

/// How many pins an answer has at most.
const MAX_PINS: u32 = 500;

/// `GET /cloud/server/pins`
pub(crate) const LIST: Operation =
    operation!("PinList", Operators, "Lists which backend owns which name, by name", pins(), list(call))
        .params(&[
            ParamDoc::text("name", "Only this name"),
            ParamDoc::text("backend", "Only names of this backend, which need not exist any more"),
            ParamDoc::text("after", "Only names after this one"),
            ParamDoc::new("limit", ParamKind::Count, "Maximum number; at most 500"),
        ])
        .codes(&[(NO_NAME, "that cannot be a name"), (NO_BACKEND, "that cannot be the id of a backend")]);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let params = call.params;
    let (only, after) = (name(params.text("name")?)?, name(params.text("after")?)?);
    let backend = params.text("backend")?.map(str::trim).filter(|id| !id.is_empty());
    let backend = backend.map(user_backend::BackendId::parse).transpose();
    let backend = backend.map_err(|_| OcsFailure::bare(NO_BACKEND))?;
    let limit = params.number("limit")?.and_then(|limit| u32::try_from(limit).ok());
    let limit = limit.unwrap_or(MAX_PINS).min(MAX_PINS);
    let pins = call.app.accounts().pins();
    let found = match only {
        Some(only) => pins.find(&only).await?.into_iter().collect(),
        None => pins.list(backend.as_ref(), after.as_ref(), limit).await?,
    };
    Ok(Data::one("pins", Data::List(found.iter().map(as_data).collect())).into())
}

fn as_data(pin: &Pin) -> Data {
    Data::map([
        ("name", Data::from(pin.name.as_str())),
        ("backend", pin.backend.as_str().into()),
        ("since", seconds(Some(pin.since))),
    ])
}

/// `PUT /cloud/server/pins`
pub(crate) const REBIND: Operation = operation!(
    "PinRebind",
    Operators,
    "Gives a name to another backend, which decides from now on who this user is",
    nothing(),
    rebind(call)
)
.more("Everything the user is signed in with ends. A user who leaves `local` loses the local password.")
.params(&[
    ParamDoc::text("name", "The name").required(),
    ParamDoc::text("backend", "The id of a backend; empty: the next one that accepts the name").required(),
])
.codes(&[
    (NO_NAME, "that cannot be a name"),
    (NO_BACKEND, "there is no such backend"),
    (ONESELF, "your own name; another administrator, or `occ pin:rebind`, can change it"),
]);

async fn rebind(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let wanted = name(Some(call.params.once("name")?))?.ok_or(OcsFailure::bare(NO_NAME))?;
    let backend = Some(call.params.once("backend")?.trim()).filter(|id| !id.is_empty());
    let backend = backend.map(|id| call.app.backend(id).ok_or(OcsFailure::bare(NO_BACKEND))).transpose()?;
    // An administrator who gives away their own name would be locked out.
    if *call.caller()?.id().name() == wanted {
        return Err(OcsFailure::bare(ONESELF));
    }
    call.accounts()?.pins().rebind(&wanted, backend.as_ref()).await?;
    Ok(OcsAnswer::NOTHING)
}

fn name(typed: Option<&str>) -> Result<Option<CanonicalName>, OcsFailure> {
    let typed = typed.map(str::trim).filter(|typed| !typed.is_empty());
    typed.map(CanonicalName::parse).transpose().map_err(|_| OcsFailure::bare(NO_NAME))
}
