//! One user, and the caller.

use accounts::Details;

use super::representation::{Viewer, shown};
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

/// `GET /cloud/users/{user}`
pub(crate) const GET: Operation =
    operation!("UserGet", Users, "Returns all data of a user", user(), get(call))
        .codes(&[(Code::ABSENT, "unknown user (only for administrators)"), HIDDEN]);

async fn get(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let caller = call.caller()?;
    let Some(details) = call.named_details().await? else {
        // Only an administrator learns which ids there are.
        return Err(if caller.is_admin() {
            OcsFailure::new(Code::ABSENT, "User does not exist")
        } else {
            OcsFailure::hidden()
        });
    };
    if !caller.may_see(&details) {
        return Err(OcsFailure::hidden());
    }
    let own = details.user.id == *caller.id();
    let exact = own && call.captures.get("user") == details.user.id.as_str();
    let viewer = if caller.is_over(&details) {
        Viewer::Superior { own: exact }
    } else {
        Viewer::Oneself { scopes: exact }
    };
    Ok(shown(&details, viewer, &call.app.settings()).into())
}

/// `GET /cloud/user`
pub(crate) const SELF: Operation =
    operation!("UserSelf", Users, "Returns all data of the caller", user(), own(call))
        .codes(&[(Code::NOT_FOUND, "you were deleted a moment ago")]);

async fn own(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let caller = call.caller()?;
    let details: Details = call.app.accounts().users().details(caller.id()).await?;
    let viewer = if caller.is_over(&details) {
        Viewer::Superior { own: true }
    } else {
        Viewer::Oneself { scopes: true }
    };
    Ok(shown(&details, viewer, &call.app.settings()).into())
}
