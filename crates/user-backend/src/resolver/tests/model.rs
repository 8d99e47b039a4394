//! Cache, single-flight and invalidation against a model, with events in any order.

use proptest::prelude::*;
use proptest::sample::Index;
use tokio::sync::oneshot;

use super::*;

const NAMES: [&str; 4] = ["alice", "Alice", "bob", "BOB"];
const PASSWORDS: [&str; 3] = ["one", "two", "three"];
const YES: u64 = 300;
const NO: u64 = 30;

#[derive(Clone, Copy, Debug)]
enum ModelOp {
    /// A sign-in.
    Ask {
        name: usize,
        password: usize,
    },
    /// The server answers one of the attempts it has received, or fails to.
    TracedOutcome {
        which: Index,
        outage: bool,
    },
    /// A person changes the password at the server.
    Change {
        user: usize,
        password: usize,
    },
    Wait {
        seconds: u64,
    },
    ForgetUser {
        user: usize,
    },
    ForgetBackend,
    ForgetAnotherBackend,
    ForgetAll,
}

fn op() -> impl Strategy<Value = ModelOp> {
    prop_oneof![
        12 => (0..4_usize, 0..3_usize).prop_map(|(name, password)| ModelOp::Ask { name, password }),
        8 => (any::<Index>(), prop::bool::weighted(0.1)).prop_map(|(which, outage)| ModelOp::TracedOutcome { which, outage }),
        2 => (0..2_usize, 0..3_usize).prop_map(|(user, password)| ModelOp::Change { user, password }),
        2 => prop_oneof![1..40_u64, 250..310_u64].prop_map(|seconds| ModelOp::Wait { seconds }),
        1 => (0..2_usize).prop_map(|user| ModelOp::ForgetUser { user }),
        1 => Just(ModelOp::ForgetBackend),
        1 => Just(ModelOp::ForgetAnotherBackend),
        1 => Just(ModelOp::ForgetAll),
    ]
}

/// What must happen.
///
/// Users are numbers: spellings `2 n` and `2 n + 1` are user `n`.
#[derive(Default)]
struct Model {
    now: u64,
    truth: [usize; 2],
    /// The spelling of each person that the server accepted first.
    spelling: [Option<usize>; 2],
    /// Person and password, and until when the yes counts.
    yes: HashMap<(usize, usize), u64>,
    /// Spelling and password, and until when the no counts.
    no: HashMap<(usize, usize), u64>,
    flights: Vec<Flight>,
    /// How often each user was invalidated: later attempts share nothing with earlier ones.
    forgettings: [u64; 2],
    outages: u32,
}

/// An attempt that the server has received and not answered.
struct Flight {
    tuple: (usize, usize),
    /// The spelling that the server was sent.
    sent: usize,
    began: u64,
    right: bool,
    yes_is_void: bool,
    no_is_void: bool,
    callers: usize,
}

impl Model {
    /// `Some` when the answer is there at once.
    fn ask(&mut self, name: usize, password: usize) -> Option<&'static str> {
        let lives = |until: Option<&u64>| until.is_some_and(|until| self.now < *until);
        if lives(self.yes.get(&(name / 2, password))) {
            return Some("authenticated");
        }
        if lives(self.no.get(&(name, password))) {
            return Some("refused");
        }
        let (tuple, began) = ((name, password), self.forgettings[name / 2]);
        match self.flights.iter_mut().find(|flight| flight.tuple == tuple && flight.began == began) {
            Some(flight) => flight.callers += 1,
            None => {
                let right = self.truth.get(name / 2) == Some(&password);
                self.flights.push(Flight {
                    tuple,
                    sent: self.spelling[name / 2].unwrap_or(name),
                    began,
                    right,
                    yes_is_void: false,
                    no_is_void: false,
                    callers: 1,
                });
            }
        }
        None
    }

    fn answer(&mut self, which: usize, outage: bool) -> (&'static str, Flight) {
        let flight = self.flights.remove(which);
        let (name, password) = flight.tuple;
        self.outages = if outage { self.outages + 1 } else { 0 };
        let is_accepted = flight.right && !outage;
        let is_pinned = !is_accepted || *self.spelling[name / 2].get_or_insert(flight.sent) == flight.sent;
        let outcome = match (outage, flight.right) {
            (true, _) => "unavailable",
            // Another spelling was accepted while this one was asked about.
            (false, true) if !is_pinned => "unavailable",
            (false, true) if flight.yes_is_void => "unavailable",
            (false, true) => {
                self.yes.insert((name / 2, password), self.now + YES);
                "authenticated"
            }
            (false, false) => {
                self.yes.remove(&(name / 2, password));
                if !flight.no_is_void {
                    self.no.insert(flight.tuple, self.now + NO);
                }
                "refused"
            }
        };
        (outcome, flight)
    }

    fn forget(&mut self, yes: impl Fn(usize) -> bool, no: impl Fn(usize) -> bool) {
        for (user, forgettings) in self.forgettings.iter_mut().enumerate() {
            *forgettings += u64::from(no(user));
        }
        self.yes.retain(|(user, _), _| !yes(*user));
        self.no.retain(|(name, _), _| !no(name / 2));
        for flight in &mut self.flights {
            flight.yes_is_void |= yes(flight.tuple.0 / 2);
            flight.no_is_void |= no(flight.tuple.0 / 2);
        }
    }
}

/// A server that decides on arrival, and answers when the test lets it.
#[derive(Clone, Debug, Default)]
struct Slow(Arc<Mutex<SlowState>>);

#[derive(Debug, Default)]
struct SlowState {
    truth: [usize; 2],
    waiting: Vec<oneshot::Sender<bool>>,
}

impl fmt::Display for Slow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("slow")
    }
}

static ID: std::sync::LazyLock<BackendId> = std::sync::LazyLock::new(|| BackendId::parse("slow").unwrap());

#[async_trait]
impl UserBackend for Slow {
    fn id(&self) -> &BackendId {
        &ID
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let canonical = attempt.name.canonical();
        let (send, receive) = oneshot::channel();
        let right = {
            let mut state = self.0.lock().unwrap();
            state.waiting.push(send);
            let right = state.truth[if canonical.as_str() == "alice" { 0 } else { 1 }];
            PASSWORDS[right] == attempt.password.expose()
        };
        match (receive.await, right) {
            (Ok(false), true) => Ok(Verdict::Accepted(Identity::new(canonical.clone()))),
            (Ok(false), false) => Ok(Verdict::Rejected(Rejection::BadCredentials)),
            _ => Err(BackendError::unavailable(Phase::Login, "it failed")),
        }
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

fn resolver(server: &Slow) -> Resolver {
    let policy = policy(|policy| {
        policy.budget.failures = u32::MAX;
        policy.max_concurrent = 1_000;
    });
    let builder =
        Resolver::builder().lock(None).backend_with(Arc::new(server.clone()), policy, DomainRules::none());
    builder.deadline(Duration::from_secs(1_000_000)).build().unwrap()
}

async fn run(ops: Vec<ModelOp>) {
    let server = Slow::default();
    let people = ["alice", "bob"].map(|name| CanonicalName::parse(name).unwrap());
    let other = BackendId::parse("other").unwrap();
    let resolver = resolver(&server);
    let mut model = Model::default();
    let mut callers: Vec<Vec<tokio::task::JoinHandle<TracedOutcome>>> = Vec::new();
    for op in ops {
        match op {
            ModelOp::Ask { name, password } => {
                let expected = model.ask(name, password);
                let resolver = resolver.clone();
                let caller =
                    tokio::spawn(async move { sign_in(&resolver, NAMES[name], PASSWORDS[password]).await });
                settle().await;
                assert_eq!(caller.is_finished(), expected.is_some(), "{op:?}");
                if let Some(expected) = expected {
                    assert_eq!(caller.await.unwrap().outcome.as_str(), expected, "{op:?}");
                } else {
                    let flight = model.flights.iter().position(|flight| {
                        flight.tuple == (name, password) && flight.began == model.forgettings[name / 2]
                    });
                    callers.resize_with(model.flights.len(), Vec::new);
                    callers[flight.unwrap()].push(caller);
                }
            }
            ModelOp::TracedOutcome { .. } if model.flights.is_empty() => {}
            ModelOp::TracedOutcome { which, outage } => {
                let which = which.index(model.flights.len());
                // One more would open the breaker, which has tests of its own.
                let outage = outage && model.outages < 4;
                let (expected, flight) = model.answer(which, outage);
                let send = server.0.lock().unwrap().waiting.remove(which);
                send.send(outage).unwrap();
                settle().await;
                let waiting = callers.remove(which);
                assert_eq!(waiting.len(), flight.callers);
                for caller in waiting {
                    assert!(caller.is_finished(), "{op:?}");
                    assert_eq!(caller.await.unwrap().outcome.as_str(), expected, "{op:?}");
                }
            }
            ModelOp::Change { user, password } => {
                model.truth[user] = password;
                server.0.lock().unwrap().truth[user] = password;
            }
            ModelOp::Wait { seconds } => {
                model.now += seconds;
                tokio::time::advance(Duration::from_secs(seconds)).await;
            }
            ModelOp::ForgetUser { user } => {
                model.forget(|other| other == user, |other| other == user);
                resolver.invalidate_user(&people[user]);
            }
            ModelOp::ForgetBackend => {
                model.forget(|_| true, |_| true);
                resolver.invalidate_backend(&ID);
            }
            ModelOp::ForgetAnotherBackend => {
                model.forget(|_| false, |_| true);
                resolver.invalidate_backend(&other);
            }
            ModelOp::ForgetAll => {
                model.forget(|_| true, |_| true);
                resolver.invalidate_all();
            }
        }
        assert_eq!(server.0.lock().unwrap().waiting.len(), model.flights.len(), "{op:?}");
    }
}

/// Lets all tasks run as far as they can.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

proptest! {
    // 1,000 stories of 100 steps, more or less.
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn memory_and_flights_do_what_the_model_does(ops in prop::collection::vec(op(), 1..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(run(ops));
    }
}
