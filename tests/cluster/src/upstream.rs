//! Two servers with passwords, asked with HTTP Basic: they note every password that they see.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Outcome;

/// A password that a server saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) user: String,
    pub(crate) at: Instant,
    pub(crate) is_right: bool,
}

/// A server that runs until the process ends.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    is_down: Arc<AtomicBool>,
}

/// The password of an external user.
pub(crate) fn password(user: &str) -> String {
    format!("right-{user}")
}

impl Upstream {
    /// Starts a server that knows the users whose names begin like this.
    pub(crate) async fn start(prefixes: &'static [&'static str]) -> Outcome<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let upstream =
            Self { address: listener.local_addr()?, seen: Arc::default(), is_down: Arc::default() };
        let server = upstream.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let _ = server.serve(stream, prefixes).await;
                });
            }
        });
        Ok(upstream)
    }

    /// Answers everything with 500, or no longer.
    pub(crate) fn set_down(&self, is_down: bool) {
        self.is_down.store(is_down, Ordering::SeqCst);
    }

    /// What it has seen so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn serve(&self, mut stream: TcpStream, prefixes: &[&str]) -> Outcome {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
            if head.len() > 16 * 1024 {
                return Err("a head that does not end".into());
            }
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = if self.is_down.load(Ordering::SeqCst) {
            "500 Internal Server Error"
        } else {
            match credentials(&head) {
                None => "401 Unauthorized",
                Some((user, typed)) => {
                    let is_known = prefixes.iter().any(|prefix| user.starts_with(prefix));
                    let is_right = is_known && typed == password(&user);
                    let seen = Seen { user, at: Instant::now(), is_right };
                    self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
                    if is_right { "200 OK" } else { "401 Unauthorized" }
                }
            }
        };
        let answer = format!(
            "HTTP/1.1 {status}\r\nWWW-Authenticate: Basic realm=\"x\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        stream.write_all(answer.as_bytes()).await?;
        Ok(())
    }
}

fn credentials(head: &str) -> Option<(String, String)> {
    let line = head.lines().find(|line| line.to_ascii_lowercase().starts_with("authorization: basic "))?;
    let (_, encoded) = line.rsplit_once(' ')?;
    let text = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
    text.split_once(':').map(|(user, password)| (user.to_owned(), password.to_owned()))
}
