//! Finding the configuration, and telling what is wrong with it.

use serde_json::Value;
use user_backend_tests::settings;

use crate::{CliOutput, OccFixture, closed_port};

const GOOD: &str = r#"
[[user_backends]]
id = "mail"
class = "imap"
host = "mail.example.com"

[[user_backends]]
class = "ftp"
host = "127.0.0.1"
port = 2121
tls = "none"
"#;

fn ids(output: &CliOutput) -> Vec<String> {
    let list: Value = serde_json::from_str(&output.out).unwrap();
    let backends = list["backends"].as_array().unwrap();
    backends.iter().map(|backend| backend["id"].as_str().unwrap().to_owned()).collect()
}

fn one(id: &str) -> String {
    format!("[[user_backends]]\nid = \"{id}\"\nclass = \"imap\"\nhost = \"mail.example.com\"\n")
}

#[test]
fn backends_are_listed_in_their_order() {
    let occ = OccFixture::with("user-backend.toml", GOOD);
    let plain = occ.run(&["backend:list"]);
    assert_eq!((plain.code, plain.err.as_str()), (0, ""));
    insta::assert_snapshot!(plain.out, @r"
    ID                  CLASS  SERVER                TLS
    mail                imap   mail.example.com:143  explicit
    ftp:127.0.0.1:2121  ftp    127.0.0.1:2121        none
    ");
    for form in ["--output=json", "--output=json_pretty"] {
        let output = occ.run(&["backend:list", form]);
        assert_eq!(output.out.lines().count() == 1, form == "--output=json");
        assert_eq!(ids(&output), ["mail", "ftp:127.0.0.1:2121"]);
    }
    let json: Value = serde_json::from_str(&occ.run(&["--output", "json", "backend:list"]).out).unwrap();
    let mail = &json["backends"][0];
    assert_eq!(
        (&mail["class"], &mail["host"], &mail["port"], &mail["tls"]),
        (&"imap".into(), &"mail.example.com".into(), &143.into(), &"explicit".into())
    );
}

#[test]
fn first_named_place_counts() {
    let occ = OccFixture::new();
    let list = |words: &[&str], variable: Option<&str>| {
        let mut command = occ.command(&[&["backend:list", "--output=json"], words].concat());
        if let Some(value) = variable {
            command.env("USER_BACKEND_CONFIG", value);
        }
        ids(&CliOutput::of(&command.output().unwrap()))
    };
    let php = "<?php $CONFIG = ['user_backends' => [['class' => 'imap', 'id' => 'php', 'host' => 'mail.example.com']]];";
    occ.write("config/config.php", php);
    assert_eq!(list(&[], None), ["php"]);
    occ.write("user-backend.toml", &one("usual"));
    assert_eq!(list(&[], None), ["usual"]);
    occ.write("variable.toml", &one("variable"));
    assert_eq!(list(&[], Some("variable.toml")), ["variable"]);
    assert_eq!(list(&[], Some("")), ["usual"]);
    occ.write("option.toml", &one("option"));
    assert_eq!(list(&["--config", "option.toml"], Some("variable.toml")), ["option"]);
}

#[test]
fn without_a_configuration_all_places_are_named() {
    let occ = OccFixture::new();
    for command in [&["backend:list"][..], &["backend:check"], &["backend:login", "alice"]] {
        let output = occ.run(command);
        let message = output.fails(2).replace(&*occ.path().canonicalize().unwrap().to_string_lossy(), "HERE");
        assert_eq!(
            message,
            "occ: no configuration found; looked at\n  --config FILE: not given\n  USER_BACKEND_CONFIG: not set\n  \
             HERE/user-backend.toml: no such file\n  HERE/config/config.php: no such file\nname yours with --config \
             FILE\n"
        );
    }
}

#[test]
fn missing_named_configuration_has_no_fallback() {
    let occ = OccFixture::with("user-backend.toml", GOOD);
    for output in [
        occ.run(&["backend:list", "--config", "mine.toml"]),
        CliOutput::of(
            &occ.command(&["backend:list"]).env("USER_BACKEND_CONFIG", "mine.toml").output().unwrap(),
        ),
    ] {
        let message = output.fails(2);
        assert!(message.contains("mine.toml") && message.contains("no such file"), "{message}");
    }
}

#[cfg(unix)]
#[test]
fn dangling_link_is_an_unreadable_configuration() {
    let occ = OccFixture::new();
    std::os::unix::fs::symlink("gone.toml", occ.path().join("user-backend.toml")).unwrap();
    occ.write("config/config.php", "<?php $CONFIG = [];");
    assert!(occ.run(&["backend:list"]).fails(2).contains("user-backend.toml"));
}

#[test]
fn all_errors_are_reported_at_once() {
    let bad = r#"
[[user_backends]]
class = "imap"
hots = "mail.example.com"
port = 65536

[[user_backends]]
class = "webdav"
host = "dav.example.com"

[[user_backends]]
class = "ftp"
host = "files.example.com"
tls = "none"
"#;
    let occ = OccFixture::with("user-backend.toml", bad);
    for command in [&["backend:list"][..], &["backend:check"], &["backend:login", "alice", "--output=json"]] {
        insta::assert_snapshot!("bad_configuration", occ.run(command).fails(2));
    }
}

#[test]
fn two_backends_may_not_strip_into_one_name_space() {
    let stripped = |id: &str| format!("{}domain = \"{id}.example.com\"\nstrip_domain = true\n", one(id));
    let occ = OccFixture::with("user-backend.toml", &(stripped("north") + &stripped("south")));
    for command in ["backend:list", "backend:check"] {
        let output = occ.run(&[command]);
        let message = output.fails(2);
        assert!(message.contains("north") && message.contains("south"), "{message}");
    }
}

#[test]
fn configuration_without_backends_is_no_mistake() {
    let occ = OccFixture::with("user-backend.toml", "[server]\nname = \"Cloud\"\n");
    let said = occ.run(&["backend:list"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.out.starts_with("no backends in ") && said.out.contains("only local users"), "{said:?}");
    let json: Value = serde_json::from_str(&occ.run(&["backend:list", "--output=json"]).out).unwrap();
    assert_eq!(json["backends"], serde_json::json!([]));
}

#[test]
fn risky_settings_are_warned_about() {
    let port = closed_port();
    let text = format!("{}port = {port}\ndanger_accept_any_certificate = true\n", one("mail"))
        .replace("mail.example.com", "127.0.0.1");
    let occ = OccFixture::with("user-backend.toml", &text);
    let list = occ.run(&["backend:list"]);
    assert!(list.out.contains("\nmail: warning: danger_accept_any_certificate: "), "{}", list.out);
    let json: Value = serde_json::from_str(&occ.run(&["backend:list", "--output=json"]).out).unwrap();
    assert_eq!(json["backends"][0]["warnings"].as_array().unwrap().len(), 1);
    let login = occ.run_with_input(&["backend:login", "alice", "--password-from-stdin"], b"x\n");
    assert!(login.err.starts_with("warning: mail: danger_accept_any_certificate: "), "{}", login.err);
}

#[test]
fn setting_of_another_section_without_effect_is_warned_about() {
    let mail = "[mail]\nfrom = \"a@example.com\"\n";
    for (sections, expected) in [
        (
            "[server]\ntrusted_hosts = [\"a.example\", \"*\"]",
            "server.trusted_hosts: no effect for \"a.example\": \"*\" in the list is every host (user-backend.toml:2)",
        ),
        (
            "[server]\ntrusted_hosts = [\"a.example\", \"A.example\"]",
            "server.trusted_hosts: \"A.example\" is listed more than once (user-backend.toml:2)",
        ),
        (
            "[server]\nmax_connections = 9\nmax_connections_per_source = 6",
            "server.max_connections_per_source: no effect above 5: one source gets at most half of max_connections \
             (user-backend.toml:3)",
        ),
        ("[server]\nmax_connections = 9\nmax_connections_per_source = 5", ""),
        ("[server]\nmax_connections = 9", ""),
        (
            "[reset]\nminutes = 30",
            "reset.minutes: no effect without [mail]: no link is sent (user-backend.toml:2)",
        ),
        ("[reset]\nlost_password_link = \"disabled\"", ""),
        (
            &*format!("{mail}host = \"localhost\"\ntls = \"none\"\nserver_name = \"x.example\""),
            "mail.server_name: no effect without TLS (user-backend.toml:5)",
        ),
        (
            &format!("{mail}host = \"localhost\"\ntls = \"none\"\nallow_plaintext = true"),
            "mail.allow_plaintext: no effect: localhost is this machine, which needs no consent (user-backend.toml:5)",
        ),
        (
            &format!("{mail}host = \"mail.example.com\"\nallow_plaintext = true"),
            "mail.allow_plaintext: no effect with tls = \"implicit\": nothing is sent in clear text (user-backend.toml:4)",
        ),
        (
            &format!("{mail}host = \"mail.example.com\"\ntls = \"none\"\nallow_plaintext = true"),
            "mail.allow_plaintext: passwords and mails cross the network to mail.example.com in clear text \
             (user-backend.toml:5)",
        ),
        (&format!("{mail}host = \"mail.example.com\"\n[reset]\nminutes = 30"), ""),
    ] {
        let occ = OccFixture::with("user-backend.toml", &format!("{sections}\n{GOOD}"));
        let json: Value = serde_json::from_str(&occ.run(&["backend:list", "--output=json"]).out).unwrap();
        let warnings: Vec<&str> =
            json["warnings"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(warnings.join("\n"), expected, "{sections}");
    }
}

#[test]
fn unknown_id_is_2_and_the_ids_are_named() {
    let occ = OccFixture::with("user-backend.toml", GOOD);
    for command in [&["backend:check", "mial"][..], &["backend:login", "alice", "--backend", "mial"]] {
        let output = occ.run(command);
        assert_eq!(
            output.fails(2),
            "occ: there is no backend \"mial\"; there are: mail, ftp:127.0.0.1:2121\n"
        );
    }
}

#[test]
fn unreachable_server_is_3_not_wrong_password() {
    let text = format!(
        "[[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"127.0.0.1\"\nport = {}\n",
        closed_port()
    );
    let occ = OccFixture::with("user-backend.toml", &text);
    let check = occ.run(&["backend:check", "--output=json"]);
    let json: Value = serde_json::from_str(&check.out).unwrap();
    assert_eq!(
        (check.code, &json["backends"][0]["state"], &json["backends"][0]["phase"]),
        (3, &"unavailable".into(), &"connect".into())
    );
    let words = ["backend:login", "alice", "--password-from-stdin"];
    let login = occ.run_with_input(&words, b"Wonderland-1\n");
    assert_eq!(login.code, 3);
    assert!(login.out.starts_with("unavailable: mail failed during connect"), "{}", login.out);
    let login =
        occ.run_with_input(&[&words[..], &["--explain", "--output=json"]].concat(), b"Wonderland-1\n");
    let json: Value = serde_json::from_str(&login.out).unwrap();
    assert_eq!(
        (login.code, &json["outcome"], &json["trace"][0]["phase"]),
        (3, &"unavailable".into(), &"connect".into())
    );
}

/// A host under `invalid` never exists (RFC 6761), with and without a network.
#[test]
fn unknown_host_is_a_configuration_error() {
    let text = "\n[[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"mail.nowhere.invalid\"\n";
    let occ = OccFixture::with("user-backend.toml", text);
    assert_eq!(occ.run(&["backend:list"]).code, 0, "no server is contacted");
    let words = ["backend:login", "alice", "--password-from-stdin"];
    let check = occ.run(&["backend:check", "mail"]);
    let login = occ.run_with_input(&words, b"Wonderland-1\n");
    for output in [&check, &login] {
        assert_eq!(output.code, 2, "{output:?}");
        insta::assert_snapshot!("no_such_host", output.err);
    }
    assert!(check.out.contains("mail.nowhere.invalid:143  misconfigured"), "{}", check.out);
    // For the user who signs in it is an outage as well.
    assert!(
        login.out.starts_with("unavailable: mail is misconfigured, seen during resolve"),
        "{}",
        login.out
    );
    let login = occ.run_with_input(&[&words[..], &["--output=json"]].concat(), b"Wonderland-1\n");
    let json: Value = serde_json::from_str(&login.out).unwrap();
    assert_eq!(
        (login.code, &json["outcome"], &json["trace"][0]["verdict"], &json["trace"][0]["phase"]),
        (2, &"unavailable".into(), &"misconfigured".into(), &"resolve".into())
    );
}

#[test]
fn settings_are_accepted_and_rejected_as_by_the_server() {
    let occ = OccFixture::new();
    for text in settings::ACCEPTED {
        occ.write("user-backend.toml", &format!("{text}\n{}", one("mail")));
        let output = occ.run(&["backend:list"]);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{text}");
    }
    for (text, error) in settings::REJECTED {
        occ.write("user-backend.toml", &format!("{text}\n{}", one("mail")));
        for command in ["backend:list", "user:list"] {
            let output = occ.run(&[command]);
            let expected = format!("occ: the configuration is wrong\n{error}");
            assert!(output.fails(2).starts_with(&expected), "{text}: {output:?}");
        }
    }
}

/// M13: `occ` as root in another user's folder sent the password to that user's server.
#[cfg(unix)]
#[test]
fn configuration_of_another_user_sends_no_password() {
    use std::os::unix::fs::{PermissionsExt, chown};

    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let text = format!(
        "[[user_backends]]\nclass = \"imap\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\ncanary = false\n\
         timeout = \"1s\"\n"
    );
    let occ = OccFixture::with("user-backend.toml", &text);
    let file = occ.path().join("user-backend.toml");
    let mode = |path: &std::path::Path, bits| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(bits)).unwrap();
    };
    let login =
        || occ.run_with_input(&["backend:login", "--password-from-stdin", "alice"], b"Wonderland-1\n");
    let refused = |words: &str| {
        let output = login();
        let message = output.fails(2);
        assert!(message.contains(words), "{message}");
        assert!(listener.accept().is_err(), "no connection was made");
    };
    mode(occ.path(), 0o775);
    refused("chmod g-w ");
    mode(occ.path(), 0o700);
    mode(&file, 0o664);
    refused("chmod g-w ");
    mode(&file, 0o644);
    // Only root gives files away.
    if chown(&file, Some(65534), None).is_ok() {
        refused("owner 65534");
        chown(&file, Some(0), None).unwrap();
        chown(occ.path(), Some(65534), None).unwrap();
        refused("owner 65534");
        chown(occ.path(), Some(0), None).unwrap();
    }
    login();
    assert!(listener.accept().is_ok(), "a file of one's own is used");
}
