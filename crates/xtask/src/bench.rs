//! `cargo xtask bench`: runs a benchmark and prints the table it wrote.

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use serde_json::Value;

use crate::database::{POSTGRES, Server};
use crate::packages;
use crate::step::{self, Outcome, Steps};

/// `cargo xtask bench`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which one
    name: Name,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Name {
    /// The store with 10^5 users, on SQLite and PostgreSQL
    Accounts,
    /// Cost of a cached sign-in, and the influence of other load
    Cache,
    /// What the owner notices of a thousand guesses a second from a thousand sources
    Attack,
    /// The server under load: requests a second, latency, memory; `OCS_RUNS` and `OCS_SECONDS` (5
    /// each) say how often and how long, `OCS_GUESSES` (2000) how many wrong passwords
    Ocs,
    /// Cached answers of the frontends beside saslauthd, Dovecot and nginx; `OCS_RUNS` (7) says how
    /// many rounds
    Frontends,
}

impl Name {
    /// The crate, the benchmark in it, and the file in `target/bench` that it writes.
    const fn parts(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Accounts => ("accounts", "accounts", "accounts.json"),
            Self::Cache | Self::Attack => ("user-backend-bench", "cache", "cache.json"),
            Self::Ocs => ("user-backend-load", "", "ocs.json"),
            Self::Frontends => ("user-backend-load", "frontends", "frontends.json"),
        }
    }
}

/// Runs the benchmark and prints its table.
///
/// # Errors
///
/// The benchmark failed, or wrote no table or one that cannot be read.
pub(crate) fn run(args: &Args) -> Outcome {
    let (package, bench, file) = args.name.parts();
    let mut missing = packages::missing_libraries();
    match args.name {
        Name::Accounts => missing.extend(POSTGRES.missing()),
        Name::Ocs if !step::have("wrk") => missing.push("wrk".into()),
        Name::Frontends => missing.extend(packages::missing_peers()),
        Name::Cache | Name::Attack | Name::Ocs => {}
    }
    packages::install(&missing)?;
    // `target/bench` of the checkout, or of the folder that CARGO_TARGET_DIR names: the benchmark's
    // choice.
    let places = [step::root().join("target/bench").join(file), step::target().join("bench").join(file)];
    for old in places.iter().filter(|place| place.is_file()) {
        fs::remove_file(old)?;
    }
    if matches!(args.name, Name::Ocs | Name::Frontends) {
        load(package, bench, &places[1])?;
    } else {
        let mut bench = step::cargo(&["bench", "-p", package, "--bench", bench]);
        if matches!(args.name, Name::Attack) {
            bench.args(["--", "attack"]);
        }
        let server =
            matches!(args.name, Name::Accounts).then(|| Server::start(&POSTGRES, true)).transpose()?;
        bench.envs(server.as_ref().map(Server::variable));
        step::run(&mut bench)?;
    }
    let written = places.iter().find(|place| place.is_file());
    let path = written.ok_or_else(|| format!("the benchmark wrote no {}", places[0].display()))?;
    let text = fs::read_to_string(path)?;
    let rows =
        serde_json::from_str::<Value>(&text).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = rows.as_array().ok_or_else(|| format!("{}: expected a list", path.display()))?;
    print!("\n{}", table(rows));
    Ok(())
}

/// The same as a step of CI.
pub(crate) fn step(steps: &mut Steps, step: &'static str, name: Name) {
    steps.run(step, "a benchmark and its table", || run(&Args { name }));
}

/// Builds the measured programs in release mode, each alone. So none gets features that only
/// another one needs.
fn load(package: &str, part: &str, out: &Path) -> Outcome {
    let helper = ["user-backend-smb-helper", "--features", "smb"];
    for package in [&["user-backend-server"][..], &["occ"], &helper, &[package]] {
        step::run(step::cargo(&["build", "--release", "-p"]).args(package))?;
    }
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    let built = step::target().join("release");
    let mut measure = step::program(built.join(package));
    measure.env("OCS_SERVER", built.join("user-backend-server")).env("OCS_OCC", built.join("occ"));
    measure.args(Some(part).filter(|part| !part.is_empty()));
    step::run(measure.env("OCS_OUT", out))
}

fn table(rows: &[Value]) -> String {
    let mut lines =
        vec![["what", "ours", "compared with", "ratio", "goal", "met", "runs"].map(str::to_owned)];
    lines.extend(rows.iter().map(|row| {
        let compared = ["floor", "peer"].iter().find(|key| !row[**key].is_null());
        let compared = compared.map_or_else(String::new, |key| format!("{key} {}", cell(&row[*key])));
        let [what, ours, ratio, goal, met, runs] =
            ["what", "ours", "ratio", "goal", "met", "runs"].map(|key| cell(&row[key]));
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

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(met) => if *met { "yes" } else { "NO" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(cell).collect::<Vec<_>>().join(" "),
        Value::Number(number) => match number.as_f64() {
            Some(large) if large >= 100.0 => format!("{large:.0}"),
            Some(small) if number.is_f64() => format!("{small:.2}"),
            _ => number.to_string(),
        },
        Value::Object(_) => value.to_string(),
    }
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
