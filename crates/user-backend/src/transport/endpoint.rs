//! Endpoints: address, TLS mode and timeout of a server.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "crypto-provider")]
use rustls::crypto::CryptoProvider;
use serde::{Deserialize, Serialize};

use super::provider::GivenProvider;
use super::sooner;
use crate::clock::{Instant, now};
use crate::error::{BackendError, Phase};

/// How a connection is encrypted.
///
/// There is no opportunistic mode: what can be stripped is not encryption.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum TlsMode {
    /// TLS from the first byte (imaps, ftps).
    Implicit,
    /// TLS is negotiated on the open connection (STARTTLS, AUTH TLS) and required.
    ///
    /// The default.
    #[default]
    #[serde(alias = "starttls")]
    Explicit,
    /// No TLS.
    None,
}

impl TlsMode {
    /// The mode in one word, as configurations spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Implicit => "implicit",
            Self::Explicit => "explicit",
            Self::None => "none",
        }
    }
}

impl fmt::Display for TlsMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which certificate authorities are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerTrust {
    /// The operating system's trust store.
    ///
    /// The default.
    #[default]
    System,
    /// The certificates in this PEM file, and no others.
    CaFile(PathBuf),
    /// Any certificate.
    ///
    /// An attacker on the network reads every password.
    DangerAcceptAnyCertificate,
}

/// Address, TLS mode and timeout of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    tls: TlsMode,
    trust: ServerTrust,
    server_name: Option<String>,
    allow_plaintext: bool,
    connect_timeout: Duration,
    timeout: Duration,
    provider: GivenProvider,
}

impl Endpoint {
    /// Time for resolving, connecting and TLS, when nothing else is set.
    pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

    /// Time for one whole attempt, when nothing else is set.
    ///
    /// Servers delay the answer to a wrong password by seconds; Dovecot delays all logins from an
    /// address after failed ones by up to 15 s, and a failed one by 2 s more.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

    /// A server at `host` and `port`, verified against the system's trust store.
    ///
    /// The host is a name or an address (IPv6 without brackets).
    pub fn new(host: impl Into<String>, port: u16, tls: TlsMode) -> Self {
        Self {
            host: host.into(),
            port,
            tls,
            trust: ServerTrust::System,
            server_name: None,
            allow_plaintext: false,
            connect_timeout: Self::DEFAULT_CONNECT_TIMEOUT,
            timeout: Self::DEFAULT_TIMEOUT,
            provider: GivenProvider::default(),
        }
    }

    /// Sets which certificates are trusted.
    #[must_use]
    pub fn with_trust(mut self, trust: ServerTrust) -> Self {
        self.trust = trust;
        self
    }

    /// The name that the certificate must carry, when it is not the host.
    #[must_use]
    pub fn with_server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Consents to passwords in clear text over the network.
    ///
    /// That is [`TlsMode::None`] to a host that is not loopback.
    #[must_use]
    pub fn with_plaintext_consent(mut self, consent: bool) -> Self {
        self.allow_plaintext = consent;
        self
    }

    /// Time for resolving, connecting and TLS (default 3 s).
    #[must_use]
    pub fn with_connect_timeout(mut self, limit: Duration) -> Self {
        self.connect_timeout = limit;
        self
    }

    /// Time for one whole attempt (default 20 s).
    #[must_use]
    pub fn with_timeout(mut self, limit: Duration) -> Self {
        self.timeout = limit;
        self
    }

    /// The crypto provider of TLS connections.
    ///
    /// Default: that of the process, or ring, if that cargo feature is on.
    #[cfg(feature = "crypto-provider")]
    #[must_use]
    pub fn with_crypto_provider(mut self, provider: std::sync::Arc<CryptoProvider>) -> Self {
        self.provider = GivenProvider(Some(provider));
        self
    }

    pub(crate) fn provider(&self) -> &GivenProvider {
        &self.provider
    }

    /// The host.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// How the connection is encrypted.
    pub fn tls(&self) -> TlsMode {
        self.tls
    }

    /// Which certificates are trusted.
    pub fn trust(&self) -> &ServerTrust {
        &self.trust
    }

    /// The name that the certificate must carry.
    pub fn server_name(&self) -> &str {
        self.server_name.as_deref().unwrap_or(&self.host)
    }

    /// Whether that name was set, and is not the host.
    #[allow(dead_code, reason = "not every class needs it")]
    pub(crate) fn has_server_name(&self) -> bool {
        self.server_name.is_some()
    }

    /// Whether there is consent to clear text over the network.
    pub fn allows_plaintext(&self) -> bool {
        self.allow_plaintext
    }

    /// Time for resolving, connecting and TLS.
    pub fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }

    /// Time for one whole attempt.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The end of one attempt: as asked, but no later than the timeout allows.
    ///
    /// # Errors
    /// No time is left.
    pub(crate) fn deadline(&self, attempt_deadline: Instant) -> Result<Instant, BackendError> {
        let deadline = sooner(self.timeout, attempt_deadline);
        if deadline <= now() { Err(BackendError::timed_out(Phase::Connect)) } else { Ok(deadline) }
    }

    /// Whether the host is this machine by its very name.
    ///
    /// A name that merely resolves to loopback does not count.
    pub fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Refuses clear text to another machine without consent.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] that names both ways out.
    pub fn check_plaintext(&self) -> Result<(), BackendError> {
        if self.tls != TlsMode::None || self.allow_plaintext || self.is_loopback() {
            return Ok(());
        }
        Err(BackendError::misconfigured(
            Phase::Connect,
            format!(
                "passwords would cross the network to {} in clear text; set tls = \"explicit\" to encrypt, or \
                 allow_plaintext = true to consent",
                self.host
            ),
        ))
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_text_over_the_network_needs_consent() {
        let to = |host: &str| Endpoint::new(host, 143, TlsMode::None);
        for local in ["localhost", "LOCALHOST", "127.0.0.1", "127.0.0.2", "::1"] {
            assert!(to(local).check_plaintext().is_ok(), "{local}");
        }
        for remote in
            ["mail.example.com", "10.0.0.1", "localhost.example.com", "::2", "127.0.0.1.example.com"]
        {
            let text = to(remote).check_plaintext().unwrap_err().detail().to_owned();
            assert!(text.contains("allow_plaintext = true") && text.contains("tls = \"explicit\""), "{text}");
            assert!(to(remote).with_plaintext_consent(true).check_plaintext().is_ok());
        }
        assert!(Endpoint::new("mail.example.com", 143, TlsMode::Explicit).check_plaintext().is_ok());
    }

    #[test]
    fn ipv6_address_is_shown_in_brackets() {
        assert_eq!(Endpoint::new("::1", 993, TlsMode::Implicit).to_string(), "[::1]:993");
        assert_eq!(Endpoint::new("mail", 993, TlsMode::Implicit).to_string(), "mail:993");
    }
}
