//! The table for HTTP.
//!
//! RFC 9110, RFC 9112, RFC 7616. What each status means is tested beside the code; here are the
//! lies.

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Protocol, Row, cuts};
use super::shapes::{Lie, answer_rows, before_greeting, pause};

const MODES: [TlsMode; 2] = [TlsMode::None, TlsMode::Implicit];

/// What honest servers answer, and what comes of it.
pub(super) const HONEST: &[(&[u8], &str)] = &[
    (b"HTTP/1.1 200 OK\r\nServer: zebra\r\nContent-Length: 0\r\n\r\n", "accepted"),
    (
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"zebra\"\r\nContent-Length: 0\r\n\r\n",
        "bad_credentials",
    ),
    (b"HTTP/1.0 204 No Content\r\n\r\n", "accepted"),
    (b"HTTP/1.1 503 Busy\r\nRetry-After: 5\r\n\r\n", "unavailable login"),
    (b"HTTP/1.1 302 Found\r\nLocation: https://zebra.example.com/\r\n\r\n", "misconfigured login"),
];

/// In answer to a request with Basic.
const ANSWERS: &[Lie] = &[
    ("207", b"HTTP/1.1 207 Multi-Status\r\n\r\n", &["accepted"]),
    ("202", b"HTTP/1.1 202 zebra\r\n\r\n", &["misconfigured login"]),
    ("200 after 100", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", &["accepted"]),
    (
        "401 after 103",
        b"HTTP/1.1 103 Early\r\nLink: zebra\r\n\r\nHTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\n\r\n",
        &["bad_credentials"],
    ),
    (
        "401, then 200",
        b"HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"zebra\"\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
        &["bad_credentials"],
    ),
    ("401 without a challenge", b"HTTP/1.1 401 zebra\r\n\r\n", &["unavailable login"]),
    ("401 with another challenge", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Bearer\r\n\r\n", &["unavailable login"]),
    ("401 with half a challenge", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"\r\n\r\n", &["unavailable login"]),
    ("401 with a challenge in Latin-1", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"\xe4\"\r\n\r\n", &["bad_credentials", "unavailable login"]),
    ("401 for a proxy", b"HTTP/1.1 401 x\r\nProxy-Authenticate: Basic realm=\"zebra\"\r\n\r\n", &["unavailable login"]),
    ("407", b"HTTP/1.1 407 zebra\r\nProxy-Authenticate: Basic realm=\"zebra\"\r\n\r\n", &["misconfigured login"]),
    ("101", b"HTTP/1.1 101 zebra\r\nUpgrade: zebra\r\nConnection: upgrade\r\n\r\n", &["protocol login"]),
    ("301", b"HTTP/1.1 301 x\r\nLocation: /zebra\r\n\r\n", &["misconfigured login"]),
    ("307", b"HTTP/1.1 307 x\r\nLocation: http://127.0.0.1:1/zebra\r\n\r\n", &["misconfigured login"]),
    ("308 without a place", b"HTTP/1.1 308 zebra\r\n\r\n", &["misconfigured login"]),
    ("403", b"HTTP/1.1 403 zebra\r\n\r\n", &["unavailable login"]),
    ("404", b"HTTP/1.1 404 zebra\r\n\r\n", &["misconfigured login"]),
    ("429", b"HTTP/1.1 429 zebra\r\n\r\n", &["unavailable login"]),
    ("500", b"HTTP/1.1 500 zebra\r\n\r\n", &["unavailable login"]),
    ("999", b"HTTP/1.1 999 zebra\r\n\r\n", &["protocol login"]),
    ("a cookie", b"HTTP/1.1 200 OK\r\nSet-Cookie: zebra=1\r\n\r\n", &["accepted"]),
    ("two lengths", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", &["accepted", "protocol login"]),
    ("an odd length", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", &["accepted", "protocol login"]),
    ("an endless page", b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nzebra", &["accepted"]),
    ("HTTP/2", b"HTTP/2.0 200 OK\r\n\r\n", &["protocol login"]),
    ("no version", b"200 OK\r\n\r\n", &["protocol login"]),
    ("a lower case version", b"http/1.1 200 OK\r\n\r\n", &["protocol login"]),
    ("a blank first", b" HTTP/1.1 200 OK\r\n\r\n", &["protocol login"]),
    ("NUL first", b"\0HTTP/1.1 200 OK\r\n\r\n", &["protocol login"]),
    ("four digits", b"HTTP/1.1 2000 OK\r\n\r\n", &["protocol login"]),
    ("a leading zero", b"HTTP/1.1 0200 OK\r\n\r\n", &["protocol login"]),
    ("letters for digits", b"HTTP/1.1 2OO OK\r\n\r\n", &["protocol login"]),
    ("digits of another script", "HTTP/1.1 ２００ OK\r\n\r\n".as_bytes(), &["protocol login"]),
    ("a header without a name", b"HTTP/1.1 200 OK\r\n: zebra\r\n\r\n", &["protocol login"]),
    ("NUL in a header", b"HTTP/1.1 200 OK\r\nX: ze\0bra\r\n\r\n", &["protocol login"]),
    ("headers that do not end", b"HTTP/1.1 200 OK\r\nX: zebra\r\n", &["unavailable login"]),
    ("FTP", b"220 zebra\r\n\r\n", &["protocol login"]),
    ("IMAP", b"* OK zebra\r\n\r\n", &["protocol login"]),
    ("SSH", b"SSH-2.0-zebra\r\n\r\n", &["protocol login"]),
    ("a TLS alert", b"\x15\x03\x03\x00\x02\x02\x28\r\n\r\n", &["protocol login"]),
    ("nothing", b"", &["unavailable login"]),
];

const CHALLENGE: &[u8] = b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=SHA-256\r\nContent-Length: 0\r\n\r\n";

/// In answer to a request without credentials: no digest may follow.
const CHALLENGES: &[Lie] = &[
    ("200", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting"]),
    ("302", b"HTTP/1.1 302 OK\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting"]),
    ("429", b"HTTP/1.1 429 OK\r\nContent-Length: 0\r\n\r\n", &["unavailable greeting"]),
    ("503", b"HTTP/1.1 503 OK\r\nContent-Length: 0\r\n\r\n", &["unavailable greeting"]),
    ("Basic", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"zebra\"\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting"]),
    ("MD5", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"zebra\", nonce=\"zebra\", qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting"]),
    ("no nonce", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"zebra\", algorithm=SHA-256, qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting"]),
    ("auth-int alone", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"zebra\", nonce=\"x\", algorithm=SHA-256, qop=\"auth-int\"\r\nContent-Length: 0\r\n\r\n", &["protocol greeting"]),
    ("a nonce that is no text", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"\xff\", algorithm=SHA-256, qop=\"auth\"\r\nContent-Length: 0\r\n\r\n", &["misconfigured greeting", "protocol greeting", "misconfigured login", "unavailable"]),
    ("nothing", b"", &["unavailable greeting"]),
];

/// In answer to a digest.
const DIGESTS: &[Lie] = &[
    ("200", b"HTTP/1.1 200 OK\r\n\r\n", &["accepted"]),
    ("401", CHALLENGE, &["bad_credentials"]),
    ("401 with Basic", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Basic realm=\"zebra\"\r\n\r\n", &["unavailable login"]),
    ("401, stale", b"HTTP/1.1 401 x\r\nWWW-Authenticate: Digest realm=\"r\", nonce=\"m\", stale=true, qop=\"auth\", algorithm=SHA-256\r\n\r\n", &["unavailable login"]),
    ("403", b"HTTP/1.1 403 zebra\r\n\r\n", &["unavailable login"]),
    ("302", b"HTTP/1.1 302 zebra\r\n\r\n", &["misconfigured login"]),
    ("nothing", b"", &["unavailable login"]),
];

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for tls in MODES {
        for ending in [Ending::Silence, Ending::HangsUp] {
            for (name, bytes, allowed) in ANSWERS {
                let answer =
                    after_login(format!("answers with {name}"), tls).steps([ScriptStep::send(bytes)]);
                rows.push(answer.only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in CHALLENGES {
                let row = digest(format!("asks for a digest with {name}"), tls);
                let row = row.steps([ScriptStep::Until(""), ScriptStep::send(bytes)]);
                rows.push(row.only(allowed).ending(ending));
            }
            for (name, bytes, allowed) in DIGESTS {
                let row = digest(format!("answers a digest with {name}"), tls);
                let steps = [
                    ScriptStep::Until(""),
                    ScriptStep::send(CHALLENGE),
                    ScriptStep::Until(""),
                    ScriptStep::send(bytes),
                ];
                rows.push(row.steps(steps).only(allowed).ending(ending));
            }
        }
        rows.extend(shapes(tls));
        rows.extend(cut(tls));
    }
    rows
}

/// Sizes and speeds.
fn shapes(tls: TlsMode) -> Vec<Row> {
    let floods: [(&str, &'static [u8]); 5] = [
        ("an endless line", &[b'H'; 4096]),
        ("endless headers", b"HTTP/1.1 200 OK\r\nX: y\r\n"),
        ("endless informational responses", b"HTTP/1.1 100 Continue\r\n\r\n"),
        ("endless empty lines", b"\r\n"),
        ("endless NULs", &[0; 4096]),
    ];
    let slow = [HONEST[0].0, [b'x'; 200].as_slice()].concat();
    let slow = slow[..40].to_vec();
    answer_rows(&|name| after_login(name, tls), slow, &floods)
}

/// Honest answers, cut into two at every byte, and cut off at every byte.
fn cut(tls: TlsMode) -> Vec<Row> {
    let mut rows = Vec::new();
    for (nth, (answer, outcome)) in HONEST.iter().enumerate() {
        for (at, head, tail) in cuts(answer) {
            let split = [ScriptStep::send(head), pause(), ScriptStep::send(tail)];
            let row = after_login(format!("answer {nth} split at byte {at}"), tls).steps(split);
            rows.push(row.only(&[outcome]).ending(Ending::Silence));
            let row = after_login(format!("answer {nth} cut off at byte {at}"), tls)
                .steps([ScriptStep::send(head)]);
            rows.push(row.only(&["unavailable login", "protocol login"]));
        }
        let row = after_login(format!("answer {nth} in single bytes"), tls);
        rows.push(row.steps([ScriptStep::Drip(answer.to_vec())]).only(&[outcome]).ending(Ending::Silence));
    }
    rows
}

/// A server that has received the request.
fn after_login(name: String, tls: TlsMode) -> Row {
    let row = Row::new(name, Protocol::Http, tls).steps(before_greeting(tls));
    row.steps([ScriptStep::Until("")]).hears_it_once()
}

fn digest(name: String, tls: TlsMode) -> Row {
    Row::new(name, Protocol::HttpDigest, tls).steps(before_greeting(tls))
}
