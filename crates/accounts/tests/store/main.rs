//! The store on both engines: one suite. SQLite always runs; PostgreSQL where `ACCOUNTS_POSTGRES` names a server on which
//! databases may be created (`cargo xtask test` starts one).

mod groups;
mod place;
mod rooms;
mod users;
