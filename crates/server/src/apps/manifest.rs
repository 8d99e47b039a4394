//! `appinfo/info.xml`: what an app tells about itself, as far as the API shows it.

use std::path::Path;

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;

use crate::ocs::data::Data;

/// Longer manifests are none.
const LONGEST: u64 = 256 * 1024;

/// Deeper manifests are none.
const DEEPEST: usize = 16;

/// Texts that come first, in the order in which clients know them.
const TEXTS: &[&str] = &["id", "name", "summary", "description", "version", "licence"];

/// An element.
#[derive(Debug, Default)]
struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

/// Reads a manifest; `None` when there is none, or it is not one.
pub(super) fn read(path: &Path) -> Option<Data> {
    let about = std::fs::metadata(path).ok()?;
    if !about.is_file() || about.len() > LONGEST {
        return None;
    }
    shown(&std::fs::read_to_string(path).ok()?)
}

fn shown(text: &str) -> Option<Data> {
    let root = parse(text)?;
    if root.name != "info" {
        return None;
    }
    let mut entries = Vec::new();
    for name in TEXTS {
        let value = root.children.iter().find(|child| child.name == *name);
        entries.push(((*name).to_owned(), Data::from(value.map_or("", |child| child.text.trim()))));
    }
    let authors: Vec<&str> = root.texts("author").collect();
    entries.push((
        "author".to_owned(),
        match authors.as_slice() {
            [one] => Data::from(*one),
            many => Data::list(many.iter().copied()),
        },
    ));
    let types = root.children.iter().find(|child| child.name == "types");
    let types = types.map(|types| Data::list(types.children.iter().map(|child| child.name.as_str())));
    entries.push(("types".to_owned(), types.unwrap_or(Data::NOTHING)));
    let others = root.children.iter().filter(|child| !["author", "types"].contains(&child.name.as_str()));
    for child in others.filter(|child| !TEXTS.contains(&child.name.as_str())) {
        if !entries.iter().any(|(name, _)| *name == child.name) {
            entries.push((child.name.clone(), root.collected(&child.name)));
        }
    }
    Some(Data::Map(entries))
}

impl Element {
    fn texts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.children.iter().filter(move |child| child.name == name).map(|child| child.text.trim())
    }

    /// All children of a name: one as itself, several as a list.
    fn collected(&self, name: &str) -> Data {
        let mut all: Vec<Data> =
            self.children.iter().filter(|child| child.name == name).map(Self::value).collect();
        if all.len() == 1 { all.remove(0) } else { Data::List(all) }
    }

    fn value(&self) -> Data {
        if self.children.is_empty() {
            let text = self.text.trim();
            return if text.is_empty() { Data::NOTHING } else { Data::from(text) };
        }
        let mut entries: Vec<(String, Data)> = Vec::new();
        for child in &self.children {
            if !entries.iter().any(|(name, _)| *name == child.name) {
                entries.push((child.name.clone(), self.collected(&child.name)));
            }
        }
        Data::Map(entries)
    }
}

/// Names are never resolved and nothing outside the file is ever looked at: entities of its own are not taken.
fn parse(text: &str) -> Option<Element> {
    let mut reader = Reader::from_str(text);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                if open.len() > DEEPEST {
                    return None;
                }
                open.push(Element { name: start.name().as_ref().to_owned(), ..Element::default() });
            }
            Event::Empty(start) => {
                let child = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
                open.last_mut()?.children.push(child);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocs::json;

    fn json_of(text: &str) -> Option<String> {
        shown(text).map(|data| String::from_utf8(json::write(&data).unwrap()).unwrap())
    }

    #[test]
    fn a_manifest_is_shown_as_clients_know_it() {
        let text = "<?xml version=\"1.0\"?><!-- c --><info><id>notes</id><name>Notes &amp; more</name>\
                    <summary>s</summary><description><![CDATA[a <b>]]></description><version>1.2.0</version>\
                    <licence>agpl</licence><author>A</author><author mail=\"b@x\">B</author>\
                    <types><filesystem/></types><category>office</category>\
                    <dependencies><php min-version=\"8\"/></dependencies>\
                    <commands><command>X</command><command>Y</command></commands></info>";
        assert_eq!(
            json_of(text).unwrap(),
            r#"{"id":"notes","name":"Notes & more","summary":"s","description":"a \u003Cb\u003E","version":"1.2.0","licence":"agpl","author":["A","B"],"types":["filesystem"],"category":"office","dependencies":{"php":[]},"commands":{"command":["X","Y"]}}"#
        );
    }

    #[test]
    fn what_is_no_manifest_is_none() {
        for text in [
            "",
            "<info>",
            "<other/>",
            "<info/><info/>",
            "<!DOCTYPE info [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><info><id>&e;</id></info>",
            "<info><id>&lol;</id></info>",
        ] {
            assert_eq!(json_of(text), None, "{text}");
        }
        assert_eq!(json_of(&format!("{}{}", "<info>".repeat(100), "</info>".repeat(100))), None);
    }
}
