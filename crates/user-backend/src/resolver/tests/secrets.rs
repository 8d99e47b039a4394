//! No output of a sign-in contains the password in any form.
//!
//! T60; saslauthd printed it.

use std::io::Write;

use base64::Engine;
use tracing_subscriber::fmt::MakeWriter;

use super::*;

/// Collects the log while it exists.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// Listens on this thread.
    fn listen(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .with_writer(self.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// All ways in which the password could be written down.
fn forms(name: &str, password: &str) -> Vec<String> {
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD_NO_PAD.encode(bytes);
    let hex: String = password.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        password.to_owned(),
        base64(password.as_bytes()),
        base64(format!("\0{name}\0{password}").as_bytes()),
        base64(format!("{name}:{password}").as_bytes()),
        hex,
        password.replace('-', "%2D"),
        blake3::hash(password.as_bytes()).to_hex().to_string(),
    ]
}

#[tokio::test(start_paused = true)]
async fn t60_no_log_line_error_trace_or_memory_holds_the_password() {
    let log = Log::default();
    let guard = log.listen();
    let server = SwitchedServer::new("mail").with("alice", "Canary-5a1f").with("bob", "b");
    let resolver = server.alone(policy(|policy| policy.max_stale = Some(Duration::from_secs(3600))));
    let mut text = String::new();
    for is_down in [false, true] {
        server.down(is_down);
        for (name, password) in [
            ("alice", "Canary-5a1f"),
            ("Alice", "Canary-5a1f"),
            ("bob", "Canary-5a1f"),
            ("guest", "Canary-5a1f"),
            (" ", "Canary-5a1f"),
            ("alice", "Canary-5a1f\n"),
        ] {
            let credentials = Credentials::new(name, password).from_source("203.0.113.7".parse().unwrap());
            let answer = resolver.authenticate(credentials).await;
            text += &format!("{credentials:?} {answer:?} {answer:#?} {}", answer.trace);
            text += &serde_json::to_string(&answer).unwrap();
            text += &format!("{resolver:?} {resolver:#?}");
        }
        tokio::time::advance(Duration::from_secs(600)).await;
    }
    drop(guard);
    let logged = log.text();
    assert!(logged.contains("attempt decided") && logged.contains("alice"), "{logged}");
    text += &logged;
    for form in forms("alice", "Canary-5a1f") {
        assert!(!text.contains(&form), "{form}");
    }
}

// NC-SA-2016-002: a name with a line end wrote log lines of its own (T64).
#[tokio::test(start_paused = true)]
async fn t64_name_cannot_forge_a_log_line() {
    let log = Log::default();
    let guard = log.listen();
    let resolver = SwitchedServer::new("mail").alone(BackendPolicy::default());
    for name in [
        "eve\n2026-11-22 INFO alice signed in",
        "eve\r\nx",
        "eve\u{1b}[2Jx",
        "eve\u{202e}x",
        "eve\u{2028}x",
        "eve\" outcome=\"authenticated",
        "eve\u{85}x",
    ] {
        let answer = sign_in(&resolver, name, "x").await;
        for text in [answer.trace.to_string(), serde_json::to_string(&answer).unwrap(), format!("{answer:?}")]
        {
            assert!(!text.contains(['\u{1b}', '\r', '\u{202e}', '\u{2028}', '\u{85}']), "{text:?}");
        }
    }
    drop(guard);
    let logged = log.text();
    assert!(logged.lines().all(|line| line.contains("user_backend")), "{logged}");
    assert!(!logged.contains(['\u{1b}', '\r', '\u{202e}', '\u{2028}', '\u{85}']), "{logged:?}");
    assert!(!logged.contains("outcome=\"authenticated"), "{logged}");
}
