//! The contract of backends holds for whole chains, too.

use super::*;
use crate::conformance::{TestUser, check};
use crate::middleware::{CircuitBreaker, ConcurrencyLimit, Timeout};

/// A resolver that speaks like one backend.
struct Whole {
    id: BackendId,
    resolver: Resolver,
}

impl fmt::Debug for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.resolver.fmt(f)
    }
}

impl fmt::Display for Whole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("whole")
    }
}

#[async_trait]
impl UserBackend for Whole {
    fn id(&self) -> &BackendId {
        &self.id
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let credentials = Credentials::new(attempt.upstream_name, attempt.password.expose());
        let answer = tokio::time::timeout_at(attempt.deadline, self.resolver.authenticate(credentials));
        let Ok(answer) = answer.await else { return Err(BackendError::timed_out(Phase::Login)) };
        match answer.outcome {
            Outcome::Authenticated(proof) => Ok(Verdict::Accepted(proof.identity().clone())),
            Outcome::Refused(rejection) => Ok(Verdict::Rejected(rejection)),
            outcome => Err(BackendError::unavailable(Phase::Login, outcome.as_str())),
        }
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        match self.resolver.backends().first() {
            Some(first) => first.probe(deadline).await,
            None => Err(BackendError::unavailable(Phase::Connect, "connection refused")),
        }
    }
}

fn known() -> TestUser {
    TestUser::new("alice", "Wonderland-1").unwrap()
}

fn honest() -> StaticBackend {
    people("people").with_user("alice", "Wonderland-1").with_delay(Duration::from_millis(20))
}

/// A run of the suite is a dozen wrong passwords.
fn generous(change: impl FnOnce(&mut BackendPolicy)) -> BackendPolicy {
    policy(|policy| {
        policy.budget.failures = 1_000;
        change(policy);
    })
}

async fn keeps_the_contract(policy: BackendPolicy, before: Option<StaticBackend>) -> Whole {
    let mut builder = Resolver::builder().lock(None);
    if let Some(before) = before {
        // The limit per typed name is the smallest budget of the chain.
        let go_on = generous(|policy| policy.on_unavailable = OnUnavailable::Continue);
        builder = builder.backend_with(Arc::new(before), go_on, DomainRules::none());
    }
    let resolver = builder.backend_with(Arc::new(honest()), policy, DomainRules::none()).build().unwrap();
    let whole = Whole { id: id("whole"), resolver };
    check(&whole, &known()).await.unwrap_or_else(|broken| panic!("{broken}"));
    whole
}

fn id(text: &str) -> BackendId {
    BackendId::parse(text).unwrap()
}

#[tokio::test(start_paused = true)]
async fn decorators_in_the_order_of_the_chain_keep_the_contract() {
    for most in [1, 16] {
        let breaker = CircuitBreaker::new(Arc::new(honest()));
        let chain = Timeout::new(Arc::new(ConcurrencyLimit::new(Arc::new(breaker), most)));
        check(&chain, &known()).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn chains_keep_the_contract() {
    for remembers in [false, true] {
        for grace in [None, Some(Duration::from_secs(3600))] {
            let policy = || {
                generous(|policy| {
                    policy.max_stale = grace;
                    policy.max_concurrent = 1;
                    if !remembers {
                        policy.cache_accepted = Duration::ZERO;
                        policy.cache_rejected = Duration::ZERO;
                    }
                })
            };
            keeps_the_contract(policy(), None).await;
            keeps_the_contract(policy(), Some(people("others"))).await;
        }
    }
}

/// Grace accepts the same user with the same password only.
#[tokio::test(start_paused = true)]
async fn grace_rejects_no_user_and_accepts_no_wrong_password() {
    let is_down = Arc::new(AtomicBool::new(false));
    let switched = Switched { people: honest(), down: honest().unavailable(), is_down: Arc::clone(&is_down) };
    let grace = generous(|policy| policy.max_stale = Some(Duration::from_secs(3600)));
    let resolver =
        Resolver::builder().lock(None).backend_with(Arc::new(switched), grace, DomainRules::none());
    let resolver = resolver.build().unwrap();
    let whole = Whole { id: id("whole"), resolver };
    check(&whole, &known()).await.unwrap();
    is_down.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(600)).await;
    let broken = check(&whole, &known()).await.unwrap_err();
    for promise in broken.promises() {
        // No rejection is possible now; everything else holds, the right password included.
        assert!(promise.contains("is rejected") && promise.contains("unavailable"), "{promise}");
    }
}
