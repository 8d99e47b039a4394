//! O06: requests that hide another one.
//!
//! Behind a proxy that reads their ends elsewhere than we do, the hidden one would be another
//! user's. So whatever can be read in two ways is refused, and the connection ends.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// What comes back until the server hangs up.
pub(super) async fn exchange(stream: &mut TcpStream, bytes: &[u8]) -> String {
    // A server that hangs up early is fine.
    let _ = stream.write_all(bytes).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// What must become of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// One answer, 4xx, and the connection ends.
    Refused,
    /// Both requests are unambiguous.
    Answered(usize),
}

#[tokio::test(flavor = "multi_thread")]
async fn o06_no_request_hides_in_another() {
    let server = Server::start().await;
    // What would be smuggled: it is answered only by a server that takes it for a request.
    let hidden = "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post = "POST /ocs/v1.php/cloud/capabilities HTTP/1.1\r\nHost: localhost\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    let row = |name, text: String, then| (name, text, then);
    let rows = [
        row(
            "a length and chunks",
            format!("{post}Content-Length: 5\r\n{chunked}\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row(
            "chunks and a length",
            format!("{post}{chunked}Content-Length: 5\r\n\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row("two lengths", format!("{post}Content-Length: 0\r\nContent-Length: 44\r\n\r\n"), Then::Refused),
        row("two lengths in one", format!("{post}Content-Length: 0, 36\r\n\r\n"), Then::Refused),
        row("a length with a sign", format!("{post}Content-Length: +5\r\n\r\nabcde"), Then::Refused),
        row("a negative length", format!("{post}Content-Length: -1\r\n\r\n"), Then::Refused),
        row("a length in hex", format!("{post}Content-Length: 0x5\r\n\r\nabcde"), Then::Refused),
        row("a length with a blank in it", format!("{post}Content-Length: 1 0\r\n\r\n"), Then::Refused),
        row(
            "an endless length",
            format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"),
            Then::Refused,
        ),
        row("a blank before the colon", format!("{post}Content-Length : 5\r\n\r\nabcde"), Then::Refused),
        row(
            "a blank before the colon of chunks",
            format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row(
            "chunks that are not last",
            format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row(
            "chunks by another name",
            format!("{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row(
            "a folded header",
            format!("{post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n"),
            Then::Refused,
        ),
        row("an invalid size", format!("{post}{chunked}\r\nx\r\n\r\n"), Then::Refused),
        row("a size with a sign", format!("{post}{chunked}\r\n-1\r\n\r\n"), Then::Refused),
        row("an endless size", format!("{post}{chunked}\r\nfffffffffffffffff\r\n"), Then::Refused),
        row("a chunk that does not end", format!("{post}{chunked}\r\n1\r\nab\r\n0\r\n\r\n"), Then::Refused),
        row(
            "an endless extension",
            format!("{post}{chunked}\r\n0;{}\r\n\r\n", "a".repeat(64 * 1024)),
            Then::Refused,
        ),
        row("a NUL in a header", format!("{post}X: a\0b\r\nContent-Length: 0\r\n\r\n"), Then::Refused),
        row("a lone carriage return", format!("{post}X: a\rContent-Length: 5\r\n\r\n"), Then::Refused),
        row("a name with a blank", format!("{post}Content Length: 5\r\n\r\n"), Then::Refused),
        row("no name", format!("{post}: 5\r\n\r\n"), Then::Refused),
        row(
            "chunks in HTTP/1.0",
            format!("{}\r\n0\r\n\r\n", post.replace("1.1", "1.0") + chunked),
            Then::Refused,
        ),
        row("a body of its length", format!("{post}Content-Length: 41\r\n\r\n{hidden}"), Then::Answered(2)),
        row("a body in chunks", format!("{post}{chunked}\r\n29\r\n{hidden}\r\n0\r\n\r\n"), Then::Answered(2)),
        row("an extension of a chunk", format!("{post}{chunked}\r\n0;a=b\r\n\r\n"), Then::Answered(2)),
    ];
    assert!(rows.len() >= 20);
    for (name, text, then) in rows {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // Behind it comes an honest one that says that it is the last.
        let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        let answer = exchange(&mut stream, format!("{text}{last}").as_bytes()).await;
        let answers = answer.matches("HTTP/1.").count();
        assert!(!answer.contains("ready\n"), "{name}: the hidden one was answered: {answer}");
        match then {
            Then::Answered(expected) => {
                assert_eq!(answers, expected, "{name}: {answer}");
                assert!(answer.ends_with("ok\n"), "{name}: {answer}");
            }
            Then::Refused => {
                assert!(!answer.contains("ok\n"), "{name}: the smuggled request is not answered: {answer}");
                assert!(answers <= 1 && !answer.starts_with("HTTP/1.1 2"), "{name}: {answer}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn request_is_for_one_host() {
    let server = Server::start().await;
    for (head, status) in [
        ("GET /healthz HTTP/1.1\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\nHost: y\r\n", 400),
        ("GET /healthz HTTP/1.0\r\nHost: x\r\nHost: y\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: x\r\n", 200),
        ("GET /healthz HTTP/1.0\r\n", 200),
        ("GET http://y/healthz HTTP/1.1\r\nHost: x\r\n", 200),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = exchange(&mut stream, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status.to_string().as_str()), "{head}\n{answer}");
        assert_eq!(answer.ends_with("ok\n"), status == 200, "{answer}");
    }
}
