//! A sign-in from memory, on one thread and on two.

use std::hash::{BuildHasherDefault, Hasher};
use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use allocation_counter::measure as allocations_of;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use user_backend::cache::CacheBounds;
use user_backend::{Attempt, LoginName, Password, Resolver, clock};
use user_backend_bench::{Behind, RIGHT, Result, at_once, person, ready, resolver_with, runtime};

use crate::measure::{Goal, Row, in_turns, nanos, per_round, quantile};

/// Number of cached users: more than the fastest CPU cache holds.
const PEOPLE: usize = 1024;
/// What is hashed for a sign-in.
///
/// A name of 20 bytes, a password of 12, what they are for, and three lengths.
const TUPLE: usize = 50;
const ROUNDS: u32 = 2048;
const TURNS: usize = 2000;

pub(crate) fn rows() -> Result<Vec<Row>> {
    let names: Vec<String> = (0..PEOPLE).map(person).collect();
    let resolver = resolver_with(CacheBounds::default())?;
    runtime()?.block_on(async {
        for name in &names {
            let _ = resolver.authenticate(user_backend::Credentials::new(name, RIGHT)).await;
        }
    });
    let hit = |name: &str| at_once(&resolver, black_box(name), black_box(RIGHT));
    if !names.iter().all(|name| hit(name)) {
        return Err("a sign-in is not cached".into());
    }
    let floor = Floor::new();
    let ours = || {
        per_round(ROUNDS, |round| {
            black_box(hit(&names[round as usize % PEOPLE]));
        })
    };
    let probed = || {
        per_round(ROUNDS, |round| {
            black_box(floor.probe(round as usize % PEOPLE));
        })
    };
    let hashed = || {
        per_round(ROUNDS, |round| {
            black_box(floor.hash(round as usize % PEOPLE));
        })
    };
    in_turns(TURNS / 10, ours, probed);
    let (hit_ns, floor_ns, _) = in_turns(TURNS, ours, probed);
    let (again_ns, hash_ns, _) = in_turns(TURNS / 4, ours, hashed);
    let mut rows = vec![
        Row::floor("cached hit, ns: keyed BLAKE3 of 50 bytes + map probe + clock", hit_ns, floor_ns, TURNS)
            .goal(Goal::AtMost(1.5)),
        Row::floor("cached hit, ns: keyed BLAKE3 of 50 bytes alone", again_ns, hash_ns, TURNS / 4),
    ];
    rows.push(
        two_threads("cached hits a second, two threads beside one", &resolver, |thread, round| {
            // Whom one thread signs in the other does a while later.
            &names[(round as usize + thread * PEOPLE / 2) % PEOPLE]
        })?
        .goal(Goal::AtLeast(1.7)),
    );
    rows.push(two_threads("the same, always one person", &resolver, |_, _| &names[0])?);
    rows.push(allocations(&resolver, &names[0])?);
    Ok(rows)
}

type Map =
    Cache<[u8; 32], u64, UnitWeighter, BuildHasherDefault<FirstEight>, DefaultLifecycle<[u8; 32], u64>>;

/// The least that a cached sign-in could cost.
///
/// One keyed hash, one look into a map, one look at a clock.
struct Floor {
    key: [u8; 32],
    tuples: Vec<[u8; TUPLE]>,
    map: Map,
}

impl Floor {
    fn new() -> Self {
        let key = [7; 32];
        let tuple = |number: usize| {
            let mut tuple = [42; TUPLE];
            tuple[..8].copy_from_slice(&number.to_le_bytes());
            tuple
        };
        let tuples: Vec<_> = (0..PEOPLE).map(tuple).collect();
        let bound = CacheBounds::default().entries;
        let map = Cache::with(bound, bound as u64, UnitWeighter, Default::default(), Default::default());
        for (number, tuple) in tuples.iter().enumerate() {
            map.insert(blake3::keyed_hash(&key, tuple).into(), number as u64);
        }
        Self { key, tuples, map }
    }

    fn hash(&self, number: usize) -> [u8; 32] {
        blake3::keyed_hash(black_box(&self.key), black_box(&self.tuples[number])).into()
    }

    fn probe(&self, number: usize) -> (Option<u64>, Instant) {
        (self.map.get(&self.hash(number)), Instant::now())
    }
}

/// A keyed hash need not be hashed.
#[derive(Default)]
struct FirstEight(u64);

impl Hasher for FirstEight {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    fn write_usize(&mut self, _: usize) {}
}

/// Throughput of two threads beside that of one.
///
/// A turn counts the slower of the two, and of all turns the quickest tenth: the second processor
/// is rarely free for long.
fn two_threads<'a>(
    what: &str,
    resolver: &Resolver,
    who: impl Fn(usize, u32) -> &'a str + Sync,
) -> Result<Row> {
    let arrived = AtomicUsize::new(0);
    let share = |thread: usize| {
        for round in 0..ROUNDS * 4 {
            black_box(at_once(resolver, black_box(who(thread, round)), black_box(RIGHT)));
        }
    };
    // Both threads start together, and the next round starts when both are done.
    let meet = |number: usize| {
        arrived.fetch_add(1, Ordering::SeqCst);
        while arrived.load(Ordering::SeqCst) < number * 2 {
            spin_loop();
        }
    };
    let (mut alone, mut together) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..TURNS / 4 {
                meet(turn * 2 + 1);
                share(1);
                meet(turn * 2 + 2);
            }
        });
        for turn in 0..TURNS / 4 {
            // The other one waits in `meet`, and touches nothing but its counter.
            let start = Instant::now();
            share(0);
            alone.push(nanos(start.elapsed()));
            meet(turn * 2 + 1);
            let start = Instant::now();
            share(0);
            meet(turn * 2 + 2);
            together.push(nanos(start.elapsed()));
        }
    });
    let quick = |times: &mut [f64]| quantile(times, 0.1).ok_or("no turn");
    let hits = f64::from(ROUNDS * 4) * 1e9;
    let (one, two) = (hits / quick(&mut alone)?, 2.0 * hits / quick(&mut together)?);
    Ok(Row::peer(what, two, one, TURNS / 4))
}

/// Through a trait object that knows nothing of resolvers.
fn allocations(resolver: &Resolver, name: &str) -> Result<Row> {
    let backend = Behind::a_trait_object(resolver)?;
    let (name, password) = (LoginName::parse(name)?, Password::parse(RIGHT)?);
    let attempt = Attempt::new(&name, &password, clock::now());
    let rounds = 1000;
    let mut known = 0_u32;
    let counted = allocations_of(|| {
        for _ in 0..rounds {
            known += u32::from(ready(backend.authenticate(&attempt)).is_some_and(|answer| answer.is_ok()));
        }
    });
    if known != rounds {
        return Err("a sign-in is not cached".into());
    }
    let each = counted.count_total as f64 / f64::from(rounds);
    Ok(Row::peer("heap allocations of a hit through Arc<dyn UserBackend>", each, 1.0, rounds as usize)
        .goal(Goal::AtMost(2.0)))
}
