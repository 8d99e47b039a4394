//! The domain rules of the PHP app as separate settings.
//!
//! Checks that no two backends share a name space by accident.
//!
//! In the PHP app one setting, `domain`, did three things at once and byte for byte: it was
//! appended to bare names, it refused other domains, and it was stripped from the name that the
//! application saw. Here each has its own switch, the domain is compared without regard to letter
//! case, and one mailbox has exactly one identity: with `strip_domain` the bare name, without it
//! the full one, however it was typed.

mod admit;
mod domain;

pub use admit::Admit;
pub(crate) use domain::Reading;
pub use domain::{DomainRules, NameForms};

use thiserror::Error;

use crate::identity::{BackendId, CanonicalName, LoginName, NameError};
use crate::verdict::{Identity, Rejection, Verdict};

/// Names that servers take without a password.
///
/// Refused everywhere unless the setting says otherwise.
const DENIED_BY_DEFAULT: [&str; 3] = ["anonymous", "ftp", "guest"];

/// Everything about names that all backends have in common.
///
/// Domain rules, denied names, and who is admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameRules {
    domain: DomainRules,
    deny: Vec<CanonicalName>,
    admit: Admit,
}

impl Default for NameRules {
    fn default() -> Self {
        let deny = DENIED_BY_DEFAULT.iter().filter_map(|name| CanonicalName::parse(name).ok()).collect();
        Self { domain: DomainRules::none(), deny, admit: Admit::Everybody }
    }
}

/// Domain rules alone: no name is denied.
impl From<DomainRules> for NameRules {
    fn from(domain: DomainRules) -> Self {
        Self { domain, deny: Vec::new(), admit: Admit::Everybody }
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

    /// Sets who may have an account by this backend (default: all whom it accepts).
    #[must_use]
    pub fn with_admit(mut self, admit: Admit) -> Self {
        self.admit = admit;
        self
    }

    /// Who may have an account by this backend.
    pub fn admit(&self) -> &Admit {
        &self.admit
    }

    /// Whether a user whom the backend accepts may have this account.
    ///
    /// `is_known`: it is there already; `is_member`: whether it is in this group.
    pub fn admits(
        &self,
        account: &CanonicalName,
        is_known: bool,
        is_member: impl FnOnce(&str) -> bool,
    ) -> bool {
        let is_read_as = |name: &CanonicalName| {
            let reading = LoginName::parse(name.as_str()).ok().and_then(|login| self.domain.read(&login));
            reading.is_some_and(|reading| reading.identity.name() == account)
        };
        match &self.admit {
            Admit::Everybody => true,
            Admit::Known => is_known,
            Admit::Names(names) => names.iter().any(|name| name == account || is_read_as(name)),
            Admit::Group(group) => is_member(group),
        }
    }

    /// The domain rules.
    pub fn domain(&self) -> &DomainRules {
        &self.domain
    }

    /// Decides what to do with a typed name that is no account's id.
    pub fn decide(&self, login: &LoginName) -> NameDecision {
        match self.domain.read(login) {
            _ if self.is_denied(login.canonical()) => NameDecision::Denied,
            None => NameDecision::NotMine,
            Some(reading) if self.denies(&reading) => NameDecision::Denied,
            Some(Reading { upstream, identity, .. }) => NameDecision::Ask { upstream, identity },
        }
    }

    /// The denied names.
    pub(crate) fn denied(&self) -> &[CanonicalName] {
        &self.deny
    }

    /// Whether a name is refused before the server is asked.
    pub(crate) fn denies(&self, reading: &Reading) -> bool {
        self.is_denied(reading.login.canonical())
    }

    /// The identity of a user in the application, after a backend accepted.
    ///
    /// `None` when that is a name of another domain.
    pub(crate) fn known_as(&self, accepted: Identity, reading: &Reading) -> Option<Identity> {
        let name = accepted.name();
        let is_asked = name == reading.login.canonical()
            || name == reading.identity.name()
            || CanonicalName::parse(&reading.upstream).is_ok_and(|sent| sent == *name);
        let known = match is_asked {
            true => reading.identity.clone(),
            false if self.domain == DomainRules::default() => return Some(accepted),
            false => self.domain.identity(&LoginName::parse(name.as_str()).ok()?)?,
        };
        let of_backend = accepted.groups().filter(|group| !known.groups().any(|other| other == *group));
        Some(of_backend.fold(known.clone(), Identity::with_group))
    }

    /// The name to send to the server, and the identity if the server accepts it.
    ///
    /// # Errors
    /// The verdict that needs no server.
    pub fn ask(&self, login: &LoginName) -> Result<(String, Identity), Verdict> {
        match self.decide(login) {
            NameDecision::Ask { upstream, identity } => Ok((upstream, identity)),
            NameDecision::NotMine => Err(Verdict::NotMine),
            NameDecision::Denied => Err(Verdict::Rejected(Rejection::PolicyDenied)),
        }
    }

    /// What is sent to the server for a name that is the id of one of its accounts.
    ///
    /// # Errors
    /// The verdict that needs no server: such an account cannot sign in.
    pub fn ask_account(&self, id: &LoginName) -> Result<String, Verdict> {
        match self.domain.read_account(id) {
            None => Err(Verdict::NotMine),
            Some(reading) if self.denies(&reading) => Err(Verdict::Rejected(Rejection::PolicyDenied)),
            Some(reading) => Ok(reading.upstream),
        }
    }

    /// What is sent for an account whose pin has this spelling.
    ///
    /// `None`: by the current rules it is another account, because they have changed.
    pub(crate) fn pinned_upstream(&self, spelling: &str, account: &CanonicalName) -> Option<String> {
        let login = LoginName::parse(spelling).ok()?;
        if login.canonical() == account {
            let upstream = self.domain.upstream_of_account(&login);
            return upstream.filter(|_| !self.is_denied(login.canonical()));
        }
        let reading = self.domain.read(&login).filter(|reading| reading.identity.name() == account);
        reading.filter(|reading| !self.denies(reading)).map(|reading| reading.upstream)
    }

    /// A name is denied alone, as the local part of an address, and after a Windows domain.
    fn is_denied(&self, name: &CanonicalName) -> bool {
        let whole = name.as_str();
        let local = whole.split('@').next().unwrap_or(whole);
        let bare = local.rsplit(['\\', '/']).next().unwrap_or(local);
        self.deny.iter().any(|denied| [whole, local, bare].contains(&denied.as_str()))
    }
}

/// Two backends strip different domains, so that two users could share one name.
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
    let mut first: Option<(&BackendId, Vec<&str>)> = None;
    for (id, rules) in backends {
        let domains = rules.stripped_domains();
        match &first {
            _ if domains.is_empty() => {}
            Some((_, others)) if *others == domains => {}
            Some((first_id, others)) => {
                // The first that only one of them has; the other has a different one.
                let odd = |these: &[&str], those: &[&str]| {
                    these
                        .iter()
                        .find(|domain| !those.contains(domain))
                        .or_else(|| these.first())
                        .map(|odd| (*odd).to_owned())
                };
                return Err(NamespaceCollision {
                    first: (*first_id).clone(),
                    first_domain: odd(others, &domains).unwrap_or_default(),
                    second: id.clone(),
                    second_domain: odd(&domains, others).unwrap_or_default(),
                });
            }
            None => first = Some((id, domains)),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
