//! The table for SSH: what comes before the server's key is checked.
//!
//! RFC 4253 sections 4.2 (versions), 6 (packets), 7 (key exchange). None of these servers has the
//! key of the settings, so none receives a name or a password. What an encrypted server may say is in
//! `../ssh.rs`.

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts, garbage, lengths};
use super::shapes::{Lie, pause};

const VERSION: &[u8] = b"SSH-2.0-zebra\r\n";

/// In place of the version.
const VERSIONS: &[Lie] = &[
    ("nothing", b"", &["unavailable"]),
    ("half a version", b"SSH-2.0-zeb", &["unavailable"]),
    ("the version alone", b"SSH-2.0-zebra\r\n", &["unavailable"]),
    ("the version after a banner", b"zebra\r\nSSH-2.0-zebra\r\n", &["unavailable", "protocol"]),
    ("version 1.5", b"SSH-1.5-zebra\r\n", &["unavailable", "protocol"]),
    ("version 1.99", b"SSH-1.99-zebra\r\n", &["unavailable", "protocol"]),
    ("version 3.0", b"SSH-3.0-zebra\r\n", &["unavailable", "protocol"]),
    ("a version in lower case", b"ssh-2.0-zebra\r\n", &["unavailable", "protocol"]),
    ("NUL in the version", b"SSH-2.0-zeb\0ra\r\n", &["unavailable", "protocol"]),
    ("a version that is no text", b"SSH-2.0-\xff\xfe\r\n", &["unavailable", "protocol"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", &["unavailable", "protocol"]),
    ("IMAP", b"* OK zebra\r\n", &["unavailable", "protocol"]),
    ("FTP", b"220 zebra\r\n", &["unavailable", "protocol"]),
    ("SMTP", b"220 zebra ESMTP\r\n", &["unavailable", "protocol"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28", &["unavailable", "protocol"]),
    ("empty lines", b"\r\n\r\n\r\n", &["unavailable", "protocol"]),
];

/// After a good version.
const PACKETS: &[Lie] = &[
    ("a packet of no length", b"\0\0\0\0", &["unavailable", "protocol"]),
    ("a packet of one byte", b"\0\0\0\x01\0", &["unavailable", "protocol"]),
    ("a packet of four gigabytes", b"\xff\xff\xff\xff\x04", &["unavailable", "protocol"]),
    ("a packet of a megabyte", b"\0\x10\0\0\x04", &["unavailable", "protocol"]),
    ("more padding than packet", b"\0\0\0\x0c\xff\x14\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("an empty packet", b"\0\0\0\x0c\x0b\0\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("a success", b"\0\0\0\x0c\x0a\x34\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("a failure", b"\0\0\0\x0c\x05\x33\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("new keys", b"\0\0\0\x0c\x0a\x15\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("a service", b"\0\0\0\x0c\x0a\x06\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("an answer to a key exchange", b"\0\0\0\x0c\x0a\x1f\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("half a key exchange", b"\0\0\0\x0c\x0a\x14\0\0\0\0\0\0\0\0\0\0", &["unavailable", "protocol"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", &["unavailable", "protocol"]),
    ("a second version", b"SSH-2.0-zebra\r\n", &["unavailable", "protocol"]),
];

/// KEXINIT with these algorithms of key exchange and ciphers.
fn key_exchange(kex: &str, cipher: &str) -> Vec<u8> {
    let lists =
        [kex, "ssh-ed25519", cipher, cipher, "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""];
    let mut payload = [[20].as_slice(), &[7; 16]].concat();
    for list in lists {
        payload.extend_from_slice(&u32::try_from(list.len()).unwrap().to_be_bytes());
        payload.extend_from_slice(list.as_bytes());
    }
    payload.extend_from_slice(&[0; 5]);
    let padding = 8 - (payload.len() + 5) % 8 + 8;
    let length = u32::try_from(payload.len() + padding + 1).unwrap();
    let head = [length.to_be_bytes().as_slice(), &[u8::try_from(padding).unwrap()]].concat();
    [head, payload, vec![0; padding]].concat()
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ending in [Ending::Silence, Ending::HangsUp] {
        for (name, bytes, allowed) in VERSIONS {
            rows.push(
                row(format!("begins with {name}"))
                    .steps([ScriptStep::send(bytes)])
                    .only(allowed)
                    .ending(ending),
            );
        }
        for (name, bytes, allowed) in PACKETS {
            rows.push(
                begun(format!("sends {name}")).steps([ScriptStep::send(bytes)]).only(allowed).ending(ending),
            );
        }
        for (name, kex, cipher) in [
            ("no cipher", "curve25519-sha256", "none"),
            ("an old cipher", "curve25519-sha256", "3des-cbc"),
            ("an old key exchange", "diffie-hellman-group1-sha1", "aes256-ctr"),
            ("nothing at all", "", ""),
            ("a cipher of its own", "curve25519-sha256", "zebra"),
        ] {
            let row = begun(format!("offers {name}")).steps([ScriptStep::Send(key_exchange(kex, cipher))]);
            rows.push(row.only(&["misconfigured", "protocol"]).ending(ending));
        }
    }
    let honest = key_exchange("curve25519-sha256", "aes256-ctr");
    for (at, head, tail) in cuts(&honest).step_by(5) {
        let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
        let row = begun(format!("key exchange split at byte {at}")).steps(split);
        rows.push(row.only(&["unavailable"]).ending(Ending::Silence));
        let row = begun(format!("key exchange cut off at byte {at}")).steps([ScriptStep::send(head)]);
        rows.push(row.only(&["unavailable", "protocol"]));
    }
    for length in lengths() {
        let noise = ScriptStep::Send(garbage(length));
        for row in [
            row(format!("{length} bytes of garbage")),
            begun(format!("{length} bytes of garbage after the version")),
        ] {
            rows.push(
                row.steps([noise.clone()])
                    .only(&["protocol", "unavailable", "misconfigured"])
                    .ending(Ending::HangsUp),
            );
        }
    }
    for (name, bytes) in [
        ("an endless version", b"zebra".as_slice()),
        ("endless lines", b"zebra\r\n"),
        ("endless NULs", &[0; 4096]),
    ] {
        let flood = ScriptStep::Flood { bytes, total: 400_000_000 };
        for row in [row(name.to_owned()), begun(format!("{name} after the version"))] {
            rows.push(row.steps([flood.clone()]).only(&["protocol", "unavailable"]));
        }
    }
    rows.push(row("breaks off".to_owned()).steps([ScriptStep::Reset]).only(&["unavailable"]));
    rows.push(
        begun("breaks off after the version".to_owned()).steps([ScriptStep::Reset]).only(&["unavailable"]),
    );
    rows
}

fn row(name: String) -> Row {
    Row::new(name, Protocol::Ssh, TlsMode::None)
}

/// A server that has sent its version, and received ours.
fn begun(name: String) -> Row {
    row(name).steps([ScriptStep::send(VERSION), ScriptStep::Line])
}
