//! The engine for installations that have a PostgreSQL server already.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use super::{Db, Result, fault};
use crate::settings::StoreSettings;

pub(super) async fn open(options: &PgConnectOptions, settings: &StoreSettings) -> Result<Db> {
    let options = options.clone().application_name("user-backend").statement_cache_capacity(256);
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
