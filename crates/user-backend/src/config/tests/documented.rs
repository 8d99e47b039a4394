//! Defaults and meanings, as the table of settings promises them.

use std::time::Duration;

use super::*;
use crate::identity::LoginName;
use crate::resolver::names::{Admit, NameDecision, NameRules};
use crate::resolver::policy::{BackendPolicy, OnReject, OnUnavailable};
use crate::transport::{ServerTrust, TlsMode};

#[test]
fn defaults_are_those_of_the_table() {
    let config = toml("[[user_backends]]\nclass = \"imap\"\nhost = \"mail.example.com\"");
    let entry = &config.entries()[0];
    let endpoint = entry.endpoint().unwrap();
    assert_eq!(reached(&config), "mail.example.com:143 explicit");
    assert_eq!(endpoint.trust(), &ServerTrust::System);
    assert_eq!(endpoint.server_name(), "mail.example.com");
    assert!(!endpoint.allows_plaintext());
    assert_eq!(
        (endpoint.connect_timeout(), endpoint.timeout()),
        (Duration::from_secs(3), Duration::from_secs(20))
    );
    assert_eq!(entry.policy(), &BackendPolicy::default());
    assert_eq!((entry.display_name(), entry.help_url()), ("imap:mail.example.com", None));
    assert_eq!(entry.names(), &NameRules::default());
    assert_eq!(config.resolver(), &ResolverSettings::default());
    assert_eq!(config.resolver().deadline, Duration::from_secs(25));
    assert_eq!((config.resolver().cache.entries, config.resolver().cache.bytes), (100_000, 33_554_432));
    assert_eq!(config.warnings(), []);
}

#[test]
fn every_field_of_the_table_is_obeyed() {
    let config = toml(
        r#"
        [[user_backends]]
        class = "imap"
        id = "mail"
        host = "Mail.Example.com"
        port = 1993
        tls = "implicit"
        ca_file = "tls/ca.pem"
        server_name = "imap.internal"
        domain = "example.com"
        add_domain = true
        strip_domain = true
        group_by_domain = true
        deny_names = ["anonymous", "ftp", "guest", "root"]
        connect_timeout = "500ms"
        timeout = "5s"
        max_concurrent = 4
        warm = 2
        on_reject = "stop"
        on_unavailable = "continue"
        canary = false
        cache_accepted = "1h"
        cache_rejected = "off"
        max_stale = "2d"
        budget = { failures = 2, per = "1h" }
        display_name = "Example Mail"
        help_url = "https://mail.example.com/password?lang=en"
        refusal_texts = ["Sorry, {name} may not come in"]
        forward_source = true

        [resolver]
        deadline = "30s"
        cache_entries = 10
        cache_bytes = 1000
        trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
        throttle = { first_delay = "1s", longest_delay = "10s", refuse_after = 3, per = "1h" }
        lock = { failures = 20, per = "12h" }
        "#,
    );
    let entry = &config.entries()[0];
    let endpoint = entry.endpoint().unwrap();
    assert_eq!(entry.id().as_str(), "mail");
    assert_eq!(reached(&config), "mail.example.com:1993 implicit");
    assert_eq!(endpoint.trust(), &ServerTrust::CaFile("conf/tls/ca.pem".into()));
    assert_eq!(endpoint.server_name(), "imap.internal");
    assert_eq!(
        (endpoint.connect_timeout(), endpoint.timeout()),
        (Duration::from_millis(500), Duration::from_secs(5))
    );
    assert_eq!(entry.display_name(), "Example Mail");
    assert_eq!(entry.help_url(), Some("https://mail.example.com/password?lang=en"));
    let policy = entry.policy();
    assert_eq!((policy.max_concurrent, policy.warm, policy.canary), (4, 2, false));
    assert_eq!((policy.on_reject, policy.on_unavailable), (OnReject::Stop, OnUnavailable::Continue));
    assert_eq!((policy.cache_accepted, policy.cache_rejected), (Duration::from_secs(3600), Duration::ZERO));
    assert_eq!(policy.max_stale, Some(Duration::from_secs(2 * 24 * 3600)));
    assert_eq!((policy.budget.failures, policy.budget.per), (2, Duration::from_secs(3600)));
    assert!(!entry.refusal_texts().unwrap().is_empty());
    assert_eq!(entry.field("forward_source"), Some(true));
    let decided = |name: &str| entry.names().decide(&LoginName::parse(name).unwrap());
    assert_eq!(decided("ROOT"), NameDecision::Denied);
    assert_eq!(decided("bob@other.example"), NameDecision::NotMine);
    let NameDecision::Ask { upstream, identity } = decided("bob") else { panic!() };
    assert_eq!((upstream.as_str(), identity.name().as_str()), ("bob@example.com", "bob"));
    assert_eq!(config.resolver().deadline, Duration::from_secs(30));
    assert_eq!((config.resolver().cache.entries, config.resolver().cache.bytes), (10, 1000));
    assert!(config.resolver().trusted_proxies[1].contains("10.9.8.7".parse().unwrap()));
    assert_eq!(config.resolver().throttle.refuse_after, 3);
    let lock = config.resolver().lock.unwrap();
    assert_eq!((lock.failures, lock.per), (20, Duration::from_secs(12 * 3600)));
}

#[cfg(feature = "smb")]
#[test]
fn smb_has_its_own_fields() {
    let config = toml(
        "[[user_backends]]\nclass = \"smb\"\nhost = \"files\"\nshare = \"data\"\nworkgroup = \"OFFICE\"",
    );
    let entry = &config.entries()[0];
    assert_eq!((entry.text("share"), entry.text("workgroup")), (Some("data"), Some("OFFICE")));
    assert_eq!((entry.text("engine"), entry.tls()), (None, None));
    assert_eq!(reached(&config), "files:445 none");
}

#[test]
fn default_port_follows_the_encryption() {
    for (class, tls, expected) in [
        ("imap", TlsMode::Implicit, 993),
        ("imap", TlsMode::Explicit, 143),
        ("ftp", TlsMode::Implicit, 990),
        ("ftp", TlsMode::Explicit, 21),
        ("ftp", TlsMode::None, 21),
    ] {
        let config =
            toml(&format!("[[user_backends]]\nclass = \"{class}\"\nhost = \"localhost\"\ntls = \"{tls}\""));
        assert_eq!(config.entries()[0].endpoint().unwrap().port(), expected, "{class} {tls}");
    }
}

#[test]
fn default_id_is_class_host_and_unusual_port() {
    for (fields, id) in [
        ("class = \"imap\"\nhost = \"Mail.Example.com\"", "imap:mail.example.com"),
        ("class = \"imap\"\nhost = \"mail\"\ntls = \"implicit\"", "imap:mail"),
        ("class = \"imap\"\nhost = \"mail\"\nport = 143", "imap:mail"),
        ("class = \"imap\"\nhost = \"mail\"\nport = 1143", "imap:mail:1143"),
        ("class = \"imap\"\nhost = \"::1\"", "imap:[::1]"),
        ("class = \"imap\"\nhost = \"::1\"\nport = 1143", "imap:[::1]:1143"),
        ("class = \"OC_User_FTP\"\narguments = [\"localhost:2121\"]", "ftp:localhost:2121"),
    ] {
        assert_eq!(toml(&format!("[[user_backends]]\n{fields}")).entries()[0].id().as_str(), id, "{fields}");
    }
}

#[test]
fn reordering_entries_keeps_default_ids() {
    let entries =
        ["class = \"imap\"\nhost = \"a\"", "class = \"imap\"\nhost = \"b\"", "class = \"ftp\"\nhost = \"a\""];
    let ids = |order: [usize; 3]| {
        let text: String =
            order.iter().map(|nth| format!("[[user_backends]]\n{}\n", entries[*nth])).collect();
        let mut ids: Vec<_> = toml(&text).entries().iter().map(|entry| entry.id().to_string()).collect();
        ids.sort();
        ids
    };
    assert_eq!(ids([0, 1, 2]), ids([2, 0, 1]));
}

#[test]
fn order_is_as_written_for_any_numbers() {
    let [b, a] = ["10", "9"].map(|nth| (nth, format!("host-{nth}")));
    let entry = |host: &str| format!("{{\"class\": \"ftp\", \"host\": \"{host}\"}}");
    let in_php = |host: &str| format!("['class' => 'ftp', 'host' => '{host}']");
    for config in [
        toml(&format!(
            "[user_backends.{}]\nclass = \"ftp\"\nhost = \"{}\"\n[user_backends.{}]\nclass = \"ftp\"\nhost = \"{}\"",
            a.0, a.1, b.0, b.1
        )),
        good(
            &format!("{{\"user_backends\": {{\"{}\": {}, \"{}\": {}}}}}", a.0, entry(&a.1), b.0, entry(&b.1)),
            Format::Json,
        ),
        php(&format!(
            "<?php return ['user_backends' => [{} => {}, {} => {}]];",
            a.0,
            in_php(&a.1),
            b.0,
            in_php(&b.1)
        )),
    ] {
        let ids: Vec<_> = config.entries().iter().map(|entry| entry.id().to_string()).collect();
        assert_eq!(ids, ["ftp:host-9", "ftp:host-10"]);
    }
}

#[test]
fn one_server_may_serve_two_domains_under_two_ids() {
    let config = toml(
        "[[user_backends]]\nid = \"a\"\nclass = \"imap\"\nhost = \"mail\"\ndomain = \"a.example\"\nstrip_domain = true
         [[user_backends]]\nid = \"b\"\nclass = \"imap\"\nhost = \"mail\"\ndomain = \"b.example\"",
    );
    assert_eq!(config.entries().len(), 2);
}

#[test]
fn warnings_say_what_an_operator_should_know() {
    let config = toml(
        r#"
        [[user_backends]]
        class = "imap"
        host = "mail.example.com"
        port = 993
        timeout = "1m"
        canary = false
        allow_plaintext = true
        deny_names = ["root", "Guest"]
        max_stale = "1h"

        [[user_backends]]
        class = "ftp"
        host = "localhost"
        tls = "none"
        ca_file = "ca.pem"

        [resolver]
        trusted_proxies = ["127.0.0.1"]
        "#,
    );
    let warnings: Vec<String> = config.warnings().iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(warnings.join("\n"));
}

#[test]
fn config_php_has_its_own_key_for_the_resolver() {
    let config =
        php("<?php $CONFIG = ['resolver' => dns(), 'user_backends_resolver' => ['deadline' => '9s'],
         'user_backends' => [['class' => 'ftp', 'host' => 'localhost']]];");
    assert_eq!(config.resolver().deadline, Duration::from_secs(9));
}

#[test]
fn refusal_texts_are_the_same_in_every_format() {
    let taught = |config: &Config| config.entries()[0].refusal_texts().unwrap();
    let in_toml = toml(
        "[[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\nrefusal_texts = [\"Nope, {name}\", \"Denied *\"]",
    );
    let in_json = good(
        r#"{"user_backends": [{"class": "ftp", "host": "files", "refusal_texts": ["Nope, {name}", "Denied *"]}]}"#,
        Format::Json,
    );
    let in_php = php("<?php return ['user_backends' => [
            ['class' => 'ftp', 'host' => 'files', 'refusal_texts' => array ('Nope, {name}', 'Denied *')],
        ]];");
    assert!(!taught(&in_toml).is_empty());
    assert_eq!(taught(&in_toml), taught(&in_json));
    assert_eq!(taught(&in_toml), taught(&in_php));
}

#[test]
fn names_and_admission_are_read_as_documented() {
    let config = toml(
        r#"
        [[user_backends]]
        class = "imap"
        host = "mail"
        domain = ["example.com", "example.net"]
        names = "address"
        separator = "%"
        admit = ["alice@example.com", "Bob@example.net"]
        on_first_sign_in = { groups = ["staff", "mail users"], quota = "5 GB", language = "de" }

        [[user_backends]]
        class = "ftp"
        host = "files"
        admit = { group = "staff" }
        group_by_domain = true
        "#,
    );
    let [mail, files] = config.entries() else { panic!() };
    assert_eq!(mail.names().domain().domains().collect::<Vec<_>>(), ["example.com", "example.net"]);
    let decided = |name: &str| mail.names().decide(&LoginName::parse(name).unwrap());
    let NameDecision::Ask { upstream, identity } = decided("Kim@example.net") else { panic!() };
    assert_eq!((upstream.as_str(), identity.name().as_str()), ("Kim%example.net", "kim@example.net"));
    assert_eq!(decided("kim"), NameDecision::NotMine);
    let admitted =
        |name: &str| mail.names().admits(LoginName::parse(name).unwrap().canonical(), true, |_| false);
    assert!(admitted("alice@example.com") && admitted("bob@example.net") && !admitted("kim@example.net"));
    let first = mail.first_sign_in();
    assert_eq!(first.groups, ["staff", "mail users"]);
    assert_eq!((first.quota.as_deref(), first.language.as_deref()), (Some("5 GB"), Some("de")));
    assert_eq!(files.names().admit(), &Admit::Group("staff".to_owned()));
    assert_eq!(config.warnings(), []);
}

#[test]
fn setting_without_effect_is_warned_about() {
    let reach = "class = \"imap\"\nhost = \"mail\"\n";
    for (fields, setting) in [
        ("domain = [\"a.example\", \"b.example\"]\nstrip_domain = true", "strip_domain"),
        ("deny_names = [\"anonymous\", \"ftp\", \"guest\", \"Guest\"]", "deny_names"),
        ("admit = [\"kim\", \"bo\", \"KIM\"]", "admit"),
        ("on_first_sign_in = { groups = [\"staff\", \"mail\", \"staff\"] }", "on_first_sign_in"),
        ("refusal_texts = [\"The account is closed\", \"The account is CLOSED\"]", "refusal_texts"),
        ("admit = \"known\"\non_first_sign_in = { language = \"de\" }", "on_first_sign_in"),
        ("on_first_sign_in = {}", "on_first_sign_in"),
        ("max_stale = \"5m\"", "max_stale"),
        ("connect_timeout = \"10s\"\ntimeout = \"9s\"", "connect_timeout"),
        ("on_reject = \"stop\"", "on_reject"),
        ("on_unavailable = \"continue\"", "on_unavailable"),
        ("domain = \"example.com\"\nadmit = [\"kim@other.example\", \"kim@example.com\", \"bo\"]", "admit"),
        (
            "domain = \"example.com\"\ndeny_names = [\"kim@other.example\", \"anonymous\", \"ftp\", \"guest\"]",
            "deny_names",
        ),
        (
            "names = \"address\"\ndeny_names = [\"kim\", \"anonymous\", \"ftp\", \"guest\"]\nadmit = [\"kim@a.example\"]",
            "admit",
        ),
    ] {
        let config = toml(&format!("[[user_backends]]\n{reach}{fields}"));
        let warned: Vec<&str> = config.warnings().iter().map(Warning::setting).collect();
        assert_eq!(warned, [setting], "{fields}: {:?}", config.warnings());
    }
    // Two groups: letter case matters in their ids.
    let groups =
        format!("[[user_backends]]\n{reach}on_first_sign_in = {{ groups = [\"Staff\", \"staff\"] }}");
    assert_eq!(toml(&groups).warnings(), []);
    let local = "[[user_backends]]\nclass = \"imap\"\nhost = \"localhost\"\ntls = \"none\"\n";
    assert_eq!(toml(local).warnings(), []);
    let consent = toml(&format!("{local}allow_plaintext = true"));
    assert!(consent.warnings()[0].text().contains("no effect: localhost is this machine"));
    // The same, for a backend with another one after it.
    let two = format!(
        "[[user_backends]]\n{reach}on_reject = \"stop\"\n[[user_backends]]\nclass = \"ftp\"\nhost = \"files\""
    );
    assert_eq!(toml(&two).warnings(), []);
    for arguments in ["['mail', 993, 'ssl', null, true]", "['mail', 993, 'ssl', '', 'stripeDomain' => 1]"] {
        let config = php_entry(&format!("'class' => 'OC_User_IMAP', 'arguments' => {arguments}"));
        assert_eq!(config.warnings()[0].setting(), "strip_domain", "{arguments}");
    }
    let plain =
        "class = \"imap\"\nhost = \"mail\"\ntls = \"none\"\nallow_plaintext = true\nforward_source = true";
    assert!(
        toml(&format!("[[user_backends]]\n{plain}"))
            .warnings()
            .iter()
            .any(|w| w.setting() == "forward_source")
    );
}

#[test]
fn resolver_setting_without_effect_is_warned_about() {
    let off = "cache_accepted = \"off\"\ncache_rejected = \"off\"\n";
    let grace = format!("{off}max_stale = \"1h\"\n");
    for (resolver, fields, expected) in [
        ("cache_entries = 10", off, &["cache_entries"][..]),
        ("cache_bytes = 10\ncache_entries = 10", off, &["cache_bytes", "cache_entries"]),
        ("cache_entries = 10", "cache_accepted = \"off\"", &[]),
        ("cache_entries = 10", &grace, &[]),
        ("deadline = \"30s\"", off, &[]),
        ("trusted_proxies = [\"10.0.0.1\", \"10.0.0.2\"]", "", &[]),
        ("trusted_proxies = [\"10.0.0.1\", \"10.0.0.1\"]", "", &["trusted_proxies"]),
        ("trusted_proxies = [\"10.0.0.1\", \"::1\", \"10.0.0.0/8\"]", "", &["trusted_proxies"]),
        ("trusted_proxies = [\"2001::/16\", \"10.0.0.0/8\", \"2001:db8::/32\"]", "", &["trusted_proxies"]),
    ] {
        let backend = "[[user_backends]]\nclass = \"imap\"\nhost = \"mail\"\n";
        let config = toml(&format!("[resolver]\n{resolver}\n{backend}{fields}"));
        let found: Vec<&str> = config.warnings().iter().map(Warning::setting).collect();
        assert_eq!(found, expected, "{resolver} {fields}: {:?}", config.warnings());
        assert!(config.warnings().iter().all(|warning| warning.line() < Some(4)), "{resolver}");
    }
}

#[cfg(all(feature = "smb", feature = "smb-native"))]
#[test]
fn share_without_effect_is_warned_about() {
    let warned = |fields: &str| {
        let config = toml(&format!("[[user_backends]]\nclass = \"smb\"\nhost = \"files\"\n{fields}"));
        config.warnings().iter().any(|warning| warning.setting() == "share")
    };
    assert!(warned("share = \"data\"\nengine = \"native\""));
    for fields in ["share = \"data\"", "share = \"data\"\nengine = \"auto\"", "engine = \"native\""] {
        assert!(!warned(fields), "{fields}");
    }
}

#[test]
fn warning_names_the_line_of_its_setting_in_every_format() {
    let warnings_of = |config: &Config| -> Vec<String> {
        let shown = |warning: &Warning| {
            let [line, column] = [warning.line(), warning.column()].map(Option::unwrap);
            let file = warning.file().unwrap().rsplit('/').next().unwrap().to_owned();
            format!("{} {file}:{line}:{column}", warning.setting())
        };
        config.warnings().iter().map(shown).collect()
    };
    let in_toml = toml(
        "[[user_backends]]\nclass = \"imap\"\nhost = \"mail\"\ntimeout = \"1m\"\non_reject = \"stop\"\n\
         max_stale = \"1m\"\ntls = \"none\"\nallow_plaintext = true\nforward_source = true\nca_file = \"ca.pem\"\n\
         canary = false\n",
    );
    let lines = |file: &str, places: [&str; 7]| -> Vec<String> {
        let settings =
            ["max_stale", "canary", "ca_file", "allow_plaintext", "forward_source", "timeout", "on_reject"];
        settings.iter().zip(places).map(|(setting, place)| format!("{setting} {file}:{place}")).collect()
    };
    let expected = ["6:13", "11:10", "10:11", "8:19", "9:18", "4:11", "5:13"];
    assert_eq!(warnings_of(&in_toml), lines("user-backend.toml", expected));
    let in_json = good(
        "{\"user_backends\": [{\n\"class\": \"imap\",\n\"host\": \"mail\",\n\"timeout\": \"1m\",\n\"on_reject\": \"stop\",\n\
         \"max_stale\": \"1m\",\n\"tls\": \"none\",\n\"allow_plaintext\": true,\n\"forward_source\": true,\n\
         \"ca_file\": \"ca.pem\",\n\"canary\": false}]}",
        Format::Json,
    );
    let expected = ["6:14", "11:11", "10:12", "8:20", "9:19", "4:12", "5:14"];
    assert_eq!(warnings_of(&in_json), lines("user-backend.json", expected));
    let in_php = php(
        "<?php $CONFIG = ['user_backends' => [[\n'class' => 'imap',\n'host' => 'mail',\n'timeout' => '1m',\n\
         'on_reject' => 'stop',\n'max_stale' => '1m',\n'tls' => 'none',\n'allow_plaintext' => true,\n\
         'forward_source' => true,\n'ca_file' => 'ca.pem',\n'canary' => false]]];",
    );
    let expected = ["6:16", "11:13", "10:14", "8:22", "9:21", "4:14", "5:16"];
    assert_eq!(warnings_of(&in_php), lines("config.php", expected));
    // What arguments say, and what is not there at all.
    for (entry, expected) in [
        ("'arguments' => [\n'mail',\n993,\n'ssl',\nnull,\ntrue]", "strip_domain config.php:6:1"),
        ("'arguments' => [\n'mail',\n993,\n'tls']", "tls config.php:4:1"),
        ("'arguments' => [\n'{localhost/notls/novalidate-cert}']", "arguments config.php:2:1"),
        ("'arguments' => [\n'{localhost/validate-cert}']", "arguments config.php:2:1"),
        ("'arguments' => [\n'{mail/ssl/readonly}']", "arguments config.php:2:1"),
        ("\n'arguments' => [\n'mailbox' => '{mail/ssl}Sent']", "arguments config.php:3:14"),
        ("'host' => 'mail',\n\n'port' => 993, 'tls' => 'explicit'", "tls config.php:3:25"),
        ("'host' => 'mail',\n\n'port' => 993", "tls config.php:1:38"),
    ] {
        let config = php_entry(&format!("'class' => 'OC_User_IMAP', {entry}"));
        assert_eq!(warnings_of(&config), [expected], "{entry}");
    }
    #[cfg(feature = "ssh")]
    {
        let config = php_entry(
            "'class' => 'ssh', 'arguments' => ['files'],\n'fingerprint' => 'SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM',\n'warm' => 1",
        );
        assert_eq!(warnings_of(&config), ["warm config.php:3:11"]);
    }
}
