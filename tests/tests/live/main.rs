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
mod smtp;
mod ssh;
mod warm;
mod xmpp;

use std::time::Duration;

use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend_tests::local_server::LocalServer;

/// Time limit: servers of a test answer within milliseconds, a busy machine gets more.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The endpoint of a server that a test started itself.
fn local_endpoint(server: &LocalServer, tls: TlsMode) -> Endpoint {
    let port = if tls == TlsMode::Implicit { server.tls_port } else { server.port };
    Endpoint::new("127.0.0.1", port, tls)
        .with_trust(ServerTrust::CaFile(server.ca_file()))
        .with_connect_timeout(TIMEOUT)
        .with_timeout(TIMEOUT)
}
