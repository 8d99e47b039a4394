//! Every answer that a client got, and the check of it.
//!
//! 1. No yes after the answer to a change: a sign-in that began after the answer to a change of a
//!    credential is not accepted with the credential from before.
//! 2. No wrong password upstream beyond the budget: at each server with passwords, at most four
//!    wrong ones of a user in 15 minutes, counted from the last right one.
//! 3. No name with two owners: all accepted sign-ins with a name are of one backend.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::upstream::Seen;

/// The limit of a backend: so many failures in so much time.
const BUDGET: (usize, Duration) = (4, Duration::from_secs(15 * 60));

/// A credential: whose it is, and which of the ones that this user had.
pub(crate) type Credential = (String, u32);

/// The answer that a client got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Yes,
    No,
    /// 429.
    Limited,
    /// 503.
    Unavailable,
    /// No answer: a server was killed or frozen.
    Nothing,
}

#[derive(Clone, Debug)]
struct SignIn {
    credential: Credential,
    began: Instant,
    ended: Instant,
    outcome: Told,
}

/// A time in which a credential must not be accepted.
#[derive(Clone, Debug)]
struct Closed {
    credential: Credential,
    /// The answer to the change.
    from: Instant,
    /// The beginning of the change that opened it again, if there was one.
    until: Option<Instant>,
    why: &'static str,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub(crate) struct History {
    events: Mutex<Events>,
}

#[derive(Debug, Default)]
struct Events {
    sign_ins: Vec<SignIn>,
    closed: Vec<Closed>,
    owners: HashMap<String, Vec<String>>,
    accepted_guesses: Vec<String>,
    changes: usize,
    /// From the answer to a change to a refusal at each server.
    refused_after: Vec<Duration>,
}

/// What the check found.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) violations: Vec<String>,
    lines: Vec<String>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in &self.lines {
            writeln!(f, "    {line}")?;
        }
        writeln!(f, "    violations: {}", self.violations.len())?;
        self.violations.iter().take(20).try_for_each(|line| writeln!(f, "      {line}"))
    }
}

impl History {
    fn events(&self) -> std::sync::MutexGuard<'_, Events> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records a sign-in.
    pub(crate) fn sign_in(&self, credential: Credential, began: Instant, outcome: Told) {
        self.events().sign_ins.push(SignIn { credential, began, ended: Instant::now(), outcome });
    }

    /// Records a guess: a password that no one has, so that a yes is a violation.
    pub(crate) fn guess(&self, name: &str, began: Instant, outcome: Told) {
        self.sign_in((format!("guess at {name}"), 0), began, outcome);
        if outcome == Told::Yes {
            self.events().accepted_guesses.push(format!("a guess at {name} was accepted"));
        }
    }

    /// Records that a change which ended a credential was answered just now.
    pub(crate) fn closed(&self, credential: Credential, why: &'static str) {
        let mut events = self.events();
        events.changes += 1;
        events.closed.push(Closed { credential, from: Instant::now(), until: None, why });
    }

    /// Records that a change begins which opens a credential again.
    pub(crate) fn reopens(&self, credential: &Credential) {
        let mut events = self.events();
        let now = Instant::now();
        let closed = events.closed.iter_mut().filter(|closed| closed.credential == *credential);
        closed.for_each(|closed| closed.until = closed.until.or(Some(now)));
    }

    /// Records how long after the answer to a change a server refused the old credential.
    pub(crate) fn refused_after(&self, time: Duration) {
        self.events().refused_after.push(time);
    }

    /// Records the backend that a name belongs to, as an accepted sign-in says.
    pub(crate) fn owner(&self, name: &str, backend: String) {
        let mut events = self.events();
        let owners = events.owners.entry(name.to_owned()).or_default();
        if !owners.contains(&backend) {
            owners.push(backend);
        }
    }

    /// Checks the three sentences.
    pub(crate) fn check(&self, upstream: &[Vec<Seen>]) -> Report {
        let events = self.events();
        let mut report = Report { violations: events.accepted_guesses.clone(), ..Report::default() };
        let mut closed: HashMap<&Credential, Vec<&Closed>> = HashMap::new();
        events.closed.iter().for_each(|one| closed.entry(&one.credential).or_default().push(one));
        for sign_in in events.sign_ins.iter().filter(|sign_in| sign_in.outcome == Told::Yes) {
            let of_credential = closed.get(&sign_in.credential).into_iter().flatten();
            let broken = of_credential.filter(|closed| {
                sign_in.began > closed.from && closed.until.is_none_or(|until| sign_in.ended < until)
            });
            report.violations.extend(broken.map(|closed| {
                let after = sign_in.began.duration_since(closed.from).as_millis();
                format!("yes for {:?}, {after} ms after the answer to: {}", sign_in.credential, closed.why)
            }));
        }
        let mut wrong = 0;
        for (number, seen) in upstream.iter().enumerate() {
            let mut users: HashMap<&str, Vec<Instant>> = HashMap::new();
            for seen in seen {
                let failures = users.entry(&seen.user).or_default();
                if seen.is_right {
                    failures.clear();
                    continue;
                }
                wrong += 1;
                failures.retain(|at| seen.at.duration_since(*at) < BUDGET.1);
                failures.push(seen.at);
                // The canary's users are asked about once each.
                if failures.len() > BUDGET.0 {
                    let count = failures.len();
                    report
                        .violations
                        .push(format!("{count} wrong passwords of {} at server {number}", seen.user));
                }
            }
        }
        for (name, owners) in events.owners.iter().filter(|(_, owners)| owners.len() > 1) {
            report.violations.push(format!("the name {name} belongs to {owners:?}"));
        }
        let count =
            |outcome: Told| events.sign_ins.iter().filter(|sign_in| sign_in.outcome == outcome).count();
        report.lines.push(format!(
            "operations: {} sign-ins ({} yes, {} no, {} 429, {} 503, {} without an answer), {} changes, {} names",
            events.sign_ins.len(),
            count(Told::Yes),
            count(Told::No),
            count(Told::Limited),
            count(Told::Unavailable),
            count(Told::Nothing),
            events.changes,
            events.owners.len(),
        ));
        report.lines.push(format!("wrong passwords upstream: {wrong}"));
        let mut times = events.refused_after.clone();
        times.sort();
        let at = |part: usize| times.get((times.len() * part / 100).min(times.len().saturating_sub(1)));
        if let (Some(half), Some(most)) = (at(50), at(99)) {
            report.lines.push(format!(
                "old credential refused by every server after the answer: p50 {} ms, p99 {} ms",
                half.as_millis(),
                most.as_millis()
            ));
        }
        report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice(number: u32) -> Credential {
        ("alice".to_owned(), number)
    }

    #[test]
    fn yes_begun_after_the_answer_is_a_violation() {
        let history = History::default();
        let before = Instant::now();
        history.closed(alice(1), "password");
        history.sign_in(alice(1), before, Told::Yes);
        assert!(history.check(&[]).violations.is_empty(), "it began before");
        history.sign_in(alice(2), Instant::now(), Told::Yes);
        history.sign_in(alice(1), Instant::now(), Told::No);
        assert!(history.check(&[]).violations.is_empty());
        history.sign_in(alice(1), Instant::now(), Told::Yes);
        assert_eq!(history.check(&[]).violations.len(), 1);
    }

    #[test]
    fn accepted_guess_is_a_violation() {
        let history = History::default();
        history.guess("ext1", Instant::now(), Told::No);
        assert!(history.check(&[]).violations.is_empty());
        history.guess("ext1", Instant::now(), Told::Yes);
        assert_eq!(history.check(&[]).violations.len(), 1);
    }

    #[test]
    fn yes_after_a_credential_was_opened_again_is_none() {
        let history = History::default();
        history.closed(alice(1), "disabled");
        history.reopens(&alice(1));
        history.sign_in(alice(1), Instant::now(), Told::Yes);
        assert!(history.check(&[]).violations.is_empty());
    }

    #[test]
    fn fifth_wrong_password_since_a_right_one_is_a_violation() {
        let seen = |is_right| Seen { user: "ext1".into(), at: Instant::now(), is_right };
        let mut all = vec![seen(false); 4];
        all.push(seen(true));
        all.extend(vec![seen(false); 4]);
        assert!(History::default().check(&[all.clone()]).violations.is_empty());
        all.push(seen(false));
        assert_eq!(History::default().check(&[all]).violations.len(), 1);
    }

    #[test]
    fn name_with_two_backends_is_a_violation() {
        let history = History::default();
        history.owner("dual1", "a".into());
        history.owner("dual1", "a".into());
        assert!(history.check(&[]).violations.is_empty());
        history.owner("dual1", "b".into());
        assert_eq!(history.check(&[]).violations.len(), 1);
    }
}
