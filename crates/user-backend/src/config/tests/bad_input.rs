//! Every bad input, and its error.

use super::*;

const TOML: (Format, &str) = (Format::Toml, "user-backend.toml");
const JSON: (Format, &str) = (Format::Json, "user-backend.json");
const PHP: (Format, &str) = (Format::Php, "config.php");

/// Each text and what is wrong with it, for a snapshot.
fn report<S: AsRef<str>>((format, name): (Format, &str), texts: &[S]) -> String {
    let report = |text: &S| {
        let text = text.as_ref();
        let shown = text.replace('\n', "\n  | ");
        format!("  | {shown}\n{}", wrong(text, format, name))
    };
    texts.iter().map(report).collect::<Vec<_>>().join("\n\n")
}

/// Entries of TOML, one per file.
fn entries(texts: &[&str]) -> String {
    let whole: Vec<String> = texts.iter().map(|text| format!("[[user_backends]]\n{text}")).collect();
    report(TOML, &whole)
}

/// Entries of PHP, one per file.
fn php_entries(texts: &[&str]) -> String {
    let whole: Vec<String> =
        texts.iter().map(|text| format!("<?php $CONFIG = ['user_backends' => [[\n{text}\n]]];")).collect();
    report(PHP, &whole)
}

#[test]
fn unknown_class() {
    insta::assert_snapshot!(entries(&[
        "class = \"imab\"\nhost = \"mail\"",
        "class = \"OC_User_IMAP_wUD\"\nhost = \"mail\"",
        "class = \"\\\\Evil\\\\IMAP\"\nhost = \"mail\"",
        "class = \"\"\nhost = \"mail\"",
        "class = 7\nhost = \"mail\"",
        "host = \"mail\"",
    ]));
}

#[test]
fn class_of_another_app() {
    insta::assert_snapshot!(php_entries(&["'class' => '\\OCA\\User_LDAP\\User_Proxy'",]));
}

#[test]
fn ssh_without_a_key_or_with_a_bad_one() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => '\\OCA\\UserExternal\\SSH', 'arguments' => ['example.com', '22']",
        "'class' => '\\OCA\\UserExternal\\SSH', 'arguments' => ['ssh://example.com', 'ssh', true], 'known_hosts' => 'hosts'",
        "'class' => 'ssh', 'host' => 'example.com', 'fingerprint' => 'MD5:0a:0b', 'known_hosts' => ''",
        "'class' => 'ssh', 'host' => 'example.com', 'fingerprint' => 'SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM', 'known_hosts' => 'hosts'",
        "'class' => 'ssh', 'host' => 'example.com', 'known_hosts' => 7, 'tls' => 'none', 'warm' => 2, 'share' => 'x'",
        "'class' => 'ssh', 'arguments' => ['example.com'], 'port' => 22, 'know_hosts' => 'hosts'",
    ]));
}

#[test]
fn bad_settings_of_http() {
    insta::assert_snapshot!(entries(&[
        "class = \"http\"\nhost = \"https://cloud.example.com/dav\"",
        "class = \"http\"\nhost = \"web\"\npath = \"login\"",
        "class = \"http\"\nhost = \"web\"\npath = \"https://web/login\"",
        "class = \"http\"\nhost = \"web\"\npath = \"/a#b\"",
        "class = \"http\"\nhost = \"web\"\npath = 7",
        "class = \"http\"\nhost = \"web\"\nauth = \"ntlm\"",
        "class = \"http\"\nhost = \"web\"\nmethod = \"OPTIONS\"",
        "class = \"http\"\nhost = \"web\"\naccept = 302",
        "class = \"http\"\nhost = \"web\"\nrefuse = 500",
        "class = \"http\"\nhost = \"web\"\nallow_md5 = true",
        "class = \"http\"\nhost = \"web\"\nauth = \"form\"\nmethod = \"GET\"",
        "class = \"http\"\nhost = \"web\"\nname_field = \"user\"",
        "class = \"http\"\nhost = \"web\"\nauth = \"json\"\nname_field = \"x\"\npassword_field = \"x\"",
        "class = \"http\"\nhost = \"web\"\ntls = \"explicit\"",
        "class = \"http\"\nhost = \"web\"\ntls = \"none\"",
    ]));
}

#[test]
fn bad_addresses_of_http() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'WebDavAuth'",
        "'class' => 'WebDavAuth', 'arguments' => []",
        "'class' => 'WebDavAuth', 'arguments' => ['cloud.example.com']",
        "'class' => 'WebDavAuth', 'arguments' => ['ftp://cloud.example.com']",
        "'class' => 'WebDavAuth', 'arguments' => ['https://alice:Wonderland-1@cloud.example.com']",
        "'class' => 'WebDavAuth', 'arguments' => ['https://cloud.example.com', 'ntlm']",
        "'class' => 'WebDavAuth', 'arguments' => ['https://cloud.example.com', 'basic', 1]",
        "'class' => 'WebDavAuth', 'arguments' => ['https://cloud.example.com/dav'], 'path' => '/other'",
        "'class' => 'BasicAuth', 'arguments' => ['http://cloud.example.com/']",
    ]));
}

#[test]
fn bad_settings_of_ldap() {
    insta::assert_snapshot!(entries(&[
        "class = \"ldap\"\nhost = \"ldap\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbind = \"cn=admin,dc=example\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbind = \"cn={name}+uid={name}\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"people\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nfilter = \"uid={name}\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nfilter = \"(uid={user})\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nfilter = \"(objectClass=person)\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbind = \"uid={name},dc=example\"\nfilter = \"(uid={name})\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nservice_dn = \"cn=reader,dc=example\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nservice_dn = \"cn=reader,dc=example\"\nservice_password = \"\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nservice_dn = \"cn=reader,dc=example\"\nservice_password = 7",
        "class = \"ldap\"\nhost = \"ldap\"\nbind = \"uid={name},dc=example\"\nservice_dn = \"cn=reader,dc=example\"\nservice_password = \"Wonderland-1\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbind = \"{name}@example.com\"\ngroup_base = \"dc=example\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\ngroup_base = \"dc=example\"\ngroup_filter = \"(cn=*)\"",
        "class = \"ldap\"\nhost = \"ldap\"\nbase = \"dc=example\"\nname_attribute = \"u d\"",
        "class = \"ldap\"\nhost = \"ldaps://ldap\"\nbase = \"dc=example\"",
        "class = \"ldap\"\narguments = [\"ldap\"]",
    ]));
}

#[test]
fn bad_settings_of_smtp() {
    insta::assert_snapshot!(entries(&[
        "class = \"smtp\"",
        "class = \"smtp\"\nhost = \"smtps://mail\"",
        "class = \"smtp\"\nhost = \"mail\"\ntls = \"optional\"",
        "class = \"smtp\"\nhost = \"mail\"\ntls = \"none\"",
        "class = \"smtp\"\nhost = \"mail\"\nmechanism = \"PLAIN\"\nuser = 7",
        "class = \"smtp\"\nhost = \"mail\"\nrefusal_texts = [\"535 no\", 5]",
        "class = \"smtp\"\narguments = [\"mail\", 587]",
    ]));
}

#[test]
fn bad_settings_of_xmpp() {
    let php = php_entries(&[
        "'class' => '\\OCA\\UserExternal\\XMPP', 'arguments' => ['dbhost', 'db', 'user', 'Wonderland-1', 'example.com', true]",
        "'class' => '\\OCA\\user_external\\XMPP', 'arguments' => ['dbhost', 'db', 'user', 'Wonderland-1']",
        "'class' => 'OC_User_XMPP', 'arguments' => []",
        "'class' => 'OC_User_XMPP'",
    ]);
    let toml = entries(&[
        "class = \"xmpp\"\nhost = \"alice@example.com\"",
        "class = \"xmpp\"\nhost = \"chat\"\nvirtual_host = \"alice@example.com\"",
        "class = \"xmpp\"\nhost = \"chat\"\nvirtual_host = 7",
        "class = \"xmpp\"\nhost = \"chat\"\nvirtual-host = \"example.com\"",
        "class = \"xmpp\"\nhost = \"chat\"\ntls = \"none\"\nwarm = 1",
        "class = \"xmpp\"\narguments = [\"dbhost\", \"db\", \"user\", \"Wonderland-1\", \"example.com\", true]",
    ]);
    insta::assert_snapshot!([php, toml].join("\n\n"));
}

#[test]
fn unknown_field() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhots = \"mail\"",
        "class = \"imap\"\nhost = \"mail\"\nca-file = \"ca.pem\"\npassword = \"Wonderland-1\"",
        "class = \"imap\"\nhost = \"mail\"\nbudget = { failure = 3 }",
        "class = \"imap\"\nhost = \"mail\"\n\"a\\u001b[2J\" = 1",
    ]));
}

#[test]
fn field_of_another_class() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\nshare = \"data\"",
        "class = \"ftp\"\nhost = \"files\"\nworkgroup = \"OFFICE\"\nengine = \"native\"",
        "class = \"smb\"\nhost = \"files\"\ntls = \"explicit\"\nallow_plaintext = true",
    ]));
}

#[test]
fn wrong_type() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = 7\nport = \"993\"\ntls = true\ncanary = \"false\"\nid = []\nbudget = 3\ndeny_names = \"root\"\nca_file = { path = \"x\" }\nmax_concurrent = 1.5\ndomain = 2026-11-22",
    ]));
}

#[test]
fn invalid_duration() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\ntimeout = 15\nconnect_timeout = \"15\"\ncache_accepted = \"soon\"\nbudget = { per = 900 }",
        "class = \"imap\"\nhost = \"mail\"\ntimeout = \"0s\"\nmax_stale = 0\ncache_accepted = \"0\"\ncache_rejected = \"0s\"",
        "class = \"imap\"\nhost = \"mail\"\nmax_stale = false\ncache_accepted = 300\ntimeout = \"99999999d\"",
    ]));
}

#[test]
fn number_out_of_its_range() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\nport = 0",
        "class = \"imap\"\nhost = \"mail\"\nport = 65536",
        "class = \"imap\"\nhost = \"mail\"\nport = -1\nmax_concurrent = 0\nwarm = 100000\nbudget = { failures = 0 }",
        "class = \"imap\"\nhost = \"mail\"\nport = \"99x\"",
        "class = \"imap\"\narguments = [\"mail\", \"99x\", \"ssl\"]",
        "class = \"imap\"\narguments = [\"mail\", 65536, \"ssl\"]",
        "class = \"imap\"\narguments = [\"mail\", 0, \"ssl\"]",
        "class = \"ftp\"\narguments = [\"files:0\", true]",
        "class = \"imap\"\narguments = [\"{mail:65536/ssl}\"]",
    ]));
}

#[test]
fn invalid_help_settings() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\ndisplay_name = \"\"\nhelp_url = \"\"",
        "class = \"imap\"\nhost = \"mail\"\ndisplay_name = \" Mail \"\nhelp_url = \"javascript:alert(1)\"",
        "class = \"imap\"\nhost = \"mail\"\ndisplay_name = \"a\\nb\"\nhelp_url = \"https://example.com/a b\"",
        "class = \"imap\"\nhost = \"mail\"\ndisplay_name = 7\nhelp_url = \"https://frank:Wonderland-1@example.com/\"",
        "class = \"imap\"\nhost = \"mail\"\nhelp_url = \"https:///path\"",
        "class = \"imap\"\nhost = \"mail\"\nhelp_url = \"ftp://example.com\"",
    ]));
}

#[test]
fn missing_argument() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP'",
        "'class' => 'OC_User_IMAP', 'arguments' => []",
        "'class' => 'OC_User_FTP', 'arguments' => array()",
        "'class' => 'OC_User_SMB', 'arguments' => [null]",
        "'class' => 'OC_User_IMAP', 'arguments' => [0 => 'mail', 2 => 'ssl']",
        "'class' => 'OC_User_IMAP', 'arguments' => [1 => 993, 2 => 'ssl']",
        "'class' => 'OC_User_FTP', 'arguments' => 'localhost'",
    ]));
}

#[test]
fn mismatched_arguments() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 993, 'sll']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 143, 'STARTTLS']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 143, false, ['example.com'], 'yes', 'false']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 993, 'ssl', 'example.com', true, false, 7]",
        "'class' => 'OC_User_IMAP', 'arguments' => ['host' => 'mail', 'sslMode' => 'ssl']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 993, 'ssl', 'host' => 'mail']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail/ssl}', 'example.com', true]",
        "'class' => 'OC_User_FTP', 'arguments' => ['localhost', 'false']",
        "'class' => 'OC_User_SMB', 'arguments' => ['//files/data']",
        "'class' => 'OC_User_SMB', 'arguments' => ['files', 'data']",
        "'class' => 'OC_User_IMAP', 'arguments' => [-1 => 'mail']",
    ]));
}

#[test]
fn field_is_set_twice() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP', 'arguments' => ['mail', 993, 'ssl'], 'host' => 'mail', 'port' => 993, 'tls' => 'implicit'",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/ssl}', 'example.com'], 'port' => 993, 'tls' => 'implicit', 'domain' => 'example.com', 'strip_domain' => false",
        "'class' => 'OC_User_FTP', 'arguments' => ['files:2121', false], 'port' => 21, 'tls' => 'explicit'",
        "'class' => 'ftp', 'host' => 'localhost', 'host' => 'other'",
    ]));
}

#[test]
fn bad_mailbox_string() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/imap/ssl']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/imap/sll}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/imap/ssl/user=alice}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/imap/ssl/authuser=\"alice\"}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail/imap/anonymous}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail/imap/secure}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail/imap/tryssl}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:110/pop3}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail/ssl/tls}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail: 993/ssl}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{imaps://mail/ssl}']",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{}']",
    ]));
}

#[test]
fn any_certificate_without_consent() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail:993/imap/ssl/novalidate-cert}']",
        "'class' => 'imap', 'host' => 'mail', 'danger_accept_any_certificate' => true, 'ca_file' => 'ca.pem'",
    ]));
}

#[test]
fn plaintext_over_the_network() {
    let php = php_entries(&[
        "'class' => '\\OCA\\UserExternal\\IMAP', 'arguments' => ['mail.example.com']",
        "'class' => '\\OCA\\UserExternal\\IMAP', 'arguments' => ['mail.example.com', 993, null]",
        "'class' => 'OC_User_IMAP', 'arguments' => ['{mail.example.com:143/imap/notls}INBOX', 'example.com']",
        "'class' => 'OC_User_FTP', 'arguments' => ['ftp.example.com']",
        "'class' => '\\OCA\\UserExternal\\FTP', 'arguments' => ['ftp.example.com', false]",
        "'class' => 'ftp', 'host' => 'ftp.example.com', 'tls' => 'none', 'allow_plaintext' => false",
    ]);
    let toml = entries(&[
        "class = \"OC_User_FTP\"\narguments = [\"ftp.example.com\", false]",
        "class = \"imap\"\nhost = \"10.0.0.1\"\ntls = \"none\"",
    ]);
    let json = report(
        JSON,
        &[r#"{"user_backends": [{"class": "OC_User_FTP", "arguments": ["ftp.example.com", false]}]}"#],
    );
    insta::assert_snapshot!([php, toml, json].join("\n\n"));
}

#[test]
fn invalid_host() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"imaps://mail.example.com:993\"",
        "class = \"imap\"\nhost = \"mail.example.com:993\"",
        "class = \"imap\"\nhost = \"mail server\"",
        "class = \"imap\"\nhost = \"mail/inbox\"",
        "class = \"imap\"\nhost = \"\"",
        "class = \"imap\"\nhost = \"{mail:993/ssl}\"",
        "class = \"imap\"\nhost = \"münchen.de\"",
        "class = \"imap\"\nhost = \"010.0.0.1\"",
        "class = \"imap\"\nhost = \"imaps://alice:Wonderland-1@mail\"\nserver_name = \"mail:993\"",
        "class = \"OC_User_IMAP\"\narguments = [\"mail.example.com:993\", 993, \"ssl\"]",
        "class = \"OC_User_FTP\"\narguments = [\"ftp://files\", true]",
    ]));
}

#[test]
fn invalid_domain() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\ndomain = \"@example.com\"",
        "class = \"imap\"\nhost = \"mail\"\ndomain = \"\"",
        "class = \"imap\"\nhost = \"mail\"\nstrip_domain = true",
        "class = \"imap\"\nhost = \"mail\"\nadd_domain = true\ngroup_by_domain = true",
        "class = \"imap\"\nhost = \"mail\"\ndeny_names = [\"root\", \"\", 7]",
    ]));
}

#[test]
fn words_outside_the_choices() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\ntls = \"explict\"\non_reject = \"abort\"\non_unavailable = \"Stop\"",
        "class = \"imap\"\nhost = \"mail\"\ntls = \"ssl\"",
    ]));
}

#[test]
fn duplicate_id() {
    insta::assert_snapshot!(report(
        TOML,
        &[
            "[[user_backends]]\nclass = \"imap\"\nhost = \"mail\"\n\n[[user_backends]]\nclass = \"ftp\"\nhost = \"mail\"\n\n[[user_backends]]\nclass = \"OC_User_IMAP\"\narguments = [\"{MAIL/ssl}\"]",
            "[[user_backends]]\nclass = \"imap\"\nhost = \"a\"\nid = \"x\"\n\n[[user_backends]]\nclass = \"imap\"\nhost = \"b\"\nid = \"x\"",
        ]
    ));
}

#[test]
fn a_bad_id() {
    insta::assert_snapshot!(entries(&[
        "class = \"imap\"\nhost = \"mail\"\nid = \"\"",
        "class = \"imap\"\nhost = \"mail\"\nid = \"the mail server\"",
        &format!("class = \"imap\"\nhost = \"mail\"\nid = \"{}\"", "x".repeat(129)),
        &format!("class = \"imap\"\nhost = \"{}example.com\"", "abcdefghi.".repeat(12)),
    ]));
}

#[test]
fn two_backends_stripping_different_domains() {
    insta::assert_snapshot!(report(
        PHP,
        &[
            "<?php $CONFIG = ['user_backends' => [\n['class' => 'OC_User_IMAP', 'arguments' => ['a', 993, 'ssl', 'a.example']],\n['class' => 'OC_User_IMAP', 'arguments' => ['b', 993, 'ssl', 'b.example']]]];",
        ]
    ));
}

#[test]
fn several_errors_at_once() {
    insta::assert_snapshot!(report(
        PHP,
        &[
            "<?php\n$CONFIG = array (\n  'user_backends' => array (\n    array ( 'class' => 'OC_User_IMAP', 'arguments' => array ( 'mail.example.com', 70000, 'sll' ) ),\n    array ( 'class' => 'OC_User_WebDAV', 'arguments' => array ( 'https://dav.example.com' ) ),\n    array ( 'class' => 'OC_User_FTP', 'arguments' => array ( 'ftp.example.com' ), 'timeuot' => '3s', 'canary' => 'no' ),\n    'OC_User_SMB',\n  ),\n  'user_backends_resolver' => array ( 'deadline' => 20, 'cache_size' => 3 ),\n);",
        ]
    ));
}

#[test]
fn php_without_literals() {
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'OC_User_IMAP', 'arguments' => [getenv('IMAP'), PORT, \"s$sl\"]",
        "'class' => $class, 'host' => 'a' . $b, 'port' => 143 + 850, 'tls' => true ? 'implicit' : 'none'",
        "'class' => 'imap', 'host' => <<<X\nmail\nX, 'id' => `hostname`, 'ca_file' => __DIR__ . '/ca.pem', 'canary' => !true",
        "'class' => 'imap', 'host' => (string) 'mail', 'deny_names' => [...$names], 'budget' => new Budget()",
        "'class' => 'imap', 'host' => function() { return 'mail'; }, $key => 1, 'port' => -'x'",
        "'class' => 'imap', 'host' => \"ma\\u{69}l\", 'id' => include 'id.php', 'warm' => IMAP::PORT",
    ]));
}

#[test]
fn php_outside_the_read_places() {
    let entry = "['class' => 'ftp', 'host' => 'localhost']";
    insta::assert_snapshot!(report(
        PHP,
        &[
            &format!(
                "<?php\n$CONFIG = ['user_backends' => [{entry}]];\nif (getenv('X')) {{ $CONFIG['user_backends'] = [{entry}]; }}"
            ),
            &format!(
                "<?php\n$CONFIG = ['user_backends' => [{entry}]];\n$CONFIG['user_backends'][] = {entry};"
            ),
            &format!(
                "<?php\n$CONFIG = ['user_backends' => [{entry}], 'x' => 1, 'user_backends' => [{entry}]];"
            ),
            &format!("<?php\n$CONFIG = array_merge($CONFIG, ['user_backends' => [{entry}]]);"),
            &format!("<?php\n$OTHER = ['user_backends' => [{entry}]];"),
        ]
    ));
}

#[test]
fn syntax_errors() {
    let toml =
        report(TOML, &["[[user_backends]]\nclass = imap\nhost = \"Wonderland-1", "user_backends = [\n"]);
    let json = report(
        JSON,
        &[
            "{\"user_backends\": [\n  {\"class\": \"imap\", \"host\": \"Wonderland-1\"},\n]}",
            "{\"user_backends\": [{\"class\": \"imap\"",
            "{\"user_backends\": [], \"user_backends\": []}",
            "{\"user_backends\": [{\"class\": \"\\ud800\"}]}",
            "[]",
        ],
    );
    let php = report(
        PHP,
        &[
            "<?php\n$CONFIG = array (\n  'dbpassword' => 'Wonderland-1'\n  'user_backends' => array (),\n);",
            "<?php\n$CONFIG = array ( 'user_backends' => array (",
            "<?php\n$CONFIG = array ( 'dbpassword' => 'Wonderland-1",
            "<?php\n“user_backends” => array ( 0 => array ( ‘class’ => ‘OC_User_FTP’ ) ),",
            "just words",
        ],
    );
    insta::assert_snapshot!([toml, json, php].join("\n\n"));
}

#[test]
fn no_backends() {
    let toml = report(
        TOML,
        &[
            "[resolver]\ndeadline = \"3s\"",
            "user_backends = []",
            "[user_backends]\nclass = \"imap\"",
            "user_backends = \"imap\"",
            "user_backends = [\"imap\"]",
        ],
    );
    let json = report(JSON, &["{}", "{\"user_backends\": null}", "{\"user_backends\": {\"mail\": {}}}"]);
    let php = report(
        PHP,
        &[
            "<?php $CONFIG = ['dbtype' => 'mysql'];",
            "<?php $CONFIG = ['user_backends' => array()];",
            "<?php $CONFIG = ['user_backends' => 'imap'];",
        ],
    );
    insta::assert_snapshot!([toml, json, php].join("\n\n"));
}

#[test]
fn unknown_sections() {
    insta::assert_snapshot!(report(
        TOML,
        &[
            "[server]\nlisten = \"127.0.0.1:80\"\n[resolvre]\n[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"",
        ]
    ));
}

#[test]
fn bad_settings_of_the_resolver() {
    let backend = "[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"";
    insta::assert_snapshot!(report(
        TOML,
        &[
            &format!(
                "{backend}\n[resolver]\ndeadline = \"20\"\ncache_entries = 0\ncache_bytes = \"32MiB\"\ntrusted_proxies = [\"10.1.2.3/8\", \"proxy\", 7, \"::/0\"]"
            ),
            &format!(
                "{backend}\n[resolver]\nthrottle = {{ first_delay = \"1m\", refuse_after = 0, step = 3 }}\nbudget = 3"
            ),
            &format!("{backend}\n[resolver]\nlock = {{ failures = 0, per = \"0s\", refuse_after = 3 }}"),
            &format!("{backend}\n[resolver]\nlock = false"),
            &format!("resolver = 3\n{backend}"),
        ]
    ));
}

#[cfg(feature = "smb")]
#[test]
fn bad_settings_of_smb() {
    insta::assert_snapshot!(entries(&[
        "class = \"smb\"\nhost = \"files\"\nshare = \"IPC$\"",
        "class = \"smb\"\nhost = \"files\"\nshare = \"//files/data\"\nworkgroup = \"MY OFFICE\"\nengine = \"samba\"",
    ]));
}

#[test]
fn bad_refusal_texts() {
    let entry = |texts: &str| {
        format!("[[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\nrefusal_texts = {texts}")
    };
    let many = format!("[{}]", vec!["\"Nope, sorry\""; 21].join(", "));
    let inputs = [
        "\"Nope, sorry\"",
        "[]",
        "[\"Nope, sorry\", \"*\", \"no\", 7]",
        "[\"530 Nope, sorry\", \"[ALERT] Nope, sorry\"]",
        "[\"Nope\\r\\nsorry\"]",
        &many,
    ];
    let inputs = inputs.map(entry);
    let texts: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let other = ["[[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\nforward_source = true"];
    insta::assert_snapshot!([report(TOML, &texts), report(TOML, &other)].join("\n\n"));
}

#[test]
fn invalid_names_and_admission() {
    let entry = |fields: &str| format!("class = \"imap\"\nhost = \"mail\"\n{fields}");
    let texts = [
        "domain = []",
        "domain = [\"a.example\", 7]",
        "domain = [\"möbel.example\", \"xn--mbel-5qa.example\"]",
        "domain = [\"a.example\", \"kim@b.example\"]",
        "domain = false",
        "names = \"adress\"",
        "names = \"address\"\ndomain = \"a.example\"\nadd_domain = true",
        "separator = \"%\"",
        "separator = \"%%\"\ndomain = \"a.example\"",
        "separator = \"x\"\ndomain = \"a.example\"",
        "separator = \"%\"\ndomain = \"a.example\"\nnames = \"bare\"",
        "group_by_domain = true\nnames = \"bare\"",
        "admit = \"anybody\"",
        "admit = \"knwon\"",
        "admit = []",
        "admit = [\"alice\", \"a\\u0000b\", 7]",
        "admit = { groups = \"staff\" }",
        "admit = { group = \"\" }",
        "admit = true",
        "on_first_sign_in = \"staff\"",
        "on_first_sign_in = { group = \"staff\" }",
        "on_first_sign_in = { groups = [\"admin\", \"\"], quota = 5, language = \"\" }",
    ];
    let texts: Vec<String> = texts.iter().map(|fields| entry(fields)).collect();
    let smb = ["names = \"any\"", "group_by_domain = true", "domain = \"a.example\"\nseparator = \"%\""];
    let smb = smb.iter().map(|fields| format!("class = \"smb\"\nhost = \"files\"\n{fields}"));
    let all: Vec<String> = texts.into_iter().chain(smb).collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    insta::assert_snapshot!(entries(&all));
    insta::assert_snapshot!(report(
        JSON,
        &[
            r#"{"user_backends": [{"class": "imap", "host": "mail", "separator": "%", "admit": {"grup": "x"}}]}"#
        ]
    ));
    insta::assert_snapshot!(php_entries(&[
        "'class' => 'imap', 'host' => 'mail', 'separator' => '%', 'admit' => array ('grup' => 'x')",
        "'class' => 'imap', 'arguments' => ['mail', 993, 'ssl', 'a.example'], 'domain' => ['b.example']",
    ]));
}

#[test]
fn misspelt_class_is_named_beside_the_missing_one() {
    let text = "[[user_backends]]\nClass = \"imap\"\nhost = \"localhost\"\n";
    let errors = Config::parse(text, Format::Toml, "a.toml").unwrap_err().to_string();
    for expected in [
        "a.toml:2:1: user_backends[0].Class: found an unknown field",
        "hint: did you mean `class`?",
        "user_backends[0].class: found nothing",
    ] {
        assert!(errors.contains(expected), "{errors}");
    }
}
