//! The database of a test: a fresh file, or a fresh database of the server.

use std::env;
use std::time::Duration;

use accounts::{Accounts, ActingAccounts, Clock, GroupId, StoreSettings, Timestamp, UserId};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use tempfile::TempDir;

/// Writes a test for each engine: `on_both! { async fn name(place) { .. } }`.
macro_rules! on_both {
    ($($(#[$doc:meta])* async fn $name:ident($db:ident) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every story needs all of it")]
            use super::*;

            async fn story($db: &$crate::test_db::TestDb) $body

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                story(&$crate::test_db::TestDb::sqlite()).await;
            }

            $(#[$doc])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                let Some(db) = $crate::test_db::TestDb::postgres().await else { return };
                story(&db).await;
                db.remove().await;
            }
        })*
    };
}
pub(crate) use on_both;

/// An empty store of a test's own.
pub(crate) struct TestDb {
    pub(crate) settings: StoreSettings,
    pub(crate) clock: Clock,
    folder: Option<TempDir>,
    database: Option<(String, String)>,
}

impl TestDb {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings::sqlite(folder.path().join("accounts.db"));
        Self::new(settings, Some(folder), None)
    }

    /// `None` with a message, without a server.
    pub(crate) async fn postgres() -> Option<Self> {
        let Ok(server) = env::var("ACCOUNTS_POSTGRES") else {
            assert!(env::var_os("RIG_REQUIRED").is_none(), "ACCOUNTS_POSTGRES is not set");
            eprintln!("skipped: no ACCOUNTS_POSTGRES");
            return None;
        };
        let name = format!("t{}", unique());
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
        let settings = StoreSettings::parse(&address(&server, &name)).unwrap();
        Some(Self::new(settings, None, Some((server, name))))
    }

    fn new(settings: StoreSettings, folder: Option<TempDir>, database: Option<(String, String)>) -> Self {
        let clock = Clock::manual(Timestamp::from_millis(1_700_000_000_000));
        // Longer than the default: a build beside the tests can keep a disk busy for seconds.
        let settings = settings.with_clock(clock.clone()).with_patience(Duration::from_secs(60));
        Self { settings, clock, folder, database }
    }

    /// The folder of the file.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) fn is_sqlite(&self) -> bool {
        self.database.is_none()
    }

    pub(crate) async fn open(&self) -> ActingAccounts {
        Accounts::open(&self.settings).await.unwrap().as_system()
    }

    /// Makes the store as the program of that schema left it, with these local users.
    ///
    /// Name and address.
    pub(crate) async fn of_schema(&self, version: usize, users: &[(&str, Option<&str>)]) {
        if let Some(path) = self.settings.path() {
            std::fs::write(path, b"").unwrap();
            self.raw("PRAGMA application_id = 0x75737262").await.unwrap();
        }
        self.raw("CREATE TABLE accounts_schema (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)")
            .await
            .unwrap();
        for (number, [sqlite, postgres]) in (1..).zip(STEPS).take(version) {
            self.raw(if self.is_sqlite() { sqlite } else { postgres }).await.unwrap();
            let note = format!("INSERT INTO accounts_schema (version, at) VALUES ({number}, 1)");
            self.raw(&note).await.unwrap();
        }
        for (name, email) in users {
            let email = email.map_or_else(|| "NULL".to_owned(), |email| format!("'{email}'"));
            let enabled = if self.is_sqlite() { "1" } else { "TRUE" };
            let insert = format!(
                "INSERT INTO users (name, id, backend, enabled, email, search, created_at) \
                 VALUES ('{name}', '{name}', 'local', {enabled}, {email}, '{name}', 1)"
            );
            self.raw(&insert).await.unwrap();
        }
    }

    /// Removes everything that the store has.
    pub(crate) async fn clear(&self) {
        if self.database.is_some() {
            self.raw("DROP SCHEMA public CASCADE").await.unwrap();
            self.raw("CREATE SCHEMA public").await.unwrap();
        } else {
            for file in std::fs::read_dir(self.folder()).unwrap() {
                match std::fs::remove_file(file.unwrap().path()) {
                    // The last connection removes two of them when it closes.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                    removed => removed.unwrap(),
                }
            }
        }
    }

    /// Runs a statement directly in the database.
    pub(crate) async fn raw(&self, statement: &str) -> Result<(), sqlx::Error> {
        let statement = AssertSqlSafe(statement.to_owned());
        if self.database.is_some() {
            return self.connect().await.execute(statement).await.map(drop);
        }
        let path = self.settings.path().unwrap();
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(true);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        connection.execute(statement).await.map(drop)
    }

    /// The number that a query finds directly in the database.
    pub(crate) async fn number(&self, query: &str) -> i64 {
        let query = AssertSqlSafe(format!("SELECT CAST(({query}) AS BIGINT)"));
        if self.database.is_some() {
            return self.connect().await.fetch_one(query).await.unwrap().get(0);
        }
        let options = SqliteConnectOptions::new().filename(self.settings.path().unwrap());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        connection.fetch_one(query).await.unwrap().get(0)
    }

    /// All rows of a table, in the order of these columns.
    pub(crate) async fn rows(&self, table: &str, order: &str) -> Vec<String> {
        if self.database.is_some() {
            let query =
                format!("SELECT row_to_json(t)::text FROM (SELECT * FROM {table} ORDER BY {order}) AS t");
            let rows = self.connect().await.fetch_all(AssertSqlSafe(query)).await.unwrap();
            return rows.iter().map(|row| row.get(0)).collect();
        }
        let options = SqliteConnectOptions::new().filename(self.settings.path().unwrap());
        let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
        let columns = format!(
            "SELECT group_concat(quote(name) || ', quote(' || name || ')') FROM pragma_table_info('{table}')"
        );
        let columns: String = connection.fetch_one(AssertSqlSafe(columns)).await.unwrap().get(0);
        let query = format!("SELECT json_object({columns}) FROM {table} ORDER BY {order}");
        let rows = connection.fetch_all(AssertSqlSafe(query)).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// What `StoreSettings::parse` takes.
    pub(crate) fn address(&self) -> String {
        match &self.database {
            Some((server, name)) => address(server, name),
            None => self.settings.to_string(),
        }
    }

    /// Waits until the server has noticed that a killed client is gone.
    pub(crate) async fn settle(&self) {
        if self.database.is_none() {
            return;
        }
        let mut other = self.connect().await;
        let others = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() \
                      AND application_name = 'user-backend'";
        while other.fetch_one(others).await.unwrap().get::<i64, _>(0) > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// A connection to the database of the server, beside those of the store.
    pub(crate) async fn connect(&self) -> PgConnection {
        let (server, name) = self.database.as_ref().unwrap();
        let options: sqlx::postgres::PgConnectOptions = server.parse().unwrap();
        PgConnection::connect_with(&options.database(name)).await.unwrap()
    }

    pub(crate) async fn remove(self) {
        if let Some((server, name)) = self.database {
            let mut admin = PgConnection::connect(&server).await.unwrap();
            admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
        }
    }
}

macro_rules! steps {
    ($($number:literal)*) => {
        [$([
            include_str!(concat!("../../src/store/schema/v", $number, "_sqlite.sql")),
            include_str!(concat!("../../src/store/schema/v", $number, "_postgres.sql")),
        ]),*]
    };
}

/// The steps of the schema, for SQLite and PostgreSQL.
pub(crate) const STEPS: [[&str; 2]; 17] = steps!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17);

fn address(server: &str, name: &str) -> String {
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let (base, _) = base.rsplit_once('/').unwrap();
    format!("{base}/{name}?{query}")
}

fn unique() -> String {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).unwrap();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::parse(id).unwrap()
}

pub(crate) fn group(id: &str) -> GroupId {
    GroupId::parse(id).unwrap()
}
