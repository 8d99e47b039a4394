//! The engine `pavao`: one login through libsmbclient.
//!
//! What protects a login here, all of it measured against Samba's guest traps:
//! - `no_auto_anonymous_login`: else a refused login is silently repeated as nobody, and a share open to guests says yes;
//! - an encryption level above `None` makes libsmbclient demand signatures, and the answer to a session set-up can only be
//!   signed by somebody who knows the password: a guest session, which has no key, never passes;
//! - a new client for each login, dropped after it: a session that is there already would say yes to any password;
//! - something is opened on the session. The call answers for session and opening together, so only `Ok` is a yes: an
//!   error such as "not found" may come from a session that was never proved.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use pavao::{
    SmbClient, SmbCredentials, SmbDialect, SmbEncryptionLevel, SmbError, SmbOpenOptions, SmbOptions,
};

use super::greeting::{Greeting, greet};
use super::reply::{Answer, Proof, errno, of_errno};
use super::worker::Worker;
use crate::clock::{Instant, now};
use crate::error::{Fault, Phase};
use crate::secret::Password;
use crate::transport::{Endpoint, dial_first, resolve, sooner};

/// pavao writes the password into a log record of the level `trace`. The features that this crate sets on `log` leave
/// that level out of the program; should they ever go missing, it does not compile.
const _: () = assert!(log::STATIC_MAX_LEVEL as usize <= log::LevelFilter::Debug as usize);

/// libsmbclient cuts a password here, so that a longer one would be as good as its beginning.
pub(super) const MAX_PASSWORD_BYTES: usize = 255;

/// How many logins may wait for the thread: about a second's worth.
const QUEUE: usize = 64;

/// Time for one answer of the server; a login takes about six of them.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// libsmbclient's state is the process's, so there is one thread for all backends.
static WORKER: OnceLock<io::Result<Worker>> = OnceLock::new();

/// Logins through libsmbclient.
#[derive(Debug)]
pub(super) struct Pavao {
    endpoint: Endpoint,
    workgroup: String,
    proof: Proof,
    /// Goes up each time the server lets a request time out.
    silences: Arc<AtomicU64>,
}

impl Pavao {
    pub(super) fn new(endpoint: Endpoint, workgroup: String, share: Option<&str>) -> Self {
        let proof = share.map_or(Proof::Pipe, |share| Proof::Share(share.into()));
        Self { endpoint, workgroup, proof, silences: Arc::default() }
    }

    /// Connects to the server and greets it, to see that it is there and well. libsmbclient's own connect takes five
    /// seconds to give up, and all other logins would wait for it.
    pub(super) async fn knock(&self, deadline: Instant) -> Result<(SocketAddr, Greeting), Fault> {
        let by = sooner(self.endpoint.connect_timeout(), deadline);
        let mut addresses = resolve(&self.endpoint, by).await?;
        addresses.retain(SocketAddr::is_ipv4);
        if addresses.is_empty() {
            return Err(Fault::misconfigured(
                Phase::Resolve,
                format!(
                    "\"{}\" has no IPv4 address and libsmbclient cannot use others; set engine = \"native\"",
                    self.endpoint.host()
                ),
            ));
        }
        let stream = dial_first(&addresses, by).await?;
        let peer = stream.peer_addr().map_err(|error| {
            Fault::unavailable(Phase::Connect, "the server closed the connection").caused_by(error)
        })?;
        let greeting = greet(stream, sooner(REQUEST_TIMEOUT, deadline)).await?;
        Ok((peer, greeting))
    }

    /// Presents a name and a password.
    ///
    /// # Errors
    /// A [`Fault`] when the server, or libsmbclient, could not decide.
    ///
    /// # Cancellation
    /// A login that waits for its turn is not made. One that runs goes on to its end, unheard.
    pub(super) async fn login(
        &self,
        name: String,
        password: &Password,
        deadline: Instant,
    ) -> Result<Answer, Fault> {
        let (peer, _) = self.knock(deadline).await?;
        let job = Job {
            peer,
            name,
            password: password.clone(),
            workgroup: self.workgroup.clone(),
            proof: self.proof.clone(),
            deadline,
        };
        let silences = Arc::clone(&self.silences);
        let before = silences.load(Ordering::Acquire);
        let run = move || {
            // While this login waited, the server fell silent for another one. Asking again would hold up the logins at
            // other servers as well, for an answer that would come too late.
            if silences.load(Ordering::Acquire) != before {
                return Err(Fault::unavailable(Phase::Login, "the server has fallen silent"));
            }
            let left = job.deadline.saturating_duration_since(now());
            if left.is_zero() {
                return Err(Fault::unavailable(Phase::Login, "no time was left when its turn came"));
            }
            job.run(left.min(REQUEST_TIMEOUT)).or_else(|failure| {
                // A server that was given less time than usual has not shown that it is silent.
                if failure.is_timeout() && left >= REQUEST_TIMEOUT {
                    silences.fetch_add(1, Ordering::AcqRel);
                }
                failure.meaning(&job.proof)
            })
        };
        match WORKER.get_or_init(|| Worker::start(QUEUE)) {
            Ok(worker) => worker.run(deadline, run).await?,
            Err(_) => Err(Fault::unavailable(Phase::Login, "the system gave no thread for libsmbclient")),
        }
    }
}

/// One login, as the thread makes it.
struct Job {
    peer: SocketAddr,
    name: String,
    password: Password,
    workgroup: String,
    proof: Proof,
    deadline: Instant,
}

impl Job {
    fn run(&self, request_timeout: Duration) -> Result<Answer, Failure> {
        // Nobody was asked yet: an error number of these two is left over from something else.
        let client = SmbClient::new(self.credentials(), options()).map_err(Failure::Library)?;
        // libsmbclient counts milliseconds, and with none of them it would fail at once.
        client.set_timeout(request_timeout.max(Duration::from_millis(1))).map_err(Failure::Library)?;
        match self.proof {
            Proof::Share(_) => client.stat("/").map(drop),
            Proof::Pipe => {
                client.open_with("/srvsvc", SmbOpenOptions::default().read(true).write(true)).map(drop)
            }
        }?;
        Ok(Answer::Yes)
    }

    fn credentials(&self) -> SmbCredentials {
        let share = match &self.proof {
            Proof::Share(share) => encode(share),
            Proof::Pipe => "IPC$".to_owned(),
        };
        SmbCredentials::default()
            .server(server(self.peer))
            .share(share)
            .workgroup(&self.workgroup)
            .username(&self.name)
            .password(self.password.expose())
    }
}

/// The same for every client of the process: libsmbclient keeps the dialects in a global variable.
fn options() -> SmbOptions {
    SmbOptions::default()
        .no_auto_anonymous_login(true)
        .encryption_level(SmbEncryptionLevel::Request)
        .min_protocol(SmbDialect::Smb202)
        .max_protocol(SmbDialect::Smb311)
        .use_kerberos(false)
        .fallback_after_kerberos(false)
        .use_ccache(false)
}

/// An address and always a port: left alone with `IPC$`, libsmbclient would try port 139 first.
fn server(peer: SocketAddr) -> String {
    let address = match peer.ip() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    format!("smb://{address}:{}", peer.port())
}

/// A share's name as it stands in a URL.
fn encode(share: &str) -> String {
    let mut url = String::with_capacity(share.len());
    for byte in share.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'$') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

/// Why pavao did not say `Ok`.
enum Failure {
    Number(i32),
    Library(SmbError),
}

impl From<SmbError> for Failure {
    fn from(error: SmbError) -> Self {
        match error {
            SmbError::Io(error) => {
                error.raw_os_error().map_or_else(|| Self::Library(error.into()), Self::Number)
            }
            error => Self::Library(error),
        }
    }
}

impl Failure {
    fn is_timeout(&self) -> bool {
        matches!(self, Self::Number(errno::ETIMEDOUT))
    }

    fn meaning(self, proof: &Proof) -> Result<Answer, Fault> {
        let error = match self {
            Self::Number(number) => return of_errno(number, proof),
            Self::Library(error) => error,
        };
        Err(match &error {
            SmbError::ProtocolConfigurationConflict => Fault::misconfigured(
                Phase::Login,
                "another part of this program uses libsmbclient with other dialects",
            ),
            SmbError::Mutex => Fault::unavailable(
                Phase::Login,
                "libsmbclient is out of order since a crash; restart the program",
            ),
            _ => Fault::unavailable(Phase::Login, "libsmbclient failed"),
        }
        .caused_by(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_always_said() {
        assert_eq!(server("127.0.0.2:445".parse().unwrap()), "smb://127.0.0.2:445");
    }

    #[test]
    fn a_share_cannot_leave_its_place_in_the_url() {
        assert_eq!(encode("home$"), "home$");
        assert_eq!(encode("My Data/../x@y?"), "My%20Data%2F..%2Fx%40y%3F");
        assert_eq!(encode("ä%41"), "%C3%A4%2541");
    }

    #[test]
    fn a_library_failure_is_never_a_verdict() {
        for error in [
            SmbError::BadFileDescriptor,
            SmbError::BadValue,
            SmbError::Mutex,
            SmbError::ProtocolConfiguration,
            SmbError::ProtocolConfigurationConflict,
            SmbError::Io(io::Error::other("no number")),
        ] {
            assert!(Failure::from(error).meaning(&Proof::Pipe).is_err());
        }
    }
}
