//! The engine `native`: one session set-up through the crate smb2.
//!
//! MS-SMB2 section 3.2.4.2, NTLMv2 of MS-NLMP.
//!
//! A yes needs proof, because the last answer of a session set-up arrives before anything protects
//! the connection. With SMB 3 smb2 itself requires that answer to be signed with the key of the
//! session, which only a server can have that knows the password; a missing or wrong signature is
//! an error. With SMB 2 servers need not sign it, so an attacker on the network could choose the
//! old dialect and say yes. There, one more request is made on the session (the tree `IPC$`): smb2
//! accepts no unsigned answer to it, and any signed one proves the key.

use std::net::SocketAddr;
use std::sync::Arc;

use smb2::client::Connection;
use smb2::msg::tree_connect::{TreeConnectRequest, TreeConnectRequestFlags};
use smb2::types::{Command, Dialect};
use smb2::{Error, Session};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::framed_socket::{FramedSocket, Half};
use super::greeting::{Greeting, greet};
use super::names::Account;
use super::reply::{ACCESS_DENIED, SmbAnswer, of_status};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::secret::Password;
use crate::transport::{Endpoint, dial, within};
use crate::verdict::Rejection;

/// Logins through smb2.
#[derive(Debug)]
pub(super) struct Native {
    endpoint: Endpoint,
    workgroup: String,
}

impl Native {
    pub(super) fn new(endpoint: Endpoint, workgroup: String) -> Self {
        Self { endpoint, workgroup }
    }

    /// Connects to the server and greets it.
    pub(super) async fn ping(&self, deadline: Instant) -> Result<(SocketAddr, Greeting), BackendError> {
        let stream = dial(&self.endpoint, deadline).await?;
        let peer = stream.peer_addr().map_err(|error| {
            BackendError::unavailable(Phase::Connect, "the server closed the connection").with_source(error)
        })?;
        Ok((peer, greet(stream, deadline).await?))
    }

    /// Presents a name and a password.
    ///
    /// # Errors
    /// A [`BackendError`] when the server could not decide, or did not prove that it knows the
    /// password.
    ///
    /// # Cancellation
    /// The connection is closed.
    pub(super) async fn login(
        &self,
        account: Account<'_>,
        password: &Password,
        deadline: Instant,
    ) -> Result<NativeAnswer, BackendError> {
        let stream = dial(&self.endpoint, deadline).await?;
        let name = account.name.to_owned();
        // `user@domain` is a whole name; a workgroup beside it would contradict it.
        let workgroup = match account.domain {
            Some(domain) => domain.to_owned(),
            None if name.contains('@') => String::new(),
            None => self.workgroup.clone(),
        };
        let host = self.endpoint.host().to_owned();
        let password = password.clone();
        let (mut connection, dialect, wire) =
            guarded(deadline, Phase::Greeting, negotiate(stream, host)).await?;
        guarded(deadline, Phase::Login, async move {
            let answer = match session(&mut connection, dialect, &name, &password, &workgroup).await {
                Ok(answer) => answer,
                Err(Error::Protocol { status, command: Command::SessionSetup })
                    if status.0 == ACCESS_DENIED =>
                {
                    return Ok(NativeAnswer::EncryptionRequired);
                }
                Err(error) => meaning(error, &wire, Phase::Login)?,
            };
            Ok(NativeAnswer::Answer(answer))
        })
        .await
    }
}

/// The result of a login.
#[derive(Debug)]
pub(super) enum NativeAnswer {
    /// It was decided.
    Answer(SmbAnswer),
    /// The credentials are right, and the server wants the session encrypted.
    EncryptionRequired,
}

async fn negotiate(
    stream: TcpStream,
    host: String,
) -> Result<(Connection, Dialect, Arc<FramedSocket>), BackendError> {
    let wire = FramedSocket::new(stream);
    let halves = (Half(Arc::clone(&wire)), Half(Arc::clone(&wire)));
    let mut connection = Connection::from_transport(Box::new(halves.0), Box::new(halves.1), host);
    if let Err(error) = connection.negotiate().await {
        return Err(fault(error, &wire, Phase::Greeting));
    }
    match connection.params() {
        Some(params) => Ok((connection, params.dialect, wire)),
        None => Err(BackendError::protocol(Phase::Greeting, "the server agreed on no dialect")),
    }
}

async fn session(
    connection: &mut Connection,
    dialect: Dialect,
    name: &str,
    password: &Password,
    workgroup: &str,
) -> smb2::Result<SmbAnswer> {
    Session::setup(connection, name, password.expose(), workgroup).await?;
    if matches!(dialect, Dialect::Smb2_0_2 | Dialect::Smb2_1) {
        let path = format!("\\\\{}\\IPC$", connection.server_name());
        let tree = TreeConnectRequest { flags: TreeConnectRequestFlags::default(), path };
        connection.execute(Command::TreeConnect, &tree, None).await?;
    }
    Ok(SmbAnswer::Yes)
}

/// Runs in a separate task, so that a panic of the library only fails this login.
///
/// The task ends with the future.
async fn guarded<T: Send + 'static>(
    deadline: Instant,
    phase: Phase,
    work: impl Future<Output = Result<T, BackendError>> + Send + 'static,
) -> Result<T, BackendError> {
    let mut tasks = JoinSet::new();
    tasks.spawn(work);
    within(deadline, phase, async {
        match tasks.join_next().await {
            Some(Ok(done)) => done,
            _ => Err(BackendError::unavailable(phase, "the SMB library broke down")),
        }
    })
    .await
}

/// What a failed session set-up means.
fn meaning(error: Error, wire: &FramedSocket, phase: Phase) -> Result<SmbAnswer, BackendError> {
    match error {
        Error::Protocol { status, command: Command::SessionSetup } => of_status(status.0),
        // The server does not know this person, or not with this password, and offers an anonymous
        // session instead.
        Error::GuestSessionRefused { .. } => Ok(SmbAnswer::No(Rejection::BadCredentials)),
        error => Err(fault(error, wire, phase)),
    }
}

/// The error of a closed connection.
///
/// During the login, the server may have compared the password before.
fn ended(phase: Phase, text: &str) -> BackendError {
    let error = BackendError::unavailable(phase, text);
    if phase == Phase::Login { error.without_answer() } else { error }
}

fn fault(error: Error, wire: &FramedSocket, phase: Phase) -> BackendError {
    if let Some(how) = wire.broken() {
        return BackendError::protocol(phase, how);
    }
    match error {
        Error::Protocol { status, .. } => BackendError::protocol(
            phase,
            format!("the server agreed on no dialect (status 0x{:08x})", status.0),
        ),
        Error::SignatureInvalid { .. } => BackendError::protocol(
            phase,
            "the server did not prove that it knows the password; an attacker may speak in its place",
        ),
        Error::InvalidData { .. } | Error::Auth { .. } => {
            BackendError::protocol(phase, "the server does not speak SMB 2 or 3 as it should")
        }
        // Not a silence that may hide an answer: one request is under way at a time, so this is
        // known at once.
        Error::CreditStarvation { .. } => {
            BackendError::protocol(phase, "the server allows no further request")
        }
        Error::Timeout | Error::ServerUnresponsive { .. } => BackendError::timed_out(phase),
        Error::Io(error) => ended(phase, "the connection broke").with_source(error),
        _ => ended(phase, "the server closed the connection"),
    }
}
