//! The configuration as people may see it: without its secrets.

use serde_json::{Map, Value};
use user_backend::config::{Config, ConfigErrors};

/// The settings there are, as TOML and JSON files call them.
pub const CONFIG_SECTIONS: [&str; 9] = [
    "user_backends",
    "resolver",
    "server",
    "store",
    "mail",
    "reset",
    "frontends",
    "pages",
    "lost_password_link",
];

/// What stands for a secret that is not shown, as in the PHP program.
pub const HIDDEN_SECRET: &str = "***REMOVED SENSITIVE VALUE***";

/// All settings, as they stand in the file; secrets are hidden without `private`.
///
/// # Errors
/// [`ConfigErrors`]: a section that cannot be read.
pub fn shown_config(config: &Config, private: bool) -> Result<Value, ConfigErrors> {
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

fn hide(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(hide),
        Value::Object(members) => {
            for (name, value) in members {
                let is_shown = match value.as_str() {
                    // The address of a store holds a password only beside a user.
                    Some(text) if name == "url" => !text.contains('@'),
                    _ => !names_a_secret(name),
                };
                if is_shown {
                    hide(value);
                } else {
                    *value = HIDDEN_SECRET.into();
                }
            }
        }
        _ => {}
    }
}

/// Whether the name of a setting says that its value is a secret.
pub fn names_a_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The address of a store may hold a password.
    ["password", "passwd", "secret", "token", "private_key", "api_key"]
        .iter()
        .any(|ending| name.ends_with(ending))
        || name == "url"
}
