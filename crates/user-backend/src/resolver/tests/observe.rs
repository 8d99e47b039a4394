//! What a decision reports.

use metrics_util::debugging::{DebugValue, DebuggingRecorder};

use super::*;

/// What was recorded while `story` ran, as `name{labels}` and its value.
///
/// Of histograms, how often.
fn record(story: impl FnOnce(&tokio::runtime::Runtime)) -> HashMap<String, f64> {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&recorder, || story(&runtime));
    let all = snapshotter.snapshot().into_vec().into_iter();
    all.map(|(key, _, _, value)| {
        let labels = key.key().labels().map(|label| format!("{}={}", label.key(), label.value()));
        let mut labels: Vec<_> = labels.collect();
        labels.sort();
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => values.len() as f64,
        };
        (format!("{}{{{}}}", key.key().name(), labels.join(",")), value)
    })
    .collect()
}

#[test]
fn every_outcome_and_every_login_is_counted_once() {
    let found = record(|runtime| {
        runtime.block_on(async {
            let (mail, files) =
                (SwitchedServer::new("mail").with("alice", "Canary-5a1f"), SwitchedServer::new("files"));
            files.down(true);
            let resolver = Resolver::builder()
                .backend_with(Arc::new(mail), go_on_without(), DomainRules::none())
                .backend_with(Arc::new(files), go_on_without(), DomainRules::none())
                .build()
                .unwrap();
            for _ in 0..3 {
                assert!(sign_in(&resolver, "alice", "Canary-5a1f").await.authenticated().is_some());
            }
            for number in 0..6 {
                let _ = sign_in(&resolver, "bob", &format!("Canary-5a1f {number}")).await;
            }
            let _ = sign_in(&resolver, "", "x").await;
            let _ = sign_in_from(&resolver, "203.0.113.7", "carol", "Canary-5a1f").await;
            resolver.report_metrics();
            // What was reported is not reported again.
            resolver.report_metrics();
        });
    });
    let value = |name: &str| found.get(name).copied();
    let attempts = |labels: &str| value(&format!("user_backend_attempts_total{{{labels}}}"));
    assert_eq!(attempts("outcome=authenticated,rule=accepted"), Some(1.0), "{found:#?}");
    assert_eq!(attempts("outcome=authenticated,rule=cached_acceptance"), Some(2.0));
    assert_eq!(attempts("outcome=refused,rule=invalid_input"), Some(1.0));
    assert_eq!(attempts("outcome=unavailable,rule=outage_undecided"), Some(7.0), "no limit hides it");
    let answers = |labels: &str| value(&format!("user_backend_answers_total{{{labels}}}"));
    assert_eq!(answers("backend=mail,phase=,verdict=accepted"), Some(1.0));
    assert_eq!(answers("backend=mail,phase=,verdict=rejected"), Some(5.0));
    assert_eq!(answers("backend=files,phase=connect,verdict=unavailable"), Some(7.0));
    assert_eq!(value("user_backend_breaker_open{backend=files}"), Some(1.0));
    assert_eq!(value("user_backend_breaker_open{backend=mail}"), Some(0.0));
    assert_eq!(value("user_backend_refusals_unrecognised{backend=mail}"), Some(0.0));
    assert_eq!(value("user_backend_cache_outcomes{kind=accepted}"), Some(1.0));
    assert!(value("user_backend_cache_bytes{}").unwrap() > 0.0);
    assert_eq!(value("user_backend_flights{}"), Some(0.0));
    assert_eq!(value("user_backend_attempt_seconds{outcome=authenticated}"), Some(1.0));
    // Neither passwords nor what clients type.
    let text = format!("{found:?}");
    for word in ["Canary", "alice", "bob", "carol", "203.0.113"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[test]
fn thousand_shared_attempts_are_one_login() {
    let found = record(|runtime| {
        runtime.block_on(async {
            let (resolver, gate, arrived) = gated(0);
            let all: Vec<_> = (0..1000)
                .map(|_| {
                    let resolver = resolver.clone();
                    tokio::spawn(async move { sign_in(&resolver, "alice", "secret").await })
                })
                .collect();
            arrived.acquire().await.unwrap().forget();
            gate.add_permits(1);
            for one in all {
                let _ = one.await.unwrap();
            }
        });
    });
    assert_eq!(found["user_backend_attempts_total{outcome=authenticated,rule=accepted}"], 1000.0);
    assert_eq!(found["user_backend_answers_total{backend=gated,phase=,verdict=accepted}"], 1.0);
}

#[test]
fn words_in_metrics_are_the_words_in_json() {
    for rule in [
        EndReason::InvalidInput,
        EndReason::CachedAcceptance,
        EndReason::SourceThrottled,
        EndReason::NotTheOwner,
    ] {
        assert_eq!(serde_json::to_value(rule).unwrap(), rule.as_str());
    }
    for outcome in [StepOutcome::Accepted, StepOutcome::NotMine, StepOutcome::Protocol, StepOutcome::Skipped]
    {
        assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
    }
}
