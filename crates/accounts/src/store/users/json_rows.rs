//! Users as one JSON value built by the engine, instead of rows.
//!
//! A row costs more than what is in it: drivers hand rows over one by one, and on SQLite each may
//! wake another thread. So what belongs together is packed by the engine and comes as one row,
//! however many users there are. Lists in it, groups and profiles, then need no separate statement
//! either.

use serde::de::DeserializeOwned;

use crate::domain::{AccountsError, User};
use crate::store::engine::Row;
use crate::store::users::row::UserRow;

/// Users without anything else, in an order.
macro_rules! pack {
    (sqlite, $order:literal) => {
        concat!(
            "SELECT json_group_array(json_array(",
            $crate::store::users::row::columns!(),
            ") ORDER BY ",
            $order,
            ") "
        )
    };
    (postgres, $order:literal) => {
        concat!(
            "SELECT json_agg(json_build_array(",
            $crate::store::users::row::columns!(),
            ") ORDER BY ",
            $order,
            ")::text "
        )
    };
}
pub(crate) use pack;

/// The users of a statement that begins with [`pack`].
pub(super) fn users(row: &Row, at: usize) -> Result<Vec<User>, AccountsError> {
    list::<UserRow>(row, at)?.into_iter().map(UserRow::into_user).collect()
}

pub(crate) fn list<T: DeserializeOwned>(row: &Row, at: usize) -> Result<Vec<T>, AccountsError> {
    // No rows are an empty list to SQLite and nothing to PostgreSQL.
    let text = row.text_or_null(at)?;
    let list = text.map(|text| serde_json::from_str(&text)).transpose();
    let list = list.map_err(|_| AccountsError::unreadable("a list holds what this program never wrote"))?;
    Ok(list.unwrap_or_default())
}
