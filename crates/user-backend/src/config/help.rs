//! What users see about the server that keeps their password.

use crate::document::section::TableReader;
use crate::document::{Field, Problem};

/// Longest name, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Longest address, in bytes.
const MAX_URL_BYTES: usize = 2000;

/// Reads `display_name` and `help_url`.
///
/// Reports what is wrong and answers `None` if anything is.
pub(super) fn read(section: &TableReader<'_>) -> Option<(Option<String>, Option<String>)> {
    let errors = section.diagnostics.count();
    let name = section.field("display_name").and_then(|field| display_name(&field));
    let url = section.field("help_url").and_then(|field| help_url(&field));
    (section.diagnostics.count() == errors).then_some((name, url))
}

fn display_name(field: &Field<'_>) -> Option<String> {
    let expected = "a name of at most 64 characters, such as \"Example Mail\"";
    let text = field.text(expected)?;
    let fits = !text.trim().is_empty()
        && text.trim() == text
        && text.chars().count() <= MAX_NAME_CHARS
        && !text.contains(char::is_control);
    let wrong = || Problem::with_text(text, expected);
    field.parsed(if fits { Ok(text.to_owned()) } else { Err(wrong()) })
}

fn help_url(field: &Field<'_>) -> Option<String> {
    let expected = "an address that begins with https:// or http://";
    let text = field.text(expected)?;
    let wrong = |hint: &str| Problem::with_text(text, expected).hint(hint.to_owned());
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let is_odd = |c: char| !c.is_ascii_graphic() || matches!(c, '\\' | '"' | '<' | '>' | '`');
    field.parsed(match authority {
        None => Err(Problem::with_text(text, expected)),
        Some(_) if text.len() > MAX_URL_BYTES => Err(Problem::new("a longer text", "at most 2000 bytes")),
        Some(_) if text.contains(is_odd) => {
            Err(wrong("it has a blank or another character that no address has; write it as %20 and so on"))
        }
        // It may be a password, so it is not repeated.
        Some(authority) if authority.contains('@') => {
            Err(Problem::new("an address with a user name in it", "an address without one"))
        }
        Some(authority) if authority.is_empty() || authority.starts_with(':') => {
            Err(wrong("it names no host"))
        }
        Some(_) => Ok(text.to_owned()),
    })
}
