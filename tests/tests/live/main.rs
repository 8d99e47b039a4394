//! Backends against the real servers of the rig.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// Each server's tests are a file beside this one.
mod config;
mod faults;
mod ftp;
mod http;
mod imap;
mod ldap;
mod penalty;
mod smb;
mod ssh;
mod warm;
