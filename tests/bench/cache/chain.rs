//! The cost of other backends when every user has a pin.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Runtime;
use user_backend::DomainRules;
use user_backend::{BackendPolicy, Credentials, Resolver};
use user_backend_bench::{Everybody, RIGHT, Result, at_once, person, runtime};

use crate::measure::{Goal, Row, in_turns, per_round};

const TURNS: usize = 2000;

pub(crate) fn rows() -> Result<Vec<Row>> {
    let runtime = runtime()?;
    let mut rows = Vec::new();
    let (five, one) = (owned(&runtime, 5, None)?, owned(&runtime, 1, None)?);
    let name = person(0);
    let hit = |resolver| {
        per_round(1000, |_| {
            black_box(at_once(resolver, &name, RIGHT));
        })
    };
    in_turns(TURNS / 10, || hit(&five), || hit(&one));
    let (ours, peer, ratio) = in_turns(TURNS, || hit(&five), || hit(&one));
    rows.push(Row::peer("hit in a chain of five with pins, ns, beside a chain of one", ours, peer, TURNS));
    let (five, one) = (owned(&runtime, 5, Some(Duration::ZERO))?, owned(&runtime, 1, Some(Duration::ZERO))?);
    let ask = |resolver: &Resolver| {
        runtime.block_on(async {
            let start = std::time::Instant::now();
            for _ in 0..50 {
                let _ = resolver.authenticate(Credentials::new(&name, RIGHT)).await;
            }
            start.elapsed().as_nanos() as f64 / 50.0
        })
    };
    in_turns(TURNS / 10, || ask(&five), || ask(&one));
    let (ours, peer, asked) = in_turns(TURNS, || ask(&five), || ask(&one));
    rows.push(Row::peer("the same, the last of the five asked each time, ns", ours, peer, TURNS));
    let _ = (ratio, asked);
    Ok(rows.into_iter().map(|row| row.goal(Goal::AtMost(1.1))).collect())
}

/// A chain of backends that all know every user, and a user who belongs to the last one.
fn owned(runtime: &Runtime, length: usize, remember: Option<Duration>) -> Result<Resolver> {
    let mut policy = BackendPolicy::default();
    if let Some(lifetime) = remember {
        policy.cache_accepted = lifetime;
    }
    let ids: Vec<String> = (1..=length).map(|number| format!("backend-{number}")).collect();
    let mut builder = Resolver::builder();
    for id in &ids {
        builder = builder.backend_with(Arc::new(Everybody::new(id)?), policy.clone(), DomainRules::none());
    }
    let resolver = builder.build()?;
    let name = user_backend::CanonicalName::parse(&person(0))?;
    let last = user_backend::BackendId::parse(ids.last().ok_or("no backend")?)?;
    runtime.block_on(async {
        resolver.rebind(&name, Some(&last)).await?;
        let answer = resolver.authenticate(Credentials::new(name.as_str(), RIGHT)).await;
        let vouches = answer.authenticated().is_some_and(|proof| *proof.backend() == last);
        if vouches { Ok(resolver) } else { Err("the last one does not vouch".into()) }
    })
}
