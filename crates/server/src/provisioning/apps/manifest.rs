//! Manifests of apps, in the format that clients know.

use accounts::{AppFeature, AppInfo, ManifestElement};
use smol_str::SmolStr;

use crate::provisioning::envelope::data::Data;

/// Texts that come first, in the order in which clients know them.
const TEXTS: &[&str] = &["id", "name", "summary", "description", "version", "licence"];

/// The API's representation of an app.
pub(super) fn shown(about: &AppInfo) -> Data {
    match about {
        AppInfo::Feature(feature) => built_in(feature),
        AppInfo::Manifest(manifest) => manifest_of(manifest),
    }
}

fn built_in(feature: &AppFeature) -> Data {
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

fn manifest_of(root: &ManifestElement) -> Data {
    let texts = TEXTS.iter().map(|name| (SmolStr::new_static(name), Data::from(root.text_of(name))));
    let mut entries: Vec<(SmolStr, Data)> = texts.collect();
    let authors: Vec<&str> = root.all("author").map(|author| author.text.trim()).collect();
    entries.push((
        "author".into(),
        match authors.as_slice() {
            [one] => Data::from(*one),
            many => Data::list(many.iter().copied()),
        },
    ));
    let types = root.all("types").next();
    let types = types.map(|types| Data::list(types.children.iter().map(|child| child.name.as_str())));
    entries.push(("types".into(), types.unwrap_or(Data::NOTHING)));
    collect(root, &mut entries, &part);
    for name in ALWAYS {
        if !entries.iter().any(|(found, _)| found == name) {
            entries.push((
                SmolStr::new_static(name),
                part(&ManifestElement { name: (*name).to_owned(), ..ManifestElement::default() }),
            ));
        }
    }
    Data::Map(entries)
}

/// Fields that every app has, after those of its manifest, empty if need be.
const ALWAYS: &[&str] = &[
    "info",
    "remote",
    "public",
    "repair-steps",
    "background-jobs",
    "two-factor-providers",
    "commands",
    "activity",
    "settings",
];

/// A part of a manifest.
///
/// Some are lists, or maps of lists, however many members they have.
fn part(element: &ManifestElement) -> Data {
    match element.name.as_str() {
        "background-jobs" | "two-factor-providers" | "commands" => members(&[element]),
        "repair-steps" => {
            let steps = ["install", "pre-migration", "post-migration", "live-migration", "uninstall"];
            lists(element, &steps, members)
        }
        "activity" => lists(element, &["filters", "settings", "providers"], members),
        "settings" => {
            let settings = ["admin", "admin-section", "personal", "personal-section"];
            lists(element, &settings, values)
        }
        "navigations" => lists(element, &[], values),
        "info" | "remote" | "public" if element.children.is_empty() => Data::NOTHING,
        _ => value(element),
    }
}

/// The children of an element, as a list.
fn members(elements: &[&ManifestElement]) -> Data {
    Data::List(elements.iter().flat_map(|element| &element.children).map(value).collect())
}

/// Elements as a list.
fn values(elements: &[&ManifestElement]) -> Data {
    Data::List(elements.iter().copied().map(value).collect())
}

/// A map of lists: those of the manifest, and empty ones for missing `always` names.
fn lists(element: &ManifestElement, always: &[&str], list: fn(&[&ManifestElement]) -> Data) -> Data {
    let mut entries: Vec<(SmolStr, Data)> = Vec::new();
    let named = element.children.iter().map(|child| child.name.as_str());
    for name in named.chain(always.iter().copied()) {
        if !entries.iter().any(|(found, _)| found == name) {
            let all: Vec<&ManifestElement> = element.all(name).collect();
            entries.push((name.into(), list(&all)));
        }
    }
    if entries.is_empty() { Data::NOTHING } else { Data::Map(entries) }
}

/// What is not there yet: one child of a name as itself, several as a list.
fn collect(
    element: &ManifestElement,
    entries: &mut Vec<(SmolStr, Data)>,
    value: &impl Fn(&ManifestElement) -> Data,
) {
    for child in &element.children {
        if entries.iter().any(|(name, _)| *name == child.name) {
            continue;
        }
        let mut all: Vec<Data> = element.all(&child.name).map(value).collect();
        let value = if all.len() == 1 { all.remove(0) } else { Data::List(all) };
        entries.push((child.name.as_str().into(), value));
    }
}

/// An element: a text, or a map of its children.
///
/// Attributes have their own key, and turn a text into a map.
fn value(element: &ManifestElement) -> Data {
    let text = element.text.trim();
    if element.attributes.is_empty() && element.children.is_empty() {
        return Data::from(text);
    }
    let mut entries = Vec::new();
    if !element.attributes.is_empty() {
        let attributes =
            element.attributes.iter().map(|(name, text)| (name.as_str().into(), Data::from(text.as_str())));
        entries.push(("@attributes".into(), Data::Map(attributes.collect())));
        if element.children.is_empty() && !text.is_empty() {
            entries.push(("@value".into(), Data::from(text)));
        }
    }
    collect(element, &mut entries, &value);
    Data::Map(entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::envelope::{json, xml};

    /// A manifest as the API shows it, in JSON.
    fn json_of(text: &str) -> serde_json::Value {
        let data = shown(&AppInfo::Manifest(ManifestElement::parse(text).unwrap()));
        serde_json::from_slice(&json::write(&data).unwrap()).unwrap()
    }

    #[test]
    fn manifest_is_shown_as_clients_know_it() {
        let text = r#"<?xml version="1.0"?><!-- c --><info xmlns:xsi="x"><id>notes</id><name>Notes &amp; more</name>
            <summary>s</summary><description><![CDATA[a <b>]]></description><version>1.2.0</version>
            <licence>agpl</licence><author>A</author><author mail="b@x">B</author>
            <types><filesystem/></types><documentation><user>u</user></documentation><category>office</category>
            <screenshot small="s.png">https://x/b.png</screenshot><standalone/>
            <dependencies><php min-version="8" max-version="8.4"/></dependencies>
            <background-jobs><job>J</job></background-jobs>
            <commands><command>X</command><command>Y</command></commands>
            <activity><settings><setting>S</setting></settings></activity>
            <navigations><navigation><name>N</name><order>0</order></navigation></navigations>
            <settings><personal>P</personal></settings></info>"#;
        let expected = serde_json::json!({
            "id": "notes", "name": "Notes & more", "summary": "s", "description": "a <b>", "version": "1.2.0",
            "licence": "agpl", "author": ["A", "B"], "types": ["filesystem"], "documentation": { "user": "u" },
            "category": "office",
            "screenshot": { "@attributes": { "small": "s.png" }, "@value": "https://x/b.png" },
            "standalone": "",
            "dependencies": { "php": { "@attributes": { "min-version": "8", "max-version": "8.4" } } },
            "background-jobs": ["J"],
            "commands": ["X", "Y"],
            "activity": { "settings": ["S"], "filters": [], "providers": [] },
            "navigations": { "navigation": [{ "name": "N", "order": "0" }] },
            "settings": { "personal": ["P"], "admin": [], "admin-section": [], "personal-section": [] },
            "info": [], "remote": [], "public": [],
            "repair-steps": {
                "install": [], "pre-migration": [], "post-migration": [], "live-migration": [], "uninstall": [],
            },
            "two-factor-providers": [],
        });
        assert_eq!(json_of(text), expected);
    }

    #[test]
    fn minimal_manifest_gets_the_defaults() {
        let shown = json_of("<info><id>a</id><remote><files>remote.php</files></remote><commands/></info>");
        let keys: Vec<&str> = shown.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(
            ["author", "types", "info", "public", "repair-steps", "activity"]
                .iter()
                .all(|key| keys.contains(key))
        );
        assert_eq!(shown["remote"], serde_json::json!({ "files": "remote.php" }));
        assert_eq!(
            (&shown["commands"], &shown["background-jobs"]),
            (&serde_json::json!([]), &serde_json::json!([]))
        );
    }

    #[test]
    fn attributes_keep_xml_well_formed() {
        let text = "<info><id>a</id><dependencies><php min-version=\"8\"/></dependencies></info>";
        let data = shown(&AppInfo::Manifest(ManifestElement::parse(text).unwrap()));
        // The root that a manifest has, so that it can be read in the same way.
        let written = String::from_utf8(xml::write("info", &[("data", &data)]).unwrap()).unwrap();
        let read = ManifestElement::parse(&written).unwrap();
        let php =
            read.all("data").next().unwrap().all("dependencies").next().unwrap().all("php").next().unwrap();
        assert_eq!(php.children[0].text_of("min-version"), "8", "{written}");
    }
}
