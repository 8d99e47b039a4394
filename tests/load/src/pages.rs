//! Server time of every page with 10^5 users, on both engines.
//!
//! One browser asks for one page after the other over an open connection, so the time is that of the
//! server and of the loopback.

use crate::Outcome;
use crate::keep_alive::Client;
use crate::large_store::LargeStore;
use crate::measure::{Goal, Row, median, percentile};
use crate::people;
use crate::site::Plan;

/// The limit for 99 of 100 answers, in milliseconds.
const GOAL: f64 = 20.0;

/// How often each page is loaded in a run.
const LOADS: usize = 100;

/// What is loaded; in a path `{n}` is another number each time.
const PAGES: &[(&str, &str)] = &[
    ("sign out", "/logout"),
    ("own account", "/settings"),
    ("API documentation", "/docs"),
    ("users, first", "/admin/users"),
    ("users, last", "/admin/users?offset=99950"),
    ("users, search finds 1", "/admin/users?search=person+{n}+"),
    ("users, search finds 1,000", "/admin/users?search=k07"),
    ("users, search finds 2,000", "/admin/users?search=smith"),
    ("users, search finds 2,000, last", "/admin/users?search=smith&offset=1950"),
    ("users, search finds all", "/admin/users?search=example.com"),
    ("users, search finds all, last", "/admin/users?search=example.com&offset=99950"),
    ("users, search finds none, two letters", "/admin/users?search=qz"),
    ("users, disabled", "/admin/users?disabled=1"),
    ("users, disabled, search finds 20", "/admin/users?disabled=1&search=smith"),
    ("users, group of all", "/admin/users?group=everyone"),
    ("users, group of all, search finds 1", "/admin/users?group=everyone&search=person+{n}+"),
    ("users, group of all, search finds 2,000", "/admin/users?group=everyone&search=smith"),
    ("new user", "/admin/new-user"),
    ("user", "/admin/users/user{n}"),
    ("wipe the devices of a user", "/admin/users/user{n}/wipe"),
    ("delete a user", "/admin/users/user{n}/delete"),
    ("groups", "/admin/groups"),
    ("groups, search finds 20", "/admin/groups?search=99"),
    ("group of 100", "/admin/groups/group042"),
    ("group of all, first", "/admin/groups/everyone"),
    ("group of all, last", "/admin/groups/everyone?offset=99960"),
    ("delete a group of all", "/admin/groups/everyone/delete"),
    ("password policy", "/admin/policy"),
    ("backends", "/admin/backends"),
    ("brute-force protection", "/admin/brute-force"),
    ("pins", "/admin/pins"),
    ("pins of a backend", "/admin/pins?backend=local&after=user50000"),
    ("audit log", "/admin/audit"),
    ("audit log of a user", "/admin/audit?target=user{n}"),
    ("audit log, an actor without a line", "/admin/audit?actor=alice"),
    ("audit log, an action without a line", "/admin/audit?action=group.deleted"),
    ("mail queue", "/admin/mail"),
    ("configuration", "/admin/config"),
];

/// The rows about pages.
///
/// # Errors
/// Something did not start, or a page was not answered.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Row>> {
    let folder = plan.folder()?;
    let mut rows = Vec::new();
    eprintln!("filling the stores");
    let stores = [
        ("SQLite", Some(LargeStore::sqlite(folder.path(), people::MANY)?)),
        ("PostgreSQL", LargeStore::postgres("pages", people::MANY)?),
    ];
    for (engine, store) in stores {
        let Some(store) = store else {
            eprintln!("no ACCOUNTS_POSTGRES: SQLite only");
            continue;
        };
        let site = plan.site_over(&store)?;
        let mut browser = Client::browser(&site.server.address)?;
        for (what, path) in PAGES {
            let (mut p50, mut p99) = (Vec::new(), Vec::new());
            for run in 0..=plan.runs {
                let mut times = Vec::new();
                for load in 0..LOADS {
                    // Numbers that lie far from each other.
                    let n = 10_000 + (run * LOADS + load) * 7919 % 90_000;
                    times.push(browser.get_ok(&path.replace("{n}", &n.to_string()))?.ms);
                }
                // The first run fills caches.
                if run > 0 {
                    p50.push(median(&times));
                    p99.push(percentile(&times, 0.99));
                }
            }
            let row =
                Row::new(format!("{engine}: {what}: ms at p99"), &p99).p50(&p50).goal(Goal::AtMost(GOAL));
            eprintln!("    {row}");
            rows.push(row);
        }
    }
    Ok(rows)
}
