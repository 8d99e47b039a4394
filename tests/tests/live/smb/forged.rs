//! Responses that an attacker on the network path has changed: none of them is accepted.

use user_backend::transport::Endpoint;
use user_backend_tests::rig::Rig;

use super::relay::{Change, NEGOTIATE, Relay, SESSION_SETUP, TREE_CONNECT};
use super::{BAD_PASSWORD, EVERY_WAY, LoginMethod, SANE, backend_at, outcome, password};

const MORE_PROCESSING: u32 = 0xc000_0016;

async fn through(relay: &Relay, how: LoginMethod, name: &str, password: &str) -> String {
    let backend = backend_at("127.0.0.1", relay.port(), how, Endpoint::DEFAULT_TIMEOUT);
    outcome(&backend, name, password).await
}

/// Whether this is the server's last word about a session.
fn is_last_word(frame: &super::relay::Frame) -> bool {
    frame.command() == Some(SESSION_SETUP) && frame.status() != MORE_PROCESSING
}

#[tokio::test]
async fn one_attempt_is_one_login() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    // The second server would make a guest of a client that retries anonymously.
    for port in [SANE, BAD_PASSWORD] {
        for how in EVERY_WAY {
            for (name, secret) in [("alice", right.as_str()), ("alice", "wrong"), ("unknown-user", "wrong")] {
                let relay = Relay::start(rig.host(), port, |_| (), |_| ()).await;
                let answer = through(&relay, how, name, secret).await;
                let expected = if secret == right { "yes alice" } else { "bad_credentials" };
                assert_eq!(answer, expected, "{port} {how:?} {name}");
                // NTLM takes two: the challenge is requested, and answered.
                assert_eq!(relay.setups(), 2, "{port} {how:?} {name}");
            }
        }
    }
}

#[tokio::test]
async fn yes_without_its_signature_is_no_yes() {
    let Some(rig) = Rig::find() else { return };
    let right = password(&rig, "alice");
    let changes: [Change; 2] = [
        |frame| {
            if is_last_word(frame) {
                frame.unsign();
            }
        },
        |frame| {
            if is_last_word(frame) {
                frame.forge_signature();
            }
        },
    ];
    for change in changes {
        for how in EVERY_WAY {
            let relay = Relay::start(rig.host(), SANE, |_| (), change).await;
            let answer = through(&relay, how, "alice", &right).await;
            assert!(!answer.starts_with("yes"), "{how:?}: {answer}");
            if how == LoginMethod::Native {
                assert_eq!(answer, "protocol login");
            }
        }
    }
}

#[tokio::test]
async fn no_forged_into_yes_is_refused() {
    let Some(rig) = Rig::find() else { return };
    let yes_to_all: Change = |frame| {
        if is_last_word(frame) || frame.command() == Some(TREE_CONNECT) {
            frame.say_yes();
        }
    };
    for how in EVERY_WAY {
        let relay = Relay::start(rig.host(), SANE, |_| (), yes_to_all).await;
        let answer = through(&relay, how, "alice", "wrong").await;
        assert!(!answer.starts_with("yes"), "{how:?}: {answer}");
    }
}

#[tokio::test]
async fn old_dialect_is_no_way_around_the_signature() {
    let Some(rig) = Rig::find() else { return };
    let old: Change = |frame| {
        if frame.command() == Some(NEGOTIATE) {
            frame.offer_old_dialects();
        }
    };
    // With SMB 2.1 the last word of the session set-up may go unsigned, and this one does.
    let forged: [Change; 2] = [
        |frame| {
            if is_last_word(frame) {
                frame.say_yes();
            }
        },
        |frame| {
            if is_last_word(frame) || frame.command() == Some(TREE_CONNECT) {
                frame.say_yes();
            }
        },
    ];
    for change in forged {
        for how in EVERY_WAY {
            let relay = Relay::start(rig.host(), SANE, old, change).await;
            let answer = through(&relay, how, "alice", "wrong").await;
            assert!(!answer.starts_with("yes"), "{how:?}: {answer}");
            if how == LoginMethod::Native {
                assert_eq!(answer, "protocol login");
            }
        }
    }
    // A server that knows nothing newer is no liar: what it says itself counts.
    let right = password(&rig, "alice");
    let relay = Relay::start(rig.host(), SANE, old, |_| ()).await;
    assert_eq!(through(&relay, LoginMethod::Native, "alice", &right).await, "yes alice");
    assert_eq!(through(&relay, LoginMethod::Native, "alice", "wrong").await, "bad_credentials");
}
