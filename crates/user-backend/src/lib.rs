//! x
#![forbid(unsafe_code)]

pub mod backend;
pub mod check;
pub mod clock;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
#[cfg(feature = "ftp")]
pub mod ftp;
pub mod identity;
#[cfg(feature = "imap")]
pub mod imap;
pub mod layer;
pub mod memory;
pub mod resolver;
pub mod secret;
#[cfg(any(feature = "smb", feature = "smb-native"))]
pub mod smb;
pub mod transport;
pub mod verdict;

pub use backend::{Attempt, Probe, UserBackend};
pub use error::{BackendError, Fault, Phase};
pub use identity::{BackendId, CanonicalName, DomainRules, LoginName, NameRules};
pub use memory::StaticBackend;
pub use resolver::{Answer, BuildError, Credentials, Outcome, Policy, Resolver, ResolverBuilder, Trace};
pub use secret::Password;
pub use verdict::{Authenticated, Freshness, Identity, Rejection, Verdict};
