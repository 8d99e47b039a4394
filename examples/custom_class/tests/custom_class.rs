//! A class of a third party in a configuration, in a resolver, and in its own `occ`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

use std::process::{Command, Output};

use custom_class::Pop3Class;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use user_backend::config::{Config, Format, InvalidConfig, Loader};
use user_backend::conformance::{self, TestUser};
use user_backend::{ClassRegistry, Credentials, Outcome, Phase, Rejection, Resolver};

fn load(fields: &str) -> Result<Config, InvalidConfig> {
    let loader = Loader::new().with_registry(ClassRegistry::standard().with(Pop3Class));
    loader.parse(&format!("[[user_backends]]\nclass = \"pop3\"\n{fields}"), Format::Toml, "pop3.toml")
}

/// A POP3 server that knows alice.
///
/// `refusal` is what it answers to a wrong password.
async fn server(refusal: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let _ = stream.write_all(b"+OK ready\r\n").await;
                let (mut user, mut line) = (String::new(), String::new());
                while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                    let answer = match line.trim_end_matches("\r\n").split_once(' ') {
                        Some(("USER", name)) => {
                            user = name.to_ascii_lowercase();
                            "+OK"
                        }
                        Some(("PASS", "Wonderland-1")) if user == "alice" => "+OK",
                        _ => refusal,
                    };
                    let _ = stream.write_all(format!("{answer}\r\n").as_bytes()).await;
                    line.clear();
                }
            });
        }
    });
    port
}

fn at(port: u16, more: &str) -> Config {
    load(&format!("id = \"pop\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"none\"\n{more}")).unwrap()
}

async fn outcome(resolver: &Resolver, password: &str) -> Outcome {
    resolver.authenticate(Credentials::new("Alice", password)).await.outcome
}

#[tokio::test]
async fn resolver_signs_in_with_a_third_party_class() {
    let resolver = Resolver::from_config(&at(server("-ERR no").await, "")).unwrap();
    let Outcome::Authenticated(proof) = outcome(&resolver, "Wonderland-1").await else { panic!() };
    assert_eq!((proof.name().as_str(), proof.backend().as_str()), ("alice", "pop"));
    assert_eq!(outcome(&resolver, "wrong").await, Outcome::Refused(Rejection::BadCredentials));
}

#[tokio::test]
async fn own_field_changes_what_a_refusal_means() {
    let resolver = Resolver::from_config(&at(server("-ERR no").await, "coded_refusals = true")).unwrap();
    assert!(matches!(outcome(&resolver, "wrong").await, Outcome::Unavailable { .. }));
    let resolver =
        Resolver::from_config(&at(server("-ERR [AUTH] no").await, "coded_refusals = true")).unwrap();
    assert_eq!(outcome(&resolver, "wrong").await, Outcome::Refused(Rejection::BadCredentials));
}

#[tokio::test]
async fn backend_keeps_the_contract() {
    let config = at(server("-ERR no").await, "");
    let backends = config.build_backends().unwrap();
    let known = TestUser::new("alice", "Wonderland-1").unwrap();
    conformance::check(backends[0].backend.as_ref(), &known).await.unwrap();
}

#[tokio::test]
async fn tls_is_spoken_where_the_entry_asks_for_it() {
    let port = server("-ERR no").await;
    let fields = format!("id = \"pop\"\nhost = \"127.0.0.1\"\nport = {port}\ntls = \"implicit\"");
    let resolver = Resolver::from_config(&load(&fields).unwrap()).unwrap();
    let answer = resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
    let step = &answer.trace.steps[0];
    assert_eq!(step.phase.map(Phase::as_str), Some("tls"), "{}", answer.trace);
}

#[test]
fn ports_and_arguments_are_those_of_the_class() {
    for (fields, expected) in [
        ("host = \"pop.example.com\"", "pop.example.com:110 explicit"),
        ("host = \"pop.example.com\"\ntls = \"implicit\"", "pop.example.com:995 implicit"),
        ("arguments = [\"pop.example.com\", true]", "pop.example.com:995 implicit"),
        ("arguments = [\"localhost\", false]", "localhost:110 none"),
    ] {
        let config = load(fields).unwrap();
        let endpoint = config.entries()[0].endpoint().unwrap();
        assert_eq!(format!("{endpoint} {}", endpoint.tls()), expected, "{fields}");
    }
}

#[test]
fn wrong_fields_are_errors_with_place_found_and_expected() {
    for (fields, expected) in [
        (
            "host = \"h\"\ncoded_refusal = true",
            "pop3.toml:4:1: user_backends[0].coded_refusal: found an unknown field, expected one that is known here\n  hint: did you mean `coded_refusals`?",
        ),
        (
            "host = \"h\"\ncoded_refusals = 1",
            "pop3.toml:4:18: user_backends[0].coded_refusals: found the number 1, expected true or false",
        ),
        (
            "coded_refusals = true",
            "pop3.toml:1:1: user_backends[0].host: found nothing, expected `host`, or the PHP app's `arguments`",
        ),
        (
            "arguments = [\"h\", true, 3]",
            "pop3.toml:3:25: user_backends[0].arguments[2]: found one argument too many, expected at most 2 arguments here: host, secure",
        ),
    ] {
        assert_eq!(load(fields).unwrap_err().to_string(), expected);
    }
}

fn occ(config: &str, command: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("pop3.toml");
    std::fs::write(&file, config).unwrap();
    Command::new(env!("CARGO_BIN_EXE_custom-class"))
        .arg("--config")
        .arg(&file)
        .args(command)
        .output()
        .unwrap()
}

#[test]
fn occ_of_a_third_party_knows_its_class() {
    let listed = occ("[[user_backends]]\nclass = \"pop3\"\nhost = \"pop.example.com\"", &["backend:list"]);
    let text = String::from_utf8_lossy(&listed.stdout);
    assert!(
        listed.status.success() && text.contains("pop3") && text.contains("pop.example.com:110"),
        "{text}"
    );
    let wrong = occ("[[user_backends]]\nclass = \"pop3\"\nhots = \"pop.example.com\"", &["backend:list"]);
    let text = String::from_utf8_lossy(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(2), "{text}");
    assert!(
        text.contains("user_backends[0].hots: found an unknown field") && text.contains("`host`"),
        "{text}"
    );
}
