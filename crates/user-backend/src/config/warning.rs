//! Warnings about risky settings, for every start.

use std::fmt;

use crate::identity::BackendId;

/// Something in a configuration that works and that an operator should know of.
///
/// Print them all at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    backend: Option<BackendId>,
    setting: &'static str,
    text: String,
}

impl Warning {
    pub(super) fn new(backend: Option<BackendId>, setting: &'static str, text: impl Into<String>) -> Self {
        Self { backend, setting, text: text.into() }
    }

    /// The backend it is about; `None` for settings of the resolver.
    pub fn backend(&self) -> Option<&BackendId> {
        self.backend.as_ref()
    }

    /// The field it is about.
    pub fn setting(&self) -> &str {
        self.setting
    }

    /// The message, in lower case and without a full stop.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.backend {
            Some(backend) => write!(f, "backend \"{backend}\": {}: {}", self.setting, self.text),
            None => write!(f, "resolver: {}: {}", self.setting, self.text),
        }
    }
}
