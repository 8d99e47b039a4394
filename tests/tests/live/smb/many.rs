//! Concurrent logins: no response may reach the wrong login, and nothing may leak.

use std::sync::Arc;
use std::time::Duration;

use user_backend_tests::rig::Rig;

use super::{EVERY_WAY, SANE, backend, outcome, password};

/// How many logins at each way: few in every run, `MANY_LOGINS=2000` for a long one.
fn logins() -> usize {
    std::env::var("MANY_LOGINS").ok().and_then(|number| number.parse().ok()).unwrap_or(120)
}

const SIDE_BY_SIDE: usize = 8;

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_answer_reaches_the_wrong_question() {
    let Some(rig) = Rig::find() else { return };
    let logins = logins();
    for how in EVERY_WAY {
        let backend = Arc::new(backend(&rig, SANE, how));
        let users = ["alice", "bob", "carol", "erin"].map(|user| (user, password(&rig, user)));
        // One login each before counting: the first opens what stays open.
        for (user, right) in &users {
            assert_eq!(outcome(&backend, user, right).await, format!("yes {user}"));
        }
        let (files, started) = (open_files(), std::time::Instant::now());
        let mut tasks = Vec::new();
        for lane in 0..SIDE_BY_SIDE {
            let (backend, users) = (Arc::clone(&backend), users.clone());
            tasks.push(tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                for number in 0..logins / SIDE_BY_SIDE {
                    let (user, right) = &users[(lane + number) % users.len()];
                    let is_wrong = (lane * 7 + number) % 3 == 0;
                    // Another user's right password is the most dangerous wrong answer.
                    let (_, other) = &users[(lane + number + 1) % users.len()];
                    let began = std::time::Instant::now();
                    let answer = outcome(&backend, user, if is_wrong { other } else { right }).await;
                    slowest = slowest.max(began.elapsed());
                    let expected =
                        if is_wrong { "bad_credentials".to_owned() } else { format!("yes {user}") };
                    assert_eq!(answer, expected, "lane {lane}, login {number}");
                    if number % 50 == 0 {
                        // A caller that does not wait for the answer.
                        let patience = Duration::from_millis(u64::try_from(number % 7).unwrap());
                        let _ = tokio::time::timeout(patience, outcome(&backend, user, right)).await;
                    }
                }
                slowest
            }));
        }
        let mut slowest = Duration::ZERO;
        for task in tasks {
            slowest = slowest.max(task.await.unwrap());
        }
        // The abandoned login is done when the next one is.
        outcome(&backend, "alice", "wrong").await;
        let took = started.elapsed();
        eprintln!(
            "{how:?}: {logins} logins in {took:?}, slowest {slowest:?}, files {files} -> {}",
            open_files()
        );
        // A helper keeps its socket as long as it may be asked again; there was one before, and
        // there are four at most.
        assert!(open_files() <= files + 2 + 3, "{how:?}: {files} -> {}", open_files());
    }
}
