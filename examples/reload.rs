//! Takes a changed configuration over at SIGHUP, without a restart.
//!
//! `cargo run --example reload user-backend.toml`, change the file, then `kill -HUP` the process.

use std::error::Error;
use std::path::Path;

use tokio::signal::unix::{SignalKind, signal};
use user_backend::{Config, Resolver};

/// Reads the file again.
///
/// A file with an error changes nothing: the backends that work go on working.
pub async fn reload(resolver: &Resolver, file: &Path) -> Result<String, Box<dyn Error>> {
    let config = Config::load(file)?;
    // Unchanged backends keep their cache, limits and connections; new ones first have to refuse a
    // canary user.
    let report = resolver.reload(&config).await?;
    let (kept, changed) = (report.kept.len(), report.changed.len());
    let (added, removed) = (report.added.len(), report.removed.len());
    Ok(format!("{kept} kept, {changed} changed, {added} added, {removed} removed"))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: reload CONFIG")?;
    let file = Path::new(&file);
    let resolver = Resolver::from_config(&Config::load(file)?)?;
    let mut hangups = signal(SignalKind::hangup())?;
    println!("kill -HUP {}", std::process::id());
    while hangups.recv().await.is_some() {
        // Clones of the resolver, in handlers and layers, see the new backends too.
        match reload(&resolver, file).await {
            Ok(summary) => println!("reloaded: {summary}"),
            Err(error) => eprintln!("not reloaded, the old backends stay: {error}"),
        }
    }
    Ok(())
}
