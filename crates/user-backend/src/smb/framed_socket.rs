//! The connection under the engine `native`.
//!
//! Frames of MS-SMB2 section 2.1 over a TCP stream, with an upper bound for what a server
//! may make us read. All that a login reads fits into a few kilobytes; the crate smb2 by itself
//! would take frames of 16 MB, one after the other.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use smb2::Error;
use smb2::transport::{TransportReceive, TransportSend};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Mutex;

/// Longest frame that is taken.
const MAX_FRAME: usize = 32 * 1024;

/// All that is read for one login.
const MAX_TOTAL: usize = 64 * 1024;

/// Both directions of one connection, and what was wrong with it.
pub(super) struct FramedSocket {
    reader: Mutex<(OwnedReadHalf, usize)>,
    writer: Mutex<OwnedWriteHalf>,
    broken: OnceLock<&'static str>,
}

/// One direction; smb2 needs an owned box for each.
pub(super) struct Half(pub(super) Arc<FramedSocket>);

impl FramedSocket {
    pub(super) fn new(stream: TcpStream) -> Arc<Self> {
        let (reader, writer) = stream.into_split();
        Arc::new(Self {
            reader: Mutex::new((reader, 0)),
            writer: Mutex::new(writer),
            broken: OnceLock::new(),
        })
    }

    /// How the peer broke the framing, if it did.
    ///
    /// smb2 only reports that the connection ended.
    pub(super) fn broken(&self) -> Option<&'static str> {
        self.broken.get().copied()
    }

    fn breaks(&self, how: &'static str) -> Error {
        Error::invalid_data(self.broken.get_or_init(|| how).to_owned())
    }
}

impl fmt::Debug for FramedSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FramedSocket").field("broken", &self.broken()).finish_non_exhaustive()
    }
}

#[async_trait]
impl TransportReceive for Half {
    async fn receive(&self) -> smb2::Result<Vec<u8>> {
        let mut reader = self.0.reader.lock().await;
        let (stream, total) = &mut *reader;
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.map_err(ended)?;
        let [0, high, middle, low] = head else {
            return Err(self.0.breaks("the server does not speak SMB"));
        };
        let length = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
        *total += head.len() + length;
        if length > MAX_FRAME || *total > MAX_TOTAL {
            return Err(self.0.breaks("the server sent more than a login can need"));
        }
        let mut frame = vec![0; length];
        stream.read_exact(&mut frame).await.map_err(ended)?;
        Ok(frame)
    }
}

#[async_trait]
impl TransportSend for Half {
    async fn send(&self, data: &[u8]) -> smb2::Result<()> {
        let length = u32::try_from(data.len())
            .ok()
            .filter(|length| *length < 1 << 24)
            .ok_or_else(|| Error::invalid_data("a message is too long"))?;
        let mut frame = Vec::with_capacity(4 + data.len());
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(data);
        let mut writer = self.0.writer.lock().await;
        writer.write_all(&frame).await.map_err(Error::Io)
    }
}

fn ended(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Error::Disconnected,
        _ => Error::Io(error),
    }
}
