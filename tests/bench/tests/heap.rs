//! What a sign-in takes from the heap, counted by the allocator.
//!
//! What counts is the same on every machine.

use allocation_counter::measure;
use user_backend::cache::CacheBounds;
use user_backend::{Attempt, LoginName, Password, Resolver, clock};
use user_backend_bench::{
    Behind, RIGHT, Result, Who, person, ready, resolver_with, resolver_without_lockout, runtime, sign_in,
};

fn once(number: usize) -> Who {
    Who { person: number, password: 0, right: true }
}

#[test]
fn cache_hit_through_a_trait_object_makes_two_allocations() -> Result {
    let resolver = resolver_with(CacheBounds::default())?;
    assert!(sign_in(&runtime()?, &resolver, 0..1, once));
    let backend = Behind::a_trait_object(&resolver)?;
    let (name, password) = (LoginName::parse(&person(0))?, Password::parse(format!("{RIGHT}0"))?);
    let attempt = Attempt::new(&name, &password, clock::now());
    let mut answer = None;
    let counted = measure(|| answer = ready(backend.authenticate(&attempt)));
    // Ready at the first poll: no backend was asked.
    assert!(matches!(answer, Some(Ok(user_backend::Verdict::Accepted(_)))));
    assert!(counted.count_total <= 2, "{counted:?}");
    Ok(())
}

#[test]
fn outcome_and_proven_credentials_take_no_more_than_336_bytes() -> Result {
    const PEOPLE: usize = 100_000;
    let runtime = runtime()?;
    let mut kept: Option<Resolver> = None;
    let counted = measure(|| {
        kept = resolver_without_lockout(CacheBounds { entries: 2 * PEOPLE, bytes: 2 * PEOPLE * 512 }).ok();
        if let Some(resolver) = &kept {
            assert!(sign_in(&runtime, resolver, 0..PEOPLE, once));
        }
    });
    assert_eq!(kept.map(|resolver| resolver.cache_stats().accepted), Some(PEOPLE));
    let each = counted.bytes_current as f64 / PEOPLE as f64;
    // 288 for the outcome in the cache, 48 for the credentials that were proven with it. The
    // outcome itself is 104 bytes: its key, its places in the table and the room that the table
    // keeps for more come on top.
    assert!(each <= 288.0 + 48.0, "{each} bytes for each");
    Ok(())
}

#[test]
fn attempts_that_are_all_different_fill_no_memory() -> Result {
    const ENTRIES: usize = 1_000;
    const PEOPLE: usize = 2_000;
    const WRONG: usize = 4;
    const CYCLE: usize = 2 * PEOPLE * WRONG;
    let (runtime, bounds) = (runtime()?, CacheBounds { entries: ENTRIES, bytes: ENTRIES * 512 });
    let resolver = resolver_without_lockout(bounds)?;
    // Every second password is wrong, every right one is new. Wrong ones come again after four
    // rounds: they are remembered for the limits, too, 100,000 of them independent of the cache,
    // and it would take minutes to fill that table (that it is bounded is tested in
    // `known_credentials`). The 8,000 here are more than the cache holds.
    let all_different = |number: usize| {
        let (right, round) = (number.is_multiple_of(2), number / 2 / PEOPLE);
        Who { person: number / 2 % PEOPLE, password: if right { round } else { round % WRONG }, right }
    };
    let mut held = 0;
    let mut after = |attempts| {
        let counted = measure(|| assert!(sign_in(&runtime, &resolver, attempts, all_different)));
        held += counted.bytes_current;
        held
    };
    // After whole cycles: a user whose last refusal came from memory has no record of failures, and
    // that depends on the round.
    let (early, late) = (after(0..2 * CYCLE), after(2 * CYCLE..4 * CYCLE));
    assert!(late as f64 <= early as f64 * 1.02, "{early} bytes, then {late}");
    let stats = resolver.cache_stats();
    assert!(stats.accepted <= ENTRIES && stats.accepted > ENTRIES / 2, "{stats:?}");
    Ok(())
}
