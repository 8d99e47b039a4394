//! Lists of users. A sub-admin sees the members of the groups they administer, each once, in pages that are cut after that.

use accounts::UserFilter;
use accounts::users::Details;
use futures_util::TryStreamExt;

use super::person::{Viewer, shown};
use super::{Call, Range};
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};

/// `GET /cloud/users`
pub(super) async fn ids(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = call.range()?;
    list_ids(call, visible(call)?, &range).await
}

/// `GET /cloud/users/details`
pub(super) async fn details(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = call.range()?;
    list_details(call, visible(call)?, &range).await
}

/// `GET /cloud/users/disabled`
pub(super) async fn disabled(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = strict_range(call)?;
    list_details(call, visible(call)?.disabled(), &range).await
}

/// `GET /cloud/users/recent`
pub(super) async fn recent(call: &Call<'_>) -> Result<Answer, Failure> {
    let range = strict_range(call)?;
    list_details(call, UserFilter::new().recent(), &range).await
}

/// The ids of a filter's users.
pub(super) async fn list_ids(call: &Call<'_>, filter: UserFilter, range: &Range) -> Result<Answer, Failure> {
    let filter = narrowed(filter, range);
    // Read page by page, so that a long list is never one long question to the store.
    let ids = call.app.accounts().users().stream(filter.clone()).map_ok(|user| Data::from(user.id.as_str()));
    let list = Data::List(ids.try_collect().await?);
    with_total(call, Data::one("users", list), &filter, range).await
}

/// The users of a filter, by id.
pub(super) async fn list_details(
    call: &Call<'_>,
    filter: UserFilter,
    range: &Range,
) -> Result<Answer, Failure> {
    let caller = call.caller()?;
    let filter = narrowed(filter, range);
    let entry = |details: Details| {
        let details = &details;
        let id = details.user.id.as_str();
        let seen = caller.is_over(&details.groups);
        let about = if seen {
            shown(details, Viewer::Superior { own: false }, call.app.settings())
        } else if details.user.id == *caller.id() {
            shown(details, Viewer::Oneself { scopes: false }, call.app.settings())
        } else {
            // Such as an administrator in a group that somebody else administers.
            Data::one("id", id)
        };
        (id.to_owned(), about)
    };
    let users = call.app.accounts().users().stream_details(filter.clone()).map_ok(entry);
    let map = Data::Map(users.try_collect().await?);
    with_total(call, Data::one("users", map), &filter, range).await
}

/// How many there are in all is worth a question only to those who go through pages.
async fn with_total(
    call: &Call<'_>,
    data: Data,
    filter: &UserFilter,
    range: &Range,
) -> Result<Answer, Failure> {
    let answer = Answer::from(data);
    let Some(limit) = range.limit else { return Ok(answer) };
    let total = call.app.accounts().users().count(filter).await?;
    Ok(answer.with_total(total, limit))
}

fn visible(call: &Call<'_>) -> Result<UserFilter, Failure> {
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
fn strict_range(call: &Call<'_>) -> Result<Range, Failure> {
    if call.params.number("limit")?.is_some_and(|limit| limit < 0) {
        return Err(Failure::new(Code::BAD_REQUEST, "The parameter limit must not be negative"));
    }
    call.range()
}
