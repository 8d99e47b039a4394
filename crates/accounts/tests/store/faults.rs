//! Errors are clear, and nothing is partially written.

use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use accounts::{
    Accounts, AccountsError, ActingAccounts, NewUser, ProfileField, ProfileValue, StoreSettings, StoredHash,
    UserFilter,
};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, Executor, PgConnection, Row, SqliteConnection};

use crate::test_db::{STEPS, TestDb, group, on_both, user};

fn whole(n: usize) -> NewUser {
    NewUser::new(user(&format!("user{n}")))
        .group(group("staff"))
        .password(StoredHash::new("x"))
        .profile(ProfileValue::parse(ProfileField::Biography, &"b".repeat(1500)).unwrap(), None)
}

/// Every user there is was created whole.
async fn all_are_whole(accounts: &ActingAccounts) -> u64 {
    let page = accounts.users().details_page(&UserFilter::new()).await.unwrap();
    for details in &page.items {
        assert_eq!(details.groups, [group("staff")], "{}", details.user.id);
        assert!(details.profile.value(ProfileField::Biography).is_some(), "{}", details.user.id);
        assert!(accounts.passwords().find(&details.user.id).await.unwrap().is_some(), "{}", details.user.id);
        assert!(
            accounts.pins().owner(details.user.id.name()).await.unwrap().is_some(),
            "{}",
            details.user.id
        );
    }
    let number = page.items.len() as u64;
    assert_eq!(accounts.pins().count().await.unwrap(), number);
    number
}

#[tokio::test]
async fn non_database_file_is_refused_unchanged() {
    let db = TestDb::sqlite();
    let path = db.folder().join("letters.db");
    for content in ["Dear Frank".to_owned(), "x".repeat(10_000), "SQLite format 3\0".to_owned()] {
        fs::write(&path, &content).unwrap();
        let error = Accounts::open(&StoreSettings::sqlite(&path)).await.unwrap_err();
        assert_eq!(error.to_string(), "the store cannot be read: the file is no SQLite database");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
    let folder = Accounts::open(&StoreSettings::sqlite(db.folder())).await.unwrap_err();
    assert!(matches!(folder, AccountsError::Unavailable { .. }), "{folder}");
    let nowhere = Accounts::open(&StoreSettings::sqlite(db.folder().join("no/where.db"))).await.unwrap_err();
    assert!(nowhere.to_string().ends_with("where.db: No such file or directory (os error 2)"), "{nowhere}");
}

#[tokio::test]
async fn database_of_another_program_is_unchanged() {
    for own in
        ["CREATE TABLE oc_users (uid TEXT)", "PRAGMA application_id = 17; CREATE TABLE users (uid TEXT)"]
    {
        let db = TestDb::sqlite();
        let path = db.settings.path().unwrap();
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let mut other = SqliteConnection::connect_with(&options).await.unwrap();
        other.execute(own).await.unwrap();
        other.close().await.unwrap();
        let before = fs::read(path).unwrap();
        let error = Accounts::open(&db.settings).await.unwrap_err();
        assert!(matches!(error, AccountsError::Foreign { .. }), "{error}");
        assert_eq!(fs::read(path).unwrap(), before);
        assert_eq!(fs::read_dir(db.folder()).unwrap().count(), 1);
    }
}

#[tokio::test]
async fn damaged_database_is_reported() {
    let db = TestDb::sqlite();
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    for n in 0..50 {
        accounts.users().create(whole(n)).await.unwrap();
    }
    accounts.close().await;
    let path = db.settings.path().unwrap();
    let mut bytes = fs::read(path).unwrap();
    bytes[4096..].fill(0x5a);
    fs::write(path, bytes).unwrap();
    let error = match Accounts::open(&db.settings).await {
        Err(error) => error,
        Ok(accounts) => accounts.users().page(&UserFilter::new()).await.unwrap_err(),
    };
    assert_eq!(error.to_string(), "the store cannot be read: the file is damaged");
}

#[tokio::test]
async fn full_disk_leaves_nothing_half_written() {
    let db = TestDb::sqlite();
    let settings = db.settings.clone().with_sqlite_page_limit(150);
    let accounts = Accounts::open(&settings).await.unwrap().as_system();
    accounts.groups().create(&group("staff"), None).await.unwrap();
    let mut made = 0;
    let error = loop {
        match accounts.users().create(whole(made)).await {
            Ok(_) => made += 1,
            Err(error) => break error,
        }
        assert!(made < 10_000);
    };
    assert_eq!(error, AccountsError::Full);
    assert_eq!(all_are_whole(&accounts).await, made as u64);
    assert_eq!(accounts.users().find(&user(&format!("user{made}"))).await.unwrap(), None);
    accounts.close().await;
    // With free space again, everything works.
    let accounts = db.open().await;
    accounts.users().create(whole(made)).await.unwrap();
    assert_eq!(all_are_whole(&accounts).await, made as u64 + 1);
}

/// The one who may only read; does nothing unless the next test started it.
#[tokio::test]
async fn reader() {
    let Ok(path) = env::var(READ_ONLY) else { return };
    let accounts = Accounts::open(&StoreSettings::sqlite(path)).await.unwrap().as_system();
    let error = accounts.users().create(whole(1)).await.unwrap_err();
    println!("reported: {error}; {} users", all_are_whole(&accounts).await);
}

const READ_ONLY: &str = "ACCOUNTS_READ_ONLY";

/// Root may write everywhere, so the reader is another user then.
#[cfg(unix)]
#[tokio::test]
async fn read_only_store_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::process::CommandExt;

    let db = TestDb::sqlite();
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    accounts.users().create(whole(0)).await.unwrap();
    accounts.close().await;
    let path = db.settings.path().unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o444)).unwrap();
    fs::set_permissions(db.folder(), fs::Permissions::from_mode(0o777)).unwrap();
    let me = fs::metadata("/proc/self").map_or(1, |me| std::os::unix::fs::MetadataExt::uid(&me));
    let mut reader = Command::new(env::current_exe().unwrap());
    reader.args(["faults::reader", "--exact", "--nocapture"]).env(READ_ONLY, path);
    if me == 0 {
        reader.uid(65_534);
    }
    let Ok(output) = reader.output() else {
        eprintln!("skipped: only root can run this program");
        return;
    };
    let output_text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output_text.contains("reported: the store is read-only; 1 users"), "{output_text}");
}

#[tokio::test]
async fn stuck_writer_is_waited_for_until_a_limit() {
    let db = TestDb::sqlite();
    let accounts = Accounts::open(&db.settings.clone().with_patience(Duration::from_millis(500)))
        .await
        .unwrap()
        .as_system();
    accounts.groups().create(&group("staff"), None).await.unwrap();
    let options = SqliteConnectOptions::new().filename(db.settings.path().unwrap());
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    other.execute("BEGIN IMMEDIATE").await.unwrap();
    let error = accounts.users().create(whole(0)).await.unwrap_err();
    assert_eq!(error.to_string(), "the store is unavailable: another process is writing and does not finish");
    // Reading still works.
    assert_eq!(accounts.users().count(&UserFilter::new()).await.unwrap(), 0);
    other.execute("ROLLBACK").await.unwrap();
    accounts.users().create(whole(0)).await.unwrap();
}

on_both! {
    async fn newer_schema_is_refused(db) {
        let accounts = db.open().await;
        accounts.close().await;
        db.raw("INSERT INTO accounts_schema (version, at) VALUES (999, 0)").await.unwrap();
        let error = Accounts::open(&db.settings).await.unwrap_err();
        assert!(matches!(error, AccountsError::NewerSchema { found: 999, .. }), "{error}");
        assert!(error.to_string().starts_with("the database has schema 999, this program knows "), "{error}");
    }

    async fn upgrade_from_every_schema_keeps_rows(db) {
        let (token, yes) = if db.is_sqlite() { ("X'01'", "1") } else { ("'\\x01'::bytea", "TRUE") };
        for version in 1..STEPS.len() {
            db.of_schema(version, &[("frank", None)]).await;
            let mut rows = vec![
                "UPDATE users SET generation = 7".to_owned(),
                format!("INSERT INTO app_passwords (user_key, name, token, created_at, wipe) \
                         SELECT key, 'phone', {token}, 1, {yes} FROM users"),
                "INSERT INTO credential_events (generation, name, at) VALUES (40, 'frank', 1)".to_owned(),
                "UPDATE generation SET value = 41".to_owned(),
            ];
            if version >= 2 {
                rows.push("INSERT INTO turns (scope, subject, at) VALUES ('reset', 'frank', 3)".to_owned());
            }
            if version >= 3 {
                rows.push("INSERT INTO forgiven_places (generation, place) VALUES (39, '192.0.2.1')".to_owned());
                rows.push("INSERT INTO servers (id, started_at, told_at, status) VALUES ('a', 1, 5, '{}')".to_owned());
            }
            let renamed = [
                ("SET generation", "SET credential_epoch"),
                ("wipe)", "wipe_requested)"),
                ("events (generation", "events (epoch"),
                ("UPDATE generation", "UPDATE credential_epoch"),
                ("INTO turns", "INTO rate_limit_events"),
                ("forgiven_places (generation, place)", "unblocked_sources (epoch, source)"),
                ("servers (id, started_at, told_at", "server_instances (id, started_at, reported_at"),
            ];
            for mut row in rows {
                if version >= 14 {
                    row = renamed.iter().fold(row, |row, (old, new)| row.replace(old, new));
                }
                db.raw(&row).await.unwrap();
            }
            for _ in 0..2 {
                let accounts = db.open().await;
                let filter = UserFilter::new().search("fr");
                assert_eq!(accounts.users().count(&filter).await.unwrap(), 1, "{version}");
                let app_passwords = accounts.app_passwords().list(&user("frank")).await.unwrap();
                assert_eq!(app_passwords.iter().map(|phone| phone.wipe).collect::<Vec<_>>(), [true], "{version}");
                accounts.close().await;
            }
            let steps = format!("SELECT COUNT(*) FROM accounts_schema WHERE version > {version}");
            assert_eq!(db.number(&steps).await, i64::try_from(STEPS.len() - version).unwrap(), "{version}");
            for (query, expected, since) in [
                ("SELECT credential_epoch FROM users", 7, 1),
                ("SELECT value FROM credential_epoch WHERE id = 1", 41, 1),
                ("SELECT epoch FROM credential_events WHERE name = 'frank'", 40, 1),
                ("SELECT at FROM rate_limit_events WHERE subject = 'frank'", 3, 2),
                ("SELECT epoch FROM unblocked_sources WHERE source = '192.0.2.1'", 39, 3),
                ("SELECT reported_at FROM server_instances WHERE id = 'a'", 5, 3),
            ] {
                if version >= since {
                    assert_eq!(db.number(query).await, expected, "{version}: {query}");
                }
            }
            // The database still raises the epoch where an app password ends.
            db.raw("DELETE FROM app_passwords").await.unwrap();
            let raised = "SELECT MAX(epoch) FROM credential_events WHERE name = 'frank'";
            assert_eq!(db.number(raised).await, 42, "{version}");
            db.clear().await;
        }
    }

    async fn opening_again_changes_nothing(db) {
        let accounts = db.open().await;
        accounts.users().create(NewUser::new(user("frank"))).await.unwrap();
        accounts.close().await;
        let accounts = db.open().await;
        assert!(accounts.users().find(&user("frank")).await.unwrap().is_some());
        assert!(accounts.groups().exists(&accounts::GroupId::admin()).await.unwrap());
        accounts.close().await;
        let closed = accounts.users().find(&user("frank")).await.unwrap_err();
        assert_eq!(closed.to_string(), "the store is unavailable: the store was closed");
    }
}

#[tokio::test]
async fn missing_server_is_reported_without_the_password() {
    let settings = StoreSettings::parse("postgres://frank:Wonderland-1@127.0.0.1:1/accounts").unwrap();
    assert!(!format!("{settings} {settings:?}").contains("Wonderland"));
    let error = Accounts::open(&settings.with_patience(Duration::from_millis(500))).await.unwrap_err();
    assert!(matches!(error, AccountsError::Unavailable { .. }), "{error}");
    assert!(!error.to_string().contains("Wonderland"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lost_connection_rolls_back_and_reconnects() {
    let Some(db) = TestDb::postgres().await else { return };
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    let mut other = db.connect().await;
    // The group is held, so the next create gets as far as joining it, and waits.
    other.execute("BEGIN").await.unwrap();
    other.execute("SELECT * FROM groups WHERE id = 'staff' FOR UPDATE").await.unwrap();
    let create = tokio::spawn({
        let accounts = accounts.clone();
        async move { accounts.users().create(whole(0)).await }
    });
    terminate(&db, "wait_event_type = 'Lock'").await;
    let error = create.await.unwrap().unwrap_err();
    assert!(error.is_transient(), "{error}");
    assert_eq!(accounts.users().find(&user("user0")).await.unwrap(), None);
    assert_eq!(accounts.pins().count().await.unwrap(), 0);
    other.execute("ROLLBACK").await.unwrap();
    // All idle connections die too, as when the server restarts, without effect.
    terminate(&db, "state = 'idle'").await;
    accounts.users().create(whole(0)).await.unwrap();
    assert_eq!(all_are_whole(&accounts).await, 1);
    db.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn broken_connections_lose_nothing_acknowledged() {
    let Some(db) = TestDb::postgres().await else { return };
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let accounts = accounts.clone();
            tokio::spawn(async move {
                let mut made = Vec::new();
                for n in 0..25 {
                    let n = writer * 100 + n;
                    match accounts.users().create(whole(n)).await {
                        Ok(user) => made.push(user.id),
                        Err(error) => assert!(error.is_transient(), "{error}"),
                    }
                }
                made
            })
        })
        .collect();
    let mut other = db.connect().await;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() \
                    AND pid <> pg_backend_pid() ORDER BY random() LIMIT 1";
        other.execute(kill).await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut acknowledged = 0;
    for writer in writers {
        for id in writer.await.unwrap() {
            assert!(accounts.users().find(&id).await.unwrap().is_some(), "{id}");
            acknowledged += 1;
        }
    }
    assert!(all_are_whole(&accounts).await >= acknowledged);
    db.remove().await;
}

/// Ends the server's side of our connections as soon as there are some of that kind.
async fn terminate(db: &TestDb, which: &str) {
    let mut other: PgConnection = db.connect().await;
    let kill = format!(
        "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() \
         AND application_name = 'user-backend' AND {which}"
    );
    loop {
        let row = other.fetch_one(sqlx::AssertSqlSafe(kill.clone())).await.unwrap();
        if row.get::<i64, _>(0) > 0 {
            return;
        }
        tokio::task::yield_now().await;
    }
}
