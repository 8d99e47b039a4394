//! For fuzzing: the files and texts by which servers are known.

use russh::keys::PublicKey;

use super::host_keys::HostKeys;

/// Whether a `known_hosts` file makes `key` the key of the server.
///
/// `key` is in OpenSSH's form. `Err` when the file has no key of the server.
///
/// # Errors
/// The message for the operator.
pub fn known_hosts(text: &str, host: &str, port: u16, key: &str) -> Result<bool, String> {
    let keys = HostKeys::parse_known_hosts(text, host, port)?;
    assert!(!keys.algorithms().is_empty(), "no kind of key to ask for");
    Ok(PublicKey::from_openssh(key).is_ok_and(|key| keys.accept(&key)))
}

/// Whether this is a fingerprint, and whether it is that of the key.
pub fn fingerprint(text: &str, key: &str) -> Option<bool> {
    let keys = HostKeys::parse_fingerprint(text)?;
    Some(PublicKey::from_openssh(key).is_ok_and(|key| keys.accept(&key)))
}
