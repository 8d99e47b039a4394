//! An outage is never counted, and never hidden by a limit.

use super::*;
use crate::brute_force::{AttemptLimit, SourceRateLimit};

/// A chain of a server that can be down and one that does not know bob.
fn resolver(mail: &SwitchedServer, other: Watched, other_first: bool) -> Resolver {
    let builder = Resolver::builder();
    let mail = Arc::new(mail.clone());
    let (other, rules): (Arc<dyn UserBackend>, _) = (Arc::new(other), DomainRules::none);
    match other_first {
        true => builder.backend_with(other, BackendPolicy::default(), rules()).backend_with(
            mail,
            go_on_without(),
            rules(),
        ),
        false => builder.backend_with(mail, go_on_without(), rules()).backend_with(
            other,
            BackendPolicy::default(),
            rules(),
        ),
    }
    .build()
    .unwrap()
}

const HOME: &str = "203.0.113.7";

fn is_outage(answer: &TracedOutcome) -> bool {
    matches!(answer.outcome, Outcome::Unavailable { retry_after } if retry_after <= Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn right_password_is_unavailable_during_an_outage() {
    // One says "no such user", the other "wrong password", about users that it does not have.
    let ignorant = || watch(people("local").with_user("frank", "f"));
    let vague = || watch(people("local").with_user("bob", "another"));
    for (other, other_first) in [(ignorant(), true), (ignorant(), false), (vague(), true), (vague(), false)] {
        let mail = SwitchedServer::new("mail").with("bob", "right");
        let resolver = resolver(&mail, other, other_first);
        mail.down(true);
        for number in 0..20 {
            let answer = sign_in_from(&resolver, HOME, "bob", "right").await;
            assert!(is_outage(&answer), "{number}: {}", answer.trace);
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        mail.down(false);
        // The circuit breaker may know it a while longer.
        tokio::time::advance(Duration::from_secs(80)).await;
        let answer = sign_in_from(&resolver, HOME, "bob", "right").await;
        assert_eq!(accepted_by(&answer), Some("mail"), "{other_first}: {}", answer.trace);
    }
}

#[tokio::test(start_paused = true)]
async fn passwords_in_an_outage_are_unavailable_and_cost_nothing() {
    for other_first in [true, false] {
        let mail = SwitchedServer::new("mail").with("bob", "right");
        let local = watch(people("local").with_user("frank", "f"));
        let resolver = resolver(&mail, local, other_first);
        mail.down(true);
        for number in 0..12 {
            let answer = sign_in_from(&resolver, HOME, "bob", &format!("perhaps {number}")).await;
            assert!(is_outage(&answer), "{number}: {}", answer.trace);
            tokio::time::advance(Duration::from_secs(5)).await;
        }
        mail.down(false);
        tokio::time::advance(Duration::from_secs(80)).await;
        let start = now();
        let answer = sign_in_from(&resolver, HOME, "bob", "right").await;
        assert_eq!(accepted_by(&answer), Some("mail"), "{other_first}: {}", answer.trace);
        assert_eq!(now(), start, "no delay either");
    }
}

#[tokio::test(start_paused = true)]
async fn outage_is_not_hidden_by_the_limit_of_another_backend() {
    let mail = SwitchedServer::new("mail").with("bob", "right");
    let vague = watch(people("local").with_user("bob", "another"));
    let resolver = resolver(&mail, vague, false);
    mail.down(true);
    for number in 0..12 {
        let answer = sign_in_from(&resolver, HOME, "bob", &format!("perhaps {number}")).await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
}

#[tokio::test(start_paused = true)]
async fn hanging_server_is_unavailable_for_all_callers() {
    let hangs = watch(people("mail").with_user("bob", "right").with_delay(Duration::from_secs(600)));
    let resolver = chain([(hangs, BackendPolicy::default())]);
    let attempts: Vec<_> = (0..30)
        .map(|number| {
            let resolver = resolver.clone();
            tokio::spawn(
                async move { sign_in_from(&resolver, HOME, "bob", &format!("perhaps {number}")).await },
            )
        })
        .collect();
    for attempt in attempts {
        let answer = attempt.await.unwrap();
        assert!(is_outage(&answer), "{}", answer.trace);
    }
    let answer = sign_in_from(&resolver, HOME, "bob", "right").await;
    assert!(is_outage(&answer), "{}", answer.trace);
}

#[tokio::test(start_paused = true)]
async fn user_unknown_to_a_backend_spends_no_budget_there() {
    let local = watch(people("local").with_user("frank", "f"));
    let mail = watch(people("mail").with_user("bob", "right"));
    let generous = policy(|policy| policy.budget.failures = 3);
    let resolver = chain([(local.clone(), generous), (mail, BackendPolicy::default())]);
    for number in 0..3 {
        let answer = sign_in(&resolver, "bob", &format!("guess {number}")).await;
        assert_eq!(answer.outcome.as_str(), "refused");
    }
    resolver.unlock(&CanonicalName::parse("bob").unwrap());
    let answer = sign_in(&resolver, "bob", "right").await;
    assert_eq!(accepted_by(&answer), Some("mail"), "{}", answer.trace);
    assert_eq!(local.attempts(), 4);
}

/// Answers with an unrecognised reply.
#[derive(Debug)]
struct Unrecognised(BackendId, std::sync::atomic::AtomicUsize);

impl fmt::Display for Unrecognised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unrecognised")
    }
}

#[async_trait]
impl UserBackend for Arc<Unrecognised> {
    fn id(&self) -> &BackendId {
        &self.0
    }
    async fn authenticate(&self, _: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        Err(BackendError::unavailable(Phase::Login, "530 is not recognised").counting_as_guess())
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

#[tokio::test(start_paused = true)]
async fn unrecognised_answer_counts_as_a_guess_and_stays_unavailable() {
    let strange = Arc::new(Unrecognised(BackendId::parse("strange").unwrap(), 0.into()));
    let no_delay = SourceRateLimit { first_delay: Duration::ZERO, ..Default::default() };
    let resolver = Resolver::builder().backend(Arc::clone(&strange)).throttle(no_delay).build().unwrap();
    // From many sources at one user, then from one source at many users.
    for number in 0..20 {
        let answer = sign_in_from(&resolver, &format!("10.0.0.{number}"), "alice", &number.to_string()).await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
    assert_eq!(strange.1.load(Ordering::SeqCst), 4, "per user");
    for number in 0..20 {
        let answer = sign_in_from(&resolver, "10.9.9.9", &format!("user{number}"), "guess").await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
    assert_eq!(strange.1.load(Ordering::SeqCst), 4 + 10, "per source");
}

/// Answers wrong passwords like an outage, and right ones with a yes.
#[derive(Debug)]
struct Evasive(SwitchedServer);

impl fmt::Display for Evasive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[async_trait]
impl UserBackend for Evasive {
    fn id(&self) -> &BackendId {
        self.0.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        match self.0.authenticate(attempt).await {
            Ok(Verdict::Rejected(_)) => Err(BackendError::unavailable(Phase::Login, "try again later")),
            answer => answer,
        }
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.0.probe(deadline).await
    }
}

#[tokio::test(start_paused = true)]
async fn guesses_that_are_answered_like_an_outage_are_limited() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = Resolver::builder().backend(Evasive(server.clone())).build().unwrap();
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    for number in 0..100 {
        let answer = sign_in_from(&resolver, &format!("10.0.0.{number}"), "alice", &number.to_string()).await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
    assert_eq!(server.seen().len(), 1 + 16);
    let answer = sign_in_from(&resolver, "10.0.1.1", "alice", "right").await;
    assert!(is_outage(&answer), "not even the right one: {}", answer.trace);
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(accepted_by(&answer), Some("mail"), "the owner: {}", answer.trace);
}

#[tokio::test(start_paused = true)]
async fn guesses_at_unknown_names_leave_owners_a_share_of_the_limit() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let limit = AttemptLimit { failures: 4, per: Duration::from_secs(600) };
    let resolver = server.alone(policy(|policy| policy.budget_all = Some(limit)));
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    let mut answers = Vec::new();
    for number in 0..6 {
        let answer =
            sign_in_from(&resolver, &format!("10.0.0.{number}"), &format!("user{number}"), "x").await;
        answers.push((answer.outcome.as_str(), answer.trace.ended_by));
    }
    assert_eq!(answers[2], ("refused", EndReason::NotAccepted));
    assert_eq!(answers[3], ("throttled", EndReason::BackendBudgetSpent));
    assert_eq!(server.seen().len(), 1 + 3);
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(accepted_by(&answer), Some("mail"), "{}", answer.trace);
}

/// A possible owner ends the chain at its limit, while the backend after it is down.
#[tokio::test(start_paused = true)]
async fn stopping_limit_hides_no_later_outage() {
    let local = people("local").with_user("frank", "f").with_user("bob", "another");
    let mail = SwitchedServer::new("mail").with("bob", "right").with("eve", "e");
    let builder = Resolver::builder().lock(None).backend_with(
        Arc::new(watch(local)),
        BackendPolicy::default(),
        DomainRules::none(),
    );
    let resolver = builder
        .backend_with(Arc::new(mail.clone()), BackendPolicy::default(), DomainRules::none())
        .build()
        .unwrap();
    mail.down(true);
    // The first backend refuses each guess, and without the second one nothing is decided.
    for number in 0..4 {
        let answer = sign_in_from(&resolver, HOME, "bob", &format!("guess {number}")).await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
    for _ in 0..3 {
        let answer = sign_in_from(&resolver, "198.51.100.1", "bob", "right").await;
        assert!(is_outage(&answer), "{}", answer.trace);
        tokio::time::advance(Duration::from_secs(5)).await;
    }
    // As soon as it answers again for anyone, the limit is what keeps bob waiting.
    mail.down(false);
    assert_eq!(accepted_by(&sign_in_from(&resolver, "198.51.100.2", "eve", "e").await), Some("mail"));
    let answer = sign_in_from(&resolver, "198.51.100.1", "bob", "right").await;
    let limit = GuessLimit::PerBackendUser;
    assert!(
        matches!(answer.outcome, Outcome::Throttled { limit: found, .. } if found == limit),
        "{}",
        answer.trace
    );
}

/// A backend that compares each password and then disconnects.
#[derive(Debug)]
struct HangsUp(BackendId, Arc<Mutex<Vec<String>>>);

impl fmt::Display for HangsUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hangs up")
    }
}

#[async_trait]
impl UserBackend for HangsUp {
    fn id(&self) -> &BackendId {
        &self.0
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let password = attempt.password.expose().to_owned();
        let is_right = password == "right";
        self.1.lock().unwrap().push(password);
        match is_right {
            true => Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone()))),
            false => {
                Err(BackendError::unavailable(Phase::Login, "the server closed the connection")
                    .without_answer())
            }
        }
    }

    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

#[tokio::test(start_paused = true)]
async fn disconnecting_server_gets_four_wrong_passwords() {
    let seen = Arc::new(Mutex::default());
    let backend = HangsUp(BackendId::parse("mail").unwrap(), Arc::clone(&seen));
    let resolver = Resolver::builder().backend(backend).build().unwrap();
    // One that comes again and again is sent once more each time, and counts once: it may be right.
    for _ in 0..5 {
        assert!(is_outage(&sign_in_from(&resolver, HOME, "bob", "perhaps right").await));
    }
    for number in 0..20 {
        let source = format!("198.51.100.{number}");
        let answer = sign_in_from(&resolver, &source, "bob", &format!("guess {number}")).await;
        assert!(is_outage(&answer), "{number}: {}", answer.trace);
    }
    let answer = sign_in_from(&resolver, "192.0.2.1", "bob", "right").await;
    assert!(is_outage(&answer), "guesses see nothing more: {}", answer.trace);
    assert_eq!(seen.lock().unwrap().len(), 5 + 3);
    // Users that no one guesses at are not affected.
    let answer = sign_in_from(&resolver, "192.0.2.1", "eve", "right").await;
    assert_eq!(accepted_by(&answer), Some("mail"), "{}", answer.trace);
}
