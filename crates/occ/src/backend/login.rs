//! `backend:login`: one attempt, as the server would make it, and how it was decided.

use std::time::Duration;

use accounts::LOCAL_BACKEND;
use user_backend::resolver::{EndReason, StepOutcome, TraceStep};
use user_backend::{Authenticated, Credentials, LoginName, Outcome, Phase, Rejection, TracedOutcome};

use super::{NO_DECISION, again};
use crate::cli::{Common, LoginArgs};
use crate::configured_backends;
use crate::exit::{CliError, Exit};
use crate::output::{Output, one_line};
use crate::password;

/// Reads the configuration, gets the password, asks.
pub(crate) async fn run(common: &Common, args: &LoginArgs) -> Result<Output, CliError> {
    if args.server {
        #[cfg(unix)]
        return super::login_server::run(common, args).await;
        #[cfg(not(unix))]
        return Err(CliError::new("--server needs Unix sockets, which this system does not have"));
    }
    let setup = match args.backend.as_deref() {
        // Asking another backend needs no store.
        Some(id) if id != LOCAL_BACKEND => configured_backends::load(common)?,
        _ => configured_backends::load_with_local(common).await?,
    };
    if !common.no_warnings {
        setup.warn();
    }
    let resolver = setup.resolver(args.backend.as_deref())?;
    let question = format!("Password of {}: ", one_line(&args.name));
    let password = password::read(common, args.password, question).await?;
    let answer = resolver.authenticate(Credentials::new(&args.name, &password).without_source()).await;
    if exit_of(&answer) == Exit::Usage {
        let wrong = answer.trace.steps.iter().filter(|step| leads_nowhere(step));
        let wrong = wrong.filter_map(|step| Some((&step.backend, step.phase?, step.reason.as_deref()?)));
        setup.complain_about(&wrong.collect::<Vec<_>>());
    }
    reply(&answer, &args.name, args.explain.then(|| next(common)))
}

/// The command that looks closer, as it was found to work here.
///
/// `None` for the path means that none was given.
fn next(common: &Common) -> String {
    match &common.config {
        Some(file) => {
            let file = file.display().to_string();
            let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
            let quoted =
                if file.chars().all(plain) { file } else { format!("'{}'", file.replace('\'', r"'\''")) };
            format!("occ --config {quoted} backend:check")
        }
        None => "occ backend:check".to_owned(),
    }
}

fn exit_of(answer: &TracedOutcome) -> Exit {
    match &answer.outcome {
        Outcome::Authenticated(_) => Exit::Fine,
        Outcome::Refused(_) => Exit::Refused,
        Outcome::Throttled { .. } => Exit::Throttled,
        // There is no such server, so waiting does not help. A message of a server does not prove
        // that the configuration is wrong.
        Outcome::Unavailable { .. } if answer.trace.steps.iter().any(leads_nowhere) => Exit::Usage,
        Outcome::Unavailable { .. } => Exit::Unavailable,
    }
}

/// Whether the settings name a host that does not exist, or another one than they mean.
fn leads_nowhere(step: &TraceStep) -> bool {
    step.verdict == StepOutcome::Misconfigured && step.phase == Some(Phase::Resolve)
}

fn reply(answer: &TracedOutcome, name: &str, explain: Option<String>) -> Result<Output, CliError> {
    let mut plain = sentence(answer) + "\n";
    if let Some(check) = explain {
        plain += &story(answer, name, &check);
    }
    Output::new(plain, answer, exit_of(answer))
}

/// The answer in one sentence.
fn sentence(answer: &TracedOutcome) -> String {
    match &answer.outcome {
        Outcome::Authenticated(proof) => authenticated(proof, answer.trace.ms),
        Outcome::Refused(rejection) => refused(*rejection, answer),
        Outcome::Throttled { limit, retry_after } => {
            format!("throttled: {limit}; {}: {NO_DECISION}", again(*retry_after))
        }
        Outcome::Unavailable { retry_after } => unavailable(*retry_after, answer),
    }
}

fn authenticated(proof: &Authenticated, ms: u64) -> String {
    let groups: Vec<&str> = proof.identity().groups().collect();
    let groups = if groups.is_empty() { String::new() } else { format!(", in {}", groups.join(", ")) };
    format!("{} is authenticated by {}{groups} ({ms} ms)", proof.name(), proof.backend())
}

fn refused(rejection: Rejection, answer: &TracedOutcome) -> String {
    let trace = &answer.trace;
    let none_is_there =
        !trace.steps.is_empty() && trace.steps.iter().all(|step| step.verdict == StepOutcome::NotMine);
    match (trace.ended_by, &trace.note) {
        (EndReason::InvalidInput, Some(note)) => format!("refused: {note}; no backend was asked"),
        (EndReason::NotTheOwner, _) => format!("refused: {}", trace.ended_by),
        _ if none_is_there => {
            format!("refused: {rejection}: no backend is responsible for such names; none was asked")
        }
        _ if rejection == Rejection::PolicyDenied => {
            format!("refused: {rejection}: the settings deny this name; no backend was asked")
        }
        _ => format!("refused: {rejection}"),
    }
}

fn unavailable(retry_after: Duration, answer: &TracedOutcome) -> String {
    let trace = &answer.trace;
    let failed: Vec<&TraceStep> = trace.steps.iter().filter(|step| failed(step)).collect();
    let why = if failed.is_empty() {
        trace.note.clone().unwrap_or_else(|| trace.ended_by.to_string())
    } else {
        failed.iter().map(|step| inability(step)).collect::<Vec<_>>().join(", ")
    };
    let settings = !failed.is_empty() && failed.iter().all(|step| step.verdict == StepOutcome::Misconfigured);
    let what = if settings { "the configuration must be fixed first".to_owned() } else { again(retry_after) };
    format!("unavailable: {why}; {what}: {NO_DECISION}")
}

fn failed(step: &TraceStep) -> bool {
    matches!(step.verdict, StepOutcome::Unavailable | StepOutcome::Misconfigured | StepOutcome::Protocol)
}

/// Why one backend could not be asked.
fn inability(step: &TraceStep) -> String {
    let kind = match step.verdict {
        StepOutcome::Misconfigured => "is misconfigured, seen",
        StepOutcome::Protocol => "broke the protocol",
        _ => "failed",
    };
    let phase = step.phase.map(|phase| format!(" during {phase}")).unwrap_or_default();
    let reason = step.reason.as_deref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("{} {kind}{phase}{reason}{}", step.backend, teach(step))
}

/// The text of an answer that is not recognised, and the setting that teaches it.
fn teach(step: &TraceStep) -> String {
    let Some(text) = step.server_text.as_ref().filter(|_| failed(step)) else { return String::new() };
    let words = text.as_str().replace(['\\', '"'], "*");
    format!(
        "; the server says {:?}: if this is how it refuses a wrong password, set refusal_texts = [\"{words}\"]",
        text.as_str()
    )
}

/// How the answer came about, for an operator who has to fix it.
fn story(answer: &TracedOutcome, name: &str, check: &str) -> String {
    let mut text = format!("\nname as typed    {}\n", one_line(name));
    if let Ok(name) = LoginName::parse(name) {
        text += &format!("name looked up   {}\n", name.canonical());
    }
    text += &format!("\n{}\n", answer.trace);
    if let Some(step) = answer.trace.steps.iter().find(|step| failed(step)) {
        text += &format!("\nnext: {check} {}\n", step.backend);
    } else if let Outcome::Refused(Rejection::BadCredentials | Rejection::UnknownUser) = answer.outcome {
        text +=
            "\nis the name right? most servers do not distinguish an unknown name from a wrong password\n";
    }
    text
}

#[cfg(test)]
mod tests;
