//! A database of a test's own on the servers that `cargo xtask test` starts.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::mysql::MySqlConnectOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

/// An empty database; it goes when this is dropped.
pub(crate) struct Database {
    pub(crate) name: String,
    pub(crate) server: DatabaseServer,
    runtime: tokio::runtime::Handle,
}

/// Where it is.
#[derive(Clone)]
pub(crate) enum DatabaseServer {
    Postgres(PgConnectOptions, String),
    Mysql(MySqlConnectOptions),
}

/// The address of a server in the environment; `None` with a message without one.
fn address(variable: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        assert!(std::env::var_os("RIG_REQUIRED").is_none(), "{variable} is not set");
        eprintln!("skipped: no {variable}");
    }
    found
}

impl DatabaseServer {
    pub(crate) fn postgres() -> Option<Self> {
        let address = address("ACCOUNTS_POSTGRES")?;
        Some(Self::Postgres(address.parse().unwrap(), address))
    }

    pub(crate) fn mysql() -> Option<Self> {
        Some(Self::Mysql(address("IMPORT_MYSQL")?.parse().unwrap()))
    }

    /// Runs statements in a database, or beside all of them.
    pub(crate) async fn run(&self, database: Option<&str>, statements: &str) {
        let statements = AssertSqlSafe(statements.to_owned());
        match self {
            Self::Postgres(options, _) => {
                let options = database.map_or_else(|| options.clone(), |name| options.clone().database(name));
                options.connect().await.unwrap().execute(statements).await.map(drop).unwrap();
            }
            Self::Mysql(options) => {
                let options = database.map_or_else(|| options.clone(), |name| options.clone().database(name));
                options.connect().await.unwrap().execute(statements).await.map(drop).unwrap();
            }
        }
    }
}

impl Database {
    pub(crate) fn new(server: DatabaseServer, runtime: &tokio::runtime::Runtime) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("occ_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let kind = match server {
            DatabaseServer::Postgres(..) => "TEMPLATE template0",
            DatabaseServer::Mysql(_) => "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        };
        runtime.block_on(server.run(None, &format!("CREATE DATABASE {name} {kind}")));
        Self { name, server, runtime: runtime.handle().clone() }
    }

    /// What `[store] url` takes.
    pub(crate) fn url(&self) -> String {
        let DatabaseServer::Postgres(_, address) = &self.server else { panic!("no store can be there") };
        let (base, query) = address.split_once('?').unwrap_or((address, ""));
        let (base, _) = base.rsplit_once('/').unwrap();
        format!("{base}/{}?{query}", self.name)
    }

    pub(crate) fn run(&self, statements: &str) {
        self.runtime.block_on(self.server.run(Some(&self.name), statements));
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let force = if matches!(self.server, DatabaseServer::Postgres(..)) { " WITH (FORCE)" } else { "" };
        self.runtime.block_on(self.server.run(None, &format!("DROP DATABASE {}{force}", self.name)));
    }
}
