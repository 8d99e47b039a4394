//! Two providers in one program, and none of them installed.

use rustls::crypto::CryptoProvider;
use user_backend::Verdict;
use user_backend::error::Phase;
use user_backend_providers::{Known, Server, aws, login, ring};

#[tokio::test]
async fn given_provider_makes_the_handshake() {
    let both = Server::start(Known::Both).await;
    for provider in [aws(), ring()] {
        let answer = login(both.endpoint().with_crypto_provider(provider)).await;
        assert!(matches!(answer, Ok(Verdict::Accepted(_))), "{answer:?}");
    }
    let server = Server::start(Known::Aws).await;
    let answer = login(server.endpoint().with_crypto_provider(aws())).await;
    assert!(matches!(answer, Ok(Verdict::Accepted(_))), "{answer:?}");
    let error = login(server.endpoint().with_crypto_provider(ring())).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Tls, "{error}");
    assert!(CryptoProvider::get_default().is_none(), "the library installs none");
}

#[cfg(feature = "ring")]
#[tokio::test]
async fn without_a_choice_the_feature_ring_counts() {
    let both = Server::start(Known::Both).await;
    let answer = login(both.endpoint()).await;
    assert!(matches!(answer, Ok(Verdict::Accepted(_))), "{answer:?}");
    let server = Server::start(Known::Aws).await;
    assert_eq!(login(server.endpoint()).await.unwrap_err().phase(), Phase::Tls);
}

#[cfg(not(feature = "ring"))]
#[tokio::test]
async fn without_a_choice_the_backend_is_misconfigured() {
    let server = Server::start(Known::Both).await;
    let error = login(server.endpoint()).await.unwrap_err();
    assert!(error.detail().contains("no TLS crypto provider"), "{error}");
    assert!(!error.is_transient(), "{error}");
}
