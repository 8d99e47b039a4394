//! What happens in one place stays there.
//!
//! A server that hangs, a library that crashes, a password in memory, a clock that is set.

#![cfg(target_os = "linux")]
// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod clock;
mod helper_process;
mod helpers;
mod memory;

use std::time::Duration;

use user_backend::clock::now;
use user_backend::smb::{Isolation, SmbBackend, SmbSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::canary;
use user_backend_tests::process::Process;
use user_backend_tests::smb_host::SmbHost;

/// Helpers belong to the process, and tests that count them must not see each other's.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(60);

/// A backend for this host, with its own helpers.
fn backend(host: &SmbHost, timeout: Duration) -> SmbBackend {
    backend_with(host, timeout, Isolation::Program(env!("CARGO_BIN_EXE_smb-helper").into()))
}

fn backend_with(host: &SmbHost, timeout: Duration, isolation: Isolation) -> SmbBackend {
    let endpoint = Endpoint::new("127.0.0.1", host.port(), TlsMode::None).with_timeout(timeout);
    let settings = SmbSettings::new(BackendId::parse("files").unwrap(), endpoint).with_share("data");
    SmbBackend::new(settings.with_isolation(isolation)).unwrap()
}

async fn login(backend: &SmbBackend) -> Result<Verdict, BackendError> {
    let (name, password) =
        (LoginName::parse(canary::NAME).unwrap(), Password::parse(canary::PASSWORD).unwrap());
    backend.authenticate(&Attempt::new(&name, &password, now() + LONG)).await
}

/// The outcome in words.
async fn outcome(backend: &SmbBackend) -> String {
    match login(backend).await {
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(other) => panic!("{other:?}"),
        Err(error) => {
            let text = error.to_string();
            assert_eq!(canary::count(format!("{text} {error:?}").as_bytes()), 0, "{text}");
            format!("{}: {}", error.kind(), error.detail())
        }
    }
}

/// The helpers of this process.
fn helpers() -> Vec<Process> {
    Process::started_by(std::process::id())
}

/// The one helper that there is.
fn helper() -> Process {
    let mut all = helpers();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}
