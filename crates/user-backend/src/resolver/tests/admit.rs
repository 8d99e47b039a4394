//! Who may have an account by a backend.
//!
//! And that a refusal reveals no more than a wrong password.

use std::time::Duration;

use super::*;
use crate::brute_force::AttemptLimit;
use crate::resolver::names::Admit;

/// A server that accepts at once and refuses after two seconds.
#[derive(Clone, Debug)]
struct SlowServer(SwitchedServer);

impl fmt::Display for SlowServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("thinking")
    }
}

#[async_trait]
impl UserBackend for SlowServer {
    fn id(&self) -> &BackendId {
        self.0.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let answer = self.0.authenticate(attempt).await;
        if matches!(answer, Ok(Verdict::Rejected(_))) {
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        answer
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.0.probe(deadline).await
    }
}

/// Pins, and a group with one member.
#[derive(Debug)]
struct WithGroup(MemoryPins, &'static str);

#[async_trait]
impl PinStore for WithGroup {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
        self.0.owner(name).await
    }
    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, PinError> {
        self.0.bind(name, backend, spelling).await
    }
    async fn is_member(&self, name: &CanonicalName, group: &str) -> Result<Option<bool>, PinError> {
        Ok(Some(name.as_str() == self.1 && group == "staff"))
    }
    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        self.0.rebind(name, backend).await
    }
}

fn server() -> SwitchedServer {
    SwitchedServer::new("mail").with("alice", "a").with("bob", "b").with("alice@example.com", "a")
}

fn admitting(server: &SwitchedServer, admit: Admit, pins: Arc<dyn PinStore>) -> Resolver {
    let names = NameRules::new().with_admit(admit);
    let backend = Arc::new(SlowServer(server.clone()));
    Resolver::builder().pins(pins).backend_with(backend, BackendPolicy::default(), names).build().unwrap()
}

fn alice() -> CanonicalName {
    CanonicalName::parse("alice").unwrap()
}

#[tokio::test(start_paused = true)]
async fn admit_accepts_listed_names() {
    let pins = || Arc::new(WithGroup(MemoryPins::default(), "alice"));
    for admit in [Admit::Names(vec![alice()]), Admit::Group("staff".to_owned())] {
        let resolver = admitting(&server(), admit.clone(), pins());
        assert!(sign_in(&resolver, "Alice", "a").await.authenticated().is_some(), "{admit:?}");
        let answer = sign_in(&resolver, "bob", "b").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{admit:?}");
    }
    let known = pins();
    known.bind(&alice(), &BackendId::parse("mail").unwrap(), None).await.unwrap();
    let resolver = admitting(&server(), Admit::Known, Arc::clone(&known) as _);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_none());
    // No name is taken by a user who is not admitted.
    assert_eq!(known.owner(&CanonicalName::parse("bob").unwrap()).await.unwrap(), None);
    let resolver = admitting(&server(), Admit::Everybody, pins());
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn admitted_name_is_read_with_the_domain() {
    let domain = DomainRules::for_domain("example.com").unwrap();
    let names = NameRules::new().with_domain(domain).with_admit(Admit::Names(vec![alice()]));
    let resolver = Resolver::builder()
        .backend_with(Arc::new(server()), BackendPolicy::default(), names)
        .build()
        .unwrap();
    assert!(sign_in(&resolver, "alice@example.com", "a").await.authenticated().is_some());
}

/// Everything about a refusal that shows outside, password by password.
///
/// The outcome, how long it took, and what the server saw.
async fn refusals(admit: Admit, password: &str) -> Vec<(Outcome, u64, usize)> {
    let server = server();
    let resolver = admitting(&server, admit, Arc::new(MemoryPins::default()));
    resolver.canary().await;
    let before = server.seen().len();
    let mut seen = Vec::new();
    for round in 0..8 {
        // The same password again, and others that count as further guesses.
        let password = if round % 2 == 0 { password.to_owned() } else { format!("guess {round}") };
        let began = now();
        let answer = sign_in_from(&resolver, "203.0.113.7", "alice", &password).await;
        seen.push((answer.outcome, crate::clock::millis_since(began), server.seen().len() - before));
        tokio::time::sleep(Duration::from_secs(40)).await;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn refusal_by_admit_equals_a_wrong_password() {
    let wrong = refusals(Admit::Everybody, "wrong").await;
    for admit in
        [Admit::Known, Admit::Names(vec![CanonicalName::parse("bob").unwrap()]), Admit::Group("x".to_owned())]
    {
        assert_eq!(refusals(admit.clone(), "a").await, wrong, "{admit:?}");
    }
    assert!(wrong.iter().any(|(_, took, _)| *took >= 2000), "{wrong:?}");
    assert!(matches!(wrong.last(), Some((Outcome::Throttled { .. }, ..))), "{wrong:?}");
    assert_eq!(AttemptLimit::default().failures, 4);
}

#[tokio::test(start_paused = true)]
async fn refusal_by_admit_says_why_to_operators() {
    let resolver = admitting(&server(), Admit::Known, Arc::new(MemoryPins::default()));
    let answer = sign_in(&resolver, "alice", "a").await;
    let step = &answer.trace.steps[0];
    assert_eq!(step.verdict, StepOutcome::Rejected);
    assert!(step.reason.as_deref().is_some_and(|reason| reason.contains("admit")), "{step:?}");
}
