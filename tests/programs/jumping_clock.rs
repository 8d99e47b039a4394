//! A program whose wall clock jumps a day ahead and two days back.
//!
//! Meanwhile it remembers, refuses and waits, and it reports what the jumps changed.
//!
//! It runs under libfaketime, which reads the time that the wall clock shows from the file
//! `FAKETIME_TIMESTAMP_FILE`, and leaves the monotonic clock alone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use user_backend::brute_force::{Lockout as Lock, SourceRateLimit as Throttle};
use user_backend::clock::Instant;
use user_backend::{
    Attempt, BackendError, BackendId, BackendPolicy, Credentials, DomainRules, Outcome, Probe, Resolver,
    StaticBackend, UserBackend, Verdict, clock,
};

type Error = Box<dyn std::error::Error>;

const HOUR: Duration = Duration::from_secs(60 * 60);
const RIGHT: &str = "Wonderland-1";
const SOURCE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    set("+0d")?;
    let people = Arc::new(StaticBackend::new("people")?.with_user("alice", RIGHT));
    let builder = |people: Arc<dyn UserBackend>| {
        Resolver::builder().backend_with(people, BackendPolicy::default(), DomainRules::default())
    };
    let (mut throttle, mut lock) = (Throttle::default(), Lock::default());
    (throttle.first_delay, throttle.longest_delay) = (HOUR, HOUR);
    lock.failures = 0;
    let memory = builder(people.clone()).build()?;
    let throttled = builder(people.clone()).throttle(throttle).lock(None).build()?;
    let locked = builder(people.clone()).lock(Some(lock)).build()?;

    // A success is cached for five minutes, a source is delayed for an hour, a user for a day.
    println!("memory: {}", sign_in(&memory, "alice", RIGHT).await);
    println!("place: {}", sign_in(&throttled, "bob", "wrong").await);
    println!("person: {}", sign_in(&locked, "carol", "wrong").await);
    for to in ["+1d", "-1d"] {
        let (before, asked) = (SystemTime::now(), people.attempts());
        set(to)?;
        println!("the clock jumps by {} hours", hours(before, SystemTime::now()));
        println!("memory: {}", sign_in(&memory, "alice", RIGHT).await);
        println!("place: {}", sign_in(&throttled, "bob", "wrong again").await);
        println!("person: {}", sign_in(&locked, "carol", "wrong again").await);
        println!("asked meanwhile: {}", people.attempts() - asked);
    }

    // In the middle of an attempt.
    for (to, silent) in [("+1d", false), ("-1d", true)] {
        let jumper = Arc::new(Jumper { id: BackendId::parse("jumper")?, people: people.clone(), to, silent });
        let resolver = builder(jumper).deadline(Duration::from_secs(20)).build()?;
        // The silent one is waited for on a clock that goes by itself.
        tokio::time::pause();
        let began = clock::now();
        let answer = sign_in(&resolver, "alice", RIGHT).await;
        println!("{to} in the middle: {answer}, after {} s", began.elapsed().as_secs_f64().round());
        tokio::time::resume();
    }

    // The day back lengthens no memory.
    let asked = people.attempts();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5 * 60 + 1)).await;
    println!("memory: {}", sign_in(&memory, "alice", RIGHT).await);
    println!("asked after five minutes: {}", people.attempts() - asked);
    Ok(())
}

/// The outcome in words.
async fn sign_in(resolver: &Resolver, name: &str, password: &str) -> String {
    let answer = resolver.authenticate(Credentials::new(name, password).from_source(SOURCE)).await;
    let outcome = answer.outcome.as_str();
    match answer.outcome {
        Outcome::Throttled { retry_after, .. } => {
            format!("{outcome} for {} h", (retry_after.as_secs_f64() / HOUR.as_secs_f64()).round())
        }
        _ => outcome.to_owned(),
    }
}

/// Sets the wall clock of this process, from now on.
fn set(to: &str) -> Result<(), Error> {
    let file = std::env::var_os("FAKETIME_TIMESTAMP_FILE").ok_or("no FAKETIME_TIMESTAMP_FILE")?;
    Ok(std::fs::write(file, to)?)
}

fn hours(from: SystemTime, to: SystemTime) -> f64 {
    let signed = match to.duration_since(from) {
        Ok(ahead) => ahead.as_secs_f64(),
        Err(back) => -back.duration().as_secs_f64(),
    };
    (signed / HOUR.as_secs_f64()).round()
}

/// A server that is slow enough for the clock to be set during an attempt.
#[derive(Debug)]
struct Jumper {
    id: BackendId,
    people: Arc<StaticBackend>,
    to: &'static str,
    /// It never answers.
    silent: bool,
}

impl fmt::Display for Jumper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "jumper({})", self.id)
    }
}

#[async_trait]
impl UserBackend for Jumper {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        // The test counts the hours.
        let _ = set(self.to);
        if self.silent {
            std::future::pending::<()>().await;
        }
        self.people.authenticate(attempt).await
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.people.probe(deadline).await
    }
}
