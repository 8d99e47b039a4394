//! What attackers and bad luck try.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn one_administrator_remains_whoever_deletes_whom() {
    let server = Server::start().await;
    for round in 0..5 {
        let (one, other) = (format!("one{round}"), format!("other{round}"));
        server.person(&one, &["admin"], &[]).await;
        server.person(&other, &["admin"], &[]).await;
        server
            .delete(&one, if round == 0 { "/cloud/users/admin" } else { "/cloud/users/nobody" })
            .send()
            .await;
        let (a, b) = (format!("/cloud/users/{one}"), format!("/cloud/users/{other}"));
        let _ = tokio::join!(server.delete(&other, &a).send(), server.delete(&one, &b).send());
        let admins = server.app.accounts().groups().find(&GroupId::admin()).await.unwrap().unwrap();
        assert!(admins.members > admins.disabled, "{admins:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn naughty_texts_are_stored_as_they_are_or_refused_and_come_back_readable() {
    let server = Server::start().await;
    for text in [
        "'; DROP TABLE users; --",
        "<script>alert(1)</script>",
        "]]>",
        "&amp;",
        "%00",
        "a\r\nSet-Cookie: x=y",
        "\u{202e}txt",
        "Zoë 🐘 田中",
        "${jndi:ldap://x}",
        "../../etc/passwd",
        "{{7*7}}",
        "\" onmouseover=\"x",
        "\u{feff}",
        "\t tab",
        "a\u{b}b\u{1}c",
    ] {
        let encoded = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        let form = format!("key=biography&value={encoded}");
        server.put("admin", "/cloud/users/Frank", &form).send().await.ok();
        let json = server.get("admin", "/cloud/users/Frank?format=json").send().await.ok().data();
        assert_eq!(json["biography"], text);
        let xml = server.get("admin", "/cloud/users/Frank").send().await.ok();
        let mut reader = quick_xml::Reader::from_str(&xml.body);
        while !matches!(
            reader.read_event().unwrap_or_else(|error| panic!("{error}: {}", xml.body)),
            quick_xml::events::Event::Eof
        ) {}
        for path in [
            format!("/cloud/users/{encoded}"),
            format!("/cloud/groups/{encoded}"),
            format!("/cloud/users?search={encoded}"),
            format!("/cloud/apps/{encoded}"),
        ] {
            let answer = server.get("admin", &path).send().await;
            assert!(answer.status == 200 && answer.code() != 996, "{path}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_too_large_or_broken_are_turned_away() {
    let server = Server::start().await;
    let large = "a".repeat(1024 * 1024 + 1);
    let answer = server.post("admin", "/cloud/groups", &format!("groupid={large}")).send().await;
    assert_eq!(answer.code(), 400, "{}", answer.status);
    let raw = async |text: String| {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        // A server that hangs up early is fine.
        let _ = stream.write_all(text.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        String::from_utf8_lossy(&answer).chars().take(12).collect::<String>()
    };
    let head = "GET /healthz HTTP/1.1\r\nHost: x\r\n";
    for (text, refused) in [
        (format!("{head}Connection: close\r\n\r\n"), "HTTP/1.1 200"),
        (format!("{head}X: {}\r\n\r\n", "a".repeat(20 * 1024)), "HTTP/1.1 431"),
        (format!("{head}{}\r\n", "X: y\r\n".repeat(200)), "HTTP/1.1 431"),
        (format!("{head}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), "HTTP/1.1 400"),
        (format!("{head}Content-Length: 3x\r\n\r\nabc"), "HTTP/1.1 400"),
        (format!("{head}\u{201c}OCS-APIRequest: true\u{201d}\r\n\r\n"), "HTTP/1.1 400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 400"),
    ] {
        assert_eq!(raw(text.clone()).await, refused, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_sign_ins_in_one_request_are_none() {
    let server = Server::start().await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let text = "GET /ocs/v1.php/cloud/users HTTP/1.1\r\nHost: x\r\nOCS-APIRequest: true\r\nConnection: close\r\n\
                Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n\r\n";
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_administrator_learns_which_ids_there_are() {
    let server = Server::start().await;
    for (who, method) in
        [("jane", Method::GET), ("jane", Method::PUT), ("sam", Method::GET), ("sam", Method::DELETE)]
    {
        let ask =
            |id: &str| server.ask(who, method.clone(), &format!("/cloud/users/{id}?key=role&value=x")).send();
        let (missing, hidden) = (ask("nobody").await, ask("outsider").await);
        assert_eq!(missing.body, hidden.body, "{who} {method}");
        assert_eq!(missing.code(), 998);
    }
}
