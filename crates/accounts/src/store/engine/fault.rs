//! Maps errors of the database engines.
//!
//! The words of a PostgreSQL server are not repeated: they can hold values of a statement. Its code
//! is.

use sqlx::Error;
use sqlx::error::{DatabaseError, ErrorKind};

use crate::domain::AccountsError;

pub(super) type Result<T> = std::result::Result<T, AccountsError>;

/// The name that our triggers raise when no administrator would be left.
const LAST_ADMIN: &str = "last_admin";

/// Translates an error of the engine.
pub(crate) fn fault(error: Error) -> AccountsError {
    match &error {
        Error::Database(error) if error.message().contains(LAST_ADMIN) => AccountsError::LastAdmin,
        Error::Database(error) => database(error.as_ref()),
        Error::PoolTimedOut => AccountsError::unavailable("no connection became free in time"),
        Error::PoolClosed => AccountsError::unavailable("the store was closed"),
        Error::Io(error) => AccountsError::unavailable(format!("connection lost: {}", error.kind())),
        Error::Tls(_) => AccountsError::unavailable("the encrypted connection could not be established"),
        Error::WorkerCrashed | Error::BeginFailed => AccountsError::unavailable("the connection broke"),
        Error::ColumnDecode { index, .. } => {
            AccountsError::unreadable(format!("column {index} of a row holds what this program never wrote"))
        }
        Error::Protocol(_) => AccountsError::unavailable("the server's answer makes no sense"),
        _ => AccountsError::unavailable("the store's driver failed"),
    }
}

fn database(error: &dyn DatabaseError) -> AccountsError {
    if error.kind() == ErrorKind::UniqueViolation {
        return AccountsError::AlreadyExists { what: "entry", id: String::new() };
    }
    let code = error.code().unwrap_or_default();
    match code.parse::<u32>() {
        // PostgreSQL's codes have five characters, SQLite's extended result codes at most four.
        Ok(number) if code.len() < 5 => sqlite(number),
        _ => postgres(&code),
    }
}

/// Whether another connection blocks SQLite (SQLITE_BUSY, any extended code).
pub(super) fn is_busy(error: &Error) -> bool {
    let code = error.as_database_error().and_then(DatabaseError::code);
    code.and_then(|code| code.parse::<u32>().ok()).is_some_and(|number| number & 0xff == 5)
}

/// By the primary result code: the lowest byte.
///
/// One extended code says more: the index of the log cannot grow, because the disk is full.
fn sqlite(extended: u32) -> AccountsError {
    match extended & 0xff {
        _ if extended == 4874 => AccountsError::Full,
        5 | 6 => AccountsError::unavailable("another process is writing and does not finish"),
        8 => AccountsError::ReadOnly,
        10 => AccountsError::unavailable(format!("reading or writing the file failed (SQLite {extended})")),
        11 => AccountsError::unreadable("the file is damaged"),
        13 => AccountsError::Full,
        14 => AccountsError::unavailable("the file cannot be opened"),
        26 => AccountsError::unreadable("the file is no SQLite database"),
        _ => AccountsError::unavailable(format!("SQLite refused a statement (code {extended})")),
    }
}

/// By SQLSTATE (PostgreSQL manual, appendix A).
fn postgres(code: &str) -> AccountsError {
    let safe: String = code.chars().filter(char::is_ascii_alphanumeric).take(5).collect();
    match safe.as_str() {
        "25006" => AccountsError::ReadOnly,
        "53100" => AccountsError::Full,
        "28000" | "28P01" => AccountsError::unavailable("the server does not accept our name and password"),
        "3D000" => AccountsError::unavailable("the server has no such database"),
        "40001" | "40P01" => {
            AccountsError::unavailable("others changed the same at the same time, try again")
        }
        "42501" => AccountsError::unavailable("the database role lacks a right (SQLSTATE 42501)"),
        "53300" => AccountsError::unavailable("the server takes no more connections"),
        "55P03" => AccountsError::unavailable("others are changing the same and do not finish"),
        "25P03" | "57P01" | "57P02" | "57P03" => {
            AccountsError::unavailable("the server ended the connection or is not ready")
        }
        _ => AccountsError::unavailable(format!("the server refused a statement (SQLSTATE {safe})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_disk_is_reported_for_every_file() {
        for (code, error) in [
            (13, AccountsError::Full),
            (4874, AccountsError::Full),
            (8, AccountsError::ReadOnly),
            (1032, AccountsError::ReadOnly),
        ] {
            assert_eq!(sqlite(code), error, "{code}");
        }
        assert!(sqlite(778).is_transient(), "a write failed for an unknown reason");
    }
}
