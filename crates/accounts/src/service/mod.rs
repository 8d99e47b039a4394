//! Work that takes more than one table, or more than the store.

pub(crate) mod address_confirmation;
pub(crate) mod app_catalogue;
pub(crate) mod bulk_provisioning;
pub(crate) mod invalidation;
pub(crate) mod local_password;
pub(crate) mod mail;
pub(crate) mod password_reset;
pub(crate) mod provisioning;
