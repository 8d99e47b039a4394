//! Every field of the tables has errors of its own: place, found value, expected value.
//!
//! The lists of fields come from the types, so a new field needs a row in `WRONG`.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use user_backend::config::{ClassRegistry, ConfigError, InvalidConfig};

use crate::config::Section as Store;
use crate::documented_settings::fields;
use crate::{
    DovecotAuthSettings, ForwardAuthRule, ForwardAuthSettings, FrontendSettings, HashSettings, MailSettings,
    NginxMailSettings, PageSettings, ResetSettings, SaslauthdSettings, ServerSettings, SocketSettings,
    ValkeySettings,
};

/// A table: its header, lines that it needs, its fields, those of them that are tables.
struct Table {
    header: &'static str,
    path: &'static str,
    needs: &'static [(&'static str, &'static str)],
    fields: BTreeSet<String>,
    inner: &'static [&'static str],
}

fn table<T: DeserializeOwned>(
    header: &'static str,
    path: &'static str,
    needs: &'static [(&'static str, &'static str)],
    inner: &'static [&'static str],
) -> Table {
    Table { header, path, needs, fields: fields::<T>(), inner }
}

fn tables() -> Vec<Table> {
    let socket: &[_] = &[("path", "\"s\"")];
    let frontends = ["forward_auth", "saslauthd", "dovecot_auth", "nginx_mail", "occ"];
    assert_eq!(fields::<FrontendSettings>(), frontends.map(str::to_owned).into());
    let (forward, rule) = ("[frontends.forward_auth]", "[[frontends.forward_auth.rule]]");
    vec![
        table::<ServerSettings>("[server]", "server", &[], &["passwords"]),
        table::<HashSettings>("[server.passwords]", "server.passwords", &[], &[]),
        table::<Store>("[store]", "store", &[], &[]),
        table::<MailSettings>(
            "[mail]",
            "mail",
            &[("host", "\"localhost\""), ("from", "\"a@b.example\"")],
            &[],
        ),
        table::<ResetSettings>("[reset]", "reset", &[], &[]),
        table::<ValkeySettings>("[valkey]", "valkey", &[("url", "\"unix:/s\"")], &[]),
        table::<PageSettings>("[pages]", "pages", &[], &[]),
        table::<ForwardAuthSettings>(forward, "frontends.forward_auth", &[], &[]),
        table::<ForwardAuthRule>(rule, "frontends.forward_auth.rule[0]", &[], &[]),
        table::<SaslauthdSettings>("[frontends.saslauthd]", "frontends.saslauthd", socket, &[]),
        table::<DovecotAuthSettings>("[frontends.dovecot_auth]", "frontends.dovecot_auth", socket, &[]),
        table::<SocketSettings>("[frontends.occ]", "frontends.occ", socket, &[]),
        table::<NginxMailSettings>(
            "[frontends.nginx_mail]",
            "frontends.nginx_mail",
            &[("key", "\"0123456789abcdef\"")],
            &[],
        ),
    ]
}

/// Fields with a value of the right type that is wrong; `""` where every such value is right.
const WRONG: &[(&str, &str)] = &[
    // Texts and files are what they are; true and false are both right.
    ("allow_plaintext", ""),
    ("allow_user_to_change_display_name", ""),
    ("allowed_users", ""),
    ("apps_directory", ""),
    ("ca_file", ""),
    ("data_directory", ""),
    ("default_language", ""),
    ("group", ""),
    ("join_realm", ""),
    ("login_by_email", ""),
    ("password", ""),
    ("path", ""),
    ("proven_key_file", ""),
    ("refuse_passwords_in_query", ""),
    ("server_name", ""),
    ("server.name", ""),
    ("shutdown_grace_seconds", "-1"),
    ("tls_cert", ""),
    ("tls_key", ""),
    ("username", ""),
    ("allowed_hosts", "[\"a b\"]"),
    ("app_passwords_on_new_password", "\"forget\""),
    ("at_once", "0"),
    ("color", "\"red\""),
    ("colour", "\"red\""),
    ("compat", "\"30\""),
    ("confirmation_hours", "0"),
    ("connections", "0"),
    ("cookie_domain", "\"a b\""),
    ("default_phone_region", "\"XX\""),
    ("default_quota", "\"lots\""),
    ("from", "\"not an address\""),
    ("groups", "[\"\"]"),
    ("hello_name", "\"a b\""),
    ("help_url", "\"help\""),
    ("host", "\"a b\""),
    ("imap", "\"nowhere\""),
    ("imprint_url", "\"javascript:alert(1)\""),
    ("key", "\"short\""),
    ("lanes", "65"),
    ("listen", "\"nope\""),
    ("login_redirect", "\"always\""),
    ("logo", "\"logo.html\""),
    ("lost_password_link", "\"javascript:alert(1)\""),
    ("max_connections", "0"),
    ("max_connections_per_source", "-1"),
    ("memory_kib", "1024"),
    ("metrics_listen", "\"nope\""),
    ("minutes", "4"),
    ("mode", "\"0060\""),
    ("name", "\"a b\""),
    ("on_outage", "\"open\""),
    ("passes", "0"),
    ("pop3", "\"nowhere\""),
    ("port", "65536"),
    ("privacy_url", "\"privacy\""),
    ("public_url", "\"javascript:alert(1)//x\""),
    ("refusal_milliseconds", "-1"),
    ("rule", "[5]"),
    ("rule.path", "\"admin\""),
    ("smtp", "\"nowhere\""),
    ("stay_signed_in_days", "91"),
    ("sub_admins_may_add", "\"x\""),
    ("sub_admins_may_create", "\"x\""),
    ("tls", "\"maybe\""),
    ("trusted_hosts", "[\"http://y\"]"),
    ("url", "\"mysql://db/users\""),
    ("waiting", "1000001"),
    ("welcome_days", "31"),
];

/// The row of a field; one with the name of its table counts more.
fn wrong(table: &Table, field: &str) -> &'static str {
    let last = table.path.rsplit('.').next().unwrap().trim_end_matches("[0]");
    let row = |name: &str| WRONG.iter().find(|(row, _)| *row == name).map(|(_, value)| *value);
    row(&format!("{last}.{field}"))
        .or_else(|| row(field))
        .unwrap_or_else(|| panic!("{}: which values of {field} are wrong?", table.header))
}

fn load(text: &str) -> Result<(), InvalidConfig> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("user-backend.toml");
    // A file with a secret must be closed to others.
    std::fs::write(&file, "").unwrap();
    #[cfg(unix)]
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&file, text).unwrap();
    ServerSettings::load(&file, &ClassRegistry::standard()).map(|_| ())
}

/// The lines of a table with this value of a field.
fn lines(table: &Table, field: &str, value: &str) -> String {
    let needs = table.needs.iter().filter(|(name, _)| *name != field);
    let needs: String = needs.map(|(name, value)| format!("{name} = {value}\n")).collect();
    format!("{field} = {value}\n{needs}")
}

/// What is wrong with the words of an error about a field.
fn fault(table: &Table, field: &str, error: &ConfigError) -> Option<String> {
    let path = format!("{}.{field}", table.path);
    let (found, expected) = (error.found(), error.expected());
    let vague = ["a value that fits", "another value", "another value that fits"];
    let fault = if !error.path().starts_with(&path) {
        "another path"
    } else if error.line() != Some(2) || error.column() < Some(field.len() + 4) {
        "another place"
    } else if vague.contains(&expected) || vague.contains(&found) {
        "vague"
    } else if expected.starts_with("expected") || found.starts_with("expected") || found.starts_with("found")
    {
        "words twice"
    } else if expected == "socket address"
        || expected.contains("nonzero")
        || expected.contains("struct")
        || found.contains("variant")
    {
        "words of Rust"
    } else {
        return None;
    };
    Some(format!("{fault}: {error}"))
}

/// The only error of a file with one wrong value.
fn only_error(text: &str) -> Result<ConfigError, String> {
    match load(text) {
        Ok(()) => Err(format!("accepted: {text}")),
        Err(errors) if errors.iter().count() > 1 => Err(format!("several: {errors}")),
        Err(errors) => Ok(errors.into_iter().next().unwrap()),
    }
}

#[test]
fn wrong_type_of_any_field_is_placed_and_explained() {
    let mut faults = Vec::new();
    for table in tables() {
        for field in &table.fields {
            let text = format!("{}\n{}", table.header, lines(&table, field, "{ no = 1 }"));
            match only_error(&text) {
                Ok(error) => {
                    let found = match field.as_str() {
                        field if table.inner.contains(&field) => "an unknown field",
                        "password" => "a value that does not fit",
                        _ => "an array with named fields",
                    };
                    // What may be a secret by its name need not be shown.
                    let is_hidden = (field == "key" || field.ends_with("password"))
                        && error.found() == "a value that does not fit";
                    faults.extend(fault(&table, field, &error));
                    let is_shown = error.found() == found || is_hidden;
                    faults.extend((!is_shown).then(|| format!("not {found}: {error}")));
                }
                Err(fault) => faults.push(fault),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn wrong_value_of_any_field_is_placed_and_explained() {
    let mut faults = Vec::new();
    for table in tables() {
        for field in table.fields.iter().filter(|field| !table.inner.contains(&field.as_str())) {
            let value = wrong(&table, field);
            if value.is_empty() {
                continue;
            }
            match only_error(&format!("{}\n{}", table.header, lines(&table, field, value))) {
                Ok(error) => faults.extend(fault(&table, field, &error)),
                Err(fault) => faults.push(fault),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Each table has a wrong value of each field, and the backends and the resolver have errors too.
#[test]
fn all_errors_of_a_file_are_told_at_once() {
    let mut text = String::new();
    let mut expected = BTreeSet::from(["user_backends[0].class".to_owned(), "resolver.deadline".to_owned()]);
    for table in tables() {
        text += &format!("{}\n", table.header);
        let inner = |field: &&String| {
            table.inner.contains(&field.as_str()) || ["colour", "rule"].contains(&field.as_str())
        };
        for field in table.fields.iter().filter(|field| !inner(field)) {
            text += &format!("{field} = {{ no = 1 }}\n");
            expected.insert(format!("{}.{field}", table.path));
        }
    }
    text += "[[user_backends]]\nclass = \"nothing\"\n[resolver]\ndeadline = 3\n";
    let errors = load(&text).unwrap_err();
    let found: BTreeSet<String> = errors.iter().map(ConfigError::path).collect();
    assert_eq!(found, expected, "{errors}");
    assert_eq!(errors.iter().count(), expected.len(), "{errors}");
}

#[test]
fn list_has_an_error_for_each_wrong_element() {
    let hosts =
        "trusted_hosts = [\"a b\", \"ok.example\", \"*.x\", \"http://y\", \"[::1]:8080\", \"*\", \"a:0\"]";
    let rules = "[[frontends.forward_auth.rule]]\nhost = \"a b\"\n[[frontends.forward_auth.rule]]\nhost = \"ok\"\n\
                 [[frontends.forward_auth.rule]]\npath = \"x\"\n";
    let errors = load(&format!("[server]\n{hosts}\n{rules}")).unwrap_err();
    let found: Vec<String> = errors.iter().map(ConfigError::path).collect();
    let expected = [
        "server.trusted_hosts[0]",
        "server.trusted_hosts[2]",
        "server.trusted_hosts[3]",
        "server.trusted_hosts[6]",
        "frontends.forward_auth.rule[0].host",
        "frontends.forward_auth.rule[2].path",
    ];
    assert_eq!(found, expected, "{errors}");
}

#[test]
fn values_that_contradict_each_other_are_told_together() {
    let errors = load(
        "lost_password_link = \"disabled\"\n[server]\ntls_cert = \"a\"\nmetrics_listen = \"127.0.0.1:8080\"\n\
         [reset]\nlost_password_link = \"https://example.com/\"\n[store]\nconnections = 0\n",
    );
    let errors = errors.unwrap_err();
    let found: Vec<String> = errors.iter().map(ConfigError::path).collect();
    let expected =
        ["server.tls_cert", "server.metrics_listen", "reset.lost_password_link", "store.connections"];
    assert_eq!(found, expected, "{errors}");
}

#[test]
fn valkey_needs_a_store_on_postgresql() {
    let valkey = "[valkey]\nurl = \"valkeys://counts.example.com\"\n";
    for store in ["", "[store]\nurl = \"sqlite:a.db\"\n"] {
        let error = only_error(&format!("{store}{valkey}")).unwrap();
        assert_eq!(error.path(), "valkey");
        assert!(error.to_string().contains("SQLite"), "{error}");
    }
    assert!(load(&format!("[store]\nurl = \"postgres://db/users\"\n{valkey}")).is_ok());
}

#[test]
fn reserved_backend_id_is_refused_at_its_place() {
    for id in ["local", "LOCAL", "Database", "database", "(banned)", "(other)", "a(b", "a)"] {
        let error = only_error(&format!(
            "[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\nid = \"{id}\"\n"
        ));
        let error = error.unwrap();
        assert_eq!(
            (error.line(), error.column(), error.path().as_str()),
            (Some(4), Some(6), "user_backends[0].id")
        );
        assert_eq!(error.found(), format!("{id:?}"));
    }
    for id in ["locals", "my-local", "databases", "imap:mail.example.com"] {
        let text =
            format!("[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\nid = \"{id}\"\n");
        assert!(load(&text).is_ok(), "{id}");
    }
}

#[test]
fn public_url_is_a_web_address_with_or_without_mail() {
    for url in [
        "javascript:alert(1)//x",
        "ftp://x",
        "cloud.example.com",
        "https://",
        "https://u:p@x",
        "https://x/?q",
        "https://x/#f",
        "https://a b",
    ] {
        let error = only_error(&format!("[server]\npublic_url = \"{url}\"\n")).unwrap();
        assert_eq!((error.path().as_str(), error.line()), ("server.public_url", Some(2)), "{error}");
        assert!(!error.to_string().contains("u:p"), "{error}");
    }
    for url in ["http://intranet", "https://cloud.example.com:8443/path/", "HTTPS://x", "http://[::1]:8080"] {
        assert!(load(&format!("[server]\npublic_url = \"{url}\"\n")).is_ok(), "{url}");
    }
}
