//! Certificates of every quality, made on the spot.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ServerConfig, SupportedProtocolVersion};
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};

/// A certificate authority for one test.
#[derive(Debug)]
pub struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: TempDir,
}

/// What a server's certificate says.
///
/// Start with [`Leaf::new`] and break it.
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

    fn params(&self) -> CertificateParams {
        let mut params = CertificateParams::new(self.names.clone()).expect("names");
        params.not_before = self.not_before;
        params.not_after = self.not_after;
        params
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

    /// A directory that is deleted with the authority.
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
        self.server_of(&leaf.params())
    }

    /// Writes a certificate and its key to files; returns both paths.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    #[must_use]
    pub fn files(&self, leaf: &Leaf) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().expect("a key");
        let certificate = leaf.params().signed_by(&key, &self.issuer).expect("a certificate");
        let paths = (self.dir().join("server.pem"), self.dir().join("server.key"));
        std::fs::write(&paths.0, certificate.pem()).expect("the certificate's file");
        std::fs::write(&paths.1, key.serialize_pem()).expect("the key's file");
        paths
    }

    /// The same with everything that a certificate can say.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    #[must_use]
    pub fn server_of(&self, params: &CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        shows(vec![certificate.der().clone()], &key, &TLS)
    }

    /// A server whose certificate is signed by an intermediate CA, as `between` says.
    ///
    /// # Panics
    /// When a certificate cannot be made.
    #[must_use]
    pub fn server_through(
        &self,
        between: &CertificateParams,
        params: &CertificateParams,
    ) -> Arc<ServerConfig> {
        let between =
            CertifiedIssuer::signed_by(between.clone(), KeyPair::generate().expect("a key"), &self.issuer)
                .expect("a certificate");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &between).expect("a certificate");
        shows(vec![certificate.der().clone(), between.der().clone()], &key, &TLS)
    }

    /// A server that speaks TLS 1.2 alone and gives out its secrets.
    ///
    /// # Panics
    /// When the certificate cannot be made.
    #[must_use]
    pub fn old_server(&self, params: &CertificateParams) -> Arc<ServerConfig> {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        shows(vec![certificate.der().clone()], &key, &[&rustls::version::TLS12])
    }
}

/// A server with a self-signed certificate.
///
/// # Panics
/// When the certificate cannot be made.
#[must_use]
pub fn self_signed(params: &CertificateParams) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate");
    shows(vec![certificate.der().clone()], &key, &TLS)
}

const TLS: [&SupportedProtocolVersion; 2] = [&rustls::version::TLS12, &rustls::version::TLS13];

fn shows(
    chain: Vec<CertificateDer<'static>>,
    key: &KeyPair,
    versions: &[&'static SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let key = provider.key_provider.load_private_key(key).expect("a key");
    // A server's side that does not look at what it shows.
    let shown = SingleCertAndKey::from(CertifiedKey::new(chain, key));
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .expect("TLS versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(shown));
    config.enable_secret_extraction = true;
    Arc::new(config)
}
