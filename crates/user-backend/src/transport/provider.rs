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

#[cfg(any(test, feature = "ring"))]
fn built_in() -> Option<Arc<CryptoProvider>> {
    let mut provider = rustls::crypto::ring::default_provider();
    if let Some(has_aes) = has_aes() {
        sort(&mut provider.cipher_suites, has_aes);
    }
    Some(Arc::new(provider))
}

#[cfg(not(any(test, feature = "ring")))]
fn built_in() -> Option<Arc<CryptoProvider>> {
    None
}

/// Whether the processor computes AES-GCM in hardware; `None` if that is unknown.
#[cfg(any(test, feature = "ring"))]
fn has_aes() -> Option<bool> {
    #[cfg(target_arch = "x86_64")]
    let found =
        Some(std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq"));
    #[cfg(target_arch = "aarch64")]
    let found = Some(
        std::arch::is_aarch64_feature_detected!("aes") && std::arch::is_aarch64_feature_detected!("pmull"),
    );
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    let found = None;
    found
}

/// Puts the fastest cipher first.
///
/// All of them are secure. Without AES in hardware that is ChaCha20, else AES with 128 bits, which
/// takes 3 to 6 % less time for a login than the 256 bits that ring puts first.
#[cfg(any(test, feature = "ring"))]
fn sort(suites: &mut [rustls::SupportedCipherSuite], has_aes: bool) {
    let fastest: [&str; 3] =
        if has_aes { ["AES_128", "AES_256", "CHACHA20"] } else { ["CHACHA20", "AES_128", "AES_256"] };
    suites.sort_by_key(|suite| {
        let name = suite.suite().as_str().unwrap_or_default();
        let rank = fastest.iter().position(|cipher| name.contains(cipher));
        // TLS 1.3 stays first.
        (suite.tls13().is_none(), rank.unwrap_or(fastest.len()))
    });
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

    #[test]
    fn fastest_cipher_comes_first_within_a_version_of_tls() {
        for (has_aes, expected) in
            [(true, ["AES_128", "AES_256", "CHACHA20"]), (false, ["CHACHA20", "AES_128", "AES_256"])]
        {
            let mut suites = rustls::crypto::ring::default_provider().cipher_suites;
            let before = suites.len();
            sort(&mut suites, has_aes);
            assert_eq!(suites.len(), before);
            let names: Vec<&str> = suites.iter().map(|suite| suite.suite().as_str().unwrap()).collect();
            for (name, cipher) in names.iter().zip(expected) {
                assert!(name.starts_with("TLS13_") && name.contains(cipher), "{names:?}");
            }
            let rest = names.get(3..).unwrap();
            assert!(rest.iter().all(|name| name.starts_with("TLS_ECDHE_")), "{names:?}");
            assert!(rest.first().unwrap().contains(expected[0]), "{names:?}");
            assert!(rest.last().unwrap().contains(expected[2]), "{names:?}");
        }
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
