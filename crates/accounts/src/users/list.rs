//! Lists of users: searched, filtered, in pages or as a stream.
//!
//! The order is that of canonical names, whatever is searched: page after page adds up to the whole list, nobody is told
//! twice or left out because somebody else came or went. A stream reads page by page, so its memory does not grow with the
//! number of users and no transaction stays open while a slow client reads.

use std::collections::HashMap;

use futures_util::stream::{self, Stream, TryStreamExt};

use super::filter::{Page, UserFilter};
use super::profile::{Entry, Profile};
use super::{Details, User, Users, count, select};
use crate::engine::{Query, each, fault};
use crate::error::AccountsError;
use crate::id::GroupId;

/// How many rows a stream reads at a time.
const CHUNK: u64 = 500;

impl Users<'_> {
    /// A page of users.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn page(self, filter: &UserFilter) -> Result<Page<User>, AccountsError> {
        let limit = filter.limit.unwrap_or(u64::MAX);
        if limit == 0 {
            return Ok(Page { items: Vec::new(), next: None });
        }
        let Some(query) = select::page(self.0.db(), filter, limit).await? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let rows = self.0.db().rows(query).await?;
        let items = rows.iter().map(User::read).collect::<Result<Vec<_>, _>>()?;
        let full = u64::try_from(items.len()).is_ok_and(|len| len >= limit);
        let next = items.last().filter(|_| full && !filter.recent).map(|user| user.id.clone());
        Ok(Page { items, next })
    }

    /// A page of users with profiles and groups: four questions to the store, however long the page is.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn details_page(self, filter: &UserFilter) -> Result<Page<Details>, AccountsError> {
        let Page { items, next } = self.page(filter).await?;
        Ok(Page { items: self.detailed(items).await?, next })
    }

    /// All users of a filter, one after the other, in memory that does not grow with their number.
    ///
    /// It is no snapshot: users who come or go meanwhile may or may not be told. Nobody is told twice.
    pub fn stream(self, filter: UserFilter) -> impl Stream<Item = Result<User, AccountsError>> + Send {
        let pages = self.pages(filter).map_ok(|page| stream::iter(page.into_iter().map(Ok)));
        pages.try_flatten()
    }

    /// The same as [`Users::stream`] with profiles and groups.
    pub fn stream_details(
        self,
        filter: UserFilter,
    ) -> impl Stream<Item = Result<Details, AccountsError>> + Send {
        let pages = self.pages(filter).and_then(move |page| self.detailed(page));
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten()
    }

    fn pages(self, filter: UserFilter) -> impl Stream<Item = Result<Vec<User>, AccountsError>> + Send {
        let left = filter.limit.unwrap_or(u64::MAX);
        stream::try_unfold(Some((filter, left)), move |state| async move {
            let Some((mut filter, left)) = state.filter(|(_, left)| *left > 0) else { return Ok(None) };
            let wanted = left.min(CHUNK);
            filter.limit = Some(wanted);
            let page = self.page(&filter).await?;
            let told = u64::try_from(page.items.len()).unwrap_or(u64::MAX);
            if told == 0 {
                return Ok(None);
            }
            if filter.recent {
                filter.offset = filter.offset.saturating_add(told);
            } else {
                filter.offset = 0;
                filter.after = page.items.last().map(|user| user.id.clone());
            }
            let more = (told == wanted).then_some((filter, left - told));
            Ok(Some((page.items, more)))
        })
    }

    /// How many users a filter has in all, whatever its limit and offset.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn count(self, filter: &UserFilter) -> Result<u64, AccountsError> {
        let Some(query) = select::total(self.0.db(), filter).await? else { return Ok(0) };
        let row = self.0.db().row(query).await?;
        Ok(count(row.map(|row| row.int(0)).transpose().map_err(fault)?.unwrap_or_default()))
    }

    /// Adds profiles and groups to users.
    pub(super) async fn detailed(self, users: Vec<User>) -> Result<Vec<Details>, AccountsError> {
        let names: Vec<&str> = users.iter().map(|user| user.id.name().as_str()).collect();
        let names = serde_json::to_string(&names).unwrap_or_default();
        let db = self.0.db();
        let mut profiles: HashMap<String, Vec<Entry>> = HashMap::new();
        for row in db.rows(PROFILES.bind(names.as_str())).await? {
            let scope = row.text_or_null(3).map_err(fault)?;
            // A field or scope of a newer program is none of ours.
            let Ok(field) = row.text(1).map_err(fault)?.parse() else { continue };
            let entry = Entry {
                field,
                value: row.text(2).map_err(fault)?,
                scope: scope.and_then(|scope| scope.parse().ok()),
            };
            profiles.entry(row.text(0).map_err(fault)?).or_default().push(entry);
        }
        let mut members = self.groups_of(MEMBERSHIPS.bind(names.as_str())).await?;
        let mut subadmins = self.groups_of(OFFICES.bind(names)).await?;
        Ok(users
            .into_iter()
            .map(|user| {
                let name = user.id.name().as_str();
                let profile = Profile(profiles.remove(name).unwrap_or_default());
                let groups = members.remove(name).unwrap_or_default();
                let subadmin_of = subadmins.remove(name).unwrap_or_default();
                Details { user, profile, groups, subadmin_of }
            })
            .collect())
    }

    async fn groups_of(self, query: Query) -> Result<HashMap<String, Vec<GroupId>>, AccountsError> {
        let mut groups: HashMap<String, Vec<GroupId>> = HashMap::new();
        for row in self.0.db().rows(query).await? {
            let group = GroupId::stored(&row.text(1).map_err(fault)?);
            groups.entry(row.text(0).map_err(fault)?).or_default().push(group);
        }
        Ok(groups)
    }
}

/// The profiles of the users in a JSON list of names.
const PROFILES: Query = each(
    "SELECT users.name, field, profile.value, scope FROM json_each($1) AS wanted \
     JOIN users ON users.name = wanted.value JOIN profile ON profile.user_key = users.key ORDER BY position",
    "SELECT users.name, field, profile.value, scope FROM jsonb_array_elements_text($1::jsonb) AS wanted \
     JOIN users ON users.name = wanted.value JOIN profile ON profile.user_key = users.key ORDER BY position",
);

const MEMBERSHIPS: Query = each(
    "SELECT users.name, groups.id FROM json_each($1) AS wanted JOIN users ON users.name = wanted.value \
     JOIN members ON members.user_key = users.key JOIN groups ON groups.key = members.group_key ORDER BY groups.id",
    "SELECT users.name, groups.id FROM jsonb_array_elements_text($1::jsonb) AS wanted \
     JOIN users ON users.name = wanted.value JOIN members ON members.user_key = users.key \
     JOIN groups ON groups.key = members.group_key ORDER BY groups.id",
);

const OFFICES: Query = each(
    "SELECT users.name, groups.id FROM json_each($1) AS wanted JOIN users ON users.name = wanted.value \
     JOIN subadmins ON subadmins.user_key = users.key JOIN groups ON groups.key = subadmins.group_key \
     ORDER BY groups.id",
    "SELECT users.name, groups.id FROM jsonb_array_elements_text($1::jsonb) AS wanted \
     JOIN users ON users.name = wanted.value JOIN subadmins ON subadmins.user_key = users.key \
     JOIN groups ON groups.key = subadmins.group_key ORDER BY groups.id",
);
