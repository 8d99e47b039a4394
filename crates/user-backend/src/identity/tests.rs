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
fn confusable_names_are_refused() {
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

/// RFC 5892, appendix A.3, which PRECIS checks before it lowers the case.
///
/// Stricter than necessary.
#[test]
fn middle_dot_stands_between_two_small_letters_l() {
    assert_eq!(canon("Paral·lel").unwrap(), "paral·lel");
    for name in ["PARAL·LEL", "a·b", "·"] {
        assert_eq!(canon(name), Err(NameError::Unsupported), "{name:?}");
    }
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
    fn short_way_finds_the_same_form(name in "[ -~]{0,12}|\\PC{0,8}") {
        let short = CanonicalName::with_canonical(&name, str::to_owned);
        prop_assert_eq!(short, CanonicalName::parse(&name).map(|name| name.as_str().to_owned()));
    }

    #[test]
    fn canonical_name_is_always_a_login_name(name in any::<String>()) {
        prop_assert_eq!(LoginName::parse(&name).is_ok(), CanonicalName::parse(&name).is_ok());
    }
}

#[test]
fn names_and_ids_are_read_as_they_were_written() {
    let name: CanonicalName = "Alice".parse().unwrap();
    let id: BackendId = "imap:mail.example.com".parse().unwrap();
    let json = serde_json::to_string(&(&name, &id)).unwrap();
    assert_eq!(json, r#"["alice","imap:mail.example.com"]"#);
    assert_eq!(serde_json::from_str::<(CanonicalName, BackendId)>(&json).unwrap(), (name, id));
    // What was written by hand is checked and brought into canonical form.
    assert_eq!(serde_json::from_str::<CanonicalName>("\"ALICE\"").unwrap().as_str(), "alice");
    for bad in ["\"\"", "\" alice\"", "5"] {
        assert!(serde_json::from_str::<CanonicalName>(bad).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<BackendId>("\"two words\"").is_err());
}
