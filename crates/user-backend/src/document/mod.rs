//! Documents of any format: a tree of values with positions, and typed reading.
//!
//! Reading reports every error.
//!
//! It knows nothing of backends. The formats are in `config/read`; what the fields mean is in
//! `config` and `class`.

pub(crate) mod by_serde;
pub(crate) mod duration;
pub(crate) mod error;
pub(crate) mod field_value;
pub(crate) mod host;
pub(crate) mod secret_values;
pub(crate) mod section;
pub(crate) mod source;
pub(crate) mod tree;

pub use error::{ConfigError, InvalidConfig, Problem};
pub use section::Field;
pub use source::Format;
