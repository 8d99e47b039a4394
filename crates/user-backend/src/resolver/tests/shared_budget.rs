//! Several servers share one limit per backend and user.

use zeroize::Zeroizing;

use super::*;
use crate::brute_force::{
    AttemptLimit, BudgetEntry, BudgetReply, BudgetResult, SharedBudget, SharedBudgetError, SourceHash,
    UserHash, UserHashKey,
};
use crate::clock::now;

/// The entries of one backend and user: number, time, and the network of a wrong password.
type RecordedFailures = Vec<(i64, Instant, Option<SourceHash>)>;

/// A record that several resolvers share, and that may fail.
#[derive(Clone, Debug, Default)]
struct SiteRecord {
    entries: Arc<Mutex<HashMap<(BackendId, UserHash), RecordedFailures>>>,
    next: Arc<Mutex<i64>>,
    fails: Arc<AtomicBool>,
}

impl SiteRecord {
    fn check(&self) -> Result<(), SharedBudgetError> {
        match self.fails.load(Ordering::SeqCst) {
            true => Err(SharedBudgetError::new("disk full")),
            false => Ok(()),
        }
    }

    /// How many entries there are, and how many of them are wrong passwords.
    fn count(&self) -> (usize, usize) {
        let entries = self.entries.lock().unwrap();
        let all = || entries.values().flatten();
        (all().count(), all().filter(|(.., wrong)| wrong.is_some()).count())
    }
}

#[async_trait]
impl SharedBudget for SiteRecord {
    async fn reserve(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, SharedBudgetError> {
        self.check()?;
        let mut entries = self.entries.lock().unwrap();
        let entries = entries.entry((backend.clone(), *user)).or_default();
        entries.retain(|(_, at, _)| now().duration_since(*at) < limit.per);
        let max = usize::try_from(limit.failures).unwrap();
        if entries.len() >= max {
            let wrong = entries.iter().filter(|(.., wrong)| wrong.is_some()).count();
            return Ok(match wrong >= max {
                true => BudgetReply::ReachedByFailures(limit.per - now().duration_since(entries[0].1)),
                false => BudgetReply::ReachedByUnanswered,
            });
        }
        let mut next = self.next.lock().unwrap();
        *next += 1;
        entries.push((*next, now(), None));
        Ok(BudgetReply::Reserved(BudgetEntry::new(*next)))
    }

    async fn settle(
        &self,
        backend: &BackendId,
        user: &UserHash,
        entry: BudgetEntry,
        result: BudgetResult,
    ) -> Result<(), SharedBudgetError> {
        self.check()?;
        let mut entries = self.entries.lock().unwrap();
        let entries = entries.entry((backend.clone(), *user)).or_default();
        match result {
            BudgetResult::Right(source) => {
                let began = entries.iter().find(|(number, ..)| *number == entry.number).map(|(_, at, _)| *at);
                entries.retain(|(number, at, wrong)| {
                    *number != entry.number
                        && (*wrong != Some(source) || began.is_some_and(|began| *at > began))
                });
            }
            BudgetResult::Nothing => entries.retain(|(number, ..)| *number != entry.number),
            BudgetResult::Wrong(source) => {
                for wrong in entries.iter_mut().filter(|(number, ..)| *number == entry.number) {
                    *wrong = (entry.number, now(), Some(source));
                }
            }
        }
        Ok(())
    }
}

fn key() -> UserHashKey {
    UserHashKey::new(Zeroizing::new([7; 32]))
}

/// A server of the site, whose own limits per user let every guess through.
fn site_server(server: &SwitchedServer, record: &SiteRecord) -> Resolver {
    Resolver::builder()
        .backend_with(Arc::new(server.clone()), BackendPolicy::default(), DomainRules::none())
        .lock(None)
        .shared_budget(Arc::new(record.clone()), key())
        .build()
        .unwrap()
}

#[tokio::test(start_paused = true)]
async fn guesses_at_several_servers_reach_the_backend_four_times() {
    let (server, record) = (SwitchedServer::new("mail").with("alice", "right"), SiteRecord::default());
    let site: Vec<_> = (0..5).map(|_| site_server(&server, &record)).collect();
    for round in 0..4 {
        for (number, resolver) in site.iter().enumerate() {
            let answer = sign_in(resolver, "alice", &format!("guess {round} {number}")).await;
            assert!(answer.authenticated().is_none());
            tokio::time::advance(Duration::from_secs(5)).await;
        }
    }
    assert_eq!(server.seen().len(), 4);
    let answer = sign_in(&site[4], "alice", "right").await;
    let Outcome::Throttled { limit: GuessLimit::PerBackendUser, retry_after } = answer.outcome else {
        panic!("{answer:?}")
    };
    assert_eq!(retry_after, Duration::from_secs(15 * 60 - 20 * 5));
    tokio::time::advance(retry_after).await;
    assert!(sign_in(&site[4], "alice", "right").await.authenticated().is_some());
    assert_eq!(record.count(), (0, 0), "a right password ends what was counted");
}

#[tokio::test(start_paused = true)]
async fn right_password_keeps_guesses_from_elsewhere_at_the_site() {
    let (server, record) = (SwitchedServer::new("mail").with("alice", "right"), SiteRecord::default());
    let site: Vec<_> = (0..2).map(|_| site_server(&server, &record)).collect();
    for number in 0..10 {
        let source = format!("198.51.100.{number}");
        let guess = sign_in_from(&site[0], &source, "alice", &format!("guess {number}")).await;
        assert!(guess.authenticated().is_none());
        let owner = sign_in_from(&site[1], "203.0.113.7", "alice", "right").await;
        assert!(owner.authenticated().is_some(), "{}", owner.trace);
        tokio::time::advance(BackendPolicy::default().cache_accepted.min(Duration::from_secs(60))).await;
    }
    let guesses = server.seen().iter().filter(|(_, password)| password.starts_with("guess")).count();
    assert_eq!((guesses, record.count()), (4, (4, 4)));
}

#[tokio::test(start_paused = true)]
async fn outage_and_unknown_user_cost_nothing_at_the_site() {
    let (server, record) = (SwitchedServer::new("mail").with("alice", "right"), SiteRecord::default());
    let resolver = site_server(&server, &record);
    server.down(true);
    for number in 0..10 {
        let answer = sign_in(&resolver, "alice", &format!("guess {number}")).await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    assert_eq!(record.count(), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn password_without_an_answer_counts_once_at_the_site() {
    let record = SiteRecord::default();
    let gate = Arc::new(Semaphore::new(0));
    let silent = Gated {
        id: BackendId::parse("gated").unwrap(),
        gate: Arc::clone(&gate),
        arrived: Arc::new(Semaphore::new(0)),
        panics: Mutex::new(0),
    };
    let resolver = Resolver::builder()
        .backend(silent)
        .lock(None)
        .shared_budget(Arc::new(record.clone()), key())
        .build()
        .unwrap();
    for _ in 0..3 {
        let answer = sign_in(&resolver, "alice", "right").await;
        assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
        assert_eq!(record.count(), (1, 0));
        tokio::time::advance(Duration::from_secs(60)).await;
    }
    let answer = sign_in(&resolver, "alice", "another").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert_eq!(record.count(), (2, 0), "another password is another guess");
    tokio::time::advance(Duration::from_secs(60)).await;
    gate.add_permits(1);
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
    assert_eq!(record.count(), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn failed_shared_record_asks_no_backend() {
    let (server, record) = (SwitchedServer::new("mail").with("alice", "right"), SiteRecord::default());
    let resolver = site_server(&server, &record);
    record.fails.store(true, Ordering::SeqCst);
    let answer = sign_in(&resolver, "alice", "right").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{answer:?}");
    assert_eq!(server.seen().len(), 0);
    assert_eq!(answer.trace.ended_by, EndReason::LimitsUnavailable);
    assert!(answer.trace.to_string().contains("disk full"), "{}", answer.trace);
    record.fails.store(false, Ordering::SeqCst);
    assert!(sign_in(&resolver, "alice", "right").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn refused_proven_credentials_pass_the_site_limit_and_count() {
    let (server, record) = (SwitchedServer::new("mail").with("alice", "right"), SiteRecord::default());
    let [home, other] = [site_server(&server, &record), site_server(&server, &record)];
    assert!(sign_in(&home, "alice", "right").await.authenticated().is_some());
    tokio::time::advance(BackendPolicy::default().cache_accepted).await;
    for number in 0..6 {
        assert!(sign_in(&other, "alice", &format!("guess {number}")).await.authenticated().is_none());
        tokio::time::advance(Duration::from_secs(2)).await;
    }
    assert_eq!(record.count(), (4, 4));
    server.set("alice", "new");
    let answer = sign_in(&home, "alice", "right").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(record.count(), (5, 5));
}
