//! One attempt that memory could not answer: its turn, its flight, its task.

use std::net::IpAddr;
use std::time::Duration;

use tracing::Instrument;

use super::conclude::RETRY_AFTER;
use super::trace::{Rule, Step, Trace};
use super::{Answer, Credentials, Outcome, Resolver, TYPED, observe};
use crate::backend::Attempt;
use crate::clock::{Instant, later, millis_since, now};
use crate::identity::LoginName;
use crate::layer::flight::Lost;
use crate::layer::throttle::{Place, Refusal, Throttle, Throttles, Turn};
use crate::secret::{OutcomeKey, Password};
use crate::verdict::Rejection;

/// The backends' time ends this much before the caller's, or a twentieth of it if that is less: there must be time left
/// to say who did not answer, and to fall back on an earlier yes.
const TO_CONCLUDE: Duration = Duration::from_millis(250);

impl Resolver {
    pub(super) async fn attempt(&self, credentials: Credentials<'_>, started: Instant) -> Answer {
        let (name, password) =
            match (LoginName::parse(credentials.name), Password::parse(credentials.password)) {
                (Ok(name), Ok(password)) => (name, password),
                (Err(error), _) => return invalid(error.to_string()),
                (_, Err(error)) => return invalid(error.to_string()),
            };
        let (throttles, deadline) = {
            let chain = self.shared.chain.load();
            (chain.throttles.clone(), later(started, chain.deadline))
        };
        let key = self.shared.cache.key(TYPED, name.as_str(), password.expose());
        // Who joins a flight asks nothing new, so it needs no turn.
        if let Some(landed) = self.shared.flights.follow(key, self.shared.cache.epoch(), deadline).await {
            return landed.unwrap_or_else(|lost| missed(lost, started));
        }
        let turn = match turn(&throttles, credentials.source, &key, deadline).await {
            Ok(turn) => turn,
            Err((place, refusal)) => {
                return self.throttled(throttles.throttle(), place, refusal, started);
            }
        };
        let backends_until = deadline - TO_CONCLUDE.min(deadline.saturating_duration_since(started) / 20);
        // In this order: what a chain finds out that was replaced since is older than the invalidation that came with the new one.
        let began = self.shared.cache.epoch();
        let chain = self.shared.chain.load_full();
        let work = || {
            let resolver = self.clone();
            let source = credentials.source;
            let span =
                tracing::info_span!("attempt", user = ?name, source = source.map(tracing::field::display));
            let work = async move {
                // Somebody may have had an answer since this attempt looked.
                let again = Credentials { name: name.as_str(), password: password.expose(), source };
                if let Some(answer) = resolver.recall(again, now()) {
                    return answer;
                }
                let shared = &resolver.shared;
                let attempt = Attempt::new(&name, &password, backends_until).from_source(source);
                let finding = chain.ask(attempt, &key).await;
                let answer = shared.conclude(&chain, finding, &name, &password, began);
                match (&answer.outcome, turn) {
                    (Outcome::Authenticated(_), _) => throttles.accepted(&key),
                    (Outcome::Refused(rejection), Some(turn)) => turn.refused(*rejection, &key),
                    _ => {}
                }
                observe::landed(&name, &answer);
                answer
            };
            work.instrument(span)
        };
        let landed = self.shared.flights.join(key, began, deadline, work).await;
        landed.unwrap_or_else(|lost| missed(lost, started))
    }

    fn throttled(&self, throttle: &Throttle, place: Place, refusal: Refusal, started: Instant) -> Answer {
        let (retry_after, note) = match refusal {
            Refusal::TooMany(wait) => (
                wait,
                format!("{} in {} min from {place}", throttle.refuse_after, throttle.per.as_secs() / 60),
            ),
            Refusal::TooEarly(wait) => (wait, format!("the last one from {place} was a moment ago")),
            Refusal::NoTurn => (RETRY_AFTER, format!("too many attempts from {place} are under way")),
        };
        let mut trace = Trace::new(Rule::SourceThrottled).with_note(note);
        trace.steps = self.shared.chain.load().steps(|id| Step::skipped(id, "the address is slowed down"));
        trace.ms = millis_since(started);
        Answer { outcome: Outcome::Throttled { retry_after }, trace }
    }
}

/// The right to make an attempt, for those who have told where they are.
async fn turn(
    throttles: &Throttles,
    source: Option<IpAddr>,
    key: &OutcomeKey,
    deadline: Instant,
) -> Result<Option<Turn>, (Place, Refusal)> {
    let Some(source) = source.filter(|_| !throttles.is_known_to_be_wrong(key)) else { return Ok(None) };
    throttles.turn(source, deadline).await.map(Some).map_err(|refusal| (Place::of(source), refusal))
}

fn missed(lost: Lost, started: Instant) -> Answer {
    let note = match lost {
        Lost::Full => "too many attempts are under way",
        Lost::Died => "the check ended with an internal error",
        Lost::Late => "no answer in time",
    };
    let mut trace = Trace::new(Rule::Overload).with_note(note);
    trace.ms = millis_since(started);
    Answer { outcome: Outcome::Unavailable { retry_after: RETRY_AFTER }, trace }
}

fn invalid(why: String) -> Answer {
    Answer {
        outcome: Outcome::Refused(Rejection::PolicyDenied),
        trace: Trace::new(Rule::InvalidInput).with_note(why),
    }
}
