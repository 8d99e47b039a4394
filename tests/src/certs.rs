//! Certificates of every quality, made on the spot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// An authority that lives as long as the test.
#[derive(Debug)]
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// What a server's certificate says. Start with [`Leaf::new`] and spoil it.
#[derive(Clone, Debug)]
pub struct Leaf {
    names: Vec<String>,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
}

impl Leaf {
    /// A good certificate for these names and addresses.
    #[must_use]
    pub fn new<const N: usize>(names: [&str; N]) -> Self {
        let now = OffsetDateTime::now_utc();
        Self {
            names: names.map(str::to_owned).to_vec(),
            not_before: now - Duration::days(10),
            not_after: now + Duration::days(10),
        }
    }

    /// It ended yesterday.
    #[must_use]
    pub fn expired(mut self) -> Self {
        self.not_after = OffsetDateTime::now_utc() - Duration::days(1);
        self
    }

    /// It begins tomorrow.
    #[must_use]
    pub fn not_yet_valid(mut self) -> Self {
        self.not_before = OffsetDateTime::now_utc() + Duration::days(1);
        self
    }
}

impl Default for Ca {
    fn default() -> Self {
        Self::new()
    }
}

impl Ca {
    /// A fresh authority.
    ///
    /// # Panics
    /// When the system has no randomness or no temporary directory.
    #[must_use]
    pub fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let issuer =
            CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate");
        let dir = TempDir::new().expect("a temporary directory");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("the authority's file");
        Self { issuer, dir }
    }

    /// The file to give as `ca_file`.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// A directory that lives as long as the authority.
    #[must_use]
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What a server needs to show such a certificate.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    #[must_use]
    pub fn server(&self, leaf: &Leaf) -> Arc<ServerConfig> {
        let mut params = CertificateParams::new(leaf.names.clone()).expect("names");
        params.not_before = leaf.not_before;
        params.not_after = leaf.not_after;
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("TLS versions")
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )
            .expect("a server certificate");
        Arc::new(config)
    }
}
