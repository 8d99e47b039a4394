//! Which apps there are, and what they tell about themselves.

mod catalogue;
mod manifest;

pub use catalogue::{AppCatalogue, AppFeature, AppInfo, AppNotSwitchable, EXTERNAL_APP, InstalledApp};
pub use manifest::ManifestElement;
