//! Signing in against SSH servers.
//!
//! # How a login is decided
//! One connection: key exchange, the check of the server's key, then the requests `none` and
//! `password` (RFC 4252), or `keyboard-interactive` with one question (RFC 4256) where a server
//! takes no other. There is no channel, no shell and no command, and the connection is closed as
//! soon as the answer is there. The crate russh speaks SSH; below it is a socket that
//! bounds what a server may send and knows what was an answer.
//!
//! # The server's key
//! It must be known before the first password is sent: a `known_hosts` file (hashed names, patterns
//! and `@revoked` are understood), or the fingerprint of one key. There is no trust on first use.
//! Keys are Ed25519 or ECDSA; RSA keys and certificates are not supported.
//!
//! # Arguments
//! As the `user_backends` array of the PHP app has them (class `\OCA\UserExternal\SSH`): host, port
//! = 22. That class checks no key, so an entry needs `known_hosts` or `fingerprint` beside its
//! arguments.
//!
//! # Example of an entry
//! ```
//! use user_backend::config::{Format, Loader};
//!
//! let text = r#"
//!     [[user_backends]]
//!     class = "ssh"
//!     host = "shell.example.com"
//!     fingerprint = "SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM"   # or known_hosts = "known_hosts"
//! "#;
//! let config = Loader::new().parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Verdicts
//! | answers | reply | outcome |
//! |---|---|---|
//! | the connection | another key than that of the settings | protocol; the error has the fingerprint |
//! | | no common algorithm | misconfigured |
//! | | more than 64 KiB in all, or anything but SSH 2.0 | protocol |
//! | `none` | failure, `password` or `keyboard-interactive` may follow | go on |
//! | | failure, neither may follow | misconfigured: the server takes no passwords |
//! | | success | misconfigured: the user needs no password, so nothing is proven |
//! | | partial success | protocol |
//! | `password` | success | **accepted** |
//! | | failure | **rejected**: wrong name or password, unless words after the password say more |
//! | | partial success | misconfigured: a second factor is wanted |
//! | | a request to change the password | unavailable when time is up |
//! | | success or failure that came before the password was sent | protocol |
//! | `keyboard-interactive` | one question with a hidden answer | the password |
//! | | texts without a question | go on, at most 8 |
//! | | another question first, or several | misconfigured |
//! | | a question after the password, whose words say that it expired | **rejected**: password expired |
//! | | another question after the password | unavailable, not recognised, counts as a guess |
//! | | success, failure, partial success | as above; success without a question is misconfigured |
//! | the password | the connection ends, and words before it are a refusal (an expired account) | **rejected** |
//! | | it ends with a reason and words that are not recognised | unavailable, not recognised, counts as a guess |
//! | | it ends otherwise | unavailable |
//!
//! SSH has one failure for every reason. sshd gives the same one to a wrong password, an unknown
//! user, a user who may not sign in (`AllowUsers`, `PermitRootLogin`), and when PAM cannot ask its
//! directory: a directory that is down looks like a wrong password here.
//!
//! # Security
//! - sshd delays the answer to a wrong password by about 2 seconds (PAM). Since version 9.8 it bans
//!   addresses with many failures for a while (`PerSourcePenalties`): exempt this machine by
//!   `PerSourcePenaltyExemptList`.
//! - An accepted sign-in is a session for the server: PAM opens one, and logs it.
//! - russh keeps copies of the password that it does not wipe. At the log level `trace` it would
//!   log it; that level is compiled out with this feature.

mod class;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod host_keys;
mod reply;
mod session;
mod settings;
mod socket;

pub use class::SshClass;
pub use settings::{HostKeyPin, SshSettings};

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::file_permissions;
use crate::identity::BackendId;
use crate::refusal::{Login, Sent, verdict};
use crate::verdict::Verdict;

use host_keys::{FINGERPRINT, HostKeys, MAX_FILE};
use session::Session;

/// Fails to compile if the log level `trace` is available.
///
/// At that level russh logs what it sends, including passwords.
const _: () = assert!((log::STATIC_MAX_LEVEL as usize) < log::LevelFilter::Trace as usize);

/// An SSH server whose users sign in.
///
/// # Example
/// ```no_run
/// use user_backend::ssh::{HostKeyPin, SshBackend, SshSettings};
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("shell.example.com", 22, TlsMode::None);
/// let pin = HostKeyPin::KnownHosts("/etc/ssh/ssh_known_hosts".into());
/// let backend = SshBackend::new(SshSettings::new(BackendId::parse("shell")?, endpoint, pin))?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SshBackend {
    settings: SshSettings,
    keys: Arc<HostKeys>,
}

impl SshBackend {
    /// Makes the backend; reads the `known_hosts` file, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when the server's key is
    /// not in the file, or when the file or the fingerprint cannot be used.
    pub fn new(settings: SshSettings) -> Result<Self, BackendError> {
        let keys = match &settings.host_key {
            HostKeyPin::KnownHosts(path) => {
                let (host, port) = (settings.endpoint.host(), settings.endpoint.port());
                read(path).and_then(|text| HostKeys::parse_known_hosts(&text, host, port)).map_err(
                    |found| {
                        let text = format!("known_hosts {}: {found}", path.display());
                        let hint = format!("`ssh-keyscan -p {port} {host}` prints the lines of this server");
                        BackendError::misconfigured(Phase::Tls, text).with_hint(&hint)
                    },
                )?
            }
            HostKeyPin::Fingerprint(text) => HostKeys::parse_fingerprint(text).ok_or_else(|| {
                BackendError::misconfigured(Phase::Tls, format!("the fingerprint is not {FINGERPRINT}"))
            })?,
        };
        Ok(Self { settings, keys: Arc::new(keys) })
    }

    async fn open(&self, attempt_deadline: Instant) -> Result<Session, BackendError> {
        let endpoint = &self.settings.endpoint;
        Session::open(endpoint, &self.keys, endpoint.deadline(attempt_deadline)?).await
    }
}

/// Reads a file that only root and this user may change.
///
/// It decides which servers get passwords.
fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let limit = u64::try_from(MAX_FILE).unwrap_or(u64::MAX);
    let read = file_permissions::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
    read.map_err(|error| format!("it cannot be read: {error}"))?;
    if text.len() > MAX_FILE {
        return Err(format!("it is longer than {MAX_FILE} bytes"));
    }
    file_permissions::check(path).map_err(|error| format!("others may change it: {error}"))?;
    Ok(text)
}

impl fmt::Display for SshBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SshSettings { id, endpoint, .. } = &self.settings;
        write!(f, "ssh({id} at {endpoint})")
    }
}

#[async_trait]
impl UserBackend for SshBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let taught = &self.settings.refusal_texts;
        let login = Login { sent: Sent::of(attempt), taught };
        Ok(verdict(attempt, self.open(attempt.deadline).await?.sign_in(login).await?))
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        Ok(self.open(deadline).await?.into_probe())
    }
}
