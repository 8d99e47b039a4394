//! Sign-in at the API: who is accepted, and the responses for others.

use super::*;

/// RFC 7617: passwords are UTF-8.
///
/// RFC 9110: on every 401, because clients wait for it before they send a password.
const CHALLENGE: &str = "Basic realm=\"Authorisation Required\", charset=\"UTF-8\"";

#[tokio::test(flavor = "multi_thread")]
async fn wrong_unknown_and_disabled_look_the_same() {
    let server = Server::start().await;
    server.put("admin", "/cloud/users/outsider/disable", "").send().await.ok();
    let mut bodies = Vec::new();
    for (name, password) in [
        ("Frank", "wrong password 1"),
        ("ghost", "wrong password 1"),
        ("outsider", PASSWORD),
        ("Frank", ""),
        ("", "x"),
    ] {
        let answer = server.get("-", "/cloud/users?format=json").basic(name, password).send().await;
        assert_eq!(answer.header("content-type"), "text/xml; charset=UTF-8", "even when JSON is asked for");
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        bodies.push(answer.fails(997, "Unauthorised").body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    assert!(!bodies[0].contains("totalitems"));
    let quiet = server
        .get("-", "/cloud/users")
        .basic("Frank", "x")
        .header("X-Requested-With", "XMLHttpRequest")
        .send()
        .await;
    assert_eq!(quiet.header("www-authenticate"), format!("Dummy{CHALLENGE}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn unauthenticated_response_has_the_requested_format() {
    let server = Server::start().await;
    for ask in [
        server.get("-", "/cloud/users?format=json"),
        server.get("-", "/cloud/users?format=json").header("Authorization", "Bearer abc"),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.header("www-authenticate"), CHALLENGE);
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        answer.fails(997, "Current user is not logged in");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o01_call_without_the_header_is_refused_with_a_hint() {
    let server = Server::start().await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE] {
        for value in [None, Some("1"), Some("TRUE"), Some("false")] {
            let path =
                if method == Method::POST { "/cloud/groups?groupid=forged" } else { "/cloud/users/outsider" };
            let ask = server.ask(
                "admin",
                method.clone(),
                &format!(
                    "{path}{}",
                    if path.contains('?') { "&format=xml" } else { "?key=role&value=forged" }
                ),
            );
            let ask = match value {
                None => ask.without("OCS-APIRequest"),
                Some(value) => ask.header("OCS-APIRequest", value),
            };
            let answer = ask.send().await;
            assert_eq!(answer.status, 412, "{method} {value:?}");
            let body = answer.json();
            assert_eq!(body["message"], "CSRF check failed");
            assert!(body["hint"].as_str().unwrap().contains("-H 'OCS-APIRequest: true'"), "{body}");
        }
    }
    // Nothing happened.
    server
        .get("admin", "/cloud/groups/forged")
        .send()
        .await
        .fails(404, "The requested group could not be found");
    let seen = server.get("admin", "/cloud/users/outsider?format=json").send().await.ok().data();
    assert_eq!(seen["role"], "");
    let page = server
        .get("admin", "/cloud/users")
        .without("OCS-APIRequest")
        .header("Accept", "text/html")
        .send()
        .await;
    assert_eq!((page.status, page.header("content-type")), (412, "text/html; charset=UTF-8"));
    let open = server.get("-", "/cloud/capabilities").without("OCS-APIRequest").send().await;
    assert_eq!(open.status, 412, "also for public endpoints");
    let underscore =
        server.get("admin", "/cloud/users").without("OCS-APIRequest").header("OCS_APIREQUEST", "true");
    underscore.send().await.ok();
    let lower =
        server.get("admin", "/cloud/users").without("OCS-APIRequest").header("ocs-apirequest", "true");
    lower.send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn o01_pages_of_others_get_nothing_from_here() {
    let server = Server::start().await;
    for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
        for path in ["/cloud/users", "/cloud/users/Frank", "/cloud/capabilities", "/healthz", "/openapi.json"]
        {
            let ask = server
                .ask("admin", method.clone(), path)
                .header("Origin", "https://evil.example")
                .header("Access-Control-Request-Method", "DELETE")
                .header("Access-Control-Request-Headers", "ocs-apirequest")
                .without("OCS-APIRequest");
            let answer = ask.send().await;
            let cors = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control"));
            assert_eq!(cors.count(), 0, "{method} {path}: {answer:?}");
            let refused = [404, 405, 412].contains(&answer.status);
            assert!(refused || !path.starts_with("/cloud"), "{method} {path}: {answer:?}");
        }
    }
    // What a form of another page can send: three content types, and no custom header.
    for kind in ["application/x-www-form-urlencoded", "multipart/form-data; boundary=b", "text/plain"] {
        let ask = server.ask("admin", Method::POST, "/cloud/groups").without("OCS-APIRequest");
        assert_eq!(ask.body(kind, "groupid=forged").send().await.status, 412, "{kind}");
    }
    server
        .get("admin", "/cloud/groups/forged")
        .send()
        .await
        .fails(404, "The requested group could not be found");
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_paths_are_reported_without_a_sign_in() {
    let server = Server::start().await;
    let text = "Invalid query, please check the syntax. API specifications are here: http://www.freedesktop.org/wiki/Specifications/open-collaboration-services.\n";
    for (path, status, code) in [
        ("/cloud/nonsense", 200, 998),
        ("/", 200, 998),
        ("/cloud/users/", 200, 998),
        ("/cloud/config", 200, 998),
        ("/ocs/v2.php/cloud/nonsense", 404, 404),
    ] {
        let answer = server.get("-", path).send().await.is(status, code, text);
        assert_eq!(answer.header("content-type"), "text/xml; charset=UTF-8");
    }
    let json = server.get("-", "/cloud/nonsense?format=json").send().await.is(200, 998, text);
    assert_eq!(json.header("content-type"), "application/json; charset=utf-8");
    let accept = server.get("-", "/cloud/nonsense").header("Accept", "application/json").send().await;
    assert_eq!(
        accept.header("content-type"),
        "text/xml; charset=UTF-8",
        "the old answers never look at Accept"
    );
    let slash = server.get("-", "/cloud/users/").send().await;
    assert!(slash.element("hint").unwrap().contains("without the trailing slash"), "{slash:?}");
    let command = server.get("-", "/cloud/users%20-d%20userid=frank").send().await;
    assert!(command.element("hint").unwrap().contains("type it in a terminal"), "{command:?}");
    for (method, path) in [(Method::PUT, "/cloud/users"), (Method::POST, "/cloud/users/Frank")] {
        let answer = server.ask("admin", method, path).send().await;
        assert_eq!((answer.status, answer.code()), (405, 405));
        assert!(answer.header("allow").contains("GET"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_beginners_are_answered_with_a_hint() {
    let server = Server::start().await;
    let hint = async |ask: Ask<'_>| ask.send().await.element("hint").unwrap_or_default().to_owned();
    let wrong = hint(server.get("-", "/cloud/users").basic("root", "database password")).await;
    assert!(wrong.contains("not those of the database or of the operating system"), "{wrong}");
    let none = hint(server.get("-", "/cloud/users")).await;
    assert!(none.contains("-u name:password"), "{none}");
    let quotes = hint(server.post(
        "admin",
        "/cloud/users",
        "userid=%E2%80%9CFrank%E2%80%9D&password=Tr0ub4dor%263xyz-quux",
    ))
    .await;
    assert!(quotes.contains("typographic quotes"), "{quotes}");
    let inner = hint(server.post("admin", "/cloud/users", "userid=%22Frank%22&password=x")).await;
    assert!(inner.contains("-d 'userid=frank'"), "{inner}");
    let capital = hint(server.post("admin", "/cloud/users", "userId=frank&password=x")).await;
    assert!(capital.contains("-d userid=frank"), "{capital}");
    // What they sent is not what they meant.
    for (ask, code, meaning) in [
        (
            server.put("admin", "/cloud/users/Frank", "email=frank%40example.com"),
            400,
            "-d key=email -d value=",
        ),
        (server.put("admin", "/cloud/users/Frank", "key=email"), 400, "-d key=email -d value="),
        (
            server.put("admin", "/cloud/users/Frank", r#"{"key":"email","value":"a@b.de"}"#),
            400,
            "looks like JSON",
        ),
        (server.post("admin", "/cloud/users", r#"{"userid":"x","password":"y"}"#), 108, "looks like JSON"),
        (server.put("admin", "/cloud/users/Frank", "key=quota&value=5+GiB"), 102, "5 GB"),
        (
            server.post("admin", "/cloud/users", "userid=x1&password=Tr0ub4dor%263xyz-quux&quota=lots"),
            102,
            "5 GB",
        ),
        (server.put("admin", "/cloud/users/Frank", "key=language&value=german"), 102, "pt_BR"),
        (server.put("admin", "/cloud/users/Frank", "key=locale&value=german"), 102, "de_DE"),
        (server.put("admin", "/cloud/users/Frank", "key=phone&value=0711+x"), 102, "+49"),
        (server.put("admin", "/cloud/users/Frank", "key=website&value=example.org"), 102, "https://"),
        (server.put("admin", "/cloud/users/Frank", "key=timezone&value=CEST"), 102, "Europe/Berlin"),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.code(), code, "{answer:?}");
        assert!(answer.element("hint").unwrap_or_default().contains(meaning), "{answer:?}");
    }
    // Where the message is empty for programs, the hint explains the code.
    for (ask, meaning) in [
        (server.put("admin", "/cloud/users/ghost/disable", ""), "unknown user"),
        (server.delete("admin", "/cloud/users/admin"), "the last administrator"),
        (server.post("admin", "/cloud/users/Frank/groups", "groupid=nogroup"), "unknown group"),
        (server.put("admin", "/cloud/users/Frank", "key=e-mail&value=x"), "unknown field"),
        (server.get("jane", "/cloud/users/Frank"), "not visible to you"),
    ] {
        let answer = ask.send().await;
        assert_eq!(answer.message(), "", "{answer:?}");
        assert!(answer.element("hint").unwrap_or_default().contains(meaning), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_found_in_any_spelling_and_by_their_address() {
    let server = Server::start().await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=rabbit%40example.org")
        .send()
        .await
        .ok();
    for name in ["Frank", "FRANK", "rabbit@example.org", "Rabbit@Example.ORG"] {
        let answer = server.get("-", "/cloud/user?format=json").basic(name, PASSWORD).send().await.ok();
        assert_eq!(answer.data()["id"], "Frank", "{name}");
    }
    // Another user who sets the same address changes nothing.
    server.put("admin", "/cloud/users/jane", "key=email&value=rabbit%40example.org").send().await.ok();
    let answer =
        server.get("-", "/cloud/user?format=json").basic("rabbit@example.org", PASSWORD).send().await;
    assert_eq!(answer.ok().data()["id"], "Frank");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_header_is_a_bad_request() {
    let server = Server::start().await;
    for value in ["Basic !!!", "Basic bm8gY29sb24=", "Basic"] {
        let answer = server.get("-", "/cloud/users").header("Authorization", value).send().await;
        assert_eq!(answer.status, 400, "{value}");
        assert!(answer.json()["message"].as_str().unwrap().contains("Authorization"), "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_are_delayed_and_then_refused_at_every_frontend() {
    let throttle = "[resolver]\nthrottle = { first_delay = \"1ms\", longest_delay = \"2ms\", refuse_after = 3, per = \"30m\" }";
    let server = Server::with("", throttle).await;
    let mut statuses = Vec::new();
    for nth in 0..8 {
        let ask = if nth % 2 == 0 {
            server.get("-", "/cloud/users").basic("Frank", &format!("guess number {nth}"))
        } else {
            server
                .ask("-", Method::POST, "/person/check")
                .form(&format!("login=Frank&password=guess+number+{nth}"))
        };
        let answer = ask.from(Ipv4Addr::LOCALHOST).send().await;
        if answer.status == 429 {
            assert!(answer.header("retry-after").parse::<u64>().unwrap() > 0, "{answer:?}");
        }
        statuses.push(answer.code());
    }
    assert!(statuses.ends_with(&[429, 429]), "{statuses:?}");
    assert!(statuses.iter().filter(|code| [997, 102].contains(code)).count() <= 3, "{statuses:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn name_and_a_password_can_be_checked() {
    let server = Server::start().await;
    let check =
        async |form: &str| server.ask("-", Method::POST, "/person/check?format=json").form(form).send().await;
    let person = check(&format!("login=FRANK&password={}", PASSWORD.replace(' ', "+"))).await.ok();
    assert_eq!(person.data(), serde_json::json!({"person": {"personid": "Frank"}}));
    check("login=Frank&password=wrong").await.fails(102, "");
    check("login=Frank").await.fails(101, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn app_password_works_until_revoked() {
    let server = Server::start().await;
    let id = UserId::parse("Frank").unwrap();
    let (token, kept) = server.accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    let ask = |name: &str| server.get("-", "/cloud/user").basic(name, token.expose());
    ask("frank").send().await.ok();
    ask("jane").send().await.fails(997, "Unauthorised");
    server.accounts.app_passwords().revoke(&id, kept.key).await.unwrap();
    ask("frank").send().await.fails(997, "Unauthorised");
    let (token, _) = server.accounts.app_passwords().create(&id, "lost phone", None).await.unwrap();
    server.post("admin", "/cloud/users/Frank/wipe", "").send().await.ok();
    server.get("-", "/cloud/user").basic("Frank", token.expose()).send().await.fails(997, "Unauthorised");
}

#[tokio::test(flavor = "multi_thread")]
async fn proxy_with_plain_http_outside_takes_no_passwords() {
    let proxy = "[resolver]\ntrusted_proxies = [\"127.0.0.1\"]";
    let server = Server::with("", proxy).await;
    let ask = |proto: &str| {
        server
            .get("admin", "/cloud/users")
            .header("X-Forwarded-For", "203.0.113.9")
            .header("X-Forwarded-Proto", proto)
            .from(Ipv4Addr::LOCALHOST)
    };
    let refused = ask("http").send().await;
    assert_eq!(refused.status, 403);
    assert!(refused.json()["message"].as_str().unwrap().contains("https"), "{refused:?}");
    ask("https").send().await.ok();
    let open = Server::with("allow_plaintext = true", proxy).await;
    open.get("admin", "/cloud/users")
        .header("X-Forwarded-For", "203.0.113.9")
        .from(Ipv4Addr::LOCALHOST)
        .send()
        .await
        .ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn disabling_deleting_and_moving_count_at_once() {
    let server = Server::start().await;
    server.get("Frank", "/cloud/user").send().await.ok();
    server.put("admin", "/cloud/users/Frank/disable", "").send().await.ok();
    server.get("Frank", "/cloud/user").send().await.fails(997, "Unauthorised");
    server.put("admin", "/cloud/users/Frank/enable", "{}").send().await.ok();
    server.get("Frank", "/cloud/user").send().await.ok();
    server.delete("admin", "/cloud/users/Frank").send().await.ok();
    server.get("Frank", "/cloud/user").send().await.fails(997, "Unauthorised");
    server.delete("admin", "/cloud/users/sam/subadmins").form("groupid=group1").send().await.ok();
    server.get("sam", "/cloud/users").send().await.fails(403, "Logged in user must be at least a sub admin");
}

#[tokio::test(flavor = "multi_thread")]
async fn switching_disable_takes_no_body_any_body_and_odd_bodies() {
    let server = Server::start().await;
    let put = || server.ask("admin", Method::PUT, "/cloud/users/jane/disable");
    for ask in [
        put(),
        put().header("Content-Length", "0"),
        put().form("key=disable&value=true"),
        put().form("foo=bar"),
        put().body("application/json", "{}"),
        put().body("application/x-www-form-urlencoded", ""),
        put().body(
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--b--\r\n",
        ),
    ] {
        ask.send().await.ok();
        let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
        assert_eq!(seen["enabled"], false);
        server.put("admin", "/cloud/users/jane/enable", "").send().await.ok();
    }
}
