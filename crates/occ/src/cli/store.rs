//! The words of the commands about everything else in the store: apps, configuration, pins, memories, the audit log.

use std::path::PathBuf;

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
    AppEnable(AppsArg),
    /// List the apps: those that are on, and those that are off
    #[command(name = "app:list", after_help = APP_LIST_HELP)]
    AppList,
    /// Show who did what to whom
    #[command(name = "audit:list", after_help = AUDIT_HELP)]
    Audit(AuditArgs),
    /// Let all servers forget who signed in, so that everybody is checked anew
    #[command(name = "cache:flush", after_help = FLUSH_HELP)]
    CacheFlush(FlushArgs),
    /// Show what running servers remember of sign-ins
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
    /// Take over users, groups and password hashes from an existing installation
    #[command(name = "import:nextcloud", after_help = IMPORT_HELP)]
    Import(ImportArgs),
    /// List which name belongs to which backend
    #[command(name = "pin:list", after_help = PIN_LIST_HELP)]
    PinList(PinListArgs),
    /// Give a name to another backend
    #[command(name = "pin:rebind", after_help = PIN_REBIND_HELP)]
    PinRebind(PinRebindArgs),
    /// Show failed sign-ins from an address
    #[command(name = "security:bruteforce:attempts", after_help = ATTEMPTS_HELP)]
    BruteforceAttempts(AddressArg),
    /// Forgive failed sign-ins from an address
    #[command(name = "security:bruteforce:reset", after_help = FORGIVE_HELP)]
    BruteforceReset(AddressArg),
}

/// An address.
#[derive(Args, Debug)]
pub(crate) struct AddressArg {
    /// The address; IPv6 addresses of one /64 are one place
    #[arg(value_name = "IP")]
    pub(crate) address: String,
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
    /// The latest so many lines
    #[arg(short, long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Only lines about this user, group or app
    #[arg(long, value_name = "NAME")]
    pub(crate) about: Option<String>,
}

/// Arguments of `cache:flush`.
#[derive(Args, Debug)]
pub(crate) struct FlushArgs {
    /// Forget this user only
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
    /// It is an error when there is nothing to delete
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
    /// What to answer when nothing is set
    #[arg(long, value_name = "TEXT")]
    pub(crate) default_value: Option<String>,
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
    #[arg(long, value_name = "TEXT", required_unless_present = "value_from_stdin")]
    pub(crate) value: Option<String>,
    /// Take the value from the first line of standard input: for secrets
    #[arg(long, conflicts_with = "value")]
    pub(crate) value_from_stdin: bool,
    /// Change what is set, and set nothing new
    #[arg(long)]
    pub(crate) update_only: bool,
}

/// Arguments of `config:list`.
#[derive(Args, Debug)]
pub(crate) struct ConfigListArgs {
    /// The app [default: all]
    #[arg(value_name = "APP")]
    pub(crate) app: Option<String>,
    /// Show secrets too
    #[arg(long)]
    pub(crate) private: bool,
}

/// Arguments of `import:nextcloud`.
#[derive(Args, Debug)]
pub(crate) struct ImportArgs {
    /// The config.php of the installation [default: the configuration itself]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
    /// Do it; without this, only tell what would be done
    #[arg(long)]
    pub(crate) write: bool,
    /// Which backend here has the people of which backend there. Can be given several times
    #[arg(long = "backend", value_name = "THERE=ID")]
    pub(crate) backends: Vec<String>,
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
    /// The backend that alone may answer for it from now on: an id of the configuration, or local
    #[arg(value_name = "BACKEND", required_unless_present = "nobody", conflicts_with = "nobody")]
    pub(crate) backend: Option<String>,
    /// The first backend that accepts the name gets it
    #[arg(long)]
    pub(crate) nobody: bool,
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

const APP_LIST_HELP: &str = concat!(
    "\
Features of this software, and what lies in the folder apps_directory (ID/appinfo/info.xml), as the server has it.

Examples:
  occ app:list --output=json

",
    exits!("listed")
);

const AUDIT_HELP: &str = concat!(
    "\
The oldest of the lines first. Times are in UTC.

Examples:
  occ audit:list --limit 20
  occ audit:list --about alice --output=json

",
    exits!("listed")
);

const FLUSH_HELP: &str = concat!(
    "\
A server remembers for a while who signed in with which password. It asks the store before it believes \
its memory, so this takes effect at once in all processes. Nobody's session ends. For one user, wrong \
passwords in a row are forgiven too.

Examples:
  occ cache:flush
  occ cache:flush alice

",
    exits!("forgotten")
);

const STATS_HELP: &str = concat!(
    "\
Each running server writes down every ten seconds what it remembers; `told` is when. No name and no \
password is among it. When no server runs on the store, the answer is exit code 1.

Examples:
  occ cache:stats
  occ cache:stats --output=json_pretty

",
    exits!("told")
);

const ATTEMPTS_HELP: &str = concat!(
    "\
Failed sign-ins that still count (30 minutes, unless `throttle` in the configuration says otherwise), \
over all servers and since before their last start. `delay` is the pause behind the last one in \
milliseconds, `retry_after` how many seconds of waiting are left. Servers write once a second.

Examples:
  occ security:bruteforce:attempts 203.0.113.7
  occ security:bruteforce:attempts 2001:db8::7 --output=json

",
    exits!("told")
);

const FORGIVE_HELP: &str = concat!(
    "\
Running servers forgive before the next attempt, and it does not matter whether one runs. What counts \
at one user stays: see occ help cache:flush.

Examples:
  occ security:bruteforce:reset 203.0.113.7

",
    exits!("forgiven")
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
    exits!("told")
);

const CONFIG_SET_HELP: &str = concat!(
    "\
A value whose name says that it is a secret is never taken from the command line.

Examples:
  occ config:app:set password_policy minLength --value=12
  pass show my-token | occ config:app:set my_app api_token --value-from-stdin

",
    exits!("set")
);

const CONFIG_LIST_HELP: &str = concat!(
    "\
Always JSON. Values whose names say that they are secrets are left out without --private.

Examples:
  occ config:list
  occ config:list password_policy

",
    exits!("listed")
);

const IMPORT_HELP: &str = "\
The database that the config.php names (SQLite, MySQL, MariaDB or PostgreSQL) is only read. Each user \
comes whole or not at all: with groups, groups they administer, quota, mail address, language, profile, \
whether they are disabled, when they signed in last, and the password hash, so that everybody signs in \
as before. Users of other backends keep theirs. App passwords cannot be taken over: they are bound to a \
secret of that installation. Who is there already is left alone, so an import that was interrupted goes on where it was \
when it is started again.

Examples:
  occ import:nextcloud --config config/config.php
  occ import:nextcloud --config config/config.php --write
  occ import:nextcloud --from /var/www/nextcloud/config/config.php --backend 'mail.example.com=mail'

Exit codes:
  0  everything was, or would be, taken over
  1  there are problems: they are told, and the rest was, or would be, taken over
  2  wrong command line or configuration, or a store that cannot be used
  3  a database is unavailable now";

const PIN_LIST_HELP: &str = concat!(
    "\
The first backend that accepts a name owns it; no other may answer for it from then on. Users whose address \
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
What was proved before counts no more: the person signs in anew. Somebody who leaves the backend local \
leaves the local password behind.

Examples:
  occ pin:rebind alice mail
  occ pin:rebind alice --nobody

",
    exits!("the name belongs to that backend")
);
