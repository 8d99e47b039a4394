//! Groups, their members and their administrators.

use crate::domain::{
    AccountsError, Action, Group, GroupDisplayName, GroupFilter, GroupId, UserId, search_text,
};
use crate::store::change::{Change, LockedUser};
use crate::store::credentials_end::{CredentialEnd, end_all};
use crate::store::engine::{Query, Row, SqlDialect, each, sql};
use crate::store::handle::table;
use crate::store::rights::Right;
use crate::store::search::contains;
use crate::store::users::row::UserKey;

/// A group's key in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GroupKey(i64);

impl Group {
    fn read(row: &Row) -> Result<Self, AccountsError> {
        Ok(Self {
            id: GroupId::stored(&row.text(0)?),
            display_name: row.text_or_null(1)?,
            members: row.count(2)?,
            disabled: row.count(3)?,
        })
    }
}

table! {
    /// The table of groups.
    Groups, GroupsMut
}

const COUNTED: &str = "SELECT groups.id, groups.display_name, \
     (SELECT COUNT(*) FROM members WHERE members.group_key = groups.key), \
     (SELECT COUNT(*) FROM members JOIN users ON users.key = members.user_key \
      WHERE members.group_key = groups.key AND NOT users.enabled) FROM groups";

/// The same for a list: disabled members are counted once for all groups.
///
/// Looking up every member of every group took 130 ms with 10^5 users in 3 groups each.
const COUNTED_LIST: &str = "WITH disabled AS MATERIALIZED (SELECT members.group_key AS group_key, \
     COUNT(*) AS number FROM users CROSS JOIN members \
     WHERE members.user_key = users.key AND NOT users.enabled GROUP BY members.group_key) \
     SELECT groups.id, groups.display_name, \
     (SELECT COUNT(*) FROM members WHERE members.group_key = groups.key), \
     COALESCE((SELECT number FROM disabled WHERE disabled.group_key = groups.key), 0) FROM groups";

impl GroupsMut<'_> {
    /// Creates a group.
    ///
    /// # Errors
    /// [`AccountsError::AlreadyExists`].
    pub async fn create(
        self,
        id: &GroupId,
        display_name: Option<GroupDisplayName>,
    ) -> Result<Group, AccountsError> {
        let name = display_name.as_ref().map(GroupDisplayName::as_str);
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        if insert(&mut change, id, name).await?.is_none() {
            return Err(AccountsError::already("group", id.as_str()));
        }
        change.note(Action::GroupCreated, id.as_str(), None).await?;
        change.commit().await?;
        Ok(Group { id: id.clone(), display_name: name.map(str::to_owned), members: 0, disabled: 0 })
    }

    /// Renames a group; `None` means by the id.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn rename(
        self,
        id: &GroupId,
        display_name: Option<GroupDisplayName>,
    ) -> Result<(), AccountsError> {
        let name = display_name.as_ref().map(GroupDisplayName::as_str);
        let rename = sql("UPDATE groups SET display_name = $2, search = $3 WHERE id = $1");
        let rename = rename.bind(id.as_str()).bind(name).bind(search_text::of_group(id, name));
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        if change.execute(rename).await? == 0 {
            return Err(missing(id));
        }
        change.note(Action::GroupChanged, id.as_str(), None).await?;
        change.commit().await
    }

    /// Deletes a group.
    ///
    /// Its members stay, without it.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]; [`AccountsError::Protected`] for the group `admin`.
    pub async fn delete(self, id: &GroupId) -> Result<(), AccountsError> {
        if id.is_admin() {
            return Err(AccountsError::Protected { what: "group", id: id.as_str().to_owned() });
        }
        let mut change = self.0.change().await?;
        // Locked, so that no sub-admin is added meanwhile.
        let find =
            each("SELECT key FROM groups WHERE id = $1", "SELECT key FROM groups WHERE id = $1 FOR UPDATE");
        let key = change.row(find.bind(id.as_str())).await?.map(|row| row.int(0)).transpose()?;
        let subadmins = sql("DELETE FROM subadmins WHERE group_key = $1").bind(key);
        let has_subadmins = change.execute(subadmins).await? > 0;
        change.require(Right::DeleteGroup { has_subadmins }).await?;
        let key = key.ok_or_else(|| missing(id))?;
        change.execute(sql("DELETE FROM groups WHERE key = $1").bind(key)).await?;
        change.note(Action::GroupDeleted, id.as_str(), None).await?;
        change.commit().await
    }
}

impl Groups<'_> {
    /// The group with its counts, if there is one.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, id: &GroupId) -> Result<Option<Group>, AccountsError> {
        let kind = self.0.db().kind();
        let query = sql(COUNTED).push(kind, " WHERE groups.id = ").push_bind(kind, id.as_str());
        self.0.db().row(query).await?.map(|row| Group::read(&row)).transpose()
    }

    /// Whether there is such a group: cheaper than [`Groups::find`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn exists(self, id: &GroupId) -> Result<bool, AccountsError> {
        let row = self.0.db().row(sql("SELECT 1 FROM groups WHERE id = $1").bind(id.as_str())).await?;
        Ok(row.is_some())
    }

    /// The groups of a filter with their counts, in the order of their ids.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list(self, filter: &GroupFilter) -> Result<Vec<Group>, AccountsError> {
        let query = narrowed(self.0.db().kind(), sql(COUNTED_LIST), filter);
        self.0.db().rows(query).await?.iter().map(Group::read).collect()
    }

    /// The same without disabled members, and with members counted to one more than `most`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn list_counted_up_to(
        self,
        filter: &GroupFilter,
        most: u64,
    ) -> Result<Vec<Group>, AccountsError> {
        let kind = self.0.db().kind();
        let limit = i64::try_from(most).map_or(i64::MAX, |most| most.saturating_add(1));
        let query =
            sql("SELECT groups.id, groups.display_name, (SELECT COUNT(*) FROM (SELECT 1 FROM members \
                         WHERE members.group_key = groups.key LIMIT ")
            .push_bind_unseen(kind, limit)
            .push(kind, ") AS counted), CAST(0 AS BIGINT) FROM groups");
        self.0.db().rows(narrowed(kind, query, filter)).await?.iter().map(Group::read).collect()
    }

    /// The ids of the groups of a filter, in order: cheaper than [`Groups::list`].
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn ids(self, filter: &GroupFilter) -> Result<Vec<GroupId>, AccountsError> {
        let query = narrowed(self.0.db().kind(), sql("SELECT id FROM groups"), filter);
        ids(&self.0.db().rows(query).await?)
    }

    /// Number of groups that match a filter, without limit and offset.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn count(self, filter: &GroupFilter) -> Result<u64, AccountsError> {
        let kind = self.0.db().kind();
        let query = matching(kind, sql("SELECT COUNT(*) FROM groups"), filter);
        let row = self.0.db().row(query).await?;
        Ok(row.map(|row| row.count(0)).transpose()?.unwrap_or_default())
    }

    /// The groups that a user is a member of, by id.
    ///
    /// # Errors
    /// When the store cannot be read. A user who does not exist is in no group.
    pub async fn of_user(self, user: &UserId) -> Result<Vec<GroupId>, AccountsError> {
        let query = sql("SELECT groups.id FROM users JOIN members ON members.user_key = users.key \
                         JOIN groups ON groups.key = members.group_key WHERE users.name = $1 ORDER BY groups.id");
        ids(&self.0.db().rows(query.bind(user.name().as_str())).await?)
    }

    /// Whether a user is a member of a group.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn has_member(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        let query = sql(
            "SELECT 1 FROM members WHERE group_key = (SELECT key FROM groups WHERE id = $1) AND name = $2",
        );
        Ok(self.0.db().row(query.bind(group.as_str()).bind(user.name().as_str())).await?.is_some())
    }
}

impl GroupsMut<'_> {
    /// Makes a user a member; returns whether that changed anything.
    ///
    /// A sub-admin may add users whom they administer already.
    ///
    /// A user who joins `admin` loses all app passwords, sessions and reset links that were made
    /// before.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the group or the user. [`AccountsError::Forbidden`].
    pub async fn add_member(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        self.add(group, user, false).await
    }

    /// The same, except that a sub-admin may add any user.
    ///
    /// # Errors
    /// As [`Groups::add_member`].
    pub async fn add_any_user(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        self.add(group, user, true).await
    }

    async fn add(self, group: &GroupId, user: &UserId, anyone: bool) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let group_key = key(&mut change, group, false).await?;
        let locked = change.lock_target(user, Right::Member { group, anyone }).await?;
        if !join(&mut change, group_key, locked.key, &locked.user.id).await? {
            return Ok(false);
        }
        change.note(Action::MemberAdded, group.as_str(), Some(locked.name())).await?;
        if group.is_admin() {
            end_all(&mut change, &locked, CredentialEnd::JoinedAdmin).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Ends a membership; returns whether that changed anything.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the group or the user. [`AccountsError::LastAdmin`].
    pub async fn remove_member(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let GroupKey(group_key) = key(&mut change, group, false).await?;
        let LockedUser { user: found, .. } =
            change.lock_target(user, Right::Member { group, anyone: false }).await?;
        let name = found.id.name().as_str();
        let leave = sql("DELETE FROM members WHERE group_key = $1 AND name = $2");
        if change.execute(leave.bind(group_key).bind(name)).await? == 0 {
            return Ok(false);
        }
        change.note(Action::MemberRemoved, group.as_str(), Some(name)).await?;
        change.commit().await?;
        Ok(true)
    }
}

impl Groups<'_> {
    /// Who administers a group, by name.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`].
    pub async fn subadmins(self, group: &GroupId) -> Result<Vec<UserId>, AccountsError> {
        if !self.exists(group).await? {
            return Err(missing(group));
        }
        let query = sql(
            "SELECT users.id, users.name FROM groups JOIN subadmins ON subadmins.group_key = groups.key \
                         JOIN users ON users.key = subadmins.user_key WHERE groups.id = $1 ORDER BY users.name",
        );
        let rows = self.0.db().rows(query.bind(group.as_str())).await?;
        rows.iter().map(|row| UserId::stored(&row.text(0)?, &row.text(1)?)).collect()
    }

    /// The groups that a user administers, by id.
    ///
    /// # Errors
    /// When the store cannot be read. A user who does not exist administers nothing.
    pub async fn subadmin_groups_of(self, user: &UserId) -> Result<Vec<GroupId>, AccountsError> {
        let query = sql("SELECT groups.id FROM users JOIN subadmins ON subadmins.user_key = users.key \
                         JOIN groups ON groups.key = subadmins.group_key WHERE users.name = $1 ORDER BY groups.id");
        ids(&self.0.db().rows(query.bind(user.name().as_str())).await?)
    }
}

impl GroupsMut<'_> {
    /// Lets a user administer a group; returns whether that changed anything.
    ///
    /// Unless the user is an administrator, it ends all app passwords, sessions and reset links
    /// that were made before.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the group or the user. [`AccountsError::Invalid`] for the group `admin`.
    pub async fn add_subadmin(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let locked = change.lock_target(user, Right::Admin).await?;
        if !add_subadmin(&mut change, group, locked.key).await? {
            return Ok(false);
        }
        change.note(Action::SubadminAdded, group.as_str(), Some(locked.name())).await?;
        // To an administrator it gives nothing new.
        if !change.is_admin(locked.key).await? {
            end_all(&mut change, &locked, CredentialEnd::BecameSubadmin(group)).await?;
        }
        change.commit().await?;
        Ok(true)
    }

    /// Ends that; returns whether it changed anything.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the group or the user.
    pub async fn remove_subadmin(self, group: &GroupId, user: &UserId) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let GroupKey(group_key) = key(&mut change, group, false).await?;
        let LockedUser { key: UserKey(user_key), user: found } =
            change.lock_target(user, Right::Admin).await?;
        let end = sql("DELETE FROM subadmins WHERE group_key = $1 AND user_key = $2");
        if change.execute(end.bind(group_key).bind(user_key)).await? == 0 {
            return Ok(false);
        }
        let name = found.id.name().as_str();
        change.note(Action::SubadminRemoved, group.as_str(), Some(name)).await?;
        change.commit().await?;
        Ok(true)
    }
}

/// The key of a group, which may be created when it is missing.
pub(crate) async fn key(
    change: &mut Change<'_>,
    id: &GroupId,
    create: bool,
) -> Result<GroupKey, AccountsError> {
    let find = || sql("SELECT key FROM groups WHERE id = $1").bind(id.as_str());
    let mut row = change.row(find()).await?;
    if row.is_none() && create {
        row = match insert(change, id, None).await? {
            Some(row) => Some(row),
            // Another transaction was faster.
            None => change.row(find()).await?,
        };
    }
    let row = row.ok_or_else(|| missing(id))?;
    row.int(0).map(GroupKey)
}

/// Makes a user a member; returns whether that changed anything.
pub(crate) async fn join(
    change: &mut Change<'_>,
    group: GroupKey,
    user: UserKey,
    id: &UserId,
) -> Result<bool, AccountsError> {
    let join = sql("INSERT INTO members (group_key, name, user_key) VALUES ($1, $2, $3) \
                    ON CONFLICT (group_key, name) DO NOTHING");
    let done = change.execute(join.bind(group.0).bind(id.name().as_str()).bind(user.0)).await?;
    Ok(done > 0)
}

/// Lets a user administer a group; returns whether that changed anything.
pub(crate) async fn add_subadmin(
    change: &mut Change<'_>,
    group: &GroupId,
    user: UserKey,
) -> Result<bool, AccountsError> {
    let GroupKey(group_key) = key(change, group, false).await?;
    group.not_admin()?;
    let insert = sql("INSERT INTO subadmins (group_key, user_key) VALUES ($1, $2) \
                       ON CONFLICT (group_key, user_key) DO NOTHING");
    Ok(change.execute(insert.bind(group_key).bind(user.0)).await? > 0)
}

async fn insert(
    change: &mut Change<'_>,
    id: &GroupId,
    name: Option<&str>,
) -> Result<Option<Row>, AccountsError> {
    id.check_visible()?;
    let insert = sql("INSERT INTO groups (id, display_name, search) VALUES ($1, $2, $3) \
                      ON CONFLICT (id) DO NOTHING RETURNING key");
    change.row(insert.bind(id.as_str()).bind(name).bind(search_text::of_group(id, name))).await
}

fn missing(id: &GroupId) -> AccountsError {
    AccountsError::missing("group", id.as_str())
}

fn ids(rows: &[Row]) -> Result<Vec<GroupId>, AccountsError> {
    rows.iter().map(|row| Ok(GroupId::stored(&row.text(0)?))).collect()
}

fn narrowed(kind: SqlDialect, query: Query, filter: &GroupFilter) -> Query {
    let limit = filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX);
    let query =
        matching(kind, query, filter).push(kind, " ORDER BY groups.id LIMIT ").push_bind_unseen(kind, limit);
    query.push(kind, " OFFSET ").push_bind_unseen(kind, i64::try_from(filter.offset).unwrap_or(i64::MAX))
}

fn matching(kind: SqlDialect, mut query: Query, filter: &GroupFilter) -> Query {
    query = query.push(kind, " WHERE TRUE");
    if let Some(only) = &filter.only {
        query = query.push(kind, " AND groups.id = ").push_bind(kind, only.as_str());
    }
    if filter.search.is_empty() {
        return query;
    }
    contains(kind, query.push(kind, " AND groups.search"), &filter.search)
}
