//! What fails, and when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::process::Command;
use tokio::time::sleep;

use user_backend_tests::Rng;

use crate::Outcome;
use crate::site::Site;

#[derive(Clone, Copy, Debug)]
enum Fault {
    Kill,
    Freeze,
    CutOff,
    RestartPostgres,
    FirstBackendDown,
}

const FAULTS: [(Fault, &str); 5] = [
    (Fault::Kill, "killed"),
    (Fault::Freeze, "frozen"),
    (Fault::CutOff, "cut off"),
    (Fault::RestartPostgres, "PostgreSQL restarted"),
    (Fault::FirstBackendDown, "backend down"),
];

/// Causes one fault after another for this long; says how many of each.
pub(crate) async fn run(site: &Arc<Site>, time: Duration, seed: u64) -> Outcome<String> {
    let mut rng = Rng::new(seed.wrapping_mul(1_000) + 7);
    let began = Instant::now();
    let mut counts = BTreeMap::new();
    while began.elapsed() < time {
        pause(&mut rng, 200, 1_500).await;
        let (fault, name) = rng.pick(&FAULTS);
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
        }
    }
    let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
    Ok(counts.join(", "))
}

async fn pause(rng: &mut Rng, from: u64, to: usize) {
    sleep(Duration::from_millis(from + u64::try_from(rng.below(to)).unwrap_or_default())).await;
}
