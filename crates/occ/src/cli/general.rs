//! Command line of `check`, `list`, `status`, `mail:test`, `user:import`, and of commands that are
//! not supported.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::exits;

/// The commands about the installation as a whole.
#[derive(Debug, Subcommand)]
pub(crate) enum GeneralCommand {
    /// Check the configuration and the store
    #[command(after_help = CHECK_HELP)]
    Check,
    /// List the commands
    #[command(after_help = LIST_HELP)]
    List(ListCommandsArgs),
    /// Send a test mail, and say what the mail server answers
    #[command(name = "mail:test", after_help = MAIL_TEST_HELP)]
    MailTest(MailTestArgs),
    /// Show the version, and whether the store is set up
    #[command(after_help = STATUS_HELP)]
    Status(StatusArgs),
    /// Create users from a CSV or JSON file
    #[command(name = "user:import", after_help = USER_IMPORT_HELP)]
    UserImport(UserImportArgs),
    /// Apps are folders in apps_directory
    #[command(name = "app:install", hide = true)]
    AppInstall(UnsupportedArgs),
    /// Apps are folders in apps_directory
    #[command(name = "app:remove", hide = true)]
    AppRemove(UnsupportedArgs),
    /// Apps are folders in apps_directory
    #[command(name = "app:update", hide = true)]
    AppUpdate(UnsupportedArgs),
    /// Each backend names the certificates that it trusts
    #[command(name = "security:certificates", hide = true)]
    Certificates(UnsupportedArgs),
    /// Each backend names the certificates that it trusts
    #[command(name = "security:certificates:import", hide = true)]
    CertificatesImport(UnsupportedArgs),
    /// Each backend names the certificates that it trusts
    #[command(name = "security:certificates:remove", hide = true)]
    CertificatesRemove(UnsupportedArgs),
    /// There is no second factor
    #[command(name = "twofactorauth:cleanup", hide = true)]
    TwoFactorCleanup(UnsupportedArgs),
    /// There is no second factor
    #[command(name = "twofactorauth:disable", hide = true)]
    TwoFactorDisable(UnsupportedArgs),
    /// There is no second factor
    #[command(name = "twofactorauth:enable", hide = true)]
    TwoFactorEnable(UnsupportedArgs),
    /// There is no second factor
    #[command(name = "twofactorauth:enforce", hide = true)]
    TwoFactorEnforce(UnsupportedArgs),
    /// There is no second factor
    #[command(name = "twofactorauth:state", hide = true)]
    TwoFactorState(UnsupportedArgs),
}

/// Any arguments.
#[derive(Args, Debug)]
pub(crate) struct UnsupportedArgs {
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    pub(crate) rest: Vec<OsString>,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub(crate) struct ListCommandsArgs {
    /// Only commands that begin with this word, such as user
    #[arg(value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Names and descriptions only
    #[arg(long)]
    pub(crate) raw: bool,
}

/// Arguments of `status`.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    /// Print nothing; exit code 0 if the store is set up
    #[arg(short, long)]
    pub(crate) exit_code: bool,
}

/// Arguments of `mail:test`.
#[derive(Args, Debug)]
pub(crate) struct MailTestArgs {
    /// The mail address
    #[arg(value_name = "ADDRESS")]
    pub(crate) address: String,
}

/// Arguments of `user:import`.
#[derive(Args, Debug)]
pub(crate) struct UserImportArgs {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// What the file is [default: by its name, which ends with .csv or .json]
    #[arg(long, value_enum, value_name = "FORM")]
    pub(crate) format: Option<ImportFormat>,
    /// Check every row, and create no user
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Send no welcome mails
    #[arg(long)]
    pub(crate) no_mail: bool,
}

/// What a file of users is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportFormat {
    /// A header line, and a line for each user
    Csv,
    /// A list of objects
    Json,
}

const CHECK_HELP: &str = concat!(
    "\
Prints nothing if all is well. For the backends there is backend:check.

Examples:
  occ check

",
    exits!("all is well")
);

const LIST_HELP: &str = concat!(
    "\
Examples:
  occ list
  occ list user
  occ list --raw
  occ list --output=json

",
    exits!("listed")
);

const STATUS_HELP: &str = concat!(
    "\
`version` is that of the provisioning API, for scripts of the PHP program; occ --version prints that of this program.

Examples:
  occ status
  occ status --output=json | jq .installed

",
    exits!("printed")
);

const MAIL_TEST_HELP: &str = concat!(
    "\
The mail goes to the server of the section [mail] at once, past the queue of other mails.

Examples:
  occ mail:test admin@example.com

",
    exits!("the mail server took the mail")
);

const USER_IMPORT_HELP: &str = "\
A CSV file has a header line with the names of its columns; separators are commas or semicolons. A JSON file is a list of \
objects. The fields:
  id (or userid, username)         the name to sign in with; required
  password                         must pass the password policy
  password_hash                    a hash that user:import takes over: Argon2, bcrypt, or of an existing installation
  display_name (or displayname)    what the user is called
  email                            counts as confirmed, unless another user has it
  groups, subadmin                 in CSV separated by | or ;, in JSON a list; created when they are missing
  quota, language                  such as 5 GB and de
  backend                          the backend that checks the password [default: local]
  enabled                          false: the user cannot sign in
A local user without a password and a hash gets a mail with a link to choose one.

Each user is created completely or not at all. Existing users are left as they are, so an interrupted import continues when it \
is started again. The report names the lines that were refused.

Examples:
  occ user:import people.csv --dry-run
  occ user:import people.json --output=json
  generate-people | occ user:import - --format=csv

Exit codes:
  0  every user is there
  1  rows were refused: they are listed, and the others were created
  2  wrong command line or configuration, a file that cannot be read, or a store that cannot be used
  3  the store is unavailable now";
