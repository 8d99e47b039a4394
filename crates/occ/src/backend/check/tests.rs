use std::sync::Arc;

use user_backend::backend::Attempt;
use user_backend::clock::Instant;
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{
    BackendError, BackendId, BackendPolicy, CanonicalName, DomainRules, Identity, Rejection, ServerText,
    StaticBackend, UserBackend, Verdict,
};

use super::*;

/// A backend that behaves as a test requires.
#[derive(Debug)]
struct Scripted {
    id: BackendId,
    probe: Probe,
    word: Word,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Word {
    Yes,
    No,
    Misconfigured,
    Never,
    /// A no in words of its own.
    Gate,
    /// A no in other words each time.
    Moody,
}

impl std::fmt::Display for Scripted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "scripted({})", self.id)
    }
}

#[async_trait::async_trait]
impl UserBackend for Scripted {
    fn id(&self) -> &BackendId {
        &self.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let no = |words: &str| {
            let reply = ServerText::new(words.as_bytes(), attempt.upstream_name, attempt.password);
            Err(BackendError::not_recognised("NO", reply).learnable())
        };
        match self.word {
            Word::Gate => no("The gate stays shut"),
            Word::Moody => no(&format!("No \u{1b}[2J({:p})", attempt.name.as_str().as_ptr())),
            Word::Yes => Ok(Verdict::Accepted(Identity::new(CanonicalName::parse("x").unwrap()))),
            Word::No => Ok(Verdict::Rejected(Rejection::UnknownUser)),
            Word::Misconfigured => Err(BackendError::misconfigured(Phase::Login, "no such share")),
            Word::Never => std::future::pending().await,
        }
    }

    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(self.probe.clone())
    }
}

fn session(days: i64) -> Option<TlsSummary> {
    let mut session = TlsSummary::default();
    session.version = "1.3".to_owned();
    session.certificate = Some("mail.\u{1b}[2Jexample.com".to_owned());
    session.expires = Some("2026-12-01".to_owned());
    session.days_left = Some(days);
    Some(session)
}

fn scripted(id: &str, days: i64, word: Word) -> Configured {
    let probe =
        Probe::of(None).with_tls(session(days)).with_capabilities(["IMAP4rev1".to_owned(), "ID".to_owned()]);
    configured(Scripted { id: BackendId::parse(id).unwrap(), probe, word })
}

fn configured(backend: impl UserBackend) -> Configured {
    Configured {
        backend: Arc::new(backend),
        class: "imap".to_owned(),
        endpoint: Some(Endpoint::new("mail.example.com", 993, TlsMode::Implicit)),
        tls: Some(TlsMode::Implicit),
        policy: BackendPolicy::default(),
        names: DomainRules::none().into(),
        warnings: Vec::new(),
    }
}

fn setup(backends: Vec<Configured>) -> LoadedConfig {
    LoadedConfig {
        pins: None,
        file: "user-backend.toml".into(),
        warnings: Vec::new(),
        backends,
        deadline: Duration::from_secs(20),
        source: None,
    }
}

async fn checked(setup: &LoadedConfig, ids: &[&str]) -> Output {
    let args = CheckArgs { ids: ids.iter().map(|id| (*id).to_owned()).collect(), no_canary: false };
    run(setup, &args).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn worst_backend_decides_the_exit_code() {
    let dead = || configured(StaticBackend::new("dead").unwrap().unavailable());
    for (second, state, exit) in [
        (scripted("fine", 90, Word::No), "ok", Exit::Fine),
        (dead(), "unavailable", Exit::Unavailable),
        (scripted("hangs", 90, Word::Never), "unavailable", Exit::Unavailable),
        (scripted("gate", 90, Word::Gate), "ok", Exit::Fine),
        (scripted("moody", 90, Word::Moody), "not_recognised", Exit::Unavailable),
        (scripted("wrong", 90, Word::Misconfigured), "misconfigured", Exit::Usage),
        (scripted("open", 90, Word::Yes), "accepts_anybody", Exit::Usage),
    ] {
        let id = second.id().to_string();
        let reply = checked(&setup(vec![scripted("mail", 90, Word::No), second]), &[]).await;
        let json = reply.json.unwrap();
        assert_eq!(
            (&json["state"], &json["backends"][1]["state"], reply.exit),
            (&state.into(), &state.into(), exit)
        );
        assert_eq!(json["backends"][0]["state"], "ok");
        assert_eq!(json["backends"][1]["id"], *id);
    }
    let both = setup(vec![scripted("open", 90, Word::Yes), dead()]);
    assert_eq!(checked(&both, &[]).await.exit, Exit::Usage);
    assert_eq!(checked(&both, &["dead"]).await.exit, Exit::Unavailable);
}

#[tokio::test]
async fn certificate_is_pointed_out_in_its_last_two_weeks() {
    for (days, words) in [(14, ""), (13, "has 13 days left"), (0, "has 0 days left"), (-1, "ended on")] {
        let reply = checked(&setup(vec![scripted("mail", days, Word::No)]), &[]).await;
        assert_eq!(reply.exit, Exit::Fine);
        assert_eq!(reply.plain.contains("renew it"), !words.is_empty(), "{days}");
        assert!(reply.plain.contains(words), "{}", reply.plain);
        assert_eq!(reply.json.unwrap()["backends"][0]["days_left"], days);
    }
}

#[tokio::test]
async fn table_is_complete_and_escaped() {
    let mut all = vec![
        scripted("mail", 5, Word::No),
        scripted("open", 400, Word::Yes),
        configured(StaticBackend::new("dead").unwrap().unavailable()),
    ];
    all[0].policy.canary = false;
    all[1].warnings = vec!["tls: anybody's certificate is taken".to_owned()];
    let reply = checked(&setup(all), &[]).await;
    assert!(!reply.plain.contains('\u{1b}'), "{}", reply.plain);
    let timeless: Vec<&str> =
        reply.plain.lines().map(|line| line.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    insta::assert_snapshot!(timeless.join("\n"));
}

#[tokio::test]
async fn unrecognised_refusal_is_shown_with_its_setting() {
    let reply = checked(&setup(vec![scripted("mail", 90, Word::Moody)]), &[]).await;
    assert_eq!(reply.exit, Exit::Unavailable);
    assert!(reply.plain.contains("not recognised") && reply.plain.contains("No ?[2J("), "{}", reply.plain);
    assert!(reply.plain.contains("set refusal_texts = [\"No ?[2J("), "{}", reply.plain);
    assert_eq!(reply.json.unwrap()["backends"][0]["canary"], "not_recognised");
    let reply = checked(&setup(vec![scripted("mail", 90, Word::Gate)]), &[]).await;
    assert_eq!(reply.exit, Exit::Fine);
    assert!(reply.plain.contains("refusal_texts = [\"the gate stays shut\"]"), "{}", reply.plain);
    assert_eq!(reply.json.unwrap()["backends"][0]["canary"], "refused");
}

#[tokio::test]
async fn unknown_id_is_answered_with_those_there_are() {
    let setup = setup(vec![scripted("mail", 90, Word::No), scripted("files", 90, Word::No)]);
    let args = CheckArgs { ids: vec!["mial".to_owned()], no_canary: true };
    let failure = run(&setup, &args).await.unwrap_err();
    assert_eq!(failure.to_string(), "there is no backend \"mial\"; there are: mail, files");
}

#[tokio::test]
async fn no_canary_option_runs_no_canary() {
    let setup = setup(vec![scripted("open", 90, Word::Yes)]);
    let args = CheckArgs { ids: Vec::new(), no_canary: true };
    let reply = run(&setup, &args).await.unwrap();
    assert_eq!(reply.exit, Exit::Fine);
    assert_eq!(reply.json.unwrap()["backends"][0]["canary"], "not_asked");
}
