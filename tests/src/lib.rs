//! Test support: the rig of real servers, fake servers, good and bad certificates.

// A broken test bench may stop the test.
#![allow(clippy::expect_used, clippy::panic)]

pub mod canary;
pub mod certs;
pub mod fake_server;
pub mod greedy_clients;
pub mod handshake;
#[cfg(target_os = "linux")]
pub mod live_server;
pub mod local_server;
pub mod logging;
#[cfg(target_os = "linux")]
mod mail_servers;
pub mod paused_time;
#[cfg(target_os = "linux")]
pub mod process;
pub mod proxy;
#[cfg(target_os = "linux")]
pub mod pure_ftpd;
pub mod report;
pub mod rig;
pub mod rng;
#[cfg(target_os = "linux")]
pub mod sandbox;
pub mod scram_server;
pub mod settings;
pub mod smb;
pub mod smb_host;
pub mod smtp;
pub mod valkey_server;

pub use certs::{Ca, Leaf};
pub use fake_server::{FakeServer, ScriptStep};
pub use rig::Rig;
pub use rng::Rng;
