//! The checks that every [`UserBackend`] must pass (feature `conformance`).
//!
//! Give [`check`] a backend, a user it knows and the time for one attempt; it returns every promise
//! that was broken. Run it against a real server, not against a mock. A run costs the known user
//! about a dozen failed logins: use a test account on a server without lock-out.
//!
//! ```
//! # use user_backend::{StaticBackend, conformance::{self, TestUser}};
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let backend = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
//! conformance::check(&backend, &TestUser::new("alice", "Wonderland-1")?).await?;
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use thiserror::Error;

use crate::backend::{Attempt, UserBackend};
use crate::clock::now;
use crate::error::{BackendError, Phase};
use crate::identity::{CanonicalName, LoginName, NameError};
use crate::secret::{Password, PasswordError, random_hex};
use crate::verdict::Verdict;

/// A user whom the backend accepts.
#[derive(Clone, Debug)]
pub struct TestUser {
    name: LoginName,
    password: Password,
    time: Duration,
    known_as: CanonicalName,
}

impl TestUser {
    /// A user with the right password.
    ///
    /// # Errors
    /// [`InvalidTestUser`] if the name or the password is invalid.
    pub fn new(name: &str, password: &str) -> Result<Self, InvalidTestUser> {
        let (name, password) = (LoginName::parse(name)?, Password::parse(password)?);
        let known_as = name.canonical().clone();
        Ok(Self { name, password, time: Duration::from_secs(15), known_as })
    }

    /// The name by which the backend knows this user (default: the canonical typed name).
    ///
    /// An acceptance under any other name is a broken promise.
    ///
    /// # Errors
    /// [`InvalidTestUser`] if the name is invalid.
    pub fn known_as(mut self, name: &str) -> Result<Self, InvalidTestUser> {
        self.known_as = CanonicalName::parse(name)?;
        Ok(self)
    }

    /// Sets the time limit of one attempt (default 15 s).
    #[must_use]
    pub fn with_time(mut self, time: Duration) -> Self {
        self.time = time;
        self
    }
}

/// The name or the password of the test user is invalid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum InvalidTestUser {
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The password is invalid.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

/// The promises that a backend broke.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub struct ConformanceFailure(Vec<String>);

impl ConformanceFailure {
    /// One sentence per broken promise.
    pub fn promises(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for ConformanceFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken: {}", self.0.len(), self.0.join("; "))
    }
}

/// Checks every promise of [`UserBackend`].
///
/// # Errors
/// [`ConformanceFailure`] lists the promises that were not kept.
///
/// # Cancellation
/// Safe.
pub async fn check(backend: &dyn UserBackend, known: &TestUser) -> Result<(), ConformanceFailure> {
    let mut suite = Suite { backend, known, broken: Vec::new(), blocked: Default::default() };
    suite.nothing_waits_for_ever().await;
    if !suite.broken.is_empty() {
        // Every other check would wait as long.
        return Err(ConformanceFailure(suite.broken));
    }
    suite.right_is_accepted().await;
    suite.wrong_is_rejected().await;
    suite.unknown_users_are_rejected().await;
    suite.letter_case_makes_no_second_user().await;
    suite.attempts_do_not_mix().await;
    suite.giving_up_breaks_nothing().await;
    suite.a_passed_deadline_ends_the_attempt().await;
    suite.the_probe_answers().await;
    suite.no_output_contains_the_password();
    suite.nothing_blocks_the_thread();
    if suite.broken.is_empty() { Ok(()) } else { Err(ConformanceFailure(suite.broken)) }
}

struct Suite<'a> {
    backend: &'a dyn UserBackend,
    known: &'a TestUser,
    broken: Vec<String>,
    blocked: Blocked,
}

/// How long attempts block their thread.
///
/// The longest poll of the attempt with the shortest one, in milliseconds, for right and for wrong
/// passwords. A backend that blocks does it every time; a busy machine does not.
#[derive(Debug)]
struct Blocked {
    right: AtomicU64,
    wrong: AtomicU64,
}

impl Default for Blocked {
    fn default() -> Self {
        Self { right: AtomicU64::new(u64::MAX), wrong: AtomicU64::new(u64::MAX) }
    }
}

/// A poll that takes longer blocks the thread and everything else on it.
const LONGEST_POLL: Duration = Duration::from_millis(250);

/// How much longer than its deadline an attempt may take before it counts as hanging.
const DEADLINE_TOLERANCE: Duration = Duration::from_secs(5);

impl Suite<'_> {
    async fn ask(&self, name: &LoginName, password: &Password) -> Result<Verdict, BackendError> {
        let attempt = Attempt::new(name, password, now() + self.known.time);
        self.ask_until_end(&attempt)
            .await
            .unwrap_or_else(|| Err(BackendError::timed_out(Phase::Login).with_backend(self.backend.id())))
    }

    /// `None`: it runs long after its deadline.
    async fn ask_until_end(&self, attempt: &Attempt<'_>) -> Option<Result<Verdict, BackendError>> {
        let limit = self.known.time + DEADLINE_TOLERANCE;
        let mut answer = Timed { work: self.backend.authenticate(attempt), longest: 0 };
        let found = tokio::time::timeout(limit, &mut answer).await.ok();
        let is_right = attempt.password.expose() == self.known.password.expose()
            && CanonicalName::parse(attempt.upstream_name).as_ref() == Ok(self.known.name.canonical());
        let shortest = if is_right { &self.blocked.right } else { &self.blocked.wrong };
        shortest.fetch_min(answer.longest, Ordering::Relaxed);
        found
    }

    async fn nothing_waits_for_ever(&mut self) {
        let attempt = Attempt::new(&self.known.name, &self.known.password, now() + self.known.time);
        if self.ask_until_end(&attempt).await.is_none() {
            self.broken.push("an attempt ends at its deadline, found: it goes on".to_owned());
        }
    }

    fn nothing_blocks_the_thread(&mut self) {
        for shortest in
            [&self.blocked.right, &self.blocked.wrong].map(|shortest| shortest.load(Ordering::Relaxed))
        {
            if shortest != u64::MAX && u128::from(shortest) > LONGEST_POLL.as_millis() {
                self.broken.push(format!(
                    "an attempt does not block its thread, found: {shortest} ms without a pause; use async I/O or \
                     tokio::task::spawn_blocking"
                ));
                return;
            }
        }
    }

    async fn ask_right(&self) -> Result<Verdict, BackendError> {
        self.ask(&self.known.name, &self.known.password).await
    }

    fn expect(&mut self, promise: &str, kept: bool, found: &Result<Verdict, BackendError>) {
        let found = match found {
            Ok(Verdict::Accepted(identity)) => format!("accepted as {}", identity.name()),
            Ok(verdict) => format!("{verdict:?}"),
            Err(error) => {
                if let Some(other) = error.backend().filter(|id| *id != self.backend.id()) {
                    self.broken.push(format!("an error names the backend {other}"));
                }
                self.keeps_secret("an error", &format!("{error} {error:?}"));
                error.to_string()
            }
        };
        if !kept {
            self.broken.push(format!("{promise}, found: {found}"));
        }
    }

    fn keeps_secret(&mut self, what: &str, text: &str) {
        if text.contains(self.known.password.expose()) {
            self.broken.push(format!("{what} shows the password"));
        }
    }

    async fn right_is_accepted(&mut self) {
        // Twice: what was learnt from the first must not spoil the second.
        for _ in 0..2 {
            let found = self.ask_right().await;
            self.expect("the right password is accepted", matches!(found, Ok(Verdict::Accepted(_))), &found);
            if let Ok(Verdict::Accepted(identity)) = &found {
                let promise = format!("accepted is who was asked for, {}", self.known.known_as);
                self.expect(&promise, *identity.name() == self.known.known_as, &found);
            }
        }
    }

    async fn wrong_is_rejected(&mut self) {
        let right = self.known.password.expose();
        let mut wrong = vec![format!("{right}x"), format!("x{right}"), format!("{right} "), right.repeat(2)];
        wrong.extend([swap_case(right), random_hex::<8>().unwrap_or_default()]);
        let mut shorter = right.to_owned();
        shorter.pop();
        wrong.push(shorter);
        for wrong in wrong.into_iter().filter(|wrong| wrong != right) {
            let Ok(wrong) = Password::parse(wrong) else { continue };
            let found = self.ask(&self.known.name, &wrong).await;
            self.expect("a wrong password is rejected", matches!(found, Ok(Verdict::Rejected(_))), &found);
        }
    }

    async fn unknown_users_are_rejected(&mut self) {
        let domain = self.known.name.canonical().split_domain().map(|(_, domain)| format!("@{domain}"));
        let unknown_user =
            format!("nobody-{}{}", random_hex::<6>().unwrap_or_default(), domain.unwrap_or_default());
        let Ok(unknown_user) = LoginName::parse(&unknown_user) else { return };
        let found = self.ask(&unknown_user, &self.known.password).await;
        let is_refusal = |found: &_| matches!(found, Ok(Verdict::Rejected(_) | Verdict::NotMine));
        self.expect("an unknown user is rejected", is_refusal(&found), &found);
        // Domain rules change the name that is sent: the user of that name is asked for.
        let attempt = Attempt::new(&self.known.name, &self.known.password, now() + self.known.time)
            .with_upstream_name(unknown_user.as_str());
        let Some(found) = self.ask_until_end(&attempt).await else { return };
        self.expect("a user unknown by the name to send is rejected", is_refusal(&found), &found);
    }

    async fn letter_case_makes_no_second_user(&mut self) {
        let first = self.ask_right().await;
        let Ok(swapped) = LoginName::parse(&swap_case(self.known.name.as_str())) else { return };
        let second = self.ask(&swapped, &self.known.password).await;
        if let (Ok(Verdict::Accepted(one)), Ok(Verdict::Accepted(other))) = (&first, &second) {
            let promise = "the same name in other letter case is the same person";
            self.expect(promise, one.name() == other.name(), &second);
        }
        if let Ok(Verdict::Accepted(identity)) = &first {
            let name = identity.name();
            let canonical = CanonicalName::parse(name.as_str()).as_ref() == Ok(name);
            self.expect("the identity is a canonical name", canonical, &first);
        }
    }

    async fn attempts_do_not_mix(&mut self) {
        let Ok(wrong) = Password::parse(format!("{}?", self.known.password.expose())) else { return };
        let (right, other, again, last) = tokio::join!(
            self.ask_right(),
            self.ask(&self.known.name, &wrong),
            self.ask_right(),
            self.ask(&self.known.name, &wrong)
        );
        for found in [right, again] {
            let kept = matches!(found, Ok(Verdict::Accepted(_)));
            self.expect("the right password is accepted beside wrong ones", kept, &found);
        }
        for found in [other, last] {
            let kept = matches!(found, Ok(Verdict::Rejected(_)));
            self.expect("a wrong password is rejected beside right ones", kept, &found);
        }
    }

    async fn giving_up_breaks_nothing(&mut self) {
        {
            let attempt = Attempt::new(&self.known.name, &self.known.password, now() + self.known.time);
            let mut given_up = pin!(self.backend.authenticate(&attempt));
            // One poll, then the caller leaves.
            let _: Poll<_> = given_up.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        let found = self.ask_right().await;
        let kept = matches!(found, Ok(Verdict::Accepted(_)));
        self.expect("the next attempt works after one was given up", kept, &found);
    }

    async fn a_passed_deadline_ends_the_attempt(&mut self) {
        let attempt = Attempt::new(&self.known.name, &self.known.password, now());
        match self.ask_until_end(&attempt).await {
            Some(found) => {
                let kept = !matches!(found, Ok(Verdict::Rejected(_)));
                self.expect("running out of time is not a rejection", kept, &found);
            }
            None => self.broken.push("an attempt ends at its deadline, found: it goes on".to_owned()),
        }
    }

    async fn the_probe_answers(&mut self) {
        let limit = self.known.time + DEADLINE_TOLERANCE;
        match tokio::time::timeout(limit, self.backend.probe(now() + self.known.time)).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => self.broken.push(format!("the probe reaches the server, found: {error}")),
            Err(_) => self.broken.push("a probe ends at its deadline, found: it goes on".to_owned()),
        }
    }

    fn no_output_contains_the_password(&mut self) {
        let text = format!("{0} {0:?} {0:#?}", self.backend);
        self.keeps_secret("the backend's Debug or Display", &text);
    }
}

/// A future, with the longest time that one poll of it took.
struct Timed<F> {
    work: F,
    longest: u64,
}

impl<F: Future + Unpin> Future for Timed<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // The system clock: tokio's clock does not advance while a poll blocks in a test with
        // paused time.
        let began = std::time::Instant::now();
        let polled = Pin::new(&mut self.work).poll(context);
        let took = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.longest = self.longest.max(took);
        polled
    }
}

fn swap_case(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(swap).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use async_trait::async_trait;

    use super::*;
    use crate::backend::Probe;
    use crate::clock::Instant;
    use crate::identity::BackendId;
    use crate::memory::StaticBackend;
    use crate::middleware::{CircuitBreaker, ConcurrencyLimit, Timeout};
    use crate::verdict::{Identity, Rejection};

    fn known() -> TestUser {
        TestUser::new("alice", "Wonderland-1").unwrap()
    }

    fn honest() -> StaticBackend {
        StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1")
    }

    #[tokio::test]
    async fn honest_backend_and_its_decorators_pass() {
        check(&honest(), &known()).await.unwrap();
        let limited = Arc::new(ConcurrencyLimit::new(Arc::new(honest()), 1));
        check(limited.as_ref(), &known()).await.unwrap();
        let breaker = Arc::new(CircuitBreaker::new(limited));
        check(breaker.as_ref(), &known()).await.unwrap();
        check(&Timeout::new(breaker), &known()).await.unwrap();
    }

    /// Violations of the contract that the suite must detect.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Violation {
        AcceptsEveryone,
        LeaksThePassword,
        ReportsOutageAsRejection,
        TruncatesPasswords,
        SplitsOneUser,
        NamesAnotherBackend,
        NeverEnds,
        NeverAnswers,
        NeverEndsItsProbe,
        IsAlwaysRoot,
        BlocksTheThread,
        LooksUpTheTypedName,
    }

    struct BrokenBackend(BackendId, Violation);

    impl fmt::Debug for BrokenBackend {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if self.1 == Violation::LeaksThePassword { "Wonderland-1" } else { "broken" })
        }
    }

    impl fmt::Display for BrokenBackend {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("broken")
        }
    }

    #[async_trait]
    impl UserBackend for BrokenBackend {
        fn id(&self) -> &BackendId {
            &self.0
        }

        async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
            let yes = Ok(Verdict::Accepted(Identity::new(attempt.name.canonical().clone())));
            let no = Ok(Verdict::Rejected(Rejection::BadCredentials));
            let asked = match self.1 {
                Violation::LooksUpTheTypedName => attempt.name.as_str(),
                _ => attempt.upstream_name,
            };
            let right = attempt.password.expose() == "Wonderland-1" && asked.eq_ignore_ascii_case("alice");
            let late = attempt.deadline <= now();
            match self.1 {
                Violation::AcceptsEveryone => yes,
                Violation::NeverAnswers => std::future::pending().await,
                Violation::IsAlwaysRoot if right => {
                    Ok(Verdict::Accepted(Identity::new(CanonicalName::parse("root").unwrap())))
                }
                Violation::BlocksTheThread if right => {
                    block(LONGEST_POLL + Duration::from_millis(50));
                    yes
                }
                Violation::ReportsOutageAsRejection if late => no,
                Violation::NeverEnds if late => std::future::pending().await,
                Violation::TruncatesPasswords if attempt.password.expose().starts_with("Wonderland-1") => yes,
                Violation::NamesAnotherBackend if !right => Err(BackendError::unavailable(Phase::Login, "")
                    .with_backend(&BackendId::parse("other").unwrap())),
                Violation::SplitsOneUser if right && attempt.name.as_str() != "alice" => {
                    Ok(Verdict::Accepted(Identity::new(CanonicalName::parse("alice2").unwrap())))
                }
                _ if right => yes,
                _ => no,
            }
        }

        async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
            match self.1 {
                Violation::NeverEndsItsProbe => std::future::pending().await,
                _ => Ok(Probe::of(None)),
            }
        }
    }

    /// What `thread::sleep` and blocking I/O do to a thread.
    fn block(time: Duration) {
        let began = std::time::Instant::now();
        while began.elapsed() < time {
            std::hint::spin_loop();
        }
    }

    #[tokio::test]
    async fn user_known_by_another_name_is_accepted_as_that() {
        let root = BrokenBackend(BackendId::parse("broken").unwrap(), Violation::IsAlwaysRoot);
        check(&root, &known().known_as("Root").unwrap()).await.unwrap();
        assert!(known().known_as("").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn every_violation_is_found() {
        for (violation, promise) in [
            (Violation::AcceptsEveryone, "an unknown user is rejected"),
            (Violation::LeaksThePassword, "shows the password"),
            (Violation::ReportsOutageAsRejection, "running out of time is not a rejection"),
            (Violation::TruncatesPasswords, "a wrong password is rejected"),
            (Violation::SplitsOneUser, "the same name in other letter case is the same person"),
            (Violation::NamesAnotherBackend, "an error names the backend other"),
            (Violation::NeverEnds, "an attempt ends at its deadline"),
            (Violation::NeverAnswers, "an attempt ends at its deadline"),
            (Violation::NeverEndsItsProbe, "a probe ends at its deadline"),
            (Violation::IsAlwaysRoot, "accepted is who was asked for, alice, found: accepted as root"),
            (Violation::BlocksTheThread, "an attempt does not block its thread"),
            (Violation::LooksUpTheTypedName, "a user unknown by the name to send is rejected"),
        ] {
            let backend = BrokenBackend(BackendId::parse("broken").unwrap(), violation);
            let broken = check(&backend, &known()).await.unwrap_err();
            assert!(broken.to_string().contains(promise), "{violation:?}: {broken}");
        }
    }
}
