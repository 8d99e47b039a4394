//! Memory of the server: idle, after many requests, and while it streams a long list.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::measure::{Goal, Row};
use crate::site::Plan;
use crate::wrk::{self, Ask, Run};
use crate::{Outcome, people, process};

/// The rows about memory.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut peaks: Vec<Vec<f64>> = Vec::new();
    let lists = [
        ("ids", "/ocs/v2.php/cloud/users?format=json"),
        ("details", "/ocs/v2.php/cloud/users/details?format=json"),
        ("details in XML", "/ocs/v2.php/cloud/users/details"),
    ];
    let mut seconds = Vec::new();
    let mut commands = Vec::new();
    for number in [people::FEW / 10, people::FEW, people::MANY] {
        let site = plan.site(number, false)?;
        thread::sleep(Duration::from_secs(1));
        let (fresh, _) = site.server.memory()?;
        // One sign-in: a hash needs memory for a moment.
        site.ask("/ocs/v2.php/cloud/user?format=json")?;
        thread::sleep(Duration::from_secs(1));
        let (idle, _) = site.server.memory()?;
        if number >= people::FEW {
            rows.push(Row::new(format!("MiB after the start, {number} users"), &[fresh]));
            let idle = Row::new(format!("MiB idle after a sign-in, {number} users"), &[idle]);
            rows.push(idle.goal(Goal::AtMost(40.0)));
        }
        let mut growth = Vec::new();
        for (_, path) in lists {
            // Once for what is kept on purpose: statements, pages of the file.
            site.ask(path)?;
            site.server.forget_peak()?;
            let (before, _) = site.server.memory()?;
            let began = Instant::now();
            let answer = site.ask(path)?;
            if number == people::MANY {
                seconds.push((began.elapsed().as_secs_f64(), answer.raw.len()));
            }
            growth.push(site.server.memory()?.1 - before);
        }
        if let Some(occ) = &plan.occ {
            let mut list = Command::new(occ);
            list.args(["user:list", "--info", "--limit", "1000000", "--config"]).arg(site.config());
            commands.push(process::peak(&mut list)?);
        }
        peaks.push(growth);
        if number == people::FEW {
            let run = Run { connections: 32, seconds: plan.seconds };
            wrk::run(&site.url(), &Ask::Get, run, site.folder())?;
            rows.push(Row::new("MiB after GETs under load, 10^4 users", &[site.server.memory()?.0]));
            wrk::run(&site.url(), &Ask::Create("new-".into()), run, site.folder())?;
            rows.push(
                Row::new("MiB after POSTs under load, peak as floor", &[site.server.memory()?.0])
                    .floor(&[site.server.memory()?.1]),
            );
        }
    }
    for (at, (name, _)) in lists.into_iter().enumerate() {
        let grown =
            |size: usize| peaks.get(size).and_then(|peaks| peaks.get(at)).copied().unwrap_or(f64::NAN);
        // Flat: what 10^5 need more than 10^3 is less than a chunk of the list, not a hundred times
        // as much.
        let (small, large) = (grown(0), grown(2));
        let row = Row::new(format!("MiB more at the peak of a list of 10^5, {name}"), &[large]);
        rows.push(row.floor(&[small]).goal(Goal::AtMost(small + 2.0)));
        if let Some((took, bytes)) = seconds.get(at) {
            rows.push(Row::new(format!("seconds for a list of 10^5, {name}"), &[*took]));
            rows.push(Row::new(format!("MiB of that list, {name}"), &[*bytes as f64 / 1048576.0]));
        }
    }
    if let [small, _, large] = commands[..] {
        let row = Row::new("MiB at the peak of occ user:list --info, 10^5 users", &[large]);
        rows.push(row.floor(&[small]).goal(Goal::AtMost(small + 2.0)));
    }
    Ok(rows)
}
