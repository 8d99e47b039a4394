//! Backends against peers that follow a script.
//!
//! Every lie has the only outcomes it is allowed to have.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each protocol's scripts are a file beside this one.
mod adversarial;
mod ftp;
mod http;
mod imap;
mod smb;
mod ssh;
mod ssh_early;
mod warm;
mod xmpp;
