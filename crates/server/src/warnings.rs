//! Warnings about requests, each logged at most once a minute.
//!
//! Otherwise a client would decide how often they are logged.

use std::fmt::Arguments;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use user_backend::clock::{Instant, later, now};

/// How long one kind of warning is not repeated.
const PAUSE: Duration = Duration::from_secs(60);

/// The subject of a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WarningKind {
    /// Too many connections.
    ConnectionLimiter,
    /// The name that a request is for.
    Host,
    /// The accounts cannot be reached.
    NotReady,
    /// A password in a query.
    PasswordInQuery,
    /// HTTPS at a port for HTTP.
    Protocol,
    /// A proxy.
    Proxy,
    /// A connection at the socket of a frontend.
    Socket,
}

/// When each kind was written last.
#[derive(Debug, Default)]
pub(crate) struct Warned([Mutex<Option<Instant>>; 7]);

impl Warned {
    /// Whether a warning of this kind may be logged now; if so, it is recorded.
    fn take(&self, kind: WarningKind, now: Instant) -> bool {
        let [connections, host, not_ready, query, protocol, proxy, socket] = &self.0;
        let last = match kind {
            WarningKind::ConnectionLimiter => connections,
            WarningKind::Host => host,
            WarningKind::NotReady => not_ready,
            WarningKind::PasswordInQuery => query,
            WarningKind::Protocol => protocol,
            WarningKind::Proxy => proxy,
            WarningKind::Socket => socket,
        };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| later(last, PAUSE) <= now);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl Warned {
    /// Writes a warning, unless one of its kind was written a moment ago.
    pub(crate) fn warn(&self, kind: WarningKind, text: Arguments<'_>) {
        if self.take(kind, now()) {
            tracing::warn!("{text}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_written_once_a_minute() {
        let (warned, begin) = (Warned::default(), now());
        for (kind, seconds, expected) in [
            (WarningKind::Host, 0, true),
            (WarningKind::Host, 1, false),
            (WarningKind::Proxy, 1, true),
            (WarningKind::PasswordInQuery, 59, true),
            (WarningKind::Host, 59, false),
            (WarningKind::Host, 60, true),
            (WarningKind::Host, 61, false),
        ] {
            let at = later(begin, Duration::from_secs(seconds));
            assert_eq!(warned.take(kind, at), expected, "{kind:?} {seconds}");
        }
    }
}
