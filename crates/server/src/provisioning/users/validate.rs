//! Validates values of fields, and the responses for invalid ones.

use std::time::Duration;

use accounts::{AccountsError, ProfileValue, Quota, SetError};

use crate::provisioning::call::Call;
use crate::provisioning::compat;
use crate::provisioning::envelope::OcsFailure;
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::xml::can_carry;

/// The code of an invalid value, when a user is created and when one is changed.
const INVALID: Code = compat::INVALID_FIELD;

/// How long hashing a password may take.
pub(crate) const HASH_DEADLINE: Duration = Duration::from_secs(30);

/// Longest value of a field, in bytes.
const LONGEST: usize = 2048;

/// A text that can be stored and returned unchanged.
pub(crate) fn checked<'v>(key: &str, value: &'v str) -> Result<&'v str, OcsFailure> {
    if value.len() > LONGEST || !can_carry(value) {
        return Err(OcsFailure::new(INVALID, format!("Invalid {key}")));
    }
    Ok(value)
}

/// Why a password was not set.
///
/// `refused` is the code of a broken rule.
pub(crate) fn set_failed(error: SetError, refused: Code, invalid: OcsFailure) -> OcsFailure {
    match error {
        SetError::Refused(text) => OcsFailure::new(refused, text),
        SetError::NoSuchUser => OcsFailure::new(Code::NOT_FOUND, ""),
        SetError::NotLocal { .. } => {
            OcsFailure::new(compat::NOT_LOCAL, "Setting the password is not supported by the users backend")
        }
        SetError::Store(AccountsError::Stale { .. }) => {
            OcsFailure::new(Code::UNAVAILABLE, "The password was changed at the same time, try again")
        }
        SetError::Store(AccountsError::Invalid { .. }) => invalid,
        SetError::Store(error) => error.into(),
        error => {
            tracing::warn!(%error, "a password could not be set");
            OcsFailure::new(Code::UNAVAILABLE, "The password cannot be set at the moment, try again later")
        }
    }
}

/// Parses a quota, within the limits of two settings of the app `files`.
pub(crate) async fn quota(call: &Call<'_>, text: &str) -> Result<Quota, OcsFailure> {
    let quota = text.parse().map_err(|_| no_quota(text))?;
    match quota {
        Quota::Bytes(bytes) => {
            let most = call.app.accounts().apps().value("files", "max_quota").await?;
            // -1 and other invalid sizes mean no limit.
            match most.and_then(|most| most.parse::<u64>().ok()) {
                Some(most) if bytes > most => {
                    let text = format!("Invalid quota value. {text} is exceeding the maximum quota");
                    Err(OcsFailure::new(INVALID, text))
                }
                _ => Ok(quota),
            }
        }
        Quota::Unlimited if unlimited_is_forbidden(call).await? => {
            Err(OcsFailure::new(INVALID, "Unlimited quota is forbidden on this instance"))
        }
        _ => Ok(quota),
    }
}

/// Whether every user must have a limit.
pub(crate) async fn unlimited_is_forbidden(call: &Call<'_>) -> Result<bool, OcsFailure> {
    Ok(call.app.accounts().apps().value("files", "allow_unlimited_quota").await?.as_deref() == Some("0"))
}

/// The response to an invalid quota.
fn no_quota(text: &str) -> OcsFailure {
    OcsFailure::new(INVALID, format!("Invalid quota value {text}")).with_hint(
        "a number and B, KB, MB, GB, TB or PB, as in 5 GB or 1.5 GB; or none (unlimited), or default",
    )
}

/// The response to an invalid language.
pub(crate) fn no_language() -> OcsFailure {
    OcsFailure::new(INVALID, "Invalid language").with_hint("the code of a language, as in en, de or pt_BR")
}

/// Pattern of a locale.
pub(crate) const LOCALE: &str = "a language and perhaps a country, as in de_DE";

/// The value of a field that has a form of its own.
pub(crate) fn formed(call: &Call<'_>, key: &str, value: &str) -> Result<ProfileValue, OcsFailure> {
    let wrong = || {
        let failure =
            OcsFailure::new(INVALID, format!("Invalid {}", key.replace("first_day_of_", "first day of ")));
        match key {
            "phone" => failure.with_hint(PHONE),
            "website" => failure.with_hint(WEBSITE),
            "timezone" => failure.with_hint(TIMEZONE),
            _ => failure,
        }
    };
    let field = key.parse().map_err(|_| wrong())?;
    let region = call.app.settings().default_phone_region;
    ProfileValue::parse_typed(field, checked(key, value)?, region).map_err(|_| wrong())
}

/// Pattern of a phone number.
const PHONE: &str =
    "digits and blanks, -, /, . or brackets, best with the code of the country: +49 711 123456";

/// Pattern of a web address.
const WEBSITE: &str = "an address that begins with https:// or http://";

/// Pattern of a time zone.
const TIMEZONE: &str = "a name of the IANA Time Zone Database, as in Europe/Berlin or UTC";

/// A language: its code (ISO 639-1), optionally followed by a country.
pub(crate) fn is_language(text: &str) -> bool {
    let (language, region) = match text.split_once(['_', '-']) {
        Some((language, region)) => (language, Some(region)),
        None => (text, None),
    };
    LANGUAGES.split(' ').any(|known| known == language)
        && region.is_none_or(|region| {
            (2..=8).contains(&region.len()) && region.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
}

/// A locale: a language, perhaps with a script, perhaps with a country.
pub(crate) fn is_locale(text: &str) -> bool {
    let mut parts = text.split(['_', '-']);
    let language = parts.next().unwrap_or_default();
    let known = LANGUAGES.split(' ').any(|known| known == language) || language == "haw";
    let rest: Vec<&str> = parts.collect();
    known
        && rest.len() <= 2
        && rest
            .iter()
            .all(|part| (2..=5).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// ISO 639-1, and the two of three letters that the PHP system is translated into.
const LANGUAGES: &str = "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu ast kab";

/// Typographic quotes of word processors, where a terminal needs plain ones.
pub(crate) fn has_curly_quotes(text: &str) -> bool {
    text.contains(['\u{201c}', '\u{201d}', '\u{201e}', '\u{2018}', '\u{2019}', '\u{201a}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_and_locales_are_known_ones() {
        for text in ["de", "de_DE", "pt-BR", "en", "zh_CN", "ast", "sr@latin"] {
            assert_eq!(is_language(text), text != "sr@latin", "{text}");
        }
        for text in ["xx", "", "german", "de_", "de_D E"] {
            assert!(!is_language(text), "{text}");
        }
        for text in ["de", "de_AT", "zh_Hans_CN", "en_US"] {
            assert!(is_locale(text), "{text}");
        }
        for text in ["xx_YY", "", "de_AT_x_y", "../de"] {
            assert!(!is_locale(text), "{text}");
        }
    }
}
