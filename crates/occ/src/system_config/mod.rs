//! The commands `config:system:…`: single settings of the configuration file.
//!
//! A TOML or JSON file is changed in place, and only if the result is a valid configuration. A
//! `config.php` is a program, which is never written: the lines to put into it are printed.

mod php;
mod toml_file;
mod tree;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use accounts::{CONFIG_SECTIONS, holds_a_secret};
use serde_json::Value;
use user_backend::config::{Config, Format, Loader, names_a_secret};
use zeroize::Zeroizing;

use crate::cli::{Common, SystemDeleteArgs, SystemGetArgs, SystemSetArgs, ValueType};
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::{Output, eprintln_line};
use crate::password;

/// The prefix of this program's settings in a `config.php`.
const PHP_PREFIX: &str = "user_backends_";

/// The way to a value: a setting, then names and numbers.
#[derive(Debug)]
struct SettingPath {
    setting: &'static str,
    rest: Vec<String>,
}

impl SettingPath {
    fn parse(names: &[String]) -> Result<Self, CliError> {
        let (first, rest) = names.split_first().ok_or_else(|| CliError::new("no setting is named"))?;
        let setting = first.strip_prefix(PHP_PREFIX).unwrap_or(first);
        let setting = CONFIG_SECTIONS.into_iter().find(|known| *known == setting).ok_or_else(|| {
            CliError::refused(format!(
                "There is no setting {first}; there are {}",
                CONFIG_SECTIONS.join(", ")
            ))
        })?;
        Ok(Self { setting, rest: rest.to_vec() })
    }

    /// Its name in a file.
    fn key(&self, is_php: bool) -> String {
        match self.setting {
            own @ ("resolver" | "server" | "store" | "mail" | "reset" | "frontends" | "pages" | "valkey")
                if is_php =>
            {
                format!("{PHP_PREFIX}{own}")
            }
            same => same.to_owned(),
        }
    }

    /// For people.
    fn shown(&self) -> String {
        std::iter::once(self.setting)
            .chain(self.rest.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" => ")
    }

    fn last(&self) -> &str {
        self.rest.last().map_or(self.setting, String::as_str)
    }
}

pub(crate) fn get(common: &Common, args: &SystemGetArgs) -> Result<Output, CliError> {
    let path = SettingPath::parse(&args.names)?;
    let (_, _, config) = config_file::read(common)?;
    let whole = value(&config, &path)?;
    let found = whole.as_ref().and_then(|whole| tree::find(whole, &path.rest)).cloned();
    let default = || args.default_value.clone().map(Value::String);
    let found = found.or_else(default).ok_or_else(|| unset(&path))?;
    match found {
        Value::Array(_) | Value::Object(_) => Ok(Output::tree(found)),
        Value::String(text) => Output::new(format!("{text}\n"), &text, Exit::Fine),
        other => Output::new(format!("{other}\n"), &other, Exit::Fine),
    }
}

/// Whether a value from the command line is a secret, or has one in it.
fn is_secret(args: &SystemSetArgs, path: &SettingPath, value: &str) -> bool {
    let value = parse(value, args.kind).unwrap_or_else(|_| value.into());
    args.names.iter().any(|name| names_a_secret(name)) || holds_a_secret(path.last(), &value)
}

pub(crate) async fn set(common: &Common, args: SystemSetArgs) -> Result<Output, CliError> {
    let path = SettingPath::parse(&args.names)?;
    if args.value.as_deref().is_some_and(|value| is_secret(&args, &path, value)) {
        return Err(CliError::new(format!(
            "{} is a secret, and every user of this machine can read the command line: use --value-from-stdin. \
             This one may have been seen",
            path.last()
        )));
    }
    let text = match &args.value {
        Some(value) => Zeroizing::new(value.clone()),
        None => password::secret_from_stdin().await?,
    };
    let value = parse(&text, args.kind)?;
    let done = change(common, &path, Some(value), args.update_only)?;
    let shown = args.value.map(|text| format!(" to {}", readable(&text, args.kind))).unwrap_or_default();
    Ok(done.unwrap_or_else(|| Output::done([format!("System config value {} set{shown}", path.shown())])))
}

pub(crate) fn delete(common: &Common, args: &SystemDeleteArgs) -> Result<Output, CliError> {
    let path = SettingPath::parse(&args.names)?;
    let (_, _, config) = config_file::read(common)?;
    let is_there = value(&config, &path)?.is_some_and(|whole| tree::find(&whole, &path.rest).is_some());
    if !is_there && args.error_if_not_exists {
        let text = format!("System config {} could not be deleted because it did not exist", path.shown());
        return Err(CliError::refused(text));
    }
    let done = if is_there { change(common, &path, None, false)? } else { None };
    Ok(done.unwrap_or_else(|| Output::done([format!("System config value {} deleted", path.shown())])))
}

/// The prefix of this program's settings in a `config.php`.
fn value(config: &Config, path: &SettingPath) -> Result<Option<Value>, CliError> {
    config.section(path.setting).map_err(config_file::wrong)
}

/// Changes the file, or gives the output that says how.
fn change(
    common: &Common,
    path: &SettingPath,
    to: Option<Value>,
    update_only: bool,
) -> Result<Option<Output>, CliError> {
    let file = config_file::find(common.config.as_deref())?;
    // A change of a file with errors cannot be checked, so it is refused.
    let (_, config) = config_file::read_file(common, &file, Loader::allow_no_backends)?;
    let before = value(&config, path)?;
    if update_only && before.as_ref().is_none_or(|whole| tree::find(whole, &path.rest).is_none()) {
        return Err(CliError::refused_silently("Config parameter does not exist"));
    }
    let impossible = |why: String| CliError::refused(format!("{}: {why}", path.shown()));
    match Format::of(&file) {
        Some(Format::Toml) => {
            let text = read(&file)?;
            let changed =
                toml_file::change(&text, path.setting, &path.rest, to.as_ref()).map_err(impossible)?;
            write(common, &file, &changed)?;
            Ok(None)
        }
        Some(Format::Json) => {
            let text = read(&file)?;
            let changed = json(&text, path, to).map_err(impossible)?;
            write(common, &file, &changed)?;
            Ok(None)
        }
        _ => {
            let mut whole = before.unwrap_or_else(|| tree::empty(path.setting));
            match to {
                _ if path.rest.is_empty() => whole = to.unwrap_or(Value::Null),
                Some(value) => tree::set(&mut whole, &path.rest, value).map_err(impossible)?,
                None => drop(tree::delete(&mut whole, &path.rest)),
            }
            print_php(&file, path, &whole).map(Some)
        }
    }
}

/// The lines for a `config.php`, which are checked as far as they can be alone.
fn print_php(file: &Path, path: &SettingPath, whole: &Value) -> Result<Output, CliError> {
    let key = path.key(true);
    let line = match whole {
        Value::Null => String::new(),
        value => format!("  '{key}' => {},\n", php::literal(value, 1)),
    };
    if path.setting == "user_backends" && !line.is_empty() {
        let text = format!("<?php $CONFIG = [\n{line}];");
        Loader::new().parse(&text, Format::Php, "the changed setting").map_err(config_file::wrong)?;
    }
    let what = match line.is_empty() {
        true => format!("take the key '{key}' out of it"),
        false => {
            format!("put this in the place of its key '{key}', or after `$CONFIG = array (` if there is none")
        }
    };
    eprintln_line(&format!("{} is not written, because it is a program: {what}", file.display()));
    Output::new(line.clone(), &serde_json::json!({ "written": false, "lines": line }), Exit::Refused)
}

/// Changes a JSON file; its indentation and the order of its keys stay.
fn json(text: &str, path: &SettingPath, to: Option<Value>) -> Result<String, String> {
    let mut whole: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
    // What `occ config:list` of the PHP system prints has the names of a config.php.
    let is_system = whole.get("system").is_some_and(Value::is_object) && whole.get("user_backends").is_none();
    let names: Vec<String> = is_system
        .then(|| "system".to_owned())
        .into_iter()
        .chain([path.key(is_system)])
        .chain(path.rest.iter().cloned())
        .collect();
    match to {
        Some(value) => tree::set(&mut whole, &names, value)?,
        None => drop(tree::delete(&mut whole, &names)),
    }
    let indent = text.lines().find_map(|line| {
        let blanks = line.len() - line.trim_start().len();
        (blanks > 0).then(|| line.get(..blanks).unwrap_or_default())
    });
    let changed = tree::print(&whole, indent.unwrap_or("  "))?;
    Ok(if text.ends_with('\n') { changed + "\n" } else { changed })
}

fn read(file: &Path) -> Result<String, CliError> {
    fs::read_to_string(file).map_err(|error| CliError::new(format!("{}: {error}", file.display())))
}

/// Writes the file in one step, if the new text is a valid configuration.
fn write(common: &Common, file: &Path, text: &str) -> Result<(), CliError> {
    let failed =
        |error: std::io::Error| CliError::new(format!("{} cannot be written: {error}", file.display()));
    // A link stays one.
    let target = fs::canonicalize(file).map_err(failed)?;
    let draft = draft(&target);
    let done = write_draft(&target, &draft, text).map_err(failed).and_then(|()| {
        config_file::read_file(common, &draft, Loader::allow_no_backends).map_err(|error| {
            let text = error.to_string().replace(&*draft.to_string_lossy(), &file.to_string_lossy());
            CliError::new(format!("nothing was changed: with this value, {text}"))
        })?;
        fs::rename(&draft, &target).map_err(failed)
    });
    if done.is_err() {
        // It may not have been made.
        let _ = fs::remove_file(&draft);
    }
    done
}

/// A file beside another: same folder for relative paths, same format by its name.
fn draft(target: &Path) -> PathBuf {
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    target.with_file_name(format!(".{}.{name}", std::process::id()))
}

fn write_draft(target: &Path, draft: &Path, text: &str) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    let like = fs::metadata(target)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (like.uid(), like.gid()) {
            std::os::unix::fs::fchown(&file, Some(like.uid()), Some(like.gid()))?;
        }
    }
    file.set_permissions(like.permissions())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn parse(text: &str, kind: ValueType) -> Result<Value, CliError> {
    let wrong = |expected: &str| CliError::refused(format!("The value is no {expected}"));
    match kind {
        ValueType::String => Ok(Value::String(text.to_owned())),
        ValueType::Integer => text.parse::<i64>().map(Value::from).map_err(|_| wrong("whole number")),
        ValueType::Boolean => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(wrong("true or false")),
        },
        ValueType::Json => match serde_json::from_str(text) {
            Ok(Value::Null) | Err(_) => Err(wrong("JSON")),
            Ok(value) => Ok(value),
        },
    }
}

/// A value and its type, as the PHP program says what it has set.
fn readable(text: &str, kind: ValueType) -> String {
    match kind {
        ValueType::String if text.is_empty() => "empty string".to_owned(),
        ValueType::String => format!("string {text}"),
        ValueType::Integer => format!("integer {text}"),
        ValueType::Boolean => format!("boolean {text}"),
        ValueType::Json => format!("json {text}"),
    }
}

fn unset(path: &SettingPath) -> CliError {
    CliError::refused_silently(format!("System config value {} is not set", path.shown()))
}
