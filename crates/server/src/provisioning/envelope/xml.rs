//! Responses as XML 1.0, with the details of libxml's writer that clients rely on.
//!
//! One blank per level, `<key/>` for null and for what has no entries, `<key></key>` for an empty
//! text and for `false`, `1` for `true`. A key that is no XML name (a number, an address, a UUID
//! that begins with a digit) becomes `<element>`.
//!
//! Whatever text is stored, the document is well-formed and reads back equal (XML 1.0, sections
//! 2.2, 2.11 and 4.1): a carriage return is written as a reference, because parsers would fold it
//! into a line end; a character that XML cannot carry at all, such as NUL, is replaced by U+FFFD.

use std::borrow::Cow;
use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::data::Data;

/// The element name of list items.
const ELEMENT: &str = "element";

/// Writes a document with this root and these children.
///
/// # Errors
/// None in practice: memory does not refuse to be written.
pub fn write(root: &str, children: &[(&str, &Data)]) -> io::Result<Vec<u8>> {
    let mut writer = document()?;
    parent(&mut writer, root, children.iter().copied())?;
    let mut document = writer.into_inner();
    document.push(b'\n');
    Ok(document)
}

/// A document without a root yet.
pub(super) fn document() -> io::Result<Writer<Vec<u8>>> {
    let mut writer = Writer::new_with_indent(Vec::with_capacity(512), b' ', 1);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", None, None)))?;
    Ok(writer)
}

/// Opens an element.
pub(super) fn open(writer: &mut Writer<Vec<u8>>, name: &str) -> io::Result<()> {
    writer.write_event(Event::Start(BytesStart::new(name)))
}

/// Closes the element that was opened last.
pub(super) fn close(writer: &mut Writer<Vec<u8>>, name: &str) -> io::Result<()> {
    writer.write_event(Event::End(BytesEnd::new(name)))
}

/// The entries of a list or a map, without an element around them.
pub(super) fn entries(writer: &mut Writer<Vec<u8>>, data: &Data) -> io::Result<()> {
    match data {
        Data::List(elements) => elements.iter().try_for_each(|element| node(writer, ELEMENT, element)),
        Data::Map(entries) => {
            entries.iter().try_for_each(|(key, entry)| node(writer, element_name(key), entry))
        }
        _ => Ok(()),
    }
}

/// The text as XML can carry it: other characters are replaced by U+FFFD.
pub fn carried(text: &str) -> Cow<'_, str> {
    if can_carry(text) {
        return Cow::Borrowed(text);
    }
    let replaced = |found| if is_allowed(found) { found } else { char::REPLACEMENT_CHARACTER };
    Cow::Owned(text.chars().map(replaced).collect())
}

/// Whether a document can carry a text as it is.
///
/// What it cannot carry would not come back as it was stored.
pub fn can_carry(text: &str) -> bool {
    text.chars().all(is_allowed)
}

/// XML 1.0, section 2.2, `Char`.
fn is_allowed(found: char) -> bool {
    matches!(found, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// One element.
pub(super) fn node(writer: &mut Writer<Vec<u8>>, name: &str, value: &Data) -> io::Result<()> {
    let text: Cow<'_, str> = match value {
        Data::Null => return empty(writer, name),
        Data::List(elements) if elements.is_empty() => return empty(writer, name),
        Data::Map(entries) if entries.is_empty() => return empty(writer, name),
        Data::List(elements) => {
            return parent(writer, name, elements.iter().map(|element| (ELEMENT, element)));
        }
        Data::Map(entries) => {
            return parent(writer, name, entries.iter().map(|(key, entry)| (key.as_str(), entry)));
        }
        Data::Bool(true) => "1".into(),
        Data::Bool(false) => "".into(),
        Data::Int(number) => number.to_string().into(),
        Data::Float(number) => number.to_string().into(),
        Data::Text(text) => escaped(text),
    };
    open(writer, name)?;
    writer.write_event(Event::Text(BytesText::from_escaped(text)))?;
    close(writer, name)
}

fn empty(writer: &mut Writer<Vec<u8>>, name: &str) -> io::Result<()> {
    writer.write_event(Event::Empty(BytesStart::new(name)))
}

fn parent<'d>(
    writer: &mut Writer<Vec<u8>>,
    name: &str,
    children: impl Iterator<Item = (&'d str, &'d Data)>,
) -> io::Result<()> {
    open(writer, name)?;
    for (key, value) in children {
        node(writer, element_name(key), value)?;
    }
    close(writer, name)
}

fn element_name(key: &str) -> &str {
    if is_name(key) { key } else { ELEMENT }
}

/// Whether a key can be an element name: ASCII letters, digits and a few marks.
///
/// All known keys are. What else XML would allow stays out, so that no parser has reason to
/// disagree.
fn is_name(key: &str) -> bool {
    let begins = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let goes_on = |byte: u8| begins(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
    // Names that begin like this are reserved (section 2.3).
    let reserved = key.get(..3).is_some_and(|begin| begin.eq_ignore_ascii_case("xml"));
    key.bytes().next().is_some_and(begins) && key.bytes().all(goes_on) && !reserved
}

fn escaped(text: &str) -> Cow<'_, str> {
    let plain = |found: char| is_allowed(found) && !matches!(found, '<' | '>' | '&' | '"' | '\r');
    if text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for found in text.chars() {
        match found {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#13;"),
            found if is_allowed(found) => out.push(found),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests;
