//! End to end: a configuration file, a resolver, real servers, users.

use std::fs;

use user_backend::config::Config;
use user_backend::resolver::StepOutcome;
use user_backend::{Credentials, Outcome, Rejection, Resolver};
use user_backend_tests::Rig;

/// The manual's three examples, with the rig's addresses for gmail's and localhost's.
///
/// What the old form cannot say (another port, a private authority) is set beside the arguments.
fn manual(rig: &Rig) -> String {
    let (host, ca) = (rig.host(), rig.ca_file().display().to_string());
    format!(
        r#"<?php
"user_backends" => array (
    0 => array (
        "class"     => "OC_User_IMAP",
        "arguments" => array (
            0 => '{{{host}:10993/imap/ssl}}'
            ),
        "ca_file" => "{ca}",
    ),
    1 => array (
        "class"     => "OC_User_SMB",
        "arguments" => array (
            0 => '{host}'
            ),
        "port" => 10445,
    ),
    2 => array (
        "class"     => "OC_User_FTP",
        "arguments" => array (
            0 => '{host}:10023'
            ),
    ),
),
"#
    )
}

fn named(rig: &Rig) -> String {
    let (host, ca) = (rig.host(), rig.ca_file().display().to_string());
    format!(
        r#"
[[user_backends]]
id = "mail"
class = "imap"
host = "{host}"
port = 10143
ca_file = "{ca}"

[[user_backends]]
id = "office"
class = "smb"
host = "{host}"
port = 10445
share = "share"

[[user_backends]]
id = "depot"
class = "ftp"
host = "{host}"
port = 10990
tls = "implicit"
ca_file = "{ca}"
"#
    )
}

fn password(rig: &Rig, user: &str) -> String {
    let users = fs::read_to_string(rig.state().join("users.tsv")).unwrap();
    let line = users.lines().find(|line| line.split('\t').next() == Some(user)).unwrap();
    line.split('\t').nth(1).unwrap().to_owned()
}

/// Writes a configuration, loads it, and makes a resolver.
fn resolver(name: &str, text: &str) -> (tempfile::TempDir, Resolver) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, text).unwrap();
    let resolver = Resolver::from_config(&Config::load(&file).unwrap()).unwrap();
    (dir, resolver)
}

/// Each of these users is known to one server only.
const PEOPLE: [&str; 3] = ["ingrid", "sam", "felix"];

#[tokio::test]
async fn manuals_examples_sign_people_in() {
    let Some(rig) = Rig::find() else { return };
    let (_dir, resolver) = resolver("config.php", &manual(&rig));
    let ids: Vec<_> = resolver.backends().iter().map(|backend| backend.id().to_string()).collect();
    for (user, id) in PEOPLE.into_iter().zip(ids) {
        let answer = resolver.authenticate(Credentials::new(user, &password(&rig, user))).await;
        let proof = answer.authenticated().unwrap_or_else(|| panic!("{user}: {}", answer.trace));
        assert_eq!((proof.name().as_str(), proof.backend().as_str()), (user, id.as_str()));
        let wrong = resolver.authenticate(Credentials::new(user, "wrong")).await;
        assert_eq!(wrong.outcome, Outcome::Refused(Rejection::BadCredentials), "{}", wrong.trace);
    }
}

#[tokio::test]
async fn three_servers_in_one_chain() {
    let Some(rig) = Rig::find() else { return };
    let (_dir, resolver) = resolver("user-backend.toml", &named(&rig));
    for (id, canary) in resolver.canary().await {
        assert_eq!(canary, user_backend::resolver::canary::Canary::Refused, "{id}");
    }
    for (user, id) in PEOPLE.into_iter().zip(["mail", "office", "depot"]) {
        let right = password(&rig, user);
        let answer = resolver.authenticate(Credentials::new(user, &right)).await;
        assert_eq!(
            answer.authenticated().map(|proof| proof.backend().as_str()),
            Some(id),
            "{}",
            answer.trace
        );
        // The second time no server is asked.
        let again = resolver.authenticate(Credentials::new(&user.to_uppercase(), &right)).await;
        assert_eq!(again.trace.steps.len(), 1);
        assert_eq!(again.authenticated().map(|proof| proof.name().as_str()), Some(user));
    }
    let stranger = resolver.authenticate(Credentials::new("unknown-user", "whatever")).await;
    assert!(matches!(stranger.outcome, Outcome::Refused(_)), "{}", stranger.trace);
    assert_eq!(stranger.trace.steps.len(), 3);
}

#[tokio::test]
async fn stopped_server_refuses_unknown_users_only() {
    let Some(rig) = Rig::find() else { return };
    let (_dir, resolver) = resolver("user-backend.toml", &named(&rig));
    // Known since yesterday, so to say.
    let sam = password(&rig, "sam");
    assert!(resolver.authenticate(Credentials::new("sam", &sam)).await.authenticated().is_some());
    let _stopped = rig.stopped("imap");
    resolver.invalidate_all();
    let answer = resolver.authenticate(Credentials::new("sam", &sam)).await;
    assert!(answer.authenticated().is_some(), "{}", answer.trace);
    // The owner of felix is unknown: the user might be the mail server's.
    let answer = resolver.authenticate(Credentials::new("felix", &password(&rig, "felix"))).await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{}", answer.trace);
    assert_eq!(answer.trace.steps[0].verdict, StepOutcome::Unavailable);
}
