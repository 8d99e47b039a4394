//! Location and settings of the store.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::PgConnectOptions;

use crate::domain::{AccountsError, Clock};

/// Location of the store: a file (SQLite) or a server (PostgreSQL).
///
/// ```
/// use accounts::StoreSettings;
///
/// let file = StoreSettings::sqlite("/var/lib/user-backend/accounts.db");
/// assert_eq!(StoreSettings::parse("sqlite:/var/lib/user-backend/accounts.db")?.to_string(), file.to_string());
/// assert!(StoreSettings::parse("mysql://localhost/accounts").is_err());
/// # Ok::<(), accounts::AccountsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct StoreSettings {
    engine: Engine,
    connections: u32,
    patience: Duration,
    page_limit: Option<u32>,
    read_cache: u32,
    clock: Clock,
}

/// What a connection that reads keeps of the SQLite file, in KiB.
const READ_CACHE: u32 = 4096;

/// The same where there is one such connection.
///
/// Enough for the inner pages of a million users.
const SMALL_READ_CACHE: u32 = 1024;

#[derive(Clone)]
pub(crate) enum Engine {
    Sqlite(PathBuf),
    Postgres(Box<PgConnectOptions>),
}

impl StoreSettings {
    /// A file.
    ///
    /// It is created with access for its owner only, if it is missing.
    pub fn sqlite(path: impl Into<PathBuf>) -> Self {
        Self::new(Engine::Sqlite(path.into()))
    }

    /// Parses `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    ///
    /// PostgreSQL also takes `?host=/run/postgresql` for a socket and
    /// `?sslmode=verify-full&sslrootcert=FILE` for TLS.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is neither; the text is not repeated there, it may hold a
    /// password.
    pub fn parse(url: &str) -> Result<Self, AccountsError> {
        const EXPECTED: &str = "`sqlite:PATH` or `postgres://USER@HOST/DATABASE`";
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() || path.contains(['?', '\0']) {
                return Err(AccountsError::invalid("store", "a path that cannot be one", EXPECTED));
            }
            return Ok(Self::sqlite(path));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)
                .map_err(|_| AccountsError::invalid("store", "an address that cannot be read", EXPECTED))?;
            return Ok(Self::new(Engine::Postgres(Box::new(options))));
        }
        Err(AccountsError::invalid("store", "another kind of address", EXPECTED))
    }

    fn new(engine: Engine) -> Self {
        let patience = Duration::from_secs(5);
        Self {
            engine,
            connections: 4,
            patience,
            page_limit: None,
            read_cache: READ_CACHE,
            clock: Clock::system(),
        }
    }

    /// How many connections read at the same time (SQLite) or are open at most (PostgreSQL).
    ///
    /// Default 4, at least 1.
    #[must_use]
    pub const fn with_connections(mut self, connections: u32) -> Self {
        self.connections = if connections == 0 { 1 } else { connections };
        self
    }

    /// For a program that asks one thing after the other and ends.
    ///
    /// A SQLite file is then read over one connection that keeps 1 MiB of it instead of 4: a
    /// connection goes back to the others a moment after its answer, so that even a single reader
    /// goes through all of them, and each fills its cache. With PostgreSQL nothing changes.
    #[must_use]
    pub const fn single_reader(mut self) -> Self {
        if matches!(self.engine, Engine::Sqlite(_)) {
            self.connections = 1;
            self.read_cache = SMALL_READ_CACHE;
        }
        self
    }

    /// How long a call waits for a connection, or for another process to finish writing.
    ///
    /// Default 5 seconds.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Lets the SQLite file grow to this many pages of 4 KiB and no further.
    #[must_use]
    pub const fn with_sqlite_page_limit(mut self, pages: u32) -> Self {
        self.page_limit = Some(pages);
        self
    }

    /// Takes the time from this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// The SQLite file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match &self.engine {
            Engine::Sqlite(path) => Some(path),
            Engine::Postgres(_) => None,
        }
    }

    pub(crate) const fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(crate) const fn connections(&self) -> u32 {
        self.connections
    }

    pub(crate) const fn patience(&self) -> Duration {
        self.patience
    }

    pub(crate) const fn sqlite_page_limit(&self) -> Option<u32> {
        self.page_limit
    }

    /// In KiB.
    pub(crate) const fn sqlite_read_cache(&self) -> u32 {
        self.read_cache
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }
}

impl FromStr for StoreSettings {
    type Err = AccountsError;

    fn from_str(url: &str) -> Result<Self, AccountsError> {
        Self::parse(url)
    }
}

/// Without user and password.
impl fmt::Display for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.engine.fmt(f)
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(options) => {
                let database = options.get_database().unwrap_or_default();
                write!(f, "postgres://{}:{}/{database}", options.get_host(), options.get_port())
            }
        }
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
