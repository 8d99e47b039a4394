//! nginx's mail proxy asks whether a mail client may go on, and where.

use super::external_backend::imap_in_outage;
use super::operators::Program;
use super::*;

const KEY: &str = "0123456789abcdef0123456789abcdef";

const MAIL: &str = "[frontends.nginx_mail]\nkey = \"0123456789abcdef0123456789abcdef\"\nimap = \"192.0.2.10:143\"\n\
                    smtp = \"[2001:db8::10]:25\"\n";

/// What nginx asks, without a name and a password.
fn mail<'a>(server: &'a Server, protocol: &str) -> Ask<'a> {
    let client = new_address().to_string();
    let ask = server.page(Method::GET, "/auth/mail").header("X-Auth-Key", KEY);
    let ask = ask.header("Auth-Method", "plain").header("Auth-Protocol", protocol);
    ask.header("Auth-Login-Attempt", "1").header("Client-IP", &client)
}

fn sign_in<'a>(server: &'a Server, protocol: &str, name: &str, password: &str) -> Ask<'a> {
    let encoded = |text: &str| text.replace('%', "%25").replace(' ', "%20");
    mail(server, protocol).header("Auth-User", &encoded(name)).header("Auth-Pass", &encoded(password))
}

/// What nginx takes from an answer: status, server, port, name, code and wait.
fn verdict(answer: &Answer) -> [String; 6] {
    ["auth-status", "auth-server", "auth-port", "auth-user", "auth-error-code", "auth-wait"]
        .map(|name| answer.header(name).to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_client_is_sent_to_the_server_of_its_protocol() {
    let backend = imap_in_outage().await;
    let server = Server::with("", &format!("{MAIL}{backend}")).await;
    server.person("two words", &[], &[]).await;
    let id = UserId::parse("Frank").unwrap();
    let (token, _) = server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    const WRONG: &str = "[AUTHENTICATIONFAILED] Wrong name or password";
    const AWAY: &str = "[UNAVAILABLE] Passwords cannot be checked now, try again later";
    for (protocol, name, password, expected) in [
        ("imap", "frank", PASSWORD, ["OK", "192.0.2.10", "143", "Frank", "", ""]),
        ("imap", "Frank", token.expose(), ["OK", "192.0.2.10", "143", "Frank", "", ""]),
        ("imap", "two words", PASSWORD, ["OK", "192.0.2.10", "143", "two words", "", ""]),
        ("smtp", "FRANK", PASSWORD, ["OK", "2001:db8::10", "25", "Frank", "", ""]),
        ("imap", "Frank", "wrong", [WRONG, "", "", "", "", "1"]),
        ("imap", "ghost@other.example", PASSWORD, [WRONG, "", "", "", "", "1"]),
        ("smtp", "Frank", "wrong too", ["Wrong name or password", "", "", "", "535 5.7.8", "1"]),
        // nginx would write the space into XCLIENT.
        ("smtp", "two words", PASSWORD, ["Wrong name or password", "", "", "", "535 5.7.8", "1"]),
        ("imap", "mia@mail.example", "x", [AWAY, "", "", "", "", "1"]),
        // No server for it in the settings.
        (
            "pop3",
            "Frank",
            PASSWORD,
            ["[SYS/TEMP] Passwords cannot be checked now, try again later", "", "", "", "", "1"],
        ),
    ] {
        let answer = sign_in(&server, protocol, name, password).send().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(verdict(&answer), expected.map(str::to_owned), "{protocol} {name} {password}");
        assert!(answer.body.is_empty());
    }
    // Mechanisms without a password, which nginx may be set up to offer.
    let hashed = sign_in(&server, "smtp", "Frank", PASSWORD).header("Auth-Method", "cram-md5").send().await;
    assert_eq!((hashed.header("auth-error-code"), hashed.header("auth-server")), ("504 5.5.4", ""));
    // The connection of a client that keeps trying ends: no Auth-Wait.
    let last = sign_in(&server, "imap", "Frank", "wrong 3").header("Auth-Login-Attempt", "10").send().await;
    assert_eq!((last.header("auth-status"), last.header("auth-wait")), (WRONG, ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_nginx_with_the_key_may_ask() {
    let server = Server::with("", MAIL).await;
    let ask = || sign_in(&server, "imap", "Frank", PASSWORD);
    for (about, ask) in [
        ("no key", ask().without("X-Auth-Key")),
        ("another key", ask().header("X-Auth-Key", "0123456789abcdef0123456789abcdeF")),
        ("a part of it", ask().header("X-Auth-Key", "0123456789abcdef")),
        ("an empty one", ask().header("X-Auth-Key", "")),
    ] {
        let answer = ask.send().await;
        assert_eq!((answer.status, answer.header("auth-status")), (403, ""), "{about}: {answer:?}");
        assert!(!answer.body.contains(KEY), "{answer:?}");
    }
    let mut twice = ask();
    twice.headers.push(("X-Auth-Key".to_owned(), "another".to_owned()));
    assert_eq!(twice.send().await.status, 403);
    assert_eq!(ask().send().await.header("auth-status"), "OK");
    let without = Server::start().await;
    let known = sign_in(&without, "imap", "Frank", PASSWORD).send().await;
    let unknown = without.page(Method::GET, "/auth/other").send().await;
    assert_eq!((known.status, known.body), (404, unknown.body));
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_count_for_the_client_of_nginx() {
    let limits = "[resolver]\nlock = \"off\"\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }\n";
    let server = Server::with("", &format!("{MAIL}{limits}")).await;
    let guess = async |number: u8, address: &str| {
        let ask = sign_in(&server, "smtp", &format!("ghost{number}"), "guess").header("Client-IP", address);
        // What a client made up in front of another proxy.
        let answer = ask.header("X-Forwarded-For", &format!("203.0.113.{number}")).send().await;
        (answer.header("auth-error-code").to_owned(), answer.header("auth-wait").to_owned())
    };
    let wrong = ("535 5.7.8".to_owned(), "1".to_owned());
    for number in 0..3 {
        assert_eq!(guess(number, "192.0.2.7").await, wrong, "{number}");
    }
    assert_eq!(guess(3, "192.0.2.7").await, ("454 4.7.0".to_owned(), "10".to_owned()));
    assert_eq!(guess(4, "192.0.2.8").await, wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_requests_of_mail_proxies_are_refused() {
    let server = Server::with("", MAIL).await;
    let long = "a".repeat(4096);
    for (name, value, status, denied) in [
        // Names and passwords that no user has.
        ("Auth-User", "Fra%00nk", 200, true),
        ("Auth-User", "Frank%00", 200, true),
        ("Auth-User", "%ff%fe", 200, true),
        ("Auth-User", "", 200, true),
        ("Auth-User", "Frank LOGIN=admin", 200, true),
        ("Auth-User", "Frank%0d%0aLOGIN=admin", 200, true),
        ("Auth-User", &long, 200, true),
        ("Auth-Pass", &long, 200, true),
        ("Auth-Pass", "", 200, true),
        ("Auth-Pass", "a%00b", 200, true),
        // No requests of nginx.
        ("Auth-Protocol", "http", 400, false),
        ("Auth-Protocol", "", 400, false),
        ("Auth-Login-Attempt", "-1", 400, false),
        ("Auth-Login-Attempt", "many", 400, false),
        ("Client-IP", "localhost", 400, false),
        ("Client-IP", "192.0.2.1, 192.0.2.2", 400, false),
        ("Client-IP", "", 400, false),
    ] {
        let answer = sign_in(&server, "imap", "Frank", PASSWORD).header(name, value).send().await;
        assert_eq!(answer.status, status, "{name} {value}: {answer:?}");
        let text = answer.header("auth-status");
        assert_eq!(text.starts_with("[AUTHENTICATIONFAILED]"), denied, "{name} {value}: {answer:?}");
        assert_eq!(answer.header("auth-server"), "", "{name} {value}: {answer:?}");
    }
    for name in ["Auth-User", "Auth-Pass", "Auth-Protocol", "Auth-Method", "Client-IP", "Auth-Login-Attempt"]
    {
        let mut twice = sign_in(&server, "imap", "Frank", PASSWORD);
        let again = twice.headers.iter().find(|(found, _)| found == name).unwrap().clone();
        twice.headers.push(again);
        assert_eq!(twice.send().await.status, 400, "{name} twice");
        let missing = sign_in(&server, "imap", "Frank", PASSWORD).without(name).send().await;
        assert_eq!(missing.status, 400, "no {name}");
    }
    let mut post = sign_in(&server, "imap", "Frank", PASSWORD);
    post.method = Method::POST;
    assert_eq!(post.send().await.status, 405);
}

/// nginx reads an answer into 1,024 bytes and fails where that is too little.
#[tokio::test(flavor = "multi_thread")]
async fn longest_answer_fits_into_the_memory_of_nginx() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = Server::with("", MAIL).await;
    let id = "a".repeat(64);
    server.person(&id, &[], &[]).await;
    for password in ["Wonder%20land%201865%20!", "wrong"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!(
            "GET /auth/mail HTTP/1.0\r\nHost: {}\r\nAuth-Method: plain\r\nAuth-User: {id}\r\nAuth-Pass: {password}\r\n\
             Auth-Protocol: smtp\r\nAuth-Login-Attempt: 1\r\nClient-IP: 192.0.2.1\r\nX-Auth-Key: {KEY}\r\n\r\n",
            server.address
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).await.unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(if password == "wrong" { "535 5.7.8" } else { "auth-port: 25" }), "{text}");
        // The longest id that an external backend may give has 255 bytes.
        assert!(bytes.len() + 255 - id.len() <= 1024, "{} bytes: {text}", bytes.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn reload_moves_the_mail_server_and_changes_the_key() {
    let server = Server::with("", MAIL).await;
    let ask = || sign_in(&server, "imap", "Frank", PASSWORD);
    assert_eq!(ask().send().await.header("auth-server"), "192.0.2.10");
    let file = server.dir.path().join("server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let other = "fedcba9876543210fedcba9876543210";
    std::fs::write(&file, text.replace("192.0.2.10:143", "192.0.2.11:1143").replace(KEY, other)).unwrap();
    let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
    let report = server.app.reload(settings, &config).await.unwrap();
    assert_eq!(report.changed, ["[frontends.nginx_mail]"]);
    assert_eq!(ask().send().await.status, 403);
    let moved = ask().header("X-Auth-Key", other).send().await;
    assert_eq!((moved.header("auth-server"), moved.header("auth-port")), ("192.0.2.11", "1143"));
}

#[test]
fn failed_sign_in_of_a_mail_client_names_protocol_and_address() {
    let mut program = Program::start(MAIL, &[]);
    let headers = format!(
        "X-Auth-Key: {KEY}\r\nAuth-Method: plain\r\nAuth-User: Admin\r\nAuth-Pass: wrong\r\nAuth-Protocol: imap\r\n\
         Auth-Login-Attempt: 1\r\nClient-IP: 192.0.2.1\r\n"
    );
    let answer = program.call("/auth/mail", &headers);
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let line = program.failed();
    let expected = "user=\"admin\" source=192.0.2.1 frontend=\"nginx_mail\" backend=\"local\" reason=\"bad_credentials\" \
                    service=\"imap\"";
    assert!(line.ends_with(expected), "{line}");
}

#[test]
fn wrong_settings_of_the_mail_proxy_never_show_the_key() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("server.toml");
    let long = format!("key = \"{KEY}\"\n");
    for (text, expected) in [
        ("key = \"topsecret\"\n".to_owned(), "16 to 256 printable ASCII characters"),
        ("key = \"topsecret with a space\"\n".to_owned(), "16 to 256 printable ASCII characters"),
        ("imap = \"192.0.2.10:143\"\n".to_owned(), "key"),
        (format!("{long}imap = \"mail.example.org:143\"\n"), "imap"),
        (format!("{long}imap4 = \"192.0.2.10:143\"\n"), "imap4"),
        (format!("{long}key = 1\n"), "key"),
    ] {
        std::fs::write(&file, format!("[frontends.nginx_mail]\n{text}")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let errors = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap_err().to_string();
        assert!(errors.contains(expected) && !errors.contains("found found"), "{text}: {errors}");
        assert!(!errors.contains("topsecret") && !errors.contains(KEY), "{errors}");
    }
}
