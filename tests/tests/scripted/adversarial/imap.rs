//! The table for IMAP.
//!
//! RFC 9051; what our own dependencies fall for is in the rows about parentheses, literals and
//! bytes outside ASCII.

use std::time::Duration;

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts};
use super::run::server_keys;
use super::shapes::{Lie, MODES, Stray, before_greeting, pause};

const AT_ONCE: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] zebra\r\n";
const IN_TURNS: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] zebra\r\n";
const BY_LOGIN: &str = "* OK [CAPABILITY IMAP4rev1] zebra\r\n";
const BY_SASL_LOGIN: &str = "* OK [CAPABILITY IMAP4rev1 AUTH=LOGIN] zebra\r\n";
const CLEAR: &str = "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] zebra\r\n";

/// In place of a greeting: nothing may be sent to such a server.
const GREETINGS: &[Lie] = &[
    ("early BYE", b"* BYE zebra\r\n", &["unavailable greeting"]),
    ("BYE with a code", b"* BYE [UNAVAILABLE] zebra\r\n", &["unavailable greeting"]),
    ("PREAUTH", b"* PREAUTH [CAPABILITY IMAP4rev1] welcome alice zebra\r\n", &["protocol greeting"]),
    ("NO", b"* NO zebra\r\n", &["protocol greeting"]),
    ("BAD", b"* BAD zebra\r\n", &["protocol greeting"]),
    ("a capability list", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", &["protocol greeting"]),
    ("a tagged OK", b"A0001 OK zebra\r\n", &["protocol greeting"]),
    ("a continuation", b"+ zebra\r\n", &["protocol greeting"]),
    ("an empty line", b"\r\n", &["protocol greeting"]),
    ("a bare line feed", b"* OK zebra\n", &["protocol greeting"]),
    ("OKAY", b"* OKAY zebra\r\n", &["protocol greeting"]),
    ("no star", b"OK zebra\r\n", &["protocol greeting"]),
    ("NUL", b"\0\0\0\0\r\n", &["protocol greeting"]),
    ("FTP", b"220 zebra FTP server ready\r\n", &["protocol greeting"]),
    ("SMTP", b"220 zebra ESMTP Postfix\r\n", &["protocol greeting"]),
    ("POP3", b"+OK zebra ready\r\n", &["protocol greeting"]),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", &["protocol greeting"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", &["protocol greeting"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28\r\n", &["protocol greeting"]),
    ("half a line", b"* OK zeb", &["unavailable"]),
    ("a line without its end", b"* OK zebra\r", &["unavailable"]),
    ("nothing", b"", &["unavailable"]),
    ("a literal", b"* OK {400000000}\r\n", &["protocol greeting"]),
    ("a literal that does not wait", b"* OK {400000000+}\r\n", &["protocol greeting"]),
    ("a literal of 2^63", b"* OK {9223372036854775808}\r\n", &["protocol greeting"]),
];

/// Instead of the STARTTLS response, in clear text: no credentials may follow.
const STARTTLS: &[Lie] = &[
    ("NO", b"{tag} NO zebra\r\n", &["unavailable tls"]),
    ("BAD", b"{tag} BAD zebra\r\n", &["misconfigured tls"]),
    ("BYE", b"* BYE zebra\r\n", &["unavailable tls"]),
    ("PREAUTH", b"* PREAUTH zebra\r\n", &["protocol", "unavailable"]),
    ("an untagged OK", b"* OK begin\r\n", &["unavailable tls"]),
    ("a wrong tag", b"A0001 OK begin\r\n", &["protocol tls"]),
    ("a tag in the wrong letter case", b"g0 OK begin\r\n", &["protocol tls"]),
    ("a tag and more", b"{tag}1 OK begin\r\n", &["protocol tls"]),
    ("OKAY", b"{tag} OKAY\r\n", &["protocol tls"]),
    ("a continuation", b"+ go\r\n", &["protocol tls"]),
    ("injected capabilities", b"{tag} OK\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", &["protocol tls"]),
    ("an injected yes", b"{tag} OK\r\n{tag} OK zebra\r\n", &["protocol tls"]),
    ("an injected PREAUTH", b"{tag} OK\r\n* PREAUTH zebra\r\n", &["protocol tls"]),
    ("one injected byte", b"{tag} OK\r\n*", &["protocol tls"]),
    ("an injected line end", b"{tag} OK\r\n\r\n", &["protocol tls"]),
    ("clear text in place of TLS", b"{tag} OK\r\n* OK zebra\r\n", &["protocol tls"]),
    ("a bare line feed", b"{tag} OK\n", &["protocol tls"]),
    ("a literal", b"{tag} OK {5}\r\n", &["protocol tls"]),
    ("nothing", b"", &["unavailable tls"]),
];

/// Clear-text greetings that hide STARTTLS, or lie about it.
const STRIPPED: &[Lie] = &[
    (
        "STARTTLS left out",
        b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] zebra\r\n",
        &["misconfigured tls"],
    ),
    ("STARTTLS misspelt", b"* OK [CAPABILITY IMAP4rev1 XSTARTTLS] zebra\r\n", &["misconfigured tls"]),
    (
        "STARTTLS with more behind it",
        b"* OK [CAPABILITY IMAP4rev1 STARTTLSX] zebra\r\n",
        &["misconfigured tls"],
    ),
    ("STARTTLS with NUL in it", b"* OK [CAPABILITY IMAP4rev1 START\0TLS] zebra\r\n", &["misconfigured tls"]),
    ("LOGINDISABLED alone", b"* OK [CAPABILITY IMAP4rev1 LOGINDISABLED] zebra\r\n", &["misconfigured tls"]),
    ("an empty list", b"* OK [CAPABILITY] zebra\r\n", &["misconfigured tls"]),
    ("PREAUTH before TLS", b"* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] alice\r\n", &["protocol greeting"]),
    ("PREAUTH without a list", b"* PREAUTH zebra\r\n", &["protocol greeting"]),
    ("BYE with STARTTLS", b"* BYE [CAPABILITY STARTTLS] zebra\r\n", &["unavailable greeting"]),
    (
        "a yes behind the greeting",
        b"* OK [CAPABILITY IMAP4rev1 STARTTLS] zebra\r\nA0001 OK zebra\r\n",
        &["protocol tls"],
    ),
];

/// Under TLS, after STARTTLS, in place of the capabilities.
const AFTER_TLS: &[Lie] = &[
    ("PREAUTH", b"* PREAUTH zebra\r\n", &["protocol"]),
    ("a second greeting, then nothing", b"* OK zebra\r\n", &["unavailable greeting"]),
    ("BYE", b"* BYE zebra\r\n", &["unavailable greeting"]),
    ("NO", b"{tag} NO zebra\r\n", &["protocol greeting"]),
    ("BAD", b"{tag} BAD zebra\r\n", &["protocol greeting"]),
    ("OK without a list", b"{tag} OK zebra\r\n", &["protocol greeting"]),
    ("a list with a wrong tag", b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA0001 OK\r\n", &["protocol greeting"]),
    (
        "no mechanism that takes a password",
        b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=CRAM-MD5\r\n{tag} OK\r\n",
        &["misconfigured login"],
    ),
    (
        "only a mechanism of another name",
        b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAINX AUTH=SCRAM-SHA-256\r\n{tag} OK\r\n",
        &["misconfigured login"],
    ),
    (
        "the answer sent ahead",
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n{tag} OK\r\n{tag} OK zebra\r\n",
        &["protocol login"],
    ),
];

/// In answer to `AUTHENTICATE PLAIN`, before the password is sent: it stays here.
const IN_PLACE_OF_A_TURN: &[Lie] = &[
    ("a yes without a turn", b"{tag} OK zebra\r\n", &["protocol login"]),
    ("a yes behind the turn", b"+ \r\n{tag} OK zebra\r\n", &["protocol login"]),
    ("a no", b"{tag} NO [AUTHENTICATIONFAILED] zebra\r\n", &["unavailable login"]),
    ("a no without a code", b"{tag} NO zebra\r\n", &["unavailable login"]),
    ("BAD", b"{tag} BAD zebra\r\n", &["protocol login"]),
    ("two turns", b"+ \r\n+ \r\n", &["protocol login"]),
    ("a turn without a blank", b"+go\r\n", &["protocol login"]),
    ("a literal for a turn", b"+ {5}\r\n", &["protocol login"]),
    ("BYE", b"* BYE zebra\r\n", &["unavailable login"]),
    ("BYE behind the turn", b"+ \r\n* BYE zebra\r\n", &["unavailable login"]),
    ("PREAUTH behind the turn", b"+ \r\n* PREAUTH zebra\r\n", &["protocol login"]),
    ("half an answer behind the turn", b"+ \r\n{tag} O", &["protocol login"]),
    ("a wrong tag", b"A0001 OK zebra\r\n", &["protocol login"]),
    ("untagged lines for ever", b"* OK a\r\n* 1 EXISTS\r\n* OK b\r\n", &["unavailable login"]),
    ("nothing", b"", &["unavailable login"]),
];

/// In answer to the password.
const ANSWERS: &[Lie] = &[
    ("yes", b"{tag} OK zebra\r\n", &["accepted"]),
    ("yes in lower case", b"{tag} ok\r\n", &["accepted"]),
    ("yes with capabilities", b"{tag} OK [CAPABILITY IMAP4rev1] zebra\r\n", &["accepted"]),
    ("yes behind untagged lines", b"* OK x\r\n* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n", &["accepted"]),
    ("yes behind an unasked FETCH", b"* 1 FETCH (INTERNALDATE NIL)\r\n{tag} OK\r\n", &["accepted"]),
    ("yes in latin-1 and UTF-8", b"{tag} OK \xe4\xc3\xa4\xf0\x9f\xa6\x93\r\n", &["accepted"]),
    ("no", b"{tag} NO Invalid login zebra\r\n", &["bad_credentials"]),
    ("no in words of its own", b"{tag} NO zebra\r\n", &["unavailable login"]),
    ("no without words", b"{tag} NO\r\n", &["unavailable login"]),
    ("no that is an outage", b"{tag} NO Login failed: zebra is down\r\n", &["unavailable login"]),
    ("no that is the password", b"{tag} NO Canary:7f3a \"b\\d\" %41 wing\r\n", &["unavailable login"]),
    (
        "no that repeats the password",
        b"{tag} NO Wrong password: Canary:7f3a \"b\\d\" %41 wing\r\n",
        &["bad_credentials"],
    ),
    ("no with a message for the user", b"{tag} NO [ALERT] zebra\r\n", &["unavailable login"]),
    (
        "no that wants an app password",
        b"{tag} NO [ALERT] Application-specific password required: zebra\r\n",
        &["bad_credentials"],
    ),
    ("no with a code", b"{tag} NO [AUTHENTICATIONFAILED] zebra\r\n", &["bad_credentials"]),
    ("no, then yes", b"{tag} NO Invalid login zebra\r\n{tag} OK\r\n", &["bad_credentials"]),
    ("no, expired", b"{tag} NO [EXPIRED] zebra\r\n", &["credentials_expired"]),
    ("no, ask the admin", b"{tag} NO [CONTACTADMIN] zebra\r\n", &["account_disabled"]),
    ("a multibyte character behind a code", b"{tag} NO [ALERT]\xe2\x80\x93zebra\r\n", &["unavailable login"]),
    ("the same, untagged", b"* OK [ALERT]\xe2\x80\x93x\r\n{tag} NO Login failed\r\n", &["bad_credentials"]),
    ("a code that is not closed", b"{tag} NO [AUTHENTICATIONFAILED zebra\r\n", &["unavailable login"]),
    ("a code with NUL in it", b"{tag} NO [AUTH\0] zebra\r\n", &["unavailable login"]),
    ("no, not now", b"{tag} NO [UNAVAILABLE] zebra\r\n", &["unavailable login"]),
    ("no, too many", b"{tag} NO [LIMIT] zebra\r\n", &["unavailable login"]),
    ("no, my own fault", b"{tag} NO [SERVERBUG] zebra\r\n", &["unavailable login"]),
    ("no, in use", b"{tag} NO [INUSE] zebra\r\n", &["unavailable login"]),
    ("no, go elsewhere", b"{tag} NO [REFERRAL imap://evil.example/] zebra\r\n", &["unavailable login"]),
    ("yes, and go elsewhere", b"{tag} OK [REFERRAL imap://evil.example/] zebra\r\n", &["accepted"]),
    ("no, a code of its own", b"{tag} NO [ZEBRA] zebra\r\n", &["unavailable login"]),
    ("no, encrypt first", b"{tag} NO [PRIVACYREQUIRED] zebra\r\n", &["misconfigured login"]),
    ("BAD", b"{tag} BAD zebra\r\n", &["protocol login"]),
    ("BYE", b"* BYE zebra\r\n", &["unavailable login"]),
    ("BYE, then yes", b"* BYE zebra\r\n{tag} OK\r\n", &["unavailable login"]),
    ("PREAUTH, tagged", b"{tag} PREAUTH zebra\r\n", &["protocol login"]),
    ("PREAUTH, untagged", b"* PREAUTH zebra\r\n", &["unavailable login", "protocol login"]),
    ("BYE, tagged", b"{tag} BYE zebra\r\n", &["protocol login"]),
    ("an untagged yes", b"* OK zebra, logged in\r\n", &["unavailable login"]),
    ("OKAY", b"{tag} OKAY\r\n", &["protocol login"]),
    ("two blanks before OK", b"{tag}  OK\r\n", &["protocol login"]),
    ("a tab before OK", b"{tag}\tOK\r\n", &["protocol login"]),
    ("nothing behind the tag", b"{tag}\r\n", &["protocol login"]),
    ("the tag of another client", b"A0001 OK zebra\r\n", &["protocol login"]),
    ("another tag before ours", b"A0001 OK\r\n{tag} OK\r\n", &["protocol login"]),
    ("a tag and one more character", b"{tag}0 OK\r\n", &["protocol login"]),
    ("a star for a tag", b"*OK\r\n", &["protocol login"]),
    ("a blank before the tag", b" {tag} OK\r\n", &["protocol login"]),
    ("a carriage return inside", b"x\r{tag} OK\r\n", &["protocol login"]),
    ("NUL before the tag", b"\0{tag} OK\r\n", &["protocol login"]),
    ("a byte order mark before the tag", b"\xef\xbb\xbf{tag} OK\r\n", &["protocol login"]),
    ("a bare line feed", b"{tag} OK\n", &["protocol login"]),
    ("a line feed inside", b"* OK\n{tag} OK\r\n", &["protocol login"]),
    ("a turn that was not asked for", b"+ zebra\r\n", &["protocol login"]),
    ("an empty line", b"\r\n", &["protocol login"]),
    ("a literal of 400 MB", b"* 1 FETCH (BODY[] {400000000}\r\n", &["protocol login"]),
    ("a literal of 4 GB, tagged", b"{tag} OK {4294967295}\r\n", &["protocol login"]),
    ("a literal of 2^64", b"* X {18446744073709551616}\r\n", &["protocol login"]),
    ("a literal that does not wait", b"* X {1+}\r\nx\r\n{tag} OK\r\n", &["protocol login"]),
    ("an empty literal", b"* X {0}\r\n\r\n{tag} OK\r\n", &["protocol login"]),
    ("a yes without its end", b"{tag} OK", &["unavailable login"]),
    ("half a tag", b"G0", &["unavailable login"]),
    ("nothing", b"", &["unavailable login"]),
    ("an FTP yes", b"230 zebra logged in\r\n", &["protocol login"]),
    ("an HTTP answer", b"HTTP/1.1 200 OK\r\n\r\n", &["protocol login"]),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ending in [Ending::Silence, Ending::HangsUp] {
        for tls in MODES {
            for (name, bytes, allowed) in GREETINGS {
                let greeting = row(format!("greets with {name}"), tls).steps(before_greeting(tls));
                rows.push(greeting.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in IN_PLACE_OF_A_TURN {
                for (mechanism, greeting) in [("PLAIN", IN_TURNS), ("LOGIN", BY_SASL_LOGIN)] {
                    let name = format!("asked for a turn of {mechanism}, says {name}");
                    let asked = row(name, tls).steps(ready(tls, greeting));
                    rows.push(asked.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
                }
            }
            for (name, bytes, allowed) in ANSWERS {
                let answer = |how| row(format!("answers {how} with {name}"), tls).hears_it_once();
                let answers = [
                    answer("at once").steps(ready(tls, AT_ONCE)),
                    answer("in turn")
                        .steps(ready(tls, IN_TURNS))
                        .steps([ScriptStep::send("+ \r\n"), ScriptStep::Secret]),
                    answer("LOGIN").steps(ready(tls, BY_LOGIN)),
                    answer("SASL LOGIN").steps(ready(tls, BY_SASL_LOGIN)).steps([
                        ScriptStep::send("+ VXNlcm5hbWU6\r\n"),
                        ScriptStep::Secret,
                        ScriptStep::send("+ UGFzc3dvcmQ6\r\n"),
                        ScriptStep::Secret,
                    ]),
                ];
                // Without a list that has LOGIN disabled, clear text and LOGIN are the same.
                rows.extend(
                    answers.map(|row| row.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending)),
                );
            }
        }
        for (name, bytes, allowed) in STARTTLS {
            let asked = row(format!("answers STARTTLS with {name}"), TlsMode::Explicit);
            let steps = [ScriptStep::send(CLEAR), ScriptStep::Line, ScriptStep::send(bytes)];
            rows.push(asked.steps(steps).only(allowed).ending(ending));
        }
        for (name, bytes, allowed) in STRIPPED {
            let greeting = row(name, TlsMode::Explicit).steps([ScriptStep::send(bytes)]);
            rows.push(greeting.only(allowed).ending(ending));
        }
        for (name, bytes, allowed) in AFTER_TLS {
            let encrypted = row(format!("after STARTTLS, {name}"), TlsMode::Explicit).steps(encrypted());
            rows.push(
                encrypted.steps([ScriptStep::Line, ScriptStep::send(bytes)]).only(allowed).ending(ending),
            );
        }
    }
    rows.extend(shapes());
    rows.extend(whole_dialogues());
    rows
}

/// Sizes and speeds.
fn shapes() -> Vec<Row> {
    let floods: [(&str, &'static [u8]); 4] = [
        ("an endless line", &[b'a'; 4096]),
        ("endless lines", b"* 1 EXISTS\r\n"),
        ("endless empty lines", b"\r\n"),
        ("endless small literals", b"* X {1}\r\nx\r\n"),
    ];
    let mut rows = Vec::new();
    for tls in MODES {
        let greeting = |name: &str| row(name, tls).steps(before_greeting(tls));
        let answer = |name: &str| row(name, tls).steps(ready(tls, AT_ONCE)).hears_it_once();
        rows.extend(Stray { greeting: &greeting, answer: &answer }.rows([b"* OK ", b"* OK "], &floods));
        let lines = b"* OK [INUSE] still here\r\n".repeat(40);
        let slow = ScriptStep::Slowly(lines, Duration::from_millis(100));
        let untagged = answer("endless untagged lines, ten bytes a second").steps([slow]);
        rows.push(untagged.only(&["unavailable login"]));
        for depth in [300, 500, 8000, 100_000] {
            let open = [b"* 1 FETCH (BODYSTRUCTURE ".as_slice(), &vec![b'('; depth]].concat();
            let closed = [open.as_slice(), b"\r\n{tag} NO Invalid login zebra\r\n"].concat();
            let verdict: &[_] = if depth > 8000 { &["protocol login"] } else { &["bad_credentials"] };
            let name = format!("{depth} nested parentheses");
            rows.push(answer(&name).steps([ScriptStep::Send(closed)]).only(verdict).ending(Ending::Silence));
            let waits: &[_] = if depth > 8000 { &["protocol login"] } else { &["unavailable login"] };
            let name = format!("{depth} nested parentheses without an end");
            rows.push(answer(&name).steps([ScriptStep::Send(open)]).only(waits).ending(Ending::Silence));
        }
    }
    rows
}

/// Correct dialogues: split in two at every byte, cut off there, bytewise, and early.
fn whole_dialogues() -> Vec<Row> {
    let mut rows = Vec::new();
    let greeting = AT_ONCE.as_bytes();
    for (what, answer, outcome) in [
        ("a yes", b"{tag} OK zebra\r\n".as_slice(), "accepted"),
        ("a no", b"{tag} NO Invalid login zebra\r\n", "bad_credentials"),
    ] {
        for tls in [TlsMode::None, TlsMode::Implicit] {
            let start = |name: String| row(name, tls).steps(before_greeting(tls));
            for (at, head, tail) in cuts(greeting) {
                let split = [
                    ScriptStep::send(head),
                    pause(),
                    ScriptStep::send(tail),
                    ScriptStep::Line,
                    ScriptStep::send(answer),
                ];
                let name = format!("{what}, the greeting split at byte {at}");
                rows.push(start(name).steps(split).only(&[outcome]).hears_it_once().ending(Ending::Silence));
                let name = format!("{what}, the greeting cut off at byte {at}");
                rows.push(start(name).steps([ScriptStep::send(head)]).only(&["unavailable"]));
            }
            for (at, head, tail) in cuts(answer).filter(|(at, ..)| !(1..5).contains(at)) {
                let begun =
                    |name| start(name).steps([ScriptStep::send(greeting), ScriptStep::Line]).hears_it_once();
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                let name = format!("{what}, the answer split at byte {at}");
                rows.push(begun(name).steps(split).only(&[outcome]).ending(Ending::Silence));
                let name = format!("{what}, the answer cut off at byte {at}");
                rows.push(begun(name).steps([ScriptStep::send(head)]).only(&["unavailable"]));
            }
            let single =
                [ScriptStep::Drip(greeting.into()), ScriptStep::Line, ScriptStep::Drip(answer.into())];
            let name = format!("{what} in single bytes");
            rows.push(start(name).steps(single).only(&[outcome]).hears_it_once().ending(Ending::Silence));
            for ahead in ["A0001 OK zebra\r\n", "* OK x\r\nA0001 OK\r\n", "G OK\r\n", "+ \r\nA0001 OK\r\n"] {
                let steps = [
                    ScriptStep::send(format!("{AT_ONCE}{ahead}")),
                    ScriptStep::Line,
                    ScriptStep::send(answer),
                ];
                let name = format!("{what}, and {ahead:?} sent with the greeting");
                rows.push(start(name).steps(steps).only(&["protocol"]).ending(Ending::Silence));
            }
        }
    }
    rows
}

fn row(name: impl std::fmt::Display, tls: TlsMode) -> Row {
    Row::new(name, Protocol::Imap, tls)
}

/// Over STARTTLS, up to the first byte under TLS.
fn encrypted() -> Vec<ScriptStep> {
    vec![
        ScriptStep::send(CLEAR),
        ScriptStep::Line,
        ScriptStep::send("{tag} OK begin\r\n"),
        ScriptStep::Tls(server_keys()),
    ]
}

/// A correct server with this greeting, up to the password or a continuation.
fn ready(tls: TlsMode, greeting: &str) -> Vec<ScriptStep> {
    match tls {
        TlsMode::Explicit => {
            let list = greeting.split(['[', ']']).nth(1).unwrap_or_default();
            let offer = ScriptStep::send(format!("* {list}\r\n{{tag}} OK\r\n"));
            [encrypted(), vec![ScriptStep::Line, offer, ScriptStep::Line]].concat()
        }
        _ => [before_greeting(tls), vec![ScriptStep::send(greeting), ScriptStep::Line]].concat(),
    }
}
