//! What the log says about backends that come and go.

use std::io;
use std::sync::PoisonError;

use super::*;

/// Everything that is logged at WARN on this thread.
#[derive(Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(super) fn start() -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::WARN)
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .without_time()
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// What was written since the last call, without level and module.
    pub(super) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap());
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect()
    }
}

/// 20 sign-ins a second, each with another name and password, for this time.
async fn crowd(resolver: &Resolver, begin: u64, seconds: u64) {
    for number in begin * 20..(begin + seconds) * 20 {
        let _ = sign_in(resolver, &format!("Canary-5a1f-{number}"), "wrong").await;
        tokio::time::advance(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn outage_of_a_minute_takes_few_lines() {
    let (log, _guard) = Log::start();
    let server = SwitchedServer::new("mail").with("alice", "secret");
    let resolver = server.alone(policy(|_| {}));
    crowd(&resolver, 0, 2).await;
    assert!(log.take().is_empty() && resolver.outages().is_empty());
    server.down(true);
    crowd(&resolver, 2, 60).await;
    let [outage] = resolver.outages().try_into().unwrap();
    assert_eq!((outage.backend.as_str(), outage.attempts, outage.undecided), ("mail", 1200, 1200));
    assert_eq!((outage.lasts.as_secs(), outage.phase), (60, Some(Phase::Connect)));
    server.down(false);
    // The circuit breaker tries again after a minute and a quarter at the latest.
    crowd(&resolver, 62, 80).await;
    assert!(resolver.outages().is_empty());
    let lines = log.take();
    assert!(lines.len() <= 6, "{lines:#?}");
    let text = lines.join("\n");
    assert_eq!(
        lines[0],
        "backend unavailable backend=mail kind=\"unavailable\" phase=\"connect\" reason=\"down\" earlier_attempts=0"
    );
    assert!(
        lines[1].starts_with("circuit breaker open") && lines[1].contains("attempts=5 undecided=5"),
        "{text}"
    );
    let last = lines.last().unwrap();
    assert!(last.starts_with("backend available again backend=mail seconds="), "{text}");
    let attempts: u64 = last.split("attempts=").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!((1200..3000).contains(&attempts), "{text}");
    assert!(!text.contains("Canary"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn flapping_backend_fills_no_log_and_loses_no_count() {
    let (log, _guard) = Log::start();
    let server = SwitchedServer::new("mail");
    let resolver = server.alone(policy(|_| {}));
    let mut failures = 0;
    for number in 0..6000 {
        server.down(number % 2 == 0);
        let _ = sign_in(&resolver, &format!("user{number}"), "wrong").await;
        failures += u64::from(number % 2 == 0);
        tokio::time::advance(Duration::from_millis(100)).await;
    }
    server.down(false);
    tokio::time::advance(Duration::from_secs(61)).await;
    let _ = sign_in(&resolver, "last", "wrong").await;
    let lines = log.take();
    // Ten minutes.
    assert!(lines.len() <= 33, "{lines:#?}");
    let number = |line: &str, name: &str| {
        let value = line.split(&format!(" {name}=")).nth(1).and_then(|rest| rest.split(' ').next());
        value.map_or(0, |value| value.parse::<u64>().unwrap())
    };
    let counted: u64 =
        lines.iter().map(|line| number(line, "attempts") + number(line, "earlier_attempts")).sum();
    assert_eq!(counted, failures, "{lines:#?}");
}

#[tokio::test(start_paused = true)]
async fn sign_in_without_backend_keeps_its_health() {
    let (log, _guard) = Log::start();
    let server = SwitchedServer::new("mail").with("alice", "secret");
    let denied = NameRules::new().deny_names(["guest"]).unwrap();
    let resolver =
        Resolver::builder().backend_with(Arc::new(server.clone()), policy(|_| {}), denied).build().unwrap();
    server.down(true);
    let _ = sign_in(&resolver, "alice", "secret").await;
    assert_eq!(resolver.outages().len(), 1);
    let _ = sign_in(&resolver, "guest", "guest").await;
    assert_eq!(resolver.outages().len(), 1);
    server.down(false);
    let _ = sign_in(&resolver, "alice", "secret").await;
    assert!(resolver.outages().is_empty());
    let lines = log.take();
    assert_eq!(lines.len(), 2, "{lines:#?}");
}
