//! One connection to a directory.
//!
//! [`reply`](super::reply) decides what results mean.
//!
//! RFC 4511 sections 4.1.1 (message ids, unsolicited notices), 4.2 (bind), 4.5 (search), 4.14
//! (StartTLS).

use std::io;
use std::net::SocketAddr;

use rasn_ldap::{
    Filter, LdapMessage, LdapString, ProtocolOp, ResultCode, SearchRequest, SearchRequestDerefAliases,
    SearchRequestScope,
};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::message;
use super::reply::{Stage, judge, proceed};
use crate::clock::Instant;
use crate::error::{BackendError, FailureKind, Phase};
use crate::refusal::{RefusalTexts, Refused, ReplyText, Sent};
use crate::transport::{
    BoundedStream, Endpoint, TlsClient, TlsMode, TlsSummary, broken, dial, encrypt, open, within,
};

/// Maximum of bytes read from one connection: a few entries, and one user's groups.
pub(super) const MAX_BYTES: usize = 512 * 1024;

/// Most entries of one search.
const MAX_ENTRIES: usize = 1000;

/// An entry that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct DirectoryEntry {
    pub(super) dn: String,
    attributes: Vec<(String, Vec<String>)>,
}

impl DirectoryEntry {
    /// The values of an attribute that are texts.
    pub(super) fn values<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a str> {
        let same = self.attributes.iter().filter(|(name, _)| name.eq_ignore_ascii_case(attribute));
        same.flat_map(|(_, values)| values).map(String::as_str)
    }
}

/// Where and what to search.
#[derive(Clone, Debug)]
pub(super) struct Search<'a> {
    pub(super) base: &'a str,
    pub(super) scope: SearchRequestScope,
    pub(super) filter: Filter,
    pub(super) attributes: &'a [&'a str],
    pub(super) limit: u32,
}

/// An open connection, encrypted where it must be.
pub(super) struct Session {
    stream: BoundedStream,
    deadline: Instant,
    last_id: u32,
    pub(super) peer: Option<SocketAddr>,
    pub(super) tls: Option<TlsSummary>,
}

impl Session {
    /// Connects and encrypts.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsClient>,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let bounded = |stream| BoundedStream::new(stream, MAX_BYTES);
        if endpoint.tls() != TlsMode::Explicit {
            let opened = open(endpoint, tls, deadline).await?;
            let stream = bounded(opened.stream);
            return Ok(Self { stream, deadline, last_id: 0, peer: opened.peer, tls: opened.tls });
        }
        let tls =
            tls.ok_or_else(|| BackendError::misconfigured(Phase::Tls, "no certificates were loaded"))?;
        let mut socket = dial(endpoint, deadline).await?;
        let peer = socket.peer_addr().ok();
        within(deadline, Phase::Tls, start_tls(&mut socket)).await?;
        let (stream, summary) = encrypt(tls, socket, endpoint, deadline).await?;
        // The ids go on where StartTLS was 1.
        Ok(Self { stream: bounded(stream), deadline, last_id: 1, peer, tls: Some(summary) })
    }

    /// Signs in with the account that searches.
    ///
    /// # Errors
    /// A [`BackendError`] when the server does not accept it.
    pub(super) async fn bind_service(&mut self, dn: &str, password: &str) -> Result<(), BackendError> {
        let phase = Stage::Service.phase();
        let (code, _) = self.bind(dn, password, phase).await?;
        proceed(Stage::Service, code)
    }

    /// Presents the user's password.
    ///
    /// `Ok(Ok(()))` is the verified yes.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither accepted nor rejected it.
    pub(super) async fn bind_user(
        &mut self,
        dn: &str,
        sent: Sent<'_>,
        taught: &RefusalTexts,
    ) -> Result<Result<(), Refused>, BackendError> {
        // A name without a password signs in no one and is answered with success (RFC 4513 section
        // 5.1.2), as is no name.
        if dn.is_empty() || sent.password.is_empty() {
            return Err(BackendError::protocol(
                Phase::Login,
                "nothing was sent: the name or the password is empty",
            ));
        }
        let answer = self.bind(dn, sent.password, Phase::Login).await;
        let (code, diagnostic) = answer.map_err(|error| match error.failure_kind() {
            FailureKind::Unavailable => error.without_answer(),
            _ => error.counting_as_guess(),
        })?;
        let mut text = ReplyText::default();
        text.add(diagnostic.as_bytes());
        let words = text.judge(taught, sent);
        Ok(match judge(code, &diagnostic, &words)? {
            None => Ok(()),
            Some(rejection) => Err((rejection, words.message)),
        })
    }

    async fn bind(
        &mut self,
        dn: &str,
        password: &str,
        phase: Phase,
    ) -> Result<(ResultCode, String), BackendError> {
        let id = self.next_id();
        self.send(&message::bind(id, dn, password), phase).await?;
        match self.receive(id, phase).await? {
            ProtocolOp::BindResponse(answer) => Ok((answer.result_code, answer.diagnostic_message.0)),
            _ => Err(unexpected(phase)),
        }
    }

    /// Searches.
    ///
    /// `Err(code)` inside: what the server answered instead of success.
    ///
    /// # Errors
    /// A [`BackendError`] when there is no result.
    pub(super) async fn search(
        &mut self,
        search: Search<'_>,
    ) -> Result<Result<Vec<DirectoryEntry>, ResultCode>, BackendError> {
        let phase = Stage::Search.phase();
        let attributes = search.attributes.iter().map(|name| LdapString::from(*name)).collect();
        let request = SearchRequest::new(
            search.base.into(),
            search.scope,
            SearchRequestDerefAliases::NeverDerefAliases,
            search.limit,
            0,
            false,
            search.filter,
            attributes,
        );
        let id = self.next_id();
        let bytes = message::write(id, ProtocolOp::SearchRequest(request));
        let bytes = bytes.ok_or_else(|| BackendError::misconfigured(phase, "the search cannot be sent"))?;
        self.send(&bytes, phase).await?;
        let mut found = Vec::new();
        loop {
            match self.receive(id, phase).await? {
                ProtocolOp::SearchResEntry(entry) => {
                    if found.len() == MAX_ENTRIES {
                        return Err(BackendError::protocol(phase, "the server sends too many entries"));
                    }
                    found.push(entry_of(entry));
                }
                // No other server is asked.
                ProtocolOp::SearchResRef(_) => {}
                ProtocolOp::SearchResDone(done) => {
                    let code = done.0.result_code;
                    return Ok(if code == ResultCode::Success { Ok(found) } else { Err(code) });
                }
                _ => return Err(unexpected(phase)),
            }
        }
    }

    /// Searches, and insists on success.
    ///
    /// # Errors
    /// A [`BackendError`] for every other result.
    pub(super) async fn entries(&mut self, search: Search<'_>) -> Result<Vec<DirectoryEntry>, BackendError> {
        match self.search(search).await? {
            Ok(found) => Ok(found),
            Err(code) => proceed(Stage::Search, code).map(|()| Vec::new()),
        }
    }

    fn next_id(&mut self) -> u32 {
        self.last_id += 1;
        self.last_id
    }

    async fn send(&mut self, bytes: &[u8], phase: Phase) -> Result<(), BackendError> {
        let stream = &mut self.stream;
        within(self.deadline, phase, async {
            stream.write_all(bytes).await.map_err(|error| explain(phase, &error))?;
            stream.flush().await.map_err(|error| explain(phase, &error))
        })
        .await
    }

    async fn receive(&mut self, id: u32, phase: Phase) -> Result<ProtocolOp, BackendError> {
        let stream = &mut self.stream;
        let read = async { message::read(stream).await.map_err(|error| explain(phase, &error)) };
        operation(within(self.deadline, phase, read).await?, id, phase)
    }
}

/// The answer to the request with this id.
fn operation(message: LdapMessage, id: u32, phase: Phase) -> Result<ProtocolOp, BackendError> {
    match (message.message_id, message.protocol_op) {
        (found, operation) if found == id => Ok(operation),
        (0, ProtocolOp::ExtendedResp(_)) => {
            Err(BackendError::unavailable(phase, "the server ends the connection"))
        }
        _ => Err(unexpected(phase)),
    }
}

/// Asks for TLS on an open connection.
async fn start_tls(socket: &mut TcpStream) -> Result<(), BackendError> {
    let (id, phase) = (1, Phase::Tls);
    socket.write_all(message::START_TLS).await.map_err(|error| explain(phase, &error))?;
    let answer = {
        // Byte for byte from the socket: what comes after the answer is not read here.
        let mut bounded = BoundedStream::new(&mut *socket, message::MAX_MESSAGE);
        message::read(&mut bounded).await.map_err(|error| explain(phase, &error))?
    };
    match operation(answer, id, phase)? {
        ProtocolOp::ExtendedResp(answer) => proceed(Stage::StartTls, answer.result_code)?,
        _ => return Err(unexpected(phase)),
    }
    // Whatever came in clear text after the answer would be taken for something that the server
    // said under TLS.
    match BoundedStream::new(socket, 1).is_quiet().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(BackendError::protocol(phase, "the server spoke before it was asked")),
        Err(error) => Err(explain(phase, &error)),
    }
}

fn entry_of(entry: rasn_ldap::SearchResultEntry) -> DirectoryEntry {
    let texts = |attribute: rasn_ldap::PartialAttribute| {
        let values = attribute.vals.iter().filter_map(|value| String::from_utf8(value.to_vec()).ok());
        (attribute.r#type.0, values.collect())
    };
    DirectoryEntry { dn: entry.object_name.0, attributes: entry.attributes.into_iter().map(texts).collect() }
}

fn explain(phase: Phase, error: &io::Error) -> BackendError {
    match error.kind() {
        io::ErrorKind::InvalidData if error.get_ref().is_none_or(|inner| !inner.is::<rustls::Error>()) => {
            BackendError::protocol(phase, "the server does not speak LDAP")
        }
        _ => broken(phase, error),
    }
}

fn unexpected(phase: Phase) -> BackendError {
    BackendError::protocol(phase, "the server broke the rules of LDAP")
}
