use std::net::TcpListener;

use accounts::{Accounts, StoreSettings};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use user_backend::brute_force::SourceHash;
use user_backend_tests::Rng;
use user_backend_tests::valkey_server::ValkeyServer;

use super::*;

const HOME: SourceHash = SourceHash::new(7);
const AWAY: SourceHash = SourceHash::new(8);
const WRONG: BudgetResult = BudgetResult::Wrong(HOME);
const RIGHT: BudgetResult = BudgetResult::Right(HOME);
const HOUR: i64 = 60 * 60 * 1000;

/// A database of a test's own.
struct Site {
    admin: PgConnection,
    name: String,
    url: String,
}

impl Site {
    /// `None` with a message, without a PostgreSQL server.
    async fn new() -> Option<Self> {
        let Ok(server) = std::env::var("ACCOUNTS_POSTGRES") else {
            assert!(std::env::var_os("RIG_REQUIRED").is_none(), "ACCOUNTS_POSTGRES is not set");
            eprintln!("skipped: no ACCOUNTS_POSTGRES");
            return None;
        };
        let name = format!("v{}", blake3::Hash::from(random::<32>().unwrap()).to_hex().split_at(20).0);
        let mut admin = PgConnection::connect(&server).await.unwrap();
        admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let url = format!("{}/{name}?{query}", base.rsplit_once('/').unwrap().0);
        Some(Self { admin, name, url })
    }

    async fn accounts(&self) -> Accounts {
        let settings = StoreSettings::parse(&self.url).unwrap().with_connections(2);
        Accounts::open(&settings.with_patience(Duration::from_secs(60))).await.unwrap()
    }

    /// What a server without `[valkey]` counts with.
    async fn postgres(&self) -> Arc<StoredBudget> {
        self.accounts().await.shared_budget().unwrap()
    }

    /// What a server counts with that has not looked for Valkey yet.
    async fn unready(&self, settings: serde_json::Value) -> Arc<ValkeyBudget> {
        let settings = serde_json::from_value(settings).unwrap();
        Arc::new(ValkeyBudget::new(self.postgres().await, settings, &[7; 32]).unwrap())
    }

    /// What a server counts with that has looked.
    async fn server(&self, valkey: &ValkeyServer) -> Arc<ValkeyBudget> {
        let budget = self.unready(at(valkey)).await;
        budget.look().await;
        budget
    }

    /// The same for several, whose generation is old enough.
    async fn servers<const N: usize>(&self, valkey: &ValkeyServer) -> [Arc<ValkeyBudget>; N] {
        let mut servers = Vec::new();
        for _ in 0..N {
            servers.push(self.server(valkey).await);
        }
        let servers: [_; N] = servers.try_into().unwrap();
        self.later(valkey, HOUR, &servers).await;
        servers
    }

    async fn raw(&self, statement: &str) {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        connection.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
    }

    /// Lets everything that is stored be older.
    async fn later(&self, valkey: &ValkeyServer, millis: i64, servers: &[Arc<ValkeyBudget>]) {
        let shift = millis << 20;
        let older =
            |column: &str| format!("{column} = ARRAY(SELECT entry - {shift} FROM unnest({column}) AS entry)");
        self.raw(&format!("UPDATE backend_failures SET {}, {}", older("wrong"), older("reserved"))).await;
        let older = format!("since = since - {millis}, used_at = used_at - {millis}");
        self.raw(&format!("UPDATE valkey_generation SET {older}")).await;
        let script = "for _, key in ipairs(redis.call('KEYS', '*')) do \
             if redis.call('TYPE', key).ok == 'zset' then \
               for _, entry in ipairs(redis.call('ZRANGE', key, 0, -1)) do \
                 redis.call('ZINCRBY', key, -ARGV[1], entry) end end end";
        valkey.command(&["EVAL", script, "0", &millis.to_string()]);
        for server in servers {
            server.look().await;
        }
    }

    async fn remove(mut self) {
        let remove = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        self.admin.execute(AssertSqlSafe(remove)).await.unwrap();
    }
}

fn at(valkey: &ValkeyServer) -> serde_json::Value {
    json!({ "url": format!("unix:{}", valkey.socket().display()) })
}

/// Runs a test with a database and a Valkey, where there are both.
async fn on_site(test: impl AsyncFnOnce(&Site, &mut ValkeyServer)) {
    let (Some(site), Some(mut valkey)) = (Site::new().await, ValkeyServer::start()) else { return };
    test(&site, &mut valkey).await;
    site.remove().await;
}

fn mail() -> BackendId {
    BackendId::parse("mail").unwrap()
}

fn alice() -> UserHash {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

fn limit(failures: u32) -> AttemptLimit {
    AttemptLimit::new(failures, AttemptLimit::default().per)
}

async fn reserve(budget: &dyn SharedBudget, failures: u32) -> BudgetReply {
    budget.reserve(&mail(), &alice(), limit(failures)).await.unwrap()
}

/// A reservation, which there must be.
async fn reserved(budget: &dyn SharedBudget) -> BudgetEntry {
    match reserve(budget, 4).await {
        BudgetReply::Reserved(entry) => entry,
        reply => panic!("{reply:?}"),
    }
}

/// A reservation that Valkey made.
async fn reserved_in_valkey(budget: &dyn SharedBudget) -> BudgetEntry {
    let entry = reserved(budget).await;
    assert_eq!(entry.detail, IN_VALKEY, "{entry:?}");
    entry
}

async fn settle(budget: &dyn SharedBudget, entry: BudgetEntry, result: BudgetResult) {
    budget.settle(&mail(), &alice(), entry, result).await.unwrap();
}

/// Fails as often as it may of four times.
async fn failures(budget: &dyn SharedBudget) -> usize {
    let mut count = 0;
    while let BudgetReply::Reserved(entry) = reserve(budget, 4).await {
        settle(budget, entry, WRONG).await;
        count += 1;
    }
    count
}

fn why(budget: &ValkeyBudget) -> String {
    budget.outage().map(|(_, why)| why.to_string()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn burst_from_several_servers_reserves_the_limit_and_no_more() {
    on_site(async |site, valkey| {
        let servers: [_; 4] = site.servers(valkey).await;
        for failures in 1..=9 {
            let tasks: Vec<_> = (0..40)
                .map(|number| {
                    let budget = Arc::clone(&servers[number % 4]);
                    tokio::spawn(async move { reserve(&*budget, failures).await })
                })
                .collect();
            let mut entries = Vec::new();
            for task in tasks {
                match task.await.unwrap() {
                    BudgetReply::Reserved(entry) => entries.push(entry),
                    reply => assert_eq!(reply, BudgetReply::ReachedByUnanswered),
                }
            }
            assert_eq!(entries.len(), usize::try_from(failures).unwrap());
            let in_valkey = entries.iter().filter(|entry| entry.detail == IN_VALKEY).count();
            assert_eq!(in_valkey, entries.len() / 2);
            for (entry, budget) in entries.into_iter().zip(servers.iter().cycle()) {
                settle(&**budget, entry, BudgetResult::Nothing).await;
            }
        }
        // What is settled as nothing leaves nothing.
        assert_eq!(valkey.command(&["DBSIZE"]), "2", "{}", valkey.command(&["KEYS", "*"]));
    })
    .await;
}

#[tokio::test]
async fn valkey_has_hashes_of_users_only_and_keys_expire() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        settle(&*server, reserved_in_valkey(&*server).await, WRONG).await;
        let key = format!("{}:mail:{}", server.prefix, alice());
        let left: i64 = valkey.command(&["PTTL", &key]).parse().unwrap();
        assert!(left > 15 * 60 * 1000, "{left}");
    })
    .await;
}

#[tokio::test]
async fn failures_expire_one_by_one() {
    on_site(async |site, valkey| {
        let servers: [_; 1] = site.servers(valkey).await;
        let [server] = &servers;
        for _ in 0..4 {
            settle(&**server, reserved(&**server).await, WRONG).await;
            site.later(valkey, 60_000, &servers).await;
        }
        let BudgetReply::ReachedByFailures(wait) = reserve(&**server, 4).await else {
            panic!("it is reached")
        };
        let expected = Duration::from_secs(11 * 60);
        assert!(wait <= expected && wait > expected - Duration::from_secs(30), "{wait:?}");
        site.later(valkey, 11 * 60_000, &servers).await;
        assert_eq!(failures(&**server).await, 1);
    })
    .await;
}

#[tokio::test]
async fn right_password_clears_failures_of_its_network_in_both() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        for _ in 0..3 {
            settle(&*server, reserved(&*server).await, WRONG).await;
        }
        let right = reserved(&*server).await;
        assert!(right.detail > 0, "Valkey had no room: {right:?}");
        settle(&*server, right, RIGHT).await;
        assert_eq!(failures(&*server).await, 4);
    })
    .await;
}

#[tokio::test]
async fn failure_of_proven_credentials_leaves_others_less() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        for _ in 0..2 {
            settle(&*server, reserved_in_valkey(&*server).await, WRONG).await;
        }
        let BudgetReply::Reserved(entry) = reserve(&*server, u32::MAX).await else { panic!("it is exempt") };
        settle(&*server, entry, WRONG).await;
        assert_eq!(failures(&*server).await, 1);
    })
    .await;
}

#[tokio::test]
async fn right_password_keeps_failures_from_elsewhere() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        for _ in 0..3 {
            settle(&*server, reserved(&*server).await, BudgetResult::Wrong(AWAY)).await;
            settle(&*server, reserved(&*server).await, RIGHT).await;
        }
        assert_eq!(failures(&*server).await, 1);
    })
    .await;
}

#[tokio::test]
async fn right_password_keeps_failures_since_it_was_reserved() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        let right = reserved_in_valkey(&*server).await;
        settle(&*server, reserved_in_valkey(&*server).await, WRONG).await;
        settle(&*server, right, RIGHT).await;
        assert_eq!(failures(&*server).await, 3);
        // The same for one that PostgreSQL reserved: Valkey was full before, and had room again.
        site.later(valkey, HOUR, &[Arc::clone(&server)]).await;
        let first = [reserved_in_valkey(&*server).await, reserved_in_valkey(&*server).await];
        let right = reserved(&*server).await;
        for entry in first {
            settle(&*server, entry, WRONG).await;
        }
        settle(&*server, right, RIGHT).await;
        assert_eq!(failures(&*server).await, 2);
    })
    .await;
}

#[tokio::test]
async fn killed_valkey_leaves_half_of_the_limit() {
    on_site(async |site, valkey| {
        let servers: [_; 2] = site.servers(valkey).await;
        let [one, other] = &servers;
        settle(&**one, reserved_in_valkey(&**one).await, WRONG).await;
        let lost = reserved_in_valkey(&**other).await;
        valkey.kill();
        assert!(one.settle(&mail(), &alice(), lost, WRONG).await.is_err());
        assert_eq!(failures(&**one).await + failures(&**other).await, 2);
        assert!(one.outage().is_some() && other.outage().is_some());
        // It has forgotten two: none is granted until they would not count any more.
        valkey.spawn();
        for server in &servers {
            server.look().await;
            assert_eq!(why(server), "");
            assert_eq!(failures(&**server).await, 0);
        }
        site.later(valkey, 14 * 60_000, &servers).await;
        assert_eq!(failures(&**one).await, 0);
        site.later(valkey, 2 * 60_000, &servers).await;
        reserved_in_valkey(&**other).await;
    })
    .await;
}

#[tokio::test]
async fn emptied_valkey_grants_nothing() {
    on_site(async |site, valkey| {
        for command in ["FLUSHALL", "FLUSHDB"] {
            let servers: [_; 2] = site.servers(valkey).await;
            let [one, other] = &servers;
            for _ in 0..2 {
                settle(&**one, reserved_in_valkey(&**one).await, WRONG).await;
            }
            valkey.command(&[command]);
            assert_eq!(failures(&**other).await, 2);
            assert_eq!(why(other), "what it counted may be gone");
            // One server begins a new generation; the other, which has not looked, does not count in it.
            other.look().await;
            assert_eq!(failures(&**one).await + failures(&**other).await, 0);
            site.later(valkey, HOUR, &servers).await;
        }
    })
    .await;
}

#[tokio::test]
async fn restart_with_older_data_is_noticed() {
    let (Some(site), Some(mut valkey)) = (Site::new().await, ValkeyServer::with(&["--save", ""])) else {
        return;
    };
    let [server] = site.servers(&valkey).await;
    assert_eq!(valkey.command(&["SAVE"]), "OK");
    for _ in 0..2 {
        settle(&*server, reserved_in_valkey(&*server).await, WRONG).await;
    }
    valkey.kill();
    valkey.spawn();
    let marker = valkey.command(&["GET", &format!("{}:generation", server.prefix)]);
    assert_eq!(marker.len(), 64, "it kept the marker and forgot the failures");
    server.look().await;
    server.look().await;
    assert_eq!(why(&server), "");
    assert_eq!(failures(&*server).await, 2);
    site.remove().await;
}

#[tokio::test]
async fn valkey_that_evicts_is_refused() {
    on_site(async |site, valkey| {
        let servers: [_; 1] = site.servers(valkey).await;
        let [server] = &servers;
        for policy in ["allkeys-lru", "volatile-ttl"] {
            settle(&**server, reserved_in_valkey(&**server).await, BudgetResult::Nothing).await;
            assert_eq!(valkey.command(&["CONFIG", "SET", "maxmemory-policy", policy]), "OK");
            server.look().await;
            assert_eq!(why(server), format!("found maxmemory-policy {policy}, expected noeviction"));
            assert_eq!(valkey.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]), "OK");
            // What it evicted meanwhile is missing.
            server.look().await;
            assert_eq!((why(server), failures(&**server).await), (String::new(), 2));
            site.later(valkey, HOUR, &servers).await;
        }
    })
    .await;
}

#[tokio::test]
async fn full_memory_leaves_half_of_the_limit() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        let entry = reserved_in_valkey(&*server).await;
        assert_eq!(valkey.command(&["CONFIG", "SET", "maxmemory", "1"]), "OK");
        settle(&*server, entry, WRONG).await;
        assert_eq!(failures(&*server).await, 2);
        server.look().await;
        assert!(why(&server).contains("OOM") || why(&server).contains("memory"), "{}", why(&server));
    })
    .await;
}

#[tokio::test]
async fn server_that_is_cut_off_does_not_exceed_the_limit() {
    on_site(async |site, valkey| {
        let [near] = site.servers(valkey).await;
        let far = site.unready(json!({ "url": "unix:/nowhere/valkey.sock" })).await;
        far.look().await;
        assert!(why(&far).contains("/nowhere/valkey.sock"), "{}", why(&far));
        let without = site.postgres().await;
        assert_eq!(failures(&*far).await, 2);
        assert_eq!(failures(&*without).await, 0, "a server without [valkey] counts with the others");
        assert_eq!(failures(&*near).await, 2);
        site.later(valkey, HOUR, &[Arc::clone(&near)]).await;
        assert_eq!(failures(&*near).await, 4);
        assert_eq!(failures(&*far).await + failures(&*without).await, 0);
    })
    .await;
}

#[tokio::test]
async fn site_that_has_stopped_using_valkey_counts_in_full() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        assert_eq!(failures(&*server).await, 4);
        let without = site.postgres().await;
        site.later(valkey, 14 * 60_000, &[]).await;
        assert_eq!(failures(&*without).await, 0);
        site.later(valkey, 3 * 60_000, &[]).await;
        assert_eq!(failures(&*without).await, 4);
    })
    .await;
}

#[tokio::test]
async fn two_valkeys_grant_nothing_together() {
    on_site(async |site, valkey| {
        let Some(second) = ValkeyServer::start() else { return };
        let servers: [_; 1] = site.servers(valkey).await;
        let [one] = &servers;
        let other = site.server(&second).await;
        // The generation is that of the second now; the first server relies on its own for a while.
        assert_eq!(failures(&**one).await, 4);
        assert_eq!(failures(&*other).await, 0);
        site.later(valkey, HOUR, &servers).await;
        assert_eq!(failures(&**one).await, 2);
        assert_eq!(failures(&*other).await, 0);
    })
    .await;
}

#[tokio::test]
async fn reservation_after_the_lease_is_refused() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        let session = server.session().unwrap();
        let key = server.key(&mail(), &alice());
        let reserve = async |marker: &str, lease| {
            let window = limit(4).per;
            session.connection.reserve(&key, (marker, lease), window, 2, 1).await.unwrap()
        };
        assert!(matches!(reserve(&session.marker, session.lease - HOUR).await, Granted::Lost));
        assert!(matches!(reserve("other", session.lease).await, Granted::Lost));
        assert!(matches!(reserve(&session.marker, session.lease).await, Granted::Reserved));
    })
    .await;
}

/// By the server's own clock too: that of Valkey may have been set back.
#[tokio::test]
async fn look_of_long_ago_is_not_relied_on() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        let session = server.session().unwrap();
        let looked = |looked| Session {
            connection: session.connection.clone(),
            marker: session.marker.clone(),
            age: session.age,
            looked,
            lease: session.lease,
        };
        assert!(looked(session.looked).counts(limit(4).per));
        assert!(!looked(session.looked - LEASE).counts(limit(4).per));
    })
    .await;
}

#[tokio::test]
async fn foreign_data_under_our_keys_is_not_believed() {
    on_site(async |site, valkey| {
        let servers: [_; 1] = site.servers(valkey).await;
        let [server] = &servers;
        let key = server.key(&mail(), &alice());
        for data in [&["SET", &key, "x"][..], &["LPUSH", &key, "x"], &["HSET", &key, "x", "y"]] {
            valkey.command(&["DEL", &key]);
            valkey.command(data);
            assert_eq!(failures(&**server).await, 2);
            server.look().await;
            assert_eq!((why(server), failures(&**server).await), (String::new(), 0));
            site.later(valkey, HOUR, &servers).await;
        }
        // Entries of others count: stricter.
        valkey.command(&["ZADD", &key, "9e15", "garbage", "9e15", "r", "9e15", "w"]);
        assert_eq!(failures(&**server).await, 2);
        // A marker that is none.
        let marker = format!("{}:generation", server.prefix);
        valkey.command(&["DEL", &key, &marker]);
        valkey.command(&["LPUSH", &marker, "x"]);
        server.look().await;
        server.look().await;
        assert_eq!(why(server), "");
    })
    .await;
}

#[tokio::test]
async fn frozen_valkey_is_waited_for_once() {
    on_site(async |site, valkey| {
        let [server] = site.servers(valkey).await;
        valkey.freeze(true);
        assert_eq!(failures(&*server).await, 2);
        assert_eq!(why(&server), "it did not answer in time");
        valkey.freeze(false);
        server.look().await;
        // What was reserved without an answer counts, and nothing was forgotten.
        assert_eq!((why(&server), failures(&*server).await), (String::new(), 1));
    })
    .await;
}

#[tokio::test]
async fn without_postgresql_nothing_is_granted_for_long() {
    on_site(async |site, valkey| {
        let accounts = site.accounts().await;
        let [server] = site.servers(valkey).await;
        let settings = serde_json::from_value(at(valkey)).unwrap();
        let lonely = ValkeyBudget::new(accounts.shared_budget().unwrap(), settings, &[7; 32]).unwrap();
        lonely.look().await;
        assert_eq!(why(&lonely), "");
        accounts.close().await;
        lonely.look().await;
        assert!(why(&lonely).starts_with("PostgreSQL does not confirm"), "{}", why(&lonely));
        assert!(lonely.reserve(&mail(), &alice(), limit(4)).await.is_err());
        drop(server);
    })
    .await;
}

#[tokio::test]
async fn valkey_over_tls_needs_the_right_authority_and_password() {
    const PASSWORD: &str = "Wonderland-1865";
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let port = free();
    let (Some(site), Some((_valkey, ca))) = (Site::new().await, ValkeyServer::encrypted(port, PASSWORD))
    else {
        return;
    };
    let url = format!("valkeys://127.0.0.1:{port}");
    let look = async |settings| {
        let server = site.unready(settings).await;
        server.look().await;
        (server.outage().is_none(), why(&server))
    };
    let (is_up, why) = look(json!({ "url": url, "ca_file": ca.file(), "password": PASSWORD })).await;
    assert!(is_up, "{why}");
    let (is_up, why) = look(json!({ "url": url, "ca_file": ca.file(), "password": "Wonderland-1866" })).await;
    assert!(!is_up && !why.contains("Wonderland"), "{why}");
    let (is_up, why) = look(json!({ "url": url, "ca_file": ca.file() })).await;
    assert!(!is_up && why.contains("uthentication"), "{why}");
    let other = user_backend_tests::Ca::new();
    let (is_up, why) = look(json!({ "url": url, "ca_file": other.file(), "password": PASSWORD })).await;
    assert!(!is_up && why.contains("certificate"), "{why}");
    let clear = format!("valkey://127.0.0.1:{port}");
    assert!(!look(json!({ "url": clear, "password": PASSWORD })).await.0);
    site.remove().await;
}

/// What should count: reservations and wrong passwords.
#[derive(Debug, Default)]
struct Reference {
    steps: u64,
    /// When it was reserved.
    reserved: Vec<(BudgetEntry, u64)>,
    /// The network, and when it was refused.
    wrong: Vec<(SourceHash, u64)>,
}

/// Random steps at three servers: the limit is never exceeded.
///
/// What is lost, cut off or restarted may only make it stricter.
#[tokio::test]
async fn random_steps_never_exceed_the_limit() {
    on_site(async |site, valkey| {
        for seed in 0..12 {
            let mut rng = Rng::new(seed);
            let servers: [_; 3] = site.servers(valkey).await;
            site.later(valkey, HOUR, &servers).await;
            let (mut reference, mut story) = (Reference::default(), Vec::new());
            for _ in 0..60 {
                reference.steps += 1;
                let server = &servers[rng.below(3)];
                let step = rng.below(20);
                story.push(step);
                match step {
                    0..8 => {
                        if let BudgetReply::Reserved(entry) = reserve(&**server, 4).await {
                            reference.reserved.push((entry, reference.steps));
                        }
                    }
                    8..14 if !reference.reserved.is_empty() => {
                        let (entry, at) = reference.reserved.swap_remove(rng.below(reference.reserved.len()));
                        let source = *rng.pick(&[HOME, AWAY]);
                        let result = *rng.pick(&[
                            BudgetResult::Wrong(source),
                            BudgetResult::Right(source),
                            BudgetResult::Nothing,
                        ]);
                        // An error leaves the reservation, which counts on: stricter.
                        let _ = server.settle(&mail(), &alice(), entry, result).await;
                        match result {
                            BudgetResult::Wrong(source) => reference.wrong.push((source, reference.steps)),
                            BudgetResult::Right(source) => {
                                reference.wrong.retain(|(other, when)| *other != source || *when > at);
                            }
                            BudgetResult::Nothing => {}
                        }
                    }
                    14 | 15 => server.look().await,
                    16 => drop(valkey.command(&["FLUSHALL"])),
                    17 => {
                        valkey.kill();
                        valkey.spawn();
                    }
                    18 => server.lost(server.session().as_ref(), &Unusable("cut off".to_owned())),
                    _ if rng.below(2) == 0 => {
                        site.later(valkey, 17 * 60_000, &servers).await;
                        reference.reserved.clear();
                        reference.wrong.clear();
                    }
                    _ => {}
                }
                let counted = reference.reserved.len() + reference.wrong.len();
                assert!(counted <= 4, "seed {seed}: {story:?}\n{reference:#?}");
            }
        }
    })
    .await;
}
