//! The engine `pavao`: finds the server, checks that it answers, runs libsmbclient.
//!
//! libsmbclient runs in a separate process or thread.

#[cfg(feature = "smb")]
use std::io;
use std::net::{SocketAddr, SocketAddrV4};
use std::sync::Arc;
#[cfg(feature = "smb")]
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::call::{Call, Ended};
use super::greeting::{Greeting, greet};
#[cfg(target_os = "linux")]
use super::helper::HelperPool;
use super::isolation::{Isolation, LoginRunner};
use super::names::Account;
use super::reply::{Proof, SmbAnswer};
#[cfg(feature = "smb")]
use super::worker::Worker;
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};
use crate::secret::Password;
use crate::transport::{Endpoint, dial_first, forget, resolve, sooner};

/// The length at which libsmbclient cuts a password.
///
/// A longer one would be as good as its beginning.
pub(super) const MAX_PASSWORD_BYTES: usize = 255;

/// Number of logins that may wait for a permit: about a second's worth.
const QUEUE: usize = 64;

/// Time for one answer of the server; a login takes about six of them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// One thread for all backends without helpers: libsmbclient's state is global.
#[cfg(feature = "smb")]
static WORKER: OnceLock<io::Result<Worker>> = OnceLock::new();

/// Logins through libsmbclient.
#[derive(Debug)]
pub(super) struct Pavao {
    endpoint: Endpoint,
    workgroup: String,
    proof: Proof,
    runner: Runner,
    /// Goes up each time the server lets a request time out.
    silences: Arc<AtomicU64>,
}

/// Where libsmbclient runs.
#[derive(Debug)]
enum Runner {
    #[cfg(feature = "smb")]
    Thread,
    #[cfg(target_os = "linux")]
    Helpers(HelperPool),
    /// See [`LoginRunner::Nowhere`].
    #[cfg(not(any(feature = "smb", target_os = "linux")))]
    Nowhere(std::convert::Infallible),
}

impl Pavao {
    pub(super) fn new(
        endpoint: Endpoint,
        workgroup: String,
        share: Option<&str>,
        isolation: &Isolation,
    ) -> Result<Self, BackendError> {
        let proof = share.map_or(Proof::Pipe, |share| Proof::Share(share.into()));
        let runner = match isolation.runner().map_err(|why| no_runner(&why))? {
            #[cfg(feature = "smb")]
            LoginRunner::Thread => Runner::Thread,
            #[cfg(target_os = "linux")]
            LoginRunner::Helpers(program) => Runner::Helpers(HelperPool::new(program, QUEUE)),
            #[cfg(not(any(feature = "smb", target_os = "linux")))]
            LoginRunner::Nowhere(never) => Runner::Nowhere(never),
        };
        Ok(Self { endpoint, workgroup, proof, runner, silences: Arc::default() })
    }

    /// Connects to the server and negotiates.
    ///
    /// libsmbclient's own connect takes five seconds to fail, and other logins would wait for it.
    pub(super) async fn ping(&self, deadline: Instant) -> Result<(SocketAddr, Greeting), BackendError> {
        let by = sooner(self.endpoint.connect_timeout(), deadline);
        let mut addresses = resolve(&self.endpoint, by).await?;
        addresses.retain(SocketAddr::is_ipv4);
        if addresses.is_empty() {
            return Err(no_ipv4(&self.endpoint));
        }
        let stream = dial_first(&addresses, by).await.inspect_err(|_| forget(&self.endpoint))?;
        let peer = stream.peer_addr().map_err(|error| {
            BackendError::unavailable(Phase::Connect, "the server closed the connection").with_source(error)
        })?;
        let greeting = greet(stream, sooner(REQUEST_TIMEOUT, deadline)).await?;
        Ok((peer, greeting))
    }

    /// Presents a name and a password.
    ///
    /// # Errors
    /// A [`BackendError`] when the server, or libsmbclient, could not decide.
    ///
    /// # Cancellation
    /// A login that still waits for its permit is not made. One that runs in a helper ends with it;
    /// one that runs in the thread runs to its end, and its result is dropped.
    pub(super) async fn login(
        &self,
        account: Account<'_>,
        password: &Password,
        deadline: Instant,
    ) -> Result<SmbAnswer, BackendError> {
        let (peer, _) = self.ping(deadline).await?;
        let SocketAddr::V4(peer) = peer else { return Err(no_ipv4(&self.endpoint)) };
        let call = self.call(peer, account, password);
        let permit = LoginPermit {
            before: self.silences.load(Ordering::Acquire),
            silences: Arc::clone(&self.silences),
            deadline,
        };
        let ended: Ended = match &self.runner {
            #[cfg(target_os = "linux")]
            Runner::Helpers(pool) => {
                let (mut place, left) = pool.place(deadline, || permit.begin()).await?;
                let ended = place.ask(&call, left.min(REQUEST_TIMEOUT), deadline).await?;
                permit.end(left, ended);
                ended
            }
            #[cfg(feature = "smb")]
            Runner::Thread => {
                let run = move || {
                    let left = permit.begin()?;
                    let ended = call.make(left.min(REQUEST_TIMEOUT));
                    permit.end(left, ended);
                    Ok(ended)
                };
                match WORKER.get_or_init(|| Worker::start(QUEUE)) {
                    Ok(worker) => worker.run(deadline, run).await??,
                    Err(_) => {
                        return Err(BackendError::unavailable(
                            Phase::Login,
                            "the system gave no thread for libsmbclient",
                        ));
                    }
                }
            }
            #[cfg(not(any(feature = "smb", target_os = "linux")))]
            Runner::Nowhere(never) => match *never {},
        };
        if ended.is_ambiguous() {
            // A server that is well refuses an account; one that has just broken off does not
            // answer now.
            let gone = |_| BackendError::unavailable(Phase::Login, "the server broke off").without_answer();
            self.ping(deadline).await.map_err(gone)?;
        }
        ended.meaning(&self.proof)
    }

    fn call(&self, peer: SocketAddrV4, account: Account<'_>, password: &Password) -> Call {
        let workgroup = account.domain.unwrap_or(&self.workgroup).to_owned();
        let (name, proof) = (account.name.to_owned(), self.proof.clone());
        Call { peer, name, password: password.clone(), workgroup, proof }
    }
}

fn no_runner(why: &str) -> BackendError {
    BackendError::misconfigured(Phase::Login, format!("engine \"pavao\" cannot run here: {why}"))
}

fn no_ipv4(endpoint: &Endpoint) -> BackendError {
    let detail = format!(
        "\"{}\" has no IPv4 address and libsmbclient cannot use others; set engine = \"native\"",
        endpoint.host()
    );
    BackendError::misconfigured(Phase::Resolve, detail)
}

/// The permit of one login.
///
/// It knows whether the login is still needed when it begins, and reports to later ones.
struct LoginPermit {
    silences: Arc<AtomicU64>,
    before: u64,
    deadline: Instant,
}

impl LoginPermit {
    /// The time that is left.
    fn begin(&self) -> Result<Duration, BackendError> {
        // While this login waited, the server fell silent for another one. Asking again would delay
        // later logins, for an answer that would come too late.
        if self.silences.load(Ordering::Acquire) != self.before {
            return Err(BackendError::unavailable(Phase::Login, "the server has fallen silent"));
        }
        let left = self.deadline.saturating_duration_since(now());
        if left.is_zero() {
            return Err(BackendError::unavailable(Phase::Login, "no time was left when its turn came"));
        }
        Ok(left)
    }

    fn end(&self, left: Duration, ended: Ended) {
        // A server that was given less time than usual has not shown that it is silent.
        if ended.is_timeout() && left >= REQUEST_TIMEOUT {
            self.silences.fetch_add(1, Ordering::AcqRel);
        }
    }
}
