//! Guesses from one source are slow; normal sign-ins are not.

use proptest::prelude::*;

use super::*;
use crate::secret::OutcomeKeyer;

struct SourceFixture {
    limiter: SourceRateLimiter,
    keyer: OutcomeKeyer,
    guesses: std::cell::Cell<u32>,
}

const HOME: &str = "203.0.113.7";

fn at(address: &str) -> IpAddr {
    address.parse().unwrap()
}

fn no_pause() -> SourceRateLimit {
    SourceRateLimit { first_delay: Duration::ZERO, ..SourceRateLimit::default() }
}

impl SourceFixture {
    fn new(throttle: SourceRateLimit) -> Self {
        Self {
            limiter: SourceRateLimiter::new(throttle, None),
            keyer: OutcomeKeyer::random().unwrap(),
            guesses: 0.into(),
        }
    }

    /// A new name and password.
    fn guess(&self) -> OutcomeKey {
        self.guesses.set(self.guesses.get() + 1);
        self.keyer.key(b"", "alice", &self.guesses.get().to_string())
    }

    async fn permit(&self, address: &str) -> Result<SourcePermit, SourceDenial> {
        self.permit_for(address, &self.guess()).await
    }

    async fn permit_for(&self, address: &str, tuple: &OutcomeKey) -> Result<SourcePermit, SourceDenial> {
        self.limiter.arrive(at(address)).permit(tuple, now() + Duration::from_secs(20)).await
    }

    async fn fail(&self, address: &str) -> Result<(), SourceDenial> {
        self.permit(address).await.map(SourcePermit::refused)
    }
}

fn net(address: &str) -> SourceNet {
    SourceNet::of(at(address))
}

#[tokio::test(start_paused = true)]
async fn delays_double_and_after_ten_failures_the_source_is_refused() {
    let bench = SourceFixture::new(SourceRateLimit::default());
    for pause in [0, 100, 200, 400, 800, 1_600, 3_200] {
        let start = now();
        bench.fail(HOME).await.unwrap();
        assert_eq!(now() - start, Duration::from_millis(pause), "a short pause is waited for");
    }
    for pause in [6_400, 12_800, 25_000] {
        let early = bench.fail(HOME).await.unwrap_err();
        assert_eq!(
            early,
            SourceDenial::TooEarly(net(HOME), Duration::from_millis(pause)),
            "a long one is reported"
        );
        tokio::time::advance(Duration::from_millis(pause)).await;
        bench.fail(HOME).await.unwrap();
    }
    let spent = Duration::from_millis(50_500);
    let half_an_hour = Duration::from_secs(30 * 60);
    assert_eq!(bench.fail(HOME).await.unwrap_err(), SourceDenial::TooMany(net(HOME), half_an_hour - spent));
    assert!(bench.permit("203.0.113.8").await.is_ok());
    tokio::time::advance(half_an_hour).await;
    assert!(bench.permit(HOME).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn burst_of_guesses_never_passes_the_limit() {
    let bench = SourceFixture::new(no_pause());
    let mut permits = Vec::new();
    for _ in 0..10 {
        permits.push(bench.permit(HOME).await.unwrap());
    }
    let late = bench.limiter.arrive(at(HOME)).permit(&bench.guess(), now() + Duration::from_secs(1)).await;
    assert_eq!(late.unwrap_err(), SourceDenial::Unanswered(net(HOME)), "none of them has failed yet");
    // All waiting attempts learn at once that there is nothing to wait for.
    let waiting = async {
        let all = (0..100).map(|_| bench.permit(HOME));
        futures(all).await
    };
    let failing = async {
        tokio::task::yield_now().await;
        for permit in permits {
            permit.refused();
        }
    };
    let start = now();
    let (answers, ()) = tokio::join!(waiting, failing);
    assert!(answers.iter().all(|answer| matches!(answer, Err(SourceDenial::TooMany(..)))), "{answers:?}");
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
async fn office_behind_one_address_is_served_in_order() {
    let bench = SourceFixture::new(SourceRateLimit::default());
    let people = (0..500).map(|_| async {
        let permit = bench.permit(HOME).await?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        drop(permit);
        Ok::<_, SourceDenial>(())
    });
    let start = now();
    assert!(futures(people).await.iter().all(Result::is_ok));
    assert_eq!(now() - start, Duration::from_millis(50 * 500 / 10));
    assert_eq!(bench.limiter.sources(), 0);
}

#[tokio::test(start_paused = true)]
async fn attempt_with_a_permit_waits_for_the_delay() {
    let bench = SourceFixture::new(SourceRateLimit { refuse_after: 2, ..SourceRateLimit::default() });
    let (one, other) = (bench.permit(HOME).await.unwrap(), bench.permit(HOME).await.unwrap());
    let failing = async {
        tokio::task::yield_now().await;
        one.refused();
        drop(other);
    };
    let start = now();
    let (waited, ()) = tokio::join!(bench.permit(HOME), failing);
    assert!(waited.is_ok());
    assert_eq!(now() - start, Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn t48_abandoned_attempts_are_uncounted() {
    let bench = SourceFixture::new(SourceRateLimit::default());
    for _ in 0..100 {
        drop(bench.permit(HOME).await.unwrap());
    }
    assert_eq!(bench.limiter.sources(), 0);
}

#[test]
fn household_is_one_source() {
    for (one, other, same) in [
        ("203.0.113.7", "203.0.113.8", false),
        ("203.0.113.7", "::ffff:203.0.113.7", true),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", false),
        ("::ffff:203.0.113.7", "::ffff:203.0.113.8", false),
    ] {
        assert_eq!(net(one) == net(other), same, "{one} {other}");
    }
    assert_eq!(SourceNet::of(at("::ffff:203.0.113.7")).to_string(), "203.0.113.7");
    assert_eq!(SourceNet::of(at("2001:db8:1:2::1")).to_string(), "2001:db8:1:2::/64");
}

#[tokio::test(start_paused = true)]
async fn flood_of_sources_is_bounded_and_evicts_no_busy_one() {
    let limiter = SourceRateLimiter::with_bound(no_pause(), None, 1_000);
    let bench = SourceFixture { limiter, ..SourceFixture::new(no_pause()) };
    let busy = bench.permit(HOME).await.unwrap();
    for number in 0..20_000_u32 {
        let address = std::net::Ipv4Addr::from_bits(0x0a00_0000 + number);
        let permit = bench.limiter.arrive(address.into()).permit(&bench.guess(), now()).await.unwrap();
        permit.refused();
    }
    assert!(bench.limiter.sources() <= 1_001);
    busy.refused();
    for _ in 0..9 {
        bench.fail(HOME).await.unwrap();
    }
    assert!(matches!(bench.fail(HOME).await, Err(SourceDenial::TooMany(..))));
}

#[test]
fn networks_are_read_and_displayed() {
    for (text, shown, levels) in [
        ("203.0.113.7", "203.0.113.7", vec!["203.0.113.7"]),
        (
            "2001:db8:1:2::9",
            "2001:db8:1:2::/64",
            vec!["2001:db8:1:2::/64", "2001:db8:1::/56", "2001:db8:1::/48"],
        ),
        ("2001:db8:1:300::/56", "2001:db8:1:300::/56", vec!["2001:db8:1:300::/56", "2001:db8:1::/48"]),
        ("2001:db8:1::/48", "2001:db8:1::/48", vec!["2001:db8:1::/48"]),
    ] {
        let network: SourceNet = text.parse().unwrap();
        assert_eq!(network.to_string(), shown);
        assert_eq!(network.levels().map(|level| level.to_string()).collect::<Vec<_>>(), levels);
        assert!(network.levels().all(|level| level.contains(network)), "{text}");
    }
    assert!(!net("203.0.113.7").contains(net("203.0.113.8")));
    assert!(!net("2001:db8:1:2::").contains("2001:db8:1::/56".parse().unwrap()));
}

#[tokio::test(start_paused = true)]
async fn ipv6_guesses_count_at_64_and_56_and_48() {
    let bench = SourceFixture::new(no_pause());
    let mut made = [0, 0, 0];
    let refused_by = |refusal| match refusal {
        SourceDenial::TooMany(network, _) => network.prefix(),
        other => panic!("{other:?}"),
    };
    // One /64, then all of one /56, then all of the /48.
    for (level, step, prefix) in [(0, 0, 64), (1, 1, 56), (2, 256, 48)] {
        for number in 0..1_000_u32 {
            let subnet = number * step;
            let address = format!("2001:db8:1:{:x}::{number:x}", subnet % 0x1_0000);
            match bench.fail(&address).await {
                Ok(()) => made[level] += 1,
                Err(refusal) if number > 0 || level == 0 => {
                    assert!(refused_by(refusal) <= prefix, "{address}");
                    if refused_by(refusal) == prefix {
                        break;
                    }
                }
                Err(_) => {}
            }
        }
    }
    assert_eq!(made, [10, 30, 120]);
    assert!(bench.fail("2001:db8:2::1").await.is_ok(), "a neighbour");
    // The administrator means all of it.
    bench.limiter.reset(net("2001:db8:1:7777::1"));
    assert!(bench.fail("2001:db8:1:7777::1").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn unjudged_guess_counts_once_per_password() {
    let bench = SourceFixture::new(no_pause());
    let guess = bench.guess();
    for _ in 0..20 {
        bench.permit_for(HOME, &guess).await.unwrap().unjudged();
    }
    for _ in 0..9 {
        bench.permit(HOME).await.unwrap().unjudged();
    }
    assert!(matches!(bench.permit(HOME).await, Err(SourceDenial::TooMany(..))));
}

#[tokio::test(start_paused = true)]
async fn limit_reached_by_unrecognised_answers_is_an_outage() {
    let bench = SourceFixture::new(no_pause());
    for _ in 0..9 {
        bench.fail(HOME).await.unwrap();
    }
    bench.permit(HOME).await.unwrap().unrecognised();
    assert_eq!(bench.permit(HOME).await.unwrap_err(), SourceDenial::Unanswered(net(HOME)));
}

proptest! {
    /// In any order of events, counted failures and permits in use never exceed the limit.
    #[test]
    fn failures_and_turns_together_never_pass_the_limit(
        steps in proptest::collection::vec((0..4_u8, any::<proptest::sample::Index>()), 1..200)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let bench = SourceFixture::new(SourceRateLimit { refuse_after: 5, per: Duration::from_secs(10), ..no_pause() });
            let (mut permits, mut failures) = (Vec::new(), Vec::new());
            for (step, index) in steps {
                match step {
                    0 => permits.extend(bench.limiter.arrive(at(HOME)).permit(&bench.guess(), now()).await),
                    1 if !permits.is_empty() => drop(permits.swap_remove(index.index(permits.len()))),
                    2 if !permits.is_empty() => {
                        permits.swap_remove(index.index(permits.len())).refused();
                        failures.push(now());
                    }
                    _ => tokio::time::advance(Duration::from_secs(1)).await,
                }
                failures.retain(|failure| now() - *failure < Duration::from_secs(10));
                assert!(permits.len() + failures.len() <= 5);
            }
            // And none is lost: at the end, all permits are free again.
            permits.clear();
            tokio::time::advance(Duration::from_secs(10)).await;
            for _ in 0..5 {
                permits.push(bench.limiter.arrive(at(HOME)).permit(&bench.guess(), now()).await.unwrap());
            }
        });
    }
}

/// Other processes, and this one after a restart, answer as this one does.
#[tokio::test(start_paused = true)]
async fn unanswered_attempts_are_reported_and_counted_as_such() {
    #[derive(Debug, Default)]
    struct Noted(Mutex<Vec<(SourceNet, Certainty)>>);

    impl FailedLoginObserver for Noted {
        fn source_failed(&self, source: SourceNet, certainty: Certainty) {
            self.0.lock().unwrap().push((source, certainty));
        }

        fn source_reset(&self, _: SourceNet) {}
    }

    let noted = Arc::new(Noted::default());
    let limiter = SourceRateLimiter::new(no_pause(), Some(Arc::clone(&noted) as _));
    let bench = SourceFixture { limiter, ..SourceFixture::new(no_pause()) };
    for number in 0..10 {
        let permit = bench.permit(HOME).await.unwrap();
        if number == 3 { permit.refused() } else { permit.unrecognised() }
    }
    let found = noted.0.lock().unwrap().clone();
    let wrong = found.iter().filter(|(_, certainty)| *certainty == Certainty::Wrong).count();
    assert_eq!((found.len(), wrong), (10, 1));
    let elsewhere = SourceFixture::new(no_pause());
    for (source, certainty) in found {
        elsewhere.limiter.count(source, certainty, Duration::from_secs(1));
    }
    for bench in [bench, elsewhere] {
        assert_eq!(bench.permit(HOME).await.unwrap_err(), SourceDenial::Unanswered(net(HOME)));
    }
}

/// A user who is locked types the right password at home.
///
/// A guess that costs another source nothing would show that it is that one.
#[tokio::test(start_paused = true)]
async fn unjudged_guess_counts_at_each_source() {
    let bench = SourceFixture::new(no_pause());
    let typed = bench.guess();
    for source in ["198.51.100.1", HOME, "2001:db8:1:2::9"] {
        for _ in 0..3 {
            bench.permit_for(source, &typed).await.unwrap().unjudged();
        }
        for _ in 0..9 {
            bench.permit(source).await.unwrap().unjudged();
        }
        assert!(matches!(bench.permit(source).await, Err(SourceDenial::TooMany(..))), "{source}");
    }
}
