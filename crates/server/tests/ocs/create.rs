//! `POST /cloud/users`: codes, texts, their order, and no partial users.

use super::*;

const GOOD: &str = "password=Tr0ub4dor%263xyz-quux";

async fn refused(server: &Server, who: &str, form: &str, code: u16, message: &str) {
    let answer = server.post(who, "/cloud/users", form).send().await;
    assert_eq!((answer.code(), answer.message().as_str()), (code, message), "{form}: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_have_codes_and_texts_and_create_nothing() {
    let server = Server::start().await;
    let chars =
        "Only the following characters are allowed in a username: \"a-z\", \"A-Z\", \"0-9\", and \"_.@-'\"";
    let blank_end = "Username contains whitespace at the beginning or at the end";
    for (who, form, code, message) in [
        ("admin", format!("userid=jane&{GOOD}"), 102, "User already exists"),
        ("admin", format!("userid=JANE&{GOOD}"), 102, "User already exists"),
        ("admin", format!("userid=x1&{GOOD}&groups[]=nogroup"), 104, "group nogroup does not exist"),
        ("sam", format!("userid=x1&{GOOD}&groups[]=group2"), 105, "insufficient privileges for group group2"),
        ("sam", format!("userid=x1&{GOOD}&groups[]=admin"), 105, "insufficient privileges for group admin"),
        ("sam", format!("userid=x1&{GOOD}"), 106, "no group specified (required for subadmins)"),
        ("admin", format!("userid=x1&{GOOD}&subadmin[]=nogroup"), 102, "Subadmin group does not exist"),
        (
            "admin",
            format!("userid=x1&{GOOD}&subadmin[]=admin"),
            103,
            "Cannot create subadmins for admin group",
        ),
        (
            "sam",
            format!("userid=x1&{GOOD}&groups[]=group1&subadmin[]=group2"),
            403,
            "No permissions to promote subadmins",
        ),
        ("admin", format!("userid=x1&password={}", "x".repeat(470)), 101, "Invalid password value"),
        (
            "admin",
            "userid=x1".to_owned(),
            108,
            "To send a password link to the user an email address is required.",
        ),
        (
            "admin",
            "userid=x1&password=abc".to_owned(),
            107,
            "Password is among the 1,000,000 most common ones. Please make it unique. Password needs to be at least 10 characters long.",
        ),
        ("admin", "userid=x1&password=+++".to_owned(), 101, "A valid password must be provided"),
        ("admin", format!("userid=&{GOOD}"), 101, "A valid username must be provided"),
        ("admin", GOOD.to_owned(), 101, "A valid username must be provided"),
        ("admin", format!("userid=x/1&{GOOD}"), 101, chars),
        ("admin", format!("userid=+x1&{GOOD}"), 101, blank_end),
        ("admin", format!("userid=..&{GOOD}"), 101, "Username must not consist of dots only"),
        (
            "admin",
            format!("userid=.htaccess&{GOOD}"),
            101,
            "Username is invalid because files already exist for this user",
        ),
        ("admin", format!("userid=x1&{GOOD}&quota=lots"), 102, "Invalid quota value lots"),
        ("admin", format!("userid=x1&{GOOD}&language=xx"), 102, "Invalid language"),
        ("admin", format!("userid=x1&{GOOD}&email=bogus"), 101, "Invalid email address"),
        ("admin", format!("userid=x1&{GOOD}&backend=nowhere"), 101, "backend nowhere does not exist"),
        ("jane", format!("userid=x1&{GOOD}"), 403, "Logged in user must be at least a sub admin"),
        ("admin", format!("userid[]=x1&{GOOD}"), 400, "The parameter userid must be a single value"),
    ] {
        refused(&server, who, &form, code, message).await;
    }
    server.get("admin", "/cloud/users/x1").send().await.fails(404, "User does not exist");
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_there_at_once() {
    let server = Server::start().await;
    let form = format!(
        "userid=Full.Name&{GOOD}&displayName=Full+Name&email=FULL%40Example.org&groups[]=group1&groups[]=group2\
         &subadmin[]=group3&quota=2+GB&language=de"
    );
    let created = server.post("admin", "/cloud/users?format=json", &form).send().await.ok();
    assert_eq!(created.data(), serde_json::json!({"id": "Full.Name"}));
    let seen = server.get("admin", "/cloud/users/full.name?format=json").send().await.ok().data();
    for (key, value) in [
        ("id", serde_json::json!("Full.Name")),
        ("displayname", "Full Name".into()),
        ("email", "full@example.org".into()),
        ("groups", serde_json::json!(["group1", "group2"])),
        ("subadmin", serde_json::json!(["group3"])),
        ("quota", serde_json::json!({"quota": 2_147_483_648_u64, "used": 0})),
        ("language", "de".into()),
    ] {
        assert_eq!(seen[key], value, "{key}");
    }
    let own = server.get("-", "/cloud/user").basic("full.NAME", "Tr0ub4dor&3xyz-quux").send().await;
    own.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_arrive_in_every_known_form() {
    let server = Server::start().await;
    let json = r#"{"userid": "by_json", "password": "Tr0ub4dor&3xyz-quux", "groups": ["group1"]}"#;
    server.ask("admin", Method::POST, "/cloud/users").body("application/json", json).send().await.ok();
    server.ask("admin", Method::POST, &format!("/cloud/users?userid=by_query&{GOOD}")).send().await.ok();
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"userid\"\r\n\r\nby_parts\r\n--b\r\n\
                     Content-Disposition: form-data; name=\"password\"\r\n\r\nTr0ub4dor&3xyz-quux\r\n--b--\r\n";
    let ask = server.ask("admin", Method::POST, "/cloud/users");
    ask.body("multipart/form-data; boundary=b", multipart).send().await.ok();
    for id in ["by_json", "by_query", "by_parts"] {
        server.get("-", "/cloud/user").basic(id, "Tr0ub4dor&3xyz-quux").send().await.ok();
    }
    let text = server.ask("admin", Method::POST, "/cloud/users").body("text/plain", "userid=x").send().await;
    assert_eq!((text.status, text.code()), (200, 415), "{text:?}");
    assert!(text.message().contains("curl: -d key=value"), "{text:?}");
    let twice = format!("userid=x1&{GOOD}&groups=group1&groups=group2");
    refused(
        &server,
        "admin",
        &twice,
        400,
        "The parameter groups was sent more than once; a list is sent as groups[]=... and groups[]=...",
    )
    .await;
    let broken = server
        .ask("admin", Method::POST, "/ocs/v2.php/cloud/users")
        .body("application/json", "{x")
        .send()
        .await;
    broken.is(400, 400, "The body is not valid JSON, or not an object");
}

#[tokio::test(flavor = "multi_thread")]
async fn sub_admin_creates_people_in_groups_of_theirs() {
    let server = Server::start().await;
    server.post("sam", "/cloud/users", &format!("userid=new1&{GOOD}&groups[]=group1")).send().await.ok();
    let seen = server.get("sam", "/cloud/users/new1?format=json").send().await.ok();
    assert_eq!(seen.data()["groups"], serde_json::json!(["group1"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_other_backends_are_there_before_they_sign_in() {
    let imap = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    let server = Server::with("", imap).await;
    server
        .post("admin", "/cloud/users", "userid=m@mail.example&backend=mail&groups[]=group1")
        .send()
        .await
        .ok();
    let seen = server.get("admin", "/cloud/users/m@mail.example?format=json").send().await.ok().data();
    assert_eq!((&seen["backend"], &seen["email"]), (&"mail".into(), &"m@mail.example".into()));
    assert_eq!(seen["backendCapabilities"]["setPassword"], false);
    let no = "Setting the password is not supported by the users backend";
    server
        .put("admin", "/cloud/users/m@mail.example", &format!("key=password&value=x{GOOD}"))
        .send()
        .await
        .fails(103, no);
    refused(&server, "admin", &format!("userid=n&backend=mail&{GOOD}"), 101, "Invalid password value").await;
    refused(&server, "sam", "userid=n&backend=mail&groups[]=group1", 403, "Logged in user must be an admin")
        .await;
    // The mail server is down: no decision is possible, and the response is not "wrong password".
    let unavailable = server.get("-", "/cloud/user").basic("m@mail.example", "whatever it is").send().await;
    assert_eq!((unavailable.status, unavailable.code()), (503, 503), "{unavailable:?}");
    assert!(!unavailable.header("retry-after").is_empty());
    server.get("jane", "/cloud/user").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_the_installation_are_obeyed() {
    let server = Server::start().await;
    let config = "/apps/provisioning_api/api/v1/config/apps/core";
    server.post("admin", &format!("{config}/newUser.requireEmail"), "value=yes").send().await.ok();
    refused(&server, "admin", &format!("userid=x1&{GOOD}"), 110, "Required email address was not provided")
        .await;
    server.post("admin", &format!("{config}/newUser.requireEmail"), "value=no").send().await.ok();
    server.post("admin", &format!("{config}/newUser.generateUserID"), "value=yes").send().await.ok();
    let created = server.post("admin", "/cloud/users?format=json", GOOD).send().await.ok();
    assert_eq!(created.data()["id"].as_str().unwrap().len(), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn quota_is_limited_by_the_installation() {
    let server = Server::start().await;
    let files = "/apps/provisioning_api/api/v1/config/apps/files";
    let quota = |text: &str| server.put("admin", "/cloud/users/jane", &format!("key=quota&value={text}"));
    quota("none").send().await.ok();
    for (key, value) in [("max_quota", "1073741824"), ("allow_unlimited_quota", "0")] {
        server.post("admin", &format!("{files}/{key}"), &format!("value={value}")).send().await.ok();
    }
    let much = "Invalid quota value. 2 GB is exceeding the maximum quota";
    let endless = "Unlimited quota is forbidden on this instance";
    quota("1+GB").send().await.ok();
    quota("2+GB").send().await.fails(102, much);
    quota("none").send().await.fails(102, endless);
    refused(&server, "admin", &format!("userid=x1&{GOOD}&quota=2+GB"), 102, much).await;
    refused(&server, "admin", &format!("userid=x1&{GOOD}&quota=none"), 102, endless).await;
    let default = server.post("admin", &format!("{files}/default_quota"), "value=none").send().await;
    assert!(default.code() == 403 && default.body.contains("The given key can not be set"), "{default:?}");
    let jane = server.get("admin", "/cloud/users/jane?format=json").send().await.ok().data();
    assert_eq!(jane["quota"]["quota"], 1_073_741_824_u64);
    server.post("admin", &format!("{files}/max_quota"), "value=-1").send().await.ok();
    quota("2+GB").send().await.ok();
}

/// Half an address, or a name that ends with a dot: not for new users.
///
/// Existing users with such an id are not affected.
#[tokio::test(flavor = "multi_thread")]
async fn new_id_ends_with_no_dot_and_has_no_outer_at() {
    let server = Server::start().await;
    for (id, text) in [
        ("bob.", "Username must not end with a dot"),
        ("@bob", "Username must not begin or end with @"),
        ("bob@", "Username must not begin or end with @"),
    ] {
        let form = format!("userid={id}&password=Looking+glass+1871+!");
        server.post("admin", "/cloud/users", &form).send().await.fails(101, text);
        let form = format!("groupid={id}");
        let text = "Group name must not end with a dot, or begin or end with @";
        server.post("admin", "/cloud/groups", &form).send().await.fails(101, text);
        let (user, group) = (UserId::parse(id).unwrap(), GroupId::parse(id).unwrap());
        server.accounts.groups().create(&group, None).await.unwrap();
        server.accounts.users().create(NewUser::new(user).group(group)).await.unwrap();
        server.get("admin", &format!("/cloud/users/{id}")).send().await.ok();
        server.put("admin", &format!("/cloud/users/{id}"), "key=displayname&value=Bob").send().await.ok();
        server.put("admin", &format!("/cloud/groups/{id}"), "key=displayname&value=Bobs").send().await.ok();
        server.post("admin", "/cloud/users/jane/groups", &format!("groupid={id}")).send().await.ok();
        server.delete("admin", &format!("/cloud/users/{id}")).send().await.ok();
    }
}
