//! Signing in against LDAP: OpenLDAP, 389 Directory Server, Active Directory.
//!
//! # How a login is decided
//! By a bind with the name of the user's entry and the password. The name of the entry is configured
//! in one of two ways:
//!
//! - **Template**: `bind = "uid={name},ou=people,dc=example,dc=com"`. One bind.
//! - **Search**: `base` and `filter`; the entry is searched with the service account, or without a
//!   sign-in. It must be the only one.
//!
//! Then the display name (`displayName`, else `cn`), the mail address (`mail`) and, with
//! `group_base`, the groups (`cn`) are read into the [`Identity`].
//!
//! # Example of an entry
//! ```
//! use user_backend::config::{Format, Loader};
//!
//! let text = r#"
//!     [[user_backends]]
//!     class = "ldap"
//!     host = "ldap.example.com"
//!     bind = "uid={name},ou=people,dc=example,dc=com"
//! "#;
//! let config = Loader::new().parse(text, Format::Toml, "user-backend.toml")?;
//! assert_eq!(config.build_backends()?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Verdicts
//! | answers | result | outcome |
//! |---|---|---|
//! | StartTLS | 0, and nothing after it | handshake |
//! | | 3, 11, 51, 52, 80 | unavailable |
//! | | any other | misconfigured; nothing else is sent |
//! | service account | 0 | go on |
//! | | 1, 3, 11, 51, 52, 80 | unavailable |
//! | | any other | misconfigured |
//! | search for the user | one entry | go on |
//! | | none | **rejected**: unknown user |
//! | | several, or 4 | misconfigured: no password is sent |
//! | | 3, 11, 51, 52, 80 | unavailable |
//! | | any other | misconfigured |
//! | bind of the user | 0 | **accepted** |
//! | | 49 | **rejected**; the reason by the code of Active Directory in it, or by its words |
//! | | 49 with a code of Active Directory that says nothing about the user | unavailable |
//! | | 48 | **rejected**: the entry has no password |
//! | | 32 | **rejected**: unknown user |
//! | | 19 | **rejected**: locked (389 Directory Server) |
//! | | 50, 53 | by the words: **rejected**, unavailable, or not recognised, which counts as a guess |
//! | | 2, 7, 8, 10, 13, 34, 64 | misconfigured |
//! | | 1, 3, 11, 51, 52, 54, 80 | unavailable |
//! | | any other | breaks the protocol |
//!
//! Active Directory: `52e` wrong password; `525` unknown user; `530`, `531`, `533`, `701`
//! disabled; `532`, `773` password expired; `775` locked.
//!
//! # Security
//! - A bind without a password succeeds for everyone (RFC 4513 section 5.1.2), so none is ever
//!   sent; nor is one without a name, which a search could return.
//! - A name is put into a filter as a value, and into a DN with escapes: it cannot change what
//!   either means.
//! - A filter must ask for the user in each of its alternatives.
//! - No referral is followed: no other server gets a password.
//! - Messages have at most 64 KiB, connections 512 KiB. The nesting of what is read is bounded.
//!
//! # Specifications
//! RFC 4511 (protocol), RFC 4513 (authentication), RFC 4514 (DN), RFC 4515 (filters).

mod class;
mod dn;
mod filter;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod message;
mod reply;
mod session;
mod settings;

pub use class::LdapClass;
pub use settings::LdapSettings;

use std::fmt;

use async_trait::async_trait;
use rasn_ldap::{Filter, ResultCode, SearchRequestScope};

use crate::backend::{Attempt, Probe, UserBackend};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::identity::{BackendId, CanonicalName};
use crate::refusal::{Refused, Sent, reject};
use crate::transport::TlsClient;
use crate::verdict::{Identity, Rejection, Verdict};

use filter::{FilterTemplate, Subject};
use reply::{Stage, proceed};
use session::{DirectoryEntry, Search, Session};

/// Most groups of one user.
const MAX_GROUPS: u32 = 500;

/// A directory whose users sign in.
///
/// # Example
/// ```no_run
/// use user_backend::ldap::{LdapBackend, LdapSettings};
/// use user_backend::transport::{Endpoint, TlsMode};
/// use user_backend::BackendId;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let endpoint = Endpoint::new("ldap.example.com", 389, TlsMode::Explicit);
/// let settings = LdapSettings::new(BackendId::parse("directory")?, endpoint)
///     .with_bind("uid={name},ou=people,dc=example,dc=com");
/// let backend = LdapBackend::new(settings)?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct LdapBackend {
    settings: LdapSettings,
    filter: FilterTemplate,
    group_filter: FilterTemplate,
    tls: Option<TlsClient>,
}

/// The outcome of a bind: the entry, if known, or a refusal.
///
/// A refusal has the text of the server for the user.
type BindOutcome = Result<Option<DirectoryEntry>, Refused>;

impl LdapBackend {
    /// Makes the backend; reads certificates, opens no connection.
    ///
    /// # Errors
    /// [`FailureKind::Misconfigured`](crate::FailureKind::Misconfigured) when passwords would
    /// cross the network in clear text without consent, when the certificates or the filters
    /// cannot be used, or when nothing says how a user is found.
    pub fn new(settings: LdapSettings) -> Result<Self, BackendError> {
        let endpoint = &settings.endpoint;
        endpoint.check_plaintext()?;
        let misconfigured = |text: String| BackendError::misconfigured(Phase::Connect, text);
        let (filter, group_filter) =
            settings.lookup.filters().map_err(|(field, why)| misconfigured(format!("`{field}`: {why}")))?;
        if let Err((field, problem)) = class::check(&settings.lookup, &filter, &group_filter) {
            let text = format!("`{field}`: found {}, expected {}", problem.found, problem.expected);
            return Err(misconfigured(text));
        }
        let tls = TlsClient::if_encrypted(endpoint)?;
        Ok(Self { settings, filter, group_filter, tls })
    }

    async fn open(&self, deadline: Instant) -> Result<Session, BackendError> {
        Session::open(&self.settings.endpoint, self.tls.as_ref(), deadline).await
    }

    /// The attributes of a user that are read.
    fn attributes(&self) -> Vec<&str> {
        ["displayName", "cn", "mail"]
            .into_iter()
            .chain(self.settings.lookup.name_attribute.as_deref())
            .collect()
    }

    async fn serve(&self, session: &mut Session) -> Result<(), BackendError> {
        match &self.settings.lookup.service {
            Some(account) => session.bind_service(&account.dn, &account.password).await,
            None => Ok(()),
        }
    }

    /// The only entry that the filter finds.
    async fn find(&self, session: &mut Session, name: &str) -> Result<Option<DirectoryEntry>, BackendError> {
        let search = Search {
            base: self.settings.lookup.base.as_deref().unwrap_or_default(),
            scope: SearchRequestScope::WholeSubtree,
            filter: self.filter.fill(Subject { name, dn: "" }),
            attributes: &self.attributes(),
            limit: 2,
        };
        let found = session.entries(search).await?;
        let phase = Stage::Search.phase();
        match <[DirectoryEntry; 1]>::try_from(found) {
            Ok([entry]) if entry.dn.is_empty() => {
                Err(BackendError::protocol(phase, "the server found an entry without a name"))
            }
            Ok([entry]) => Ok(Some(entry)),
            Err(found) if found.is_empty() => Ok(None),
            Err(_) => Err(BackendError::misconfigured(phase, "`filter` finds several entries for one name")),
        }
    }

    async fn sign_in(
        &self,
        session: &mut Session,
        sent: Sent<'_>,
        dn: Option<String>,
    ) -> Result<BindOutcome, BackendError> {
        let taught = &self.settings.refusal_texts;
        let Some(dn) = dn else {
            self.serve(session).await?;
            let Some(entry) = self.find(session, sent.name).await? else {
                return Ok(Err((Rejection::UnknownUser, None)));
            };
            let answer = session.bind_user(&entry.dn, sent, taught).await?;
            return Ok(answer.map(|()| Some(entry)));
        };
        if let Err(refused) = session.bind_user(&dn, sent, taught).await? {
            return Ok(Err(refused));
        }
        if self.settings.lookup.base.is_some() {
            self.serve(session).await?;
            return Ok(Ok(self.find(session, sent.name).await?));
        }
        let is_dn = self.settings.lookup.bind.as_deref().is_some_and(dn::is_dn);
        if !is_dn {
            return Ok(Ok(None));
        }
        let search = Search {
            base: &dn,
            scope: SearchRequestScope::BaseObject,
            filter: Filter::Present("objectClass".into()),
            attributes: &self.attributes(),
            limit: 1,
        };
        match session.search(search).await? {
            Ok(found) => Ok(Ok(found.into_iter().next().filter(|entry| !entry.dn.is_empty()))),
            // Many directories let users read nothing, not even their own entry.
            Err(ResultCode::InsufficientAccessRights | ResultCode::NoSuchObject) => Ok(Ok(None)),
            Err(code) => proceed(Stage::Search, code).map(|()| Ok(None)),
        }
    }

    async fn groups(&self, session: &mut Session, subject: Subject<'_>) -> Result<Vec<String>, BackendError> {
        let Some(base) = &self.settings.lookup.group_base else { return Ok(Vec::new()) };
        // The user may have signed in on this connection since; a template has signed in no one
        // else.
        if self.settings.lookup.base.is_some() {
            self.serve(session).await?;
        }
        let search = Search {
            base,
            scope: SearchRequestScope::WholeSubtree,
            filter: self.group_filter.fill(subject),
            attributes: &["cn"],
            limit: MAX_GROUPS,
        };
        let found = session.entries(search).await?;
        let mut names: Vec<String> =
            found.iter().filter_map(|entry| entry.values("cn").next()).map(str::to_owned).collect();
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    async fn identity(
        &self,
        session: &mut Session,
        attempt: &Attempt<'_>,
        entry: Option<DirectoryEntry>,
    ) -> Result<Identity, BackendError> {
        let mut identity = Identity::of(attempt.name);
        if let Some(attribute) = &self.settings.lookup.name_attribute {
            let known = entry.as_ref().and_then(|entry| entry.values(attribute).next());
            let known = known.and_then(|name| CanonicalName::parse(name).ok()).ok_or_else(|| {
                BackendError::misconfigured(Phase::Login, "the entry has no `name_attribute` that is a name")
            })?;
            identity = Identity::new(known);
        }
        let Some(entry) = entry else { return Ok(identity) };
        if let Some(name) = entry.values("displayName").chain(entry.values("cn")).next() {
            identity = identity.with_display_name(name);
        }
        if let Some(address) = entry.values("mail").next() {
            identity = identity.with_email(address);
        }
        let subject = Subject { name: attempt.upstream_name, dn: &entry.dn };
        for group in self.groups(session, subject).await? {
            identity = identity.with_group(&group);
        }
        Ok(identity)
    }
}

impl fmt::Display for LdapBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ldap({} at {})", self.settings.id, self.settings.endpoint)
    }
}

#[async_trait]
impl UserBackend for LdapBackend {
    fn id(&self) -> &BackendId {
        &self.settings.id
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        let name = attempt.upstream_name;
        let dn = match &self.settings.lookup.bind {
            Some(template) => match dn::fill(template, name) {
                Some(dn) => Some(dn),
                None => return Ok(Verdict::Rejected(Rejection::PolicyDenied)),
            },
            None => None,
        };
        let mut session = self.open(self.settings.endpoint.deadline(attempt.deadline)?).await?;
        let sent = Sent::of(attempt);
        Ok(match self.sign_in(&mut session, sent, dn).await? {
            Ok(entry) => Verdict::Accepted(self.identity(&mut session, attempt, entry).await?),
            Err(refused) => reject(attempt, refused),
        })
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        let mut session = self.open(self.settings.endpoint.deadline(deadline)?).await?;
        self.serve(&mut session).await?;
        let search = Search {
            base: "",
            scope: SearchRequestScope::BaseObject,
            filter: Filter::Present("objectClass".into()),
            attributes: &["supportedLDAPVersion"],
            limit: 1,
        };
        // A server that shows this to no one still speaks LDAP.
        let found = session.search(search).await?.unwrap_or_default();
        let versions = found.iter().flat_map(|entry| entry.values("supportedLDAPVersion"));
        let versions = versions.filter(|version| version.len() == 1).map(|version| format!("LDAPv{version}"));
        let versions: Vec<String> = versions.collect();
        Ok(Probe::of(session.peer).with_tls(session.tls.take()).with_capabilities(versions))
    }
}
