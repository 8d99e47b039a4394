//! `cargo xtask bench cache`: the cost of the resolver's cache, and attacks on it.
//!
//! Each is compared with a baseline or a peer.
//!
//! The machine is rarely quiet. What is compared runs in turns of a fraction of a millisecond, so
//! that both sides see the same noise, and a figure is the median of many turns. Ratios are what
//! counts. Nothing is measured once and called a figure.

mod attack;
mod chain;
mod hit;
mod measure;
mod memory;
mod neighbours;

use std::fs;
use std::path::{Path, PathBuf};

use measure::Row;
use user_backend_bench::Result;

fn main() -> Result {
    // Cargo says `--bench` when it benches and nothing when it only tests whether this starts.
    let rows = if std::env::args().any(|argument| argument == "--bench") { all()? } else { Vec::new() };
    let dir = target_dir()?.join("bench");
    fs::create_dir_all(&dir)?;
    let rows: Vec<_> = rows.iter().map(Row::to_json).collect();
    fs::write(dir.join("cache.json"), serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

type Part = fn() -> Result<Vec<Row>>;

/// All rows, or those of the parts that are named after `--`.
fn all() -> Result<Vec<Row>> {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let parts: [(&str, Part); 6] = [
        ("hit", hit::rows),
        ("chain", chain::rows),
        ("attacker", neighbours::attacker),
        ("attack", attack::rows),
        ("dead", neighbours::dead_backend),
        ("memory", memory::rows),
    ];
    let mut rows = Vec::new();
    for (name, part) in parts {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            for row in part()? {
                eprintln!("{row}");
                rows.push(row);
            }
        }
    }
    Ok(rows)
}

/// The directory this program was built into.
fn target_dir() -> Result<PathBuf> {
    let program = std::env::current_exe()?;
    let target = program.ancestors().find(|path| path.join("CACHEDIR.TAG").exists()).map(Path::to_owned);
    target.ok_or_else(|| "this program was not built by cargo".into())
}
