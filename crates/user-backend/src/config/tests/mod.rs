//! Tests of the configuration.

// What is expected of `class` lists the classes, so the texts are those of a program with all of
// them.
mod adversarial;
#[cfg(all(feature = "http", feature = "ldap", feature = "smb", feature = "smb-native", feature = "ssh"))]
mod bad_input;
#[cfg(all(feature = "http", feature = "ldap"))]
mod classes;
mod documented;
#[cfg(all(
    feature = "imap",
    feature = "ftp",
    feature = "http",
    feature = "ldap",
    feature = "smb-native",
    feature = "ssh"
))]
mod fields_table;
mod files;
mod historic;
#[cfg(all(
    feature = "http",
    feature = "ldap",
    feature = "ssh",
    any(feature = "smb-helper", feature = "smb-native")
))]
mod names_table;
mod php_system;
mod registry;
mod same;

use super::*;

/// A configuration that must be right.
fn good(text: &str, format: Format) -> Config {
    let name = match format {
        Format::Toml => "conf/user-backend.toml",
        Format::Json => "conf/user-backend.json",
        Format::Php => "conf/config.php",
    };
    Config::parse(text, format, name).unwrap_or_else(|errors| panic!("{text}\n{errors}"))
}

fn toml(text: &str) -> Config {
    good(text, Format::Toml)
}

fn php(text: &str) -> Config {
    good(text, Format::Php)
}

/// One entry in PHP, between the brackets.
fn php_entry(entry: &str) -> Config {
    php(&format!("<?php $CONFIG = ['user_backends' => [[{entry}]]];"))
}

/// An endpoint in a few words: `host:port tls`.
fn reached(config: &Config) -> String {
    let endpoint = config.entries()[0].endpoint().expect("an endpoint");
    format!("{endpoint} {}", endpoint.tls())
}

/// The errors of a configuration, as an operator sees them.
fn wrong(text: &str, format: Format, name: &str) -> String {
    match Config::parse(text, format, name) {
        Ok(config) => panic!("taken for good:\n{text}\n{config:?}"),
        Err(errors) => {
            // The password of every secret in these tests.
            assert!(
                !format!("{errors} {errors:?}").contains("Wonderland"),
                "an error shows a secret:\n{errors}"
            );
            errors.to_string()
        }
    }
}
