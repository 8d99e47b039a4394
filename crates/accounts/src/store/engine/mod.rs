//! Two engines, SQLite and PostgreSQL.
//!
//! A statement goes in, rows come out, and errors are ours.

use crate::domain::AccountsError;
use crate::store::settings::{Engine, StoreSettings};

mod commits;
pub(crate) mod db;
pub(crate) mod fault;
mod postgres;
pub(crate) mod query;
mod read_pool;
pub(crate) mod sqlite;

pub(crate) use db::{Db, Tx};
pub(crate) use query::{Query, Row, SqlDialect, each, sql};

/// Opens the database; it is not yet known whether its schema is ours.
pub(crate) async fn open(settings: &StoreSettings) -> Result<Db, AccountsError> {
    match settings.engine() {
        Engine::Sqlite(path) => sqlite::open(path, settings).await,
        Engine::Postgres(options) => postgres::open(options, settings).await,
    }
}

#[cfg(test)]
mod tests;
