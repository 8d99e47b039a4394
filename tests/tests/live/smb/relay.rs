//! An attacker on the network path: reads every SMB frame, counts, and changes some.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// Commands of SMB2 (MS-SMB2 section 2.2.1.2).
pub(crate) const NEGOTIATE: u16 = 0;
pub(crate) const SESSION_SETUP: u16 = 1;
pub(crate) const TREE_CONNECT: u16 = 3;

const SIGNED: u8 = 0x08;

/// Offsets of header fields in a frame (after its four length bytes).
const STATUS: std::ops::Range<usize> = 8..12;
const FLAGS: usize = 16;
const SIGNATURE: std::ops::Range<usize> = 48..64;
const BODY: usize = 64;

/// What the one on the way does to a frame.
pub(crate) type Change = fn(&mut Frame);

/// One SMB2 message.
pub(crate) struct Frame(Vec<u8>);

impl Frame {
    pub(crate) fn command(&self) -> Option<u16> {
        let bytes = self.0.get(12..14)?;
        (self.0.starts_with(b"\xfeSMB")).then(|| u16::from_le_bytes([bytes[0], bytes[1]]))
    }

    pub(crate) fn status(&self) -> u32 {
        self.0.get(STATUS).map_or(0, |bytes| u32::from_le_bytes(bytes.try_into().unwrap()))
    }

    /// Takes the signature away, and the flag that says there is one.
    pub(crate) fn unsign(&mut self) {
        self.0[FLAGS] &= !SIGNED;
        self.0[SIGNATURE].fill(0);
    }

    /// Puts another signature in its place.
    pub(crate) fn forge_signature(&mut self) {
        self.0[FLAGS] |= SIGNED;
        self.0[SIGNATURE].fill(0x5a);
    }

    /// Turns it into a yes without a signature: an ordinary session, or a tree.
    pub(crate) fn say_yes(&mut self) {
        self.0[STATUS].fill(0);
        self.0.truncate(BODY);
        match self.command() {
            // MS-SMB2 section 2.2.6: no flags, no security buffer.
            Some(SESSION_SETUP) => self.0.extend_from_slice(&[9, 0, 0, 0, 72, 0, 0, 0]),
            // Section 2.2.10: a pipe share with all rights.
            _ => self.0.extend_from_slice(&[16, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 1, 0x1f, 0]),
        }
        self.unsign();
    }

    /// Leaves only SMB 2.0.2 and 2.1 of the dialects that a client offers (section 2.2.3).
    pub(crate) fn offer_old_dialects(&mut self) {
        self.0[BODY + 2..BODY + 4].copy_from_slice(&2_u16.to_le_bytes());
        self.0[BODY + 28..BODY + 36].fill(0);
        self.0.truncate(BODY + 36);
        self.0.extend_from_slice(&[0x02, 0x02, 0x10, 0x02]);
    }
}

/// A relay to one server, on its own port.
pub(crate) struct Relay {
    port: u16,
    setups: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Relay {
    /// Starts to listen.
    ///
    /// `asked` changes what the client says, `answered` what the server says.
    pub(crate) async fn start(host: &str, port: u16, asked: Change, answered: Change) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap().port();
        let server = (host.to_owned(), port);
        let setups = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&setups);
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (server, count) = (server.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    let server = TcpStream::connect(server).await.unwrap();
                    let (from_client, to_client) = client.into_split();
                    let (from_server, to_server) = server.into_split();
                    let ignored = Arc::new(AtomicUsize::new(0));
                    tokio::select! {
                        _ = pass(from_client, to_server, asked, count) => {}
                        _ = pass(from_server, to_client, answered, ignored) => {}
                    }
                });
            }
        });
        Self { port: own, setups, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many session set-ups clients sent.
    pub(crate) fn setups(&self) -> usize {
        self.setups.load(Ordering::Relaxed)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    change: Change,
    setups: Arc<AtomicUsize>,
) -> std::io::Result<()> {
    loop {
        let length = from.read_u32().await?;
        let mut bytes = vec![0; usize::try_from(length & 0x00ff_ffff).unwrap()];
        from.read_exact(&mut bytes).await?;
        let mut frame = Frame(bytes);
        if frame.command() == Some(SESSION_SETUP) {
            setups.fetch_add(1, Ordering::Relaxed);
        }
        change(&mut frame);
        let mut whole = u32::try_from(frame.0.len()).unwrap().to_be_bytes().to_vec();
        whole.extend_from_slice(&frame.0);
        to.write_all(&whole).await?;
    }
}
