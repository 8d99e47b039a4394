//! Private parsers of untrusted input, for the fuzz targets in `tests/fuzz`.
//!
//! No promise is made about any of it.

/// The result of presenting credentials: accepted, rejected, or no decision.
pub type Decided = Result<Result<(), crate::verdict::Rejection>, crate::error::BackendError>;

/// IMAP: one dialogue in memory.
#[cfg(feature = "imap")]
pub mod imap {
    pub use crate::imap::fuzzing::*;
}

/// FTP: one reply, one stream.
#[cfg(feature = "ftp")]
pub mod ftp {
    pub use crate::ftp::fuzzing::*;
}

/// HTTP: one response.
#[cfg(feature = "http")]
pub mod http {
    pub use crate::http::fuzzing::*;
}

/// LDAP: one answer, one filter.
#[cfg(feature = "ldap")]
pub mod ldap {
    pub use crate::ldap::fuzzing::*;
}

/// SMB: what numbers mean, and the answer to our greeting.
#[cfg(any(feature = "smb-helper", feature = "smb-native"))]
pub mod smb {
    pub use crate::smb::fuzzing::*;
}

/// SMTP: one answer, one offer.
#[cfg(feature = "smtp")]
pub mod smtp {
    pub use crate::smtp::fuzzing::*;
}

/// SSH: known_hosts files and fingerprints.
#[cfg(feature = "ssh")]
pub mod ssh {
    pub use crate::ssh::fuzzing::*;
}

/// XMPP: one answer, SCRAM.
#[cfg(feature = "xmpp")]
pub mod xmpp {
    pub use crate::xmpp::fuzzing::*;
}

/// The mailbox string.
#[cfg(feature = "imap")]
pub mod config {
    pub use crate::imap::mailbox::fuzzing::*;
}

/// The canonical form on the way that names in plain ASCII take.
pub fn canonical_on_the_fast_way(typed: &str) -> Option<String> {
    crate::identity::CanonicalName::with_canonical(typed, str::to_owned).ok()
}
