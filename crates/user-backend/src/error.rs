//! Why no decision was possible. Never "wrong password": that is a decision, see [`Verdict`](crate::Verdict).

use std::error::Error as StdError;
use std::fmt;

use serde::Serialize;
use thiserror::Error;

use crate::identity::BackendId;

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

/// A backend could not decide.
///
/// The texts never hold a password, nor anything that a server said beyond its reply codes: servers have been seen
/// to repeat credentials.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The peer could not be reached or could not decide now. Trying later may help.
    #[error("backend \"{}\" unavailable during {}: {}", .0.backend, .0.phase, .0.detail)]
    Unavailable(#[source] Report),
    /// The peer cannot be used with these settings. Trying later does not help, changing the settings does.
    #[error("backend \"{}\" misconfigured, seen during {}: {}", .0.backend, .0.phase, .0.detail)]
    Misconfigured(#[source] Report),
    /// The peer does not speak the protocol, or somebody speaks in its place.
    #[error("backend \"{}\" broke the protocol during {}: {}", .0.backend, .0.phase, .0.detail)]
    Protocol(#[source] Report),
}

impl BackendError {
    /// The backend that could not decide.
    pub fn backend(&self) -> &BackendId {
        &self.report().backend
    }

    /// How far the attempt came.
    pub fn phase(&self) -> Phase {
        self.report().phase
    }

    /// What happened, in lower case and without a full stop.
    pub fn detail(&self) -> &str {
        &self.report().detail
    }

    /// Whether the same attempt may succeed later without anybody changing the settings.
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Misconfigured(_))
    }

    /// Whether the peer was silent until time was up. What it was asked it may still be thinking about: a password that was
    /// sent may yet count as a failed login there.
    pub fn is_timeout(&self) -> bool {
        self.report().is_timeout
    }

    /// The kind of failure in one lower-case word, as traces and metrics show it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
            Self::Protocol(_) => "protocol",
        }
    }

    fn report(&self) -> &Report {
        match self {
            Self::Unavailable(report) | Self::Misconfigured(report) | Self::Protocol(report) => report,
        }
    }
}

/// Where and why: the backend, the phase, a text, and what lies beneath.
pub struct Report {
    backend: BackendId,
    phase: Phase,
    detail: String,
    source: Option<Source>,
    is_timeout: bool,
}

/// The error beneath.
type Source = Box<dyn StdError + Send + Sync + 'static>;

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("backend", &self.backend)
            .field("phase", &self.phase)
            .field("detail", &self.detail)
            .field("source", &self.source)
            .finish()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl StdError for Report {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

/// A failure before anybody said which backend it belongs to: what transports and sessions return.
///
/// [`Fault::of`] makes a [`BackendError`] of it.
#[derive(Debug)]
pub struct Fault {
    kind: Kind,
    phase: Phase,
    detail: String,
    source: Option<Source>,
    is_timeout: bool,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Unavailable,
    Misconfigured,
    Protocol,
}

impl Fault {
    /// The peer could not be reached or could not decide now.
    pub fn unavailable(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, phase, detail.into())
    }

    /// The peer was silent until time was up.
    pub fn timed_out(phase: Phase) -> Self {
        Self { is_timeout: true, ..Self::unavailable(phase, "no answer in time") }
    }

    /// The peer cannot be used with these settings.
    pub fn misconfigured(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(Kind::Misconfigured, phase, detail.into())
    }

    /// The peer does not speak the protocol.
    pub fn protocol(phase: Phase, detail: impl Into<String>) -> Self {
        Self::new(Kind::Protocol, phase, detail.into())
    }

    fn new(kind: Kind, phase: Phase, detail: String) -> Self {
        Self { kind, phase, detail, source: None, is_timeout: false }
    }

    /// Adds the error beneath. Its text must not hold a password or what a server said.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync + 'static>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// How far the attempt came.
    pub fn phase(&self) -> Phase {
        self.phase
    }

    /// What happened.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Says whose failure it is.
    pub fn of(self, backend: &BackendId) -> BackendError {
        let Self { kind, phase, detail, source, is_timeout } = self;
        let report = Report { backend: backend.clone(), phase, detail, source, is_timeout };
        match kind {
            Kind::Unavailable => BackendError::Unavailable(report),
            Kind::Misconfigured => BackendError::Misconfigured(report),
            Kind::Protocol => BackendError::Protocol(report),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_names_backend_and_phase_and_keeps_the_cause() {
        let id = BackendId::parse("mail").unwrap();
        let error = Fault::unavailable(Phase::Tls, "certificate expired on 2026-11-01")
            .caused_by(std::io::Error::other("beneath"))
            .of(&id);
        assert_eq!(
            error.to_string(),
            "backend \"mail\" unavailable during tls: certificate expired on 2026-11-01"
        );
        assert!(error.is_transient());
        assert_eq!((error.kind(), error.phase(), error.backend()), ("unavailable", Phase::Tls, &id));
        let report = error.source().unwrap();
        assert_eq!(report.source().unwrap().to_string(), "beneath");
        assert!(!Fault::misconfigured(Phase::Login, "x").of(&id).is_transient());
        assert!(!error.is_timeout());
        let late = Fault::timed_out(Phase::Login).of(&id);
        assert!(late.is_timeout() && late.is_transient(), "{late}");
    }
}
