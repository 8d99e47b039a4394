//! `cargo xtask bench`: runs a benchmark and prints the table it wrote.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde_json::Value;

use crate::database::{POSTGRES, Server};
use crate::performance::{self, Part, cell};
use crate::rig::Rig;
use crate::step::{self, Outcome, StepLog};
use crate::test::on_rig;
use crate::{build_cost, clients, differential, prerequisites};

/// `cargo xtask bench`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    ///
    /// All but `accounts`, `attack`, `build` and `cache` read from the environment how often they measure
    /// (`OCS_RUNS`: 7 for programs in turns, 5 for the server), for how many seconds (`OCS_SECONDS`: 5
    /// for HTTP; sign-ins always 1), and how many wrong passwords they try
    /// (`OCS_GUESSES`: 2000).
    name: Name,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// Sign-ins at Dovecot beside a bare socket, PHP, Python and curl
    Imap,
    /// Sign-ins at vsftpd beside a bare socket, PHP and Python
    Ftp,
    /// Sign-ins at Samba beside smbclient and Python
    Smb,
    /// Sign-ins at Apache, OpenLDAP, Postfix, OpenSSH and Prosody beside curl, ldapwhoami, sshpass
    /// and Python
    Classes,
    /// HTTP Basic answered from memory, beside axum and nginx
    Http,
    /// Cached answers of the frontends beside saslauthd, Dovecot and nginx
    Frontends,
    /// Cost of a cached sign-in, and the influence of other load
    Cache,
    /// The store with 10^5 users, on SQLite and PostgreSQL
    Accounts,
    /// A debug build of the library from nothing, beside that of hyper-util and tokio-rustls
    Build,
    /// The server under load: requests a second, latency, memory, time of refusals
    Ocs,
    /// Server time of every page with 10^5 users, on SQLite and PostgreSQL
    Pages,
    /// The server with 10^6 users (`GROWTH_USERS`) beside 10^3, two servers, imports; takes half an hour
    /// and is no part of `all`
    Growth,
    /// What the owner notices of a thousand guesses a second from a thousand sources
    Attack,
    /// All of them; writes docs/performance.md
    All,
    /// None: writes docs/performance.md from the last figures of each in target/bench
    Report,
}

impl Name {
    /// What it is called on the command line, and its file in `target/bench`.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What it measures.
    fn what(self) -> String {
        let help = self.to_possible_value().and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// Its part of the page.
    fn part(self, rows: Vec<Value>) -> Part {
        Part { name: self.name(), what: self.what(), rows }
    }

    /// The crate, and the benchmark in it.
    const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::Accounts => ("accounts", "accounts"),
            Self::Cache | Self::Attack => ("user-backend-bench", "cache"),
            Self::Imap => (LOAD, "imap"),
            Self::Ftp => (LOAD, "ftp"),
            Self::Smb => (LOAD, "smb"),
            Self::Classes => (LOAD, "classes"),
            Self::Http => (LOAD, "http"),
            Self::Frontends => (LOAD, "frontends"),
            Self::Pages => (LOAD, "pages"),
            Self::Growth => (LOAD, "growth"),
            Self::Ocs | Self::Build | Self::All | Self::Report => (LOAD, ""),
        }
    }

    /// The file that the benchmark writes.
    fn file(self) -> String {
        if self == Self::Attack { "cache.json".into() } else { format!("{}.json", self.name()) }
    }
}

/// Variables that make a run shorter or longer.
const LENGTHS: [&str; 3] = ["OCS_RUNS", "OCS_SECONDS", "OCS_GUESSES"];

/// The crate of what is measured from outside.
const LOAD: &str = "user-backend-load";

/// Runs a benchmark, or all of them, and prints the tables.
///
/// # Errors
///
/// The benchmark failed, or wrote no table or one that cannot be read.
pub(crate) fn run(args: &Args) -> Outcome {
    // `attack` is a part of `cache`, and `growth` takes as long as all others.
    let is_part = |name: &&Name| !matches!(name, Name::All | Name::Attack | Name::Growth | Name::Report);
    let names = Name::value_variants().iter().filter(is_part);
    let names: Vec<Name> = names.copied().collect();
    match args.name {
        Name::All => {}
        Name::Report => return report(&names),
        name => {
            let rows = measure(name)?;
            print!("\n{}", table(&rows));
            return Ok(());
        }
    }
    let mut steps = StepLog::default();
    let mut parts = Vec::new();
    for name in names.iter().copied() {
        let step: &'static str = Box::leak(name.name().into_boxed_str());
        let rows = steps.run(step, &name.what(), || measure(name));
        parts.extend(rows.map(|rows| name.part(rows)));
    }
    for Part { name, rows, .. } in &parts {
        print!("\n{name}\n{}", table(rows));
    }
    if parts.len() < names.len() {
        steps.skip("page", "a benchmark failed, and the page has them all");
    } else if let Some(name) = LENGTHS.iter().find(|name| env::var_os(name).is_some()) {
        steps.skip("page", &format!("it has only figures of runs of the usual length, and {name} is set"));
    } else {
        steps.run("page", "docs/performance.md", || performance::write(&parts));
    }
    steps.finish()
}

/// Writes the page from what was measured before.
fn report(names: &[Name]) -> Outcome {
    let mut parts = Vec::new();
    for name in names {
        let path = step::target().join("bench").join(name.file());
        if path.is_file() {
            parts.push(name.part(rows(&path)?));
        } else {
            eprintln!("not measured, and not on the page: {} ({} is missing)", name.name(), path.display());
        }
    }
    performance::write(&parts)
}

/// The rows that a benchmark wrote.
fn rows(path: &Path) -> Outcome<Vec<Value>> {
    let rows = serde_json::from_str::<Value>(&fs::read_to_string(path)?)
        .map_err(|error| format!("{}: {error}", path.display()))?;
    match rows {
        Value::Array(rows) => Ok(rows),
        _ => Err(format!("{}: expected a list", path.display()).into()),
    }
}

/// Runs a benchmark and returns its rows.
fn measure(name: Name) -> Outcome<Vec<Value>> {
    if name == Name::Build {
        let rows = build_cost::rows()?;
        fs::write(step::target().join("bench").join(name.file()), serde_json::to_vec_pretty(&rows)?)?;
        return Ok(rows);
    }
    let (package, bench) = name.parts();
    let file = name.file();
    let rig = Rig::new(false);
    let mut missing = prerequisites::missing_libraries();
    match name {
        Name::Accounts | Name::Pages => missing.extend(POSTGRES.missing()),
        Name::Growth => {
            missing.extend(POSTGRES.missing());
            missing.extend((!step::have("wrk")).then(|| "wrk".into()));
        }
        Name::Ocs if !step::have("wrk") => missing.push("wrk".into()),
        Name::Http => {
            missing.extend(prerequisites::missing_web_peer());
            missing.extend((!step::have("wrk")).then(|| "wrk".into()));
        }
        Name::Frontends => missing.extend(prerequisites::missing_peers()),
        Name::Imap | Name::Ftp | Name::Smb | Name::Classes => {
            missing.extend(rig.missing()?);
            missing.extend(differential::missing());
            missing.extend(prerequisites::missing_clients());
            missing.extend(prerequisites::missing_servers());
            missing.extend(clients::missing_python());
        }
        Name::Cache | Name::Attack | Name::Ocs | Name::Build | Name::All | Name::Report => {}
    }
    prerequisites::install(&missing)?;
    // `target/bench` of the checkout, or of the folder that CARGO_TARGET_DIR names: the benchmark's
    // choice.
    let places = [step::root().join("target/bench").join(&file), step::target().join("bench").join(&file)];
    for old in places.iter().filter(|place| place.is_file()) {
        fs::remove_file(old)?;
    }
    if package == LOAD {
        let mut variables = Vec::new();
        let mut guard = None;
        if matches!(name, Name::Imap | Name::Ftp | Name::Smb | Name::Classes) {
            let wanted = step::root().join("tests/load/src/peers/requirements.txt");
            let python = clients::python("bench-python", &wanted)?;
            guard = Some(rig.up()?);
            variables = rig.env()?;
            variables.push(("PEERS_PYTHON".into(), python.display().to_string()));
        }
        let built = build()?;
        let is_with_store = matches!(name, Name::Pages | Name::Growth);
        let server = is_with_store.then(|| Server::start(&POSTGRES, true)).transpose()?;
        variables.extend(server.as_ref().map(Server::variable));
        load(&built, bench, &places[1], &variables)?;
        drop((guard, server));
    } else {
        let mut bench = step::cargo(&["bench", "-p", package, "--bench", bench]);
        if matches!(name, Name::Attack) {
            bench.args(["--", "attack"]);
        }
        let server = matches!(name, Name::Accounts).then(|| Server::start(&POSTGRES, true)).transpose()?;
        bench.envs(server.as_ref().map(Server::variable));
        step::run(&mut bench)?;
    }
    let written = places.iter().find(|place| place.is_file());
    let path = written.ok_or_else(|| format!("the benchmark wrote no {}", places[0].display()))?;
    rows(path)
}

/// The same as a step of CI.
pub(crate) fn step(steps: &mut StepLog, step: &'static str, name: Name) {
    steps.run(step, "a benchmark and its table", || run(&Args { name }));
}

/// Builds the measured programs in release mode, each alone. So none gets features that only
/// another one needs.
fn build() -> Outcome<PathBuf> {
    let helper = ["user-backend-smb-helper", "--features", "smb"];
    for package in [&["user-backend-server"][..], &["occ"], &helper, &[LOAD]] {
        step::run(step::cargo(&["build", "--release", "-p"]).args(package))?;
    }
    Ok(step::target().join("release"))
}

fn load(built: &Path, part: &str, out: &Path, variables: &[(String, String)]) -> Outcome {
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut measure = step::program(built.join(LOAD));
    on_rig(&mut measure, variables);
    measure.env("OCS_SERVER", built.join("user-backend-server")).env("OCS_OCC", built.join("occ"));
    measure.args(Some(part).filter(|part| !part.is_empty()));
    step::run(measure.env("OCS_OUT", out))
}

/// Text of a table.
fn table(rows: &[Value]) -> String {
    let mut lines =
        vec![["what", "ours", "compared with", "ratio", "goal", "met", "runs"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let compared = ["floor", "peer"].iter().find(|key| !row[**key].is_null());
        let compared = compared.map_or_else(|| details(row), |key| format!("{key} {}", cell(&row[*key])));
        let [what, mut ours, ratio, goal, met, runs] =
            ["what", "ours", "ratio", "goal", "met", "runs"].map(|key| cell(&row[key]));
        if !row["per_second"].is_null() {
            ours = format!("{}/s", cell(&row["per_second"]));
        }
        [what, ours, compared, ratio, goal, met, runs]
    }));
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; 7] = std::array::from_fn(width);
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Times, processor time and memory of one program.
fn details(row: &Value) -> String {
    let keys = [
        ("p50_ms", "ms p50"),
        ("p99_ms", "ms p99"),
        ("cpu_ms", "ms CPU"),
        ("cpu_us", "µs CPU"),
        ("peak_mib", "MiB"),
    ];
    let found = keys.iter().filter(|(key, _)| !row[*key].is_null());
    found.map(|(key, unit)| format!("{} {unit}", cell(&row[*key]))).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up() {
        let rows = serde_json::json!([
            { "what": "hit", "ours": 310.4, "floor": 250.49, "ratio": 1.24, "goal": "<= 1.5", "met": true, "runs": [300, 310] },
            { "what": "hit, 2 threads", "ours": "0.4 µs", "peer": "2 µs", "ratio": 0.2, "goal": 1.7, "met": false, "runs": 5 },
        ]);
        let expected = "\
what            ours    compared with  ratio  goal    met  runs
hit             310     floor 250      1.24   <= 1.5  yes  300 310
hit, 2 threads  0.4 µs  peer 2 µs      0.20   1.70    NO   5
";
        assert_eq!(table(rows.as_array().unwrap()), expected);
    }
}
