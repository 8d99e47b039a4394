//! The default engine: one file, nothing to set up, every commit on disk before it is acknowledged.

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

use super::{Db, Result, fault};
use crate::error::AccountsError;
use crate::settings::StoreSettings;

pub(super) async fn open(path: &Path, settings: &StoreSettings) -> Result<Db> {
    create_private(path)?;
    let mut options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(false)
        .journal_mode(SqliteJournalMode::Wal)
        // WAL with NORMAL would lose acknowledged commits in a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(settings.patience())
        .pragma("cache_size", "-4096")
        .pragma("temp_store", "memory")
        .statement_cache_capacity(256)
        .thread_name(|id| format!("accounts-{id}"));
    if let Some(pages) = settings.sqlite_page_limit() {
        options = options.pragma("max_page_count", pages.to_string());
    }
    // The writer comes first: it is the one that makes a new file a database.
    let write = pool(1, settings).connect_with(options.clone()).await.map_err(fault)?;
    let readers = options.pragma("query_only", "on");
    let read = pool(settings.connections(), settings).connect_with(readers).await.map_err(fault)?;
    Ok(Db::Sqlite { read, write })
}

fn pool(connections: u32, settings: &StoreSettings) -> SqlitePoolOptions {
    SqlitePoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(settings.patience())
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None)
}

/// Creates the file for its owner alone; the log beside it inherits that.
fn create_private(path: &Path) -> Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(AccountsError::unavailable(format!("{}: {error}", path.display()))),
    }
}
