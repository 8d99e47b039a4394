//! The contract: what every backend promises, ours or yours.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Serialize;

use crate::clock::Instant;
use crate::error::BackendError;
use crate::identity::{BackendId, LoginName};
use crate::refusal::ServerText;
use crate::secret::Password;
use crate::transport::TlsSummary;
use crate::verdict::Verdict;

/// Decides whether a password belongs to a name.
///
/// A mail server, a file server, a table in memory.
///
/// Most programs do not call a backend themselves: a [`Resolver`](crate::Resolver) asks several in
/// turn, remembers outcomes and hands out the proof of sign-in. Implement this trait to bring a
/// source of your own; the module `conformance` (a cargo feature) checks that it keeps these
/// promises:
///
/// 1. **`Ok` is a decision, `Err` means that no decision was possible.** A server that cannot be
///    reached, does not answer in time, or says "not now" is an error. It is never a
///    [`Rejection`](crate::Rejection).
/// 2. **Only a verified yes is a yes.** In doubt, no.
/// 3. **One attempt, one login.** A credential that may have reached the server is never sent
///    twice; only connecting may be retried.
/// 4. **The deadline holds.** [`Attempt::deadline`] bounds the whole call.
/// 5. **Dropping the future cancels.** Nothing hangs, nothing leaks, and the next attempt works.
/// 6. **Only the requested user is accepted.** The identity is the canonical form of
///    [`Attempt::name`], or of the name by which the server knows the user. Domains and pins are
///    the resolver's business: it applies its rules to this name. So look the user up by
///    [`Attempt::upstream_name`], never by `name`, which may lead to another account.
/// 7. **Nothing leaks the password**: neither `Debug` nor `Display`, no error, no log line.
///
/// The trait has no default bodies, so a decorator cannot forget to pass one on; put
/// `#[deny(clippy::missing_trait_methods)]` on yours.
///
/// # Example
/// ```
/// use std::fmt;
/// use user_backend::{
///     Attempt, BackendError, BackendId, CanonicalName, Identity, Instant, Probe, Rejection, UserBackend,
///     Verdict, async_trait,
/// };
///
/// /// Accepts one user.
/// #[derive(Debug)]
/// struct OneUser(BackendId);
///
/// impl fmt::Display for OneUser {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write!(f, "one-user({})", self.0)
///     }
/// }
///
/// #[async_trait]
/// impl UserBackend for OneUser {
///     fn id(&self) -> &BackendId {
///         &self.0
///     }
///
///     async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
///         // A table of yours has canonical names, as `Alice` and `alice` are one user.
///         let Ok(name) = CanonicalName::parse(attempt.upstream_name) else {
///             return Ok(Verdict::Rejected(Rejection::UnknownUser));
///         };
///         // Compare in constant time (crate `subtle`) where the password is a secret of yours; here
///         // it is public.
///         Ok(match (name.as_str(), attempt.password.expose()) {
///             ("alice", "Wonderland-1") => Verdict::Accepted(Identity::of(attempt.name)),
///             ("alice", _) => Verdict::Rejected(Rejection::BadCredentials),
///             _ => Verdict::Rejected(Rejection::UnknownUser),
///         })
///     }
///
///     async fn probe(&self, _deadline: Instant) -> Result<Probe, BackendError> {
///         Ok(Probe::of(None))
///     }
/// }
/// ```
/// `examples/custom_backend.rs` in the repository checks itself with the conformance suite.
#[async_trait]
pub trait UserBackend: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The backend's stable name.
    ///
    /// The same at every call.
    fn id(&self) -> &BackendId;

    /// Decides one attempt.
    ///
    /// # Errors
    /// [`BackendError`] when no decision was possible. The caller adds [`Self::id`] to it.
    ///
    /// # Cancellation
    /// Dropping the future ends the attempt. The server may still count a failed login.
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError>;

    /// Reaches the server without credentials: connect, TLS, greeting.
    ///
    /// # Errors
    /// [`BackendError`] when the server could not be reached before `deadline`.
    ///
    /// # Cancellation
    /// Safe: nothing but a connection is lost.
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<T: UserBackend + ?Sized> UserBackend for Arc<T> {
    fn id(&self) -> &BackendId {
        self.as_ref().id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.as_ref().authenticate(attempt).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.as_ref().probe(deadline).await
    }
}

/// The trait stays usable as `dyn UserBackend`: this does not compile otherwise.
const _: Option<&dyn UserBackend> = None;

/// One attempt to sign in.
///
/// A struct, so that it can grow without breaking other backends.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Attempt<'a> {
    /// The name, as typed and in canonical form.
    ///
    /// An [`Identity`](crate::Identity) is created from it.
    pub name: &'a LoginName,
    /// The name to send to the server, or to look up in a table.
    ///
    /// As typed, with the domain added where the resolver's rules say so.
    pub upstream_name: &'a str,
    /// The password.
    pub password: &'a Password,
    /// The client address, if known.
    pub source: Option<IpAddr>,
    /// When an answer must be there.
    pub deadline: Instant,
    /// Whether the same name and password were accepted the last time from the same network.
    ///
    /// Such an attempt is no guess, and need not wait for guesses.
    pub is_proven: bool,
    /// Where a message of the server goes.
    message: Option<&'a ServerMessage>,
}

/// The server's message to the user, beside its verdict.
#[derive(Debug, Default)]
pub struct ServerMessage(Mutex<Option<ServerText>>);

impl ServerMessage {
    /// Takes the message, if there is one.
    pub fn take(&self) -> Option<ServerText> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().filter(|text| !text.is_empty())
    }
}

impl<'a> Attempt<'a> {
    /// An attempt that must be answered before `deadline`, from an unknown client.
    pub fn new(name: &'a LoginName, password: &'a Password, deadline: Instant) -> Self {
        Self {
            name,
            upstream_name: name.as_str(),
            password,
            source: None,
            deadline,
            is_proven: false,
            message: None,
        }
    }

    /// Keeps what the server says to the user, such as that an app password is required.
    #[must_use]
    pub fn with_message_to(mut self, message: &'a ServerMessage) -> Self {
        self.message = Some(message);
        self
    }

    /// Sets what the server says to the user: for operators, in the log and in the trace.
    pub fn set_message(&self, text: ServerText) {
        if let Some(message) = self.message {
            *message.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        }
    }

    /// Sets the client address.
    #[must_use]
    pub fn from_source(mut self, source: Option<IpAddr>) -> Self {
        self.source = source;
        self
    }

    /// The same attempt with another name to send to the server.
    #[must_use]
    pub fn with_upstream_name(mut self, name: &'a str) -> Self {
        self.upstream_name = name;
        self
    }

    /// The same attempt for another reading of the name.
    #[must_use]
    pub(crate) fn with_name(mut self, name: &'a LoginName) -> Self {
        self.name = name;
        self
    }

    /// Says that the same name and password were accepted the last time.
    #[must_use]
    pub fn as_proven(mut self, is_proven: bool) -> Self {
        self.is_proven = is_proven;
        self
    }

    /// The same attempt with another deadline.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Instant) -> Self {
        self.deadline = deadline;
        self
    }
}

/// The result of a probe without credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Probe {
    /// The address that answered.
    pub peer: Option<SocketAddr>,
    /// The TLS session; `None` without encryption.
    pub tls: Option<TlsSummary>,
    /// Capabilities of the server: IMAP capabilities, FTP greeting code, or SMB dialect.
    pub capabilities: Vec<String>,
}

impl Probe {
    /// A probe that reached `peer`; fill in the rest.
    pub fn of(peer: Option<SocketAddr>) -> Self {
        Self { peer, ..Self::default() }
    }

    /// Adds what is known about the encryption.
    #[must_use]
    pub fn with_tls(mut self, tls: Option<TlsSummary>) -> Self {
        self.tls = tls;
        self
    }

    /// Adds what the server can do.
    #[must_use]
    pub fn with_capabilities(mut self, capabilities: impl IntoIterator<Item = String>) -> Self {
        self.capabilities = capabilities.into_iter().collect();
        self
    }
}
