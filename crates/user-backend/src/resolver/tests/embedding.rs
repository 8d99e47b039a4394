//! What programs around the resolver rely on: proofs that are kept, fakes, warnings.

use super::*;
use crate::resolver::NotAuthenticated;

#[tokio::test]
async fn kept_proof_counts_until_invalidated() {
    let server = SwitchedServer::new("mail").with("alice", "a").with("bob", "b");
    let resolver = server.alone(BackendPolicy { canary: false, ..BackendPolicy::default() });
    let sign_in = async |name: &str, password: &str| {
        resolver.authenticate(Credentials::new(name, password)).await.into_result().unwrap()
    };
    let (alice, bob) = (sign_in("alice", "a").await, sign_in("bob", "b").await);
    let cached = sign_in("alice", "a").await;
    assert!(matches!(cached.freshness(), Freshness::Cached { .. }));
    assert!([&alice, &bob, &cached].into_iter().all(|proof| resolver.still_counts(proof)));
    resolver.invalidate_user(alice.name());
    assert!(!resolver.still_counts(&alice) && !resolver.still_counts(&cached));
    assert!(resolver.still_counts(&bob), "another user");
    let again = sign_in("alice", "a").await;
    assert!(resolver.still_counts(&again) && !resolver.still_counts(&alice));
    resolver.invalidate_backend(&BackendId::parse("mail").unwrap());
    assert!(!resolver.still_counts(&again) && !resolver.still_counts(&bob));
    let bob = sign_in("bob", "b").await;
    resolver.invalidate_all();
    assert!(!resolver.still_counts(&bob));
}

#[tokio::test]
async fn proof_ends_with_its_backend() {
    let (mail, files) = (SwitchedServer::new("mail").with("alice", "a"), SwitchedServer::new("files"));
    let resolver = mail.alone(BackendPolicy { canary: false, ..BackendPolicy::default() });
    let proof = resolver.authenticate(Credentials::new("alice", "a")).await.into_result().unwrap();
    let with = |server: &SwitchedServer| {
        let policy = BackendPolicy { canary: false, ..BackendPolicy::default() };
        Resolver::builder().backend_with(Arc::new(server.clone()), policy, DomainRules::none())
    };
    resolver.replace(with(&files)).await.unwrap();
    assert!(!resolver.still_counts(&proof), "its backend is gone");
    resolver.replace(with(&mail)).await.unwrap();
    assert!(!resolver.still_counts(&proof), "it was gone in between");
}

#[tokio::test]
async fn proof_of_another_resolver_never_counts() {
    let server = SwitchedServer::new("mail").with("alice", "a");
    let policy = BackendPolicy { canary: false, ..BackendPolicy::default() };
    let (one, other) = (server.alone(policy.clone()), server.alone(policy));
    let proof = one.authenticate(Credentials::new("alice", "a")).await.into_result().unwrap();
    assert!(one.still_counts(&proof) && one.clone().still_counts(&proof));
    assert!(!other.still_counts(&proof));
}

#[tokio::test]
async fn fixed_outcome_is_the_answer_to_every_attempt() {
    let retry_after = Duration::from_secs(7);
    for outcome in [
        NotAuthenticated::Refused(Rejection::BadCredentials),
        NotAuthenticated::Throttled { limit: GuessLimit::PerSource, retry_after },
        NotAuthenticated::Unavailable { retry_after },
    ] {
        let resolver = Resolver::with_fixed_outcome(outcome).unwrap();
        for name in ["alice", "alice", ""] {
            let answer = resolver.authenticate(Credentials::new(name, "Wonderland-1")).await;
            assert_eq!(answer.into_result(), Err(outcome), "{name:?}");
        }
    }
}

#[tokio::test]
async fn shared_backend_can_have_an_outage() {
    let backend = Arc::new(StaticBackend::new("people").unwrap().with_user("alice", "a"));
    let resolver = Resolver::builder().backend(Arc::clone(&backend)).build().unwrap();
    for (is_available, status) in [(false, 503), (true, 200)] {
        backend.set_available(is_available);
        let answer = resolver.authenticate(Credentials::new("alice", "a")).await;
        assert_eq!(answer.outcome.status(), status);
    }
    assert_eq!(backend.attempts(), 2);
}

/// Log lines of everything that one thread does.
fn logged(work: impl FnOnce()) -> String {
    let log = Arc::new(Mutex::new(Vec::new()));
    let writer = Arc::clone(&log);
    let subscriber =
        tracing_subscriber::fmt().with_ansi(false).with_writer(move || Writer(Arc::clone(&writer)));
    tracing::subscriber::with_default(subscriber.finish(), work);
    String::from_utf8(log.lock().unwrap().clone()).unwrap()
}

struct Writer(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn missing_client_address_is_reported_once() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let warnings = |credentials: fn() -> Credentials<'static>| {
        let resolver =
            SwitchedServer::new("mail").alone(BackendPolicy { canary: false, ..BackendPolicy::default() });
        let log = logged(|| {
            for _ in 0..2 {
                let _ = runtime.block_on(resolver.authenticate(credentials()));
            }
        });
        log.matches("without a client address").count()
    };
    assert_eq!(warnings(|| Credentials::new("alice", "x")), 1);
    assert_eq!(warnings(|| Credentials::new("alice", "x").from_source([203, 0, 113, 7].into())), 0);
    assert_eq!(warnings(|| Credentials::new("alice", "x").without_source()), 0);
}

#[test]
fn attempt_outside_of_a_runtime_panics_and_memory_does_not() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let resolver = SwitchedServer::new("mail")
        .with("alice", "a")
        .alone(BackendPolicy { canary: false, ..BackendPolicy::default() });
    let answer = runtime.block_on(resolver.authenticate(Credentials::new("alice", "a")));
    assert!(answer.authenticated().is_some());
    drop(runtime);
    let outside = |password: &'static str| {
        let resolver = resolver.clone();
        std::thread::spawn(move || {
            let mut attempt = std::pin::pin!(resolver.authenticate(Credentials::new("alice", password)));
            attempt.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_ready()
        })
        .join()
    };
    assert!(outside("a").unwrap(), "answered from memory");
    assert!(outside("b").is_err(), "a backend has to be asked");
}
