//! The admin command line: users, groups, passwords, and the backends that check them.
//!
//! Why a program of its own: an operator at three in the morning needs one tool that distinguishes
//! a wrong password, a server that is down and a wrong setting, in words for people and in exit
//! codes for scripts.
//!
//! One file per group of commands; each command returns a `Output`, and only this file and `output`
//! write it.
//!
//! It is a library so that a program with more classes of backends is three lines: `occ::run` with
//! its own registry.
#![forbid(unsafe_code)]

mod app_config;
mod apps;
mod audit;
mod backend;
mod bruteforce;
mod cache;
mod cli;
mod completion;
mod config_file;
mod configured_backends;
mod exit;
mod group;
mod import;
mod installation;
mod listing;
mod logging;
mod mail_test;
mod output;
mod password;
mod pin;
mod progress;
mod signals;
mod store;
mod system_config;
mod time_format;
mod user;
mod user_import;

use std::process::ExitCode;

use cli::{BackendCommand, Cli, Command, Common, GeneralCommand, StoreCommand};
use exit::CliError;
use output::{Format, Output, StdoutGuard, eprintln_line};
use user_backend::ClassRegistry;

/// Runs the command line of this process with these backend classes.
///
/// Return the exit code from `main`.
///
/// Call it first in `main`: this process may be meant to be a helper of libsmbclient, which is
/// found out here.
///
/// # Example
/// ```no_run
/// # use std::process::ExitCode;
/// fn main() -> ExitCode {
///     occ::run(user_backend::ClassRegistry::standard())
/// }
/// ```
///
/// # Security
/// Programs that hold passwords should wipe freed memory, as `occ` does with the allocator of the
/// crate `zeroizing-alloc`.
pub fn run(registry: ClassRegistry) -> ExitCode {
    let from_env = password::leave_environment();
    // Before anything else: this process will hold passwords.
    if let Err(error) = user_backend::process::disable_core_dumps() {
        eprintln_line(&format!("occ: warning: core dumps cannot be switched off: {error}"));
    }
    match cli::parse(std::env::args_os()) {
        Ok(mut cli) => {
            cli.common.registry = registry;
            cli.common.from_env = from_env;
            start(cli)
        }
        Err(refused) => refused.print(),
    }
}

/// Runs one command until it ends or is stopped by a signal.
fn start(cli: Cli) -> ExitCode {
    let answers = StdoutGuard::keep();
    logging::start(cli.common.verbose, cli.common.log_format);
    let Cli { common, command } = cli;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return fail(
                &common,
                &answers,
                &CliError::new(format!("the system gives no event loop: {error}")),
            );
        }
    };
    let call = Call { common: &common, answers: &answers };
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            signal = signals::signalled() => Err(signal),
            result = run_command(call, command) => Ok(result),
        }
    });
    // Not waited for: a thread may sit at the prompt, or in a C library that waits for a dead
    // server.
    runtime.shutdown_background();
    match ended {
        Ok(Ok(reply)) if common.quiet => reply.exit.into(),
        Ok(Ok(reply)) => match output::write(&answers, &reply, common.output) {
            Ok(()) => reply.exit.into(),
            Err(failure) => fail(&common, &answers, &failure),
        },
        Ok(Err(failure)) => fail(&common, &answers, &store::placed(failure)),
        Err(signal) => signals::leave(signal),
    }
}

/// The context of a command: the options of all commands, and the output of long lists.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) common: &'a Common,
    pub(crate) answers: &'a StdoutGuard,
}

async fn run_command(call: Call<'_>, command: Command) -> Result<Output, CliError> {
    let common = call.common;
    match command {
        Command::Backend(BackendCommand::List(_)) => {
            backend::list::run(&configured_backends::load_any(common)?)
        }
        Command::Backend(BackendCommand::Check(args)) => {
            backend::check::run(&configured_backends::load_with_local(common).await?, &args).await
        }
        Command::Backend(BackendCommand::Login(args)) => backend::login::run(common, &args).await,
        Command::Backend(BackendCommand::Completion(args)) => Ok(completion::run(args.shell)),
        Command::Backend(BackendCommand::Manual) => manual(),
        Command::User(command) => user::run(call, command).await,
        Command::Group(command) => group::run(call, command).await,
        Command::Store(StoreCommand::AppDisable(args)) => apps::disable(call, &args).await,
        Command::Store(StoreCommand::AppEnable(args)) => apps::enable(call, &args).await,
        Command::Store(StoreCommand::AppGetPath(args)) => apps::path(call, &args.app).await,
        Command::Store(StoreCommand::AppList(args)) => apps::list(call, &args).await,
        Command::Store(StoreCommand::Audit(args)) => audit::list(call, &args).await,
        Command::Store(StoreCommand::BruteforceAttempts(args)) => bruteforce::attempts(call, &args).await,
        Command::Store(StoreCommand::BruteforceReset(args)) => bruteforce::reset(call, &args).await,
        Command::Store(StoreCommand::CacheFlush(args)) => cache::flush(call, &args).await,
        Command::Store(StoreCommand::CacheStats) => cache::stats(call).await,
        Command::Store(StoreCommand::ConfigDelete(args)) => app_config::delete(call, &args).await,
        Command::Store(StoreCommand::ConfigGet(args)) => app_config::get(call, &args).await,
        Command::Store(StoreCommand::ConfigList(args)) => app_config::list(call, &args).await,
        Command::Store(StoreCommand::ConfigSet(args)) => app_config::set(call, args).await,
        Command::Store(StoreCommand::SystemDelete(args)) => system_config::delete(common, &args),
        Command::Store(StoreCommand::SystemGet(args)) => system_config::get(common, &args),
        Command::Store(StoreCommand::SystemSet(args)) => system_config::set(common, args).await,
        Command::Store(StoreCommand::Import(args)) => import::run(call, &args).await,
        Command::Store(StoreCommand::PinList(args)) => pin::list(call, &args).await,
        Command::Store(StoreCommand::PinRebind(args)) => pin::rebind(call, &args).await,
        Command::General(command) => run_general(call, command).await,
    }
}

async fn run_general(call: Call<'_>, command: GeneralCommand) -> Result<Output, CliError> {
    const APPS: &str = "apps are folders in apps_directory";
    const CERTIFICATES: &str = "each backend names the certificates that it trusts (ca_file)";
    const SECOND_FACTOR: &str = "there is no second factor";
    let unsupported = |name, why| Err(installation::unsupported(name, why));
    match command {
        GeneralCommand::Check => installation::check(call).await,
        GeneralCommand::List(args) => installation::list(&args),
        GeneralCommand::MailTest(args) => mail_test::run(call, &args).await,
        GeneralCommand::Status(args) => installation::status(call, &args).await,
        GeneralCommand::UserImport(args) => user_import::run(call, &args).await,
        GeneralCommand::AppInstall(_) => unsupported("app:install", APPS),
        GeneralCommand::AppRemove(_) => unsupported("app:remove", APPS),
        GeneralCommand::AppUpdate(_) => unsupported("app:update", APPS),
        GeneralCommand::Certificates(_) => unsupported("security:certificates", CERTIFICATES),
        GeneralCommand::CertificatesImport(_) => unsupported("security:certificates:import", CERTIFICATES),
        GeneralCommand::CertificatesRemove(_) => unsupported("security:certificates:remove", CERTIFICATES),
        GeneralCommand::TwoFactorCleanup(_) => unsupported("twofactorauth:cleanup", SECOND_FACTOR),
        GeneralCommand::TwoFactorDisable(_) => unsupported("twofactorauth:disable", SECOND_FACTOR),
        GeneralCommand::TwoFactorEnable(_) => unsupported("twofactorauth:enable", SECOND_FACTOR),
        GeneralCommand::TwoFactorEnforce(_) => unsupported("twofactorauth:enforce", SECOND_FACTOR),
        GeneralCommand::TwoFactorState(_) => unsupported("twofactorauth:state", SECOND_FACTOR),
    }
}

/// Says why not.
///
/// A refusal is an answer: scripts that read JSON get it as JSON.
fn fail(common: &Common, answers: &StdoutGuard, failure: &CliError) -> ExitCode {
    if !failure.is_refusal() {
        eprintln_line(&format!("occ: {failure}"));
        return failure.exit().into();
    }
    let is_error_line = common.output == Format::Plain && !failure.is_for_output();
    if is_error_line || common.quiet {
        eprintln_line(&failure.to_string());
    } else if let Err(unwritten) = output::write(answers, &Output::refusal(failure), common.output) {
        eprintln_line(&format!("occ: {unwritten}"));
        return unwritten.exit().into();
    }
    failure.exit().into()
}

/// The manual page of the whole command line.
fn manual() -> Result<Output, CliError> {
    let mut page = Vec::new();
    match clap_mangen::Man::new(cli::command()).render(&mut page) {
        Ok(()) => {
            let plain = String::from_utf8_lossy(&page).into_owned();
            Ok(Output { plain, json: None, exit: exit::Exit::Fine })
        }
        Err(error) => Err(CliError::new(format!("the manual page cannot be written: {error}"))),
    }
}
