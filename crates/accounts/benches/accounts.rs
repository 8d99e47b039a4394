//! How fast the store is with 10^5 users in 10^3 groups, on both engines.
//!
//! Writes `target/bench/accounts.json` for `cargo xtask bench accounts`, which starts a PostgreSQL
//! server that waits for the disk at every commit, like one in production. Every figure is a
//! median; a floor is what the machine or the bare driver needs for the same, measured in the same
//! run.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench ends where it fails"
)]

use std::env;
use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use accounts::{Accounts, GroupFilter, GroupId, NewUser, StoreSettings, StoredHash, UserFilter, UserId};
use futures_util::TryStreamExt;
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

#[path = "parts/policy.rs"]
mod policy;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

const USERS: usize = 100_000;
const GROUPS: usize = 1_000;

/// How often the memory of a stream is measured.
const STREAMS: usize = 7;

/// Benchmarks of the store, beside reading and writing one row through the driver.
macro_rules! measure_beside {
    ($bare:ident, $rows:expr, $engine:literal, $settings:expr) => {
        let floor = floor(async |n| {
            let query = sqlx::query("SELECT * FROM users WHERE name = $1").bind(person(n).0);
            drop(query.fetch_one(&mut $bare).await.unwrap());
        })
        .await;
        $bare.execute("CREATE TABLE floor (x TEXT)").await?;
        let write = async |n: usize| {
            let query = sqlx::query("INSERT INTO floor VALUES ($1)").bind(person(n).0);
            query.execute(&mut $bare).await.unwrap();
        };
        measure($rows, $engine, $settings, floor, write).await?;
    };
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Outcome {
    let folder = tempfile::tempdir_in(target_dir()?)?;
    let mut rows = Vec::new();
    policy::measure(&mut rows)?;

    let path = folder.path().join("accounts.db");
    let settings = StoreSettings::sqlite(&path);
    fill_sqlite(&settings, USERS).await?;
    let mut bare = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await?;
    bare.execute("PRAGMA synchronous = FULL").await?;
    measure_beside!(bare, &mut rows, "SQLite", &settings);
    drop(bare);
    let small = StoreSettings::sqlite(folder.path().join("small.db"));
    fill_sqlite(&small, USERS / 100).await?;
    memory(&mut rows, "SQLite", &small, &settings).await?;

    if let Ok(server) = env::var("ACCOUNTS_POSTGRES") {
        let [large, small] = ["bench", "bench_small"].map(|name| database(&server, name));
        let ((large_url, large), (small_url, small)) = (large?, small?);
        for name in ["bench", "bench_small"] {
            let mut admin = PgConnection::connect(&server).await?;
            admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await?;
        }
        fill_postgres(&large_url, &large, USERS).await?;
        fill_postgres(&small_url, &small, USERS / 100).await?;
        let mut bare = PgConnection::connect(&large_url).await?;
        measure_beside!(bare, &mut rows, "PostgreSQL", &large);
        memory(&mut rows, "PostgreSQL", &small, &large).await?;
    } else {
        println!("no ACCOUNTS_POSTGRES: SQLite only");
    }

    let out = target_dir()?.join("bench");
    fs::create_dir_all(&out)?;
    fs::write(out.join("accounts.json"), serde_json::to_vec_pretty(&rows)?)?;
    Ok(())
}

async fn measure(
    rows: &mut Vec<Value>,
    engine: &str,
    settings: &StoreSettings,
    floor: Duration,
    write: impl AsyncFnMut(usize),
) -> Outcome {
    let accounts = Accounts::open(settings).await?.as_system();
    let users = accounts.users();
    let sqlite = engine == "SQLite";
    let mut row =
        |what: &str, ours: Duration, floor: Option<Duration>, goal: Option<Duration>, runs: usize| {
            let ratio = floor.map(|floor| ours.as_secs_f64() / floor.as_secs_f64());
            let goal_text = goal.map(|goal| format!("<= {}", shown(goal)));
            let met = goal.map(|goal| ours <= goal);
            println!("{engine}: {what}: {}", shown(ours));
            rows.push(
                json!({"what": format!("{engine}: {what}"), "ours": shown(ours), "floor": floor.map(shown),
            "ratio": ratio, "goal": goal_text, "met": met, "runs": runs}),
            );
        };
    let micros = Duration::from_micros;
    let millis = Duration::from_millis;

    let by_id = median(2_000, async |n| drop(users.get(&id(n * 7919)).await.unwrap())).await;
    row("user by id", by_id, Some(floor), sqlite.then_some(micros(100)), 2_000);
    let standing = median(2_000, async |n| drop(users.permissions(&id(n * 7919)).await.unwrap())).await;
    row("user with rights, as at every call", standing, Some(floor), None, 2_000);
    let details = median(1_000, async |n| drop(users.details(&id(n * 7919)).await.unwrap())).await;
    row("user with profile and groups", details, Some(floor), None, 1_000);
    let epoch = median(2_000, async |_| assert!(accounts.credential_epoch().current().await.is_ok())).await;
    row("has a credential ended?", epoch, Some(floor), None, 2_000);

    let all = UserFilter::new;
    let last = id(USERS - 101);
    for (what, filter) in [
        ("no search, first", all()),
        ("no search, last", all().after(last.clone())),
        ("no search, last by offset", all().offset(99_900)),
        ("search 'example.com' (all), first", all().search("example.com")),
        ("search 'example.com' (all), last", all().search("example.com").after(last.clone())),
        ("search 'Smith' (2 %), first", all().search("Smith")),
        ("search 'Smith' (2 %), middle", all().search("Smith").after(id(USERS / 2))),
        ("search 'Smith' (2 %), last", all().search("Smith").after(last.clone())),
        ("search '4321' (few)", all().search("4321")),
        ("search 'no such text' (none)", all().search("no such text")),
        ("search 'a' (nearly all), first", all().search("a")),
        ("search 'qz' (none, two letters)", all().search("qz")),
        ("group of 5,000, first", all().group(group(1))),
        ("group of 5,000, last", all().group(group(1)).offset(4_900)),
        ("group of 5,000, search '4321'", all().group(group(1)).search("4321")),
    ] {
        let filter = filter.limit(100);
        let page = median(60, async |_| drop(users.page(&filter).await.unwrap())).await;
        row(&format!("page of 100, {what}"), page, None, Some(millis(10)), 60);
    }
    let filter = all().search("Smith").limit(100);
    let page = median(60, async |_| drop(users.details_page(&filter).await.unwrap())).await;
    row("page of 100 with profiles and groups, search 'Smith'", page, None, Some(millis(10)), 60);
    let groups = median(60, async |_| {
        drop(accounts.groups().ids(&GroupFilter::new().search("99")).await.unwrap());
    })
    .await;
    row("ids of groups, search '99'", groups, None, Some(millis(10)), 60);

    // What the bare driver needs for one row on disk, at this very time: disks have their moods.
    let sync = median(300, write).await;
    let create = median(300, async |n| drop(users.create(new(engine, n)).await.unwrap())).await;
    row("create a user, on disk", create, Some(sync), Some(millis(2)), 300);
    let began = Instant::now();
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (accounts, engine) = (accounts.clone(), engine.to_owned());
            tokio::spawn(async move {
                for n in 0..50 {
                    accounts.users().create(new(&engine, 1000 + task * 50 + n)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await?;
    }
    row("create a user, 8 at the same time, each", began.elapsed() / 400, Some(sync), Some(millis(2)), 400);
    let change = median(200, async |n| {
        accounts.passwords().set(&id(n), &StoredHash::new("another")).await.unwrap();
    })
    .await;
    row("new password, sessions ended, on disk", change, Some(sync), None, 200);
    let began = Instant::now();
    let number = users.stream(all()).try_fold(0_usize, async |sum, _| Ok(sum + 1)).await?;
    row(&format!("stream of {number} users, each"), began.elapsed() / u32::try_from(number)?, None, None, 1);
    accounts.close().await;
    Ok(())
}

/// What a stream of all users with everything needs at its peak.
///
/// With 10^5 users as much as with 10^3. Counted are our own allocations; what SQLite allocates is
/// bounded by its `cache_size`. How much of an answer of PostgreSQL has arrived varies, so the peak
/// is that of the worst page. So the few are streamed so often that it is the same number of pages,
/// and a figure is the median of several runs; what a stream kept of its users would still show.
async fn memory(
    rows: &mut Vec<Value>,
    engine: &str,
    small: &StoreSettings,
    large: &StoreSettings,
) -> Outcome {
    let mut medians = Vec::new();
    for (settings, times) in [(small, 100), (large, 1)] {
        let accounts = Accounts::open(settings).await?.as_system();
        let stream = || accounts.users().stream_details(UserFilter::new());
        // Once around fills the caches of statements.
        stream().try_for_each(async |_| Ok(())).await?;
        let mut peaks = Vec::new();
        for _ in 0..STREAMS {
            let before = HEAP.current_usage();
            HEAP.reset_peak_usage();
            for _ in 0..times {
                stream().try_for_each(async |_| Ok(())).await?;
            }
            peaks.push(HEAP.peak_usage().saturating_sub(before) / 1024);
        }
        peaks.sort_unstable();
        medians.push(peaks[STREAMS / 2]);
        accounts.close().await;
    }
    let (floor, ours) = (medians[0], medians[1]);
    println!("{engine}: memory of a stream: {ours} KiB at 10^5 users, {floor} KiB at 10^3");
    #[allow(clippy::cast_precision_loss, reason = "a few thousand")]
    let ratio = ours as f64 / floor as f64;
    rows.push(json!({"what": format!("{engine}: KiB to stream 10^5 users, floor: 10^3 users"), "ours": ours,
        "floor": floor, "ratio": ratio, "goal": "ratio <= 1.1", "met": ratio <= 1.1, "runs": STREAMS}));
    Ok(())
}

async fn median(runs: usize, mut work: impl AsyncFnMut(usize)) -> Duration {
    for n in 0..runs / 10 {
        work(n).await;
    }
    let mut times = Vec::with_capacity(runs);
    for n in 0..runs {
        let began = Instant::now();
        work(runs + n).await;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    times[runs / 2]
}

async fn floor(work: impl AsyncFnMut(usize)) -> Duration {
    median(2_000, work).await
}

fn shown(time: Duration) -> String {
    if time < Duration::from_micros(1) {
        return format!("{} ns", time.as_nanos());
    }
    if time < Duration::from_millis(1) {
        return format!("{:.1} µs", time.as_secs_f64() * 1e6);
    }
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}

const FIRST: &[&str] = &[
    "anna", "bernd", "carla", "david", "emma", "felix", "greta", "henry", "ida", "jonas", "klara", "leon",
    "mia", "noah", "olga", "paul", "rosa", "simon", "tina", "viktor",
];
const LAST: &[&str] = &[
    "adler", "bauer", "clark", "dietz", "ebert", "fuchs", "graf", "huber", "jones", "kaiser", "lang",
    "meyer", "nowak", "otto", "peters", "richter", "smith", "taylor", "vogel", "wagner", "young", "zimmer",
    "brown", "davis", "evans", "green", "hall", "king", "lewis", "moore", "baker", "cook", "dixon", "ellis",
    "ford", "gray", "hayes", "irwin", "james", "kelly", "long", "mills", "nash", "owens", "price", "quinn",
    "reed", "stone", "tate", "usher",
];

/// Name, display name, mail address of the user with that number; in the order of names.
fn person(n: usize) -> (String, String, String) {
    let n = n % USERS;
    let (first, last) = (FIRST[n / 5_000 % FIRST.len()], LAST[n % LAST.len()]);
    let name = format!("{first}{n:05}.{last}");
    let title = |word: &str| word[..1].to_uppercase() + &word[1..];
    let display = format!("{} {}", title(first), title(last));
    let email = format!("{name}@example.com");
    (name, display, email)
}

fn id(n: usize) -> UserId {
    UserId::parse(&person(n).0).unwrap()
}

fn group(n: usize) -> GroupId {
    GroupId::parse(&format!("group{n:03}")).unwrap()
}

fn new(engine: &str, n: usize) -> NewUser {
    NewUser::new(UserId::parse(&format!("new{n}")).unwrap())
        .display_name(format!("New {engine} {n}").parse().unwrap())
        .email(format!("new{n}@example.com").parse().unwrap())
        .password(StoredHash::new(
            "3|$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$aGFzaGhhc2hoYXNoaGFzaA",
        ))
        .group(group(n % GROUPS))
}

/// Filled directly in the database: a hundred thousand fsyncs would take minutes.
fn statements(list: &'static str) -> [String; 6] {
    let users = format!(
        "INSERT INTO users (name, id, backend, enabled, display_name, email, search, created_at) \
         SELECT name, name, 'local', {list}"
    );
    let by_name = |table: &str, columns: &str, values: &str| {
        format!("INSERT INTO {table} ({columns}) SELECT {values} FROM users")
    };
    [
        users,
        by_name("pins", "name, backend, since", "name, 'local', 0"),
        by_name("passwords", "user_key, hash, changed_at", "key, 'hash', 0"),
        by_name("profile", "user_key, field, position, value, scope", "key, 'phone', 0, '+4971125242890', 'v2-local'"),
        by_name("profile", "user_key, field, position, value, scope", "key, 'website', 0, 'https://example.com', NULL"),
        // Two groups each: one of a thousand of all sizes, and every twentieth is in one of 5,000.
        "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key FROM users \
         JOIN groups ON groups.id = 'group' || substr('00' || (users.key % 1000), -3) OR \
         (groups.id = 'group001' AND users.key % 20 = 0 AND users.key % 1000 <> 1)"
            .to_owned(),
    ]
}

fn people(users: usize) -> Vec<String> {
    let step = USERS / users;
    let list: Vec<Value> = (0..users)
        .map(|n| {
            let (name, display, email) = person(n * step);
            let search = format!("{name}\n{}\n{email}", display.to_lowercase());
            json!({"name": name, "display": display, "email": email, "search": search})
        })
        .collect();
    list.chunks(5_000).map(|chunk| serde_json::to_string(chunk).unwrap()).collect()
}

async fn groups(settings: &StoreSettings) -> Outcome {
    Accounts::open(settings).await?.close().await;
    Ok(())
}

async fn fill_sqlite(settings: &StoreSettings, users: usize) -> Outcome {
    groups(settings).await?;
    let options = SqliteConnectOptions::new().filename(settings.path().ok_or("no file")?).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let [first, rest @ ..] = statements(
        "1, json_extract(value, '$.display'), json_extract(value, '$.email'), json_extract(value, '$.search'), 0 \
         FROM (SELECT value, json_extract(value, '$.name') AS name FROM json_each($1))",
    );
    let mut tx = connection.begin().await?;
    for n in 0..GROUPS {
        let id = group(n);
        let insert = sqlx::query("INSERT INTO groups (id, search) VALUES ($1, $1)").bind(id.as_str());
        insert.execute(&mut *tx).await?;
    }
    for chunk in people(users) {
        sqlx::query(AssertSqlSafe(first.clone())).bind(chunk).execute(&mut *tx).await?;
    }
    for statement in rest {
        tx.execute(AssertSqlSafe(statement)).await?;
    }
    tx.commit().await?;
    connection.execute("ANALYZE; PRAGMA wal_checkpoint(TRUNCATE)").await?;
    Ok(connection.close().await?)
}

fn database(server: &str, name: &str) -> Outcome<(String, StoreSettings)> {
    let (base, query) = server.split_once('?').unwrap_or((server, ""));
    let (base, _) = base.rsplit_once('/').ok_or("no database in ACCOUNTS_POSTGRES")?;
    let url = format!("{base}/{name}?{query}");
    let settings = StoreSettings::parse(&url)?;
    Ok((url, settings))
}

async fn fill_postgres(url: &str, settings: &StoreSettings, users: usize) -> Outcome {
    groups(settings).await?;
    let mut connection = PgConnection::connect(url).await?;
    let [first, rest @ ..] = statements(
        "TRUE, value->>'display', value->>'email', value->>'search', 0 \
         FROM (SELECT value, value->>'name' AS name FROM jsonb_array_elements($1::jsonb)) AS list",
    );
    let mut tx = connection.begin().await?;
    for n in 0..GROUPS {
        let id = group(n);
        let insert = sqlx::query("INSERT INTO groups (id, search) VALUES ($1, $1)").bind(id.as_str());
        insert.execute(&mut *tx).await?;
    }
    for chunk in people(users) {
        sqlx::query(AssertSqlSafe(first.clone())).bind(chunk).execute(&mut *tx).await?;
    }
    for statement in rest {
        tx.execute(AssertSqlSafe(
            statement
                .replace("substr('00' || (users.key % 1000), -3)", "right('00' || (users.key % 1000), 3)"),
        ))
        .await?;
    }
    tx.commit().await?;
    connection.execute("VACUUM ANALYZE").await?;
    Ok(connection.close().await?)
}

/// The build directory of cargo, from the path of this program.
fn target_dir() -> Outcome<PathBuf> {
    let program = env::current_exe()?;
    let target = program.ancestors().find(|path| path.join("CACHEDIR.TAG").exists()).map(ToOwned::to_owned);
    target.ok_or_else(|| "this program was not built by cargo".into())
}
