//! The database engines that an installation may use, queried for rows of text.

use futures_util::TryStreamExt;
use sqlx::mysql::{MySql, MySqlConnectOptions, MySqlConnection, MySqlSslMode};
use sqlx::postgres::{PgConnectOptions, PgConnection, Postgres};
use sqlx::sqlite::{Sqlite, SqliteConnectOptions, SqliteConnection};
use sqlx::{
    AssertSqlSafe, ColumnIndex, ConnectOptions, Database, Decode, Encode, Executor, IntoArguments, Row, Type,
};

use super::location::{Host, SourceLocation};
use crate::exit::CliError;

/// A row of text.
pub(super) type Cells = Vec<Option<String>>;

/// How many rows are handed on at a time.
const BATCH: usize = 200;

/// Takes the rows of a table as they come.
pub(super) trait RowSink {
    async fn take(&mut self, rows: Vec<Cells>) -> Result<(), CliError>;
}

/// An open connection that cannot write.
#[derive(Debug)]
pub(super) struct Engine {
    connection: Connection,
    /// How many statements were sent.
    queries: u64,
}

#[derive(Debug)]
enum Connection {
    Mysql(MySqlConnection),
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

impl Engine {
    /// Opens the database of an installation.
    pub(super) async fn open(place: &SourceLocation) -> Result<Self, CliError> {
        let connection = Connection::open(place).await?;
        Ok(Self { connection, queries: 0 })
    }

    /// For tests: a database that is open.
    #[cfg(test)]
    pub(super) const fn of_sqlite(connection: SqliteConnection) -> Self {
        Self { connection: Connection::Sqlite(connection), queries: 0 }
    }

    /// How many statements were sent to the database.
    #[cfg(test)]
    pub(super) const fn queries(&self) -> u64 {
        self.queries
    }
}

impl Connection {
    async fn open(place: &SourceLocation) -> Result<Self, CliError> {
        match place.text("dbtype")?.as_deref().unwrap_or("sqlite3") {
            "sqlite" | "sqlite3" => {
                let path = place.sqlite()?;
                let options = SqliteConnectOptions::new().filename(&path).read_only(true);
                let opened = options.connect().await.map(Self::Sqlite);
                opened.map_err(|error| unreadable(&error).about(&path.display().to_string()))
            }
            "pgsql" => postgres(place)?.connect().await.map(Self::Postgres).map_err(|error| closed(&error)),
            "mysql" => {
                let mut connection = mysql(place)?.connect().await.map_err(|error| closed(&error))?;
                let readonly = connection.execute("SET SESSION TRANSACTION READ ONLY").await;
                readonly.map_err(|error| unreadable(&error))?;
                Ok(Self::Mysql(connection))
            }
            other => {
                let found = format!("the database {other:?}");
                Err(place.wrong("dbtype", &found, "sqlite3, pgsql or mysql"))
            }
        }
    }
}

impl Engine {
    /// The columns of a table; none when there is no such table.
    pub(super) async fn columns(&mut self, table: &str) -> Result<Vec<String>, CliError> {
        let query = match self.connection {
            Connection::Mysql(_) => {
                "SELECT column_name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = $1"
            }
            Connection::Postgres(_) => {
                "SELECT attname::text FROM pg_attribute \
                 WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped"
            }
            Connection::Sqlite(_) => "SELECT name FROM pragma_table_info($1)",
        };
        Ok(self.rows(query, &[table]).await?.into_iter().flatten().flatten().collect())
    }

    /// A column, or null where it holds no text: SQLite stores any type in any column.
    pub(super) fn as_text(&self, column: &str) -> String {
        match self.connection {
            Connection::Sqlite(_) => {
                format!("CASE WHEN typeof({column}) = 'blob' THEN NULL ELSE {column} END")
            }
            Connection::Mysql(_) | Connection::Postgres(_) => column.to_owned(),
        }
    }

    fn count(&mut self) {
        self.queries += 1;
        tracing::trace!(number = self.queries, "asking the source");
    }

    /// Asks.
    ///
    /// `$1` stands for the first value, and so on in their order; every column is text.
    pub(super) async fn rows(&mut self, query: &str, values: &[&str]) -> Result<Vec<Cells>, CliError> {
        self.count();
        let rows = match &mut self.connection {
            Connection::Mysql(connection) => {
                let numbered = (1..=values.len()).map(|number| format!("${number}"));
                let query = numbered.fold(query.to_owned(), |query, name| query.replace(&name, "?"));
                fetch::<MySql>(connection, query, values).await
            }
            Connection::Postgres(connection) => fetch::<Postgres>(connection, query.to_owned(), values).await,
            Connection::Sqlite(connection) => fetch::<Sqlite>(connection, query.to_owned(), values).await,
        };
        rows.map_err(|error| unreadable(&error))
    }

    /// Asks, and hands the rows on as they come.
    ///
    /// The inner error is the source's; what came before it has been handed on.
    pub(super) async fn rows_to(
        &mut self,
        query: String,
        to: &mut impl RowSink,
    ) -> Result<Result<(), sqlx::Error>, CliError> {
        self.count();
        match &mut self.connection {
            Connection::Mysql(connection) => stream::<MySql>(connection, query, to).await,
            Connection::Postgres(connection) => stream::<Postgres>(connection, query, to).await,
            Connection::Sqlite(connection) => stream::<Sqlite>(connection, query, to).await,
        }
    }
}

/// Fetches rows without relying on column types.
///
/// What one version keeps as text is bytes or a number to another.
pub(super) async fn fetch<DB>(
    connection: &mut DB::Connection,
    query: String,
    values: &[&str],
) -> Result<Vec<Cells>, sqlx::Error>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> Option<String>: Decode<'v, DB>,
    for<'v> String: Encode<'v, DB> + Type<DB>,
    for<'v> Option<Vec<u8>>: Decode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let query = values
        .iter()
        .fold(sqlx::query::<DB>(AssertSqlSafe(query)), |query, value| query.bind((*value).to_owned()));
    let rows = query.fetch_all(connection).await?;
    rows.iter().map(cells::<DB>).collect()
}

async fn stream<DB>(
    connection: &mut DB::Connection,
    query: String,
    to: &mut impl RowSink,
) -> Result<Result<(), sqlx::Error>, CliError>
where
    DB: Database,
    DB::Arguments: IntoArguments<DB>,
    for<'c> &'c mut DB::Connection: Executor<'c, Database = DB>,
    for<'v> Option<String>: Decode<'v, DB>,
    for<'v> Option<Vec<u8>>: Decode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    let mut found = sqlx::query::<DB>(AssertSqlSafe(query)).fetch(connection);
    let mut rows = Vec::new();
    let ended = loop {
        match found.try_next().await.and_then(|row| row.as_ref().map(cells::<DB>).transpose()) {
            Ok(Some(row)) => rows.push(row),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
        if rows.len() >= BATCH {
            to.take(std::mem::take(&mut rows)).await?;
        }
    };
    to.take(rows).await?;
    Ok(ended)
}

fn cells<DB>(row: &DB::Row) -> Result<Cells, sqlx::Error>
where
    DB: Database,
    for<'v> Option<String>: Decode<'v, DB>,
    for<'v> Option<Vec<u8>>: Decode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    (0..row.len()).map(|at| text::<DB>(row, at)).collect()
}

/// A cell as text.
///
/// What is not UTF-8 is marked with `U+FFFD`: one such row must not keep all others from being
/// read.
fn text<DB>(row: &DB::Row, at: usize) -> Result<Option<String>, sqlx::Error>
where
    DB: Database,
    for<'v> Option<String>: Decode<'v, DB>,
    for<'v> Option<Vec<u8>>: Decode<'v, DB>,
    usize: ColumnIndex<DB::Row>,
{
    row.try_get_unchecked(at).or_else(|_| {
        let bytes: Option<Vec<u8>> = row.try_get_unchecked(at)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    })
}

fn postgres(place: &SourceLocation) -> Result<PgConnectOptions, CliError> {
    let mut options =
        PgConnectOptions::new_without_pgpass().options([("default_transaction_read_only", "on")]);
    options = match place.host()? {
        Some(Host::Tcp { name, port }) => options.host(&name).port(port.unwrap_or(5432)),
        Some(Host::Socket(path)) => options.socket(path),
        None => options,
    };
    if let Some(name) = place.text("dbname")? {
        options = options.database(&name);
    }
    if let Some(user) = place.text("dbuser")? {
        options = options.username(&user);
    }
    if let Some(password) = place.text("dbpassword")? {
        options = options.password(&password);
    }
    Ok(options)
}

fn mysql(place: &SourceLocation) -> Result<MySqlConnectOptions, CliError> {
    let mut options = MySqlConnectOptions::new();
    options = match Host::of_mysql(place.host()?) {
        Host::Tcp { name, port } => options.host(&name).port(port.unwrap_or(3306)),
        Host::Socket(path) => options.socket(path),
    };
    if let Some(name) = place.text("dbname")? {
        options = options.database(&name);
    }
    if let Some(user) = place.text("dbuser")? {
        options = options.username(&user);
    }
    if let Some(password) = place.text("dbpassword")? {
        options = options.password(&password);
    }
    let tls = place.tls();
    if let Some(ca) = &tls.ca {
        let mode = if tls.verify { MySqlSslMode::VerifyIdentity } else { MySqlSslMode::Required };
        options = options.ssl_ca(ca).ssl_mode(mode);
    }
    if let (Some(certificate), Some(key)) = (tls.certificate, tls.key) {
        options = options.ssl_client_cert(certificate).ssl_client_key(key);
        if tls.ca.is_none() {
            options = options.ssl_mode(MySqlSslMode::Required);
        }
    }
    Ok(options)
}

/// A server that refuses our credentials: retrying does not help.
fn closed(error: &sqlx::Error) -> CliError {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code).unwrap_or_default();
    // What TLS has to say about a certificate comes as this.
    let odd = |error: &std::io::Error| error.kind() == std::io::ErrorKind::InvalidData;
    let why = match (&*code, error) {
        ("28000" | "28P01", _) => "the server takes another dbuser or dbpassword",
        ("3D000" | "42000", _) => "there is no database of that dbname for this dbuser",
        (_, sqlx::Error::Tls(_)) => "an encrypted connection is not possible",
        (_, sqlx::Error::Io(error)) if odd(error) => {
            "its certificate is not one for this host that the CA vouches for"
        }
        _ => return unreadable(error),
    };
    CliError::new(format!("the database to import from: {why}"))
}

/// Without the server's own words: they can hold values.
pub(super) fn unreadable(error: &sqlx::Error) -> CliError {
    let why = match error {
        sqlx::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            let code: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
            format!("the database refuses (code {code})")
        }
        _ => "the database cannot be read".to_owned(),
    };
    CliError::unavailable(format!("the database to import from: {why}"))
}
