//! A fake server that follows a script, correct or adversarial.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::handshake;
use crate::smb::{self, Reply};

/// How far the clock moves at a time where a script lets time pass.
pub const TICK: Duration = Duration::from_millis(100);

/// One thing the peer does.
#[derive(Clone, Debug)]
pub enum ScriptStep {
    /// Writes these bytes at once.
    ///
    /// `{tag}` is the first word of the last line that was read.
    Send(Vec<u8>),
    /// Writes them one byte at a time, and lets the other side take them in.
    Drip(Vec<u8>),
    /// Reads any line.
    Line,
    /// Reads one line that is no command: `{tag}` stays what it was.
    Secret,
    /// Reads one line that must start like this, in any letter case; else the peer hangs up.
    Expect(&'static str),
    /// Reads lines up to and including the first that is this and a line end.
    Until(&'static str),
    /// Reads up to and including this text.
    ReceiveUntil(&'static str),
    /// Writes what this makes of all that was read so far.
    Answer(fn(&str) -> String),
    /// Becomes a TLS server.
    Tls(Arc<ServerConfig>),
    /// Starts the handshake, and stops after this many bytes.
    HalfTls(Arc<ServerConfig>, usize),
    /// Becomes one, and restarts it this many times.
    TlsAgain(Arc<ServerConfig>, usize),
    /// Writes `bytes` repeatedly until `total` bytes are sent or the peer disconnects.
    Flood {
        /// What is repeated.
        bytes: &'static [u8],
        /// How much of it.
        total: usize,
    },
    /// Says nothing until the other side hangs up.
    Silence,
    /// Says nothing until the test gives the word.
    Wait(Arc<Notify>),
    /// Writes one byte at a time and lets so much time pass after each.
    ///
    /// Needs a paused clock.
    Slowly(Vec<u8>, Duration),
    /// Lets time pass, by [`TICK`]s.
    ///
    /// Needs a paused clock.
    Pass(Duration),
    /// Reads the first bytes of a TLS client, without answering them.
    Hello,
    /// Reads one LDAP message.
    HearLdap,
    /// Reads one SMB message.
    Receive,
    /// Reads one SMB message and answers it.
    Smb(Reply),
    /// Says that nothing more will come, and listens until the other side hangs up.
    HalfClose,
    /// Breaks the connection off (RST) instead of ending it.
    Reset,
}

impl ScriptStep {
    /// Writes a text at once; see [`ScriptStep::Send`].
    pub fn send(text: impl AsRef<[u8]>) -> Self {
        Self::Send(text.as_ref().to_vec())
    }
}

/// A scripted server on its own loopback port.
///
/// Every connection gets the script from its beginning; at its end the peer hangs up.
#[derive(Debug)]
pub struct FakeServer {
    port: u16,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    over: watch::Sender<Vec<usize>>,
    task: JoinHandle<()>,
}

impl FakeServer {
    /// Starts to listen.
    ///
    /// # Panics
    /// When loopback has no port left.
    pub async fn start(script: impl IntoIterator<Item = ScriptStep>) -> Self {
        Self::start_each([script]).await
    }

    /// The same with a script per connection; later connections get the last one.
    ///
    /// # Panics
    /// When loopback has no port left, or there is no script.
    pub async fn start_each<S: IntoIterator<Item = ScriptStep>>(
        scripts: impl IntoIterator<Item = S>,
    ) -> Self {
        crate::logging::on();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let port = listener.local_addr().expect("an address").port();
        let received = Arc::new(Mutex::new(Vec::new()));
        let scripts: Vec<Arc<[ScriptStep]>> =
            scripts.into_iter().map(|script| script.into_iter().collect()).collect();
        assert!(!scripts.is_empty(), "a peer needs a script");
        let all = Arc::clone(&received);
        let over = watch::Sender::new(Vec::new());
        let ended = over.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = {
                    let mut received = all.lock().unwrap_or_else(PoisonError::into_inner);
                    received.push(Vec::new());
                    received.len() - 1
                };
                let script = Arc::clone(scripts.get(number).unwrap_or(&scripts[scripts.len() - 1]));
                let (all, ended) = (Arc::clone(&all), ended.clone());
                tokio::spawn(async move {
                    // What the other side sent is recorded, however it ends the connection.
                    let _ = converse(stream, &script, &Record { all, number }).await;
                    ended.send_modify(|over| over.push(number));
                });
            }
        });
        Self { port, received, over, task }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Number of connections.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Everything that was read so far, decrypted, of all connections in a row.
    #[must_use]
    pub fn received(&self) -> Vec<u8> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).concat()
    }

    /// What was read on one connection; they are counted from 0.
    #[must_use]
    pub fn received_on(&self, connection: usize) -> Vec<u8> {
        let received = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        received.get(connection).cloned().unwrap_or_default()
    }

    /// Waits until the peer has hung up on this connection.
    pub async fn ended(&self, connection: usize) {
        let mut over = self.over.subscribe();
        // The peer ends when its sender is dropped.
        let _ = over.wait_for(|over| over.contains(&connection)).await;
    }

    /// The same as text.
    #[must_use]
    pub fn received_text(&self) -> String {
        String::from_utf8_lossy(&self.received()).into_owned()
    }
}

impl Drop for FakeServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Record {
    all: Arc<Mutex<Vec<Vec<u8>>>>,
    number: usize,
}

impl Record {
    fn text(&self) -> String {
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(self.number).map(|own| String::from_utf8_lossy(own).into_owned()).unwrap_or_default()
    }

    fn add(&self, bytes: &[u8]) {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(self.number) {
            own.extend_from_slice(bytes);
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn converse(stream: TcpStream, script: &[ScriptStep], record: &Record) -> io::Result<()> {
    stream.set_nodelay(true)?;
    if script.iter().any(|step| matches!(step, ScriptStep::Reset)) {
        stream.set_zero_linger()?;
    }
    let mut stream: Box<dyn Stream> = Box::new(stream);
    let mut last = Vec::new();
    for step in script {
        match step {
            ScriptStep::Send(bytes) => {
                stream.write_all(&fill_tag(bytes, &last)).await?;
                stream.flush().await?;
            }
            ScriptStep::Drip(bytes) => {
                for byte in fill_tag(bytes, &last) {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    tokio::task::yield_now().await;
                }
                tokio::task::yield_now().await;
            }
            ScriptStep::Line => last = line(&mut stream, record).await?,
            ScriptStep::Secret => drop(line(&mut stream, record).await?),
            ScriptStep::Expect(start) => {
                last = line(&mut stream, record).await?;
                let begins =
                    last.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()));
                if !begins {
                    return Err(io::Error::other("the script expected something else"));
                }
            }
            ScriptStep::Until(end) => loop {
                let line = line(&mut stream, record).await?;
                if line.trim_ascii_end() == end.as_bytes() {
                    break;
                }
            },
            ScriptStep::ReceiveUntil(end) => {
                let mut received = Vec::new();
                while !received.ends_with(end.as_bytes()) {
                    let byte = stream.read_u8().await?;
                    record.add(&[byte]);
                    received.push(byte);
                }
            }
            ScriptStep::Answer(answer) => {
                stream.write_all(answer(&record.text()).as_bytes()).await?;
                stream.flush().await?;
            }
            ScriptStep::Tls(config) => {
                let acceptor = TlsAcceptor::from(Arc::clone(config));
                stream = Box::new(acceptor.accept(stream).await?);
            }
            ScriptStep::HalfTls(config, bytes) => {
                handshake::cut_off(&mut stream, Arc::clone(config), *bytes).await?;
            }
            ScriptStep::TlsAgain(config, times) => {
                return handshake::ask_again(stream, Arc::clone(config), *times).await;
            }
            ScriptStep::Flood { bytes, total } => {
                let mut sent = 0;
                while sent < *total {
                    stream.write_all(bytes).await?;
                    sent += bytes.len();
                }
                stream.flush().await?;
            }
            ScriptStep::Wait(word) => word.notified().await,
            ScriptStep::Slowly(bytes, pause) => {
                for byte in fill_tag(bytes, &last) {
                    stream.write_all(&[byte]).await?;
                    stream.flush().await?;
                    pass(*pause).await;
                }
            }
            ScriptStep::Pass(time) => pass(*time).await,
            ScriptStep::Hello => drop(stream.read(&mut [0; 4096]).await?),
            ScriptStep::HearLdap => ldap(&mut stream, record).await?,
            ScriptStep::Receive => drop(frame(&mut stream, record).await?),
            ScriptStep::Smb(reply) => {
                let request = frame(&mut stream, record).await?;
                stream.write_all(&smb::frame(&reply.to(&request))).await?;
                stream.flush().await?;
            }
            ScriptStep::HalfClose => {
                stream.shutdown().await?;
                return listen(&mut stream, record).await;
            }
            ScriptStep::Reset => return Ok(()),
            ScriptStep::Silence => return listen(&mut stream, record).await,
        }
    }
    stream.shutdown().await
}

async fn listen(stream: &mut Box<dyn Stream>, record: &Record) -> io::Result<()> {
    let mut rest = [0; 1024];
    loop {
        let count = stream.read(&mut rest).await?;
        if count == 0 {
            return Ok(());
        }
        record.add(rest.get(..count).unwrap_or_default());
    }
}

/// Small steps, so that timers fire near their time.
async fn pass(time: Duration) {
    let mut left = time;
    while !left.is_zero() {
        let step = left.min(TICK);
        tokio::time::advance(step).await;
        left -= step;
    }
}

async fn frame(stream: &mut Box<dyn Stream>, record: &Record) -> io::Result<Vec<u8>> {
    let length = stream.read_u32().await?;
    let mut frame = vec![0; usize::try_from(length & 0x00ff_ffff).unwrap_or_default()];
    stream.read_exact(&mut frame).await?;
    record.add(&frame);
    Ok(frame)
}

/// One value in BER of the definite form.
async fn ldap(stream: &mut Box<dyn Stream>, record: &Record) -> io::Result<()> {
    let (tag, first) = (stream.read_u8().await?, stream.read_u8().await?);
    record.add(&[tag, first]);
    let mut length = usize::from(first);
    if first >= 0x80 {
        length = 0;
        for _ in 0x80..first {
            let byte = stream.read_u8().await?;
            record.add(&[byte]);
            length = length << 8 | usize::from(byte);
        }
    }
    let mut value = vec![0; length];
    stream.read_exact(&mut value).await?;
    record.add(&value);
    Ok(())
}

async fn line(stream: &mut Box<dyn Stream>, record: &Record) -> io::Result<Vec<u8>> {
    let mut line = Vec::new();
    while line.last() != Some(&b'\n') {
        let byte = stream.read_u8().await?;
        record.add(&[byte]);
        line.push(byte);
    }
    Ok(line)
}

fn fill_tag(bytes: &[u8], last: &[u8]) -> Vec<u8> {
    let tag = last.split(|byte| *byte == b' ').next().unwrap_or_default();
    let mut filled = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some(at) = rest.windows(5).position(|window| window == b"{tag}") {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(tag);
        rest = &rest[at + 5..];
    }
    filled.extend_from_slice(rest);
    filled
}
