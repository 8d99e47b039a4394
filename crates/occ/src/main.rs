//! The admin command line: see what is configured, check that it works, try a sign-in.
//!
//! Why a program of its own: whoever runs a server at three in the morning needs one tool that tells apart a wrong
//! password, a server that is down and a wrong setting, in words for people and in exit codes for scripts.
//!
//! One file per group of commands; each command returns a [`Reply`](output::Reply), and only this file and `output`
//! write it.
#![forbid(unsafe_code)]

mod backend;
mod cli;
mod completion;
mod config;
mod exit;
mod logging;
mod output;
mod password;
mod stop;

use std::process::ExitCode;

use cli::{Cli, Command};
use exit::{Exit, Failure};
use output::{Answers, Reply, complain};

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(cli) => start(cli),
        Err(refused) => refused.print(),
    }
}

/// Runs one command until it ends or somebody stops it.
fn start(cli: Cli) -> ExitCode {
    if matches!(&cli.command, Command::BackendLogin(args) if args.password_from_env) {
        // First of all: does not return when it works.
        password::leave_environment();
    }
    let answers = Answers::keep();
    logging::start(cli.common.verbose);
    let format = cli.common.output;
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&Failure::new(format!("the system gives no event loop: {error}"))),
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            biased;
            signal = stop::signalled() => Err(signal),
            result = run(cli) => Ok(result),
        }
    });
    // Not waited for: a thread may sit at the prompt, or in a C library that waits for a dead server.
    runtime.shutdown_background();
    match ended {
        Ok(Ok(reply)) => match output::write(&answers, &reply, format) {
            Ok(()) => reply.exit.into(),
            Err(failure) => fail(&failure),
        },
        Ok(Err(failure)) => fail(&failure),
        Err(signal) => stop::leave(signal),
    }
}

async fn run(cli: Cli) -> Result<Reply, Failure> {
    let common = &cli.common;
    match cli.command {
        Command::BackendList(_) => backend::list::run(&config::load(common)?),
        Command::BackendCheck(args) => backend::check::run(&config::load(common)?, &args).await,
        Command::BackendLogin(args) => backend::login::run(common, &args).await,
        Command::Completion(args) => Ok(completion::run(args.shell)),
    }
}

fn fail(failure: &Failure) -> ExitCode {
    complain(&format!("occ: {failure}"));
    Exit::Usage.into()
}
