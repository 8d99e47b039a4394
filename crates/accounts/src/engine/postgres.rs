//! The engine for installations that have a PostgreSQL server already.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{Db, Result, fault};
use crate::settings::StoreSettings;

pub(super) async fn open(options: &PgConnectOptions, settings: &StoreSettings) -> Result<Db> {
    let patience = format!("{}ms", settings.patience().as_millis().max(1));
    let options = options
        .clone()
        .application_name("user-backend")
        .statement_cache_capacity(256)
        // Who waits for a row longer than for a connection is told so. A process that stopped in the middle of a
        // transaction does not hold up all others for good.
        .options([("lock_timeout", patience.as_str()), ("idle_in_transaction_session_timeout", "60s")]);
    let pool = PgPoolOptions::new()
        .max_connections(settings.connections())
        .acquire_timeout(settings.patience())
        // A connection that died while it was idle is noticed here and replaced, not handed out.
        .test_before_acquire(true)
        .connect_with(options)
        .await
        .map_err(fault)?;
    Ok(Db::Postgres(pool))
}
