//! A thousand guesses a second from a thousand sources: what the owner of an account notices.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use user_backend::{Credentials, DomainRules, Policy, Resolver, StaticBackend};
use user_backend_bench::{RIGHT, Result, person, runtime};

use crate::measure::{Goal, Row, in_turns, nanos, quantile};

/// How long one side is measured before it is the other's turn.
const TURN: Duration = Duration::from_millis(250);
const TURNS: usize = 40;

/// How many sources guess, and at how many users at most.
const MANY: u32 = 1_000;

const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

pub(crate) fn rows() -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for (at, users) in [("one user", 1), ("1,000 users", MANY)] {
        for (from, is_remembered) in [("from memory", true), ("asked", false)] {
            rows.push(attack(at, users, from, is_remembered)?);
        }
    }
    Ok(rows)
}

/// The owner signs in again and again from one network, while others guess at the same user, or at many.
fn attack(at: &str, users: u32, from: &str, is_remembered: bool) -> Result<Row> {
    let runtime = runtime()?;
    let (resolver, owner) = (site(is_remembered)?, person(0));
    let (attack, over, guesses) = (AtomicBool::new(false), AtomicBool::new(false), AtomicU64::new(0));
    let (mut under_attack, mut lost) = (Duration::ZERO, false);
    let guessing = user_backend_bench::runtime()?;
    let (ours, peer, _) = std::thread::scope(|scope| {
        scope.spawn(|| {
            guessing.block_on(async {
                let mut due = tokio::time::Instant::now();
                while !over.load(Ordering::Relaxed) {
                    due += Duration::from_millis(1);
                    tokio::time::sleep_until(due).await;
                    if attack.load(Ordering::Relaxed) {
                        let number = guesses.fetch_add(1, Ordering::Relaxed);
                        // The remainders fit.
                        let source = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + (number % 1_000) as u32));
                        let name = person((number % u64::from(users)) as usize);
                        let resolver = resolver.clone();
                        // Not waited for: after a wrong password the next one is kept waiting.
                        tokio::spawn(async move {
                            let wrong = format!("wrong{number}");
                            let guess = Credentials::new(&name, &wrong).from_source(source);
                            let _ = resolver.authenticate(guess).await;
                        });
                    }
                }
            });
        });
        let mut turn = |attacked: bool| {
            attack.store(attacked, Ordering::Relaxed);
            let start = Instant::now();
            let mut times = Vec::with_capacity(1_000_000);
            while start.elapsed() < TURN {
                let before = Instant::now();
                let attempt = resolver.authenticate(Credentials::new(&owner, RIGHT).from_source(HOME));
                lost |= runtime.block_on(attempt).authenticated().is_none();
                times.push(nanos(before.elapsed()));
            }
            if attacked {
                under_attack += start.elapsed();
            }
            quantile(&mut times, 0.99).unwrap_or(f64::NAN)
        };
        let turn = std::cell::RefCell::new(&mut turn);
        in_turns(TURNS / 10, || turn.borrow_mut()(true), || turn.borrow_mut()(false));
        let figures = in_turns(TURNS, || turn.borrow_mut()(true), || turn.borrow_mut()(false));
        over.store(true, Ordering::Relaxed);
        figures
    });
    if lost {
        return Err("guesses kept the owner out".into());
    }
    let rate = guesses.load(Ordering::Relaxed) as f64 / under_attack.as_secs_f64();
    let what = format!("owner's p99, {from}, ns, at {rate:.0} guesses a second at {at}, beside none");
    Ok(Row::peer(what, ours, peer, TURNS).goal(Goal::AtMost(1.05)))
}

/// A resolver in front of a server that takes its time.
fn site(is_remembered: bool) -> Result<Resolver> {
    let mail = (0..MANY as usize)
        .fold(StaticBackend::new("mail")?, |mail, number| mail.with_user(&person(number), RIGHT));
    let mut policy = Policy::default();
    if !is_remembered {
        policy.cache_accepted = Duration::ZERO;
    }
    let mail = Arc::new(mail.with_delay(Duration::from_millis(2)));
    Ok(Resolver::builder().link(mail, policy, DomainRules::none()).build()?)
}
