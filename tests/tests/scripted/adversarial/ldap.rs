//! The table for LDAP.
//!
//! RFC 4511, RFC 4513. What each result code means is tested beside the code; here are the lies.

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts};
use super::run::server_keys;
use super::shapes::{MODES, answer_rows, before_greeting, pause};

/// A name, what the server says, and what may come of it.
type Lie = (&'static str, Vec<u8>, &'static [&'static str]);

fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
    let length = u8::try_from(value.len()).unwrap();
    let mut bytes = if length < 0x80 { vec![tag, length] } else { vec![tag, 0x81, length] };
    bytes.extend_from_slice(value);
    bytes
}

fn message(id: u8, operation: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[2, 1, id], operation].concat())
}

fn result(tag: u8, code: u8, diagnostic: &str) -> Vec<u8> {
    tlv(tag, &[&[0x0a, 1, code, 4, 0], tlv(4, diagnostic.as_bytes()).as_slice()].concat())
}

/// An answer to a bind.
pub(super) fn bind_result(id: u8, code: u8, diagnostic: &str) -> Vec<u8> {
    message(id, &result(0x61, code, diagnostic))
}

/// RFC 4511 section 4.4.1.
fn disconnection() -> Vec<u8> {
    message(
        0,
        &tlv(0x78, &[&[0x0a, 1, 52, 4, 0, 4, 0], tlv(0x8a, b"1.3.6.1.4.1.1466.20036").as_slice()].concat()),
    )
}

/// In answer to the bind with this id.
fn answers(id: u8) -> Vec<Lie> {
    let active_directory = |data: &str| {
        bind_result(
            id,
            49,
            &format!("80090308: LdapErr: zebra, comment: AcceptSecurityContext error, data {data}, v1"),
        )
    };
    let yes = bind_result(id, 0, "");
    let mut indefinite = vec![0x30, 0x80];
    indefinite.extend_from_slice(&yes[2..]);
    indefinite.extend_from_slice(&[0, 0]);
    vec![
        ("yes", yes.clone(), &["accepted"]),
        ("yes with words", bind_result(id, 0, "zebra"), &["accepted"]),
        ("no", bind_result(id, 49, "zebra"), &["bad_credentials"]),
        ("no, then yes", [bind_result(id, 49, ""), yes.clone()].concat(), &["bad_credentials"]),
        ("wrong password", active_directory("52e"), &["bad_credentials"]),
        ("unknown user", active_directory("525"), &["unknown_user"]),
        ("disabled", active_directory("533"), &["account_disabled"]),
        ("expired", active_directory("532"), &["credentials_expired"]),
        ("must change", active_directory("773"), &["credentials_expired"]),
        ("locked", active_directory("775"), &["account_locked"]),
        ("account expired", active_directory("701"), &["account_disabled"]),
        ("another code", active_directory("80090346"), &["unavailable login"]),
        ("busy", bind_result(id, 51, "zebra"), &["unavailable login"]),
        ("unavailable", bind_result(id, 52, "zebra"), &["unavailable login"]),
        ("unwilling", bind_result(id, 53, "zebra"), &["unavailable login"]),
        ("referral", bind_result(id, 10, "ldap://zebra"), &["misconfigured login"]),
        ("SASL goes on", bind_result(id, 14, "zebra"), &["protocol login"]),
        ("compareTrue", bind_result(id, 6, "zebra"), &["protocol login"]),
        ("a code that there is not", bind_result(id, 99, "zebra"), &["protocol login"]),
        ("a negative code", bind_result(id, 0xff, "zebra"), &["protocol login"]),
        ("yes to another request", bind_result(id + 1, 0, ""), &["protocol login"]),
        ("yes to no request", bind_result(0, 0, ""), &["protocol login"]),
        ("yes to a negative request", bind_result(0xff, 0, ""), &["protocol login"]),
        ("the end of a search", message(id, &result(0x65, 0, "")), &["protocol login"]),
        ("yes to StartTLS", message(id, &result(0x78, 0, "")), &["protocol login"]),
        ("a bind of its own", message(id, &tlv(0x60, &[2, 1, 3, 4, 0, 0x80, 0])), &["protocol login"]),
        ("a notice of disconnection", disconnection(), &["unavailable login"]),
        (
            "words that are no text",
            message(id, &tlv(0x61, &[0x0a, 1, 0, 4, 0, 4, 1, 0xff])),
            &["protocol login"],
        ),
        ("yes without its words", message(id, &tlv(0x61, &[0x0a, 1, 0])), &["protocol login"]),
        ("an empty yes", message(id, &[0x61, 0]), &["protocol login"]),
        ("a code without a value", message(id, &tlv(0x61, &[0x0a, 0, 4, 0, 4, 0])), &["protocol login"]),
        ("a number for a code", message(id, &tlv(0x61, &[2, 1, 0, 4, 0, 4, 0])), &["protocol login"]),
        ("an indefinite length", indefinite, &["protocol login"]),
        ("a set for a sequence", [&[0x31], &yes[1..]].concat(), &["protocol login"]),
        ("four gigabytes", b"\x30\x84\xff\xff\xff\xff".to_vec(), &["protocol login"]),
        ("a length of five bytes", b"\x30\x85\0\0\0\0\x0c".to_vec(), &["protocol login"]),
        ("deep nesting", vec![0x30; 600], &["unavailable login", "protocol login"]),
        ("no text ends", [&[0x30, 0x7f], &yes[2..]].concat(), &["unavailable login"]),
        ("HTTP", b"HTTP/1.1 400 zebra\r\n\r\n".to_vec(), &["protocol login"]),
        ("IMAP", b"* OK zebra\r\n".to_vec(), &["protocol login"]),
        ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), &["protocol login"]),
        ("nothing", Vec::new(), &["unavailable login"]),
    ]
}

/// In answer to StartTLS.
fn start_tls() -> Vec<Lie> {
    let answer = |code| message(1, &result(0x78, code, "zebra"));
    let yes = answer(0);
    let and = |more: &[u8]| [yes.as_slice(), more].concat();
    vec![
        ("a refusal", answer(2), &["misconfigured tls"]),
        ("unwilling", answer(53), &["misconfigured tls"]),
        ("no password", answer(49), &["misconfigured tls"]),
        ("not now", answer(52), &["unavailable tls"]),
        ("yes to a bind", bind_result(1, 0, ""), &["protocol tls"]),
        ("yes to another request", message(2, &result(0x78, 0, "")), &["protocol tls"]),
        ("an injected bind", and(&bind_result(2, 0, "")), &["protocol tls"]),
        ("one injected byte", and(b"0"), &["protocol tls"]),
        ("one injected NUL", and(b"\0"), &["protocol tls"]),
        ("no TLS after it", yes, &["unavailable tls"]),
        ("HTTP", b"HTTP/1.1 400 zebra\r\n\r\n".to_vec(), &["protocol tls"]),
        ("a notice of disconnection", disconnection(), &["unavailable tls"]),
        ("nothing", Vec::new(), &["unavailable tls"]),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ending in [Ending::Silence, Ending::HangsUp] {
        for tls in MODES {
            for (name, bytes, allowed) in answers(id(tls)) {
                let row = after_login(format!("answers with {name}"), tls).steps([ScriptStep::Send(bytes)]);
                rows.push(row.only(allowed).ending(ending));
            }
        }
        for (name, bytes, allowed) in start_tls() {
            let row = Row::new(format!("answers StartTLS with {name}"), Protocol::Ldap, TlsMode::Explicit);
            let row = row.steps([ScriptStep::HearLdap, ScriptStep::Send(bytes)]);
            rows.push(row.only(allowed).ending(ending));
        }
    }
    for tls in MODES {
        rows.extend(shapes(tls));
        rows.extend(cut(tls));
    }
    rows
}

/// Sizes and speeds.
fn shapes(tls: TlsMode) -> Vec<Row> {
    let floods: [(&str, &'static [u8]); 3] = [
        ("an endless sequence", &[0x30; 4096]),
        ("endless NULs", &[0; 4096]),
        ("endless text", b"zebra\r\n"),
    ];
    let slow = bind_result(id(tls), 0, "a long way to go");
    answer_rows(&|name| after_login(name, tls), slow, &floods)
}

/// Honest answers, cut into two at every byte, and cut off at every byte.
fn cut(tls: TlsMode) -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, outcome) in [(0, "accepted"), (49, "bad_credentials")] {
        let answer = bind_result(id(tls), code, "zebra, and some more words of an honest server");
        for (at, head, tail) in cuts(&answer) {
            let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
            let row = after_login(format!("result {code} split at byte {at}"), tls).steps(split);
            rows.push(row.only(&[outcome]).ending(Ending::Silence));
            let row = after_login(format!("result {code} cut off at byte {at}"), tls)
                .steps([ScriptStep::send(head)]);
            rows.push(row.only(&["unavailable login"]));
        }
    }
    rows
}

/// The id of the bind: StartTLS has the first.
fn id(tls: TlsMode) -> u8 {
    if tls == TlsMode::Explicit { 2 } else { 1 }
}

/// A server that has received the bind.
fn after_login(name: String, tls: TlsMode) -> Row {
    let row = Row::new(name, Protocol::Ldap, tls).steps(before_greeting(tls));
    let start = match tls {
        TlsMode::Explicit => vec![
            ScriptStep::HearLdap,
            ScriptStep::Send(message(1, &result(0x78, 0, ""))),
            ScriptStep::Tls(server_keys()),
        ],
        _ => Vec::new(),
    };
    row.steps(start).steps([ScriptStep::HearLdap]).hears_it_once()
}
