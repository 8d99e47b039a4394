//! FTP backend against peers that follow a script.

mod adversarial;
mod honest;
mod replies;

use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::{Ca, FakeServer, Leaf, ScriptStep};

const LONG: Duration = Duration::from_secs(60);
/// For servers that never answer.
///
/// Nothing depends on how far a slow machine comes in this time.
const SHORT: Duration = Duration::from_secs(1);
const MODES: [TlsMode; 3] = [TlsMode::None, TlsMode::Explicit, TlsMode::Implicit];

/// A server's side of TLS, and its certificate authority.
struct Keys {
    ca: Ca,
    config: Arc<ServerConfig>,
}

impl Keys {
    fn new(leaf: &Leaf) -> Self {
        let ca = Ca::new();
        let config = ca.server(leaf);
        Self { ca, config }
    }

    fn good() -> Self {
        Self::new(&Leaf::new(["127.0.0.1"]))
    }

    /// A good server up to the point where it waits for USER.
    fn ready(&self, mode: TlsMode) -> Vec<ScriptStep> {
        let greet = ScriptStep::send("220 hello\r\n");
        let tls = ScriptStep::Tls(Arc::clone(&self.config));
        match mode {
            TlsMode::None => vec![greet],
            TlsMode::Implicit => vec![tls, greet],
            _ => vec![greet, ScriptStep::Expect("AUTH TLS\r\n"), ScriptStep::send("234 go\r\n"), tls],
        }
    }

    fn endpoint(&self, peer: &FakeServer, mode: TlsMode) -> Endpoint {
        Endpoint::new("127.0.0.1", peer.port(), mode)
            .with_trust(ServerTrust::CaFile(self.ca.file()))
            .with_connect_timeout(LONG)
            .with_timeout(LONG)
    }
}

fn backend(endpoint: Endpoint) -> FtpBackend {
    FtpBackend::new(FtpSettings::new(BackendId::parse("files").unwrap(), endpoint)).unwrap()
}

async fn ask_for(backend: &FtpBackend, name: &str, password: &str) -> Result<Verdict, BackendError> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + LONG)).await
}

async fn ask(endpoint: Endpoint) -> String {
    say(ask_for(&backend(endpoint), "alice", "Wonderland-1").await)
}

/// An answer in words: `accepted`, the rejection, or `kind phase: detail`.
fn say(answer: Result<Verdict, BackendError>) -> String {
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => format!("{} {}: {}", error.kind(), error.phase(), error.detail()),
    }
}

/// Runs one script in clear text.
async fn plain(script: impl IntoIterator<Item = ScriptStep>) -> (String, FakeServer) {
    let keys = Keys::good();
    let peer = FakeServer::start(script).await;
    let answer = ask(keys.endpoint(&peer, TlsMode::None)).await;
    (answer, peer)
}

fn to_pass(reply: &str) -> Vec<ScriptStep> {
    vec![
        ScriptStep::Expect("USER "),
        ScriptStep::send("331 password?\r\n"),
        ScriptStep::Expect("PASS "),
        ScriptStep::send(reply),
    ]
}

fn to_user(reply: &str) -> Vec<ScriptStep> {
    vec![ScriptStep::Expect("USER "), ScriptStep::send(reply), ScriptStep::Silence]
}
