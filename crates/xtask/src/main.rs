//! Development commands: demo, tests, lints, benchmarks, test servers, password list.
//!
//! Each command prints what it installs, prints every step in one line, and
//! leaves the machine as it found it.

mod adversarial;
mod bench;
mod browser;
mod build_cost;
mod ci;
#[cfg(test)]
mod circles;
mod clients;
mod cluster;
mod common_passwords;
mod counts;
mod database;
mod demo;
mod demo_page;
mod demo_servers;
mod differential;
mod dist;
mod fuzz;
mod image;
#[cfg(test)]
mod imports;
mod library;
mod lint;
mod package;
mod performance;
mod prerequisites;
#[cfg(test)]
mod public_types;
mod rig;
#[cfg(test)]
mod security;
mod soak;
mod step;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Shows sign-ins against a real server of each class on this machine
    Demo(demo::Args),
    /// Compares sign-ins with those of the PHP app (nextcloud/user_external), where USER_EXTERNAL
    /// names it
    Differential(differential::Args),
    /// Checks everything: format, clippy, all tests with real servers, doc tests, the example
    Test(test::Args),
    /// Checks the code without running it: format, clippy, documentation, licences, banned crates,
    /// spelling
    Lint,
    /// Runs what CI runs; `--full` for all that there is, `--list` for the steps
    Ci(ci::Args),
    /// Builds Debian packages, an archive, bills of materials and checksums into target/dist
    Dist(dist::Args),
    /// Builds container images of what `dist` built, and starts them
    Image,
    /// Packs the published crates as for a release, and tests what was packed
    Package,
    /// Runs the adversarial tests (scripts, bad certificates, mutated dialogues, network faults)
    /// and prints figures
    #[command(alias = "hostile")]
    Adversarial(adversarial::Args),
    /// Runs the fuzz targets under libFuzzer; replays recorded inputs without a nightly toolchain
    Fuzz(fuzz::Args),
    /// Signs users in for minutes while servers are frozen, killed and restarted; counts wrong
    /// answers and leaks
    Soak(soak::Args),
    /// Runs two third-party client libraries of the API, in Python and Node, against the server
    Clients,
    /// Runs two and four servers on one PostgreSQL while parts of the site fail, and checks what
    /// every client was told
    Cluster(cluster::Args),
    /// Runs a benchmark and prints its table
    Bench(bench::Args),
    /// Counts instructions of a cached sign-in, an IMAP sign-in and a request, beside what is
    /// recorded
    Counts(counts::Args),
    /// Builds the list of common passwords that `password-policy` embeds, from its pinned source
    CommonPasswords(common_passwords::Args),
    /// Starts, stops and breaks the test servers
    Rig(rig::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Demo(args) => demo::run(&args),
        Command::Differential(args) => differential::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Lint => lint::run(),
        Command::Ci(args) => ci::run(&args),
        Command::Dist(args) => dist::run(&args),
        Command::Image => image::run(),
        Command::Package => package::run(),
        Command::Adversarial(args) => adversarial::run(&args),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::Soak(args) => soak::run(&args),
        Command::Clients => clients::run(),
        Command::Cluster(args) => cluster::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Counts(args) => counts::run(&args),
        Command::CommonPasswords(args) => common_passwords::run(&args),
        Command::Rig(args) => rig::run(&args),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
