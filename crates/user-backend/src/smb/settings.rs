//! Settings of an SMB backend.

use serde::{Deserialize, Serialize};

use crate::error::{BackendError, Phase};
use crate::identity::BackendId;
use crate::smb::Isolation;
use crate::transport::Endpoint;

/// Longest share name in characters (MS-SRVS section 2.2.2.3).
const MAX_SHARE_CHARS: usize = 80;

/// Longest workgroup in bytes; libsmbclient would cut a longer one.
const MAX_WORKGROUP_BYTES: usize = 255;

/// Which library speaks SMB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SmbEngine {
    /// [`Native`](Self::Native), or [`Pavao`](Self::Pavao) where only that will do.
    ///
    /// `Pavao` is taken if a share is set, because it alone makes sure that the user can open the
    /// share, and in programs without the cargo feature `smb-native`. The default.
    #[default]
    Auto,
    /// libsmbclient through the crate pavao (cargo feature `smb-helper`, or `smb`).
    Pavao,
    /// The crate smb2, pure Rust (cargo feature `smb-native`).
    Native,
}

impl SmbEngine {
    /// Whether the engine `native` runs, and not `pavao`.
    pub(super) fn is_native(self, has_share: bool) -> bool {
        match self {
            Self::Auto => cfg!(feature = "smb-native") && !has_share,
            Self::Pavao => false,
            Self::Native => true,
        }
    }
}

/// Which names with a domain are sent to the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct DomainForms {
    /// `alice@corp.example`.
    pub(super) addresses: bool,
    /// `CORP\alice`.
    pub(super) windows: bool,
}

impl DomainForms {
    /// As the configuration has them: the domain rules decide.
    pub(super) const ALL: Self = Self { addresses: true, windows: true };
}

/// The settings of one [`SmbBackend`](super::SmbBackend).
#[derive(Clone, Debug)]
pub struct SmbSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) domains: DomainForms,
    pub(super) share: Option<String>,
    pub(super) workgroup: String,
    pub(super) engine: SmbEngine,
    pub(super) isolation: Isolation,
}

impl SmbSettings {
    /// The port for SMB over TCP.
    pub const DEFAULT_PORT: u16 = 445;

    /// The workgroup when nothing else is set.
    pub const DEFAULT_WORKGROUP: &str = "WORKGROUP";

    /// A server at `endpoint`, without a share, with the default engine.
    ///
    /// The TLS settings of the endpoint have no effect: SMB has its own protection.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self {
            id,
            endpoint,
            domains: DomainForms::default(),
            share: None,
            workgroup: Self::DEFAULT_WORKGROUP.to_owned(),
            engine: SmbEngine::default(),
            isolation: Isolation::default(),
        }
    }

    /// Whether names with an `@` are sent (default: no, they are not this server's).
    ///
    /// Where they are, the resolver's domain rules must make one name of `alice` and
    /// `alice@corp.example`, which are one account.
    #[must_use]
    pub fn with_addresses(mut self, on: bool) -> Self {
        self.domains.addresses = on;
        self
    }

    /// Whether names with an `@` or a Windows domain, `CORP\\alice`, are sent (default: no).
    ///
    /// All of them are one account at most servers. Use it only with a resolver whose rules decide
    /// which of them reach this backend.
    #[must_use]
    pub fn with_domains(mut self, on: bool) -> Self {
        self.domains = DomainForms { addresses: on, windows: on };
        self
    }

    /// Sets a share that each user must be able to open; it chooses the engine `pavao`.
    ///
    /// That engine proves a session with it. Without a share it opens the pipe `srvsvc`, which is
    /// slower by the start of a process on the server.
    #[must_use]
    pub fn with_share(mut self, share: impl Into<String>) -> Self {
        self.share = Some(share.into());
        self
    }

    /// Sets the workgroup or domain (default `WORKGROUP`).
    #[must_use]
    pub fn with_workgroup(mut self, workgroup: impl Into<String>) -> Self {
        self.workgroup = workgroup.into();
        self
    }

    /// Chooses the library that speaks SMB (default [`SmbEngine::Auto`]).
    #[must_use]
    pub fn with_engine(mut self, engine: SmbEngine) -> Self {
        self.engine = engine;
        self
    }

    /// Chooses where libsmbclient runs, for the engine `pavao`.
    #[must_use]
    pub fn with_isolation(mut self, isolation: Isolation) -> Self {
        self.isolation = isolation;
        self
    }

    /// Whether the engine `native` runs.
    pub(super) fn is_native(&self) -> bool {
        self.engine.is_native(self.share.is_some())
    }

    /// Finds what no server could have.
    pub(super) fn check(&self) -> Result<(), BackendError> {
        let no = |detail: String| Err(BackendError::misconfigured(Phase::Connect, detail));
        if let Some(share) = &self.share {
            if share.eq_ignore_ascii_case("IPC$") {
                return no("share \"IPC$\" proves nothing; leave the setting out".to_owned());
            }
            let fits = !share.is_empty() && share.chars().count() <= MAX_SHARE_CHARS;
            if !fits || share.contains(|c: char| c.is_control() || "\"/\\[]:|<>+=;,*?".contains(c)) {
                return no(format!(
                    "share {share:?} cannot be the name of a share; it is a name, not a path"
                ));
            }
        }
        if cfg!(not(target_os = "linux")) && matches!(self.isolation, Isolation::Program(_)) {
            return no("helper processes for libsmbclient need Linux".to_owned());
        }
        let workgroup = &self.workgroup;
        let fits = !workgroup.is_empty() && workgroup.len() <= MAX_WORKGROUP_BYTES;
        if !fits || workgroup.contains(|c: char| c.is_control() || c.is_whitespace() || "\\/@".contains(c)) {
            return no(format!("workgroup {workgroup:?} cannot be the name of a workgroup or domain"));
        }
        Ok(())
    }
}
