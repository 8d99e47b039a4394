//! Parsed types: a value is checked once, when it becomes one of these.

pub(crate) mod actor;
pub(crate) mod app_config;
pub(crate) mod clock;
pub(crate) mod credential_epoch;
pub(crate) mod display_name;
pub(crate) mod email;
pub(crate) mod error;
pub(crate) mod expiry;
pub(crate) mod first_sign_in;
pub(crate) mod group;
pub(crate) mod group_id;
pub(crate) mod language;
pub(crate) mod last_used;
pub(crate) mod local_password;
pub(crate) mod new_user;
pub(crate) mod profile;
pub(crate) mod profile_field;
pub(crate) mod quota;
pub(crate) mod random;
pub(crate) mod search_text;
pub(crate) mod service_token;
pub(crate) mod stored_hash;
pub(crate) mod text_type;
pub(crate) mod token;
pub(crate) mod user;
pub(crate) mod user_change;
pub(crate) mod user_filter;
pub(crate) mod user_id;

pub use actor::{Action, Actor, UsedCredential};
pub use clock::{Clock, SKEW, Timestamp};
pub use credential_epoch::{Changes, CredentialEpoch};
pub use display_name::{DisplayName, GroupDisplayName};
pub use email::EmailAddress;
pub use error::AccountsError;
pub use expiry::Expiry;
pub use first_sign_in::FirstSignIn;
pub use group::{Group, GroupFilter};
pub use group_id::{ADMIN_GROUP, GroupId};
pub use language::{Language, Locale};
pub use local_password::{LocalPassword, MAX_LOCAL_PASSWORD_BYTES, PasswordTooLong};
pub use new_user::NewUser;
pub use profile::{Profile, ProfileEntry};
pub use profile_field::{
    EditedBy, FieldRisk, FieldRules, FieldValue, ProfileField, ProfileScope, ProfileValue, Scopes,
};
pub use quota::Quota;
pub use random::NoRandomness;
pub(crate) use service_token::is_frontend_name;
pub use service_token::{ServiceToken, SourceNetworks, TokenScope, TokenScopes};
pub use stored_hash::StoredHash;
pub use token::{Token, TokenHash};
pub use user::{Details, Permissions, User};
pub use user_change::UserChange;
pub use user_filter::{Page, UserFilter};
pub use user_id::{BANNED, LOCAL_BACKEND, NewIdError, UserId};
