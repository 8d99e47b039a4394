//! Parsed types: a value is checked once, when it becomes one of these.

pub(crate) mod actor;
pub(crate) mod app_config;
pub(crate) mod clock;
pub(crate) mod credential_epoch;
pub(crate) mod display_name;
pub(crate) mod email;
pub(crate) mod error;
pub(crate) mod group;
pub(crate) mod group_id;
pub(crate) mod language;
pub(crate) mod last_used;
pub(crate) mod local_password;
pub(crate) mod new_user;
pub(crate) mod profile;
pub(crate) mod profile_field;
pub(crate) mod quota;
pub(crate) mod random;
pub(crate) mod search_text;
pub(crate) mod stored_hash;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod user_change;
pub(crate) mod user_filter;
pub(crate) mod user_id;
