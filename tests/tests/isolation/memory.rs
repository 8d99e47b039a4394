//! What a process remembers of a password when a login is over.
//!
//! Our own buffers are wiped. What libraries leave in memory is counted here and listed in
//! docs/security/test-evidence.md; a number that grows fails.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::json;
use user_backend_tests::rig::Rig;
use user_backend_tests::{Ca, FakeServer, Leaf, ScriptStep, report};

use super::helper_process::Program;
use super::*;

/// What is found, by its form; what is not found is left out.
type Found = BTreeMap<&'static str, usize>;

/// The samba of the rig, and the verdict.
///
/// It takes a challenge and its answer to bring all of a library's copies about. Without a rig, a
/// host that refuses at once.
async fn file_server() -> (u16, Option<SmbHost>) {
    if Rig::find().is_some() {
        return (10445, None);
    }
    let host = SmbHost::start().await;
    (host.port(), Some(host))
}

async fn after_a_login(words: &[&str], verdict: &str) -> (Program, Option<Found>) {
    let mut program = Program::start(words, None);
    assert_eq!(program.verdict().await, verdict, "{words:?}");
    let found = program.process().remembers(&canary::remains());
    (program, found)
}

fn report_found(what: &str, found: Option<&Found>) -> usize {
    let Some(found) = found else {
        eprintln!("{what}: the system does not let us look");
        return 0;
    };
    report::leave(&format!("memory_after_{what}"), &json!({ "memory": { what: found } }));
    found.values().sum()
}

fn tls(ca: &Ca, rest: &[ScriptStep]) -> Vec<ScriptStep> {
    let first = ScriptStep::Tls(ca.server(&Leaf::new(["127.0.0.1"])));
    std::iter::once(first).chain(rest.iter().cloned()).collect()
}

fn file(ca: &Ca) -> String {
    let file = ca.file();
    let file: &Path = file.as_ref();
    file.display().to_string()
}

/// Else all of the below would prove nothing.
#[tokio::test]
async fn t61_password_in_memory_is_found() {
    let host = SmbHost::start().await;
    host.be_silent(true);
    let program = Program::start(&["native", &host.port().to_string()], None);
    host.wait_for_sessions(1).await;
    let found = program.process().remembers(&canary::remains());
    assert!(found.is_none_or(|found| found["plain"] > 0));
}

#[tokio::test]
async fn t61_imap_login_leaves_no_password_in_memory() {
    let ca = Ca::new();
    let script = [
        ScriptStep::send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n"),
        ScriptStep::Line,
        ScriptStep::send("{tag} OK in\r\n"),
    ];
    let peer = FakeServer::start(tls(&ca, &script)).await;
    let (_program, found) = after_a_login(&["imap", &peer.port().to_string(), &file(&ca)], "accepted").await;
    assert_eq!(report_found("imap", found.as_ref()), 0, "{found:?}");
}

#[tokio::test]
async fn t61_ftp_login_leaves_no_password_in_memory() {
    let ca = Ca::new();
    let script = [
        ScriptStep::send("220 ready\r\n"),
        ScriptStep::Line,
        ScriptStep::send("331 go\r\n"),
        ScriptStep::Line,
        ScriptStep::send("230 in\r\n"),
    ];
    let peer = FakeServer::start(tls(&ca, &script)).await;
    let (_program, found) = after_a_login(&["ftp", &peer.port().to_string(), &file(&ca)], "accepted").await;
    assert_eq!(report_found("ftp", found.as_ref()), 0, "{found:?}");
}

#[tokio::test]
async fn t61_smb2_leaves_one_copy_of_the_password_at_most() {
    let (port, _host) = file_server().await;
    let (_program, found) = after_a_login(&["native", &port.to_string()], "bad_credentials").await;
    assert!(report_found("smb_native", found.as_ref()) <= 1, "{found:?}");
}

#[tokio::test]
async fn t61_libsmbclient_in_a_helper_leaves_no_password() {
    let _alone = ALONE.lock().await;
    let (port, _host) = file_server().await;
    let (program, found) = after_a_login(&["pavao", &port.to_string()], "bad_credentials").await;
    let left = program.helper().remembers(&canary::remains());
    report_found("smb_helper", left.as_ref());
    assert_eq!(report_found("smb_program", found.as_ref()), 0, "{found:?}");
    assert_eq!(left.unwrap_or_default(), Found::new());
}
