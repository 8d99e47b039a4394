//! Outages in words that are on no list, at every class that can learn words.
//!
//! SSH and SMB refuse by codes alone, so nothing is learned there.

use std::sync::Arc;

use user_backend::transport::TlsMode;
use user_backend::{BackendPolicy, Credentials, DomainRules, Outcome, Resolver};
use user_backend_tests::{FakeServer, ScriptStep};

use super::ldap::bind_result;
use super::row::{Protocol, Row};
use super::run::backend;
use super::xmpp::{OPEN, PLAIN};

/// One class: a login until the password was heard, and what may follow.
struct Class {
    protocol: Protocol,
    question: Vec<ScriptStep>,
    /// A refusal that is recognised.
    refusal: Vec<u8>,
    /// Answers that are not recognised.
    outages: Vec<Vec<u8>>,
}

fn class(
    protocol: Protocol,
    question: impl IntoIterator<Item = ScriptStep>,
    refusal: &str,
    outages: &[&str],
) -> Class {
    let outages = outages.iter().map(|outage| outage.as_bytes().to_vec()).collect();
    Class {
        protocol,
        question: question.into_iter().collect(),
        refusal: refusal.as_bytes().to_vec(),
        outages,
    }
}

fn classes() -> Vec<Class> {
    const FAILURE: &str = "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>";
    let xmpp = |content: &str| [FAILURE, content, "</failure>"].concat();
    vec![
        class(
            Protocol::Imap,
            [ScriptStep::send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] x\r\n"), ScriptStep::Line],
            "{tag} NO [AUTHENTICATIONFAILED] Authentication failed.\r\n",
            &[
                "{tag} NO Wartungsarbeiten, bitte spaeter wiederkommen\r\n",
                "{tag} NO\r\n",
                "{tag} NO ...\r\n",
            ],
        ),
        class(
            Protocol::Ftp,
            [
                ScriptStep::send("220 x\r\n"),
                ScriptStep::Expect("USER "),
                ScriptStep::send("331 x\r\n"),
                ScriptStep::Expect("PASS "),
            ],
            "530 Login incorrect.\r\n",
            &["530 Wartungsarbeiten\r\n", "550 Wartungsarbeiten\r\n", "530 \r\n"],
        ),
        class(
            Protocol::Smtp,
            [
                ScriptStep::send("220 x\r\n"),
                ScriptStep::Expect("EHLO "),
                ScriptStep::send("250-x\r\n250 AUTH PLAIN\r\n"),
                ScriptStep::Expect("AUTH PLAIN "),
            ],
            "535 5.7.8 Authentication failed\r\n",
            &["550 Wartungsarbeiten\r\n", "554 5.7.1 Wartungsarbeiten\r\n", "550 \r\n"],
        ),
        class(
            Protocol::Http,
            [ScriptStep::Until("")],
            "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
            &[
                "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
                "HTTP/1.1 403 Wartungsarbeiten\r\nContent-Length: 0\r\n\r\n",
            ],
        ),
        Class {
            protocol: Protocol::Ldap,
            question: vec![ScriptStep::HearLdap],
            refusal: bind_result(1, 49, ""),
            outages: vec![bind_result(1, 53, "Wartungsarbeiten"), bind_result(1, 50, "")],
        },
        class(
            Protocol::Xmpp,
            [
                ScriptStep::ReceiveUntil("streams'>"),
                ScriptStep::send([OPEN, PLAIN].concat()),
                ScriptStep::ReceiveUntil("</auth>"),
            ],
            &xmpp("<not-authorized/>"),
            &[&xmpp("<wartung/><text>Wartungsarbeiten</text>"), &xmpp("<wartung/>")],
        ),
    ]
}

impl Class {
    /// A server that answers one login after the other like this, and all further ones like the
    /// last.
    async fn server(&self, answers: &[&Vec<u8>]) -> (FakeServer, Resolver) {
        let script =
            |answer: &&Vec<u8>| [self.question.clone(), vec![ScriptStep::Send((*answer).clone())]].concat();
        let server = FakeServer::start_each(answers.iter().map(script)).await;
        let row = Row::new("outage in words of its own", self.protocol, TlsMode::None);
        let builder = Resolver::builder();
        let backend = Arc::from(backend(&row, &server));
        let builder = builder.backend_with(backend, BackendPolicy::default(), DomainRules::none());
        (server, builder.build().unwrap())
    }
}

async fn sign_in(resolver: &Resolver, name: &str) -> Outcome {
    resolver.authenticate(Credentials::new(name, "Wonderland-1").without_source()).await.outcome
}

#[tokio::test]
async fn unrecognised_words_of_a_known_server_are_an_outage() {
    for class in classes() {
        for outage in &class.outages {
            let (server, resolver) = class.server(&[&class.refusal, outage]).await;
            let what = format!("{:?} {}", class.protocol, String::from_utf8_lossy(outage));
            assert!(matches!(sign_in(&resolver, "bob").await, Outcome::Refused(_)), "{what}");
            for name in ["alice", "carol"] {
                let outcome = sign_in(&resolver, name).await;
                assert!(matches!(outcome, Outcome::Unavailable { .. }), "{what}: {outcome:?}");
            }
            assert_eq!(server.connections(), 3, "{what}: nothing can be learned, so no canary is run");
        }
    }
}

/// The known limit, and how it ends.
#[tokio::test]
async fn words_learned_in_an_outage_end_with_a_recognised_refusal() {
    for class in classes() {
        for outage in &class.outages {
            let what = format!("{:?} {}", class.protocol, String::from_utf8_lossy(outage));
            let has_words = what.contains("Wartung") && !what.contains("HTTP/");
            // The first login and two canaries.
            let answers = [outage, outage, outage, &class.refusal, outage];
            let (server, resolver) = class.server(&answers).await;
            let outcome = sign_in(&resolver, "alice").await;
            assert_eq!(matches!(outcome, Outcome::Refused(_)), has_words, "{what}: {outcome:?}");
            assert_eq!(server.connections(), 3, "{what}");
            assert!(matches!(sign_in(&resolver, "bob").await, Outcome::Refused(_)), "{what}");
            let outcome = sign_in(&resolver, "carol").await;
            assert!(matches!(outcome, Outcome::Unavailable { .. }), "{what}: {outcome:?}");
            assert_eq!(server.connections(), 5, "{what}");
        }
    }
}
