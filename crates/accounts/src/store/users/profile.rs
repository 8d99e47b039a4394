//! What users tell about themselves, and who may see it.

use std::fmt;
use std::str::FromStr;

use super::Key;
use crate::domain::error::AccountsError;
use crate::store::engine::{Tx, fault, sql};

macro_rules! words {
    ($(#[$doc:meta])* $name:ident ($what:literal, $expected:literal) { $($(#[$about:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$about])* $variant,)*
        }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// As it is stored and as the provisioning API says it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)*
                }
            }
        }

        impl FromStr for $name {
            type Err = AccountsError;

            fn from_str(text: &str) -> Result<Self, AccountsError> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(AccountsError::invalid($what, text, $expected)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// A field of the profile.
    ///
    /// `DisplayName`, `Email` and `Avatar` hold a scope only: their values are elsewhere.
    ProfileField ("profile field", "a field of the profile") {
        /// Further mail addresses: the only field with several values.
        AdditionalMail = "additional_mail",
        /// Postal address.
        Address = "address",
        /// Scope of the avatar.
        Avatar = "avatar",
        /// About the person.
        Biography = "biography",
        /// Date of birth.
        Birthdate = "birthdate",
        /// Bluesky name.
        Bluesky = "bluesky",
        /// Scope of the display name.
        DisplayName = "displayname",
        /// Scope of the primary mail address.
        Email = "email",
        /// Fediverse name.
        Fediverse = "fediverse",
        /// First day of the week: -1 to 6.
        FirstDayOfWeek = "first_day_of_week",
        /// A line about the person.
        Headline = "headline",
        /// Id of the manager.
        Manager = "manager",
        /// Where notifications go: one of the user's own addresses.
        NotifyEmail = "notify_email",
        /// Organisation.
        Organisation = "organisation",
        /// Phone number, best in E.164.
        Phone = "phone",
        /// Whether the profile page is shown: `0` or `1`.
        ProfileEnabled = "profile_enabled",
        /// Pronouns.
        Pronouns = "pronouns",
        /// Role.
        Role = "role",
        /// Time zone.
        Timezone = "timezone",
        /// Twitter name.
        Twitter = "twitter",
        /// Web site.
        Website = "website",
    }
}

words! {
    /// Who may see a profile field.
    ProfileScope ("scope", "v2-private, v2-local, v2-federated or v2-published") {
        /// People whom the user knows on other servers too.
        Federated = "v2-federated",
        /// People on this server.
        Local = "v2-local",
        /// Only people who are allowed to by the user.
        Private = "v2-private",
        /// Everybody.
        Published = "v2-published",
    }
}

impl ProfileScope {
    /// Reads also the older words `private`, `contacts` and `public`.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] for any other word.
    pub fn from_any(text: &str) -> Result<Self, AccountsError> {
        match text {
            "private" => Ok(Self::Local),
            "contacts" => Ok(Self::Federated),
            "public" => Ok(Self::Published),
            other => other.parse(),
        }
    }
}

/// One value of one field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileEntry {
    /// The field.
    pub field: ProfileField,
    /// Its value.
    pub value: String,
    /// Who may see it; unset means what the installation decides.
    pub scope: Option<ProfileScope>,
}

/// All that a user tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile(pub(crate) Vec<ProfileEntry>);

impl Profile {
    /// The value of a field, if it is set.
    pub fn value(&self, field: ProfileField) -> Option<&str> {
        self.entries(field).map(|entry| entry.value.as_str()).find(|value| !value.is_empty())
    }

    /// The scope of a field, if it is set.
    pub fn scope(&self, field: ProfileField) -> Option<ProfileScope> {
        self.entries(field).find_map(|entry| entry.scope)
    }

    /// All values of a field, in the order in which they were added.
    pub fn entries(&self, field: ProfileField) -> impl Iterator<Item = &ProfileEntry> {
        self.0.iter().filter(move |entry| entry.field == field)
    }
}

/// Longest value of a profile field, in bytes.
const MAX_VALUE: usize = 2048;

pub(crate) fn checked_value(field: ProfileField, value: &str) -> Result<(), AccountsError> {
    if value.len() > MAX_VALUE || value.contains('\0') {
        return Err(AccountsError::invalid(field.as_str(), shorten(value), "at most 2048 bytes without NUL"));
    }
    Ok(())
}

/// Sets a single-valued field; an empty value without a scope removes it.
pub(crate) async fn put(
    tx: &mut Tx,
    key: Key,
    field: ProfileField,
    value: &str,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    if field == ProfileField::AdditionalMail {
        return add_mail(tx, key, value, scope).await;
    }
    checked_value(field, value)?;
    let put =
        sql("INSERT INTO profile (user_key, field, position, value, scope) VALUES ($1, $2, 0, $3, $4) \
                   ON CONFLICT (user_key, field, position) DO UPDATE \
                   SET value = excluded.value, scope = COALESCE(excluded.scope, profile.scope)");
    tx.execute(put.bind(key.0).bind(field.as_str()).bind(value).bind(scope.map(ProfileScope::as_str)))
        .await?;
    Ok(())
}

/// Sets who may see a field and leaves its value alone.
pub(crate) async fn put_scope(
    tx: &mut Tx,
    key: Key,
    field: ProfileField,
    scope: ProfileScope,
) -> Result<(), AccountsError> {
    let put =
        sql("INSERT INTO profile (user_key, field, position, value, scope) VALUES ($1, $2, 0, '', $3) \
                   ON CONFLICT (user_key, field, position) DO UPDATE SET scope = excluded.scope");
    tx.execute(put.bind(key.0).bind(field.as_str()).bind(scope.as_str())).await?;
    Ok(())
}

/// Adds a further mail address.
pub(crate) async fn add_mail(
    tx: &mut Tx,
    key: Key,
    address: &str,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    let address = mail_address(address)?;
    let used = sql("SELECT 1 FROM users WHERE key = $1 AND email = $2 UNION ALL \
                    SELECT 1 FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    if tx.row(used.bind(key.0).bind(address.as_str())).await?.is_some() {
        return Err(AccountsError::already("mail address", &address));
    }
    let add =
        sql("INSERT INTO profile (user_key, field, position, value, scope) SELECT $1, 'additional_mail', \
                   COALESCE(MAX(position), 0) + 1, $2, $3 FROM profile \
                   WHERE user_key = $1 AND field = 'additional_mail'");
    tx.execute(add.bind(key.0).bind(address).bind(scope.map(ProfileScope::as_str))).await?;
    Ok(())
}

/// Replaces, re-scopes or (without a new address) removes a further mail address.
pub(crate) async fn change_mail(
    tx: &mut Tx,
    key: Key,
    old: &str,
    new: Option<&str>,
    scope: Option<ProfileScope>,
) -> Result<(), AccountsError> {
    let old = old.trim().to_lowercase();
    let find =
        sql("SELECT position FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND value = $2");
    let row = tx.row(find.bind(key.0).bind(old.as_str())).await?;
    let row = row.ok_or_else(|| AccountsError::missing("mail address", &old))?;
    let position = row.int(0).map_err(fault)?;
    let which = match new {
        None => {
            sql("DELETE FROM profile WHERE user_key = $1 AND field = 'additional_mail' AND position = $2")
        }
        Some(_) => sql("UPDATE profile SET value = $3, scope = COALESCE($4, scope) \
                        WHERE user_key = $1 AND field = 'additional_mail' AND position = $2"),
    };
    let mut which = which.bind(key.0).bind(position);
    if let Some(new) = new {
        which = which.bind(mail_address(new)?).bind(scope.map(ProfileScope::as_str));
    }
    tx.execute(which).await?;
    Ok(())
}

/// A mail address as it is stored: trimmed and in lower case.
///
/// # Errors
/// [`AccountsError::Invalid`] unless it looks like `LOCAL@DOMAIN`; only a mail that arrives proves more than that.
pub fn mail_address(text: &str) -> Result<String, AccountsError> {
    let address = text.trim().to_lowercase();
    let fits = address.len() <= 254
        && !address.contains(|c: char| c.is_control() || c.is_whitespace() || "<>(),;:\\\"[]".contains(c))
        && address.split_once('@').is_some_and(|(local, domain)| {
            let label = |label: &str| {
                !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
            };
            (1..=64).contains(&local.len())
                && !local.starts_with('.')
                && !local.ends_with('.')
                && !local.contains("..")
                && !domain.contains('@')
                && domain.split('.').all(label)
        });
    if fits { Ok(address) } else { Err(AccountsError::invalid("email", shorten(text), "a mail address")) }
}

/// Longest display name, in characters.
const MAX_DISPLAY_NAME: usize = 64;

pub(crate) fn display_name(name: Option<&str>) -> Result<Option<String>, AccountsError> {
    let Some(name) = name.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > MAX_DISPLAY_NAME || name.contains(char::is_control) {
        return Err(AccountsError::invalid(
            "display name",
            shorten(name),
            "at most 64 characters on one line",
        ));
    }
    Ok(Some(name.to_owned()))
}

/// A language or a locale: a short word, or nothing.
pub(crate) fn word(text: &Option<String>, field: &'static str) -> Result<Option<String>, AccountsError> {
    let Some(text) = text.as_deref().filter(|text| !text.is_empty()) else { return Ok(None) };
    let fits = text.len() <= 32 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.@".contains(&b));
    if fits {
        Ok(Some(text.to_owned()))
    } else {
        Err(AccountsError::invalid(field, shorten(text), "a short word"))
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_are_trimmed_lower_case_and_plausible() {
        assert_eq!(mail_address(" Frank@Example.COM ").unwrap(), "frank@example.com");
        assert!(mail_address("o'neil+tag@localhost").is_ok());
        for text in
            ["", "frank", "@x", "a@", "a@b@c", "a b@c", "a@b..c", "a@-b.c", "a\r\nbcc:x@y", "<a@b>", ".a@b"]
        {
            assert!(mail_address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_survive_a_round_trip() {
        assert!(
            ProfileField::ALL.iter().all(|field| field.as_str().parse::<ProfileField>().unwrap() == *field)
        );
        assert!(
            ProfileScope::ALL.iter().all(|scope| ProfileScope::from_any(scope.as_str()).unwrap() == *scope)
        );
        assert_eq!(ProfileScope::from_any("private").unwrap(), ProfileScope::Local);
    }
}
