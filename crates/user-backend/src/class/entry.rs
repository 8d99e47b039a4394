//! One entry of `user_backends`, checked and typed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::error::EntryError;
use super::fields::REFUSAL_TEXTS;
use super::own_fields::OwnFields;
use crate::identity::BackendId;
use crate::refusal::RefusalTexts;
use crate::resolver::names::NameRules;
use crate::resolver::policy::BackendPolicy;
use crate::transport::{Endpoint, TlsMode};

/// What users of a backend get at their first sign-in (`on_first_sign_in`).
///
/// The library hands it on to the program that keeps accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FirstSignIn {
    /// The groups that they join.
    pub groups: Vec<String>,
    /// How much they may store, such as `5 GB`.
    pub quota: Option<String>,
    /// Their language, such as `de`.
    pub language: Option<String>,
}

/// One entry of `user_backends`.
///
/// `Debug` shows the names of a class's own fields, not their values: they may be secrets.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub(crate) id: BackendId,
    pub(crate) class: &'static str,
    pub(crate) endpoint: Option<Endpoint>,
    pub(crate) uses_tls: bool,
    pub(crate) names: NameRules,
    pub(crate) policy: BackendPolicy,
    pub(crate) display_name: Option<String>,
    pub(crate) help_url: Option<String>,
    pub(crate) first_sign_in: FirstSignIn,
    pub(crate) names_are_addresses: bool,
    pub(crate) own: OwnFields,
    /// The directory of the configuration.
    pub(crate) base: Option<PathBuf>,
}

impl Entry {
    /// The backend's stable name: the field `id`, or else made of class and host.
    pub fn id(&self) -> &BackendId {
        &self.id
    }

    /// The name of the class, such as `imap`.
    pub fn class(&self) -> &'static str {
        self.class
    }

    /// The address of the server, if the entry has one.
    pub fn endpoint(&self) -> Option<&Endpoint> {
        self.endpoint.as_ref()
    }

    /// The address, for a class that [requires it](super::TransportSpec::host_required).
    ///
    /// # Errors
    /// The entry has no host, which cannot be when the class requires one.
    pub fn server(&self) -> Result<&Endpoint, EntryError> {
        self.endpoint.as_ref().ok_or_else(|| "it has no host".into())
    }

    /// How the connection is encrypted, unless the protocol itself decides that.
    pub fn tls(&self) -> Option<TlsMode> {
        self.endpoint.as_ref().filter(|_| self.uses_tls).map(Endpoint::tls)
    }

    /// The domain rules and the denied names.
    pub fn names(&self) -> &NameRules {
        &self.names
    }

    /// How the resolver treats this backend.
    pub fn policy(&self) -> &BackendPolicy {
        &self.policy
    }

    /// Name of this server for users: the field `display_name`, or the id.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or_else(|| self.id.as_str())
    }

    /// Where users get help with a password that this server keeps.
    pub fn help_url(&self) -> Option<&str> {
        self.help_url.as_deref()
    }

    /// What users get at their first sign-in.
    pub fn first_sign_in(&self) -> &FirstSignIn {
        &self.first_sign_in
    }

    /// Whether a login name with a domain is the mail address of its user.
    ///
    /// True for [mail servers](super::Class::names_are_addresses), and where the setting `domain`
    /// names the domains. Other servers may have users with any name, also the address of another.
    pub fn names_are_addresses(&self) -> bool {
        self.names_are_addresses
    }

    /// The class's own fields.
    pub fn own(&self) -> &OwnFields {
        &self.own
    }

    /// An own field that is a text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.own.text(name)
    }

    /// An own field that is the path of a file.
    ///
    /// A relative one is relative to the directory of the configuration.
    pub fn path(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(self.own.text(name)?);
        Some(self.base.as_ref().map_or_else(|| path.to_owned(), |base| base.join(path)))
    }

    /// An own field that is a length of time.
    pub fn duration(&self, name: &str) -> Option<Duration> {
        self.own.duration(name)
    }

    /// An own field as a type of yours; `None` when it is not there.
    pub fn field<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.own.field(name)
    }

    /// The field [`FieldSpec::refusal_texts`](super::FieldSpec::refusal_texts), if any.
    ///
    /// # Errors
    /// A text that cannot be one: none, if the class lists the field.
    pub fn refusal_texts(&self) -> Result<RefusalTexts, EntryError> {
        // An array of PHP has numbers for keys.
        let numbered = || {
            self.field::<BTreeMap<String, String>>(REFUSAL_TEXTS).map(|texts| texts.into_values().collect())
        };
        let texts: Option<Vec<String>> = self.field(REFUSAL_TEXTS).or_else(numbered);
        Ok(RefusalTexts::parse(texts.unwrap_or_default())?)
    }

    /// All own fields as the type named in [`Class::settings`](super::Class::settings).
    ///
    /// # Errors
    /// The mismatch; impossible if the class named this type.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, EntryError> {
        self.own.settings()
    }
}
