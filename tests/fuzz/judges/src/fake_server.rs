//! A server on loopback that plays one script, for clients that insist on a real socket.
//!
//! Client and server share one thread, and what is written to loopback has arrived. So a reader
//! that polls a few times and finds nothing knows that nothing will come, and no clock is asked.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::LazyLock;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use user_backend::clock::now;
use user_backend::{Attempt, BackendError, LoginName, Password, UserBackend, Verdict};

/// The password of every attempt.
pub(crate) const PASSWORD: &str = "Wonderland-1";

/// How often a server polls for the next request before it ends.
const LOOKS: usize = 200;

/// One for all attempts of the process, so that a backend can be made once.
static LISTENER: LazyLock<StdListener> = LazyLock::new(|| {
    let listener = StdListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).expect("a loopback port");
    listener.set_nonblocking(true).expect("a listener that does not block");
    listener
});

thread_local! {
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_all().event_interval(1).build().expect("a runtime");
}

/// Waits for something that takes no time.
pub(crate) fn block_on<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// Where the server listens.
pub(crate) fn port() -> u16 {
    LISTENER.local_addr().expect("an address").port()
}

/// What the server says.
#[derive(Clone, Debug)]
pub(crate) enum Script {
    /// Texts, each after one more line was received; the first at once.
    Lines(Vec<Vec<u8>>),
    /// SMB messages with their length, each after a request.
    ///
    /// `numbered`: with the message id of the request.
    Frames { frames: Vec<Vec<u8>>, numbered: bool },
}

/// What was received, and what was sent after it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Played {
    pub(crate) received: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Played {
    /// What was sent after a line that begins like this.
    pub(crate) fn after(&self, verb: &str) -> &[u8] {
        let found = self.received.iter().find(|(line, _)| line.starts_with(verb.as_bytes()));
        found.map_or(&[], |(_, sent)| sent.as_slice())
    }

    pub(crate) fn all_received(&self) -> Vec<u8> {
        self.received.iter().flat_map(|(received, _)| received.iter().copied()).collect()
    }
}

/// Signs alice in on a server that plays this.
pub(crate) fn attempt(backend: &dyn UserBackend, script: Script) -> (Result<Verdict, BackendError>, Played) {
    block_on(async {
        let own = LISTENER.try_clone().and_then(TcpListener::from_std).expect("a listener");
        let server = tokio::spawn(async move {
            let (stream, _) = own.accept().await?;
            // Thousands of attempts a second: no port may stay in TIME_WAIT.
            stream.set_zero_linger()?;
            play(stream, script).await
        });
        let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse(PASSWORD).unwrap());
        let attempt = Attempt::new(&name, &password, now() + Duration::from_secs(10));
        let answer = backend.authenticate(&attempt).await;
        (answer, server.await.expect("the server plays on").expect("loopback"))
    })
}

/// An error text holds no secret.
pub(crate) fn has_no_secret(error: &BackendError) {
    let text = format!("{error} {error:?}");
    assert!(!text.contains(PASSWORD), "{text}");
    assert!(!error.is_timeout(), "no timeout is possible here: {text}");
}

async fn play(mut stream: TcpStream, script: Script) -> io::Result<Played> {
    let mut played = Played::default();
    let mut unread = Vec::new();
    match script {
        Script::Lines(texts) => {
            for (nth, text) in texts.into_iter().enumerate() {
                if nth > 0 {
                    let Some(line) = receive(&stream, &mut unread, line).await else { break };
                    played.received.push((line, text.clone()));
                }
                if stream.write_all(&text).await.is_err() {
                    break;
                }
            }
        }
        Script::Frames { frames, numbered } => {
            for mut frame in frames {
                let Some(question) = receive(&stream, &mut unread, message).await else { break };
                if numbered && let (Some(number), Some(place)) = (question.get(28..36), frame.get_mut(24..32))
                {
                    place.copy_from_slice(number);
                }
                let length = u32::try_from(frame.len()).unwrap_or(u32::MAX).to_be_bytes();
                played.received.push((question, frame.clone()));
                if stream.write_all(&[&length, frame.as_slice()].concat()).await.is_err() {
                    break;
                }
            }
        }
    }
    // What else is sent, is on record, too.
    while let Some(rest) = receive(&stream, &mut unread, everything).await {
        played.received.push((rest, Vec::new()));
    }
    Ok(played)
}

/// The next whole thing that the client says, or nothing when it waits for us.
async fn receive(
    stream: &TcpStream,
    unread: &mut Vec<u8>,
    whole: fn(&[u8]) -> Option<usize>,
) -> Option<Vec<u8>> {
    for _ in 0..LOOKS {
        if let Some(end) = whole(unread) {
            return Some(unread.drain(..end).collect());
        }
        let mut piece = [0; 4096];
        match stream.try_read(&mut piece) {
            Ok(0) => return None,
            Ok(count) => unread.extend_from_slice(piece.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => tokio::task::yield_now().await,
            Err(_) => return None,
        }
    }
    None
}

fn line(unread: &[u8]) -> Option<usize> {
    unread.iter().position(|byte| *byte == b'\n').map(|at| at + 1)
}

fn message(unread: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(*unread.first_chunk()?) & 0x00ff_ffff;
    usize::try_from(length).ok().map(|length| length + 4).filter(|end| *end <= unread.len())
}

fn everything(unread: &[u8]) -> Option<usize> {
    (!unread.is_empty()).then_some(unread.len())
}
