//! The tables of settings in the documents have exactly the fields that are read.
//!
//! Those of `[mail]`, `[reset]` and `[valkey]` are copied from the doc comments of their types.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    DovecotAuthSettings, ForwardAuthRule, ForwardAuthSettings, MailSettings, PageSettings, ResetSettings,
    SaslauthdSettings, ServerSettings, ValkeySettings,
};

/// The document with these tables.
const CONFIGURATION: &str = "../../docs/configuration.md";

/// The table in the doc comment of `[mail]`.
const MAIL: &str = include_str!("service/mail/settings.rs");

/// The table in the doc comment of `[reset]`.
const RESET: &str = include_str!("service/password_reset/settings.rs");

/// The table in the doc comment of `[valkey]`.
const VALKEY: &str = include_str!("valkey_settings.rs");

/// The fields of a struct, from serde's error about an unknown one.
pub(crate) fn fields<T: DeserializeOwned>() -> BTreeSet<String> {
    let error =
        serde_json::from_str::<T>(r#"{"no_such_field": 1}"#).err().expect("an unknown field").to_string();
    let (_, list) = error.split_once("expected ").unwrap_or_else(|| panic!("{error}"));
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

/// The lines of the table in the doc comments of a source file.
fn table(source: &str) -> String {
    let rows = source.lines().filter_map(|line| line.strip_prefix("/// |"));
    rows.map(|row| format!("|{row}\n")).collect()
}

/// The rows of a table: field, default.
fn rows(source: &str) -> Vec<(String, String)> {
    let cell = |text: &str| text.trim().to_owned();
    let table = table(source);
    let rows = table.lines().skip(2).map(|row| row.splitn(4, '|').map(cell).collect::<Vec<_>>());
    rows.map(|cells| (cells[1].trim_matches('`').to_owned(), cells[2].clone())).collect()
}

fn names(source: &str) -> BTreeSet<String> {
    rows(source).into_iter().map(|(field, _)| field).collect()
}

/// The document with its tables replaced.
fn with_tables(found: &str) -> String {
    let mut text = found.to_owned();
    for (name, source) in [("mail", MAIL), ("reset", RESET), ("valkey", VALKEY)] {
        let begin = format!("<!-- fields of {name}: written by the test documented_settings -->\n");
        let (before, rest) = text.split_once(&begin).expect("the place of the table");
        let (_, after) = rest.split_once("<!-- end -->").expect("the end of the table");
        text = format!("{before}{begin}{}<!-- end -->{after}", table(source));
    }
    text
}

fn is_published() -> bool {
    let is_published = !Path::new("../xtask").is_dir();
    if is_published {
        eprintln!("skipped: the documents are not in the published crate");
    }
    is_published
}

#[test]
fn copied_tables_match_the_code() {
    assert_eq!(names(MAIL), fields::<MailSettings>());
    assert_eq!(names(RESET), fields::<ResetSettings>());
    assert_eq!(names(VALKEY), fields::<ValkeySettings>());
    if is_published() {
        return;
    }
    let expected = with_tables(&std::fs::read_to_string(CONFIGURATION).unwrap());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(CONFIGURATION, &expected).unwrap();
    }
    let found = std::fs::read_to_string(CONFIGURATION).unwrap();
    assert!(found == expected, "{CONFIGURATION} is stale: run this test with UPDATE_DOCS=1");
}

/// Setting a field to its documented default changes nothing.
#[test]
fn documented_defaults_of_mail_and_reset_are_true() {
    fn shown<T: DeserializeOwned + std::fmt::Debug>(value: &Value) -> String {
        format!("{:?}", T::deserialize(value).expect("valid settings"))
    }
    let mail = json!({ "host": "mail.example.com", "from": "Cloud <noreply@example.org>" });
    let mut checked = Vec::new();
    for (source, minimal) in [(MAIL, mail), (RESET, json!({}))] {
        let read = if source == MAIL { shown::<MailSettings> } else { shown::<ResetSettings> };
        let plain = read(&minimal);
        for (field, default) in rows(source) {
            if default == "required" {
                let mut without = minimal.clone();
                assert!(without.as_object_mut().unwrap().remove(&field).is_some(), "{field}");
                assert!(MailSettings::deserialize(&without).is_err(), "{field}");
            }
            let Some(value) = default.strip_prefix('`').and_then(|text| text.strip_suffix('`')) else {
                continue;
            };
            let mut written = minimal.clone();
            written[&field] = serde_json::from_str(value).expect("a value");
            assert_eq!(read(&written), plain, "{field}");
            checked.push(field);
        }
    }
    let expected =
        ["tls", "allow_plaintext", "lost_password_link", "minutes", "welcome_days", "confirmation_hours"];
    assert_eq!(checked, expected);
}

#[test]
fn documented_settings_equal_the_existing_ones() {
    if is_published() {
        return;
    }
    assert_eq!(documented("provisioning-api.md", "## Settings"), fields::<ServerSettings>());
    let mut pages = fields::<PageSettings>();
    // Another spelling of `color`.
    pages.remove("colour");
    assert_eq!(documented("login.md", "## Name, logo, colour, languages"), pages);
    assert_eq!(documented("frontends.md", "### Settings"), fields::<ForwardAuthSettings>());
    assert_eq!(documented("frontends.md", "### Rules"), fields::<ForwardAuthRule>());
    let sockets = &fields::<SaslauthdSettings>() | &fields::<DovecotAuthSettings>();
    assert_eq!(documented("frontends-sockets.md", "## Settings"), sockets);
}
