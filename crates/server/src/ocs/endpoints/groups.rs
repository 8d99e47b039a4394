//! Groups.

use accounts::{AccountsError, Group, GroupDisplayName, GroupFilter, GroupId, UserFilter, UserId};

use super::list::{list_details, list_ids};
use super::{Call, Range};
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};
use crate::ocs::xml::can_carry;

const NOT_FOUND: &str = "The requested group could not be found";

/// `GET /cloud/groups`
pub(super) async fn list(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = call.range()?;
    let filter = narrowed(&range);
    let groups = call.app.accounts().groups().ids(&filter).await?;
    let data = Data::one("groups", Data::list(groups.iter().map(GroupId::as_str)));
    with_total(call, data, &filter, &range).await
}

/// `GET /cloud/groups/details`
pub(super) async fn details(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = call.range()?;
    let filter = narrowed(&range);
    let groups = call.app.accounts().groups().list(&filter).await?;
    let data = Data::one("groups", Data::List(groups.iter().map(as_details).collect()));
    with_total(call, data, &filter, &range).await
}

/// `GET /cloud/groups/{group}` and `/users`
pub(super) async fn users(call: &Call<'_>) -> Result<Answer, Failure> {
    let caller = call.caller()?;
    let group = call.named_group().await?;
    let Some(group) = group else {
        // Whoever administers nothing does not learn which groups there are.
        return Err(if caller.is_admin() || !caller.administers().is_empty() {
            Failure::new(Code::ABSENT, NOT_FOUND)
        } else {
            Failure::new(Code::FORBIDDEN, "")
        });
    };
    if !caller.may_administer(&group) {
        return Err(Failure::new(Code::FORBIDDEN, ""));
    }
    let all = Range { search: String::new(), limit: None, offset: 0 };
    list_ids(call, UserFilter::new().group(group), &all).await
}

/// `GET /cloud/groups/{group}/users/details`
pub(super) async fn users_details(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = call.range()?;
    let caller = call.caller()?;
    let group = call.named_group().await?.filter(|group| caller.may_administer(group));
    let group = group.ok_or_else(|| Failure::new(Code::NOT_FOUND, NOT_FOUND))?;
    list_details(call, UserFilter::new().group(group), &range).await
}

/// `GET /cloud/groups/{group}/subadmins`
pub(super) async fn subadmins(call: &Call<'_>) -> Result<Answer, Failure> {
    let missing = || Failure::of_endpoint(101, "Group does not exist");
    let group = call.named_group().await?.ok_or_else(missing)?;
    let users = call.app.accounts().groups().subadmins(&group).await?;
    Ok(Data::list(users.iter().map(UserId::as_str)).into())
}

/// `POST /cloud/groups`
pub(super) async fn create(call: &Call<'_>) -> Result<Answer, Failure> {
    let invalid = || Failure::of_endpoint(101, "Invalid group name");
    let id = call.params.text("groupid")?.unwrap_or_default();
    // A group called 0 is nothing to PHP, and clients know that.
    let id = GroupId::parse(id).ok().filter(|id| id.as_str() != "0" && can_carry(id.as_str()));
    let id = id.ok_or_else(invalid)?;
    let name = call.params.text("displayname")?;
    if name.is_some_and(|name| !can_carry(name)) {
        return Err(invalid());
    }
    let name = name.map(GroupDisplayName::parse_optional).transpose().map_err(|_| invalid())?.flatten();
    match call.accounts()?.groups().create(&id, name).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(AccountsError::AlreadyExists { .. }) => Err(Failure::of_endpoint(102, "group exists")),
        Err(error) => Err(error.into()),
    }
}

/// `PUT /cloud/groups/{group}`
pub(super) async fn edit(call: &Call<'_>) -> Result<Answer, Failure> {
    let key = call.params.once("key")?;
    let value = call.params.once("value")?;
    if key != "displayname" {
        return Err(Failure::new(Code::UNKNOWN, ""));
    }
    let missing = || Failure::new(Code::NOT_FOUND, NOT_FOUND);
    let group = call.named_group().await?.ok_or_else(missing)?;
    let invalid = || Failure::of_endpoint(101, "Invalid group name");
    if !can_carry(value) {
        return Err(invalid());
    }
    let name = GroupDisplayName::parse_optional(value).map_err(|_| invalid())?;
    match call.accounts()?.groups().rename(&group, name).await {
        Ok(()) => Ok(Answer::NOTHING),
        Err(AccountsError::NotFound { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /cloud/groups/{group}`
pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Failure> {
    let group = call.named_group().await?.ok_or(Failure::bare(101))?;
    match call.accounts()?.groups().delete(&group).await {
        Ok(()) => Ok(Answer::NOTHING),
        Err(AccountsError::NotFound { .. }) => Err(Failure::bare(101)),
        Err(AccountsError::Protected { .. }) => Err(Failure::bare(102)),
        Err(error) => Err(error.into()),
    }
}

/// A group with its counts.
pub(super) fn as_details(group: &Group) -> Data {
    let number = |count: u64| Data::Int(i64::try_from(count).unwrap_or(i64::MAX));
    Data::map([
        ("id", Data::from(group.id.as_str())),
        ("displayname", group.display_name_or_id().into()),
        ("usercount", number(group.members)),
        ("disabled", number(group.disabled)),
        ("canAdd", true.into()),
        ("canRemove", true.into()),
    ])
}

fn narrowed(range: &Range) -> GroupFilter {
    let filter = GroupFilter::new().search(&range.search).offset(range.offset);
    match range.limit {
        Some(limit) => filter.limit(limit),
        None => filter,
    }
}

async fn with_total(
    call: &Call<'_>,
    data: Data,
    filter: &GroupFilter,
    range: &Range,
) -> Result<Answer, Failure> {
    let answer = Answer::from(data);
    let Some(limit) = range.limit else { return Ok(answer) };
    let total = call.app.accounts().groups().count(filter).await?;
    Ok(answer.with_total(total, limit))
}
