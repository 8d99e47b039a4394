//! Warnings about requests, each at most once a minute: a client decides how often it sends what causes them.

use std::fmt::Arguments;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use user_backend::clock::{Instant, later, now};

use super::App;

/// How long one kind of warning is not repeated.
const PAUSE: Duration = Duration::from_secs(60);

/// What a warning is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// Too many connections.
    Connections,
    /// The name that a request is for.
    Host,
    /// A password in a query.
    PasswordInQuery,
    /// A proxy.
    Proxy,
}

/// When each kind was written last.
#[derive(Debug, Default)]
pub(super) struct Warned([Mutex<Option<Instant>>; 4]);

impl Warned {
    /// Whether this kind may be written now; if so, it was.
    fn take(&self, odd: Odd, now: Instant) -> bool {
        let [connections, host, query, proxy] = &self.0;
        let last = match odd {
            Odd::Connections => connections,
            Odd::Host => host,
            Odd::PasswordInQuery => query,
            Odd::Proxy => proxy,
        };
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| later(last, PAUSE) <= now);
        if due {
            *last = Some(now);
        }
        due
    }
}

impl App {
    /// Writes a warning, unless one of its kind was written a moment ago.
    pub fn warn_about(&self, odd: Odd, text: Arguments<'_>) {
        if self.inner.warned.take(odd, now()) {
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
        for (odd, seconds, expected) in [
            (Odd::Host, 0, true),
            (Odd::Host, 1, false),
            (Odd::Proxy, 1, true),
            (Odd::PasswordInQuery, 59, true),
            (Odd::Host, 59, false),
            (Odd::Host, 60, true),
            (Odd::Host, 61, false),
        ] {
            let at = later(begin, Duration::from_secs(seconds));
            assert_eq!(warned.take(odd, at), expected, "{odd:?} {seconds}");
        }
    }
}
