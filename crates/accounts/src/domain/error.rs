//! Errors, by what the caller can do about them.

use thiserror::Error;

/// Why the store did not do it.
///
/// Nothing was changed then, unless the variant says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// The name is taken.
    #[error("{what} {id:?} already exists")]
    AlreadyExists {
        /// Which kind of thing: `user`, `group`, ...
        what: &'static str,
        /// Its name as given.
        id: String,
    },
    /// The database belongs to another program; nothing in it was touched.
    #[error("this database belongs to another program: {found}")]
    Foreign {
        /// The symptom.
        found: String,
    },
    /// The actor may not do this.
    ///
    /// Checked in the transaction of the change, so nothing was changed.
    #[error("not permitted: {needs}")]
    Forbidden {
        /// The right that is missing.
        needs: &'static str,
    },
    /// The disk or the quota of the database is full.
    #[error("no room is left to store it")]
    Full,
    /// A value cannot be taken.
    #[error("{field}: found {found:?}, expected {expected}")]
    Invalid {
        /// The field it was meant for.
        field: &'static str,
        /// The invalid value.
        found: String,
        /// The expected form.
        expected: &'static str,
    },
    /// No enabled user would be left in the group `admin`.
    #[error("the last enabled administrator cannot be removed")]
    LastAdmin,
    /// A newer version of this program made the database.
    #[error("the database has schema {found}, this program knows {known} and older: use the newer program")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// There is no such thing.
    #[error("{what} {id:?} does not exist")]
    NotFound {
        /// Which kind of thing: `user`, `group`, ...
        what: &'static str,
        /// Its name as given.
        id: String,
    },
    /// It belongs to the program and stays, such as the group `admin`.
    #[error("{what} {id:?} cannot be removed")]
    Protected {
        /// Which kind of thing.
        what: &'static str,
        /// Its name.
        id: String,
    },
    /// The database can be read and not written.
    #[error("the store is read-only")]
    ReadOnly,
    /// The service token of the actor may not do this.
    ///
    /// Checked in the transaction of the change, so nothing was changed.
    #[error("not permitted to this service token: {}", .needs.unwrap_or("no token changes how its own owner signs in"))]
    ScopeMissing {
        /// The scope that is missing; `None` where no scope is enough.
        needs: Option<&'static str>,
    },
    /// The credential that the actor signed in with has ended since.
    ///
    /// A password was changed, a token revoked. Nothing was changed.
    #[error("the credential of this sign-in has ended")]
    SignInEnded,
    /// Concurrent change: a hash was replaced, a token was used up.
    #[error("{what} changed in between")]
    Stale {
        /// Which kind of thing.
        what: &'static str,
    },
    /// The store cannot be reached now.
    ///
    /// Trying again later may help.
    ///
    /// When a connection broke during a commit, it is open whether the change was made; it is never
    /// made by half.
    #[error("the store is unavailable: {why}")]
    Unavailable {
        /// In a few words.
        why: String,
    },
    /// The store was reached, but its content cannot be interpreted.
    #[error("the store cannot be read: {why}")]
    Unreadable {
        /// In a few words.
        why: String,
    },
}

/// What [`AccountsError::AlreadyExists`] calls a ban.
const BAN: &str = "ban of the user";

impl AccountsError {
    /// Whether the same call may succeed later without any change.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }

    /// Whether a user was not created because the name is banned.
    pub fn is_ban(&self) -> bool {
        matches!(self, Self::AlreadyExists { what: BAN, .. })
    }

    pub(crate) fn banned(id: &str) -> Self {
        Self::already(BAN, id)
    }

    pub(crate) fn already(what: &'static str, id: &str) -> Self {
        Self::AlreadyExists { what, id: id.to_owned() }
    }

    pub(crate) fn missing(what: &'static str, id: &str) -> Self {
        Self::NotFound { what, id: id.to_owned() }
    }

    pub(crate) fn invalid(field: &'static str, found: impl Into<String>, expected: &'static str) -> Self {
        Self::Invalid { field, found: found.into(), expected }
    }

    /// The same with no more than the beginning of a long value.
    pub(crate) fn invalid_text(field: &'static str, found: &str, expected: &'static str) -> Self {
        Self::invalid(field, found.chars().take(80).collect::<String>(), expected)
    }

    pub(crate) fn unavailable(why: impl Into<String>) -> Self {
        Self::Unavailable { why: why.into() }
    }

    pub(crate) fn unreadable(why: impl Into<String>) -> Self {
        Self::Unreadable { why: why.into() }
    }
}
