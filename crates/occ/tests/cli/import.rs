//! Taking over an existing installation: its database is made by hand, from the documented tables.

use accounts::{UserFilter, UserId};
use serde_json::Value;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::{Desk, Said};

/// `Wonderland-1` by PHP's `password_hash`, bcrypt, with the version in front.
const HASH: &str = "1|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa";

const CONFIG: &str = r"<?php
$CONFIG = [
  'dbtype' => 'sqlite3',
  'dbname' => 'owncloud',
  'datadirectory' => 'data',
  'user_backends' => [
    ['class' => '\OCA\UserExternal\IMAP', 'arguments' => ['mail.example.com', 993, 'ssl']],
    ['class' => 'OC_User_FTP', 'tls' => 'explicit', 'arguments' => ['files.example.com']],
  ],
];
";

const TABLES: &str = r#"
CREATE TABLE oc_users (uid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(64), password VARCHAR(255) NOT NULL DEFAULT '', uid_lower VARCHAR(64));
CREATE TABLE oc_groups (gid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(255) NOT NULL DEFAULT 'name');
CREATE TABLE oc_group_user (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_group_admin (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_users_external (backend VARCHAR(128), uid VARCHAR(64), displayname VARCHAR(64), PRIMARY KEY (uid, backend));
CREATE TABLE oc_accounts (uid VARCHAR(64) PRIMARY KEY, data CLOB);
CREATE TABLE oc_preferences (userid VARCHAR(64), appid VARCHAR(32), configkey VARCHAR(64), configvalue CLOB, PRIMARY KEY (userid, appid, configkey));
INSERT INTO oc_groups VALUES ('admin', 'admin'), ('staff', 'The Staff'), ('Ärzte & Co', 'Ärzte & Co'), (' odd', 'odd');
INSERT INTO oc_group_user VALUES ('admin', 'root'), ('staff', 'Alice'), ('Ärzte & Co', 'Alice'), ('staff', 'ingrid@example.com'), (' odd', 'root');
INSERT INTO oc_group_admin VALUES ('staff', 'Alice');
INSERT INTO oc_users_external VALUES ('mail.example.com', 'ingrid@example.com', 'Ingrid'), ('files.example.com', 'felix', NULL), ('gone.example.com', 'gunnar', NULL), ('files.example.com', 'ROOT', NULL);
INSERT INTO oc_accounts VALUES ('Alice', '{"displayname":{"value":"Alice Liddell","scope":"v2-federated"},"phone":{"value":"+441865276150","scope":"v2-private"},"website":{"value":"","scope":"v2-local"}}');
INSERT INTO oc_preferences VALUES ('Alice', 'settings', 'email', 'Alice@Example.com'), ('Alice', 'files', 'quota', '5 GB'), ('Alice', 'core', 'lang', 'de'), ('carol', 'core', 'enabled', 'false'), ('Alice', 'firstrunwizard', 'show', '0');
"#;

fn installation() -> Desk {
    let desk = Desk::with("config/config.php", CONFIG);
    std::fs::create_dir(desk.path().join("config/data")).unwrap();
    let users = format!(
        "INSERT INTO oc_users VALUES ('root', NULL, '{HASH}', 'root'), ('Alice', 'Alice Liddell', '{HASH}', 'alice'), \
         ('carol', NULL, '{HASH}', 'carol');"
    );
    desk.block_on(async {
        let path = desk.path().join("config/data/owncloud.db");
        let mut made =
            SqliteConnectOptions::new().filename(path).create_if_missing(true).connect().await.unwrap();
        made.execute(TABLES).await.unwrap();
        made.execute(AssertSqlSafe(users)).await.unwrap();
        made.close().await.unwrap();
    });
    desk
}

fn import(desk: &Desk, words: &[&str]) -> (Said, Value) {
    let said = desk.run(&[&["import:nextcloud", "--output=json"], words].concat());
    let json = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    (said, json)
}

fn source(desk: &Desk) -> Vec<u8> {
    std::fs::read(desk.path().join("config/data/owncloud.db")).unwrap()
}

#[test]
fn a_dry_run_tells_everything_and_writes_nothing() {
    let desk = installation();
    let before = source(&desk);
    let said = desk.run(&["import:nextcloud"]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
    insta::assert_snapshot!(said.out);
    assert!(!desk.path().join("config/user-backend.db").exists());
    assert_eq!(source(&desk), before);
}

#[test]
fn everybody_comes_with_all_that_belongs_to_them() {
    let desk = installation();
    let before = source(&desk);
    let (said, json) = import(&desk, &["--write"]);
    assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
    assert_eq!((&json["users"], &json["external_users"], &json["groups"]), (&3.into(), &2.into(), &2.into()));
    assert_eq!(source(&desk), before, "the source was written");
    insta::assert_snapshot!(desk.run(&["user:info", "alice"]).out, @r"
    - user_id: Alice
    - display_name: Alice Liddell
    - email: alice@example.com
    - cloud_id: Alice@127.0.0.1:8080
    - enabled: true
    - groups:
      - staff
      - Ärzte & Co
    - subadmin_of:
      - staff
    - quota: 5368709120
    - first_seen: never
    - last_seen: never
    - user_directory: /var/lib/user-backend/data/Alice
    - backend: local
    - storage:
      - quota: 5368709120
    ");
    assert_eq!(desk.run(&["user:list", "-d"]).out, "  - carol: carol\n");
    assert_eq!(
        desk.run(&["pin:list"]).out,
        "  - alice: local\n  - carol: local\n  - felix: ftp:files.example.com\n  - ingrid@example.com: \
         imap:mail.example.com\n  - root: local\n"
    );
    let settings = accounts::StoreSettings::sqlite(desk.path().join("config/user-backend.db"));
    let accounts = desk.block_on(accounts::Accounts::open(&settings)).unwrap();
    let alice = UserId::parse("alice").unwrap();
    let kept = desk.block_on(accounts.passwords().find(&alice)).unwrap().unwrap();
    assert_eq!(kept.hash.expose(), HASH);
    // She signs in as before, and the hash is made anew.
    let mut login = desk.command(&["backend:login", "alice", "--password-from-env"]);
    let said = Said::of(&login.env("OC_PASS", "Wonderland-1").output().unwrap());
    assert!(said.code == 0 && said.out.starts_with("alice is authenticated by local"), "{said:?}");
    let kept = desk.block_on(accounts.passwords().find(&alice)).unwrap().unwrap();
    assert!(kept.hash.expose().contains("argon2id"), "the old hash is still there");
    let details = desk.block_on(accounts.users().details(&alice)).unwrap();
    assert!(format!("{:?}", details.profile).contains("+441865276150"), "{details:?}");
}

#[test]
fn an_import_that_was_interrupted_goes_on_and_one_that_is_done_changes_nothing() {
    let desk = installation();
    import(&desk, &["--write"]);
    assert_eq!(desk.run(&["user:delete", "felix"]).code, 0);
    assert_eq!(desk.run(&["user:setting", "alice", "settings", "email", "new@example.com"]).code, 0);
    let (_, json) = import(&desk, &["--write", "--backend", "gone.example.com=imap:mail.example.com"]);
    assert_eq!((&json["users"], &json["external_users"]), (&0.into(), &2.into()), "felix again, and gunnar");
    assert_eq!((&json["users_there_already"], &json["groups_there_already"]), (&4.into(), &3.into()));
    let mail = desk.run(&["user:setting", "alice", "settings", "email"]).out;
    assert_eq!(mail, "new@example.com\n");
    let accounts = accounts::StoreSettings::sqlite(desk.path().join("config/user-backend.db"));
    let accounts = desk.block_on(accounts::Accounts::open(&accounts)).unwrap();
    assert_eq!(desk.block_on(accounts.users().count(&UserFilter::new())).unwrap(), 6);
}

#[test]
fn what_cannot_be_read_is_told_and_nothing_is_made() {
    let desk = Desk::with_store();
    assert!(desk.run(&["import:nextcloud"]).fails(2).contains("is no config.php"));
    for (text, words) in [
        ("'dbtype' => 'mysql',", "others cannot be read yet"),
        ("'dbtype' => 'sqlite3',", "datadirectory"),
        (
            "'dbtype' => 'sqlite3', 'datadirectory' => '/nowhere',",
            "there is no database /nowhere/owncloud.db",
        ),
        ("'dbtype' => 'sqlite3', 'datadirectory' => '.', 'dbtableprefix' => 'x; DROP',", "letters, digits"),
    ] {
        desk.write("config/config.php", &format!("<?php $CONFIG = [{text}];"));
        let said = desk.run(&["import:nextcloud", "--from", "config/config.php", "--write"]);
        assert!(said.fails(2).contains(words), "{text}: {said:?}");
    }
    let port = crate::closed_port();
    desk.write(
        "config/config.php",
        &format!("<?php $CONFIG = ['dbtype' => 'pgsql', 'dbhost' => '127.0.0.1:{port}', 'dbname' => 'x', 'dbuser' => 'x'];"),
    );
    desk.run(&["import:nextcloud", "--from", "config/config.php", "--write"]).fails(3);
    assert!(!desk.path().join("user-backend.db").exists());
}

/// The same tables on PostgreSQL, and the store there too. `cargo xtask test` starts the server.
#[test]
fn an_installation_on_postgresql_comes_the_same_way() {
    let Ok(server) = std::env::var("ACCOUNTS_POSTGRES") else {
        assert!(std::env::var_os("RIG_REQUIRED").is_none(), "ACCOUNTS_POSTGRES is not set");
        eprintln!("skipped: no ACCOUNTS_POSTGRES");
        return;
    };
    let desk = Desk::new();
    let options: PgConnectOptions = server.parse().unwrap();
    let [theirs, ours] = ["theirs", "ours"].map(|name| format!("occ_{name}_{}", std::process::id()));
    let tables = TABLES.replace(" CLOB", " TEXT");
    let users = format!("INSERT INTO oc_users VALUES ('root', NULL, '{HASH}', 'root')");
    let databases = [&theirs, &ours];
    desk.block_on(async {
        let mut admin = options.connect().await.unwrap();
        for name in databases {
            admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
        }
        let mut made = options.clone().database(&theirs).connect().await.unwrap();
        made.execute(AssertSqlSafe(tables)).await.unwrap();
        made.execute(AssertSqlSafe(users)).await.unwrap();
        made.close().await.unwrap();
    });
    let socket = options.get_socket().map(|path| path.display().to_string());
    let host = socket.unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()));
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let (base, _) = base.rsplit_once('/').unwrap();
    let config = CONFIG
        .replace("'sqlite3'", "'pgsql'")
        .replace(
            "'owncloud'",
            &format!("'{theirs}', 'dbhost' => '{host}', 'dbuser' => '{}'", options.get_username()),
        )
        .replace(
            "$CONFIG = [",
            &format!("$CONFIG = ['user_backends_store' => ['url' => '{base}/{ours}?{query}'],"),
        );
    desk.write("config/config.php", &config);
    let (said, json) = import(&desk, &["--write"]);
    let list = desk.run(&["user:list"]).out;
    let again = import(&desk, &["--write"]).1;
    desk.block_on(async {
        let mut admin = options.connect().await.unwrap();
        for name in databases {
            admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
        }
    });
    assert_eq!(
        (&json["users"], &json["external_users"], said.err.as_str()),
        (&1.into(), &2.into(), ""),
        "{said:?}"
    );
    assert_eq!(list, "  - felix: felix\n  - ingrid@example.com: Ingrid\n  - root: root\n");
    assert_eq!((&again["users"], &again["users_there_already"]), (&0.into(), &3.into()));
}
