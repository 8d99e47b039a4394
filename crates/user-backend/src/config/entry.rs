//! One entry of `user_backends`, checked and typed.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::identity::{BackendId, NameRules};
use crate::resolver::policy::Policy;
use crate::transport::Endpoint;

/// One entry of `user_backends`.
///
/// `Debug` shows the names of a third party's fields, not their values: they may be secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub(super) id: BackendId,
    pub(super) class: Arc<str>,
    pub(super) endpoint: Option<Endpoint>,
    pub(super) names: NameRules,
    pub(super) policy: Policy,
    pub(super) settings: ClassSettings,
}

impl Entry {
    /// The backend's stable name: the field `id`, or else made of class and host.
    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// The class in its short form, such as `imap`.
    pub fn class(&self) -> &str {
        &self.class
    }

    /// Where the server is. Always there for `imap`, `ftp` and `smb`; for a class of yours when `host` and `port` are.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The domain rules and the denied names.
    pub fn names(&self) -> &NameRules {
        &self.names
    }

    /// How the resolver treats this backend.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What only this class has.
    pub fn settings(&self) -> &ClassSettings {
        &self.settings
    }

    /// A field that only a class of yours knows. `None` when it is not there, and always for our own classes.
    pub fn custom(&self, field: &str) -> Option<&Json> {
        match &self.settings {
            ClassSettings::Custom(fields) => fields.get(field),
            _ => None,
        }
    }
}

/// What only one class has.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ClassSettings {
    /// `imap` has nothing of its own.
    Imap,
    /// `ftp` has nothing of its own.
    Ftp,
    /// `smb`.
    Smb {
        /// A share that is not open to guests.
        share: Option<String>,
        /// The workgroup or domain.
        workgroup: Option<String>,
        /// Which library speaks SMB.
        engine: Engine,
    },
    /// A class that somebody added to the [`Registry`](super::Registry).
    Custom(CustomFields),
}

/// Which library speaks SMB. The same words as `smb::SmbEngine`, which exists only with a feature.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Engine {
    /// libsmbclient (cargo feature `smb`). The default.
    #[default]
    Pavao,
    /// Pure Rust (cargo feature `smb-native`).
    Native,
}

/// The fields of an entry that only a third party's class knows. `Debug` shows their names only.
#[derive(Clone, Default, PartialEq)]
pub struct CustomFields(pub(super) BTreeMap<String, Json>);

impl CustomFields {
    /// One field.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// All fields, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Json)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// All fields as one object, to deserialise a struct from.
    pub fn to_json(&self) -> Json {
        Json::Object(self.0.clone().into_iter().collect())
    }
}

impl fmt::Debug for CustomFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}
