//! Mistakes that people make with the API, and what they read then.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

/// Sends bytes and returns what comes back until the server closes.
async fn raw(server: &Server, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn typographic_quotes_around_a_header_are_explained() {
    let server = Server::start().await;
    let request = "GET /ocs/v1.php/cloud/users HTTP/1.1\r\nHost: localhost\r\n\u{201c}OCS-APIRequest: true\u{201d}\r\n\r\n";
    let answer = raw(&server, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{answer}");
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(body["hint"].as_str().unwrap().contains("-H 'OCS-APIRequest: true'"), "{body}");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_at_the_port_for_http_is_explained() {
    let server = Server::start().await;
    // The beginning of a ClientHello, as long as its own head says.
    let mut hello = vec![22, 3, 1, 0, 4, 1, 0, 0, 0];
    hello.extend(b"\r\n\r\n");
    let answer = raw(&server, &hello).await;
    assert!(answer.contains("this port speaks HTTP, not HTTPS"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_method_names_the_allowed_ones() {
    let server = Server::start().await;
    for (method, path, allowed, hint) in [
        (Method::POST, "/cloud/users/Frank/disable", "PUT", "takes PUT; with curl: -X PUT"),
        (Method::PUT, "/cloud/users", "GET, POST", "takes GET, POST; with curl: -X GET"),
    ] {
        for version in ["v1", "v2"] {
            let path = format!("/ocs/{version}.php{path}");
            let answer = server.ask("admin", method.clone(), &path).send().await;
            assert_eq!((answer.status, answer.header("allow"), answer.code()), (405, allowed, 405));
            assert!(answer.body.contains(hint), "{answer:?}");
            let json = server.ask("admin", method.clone(), &format!("{path}?format=json")).send().await;
            assert!(json.json()["ocs"]["meta"]["hint"].as_str().unwrap().contains(hint));
        }
    }
}

/// What the manual prints, word for word, and what is typed like it.
#[tokio::test(flavor = "multi_thread")]
async fn address_that_names_nothing_leads_to_one_that_does() {
    let server = Server::start().await;
    for (method, path, status, hint) in [
        (
            Method::POST,
            "/cloud/users/Frank/groups-d",
            405,
            "a blank is missing before -d: .../groups -d groupid=...",
        ),
        (Method::POST, "/cloud/users/Frank/subadmins-d", 405, ".../subadmins -d groupid=..."),
        (Method::DELETE, "/cloud/users/Frank/subadmins-d", 405, ".../subadmins -d groupid=..."),
        (Method::GET, "/cloud/users/Frank/groups-d", 405, ".../groups"),
        (Method::POST, "/cloud/users-d", 200, "a blank is missing before -d: .../users -d"),
        (Method::POST, "/cloud/groups-d", 200, ".../groups -d groupid=..."),
        (Method::PUT, "/cloud/users/jane/enable-X", 200, "a blank is missing before -X: .../enable -X"),
        (Method::POST, "/cloud/users/Frank/group", 405, "did you mean .../groups?"),
        (Method::PUT, "/cloud/users/jane/Disable", 200, "did you mean .../disable?"),
        (
            Method::POST,
            "/cloud/users/Frank/x",
            405,
            "below a user there are: enable, disable, wipe, welcome, groups",
        ),
    ] {
        let path = format!("/ocs/v1.php{path}?format=json");
        let ask = server.ask("admin", method.clone(), &path);
        let answer = if method == Method::PUT { ask.form("key=x&value=y") } else { ask }.send().await;
        let found = answer.json()["ocs"]["meta"]["hint"].as_str().unwrap_or_default().to_owned();
        assert!(found.contains(hint) && !found.contains("takes"), "{method} {path}: {found} {answer:?}");
        if method != Method::PUT {
            assert_eq!(answer.status, status, "{path}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn front_controller_prefix_leads_to_every_path() {
    let server = Server::start().await;
    for path in
        ["/index.php/ocs/v1.php/cloud/user?format=json", "/index.php//ocs/v2.php/cloud/user?format=json"]
    {
        let ask = server.page(Method::GET, path).header("OCS-APIRequest", "true").basic("jane", PASSWORD);
        assert_eq!(ask.send().await.data()["id"], "jane", "{path}");
    }
    for (path, status) in [("/index.php/login", 200), ("/index.php/status.php", 200), ("/index.php", 303)] {
        assert_eq!(server.page(Method::GET, path).send().await.status, status, "{path}");
    }
    // Operators' pages have one name each.
    assert_eq!(server.page(Method::GET, "/index.php/metrics").send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_near_the_api_say_where_it_is() {
    let server = Server::start().await;
    for path in ["/ocs", "/ocs/", "/index.php/ocs", "/nextcloud/ocs/v1.php/cloud/users", "/ocs/v3.php/cloud"]
    {
        for (accept, content_type) in [
            ("*/*", "application/xml; charset=utf-8"),
            ("application/json", "application/json; charset=utf-8"),
            ("text/html,application/xhtml+xml", "text/html; charset=utf-8"),
        ] {
            let answer = server.page(Method::GET, path).header("Accept", accept).send().await;
            assert_eq!((answer.status, answer.header("content-type")), (404, content_type), "{path}");
            let body = answer.body.replace("\\/", "/");
            assert!(body.contains("http://localhost/ocs/v1.php"), "{path}: {body}");
        }
    }
    // A host that means something in HTML is not repeated.
    let odd = server.page(Method::GET, "/ocs").header("Accept", "text/html").header("Host", "a\"><b");
    assert!(!odd.send().await.body.contains("<b"), "injected");
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_name_the_address_of_the_server() {
    let plain = Server::start().await;
    let seen = |server: &'static str| serde_json::json!([{ "url": server }]);
    let own = plain.page(Method::GET, "/openapi.json").send().await.json();
    assert_eq!(own["servers"], seen("http://localhost"));
    let public =
        Server::with("public_url = \"https://cloud.example.org/sub\"\ntrusted_hosts = [\"*\"]", "").await;
    for path in ["/openapi.json", "/openapi-v1.json"] {
        let document = public.page(Method::GET, path).send().await.json();
        assert_eq!(document["servers"], seen("https://cloud.example.org/sub"));
    }
    let docs = public.page(Method::GET, "/docs").send().await.body;
    assert!(docs.contains("https://cloud.example.org/sub/ocs/v1.php/cloud/users"));
    assert!(!docs.contains("//127.0.0.1"), "the address of another machine");
}

#[tokio::test(flavor = "multi_thread")]
async fn group_called_zero_is_refused_with_the_reason() {
    let server = Server::start().await;
    let answer = server.post("admin", "/cloud/groups", "groupid=0").send().await;
    assert!(answer.body.contains("takes 0 for no name at all"), "{answer:?}");
    answer.fails(101, "Invalid group name");
}
