//! Texts for changes that the API refuses.

use crate::provisioning::envelope::OcsFailure;
use crate::provisioning::envelope::code::Code;
use crate::web::language::PageLanguage;
use crate::web::templates::sentence;

/// Codes of operations that have a text of their own.
const TEXTS: &[(&str, u16, &str)] = &[
    ("BackendTest", 101, "admin-fail-no-backend"),
    ("BackendTest", 102, "admin-fail-app-password"),
    ("BruteForceRelease", 101, "admin-fail-no-source"),
    ("GroupCreate", 101, "admin-fail-group-name"),
    ("GroupCreate", 102, "admin-fail-group-exists"),
    ("GroupDelete", 102, "admin-fail-group-stays"),
    ("MailTest", 101, "address-bad"),
    ("PinRebind", 101, "admin-fail-name"),
    ("PinRebind", 102, "admin-fail-no-backend"),
    ("PinRebind", 103, "admin-fail-own-pin"),
    ("UserCreate", 102, "admin-fail-user-exists"),
    ("UserCreate", 104, "admin-fail-no-group"),
    ("UserCreate", 105, "admin-fail-not-yours"),
    ("UserCreate", 106, "admin-fail-group-needed"),
    ("UserCreate", 108, "admin-fail-password-or-mail"),
    ("UserDelete", 101, "admin-fail-self"),
    ("UserDisable", 101, "admin-fail-self"),
    ("UserEdit", 101, "name-bad"),
    ("UserEnable", 101, "admin-fail-self"),
    ("UserGroupAdd", 101, "admin-fail-no-group"),
    ("UserGroupAdd", 102, "admin-fail-no-group"),
    ("UserGroupAdd", 103, "admin-fail-no-user"),
    ("UserGroupAdd", 104, "admin-fail-not-yours"),
    ("UserGroupRemove", 104, "admin-fail-not-yours"),
    ("UserGroupRemove", 105, "admin-fail-not-removable"),
    ("UserSubAdminAdd", 101, "admin-fail-no-user"),
    ("UserSubAdminAdd", 102, "admin-fail-no-group"),
    ("UserSubAdminAdd", 103, "admin-fail-admin-group"),
    ("UserWelcome", 101, "admin-fail-no-address"),
    ("UserWelcome", 102, "admin-fail-not-sent"),
    ("UserWipe", 101, "admin-fail-self"),
];

/// The text for this code of an operation: ours, or else the one of the API.
pub(super) fn of(language: PageLanguage, operation: &str, code: Code, failure: &OcsFailure) -> String {
    let own = TEXTS.iter().find(|(id, own, _)| *id == operation && Code::of_endpoint(*own) == code);
    if let Some((.., text)) = own {
        return language.text(text);
    }
    match code {
        Code::UNAVAILABLE => return language.text("admin-unavailable"),
        Code::ABSENT | Code::NOT_FOUND => return language.text("admin-gone"),
        Code::FORBIDDEN if failure.text().is_none() => {
            return language.text("admin-forbidden-text");
        }
        _ => {}
    }
    match failure.text().or_else(|| failure.hint()) {
        Some(text) if text.ends_with(['.', '!']) => text.to_owned(),
        Some(text) => sentence(text),
        None => language.text("admin-refused"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provisioning::routes::ROUTES;

    #[test]
    fn texts_cover_the_described_codes() {
        for (id, code, _) in TEXTS {
            let route = ROUTES.iter().find(|route| route.operation.id == *id).expect(id);
            assert!(route.operation.meaning(Code::of_endpoint(*code)).is_some(), "{id} {code}");
        }
    }

    #[test]
    fn message_of_the_api_is_shown_where_there_is_no_own_text() {
        let english = PageLanguage::English;
        let refused = OcsFailure::new(Code::of_endpoint(107), "Password needs to be longer").with_hint("x");
        assert_eq!(of(english, "UserCreate", refused.code(), &refused), "Password needs to be longer.");
        let bare = OcsFailure::bare(Code::of_endpoint(150)).with_hint("what it means");
        assert_eq!(of(english, "UserCreate", bare.code(), &bare), "What it means.");
        let taken = OcsFailure::new(Code::of_endpoint(102), "User already exists");
        assert_eq!(
            of(english, "UserCreate", taken.code(), &taken),
            english.text("admin-fail-user-exists"),
            "ours is in the reader's language"
        );
    }
}
