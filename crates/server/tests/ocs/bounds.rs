//! What one client, or many, may make the server hold: memory, connections, time.

use user_backend_tests::greedy_clients::CHECK;
#[cfg(target_os = "linux")]
use user_backend_tests::greedy_clients::{amplified, resident};

use super::*;

/// Regression: 40 requests of 1 MB without credentials took 1.3 GB.
#[cfg(target_os = "linux")]
#[test]
fn anonymous_requests_use_at_most_64_mib() {
    use std::io::{Read, Write};

    use super::program::RunningServer;

    let dir = TempDir::new().unwrap();
    let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{CHEAP}");
    std::fs::write(dir.path().join("user-backend.toml"), text).unwrap();
    let (running, address) = RunningServer::serve(&dir);
    let resident = || resident(running.child.id());
    let before = resident();
    let mut most = before;
    let mut open = Vec::new();
    // Long ones, and many that are as long as they may be.
    for (count, bytes) in [(40, 1024 * 1024), (200, 16 * 1024)] {
        for nth in 0..count {
            let request = amplified(&format!("stranger{nth}"), bytes);
            let mut stream = std::net::TcpStream::connect(&address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
            // Refused early is as good.
            let _ = stream.write_all(request.as_bytes());
            open.push((bytes, stream));
            most = most.max(resident());
        }
    }
    for (bytes, mut stream) in open {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let expected = if bytes > 16 * 1024 { "more than 16384 bytes" } else { "Too many parameters" };
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains(expected), "{answer}");
        most = most.max(resident());
    }
    let figures = serde_json::json!({ "server_rounds": 1, "server_mib": most - before });
    user_backend_tests::report::leave("server bodies", &figures);
    assert!(most - before <= 64, "{before} MiB before, {most} MiB at most");
}

#[tokio::test(flavor = "multi_thread")]
async fn body_without_credentials_has_16_kib_and_with_them_1_mib() {
    let server = Server::start().await;
    let form = |bytes: usize| {
        let begin = "login=Frank&password=wrong&x=";
        format!("{begin}{}", "a".repeat(bytes - begin.len()))
    };
    let check = |who: &str, bytes: usize| server.ask(who, Method::POST, CHECK).form(&form(bytes)).send();
    check("-", 16 * 1024).await.is(400, 102, "");
    check("-", 16 * 1024 + 1).await.is(400, 400, "The body has more than 16384 bytes");
    check("Frank", 16 * 1024 + 1).await.is(400, 400, "The body has more than 16384 bytes");
    let validate = |bytes| server.post("Frank", "/apps/password_policy/api/v1/validate", &form(bytes)).send();
    validate(1024 * 1024).await.ok();
    validate(1024 * 1024 + 1).await.fails(400, "The body has more than 1048576 bytes");
    let page = server.page(Method::POST, "/login").form(&form(16 * 1024 + 1)).send().await;
    assert_eq!(page.status, 413);
}

#[tokio::test(flavor = "multi_thread")]
async fn json_key_twice_changes_nothing_and_says_why() {
    let server = Server::start().await;
    let body = r#"{"key": "displayname", "value": "One", "value": "Two"}"#;
    let answer = server
        .ask("Frank", Method::PUT, "/ocs/v2.php/cloud/users/Frank?format=json")
        .body("application/json", body)
        .send()
        .await
        .is(400, 400, "A key stands more than once in one JSON object");
    assert!(answer.json()["ocs"]["meta"]["hint"].as_str().unwrap().contains("send each key once"));
    let user = server.accounts.users().find(&UserId::parse("Frank").unwrap()).await.unwrap().unwrap();
    assert_eq!(user.display_name, None);
}

/// Regression: clients that read nothing held their connections and blocked the server.
///
/// The clock jumps ahead.
#[tokio::test]
async fn client_reading_nothing_is_disconnected() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let server = Server::start().await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let request = "GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(40);
    stream.write_all(request.as_bytes()).await.unwrap();
    tokio::time::pause();
    tokio::time::sleep(Duration::from_secs(30)).await;
    tokio::time::resume();
    let mut answers = Vec::new();
    // The end may come as an error.
    let _ = stream.read_to_end(&mut answers).await;
    assert!(answers.len() < 2 * 1024 * 1024, "what the system held, and not all answers: {}", answers.len());
    assert_eq!(server.get("-", "/healthz").send().await.status, 200);
}

/// A connection after one answered request; `None` when the server has closed it.
async fn kept(server: &Server, from: Ipv4Addr) -> Option<TcpStream> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    let mut answer = [0; 1024];
    // A server that has closed it already is fine.
    let _ = stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n").await;
    let length = stream.read(&mut answer).await.unwrap_or(0);
    (length > 0).then_some(stream)
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_bounded_in_all_and_per_source() {
    let proxy = "[resolver]\ntrusted_proxies = [\"127.77.0.1\"]\n";
    let server = Server::with("max_connections = 30\nmax_connections_per_source = 10", proxy).await;
    let mut open = Vec::new();
    for (from, wanted, expected) in [
        (Ipv4Addr::new(127, 66, 0, 1), 12, 10),
        (Ipv4Addr::new(127, 66, 0, 2), 7, 7),
        // A proxy that is named may have more than another source, but not more than there are.
        (Ipv4Addr::new(127, 77, 0, 1), 15, 13),
        (Ipv4Addr::new(127, 66, 0, 3), 1, 0),
    ] {
        let before = open.len();
        for _ in 0..wanted {
            open.extend(kept(&server, from).await);
        }
        assert_eq!(open.len() - before, expected, "{from}");
    }
    open.truncate(15);
    while kept(&server, new_address()).await.is_none() {
        // What was closed makes room as soon as the server has noticed.
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn last_connections_are_kept_from_busy_sources() {
    let server = Server::with("max_connections = 30\nmax_connections_per_source = 10", "").await;
    let mut open = Vec::new();
    for (source, expected) in [(1, 10), (2, 10), (3, 4), (1, 0), (4, 4), (5, 2), (6, 0)] {
        let before = open.len();
        for _ in 0..12 {
            open.extend(kept(&server, Ipv4Addr::new(127, 66, 1, source)).await);
        }
        assert_eq!(open.len() - before, expected, "{source}");
    }
}

/// Whole blocks of numbers could be tried out otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn phone_search_is_bounded_for_each_user() {
    let server = Server::start().await;
    server.put("admin", "/cloud/users/Frank", "key=phone&value=%2B4930123456").send().await.ok();
    let search = |who: &str, numbers: std::ops::Range<u32>| {
        let numbers: Vec<String> = numbers.map(|number| format!("\"+4930{}\"", 123_000 + number)).collect();
        let body = format!("{{\"location\":\"DE\",\"search\":{{\"a\":[{}]}}}}", numbers.join(","));
        server
            .ask(who, Method::POST, "/cloud/users/search/by-phone?format=json")
            .body("application/json", &body)
    };
    let found = search("jane", 0..600).send().await.ok();
    assert!(found.data()["a"].as_str().unwrap().starts_with("Frank@"), "{found:?}");
    let text = "Too many phone numbers were looked up";
    let refused = search("jane", 600..1001).send().await.fails(429, text);
    let wait: u64 = refused.header("retry-after").parse().unwrap();
    assert!((86_000..=86_400).contains(&wait), "{refused:?}");
    // Nothing of that call was counted.
    search("jane", 600..1000).send().await.ok();
    search("jane", 456..457).send().await.fails(429, text);
    search("jane", 0..0).send().await.ok();
    search("sam", 0..1000).send().await.ok();
    search("outsider", 0..1001).send().await.fails(429, text);
}

/// Every route that reads a body without credentials says the same when no memory is left for it.
#[tokio::test(flavor = "multi_thread")]
async fn exhausted_body_budget_is_503_at_every_route() {
    use tokio::io::AsyncWriteExt;

    let server = Server::start().await;
    let from = new_address();
    let browser = browser::TestBrowser::signed_in(&server, "Frank", PASSWORD).await;
    let cookie = browser.cookie.clone().unwrap();
    // A quarter of 8 MiB, in bodies that do not end.
    let mut open = Vec::new();
    for _ in 0..128 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((from, 0).into()).unwrap();
        let mut stream = socket.connect(server.address).await.unwrap();
        let head = "POST /login/v2/poll HTTP/1.1\r\nHost: localhost\r\nContent-Length: 16384\r\n\r\n";
        stream.write_all(format!("{head}{}", "a".repeat(16_383)).as_bytes()).await.unwrap();
        open.push(stream);
    }
    let long = "x".repeat(8 * 1024);
    for path in ["/login/v2/poll", "/login", "/login/confirm", CHECK] {
        let ask = || {
            let ask = server.page(Method::POST, path).from(from).form(&format!("token={long}"));
            if path == "/login/confirm" {
                ask.header("Cookie", &cookie).header("requesttoken", &browser.ticket)
            } else {
                ask.header("OCS-APIRequest", "true")
            }
        };
        // The server reads what has arrived when it comes to it.
        let mut answer = ask().send().await;
        for _ in 0..1000 {
            if answer.status == 503 {
                break;
            }
            answer = ask().send().await;
        }
        assert_eq!((answer.status, answer.header("retry-after")), (503, "1"), "{path}: {answer:?}");
    }
    drop(open);
}
