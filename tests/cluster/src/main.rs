//! `cargo xtask cluster`: several servers on one PostgreSQL, while parts of the site fail.
//!
//! Clients sign in, guess, change passwords, disable, promote and wipe, at servers with addresses
//! of their own and through nginx. Meanwhile servers are killed, frozen and cut off from the
//! database, and the database is restarted. With `--valkey`, so is the Valkey in which they count.
//! Every answer, with its time, goes into a history; at the end it is checked against three
//! sentences (see [`history`]).

mod client;
mod faults;
mod history;
mod site;
mod upstream;
mod workers;

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use history::History;
use site::{Programs, Site};

/// The result of everything here; the error is one plain sentence.
type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn setting<T: std::str::FromStr>(name: &str, default: T) -> Outcome<T> {
    match env::var(name) {
        Ok(text) => text.parse().map_err(|_| format!("{name}: expected a number, found {text:?}").into()),
        Err(_) => Ok(default),
    }
}

/// Runs the cluster once for each number of servers; whether no sentence was violated.
async fn run() -> Outcome<bool> {
    let path = |name: &str| env::var_os(name).map(PathBuf::from).ok_or_else(|| format!("{name} is not set"));
    let programs = Programs {
        server: path("CLUSTER_SERVER")?,
        occ: path("CLUSTER_OCC")?,
        postgres_socket: path("CLUSTER_POSTGRES_SOCKET")?,
        postgres_restart: path("CLUSTER_POSTGRES_RESTART")?,
        has_valkey: setting("CLUSTER_VALKEY", 0_u8)? != 0,
    };
    let seconds = setting("CLUSTER_SECONDS", 60)?;
    let seed = setting("CLUSTER_SEED", 1_u64)?;
    let mut is_clean = true;
    for servers in [2, 4] {
        let counts = if programs.has_valkey { ", with Valkey" } else { "" };
        println!("==> {servers} servers{counts}, {seconds} s, seed {seed}");
        is_clean &= one_run(&programs, servers, Duration::from_secs(seconds), seed).await?;
    }
    println!("==> requests a second, without faults");
    for servers in [1, 2, 4] {
        let site = Site::start(&programs, servers, 1_000 + u64::from(servers)).await?;
        let rate = workers::rate(&site, Duration::from_secs(5)).await?;
        println!("    {servers} servers: {rate:.0}");
        site.stop().await;
    }
    Ok(is_clean)
}

async fn one_run(programs: &Programs, servers: u8, time: Duration, seed: u64) -> Outcome<bool> {
    let site = Arc::new(Site::start(programs, servers, seed).await?);
    let history = Arc::new(History::default());
    let mut tasks = workers::start(&site, &history, seed).await?;
    let faults = faults::run(&site, time, seed).await?;
    site.finish();
    while let Some(ended) = tasks.join_next().await {
        ended??;
    }
    let report = history.check(&site.upstream_events());
    println!("    faults: {faults}");
    print!("{report}");
    let is_clean = report.violations.is_empty();
    if let Some(site) = Arc::into_inner(site) {
        site.stop().await;
    }
    Ok(is_clean)
}
