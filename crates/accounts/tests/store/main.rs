//! The store on both engines: one suite.
//!
//! SQLite always runs; PostgreSQL where `ACCOUNTS_POSTGRES` names a server on which databases may
//! be created (`cargo xtask test` starts one).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as loudly as tests"
)]

mod addresses;
mod bounds;
mod clock;
mod failed_logins;
mod faults;
mod fixture;
mod groups;
mod kill;
mod local_backend;
mod many_users;
mod operators;
mod password_reset;
mod races;
mod repositories;
mod rights;
mod service_tokens;
mod set_password;
mod shared_budget;
mod snapshot;
mod test_db;
mod users;
