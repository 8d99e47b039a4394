//! TLS handshakes that a correct library does not make.
//!
//! Cut off in the middle, and restarted repeatedly.

use std::io;
use std::sync::Arc;

use rustls::crypto::cipher::{MessageEncrypter, OutboundPlainMessage};
use rustls::{
    ConnectionTrafficSecrets, ContentType, ProtocolVersion, ServerConfig, ServerConnection,
    SupportedCipherSuite,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_rustls::TlsAcceptor;

/// Answers a greeting with the first bytes of a correct answer.
///
/// Returns the length of the whole answer.
///
/// # Errors
/// What the connection says.
pub async fn cut_off<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    config: Arc<ServerConfig>,
    bytes: usize,
) -> io::Result<usize> {
    let mut server = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut flight = Vec::new();
    while flight.is_empty() {
        let mut received = [0; 4096];
        let count = stream.read(&mut received).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        server.read_tls(&mut &received[..count])?;
        server.process_new_packets().map_err(io::Error::other)?;
        while server.wants_write() {
            server.write_tls(&mut flight)?;
        }
    }
    stream.write_all(&flight[..bytes.min(flight.len())]).await?;
    stream.flush().await?;
    Ok(flight.len())
}

/// Makes a correct TLS 1.2 handshake, then requests this many renegotiations.
///
/// The configuration must be one for TLS 1.2 alone that gives out its secrets.
///
/// # Errors
/// What the connection says.
pub async fn ask_again<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    config: Arc<ServerConfig>,
    times: usize,
) -> io::Result<()> {
    // RFC 5246 section 7.4.1.1: HelloRequest has no body.
    const HELLO_REQUEST: [u8; 4] = [0; 4];
    let (mut stream, server) = TlsAcceptor::from(config).accept(stream).await?.into_inner();
    let Some(SupportedCipherSuite::Tls12(suite)) = server.negotiated_cipher_suite() else {
        return Err(io::Error::other("not TLS 1.2"));
    };
    let secrets = server.dangerous_extract_secrets().map_err(io::Error::other)?;
    let (mut sequence, secrets) = secrets.tx;
    let mut encrypter: Box<dyn MessageEncrypter> = match secrets {
        ConnectionTrafficSecrets::Aes128Gcm { key, iv } | ConnectionTrafficSecrets::Aes256Gcm { key, iv } => {
            let (salt, nonce) = iv.as_ref().split_at(4);
            suite.aead_alg.encrypter(key, salt, nonce)
        }
        ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => {
            suite.aead_alg.encrypter(key, iv.as_ref(), &[])
        }
        _ => return Err(io::Error::other("an unknown cipher")),
    };
    for _ in 0..times {
        let request = OutboundPlainMessage {
            typ: ContentType::Handshake,
            version: ProtocolVersion::TLSv1_2,
            payload: (&HELLO_REQUEST[..]).into(),
        };
        let record = encrypter.encrypt(request, sequence).map_err(io::Error::other)?.encode();
        sequence += 1;
        stream.write_all(&record).await?;
    }
    stream.flush().await?;
    // The other side may have something to say about it.
    stream.read_to_end(&mut Vec::new()).await.map(drop)
}
