//! What binds a proof to a TLS connection.

use sha2::{Digest, Sha256, Sha384, Sha512};
use tokio::io::{AsyncRead, AsyncWrite};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::reply::BindingData;
use crate::transport::EncryptedStream;

/// The label of RFC 9266 section 2.
const EXPORTER_LABEL: &[u8] = b"EXPORTER-Channel-Binding";

/// All types of channel binding that this connection has.
pub(super) fn of<S: AsyncRead + AsyncWrite + Unpin>(stream: &EncryptedStream<S>) -> BindingData {
    BindingData {
        exporter: stream.exported_key(EXPORTER_LABEL),
        end_point: stream.certificate().and_then(server_end_point),
    }
}

/// The hash of a certificate by the hash function of its signature (RFC 5929 section 4.1).
///
/// `None` where that is not defined, as for Ed25519.
fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let algorithm = parsed.signature_algorithm.algorithm.to_id_string();
    Some(match algorithm.as_str() {
        // MD5 and SHA-1 are replaced by SHA-256; then RSA and ECDSA with SHA-256.
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.10045.4.1"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.3.2" => Sha256::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => Sha384::digest(certificate).to_vec(),
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => Sha512::digest(certificate).to_vec(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, SignatureAlgorithm};

    use super::*;

    fn certificate(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        CertificateParams::new(vec!["example.com".to_owned()])
            .unwrap()
            .self_signed(&key)
            .unwrap()
            .der()
            .to_vec()
    }

    #[test]
    fn certificate_is_hashed_as_it_is_signed() {
        let found = certificate(&rcgen::PKCS_ECDSA_P256_SHA256);
        assert_eq!(server_end_point(&found), Some(Sha256::digest(&found).to_vec()));
        let found = certificate(&rcgen::PKCS_ECDSA_P384_SHA384);
        assert_eq!(server_end_point(&found), Some(Sha384::digest(&found).to_vec()));
        assert_eq!(server_end_point(&certificate(&rcgen::PKCS_ED25519)), None);
        assert_eq!(server_end_point(b"no certificate"), None);
    }
}
