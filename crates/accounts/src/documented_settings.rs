//! The tables of settings in the documents have exactly the fields that are read.

use std::collections::BTreeSet;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::{DovecotAuthSettings, ForwardAuthRule, ForwardAuthSettings, SaslauthdSettings, ServerSettings};

/// The fields of a struct, from serde's error about an unknown one.
fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    let error =
        serde_json::from_str::<T>(r#"{"no_such_field": 1}"#).err().expect("an unknown field").to_string();
    let (_, list) = error.split_once("expected one of").unwrap_or_else(|| panic!("{error}"));
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The names in the first column of the first table under a heading.
fn documented(page: &str, heading: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(Path::new("../../docs").join(page)).unwrap();
    let (_, section) =
        text.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("{page}: {heading}"));
    let rows =
        section.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with('|'));
    let cells = rows.filter_map(|row| row.split('|').nth(1));
    cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect()
}

#[test]
fn documented_settings_are_those_that_exist() {
    if !Path::new("../xtask").is_dir() {
        eprintln!("skipped: the documents are not in the published crate");
        return;
    }
    assert_eq!(documented("provisioning-api.md", "## Settings"), fields::<ServerSettings>());
    assert_eq!(documented("frontends.md", "### Settings"), fields::<ForwardAuthSettings>());
    assert_eq!(documented("frontends.md", "### Rules"), fields::<ForwardAuthRule>());
    let sockets = &fields::<SaslauthdSettings>() | &fields::<DovecotAuthSettings>();
    assert_eq!(documented("frontends-sockets.md", "## Settings"), sockets);
}
