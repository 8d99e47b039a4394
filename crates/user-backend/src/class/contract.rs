//! The trait that every class implements.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::arguments::{Arguments, NamedFields};
use super::entry::Entry;
use super::error::EntryError;
use super::fields::FieldSpec;
use super::own_fields::OwnFields;
use super::settings::SettingsSpec;
use super::transport::TransportSpec;
use crate::backend::UserBackend;
use crate::document::Problem;
use crate::resolver::policy::BackendPolicy;
use crate::verdict::Verdict;

/// A class of backends, as the configuration uses it.
///
/// Only [`name`](Self::name) and [`build`](Self::build) must be written. What is wrong with an
/// entry is reported when the file is loaded, with its place, so `build` should fail only for what
/// a look at the file cannot show.
pub trait Class: fmt::Debug + Send + Sync + 'static {
    /// The name in the field `class`, in lower case, such as `imap`.
    fn name(&self) -> &'static str;

    /// Other names for it, in lower case.
    ///
    /// The forms of the PHP app (`OC_User_X`, `\OCA\UserExternal\X`) are understood without being
    /// listed.
    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    /// The fields that only this class has.
    ///
    /// Any other field is an error.
    fn fields(&self) -> &'static [FieldSpec] {
        &[]
    }

    /// A type whose fields are the class's own, instead of [`fields`](Self::fields).
    ///
    /// [`Entry::settings`] has its value; see [`SettingsSpec`].
    fn settings(&self) -> Option<SettingsSpec> {
        None
    }

    /// How the server is reached: TLS modes, default ports, prepared connections.
    ///
    /// A class that has no server says so: see [`TransportSpec::without_server`].
    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
    }

    /// Whether servers of this class know names without a domain only.
    ///
    /// This does not apply to an entry that has a `domain`.
    fn bare_names_only(&self) -> bool {
        false
    }

    /// Whether a login name with a domain is the mail address of its user, as at mail servers.
    ///
    /// Otherwise it is taken for one only where the entry has a `domain`.
    fn names_are_addresses(&self) -> bool {
        false
    }

    /// The workgroup, if servers of the class treat `DOMAIN\\user` and `user` as one.
    ///
    /// This workgroup is removed in front of a name; names with another one do not belong to this
    /// server.
    fn workgroup(&self, _own: &OwnFields) -> Option<String> {
        None
    }

    /// Warnings about an entry that can be used.
    ///
    /// Own fields and what each does not do, such as one that has no effect beside another.
    fn warnings(&self, _entry: &Entry) -> Vec<(&'static str, String)> {
        Vec::new()
    }

    /// Reads positional `arguments`.
    ///
    /// `None` when something is wrong with them, which has been reported.
    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        arguments
            .fail(Problem::new("positional arguments", "named fields, which is all that this class knows"))
    }

    /// Checks what depends on more than one own field, or on how the program was built.
    ///
    /// # Errors
    /// The wrong field and its problem.
    fn check(&self, _own: &OwnFields) -> Result<(), (&'static str, Problem)> {
        Ok(())
    }

    /// The verdict about a name that its backend never sends to the server.
    ///
    /// `None` for names that it sends.
    ///
    /// The domain rules and `deny_names` have been applied before.
    fn refuses_name(&self, _entry: &Entry, _upstream: &str) -> Option<Verdict> {
        None
    }

    /// How the resolver treats a backend of this class where the entry does not say.
    fn default_policy(&self) -> BackendPolicy {
        BackendPolicy::default()
    }

    /// The files that a backend is made of, beside `ca_file`; see [`Entry::path`].
    ///
    /// When one of them has other contents at a [reload](crate::Resolver::reload), the backend is
    /// made again although its entry says the same.
    fn files(&self, _entry: &Entry) -> Vec<PathBuf> {
        Vec::new()
    }

    /// Makes the backend.
    ///
    /// Reads certificates and the like; opens no connection.
    ///
    /// # Errors
    /// Why this entry cannot be used, as a text or as a [`BackendError`](crate::BackendError).
    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError>;
}
