//! The tables of fields in docs/configuration.md.

use super::names_table::is_published;
use super::*;
use crate::class::FieldSpec;
use crate::config::fields::{COMMON_FIELDS, RESOLVER_FIELDS, TLS_FIELDS, names_of};
use crate::document::secret_values::names_a_secret;
use crate::transport::TlsMode;

const DOCUMENT: &str = "../../docs/configuration.md";

/// A default that is not a value.
const WORDS: [&str; 6] =
    ["none", "from class and host", "see each class", "the host", "the id", "the system's trust store"];

fn default(field: &FieldSpec) -> String {
    match field.default() {
        _ if field.is_required() => "required".to_owned(),
        Some(text) if WORDS.contains(&text) => text.to_owned(),
        Some(text) => format!("`{text}`"),
        None => "none".to_owned(),
    }
}

fn table(fields: &[FieldSpec]) -> String {
    let mut text = "| field | default | meaning |\n|---|---|---|\n".to_owned();
    for field in fields {
        text.push_str(&format!("| `{}` | {} | {} |\n", field.name(), default(field), field.help()));
    }
    text
}

fn entry_tables() -> String {
    let registry = ClassRegistry::standard();
    let classes: Vec<_> = registry.names().map(|name| registry.find(name).unwrap()).collect();
    let with_tls: Vec<_> =
        classes.iter().filter(|class| class.transport().uses_tls()).map(|class| class.name()).collect();
    let mut text = format!("### Every class\n{}", table(&COMMON_FIELDS));
    text.push_str(&format!("\n### Classes with TLS: {}\n{}", with_tls.join(", "), table(&TLS_FIELDS)));
    for class in classes {
        let transport = class.transport();
        text.push_str(&format!("\n### Class {}\n", class.name()));
        if let Some(port) = transport.port_for(TlsMode::None) {
            text.push_str(&format!("Port {port}"));
        }
        if let Some(port) = transport.port_for(TlsMode::Implicit).filter(|_| transport.uses_tls()) {
            text.push_str(&format!(", with `tls = \"implicit\"` {port}"));
        }
        text.push_str(match transport.unprepared {
            None => "; prepared connections (`warm`).",
            Some(_) => "; no prepared connections.",
        });
        if class.bare_names_only() {
            text.push_str(" Without `domain`, `names` is `\"bare\"`. `separator` is `\"@\"`.");
        }
        text.push_str(&format!("\n\n{}", table(class.fields())));
    }
    text
}

/// The document with its tables replaced.
fn document(found: &str) -> String {
    let mut text = found.to_owned();
    for (name, tables) in [("entries", entry_tables()), ("resolver", table(&RESOLVER_FIELDS))] {
        let begin = format!("<!-- fields of {name}: written by the test fields_table -->\n");
        let end = "<!-- end -->";
        let (before, rest) = text.split_once(&begin).expect("the place of the table");
        let (_, after) = rest.split_once(end).expect("the end of the table");
        text = format!("{before}{begin}{tables}{end}{after}");
    }
    text
}

#[test]
fn fields_tables_are_what_the_document_says() {
    if is_published() {
        return;
    }
    let found = std::fs::read_to_string(DOCUMENT).unwrap();
    let expected = document(&found);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCUMENT, &expected).unwrap();
    }
    let found = std::fs::read_to_string(DOCUMENT).unwrap();
    assert!(found == expected, "{DOCUMENT} is stale: run this test with UPDATE_DOCS=1");
}

/// Writing a default into the file changes nothing.
#[test]
fn shown_defaults_are_the_real_ones() {
    let registry = ClassRegistry::standard();
    let mut checked = Vec::new();
    for class in registry.names().map(|name| registry.find(name).unwrap()) {
        // What a class cannot do without.
        let required = match class.name() {
            "ldap" => "bind = \"uid={name},dc=example\"\n",
            "ssh" => "fingerprint = \"SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM\"\n",
            _ => "",
        };
        let minimal =
            format!("[[user_backends]]\nclass = \"{}\"\nhost = \"files\"\n{required}", class.name());
        let plain = toml(&minimal).entries()[0].clone();
        let needs_domain = ["separator"];
        let skipped = |name: &str| {
            needs_domain.contains(&name)
                    || (name == "names" && class.bare_names_only())
                    // The document names the class with another default.
                    || (name == "tls" && class.name() == "http")
        };
        let tls: &[FieldSpec] = if class.transport().uses_tls() { &TLS_FIELDS } else { &[] };
        for field in [&COMMON_FIELDS, tls].concat().iter().filter(|field| !skipped(field.name())) {
            let Some(default) = field.default().filter(|text| !WORDS.contains(text)) else { continue };
            let written = toml(&format!("{minimal}{} = {default}\n", field.name())).entries()[0].clone();
            assert_eq!(format!("{written:?}"), format!("{plain:?}"), "{} of {}", field.name(), class.name());
            checked.push(field.name());
        }
    }
    for field in RESOLVER_FIELDS {
        let text =
            format!("user_backends = []\n[resolver]\n{} = {}\n", field.name(), field.default().unwrap());
        let config =
            Loader::new().allow_no_backends().parse(&text, Format::Toml, "user-backend.toml").unwrap();
        assert_eq!(*config.resolver(), ResolverSettings::default(), "{}", field.name());
        checked.push(field.name());
    }
    let settable = names_of(&[&COMMON_FIELDS[..], &TLS_FIELDS, &RESOLVER_FIELDS].concat());
    let unchecked: Vec<_> = settable.into_iter().filter(|name| !checked.contains(name)).collect();
    let words = [
        "class",
        "id",
        "arguments",
        "host",
        "port",
        "domain",
        "separator",
        "on_first_sign_in",
        "display_name",
        "help_url",
        "ca_file",
        "server_name",
    ];
    assert_eq!(unchecked, words);
}

/// A field whose name sounds like a secret is one, or stands here.
#[test]
fn fields_that_sound_like_secrets_are_secrets() {
    const NO_SECRETS: [&str; 3] = ["password_field", "auth", "budget_all"];
    let registry = ClassRegistry::standard();
    let classes = registry.names().map(|name| registry.find(name).unwrap());
    let own = classes.flat_map(|class| class.fields().iter().map(FieldSpec::name));
    let all = names_of(&[&COMMON_FIELDS[..], &TLS_FIELDS, &RESOLVER_FIELDS].concat());
    let sounds = ["pass", "pwd", "secret", "token", "key", "auth", "credential"];
    for name in own.chain(all).filter(|name| sounds.iter().any(|part| name.contains(part))) {
        assert_eq!(names_a_secret(name), !NO_SECRETS.contains(&name), "{name}");
    }
}
