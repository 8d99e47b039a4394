//! Mutated dialogues of correct servers: bytes changed, removed, doubled or moved.
//!
//! The same every time; `ADVERSARIAL_MUTATIONS` asks for more of them.
//!
//! The judge is a rule that knows nothing of our parsers: an answer without a yes in it must not
//! become one.

use std::env;

use user_backend::transport::TlsMode;
use user_backend_tests::smb::Reply;
use user_backend_tests::{Rng, ScriptStep};

use super::row::{Protocol, Row};
use super::run::run;

const NOT_YES: [&str; 8] = [
    "bad_credentials",
    "account_disabled",
    "account_locked",
    "credentials_expired",
    "unknown_user",
    "unavailable",
    "misconfigured",
    "protocol",
];

/// Greetings and password responses of servers in the rig and elsewhere.
const IMAP: [(&str, &str); 6] = [
    (
        "* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready.\r\n",
        "{tag} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n",
    ),
    (
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n",
        "{tag} OK [CAPABILITY IMAP4rev1 IDLE NAMESPACE] Logged in\r\n",
    ),
    (
        "* OK [CAPABILITY IMAP4rev1 LITERAL+ ID SASL-IR AUTH=PLAIN] Cyrus IMAP 3.6 ready\r\n",
        "{tag} NO Login failed: authentication failure\r\n",
    ),
    (
        "* OK [CAPABILITY IMAP4rev1 CHILDREN NAMESPACE] Courier-IMAP ready.\r\n",
        "* BYE Temporary problem\r\n{tag} NO Login failed.\r\n",
    ),
    (
        "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n",
        "* OK [ALERT] x\r\n* 1 FETCH (BODYSTRUCTURE ((\"a\" {3}\r\n{tag} NO [LIMIT] no\r\n",
    ),
    (
        "* OK [CAPABILITY IMAP4rev2 SASL-IR  AUTH=PLAIN] ready\r\n",
        "* CAPABILITY IMAP4rev2\r\n{tag} BAD no\r\n",
    ),
];

const FTP: [(&str, &str, &str); 5] = [
    ("220 (vsFTPd 3.0.3)\r\n", "331 Please specify the password.\r\n", "530 Login incorrect.\r\n"),
    ("220 (vsFTPd 3.0.3)\r\n", "331 Please specify the password.\r\n", "230 Login successful.\r\n"),
    (
        "220-Welcome\r\n220 You will be disconnected.\r\n",
        "331 User OK. Password required\r\n",
        "530 Login authentication failed\r\n",
    ),
    (
        "220 ProFTPD Server ready.\r\n",
        "331 Password required for alice\r\n",
        "530-no\r\n no\r\n530 Login incorrect.\r\n",
    ),
    ("120 soon\r\n220 ready\r\n", "331 go\r\n", "421-Timeout\r\n421 closing\r\n"),
];

#[test]
fn no_mutated_imap_dialogue_becomes_a_yes() {
    let mut rng = Rng::new(0x1234_5678_9abc_def1);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let (greeting, answer) = IMAP[rng.below(IMAP.len())];
            let (greeting, answer) = (rng.mutate(greeting.as_bytes(), 1), rng.mutate(answer.as_bytes(), 4));
            // A greeting that was mutated may take more than the one line.
            let yes = has_yes(&answer) || has_yes(&greeting);
            let steps = [ScriptStep::Send(greeting), ScriptStep::Line, ScriptStep::Send(answer)];
            row(number, Protocol::Imap, steps, yes)
        })
        .collect();
    run("mutations-imap", "mutations", &rows);
}

#[test]
fn no_mutated_ftp_dialogue_becomes_a_yes() {
    let mut rng = Rng::new(0x0fed_cba9_8765_4321);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let (greeting, name, answer) = FTP[rng.below(FTP.len())];
            let [greeting, name, answer] = [(greeting, 1), (name, 1), (answer, 4)]
                .map(|(text, changes)| rng.mutate(text.as_bytes(), changes));
            let yes = answer.windows(3).any(|code| code == b"230");
            let steps = [
                ScriptStep::Send(greeting),
                ScriptStep::Line,
                ScriptStep::Send(name),
                ScriptStep::Line,
                ScriptStep::Send(answer),
            ];
            row(number, Protocol::Ftp, steps, yes)
        })
        .collect();
    run("mutations-ftp", "mutations", &rows);
}

#[test]
fn no_mutated_smb_session_becomes_a_yes() {
    let mut rng = Rng::new(0x7777_1234_9999_4321);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let dialect = [0x0202, 0x0210, 0x0300, 0x0302][rng.below(4)];
            let mut mutated = |reply: Reply, length: usize, most: usize| {
                (0..rng.below(most + 1)).fold(reply, |reply, _| {
                    let at = rng.below(length);
                    reply.mutated(at, rng.byte())
                })
            };
            let greeting = mutated(Reply::negotiated(dialect, 1), 128, 1);
            let challenge = mutated(Reply::challenge(0x628a_8215), 170, 3);
            let last = mutated(Reply::session(0, 0, &[]), 72, 3);
            let tree = mutated(Reply::tree(), 80, 2);
            row(number, Protocol::SmbNative, [greeting, challenge, last, tree].map(ScriptStep::Smb), false)
        })
        .collect();
    run("mutations-smb", "mutations", &rows);
}

#[test]
fn no_mutated_http_response_becomes_a_yes() {
    let mut rng = Rng::new(0x0102_0304_0506_0708);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let (answer, _) = super::http::HONEST[rng.below(super::http::HONEST.len())];
            let answer = rng.mutate(answer, 4);
            let yes =
                [b" 200", b" 204", b" 207"].iter().any(|yes| answer.windows(4).any(|part| part == *yes));
            row(number, Protocol::Http, [ScriptStep::Until(""), ScriptStep::Send(answer)], yes)
        })
        .collect();
    run("mutations-http", "mutations", &rows);
}

#[test]
fn no_mutated_ldap_result_becomes_a_yes() {
    let mut rng = Rng::new(0x8070_6050_4030_2010);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let code = [49, 53, 32, 0][rng.below(4)];
            let answer = rng.mutate(&super::ldap::bind_result(1, code, "no zebra here"), 4);
            // Every form of the enumerated zero.
            let forms: [&[u8]; 3] = [b"\x0a\x01\0", b"\x0a\x02\0\0", b"\x0a\x81\x01\0"];
            let yes = forms.iter().any(|form| answer.windows(form.len()).any(|part| part == *form));
            row(number, Protocol::Ldap, [ScriptStep::HearLdap, ScriptStep::Send(answer)], yes)
        })
        .collect();
    run("mutations-ldap", "mutations", &rows);
}

/// Greeting, offer, answer.
const SMTP: [(&str, &str, &str); 4] = [
    (
        "220 mail.example.com ESMTP Postfix\r\n",
        "250-mail.example.com\r\n250-SIZE 1\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n",
        "535 5.7.8 Error: authentication failed: (reason unavailable)\r\n",
    ),
    (
        "220-mail ready\r\n220 at your service\r\n",
        "250-mail\r\n250 AUTH PLAIN\r\n",
        "535-5.7.8 Username and Password not accepted.\r\n535 5.7.8 Learn more\r\n",
    ),
    ("220 mail\r\n", "250-mail\r\n250 AUTH=PLAIN\r\n", "454 4.7.0 Temporary authentication failure\r\n"),
    ("220 mail\r\n", "250-mail\r\n250 AUTH PLAIN\r\n", "235 2.7.0 Authentication successful\r\n"),
];

#[test]
fn no_spoilt_smtp_dialogue_becomes_a_yes() {
    let mut rng = Rng::new(0x2345_6789_abcd_ef12);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let (greeting, offer, answer) = SMTP[rng.below(SMTP.len())];
            let [greeting, offer, answer] = [(greeting, 1), (offer, 1), (answer, 4)]
                .map(|(text, changes)| rng.mutate(text.as_bytes(), changes));
            let yes = answer.windows(3).any(|code| code == b"235");
            let steps = [
                ScriptStep::Send(greeting),
                ScriptStep::Line,
                ScriptStep::Send(offer),
                ScriptStep::Line,
                ScriptStep::Send(answer),
            ];
            row(number, Protocol::Smtp, steps, yes)
        })
        .collect();
    run("mutations-smtp", "mutations", &rows);
}

/// What a server says to the stream, and to the password by PLAIN.
const XMPP: [&str; 4] = [
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>no</text></failure>",
    "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>",
    "<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
    "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
];

#[test]
fn no_spoilt_xmpp_dialogue_becomes_a_yes() {
    let mut rng = Rng::new(0x3456_789a_bcde_f123);
    let rows: Vec<_> = (0..count())
        .map(|number| {
            let offer = rng.mutate([super::xmpp::OPEN, super::xmpp::PLAIN].concat().as_bytes(), 1);
            let answer = XMPP[rng.below(XMPP.len())];
            let answer = rng.mutate(answer.as_bytes(), 4);
            let yes = answer.windows(7).any(|name| name == b"success");
            let steps = [
                ScriptStep::ReceiveUntil("streams'>"),
                ScriptStep::Send(offer),
                ScriptStep::ReceiveUntil("</auth>"),
                ScriptStep::Send(answer),
            ];
            row(number, Protocol::Xmpp, steps, yes)
        })
        .collect();
    run("mutations-xmpp", "mutations", &rows);
}

/// How many of each.
fn count() -> u32 {
    env::var("ADVERSARIAL_MUTATIONS").ok().and_then(|count| count.parse().ok()).unwrap_or(400)
}

fn row(number: u32, protocol: Protocol, steps: impl IntoIterator<Item = ScriptStep>, yes: bool) -> Row {
    let row = Row::new(format!("mutated dialogue {number}"), protocol, TlsMode::None).steps(steps);
    let row = row.only(&NOT_YES).hears_it_once();
    let row = if yes { row.only(&["accepted"]) } else { row };
    row.steps([ScriptStep::Silence]).in_flowing_time()
}

/// Whether any part of the bytes could be taken for a yes to our command.
fn has_yes(bytes: &[u8]) -> bool {
    let upper = bytes.to_ascii_uppercase();
    upper.windows(8).any(|window| window == b"{TAG} OK")
}
