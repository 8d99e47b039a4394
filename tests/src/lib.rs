//! What the tests stand on: the rig of real servers, scripted peers that lie, and certificates of every quality.

// A broken test bench may stop the test.
#![allow(clippy::expect_used, clippy::panic)]

pub mod certs;
pub mod peer;
pub mod rig;

pub use certs::{Ca, Leaf};
pub use peer::{Peer, Step};
pub use rig::Rig;
