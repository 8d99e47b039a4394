//! Ranges over HTTPS, by the protocol of Have I Been Pwned.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ureq::http::Uri;
use ureq::tls::{RootCerts, TlsConfig};

use super::{RangeError, RangePrefix, RangeSource, read};
use crate::settings::SettingsError;

const TIMEOUT: Duration = Duration::from_secs(5);

/// A range server.
///
/// Asked over verified TLS, without cookies, and without following it elsewhere.
///
/// # Security
/// Sent are the five digits, as the end of the address, and the header `Add-Padding: true`, so that
/// the size of the response reveals nothing either.
#[derive(Clone)]
pub struct HttpRanges {
    address: String,
    agent: ureq::Agent,
}

impl HttpRanges {
    /// Takes the URL before the five digits, e.g. `https://api.pwnedpasswords.com/range/`.
    ///
    /// Unencrypted `http` is accepted for loopback only. Proxies are those of the environment,
    /// except for loopback.
    ///
    /// # Errors
    /// [`SettingsError::Source`]: it is no such address.
    pub fn new(address: &str) -> Result<Self, SettingsError> {
        Self::with_timeout(address, TIMEOUT)
    }

    /// The same with another limit than five seconds for the whole exchange.
    ///
    /// # Errors
    /// [`SettingsError::Source`]: it is no such address.
    pub fn with_timeout(address: &str, timeout: Duration) -> Result<Self, SettingsError> {
        let problem = |problem| SettingsError::Source { problem };
        let uri: Uri = address.parse().map_err(|_| problem("this is not an address"))?;
        let host = uri.host().ok_or_else(|| problem("the address has no host"))?;
        if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
            return Err(problem("an address must not hold a user or a password"));
        }
        if uri.query().is_some() || address.contains('#') {
            return Err(problem("an address must not have a query or a fragment"));
        }
        let loopback = is_loopback(host);
        if uri.scheme_str() != Some("https") && !loopback {
            return Err(problem("an address must be https, unless it is of this machine"));
        }
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::PlatformVerifier)
            .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .build();
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(timeout))
            .max_redirects(0)
            .http_status_as_error(false)
            // a kept connection may have died; a fresh one per password is cheap enough
            .max_idle_connections(0)
            .user_agent(concat!("password-policy/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls);
        let config = if loopback { config.proxy(None) } else { config };
        Ok(Self { address: format!("{}/", address.trim_end_matches('/')), agent: config.build().new_agent() })
    }
}

impl RangeSource for HttpRanges {
    fn range(&self, prefix: RangePrefix) -> Result<String, RangeError> {
        let request = self.agent.get(format!("{}{prefix}", self.address)).header("Add-Padding", "true");
        let mut response = request.call().map_err(failed)?;
        match response.status().as_u16() {
            200 => read(response.body_mut().as_reader(), |error| failed(error.into())),
            status => Err(RangeError::Status(status)),
        }
    }
}

impl fmt::Debug for HttpRanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpRanges").field("address", &self.address).finish_non_exhaustive()
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn failed(error: ureq::Error) -> RangeError {
    match error {
        ureq::Error::Timeout(_) => RangeError::Timeout,
        // what TLS and HTTP say of a peer that breaks their rules
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => RangeError::Connection,
        ureq::Error::Io(error) => error.into(),
        ureq::Error::StatusCode(status) => RangeError::Status(status),
        _ => RangeError::Connection,
    }
}
