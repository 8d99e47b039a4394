//! Classes of backends, ours or yours, as the configuration sees them.
//!
//! Implement [`Class`], and add yours to the [`ClassRegistry`] that a configuration is read with,
//! also before a [reload](crate::Resolver::reload):
//!
//! ```
//! use std::sync::Arc;
//! use user_backend::class::{Class, ClassRegistry, Entry, EntryError, FieldSpec, TransportSpec};
//! use user_backend::config::{Config, Format, Loader};
//! use user_backend::{StaticBackend, UserBackend};
//!
//! /// One user, named in the configuration.
//! #[derive(Debug)]
//! struct Demo;
//!
//! impl Class for Demo {
//!     fn name(&self) -> &'static str {
//!         "demo"
//!     }
//!
//!     fn fields(&self) -> &'static [FieldSpec] {
//!         const FIELDS: &[FieldSpec] = &[FieldSpec::text("user", "the only user").required()];
//!         FIELDS
//!     }
//!
//!     fn transport(&self) -> TransportSpec {
//!         TransportSpec::new().without_server("its user is in this file")
//!     }
//!
//!     fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
//!         let user = entry.text("user").unwrap_or_default();
//!         Ok(Arc::new(StaticBackend::new(entry.id().as_str())?.with_user(user, "Wonderland-1")))
//!     }
//! }
//!
//! let loader = Loader::new().with_registry(ClassRegistry::standard().with(Demo));
//! let config = loader.parse("[[user_backends]]\nclass = \"demo\"\nuser = \"alice\"", Format::Toml, "demo.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! assert!(loader.parse("[[user_backends]]\nclass = \"demo\"\nusr = \"alice\"", Format::Toml, "demo.toml").is_err());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Own fields may also be a struct that serde reads, see [`SettingsSpec`]. `examples/custom_class`
//! in the repository has a server, TLS and positional arguments.

mod arguments;
mod contract;
mod entry;
mod error;
mod fields;
mod own_fields;
pub(crate) mod read;
mod registry;
mod settings;
mod transport;

pub use arguments::{Arguments, Located, NamedArguments, NamedFields, PositionalTls};
pub use contract::Class;
pub use entry::{Entry, FirstSignIn};
pub use error::EntryError;
pub use fields::FieldSpec;
pub use own_fields::OwnFields;
pub use registry::ClassRegistry;
pub use settings::SettingsSpec;
pub use transport::TransportSpec;

pub use crate::document::{Field, Problem};
