//! Lists of users. A sub-admin sees the members of the groups they administer, each once, in pages that are cut after that.

use accounts::{AccountsError, Details, UserFilter, UserPages};
use async_trait::async_trait;

use super::person::{Viewer, shown};
use super::{Call, Range};
use crate::app::App;
use crate::ocs::caller::Caller;
use crate::ocs::code::Code;
use crate::ocs::data::Data;
use crate::ocs::envelope::{Answer, Failure};
use crate::ocs::long::{Long, Rest};

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
    tell(Telling { pages: pages(call, filter, range), details: None }, range).await
}

/// The users of a filter, by id.
pub(super) async fn list_details(
    call: &Call<'_>,
    filter: UserFilter,
    range: &Range,
) -> Result<Answer, Failure> {
    let details = Some((call.app.clone(), call.caller()?.clone()));
    tell(Telling { pages: pages(call, filter, range), details }, range).await
}

/// A list of one page is told whole, a longer one while it is read.
async fn tell(mut telling: Telling, range: &Range) -> Result<Answer, Failure> {
    let first = telling.next().await?.unwrap_or(Data::NOTHING);
    let total = telling.pages.total();
    let answer = if telling.pages.is_at_end() {
        Answer::from(Data::one("users", first))
    } else {
        Answer::from(Long::new("users", first, telling))
    };
    Ok(match (total, range.limit) {
        (Some(total), Some(limit)) => answer.with_total(total, limit),
        _ => answer,
    })
}

/// The pages of a list. How many there are in all is worth a question only to those who go through pages.
fn pages(call: &Call<'_>, filter: UserFilter, range: &Range) -> UserPages {
    let pages = call.app.accounts().users().pages(narrowed(filter, range));
    if range.limit.is_some() { pages.counted() } else { pages }
}

/// A list that is being told, to whom if their rights decide what is told of each.
struct Telling {
    pages: UserPages,
    details: Option<(App, Caller)>,
}

#[async_trait]
impl Rest for Telling {
    async fn next(&mut self) -> Result<Option<Data>, AccountsError> {
        let Some((app, caller)) = &self.details else {
            let page = self.pages.next().await?;
            return Ok(page.map(|page| Data::list(page.iter().map(|user| user.id.as_str()))));
        };
        let page = self.pages.next_details().await?;
        Ok(page.map(|page| Data::Map(page.iter().map(|details| entry(app, caller, details)).collect())))
    }
}

fn entry(app: &App, caller: &Caller, details: &Details) -> (String, Data) {
    let id = details.user.id.as_str();
    let about = if caller.is_over(&details.groups) {
        shown(details, Viewer::Superior { own: false }, &app.settings())
    } else if details.user.id == *caller.id() {
        shown(details, Viewer::Oneself { scopes: false }, &app.settings())
    } else {
        // Such as an administrator in a group that somebody else administers.
        Data::one("id", id)
    };
    (id.to_owned(), about)
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
