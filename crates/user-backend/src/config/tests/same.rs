//! TOML, JSON and `config.php` say the same.
//!
//! Any array, written in all three, comes out as one configuration.

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;

fn duration() -> impl Strategy<Value = String> {
    (1_u32..100, prop_oneof![Just("ms"), Just("s"), Just("m"), Just("h"), Just("d")])
        .prop_map(|(number, unit)| format!("{number}{unit}"))
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z][a-z0-9]{0,8}(\\.[a-z]{2,5}){0,2}",
        Just("localhost".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("::1".to_owned())
    ]
}

/// Texts that need escaping in at least one of the formats.
fn path() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,8}\\.pem",
        Just("it's \"quoted\"\\n $x {$y}.pem".to_owned()),
        Just("tab\tand ü€🔑.pem".to_owned())
    ]
}

fn reach() -> impl Strategy<Value = Vec<(&'static str, Json)>> {
    let named = (
        host(),
        proptest::option::of(1_u16..),
        prop_oneof![Just("implicit"), Just("explicit"), Just("starttls")],
        any::<bool>(),
    )
        .prop_map(|(host, port, tls, imap)| {
            let class = if imap { "imap" } else { "\\OCA\\UserExternal\\FTP" };
            vec![("class", json!(class)), ("host", json!(host)), ("port", json!(port)), ("tls", json!(tls))]
        });
    let mailbox = ("[a-z]{1,8}", 1_u16.., proptest::option::of("[a-z]{1,5}\\.example")).prop_map(
        |(host, port, domain)| {
            let arguments = json!([format!("{{{host}:{port}/imap/ssl}}INBOX"), domain]);
            vec![("class", json!("OC_User_IMAP")), ("arguments", arguments)]
        },
    );
    let host_form = (
        host(),
        prop_oneof![Just(json!(null)), Just(json!("1143")), Just(json!(993))],
        prop_oneof![Just("ssl"), Just("tls")],
        any::<bool>(),
    )
        .prop_map(|(host, port, mode, strip)| {
            vec![
                ("class", json!("\\OCA\\UserExternal\\IMAP")),
                ("arguments", json!([host, port, mode, null, strip, false])),
            ]
        });
    prop_oneof![named, mailbox, host_form]
}

fn entry() -> impl Strategy<Value = Json> {
    let options = (
        proptest::option::of(path()),
        proptest::option::of(duration()),
        proptest::option::of(prop_oneof![duration(), Just("off".to_owned())]),
        proptest::option::of(proptest::collection::vec("[a-z]{1,8}", 0..3)),
        proptest::option::of((1_u32..50, duration())),
        proptest::option::of(any::<bool>()),
        proptest::option::of(0_u32..50),
        proptest::option::of(prop_oneof![Just("stop"), Just("continue")]),
    );
    (reach(), options).prop_map(|(reach, (ca_file, timeout, cache, deny, budget, canary, warm, on))| {
        let mut entry: serde_json::Map<String, Json> =
            reach.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let budget = budget.map(|(failures, per)| json!({"failures": failures, "per": per}));
        for (name, value) in [
            ("ca_file", json!(ca_file)),
            ("timeout", json!(timeout)),
            ("cache_accepted", json!(cache)),
            ("max_stale", json!(cache)),
            ("deny_names", json!(deny)),
            ("budget", json!(budget)),
            ("canary", json!(canary)),
            ("warm", json!(warm)),
            ("on_reject", json!(on)),
            ("on_unavailable", json!(on)),
        ] {
            if !value.is_null() {
                entry.insert(name.to_owned(), value);
            }
        }
        Json::Object(entry)
    })
}

fn document() -> impl Strategy<Value = Json> {
    let resolver = proptest::option::of((duration(), 1_u32..1000, proptest::bool::ANY));
    (proptest::collection::vec(entry(), 1..4), resolver).prop_map(|(mut entries, resolver)| {
        for (nth, entry) in entries.iter_mut().enumerate() {
            entry["id"] = json!(format!("backend-{nth}"));
            // Domains that are stripped would collide; that is another test.
            if entry["arguments"][1].as_str().is_some_and(|domain| domain.contains(".example")) {
                entry["strip_domain"] = json!(null);
                entry["arguments"][1] = json!("same.example");
            }
        }
        let mut document = json!({"user_backends": entries});
        if let Some((deadline, cache, proxies)) = resolver {
            document["resolver"] = json!({"deadline": deadline, "cache_entries": cache, "trusted_proxies": if proxies { vec!["10.0.0.0/8"] } else { vec![] }});
        }
        document
    })
}

/// As TOML, which has no null: such members are omitted.
///
/// Such arguments shorten the list or are given by name.
fn to_toml(value: &Json) -> String {
    match value {
        Json::Null => unreachable!("left out"),
        Json::Array(values) => format!("[{}]", values.iter().map(to_toml).collect::<Vec<_>>().join(", ")),
        Json::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(name, value)| match (name.as_str(), value) {
                    ("arguments", Json::Array(values)) if values.contains(&Json::Null) => {
                        format!("arguments = {}", by_name(values))
                    }
                    _ => format!("{name} = {}", to_toml(value)),
                })
                .collect();
            format!("{{{}}}", members.join(", "))
        }
        Json::String(text) => toml::Value::String(text.clone()).to_string(),
        other => other.to_string(),
    }
}

fn by_name(values: &[Json]) -> String {
    let mailbox = values[0].as_str().is_some_and(|text| text.starts_with('{'));
    let names: &[&str] = if mailbox {
        &["mailbox", "domain"]
    } else {
        &["mailbox", "port", "sslmode", "domain", "stripeDomain", "groupDomain"]
    };
    let fields: Vec<String> = names
        .iter()
        .zip(values)
        .map(|(name, value)| match (*name, value) {
            // In PHP, null is not the default here.
            ("stripeDomain", Json::Null) => (name, &Json::Bool(false)),
            _ => (name, value),
        })
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| format!("{name} = {}", to_toml(value)))
        .collect();
    format!("{{{}}}", fields.join(", "))
}

fn to_php(value: &Json, double: bool) -> String {
    match value {
        Json::Null => "NULL".to_owned(),
        Json::Array(values) => {
            let values: Vec<String> = values
                .iter()
                .enumerate()
                .map(|(nth, value)| format!("{nth} => {}", to_php(value, double)))
                .collect();
            format!("array ( {} )", values.join(", "))
        }
        Json::Object(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("'{name}' => {},", to_php(value, double)))
                .collect();
            format!("[{}]", members.join(" "))
        }
        Json::String(text) if double => {
            let escaped: String = text
                .chars()
                .map(|c| match c {
                    '"' | '\\' | '$' => format!("\\{c}"),
                    '\t' => "\\t".to_owned(),
                    c => c.to_string(),
                })
                .collect();
            format!("\"{escaped}\"")
        }
        Json::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn one_array_in_three_formats_is_one_configuration(document in document(), double: bool, pretty: bool) {
        let toml: String = document.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {}\n", to_toml(value))).collect();
        let json = if pretty { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let php = format!("<?php $CONFIG = {};", to_php(&document, double)).replacen("'resolver' =>", "'user_backends_resolver' =>", 1);
        let read = |text: &str, format| {
            Config::parse(text, format, "conf/x").map_err(|errors| TestCaseError::fail(format!("{text}\n{errors}")))
        };
        let (toml, json, php) = (read(&toml, Format::Toml)?, read(&json, Format::Json)?, read(&php, Format::Php)?);
        prop_assert_eq!(json.entries(), toml.entries());
        prop_assert_eq!(json.entries(), php.entries());
        prop_assert_eq!(json.resolver(), toml.resolver());
        prop_assert_eq!(json.resolver(), php.resolver());
        // Their places differ.
        let warnings_of = |config: &Config| -> Vec<_> {
            let parts = |warning: &Warning| {
                (warning.backend().cloned(), warning.setting().to_owned(), warning.text().to_owned())
            };
            config.warnings().iter().map(parts).collect()
        };
        prop_assert_eq!(warnings_of(&json), warnings_of(&toml));
        prop_assert_eq!(warnings_of(&json), warnings_of(&php));
        prop_assert_eq!(json.entries().len(), document["user_backends"].as_array().unwrap().len());
    }
}
