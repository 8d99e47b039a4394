//! The store on both engines: one suite. SQLite always runs; PostgreSQL where `ACCOUNTS_POSTGRES` names a server on which
//! databases may be created (`cargo xtask test` starts one).

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests fail as loudly as tests"
)]

mod attempts;
mod clock;
mod desk;
mod failures;
mod faults;
mod groups;
mod house;
mod kill;
mod local;
mod place;
mod races;
mod reset;
mod rooms;
mod set_password;
mod users;
