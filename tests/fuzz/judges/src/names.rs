//! The canonicaliser: one user, one name.

use user_backend::fuzzing::canonical_on_the_fast_way;
use user_backend::identity::{MAX_NAME_BYTES, NameError};
use user_backend::{CanonicalName, DomainRules, LoginName, NameRules};

/// A line feed parts the name that is typed from the domain of the backend.
pub fn name(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (typed, domain) = text.split_once('\n').unwrap_or((text, "example.com"));
    let canonical = CanonicalName::parse(typed);
    let fast = canonical_on_the_fast_way(typed);
    assert_eq!(fast.as_deref(), canonical.as_ref().ok().map(CanonicalName::as_str), "{typed:?}");
    let login = LoginName::parse(typed);
    assert_eq!(login.is_ok(), canonical.is_ok(), "{typed:?}");
    let (Ok(canonical), Ok(login)) = (canonical, login) else { return };
    let once = canonical.as_str();
    assert!(!once.is_empty() && once.len() <= MAX_NAME_BYTES, "{typed:?}");
    assert!(!once.chars().any(char::is_control), "{typed:?}");
    assert_eq!(CanonicalName::parse(once).as_ref(), Ok(&canonical), "{typed:?}");
    assert_eq!((login.as_str(), login.canonical()), (typed, &canonical));
    for shouted in [typed.to_ascii_uppercase(), typed.to_ascii_lowercase()] {
        match CanonicalName::parse(&shouted) {
            Ok(same) => assert_eq!(same, canonical, "{typed:?}"),
            // Between two small letters l only (RFC 5892, appendix A.3), and PRECIS looks before it
            // makes them small.
            Err(error) => assert!(error == NameError::Unsupported && typed.contains('·'), "{typed:?}"),
        }
    }
    let Ok(rules) = DomainRules::for_domain(domain) else { return };
    for add in [true, false] {
        for strip in [true, false] {
            let rules = rules.clone().add_domain(add).strip_domain(strip);
            for separator in ['@', '%', '.'] {
                ask(&NameRules::new().with_domain(rules.clone().separator(separator)), &login);
            }
            ask_account(&NameRules::new().with_domain(rules), &login);
        }
    }
}

/// Every name has a canonical form, and the canonical form has itself.
fn ask(rules: &NameRules, login: &LoginName) {
    let Ok((upstream, identity)) = rules.ask(login) else { return };
    assert!(!upstream.is_empty() && !upstream.chars().any(char::is_control), "{login:?}");
    let known = identity.name();
    assert_eq!(CanonicalName::parse(known.as_str()).as_ref(), Ok(known), "{login:?}");
    let again = LoginName::parse(known.as_str()).expect("a known name can be typed");
    if let Ok((_, same)) = rules.ask(&again) {
        assert_eq!(same.name(), known, "{login:?}");
    }
}

/// What is sent for an account id depends on letter case no more than the id does.
fn ask_account(rules: &NameRules, login: &LoginName) {
    let Ok(upstream) = rules.ask_account(login) else { return };
    assert!(!upstream.is_empty() && !upstream.chars().any(char::is_control), "{login:?}");
    let id = LoginName::parse(login.canonical().as_str()).expect("a canonical name can be typed");
    let again = rules.ask_account(&id).expect("one id, one account");
    assert!(again.eq_ignore_ascii_case(&upstream), "{login:?}: {again} {upstream}");
}
