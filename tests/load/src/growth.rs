//! What grows with the number of users: the server over a store of 10^3 and one of 10^6, and imports.
//!
//! `GROWTH_USERS` is another number. The two servers answer in turns, so that other load slows both
//! down.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use crate::Outcome;
use crate::keep_alive::Client;
use crate::large_store::{LargeStore, block_on};
use crate::measure::{Goal, Row, median, percentile};
use crate::people;
use crate::site::{Plan, Site, private};
use crate::wrk::{self, Ask, Run};

/// The variable with the number of users.
const USERS: &str = "GROWTH_USERS";

/// Users of the store to compare with.
const FEW: usize = 1_000;

/// How often each request is sent in a run.
const REQUESTS: usize = 200;

/// Users that are imported: enough for a rate.
const IMPORTED: usize = 100_000;

/// Users a second.
const IMPORT_GOAL: f64 = 2_000.0;

/// A request: what, how often a run sends it, how many times slower it may be, and its path for a
/// number.
type Request = (&'static str, usize, Option<f64>, fn(usize) -> String);

const API: &str = "/ocs/v2.php/cloud";

const REQUESTS_OF_A_RUN: &[Request] = &[
    ("GET own user", REQUESTS, Some(1.5), |_| format!("{API}/user?format=json")),
    ("GET one user", REQUESTS, Some(1.5), |n| format!("{API}/users/user{n:05}?format=json")),
    ("page of 50 users", 50, None, |_| format!("{API}/users/details?format=json&limit=50")),
    ("search finds 1", 50, None, |n| format!("{API}/users?format=json&limit=50&search=person+{n}+")),
    ("search finds 1 of 50", 20, None, |_| format!("{API}/users?format=json&limit=50&search=smith")),
    ("search finds all", 20, None, |_| format!("{API}/users?format=json&limit=50&search=example.com")),
    ("search finds none", 50, None, |_| format!("{API}/users?format=json&limit=50&search=zzzz")),
    ("group of 1 of 1000", 50, None, |_| format!("{API}/groups/group007/users/details?format=json&limit=50")),
];

/// The rows about growth.
///
/// # Errors
/// Something did not start, or a request was refused.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Row>> {
    let users = std::env::var(USERS).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = plan.folder()?;
    let mut rows = Vec::new();
    for engine in ["SQLite", "PostgreSQL"] {
        eprintln!("filling a store with {users} users: {engine}");
        let began = Instant::now();
        let stores = match engine {
            "SQLite" => [
                Some(LargeStore::sqlite(folder.path(), FEW)?),
                Some(LargeStore::sqlite(folder.path(), users)?),
            ],
            _ => [LargeStore::postgres("growth_few", FEW)?, LargeStore::postgres("growth", users)?],
        };
        let [Some(few), Some(many)] = stores else {
            eprintln!("no ACCOUNTS_POSTGRES: SQLite only");
            continue;
        };
        eprintln!("    {:.0} s", began.elapsed().as_secs_f64());
        let mut add = |row: Row| {
            eprintln!("    {row}");
            rows.push(row);
        };
        add(Row::new(format!("{engine}: MiB of a store of {users}"), &[many.size()?]));
        let (few, many) = (plan.site_over(&few)?, (plan.site_over(&many)?, many));
        requests(plan, engine, users, [&few, &many.0], &mut add)?;
        let memory = [&few, &many.0].map(|site| site.server.memory());
        let [few_memory, many_memory] = memory;
        let row = Row::new(format!("{engine}: MiB of the server, peak, {users} users"), &[many_memory?.1]);
        add(row.floor(&[few_memory?.1]).goal(Goal::AtMost(80.0)));
        if engine == "PostgreSQL" {
            drop(few);
            servers(plan, users, &many.0, &many.1, &mut add)?;
        }
        drop(many);
        import(plan, engine, &mut add)?;
    }
    Ok(rows)
}

fn requests(
    plan: &Plan,
    engine: &str,
    users: usize,
    sites: [&Site; 2],
    add: &mut impl FnMut(Row),
) -> Outcome {
    let caller = people::basic(0);
    for (what, number, times, path) in REQUESTS_OF_A_RUN {
        let mut medians = [Vec::new(), Vec::new()];
        let mut p99 = Vec::new();
        for run in 0..=plan.runs {
            for (nth, (site, of)) in sites.into_iter().zip([FEW, users]).enumerate() {
                // A connection that waits for the other server for long is closed.
                let client = &mut Client::program(&site.server.address, &caller)?;
                let mut took = Vec::new();
                for request in 0..*number {
                    let n = (run * number + request) * 7919 % of;
                    took.push(client.get_ok(&path(n))?.ms);
                }
                if run > 0 {
                    medians[nth].push(median(&took));
                    if nth == 1 {
                        p99.push(percentile(&took, 0.99));
                    }
                }
            }
        }
        let [few, many] = &medians;
        let row = Row::new(format!("{engine}: {what} of {users}, ms; floor: of {FEW}"), many).floor(few);
        add(match times {
            Some(times) => row.goal(Goal::Times(*times)),
            None => row,
        });
        add(Row::new(format!("{engine}: {what} of {users}, ms at p99"), &p99));
    }
    // A hash for each of these. Every user has the password of one administrator.
    let mut medians = [[Vec::new(), Vec::new()], [Vec::new(), Vec::new()]];
    for run in 0..plan.runs {
        for (nth, site) in sites.into_iter().enumerate() {
            let of = if nth == 0 { FEW } else { users };
            let (mut sign_ins, mut created) = (Vec::new(), Vec::new());
            for request in 0..20 {
                let n = (run * 20 + request) * 7919 % of;
                let own = people::basic_of(&format!("user{n:05}"), &people::password(0));
                let mut client = Client::program(&site.server.address, &own)?;
                if n % 100 != 42 {
                    sign_ins.push(client.get_ok(&format!("{API}/user?format=json"))?.ms);
                }
                let mut admin = Client::program(&site.server.address, &caller)?;
                let form = [
                    ("userid", format!("new-{run}-{request}")),
                    ("password", format!("Correct horse battery {run} {request}")),
                ];
                let answer = admin.post(&format!("{API}/users?format=json"), &form)?;
                if answer.status != 200 {
                    return Err(format!("POST user: status {}", answer.status).into());
                }
                created.push(answer.ms);
            }
            medians[0][nth].push(median(&sign_ins));
            medians[1][nth].push(median(&created));
        }
    }
    for (what, [few, many]) in ["sign-in with a local password", "POST user"].into_iter().zip(&medians) {
        let row = Row::new(format!("{engine}: {what}, {users} users, ms; floor: {FEW}"), many);
        add(row.floor(few).goal(Goal::Times(1.5)));
    }
    Ok(())
}

/// Requests a second of one server and of two on the same database.
fn servers(plan: &Plan, users: usize, one: &Site, store: &LargeStore, add: &mut impl FnMut(Row)) -> Outcome {
    let other = plan.site_over(store)?;
    let run = Run { connections: 16, seconds: plan.seconds };
    let (mut alone, mut both) = (Vec::new(), Vec::new());
    for _ in 0..=plan.runs {
        alone.push(wrk::run(&one.url(), &Ask::Get, run, one.folder())?.per_second);
        let rates = thread::scope(|scope| {
            let ask = |site: &Site| {
                let (url, folder) = (site.url(), site.folder().to_owned());
                scope
                    .spawn(move || wrk::run(&url, &Ask::Get, run, &folder).map_err(|error| error.to_string()))
            };
            [ask(one), ask(&other)]
                .map(|running| running.join().unwrap_or_else(|_| Err("it broke off".into())))
        });
        let [first, second] = rates;
        both.push(first?.per_second + second?.per_second);
    }
    // The first run fills caches.
    let (alone, both) = (alone.split_off(1), both.split_off(1));
    add(Row::new(format!("PostgreSQL: GET one user of {users} per second, 1 server"), &alone));
    add(Row::new(format!("PostgreSQL: GET one user of {users} per second, 2 servers; floor: 1"), &both)
        .floor(&alone));
    Ok(())
}

/// Imports users from a database of the PHP system into an empty store.
fn import(plan: &Plan, engine: &str, add: &mut impl FnMut(Row)) -> Outcome {
    let Some(occ) = &plan.occ else { return Ok(()) };
    let folder = plan.folder()?;
    php_database(&folder.path().join("owncloud.db"), IMPORTED)?;
    let store = match engine {
        "SQLite" => None,
        _ => LargeStore::empty_postgres("growth_import")?,
    };
    let url = store.map_or_else(
        || format!("sqlite:{}", folder.path().join("imported.db").display()),
        |store| store.url().to_owned(),
    );
    let config = folder.path().join("config.php");
    let text = format!(
        "<?php\n$CONFIG = [\n'user_backends' => [],\n'user_backends_store' => ['url' => '{url}'],\n\
         'dbtype' => 'sqlite3',\n'datadirectory' => '{}',\n'dbtableprefix' => 'oc_',\n];\n",
        folder.path().display()
    );
    fs::write(&config, text)?;
    private(&config)?;
    let mut command = Command::new(occ);
    command.args(["import:nextcloud", "--write", "--output=json", "--config"]).arg(&config);
    let began = Instant::now();
    let done = command.output()?;
    let seconds = began.elapsed().as_secs_f64();
    let expected = format!("\"users\":{IMPORTED}");
    let output = String::from_utf8_lossy(&done.stdout).replace(": ", ":");
    if !output.contains(&expected) {
        let error = String::from_utf8_lossy(&done.stderr).into_owned();
        return Err(format!(
            "occ import:nextcloud: {}{error}",
            output.chars().take(2_000).collect::<String>()
        )
        .into());
    }
    let rate =
        Row::new(format!("{engine}: occ import:nextcloud, users a second"), &[IMPORTED as f64 / seconds]);
    add(rate.goal(Goal::AtLeast(IMPORT_GOAL)));
    Ok(())
}

/// A database as the PHP system has it: users with two groups, an address and a profile.
fn php_database(path: &Path, users: usize) -> Outcome {
    block_on(async {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut database = options.connect().await?;
        let numbers = format!(
            "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {})",
            users.saturating_sub(1)
        );
        let tables = "CREATE TABLE oc_users (uid TEXT PRIMARY KEY, displayname TEXT, password TEXT);
            CREATE TABLE oc_groups (gid TEXT PRIMARY KEY, displayname TEXT);
            CREATE TABLE oc_group_user (gid TEXT, uid TEXT);
            CREATE TABLE oc_group_admin (gid TEXT, uid TEXT);
            CREATE TABLE oc_accounts (uid TEXT PRIMARY KEY, data TEXT);
            CREATE TABLE oc_preferences (userid TEXT, appid TEXT, configkey TEXT, configvalue TEXT);";
        let hash = "3|$argon2id$v=19$m=65536,t=4,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";
        let inserts = [
            format!("INSERT INTO oc_users {numbers} SELECT printf('user%06d', i), 'Person ' || i, '{hash}' FROM n"),
            "INSERT INTO oc_groups WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 99) \
             SELECT 'group' || i, NULL FROM n"
                .to_owned(),
            format!("INSERT INTO oc_group_user {numbers} SELECT 'group' || (i % 100), printf('user%06d', i) FROM n"),
            format!("INSERT INTO oc_group_user {numbers} SELECT 'group' || ((i + 50) % 100), printf('user%06d', i) FROM n"),
            format!(
                "INSERT INTO oc_accounts {numbers} SELECT printf('user%06d', i), \
                 '{{\"phone\":{{\"value\":\"+4971125242890\",\"scope\":\"v2-local\"}}}}' FROM n"
            ),
            format!(
                "INSERT INTO oc_preferences {numbers} SELECT printf('user%06d', i), 'settings', 'email', \
                 printf('user%06d', i) || '@example.com' FROM n"
            ),
            format!(
                "INSERT INTO oc_preferences {numbers} SELECT printf('user%06d', i), 'login', 'lastLogin', '1700000000' FROM n"
            ),
        ];
        database.execute(AssertSqlSafe(format!("BEGIN; {tables}"))).await?;
        for insert in inserts {
            database.execute(AssertSqlSafe(insert)).await?;
        }
        database.execute("COMMIT").await?;
        Ok(())
    })
}
