//! What slows down a user's sign-ins: an attacker who guesses, a server that is down.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use user_backend::DomainRules;
use user_backend::cache::CacheBounds;
use user_backend::error::Phase;
use user_backend::{
    Attempt, BackendError, BackendId, BackendPolicy, CanonicalName, Credentials, Probe, Resolver,
    UserBackend, Verdict,
};
use user_backend_bench::{Everybody, RIGHT, Result, at_once, person, resolver_with, runtime};

use crate::measure::{Goal, Row, UnderAttack, in_turns, nanos, quantile, under_attack};

/// How long one side is measured before the other.
const TURN: Duration = Duration::from_millis(40);
const TURNS: usize = 200;

/// A user signs in from the cache, while an attacker makes a thousand guesses a second.
pub(crate) fn attacker() -> Result<Vec<Row>> {
    let resolver = resolver_with(CacheBounds::default())?;
    let name = person(0);
    let right = runtime()?.block_on(async { resolver.authenticate(Credentials::new(&name, RIGHT)).await });
    if right.authenticated().is_none() {
        return Err("the person cannot sign in".into());
    }
    let guess = |number: u64| {
        let (resolver, name, wrong) = (resolver.clone(), name.clone(), format!("wrong{number}"));
        async move {
            let _ = resolver.authenticate(Credentials::new(&name, &wrong)).await;
        }
    };
    let sign_in = || at_once(&resolver, &name, RIGHT);
    let UnderAttack { attacked, quiet, guesses } = under_attack((TURN, TURNS), guess, sign_in)?;
    let what = format!("p99 of a user's own hits, ns, at {guesses:.0} guesses a second, beside none");
    Ok(vec![Row::peer(what, attacked, quiet, TURNS).goal(Goal::AtMost(1.05))])
}

/// Three backends, every user has a pin, nothing is cached.
///
/// The second one is down or not; its users sign in two hundred times a second. Measured are those
/// of the third.
pub(crate) fn dead_backend() -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let (well, down) = (runtime.block_on(three(false))?, runtime.block_on(three(true))?);
    let (mine, theirs) = (person(0), person(1));
    let mut lost = false;
    let mut turn = |resolver: &Resolver| {
        runtime.block_on(async {
            let start = Instant::now();
            let mut due = start;
            let mut times = Vec::with_capacity(20_000);
            while start.elapsed() < TURN {
                if due <= Instant::now() {
                    due += Duration::from_millis(5);
                    let (resolver, theirs) = (resolver.clone(), theirs.clone());
                    tokio::spawn(async move {
                        let password = format!("{RIGHT}{:?}", Instant::now());
                        let _ = resolver.authenticate(Credentials::new(&theirs, &password)).await;
                    });
                }
                let before = Instant::now();
                let answer = resolver.authenticate(Credentials::new(&mine, RIGHT)).await;
                times.push(nanos(before.elapsed()));
                lost |= answer.authenticated().is_none();
            }
            quantile(&mut times, 0.99).unwrap_or(f64::NAN)
        })
    };
    let turn = std::cell::RefCell::new(&mut turn);
    in_turns(TURNS / 10, || turn.borrow_mut()(&down), || turn.borrow_mut()(&well));
    let (ours, peer, _) = in_turns(TURNS, || turn.borrow_mut()(&down), || turn.borrow_mut()(&well));
    if lost {
        return Err("a user was refused because of another server".into());
    }
    let what = "p99 of users of the third backend, ns, the second one down, beside all up";
    Ok(vec![Row::peer(what, ours, peer, TURNS).goal(Goal::AtMost(1.05))])
}

async fn three(second_is_down: bool) -> Result<Resolver> {
    let mut policy = BackendPolicy::default();
    policy.cache_accepted = Duration::ZERO;
    let second: Arc<dyn UserBackend> = match second_is_down {
        false => Arc::new(Everybody::new("second")?),
        true => Arc::new(Down(BackendId::parse("second")?)),
    };
    let resolver = Resolver::builder()
        .backend_with(Arc::new(Everybody::new("first")?), policy.clone(), DomainRules::none())
        .backend_with(second, policy.clone(), DomainRules::none())
        .backend_with(Arc::new(Everybody::new("third")?), policy, DomainRules::none())
        .build()?;
    for (number, owner) in [(0, "third"), (1, "second")] {
        let name = CanonicalName::parse(&person(number))?;
        resolver.rebind(&name, Some(&BackendId::parse(owner)?)).await?;
    }
    Ok(resolver)
}

/// A server that does not answer: each attempt costs the time that connecting may take.
#[derive(Debug)]
struct Down(BackendId);

impl fmt::Display for Down {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("down")
    }
}

#[async_trait]
impl UserBackend for Down {
    fn id(&self) -> &BackendId {
        &self.0
    }

    async fn authenticate(&self, _: &Attempt<'_>) -> std::result::Result<Verdict, BackendError> {
        tokio::time::sleep(Duration::from_millis(300)).await;
        Err(BackendError::unavailable(Phase::Connect, "no answer"))
    }

    async fn probe(&self, _: user_backend::clock::Instant) -> std::result::Result<Probe, BackendError> {
        Ok(Probe::default())
    }
}
