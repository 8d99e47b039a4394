//! Settings of an LDAP backend.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use super::filter::FilterTemplate;
use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::transport::Endpoint;

/// An account that may search the directory.
#[derive(Clone)]
pub(super) struct ServiceAccount {
    pub(super) dn: String,
    pub(super) password: Arc<Zeroizing<String>>,
}

impl ServiceAccount {
    pub(super) fn new(dn: impl Into<String>, password: impl Into<String>) -> Self {
        Self { dn: dn.into(), password: Arc::new(Zeroizing::new(password.into())) }
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("dn", &self.dn).finish_non_exhaustive()
    }
}

/// How users and their groups are found.
#[derive(Clone, Debug)]
pub(super) struct Lookup {
    pub(super) bind: Option<String>,
    pub(super) base: Option<String>,
    pub(super) filter: String,
    pub(super) service: Option<ServiceAccount>,
    pub(super) group_base: Option<String>,
    pub(super) group_filter: String,
    pub(super) name_attribute: Option<String>,
}

impl Default for Lookup {
    fn default() -> Self {
        Self {
            bind: None,
            base: None,
            filter: LdapSettings::DEFAULT_FILTER.to_owned(),
            service: None,
            group_base: None,
            group_filter: LdapSettings::DEFAULT_GROUP_FILTER.to_owned(),
            name_attribute: None,
        }
    }
}

impl Lookup {
    /// The filters, read.
    ///
    /// `Err` says which setting is wrong, and how.
    pub(super) fn filters(&self) -> Result<(FilterTemplate, FilterTemplate), (&'static str, &'static str)> {
        let user = FilterTemplate::parse(&self.filter).map_err(|why| ("filter", why))?;
        let group = FilterTemplate::parse(&self.group_filter).map_err(|why| ("group_filter", why))?;
        Ok((user, group))
    }
}

/// The settings of one [`LdapBackend`](super::LdapBackend).
#[derive(Clone, Debug)]
pub struct LdapSettings {
    pub(super) id: BackendId,
    pub(super) endpoint: Endpoint,
    pub(super) lookup: Lookup,
    pub(super) refusal_texts: RefusalTexts,
}

impl LdapSettings {
    /// The port for StartTLS and for clear text (RFC 4511 section 5.2).
    pub const DEFAULT_PORT: u16 = 389;

    /// The port for TLS from the first byte.
    pub const DEFAULT_TLS_PORT: u16 = 636;

    /// How a user is found, when nothing else is set.
    pub const DEFAULT_FILTER: &'static str = "(uid={name})";

    /// How the groups of a user are found, when nothing else is set.
    pub const DEFAULT_GROUP_FILTER: &'static str = "(|(member={dn})(uniqueMember={dn})(memberUid={name}))";

    /// A server at `endpoint`.
    ///
    /// How a user is found must be set: [`with_bind`](Self::with_bind) or
    /// [`with_search`](Self::with_search).
    pub fn new(id: BackendId, endpoint: Endpoint) -> Self {
        Self { id, endpoint, lookup: Lookup::default(), refusal_texts: RefusalTexts::default() }
    }

    /// Sets the template of the name that users bind as; `{name}` is the login name.
    ///
    /// For example `uid={name},ou=people,dc=example,dc=com`; for Active Directory also
    /// `{name}@example.com`.
    #[must_use]
    pub fn with_bind(mut self, template: impl Into<String>) -> Self {
        self.lookup.bind = Some(template.into());
        self
    }

    /// Sets where users are searched, and by which filter, with `{name}` for the name.
    #[must_use]
    pub fn with_search(mut self, base: impl Into<String>, filter: impl Into<String>) -> Self {
        (self.lookup.base, self.lookup.filter) = (Some(base.into()), filter.into());
        self
    }

    /// Sets the account that searches.
    ///
    /// Default: none, the server is searched without a sign-in.
    #[must_use]
    pub fn with_service_account(mut self, dn: impl Into<String>, password: impl Into<String>) -> Self {
        self.lookup.service = Some(ServiceAccount::new(dn, password));
        self
    }

    /// Sets the base and the filter of the search for groups (default: no groups).
    ///
    /// In the filter, `{dn}` is the user's entry and `{name}` the name.
    #[must_use]
    pub fn with_groups(mut self, base: impl Into<String>, filter: impl Into<String>) -> Self {
        (self.lookup.group_base, self.lookup.group_filter) = (Some(base.into()), filter.into());
        self
    }

    /// Sets the attribute with the account name (default: none, the name is as typed).
    #[must_use]
    pub fn with_name_attribute(mut self, attribute: impl Into<String>) -> Self {
        self.lookup.name_attribute = Some(attribute.into());
        self
    }

    /// Sets texts of refusals, in addition to those that are recognised anyway.
    ///
    /// Default: none.
    #[must_use]
    pub fn with_refusal_texts(mut self, texts: RefusalTexts) -> Self {
        self.refusal_texts = texts;
        self
    }
}
