//! `backend:check`: each server responds and refuses a user who does not exist.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use serde::Serialize;
use tokio::task::JoinSet;
use user_backend::clock::{millis_since, now};
use user_backend::resolver::canary::{Canary, canary};
use user_backend::transport::TlsSummary;
use user_backend::{BackendError, BackendId, FailureKind, Phase, Probe};

use super::list::BackendLine;
use crate::cli::CheckArgs;
use crate::configured_backends::{Configured, LoadedConfig};
use crate::exit::{CliError, Exit};
use crate::output::{Output, table};

/// A certificate that ends sooner than this many days is pointed out.
const SOON: i64 = 14;

/// State of a backend, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    Unavailable,
    NotRecognised,
    Protocol,
    Misconfigured,
    #[serde(rename = "accepts_anybody")]
    AcceptsAnyLogin,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unavailable => "unavailable",
            Self::NotRecognised => "not recognised",
            Self::Protocol => "broke the protocol",
            Self::Misconfigured => "misconfigured",
            Self::AcceptsAnyLogin => "ACCEPTS ANY LOGIN",
        }
    }

    fn exit(self) -> Exit {
        match self {
            Self::Ok => Exit::Fine,
            Self::Unavailable | Self::NotRecognised | Self::Protocol => Exit::Unavailable,
            Self::Misconfigured | Self::AcceptsAnyLogin => Exit::Usage,
        }
    }

    fn of(error: &BackendError) -> Self {
        match error.failure_kind() {
            FailureKind::Misconfigured => Self::Misconfigured,
            FailureKind::Protocol => Self::Protocol,
            _ => Self::Unavailable,
        }
    }
}

/// Result of the check of one backend.
#[derive(Debug)]
struct Found {
    state: State,
    phase: Option<Phase>,
    problem: Option<String>,
    probe: Option<Probe>,
    canary: Canary,
    ms: u64,
}

#[derive(Serialize)]
struct Report<'a> {
    state: State,
    file: String,
    backends: Vec<Checked<'a>>,
}

#[derive(Serialize)]
struct Checked<'a> {
    #[serde(flatten)]
    line: BackendLine<'a>,
    state: State,
    phase: Option<Phase>,
    problem: Option<&'a str>,
    peer: Option<String>,
    tls_version: Option<&'a str>,
    certificate: Option<&'a str>,
    expires: Option<&'a str>,
    days_left: Option<i64>,
    capabilities: &'a [String],
    canary: &'static str,
    ms: u64,
}

impl<'a> Checked<'a> {
    fn of(backend: &'a Configured, found: &'a Found) -> Self {
        let probe = found.probe.as_ref();
        let session = found.session();
        Self {
            line: BackendLine::of(backend),
            state: found.state,
            phase: found.phase,
            problem: found.problem.as_deref(),
            peer: probe.and_then(|probe| probe.peer).map(|peer| peer.to_string()),
            tls_version: session.map(|session| session.version.as_str()),
            certificate: session.and_then(|session| session.certificate.as_deref()),
            expires: session.and_then(|session| session.expires.as_deref()),
            days_left: session.and_then(|session| session.days_left),
            capabilities: probe.map_or(&[], |probe| &probe.capabilities),
            canary: found.canary(),
            ms: found.ms,
        }
    }
}

/// Checks the backends that the arguments name, concurrently.
pub(crate) async fn run(setup: &LoadedConfig, args: &CheckArgs) -> Result<Output, CliError> {
    for id in &args.ids {
        setup.backend(id)?;
    }
    let chosen: Vec<&Configured> = setup
        .backends
        .iter()
        .filter(|backend| args.ids.is_empty() || args.ids.iter().any(|id| id == backend.id().as_str()))
        .collect();
    let found = check_all(&chosen, args.no_canary, setup.deadline).await;
    let wrong: Vec<_> = chosen.iter().zip(&found).filter_map(|(one, found)| found.wrong(one.id())).collect();
    setup.complain_about(&wrong);
    report(setup, &chosen, &found)
}

async fn check_all(chosen: &[&Configured], no_canary: bool, deadline: Duration) -> Vec<Found> {
    let mut tasks = JoinSet::new();
    for (number, backend) in chosen.iter().enumerate() {
        let backend = (*backend).clone();
        tasks.spawn(async move { (number, check(&backend, !no_canary, deadline).await) });
    }
    let mut progress = CheckProgress::new(chosen.len());
    let mut found = BTreeMap::new();
    while let Some(done) = tasks.join_next().await {
        if let Ok((number, one)) = done {
            found.insert(number, one);
        }
        progress.step();
    }
    progress.clear();
    (0..chosen.len()).map(|number| found.remove(&number).unwrap_or_else(Found::crashed)).collect()
}

async fn check(backend: &Configured, canary_wanted: bool, deadline: Duration) -> Found {
    let began = now();
    let mut found = Found::new();
    // Backends keep the deadline themselves; the second clock is for those that do not.
    match tokio::time::timeout(deadline, backend.backend.probe(began + deadline)).await {
        Ok(Ok(probe)) => found.probe = Some(probe),
        Ok(Err(error)) => {
            found.state = State::of(&error);
            found.phase = Some(error.phase());
            found.problem = Some(error.detail().to_owned());
        }
        Err(_) => found.late(),
    }
    if found.state == State::Ok && canary_wanted && backend.policy.canary {
        let canary_query = canary(backend.backend.as_ref(), &backend.names, now() + deadline);
        match tokio::time::timeout(deadline, canary_query).await {
            Ok(canary) => found.learn(canary),
            Err(_) => found.late(),
        }
    }
    found.ms = millis_since(began);
    found
}

impl Found {
    fn new() -> Self {
        Self { state: State::Ok, phase: None, problem: None, probe: None, canary: Canary::NotAsked, ms: 0 }
    }

    fn learn(&mut self, canary: Canary) {
        match &canary {
            Canary::AcceptsAnyLogin => {
                self.state = State::AcceptsAnyLogin;
                self.problem = Some(
                    "accepted a user who does not exist: guest mapping, anonymous logins, or a server that accepts any login"
                        .to_owned(),
                );
            }
            Canary::Misconfigured(why) => {
                self.state = State::Misconfigured;
                self.problem = Some(why.clone());
            }
            Canary::Unknown(why) => {
                self.state = State::Unavailable;
                self.problem = Some(why.clone());
            }
            Canary::NotRecognised(why) => {
                self.state = State::NotRecognised;
                self.problem = Some(format!("{why}. Until then no one signs in through it"));
            }
            _ => {}
        }
        self.canary = canary;
    }

    fn late(&mut self) {
        self.state = State::Unavailable;
        self.problem = Some("no answer in time".to_owned());
    }

    fn crashed() -> Self {
        let problem = Some("the check ended with an internal error".to_owned());
        Self { state: State::Unavailable, problem, ..Self::new() }
    }

    /// The error in the settings, if any.
    fn wrong<'a>(&'a self, id: &'a BackendId) -> Option<(&'a BackendId, Phase, &'a str)> {
        let problem = self.problem.as_deref().filter(|_| self.state == State::Misconfigured)?;
        // The canary comes after everything else.
        Some((id, self.phase.unwrap_or(Phase::Login), problem))
    }

    fn session(&self) -> Option<&TlsSummary> {
        self.probe.as_ref()?.tls.as_ref()
    }

    fn canary(&self) -> &'static str {
        match self.canary {
            Canary::Refused | Canary::RefusedInOwnWords(_) => "refused",
            Canary::NotRecognised(_) => "not_recognised",
            Canary::AcceptsAnyLogin => "accepts_anybody",
            Canary::NotAsked => "not_asked",
            _ => "unknown",
        }
    }
}

fn report(setup: &LoadedConfig, chosen: &[&Configured], found: &[Found]) -> Result<Output, CliError> {
    let state = found.iter().map(|found| found.state).max().unwrap_or(State::Ok);
    let backends = chosen.iter().zip(found).map(|(backend, found)| Checked::of(backend, found)).collect();
    let json = Report { state, file: setup.file.display().to_string(), backends };
    Output::new(for_people(chosen, found), &json, state.exit())
}

fn for_people(chosen: &[&Configured], found: &[Found]) -> String {
    let mut rows = vec![
        ["ID", "SERVER", "STATE", "TLS", "CERTIFICATE", "DAYS LEFT", "STRANGER", "MS"].map(str::to_owned),
    ];
    let mut remarks = String::new();
    for (backend, found) in chosen.iter().zip(found) {
        let session = found.session();
        let version = match (session, backend.tls()) {
            (Some(session), _) => session.version.clone(),
            (None, Some("none")) => "none".to_owned(),
            (None, _) => "-".to_owned(),
        };
        let dash = || "-".to_owned();
        rows.push([
            backend.id().to_string(),
            backend.server(),
            found.state.as_str().to_owned(),
            version,
            session.and_then(|session| session.certificate.clone()).unwrap_or_else(dash),
            session.and_then(|session| session.days_left).map_or_else(dash, |days| days.to_string()),
            found.canary().replace('_', " "),
            found.ms.to_string(),
        ]);
        for remark in remarks_on(backend, found) {
            remarks += &format!("\n{}: {remark}", backend.id());
        }
    }
    if !remarks.is_empty() {
        remarks.push('\n');
    }
    table(&rows) + &remarks
}

/// Details below the table: errors, warnings, capabilities of the server.
fn remarks_on(backend: &Configured, found: &Found) -> Vec<String> {
    let mut remarks = Vec::new();
    if let Some(problem) = &found.problem {
        let phase = found.phase.map(|phase| format!(" during {phase}")).unwrap_or_default();
        remarks.push(format!("{}{phase}: {problem}", found.state.as_str()));
    }
    if let Canary::RefusedInOwnWords(words) = &found.canary {
        remarks.push(format!(
            "its refusal is recognised because two users who do not exist got the same reply: {words:?}; to set it for good: \
             refusal_texts = [{words:?}]"
        ));
    }
    remarks.extend(backend.warnings.iter().map(|warning| format!("warning: {warning}")));
    let Some(probe) = &found.probe else { return remarks };
    if let Some(session) = &probe.tls
        && let Some(days) = session.days_left.filter(|days| *days < SOON)
    {
        let date = session.expires.as_deref().unwrap_or("an unknown day");
        let when = if days < 0 { "ended".to_owned() } else { format!("has {days} days left, it ends") };
        remarks.push(format!("warning: the certificate {when} on {date}: renew it"));
    }
    if !probe.capabilities.is_empty() {
        remarks.push(format!("capabilities: {}", probe.capabilities.join(" ")));
    }
    remarks
}

/// How far the checks are, for a person who waits.
///
/// Nothing when standard error goes somewhere else.
struct CheckProgress {
    all: usize,
    done: usize,
    wanted: bool,
    shown: usize,
}

impl CheckProgress {
    fn new(all: usize) -> Self {
        let mut progress = Self { all, done: 0, wanted: io::stderr().is_terminal(), shown: 0 };
        progress.show();
        progress
    }

    fn step(&mut self) {
        self.done += 1;
        self.show();
    }

    fn show(&mut self) {
        if self.wanted {
            let text = format!("checked {} of {} …", self.done, self.all);
            self.shown = text.chars().count();
            // Errors are ignored.
            let _ = write!(io::stderr(), "\r{text}").and_then(|()| io::stderr().flush());
        }
    }

    fn clear(&self) {
        if self.wanted {
            let _ = write!(io::stderr(), "\r{:width$}\r", "", width = self.shown);
        }
    }
}

#[cfg(test)]
mod tests;
