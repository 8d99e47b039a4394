//! The classes there are, and every way they have been spelled.
//!
//! A class of the PHP app was written as `OC_User_IMAP` at first and as `\OCA\UserExternal\IMAP`
//! later, and PHP ignores letter case. All of that is accepted, and the short names of our
//! own: `imap`, `ftp`, `smb`.

use std::fmt;
use std::sync::Arc;

use super::contract::Class;
use super::read;
use crate::document::Problem;
use crate::document::section::{alternatives, nearest};
use crate::document::tree::quoted;

/// The classes that a configuration may name: ours, and those you add.
///
/// A value like any other: nothing is registered globally. Cheap to clone. It is given to the
/// [`Loader`](crate::config::Loader) and travels with the [`Config`](crate::Config).
#[derive(Clone)]
pub struct ClassRegistry {
    classes: Arc<Vec<Registered>>,
}

#[derive(Clone)]
enum Registered {
    Present(Arc<dyn Class>),
    /// The program was built without the cargo feature of this name.
    Absent {
        name: &'static str,
        aliases: &'static [&'static str],
    },
}

impl Registered {
    fn is_called(&self, wanted: &str) -> bool {
        match self {
            Self::Present(class) => class.name() == wanted || class.aliases().contains(&wanted),
            Self::Absent { name, aliases } => *name == wanted || aliases.contains(&wanted),
        }
    }
}

impl ClassRegistry {
    /// No class at all.
    pub fn empty() -> Self {
        Self { classes: Arc::default() }
    }

    /// Adds a class, or puts it in the place of the one with this name.
    #[must_use]
    pub fn with(self, class: impl Class) -> Self {
        self.add(class.name(), Registered::Present(Arc::new(class)))
    }

    /// Adds a class whose cargo feature, of the same name, is off.
    #[must_use]
    #[allow(dead_code, reason = "not used when all features are on")]
    pub(crate) fn without(self, name: &'static str, aliases: &'static [&'static str]) -> Self {
        self.add(name, Registered::Absent { name, aliases })
    }

    fn add(mut self, name: &str, class: Registered) -> Self {
        let classes = Arc::make_mut(&mut self.classes);
        match classes.iter_mut().find(|present| present.is_called(name)) {
            Some(present) => *present = class,
            None => classes.push(class),
        }
        self
    }

    fn classes(&self) -> impl Iterator<Item = &Arc<dyn Class>> {
        self.classes.iter().filter_map(|class| match class {
            Registered::Present(class) => Some(class),
            Registered::Absent { .. } => None,
        })
    }

    /// The names of the classes there are.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.classes().map(|class| class.name())
    }

    /// Finds a class by any of its spellings.
    pub(crate) fn find(&self, spelling: &str) -> Result<&Arc<dyn Class>, Problem> {
        let wanted = short_name(spelling);
        match self.classes.iter().find(|class| class.is_called(&wanted)) {
            Some(Registered::Present(class)) => Ok(class),
            Some(Registered::Absent { name, .. }) => {
                Err(self.unknown(spelling).hint(format!("class `{name}` needs the cargo feature `{name}`")))
            }
            None => Err(self.unknown(spelling).hints(explain(
                spelling,
                &wanted,
                &self.names().collect::<Vec<_>>(),
            ))),
        }
    }

    /// The class that has a field of this name to itself.
    pub(crate) fn owner_of(&self, field: &str) -> Option<&'static str> {
        let owns =
            |class: &&Arc<dyn Class>| read::names(class.as_ref()).is_some_and(|names| names.contains(&field));
        self.classes().find(owns).map(|class| class.name())
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

impl fmt::Debug for ClassRegistry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// The name spaces that the PHP app has had, in lower case.
const NAMESPACES: [&str; 3] = ["oca\\userexternal\\", "oca\\user_external\\lib\\", "oca\\user_external\\"];

/// Brings a spelling into its short form, in lower case.
///
/// A name from any other name space stays whole.
fn short_name(spelling: &str) -> String {
    let lower = spelling.strip_prefix('\\').unwrap_or(spelling).to_ascii_lowercase();
    let bare = NAMESPACES.iter().find_map(|space| lower.strip_prefix(space)).unwrap_or(&lower);
    bare.strip_prefix("oc_user_").unwrap_or(bare).to_owned()
}

fn explain(spelling: &str, wanted: &str, names: &[&str]) -> Option<String> {
    if wanted.contains("webdav") {
        return Some("did you mean \"http\"?".to_owned());
    }
    if wanted.contains("ldap") {
        return Some(
            "that app keeps its settings in its database; class \"ldap\" has `host`, and `bind` or `base`"
                .to_owned(),
        );
    }
    if wanted.contains('\\') && spelling.contains("\\\\") {
        return Some("one backslash between the parts of the name is enough".to_owned());
    }
    nearest(wanted, names).map(|near| format!("did you mean \"{near}\"?"))
}

#[cfg(test)]
#[cfg(all(
    feature = "imap",
    feature = "ftp",
    feature = "http",
    feature = "ldap",
    feature = "smb",
    feature = "smb-native",
    feature = "smtp",
    feature = "ssh",
    feature = "xmpp"
))]
mod tests {
    use super::*;

    fn without_smb() -> ClassRegistry {
        ClassRegistry::standard().without("smb", &[])
    }

    #[test]
    fn every_historic_spelling_is_understood() {
        let registry = ClassRegistry::standard();
        for spelling in
            ["WebDavAuth", "OC_User_WebDavAuth", "\\OCA\\UserExternal\\WebDavAuth", "OC_User_BasicAuth"]
        {
            assert_eq!(registry.find(spelling).map(|class| class.name()).ok(), Some("http"), "{spelling}");
        }
        for (name, upper) in
            [("imap", "IMAP"), ("ftp", "FTP"), ("smb", "SMB"), ("ssh", "SSH"), ("xmpp", "XMPP")]
        {
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
                assert_eq!(registry.find(&spelling).map(|class| class.name()).ok(), Some(name), "{spelling}");
            }
        }
    }

    #[test]
    fn class_of_another_name_space_is_another_class() {
        let registry = ClassRegistry::standard();
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
    fn class_without_its_feature_says_which() {
        let absent = ClassRegistry::empty().without("http", &["webdavauth"]);
        let problem = absent.find("\\OCA\\UserExternal\\WebDavAuth").map(|_| ()).unwrap_err();
        assert_eq!(problem.hints, ["class `http` needs the cargo feature `http`"]);
        let problem = without_smb().find("OC_User_SMB").map(|_| ()).unwrap_err();
        assert!(problem.expected.contains("\"imap\"") && !problem.expected.contains("smb"), "{problem:?}");
        assert_eq!(problem.hints, ["class `smb` needs the cargo feature `smb`"]);
    }

    #[test]
    fn third_party_classes_are_named() {
        let registry = ClassRegistry::standard();
        let spelling = "\\OCA\\User_LDAP\\User_Proxy";
        let problem = registry.find(spelling).map(|_| ()).unwrap_err();
        assert!(problem.hints.join("").contains("\"ldap\""), "{spelling}: {problem:?}");
    }
}
