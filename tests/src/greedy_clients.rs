//! Clients that take as much of a server as they can: memory, connections, time.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream as Stream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::sleep;

/// A path that takes a body without credentials.
pub const CHECK: &str = "/ocs/v2.php/person/check?format=json";

/// How long others wait for an answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// What an attacker does with a connection.
#[derive(Clone, Copy, Debug)]
pub enum Attack {
    /// Opens it and says nothing.
    Silent,
    /// Sends the head of a request byte by byte.
    SlowHead,
    /// Announces a body and sends it byte by byte.
    SlowBody,
    /// Asks for long answers and reads none.
    Unread,
    /// Sends bodies that are as long as they may be, for a sign-in that waits.
    Bodies,
    /// Sends bodies of a megabyte that take much more when they are read.
    Amplified,
    /// As many headers as they may be.
    Headers,
}

impl Attack {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Silent,
        Self::SlowHead,
        Self::SlowBody,
        Self::Unread,
        Self::Bodies,
        Self::Amplified,
        Self::Headers,
    ];

    /// One connection after the other from one address.
    ///
    /// `pause` is the time between two requests.
    pub async fn repeat(self, from: Ipv4Addr, to: SocketAddr, pause: Duration, is_over: Arc<AtomicBool>) {
        while !is_over.load(Ordering::Relaxed) {
            let Ok(socket) = TcpSocket::new_v4() else { return };
            let _ = socket.set_recv_buffer_size(4096);
            if socket.bind((from, 0).into()).is_err() {
                return;
            }
            if let Ok(mut stream) = socket.connect(to).await {
                let _ = self.run(&mut stream, pause).await;
            }
            rest(pause).await;
        }
    }

    /// Goes on until the server hangs up.
    async fn run(self, stream: &mut TcpStream, pause: Duration) -> std::io::Result<()> {
        let post = "POST /ocs/v2.php/person/check HTTP/1.1\r\nHost: localhost\r\nOCS-APIRequest: true\r\n\
                    Content-Type: application/x-www-form-urlencoded\r\n";
        let request = match self {
            Self::Silent => return stream.read(&mut [0]).await.map(drop),
            Self::SlowHead => return drip(stream, "GET /login HTTP/1.1\r\nHost: localhost\r\nX-A: ").await,
            Self::SlowBody => return drip(stream, &format!("{post}Content-Length: 16000\r\n\r\n")).await,
            Self::Unread => "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
            Self::Bodies => {
                let body = format!("login=stranger&password=wrong&x={}", "a".repeat(16_000));
                format!("{post}Content-Length: {}\r\n\r\n{body}", body.len())
            }
            Self::Amplified => amplified("stranger", 1024 * 1024),
            Self::Headers => {
                let headers = "X-A: b\r\n".repeat(98);
                format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
            }
        };
        loop {
            stream.write_all(request.as_bytes()).await?;
            rest(pause).await;
        }
    }
}

async fn rest(pause: Duration) {
    match pause.is_zero() {
        true => tokio::task::yield_now().await,
        false => sleep(pause).await,
    }
}

/// Sends a beginning, and then a byte a second.
async fn drip(stream: &mut TcpStream, begin: &str) -> std::io::Result<()> {
    stream.write_all(begin.as_bytes()).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    loop {
        ticks.tick().await;
        stream.write_all(b"a").await?;
    }
}

/// A request whose body is JSON of this length, with a name and a password.
///
/// The rest is as many numbers as fit, in short lists.
#[must_use]
pub fn amplified(name: &str, bytes: usize) -> String {
    let begin = format!("{{\"login\":\"{name}\",\"password\":\"wrong\",\"a\":[");
    let list = format!("[{}0],", "0,".repeat(998));
    let lists = (bytes - begin.len() - 16) / list.len();
    let rest = (bytes - begin.len() - 16 - lists * list.len()) / 2;
    let body = format!("{begin}{}[{}0]]}}", list.repeat(lists), "0,".repeat(rest));
    format!(
        "POST {CHECK} HTTP/1.1\r\nHost: localhost\r\nOCS-APIRequest: true\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The status of an answer, `none` without one, and how long it took.
#[must_use]
pub fn ask(address: &str, request: &str) -> (String, Duration) {
    let begin = Instant::now();
    let mut answer = String::new();
    if let Ok(mut stream) = Stream::connect(address) {
        let _ = stream.set_read_timeout(Some(PATIENCE));
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut answer);
    }
    (answer.split(' ').nth(1).unwrap_or("none").to_owned(), begin.elapsed())
}

/// The same from this address.
pub async fn ask_from(from: Ipv4Addr, address: SocketAddr, request: &str) -> String {
    let asked = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind((from, 0).into())?;
        let mut stream = socket.connect(address).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok::<_, std::io::Error>(answer)
    };
    let answer = tokio::time::timeout(PATIENCE, asked).await;
    let answer = answer.ok().and_then(Result::ok).unwrap_or_default();
    answer.split(' ').nth(1).unwrap_or("none").to_owned()
}

/// The memory that a process takes now, in mebibytes.
///
/// # Panics
/// When it has ended.
#[must_use]
pub fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a process with memory");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).expect("a number") / 1024
}
