//! `cargo xtask soak`: sign-ins for a long time, while servers fail.
//!
//! Right and wrong passwords are sent to servers that are frozen, killed and restarted. At no time
//! may a wrong password be accepted or a user be refused with the right one; and at the end nothing
//! is left open and no more memory is used than at the beginning.
//!
//! `SOAK_SECONDS`, `SOAK_RATE` (attempts a second) and `SOAK_SEED` say how long, how many and which
//! ones; `SOAK_LANES` asks only those with this in their name.

// A broken test bench may stop the test.
#![allow(clippy::expect_used, clippy::panic)]

mod chaos;
mod metrics;
mod scenario;
mod tally;

use std::env;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};
use user_backend_tests::{Rig, Rng};

use chaos::Chaos;
use metrics::ProcessMetrics;
use scenario::{Person, Scenario};
use tally::Tally;

/// How many attempts may be under way at once.
const MOST: usize = 500;

/// How long servers may take to be well again.
const RECOVERY: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    user_backend::smb::run_helper_if_requested();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match runtime.expect("a runtime").block_on(soak()) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

async fn soak() -> bool {
    let number = |name, default| env::var(name).map_or(default, |text| text.parse().expect(name));
    let (seconds, rate): (u64, u64) = (number("SOAK_SECONDS", 60), number("SOAK_RATE", 50));
    let seed = number("SOAK_SEED", 2026);
    let rig = Rig::find().expect("a rig of its own: cargo xtask soak");
    let people = Arc::new(scenario::people(&rig));
    let mut scenarios = scenario::all(&rig).await;
    if let Ok(wanted) = env::var("SOAK_LANES") {
        scenarios.retain(|scenario| scenario.name.contains(&wanted));
    }
    let scenarios = Arc::new(scenarios);
    let mut load =
        Load { scenarios, people, rng: Rng::new(seed), running: JoinSet::new(), tally: Tally::default() };
    let mut metrics = ProcessMetrics::default();

    // All servers work: what is created once is created now.
    let calm = Duration::from_secs((seconds / 6).clamp(5, 60));
    load.run(calm, rate, &mut metrics).await;
    load.quiet().await;
    metrics.begin(seconds);
    let chaos = Chaos::start(rig.clone(), seed);
    let rest = Duration::from_secs(seconds).saturating_sub(2 * calm).max(calm);
    load.run(rest, rate, &mut metrics).await;
    let disturbances = chaos.end();
    load.run(calm, rate, &mut metrics).await;
    load.quiet().await;
    let recovered = load.recovered().await;
    load.quiet().await;
    // Prepared connections and idle helpers are given up in time.
    sleep(Duration::from_secs(if seconds < 300 { 5 } else { 45 })).await;
    metrics.end();
    load.tally.print(seconds, rate, seed, &disturbances, &metrics, &recovered)
}

/// All users who sign in, and the results.
struct Load {
    scenarios: Arc<Vec<Scenario>>,
    people: Arc<Vec<Person>>,
    rng: Rng,
    running: JoinSet<tally::Done>,
    tally: Tally,
}

impl Load {
    /// Signs users in at a fixed rate for a given time, however long each takes.
    async fn run(&mut self, time: Duration, rate: u64, metrics: &mut ProcessMetrics) {
        let end = Instant::now() + time;
        let mut ticks = interval(Duration::from_secs(1) / u32::try_from(rate).expect("a rate"));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        while Instant::now() < end {
            ticks.tick().await;
            while let Some(done) = self.running.try_join_next() {
                self.tally.add(done.expect("an attempt does not panic"));
            }
            metrics.sample();
            if self.running.len() < MOST {
                self.begin();
            } else {
                self.tally.held_back += 1;
            }
        }
    }

    fn begin(&mut self) {
        let scenario = self.rng.below(self.scenarios.len());
        let attempt = self.scenarios[scenario].attempt(&self.people, &mut self.rng);
        let scenarios = Arc::clone(&self.scenarios);
        self.running.spawn(async move { scenarios[scenario].ask(attempt).await });
    }

    /// Waits for all attempts.
    async fn quiet(&mut self) {
        while let Some(done) = self.running.join_next().await {
            self.tally.add(done.expect("an attempt does not panic"));
        }
    }

    /// Scenarios with a healthy server that give wrong answers or none in time.
    async fn recovered(&mut self) -> Vec<&'static str> {
        let mut ill = Vec::new();
        for (scenario, right) in
            (0..self.scenarios.len()).flat_map(|scenario| [(scenario, true), (scenario, false)])
        {
            let scenarios = Arc::clone(&self.scenarios);
            let Some(is_expected) = scenarios[scenario].when_well(right) else { continue };
            let well = timeout(RECOVERY, async {
                loop {
                    let attempt = scenarios[scenario].certain(&self.people, right, &mut self.rng);
                    let done = scenarios[scenario].ask(attempt).await;
                    let is_well = is_expected(&done.answer);
                    self.tally.add(done);
                    if is_well {
                        return;
                    }
                    sleep(Duration::from_millis(500)).await;
                }
            });
            if well.await.is_err() {
                ill.push(scenarios[scenario].name);
            }
        }
        ill
    }
}
