//! Slow and greedy clients against the program, while others go on using it.
//!
//! `cargo xtask adversarial` runs them for longer, and judges how late others were answered.

use std::io::{Read, Write};
use std::net::TcpStream as Stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::io::AsyncWriteExt;
use user_backend_tests::report;

use super::operators::Program;
use super::*;

/// What an attacker does with a connection.
#[derive(Clone, Copy, Debug)]
enum Attack {
    /// Opens it and says nothing.
    Silent,
    /// Sends the head of a request byte by byte.
    SlowHead,
    /// Announces a body and sends it byte by byte.
    SlowBody,
    /// Asks for long answers and reads none.
    Unread,
    /// Sends bodies that are as long as they may be, for a sign-in that waits.
    Bodies,
    /// As many headers as they may be.
    Headers,
}

const ATTACKS: [Attack; 6] =
    [Attack::Silent, Attack::SlowHead, Attack::SlowBody, Attack::Unread, Attack::Bodies, Attack::Headers];

impl Attack {
    /// Goes on until the server hangs up.
    async fn run(self, stream: &mut TcpStream) -> std::io::Result<()> {
        let post = "POST /ocs/v2.php/person/check HTTP/1.1\r\nHost: localhost\r\nOCS-APIRequest: true\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";
        match self {
            Self::Silent => {
                let mut byte = [0];
                tokio::io::AsyncReadExt::read(stream, &mut byte).await.map(drop)
            }
            Self::SlowHead => drip(stream, b"GET /login HTTP/1.1\r\nHost: localhost\r\nX-A: ").await,
            Self::SlowBody => drip(stream, format!("{post}Content-Length: 16000\r\n\r\n").as_bytes()).await,
            Self::Unread => loop {
                stream.write_all(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n").await?;
            },
            Self::Bodies => {
                let body = format!("login=stranger&password=wrong&x={}", "a".repeat(16_000));
                loop {
                    let head = format!("{post}Content-Length: {}\r\n\r\n", body.len());
                    stream.write_all((head + &body).as_bytes()).await?;
                }
            }
            Self::Headers => loop {
                let headers = "X-A: b\r\n".repeat(98);
                let request = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
                stream.write_all(request.as_bytes()).await?;
            },
        }
    }
}

/// Sends a beginning, and then a byte a second.
async fn drip(stream: &mut TcpStream, begin: &[u8]) -> std::io::Result<()> {
    stream.write_all(begin).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        stream.write_all(b"a").await?;
    }
}

/// One connection after the other from one address.
async fn attack(attack: Attack, from: Ipv4Addr, address: SocketAddr, is_over: Arc<AtomicBool>) {
    while !is_over.load(Ordering::Relaxed) {
        let Ok(socket) = TcpSocket::new_v4() else { return };
        let _ = socket.set_recv_buffer_size(4096);
        if socket.bind((from, 0).into()).is_err() {
            return;
        }
        if let Ok(mut stream) = socket.connect(address).await {
            let _ = attack.run(&mut stream).await;
        }
        tokio::task::yield_now().await;
    }
}

fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

/// The status of an answer, and how long it took.
fn ask(address: &str, request: &str) -> (String, Duration) {
    let begin = Instant::now();
    let mut answer = String::new();
    if let Ok(mut stream) = Stream::connect(address) {
        let _ = stream.set_read_timeout(Some(Duration::from_secs(30)));
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut answer);
    }
    (answer.split(' ').nth(1).unwrap_or("none").to_owned(), begin.elapsed())
}

#[cfg(target_os = "linux")]
#[test]
fn server_answers_others_despite_slow_greedy_clients() {
    use base64::Engine;

    let mut program = Program::start("", &[]);
    program.running.drop_log();
    let address: SocketAddr = program.address.parse().unwrap();
    let process = program.running.child.id();
    let credentials = base64::prelude::BASE64_STANDARD.encode(format!("admin:{PASSWORD}"));
    let health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let sign_in = format!(
        "GET /ocs/v1.php/cloud/user HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nOCS-APIRequest: true\r\n\
         Authorization: Basic {credentials}\r\n\r\n"
    );
    // Once, so that what is made once is made.
    assert_eq!(ask(&program.address, health).0, "200");
    assert_eq!(ask(&program.address, &sign_in).0, "200");
    let before = resident(process);

    let is_over = Arc::new(AtomicBool::new(false));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let is_long = std::env::var_os("ADVERSARIAL_REPORT").is_some();
    for (number, kind) in ATTACKS.into_iter().enumerate() {
        // Two sources for each kind.
        for source in 0..2 {
            let from = Ipv4Addr::new(127, 88, u8::try_from(number).unwrap(), source + 1);
            for _ in 0..if is_long { 20 } else { 3 } {
                runtime.spawn(attack(kind, from, address, Arc::clone(&is_over)));
            }
        }
    }
    // Longer than the server lets any of them go on.
    let at_least = Duration::from_secs(if is_long { 40 } else { 0 });
    let (mut missed, mut latest, mut most) = (0_u32, Duration::ZERO, before);
    let (begin, mut rounds) = (Instant::now(), 0);
    while rounds < 10 || begin.elapsed() < at_least {
        rounds += 1;
        for request in [health, &sign_in] {
            let (status, took) = ask(&program.address, request);
            missed += u32::from(status != "200");
            latest = latest.max(took);
        }
        most = most.max(resident(process));
        assert_eq!(missed, 0, "round {rounds}");
    }
    is_over.store(true, Ordering::Relaxed);
    runtime.shutdown_background();
    let figures = serde_json::json!({
        "server_rounds": rounds,
        "server_missed": missed,
        "server_latest_ms": u64::try_from(latest.as_millis()).unwrap(),
        "server_mib": most - before,
    });
    report::leave("server", &figures);
    assert!(most - before <= 64, "{before} MiB before, {most} MiB at most");
}
