use super::*;
use crate::refusal::{RefusalTexts, Sent};

fn element(namespace: &str, name: &str, children: Vec<Element>) -> Element {
    Element { namespace: namespace.to_owned(), name: name.to_owned(), children, ..Element::default() }
}

fn text(namespace: &str, name: &str, text: &str) -> Element {
    Element { text: text.to_owned(), ..element(namespace, name, Vec::new()) }
}

fn failure(condition: &str, words: &str) -> Element {
    element(SASL, "failure", vec![element(SASL, condition, Vec::new()), text(SASL, "text", words)])
}

/// The outcome in one word: the reason, or the kind of the error.
fn judged(stage: Stage, failure: &Element) -> String {
    let taught = RefusalTexts::parse(["Zebra says no"]).unwrap();
    let words = words_of(failure).judge(&taught, Sent { name: "alice", password: "Wonderland-1" });
    match judge_failure(stage, failure, &words) {
        Ok(rejection) => rejection.as_str().to_owned(),
        Err(error) => {
            assert_eq!(error.phase(), Phase::Login);
            let is_guess =
                error.server_text().is_some() || (stage == Stage::Password && error.kind() != "unavailable");
            assert_eq!(error.counts_as_guess(), is_guess, "{failure:?}: {error}");
            assert!(!error.to_string().contains("zebra"), "{error}");
            match error.server_text() {
                Some(_) if error.is_learnable() => "not recognised".to_owned(),
                Some(_) => "not understood".to_owned(),
                None => error.kind().to_owned(),
            }
        }
    }
}

#[test]
fn condition_has_its_outcome() {
    for (condition, expected) in [
        ("not-authorized", "bad_credentials"),
        ("credentials-expired", "credentials_expired"),
        ("account-disabled", "account_disabled"),
        ("temporary-auth-failure", "unavailable"),
        ("aborted", "unavailable"),
        ("encryption-required", "misconfigured"),
        ("invalid-mechanism", "misconfigured"),
        ("mechanism-too-weak", "misconfigured"),
        ("malformed-request", "not understood"),
        ("incorrect-encoding", "not understood"),
        ("invalid-authzid", "not understood"),
        ("zebra", "not recognised"),
        ("bad-protocol", "not recognised"),
        ("NOT-AUTHORIZED", "not recognised"),
    ] {
        for text in ["", "zebra"] {
            assert_eq!(judged(Stage::Password, &failure(condition, text)), expected, "{condition}");
        }
        let to_name = if condition == "not-authorized" { "unknown_user" } else { expected };
        assert_eq!(judged(Stage::Name, &failure(condition, "")), to_name, "{condition}");
        assert_eq!(judged(Stage::Password, &failure(condition, "Zebra says no")), "bad_credentials");
    }
    assert_eq!(judged(Stage::Password, &element(SASL, "failure", Vec::new())), "not recognised");
    let foreign = element(SASL, "failure", vec![element("urn:x", "not-authorized", Vec::new())]);
    assert_eq!(judged(Stage::Password, &foreign), "not recognised");
}

#[test]
fn words_give_the_reason_where_the_condition_does_not() {
    for (condition, text, expected) in [
        ("not-authorized", "Invalid username or password", "bad_credentials"),
        ("not-authorized", "Account is locked", "account_locked"),
        ("not-authorized", "Password expired", "credentials_expired"),
        ("not-authorized", "LDAP server is down", "unavailable"),
        ("account-disabled", "temporarily", "account_disabled"),
        ("temporary-auth-failure", "Invalid password", "unavailable"),
        ("malformed-request", "Invalid username.", "bad_credentials"),
        ("zebra", "database error", "unavailable"),
        ("zebra", "Login incorrect", "bad_credentials"),
        // Prosody 0.12.
        (
            "not-authorized",
            "The response provided by the client doesn't match the one we calculated.",
            "bad_credentials",
        ),
        (
            "not-authorized",
            "Unable to authorize you with the authentication credentials you've sent.",
            "bad_credentials",
        ),
        ("malformed-request", "Invalid channel binding value.", "not understood"),
    ] {
        assert_eq!(judged(Stage::Password, &failure(condition, text)), expected, "{condition} {text}");
    }
}

#[test]
fn stream_error_is_no_refusal() {
    let error = |condition: &str| {
        let error = element(STREAMS, "error", vec![element(STREAM_ERRORS, condition, Vec::new())]);
        let found = unexpected(Stage::Password, &error);
        (found.kind(), found.counts_as_guess())
    };
    for condition in ["host-unknown", "host-gone"] {
        assert_eq!(error(condition), ("misconfigured", true), "{condition}");
    }
    for condition in PROTOCOL_ERRORS {
        assert_eq!(error(condition), ("protocol", true), "{condition}");
    }
    for condition in
        ["not-authorized", "policy-violation", "system-shutdown", "connection-timeout", "reset", "zebra"]
    {
        assert_eq!(error(condition), ("unavailable", false), "{condition}");
    }
    for other in [element(SASL, "challenge", Vec::new()), element("jabber:client", "iq", Vec::new())] {
        assert_eq!(unexpected(Stage::Stream, &other).kind(), "protocol");
        assert!(!unexpected(Stage::Name, &other).counts_as_guess());
    }
}

fn features(mechanisms: &[&str], bindings: &[&str], starttls: bool) -> Features {
    let mechanisms = mechanisms.iter().map(|name| text(SASL, "mechanism", name)).collect();
    let binding = |name: &&str| Element {
        attributes: vec![("type".to_owned(), (*name).to_owned())],
        ..element(CHANNEL_BINDING, "channel-binding", Vec::new())
    };
    let mut all = vec![
        element(SASL, "mechanisms", mechanisms),
        element(CHANNEL_BINDING, "sasl-channel-binding", bindings.iter().map(binding).collect()),
    ];
    if starttls {
        all.push(element(TLS, "starttls", Vec::new()));
    }
    Features::of(&element(STREAMS, "features", all))
}

#[test]
fn mechanism_is_the_best_common_one() {
    let none = BindingData::default();
    let exporter = BindingData { exporter: Some(vec![1]), end_point: None };
    let both = BindingData { exporter: Some(vec![1]), end_point: Some(vec![2]) };
    let chosen = |mechanisms: &[&str], bindings: &[&str], data: &BindingData| {
        let mechanism = features(mechanisms, bindings, false).mechanism(data, true);
        mechanism.map(|mechanism| {
            let binding = match &mechanism {
                Mechanism::Scram(_, Binding::Data(name, data)) => format!("{name} {data:?}"),
                Mechanism::Scram(_, Binding::NotOffered) => "y".to_owned(),
                Mechanism::Scram(_, Binding::Unsupported) => "n".to_owned(),
                Mechanism::Plain => String::new(),
            };
            format!("{} {binding}", mechanism.name())
        })
    };
    let all = ["PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"];
    for (mechanisms, bindings, data, expected) in [
        (
            &all[..],
            &["tls-exporter", "tls-server-end-point"][..],
            &both,
            "SCRAM-SHA-256-PLUS tls-exporter [1]",
        ),
        (&all, &["tls-server-end-point"], &both, "SCRAM-SHA-256-PLUS tls-server-end-point [2]"),
        (&all, &["tls-server-end-point"], &exporter, "SCRAM-SHA-256 n"),
        (&all, &["tls-unique"], &both, "SCRAM-SHA-256 n"),
        // Prosody 0.12 with TLS 1.2: tls-unique, which is not ours.
        (&all, &[], &both, "SCRAM-SHA-256 n"),
        (&all, &["tls-exporter"], &none, "SCRAM-SHA-256 n"),
        (&["SCRAM-SHA-1", "PLAIN", "SCRAM-SHA-256"], &[], &exporter, "SCRAM-SHA-256 y"),
        (&["SCRAM-SHA-1", "PLAIN"], &["tls-exporter"], &exporter, "SCRAM-SHA-1 y"),
        (&["SCRAM-SHA-1", "PLAIN"], &[], &none, "SCRAM-SHA-1 n"),
        (&["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"], &["tls-exporter"], &both, "SCRAM-SHA-1-PLUS tls-exporter [1]"),
        (&["SCRAM-SHA-512", "DIGEST-MD5", "PLAIN"], &[], &both, "PLAIN "),
    ] {
        assert_eq!(chosen(mechanisms, bindings, data).as_deref().ok(), Some(expected), "{mechanisms:?}");
    }
    for mechanisms in [&[][..], &["DIGEST-MD5", "EXTERNAL"], &["plain"], &["SCRAM-SHA-256-PLUS"]] {
        assert_eq!(chosen(mechanisms, &[], &both).unwrap_err().kind(), "misconfigured");
    }
    let hint = features(&[], &[], true).mechanism(&none, false).unwrap_err();
    assert!(hint.detail().contains("tls = \"explicit\""), "{hint}");
    assert_eq!(
        features(&all, &[], true).names().collect::<Vec<_>>(),
        ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN"]
    );
}
