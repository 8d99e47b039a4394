//! Users, groups, applications and local passwords in one store.
//!
//! The store is a SQLite file, with nothing to set up, or a PostgreSQL database. Everything that
//! belongs together is written in one transaction; what was acknowledged survives a power cut; what
//! was not leaves no trace.
//!
//! ```
//! use accounts::{Accounts, GroupId, NewUser, StoreSettings, UserFilter, UserId};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("accounts.db");
//! let accounts = Accounts::open(&StoreSettings::sqlite(path)).await?.as_system();
//! let staff = GroupId::parse("staff")?;
//! accounts.groups().create(&staff, Some("Staff".parse()?)).await?;
//!
//! let frank = UserId::parse("Frank")?;
//! accounts.users().create(NewUser::new(frank.clone()).email("frank@example.com".parse()?).group(staff)).await?;
//!
//! let page = accounts.users().page(&UserFilter::new().search("EXAMPLE").limit(25)).await?;
//! assert_eq!(page.items[0].id.as_str(), "Frank");
//! # Ok(())
//! # }
//! ```
//!
//! # Layers
//! | folder | contents | may use |
//! |---|---|---|
//! | `domain` | parsed types: a value is checked once, when it becomes one of them | |
//! | `store` | all SQL, one file per table; [`Accounts`] opens it | `domain` |
//! | `service` | work on more than one table: provisioning, passwords, reset, mail, invalidation | `domain`, `store` |
//!
//! # Tables
//! | method | contents |
//! |---|---|
//! | [`Accounts::users`] | create, find, list, change, disable, delete |
//! | [`Accounts::groups`] | groups, members, sub-admins |
//! | [`Accounts::outbox`] | mails to be sent |
//! | [`Accounts::passwords`] | hashes of local passwords |
//! | [`Accounts::app_passwords`], [`Accounts::sessions`], [`Accounts::reset_tokens`] | app passwords, sessions, password resets |
//! | [`Accounts::pins`] | which backend owns a name; [`Accounts::pin_store`] for the resolver |
//! | [`Accounts::snapshot`] | what a server asks at every call, in one statement |
//! | [`Accounts::apps`], [`Accounts::preferences`] | apps, their configuration, users' preferences |
//! | [`Accounts::credential_epoch`] | how processes notice that credentials ended elsewhere |
//! | [`Accounts::failed_logins`], [`Accounts::instances`] | failed sign-ins by source and user, and the running servers |
//! | [`Accounts::audit`] | the audit log |
//! | [`ServerSettings`] | the settings of an installation, as the server and the command line read them |
//!
//! # Several processes
//! Any number of processes may open the same store. What one has written, the others read;
//! [`InvalidationWatcher`] keeps their caches up to date.

#![forbid(unsafe_code)]

mod config;
#[cfg(test)]
mod documented_settings;
mod domain;
mod frontend_settings;
mod page_settings;
mod server_settings;
mod service;
#[cfg(test)]
mod settings_errors;
mod shown_config;
mod socket_settings;
mod store;
mod valkey_settings;

pub use domain::{
    ADMIN_GROUP, AccountsError, Action, Actor, AppSetting, AppValueType, BANNED, Clock, CredentialEpoch,
    Details, DisplayName, EditedBy, EmailAddress, EndedCredentials, Expiry, FieldRisk, FieldRules,
    FieldValue, FirstSignIn, Group, GroupDisplayName, GroupFilter, GroupId, LOCAL_BACKEND,
    LOCAL_BACKEND_IN_API, Language, LocalPassword, Locale, MAX_LOCAL_PASSWORD_BYTES, NewIdError, NewUser,
    NextAttempt, NoRandomness, Page, PasswordTooLong, Permissions, PhoneRegion, Profile, ProfileEntry,
    ProfileField, ProfileScope, ProfileValue, Quota, SKEW, Scopes, ServiceToken, SourceNetworks, StoredHash,
    Timestamp, Token, TokenHash, TokenScope, TokenScopes, UsedCredential, User, UserChange, UserFilter,
    UserId, international_phone_number,
};
pub use frontend_settings::{
    ForwardAuthRule, ForwardAuthSettings, FrontendKey, FrontendSettings, HostName, LoginRedirect,
    NginxMailSettings, PathPrefix, RequestPath,
};
pub use page_settings::{Color, PageSettings};
pub use server_settings::{
    CompatLevel, RefusalTime, SectionDigests, ServerSettings, SubAdminNames, SubAdminScope,
};
pub use service::address_confirmation::{AddressConfirmation, ConfirmError};
pub use service::app_catalogue::manifest::ManifestElement;
pub use service::app_catalogue::{
    AppCatalogue, AppFeature, AppInfo, AppNotSwitchable, EXTERNAL_APP, InstalledApp,
};
pub use service::invalidation::InvalidationWatcher;
pub use service::local_password::backend::LocalBackend;
pub use service::local_password::change::{AppPasswordPolicy, LocalPasswordService, SetError};
pub use service::local_password::hash::{HashError, LegacySalt, PasswordHash, PasswordMatch, UnknownHash};
pub use service::local_password::hasher::{CheckedPassword, Hasher, HasherError};
pub use service::local_password::policy::{POLICY_APP, PolicyError};
pub use service::local_password::pool::{HashPool, PoolError};
pub use service::local_password::rules::{NoRules, PasswordRules, Person, PolicyRules};
pub use service::local_password::settings::{HashSettings, HashSettingsError};
pub use service::mail::message::{EmailMessage, EmailMessageError};
pub use service::mail::settings::{MailSettings, MailSettingsError};
pub use service::mail::smtp::SmtpTransport;
pub use service::mail::templates::{AccountMail, MailRequest, MailTopic};
pub use service::mail::transport::{MailTransport, SendError};
pub use service::mail::worker::{DeliveryReport, MailWorker, PasswordKeeper, PasswordKeeperLookup};
pub use service::password_reset::link::{BaseUrl, CONFIRMATION_PATH, LinkError, LostPassword, RESET_PATH};
pub use service::password_reset::redeem::{BadToken, RedeemError, ResetPage};
pub use service::password_reset::request::{PasswordReset, RequestError};
pub use service::password_reset::settings::{ResetSettings, ResetSettingsError};
pub use shown_config::{CONFIG_SECTIONS, HIDDEN_SECRET, holds_a_secret, shown_config};
pub use socket_settings::{DovecotAuthSettings, OnOutage, SaslauthdSettings, SocketMode, SocketSettings};
pub use store::app_passwords::{AppPassword, MAX_APP_PASSWORDS, TokenRefusal, client_name};
pub use store::audit::{AuditFilter, AuditLine};
pub use store::backend_failures::StoredBudget;
pub use store::failed_logins::{FailedLogin, KeepFailures, LoginEvent, MAX_FAILED_LOGINS};
pub use store::instances::{HEARTBEAT_INTERVAL, Instance, STALE_AFTER};
pub use store::login_flows::{LOGIN_FLOW_LIFE, LOGIN_FLOW_PATH, LoginFlow, LoginFlowDenial, NewLoginFlow};
pub use store::outbox::WaitingMail;
pub use store::passwords::{MAX_HISTORY, StoredCredential};
pub use store::pins::{Pin, StoredPins};
pub use store::preferences::Preference;
pub use store::proven_credentials::StoredProven;
pub use store::rate_limits::RateLimit;
pub use store::reset_tokens::ResetToken;
pub use store::sessions::{MAX_SESSIONS, Session};
pub use store::settings::StoreSettings;
pub use store::snapshot::Snapshot;
pub use store::users::addresses::CONFIRMED_ADDRESS;
pub use store::users::list::UserPages;
pub use store::users::profile::MAX_ADDITIONAL_MAILS;
pub use store::users::repository::PHONE_SEARCHES;
pub use store::{Accounts, ActingAccounts};
pub use valkey_settings::{ValkeyAddress, ValkeySettings, ValkeySettingsError};

/// The programs in the README compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
