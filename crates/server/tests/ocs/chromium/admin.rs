//! The administration in Chromium: every page, as administrators and sub-admins meet it.

use super::*;

/// What an installation has seen after a while: users of all kinds, sessions, failures, mails.
async fn furnish(server: &Server) {
    let accounts = &server.accounts;
    let names = ["Alice Liddell", "Bill the Lizard", "Cheshire Cat", "Dinah", "Edith", "Father William"];
    for (number, name) in names.into_iter().enumerate() {
        let id = format!("user{number}");
        let group = if number % 2 == 0 { "group1" } else { "group2" };
        let new = NewUser::new(UserId::parse(&id).unwrap()).group(GroupId::parse(group).unwrap());
        accounts.users().create(new.display_name(name.parse().unwrap())).await.unwrap();
    }
    accounts.users().set_enabled(&UserId::parse("user3").unwrap(), false).await.unwrap();
    let long = "a.very.long.name.that.someone.has.chosen@a.very.long.domain.example.org";
    let new = NewUser::new(UserId::parse(long).unwrap()).group(GroupId::parse("group1").unwrap());
    accounts.users().create(new).await.unwrap();
    let frank = UserId::parse("Frank").unwrap();
    accounts.app_passwords().create(&frank, "Phone", None).await.unwrap();
    credentials::session(server, "Frank", Duration::ZERO).await;
    server.put("admin", "/cloud/users/jane", "key=email&value=jane%40example.org").send().await.ok();
    for name in ["x1", "x2", "x3"] {
        server
            .get("-", "/cloud/user")
            .basic(name, "wrong password 1")
            .from(Ipv4Addr::new(127, 9, 9, 9))
            .send()
            .await;
    }
    server.app.sync_failed_logins(false).await.unwrap();
    server.post("admin", "/cloud/users/Frank/reset-mail", "").send().await.ok();
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_finds_no_fault_with_any_admin_page() {
    let site = Site::start().await;
    let server = &site.server;
    furnish(server).await;
    let Some(chromium) = Chromium::start(server).await else { return };
    for look in looks() {
        chromium.look(look).await;
        chromium.sign_in("admin", PASSWORD).await;
        chromium.follow(".menu a[href$='/admin']").await;
        assert_eq!(chromium.path().await, "/admin/users");
        for (path, name) in [
            ("/admin/users", "admin-users"),
            ("/admin/users?search=zzz", "admin-users-none"),
            ("/admin/new-user", "admin-new-user"),
            ("/admin/users/Frank", "admin-user"),
            ("/admin/users/mia%40mail%2Eexample", "admin-user-imap"),
            ("/admin/users/Frank/delete", "admin-user-delete"),
            ("/admin/users/mia%40mail%2Eexample/delete", "admin-user-imap-delete"),
            ("/admin/users/Frank/wipe", "admin-user-wipe"),
            ("/admin/groups", "admin-groups"),
            ("/admin/groups/group1", "admin-group"),
            ("/admin/groups/group1/delete", "admin-group-delete"),
            ("/admin/policy", "admin-policy"),
            ("/admin/backends", "admin-backends"),
            ("/admin/brute-force", "admin-brute-force"),
            ("/admin/pins", "admin-pins"),
            ("/admin/audit", "admin-audit"),
            ("/admin/mail", "admin-mail"),
            ("/admin/config", "admin-config"),
            ("/admin/users/unknown", "admin-missing"),
        ] {
            chromium.goto(path).await;
            chromium.check(name, look).await;
        }
        chromium.goto("/admin/backends").await;
        let fields = [("#name", "mia@mail.example"), ("#password", "wrong password 1")];
        chromium.submit("/admin/backends/test", &fields).await;
        assert_eq!(chromium.path().await, "/admin/backends/test");
        chromium.check("admin-backends-test", look).await;
        chromium.goto("/admin/new-user").await;
        chromium.submit("/admin/new-user", &[("#userid", "jane"), ("#email", "j@example.org")]).await;
        assert!(chromium.client.title().await.unwrap().starts_with("Error: "));
        chromium.check("admin-new-user-refused", look).await;
        chromium.sign_in("sam", PASSWORD).await;
        for (path, name) in [
            ("/admin/users", "admin-users-sub-admin"),
            ("/admin/users/jane", "admin-user-sub-admin"),
            ("/admin/new-user", "admin-new-user-sub-admin"),
            ("/admin/groups", "admin-not-allowed"),
        ] {
            chromium.goto(path).await;
            chromium.check(name, look).await;
        }
        // A session of a while ago is asked for the password.
        chromium.forget().await;
        let token = credentials::session(server, "admin", Duration::from_secs(16 * 60)).await;
        chromium.goto("/login").await;
        let cookie = json!({ "name": "session", "value": token, "url": chromium.base });
        chromium.cdp("Network.setCookie", cookie).await;
        chromium.goto("/admin/users/jane").await;
        chromium.submit("/admin/users/jane/password", &[("#password", "down the rabbit hole")]).await;
        assert_eq!(chromium.focus().await, "current");
        chromium.check("admin-confirm", look).await;
        let fields = [("#current", "wrong password 1"), ("#password", "down the rabbit hole")];
        chromium.submit("/admin/users/jane/password", &fields).await;
        assert_eq!(chromium.text("#notice").await, "Wrong password.");
        chromium.check("admin-confirm-refused", look).await;
        let fields = [("#current", PASSWORD), ("#password", "Looking glass 1871 !")];
        chromium.submit("/admin/users/jane/password", &fields).await;
        assert_eq!(chromium.path().await, "/admin/users/jane?done=password");
        chromium.contact_sheet("administration", look).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_without_scripts_administers_users() {
    let site = Site::start().await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    chromium.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
    chromium.sign_in("admin", PASSWORD).await;
    chromium.goto("/admin/users").await;
    chromium.follow("a[href$='/admin/new-user']").await;
    let fields = [("#userid", "alice"), ("#displayname", "Alice"), ("#password", "down the rabbit hole")];
    chromium.submit("/admin/new-user", &fields).await;
    assert_eq!(chromium.path().await, "/admin/users/alice?done=created");
    chromium.submit("/join", &[("#join", "group1")]).await;
    assert_eq!(chromium.text("#notice").await, "The user is in the group.");
    chromium.submit("/disable", &[]).await;
    assert_eq!(chromium.text("h1 .tag").await, "disabled");
    chromium.follow("a.danger").await;
    assert_eq!(chromium.text("h1").await, "Delete the user alice?");
    chromium.submit("/delete", &[]).await;
    assert_eq!(chromium.path().await, "/admin/users?done=deleted");
    let client = &chromium.client;
    // Back and reload do nothing twice.
    client.refresh().await.unwrap();
    assert_eq!(chromium.text("#notice").await, "Deleted.");
    client.back().await.unwrap();
    client.forward().await.unwrap();
    assert_eq!(chromium.path().await, "/admin/users?done=deleted");
    let log = site.server.accounts.audit().latest(50, Some("alice")).await.unwrap();
    let deleted = log.iter().filter(|line| line.action == "user.deleted").count();
    assert_eq!(deleted, 1, "{log:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn chromium_reaches_everything_on_admin_pages_by_the_keyboard() {
    let site = Site::start().await;
    furnish(&site.server).await;
    let Some(chromium) = Chromium::start(&site.server).await else { return };
    chromium.sign_in("admin", PASSWORD).await;
    for path in
        ["/admin/users", "/admin/users/Frank", "/admin/groups/group1", "/admin/backends", "/admin/config"]
    {
        chromium.goto(path).await;
        chromium.reaches_all_by_tab(path).await;
    }
    // A new user by keys alone.
    chromium.goto("/admin/new-user").await;
    assert_eq!(chromium.focus().await, "userid");
    chromium.type_text("alice").await;
    chromium.press(&[Key::Tab]).await;
    chromium.press(&[Key::Tab]).await;
    assert_eq!(chromium.focus().await, "email");
    chromium.type_text("alice@example.org").await;
    let before = chromium.find("html").await;
    chromium.press(&[Key::Enter]).await;
    while before.tag_name().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(chromium.path().await, "/admin/users/alice?done=created");
}
