//! The table of keys, and the two forms that it serves: typed maps and pairs of texts.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{InvalidSettings, Profile, RuleSettings, Scope, Settings, SettingsError};

/// Keys that every application has and that are ignored here.
const NOT_OURS: [&str; 3] = ["enabled", "installed_version", "types"];

/// A value as a format has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A number.
    Integer(i64),
    /// A text; it may spell any of the others.
    Text(String),
    /// A list of names.
    List(Vec<String>),
}

impl Settings {
    /// Sets one key.
    ///
    /// A text may spell a number (`"12"`), a truth value (`1`, `true`, `yes`, `on` and their
    /// opposites) or a list (`["account","sharing"]`, `account,sharing`). An empty text unsets the
    /// key.
    ///
    /// # Errors
    /// [`SettingsError::Unknown`] and [`SettingsError::Value`]; nothing is changed then.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) -> Result<(), SettingsError> {
        let value =
            Some(value.into()).filter(|value| !matches!(value, Value::Text(text) if text.trim().is_empty()));
        self.put(key, value)
    }

    /// Takes one key back to its default.
    ///
    /// # Errors
    /// [`SettingsError::Unknown`].
    pub fn unset(&mut self, key: &str) -> Result<(), SettingsError> {
        self.put(key, None)
    }

    /// Reads what an application's configuration stores.
    ///
    /// Keys that every application has (`enabled`, `installed_version`, `types`) are passed over.
    ///
    /// # Errors
    /// [`InvalidSettings`]: all that is wrong.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Self, InvalidSettings> {
        let mut settings = Self::default();
        let ours = pairs.into_iter().filter(|(key, _)| !NOT_OURS.contains(&key.as_ref()));
        let errors: Vec<_> =
            ours.filter_map(|(key, value)| settings.set(key.as_ref(), value.as_ref()).err()).collect();
        if errors.is_empty() { Ok(settings) } else { Err(InvalidSettings(errors)) }
    }

    /// The settings with their keys.
    pub fn entries(&self) -> Vec<(String, Value)> {
        let mut entries = Vec::new();
        let mut add =
            |key: &str, value: Option<Value>| entries.extend(value.map(|value| (key.to_owned(), value)));
        add("profile", (self.profile != Profile::default()).then(|| self.profile.name().into()));
        for (rules, suffix) in [(&self.account, ""), (&self.sharing, "_sharing")] {
            add(&format!("minLength{suffix}"), rules.min_length.map(Value::Integer));
            for (name, _, of) in FLAGS {
                add(&format!("{name}{suffix}"), of(rules).map(Value::Bool));
            }
        }
        let scopes = [Scope::Account, Scope::Sharing].map(|scope| scope.name().to_owned());
        add("passwordContexts", self.sharing_has_rules.then(|| Value::List(scopes.into())));
        add("historySize", self.history_size.map(Value::Integer));
        add("expiration", self.expiration.map(Value::Integer));
        add("maximumLoginAttempts", self.maximum_login_attempts.map(Value::Integer));
        add("haveIBeenPwnedSource", self.have_i_been_pwned_source.clone().map(Value::Text));
        entries
    }

    fn put(&mut self, key: &str, value: Option<Value>) -> Result<(), SettingsError> {
        match key {
            "profile" => self.profile = value.map(|v| profile(key, v)).transpose()?.unwrap_or_default(),
            "passwordContexts" => {
                self.sharing_has_rules = value.map(|v| has_sharing(key, v)).transpose()?.unwrap_or_default();
            }
            "historySize" => self.history_size = integer(key, value)?,
            "expiration" => self.expiration = integer(key, value)?,
            "maximumLoginAttempts" => self.maximum_login_attempts = integer(key, value)?,
            "haveIBeenPwnedSource" => self.have_i_been_pwned_source = text(key, value)?,
            _ => {
                let (rules, name) = match key.strip_suffix("_sharing") {
                    Some(name) => (&mut self.sharing, name),
                    None => (&mut self.account, key),
                };
                if name == "minLength" {
                    rules.min_length = integer(key, value)?;
                    return Ok(());
                }
                let flag = FLAGS.iter().find(|(known, ..)| *known == name);
                let (_, slot, _) = flag.ok_or_else(|| unknown(key, name))?;
                *slot(rules) = value.map(|v| boolean(key, v)).transpose()?;
            }
        }
        Ok(())
    }
}

/// A rule that is on or off: its key, where it is set, where it is read.
type Flag = (&'static str, fn(&mut RuleSettings) -> &mut Option<bool>, fn(&RuleSettings) -> Option<bool>);

const FLAGS: [Flag; 6] = [
    ("enforceNonCommonPassword", |r| &mut r.enforce_non_common_password, |r| r.enforce_non_common_password),
    ("enforceUpperLowerCase", |r| &mut r.enforce_upper_lower_case, |r| r.enforce_upper_lower_case),
    ("enforceNumericCharacters", |r| &mut r.enforce_numeric_characters, |r| r.enforce_numeric_characters),
    ("enforceSpecialCharacters", |r| &mut r.enforce_special_characters, |r| r.enforce_special_characters),
    ("enforceHaveIBeenPwned", |r| &mut r.enforce_have_i_been_pwned, |r| r.enforce_have_i_been_pwned),
    ("enforceNoContextWords", |r| &mut r.enforce_no_context_words, |r| r.enforce_no_context_words),
];

/// Keys that cannot be set per scope.
const OTHERS: [&str; 7] = [
    "minLength",
    "profile",
    "passwordContexts",
    "historySize",
    "expiration",
    "maximumLoginAttempts",
    "haveIBeenPwnedSource",
];

fn unknown(key: &str, name: &str) -> SettingsError {
    let known = OTHERS.into_iter().chain(FLAGS.map(|(name, ..)| name));
    let near = known.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let nearest = near.filter(|(edits, known)| *edits * 3 <= known.len()).map(|(_, known)| known);
    SettingsError::Unknown { key: key.to_owned(), nearest }
}

fn integer(key: &str, value: Option<Value>) -> Result<Option<i64>, SettingsError> {
    let Some(value) = value else { return Ok(None) };
    let number = match &value {
        Value::Integer(number) => Some(*number),
        Value::Text(text) => text.trim().parse().ok(),
        Value::Bool(_) | Value::List(_) => None,
    };
    number.map(Some).ok_or_else(|| wrong(key, &value, "a whole number"))
}

fn boolean(key: &str, value: Value) -> Result<bool, SettingsError> {
    let truth = match &value {
        Value::Bool(truth) => Some(*truth),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Some(true),
            "0" | "false" | "no" | "off" => Some(false),
            _ => None,
        },
        Value::Integer(_) | Value::List(_) => None,
    };
    truth.ok_or_else(|| wrong(key, &value, "true or false"))
}

fn text(key: &str, value: Option<Value>) -> Result<Option<String>, SettingsError> {
    match value {
        None => Ok(None),
        Some(Value::Text(text)) => Ok(Some(text.trim().to_owned())),
        Some(value) => Err(wrong(key, &value, "a text")),
    }
}

fn profile(key: &str, value: Value) -> Result<Profile, SettingsError> {
    match &value {
        Value::Text(name) if name.trim() == "manual" => Ok(Profile::Manual),
        Value::Text(name) if name.trim() == "nist" => Ok(Profile::Nist),
        _ => Err(wrong(key, &value, "\"manual\" or \"nist\"")),
    }
}

fn has_sharing(key: &str, value: Value) -> Result<bool, SettingsError> {
    let names: Vec<&str> = match &value {
        Value::List(names) => names.iter().map(String::as_str).collect(),
        Value::Text(text) => {
            let inside = text.trim().trim_start_matches('[').trim_end_matches(']');
            inside
                .split(',')
                .map(|name| name.trim().trim_matches('"'))
                .filter(|name| !name.is_empty())
                .collect()
        }
        Value::Bool(_) | Value::Integer(_) => return Err(wrong(key, &value, SCOPES)),
    };
    match names.iter().all(|name| ["account", "sharing"].contains(name)) {
        true => Ok(names.contains(&"sharing")),
        false => Err(wrong(key, &value, SCOPES)),
    }
}

const SCOPES: &str = "a list of \"account\" and \"sharing\"";

fn wrong(key: &str, found: &Value, expected: &'static str) -> SettingsError {
    SettingsError::Value { key: key.to_owned(), found: found.to_string(), expected }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl fmt::Display for Value {
    /// As a format shows it: texts in quotes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(truth) => write!(f, "{truth}"),
            Self::Integer(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(names) => write!(f, "{names:?}"),
        }
    }
}

impl Value {
    /// As an application's configuration stores it, and [`Settings::set`] reads it.
    ///
    /// `1` and `0` for truth values.
    pub fn to_stored(&self) -> String {
        match self {
            Self::Bool(truth) => if *truth { "1" } else { "0" }.to_owned(),
            Self::Text(text) => text.clone(),
            Self::Integer(number) => number.to_string(),
            Self::List(names) => {
                let quoted: Vec<_> = names.iter().map(|name| format!("\"{name}\"")).collect();
                format!("[{}]", quoted.join(","))
            }
        }
    }
}

impl Serialize for Settings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let entries = self.entries();
        let mut map = serializer.serialize_map(Some(entries.len()))?;
        for (key, value) in &entries {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Settings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;

        impl<'de> Visitor<'de> for Map {
            type Value = Settings;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of password policy settings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Settings, A::Error> {
                let mut settings = Settings::default();
                while let Some(key) = map.next_key::<String>()? {
                    let value: Option<Value> = map.next_value().map_err(|error| {
                        de::Error::custom(format_args!("setting {key:?} cannot be read: {error}"))
                    })?;
                    settings.put(&key, value).map_err(de::Error::custom)?;
                }
                Ok(settings)
            }
        }

        deserializer.deserialize_map(Map)
    }
}
