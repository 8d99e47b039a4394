//! What apps tell about themselves, in the shape that clients know.

use accounts::apps::{About, Element, Feature};

use crate::ocs::data::Data;

/// Texts that come first, in the order in which clients know them.
const TEXTS: &[&str] = &["id", "name", "summary", "description", "version", "licence"];

/// An app as the API shows it.
pub fn shown(about: &About) -> Data {
    match about {
        About::Feature(feature) => built_in(feature),
        About::Manifest(manifest) => manifest_of(manifest),
    }
}

fn built_in(feature: &Feature) -> Data {
    Data::map([
        ("id", Data::from(feature.id)),
        ("name", feature.name.into()),
        ("summary", feature.summary.into()),
        ("description", feature.summary.into()),
        ("version", env!("CARGO_PKG_VERSION").into()),
        ("licence", env!("CARGO_PKG_LICENSE").into()),
        ("author", env!("CARGO_PKG_AUTHORS").into()),
        ("types", Data::NOTHING),
        ("category", "auth".into()),
        ("dependencies", Data::NOTHING),
        ("info", Data::NOTHING),
        ("remote", Data::NOTHING),
        ("public", Data::NOTHING),
        ("shipped", true.into()),
    ])
}

fn manifest_of(root: &Element) -> Data {
    let texts = TEXTS.iter().map(|name| ((*name).to_owned(), Data::from(root.text_of(name))));
    let mut entries: Vec<(String, Data)> = texts.collect();
    let authors: Vec<&str> = root.all("author").map(|author| author.text.trim()).collect();
    entries.push((
        "author".to_owned(),
        match authors.as_slice() {
            [one] => Data::from(*one),
            many => Data::list(many.iter().copied()),
        },
    ));
    let types = root.all("types").next();
    let types = types.map(|types| Data::list(types.children.iter().map(|child| child.name.as_str())));
    entries.push(("types".to_owned(), types.unwrap_or(Data::NOTHING)));
    collect(root, &mut entries);
    Data::Map(entries)
}

/// What is not there yet: one child of a name as itself, several as a list.
fn collect(element: &Element, entries: &mut Vec<(String, Data)>) {
    for child in &element.children {
        if entries.iter().any(|(name, _)| *name == child.name) {
            continue;
        }
        let mut all: Vec<Data> = element.all(&child.name).map(value).collect();
        let value = if all.len() == 1 { all.remove(0) } else { Data::List(all) };
        entries.push((child.name.clone(), value));
    }
}

fn value(element: &Element) -> Data {
    if element.children.is_empty() {
        let text = element.text.trim();
        return if text.is_empty() { Data::NOTHING } else { Data::from(text) };
    }
    let mut entries = Vec::new();
    collect(element, &mut entries);
    Data::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocs::json;

    #[test]
    fn a_manifest_is_shown_as_clients_know_it() {
        let text = "<?xml version=\"1.0\"?><!-- c --><info><id>notes</id><name>Notes &amp; more</name>\
                    <summary>s</summary><description><![CDATA[a <b>]]></description><version>1.2.0</version>\
                    <licence>agpl</licence><author>A</author><author mail=\"b@x\">B</author>\
                    <types><filesystem/></types><category>office</category>\
                    <dependencies><php min-version=\"8\"/></dependencies>\
                    <commands><command>X</command><command>Y</command></commands></info>";
        let data = shown(&About::Manifest(Element::parse(text).unwrap()));
        assert_eq!(
            String::from_utf8(json::write(&data).unwrap()).unwrap(),
            r#"{"id":"notes","name":"Notes & more","summary":"s","description":"a \u003Cb\u003E","version":"1.2.0","licence":"agpl","author":["A","B"],"types":["filesystem"],"category":"office","dependencies":{"php":[]},"commands":{"command":["X","Y"]}}"#
        );
    }
}
