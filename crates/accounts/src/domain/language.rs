//! Languages and locales.

use crate::domain::error::AccountsError;
use crate::domain::text_type::text_type;

text_type! {
    /// A language, such as `de_DE`.
    Language, |text: &str| word(text, "language")
}

text_type! {
    /// A locale, such as `de_AT`.
    Locale, |text: &str| word(text, "locale")
}

fn word(text: &str, field: &'static str) -> Result<String, AccountsError> {
    let fits = (1..=32).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.@".contains(&byte));
    if fits { Ok(text.to_owned()) } else { Err(AccountsError::invalid_text(field, text, "a short word")) }
}
