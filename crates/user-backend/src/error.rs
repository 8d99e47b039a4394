//! Why no decision was possible.
//!
//! Never "wrong password": that is a decision, see [`Verdict`](crate::Verdict).
//!
//! ```
//! use user_backend::BackendError;
//! use user_backend::error::Phase;
//!
//! let error = BackendError::unavailable(Phase::Connect, "connection refused");
//! assert_eq!(error.phase(), Phase::Connect);
//! assert!(error.is_transient(), "worth another attempt later");
//! ```

use std::error::Error as StdError;
use std::fmt;

use serde::Serialize;

use crate::identity::BackendId;
use crate::refusal::ServerText;

/// How far an attempt came before it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Phase {
    /// Finding the address of the host.
    Resolve,
    /// Opening the connection.
    Connect,
    /// Encrypting it.
    Tls,
    /// Hearing from the server what it is and what it can do.
    Greeting,
    /// Presenting the name and the password.
    Login,
}

impl Phase {
    /// The phase in one lower-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Greeting => "greeting",
            Self::Login => "login",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no decision was possible.
///
/// What kind of failure, how far the attempt came, a text, and the error beneath.
///
/// A backend returns it without its own id; the caller adds it
/// ([`with_backend`](Self::with_backend)), as the resolver does. The texts never contain a
/// password, nor anything of a server's reply but its code: some servers repeat credentials. The
/// reply goes into a [`ServerText`], apart from the texts.
#[derive(Debug)]
pub struct BackendError {
    failure: FailureKind,
    phase: Phase,
    detail: String,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
    is_timeout: bool,
    is_unanswered: bool,
    backend: Option<BackendId>,
    counts_as_guess: bool,
    server_text: Option<Box<ServerText>>,
    outage_text: Option<Box<ServerText>>,
    is_learnable: bool,
}

/// The kinds of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// The peer could not be reached or could not decide now.
    ///
    /// Trying later may help.
    Unavailable,
    /// The peer cannot be used with these settings.
    ///
    /// Trying later does not help, changing the settings does.
    Misconfigured,
    /// The peer does not speak the protocol, or an attacker answers in its place.
    Protocol,
}

impl BackendError {
    /// The peer could not be reached or could not decide now.
    pub fn unavailable(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(FailureKind::Unavailable, phase, detail.into())
    }

    /// The peer was silent until time was up.
    pub fn timed_out(phase: Phase) -> Self {
        Self { is_timeout: true, ..Self::unavailable(phase, "no answer in time") }
    }

    /// The peer cannot be used with these settings.
    pub fn misconfigured(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(FailureKind::Misconfigured, phase, detail.into())
    }

    /// The peer does not speak the protocol.
    pub fn protocol(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(FailureKind::Protocol, phase, detail.into())
    }

    fn new(failure: FailureKind, phase: Phase, detail: String) -> Self {
        Self {
            failure,
            phase,
            detail,
            source: None,
            is_timeout: false,
            is_unanswered: false,
            backend: None,
            counts_as_guess: false,
            server_text: None,
            outage_text: None,
            is_learnable: false,
        }
    }

    /// The server answered the name and the password, and the answer is not recognised.
    ///
    /// Neither as a refusal nor as an outage. `answer` is the reply's code and what it answers. The
    /// attempt is unavailable and counts as a guess.
    pub fn not_recognised(answer: &str, text: ServerText) -> Self {
        let detail = format!("the server's answer is not recognised as a refusal ({answer})");
        Self::unavailable(Phase::Login, detail).with_server_text(text)
    }

    /// Adds the server's reply that is not recognised.
    ///
    /// The attempt counts as a guess then.
    #[must_use]
    pub fn with_server_text(mut self, text: ServerText) -> Self {
        self.server_text = Some(Box::new(text));
        self.counting_as_guess()
    }

    /// The server answered the name or the password with an outage.
    ///
    /// `answer` is the reply's code and what it answers.
    #[allow(dead_code, reason = "not every class needs it")]
    pub(crate) fn outage(phase: Phase, detail: &str, answer: &str, text: &ServerText) -> Self {
        Self::unavailable(phase, format!("{detail} ({answer})")).with_outage_text(text.clone())
    }

    /// Adds the server's reply that reads like an outage.
    ///
    /// Reported if the server gives it to users who do not exist, and accepts others.
    #[must_use]
    pub fn with_outage_text(mut self, text: ServerText) -> Self {
        self.outage_text = Some(Box::new(text));
        self
    }

    /// The words may be learned as a refusal if two canary users were answered with them.
    ///
    /// The reply's code says that the server judged, not that it did not understand.
    #[must_use]
    pub fn learnable(mut self) -> Self {
        self.is_learnable = true;
        self
    }

    /// The server was sent the password and answered.
    ///
    /// Limits on guessing count the attempt, although it was not judged.
    #[must_use]
    pub fn counting_as_guess(mut self) -> Self {
        self.counts_as_guess = true;
        self
    }

    /// Counts an answer to the password as a guess, unless it is an outage.
    #[must_use]
    #[allow(dead_code, reason = "not every class needs it")]
    pub(crate) fn counting_unless_outage(self) -> Self {
        match self.failure {
            FailureKind::Unavailable => self,
            FailureKind::Misconfigured | FailureKind::Protocol => self.counting_as_guess(),
        }
    }

    /// The password may have been sent, and the connection ended without an answer.
    ///
    /// Limits at that backend count each such password once: the server may have compared it.
    #[must_use]
    pub fn without_answer(mut self) -> Self {
        self.is_unanswered = true;
        self
    }

    /// Adds to the text what the operator can do.
    #[must_use]
    pub fn with_hint(mut self, hint: &str) -> Self {
        self.detail.push_str("; ");
        self.detail.push_str(hint);
        self
    }

    /// Adds the error beneath.
    ///
    /// Its text must not contain a password or a server's reply.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Names the backend that could not decide.
    #[must_use]
    pub fn with_backend(mut self, backend: &BackendId) -> Self {
        self.backend = Some(backend.clone());
        self
    }

    /// The backend that could not decide, once it was named.
    pub fn backend(&self) -> Option<&BackendId> {
        self.backend.as_ref()
    }

    /// The kind of failure.
    pub fn failure_kind(&self) -> FailureKind {
        self.failure
    }

    /// The kind of failure in one lower-case word, as traces and metrics show it.
    pub fn kind(&self) -> &'static str {
        match self.failure {
            FailureKind::Unavailable => "unavailable",
            FailureKind::Misconfigured => "misconfigured",
            FailureKind::Protocol => "protocol",
        }
    }

    /// How far the attempt came.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// The message, in lower case and without a full stop.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Whether the same attempt may succeed later without a change of settings.
    pub fn is_transient(&self) -> bool {
        self.failure != FailureKind::Misconfigured
    }

    /// Whether the peer did not answer before the time limit.
    ///
    /// It may still be processing the request: a password that was sent may yet count as
    /// a failed login there.
    pub fn is_timeout(&self) -> bool {
        self.is_timeout
    }

    /// Whether the password may have reached the server, which did not answer it.
    ///
    /// It was silent until time was up, or the connection ended.
    pub fn is_unanswered(&self) -> bool {
        self.is_unanswered || (self.is_timeout && self.phase == Phase::Login)
    }

    /// Whether limits on guessing count the attempt.
    ///
    /// An answer that is not recognised is counted, because it may have been a refusal. An outage is
    /// not, but for the wider limit on logins that were answered with one.
    pub fn counts_as_guess(&self) -> bool {
        self.counts_as_guess
    }

    /// The server's reply that is not recognised.
    pub fn server_text(&self) -> Option<&ServerText> {
        self.server_text.as_deref()
    }

    /// The server's reply that reads like an outage.
    pub fn outage_text(&self) -> Option<&ServerText> {
        self.outage_text.as_deref()
    }

    /// Whether two canary users can teach this answer.
    pub(crate) fn is_learnable(&self) -> bool {
        self.is_learnable
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(backend) = &self.backend {
            write!(f, "backend \"{backend}\" ")?;
        }
        let what = match self.failure {
            FailureKind::Unavailable => "unavailable during",
            FailureKind::Misconfigured => "misconfigured, seen during",
            FailureKind::Protocol => "broke the protocol during",
        };
        write!(f, "{what} {}: {}", self.phase, self.detail)
    }
}

impl StdError for BackendError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_names_backend_and_phase_and_keeps_the_cause() {
        let id = BackendId::parse("mail").unwrap();
        let error = BackendError::unavailable(Phase::Tls, "certificate expired on 2026-11-01")
            .with_source(std::io::Error::other("beneath"))
            .with_backend(&id);
        assert_eq!(
            error.to_string(),
            "backend \"mail\" unavailable during tls: certificate expired on 2026-11-01"
        );
        assert!(error.is_transient());
        assert_eq!((error.kind(), error.phase(), error.backend()), ("unavailable", Phase::Tls, Some(&id)));
        assert_eq!(error.source().unwrap().to_string(), "beneath");
        let unnamed = BackendError::protocol(Phase::Login, "500 to PASS");
        assert_eq!(unnamed.to_string(), "broke the protocol during login: 500 to PASS");
        assert!(!BackendError::misconfigured(Phase::Login, "x").with_backend(&id).is_transient());
        assert!(!error.is_timeout());
        let late = BackendError::timed_out(Phase::Login).with_backend(&id);
        assert!(late.is_timeout() && late.is_transient(), "{late}");
        assert!(!late.counts_as_guess() && late.server_text().is_none());
        assert!(late.is_unanswered() && !BackendError::timed_out(Phase::Connect).is_unanswered());
        let ended = BackendError::unavailable(Phase::Login, "the server closed the connection");
        assert!(!ended.is_unanswered() && ended.without_answer().is_unanswered());
    }

    #[test]
    fn unrecognised_answer_counts_as_a_guess_without_its_words() {
        let password = crate::secret::Password::parse("Wonderland-1").unwrap();
        let text = ServerText::new(b"flux", "alice", &password);
        let error = BackendError::not_recognised("reply 530 to PASS", text);
        assert_eq!(
            error.to_string(),
            "unavailable during login: the server's answer is not recognised as a refusal (reply 530 to PASS)"
        );
        assert!(error.counts_as_guess() && error.is_transient() && !error.is_learnable());
        assert_eq!(error.server_text().unwrap().as_str(), "flux");
        assert!(!format!("{error:?}").contains("flux"), "{error:?}");
    }
}
