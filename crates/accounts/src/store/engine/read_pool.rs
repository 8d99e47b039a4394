//! The connections that only read a file of SQLite.
//!
//! A pool of sqlx tests a connection when it is returned. A connection to SQLite is
//! a thread of this process: that question takes as long as most others, and its answer is known.

use deadpool::Runtime;
use deadpool::managed::{Manager, Metrics, Object, Pool, PoolError, QueueMode, RecycleError, RecycleResult};
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions, Connection, Error, Sqlite, SqliteConnection};

use crate::domain::AccountsError;
use crate::store::engine::fault::{Result, fault};
use crate::store::settings::StoreSettings;

/// Connections that are opened when they are needed and stay.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ReadPool(Pool<Opener>);

impl ReadPool {
    /// Opens the first one, so that a file that cannot be read is reported at once.
    pub(super) async fn open(options: SqliteConnectOptions, settings: &StoreSettings) -> Result<Self> {
        let pool = Pool::builder(Opener(options))
            .max_size(usize::try_from(settings.connections()).unwrap_or(1))
            // What was asked last has the fullest cache.
            .queue_mode(QueueMode::Lifo)
            .wait_timeout(Some(settings.patience()))
            .create_timeout(Some(settings.patience()))
            .runtime(Runtime::Tokio1)
            .build();
        let readers = Self(pool.map_err(|_| AccountsError::unavailable("the store's driver failed"))?);
        drop(readers.0.get().await.map_err(not_lent)?);
        Ok(readers)
    }

    /// The first row, if there is one.
    pub(super) async fn row(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Option<SqliteRow>> {
        let mut reader = self.lend().await?;
        let row = query.fetch_optional(&mut reader.connection).await;
        reader.answered(row)
    }

    /// All rows.
    pub(super) async fn rows(&self, query: Query<'_, Sqlite, SqliteArguments>) -> Result<Vec<SqliteRow>> {
        let mut reader = self.lend().await?;
        let rows = query.fetch_all(&mut reader.connection).await;
        reader.answered(rows)
    }

    /// One of them, which is not lent again before it has answered.
    async fn lend(&self) -> Result<Object<Opener>> {
        let mut reader = self.0.get().await.map_err(not_lent)?;
        reader.is_busy = true;
        Ok(reader)
    }

    /// Closes idle connections, and hands out no others.
    pub(crate) async fn close(&self) {
        let idle = self.0.retain(|_, _| false).removed;
        self.0.close();
        for reader in idle {
            // Nothing can be lost: it only read.
            drop(reader.connection.close().await);
        }
    }

    #[cfg(test)]
    pub(super) fn open_now(&self) -> usize {
        self.0.status().size
    }
}

/// One connection.
#[derive(Debug)]
struct Reader {
    connection: SqliteConnection,
    /// Whether a caller asked and did not wait for the answer.
    is_busy: bool,
}

impl Reader {
    fn answered<T>(&mut self, answer: std::result::Result<T, Error>) -> Result<T> {
        self.is_busy = matches!(answer, Err(Error::WorkerCrashed));
        answer.map_err(fault)
    }
}

#[derive(Debug)]
struct Opener(SqliteConnectOptions);

impl Manager for Opener {
    type Type = Reader;
    type Error = Error;

    async fn create(&self) -> std::result::Result<Reader, Error> {
        Ok(Reader { connection: self.0.connect().await?, is_busy: false })
    }

    async fn recycle(&self, reader: &mut Reader, _: &Metrics) -> RecycleResult<Error> {
        // It may be busy for long with an answer that no caller waits for.
        if reader.is_busy { Err(RecycleError::message("left alone with a question")) } else { Ok(()) }
    }
}

fn not_lent(error: PoolError<Error>) -> AccountsError {
    match error {
        PoolError::Backend(error) => fault(error),
        PoolError::Timeout(_) => fault(Error::PoolTimedOut),
        PoolError::Closed => fault(Error::PoolClosed),
        PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
            AccountsError::unavailable("the store's driver failed")
        }
    }
}
