//! Users whom the PHP app wrote: everyone whom the server still accepts keeps the account, and
//! everyone who is disabled stays out.
//!
//! What the app stores is computed here from its rules. Where `USER_EXTERNAL` names a folder with
//! the app, its classes sign the same people in, and must say and store the same; `cargo xtask
//! differential` runs that.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use user_backend_tests::Rig;
use user_backend_tests::local_server::{LocalServer, USERS};
use user_backend_tests::pure_ftpd::PureFtpd;

use super::external::installation;
use super::servers::{self, Known, ProvisioningServer};
use crate::OccFixture;

const MAIL: Known = &[
    ("alice@example.com", "pw-alice"),
    ("Bob@example.com", "pw-bob"),
    ("carol", "pw-carol"),
    ("dave@other.example", "pw-dave"),
    ("erin@example.com", "pw-erin"),
    ("x+tag@example.com", "pw-plus"),
    ("mary-jane.o@example.com", "pw-mary"),
    ("gro\u{df}@example.com", "pw-sharp"),
    // Two accounts there, and two spellings of one name here.
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
    ("zo\u{eb}@example.com", "pw-nfc"),
    ("zoe\u{308}@example.com", "pw-nfd"),
];

const FILES: Known = &[
    ("alice", "pw-alice"),
    ("Bob", "pw-bob"),
    ("carol@example.com", "pw-carol"),
    ("dave", "pw-dave"),
    ("CORP\\erin", "pw-erin"),
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
];

/// What people type, in this order.
const TYPED: Known = &[
    ("alice", "pw-alice"),
    ("Alice@example.com", "pw-alice"),
    ("alice@example.com", "pw-alice"),
    ("Bob", "pw-bob"),
    ("Bob@example.com", "pw-bob"),
    ("carol", "pw-carol"),
    ("carol@example.com", "pw-carol"),
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
    ("dave", "pw-dave"),
    ("dave@other.example", "pw-dave"),
    ("erin", "pw-erin"),
    ("erin%40example.com", "pw-erin"),
    ("CORP\\erin", "pw-erin"),
    ("x+tag@example.com", "pw-plus"),
    ("gro\u{df}@example.com", "pw-sharp"),
    ("mary-jane.o", "pw-mary"),
];

/// A class of the app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Imap,
    /// The class of earlier versions, with a mailbox string. It needs a PHP that is gone.
    Mailbox,
    Ftp,
    Smb,
    WebDavAuth,
    BasicAuth,
}

impl Class {
    /// Its name in a `config.php`.
    fn name(self) -> &'static str {
        match self {
            Self::Imap => "\\OCA\\UserExternal\\IMAP",
            Self::Mailbox => "OC_User_IMAP",
            Self::Ftp => "\\OCA\\UserExternal\\FTP",
            Self::Smb => "\\OCA\\UserExternal\\SMB",
            Self::WebDavAuth => "\\OCA\\UserExternal\\WebDavAuth",
            Self::BasicAuth => "\\OCA\\UserExternal\\BasicAuth",
        }
    }
}

/// How a server compares names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Names {
    Exact,
    Folding,
    /// In any letter case, with the workgroup in front or not.
    Windows(&'static str),
}

/// One element of `user_backends`.
#[derive(Clone, Debug)]
struct Backend {
    class: Class,
    arguments: Value,
    /// What our rules ask for beside the arguments, in PHP.
    more: String,
    names: Names,
    known: Known,
}

impl Backend {
    fn new(class: Class, arguments: Value, known: Known) -> Self {
        Self { class, arguments, more: String::new(), names: Names::Exact, known }
    }

    fn folding(self) -> Self {
        Self { names: Names::Folding, ..self }
    }

    fn more(self, more: &str) -> Self {
        Self { more: more.to_owned(), ..self }
    }

    /// The argument at this place or of this name.
    fn argument(&self, index: usize, name: &str) -> Option<&Value> {
        self.arguments.get(index).or_else(|| self.arguments.get(name))
    }

    fn text(&self, index: usize, name: &str) -> &str {
        self.argument(index, name).and_then(Value::as_str).unwrap_or_default()
    }

    /// What the app stores as the backend of a user.
    fn stored(&self) -> String {
        let host = self.text(0, if self.class == Class::Imap { "mailbox" } else { "host" });
        match self.class {
            Class::Ftp if self.argument(1, "secure").is_some_and(is_true) => format!("ftps://{host}"),
            Class::Ftp => format!("ftp://{host}"),
            _ => host.to_owned(),
        }
    }

    /// What the app sends, and the id of the user if the server accepts.
    fn read(&self, typed: &str) -> Option<(String, String)> {
        if !matches!(self.class, Class::Imap | Class::Mailbox) {
            return Some((typed.to_owned(), typed.to_owned()));
        }
        let name = if typed.contains('@') { typed.to_owned() } else { typed.replace("%40", "@") };
        let (domain, is_stripped) = match self.class {
            Class::Mailbox => (self.text(1, "domain"), true),
            _ => (self.text(3, "domain"), self.argument(4, "stripeDomain").is_none_or(is_true)),
        };
        let parts: Vec<&str> = name.split('@').collect();
        let (sent, id) = match parts[..] {
            _ if domain.is_empty() => (name.clone(), name.clone()),
            [_] => (format!("{name}@{domain}"), name.clone()),
            [local, of] if of == domain && is_stripped => (name.clone(), local.to_owned()),
            [_, of] if of == domain => (name.clone(), name.clone()),
            _ => return None,
        };
        Some((sent, id.to_lowercase()))
    }

    fn accepts(&self, sent: &str, password: &str) -> bool {
        let is_same = |known: &str| match self.names {
            Names::Exact => known == sent,
            Names::Folding => known.eq_ignore_ascii_case(sent),
            Names::Windows(group) => {
                let account = sent.strip_prefix(group).and_then(|rest| rest.strip_prefix('\\'));
                known.eq_ignore_ascii_case(account.unwrap_or(sent))
            }
        };
        self.known.iter().any(|(known, right)| is_same(known) && *right == password)
    }

    /// The element as an operator has it.
    fn entry(&self) -> String {
        let Self { class, arguments, more, .. } = self;
        format!("['class' => '{}', {more} 'arguments' => {}],", class.name(), php(arguments))
    }
}

/// What PHP takes for true, of what stands in these arguments.
fn is_true(value: &Value) -> bool {
    value.as_bool().unwrap_or(false)
}

/// A value as PHP writes it.
fn php(value: &Value) -> String {
    match value {
        Value::String(text) => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
        Value::Array(values) => format!("[{}]", values.iter().map(php).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("'{key}' => {}", php(value))).collect();
            format!("[{}]", members.join(", "))
        }
        other => other.to_string(),
    }
}

/// Everything that the app knows after people signed in: the id of each, and the rows that are
/// stored.
#[derive(Debug, Default, PartialEq, Eq)]
struct Signed {
    ids: Vec<Option<String>>,
    rows: Vec<(String, String)>,
}

/// What the app does, by its rules.
fn by_rules(backends: &[Backend], typed: Known) -> Signed {
    let mut signed = Signed::default();
    for (name, password) in typed {
        let accepted = backends.iter().find_map(|backend| {
            let (sent, id) = backend.read(name)?;
            backend.accepts(&sent, password).then(|| (backend.stored(), id))
        });
        signed.ids.push(accepted.as_ref().map(|(_, id)| id.clone()));
        let Some(row) = accepted else { continue };
        if !signed.rows.iter().any(|known| known.0 == row.0 && known.1.eq_ignore_ascii_case(&row.1)) {
            signed.rows.push(row);
        }
    }
    signed
}

/// The app and the programs that it calls.
struct App {
    folder: PathBuf,
    path: OsString,
    settings: Vec<String>,
}

impl App {
    /// `None` with a message without the app.
    fn find() -> Option<Self> {
        let folder = std::env::var_os("USER_EXTERNAL").filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let Some(folder) = folder else {
            eprintln!("not compared: USER_EXTERNAL does not name a folder with nextcloud/user_external");
            return None;
        };
        Some(Self { folder, path: std::env::var_os("PATH").unwrap_or_default(), settings: Vec::new() })
    }

    /// With this authority for TLS.
    fn trusting(mut self, ca_file: &Path) -> Self {
        for setting in ["curl.cainfo", "openssl.cafile"] {
            self.settings.extend(["-d".to_owned(), format!("{setting}={}", ca_file.display())]);
        }
        self
    }

    /// Signs people in with the app's classes.
    fn sign_in(&self, backends: &[Backend], typed: Known) -> Signed {
        let driver = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/tests/differential/driver.php");
        let mut command = Command::new("php");
        command.args(&self.settings).arg(driver).arg(&self.folder).env("PATH", &self.path);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut php = command.spawn().expect("php");
        let (mut input, mut output) = (php.stdin.take().unwrap(), BufReader::new(php.stdout.take().unwrap()));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let mut signed = Signed::default();
        for (name, password) in typed {
            let id = backends.iter().find_map(|backend| {
                let class = backend.class.name().rsplit('\\').next().unwrap();
                let request =
                    json!({ "class": class, "arguments": backend.arguments, "name": name, "password": password });
                writeln!(input, "{request}").unwrap();
                let mut line = String::new();
                output.read_line(&mut line).unwrap();
                let answer: Value = serde_json::from_str(&line).unwrap();
                assert_eq!(answer["error"], Value::Null, "{answer}");
                let rows = answer["rows"].as_array().unwrap().iter();
                let id = answer["uid"].as_str().map(str::to_owned)?;
                signed.rows = rows.map(|row| (text(&row["backend"]), text(&row["uid"]))).collect();
                Some(id)
            });
            signed.ids.push(id);
        }
        drop(input);
        php.wait().unwrap();
        signed
    }
}

/// Imports what the app stored, and signs in every user that the app signed in.
///
/// One of them is disabled. Returns who lost the account.
fn keeps_accounts(
    app: Option<&App>,
    label: &str,
    typed: Known,
    make: impl FnOnce(&OccFixture) -> Vec<Backend>,
) -> Vec<String> {
    keeps_accounts_by_map(app, label, typed, "", make)
}

/// The same, with decisions about single users.
fn keeps_accounts_by_map(
    app: Option<&App>,
    label: &str,
    typed: Known,
    map: &str,
    make: impl FnOnce(&OccFixture) -> Vec<Backend>,
) -> Vec<String> {
    let installation = installation("", &[], "");
    let occ = &installation.occ;
    let backends = make(occ);
    let signed = by_rules(&backends, typed);
    if let Some(app) = app.filter(|_| backends.iter().all(|backend| backend.class != Class::Mailbox)) {
        assert_eq!(app.sign_in(&backends, typed), signed, "{label}: the rules are not those of the app");
    }
    let Signed { ids, rows } = signed;
    assert!(rows.len() > 1, "{label}: the app signs no one in");
    let disabled = rows.last().unwrap().1.clone();
    let quoted = |text: &str| text.replace('\'', "''");
    let mut statements: String = rows
        .iter()
        .map(|(backend, uid)| {
            format!("INSERT INTO oc_users_external VALUES ('{}', '{}', NULL);", quoted(backend), quoted(uid))
        })
        .collect();
    statements += &format!("INSERT INTO oc_preferences VALUES ('{disabled}', 'core', 'enabled', 'false');");
    occ.block_on(super::installation::sqlite(&installation.file(), &statements));
    installation.backends(&backends.iter().map(Backend::entry).collect::<String>());
    occ.write("decisions.toml", map);
    let (_, dry) = installation.import(&["--map", "decisions.toml"]);
    let (output, json) = installation.import(&["--map", "decisions.toml", "--write"]);
    let problems: Vec<&str> =
        json["problems"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
    let is_reported = |uid: &str| {
        problems.iter().any(|problem| {
            problem
                .strip_prefix(uid)
                .is_some_and(|rest| rest.starts_with(": ") || rest.starts_with(" of the backend"))
        })
    };
    let users = || -> BTreeSet<String> { occ.run(&["user:list"]).out.lines().map(str::to_owned).collect() };
    let before = users();
    let server = ProvisioningServer::start(occ);
    let (mut lost, mut kept, mut reported) = (Vec::new(), 0, 0);
    for ((name, password), id) in typed.iter().zip(&ids) {
        let Some(id) = id else { continue };
        let found = server.sign_in(name, password);
        let stored = rows.iter().find(|(_, uid)| uid.eq_ignore_ascii_case(id)).map(|(_, uid)| uid.clone());
        let stored = stored.unwrap_or_else(|| id.clone());
        let wanted = if stored == disabled { Err(401) } else { Ok(stored.clone()) };
        match () {
            () if found == wanted => kept += 1,
            // The dry run says so, and the sign-in makes no other account.
            () if is_reported(&stored) && found == Err(401) => reported += 1,
            () => lost.push(format!("{label}: {name} was {stored} there, and is {found:?} here")),
        }
    }
    drop(server);
    lost.extend(users().difference(&before).map(|user| format!("{label}: a new account{user}")));
    if dry["problems"] != json["problems"] {
        lost.push(format!("{label}: the dry run says {dry}"));
    }
    if !lost.is_empty() {
        lost.push(format!("{label}: the import said {}", output.out));
    }
    println!("{label}: {kept} kept or out as there, {reported} reported by the dry run, {} lost", lost.len());
    lost
}

/// Arguments of a class after the host and the port.
fn with(first: Value, port: u16, rest: &Value) -> Value {
    let mut arguments = vec![first, json!(port)];
    arguments.extend(rest.as_array().unwrap().iter().cloned());
    arguments.into()
}

#[test]
fn imap_users_keep_their_accounts_in_every_form_of_arguments() {
    let app = App::find();
    let mut lost = Vec::new();
    for (label, rest) in [
        ("host and port", json!([])),
        ("groups", json!([null, "", false, true])),
        ("domain", json!([null, "example.com"])),
        ("domain, groups", json!([null, "example.com", true, true])),
        ("domain kept", json!([null, "example.com", false])),
        ("domain kept, null", json!([null, "example.com", null])),
        ("domain kept, groups", json!([null, "example.com", false, true])),
    ] {
        for is_folding in [false, true] {
            let server = if is_folding { "in any letter case" } else { "exact" };
            lost.extend(keeps_accounts(app.as_ref(), &format!("IMAP, {label}, {server}"), TYPED, |occ| {
                let port = servers::imap(occ, MAIL, is_folding);
                let backend = Backend::new(Class::Imap, with(json!("127.0.0.1"), port, &rest), MAIL);
                vec![if is_folding { backend.folding() } else { backend }]
            }));
        }
    }
    lost.extend(keeps_accounts(app.as_ref(), "IMAP, by name", TYPED, |occ| {
        let port = servers::imap(occ, MAIL, false);
        let arguments =
            json!({ "mailbox": "127.0.0.1", "port": port, "domain": "example.com", "stripeDomain": false });
        vec![Backend::new(Class::Imap, arguments, MAIL)]
    }));
    // A bare name may be of each of them: the operator knows.
    let map = "alice = \"one\"\nbob = \"one\"\nerin = \"one\"\n'mary-jane.o' = \"one\"\ndave = \"two\"\n\
         'zo\u{eb}' = \"one\"\n'zoe\u{308}' = \"one\"\n";
    lost.extend(keeps_accounts_by_map(app.as_ref(), "IMAP, two domains of one host", TYPED, map, |occ| {
        let port = servers::imap(occ, MAIL, false);
        let of = |domain: &str| with(json!("127.0.0.1"), port, &json!([null, domain, false]));
        let backend = |domain, id| Backend::new(Class::Imap, of(domain), MAIL).more(id);
        vec![backend("example.com", "'id' => 'one',"), backend("other.example", "'id' => 'two',")]
    }));
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn users_of_mailbox_strings_keep_their_accounts() {
    let mut lost = Vec::new();
    for (label, flags, domain, is_folding) in [
        ("without flags", "", None, false),
        ("/imap/notls", "/imap/notls", None, false),
        ("/notls, domain", "/notls", Some("example.com"), false),
        (
            "/imap/notls/readonly, domain, in any letter case",
            "/imap/notls/readonly",
            Some("example.com"),
            true,
        ),
    ] {
        lost.extend(keeps_accounts(None, &format!("mailbox string, {label}"), TYPED, |occ| {
            let port = servers::imap(occ, MAIL, is_folding);
            let mailbox = format!("{{127.0.0.1:{port}{flags}}}INBOX");
            let arguments = std::iter::once(json!(mailbox)).chain(domain.map(|domain| json!(domain)));
            let backend = Backend::new(Class::Mailbox, arguments.collect(), MAIL);
            vec![if is_folding { backend.folding() } else { backend }]
        }));
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// The arguments for a host.
type Arguments = fn(String) -> Value;

#[test]
fn ftp_users_keep_their_accounts_in_every_form_of_arguments() {
    let app = App::find();
    let mut lost = Vec::new();
    let forms: [(&str, Arguments); 3] = [
        ("host and port", |host| json!([host])),
        ("not secure", |host| json!([host, false])),
        ("by name", |host| json!({ "host": host, "secure": false })),
    ];
    for (label, arguments) in forms {
        lost.extend(keeps_accounts(app.as_ref(), &format!("FTP, {label}"), TYPED, |occ| {
            let host = format!("127.0.0.1:{}", servers::ftp(occ, FILES, false));
            vec![Backend::new(Class::Ftp, arguments(host), FILES)]
        }));
    }
    lost.extend(keeps_accounts(app.as_ref(), "FTP, in any letter case", TYPED, |occ| {
        let host = format!("127.0.0.1:{}", servers::ftp(occ, FILES, true));
        vec![Backend::new(Class::Ftp, json!([host]), FILES).folding()]
    }));
    lost.extend(keeps_accounts(app.as_ref(), "IMAP and FTP on one host", TYPED, |occ| {
        let (mail, files) = (servers::imap(occ, MAIL, false), servers::ftp(occ, FILES, false));
        vec![
            Backend::new(Class::Imap, with(json!("127.0.0.1"), mail, &json!([])), MAIL),
            Backend::new(Class::Ftp, json!([format!("127.0.0.1:{files}")]), FILES),
        ]
    }));
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn users_of_pure_ftpd_keep_their_accounts() {
    let Some(pure_ftpd) = PureFtpd::start(FILES) else { return };
    let lost = keeps_accounts(App::find().as_ref(), "FTP, pure-ftpd", TYPED, |_| {
        vec![Backend::new(Class::Ftp, json!([format!("127.0.0.1:{}", pure_ftpd.port())]), FILES)]
    });
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn users_of_web_servers_keep_their_accounts() {
    let Some(apache) = LocalServer::apache() else { return };
    let app = App::find();
    let mut lost = Vec::new();
    for (class, path) in [(Class::WebDavAuth, "dav/index.html"), (Class::BasicAuth, "basic/")] {
        lost.extend(keeps_accounts(app.as_ref(), &format!("{class:?}"), &USERS, |_| {
            let url = format!("http://127.0.0.1:{}/{path}", apache.port);
            vec![Backend::new(class, json!([url]), &USERS)]
        }));
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

/// Accounts of the rig, of which one has capital letters in other places.
const RIG: Known = &[
    ("alice", "Wonderland-1"),
    ("mary-jane.o", "Dots-and-dash.1"),
    ("ingrid", "Only-by-mail-1"),
    ("felix", "Only-by-files-1"),
    ("sam", "Only-by-office-1"),
];

const RIG_TYPED: Known = &[
    ("Mary-Jane.O", "Dots-and-dash.1"),
    ("mary-jane.o", "Dots-and-dash.1"),
    ("alice", "Wonderland-1"),
    ("Alice", "Wonderland-1"),
    ("RIG\\alice", "Wonderland-1"),
    ("ingrid", "Only-by-mail-1"),
    ("felix", "Only-by-files-1"),
    ("sam", "Only-by-office-1"),
];

/// The accounts of the rig without those that only other services know.
fn of_service(own: &str) -> Known {
    let elsewhere = |name: &str| ["ingrid", "felix", "sam"].contains(&name) && name != own;
    RIG.iter().copied().filter(|(name, _)| !elsewhere(name)).collect::<Vec<_>>().leak()
}

#[test]
fn users_of_dovecot_and_vsftpd_keep_their_accounts() {
    let Some(rig) = Rig::find() else { return };
    let app = App::find().map(|app| app.trusting(&rig.ca_file()));
    let host = rig.host();
    let more = format!("'ca_file' => '{}',", rig.ca_file().display());
    let mut lost = Vec::new();
    for (label, class, arguments, own) in [
        ("IMAP, ssl, Dovecot", Class::Imap, json!([host, 10993, "ssl"]), "ingrid"),
        ("IMAP, tls, Dovecot", Class::Imap, json!([host, 10143, "tls"]), "ingrid"),
        ("FTP, secure, vsftpd", Class::Ftp, json!([format!("{host}:10021"), true]), "felix"),
    ] {
        lost.extend(keeps_accounts(app.as_ref(), label, RIG_TYPED, |_| {
            let backend = Backend::new(class, arguments, of_service(own)).more(&more);
            vec![if class == Class::Imap { backend.folding() } else { backend }]
        }));
    }
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[cfg(unix)]
#[test]
fn users_of_samba_keep_their_accounts() {
    let Some(rig) = Rig::find() else { return };
    // The app cannot say a port.
    let programs = tempfile::TempDir::new().unwrap();
    let app = App::find().and_then(|app| {
        let smbclient = std::env::split_paths(&app.path)
            .map(|folder| folder.join("smbclient"))
            .find(|file| file.is_file());
        let Some(smbclient) = smbclient else {
            eprintln!("not compared: no smbclient");
            return None;
        };
        let script = programs.path().join("smbclient");
        std::fs::write(&script, format!("#!/bin/sh\nexec {} -p 10445 \"$@\"\n", smbclient.display()))
            .unwrap();
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let folders = std::iter::once(programs.path().to_owned()).chain(std::env::split_paths(&app.path));
        Some(App { path: std::env::join_paths(folders).unwrap(), ..app })
    });
    let lost = keeps_accounts(app.as_ref(), "SMB, Samba", RIG_TYPED, |_| {
        let backend = Backend::new(Class::Smb, json!([rig.host()]), of_service("sam"));
        let backend = backend.more("'engine' => 'native', 'port' => 10445,");
        vec![Backend { names: Names::Windows("RIG"), ..backend }]
    });
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}
