//! A backend of your own: users from a text file, one `name:password` per line.
//!
//! The conformance suite checks it. (Passwords in a text file are for this example only.)

use std::collections::HashMap;
use std::fmt;

use user_backend::conformance::{self, TestUser};
use user_backend::{
    Attempt, BackendError, BackendId, CanonicalName, Credentials, Identity, Instant, Phase, Probe, Rejection,
    Resolver, UserBackend, Verdict, async_trait,
};

struct TextFile {
    id: BackendId,
    people: HashMap<String, String>,
}

impl TextFile {
    fn parse(id: BackendId, text: &str) -> Self {
        let people = text.lines().filter_map(|line| line.split_once(':')).map(|(n, p)| (n.into(), p.into()));
        Self { id, people: people.collect() }
    }
}

// The contract: neither Debug nor Display shows a password.
impl fmt::Debug for TextFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TextFile({} people)", self.people.len())
    }
}

impl fmt::Display for TextFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "text-file({})", self.id)
    }
}

#[async_trait]
impl UserBackend for TextFile {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        if self.people.is_empty() {
            // Not being able to decide is an error, never a rejection.
            return Err(BackendError::unavailable(Phase::Login, "the file is empty"));
        }
        // By the name to send, to which the resolver has applied its domain rules.
        let name = CanonicalName::parse(attempt.upstream_name).ok();
        Ok(match name.and_then(|name| self.people.get(name.as_str())) {
            None => Verdict::Rejected(Rejection::UnknownUser),
            Some(right) if right == attempt.password.expose() => {
                Verdict::Accepted(Identity::of(attempt.name))
            }
            Some(_) => Verdict::Rejected(Rejection::BadCredentials),
        })
    }

    async fn probe(&self, _deadline: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

/// Checks the backend against the contract, then signs users in.
#[tokio::main]
pub async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let backend = TextFile::parse(BackendId::parse("text-file")?, "alice:Wonderland-1\nbob:Builder-22");

    conformance::check(&backend, &TestUser::new("alice", "Wonderland-1")?).await?;
    println!("{backend} keeps the contract");

    let resolver = Resolver::builder().backend(backend).build()?;
    for password in ["Builder-22", "wrong"] {
        println!("{}", resolver.authenticate(Credentials::new("Bob", password)).await.outcome.as_str());
    }
    Ok(())
}
