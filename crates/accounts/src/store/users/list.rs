//! Lists of users: searched, filtered, in pages or as a stream.
//!
//! The order is always that of canonical names: all pages together are the whole list, and no user
//! is listed twice or left out when others are added or deleted. A stream reads page by page, so
//! its memory does not grow with the number of users and no transaction stays open while a slow
//! client reads.

use std::collections::HashMap;

use futures_util::stream::{self, Stream, TryStreamExt};

use crate::domain::{AccountsError, Details, Page, User, UserFilter, UserId};
use crate::store::handle::Store;
use crate::store::snapshot;
use crate::store::users::repository::Users;
use crate::store::users::select::{self, Count};

impl Users<'_> {
    /// A page of users.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn page(self, filter: &UserFilter) -> Result<Page<User>, AccountsError> {
        let limit = filter.limit.unwrap_or(u64::MAX);
        if limit == 0 {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let (items, _) = select::page(self.0.db(), filter, limit, Count::None).await?;
        Ok(Page { next: next(filter, &items, limit), items })
    }

    /// A page of users, and the number of all matches, from one snapshot.
    ///
    /// The number ignores limit and offset.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn page_and_total(self, filter: &UserFilter) -> Result<(Page<User>, u64), AccountsError> {
        let limit = filter.limit.unwrap_or(u64::MAX);
        let (items, total) = select::page(self.0.db(), filter, limit, Count::All).await?;
        Ok((Page { next: next(filter, &items, limit), items }, total.unwrap_or_default()))
    }

    /// A page of users with profiles and groups.
    ///
    /// Four questions to the store, however long the page is.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn details_page(self, filter: &UserFilter) -> Result<Page<Details>, AccountsError> {
        let Page { items, next } = self.page(filter).await?;
        Ok(Page { items: self.detailed(items).await?, next })
    }

    /// Streams all users of a filter, in constant memory.
    ///
    /// It is no snapshot: users who come or go meanwhile may or may not be listed. No user is
    /// listed twice.
    pub fn stream(
        self,
        filter: UserFilter,
    ) -> impl Stream<Item = Result<User, AccountsError>> + Send + use<> {
        let pages = stream::try_unfold(self.pages(filter), async |mut pages| {
            Ok(pages.next().await?.map(|page| (stream::iter(page.into_iter().map(Ok)), pages)))
        });
        pages.try_flatten()
    }

    /// The same as [`Users::stream`] with profiles and groups.
    pub fn stream_details(
        self,
        filter: UserFilter,
    ) -> impl Stream<Item = Result<Details, AccountsError>> + Send + use<> {
        let pages = stream::try_unfold(self.pages(filter), async |mut pages| {
            Ok(pages.next_details().await?.map(|page| (stream::iter(page.into_iter().map(Ok)), pages)))
        });
        pages.try_flatten()
    }

    /// The way through a list, page by page.
    pub fn pages(self, filter: UserFilter) -> UserPages {
        let left = filter.limit.unwrap_or(u64::MAX);
        UserPages { store: self.0.clone(), filter, left, count: Count::None, total: None }
    }

    /// Number of users that match a filter, without limit and offset.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(self, filter: &UserFilter) -> Result<u64, AccountsError> {
        let (_, total) = select::page(self.0.db(), filter, 0, Count::All).await?;
        Ok(total.unwrap_or_default())
    }

    /// Adds profiles and groups to users.
    ///
    /// Deleted users are left out.
    async fn detailed(self, users: Vec<User>) -> Result<Vec<Details>, AccountsError> {
        if users.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<&str> = users.iter().map(|user| user.id.name().as_str()).collect();
        let mut found: HashMap<String, Details> = HashMap::with_capacity(names.len());
        for (name, details) in snapshot::ask(self.0.db(), &names).await?.users {
            found.insert(name, details?);
        }
        Ok(names.into_iter().filter_map(|name| found.remove(name)).collect())
    }
}

/// Goes through a list page by page, from where the last page ended.
///
/// No transaction stays open in between, however slow the reader is.
#[derive(Clone, Debug)]
pub struct UserPages {
    store: Store,
    filter: UserFilter,
    left: u64,
    count: Count,
    total: Option<u64>,
}

impl UserPages {
    /// How many users a page has at most.
    pub const SIZE: u64 = 500;

    /// With the first page, also counts all users, without limit and offset.
    #[must_use]
    pub const fn counted(mut self) -> Self {
        self.count = Count::All;
        self
    }

    /// The same, but counts no further than to one more than `most`.
    #[must_use]
    pub const fn counted_up_to(mut self, most: u64) -> Self {
        self.count = Count::UpTo(most);
        self
    }

    /// The number of all users, after the first page of a [counted](Self::counted) list.
    pub const fn total(&self) -> Option<u64> {
        self.total
    }

    /// Whether another page is worth a question.
    pub const fn is_at_end(&self) -> bool {
        self.left == 0
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// When the store cannot be read. The next call asks for the same page again.
    pub async fn next(&mut self) -> Result<Option<Vec<User>>, AccountsError> {
        let count = if self.total.is_none() { self.count } else { Count::None };
        if self.left == 0 && count == Count::None {
            return Ok(None);
        }
        let wanted = self.left.min(Self::SIZE);
        let (page, total) = select::page(self.store.db(), &self.filter, wanted, count).await?;
        self.total = total.or(self.total);
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        self.left = if count < wanted { 0 } else { self.left.saturating_sub(count) };
        if self.filter.recent {
            self.filter.offset = self.filter.offset.saturating_add(count);
        } else if let Some(last) = page.last() {
            self.filter.offset = 0;
            self.filter.after = Some(last.id.clone());
        }
        Ok((count > 0).then_some(page))
    }

    /// The next page with profiles and groups; `None` after the last.
    ///
    /// # Errors
    /// When the store cannot be read. The next call asks for the same page again.
    pub async fn next_details(&mut self) -> Result<Option<Vec<Details>>, AccountsError> {
        let mut ahead = self.clone();
        let Some(page) = ahead.next().await? else {
            *self = ahead;
            return Ok(None);
        };
        let page = Users(&self.store).detailed(page).await?;
        *self = ahead;
        Ok(Some(page))
    }
}

/// Start of the next page.
fn next(filter: &UserFilter, items: &[User], limit: u64) -> Option<UserId> {
    let full = u64::try_from(items.len()).is_ok_and(|len| len >= limit);
    items.last().filter(|_| full && !filter.recent).map(|user| user.id.clone())
}
