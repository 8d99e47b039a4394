use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// A guard and the far end of its stream.
fn guarded() -> (Held, DuplexStream) {
    let (near, far) = duplex(256);
    (Held(Guard::new(Box::new(near))), far)
}

/// A guard as a stream, as [`Wire`] makes it one.
struct Held(Guard);

impl Held {
    async fn is_quiet(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| Poll::Ready(self.0.is_quiet(cx))).await
    }
}

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
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

fn trouble(error: &io::Error) -> Option<Trouble> {
    error.get_ref().and_then(|inner| inner.downcast_ref()).copied()
}

#[tokio::test]
async fn one_read_gives_one_line_however_much_has_come() {
    let (mut near, mut far) = guarded();
    far.write_all(b"220 hello\r\n331 go\r\n230 i").await.unwrap();
    let mut buffer = [0; 100];
    for line in [b"220 .....\r\n".as_slice(), b"331 ..\r\n", b"230 ."] {
        let count = near.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..count], line);
    }
}

#[tokio::test]
async fn nothing_but_the_code_of_a_line_is_handed_out() {
    for (said, handed_out) in [
        (
            "530-Wonderland-1 is\r\n 230 wrong\r\n530\twrong\r\n",
            "530-...............\r\n.23.......\r\n530......\r\n",
        ),
        ("Wonderland-1 \u{ff}\n2300\n", "...............\n230.\n"),
        ("\r\n\n23\n", "\r\n\n23\n"),
    ] {
        // However small the pieces are.
        for size in [1, 2, 3, 100] {
            let (mut near, mut far) = guarded();
            far.write_all(said.as_bytes()).await.unwrap();
            drop(far);
            let mut all = Vec::new();
            let mut piece = vec![0; size];
            while let count @ 1.. = near.read(&mut piece).await.unwrap() {
                all.extend_from_slice(&piece[..count]);
            }
            assert_eq!(String::from_utf8(all).unwrap(), handed_out);
        }
    }
}

#[tokio::test]
async fn t11_what_was_said_ahead_is_noticed_before_the_next_command() {
    let (mut near, mut far) = guarded();
    assert!(near.is_quiet().await.is_ok());
    // Half a line, still in the stream.
    far.write_all(b"2").await.unwrap();
    assert_eq!(trouble(&near.is_quiet().await.unwrap_err()), Some(Trouble::Unasked));
    // A whole one behind the line that was asked for.
    let (mut near, mut far) = guarded();
    far.write_all(b"220 hello\r\n331 go\r\n").await.unwrap();
    near.read_exact(&mut [0; 11]).await.unwrap();
    assert_eq!(trouble(&near.is_quiet().await.unwrap_err()), Some(Trouble::Unasked));
    // Connection refused.
    let (mut near, far) = guarded();
    drop(far);
    assert_eq!(near.is_quiet().await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn no_more_than_the_limit_is_read_from_an_endless_reply() {
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
            Err(error) => ended = trouble(&error),
        }
    }
    assert_eq!(ended, Some(Trouble::TooLong));
    drop(near);
    assert!(sent.await.unwrap() <= MAX_BYTES + 512);
}

#[tokio::test]
async fn secret_line_replaces_the_next_command_once() {
    let (near, mut far) = duplex(8);
    let mut near = Held(Guard::new(Box::new(near)));
    let secret = Zeroizing::new(b"PASS a secret longer than the pipe\r\n".to_vec());
    near.0.instead = Some(secret.clone());
    let heard = tokio::spawn(async move {
        let mut heard = Vec::new();
        far.read_to_end(&mut heard).await.unwrap();
        heard
    });
    near.write_all(b"PASS ********\r\n").await.unwrap();
    near.write_all(b"NOOP\r\n").await.unwrap();
    drop(near);
    assert_eq!(heard.await.unwrap(), [secret.as_slice(), b"NOOP\r\n"].concat());
}

#[tokio::test(start_paused = true)]
async fn reading_flushes_what_was_written() {
    let (near, mut far) = duplex(256);
    let mut near = Held(Guard::new(Box::new(tokio::io::BufWriter::new(near))));
    near.write_all(b"NOOP\r\n").await.unwrap();
    let _read = tokio::spawn(async move { near.read_u8().await });
    // Time is paused: it passes only when everybody waits.
    let heard = tokio::time::timeout(std::time::Duration::from_secs(1), far.read_exact(&mut [0; 6])).await;
    assert_eq!(heard.expect("the command is out").unwrap(), 6);
}
