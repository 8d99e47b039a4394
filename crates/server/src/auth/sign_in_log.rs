//! The log line of a failed sign-in.
//!
//! Operators and programs such as fail2ban read it, so its words and their order stay:
//!
//! ```text
//! failed sign-in user="alice" source=203.0.113.7 frontend="basic" backend="mail" reason="bad_credentials"
//! ```
//!
//! # Security
//! A name that was typed may be a password in the wrong field, so only the id of an account is
//! written in full. Any other name is a short keyed hash, which shows that the same name came again
//! and nothing else. The key ends with the process. No value holds a quote, a backslash or a
//! control character, so a name cannot look like the rest of a line.

use std::fmt::Write as _;
use std::net::IpAddr;

use accounts::UserId;
use tokio::runtime::Handle;
use tracing::{Instrument, Span};
use user_backend::resolver::{EndReason, StepOutcome, Trace, TraceStep};
use user_backend::{Outcome, Rejection};

use crate::state::AppState;

/// What a value is when there is nothing to say.
const NOTHING: &str = "-";

/// The bytes of a service's name that are logged.
const MAX_SERVICE: usize = 64;

/// How a sign-in reached the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Frontend {
    /// HTTP Basic at the API.
    Basic,
    /// A token without a name at the API.
    Bearer,
    /// A program that asks whether a name and a password belong together.
    Check,
    /// The Dovecot auth socket.
    DovecotAuth,
    /// A reverse proxy that asks about a request.
    ForwardAuth,
    /// The socket for `occ`.
    Occ,
    /// nginx's mail proxy.
    NginxMail,
    /// A form of the pages.
    Page,
    /// The saslauthd socket.
    Saslauthd,
}

impl Frontend {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Basic => "basic",
            Self::Bearer => "bearer",
            Self::Check => "check",
            Self::DovecotAuth => "dovecot_auth",
            Self::ForwardAuth => "forward_auth",
            Self::Occ => "occ",
            Self::NginxMail => "nginx_mail",
            Self::Page => "page",
            Self::Saslauthd => "saslauthd",
        }
    }
}

/// The client of a sign-in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Client<'a> {
    /// Its address; a program on this machine may have none.
    pub(crate) source: Option<IpAddr>,
    /// How it reached the server.
    pub(crate) frontend: Frontend,
    /// The service that the program checks a password for, such as `smtp`, as it named it.
    pub(crate) service: Option<&'a str>,
}

impl Client<'_> {
    /// A client with an address.
    pub(super) fn at(source: IpAddr, frontend: Frontend) -> Self {
        Self { source: Some(source), frontend, service: None }
    }

    fn loggable(&self) -> Loggable {
        let service = self
            .service
            .map(|name| quotable(name.get(..name.floor_char_boundary(MAX_SERVICE)).unwrap_or_default()));
        let source = self.source.map_or_else(|| NOTHING.to_owned(), |source| source.to_string());
        Loggable { source, frontend: self.frontend.as_str(), service }
    }
}

/// A client as it stands in a line of the log.
#[derive(Debug)]
struct Loggable {
    source: String,
    frontend: &'static str,
    service: Option<String>,
}

/// A sign-in that did not end with an account.
#[derive(Debug)]
pub(super) struct Failed {
    backends: String,
    /// `None`: an outage.
    ///
    /// Nothing was decided, so it is no failed sign-in.
    reason: Option<&'static str>,
}

impl Failed {
    /// What the resolver decided.
    pub(super) fn new(outcome: &Outcome, trace: &Trace) -> Self {
        Self { backends: backends(&trace.steps, outcome), reason: reason(outcome, trace.ended_by) }
    }

    /// A yes of the backend that is worth nothing here.
    pub(super) fn account(backend: &str, rejection: Rejection) -> Self {
        Self { backends: backend.to_owned(), reason: Some(rejection.as_str()) }
    }

    /// An app password or service token that opens nothing here.
    pub(super) fn app_password() -> Self {
        Self { backends: NOTHING.to_owned(), reason: Some("app_password") }
    }
}

fn reason(outcome: &Outcome, rule: EndReason) -> Option<&'static str> {
    match outcome {
        Outcome::Refused(_) if rule == EndReason::CachedRefusal => Some("repeated"),
        Outcome::Refused(_) if rule == EndReason::InvalidInput => Some(rule.as_str()),
        Outcome::Refused(rejection) => Some(rejection.as_str()),
        Outcome::Throttled { .. } => Some(rule.as_str()),
        Outcome::Authenticated(_) | Outcome::Unavailable { .. } => None,
    }
}

/// The backends that refused, or those that were unavailable.
///
/// The latter if an outage is the reason that there was no decision.
fn backends(steps: &[TraceStep], outcome: &Outcome) -> String {
    let is_outage = matches!(outcome, Outcome::Unavailable { .. });
    let wanted = |step: &&TraceStep| match step.verdict {
        StepOutcome::Rejected => !is_outage,
        StepOutcome::Unavailable | StepOutcome::Misconfigured | StepOutcome::Protocol => is_outage,
        _ => false,
    };
    let ids: Vec<_> = steps.iter().filter(wanted).map(|step| step.backend.as_str()).collect();
    if ids.is_empty() { NOTHING.to_owned() } else { ids.join(",") }
}

/// A name that is safe between quotes.
///
/// Every character except letters, digits and a few signs becomes the `%xx` of its bytes.
fn quotable(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        if c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | '+' | '\'' | ' ') {
            text.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a text cannot fail.
                let _ = write!(text, "%{byte:02X}");
            }
        }
    }
    text
}

/// A sign-in that has no answer yet.
///
/// A client that hangs up before it has one is in the log, too: what it guessed counts, and would
/// otherwise be seen by no one.
#[derive(Debug)]
pub(super) struct Unanswered(Option<SignInDetails>);

#[derive(Debug)]
struct SignInDetails {
    app: AppState,
    typed: Option<String>,
    client: Loggable,
    span: Span,
}

impl Unanswered {
    pub(super) fn new(app: &AppState, typed: Option<&str>, client: Client<'_>) -> Self {
        let (app, typed, span) = (app.clone(), typed.map(str::to_owned), Span::current());
        Self(Some(SignInDetails { app, typed, client: client.loggable(), span }))
    }

    /// It has one.
    pub(super) fn answered(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let (Some(pending), Ok(runtime)) = (self.0.take(), Handle::try_current()) else { return };
        let span = pending.span.clone();
        let write = async move {
            let SignInDetails { app, typed, client: Loggable { source, frontend, service }, .. } = pending;
            let user = app.loggable_user(typed.as_deref()).await;
            tracing::info!(target: "audit", user, %source, frontend, service, "sign-in abandoned, the client hung up");
        };
        runtime.spawn(write.instrument(span));
    }
}

impl AppState {
    /// Writes the line.
    ///
    /// `typed` is what was typed as the name, if there was one.
    pub(super) async fn log_failed_sign_in(&self, typed: Option<&str>, client: Client<'_>, failed: Failed) {
        // The account is looked up for a line that is written.
        if failed.reason.is_none() && !tracing::enabled!(target: "audit", tracing::Level::DEBUG) {
            return;
        }
        let user = self.loggable_user(typed).await;
        let (user, backend) = (user.as_str(), failed.backends.as_str());
        let Loggable { source, frontend, service } = client.loggable();
        match failed.reason {
            Some(reason) => {
                tracing::warn!(target: "audit", user, %source, frontend, backend, reason, service, "failed sign-in");
            }
            // The log has one line for the outage; see `Resolver::outages`.
            None => {
                tracing::debug!(target: "audit", user, %source, frontend, backend, service, "sign-in not decided");
            }
        }
    }

    async fn loggable_user(&self, typed: Option<&str>) -> String {
        match typed {
            None => NOTHING.to_owned(),
            Some(typed) => match self.account_of(typed).await {
                Some(id) => quotable(id.as_str()),
                None => self.inner.unknown_names.hide(typed),
            },
        }
    }

    /// The account that a typed name means.
    ///
    /// A store that does not answer knows none.
    async fn account_of(&self, typed: &str) -> Option<UserId> {
        let users = self.accounts().users();
        for name in self.resolver().names_of(typed) {
            if let Ok(Some(user)) = users.find(&UserId::from_canonical(name)).await {
                return Some(user.id);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use user_backend::brute_force::GuessLimit;

    use super::*;

    #[test]
    fn every_outcome_has_a_documented_reason() {
        let document = include_str!("../../../../docs/operating.md");
        let throttled = Outcome::Throttled { limit: GuessLimit::PerUser, retry_after: Duration::ZERO };
        let refused = Outcome::Refused(Rejection::BadCredentials);
        let mut found = Vec::new();
        for rejection in [
            Rejection::BadCredentials,
            Rejection::UnknownUser,
            Rejection::AccountDisabled,
            Rejection::AccountLocked,
            Rejection::CredentialsExpired,
            Rejection::PolicyDenied,
        ] {
            found.extend(reason(&Outcome::Refused(rejection), EndReason::NotAccepted));
        }
        for (outcome, rule) in [
            (&refused, EndReason::CachedRefusal),
            (&refused, EndReason::InvalidInput),
            (&throttled, EndReason::SourceThrottled),
            (&throttled, EndReason::UserLocked),
            (&throttled, EndReason::BudgetSpent),
            (&throttled, EndReason::BackendBudgetSpent),
        ] {
            found.extend(reason(outcome, rule));
        }
        found.extend(Failed::app_password().reason);
        assert_eq!(found.len(), 13);
        for reason in found {
            assert!(document.contains(&format!("| `{reason}` |")), "{reason} is not in docs/operating.md");
        }
        let outage = Outcome::Unavailable { retry_after: Duration::ZERO };
        assert_eq!(reason(&outage, EndReason::OutageStops), None);
    }

    #[test]
    fn name_cannot_end_its_quotes() {
        for (name, expected) in [
            ("alice", "alice"),
            ("Zoë.O'Neill+x@example.org", "Zoë.O'Neill+x@example.org"),
            ("a\" source=192.0.2.1 reason=\"", "a%22 source%3D192.0.2.1 reason%3D%22"),
            ("a\\\"\n%0A\u{202e}", "a%5C%22%0A%250A%E2%80%AE"),
        ] {
            assert_eq!(quotable(name), expected);
        }
    }
}
