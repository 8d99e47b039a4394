//! Guessing at one person is slow, and its owner does not notice (T43, T47).

use zeroize::Zeroizing;

use super::*;
use crate::secret::OutcomeKeyer;

struct UserFixture {
    users: UserLimiter,
    known: KnownCredentials,
    keyer: OutcomeKeyer,
    guesses: std::cell::Cell<u32>,
}

/// High enough that only failures in a row are limited.
const MANY: AttemptLimit = AttemptLimit { failures: 1_000_000, per: Duration::from_secs(15 * 60) };

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn alice() -> CanonicalName {
    named("alice")
}

fn named(name: &str) -> CanonicalName {
    CanonicalName::parse(name).unwrap()
}

/// What alice is reported as.
fn hash(bench: &UserFixture) -> UserHash {
    bench.users.shared.reports.hash(&alice()).unwrap()
}

/// Credentials from one network.
fn at_home(tuple: &OutcomeKey) -> GuessKey {
    GuessKey { credentials: *tuple, from_network: *tuple, source: SourceHash::new(1) }
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn retry_after(refusal: UserDenial) -> Duration {
    match refusal {
        UserDenial::Locked(wait) | UserDenial::TooMany(wait) | UserDenial::TooEarly(wait) => wait,
        UserDenial::LockedByRule | UserDenial::Unanswered => Duration::ZERO,
    }
}

impl UserFixture {
    fn new() -> Self {
        Self::with(Some(Lockout::default()), MANY, 1_000)
    }

    fn with(lockout: Option<Lockout>, limit: AttemptLimit, max: usize) -> Self {
        let known = KnownCredentials::new(1_000);
        let key = UserHashKey::new(Zeroizing::new([7; 32]));
        let users = UserLimiter::with_bound(lockout, limit, known.clone(), None, Some(key), max);
        Self { users, known, keyer: OutcomeKeyer::random().unwrap(), guesses: 0.into() }
    }

    fn tuple(&self, password: &str) -> OutcomeKey {
        self.keyer.key(b"", "alice", password)
    }

    /// A password that was not tried yet.
    fn guess(&self) -> OutcomeKey {
        self.guesses.set(self.guesses.get() + 1);
        self.tuple(&self.guesses.get().to_string())
    }

    async fn enter(&self, tuple: &OutcomeKey) -> Result<UserPermit, UserDenial> {
        self.enter_as([alice()], tuple, now() + seconds(20)).await
    }

    async fn enter_as<const N: usize>(
        &self,
        names: [CanonicalName; N],
        tuple: &OutcomeKey,
        deadline: Instant,
    ) -> Result<UserPermit, UserDenial> {
        self.users.arrive(names).enter(&at_home(tuple), self.known.are_proven(tuple), deadline).await
    }

    /// As an attempt settles it.
    fn refuse(&self, entry: UserPermit) -> bool {
        let tuple = entry.key.credentials;
        let is_known = self.known.were_refused(&tuple, self.users.remembers_for());
        self.known.refused(tuple, &tuple);
        entry.refused(is_known)
    }

    fn accept(&self, entry: UserPermit) {
        self.known.accepted(&entry.key.credentials, entry.key.from_network);
        entry.accepted();
    }

    async fn fail(&self) -> Result<bool, UserDenial> {
        let entry = self.enter(&self.guess()).await?;
        Ok(self.refuse(entry))
    }

    /// Fails this number of times, and waits as long as needed.
    async fn fail_times(&self, times: u32) {
        for _ in 0..times {
            if let Err(refusal) = self.fail().await {
                tokio::time::advance(retry_after(refusal)).await;
                let _ = self.fail().await.unwrap();
            }
        }
    }
}

#[test]
fn delays_are_those_of_the_table() {
    let lock = Lockout::default();
    let pause = |failures| match lock.after(failures) {
        Delay::None => Some(0),
        Delay::For(pause) => Some(pause.as_secs()),
        Delay::RestOfDay => None,
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
    let strict = Lockout { failures: 5, ..lock };
    assert_eq!((strict.after(5), strict.after(6)), (Delay::For(seconds(3)), Delay::RestOfDay));
    let none = Lockout { failures: 0, ..lock };
    assert_eq!((none.after(0), none.after(1)), (Delay::None, Delay::RestOfDay));
}

#[tokio::test(start_paused = true)]
async fn delays_grow_and_the_last_is_the_rest_of_the_day() {
    let bench = UserFixture::new();
    let start = now();
    let mut delays = Vec::new();
    for _ in 0..101 {
        let before = now();
        match bench.fail().await {
            // Short ones are waited for …
            Ok(_) => delays.push((now() - before).as_secs()),
            // … long ones are reported.
            Err(refusal) => {
                assert_eq!(refusal, UserDenial::TooEarly(retry_after(refusal)));
                delays.push(retry_after(refusal).as_secs());
                tokio::time::advance(retry_after(refusal)).await;
                let locked = bench.fail().await.unwrap();
                assert_eq!(locked, delays.len() == 101, "the last one locks, and only that");
            }
        }
    }
    let steps = [(0, 1), (1, 3), (3, 6), (5, 16), (10, 75)];
    let expected: Vec<u64> =
        steps.iter().flat_map(|(pause, times)| std::iter::repeat_n(*pause, *times)).collect();
    assert_eq!(delays, expected);
    let spent = now() - start;
    assert_eq!(bench.fail().await.unwrap_err(), UserDenial::Locked(DAY - spent));
    tokio::time::advance(DAY - spent - Duration::from_nanos(1)).await;
    assert!(matches!(bench.fail().await, Err(UserDenial::Locked(_))));
    // 24 hours after the first failure, not at any midnight.
    tokio::time::advance(Duration::from_nanos(1)).await;
    assert_eq!(bench.fail().await, Ok(false));
}

#[tokio::test(start_paused = true)]
async fn burst_of_guesses_one_is_made_at_once() {
    let bench = UserFixture::new();
    let start = now();
    let burst: Vec<_> = (0..100)
        .map(|number| {
            let (users, tuple) = (bench.users.clone(), bench.tuple(&number.to_string()));
            tokio::spawn(async move {
                let entry =
                    users.arrive([alice()]).enter(&at_home(&tuple), false, now() + seconds(20)).await?;
                let began = now();
                // The server responds slowly.
                tokio::time::sleep(seconds(2)).await;
                entry.refused(false);
                Ok::<_, UserDenial>(began - start)
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
async fn attempt_after_a_right_password_waits_for_its_answer_only() {
    let bench = UserFixture::new();
    let first = bench.enter(&bench.tuple("right")).await.unwrap();
    let other = bench.tuple("of another device");
    let start = now();
    let waiting = bench.enter(&other);
    let answering = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        bench.accept(first);
    };
    let (entry, ()) = tokio::join!(waiting, answering);
    bench.accept(entry.unwrap());
    assert_eq!(now() - start, Duration::from_millis(50));
}

#[tokio::test(start_paused = true)]
async fn outages_leave_no_failure_and_no_delay() {
    let bench = UserFixture::new();
    for _ in 0..1_000 {
        let start = now();
        // Neither: not asked, the server was down, another domain.
        drop(bench.enter(&bench.guess()).await.unwrap());
        assert_eq!(now(), start);
    }
    assert_eq!(bench.users.users(), 0);
}

#[tokio::test(start_paused = true)]
async fn right_password_clears_the_record() {
    let bench = UserFixture::new();
    bench.fail_times(30).await;
    tokio::time::advance(seconds(10)).await;
    bench.accept(bench.enter(&bench.tuple("right")).await.unwrap());
    assert_eq!(bench.users.users(), 0);
    let _ = bench.fail().await.unwrap();
    let start = now();
    let _ = bench.fail().await.unwrap();
    assert_eq!(now() - start, seconds(1), "a first failure again");
}

#[tokio::test(start_paused = true)]
async fn right_password_keeps_failures_from_elsewhere() {
    for (lockout, limit, per) in
        [(Some(Lockout { failures: 3, per: DAY }), MANY, DAY), (None, AttemptLimit::default(), seconds(900))]
    {
        let bench = UserFixture::with(lockout, limit, 1_000);
        let mut made = 0;
        for _ in 0..20 {
            // The owner's program, and a guess from elsewhere after it.
            let key = GuessKey { source: SourceHash::new(2), ..at_home(&bench.tuple("right")) };
            let owner = bench.users.arrive([alice()]).enter(&key, true, now()).await.unwrap();
            bench.accept(owner);
            made += u32::from(bench.fail().await.is_ok());
            tokio::time::advance(seconds(10)).await;
        }
        assert_eq!(made, 4, "{lockout:?}");
        tokio::time::advance(per).await;
        let key = GuessKey { source: SourceHash::new(2), ..at_home(&bench.tuple("right")) };
        bench.accept(bench.users.arrive([alice()]).enter(&key, true, now()).await.unwrap());
        assert!(bench.users.is_quiet("alice"), "what is too old is gone");
        assert_eq!(bench.fail().await, Ok(false));
    }
}

#[tokio::test(start_paused = true)]
async fn t43_proven_credentials_are_never_delayed() {
    let bench = UserFixture::new();
    let right = bench.tuple("right");
    bench.accept(bench.enter(&right).await.unwrap());
    bench.fail_times(101).await;
    assert!(matches!(bench.fail().await, Err(UserDenial::Locked(_))));
    let start = now();
    // Tried while its server is down, it keeps its right.
    drop(bench.enter(&right).await.unwrap());
    let entry = bench.enter(&right).await.unwrap();
    assert_eq!(now(), start);
    // It was changed: from now on it is as any other, and counts.
    bench.refuse(entry);
    bench.users.unlock(&alice(), Duration::ZERO);
    bench.fail_times(101).await;
    let newly_right = bench.enter(&bench.tuple("new")).await;
    assert!(matches!(newly_right, Err(UserDenial::Locked(_))));
}

#[tokio::test(start_paused = true)]
async fn u10_repeated_wrong_password_locks_no_one_out() {
    let bench = UserFixture::new();
    let old = bench.tuple("old");
    for minute in 0..3 * 24 * 60 {
        let entry = bench.enter(&old).await.unwrap();
        assert!(!bench.refuse(entry), "{minute}");
        tokio::time::advance(seconds(60)).await;
    }
    let start = now();
    let _ = bench.fail().await.unwrap();
    let _ = bench.fail().await.unwrap();
    assert_eq!(now() - start, seconds(1), "it has cost one failure, two days ago");
}

#[tokio::test(start_paused = true)]
async fn t32_user_with_two_names_has_one_count() {
    let bench = UserFixture::new();
    let both = [named("kim@a.example"), named("kim")];
    for number in 0..4 {
        let entry = bench.enter_as(both.clone(), &bench.guess(), now() + seconds(20)).await.unwrap();
        bench.refuse(entry);
        assert_eq!(bench.users.users(), 2, "{number}");
    }
    let start = now();
    let alone = bench.enter_as([named("kim")], &bench.guess(), now() + seconds(20)).await;
    assert_eq!(now() - start, seconds(3));
    drop(alone);
    assert!(bench.enter(&bench.guess()).await.is_ok(), "another user is not affected");
}

#[tokio::test(start_paused = true)]
async fn attempts_with_two_names_each_never_deadlock() {
    let bench = UserFixture::new();
    let (kim, lee) = (named("kim"), named("lee"));
    for _ in 0..100 {
        let deadline = now() + seconds(20);
        let (one_tuple, other_tuple) = (bench.guess(), bench.guess());
        let one = bench.enter_as([kim.clone(), lee.clone()], &one_tuple, deadline);
        let other = bench.enter_as([lee.clone(), kim.clone()], &other_tuple, deadline);
        let (one, other) =
            tokio::join!(async { drop(one.await.unwrap()) }, async { drop(other.await.unwrap()) });
        assert_eq!((one, other), ((), ()));
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_wait_gives_the_place_to_the_next() {
    let bench = UserFixture::new();
    let _ = bench.fail().await.unwrap();
    let tuple = bench.guess();
    assert!(tokio::time::timeout(Duration::from_millis(500), bench.enter(&tuple)).await.is_err());
    let start = now();
    assert!(bench.enter(&tuple).await.is_ok());
    assert_eq!(now() - start, Duration::from_millis(500));
}

#[tokio::test(start_paused = true)]
async fn delay_after_the_deadline_is_not_waited_for() {
    let bench = UserFixture::new();
    bench.fail_times(5).await;
    let deadline = now() + seconds(2);
    let refusal = bench.enter_as([alice()], &bench.guess(), deadline).await.unwrap_err();
    assert_eq!(refusal, UserDenial::TooEarly(seconds(3)));
}

#[tokio::test(start_paused = true)]
async fn unlock_clears_the_record() {
    let bench = UserFixture::new();
    bench.fail_times(101).await;
    bench.users.unlock(&alice(), Duration::ZERO);
    assert_eq!(bench.users.users(), 0);
    let start = now();
    assert!(bench.fail().await.is_ok());
    assert_eq!(now(), start);
}

#[tokio::test(start_paused = true)]
async fn lockout_off_has_no_delay() {
    let bench = UserFixture::with(None, MANY, 1_000);
    let start = now();
    for _ in 0..1_000 {
        assert_eq!(bench.fail().await, Ok(false));
    }
    assert_eq!(now(), start, "no delay");
}

#[tokio::test(start_paused = true)]
async fn t25_flood_of_names_is_bounded_and_evicts_no_attacked_user() {
    let bench = UserFixture::with(Some(Lockout::default()), MANY, 1_000);
    bench.fail_times(30).await;
    tokio::time::advance(seconds(10)).await;
    let under_way = bench.enter(&bench.guess()).await.unwrap();
    for number in 0..20_000 {
        let name = named(&format!("user{number}"));
        let entry = bench.enter_as([name], &bench.guess(), now() + seconds(20)).await.unwrap();
        bench.refuse(entry);
    }
    assert!(bench.users.users() <= 1_001, "{}", bench.users.users());
    bench.refuse(under_way);
    assert_eq!(bench.fail().await.unwrap_err(), UserDenial::TooEarly(seconds(10)));
}

#[tokio::test(start_paused = true)]
async fn fifth_guess_in_15_minutes_is_refused() {
    let bench = UserFixture::with(None, AttemptLimit::default(), 1_000);
    for _ in 0..4 {
        assert_eq!(bench.fail().await, Ok(false));
    }
    assert_eq!(bench.fail().await, Err(UserDenial::TooMany(seconds(900))));
    tokio::time::advance(seconds(900)).await;
    bench.fail_times(4).await;
    bench.accept(
        bench.users.arrive([alice()]).enter(&at_home(&bench.tuple("right")), true, now()).await.unwrap(),
    );
    assert_eq!(bench.fail().await, Ok(false), "a right password clears the record");
}

#[tokio::test(start_paused = true)]
async fn attempts_without_an_answer_are_no_failures() {
    let bench = UserFixture::with(None, AttemptLimit::default(), 1_000);
    let mut under_way = Vec::new();
    for _ in 0..4 {
        under_way.push(bench.enter(&bench.guess()).await.unwrap());
    }
    let start = now();
    assert_eq!(bench.enter(&bench.guess()).await.unwrap_err(), UserDenial::Unanswered);
    assert_eq!(now() - start, MAX_INLINE_WAIT, "one of them might have ended");
    drop(under_way);
    assert_eq!(bench.users.users(), 0);
    for _ in 0..4 {
        bench.enter(&bench.guess()).await.unwrap().unjudged(true);
    }
    assert_eq!(bench.enter(&bench.guess()).await.unwrap_err(), UserDenial::Unanswered);
}

#[tokio::test(start_paused = true)]
async fn unjudged_passwords_end_cached_answers() {
    let bench = UserFixture::with(None, AttemptLimit::default(), 1_000);
    for _ in 0..4 {
        let entry = bench.enter(&bench.guess()).await.unwrap();
        assert!(entry.may_recall());
        entry.unjudged(false);
    }
    assert!(!bench.users.is_quiet("alice"));
    for _ in 0..1_000 {
        let entry = bench.enter(&bench.guess()).await.unwrap();
        assert!(!entry.may_recall());
        entry.unjudged(false);
    }
    tokio::time::advance(seconds(900)).await;
    drop(bench.enter(&bench.guess()).await.unwrap());
    assert!(bench.users.is_quiet("alice"));
}

#[tokio::test(start_paused = true)]
async fn smaller_number_in_a_row_locks_earlier() {
    let bench = UserFixture::new();
    let rule = |max, exempt: Option<&str>| Some(ConsecutiveFailures { max, exempt: exempt.map(named) });
    bench.users.set_in_a_row(rule(3, Some("root")));
    bench.fail_times(3).await;
    assert_eq!(bench.fail().await, Err(UserDenial::LockedByRule));
    // The user whom the rule never locks, as long as it is that one.
    bench.users.set_in_a_row(rule(3, Some("alice")));
    assert_eq!(bench.fail().await, Ok(false));
    bench.users.set_in_a_row(rule(3, None));
    assert_eq!(bench.fail().await, Err(UserDenial::LockedByRule));
    bench.users.set_in_a_row(None);
    assert_eq!(bench.fail().await, Ok(false));
    // A lock by the settings is reported as that.
    bench.users.set_in_a_row(rule(1_000, None));
    bench.fail_times(96).await;
    assert!(matches!(bench.fail().await, Err(UserDenial::Locked(_))));
}

#[tokio::test(start_paused = true)]
async fn failures_of_another_process_count() {
    let bench = UserFixture::with(Some(Lockout::default()), AttemptLimit::default(), 1_000);
    for minutes in [60, 14, 10, 5, 1] {
        bench.users.report_failure(hash(&bench), SourceHash::new(2), seconds(minutes * 60));
    }
    assert!(!bench.users.is_quiet("alice") && bench.users.is_quiet("bob"));
    assert_eq!(bench.fail().await, Err(UserDenial::TooMany(seconds(60))));
    bench.users.unlock(&alice(), Duration::ZERO);
    assert_eq!(bench.fail().await, Ok(false));
    bench.users.unlock(&alice(), Duration::ZERO);
    // A sign-in elsewhere ends what was counted before it, here and there.
    bench.fail_times(3).await;
    bench.users.report_sign_in(hash(&bench), SourceHash::new(2), Duration::ZERO);
    bench.users.report_sign_in(hash(&bench), SourceHash::new(1), Duration::ZERO);
    bench.fail_times(4).await;
    assert!(matches!(bench.fail().await, Err(UserDenial::TooMany(_))));
    // One in another network does not.
    bench.users.report_sign_in(hash(&bench), SourceHash::new(2), Duration::ZERO);
    assert!(matches!(bench.fail().await, Err(UserDenial::TooMany(_))));
}
