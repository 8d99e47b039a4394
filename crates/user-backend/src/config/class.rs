//! The classes there are, and every way they have been spelled.
//!
//! A class of the PHP app was written as `OC_User_IMAP` at first and as `\OCA\UserExternal\IMAP` later, and PHP does not
//! mind letter case. All of that is understood, and the short names of our own: `imap`, `ftp`, `smb`.

use std::fmt;
use std::sync::Arc;

use super::entry::Entry;
use crate::backend::UserBackend;
use crate::document::error::Problem;
use crate::document::section::{alternatives, nearest};
use crate::document::tree::quoted;

/// What a class of somebody else's answers when it cannot make a backend. The text must not hold a secret.
pub type FactoryError = Box<dyn std::error::Error + Send + Sync>;

type Factory = Arc<dyn Fn(&Entry) -> Result<Arc<dyn UserBackend>, FactoryError> + Send + Sync>;

/// The classes that a configuration may name: ours, and those you add.
///
/// A value like any other: nothing is registered globally. Cheap to clone.
///
/// # Example
/// ```
/// use std::sync::Arc;
/// use user_backend::config::{Config, Format, Loader, Registry};
/// use user_backend::{StaticBackend, UserBackend};
///
/// let registry = Registry::standard().with_class("demo", |entry| {
///     let mut backend = StaticBackend::new(entry.id().as_str())?;
///     if let Some(user) = entry.custom("user").and_then(|value| value.as_str()) {
///         backend = backend.with_user(user, "Wonderland-1");
///     }
///     Ok(Arc::new(backend) as Arc<dyn UserBackend>)
/// });
/// let text = "[[user_backends]]\nclass = \"demo\"\nuser = \"alice\"";
/// let config = Loader::new().with_registry(registry.clone()).parse(text, Format::Toml, "demo.toml")?;
/// assert_eq!(config.build_backends(&registry)?.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    classes: Vec<Class>,
}

#[derive(Clone)]
pub(super) struct Class {
    name: Arc<str>,
    kind: Kind,
    /// The cargo feature that would bring this class.
    missing: Option<&'static str>,
}

/// What a class is made by.
#[derive(Clone)]
pub(super) enum Kind {
    Imap,
    Ftp,
    Smb,
    Custom(Factory),
}

impl Registry {
    /// The classes of this crate: `imap`, `ftp` and `smb`, as far as their cargo features are on.
    pub fn standard() -> Self {
        Self::with_features(
            cfg!(feature = "imap"),
            cfg!(feature = "ftp"),
            cfg!(any(feature = "smb", feature = "smb-native")),
        )
    }

    fn with_features(imap: bool, ftp: bool, smb: bool) -> Self {
        let class = |name: &'static str, kind, on: bool| Class {
            name: name.into(),
            kind,
            missing: (!on).then_some(name),
        };
        Self {
            classes: vec![
                class("imap", Kind::Imap, imap),
                class("ftp", Kind::Ftp, ftp),
                class("smb", Kind::Smb, smb),
            ],
        }
    }

    /// Adds a class, or puts another in the place of one with this name.
    ///
    /// The factory is called once for each entry of the class when backends are built. The entry has the typed fields
    /// that all classes share; whatever else stands in it, [`Entry::custom`] hands out.
    #[must_use]
    pub fn with_class<F>(mut self, name: &str, factory: F) -> Self
    where
        F: Fn(&Entry) -> Result<Arc<dyn UserBackend>, FactoryError> + Send + Sync + 'static,
    {
        let name = name.to_ascii_lowercase();
        self.classes.retain(|class| *class.name != *name);
        self.classes.push(Class { name: name.into(), kind: Kind::Custom(Arc::new(factory)), missing: None });
        self
    }

    /// The names of the classes there are.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.classes.iter().filter(|class| class.missing.is_none()).map(|class| &*class.name)
    }

    /// Finds a class by any of its spellings.
    pub(super) fn find(&self, spelling: &str) -> Result<&Class, Problem> {
        let wanted = short_name(spelling);
        match self.classes.iter().find(|class| *class.name == *wanted) {
            Some(Class { name, missing: Some(feature), .. }) => Err(self
                .unknown(spelling)
                .hint(format!("class `{name}` needs the cargo feature `{feature}`"))),
            Some(class) => Ok(class),
            None => Err(self.unknown(spelling).hints(explain(
                spelling,
                &wanted,
                &self.names().collect::<Vec<_>>(),
            ))),
        }
    }

    fn unknown(&self, spelling: &str) -> Problem {
        let names: Vec<&str> = self.names().collect();
        let expected = if names.is_empty() {
            "a class, of which this program has none".to_owned()
        } else {
            alternatives(&names)
        };
        Problem::new(quoted(spelling), expected)
    }
}

impl Default for Registry {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Class {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn kind(&self) -> &Kind {
        &self.kind
    }
}

/// The name spaces that the PHP app has had, in lower case.
const NAMESPACES: [&str; 3] = ["oca\\userexternal\\", "oca\\user_external\\lib\\", "oca\\user_external\\"];

/// Brings a spelling into its short form, in lower case. A name from any other name space stays whole.
fn short_name(spelling: &str) -> String {
    let lower = spelling.strip_prefix('\\').unwrap_or(spelling).to_ascii_lowercase();
    let bare = NAMESPACES.iter().find_map(|space| lower.strip_prefix(space)).unwrap_or(&lower);
    bare.strip_prefix("oc_user_").unwrap_or(bare).to_owned()
}

/// Classes of the PHP world that people bring along, by a part of their name.
const ABSENT: [(&str, &str); 5] = [
    ("webdav", "WebDAV"),
    ("basicauth", "HTTP basic authentication"),
    ("ssh", "SSH"),
    ("xmpp", "XMPP"),
    ("ldap", "LDAP"),
];

fn explain(spelling: &str, wanted: &str, names: &[&str]) -> Option<String> {
    if let Some((_, what)) = ABSENT.iter().find(|(part, _)| wanted.contains(part)) {
        return Some(format!("{what} is not there yet; a class of your own can be added in Rust"));
    }
    if wanted.contains('\\') && spelling.contains("\\\\") {
        return Some("one backslash between the parts of the name is enough".to_owned());
    }
    nearest(wanted, names).map(|near| format!("did you mean \"{near}\"?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_historic_spelling_is_understood() {
        let registry = Registry::with_features(true, true, true);
        for (name, upper) in [("imap", "IMAP"), ("ftp", "FTP"), ("smb", "SMB")] {
            for spelling in [
                name.to_owned(),
                upper.to_owned(),
                format!("OC_User_{upper}"),
                format!("\\OC_User_{upper}"),
                format!("oc_user_{name}"),
                format!("\\OCA\\UserExternal\\{upper}"),
                format!("OCA\\UserExternal\\{upper}"),
                format!("oca\\userexternal\\{name}"),
                format!("\\OCA\\user_external\\{upper}"),
                format!("OCA\\User_External\\lib\\{upper}"),
            ] {
                assert_eq!(registry.find(&spelling).map(Class::name).ok(), Some(name), "{spelling}");
            }
        }
    }

    #[test]
    fn a_class_of_another_name_space_is_another_class() {
        let registry = Registry::with_features(true, true, true);
        for spelling in [
            "\\Evil\\IMAP",
            "OCA\\Other\\IMAP",
            "\\\\imap",
            "imap\\",
            "",
            "OC_User_",
            "OC_User_IMAP_wUD",
            " imap",
        ] {
            assert!(registry.find(spelling).is_err(), "{spelling}");
        }
    }

    #[test]
    fn a_class_without_its_feature_says_which() {
        let problem = Registry::with_features(true, true, false).find("OC_User_SMB").map(|_| ()).unwrap_err();
        assert_eq!(problem.expected, "\"imap\" or \"ftp\"");
        assert_eq!(problem.hints, ["class `smb` needs the cargo feature `smb`"]);
    }

    #[test]
    fn classes_that_people_bring_along_are_named() {
        let registry = Registry::standard();
        for (spelling, word) in [
            ("\\OCA\\User_External\\WebDAVAuth", "WebDAV"),
            ("OC_User_BasicAuth", "basic"),
            ("\\OCA\\UserExternal\\SSH", "SSH"),
            ("\\OCA\\UserExternal\\XMPP", "XMPP"),
            ("\\OCA\\User_LDAP\\User_Proxy", "LDAP"),
        ] {
            let problem = registry.find(spelling).map(|_| ()).unwrap_err();
            assert!(problem.hints.join("").contains(word), "{spelling}: {problem:?}");
        }
    }
}
