//! Lists of users.
//!
//! A sub-admin sees the members of the groups they administer, each once, in pages that are cut
//! after that.

use accounts::{AccountsError, UserFilter};
use accounts::{Details, UserPages};
use async_trait::async_trait;
use smol_str::SmolStr;

use super::representation::{Viewer, shown};
use crate::provisioning::call::{Call, RANGE, Range};
use crate::provisioning::caller::Caller;
use crate::provisioning::docs::{ParamDoc, ParamKind};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::streamed_list::{PageSource, StreamedList};
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};
use crate::state::AppState;

/// The parameters of [`strict_range`].
const STRICT_RANGE: &[ParamDoc] = &[
    ParamDoc::text("search", "Only those with this in id, display name or mail address, in any letter case"),
    ParamDoc::new("limit", ParamKind::Count, "Maximum number"),
    ParamDoc::new("offset", ParamKind::Count, "Number to skip"),
];

/// The message where a group does not exist.
const NO_GROUP: &str = "The requested group could not be found";

/// `GET /cloud/users`
pub(crate) const IDS: Operation =
    operation!("UserList", Users, "Lists the ids of users", named_list("users"), ids(call))
        .more("Sub-admins see the members of the groups they administer.")
        .params(RANGE);

async fn ids(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = call.range()?;
    list_ids(call, visible(call)?, &range).await
}

/// `GET /cloud/users/details`
pub(crate) const DETAILS: Operation =
    operation!("UserListDetails", Users, "Lists users with all their data, by id", details(), details(call))
        .more("Users whom the caller may not see are returned as an id only.")
        .params(RANGE);

async fn details(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = call.range()?;
    list_details(call, visible(call)?, &range).await
}

/// `GET /cloud/users/disabled`
pub(crate) const DISABLED: Operation =
    operation!("UserListDisabled", Users, "Lists disabled users", details(), disabled(call))
        .params(STRICT_RANGE);

async fn disabled(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = strict_range(call)?;
    list_details(call, visible(call)?.disabled(), &range).await
}

/// `GET /cloud/users/recent`
pub(crate) const RECENT: Operation = operation!(
    "UserListRecent",
    Users,
    "Lists users by their last sign-in, latest first",
    details(),
    recent(call)
)
.params(STRICT_RANGE);

async fn recent(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = strict_range(call)?;
    list_details(call, UserFilter::new().recent(), &range).await
}

/// `GET /cloud/groups/{group}` and `/users`
pub(crate) const OF_GROUP: Operation = operation!(
    "GroupUsers",
    Groups,
    "Lists the ids of a group's members",
    named_list("users"),
    of_group(call)
)
.codes(&[(Code::FORBIDDEN, "you do not administer the group"), (Code::ABSENT, "unknown group")]);

async fn of_group(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let caller = call.caller()?;
    let group = call.named_group().await?;
    let Some(group) = group else {
        // A caller without groups to administer does not learn which groups exist.
        return Err(if caller.is_admin() || !caller.administers().is_empty() {
            OcsFailure::new(Code::ABSENT, NO_GROUP)
        } else {
            OcsFailure::new(Code::FORBIDDEN, "")
        });
    };
    if !caller.may_administer(&group) {
        return Err(OcsFailure::new(Code::FORBIDDEN, ""));
    }
    let all = Range { search: String::new(), limit: None, offset: 0 };
    list_ids(call, UserFilter::new().group(group), &all).await
}

/// `GET /cloud/groups/{group}/users/details`
pub(crate) const OF_GROUP_DETAILS: Operation = operation!(
    "GroupUsersDetails",
    Groups,
    "Lists a group's members with all their data, by id",
    details(),
    of_group_details(call)
)
.params(RANGE)
.codes(&[(Code::NOT_FOUND, "unknown group, or you do not administer it")]);

async fn of_group_details(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let range = call.range()?;
    let caller = call.caller()?;
    let group = call.named_group().await?.filter(|group| caller.may_administer(group));
    let group = group.ok_or_else(|| OcsFailure::new(Code::NOT_FOUND, NO_GROUP))?;
    list_details(call, UserFilter::new().group(group), &range).await
}

/// The ids of a filter's users.
async fn list_ids(call: &Call<'_>, filter: UserFilter, range: &Range) -> Result<OcsAnswer, OcsFailure> {
    respond(UserPageSource { pages: pages(call, filter, range)?, details: None }, range).await
}

/// The users of a filter, by id.
async fn list_details(call: &Call<'_>, filter: UserFilter, range: &Range) -> Result<OcsAnswer, OcsFailure> {
    let details = Some((call.app.clone(), call.caller()?.clone()));
    respond(UserPageSource { pages: pages(call, filter, range)?, details }, range).await
}

/// Returns one page at once, and streams a longer list.
async fn respond(mut source: UserPageSource, range: &Range) -> Result<OcsAnswer, OcsFailure> {
    let first = source.next().await?.unwrap_or(Data::NOTHING);
    let total = source.pages.total();
    let answer = if source.pages.is_at_end() {
        OcsAnswer::from(Data::one("users", first))
    } else {
        OcsAnswer::from(StreamedList::new("users", first, source))
    };
    Ok(match (total, range.limit) {
        (Some(total), Some(limit)) => answer.with_total(total, limit),
        _ => answer,
    })
}

/// The pages of a list.
///
/// How many there are in all is worth a question only to those who go through pages.
fn pages(call: &Call<'_>, filter: UserFilter, range: &Range) -> Result<UserPages, OcsFailure> {
    let (caller, mut filter) = (call.caller()?, narrowed(filter, range));
    if !caller.is_admin() {
        filter = filter.seen_by(caller.id().clone(), caller.administers().to_vec());
    }
    let pages = call.app.accounts().users().pages(filter);
    Ok(match (range.limit, call.counted_up_to) {
        (None, _) => pages,
        (Some(_), None) => pages.counted(),
        (Some(_), Some(most)) => pages.counted_up_to(most),
    })
}

/// A list in progress, with its reader if rights decide what is shown of each user.
struct UserPageSource {
    pages: UserPages,
    details: Option<(AppState, Caller)>,
}

#[async_trait]
impl PageSource for UserPageSource {
    async fn next(&mut self) -> Result<Option<Data>, AccountsError> {
        let Some((app, caller)) = &self.details else {
            let page = self.pages.next().await?;
            return Ok(page.map(|page| Data::list(page.iter().map(|user| user.id.as_str()))));
        };
        let page = self.pages.next_details().await?;
        Ok(page.map(|page| Data::Map(page.iter().map(|details| entry(app, caller, details)).collect())))
    }
}

fn entry(app: &AppState, caller: &Caller, details: &Details) -> (SmolStr, Data) {
    let id = details.user.id.as_str();
    let about = if caller.is_over(details) {
        shown(details, Viewer::Superior { own: false }, &app.settings())
    } else if details.user.id == *caller.id() {
        shown(details, Viewer::Oneself { scopes: false }, &app.settings())
    } else {
        // Such as an administrator in a group of a sub-admin.
        Data::one("id", id)
    };
    (id.into(), about)
}

fn visible(call: &Call<'_>) -> Result<UserFilter, OcsFailure> {
    let caller = call.caller()?;
    let all = UserFilter::new();
    if caller.is_admin() {
        return Ok(all);
    }
    Ok(all.in_any_group(caller.administers().to_vec()))
}

fn narrowed(filter: UserFilter, range: &Range) -> UserFilter {
    let filter = filter.search(&range.search).offset(range.offset);
    match range.limit {
        Some(limit) => filter.limit(limit),
        None => filter,
    }
}

/// The newer lists take no negative limit.
fn strict_range(call: &Call<'_>) -> Result<Range, OcsFailure> {
    if call.params.number("limit")?.is_some_and(|limit| limit < 0) {
        return Err(OcsFailure::new(Code::BAD_REQUEST, "The parameter limit must not be negative"));
    }
    call.range()
}
