//! SQLite, the default engine: one file, no setup, commits durable when acknowledged.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::time::Instant;
use user_backend::file_permissions;

use crate::domain::AccountsError;
use crate::store::engine::commits::Commits;
use crate::store::engine::db::Db;
use crate::store::engine::fault::{Result, fault, is_busy};
use crate::store::engine::read_pool::ReadPool;
use crate::store::settings::StoreSettings;

/// The SQLite application id of our databases: "usrb".
pub(crate) const APPLICATION_ID: i64 = 0x7573_7262;

pub(super) async fn open(path: &Path, settings: &StoreSettings) -> Result<Db> {
    create_private(path)?;
    look(path).await?;
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
    // The writer comes first: it creates the database in a new file.
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(settings.patience())
        .test_before_acquire(false)
        .idle_timeout(None)
        .max_lifetime(None);
    let write = open_writer(write, &options, settings.patience()).await?;
    let cache = format!("-{}", settings.sqlite_read_cache());
    let readers = options.pragma("query_only", "on").pragma("cache_size", cache);
    let read = ReadPool::open(readers, settings).await?;
    Ok(Db::Sqlite { read, write, commits: Commits::of(path) })
}

/// Opens the connection that writes.
///
/// Switching a new file to the write-ahead log needs the file for oneself, and SQLite does not wait
/// for that: it calls no busy handler there. So processes that start at the same moment wait for
/// each other here.
async fn open_writer(
    pool: SqlitePoolOptions,
    options: &SqliteConnectOptions,
    patience: Duration,
) -> Result<SqlitePool> {
    const PAUSE: Duration = Duration::from_millis(10);
    let until = Instant::now() + patience;
    loop {
        match pool.clone().connect_with(options.clone()).await {
            Err(error) if is_busy(&error) && Instant::now() < until => tokio::time::sleep(PAUSE).await,
            opened => return opened.map_err(fault),
        }
    }
}

/// Refuses another program's file before anything of it is touched.
///
/// Setting the journal mode would be a write already.
async fn look(path: &Path) -> Result<()> {
    let mut header = [0_u8; 100];
    let unreadable = |error: io::Error| AccountsError::unavailable(format!("{}: {error}", path.display()));
    if path.is_dir() {
        return Err(AccountsError::unavailable(format!("{} is a folder", path.display())));
    }
    let mut file = file_permissions::open(path).map_err(unreadable)?;
    let about = file.metadata().map_err(unreadable)?;
    if about.len() == 0 {
        return Ok(());
    }
    // The header of a database file is 100 bytes; the id of the program is at 68 (SQLite file
    // format, section 1.3).
    let id = file.read_exact(&mut header).ok().filter(|()| header.starts_with(b"SQLite format 3\0"));
    let id = id.and_then(|()| header.get(68..72)).and_then(|id| <[u8; 4]>::try_from(id).ok());
    match id.map(i32::from_be_bytes) {
        None => return Err(AccountsError::unreadable("the file is no SQLite database")),
        Some(id) if i64::from(id) == APPLICATION_ID => return Ok(()),
        Some(0) => {}
        Some(id) => return Err(AccountsError::Foreign { found: format!("it has the application id {id}") }),
    }
    // Ours sets the id after it is created: the id may still be in the log.
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(fault)?;
    let names =
        "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name = 'accounts_schema' DESC LIMIT 1";
    let row = sqlx::query(names).fetch_optional(&mut connection).await.map_err(fault)?;
    let name: Option<String> = row.map(|row| row.try_get(0)).transpose().map_err(fault)?;
    connection.close().await.map_err(fault)?;
    match name {
        Some(name) if name != "accounts_schema" => {
            Err(AccountsError::Foreign { found: format!("it has a table {name:?} that is not ours") })
        }
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::engine::query::sql;

    #[tokio::test]
    async fn acknowledged_commit_is_on_disk() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let db = open(&path, &StoreSettings::sqlite(&path)).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        let synchronous = tx.row(sql("SELECT synchronous FROM pragma_synchronous")).await.unwrap().unwrap();
        let journal = tx.row(sql("SELECT journal_mode FROM pragma_journal_mode")).await.unwrap().unwrap();
        let keys = tx.row(sql("SELECT foreign_keys FROM pragma_foreign_keys")).await.unwrap().unwrap();
        assert_eq!((synchronous.int(0).unwrap(), keys.int(0).unwrap()), (2, 1));
        assert_eq!(journal.text(0).unwrap(), "wal");
    }

    #[tokio::test]
    async fn sequential_reads_fill_one_small_cache() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let settings = StoreSettings::sqlite(&path).with_connections(4).single_reader();
        let db = open(&path, &settings).await.unwrap();
        for _ in 0..100 {
            let row = db.row(sql("SELECT cache_size FROM pragma_cache_size")).await.unwrap().unwrap();
            assert_eq!(row.int(0).unwrap(), -1024);
        }
        let Db::Sqlite { read, .. } = &db else { panic!("another engine") };
        assert_eq!(read.open_now(), 1);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn new_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.db");
        let db = open(&path, &StoreSettings::sqlite(&path)).await.unwrap();
        db.begin().await.unwrap().script("CREATE TABLE x (y)").await.unwrap();
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            assert_eq!(entry.unwrap().metadata().unwrap().permissions().mode() & 0o077, 0);
        }
    }
}
