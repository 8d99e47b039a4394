//! The three readers: text in, tree out.
//!
//! Depth is capped in all of them, and what a syntax error says never repeats the text it fell
//! over: it might be a password.

#[cfg(feature = "config-json")]
mod json;
#[cfg(feature = "config-php")]
mod php;
#[cfg(feature = "config-toml")]
mod toml;

/// The key of the resolver settings in a `config.php`.
///
/// There, `resolver` alone might belong to another app.
pub(super) const PHP_RESOLVER_KEY: &str = "user_backends_resolver";

use crate::document::error::{Problem, SettingLocation};
use crate::document::secret_values::is_secret;
use crate::document::section::Diagnostics;
use crate::document::source::Format;
use crate::document::tree::{Key, Member, Node, Position, Value};

/// Deepest nesting that is read.
///
/// Our own tables are four deep.
const MAX_DEPTH: usize = 64;

/// Maximum number of reported syntax errors; later ones are noise.
const MAX_SYNTAX_ERRORS: usize = 10;

/// The result of a reader.
#[derive(Debug)]
pub(super) struct Document {
    /// The top level.
    ///
    /// From a `config.php`, only what belongs to us.
    pub(super) members: Vec<Member>,
    /// The name of a field that holds a secret, anywhere in the file.
    pub(super) secret: Option<String>,
    /// The format that names the top-level keys.
    pub(super) dialect: Format,
}

/// The top-level keys that are read.
#[derive(Clone, Debug, Default)]
pub(super) struct TopLevelKeys {
    /// These are always meant for us: in a place that is not read, they are an error.
    pub(super) ours: Vec<String>,
    /// These are the PHP system's own.
    ///
    /// Anywhere else they belong to another program.
    pub(super) shared: Vec<String>,
}

/// Reads a text.
///
/// Reports what is wrong, and answers `None` when nothing can be made of it.
pub(super) fn read(text: &str, keys: &TopLevelKeys, diagnostics: &Diagnostics) -> Option<Document> {
    match diagnostics.format {
        #[cfg(feature = "config-toml")]
        Format::Toml => toml::read(text, diagnostics),
        #[cfg(feature = "config-json")]
        Format::Json => json::read(text, diagnostics),
        #[cfg(feature = "config-php")]
        Format::Php => php::read(text, 0, keys, diagnostics),
        #[allow(unreachable_patterns, reason = "all formats are there when all features are on")]
        absent => {
            let _ = (text, keys);
            let problem = Problem::new(format!("a configuration in {absent}"), expected_formats())
                .hint(format!("the cargo feature `{}` of `user-backend` is off", absent.feature()));
            diagnostics.push(None, &SettingLocation::default(), problem);
            None
        }
    }
}

/// The formats that this program reads.
fn expected_formats() -> String {
    let formats = [
        (Format::Toml, cfg!(feature = "config-toml")),
        (Format::Json, cfg!(feature = "config-json")),
        (Format::Php, cfg!(feature = "config-php")),
    ];
    let there: Vec<_> =
        formats.iter().filter(|(_, there)| *there).map(|(format, _)| format.to_string()).collect();
    match there.is_empty() {
        true => "a format, of which this program was built without any".to_owned(),
        false => there.join(" or "),
    }
}

/// Reads another file of a `config.php`, `source` being its number.
#[cfg(feature = "config-php")]
pub(super) fn read_more(
    text: &str,
    source: usize,
    keys: &TopLevelKeys,
    diagnostics: &Diagnostics,
) -> Option<Document> {
    php::read(text, source, keys, diagnostics)
}

/// Without the feature the first file has reported that it cannot be read.
#[cfg(not(feature = "config-php"))]
pub(super) fn read_more(_: &str, _: usize, _: &TopLevelKeys, _: &Diagnostics) -> Option<Document> {
    None
}

/// Whether one of these keys occurs anywhere in a text, read or not.
pub(super) fn mentions(text: &str, keys: &TopLevelKeys) -> bool {
    keys.ours.iter().any(|key| text.contains(key.as_str()))
}

/// Reports a syntax error.
fn syntax(diagnostics: &Diagnostics, at: Position, found: impl Into<String>, expected: impl Into<String>) {
    diagnostics.push(Some(at), &SettingLocation::default(), Problem::new(found, expected));
}

/// The first field that holds a secret, however deep.
///
/// Empty values hold none.
fn secret_in(members: &[Member]) -> Option<String> {
    members.iter().find_map(|member| match (&member.key, &member.node.value) {
        (Key::Name(name), Value::Text(text)) if is_secret(name, text) => Some(name.clone()),
        (_, Value::Table(members)) => secret_in(members),
        (_, Value::List(nodes)) => secret_in_list(nodes),
        _ => None,
    })
}

fn secret_in_list(nodes: &[Node]) -> Option<String> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Table(members) => secret_in(members),
        Value::List(nodes) => secret_in_list(nodes),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found and expected when a text of this format is read.
    fn complaint(format: Format) -> Option<(String, Vec<String>)> {
        let diagnostics = Diagnostics::new("file".into(), format);
        read("", &TopLevelKeys::default(), &diagnostics);
        let errors: Vec<_> = diagnostics.into_errors();
        let error = errors.into_iter().find(|error| error.found().starts_with("a configuration in"))?;
        Some((error.found().to_owned(), error.hints().map(str::to_owned).collect()))
    }

    #[test]
    fn format_without_its_feature_names_the_feature() {
        for (format, is_on) in [
            (Format::Toml, cfg!(feature = "config-toml")),
            (Format::Json, cfg!(feature = "config-json")),
            (Format::Php, cfg!(feature = "config-php")),
        ] {
            let expected = (!is_on).then(|| {
                let hint = format!("the cargo feature `{}` of `user-backend` is off", format.feature());
                (format!("a configuration in {format}"), vec![hint])
            });
            assert_eq!(complaint(format), expected);
        }
    }
}
