use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::refusal::ReplyClass;
use crate::verdict::Rejection;

/// A guard and the far end of its stream.
fn guarded() -> (GuardedStream, DuplexStream) {
    let (near, far) = duplex(256);
    (GuardedStream(Guard::new(Box::new(near))), far)
}

/// A guard as a stream, as the wire makes it one.
struct GuardedStream(Guard);

impl GuardedStream {
    async fn is_quiet(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| Poll::Ready(self.0.is_quiet(cx))).await
    }
}

impl AsyncRead for GuardedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncWrite for GuardedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0.stream).poll_shutdown(cx)
    }
}

fn violation(error: &io::Error) -> Option<ProtocolViolation> {
    error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
}

#[tokio::test]
async fn one_read_gives_one_line_however_much_has_come() {
    let (mut near, mut far) = guarded();
    far.write_all(b"220 hello\r\n331 go\r\n230 i").await.unwrap();
    let mut buffer = [0; 100];
    for line in [b"220 .....\r\n".as_slice(), b"331 ..\r\n"] {
        let count = near.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], line);
    }
    // A partial line is not a line yet.
    far.write_all(b"n\r\n").await.unwrap();
    let count = near.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..count], b"230 ..\r\n");
}

/// What is handed out of a stream in pieces of this size, and how it ended.
async fn handed_out(sent: &[u8], size: usize) -> (String, Option<ProtocolViolation>) {
    let (mut near, mut far) = guarded();
    far.write_all(sent).await.unwrap();
    drop(far);
    let mut all = Vec::new();
    let mut piece = vec![0; size];
    loop {
        match near.read(&mut piece).await {
            Ok(0) => return (String::from_utf8(all).unwrap(), None),
            Ok(count) => all.extend_from_slice(&piece[..count]),
            Err(error) => return (String::from_utf8(all).unwrap(), violation(&error)),
        }
    }
}

#[tokio::test]
async fn nothing_but_the_code_of_a_line_is_handed_out() {
    for (sent, expected, end) in [
        (
            "530-Wonderland-1 is\r\n 230 wrong\r\n530-more\r\n530 wrong\r\n",
            "530-...............\r\n..........\r\n........\r\n530 .....\r\n",
            None,
        ),
        ("230 Wonderland-1 \u{ff}\n", "230 ...............\r\n", None),
        // A last line without its text and without its space.
        ("230\r\n331\n", "230 .\r\n331 .\r\n", None),
        ("220-x\r\n220\r\n", "220-.\r\n220 .\r\n", None),
        ("230 Wonder", "230 ......", None),
        ("230 x\r\n2300\r\n", "230 .\r\n", Some(ProtocolViolation::NotAReply)),
        ("230 x\r\n\r\n", "230 .\r\n", Some(ProtocolViolation::NotAReply)),
        ("220 x\r\n530-no\r\n230 yes\r\n", "220 .\r\n530-..\r\n", Some(ProtocolViolation::NotAReply)),
        // A number alone inside a reply is text.
        ("230-x\r\n530\r\n230 y\r\n", "230-.\r\n...\r\n230 .\r\n", None),
    ] {
        // However small the pieces are.
        for size in [1, 2, 3, 100] {
            assert_eq!(
                handed_out(sent.as_bytes(), size).await,
                (expected.to_owned(), end),
                "{sent:?} {size}"
            );
        }
    }
}

#[tokio::test]
async fn lines_without_a_code_are_skipped_before_the_greeting_only() {
    for (sent, expected) in [
        ("test disclaimer\r\n220 ready\r\n", "220 .....\r\n"),
        ("\r\n\n***\r\n\tTerms of use\r\n220 x\r\n", "220 .\r\n"),
        ("120 soon\r\n\r\n220 x\r\n", "120 ....\r\n220 .\r\n"),
        ("220-x\r\n500 users are here\r\n220 x\r\n", "220-.\r\n..................\r\n220 .\r\n"),
    ] {
        assert_eq!(handed_out(sent.as_bytes(), 100).await, (expected.to_owned(), None), "{sent:?}");
    }
    for sent in [
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 400 Bad Request\r\n",
        "* OK IMAP4rev1\r\n",
        "+OK pop\r\n",
        "\x15\x03\x01\0\x02\x02\n",
        "x\0y\r\n220 x\r\n",
        "2200 x\r\n220 x\r\n",
        "22O x\r\n220 x\r\n",
        " 220 x\r\n",
        "٢٢٠ x\r\n220 x\r\n",
        "a\nb\nc\nd\ne\nf\ng\nh\ni\n220 x\r\n",
    ] {
        assert_eq!(
            handed_out(sent.as_bytes(), 100).await,
            (String::new(), Some(ProtocolViolation::NotAReply)),
            "{sent:?}"
        );
    }
    // After a command every line answers it.
    let (mut near, mut far) = guarded();
    near.write_all(b"USER x\r\n").await.unwrap();
    far.write_all(b"hello\r\n331 go\r\n").await.unwrap();
    assert_eq!(violation(&near.read(&mut [0; 100]).await.unwrap_err()), Some(ProtocolViolation::NotAReply));
}

#[tokio::test]
async fn words_leave_the_guard_as_a_class_and_a_server_text_only() {
    let sent = Sent { name: "alice", password: "Wonderland-1" };
    let taught = RefusalTexts::parse(["Hau ab, {name}"]).unwrap();
    let refusal = ReplyClass::Refusal(Rejection::BadCredentials);
    for (reply, class, text) in [
        ("530 Login incorrect.\r\n", refusal, ""),
        ("530-Login\r\n530 incorrect.\r\n", refusal, ""),
        ("530 Hau ab, alice\r\n", refusal, ""),
        (
            "530-Sorry,\r\n the maximum number of\r\n530 clients is reached\r\n",
            ReplyClass::Outage,
            "Sorry, the maximum number of clients is reached",
        ),
        ("530 The flux is gone\r\n", ReplyClass::Unknown, "The flux is gone"),
        ("530-The flux\r\n530-is\r\n gone\r\n530\r\n", ReplyClass::Unknown, "The flux is gone"),
        // The password, folded over two lines.
        ("530-Wonder\r\n530 land-1\r\n", ReplyClass::Unknown, ""),
    ] {
        let (mut near, mut far) = guarded();
        far.write_all(reply.as_bytes()).await.unwrap();
        drop(far);
        near.read_to_end(&mut Vec::new()).await.unwrap();
        let words = near.0.take_words(&taught, sent);
        assert_eq!((words.class, words.text.as_str()), (class, text), "{reply:?}");
    }
}

#[tokio::test]
async fn t11_early_text_is_noticed_before_the_next_command() {
    let (mut near, mut far) = guarded();
    assert!(near.is_quiet().await.is_ok());
    // Half a line, still in the stream.
    far.write_all(b"2").await.unwrap();
    assert_eq!(violation(&near.is_quiet().await.unwrap_err()), Some(ProtocolViolation::Unasked));
    // A complete one after the expected line.
    let (mut near, mut far) = guarded();
    far.write_all(b"220 hello\r\n331 go\r\n").await.unwrap();
    near.read_exact(&mut [0; 11]).await.unwrap();
    assert_eq!(violation(&near.is_quiet().await.unwrap_err()), Some(ProtocolViolation::Unasked));
    // The server has hung up.
    let (mut near, far) = guarded();
    drop(far);
    assert_eq!(near.is_quiet().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn endless_reply_is_read_to_the_limit() {
    let (mut near, mut far) = guarded();
    let sent = tokio::spawn(async move {
        let mut sent = 0;
        while let Ok(count) = far.write(&[b'x'; 100]).await {
            sent += count;
        }
        sent
    });
    let mut read = 0;
    let mut ended = None;
    while read <= MAX_BYTES && ended.is_none() {
        match near.read(&mut [0; 512]).await {
            Ok(count) => read += count,
            Err(error) => ended = violation(&error),
        }
    }
    assert_eq!(ended, Some(ProtocolViolation::TooLong));
    drop(near);
    assert!(sent.await.unwrap() <= MAX_BYTES + 512);
}

#[tokio::test]
async fn secret_line_replaces_the_next_command_once() {
    let (near, mut far) = duplex(8);
    let mut near = GuardedStream(Guard::new(Box::new(near)));
    let secret = Zeroizing::new(b"PASS a secret longer than the pipe\r\n".to_vec());
    near.0.instead = Some(secret.clone());
    let received = tokio::spawn(async move {
        let mut received = Vec::new();
        far.read_to_end(&mut received).await.unwrap();
        received
    });
    near.write_all(b"PASS ********\r\n").await.unwrap();
    near.write_all(b"NOOP\r\n").await.unwrap();
    drop(near);
    assert_eq!(received.await.unwrap(), [secret.as_slice(), b"NOOP\r\n"].concat());
}

#[tokio::test(start_paused = true)]
async fn reading_flushes_what_was_written() {
    let (near, mut far) = duplex(256);
    let mut near = GuardedStream(Guard::new(Box::new(tokio::io::BufWriter::new(near))));
    near.write_all(b"NOOP\r\n").await.unwrap();
    let _read = tokio::spawn(async move { near.read_u8().await });
    // Time is paused: it passes only when every task waits.
    let received = tokio::time::timeout(std::time::Duration::from_secs(1), far.read_exact(&mut [0; 6])).await;
    assert_eq!(received.expect("the command is out").unwrap(), 6);
}
