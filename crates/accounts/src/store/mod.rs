//! Everything that is SQL.

pub(crate) mod app_passwords;
pub(crate) mod apps;
pub(crate) mod audit;
pub(crate) mod credential_epoch;
pub(crate) mod engine;
pub(crate) mod failed_logins;
pub(crate) mod groups;
pub(crate) mod instances;
pub(crate) mod login_attempts;
pub(crate) mod outbox;
pub(crate) mod passwords;
pub(crate) mod pins;
pub(crate) mod preferences;
pub(crate) mod rate_limits;
pub(crate) mod reset_tokens;
pub(crate) mod schema;
pub(crate) mod sessions;
pub(crate) mod settings;
pub(crate) mod snapshot;
pub(crate) mod users;
