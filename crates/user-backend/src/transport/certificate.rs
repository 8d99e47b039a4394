//! Certificates in words: what a good one says, what is wrong with a bad one.

use rustls::pki_types::UnixTime;
use rustls::{
    AlertDescription, CertificateError, ClientConnection, Error as TlsError, InvalidMessage, OtherError,
    PeerIncompatible, PeerMisbehaved,
};
use serde::Serialize;
use time::OffsetDateTime;

/// Summary of a TLS session.
///
/// What is in the certificate is read with the cargo feature `certificate-details` only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TlsSummary {
    /// `1.2` or `1.3`.
    pub version: String,
    /// The first name in the server's certificate.
    pub certificate: Option<String>,
    /// The day it ends, as `2026-11-01`.
    pub expires: Option<String>,
    /// Whole days until then.
    pub days_left: Option<i64>,
}

impl TlsSummary {
    pub(super) fn of(connection: &ClientConnection) -> Self {
        let version = match connection.protocol_version() {
            Some(rustls::ProtocolVersion::TLSv1_2) => "1.2",
            Some(rustls::ProtocolVersion::TLSv1_3) => "1.3",
            _ => "unknown",
        };
        let summary = Self { version: version.to_owned(), ..Self::default() };
        #[cfg(feature = "certificate-details")]
        let summary = details::add(summary, connection);
        summary
    }
}

#[cfg(feature = "certificate-details")]
mod details {
    use std::time::UNIX_EPOCH;

    use rustls::ClientConnection;
    use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

    use super::{TlsSummary, day};
    use crate::clock;

    pub(super) fn add(mut summary: TlsSummary, connection: &ClientConnection) -> TlsSummary {
        let leaf = connection.peer_certificates().and_then(<[_]>::first);
        if let Some((_, certificate)) = leaf.and_then(|der| X509Certificate::from_der(der).ok()) {
            let ends = certificate.validity().not_after.timestamp();
            let now =
                clock::wall().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs().cast_signed());
            summary.certificate = first_name(&certificate);
            summary.expires = Some(day(ends));
            summary.days_left = Some((ends - now).div_euclid(24 * 60 * 60));
        }
        summary
    }

    fn first_name(certificate: &X509Certificate<'_>) -> Option<String> {
        let names = certificate.subject_alternative_name().ok()??;
        names.value.general_names.iter().find_map(|name| match name {
            GeneralName::DNSName(dns) => {
                Some((*dns).chars().filter(char::is_ascii_graphic).take(255).collect())
            }
            _ => None,
        })
    }
}

/// A day on the wall clock, as `2026-11-01`.
fn day(unix: i64) -> String {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    OffsetDateTime::from_unix_timestamp(unix)
        .ok()
        .and_then(|date| date.format(&format).ok())
        .unwrap_or_default()
}

fn day_of(time: &UnixTime) -> String {
    day(time.as_secs().cast_signed())
}

/// What went wrong in a handshake, in words for the operator who has to fix it.
pub(super) fn describe(error: &TlsError) -> String {
    match error {
        TlsError::InvalidCertificate(certificate) => describe_certificate(certificate),
        TlsError::InvalidMessage(
            InvalidMessage::HandshakePayloadTooLarge
            | InvalidMessage::CertificatePayloadTooLarge
            | InvalidMessage::MessageTooLarge,
        ) => "the server's certificate is larger than any good one".into(),
        TlsError::InvalidMessage(_) => {
            "the peer does not speak TLS here; tls = \"explicit\" is for ports that begin in clear text, \"implicit\" for others"
                .into()
        }
        TlsError::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | TlsError::AlertReceived(AlertDescription::ProtocolVersion) => {
            "the server speaks neither TLS 1.2 nor TLS 1.3".into()
        }
        TlsError::AlertReceived(AlertDescription::UnrecognisedName) => {
            "the server has no certificate for this name; set server_name".into()
        }
        TlsError::AlertReceived(AlertDescription::HandshakeFailure) => {
            "the server refuses the handshake; it may want a cipher that is not offered any more".into()
        }
        TlsError::PeerMisbehaved(PeerMisbehaved::TooManyRenegotiationRequests) => {
            "the server asks for one handshake after another".into()
        }
        TlsError::NoCertificatesPresented => "the server shows no certificate".into(),
        other => format!("handshake failed: {other}"),
    }
}

fn describe_certificate(error: &CertificateError) -> String {
    match error {
        CertificateError::ExpiredContext { not_after, .. } => {
            format!("certificate expired on {}", day_of(not_after))
        }
        CertificateError::Expired => "certificate expired".into(),
        CertificateError::NotValidYetContext { not_before, .. } => {
            format!("certificate is not valid before {}", day_of(not_before))
        }
        CertificateError::NotValidYet => "certificate is not valid yet".into(),
        CertificateError::NotValidForNameContext { expected, presented } => {
            let names: Vec<&str> = presented.iter().map(|name| bare(name)).collect();
            let expected = expected.to_str();
            if names.contains(&expected.as_ref()) {
                return format!("certificate has {expected} as a host name and not as an address");
            }
            let shown = if names.is_empty() { "no name".to_owned() } else { names.join(", ") };
            format!("certificate is for {}, not for {}; set server_name", printable(&shown), expected)
        }
        CertificateError::NotValidForName => "certificate is for another name; set server_name".into(),
        CertificateError::UnknownIssuer => {
            "certificate is signed by an unknown authority; set ca_file".into()
        }
        CertificateError::Revoked => "certificate is revoked".into(),
        CertificateError::BadSignature => "certificate has a wrong signature".into(),
        CertificateError::BadEncoding => "certificate cannot be read".into(),
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "certificate is not meant for servers".into()
        }
        CertificateError::Other(OtherError(beneath)) => describe_other(&beneath.to_string()),
        other => format!("certificate refused: {}", printable(&other.to_string())),
    }
}

/// Errors without a variant in rustls, by their name in webpki.
fn describe_other(name: &str) -> String {
    match name {
        "CaUsedAsEndEntity" => "certificate is an authority's and not a server's".into(),
        "EndEntityUsedAsCa" => "certificate is signed by one that is not an authority".into(),
        "NameConstraintViolation" => "certificate is signed by an authority for other names".into(),
        "UnsupportedCriticalExtension" => "certificate has a critical extension that is not supported".into(),
        other => format!("certificate refused: {}", printable(other)),
    }
}

/// rustls names them as `DnsName("localhost")` and `IpAddress(127.0.0.1)`.
fn bare(name: &str) -> &str {
    let inner = name.split_once('(').and_then(|(_, rest)| rest.strip_suffix(')')).unwrap_or(name);
    inner.trim_matches('"')
}

/// Names in a certificate are the peer's words: no control characters, no novels.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(200).collect()
}
