//! A user as the tables have it.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use user_backend::BackendId;

use crate::domain::{AccountsError, CredentialEpoch, Quota, Timestamp, User, UserId};
use crate::store::engine::Row;

/// A user's key in the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UserKey(pub(crate) i64);

impl UserKey {
    /// From the column after those of the user.
    pub(crate) fn read(row: &Row) -> Result<Self, AccountsError> {
        row.int(USER_COLUMNS).map(Self)
    }
}

impl User {
    pub(crate) fn read(row: &Row) -> Result<Self, AccountsError> {
        let row = UserRow(
            row.text(0)?,
            row.text(1)?,
            row.text(2)?,
            Flag(row.bool(3)?),
            row.text_or_null(4)?,
            row.text_or_null(5)?,
            row.int_or_null(6)?,
            row.text_or_null(7)?,
            row.text_or_null(8)?,
            row.int(9)?,
            row.int_or_null(10)?,
            row.int_or_null(11)?,
            row.int(12)?,
            row.text_or_null(13)?,
        );
        row.into_user()
    }
}

/// How many columns a user has; other columns of a row come after them.
pub(crate) const USER_COLUMNS: usize = 14;

/// The columns of a [`UserRow`] user, of a table called `users`.
macro_rules! columns {
    () => {
        "users.name, users.id, users.backend, users.enabled, users.display_name, users.email, users.quota, \
         users.language, users.locale, users.created_at, users.first_login, users.last_login, users.credential_epoch, \
         users.confirmed_email "
    };
}
pub(crate) use columns;

/// One user as the store says it, by `columns`: in a row, or in a list of JSON.
#[derive(Deserialize)]
pub(crate) struct UserRow(
    String,
    String,
    String,
    Flag,
    Option<String>,
    Option<String>,
    Option<i64>,
    Option<String>,
    Option<String>,
    i64,
    Option<i64>,
    Option<i64>,
    i64,
    Option<String>,
);

impl UserRow {
    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn into_user(self) -> Result<User, AccountsError> {
        #[rustfmt::skip]
        let Self(
            name, id, backend, enabled, display_name, email, quota, language, locale, created, first_login,
            last_login, epoch, confirmed_email,
        ) = self;
        let backend = BackendId::parse(&backend)
            .map_err(|_| AccountsError::unreadable("a user's backend has no valid id"))?;
        Ok(User {
            id: UserId::stored(&id, &name)?,
            backend,
            enabled: enabled.0,
            display_name,
            email,
            confirmed_email,
            quota: Quota::stored(quota),
            language,
            locale,
            created: Timestamp::from_millis(created),
            first_login: first_login.map(Timestamp::from_millis),
            last_login: last_login.map(Timestamp::from_millis),
            epoch: CredentialEpoch::stored(epoch),
        })
    }
}

/// A truth: SQLite says it with a number.
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Truth;
        impl Visitor<'_> for Truth {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, 0 or 1")
            }

            fn visit_bool<E>(self, truth: bool) -> Result<Flag, E> {
                Ok(Flag(truth))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Flag, E> {
                Ok(Flag(number != 0))
            }
        }
        deserializer.deserialize_any(Truth)
    }
}
