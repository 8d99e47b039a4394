//! A thousand guesses a second from a thousand sources.
//!
//! What the owner of an account notices.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use user_backend::{BackendPolicy, Credentials, DomainRules, Resolver, StaticBackend};
use user_backend_bench::{RIGHT, Result, person, runtime};

use crate::measure::{Goal, Row, UnderAttack, under_attack};

/// How long one side is measured before the other.
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

/// The owner signs in repeatedly from one network, while others guess at users.
///
/// They guess at the same user or at many.
fn attack(at: &str, users: u32, from: &str, is_remembered: bool) -> Result<Row> {
    let runtime = runtime()?;
    let (resolver, owner) = (site(is_remembered)?, person(0));
    let guess = |number: u64| {
        // The remainders fit.
        let source = IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + (number % 1_000) as u32));
        let name = person((number % u64::from(users)) as usize);
        let (resolver, wrong) = (resolver.clone(), format!("wrong{number}"));
        async move {
            let _ = resolver.authenticate(Credentials::new(&name, &wrong).from_source(source)).await;
        }
    };
    let sign_in = || {
        let attempt = resolver.authenticate(Credentials::new(&owner, RIGHT).from_source(HOME));
        runtime.block_on(attempt).authenticated().is_some()
    };
    let UnderAttack { attacked, quiet, guesses } = under_attack((TURN, TURNS), guess, sign_in)?;
    let what = format!("owner's p99, {from}, ns, at {guesses:.0} guesses a second at {at}, beside none");
    Ok(Row::peer(what, attacked, quiet, TURNS).goal(Goal::AtMost(1.05)))
}

/// A resolver in front of a server that takes its time.
fn site(is_remembered: bool) -> Result<Resolver> {
    let mail = (0..MANY as usize)
        .fold(StaticBackend::new("mail")?, |mail, number| mail.with_user(&person(number), RIGHT));
    let mut policy = BackendPolicy::default();
    if !is_remembered {
        policy.cache_accepted = Duration::ZERO;
    }
    let mail = Arc::new(mail.with_delay(Duration::from_millis(2)));
    Ok(Resolver::builder().backend_with(mail, policy, DomainRules::none()).build()?)
}
