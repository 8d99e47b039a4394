//! What fails, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use user_backend_tests::Rng;
use user_backend_tests::valkey_server::ValkeyServer;

use crate::Outcome;
use crate::site::Site;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    Freeze,
    CutOff,
    RestartPostgres,
    FirstBackendDown,
    CutOffFromValkey,
    ValkeyEmptied,
    ValkeyFrozen,
    ValkeyKilled,
}

const FAULTS: [(Fault, &str); 5] = [
    (Fault::Kill, "killed"),
    (Fault::Freeze, "frozen"),
    (Fault::CutOff, "cut off"),
    (Fault::RestartPostgres, "PostgreSQL restarted"),
    (Fault::FirstBackendDown, "backend down"),
];

/// Those of a site with Valkey, besides.
const VALKEY_FAULTS: [(Fault, &str); 2] =
    [(Fault::CutOffFromValkey, "cut off from Valkey"), (Fault::ValkeyFrozen, "Valkey frozen")];

/// Those after which Valkey does not count for the rest of the time: only in the second half.
const VALKEY_LOSSES: [(Fault, &str); 2] =
    [(Fault::ValkeyEmptied, "Valkey emptied"), (Fault::ValkeyKilled, "Valkey killed")];

/// Causes one fault after another for this long; says how many of each.
pub(crate) async fn run(site: &Arc<Site>, time: Duration, seed: u64) -> Outcome<String> {
    let mut rng = Rng::new(seed.wrapping_mul(1_000) + 7);
    let began = Instant::now();
    let mut counts = BTreeMap::new();
    let mut faults = FAULTS.to_vec();
    faults.extend(VALKEY_FAULTS.iter().filter(|_| site.programs.has_valkey));
    let mut scripts = None;
    while began.elapsed() < time {
        if site.programs.has_valkey && scripts.is_none() && began.elapsed() > time / 2 {
            scripts = Some(valkey_scripts(site));
            faults.extend(VALKEY_LOSSES);
        }
        pause(&mut rng, 200, 1_500).await;
        let (fault, name) = rng.pick(&faults);
        *counts.entry(*name).or_insert(0_u32) += 1;
        let server = rng.pick(&site.servers);
        match fault {
            Fault::Kill => {
                server.kill();
                pause(&mut rng, 100, 1_000).await;
                server.spawn()?;
                server.wait_until_ready().await?;
            }
            Fault::Freeze => {
                server.freeze(true);
                pause(&mut rng, 100, 3_000).await;
                server.freeze(false);
            }
            Fault::CutOff => {
                server.cut_off(true);
                pause(&mut rng, 100, 3_000).await;
                server.cut_off(false);
            }
            Fault::RestartPostgres => {
                let done = Command::new("bash").arg(&site.programs.postgres_restart).output().await?;
                if !done.status.success() {
                    let text = String::from_utf8_lossy(&done.stderr).into_owned();
                    return Err(format!("PostgreSQL does not start again: {text}").into());
                }
            }
            Fault::FirstBackendDown => {
                let [first, _] = &site.upstreams;
                first.set_down(true);
                pause(&mut rng, 200, 2_000).await;
                first.set_down(false);
            }
            Fault::CutOffFromValkey => {
                server.cut_off_from_valkey(true);
                pause(&mut rng, 100, 3_000).await;
                server.cut_off_from_valkey(false);
            }
            Fault::ValkeyEmptied => site.on_valkey(|valkey| drop(valkey.command(&["FLUSHALL"]))),
            Fault::ValkeyFrozen => {
                site.on_valkey(|valkey| valkey.freeze(true));
                pause(&mut rng, 100, 3_000).await;
                site.on_valkey(|valkey| valkey.freeze(false));
            }
            Fault::ValkeyKilled => {
                site.on_valkey(ValkeyServer::kill);
                pause(&mut rng, 100, 3_000).await;
                site.on_valkey(ValkeyServer::spawn);
            }
        }
    }
    let mut counts: Vec<_> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    counts.extend(scripts.map(|scripts| format!("{scripts} scripts in Valkey in the first half")));
    Ok(counts.join(", "))
}

/// How many reservations and answers Valkey has counted.
fn valkey_scripts(site: &Site) -> u64 {
    let mut calls = 0;
    site.on_valkey(|valkey| {
        let stats = valkey.command(&["INFO", "commandstats"]);
        let line = stats.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        calls = line.and_then(|line| line.split(',').next()?.parse().ok()).unwrap_or_default();
    });
    calls
}

async fn pause(rng: &mut Rng, from: u64, to: usize) {
    sleep(Duration::from_millis(from + u64::try_from(rng.below(to)).unwrap_or_default())).await;
}
