//! What the tests stand on: the rig of real servers, scripted peers that lie, and certificates of every quality.

// A broken test bench may stop the test.
#![allow(clippy::expect_used, clippy::panic)]

pub mod canary;
pub mod certs;
pub mod fake_server;
pub mod handshake;
pub mod logging;
pub mod paused_time;
#[cfg(target_os = "linux")]
pub mod process;
pub mod proxy;
pub mod report;
pub mod rig;
pub mod rng;
#[cfg(target_os = "linux")]
pub mod sandbox;
pub mod settings;
pub mod smb;
pub mod smb_host;
pub mod smtp;

pub use certs::{Ca, Leaf};
pub use fake_server::{FakeServer, ScriptStep};
pub use rig::Rig;
pub use rng::Rng;
