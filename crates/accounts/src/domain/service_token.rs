//! Service tokens: what a credential for automation may do, and from where.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use user_backend::config::Network;

use crate::domain::error::AccountsError;
use crate::domain::profile_field::words;

words! {
    /// A group of calls that a service token opens.
    ///
    /// The table of calls says which call needs which one.
    TokenScope ("scope", "users:read, users:write, users:credentials, groups:read, groups:write, apps, admin or frontend:NAME") {
        /// Administrators and sub-admins, and everything else that only administrators may do.
        Admin = "admin",
        /// Apps and their configuration.
        Apps = "apps",
        /// Lists groups and their members.
        GroupsRead = "groups:read",
        /// Creates, renames and deletes groups, and changes who is a member.
        GroupsWrite = "groups:write",
        /// Sets passwords and mail addresses.
        UsersCredentials = "users:credentials",
        /// Lists users and reads their data.
        UsersRead = "users:read",
        /// Creates, changes, disables and deletes users.
        UsersWrite = "users:write",
    }
}

impl TokenScope {
    /// Whether only a member of the group `admin` can own a token with this scope.
    pub const fn needs_admin(self) -> bool {
        matches!(self, Self::Admin | Self::Apps)
    }
}

/// Prefix of a scope that names a frontend.
const FRONTEND: &str = "frontend:";

/// Most frontends, and most networks, of one token.
const MAX_ENTRIES: usize = 32;

/// Scopes of a service token: at least one.
///
/// It never opens more than its owner's rights at that moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenScopes {
    calls: BTreeSet<TokenScope>,
    frontends: BTreeSet<String>,
}

impl TokenScopes {
    /// Reads words such as `users:read` and `frontend:wiki`.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`], which lists the scopes that there are; also for no scope at all,
    /// and for more than 32 frontends.
    pub fn parse(words: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, AccountsError> {
        let mut scopes = Self { calls: BTreeSet::new(), frontends: BTreeSet::new() };
        for word in words {
            let word = word.as_ref();
            match word.strip_prefix(FRONTEND) {
                Some(name) if is_frontend_name(name) => {
                    scopes.frontends.insert(name.to_owned());
                }
                Some(_) => {
                    let expected =
                        "frontend: and a name of 1 to 64 letters, digits, dots, hyphens and underscores";
                    return Err(AccountsError::invalid_text("scope", word, expected));
                }
                None => {
                    scopes.calls.insert(word.parse()?);
                }
            }
        }
        if scopes.calls.is_empty() && scopes.frontends.is_empty() {
            return Err(AccountsError::invalid("scopes", "", "at least one scope"));
        }
        if scopes.frontends.len() > MAX_ENTRIES {
            let found = scopes.frontends.len().to_string();
            return Err(AccountsError::invalid("frontends of a service token", found, "at most 32"));
        }
        Ok(scopes)
    }

    /// Whether they open the calls of this scope.
    ///
    /// No scope includes another.
    pub fn allow(&self, scope: TokenScope) -> bool {
        self.calls.contains(&scope)
    }

    /// Whether they open this frontend.
    pub fn allow_frontend(&self, name: &str) -> bool {
        self.frontends.contains(name)
    }

    /// The scopes of calls, in alphabetical order.
    pub fn calls(&self) -> impl Iterator<Item = TokenScope> {
        self.calls.iter().copied()
    }

    /// All of them as words.
    pub fn words(&self) -> Vec<String> {
        let calls = self.calls.iter().map(ToString::to_string);
        calls.chain(self.frontends.iter().map(|name| format!("{FRONTEND}{name}"))).collect()
    }
}

/// The words with a space between them, as they are stored.
impl fmt::Display for TokenScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().join(" "))
    }
}

pub(crate) fn is_frontend_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// The networks from which a service token works; none means from everywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceNetworks(Vec<Network>);

impl SourceNetworks {
    /// Reads addresses and blocks such as `10.0.0.0/8` and `2001:db8::/32`.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] for anything else, and for more than 32.
    pub fn parse(texts: impl IntoIterator<Item = impl AsRef<str>>) -> Result<Self, AccountsError> {
        let mut networks = Vec::new();
        for text in texts {
            let text = text.as_ref();
            let expected = "an address or a block such as 10.0.0.0/8 that begins with its first address";
            let network: Network =
                text.parse().map_err(|_| AccountsError::invalid_text("network", text, expected))?;
            if !networks.contains(&network) {
                networks.push(network);
            }
        }
        if networks.len() > MAX_ENTRIES {
            let found = networks.len().to_string();
            return Err(AccountsError::invalid("networks of a service token", found, "at most 32"));
        }
        Ok(Self(networks))
    }

    /// Whether a request from there is allowed; an unknown address is in no network.
    pub fn allow(&self, from: Option<IpAddr>) -> bool {
        self.0.is_empty() || from.is_some_and(|from| self.0.iter().any(|network| network.contains(from)))
    }

    /// All of them as texts.
    pub fn texts(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

/// The texts with a space between them, as they are stored.
impl fmt::Display for SourceNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.texts().join(" "))
    }
}

/// Data that an app password lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceToken {
    /// Its scopes.
    pub scopes: TokenScopes,
    /// From where it works.
    pub networks: SourceNetworks,
}

/// Its entry in the audit log.
impl fmt::Display for ServiceToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scopes)?;
        if self.networks.0.is_empty() { Ok(()) } else { write!(f, "; from {}", self.networks) }
    }
}

impl ServiceToken {
    /// From the columns; `None` for a device's app password.
    pub(crate) fn stored(
        scopes: Option<&str>,
        networks: Option<&str>,
    ) -> Result<Option<Self>, AccountsError> {
        let Some(scopes) = scopes else { return Ok(None) };
        let read = || {
            Ok(Self {
                scopes: TokenScopes::parse(scopes.split_whitespace())?,
                networks: SourceNetworks::parse(networks.unwrap_or_default().split_whitespace())?,
            })
        };
        let read: Result<Self, AccountsError> = read();
        read.map(Some).map_err(|error| AccountsError::unreadable(format!("a service token: {error}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_survive_a_round_trip_and_include_no_other() {
        for scope in TokenScope::ALL {
            let one = TokenScopes::parse([scope.as_str()]).unwrap();
            assert_eq!(one.calls().collect::<Vec<_>>(), [*scope]);
            assert!(TokenScope::ALL.iter().all(|other| one.allow(*other) == (other == scope)), "{scope}");
        }
        let mixed = TokenScopes::parse(["users:read", "frontend:wiki", "admin", "users:read"]).unwrap();
        assert_eq!(mixed.to_string(), "admin users:read frontend:wiki");
        assert_eq!(TokenScopes::parse(mixed.to_string().split(' ')).unwrap(), mixed);
        assert!(mixed.allow_frontend("wiki") && !mixed.allow_frontend("wik") && !mixed.allow_frontend("*"));
    }

    #[test]
    fn unknown_scope_is_refused_with_the_list_of_scopes() {
        for word in ["users", "USERS:READ", "*", "", "users:read users:write", "all"] {
            let error = TokenScopes::parse([word]).unwrap_err().to_string();
            assert!(
                TokenScope::ALL.iter().all(|scope| error.contains(scope.as_str()))
                    && error.contains("frontend:NAME"),
                "{error}"
            );
        }
        for word in ["frontend:", "frontend:a b", "frontend:*", &format!("frontend:{}", "x".repeat(65))] {
            assert!(TokenScopes::parse([word]).is_err(), "{word}");
        }
        assert!(TokenScopes::parse([""; 0]).is_err(), "a token that may do nothing");
        assert!(TokenScopes::parse((0..33).map(|nth| format!("frontend:{nth}"))).is_err());
    }

    #[test]
    fn networks_allow_their_addresses_and_nothing_unknown() {
        let networks =
            SourceNetworks::parse(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7", "10.0.0.0/8"]).unwrap();
        assert_eq!(networks.to_string(), "10.0.0.0/8 2001:db8::/32 192.0.2.7/32");
        let allow = |from: &str| networks.allow(Some(from.parse().unwrap()));
        assert!(allow("10.1.2.3") && allow("::ffff:10.1.2.3") && allow("2001:db8::1") && allow("192.0.2.7"));
        assert!(!allow("11.0.0.0") && !allow("192.0.2.8") && !allow("::1") && !networks.allow(None));
        assert!(SourceNetworks::default().allow(None));
        for text in ["10.1.2.3/8", "10.0.0.0/33", "example.com", "", "10.0.0.0/8,::/0", "10.0.0.0/+8"] {
            assert!(SourceNetworks::parse([text]).is_err(), "{text}");
        }
        assert!(SourceNetworks::parse((0..33).map(|nth| format!("10.0.0.{nth}"))).is_err());
    }

    #[test]
    fn damaged_columns_never_widen_a_token() {
        assert_eq!(ServiceToken::stored(None, None).unwrap(), None);
        for (scopes, networks) in [("", None), ("users:all", None), ("users:read", Some("10.0.0.0/99"))] {
            assert!(ServiceToken::stored(Some(scopes), networks).is_err(), "{scopes} {networks:?}");
        }
    }
}
