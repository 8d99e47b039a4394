//! The `user_backends` array.
//!
//! Which servers are asked, in which order, and how they are reached.
//!
//! Three formats say the same: TOML, JSON, and the `config.php` of the PHP app, which is read with
//! a real PHP parser as data (nothing in it is executed). An entry has a `class` and either named
//! fields or the positional `arguments` of the PHP app. The repository's `docs/configuration.md`
//! has the table of fields.
//!
//! ```
//! use user_backend::config::{Config, Format};
//!
//! let text = r#"
//! [[user_backends]]
//! class = "imap"
//! host = "mail.example.com"
//! tls = "implicit"
//! "#;
//! let config = Config::parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.entries()[0].id().as_str(), "imap:mail.example.com");
//! # Ok::<(), user_backend::config::InvalidConfig>(())
//! ```
//!
//! A file is read completely or not at all. Everything that is wrong with it is reported at once,
//! each error with its place, what was found and what was expected: see [`InvalidConfig`]. What
//! works but should be known is in [`Config::warnings`].
//!
//! Only `config/standard.rs` knows all classes: what there is to know about one is in its own
//! folder (see [`class`](crate::class)). The classes that a file was read with travel with the
//! [`Config`].

mod build;
mod endpoint;
mod entry_reader;
mod error_location;
mod fields;
mod help;
mod loader;
mod more_files;
mod policy;
mod raw;
#[cfg_attr(
    not(all(feature = "config-toml", feature = "config-json", feature = "config-php")),
    allow(dead_code, reason = "not every format needs all of it")
)]
mod read;
mod settings;
mod standard;
mod warning;

pub use build::{ConfiguredBackend, FromConfigError};
pub use loader::Loader;
pub use settings::ResolverSettings;
pub use warning::Warning;

pub use crate::brute_force::{Lockout, SourceRateLimit};
/// Earlier names.
pub use crate::brute_force::{Lockout as Lock, SourceRateLimit as Throttle};
pub use crate::class::{ClassRegistry, Entry};
pub use crate::client_address::{Network, NetworkError};
#[doc(hidden)]
pub use crate::document::secret_values::{is_secret, names_a_secret};
pub use crate::document::{ConfigError, Format, InvalidConfig};

use std::path::Path;

use crate::document::error::Files;
use crate::document::tree::Position;

/// The key of the array, in every format.
const BACKENDS: &str = "user_backends";

/// A configuration that was read and checked.
#[derive(Clone, Debug)]
pub struct Config {
    files: Files,
    /// The classes it was read with, of which its backends are made.
    registry: ClassRegistry,
    entries: Vec<Entry>,
    origins: Vec<Origin>,
    resolver: ResolverSettings,
    sections: Vec<raw::RawSection>,
    warnings: Vec<Warning>,
}

/// The position of an entry in the file.
#[derive(Clone, Copy, Debug)]
struct Origin {
    index: usize,
    at: Position,
    /// Whether it has `arguments`.
    is_positional: bool,
}

impl Config {
    /// The classes that it was read with.
    pub fn registry(&self) -> &ClassRegistry {
        &self.registry
    }

    /// Reads a file with the classes of this crate.
    ///
    /// See [`Loader::load`].
    ///
    /// # Errors
    /// [`InvalidConfig`]: everything that is wrong with it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, InvalidConfig> {
        Loader::new().load(path)
    }

    /// Reads a text with the classes of this crate.
    ///
    /// See [`Loader::parse`].
    ///
    /// # Errors
    /// [`InvalidConfig`]: everything that is wrong with it.
    pub fn parse(text: &str, format: Format, name: &str) -> Result<Self, InvalidConfig> {
        Loader::new().parse(text, format, name)
    }

    /// The crypto provider for the TLS connections of its backends.
    ///
    /// Default: see
    /// [`Endpoint::with_crypto_provider`](crate::transport::Endpoint::with_crypto_provider).
    #[cfg(feature = "crypto-provider")]
    #[must_use]
    pub fn with_crypto_provider(mut self, provider: std::sync::Arc<rustls::crypto::CryptoProvider>) -> Self {
        for endpoint in self.entries.iter_mut().filter_map(|entry| entry.endpoint.as_mut()) {
            *endpoint = endpoint.clone().with_crypto_provider(std::sync::Arc::clone(&provider));
        }
        self
    }

    /// The same for a program that makes one attempt and ends.
    ///
    /// No connection is prepared for a next one (`warm`).
    #[must_use]
    pub fn for_one_attempt(mut self) -> Self {
        self.entries.iter_mut().for_each(|entry| entry.policy.warm = 0);
        self
    }

    /// The entries of `user_backends`, in the order of the array.
    ///
    /// Never empty, unless [`Loader::allow_no_backends`] is set.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The settings of the resolver as a whole.
    pub fn resolver(&self) -> &ResolverSettings {
        &self.resolver
    }

    /// Warnings about risky settings: print them at every start.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }
}

#[cfg(test)]
#[cfg(all(
    feature = "imap",
    feature = "ftp",
    feature = "config-toml",
    feature = "config-json",
    feature = "config-php"
))]
mod tests;
