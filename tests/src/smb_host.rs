//! A fake file server that refuses every login, or falls silent in the middle of one.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::smb::{Reply, frame};

const SMB_3_0_2: u16 = 0x0302;

const LOGON_FAILURE: u32 = 0xc000_006d;

/// The server.
///
/// It ends when this is dropped.
#[derive(Debug)]
pub struct SmbHost {
    port: u16,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Shared {
    is_silent: AtomicBool,
    asked: AtomicUsize,
    more: Notify,
}

impl SmbHost {
    /// Listens on its own loopback port and refuses every login.
    ///
    /// # Panics
    /// When it cannot listen.
    pub async fn start() -> Self {
        crate::logging::on();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("its address").port();
        let shared = Arc::new(Shared::default());
        let own = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let shared = Arc::clone(&own);
                tokio::spawn(async move { serve(stream, &shared).await });
            }
        });
        Self { port, shared, task }
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether sessions are left without an answer from now on.
    ///
    /// Greetings are always answered.
    pub fn be_silent(&self, is_silent: bool) {
        self.shared.is_silent.store(is_silent, Ordering::SeqCst);
    }

    /// Waits until this many sessions were requested since the start.
    ///
    /// That many logins are in flight.
    pub async fn wait_for_sessions(&self, sessions: usize) {
        loop {
            let more = self.shared.more.notified();
            if self.shared.asked.load(Ordering::SeqCst) >= sessions {
                return;
            }
            more.await;
        }
    }
}

impl Drop for SmbHost {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, shared: &Shared) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let script = [Reply::negotiated(SMB_3_0_2, 1), Reply::error(LOGON_FAILURE)];
    for (number, reply) in script.into_iter().enumerate() {
        let length = stream.read_u32().await?;
        let mut request = vec![0; usize::try_from(length).unwrap_or(0).min(1 << 16)];
        stream.read_exact(&mut request).await?;
        if number == 1 {
            shared.asked.fetch_add(1, Ordering::SeqCst);
            shared.more.notify_waiters();
            if shared.is_silent.load(Ordering::SeqCst) {
                break;
            }
        }
        stream.write_all(&frame(&reply.to(&request))).await?;
    }
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}
