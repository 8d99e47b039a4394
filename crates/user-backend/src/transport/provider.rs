//! The TLS crypto provider: the application's choice.
//!
//! Taken is the first of these that is there:
//!
//! 1. the provider that was given to the resolver or to the endpoint (feature `crypto-provider`);
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
        self.0.clone().or_else(|| CryptoProvider::get_default().cloned()).or_else(built_in).ok_or_else(|| {
            let text = "no TLS crypto provider; switch on the cargo feature `ring` of `user-backend`, or call \
                        `rustls::crypto::CryptoProvider::install_default`";
            BackendError::misconfigured(Phase::Tls, text)
        })
    }
}

fn built_in() -> Option<Arc<CryptoProvider>> {
    #[cfg(any(test, feature = "ring"))]
    let provider = Some(Arc::new(rustls::crypto::ring::default_provider()));
    #[cfg(not(any(test, feature = "ring")))]
    let provider = None;
    provider
}
