//! The tables, and how a database gets from any older version to this one.
//!
//! Steps only go forward. All missing steps run in one transaction together with the note that they
//! ran, so a database is never between two versions, and processes that start at the same time do
//! it once. A database that is newer than the program, or another program's, is refused before
//! anything in it is touched.

use crate::domain::{AccountsError, Timestamp};
use crate::store::engine::sqlite::APPLICATION_ID;
use crate::store::engine::{Db, SqlDialect, Tx, each, sql};
use crate::store::users::addresses;

/// One step: the statements for either engine.
struct Migration {
    sqlite: &'static str,
    postgres: &'static str,
}

/// Step `n` of the list leads to schema `n + 1`.
///
/// Steps that were released are never edited.
const STEPS: &[Migration] = &[
    Migration { sqlite: include_str!("v1_sqlite.sql"), postgres: include_str!("v1_postgres.sql") },
    Migration { sqlite: include_str!("v2_sqlite.sql"), postgres: include_str!("v2_postgres.sql") },
    Migration { sqlite: include_str!("v3_sqlite.sql"), postgres: include_str!("v3_postgres.sql") },
    Migration { sqlite: include_str!("v4_sqlite.sql"), postgres: include_str!("v4_postgres.sql") },
    Migration { sqlite: include_str!("v5_sqlite.sql"), postgres: include_str!("v5_postgres.sql") },
    Migration { sqlite: include_str!("v6_sqlite.sql"), postgres: include_str!("v6_postgres.sql") },
    Migration { sqlite: include_str!("v7_sqlite.sql"), postgres: include_str!("v7_postgres.sql") },
    Migration { sqlite: include_str!("v8_sqlite.sql"), postgres: include_str!("v8_postgres.sql") },
    Migration { sqlite: include_str!("v9_sqlite.sql"), postgres: include_str!("v9_postgres.sql") },
    Migration { sqlite: include_str!("v10_sqlite.sql"), postgres: include_str!("v10_postgres.sql") },
    Migration { sqlite: include_str!("v11_sqlite.sql"), postgres: include_str!("v11_postgres.sql") },
    Migration { sqlite: include_str!("v12_sqlite.sql"), postgres: include_str!("v12_postgres.sql") },
    Migration { sqlite: include_str!("v13_sqlite.sql"), postgres: include_str!("v13_postgres.sql") },
    Migration { sqlite: include_str!("v14_sqlite.sql"), postgres: include_str!("v14_postgres.sql") },
    Migration { sqlite: include_str!("v15_sqlite.sql"), postgres: include_str!("v15_postgres.sql") },
    Migration { sqlite: include_str!("v16_sqlite.sql"), postgres: include_str!("v16_postgres.sql") },
    Migration { sqlite: include_str!("v17_sqlite.sql"), postgres: include_str!("v17_postgres.sql") },
];

/// The schema since which addresses are confirmed.
const CONFIRMED_ADDRESSES: i64 = 9;

/// The newest schema that this program knows.
#[allow(clippy::cast_possible_wrap, reason = "the list is short")]
pub(crate) const NEWEST: i64 = STEPS.len() as i64;

/// The PostgreSQL advisory lock that migrations hold.
const LOCK: i64 = 0x7573_7262_0001;

/// Brings the database to [`NEWEST`]; does nothing when it is there.
///
/// Whether it is; an empty one stays empty unless it is to be filled.
pub(crate) async fn migrate(db: &Db, now: Timestamp, fill: bool) -> Result<bool, AccountsError> {
    if version(db).await? == Some(NEWEST) {
        return Ok(true);
    }
    let mut tx = db.begin().await?;
    let at = match found(&mut tx).await? {
        Found::Empty if !fill => return Ok(false),
        Found::Empty => {
            create(&mut tx).await?;
            0
        }
        Found::Ours(version) => version,
        Found::Other(found) => return Err(AccountsError::Foreign { found }),
    };
    if at > NEWEST {
        return Err(AccountsError::NewerSchema { found: at, known: NEWEST });
    }
    for (version, step) in (1..).zip(STEPS).filter(|(version, _)| *version > at) {
        tx.script(match tx.kind() {
            SqlDialect::Sqlite => step.sqlite,
            SqlDialect::Postgres => step.postgres,
        })
        .await?;
        if version == CONFIRMED_ADDRESSES {
            addresses::confirm_known(&mut tx).await?;
        }
        let note = sql("INSERT INTO accounts_schema (version, at) VALUES ($1, $2)");
        tx.execute(note.bind(version).bind(now.millis())).await?;
        tracing::info!(version, "the store has a new schema");
    }
    tx.commit().await?;
    Ok(true)
}

/// The version of a database that certainly is ours.
async fn version(db: &Db) -> Result<Option<i64>, AccountsError> {
    let ours = each(
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name = 'accounts_schema'",
        "SELECT COUNT(*) FROM pg_class WHERE oid = to_regclass('accounts_schema')",
    );
    let there = db.row(ours).await?.map(|row| row.int(0)).transpose()?;
    if there != Some(1) {
        return Ok(None);
    }
    let row = db.row(sql("SELECT MAX(version) FROM accounts_schema")).await?;
    match row.map(|row| row.int_or_null(0)).transpose()?.flatten() {
        Some(found) if found > NEWEST => Err(AccountsError::NewerSchema { found, known: NEWEST }),
        found => Ok(found),
    }
}

enum Found {
    Empty,
    Ours(i64),
    Other(String),
}

/// Looks with the lock held, so that what is found stays so.
async fn found(tx: &mut Tx) -> Result<Found, AccountsError> {
    let listing = match tx.kind() {
        SqlDialect::Sqlite => {
            let row = tx.row(sql("SELECT application_id FROM pragma_application_id")).await?;
            let id = row.map(|row| row.int(0)).transpose()?.unwrap_or_default();
            if id != APPLICATION_ID && id != 0 {
                return Ok(Found::Other(format!("it has the application id {id}")));
            }
            sql("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name LIMIT 50")
        }
        SqlDialect::Postgres => {
            tx.execute(sql("SELECT pg_advisory_xact_lock($1)").bind(LOCK)).await?;
            sql("SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') \
                 AND relnamespace = current_schema()::regnamespace ORDER BY relname LIMIT 1000")
        }
    };
    let rows = tx.rows(listing).await?;
    let names: Vec<String> = rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()?;
    if names.iter().any(|name| name == "accounts_schema") {
        let row = tx.row(sql("SELECT MAX(version) FROM accounts_schema")).await?;
        let version = row.map(|row| row.int_or_null(0)).transpose()?.flatten();
        return Ok(Found::Ours(version.unwrap_or(0)));
    }
    // Another program may share the PostgreSQL database, but none of the tables of this schema.
    let clash =
        names.iter().find(|name| tx.kind() == SqlDialect::Sqlite || OUR_NAMES.contains(&name.as_str()));
    Ok(clash.map_or(Found::Empty, |name| Found::Other(format!("it has a table {name:?} that is not ours"))))
}

/// Tables that would conflict with a new installation.
///
/// Among them those that a later step renames.
const OUR_NAMES: &[&str] = &[
    "users",
    "groups",
    "members",
    "subadmins",
    "profile",
    "passwords",
    "pins",
    "apps",
    "app_config",
    "preferences",
    "sessions",
    "resets",
    "audit",
    "generation",
    "outbox",
    "turns",
    "failures",
    "forgiven_places",
    "servers",
    "login_failures",
    "server_secrets",
    "proven_credentials",
    "address_confirmations",
    "failed_logins",
    "login_flows",
    "backend_failures",
    "credential_epoch",
    "unblocked_sources",
    "server_instances",
    "rate_limit_events",
    "ended_app_passwords",
    "valkey_generation",
];

async fn create(tx: &mut Tx) -> Result<(), AccountsError> {
    if tx.kind() == SqlDialect::Sqlite {
        tx.script("PRAGMA application_id = 0x75737262").await?;
    }
    tx.script("CREATE TABLE accounts_schema (version BIGINT PRIMARY KEY, at BIGINT NOT NULL)").await
}
