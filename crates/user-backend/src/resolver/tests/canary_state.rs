//! Which backends' yes counts.

use super::*;
use crate::refusal::ServerText;

/// A server that is away at first, and comes back as it was or as another one.
#[derive(Debug)]
struct Returning {
    people: StaticBackend,
    is_away: AtomicBool,
    accepts_any_login: AtomicBool,
    /// Answers no users who do not exist.
    ignores_strangers: AtomicBool,
    canaries: Mutex<usize>,
    slow_to_strangers: Duration,
}

impl Returning {
    fn new() -> Self {
        Self {
            people: people("mail").with_user("alice", "a").with_user("bob", "b"),
            is_away: AtomicBool::new(true),
            accepts_any_login: AtomicBool::new(false),
            ignores_strangers: AtomicBool::new(false),
            canaries: Mutex::default(),
            slow_to_strangers: Duration::ZERO,
        }
    }

    fn comes_back(&self) {
        self.is_away.store(false, Ordering::SeqCst);
    }

    fn canaries(&self) -> usize {
        *self.canaries.lock().unwrap()
    }
}

impl fmt::Display for Returning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("returning")
    }
}

#[async_trait]
impl UserBackend for Returning {
    fn id(&self) -> &BackendId {
        self.people.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        if self.is_away.load(Ordering::SeqCst) {
            return Err(BackendError::unavailable(Phase::Connect, "away"));
        }
        if attempt.name.as_str().starts_with("canary-") {
            *self.canaries.lock().unwrap() += 1;
            tokio::time::sleep(self.slow_to_strangers).await;
            if self.ignores_strangers.load(Ordering::SeqCst) {
                return Err(BackendError::unavailable(Phase::Login, "too many failed logins"));
            }
        }
        if self.accepts_any_login.load(Ordering::SeqCst) {
            return Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone())));
        }
        self.people.authenticate(attempt).await
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}

async fn unproven(server: &Arc<Returning>) -> Resolver {
    let slot = Arc::clone(server) as Arc<dyn UserBackend>;
    let resolver = Resolver::builder()
        .backend_with(slot, BackendPolicy::default(), DomainRules::none())
        .build()
        .unwrap();
    assert!(matches!(resolver.canary().await[0].1, Canary::Unknown(_)));
    resolver
}

#[tokio::test]
async fn recovered_server_gets_one_canary() {
    let server = Arc::new(Returning::new());
    let resolver = unproven(&server).await;
    server.comes_back();
    // A refusal needs no proof.
    assert!(sign_in(&resolver, "alice", "x").await.authenticated().is_none());
    assert_eq!(server.canaries(), 0);
    let (alice, bob) = tokio::join!(sign_in(&resolver, "alice", "a"), sign_in(&resolver, "bob", "b"));
    assert!(alice.authenticated().is_some() && bob.authenticated().is_some(), "{alice:?} {bob:?}");
    resolver.invalidate_all();
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.canaries(), 1);
}

#[tokio::test]
async fn returning_server_accepting_any_login_is_untrusted() {
    let server = Arc::new(Returning::new());
    let resolver = unproven(&server).await;
    server.comes_back();
    server.accepts_any_login.store(true, Ordering::SeqCst);
    for _ in 0..2 {
        let answer = sign_in(&resolver, "alice", "anything").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(answer.trace.steps[0].verdict, StepOutcome::Misconfigured);
    }
    assert_eq!(server.canaries(), 1);
    // An operator fixes it and reruns the canary.
    server.accepts_any_login.store(false, Ordering::SeqCst);
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn slow_canary_result_is_used_by_the_next_attempt() {
    let server = Returning { slow_to_strangers: Duration::from_secs(15), ..Returning::new() };
    let server = Arc::new(server);
    let slot = Arc::clone(&server) as Arc<dyn UserBackend>;
    let builder = Resolver::builder().backend_with(slot, BackendPolicy::default(), DomainRules::none());
    let resolver = builder.deadline(Duration::from_secs(10)).build().unwrap();
    let _ = resolver.canary().await;
    server.comes_back();
    let early = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(early.outcome, Outcome::Unavailable { .. }), "{early:?}");
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.canaries(), 1);
}

#[tokio::test]
async fn canary_result_survives_an_outage() {
    let server = Arc::new(Returning::new());
    server.comes_back();
    let slot = Arc::clone(&server) as Arc<dyn UserBackend>;
    let resolver = Resolver::builder()
        .backend_with(slot, BackendPolicy::default(), DomainRules::none())
        .build()
        .unwrap();
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    server.is_away.store(true, Ordering::SeqCst);
    assert!(matches!(resolver.canary().await[0].1, Canary::Unknown(_)));
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::CachedAcceptance);
    server.comes_back();
    assert!(sign_in(&resolver, "bob", "b").await.authenticated().is_some());
    assert_eq!(server.canaries(), 1);
}

async fn proven(server: &Arc<Returning>) -> Resolver {
    server.comes_back();
    let slot = Arc::clone(server) as Arc<dyn UserBackend>;
    let policy = policy(|policy| policy.cache_accepted = Duration::from_secs(2 * 60 * 60));
    let resolver = Resolver::builder().backend_with(slot, policy, DomainRules::none()).build().unwrap();
    assert_eq!(resolver.canary().await[0].1, Canary::Refused);
    resolver
}

/// An outage that opens the circuit breaker.
async fn breaks_down(server: &Returning, resolver: &Resolver) {
    server.is_away.store(true, Ordering::SeqCst);
    for number in 0..FAILURES {
        let answer = sign_in(resolver, &format!("user{number}"), "x").await;
        assert!(is_unavailable(&answer), "{answer:?}");
    }
    assert!(resolver.backend_states()[0].breaker_open);
    tokio::time::advance(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn canary_is_due_before_the_first_yes_after_an_outage() {
    for accepts_any_login in [false, true] {
        let server = Arc::new(Returning::new());
        let resolver = proven(&server).await;
        for outage in 1..=2 {
            breaks_down(&server, &resolver).await;
            server.comes_back();
            server.accepts_any_login.store(accepts_any_login, Ordering::SeqCst);
            for name in ["alice", "bob"] {
                let password = if accepts_any_login { "anything" } else { &name[..1] };
                let answer = sign_in(&resolver, name, password).await;
                assert_eq!(answer.authenticated().is_none(), accepts_any_login, "{answer:?}");
            }
            assert_eq!(server.canaries(), 1 + outage, "one each");
            if accepts_any_login {
                break;
            }
            resolver.invalidate_all();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn required_canary_without_an_answer_holds_the_yes_back() {
    let server = Arc::new(Returning::new());
    let resolver = proven(&server).await;
    breaks_down(&server, &resolver).await;
    server.comes_back();
    server.ignores_strangers.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&sign_in(&resolver, "alice", "a").await));
    server.ignores_strangers.store(false, Ordering::SeqCst);
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn server_that_begins_to_accept_any_login_is_noticed() {
    let server = Arc::new(Returning::new());
    let resolver = proven(&server).await;
    server.accepts_any_login.store(true, Ordering::SeqCst);
    let early = sign_in(&resolver, "alice", "anything").await;
    let session = early.authenticated().expect("the known limit: it is believed for an hour");
    tokio::time::advance(Duration::from_secs(75 * 60)).await;
    assert_eq!(sign_in(&resolver, "alice", "anything").await.trace.ended_by, EndReason::CachedAcceptance);
    assert!(resolver.still_counts(session));
    let recent = sign_in(&resolver, "bob", "anything").await;
    assert!(is_unavailable(&recent), "{recent:?}");
    assert_eq!(recent.trace.steps[0].verdict, StepOutcome::Misconfigured);
    assert!(!resolver.still_counts(session));
    assert!(is_unavailable(&sign_in(&resolver, "alice", "anything").await), "not from memory either");
    assert_eq!(server.canaries(), 2);
    // When the maintenance page is gone, it is asked again, and what it said before is forgotten.
    server.accepts_any_login.store(false, Ordering::SeqCst);
    assert!(is_unavailable(&sign_in(&resolver, "alice", "a").await));
    tokio::time::advance(Duration::from_secs(5 * 60)).await;
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(sign_in(&resolver, "alice", "anything").await.outcome, REFUSED);
    assert!(!resolver.still_counts(session));
    assert_eq!(server.canaries(), 3);
}

/// A load balancer that reports its outage, and then shows a page to everyone.
#[tokio::test(start_paused = true)]
async fn attempt_without_an_answer_makes_the_canary_due_earlier() {
    let server = Arc::new(Returning::new());
    let resolver = proven(&server).await;
    tokio::time::advance(Duration::from_secs(5 * 60)).await;
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.canaries(), 1);
    server.is_away.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&sign_in(&resolver, "bob", "b").await));
    server.comes_back();
    server.accepts_any_login.store(true, Ordering::SeqCst);
    assert!(is_unavailable(&sign_in(&resolver, "bob", "anything").await));
    assert_eq!(server.canaries(), 2);
}

/// A server that slows failed logins down, or limits them by address.
#[tokio::test(start_paused = true)]
async fn recheck_without_an_answer_causes_no_outage() {
    for slow_to_strangers in [Duration::ZERO, Duration::from_secs(60)] {
        let server = Returning { slow_to_strangers, ..Returning::new() };
        let server = Arc::new(server);
        server.comes_back();
        let slot = Arc::clone(&server) as Arc<dyn UserBackend>;
        let policy = policy(|policy| policy.cache_accepted = Duration::ZERO);
        let builder = Resolver::builder().backend_with(slot, policy, DomainRules::none());
        let resolver = builder.deadline(Duration::from_secs(100)).build().unwrap();
        assert_eq!(resolver.canary().await[0].1, Canary::Refused);
        server.ignores_strangers.store(true, Ordering::SeqCst);
        tokio::time::advance(Duration::from_secs(2 * 60 * 60)).await;
        for _ in 0..10 {
            let answer = sign_in(&resolver, "alice", "a").await;
            assert!(answer.authenticated().is_some(), "{slow_to_strangers:?}: {answer:?}");
        }
        tokio::time::sleep(Duration::from_secs(100)).await;
        assert_eq!(server.canaries(), 2, "{slow_to_strangers:?}");
        tokio::time::advance(Duration::from_secs(5 * 60)).await;
        assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
        assert_eq!(server.canaries(), 3, "{slow_to_strangers:?}");
    }
}

/// Passwords of which no reply holds a part, so that its words are compared.
const CAROLS: &str = "Wonderland-1";
const DAVES: &str = "Jabberwock-2";

/// A server whose refusals are on none of our lists.
#[derive(Debug)]
struct OddServer {
    people: StaticBackend,
    /// Its reply to a name; `{}` is the name, `#` a number that counts up.
    says: Mutex<&'static str>,
    is_learnable: bool,
    /// Its reply reads like an outage.
    reads_like_outage: AtomicBool,
    /// It refuses in a way that is recognised.
    is_recognised: AtomicBool,
    /// It answers everyone like this.
    is_out: AtomicBool,
    names: Mutex<Vec<String>>,
}

impl OddServer {
    fn saying(says: &'static str) -> Arc<Self> {
        Arc::new(Self {
            people: people("mail")
                .with_user("alice", "a")
                .with_user("carol", CAROLS)
                .with_user("dave", DAVES),
            says: Mutex::new(says),
            is_learnable: true,
            reads_like_outage: AtomicBool::new(false),
            is_recognised: AtomicBool::new(false),
            is_out: AtomicBool::new(false),
            names: Mutex::default(),
        })
    }

    fn recognised(&self, is_recognised: bool) {
        self.is_recognised.store(is_recognised, Ordering::SeqCst);
    }

    fn out(&self, is_out: bool) {
        self.is_out.store(is_out, Ordering::SeqCst);
    }

    fn canaries(&self) -> usize {
        self.names.lock().unwrap().iter().filter(|name| name.starts_with("canary-")).count()
    }

    fn resolver(self: &Arc<Self>, policy: BackendPolicy) -> Resolver {
        let slot = Arc::clone(self) as Arc<dyn UserBackend>;
        Resolver::builder().backend_with(slot, policy, DomainRules::none()).build().unwrap()
    }
}

impl fmt::Display for OddServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("odd")
    }
}

#[async_trait]
impl UserBackend for OddServer {
    fn id(&self) -> &BackendId {
        self.people.id()
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let number = {
            let mut names = self.names.lock().unwrap();
            names.push(attempt.upstream_name.to_owned());
            names.len()
        };
        let verdict = self.people.authenticate(attempt).await?;
        let is_recognised =
            matches!(verdict, Verdict::Accepted(_)) || self.is_recognised.load(Ordering::SeqCst);
        if is_recognised && !self.is_out.load(Ordering::SeqCst) {
            return Ok(verdict);
        }
        let reply =
            self.says.lock().unwrap().replace("{}", attempt.upstream_name).replace('#', &number.to_string());
        let reply = ServerText::new(reply.as_bytes(), attempt.upstream_name, attempt.password);
        if self.reads_like_outage.load(Ordering::SeqCst) {
            let error = BackendError::unavailable(Phase::Login, "the server did not judge the login (NO)");
            return Err(error.with_outage_text(reply));
        }
        let error = BackendError::not_recognised("reply 530 to PASS", reply);
        Err(if self.is_learnable { error.learnable() } else { error })
    }
    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}

#[tokio::test(start_paused = true)]
async fn words_for_two_canaries_are_learned_at_start() {
    let server = OddServer::saying("{} stays outside.");
    let resolver = server.resolver(BackendPolicy::default());
    let learned = Canary::RefusedInOwnWords("{name} stays outside.".to_owned());
    assert_eq!(resolver.canary().await[0].1, learned);
    assert_eq!(server.canaries(), 2);
    for name in ["alice", "outside", "ghost"] {
        let answer = sign_in(&resolver, name, "wrong").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{name}: {answer:?}");
    }
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
    assert_eq!(server.canaries(), 2);
}

#[tokio::test(start_paused = true)]
async fn refusal_that_reads_like_an_outage_is_reported_with_the_setting() {
    let (log, _guard) = health::Log::start();
    let server = OddServer::saying("Internal error at {}");
    server.reads_like_outage.store(true, Ordering::SeqCst);
    let resolver = server.resolver(BackendPolicy::default());
    let canary = Canary::Unknown(
        "the server did not judge the login (NO): \"internal error at {name}\"; if this is how it refuses a wrong \
         password, set refusal_texts = [\"internal error at {name}\"]"
            .to_owned(),
    );
    assert_eq!(resolver.canary().await[0].1, canary);
    // It may be an outage.
    assert_eq!(log.take(), Vec::<String>::new());
    for _ in 0..3 {
        let answer = sign_in(&resolver, "alice", "a").await;
        assert!(is_unavailable(&answer), "{answer:?}");
    }
    let lines = log.take();
    let reports: Vec<_> = lines.iter().filter(|line| line.contains("refusal_texts = [")).collect();
    assert_eq!(reports.len(), 1, "{lines:#?}");
    assert!(reports[0].starts_with("accepted a user, and answers users who do not exist with an outage: "));
}

#[tokio::test(start_paused = true)]
async fn reload_learns_the_words_again() {
    let server = OddServer::saying("The flux is gone.");
    let resolver = server.resolver(BackendPolicy::default());
    let _ = resolver.canary().await;
    assert_eq!(
        sign_in(&resolver, "alice", "wrong").await.outcome,
        Outcome::Refused(Rejection::BadCredentials)
    );
    // That was an outage. This is how the server refuses.
    *server.says.lock().unwrap() = "Stay outside.";
    let slot = Arc::clone(&server) as Arc<dyn UserBackend>;
    let next =
        || Resolver::builder().backend_with(Arc::clone(&slot), BackendPolicy::default(), DomainRules::none());
    let canaries = resolver.replace(next()).await.unwrap().canaries;
    assert_eq!(canaries[0].1, Canary::RefusedInOwnWords("stay outside.".to_owned()));
    assert_eq!(
        sign_in(&resolver, "alice", "wronger").await.outcome,
        Outcome::Refused(Rejection::BadCredentials)
    );
    let kept = resolver.replace(next()).await.unwrap();
    assert_eq!((kept.kept.len(), kept.canaries.len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn words_are_learned_at_their_first_use() {
    let server = OddServer::saying("Stay outside.");
    let resolver = server.resolver(BackendPolicy::default());
    let answer = sign_in(&resolver, "alice", "wrong").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{answer:?}");
    assert_eq!(server.canaries(), 2);
    let _ = sign_in(&resolver, "alice", "wrong again").await;
    assert_eq!(server.canaries(), 2);
    // Without consent to canaries nothing is learned.
    let server = OddServer::saying("Stay outside.");
    let resolver = server.resolver(policy(|policy| policy.canary = false));
    let answer = sign_in(&resolver, "alice", "wrong").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert_eq!(server.canaries(), 0);
}

fn is_unavailable(answer: &TracedOutcome) -> bool {
    matches!(answer.outcome, Outcome::Unavailable { .. })
}

const REFUSED: Outcome = Outcome::Refused(Rejection::BadCredentials);

#[tokio::test(start_paused = true)]
async fn outage_of_a_server_that_refuses_recognisably_is_learned_never() {
    for by_canary in [true, false] {
        let server = OddServer::saying("Wartungsarbeiten, bitte spaeter wiederkommen");
        server.recognised(true);
        let resolver = server.resolver(BackendPolicy::default());
        match by_canary {
            true => assert_eq!(resolver.canary().await[0].1, Canary::Refused),
            false => assert_eq!(sign_in(&resolver, "carol", "wrong").await.outcome, REFUSED),
        }
        let canaries = server.canaries();
        server.out(true);
        for _ in 0..3 {
            for (name, password) in [("dave", DAVES), ("carol", CAROLS), ("bob", "Tweedledum-x")] {
                let answer = sign_in(&resolver, name, password).await;
                assert!(is_unavailable(&answer), "{by_canary} {name}: {answer:?}");
            }
            tokio::time::advance(Duration::from_secs(2 * 60 * 60)).await;
        }
        assert_eq!(server.canaries(), canaries, "nothing can be learned of them");
        // A reload in the outage learns nothing either.
        let slot = Arc::clone(&server) as Arc<dyn UserBackend>;
        let next = Resolver::builder().backend_with(slot, BackendPolicy::default(), DomainRules::none());
        let reloaded = resolver.replace(next).await.unwrap();
        assert!(matches!(reloaded.canaries[0].1, Canary::NotRecognised(_)), "{reloaded:?}");
        assert!(is_unavailable(&sign_in(&resolver, "carol", CAROLS).await));
        server.out(false);
        assert!(sign_in(&resolver, "carol", CAROLS).await.authenticated().is_some());
        assert_eq!(sign_in(&resolver, "dave", "wrong").await.outcome, REFUSED);
        assert!(resolver.backend_states()[0].recognises_refusals, "the outage is over");
    }
}

#[tokio::test(start_paused = true)]
async fn recognised_refusal_ends_words_learned_in_an_outage() {
    let server = OddServer::saying("The flux is gone.");
    server.recognised(true);
    server.out(true);
    let resolver = server.resolver(BackendPolicy::default());
    let learned = Canary::RefusedInOwnWords("the flux is gone.".to_owned());
    assert_eq!(resolver.canary().await[0].1, learned);
    // The known limit: nothing distinguishes this server from one that refuses in these words.
    assert_eq!(sign_in(&resolver, "carol", CAROLS).await.outcome, REFUSED);
    server.out(false);
    assert_eq!(sign_in(&resolver, "dave", "Tweedledum-x").await.outcome, REFUSED);
    // What was remembered as a refusal may be none, so the server is asked again.
    let answer = sign_in(&resolver, "carol", CAROLS).await;
    assert!(answer.authenticated().is_some(), "{answer:?}");
    server.out(true);
    for (name, password) in [("dave", DAVES), ("bob", "Tweedledum-x")] {
        let answer = sign_in(&resolver, name, password).await;
        assert!(is_unavailable(&answer), "{name}: {answer:?}");
    }
    assert_eq!(server.canaries(), 2);
}

#[tokio::test(start_paused = true)]
async fn learned_words_for_proven_credentials_are_an_outage() {
    let server = OddServer::saying("Stay outside.");
    let resolver = server.resolver(policy(|policy| policy.cache_accepted = Duration::ZERO));
    let _ = resolver.canary().await;
    for (name, password) in [("carol", CAROLS), ("dave", DAVES)] {
        assert!(sign_in(&resolver, name, password).await.authenticated().is_some());
    }
    assert_eq!(sign_in(&resolver, "carol", "wrong").await.outcome, REFUSED);
    server.out(true);
    assert!(is_unavailable(&sign_in(&resolver, "carol", CAROLS).await));
    for _ in 0..3 {
        // Neither are the words learned again: the server accepts no one.
        for (name, password) in [("dave", DAVES), ("bob", "Tweedledum-x")] {
            let answer = sign_in(&resolver, name, password).await;
            assert!(is_unavailable(&answer), "{name}: {answer:?}");
        }
        tokio::time::advance(Duration::from_secs(20 * 60)).await;
    }
    assert_eq!(server.canaries(), 2);
    // Its first yes shows that it judges, so what canaries are told now is a refusal.
    server.out(false);
    assert!(sign_in(&resolver, "carol", CAROLS).await.authenticated().is_some());
    assert_eq!(sign_in(&resolver, "bob", "Tweedledum-y").await.outcome, REFUSED);
    assert_eq!(server.canaries(), 4);
    // Also for a password that was changed there.
    server.out(true);
    assert_eq!(sign_in(&resolver, "carol", CAROLS).await.outcome, REFUSED);
    // Other words are an outage, and are not learned in place of these.
    *server.says.lock().unwrap() = "The flux is gone.";
    assert!(is_unavailable(&sign_in(&resolver, "bob", "Tweedledum-z").await));
    assert_eq!(server.canaries(), 4);
}

#[tokio::test(start_paused = true)]
async fn empty_answer_is_learned_never() {
    for says in ["", "...", "{}"] {
        let server = OddServer::saying(says);
        let resolver = server.resolver(BackendPolicy::default());
        assert!(matches!(resolver.canary().await[0].1, Canary::NotRecognised(_)), "{says:?}");
        assert!(is_unavailable(&sign_in(&resolver, "alice", "wrong").await), "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn differing_words_are_an_outage_and_a_guess() {
    let server = OddServer::saying("Stay outside (#).");
    let resolver = server.resolver(BackendPolicy::default());
    assert!(matches!(resolver.canary().await[0].1, Canary::NotRecognised(_)));
    for number in 0..10 {
        let answer = sign_in(&resolver, "alice", &format!("wrong {number}")).await;
        // Never "wrong password", and never "too many attempts": no one knows whether it was one.
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{number}: {answer:?}");
    }
    let reached = server.names.lock().unwrap().iter().filter(|name| *name == "alice").count();
    assert_eq!(reached, 4, "guesses beyond the budget reached the server");
    // Canaries are not run for each guess.
    assert!(server.canaries() <= 4, "{}", server.canaries());
    // Another user is asked about.
    let _ = sign_in(&resolver, "bob", "x").await;
    assert!(server.names.lock().unwrap().iter().any(|name| name == "bob"));
}

/// Each canary is a failed login upstream, where tools may ban our address for them.
#[tokio::test(start_paused = true)]
async fn right_passwords_at_an_unrecognised_server_run_few_canaries() {
    let server = OddServer::saying("Stay outside (#).");
    let resolver = server.resolver(policy(|policy| policy.cache_accepted = Duration::ZERO));
    let _ = resolver.canary().await;
    for _ in 0..20 {
        assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_none());
    }
    assert!(server.canaries() <= 4, "{}", server.canaries());
    // When the server is taught, the next minute's canary lets users in.
    *server.says.lock().unwrap() = "Stay outside.";
    tokio::time::advance(Duration::from_secs(61)).await;
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_some());
}

/// The limit per source answers as the server does.
///
/// Unavailable, because no one knows whether they were wrong passwords.
#[tokio::test(start_paused = true)]
async fn unrecognised_answers_count_against_their_source() {
    let server = OddServer::saying("Stay outside (#).");
    let resolver = server.resolver(BackendPolicy::default());
    let guesses = || server.names.lock().unwrap().iter().filter(|name| name.starts_with("user")).count();
    let limit = SourceRateLimit::default();
    let began = now();
    // As fast as possible: each guess is followed by a delay that doubles, until it is longer than
    // an attempt may wait.
    for number in 0..40 {
        let answer = sign_in_from(&resolver, "203.0.113.7", &format!("user{number}"), "x").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{number}: {answer:?}");
    }
    let waited = now().saturating_duration_since(began);
    assert_eq!(guesses(), 7, "in {waited:?}");
    let delays: Duration = (1..7).map(|failures| limit.delay(failures)).sum();
    assert!(waited >= delays, "{waited:?} is less than {delays:?}");
    // Slowly: this number, until the first no longer counts.
    for number in 40..100 {
        tokio::time::advance(Duration::from_secs(26)).await;
        let answer = sign_in_from(&resolver, "203.0.113.7", &format!("user{number}"), "x").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{number}: {answer:?}");
    }
    assert!(now().saturating_duration_since(began) < limit.per);
    assert_eq!(guesses(), usize::try_from(limit.refuse_after).unwrap());
    // It was the limit that held them up: the server is asked for another source.
    let _ = sign_in_from(&resolver, "203.0.113.8", "user100", "x").await;
    assert_eq!(guesses(), usize::try_from(limit.refuse_after).unwrap() + 1);
    tokio::time::advance(limit.per).await;
    let _ = sign_in_from(&resolver, "203.0.113.7", "user101", "x").await;
    assert_eq!(guesses(), usize::try_from(limit.refuse_after).unwrap() + 2);
}

#[tokio::test(start_paused = true)]
async fn answer_to_an_unknown_command_teaches_nothing() {
    let server = OddServer { is_learnable: false, ..Arc::into_inner(OddServer::saying("What?")).unwrap() };
    let server = Arc::new(server);
    let resolver = server.resolver(BackendPolicy::default());
    assert!(matches!(resolver.canary().await[0].1, Canary::NotRecognised(_)));
    let answer = sign_in(&resolver, "alice", "wrong").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert_eq!(answer.trace.steps[0].server_text.as_ref().unwrap().as_str(), "What?");
    assert_eq!(server.canaries(), 1);
    // Its yes does not count: no canary was refused.
    assert!(sign_in(&resolver, "alice", "a").await.authenticated().is_none());
}

#[tokio::test(start_paused = true)]
async fn unrecognised_text_is_reported_once() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let server = OddServer::saying("Stay outside (#).");
    let resolver = server.resolver(BackendPolicy::default());
    let _ = resolver.canary().await;
    for number in 0..5 {
        let _ = sign_in(&resolver, "alice", &format!("wrong {number}")).await;
    }
    let log = log.text();
    assert_eq!(log.matches("not recognised:").count(), 1, "{log}");
    assert!(
        log.contains("Stay outside (1).") && log.contains("refusal_texts") && log.contains("mail"),
        "{log}"
    );
}

#[tokio::test(start_paused = true)]
async fn message_of_the_server_reaches_trace_and_log() {
    /// A server that requires an app password.
    #[derive(Debug)]
    struct Picky(StaticBackend);
    impl fmt::Display for Picky {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("picky")
        }
    }
    #[async_trait]
    impl UserBackend for Picky {
        fn id(&self) -> &BackendId {
            self.0.id()
        }
        async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
            let reply = b"Application-specific password required";
            attempt.set_message(ServerText::new(reply, attempt.upstream_name, attempt.password));
            Ok(Verdict::Rejected(Rejection::BadCredentials))
        }
        async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
            self.0.probe(deadline).await
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _here = tracing::subscriber::set_default(subscriber);
    let resolver = Resolver::builder().backend(Picky(people("mail"))).build().unwrap();
    let answer = sign_in(&resolver, "alice", "Wonderland-1").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    let trace = answer.trace.to_string();
    assert!(trace.contains("wrong name or password; the server says: \"Application-specific"), "{trace}");
    assert!(log.text().contains("Application-specific password required"), "{}", log.text());
    // Words with the password in them are shown nowhere.
    let answer = sign_in(&resolver, "alice", "specific").await;
    assert_eq!(answer.trace.steps[0].server_text, None);
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
