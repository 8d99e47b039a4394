//! The TLS crypto provider: the application's choice.
//!
//! Taken is the first of these that is there:
//!
//! 1. the provider that was given to the configuration or to the endpoint (feature
//!    `crypto-provider`);
//! 2. the default of the process, which the application has installed;
//! 3. ring, if the cargo feature `ring` is on.
//!
//! Nothing is installed here: a library must not decide for the whole program.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;

use crate::error::{BackendError, Phase};

/// A provider that was given explicitly, or none.
#[derive(Clone, Default)]
pub(crate) struct GivenProvider(pub(crate) Option<Arc<CryptoProvider>>);

impl PartialEq for GivenProvider {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        }
    }
}

impl Eq for GivenProvider {}

impl fmt::Debug for GivenProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "given" } else { "process default" })
    }
}

impl GivenProvider {
    /// The provider to use.
    pub(super) fn get(&self) -> Result<Arc<CryptoProvider>, BackendError> {
        choose(self.0.as_ref(), CryptoProvider::get_default(), built_in)
    }
}

fn choose(
    given: Option<&Arc<CryptoProvider>>,
    installed: Option<&Arc<CryptoProvider>>,
    built_in: impl FnOnce() -> Option<Arc<CryptoProvider>>,
) -> Result<Arc<CryptoProvider>, BackendError> {
    given.or(installed).cloned().or_else(built_in).ok_or_else(|| {
        let text = "no TLS crypto provider; switch on the cargo feature `ring` of `user-backend`, or call \
                    `rustls::crypto::CryptoProvider::install_default`";
        BackendError::misconfigured(Phase::Tls, text)
    })
}

fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(any(test, feature = "ring"))]
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(test, feature = "ring")))]
    let provider = None;
    provider
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn application_chooses_the_crypto_provider() {
        let provider = || Arc::new(rustls::crypto::ring::default_provider());
        let (given, installed, ring) = (provider(), provider(), provider());
        let built_in = || Some(Arc::clone(&ring));
        let is = |chosen: Result<Arc<CryptoProvider>, BackendError>, expected: &Arc<CryptoProvider>| {
            Arc::ptr_eq(&chosen.unwrap(), expected)
        };
        assert!(is(choose(Some(&given), Some(&installed), built_in), &given));
        assert!(is(choose(None, Some(&installed), built_in), &installed));
        assert!(is(choose(None, None, built_in), &ring));
        let error = choose(None, None, || None).unwrap_err();
        assert!(error.detail().contains("the cargo feature `ring`"), "{error}");
        assert!(CryptoProvider::get_default().is_none(), "nothing is installed");
    }

    #[cfg(feature = "crypto-provider")]
    #[test]
    fn given_provider_reaches_the_handshake_and_counts_as_a_setting() {
        use crate::transport::{Endpoint, ServerTrust, TlsClient, TlsMode};

        let mut provider = rustls::crypto::ring::default_provider();
        provider.cipher_suites.truncate(1);
        let provider = Arc::new(provider);
        let plain = Endpoint::new("localhost", 993, TlsMode::Implicit);
        let plain = plain.with_trust(ServerTrust::DangerAcceptAnyCertificate);
        let endpoint = plain.clone().with_crypto_provider(Arc::clone(&provider));
        let client = TlsClient::new(&endpoint).unwrap();
        assert_eq!(client.cipher_suites(), 1);
        assert!(TlsClient::new(&plain).unwrap().cipher_suites() > 1);
        assert_ne!(endpoint, plain);
        assert_eq!(endpoint, plain.with_crypto_provider(provider));
    }
}
