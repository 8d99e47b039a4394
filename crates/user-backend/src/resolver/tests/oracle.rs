//! No limit and no cache reveals the right password beyond the allowed guesses.
//!
//! The same scenario runs twice, once with a password that the attacker tries at some time, and
//! once with one that is never tried. Until the attacker has guessed right, both must look the same
//! from outside; and a guess that is right in one run must have been checked and refused in the
//! other. Nor do sign-ins of the owner pay for guesses: of those from elsewhere, the server sees no
//! more than the limit.

use proptest::prelude::*;

use super::*;
use crate::brute_force::SourceRateLimit;

const HOME: &str = "203.0.113.7";
const ELSEWHERE: [&str; 4] = ["198.51.100.1", "198.51.100.2", "2001:db8:1:1::1", "2001:db8:1:2::1"];
const GUESSES: u8 = 12;

#[derive(Clone, Debug)]
enum OracleOp {
    /// The owner signs in at home with the right password.
    Owner,
    /// The attacker tries a password from one source.
    ///
    /// `together` is the number of concurrent tries.
    Guess {
        source: usize,
        password: u8,
        together: u8,
    },
    Wait {
        seconds: u64,
    },
    /// The server goes down or comes back.
    Down(bool),
}

fn op() -> impl Strategy<Value = OracleOp> {
    prop_oneof![
        3 => Just(OracleOp::Owner),
        8 => (0..ELSEWHERE.len(), 0..GUESSES, 1..6_u8)
            .prop_map(|(source, password, together)| OracleOp::Guess { source, password, together }),
        2 => prop_oneof![0..8_u64, 200..1_000_u64].prop_map(|seconds| OracleOp::Wait { seconds }),
        1 => any::<bool>().prop_map(OracleOp::Down),
    ]
}

/// Outages that the circuit breaker does not count: how long it pauses is left to chance.
fn outage() -> impl Strategy<Value = OutageKind> {
    prop_oneof![Just(OutageKind::Recognised), Just(OutageKind::Unrecognised), Just(OutageKind::Silent)]
}

/// A story in which guesses come one after the other, or several at once.
fn story_ops() -> impl Strategy<Value = Vec<OracleOp>> {
    (prop::collection::vec(op(), 1..60), any::<bool>()).prop_map(|(mut ops, is_sequential)| {
        for op in &mut ops {
            if let (OracleOp::Guess { together, .. }, true) = (op, is_sequential) {
                *together = 1;
            }
        }
        ops
    })
}

/// One world: the server, where the owner's password is `right`.
struct World {
    server: SwitchedServer,
    resolver: Resolver,
    right: String,
}

impl World {
    fn new(right: &str, max_stale: Option<Duration>, outage: OutageKind) -> Self {
        let server = SwitchedServer::new("mail").with("alice", right).down_as(outage);
        let policy = policy(|policy| policy.max_stale = max_stale);
        // No delays: what is refused is refused by a limit.
        let throttle = SourceRateLimit { first_delay: Duration::ZERO, ..SourceRateLimit::default() };
        let resolver = Resolver::builder()
            .backend_with(Arc::new(server.clone()), policy, DomainRules::none())
            .throttle(throttle)
            .build()
            .unwrap();
        Self { server, resolver, right: right.to_owned() }
    }

    /// What the attacker sees: a word for each guess, in order.
    async fn observe(&self, op: &OracleOp) -> Vec<&'static str> {
        match op {
            OracleOp::Owner => {
                let _ = sign_in_from(&self.resolver, HOME, "alice", &self.right).await;
                Vec::new()
            }
            OracleOp::Guess { source, password, together } => {
                let guesses = (0..*together).map(|number| {
                    let resolver = self.resolver.clone();
                    let guess = format!("guess {}", (password + number) % GUESSES);
                    let source = ELSEWHERE[*source];
                    tokio::spawn(async move {
                        let answer = sign_in_from(&resolver, source, "alice", &guess).await;
                        // Not checked by any backend.
                        let is_overload = answer.trace.ended_by == EndReason::Overload;
                        if is_overload { "overload" } else { text_of(&answer.outcome) }
                    })
                });
                let mut words = Vec::new();
                for guess in guesses.collect::<Vec<_>>() {
                    words.push(guess.await.unwrap());
                }
                words
            }
            OracleOp::Wait { seconds } => {
                tokio::time::advance(Duration::from_secs(*seconds)).await;
                Vec::new()
            }
            OracleOp::Down(is_down) => {
                self.server.down(*is_down);
                Vec::new()
            }
        }
    }
}

/// What a caller reads: the outcome, and of a limit the text that names it.
fn text_of(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Throttled { limit, .. } => limit.text(),
        outcome => outcome.as_str(),
    }
}

/// What the attacker saw for each step, and when it began.
type Seen = Vec<(Duration, Vec<&'static str>)>;

/// Runs the whole scenario in one world, with its own clock.
///
/// Also returns when the server refused a guess.
fn story(
    ops: &[OracleOp],
    right: &str,
    max_stale: Option<Duration>,
    outage: OutageKind,
) -> (Seen, Vec<Instant>) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let world = World::new(right, max_stale, outage);
        let (mut seen, start) = (Vec::new(), now());
        for op in ops {
            let at = now() - start;
            seen.push((at, world.observe(op).await));
        }
        let refused = world.server.0.refused.lock().unwrap().clone();
        (seen, refused)
    })
}

fn judge(ops: &[OracleOp], right: u8, max_stale: Option<Duration>, outage: OutageKind) {
    let (known, _) = story(ops, &format!("guess {right}"), max_stale, outage);
    let (twin, refused) = story(ops, "never tried", max_stale, outage);
    let per = BackendPolicy::default().budget.per;
    assert!(refused.windows(5).all(|five| five[4] - five[0] >= per), "five guesses in 15 minutes");
    // What was not judged in the world where no guess is right, and when, up to the limit: later
    // ones learn nothing.
    let mut unjudged = Vec::<(Duration, u8)>::new();
    for (op, ((at, seen), (_, twin))) in ops.iter().zip(known.into_iter().zip(twin)) {
        let OracleOp::Guess { password, together, .. } = op else { continue };
        let tried = |number: usize| (password + u8::try_from(number).unwrap()) % GUESSES;
        unjudged.retain(|(then, _)| at - *then < per);
        if let Some(hit) = seen.iter().position(|word| *word == "authenticated") {
            assert_eq!(tried(hit), right);
            match twin[hit] {
                "refused" => {}
                // Nothing could judge it. Memory answers a few of those, and each is counted.
                "unavailable" => {
                    let others = unjudged.iter().filter(|(_, guess)| *guess != right).count();
                    assert!(others < 4, "{op:?}: {unjudged:?}, {together} together");
                }
                word => panic!("{op:?}: right in one world, {word} in the other"),
            }
            return;
        }
        assert_eq!(seen, twin, "{op:?}");
        for (number, _) in twin.iter().enumerate().filter(|(_, word)| **word == "unavailable") {
            let guess = tried(number);
            if unjudged.len() < 4 && unjudged.iter().all(|(_, known)| *known != guess) {
                unjudged.push((at, guess));
            }
        }
    }
}

/// How many stories are tried: `ORACLE_STORIES`, or 400.
fn stories() -> u32 {
    std::env::var("ORACLE_STORIES").map_or(400, |number| number.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: stories(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn right_guess_is_accepted_only_where_a_wrong_one_is_judged(
        ops in story_ops(), right in 0..GUESSES, grace in any::<bool>(), outage in outage()
    ) {
        judge(&ops, right, grace.then_some(Duration::from_secs(24 * 60 * 60)), outage);
    }
}

fn resolver(server: &SwitchedServer) -> Resolver {
    let throttle = SourceRateLimit { first_delay: Duration::ZERO, ..SourceRateLimit::default() };
    let slot = Resolver::builder().backend_with(
        Arc::new(server.clone()),
        BackendPolicy::default(),
        DomainRules::none(),
    );
    slot.throttle(throttle).lock(None).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn limited_source_gets_no_remembered_password() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    for number in 0..20 {
        let _ = sign_in_from(&resolver, ELSEWHERE[0], &format!("user{number}"), "x").await;
    }
    for password in ["wrong", "right", "other"] {
        let answer = sign_in_from(&resolver, ELSEWHERE[0], "alice", password).await;
        assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled, "{password}: {}", answer.trace);
    }
    // Its owner is answered from memory meanwhile.
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.trace.ended_by, EndReason::CachedAcceptance);
}

#[tokio::test(start_paused = true)]
async fn limited_user_gets_no_remembered_password_elsewhere() {
    let server = SwitchedServer::new("mail").with("alice", "right");
    let resolver = resolver(&server);
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    for number in 0..4 {
        let source = format!("192.0.2.{number}");
        let answer = sign_in_from(&resolver, &source, "alice", &format!("guess {number}")).await;
        assert_eq!(answer.outcome.as_str(), "refused");
    }
    for (number, password) in ["wrong", "right", "other"].iter().enumerate() {
        let source = format!("192.0.2.{}", 100 + number);
        let answer = sign_in_from(&resolver, &source, "alice", password).await;
        assert_eq!(answer.trace.ended_by, EndReason::UserLocked, "{password}: {}", answer.trace);
    }
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.trace.ended_by, EndReason::CachedAcceptance);
}

#[tokio::test(start_paused = true)]
async fn burst_of_guesses_gets_no_remembered_password_early() {
    let server = watch(people("mail").with_user("alice", "right").with_delay(Duration::from_secs(1)));
    let resolver = Resolver::builder().backend(server.clone()).lock(None).build().unwrap();
    assert!(sign_in_from(&resolver, HOME, "alice", "right").await.authenticated().is_some());
    let burst: Vec<_> = (0..100)
        .map(|number| {
            let resolver = resolver.clone();
            let password = if number == 90 { "right".to_owned() } else { format!("guess {number}") };
            tokio::spawn(async move { sign_in_from(&resolver, ELSEWHERE[0], "alice", &password).await })
        })
        .collect();
    for (number, one) in burst.into_iter().enumerate() {
        let answer = one.await.unwrap();
        assert!(answer.authenticated().is_none(), "{number}: {}", answer.trace);
    }
    assert!(server.attempts() <= 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn limited_home_network_passes_the_owner_and_few_guesses() {
    let server = SwitchedServer::new("mail").with("alice", "right").with("bob", "b");
    let resolver = resolver(&server);
    for (name, password) in [("alice", "right"), ("bob", "b")] {
        assert!(sign_in_from(&resolver, HOME, name, password).await.authenticated().is_some());
    }
    // Another client at the same address tries other names.
    for number in 0..20 {
        let _ = sign_in_from(&resolver, HOME, &format!("user{number}"), "x").await;
    }
    for minutes in [0, 6] {
        tokio::time::advance(Duration::from_secs(minutes * 60)).await;
        for (name, password) in [("alice", "right"), ("bob", "b")] {
            let answer = sign_in_from(&resolver, HOME, name, password).await;
            assert_eq!(accepted_by(&answer), Some("mail"), "{name}: {}", answer.trace);
        }
    }
    // At her name there are ten guesses, then her password is a guess like any other.
    for number in 0..10 {
        let answer = sign_in_from(&resolver, HOME, "alice", &format!("guess {number}")).await;
        assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled);
        assert_eq!(accepted_by(&sign_in_from(&resolver, HOME, "bob", "b").await), Some("mail"));
    }
    let answer = sign_in_from(&resolver, HOME, "alice", "right").await;
    assert_eq!(answer.trace.ended_by, EndReason::SourceThrottled, "{}", answer.trace);
    assert_eq!(accepted_by(&sign_in_from(&resolver, HOME, "bob", "b").await), Some("mail"));
}

#[tokio::test(start_paused = true)]
async fn statuses_hide_the_backend_of_a_name() {
    let local = people("local").with_user("admin", "a");
    let mail = people("mail").with_user("alice", "b");
    let patient = policy(|policy| policy.budget.failures = 100);
    let resolver = chain([(watch(local), patient), (watch(mail), BackendPolicy::default())]);
    for (name, password) in [("admin", "a"), ("alice", "b")] {
        assert!(sign_in_from(&resolver, HOME, name, password).await.authenticated().is_some());
    }
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    let mut seen = Vec::new();
    for (subnet, name) in ["admin", "alice", "nobody", "Nobody@example.com"].into_iter().enumerate() {
        let mut answers = Vec::new();
        for number in 0..8 {
            let source = format!("10.{subnet}.0.{number}");
            let answer = sign_in_from(&resolver, &source, name, &format!("guess {number}")).await;
            let retry_after = match answer.outcome {
                Outcome::Throttled { retry_after, .. } | Outcome::Unavailable { retry_after } => {
                    Some(retry_after)
                }
                _ => None,
            };
            answers.push((text_of(&answer.outcome), retry_after));
        }
        // The same old password, again and again.
        for _ in 0..4 {
            tokio::time::advance(Duration::from_secs(31)).await;
            let answer = sign_in_from(&resolver, "10.9.9.9", name, "guess 1").await;
            answers.push((text_of(&answer.outcome), None));
        }
        seen.push(answers);
    }
    assert!(seen.iter().all(|answers| *answers == seen[0]), "{seen:#?}");
    let words: Vec<_> = seen[0].iter().map(|(word, _)| *word).collect();
    let limited = "too many sign-in attempts with this user name";
    assert_eq!(words[..5], ["refused", "refused", "refused", "refused", limited]);
}
