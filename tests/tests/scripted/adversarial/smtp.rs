//! The table for SMTP.
//!
//! RFC 5321 section 4.2, RFC 3207, RFC 4954. What each code means is tested beside the code; here
//! are the lies.

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts};
use super::run::server_keys;
use super::shapes::{Lie, MODES, Stray, before_greeting, pause};

const GREETING: &[u8] = b"220-zebra\r\n220 mail.example.com ESMTP\r\n";
const OFFER: &[u8] =
    b"250-mail.example.com\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES\r\n";
const ONLY_LOGIN: &[u8] = b"250-mail.example.com\r\n250 AUTH LOGIN\r\n";
const OFFER_TLS: &[u8] = b"250-mail.example.com\r\n250 STARTTLS\r\n";

/// In place of a greeting: nothing may be sent to such a server.
const GREETINGS: &[Lie] = &[
    ("421", b"421 4.7.0 zebra\r\n", &["unavailable greeting"]),
    ("554", b"554 5.7.1 zebra\r\n", &["unavailable greeting"]),
    ("535", b"535 5.7.8 zebra\r\n", &["unavailable greeting"]),
    ("235", b"235 2.7.0 welcome alice zebra\r\n", &["protocol greeting"]),
    ("334", b"334 zebra\r\n", &["protocol greeting"]),
    ("250", b"250 zebra\r\n", &["protocol greeting"]),
    ("220 that becomes 235", b"220-zebra\r\n235 in\r\n", &["protocol greeting"]),
    ("220 that contradicts itself", b"220 5.7.1 zebra\r\n", &["protocol greeting"]),
    ("220 without a blank", b"220zebra\r\n", &["protocol greeting"]),
    ("four digits", b"2200 zebra\r\n", &["protocol greeting"]),
    ("a blank first", b" 220 zebra\r\n", &["protocol greeting"]),
    ("NUL first", b"\x00220 zebra\r\n", &["protocol greeting"]),
    ("letters for digits", b"22O zebra\r\n", &["protocol greeting"]),
    ("Arabic digits", "٢٢٠ zebra\r\n".as_bytes(), &["protocol greeting"]),
    ("an empty line", b"\r\n", &["protocol greeting"]),
    ("IMAP", b"* OK IMAP4rev1 zebra\r\n", &["protocol greeting"]),
    ("POP3", b"+OK zebra\r\n", &["protocol greeting"]),
    ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n", &["protocol greeting"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n", &["protocol greeting"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28\r\n", &["protocol greeting"]),
    ("a reply that never ends", b"220-zebra\r\n", &["unavailable greeting"]),
    ("half a line", b"220 zeb", &["unavailable greeting"]),
    ("nothing", b"", &["unavailable greeting"]),
    ("a second greeting", b"220 zebra\r\n220 zebra\r\n", &["protocol greeting"]),
    ("an offer after it", b"220 zebra\r\n250 AUTH PLAIN\r\n", &["protocol greeting"]),
];

/// In answer to EHLO: no password may follow.
const OFFERS: &[Lie] = &[
    ("nothing offered", b"250 zebra\r\n", &["misconfigured login"]),
    ("a name that looks like an offer", b"250 AUTH PLAIN\r\n", &["misconfigured login"]),
    ("CRAM-MD5 alone", b"250-zebra\r\n250 AUTH CRAM-MD5 XOAUTH2\r\n", &["misconfigured login"]),
    ("502", b"502 5.5.1 zebra\r\n", &["misconfigured greeting"]),
    ("421", b"421 zebra\r\n", &["unavailable greeting"]),
    ("550", b"550 zebra\r\n", &["unavailable greeting"]),
    ("235", b"235 zebra\r\n", &["protocol greeting"]),
    ("220", b"220 zebra\r\n", &["protocol greeting"]),
    ("250 that becomes 235", b"250-AUTH PLAIN\r\n235 in\r\n", &["protocol greeting"]),
    ("250 that contradicts itself", b"250 5.0.0 zebra\r\n", &["protocol greeting"]),
    ("an offer and a yes", b"250-x\r\n250 AUTH PLAIN\r\n235 in\r\n", &["protocol login"]),
    ("an offer and half a yes", b"250-x\r\n250 AUTH PLAIN\r\n23", &["protocol login"]),
    ("an offer that never ends", b"250-x\r\n250-AUTH PLAIN\r\n", &["unavailable greeting"]),
    ("nothing", b"", &["unavailable greeting"]),
];

/// In answer to the offer that comes before TLS.
const OFFERS_BEFORE_TLS: &[Lie] = &[
    ("no STARTTLS", b"250-zebra\r\n250 AUTH PLAIN\r\n", &["misconfigured tls"]),
    ("a name that looks like STARTTLS", b"250 STARTTLS\r\n", &["misconfigured tls"]),
    ("XSTARTTLS", b"250-zebra\r\n250 XSTARTTLS\r\n", &["misconfigured tls"]),
    ("STARTTLS and its answer", b"250-x\r\n250 STARTTLS\r\n220 go\r\n", &["protocol tls"]),
];

/// In answer to STARTTLS, in clear text.
const STARTTLS: &[Lie] = &[
    ("a refusal", b"502 5.5.1 zebra\r\n", &["misconfigured tls"]),
    ("554", b"554 5.7.3 zebra\r\n", &["misconfigured tls"]),
    ("not now", b"454 4.7.0 zebra\r\n", &["unavailable tls"]),
    ("235", b"235 zebra\r\n", &["protocol tls"]),
    ("250", b"250 zebra\r\n", &["protocol tls"]),
    ("334", b"334 zebra\r\n", &["protocol tls"]),
    ("a no that becomes a yes", b"502-zebra\r\n220 go\r\n", &["protocol tls"]),
    ("a yes that becomes a no", b"220-zebra\r\n502 no\r\n", &["protocol tls"]),
    ("a yes that contradicts itself", b"220 5.7.0 go\r\n", &["protocol tls"]),
    ("an injected offer", b"220 go\r\n250-x\r\n250 AUTH PLAIN\r\n", &["protocol tls"]),
    ("an injected yes", b"220 go\r\n235 in\r\n", &["protocol tls"]),
    ("an injected line end", b"220 go\r\n\r\n", &["protocol tls"]),
    ("one injected byte", b"220 go\r\n2", &["protocol tls"]),
    ("one injected NUL", b"220 go\r\n\0", &["protocol tls"]),
    ("no line end", b"220 go", &["unavailable tls"]),
    ("nothing", b"", &["unavailable tls"]),
];

/// In answer to AUTH LOGIN: no password may follow.
const AUTH: &[Lie] = &[
    ("a yes", b"235 2.7.0 zebra\r\n", &["misconfigured login"]),
    ("a no", b"535 5.7.8 zebra\r\n", &["misconfigured login"]),
    ("504", b"504 5.5.4 zebra\r\n", &["misconfigured login"]),
    ("421", b"421 zebra\r\n", &["unavailable login"]),
    ("454", b"454 4.7.0 zebra\r\n", &["unavailable login"]),
    ("250", b"250 zebra\r\n", &["protocol login"]),
    ("two challenges", b"334 VXNlcm5hbWU6\r\n334 UGFzc3dvcmQ6\r\n", &["protocol login"]),
    ("a challenge and a yes", b"334 VXNlcm5hbWU6\r\n235 in\r\n", &["protocol login"]),
    ("a challenge that never ends", b"334-VXNlcm5hbWU6\r\n", &["unavailable login"]),
    ("nothing", b"", &["unavailable login"]),
];

/// In answer to the name: no password may follow.
const NAME: &[Lie] = &[
    ("a yes", b"235 2.7.0 zebra\r\n", &["misconfigured login"]),
    ("a no", b"535 5.7.8 zebra\r\n", &["unknown_user"]),
    ("a no that is an outage", b"535 5.7.8 too many zebras\r\n", &["unavailable login"]),
    ("550", b"550 zebra\r\n", &["unavailable login"]),
    ("454", b"454 4.7.0 zebra\r\n", &["unavailable login"]),
    ("250", b"250 zebra\r\n", &["protocol login"]),
    ("a challenge and a yes", b"334 UGFzc3dvcmQ6\r\n235 in\r\n", &["protocol login"]),
    ("a challenge and half a yes", b"334 UGFzc3dvcmQ6\r\n23", &["protocol login"]),
    ("nothing", b"", &["unavailable login"]),
];

/// In answer to the password.
const PASSWORD: &[Lie] = &[
    ("yes", b"235 2.7.0 zebra\r\n", &["accepted"]),
    ("yes without an enhanced code", b"235 zebra\r\n", &["accepted"]),
    ("yes without text and blank", b"235\r\n", &["accepted"]),
    ("yes in many lines", b"235-2.7.0 535 is a number\r\n235-so is this\r\n235 in\r\n", &["accepted"]),
    ("yes in latin-1 and NUL", b"235 \xe4\xff\0\r\n", &["accepted"]),
    ("yes, and more after it", b"235 2.7.0 zebra\r\n535 no\r\n", &["accepted"]),
    ("no", b"535 5.7.8 zebra\r\n", &["bad_credentials"]),
    ("no without words", b"535\r\n", &["bad_credentials"]),
    ("no, then yes", b"535 5.7.8 zebra\r\n235 2.7.0 in\r\n", &["bad_credentials"]),
    ("no that repeats the password", b"535 5.7.8 Canary:7f3a \"b\\d\" %41 wing\r\n", &["bad_credentials"]),
    (
        "a question that repeats the password",
        b"550 Canary:7f3a \"b\\d\" %41 wing\r\n",
        &["unavailable login"],
    ),
    ("no that is an outage", b"535 5.7.8 zebra: generic failure\r\n", &["unavailable login"]),
    ("no that is not now", b"535 4.7.0 zebra\r\n", &["unavailable login"]),
    ("disabled", b"525 5.7.13 zebra\r\n", &["account_disabled"]),
    ("expired", b"535 5.7.8 Password expired, zebra\r\n", &["credentials_expired"]),
    (
        "an app password is needed",
        b"534 5.7.9 Application-specific password required\r\n",
        &["bad_credentials"],
    ),
    ("another mechanism", b"534 5.7.9 zebra\r\n", &["misconfigured login"]),
    ("538", b"538 5.7.11 zebra\r\n", &["misconfigured login"]),
    ("504", b"504 5.5.4 zebra\r\n", &["misconfigured login"]),
    ("500", b"500 5.5.6 zebra\r\n", &["unavailable login"]),
    ("501", b"501 5.5.2 zebra\r\n", &["unavailable login"]),
    ("550 in words of its own", b"550 5.7.1 zebra\r\n", &["unavailable login"]),
    ("550 that refuses", b"550 5.7.1 Invalid credentials\r\n", &["bad_credentials"]),
    ("421", b"421 4.7.0 zebra\r\n", &["unavailable login"]),
    ("432", b"432 4.7.12 zebra\r\n", &["unavailable login"]),
    ("435", b"435 zebra\r\n", &["unavailable login"]),
    ("451", b"451 zebra\r\n", &["unavailable login"]),
    ("454", b"454 4.7.0 authentication failed\r\n", &["unavailable login"]),
    ("another challenge", b"334 zebra\r\n", &["protocol login"]),
    ("a challenge, then yes", b"334 zebra\r\n235 in\r\n", &["protocol login"]),
    ("yes that contradicts itself", b"235 5.7.8 zebra\r\n", &["protocol login"]),
    ("no that becomes yes", b"535-zebra\r\n235 in\r\n", &["protocol login"]),
    ("no with a yes inside", b"535-zebra\r\n235 in\r\n535 no\r\n", &["protocol login"]),
    ("yes that becomes no", b"235-zebra\r\n535 no\r\n", &["protocol login"]),
    ("yes behind noise", b"zebra\r\n235 in\r\n", &["protocol login"]),
    ("yes behind an empty line", b"\r\n235 in\r\n", &["protocol login"]),
    ("yes behind NUL", b"\x00235 in\r\n", &["protocol login"]),
    ("yes behind 0xff", b"\xff235 in\r\n", &["protocol login"]),
    ("yes behind a blank", b" 235 in\r\n", &["protocol login"]),
    ("yes with four digits", b"2350 in\r\n", &["protocol login"]),
    ("yes with letters", b"23S in\r\n", &["protocol login"]),
    ("yes in digits of another script", "２３５ in\r\n".as_bytes(), &["protocol login"]),
    ("yes after a tab", b"235\tin\r\n", &["protocol login"]),
    ("250", b"250 zebra\r\n", &["protocol login"]),
    ("230", b"230 zebra\r\n", &["protocol login"]),
    ("200", b"200 zebra\r\n", &["protocol login"]),
    ("354", b"354 zebra\r\n", &["protocol login"]),
    ("635", b"635 zebra\r\n", &["protocol login"]),
    ("an IMAP yes", b"A0001 OK zebra\r\n", &["protocol login"]),
    ("a POP3 yes", b"+OK zebra\r\n", &["protocol login"]),
    ("yes that never ends", b"235-zebra\r\n", &["unavailable login"]),
    ("yes without a line end", b"235 in", &["unavailable login"]),
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
            for (name, bytes, allowed) in OFFERS {
                let asked = row(format!("answers EHLO with {name}"), tls).steps(at_ehlo(tls));
                rows.push(asked.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in AUTH {
                let asked = row(format!("answers AUTH with {name}"), tls).steps(at_login(tls));
                rows.push(asked.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in NAME {
                let asked = row(format!("answers the name with {name}"), tls).steps(at_name(tls));
                rows.push(asked.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in PASSWORD {
                for (mechanism, steps) in [("PLAIN", at_plain(tls)), ("LOGIN", at_password(tls))] {
                    let asked = row(format!("answers {mechanism} with {name}"), tls).steps(steps);
                    let asked = asked.hears_it_once().steps([ScriptStep::send(bytes)]);
                    rows.push(asked.only(allowed).ending(ending));
                }
            }
        }
        for (name, bytes, allowed) in OFFERS_BEFORE_TLS {
            let asked = row(format!("answers EHLO in clear text with {name}"), TlsMode::Explicit);
            let steps = [ScriptStep::send(GREETING), ehlo(), ScriptStep::send(bytes)];
            rows.push(asked.steps(steps).only(allowed).ending(ending));
        }
        for (name, bytes, allowed) in STARTTLS {
            let asked = row(format!("answers STARTTLS with {name}"), TlsMode::Explicit);
            let steps = [ScriptStep::send(GREETING), ehlo(), ScriptStep::send(OFFER_TLS)];
            let steps = asked.steps(steps).steps([ScriptStep::Expect("STARTTLS"), ScriptStep::send(bytes)]);
            rows.push(steps.only(allowed).ending(ending));
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
        ("endless lines", b"235-more\r\n"),
        ("endless empty lines", b"\r\n"),
    ];
    let mut rows = Vec::new();
    for tls in MODES {
        let greeting = |name: &str| row(name, tls).steps(before_greeting(tls));
        let answer = |name: &str| row(name, tls).steps(at_plain(tls)).hears_it_once();
        rows.extend(Stray { greeting: &greeting, answer: &answer }.rows([b"220-", b"235-"], &floods));
        let ahead = [GREETING, OFFER, b"235 in\r\n"].concat();
        let sent = greeting("the whole dialogue sent with the greeting").steps([ScriptStep::Send(ahead)]);
        rows.push(sent.only(&["protocol"]).ending(Ending::Silence));
        let long = [b"250-x\r\n".repeat(100), OFFER.to_vec()].concat();
        let long = row("an offer of more lines than any server's", tls)
            .steps(at_ehlo(tls))
            .steps([ScriptStep::Send(long)]);
        rows.push(long.only(&["protocol greeting"]));
    }
    rows
}

/// Correct dialogues, cut into two at every byte, cut off at every byte, and in single bytes.
fn whole_dialogues() -> Vec<Row> {
    let mut rows = Vec::new();
    for (what, answer, outcome) in [
        ("a yes", b"235-2.7.0 zebra\r\n235 2.7.0 in\r\n".as_slice(), "accepted"),
        ("a no", b"535-5.7.8 zebra\r\n535 5.7.8 no\r\n", "bad_credentials"),
    ] {
        for tls in [TlsMode::None, TlsMode::Implicit] {
            let start = |name: String| row(name, tls).steps(before_greeting(tls));
            let question = || [ehlo(), ScriptStep::send(OFFER), ScriptStep::Expect("AUTH PLAIN ")];
            for (at, head, tail) in cuts(GREETING) {
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                let begun = start(format!("{what}, the greeting split at byte {at}")).steps(split);
                let asked = begun.steps(question()).steps([ScriptStep::send(answer)]).hears_it_once();
                rows.push(asked.only(&[outcome]).ending(Ending::Silence));
            }
            for (at, head, tail) in cuts(OFFER) {
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                let begun = row(format!("{what}, the offer split at byte {at}"), tls)
                    .steps(at_ehlo(tls))
                    .steps(split);
                let asked = begun.steps([ScriptStep::Expect("AUTH PLAIN "), ScriptStep::send(answer)]);
                rows.push(asked.hears_it_once().only(&[outcome]).ending(Ending::Silence));
                let name = format!("{what}, the offer cut off at byte {at}");
                let cut = row(name, tls).steps(at_ehlo(tls)).steps([ScriptStep::send(head)]);
                rows.push(cut.only(&["unavailable"]));
            }
            for (at, head, tail) in cuts(answer) {
                let begun = |name| row(name, tls).steps(at_plain(tls)).hears_it_once();
                let name = format!("{what}, the answer split at byte {at}");
                let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
                rows.push(begun(name).steps(split).only(&[outcome]).ending(Ending::Silence));
                let name = format!("{what}, the answer cut off at byte {at}");
                rows.push(begun(name).steps([ScriptStep::send(head)]).only(&["unavailable"]));
            }
            let single = start(format!("{what} in single bytes")).steps([ScriptStep::Drip(GREETING.into())]);
            let single = single.steps(question()).steps([ScriptStep::Drip(answer.into())]).hears_it_once();
            rows.push(single.only(&[outcome]).ending(Ending::Silence));
        }
    }
    rows
}

fn row(name: impl std::fmt::Display, tls: TlsMode) -> Row {
    Row::new(name, Protocol::Smtp, tls)
}

fn ehlo() -> ScriptStep {
    ScriptStep::Expect("EHLO [127.0.0.1]")
}

/// A correct server that has received EHLO, under TLS where the settings ask for it.
fn at_ehlo(tls: TlsMode) -> Vec<ScriptStep> {
    let mut steps = before_greeting(tls);
    steps.extend([ScriptStep::send(GREETING), ehlo()]);
    if tls == TlsMode::Explicit {
        steps.extend([ScriptStep::send(OFFER_TLS), ScriptStep::Expect("STARTTLS")]);
        steps.extend([ScriptStep::send("220 go\r\n"), ScriptStep::Tls(server_keys()), ehlo()]);
    }
    steps
}

/// A correct server until it has the password, by PLAIN.
fn at_plain(tls: TlsMode) -> Vec<ScriptStep> {
    [at_ehlo(tls), vec![ScriptStep::send(OFFER), ScriptStep::Expect("AUTH PLAIN ")]].concat()
}

/// A correct server that has received AUTH LOGIN.
fn at_login(tls: TlsMode) -> Vec<ScriptStep> {
    [at_ehlo(tls), vec![ScriptStep::send(ONLY_LOGIN), ScriptStep::Expect("AUTH LOGIN")]].concat()
}

/// The same, that has received the name.
fn at_name(tls: TlsMode) -> Vec<ScriptStep> {
    [at_login(tls), vec![ScriptStep::send("334 VXNlcm5hbWU6\r\n"), ScriptStep::Expect("YWxpY2U=")]].concat()
}

/// The same, that has received the password.
fn at_password(tls: TlsMode) -> Vec<ScriptStep> {
    [at_name(tls), vec![ScriptStep::send("334 UGFzc3dvcmQ6\r\n"), ScriptStep::Line]].concat()
}
