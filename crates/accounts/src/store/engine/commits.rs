//! Whether a file of SQLite was changed, asked on the thread of the caller.
//!
//! Every statement of sqlx goes to another thread and back, which takes longer than all else that
//! a request costs. `PRAGMA data_version` reads a few words of memory that all connections share,
//! so it is asked here, over a connection that does nothing else.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

/// A connection that knows whether another one has committed.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Commits(Arc<Mutex<Option<Connection>>>);

impl Commits {
    /// Opens the connection; without one, every answer is `None`.
    pub(super) fn of(path: &Path) -> Self {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).and_then(|connection| {
            // What has to wait is asked in the other way.
            connection.busy_timeout(Duration::ZERO)?;
            Ok(connection)
        });
        Self(Arc::new(Mutex::new(connection.ok())))
    }

    /// A number that changes with every commit, of this process and of all others.
    ///
    /// It never comes back: as long as it is the same, nothing was committed. `None`: not known.
    ///
    /// # Guarantee
    /// A commit that was acknowledged before the call has changed it. (SQLite manual, `PRAGMA
    /// data_version`: commits of any other connection, and this one makes none.)
    pub(crate) fn version(&self) -> Option<i64> {
        let connection = self.lock();
        let mut statement = connection.as_ref()?.prepare_cached("PRAGMA data_version").ok()?;
        statement.query_row([], |row| row.get(0)).ok()
    }

    /// Closes the connection.
    pub(super) fn close(&self) {
        drop(self.lock().take());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Connection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
