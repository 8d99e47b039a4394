//! Who may have an account by a backend.

use crate::identity::CanonicalName;

/// Who may have an account by a backend, of the users whom it accepts.
///
/// # Security
/// A user who is not admitted is refused like one with a wrong password: after the backend was
/// asked, with the same outcome, the same counts at all limits, and after the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Admit {
    /// All of them.
    ///
    /// The default.
    #[default]
    Everybody,
    /// Those who have an account already: the name has a pin to this backend.
    Known,
    /// Those with these names; a bare name is read with the domain of the backend.
    Names(Vec<CanonicalName>),
    /// Members of this group.
    Group(String),
}
