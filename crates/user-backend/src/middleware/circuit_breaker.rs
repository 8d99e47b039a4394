//! Stops asking a backend that cannot be reached, and notices when it is back.
//!
//! After [`FAILURES`] failures in a row the breaker opens: attempts are answered "unavailable" at
//! once, so a dead server costs no attempt any time. After a pause one attempt is let through; if
//! it fails the pause doubles, up to [`MAX_BACKOFF`], with jitter so that several processes do not
//! come back at the same moment. If it succeeds the breaker closes.
//!
//! What counts is whether the server could be reached and answered: a rejection is a sign of
//! health, a misconfiguration is not an outage, and an odd reply to one name or password says
//! nothing about the next user. Otherwise an attacker could open the breaker for all users with one
//! name that the server cannot handle.
//!
//! Order: directly around the backend, inside the [limit](super::concurrency_limit): an attempt
//! that gets no permit says something about this program, not about the server. An open breaker
//! answers at once, so no attempt keeps a permit for long. Cancellation: a cancelled trial attempt
//! counts as neither; the next one may try.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::secret::fill_random;
use crate::verdict::{Rejection, Verdict};

/// This many failures in a row open the breaker.
pub const FAILURES: u32 = 5;

/// The first pause.
pub const INITIAL_BACKOFF: Duration = Duration::from_secs(1);

/// The pause never grows beyond this.
pub const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// See the [module](self).
#[derive(Debug)]
pub struct CircuitBreaker {
    inner: Arc<dyn UserBackend>,
    state: Mutex<BreakerState>,
}

#[derive(Debug, Default)]
struct BreakerState {
    failures: u32,
    pause: Duration,
    /// Closed while `None`; no attempt passes before this time.
    open_until: Option<Instant>,
    /// One attempt is finding out whether the server is back.
    trial: bool,
    /// How often it opened.
    openings: u64,
}

impl CircuitBreaker {
    /// A closed breaker around `inner`.
    pub fn new(inner: Arc<dyn UserBackend>) -> Self {
        Self { inner, state: Mutex::default() }
    }

    /// Whether attempts are answered without asking, at this moment.
    pub fn is_open(&self) -> bool {
        let state = self.lock();
        state.open_until.is_some_and(|until| state.trial || now() < until)
    }

    /// How often it opened so far: how many outages there were.
    pub(crate) fn openings(&self) -> u64 {
        self.lock().openings
    }

    /// Lets an attempt through, or says how long it is until the next one may try.
    fn admit(&self) -> Result<HalfOpenProbe<'_>, Duration> {
        let mut state = self.lock();
        let Some(until) = state.open_until else {
            return Ok(HalfOpenProbe { breaker: self, is_trial: false });
        };
        let left = until.saturating_duration_since(now());
        if state.trial || !left.is_zero() {
            return Err(left.max(Duration::from_millis(100)));
        }
        state.trial = true;
        Ok(HalfOpenProbe { breaker: self, is_trial: true })
    }

    /// The server answered: the outage is over.
    fn close(&self) {
        let mut state = self.lock();
        *state = BreakerState { trial: state.trial, openings: state.openings, ..BreakerState::default() };
    }

    /// The server could not be reached.
    ///
    /// While the breaker is open only the trial counts: attempts that were let through before know
    /// nothing new, and the pause doubles once per trial, not once per person who was waiting.
    fn count(&self, is_trial: bool) {
        let mut state = self.lock();
        if state.open_until.is_some() && !is_trial {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= FAILURES {
            let pause = if state.pause.is_zero() { INITIAL_BACKOFF } else { state.pause * 2 };
            state.pause = pause.min(MAX_BACKOFF);
            state.openings += u64::from(state.open_until.is_none());
            state.open_until = Some(now() + jitter(state.pause));
        }
    }

    fn lock(&self) -> MutexGuard<'_, BreakerState> {
        // Every state is a valid one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An attempt that was let through.
///
/// Gives the place of the trial back when it ends, however it ends.
struct HalfOpenProbe<'a> {
    breaker: &'a CircuitBreaker,
    is_trial: bool,
}

impl Drop for HalfOpenProbe<'_> {
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.lock().trial = false;
        }
    }
}

/// Between the pause and a quarter more.
pub(crate) fn jitter(pause: Duration) -> Duration {
    let mut byte = [0_u8];
    // Without randomness the pause is as long as it is.
    let _ = fill_random(&mut byte);
    let [byte] = byte;
    pause + pause / 4 * u32::from(byte) / 255
}

impl fmt::Display for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "breaker({})", self.inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for CircuitBreaker {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let trial = self.admit().map_err(|left| {
            let text = format!(
                "not asked, it failed several times in a row; next try in {} s",
                left.as_secs_f32().ceil()
            );
            BackendError::unavailable(Phase::Connect, text).with_backend(self.inner.id())
        })?;
        let answer = self.inner.authenticate(attempt).await;
        match &answer {
            // The backend was not asked: no new information.
            Ok(Verdict::NotMine | Verdict::Rejected(Rejection::PolicyDenied)) => {}
            // Nor about a server whose name cannot be resolved: a machine without a network
            // resolves none.
            Err(error) if !error.is_transient() && error.phase() == Phase::Resolve => {}
            Ok(_) => self.close(),
            Err(error) if !error.is_transient() => self.close(),
            // It was reached and greeted. Its decision about one user, and how long it takes for
            // a wrong password, says nothing about the next person.
            Err(error) if error.phase() == Phase::Login => {}
            Err(_) => self.count(trial.is_trial),
        }
        answer
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        // An operator's check is not delayed; a good answer closes the breaker.
        let answer = self.inner.probe(deadline).await;
        if answer.is_ok() {
            self.close();
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::identity::LoginName;
    use crate::secret::Password;

    /// Answers as configured, and counts.
    #[derive(Debug)]
    struct ScriptedBackend {
        id: BackendId,
        healthy: std::sync::atomic::AtomicBool,
        stumbles: std::sync::atomic::AtomicBool,
        asked: AtomicU32,
    }

    impl fmt::Display for ScriptedBackend {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("scripted")
        }
    }

    #[async_trait]
    impl UserBackend for ScriptedBackend {
        fn id(&self) -> &BackendId {
            &self.id
        }
        async fn authenticate(&self, _: &Attempt<'_>) -> Result<Verdict, BackendError> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            if self.stumbles.load(Ordering::SeqCst) {
                Err(BackendError::protocol(Phase::Login, "500 to PASS"))
            } else if self.healthy.load(Ordering::SeqCst) {
                Ok(Verdict::Rejected(Rejection::BadCredentials))
            } else {
                Err(BackendError::unavailable(Phase::Connect, "down"))
            }
        }
        async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
            Ok(Probe::of(None))
        }
    }

    struct BreakerFixture {
        scripted: Arc<ScriptedBackend>,
        breaker: CircuitBreaker,
        name: LoginName,
        password: Password,
    }

    impl BreakerFixture {
        fn new(healthy: bool) -> Self {
            let id = BackendId::parse("scripted").unwrap();
            let scripted = Arc::new(ScriptedBackend {
                id,
                healthy: healthy.into(),
                stumbles: false.into(),
                asked: AtomicU32::new(0),
            });
            Self {
                breaker: CircuitBreaker::new(Arc::clone(&scripted) as Arc<dyn UserBackend>),
                scripted,
                name: LoginName::parse("alice").unwrap(),
                password: Password::parse("secret").unwrap(),
            }
        }

        async fn ask(&self) -> Result<Verdict, BackendError> {
            let deadline = now() + Duration::from_secs(5);
            self.breaker.authenticate(&Attempt::new(&self.name, &self.password, deadline)).await
        }

        async fn ask_times(&self, times: u32) -> u32 {
            let before = self.scripted.asked.load(Ordering::SeqCst);
            for _ in 0..times {
                let _ = self.ask().await;
            }
            self.scripted.asked.load(Ordering::SeqCst) - before
        }
    }

    #[tokio::test(start_paused = true)]
    async fn t23_dead_server_is_left_alone_and_found_again() {
        let bench = BreakerFixture::new(false);
        assert_eq!(bench.ask_times(20).await, FAILURES);
        assert!(bench.breaker.is_open());
        let text = bench.ask().await.unwrap_err().to_string();
        assert!(text.starts_with("backend \"scripted\" unavailable during connect: not asked"), "{text}");
        // The pauses double: at most one trial each.
        tokio::time::advance(INITIAL_BACKOFF * 2).await;
        assert_eq!(bench.ask_times(5).await, 1);
        tokio::time::advance(INITIAL_BACKOFF).await;
        assert_eq!(bench.ask_times(5).await, 0);
        tokio::time::advance(INITIAL_BACKOFF * 2).await;
        bench.scripted.healthy.store(true, Ordering::SeqCst);
        assert_eq!(bench.ask_times(5).await, 5);
        assert!(!bench.breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn rejection_is_a_sign_of_health() {
        let bench = BreakerFixture::new(true);
        assert_eq!(bench.ask_times(100).await, 100);
        bench.scripted.healthy.store(false, Ordering::SeqCst);
        assert_eq!(bench.ask_times(FAILURES - 1).await, FAILURES - 1);
        bench.scripted.healthy.store(true, Ordering::SeqCst);
        assert_eq!(bench.ask_times(1).await, 1);
        bench.scripted.healthy.store(false, Ordering::SeqCst);
        assert_eq!(bench.ask_times(FAILURES - 1).await, FAILURES - 1);
        assert!(!bench.breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn failures_of_one_name_keep_the_breaker_closed() {
        let bench = BreakerFixture::new(true);
        bench.scripted.stumbles.store(true, Ordering::SeqCst);
        assert_eq!(bench.ask_times(100).await, 100);
        assert!(!bench.breaker.is_open());
    }

    #[tokio::test(start_paused = true)]
    async fn concurrent_failures_make_one_backoff() {
        let bench = BreakerFixture::new(false);
        let mut crowd: Vec<_> = (0..16).map(|_| Box::pin(bench.ask())).collect();
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        for one in &mut crowd {
            assert!(one.as_mut().poll(&mut context).is_pending());
        }
        for one in crowd {
            assert!(one.await.is_err());
        }
        tokio::time::advance(INITIAL_BACKOFF * 2).await;
        assert_eq!(bench.ask_times(1).await, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn abandoned_probe_frees_the_breaker() {
        let bench = BreakerFixture::new(false);
        bench.ask_times(FAILURES).await;
        tokio::time::advance(INITIAL_BACKOFF * 2).await;
        {
            let mut trial = std::pin::pin!(bench.ask());
            let polled = trial.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            assert!(polled.is_pending());
            assert_eq!(bench.ask_times(1).await, 0);
        }
        bench.scripted.healthy.store(true, Ordering::SeqCst);
        assert!(bench.ask().await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn pause_has_an_end() {
        let bench = BreakerFixture::new(false);
        for _ in 0..20 {
            bench.ask_times(FAILURES).await;
            tokio::time::advance(MAX_BACKOFF * 2).await;
        }
        bench.scripted.healthy.store(true, Ordering::SeqCst);
        assert!(bench.ask().await.is_ok());
    }

    use std::future::Future;
}
