//! Users in one value of JSON, made by the engine, instead of rows.
//!
//! A row costs more than what is in it: drivers hand rows over one by one, and on SQLite each may wake another thread. So
//! what belongs together is packed by the engine and comes as one row, however many users there are. What of it is a list
//! already, groups and profiles, needs no statement of its own then either.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::profile::{Profile, ProfileEntry};
use super::record::{Bare, Flag, User, columns};
use super::{Details, Permissions};
use crate::domain::error::AccountsError;
use crate::domain::id::{ADMIN_GROUP, GroupId};
use crate::store::credential_epoch::CredentialEpoch;
use crate::store::engine::{Query, Row, each, fault};

/// Users without anything else, in an order.
macro_rules! pack {
    (sqlite, $order:literal) => {
        concat!("SELECT json_group_array(json_array(", columns!(), ") ORDER BY ", $order, ") ")
    };
    (postgres, $order:literal) => {
        concat!("SELECT json_agg(json_build_array(", columns!(), ") ORDER BY ", $order, ")::text ")
    };
}
pub(super) use pack;

/// The generation, the apps that were ever switched, and the users of the names in a JSON list with everything about them: one
/// row, read at one moment.
pub(crate) const SNAPSHOT: Query = each(
    concat!(
        "SELECT (SELECT value FROM generation WHERE one = 1), \
         (SELECT json_group_array(json_array(id, enabled)) FROM apps), \
         (SELECT json_group_array(json_array(json_array(",
        columns!(),
        "), json((SELECT json_group_array(json_array(field, value, scope) ORDER BY position) FROM profile \
         WHERE user_key = users.key)), \
         json((SELECT json_group_array(groups.id ORDER BY groups.id) FROM members \
         JOIN groups ON groups.key = members.group_key WHERE members.user_key = users.key)), \
         json((SELECT json_group_array(groups.id ORDER BY groups.id) FROM subadmins \
         JOIN groups ON groups.key = subadmins.group_key WHERE subadmins.user_key = users.key)))) \
         FROM json_each($1) AS wanted JOIN users ON users.name = wanted.value)"
    ),
    concat!(
        "SELECT (SELECT value FROM generation WHERE one = 1), \
         (SELECT json_agg(json_build_array(id, enabled)) FROM apps)::text, \
         (SELECT json_agg(json_build_array(json_build_array(",
        columns!(),
        "), (SELECT json_agg(json_build_array(field, value, scope) ORDER BY position) FROM profile \
         WHERE user_key = users.key), \
         (SELECT json_agg(groups.id ORDER BY groups.id) FROM members \
         JOIN groups ON groups.key = members.group_key WHERE members.user_key = users.key), \
         (SELECT json_agg(groups.id ORDER BY groups.id) FROM subadmins \
         JOIN groups ON groups.key = subadmins.group_key WHERE subadmins.user_key = users.key))) \
         FROM jsonb_array_elements_text($1::jsonb) AS wanted JOIN users ON users.name = wanted.value)::text"
    ),
);

/// What [`SNAPSHOT`] found.
#[derive(Debug)]
pub(crate) struct SnapshotRow {
    pub(crate) epoch: CredentialEpoch,
    /// Apps, and whether they are on.
    pub(crate) apps: Vec<(String, bool)>,
    /// In no order. Who cannot be read is an error of their own.
    pub(crate) users: Vec<(String, Result<Details, AccountsError>)>,
}

impl SnapshotRow {
    pub(crate) fn read(row: &Row) -> Result<Self, AccountsError> {
        let apps: Vec<(String, Flag)> = list(row, 1)?;
        let users: Vec<Whole> = list(row, 2)?;
        Ok(Self {
            epoch: CredentialEpoch::stored(row.int(0).map_err(fault)?),
            apps: apps.into_iter().map(|(id, enabled)| (id, enabled.0)).collect(),
            users: users.into_iter().map(Whole::into_details).collect(),
        })
    }
}

/// The users of a statement that begins with [`pack`].
pub(super) fn users(row: &Row, at: usize) -> Result<Vec<User>, AccountsError> {
    list::<Bare>(row, at)?.into_iter().map(Bare::into_user).collect()
}

impl Permissions {
    /// What somebody may do, of whom everything is known.
    pub(crate) fn of(details: &Details) -> Self {
        Self {
            user: details.user.clone(),
            is_admin: details.groups.iter().any(|group| group.as_str() == ADMIN_GROUP),
            subadmin_of: details.subadmin_of.clone(),
        }
    }
}

fn list<T: DeserializeOwned>(row: &Row, at: usize) -> Result<Vec<T>, AccountsError> {
    // No rows are an empty list to SQLite and nothing to PostgreSQL.
    let text = row.text_or_null(at).map_err(fault)?;
    let list = text.map(|text| serde_json::from_str(&text)).transpose();
    let list = list.map_err(|_| AccountsError::unreadable("a list holds what this program never wrote"))?;
    Ok(list.unwrap_or_default())
}

/// One user with profile, groups and offices.
#[derive(Deserialize)]
struct Whole(Bare, Option<Vec<(String, String, Option<String>)>>, Option<Vec<String>>, Option<Vec<String>>);

impl Whole {
    fn into_details(self) -> (String, Result<Details, AccountsError>) {
        let Self(bare, profile, groups, subadmin_of) = self;
        let name = bare.0.clone();
        let groups_of = |ids: Option<Vec<String>>| -> Vec<GroupId> {
            ids.unwrap_or_default().iter().map(|id| GroupId::stored(id)).collect()
        };
        // A field or scope of a newer program is none of ours.
        let entries = profile.unwrap_or_default().into_iter().filter_map(|(field, value, scope)| {
            let scope = scope.and_then(|scope| scope.parse().ok());
            Some(ProfileEntry { field: field.parse().ok()?, value, scope })
        });
        let profile = Profile(entries.collect());
        let details = bare.into_user().map(|user| Details {
            user,
            profile,
            groups: groups_of(groups),
            subadmin_of: groups_of(subadmin_of),
        });
        (name, details)
    }
}
