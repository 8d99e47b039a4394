//! Users of mail and file servers: each keeps the account, or the dry run says why not.
//!
//! The stored names of backends are those that the PHP app (user_external 4.0.0, and the versions
//! with mailbox strings) writes.

use serde_json::Value;

use super::installation::{HASH, Installation, Kind};
use super::servers::{self, ProvisioningServer};
use crate::{CliOutput, OccFixture};

const TABLES: &str = r"
CREATE TABLE oc_users (uid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(64), password VARCHAR(255) NOT NULL DEFAULT '');
CREATE TABLE oc_groups (gid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(255) NOT NULL DEFAULT 'name');
CREATE TABLE oc_group_user (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_group_admin (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_users_external (backend VARCHAR(128) NOT NULL DEFAULT '', uid VARCHAR(64) NOT NULL DEFAULT '', displayname VARCHAR(64), PRIMARY KEY (uid, backend));
CREATE TABLE oc_preferences (userid VARCHAR(64), appid VARCHAR(32), configkey VARCHAR(64), configvalue TEXT, PRIMARY KEY (userid, appid, configkey));
";

/// An SQLite installation with these backends, external users and further statements.
///
/// Users are (backend, uid).
pub(super) fn installation(backends: &str, people: &[(&str, &str)], more: &str) -> Installation {
    let rows: String = people
        .iter()
        .map(|(backend, uid)| format!("INSERT INTO oc_users_external VALUES ('{backend}', '{uid}', NULL);\n"))
        .collect();
    let installation = Installation::with(Kind::Sqlite, &format!("{TABLES}{rows}{more}")).unwrap();
    installation.backends(backends);
    installation
}

/// The pins after an import.
fn pins(occ: &OccFixture) -> Vec<(String, String)> {
    let output = occ.run(&["pin:list", "--output=json"]);
    let json: Value = serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{output:?}"));
    let pins = json.as_object().unwrap().iter();
    pins.map(|(name, owner)| (name.clone(), owner.as_str().unwrap().to_owned())).collect()
}

fn problems(json: &Value) -> Vec<&str> {
    json["problems"].as_array().unwrap().iter().map(|problem| problem.as_str().unwrap()).collect()
}

#[test]
fn backends_are_found_by_what_the_app_stores() {
    let backends = "
        ['class' => '\\OCA\\UserExternal\\IMAP', 'id' => 'mail', 'arguments' => ['mail.example.com', 993, 'ssl']],
        ['class' => 'OC_User_IMAP', 'id' => 'old', 'arguments' => ['{old.example.com:993/imap/ssl}']],
        ['class' => 'OC_User_IMAP', 'id' => 'six', 'arguments' => ['[2001:db8::1]', 993, 'ssl']],
        ['class' => '\\OCA\\UserExternal\\FTP', 'id' => 'clear', 'arguments' => ['127.0.0.1:2121']],
        ['class' => '\\OCA\\UserExternal\\FTP', 'id' => 'files', 'arguments' => ['files.example.com', true]],
        ['class' => '\\OCA\\UserExternal\\FTP', 'id' => 'mail-ftp', 'arguments' => ['mail.example.com', true]],
        ['class' => '\\OCA\\UserExternal\\FTP', 'id' => 'files-2122', 'arguments' => ['files.example.com:2122', true]],
        ['class' => '\\OCA\\UserExternal\\SMB', 'engine' => 'native', 'id' => 'office', 'arguments' => ['office.example.com']],
        ['class' => '\\OCA\\UserExternal\\WebDavAuth', 'id' => 'dav', 'arguments' => ['https://office.example.com/dav']],
        ['class' => '\\OCA\\UserExternal\\BasicAuth', 'id' => 'basic', 'arguments' => ['https://office.example.com/']],
        ['class' => '\\OCA\\UserExternal\\SSH', 'id' => 'shell', 'known_hosts' => 'hosts', 'arguments' => ['shell.example.com', 2222]],
    ";
    let people = [
        ("https://office.example.com/dav", "dora"),
        ("https://office.example.com/", "bert"),
        ("shell.example.com", "sol"),
        ("mail.example.com", "ingrid@example.com"),
        ("{old.example.com:993/imap/ssl}", "olga"),
        ("[2001:db8::1]", "sixta"),
        ("ftp://127.0.0.1:2121", "felix"),
        ("ftps://files.example.com", "fiona"),
        ("ftps://mail.example.com", "frida"),
        ("ftps://files.example.com:2122", "Fred"),
        ("office.example.com", "sam"),
    ];
    let installation = installation(backends, &people, "");
    let (output, json) = installation.import(&["--write"]);
    assert_eq!((output.code, problems(&json)), (0, Vec::new()), "{output:?}");
    let found = pins(&installation.occ);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, owner)| (&**name, &**owner)).collect();
    assert_eq!(
        found,
        [
            ("bert", "basic"),
            ("dora", "dav"),
            ("felix", "clear"),
            ("fiona", "files"),
            ("fred", "files-2122"),
            ("frida", "mail-ftp"),
            ("ingrid@example.com", "mail"),
            ("olga", "old"),
            ("sam", "office"),
            ("sixta", "six"),
            ("sol", "shell"),
        ]
    );
}

/// Two entries for two domains of one host.
const TWO_DOMAINS: &str = "
    ['class' => 'OC_User_IMAP', 'id' => 'one', 'arguments' => ['mail.example.com', 993, 'ssl', 'one.example', false]],
    ['class' => 'OC_User_IMAP', 'id' => 'two', 'arguments' => ['mail.example.com', 993, 'ssl', 'two.example', false]],
";

#[test]
fn two_entries_of_one_host_differ_by_domain() {
    let people = [
        ("mail.example.com", "anna@one.example"),
        ("mail.example.com", "bert@two.example"),
        ("mail.example.com", "carl@three.example"),
        ("renamed.example.com", "dora@two.example"),
    ];
    let installation = installation(TWO_DOMAINS, &people, "");
    let names = ["--backend", "renamed.example.com=one", "--backend", "renamed.example.com=two"];
    let (_, json) = installation.import(&[&["--write"], &names[..]].concat());
    let found = pins(&installation.occ);
    let owner = |name: &str| found.iter().find(|(known, _)| known == name).map(|(_, owner)| owner.as_str());
    assert_eq!(owner("anna@one.example"), Some("one"));
    assert_eq!(owner("bert@two.example"), Some("two"));
    assert_eq!(owner("dora@two.example"), Some("two"));
    assert_eq!(owner("carl@three.example"), None);
    let messages = problems(&json);
    assert!(
        messages[0].starts_with("carl@three.example: several backends of the configuration"),
        "{messages:?}"
    );
}

#[test]
fn map_file_decides_user_by_user() {
    let people = [
        ("mail.example.com", "carl@three.example"),
        ("gone.example.com", "gunnar"),
        ("gone.example.com", "greta"),
        ("files.example.com", "CORP\\sam"),
    ];
    let more = format!("INSERT INTO oc_users VALUES ('lena', 'Lena', '{HASH}');");
    let backends = format!(
        "{TWO_DOMAINS}['class' => 'OC_User_SMB', 'engine' => 'native', 'id' => 'office', 'arguments' => ['files.example.com']],"
    );
    let installation = installation(&backends, &people, &more);
    let occ = &installation.occ;
    occ.write(
        "decisions.toml",
        "'carl@three.example' = { id = \"carl@two.example\" }\ngunnar = false\ngreta = \"local\"\n\
         'CORP\\sam' = { id = \"sam\" }\nlena = \"office\"\nnora = false\n",
    );
    let (output, json) = installation.import(&["--write", "--map", "decisions.toml"]);
    assert_eq!(problems(&json), ["--map decides about \"nora\", who is no user there"], "{output:?}");
    assert_eq!(json["users_left_out"], 1);
    let found = pins(occ);
    let found: Vec<(&str, &str)> = found.iter().map(|(name, owner)| (&**name, &**owner)).collect();
    let expected = [("carl@two.example", "two"), ("greta", "local"), ("lena", "office"), ("sam", "office")];
    assert_eq!(found, expected);
    occ.write("decisions.toml", "lena = \"nowhere\"");
    let output = occ.run(&["import:nextcloud", "--map", "decisions.toml"]);
    assert!(output.fails(2).contains("\"lena\": there is no backend \"nowhere\""), "{output:?}");
}

#[test]
fn users_without_sign_in_are_reported_with_reason() {
    let backends = "
        ['class' => 'OC_User_IMAP', 'id' => 'mail', 'arguments' => ['mail.example.com', 993, 'ssl', 'example.com', false]],
        ['class' => 'OC_User_SMB', 'engine' => 'native', 'id' => 'office', 'arguments' => ['office.example.com']],
    ";
    let people = [
        ("mail.example.com", "guest@example.com"),
        ("mail.example.com", "hugo@other.example"),
        ("office.example.com", "Sam"),
        ("office.example.com", "sue@office.example"),
        ("office.example.com", "a:b"),
        ("gone.example.com", "gunnar"),
        ("office.example.com", "two  blanks"),
    ];
    let installation = installation(backends, &people, "");
    let (_, dry) = installation.import(&[]);
    let (_, json) = installation.import(&["--write"]);
    assert_eq!(dry["problems"], json["problems"]);
    insta::assert_snapshot!(format!("{:#}", json["problems"]));
    assert_eq!(json["external_users"], 5, "they are imported all the same");
}

/// What the files and mail servers of the next test know.
const FILES: servers::Known = &[
    ("Felix", "pass felix"),
    ("dora", "pass dora"),
    ("emil", "pass emil"),
    ("gone", "pass gone"),
    ("ldap", "pass ldap"),
];
const MAIL: servers::Known =
    &[("mia@example.com", "pass mia"), ("dirk@example.com", "pass dirk"), ("gone@example.com", "pass gone")];

#[test]
fn imported_users_keep_accounts_and_disabled_ones_stay_out() {
    let more = "
        INSERT INTO oc_groups VALUES ('staff', 'staff');
        INSERT INTO oc_group_user VALUES ('staff', 'Felix'), ('staff', 'mia');
        INSERT INTO oc_preferences VALUES
          ('dora', 'core', 'enabled', 'false'), ('gone', 'core', 'enabled', 'false'), ('dirk', 'core', 'enabled', 'false'),
          ('ldap', 'core', 'enabled', 'false'), ('mia', 'core', 'enabled', 'true');";
    let installation = installation("", &[], more);
    let occ = &installation.occ;
    let (files, mail) = (servers::ftp(occ, FILES, false), servers::imap(occ, MAIL, false));
    let backend = format!("ftp://127.0.0.1:{files}");
    let rows: String = [
        (&*backend, "Felix"),
        (&backend, "dora"),
        ("127.0.0.1", "mia"),
        ("127.0.0.1", "dirk"),
        ("ftp://elsewhere", "gone"),
    ]
    .iter()
    .map(|(backend, uid)| format!("INSERT INTO oc_users_external VALUES ('{backend}', '{uid}', NULL);"))
    .collect();
    occ.block_on(super::installation::sqlite(&installation.file(), &rows));
    installation.backends(&format!(
        "['class' => 'OC_User_FTP', 'id' => 'files', 'arguments' => ['127.0.0.1:{files}']],
         ['class' => 'OC_User_IMAP', 'id' => 'mail', 'arguments' => ['127.0.0.1', {mail}, null, 'example.com', true]],"
    ));
    let (output, json) = installation.import(&["--write"]);
    let messages = problems(&json);
    assert_eq!(messages.len(), 2, "{output:?}");
    assert!(messages[0].starts_with("gone: ") && messages[0].ends_with("to stay out"), "{messages:?}");
    assert!(messages[1].starts_with("ldap is disabled there"), "{messages:?}");
    let server = ProvisioningServer::start(occ);
    for (name, password, id) in [
        // The server is case-sensitive, and accepts the stored spelling.
        ("felix", "pass felix", Ok("Felix")),
        ("Felix", "pass felix", Ok("Felix")),
        ("mia", "pass mia", Ok("mia")),
        ("mia@example.com", "pass mia", Ok("mia")),
        // New, and not disabled anywhere.
        ("emil", "pass emil", Ok("emil")),
        ("Felix", "wrong", Err(401)),
        ("dora", "pass dora", Err(401)),
        ("dirk", "pass dirk", Err(401)),
        ("dirk@example.com", "pass dirk", Err(401)),
        ("gone", "pass gone", Err(401)),
        ("ldap", "pass ldap", Err(401)),
    ] {
        let found = server.sign_in(name, password);
        assert_eq!(found.as_deref().map_err(|status| *status), id, "{name}");
    }
    for id in ["Felix", "mia"] {
        let info = occ.run(&["user:info", id]).out;
        assert!(info.contains("    - staff\n"), "{info}");
    }
}

#[test]
fn user_disabled_there_and_enabled_here_is_reported() {
    let more = "INSERT INTO oc_preferences VALUES ('ingrid', 'core', 'enabled', 'false');";
    let backends = "['class' => 'OC_User_FTP', 'id' => 'files', 'arguments' => ['files.example.com', true]],";
    let installation = installation(backends, &[("ftps://files.example.com", "ingrid")], more);
    installation.import(&["--write"]);
    assert_eq!(installation.occ.run(&["user:enable", "ingrid"]).code, 0);
    let (output, json) = installation.import(&["--write"]);
    assert_eq!(problems(&json), ["ingrid is disabled there and not here; occ user:disable"], "{output:?}");
}

#[test]
fn user_of_several_backends_is_of_the_first_in_the_array() {
    let backends = "
        ['class' => 'OC_User_SMB', 'engine' => 'native', 'id' => 'office', 'arguments' => ['office.example.com']],
        ['class' => 'OC_User_FTP', 'id' => 'files', 'arguments' => ['files.example.com', true]],
    ";
    let people = [("ftps://files.example.com", "anna"), ("office.example.com", "anna")];
    let installation = installation(backends, &people, "");
    let (_, json) = installation.import(&["--write"]);
    assert_eq!(problems(&json), ["anna is at several backends there; the first of them counts"]);
    assert_eq!(pins(&installation.occ), [("anna".to_owned(), "office".to_owned())]);
}

/// A source of another kind, or one that is half there.
#[test]
fn odd_source_rows_are_reported_and_the_rest_imported() {
    let backends = "['class' => 'OC_User_FTP', 'id' => 'files', 'arguments' => ['files.example.com', true]],";
    let people = [("ftps://files.example.com", "ingrid")];
    let run = |statements: &str| -> (CliOutput, Installation) {
        let installation = installation(backends, &people, statements);
        let before = installation.bytes();
        let output = installation.occ.run(&["import:nextcloud", "--write", "--output=json"]);
        assert_eq!(installation.bytes(), before, "the source was written");
        (output, installation)
    };
    for (statements, words) in [
        ("DROP TABLE oc_users;", "does not say the users: it has no table oc_users"),
        ("DROP TABLE oc_preferences;", "does not say who is disabled: it has no table oc_preferences"),
        ("ALTER TABLE oc_preferences DROP COLUMN configvalue;", "oc_preferences has no column configvalue"),
    ] {
        // SQLite keeps a column of a key; another table takes its place.
        let statements = statements.replace(
            "ALTER TABLE oc_preferences DROP COLUMN configvalue;",
            "DROP TABLE oc_preferences; CREATE TABLE oc_preferences (userid TEXT, appid TEXT, configkey TEXT);",
        );
        let (output, installation) = run(&statements);
        assert!(output.fails(2).contains(words), "{statements}: {output:?}");
        assert!(!installation.is_store_made() || installation.occ.run(&["user:list"]).out.is_empty());
    }
    for (statements, words) in [
        ("DROP TABLE oc_group_user;", "does not say who is in which group: it has no table oc_group_user"),
        ("DROP TABLE oc_groups;", "does not say the groups"),
        ("DROP TABLE oc_group_admin; CREATE TABLE oc_group_admin (other TEXT);", "has no column uid"),
        ("CREATE TABLE oc_accounts (uid TEXT);", "the table oc_accounts has no column data"),
        (
            "INSERT INTO oc_users_external VALUES (x'ff', 'blob', x'ff');",
            "blob: no backend of the configuration is",
        ),
        (
            "INSERT INTO oc_users_external VALUES ('', '', '');",
            "1 rows of external users have no id of their own",
        ),
    ] {
        let (output, installation) = run(statements);
        let json: Value =
            serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{statements}: {output:?}"));
        assert_eq!((output.code, &json["external_users"]), (1, &1.into()), "{statements}: {output:?}");
        let messages = problems(&json);
        assert!(messages.iter().any(|problem| problem.contains(words)), "{statements}: {messages:?}");
        assert_eq!(pins(&installation.occ).len(), 1);
    }
}

#[test]
fn damaged_table_of_disabled_users_stops_the_import() {
    // A view over a function that fails in the middle stands for pages that cannot be read.
    let fails = "CREATE TABLE rows (userid TEXT); INSERT INTO rows VALUES ('ingrid'), ('x');";
    let view = |table: &str, columns: &str| {
        format!("{fails} DROP TABLE {table}; CREATE VIEW {table} AS SELECT {columns} FROM rows;")
    };
    let backends = "['class' => 'OC_User_FTP', 'id' => 'files', 'arguments' => ['files.example.com', true]],";
    let people = [("ftps://files.example.com", "ingrid")];
    let broken = "CASE userid WHEN 'x' THEN json_extract('{', '$') ELSE 'false' END";
    let columns = format!("userid, 'core' AS appid, 'enabled' AS configkey, {broken} AS configvalue");
    let installation1 = installation(backends, &people, &view("oc_preferences", &columns));
    let output = installation1.occ.run(&["import:nextcloud", "--write"]);
    assert!(output.fails(3).contains("table oc_preferences"), "{output:?}");
    let columns = format!("userid AS uid, {broken} AS gid");
    let installation2 = installation(backends, &people, &view("oc_group_user", &columns));
    let (output, json) = installation2.import(&["--write"]);
    assert_eq!(json["external_users"], 1, "{output:?}");
    assert!(
        problems(&json)[0].starts_with("the table oc_group_user cannot be read to its end"),
        "{output:?}"
    );
}
