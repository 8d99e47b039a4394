//! Users that the PHP app stored: its classes sign them in, then they are imported.
//!
//! `USER_EXTERNAL` names a folder with the app; `cargo xtask differential` runs this.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use user_backend_tests::Rig;

use super::external::installation;
use super::servers::{self, Known, Server};
use crate::OccFixture;

/// The folder of the app; nothing, and said so, without it.
fn app() -> Option<PathBuf> {
    let app = std::env::var_os("USER_EXTERNAL").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    if app.is_none() {
        eprintln!("skipped: USER_EXTERNAL does not name a folder with nextcloud/user_external");
    }
    app
}

const MAIL: Known = &[
    ("alice@example.com", "pw-alice"),
    ("Bob@example.com", "pw-bob"),
    ("carol", "pw-carol"),
    ("dave@other.example", "pw-dave"),
    ("erin@example.com", "pw-erin"),
    ("x+tag@example.com", "pw-plus"),
    ("mary-jane.o@example.com", "pw-mary"),
];

const FILES: Known = &[
    ("alice", "pw-alice"),
    ("Bob", "pw-bob"),
    ("carol@example.com", "pw-carol"),
    ("dave", "pw-dave"),
    ("CORP\\erin", "pw-erin"),
];

/// What people type, in this order.
const TYPED: &[(&str, &str)] = &[
    ("alice", "pw-alice"),
    ("Alice@example.com", "pw-alice"),
    ("alice@example.com", "pw-alice"),
    ("Bob", "pw-bob"),
    ("Bob@example.com", "pw-bob"),
    ("carol", "pw-carol"),
    ("carol@example.com", "pw-carol"),
    ("dave", "pw-dave"),
    ("dave@other.example", "pw-dave"),
    ("erin", "pw-erin"),
    ("erin%40example.com", "pw-erin"),
    ("CORP\\erin", "pw-erin"),
    ("x+tag@example.com", "pw-plus"),
    ("mary-jane.o", "pw-mary"),
];

/// One backend: the app's class and arguments, and the entry here.
struct Backend {
    class: &'static str,
    arguments: Value,
    entry: String,
    typed: Vec<(String, String)>,
}

/// Signs users in with the app's classes; returns their names and the stored rows.
fn by_app(
    app: &Path,
    backend: &Backend,
    path: &std::ffi::OsStr,
) -> (Vec<Option<String>>, Vec<(String, String)>) {
    let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tests/differential/driver.php");
    let mut command = Command::new("php");
    command
        .arg(driver)
        .arg(app)
        .env("PATH", path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut php = command.spawn().expect("php");
    let (mut input, mut output) = (php.stdin.take().unwrap(), BufReader::new(php.stdout.take().unwrap()));
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    for (name, password) in &backend.typed {
        let request = json!({ "class": backend.class, "arguments": backend.arguments, "name": name, "password": password });
        writeln!(input, "{request}").unwrap();
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(answer["error"], Value::Null, "{answer}");
        ids.push(answer["uid"].as_str().map(str::to_owned));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        if let Some(stored) = answer["rows"].as_array().filter(|_| answer["uid"].is_string()) {
            rows = stored.iter().map(|row| (text(&row["backend"]), text(&row["uid"]))).collect();
        }
    }
    drop(input);
    php.wait().unwrap();
    (ids, rows)
}

/// Imports what the app stored, and signs in every user that the app signed in.
///
/// One of them is disabled.
fn keeps_accounts(
    app: &Path,
    label: &str,
    make: impl FnOnce(&OccFixture) -> Backend,
    path: &std::ffi::OsStr,
) -> Vec<String> {
    let installation = installation("", &[], "");
    let occ = &installation.occ;
    let backend = make(occ);
    let (ids, rows) = by_app(app, &backend, path);
    assert!(!rows.is_empty(), "{label}: the app signs no user in");
    let disabled = rows.last().unwrap().1.clone();
    let mut statements: String = rows
        .iter()
        .map(|(backend, uid)| format!("INSERT INTO oc_users_external VALUES ('{backend}', '{uid}', NULL);"))
        .collect();
    statements += &format!("INSERT INTO oc_preferences VALUES ('{disabled}', 'core', 'enabled', 'false');");
    occ.block_on(super::installation::sqlite(&installation.file(), &statements));
    installation.backends(&backend.entry);
    let (said, _) = installation.import(&["--write"]);
    let before: BTreeSet<String> = occ.run(&["user:list"]).out.lines().map(str::to_owned).collect();
    let server = Server::start(occ);
    let mut lost = Vec::new();
    for ((name, password), id) in backend.typed.iter().zip(&ids) {
        let Some(id) = id else { continue };
        let found = server.sign_in(name, password);
        let stored = rows.iter().find(|(_, uid)| uid.eq_ignore_ascii_case(id)).map(|(_, uid)| uid.clone());
        let wanted = if *id == disabled { Err(401) } else { Ok(stored.unwrap_or_else(|| id.clone())) };
        if found != wanted {
            lost.push(format!("{label}: {name} was {id} there (stored: {wanted:?}), and is {found:?} here"));
        }
    }
    drop(server);
    let after: BTreeSet<String> = occ.run(&["user:list"]).out.lines().map(str::to_owned).collect();
    lost.extend(after.difference(&before).map(|user| format!("{label}: a new account{user}")));
    if !lost.is_empty() {
        lost.push(format!("{label}: the import said {}", said.out));
    }
    lost
}

fn typed() -> Vec<(String, String)> {
    TYPED.iter().map(|(name, password)| ((*name).to_owned(), (*password).to_owned())).collect()
}

#[test]
fn everyone_whom_the_app_stored_keeps_the_account() {
    let Some(app) = app() else { return };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut lost = Vec::new();
    for (label, more, php) in [
        ("IMAP", json!([]), ""),
        ("IMAP, groups", json!([null, "", false, true]), ", null, '', false, true"),
        ("IMAP, domain", json!([null, "example.com"]), ", null, 'example.com'"),
        (
            "IMAP, domain, groups",
            json!([null, "example.com", true, true]),
            ", null, 'example.com', true, true",
        ),
        ("IMAP, domain kept", json!([null, "example.com", false]), ", null, 'example.com', false"),
        ("IMAP, domain kept, null", json!([null, "example.com", null]), ", null, 'example.com', null"),
        (
            "IMAP, domain kept, groups",
            json!([null, "example.com", false, true]),
            ", null, 'example.com', false, true",
        ),
    ] {
        lost.extend(keeps_accounts(
            &app,
            label,
            |occ| {
                let port = servers::imap(occ, MAIL);
                let mut arguments = vec![json!("127.0.0.1"), json!(port)];
                arguments.extend(more.as_array().unwrap().iter().cloned());
                let entry = format!(
                    "['class' => '\\OCA\\UserExternal\\IMAP', 'arguments' => ['127.0.0.1', {port}{php}]],"
                );
                Backend { class: "IMAP", arguments: arguments.into(), entry, typed: typed() }
            },
            &path,
        ));
    }
    lost.extend(keeps_accounts(
        &app,
        "FTP",
        |occ| {
            let port = servers::ftp(occ, FILES);
            let entry =
                format!("['class' => '\\OCA\\UserExternal\\FTP', 'arguments' => ['127.0.0.1:{port}']],");
            Backend { class: "FTP", arguments: json!([format!("127.0.0.1:{port}")]), entry, typed: typed() }
        },
        &path,
    ));
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[cfg(unix)]
#[test]
fn everyone_whom_the_app_stored_at_samba_keeps_the_account() {
    let (Some(app), Some(rig)) = (app(), Rig::find()) else { return };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let smbclient =
        std::env::split_paths(&path).map(|folder| folder.join("smbclient")).find(|file| file.is_file());
    let Some(smbclient) = smbclient else {
        eprintln!("skipped: no smbclient");
        return;
    };
    // The app cannot say a port.
    let programs = tempfile::TempDir::new().unwrap();
    let script = programs.path().join("smbclient");
    std::fs::write(&script, format!("#!/bin/sh\nexec {} -p 10445 \"$@\"\n", smbclient.display())).unwrap();
    std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let folders = std::iter::once(programs.path().to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(folders).unwrap();
    let host = rig.host().to_owned();
    let lost = keeps_accounts(
        &app,
        "SMB",
        |_| {
            let entry = format!(
                "['class' => '\\OCA\\UserExternal\\SMB', 'engine' => 'native', 'port' => 10445, 'arguments' => ['{host}']],"
            );
            let typed = [
                ("Mary-Jane.O", "Dots-and-dash.1"),
                ("alice", "Wonderland-1"),
                ("Alice", "Wonderland-1"),
                ("RIG\\alice", "Wonderland-1"),
                ("sam", "Only-by-office-1"),
            ];
            let typed = typed.map(|(name, password)| (name.to_owned(), password.to_owned())).to_vec();
            Backend { class: "SMB", arguments: json!([host]), entry, typed }
        },
        &path,
    );
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
