//! What the store knows about a user.

use std::fmt;
use std::str::FromStr;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer};
use user_backend::BackendId;

use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::domain::id::{GroupId, LOCAL_BACKEND, UserId};
use crate::store::credential_epoch::CredentialEpoch;
use crate::store::engine::{Row, fault};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct User {
    /// The id, in the spelling that was chosen at creation.
    pub id: UserId,
    /// Who checks this user's password.
    pub backend: BackendId,
    /// Whether this user may sign in.
    pub enabled: bool,
    /// What the user is called; unset means by the id.
    pub display_name: Option<String>,
    /// The primary mail address, lower case.
    pub email: Option<String>,
    /// How much this user may store.
    pub quota: Quota,
    /// The language, such as `de_DE`.
    pub language: Option<String>,
    /// The locale, such as `de_AT`.
    pub locale: Option<String>,
    /// When this user was created.
    pub created: Timestamp,
    /// The first sign-in.
    pub first_login: Option<Timestamp>,
    /// The latest sign-in.
    pub last_login: Option<Timestamp>,
    /// When this user's credentials ended last; what was proved in an earlier generation counts no more.
    pub epoch: CredentialEpoch,
}

impl User {
    /// The display name, or the id when there is none.
    pub fn display_name_or_id(&self) -> &str {
        self.display_name.as_deref().unwrap_or_else(|| self.id.as_str())
    }

    /// Whether this store keeps the user's password.
    pub fn is_local(&self) -> bool {
        self.backend.as_str() == LOCAL_BACKEND
    }

    pub(crate) fn read(row: &Row) -> Result<Self, AccountsError> {
        let read = || -> Result<_, sqlx::Error> {
            Ok(Bare(
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
            ))
        };
        read().map_err(fault)?.into_user()
    }
}

/// The columns of a [`Bare`] user, of a table called `users`.
macro_rules! columns {
    () => {
        "users.name, users.id, users.backend, users.enabled, users.display_name, users.email, users.quota, \
         users.language, users.locale, users.created_at, users.first_login, users.last_login, users.epoch "
    };
}
pub(crate) use columns;

/// One user as the store says it, by `columns`: in a row, or in a list of JSON.
#[derive(Deserialize)]
pub(crate) struct Bare(
    pub(crate) String,
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
);

impl Bare {
    pub(crate) fn into_user(self) -> Result<User, AccountsError> {
        #[rustfmt::skip]
        let Self(
            name, id, backend, enabled, display_name, email, quota, language, locale, created, first_login,
            last_login, generation,
        ) = self;
        let backend = BackendId::parse(&backend)
            .map_err(|_| AccountsError::unreadable("a user's backend has no valid id"))?;
        Ok(User {
            id: UserId::stored(&id, &name)?,
            backend,
            enabled: enabled.0,
            display_name,
            email,
            quota: Quota::stored(quota),
            language,
            locale,
            created: Timestamp::from_millis(created),
            first_login: first_login.map(Timestamp::from_millis),
            last_login: last_login.map(Timestamp::from_millis),
            epoch: CredentialEpoch::stored(generation),
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

/// What a user may do, and whom they may administer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permissions {
    /// The user.
    pub user: User,
    /// Whether the user is in the group `admin`.
    pub is_admin: bool,
    /// The groups that the user administers.
    pub subadmin_of: Vec<GroupId>,
}

/// How much a user may store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Quota {
    /// What the installation gives everybody.
    #[default]
    Default,
    /// As much as there is.
    Unlimited,
    /// That many bytes.
    Bytes(u64),
}

/// How the column says "unlimited", and the provisioning API too.
const UNLIMITED: i64 = -3;

impl Quota {
    pub(crate) fn stored(column: Option<i64>) -> Self {
        match column {
            None => Self::Default,
            Some(bytes) => u64::try_from(bytes).map_or(Self::Unlimited, Self::Bytes),
        }
    }

    pub(crate) fn column(self) -> Option<i64> {
        match self {
            Self::Default => None,
            Self::Unlimited => Some(UNLIMITED),
            Self::Bytes(bytes) => Some(i64::try_from(bytes).unwrap_or(i64::MAX)),
        }
    }
}

impl FromStr for Quota {
    type Err = AccountsError;

    /// `none`, `default`, a number of bytes, or a number with a unit (`5 GB`, `1.5g`, factor 1024).
    fn from_str(text: &str) -> Result<Self, AccountsError> {
        let refused = || AccountsError::invalid("quota", text, "none, default, or a size such as 5 GB");
        match text.trim().to_ascii_lowercase().as_str() {
            "default" => return Ok(Self::Default),
            "none" => return Ok(Self::Unlimited),
            _ => {}
        }
        let digits = text.trim();
        let unit_at = digits.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(digits.len());
        let (number, unit) = digits.split_at(unit_at);
        let power = match unit.trim().to_ascii_lowercase().as_str() {
            "" | "b" => 0,
            "k" | "kb" => 1,
            "m" | "mb" => 2,
            "g" | "gb" => 3,
            "t" | "tb" => 4,
            "p" | "pb" => 5,
            _ => return Err(refused()),
        };
        let factor = 1024_u64.pow(power);
        if let Ok(whole) = number.parse::<u64>() {
            let bytes = whole.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok());
            return bytes.map(Self::Bytes).ok_or_else(refused);
        }
        let number: f64 = number.parse().map_err(|_| refused())?;
        #[allow(clippy::cast_precision_loss, reason = "powers of 1024 are exact")]
        let bytes = (number * factor as f64).round();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to fit")]
        if bytes.is_finite() && (0.0..9e18).contains(&bytes) {
            Ok(Self::Bytes(bytes as u64))
        } else {
            Err(refused())
        }
    }
}

/// `none`, `default`, or a number of bytes.
impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Unlimited => f.write_str("none"),
            Self::Bytes(bytes) => bytes.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_read_as_people_write_it() {
        for (text, quota) in [
            ("none", Quota::Unlimited),
            ("Default", Quota::Default),
            ("0", Quota::Bytes(0)),
            ("5 GB", Quota::Bytes(5 << 30)),
            ("1.5g", Quota::Bytes(3 << 29)),
            ("10k", Quota::Bytes(10 << 10)),
            ("2 PB", Quota::Bytes(2 << 50)),
        ] {
            assert_eq!(text.parse::<Quota>().unwrap(), quota, "{text}");
        }
        for text in
            ["", "abc", "5XB", "-1", "-5 MB", "1e3", "1.2.3", "9000000 PB", "9999999999999999999999", "GB"]
        {
            assert!(text.parse::<Quota>().is_err(), "{text}");
        }
    }
}
