//! Certificates and handshakes of every bad quality.
//!
//! Each is refused before a name or a password leaves, with an error that says why. Not here:
//! revoked certificates (no list of them is consulted) and weak keys (ring cannot make any).

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, KeyUsagePurpose, NameConstraints, SanType, date_time_ymd,
};
use rustls::ServerConfig;
use user_backend::clock::now;
use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, UserBackend, Verdict};
use user_backend_tests::certs::self_signed;
use user_backend_tests::{Ca, FakeServer, ScriptStep, canary, paused_time, report};

const NAME: &str = "mail.example.test";
const GREETING: &str = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\n";

/// How the client asks and what the server does instead of a correct handshake.
struct Case {
    what: &'static str,
    /// The requested name.
    asked: &'static str,
    instead: ScriptStep,
}

#[test]
fn t12_bad_certificates_are_refused_with_a_reason() {
    let ca = Ca::new();
    let mut table = String::new();
    let cases = [certificates(&ca), handshakes(&ca)].concat();
    report::leave("handshakes", &serde_json::json!({ "handshakes": cases.len() }));
    for case in cases {
        let [files, mail] = [false, true].map(|mail| {
            paused_time::run(ask(&ca, &case, mail)).unwrap_or_else(|| panic!("{} hangs", case.what))
        });
        writeln!(table, "{:<38} {mail}", case.what).unwrap();
        assert_eq!(mail.contains("accepted"), case.what.starts_with("good"), "{}: {mail}", case.what);
        // FTP is asked over AUTH TLS; where and how it fails is the same.
        assert_eq!(files, mail, "{}", case.what);
    }
    insta::assert_snapshot!(table);
}

#[test]
fn t22_truncated_handshake_is_an_outage() {
    let ca = Ca::new();
    for bytes in (0..1000).step_by(23) {
        let case = Case {
            what: "a handshake that is cut off",
            asked: NAME,
            instead: ScriptStep::HalfTls(ca.server_of(&params()), bytes),
        };
        for mail in [true, false] {
            let outcome = paused_time::run(ask(&ca, &case, mail)).unwrap();
            // The whole of it is about 650 bytes.
            let expected = [
                "unavailable tls: the connection ended",
                "unavailable greeting: the server closed",
                "unavailable login: the server closed",
            ];
            let allowed = if bytes < 500 { 1 } else { expected.len() };
            assert!(
                expected[..allowed].iter().any(|text| outcome.starts_with(text)),
                "{bytes} bytes: {outcome}"
            );
        }
    }
}

impl Clone for Case {
    fn clone(&self) -> Self {
        Self { what: self.what, asked: self.asked, instead: self.instead.clone() }
    }
}

/// A good certificate for [`NAME`].
fn params() -> CertificateParams {
    named([dns(NAME)])
}

fn named(names: impl IntoIterator<Item = SanType>) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.subject_alt_names = names.into_iter().collect();
    params
}

fn dns(name: &str) -> SanType {
    SanType::DnsName(Ia5String::try_from(name).unwrap())
}

fn with(change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = params();
    change(&mut params);
    params
}

fn certificates(ca: &Ca) -> Vec<Case> {
    let case =
        |what, asked, config: Arc<ServerConfig>| Case { what, asked, instead: ScriptStep::Tls(config) };
    let of = |what, params: &CertificateParams| case(what, NAME, ca.server_of(params));
    let called = |what, asked, name| case(what, asked, ca.server_of(&named([dns(name)])));
    let address = |what, asked, shown: [u8; 4]| {
        case(what, asked, ca.server_of(&named([SanType::IpAddress(shown.into())])))
    };
    let cn_only = with(|params| {
        params.subject_alt_names.clear();
        params.distinguished_name.push(DnType::CommonName, NAME);
    });
    let authority = |constraints| {
        with(|params| {
            params.subject_alt_names.clear();
            params.distinguished_name.push(DnType::CommonName, "between");
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
            params.name_constraints = constraints;
        })
    };
    let elsewhere = NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("elsewhere.test".into())],
        excluded_subtrees: Vec::new(),
    };
    let usage = |usage| with(|params| params.extended_key_usages = vec![usage]);
    vec![
        of("good name", &params()),
        called("good wildcard", NAME, "*.example.test"),
        address("good address", "127.0.0.1", [127, 0, 0, 1]),
        case("good, through another authority", NAME, ca.server_through(&authority(None), &params())),
        of("expired", &with(|params| params.not_after = date_time_ymd(2020, 2, 1))),
        of("not yet valid", &with(|params| params.not_before = date_time_ymd(2090, 1, 1))),
        of(
            "over before it began",
            &with(|params| {
                params.not_before = date_time_ymd(2090, 1, 1);
                params.not_after = date_time_ymd(2020, 2, 1);
            }),
        ),
        case("signed by itself", NAME, self_signed(&params())),
        case("of another authority of that name", NAME, Ca::new().server_of(&params())),
        called("for another host", NAME, "mail.example.com"),
        called("for the domain alone", NAME, "example.test"),
        called("for a host with more before it", "example.test", NAME),
        of("without a name", &named([])),
        of("a common name alone", &cn_only),
        called("a wildcard two labels deep", NAME, "*.test"),
        called("a wildcard for every name", NAME, "*"),
        called("a wildcard inside a label", NAME, "m*.example.test"),
        called("a wildcard for the domain alone", "example.test", "*.example.test"),
        address("for another address", "127.0.0.1", [127, 0, 0, 9]),
        address("for an address, asked by name", NAME, [127, 0, 0, 1]),
        called("an address written as a name", "127.0.0.1", "127.0.0.1"),
        called("a wildcard for addresses", "127.0.0.1", "*.0.0.1"),
        of("for clients only", &usage(ExtendedKeyUsagePurpose::ClientAuth)),
        of("for signing programs", &usage(ExtendedKeyUsagePurpose::CodeSigning)),
        of(
            "an authority as a server",
            &with(|params| {
                params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
            }),
        ),
        case(
            "signed by a certificate that is no CA",
            NAME,
            ca.server_through(&named([dns("x.test")]), &params()),
        ),
        case(
            "of an authority for other names",
            NAME,
            ca.server_through(&authority(Some(elsewhere)), &params()),
        ),
        of(
            "an unknown critical extension",
            &with(|params| {
                let mut extension =
                    CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![5, 0]);
                extension.set_criticality(true);
                params.custom_extensions = vec![extension];
            }),
        ),
        of(
            "a certificate of 1 MB",
            &with(|params| {
                let long = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 2], vec![0; 1 << 20]);
                params.custom_extensions = vec![long];
            }),
        ),
    ]
}

fn handshakes(ca: &Ca) -> Vec<Case> {
    let case = |what, instead| Case { what, asked: NAME, instead };
    // RFC 4346 section 7.4.1.3: the server chooses 3.2.
    let mut hello = vec![2, 0, 0, 38, 3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let record = |kind: u8, body: &[u8]| {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        ScriptStep::Send([&[kind, 3, 2], length.as_slice(), body].concat())
    };
    vec![
        case("TLS 1.1 alone", record(22, &hello)),
        case("an alert about the version", record(21, &[2, 70])),
        case("an alert about the handshake", record(21, &[2, 40])),
        case("an alert about the name", record(21, &[2, 112])),
        case("clear text in place of TLS", ScriptStep::send("* OK hello, I am a mail server\r\n")),
        case("a renegotiation without end", ScriptStep::TlsAgain(ca.old_server(&params()), 100)),
    ]
}

async fn ask(ca: &Ca, case: &Case, mail: bool) -> String {
    let greet = ScriptStep::send(if mail { GREETING } else { "220 hello\r\n" });
    let yes = if matches!(case.instead, ScriptStep::HalfTls(..)) {
        Vec::new()
    } else if mail {
        vec![greet.clone(), ScriptStep::Line, ScriptStep::send("{tag} OK\r\n")]
    } else {
        vec![
            ScriptStep::Line,
            ScriptStep::send("331 go\r\n"),
            ScriptStep::Line,
            ScriptStep::send("230 in\r\n"),
        ]
    };
    // Bytes that are no handshake must not look like an answer to AUTH TLS: they wait for the
    // client's first ones.
    let own = match &case.instead {
        ScriptStep::Send(bytes) => vec![ScriptStep::Hello, ScriptStep::Send(bytes.clone())],
        other => vec![other.clone()],
    };
    let start = if mail { Vec::new() } else { vec![greet, ScriptStep::Line, ScriptStep::send("234 go\r\n")] };
    let peer = FakeServer::start([start, own, yes].concat()).await;
    let mode = if mail { TlsMode::Implicit } else { TlsMode::Explicit };
    let endpoint = Endpoint::new("127.0.0.1", peer.port(), mode)
        .with_trust(ServerTrust::CaFile(ca.file()))
        .with_server_name(case.asked);
    let id = BackendId::parse("server").unwrap();
    let backend: Box<dyn UserBackend> = if mail {
        Box::new(ImapBackend::new(ImapSettings::new(id, endpoint)).unwrap())
    } else {
        Box::new(FtpBackend::new(FtpSettings::new(id, endpoint)).unwrap())
    };
    let (name, password) =
        (LoginName::parse(canary::NAME).unwrap(), Password::parse(canary::PASSWORD).unwrap());
    let attempt = Attempt::new(&name, &password, now() + Duration::from_secs(10));
    let answer = backend.authenticate(&attempt).await;
    match answer {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => {
            assert_eq!(canary::count(&peer.received()), 0, "{}: the password left", case.what);
            let received = peer.received_text();
            assert!(
                !received.contains("USER") && !received.contains("AUTHENTICATE"),
                "{}: {received}",
                case.what
            );
            format!("{} {}: {}", error.kind(), error.phase(), error.detail())
        }
    }
}
