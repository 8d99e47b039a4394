//! Users in groups, and users over groups.

use accounts::{AccountsError, Details, GroupFilter, GroupId};

use crate::auth::proof::Requirement;
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::docs::{ParamDoc, ResponseDoc, TextForm};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::groups::as_details;
use crate::provisioning::operation::{Operation, operation};
use crate::provisioning::scope::TokenScope;
use crate::settings::SubAdminScope;

const GROUP: &[ParamDoc] = &[ParamDoc::text("groupid", "The group").form(TextForm::GROUP).required()];

// The codes of putting a user into a group and taking one out.
const NO_GROUP_NAMED: Code = Code::of_endpoint(101);
const NO_GROUP: Code = Code::of_endpoint(102);
const NO_USER: Code = Code::of_endpoint(103);
const NOT_ADMINISTERED: Code = Code::of_endpoint(104);
const NOT_REMOVABLE: Code = Code::of_endpoint(105);

// The codes of promoting a user to a sub-admin, and of ending that.
const NO_USER_OR_GROUP: Code = Code::of_endpoint(101);
const PROMOTE_NO_GROUP: Code = Code::of_endpoint(102);
const NO_SUB_ADMIN: Code = Code::of_endpoint(102);
const ADMIN_GROUP: Code = Code::of_endpoint(103);

/// `GET /cloud/users/{user}/groups`
pub(crate) const GROUPS: Operation =
    operation!("UserGroups", Users, "Lists the groups that a user is in", named_list("groups"), groups(call))
        .more("Sub-admins see those that they administer.")
        .codes(&[HIDDEN]);

async fn groups(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let groups = visible_groups(call).await?;
    Ok(Data::one("groups", Data::list(groups.iter().map(GroupId::as_str))).into())
}

/// `GET /cloud/users/{user}/groups/details`
pub(crate) const GROUPS_DETAILS: Operation = operation!(
    "UserGroupsDetails",
    Users,
    "Lists the groups that a user is in, with their counts",
    groups(),
    groups_details(call)
)
.codes(&[HIDDEN]);

async fn groups_details(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let groups = visible_groups(call).await?;
    Ok(Data::one("groups", details_of(call, &groups).await?).into())
}

/// `POST /cloud/users/{user}/groups`
pub(crate) const ADD: Operation =
    operation!("UserGroupAdd", Users, "Adds a user to a group", nothing(), add(call))
        .more("Twice is as good as once.")
        .params(GROUP)
        .codes(&[
            (NO_GROUP_NAMED, "no group was named"),
            (NO_GROUP, "unknown group"),
            (NO_USER, "unknown user, or one whom you may not add"),
            (NOT_ADMINISTERED, "you do not administer the group"),
        ]);

async fn add(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let (group, details) = group_and_user(call).await?;
    let caller = call.caller()?;
    if !caller.may_administer(&group) {
        return Err(OcsFailure::bare(NOT_ADMINISTERED));
    }
    // The original lets a sub-admin add any user; here the settings must allow that. Otherwise a
    // user whom the sub-admin does not administer gets the answer of one who does not exist.
    let narrow = call.app.settings().sub_admins_may_add == SubAdminScope::Accessible;
    if narrow && !caller.is_over(&details) {
        return Err(UNKNOWN_USER);
    }
    if group.is_admin() {
        call.prove(Requirement::RecentPassword, TokenScope::Admin)?;
    }
    let accounts = call.accounts()?;
    let added = if narrow {
        accounts.groups().add_member(&group, &details.user.id).await
    } else {
        accounts.groups().add_any_user(&group, &details.user.id).await
    };
    added.map_err(|error| gone(error, OcsFailure::bare(NO_GROUP), UNKNOWN_USER))?;
    Ok(OcsAnswer::NOTHING)
}

/// `DELETE /cloud/users/{user}/groups`
pub(crate) const REMOVE: Operation =
    operation!("UserGroupRemove", Users, "Removes a user from a group", nothing(), remove(call))
        .params(GROUP)
        .codes(&[
            (NO_GROUP_NAMED, "no group was named"),
            (NO_GROUP, "unknown group"),
            (NO_USER, "unknown user, or not visible to you"),
            (NOT_ADMINISTERED, "you do not administer the group"),
            (
                NOT_REMOVABLE,
                "oneself, the last administrator, or the last group in which you administer the user",
            ),
        ]);

async fn remove(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let (group, details) = group_and_user(call).await?;
    let caller = call.caller()?;
    if !caller.may_administer(&group) {
        return Err(OcsFailure::bare(NOT_ADMINISTERED));
    }
    let oneself = details.user.id == *caller.id();
    if oneself && caller.is_admin() && group.is_admin() {
        return Err(OcsFailure::new(NOT_REMOVABLE, "Cannot remove yourself from the admin group"));
    }
    if oneself && !caller.is_admin() {
        return Err(OcsFailure::new(
            NOT_REMOVABLE,
            "Cannot remove yourself from this group as you are a SubAdmin",
        ));
    }
    if !caller.is_admin() {
        if !caller.is_over(&details) {
            return Err(UNKNOWN_USER);
        }
        let common: Vec<&GroupId> =
            details.groups.iter().filter(|group| caller.administers().contains(group)).collect();
        // Who leaves the last common group would be out of the caller's reach.
        if common == [&group] {
            let text = "Not viable to remove user from the last group you are SubAdmin of";
            return Err(OcsFailure::new(NOT_REMOVABLE, text));
        }
    }
    if group.is_admin() {
        call.prove(Requirement::RecentPassword, TokenScope::Admin)?;
    }
    match call.accounts()?.groups().remove_member(&group, &details.user.id).await {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::LastAdmin) => {
            Err(OcsFailure::new(NOT_REMOVABLE, "Cannot remove the last administrator from the admin group"))
        }
        Err(error) => Err(gone(error, OcsFailure::bare(NO_GROUP), UNKNOWN_USER)),
    }
}

/// `GET /cloud/users/{user}/subadmins`
const NO_SUCH_USER_HERE: &[ResponseDoc] = &[(Code::ABSENT, "unknown user")];

pub(crate) const SUB_ADMIN_OF: Operation = operation!(
    "UserSubAdmins",
    Users,
    "Lists the groups that a user administers",
    list(),
    sub_admin_of(call)
)
.codes(NO_SUCH_USER_HERE);

async fn sub_admin_of(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let groups = administered(call).await?;
    Ok(Data::list(groups.iter().map(GroupId::as_str)).into())
}

/// `GET /cloud/users/{user}/subadmins/details`
pub(crate) const SUB_ADMIN_OF_DETAILS: Operation = operation!(
    "UserSubAdminsDetails",
    Users,
    "Lists the groups that a user administers, with their counts",
    groups(),
    sub_admin_of_details(call)
)
.codes(NO_SUCH_USER_HERE);

async fn sub_admin_of_details(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let groups = administered(call).await?;
    Ok(Data::one("groups", details_of(call, &groups).await?).into())
}

/// `POST /cloud/users/{user}/subadmins`
pub(crate) const PROMOTE: Operation =
    operation!("UserSubAdminAdd", Users, "Makes a user a sub-admin of a group", nothing(), promote(call))
        .params(GROUP)
        .codes(&[
            (NO_USER_OR_GROUP, "unknown user"),
            (PROMOTE_NO_GROUP, "unknown group"),
            (ADMIN_GROUP, "the group admin cannot have sub-admins"),
        ]);

async fn promote(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let group = call.params.required("groupid")?;
    let user = call.named_user().await?.ok_or(NO_SUCH_USER)?;
    let group = existing(call, group)
        .await?
        .ok_or_else(|| OcsFailure::new(PROMOTE_NO_GROUP, "Group does not exist"))?;
    if group.is_admin() {
        return Err(OcsFailure::new(ADMIN_GROUP, "Cannot create subadmins for admin group"));
    }
    let added = call.accounts()?.groups().add_subadmin(&group, &user.id).await;
    added.map_err(|error| {
        gone(error, OcsFailure::new(PROMOTE_NO_GROUP, "Group does not exist"), NO_SUCH_USER)
    })?;
    Ok(OcsAnswer::NOTHING)
}

/// `DELETE /cloud/users/{user}/subadmins`
pub(crate) const DEMOTE: Operation =
    operation!("UserSubAdminRemove", Users, "Removes a sub-admin from a group", nothing(), demote(call))
        .params(GROUP)
        .codes(&[
            (NO_USER_OR_GROUP, "unknown user or group"),
            (NO_SUB_ADMIN, "the user does not administer it"),
        ]);

async fn demote(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let group = call.params.required("groupid")?;
    let user = call.named_user().await?.ok_or(NO_SUCH_USER)?;
    let group = existing(call, group)
        .await?
        .ok_or_else(|| OcsFailure::new(NO_USER_OR_GROUP, "Group does not exist"))?;
    let removed = call.accounts()?.groups().remove_subadmin(&group, &user.id).await;
    if !removed.map_err(|error| {
        gone(error, OcsFailure::new(NO_USER_OR_GROUP, "Group does not exist"), NO_SUCH_USER)
    })? {
        return Err(OcsFailure::new(NO_SUB_ADMIN, "User is not a subadmin of this group"));
    }
    Ok(OcsAnswer::NOTHING)
}

/// The response if group or user was deleted since the look-up.
fn gone(error: AccountsError, group: OcsFailure, user: OcsFailure) -> OcsFailure {
    match error {
        AccountsError::NotFound { what: "group", .. } => group,
        AccountsError::NotFound { .. } => user,
        error if !error.is_for_admins() && matches!(error, AccountsError::Forbidden { .. }) => user,
        error => error.into(),
    }
}

/// There is no such user, or the caller may not know.
const UNKNOWN_USER: OcsFailure = OcsFailure::bare(NO_USER);

/// The answer to a promotion or its end, where there is no such user.
const NO_SUCH_USER: OcsFailure = OcsFailure::fixed(NO_USER_OR_GROUP, "User does not exist");

/// The groups of the user that the path names, as far as the caller may know them.
async fn visible_groups(call: &Call<'_>) -> Result<Vec<GroupId>, OcsFailure> {
    let caller = call.caller()?;
    let details = call.visible_details().await?;
    if details.user.id == *caller.id() || caller.is_admin() {
        return Ok(details.groups);
    }
    Ok(details.groups.into_iter().filter(|group| caller.administers().contains(group)).collect())
}

/// The groups that the user whom the path names administers.
async fn administered(call: &Call<'_>) -> Result<Vec<GroupId>, OcsFailure> {
    let absent = || OcsFailure::new(Code::ABSENT, "User does not exist");
    let user = call.named_user().await?.ok_or_else(absent)?;
    Ok(call.app.accounts().groups().subadmin_groups_of(&user.id).await?)
}

/// The group of the parameter and the user of the path.
///
/// Code 101 when no group is named, 102 when the group does not exist, 103 when the user does not.
async fn group_and_user(call: &Call<'_>) -> Result<(GroupId, Details), OcsFailure> {
    let group = call.params.text("groupid")?.unwrap_or_default().trim();
    if group.is_empty() {
        return Err(OcsFailure::bare(NO_GROUP_NAMED));
    }
    let group = existing(call, group).await?.ok_or(OcsFailure::bare(NO_GROUP))?;
    let details = call.named_details().await?.ok_or(UNKNOWN_USER)?;
    Ok((group, details))
}

async fn existing(call: &Call<'_>, id: &str) -> Result<Option<GroupId>, OcsFailure> {
    let Ok(id) = GroupId::parse(id) else { return Ok(None) };
    Ok(call.app.accounts().groups().exists(&id).await?.then_some(id))
}

async fn details_of(call: &Call<'_>, wanted: &[GroupId]) -> Result<Data, OcsFailure> {
    let mut list = Vec::new();
    if wanted.len() > 50 {
        let all = call.app.accounts().groups().list(&GroupFilter::new()).await?;
        list.extend(all.iter().filter(|group| wanted.contains(&group.id)).map(as_details));
        return Ok(Data::List(list));
    }
    for id in wanted {
        list.extend(call.app.accounts().groups().find(id).await?.as_ref().map(as_details));
    }
    Ok(Data::List(list))
}
