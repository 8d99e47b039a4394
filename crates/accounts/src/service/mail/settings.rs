//! The mail server and the sender's address: the table `[mail]`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use serde::{Deserialize, Deserializer, de};
use thiserror::Error;
use user_backend::BackendError;
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use zeroize::Zeroizing;

/// Time for handing over one mail.
///
/// Servers look at mails for viruses before they say yes.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Time for reaching the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The mail server, and the sender of mails.
///
/// | field | default | meaning |
/// |---|---|---|
/// | `host` | required | the mail server |
/// | `port` | by `tls` | 465, with `"explicit"` 587, with `"none"` 25 |
/// | `tls` | `"implicit"` | `"implicit"`, `"explicit"` (STARTTLS, and required) or `"none"` |
/// | `allow_plaintext` | `false` | consent to `tls = "none"` with a host that is not this machine |
/// | `ca_file` | the system's trust store | a PEM file: these authorities and no others |
/// | `server_name` | the host | the name that the certificate must have |
/// | `username` | none | the login at the mail server, together with `password` |
/// | `password` | none | its password |
/// | `from` | required | the sender, such as `"Cloud <noreply@example.org>"` |
/// | `hello_name` | the domain of `from` | the name of this machine in `EHLO` |
#[derive(Clone)]
pub struct MailSettings {
    pub(super) endpoint: Endpoint,
    pub(super) login: Option<(String, Zeroizing<String>)>,
    pub(super) from: Mailbox,
    pub(super) hello_name: String,
}

/// The table as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMailSettings {
    #[serde(deserialize_with = "host")]
    host: String,
    port: Option<u16>,
    #[serde(default = "implicit")]
    tls: TlsMode,
    #[serde(default)]
    allow_plaintext: bool,
    ca_file: Option<PathBuf>,
    server_name: Option<String>,
    username: Option<String>,
    password: Option<String>,
    #[serde(deserialize_with = "sender")]
    from: Mailbox,
    #[serde(default, deserialize_with = "hello_name")]
    hello_name: Option<String>,
}

/// The mail settings cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MailSettingsError {
    /// The sender's address is invalid.
    #[error("from must be a mail address such as \"Cloud <noreply@example.org>\"")]
    From,
    /// A name that is sent to the server has invalid characters.
    #[error("{0} must be a host name")]
    HostName(&'static str),
    /// A name without a password, or a password without a name.
    #[error("one of username and password, expected both, or neither")]
    HalfALogin,
    /// Clear text over the network without consent.
    #[error("{}", .0.detail().replacen("; set ", ", expected ", 1))]
    Plaintext(BackendError),
}

fn implicit() -> TlsMode {
    TlsMode::Implicit
}

// Checked as each is read, so that a file with several mistakes has an error for each.

fn sender<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Mailbox, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|_| de::Error::custom(MailSettingsError::From))
}

fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let name = String::deserialize(deserializer)?;
    if is_host_name(&name) { Ok(name) } else { Err(de::Error::custom(MailSettingsError::HostName("host"))) }
}

fn hello_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let name = Option::<String>::deserialize(deserializer)?;
    if name.as_deref().is_none_or(is_host_name) {
        return Ok(name);
    }
    Err(de::Error::custom(MailSettingsError::HostName("hello_name")))
}

/// Whether a name can be sent to a server in its own line.
fn is_host_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte))
}

impl MailSettings {
    /// Settings for a server at `endpoint` that takes mail from `from`.
    ///
    /// # Errors
    /// [`MailSettingsError`] says which setting cannot be used.
    pub fn new(endpoint: Endpoint, from: &str) -> Result<Self, MailSettingsError> {
        Self::from_sender(endpoint, from.parse().map_err(|_| MailSettingsError::From)?)
    }

    fn from_sender(endpoint: Endpoint, from: Mailbox) -> Result<Self, MailSettingsError> {
        endpoint.check_plaintext().map_err(MailSettingsError::Plaintext)?;
        let hello_name = from.email.domain().to_owned();
        let endpoint = endpoint.with_timeout(TIMEOUT).with_connect_timeout(CONNECT_TIMEOUT);
        Self { endpoint, login: None, from, hello_name }.checked()
    }

    /// Signs in at the mail server.
    #[must_use]
    pub fn with_login(mut self, username: impl Into<String>, password: impl Into<String>) -> Self {
        self.login = Some((username.into(), Zeroizing::new(password.into())));
        self
    }

    /// What we call ourselves (default: the domain of the sender's address).
    ///
    /// # Errors
    /// [`MailSettingsError::HostName`] when it is no host name.
    pub fn with_hello_name(mut self, name: impl Into<String>) -> Result<Self, MailSettingsError> {
        self.hello_name = name.into();
        self.checked()
    }

    /// The mail server.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whom mails come from.
    pub fn from(&self) -> &Mailbox {
        &self.from
    }

    /// Makes a relative path of the authorities start at a folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        if let ServerTrust::CaFile(file) = self.endpoint.trust() {
            let trust = ServerTrust::CaFile(folder.join(file));
            self.endpoint = self.endpoint.clone().with_trust(trust);
        }
    }

    /// Fields of the table as written that do nothing beside its others, with the reason.
    pub(crate) fn without_effect(&self, written: &serde_json::Value) -> Vec<(&'static str, String)> {
        let is_set = |field: &str| written.get(field).is_some_and(|value| !value.is_null());
        let (tls, mut found) = (self.endpoint.tls(), Vec::new());
        if tls == TlsMode::None {
            for field in ["mail.ca_file", "mail.server_name"] {
                if is_set(field.trim_start_matches("mail.")) {
                    found.push((field, "no effect without TLS".to_owned()));
                }
            }
        }
        if written.get("allow_plaintext").and_then(serde_json::Value::as_bool) == Some(true) {
            let host = self.endpoint.host();
            let why = match tls {
                TlsMode::None if self.endpoint.is_loopback() => {
                    format!("no effect: {host} is this machine, which needs no consent")
                }
                TlsMode::None => format!("passwords and mails cross the network to {host} in clear text"),
                _ => format!("no effect with tls = \"{tls}\": nothing is sent in clear text"),
            };
            found.push(("mail.allow_plaintext", why));
        }
        found
    }

    fn checked(self) -> Result<Self, MailSettingsError> {
        if !is_host_name(&self.hello_name) {
            return Err(MailSettingsError::HostName("hello_name"));
        }
        if !is_host_name(self.endpoint.host()) {
            return Err(MailSettingsError::HostName("host"));
        }
        Ok(self)
    }
}

impl<'de> Deserialize<'de> for MailSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = RawMailSettings::deserialize(deserializer)?;
        Self::try_from(raw).map_err(de::Error::custom)
    }
}

impl TryFrom<RawMailSettings> for MailSettings {
    type Error = MailSettingsError;

    fn try_from(raw: RawMailSettings) -> Result<Self, MailSettingsError> {
        let port = raw.port.unwrap_or(match raw.tls {
            TlsMode::Implicit => 465,
            TlsMode::None => 25,
            _ => 587,
        });
        let mut endpoint = Endpoint::new(raw.host, port, raw.tls).with_plaintext_consent(raw.allow_plaintext);
        if let Some(file) = raw.ca_file {
            endpoint = endpoint.with_trust(ServerTrust::CaFile(file));
        }
        if let Some(name) = raw.server_name {
            endpoint = endpoint.with_server_name(name);
        }
        let mut settings = Self::from_sender(endpoint, raw.from)?;
        if let Some(name) = raw.hello_name {
            settings = settings.with_hello_name(name)?;
        }
        match (raw.username, raw.password) {
            (Some(username), Some(password)) => Ok(settings.with_login(username, password)),
            (None, None) => Ok(settings),
            _ => Err(MailSettingsError::HalfALogin),
        }
    }
}

impl fmt::Debug for MailSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailSettings")
            .field("endpoint", &self.endpoint)
            .field("from", &self.from)
            .field("hello_name", &self.hello_name)
            .finish_non_exhaustive()
    }
}
