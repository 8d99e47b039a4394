//! `cargo xtask bench build`: what the library costs to build, beside the crates of an HTTPS server.

use std::fs;

use serde_json::{Value, json};

use crate::step::{self, Outcome};

/// The library with its default features, and what most programs that speak HTTPS build anyway.
const PROGRAMS: [(&str, &str); 2] = [
    ("library", "user-backend = { path = \"ROOT/crates/user-backend\", features = [\"ring\"] }\n"),
    (
        "https",
        "hyper-util = { version = \"0.1\", default-features = false, features = [\"http1\", \"server\", \"tokio\"] }\n\
         tokio-rustls = { version = \"0.26\", default-features = false, features = [\"ring\", \"tls12\", \"logging\"] }\n",
    ),
];

/// At most so many times the processor time of the other crates.
const GOAL: f64 = 2.0;

/// Builds both from nothing, in debug mode.
///
/// # Errors
/// One does not build.
pub(crate) fn rows() -> Outcome<Vec<Value>> {
    let mut seconds = Vec::new();
    for (name, dependencies) in PROGRAMS {
        let folder = step::target().join("bench/build").join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(folder.join("src"))?;
        fs::write(folder.join("src/lib.rs"), "")?;
        let dependencies = dependencies.replace("ROOT", &step::root().display().to_string());
        let manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
             [profile.dev]\ndebug = \"line-tables-only\"\n[dependencies]\n{dependencies}"
        );
        fs::write(folder.join("Cargo.toml"), manifest)?;
        // The same versions, and nothing to download.
        fs::copy(step::root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
        let mut build = step::cargo(&["build", "--quiet", "--offline"]);
        build.current_dir(&folder).env("CARGO_TARGET_DIR", folder.join("target"));
        let before = of_children()?;
        step::run(&mut build)?;
        seconds.push(((of_children()? - before) * 10.0).round() / 10.0);
        fs::remove_dir_all(&folder)?;
    }
    let [ours, peer] = seconds[..] else { return Err("two programs are built".into()) };
    Ok(vec![json!({
        "what": "debug build of the library beside hyper-util and tokio-rustls, processor time in s",
        "ours": ours, "peer": peer, "ratio": ours / peer, "goal": format!("ratio <= {GOAL}"),
        "met": ours / peer <= GOAL, "runs": 1,
    })])
}

/// Seconds of processor of all programs that this one started and that ended (proc(5)).
fn of_children() -> Outcome<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().skip(13).take(2));
    let ticks = fields.map(|ticks| ticks.map(str::parse::<f64>).sum::<Result<f64, _>>());
    // The kernel counts a hundred in a second.
    Ok(ticks.ok_or("/proc/self/stat is not as proc(5) says")?? / 100.0)
}
