//! Settings of an SSH backend.

use std::path::PathBuf;

use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// By what the server is known.
///
/// There is no trust on first use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HostKeyPin {
    /// The keys of this server in a `known_hosts` file, whose names may be hashed.
    KnownHosts(PathBuf),
    /// The fingerprint of its key: `SHA256:` and base64, as `ssh-keygen -l` prints it.
    Fingerprint(String),
}

/// The settings of one [`SshBackend`](super::SshBackend).
#[derive(Clone, Debug)]
pub struct SshSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) host_key: HostKeyPin,
    pub(super) refusal_texts: RefusalTexts,
}

impl SshSettings {
    /// The port of SSH (RFC 4253 section 4.1).
    pub const DEFAULT_PORT: u16 = 22;

    /// A server at `endpoint`, whose TLS settings do not matter: SSH encrypts by itself.
    pub fn new(id: BackendId, endpoint: Endpoint, host_key: HostKeyPin) -> Self {
        Self { id, endpoint, host_key, refusal_texts: RefusalTexts::default() }
    }

    /// Sets texts with which the server disconnects instead of refusing.
    ///
    /// Default: only those that are recognised anyway.
    #[must_use]
    pub fn with_refusal_texts(mut self, texts: RefusalTexts) -> Self {
        self.refusal_texts = texts;
        self
    }
}
