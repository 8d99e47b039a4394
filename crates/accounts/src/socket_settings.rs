//! Sockets for programs of this machine that check passwords.
//!
//! `[frontends.saslauthd]` and `[frontends.dovecot_auth]`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use serde::Deserialize;

/// How many connections a socket takes, if the settings do not say.
const CONNECTIONS: NonZeroU32 = NonZeroU32::MIN.saturating_add(255);

/// The settings of the saslauthd socket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaslauthdSettings {
    /// See [`SocketSettings::path`].
    pub path: PathBuf,
    /// See [`SocketSettings::mode`].
    #[serde(default)]
    pub mode: SocketMode,
    /// See [`SocketSettings::group`].
    pub group: Option<String>,
    /// See [`SocketSettings::allowed_users`].
    #[serde(default)]
    pub allowed_users: Vec<String>,
    /// See [`SocketSettings::max_connections`].
    #[serde(default = "connections")]
    pub max_connections: NonZeroU32,
    /// Whether a login and a realm become `login@realm`, as with `saslauthd -r`.
    ///
    /// Default: false, the realm is ignored.
    #[serde(default)]
    pub join_realm: bool,
}

/// The settings of the Dovecot auth socket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DovecotAuthSettings {
    /// See [`SocketSettings::path`].
    pub path: PathBuf,
    /// See [`SocketSettings::mode`].
    #[serde(default)]
    pub mode: SocketMode,
    /// See [`SocketSettings::group`].
    pub group: Option<String>,
    /// See [`SocketSettings::allowed_users`].
    #[serde(default)]
    pub allowed_users: Vec<String>,
    /// See [`SocketSettings::max_connections`].
    #[serde(default = "connections")]
    pub max_connections: NonZeroU32,
    /// What a client gets when nothing could be decided (default `fail`).
    #[serde(default)]
    pub on_outage: OnOutage,
}

/// What a client of the Dovecot auth socket gets when nothing could be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum OnOutage {
    /// `FAIL` with `temp`, the word of the protocol.
    ///
    /// The default.
    #[default]
    Fail,
    /// Closes the connection.
    ///
    /// For Postfix and Exim, which treat every `FAIL` as a wrong password.
    Close,
}

/// What all sockets have in common, and the settings of the socket for `occ`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketSettings {
    /// The socket; a relative path starts at the folder of the configuration.
    pub path: PathBuf,
    /// The permissions of the socket (default `0660`).
    #[serde(default)]
    pub mode: SocketMode,
    /// Its group, by name or number (default: that of the server).
    pub group: Option<String>,
    /// The users whose programs may connect, by name or number.
    ///
    /// Root and the server's own user always may. Default: all who can open the socket.
    #[serde(default)]
    pub allowed_users: Vec<String>,
    /// How many connections may be open (default 256).
    #[serde(default = "connections")]
    pub max_connections: NonZeroU32,
}

impl SaslauthdSettings {
    /// The settings of the socket.
    pub fn socket(&self) -> SocketSettings {
        let Self { path, mode, group, allowed_users, max_connections, join_realm: _ } = self.clone();
        SocketSettings { path, mode, group, allowed_users, max_connections }
    }
}

impl DovecotAuthSettings {
    /// The settings of the socket.
    pub fn socket(&self) -> SocketSettings {
        let Self { path, mode, group, allowed_users, max_connections, on_outage: _ } = self.clone();
        SocketSettings { path, mode, group, allowed_users, max_connections }
    }
}

fn connections() -> NonZeroU32 {
    CONNECTIONS
}

/// Permissions of a socket, written in octal: `"0660"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct SocketMode(u32);

impl SocketMode {
    /// The permission bits.
    pub fn bits(self) -> u32 {
        self.0
    }
}

impl Default for SocketMode {
    fn default() -> Self {
        Self(0o660)
    }
}

impl TryFrom<String> for SocketMode {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let is_octal =
            (3..=4).contains(&text.len()) && text.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
        let bits = is_octal.then(|| u32::from_str_radix(&text, 8).ok()).flatten();
        bits.filter(|bits| bits & 0o600 == 0o600 && *bits <= 0o777).map(Self).ok_or_else(|| {
            format!("{text:?}, expected an octal number that begins with 06 or 07, such as \"0660\"")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mode_is_octal_and_open_to_its_owner() {
        for (text, expected) in [
            ("0660", Some(0o660)),
            ("600", Some(0o600)),
            ("0777", Some(0o777)),
            ("0060", None),
            ("4755", None),
            ("0o660", None),
            ("+660", None),
            ("0680", None),
            ("", None),
        ] {
            let found = SocketMode::try_from(text.to_owned()).ok().map(SocketMode::bits);
            assert_eq!(found, expected, "{text}");
        }
    }
}
