//! `PUT /cloud/users/{user}`: keys, values, who may.

use super::*;

async fn seen(server: &Server, id: &str) -> serde_json::Value {
    server.get("admin", &format!("/cloud/users/{id}?format=json")).send().await.ok().data()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_takes_what_it_should_and_refuses_the_rest() {
    let server = Server::start().await;
    let long = format!("key=address&value={}", "a".repeat(2049));
    for (who, form, code, message) in [
        ("admin", "key=display&value=Frank+Y", 100, "OK"),
        ("admin", "key=displayname&value=", 100, "OK"),
        ("admin", &*format!("key=displayname&value={}", "x".repeat(65)), 101, ""),
        ("admin", "key=email&value=FRANK%40Example.org", 100, "OK"),
        ("admin", "key=email&value=bogus", 102, ""),
        ("admin", "key=email&value=", 100, "OK"),
        ("admin", "key=quota&value=1.5+GB", 100, "OK"),
        ("admin", "key=quota&value=none", 100, "OK"),
        ("admin", "key=quota&value=default", 100, "OK"),
        ("admin", "key=quota&value=1073741824", 100, "OK"),
        ("admin", "key=quota&value=abc", 102, "Invalid quota value abc"),
        ("admin", "key=quota&value=", 102, "Invalid quota value "),
        ("admin", "key=quota&value=-1", 102, "Invalid quota value -1"),
        ("sam", "key=quota&value=7+GB", 100, "OK"),
        ("Frank", "key=quota&value=9+GB", 103, ""),
        ("admin", "key=phone&value=%2B49+711+%2F+25+24+28-90", 100, "OK"),
        ("admin", "key=phone&value=0711+x", 102, "Invalid phone"),
        ("admin", "key=website&value=https%3A%2F%2Fexample.org", 100, "OK"),
        ("admin", "key=website&value=not+a+url", 102, "Invalid website"),
        ("admin", "key=twitter&value=%40rabbit", 100, "OK"),
        ("admin", &*long, 102, "Invalid address"),
        ("admin", "key=organisation&value=Org", 100, "OK"),
        ("admin", "key=language&value=de", 100, "OK"),
        ("admin", "key=language&value=xx", 102, "Invalid language"),
        ("admin", "key=locale&value=de_AT", 100, "OK"),
        ("admin", "key=locale&value=xx_YY", 102, "Invalid locale"),
        ("admin", "key=timezone&value=europe%2Fberlin", 100, "OK"),
        ("admin", "key=timezone&value=Europe%2FAtlantis", 102, "Invalid timezone"),
        ("admin", "key=notify_email&value=x%40y.example", 102, ""),
        ("admin", "key=additional_mail&value=two%40example.org", 100, "OK"),
        ("admin", "key=additional_mail&value=bogus", 102, ""),
        ("admin", "key=notify_email&value=two%40example.org", 100, "OK"),
        ("admin", "key=nosuchkey&value=x", 103, ""),
        ("admin", "key=enabled&value=0", 103, ""),
        ("admin", "key=groups&value=admin", 103, ""),
        ("admin", "key=backend&value=mail", 103, ""),
        ("admin", "key=phoneScope&value=v2-private", 103, ""),
        ("Frank", "key=phoneScope&value=v2-private", 100, "OK"),
        ("Frank", "key=phoneScope&value=nonsense", 102, "Invalid scope"),
        ("Frank", "key=emailScope&value=v2-private", 102, "Invalid scope"),
        ("Frank", "key=email&value=self%40example.org", 100, "OK"),
        ("jane", "key=email&value=evil%40example.org", 998, ""),
        ("admin", "key=email", 400, "The parameter value is missing"),
        ("admin", "value=x", 400, "The parameter key is missing"),
    ] {
        let answer = server.put(who, "/cloud/users/Frank", form).send().await;
        assert_eq!((answer.code(), answer.message().as_str()), (code, message), "{who} {form}: {answer:?}");
    }
    let frank = seen(&server, "Frank").await;
    for (key, value) in [
        ("displayname", serde_json::json!("Frank Y")),
        ("email", "self@example.org".into()),
        ("phone", "+4971125242890".into()),
        ("website", "https://example.org".into()),
        ("twitter", "rabbit".into()),
        ("organisation", "Org".into()),
        ("language", "de".into()),
        ("locale", "de_AT".into()),
        ("timezone", "Europe/Berlin".into()),
        ("additional_mail", serde_json::json!(["two@example.org"])),
        ("notify_email", "two@example.org".into()),
    ] {
        assert_eq!(frank[key], value, "{key}");
    }
    assert_eq!(frank["quota"]["quota"], 7_516_192_768_u64);
    let own = server.get("Frank", "/cloud/user?format=json").send().await.ok().data();
    assert_eq!(own["phoneScope"], "v2-private");
}

#[tokio::test(flavor = "multi_thread")]
async fn several_fields_change_together_or_not_at_all() {
    let server = Server::start().await;
    let form = "fields[email]=a%40example.org&fields[quota]=1+GB&fields[role]=Rabbit";
    server.put("admin", "/cloud/users/jane", form).send().await.ok();
    let json = r#"{"fields": {"email": "b@example.org", "quota": "lots"}}"#;
    let ask = server.ask("admin", Method::PUT, "/cloud/users/jane").body("application/json", json);
    ask.send().await.fails(102, "Invalid quota value lots");
    let jane = seen(&server, "jane").await;
    assert_eq!((&jane["email"], &jane["role"]), (&"a@example.org".into(), &"Rabbit".into()));
    // Clients that send two pairs believe that both count; the original keeps the last one and says
    // nothing.
    let twice = server
        .put("admin", "/cloud/users/jane", "key=quota&value=3GB&key=email&value=x%40example.org")
        .send()
        .await;
    assert_eq!(twice.code(), 400);
    assert!(twice.message().contains("fields[email]"), "{twice:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_come_by_query_and_json_too() {
    let server = Server::start().await;
    server.ask("admin", Method::PUT, "/cloud/users/jane?key=role&value=by+query").send().await.ok();
    assert_eq!(seen(&server, "jane").await["role"], "by query");
    let json = r#"{"key": "role", "value": "by json"}"#;
    server.ask("admin", Method::PUT, "/cloud/users/jane").body("application/json", json).send().await.ok();
    assert_eq!(seen(&server, "jane").await["role"], "by json");
}

#[tokio::test(flavor = "multi_thread")]
async fn further_addresses_are_removed_one_by_one() {
    let server = Server::start().await;
    for address in ["one%40example.org", "two%40example.org"] {
        server
            .put("jane", "/cloud/users/jane", &format!("key=additional_mail&value={address}"))
            .send()
            .await
            .ok();
    }
    let path = "/cloud/users/jane/additional_mail";
    server.put("jane", path, "key=one%40example.org&value=").send().await.ok();
    server.put("jane", path, "key=one%40example.org&value=").send().await.ok();
    server.put("jane", path, "key=two%40example.org&value=bogus").send().await.fails(102, "");
    server.put("jane", "/cloud/users/jane/phones", "key=x&value=").send().await.fails(103, "");
    let scopes = "/cloud/users/jane/additional_mailScope";
    server.put("jane", scopes, "key=two%40example.org&value=v2-federated").send().await.ok();
    server.put("admin", scopes, "key=two%40example.org&value=v2-local").send().await.fails(103, "");
    let own = server.get("jane", "/cloud/user?format=json").send().await.ok().data();
    assert_eq!(own["additional_mail"], serde_json::json!(["two@example.org"]));
    assert_eq!(own["additional_mailScope"], serde_json::json!(["v2-federated"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_password_counts_at_once_and_the_old_one_no_more() {
    let server = Server::start().await;
    // Remembered, so that forgetting is what is tested.
    server.get("Frank", "/cloud/user").send().await.ok();
    let common = "Password is among the 1,000,000 most common ones. Please make it unique.";
    let short = "Password needs to be at least 10 characters long.";
    for (form, code, message) in [
        ("key=password&value=california", 103, common),
        ("key=password&value=", 103, "A valid password must be provided"),
        ("key=password&value=Xk7%2Bq", 103, short),
        (&*format!("key=password&value={}", "x".repeat(470)), 102, "Invalid password value"),
        ("key=password&value=down+the+rabbit+hole+7", 100, "OK"),
    ] {
        let answer = server.put("admin", "/cloud/users/Frank", form).send().await;
        assert_eq!((answer.code(), answer.message().as_str()), (code, message), "{form}");
    }
    server.get("Frank", "/cloud/user").send().await.fails(997, "Unauthorised");
    server.get("-", "/cloud/user").basic("Frank", "down the rabbit hole 7").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn fixed_fields_are_changed_by_administrators_only() {
    let server = Server::with("allow_user_to_change_display_name = false", "").await;
    server.put("jane", "/cloud/users/jane", "key=displayname&value=J").send().await.fails(103, "");
    server.put("jane", "/cloud/users/jane", "key=email&value=j%40example.org").send().await.fails(103, "");
    server.put("admin", "/cloud/users/jane", "key=displayname&value=J").send().await.ok();
    let fields = server.get("jane", "/cloud/user/fields?format=json").send().await.ok().data();
    assert_eq!(fields[0], "additional_mail");
}
