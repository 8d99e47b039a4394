//! XMPP backend against a server that binds SCRAM to the TLS connection.
//!
//! Prosody of Debian 12 has no type of channel binding that TLS 1.3 allows, so this server is ours.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, SupportedProtocolVersion};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use user_backend::clock::now;
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::xmpp::{XmppBackend, XmppSettings};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::scram_server::{ScramHash, challenge, last};
use user_backend_tests::{Ca, Leaf, canary};

use crate::ssh::LONG;

/// What a server binds to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bound {
    Exporter,
    EndPoint,
    /// To another connection than this: someone is between.
    Elsewhere,
}

#[derive(Clone, Copy)]
struct Plan {
    versions: &'static [&'static SupportedProtocolVersion],
    /// Types of channel binding that it offers, and whether it offers `-PLUS`.
    offers: &'static [&'static str],
    mechanism: &'static str,
    bound: Bound,
}

const TLS12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
const TLS13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// The outcome in words, and the first message of the client.
async fn ask(plan: Plan) -> (String, String) {
    let ca = Ca::new();
    let (certificate, key) = ca.files(&Leaf::new(["127.0.0.1"]));
    let certificate = CertificateDer::from_pem_file(certificate).unwrap();
    let end_point = Sha256::digest(&certificate).to_vec();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(plan.versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::from_pem_file(key).unwrap())
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), plan, end_point));
    let endpoint = Endpoint::new("127.0.0.1", port, TlsMode::Implicit)
        .with_trust(ServerTrust::CaFile(ca.file()))
        .with_timeout(LONG);
    let backend = XmppBackend::new(XmppSettings::new(BackendId::parse("chat").unwrap(), endpoint)).unwrap();
    let (name, password) =
        (LoginName::parse(canary::NAME).unwrap(), Password::parse(canary::PASSWORD).unwrap());
    let answer = backend.authenticate(&Attempt::new(&name, &password, now() + LONG)).await;
    let outcome = match answer {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => format!("{} {}", error.kind(), error.phase()),
    };
    let received = server.await.unwrap();
    let first = received.split_once("mechanism='").unwrap().1;
    let (mechanism, rest) = first.split_once("'>").unwrap();
    let message = STANDARD.decode(rest.split_once('<').unwrap().0).unwrap();
    let header = String::from_utf8(message).unwrap().split_once(",n=").unwrap().0.to_owned();
    (outcome, format!("{mechanism} {header}"))
}

/// Answers one client; returns what it sent.
async fn serve(listener: TcpListener, acceptor: TlsAcceptor, plan: Plan, end_point: Vec<u8>) -> String {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = acceptor.accept(stream).await.unwrap();
    let exporter =
        stream.get_ref().1.export_keying_material(vec![0; 32], b"EXPORTER-Channel-Binding", Some(b""));
    let bound = match plan.bound {
        Bound::Exporter => exporter.unwrap(),
        Bound::EndPoint => end_point,
        Bound::Elsewhere => vec![7; 32],
    };
    let types: String = plan.offers.iter().map(|name| format!("<channel-binding type='{name}'/>")).collect();
    let name = plan.mechanism;
    let features = format!(
        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' \
         xmlns:stream='http://etherx.jabber.org/streams'><stream:features>\
         <sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>{types}</sasl-channel-binding>\
         <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
         <mechanism>{name}</mechanism><mechanism>{name}-PLUS</mechanism></mechanisms></stream:features>"
    );
    let hash = if name == "SCRAM-SHA-1" { ScramHash::Sha1 } else { ScramHash::Sha256 };
    let mut received = String::new();
    receive(&mut stream, &mut received, "streams'>").await;
    stream.write_all(features.as_bytes()).await.unwrap();
    receive(&mut stream, &mut received, "</auth>").await;
    stream.write_all(element("challenge", &challenge(&received)).as_bytes()).await.unwrap();
    receive(&mut stream, &mut received, "</response>").await;
    let is_bound = received.contains("-PLUS'>");
    let answer = match last(&received, hash, if is_bound { &bound } else { b"" }) {
        Some(signature) => element("success", &signature),
        None => "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>".to_owned(),
    };
    stream.write_all(answer.as_bytes()).await.unwrap();
    stream.flush().await.unwrap();
    // The client hangs up; how does not matter.
    let _ = stream.read_to_string(&mut received).await;
    received
}

async fn receive(stream: &mut (impl AsyncReadExt + Unpin), received: &mut String, end: &str) {
    while !received.ends_with(end) {
        received.push(char::from(stream.read_u8().await.unwrap()));
    }
}

fn element(name: &str, message: &str) -> String {
    format!("<{name} xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{}</{name}>", STANDARD.encode(message))
}

#[tokio::test]
async fn xmpp_proof_is_bound_to_the_connection() {
    const BOTH: &[&str] = &["tls-server-end-point", "tls-exporter"];
    let sha256 = Plan { versions: TLS13, offers: BOTH, mechanism: "SCRAM-SHA-256", bound: Bound::Exporter };
    for (plan, header) in [
        (sha256, "SCRAM-SHA-256-PLUS p=tls-exporter,"),
        (Plan { mechanism: "SCRAM-SHA-1", ..sha256 }, "SCRAM-SHA-1-PLUS p=tls-exporter,"),
        (
            Plan { offers: &["tls-server-end-point"], bound: Bound::EndPoint, ..sha256 },
            "SCRAM-SHA-256-PLUS p=tls-server-end-point,",
        ),
        // TLS 1.2 may export one key twice.
        (
            Plan { versions: TLS12, bound: Bound::EndPoint, ..sha256 },
            "SCRAM-SHA-256-PLUS p=tls-server-end-point,",
        ),
        // Only a type that is not ours.
        (Plan { versions: TLS12, offers: &["tls-unique"], ..sha256 }, "SCRAM-SHA-256 n,"),
        (Plan { offers: &[], ..sha256 }, "SCRAM-SHA-256 n,"),
    ] {
        assert_eq!(ask(plan).await, ("accepted".to_owned(), header.to_owned()));
    }
    // Someone between the client and a server that it trusts.
    for (offers, header) in
        [(BOTH, "p=tls-exporter,"), (&["tls-server-end-point"], "p=tls-server-end-point,")]
    {
        let (answer, first) = ask(Plan { offers, bound: Bound::Elsewhere, ..sha256 }).await;
        assert_eq!((answer.as_str(), first), ("bad_credentials", format!("SCRAM-SHA-256-PLUS {header}")));
    }
}
