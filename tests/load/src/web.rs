//! HTTP Basic of a user whose password another server keeps, answered from memory.
//!
//! Beside it: axum that answers the same bytes, and nginx with a password file.

use std::time::Duration;

use serde_json::{Value, json};

use crate::measure::median;
use crate::peers::{self, imap_server};
use crate::process::Process;
use crate::site::{self, Plan};
use crate::turns::Progress;
use crate::wrk::{self, Ask, Run};
use crate::{Outcome, floor, people};

/// The connections that the goals speak of.
const CONNECTIONS: u32 = 32;

/// The rows of the table.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Value>> {
    let imap = imap_server()?;
    let path = "/ocs/v2.php/cloud/user?format=json";
    let settings = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = {imap}\n\
         tls = \"none\"\ncache_accepted = \"1h\"\n"
    );
    let site = plan.site_with(1000, false, &settings)?;
    let right = people::external(&people::password(0));
    let answer = site.ask_until_known(&right, path)?;
    let least = floor::start(&answer, site.folder())?;
    let (_nginx, nginx) = peers::nginx(site.folder())?;
    let idle = site.server.memory()?.0;
    let targets: [(&str, &str, &str, Option<&Process>); 4] = [
        ("ours, cached external user", &site.server.address, path, Some(&site.server)),
        ("axum, same bytes", &least.address, path, Some(&least)),
        ("nginx, bcrypt 5", &nginx, "/page", None),
        ("nginx, SHA-1", &nginx, "/sha/page", None),
    ];
    for (name, address, path, _) in targets.iter().filter(|(name, ..)| !name.starts_with("axum")) {
        let refusal = site::ask(address, &people::external("Not the password 1"), path)?;
        if !refusal.starts_with(b"HTTP/1.1 401 ") {
            return Err(format!("{name}: a wrong password is not answered with 401").into());
        }
    }
    let run = Run { connections: CONNECTIONS, seconds: plan.seconds };
    let mut rates = [const { Vec::new() }; 4];
    let mut p99 = [const { Vec::new() }; 4];
    let mut cpu = [const { Vec::new() }; 4];
    let length = Duration::from_secs(plan.seconds.into());
    let mut progress = Progress::new("http", plan.rounds, targets.len(), length);
    for _ in 0..plan.rounds {
        for (n, (name, address, path, process)) in targets.iter().enumerate() {
            progress.next(name);
            let before = process.map(Process::cpu).transpose()?;
            let url = format!("http://{address}{path}");
            let counted = wrk::run(&url, &Ask::Same(right.clone()), run, site.folder())?;
            rates[n].push(counted.per_second);
            p99[n].push(counted.p99);
            if let (Some(process), Some(before)) = (process, before) {
                cpu[n].push((process.cpu()? - before) * 1e6 / counted.requests);
            }
        }
    }
    progress.end();
    let mut rows = Vec::new();
    for (peer, least) in [(1, Some(0.4)), (2, Some(35.0)), (3, None)] {
        let ratio = median(&rates[0].iter().zip(&rates[peer]).map(|(a, b)| a / b).collect::<Vec<_>>());
        rows.push(json!({
            "what": format!("{} beside {}, {CONNECTIONS} connections, answers/s", targets[0].0, targets[peer].0),
            "ours": median(&rates[0]).round(), "peer": median(&rates[peer]).round(), "ratio": ratio,
            "goal": least.map(|least| format!("ratio >= {least}")), "met": least.map(|least| ratio >= least),
            "runs": plan.rounds,
        }));
    }
    rows.push(json!({
        "what": "memory of the idle server in MiB", "ours": (idle * 10.0).round() / 10.0,
        "goal": "<= 30", "met": idle <= 30.0,
    }));
    for (n, (name, ..)) in targets.iter().enumerate() {
        let mut row = json!({
            "what": name, "is_ours": n == 0, "runs": plan.rounds, "per_second": median(&rates[n]).round(),
            "p99_ms": (median(&p99[n]) * 1000.0).round() / 1000.0,
        });
        if !cpu[n].is_empty() {
            row["cpu_us"] = ((median(&cpu[n]) * 10.0).round() / 10.0).into();
        }
        rows.push(row);
    }
    Ok(rows)
}
