//! `appinfo/info.xml`: an app's description of itself.

use std::path::Path;

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Maximum length of a manifest; longer ones are ignored.
const LONGEST: u64 = 256 * 1024;

/// Maximum nesting of a manifest; deeper ones are ignored.
const DEEPEST: usize = 16;

/// An element of a manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManifestElement {
    /// Its name.
    pub name: String,
    /// Its attributes: name and value.
    pub attributes: Vec<(String, String)>,
    /// The text in it, as written.
    pub text: String,
    /// The elements in it.
    pub children: Vec<Self>,
}

impl ManifestElement {
    /// Reads a manifest; `None` if it is missing or invalid.
    ///
    /// # Security
    /// Reads nothing outside the file: a manifest that declares entities is invalid.
    pub fn read(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok()?;
        if !about.is_file() || about.len() > LONGEST {
            return None;
        }
        Self::parse(&std::fs::read_to_string(path).ok()?)
    }

    /// The same with a text.
    pub fn parse(text: &str) -> Option<Self> {
        parse(text).filter(|root| root.name == "info")
    }

    /// The children of a name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The text of the first child of a name, trimmed.
    pub fn text_of(&self, name: &str) -> &str {
        let found = self.children.iter().find(|child| child.name == name);
        found.map_or("", |child| child.text.trim())
    }
}

fn parse(text: &str) -> Option<ManifestElement> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![ManifestElement::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return None;
                }
                open.push(begun(&start)?);
            }
            Event::Empty(start) => {
                open.last_mut()?.children.push(begun(&start)?);
            }
            Event::End(_) => {
                let child = open.pop()?;
                open.last_mut()?.children.push(child);
            }
            Event::Text(text) => open.last_mut()?.text.push_str(&text.xml10_content()),
            Event::CData(text) => open.last_mut()?.text.push_str(&text),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().ok()? {
                Some(found) => open.last_mut()?.text.push(found),
                None => open.last_mut()?.text.push_str(resolve_predefined_entity(&reference)?),
            },
            Event::DocType(_) => return None,
            Event::Eof => break,
            _ => {}
        }
    }
    let mut root = open.pop().filter(|_| open.is_empty())?;
    if root.children.len() == 1 { root.children.pop() } else { None }
}

/// An element with nothing in it yet.
fn begun(start: &BytesStart<'_>) -> Option<ManifestElement> {
    let mut element =
        ManifestElement { name: start.name().as_ref().to_owned(), ..ManifestElement::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        element.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Some(element)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invalid_manifest_is_none() {
        for text in [
            "",
            "<info>",
            "<other/>",
            "<info/><info/>",
            "<!DOCTYPE info [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><info><id>&e;</id></info>",
            "<info><id>&lol;</id></info>",
        ] {
            assert_eq!(ManifestElement::parse(text), None, "{text}");
        }
        assert_eq!(
            ManifestElement::parse(&format!("{}{}", "<info>".repeat(100), "</info>".repeat(100))),
            None
        );
    }
}
