//! A program that installs aws-lc-rs for all its connections.

use user_backend::Verdict;
use user_backend::error::Phase;
use user_backend_providers::{Known, Server, login, ring};

#[tokio::test]
async fn provider_of_the_process_makes_the_handshake() {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let server = Server::start(Known::Aws).await;
    let answer = login(server.endpoint()).await;
    assert!(matches!(answer, Ok(Verdict::Accepted(_))), "{answer:?}");
    // One that is given comes first.
    let error = login(server.endpoint().with_crypto_provider(ring())).await.unwrap_err();
    assert_eq!(error.phase(), Phase::Tls, "{error}");
}
