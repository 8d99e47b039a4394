//! Metrics for Prometheus.
//!
//! The library records into the crate `metrics`; any exporter reads them.
//!
//! `cargo run --example metrics_exporter` prints what `/metrics` would answer after three sign-ins.

use std::error::Error;

use metrics_exporter_prometheus::PrometheusBuilder;
use user_backend::{Credentials, Resolver, StaticBackend};

/// Signs in three times.
pub async fn three_sign_ins() -> Result<(), Box<dyn Error>> {
    let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    let resolver = Resolver::builder().backend(people).build()?;
    for password in ["Wonderland-1", "Wonderland-1", "wrong"] {
        let answer = resolver.authenticate(Credentials::new("alice", password)).await;
        println!("# alice: {}", answer.outcome.as_str());
    }
    // Gauges, and answers from memory: before each scrape, in the handler of `/metrics`.
    resolver.report_metrics();
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    // Before the first sign-in: what was counted without a recorder is lost.
    let handle = PrometheusBuilder::new().install_recorder()?;
    three_sign_ins().await?;
    print!("{}", handle.render());
    Ok(())
}
