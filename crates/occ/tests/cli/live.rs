//! The program against the rig's real servers: every outcome, by all three classes.

use std::path::PathBuf;

use serde_json::Value;
use user_backend_tests::Rig;

use crate::{CliOutput, OccFixture, closed_port};

/// One backend of each class.
fn three(rig: &Rig) -> String {
    let (host, ca) = (rig.host(), rig.ca_file());
    let ca = ca.display();
    format!(
        r#"
[[user_backends]]
id = "mail"
class = "imap"
host = "{host}"
port = 10143
ca_file = "{ca}"

[[user_backends]]
id = "files"
class = "ftp"
host = "{host}"
port = 10021
ca_file = "{ca}"

[[user_backends]]
id = "office"
class = "smb"
host = "{host}"
port = 10445
"#
    )
}

/// A mail server that does not run, first in the chain.
fn outage(policy: &str) -> String {
    format!(
        "[[user_backends]]\nid = \"dead\"\nclass = \"imap\"\nhost = \"127.0.0.1\"\nport = {}\n{policy}\n",
        closed_port()
    )
}

fn login(occ: &OccFixture, name: &str, password: &str, more: &[&str]) -> (CliOutput, Value) {
    let words = [&["backend:login", name, "--password-from-env", "--output=json"], more].concat();
    let output = CliOutput::of(&occ.command(&words).env("OC_PASS", password).output().unwrap());
    let json = serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{output:?}"));
    (output, json)
}

#[track_caller]
fn ends(occ: &OccFixture, name: &str, password: &str, more: &[&str], code: i32, outcome: &str) -> Value {
    let (output, json) = login(occ, name, password, more);
    assert_eq!((output.code, json["outcome"].as_str()), (code, Some(outcome)), "{name} {more:?}: {output:?}");
    json
}

/// The accounts of the rig: name, password, the servers that know it, its state.
fn people(rig: &Rig) -> Vec<[String; 4]> {
    let table: PathBuf = rig.state().join("users.tsv");
    let text = std::fs::read_to_string(table).unwrap();
    let rows = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    rows.map(|row| row.split('\t').map(str::to_owned).collect::<Vec<_>>().try_into().unwrap()).collect()
}

#[test]
fn users_sign_in_only_where_they_are_known() {
    let Some(rig) = Rig::find() else { return };
    let occ = OccFixture::with("user-backend.toml", &three(&rig));
    for [name, password, servers, state] in people(&rig) {
        for (id, server) in [("mail", "imap"), ("files", "ftp"), ("office", "smb")] {
            let only = ["--backend", id];
            if servers != "all" && !servers.split(',').any(|one| one == server) {
                continue;
            }
            if state == "ok" {
                let json = ends(&occ, &name, &password, &only, 0, "authenticated");
                assert_eq!((&json["user"], &json["backend"]), (&name.as_str().into(), &id.into()));
            } else {
                ends(&occ, &name, &password, &only, 1, "refused");
            }
            ends(&occ, &name, "not-the-password", &only, 1, "refused");
        }
    }
}

#[test]
fn chain_finds_the_server_of_the_user() {
    let Some(rig) = Rig::find() else { return };
    let occ = OccFixture::with("user-backend.toml", &three(&rig));
    for (name, password, backend) in [
        ("alice", "Wonderland-1", "mail"),
        ("felix", "Only-by-files-1", "files"),
        ("sam", "Only-by-office-1", "office"),
    ] {
        let json = ends(&occ, name, password, &[], 0, "authenticated");
        assert_eq!(json["backend"], backend);
        assert_eq!(json["trace"].as_array().unwrap().len(), 3);
    }
    for (name, password) in [
        ("alice", "wonderland-1"),
        ("unknown-user", "Wonderland-1"),
        ("guest", "guest"),
        ("anonymous", "alice@example.com"),
        ("alice", ""),
        ("", "Wonderland-1"),
        ("alice", "Wonderland-1\r\nA2 LOGIN bob x"),
        ("alice\n", "Wonderland-1"),
    ] {
        ends(&occ, name, password, &[], 1, "refused");
    }
}

#[test]
fn outage_stops_the_chain_unless_the_settings_say_otherwise() {
    let Some(rig) = Rig::find() else { return };
    let occ = OccFixture::with("user-backend.toml", &(outage("") + &three(&rig)));
    let json = ends(&occ, "alice", "Wonderland-1", &[], 3, "unavailable");
    assert_eq!(
        (&json["trace"][0]["verdict"], &json["trace"][1]["verdict"]),
        (&"unavailable".into(), &"skipped".into())
    );
    let occ =
        OccFixture::with("user-backend.toml", &(outage("on_unavailable = \"continue\"") + &three(&rig)));
    assert_eq!(ends(&occ, "alice", "Wonderland-1", &[], 0, "authenticated")["backend"], "mail");
    ends(&occ, "alice", "wrong", &[], 3, "unavailable");
}

#[test]
fn check_describes_every_server() {
    let Some(rig) = Rig::find() else { return };
    let occ = OccFixture::with("user-backend.toml", &three(&rig));
    let output = occ.run(&["backend:check", "--output=json"]);
    let json: Value = serde_json::from_str(&output.out).unwrap();
    assert_eq!((output.code, &json["state"]), (0, &"ok".into()), "{output:?}");
    for (number, id) in ["mail", "files", "office"].into_iter().enumerate() {
        let one = &json["backends"][number];
        assert_eq!((&one["id"], &one["canary"]), (&id.into(), &"refused".into()));
        if id != "office" {
            assert!(one["tls_version"].as_str().is_some_and(|version| version.starts_with("1.")), "{one}");
            assert!(
                one["certificate"].is_string() && one["days_left"].as_i64().is_some_and(|days| days > 0),
                "{one}"
            );
        }
    }
    assert!(json["backends"][0]["capabilities"].to_string().contains("IMAP4rev1"), "{json}");

    let occ = OccFixture::with("user-backend.toml", &(outage("") + &three(&rig)));
    assert_eq!(occ.run(&["backend:check"]).code, 3);
    assert_eq!(occ.run(&["backend:check", "mail", "office"]).code, 0);
    let untrusted = three(&rig).replace("ca_file", "# ca_file");
    let output = OccFixture::with("user-backend.toml", &untrusted).run(&["backend:check", "mail"]);
    assert!(matches!(output.code, 2 | 3) && output.out.contains("set ca_file"), "{output:?}");
}

#[test]
fn log_of_a_real_sign_in_has_no_password() {
    let Some(rig) = Rig::find() else { return };
    let occ = OccFixture::with("user-backend.toml", &three(&rig));
    for id in ["mail", "files", "office"] {
        let words = ["-vvv", "backend:login", "alice", "--password-from-stdin", "--explain", "--backend", id];
        let output = occ.run_with_input(&words, b"Wonderland-1\n");
        assert_eq!(output.code, 0, "{output:?}");
        let all = format!("{output:?}");
        // As it is; in SASL PLAIN and in base64 alone; as bytes in a debug print.
        for form in ["Wonderland", "AGFsaWNlAFdvbmRlcmxhbmQtMQ", "V29uZGVybGFuZC0x", "87, 111, 110, 100"] {
            assert!(!all.contains(form), "{id}: {all}");
        }
    }
}

#[test]
fn standard_output_has_no_text_of_libraries() {
    let Some(rig) = Rig::find() else { return };
    // This server maps unknown users to guests; libsmbclient refuses them and prints that to
    // standard output.
    let guests = format!(
        "[[user_backends]]\nid = \"guests\"\nclass = \"smb\"\nhost = \"{}\"\nport = 10446\nshare = \"public\"\n",
        rig.host()
    );
    let occ = OccFixture::with("user-backend.toml", &guests);
    ends(&occ, "unknown-user", "whatever", &[], 1, "refused");
    let check = CliOutput::of(&occ.command(&["backend:check", "--output=json"]).output().unwrap());
    let json: Value = serde_json::from_str(&check.out).unwrap_or_else(|_| panic!("{check:?}"));
    assert_eq!(json["backends"][0]["canary"], "refused");
}
