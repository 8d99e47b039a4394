//! Frontend clients that break the protocol, flood it, or stay silent.

use tokio::io::AsyncWriteExt;

use super::external_backend::imap_in_outage;
use super::forward_auth::forward;
use super::sockets::{AuthClient, NO, NO_ANSWER, WithSocket, YES, base64, counted, rest};
use super::*;

const RIGHT: [&str; 4] = ["Frank", PASSWORD, "smtp", ""];

/// Thousands of silent clients: those above the limit are closed, and the API responds.
#[tokio::test(flavor = "multi_thread")]
async fn idle_callers_take_the_socket_and_nothing_else() {
    const LIMIT: usize = 64;
    for frontend in ["saslauthd", "dovecot_auth"] {
        let found = WithSocket::start(frontend, &format!("max_connections = {LIMIT}"), "").await;
        let mut idle = Vec::new();
        for _ in 0..LIMIT {
            idle.push(found.connect().await);
        }
        // Taken in their order: the first ones stay, all others end without a word.
        for _ in 0..2000 {
            assert_eq!(rest(&mut found.connect().await).await, "", "{frontend}");
        }
        found.server.get("Frank", "/cloud/user").send().await.ok();
        drop(idle);
        loop {
            let mut stream = found.connect().await;
            let expected = if frontend == "saslauthd" {
                let _ = stream.write_all(&counted(&RIGHT)).await;
                YES
            } else {
                // Enough for its greeting, and then the end.
                let _ = stream.write_all(b"QUIT\n").await;
                "VERSION\t1\t2\n"
            };
            if rest(&mut stream).await.starts_with(expected) {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn saslauthd_floods_and_halves_are_closed_without_an_answer() {
    let found = WithSocket::start("saslauthd", "", "").await;
    let whole = counted(&["Frank", PASSWORD, "smtp", "", "192.0.2.1;4711"]);
    // Every beginning of a request, and then nothing more. With four strings it is a whole one.
    let four = counted(&RIGHT).len();
    for length in 0..whole.len() {
        let mut stream = found.connect().await;
        stream.write_all(&whole[..length]).await.unwrap();
        stream.shutdown().await.unwrap();
        let expected = if length == four { YES } else { NO_ANSWER };
        assert_eq!(rest(&mut stream).await, expected, "{length} bytes");
    }
    for flood in [
        vec![0xff; 1 << 20],
        vec![0; 1 << 20],
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(),
        counted(&RIGHT).repeat(5000),
        counted(&["", "", "", ""]).repeat(5000),
    ] {
        let mut stream = found.connect().await;
        // It may be closed before all of it is taken.
        let _ = stream.write_all(&flood).await;
        let reply = rest(&mut stream).await;
        assert!(reply == NO_ANSWER || reply == NO, "{reply:?}");
    }
    assert_eq!(found.check(&RIGHT).await, YES);
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_answers_each_request_of_a_flood_once() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let mut client = AuthClient::ready(&found).await;
    // One after the other, in one write; the mechanism is unsupported.
    let flood: String = (1..=2000).map(|id| format!("AUTH\t{id}\tCRAM-MD5\tservice=smtp\n")).collect();
    client.send(&flood).await;
    for id in 1..=2000 {
        assert_eq!(client.line().await, format!("FAIL\t{id}"));
    }
    // Right ones, more at once than may be open: each is accepted, or asked to retry.
    let response = base64(&format!("\0Frank\0{PASSWORD}"));
    let flood: String =
        (1..=500).map(|id| format!("AUTH\t{id}\tPLAIN\tservice=smtp\tresp={response}\n")).collect();
    client.send(&flood).await;
    let (mut accepted, mut later) = (0, 0);
    let mut seen = std::collections::HashSet::new();
    for _ in 1..=500 {
        let line = client.line().await;
        let fields: Vec<_> = line.split('\t').collect();
        match fields[0] {
            "OK" if fields[2] == "user=Frank" => accepted += 1,
            "FAIL" if fields.contains(&"temp") => later += 1,
            _ => panic!("{line}"),
        }
        assert!(seen.insert(fields[1].to_owned()), "answered twice: {line}");
    }
    assert_eq!(accepted + later, 500);
    assert!(accepted >= 32, "{accepted}");
    // The connection is as good as before.
    assert_eq!(client.plain(501, "Frank", PASSWORD).await, "OK\t501\tuser=Frank");
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_ends_floods_and_refuses_odd_names() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let ready = "VERSION\t1\t2\nCPID\t1\n";
    for flood in [
        "a".repeat(1 << 20),
        "\n".repeat(1 << 16),
        "\t".repeat(1 << 16),
        format!("{ready}{}", "\0".repeat(1 << 16)),
        format!("{ready}AUTH\t1\tPLAIN\tservice=smtp\tresp={}\n", "A".repeat(1 << 16)),
        format!("{ready}AUTH\t1\tPLAIN\tservice={}\n", "s".repeat(2000)),
        format!("{ready}CONT\t{}\n", "9".repeat(400)),
        format!("VERSION\t{}\t2\nCPID\t1\n", u64::MAX),
        "VERSION\t1\nCPID\t1\n".to_owned(),
        "VERSION\t1\t2\nCPID\t-1\n".to_owned(),
        "VERSION\t0\t2\nCPID\t1\n".to_owned(),
    ] {
        let mut client = AuthClient::connect(&found).await;
        let _ = client.stream.get_mut().write_all(flood.as_bytes()).await;
        assert_eq!(client.line().await, "", "{:.40}", flood.escape_debug());
    }
    let mut client = AuthClient::ready(&found).await;
    for (id, response, expected) in [
        (1, base64("\0Fra\0nk\0x"), "FAIL\t1"),
        (2, base64(&format!("\0\0{PASSWORD}")), "FAIL\t2"),
        (3, base64("\0Frank\0"), "FAIL\t3"),
        (4, base64(&format!("\0Frank\0{PASSWORD}\0")), "FAIL\t4"),
        (5, base64(""), "FAIL\t5"),
        (6, "AEZyYW5r/w==".to_owned(), "FAIL\t6"),
        (7, "====".to_owned(), "FAIL\t7\tcode=invalid_base64"),
        // A name with separators of fields and lines is returned escaped.
        (
            8,
            base64("\0a\tOK\t9\tuser=admin\nOK\t9\0x"),
            "FAIL\t8\tuser=a\x01tOK\x01t9\x01tuser=admin\x01nOK\x01t9",
        ),
    ] {
        client.send(&format!("AUTH\t{id}\tPLAIN\tservice=smtp\tresp={response}\n")).await;
        assert_eq!(client.line().await, expected);
    }
    // A client that ends in the middle of a line has asked nothing.
    let mut half = AuthClient::ready(&found).await;
    let response = base64(&format!("\0Frank\0{PASSWORD}"));
    half.send(&format!("AUTH\t1\tPLAIN\tservice=smtp\tresp={response}")).await;
    half.stream.get_mut().shutdown().await.unwrap();
    assert_eq!(half.line().await, "");
}

/// For Postfix and Exim, which take every `FAIL` for a wrong password.
#[tokio::test(flavor = "multi_thread")]
async fn dovecot_auth_outage_closes_if_settings_say_so() {
    let backend = imap_in_outage().await;
    let found = WithSocket::start("dovecot_auth", "on_outage = \"close\"", &backend).await;
    let mut client = AuthClient::ready(&found).await;
    assert_eq!(client.plain(1, "Frank", "wrong").await, "FAIL\t1\tuser=Frank");
    assert_eq!(client.plain(2, "Frank", PASSWORD).await, "OK\t2\tuser=Frank");
    assert_eq!(client.plain(3, "mia@mail.example", "right").await, "");
    // Another connection is served.
    let mut client = AuthClient::ready(&found).await;
    assert_eq!(client.plain(1, "Frank", PASSWORD).await, "OK\t1\tuser=Frank");
}

#[tokio::test(flavor = "multi_thread")]
async fn forward_auth_refuses_oversized_and_doubled_headers() {
    let server = Server::with(
        "",
        "[resolver]\ntrusted_proxies = [\"127.200.0.1\"]\n[frontends.forward_auth]\n\
         [[frontends.forward_auth.rule]]\nhost = \"wiki.test\"\n",
    )
    .await;
    let ask = || forward(&server, "wiki.test", "/").basic("Frank", PASSWORD);
    let long = "a".repeat(7000);
    for (name, value, expected) in [
        ("X-Forwarded-Host", long.as_str(), 403),
        ("X-Forwarded-Host", "wiki.test, evil.test", 403),
        ("X-Forwarded-Host", "", 403),
        ("X-Original-URL", "https://evil.test/", 403),
        ("X-Original-URL", "no address", 403),
        ("Authorization", &format!("Basic {long}"), 401),
        ("Authorization", "Basic RnJhbmsAOng=", 401),
        ("Authorization", "Basic !", 401),
        ("Cookie", &format!("__Host-session={long}"), 200),
    ] {
        let answer = ask().header(name, value).send().await;
        assert_eq!(answer.status, expected, "{name} {value:.40}: {answer:?}");
        assert_eq!(answer.headers.contains_key("remote-user"), expected == 200, "{answer:?}");
    }
    for name in ["X-Forwarded-Host", "X-Forwarded-Uri", "Authorization"] {
        let mut twice = ask();
        let again = twice.headers.iter().find(|(found, _)| found == name).unwrap().clone();
        twice.headers.push(again);
        let answer = twice.send().await;
        assert!(matches!(answer.status, 401 | 403), "{name} twice: {answer:?}");
    }
    assert_eq!(ask().send().await.status, 200);
}

/// A reloaded rule applies to the next request, with a session or a cached password.
#[tokio::test(flavor = "multi_thread")]
async fn reloaded_rules_count_for_the_next_request() {
    let rules = "[resolver]\ntrusted_proxies = [\"127.200.0.1\"]\n[frontends.forward_auth]\n\
                 [[frontends.forward_auth.rule]]\nhost = \"wiki.test\"\ngroups = [\"group1\"]\n";
    let server = Server::with("", rules).await;
    let ask = async |who: &str| forward(&server, "wiki.test", "/").basic(who, PASSWORD).send().await.status;
    assert_eq!([ask("Frank").await, ask("outsider").await], [200, 403]);
    let file = server.dir.path().join("server.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    let reload = async |text: String| {
        std::fs::write(&file, text).unwrap();
        let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
        server.app.reload(settings, &config).await.unwrap().changed
    };
    let changed = reload(text.replace("[\"group1\"]", "[\"group3\"]")).await;
    assert_eq!(changed, ["[frontends.forward_auth]"]);
    assert_eq!([ask("Frank").await, ask("outsider").await], [403, 200]);
    // A file that is wrong changes nothing.
    std::fs::write(&file, text.replace("[\"group1\"]", "\"group1\"")).unwrap();
    assert!(ServerSettings::load(&file, &ClassRegistry::standard()).is_err());
    assert_eq!([ask("Frank").await, ask("outsider").await], [403, 200]);
    // Off, and on again.
    reload(text.split("[frontends.forward_auth]").next().unwrap().to_owned()).await;
    assert_eq!(ask("Frank").await, 404);
    reload(text).await;
    assert_eq!([ask("Frank").await, ask("outsider").await], [200, 403]);
}

#[tokio::test(flavor = "multi_thread")]
async fn half_of_a_line_waits_for_the_other_half() {
    let found = WithSocket::start("dovecot_auth", "", "").await;
    let mut client = AuthClient::ready(&found).await;
    let response = base64(&format!("\0Frank\0{PASSWORD}"));
    let line = format!("AUTH\t1\tPLAIN\tservice=smtp\tresp={response}\n");
    for byte in line.as_bytes() {
        client.stream.get_mut().write_all(&[*byte]).await.unwrap();
    }
    assert_eq!(client.line().await, "OK\t1\tuser=Frank");
}
