//! Command line of other store commands: apps, configuration, pins, caches, audit log.

use std::path::PathBuf;

use accounts::AppValueType;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::{Window, exits};

/// The commands about everything else in the store.
#[derive(Debug, Subcommand)]
pub(crate) enum StoreCommand {
    /// Switch an app off
    #[command(name = "app:disable", after_help = APP_DISABLE_HELP)]
    AppDisable(AppsArg),
    /// Switch an app on
    #[command(name = "app:enable", after_help = APP_ENABLE_HELP)]
    AppEnable(AppEnableArgs),
    /// Print the folder of an app
    #[command(name = "app:getpath", after_help = APP_GETPATH_HELP)]
    AppGetPath(AppArg),
    /// List the apps: those that are on, and those that are off
    #[command(name = "app:list", after_help = APP_LIST_HELP)]
    AppList(AppListArgs),
    /// Show the audit log
    #[command(name = "audit:list", after_help = AUDIT_HELP)]
    Audit(AuditArgs),
    /// Clear the sign-in caches of all servers, so that all users are verified again
    #[command(name = "cache:flush", after_help = FLUSH_HELP)]
    CacheFlush(FlushArgs),
    /// Show cache figures of running servers
    #[command(name = "cache:stats", after_help = STATS_HELP)]
    CacheStats,
    /// Delete a value of an app's configuration
    #[command(name = "config:app:delete", after_help = CONFIG_DELETE_HELP)]
    ConfigDelete(ConfigDeleteArgs),
    /// Show a value of an app's configuration
    #[command(name = "config:app:get", after_help = CONFIG_GET_HELP)]
    ConfigGet(ConfigGetArgs),
    /// Set a value of an app's configuration
    #[command(name = "config:app:set", after_help = CONFIG_SET_HELP)]
    ConfigSet(ConfigSetArgs),
    /// Show the configuration of all apps or of one
    #[command(name = "config:list", after_help = CONFIG_LIST_HELP)]
    ConfigList(ConfigListArgs),
    /// Delete a setting of the configuration file
    #[command(name = "config:system:delete", after_help = SYSTEM_DELETE_HELP)]
    SystemDelete(SystemDeleteArgs),
    /// Show a setting of the configuration file
    #[command(name = "config:system:get", after_help = SYSTEM_GET_HELP)]
    SystemGet(SystemGetArgs),
    /// Set a setting in the configuration file
    #[command(name = "config:system:set", after_help = SYSTEM_SET_HELP)]
    SystemSet(SystemSetArgs),
    /// Import users, groups and password hashes from an existing installation
    #[command(name = "import:nextcloud", after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// List which name belongs to which backend
    #[command(name = "pin:list", after_help = PIN_LIST_HELP)]
    PinList(PinListArgs),
    /// Bind a name to another backend
    #[command(name = "pin:rebind", after_help = PIN_REBIND_HELP)]
    PinRebind(PinRebindArgs),
    /// Show failed sign-ins from an address
    #[command(name = "security:bruteforce:attempts", after_help = ATTEMPTS_HELP)]
    BruteforceAttempts(AttemptsArgs),
    /// Reset failed sign-ins from an address
    #[command(name = "security:bruteforce:reset", after_help = FORGIVE_HELP)]
    BruteforceReset(AddressArg),
}

/// An address.
#[derive(Args, Debug)]
pub(crate) struct AddressArg {
    /// The address; IPv6 addresses of one /64 count as one source
    #[arg(value_name = "IP")]
    pub(crate) address: String,
}

/// Arguments of `security:bruteforce:attempts`.
#[derive(Args, Debug)]
pub(crate) struct AttemptsArgs {
    #[command(flatten)]
    pub(crate) address: AddressArg,
    /// Only attempts of this kind; login is the only one that is counted
    #[arg(value_name = "ACTION")]
    pub(crate) action: Option<String>,
}

/// An app.
#[derive(Args, Debug)]
pub(crate) struct AppArg {
    /// The app
    #[arg(value_name = "APP")]
    pub(crate) app: String,
}

/// Arguments of `app:list`.
#[derive(Args, Debug)]
pub(crate) struct AppListArgs {
    /// true: only features of this software; false: only apps in apps_directory
    #[arg(long, value_name = "BOOLEAN")]
    pub(crate) shipped: Option<String>,
    /// Only apps that are on
    #[arg(long)]
    pub(crate) enabled: bool,
    /// Only apps that are off
    #[arg(long)]
    pub(crate) disabled: bool,
}

/// Arguments of `app:enable`.
#[derive(Args, Debug)]
pub(crate) struct AppEnableArgs {
    #[command(flatten)]
    pub(crate) apps: AppsArg,
    /// No effect: there are no requirements of versions
    #[arg(short, long)]
    pub(crate) force: bool,
    /// Refused: apps are on for all users
    #[arg(short, long, value_name = "GROUP", hide = true)]
    pub(crate) groups: Vec<String>,
}

/// Some apps.
#[derive(Args, Debug)]
pub(crate) struct AppsArg {
    /// The apps
    #[arg(value_name = "APP", required = true)]
    pub(crate) apps: Vec<String>,
}

/// Arguments of `audit:list`.
#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Number of latest entries
    #[arg(short, long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Only entries about this user, group or app
    #[arg(long, value_name = "NAME")]
    pub(crate) about: Option<String>,
}

/// Arguments of `cache:flush`.
#[derive(Args, Debug)]
pub(crate) struct FlushArgs {
    /// Only this user
    #[arg(value_name = "USER")]
    pub(crate) user: Option<String>,
}

/// Arguments of `config:app:delete`.
#[derive(Args, Debug)]
pub(crate) struct ConfigDeleteArgs {
    /// The app
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The name of the value
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Fail if there is nothing to delete
    #[arg(long)]
    pub(crate) error_if_not_exists: bool,
}

/// Arguments of `config:app:get`.
#[derive(Args, Debug)]
pub(crate) struct ConfigGetArgs {
    /// The app
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The name of the value
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Value to print if nothing is set
    #[arg(long, value_name = "TEXT")]
    pub(crate) default_value: Option<String>,
    /// Show what is known about the value
    #[arg(long)]
    pub(crate) details: bool,
}

/// Arguments of `config:app:set`.
#[derive(Args, Debug)]
pub(crate) struct ConfigSetArgs {
    /// The app
    #[arg(value_name = "APP")]
    pub(crate) app: String,
    /// The name of the value
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The value
    #[arg(long, value_name = "TEXT", required_unless_present_any = ["value_from_stdin", "kind", "lazy", "no_lazy", "sensitive", "no_sensitive"])]
    pub(crate) value: Option<String>,
    /// Take the value from the first line of standard input: for secrets
    #[arg(long, conflicts_with = "value")]
    pub(crate) value_from_stdin: bool,
    /// Only change an existing value
    #[arg(long)]
    pub(crate) update_only: bool,
    /// What the value is; another value is refused
    #[arg(long = "type", value_parser = value_types(), value_name = "TYPE")]
    pub(crate) kind: Option<AppValueType>,
    /// Note that the value is rarely read; no other effect
    #[arg(long)]
    pub(crate) lazy: bool,
    /// Take the note back
    #[arg(long, conflicts_with = "lazy", hide = true)]
    pub(crate) no_lazy: bool,
    /// The value is a secret: config:list hides it, and it is not taken from the command line
    #[arg(long)]
    pub(crate) sensitive: bool,
    /// The value is no secret
    #[arg(long, conflicts_with = "sensitive")]
    pub(crate) no_sensitive: bool,
}

/// The types of a value of an app, as the PHP program names them.
fn value_types() -> impl TypedValueParser<Value = AppValueType> {
    let named = |kind: &AppValueType| {
        let value = PossibleValue::new(kind.as_str());
        match kind {
            AppValueType::Integer => value.alias("int"),
            AppValueType::Boolean => value.alias("bool"),
            _ => value,
        }
    };
    PossibleValuesParser::new(AppValueType::ALL.iter().map(named)).try_map(|text| match text.as_str() {
        "int" => Ok(AppValueType::Integer),
        "bool" => Ok(AppValueType::Boolean),
        text => text.parse(),
    })
}

/// Arguments of `config:list`.
#[derive(Args, Debug)]
pub(crate) struct ConfigListArgs {
    /// The app, or system for the configuration file [default: all]
    #[arg(value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Show secrets too
    #[arg(long)]
    pub(crate) private: bool,
}

/// Arguments of `config:system:delete`.
#[derive(Args, Debug)]
pub(crate) struct SystemDeleteArgs {
    /// The name of the setting, and of what is in it: user_backends 0 timeout
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Fail if there is nothing to delete
    #[arg(long)]
    pub(crate) error_if_not_exists: bool,
}

/// Arguments of `config:system:get`.
#[derive(Args, Debug)]
pub(crate) struct SystemGetArgs {
    /// The name of the setting, and of what is in it: user_backends 0 timeout
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// Value to print if nothing is set
    #[arg(long, value_name = "TEXT")]
    pub(crate) default_value: Option<String>,
}

/// Arguments of `config:system:set`.
#[derive(Args, Debug)]
pub(crate) struct SystemSetArgs {
    /// The name of the setting, and of what is in it: user_backends 0 timeout
    #[arg(value_name = "NAME", required = true)]
    pub(crate) names: Vec<String>,
    /// The value
    #[arg(long, value_name = "TEXT", required_unless_present = "value_from_stdin")]
    pub(crate) value: Option<String>,
    /// Take the value from the first line of standard input: for secrets
    #[arg(long, conflicts_with = "value")]
    pub(crate) value_from_stdin: bool,
    /// What the value is
    #[arg(long = "type", value_enum, default_value_t = ValueType::String)]
    pub(crate) kind: ValueType,
    /// Only change an existing value
    #[arg(long)]
    pub(crate) update_only: bool,
}

/// The type of a value in the configuration file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ValueType {
    /// A text
    String,
    /// A whole number
    #[value(alias = "int")]
    Integer,
    /// true or false
    #[value(alias = "bool")]
    Boolean,
    /// A list or a table, as JSON
    Json,
}

/// Arguments of `import:nextcloud`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The config.php of the installation [default: the configuration itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Import; without this, only print what would be imported
    #[arg(long)]
    pub(crate) write: bool,
    /// Maps a backend of the installation to one here. Can be repeated; of several for one, the
    /// domain of a name decides
    #[arg(long = "backend", value_name = "THERE=ID")]
    pub(crate) backends: Vec<String>,
    /// A TOML file with decisions about single users
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
}

/// Arguments of `pin:list`.
#[derive(Args, Debug)]
pub(crate) struct PinListArgs {
    /// Only names of this backend
    #[arg(long, value_name = "ID")]
    pub(crate) backend: Option<String>,
    /// Only addresses such as bob@example.com where bob alone is an account of another backend
    #[arg(long, conflicts_with = "backend")]
    pub(crate) ambiguous: bool,
    #[command(flatten)]
    pub(crate) window: Window,
}

/// Arguments of `pin:rebind`.
#[derive(Args, Debug)]
pub(crate) struct PinRebindArgs {
    /// The login name
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The new owner: a backend id of the configuration, or local
    #[arg(value_name = "BACKEND", required_unless_present = "unowned", conflicts_with = "unowned")]
    pub(crate) backend: Option<String>,
    /// No owner: the first backend that accepts the name gets it
    #[arg(long = "nobody", visible_alias = "none")]
    pub(crate) unowned: bool,
}

const APP_DISABLE_HELP: &str = concat!(
    "\
Examples:
  occ app:disable password_policy

",
    exits!("the apps are off")
);

const APP_ENABLE_HELP: &str = concat!(
    "\
Examples:
  occ app:enable password_policy

",
    exits!("the apps are on")
);

const APP_GETPATH_HELP: &str = concat!(
    "\
Features of this software have no folder (exit code 1).

Examples:
  occ app:getpath notes

",
    exits!("printed")
);

const APP_LIST_HELP: &str = concat!(
    "\
Features of this software, and the apps in the folder apps_directory (ID/appinfo/info.xml).

Examples:
  occ app:list --output=json
  occ app:list --shipped=false --enabled

",
    exits!("listed")
);

const AUDIT_HELP: &str = concat!(
    "\
Oldest entry first. Times are in UTC.

Examples:
  occ audit:list --limit 20
  occ audit:list --about alice --output=json

",
    exits!("listed")
);

const FLUSH_HELP: &str = concat!(
    "\
Servers cache sign-ins for a while. They check the store before they use the cache, so this takes \
effect at once in all processes. Sessions do not end. With a user name, it also ends the lockout of \
that user.

Examples:
  occ cache:flush
  occ cache:flush alice

",
    exits!("cleared")
);

const STATS_HELP: &str = concat!(
    "\
Each running server reports every ten seconds; `told` is the time of the report. It contains no name \
and no password. Exit code 1 if no server runs on the store.

Examples:
  occ cache:stats
  occ cache:stats --output=json_pretty

",
    exits!("printed")
);

const ATTEMPTS_HELP: &str = concat!(
    "\
Failed sign-ins that still count (30 minutes, unless `throttle` in the configuration says otherwise), \
of all servers, including those before a restart. `delay` is the delay after the last one in \
milliseconds, `retry_after` the seconds left to wait. Servers write once a second.

Examples:
  occ security:bruteforce:attempts 203.0.113.7
  occ security:bruteforce:attempts 2001:db8::7 --output=json

",
    exits!("printed")
);

const FORGIVE_HELP: &str = concat!(
    "\
Takes effect before the next attempt, whether servers run or not. Lockouts of users stay: see \
occ help cache:flush.

Examples:
  occ security:bruteforce:reset 203.0.113.7

",
    exits!("reset")
);

const CONFIG_DELETE_HELP: &str = concat!(
    "\
Examples:
  occ config:app:delete password_policy minLength

",
    exits!("there is no such value any more")
);

const CONFIG_GET_HELP: &str = concat!(
    "\
Examples:
  occ config:app:get password_policy minLength --default-value=10

",
    exits!("printed")
);

const CONFIG_SET_HELP: &str = concat!(
    "\
A value whose name marks it as a secret is never taken from the command line.

Examples:
  occ config:app:set password_policy minLength --value=12
  pass show my-token | occ config:app:set my_app api_token --value-from-stdin

",
    exits!("set")
);

const CONFIG_LIST_HELP: &str = concat!(
    "\
Always JSON: the settings of the configuration file (system), and the values of apps. Secrets are hidden without --private.

Examples:
  occ config:list
  occ config:list system
  occ config:list password_policy

",
    exits!("listed")
);

const SYSTEM_GET_HELP: &str = concat!(
    "\
The settings: user_backends, resolver, server, store, mail, reset, frontends, lost_password_link. A list or a \
table is printed with everything in it.

Examples:
  occ config:system:get user_backends 0 host
  occ config:system:get resolver deadline --default-value=25s

",
    exits!("printed")
);

const SYSTEM_SET_HELP: &str = concat!(
    "\
A TOML or JSON file is changed in place; comments stay. A change that makes the configuration wrong is \
refused. A config.php is never written: the lines to put into it are printed (exit code 1). Running \
servers read the file again at SIGHUP.

Examples:
  occ config:system:set user_backends 0 timeout --value=10s
  occ config:system:set user_backends 0 domain --value='[\"example.com\"]' --type=json
  pass show smtp | occ config:system:set mail password --value-from-stdin

",
    exits!("set")
);

const SYSTEM_DELETE_HELP: &str = concat!(
    "\
Examples:
  occ config:system:delete user_backends 0 timeout

",
    exits!("deleted, or not there")
);

const IMPORT_HELP: &str = "\
The database that config.php names (SQLite, MySQL, MariaDB or PostgreSQL) is only read. Each user is \
imported completely or not at all: groups, groups they administer, quota, mail address, language, \
profile, whether they are disabled, last sign-in and password hash, so users sign in as before. Users \
of other backends keep them. App passwords cannot be imported: they are bound to a secret of the \
installation. Existing users are not changed, so an interrupted import continues when it is started \
again.

The dry run lists all users who would change, could not sign in, or belong to no backend. A file for \
--map decides about them, one user per line:
  alice       = \"mail\"                              # her backend here; \"local\" for none
  'CORP\\bob' = { id = \"bob\", backend = \"files\" }  # his id here
  carol       = false                               # not imported

Examples:
  occ import:nextcloud --config config/config.php
  occ import:nextcloud --config config/config.php --write
  occ import:nextcloud --from /var/www/nextcloud/config/config.php --backend 'mail.example.com=mail'
  occ import:nextcloud --config config/config.php --map decisions.toml

Exit codes:
  0  everything was, or would be, imported
  1  there are problems: they are listed, and the rest was, or would be, imported
  2  wrong command line or configuration, or a store that cannot be used
  3  a database is unavailable now";

const PIN_LIST_HELP: &str = concat!(
    "\
The first backend that accepts a name owns it; no other can accept it from then on. Users whose address \
--ambiguous lists type it in full: the bare name is another account's.

Examples:
  occ pin:list
  occ pin:list --ambiguous
  occ pin:list --backend mail --output=json

",
    exits!("listed")
);

const PIN_REBIND_HELP: &str = concat!(
    "\
Cached sign-ins end: the user signs in again. A user who leaves the backend local \
loses the local password.

Examples:
  occ pin:rebind alice mail
  occ pin:rebind alice --nobody

",
    exits!("the name belongs to that backend")
);
