//! The shapes of answers: keys, their order, lists and maps.

use super::*;

fn keys(value: &serde_json::Value) -> Vec<String> {
    value.as_object().expect("a map").keys().cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn user_has_the_known_keys_in_order() {
    let server = Server::start().await;
    let seen = server.get("admin", "/cloud/users/Frank?format=json").send().await.ok().data();
    assert_eq!(
        keys(&seen).join(" "),
        "enabled storageLocation id firstLoginTimestamp lastLoginTimestamp lastLogin backend subadmin quota manager email \
         additional_mail displayname display-name phone address website twitter bluesky fediverse organisation role \
         headline biography profile_enabled pronouns birthdate groups language locale timezone notify_email \
         confirmedEmail backendCapabilities"
    );
    assert_eq!(seen["enabled"], true);
    assert_eq!(seen["backend"], "Database");
    assert_eq!(seen["storageLocation"], "/var/lib/user-backend/data/Frank");
    assert_eq!(seen["lastLogin"], 0);
    assert_eq!(seen["quota"], serde_json::json!({"quota": "none", "used": 0}));
    assert_eq!(seen["email"], serde_json::Value::Null);
    assert_eq!(seen["groups"], serde_json::json!(["group1", "group2"]));
    assert_eq!(seen["profile_enabled"], "1");
    assert_eq!(seen["backendCapabilities"], serde_json::json!({"setDisplayName": true, "setPassword": true}));

    let own = server.get("Frank", "/cloud/users/Frank?format=json").send().await.ok().data();
    let own_keys = keys(&own);
    assert!(!own_keys.contains(&"enabled".to_owned()), "{own_keys:?}");
    assert!(
        own_keys.contains(&"emailScope".to_owned()) && own_keys.contains(&"additional_mailScope".to_owned())
    );
    assert_eq!(own["emailScope"], "v2-federated");
    assert_eq!(own["phoneScope"], "v2-local");
    assert!(own["lastLogin"].as_i64().unwrap() > 1_000_000_000_000, "milliseconds");
    assert_eq!(
        own["quota"],
        serde_json::json!({"free": -3, "used": 0, "total": -3, "relative": 0, "quota": -3}),
        "who signed in has a home"
    );
    let other_spelling = server.get("Frank", "/cloud/users/FRANK?format=json").send().await.ok().data();
    assert!(!keys(&other_spelling).contains(&"emailScope".to_owned()), "scopes for the exact id only");
    let own = server.get("jane", "/cloud/user?format=json").send().await.ok().data();
    assert_eq!((&own["id"], &own["display-name"]), (&"jane".into(), &"jane".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_lists_and_maps_are_maps() {
    let server = Server::start().await;
    let get = async |who: &str, path: &str| {
        server.get(who, &format!("{path}?format=json")).send().await.ok().data()
    };
    let json = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    assert_eq!(
        get("admin", "/cloud/users").await,
        json(r#"{"users":["admin","Frank","jane","outsider","sam"]}"#)
    );
    assert_eq!(get("sam", "/cloud/users").await, json(r#"{"users":["Frank","jane","sam"]}"#));
    assert_eq!(
        get("admin", "/cloud/groups").await,
        json(r#"{"groups":["admin","group1","group2","group3"]}"#)
    );
    assert_eq!(get("admin", "/cloud/groups/group1").await, json(r#"{"users":["Frank","jane","sam"]}"#));
    assert_eq!(get("admin", "/cloud/users/Frank/groups").await, json(r#"{"groups":["group1","group2"]}"#));
    assert_eq!(get("sam", "/cloud/users/Frank/groups").await, json(r#"{"groups":["group1"]}"#));
    assert_eq!(get("admin", "/cloud/users/sam/subadmins").await, json(r#"["group1"]"#));
    assert_eq!(get("admin", "/cloud/users/Frank/subadmins").await, json("[]"));
    assert_eq!(get("admin", "/cloud/groups/group1/subadmins").await, json(r#"["sam"]"#));
    assert_eq!(
        get("admin", "/cloud/groups/details").await["groups"][1],
        json(
            r#"{"id":"group1","displayname":"group1","usercount":3,"disabled":0,"canAdd":true,"canRemove":true}"#
        )
    );
    let fields = r#"["displayname","email","additional_mail","phone","address","website","twitter","organisation","role","headline","biography","profile_enabled","fediverse","bluesky","pronouns"]"#;
    assert_eq!(get("jane", "/cloud/user/fields").await, json(fields));
    let details = get("admin", "/cloud/users/details").await;
    assert_eq!(keys(&details["users"]), ["admin", "Frank", "jane", "outsider", "sam"]);
    assert_eq!(details["users"]["Frank"]["id"], "Frank");
    let page =
        server.get("admin", "/cloud/groups/group1/users/details?limit=2&format=json").send().await.ok();
    assert_eq!(keys(&page.data()["users"]), ["Frank", "jane"]);
    assert_eq!(get("admin", "/cloud/users/disabled").await, json(r#"{"users":[]}"#));
    let recent = get("admin", "/cloud/users/recent").await;
    let mut recent = keys(&recent["users"]);
    recent.sort();
    assert_eq!(recent, ["admin", "jane", "sam"], "those who have asked something in this test");
    let capabilities = get("jane", "/cloud/capabilities").await;
    assert_eq!(capabilities["version"]["major"], 25);
    assert_eq!(capabilities["capabilities"]["password_policy"]["minLength"], 10);
    assert_eq!(
        get("admin", "/cloud/apps").await,
        json(r#"{"apps":["password_policy","provisioning_api","user_external"]}"#)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_searched_and_cut_into_pages() {
    let server = Server::start().await;
    server.put("admin", "/cloud/users/Frank", "key=email&value=Rabbit%40hole.example").send().await.ok();
    server.put("admin", "/cloud/users/Frank", "key=displayname&value=White+Rabbit").send().await.ok();
    let users = async |query: &str| {
        let answer = server.get("admin", &format!("/cloud/users?format=json&{query}")).send().await.ok();
        answer.data()["users"]
            .as_array()
            .unwrap()
            .iter()
            .map(|id| id.as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    for (query, expected) in [
        ("search=FRANK", "Frank"),
        ("search=white%20r", "Frank"),
        ("search=hole.example", "Frank"),
        ("search=_", ""),
        ("search=%25", ""),
        ("search=a", "admin Frank jane sam"),
        ("limit=2&offset=1", "Frank jane"),
        ("limit=0", ""),
        ("limit=-5", "admin Frank jane outsider sam"),
        ("offset=4", "sam"),
        ("offset=99999999999999999999", ""),
    ] {
        assert_eq!(users(query).await, expected, "{query}");
    }
    let page = server.get("admin", "/cloud/users?limit=2&format=json").send().await.ok().json();
    assert_eq!(
        (&page["ocs"]["meta"]["totalitems"], &page["ocs"]["meta"]["itemsperpage"]),
        (&"5".into(), &"2".into())
    );
    let negative = server.get("admin", "/cloud/users?offset=-1").send().await;
    negative.fails(400, "The parameter offset must not be negative");
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_outside_xml_names_are_safe_in_every_list() {
    let server = Server::start().await;
    let odd =
        ["12345", "123e4567-e89b-12d3-a456-426614174000", "joe@example.com", "frank the tank", "O'Brien"];
    for id in odd {
        server.person(id, &["group1"], &[]).await;
    }
    let xml = server.get("admin", "/cloud/users/details").send().await.ok();
    for id in odd {
        assert!(xml.body.contains(&format!("<id>{id}</id>")), "{id}: {}", xml.body);
    }
    assert!(xml.body.contains("<element>\n    <enabled>1</enabled>"), "{}", xml.body);
    assert!(xml.body.contains("<Frank>\n    <enabled>1</enabled>"), "{}", xml.body);
    let json = server.get("admin", "/cloud/users?search=12345&format=json").send().await.ok();
    assert_eq!(json.data(), serde_json::json!({"users": ["12345"]}), "a text, never a number");
    for id in ["frank%20the%20tank", "joe@example.com", "joe%40example.com", "O'Brien", "12345"] {
        server.get("admin", &format!("/cloud/users/{id}")).send().await.ok();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_has_the_security_headers() {
    let server = Server::start().await;
    for path in ["/cloud/users", "/cloud/nonsense", "/ocs/v2.php/cloud/users", "/ocs/v3.php", "/healthz"] {
        let answer = server.get("admin", path).send().await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache, no-store, must-revalidate"),
            (
                "content-security-policy",
                "default-src 'none';base-uri 'none';manifest-src 'self';frame-ancestors 'none'",
            ),
        ] {
            assert_eq!(answer.header(name), value, "{path}");
        }
        assert_eq!(answer.header("x-request-id").len(), 20, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
    assert_eq!(server.get("-", "/healthz").send().await.body, "ok\n");
    assert_eq!(server.get("-", "/readyz").send().await.body, "ready\n");
    assert_eq!(server.get("-", "/ocs/v9.php/x").send().await.status, 404);
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_include_version_without_authentication() {
    let server = Server::start().await;
    let status = server.page(Method::GET, "/status.php").send().await;
    assert_eq!((status.status, status.header("content-type")), (200, "application/json"), "{status:?}");
    let status = status.json();
    let capabilities = server.get("-", "/cloud/capabilities?format=json").send().await.ok().data();
    assert_eq!((&status["installed"], &status["maintenance"]), (&true.into(), &false.into()));
    assert_eq!(status["versionstring"], capabilities["version"]["string"]);
    assert!(status["version"].as_str().unwrap().starts_with(status["versionstring"].as_str().unwrap()));
}

#[tokio::test(flavor = "multi_thread")]
async fn capabilities_are_read_once_and_then_found_unchanged() {
    let server = Server::start().await;
    let first = server.get("-", "/cloud/capabilities?format=json").send().await.ok();
    let tag = first.header("etag").to_owned();
    assert!(tag.len() > 10, "{first:?}");
    let again = server.get("-", "/cloud/capabilities?format=json").header("If-None-Match", &tag).send().await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
