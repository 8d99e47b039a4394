//! SSH: `known_hosts` files and fingerprints.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use user_backend::fuzzing::ssh::{fingerprint as is_fingerprint, known_hosts as read};

/// The key of the server, which files may or may not name.
const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
/// Its fingerprint.
const FINGERPRINT: &str = "SHA256:T7SvZ2cslqpPj6nKzitCBHHlpVF3r3MvLwmFL0fk0IE";
const HOST: &str = "files.example.com";

/// The first byte chooses: a file, or a fingerprint.
///
/// A key is trusted only where its base64 and a name that may stand for the server are on one
/// line, and never after `@revoked` names it for all hosts.
pub fn ssh_keys(input: &[u8]) {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let key = format!("ssh-ed25519 {KEY}");
    if choice % 2 == 1 {
        match is_fingerprint(text, &key) {
            Some(is_ours) => {
                let digest = text.strip_prefix("SHA256:").and_then(|text| STANDARD_NO_PAD.decode(text).ok());
                assert_eq!(digest.expect("base64").len(), 32, "{text:?}");
                assert_eq!(is_ours, text == FINGERPRINT, "{text:?}");
            }
            None => assert_ne!(text, FINGERPRINT),
        }
        return;
    }
    let answer = read(text, HOST, 22, &key);
    let mut words = text.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    if answer == Ok(true) {
        assert!(
            words
                .clone()
                .any(|line| matches!(line.as_slice(), [names, "ssh-ed25519", KEY, ..] if may_be(names))),
            "{text:?}"
        );
        assert!(
            !words.any(|line| matches!(line.as_slice(), ["@revoked", "*", "ssh-ed25519", KEY, ..])),
            "{text:?}"
        );
    }
    match answer {
        Ok(_) => {}
        Err(error) => assert!(!error.contains(|c: char| c.is_control()) && error.len() < 8192, "{error:?}"),
    }
}

/// Whether a column of names can mean the server: its name, a pattern or a hash.
fn may_be(names: &str) -> bool {
    names
        .split(',')
        .any(|name| name.eq_ignore_ascii_case(HOST) || name.contains(['*', '?']) || name.starts_with("|1|"))
}
