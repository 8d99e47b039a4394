//! Domain rules: names that a backend is asked about, names to send, and identities.

use std::borrow::Cow;

use crate::identity::{CanonicalName, LoginName, NameError};
use crate::verdict::Identity;

/// Which names a backend is asked about.
///
/// A name that is the id of one of its accounts is always asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameForms {
    /// Names with and without a domain.
    ///
    /// The default.
    #[default]
    Any,
    /// Names without a domain.
    Bare,
    /// Names with a domain.
    Address,
}

/// One domain, in the spelling that accounts are known by.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Domain {
    name: CanonicalName,
    /// The same in A-labels (RFC 5890, section 2.3.2.1), to compare it with other spellings.
    ascii: Box<str>,
}

impl Domain {
    fn is(&self, other: &str) -> bool {
        if self.name.as_str() == other {
            return true;
        }
        // Only a domain with non-ASCII characters has two spellings.
        let has_two = |domain: &str| !domain.is_ascii() || domain.contains("xn--");
        has_two(other) && ascii(other) == *self.ascii
    }
}

/// A domain of a canonical name with its labels in A-labels (RFC 3492).
///
/// It is in lower case and in NFC already, so nothing else of IDNA is needed to compare two
/// domains, and none of its tables.
fn ascii(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() {
        return Cow::Borrowed(domain);
    }
    let label = |label: &str| match label.is_ascii() {
        true => Ok(label.to_owned()),
        false => punycode::encode(label).map(|encoded| format!("xn--{encoded}")),
    };
    let labels: Result<Vec<_>, ()> = domain.split('.').map(label).collect();
    labels.map_or(Cow::Borrowed(domain), |labels| Cow::Owned(labels.join(".")))
}

/// Rules for the domain part of a login name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainRules {
    domains: Vec<Domain>,
    add: bool,
    strip: bool,
    group: bool,
    offered: NameForms,
    /// `DOMAIN\user` is not a name like any other: see [`Self::windows_names`].
    has_windows_names: bool,
    workgroup: Option<CanonicalName>,
    separator: Option<char>,
}

/// What one backend makes of a typed name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// The name without what only says where it belongs.
    ///
    /// A workgroup in front of it, `%40` for `@`.
    pub(crate) login: LoginName,
    /// What is sent to the server.
    pub(crate) upstream: String,
    /// Who it is, if the server says yes.
    pub(crate) identity: Identity,
}

impl DomainRules {
    /// No rule: names go to the server as typed and are known by their canonical form.
    pub fn none() -> Self {
        Self::default()
    }

    /// Only names of `domain` (and bare names) belong to this backend.
    ///
    /// Others are not its business.
    ///
    /// # Errors
    /// [`NameError`] when `domain` could not be the part after the `@` of a login name.
    pub fn for_domain(domain: &str) -> Result<Self, NameError> {
        Self::for_domains([domain])
    }

    /// The same for several domains of one server.
    ///
    /// The first is the one that is added to bare names.
    ///
    /// A domain in A-labels (`xn--mbel-5qa.example`) and in U-labels (`möbel.example`) is one
    /// domain. Users are known by the spelling that is given here.
    ///
    /// # Errors
    /// [`NameError`] for the first that could not be the part after the `@` of a login name.
    pub fn for_domains<S: AsRef<str>>(domains: impl IntoIterator<Item = S>) -> Result<Self, NameError> {
        let mut rules = Self::default();
        for domain in domains {
            let name = CanonicalName::parse(domain.as_ref())?;
            if name.as_str().contains('@') {
                return Err(NameError::Unsupported);
            }
            let ascii = ascii(name.as_str()).into();
            rules.domains.push(Domain { name, ascii });
        }
        Ok(rules)
    }

    /// A bare name is sent to the server with `@domain` appended.
    ///
    /// Off by default.
    #[must_use]
    pub fn add_domain(mut self, on: bool) -> Self {
        self.add = on;
        self
    }

    /// The person is known without the domain.
    ///
    /// Off by default.
    #[must_use]
    pub fn strip_domain(mut self, on: bool) -> Self {
        self.strip = on;
        self
    }

    /// The person belongs to a group named like the domain.
    ///
    /// Without a domain here, like that of the name. Off by default.
    ///
    /// # Security
    /// Without a domain, users choose the group by the domain that they type, if the server does
    /// not look at it. A name without a dot makes no group.
    #[must_use]
    pub fn group_by_domain(mut self, on: bool) -> Self {
        self.group = on;
        self
    }

    /// Without a domain, names with an `@` belong to other backends.
    ///
    /// Off by default; SMB servers know bare names.
    #[must_use]
    pub fn bare_names_only(self, on: bool) -> Self {
        match on && self.domains.is_empty() {
            true => self.offer(NameForms::Bare),
            false => self,
        }
    }

    /// Which names this backend is asked about.
    ///
    /// [`NameForms::Any`] by default.
    #[must_use]
    pub fn offer(mut self, offered: NameForms) -> Self {
        self.offered = offered;
        self
    }

    /// Character between name and domain in what is sent to the server (default: `@`).
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = Some(separator).filter(|separator| *separator != '@');
        self
    }

    /// `DOMAIN\user` and `DOMAIN/user` belong to other backends, except for `workgroup`.
    ///
    /// With this workgroup they are the bare name. For servers that treat all of them as one
    /// account.
    ///
    /// # Errors
    /// [`NameError`] when the workgroup could not be a part of a login name.
    pub fn windows_names(mut self, workgroup: &str) -> Result<Self, NameError> {
        self.workgroup = Some(CanonicalName::parse(workgroup)?);
        self.has_windows_names = true;
        Ok(self)
    }

    /// The domain these rules speak of; the first, if there are several.
    pub fn domain(&self) -> Option<&str> {
        self.domains().next()
    }

    /// All domains these rules speak of.
    pub fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(|domain| domain.name.as_str())
    }

    /// Whether a domain is one of these, in any spelling.
    pub(crate) fn has_domain(&self, domain: &str) -> bool {
        let canonical = CanonicalName::parse(domain);
        canonical.is_ok_and(|canonical| self.domains.iter().any(|domain| domain.is(canonical.as_str())))
    }

    /// Which names this backend is asked about.
    pub fn offered(&self) -> NameForms {
        self.offered
    }

    /// The identity of a login name by these rules; `None` if its domain is another one.
    ///
    /// Only the canonical form is checked: many servers take a full-width `@` for an `@`.
    pub fn identity(&self, login: &LoginName) -> Option<Identity> {
        self.read(login).map(|reading| reading.identity)
    }

    /// The domain that is stripped from names of this backend, if any.
    pub fn stripped(&self) -> Option<&str> {
        self.domain().filter(|_| self.strip)
    }

    /// Whether this domain, in A-labels, is one that they lose.
    pub(crate) fn strips(&self, domain: &str) -> bool {
        self.stripped_domains().contains(&domain)
    }

    /// The domains that they lose, in A-labels and in order.
    pub(super) fn stripped_domains(&self) -> Vec<&str> {
        let mut domains: Vec<&str> =
            self.domains.iter().filter(|_| self.strip).map(|domain| &*domain.ascii).collect();
        domains.sort_unstable();
        domains.dedup();
        domains
    }

    /// Whether names of several domains are one name here.
    pub(crate) fn merges_domains(&self) -> bool {
        self.strip && self.domains.len() > 1
    }

    /// The reading of a name that is no account's id.
    ///
    /// `None`: the name is of another domain.
    pub(crate) fn read(&self, login: &LoginName) -> Option<Reading> {
        let (login, identity) = self.identify(login)?;
        let address = self.split(&login)?;
        Some(self.reading(login.clone().into_owned(), address, identity))
    }

    /// The name of the identity by these rules; `None` if its domain is another one.
    pub(crate) fn name(&self, login: &LoginName) -> Option<CanonicalName> {
        self.identify(login).map(|(_, name)| name)
    }

    /// The login name without workgroup and escapes, and the name of the identity.
    fn identify<'a>(&self, login: &'a LoginName) -> Option<(Cow<'a, LoginName>, CanonicalName)> {
        let login = self.without_workgroup(login)?;
        let login = login.with_escaped_at().map_or(login, Cow::Owned);
        let address = self.split(&login)?;
        match (self.offered, address) {
            (NameForms::Bare, Some(_)) | (NameForms::Address, None) => return None,
            _ => {}
        }
        let identity = match (address, self.domains.first()) {
            (_, None) => login.canonical().clone(),
            (Some((local, _)), _) if self.strip => CanonicalName::parse(local).ok()?,
            (None, _) if self.strip => login.canonical().clone(),
            (Some((local, domain)), _) => CanonicalName::parse(&[local, "@", domain].concat()).ok()?,
            (None, Some(first)) => {
                CanonicalName::parse(&[login.canonical().as_str(), "@", first.name.as_str()].concat()).ok()?
            }
        };
        Some((login, identity))
    }

    /// How a name is read that is the id of an account of this backend.
    ///
    /// It keeps that id, whatever the rules say about other names. `None`: the name is of another
    /// domain.
    pub(crate) fn read_account(&self, login: &LoginName) -> Option<Reading> {
        let address = match self.domains.is_empty() {
            true => None,
            false => self.split(login)?,
        };
        Some(self.reading(login.clone(), address, login.canonical().clone()))
    }

    /// What is sent for an account of this backend whose name is spelled like this there.
    ///
    /// Exactly this spelling: to the server, its canonical form may be another user.
    pub(crate) fn upstream_of_account(&self, spelling: &LoginName) -> Option<String> {
        let address = match self.domains.is_empty() {
            true => None,
            false => self.split(spelling)?,
        };
        Some(self.upstream(spelling.as_str(), address))
    }

    fn reading(&self, login: LoginName, address: Option<(&str, &str)>, identity: CanonicalName) -> Reading {
        let upstream = self.upstream(login.spelling(), address);
        let own = || identity.split_domain().map(|(_, domain)| domain).filter(|domain| domain.contains('.'));
        let group = match (address, self.domain()) {
            _ if !self.group => None,
            (Some((_, domain)), Some(_)) => Some(domain),
            (None, Some(first)) => Some(first),
            (_, None) => own(),
        };
        let group = group.map(str::to_owned);
        let identity = Identity::new(identity);
        let identity = match group {
            Some(group) => identity.with_group(&group),
            None => identity,
        };
        Reading { login, upstream, identity }
    }

    /// Local part and domain of an address, the domain as these rules spell it.
    ///
    /// `Some(None)` for a bare name. `None`: it is of another domain. Without a domain here, an
    /// address has no parts.
    fn split<'a>(&'a self, login: &'a LoginName) -> Option<Option<(&'a str, &'a str)>> {
        let canonical = login.canonical();
        let whole = canonical.as_str();
        if self.domains.is_empty() {
            return Some(whole.contains('@').then_some((whole, "")));
        }
        if !whole.contains('@') {
            return Some(self.split_at_separator(whole));
        }
        let (local, of) = canonical.split_domain()?;
        let domain = self.domains.iter().find(|domain| domain.is(of))?;
        // `a%example.com@example.com` could be stripped twice.
        let is_one = !local.is_empty() && self.at_separator(local).is_none();
        is_one.then_some(Some((local, domain.name.as_str())))
    }

    /// A name in the server's form: `alice%example.com` is `alice@example.com`.
    fn split_at_separator<'a>(&'a self, name: &'a str) -> Option<(&'a str, &'a str)> {
        self.at_separator(name).filter(|(local, _)| self.at_separator(local).is_none())
    }

    fn at_separator<'a>(&'a self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let separator = self.separator?;
        self.domains.iter().find_map(|domain| {
            let local = name.strip_suffix(domain.name.as_str())?.strip_suffix(separator)?;
            (!local.is_empty()).then_some((local, domain.name.as_str()))
        })
    }

    /// What is sent for a name that is spelled like this.
    fn upstream(&self, spelled: &str, address: Option<(&str, &str)>) -> String {
        let separator = self.separator.unwrap_or('@');
        // A name of another Windows domain has one already.
        if self.has_windows_names && spelled.contains(['\\', '/']) {
            return spelled.to_owned();
        }
        let (local, domain) = match (address, self.domain()) {
            // Typed with one of the domains: as typed, if that is how the server knows it.
            (Some((_, domain)), Some(_)) => match spelled.rsplit_once('@') {
                Some((local, typed)) if typed.eq_ignore_ascii_case(domain) => (local, typed),
                Some((local, _)) => (local, domain),
                None => return spelled.to_owned(),
            },
            (None, Some(first)) if self.add => (spelled, first),
            _ => return spelled.to_owned(),
        };
        let mut upstream = String::with_capacity(local.len() + domain.len() + separator.len_utf8());
        upstream.push_str(local);
        upstream.push(separator);
        upstream.push_str(domain);
        upstream
    }

    /// The name without this server's workgroup in front of it.
    ///
    /// `None`: it is of another Windows domain.
    fn without_workgroup<'a>(&self, login: &'a LoginName) -> Option<Cow<'a, LoginName>> {
        if !self.has_windows_names {
            return Some(Cow::Borrowed(login));
        }
        // Both spellings have their separator in the same place: they differ by ASCII letter case
        // only.
        let Some((workgroup, name)) = login.spelling().split_once(['\\', '/']) else {
            return Some(Cow::Borrowed(login));
        };
        let own = self.workgroup.as_ref()?;
        let is_own = CanonicalName::parse(workgroup).is_ok_and(|workgroup| workgroup == *own);
        let is_bare = !name.contains(['\\', '/', '@']);
        LoginName::parse(name).ok().filter(|_| is_own && is_bare).map(Cow::Owned)
    }
}
