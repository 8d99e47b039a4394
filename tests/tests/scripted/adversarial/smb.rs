//! The table for SMB.
//!
//! MS-SMB2 sections 2.2.4 and 2.2.6, MS-NLMP section 2.2.1.2. The fake server does not know the
//! password, so there is no yes in this table; correct servers are in the live tests.

use std::time::Duration;

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;
use user_backend_tests::smb::{ENCRYPTED, GUEST, MORE, NULL_SESSION, Reply, frame, ntlm_challenge};

use super::row::{Ending, Protocol, Row, garbage, lengths};

/// All clients of file servers.
const WAYS: [Protocol; 3] = [Protocol::SmbNative, Protocol::SmbPipe, Protocol::SmbShare];

const DIALECTS: [u16; 4] = [0x0202, 0x0210, 0x0300, 0x0302];

/// What NTLM servers say they can.
///
/// Unicode, NTLMv2 session security, target information, 128 bits, key exchange, signing.
const NTLM: u32 = 0x628a_8215;

/// libsmbclient has few words for what went wrong; none of them may be a yes.
const ANYTHING_BUT_YES: &[&str] =
    &["bad_credentials", "account_locked", "unavailable", "misconfigured", "protocol"];

/// A name, the server's responses in order, and the allowed outcomes of `native`.
type Lie = (&'static str, Vec<Reply>, &'static [&'static str]);

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for way in WAYS {
        for (name, bytes, allowed) in other_protocols() {
            let greeting =
                row(format!("greets with {name}"), way).steps([question(), ScriptStep::Send(bytes)]);
            rows.push(greeting.only(allowed).ending(ending(way, Ending::Silence)));
        }
        for (name, reply, allowed) in greetings() {
            let greeting = row(format!("greets with {name}"), way).steps([ScriptStep::Smb(reply)]);
            rows.push(greeting.only(allowed).ending(Ending::HangsUp));
        }
        for dialect in DIALECTS {
            for (name, replies, allowed) in last_words() {
                rows.push(session(format!("dialect {dialect:#06x}, {name}"), way, dialect, replies, allowed));
            }
        }
        for (name, replies, allowed) in challenges() {
            rows.push(session(name.to_owned(), way, 0x0302, replies, allowed));
        }
        for (name, status, allowed) in ERRORS {
            let replies = vec![Reply::challenge(NTLM), Reply::error(*status)];
            rows.push(session(format!("a forged, unsigned error: {name}"), way, 0x0302, replies, allowed));
        }
        for length in lengths() {
            let lost: &[_] = &["protocol", "unavailable"];
            let noise = [question(), ScriptStep::Send(garbage(length))];
            let name = format!("{length} bytes of garbage in place of a greeting");
            rows.push(row(name, way).steps(noise).only(lost).ending(Ending::HangsUp));
            let noise = [question(), ScriptStep::Send(frame(&garbage(length)))];
            let name = format!("{length} bytes of garbage in a frame in place of a greeting");
            rows.push(row(name, way).steps(noise).only(lost).ending(Ending::HangsUp));
            let noise = [greeted(0x0302), question(), ScriptStep::Send(frame(&garbage(length)))];
            let name = format!("{length} bytes of garbage in a frame in place of a challenge");
            rows.push(row(name, way).steps(noise).only(any(way, lost)).ending(Ending::HangsUp));
        }
        let slow = ScriptStep::Slowly(frame(&[0; 300]), Duration::from_secs(1));
        let slowly = row("a greeting of one byte a second", way).steps([question(), slow]);
        rows.push(slowly.only(&["unavailable"]));
        let flood = ScriptStep::Flood { bytes: &[0; 4096], total: 400_000_000 };
        rows.push(
            row("400 MB of empty frames", way).steps([question(), flood]).only(&["protocol", "unavailable"]),
        );
        rows.push(row("breaks off", way).steps([question(), ScriptStep::Reset]).only(&["unavailable"]));
    }
    rows.extend(silences());
    rows
}

/// libsmbclient uses its own clock, which no script moves.
fn silences() -> Vec<Row> {
    let way = Protocol::SmbNative;
    let begun = |name: &str, steps: Vec<ScriptStep>| {
        row(name, way).steps(steps).only(&["unavailable"]).ending(Ending::Silence)
    };
    let flood = ScriptStep::Flood { bytes: &[0; 4096], total: 400_000_000 };
    vec![
        begun("silence after the greeting", vec![greeted(0x0302)]),
        begun(
            "silence after the challenge",
            vec![greeted(0x0302), ScriptStep::Smb(Reply::challenge(NTLM)), question()],
        ),
        row("400 MB of empty frames in place of a challenge", way)
            .steps([greeted(0x0302), question(), flood])
            .only(&["protocol", "unavailable"]),
    ]
}

/// Bytes in place of a greeting.
fn other_protocols() -> Vec<(&'static str, Vec<u8>, &'static [&'static str])> {
    let smb1 = b"\xffSMBr\0\0\0\0\x88\x01\x48\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\xff\xff\0\0";
    vec![
        ("nothing", Vec::new(), &["unavailable"]),
        ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), &["protocol"]),
        ("FTP", b"220 zebra ready\r\n".to_vec(), &["protocol"]),
        ("IMAP", b"* OK zebra\r\n".to_vec(), &["protocol"]),
        ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28".to_vec(), &["protocol"]),
        ("a refusal of NetBIOS", b"\x83\0\0\x01\x8f".to_vec(), &["protocol"]),
        ("SMB 1 alone", frame(smb1), &["protocol"]),
        ("an empty frame", frame(&[]), &["protocol"]),
        ("a frame that begins SMB 2 and ends", frame(b"\xfeSMB"), &["protocol"]),
        ("a frame of 16 MB", vec![0, 0xff, 0xff, 0xff], &["protocol"]),
        ("half a frame", frame(&[0; 200])[..100].to_vec(), &["unavailable"]),
        ("an encrypted frame", frame(&[b"\xfdSMB".as_slice(), &[0; 100]].concat()), &["protocol"]),
        ("a compressed frame", frame(&[b"\xfcSMB".as_slice(), &[0; 100]].concat()), &["protocol"]),
    ]
}

fn greetings() -> Vec<(&'static str, Reply, &'static [&'static str])> {
    let protocol: &[_] = &["protocol", "unavailable"];
    vec![
        ("no dialect at all", Reply::error(0xc000_00bb), protocol),
        ("too few resources", Reply::error(0xc000_009a), protocol),
        ("yes without a body", Reply::new(0, []), protocol),
        ("a dialect that was not offered", Reply::negotiated(0x0201, 1), protocol),
        ("the dialect that means any", Reply::negotiated(0x02ff, 1), protocol),
        ("a dialect of the future", Reply::negotiated(0x0400, 1), protocol),
        ("a question in place of an answer", Reply::negotiated(0x0302, 1).as_request(), protocol),
        ("an answer to another command", Reply::negotiated(0x0302, 1).to_command(1), protocol),
    ]
}

/// The last word about a session, from a server that does not know the password.
fn last_words() -> Vec<Lie> {
    let no: &[_] = &["protocol login", "unavailable login", "bad_credentials"];
    let yes = |flags| Reply::session(0, flags, &[]);
    let proved =
        |last: Reply| vec![Reply::challenge(NTLM), last, Reply::tree(), Reply::tree(), Reply::tree()];
    vec![
        ("an unsigned yes", proved(yes(0)), no),
        ("a yes with a wrong signature", proved(yes(0).signed([0x5a; 16])), no),
        ("a yes with a signature of zeros", proved(yes(0).signed([0; 16])), no),
        ("a guest session", proved(yes(GUEST)), no),
        ("a guest session with a wrong signature", proved(yes(GUEST).signed([0x5a; 16])), no),
        ("an anonymous session", proved(yes(NULL_SESSION)), no),
        ("a guest and anonymous session", proved(yes(GUEST | NULL_SESSION)), no),
        ("a session that claims to be encrypted", proved(yes(ENCRYPTED)), no),
        ("an encrypted guest session", proved(yes(ENCRYPTED | GUEST)), no),
        ("a session with all flags", proved(yes(0xffff)), no),
        ("a yes before the challenge", vec![yes(0), Reply::tree(), Reply::tree()], no),
        ("a guest session before the challenge", vec![yes(GUEST), Reply::tree(), Reply::tree()], no),
        ("an anonymous session before the challenge", vec![yes(NULL_SESSION), Reply::tree()], no),
        ("a yes without a body", proved(Reply::new(0, [])), no),
        ("a yes to another command", proved(yes(0).to_command(3)), no),
        ("a yes that is a question", proved(yes(0).as_request()), no),
        ("a yes to another message", vec![Reply::challenge(NTLM), yes(0).to_message(77)], no),
        ("a yes to no message", vec![Reply::challenge(NTLM), yes(0).to_message(u64::MAX)], no),
    ]
}

/// What replaces the challenge.
fn challenges() -> Vec<Lie> {
    let lost: &[_] = &["protocol login", "unavailable login"];
    let say = |blob: &[u8]| vec![Reply::session(MORE, 0, blob), Reply::session(0, 0, &[])];
    let mutated = |at: usize, bytes: &[u8]| {
        let mut blob = ntlm_challenge(NTLM);
        blob[at..at + bytes.len()].copy_from_slice(bytes);
        say(&blob)
    };
    let mut lies = vec![
        ("an empty challenge", say(&[]), lost),
        ("a challenge that ends early", say(&ntlm_challenge(NTLM)[..20]), lost),
        ("a challenge of another kind", mutated(8, &[1]), lost),
        ("an answer for a challenge", mutated(8, &[3]), lost),
        ("a challenge without its name", mutated(0, b"NTLMSSQ"), lost),
        ("target information beyond the end", mutated(40, &[0xff, 0xff, 0xff, 0xff]), lost),
        ("target information far away", mutated(44, &[0xff, 0xff, 0xff, 0x7f]), lost),
        ("a challenge after the challenge", vec![Reply::challenge(NTLM), Reply::challenge(NTLM)], lost),
        ("no body at all", vec![Reply::new(MORE, [])], lost),
        ("a body that points beyond the end", vec![Reply::new(MORE, [9, 0, 0, 0, 72, 0, 0xff, 0xff])], lost),
        ("a body that points before the beginning", vec![Reply::new(MORE, [9, 0, 0, 0, 0, 0, 8, 0])], lost),
        ("a challenge for another message", vec![Reply::challenge(NTLM).to_message(99)], lost),
    ];
    let weak: &[_] = &["protocol login", "unavailable login", "bad_credentials"];
    for (name, flags) in [
        ("a challenge without any promise", 0),
        ("a challenge that asks for LM", 0x0000_0281),
        ("a challenge without signing", NTLM & !0x10),
        ("a challenge with every flag", u32::MAX),
    ] {
        lies.push((name, vec![Reply::challenge(flags), Reply::session(0, 0, &[]), Reply::tree()], weak));
    }
    lies
}

/// Errors about unknown sessions are unsigned: a network attacker can forge them.
///
/// All that brings is that a user is turned away.
const ERRORS: &[(&str, u32, &[&str])] = &[
    ("wrong password", 0xc000_006a, &["bad_credentials"]),
    ("logon failure", 0xc000_006d, &["bad_credentials"]),
    ("no such user", 0xc000_0064, &["unknown_user"]),
    ("locked out", 0xc000_0234, &["account_locked"]),
    ("disabled", 0xc000_0072, &["account_disabled"]),
    ("expired", 0xc000_0071, &["credentials_expired"]),
    ("must change", 0xc000_0224, &["credentials_expired"]),
    ("no logon servers", 0xc000_005e, &["unavailable login"]),
    ("too few resources", 0xc000_009a, &["unavailable login"]),
    ("access denied", 0xc000_0022, &["misconfigured login"]),
    ("not supported", 0xc000_00bb, &["misconfigured login"]),
    ("invalid parameter", 0xc000_000d, &["unavailable login"]),
    ("a bad network name", 0xc000_00cc, &["unavailable login"]),
    ("a warning", 0x8000_0005, &["unavailable login"]),
    ("a status of its own", 0xe000_1234, &["unavailable login"]),
    ("a status that is a success of another kind", 0x0000_0104, &["unavailable login", "protocol login"]),
];

fn session(name: String, way: Protocol, dialect: u16, replies: Vec<Reply>, allowed: &[&'static str]) -> Row {
    let steps = [greeted(dialect)].into_iter().chain(replies.into_iter().map(ScriptStep::Smb));
    row(name, way).steps(steps).only(any(way, allowed)).ending(Ending::HangsUp)
}

/// What libsmbclient may say where the engine `native` must say one of `allowed`.
fn any<'a>(way: Protocol, allowed: &'a [&'static str]) -> &'a [&'static str] {
    if way == Protocol::SmbNative { allowed } else { ANYTHING_BUT_YES }
}

/// The negotiation precedes libsmbclient, so the script's clock counts for it.
fn ending(way: Protocol, ending: Ending) -> Ending {
    if way == Protocol::SmbNative { Ending::HangsUp } else { ending }
}

fn row(name: impl std::fmt::Display, way: Protocol) -> Row {
    Row::new(name, way, TlsMode::None)
}

fn greeted(dialect: u16) -> ScriptStep {
    ScriptStep::Smb(Reply::negotiated(dialect, 1))
}

/// Reads the question and answers in the next step.
fn question() -> ScriptStep {
    ScriptStep::Receive
}
