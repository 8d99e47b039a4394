//! A mail server whose key exchange only aws-lc-rs knows, so that a login shows the provider.

use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs, ring};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict};

/// A running server; it ends with the runtime.
pub struct Server {
    port: u16,
    folder: TempDir,
}

/// Which providers know the server's key exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// Both: X25519.
    Both,
    /// aws-lc-rs alone: X25519MLKEM768.
    Aws,
}

impl Server {
    /// Starts it on loopback.
    pub async fn start(known: Known) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("ca.pem"), cert.pem()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = TlsAcceptor::from(Arc::new(config(known, &signing_key, cert.der().clone())));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(session(acceptor.clone(), stream));
            }
        });
        Self { port, folder }
    }

    /// Where it is, with its certificate trusted.
    pub fn endpoint(&self) -> Endpoint {
        let trust = ServerTrust::CaFile(self.folder.path().join("ca.pem"));
        Endpoint::new("localhost", self.port, TlsMode::Implicit).with_trust(trust)
    }
}

fn config(
    known: Known,
    key: &KeyPair,
    certificate: rustls::pki_types::CertificateDer<'static>,
) -> ServerConfig {
    let mut provider = aws_lc_rs::default_provider();
    provider.kx_groups = match known {
        Known::Both => vec![aws_lc_rs::kx_group::X25519],
        Known::Aws => vec![aws_lc_rs::kx_group::X25519MLKEM768],
    };
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = ServerConfig::builder_with_provider(Arc::new(provider));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    builder.with_single_cert(vec![certificate], key).unwrap()
}

/// Accepts every login.
async fn session(acceptor: TlsAcceptor, stream: TcpStream) -> Option<()> {
    let mut stream = BufReader::new(acceptor.accept(stream).await.ok()?);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let tag = line.split(' ').next()?;
        stream.write_all(format!("{tag} OK done\r\n").as_bytes()).await.ok()?;
    }
}

/// A login at this endpoint.
///
/// # Errors
/// What the backend says.
pub async fn login(endpoint: Endpoint) -> Result<Verdict, BackendError> {
    let backend = ImapBackend::new(ImapSettings::new(BackendId::parse("mail").unwrap(), endpoint))?;
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let deadline = user_backend::clock::now() + Duration::from_secs(20);
    backend.authenticate(&Attempt::new(&name, &password, deadline)).await
}

/// aws-lc-rs.
pub fn aws() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// ring.
pub fn ring() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
