//! The configuration as people may see it: without its secrets.

use serde_json::{Map, Value};
use user_backend::config::{Config, InvalidConfig, is_secret, names_a_secret};

/// The settings there are, as TOML and JSON files call them.
pub const CONFIG_SECTIONS: [&str; 10] = [
    "user_backends",
    "resolver",
    "server",
    "store",
    "mail",
    "reset",
    "frontends",
    "pages",
    "valkey",
    "lost_password_link",
];

/// What stands for a secret that is not shown, as in the PHP program.
pub const HIDDEN_SECRET: &str = "***REMOVED SENSITIVE VALUE***";

/// All settings, as they stand in the file; secrets are hidden without `private`.
///
/// # Errors
/// [`InvalidConfig`]: a section that cannot be read.
pub fn shown_config(config: &Config, private: bool) -> Result<Value, InvalidConfig> {
    let mut tree = Map::new();
    for setting in CONFIG_SECTIONS {
        let value: Option<Value> = config.section(setting)?;
        if let Some(mut value) = value {
            if !private {
                hide(&mut value);
            }
            tree.insert(setting.to_owned(), value);
        }
    }
    Ok(Value::Object(tree))
}

/// Whether a setting is a secret or has one in it, however deep.
pub fn holds_a_secret(name: &str, value: &Value) -> bool {
    let mut shown = Map::from_iter([(name.to_owned(), value.clone())]).into();
    let before: Value = Clone::clone(&shown);
    hide(&mut shown);
    shown != before
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        // An argument of a list.
        Value::String(text) if is_secret("", text) => *value = HIDDEN_SECRET.into(),
        Value::Object(members) => {
            for (name, value) in members {
                let is_hidden = match value.as_str() {
                    Some(text) => is_secret(name, text),
                    // A number, or several secrets.
                    None => names_a_secret(name) && !value.is_null(),
                };
                if is_hidden {
                    *value = HIDDEN_SECRET.into();
                } else {
                    hide(value);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::fs;
    use std::path::Path;

    use serde_json::json;

    use super::*;

    /// Names of settings that sound like secrets.
    const SOUNDS: [&str; 7] = ["pass", "pwd", "secret", "token", "key", "auth", "credential"];

    /// Those of them that are none, and where.
    const NO_SECRETS: [(&str, &str); 12] = [
        ("server_settings.rs", "tls_key"),
        ("server_settings.rs", "valkey"),
        ("server_settings.rs", "proven_key_file"),
        ("server_settings.rs", "refuse_passwords_in_query"),
        ("server_settings.rs", "passwords"),
        ("server_settings.rs", "app_passwords_on_new_password"),
        ("frontend_settings.rs", "forward_auth"),
        ("frontend_settings.rs", "saslauthd"),
        ("frontend_settings.rs", "dovecot_auth"),
        ("settings.rs", "lost_password_link"),
        ("settings.rs", "max_password_bytes"),
        ("settings.rs", "passes"),
    ];

    /// Types that hold a secret.
    const SECRET_TYPES: [&str; 3] = ["FrontendKey", "Zeroizing", "SecretText"];

    /// Fields of all structs that are read from the configuration: (file, name, type).
    pub(crate) fn fields(folder: &Path, found: &mut Vec<(String, String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                fields(&path, found);
                continue;
            }
            let file = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).unwrap();
            let is_settings = file.ends_with("settings.rs") || file == "config.rs";
            for part in text.split("#[derive(").skip(1).filter(|_| is_settings) {
                let (derived, rest) = part.split_once(")]").unwrap();
                let Some((head, rest)) = rest.split_once('{') else { continue };
                if !derived.contains("Deserialize") || !head.contains("struct ") {
                    continue;
                }
                let (body, _) = rest.split_once("\n}").unwrap();
                for line in body.lines().filter(|line| !line.trim_start().starts_with(['/', '#'])) {
                    let Some((name, kind)) = line.split_once(": ") else { continue };
                    let name = name.trim().trim_start_matches("pub(crate) ").trim_start_matches("pub ");
                    found.push((file.clone(), name.to_owned(), kind.to_owned()));
                }
            }
        }
    }

    #[test]
    fn every_setting_that_holds_a_secret_is_hidden() {
        let mut found = Vec::new();
        fields(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > 60, "{}", found.len());
        for (file, name, kind) in &found {
            let sounds = SOUNDS.iter().any(|part| name.contains(part))
                && !NO_SECRETS.contains(&(file.as_str(), name.as_str()));
            let holds = SECRET_TYPES.iter().any(|part| kind.contains(part));
            assert_eq!(names_a_secret(name), sounds || holds, "{file}: {name}: {kind}");
        }
        assert!(
            found.iter().any(|(_, name, kind)| name == "key" && kind.contains("FrontendKey")),
            "{found:?}"
        );
    }

    #[test]
    fn secrets_are_hidden_however_deep() {
        let shown = |value: Value| {
            let mut value = value;
            hide(&mut value);
            value.to_string()
        };
        for secret in [
            json!({"frontends": {"nginx_mail": {"key": "geheim"}}}),
            json!({"url": "postgres://host/db?user=u&password=geheim"}),
            json!({"url": "postgres://u:geheim@host/db"}),
            json!([{"path": "/login?api_key=geheim"}]),
            json!({"arguments": ["host", "https://u:geheim@host"]}),
            json!({"token": ["geheim"]}),
        ] {
            assert!(holds_a_secret("x", &secret), "{secret}");
            let shown = shown(secret);
            assert!(shown.contains(HIDDEN_SECRET) && !shown.contains("geheim"), "{shown}");
        }
        let plain = json!({"url": "sqlite:a.db", "tls_key": "key.pem", "password": null, "key": ""});
        assert!(!holds_a_secret("x", &plain));
        assert!(holds_a_secret("password", &"x".into()));
    }
}
