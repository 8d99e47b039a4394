//! One mailbox, one identity, whatever was typed and whatever the backend calls it.

use super::*;

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
fn t05_passwordless_names_are_denied_in_any_spelling() {
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
fn accepted_name_is_known_by_the_same_rules_as_the_typed_one() {
    let rules = DomainRules::for_domain("example.com").unwrap();
    for (add, strip, group) in
        [(true, true, true), (true, false, true), (false, true, false), (false, false, true)]
    {
        let domain = rules.clone().add_domain(add).strip_domain(strip).group_by_domain(group);
        let names = NameRules::from(domain);
        for typed in ["Alice", "alice@EXAMPLE.com", "\u{ff21}lice"] {
            let login = LoginName::parse(typed).unwrap();
            let (upstream, expected) = names.ask(&login).unwrap();
            // A backend may answer with the typed name, with the one it was sent, or with what the rules make of it.
            for accepted in [typed, &upstream, expected.name().as_str()] {
                let accepted = Identity::new(CanonicalName::parse(accepted).unwrap());
                assert_eq!(names.known_as(accepted), Some(expected.clone()), "{typed}");
            }
        }
    }
    let names = NameRules::from(rules.group_by_domain(true));
    let foreign = Identity::new(CanonicalName::parse("alice@evil.example").unwrap());
    assert_eq!(names.known_as(foreign), None);
    let staff = Identity::new(CanonicalName::parse("alice").unwrap()).with_group("staff");
    let groups: Vec<_> = names.known_as(staff).unwrap().groups().map(str::to_owned).collect();
    assert_eq!(groups, ["example.com", "staff"]);
}

#[test]
fn domain_rules_alone_deny_no_name() {
    let guest = LoginName::parse("guest").unwrap();
    assert!(matches!(NameRules::from(DomainRules::none()).decide(&guest), NameDecision::Ask { .. }));
    assert_eq!(NameRules::new().decide(&guest), NameDecision::Denied);
}
