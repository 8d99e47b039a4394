//! A relay that spoils what passes: latency, drips, cuts, resets, corruption, silence.
//!
//! In user space, because not every kernel can do it, and byte by byte the same each time.
//!
//! The start of a fault is given in turns. A turn begins when the other side starts to send; a
//! login is the same number of turns every time, encrypted or not. Turn 0 is before any data.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What is done to the bytes from some turn on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Each piece comes later.
    Latency(Duration),
    /// Delays each piece by a pseudo-random time up to this, the same in every run.
    Jitter(Duration),
    /// Bytes per second.
    Bandwidth(u32),
    /// One byte at a time, with this delay after each.
    Drip(Duration),
    /// After this many bytes of the turn both sides see the end.
    Cut(usize),
    /// The same with RST.
    Reset(usize),
    /// Bytes of the side that sends in that turn are dropped; those of the other one pass.
    HalfClose,
    /// One bit in the middle of the turn's first piece is turned over.
    Corrupt,
    /// Silently drops everything.
    BlackHole,
}

/// Where the spoiling begins.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What is done.
    pub fault: Fault,
    /// From which turn on.
    ///
    /// Faults that happen once happen in that turn.
    pub turn: usize,
    /// On which connection, counted from 0.
    ///
    /// Earlier ones pass unharmed, later ones are as bad as this.
    pub connection: usize,
}

impl Plan {
    /// No fault.
    pub const HONEST: Self = Self { fault: Fault::None, turn: 0, connection: 0 };
}

/// Only this many first connections are recorded.
const REMEMBERED: usize = 1000;

/// A relay to one server, on its own loopback port.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    turns: Arc<Mutex<Vec<Arc<Mutex<Turn>>>>>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts to listen.
    ///
    /// # Panics
    /// When loopback has no port left.
    pub async fn start(host: &str, port: u16, plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let own = listener.local_addr().expect("an address").port();
        let server = (host.to_owned(), port);
        let turns = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&turns);
        let task = tokio::spawn(async move {
            let mut tasks = tokio::task::JoinSet::new();
            let mut number = 0;
            while let Ok((client, _)) = listener.accept().await {
                // A soak test of hours must not keep every connection.
                while tasks.try_join_next().is_some() {}
                let turn = Arc::<Mutex<Turn>>::default();
                let mut first = all.lock().unwrap_or_else(PoisonError::into_inner);
                if first.len() < REMEMBERED {
                    first.push(Arc::clone(&turn));
                }
                drop(first);
                let fault = if number < plan.connection { Fault::None } else { plan.fault };
                number += 1;
                let server = server.clone();
                tasks.spawn(async move {
                    // However it ends, both sides see that it did.
                    let _ = relay(client, server, Spoiler { fault, from: plan.turn, turn }).await;
                });
            }
        });
        Self { port: own, turns, task }
    }

    /// The port on 127.0.0.1.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How many turns each connection had so far, the first thousand of them.
    #[must_use]
    pub fn turns(&self) -> Vec<usize> {
        let turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        turns.iter().map(|turn| turn.lock().unwrap_or_else(PoisonError::into_inner).number).collect()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Spoiler {
    fault: Fault,
    from: usize,
    turn: Arc<Mutex<Turn>>,
}

/// How often the other side began to speak, and who speaks.
#[derive(Debug, Default)]
struct Turn {
    number: usize,
    speaker: Option<Side>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

async fn relay(client: TcpStream, server: (String, u16), spoiler: Spoiler) -> io::Result<()> {
    if spoiler.from == 0 {
        match spoiler.fault {
            Fault::Cut(_) | Fault::HalfClose => return Ok(()),
            Fault::Reset(_) => return client.set_zero_linger(),
            // Until the client gives up: a soak test of hours must not collect connections.
            Fault::BlackHole => {
                let mut client = client;
                return tokio::io::copy(&mut client, &mut tokio::io::sink()).await.map(drop);
            }
            Fault::Latency(time) | Fault::Jitter(time) => tokio::time::sleep(time).await,
            Fault::None | Fault::Bandwidth(_) | Fault::Drip(_) | Fault::Corrupt => {}
        }
    }
    let server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let resets = matches!(spoiler.fault, Fault::Reset(_));
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let other = spoiler.clone();
    let ended = tokio::select! {
        ended = pass(&mut from_client, &mut to_server, spoiler, Side::Client) => ended,
        ended = pass(&mut from_server, &mut to_client, other, Side::Server) => ended,
    };
    if resets && ended.is_err() {
        to_client.as_ref().set_zero_linger()?;
        to_server.as_ref().set_zero_linger()?;
    }
    ended
}

/// One direction.
async fn pass(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    spoiler: Spoiler,
    side: Side,
) -> io::Result<()> {
    let broken = || io::Error::from(io::ErrorKind::ConnectionAborted);
    let mut piece = vec![0; 16 * 1024];
    let mut spent = 0;
    let mut rng: u32 = 0x2545_f491;
    loop {
        let count = from.read(&mut piece).await?;
        if count == 0 {
            // The end of one side ends the whole: no protocol continues after it.
            return Ok(());
        }
        let bytes = &mut piece[..count];
        let turn = spoiler.speaks(side);
        if turn < spoiler.from.max(1) || spoiler.fault == Fault::None {
            to.write_all(bytes).await?;
            continue;
        }
        let is_first = turn == spoiler.from.max(1) && spent == 0;
        match spoiler.fault {
            Fault::None | Fault::Corrupt => {
                if spoiler.fault == Fault::Corrupt && is_first {
                    bytes[count / 2] ^= 0x10;
                }
                to.write_all(bytes).await?;
            }
            Fault::Latency(time) => {
                tokio::time::sleep(time).await;
                to.write_all(bytes).await?;
            }
            Fault::Jitter(time) => {
                rng = rng.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                tokio::time::sleep(time / 8 * (rng >> 29)).await;
                to.write_all(bytes).await?;
            }
            Fault::Bandwidth(rate) => {
                let slice = usize::try_from(rate / 50).unwrap_or(usize::MAX).max(1);
                for part in bytes.chunks(slice) {
                    to.write_all(part).await?;
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
            Fault::Drip(time) => {
                for byte in bytes.iter() {
                    to.write_all(&[*byte]).await?;
                    tokio::time::sleep(time).await;
                }
            }
            Fault::Cut(most) | Fault::Reset(most) => {
                let left = most.saturating_sub(spent).min(count);
                to.write_all(&bytes[..left]).await?;
                if left < count {
                    return Err(broken());
                }
            }
            Fault::HalfClose => {
                to.shutdown().await?;
                return std::future::pending().await;
            }
            Fault::BlackHole => {}
        }
        spent += count;
    }
}

impl Spoiler {
    /// Records the sender, and returns the turn.
    fn speaks(&self, side: Side) -> usize {
        let mut turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        if turn.speaker != Some(side) {
            *turn = Turn { number: turn.number + 1, speaker: Some(side) };
        }
        turn.number
    }
}

#[cfg(test)]
mod tests;
