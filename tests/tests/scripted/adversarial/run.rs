//! Runs rows, each with its own server, backend and paused clock; checks results.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use serde_json::json;
use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::http::{HttpAuth, HttpBackend, HttpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::ldap::{LdapBackend, LdapSettings};
use user_backend::smb::{SmbBackend, SmbEngine, SmbSettings};
use user_backend::smtp::{SmtpBackend, SmtpSettings};
use user_backend::ssh::{HostKeyPin, SshBackend, SshSettings};
use user_backend::transport::{Endpoint, ServerTrust};
use user_backend::xmpp::{XmppBackend, XmppSettings};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::fake_server::TICK;
use user_backend_tests::{Ca, FakeServer, Leaf, canary, paused_time, report};

use super::row::{Protocol, Receives, Row, peer};

/// What each attempt is given, by the clock that the script moves.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// What a server says in words, so that it can be looked for in what we say.
pub(super) const ZEBRA: &str = "zebra";

/// A key that no script has.
const FINGERPRINT: &str = "SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM";

struct Keys {
    ca: Ca,
    server: Arc<ServerConfig>,
}

static KEYS: LazyLock<Keys> = LazyLock::new(|| {
    let ca = Ca::new();
    let server = ca.server(&Leaf::new(["127.0.0.1"]));
    Keys { ca, server }
});

/// The server's side of TLS in all rows.
pub(super) fn server_keys() -> Arc<ServerConfig> {
    Arc::clone(&KEYS.server)
}

/// What came of one row.
struct Outcome {
    word: String,
    error_text: String,
    late: Duration,
    received: Vec<u8>,
    connections: usize,
}

/// Runs all rows; reports the figures under `name`.
///
/// `things` is what the rows are called.
///
/// # Panics
/// Names every row whose outcome was not allowed.
pub(super) fn run(name: &str, things: &str, rows: &[Row]) {
    let _ = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_writer(|| canary::Sink)
        .try_init();
    // Not every protocol logs anything; this line shows that it would be seen.
    tracing::trace!("{name}: {} rows", rows.len());
    // Panics in tasks of libraries count as well, though they are caught.
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        usual(panic);
    }));
    let next = AtomicUsize::new(0);
    let figures = Mutex::new(Figures::default());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = catch_unwind(AssertUnwindSafe(|| paused_time::run(play(row))));
                    figures.lock().unwrap_or_else(PoisonError::into_inner).note(row, outcome);
                }
            });
        }
    });
    let figures = figures.into_inner().unwrap_or_else(PoisonError::into_inner);
    report::leave(
        name,
        &json!({
            things: rows.len(),
            "outcomes": figures.outcomes,
            "wrong": figures.wrong.len(),
            "panics": PANICS.load(Ordering::Relaxed),
            "overruns": figures.overruns,
            "secrets": canary::WRITTEN.found(),
            "searched": canary::WRITTEN.bytes(),
        }),
    );
    assert!(
        figures.wrong.is_empty(),
        "{} rows are wrong:\n{}",
        figures.wrong.len(),
        figures.wrong.join("\n")
    );
    assert_eq!(PANICS.load(Ordering::Relaxed), 0, "something panicked");
    assert_eq!(canary::WRITTEN.found(), 0, "the password was logged");
    assert!(canary::WRITTEN.bytes() > 0, "nothing was logged, so nothing was looked through");
}

#[derive(Default)]
struct Figures {
    outcomes: BTreeMap<String, usize>,
    wrong: Vec<String>,
    overruns: usize,
}

impl Figures {
    fn note(&mut self, row: &Row, outcome: std::thread::Result<Option<Outcome>>) {
        let outcome = match outcome {
            Ok(Some(outcome)) => outcome,
            Ok(None) => return self.wrong.push(format!("{row}: hangs")),
            Err(_) => return self.wrong.push(format!("{row}: panics")),
        };
        let kind = outcome.word.split(' ').next().unwrap_or_default();
        *self.outcomes.entry(kind.to_owned()).or_default() += 1;
        if outcome.late > TICK {
            self.overruns += 1;
        }
        if let Err(why) = judge(row, &outcome) {
            self.wrong.push(format!("{row}: {why}"));
        }
    }
}

fn judge(row: &Row, outcome: &Outcome) -> Result<(), String> {
    let Outcome { word, error_text, late, received, connections } = outcome;
    if !row.allows(word) {
        return Err(format!("{word} is not among {:?}", row.allowed));
    }
    if *late > TICK {
        return Err(format!("the answer came {late:?} after the deadline"));
    }
    let found = canary::count(error_text.as_bytes());
    if found != 0 || error_text.contains(ZEBRA) {
        return Err(format!("the error shows what it must not: {error_text}"));
    }
    // libsmbclient connects only after a greeting on a separate connection; a result that looks
    // like an outage counts only if the server greets once more.
    let most = match row.protocol {
        Protocol::SmbShare | Protocol::SmbPipe => 3,
        // A connection for the challenge, and one for the answer if the server closes the first.
        Protocol::HttpDigest => 2,
        _ => 1,
    };
    if *connections > most {
        return Err(format!("{connections} connections for one attempt"));
    }
    let times = credentials_in(row.protocol, received);
    let may = usize::from(row.receives == Receives::Once);
    if times > may {
        return Err(format!("the server received the password {times} times, not {may}"));
    }
    if word.starts_with("accepted") && times == 0 && !never_sends_it(row.protocol) {
        return Err("accepted a password that was not sent".to_owned());
    }
    Ok(())
}

fn never_sends_it(protocol: Protocol) -> bool {
    let smb = [Protocol::SmbShare, Protocol::SmbPipe, Protocol::SmbNative];
    matches!(protocol, Protocol::HttpDigest | Protocol::XmppScram) || smb.contains(&protocol)
}

/// How often the password went over the wire.
///
/// SMB, Digest and SCRAM never send it; it must not be there in any form.
fn credentials_in(protocol: Protocol, received: &[u8]) -> usize {
    let end = if protocol == Protocol::Xmpp { b'>' } else { b'\n' };
    let lines = received.split(|byte| *byte == end);
    let holds = |line: &&[u8]| canary::count(line) > 0;
    if never_sends_it(protocol) { canary::count(received) } else { lines.filter(holds).count() }
}

async fn play(row: &Row) -> Outcome {
    let peer = peer(row).await;
    let backend = backend(row, &peer);
    let (name, password) =
        (LoginName::parse(canary::NAME).unwrap(), Password::parse(canary::PASSWORD).unwrap());
    let deadline = now() + DEADLINE;
    if row.flows {
        tokio::spawn(async {
            loop {
                for _ in 0..40 {
                    tokio::task::yield_now().await;
                }
                tokio::time::advance(TICK).await;
            }
        });
    }
    let answer = backend.authenticate(&Attempt::new(&name, &password, deadline)).await;
    let late = now().saturating_duration_since(deadline);
    let error_text = format!(
        "{answer:?} {answer:#?} {backend:?} {backend} {}",
        answer.as_ref().err().map_or_else(String::new, ToString::to_string)
    );
    Outcome {
        word: word(&answer),
        error_text,
        late,
        received: peer.received(),
        connections: peer.connections(),
    }
}

/// The client of a row.
pub(super) fn backend(row: &Row, peer: &FakeServer) -> Box<dyn UserBackend> {
    let id = BackendId::parse("server").unwrap();
    let endpoint =
        Endpoint::new("127.0.0.1", peer.port(), row.tls).with_trust(ServerTrust::CaFile(KEYS.ca.file()));
    let smb = |endpoint| SmbSettings::new(BackendId::parse("server").unwrap(), endpoint);
    match row.protocol {
        Protocol::Imap => Box::new(ImapBackend::new(ImapSettings::new(id, endpoint)).unwrap()),
        Protocol::Ftp => Box::new(FtpBackend::new(FtpSettings::new(id, endpoint)).unwrap()),
        Protocol::Http => Box::new(HttpBackend::new(HttpSettings::new(id, endpoint)).unwrap()),
        Protocol::HttpDigest => {
            let settings = HttpSettings::new(id, endpoint).with_auth(HttpAuth::Digest);
            Box::new(HttpBackend::new(settings).unwrap())
        }
        Protocol::Ldap => {
            let settings = LdapSettings::new(id, endpoint).with_bind("{name}@example.com");
            Box::new(LdapBackend::new(settings).unwrap())
        }
        Protocol::Smtp => Box::new(SmtpBackend::new(SmtpSettings::new(id, endpoint)).unwrap()),
        Protocol::Ssh => {
            let pin = HostKeyPin::Fingerprint(FINGERPRINT.to_owned());
            Box::new(SshBackend::new(SshSettings::new(id, endpoint, pin)).unwrap())
        }
        Protocol::Xmpp | Protocol::XmppScram => {
            Box::new(XmppBackend::new(XmppSettings::new(id, endpoint)).unwrap())
        }
        Protocol::SmbShare => Box::new(SmbBackend::new(smb(endpoint).with_share("data")).unwrap()),
        Protocol::SmbPipe => Box::new(SmbBackend::new(smb(endpoint).with_engine(SmbEngine::Pavao)).unwrap()),
        // The default is this, and libsmbclient after one status: both are rows of their own.
        Protocol::SmbNative => {
            Box::new(SmbBackend::new(smb(endpoint).with_engine(SmbEngine::Native)).unwrap())
        }
    }
}

/// The outcome in a word, errors with their phase.
fn word(answer: &Result<Verdict, BackendError>) -> String {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not_mine".to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.phase()),
    }
}
