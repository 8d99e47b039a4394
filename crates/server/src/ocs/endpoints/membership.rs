//! Users in groups, and users over groups.

use accounts::{AccountsError, GroupFilter, GroupId, User};

use super::Call;
use super::groups::as_details;
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};
use crate::settings::MayAdd;

/// `GET /cloud/users/{user}/groups`
pub(super) async fn groups(call: &Call<'_>) -> Result<Answer, Failure> {
    let groups = visible_groups(call).await?;
    Ok(Data::one("groups", Data::list(groups.iter().map(GroupId::as_str))).into())
}

/// `GET /cloud/users/{user}/groups/details`
pub(super) async fn groups_details(call: &Call<'_>) -> Result<Answer, Failure> {
    let groups = visible_groups(call).await?;
    Ok(Data::one("groups", details_of(call, &groups).await?).into())
}

/// `POST /cloud/users/{user}/groups`
pub(super) async fn add(call: &Call<'_>) -> Result<Answer, Failure> {
    let (group, user) = group_and_user(call).await?;
    let caller = call.caller()?;
    if !caller.may_administer(&group) {
        return Err(Failure::bare(104));
    }
    // The original lets a sub-admin take in anybody at all; the settings can narrow that. Then nobody whom the sub-admin does
    // not administer already is told from somebody who does not exist.
    let narrow = call.app.settings().sub_admins_may_add == MayAdd::Accessible;
    if narrow && !call.is_over(&user).await? {
        return Err(NOBODY);
    }
    let added = call.accounts()?.groups().add_member(&group, &user.id).await;
    added.map_err(|error| gone(error, Failure::bare(102), NOBODY))?;
    Ok(Answer::NOTHING)
}

/// `DELETE /cloud/users/{user}/groups`
pub(super) async fn remove(call: &Call<'_>) -> Result<Answer, Failure> {
    let (group, user) = group_and_user(call).await?;
    let caller = call.caller()?;
    if !caller.may_administer(&group) {
        return Err(Failure::bare(104));
    }
    let oneself = user.id == *caller.id();
    if oneself && caller.is_admin() && group.is_admin() {
        return Err(Failure::of_endpoint(105, "Cannot remove yourself from the admin group"));
    }
    if oneself && !caller.is_admin() {
        return Err(Failure::of_endpoint(
            105,
            "Cannot remove yourself from this group as you are a SubAdmin",
        ));
    }
    if !caller.is_admin() {
        let of_user = call.app.accounts().groups().of_user(&user.id).await?;
        if !caller.is_over(&of_user) {
            return Err(NOBODY);
        }
        let common: Vec<&GroupId> =
            of_user.iter().filter(|group| caller.administers().contains(group)).collect();
        // Who leaves the last common group would be out of the caller's reach.
        if common == [&group] {
            let text = "Not viable to remove user from the last group you are SubAdmin of";
            return Err(Failure::of_endpoint(105, text));
        }
    }
    match call.accounts()?.groups().remove_member(&group, &user.id).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(AccountsError::LastAdmin) => {
            Err(Failure::of_endpoint(105, "Cannot remove the last administrator from the admin group"))
        }
        Err(error) => Err(gone(error, Failure::bare(102), NOBODY)),
    }
}

/// `GET /cloud/users/{user}/subadmins`
pub(super) async fn subadmins(call: &Call<'_>) -> Result<Answer, Failure> {
    let groups = administered(call).await?;
    Ok(Data::list(groups.iter().map(GroupId::as_str)).into())
}

/// `GET /cloud/users/{user}/subadmins/details`
pub(super) async fn subadmins_details(call: &Call<'_>) -> Result<Answer, Failure> {
    let groups = administered(call).await?;
    Ok(Data::one("groups", details_of(call, &groups).await?).into())
}

/// `POST /cloud/users/{user}/subadmins`
pub(super) async fn promote(call: &Call<'_>) -> Result<Answer, Failure> {
    let group = call.params.required("groupid")?;
    let user = call.named_user().await?.ok_or(NO_USER)?;
    let group =
        existing(call, group).await?.ok_or_else(|| Failure::of_endpoint(102, "Group does not exist"))?;
    if group.is_admin() {
        return Err(Failure::of_endpoint(103, "Cannot create subadmins for admin group"));
    }
    let added = call.accounts()?.groups().add_subadmin(&group, &user.id).await;
    added.map_err(|error| gone(error, Failure::of_endpoint(102, "Group does not exist"), NO_USER))?;
    Ok(Answer::NOTHING)
}

/// `DELETE /cloud/users/{user}/subadmins`
pub(super) async fn demote(call: &Call<'_>) -> Result<Answer, Failure> {
    let group = call.params.required("groupid")?;
    let user = call.named_user().await?.ok_or(NO_USER)?;
    let group =
        existing(call, group).await?.ok_or_else(|| Failure::of_endpoint(101, "Group does not exist"))?;
    let removed = call.accounts()?.groups().remove_subadmin(&group, &user.id).await;
    if !removed.map_err(|error| gone(error, Failure::of_endpoint(101, "Group does not exist"), NO_USER))? {
        return Err(Failure::of_endpoint(102, "User is not a subadmin of this group"));
    }
    Ok(Answer::NOTHING)
}

/// What is answered when group or user was deleted after somebody looked.
fn gone(error: AccountsError, group: Failure, user: Failure) -> Failure {
    match error {
        AccountsError::NotFound { what: "group", .. } => group,
        AccountsError::NotFound { .. } => user,
        error => error.into(),
    }
}

/// There is no such user, or the caller may not know.
const NOBODY: Failure = Failure::bare(103);

const NO_USER: Failure = Failure::fixed(101, "User does not exist");

/// The groups of the user that the path names, as far as the caller may know them.
async fn visible_groups(call: &Call<'_>) -> Result<Vec<GroupId>, Failure> {
    let caller = call.caller()?;
    let user = call.named_user().await?.ok_or_else(Failure::hidden)?;
    let groups = call.app.accounts().groups().of_user(&user.id).await?;
    if user.id == *caller.id() || caller.is_admin() {
        return Ok(groups);
    }
    if !caller.is_over(&groups) {
        return Err(Failure::hidden());
    }
    Ok(groups.into_iter().filter(|group| caller.administers().contains(group)).collect())
}

/// The groups that the user whom the path names administers.
async fn administered(call: &Call<'_>) -> Result<Vec<GroupId>, Failure> {
    let absent = || Failure::new(Code::ABSENT, "User does not exist");
    let user = call.named_user().await?.ok_or_else(absent)?;
    Ok(call.app.accounts().groups().subadmin_groups_of(&user.id).await?)
}

/// The group of the parameter and the user of the path: 101 when no group is named, 102 and 103 when one does not exist.
async fn group_and_user(call: &Call<'_>) -> Result<(GroupId, User), Failure> {
    let group = call.params.text("groupid")?.unwrap_or_default().trim();
    if group.is_empty() {
        return Err(Failure::bare(101));
    }
    let group = existing(call, group).await?.ok_or(Failure::bare(102))?;
    let user = call.named_user().await?.ok_or(NOBODY)?;
    Ok((group, user))
}

async fn existing(call: &Call<'_>, id: &str) -> Result<Option<GroupId>, Failure> {
    let Ok(id) = GroupId::parse(id) else { return Ok(None) };
    Ok(call.app.accounts().groups().exists(&id).await?.then_some(id))
}

async fn details_of(call: &Call<'_>, wanted: &[GroupId]) -> Result<Data, Failure> {
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
