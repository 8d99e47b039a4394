//! The pairs: name x arguments x password x server.

use std::fmt;

use serde_json::{Value, json};
use user_backend_tests::Rig;
use user_backend_tests::pure_ftpd::PureFtpd;

use crate::expected::Row;
use crate::php;
use crate::servers::{self, Accounts, Mood};

/// One sign-in that both programs make.
#[derive(Clone, Debug)]
pub(crate) struct Pair {
    /// The app's class.
    pub(crate) class: &'static str,
    /// What the arguments are, in a word.
    pub(crate) form: String,
    pub(crate) arguments: Value,
    /// What we ask for beside the arguments.
    pub(crate) more: String,
    pub(crate) name_kind: &'static str,
    pub(crate) name: String,
    pub(crate) password_kind: &'static str,
    pub(crate) password: String,
    /// The server and its mood.
    pub(crate) server: String,
    /// The service of the rig that hangs meanwhile.
    pub(crate) paused: Option<&'static str>,
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { class, form, name_kind, name, password_kind, server, .. } = self;
        write!(f, "{class} ({form}) at {server}: name {name:.40?} ({name_kind}), password: {password_kind}")
    }
}

const MAIL: Accounts = &[
    ("alice", "pw-alice"),
    ("alice@example.com", "pw-alice@"),
    ("bob@example.com", "pw-bob@"),
    ("Carol", "pw-Carol"),
    ("carol@example.com", "pw-carol@"),
    ("dave@other.example", "pw-dave@"),
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
    ("\u{ff41}\u{ff4e}\u{ff4e}\u{ff41}", "pw-wide"),
    ("anna", "pw-anna"),
    ("guest", "pw-guest"),
    ("guest@example.com", "pw-guest@"),
    ("a b", "pw-blank"),
    ("a b@example.com", "pw-blank@"),
    ("o'brien@example.com", "pw-quote@"),
    // The first colon ends the name for curl.
    ("user", "part:pw-colon"),
    ("\u{201c}q\u{201d}", "pw-typographic"),
    ("smile\u{1f642}", "pw-emoji"),
    ("CORP\\erin", "pw-corp"),
    ("erin", "pw-erin"),
    ("x+tag@example.com", "pw-plus@"),
    ("gro\u{df}@example.com", "pw-sharp@"),
    ("100%", "pw-percent"),
    ("paul", "pass phrase with blanks"),
];

const FILES: Accounts = &[
    ("alice", "pw-alice"),
    ("Carol", "pw-Carol"),
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
    ("\u{ff41}\u{ff4e}\u{ff4e}\u{ff41}", "pw-wide"),
    ("anna", "pw-anna"),
    ("guest", "pw-guest"),
    ("a b", "pw-blank"),
    ("a+b", "pw-plus"),
    ("alice@example.com", "pw-alice@"),
    ("user:part", "pw-colon"),
    ("\u{201c}q\u{201d}", "pw-typographic"),
    ("smile\u{1f642}", "pw-emoji"),
    ("CORP\\erin", "pw-corp"),
    ("100%", "pw-percent"),
    ("ftp", "pw-ftp"),
    ("paul", "pass phrase with blanks"),
];

/// Kinds of names, and the passwords that are right somewhere.
const NAMES: &[(&str, &str, &[&str])] = &[
    ("bare", "alice", &["pw-alice", "pw-alice@"]),
    ("bare", "bob", &["pw-bob@"]),
    ("bare", "anna", &["pw-anna", "pw-wide"]),
    ("bare", "erin", &["pw-erin", "pw-corp"]),
    ("password with blanks", "paul", &["pass phrase with blanks"]),
    ("other case", "Alice", &["pw-alice", "pw-alice@"]),
    ("other case", "ALICE", &["pw-alice", "pw-alice@"]),
    ("upper case upstream", "Carol", &["pw-Carol", "pw-carol@"]),
    ("other case", "carol", &["pw-Carol", "pw-carol@"]),
    ("address", "alice@example.com", &["pw-alice@", "pw-alice"]),
    ("address", "o'brien@example.com", &["pw-quote@"]),
    ("address", "x+tag@example.com", &["pw-plus@"]),
    ("address, other case", "Alice@example.com", &["pw-alice@"]),
    ("address, other case of the domain", "alice@Example.COM", &["pw-alice@"]),
    ("address, other domain", "dave@other.example", &["pw-dave@"]),
    ("address, umlaut", "gro\u{df}@example.com", &["pw-sharp@"]),
    ("%40", "alice%40example.com", &["pw-alice@"]),
    ("%40", "bob%40example.com", &["pw-bob@"]),
    ("%40, other domain", "dave%40other.example", &["pw-dave@"]),
    ("two @", "a@b@example.com", &[]),
    ("@ at the end", "alice@", &["pw-alice", "pw-alice@"]),
    ("@ at the start", "@example.com", &[]),
    ("NFC", "zo\u{eb}", &["pw-nfc", "pw-nfd"]),
    ("NFD", "zoe\u{308}", &["pw-nfd", "pw-nfc"]),
    ("full width", "\u{ff41}\u{ff4e}\u{ff4e}\u{ff41}", &["pw-wide", "pw-anna"]),
    ("guest", "guest", &["pw-guest", "pw-guest@"]),
    ("guest", "Guest@example.com", &["pw-guest@"]),
    ("guest", "ftp", &["pw-ftp"]),
    ("anonymous", "anonymous", &["alice@example.com"]),
    ("blank inside", "a b", &["pw-blank", "pw-blank@", "pw-plus"]),
    ("blank inside", "a+b", &["pw-plus", "pw-blank"]),
    ("two blanks", "a  b", &["pw-blank"]),
    ("blank outside", " alice", &["pw-alice"]),
    ("blank outside", "alice ", &["pw-alice", "pw-alice@"]),
    ("colon", "user:part", &["pw-colon"]),
    ("outside of RFC 8265", "\u{201c}q\u{201d}", &["pw-typographic"]),
    ("outside of RFC 8265", "smile\u{1f642}", &["pw-emoji"]),
    ("outside of RFC 8265", "ali\u{200b}ce", &["pw-alice"]),
    ("Windows domain", "CORP\\erin", &["pw-corp", "pw-erin"]),
    ("Windows domain", "CORP/erin", &["pw-erin"]),
    ("control character", "alice\u{7}", &["pw-alice"]),
    ("control character", "alice\r\nx", &["pw-alice"]),
    ("control character", "alice\u{0}", &["pw-alice"]),
    ("percent", "100%", &["pw-percent"]),
    ("empty", "", &["pw-alice"]),
    ("unknown", "nora", &["pw-alice"]),
];

/// A name of 300 characters.
const LONG: usize = 300;

/// All pairs.
///
/// Those at the rig are missing without it.
pub(crate) async fn all(server: Option<&PureFtpd>) -> Vec<Pair> {
    let mut pairs = Vec::new();
    imap(&mut pairs).await;
    ftp(&mut pairs).await;
    if let Some(server) = server {
        pure_ftpd(server, &mut pairs);
    }
    if let Some(rig) = Rig::find() {
        at_rig(&rig, &mut pairs);
    }
    pairs
}

/// Whether this run has pairs that a row of the table is about.
pub(crate) fn covers(row: &Row) -> bool {
    let is_at_rig = row.class.iter().any(|class| class == "SMB")
        || row.server.iter().any(|server| server.starts_with("rig"));
    !is_at_rig || (Rig::find().is_some() && php::has_smbclient())
}

/// What stays the same for many pairs.
#[derive(Clone, Debug)]
struct PairTemplate<'a> {
    class: &'static str,
    form: &'a str,
    arguments: Value,
    more: &'a str,
    server: &'a str,
}

impl PairTemplate<'_> {
    fn pair(&self, name: (&'static str, &str), password: (&'static str, &str)) -> Pair {
        Pair {
            class: self.class,
            form: self.form.to_owned(),
            arguments: self.arguments.clone(),
            more: self.more.to_owned(),
            name_kind: name.0,
            name: name.1.to_owned(),
            password_kind: password.0,
            password: password.1.to_owned(),
            server: self.server.to_owned(),
            paused: None,
        }
    }

    /// Every name with every password.
    fn all_names(&self, pairs: &mut Vec<Pair>) {
        for &(kind, name, right) in NAMES {
            pairs.extend(right.iter().map(|password| self.pair((kind, name), ("right somewhere", password))));
            for password in [("wrong", "not the password"), ("empty", "")] {
                pairs.push(self.pair((kind, name), password));
            }
        }
        pairs.push(self.pair(("long", &"a".repeat(LONG)), ("wrong", "not the password")));
        self.passwords("alice", "pw-alice", pairs);
    }

    /// Forms of passwords for one name.
    fn passwords(&self, name: &str, right: &str, pairs: &mut Vec<Pair>) {
        let long = "p".repeat(LONG);
        for (kind, password) in [
            ("right", right),
            ("other case", &right.to_uppercase()),
            ("blank at the end", &format!("{right} ")),
            ("blank at the start", &format!(" {right}")),
            ("encoded", &right.replace('-', "%2D")),
            ("control character", &format!("{right}\u{7}")),
            ("line end", &format!("{right}\r\n")),
            ("NUL", &format!("{right}\u{0}x")),
            ("long", &long),
        ] {
            pairs.push(self.pair(("bare", name), (kind, password)));
        }
    }

    /// Two sign-ins, for servers that are waited for.
    fn slow(&self, name: &str, password: &str, pairs: &mut Vec<Pair>) {
        for password in [("right somewhere", password), ("wrong", "not the password")] {
            pairs.push(self.pair(("bare", name), password));
        }
    }

    /// A few names, for servers that answer all of them alike.
    fn few_names(&self, pairs: &mut Vec<Pair>) {
        for (kind, name) in [("bare", "alice"), ("address", "alice@example.com"), ("unknown", "nora")] {
            for password in [("right somewhere", "pw-alice"), ("wrong", "not the password"), ("empty", "")] {
                pairs.push(self.pair((kind, name), password));
            }
        }
    }
}

async fn imap(pairs: &mut Vec<Pair>) {
    let host = "127.0.0.1";
    let exact = servers::imap(Mood::Exact, MAIL).await;
    for (form, rest) in [
        ("no domain", json!([])),
        ("no domain, strip", json!([null, null, true])),
        ("no domain, group", json!([null, "", false, true])),
        ("domain", json!([null, "example.com"])),
        ("domain, keep", json!([null, "example.com", false])),
        ("domain, null", json!([null, "example.com", null])),
        ("domain, group", json!([null, "example.com", true, true])),
        ("domain, keep, group", json!([null, "example.com", false, true])),
        ("domain in upper case", json!([null, "Example.COM"])),
    ] {
        let mut arguments = vec![json!(host), json!(exact)];
        arguments.extend(rest.as_array().unwrap().iter().cloned());
        let place =
            PairTemplate { class: "IMAP", form, arguments: arguments.into(), more: "", server: "exact" };
        place.all_names(pairs);
    }
    let named = json!({ "mailbox": host, "port": exact, "domain": "example.com", "stripeDomain": false });
    let place = PairTemplate { class: "IMAP", form: "by name", arguments: named, more: "", server: "exact" };
    place.few_names(pairs);
    let folding = servers::imap(Mood::Folding, MAIL).await;
    for (form, arguments) in
        [("no domain", json!([host, folding])), ("domain", json!([host, folding, null, "example.com"]))]
    {
        PairTemplate { class: "IMAP", form, arguments, more: "", server: "folding" }.all_names(pairs);
    }
    for (server, port) in [
        ("uncoded", servers::imap(Mood::Uncoded, MAIL).await),
        ("outage", servers::imap(Mood::Outage, MAIL).await),
        ("hangs up", servers::imap(Mood::HangsUp, MAIL).await),
        ("other protocol", servers::imap(Mood::Other, MAIL).await),
        ("down", servers::down().await),
    ] {
        let arguments = json!([host, port]);
        PairTemplate { class: "IMAP", form: "no domain", arguments, more: "", server }.few_names(pairs);
    }
    let arguments = json!([host, servers::imap(Mood::Silent, MAIL).await]);
    let place = PairTemplate { class: "IMAP", form: "no domain", arguments, more: "", server: "silent" };
    place.slow("alice", "pw-alice", pairs);
    for (form, rest) in [
        ("ssl", json!(["ssl"])),
        ("tls", json!(["tls"])),
        ("SSL", json!(["SSL"])),
        ("STARTTLS", json!(["STARTTLS"])),
    ] {
        let mut arguments = vec![json!(host), json!(exact)];
        arguments.extend(rest.as_array().unwrap().iter().cloned());
        let place =
            PairTemplate { class: "IMAP", form, arguments: arguments.into(), more: "", server: "exact" };
        place.few_names(pairs);
    }
}

async fn ftp(pairs: &mut Vec<Pair>) {
    for (server, mood) in [("exact", Mood::Exact), ("folding", Mood::Folding)] {
        let port = servers::ftp(mood, FILES).await;
        let arguments = json!([format!("127.0.0.1:{port}")]);
        PairTemplate { class: "FTP", form: "host", arguments, more: "", server }.all_names(pairs);
    }
    for (server, mood) in [
        ("list", Mood::List),
        ("no home", Mood::NoHome),
        ("anonymous", Mood::Anonymous),
        ("outage", Mood::Outage),
        ("hangs up", Mood::HangsUp),
        ("other protocol", Mood::Other),
    ] {
        let port = servers::ftp(mood, FILES).await;
        let arguments = json!({ "host": format!("127.0.0.1:{port}"), "secure": false });
        let place = PairTemplate { class: "FTP", form: "by name", arguments, more: "", server };
        place.few_names(pairs);
        pairs.push(place.pair(("anonymous", "anonymous"), ("right somewhere", "alice@example.com")));
    }
    let arguments = json!([format!("127.0.0.1:{}", servers::down().await)]);
    PairTemplate { class: "FTP", form: "host", arguments, more: "", server: "down" }.few_names(pairs);
    let arguments = json!([format!("127.0.0.1:{}", servers::ftp(Mood::Silent, FILES).await)]);
    let place = PairTemplate { class: "FTP", form: "host", arguments, more: "", server: "silent" };
    place.slow("alice", "pw-alice", pairs);
}

/// The accounts of pure-ftpd.
pub(crate) const PURE_FTPD: Accounts = &[
    ("alice", "pw-alice"),
    ("Carol", "pw-Carol"),
    ("anna", "pw-anna"),
    ("alice@example.com", "pw-alice@"),
    ("zo\u{eb}", "pw-nfc"),
    ("zoe\u{308}", "pw-nfd"),
];

fn pure_ftpd(server: &PureFtpd, pairs: &mut Vec<Pair>) {
    let arguments = json!([format!("127.0.0.1:{}", server.port())]);
    let place = PairTemplate { class: "FTP", form: "host", arguments, more: "", server: "pure-ftpd" };
    // Refusals take seconds there.
    for (kind, name, password) in [
        ("bare", "alice", "pw-alice"),
        ("bare", "anna", "pw-anna"),
        ("other case", "Alice", "pw-alice"),
        ("upper case upstream", "Carol", "pw-Carol"),
        ("other case", "carol", "pw-Carol"),
        ("address", "alice@example.com", "pw-alice@"),
        ("NFC", "zo\u{eb}", "pw-nfc"),
        ("NFD", "zoe\u{308}", "pw-nfd"),
        ("NFD", "zoe\u{308}", "pw-nfc"),
    ] {
        pairs.push(place.pair((kind, name), ("right somewhere", password)));
    }
    for (kind, name) in [("bare", "alice"), ("unknown", "nora")] {
        pairs.push(place.pair((kind, name), ("wrong", "not the password")));
    }
}

/// Dovecot, vsftpd and Samba.
fn at_rig(rig: &Rig, pairs: &mut Vec<Pair>) {
    let people = std::fs::read_to_string(rig.state().join("users.tsv")).unwrap();
    let people: Vec<Vec<&str>> = people
        .lines()
        .filter(|row| !row.is_empty() && !row.starts_with('#'))
        .map(|row| row.split('\t').collect())
        .collect();
    let host = rig.host();
    let ca = format!("'ca_file' => '{}'", rig.ca_file().display());
    let mut places = vec![
        (
            "imap",
            PairTemplate {
                class: "IMAP",
                form: "ssl",
                arguments: json!([host, 10993, "ssl"]),
                more: &ca,
                server: "rig",
            },
        ),
        (
            "imap",
            PairTemplate {
                class: "IMAP",
                form: "tls",
                arguments: json!([host, 10143, "tls"]),
                more: &ca,
                server: "rig",
            },
        ),
        (
            "ftp",
            PairTemplate {
                class: "FTP",
                form: "secure",
                arguments: json!([format!("{host}:10021"), true]),
                more: &ca,
                server: "rig",
            },
        ),
        (
            "ftp",
            PairTemplate {
                class: "FTP",
                form: "secure",
                arguments: json!([format!("{host}:10024"), true]),
                more: &ca,
                server: "rig, list",
            },
        ),
    ];
    if php::has_smbclient() {
        let more = "'engine' => 'native', 'port' => 10445, 'workgroup' => 'RIG'";
        places.push((
            "smb",
            PairTemplate { class: "SMB", form: "host", arguments: json!([host]), more, server: "rig" },
        ));
    } else {
        eprintln!("skipped: SMB, without smbclient");
    }
    for (service, place) in places {
        // Once for each service.
        if place.server == "rig" && place.form != "tls" {
            let paused = PairTemplate { server: "rig, paused", ..place.clone() };
            let before = pairs.len();
            paused.slow("alice", "Wonderland-1", pairs);
            pairs.iter_mut().skip(before).for_each(|pair| pair.paused = Some(service));
        }
        for row in &people {
            let [name, password, servers, state] = row[..] else { panic!("{row:?}") };
            let kind = match state {
                "ok" if servers == "all" || servers.split(',').any(|one| one == service) => "known",
                "ok" => "unknown",
                "disabled" => "disabled",
                "locked" => "locked",
                "mustchange" => "must change",
                _ => "expired",
            };
            for password in [("right", password), ("wrong", "not the password"), ("empty", "")] {
                pairs.push(place.pair((kind, name), password));
            }
        }
        for (kind, name) in [
            ("other case", "Alice"),
            ("address", "alice@example.com"),
            ("own Windows domain", "RIG\\alice"),
            ("own Windows domain", "RIG/alice"),
            ("other Windows domain", "OTHER\\alice"),
            ("guest", "guest"),
            ("anonymous", "anonymous"),
            ("blank outside", "alice "),
            ("%", "alice%Wonderland-1"),
            ("NFD", "alice\u{301}"),
        ] {
            for password in [("right", "Wonderland-1"), ("wrong", "not the password"), ("empty", "")] {
                pairs.push(place.pair((kind, name), password));
            }
        }
    }
}
