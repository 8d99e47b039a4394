//! The command line: words, options, help. The words are an interface.

use std::path::PathBuf;

use clap::{ColorChoice, Parser, Subcommand};
use clap_complete::Shell;

use super::log::{LogFormat, LogLevel};

/// The user provisioning API as a server
#[derive(Debug, Parser)]
#[command(
    name = "user-backend-server",
    version,
    color = ColorChoice::Never,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = GENERAL_HELP
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve until a signal ends it
    #[command(after_help = SERVE_HELP)]
    Serve {
        /// The configuration: TOML, JSON or config.php
        #[arg(long, env = "USER_BACKEND_CONFIG", value_name = "FILE", default_value = "user-backend.toml")]
        config: PathBuf,
        /// Log level: error, warn, info, debug or trace; or per part: info,accounts=debug
        #[arg(long, value_name = "LEVEL")]
        log_level: Option<LogLevel>,
        /// How log lines look
        #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
        log_format: LogFormat,
        /// The same as --log-format json
        #[arg(long, hide = true, conflicts_with = "log_format")]
        log_json: bool,
    },
    /// Write a configuration to start from, and create the first administrator
    #[command(after_help = INIT_HELP)]
    Init {
        /// The configuration to write; one that is there stays as it is
        #[arg(long, env = "USER_BACKEND_CONFIG", value_name = "FILE", default_value = "user-backend.toml")]
        config: PathBuf,
        /// The name of the first administrator
        #[arg(long, value_name = "NAME", default_value = "admin")]
        admin: String,
        /// Take the password from the environment: NC_PASS, or else OC_PASS
        #[arg(long)]
        password_from_env: bool,
        /// Take the password from the first line of standard input
        #[arg(long, conflicts_with = "password_from_env")]
        password_from_stdin: bool,
        /// Generate a password and print it, this once
        #[arg(long, conflicts_with_all = ["password_from_env", "password_from_stdin"])]
        generate_password: bool,
        /// Do nothing if there is an administrator
        #[arg(long)]
        if_needed: bool,
    },
    /// Print the manual page, in roff
    #[command(hide = true)]
    Manual,
    /// Print a script that completes commands and options in a shell
    Completion {
        /// The shell
        shell: Shell,
    },
}

const GENERAL_HELP: &str = "\
Examples:
  user-backend-server init
  user-backend-server serve
  curl -u admin -H 'OCS-APIRequest: true' http://127.0.0.1:8080/ocs/v1.php/cloud/users";

const SERVE_HELP: &str = "\
SIGTERM and Ctrl-C end the server: it takes no new connections and lets requests under way end.
SIGHUP reads the configuration and the certificate again; settings that count from the next start
only are named in the log. systemd is told when the server is ready, reloads and ends (Type=notify).

The log goes to standard error. Its level is info unless --log-level or the variable RUST_LOG says
otherwise; the option counts if both do. Parts are user_backend_server, user_backend, accounts,
password_policy and audit. Failed sign-ins and backends that are away are warnings. From debug on,
lines have names as they were typed, which may be passwords in the wrong field.

Examples:
  user-backend-server serve
  user-backend-server serve --config /etc/user-backend/user-backend.toml --log-format json
  user-backend-server serve --log-level warn,audit=info

Exit codes:
  0  ended by a signal
  1  it could not start, or the listener broke
  2  wrong command line or configuration";

const INIT_HELP: &str = "\
The password is asked for at the terminal and not shown. It is never taken from the command line,
where anyone on the machine could read it.

Examples:
  user-backend-server init
  user-backend-server init --config /etc/user-backend/user-backend.toml --admin anna
  pass show cloud/admin | user-backend-server init --password-from-stdin
  user-backend-server init --if-needed --generate-password     at each start of a container

Exit codes:
  0  done
  1  the administrator could not be created
  2  wrong command line or configuration";
