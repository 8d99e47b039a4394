//! The operator's decisions for the import.
//!
//! `--backend` is for a whole backend of the source, `--map` for single users.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use accounts::LOCAL_BACKEND;
use serde::Deserialize;
use user_backend::BackendId;
use user_backend::config::Config;

use crate::exit::CliError;

/// All decisions.
#[derive(Debug, Default)]
pub(super) struct Decisions {
    backends: Vec<(String, BackendId)>,
    users: BTreeMap<String, UserDecision>,
    used: RefCell<BTreeSet<String>>,
}

/// The decision about one user of the source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct UserDecision {
    /// The user is not imported.
    pub(super) is_skipped: bool,
    /// The id here, if it is another one.
    pub(super) id: Option<String>,
    /// The backend here, if it is another one.
    pub(super) backend: Option<Home>,
}

/// Who checks the password of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The store.
    Local,
    /// A backend of the configuration.
    External(BackendId),
}

/// One line of the file.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a backend id, false, or { backend = \"ID\", id = \"NAME\" }")]
enum DecisionLine {
    Import(bool),
    Backend(String),
    Both(Both),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Both {
    backend: Option<String>,
    id: Option<String>,
}

impl Decisions {
    /// Reads the options of the command line.
    pub(super) fn read(config: &Config, backends: &[String], map: Option<&Path>) -> Result<Self, CliError> {
        let backends = backends.iter().map(|pair| {
            let (old, id) = pair.rsplit_once('=').ok_or_else(|| {
                CliError::new(format!("--backend {pair}: found no =, expected the backend there=the id here"))
            })?;
            Ok((old.to_owned(), known(config, id)?))
        });
        let backends = backends.collect::<Result<_, CliError>>()?;
        let users = map.map_or_else(|| Ok(BTreeMap::new()), |file| users(config, file))?;
        Ok(Self { backends, users, used: RefCell::default() })
    }

    /// The backends here that the file names for a backend of the source.
    ///
    /// Several, if several were named.
    pub(super) fn backends<'a>(&'a self, old: &str) -> impl Iterator<Item = &'a BackendId> {
        self.backends.iter().filter(move |(name, _)| name == old).map(|(_, id)| id)
    }

    /// The decision about a user of the source.
    pub(super) fn user(&self, uid: &str) -> UserDecision {
        let Some(decision) = self.users.get(uid) else { return UserDecision::default() };
        self.used.borrow_mut().insert(uid.to_owned());
        decision.clone()
    }

    /// Users who were decided about and are not in the source.
    pub(super) fn unused(&self) -> Vec<String> {
        let used = self.used.borrow();
        self.users.keys().filter(|uid| !used.contains(*uid)).cloned().collect()
    }
}

fn known(config: &Config, id: &str) -> Result<BackendId, CliError> {
    let known = config.entries().iter().find(|entry| entry.id().as_str() == id);
    known
        .map(|entry| entry.id().clone())
        .ok_or_else(|| CliError::new(format!("there is no backend \"{id}\"")))
}

fn users(config: &Config, file: &Path) -> Result<BTreeMap<String, UserDecision>, CliError> {
    let failed = |why: &str| CliError::new(format!("--map {}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| failed(&error.to_string()))?;
    let lines: BTreeMap<String, DecisionLine> =
        toml::from_str(&text).map_err(|error| failed(error.to_string().trim_end()))?;
    let home = |uid: &str, id: &str| match id {
        LOCAL_BACKEND => Ok(Home::Local),
        id => known(config, id).map(Home::External).map_err(|error| failed(&format!("{uid:?}: {error}"))),
    };
    let decide = |(uid, line): (String, DecisionLine)| {
        let decision = match line {
            DecisionLine::Import(false) => UserDecision { is_skipped: true, ..UserDecision::default() },
            DecisionLine::Import(true) => {
                return Err(failed(&format!("{uid:?}: found true, expected a backend id or false")));
            }
            DecisionLine::Backend(id) => {
                UserDecision { backend: Some(home(&uid, &id)?), ..UserDecision::default() }
            }
            DecisionLine::Both(Both { backend, id }) => UserDecision {
                is_skipped: false,
                backend: backend.map(|id| home(&uid, &id)).transpose()?,
                id,
            },
        };
        Ok((uid, decision))
    };
    lines.into_iter().map(decide).collect()
}

#[cfg(test)]
mod tests {
    use user_backend::config::Format;

    use super::*;

    fn config() -> Config {
        let text = r#"user_backends = [{ id = "mail", class = "imap", host = "mail.example.com" }]"#;
        Config::parse(text, Format::Toml, "test.toml").unwrap()
    }

    fn read(text: &str) -> Result<Decisions, CliError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        Decisions::read(&config(), &[], Some(file.path()))
    }

    #[test]
    fn map_file_decides_about_backend_id_and_import() {
        let text = "alice = \"mail\"\n'CORP\\bob' = { id = \"bob\" }\ncarol = false\n\
                    dave = { backend = \"local\", id = \"david\" }\n";
        let decisions = read(text).unwrap();
        let mail = Home::External(BackendId::parse("mail").unwrap());
        assert_eq!(decisions.user("alice").backend, Some(mail));
        assert_eq!(decisions.user("CORP\\bob").id.as_deref(), Some("bob"));
        assert!(decisions.user("carol").is_skipped);
        assert_eq!(decisions.unused(), ["dave"]);
        let dave =
            UserDecision { is_skipped: false, id: Some("david".to_owned()), backend: Some(Home::Local) };
        assert_eq!(decisions.user("dave"), dave);
        assert_eq!(decisions.user("nora"), UserDecision::default());
        assert_eq!(decisions.unused(), [""; 0]);
    }

    #[test]
    fn wrong_map_file_says_what_was_expected() {
        for (text, words) in [
            ("alice = \"nowhere\"", "\"alice\": there is no backend \"nowhere\""),
            ("alice = true", "found true, expected a backend id or false"),
            ("alice = 3", "a backend id, false, or { backend"),
            ("alice = { bakend = \"mail\" }", "a backend id, false, or { backend"),
            ("alice = \"mail\"\nalice = false", "duplicate key"),
            ("alice mail", "TOML parse error"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
        let error = Decisions::read(&config(), &[], Some(Path::new("/nowhere.toml"))).unwrap_err();
        assert!(error.to_string().starts_with("--map /nowhere.toml: "), "{error}");
    }
}
