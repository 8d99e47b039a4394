//! O12: injection; stored texts are data, whatever they look like.
//!
//! Five hundred odd texts go through every field that takes text, and come back as they were or are
//! refused; none is ever part of a question to the store, of markup, or of a pattern.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::*;

/// Texts with a meaning in databases, shells, browsers, templates or spreadsheets.
const WORDS: &[&str] = &[
    // databases
    "'",
    "''",
    "\"",
    "`",
    "--",
    "/*",
    "*/",
    ";",
    "\\",
    "\\'",
    "' OR '1'='1",
    "' OR 1=1 --",
    "\" OR \"\"=\"",
    "'; DROP TABLE users; --",
    "1; DELETE FROM users",
    "admin'--",
    "admin' #",
    "') OR ('a'='a",
    "' UNION SELECT NULL, NULL --",
    "' AND (SELECT 1 FROM pg_sleep(5)) --",
    "'||(SELECT hash FROM passwords LIMIT 1)||'",
    "x' AND 1=0 UNION ALL SELECT 1 --",
    "'; ATTACH DATABASE '/tmp/x' AS x; --",
    "0x27",
    "CHAR(39)",
    "\u{2bc} OR 1=1",
    "\u{ff07} OR 1=1",
    "$1",
    ":1",
    "?",
    "@@version",
    "${1}",
    "%1$s",
    "E'\\x27'",
    "$$x$$",
    "NULL",
    "null",
    "TRUE",
    "false",
    "undefined",
    "nil",
    "None",
    "NaN",
    "Infinity",
    // patterns
    "%",
    "%%",
    "_",
    "__",
    "%_%",
    "\\%",
    "\\_",
    "[a-z]",
    "*",
    "a*b",
    ".*",
    "^$",
    "(a+)+$",
    "(?=a)",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "NEAR(a b)",
    "a AND b",
    "a NOT b",
    "\"a\" OR b",
    "col:a",
    "^a",
    "-a",
    "+a",
    "a\"b",
    // markup
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "\" onmouseover=\"x",
    "'><svg onload=alert(1)>",
    "</title><b>",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml version=\"1.0\"?>",
    "<!DOCTYPE x>",
    "&amp;",
    "&lt;b&gt;",
    "&#0;",
    "&#x41;",
    "&nbsp;",
    "&unknown;",
    "javascript:alert(1)",
    "data:text/html,x",
    "<a href=//evil.example>",
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% raw %}",
    "${jndi:ldap://x}",
    "@import url(x)",
    "expression(alert(1))",
    // shells and paths
    "$(id)",
    "`id`",
    "| id",
    "& id",
    "&& id",
    "; id",
    "> /tmp/x",
    "$HOME",
    "~",
    "~root",
    "%PATH%",
    "-rf",
    "--help",
    "-",
    "..",
    ".",
    "../../etc/passwd",
    "..\\..\\x",
    "/etc/passwd",
    "C:\\x",
    "\\\\host\\share",
    "file:///etc/passwd",
    "con",
    "aux",
    "NUL",
    "a/b",
    "a%2Fb",
    "%00",
    "%0d%0a",
    "%252e%252e",
    "%ff",
    "%u0027",
    ".htaccess",
    ".git/config",
    // protocols and logs
    "a\r\nSet-Cookie: x=y",
    "a\nBcc: x@example.org",
    "\r\n.\r\n",
    "250 ok",
    "* OK",
    "a1 LOGIN x y",
    "\u{1b}[31mred",
    "\u{7}",
    "%n%n%s",
    "%s%s%s%s",
    "%x",
    "\\x41",
    "\\u0041",
    "\\n",
    "=1+1",
    "+1",
    "@SUM(1)",
    "\t=1",
    "=cmd|' /C x'!A0",
    "a,b;c\td",
    // numbers
    "0",
    "-0",
    "1",
    "-1",
    "00",
    "01",
    "1.0",
    "1e3",
    "1e309",
    "-1e-309",
    "0x10",
    "0b1",
    "0o7",
    "1_000",
    "1,000",
    "٠١٢",
    "１２３",
    "½",
    "2147483647",
    "2147483648",
    "-2147483649",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999999999",
    "0.1",
    ".5",
    "5.",
    "1/0",
    "12345678-1234-1234-1234-123456789012",
    "+49 711 25242890",
    // words that programs keep for themselves
    "admin",
    "root",
    "local",
    "self",
    "this",
    "constructor",
    "__proto__",
    "prototype",
    "toString",
    "hasOwnProperty",
    "class",
    "user",
    "users",
    "groups",
    "details",
    "disabled",
    "recent",
    "select",
    "table",
    "where",
    "group1",
    "Array",
    "Object",
    "length",
    "eval",
    // languages
    "Zoë",
    "Zoe\u{308}",
    "Ångström",
    "A\u{30a}ngstro\u{308}m",
    "straße",
    "STRASSE",
    "İstanbul",
    "ıi",
    "ΣΊΣΥΦΟΣ",
    "σίσυφος",
    "ﬁ",
    "Ǆ",
    "田中さん",
    "김",
    "😀",
    "العربية",
    "עברית",
    "ไทย",
    "हिन्दी",
    "ελληνικά",
    "русский",
    "tiếng Việt",
    "𝒻𝒶𝓃𝒸𝓎",
    "𐐷",
    "ﷺ",
    "Ω",
    "Ω",
    "K",
    "ſ",
    // emoji and what joins them
    "🐘",
    "👨‍👩‍👧‍👦",
    "👍🏽",
    "🇩🇪",
    "🏴\u{e0067}\u{e0062}\u{e007f}",
    "❤️",
    "1️⃣",
    "🏳️‍🌈",
    // sense that can be turned around
    "\u{202e}txt.exe",
    "a\u{202d}b",
    "\u{2066}a\u{2069}",
    "\u{200f}a",
    "a\u{200b}b",
    "a\u{200d}b",
    "a\u{2060}b",
    "\u{feff}a",
    "a\u{ad}b",
    "аdmin",
    "ａｄｍｉｎ",
    "admin\u{301}",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "\u{34f}a",
    "\u{180e}",
    "\u{3164}",
    "\u{2800}",
    // hooks of the JSON kind
    "{\"a\":1}",
    "[1,2]",
    "\"quoted\"",
    "\\\"",
    "/",
    "\\/",
    "\u{2028}",
    "\u{2029}",
    "a\u{0}b",
    "\u{fffd}",
    "\u{fffe}",
    "\u{ffff}",
    "\u{10ffff}",
    "\u{e000}",
    "\u{d7ff}",
    "\u{f8ff}",
    "a=b&c=d",
    "a+b",
    "a b",
    "a%20b",
    "a;b",
    "a#b",
    "a?b",
    "a:b",
    "a@b",
    "a@b@c",
    "@",
    "a\\b",
    "a|b",
    "a,b",
];

/// All of them.
fn texts() -> Vec<String> {
    let mut all: Vec<String> = WORDS.iter().map(|word| (*word).to_owned()).collect();
    let controls = (0..0x20).chain(0x7f..0xa0);
    let blanks = [0xa0, 0x1680, 0x202f, 0x205f, 0x3000].into_iter().chain(0x2000..0x200b);
    let marks = (0x200b..0x2010).chain(0x202a..0x202f).chain(0x2060..0x2070).chain(0xfff9..0x10000);
    // In the middle, at the end, and alone.
    for (nth, found) in controls.chain(blanks).chain(marks).filter_map(char::from_u32).enumerate() {
        all.push(match nth % 3 {
            0 => format!("a{found}b"),
            1 => format!("a{found}"),
            _ => found.to_string(),
        });
    }
    // Every mark of ASCII, doubled; numbers around the edges of words; long ones.
    all.extend(
        (0x20_u8..0x7f)
            .map(char::from)
            .filter(|found| !found.is_ascii_alphanumeric())
            .map(|found| format!("a{found}{found}b")),
    );
    all.extend((0..0x20).map(|code| format!("%{code:02x}")));
    all.extend((0..=64).step_by(8).map(|bits| (1_u128 << bits).to_string()));
    for length in [63, 64, 65, 255, 256, 2047, 2048, 2049] {
        all.extend([" ", "a", "\"", "ä", "🐘"].map(|piece| piece.repeat(length)));
    }
    all.sort();
    all.dedup();
    all
}

#[test]
fn there_are_five_hundred_strings() {
    assert!(texts().len() >= 500, "{}", texts().len());
}

/// The form of these fields.
fn form(fields: &[(&str, &str)]) -> String {
    let pair =
        |(name, value): &(&str, &str)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC));
    fields.iter().map(pair).collect::<Vec<_>>().join("&")
}

/// As a piece of a path, which has its place in the 16 KiB of a head.
fn encoded(text: &str) -> String {
    let encoded = utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    encoded.get(..encoded.len().min(12_000)).unwrap_or_default().trim_end_matches('%').to_owned()
}

/// Nothing broke, and the XML is well-formed.
#[track_caller]
fn is_sane(answer: &Answer, text: &str) {
    assert!(answer.status < 500 && ![996, 999].contains(&answer.code()), "{text:?}: {answer:?}");
    if answer.body.starts_with("<?xml") {
        let mut reader = quick_xml::Reader::from_str(&answer.body);
        while !matches!(
            reader.read_event().unwrap_or_else(|error| panic!("{text:?} {error}: {}", answer.body)),
            quick_xml::events::Event::Eof
        ) {}
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_every_field_of_a_user_keeps_what_it_takes() {
    const FIELDS: &[&str] = &[
        "address",
        "twitter",
        "fediverse",
        "bluesky",
        "organisation",
        "role",
        "headline",
        "biography",
        "pronouns",
        "birthdate",
        "manager",
    ];
    const STRICT: &[&str] = &[
        "displayname",
        "email",
        "quota",
        "language",
        "locale",
        "phone",
        "website",
        "additional_mail",
        "notify_email",
        "profile_enabled",
        "first_day_of_week",
        "timezone",
        "emailScope",
        "password",
    ];
    let server = Server::start().await;
    for (nth, text) in texts().iter().enumerate() {
        // All that take any text in one call; if one refuses, all do.
        let names: Vec<String> = FIELDS.iter().map(|field| format!("fields[{field}]")).collect();
        let fields: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), text.as_str())).collect();
        let changed = server.put("admin", "/cloud/users/jane", &form(&fields)).send().await;
        is_sane(&changed, text);
        if changed.code() == 100 {
            let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
            for field in FIELDS {
                let expected = if *field == "twitter" { text.trim_start_matches('@') } else { text };
                assert_eq!(seen[field], expected, "{field}");
            }
            is_sane(&server.get("admin", "/cloud/users/jane").send().await.ok(), text);
        } else {
            let fits =
                text.len() <= 2048 && user_backend_server::provisioning::envelope::xml::can_carry(text);
            assert!(!fits, "{text:?}: {changed:?}");
        }
        let strict = STRICT[nth % STRICT.len()];
        let answer = server
            .put("admin", "/cloud/users/Frank", &form(&[("key", strict), ("value", text)]))
            .send()
            .await;
        is_sane(&answer, text);
        let key =
            server.put("admin", "/cloud/users/Frank", &form(&[("key", text), ("value", "x")])).send().await;
        is_sane(&key, text);
    }
    for id in ["admin", "Frank", "jane", "outsider", "sam"] {
        server.get("admin", &format!("/cloud/users/{id}")).send().await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_every_group_is_found_again_by_the_id_it_was_given() {
    let server = Server::start().await;
    for text in &texts() {
        let text = text.as_str();
        let group = server
            .post("admin", "/cloud/groups", &form(&[("groupid", text), ("displayname", text)]))
            .send()
            .await;
        is_sane(&group, text);
        if group.code() == 100 {
            let path = format!("/cloud/groups/{}", encoded(text));
            // Words that stand where an id could, and what looks like the path of something else.
            let shadowed = ["details", "a/b"].contains(&text) || text.contains('/');
            if !shadowed {
                is_sane(&server.get("admin", &path).send().await.ok(), text);
            }
            let named = server.get("admin", &form_query("/cloud/groups", text)).send().await.ok().data();
            assert!(named["groups"].as_array().unwrap().contains(&json!(text)), "{text:?}: {named}");
            let member =
                server.post("admin", "/cloud/users/jane/groups", &form(&[("groupid", text)])).send().await;
            member.ok();
            let of_user =
                server.get("admin", "/cloud/users/jane/groups?format=json").send().await.ok().data();
            assert!(of_user["groups"].as_array().unwrap().contains(&json!(text)), "{text:?}: {of_user}");
            is_sane(&server.get("admin", "/cloud/users/jane/groups").send().await.ok(), text);
            if !shadowed {
                server.delete("admin", &path).send().await.ok();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_every_user_is_found_again_by_the_id_they_were_given() {
    let server = Server::start().await;
    for (nth, text) in texts().iter().enumerate() {
        let text = text.as_str();
        let userid = [("userid", text), ("email", "n@example.org"), ("displayName", text)];
        let user = server.post("admin", "/cloud/users", &form(&userid)).send().await;
        is_sane(&user, text);
        if user.code() == 100 {
            let path = format!("/cloud/users/{}?format=json", encoded(text));
            let word = ["details", "disabled", "recent"].contains(&text);
            if !word {
                let seen = server.get("admin", &path).send().await.ok().data();
                assert_eq!((&seen["id"], &seen["displayname"]), (&json!(text), &json!(text)));
            }
            let delete = server.delete("admin", &path).send().await;
            assert!(word || delete.code() == 100, "{text:?}: {delete:?}");
        }
        // Every other place that takes a text.
        let (name, path) = [
            ("groups[]", "/cloud/users"),
            ("subadmin[]", "/cloud/users"),
            ("quota", "/cloud/users"),
            ("language", "/cloud/users"),
            ("backend", "/cloud/users"),
            ("password", "/cloud/users"),
            ("manager", "/cloud/users"),
        ][nth % 7];
        let id = format!("n{nth}");
        let other = form(&[("userid", &id), ("email", "n@example.org"), (name, text)]);
        is_sane(&server.post("admin", path, &other).send().await, text);
    }
}

fn form_query(path: &str, search: &str) -> String {
    format!("{path}?format=json&{}", form(&[("search", search)]))
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_searches_and_paths_take_texts_for_what_they_are() {
    let server = Server::start().await;
    for (nth, text) in texts().iter().enumerate() {
        let place = encoded(text);
        let others = [
            format!("/cloud/users/{place}/groups?format=json"),
            format!("/cloud/apps/{place}"),
            format!("/cloud/users?limit={place}"),
            format!("/cloud/users?format={place}"),
            format!("/cloud/groups/{place}/subadmins"),
        ];
        for path in [
            form_query("/cloud/users", text),
            form_query("/cloud/groups", text),
            format!("/cloud/users/{place}"),
            others[nth % others.len()].clone(),
        ] {
            is_sane(&server.get("admin", &path).send().await, text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_settings_and_sign_in_take_texts_literally() {
    // Thirty wrong passwords of one user would cause long delays.
    let server = Server::with("", "[resolver]\nlock = \"off\"\n").await;
    for (nth, text) in texts().iter().enumerate() {
        let setting = "/apps/provisioning_api/api/v1/config/apps/core/odd";
        let set = server.post("admin", setting, &form(&[("value", text)])).send().await;
        is_sane(&set, text);
        if set.code() == 100 {
            let path = format!("{setting}?format=json");
            assert_eq!(server.get("admin", &path).send().await.ok().data()["data"], text.as_str());
        }
        let key = format!("/apps/provisioning_api/api/v1/config/apps/core/{}", encoded(text));
        is_sane(&server.ask("admin", Method::POST, &key).form("value=x").send().await, text);
        if nth % 4 == 0 {
            let phone = form(&[("location", "DE"), ("search[a][]", text)]);
            is_sane(&server.post("jane", "/cloud/users/search/by-phone", &phone).send().await, text);
        }
        // It signs no user in, but another spelling of the name does.
        let answer = server.get("-", "/cloud/user").basic(text, PASSWORD).send().await;
        let admin = ["admin", "\u{ff41}\u{ff44}\u{ff4d}\u{ff49}\u{ff4e}"].contains(&text.as_str());
        assert!(
            answer.status == 400 || answer.code() == if admin { 100 } else { 997 },
            "{text:?}: {answer:?}"
        );
    }
    for text in WORDS.iter().take(30) {
        let answer = server.get("-", "/cloud/user").basic("outsider", text).send().await;
        assert!([429, 997].contains(&answer.code()), "{text:?}: {answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o12_marks_of_patterns_mean_themselves_in_a_search() {
    let server = Server::start().await;
    for (id, name) in [
        ("u1", "50% off"),
        ("u2", "50 off"),
        ("u3", "a_b"),
        ("u4", "axb"),
        ("u5", "back\\slash"),
        ("u6", "it's \"so\""),
    ] {
        let fields = [("userid", id), ("email", "n@example.org"), ("displayName", name)];
        server.post("admin", "/cloud/users", &form(&fields)).send().await.ok();
        server.post("admin", "/cloud/groups", &form(&[("groupid", name)])).send().await.ok();
    }
    for (search, expected) in [
        ("%", vec!["u1"]),
        ("50%", vec!["u1"]),
        ("0%o", vec![]),
        ("_", vec!["u3"]),
        ("a_b", vec!["u3"]),
        ("\\", vec!["u5"]),
        ("\\%", vec![]),
        ("'", vec!["u6"]),
        ("\"", vec!["u6"]),
        ("*", vec![]),
        ("A_B", vec!["u3"]),
        ("' OR 1=1 --", vec![]),
    ] {
        let found = server.get("admin", &form_query("/cloud/users", search)).send().await.ok().data();
        assert_eq!(found["users"], json!(expected), "{search}");
        let found = server.get("admin", &form_query("/cloud/groups", search)).send().await.ok().data();
        let groups = found["groups"].as_array().map_or(0, Vec::len);
        assert_eq!(groups, expected.len(), "{search}: {found}");
    }
    let all = server.get("admin", &form_query("/cloud/users", "")).send().await.ok().data();
    assert_eq!(all["users"].as_array().map(Vec::len), Some(11), "{}", Value::to_string(&all));
}
