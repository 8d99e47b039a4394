//! Slow and greedy clients against the program, while others go on using it.
//!
//! `cargo xtask adversarial` runs them for longer, and judges how late others were answered.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use user_backend_tests::greedy_clients::{Attack, ask, resident};
use user_backend_tests::report;

use super::operators::Program;
use super::*;

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
    for (number, kind) in Attack::ALL.into_iter().enumerate() {
        // Two sources for each kind.
        for source in 0..2 {
            let from = Ipv4Addr::new(127, 88, u8::try_from(number).unwrap(), source + 1);
            for _ in 0..if is_long { 20 } else { 3 } {
                runtime.spawn(kind.repeat(from, address, Duration::ZERO, Arc::clone(&is_over)));
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
