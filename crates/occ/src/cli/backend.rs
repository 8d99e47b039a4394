//! Command line of `backend:…` and `completion`.

use clap::{Args, Subcommand};
use clap_complete::Shell;

use super::Password;

/// The commands `backend:…` and `completion`.
#[derive(Debug, Subcommand)]
pub(crate) enum BackendCommand {
    /// Show the backends of the configuration in their order
    #[command(name = "backend:list", after_help = LIST_HELP)]
    List(ListArgs),
    /// Reach each backend, look at its certificate, and see that it refuses a stranger
    #[command(name = "backend:check", after_help = CHECK_HELP)]
    Check(CheckArgs),
    /// Try whether a name and a password sign in, and see how that was decided
    #[command(name = "backend:login", after_help = LOGIN_HELP)]
    Login(LoginArgs),
    /// Print a shell completion script
    #[command(after_help = COMPLETION_HELP)]
    Completion(CompletionArgs),
    /// Print the manual page, in roff
    #[command(hide = true)]
    Manual,
}

/// Arguments of `backend:list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {}

/// Arguments of `backend:check`.
#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    /// The backends to check [default: all]
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
    /// Do not offer a person who does not exist: one failed login less in the servers' logs
    #[arg(long)]
    pub(crate) no_canary: bool,
}

/// Arguments of `backend:login`.
#[derive(Args, Debug)]
pub(crate) struct LoginArgs {
    /// The login name, as the person types it
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) password: Password,
    /// Show for each backend how the decision was made
    #[arg(long)]
    pub(crate) explain: bool,
    /// Ask this backend and no other
    #[arg(long, value_name = "ID")]
    pub(crate) backend: Option<String>,
    /// Ask the running server, at the socket of [frontends.occ]: its cache, pins and limits hold
    #[arg(long, conflicts_with_all = ["explain", "backend"])]
    pub(crate) server: bool,
    /// With --server: the address of the client, for the limit per source
    #[arg(long, value_name = "IP", requires = "server")]
    pub(crate) source: Option<std::net::IpAddr>,
    /// With --server: the service that asks, for the log
    #[arg(long, value_name = "NAME", requires = "server")]
    pub(crate) service: Option<String>,
}

/// Arguments of `completion`.
#[derive(Args, Debug)]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

const LIST_HELP: &str = "\
Reads the configuration only; no server is contacted.

Examples:
  occ backend:list
  occ backend:list --config /etc/user-backend/user-backend.toml --output=json_pretty

Exit codes:
  0  the configuration is right
  2  wrong command line or configuration";

const CHECK_HELP: &str = "\
Two checks per backend: does the server answer (address, connection, TLS, certificate, capabilities), \
and does it refuse a random name with a random password (canary)? Reports certificates that expire \
within 14 days. Backends are checked in parallel. No user signs in, so a missing share is not noticed: \
for that, try backend:login.

Examples:
  occ backend:check
  occ backend:check mail files --no-canary
  occ backend:check --output=json | jq '.backends[] | select(.state != \"ok\")'

Exit codes:
  0  all are fine
  2  a backend is misconfigured or accepts any login, or the command line or configuration is wrong
  3  otherwise: a backend is unavailable or does not speak its protocol";

const LOGIN_HELP: &str = "\
Prompts for the password without echo. It is never taken from the command line, where every user of \
the machine could read it. NC_PASS and OC_PASS are removed from the environment before any server is \
asked.

Each call starts without cache, pins and budgets of a running server, and a wrong password counts at \
every server that is asked, each time. With --server the running server is asked instead, as scripts and \
pam_exec should: it also takes app passwords.

Examples:
  occ backend:login alice
  occ backend:login alice@example.com --explain
  OC_PASS=\"$password\" occ backend:login alice --password-from-env --output=json
  pass show alice | occ backend:login alice --password-from-stdin
  occ backend:login \"$PAM_USER\" --server --password-from-stdin --quiet

Exit codes:
  0  authenticated
  1  refused
  2  wrong command line or configuration; a server's host does not exist
  3  unavailable: a server cannot be asked now; this says nothing about the password
  4  throttled: too many wrong passwords before; this says nothing about this one";

const COMPLETION_HELP: &str = "\
Examples:
  occ completion bash > /etc/bash_completion.d/occ
  source <(occ completion bash)
  occ completion zsh > \"${fpath[1]}/_occ\"
  occ completion fish > ~/.config/fish/completions/occ.fish";
