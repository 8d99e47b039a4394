//! The keys by which a server is known: `known_hosts` files and fingerprints.
//!
//! The format is that of sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT": names, patterns and hashed names,
//! `@revoked` keys. Entries of certificate authorities are passed over, and so are keys of kinds
//! that are not offered (RSA, DSA, security keys).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::Fingerprint;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PublicKey};
use sha1::Sha1;

/// Largest file that is read.
pub(super) const MAX_FILE: usize = 1024 * 1024;

/// What a fingerprint looks like.
pub(super) const FINGERPRINT: &str = "\"SHA256:\" and 43 letters and digits, as `ssh-keygen -l` prints it";

/// The kinds of keys that servers may show.
///
/// The order is that of preference.
fn supported() -> [Algorithm; 4] {
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    [
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
    ]
}

/// The keys that a server may show.
#[derive(Clone, Debug)]
pub(super) enum HostKeys {
    /// One of these.
    Known(Vec<PublicKey>),
    /// The one with this fingerprint.
    Fingerprint(Fingerprint),
}

impl HostKeys {
    /// Reads a fingerprint; `None` when it is not one.
    pub(super) fn parse_fingerprint(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(fingerprint @ Fingerprint::Sha256(_)) => Some(Self::Fingerprint(fingerprint)),
            _ => None,
        }
    }

    /// The keys of a server in the text of a `known_hosts` file.
    ///
    /// # Errors
    /// Why there are none, or the number of the line that cannot be read.
    pub(super) fn parse_known_hosts(text: &str, host: &str, port: u16) -> Result<Self, String> {
        let name = match port {
            22 => host.to_ascii_lowercase(),
            port => format!("[{}]:{port}", host.to_ascii_lowercase()),
        };
        let (mut known, mut revoked, mut other): (Vec<PublicKey>, Vec<PublicKey>, Vec<String>) =
            Default::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let unreadable = |what: &str| format!("line {number} {what}");
            let mut words = line.split_ascii_whitespace();
            let first = words.next().unwrap_or_default();
            let (marker, names) = match first.starts_with('@') {
                true => (Some(first), words.next().unwrap_or_default()),
                false => (None, first),
            };
            if marker == Some("@cert-authority") {
                continue;
            }
            if !matches!(marker, None | Some("@revoked")) {
                return Err(unreadable("has an unknown marker"));
            }
            let (Some(kind), Some(key)) = (words.next(), words.next()) else {
                return Err(unreadable("is not names, kind and key"));
            };
            // What looks like a revoked key must not be one of an unknown kind.
            if ![kind, key].iter().all(|word| word.bytes().all(|byte| byte.is_ascii_graphic())) {
                return Err(unreadable("has other characters than a kind and a key have"));
            }
            if !is_named(names, &name) {
                continue;
            }
            let is_supported = supported().iter().any(|algorithm| algorithm.as_str() == kind);
            if !is_supported {
                // What is not supported is not offered either, so it needs no revocation.
                other.push(kind.chars().take(40).collect());
                continue;
            }
            let key = PublicKey::from_openssh(&format!("{kind} {key}"))
                .map_err(|_| unreadable("has a key that cannot be read"))?;
            if marker.is_some() { revoked.push(key) } else { known.push(key) }
        }
        known.retain(|key| !revoked.iter().any(|revoked| revoked.key_data() == key.key_data()));
        match (known.is_empty(), other.is_empty()) {
            (false, _) => Ok(Self::Known(known)),
            (true, true) => Err(format!("it has no key of {name}")),
            (true, false) => {
                Err(format!("of {name} it has only keys that are not supported: {}", other.join(", ")))
            }
        }
    }

    /// The kinds of keys to ask the server for.
    pub(super) fn algorithms(&self) -> Vec<Algorithm> {
        let wanted = |algorithm: &Algorithm| match self {
            Self::Known(keys) => keys.iter().any(|key| key.algorithm() == *algorithm),
            Self::Fingerprint(_) => true,
        };
        supported().into_iter().filter(wanted).collect()
    }

    /// Whether this is the server's key.
    pub(super) fn accept(&self, shown: &PublicKey) -> bool {
        match self {
            Self::Known(keys) => keys.iter().any(|key| key.key_data() == shown.key_data()),
            Self::Fingerprint(fingerprint) => shown.fingerprint(HashAlg::Sha256) == *fingerprint,
        }
    }
}

/// Whether the first column of a line names this server.
///
/// One exclusion that fits is enough for a no.
fn is_named(names: &str, name: &str) -> bool {
    let mut is_included = false;
    for pattern in names.split(',') {
        if let Some(excluded) = pattern.strip_prefix('!') {
            if is_like(name, &excluded.to_ascii_lowercase()) {
                return false;
            }
        } else if let Some(hashed) = pattern.strip_prefix("|1|") {
            is_included |= is_hash_of(hashed, name);
        } else {
            is_included |= is_like(name, &pattern.to_ascii_lowercase());
        }
    }
    is_included
}

/// `salt|hash`: HMAC-SHA1 of the name, with the salt for a key.
fn is_hash_of(hashed: &str, name: &str) -> bool {
    let decoded = |text: &str| STANDARD.decode(text).ok();
    let Some((salt, hash)) = hashed.split_once('|') else { return false };
    let (Some(salt), Some(hash)) = (decoded(salt), decoded(hash)) else { return false };
    let Ok(mut mac) = <Hmac<Sha1> as KeyInit>::new_from_slice(&salt) else { return false };
    mac.update(name.as_bytes());
    mac.verify_slice(&hash).is_ok()
}

/// Compares with a pattern: `*` stands for anything, `?` for one character.
///
/// Backtracks to the last `*` only.
fn is_like(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.as_bytes(), pattern.as_bytes());
    let (mut at, mut piece) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = name.get(at) {
        match pattern.get(piece) {
            Some(b'*') => {
                star = Some((piece + 1, at));
                piece += 1;
            }
            Some(expected) if *expected == b'?' || expected == byte => {
                at += 1;
                piece += 1;
            }
            _ => match &mut star {
                Some((after, from)) => {
                    *from += 1;
                    (piece, at) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern.get(piece..).unwrap_or_default().iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const OTHER: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";

    fn key(base64: &str) -> PublicKey {
        PublicKey::from_openssh(&format!("ssh-ed25519 {base64}")).unwrap()
    }

    fn read(text: &str, host: &str, port: u16) -> Result<HostKeys, String> {
        HostKeys::parse_known_hosts(text, host, port)
    }

    /// The first column as `ssh-keygen -H` writes it.
    fn hashed(name: &str) -> String {
        let salt = [7; 20];
        let mut mac = <Hmac<Sha1> as KeyInit>::new_from_slice(&salt).unwrap();
        mac.update(name.as_bytes());
        format!("|1|{}|{}", STANDARD.encode(salt), STANDARD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn known_hosts_names_patterns_and_hashes_are_found() {
        for (names, host, port) in [
            ("files.example.com", "files.example.com", 22),
            ("files.example.com", "FILES.example.com", 22),
            ("a,Files.Example.com,b", "files.example.com", 22),
            ("[files.example.com]:2222", "files.example.com", 2222),
            ("*.example.com,!mail.example.com", "files.example.com", 22),
            ("file?.example.com", "files.example.com", 22),
            (&hashed("files.example.com"), "files.example.com", 22),
            (&hashed("[10.0.0.7]:2222"), "10.0.0.7", 2222),
        ] {
            let text = format!("# a comment\n\n{names}\tssh-ed25519  {ONE} root@files\n");
            let keys = read(&text, host, port).unwrap();
            assert!(keys.accept(&key(ONE)) && !keys.accept(&key(OTHER)), "{names}");
            assert_eq!(keys.algorithms(), [Algorithm::Ed25519]);
        }
    }

    #[test]
    fn known_hosts_of_other_servers_give_no_key() {
        for (names, host, port) in [
            ("files.example.com", "files.example.com", 2222),
            ("[files.example.com]:2222", "files.example.com", 22),
            ("files.example.com.evil.test", "files.example.com", 22),
            ("*.example.com,!files.example.com", "files.example.com", 22),
            ("!files.example.com", "files.example.com", 22),
            (&hashed("mail.example.com"), "files.example.com", 22),
            ("|1|x|y", "files.example.com", 22),
        ] {
            let error = read(&format!("{names} ssh-ed25519 {ONE}"), host, port).unwrap_err();
            assert!(error.starts_with("it has no key of "), "{names}: {error}");
        }
        assert_eq!(read("", "h", 22).unwrap_err(), "it has no key of h");
    }

    #[test]
    fn known_hosts_revoked_key_is_not_trusted() {
        let text = format!("h ssh-ed25519 {ONE}\nh ssh-ed25519 {OTHER}\n@revoked * ssh-ed25519 {ONE}\n");
        let keys = read(&text, "h", 22).unwrap();
        assert!(keys.accept(&key(OTHER)) && !keys.accept(&key(ONE)));
        let text = format!("@revoked h ssh-ed25519 {ONE}\n@cert-authority h ssh-ed25519 {OTHER}\n");
        assert_eq!(read(&text, "h", 22).unwrap_err(), "it has no key of h");
    }

    #[test]
    fn known_hosts_bad_lines_are_named() {
        for (text, error) in [
            ("h ssh-ed25519".to_owned(), "line 1 is not names, kind and key"),
            (format!("\n@trusted h ssh-ed25519 {ONE}"), "line 2 has an unknown marker"),
            ("h ssh-ed25519 AAAA".to_owned(), "line 1 has a key that cannot be read"),
            (format!("h ecdsa-sha2-nistp256 {ONE}"), "line 1 has a key that cannot be read"),
            (
                format!("h ssh-ed25519 {ONE}\n@revoked h ssh-ed25519\u{b} {ONE}"),
                "line 2 has other characters than a kind and a key have",
            ),
            ("h ssh-rsa AAAA".to_owned(), "of h it has only keys that are not supported: ssh-rsa"),
        ] {
            assert_eq!(read(&text, "h", 22).unwrap_err(), error);
        }
    }

    #[test]
    fn fingerprint_is_read_only_as_sha256() {
        let shown = key(ONE).fingerprint(HashAlg::Sha256).to_string();
        let keys = HostKeys::parse_fingerprint(&shown).unwrap();
        assert!(keys.accept(&key(ONE)) && !keys.accept(&key(OTHER)));
        let sha512 = key(ONE).fingerprint(HashAlg::Sha512).to_string();
        let padded = format!("{shown}=");
        for bad in ["", "SHA256:", "MD5:0a:0b", &shown[7..], &shown[..40], &sha512, &padded] {
            assert!(HostKeys::parse_fingerprint(bad).is_none(), "{bad}");
        }
    }
}
