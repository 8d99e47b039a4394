//! The server under load: one user, a search page, HTTPS, new users during reads.

use std::thread;
use std::time::{Duration, Instant};

use accounts::{HashSettings, LocalPassword, PasswordHash};
use user_backend::Password;

use crate::measure::{Goal, Row};
use crate::process::Process;
use crate::site::{Plan, Site};
use crate::wrk::{self, Ask, Counted, Run};
use crate::{Outcome, floor, people};

/// The connections that the goals speak of.
const CONNECTIONS: u32 = 32;

/// `GET` of one user.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn get(plan: &Plan) -> Outcome<Vec<Row>> {
    let what = "GET one user of 10^4";
    let goals = Some((8_000.0, 10.0));
    reads(plan, what, &Ask::Get, "/ocs/v2.php/cloud/users/user00042?format=json", goals)
}

/// `GET` of a page with a search.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn list(plan: &Plan) -> Outcome<Vec<Row>> {
    let what = "GET users, limit=25, search finds 200 of 10^4";
    let goals = Some((3_000.0, f64::INFINITY));
    reads(plan, what, &Ask::List, "/ocs/v2.php/cloud/users?format=json&limit=25&search=smith", goals)
}

fn reads(plan: &Plan, what: &str, ask: &Ask, path: &str, goals: Option<(f64, f64)>) -> Outcome<Vec<Row>> {
    let site = plan.site(people::FEW, false)?;
    let least = floor::start(&site.ask(path)?, site.folder())?;
    let least_url = format!("http://{}", least.address);
    let run = Run { connections: CONNECTIONS, seconds: plan.seconds };
    warm(&site, ask)?;
    let (mut ours, mut floor) = (Repeats::default(), Repeats::default());
    for _ in 0..plan.runs {
        ours.add(&site.server, || wrk::run(&site.url(), ask, run, site.folder()))?;
        floor.add(&least, || wrk::run(&least_url, ask, run, site.folder()))?;
    }
    let rate = Row::new(format!("{what}: per second"), &ours.rates).floor(&floor.rates);
    let p99 = Row::new(format!("{what}: p99 in ms"), &ours.p99).floor(&floor.p99);
    let cpu = Row::new(format!("{what}: processor time in µs"), &ours.cpu).floor(&floor.cpu);
    Ok(match goals {
        Some((least, most)) if most.is_finite() => {
            vec![rate.goal(Goal::AtLeast(least)), p99.goal(Goal::AtMost(most)), cpu]
        }
        Some((least, _)) => vec![rate.goal(Goal::AtLeast(least)), p99, cpu],
        None => vec![rate, p99, cpu],
    })
}

/// `GET` of one user over TLS 1.3, with keep-alive.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn tls(plan: &Plan) -> Outcome<Vec<Row>> {
    let site = plan.site(people::FEW, true)?;
    let run = Run { connections: CONNECTIONS, seconds: plan.seconds };
    warm(&site, &Ask::Get)?;
    let mut ours = Repeats::default();
    for _ in 0..plan.runs {
        ours.add(&site.server, || wrk::run(&site.url(), &Ask::Get, run, site.folder()))?;
    }
    let what = "GET one user of 10^4 over HTTPS";
    Ok(vec![
        Row::new(format!("{what}: per second"), &ours.rates),
        Row::new(format!("{what}: p99 in ms"), &ours.p99),
        Row::new(format!("{what}: processor time in µs"), &ours.cpu),
    ])
}

/// `POST` of new users compared to hashing alone, then with concurrent readers.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn create(plan: &Plan) -> Outcome<Vec<Row>> {
    let site = plan.site(people::FEW, false)?;
    let run = Run { connections: CONNECTIONS, seconds: plan.seconds };
    warm(&site, &Ask::Get)?;
    let (mut ours, mut hashes) = (Repeats::default(), Vec::new());
    let (mut beside, mut reads) = (Repeats::default(), Repeats::default());
    for n in 0..plan.runs {
        hashes.push(hashes_per_second(plan.seconds)?);
        let ask = Ask::Create(format!("new{n}-"));
        ours.add(&site.server, || wrk::run(&site.url(), &ask, run, site.folder()))?;
        let folder = tempfile::tempdir_in(site.folder())?;
        let ask = Ask::Create(format!("more{n}-"));
        // Eight readers of 25 requests a second each: load that is there, not load that takes what
        // it can get.
        let few = Run { connections: 8, seconds: plan.seconds };
        thread::scope(|scope| -> Outcome {
            let url = site.url();
            let writer = scope.spawn({
                let url = url.clone();
                move || wrk::run(&url, &ask, run, folder.path()).map_err(|error| error.to_string())
            });
            reads.add(&site.server, || wrk::run(&url, &Ask::GetSlowly(40), few, site.folder()))?;
            let written = writer.join().map_err(|_| "the writer broke off")??;
            beside.rates.push(written.per_second);
            Ok(())
        })?;
    }
    let what = "POST user";
    Ok(vec![
        Row::new(format!("{what}: per second; floor: hashes alone"), &ours.rates)
            .floor(&hashes)
            .goal(Goal::Share(0.95)),
        Row::new(format!("{what}: p99 in ms"), &ours.p99),
        Row::new(format!("{what} with readers beside: per second; floor: hashes alone"), &beside.rates)
            .floor(&hashes),
        Row::new("GET one user beside it: p99 in ms", &reads.p99).goal(Goal::AtMost(20.0)),
        Row::new("GET one user beside it: per second", &reads.rates),
    ])
}

/// How many hashes all processors make in a second, with nothing else to do.
fn hashes_per_second(seconds: u32) -> Outcome<f64> {
    let settings = HashSettings::default();
    let typed = LocalPassword::new(&Password::parse("Correct horse battery 1")?)?;
    let time = Duration::from_secs(seconds.into());
    let began = Instant::now();
    let made: u32 = thread::scope(|scope| {
        let work = || {
            let mut made = 0_u32;
            while began.elapsed() < time {
                made += u32::from(PasswordHash::new(&typed, &settings).is_ok());
            }
            made
        };
        let threads: Vec<_> = (0..settings.at_once()).map(|_| scope.spawn(work)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_default()).sum()
    });
    Ok(f64::from(made) / began.elapsed().as_secs_f64())
}

/// All callers have signed in once.
fn warm(site: &Site, ask: &Ask) -> Outcome {
    let run = Run { connections: CONNECTIONS, seconds: 2 };
    wrk::run(&site.url(), ask, run, site.folder()).map(drop)
}

/// The same thing several times.
#[derive(Debug, Default)]
struct Repeats {
    rates: Vec<f64>,
    p99: Vec<f64>,
    cpu: Vec<f64>,
}

impl Repeats {
    fn add(&mut self, server: &Process, work: impl FnOnce() -> Outcome<Counted>) -> Outcome {
        let before = server.cpu()?;
        let counted = work()?;
        self.rates.push(counted.per_second);
        self.p99.push(counted.p99);
        self.cpu.push((server.cpu()? - before) * 1e6 / counted.requests);
        Ok(())
    }
}
