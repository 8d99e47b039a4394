//! The engine for installations that have a PostgreSQL server already.

use std::time::Duration;

use sqlx::ConnectOptions;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::domain::AccountsError;
use crate::store::engine::db::Db;
use crate::store::engine::fault::{Result, fault};
use crate::store::settings::StoreSettings;

/// How long it is looked why no connection was made.
const LOOK: Duration = Duration::from_secs(1);

pub(super) async fn open(options: &PgConnectOptions, settings: &StoreSettings) -> Result<Db> {
    let patience = format!("{}ms", settings.patience().as_millis().max(1));
    let options = options
        .clone()
        .application_name("user-backend")
        .statement_cache_capacity(256)
        // Waiting for a row longer than for a connection is an error. A process that stops in the
        // middle of a transaction does not block the others for ever.
        .options([("lock_timeout", patience.as_str()), ("idle_in_transaction_session_timeout", "60s")]);
    let alone = options.clone();
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections())
        .acquire_timeout(settings.patience())
        // A connection that died while it was idle is noticed here and replaced, not handed out.
        .test_before_acquire(true)
        .connect_with(options)
        .await;
    match pool {
        Ok(pool) => Ok(Db::Postgres(pool)),
        // A pool tries again and again and does not say why. One connection does.
        Err(error @ sqlx::Error::PoolTimedOut) => Err(why(&alone).await.unwrap_or_else(|| fault(error))),
        Err(error) => Err(fault(error)),
    }
}

/// What keeps a connection from being made.
async fn why(options: &PgConnectOptions) -> Option<AccountsError> {
    let error = tokio::time::timeout(LOOK, options.connect()).await.ok()?.err()?;
    Some(match error {
        sqlx::Error::Io(error) => {
            AccountsError::unavailable(format!("the server cannot be reached: {}", error.kind()))
        }
        error => fault(error),
    })
}
