//! The domain rules of the PHP app, said one by one, and the check that no two backends share a name space by accident.
//!
//! In the PHP app one setting, `domain`, did three things at once and byte for byte: it was appended to bare names, it
//! refused other domains, and it was stripped from the name that the application saw. Here each has its own switch, the
//! domain is compared without regard to letter case, and one mailbox has exactly one identity: with `strip_domain` the
//! bare name, without it the full one, however it was typed.

use thiserror::Error;

use crate::identity::{BackendId, CanonicalName, LoginName, NameError};
use crate::verdict::{Identity, Rejection, Verdict};

/// Names that servers take without a password: refused everywhere unless the setting says otherwise.
const DENIED_BY_DEFAULT: [&str; 3] = ["anonymous", "ftp", "guest"];

/// Rules for the domain part of a login name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DomainRules {
    domain: Option<CanonicalName>,
    add: bool,
    strip: bool,
    group: bool,
    bare_only: bool,
}

impl DomainRules {
    /// No rule: names go to the server as typed and are known by their canonical form.
    pub fn none() -> Self {
        Self::default()
    }

    /// Only names of `domain` (and bare names) belong to this backend; others are not its business.
    ///
    /// # Errors
    /// [`NameError`] when `domain` could not be the part behind the `@` of a login name.
    pub fn for_domain(domain: &str) -> Result<Self, NameError> {
        let domain = CanonicalName::parse(domain)?;
        if domain.as_str().contains('@') {
            return Err(NameError::Unsupported);
        }
        Ok(Self { domain: Some(domain), ..Self::default() })
    }

    /// A bare name is sent to the server with `@domain` behind it. Off by default.
    #[must_use]
    pub fn add_domain(mut self, on: bool) -> Self {
        self.add = on;
        self
    }

    /// The person is known without the domain. Off by default.
    #[must_use]
    pub fn strip_domain(mut self, on: bool) -> Self {
        self.strip = on;
        self
    }

    /// The person belongs to a group named like the domain. Off by default.
    #[must_use]
    pub fn group_by_domain(mut self, on: bool) -> Self {
        self.group = on;
        self
    }

    /// Without a domain, names with an `@` belong to other backends. Off by default; SMB servers know bare names.
    #[must_use]
    pub fn bare_names_only(mut self, on: bool) -> Self {
        self.bare_only = on;
        self
    }

    /// The domain these rules speak of.
    pub fn domain(&self) -> Option<&str> {
        self.domain.as_ref().map(CanonicalName::as_str)
    }

    /// Who a login name is for a backend with these rules; `None` when it is of another domain.
    ///
    /// Only the canonical form is looked at: many servers take a full-width `@` for an `@`.
    pub fn identity(&self, login: &LoginName) -> Option<Identity> {
        let canonical = login.canonical();
        let Some(domain) = self.domain() else {
            let foreign = self.bare_only && canonical.as_str().contains('@');
            return (!foreign).then(|| Identity::new(canonical.clone()));
        };
        let local = match canonical.split_domain() {
            Some((local, of)) if of == domain && !local.is_empty() => local,
            None if !canonical.as_str().contains('@') => canonical.as_str(),
            _ => return None,
        };
        let name = if self.strip { local.to_owned() } else { format!("{local}@{domain}") };
        let identity = Identity::new(CanonicalName::parse(&name).ok()?);
        Some(if self.group { identity.with_group(domain) } else { identity })
    }

    /// The domain that people of this backend lose on their way in, if they do.
    pub fn stripped(&self) -> Option<&str> {
        self.domain().filter(|_| self.strip)
    }
}

/// Everything about names that all backends have in common: domain rules and names that are never asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRules {
    domain: DomainRules,
    deny: Vec<CanonicalName>,
}

impl Default for NameRules {
    fn default() -> Self {
        let deny = DENIED_BY_DEFAULT.iter().filter_map(|name| CanonicalName::parse(name).ok()).collect();
        Self { domain: DomainRules::none(), deny }
    }
}

/// Domain rules alone: no name is denied.
impl From<DomainRules> for NameRules {
    fn from(domain: DomainRules) -> Self {
        Self { domain, deny: Vec::new() }
    }
}

/// The decision of the rules about one name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameDecision {
    /// Ask the server.
    Ask {
        /// The name to send.
        upstream: String,
        /// Who it is, if the server says yes.
        identity: Identity,
    },
    /// The name belongs to another domain: this backend has no say.
    NotMine,
    /// The name is on the list of denied names.
    Denied,
}

impl NameRules {
    /// The default rules: no domain; `anonymous`, `ftp` and `guest` denied.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the domain rules.
    #[must_use]
    pub fn with_domain(mut self, domain: DomainRules) -> Self {
        self.domain = domain;
        self
    }

    /// Replaces the list of names that are refused before any I/O, in any letter case.
    ///
    /// # Errors
    /// [`NameError`] for the first entry that could not be a login name.
    pub fn deny_names<S: AsRef<str>>(
        mut self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, NameError> {
        self.deny =
            names.into_iter().map(|name| CanonicalName::parse(name.as_ref())).collect::<Result<_, _>>()?;
        Ok(self)
    }

    /// The domain rules.
    pub fn domain(&self) -> &DomainRules {
        &self.domain
    }

    /// Decides what to do with a typed name.
    pub fn decide(&self, login: &LoginName) -> NameDecision {
        if self.is_denied(login.canonical()) {
            return NameDecision::Denied;
        }
        match (self.domain.identity(login), self.domain.domain()) {
            (None, _) => NameDecision::NotMine,
            (Some(identity), Some(domain))
                if self.domain.add && !login.canonical().as_str().contains('@') =>
            {
                NameDecision::Ask { upstream: format!("{}@{domain}", login.spelling()), identity }
            }
            (Some(identity), _) => NameDecision::Ask { upstream: login.spelling().to_owned(), identity },
        }
    }

    /// Who a user is to the application, after the backend said who accepted: `None` when that is a name of another domain.
    pub(crate) fn known_as(&self, accepted: Identity) -> Option<Identity> {
        if self.domain == DomainRules::default() {
            return Some(accepted);
        }
        let known = self.domain.identity(&LoginName::parse(accepted.name().as_str()).ok()?)?;
        let of_backend = accepted.groups().filter(|group| !known.groups().any(|other| other == *group));
        Some(of_backend.fold(known.clone(), Identity::with_group))
    }

    /// The name to send to the server and who it is if the server says yes.
    ///
    /// # Errors
    /// The verdict that stands without asking anybody.
    pub fn ask(&self, login: &LoginName) -> Result<(String, Identity), Verdict> {
        match self.decide(login) {
            NameDecision::Ask { upstream, identity } => Ok((upstream, identity)),
            NameDecision::NotMine => Err(Verdict::NotMine),
            NameDecision::Denied => Err(Verdict::Rejected(Rejection::PolicyDenied)),
        }
    }

    /// What is sent for a person whose pin has this spelling. `None`: by these rules it stands for another person, because
    /// they were changed since.
    pub(crate) fn pinned_upstream(&self, spelling: &str, person: &CanonicalName) -> Option<String> {
        match self.decide(&LoginName::parse(spelling).ok()?) {
            NameDecision::Ask { upstream, identity } if identity.name() == person => Some(upstream),
            _ => None,
        }
    }

    /// A name is denied in itself, as the local part of an address, and behind a Windows domain.
    fn is_denied(&self, name: &CanonicalName) -> bool {
        let whole = name.as_str();
        let local = whole.split('@').next().unwrap_or(whole);
        let bare = local.rsplit(['\\', '/']).next().unwrap_or(local);
        self.deny.iter().any(|denied| [whole, local, bare].contains(&denied.as_str()))
    }
}

/// Two backends strip different domains, so that two people could share one name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "backends \"{first}\" and \"{second}\" strip the domains {first_domain} and {second_domain} into one name space: \
     name@{first_domain} and name@{second_domain} would be the same person"
)]
pub struct NamespaceCollision {
    /// The backend that comes first in the array.
    pub first: BackendId,
    /// The domain it strips.
    pub first_domain: String,
    /// The backend that collides with it.
    pub second: BackendId,
    /// The domain that one strips.
    pub second_domain: String,
}

/// Finds backends that strip different domains into one name space.
pub fn check_collisions<'a>(
    backends: impl IntoIterator<Item = (&'a BackendId, &'a DomainRules)>,
) -> Result<(), NamespaceCollision> {
    let mut first: Option<(&BackendId, &str)> = None;
    for (id, rules) in backends {
        let Some(domain) = rules.stripped() else { continue };
        match first {
            Some((first_id, first_domain)) if first_domain != domain => {
                return Err(NamespaceCollision {
                    first: first_id.clone(),
                    first_domain: first_domain.to_owned(),
                    second: id.clone(),
                    second_domain: domain.to_owned(),
                });
            }
            Some(_) => {}
            None => first = Some((id, domain)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
