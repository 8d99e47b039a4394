//! The user provisioning API, as clients of the PHP system speak it (Open Collaboration Services).
//!
//! From the ground up: [`data`] the tree of an answer; [`xml`] and [`json`] how it is written; [`code`] and [`envelope`] what
//! is put around it; [`format`](mod@format) who decides about the format; [`params`] and [`path`] what a caller sends; [`route`] the one table
//! of routes; [`caller`] who calls and what they may do; [`endpoints`] what each does; [`serve`](mod@serve) one call from beginning to end.

pub mod caller;
pub mod code;
pub mod data;
pub mod endpoints;
pub mod envelope;
pub mod format;
pub mod json;
pub mod long;
pub mod params;
pub mod path;
pub mod route;
pub mod serve;
pub mod xml;
