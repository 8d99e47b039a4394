//! Which apps there are, and what they tell about themselves.

mod catalogue;
mod manifest;

pub use catalogue::{About, Catalogue, EXTERNAL_APP, Feature, Fixed, Installed};
pub use manifest::Element;
