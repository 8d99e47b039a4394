//! Warnings about risky settings, for every start.

use std::fmt;
use std::sync::Arc;

use crate::document::error::Files;
use crate::document::tree::Position;
use crate::identity::BackendId;

/// Something in a configuration that works and that an operator should know of.
///
/// Print them all at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    backend: Option<BackendId>,
    setting: &'static str,
    text: String,
    place: Option<(Arc<str>, Position)>,
}

impl Warning {
    pub(super) fn new(backend: Option<BackendId>, setting: &'static str, text: impl Into<String>) -> Self {
        Self { backend, setting, text: text.into(), place: None }
    }

    /// Where the setting stands, or the entry that it is missing in.
    pub(super) fn at(mut self, files: &Files, at: Position) -> Self {
        self.place = Some((files.name(Some(at)), at));
        self
    }

    /// The backend it is about; `None` for settings of the resolver and of other sections.
    pub fn backend(&self) -> Option<&BackendId> {
        self.backend.as_ref()
    }

    /// The field it is about; in other sections than those of the library, with their name, such
    /// as `mail.ca_file`.
    pub fn setting(&self) -> &str {
        self.setting
    }

    /// The message, in lower case and without a full stop.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The file, as it was named to us.
    ///
    /// `None` when the warning is about a file as a whole, which its text names.
    pub fn file(&self) -> Option<&str> {
        self.place.as_ref().map(|(file, _)| &**file)
    }

    /// The line of the setting, counted from 1, or that of the entry if it is not written there.
    pub fn line(&self) -> Option<usize> {
        self.place.as_ref().map(|(_, at)| at.line)
    }

    /// The column, counted in characters from 1.
    pub fn column(&self) -> Option<usize> {
        self.place.as_ref().map(|(_, at)| at.column)
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, at)) = &self.place {
            write!(f, "{file}:{}:{}: ", at.line, at.column)?;
        }
        match &self.backend {
            Some(backend) => write!(f, "backend \"{backend}\": {}: {}", self.setting, self.text),
            None if self.setting.contains('.') => write!(f, "{}: {}", self.setting, self.text),
            None => write!(f, "resolver: {}: {}", self.setting, self.text),
        }
    }
}
