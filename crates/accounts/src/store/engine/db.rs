//! The open database and its transactions, whichever engine it is.
//!
//! SQLite gets one connection that writes and several that only read. Within a process, writers
//! therefore queue instead of colliding; between processes `BEGIN IMMEDIATE` and the busy time-out
//! do the same. Every write is a transaction, and what is dropped before its commit is rolled back.

use sqlx::{PgPool, Postgres, SqlSafeStr, Sqlite, SqlitePool, Transaction};

use crate::store::engine::commits::Commits;
use crate::store::engine::fault::{Result, fault};
use crate::store::engine::query::{Query, Row, SqlDialect, Value};
use crate::store::engine::read_pool::ReadPool;

/// The open store.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    Sqlite { read: ReadPool, write: SqlitePool, commits: Commits },
    Postgres(PgPool),
}

/// Runs `$body` on whichever engine, with `$query` bound for it.
macro_rules! bound {
    ($sqlx:ident, $kind:expr, $query:expr) => {{
        let (text, values, keep) = $query.into_parts($kind);
        let mut statement = sqlx::query::<$sqlx>(text).persistent(keep);
        for value in values {
            statement = match value {
                Value::Bool(value) => statement.bind(value),
                Value::Bytes(value) => statement.bind(value),
                Value::Int(value) => statement.bind(value),
                Value::Text(value) => statement.bind(value),
            };
        }
        statement
    }};
}

impl Db {
    pub(crate) const fn kind(&self) -> SqlDialect {
        match self {
            Self::Sqlite { .. } => SqlDialect::Sqlite,
            Self::Postgres(_) => SqlDialect::Postgres,
        }
    }

    /// A number that changes with every commit, where it costs next to nothing to ask for it.
    ///
    /// See [`Commits::version`]. On PostgreSQL it would be a question like any other: `None`.
    pub(crate) fn version(&self) -> Option<i64> {
        match self {
            Self::Sqlite { commits, .. } => commits.version(),
            Self::Postgres(_) => None,
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn row(&self, query: Query) -> Result<Option<Row>> {
        match self {
            Self::Sqlite { read, .. } => {
                Ok(read.row(bound!(Sqlite, SqlDialect::Sqlite, query)).await?.map(Row::Sqlite))
            }
            Self::Postgres(pool) => {
                let row = bound!(Postgres, SqlDialect::Postgres, query).fetch_optional(pool).await;
                Ok(row.map_err(fault)?.map(Row::Postgres))
            }
        }
    }

    /// All rows.
    pub(crate) async fn rows(&self, query: Query) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite { read, .. } => {
                let rows = read.rows(bound!(Sqlite, SqlDialect::Sqlite, query)).await?;
                Ok(rows.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(pool) => {
                let rows =
                    bound!(Postgres, SqlDialect::Postgres, query).fetch_all(pool).await.map_err(fault)?;
                Ok(rows.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Begins to write.
    ///
    /// Without [`Tx::commit`], nothing happened.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        match self {
            Self::Sqlite { write, .. } => {
                write.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite).map_err(fault)
            }
            Self::Postgres(pool) => pool.begin().await.map(Tx::Postgres).map_err(fault),
        }
    }

    /// Closes all connections; on SQLite the write-ahead log is folded into the file.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite { read, write, commits } => {
                // First: only one that writes folds the log when it closes as the last.
                commits.close();
                read.close().await;
                write.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// A transaction that writes.
///
/// Dropping it rolls it back.
pub(crate) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Tx {
    pub(crate) const fn kind(&self) -> SqlDialect {
        match self {
            Self::Sqlite(_) => SqlDialect::Sqlite,
            Self::Postgres(_) => SqlDialect::Postgres,
        }
    }

    /// Runs a statement and returns how many rows it touched.
    pub(crate) async fn execute(&mut self, query: Query) -> Result<u64> {
        match self {
            Self::Sqlite(tx) => {
                let done = bound!(Sqlite, SqlDialect::Sqlite, query).execute(&mut **tx).await;
                Ok(done.map_err(fault)?.rows_affected())
            }
            Self::Postgres(tx) => {
                let done = bound!(Postgres, SqlDialect::Postgres, query).execute(&mut **tx).await;
                Ok(done.map_err(fault)?.rows_affected())
            }
        }
    }

    /// The first row, if there is one.
    pub(crate) async fn row(&mut self, query: Query) -> Result<Option<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let row = bound!(Sqlite, SqlDialect::Sqlite, query).fetch_optional(&mut **tx).await;
                Ok(row.map_err(fault)?.map(Row::Sqlite))
            }
            Self::Postgres(tx) => {
                let row = bound!(Postgres, SqlDialect::Postgres, query).fetch_optional(&mut **tx).await;
                Ok(row.map_err(fault)?.map(Row::Postgres))
            }
        }
    }

    /// All rows.
    pub(crate) async fn rows(&mut self, query: Query) -> Result<Vec<Row>> {
        match self {
            Self::Sqlite(tx) => {
                let rows = bound!(Sqlite, SqlDialect::Sqlite, query).fetch_all(&mut **tx).await;
                Ok(rows.map_err(fault)?.into_iter().map(Row::Sqlite).collect())
            }
            Self::Postgres(tx) => {
                let rows = bound!(Postgres, SqlDialect::Postgres, query).fetch_all(&mut **tx).await;
                Ok(rows.map_err(fault)?.into_iter().map(Row::Postgres).collect())
            }
        }
    }

    /// Runs several statements of a migration.
    pub(crate) async fn script(&mut self, text: &'static str) -> Result<()> {
        let text = text.into_sql_str();
        let done = match self {
            Self::Sqlite(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
            Self::Postgres(tx) => sqlx::raw_sql(text).execute(&mut **tx).await.map(drop),
        };
        done.map_err(fault)
    }

    /// Makes it last.
    ///
    /// After an `Ok` the change survives the end of the process and of the machine.
    ///
    /// An error after the connection broke leaves open whether it was committed; it never is by
    /// half.
    pub(crate) async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await.map_err(fault),
            Self::Postgres(tx) => tx.commit().await.map_err(fault),
        }
    }
}
