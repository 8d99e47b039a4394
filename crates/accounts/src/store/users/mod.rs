//! The table of users and what hangs on it.

pub(crate) mod addresses;
pub(crate) mod edit;
pub(crate) mod insert;
pub(crate) mod insert_all;
pub(crate) mod json_rows;
pub(crate) mod list;
pub(crate) mod profile;
pub(crate) mod repository;
pub(crate) mod row;
pub(crate) mod select;
