//! One connection to Valkey, and the scripts that run there.
//!
//! A connection is never opened again: it leads to one process as long as it lives, so a process
//! that was restarted meets another connection, which looks before it counts.

use std::fmt;
use std::time::Duration;

use accounts::{AccountsError, ValkeyAddress, ValkeySettings};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, FromRedisValue, RedisConnectionInfo, RedisError, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::timeout_at;
use user_backend::BackendError;
use user_backend::brute_force::{BudgetResult, SourceHash};
use user_backend::clock::{later, now};
use user_backend::transport::{TlsClient, dial};

/// How long a script may take, with the way there and back.
const PATIENCE: Duration = Duration::from_millis(250);

/// How long it may take to connect, encrypt and sign in; no sign-in of a user waits for it.
const CONNECT: Duration = Duration::from_secs(3);

/// Scripts count in floating-point numbers; no generation gets as old.
const LONGEST_WINDOW: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Valkey cannot be used, and why.
#[derive(Debug)]
pub(super) struct Unusable(pub(super) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<RedisError> for Unusable {
    fn from(error: RedisError) -> Self {
        // What the server wrote may have line ends.
        Self(error.to_string().replace(char::is_control, " "))
    }
}

impl From<BackendError> for Unusable {
    fn from(error: BackendError) -> Self {
        Self(error.detail().to_owned())
    }
}

impl From<AccountsError> for Unusable {
    fn from(error: AccountsError) -> Self {
        Self(format!("PostgreSQL does not confirm its generation: {error}"))
    }
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// A connection, shared by all requests.
#[derive(Clone)]
pub(super) struct Connection {
    commands: MultiplexedConnection,
    reserve: String,
    settle: String,
    marker: String,
    probe: String,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

/// What Valkey says of itself.
#[derive(Debug)]
pub(super) struct Seen {
    /// What servers of this site wrote there; empty if nothing.
    pub(super) marker: String,
    /// The process and its data: another one after a restart or a change of roles.
    pub(super) process: String,
    /// Its time, in ms.
    pub(super) time: i64,
    /// What it does when its memory is full.
    pub(super) eviction: String,
}

/// The answer to a reservation.
#[derive(Debug)]
pub(super) enum Granted {
    Reserved,
    /// The share is reached: the time of Valkey in ms, and until the wrong password expires that has
    /// to, before there is room.
    Full(i64, Option<Duration>),
    /// It is not the generation that was asked for, or the caller relied on it for too long.
    Lost,
}

impl Connection {
    /// Connects and brings the scripts there.
    ///
    /// # Errors
    /// [`Unusable`] without secrets.
    pub(super) async fn open(
        settings: &ValkeySettings,
        tls: Option<&TlsClient>,
        prefix: &str,
    ) -> Result<Self, Unusable> {
        let deadline = later(now(), CONNECT);
        let opened = timeout_at(deadline, async {
            let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
            if let Some(username) = settings.username() {
                info = info.set_username(username);
            }
            if let Some(password) = settings.password() {
                info = info.set_password(password);
            }
            let stream: Box<dyn Stream> = match settings.address() {
                ValkeyAddress::Tcp { endpoint, database } => {
                    info = info.set_db(i64::from(*database));
                    let socket = dial(endpoint, deadline).await?;
                    match tls {
                        Some(tls) => Box::new(tls.handshake(socket, deadline).await?),
                        None => Box::new(socket),
                    }
                }
                #[cfg(unix)]
                ValkeyAddress::Unix(path) => {
                    let socket = tokio::net::UnixStream::connect(path).await;
                    Box::new(socket.map_err(|error| Unusable(format!("{}: {error}", path.display())))?)
                }
                #[cfg(not(unix))]
                ValkeyAddress::Unix(_) => return Err(Unusable("this system has no sockets of files".into())),
            };
            // Each command has a time limit of its own here.
            let config = AsyncConnectionConfig::new().set_response_timeout(None);
            let (commands, driver) = MultiplexedConnection::new_with_config(&info, stream, config).await?;
            // It ends with the last clone of the connection.
            tokio::spawn(driver);
            let load = async |script| {
                cmd("SCRIPT").arg("LOAD").arg(script).query_async::<String>(&mut commands.clone()).await
            };
            let reserve = load(include_str!("reserve.lua")).await?;
            let settle = load(include_str!("settle.lua")).await?;
            let (marker, probe) = (format!("{prefix}:generation"), format!("{prefix}:probe"));
            Ok(Self { commands, reserve, settle, marker, probe })
        });
        opened.await.unwrap_or_else(|_| Err(Unusable("it did not answer in time".to_owned())))
    }

    async fn run<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Unusable> {
        let mut commands = self.commands.clone();
        match timeout_at(later(now(), PATIENCE), command.query_async(&mut commands)).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(Unusable("it did not answer in time".to_owned())),
        }
    }

    /// What Valkey says of itself; it is written to as well.
    pub(super) async fn look(&self) -> Result<Seen, Unusable> {
        let mut look = cmd("EVAL");
        look.arg(include_str!("look.lua")).arg(2).arg(&self.marker).arg(&self.probe);
        let (info, marker, time): (String, String, i64) = self.run(&look).await?;
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned()).ok_or_else(|| Unusable(format!("INFO has no {name}")))
        };
        let process = format!("{}:{}", field("run_id")?, field("master_replid")?);
        Ok(Seen { marker, process, time, eviction: field("maxmemory_policy")? })
    }

    /// Writes another marker; whether the one that was seen was still there.
    pub(super) async fn mark(&self, seen: &str, next: &str) -> Result<bool, Unusable> {
        let mut mark = cmd("EVAL");
        mark.arg(include_str!("mark.lua")).arg(1).arg(&self.marker).arg(seen).arg(next);
        self.run(&mark).await
    }

    /// Reserves a failure under a name.
    pub(super) async fn reserve(
        &self,
        key: &str,
        generation: (&str, i64),
        window: Duration,
        share: u32,
        name: i64,
    ) -> Result<Granted, Unusable> {
        let window = window.min(LONGEST_WINDOW).as_millis().to_string();
        let mut reserve = cmd("EVALSHA");
        reserve.arg(&self.reserve).arg(2).arg(key).arg(&self.marker);
        reserve.arg(generation.0).arg(generation.1).arg(window).arg(share).arg(name);
        let (word, at, wait): (String, i64, i64) = self.run(&reserve).await?;
        match word.as_str() {
            "reserved" => Ok(Granted::Reserved),
            "full" => Ok(Granted::Full(at, u64::try_from(wait).ok().map(Duration::from_millis))),
            "lost" => Ok(Granted::Lost),
            _ => Err(Unusable("a script answered something else".to_owned())),
        }
    }

    /// Settles a reservation by its name.
    ///
    /// Without one, a right password clears what was wrong before a time.
    pub(super) async fn settle(
        &self,
        key: &str,
        entry: Result<i64, i64>,
        result: BudgetResult,
    ) -> Result<(), Unusable> {
        let (word, source) = match result {
            BudgetResult::Right(source) => ("right", source),
            BudgetResult::Wrong(source) => ("wrong", source),
            BudgetResult::Nothing => ("nothing", SourceHash::new(0)),
        };
        let (name, before) = match entry {
            Ok(name) => (name.to_string(), 0),
            Err(before) => (String::new(), before),
        };
        let mut settle = cmd("EVALSHA");
        settle.arg(&self.settle).arg(1).arg(key).arg(name).arg(word).arg(source.number()).arg(before);
        self.run(&settle).await
    }
}
