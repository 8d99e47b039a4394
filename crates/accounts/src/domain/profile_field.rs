//! The fields of a profile, and who may see one.

use std::fmt;
use std::str::FromStr;

use crate::domain::error::AccountsError;

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

/// Longest value of a profile field, in bytes.
const MAX_VALUE: usize = 2048;

pub(crate) fn checked_value(field: ProfileField, value: &str) -> Result<(), AccountsError> {
    if value.len() > MAX_VALUE || value.contains('\0') {
        return Err(AccountsError::invalid(
            field.as_str(),
            AccountsError::shorten(value),
            "at most 2048 bytes without NUL",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

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
