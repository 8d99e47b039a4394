//! What a cached sign-in costs, beside the least it could cost.
//!
//! One keyed hash, one look into a map, one look at a clock.
//!
//! For a look while one works on it. tokio's `test-util`, which the tests beside it need, slows the
//! clock down here; what counts is measured without it, in turns, by `cargo xtask bench cache`
//! (`tests/bench`).

use std::error::Error;
use std::future::Future;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use quick_cache::sync::Cache;
use user_backend::{Credentials, Resolver, StaticBackend};

const NAME: &str = "alice@example.com";
const PASSWORD: &str = "Wonderland-1";
/// What is hashed for a sign-in: two fields of the size above, a scope, three lengths.
const TUPLE: usize = 50;
/// How many people are remembered: the map does not fit into the first-level cache.
const PEOPLE: usize = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let resolver = remembered()?;
    floors(&mut criterion);
    hits(&mut criterion, &resolver);
    criterion.final_summary();
    Ok(())
}

/// A resolver that remembers a thousand people.
fn remembered() -> Result<Resolver, Box<dyn Error>> {
    let people = (0..PEOPLE)
        .fold(StaticBackend::new("people")?.with_user(NAME, PASSWORD), |people, number| {
            people.with_user(&format!("user{number:04}@example.com"), PASSWORD)
        });
    let resolver = Resolver::builder().backend(people).build()?;
    tokio::runtime::Builder::new_current_thread().enable_time().build()?.block_on(async {
        let _ = resolver.authenticate(Credentials::new(NAME, PASSWORD)).await;
        for number in 0..PEOPLE {
            let name = format!("user{number:04}@example.com");
            let _ = resolver.authenticate(Credentials::new(&name, PASSWORD)).await;
        }
    });
    Ok(resolver)
}

fn floors(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("floor");
    let (key, tuple) = ([7; 32], [42_u8; TUPLE]);
    group.bench_function("hash", |bencher| {
        bencher.iter(|| blake3::keyed_hash(black_box(&key), black_box(&tuple)));
    });
    let map: Cache<[u8; 32], u64> = Cache::new(PEOPLE * 2);
    for number in 0..PEOPLE as u64 {
        map.insert(blake3::keyed_hash(&key, &number.to_le_bytes()).into(), number);
    }
    map.insert(blake3::keyed_hash(&key, &tuple).into(), 0);
    group.bench_function("hash_probe_clock", |bencher| {
        bencher.iter(|| {
            let hash: [u8; 32] = blake3::keyed_hash(black_box(&key), black_box(&tuple)).into();
            (map.get(&hash), Instant::now())
        });
    });
    group.finish();
}

fn hits(criterion: &mut Criterion, resolver: &Resolver) {
    let mut group = criterion.benchmark_group("hit");
    group.bench_function("one_thread", |bencher| bencher.iter(|| hit(resolver)));
    group.bench_function(BenchmarkId::from_parameter("two_threads"), |bencher| {
        bencher.iter_custom(|rounds| two_threads(resolver, rounds));
    });
    group.finish();
}

/// One sign-in from memory: it must be there at the first poll.
fn hit(resolver: &Resolver) -> bool {
    let attempt = pin!(resolver.authenticate(Credentials::new(black_box(NAME), black_box(PASSWORD))));
    match attempt.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer.authenticated().is_some(),
        Poll::Pending => false,
    }
}

/// The time in which two threads make `rounds` sign-ins together.
fn two_threads(resolver: &Resolver, rounds: u64) -> Duration {
    let start = Barrier::new(3);
    std::thread::scope(|scope| {
        for share in [rounds / 2, rounds - rounds / 2] {
            let start = &start;
            scope.spawn(move || {
                start.wait();
                for _ in 0..share {
                    black_box(hit(resolver));
                }
            });
        }
        start.wait();
        Instant::now()
    })
    .elapsed()
}
