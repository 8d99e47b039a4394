//! The documentation says what the code says.
//!
//! Not in the published package, which has no `docs/`.

use password_policy::{ContextField, Violation};

#[test]
fn documentation_has_every_code_and_every_text() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/password-policy.md");
    let documentation = std::fs::read_to_string(path).unwrap();
    let context = ContextField::UserId;
    let all = [
        Violation::Blank,
        Violation::TooLong,
        Violation::Common,
        Violation::TooShort { minimum: 10 },
        Violation::NoNumericCharacter,
        Violation::NoUpperLowerCase,
        Violation::NoSpecialCharacter,
        Violation::Breached,
        Violation::ContextWord { field: context },
        Violation::RecentlyUsed,
    ];
    for violation in &all {
        let row = documentation.lines().find(|line| line.starts_with(&format!("| `{}`", violation.code())));
        assert!(row.is_some_and(|row| row.contains(&violation.to_string())), "{violation:?}: {row:?}");
    }
    for text in [password_policy::EXPIRED.to_owned(), password_policy::GenerateError::NonePassed.to_string()]
    {
        assert!(documentation.contains(&text), "{text}");
    }
}
