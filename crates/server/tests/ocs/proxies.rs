//! Proxies in front of the server, trusted or not, and the host names it answers to.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// The response to a plain HTTP request from this address with these header bytes.
async fn ask(server: &Server, from: Ipv4Addr, path: &str, headers: &[u8]) -> String {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let mut request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n").into_bytes();
    request.extend_from_slice(headers);
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

/// Regression: a byte beyond ASCII made every client "the proxy".
#[tokio::test(flavor = "multi_thread")]
async fn unreadable_forwarding_of_a_trusted_proxy_is_refused() {
    let server = Server::with("", "[resolver]\ntrusted_proxies = [\"127.0.0.1\"]").await;
    let proxy = Ipv4Addr::LOCALHOST;
    let metrics = async |line: &[u8]| {
        let header = [b"X-Forwarded-For: ", line, b"\r\n"].concat();
        ask(&server, proxy, "/metrics", &header).await
    };
    for line in [b"\xe9".as_slice(), b"unknown", b"fe80::1%eth0", b"203.0.113.7, \xe9", b"203.0.113.7,", b""]
    {
        let answer = metrics(line).await;
        assert_eq!(status(&answer), "400", "{}: {answer}", line.escape_ascii());
        assert!(answer.contains("X-Forwarded-For cannot be read"), "{answer}");
    }
    // What nginx and Apache make of what a client sent: not the proxy, and not private.
    let answer = metrics(b"\xe9, 203.0.113.7").await;
    assert_eq!(status(&answer), "404", "{answer}");
    let login = ask(&server, proxy, "/login", b"X-Forwarded-For: \xe9, 203.0.113.7\r\n").await;
    assert_eq!(status(&login), "403", "{login}");
    let alive = ask(&server, proxy, "/healthz", b"X-Forwarded-For: \xe9\r\n").await;
    assert_eq!(status(&alive), "200", "{alive}");
}

/// Regression: clients behind an unnamed proxy had the rights of this machine.
#[tokio::test(flavor = "multi_thread")]
async fn unnamed_proxy_has_no_rights_of_this_machine() {
    let server = Server::start().await;
    for header in [
        "X-Forwarded-For: 203.0.113.7",
        "X-Forwarded-For: 127.0.0.1",
        "X-Forwarded-Proto: https",
        "Forwarded: for=203.0.113.7",
        "X-Real-IP: 203.0.113.7",
        "X-Forwarded-Host: cloud.example.com",
        "Via: 1.1 proxy",
    ] {
        let headers = format!("{header}\r\n");
        let login = ask(&server, new_address(), "/login", headers.as_bytes()).await;
        assert!(status(&login) == "403" && login.contains("trusted_proxies"), "{header}: {login}");
        let metrics = ask(&server, new_address(), "/metrics", headers.as_bytes()).await;
        assert_eq!(status(&metrics), "404", "{header}: {metrics}");
        let (name, value) = header.split_once(": ").unwrap();
        let refused = server.get("Frank", "/cloud/user").header(name, value).send().await;
        assert_eq!(refused.status, 403, "{header}");
        assert!(refused.json()["message"].as_str().unwrap().contains("trusted_proxies"), "{refused:?}");
    }
    server.get("Frank", "/cloud/user").send().await.ok();
}

/// Regression: a page of another site could read answers under its own name.
#[tokio::test(flavor = "multi_thread")]
async fn request_for_a_foreign_host_is_refused() {
    let settings = "public_url = \"http://cloud.example.com\"\ntrusted_hosts = [\"intra.example\"]";
    let server = Server::with(settings, "").await;
    for (host, expected) in [
        ("evil.example", 400),
        ("evil.example:8080", 400),
        ("localhost.evil.example", 400),
        ("cloud.example.com", 200),
        ("intra.example:8080", 200),
        ("localhost", 200),
        ("127.0.0.1:1", 200),
        ("[::1]", 200),
    ] {
        for path in ["/login", "/status.php", "/readyz", "/openapi.json"] {
            let text = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            let mut stream = TcpStream::connect(server.address).await.unwrap();
            let answer = smuggling::exchange(&mut stream, text.as_bytes()).await;
            assert_eq!(status(&answer), expected.to_string(), "{path} {host}: {answer}");
            assert!(expected == 200 || answer.contains("trusted_hosts"), "{answer}");
        }
        let text = format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        assert!(smuggling::exchange(&mut stream, text.as_bytes()).await.ends_with("ok\n"), "{host}");
    }
}

/// Regression: proxies write queries into their logs.
#[tokio::test(flavor = "multi_thread")]
async fn password_in_a_query_gets_a_hint_or_is_refused_by_setting() {
    let hint = |answer: &Answer| answer.json()["ocs"]["meta"]["hint"].as_str().map(str::to_owned);
    let rows = [
        (Method::POST, "/ocs/v2.php/cloud/users?format=json&userid=new1&password=down+the+rabbit+hole", ""),
        (Method::PUT, "/ocs/v2.php/cloud/users/jane?format=json&key=password&value=down+the+rabbit+hole", ""),
        (Method::PUT, "/ocs/v2.php/cloud/users/jane?format=json&value=into+the+rabbit+hole", "key=password"),
    ];
    let server = Server::start().await;
    for (method, path, form) in rows.clone() {
        let answer = server.ask("admin", method, path).form(form).send().await.is(200, 200, "OK");
        assert!(hint(&answer).unwrap().contains("send it in the body"), "{path}: {answer:?}");
    }
    let strict = Server::with("refuse_passwords_in_query = true", "").await;
    for (method, path, form) in rows {
        let answer = strict.ask("admin", method, path).form(form).send().await;
        let answer = answer.is(400, 400, "A password in the query is refused here");
        assert!(hint(&answer).unwrap().contains("send it in the body"), "{path}");
    }
    strict.get("jane", "/cloud/user").send().await.ok();
    for server in [&server, &strict] {
        let path = "/ocs/v2.php/cloud/users/Frank?format=json";
        for form in ["key=password&value=down+the+rabbit+hole", "key=displayname&value=F"] {
            let answer = server.ask("admin", Method::PUT, path).form(form).send().await.is(200, 200, "OK");
            assert_eq!(hint(&answer), None);
        }
        let shown = server.ask("admin", Method::PUT, &format!("{path}&key=displayname&value=G")).send().await;
        assert_eq!(hint(&shown.is(200, 200, "OK")), None);
    }
}
