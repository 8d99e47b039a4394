//! The user provisioning API, as clients of the PHP system speak it (Open Collaboration Services).

pub mod app_passwords;
pub mod apps;
pub mod call;
pub mod caller;
pub mod envelope;
pub mod groups;
pub mod operation;
pub mod params;
pub mod path;
pub mod routes;
pub(crate) mod schema;
pub mod serve;
pub mod service_info;
pub mod users;
