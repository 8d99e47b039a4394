//! What users of an external backend get at their first sign-in.

use user_backend::config::{Config, Entry, InvalidConfig};

use crate::domain::error::AccountsError;
use crate::domain::group_id::GroupId;
use crate::domain::language::Language;
use crate::domain::quota::Quota;

/// What users of an external backend get at their first sign-in.
///
/// The setting `on_first_sign_in`, and what their names mean.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstSignIn {
    /// The groups that they join.
    ///
    /// Missing ones are created.
    pub groups: Vec<GroupId>,
    /// How much they may store.
    pub quota: Quota,
    /// Their language.
    pub language: Option<Language>,
    /// Whether a name with a domain is the confirmed mail address of its user.
    pub names_are_addresses: bool,
}

impl FirstSignIn {
    /// The setting of an entry.
    ///
    /// # Errors
    /// [`InvalidConfig`] with the entry, when a group, the quota or the language cannot be one.
    pub fn of(entry: &Entry, config: &Config) -> Result<Self, InvalidConfig> {
        let settings = entry.first_sign_in();
        let wrong = |field: &str| {
            let path = ["on_first_sign_in.", field].concat();
            move |error: AccountsError| match error {
                AccountsError::Invalid { found, expected, .. } => {
                    config.entry_error(entry.id(), &path, format!("{found:?}"), expected)
                }
                other => config.entry_error(entry.id(), &path, other.to_string(), "another value"),
            }
        };
        let groups = settings.groups.iter().map(|group| GroupId::for_new(group));
        Ok(Self {
            groups: groups.collect::<Result<_, _>>().map_err(wrong("groups"))?,
            quota: settings
                .quota
                .as_deref()
                .map_or(Ok(Quota::Default), str::parse)
                .map_err(wrong("quota"))?,
            language: settings.language.as_deref().map(str::parse).transpose().map_err(wrong("language"))?,
            names_are_addresses: entry.names_are_addresses(),
        })
    }
}

#[cfg(test)]
mod tests {
    use user_backend::config::Format;

    use super::*;

    fn read(first: &str) -> Result<FirstSignIn, String> {
        let text =
            format!("[[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\non_first_sign_in = {first}\n");
        let config = Config::parse(&text, Format::Toml, "user-backend.toml").unwrap();
        FirstSignIn::of(&config.entries()[0], &config).map_err(|errors| errors.to_string())
    }

    #[test]
    fn setting_is_read_as_the_store_knows_it() {
        let first = read("{ groups = [\"staff\"], quota = \"5 GB\", language = \"de_AT\" }").unwrap();
        assert_eq!(first.groups, [GroupId::parse("staff").unwrap()]);
        assert_eq!(first.quota, Quota::Bytes(5 << 30));
        assert_eq!(first.language, Some("de_AT".parse().unwrap()));
        assert_eq!(read("{}").unwrap(), FirstSignIn::default());
    }

    #[test]
    fn names_are_addresses_at_mail_servers_and_with_a_domain() {
        for (settings, expected) in [
            ("class = \"imap\"\nhost = \"mail\"", true),
            ("class = \"smtp\"\nhost = \"mail\"", true),
            ("class = \"ftp\"\nhost = \"files\"", false),
            ("class = \"ftp\"\nhost = \"files\"\ndomain = \"example.com\"", true),
            ("class = \"http\"\nhost = \"files\"\nauth = \"basic\"", false),
        ] {
            let text = format!("[[user_backends]]\n{settings}\n");
            let config = Config::parse(&text, Format::Toml, "user-backend.toml").unwrap();
            let first = FirstSignIn::of(&config.entries()[0], &config).unwrap();
            assert_eq!(first.names_are_addresses, expected, "{settings}");
        }
    }

    #[test]
    fn invalid_value_is_an_error_with_its_position() {
        for (first, field) in [
            ("{ groups = [\"staff.\"] }", "groups"),
            ("{ quota = \"5 apples\" }", "quota"),
            ("{ language = \"Deutsch, bitte\" }", "language"),
        ] {
            let error = read(first).unwrap_err();
            let column = "on_first_sign_in = { ".len() + field.len() + " = ".len() + 1;
            let place =
                format!("user-backend.toml:4:{column}: user_backends[0].on_first_sign_in.{field}: found \"");
            assert!(error.starts_with(&place), "{error}");
        }
    }
}
