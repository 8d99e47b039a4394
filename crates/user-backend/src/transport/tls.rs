//! TLS for clients: trust, handshake, and errors that explain bad certificates.
//!
//! The crypto provider is the application's choice: see `provider`.

use std::io;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::certificate::{TlsSummary, describe};
use super::{Endpoint, ServerTrust, TlsMode, within};
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::file_permissions;

/// The TLS side of one endpoint.
///
/// Make one per backend and keep it: it holds the sessions to resume, and one backend's must never
/// serve another that trusts other authorities.
#[derive(Clone, Debug)]
pub struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl TlsClient {
    /// As [`new`](Self::new) for an endpoint with TLS; `None` for one in clear text.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn if_encrypted(endpoint: &Endpoint) -> Result<Option<Self>, BackendError> {
        match endpoint.tls() {
            TlsMode::None => Ok(None),
            TlsMode::Explicit | TlsMode::Implicit => Self::new(endpoint).map(Some),
        }
    }

    /// Loads what the endpoint trusts.
    ///
    /// Reads files: once, at start.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] when the certificates cannot be read or the server name is
    /// neither a DNS name nor an address.
    pub fn new(endpoint: &Endpoint) -> Result<Self, BackendError> {
        let name = ServerName::try_from(endpoint.server_name().to_owned()).map_err(|error| {
            let text = format!("\"{}\" is neither a host name nor an address", endpoint.server_name());
            BackendError::misconfigured(Phase::Tls, text).with_source(error)
        })?;
        let provider = endpoint.provider().get()?;
        let verifier = verifier(endpoint.trust(), &provider)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| unusable("TLS 1.2 and 1.3 cannot be set up", error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), name })
    }

    #[cfg(all(test, feature = "crypto-provider"))]
    pub(super) fn cipher_suites(&self) -> usize {
        self.config.crypto_provider().cipher_suites.len()
    }

    /// Encrypts an open connection and checks who is at the other end.
    ///
    /// # Errors
    /// An unavailable [`BackendError`] that says what is wrong with the certificate, or that the
    /// peer does not speak TLS.
    ///
    /// # Cancellation
    /// Dropping the future closes the connection.
    pub async fn handshake<S>(&self, stream: S, deadline: Instant) -> Result<EncryptedStream<S>, BackendError>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        within(deadline, Phase::Tls, async {
            let stream = connector.connect(self.name.clone(), stream).await;
            stream.map(EncryptedStream).map_err(|error| Self::explain(&error))
        })
        .await
    }

    /// Maps a failed handshake.
    pub fn explain(error: &io::Error) -> BackendError {
        let beneath = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match beneath {
            Some(tls) => BackendError::unavailable(Phase::Tls, describe(tls)).with_source(tls.clone()),
            None => BackendError::unavailable(Phase::Tls, format!("the connection ended: {}", error.kind())),
        }
    }

    /// Maps a stream that broke after the handshake, if TLS is what broke.
    pub(crate) fn explain_broken(phase: Phase, error: &io::Error) -> Option<BackendError> {
        let beneath = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        Some(match beneath {
            rustls::Error::InvalidMessage(_) => {
                BackendError::protocol(phase, "the server spoke in clear text on the encrypted connection")
            }
            _ => Self::explain(error),
        })
    }

    /// Summary of a TLS session.
    pub fn summary<S>(stream: &EncryptedStream<S>) -> TlsSummary {
        TlsSummary::of(stream.0.get_ref().1)
    }
}

/// A connection that is encrypted, with the other end checked.
#[derive(Debug)]
pub struct EncryptedStream<S>(TlsStream<S>);

impl<S> EncryptedStream<S> {
    /// A key that only the two ends of this connection know (RFC 5705), in TLS 1.3.
    ///
    /// TLS 1.2 may give two connections the same one.
    #[cfg(feature = "xmpp")]
    pub(crate) fn exported_key(&self, label: &[u8]) -> Option<Vec<u8>> {
        let connection = self.0.get_ref().1;
        let is_unique = connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
        let key = is_unique.then(|| connection.export_keying_material(vec![0; 32], label, Some(&[])))?;
        key.ok()
    }

    /// The server's certificate.
    #[cfg(feature = "xmpp")]
    pub(crate) fn certificate(&self) -> Option<&[u8]> {
        self.0.get_ref().1.peer_certificates()?.first().map(AsRef::as_ref)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for EncryptedStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for EncryptedStream<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(context, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

fn verifier(
    trust: &ServerTrust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, BackendError> {
    match trust {
        ServerTrust::System => Verifier::new(Arc::clone(provider))
            .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
            .map_err(|error| {
                unusable("the system's trust store cannot be read (package ca-certificates)", error)
            }),
        ServerTrust::CaFile(path) => {
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots(path)?), Arc::clone(provider))
                .build()
                .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
                .map_err(|error| unusable(&format!("ca_file {} cannot be used", path.display()), error))
        }
        ServerTrust::DangerAcceptAnyCertificate => {
            Ok(Arc::new(AnyCertificate { provider: Arc::clone(provider) }))
        }
    }
}

fn roots(path: &Path) -> Result<RootCertStore, BackendError> {
    let failed = |error| match error {
        pem::Error::Io(error) => unusable(&format!("ca_file {} cannot be read", path.display()), error),
        error => unusable(&format!("ca_file {} is not PEM", path.display()), error),
    };
    let mut roots = RootCertStore::empty();
    let file = file_permissions::open(path).map_err(|error| failed(pem::Error::Io(error)))?;
    for certificate in CertificateDer::pem_reader_iter(file) {
        let certificate = certificate.map_err(failed)?;
        roots.add(certificate).map_err(|error| {
            unusable(&format!("ca_file {} has a certificate that cannot be used", path.display()), error)
        })?;
    }
    if roots.is_empty() {
        return Err(BackendError::misconfigured(
            Phase::Tls,
            format!("ca_file {} has no certificate in it", path.display()),
        ));
    }
    // Users who may write it decide which servers get passwords.
    file_permissions::check(path).map_err(|error| unusable("ca_file may be changed by others", error))?;
    Ok(roots)
}

fn unusable(detail: &str, error: impl std::error::Error + Send + Sync + 'static) -> BackendError {
    BackendError::misconfigured(Phase::Tls, format!("{detail}: {error}")).with_source(error)
}

/// What `danger_accept_any_certificate` asks for.
///
/// The handshake is checked, the identity is not.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
