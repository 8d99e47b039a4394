//! Memory of a cached outcome, counted by the allocator, and whether the bound holds.

use allocation_counter::measure as allocations_of;
use user_backend::cache::CacheBounds;
use user_backend_bench::{Result, Who, resolver_with, runtime, sign_in};

use crate::measure::{Goal, Row};

const MILLION: usize = 1_000_000;

pub(crate) fn rows() -> Result<Vec<Row>> {
    Ok(vec![per_outcome()?, bounded()?])
}

/// A million users sign in once.
fn per_outcome() -> Result<Row> {
    let runtime = runtime()?;
    let mut kept = None;
    let counted = allocations_of(|| {
        kept = resolver_with(CacheBounds { entries: 2 * MILLION, bytes: 2 * MILLION * 512 }).ok().map(
            |resolver| {
                (
                    sign_in(&runtime, &resolver, 0..MILLION, |number| Who {
                        person: number,
                        password: 0,
                        right: true,
                    }),
                    resolver,
                )
            },
        );
    });
    let Some((true, resolver)) = kept else { return Err("a user could not sign in".into()) };
    let stats = resolver.cache_stats();
    if stats.accepted != MILLION {
        return Err(format!("not everybody is remembered: {stats:?}").into());
    }
    let each = counted.bytes_current as f64 / MILLION as f64;
    Ok(Row::peer(
        "bytes per outcome, 10^6 outcomes of 10^6 users, pins and all; goal 256",
        each,
        256.0,
        MILLION,
    )
    .goal(Goal::AtMost(1.0)))
}

/// Attempts that are all different.
///
/// Right ones of a hundred thousand users whose password changes, and wrong ones of a new unknown
/// user for each attempt.
fn bounded() -> Result<Row> {
    let runtime = runtime()?;
    let bounds = CacheBounds::default();
    let Ok(resolver) = resolver_with(bounds) else { return Err("no resolver".into()) };
    let (people, mut held, mut most_remembered) = (bounds.entries, Vec::new(), 0);
    let mut bytes = 0_i64;
    for million in 0..10 {
        let mut well = false;
        let counted = allocations_of(|| {
            let range = million * MILLION..(million + 1) * MILLION;
            well = sign_in(&runtime, &resolver, range, |number| match number % 2 {
                0 => Who { person: number / 2 % people, password: number / 2 / people, right: true },
                _ => Who { person: people + number, password: 0, right: false },
            });
        });
        if !well {
            return Err("an answer is not the one that was due".into());
        }
        bytes += counted.bytes_current;
        held.push(bytes as f64);
        let stats = resolver.cache_stats();
        most_remembered = most_remembered.max(stats.accepted);
    }
    if most_remembered > bounds.entries {
        return Err(format!("{most_remembered} outcomes, at most {}", bounds.entries).into());
    }
    let (Some(last), Some(second)) = (held.last(), held.get(1)) else { return Err("nothing counted".into()) };
    let what = "MiB after 10^7 distinct attempts, bound of 10^5 outcomes, beside 2 * 10^6 attempts";
    Ok(Row::peer(what, last / 1048576.0, second / 1048576.0, 10 * MILLION).goal(Goal::AtMost(1.02)))
}
