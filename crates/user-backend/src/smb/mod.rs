//! Signing in against SMB file servers (MS-SMB2): Samba, Windows, storage boxes.
//!
//! A file server is asked to set up a session with the name and the password. That sounds simple
//! and is not, because SMB servers have several ways to say yes to a user they do not know: a wrong
//! password or an unknown name can become a guest session, and a share that is open to guests takes
//! anonymous sessions. None of these is ever a yes here. What makes the difference is the signature
//! under the server's answer: it is made with a key that comes from the password.
//!
//! # Arguments
//! | setting | default | meaning |
//! |---|---|---|
//! | `host`, `port` | required / 445 | one IPv4 address is enough; `pavao` cannot use IPv6 |
//! | `share` | none | only users who can open this share are accepted; needs the engine `pavao`; not `IPC$` |
//! | `workgroup` | `WORKGROUP` | workgroup or Windows domain |
//! | `engine` | `auto` | the library that speaks SMB: `native` or `pavao`; `auto` is `native` without a share |
//! | `deny_names` | anonymous, ftp, guest | applied by the resolver; `guest` stays denied even when the list is empty |
//! | `connect_timeout`, `timeout` | 3s / 15s | |
//!
//! # Engines
//! Without a setting, `native` runs, and `pavao` if a share is set or the cargo feature `smb-native`
//! is off. At a server that requires encryption, `pavao` takes over from the first right password
//! on, if it can run here: such a server refuses only right ones with that status, so no failure is
//! counted twice.
//!
//! | | `pavao` (cargo features `smb`, `smb-helper`) | `native` (cargo feature `smb-native`) |
//! |---|---|---|
//! | library | libsmbclient, in C, GPLv3 or later | smb2, in Rust |
//! | logins at a time | four per backend in helper processes, else one per process; 64 more wait | unlimited |
//! | a crash of it ends | one login, in helper processes; else the program | one login |
//! | reports why an account is refused | hardly, see below | exactly |
//! | `smb encrypt = required` on the server | works | [`Misconfigured`](crate::FailureKind::Misconfigured); with `auto`, `pavao` takes over |
//! | IPv6 | no | yes |
//! | longest password | 255 bytes | as everywhere |
//! | `share` | if set, the person must be able to open it | not used |
//!
//! libsmbclient has no call for a session alone, so the engine `pavao` opens something on it: the
//! root of `share`, or without one the pipe `srvsvc` on `IPC$`. Which of them is decided by the
//! settings and never by what the server says or by what is compiled in. A server without that pipe
//! cannot be used without a share (or with `engine = "native"`): its "not found" is never taken for
//! a yes.
//!
//! # Verdicts
//! | the server says | `pavao` | `native` |
//! |---|---|---|
//! | yes, signed | accepted | accepted |
//! | wrong password | `BadCredentials` | `BadCredentials` |
//! | unknown user | `BadCredentials` | `BadCredentials`, or `UnknownUser` from servers that report it |
//! | guest or anonymous session instead | `BadCredentials` | `BadCredentials` |
//! | account disabled, or not here or now | `BadCredentials` | `AccountDisabled` |
//! | password expired | `BadCredentials` | `CredentialsExpired` |
//! | password must be changed | unavailable (*) | `CredentialsExpired` |
//! | account locked | unavailable (*) | `AccountLocked` |
//! | its domain controller is down | unavailable (*) | unavailable |
//! | yes, but the person may not open the share | `BadCredentials` | - |
//! | no such share, no pipe | misconfigured | - |
//! | requires an encrypted session | accepted | misconfigured, or `pavao` is asked |
//! | yes, but not signed or wrongly signed | `BadCredentials` or unavailable | protocol |
//! | a status that is on no list | unavailable | unavailable, counts as a guess |
//! | nothing, or hangs up | unavailable | unavailable |
//! | something that is not SMB | protocol | protocol |
//!
//! (*) libsmbclient has one number for all three, so none of them is a rejection; the attempt
//! counts as a guess.
//!
//! Refused without asking: names with characters that no account has or that libsmbclient would cut
//! at (`\`, `/`, `+`, ...) and passwords of more than 255 bytes with `pavao` are
//! [`Rejection::PolicyDenied`]; addresses (`user@domain`) are [`Verdict::NotMine`] unless `domain`
//! is set. With the rules of the class, `WORKGROUP\user` with the workgroup of the settings is
//! `user`; another `DOMAIN\user` is not this server's, unless an account has that name: then it is
//! asked with that domain.
//!
//! # Helper processes
//! libsmbclient has global state, in C: within one process it does one login at a time, so a server
//! that hangs delays the logins at all others, and a crash of the library ends the program. Helper
//! processes (on Linux) avoid this: up to four for each backend, started when they are needed,
//! ended after 30 idle seconds, when a deadline passes, or with the program. They run, in this
//! order:
//!
//! 1. the program that [`Isolation::Program`] names;
//! 2. this program once more, if its `main` calls `run_helper_if_requested` first (cargo feature
//!    `smb`, which links libsmbclient);
//! 3. the program `user-backend-smb-helper` of this project, next to this program or in
//!    `libexec/user-backend`, see [`Isolation::Auto`]. The cargo feature `smb-helper` is enough for
//!    it: the program itself neither links nor loads libsmbclient.
//!
//! Without any of them, and with the feature `smb`, libsmbclient runs in one thread of the process.
//!
//! # What libsmbclient does to a program
//! In helper processes, only the last point is left.
//! - It writes diagnostics to the standard **output**, for instance about bad signatures. A program
//!   whose standard output is read by another program should give that file descriptor another
//!   number before its first sign-in.
//! - It reads `$HOME/.smb/smb.conf` or else `/etc/samba/smb.conf`. Dialects, signing, ports and the
//!   workgroup are set here and do not depend on it; `winbind separator` does, and
//!   `client ntlmv2 auth`.
//! - The crate pavao logs passwords at the level `trace` of the crate `log`. With the feature `smb`
//!   this level is compiled out of the whole program, also when nothing of pavao runs in it.
//! - It follows a share that is a pointer to another server (`msdfs proxy`) and signs in there.
//!
//! # What stays
//! Both libraries make copies of the password that are not wiped.
//!
//! # Names
//! Windows compares names without regard to accents: `álice` signs in as `alice` there, and would
//! be known as `álice`. Samba does not.

#[cfg(feature = "smb-helper")]
#[cfg_attr(
    not(any(feature = "smb", target_os = "linux")),
    allow(dead_code, unreachable_code, unused_variables, reason = "nothing runs libsmbclient there")
)]
mod call;
mod class;
#[cfg(feature = "smb-native")]
mod framed_socket;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod greeting;
#[cfg(all(feature = "smb-helper", target_os = "linux"))]
mod helper;
mod isolation;
#[cfg(feature = "smb")]
mod libsmbclient;
mod names;
#[cfg(feature = "smb-native")]
mod native;
mod reply;
#[cfg(feature = "smb-helper")]
#[cfg_attr(
    not(any(feature = "smb", target_os = "linux")),
    allow(dead_code, unreachable_code, unused_variables, reason = "nothing runs libsmbclient there")
)]
mod session;
mod settings;
#[cfg(feature = "smb")]
mod worker;

pub use class::SmbClass;
#[cfg(all(feature = "smb", target_os = "linux"))]
pub use helper::run_helper_if_requested;
pub use isolation::Isolation;
pub use settings::{SmbEngine, SmbSettings};

use std::fmt;
#[cfg(all(feature = "smb-native", feature = "smb-helper"))]
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

#[cfg(feature = "smb-native")]
use self::native::NativeAnswer;
use self::reply::SmbAnswer;
use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
#[cfg(feature = "smb-native")]
use crate::secret::MAX_PASSWORD_BYTES;
use crate::secret::Password;
use crate::transport::{Endpoint, sooner};
use crate::verdict::{Identity, Rejection, Verdict};

/// Signs users in at one SMB server.
///
/// See the [module](self) for what each answer means.
#[derive(Debug)]
pub struct SmbBackend {
    id: BackendId,
    endpoint: Endpoint,
    domains: settings::DomainForms,
    engine: Engine,
}

#[derive(Debug)]
enum Engine {
    #[cfg(feature = "smb-helper")]
    Pavao(session::Pavao),
    #[cfg(feature = "smb-native")]
    Native(native::Native),
    /// `native`, and `pavao` at a server that requires encryption.
    #[cfg(all(feature = "smb-native", feature = "smb-helper"))]
    Auto { native: native::Native, pavao: session::Pavao, needs_pavao: AtomicBool },
}

impl SmbBackend {
    /// Makes the backend; opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when the cargo feature of
    /// the engine is off, or when share or workgroup could not be the name of one.
    pub fn new(settings: SmbSettings) -> Result<Self, BackendError> {
        settings.check()?;
        let engine = Engine::new(&settings)?;
        let SmbSettings { id, endpoint, domains, .. } = settings;
        Ok(Self { id, endpoint, domains, engine })
    }
}

impl Engine {
    fn new(settings: &SmbSettings) -> Result<Self, BackendError> {
        #[cfg(feature = "smb-helper")]
        let pavao = || {
            let SmbSettings { endpoint, workgroup, share, isolation, .. } = settings;
            session::Pavao::new(endpoint.clone(), workgroup.clone(), share.as_deref(), isolation)
        };
        #[cfg(feature = "smb-native")]
        let native = || native::Native::new(settings.endpoint.clone(), settings.workgroup.clone());
        #[cfg(all(feature = "smb-native", feature = "smb-helper"))]
        if settings.engine == SmbEngine::Auto
            && settings.is_native()
            // Without a helper program, `native` runs alone.
            && let Ok(pavao) = pavao()
        {
            return Ok(Self::Auto { native: native(), pavao, needs_pavao: AtomicBool::new(false) });
        }
        match settings.is_native() {
            #[cfg(feature = "smb-helper")]
            false => pavao().map(Self::Pavao),
            #[cfg(feature = "smb-native")]
            true => Ok(Self::Native(native())),
            #[allow(unreachable_patterns, reason = "reachable when the feature of one engine is off")]
            false => Err(absent("pavao", "smb-helper")),
            #[allow(unreachable_patterns, reason = "reachable when the feature of one engine is off")]
            true => Err(absent("native", "smb-native")),
        }
    }

    /// Bytes of the longest password that can be asked about.
    fn longest_password(&self) -> usize {
        match self {
            #[cfg(feature = "smb-helper")]
            Self::Pavao(_) => session::MAX_PASSWORD_BYTES,
            #[cfg(feature = "smb-native")]
            Self::Native(_) => MAX_PASSWORD_BYTES,
            #[cfg(all(feature = "smb-native", feature = "smb-helper"))]
            Self::Auto { .. } => MAX_PASSWORD_BYTES,
        }
    }

    async fn login(
        &self,
        account: names::Account<'_>,
        password: &Password,
        deadline: Instant,
    ) -> Result<SmbAnswer, BackendError> {
        match self {
            #[cfg(feature = "smb-helper")]
            Self::Pavao(pavao) => pavao.login(account, password, deadline).await,
            #[cfg(feature = "smb-native")]
            Self::Native(native) => match native.login(account, password, deadline).await? {
                NativeAnswer::Answer(answer) => Ok(answer),
                NativeAnswer::EncryptionRequired => reply::of_status(reply::ACCESS_DENIED),
            },
            #[cfg(all(feature = "smb-native", feature = "smb-helper"))]
            Self::Auto { native, pavao, needs_pavao } => {
                let fits = password.expose().len() <= session::MAX_PASSWORD_BYTES;
                if !(fits && needs_pavao.load(Ordering::Relaxed)) {
                    match native.login(account, password, deadline).await? {
                        NativeAnswer::Answer(answer) => return Ok(answer),
                        NativeAnswer::EncryptionRequired if !fits => {
                            return reply::of_status(reply::ACCESS_DENIED);
                        }
                        NativeAnswer::EncryptionRequired => needs_pavao.store(true, Ordering::Relaxed),
                    }
                }
                // Sent a second time at most, and only when the server did not count a failure.
                pavao.login(account, password, deadline).await
            }
        }
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let (peer, greeting) = match self {
            #[cfg(feature = "smb-helper")]
            Self::Pavao(pavao) => pavao.ping(deadline).await?,
            #[cfg(feature = "smb-native")]
            Self::Native(native) => native.ping(deadline).await?,
            #[cfg(all(feature = "smb-native", feature = "smb-helper"))]
            Self::Auto { native, .. } => native.ping(deadline).await?,
        };
        Ok(Probe::of(Some(peer)).with_capabilities(greeting.capabilities()))
    }
}

fn absent(engine: &str, feature: &str) -> BackendError {
    BackendError::misconfigured(
        Phase::Connect,
        format!("engine \"{engine}\" needs the cargo feature {feature}"),
    )
}

impl fmt::Display for SmbBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "smb({} at {})", self.id, self.endpoint)
    }
}

#[async_trait]
impl UserBackend for SmbBackend {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let account = match names::account(attempt.upstream_name, self.domains) {
            Ok(account) => account,
            Err(verdict) => return Ok(verdict),
        };
        if attempt.password.expose().len() > self.engine.longest_password() {
            return Ok(Verdict::Rejected(Rejection::PolicyDenied));
        }
        let deadline = sooner(self.endpoint.timeout(), attempt.deadline);
        Ok(match self.engine.login(account, attempt.password, deadline).await? {
            SmbAnswer::Yes => Verdict::Accepted(Identity::of(attempt.name)),
            SmbAnswer::No(rejection) => Verdict::Rejected(rejection),
        })
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let deadline = sooner(self.endpoint.timeout(), deadline);
        self.engine.probe(deadline).await
    }
}

#[cfg(test)]
mod tests;
