//! One mailbox is one identity, for every typed form and every name at the backend.

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
fn foreign_domain_is_not_mine() {
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
fn full_width_at_hides_no_foreign_domain() {
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
            let reading = names.domain().read(&login).unwrap();
            let (upstream, expected) = (reading.upstream.clone(), reading.identity.clone());
            // A backend may answer with the typed name, with the one it was sent, or with what the
            // rules make of it.
            for accepted in [typed, &upstream, expected.name().as_str()] {
                let accepted = Identity::new(CanonicalName::parse(accepted).unwrap());
                assert_eq!(names.known_as(accepted, &reading), Some(expected.clone()), "{typed}");
            }
        }
    }
    let names = NameRules::from(rules.group_by_domain(true));
    let reading = names.domain().read(&LoginName::parse("alice").unwrap()).unwrap();
    let foreign = Identity::new(CanonicalName::parse("alice@evil.example").unwrap());
    assert_eq!(names.known_as(foreign, &reading), None);
    let staff = Identity::new(CanonicalName::parse("alice").unwrap()).with_group("staff");
    let groups: Vec<_> = names.known_as(staff, &reading).unwrap().groups().map(str::to_owned).collect();
    assert_eq!(groups, ["example.com", "staff"]);
}

#[test]
fn domain_rules_alone_deny_no_name() {
    let guest = LoginName::parse("guest").unwrap();
    assert!(matches!(NameRules::from(DomainRules::none()).decide(&guest), NameDecision::Ask { .. }));
    assert_eq!(NameRules::new().decide(&guest), NameDecision::Denied);
}

fn sent(rules: &DomainRules, typed: &str) -> Option<(String, String)> {
    ask(rules.clone(), typed).map(|(upstream, known, _)| (upstream, known))
}

fn some(upstream: &str, known: &str) -> Option<(String, String)> {
    Some((upstream.to_owned(), known.to_owned()))
}

#[test]
fn escaped_at_counts_without_a_literal_one() {
    let one = DomainRules::for_domain("example.com").unwrap();
    for rules in [DomainRules::none(), one.clone(), one.clone().add_domain(true)] {
        assert_eq!(sent(&rules, "Kim%40example.com"), some("Kim@example.com", "kim@example.com"));
    }
    assert_eq!(sent(&one.clone().strip_domain(true), "Kim%40Example.com"), some("Kim@Example.com", "kim"));
    assert_eq!(sent(&one, "kim%40evil.example"), None);
    assert_eq!(sent(&one, "kim%40a%40example.com"), None);
    // With an @ it is a part of the name.
    assert_eq!(sent(&one, "a%40b@example.com"), some("a%40b@example.com", "a%40b@example.com"));
    assert_eq!(sent(&DomainRules::none(), "100%"), some("100%", "100%"));
    let denied = LoginName::parse("guest%40example.com").unwrap();
    assert_eq!(NameRules::new().decide(&denied), NameDecision::Denied);
}

#[test]
fn labels_of_both_kinds_are_one_domain() {
    for (domain, other) in
        [("m\u{f6}bel.example", "xn--mbel-5qa.example"), ("xn--mbel-5qa.example", "m\u{f6}bel.example")]
    {
        let rules = DomainRules::for_domain(domain).unwrap();
        let known = format!("kim@{domain}");
        assert_eq!(sent(&rules, &format!("Kim@{domain}")), some(&format!("Kim@{domain}"), &known));
        // The server knows the spelling that is set.
        assert_eq!(sent(&rules, &format!("Kim@{other}")), some(&format!("Kim@{domain}"), &known));
        assert_eq!(sent(&rules, &format!("kim@{}", other.to_uppercase())), some(&known, &known));
        assert_eq!(sent(&rules.strip_domain(true), &format!("kim@{other}")), some(&known, "kim"));
    }
    let decomposed = DomainRules::for_domain("mo\u{308}bel.example").unwrap();
    assert_eq!(
        sent(&decomposed, "kim@xn--mbel-5qa.example"),
        some("kim@m\u{f6}bel.example", "kim@m\u{f6}bel.example")
    );
    let rules = DomainRules::for_domain("m\u{f6}bel.example").unwrap();
    for foreign in
        ["kim@mobel.example", "kim@xn--.example", "kim@xn--mbel-5qb.example", "kim@m\u{f8}bel.example"]
    {
        assert_eq!(sent(&rules, foreign), None, "{foreign}");
    }
}

#[test]
fn several_domains_of_one_server_are_its_own() {
    let rules = DomainRules::for_domains(["a.example", "b.example"]).unwrap();
    assert_eq!(sent(&rules, "kim@A.example"), some("kim@A.example", "kim@a.example"));
    assert_eq!(sent(&rules, "kim@b.example"), some("kim@b.example", "kim@b.example"));
    assert_eq!(sent(&rules, "kim@c.example"), None);
    let adds = rules.clone().add_domain(true);
    assert_eq!(sent(&adds, "kim"), some("kim@a.example", "kim@a.example"));
    let groups = ask(rules.strip_domain(true).group_by_domain(true), "kim@b.example").unwrap();
    assert_eq!(groups, ("kim@b.example".to_owned(), "kim".to_owned(), vec!["b.example".to_owned()]));
    let [a, b] = ["a", "b"].map(|id| BackendId::parse(id).unwrap());
    let strips = |domains: &[&str]| DomainRules::for_domains(domains).unwrap().strip_domain(true);
    let both = strips(&["m\u{f6}bel.example", "b.example"]);
    assert!(check_collisions([(&a, &both), (&b, &strips(&["b.example", "xn--mbel-5qa.example"]))]).is_ok());
    let collision = check_collisions([(&a, &both), (&b, &strips(&["b.example"]))]).unwrap_err();
    assert_eq!(collision.first_domain, "xn--mbel-5qa.example");
    assert_eq!(collision.second_domain, "b.example");
}

#[test]
fn separator_stands_in_what_is_sent_and_nowhere_else() {
    let rules = DomainRules::for_domain("example.com").unwrap().add_domain(true).separator('%');
    for typed in ["kim", "kim@example.com", "kim%example.com", "kim%40example.com"] {
        assert_eq!(sent(&rules, typed), some("kim%example.com", "kim@example.com"), "{typed}");
    }
    assert_eq!(sent(&rules.clone().strip_domain(true), "Kim@EXAMPLE.com"), some("Kim%EXAMPLE.com", "kim"));
    assert_eq!(sent(&rules, "kim@evil.example"), None);
    assert_eq!(sent(&rules, "kim%example.com@example.com"), None);
    let dotted = DomainRules::for_domain("example.com").unwrap().separator('.');
    assert_eq!(sent(&dotted, "kim.example.com"), some("kim.example.com", "kim@example.com"));
    assert_eq!(sent(&dotted, "kim.other"), some("kim.other", "kim.other@example.com"));
}

#[test]
fn backend_gets_its_configured_names() {
    let rules = |offered| DomainRules::for_domain("example.com").unwrap().offer(offered);
    for (offered, bare, address) in
        [(NameForms::Any, true, true), (NameForms::Bare, true, false), (NameForms::Address, false, true)]
    {
        for rules in [rules(offered), DomainRules::none().offer(offered)] {
            assert_eq!(sent(&rules, "kim").is_some(), bare, "{offered:?}");
            assert_eq!(sent(&rules, "kim@example.com").is_some(), address, "{offered:?}");
            assert_eq!(sent(&rules, "kim%40example.com").is_some(), address, "{offered:?}");
        }
    }
    let adds = rules(NameForms::Bare).add_domain(true);
    assert_eq!(sent(&adds, "kim"), some("kim@example.com", "kim@example.com"));
}

#[test]
fn group_without_a_domain_is_the_names_own() {
    let rules = DomainRules::none().group_by_domain(true);
    let groups = |typed: &str| ask(rules.clone(), typed).unwrap().2;
    assert_eq!(groups("kim@A.example"), ["a.example"]);
    assert_eq!(groups("kim%40a.example"), ["a.example"]);
    // Users choose it by what they type, so it needs a dot, which `admin` has not.
    for typed in ["kim", "kim@admin", "kim@", "a@b@c.example"] {
        assert!(groups(typed).is_empty(), "{typed}");
    }
}

#[test]
fn id_of_an_account_is_read_as_it_stands() {
    let account = |rules: &DomainRules, typed: &str| {
        let reading = rules.read_account(&LoginName::parse(typed).unwrap());
        reading.map(|reading| (reading.upstream, reading.identity.name().to_string()))
    };
    let adds = DomainRules::for_domain("example.com").unwrap().add_domain(true);
    assert_eq!(account(&adds, "Kim"), some("Kim@example.com", "kim"));
    assert_eq!(
        account(&adds.clone().strip_domain(true), "kim@example.com"),
        some("kim@example.com", "kim@example.com")
    );
    assert_eq!(account(&adds, "kim@evil.example"), None);
    assert_eq!(
        account(&DomainRules::none(), "kim%40example.com"),
        some("kim%40example.com", "kim%40example.com")
    );
    let windows = DomainRules::none().bare_names_only(true).windows_names("WORKGROUP").unwrap();
    for typed in ["CORP\\Kim", "WORKGROUP\\Kim", "Kim@corp.example"] {
        assert_eq!(account(&windows, typed), some(typed, &typed.to_lowercase()));
    }
}
