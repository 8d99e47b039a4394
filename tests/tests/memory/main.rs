//! What a hostile server can make an attempt cost: memory, counted by the allocator, and file descriptors.
//!
//! One test in one binary: whatever else ran beside it would be counted too. The scripted server is part of the count,
//! so the figures are upper bounds.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use peak_alloc::PeakAlloc;
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, TlsMode, Trust};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, clock};
use user_backend_tests::{Ca, Leaf, Peer, Step};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n";
const FLOOD: usize = 400_000_000;
const LIMIT: usize = 1024 * 1024;

#[tokio::test]
async fn a_server_that_sends_400_mb_costs_less_than_1_mib() {
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
    let ca = Ca::new();
    for tls in [TlsMode::None, TlsMode::Implicit] {
        for (what, first, flood) in floods {
            for greeting in ["", "* OK hi\r\n", GREETING] {
                let mut script = vec![Step::send(greeting)];
                if tls == TlsMode::Implicit {
                    script.insert(0, Step::Tls(ca.server(&Leaf::new(["127.0.0.1"]))));
                }
                if !greeting.is_empty() {
                    script.push(Step::Line);
                }
                script.extend([Step::send(first), Step::Flood { bytes: flood, total: FLOOD }]);
                let peer = Peer::start(script).await;
                let used = peak_of_one_attempt(&ca, &peer, tls).await;
                println!("{used:>8} bytes: {what}, tls {tls}, after {greeting:?}");
                assert!(used < LIMIT, "{what}, tls {tls}, after {greeting:?}: {used} bytes");
            }
        }
    }
    no_descriptor_is_left_behind(&ca).await;
}

fn backend(ca: &Ca, peer: &Peer, tls: TlsMode) -> ImapBackend {
    let endpoint = Endpoint::new("127.0.0.1", peer.port(), tls).with_trust(Trust::CaFile(ca.file()));
    ImapBackend::new(ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint)).unwrap()
}

async fn attempt(backend: &ImapBackend) -> &'static str {
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let deadline = clock::now() + Duration::from_secs(30);
    match backend.authenticate(&Attempt::new(&name, &password, deadline)).await {
        Ok(verdict) => panic!("{verdict:?}"),
        Err(error) => error.kind(),
    }
}

async fn peak_of_one_attempt(ca: &Ca, peer: &Peer, tls: TlsMode) -> usize {
    let backend = backend(ca, peer, tls);
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    assert_eq!(attempt(&backend).await, "protocol");
    MEMORY.peak_usage().saturating_sub(before)
}

/// However an attempt ends, its connection is closed.
async fn no_descriptor_is_left_behind(ca: &Ca) {
    let tls = || Step::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    let scripts = [
        vec![],
        vec![Step::send("HTTP/1.1 400 Bad\r\n")],
        vec![tls()],
        vec![tls(), Step::send(GREETING), Step::Line],
        vec![tls(), Step::send(GREETING), Step::Line, Step::send("{tag} BAD\r\n")],
    ];
    for script in scripts {
        let peer = Peer::start(script).await;
        let backend = backend(ca, &peer, TlsMode::Implicit);
        attempt(&backend).await;
        let before = open_descriptors();
        for _ in 0..50 {
            attempt(&backend).await;
        }
        // The peer's side may lag behind by the last connection or two.
        assert!(
            open_descriptors() < before + 10,
            "{before} descriptors before, {} after",
            open_descriptors()
        );
    }
}

/// None where the system does not tell.
fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
