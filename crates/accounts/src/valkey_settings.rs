//! Where failed logins at backends are counted beside PostgreSQL: the table `[valkey]`.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use url::Url;
use user_backend::config::{Config, InvalidConfig};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use zeroize::Zeroizing;

use crate::store::settings::StoreSettings;

/// Name of the section.
pub(crate) const SECTION: &str = "valkey";

/// The port, if the address does not say.
const PORT: u16 = 6379;

/// A Valkey or Redis server.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `url` | required | `valkeys://HOST:PORT/DATABASE` (TLS), `valkey://HOST:PORT/DATABASE` or `unix:PATH`; `rediss://` and `redis://` mean the same |
/// | `allow_plaintext` | `false` | consent to `valkey://` with a host that is not this machine |
/// | `ca_file` | the system's trust store | a PEM file: these authorities and no others |
/// | `username` | none | the user of its access list, together with `password` |
/// | `password` | none | the password |
#[derive(Clone)]
pub struct ValkeySettings {
    address: ValkeyAddress,
    username: Option<String>,
    password: Option<Zeroizing<String>>,
}

/// Location of the server.
#[derive(Clone, Debug)]
pub enum ValkeyAddress {
    /// A host, and the number of a database there.
    Tcp {
        /// The host.
        endpoint: Box<Endpoint>,
        /// The database.
        database: u16,
    },
    /// A socket on this machine.
    Unix(PathBuf),
}

/// The Valkey settings cannot be used.
///
/// No variant repeats the address, it may hold a password.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ValkeySettingsError {
    /// The address has a name or a password.
    #[error(
        "an address with a name or a password in it, expected username and password as settings of their own"
    )]
    Credentials,
    /// A name without a password.
    #[error("username without password, expected both, or password alone, or neither")]
    NoPassword,
    /// Clear text over the network without consent.
    #[error(
        "an address without TLS on another machine, expected `valkeys://`, or allow_plaintext = true to consent"
    )]
    Plaintext,
    /// Not an address of such a server.
    #[error("another kind of address, expected `valkeys://HOST`, `valkey://HOST` or `unix:/PATH`")]
    Url,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawValkeySettings {
    #[serde(deserialize_with = "address")]
    url: ValkeyAddress,
    #[serde(default)]
    allow_plaintext: bool,
    ca_file: Option<PathBuf>,
    username: Option<String>,
    password: Option<String>,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ValkeyAddress, D::Error> {
    ValkeyAddress::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
}

impl ValkeyAddress {
    fn parse(text: &str) -> Result<Self, ValkeySettingsError> {
        if let Some(path) = text.strip_prefix("unix:") {
            let is_path = path.starts_with('/') && !path.contains('\0');
            return if is_path { Ok(Self::Unix(path.into())) } else { Err(ValkeySettingsError::Url) };
        }
        let url = Url::parse(text).map_err(|_| ValkeySettingsError::Url)?;
        let tls = match url.scheme() {
            "valkeys" | "rediss" => TlsMode::Implicit,
            "valkey" | "redis" => TlsMode::None,
            _ => return Err(ValkeySettingsError::Url),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(ValkeySettingsError::Credentials);
        }
        let database = match url.path().trim_start_matches('/') {
            "" => 0,
            number => number.parse().map_err(|_| ValkeySettingsError::Url)?,
        };
        let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || url.query().is_some() || url.fragment().is_some() {
            return Err(ValkeySettingsError::Url);
        }
        let endpoint = Box::new(Endpoint::new(host, url.port().unwrap_or(PORT), tls));
        Ok(Self::Tcp { endpoint, database })
    }
}

/// Without secrets: there are none in it.
impl fmt::Display for ValkeyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { endpoint, .. } => endpoint.fmt(f),
            Self::Unix(path) => path.display().fmt(f),
        }
    }
}

impl ValkeySettings {
    /// The section of a configuration, if it has one.
    ///
    /// # Errors
    /// [`InvalidConfig`]: a wrong value, or a store that is for one server.
    pub(crate) fn from_config(
        config: &Config,
        store: Option<&StoreSettings>,
    ) -> Result<Option<Self>, InvalidConfig> {
        let settings: Option<Self> = config.section(SECTION)?;
        if settings.is_some() && store.is_some_and(|store| store.path().is_some()) {
            let found = "it beside a store on SQLite, which is for one server and counts in memory";
            return Err(config.section_error(SECTION, &[], found, "[store] on PostgreSQL, or no [valkey]"));
        }
        Ok(settings)
    }

    /// Where it is.
    pub fn address(&self) -> &ValkeyAddress {
        &self.address
    }

    /// The user of its access list.
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The password.
    pub fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }

    /// Makes a relative path of the authorities start at a folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        if let ValkeyAddress::Tcp { endpoint, .. } = &mut self.address
            && let ServerTrust::CaFile(file) = endpoint.trust()
        {
            let trust = ServerTrust::CaFile(folder.join(file));
            **endpoint = endpoint.as_ref().clone().with_trust(trust);
        }
    }
}

impl TryFrom<RawValkeySettings> for ValkeySettings {
    type Error = ValkeySettingsError;

    fn try_from(raw: RawValkeySettings) -> Result<Self, ValkeySettingsError> {
        let mut address = raw.url;
        if let ValkeyAddress::Tcp { endpoint, .. } = &mut address {
            if endpoint.tls() == TlsMode::None && !raw.allow_plaintext && !endpoint.is_loopback() {
                return Err(ValkeySettingsError::Plaintext);
            }
            if let Some(file) = raw.ca_file {
                **endpoint = endpoint.as_ref().clone().with_trust(ServerTrust::CaFile(file));
            }
        }
        if raw.username.is_some() && raw.password.is_none() {
            return Err(ValkeySettingsError::NoPassword);
        }
        Ok(Self { address, username: raw.username, password: raw.password.map(Zeroizing::new) })
    }
}

impl<'de> Deserialize<'de> for ValkeySettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::try_from(RawValkeySettings::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

impl fmt::Debug for ValkeySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValkeySettings").field("address", &self.address).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(table: Value) -> Result<String, String> {
        let settings = ValkeySettings::deserialize(table).map_err(|error| error.to_string())?;
        let tls = match settings.address() {
            ValkeyAddress::Tcp { endpoint, database } => {
                format!("tls {}, database {database}", endpoint.tls())
            }
            ValkeyAddress::Unix(_) => "socket".to_owned(),
        };
        Ok(format!("{}, {tls}", settings.address()))
    }

    #[test]
    fn address_says_host_encryption_and_database() {
        for (url, expected) in [
            ("valkeys://counts.example.com", "counts.example.com:6379, tls implicit, database 0"),
            ("rediss://counts.example.com:7000/3", "counts.example.com:7000, tls implicit, database 3"),
            ("valkey://localhost/", "localhost:6379, tls none, database 0"),
            ("redis://[::1]:6380", "[::1]:6380, tls none, database 0"),
            ("unix:/run/valkey/valkey.sock", "/run/valkey/valkey.sock, socket"),
        ] {
            assert_eq!(read(json!({ "url": url })).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn unusable_settings_are_refused_without_their_secrets() {
        for (table, reason) in [
            (json!({ "url": "valkey://counts.example.com" }), ValkeySettingsError::Plaintext),
            (
                json!({ "url": "valkeys://u:Wonderland-1@counts.example.com" }),
                ValkeySettingsError::Credentials,
            ),
            (
                json!({ "url": "valkeys://:Wonderland-1@counts.example.com" }),
                ValkeySettingsError::Credentials,
            ),
            (json!({ "url": "valkeys://counts.example.com/x" }), ValkeySettingsError::Url),
            (
                json!({ "url": "valkeys://counts.example.com/?password=Wonderland-1" }),
                ValkeySettingsError::Url,
            ),
            (json!({ "url": "valkeys://" }), ValkeySettingsError::Url),
            (json!({ "url": "unix:run/valkey.sock" }), ValkeySettingsError::Url),
            (json!({ "url": "http://localhost" }), ValkeySettingsError::Url),
            (json!({ "url": "valkey://localhost", "username": "u" }), ValkeySettingsError::NoPassword),
        ] {
            let error = read(table).unwrap_err();
            assert!(error.starts_with(&reason.to_string()) && !error.contains("Wonderland"), "{error}");
        }
        let consent = json!({ "url": "valkey://counts.example.com", "allow_plaintext": true });
        assert!(read(consent).is_ok());
        let login = json!({ "url": "valkey://localhost", "username": "u", "password": "Wonderland-1" });
        let settings = ValkeySettings::deserialize(login).unwrap();
        assert!(!format!("{settings:?}").contains("Wonderland"), "{settings:?}");
    }
}
