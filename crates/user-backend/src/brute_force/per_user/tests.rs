//! Guessing at one person is slow, and its owner does not notice (T43, T47).

use super::*;
use crate::secret::OutcomeKeyer;

struct Bench {
    locks: Locks,
    keyer: OutcomeKeyer,
    guesses: std::cell::Cell<u32>,
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn alice() -> CanonicalName {
    named("alice")
}

fn named(name: &str) -> CanonicalName {
    CanonicalName::parse(name).unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

impl Bench {
    fn new() -> Self {
        Self::of(Locks::new(Some(Lock::default()), ProvenCredentials::new(1_000)))
    }

    fn of(locks: Locks) -> Self {
        Self { locks, keyer: OutcomeKeyer::random().unwrap(), guesses: 0.into() }
    }

    fn tuple(&self, password: &str) -> OutcomeKey {
        self.keyer.key(b"", "alice", password)
    }

    /// A password that nobody has tried yet.
    fn guess(&self) -> OutcomeKey {
        self.guesses.set(self.guesses.get() + 1);
        self.tuple(&self.guesses.get().to_string())
    }

    async fn enter(&self, tuple: &OutcomeKey) -> Result<Entry, Refusal> {
        self.locks.enter([alice()], tuple, tuple, now() + seconds(20)).await
    }

    async fn fail(&self) -> Result<bool, Refusal> {
        let entry = self.enter(&self.guess()).await?;
        Ok(entry.refused(Rejection::BadCredentials))
    }

    /// Fails so many times, waiting as long as it takes.
    async fn fail_times(&self, times: u32) {
        for _ in 0..times {
            if let Err(refusal) = self.fail().await {
                tokio::time::advance(refusal.retry_after()).await;
                let _ = self.fail().await.unwrap();
            }
        }
    }
}

#[test]
fn the_steps_are_those_that_were_promised() {
    let lock = Lock::default();
    let pause = |failures| match lock.after(failures) {
        Pause::Open => Some(0),
        Pause::For(pause) => Some(pause.as_secs()),
        Pause::RestOfDay => None,
    };
    let table = [
        (0, Some(0)),
        (1, Some(1)),
        (3, Some(1)),
        (4, Some(3)),
        (9, Some(3)),
        (10, Some(5)),
        (25, Some(5)),
        (26, Some(10)),
        (100, Some(10)),
        (101, None),
        (u32::MAX, None),
    ];
    for (failures, expected) in table {
        assert_eq!(pause(failures), expected, "{failures}");
    }
    let strict = Lock { failures: 5, ..lock };
    assert_eq!((strict.after(5), strict.after(6)), (Pause::For(seconds(3)), Pause::RestOfDay));
    let none = Lock { failures: 0, ..lock };
    assert_eq!((none.after(0), none.after(1)), (Pause::Open, Pause::RestOfDay));
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_with_failures_in_a_row_and_the_last_one_is_the_rest_of_the_day() {
    let bench = Bench::new();
    let start = now();
    let mut told = Vec::new();
    for _ in 0..101 {
        let before = now();
        match bench.fail().await {
            // Short ones are waited for …
            Ok(_) => told.push((now() - before).as_secs()),
            // … long ones are told.
            Err(refusal) => {
                assert_eq!(refusal, Refusal::TooEarly(refusal.retry_after()));
                told.push(refusal.retry_after().as_secs());
                tokio::time::advance(refusal.retry_after()).await;
                let locked = bench.fail().await.unwrap();
                assert_eq!(locked, told.len() == 101, "the last one locks, and only that");
            }
        }
    }
    let steps = [(0, 1), (1, 3), (3, 6), (5, 16), (10, 75)];
    let expected: Vec<u64> =
        steps.iter().flat_map(|(pause, times)| std::iter::repeat_n(*pause, *times)).collect();
    assert_eq!(told, expected);
    let spent = now() - start;
    assert_eq!(bench.fail().await.unwrap_err(), Refusal::RestOfDay(DAY - spent));
    tokio::time::advance(DAY - spent - Duration::from_nanos(1)).await;
    assert!(matches!(bench.fail().await, Err(Refusal::RestOfDay(_))));
    // 24 hours after the first failure, not at any midnight.
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(bench.fail().await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn of_a_burst_of_a_hundred_parallel_guesses_one_is_made_at_once() {
    let bench = Arc::new(Bench::new().locks);
    let keyer = Arc::new(OutcomeKeyer::random().unwrap());
    let start = now();
    let burst: Vec<_> = (0..100)
        .map(|number| {
            let (locks, keyer) = (Arc::clone(&bench), Arc::clone(&keyer));
            tokio::spawn(async move {
                let tuple = keyer.key(b"", "alice", &number.to_string());
                let entry = locks.enter([alice()], &tuple, &tuple, now() + seconds(20)).await?;
                let began = now();
                // The server thinks for a while.
                tokio::time::sleep(seconds(2)).await;
                entry.refused(Rejection::BadCredentials);
                Ok::<_, Refusal>(began - start)
            })
        })
        .collect();
    let mut began = Vec::new();
    for one in burst {
        if let Ok(at) = one.await.unwrap() {
            began.push(at);
        }
    }
    began.sort_unstable();
    // An attempt that waits for one in flight also waits for the delay after its failure.
    assert_eq!(began.first(), Some(&Duration::ZERO));
    assert!((2..=4).contains(&began.len()), "{began:?}");
    assert!(began.windows(2).all(|two| two[1] - two[0] >= seconds(1)), "{began:?}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_behind_a_right_password_waits_no_longer_than_for_its_answer() {
    let bench = Bench::new();
    let first = bench.enter(&bench.tuple("right")).await.unwrap();
    let other = bench.tuple("of another device");
    let start = now();
    let waiting = bench.enter(&other);
    let answering = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        first.accepted();
    };
    let (entry, ()) = tokio::join!(waiting, answering);
    entry.unwrap().accepted();
    assert_eq!(now() - start, Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn outages_never_count_and_leave_no_pause_behind() {
    let bench = Bench::new();
    for _ in 0..1_000 {
        let start = now();
        // Neither: not asked, the server was down, another domain.
        drop(bench.enter(&bench.guess()).await.unwrap());
        assert!(!bench.enter(&bench.guess()).await.unwrap().refused(Rejection::AccountDisabled));
        assert!(!bench.enter(&bench.guess()).await.unwrap().refused(Rejection::PolicyDenied));
        assert_eq!(now(), start);
    }
    assert_eq!(bench.locks.people(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_right_password_wipes_the_count_and_one_from_memory_does_not_come_here() {
    let bench = Bench::new();
    bench.fail_times(30).await;
    tokio::time::advance(seconds(10)).await;
    bench.enter(&bench.tuple("right")).await.unwrap().accepted();
    assert_eq!(bench.locks.people(), 0);
    let _ = bench.fail().await.unwrap();
    let start = now();
    let _ = bench.fail().await.unwrap();
    assert_eq!(now() - start, seconds(1), "a first failure again");
}

#[tokio::test(start_paused = true)]
async fn t43_the_password_that_was_right_the_last_time_is_never_held_up() {
    let bench = Bench::new();
    let right = bench.tuple("right");
    bench.enter(&right).await.unwrap().accepted();
    bench.fail_times(101).await;
    assert!(matches!(bench.fail().await, Err(Refusal::RestOfDay(_))));
    let start = now();
    // Tried while its server is down, it keeps its right.
    drop(bench.enter(&right).await.unwrap());
    let entry = bench.enter(&right).await.unwrap();
    assert_eq!(now(), start);
    // It was changed: from now on it is as any other, and counts.
    entry.refused(Rejection::BadCredentials);
    bench.locks.unlock(&alice());
    bench.fail_times(101).await;
    let newly_right = bench.enter(&bench.tuple("new")).await;
    assert!(matches!(newly_right, Err(Refusal::RestOfDay(_))));
}

#[tokio::test(start_paused = true)]
async fn u10_the_same_wrong_password_again_and_again_locks_nobody_out() {
    let bench = Bench::new();
    let old = bench.tuple("old");
    for minute in 0..3 * 24 * 60 {
        let entry = bench.enter(&old).await.unwrap();
        assert!(!entry.refused(Rejection::BadCredentials), "{minute}");
        tokio::time::advance(seconds(60)).await;
    }
    let start = now();
    let _ = bench.fail().await.unwrap();
    let _ = bench.fail().await.unwrap();
    assert_eq!(now() - start, seconds(1), "it has cost one failure, two days ago");
}

#[tokio::test(start_paused = true)]
async fn t32_one_person_under_two_names_has_one_count() {
    let bench = Bench::new();
    let both = [named("kim@a.example"), named("kim")];
    for number in 0..4 {
        let entry = bench
            .locks
            .enter(both.clone(), &bench.guess(), &bench.tuple("proven"), now() + seconds(20))
            .await
            .unwrap();
        entry.refused(Rejection::UnknownUser);
        assert_eq!(bench.locks.people(), 2, "{number}");
    }
    let start = now();
    let alone =
        bench.locks.enter([named("kim")], &bench.guess(), &bench.tuple("proven"), now() + seconds(20)).await;
    assert_eq!(now() - start, seconds(3));
    drop(alone);
    assert!(bench.enter(&bench.guess()).await.is_ok(), "another user is not affected");
}

#[tokio::test(start_paused = true)]
async fn two_attempts_that_need_two_names_each_never_wait_for_each_other() {
    let bench = Bench::new();
    let (kim, lee) = (named("kim"), named("lee"));
    for _ in 0..100 {
        let deadline = now() + seconds(20);
        let (one_tuple, other_tuple) = (bench.guess(), bench.guess());
        let one = bench.locks.enter([kim.clone(), lee.clone()], &one_tuple, &one_tuple, deadline);
        let other = bench.locks.enter([lee.clone(), kim.clone()], &other_tuple, &other_tuple, deadline);
        let (one, other) =
            tokio::join!(async { drop(one.await.unwrap()) }, async { drop(other.await.unwrap()) });
        assert_eq!((one, other), ((), ()));
    }
}

#[tokio::test(start_paused = true)]
async fn who_leaves_while_waiting_gives_the_place_to_the_next() {
    let bench = Bench::new();
    let _ = bench.fail().await.unwrap();
    let tuple = bench.guess();
    assert!(tokio::time::timeout(Duration::from_millis(500), bench.enter(&tuple)).await.is_err());
    let start = now();
    assert!(bench.enter(&tuple).await.is_ok());
    assert_eq!(now() - start, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_behind_their_own_deadline() {
    let bench = Bench::new();
    bench.fail_times(5).await;
    let deadline = now() + seconds(2);
    let refusal =
        bench.locks.enter([alice()], &bench.guess(), &bench.tuple("proven"), deadline).await.unwrap_err();
    assert_eq!(refusal, Refusal::TooEarly(seconds(3)));
}

#[tokio::test(start_paused = true)]
async fn an_administrator_forgives() {
    let bench = Bench::new();
    bench.fail_times(101).await;
    bench.locks.unlock(&alice());
    assert_eq!(bench.locks.people(), 0);
    let start = now();
    assert!(bench.fail().await.is_ok());
    assert_eq!(now(), start);
}

#[tokio::test(start_paused = true)]
async fn switched_off_it_counts_nothing() {
    let bench = Bench::of(Locks::new(None, ProvenCredentials::new(1_000)));
    for _ in 0..1_000 {
        assert_eq!(bench.fail().await, Ok(false));
    }
    assert_eq!(bench.locks.people(), 0);
}

#[tokio::test(start_paused = true)]
async fn t25_a_flood_of_names_takes_a_bounded_room_and_forgets_nobody_who_is_attacked() {
    let bench = Bench::of(Locks::with_bound(Some(Lock::default()), ProvenCredentials::new(1_000), 1_000));
    bench.fail_times(30).await;
    tokio::time::advance(seconds(10)).await;
    let under_way = bench.enter(&bench.guess()).await.unwrap();
    for number in 0..20_000 {
        let name = named(&format!("user{number}"));
        let entry = bench
            .locks
            .enter([name], &bench.guess(), &bench.tuple("proven"), now() + seconds(20))
            .await
            .unwrap();
        entry.refused(Rejection::UnknownUser);
    }
    assert!(bench.locks.people() <= 1_001, "{}", bench.locks.people());
    under_way.refused(Rejection::BadCredentials);
    assert_eq!(bench.fail().await.unwrap_err(), Refusal::TooEarly(seconds(10)));
}
