//! Attacks on the API (O02 to O15).
//!
//! Roles, races, request smuggling and injection have their own files.

use user_backend_server::provisioning::{caller::RequiredRole, routes::ROUTES};

use super::*;

const GOOD: &str = "down the rabbit hole";

#[tokio::test(flavor = "multi_thread")]
async fn o02_header_is_a_name_and_a_password_or_refused() {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;

    let server = Server::start().await;
    for (id, password) in
        [("colon", "pa:ss word: 12"), ("umlaut", "päss wörter 12"), ("emoji", "🐘🐘 elephants 12")]
    {
        let encoded = percent_encoding::utf8_percent_encode(password, percent_encoding::NON_ALPHANUMERIC);
        server.post("admin", "/cloud/users", &format!("userid={id}&password={encoded}")).send().await.ok();
    }
    let basic = |bytes: &[u8]| format!("Basic {}", BASE64_STANDARD.encode(bytes));
    let long = vec![b'a'; 8192];
    let rows: Vec<(&str, String, u16)> = vec![
        ("a password with colons", basic(b"colon:pa:ss word: 12"), 100),
        ("only what is behind the first colon", basic(b"colon:pa"), 997),
        ("UTF-8", basic("umlaut:päss wörter 12".as_bytes()), 100),
        ("Latin-1, as old clients send it", basic(b"umlaut:p\xe4ss w\xf6rter 12"), 100),
        ("beyond the first plane", basic("emoji:🐘🐘 elephants 12".as_bytes()), 100),
        ("the scheme in any letter case", basic(b"colon:pa:ss word: 12").replace("Basic", "bAsIC"), 100),
        ("blanks around it", basic(b"colon:pa:ss word: 12").replace("Basic ", "Basic   "), 100),
        ("no password", basic(b"colon:"), 997),
        ("no name", basic(b":pa:ss word: 12"), 997),
        ("nothing but a colon", basic(b":"), 997),
        ("a NUL in the name", basic(b"colon\0:pa:ss word: 12"), 997),
        ("a NUL behind the password", basic(b"colon:pa:ss word: 12\0"), 997),
        ("a line end in the name", basic(b"colon\r\n:pa:ss word: 12"), 997),
        ("a blank behind the password", basic(b"colon:pa:ss word: 12 "), 997),
        ("the password url-encoded", basic(b"colon:pa%3Ass%20word%3A%2012"), 997),
        ("no colon", basic(b"colon"), 400),
        ("no base64", "Basic !!!".to_owned(), 400),
        (
            "base64 without its end",
            basic(b"colon:pa:ss word: 12").trim_end_matches('=').to_owned() + "=====",
            400,
        ),
        ("nothing", "Basic".to_owned(), 400),
        ("eight kilobytes", basic(&long), 400),
        ("another scheme", "Digest username=colon".to_owned(), 997),
        ("another token", "Bearer abc".to_owned(), 997),
        ("an empty header", String::new(), 997),
    ];
    for (what, value, expected) in rows {
        let answer = server.get("-", "/cloud/user").header("Authorization", &value).send().await;
        let found = if answer.status == 400 { 400 } else { answer.code() };
        assert_eq!(found, expected, "{what}: {answer:?}");
    }
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let text = "GET /ocs/v1.php/cloud/users HTTP/1.1\r\nHost: localhost\r\nOCS-APIRequest: true\r\nConnection: close\r\n\
                Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n\r\n";
    let answer = smuggling::exchange(&mut stream, text.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400"), "two sign-ins in one request are refused: {answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn o03_no_xml_is_read_and_what_xml_cannot_say_is_not_stored() {
    let server = Server::start().await;
    let bomb = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><groupid>&e;</groupid>";
    for kind in ["application/xml", "text/xml", "application/soap+xml"] {
        let ask = server.ask("admin", Method::POST, "/cloud/groups").body(kind, bomb);
        assert_eq!(ask.send().await.code(), 415, "{kind}");
    }
    for body in ["{\"key\":\"role\",\"value\":\"\\ud800\"}", "{\"key\":\"role\",\"value\":\"a\\udc00b\"}"] {
        let ask = server.ask("admin", Method::PUT, "/cloud/users/Frank").body("application/json", body);
        assert_eq!(ask.send().await.code(), 400, "half of a pair: {body}");
    }
    let odd = (0..0x20).filter(|code| ![9, 10, 13].contains(code)).chain([0xfffe, 0xffff]);
    for found in odd.filter_map(char::from_u32) {
        let encoded =
            percent_encoding::utf8_percent_encode(&format!("a{found}b"), percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        for (method, path, form, code) in [
            (Method::PUT, "/cloud/users/Frank", "key=biography&value=", 102),
            (Method::PUT, "/cloud/users/Frank", "key=manager&value=", 102),
            (Method::PUT, "/cloud/users/Frank", "key=displayname&value=", 101),
            (Method::POST, "/cloud/users", "userid=new&email=n%40example.org&displayName=", 101),
            (Method::POST, "/cloud/users", "userid=new&email=n%40example.org&manager=", 102),
            (Method::POST, "/cloud/users", "email=n%40example.org&userid=", 101),
            (Method::POST, "/cloud/groups", "groupid=", 101),
            (Method::POST, "/cloud/groups", "groupid=new&displayname=", 101),
            (Method::PUT, "/cloud/groups/group1", "key=displayname&value=", 101),
            (Method::POST, "/apps/provisioning_api/api/v1/config/apps/core/x", "value=", 403),
        ] {
            let answer = server.ask("admin", method, path).form(&format!("{form}{encoded}")).send().await;
            assert_eq!(answer.code(), code, "{path} {form}{encoded}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o04_ids_in_paths_are_decoded_once_and_lead_nowhere_else() {
    let server = Server::start().await;
    for id in
        [".", "..", "...", "a/b", "..%2f", "España", "a%00b", "%2e%2e", "con\u{202e}", "", " a", "a ", "a\tb"]
    {
        let encoded = percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC);
        let form = format!("userid={encoded}&email=n%40example.org");
        assert_eq!(server.post("admin", "/cloud/users", &form).send().await.code(), 101, "{id:?}");
    }
    server.post("admin", "/cloud/users", "userid=two+words&email=n%40example.org").send().await.ok();
    server.post("admin", "/cloud/users", "userid=x%40y.z&email=n%40example.org").send().await.ok();
    for (path, code, id) in [
        ("Frank", 100, "Frank"),
        ("%46rank", 100, "Frank"),
        ("fr%41nk", 100, "Frank"),
        ("two%20words", 100, "two words"),
        ("two+words", 404, ""),
        ("two%2520words", 404, ""),
        ("%2546rank", 404, ""),
        ("x@y.z", 100, "x@y.z"),
        ("x%40y.z", 100, "x@y.z"),
        ("%2e%2e", 404, ""),
        ("..", 404, ""),
        ("%2e%2e%2fusers%2fFrank", 404, ""),
        ("..%2fusers%2fFrank", 404, ""),
        ("Frank%00", 404, ""),
        ("Frank%20", 404, ""),
        ("Frank%0a", 404, ""),
        ("Frank%2f", 404, ""),
        ("Espa%C3%B1a", 404, ""),
        ("%ff%fe", 998, ""),
        ("Frank;jsessionid=1", 404, ""),
    ] {
        let answer = server.get("admin", &format!("/cloud/users/{path}?format=json")).send().await;
        assert_eq!(answer.code(), code, "{path}: {answer:?}");
        if code == 100 {
            assert_eq!(answer.data()["id"], id, "{path}");
        }
    }
    // The same name at sign-in: any letter case and width, nothing else.
    for (name, code) in
        [("fRANK", 100), ("Frank ", 997), ("%46rank", 997), ("Frank\u{200b}", 997), ("Ｆｒａｎｋ", 100)]
    {
        let answer = server.get("-", "/cloud/user").basic(name, PASSWORD).send().await;
        assert_eq!(answer.code(), code, "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o05_what_is_too_large_or_broken_is_turned_away() {
    let server = Server::start().await;
    let large = "a".repeat(1024 * 1024 + 1);
    let answer = server.post("admin", "/cloud/groups", &format!("groupid={large}")).send().await;
    assert_eq!(answer.code(), 400, "{}", answer.status);
    let (fits, too_many) = ("x=1&".repeat(1999), "x=1&".repeat(2001));
    server.put("admin", "/cloud/users/jane/enable", &fits).send().await.ok();
    server.put("admin", "/cloud/users/jane/enable", &too_many).send().await.fails(400, "Too many parameters");
    let list = format!("[{}]", vec!["1"; 2001].join(","));
    let json = format!("{{\"groups\":{list}}}");
    let ask = server.ask("admin", Method::POST, "/cloud/users").body("application/json", &json);
    assert_eq!(ask.send().await.code(), 400);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let ask = server.ask("admin", Method::POST, "/cloud/users").body("application/json", &deep);
    assert_eq!(ask.send().await.code(), 400);
    let head = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n";
    for (text, refused) in [
        (format!("{head}\r\n"), "HTTP/1.1 200"),
        (format!("{head}{}\r\n", "X: y\r\n".repeat(98)), "HTTP/1.1 200"),
        (format!("{head}{}\r\n", "X: y\r\n".repeat(99)), "HTTP/1.1 431"),
        (format!("{head}X: {}\r\n\r\n", "a".repeat(12 * 1024)), "HTTP/1.1 200"),
        (format!("{head}X: {}\r\n\r\n", "a".repeat(20 * 1024)), "HTTP/1.1 431"),
        (format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "a".repeat(20 * 1024)), "HTTP/1.1 431"),
        (format!("{head}\u{201c}OCS-APIRequest: true\u{201d}\r\n\r\n"), "HTTP/1.1 400"),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 400"),
    ] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let answer = smuggling::exchange(&mut stream, text.as_bytes()).await;
        assert!(answer.starts_with(refused), "{}: {answer}", text.chars().take(80).collect::<String>());
    }
}

/// The clock jumps ahead as soon as nothing else happens.
#[tokio::test]
async fn o05_unfinished_request_head_is_closed_and_delays_no_one() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let server = Server::start().await;
    let mut slow = Vec::new();
    for _ in 0..200 {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-a: ").await.unwrap();
        slow.push(stream);
    }
    server.get("admin", "/cloud/users").send().await.ok();
    tokio::time::pause();
    for mut stream in slow {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 200"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o10_users_change_only_their_listed_fields() {
    let server = Server::start().await;
    let before = server.get("jane", "/cloud/user?format=json").send().await.ok().data();
    for key in [
        "quota",
        "manager",
        "groups",
        "subadmin",
        "enabled",
        "backend",
        "id",
        "userid",
        "uid",
        "admin",
        "isAdmin",
        "lastLogin",
        "storageLocation",
        "groups[]",
        "password_hash",
        "generation",
        "canonical",
        "Email",
        "EMAIL",
        "role ",
        "__proto__",
        "constructor",
        "*",
        "",
        "fields",
        "key",
        "scope",
        "quotaScope",
        "groupsScope",
    ] {
        let encoded = percent_encoding::utf8_percent_encode(key, percent_encoding::NON_ALPHANUMERIC);
        for value in ["admin", "1", "none", "5 GB"] {
            let one = server.put("jane", "/cloud/users/jane", &format!("key={encoded}&value={value}"));
            assert_eq!(one.send().await.code(), 103, "{key}={value}");
        }
        let several =
            server.put("jane", "/cloud/users/jane", &format!("fields[role]=x&fields[{encoded}]=admin"));
        let code = several.send().await.code();
        // A key that the form itself takes apart.
        assert!(code == 103 || code == 400 && ["groups[]", ""].contains(&key), "{key}: {code}");
    }
    for form in [
        "key=role&value=x&key=quota",
        "key=role&value=x&value=y",
        "key=quota&value=1&key=role&value=x",
        "key[]=role&value=x",
        "key=role&value[]=x",
        "key[a]=role&value=x",
    ] {
        assert_eq!(server.put("jane", "/cloud/users/jane", form).send().await.code(), 400, "{form}");
    }
    let mut after = server.get("jane", "/cloud/user?format=json").send().await.ok().data();
    for moving in ["lastLogin", "lastLoginTimestamp"] {
        after[moving] = before[moving].clone();
    }
    assert_eq!(after, before);
    // Nor does a new user get more than requested.
    let form = format!(
        "userid=new&password={GOOD}&enabled=0&isAdmin=1&admin=1&id=other&backend=&lastLogin=5&role=x"
    );
    server.post("admin", "/cloud/users", &form.replace(' ', "+")).send().await.ok();
    let new = server.get("admin", "/cloud/users/new?format=json").send().await.ok().data();
    assert_eq!((&new["enabled"], &new["role"], &new["lastLogin"]), (&true.into(), &"".into(), &0.into()));
    assert_eq!((&new["groups"], &new["backend"]), (&serde_json::json!([]), &"Database".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn o13_existing_ids_are_shown_to_administrators_only() {
    let server = Server::with("sub_admins_may_add = \"accessible\"", "").await;
    let mut compared = 0;
    for route in ROUTES.iter().filter(|route| route.path.contains("{user}")) {
        for who in ["jane", "sam"] {
            if who == "jane" && route.role != RequiredRole::SignedIn || route.role == RequiredRole::Admin {
                continue;
            }
            let query = "?key=role&value=x&groupid=group1&format=json";
            let path = route.path.replace("{collection}", "additional_mail");
            let ask = |id: &str| {
                server
                    .ask(who, route.method.clone(), &format!("{}{query}", path.replace("{user}", id)))
                    .send()
            };
            let (missing, hidden) = (ask("ghost").await, ask("outsider").await);
            assert_eq!(
                (missing.status, &missing.body),
                (hidden.status, &hidden.body),
                "{who} {} {}",
                route.method,
                route.path
            );
            compared += 1;
        }
    }
    assert!(compared > 15, "{compared}");
    for path in ["/cloud/groups/GROUP", "/cloud/groups/GROUP/users", "/cloud/groups/GROUP/users/details"] {
        let ask = |group: &str| server.get("jane", &path.replace("GROUP", group)).send();
        assert_eq!(ask("group2").await.body, ask("nogroup").await.body, "{path}");
    }
    let check = async |login: &str| {
        server
            .ask("-", Method::POST, "/person/check")
            .form(&format!("login={login}&password=wrong"))
            .send()
            .await
    };
    assert_eq!(check("Frank").await.body, check("ghost").await.body);
}

#[tokio::test(flavor = "multi_thread")]
async fn o14_pages_add_up_during_inserts() {
    let server = Server::start().await;
    let ids = async |query: &str| {
        let answer = server.get("admin", &format!("/cloud/users?format=json&{query}")).send().await;
        (answer.code(), answer.data()["users"].as_array().map_or(0, Vec::len))
    };
    for (query, expected) in [
        ("", (100, 5)),
        ("limit=", (100, 5)),
        ("limit=2", (100, 2)),
        ("limit=0", (100, 0)),
        ("limit=-1", (100, 5)),
        ("limit=-9223372036854775808", (100, 5)),
        ("limit=9223372036854775807", (100, 5)),
        ("limit=9223372036854775808", (100, 5)),
        ("limit=99999999999999999999999999", (100, 5)),
        ("limit=abc", (100, 0)),
        ("limit=2abc", (100, 2)),
        ("limit=%202", (100, 2)),
        ("limit=2.9", (100, 2)),
        ("limit=1e3", (100, 1)),
        ("limit=0x10", (100, 0)),
        ("offset=", (100, 5)),
        ("offset=4", (100, 1)),
        ("offset=5", (100, 0)),
        ("offset=9223372036854775807", (100, 0)),
        ("offset=99999999999999999999999999", (100, 0)),
        ("offset=-1", (400, 0)),
        ("offset=-99999999999999999999999999", (400, 0)),
        ("offset=abc", (100, 5)),
        ("limit[]=2", (400, 0)),
        ("offset[]=2", (400, 0)),
    ] {
        assert_eq!(ids(query).await, expected, "{query}");
    }
    for (list, all) in [("/cloud/groups", 4), ("/cloud/users/details", 5), ("/cloud/groups/details", 4)] {
        let count = async |query: &str| {
            let data = server.get("admin", &format!("{list}?format=json&{query}")).send().await.data();
            let under = &data[if list.contains("users") { "users" } else { "groups" }];
            under
                .as_array()
                .map(Vec::len)
                .or_else(|| under.as_object().map(serde_json::Map::len))
                .unwrap_or_default()
        };
        for (query, expected) in [
            ("limit=9223372036854775808&offset=0", all),
            ("limit=1", 1),
            ("limit=-5", all),
            ("offset=9223372036854775807", 0),
            ("limit=9223372036854775807&offset=9223372036854775807", 0),
        ] {
            assert_eq!(count(query).await, expected, "{list} {query}");
        }
    }
    for n in 0..20 {
        server
            .post("admin", "/cloud/users", &format!("userid=p{n:02}&email=n%40example.org"))
            .send()
            .await
            .ok();
    }
    // Who was there at the beginning is on exactly one page, although a user is created before each
    // page is requested.
    let (mut seen, mut offset, limit) = (Vec::new(), 0, 4);
    loop {
        let new = format!("userid=z{offset:03}&email=n%40example.org");
        server.post("admin", "/cloud/users", &new).send().await.ok();
        let path = format!("/cloud/users?format=json&limit={limit}&offset={offset}");
        let answer = server.get("admin", &path).send().await.ok();
        assert!(answer.json()["ocs"]["meta"]["totalitems"].as_str().unwrap().parse::<usize>().unwrap() > 25);
        let page = answer.data()["users"].as_array().unwrap().clone();
        if page.is_empty() || offset > 200 {
            break;
        }
        offset += page.len();
        seen.extend(page);
        if seen.iter().filter(|id| id.as_str().unwrap().starts_with('z')).count() > 4 {
            break;
        }
    }
    for n in 0..20 {
        assert_eq!(seen.iter().filter(|id| **id == format!("p{n:02}")).count(), 1, "p{n:02} in {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn o15_known_body_types_work_with_every_method() {
    let server = Server::start().await;
    let multipart = |fields: &[(&str, &str)]| {
        let parts = fields.iter().map(|(name, value)| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        });
        parts.collect::<String>() + "--b--\r\n"
    };
    type Written = fn(&str, &str) -> String;
    let kinds: [(&str, Written); 4] = [
        ("application/x-www-form-urlencoded", |name, value| format!("{name}={value}")),
        ("application/x-www-form-urlencoded; charset=UTF-8", |name, value| format!("{name}={value}")),
        ("Application/JSON", |name, value| format!("{{\"{name}\":\"{value}\"}}")),
        ("application/json; charset=utf-8", |name, value| format!("{{\"{name}\":\"{value}\"}}")),
    ];
    for (kind, written) in kinds {
        let groups = |method| server.ask("admin", method, "/cloud/users/jane/groups");
        groups(Method::POST).body(kind, &written("groupid", "group3")).send().await.ok();
        groups(Method::DELETE).body(kind, &written("groupid", "group3")).send().await.ok();
    }
    let form = multipart(&[("groupid", "group3")]);
    for method in [Method::POST, Method::DELETE] {
        let ask = server
            .ask("admin", method, "/cloud/users/jane/groups")
            .body("multipart/form-data; boundary=b", &form);
        ask.send().await.ok();
    }
    let edit = multipart(&[("key", "role"), ("value", "by multipart")]);
    let put = |kind: &str, body: &str| server.ask("admin", Method::PUT, "/cloud/users/jane").body(kind, body);
    put("multipart/form-data; boundary=b", &edit).send().await.ok();
    let unread = "The content type of the body is not supported; send application/x-www-form-urlencoded (curl: -d key=value), \
                  application/json or multipart/form-data";
    for kind in
        ["text/plain", "application/xml", "application/octet-stream", "x", "application/jsonx", "form"]
    {
        put(kind, "key=role&value=refused").send().await.fails(415, unread);
    }
    for (kind, body) in [
        ("application/json", "key=role&value=refused"),
        ("application/json", "[{\"key\":\"role\"}]"),
        ("application/json", "{\"key\":\"role\",\"value\":\"refused\""),
        ("multipart/form-data", "key=role&value=refused"),
        (
            "multipart/form-data; boundary=b",
            "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nrole",
        ),
        ("application/x-www-form-urlencoded", "key=role&value=%ff%fe"),
    ] {
        assert_eq!(put(kind, body).send().await.code(), 400, "{kind} {body}");
    }
    let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
    assert_eq!(seen["role"], "by multipart");
    assert_eq!(seen["groups"], serde_json::json!(["group1"]));
    // What the body says wins over the query.
    server.put("admin", "/cloud/users/jane?key=role&value=query", "value=body").send().await.ok();
    let seen = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
    assert_eq!(seen["role"], "body");
    let endpoints = ROUTES.iter().filter(|route| route.operation.id == "UserGroupRemove");
    assert_eq!(endpoints.count(), 1, "the one that clients send a body to with DELETE");
}
