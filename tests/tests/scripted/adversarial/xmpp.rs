//! The table for XMPP.
//!
//! RFC 6120, RFC 5802. What each condition means is tested beside the code; here are the lies.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;
use user_backend_tests::scram_server::{ScramHash, challenge, last};

use super::row::{Ending, Protocol, Row, cuts};
use super::run::server_keys;
use super::shapes::{Lie, MODES, answer_rows, before_greeting, pause};

pub(super) const OPEN: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' id='zebra' \
                    from='127.0.0.1' xmlns:stream='http://etherx.jabber.org/streams'>";
pub(super) const PLAIN: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                     <mechanism>PLAIN</mechanism></mechanisms></stream:features>";
const SCRAM: &str = "<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>\
                     <mechanism>PLAIN</mechanism><mechanism>SCRAM-SHA-1</mechanism>\
                     <mechanism>SCRAM-SHA-256</mechanism></mechanisms></stream:features>";
const STARTTLS: &str = "<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/>\
                        </starttls></stream:features>";
const PROCEED: &str = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
const SUCCESS: &str = "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>";

/// In place of a stream: nothing but our own stream may be sent to such a server.
const STREAMS: &[Lie] = &[
    ("nothing", b"", &["unavailable greeting"]),
    ("HTTP", b"HTTP/1.1 400 Bad Request\r\n\r\n<html></html>", &["protocol greeting"]),
    ("IMAP", b"* OK zebra\r\n<", &["protocol greeting"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28<", &["protocol greeting"]),
    ("JSON", b"{\"a\": 1}<", &["protocol greeting"]),
    ("half a tag", b"<stream:stream xmlns", &["unavailable greeting"]),
    ("another element", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol greeting"]),
    (
        "a stream of another namespace",
        b"<stream:stream xmlns:stream='urn:zebra' version='1.0'>",
        &["protocol greeting"],
    ),
    ("a stream without a namespace", b"<stream:stream version='1.0'>", &["protocol greeting"]),
    ("a comment", b"<!-- zebra --><stream:stream", &["protocol greeting"]),
    ("a document type", b"<!DOCTYPE zebra SYSTEM 'http://127.0.0.1/'><", &["protocol greeting"]),
    ("entities", b"<!DOCTYPE a [<!ENTITY b '&c;&c;'><!ENTITY c 'zebra'>]><a>&b;</a>", &["protocol greeting"]),
    ("a processing instruction", b"<?php zebra ?><stream:stream", &["protocol greeting"]),
    ("bytes that are no text", b"<str\xff\xfe\xffeam>", &["protocol greeting"]),
    ("UTF-16", b"\xff\xfe<\0?\0x\0m\0l\0>\0", &["protocol greeting", "unavailable greeting"]),
];

/// In place of features, after a good stream.
const FEATURES: &[Lie] = &[
    ("nothing", b"", &["unavailable greeting"]),
    ("the end of the stream", b"</stream:stream>", &["unavailable greeting"]),
    (
        "host-unknown",
        b"<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        &["misconfigured greeting"],
    ),
    (
        "system-shutdown",
        b"<stream:error><system-shutdown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        &["unavailable greeting"],
    ),
    (
        "not-authorized",
        b"<stream:error><not-authorized xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        &["unavailable greeting"],
    ),
    (
        "invalid-xml",
        b"<stream:error><invalid-xml xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>",
        &["protocol greeting"],
    ),
    ("a success", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol greeting"]),
    (
        "a failure",
        b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>",
        &["protocol greeting"],
    ),
    ("features of another namespace", b"<features/>", &["protocol greeting"]),
    ("text", b"zebra<", &["protocol greeting"]),
    ("an unknown prefix", b"<zebra:features/>", &["protocol greeting"]),
    ("a wrong end", b"<stream:features></stream:feature>", &["protocol greeting"]),
    ("an entity", b"<stream:features>&zebra;</stream:features>", &["protocol greeting"]),
    ("deep nesting", b"<a><a><a><a><a><a><a><a><a>", &["protocol greeting"]),
];

/// Features without a mechanism of ours; no password may follow.
const NO_MECHANISM: &[Lie] = &[
    ("no features", b"<stream:features/>", &["misconfigured login"]),
    ("no mechanism", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:features>", &["misconfigured login"]),
    ("DIGEST-MD5", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>DIGEST-MD5</mechanism></mechanisms></stream:features>", &["misconfigured login"]),
    ("mechanisms of another namespace", b"<stream:features><mechanisms xmlns='urn:zebra'><mechanism>PLAIN</mechanism></mechanisms></stream:features>", &["misconfigured login"]),
    ("a mechanism in lower case", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>plain</mechanism></mechanisms></stream:features>", &["misconfigured login"]),
    ("features and a success", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("features and half a success", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features><succ", &["protocol login"]),
    ("features and one blank", b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms></stream:features> ", &["protocol login"]),
];

/// In answer to STARTTLS, in clear text.
const TLS: &[Lie] = &[
    ("a failure", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", &["unavailable tls"]),
    ("a failure of SASL", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol tls"]),
    ("a success", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol tls"]),
    ("proceed of another namespace", b"<proceed/>", &["protocol tls"]),
    ("an injected element", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol tls"]),
    ("an injected stream", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><?xml version='1.0'?>", &["protocol tls"]),
    ("one injected byte", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/><", &["protocol tls"]),
    ("one injected blank", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\n", &["protocol tls"]),
    ("one injected NUL", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\0", &["protocol tls"]),
    ("half an answer", b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'", &["unavailable tls"]),
    ("the end of the stream", b"</stream:stream>", &["unavailable tls"]),
    ("nothing", b"", &["unavailable tls"]),
];

/// In answer to the password.
const ANSWERS: &[Lie] = &[
    ("yes", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["accepted"]),
    ("yes with words", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>emVicmE=</success>", &["accepted"]),
    ("yes with a prefix", b"<z:success xmlns:z='urn:ietf:params:xml:ns:xmpp-sasl'></z:success>", &["accepted"]),
    ("yes after a blank", b"\n<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["accepted"]),
    ("yes, and the end of the stream", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></stream:stream>", &["accepted"]),
    ("no", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>", &["bad_credentials"]),
    ("no with words", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>zebra</text></failure>", &["bad_credentials"]),
    ("no, then yes", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["bad_credentials"]),
    ("no that repeats the password", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>Canary:7f3a \"b\\d\" %41 wing</text></failure>", &["bad_credentials"]),
    ("no that is an outage", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>zebra database down</text></failure>", &["unavailable login"]),
    ("a question that repeats the password", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><zebra/><text>Canary:7f3a \"b\\d\" %41 wing</text></failure>", &["unavailable login"]),
    ("disabled", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><account-disabled/></failure>", &["account_disabled"]),
    ("expired", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><credentials-expired/></failure>", &["credentials_expired"]),
    ("not now", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><temporary-auth-failure/></failure>", &["unavailable login"]),
    ("aborted", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><aborted/></failure>", &["unavailable login"]),
    ("another mechanism", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism-too-weak/></failure>", &["misconfigured login"]),
    ("malformed", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><malformed-request/></failure>", &["unavailable login"]),
    ("a failure of another kind", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><zebra/></failure>", &["unavailable login"]),
    ("a failure without a kind", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["unavailable login"]),
    ("a failure with a kind of another namespace", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized xmlns='urn:zebra'/></failure>", &["unavailable login"]),
    ("a failure with a yes in it", b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><success/></failure>", &["unavailable login"]),
    ("a yes in something else", b"<zebra><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/></zebra>", &["protocol login"]),
    ("yes of another namespace", b"<success xmlns='urn:zebra'/>", &["protocol login"]),
    ("yes of the client's namespace", b"<success/>", &["protocol login"]),
    ("yes of SASL2", b"<success xmlns='urn:xmpp:sasl:2'/>", &["protocol login"]),
    ("yes in upper case", b"<SUCCESS xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("yes in a comment", b"<!-- <success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/> -->", &["protocol login"]),
    ("yes in CDATA", b"<![CDATA[<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>]]>", &["protocol login"]),
    ("yes after text", b"zebra<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("yes with an unknown prefix", b"<z:success/>", &["protocol login"]),
    ("yes after a document type", b"<!DOCTYPE zebra><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("yes with a wrong end", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'></failure>", &["protocol login"]),
    ("yes with an entity", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>&zebra;</success>", &["protocol login"]),
    ("half a yes", b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>", &["unavailable login"]),
    ("a challenge", b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("a challenge, then yes", b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/><success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>", &["protocol login"]),
    ("a second stream", b"<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams'>", &["protocol login"]),
    ("features", b"<stream:features/>", &["protocol login"]),
    ("a stanza", b"<iq type='result'/>", &["protocol login"]),
    ("a stream error", b"<stream:error><policy-violation xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", &["unavailable login"]),
    ("an error about our XML", b"<stream:error><not-well-formed xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>", &["protocol login"]),
    ("the end of the stream", b"</stream:stream>", &["unavailable login"]),
    ("nothing", b"", &["unavailable login"]),
];

/// A name, what the server makes of all it received, and what may come of it.
type ScramLie = (&'static str, fn(&str) -> String, &'static [&'static str]);

/// In answer to the name of SCRAM: no proof may follow.
const CHALLENGES: &[ScramLie] = &[
    ("a success", |_| SUCCESS.to_owned(), &["protocol login"]),
    ("a success with a signature", |_| element("success", "v=emVicmE="), &["protocol login"]),
    ("no", |_| failure("not-authorized"), &["unknown_user"]),
    ("disabled", |_| failure("account-disabled"), &["account_disabled"]),
    ("not now", |_| failure("temporary-auth-failure"), &["unavailable login"]),
    ("malformed", |_| failure("malformed-request"), &["unavailable login"]),
    ("another nonce", |_| element("challenge", "r=zebra,s=QUJD,i=4096"), &["protocol login"]),
    (
        "our nonce alone",
        |received| element("challenge", &challenge(received).replacen("zebra", "", 1)),
        &["protocol login"],
    ),
    ("no nonce", |_| element("challenge", "s=QUJD,i=4096"), &["protocol login"]),
    (
        "one round",
        |received| element("challenge", &challenge(received).replace("i=4096", "i=1")),
        &["protocol login"],
    ),
    (
        "no round",
        |received| element("challenge", &challenge(received).replace("i=4096", "i=0")),
        &["protocol login"],
    ),
    (
        "billions of rounds",
        |received| element("challenge", &challenge(received).replace("i=4096", "i=4294967295")),
        &["protocol login"],
    ),
    (
        "an extension that must be known",
        |received| element("challenge", &format!("m=zebra,{}", challenge(received))),
        &["protocol login"],
    ),
    (
        "no salt",
        |received| element("challenge", &challenge(received).replace("s=", "x=")),
        &["protocol login"],
    ),
    ("an error", |_| element("challenge", "e=invalid-encoding"), &["protocol login"]),
    ("nothing in it", |_| element("challenge", ""), &["protocol login"]),
    (
        "no base64",
        |_| "<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>ze_bra</challenge>".to_owned(),
        &["protocol login"],
    ),
    ("two challenges", |received| element("challenge", &challenge(received)).repeat(2), &["protocol login"]),
    (
        "a challenge and a success",
        |received| element("challenge", &challenge(received)) + SUCCESS,
        &["protocol login"],
    ),
    ("nothing", |_| String::new(), &["unavailable login"]),
];

/// In answer to the proof of SCRAM.
const LAST: &[ScramLie] = &[
    ("yes", |received| element("success", &signature(received)), &["accepted"]),
    (
        "yes with an extension",
        |received| element("success", &(signature(received) + ",x=zebra")),
        &["accepted"],
    ),
    ("yes without a signature", |_| SUCCESS.to_owned(), &["protocol login"]),
    ("yes with an empty signature", |_| element("success", "v="), &["protocol login"]),
    ("yes with another signature", |_| element("success", "v=emVicmE="), &["protocol login"]),
    (
        "yes with half a signature",
        |received| element("success", &signature(received)[..20]),
        &["protocol login"],
    ),
    (
        "yes with one bit changed",
        |received| element("success", &changed(&signature(received))),
        &["protocol login"],
    ),
    ("yes with an error", |_| element("success", "e=invalid-proof"), &["protocol login"]),
    (
        "yes with the signature second",
        |received| element("success", &format!("x=1,{}", signature(received))),
        &["protocol login"],
    ),
    (
        "yes with the signature in words",
        |received| {
            format!("<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</success>", signature(received))
        },
        &["protocol login"],
    ),
    (
        "yes of another namespace",
        |received| element("success", &signature(received)).replace("xmpp-sasl", "zebra"),
        &["protocol login"],
    ),
    ("no", |_| failure("not-authorized"), &["bad_credentials"]),
    (
        "no, then yes",
        |received| failure("not-authorized") + &element("success", &signature(received)),
        &["bad_credentials"],
    ),
    ("expired", |_| failure("credentials-expired"), &["credentials_expired"]),
    ("not now", |_| failure("temporary-auth-failure"), &["unavailable login"]),
    ("another channel", |_| failure("malformed-request"), &["unavailable login"]),
    (
        "a challenge of another kind",
        |received| element("challenge", &challenge(received)),
        &["protocol login"],
    ),
    (
        "a challenge with another signature",
        |_| element("challenge", "v=emVicmE=") + SUCCESS,
        &["protocol login"],
    ),
    (
        "the signature and yes at once",
        |received| element("challenge", &signature(received)) + SUCCESS,
        &["protocol login"],
    ),
    ("an error", |_| element("challenge", "e=invalid-proof"), &["protocol login"]),
    ("the end of the stream", |_| "</stream:stream>".to_owned(), &["unavailable login"]),
    ("nothing", |_| String::new(), &["unavailable login"]),
];

/// In answer to the empty response after the server's signature.
const AFTER_SIGNATURE: &[ScramLie] = &[
    ("yes", |_| SUCCESS.to_owned(), &["accepted"]),
    ("no", |_| failure("not-authorized"), &["bad_credentials"]),
    ("another challenge", |_| element("challenge", ""), &["protocol login"]),
    ("nothing", |_| String::new(), &["unavailable login"]),
];

fn element(name: &str, message: &str) -> String {
    format!("<{name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</{name}>", STANDARD.encode(message))
}

fn failure(condition: &str) -> String {
    format!("<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{condition}/><text>zebra</text></failure>")
}

/// A right proof is answered; these servers know the password.
fn signature(received: &str) -> String {
    last(received, ScramHash::Sha256, b"").expect("the right proof")
}

fn changed(signature: &str) -> String {
    let first = if signature.as_bytes()[2] == b'A' { 'B' } else { 'A' };
    format!("v={first}{}", &signature[3..])
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for ending in [Ending::Silence, Ending::HangsUp] {
        for tls in MODES {
            for (name, bytes, allowed) in STREAMS {
                let row = row(format!("opens with {name}"), tls).steps(at_stream(tls));
                rows.push(row.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in FEATURES.iter().chain(NO_MECHANISM) {
                let row = row(format!("offers {name}"), tls).steps(at_stream(tls));
                let row = row.steps([ScriptStep::Send([OPEN.as_bytes(), bytes].concat())]);
                rows.push(row.only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in ANSWERS {
                let row = after_login(format!("answers with {name}"), tls).steps([ScriptStep::send(bytes)]);
                rows.push(row.only(allowed).ending(ending));
            }
            for (name, answer, allowed) in CHALLENGES {
                let row =
                    scram(format!("answers the name with {name}"), tls).steps([ScriptStep::Answer(*answer)]);
                rows.push(row.only(allowed).ending(ending));
            }
            for (name, answer, allowed) in LAST {
                let row = proven(format!("answers the proof with {name}"), tls)
                    .steps([ScriptStep::Answer(*answer)]);
                rows.push(row.only(allowed).ending(ending));
            }
            for (name, answer, allowed) in AFTER_SIGNATURE {
                let row = proven(format!("answers the proof with its signature, then {name}"), tls);
                let steps = [
                    ScriptStep::Answer(|received| element("challenge", &signature(received))),
                    ScriptStep::ReceiveUntil("</response>"),
                    ScriptStep::Answer(*answer),
                ];
                rows.push(row.steps(steps).only(allowed).ending(ending));
            }
        }
        for (name, bytes, allowed) in TLS {
            let row = row(format!("answers STARTTLS with {name}"), TlsMode::Explicit).steps([open()]);
            let row = row.steps([
                ScriptStep::send(OPEN),
                ScriptStep::send(STARTTLS),
                ScriptStep::ReceiveUntil("/>"),
            ]);
            rows.push(row.steps([ScriptStep::send(bytes)]).only(allowed).ending(ending));
        }
        for (name, features) in [
            ("no STARTTLS", PLAIN),
            ("STARTTLS of another namespace", "<stream:features><starttls/></stream:features>"),
        ] {
            let row =
                row(format!("offers {name}"), TlsMode::Explicit).steps([open(), ScriptStep::send(OPEN)]);
            rows.push(row.steps([ScriptStep::send(features)]).only(&["misconfigured tls"]).ending(ending));
        }
    }
    for tls in MODES {
        let floods: [(&str, &'static [u8]); 4] = [
            ("an endless tag", &[b'<'; 1]),
            ("endless elements", b"<a>"),
            ("endless text", b"zebra\r\n"),
            ("endless blanks", b" "),
        ];
        rows.extend(answer_rows(&|name| after_login(name, tls), SUCCESS.as_bytes().to_vec(), &floods));
        rows.extend(cut(tls));
    }
    rows
}

/// Honest answers, cut into two at every byte, and cut off at every byte.
fn cut(tls: TlsMode) -> Vec<Row> {
    let mut rows = Vec::new();
    for (answer, outcome) in
        [(SUCCESS.to_owned(), "accepted"), (failure("not-authorized"), "bad_credentials")]
    {
        for (at, head, tail) in cuts(answer.as_bytes()) {
            let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
            let row = after_login(format!("{outcome}, split at byte {at}"), tls).steps(split);
            rows.push(row.only(&[outcome]).ending(Ending::Silence));
            let row =
                after_login(format!("{outcome}, cut off at byte {at}"), tls).steps([ScriptStep::send(head)]);
            rows.push(row.only(&["unavailable login", "protocol login"]));
        }
    }
    rows
}

fn row(name: impl std::fmt::Display, tls: TlsMode) -> Row {
    Row::new(name, Protocol::Xmpp, tls)
}

fn open() -> ScriptStep {
    ScriptStep::ReceiveUntil("streams'>")
}

/// A correct server that has received our stream, under TLS if so configured.
fn at_stream(tls: TlsMode) -> Vec<ScriptStep> {
    let mut steps = before_greeting(tls);
    steps.push(open());
    if tls == TlsMode::Explicit {
        steps.extend([ScriptStep::send([OPEN, STARTTLS].concat()), ScriptStep::ReceiveUntil("/>")]);
        steps.extend([ScriptStep::send(PROCEED), ScriptStep::Tls(server_keys()), open()]);
    }
    steps
}

/// The same, until it has the password by PLAIN.
fn after_login(name: String, tls: TlsMode) -> Row {
    let row = row(name, tls).steps(at_stream(tls)).hears_it_once();
    row.steps([ScriptStep::send([OPEN, PLAIN].concat()), ScriptStep::ReceiveUntil("</auth>")])
}

/// The same, until it has the name by SCRAM.
fn scram(name: String, tls: TlsMode) -> Row {
    let row = Row::new(name, Protocol::XmppScram, tls).steps(at_stream(tls));
    row.steps([ScriptStep::send([OPEN, SCRAM].concat()), ScriptStep::ReceiveUntil("</auth>")])
}

/// The same, until it has the proof.
fn proven(name: String, tls: TlsMode) -> Row {
    let answered =
        scram(name, tls).steps([ScriptStep::Answer(|received| element("challenge", &challenge(received)))]);
    answered.steps([ScriptStep::ReceiveUntil("</response>")])
}
