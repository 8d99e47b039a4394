//! Names: one person, one form; everything doubtful is refused.

use proptest::prelude::*;

use super::*;

fn canon(name: &str) -> Result<String, NameError> {
    CanonicalName::parse(name).map(|name| name.as_str().to_owned())
}

#[test]
fn spellings_of_one_person_share_one_form() {
    for (one, other) in [
        ("alice", "ALICE"),
        ("alice", "Alice"),
        ("alice", "\u{ff21}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}"),
        ("jos\u{e9}", "jose\u{301}"),
        ("jos\u{e9}", "JOS\u{c9}"),
        ("\u{3c3}\u{3bf}\u{3c6}\u{3cc}\u{3c3}", "\u{3a3}\u{39f}\u{3a6}\u{38c}\u{3a3}"),
        ("mary ann", "Mary Ann"),
        ("x@example.com", "X@EXAMPLE.com"),
    ] {
        assert_eq!(
            canon(one).unwrap().replace('\u{3c2}', "\u{3c3}"),
            canon(other).unwrap().replace('\u{3c2}', "\u{3c3}"),
            "{one} {other}"
        );
    }
}

#[test]
fn what_cannot_be_told_apart_by_eye_is_refused() {
    for name in ["a\u{200d}b", "a\u{200b}b", "a\u{202e}b", "\u{feff}alice", "a\u{ad}b", "a\u{2028}b", "a  b"]
    {
        assert_eq!(canon(name), Err(NameError::Unsupported), "{name:?}");
    }
    for name in [" alice", "alice ", "alice\u{a0}", "\u{3000}alice", "alice\u{2003}"] {
        assert_eq!(canon(name), Err(NameError::OuterBlank), "{name:?}");
    }
    for name in ["a\0b", "a\rb", "a\nb", "\u{7f}", "a\u{85}b", "a\tb"] {
        assert_eq!(canon(name), Err(NameError::Control), "{name:?}");
    }
    assert_eq!(canon(""), Err(NameError::Empty));
    assert_eq!(canon(&"a".repeat(256)), Err(NameError::TooLong { bytes: 256 }));
    assert!(canon(&"a".repeat(255)).is_ok());
}

/// RFC 5892, appendix A.3, which PRECIS looks at before it makes letters small: a stricter door than it could be.
#[test]
fn a_middle_dot_stands_between_two_small_letters_l() {
    assert_eq!(canon("Paral·lel").unwrap(), "paral·lel");
    for name in ["PARAL·LEL", "a·b", "·"] {
        assert_eq!(canon(name), Err(NameError::Unsupported), "{name:?}");
    }
}

fn ask(rules: DomainRules, typed: &str) -> Option<(String, String, Vec<String>)> {
    match NameRules::new().with_domain(rules).decide(&LoginName::parse(typed).unwrap()) {
        NameDecision::Ask { upstream, identity } => {
            Some((upstream, identity.name().to_string(), identity.groups().map(str::to_owned).collect()))
        }
        NameDecision::NotMine => None,
        NameDecision::Denied => panic!("denied"),
    }
}

#[test]
fn t38_one_mailbox_has_one_identity_however_it_was_typed() {
    let rules = || DomainRules::for_domain("Example.com").unwrap().add_domain(true);
    let full = Some(("alice@example.com".to_owned(), "alice@example.com".to_owned(), vec![]));
    assert_eq!(ask(rules(), "alice"), full);
    assert_eq!(ask(rules(), "alice@example.com"), full);
    let bare =
        |upstream: &str| Some((upstream.to_owned(), "alice".to_owned(), vec!["example.com".to_owned()]));
    assert_eq!(ask(rules().strip_domain(true).group_by_domain(true), "Alice"), bare("Alice@example.com"));
    assert_eq!(
        ask(rules().strip_domain(true).group_by_domain(true), "ALICE@EXAMPLE.COM"),
        bare("ALICE@EXAMPLE.COM")
    );
}

#[test]
fn a_foreign_domain_is_not_mine() {
    let rules = || DomainRules::for_domain("example.com").unwrap().add_domain(true).strip_domain(true);
    for typed in [
        "alice@evil.com",
        "alice@example.com@evil.com",
        "@example.com",
        "alice@",
        "alice@sub.example.com",
        "alice\u{ff20}evil.com",
    ] {
        assert_eq!(ask(rules(), typed), None, "{typed}");
    }
}

#[test]
fn a_full_width_at_hides_no_foreign_domain() {
    let typed = LoginName::parse("alice\u{ff20}evil.com").unwrap();
    for (add, strip) in [(false, false), (false, true), (true, false), (true, true)] {
        let rules = DomainRules::for_domain("example.com").unwrap().add_domain(add).strip_domain(strip);
        assert_eq!(NameRules::new().with_domain(rules).decide(&typed), NameDecision::NotMine);
    }
}

#[test]
fn t05_names_that_servers_take_without_a_password_are_denied_in_any_spelling() {
    let rules = NameRules::new();
    for typed in
        ["anonymous", "FTP", "Guest", "\u{ff47}uest", "guest@example.com", "WORKGROUP\\guest", "x/Guest"]
    {
        assert_eq!(rules.decide(&LoginName::parse(typed).unwrap()), NameDecision::Denied, "{typed}");
    }
    let open = NameRules::new().deny_names(["root"]).unwrap();
    assert!(matches!(open.decide(&LoginName::parse("guest").unwrap()), NameDecision::Ask { .. }));
    assert_eq!(open.decide(&LoginName::parse("ROOT").unwrap()), NameDecision::Denied);
}

#[test]
fn t38_two_domains_stripped_into_one_name_space_are_an_error() {
    let [a, b, c] = ["a", "b", "c"].map(|id| BackendId::parse(id).unwrap());
    let strip = |domain: &str| DomainRules::for_domain(domain).unwrap().strip_domain(true);
    let (one, same, other) = (strip("a.example"), strip("A.example"), strip("b.example"));
    assert!(check_collisions([(&a, &one), (&b, &same), (&c, &DomainRules::none())]).is_ok());
    let collision = check_collisions([(&a, &one), (&b, &DomainRules::none()), (&c, &other)]).unwrap_err();
    assert_eq!((collision.first, collision.second), (a, c));
}

#[test]
fn ids_are_plain_words() {
    assert!(BackendId::parse("imap:mail.example.com:993").is_ok());
    assert_eq!(BackendId::parse("").unwrap_err(), IdError::Empty);
    assert_eq!(BackendId::parse("a b").unwrap_err(), IdError::Character { found: ' ' });
    assert_eq!(BackendId::parse(&"x".repeat(129)).unwrap_err(), IdError::TooLong { bytes: 129 });
}

proptest! {
    #[test]
    fn canonicalising_twice_changes_nothing(name in "\\PC{1,40}") {
        if let Ok(once) = CanonicalName::parse(&name) {
            prop_assert_eq!(CanonicalName::parse(once.as_str()), Ok(once));
        }
    }

    #[test]
    fn the_short_way_finds_the_same_form(name in "[ -~]{0,12}|\\PC{0,8}") {
        let short = CanonicalName::with_canonical(&name, str::to_owned);
        prop_assert_eq!(short, CanonicalName::parse(&name).map(|name| name.as_str().to_owned()));
    }

    #[test]
    fn a_canonical_name_is_always_a_login_name(name in any::<String>()) {
        prop_assert_eq!(LoginName::parse(&name).is_ok(), CanonicalName::parse(&name).is_ok());
    }
}
