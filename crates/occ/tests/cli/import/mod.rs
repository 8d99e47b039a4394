//! Taking over an existing installation, from each of the databases that it may have.

mod external;
mod installation;
mod php_app;
mod servers;

use std::path::PathBuf;

use accounts::{Accounts, Timestamp, UserFilter, UserId};
use tokio::net::{TcpListener, UnixStream};

use crate::{CliOutput, OccFixture};
use installation::{HASH, Installation, Kind};

/// Writes a test for each database: `from_each! { fn name(installation) { .. } }`.
macro_rules! from_each {
    ($(fn $name:ident($installation:ident) $body:block)*) => {
        $(mod $name {
            #[allow(unused_imports, reason = "not every story needs all of it")]
            use super::*;

            fn story(kind: Kind) {
                if let Some($installation) = Installation::new(kind) $body
            }

            #[test]
            fn sqlite() {
                story(Kind::Sqlite);
            }

            #[test]
            fn postgres() {
                story(Kind::Postgres);
            }

            #[test]
            fn mysql() {
                story(Kind::Mysql);
            }
        })*
    };
}

from_each! {
    fn dry_run_lists_everything_and_writes_nothing(installation) {
        let before = installation.bytes();
        let output = installation.occ.run(&["import:nextcloud"]);
        assert_eq!((output.code, output.err.as_str()), (1, ""), "{output:?}");
        assert_eq!(output.out, DRY_RUN);
        assert!(!installation.is_store_made());
        assert_eq!(installation.bytes(), before);
    }

    fn users_are_imported_with_all_their_data(installation) {
        let before = installation.bytes();
        let occ = &installation.occ;
        let (output, json) = installation.import(&["--write"]);
        assert_eq!((output.code, output.err.as_str()), (1, ""), "{output:?}");
        assert_eq!((&json["users"], &json["external_users"], &json["groups"]), (&5.into(), &2.into(), &2.into()));
        assert_eq!(json["app_passwords_left_behind"], 2);
        assert_eq!(installation.bytes(), before, "the source was written");
        assert_eq!(occ.run(&["user:info", "alice"]).out, ALICE);
        assert_eq!(occ.run(&["user:list", "-d"]).out, "  - carol: carol\n");
        assert_eq!(
            occ.run(&["pin:list"]).out,
            "  - alice: local\n  - carol: local\n  - felix: ftp:files.example.com\n  - ingrid@example.com: \
             imap:mail.example.com\n  - older: local\n  - oldest: local\n  - root: local\n"
        );
        let accounts = installation.accounts();
        let seen = |id: &str| occ.block_on(accounts.users().get(&UserId::parse(id).unwrap())).unwrap();
        let at = |seconds: i64| Some(Timestamp::from_millis(seconds * 1000));
        for (id, first, last) in [
            ("alice", at(1_600_000_000), at(1_700_000_000)),
            ("felix", at(1_650_000_000), at(1_650_000_000)),
            ("carol", None, None),
        ] {
            assert_eq!((seen(id).first_login, seen(id).last_login), (first, last), "{id}");
        }
        let details = occ.block_on(accounts.users().details(&UserId::parse("alice").unwrap())).unwrap();
        assert!(format!("{:?}", details.profile).contains("+441865276150"), "{details:?}");
    }

    fn imported_users_sign_in_and_old_hashes_are_upgraded(installation) {
        let (_, json) = installation.import(&["--write"]);
        assert_eq!(json["users"], 5);
        let accounts = installation.accounts();
        for id in ["alice", "older", "oldest"] {
            let before = hash(&installation.occ, &accounts, id);
            assert!(!before.contains("argon2id"), "{before}");
            assert_eq!(sign_in(&installation.occ, id, "Wonderland-2").code, 1);
            assert_eq!(hash(&installation.occ, &accounts, id), before);
            let output = sign_in(&installation.occ, id, "Wonderland-1");
            assert!(output.code == 0 && output.out.starts_with(&format!("{id} is authenticated by local")), "{output:?}");
            assert!(hash(&installation.occ, &accounts, id).starts_with("$argon2id"), "{id}");
        }
        assert_eq!(hash(&installation.occ, &accounts, "root"), HASH);
        // The salt is a secret of the installation; it is nowhere in what administrators may look
        // at.
        let listed = installation.occ.run(&["config:list", "--private"]).out;
        assert!(!listed.contains("pepper"), "{listed}");
    }

    fn interrupted_import_continues_and_a_second_one_is_idempotent(installation) {
        let occ = &installation.occ;
        installation.import(&["--write"]);
        assert_eq!(occ.run(&["user:delete", "felix"]).code, 0);
        assert_eq!(occ.run(&["user:setting", "alice", "settings", "email", "new@example.com"]).code, 0);
        let (_, json) = installation.import(&["--write", "--backend", "gone.example.com=imap:mail.example.com"]);
        assert_eq!((&json["users"], &json["external_users"]), (&0.into(), &2.into()), "felix again, and gunnar");
        assert_eq!((&json["users_there_already"], &json["groups_there_already"]), (&6.into(), &3.into()));
        assert_eq!(occ.run(&["user:setting", "alice", "settings", "email"]).out, "new@example.com\n");
        assert_eq!(occ.block_on(installation.accounts().users().count(&UserFilter::new())).unwrap(), 8);
    }

    // Addresses of one user count as confirmed, and those of several users do not, in any order.
    fn addresses_of_several_users_are_not_confirmed_and_are_listed(installation) {
        let statements = "INSERT INTO oc_preferences VALUES ('carol', 'settings', 'email', 'shared@example.com'), \
                          ('older', 'settings', 'email', 'Shared@Example.com'), ('oldest', 'settings', 'email', 'SHARED@example.com');";
        match &installation.database {
            Some(database) => database.run(statements),
            None => installation.occ.block_on(installation::sqlite(&installation.file(), statements)),
        }
        let (_, dry) = installation.import(&[]);
        let (output, json) = installation.import(&["--write"]);
        let shared = serde_json::json!(["carol", "older", "oldest"]);
        assert_eq!((&dry["unconfirmed_addresses"], &json["unconfirmed_addresses"]), (&shared, &shared));
        assert_eq!(output.code, 1, "as without: {output:?}");
        let occ = &installation.occ;
        assert_eq!(occ.run(&["user:list", "--unconfirmed"]).out, "  - carol: carol\n  - older: older\n  - oldest: oldest\n");
        let info = occ.run(&["user:info", "carol"]).out;
        assert!(info.contains("- email: shared@example.com\n  - confirmed_email: \n"), "{info}");
        // An administrator says whose it is.
        assert_eq!(occ.run(&["user:setting", "older", "settings", "email", "shared@example.com"]).out, "");
        let output = occ.run(&["user:setting", "carol", "settings", "email", "shared@example.com"]);
        assert!(output.code == 0 && output.out.contains("is stored and not confirmed"), "{output:?}");
        assert_eq!(occ.run(&["user:list", "--unconfirmed"]).out, "  - carol: carol\n  - oldest: oldest\n");
    }

    fn large_installation_is_read_in_pages_completely(installation) {
        let database = installation.database.as_ref();
        let more = (0..403).map(|number| format!("('user {number}', 'x', 'backend')")).collect::<Vec<_>>().join(", ");
        let insert = |table: &str, columns: &str| format!("INSERT INTO {table} ({columns}) VALUES {more};");
        let statements = insert("oc_users", "uid, displayname, password")
            + &insert("oc_users_external", "uid, displayname, backend");
        match database {
            Some(database) => database.run(&statements),
            None => installation.occ.block_on(installation::sqlite(&installation.file(), &statements)),
        }
        let (_, json) = installation.import(&[]);
        assert_eq!(json["users"], 5 + 403, "{json}");
        let problems = json["problems"].as_array().unwrap();
        let unknown = problems.iter().filter(|text| text.as_str().unwrap().contains("no backend")).count();
        assert_eq!(unknown, 1 + 403, "gunnar, and they");
    }

    fn a_first_version_has_fewer_tables(installation) {
        let statements = "DROP TABLE oc_accounts; DROP TABLE oc_authtoken; DROP TABLE oc_users_external; \
                          ALTER TABLE oc_groups DROP COLUMN displayname;";
        match &installation.database {
            Some(database) => database.run(statements),
            None => installation.occ.block_on(installation::sqlite(&installation.file(), statements)),
        }
        let (_, json) = installation.import(&["--write"]);
        assert_eq!(
            (&json["users"], &json["external_users"], &json["groups"], &json["app_passwords_left_behind"]),
            (&5.into(), &0.into(), &2.into(), &0.into())
        );
    }
}

/// Broken rows after years of use: each is reported, and all others are imported.
#[test]
fn malformed_row_is_skipped_by_the_import() {
    let rows = format!(
        "INSERT INTO oc_users VALUES (NULL, NULL, 'x', NULL), ('', NULL, 'x', NULL), (x'626f62', NULL, 'x', NULL), \
         (CAST(x'66fe' AS TEXT), NULL, 'x', NULL), ('ALICE', NULL, '{HASH}', NULL), ('odd', NULL, '9|x', NULL), \
         ('zoe', 'Zoe', 12345, NULL); \
         INSERT INTO oc_users_external VALUES (NULL, 'xaver', NULL); \
         INSERT INTO oc_groups VALUES ('club', '{long}'); \
         INSERT INTO oc_group_user VALUES ('staff', 'ghost'), (NULL, 'zoe'); \
         INSERT INTO oc_group_admin VALUES ('nowhere', 'zoe'); \
         INSERT INTO oc_preferences VALUES ('zoe', 'settings', 'email', 'nowhere'), ('zoe', 'core', 'lang', 'fr'), \
         ('zoe', 'files', 'quota', 'much'), ('zoe', 'core', 'enabled', '0'), ('zoe', 'login', 'lastLogin', NULL);",
        long = "x".repeat(300),
    );
    let Some(installation) = Installation::new(Kind::Sqlite) else { return };
    // A table without a primary key, as SQLite's own have it, takes a NULL.
    installation.occ.block_on(installation::sqlite(&installation.file(), &rows));
    let before = installation.bytes();
    let (output, dry) = installation.import(&[]);
    assert_eq!(output.code, 1, "{output:?}");
    let (_, json) = installation.import(&["--write"]);
    assert_eq!(dry["problems"], json["problems"], "a dry run lists everything");
    insta::assert_snapshot!(format!("{:#}", json["problems"]));
    assert_eq!((&json["users"], &json["external_users"]), (&(5 + 2).into(), &2.into()));
    assert_eq!(installation.bytes(), before);
    let zoe = installation.occ.run(&["user:info", "zoe"]).out;
    assert!(zoe.contains("display_name: Zoe\n  - email: \n"), "{zoe}");
    assert!(zoe.contains("enabled: false") && zoe.contains("    - nowhere\n"), "{zoe}");
    assert_eq!(installation.occ.run(&["user:setting", "zoe", "core", "lang"]).out, "fr\n");
    assert!(installation.occ.run(&["user:info", "xaver"]).fails(1).contains("not found"));
}

const DRY_RUN: &str = "\
local users to be taken over:     5
external users to be taken over:  2
memberships to be taken over:     5
groups to be taken over:          2
there already: 0 users, 1 groups; left as they are
not taken over: 2 app passwords; they work with that installation only, so devices need new ones
problems: 4
  the group \" odd\" has an id that no group can have
  root: a member of \" odd\", which no group can be called
  ROOT of the backend ftp:files.example.com has the name of another user there
  gunnar: no backend of the configuration is \"gone.example.com\"; --backend 'gone.example.com=ID' names it
nothing was written; --write does it
";

const ALICE: &str = "  - user_id: Alice
  - display_name: Alice Liddell 🎩
  - email: alice@example.com
  - confirmed_email: alice@example.com
  - cloud_id: Alice@127.0.0.1:8080
  - enabled: true
  - groups:
    - staff
    - Ärzte & Co
  - subadmin_of:
    - staff
  - quota: 5 GB
  - first_seen: 2020-09-13T12:26:40+00:00
  - last_seen: 2023-11-14T22:13:20+00:00
  - user_directory: /var/lib/user-backend/data/Alice
  - backend: Database
  - storage:
    - quota: 5368709120
";

fn hash(occ: &OccFixture, accounts: &Accounts, id: &str) -> String {
    let kept = occ.block_on(accounts.passwords().find(&UserId::parse(id).unwrap())).unwrap();
    kept.unwrap().hash.expose().to_owned()
}

fn sign_in(occ: &OccFixture, id: &str, password: &str) -> CliOutput {
    let mut login = occ.command(&["backend:login", id, "--password-from-env"]);
    CliOutput::of(&login.env("OC_PASS", password).output().unwrap())
}

#[test]
fn unreadable_source_is_reported_and_nothing_is_created() {
    let occ = OccFixture::with_store();
    assert!(occ.run(&["import:nextcloud"]).fails(2).contains("is no config.php"));
    for (text, words) in [
        ("'dbtype' => 'oci',", "sqlite3, pgsql or mysql"),
        ("'dbtype' => 'sqlite3',", "datadirectory"),
        (
            "'dbtype' => 'sqlite3', 'datadirectory' => '/nowhere',",
            "there is no database /nowhere/owncloud.db",
        ),
        ("'dbtype' => 'sqlite3', 'datadirectory' => '.', 'dbtableprefix' => 'x; DROP',", "letters, digits"),
        ("'dbtype' => 'mysql', 'dbhost' => 'localhost:nowhere',", "host:port"),
    ] {
        occ.write("config/config.php", &format!("<?php $CONFIG = [{text}];"));
        let output = occ.run(&["import:nextcloud", "--from", "config/config.php", "--write"]);
        assert!(output.fails(2).contains(words), "{text}: {output:?}");
    }
    let port = crate::closed_port();
    for kind in ["pgsql", "mysql"] {
        occ.write(
            "config/config.php",
            &format!(
                "<?php $CONFIG = ['dbtype' => '{kind}', 'dbhost' => '127.0.0.1:{port}', 'dbname' => 'x', 'dbuser' => 'x'];"
            ),
        );
        occ.run(&["import:nextcloud", "--from", "config/config.php", "--write"]).fails(3);
    }
    assert!(!occ.has_store());
}

/// A port on loopback that leads to a socket: the server itself listens nowhere else.
fn port_to(occ: &OccFixture, socket: PathBuf) -> u16 {
    let listener = occ.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    occ.runtime.spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut server = UnixStream::connect(&socket).await.unwrap();
            tokio::spawn(async move {
                // The end of one side is the end.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    port
}

#[test]
fn mysql_uses_port_and_tls_of_the_driver_options() {
    let Some(installation) = Installation::new(Kind::Mysql) else { return };
    let (occ, socket) = (&installation.occ, installation.socket());
    let certificate = socket.parent().unwrap().join("cert.pem").display().to_string();
    let port = port_to(occ, socket);
    let found = |host: &str, options: &str| {
        installation.configure(&format!("{host}:{port}"), options);
        occ.run(&["import:nextcloud", "--output=json"])
    };
    assert_eq!(found("127.0.0.1", "").code, 1, "there are problems, so it was read");
    let output = found("localhost", "'dbdriveroptions' => [PDO::MYSQL_ATTR_INIT_COMMAND => 'SET x = 1'],");
    assert_eq!(output.code, 1, "{output:?}");
    assert_eq!(output.err, "warning: dbdriveroptions: PDO::MYSQL_ATTR_INIT_COMMAND is not used\n");
    let output = found("localhost", "'dbdriveroptions' => [PDO::MYSQL_ATTR_SSL_CA => getenv('CA')],");
    assert_eq!(output.code, 1, "{output:?}");
    assert!(
        output.err.starts_with("warning: dbdriveroptions is not used: it cannot be read\n"),
        "{output:?}"
    );

    let reader = installation.reader();
    installation.database.as_ref().unwrap().run(&format!("ALTER USER {reader}@localhost REQUIRE SSL"));
    for options in [
        String::new(),
        format!("PDO::MYSQL_ATTR_SSL_CA => '{certificate}'"),
        format!("\\Pdo\\Mysql::ATTR_SSL_CA => '{certificate}'"),
        format!("1009 => '{certificate}'"),
    ] {
        let output = found("localhost", &format!("'dbdriveroptions' => [{options}],"));
        assert_eq!((output.code, output.err.as_str()), (1, ""), "{options}");
    }
    // The certificate is for `localhost`, and self-signed.
    let options = format!("'dbdriveroptions' => [1009 => '{certificate}'],");
    assert!(found("127.0.0.1", &options).fails(2).contains("certificate"));
    let options = format!("'dbdriveroptions' => [1009 => '{certificate}', 1014 => false],");
    assert_eq!(found("127.0.0.1", &options).code, 1);
}

#[test]
fn database_login_failure_says_why() {
    for kind in [Kind::Mysql, Kind::Postgres] {
        let Some(installation) = Installation::new(kind) else { return };
        let host = installation.host();
        // What is said twice in a PHP array counts as it was said last; here it is an error, so the
        // first is renamed.
        for (setting, value, words) in
            [("dbname", "nowhere", "no database of that dbname"), ("dbuser", "stranger", "another dbuser")]
        {
            installation.configure(&host, "");
            let file = installation.occ.path().join("config/config.php");
            let text = std::fs::read_to_string(&file).unwrap();
            let text =
                text.replace(&format!("'{setting}' => "), &format!("'{setting}' => '{value}', 'was' => "));
            std::fs::write(&file, text).unwrap();
            let output = installation.occ.run(&["import:nextcloud"]);
            assert!(output.fails(2).contains(words), "{kind:?} {setting}: {output:?}");
            assert!(!output.err.contains("Reading-Glass"), "{output:?}");
        }
    }
}
