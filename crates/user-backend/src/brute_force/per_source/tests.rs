//! Guessing from one place is slow; living in one is not.

use proptest::prelude::*;

use super::*;
use crate::secret::OutcomeKeyer;

struct Bench {
    throttles: Throttles,
    keyer: OutcomeKeyer,
    guesses: std::cell::Cell<u32>,
}

const HOME: &str = "203.0.113.7";

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn no_pause() -> Throttle {
    Throttle { first_delay: Duration::ZERO, ..Throttle::default() }
}

impl Bench {
    fn new(throttle: Throttle) -> Self {
        Self {
            throttles: Throttles::new(throttle, None),
            keyer: OutcomeKeyer::random().unwrap(),
            guesses: 0.into(),
        }
    }

    /// A new name and password.
    fn guess(&self) -> OutcomeKey {
        self.guesses.set(self.guesses.get() + 1);
        self.keyer.key(b"", "alice", &self.guesses.get().to_string())
    }

    async fn turn(&self, address: &str) -> Result<Turn, Refusal> {
        self.throttles.turn(at(address), now() + Duration::from_secs(20)).await
    }

    async fn fail(&self, address: &str) -> Result<(), Refusal> {
        self.turn(address).await.map(|turn| turn.refused(Rejection::BadCredentials, &self.guess()))
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_double_and_after_ten_failures_the_place_is_refused_for_half_an_hour() {
    let bench = Bench::new(Throttle::default());
    for pause in [0, 100, 200, 400, 800, 1_600, 3_200] {
        let start = now();
        bench.fail(HOME).await.unwrap();
        assert_eq!(now() - start, Duration::from_millis(pause), "a short pause is waited for");
    }
    for pause in [6_400, 12_800, 25_000] {
        let early = bench.fail(HOME).await.unwrap_err();
        assert_eq!(early, Refusal::TooEarly(Duration::from_millis(pause)), "a long one is told");
        tokio::time::advance(Duration::from_millis(pause)).await;
        bench.fail(HOME).await.unwrap();
    }
    let spent = Duration::from_millis(50_500);
    let half_an_hour = Duration::from_secs(30 * 60);
    assert_eq!(bench.fail(HOME).await.unwrap_err(), Refusal::TooMany(half_an_hour - spent));
    assert!(bench.turn("203.0.113.8").await.is_ok());
    tokio::time::advance(half_an_hour).await;
    assert!(bench.turn(HOME).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_guesses_never_passes_the_limit() {
    let bench = Bench::new(no_pause());
    let mut turns = Vec::new();
    for _ in 0..10 {
        turns.push(bench.turn(HOME).await.unwrap());
    }
    let late = bench.throttles.turn(at(HOME), now() + Duration::from_secs(1)).await;
    assert_eq!(late.unwrap_err(), Refusal::NoTurn);
    // Everybody who waits learns at once that there is nothing to wait for.
    let waiting = async {
        let all = (0..100).map(|_| bench.turn(HOME));
        futures(all).await
    };
    let failing = async {
        tokio::task::yield_now().await;
        for turn in turns {
            turn.refused(Rejection::BadCredentials, &bench.guess());
        }
    };
    let start = now();
    let (answers, ()) = tokio::join!(waiting, failing);
    assert!(answers.iter().all(|answer| matches!(answer, Err(Refusal::TooMany(_)))), "{answers:?}");
    assert_eq!(now(), start);
}

/// All of them, at the same time.
async fn futures<F: Future>(all: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(move |context| {
        let mut pending = false;
        for (future, output) in &mut all {
            if output.is_none() {
                match future.as_mut().poll(context) {
                    std::task::Poll::Ready(answer) => *output = Some(answer),
                    std::task::Poll::Pending => pending = true,
                }
            }
        }
        if pending {
            return std::task::Poll::Pending;
        }
        std::task::Poll::Ready(all.iter_mut().filter_map(|(_, output)| output.take()).collect())
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn an_office_behind_one_address_is_served_in_turn() {
    let bench = Bench::new(Throttle::default());
    let people = (0..500).map(|_| async {
        let turn = bench.turn(HOME).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(turn);
        Ok::<_, Refusal>(())
    });
    let start = now();
    assert!(futures(people).await.iter().all(Result::is_ok));
    assert_eq!(now() - start, Duration::from_millis(50 * 500 / 10));
    assert_eq!(bench.throttles.places(), 0);
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_turn_waits_out_a_pause_too() {
    let bench = Bench::new(Throttle { refuse_after: 2, ..Throttle::default() });
    let (one, other) = (bench.turn(HOME).await.unwrap(), bench.turn(HOME).await.unwrap());
    let failing = async {
        tokio::task::yield_now().await;
        one.refused(Rejection::BadCredentials, &bench.guess());
        drop(other);
    };
    let start = now();
    let (waited, ()) = tokio::join!(bench.turn(HOME), failing);
    assert!(waited.is_ok());
    assert_eq!(now() - start, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn t48_neither_outages_nor_rules_nor_given_up_attempts_count() {
    let bench = Bench::new(Throttle::default());
    for _ in 0..100 {
        drop(bench.turn(HOME).await.unwrap());
        for rejection in [Rejection::PolicyDenied, Rejection::AccountDisabled, Rejection::CredentialsExpired]
        {
            bench.turn(HOME).await.unwrap().refused(rejection, &bench.guess());
        }
    }
    assert_eq!(bench.throttles.places(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_old_password_on_a_phone_does_not_lock_its_house_out() {
    let bench = Bench::new(no_pause());
    let old = bench.guess();
    assert!(!bench.throttles.is_known_to_be_wrong(&old));
    for _ in 0..100 {
        bench.turn(HOME).await.unwrap().refused(Rejection::BadCredentials, &old);
        assert!(bench.throttles.is_known_to_be_wrong(&old));
    }
    bench.throttles.accepted(&old);
    assert!(!bench.throttles.is_known_to_be_wrong(&old));
    bench.turn(HOME).await.unwrap().refused(Rejection::BadCredentials, &old);
    tokio::time::advance(Duration::from_secs(30 * 60)).await;
    assert!(!bench.throttles.is_known_to_be_wrong(&old));
}

#[test]
fn a_household_is_one_place() {
    for (one, other, same) in [
        ("203.0.113.7", "203.0.113.8", false),
        ("203.0.113.7", "::ffff:203.0.113.7", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", false),
    ] {
        assert_eq!(Place::of(at(one)) == Place::of(at(other)), same, "{one} {other}");
    }
    assert_eq!(Place::of(at("::ffff:203.0.113.7")).to_string(), "203.0.113.7");
    assert_eq!(Place::of(at("2001:db8:1:2::1")).to_string(), "2001:db8:1:2::/64");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_places_takes_bounded_room_and_forgets_nobody_who_is_busy() {
    let bench = Bench { throttles: Throttles::with_bound(no_pause(), None, 1_000), ..Bench::new(no_pause()) };
    let busy = bench.turn(HOME).await.unwrap();
    for number in 0..20_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        let turn = bench.throttles.turn(address.into(), now()).await.unwrap();
        turn.refused(Rejection::BadCredentials, &bench.guess());
    }
    assert!(bench.throttles.places() <= 1_001 && bench.throttles.shared.refused.len() <= 1_000);
    busy.refused(Rejection::BadCredentials, &bench.guess());
    for _ in 0..9 {
        bench.fail(HOME).await.unwrap();
    }
    assert!(matches!(bench.fail(HOME).await, Err(Refusal::TooMany(_))));
}

proptest! {
    /// Whatever happens in whatever order: failures that count and turns that are out are never more than the limit.
    #[test]
    fn failures_and_turns_together_never_pass_the_limit(
        steps in proptest::collection::vec((0..4_u8, any::<proptest::sample::Index>()), 1..200)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bench = Bench::new(Throttle { refuse_after: 5, per: Duration::from_secs(10), ..no_pause() });
            let (mut turns, mut failures) = (Vec::new(), Vec::new());
            for (step, index) in steps {
                match step {
                    0 => turns.extend(bench.throttles.turn(at(HOME), now()).await),
                    1 if !turns.is_empty() => drop(turns.swap_remove(index.index(turns.len()))),
                    2 if !turns.is_empty() => {
                        turns.swap_remove(index.index(turns.len())).refused(Rejection::UnknownUser, &bench.guess());
                        failures.push(now());
                    }
                    _ => tokio::time::advance(Duration::from_secs(1)).await,
                }
                failures.retain(|failure| now() - *failure < Duration::from_secs(10));
                assert!(turns.len() + failures.len() <= 5);
            }
            // And none is lost: when all is over, all turns are there again.
            turns.clear();
            tokio::time::advance(Duration::from_secs(10)).await;
            for _ in 0..5 {
                turns.push(bench.throttles.turn(at(HOME), now()).await.unwrap());
            }
        });
    }
}
