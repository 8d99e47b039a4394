//! Checks without a real password: does the server answer, and does it refuse a canary user?

use serde::Serialize;

use super::names::NameRules;
use crate::backend::{Attempt, UserBackend};
use crate::clock::Instant;
use crate::error::BackendError;
use crate::identity::LoginName;
use crate::secret::{Password, random_hex};
use crate::verdict::{Rejection, Verdict};

/// The result of a canary: a sign-in with a random name and a random password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Canary {
    /// The backend refused it, as it should.
    Refused,
    /// The backend let a stranger in: guest mapping, anonymous logins, or a server that says yes to everybody.
    AcceptsAnybody,
    /// The backend could not be asked; why, in words.
    Unknown(String),
    /// The backend cannot be asked with these settings; why, in words.
    Misconfigured(String),
    /// The policy says not to.
    NotAsked,
}

/// Offers a random user with a random password to a backend. One failed login upstream, so: at start, on reload and on
/// demand, never per login.
///
/// # Cancellation
/// Safe; the server may still count a failed login.
pub async fn canary(backend: &dyn UserBackend, names: &NameRules, deadline: Instant) -> Canary {
    offer_stranger(backend, names, deadline).await.into()
}

/// The result of a canary at one backend.
#[derive(Debug)]
pub(crate) enum Offered {
    Refused,
    Accepted,
    /// Not run, and never will be.
    ToNobody(&'static str),
    InVain(BackendError),
}

impl From<Offered> for Canary {
    fn from(offered: Offered) -> Self {
        match offered {
            Offered::Refused => Self::Refused,
            Offered::Accepted => Self::AcceptsAnybody,
            Offered::ToNobody(why) => Self::Unknown(why.to_owned()),
            Offered::InVain(error) if error.is_transient() => Self::Unknown(error.to_string()),
            Offered::InVain(error) => Self::Misconfigured(error.to_string()),
        }
    }
}

const RULES_REFUSE: &str = "the rules refuse the name, so the server was not asked";

/// The same, told to those who draw conclusions.
pub(crate) async fn offer_stranger(
    backend: &dyn UserBackend,
    names: &NameRules,
    deadline: Instant,
) -> Offered {
    let (Ok(name), Ok(password)) = (random_hex::<6>(), random_hex::<16>()) else {
        return Offered::ToNobody("the operating system gave no random bytes");
    };
    let name = match names.domain().domain() {
        Some(domain) => format!("canary-{name}@{domain}"),
        None => format!("canary-{name}"),
    };
    let (Ok(name), Ok(password)) = (LoginName::parse(&name), Password::parse(password)) else {
        return Offered::ToNobody("the domain leaves no room for a name");
    };
    let Ok((upstream, _)) = names.ask(&name) else { return Offered::ToNobody(RULES_REFUSE) };
    let attempt = Attempt::new(&name, &password, deadline).with_upstream_name(&upstream);
    match backend.authenticate(&attempt).await {
        Ok(Verdict::Accepted(_)) => Offered::Accepted,
        Ok(Verdict::NotMine | Verdict::Rejected(Rejection::PolicyDenied)) => Offered::ToNobody(RULES_REFUSE),
        Ok(Verdict::Rejected(_)) => Offered::Refused,
        Err(error) => Offered::InVain(error.with_backend(backend.id())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::now;
    use crate::memory::StaticBackend;

    #[tokio::test]
    async fn an_honest_backend_refuses_and_a_dead_one_proves_nothing() {
        let soon = now() + Duration::from_secs(5);
        let honest = StaticBackend::new("honest").unwrap();
        assert_eq!(canary(&honest, &NameRules::new(), soon).await, Canary::Refused);
        let dead = StaticBackend::new("dead").unwrap().unavailable();
        assert!(matches!(canary(&dead, &NameRules::new(), soon).await, Canary::Unknown(_)));
    }
}
