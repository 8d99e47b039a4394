//! Command line of `user:…`.

use accounts::Expiry;
use clap::{ArgGroup, Args, Subcommand};

use super::{Password, Window, exits};
use crate::time_format;

/// The commands `user:…`.
#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// Create a user whose password is kept here
    #[command(name = "user:add", after_help = ADD_HELP)]
    Add(AddArgs),
    /// Create an app password or a service token for a user
    #[command(name = "user:auth-tokens:add", alias = "user:add-app-password", after_help = TOKEN_ADD_HELP)]
    TokenAdd(TokenAddArgs),
    /// Revoke app passwords and service tokens of a user
    #[command(name = "user:auth-tokens:delete", after_help = TOKEN_DELETE_HELP)]
    TokenDelete(TokenDeleteArgs),
    /// List the app passwords and service tokens of a user
    #[command(name = "user:auth-tokens:list", after_help = TOKEN_LIST_HELP)]
    TokenList(UserArg),
    /// Delete a user with everything that belongs to them
    #[command(name = "user:delete", after_help = DELETE_HELP)]
    Delete(DeleteArgs),
    /// Disable a user, and end their sessions
    #[command(name = "user:disable", after_help = DISABLE_HELP)]
    Disable(UserArg),
    /// Let a disabled user sign in again
    #[command(name = "user:enable", after_help = ENABLE_HELP)]
    Enable(UserArg),
    /// Show a user
    #[command(name = "user:info", after_help = INFO_HELP)]
    Info(UserArg),
    /// Show when a user last signed in
    #[command(name = "user:lastseen", after_help = LASTSEEN_HELP)]
    LastSeen(LastSeenArgs),
    /// List the users
    #[command(name = "user:list", after_help = LIST_HELP)]
    List(ListArgs),
    /// Count the users, by backend and in all
    #[command(name = "user:report", after_help = REPORT_HELP)]
    Report(ReportArgs),
    /// Set a user's password: the old one ends everywhere, with all sessions
    #[command(name = "user:resetpassword", after_help = RESET_HELP)]
    ResetPassword(ResetArgs),
    /// Read or change settings of a user
    #[command(name = "user:setting", after_help = SETTING_HELP)]
    Setting(SettingArgs),
    /// Lift the ban of a name that user:delete --ban left
    #[command(name = "user:unban", after_help = UNBAN_HELP)]
    Unban(UserArg),
    /// Send the welcome mail to a user
    #[command(name = "user:welcome", after_help = WELCOME_HELP)]
    Welcome(WelcomeArgs),
    /// Read or change the profile of a user
    #[command(name = "user:profile", after_help = PROFILE_HELP)]
    Profile(ProfileArgs),
    /// There are no avatars here
    #[command(name = "user:clear-avatar-cache", hide = true)]
    ClearAvatarCache,
    /// Users have no keys here
    #[command(name = "user:keys:verify", hide = true)]
    VerifyKeys(KeysArgs),
    /// Backends keep no second copy of account data here
    #[command(name = "user:sync-account-data", hide = true)]
    SyncAccountData(SyncArgs),
}

/// One user.
#[derive(Args, Debug)]
pub(crate) struct UserArg {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
}

/// Arguments of `user:add`.
#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    /// The id of the new user: a-z, A-Z, 0-9, blank, and _.@-'
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) password: Password,
    /// Set a random password that is not shown: the user chooses one with the link in the welcome
    /// mail
    #[arg(long, conflicts_with_all = ["password_from_env", "password_from_stdin"])]
    pub(crate) generate_password: bool,
    /// Display name of the user
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
    /// A group to join; created when it is missing. Can be given several times
    #[arg(short, long = "group", value_name = "GROUP")]
    pub(crate) groups: Vec<String>,
    /// The mail address
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) email: Option<String>,
}

/// Arguments of `user:lastseen`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("whom").required(true).args(["user", "all"])))]
pub(crate) struct LastSeenArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: Option<String>,
    /// All users
    #[arg(long)]
    pub(crate) all: bool,
}

/// Arguments of `user:list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) window: Window,
    /// Show details of each
    #[arg(short, long)]
    pub(crate) info: bool,
    /// Only disabled users
    #[arg(short, long)]
    pub(crate) disabled: bool,
    /// Only users whose mail address is not confirmed
    #[arg(long)]
    pub(crate) unconfirmed: bool,
}

/// Arguments of `user:resetpassword`.
#[derive(Args, Debug)]
pub(crate) struct ResetArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    #[command(flatten)]
    pub(crate) password: Password,
    /// Set nothing: mail the user a link with which they choose a new password themselves
    #[arg(long, conflicts_with_all = ["password_from_env", "password_from_stdin"])]
    pub(crate) send_email: bool,
}

/// Arguments of `user:setting`.
#[derive(Args, Debug)]
pub(crate) struct SettingArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// The app [default: all]
    #[arg(value_name = "APP")]
    pub(crate) app: Option<String>,
    /// The setting [default: all of the app]
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The new value
    #[arg(value_name = "VALUE", conflicts_with_all = ["default_value", "delete"])]
    pub(crate) value: Option<String>,
    /// A user who does not exist has no settings, and that is no error
    #[arg(long)]
    pub(crate) ignore_missing_user: bool,
    /// Value to print if nothing is set
    #[arg(long, value_name = "TEXT", requires = "key")]
    pub(crate) default_value: Option<String>,
    /// Change what is set, and set nothing new
    #[arg(long, requires = "value")]
    pub(crate) update_only: bool,
    /// Delete the setting
    #[arg(long, requires = "key", conflicts_with = "default_value")]
    pub(crate) delete: bool,
    /// Fail if there is nothing to delete
    #[arg(long, requires = "delete")]
    pub(crate) error_if_not_exists: bool,
}

/// Arguments of `user:report`.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// No effect: user directories are always counted
    #[arg(long, hide = true)]
    pub(crate) count_dirs: bool,
}

/// Arguments of `user:profile`.
#[derive(Args, Debug)]
pub(crate) struct ProfileArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// The property, such as website [default: all]
    #[arg(value_name = "KEY")]
    pub(crate) key: Option<String>,
    /// The new value
    #[arg(value_name = "VALUE", conflicts_with_all = ["default_value", "delete"])]
    pub(crate) value: Option<String>,
    /// Value to print if nothing is set
    #[arg(long, value_name = "TEXT", requires = "key")]
    pub(crate) default_value: Option<String>,
    /// Change what is set, and set nothing new
    #[arg(long, requires = "value")]
    pub(crate) update_only: bool,
    /// Delete the property
    #[arg(long, requires = "key", conflicts_with = "default_value")]
    pub(crate) delete: bool,
    /// Fail if there is nothing to delete
    #[arg(long, requires = "delete")]
    pub(crate) error_if_not_exists: bool,
}

/// Arguments of `user:keys:verify`.
#[derive(Args, Debug)]
pub(crate) struct KeysArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// No effect
    #[arg(long)]
    pub(crate) update: bool,
}

/// Arguments of `user:sync-account-data`.
#[derive(Args, Debug)]
pub(crate) struct SyncArgs {
    #[command(flatten)]
    pub(crate) window: Window,
}

/// Arguments of `user:delete`.
#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// Ban the name too: no backend signs it in until user:unban
    #[arg(long)]
    pub(crate) ban: bool,
}

/// Arguments of `user:welcome`.
#[derive(Args, Debug)]
pub(crate) struct WelcomeArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// With a link to choose a password
    #[arg(short, long)]
    pub(crate) reset_password: bool,
}

/// Arguments of `user:auth-tokens:add`.
#[derive(Args, Debug)]
pub(crate) struct TokenAddArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// Name, so that its owner recognises it
    #[arg(long, value_name = "NAME", default_value = "cli")]
    pub(crate) name: String,
    /// Create a service token with this scope; can be repeated
    #[arg(long, value_name = "SCOPE")]
    pub(crate) scope: Vec<String>,
    /// Let the service token work from this address or network only; can be repeated
    #[arg(long, value_name = "CIDR", requires = "scope")]
    pub(crate) from: Vec<String>,
    /// When it ends: a day such as 2027-01-31 (UTC), or a time from now such as 90d or 12h
    /// [default: never]
    #[arg(long, value_name = "DATE|DURATION", value_parser = time_format::end)]
    pub(crate) expires: Option<Expiry>,
}

/// Arguments of `user:auth-tokens:delete`.
#[derive(Args, Debug)]
#[command(group(ArgGroup::new("which").required(true).args(["id", "all"])))]
pub(crate) struct TokenDeleteArgs {
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
    /// The number of the app password or service token, as in the list
    #[arg(value_name = "ID")]
    pub(crate) id: Option<i64>,
    /// All app passwords and service tokens of this user
    #[arg(long)]
    pub(crate) all: bool,
}

const ADD_HELP: &str = concat!(
    "\
Prompts for the password twice, without echo. It is never taken from the command line and must pass \
the password policy. The user is created completely or not at all.

Examples:
  occ user:add alice --display-name \"Alice Liddell\" --group staff --email alice@example.com
  occ user:add alice --email alice@example.com --generate-password
  OC_PASS=\"$password\" occ user:add alice --password-from-env

",
    exits!("the user was created")
);

const DELETE_HELP: &str = concat!(
    "\
Also deletes sessions, app passwords and settings. The last enabled administrator cannot be deleted.
A user whose password another backend checks gets a new account at the next sign-in, unless the name is banned.

Examples:
  occ user:delete alice
  occ user:delete alice@example.com --ban

",
    exits!("the user was deleted")
);

const UNBAN_HELP: &str = concat!(
    "\
Examples:
  occ user:unban alice@example.com

",
    exits!("the name is free again")
);

const DISABLE_HELP: &str = concat!(
    "\
The last enabled administrator cannot be disabled.

Examples:
  occ user:disable alice

",
    exits!("the user is disabled")
);

const ENABLE_HELP: &str = concat!(
    "\
Examples:
  occ user:enable alice

",
    exits!("the user is enabled")
);

const INFO_HELP: &str = concat!(
    "\
Examples:
  occ user:info alice
  occ user:info alice --output=json | jq .groups

",
    exits!("printed")
);

const LASTSEEN_HELP: &str = concat!(
    "\
Times are in UTC.

Examples:
  occ user:lastseen alice
  occ user:lastseen --all

",
    exits!("printed")
);

const LIST_HELP: &str = concat!(
    "\
Sorted by name. Long lists are streamed.

Examples:
  occ user:list
  occ user:list --limit 100 --offset 200
  occ user:list --info --output=json_pretty
  occ user:list --unconfirmed --info

",
    exits!("listed")
);

const REPORT_HELP: &str = concat!(
    "\
\"user directories\" counts the users who signed in at least once; \"active users\" those of them who are \
enabled.

Examples:
  occ user:report
  occ user:report --output=json

",
    exits!("counted")
);

const RESET_HELP: &str = concat!(
    "\
Prompts for the new password twice, without echo. It is never taken from the command line and must \
pass the password policy. When the command returns, the old password is refused everywhere, and the \
user's sessions and reset links have ended.

The password of a user of a mail, file or FTP server is kept there and cannot be set \
here.

sudo removes variables from the environment; --preserve-env=OC_PASS keeps this one.

Examples:
  occ user:resetpassword alice
  sudo -u www-data occ user:resetpassword admin
  OC_PASS=\"$password\" occ user:resetpassword alice --password-from-env
  occ user:resetpassword alice --send-email

",
    exits!("the password is set, or the mail is queued")
);

const SETTING_HELP: &str = concat!(
    "\
These settings are fields of the user's record: settings email, settings display_name, files quota, \
core lang, core locale. A mail address that is set here counts as confirmed, unless another user has \
confirmed it or has it as the user id; the answer says so then.

Examples:
  occ user:setting alice
  occ user:setting alice settings email alice@example.com
  occ user:setting alice files quota \"5 GB\"
  occ user:setting alice core lang --default-value=en
  occ user:setting alice files_sharing default_accept --delete

",
    exits!("printed, set or deleted")
);

const PROFILE_HELP: &str = concat!(
    "\
The properties: displayname, email, phone (+49 …), address, website, twitter, bluesky, fediverse, organisation, role, \
headline, biography, profile_enabled (0 or 1), pronouns, birthdate.

Examples:
  occ user:profile alice
  occ user:profile alice website https://alice.example.com
  occ user:profile alice role --delete

",
    exits!("printed, set or deleted")
);

const WELCOME_HELP: &str = concat!(
    "\
Queues the mail; the server sends it, at the latest when it is started again. Without a mail server in the section [mail] \
of the configuration it is refused.

Examples:
  occ user:welcome alice
  occ user:welcome alice --reset-password

",
    exits!("the mail is queued")
);

const TOKEN_ADD_HELP: &str = concat!(
    "\
The token is shown only once. Without --scope it is an app password for one device or program, used \
instead of the password. With --scope it is a service token for automation, limited to its scopes and \
to the rights of this user. A user has at most 100 of both together.

Scopes: users:read, users:write, users:credentials, groups:read, groups:write, frontend:NAME; and apps and \
admin, for members of the group admin only. No scope includes another.

A service token ends when its user is deleted, disabled, leaves the group admin or no longer administers a group.

Examples:
  occ user:auth-tokens:add alice --name \"phone\"
  occ user:auth-tokens:add alice --output=json | jq -r .token
  occ user:auth-tokens:add root --name \"nightly report\" --scope users:read --scope groups:read \\
      --from 10.0.0.0/8 --expires 365d

",
    exits!("created")
);

const TOKEN_DELETE_HELP: &str = concat!(
    "\
Examples:
  occ user:auth-tokens:delete alice 3
  occ user:auth-tokens:delete alice --all

",
    exits!("revoked")
);

const TOKEN_LIST_HELP: &str = concat!(
    "\
Examples:
  occ user:auth-tokens:list alice

",
    exits!("listed")
);
