//! The three readers: text in, tree out.
//!
//! Depth is capped in all of them, and what a syntax error says never repeats the text it fell over: it might be
//! a password.

mod json;
mod php;
mod toml;

pub(super) use self::php::RESOLVER_KEY as PHP_RESOLVER_KEY;

use crate::document::error::{Place, Problem};
use crate::document::section::Diagnostics;
use crate::document::source::{Format, carries_a_password, names_a_secret};
use crate::document::tree::{Key, Member, Node, Position, Value};

/// Deepest nesting that is read. Our own tables are four deep.
const MAX_DEPTH: usize = 64;

/// Maximum number of reported syntax errors; later ones are noise.
const MAX_SYNTAX_ERRORS: usize = 10;

/// The result of a reader.
#[derive(Debug)]
pub(super) struct Document {
    /// The top level. From a `config.php`, only what belongs to us.
    pub(super) members: Vec<Member>,
    /// The name of a field that holds a secret, anywhere in the file.
    pub(super) secret: Option<String>,
    /// The format whose names the top-level keys have.
    pub(super) dialect: Format,
}

/// The top-level keys that are read.
#[derive(Clone, Debug, Default)]
pub(super) struct Keys {
    /// Wherever one of these stands, it is meant for us: where it is not read, it is an error.
    pub(super) ours: Vec<String>,
    /// These are the PHP system's own. Anywhere else they belong to another program.
    pub(super) shared: Vec<String>,
}

/// Reads a text. Reports what is wrong, and answers `None` when nothing can be made of it.
pub(super) fn read(text: &str, keys: &Keys, diagnostics: &Diagnostics) -> Option<Document> {
    match diagnostics.format {
        Format::Toml => toml::read(text, diagnostics),
        Format::Json => json::read(text, diagnostics),
        Format::Php => php::read(text, 0, keys, diagnostics),
    }
}

/// Reads another file of a `config.php`, `source` being its number.
pub(super) fn read_more(
    text: &str,
    source: usize,
    keys: &Keys,
    diagnostics: &Diagnostics,
) -> Option<Document> {
    php::read(text, source, keys, diagnostics)
}

/// Whether one of these keys stands anywhere in a text, read or not.
pub(super) fn mentions(text: &str, keys: &Keys) -> bool {
    keys.ours.iter().any(|key| text.contains(key.as_str()))
}

/// Reports a syntax error.
fn syntax(diagnostics: &Diagnostics, at: Position, found: impl Into<String>, expected: impl Into<String>) {
    diagnostics.push(Some(at), &Place::default(), Problem::new(found, expected));
}

/// The first field that holds a secret, however deep. Empty values hold none.
fn secret_in(members: &[Member]) -> Option<String> {
    members.iter().find_map(|member| match (&member.key, &member.node.value) {
        (Key::Name(name), Value::Text(text)) if is_secret(name, text) => Some(name.clone()),
        (_, Value::Table(members)) => secret_in(members),
        (_, Value::List(nodes)) => secret_in_list(nodes),
        _ => None,
    })
}

/// Whether a field holds a secret. An empty value does not.
fn is_secret(name: &str, text: &str) -> bool {
    (names_a_secret(name) && !text.is_empty()) || carries_a_password(text)
}

fn secret_in_list(nodes: &[Node]) -> Option<String> {
    nodes.iter().find_map(|node| match &node.value {
        Value::Table(members) => secret_in(members),
        Value::List(nodes) => secret_in_list(nodes),
        _ => None,
    })
}
