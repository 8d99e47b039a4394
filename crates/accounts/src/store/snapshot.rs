//! The credential epoch, the apps and users with everything about them.
//!
//! One statement, one moment.

use serde::Deserialize;
use std::sync::Arc;

use crate::domain::{AccountsError, CredentialEpoch, Details, GroupId, Permissions, Profile, ProfileEntry};
use crate::store::engine::{Db, Query, Row, each};
use crate::store::users::json_rows;
use crate::store::users::row::{Flag, UserRow, columns};

/// A consistent snapshot of one user.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The credential epoch; see [`crate::CredentialEpoch`].
    pub epoch: CredentialEpoch,
    /// The requested user, if any.
    pub details: Option<Arc<Details>>,
    apps: Arc<Vec<(String, bool)>>,
}

impl Snapshot {
    pub(crate) const fn new(
        epoch: CredentialEpoch,
        details: Option<Arc<Details>>,
        apps: Arc<Vec<(String, bool)>>,
    ) -> Self {
        Self { epoch, details, apps }
    }

    /// Whether an app is on; `None` when it was never switched.
    pub fn app(&self, id: &str) -> Option<bool> {
        self.apps.iter().find(|(app, _)| app == id).map(|(_, enabled)| *enabled)
    }

    /// The rights of the user.
    pub fn permissions(&self) -> Option<Permissions> {
        self.details.as_deref().map(Permissions::of)
    }
}

/// One row: the epoch, switched apps, and all data of the users in a JSON list.
pub(crate) const SNAPSHOT: Query = each(
    concat!(
        "SELECT (SELECT value FROM credential_epoch WHERE id = 1), \
         (SELECT json_group_array(json_array(id, enabled)) FROM apps), \
         (SELECT json_group_array(json_array(json_array(",
        columns!(),
        "), json((SELECT json_group_array(json_array(field, value, scope) ORDER BY position) FROM profile \
         WHERE user_key = users.key)), \
         json((SELECT json_group_array(groups.id ORDER BY groups.id) FROM members \
         JOIN groups ON groups.key = members.group_key WHERE members.user_key = users.key)), \
         json((SELECT json_group_array(groups.id ORDER BY groups.id) FROM subadmins \
         JOIN groups ON groups.key = subadmins.group_key WHERE subadmins.user_key = users.key)), \
         EXISTS (SELECT 1 FROM resets WHERE user_key = users.key))) \
         FROM json_each($1) AS wanted JOIN users ON users.name = wanted.value)"
    ),
    concat!(
        "SELECT (SELECT value FROM credential_epoch WHERE id = 1), \
         (SELECT json_agg(json_build_array(id, enabled)) FROM apps)::text, \
         (SELECT json_agg(json_build_array(json_build_array(",
        columns!(),
        "), (SELECT json_agg(json_build_array(field, value, scope) ORDER BY position) FROM profile \
         WHERE user_key = users.key), \
         (SELECT json_agg(groups.id ORDER BY groups.id) FROM members \
         JOIN groups ON groups.key = members.group_key WHERE members.user_key = users.key), \
         (SELECT json_agg(groups.id ORDER BY groups.id) FROM subadmins \
         JOIN groups ON groups.key = subadmins.group_key WHERE subadmins.user_key = users.key), \
         EXISTS (SELECT 1 FROM resets WHERE user_key = users.key))) \
         FROM jsonb_array_elements_text($1::jsonb) AS wanted JOIN users ON users.name = wanted.value)::text"
    ),
);

/// The result of [`SNAPSHOT`].
#[derive(Debug)]
pub(crate) struct SnapshotRow {
    pub(crate) epoch: CredentialEpoch,
    /// Apps, and whether they are on.
    pub(crate) apps: Vec<(String, bool)>,
    /// In no order.
    ///
    /// Who cannot be read is an error of their own.
    pub(crate) users: Vec<(String, Result<Details, AccountsError>)>,
}

impl SnapshotRow {
    pub(crate) fn read(row: &Row) -> Result<Self, AccountsError> {
        let apps: Vec<(String, Flag)> = json_rows::list(row, 1)?;
        let users: Vec<Whole> = json_rows::list(row, 2)?;
        Ok(Self {
            epoch: CredentialEpoch::stored(row.int(0)?),
            apps: apps.into_iter().map(|(id, enabled)| (id, enabled.0)).collect(),
            users: users.into_iter().map(Whole::into_details).collect(),
        })
    }
}

/// One user with profile, groups and offices, and whether there is a reset link.
#[derive(Deserialize)]
struct Whole(
    UserRow,
    Option<Vec<(String, String, Option<String>)>>,
    Option<Vec<String>>,
    Option<Vec<String>>,
    Flag,
);

impl Whole {
    fn into_details(self) -> (String, Result<Details, AccountsError>) {
        let Self(user, profile, groups, subadmin_of, has_reset_link) = self;
        let name = user.name().to_owned();
        let groups_of = |ids: Option<Vec<String>>| -> Vec<GroupId> {
            ids.unwrap_or_default().iter().map(|id| GroupId::stored(id)).collect()
        };
        // A field or scope of a newer program is unknown.
        let entries = profile.unwrap_or_default().into_iter().filter_map(|(field, value, scope)| {
            let scope = scope.and_then(|scope| scope.parse().ok());
            Some(ProfileEntry { field: field.parse().ok()?, value, scope })
        });
        let profile = Profile(entries.collect());
        let details = user.into_user().map(|user| Details {
            user,
            profile,
            groups: groups_of(groups),
            subadmin_of: groups_of(subadmin_of),
            has_reset_link: has_reset_link.0,
        });
        (name, details)
    }
}

/// The statement itself.
pub(crate) async fn ask(db: &Db, names: &[&str]) -> Result<SnapshotRow, AccountsError> {
    let list = serde_json::to_string(names).unwrap_or_default();
    let row = db.row(SNAPSHOT.bind(list)).await?;
    let row = row.ok_or_else(|| AccountsError::unreadable("the store says nothing"))?;
    SnapshotRow::read(&row)
}
