//! Groups.

use accounts::{AccountsError, Group, GroupDisplayName, GroupFilter, GroupId, UserId};

use super::call::{Call, RANGE, Range};
use super::docs::{ParamDoc, TextForm};
use super::operation::{Operation, operation};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};

const INVALID: Code = Code::of_endpoint(101);
const NO_GROUP: Code = Code::of_endpoint(101);
const EXISTS: Code = Code::of_endpoint(102);
const PROTECTED: Code = Code::of_endpoint(102);

const ABSENT: &str = "unknown group";

const NOT_FOUND: &str = "The requested group could not be found";

/// `GET /cloud/groups`
pub(crate) const LIST: Operation =
    operation!("GroupList", Groups, "Lists the ids of groups", named_list("groups"), list(call))
        .params(RANGE);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = call.range()?;
    let filter = narrowed(&range);
    let groups = call.app.accounts().groups().ids(&filter).await?;
    let data = Data::one("groups", Data::list(groups.iter().map(GroupId::as_str)));
    with_total(call, data, &filter, &range).await
}

/// The parameter with which a page asks for one group.
pub(crate) const ONLY: &str = "only";

/// `GET /cloud/groups/details`
pub(crate) const DETAILS: Operation =
    operation!("GroupDetails", Groups, "Lists groups with their counts", groups(), details(call))
        .params(RANGE)
        .role_refusal(
            "Logged in user must be an admin, a sub admin or gotten special right to access this setting",
        );

async fn details(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = call.range()?;
    let mut filter = narrowed(&range);
    // A page that shows one group; programs have no such parameter.
    if let Some(id) = call.params.text(ONLY)?.filter(|_| call.counted_up_to.is_some()) {
        let Ok(id) = GroupId::parse(id) else {
            return Ok(Data::one("groups", Data::List(Vec::new())).into());
        };
        filter = filter.only(id);
    }
    let groups = call.app.accounts().groups();
    let groups = match call.counted_up_to {
        None => groups.list(&filter).await?,
        Some(most) => groups.list_counted_up_to(&filter, most).await?,
    };
    let data = Data::one("groups", Data::List(groups.iter().map(as_details).collect()));
    with_total(call, data, &filter, &range).await
}

/// `GET /cloud/groups/{group}/subadmins`
pub(crate) const SUB_ADMINS: Operation =
    operation!("GroupSubAdmins", Groups, "Lists the sub-admins of a group", list(), subadmins(call))
        .codes(&[(NO_GROUP, ABSENT)]);

async fn subadmins(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let missing = || OcsFailure::new(NO_GROUP, "Group does not exist");
    let group = call.named_group().await?.ok_or_else(missing)?;
    let users = call.app.accounts().groups().subadmins(&group).await?;
    Ok(Data::list(users.iter().map(UserId::as_str)).into())
}

/// `POST /cloud/groups`
pub(crate) const CREATE: Operation =
    operation!("GroupCreate", Groups, "Creates a group", nothing(), create(call))
        .params(&[
            ParamDoc::text("groupid", "Its id; case-sensitive").form(TextForm::NEW_GROUP).required(),
            ParamDoc::text("displayname", "What it is called"),
        ])
        .codes(&[(INVALID, "invalid id or name"), (EXISTS, "the group already exists")]);

async fn create(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let invalid = || OcsFailure::new(INVALID, "Invalid group name");
    let id = call.params.text("groupid")?.unwrap_or_default();
    // A group called 0 is nothing to PHP, and clients know that.
    let wrong = |error: AccountsError| match error {
        AccountsError::Invalid { .. } if GroupId::parse(id).is_ok_and(|id| id.has_hidden()) => {
            OcsFailure::new(INVALID, "Group name must not have invisible characters")
        }
        AccountsError::Invalid { .. } if GroupId::parse(id).is_ok() => {
            OcsFailure::new(INVALID, "Group name must not end with a dot, or begin or end with @")
        }
        _ => invalid(),
    };
    let id = GroupId::for_new(id).map_err(wrong)?;
    if id.as_str() == "0" {
        return Err(invalid().with_hint(ZERO));
    }
    if !can_carry(id.as_str()) {
        return Err(invalid());
    }
    let name = call.params.text("displayname")?;
    if name.is_some_and(|name| !can_carry(name)) {
        return Err(invalid());
    }
    let name = name.map(GroupDisplayName::parse_optional).transpose().map_err(|_| invalid())?.flatten();
    match call.accounts()?.groups().create(&id, name).await {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::AlreadyExists { .. }) => Err(OcsFailure::new(EXISTS, "group exists")),
        Err(error) => Err(error.into()),
    }
}

/// The hint for a group called 0.
const ZERO: &str = "the API of the PHP system takes 0 for no name at all, and so does this one; choose another id, or make the \
                    group with: occ group:add 0";

/// `PUT /cloud/groups/{group}`
pub(crate) const EDIT: Operation = operation!("GroupEdit", Groups, "Renames a group", nothing(), edit(call))
    .params(&[
        ParamDoc::text("key", "The field").required().words(&["displayname"]),
        ParamDoc::text("value", "The new name").required(),
    ])
    .codes(&[
        (INVALID, "invalid name"),
        (Code::NOT_FOUND, ABSENT),
        (Code::UNKNOWN, "nothing but the display name can be changed"),
    ]);

async fn edit(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let key = call.params.once("key")?;
    let value = call.params.once("value")?;
    if key != "displayname" {
        return Err(OcsFailure::new(Code::UNKNOWN, ""));
    }
    let missing = || OcsFailure::new(Code::NOT_FOUND, NOT_FOUND);
    let group = call.named_group().await?.ok_or_else(missing)?;
    let invalid = || OcsFailure::new(INVALID, "Invalid group name");
    if !can_carry(value) {
        return Err(invalid());
    }
    let name = GroupDisplayName::parse_optional(value).map_err(|_| invalid())?;
    match call.accounts()?.groups().rename(&group, name).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::NotFound { .. }) => Err(missing()),
        Err(error) => Err(error.into()),
    }
}

/// `DELETE /cloud/groups/{group}`
pub(crate) const DELETE: Operation =
    operation!("GroupDelete", Groups, "Deletes a group; its members stay", nothing(), delete(call))
        .codes(&[(NO_GROUP, ABSENT), (PROTECTED, "the group admin stays")]);

async fn delete(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let group = call.named_group().await?.ok_or(OcsFailure::bare(NO_GROUP))?;
    match call.accounts()?.groups().delete(&group).await {
        Ok(()) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::NotFound { .. }) => Err(OcsFailure::bare(NO_GROUP)),
        Err(AccountsError::Protected { .. }) => Err(OcsFailure::bare(PROTECTED)),
        Err(error) => Err(error.into()),
    }
}

/// A group with its counts.
pub(crate) fn as_details(group: &Group) -> Data {
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
) -> Result<OcsAnswer, OcsFailure> {
    let answer = OcsAnswer::from(data);
    let Some(limit) = range.limit else { return Ok(answer) };
    let total = call.app.accounts().groups().count(filter).await?;
    Ok(answer.with_total(total, limit))
}
