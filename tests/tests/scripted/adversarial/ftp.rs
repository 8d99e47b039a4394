//! The table for FTP.
//!
//! RFC 959 section 4.2 and 5.4, RFC 4217. What each code means word by word is in
//! `../ftp/replies.rs`; here are the lies.

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts};
use super::run::server_keys;
use super::shapes::{Lie, MODES, Stray, before_greeting, pause};

const GREETING: &[u8] = b"220-zebra\r\n220 ready\r\n";

/// In place of a greeting: nothing may be sent to such a server.
const GREETINGS: &[Lie] = &[
    ("early 421", b"421 zebra\r\n", &["unavailable greeting"]),
    ("early 421 in two lines", b"421-zebra\r\n421 bye\r\n", &["unavailable greeting"]),
    ("530", b"530 zebra\r\n", &["unavailable greeting"]),
    ("230", b"230 welcome alice zebra\r\n", &["protocol greeting"]),
    ("331", b"331 zebra\r\n", &["protocol greeting"]),
    ("234", b"234 zebra\r\n", &["protocol greeting"]),
    ("220 that becomes 230", b"220-zebra\r\n230 in\r\n", &["unavailable greeting"]),
    ("120, then 230", b"120 soon\r\n230 in\r\n", &["protocol greeting"]),
    ("220 without a blank", b"220zebra\r\n", &["protocol greeting"]),
    ("four digits", b"2200 zebra\r\n", &["protocol greeting"]),
    ("a blank first", b" 220 zebra\r\n", &["protocol greeting"]),
    ("NUL first", b"\x00220 zebra\r\n", &["protocol greeting"]),
    ("letters for digits", b"22O zebra\r\n", &["protocol greeting"]),
    ("Arabic digits", "٢٢٠ zebra\r\n".as_bytes(), &["protocol greeting"]),
    // Real servers send these before their greeting.
    ("an empty line", b"\r\n", &["unavailable greeting"]),
    ("a line without a code", b"zebra\r\n", &["unavailable greeting"]),
    ("nine lines without a code", b"a\nb\nc\nd\ne\nf\ng\nh\ni\n", &["protocol greeting"]),
    ("IMAP", b"* OK IMAP4rev1 zebra\r\n", &["protocol greeting"]),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", &["protocol greeting"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", &["protocol greeting"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28\r\n", &["protocol greeting"]),
    ("a reply that never ends", b"220-zebra\r\n", &["unavailable greeting"]),
    ("half a line", b"220 zeb", &["unavailable", "protocol"]),
    ("nothing", b"", &["unavailable"]),
];

/// In answer to AUTH TLS, in clear text.
const AUTH: &[Lie] = &[
    ("a refusal", b"502 zebra\r\n", &["misconfigured tls"]),
    ("not now", b"421 zebra\r\n", &["unavailable tls"]),
    ("230", b"230 zebra\r\n", &["protocol tls"]),
    ("200", b"200 zebra\r\n", &["protocol tls"]),
    ("331", b"331 zebra\r\n", &["protocol tls"]),
    ("a no that becomes a yes", b"502-zebra\r\n234 go\r\n", &["protocol tls"]),
    ("a yes that becomes a no", b"234-zebra\r\n502 no\r\n", &["protocol tls"]),
    ("an injected 331", b"234 go\r\n331 zebra\r\n", &["protocol tls"]),
    ("an injected login", b"234 go\r\n331 zebra\r\n230 in\r\n", &["protocol tls"]),
    ("an injected line end", b"234 go\r\n\r\n", &["protocol tls"]),
    ("one injected byte", b"234 go\r\n2", &["protocol tls"]),
    ("one injected NUL", b"234 go\r\n\0", &["protocol tls"]),
    ("no line end", b"234 go", &["unavailable tls", "protocol tls"]),
    ("nothing", b"", &["unavailable tls"]),
];

/// In answer to USER: no password may follow.
const USER: &[Lie] = &[
    ("230 to USER", b"230 zebra\r\n", &["misconfigured login"]),
    ("230 to USER in two lines", b"230-zebra\r\n230 in\r\n", &["misconfigured login"]),
    ("232", b"232 zebra\r\n", &["misconfigured login"]),
    ("332", b"332 zebra\r\n", &["misconfigured login"]),
    // Under TLS it is the name that is refused.
    ("530", b"530 zebra\r\n", &["misconfigured login", "unknown_user"]),
    ("530, too many", b"530 too many zebras\r\n", &["misconfigured login", "unavailable login"]),
    ("530, no such user", b"530 no such user zebra\r\n", &["unknown_user"]),
    ("421", b"421 zebra\r\n", &["unavailable login"]),
    ("331 and the answer behind it", b"331 zebra\r\n230 in\r\n", &["protocol login"]),
    ("331 and half an answer", b"331 zebra\r\n23", &["protocol login"]),
    ("331 twice", b"331 zebra\r\n331 zebra\r\n", &["protocol login"]),
    ("331 that becomes 230", b"331-zebra\r\n230 in\r\n", &["protocol login"]),
    ("530 that becomes 331", b"530-zebra\r\n331 go\r\n", &["protocol login"]),
    ("331 without a blank", b"331zebra\r\n", &["protocol login"]),
    ("331 behind NUL", b"\x00331 zebra\r\n", &["protocol login"]),
    ("331 behind 0xff", b"\xff\xf4331 zebra\r\n", &["protocol login"]),
    ("331 that never ends", b"331-zebra\r\n", &["unavailable login"]),
    ("nothing", b"", &["unavailable login"]),
];

/// In answer to PASS.
const PASS: &[Lie] = &[
    ("yes", b"230 zebra\r\n", &["accepted"]),
    (
        "yes in many lines",
        b"230-zebra\r\n 530 is a number\r\n530-so is this\r\n230 in\r\n",
        &["accepted", "protocol login"],
    ),
    ("yes in latin-1 and NUL", b"230 \xe4\xff\0\r\n", &["accepted"]),
    ("no", b"530 Login incorrect, zebra\r\n", &["bad_credentials"]),
    ("no in words of its own", b"530 zebra\r\n", &["unavailable login"]),
    ("no without words", b"530\r\n", &["unavailable login"]),
    ("no that is an outage", b"530 Sorry, the maximum number of zebras\r\n", &["unavailable login"]),
    ("no that is the password", b"530 Canary:7f3a \"b\\d\" %41 wing\r\n", &["unavailable login"]),
    (
        "no that repeats the password",
        b"530 Wrong password: Canary:7f3a \"b\\d\" %41 wing\r\n",
        &["bad_credentials"],
    ),
    ("no, then yes", b"530 Login incorrect, zebra\r\n230 in\r\n", &["bad_credentials"]),
    ("no that becomes yes", b"530-zebra\r\n230 in\r\n", &["protocol login"]),
    ("no with a yes inside", b"530-zebra\r\n230 in\r\n530 no\r\n", &["protocol login"]),
    ("yes that becomes no", b"230-zebra\r\n530 no\r\n", &["protocol login"]),
    ("yes with a question inside", b"230-zebra\r\n331 what\r\n230 in\r\n", &["protocol login"]),
    ("yes behind noise", b"zebra\r\n230 in\r\n", &["protocol login"]),
    ("yes behind an empty line", b"\r\n230 in\r\n", &["protocol login"]),
    ("yes behind NUL", b"\x00230 in\r\n", &["protocol login"]),
    ("yes behind 0xff", b"\xff230 in\r\n", &["protocol login"]),
    ("yes behind a blank", b" 230 in\r\n", &["protocol login"]),
    ("yes with four digits", b"2300 in\r\n", &["protocol login"]),
    ("yes with letters", b"23O in\r\n", &["protocol login"]),
    ("yes in digits of another script", "２３０ in\r\n".as_bytes(), &["protocol login"]),
    ("630", b"630 zebra\r\n", &["protocol login"]),
    ("331 again", b"331 zebra\r\n", &["protocol login"]),
    ("332", b"332 zebra\r\n", &["misconfigured login"]),
    ("202", b"202 zebra\r\n", &["misconfigured login"]),
    ("421", b"421 zebra\r\n", &["unavailable login"]),
    ("451", b"451 zebra\r\n", &["unavailable login"]),
    ("500", b"500 OOPS: zebra\r\n", &["unavailable login"]),
    ("an IMAP yes", b"A0001 OK zebra\r\n", &["protocol login"]),
    ("yes that never ends", b"230-zebra\r\n", &["unavailable login"]),
    ("yes without text and blank", b"230\r\n", &["accepted"]),
    ("nothing", b"", &["unavailable login"]),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ending in [Ending::Silence, Ending::HangsUp] {
        for tls in MODES {
            for (name, bytes, allowed) in GREETINGS {
                let greeting = row(format!("greets with {name}"), tls).steps(before_greeting(tls));
                rows.push(greeting.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in USER {
                let asked = row(format!("answers USER with {name}"), tls).steps(ready(tls));
                rows.push(asked.steps([user(), ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in PASS {
                let asked = row(format!("answers PASS with {name}"), tls).steps(at_pass(tls)).hears_it_once();
                rows.push(asked.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
        }
        for (name, bytes, allowed) in AUTH {
            let asked = row(format!("answers AUTH TLS with {name}"), TlsMode::Explicit);
            let steps = [ScriptStep::send(GREETING), ScriptStep::Line, ScriptStep::send(bytes)];
            rows.push(asked.steps(steps).only(allowed).ending(ending));
        }
    }
    rows.extend(shapes());
    rows.extend(whole_dialogues());
    rows
}

/// Sizes and speeds.
fn shapes() -> Vec<Row> {
    let floods: [(&str, &'static [u8]); 3] = [
        ("an endless line", &[b'2'; 4096]),
        ("endless lines", b"230-more\r\n"),
        ("endless empty lines", b"\r\n"),
    ];
    let mut rows = Vec::new();
    for tls in MODES {
        let greeting = |name: &str| row(name, tls).steps(before_greeting(tls));
        let answer = |name: &str| row(name, tls).steps(at_pass(tls)).hears_it_once();
        rows.extend(Stray { greeting: &greeting, answer: &answer }.rows([b"220-", b"230-"], &floods));
        let ahead = [GREETING, b"331 go\r\n230 in\r\n"].concat();
        let sent = greeting("the whole dialogue sent with the greeting").steps([ScriptStep::Send(ahead)]);
        rows.push(sent.only(&["protocol"]).ending(Ending::Silence));
    }
    rows
}

/// Correct dialogues: split in two at every byte, cut off there, and in single bytes.
fn whole_dialogues() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, answer, outcome) in [
        ("a yes", b"230-zebra\r\n230 in\r\n".as_slice(), "accepted"),
        ("a no", b"530-zebra\r\n530 Login incorrect\r\n", "bad_credentials"),
    ] {
        for tls in [TlsMode::None, TlsMode::Implicit] {
            let start = |name: String| row(name, tls).steps(before_greeting(tls));
            let question = || [user(), ScriptStep::send("331 go\r\n"), pass()];
            for (at, head, tail) in cuts(GREETING) {
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                let begun = start(format!("{what}, the greeting split at byte {at}")).steps(split);
                let asked = begun.steps(question()).steps([ScriptStep::send(answer)]).hears_it_once();
                rows.push(asked.only(&[outcome]).ending(Ending::Silence));
                let name = format!("{what}, the greeting cut off at byte {at}");
                rows.push(start(name).steps([ScriptStep::send(head)]).only(&["unavailable", "protocol"]));
            }
            for (at, head, tail) in cuts(answer) {
                let begun = |name| row(name, tls).steps(at_pass(tls)).hears_it_once();
                let name = format!("{what}, the answer split at byte {at}");
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                rows.push(begun(name).steps(split).only(&[outcome]).ending(Ending::Silence));
                let name = format!("{what}, the answer cut off at byte {at}");
                rows.push(begun(name).steps([ScriptStep::send(head)]).only(&["unavailable", "protocol"]));
            }
            let single = start(format!("{what} in single bytes")).steps([ScriptStep::Drip(GREETING.into())]);
            let single = single.steps(question()).steps([ScriptStep::Drip(answer.into())]).hears_it_once();
            rows.push(single.only(&[outcome]).ending(Ending::Silence));
        }
    }
    rows
}

fn row(name: impl std::fmt::Display, tls: TlsMode) -> Row {
    Row::new(name, Protocol::Ftp, tls)
}

fn user() -> ScriptStep {
    ScriptStep::Expect("USER ")
}

fn pass() -> ScriptStep {
    ScriptStep::Expect("PASS ")
}

/// A correct server up to where it waits for USER.
fn ready(tls: TlsMode) -> Vec<ScriptStep> {
    let mut steps = before_greeting(tls);
    steps.push(ScriptStep::send(GREETING));
    if tls == TlsMode::Explicit {
        steps.extend([ScriptStep::Line, ScriptStep::send("234 go\r\n"), ScriptStep::Tls(server_keys())]);
    }
    steps
}

/// A correct server until it has the password.
fn at_pass(tls: TlsMode) -> Vec<ScriptStep> {
    [ready(tls), vec![user(), ScriptStep::send("331 go\r\n"), pass()]].concat()
}
