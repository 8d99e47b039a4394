//! The `user_backends` array in its three formats, and the mailbox string.

use std::collections::HashSet;

use serde_json::Value;
use user_backend::Config;
use user_backend::config::{Format, InvalidConfig};
use user_backend::fuzzing::config::{encrypted, mailbox as read_mailbox};

/// What errors call the file.
const FILE: &str = "file";

/// A configuration in TOML.
pub fn toml(input: &[u8]) {
    parsed(input, Format::Toml);
}

/// A `config.php`.
pub fn php(input: &[u8]) {
    parsed(input, Format::Php);
}

/// What is right in JSON is right in PHP, and means the same.
pub fn json(input: &[u8]) {
    let Some(config) = parsed(input, Format::Json) else { return };
    let text = std::str::from_utf8(input).unwrap_or_default().trim_start_matches('\u{feff}');
    let Ok(Value::Object(document)) = serde_json::from_str(text) else { panic!("{text} is no object") };
    let keys = [("user_backends", "user_backends"), ("resolver", "user_backends_resolver")];
    let members = keys.iter().filter_map(|(ours, theirs)| Some((*theirs, document.get(*ours)?)));
    let members: Vec<String> = members.map(|(key, value)| format!("'{key}' => {}", literal(value))).collect();
    let same = format!("<?php return [{}];", members.join(", "));
    match Config::parse(&same, Format::Php, FILE) {
        Ok(other) => {
            assert_eq!(config.entries(), other.entries(), "{text}\n{same}");
            assert_eq!(config.resolver(), other.resolver(), "{text}\n{same}");
        }
        // It is longer, and may be too long.
        Err(errors) => assert!(same.len() > 1024 * 1024, "{text}\n{same}\n{errors}"),
    }
}

/// Reads a configuration and checks the result.
fn parsed(input: &[u8], format: Format) -> Option<Config> {
    let text = std::str::from_utf8(input).ok()?;
    match Config::parse(text, format, FILE) {
        Err(errors) => {
            readable(&errors, text);
            None
        }
        Ok(config) => {
            let mut ids = HashSet::new();
            assert!(!config.entries().is_empty(), "a configuration without backends");
            for entry in config.entries() {
                assert!(ids.insert(entry.id().as_str()), "two backends with one id");
                let endpoint = entry.endpoint().expect("our classes have one");
                let host = endpoint.host();
                let odd = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | ':');
                assert!(!host.is_empty() && !host.contains(odd), "the host {host:?}");
                // SMB never sends a password, and SSH encrypts it by itself.
                let protected = matches!(entry.class(), "smb" | "ssh") || endpoint.check_plaintext().is_ok();
                assert!(endpoint.port() > 0 && protected, "{endpoint:?}");
            }
            for warning in config.warnings() {
                plain(&warning.to_string());
            }
            Some(config)
        }
    }
}

/// Errors have a text, a place within the file, and no control sequences.
fn readable(errors: &InvalidConfig, text: &str) {
    let lines = text.split('\n').count();
    assert!(errors.iter().next().is_some(), "an error that says nothing");
    for error in errors {
        assert!(error.line().is_none_or(|line| (1..=lines).contains(&line)), "{error}");
        assert!(error.column().is_none_or(|column| column >= 1), "{error}");
        assert!(!error.found().is_empty() && !error.expected().is_empty(), "{error}");
    }
    plain(&errors.to_string());
}

fn plain(text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
}

/// A value as PHP writes it.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(values) => format!("[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{} => {}", literal(&Value::String(key.clone())), literal(value))
            };
            format!("[{}]", members.iter().map(member).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A mailbox string never names a user, wraps a port, or loses its encryption.
pub fn mailbox(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    match read_mailbox(text) {
        Err(found) => plain(&found),
        Ok(read) => {
            let lower = text.to_ascii_lowercase();
            let flags = lower.split('}').next().unwrap_or_default();
            for forbidden in ["/user=", "/authuser=", "/anonymous", "/tryssl", "/secure", "/pop3", "/nntp"] {
                assert!(!flags.contains(forbidden), "{text:?}");
            }
            let digits = |rest: &str| rest.split(|c: char| !c.is_ascii_digit()).next().map(str::to_owned);
            let mut ports = flags.split(':').skip(1).filter_map(digits).map(|digits| digits.parse());
            assert!(read.port.is_none_or(|port| ports.any(|there| there == Ok(port))), "{text:?}");
            let odd = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | ':');
            assert!(!read.host.is_empty() && !read.host.contains(odd), "{text:?}");
            assert_eq!(read.any_certificate, flags.contains("/novalidate-cert"), "{text:?}");
            if read.tls == Some("never") {
                let better = encrypted(text);
                let tls = read_mailbox(&better).map(|read| read.tls);
                assert_eq!(tls, Ok(Some("explicit")), "{text:?} as {better:?}");
            }
        }
    }
}
