//! The helpers of one backend, and the queue before them.
//!
//! Each backend has its own helpers, so a server that hangs uses up only those. They are started
//! when they are needed and end when they are not. First come, first served; a login that finds the
//! queue full fails at once.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use super::super::call::{Call, Ended};
use super::frame;
use super::process::Helper;
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::transport::within;

/// How many helpers one backend has at most.
///
/// Each is a process of about 20 MB, most of it shared, and does 30 to 60 logins a second.
const HELPERS: usize = 4;

/// How many logins one helper makes before a new one takes its place.
///
/// Libraries in C may lose memory.
const LOGINS: usize = 1000;

/// How long a helper may have been idle to be asked again.
///
/// It leaves ten seconds later, so none that is leaving is asked.
const FRESH: Duration = Duration::from_secs(20);

/// The helpers of one backend.
#[derive(Debug)]
pub(in crate::smb) struct HelperPool {
    program: PathBuf,
    idle: Arc<Mutex<Vec<Helper>>>,
    places: Arc<Semaphore>,
    line: Arc<Semaphore>,
}

impl HelperPool {
    /// No helper is started yet.
    ///
    /// At most `waiting` logins are queued after those in progress.
    pub(in crate::smb) fn new(program: PathBuf, waiting: usize) -> Self {
        Self {
            program,
            idle: Arc::default(),
            places: Arc::new(Semaphore::new(HELPERS)),
            line: Arc::new(Semaphore::new(HELPERS + waiting)),
        }
    }

    /// Waits for a permit, checks whether it is still needed (`begin`), and gets a helper.
    ///
    /// # Errors
    /// An unavailable [`BackendError`] when the queue is full (at once), when the deadline passes,
    /// or when no helper starts; a misconfigured one when the program is no helper; what `begin`
    /// says.
    ///
    /// # Cancellation
    /// The permit goes to the next in the queue.
    pub(in crate::smb) async fn place<T>(
        &self,
        deadline: Instant,
        begin: impl FnOnce() -> Result<T, BackendError>,
    ) -> Result<(HelperLease, T), BackendError> {
        let unavailable = |detail: &str| BackendError::unavailable(Phase::Login, detail);
        let in_line = Arc::clone(&self.line)
            .try_acquire_owned()
            .map_err(|_| unavailable("too many logins wait for libsmbclient"))?;
        let permit = timeout_at(deadline, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(permit)) = permit.await else {
            return Err(unavailable("other logins kept libsmbclient busy until time was up"));
        };
        let begun = begin()?;
        let helper = match self.idle() {
            Some(helper) => helper,
            None => within(deadline, Phase::Login, self.start()).await?,
        };
        let idle = Arc::clone(&self.idle);
        Ok((HelperLease { helper: Some(helper), idle, _turn: permit, _in_line: in_line }, begun))
    }

    /// A helper that waits for a question.
    ///
    /// One that has ended meanwhile was asked nothing and is not missed.
    fn idle(&self) -> Option<Helper> {
        let mut idle = lock(&self.idle);
        while let Some(helper) = idle.pop() {
            if helper.has_rested() < FRESH && helper.is_idle() {
                return Some(helper);
            }
        }
        None
    }

    async fn start(&self) -> Result<Helper, BackendError> {
        let failed = |error| {
            BackendError::unavailable(Phase::Login, "the helper process for libsmbclient does not start")
                .with_source(error)
        };
        let program = self.program.clone();
        let started = tokio::task::spawn_blocking(move || Helper::start(&program)).await;
        let helper = started.map_err(|_| BackendError::unavailable(Phase::Login, "the program is ending"))?;
        let helper = helper.map_err(failed)?;
        match helper.greets().await {
            Ok(true) => Ok(helper),
            Ok(false) => Err(not_a_helper(&self.program)),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(not_a_helper(&self.program))
            }
            Err(error) => Err(failed(error)),
        }
    }
}

fn not_a_helper(program: &Path) -> BackendError {
    BackendError::misconfigured(
        Phase::Login,
        format!("{} is no SMB helper of this version (nothing was sent to it)", program.display()),
    )
}

fn lock(idle: &Mutex<Vec<Helper>>) -> std::sync::MutexGuard<'_, Vec<Helper>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A helper that is one login's alone.
#[derive(Debug)]
pub(in crate::smb) struct HelperLease {
    helper: Option<Helper>,
    idle: Arc<Mutex<Vec<Helper>>>,
    _turn: OwnedSemaphorePermit,
    _in_line: OwnedSemaphorePermit,
}

impl HelperLease {
    /// Asks.
    ///
    /// A helper that gives no answer in time, or none at all, is ended.
    ///
    /// # Errors
    /// An unavailable [`BackendError`]. The password may have reached the server, so it is not
    /// asked again.
    ///
    /// # Cancellation
    /// The helper is ended.
    pub(in crate::smb) async fn ask(
        &mut self,
        call: &Call,
        request_timeout: Duration,
        deadline: Instant,
    ) -> Result<Ended, BackendError> {
        let broken = || {
            BackendError::unavailable(
                Phase::Login,
                "the helper process for libsmbclient ended in the middle of it",
            )
        };
        let mut helper = self.helper.take().ok_or_else(broken)?;
        let question = frame::question(call, request_timeout).ok_or_else(|| {
            BackendError::misconfigured(Phase::Login, "name, share and workgroup are too long together")
        })?;
        let exchange = async {
            match helper.ask(&question).await {
                Ok(Some(ended)) => Ok(ended),
                Ok(None) => Err(broken().without_answer()),
                Err(error) => Err(broken().without_answer().with_source(error)),
            }
        };
        let ended = within(deadline, Phase::Login, exchange).await?;
        // A helper whose library does not work is not used again.
        if matches!(ended, Ended::Yes | Ended::Number(_)) && helper.rests() < LOGINS {
            lock(&self.idle).push(helper);
        }
        Ok(ended)
    }
}
