//! The classes `http`, `ldap`, `smtp` and `xmpp`, as their pages of the documentation describe them.

use super::*;
use crate::class::{Class, FieldSpec};

/// Pages of the documentation, which are not in the published crate.
fn page(class: &str) -> Option<String> {
    std::fs::read_to_string(format!("../../docs/backends/{class}.md")).ok()
}

fn examples<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let fence = format!("```{language}\n");
    page.split(fence.as_str()).skip(1).map(|rest| rest.split("\n```").next().unwrap()).collect()
}

#[test]
fn examples_of_the_pages_load() {
    let [Some(http), Some(ldap), Some(smtp), Some(xmpp)] = ["http", "ldap", "smtp", "xmpp"].map(page) else {
        return;
    };
    let entries: Vec<_> =
        examples(&http, "toml").into_iter().map(|text| toml(text).entries().len()).collect();
    assert_eq!(entries, [2]);
    let entries: Vec<_> = examples(&http, "php").into_iter().map(|text| php(text).entries().len()).collect();
    assert_eq!(entries, [2]);
    let smtp = examples(&smtp, "toml").into_iter().map(|text| ("smtp", text));
    let ldap_examples = examples(&ldap, "toml").into_iter().map(|text| ("ldap", text));
    let xmpp_examples = examples(&xmpp, "toml").into_iter().map(|text| ("xmpp", text));
    for (class, text) in ldap_examples.chain(smtp).chain(xmpp_examples) {
        let config = toml(text);
        assert_eq!(config.entries()[0].class(), class);
        assert_eq!(config.warnings(), [], "{text}");
        #[cfg(feature = "ring")]
        config.build_backends().unwrap();
    }
    assert_eq!(examples(&ldap, "toml").len(), 3);
    for text in examples(&xmpp, "php") {
        let config = php(text);
        assert_eq!(
            (config.entries()[0].class(), reached(&config).as_str()),
            ("xmpp", "example.com:5222 explicit")
        );
    }
}

#[test]
fn fields_of_the_classes_are_in_their_tables() {
    let fields = |class: &dyn Class| class.fields().iter().map(FieldSpec::name).collect::<Vec<_>>();
    for (class, fields) in [
        ("http", fields(&crate::http::HttpClass)),
        ("ldap", fields(&crate::ldap::LdapClass)),
        ("smtp", fields(&crate::smtp::SmtpClass)),
        ("xmpp", fields(&crate::xmpp::XmppClass)),
    ] {
        let Some(page) = page(class) else { return };
        let table = page.split("## Settings").nth(1).unwrap().split("\n## ").next().unwrap();
        for field in fields {
            assert!(table.contains(&format!("`{field}`")), "{field} is missing on the page of {class}");
        }
    }
}

#[test]
fn addresses_of_the_php_app_are_read() {
    for (arguments, expected) in [
        (
            "'https://Cloud.example.com/remote.php/webdav/'",
            "cloud.example.com:443 implicit /remote.php/webdav/ basic",
        ),
        ("'https://cloud.example.com:8443', 'digest'", "cloud.example.com:8443 implicit / digest"),
        ("'http://127.0.0.1/x?y=z', null", "127.0.0.1:80 none /x?y=z basic"),
        (
            "'webDavAuthUrl' => 'https://a.example.com/', 'authType' => 'digest'",
            "a.example.com:443 implicit / digest",
        ),
    ] {
        let config =
            php_entry(&format!("'class' => '\\OCA\\UserExternal\\WebDavAuth', 'arguments' => [{arguments}]"));
        let entry = &config.entries()[0];
        let (path, auth) = (entry.text("path").unwrap(), entry.text("auth").unwrap_or("basic"));
        assert_eq!(format!("{} {path} {auth}", reached(&config)), expected);
    }
    let config =
        php_entry("'class' => 'BasicAuth', 'arguments' => ['http://intranet/'], 'allow_plaintext' => true");
    assert_eq!(reached(&config), "intranet:80 none");
}

#[test]
fn defaults_of_the_classes_are_those_of_their_pages() {
    let config = toml("[[user_backends]]\nclass = \"http\"\nhost = \"web\"");
    assert_eq!(reached(&config), "web:443 implicit");
    let ldap = "[[user_backends]]\nclass = \"ldap\"\nhost = \"ldap\"\nbind = \"uid={name},dc=example\"";
    assert_eq!(reached(&toml(ldap)), "ldap:389 explicit");
    assert_eq!(reached(&toml(&format!("{ldap}\ntls = \"implicit\""))), "ldap:636 implicit");
    let smtp = "[[user_backends]]\nclass = \"smtp\"\nhost = \"mail\"";
    assert_eq!(reached(&toml(smtp)), "mail:587 explicit");
    assert_eq!(reached(&toml(&format!("{smtp}\ntls = \"implicit\""))), "mail:465 implicit");
    let xmpp = "[[user_backends]]\nclass = \"xmpp\"\nhost = \"chat\"";
    assert_eq!(reached(&toml(xmpp)), "chat:5222 explicit");
    assert_eq!(reached(&toml(&format!("{xmpp}\ntls = \"implicit\""))), "chat:5223 implicit");
}

/// Settings that are never sent need no server.
#[test]
fn unsendable_names_are_refused_before_connecting() {
    let ask = |text: &str, name: &str| {
        let config = good(text, Format::Toml);
        config.ask(&config.entries()[0], &crate::identity::LoginName::parse(name).unwrap())
    };
    let denied = crate::verdict::Verdict::Rejected(crate::verdict::Rejection::PolicyDenied);
    let http = "[[user_backends]]\nclass = \"http\"\nhost = \"web\"";
    assert_eq!(ask(http, "alice:x"), Err(denied.clone()));
    assert!(ask(http, "alice").is_ok());
    assert!(ask(&format!("{http}\nauth = \"json\""), "alice:x").is_ok());
    let ldap = "[[user_backends]]\nclass = \"ldap\"\nhost = \"ldap\"\nbind = \"{name}\"";
    assert_eq!(ask(ldap, "cn=admin,dc=example"), Err(denied));
    assert!(ask(ldap, "alice@example.com").is_ok());
    let xmpp = "[[user_backends]]\nclass = \"xmpp\"\nhost = \"chat\"";
    for name in ["alice/x", "alice:x", "a&b", "a<b"] {
        assert_eq!(
            ask(xmpp, name),
            Err(crate::verdict::Verdict::Rejected(crate::verdict::Rejection::PolicyDenied)),
            "{name}"
        );
    }
    assert!(ask(xmpp, "alice").is_ok());
    // The whole address, of the virtual host alone.
    let domain =
        format!("{xmpp}\nvirtual_host = \"Example.com\"\ndomain = [\"example.com\", \"other.example\"]");
    let config = good(&domain, Format::Toml);
    assert_eq!(config.warnings().len(), 1, "{:?}", config.warnings());
    assert_eq!(
        config.warnings()[0].text(),
        "addresses of other.example are refused: `virtual_host` is Example.com"
    );
    for name in ["alice", "alice@example.com", "Alice@EXAMPLE.com"] {
        let (_, identity) = ask(&domain, name).unwrap();
        assert_eq!(identity.name().as_str(), "alice@example.com");
    }
    for name in ["alice@other.example", "a/b@example.com"] {
        let denied = crate::verdict::Verdict::Rejected(crate::verdict::Rejection::PolicyDenied);
        assert_eq!(ask(&domain, name), Err(denied), "{name}");
    }
}
