//! Helper processes: a hang or crash in one of them ends only that login.

use std::fs::File;
use std::os::fd::AsFd;
use std::sync::Arc;

use rustix::io::FdFlags;
use rustix::process::Signal;
use serde_json::json;
use user_backend_tests::report;

use super::*;

const CRASHED: &str = "unavailable: the helper process for libsmbclient ended in the middle of it";

/// The logins at a server while another one hangs.
const LOGINS: usize = 20;

#[tokio::test]
async fn t23_hanging_host_delays_no_other_login() {
    let _alone = ALONE.lock().await;
    let (hung, well) = (SmbHost::start().await, SmbHost::start().await);
    let (at_hung, at_well) = (Arc::new(backend(&hung, LONG)), backend(&well, LONG));
    let mut usually = Duration::ZERO;
    assert_eq!(outcome(&at_well).await, "bad_credentials");
    for _ in 0..LOGINS {
        let began = now();
        assert_eq!(outcome(&at_well).await, "bad_credentials");
        usually = usually.max(began.elapsed());
    }
    // More logins than it has helpers; those that hang do so in the C library, whose own time limit
    // must not end it.
    hung.be_silent(true);
    let (ours, mut waiting) = (helper(), Vec::new());
    for _ in 0..8 {
        let backend = Arc::clone(&at_hung);
        waiting.push(tokio::spawn(async move { outcome(&backend).await }));
    }
    hung.wait_for_sessions(4).await;
    let stuck: Vec<_> = helpers().into_iter().filter(|helper| helper.pid() != ours.pid()).collect();
    assert_eq!(stuck.len(), 4, "{stuck:?}");
    stuck.iter().for_each(|helper| helper.signal(Signal::STOP));
    let mut meanwhile = Duration::ZERO;
    for _ in 0..LOGINS {
        let began = now();
        assert_eq!(outcome(&at_well).await, "bad_credentials");
        meanwhile = meanwhile.max(began.elapsed());
    }
    assert!(
        waiting.iter().all(|login| !login.is_finished()),
        "it does not hang any more, so nothing was shown"
    );
    let delay = meanwhile.saturating_sub(usually).as_millis();
    report::leave("smb_isolation", &json!({ "isolation_ms": u64::try_from(delay).unwrap() }));
    waiting.iter().for_each(tokio::task::JoinHandle::abort);
    for login in waiting {
        let _ = login.await;
    }
    // No caller waits any more: the helpers exit, although they are stopped.
    stuck.iter().for_each(Process::ends);
}

#[tokio::test]
async fn t28_crash_in_the_library_fails_one_login_only() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    let backend = Arc::new(backend(&host, LONG));
    for (number, signal) in [Signal::SEGV, Signal::ABORT, Signal::KILL].into_iter().enumerate() {
        host.be_silent(true);
        let own = Arc::clone(&backend);
        let login = tokio::spawn(async move { outcome(&own).await });
        host.wait_for_sessions(2 * number + 1).await;
        let helper = helper();
        helper.crash(signal);
        assert_eq!(login.await.unwrap(), CRASHED, "{signal:?}");
        host.be_silent(false);
        assert_eq!(outcome(&backend).await, "bad_credentials", "after {signal:?}");
        // A helper that crashes between two logins has no effect.
        helpers().iter().for_each(|helper| {
            helper.signal(Signal::KILL);
            helper.ends();
        });
    }
}

#[tokio::test]
async fn dead_helper_between_logins_is_replaced() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    let backend = backend(&host, LONG);
    for _ in 0..3 {
        assert_eq!(outcome(&backend).await, "bad_credentials");
        let helper = helper();
        helper.crash(Signal::SEGV);
    }
}

#[tokio::test]
async fn deadline_ends_a_silent_helper() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    host.be_silent(true);
    let backend = Arc::new(backend(&host, Duration::from_secs(2)));
    let (own, began) = (Arc::clone(&backend), now());
    let login = tokio::spawn(async move { login(&own).await });
    host.wait_for_sessions(1).await;
    let helper = helper();
    helper.signal(Signal::STOP);
    let error = login.await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.is_timeout()), ("unavailable", true), "{error}");
    assert!(began.elapsed() >= Duration::from_secs(2));
    helper.ends();
    host.be_silent(false);
    assert_eq!(outcome(&backend).await, "bad_credentials");
}

#[tokio::test]
async fn cancelled_login_ends_its_helper() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    host.be_silent(true);
    let backend = Arc::new(backend(&host, LONG));
    let own = Arc::clone(&backend);
    let login = tokio::spawn(async move { outcome(&own).await });
    host.wait_for_sessions(1).await;
    let helper = helper();
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    helper.ends();
}

#[tokio::test]
async fn helpers_serve_logins_in_turn_and_end_with_their_backend() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    let backend = backend(&host, LONG);
    assert!(helpers().is_empty(), "no login so far");
    assert_eq!(outcome(&backend).await, "bad_credentials");
    let first = helper();
    for _ in 0..5 {
        assert_eq!(outcome(&backend).await, "bad_credentials");
        assert_eq!(helper().pid(), first.pid());
    }
    drop(backend);
    first.ends();
}

#[tokio::test]
async fn t24_full_queue_of_helpers_is_unavailable_at_once() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    host.be_silent(true);
    let backend = Arc::new(backend(&host, LONG));
    let mut waiting = tokio::task::JoinSet::new();
    // 4 that are served and 64 that wait.
    for _ in 0..69 {
        let backend = Arc::clone(&backend);
        waiting.spawn(async move { outcome(&backend).await });
    }
    let first = waiting.join_next().await.unwrap().unwrap();
    assert_eq!(first, "unavailable: too many logins wait for libsmbclient");
    waiting.shutdown().await;
}

#[tokio::test]
async fn non_helper_program_gets_no_password() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    let directory = tempfile::tempdir().unwrap();
    let received = directory.path().join("received");
    let listener = directory.path().join("listener");
    std::fs::write(
        &listener,
        format!("#!/bin/sh\nprintf 'ub-smb-helper 0\\n' >&0\nhead -c 1 >{received:?}\n"),
    )
    .unwrap();
    std::fs::set_permissions(&listener, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    for program in [listener, "/bin/true".into()] {
        let outcome_text = outcome(&backend_with(&host, LONG, Isolation::Program(program.clone()))).await;
        let expected = format!(
            "misconfigured: {} is no SMB helper of this version (nothing was sent to it)",
            program.display()
        );
        assert_eq!(outcome_text, expected);
    }
    helpers().iter().for_each(Process::ends);
    assert_eq!(std::fs::read(received).unwrap_or_default(), b"");
    let missing = outcome(&backend_with(&host, LONG, Isolation::Program("/nonexistent".into()))).await;
    assert_eq!(missing, "unavailable: the helper process for libsmbclient does not start");
}

#[tokio::test]
async fn t62_helper_inherits_no_environment_and_no_arguments() {
    let _alone = ALONE.lock().await;
    let host = SmbHost::start().await;
    // A file that other code in this process left open for children.
    let directory = tempfile::tempdir().unwrap();
    let left_open = File::create(directory.path().join("left-open")).unwrap();
    rustix::io::fcntl_setfd(left_open.as_fd(), FdFlags::empty()).unwrap();
    let backend = backend(&host, LONG);
    assert_eq!(outcome(&backend).await, "bad_credentials");
    let helper = helper();
    let arguments_and_environment = helper.arguments_and_environment();
    let text = String::from_utf8_lossy(&arguments_and_environment).into_owned();
    assert!(text.starts_with("user-backend-smb-helper\0--user-backend-smb-helper\0"), "{text}");
    assert!(!text.contains("CARGO"), "the environment of this process: {text}");
    assert_eq!(canary::count(&arguments_and_environment), 0, "{text}");
    let Some(open) = helper.descriptors() else {
        eprintln!("not shown: only root sees the descriptors of a helper");
        return;
    };
    for standard in 0..3 {
        assert_eq!(open[&standard].to_str(), Some("/dev/null"), "{open:?}");
    }
    for (number, target) in &open {
        let target = target.to_string_lossy();
        let is_its_own = ["/dev/null", "socket:", "anon_inode:", "/var/lib/samba", "/run/samba", "pipe:"];
        assert!(is_its_own.iter().any(|own| target.starts_with(own)), "{number}: {target}");
    }
    let limits = helper.core_limits().unwrap();
    assert_eq!(limits, ("0".to_owned(), "0".to_owned()));
    // Run by root, it would have all of them.
    let capabilities = helper.capabilities().unwrap();
    assert!(capabilities.iter().all(|bits| bits.chars().all(|digit| digit == '0')), "{capabilities:?}");
}
