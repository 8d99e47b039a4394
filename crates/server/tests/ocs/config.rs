//! Settings of apps, the password policy, apps that are switched.

use super::*;

const CONFIG: &str = "/apps/provisioning_api/api/v1/config/apps";

#[tokio::test(flavor = "multi_thread")]
async fn app_settings_are_stored_and_nested_in_data() {
    let server = Server::start().await;
    let get = async |path: &str| server.get("admin", &format!("{CONFIG}{path}")).send().await.ok().data();
    assert_eq!(get("/myapp/mykey?format=json").await, serde_json::json!({"data": ""}));
    assert_eq!(get("/myapp/mykey?format=json&defaultValue=dflt").await, serde_json::json!({"data": "dflt"}));
    server.post("admin", &format!("{CONFIG}/myapp/mykey"), "value=v1").send().await.ok();
    assert_eq!(get("/myapp/mykey?format=json").await, serde_json::json!({"data": "v1"}));
    assert_eq!(get("/myapp?format=json").await, serde_json::json!({"data": ["mykey"]}));
    assert!(get("?format=json").await["data"].as_array().unwrap().contains(&"myapp".into()));
    server.delete("admin", &format!("{CONFIG}/myapp/mykey")).send().await.ok();
    server.delete("admin", &format!("{CONFIG}/myapp/mykey")).send().await.ok();
    assert_eq!(get("/myapp?format=json").await, serde_json::json!({"data": []}));
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_reported_in_data() {
    let server = Server::start().await;
    for (path, message) in [
        ("/my..app/x", "Invalid app id given"),
        ("/core/public_files", "The given key can not be set"),
        ("/core/remote_files", "The given key can not be set"),
        ("/core/encryption_enabled", "The given key can not be set"),
        ("/user_external/enabled", "The given key can not be set"),
        ("/user_external/installed_version", "The given key can not be set"),
    ] {
        let xml = server.post("admin", &format!("{CONFIG}{path}"), "value=v").send().await;
        assert_eq!((xml.status, xml.code()), (200, 403), "{path}");
        assert!(xml.body.contains("<message/>"), "{xml:?}");
        assert!(xml.body.contains(&format!("<data>\n  <data>\n   <message>{message}</message>")), "{xml:?}");
        let v2 = server.post("admin", &format!("/ocs/v2.php{CONFIG}{path}"), "value=v").send().await;
        assert_eq!((v2.status, v2.code()), (403, 403));
    }
    let text = "Logged in user must be an administrator or have authorization to edit this setting.";
    server.post("sam", &format!("{CONFIG}/myapp/mykey"), "value=v").send().await.fails(403, text);
    server
        .get("sam", &format!("{CONFIG}/myapp/mykey"))
        .send()
        .await
        .fails(403, "Logged in user must be an admin");
    let preferences = "/apps/provisioning_api/api/v1/config/users/myapp";
    server.post("jane", &format!("{preferences}/key"), "configValue=v").send().await.fails(400, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn password_policy_obeys_at_once_and_can_be_switched_off() {
    let server = Server::start().await;
    let set = async |key: &str, value: &str| {
        server
            .post("admin", &format!("{CONFIG}/password_policy/{key}"), &format!("value={value}"))
            .send()
            .await
    };
    let create = async |password: &str| {
        let form = format!("userid=pp{}&password={password}", password.len());
        server.post("admin", "/cloud/users", &form).send().await
    };
    set("enforceNumericCharacters", "1").await.ok();
    set("enforceSpecialCharacters", "1").await.ok();
    set("enforceUpperLowerCase", "1").await.ok();
    create("Zxqwvbnmplkj%21").await.fails(107, "Password needs to contain at least one numeric character.");
    let all = "Password is among the 1,000,000 most common ones. Please make it unique. Password needs to be at least 10 \
               characters long. Password needs to contain at least one numeric character. Password needs to contain at \
               least one lower and one upper case character. Password needs to contain at least one special character.";
    create("abc").await.fails(107, all);
    let capabilities = server.get("jane", "/cloud/capabilities?format=json").send().await.ok().data();
    assert_eq!(capabilities["capabilities"]["password_policy"]["enforceNumericCharacters"], true);
    let nonsense = set("minLength", "long").await;
    assert_eq!(nonsense.code(), 403);
    for _ in 0..3 {
        let made =
            server.get("jane", "/apps/password_policy/api/v1/generate?format=json").send().await.ok().data();
        let made = made["password"].as_str().unwrap().to_owned();
        let checked = server.ask("jane", Method::POST, "/apps/password_policy/api/v1/validate?format=json");
        let checked =
            checked.body("application/json", &serde_json::json!({"password": made}).to_string()).send().await;
        assert_eq!(checked.ok().data(), serde_json::json!({"passed": true}), "{made}");
    }
    let short = server
        .post("jane", "/apps/password_policy/api/v1/validate?format=json", "password=abc")
        .send()
        .await
        .ok();
    assert_eq!(short.data()["passed"], false);
    assert_eq!(short.data()["reason"], all);

    server.delete("admin", "/cloud/apps/password_policy").send().await.ok();
    create("abc").await.ok();
    let off = server.get("admin", "/cloud/apps?filter=disabled&format=json").send().await.ok().data();
    assert_eq!(off, serde_json::json!({"apps": ["password_policy"]}));
    let capabilities = server.get("jane", "/cloud/capabilities?format=json").send().await.ok().data();
    assert_eq!(capabilities["capabilities"]["password_policy"], serde_json::Value::Null);
    server.get("jane", "/apps/password_policy/api/v1/generate").send().await;
    server.post("admin", "/cloud/apps/password_policy", "").send().await.ok();
    create("abcd").await.fails(107, all);
}

#[tokio::test(flavor = "multi_thread")]
async fn apps_in_the_folder_are_shown_and_switched() {
    let server = Server::with("apps_directory = \"apps\"", "").await;
    let folder = server.dir.path().join("apps").join("notes").join("appinfo");
    std::fs::create_dir_all(&folder).unwrap();
    let manifest = "<?xml version=\"1.0\"?><info><id>notes</id><name>Notes</name><version>1.0.0</version><author>A</author></info>";
    std::fs::write(folder.join("info.xml"), manifest).unwrap();
    std::fs::create_dir_all(server.dir.path().join("apps").join("empty")).unwrap();
    let apps = async |filter: &str| {
        server.get("admin", &format!("/cloud/apps?format=json&{filter}")).send().await.ok().data()
    };
    assert_eq!(apps("filter=disabled").await, serde_json::json!({"apps": ["notes"]}));
    server.post("admin", "/cloud/apps/notes", "").send().await.ok();
    assert_eq!(apps("filter=disabled").await, serde_json::json!({"apps": []}));
    let info = server.get("admin", "/cloud/apps/notes?format=json").send().await.ok().data();
    assert_eq!(
        (&info["id"], &info["name"], &info["version"]),
        (&"notes".into(), &"Notes".into(), &"1.0.0".into())
    );
    let mine = server.get("jane", "/cloud/user/apps?format=json").send().await.ok().data();
    assert!(mine["apps"].as_array().unwrap().contains(&"notes".into()));
    for odd in ["..%2f..%2fetc", "%2e%2e", "empty", "a%00"] {
        server
            .get("admin", &format!("/cloud/apps/{odd}"))
            .send()
            .await
            .fails(998, "The request app was not found");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn welcome_mail_is_queued_with_a_mail_server() {
    let mail =
        "[mail]\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\nfrom = \"Cloud <noreply@example.org>\"";
    let server = Server::with("", mail).await;
    server
        .put("admin", "/cloud/users/Frank", "key=confirmedEmail&value=frank%40example.org")
        .send()
        .await
        .ok();
    server.post("admin", "/cloud/users/Frank/welcome", "").send().await.ok();
    assert_eq!(server.accounts.outbox().waiting().await.unwrap(), 1);
    assert!(server.app.mail_worker().unwrap().is_some());

    let server = Server::start().await;
    server.put("admin", "/cloud/users/Frank", "key=email&value=frank%40example.org").send().await.ok();
    server.post("admin", "/cloud/users/Frank/welcome", "").send().await.fails(102, "Sending email failed");
    assert_eq!(server.accounts.outbox().waiting().await.unwrap(), 0);
}
