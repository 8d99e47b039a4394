//! The tables of docs/names.md: every kind of name, at every set of settings.

use super::*;
use crate::identity::LoginName;
use crate::verdict::Verdict;

const DOCUMENT: &str = "../../docs/names.md";

/// A typed name, and a description where the name is not self-explanatory.
const NAMES: [(&str, &str); 18] = [
    ("Alice", ""),
    ("alice@example.com", ""),
    ("Alice@EXAMPLE.com", ""),
    ("alice@other.example", ""),
    ("zoe\u{308}", "NFD"),
    ("\u{ff41}\u{ff4e}\u{ff4e}\u{ff41}", "full width"),
    ("alice%40example.com", ""),
    ("alice%40other.example", ""),
    ("alice%example.com", ""),
    ("WORKGROUP\\alice", ""),
    ("CORP\\alice", ""),
    ("kim@m\u{f6}bel.example", ""),
    ("kim@xn--mbel-5qa.example", ""),
    ("mary ann", ""),
    ("mary  ann", "two blanks"),
    (" alice", "a blank in front"),
    ("guest@example.com", ""),
    ("a@b@example.com", ""),
];

/// The classes whose servers know addresses.
const ADDRESSES: &[&str] = &["imap", "ftp", "http", "ldap", "smtp", "ssh"];

/// The settings of one table, and the classes that they are for.
const TABLES: [(&str, &[&str], &str); 15] = [
    ("No settings", ADDRESSES, ""),
    ("A domain", ADDRESSES, "domain = \"example.com\""),
    ("A domain that is added", ADDRESSES, "domain = \"example.com\"\nadd_domain = true"),
    (
        "A domain that is added and stripped",
        ADDRESSES,
        "domain = \"example.com\"\nadd_domain = true\nstrip_domain = true",
    ),
    ("Two domains", ADDRESSES, "domain = [\"example.com\", \"m\u{f6}bel.example\"]\nadd_domain = true"),
    (
        "Two domains that are stripped",
        ADDRESSES,
        "domain = [\"example.com\", \"xn--mbel-5qa.example\"]\nstrip_domain = true",
    ),
    ("Bare names only", ADDRESSES, "names = \"bare\""),
    ("Addresses only", ADDRESSES, "names = \"address\""),
    ("Addresses of one domain only", ADDRESSES, "names = \"address\"\ndomain = \"example.com\""),
    ("A separator", ADDRESSES, "domain = \"example.com\"\nadd_domain = true\nseparator = \"%\""),
    ("SMB", &["smb"], ""),
    ("SMB with a workgroup", &["smb"], "workgroup = \"CORP\""),
    ("SMB with a domain", &["smb"], "domain = \"example.com\"\nadd_domain = true\nstrip_domain = true"),
    ("XMPP", &["xmpp"], ""),
    ("XMPP with a domain", &["xmpp"], "virtual_host = \"example.com\"\ndomain = \"example.com\""),
];

/// Names that not every class sends.
const CHARACTERS: [&str; 8] = ["a:b", "a+b", "a*", "a,b", "a/b", "a=b", "a%b", "a.b-c_d"];

fn entry(class: &str, settings: &str) -> (Config, Entry) {
    let more = match class {
        "ldap" => "base = \"dc=example,dc=com\"\n",
        "ssh" => "fingerprint = \"SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM\"\n",
        _ => "",
    };
    let text = format!("[[user_backends]]\nclass = \"{class}\"\nhost = \"files\"\n{more}{settings}\n");
    let config = toml(&text);
    let entry = config.entries()[0].clone();
    (config, entry)
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// What is sent, the account, and what is sent for an account with this id.
fn read((config, entry): &(Config, Entry), typed: &str) -> [String; 3] {
    let refused = || "refused".to_owned();
    let Ok(login) = LoginName::parse(typed) else { return [refused(), String::new(), refused()] };
    let word = |verdict: Verdict| match verdict {
        Verdict::NotMine => "not asked".to_owned(),
        _ => refused(),
    };
    let (sent, known) = match config.ask(entry, &login) {
        Ok((upstream, identity)) => (code(&upstream), code(identity.name().as_str())),
        Err(verdict) => (word(verdict), String::new()),
    };
    let account = match config.ask_account(entry, &login) {
        Ok(sent) => code(&sent),
        Err(verdict) => word(verdict),
    };
    let is_same = account == sent && (known.is_empty() || known == code(login.canonical().as_str()));
    [sent, known, if is_same { "same".to_owned() } else { account }]
}

fn table(entry: &(Config, Entry)) -> String {
    let mut text = "| typed | sent | account | sent, if it is an id |\n|---|---|---|---|\n".to_owned();
    for (typed, about) in NAMES {
        let [sent, known, account] = read(entry, typed);
        let about = if about.is_empty() { String::new() } else { format!(" ({about})") };
        text.push_str(&format!("| {}{about} | {sent} | {known} | {account} |\n", code(typed)));
    }
    text
}

fn document() -> String {
    let mut text = include_str!("names.md").to_owned();
    for (title, classes, settings) in TABLES {
        let tables: Vec<String> = classes.iter().map(|class| table(&entry(class, settings))).collect();
        assert!(tables.windows(2).all(|pair| pair[0] == pair[1]), "{title}: classes differ");
        text.push_str(&format!("\n## {title}\nClass {}.\n", classes.join(", ")));
        if !settings.is_empty() {
            text.push_str(&format!("```toml\n{settings}\n```\n"));
        }
        text.push_str(&format!("\n{}", tables[0]));
    }
    text + &characters()
}

/// What each class does with characters that its servers cannot have in a name, or split a name at.
fn characters() -> String {
    let classes = [
        ("imap", ""),
        ("ftp", ""),
        ("http", ""),
        ("ldap", "bind = \"uid={name},dc=example,dc=com\""),
        ("smtp", ""),
        ("ssh", ""),
        ("smb", ""),
        ("xmpp", ""),
    ];
    let mut text =
        "\n## Special characters\nEach class without settings; http with Basic or Digest.\n\n| typed |"
            .to_owned();
    text += &classes.iter().map(|(class, _)| format!(" {class} |")).collect::<String>();
    text += &format!("\n|---{}|\n", "|---".repeat(classes.len()));
    let entries: Vec<_> = classes.iter().map(|(class, settings)| entry(class, settings)).collect();
    for typed in CHARACTERS {
        let cells: String = entries.iter().map(|entry| format!(" {} |", read(entry, typed)[0])).collect();
        text += &format!("| {} |{cells}\n", code(typed));
    }
    text
}

/// The folder of the documents is in the repository, and not in the published crate.
pub(super) fn is_published() -> bool {
    let in_repository = Path::new("../xtask").is_dir();
    if !in_repository {
        eprintln!("skipped: the documents are not in the published crate");
    }
    !in_repository
}

#[test]
fn names_table_is_what_the_document_says() {
    if is_published() {
        return;
    }
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCUMENT, document()).unwrap();
    }
    let found = std::fs::read_to_string(DOCUMENT).unwrap();
    assert!(found == document(), "docs/names.md is stale: run this test with UPDATE_DOCS=1");
}
