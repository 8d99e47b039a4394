//! Stores with many users on either engine, made by the database itself.
//!
//! A million rows take the API hours and the database minutes. Each user has what [`people`] gives
//! one, and a place in the group `everyone`; one in a hundred is disabled.

use std::path::Path;

use accounts::{Accounts, GroupId, StoreSettings};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};

use crate::{Outcome, people};

/// The variable with the address of a PostgreSQL server.
const POSTGRES: &str = "ACCOUNTS_POSTGRES";

/// The group of all users.
pub(crate) const EVERYONE: &str = "everyone";

/// A filled store.
#[derive(Debug)]
pub(crate) struct LargeStore {
    url: String,
    is_sqlite: bool,
}

impl LargeStore {
    /// Fills a SQLite file.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn sqlite(folder: &Path, users: usize) -> Outcome<Self> {
        let path = folder.join(format!("large-{users}.db"));
        let store = Self { url: format!("sqlite:{}", path.display()), is_sqlite: true };
        store.fill(users)?;
        Ok(store)
    }

    /// Fills a new database of the PostgreSQL server; `None` if there is no server.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn postgres(name: &str, users: usize) -> Outcome<Option<Self>> {
        let Some(store) = Self::empty_postgres(name)? else { return Ok(None) };
        store.fill(users)?;
        Ok(Some(store))
    }

    /// A new database of the PostgreSQL server; `None` if there is no server.
    ///
    /// # Errors
    /// It cannot be made.
    pub(crate) fn empty_postgres(name: &str) -> Outcome<Option<Self>> {
        let Ok(server) = std::env::var(POSTGRES) else { return Ok(None) };
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').ok_or("no database in ACCOUNTS_POSTGRES")?;
        block_on(async {
            let mut admin = PgConnection::connect(&server).await?;
            admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await?;
            Ok(())
        })?;
        Ok(Some(Self { url: format!("{base}/{name}?{query}"), is_sqlite: false }))
    }

    /// The address, as the server reads it.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Mebibytes on the disk.
    ///
    /// # Errors
    /// They cannot be read.
    pub(crate) fn size(&self) -> Outcome<f64> {
        let bytes = match self.url.strip_prefix("sqlite:") {
            Some(path) => std::fs::metadata(path)?.len() as f64,
            None => block_on(async {
                let mut connection = PgConnection::connect(&self.url).await?;
                let query = "SELECT pg_database_size(current_database())::float8";
                Ok(sqlx::query(query).fetch_one(&mut connection).await?.try_get::<f64, _>(0)?)
            })?,
        };
        Ok(bytes / 1_048_576.0)
    }

    fn fill(&self, users: usize) -> Outcome {
        block_on(async {
            let accounts = Accounts::open(&StoreSettings::parse(&self.url)?).await?.as_system();
            people::create_callers(&accounts).await?;
            accounts.groups().create(&GroupId::parse(EVERYONE)?, None).await?;
            accounts.close().await;
            if self.is_sqlite { self.fill_sqlite(users).await } else { self.fill_postgres(users).await }
        })
    }

    async fn fill_sqlite(&self, users: usize) -> Outcome {
        let path = self.url.strip_prefix("sqlite:").unwrap_or_default();
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
        let mut connection = SqliteConnection::connect_with(&options).await?;
        connection.execute("PRAGMA cache_size = -200000").await?;
        let mut tx = connection.begin().await?;
        let words = [
            (
                "$numbers",
                "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < $last) SELECT i FROM n",
            ),
            ("$five", "printf('%05d', i)"),
            ("$three", "printf('%03d', i % 1000)"),
            ("$two", "printf('%02d', i % 100)"),
            ("$newline", "char(10)"),
        ];
        for statement in statements(&words, users) {
            tx.execute(AssertSqlSafe(statement)).await?;
        }
        tx.commit().await?;
        connection.execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").await?;
        Ok(connection.close().await?)
    }

    async fn fill_postgres(&self, users: usize) -> Outcome {
        let mut connection = PgConnection::connect(&self.url).await?;
        connection.execute("SET maintenance_work_mem = '256MB'").await?;
        // An index of pieces is made in a tenth of the time when the rows are there.
        let found =
            "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'users' AND indexdef LIKE '%gin%'";
        let indexes = sqlx::query(found).fetch_all(&mut connection).await?;
        for index in &indexes {
            connection
                .execute(AssertSqlSafe(format!("DROP INDEX {}", index.try_get::<String, _>(0)?)))
                .await?;
        }
        let words = [
            ("$numbers", "SELECT generate_series(0, $last) AS i"),
            ("$five", "CASE WHEN i < 100000 THEN lpad(i::text, 5, '0') ELSE i::text END"),
            ("$three", "lpad((i % 1000)::text, 3, '0')"),
            ("$two", "lpad((i % 100)::text, 2, '0')"),
            ("$newline", "chr(10)"),
        ];
        for statement in statements(&words, users) {
            connection.execute(AssertSqlSafe(statement)).await?;
        }
        for index in &indexes {
            connection.execute(AssertSqlSafe(index.try_get::<String, _>(1)?)).await?;
        }
        connection.execute("VACUUM ANALYZE").await?;
        Ok(connection.close().await?)
    }
}

/// Runs something to its end.
///
/// # Errors
/// Its own.
pub(crate) fn block_on<T>(work: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// The statements that fill a store, with the words of an engine in place of those with `$`.
fn statements(words: &[(&str, &str)], users: usize) -> impl Iterator<Item = String> {
    let last = users.saturating_sub(1).to_string();
    templates().into_iter().map(move |template| {
        let statement = words.iter().fold(template, |text, (word, engine)| text.replace(word, engine));
        statement.replace("$last", &last)
    })
}

fn templates() -> Vec<String> {
    let names = people::LAST.iter().enumerate();
    let names = names.map(|(n, name)| format!("({n}, '{name}')")).collect::<Vec<_>>().join(", ");
    vec![
        "CREATE TEMP TABLE numbers AS $numbers".to_owned(),
        "CREATE TEMP TABLE last_names (n INTEGER, last_name TEXT)".to_owned(),
        format!("INSERT INTO last_names VALUES {names}"),
        "INSERT INTO groups (id, search) SELECT 'group' || $three, 'group' || $three FROM numbers WHERE i < 1000"
            .to_owned(),
        // Every hundredth user is in class k07, one in fifty is called Smith, and all have an address.
        "INSERT INTO users (name, id, backend, enabled, display_name, email, search, created_at, first_login, last_login) \
         SELECT name, name, 'local', i % 100 <> 42, 'Person ' || title, name || '@example.com', \
         name || $newline || 'person ' || title || $newline || name || '@example.com', 0, 1700000000000, 1700000000000 + 1000 * CAST(i AS BIGINT) \
         FROM (SELECT i, 'user' || $five AS name, i || ' ' || last_name || ' k' || $two AS title \
         FROM numbers JOIN last_names ON last_names.n = i % 50) AS people ORDER BY i"
            .to_owned(),
        "INSERT INTO pins (name, backend, since) SELECT name, 'local', 0 FROM users WHERE name LIKE 'user%'".to_owned(),
        "INSERT INTO passwords (user_key, hash, changed_at) SELECT key, (SELECT hash FROM passwords LIMIT 1), 0 \
         FROM users WHERE name LIKE 'user%'"
            .to_owned(),
        "INSERT INTO profile (user_key, field, position, value, scope) SELECT key, 'phone', 0, '+4971125242890', \
         'v2-local' FROM users WHERE name LIKE 'user%'"
            .to_owned(),
        "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key FROM users \
         JOIN groups ON groups.id = 'everyone' WHERE users.name LIKE 'user%'"
            .to_owned(),
        "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key \
         FROM (SELECT i, 'user' || $five AS name, 'group' || $three AS id FROM numbers) AS people \
         JOIN users ON users.name = people.name JOIN groups ON groups.id = people.id"
            .to_owned(),
        "INSERT INTO audit (at, actor, origin, action, target, detail) \
         SELECT 1700000000000 + i, 'occ', NULL, 'user.created', 'user' || $five, 'local' FROM numbers"
            .to_owned(),
    ]
}
