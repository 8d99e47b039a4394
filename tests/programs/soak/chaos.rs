//! Freezes, kills and restarts servers, in an order that the seed decides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use user_backend_tests::{Rig, Rng};

const SERVERS: [&str; 3] = ["imap", "ftp", "smb"];

/// The disturbance, and what ends it.
const DISTURBANCES: [(&str, &str); 3] = [("pause", "resume"), ("kill", "start"), ("stop", "start")];

/// Causes faults until it is stopped.
pub(crate) struct Chaos {
    over: Arc<AtomicBool>,
    thread: JoinHandle<BTreeMap<String, u64>>,
}

impl Chaos {
    pub(crate) fn start(rig: Rig, seed: u64) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&over);
        let thread = thread::spawn(move || {
            let (mut rng, mut counts) = (Rng::new(!seed), BTreeMap::new());
            while !stop.load(Ordering::Acquire) {
                let (server, (verb, mend)) = (*rng.pick(&SERVERS), *rng.pick(&DISTURBANCES));
                // Two at once, now and then.
                let other = (rng.below(4) == 0).then(|| *rng.pick(&SERVERS)).filter(|other| *other != server);
                eprintln!("    {verb} {server} {}", other.unwrap_or_default());
                for server in [Some(server), other].into_iter().flatten() {
                    if rig.order(verb, server) {
                        *counts.entry(verb.to_owned()).or_default() += 1;
                    }
                }
                rest(&stop, Duration::from_millis(500 + u64::try_from(rng.below(3000)).unwrap_or_default()));
                for server in [Some(server), other].into_iter().flatten() {
                    rig.order(mend, server);
                }
                rest(&stop, Duration::from_millis(1000 + u64::try_from(rng.below(4000)).unwrap_or_default()));
            }
            // A loaded machine may need a second try.
            while !SERVERS.into_iter().all(|server| rig.order("start", server)) {}
            counts
        });
        Self { over, thread }
    }

    /// Repairs everything and returns the number of each fault.
    pub(crate) fn end(self) -> BTreeMap<String, u64> {
        self.over.store(true, Ordering::Release);
        self.thread.join().expect("the one who disturbs")
    }
}

fn rest(over: &AtomicBool, time: Duration) {
    let end = Instant::now() + time;
    while Instant::now() < end && !over.load(Ordering::Acquire) {
        thread::sleep(Duration::from_millis(50));
    }
}
