//! The section `[store]` of the configuration, for every program that opens the store.
//!
//! ```toml
//! [store]
//! url = "sqlite:/var/lib/user-backend/accounts.db"     # or "postgres://user:password@host/database"
//! ```
//!
//! In a `config.php` the section is called `user_backends_store`. Without it the store is the
//! SQLite file `user-backend.db` beside the configuration.

use std::path::Path;

use serde::Deserialize;
use user_backend::config::{Config, InvalidConfig, Loader};

use crate::domain::AccountsError;
use crate::store::settings::StoreSettings;

/// Name of the section.
const SECTION: &str = "store";

/// Default path of the store.
const USUAL: &str = "user-backend.db";

/// The section as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    url: Option<String>,
    connections: Option<u32>,
}

impl StoreSettings {
    /// Lets a loader read the section.
    pub fn section_of(loader: Loader) -> Loader {
        loader.section(SECTION)
    }

    /// The store of a configuration.
    ///
    /// `file` is the configuration's own place: a relative path of a SQLite file is relative to it.
    ///
    /// # Errors
    /// [`InvalidConfig`] with the place in the file. The address is not repeated, it may hold a
    /// password.
    pub fn from_config(config: &Config, file: &Path) -> Result<Self, InvalidConfig> {
        let section: Section = config.section(SECTION)?.unwrap_or_default();
        let folder = file.parent().unwrap_or_else(|| Path::new(""));
        let mut settings = match section.url.as_deref() {
            None => Self::sqlite(folder.join(USUAL)),
            Some(url) => match Self::parse(url) {
                Ok(settings) => match settings.path() {
                    Some(path) => Self::sqlite(folder.join(path)),
                    None => settings,
                },
                Err(AccountsError::Invalid { found, expected, .. }) => {
                    return Err(config.section_error(SECTION, &["url"], found, expected));
                }
                Err(error) => {
                    return Err(config.section_error(SECTION, &["url"], error.to_string(), "an address"));
                }
            },
        };
        if let Some(connections) = section.connections {
            if !(1..=1000).contains(&connections) {
                let found = format!("the number {connections}");
                let expected = "a number between 1 and 1000";
                return Err(config.section_error(SECTION, &["connections"], found, expected));
            }
            settings = settings.with_connections(connections);
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use user_backend::config::Format;

    use super::*;

    fn settings(section: &str, format: Format) -> Result<String, String> {
        let (text, name) = match format {
            Format::Php => (
                format!(
                    "<?php $CONFIG = [{section} 'user_backends' => [['class' => 'ftp', 'host' => 'localhost']]];"
                ),
                "/etc/occ/config.php",
            ),
            _ => (
                format!("{section}\n[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"\n"),
                "/etc/occ/user-backend.toml",
            ),
        };
        let loader = StoreSettings::section_of(Loader::new());
        let config = loader.parse(&text, format, name).map_err(|error| error.to_string())?;
        let settings = StoreSettings::from_config(&config, Path::new(name));
        settings.map(|settings| settings.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn store_is_where_the_section_says_or_beside_the_file() {
        let address = |section| settings(section, Format::Toml).unwrap();
        assert_eq!(address(""), "sqlite:/etc/occ/user-backend.db");
        assert_eq!(address("[store]"), "sqlite:/etc/occ/user-backend.db");
        assert_eq!(address("[store]\nurl = \"sqlite:/srv/a.db\""), "sqlite:/srv/a.db");
        assert_eq!(address("[store]\nurl = \"sqlite:data/a.db\""), "sqlite:/etc/occ/data/a.db");
        let postgres =
            "[store]\nurl = \"postgres://alice:Wonderland-1@db.example.com/users\"\nconnections = 8";
        assert_eq!(address(postgres), "postgres://db.example.com:5432/users");
        let php = settings("'user_backends_store' => ['url' => 'sqlite:a.db'],", Format::Php);
        assert_eq!(php.unwrap(), "sqlite:/etc/occ/a.db");
    }

    #[test]
    fn invalid_url_is_reported_with_position_only() {
        let refusals: Vec<String> = [
            "[store]\nurl = \"mysql://alice:Wonderland-1@db/users\"",
            "[store]\nurl = \"postgres://alice:Wonderland-1@db:port/users\"",
            "[store]\nurl = \"sqlite:\"",
            "[store]\nurl = 5",
            "store = \"postgres://alice:Wonderland-1@db/users\"",
            "[store]\nurll = \"sqlite:a\"",
            "[store]\nconnections = 0",
        ]
        .map(|section| settings(section, Format::Toml).unwrap_err())
        .to_vec();
        assert!(!refusals.concat().contains("Wonderland"), "{refusals:?}");
        insta::assert_snapshot!(refusals.join("\n"));
    }
}
