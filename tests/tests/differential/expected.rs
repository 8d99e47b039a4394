//! The table of expected differences.

use serde::Deserialize;

use crate::cases::Pair;

/// All rows of `expected.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    difference: Vec<Row>,
}

/// A kind of difference between the PHP app and us.
///
/// A pattern that is left out fits everything; `*` at the end of one fits every rest.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    /// The kind, such as `yes there, no here`.
    #[serde(rename = "kind")]
    pub(crate) difference: String,
    /// The first column of its row in "What differs".
    pub(crate) documented: String,
    #[serde(default)]
    pub(crate) class: Vec<String>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    name: Vec<String>,
    #[serde(default)]
    password: Vec<String>,
    #[serde(default)]
    pub(crate) server: Vec<String>,
}

impl Expected {
    pub(crate) fn read() -> Self {
        toml::from_str(include_str!("expected.toml")).unwrap()
    }

    pub(crate) fn rows(&self) -> &[Row] {
        &self.difference
    }

    /// The row that explains a difference.
    pub(crate) fn find(&self, pair: &Pair, kind: &str) -> Option<usize> {
        self.difference.iter().position(|row| {
            row.difference == kind
                && fits(&row.class, pair.class)
                && fits(&row.arguments, &pair.form)
                && fits(&row.name, pair.name_kind)
                && fits(&row.password, pair.password_kind)
                && fits(&row.server, &pair.server)
        })
    }
}

fn fits(patterns: &[String], found: &str) -> bool {
    let fits = |pattern: &String| match pattern.strip_suffix('*') {
        Some(start) => found.starts_with(start),
        None => found == pattern,
    };
    patterns.is_empty() || patterns.iter().any(fits)
}
