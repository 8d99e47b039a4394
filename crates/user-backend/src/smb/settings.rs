//! What one SMB backend needs to know.

use serde::{Deserialize, Serialize};

use crate::identity::{BackendId, NameRules};
use crate::transport::Endpoint;

/// Which library speaks SMB.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SmbEngine {
    /// libsmbclient through the crate pavao (cargo feature `smb`). The default.
    #[default]
    Pavao,
    /// The crate smb2, pure Rust (cargo feature `smb-native`).
    Native,
}

/// The settings of one [`SmbBackend`](super::SmbBackend).
#[derive(Clone, Debug)]
pub struct SmbSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) names: NameRules,
    pub(super) share: Option<String>,
    pub(super) workgroup: String,
    pub(super) engine: SmbEngine,
}

impl SmbSettings {
    /// The workgroup when nothing else is set.
    pub const DEFAULT_WORKGROUP: &str = "WORKGROUP";

    /// A server at `endpoint` (its TLS settings do not matter: SMB has its own protection), with the default name
    /// rules, no share, and the default engine.
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self {
            id,
            endpoint,
            names: NameRules::default(),
            share: None,
            workgroup: Self::DEFAULT_WORKGROUP.to_owned(),
            engine: SmbEngine::default(),
        }
    }

    /// Sets the name rules.
    #[must_use]
    pub fn with_names(mut self, names: NameRules) -> Self {
        self.names = names;
        self
    }

    /// Names a share that is not open to guests: the fastest and safest way to prove a session.
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

    /// Chooses the library that speaks SMB.
    #[must_use]
    pub fn with_engine(mut self, engine: SmbEngine) -> Self {
        self.engine = engine;
        self
    }
}
