//! Mails as a server receives them, from a fake SMTP server on loopback.

use std::sync::Arc;
use std::time::Duration;

use lettre::message::Mailbox;
use user_backend::clock::now;
use user_backend::transport::{Endpoint, ServerTrust};
use user_backend_tests::smtp::{self, say};
use user_backend_tests::{Ca, FakeServer as Peer, Leaf, ScriptStep};

use user_backend::transport::TlsMode;

use crate::domain::Timestamp;
use crate::service::mail::message::{EmailMessage, EmailMessageError};
use crate::service::mail::settings::{MailSettings, MailSettingsError};
use crate::service::mail::smtp::SmtpTransport;
use crate::service::mail::templates::{AccountMail, MailRequest, MailTopic, looks_like_link};
use crate::service::mail::transport::{MailTransport, SendError};

fn message() -> EmailMessage {
    reset("frank@example.com", "Frank K.").unwrap()
}

fn reset(address: &str, name: &str) -> Result<EmailMessage, EmailMessageError> {
    let link = "https://cloud.example.com/lostpassword/reset/TOKEN";
    mail(name, "frank", MailTopic::ResetLink { link, life: HOUR, request: None }).to(address)
}

const HOUR: Duration = Duration::from_secs(3600);

fn mail<'a>(name: &'a str, user: &'a str, topic: MailTopic<'a>) -> AccountMail<'a> {
    AccountMail { product: "Cloud", base: "https://cloud.example.com/", name, user, topic }
}

/// Every kind of mail.
fn every_kind() -> Vec<MailTopic<'static>> {
    let link = "https://LINK";
    vec![
        MailTopic::ResetLink { link, life: HOUR, request: None },
        MailTopic::PasswordKeptElsewhere { keeper: "Example Mail", help_url: None, request: None },
        MailTopic::PasswordKeptElsewhere {
            keeper: "Example Mail",
            help_url: Some("https://help.example.com/"),
            request: None,
        },
        MailTopic::PasswordChanged { app_passwords: false },
        MailTopic::PasswordChanged { app_passwords: true },
        MailTopic::RightsRaised,
        MailTopic::AccountMoved,
        MailTopic::AppPasswordAdded,
        MailTopic::AddressChanged,
        MailTopic::Welcome { link: None, lost_password: None },
        MailTopic::Welcome { link: Some((link, HOUR * 24 * 7)), lost_password: None },
        MailTopic::Welcome { link: Some((link, HOUR * 24 * 7)), lost_password: Some("https://LOST") },
        MailTopic::ConfirmAddress { link, life: HOUR * 48 },
        MailTopic::AddressTaken,
    ]
}

fn settings(port: u16, tls: TlsMode, ca: &Ca) -> MailSettings {
    let endpoint = Endpoint::new("localhost", port, tls).with_trust(ServerTrust::CaFile(ca.file()));
    MailSettings::new(endpoint, "Cloud <noreply@example.org>").unwrap()
}

async fn send(settings: MailSettings) -> Result<(), SendError> {
    SmtpTransport::new(settings).unwrap().send(&message(), now() + Duration::from_secs(30)).await
}

fn takes_a_mail() -> Vec<ScriptStep> {
    smtp::takes_a_mail("RCPT TO:<frank@example.com>\r\n")
}

fn implicit(ca: &Ca) -> Vec<ScriptStep> {
    vec![ScriptStep::Tls(ca.server(&Leaf::new(["localhost"]))), say("220 sink")]
}

fn explicit(ca: &Ca) -> Vec<ScriptStep> {
    vec![
        say("220-sink\r\n220 ready"),
        ScriptStep::Expect("EHLO example.org\r\n"),
        say("250-sink\r\n250-SIZE 1000\r\n250 STARTTLS"),
        ScriptStep::Expect("STARTTLS\r\n"),
        say("220 go on"),
        ScriptStep::Tls(ca.server(&Leaf::new(["localhost"]))),
    ]
}

#[tokio::test]
async fn mail_goes_out_over_tls_from_the_first_byte() {
    let ca = Ca::new();
    let sink = Peer::start([implicit(&ca), takes_a_mail()].concat()).await;
    send(settings(sink.port(), TlsMode::Implicit, &ca)).await.unwrap();
    let received = sink.received_text();
    assert!(received.contains("https://cloud.example.com/lostpassword/reset/TOKEN"), "{received}");
    assert_eq!(sink.connections(), 1);
}

#[tokio::test]
async fn mail_goes_out_after_starttls() {
    let ca = Ca::new();
    let sink = Peer::start([explicit(&ca), takes_a_mail()].concat()).await;
    send(settings(sink.port(), TlsMode::Explicit, &ca)).await.unwrap();
    assert!(sink.received_text().ends_with("QUIT\r\n"), "{}", sink.received_text());
}

#[tokio::test]
async fn login_is_sent_inside_tls_only() {
    let ca = Ca::new();
    let mut script = [explicit(&ca), takes_a_mail()].concat();
    let at = script.len() - takes_a_mail().len() + 2;
    script.splice(at..at, [ScriptStep::Expect("AUTH PLAIN AHJlbGF5AFdvbmRlcmxhbmQtMQ=="), say("235 ok")]);
    let sink = Peer::start(script).await;
    let settings = settings(sink.port(), TlsMode::Explicit, &ca).with_login("relay", "Wonderland-1");
    send(settings).await.unwrap();
}

/// T10 for mail: an attacker who removes STARTTLS gets neither a mail nor a login.
#[tokio::test]
async fn t10_stripped_starttls_stops_the_mail() {
    let ca = Ca::new();
    for lies in [
        vec![say("220 sink"), ScriptStep::Line, say("250-sink\r\n250 SIZE 1000")],
        vec![say("220 sink"), ScriptStep::Line, say("250-sink\r\n250 XSTARTTLS")],
        vec![say("220 sink"), ScriptStep::Line, say("250 STARTTLS"), ScriptStep::Line, say("454 not now")],
        vec![say("220 sink"), ScriptStep::Line, say("250 STARTTLS"), ScriptStep::Line, say("250 ok")],
        vec![say("220 sink"), ScriptStep::Line, say("502 what")],
    ] {
        let sink = Peer::start([lies, vec![ScriptStep::Silence]].concat()).await;
        let settings = settings(sink.port(), TlsMode::Explicit, &ca).with_login("relay", "Wonderland-1");
        let error = send(settings).await.unwrap_err();
        assert!(matches!(error, SendError::Later(_)), "{error}");
        let received = sink.received_text();
        assert!(
            !received.contains("MAIL") && !received.contains("AUTH") && !received.contains("TOKEN"),
            "{received}"
        );
    }
}

/// T11 for mail: what arrives before TLS is never read as if it came over TLS.
#[tokio::test]
async fn t11_nothing_may_follow_the_answer_to_starttls() {
    let ca = Ca::new();
    let lies = [
        say("220 sink"),
        ScriptStep::Line,
        say("250 STARTTLS"),
        ScriptStep::Line,
        say("220 go on\r\n250-injected\r\n250 AUTH PLAIN"),
        ScriptStep::Tls(ca.server(&Leaf::new(["localhost"]))),
    ];
    let sink = Peer::start([lies.to_vec(), takes_a_mail()].concat()).await;
    let error = send(settings(sink.port(), TlsMode::Explicit, &ca)).await.unwrap_err();
    assert!(matches!(error, SendError::Later(_)), "{error}");
    assert!(!sink.received_text().contains("MAIL"));
}

/// T12 for mail.
#[tokio::test]
async fn t12_untrusted_certificate_stops_the_mail() {
    let (ca, other) = (Ca::new(), Ca::new());
    for (server, part) in [
        (ca.server(&Leaf::new(["localhost"]).expired()), "expired"),
        (ca.server(&Leaf::new(["localhost"]).not_yet_valid()), "valid"),
        (ca.server(&Leaf::new(["mail.example.com"])), "mail.example.com"),
        (other.server(&Leaf::new(["localhost"])), "certificate"),
    ] {
        let sink = Peer::start(
            [vec![ScriptStep::Tls(Arc::clone(&server)), say("220 sink")], takes_a_mail()].concat(),
        )
        .await;
        let error = send(settings(sink.port(), TlsMode::Implicit, &ca)).await.unwrap_err();
        assert!(matches!(&error, SendError::Later(text) if text.contains(part)), "{error}");
        assert!(!sink.received_text().contains("EHLO"));
    }
}

#[tokio::test]
async fn refused_mail_is_dropped_and_other_errors_are_retried() {
    let ca = Ca::new();
    let until = |count: usize, answer: &str| {
        let rest = takes_a_mail().into_iter().take(count).chain([say(answer), ScriptStep::Silence]).collect();
        [implicit(&ca), rest].concat()
    };
    for (script, expected) in [
        (until(3, "550 5.7.1 noreply@example.org may not send"), SendError::Refused("reply 550".into())),
        (until(5, "550 5.1.1 <frank@example.com> nobody here"), SendError::Refused("reply 550".into())),
        (until(9, "554 5.7.1 spam"), SendError::Refused("reply 554".into())),
        (until(5, "452 4.2.2 mailbox full"), SendError::Later("sending: reply 452".into())),
        (until(3, "421 4.3.2 shutting down"), SendError::Later("sending: reply 421".into())),
        (until(3, "530 5.7.0 sign in first"), SendError::Later("sending: reply 530".into())),
        (
            [implicit(&ca), vec![ScriptStep::Line, say("554 go away")]].concat(),
            SendError::Later("greeting: reply 554".into()),
        ),
        (until(3, "what?"), SendError::Later("sending: the server gave no proper answer".into())),
        (
            vec![ScriptStep::Tls(ca.server(&Leaf::new(["localhost"]))), say("421 too busy")],
            SendError::Later("greeting: reply 421".into()),
        ),
        (
            [implicit(&ca), takes_a_mail().into_iter().take(4).collect()].concat(),
            SendError::Later("sending: the server gave no proper answer".into()),
        ),
    ] {
        let sink = Peer::start(script).await;
        assert_eq!(send(settings(sink.port(), TlsMode::Implicit, &ca)).await, Err(expected));
    }
}

#[tokio::test]
async fn refused_login_is_for_later_and_reveals_no_password() {
    let ca = Ca::new();
    let rest = [
        ScriptStep::Line,
        say("250-sink\r\n250 AUTH PLAIN"),
        ScriptStep::Line,
        say("535 5.7.8 relay:Wonderland-1 is wrong"),
        ScriptStep::Silence,
    ];
    let sink = Peer::start([implicit(&ca), rest.to_vec()].concat()).await;
    let settings = settings(sink.port(), TlsMode::Implicit, &ca).with_login("relay", "Wonderland-1");
    assert!(!format!("{settings:?}").contains("Wonderland"));
    assert_eq!(send(settings).await, Err(SendError::Later("login: reply 535".into())));
}

#[tokio::test]
async fn silent_server_ends_at_the_deadline() {
    let ca = Ca::new();
    for at in [0, 1, 5, 9] {
        let rest = takes_a_mail().into_iter().take(at).chain([ScriptStep::Silence]).collect();
        let sink = Peer::start([implicit(&ca), rest].concat()).await;
        let smtp = SmtpTransport::new(settings(sink.port(), TlsMode::Implicit, &ca)).unwrap();
        let sent = smtp.send(&message(), now() + Duration::from_millis(200)).await;
        assert!(matches!(&sent, Err(SendError::Later(why)) if why.contains("in time")), "{at}: {sent:?}");
    }
}

#[tokio::test]
async fn t20_endless_server_is_disconnected() {
    let ca = Ca::new();
    let flood = |bytes: &'static str| ScriptStep::Flood { bytes: bytes.as_bytes(), total: 50 << 20 };
    for bytes in ["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "250-again and again\r\n"] {
        let script = [implicit(&ca), vec![ScriptStep::Line, flood(bytes)]].concat();
        let sink = Peer::start(script).await;
        let error = send(settings(sink.port(), TlsMode::Implicit, &ca)).await.unwrap_err();
        assert!(matches!(error, SendError::Later(_)), "{error}");
        let sink = Peer::start([flood(bytes)]).await;
        let error = send(settings(sink.port(), TlsMode::Explicit, &ca)).await.unwrap_err();
        assert!(matches!(error, SendError::Later(_)), "{error}");
    }
}

/// The mail as it goes over the wire, without what differs each time.
fn written(message: &EmailMessage) -> String {
    let from: Mailbox = "Cloud <noreply@example.org>".parse().unwrap();
    let (_, bytes) = message.write(&from).unwrap();
    let text = String::from_utf8(bytes).unwrap();
    let changes = |line: &&str| !line.starts_with("Date: ") && !line.starts_with("Message-ID: ");
    let text = text.lines().filter(changes).collect::<Vec<_>>().join("\n");
    match text.split_once("boundary=\"").and_then(|(_, rest)| rest.split_once('"')) {
        Some((boundary, _)) => text.replace(boundary, "BOUNDARY"),
        None => text,
    }
}

#[test]
fn reset_mail_says_nothing_has_changed_yet() {
    let mail = message();
    let plain = EmailMessage::new("frank@example.com", "Frank K.", mail.subject(), mail.text().to_owned());
    insta::assert_snapshot!(written(&plain.unwrap()));
}

#[test]
fn reset_mail_shows_time_and_source_of_the_request() {
    let request = MailRequest { at: Timestamp::from_millis(1_795_329_173_999), source: Some("203.0.113.7") };
    let link = "https://LINK";
    for topic in [
        MailTopic::ResetLink { link, life: HOUR, request: Some(request) },
        MailTopic::PasswordKeptElsewhere { keeper: "Example Mail", help_url: None, request: Some(request) },
    ] {
        let mail = mail("Zoë", "zoe", topic).to("zoe@example.com").unwrap();
        let expected = "\n\nThis was asked for on 2026-11-22 at 06:32 UTC from the network address\n\
                        203.0.113.7.\n\nIf it was not you";
        assert!(mail.text().contains(expected), "{}", mail.text());
    }
}

/// User input is text in the HTML part too, and only server addresses are links.
#[test]
fn html_part_has_our_links_alone() {
    for topic in every_kind() {
        let mail = mail("<b>Zoë</b>", "zoe&co", topic).to("zoe@example.com").unwrap();
        let from: Mailbox = "Cloud <noreply@example.org>".parse().unwrap();
        let wire = String::from_utf8(mail.write(&from).unwrap().1).unwrap();
        assert!(wire.contains("multipart/alternative") && wire.contains("text/html"), "{wire}");
        let html = mail.html().unwrap();
        assert!(!html.contains("<b>") && html.contains("&#60;b&#62;"), "{html}");
        let hrefs: Vec<_> =
            html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
        let ours =
            ["https://LINK", "https://LOST", "https://help.example.com/", "https://cloud.example.com/"];
        assert!(hrefs.iter().all(|href| ours.contains(href)), "{hrefs:?}");
        let in_text = ours.iter().filter(|link| mail.text().lines().any(|line| line == **link)).count();
        assert_eq!(hrefs.len(), in_text, "{html}");
    }
}

#[test]
fn each_mail_has_a_unique_message_id_of_the_senders_domain() {
    let from: Mailbox = "Cloud <noreply@example.org>".parse().unwrap();
    let id = || {
        let text = String::from_utf8(message().write(&from).unwrap().1).unwrap();
        text.lines().find(|line| line.starts_with("Message-ID: <")).unwrap().to_owned()
    };
    let (one, other) = (id(), id());
    assert!(one.ends_with("@example.org>") && other.ends_with("@example.org>"), "{one}");
    assert_ne!(one, other);
}

#[test]
fn mails_say_what_happened_and_what_to_do() {
    let texts: Vec<String> = every_kind()
        .into_iter()
        .map(|topic| {
            let mail = mail("Zoë 日本", "zoe", topic).to("zoe@example.com").unwrap();
            format!("{}\n\n{}", mail.subject(), mail.text())
        })
        .collect();
    insta::assert_snapshot!(texts.join("----\n"));
}

#[test]
fn mails_without_a_name_and_an_id_are_whole_sentences() {
    let texts: Vec<String> = every_kind()
        .into_iter()
        .map(|topic| mail("x.example", "x.example", topic).to("zoe@example.com").unwrap().text().to_owned())
        .collect();
    insta::assert_snapshot!(texts.join("----\n"));
}

#[test]
fn link_like_names_are_left_out_of_mails() {
    for name in [
        "Pay at https://evil.example/now or lose all",
        "evil.example",
        "Evil.Example.",
        "(evil.example)",
        "see evil.example/now",
        "www.evil",
        "WWW.Evil",
        "ｗｗｗ．evil",
        "evil。example",
        "evil\u{2024}example",
        "ｅｖｉｌ．ｅｘａｍｐｌｅ",
        "http:evil",
        "mailto:eve",
        "tel:+4971125242890",
        "eve@evil.example",
        "\\\\evil\\share",
        "10.0.0.1",
        "xn--evil-abc.xn--p1ai",
        "юzер.рф",
        "a_b.evil.com:8080",
        "St.John",
    ] {
        assert!(looks_like_link(name), "{name}");
        for topic in every_kind() {
            let message = mail(name, name, topic).to("zoe@example.com").unwrap();
            let from: Mailbox = "noreply@example.org".parse().unwrap();
            let wire = String::from_utf8(message.write(&from).unwrap().1).unwrap();
            let (headers, _) = wire.split_once("\r\n\r\n").unwrap();
            assert!(!message.text().contains(name) && !message.subject().contains(name), "{name}");
            assert!(headers.contains("To: zoe@example.com"), "{name}: {headers}");
        }
    }
    for name in
        ["Frank K.", "J.R.R. Tolkien", "Dr. Who", "O'Neil-Smith", "Zoë 日本", "v1.0", "frank", "a, b; c"]
    {
        assert!(!looks_like_link(name), "{name}");
        let message = mail(name, "frank", MailTopic::RightsRaised).to("zoe@example.com").unwrap();
        assert!(message.text().contains(name), "{name}");
    }
    // The own address of the recipient is no link to anywhere else.
    let own = mail("Zoe", "Zoe@Example.com", MailTopic::RightsRaised).to("zoe@example.com").unwrap();
    assert!(own.text().contains("\"Zoe@Example.com\""), "{}", own.text());
}

#[test]
fn no_name_adds_a_header_a_recipient_or_a_line() {
    let long = "x".repeat(1 << 20);
    for name in [
        "Frank\r\nBcc: eve@example.com",
        "Frank\nBcc: eve@example.com\n\nhello",
        "Frank\0",
        "Frank\u{2028}Bcc: eve@example.com",
        "\"Frank\" <eve@example.com>",
        "Frank, eve@example.com",
        "=?utf-8?B?RnJhbms=?=",
        "\u{202e}knarF",
        "a\u{200b}b",
        "",
        "   ",
        long.as_str(),
    ] {
        let message = reset("frank@example.com", name).unwrap();
        let from: Mailbox = "noreply@example.org".parse().unwrap();
        let (envelope, bytes) = message.write(&from).unwrap();
        let to: Vec<String> = envelope.to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["frank@example.com"], "{name:.40?}");
        let text = String::from_utf8(bytes).unwrap();
        let (headers, _) = text.split_once("\r\n\r\n").unwrap();
        let mut names: Vec<&str> = headers
            .split("\r\n")
            .filter(|line| !line.starts_with([' ', '\t']))
            .map(|line| line.split_once(": ").unwrap().0)
            .collect();
        names.sort_unstable();
        let expected =
            ["Auto-Submitted", "Content-Type", "Date", "From", "MIME-Version", "Message-ID", "Subject", "To"];
        assert_eq!(names, expected, "{name:.40?}");
        assert!(headers.split("\r\n").all(|line| line.len() <= 998), "{name:.40?}");
        assert!(!headers.contains("=?utf-8?B?RnJhbms=?="), "an encoded word stays what it is");
        assert!(message.text().lines().count() < 16, "{name:.40?}");
    }
}

#[test]
fn invalid_stored_address_gets_no_mail() {
    for address in [
        "",
        "frank",
        "frank@",
        "@example.com",
        "frank@example.com\r\nRCPT TO:<eve@example.com>",
        "frank@example.com>\r\nDATA",
        "frank@example.com, eve@example.com",
        "<frank@example.com>",
        "Frank <frank@example.com>",
        "frank\0@example.com",
        "frank@exa mple.com",
        "-oProxyCommand=x",
    ] {
        assert!(reset(address, "Frank").is_err(), "{address:?}");
    }
}

#[test]
fn t60_mail_debug_hides_its_link() {
    assert!(!format!("{:?}", message()).contains("TOKEN"));
}

#[test]
fn settings_choose_tls_without_consent() {
    let read = |text: &str| serde_json::from_str::<MailSettings>(text).map_err(|error| error.to_string());
    let plain = read(r#"{"host": "mail.example.com", "from": "noreply@example.org"}"#).unwrap();
    assert_eq!((plain.endpoint().port(), plain.endpoint().tls()), (465, TlsMode::Implicit));
    let explicit = read(
        r#"{"host": "m", "tls": "starttls", "from": "Cloud <a@b.org>", "username": "u", "password": "p"}"#,
    );
    assert_eq!(explicit.unwrap().endpoint().port(), 587);
    assert!(read(r#"{"host": "127.0.0.1", "tls": "none", "from": "a@b.org"}"#).is_ok());
    assert!(read(r#"{"host": "m", "tls": "none", "allow_plaintext": true, "from": "a@b.org"}"#).is_ok());
    for (text, part) in [
        (r#"{"host": "m", "tls": "none", "from": "a@b.org"}"#, "clear text"),
        (r#"{"host": "m", "from": "nobody"}"#, "from must be a mail address"),
        (r#"{"host": "m\r\nRSET", "from": "a@b.org"}"#, "host must be a host name"),
        (r#"{"host": "m", "from": "a@b.org", "hello_name": "x\r\nRSET"}"#, "hello_name must be a host name"),
        (r#"{"host": "m", "from": "a@b.org", "username": "u"}"#, "expected both, or neither"),
        (r#"{"host": "m", "from": "a@b.org", "tsl": "none"}"#, "unknown field `tsl`"), // typos:ignore
        (r#"{"from": "a@b.org"}"#, "missing field `host`"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(part), "{text}: {found}");
    }
    let name = MailSettings::new(Endpoint::new("m", 465, TlsMode::Implicit), "a@b.org").unwrap();
    assert!(matches!(name.with_hello_name("a b"), Err(MailSettingsError::HostName("hello_name"))));
}
