//! The backends: their state, and a test sign-in with its trace.

use accounts::{LOCAL_BACKEND, PasswordKeeperLookup};
use user_backend::resolver::{BackendState, BackendTrust};
use user_backend::{BackendId, Credentials, TracedOutcome};

use super::count;
use crate::auth::token_shape::is_token_shaped;
use crate::provisioning::call::Call;
use crate::provisioning::docs::{ParamDoc, ParamKind};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};

const NO_BACKEND: Code = Code::of_endpoint(101);
const APP_PASSWORD: Code = Code::of_endpoint(102);

/// `GET /cloud/server/backends`
pub(crate) const LIST: Operation = operation!(
    "BackendList",
    Operators,
    "Lists the backends that check passwords, in their order, with their state",
    backend_states(),
    list(call)
)
.more("The state is that of the server that answers; no backend is asked for it.");

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let states = call.app.resolver().backend_states();
    Ok(Data::one("backends", Data::List(states.iter().map(|state| as_data(call, state)).collect())).into())
}

fn as_data(call: &Call<'_>, state: &BackendState) -> Data {
    let id = state.backend.as_str();
    let name = call.app.keeper(&state.backend).map_or_else(|| id.to_owned(), |keeper| keeper.name);
    let trust = match state.trust {
        BackendTrust::Proven => "proven",
        BackendTrust::Distrusted => "distrusted",
        _ => "unproven",
    };
    let outage = state.outage.as_ref().map(|outage| {
        Data::map([
            ("seconds", count(outage.lasts.as_secs())),
            ("attempts", count(outage.attempts)),
            ("undecided", count(outage.undecided)),
            ("phase", outage.phase.map_or("", user_backend::Phase::as_str).into()),
            ("reason", outage.reason.as_str().into()),
        ])
    });
    let last = state.last_answer.as_ref().map(|last| {
        Data::map([
            ("verdict", Data::from(last.verdict.as_str())),
            ("secondsAgo", count(last.ago.as_secs())),
            ("milliseconds", count(last.ms)),
        ])
    });
    Data::map([
        ("id", Data::from(id)),
        ("name", name.into()),
        ("local", (id == LOCAL_BACKEND).into()),
        ("breakerOpen", state.breaker_open.into()),
        ("trust", trust.into()),
        ("recognisesRefusals", state.recognises_refusals.into()),
        ("outage", outage.into()),
        ("lastAnswer", last.into()),
    ])
}

/// `POST /cloud/server/backends/test`
pub(crate) const TEST: Operation = operation!(
    "BackendTest",
    Operators,
    "Tries a sign-in, and says how it was decided",
    test_result(),
    test(call)
)
.more(
    "It is decided as a sign-in from the caller's address would be: limits on guessing hold, failures count, and the first \
     yes binds the name to its backend. No session begins.",
)
.params(&[
    ParamDoc::text("name", "The name to sign in with").required(),
    ParamDoc::new("password", ParamKind::Secret, "The password").required(),
    ParamDoc::text("backend", "The id of one backend; without it: all of them, in their order"),
])
.codes(&[(NO_BACKEND, "there is no such backend"), (APP_PASSWORD, "that is an app password; backends are not asked about them")]);

async fn test(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let (name, password) = (call.params.once("name")?, call.params.once("password")?);
    let only = call.params.text("backend")?.filter(|id| !id.is_empty());
    let only: Option<BackendId> = match only {
        None => None,
        Some(id) => Some(call.app.backend(id).ok_or(OcsFailure::bare(NO_BACKEND))?),
    };
    // An app password never reaches a backend.
    if is_token_shaped(password) {
        return Err(OcsFailure::bare(APP_PASSWORD));
    }
    call.app.rules().await?;
    // What ended elsewhere is forgotten before anything remembered is believed.
    call.app.inner.follower.catch_up().await?;
    let credentials = Credentials::new(name, password).from_source(call.origin.address);
    let credentials = match &only {
        Some(only) => credentials.only_backend(only),
        None => credentials,
    };
    let decided = call.app.resolver().authenticate(credentials).await;
    tracing::info!(
        target: "audit", user = ?call.caller()?.id(), source = %call.origin.address,
        outcome = decided.outcome.as_str(), "tried a sign-in"
    );
    Ok(result(&decided).into())
}

fn result(decided: &TracedOutcome) -> Data {
    let trace = &decided.trace;
    let steps = trace.steps.iter().map(|step| {
        Data::map([
            ("backend", Data::from(step.backend.as_str())),
            ("verdict", step.verdict.as_str().into()),
            ("phase", step.phase.map_or("", user_backend::Phase::as_str).into()),
            ("milliseconds", count(step.ms)),
            ("reason", step.reason.as_deref().unwrap_or_default().into()),
        ])
    });
    let wait = decided.outcome.retry_after_seconds();
    Data::map([
        ("outcome", Data::from(decided.outcome.as_str())),
        ("retryAfter", count(wait.unwrap_or_default())),
        ("endedBy", trace.ended_by.as_str().into()),
        ("note", trace.note.as_deref().unwrap_or_default().into()),
        ("milliseconds", count(trace.ms)),
        ("steps", Data::List(steps.collect())),
    ])
}
