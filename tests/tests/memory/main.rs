//! What an adversarial server can make an attempt cost.
//!
//! Memory, counted by the allocator, and file descriptors.
//!
//! A separate binary, with one test at a time: concurrent work would be counted too. The scripted
//! server is part of the count, so the figures are upper bounds.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod sign_ins;

use std::time::Duration;

use peak_alloc::PeakAlloc;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, clock};
use user_backend_tests::{Ca, FakeServer, Leaf, ScriptStep, report};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What one test holds must not count for another.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

const FTP_GREETING: &str = "220 ready\r\n";
const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n";
const FLOOD: usize = 400_000_000;
const LIMIT: usize = 1024 * 1024;

#[tokio::test]
async fn t21_server_sending_400_mb_costs_below_1_mib() {
    let _alone = ALONE.lock().await;
    let ca = Ca::new();
    let most = imap_floods(&ca).await.max(ftp_floods(&ca).await);
    report::leave("memory", &serde_json::json!({ "peak_bytes": most }));
    no_file_descriptor_leaks(&ca).await;
}

async fn imap_floods(ca: &Ca) -> usize {
    let mut most = 0;
    let floods: [(&str, &str, &'static [u8]); 8] = [
        ("one endless line", "", &[b'('; 8192]),
        ("nested parentheses", "* 1 FETCH (BODYSTRUCTURE ", &[b'('; 8192]),
        ("lines that are dropped", "", b"* 1 EXISTS\r\n"),
        ("lines that are passed", "", b"* OK [ALERT] x\r\n"),
        ("empty lines", "", b"\r\n"),
        ("a literal", "* 1 FETCH (BODY[] {400000000}\r\n", &[b'x'; 8192]),
        ("many small literals", "", b"* 1 FETCH (BODY[] {1}\r\nx)\r\n"),
        ("capabilities", "", b"* CAPABILITY A A A A A A A A A A A A A A A A A A A A A A A A\r\n"),
    ];
    for tls in [TlsMode::None, TlsMode::Implicit] {
        for (what, first, flood) in floods {
            for greeting in ["", "* OK hi\r\n", GREETING] {
                let mut script = vec![ScriptStep::send(greeting)];
                if tls == TlsMode::Implicit {
                    script.insert(0, ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))));
                }
                if !greeting.is_empty() {
                    script.push(ScriptStep::Line);
                }
                script.extend([ScriptStep::send(first), ScriptStep::Flood { bytes: flood, total: FLOOD }]);
                let peer = FakeServer::start(script).await;
                let used = peak_of_one_attempt(&imap(ca, &peer, tls)).await;
                println!("{used:>8} bytes: {what}, tls {tls}, after {greeting:?}");
                assert!(used < LIMIT, "{what}, tls {tls}, after {greeting:?}: {used} bytes");
                most = most.max(used);
            }
        }
    }
    most
}

async fn ftp_floods(ca: &Ca) -> usize {
    let mut most = 0;
    let floods: [(&str, &'static [u8]); 4] = [
        ("one endless line", &[b'x'; 8192]),
        ("lines of one reply", b"-more\r\n"),
        ("empty lines", b"\r\n"),
        ("bytes that are no text", &[0xff; 8192]),
    ];
    // The beginning of a reply that never ends, at every place where one is read.
    let login =
        [ScriptStep::Line, ScriptStep::send("331 go\r\n"), ScriptStep::Line, ScriptStep::send("230-")];
    for tls in [TlsMode::None, TlsMode::Implicit] {
        for (what, flood) in floods {
            for place in [0, 2, 4] {
                let mut script = Vec::new();
                if tls == TlsMode::Implicit {
                    script.push(ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"]))));
                }
                script.push(ScriptStep::send(if place == 0 { "220-" } else { FTP_GREETING }));
                script.extend(login.iter().take(place).cloned());
                if place == 2 {
                    // What comes with the greeting would be noticed before it is read.
                    script.pop();
                    script.push(ScriptStep::send("331-"));
                }
                script.push(ScriptStep::Flood { bytes: flood, total: FLOOD });
                let peer = FakeServer::start(script).await;
                let used = peak_of_one_attempt(&ftp(ca, &peer, tls)).await;
                println!("{used:>8} bytes: ftp, {what}, tls {tls}, at {place}");
                assert!(used < LIMIT, "ftp, {what}, tls {tls}, at {place}: {used} bytes");
                most = most.max(used);
            }
        }
    }
    most
}

fn ftp(ca: &Ca, peer: &FakeServer, tls: TlsMode) -> FtpBackend {
    let endpoint = Endpoint::new("127.0.0.1", peer.port(), tls).with_trust(ServerTrust::CaFile(ca.file()));
    FtpBackend::new(FtpSettings::new(BackendId::parse("files").unwrap(), endpoint)).unwrap()
}

fn imap(ca: &Ca, peer: &FakeServer, tls: TlsMode) -> ImapBackend {
    let endpoint = Endpoint::new("127.0.0.1", peer.port(), tls).with_trust(ServerTrust::CaFile(ca.file()));
    ImapBackend::new(ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint)).unwrap()
}

async fn attempt(backend: &dyn UserBackend) -> &'static str {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let deadline = clock::now() + Duration::from_secs(30);
    match backend.authenticate(&Attempt::new(&name, &password, deadline)).await {
        Ok(verdict) => panic!("{verdict:?}"),
        Err(error) => error.kind(),
    }
}

async fn peak_of_one_attempt(backend: &dyn UserBackend) -> usize {
    // The previous fake server notices the closed connection, and frees its memory before the count
    // begins.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    assert_eq!(attempt(backend).await, "protocol");
    MEMORY.peak_usage().saturating_sub(before)
}

/// However an attempt ends, its connection is closed.
async fn no_file_descriptor_leaks(ca: &Ca) {
    let tls = || ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    let scripts = [
        vec![],
        vec![ScriptStep::send("HTTP/1.1 400 Bad\r\n")],
        vec![tls()],
        vec![tls(), ScriptStep::send(GREETING), ScriptStep::Line],
        vec![tls(), ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send("{tag} BAD\r\n")],
        vec![tls(), ScriptStep::send(FTP_GREETING), ScriptStep::Line],
        vec![
            tls(),
            ScriptStep::send(FTP_GREETING),
            ScriptStep::Line,
            ScriptStep::send("331 go\r\n"),
            ScriptStep::Line,
        ],
    ];
    for script in scripts {
        let peer = FakeServer::start(script).await;
        let backends: [Box<dyn UserBackend>; 2] =
            [Box::new(imap(ca, &peer, TlsMode::Implicit)), Box::new(ftp(ca, &peer, TlsMode::Implicit))];
        for backend in &backends {
            attempt(backend.as_ref()).await;
        }
        let before = open_descriptors();
        for backend in backends.iter().cycle().take(50) {
            attempt(backend.as_ref()).await;
        }
        // The peer's side may lag behind by the last connection or two.
        assert!(
            open_descriptors() < before + 10,
            "{before} descriptors before, {} after",
            open_descriptors()
        );
    }
}

/// `None` if the system does not say.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
