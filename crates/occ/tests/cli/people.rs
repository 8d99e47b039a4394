//! The life cycle of users and groups, as an administrator's scripts see it.

use serde_json::Value;

use crate::{CliOutput, OccFixture};

const PASSWORD: &str = "down the rabbit hole";

pub(crate) fn json(output: &CliOutput) -> Value {
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
    serde_json::from_str(&output.out).unwrap()
}

#[test]
fn user_is_created_with_all_options() {
    let occ = OccFixture::with_store();
    let mut add = occ.command(&[
        "user:add",
        "alice",
        "--password-from-env",
        "--display-name",
        "Alice Liddell",
        "-g",
        "staff",
        "--group",
        "admin",
        "--email",
        "Alice@Example.com",
    ]);
    let output = CliOutput::of(&add.env("OC_PASS", PASSWORD).output().unwrap());
    assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
    insta::assert_snapshot!(output.out, @r#"
    The user "alice" was created successfully
    Display name set to "Alice Liddell"
    Created group "staff"
    User "alice" added to group "staff"
    User "alice" added to group "admin"
    Unable to send the welcome email to alice@example.com: no mail server is set up; the section [mail] of the configuration names it
    "#);
    insta::assert_snapshot!(occ.run(&["user:info", "Alice"]).out, @r"
    - user_id: alice
    - display_name: Alice Liddell
    - email: alice@example.com
    - confirmed_email: alice@example.com
    - cloud_id: alice@cloud.example.com
    - enabled: true
    - groups:
      - admin
      - staff
    - subadmin_of:
    - quota: none
    - first_seen: never
    - last_seen: never
    - user_directory: /srv/data/alice
    - backend: Database
    - storage:
      - quota: -3
    ");
    let list = json(&occ.run(&["user:list", "--info", "--output=json"]));
    assert_eq!(list["alice"]["groups"], serde_json::json!(["admin", "staff"]));
    assert_eq!(occ.run(&["group:list"]).out, "  - admin:\n    - alice\n  - staff:\n    - alice\n");
}

#[test]
fn refused_password_changes_nothing() {
    let occ = OccFixture::with_store();
    let mut add = occ.command(&["user:add", "alice", "--password-from-env", "-g", "staff"]);
    let output = CliOutput::of(&add.env("OC_PASS", "banana").output().unwrap());
    assert_eq!(
        output.fails(1),
        "Password is among the 1,000,000 most common ones. Please make it unique. Password needs to be at least 10 \
         characters long.\n"
    );
    assert_eq!(occ.run(&["user:list"]).out, "");
    assert_eq!(occ.run(&["group:list"]).out, "  - admin:\n");
}

#[test]
fn list_has_its_window_and_its_forms() {
    let occ = OccFixture::with_people();
    assert_eq!(
        occ.run(&["user:list"]).out,
        "  - alice: Alice\n  - mallory: mallory\n  - mallory@example.com: mallory@example.com\n  - root: root\n"
    );
    assert_eq!(occ.run(&["user:list", "-l", "1", "-o", "1"]).out, "  - mallory: mallory\n");
    assert_eq!(occ.run(&["user:list", "-l", "1", "--output=json"]).out, "{\"alice\":\"Alice\"}\n");
    insta::assert_snapshot!(occ.run(&["user:list", "-l", "2", "--output=json_pretty"]).out, @r#"
    {
        "alice": "Alice",
        "mallory": "mallory"
    }
    "#);
    assert_eq!(occ.run(&["user:list", "-o", "9", "--output=json"]).out, "{}\n");
    assert_eq!(occ.run(&["user:list", "-o", "9", "--output=json_pretty"]).out, "{}\n");
    assert_eq!(occ.run(&["user:list", "-o", "9"]).out, "");
    insta::assert_snapshot!(occ.run(&["group:list", "--info", "--output=json_pretty"]).out, @r#"
    {
        "admin": {
            "displayName": "admin",
            "disabled": 0,
            "users": [
                "root"
            ]
        },
        "staff": {
            "displayName": "The Staff",
            "disabled": 0,
            "users": []
        }
    }
    "#);
}

#[test]
fn disable_enable_and_delete_work_and_report() {
    let occ = OccFixture::with_people();
    assert_eq!(occ.run(&["user:disable", "alice"]).out, "The specified user is disabled\n");
    assert_eq!(occ.run(&["user:list", "--disabled"]).out, "  - alice: Alice\n");
    assert_eq!(occ.run(&["user:enable", "alice"]).out, "The specified user is enabled\n");
    assert_eq!(occ.run(&["user:list", "-d"]).out, "");
    assert_eq!(occ.run(&["user:delete", "alice"]).out, "The specified user was deleted\n");
    assert_eq!(occ.run(&["user:info", "alice"]).code, 1);
}

#[test]
fn membership_and_sub_admins_change_silently() {
    let occ = OccFixture::with_people();
    for words in [
        &["group:adduser", "staff", "alice"][..],
        &["group:adduser", "staff", "alice"],
        &["group:subadmin:add", "staff", "alice"],
        &["group:removeuser", "staff", "alice"],
        &["group:adduser", "staff", "mallory"],
    ] {
        let output = occ.run(words);
        assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (0, "", ""), "{words:?}");
    }
    insta::assert_snapshot!(occ.run(&["group:info", "staff"]).out, @r"
    - groupID: staff
    - displayName: The Staff
    - members: 1
    - disabled: 0
    - subadmins:
      - alice
    ");
    assert_eq!(occ.run(&["group:subadmin:list", "staff"]).out, "  - alice\n");
    assert_eq!(
        occ.run(&["group:subadmin:remove", "staff", "alice", "--output=json"]).out,
        "{\"messages\":[]}\n"
    );
    assert_eq!(occ.run(&["group:subadmin:list", "staff", "--output=json"]).out, "[]\n");
    assert_eq!(occ.run(&["group:delete", "staff"]).out, "Group \"staff\" was removed\n");
}

#[test]
fn report_counts_by_backend_and_in_all() {
    let occ = OccFixture::with_people();
    occ.run(&["user:disable", "alice"]);
    insta::assert_snapshot!(occ.run(&["user:report"]).out, @r"
    +------------------+---+
    | User Report      |   |
    +------------------+---+
    | Database         | 2 |
    | mail             | 2 |
    +------------------+---+
    | total users      | 4 |
    | user directories | 0 |
    | active users     | 0 |
    | disabled users   | 1 |
    +------------------+---+
    ");
    let counts = json(&occ.run(&["user:report", "--output=json"]));
    assert_eq!((&counts["backends"]["mail"], &counts["disabled_users"]), (&2.into(), &1.into()));
}

#[test]
fn user_without_sign_in_was_never_seen() {
    let occ = OccFixture::with_people();
    assert_eq!(occ.run(&["user:lastseen", "alice"]).out, "User alice has never logged in, yet.\n");
    let all = occ.run(&["user:lastseen", "--all"]);
    assert_eq!(all.out.lines().count(), 4);
    assert_eq!(json(&occ.run(&["user:lastseen", "--all", "--output=json"]))["alice"], "never");
}

#[test]
fn settings_are_read_set_and_deleted_also_those_of_the_record() {
    let occ = OccFixture::with_people();
    for (words, out) in [
        (
            &["user:setting", "alice"][..],
            "  - settings:\n    - display_name: Alice\n    - email: alice@example.com\n",
        ),
        (&["user:setting", "alice", "app", "key", "va lue"], ""),
        (&["user:setting", "alice", "app", "key"], "va lue\n"),
        (&["user:setting", "alice", "files", "quota", "5 GB"], ""),
        (&["user:setting", "alice", "files", "quota"], "5 GB\n"),
        (&["user:setting", "alice", "core", "lang", "--default-value=en"], "en\n"),
        (&["user:setting", "alice", "app"], "  - app:\n    - key: va lue\n"),
        (&["user:setting", "alice", "app", "key", "--delete"], ""),
        (&["user:setting", "alice", "app", "key", "--delete"], ""),
        (&["user:setting", "alice", "files", "quota", "--delete"], ""),
        (&["user:setting", "root", "settings", "display_name"], "root\n"),
        (&["user:profile", "alice", "role", "Gardener"], ""),
        (&["user:profile", "alice", "role"], "Gardener\n"),
        (&["user:profile", "alice", "phone", "+49 711 / 25 24 28-90"], ""),
        (
            &["user:profile", "alice"],
            "  - displayname: Alice\n  - email: alice@example.com\n  - phone: +4971125242890\n  - role: Gardener\n",
        ),
        (&["user:profile", "alice", "website", "HTTPS://example.org"], ""),
        (&["user:profile", "alice", "website"], "HTTPS://example.org\n"),
        (&["user:profile", "alice", "website", "--delete"], ""),
        (&["user:profile", "alice", "twitter", "@alice"], ""),
        (&["user:profile", "alice", "twitter"], "alice\n"),
        (&["user:profile", "alice", "role", "--delete"], ""),
        (&["user:profile", "alice", "role", "--default-value=none"], "none\n"),
        (&["user:setting", "alice", "files"], ""),
        (&["user:setting", "ghost", "a", "b", "--ignore-missing-user", "--default-value=x"], "x\n"),
    ] {
        let output = occ.run(words);
        assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (0, out, ""), "{words:?}");
    }
    assert_eq!(
        json(&occ.run(&["user:setting", "alice", "settings", "email", "--output=json"])),
        "alice@example.com"
    );
}

#[test]
fn phone_number_is_completed_with_the_region_of_the_settings() {
    let occ = OccFixture::with_people();
    let profile = |words: &[&str]| {
        let output = occ.run(&[&["user:profile", "alice", "phone"], words].concat());
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{output:?}");
        output.out
    };
    profile(&["0711 / 25 24 28-90"]);
    assert_eq!(profile(&[]), "0711 / 25 24 28-90\n", "its country is unknown");
    let text = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
    occ.write("user-backend.toml", &text.replace("[server]", "[server]\ndefault_phone_region = \"DE\""));
    profile(&["0711 / 25 24 28-90"]);
    assert_eq!(profile(&[]), "+4971125242890\n");
}

#[test]
fn contradictory_options_are_a_usage_error() {
    let occ = OccFixture::with_people();
    for words in [
        &["user:setting", "alice", "--default-value=x"][..],
        &["user:setting", "alice", "app", "--default-value=x"],
        &["user:setting", "alice", "app", "key", "value", "--default-value=x"],
        &["user:setting", "alice", "app", "key", "--update-only"],
        &["user:setting", "alice", "app", "--delete"],
        &["user:setting", "alice", "app", "key", "--delete", "--default-value=x"],
        &["user:setting", "alice", "app", "key", "value", "--delete"],
        &["user:setting", "alice", "app", "key", "--error-if-not-exists"],
    ] {
        occ.run(words).fails(2);
    }
}

#[test]
fn app_password_is_shown_once_and_can_be_revoked() {
    let occ = OccFixture::with_people();
    let made = json(&occ.run(&["user:auth-tokens:add", "alice", "--name", "phone", "--output=json"]));
    assert_eq!(made["token"].as_str().unwrap().len(), 43);
    assert!(occ.run(&["user:auth-tokens:add", "alice"]).out.starts_with("app password:\n"));
    let list = occ.run(&["user:auth-tokens:list", "alice", "--output=json"]);
    assert!(!list.out.contains(made["token"].as_str().unwrap()));
    assert_eq!(json(&list)[0]["name"], "phone");
    assert_eq!(
        occ.run(&["user:auth-tokens:delete", "alice", "1"]).out,
        "App password 1 of alice was revoked\n"
    );
    assert_eq!(
        occ.run(&["user:auth-tokens:delete", "alice", "--all"]).out,
        "1 app passwords of alice were revoked\n"
    );
    assert_eq!(occ.run(&["user:auth-tokens:list", "alice"]).out, "");
}

#[test]
fn service_token_is_shown_once_and_listed_with_all_about_it() {
    let occ = OccFixture::with_people();
    let args = [
        "user:auth-tokens:add",
        "root",
        "--name",
        "report",
        "--scope",
        "users:read",
        "--scope",
        "apps",
        "--from",
        "10.0.0.0/8",
        "--expires",
        "90d",
        "--output=json",
    ];
    let made = json(&occ.run(&args));
    let token = made["token"].as_str().unwrap();
    assert_eq!((token.len(), &made["kind"]), (43, &"service".into()));
    let list = occ.run(&["user:auth-tokens:list", "root", "--output=json"]);
    assert!(!list.out.contains(token));
    let listed = &json(&list)[0];
    assert_eq!(listed["scopes"], serde_json::json!(["apps", "users:read"]));
    assert_eq!(listed["networks"], serde_json::json!(["10.0.0.0/8"]));
    assert_eq!((&listed["last_used"], &listed["last_used_from"]), (&"never".into(), &Value::Null));
    assert!(listed["expires"].as_str().unwrap() > listed["created"].as_str().unwrap());
    let people = occ.run(&["user:auth-tokens:list", "root"]).out;
    assert!(
        people.contains("\n| id | name   | lastActivity | type      | scope            | kind    | created "),
        "{people}"
    );
    for cell in ["| 1  | report | never        | permanent | apps, users:read | service |", "| 10.0.0.0/8 |"]
    {
        assert!(people.contains(cell), "{people}");
    }
    assert_eq!((&listed["type"], &listed["scope"]), (&1.into(), &serde_json::json!({ "filesystem": false })));
    assert!(listed["lastActivity"].as_i64().unwrap() > 1_700_000_000);
    assert!(
        occ.run(&["user:auth-tokens:add", "root", "--scope", "admin"]).out.starts_with("service token:\n")
    );
    assert_eq!(
        occ.run(&["user:auth-tokens:delete", "root", "1"]).out,
        "App password 1 of root was revoked\n"
    );
    let log = occ.run(&["audit:list", "--output=json"]).out;
    assert!(
        log.contains("report (apps users:read; from 10.0.0.0/8)") && log.contains("service_token.revoked"),
        "{log}"
    );
    assert!(!log.contains(token));
}

#[test]
fn invalid_service_token_is_refused_with_a_hint() {
    let occ = OccFixture::with_people();
    let add = |words: &[&str]| occ.run(&[&["user:auth-tokens:add", "alice"], words].concat());
    let output = add(&["--scope", "users:all"]);
    let message = output.fails(2);
    assert!(
        message.contains("users:all")
            && message.contains("users:read, users:write")
            && message.contains("frontend:NAME")
    );
    assert!(add(&["--scope", "users:read", "--from", "10.1.2.3/8"]).fails(2).contains("10.0.0.0/8"));
    assert!(add(&["--from", "10.0.0.0/8"]).fails(2).contains("--scope"));
    assert!(add(&["--expires", "soon"]).fails(2).contains("2027-01-31"));
    assert!(add(&["--expires", "2020-01-31"]).fails(1).contains("a time in the future"));
    assert!(add(&["--scope", "admin"]).fails(1).contains("an owner in the group admin"));
    assert_eq!(occ.run(&["user:auth-tokens:list", "alice"]).out, "");
    // Of a device, with an end.
    assert!(add(&["--expires", "30d"]).out.starts_with("app password:\n"));
    assert_eq!(json(&occ.run(&["user:auth-tokens:list", "alice", "--output=json"]))[0]["kind"], "device");
}

const LISTED: &str = concat!(
    "Enabled:\n  - password_policy: ",
    env!("CARGO_PKG_VERSION"),
    "\n  - provisioning_api: ",
    env!("CARGO_PKG_VERSION"),
    "\n  - user_external: ",
    env!("CARGO_PKG_VERSION"),
    "\nDisabled:\n"
);

/// The server lists the same apps: those of the folder in its own settings.
#[test]
fn installed_apps_are_those_of_the_server() {
    let occ = OccFixture::with_store();
    let folder = |name: &str| format!("apps/{name}/appinfo/info.xml");
    occ.write(&folder("notes"), "<info><id>notes</id><version>4.8.1</version></info>");
    occ.write(&folder("broken"), "<info>");
    let text = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
    occ.write("user-backend.toml", &text.replace("[server]\n", "[server]\napps_directory = \"apps\"\n"));
    assert_eq!(occ.run(&["app:enable", "notes"]).out, "notes 4.8.1 enabled\n");
    assert!(occ.run(&["app:list"]).out.contains("\n  - notes: 4.8.1\n"));
    let listed: Value = serde_json::from_str(&occ.run(&["app:list", "--output=json"]).out).unwrap();
    assert_eq!((&listed["enabled"]["notes"], &listed["disabled"]), (&"4.8.1".into(), &serde_json::json!({})));
    assert_eq!(occ.run(&["app:disable", "notes"]).out, "notes 4.8.1 disabled\n");
    assert!(occ.run(&["app:list"]).out.ends_with("Disabled:\n  - notes: 4.8.1\n"));
    assert!(occ.run(&["app:getpath", "notes"]).out.ends_with("/apps/notes\n"));
    let listed = json(&occ.run(&["app:list", "--shipped=false", "--disabled", "--output=json"]));
    assert_eq!(listed, serde_json::json!({ "disabled": { "notes": "4.8.1" } }));
    assert!(!occ.run(&["app:list", "--shipped=true"]).out.contains("notes"));
    let output = occ.run(&["app:disable", "user_external", "broken", "provisioning_api"]);
    assert_eq!(output.code, 2);
    assert!(
        output.out.ends_with("No such app enabled: broken\nprovisioning_api can't be disabled.\n"),
        "{output:?}"
    );
}

#[test]
fn apps_and_their_configuration_are_switched_set_and_listed() {
    let occ = OccFixture::with_store();
    for (words, out) in [
        (
            &["app:disable", "user_external"][..],
            concat!("user_external ", env!("CARGO_PKG_VERSION"), " disabled\n"),
        ),
        (
            &["app:enable", "password_policy", "user_external"],
            concat!(
                "password_policy already enabled\nuser_external ",
                env!("CARGO_PKG_VERSION"),
                " enabled\n"
            ),
        ),
        (&["app:enable", "user_external"], "user_external already enabled\n"),
        (&["app:list"], LISTED),
        (
            &["config:app:set", "password_policy", "minLength", "--value=12"],
            "Config value minLength for app password_policy set to 12\n",
        ),
        (&["config:app:get", "password_policy", "minLength"], "12\n"),
        (&["config:app:get", "a", "b", "--default-value=c"], "c\n"),
        (&["config:app:delete", "a", "b"], "Config value b of app a deleted\n"),
    ] {
        let output = occ.run(words);
        assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (0, out, ""), "{words:?}");
    }
    let set =
        occ.run_with_input(&["config:app:set", "mine", "api_token", "--value-from-stdin"], b"Wonderland-1\n");
    assert_eq!(set.out, "Config value api_token for app mine set\n");
    assert!(!occ.run(&["config:list"]).out.contains("Wonderland"));
    let all = json(&occ.run(&["config:list", "--private", "--output=json"]));
    assert_eq!(all["apps"]["mine"]["api_token"], "Wonderland-1");
    assert_eq!(all["apps"]["password_policy"]["minLength"], "12");
    // The rules hold at once, for administrators too.
    let mut add = occ.command(&["user:add", "bob", "--password-from-env"]);
    let output = CliOutput::of(&add.env("OC_PASS", "elevenchars").output().unwrap());
    assert_eq!(output.fails(1), "Password needs to be at least 12 characters long.\n");
}

#[test]
fn rebinding_a_name_is_explicit_and_audited() {
    let occ = OccFixture::with_people();
    assert_eq!(occ.run(&["pin:list", "--ambiguous"]).out, "", "both are the mail server's");
    assert_eq!(occ.run(&["pin:list", "--backend=mail", "-l", "1"]).out, "  - mallory: mail\n");
    assert_eq!(
        occ.run(&["pin:rebind", "mallory", "local"]).out,
        "mallory belongs to local now; before: mail\n"
    );
    assert_eq!(occ.run(&["pin:rebind", "mallory", "local"]).out, "mallory already belongs to local\n");
    assert_eq!(
        occ.run(&["pin:list", "--ambiguous"]).out,
        "  - mallory@example.com: mail (mallory alone: local)\n"
    );
    let listed = json(&occ.run(&["pin:list", "--ambiguous", "--output=json"]));
    let bare = &listed["mallory@example.com"];
    assert_eq!((&bare["bare_name"], &bare["bare_name_backend"]), (&"mallory".into(), &"local".into()));
    assert_eq!(occ.run(&["pin:list", "--ambiguous", "--offset=1"]).out, "");
    assert_eq!(
        occ.run(&["pin:rebind", "mallory", "--nobody"]).out,
        "mallory belongs to no backend now; before: local\n"
    );
    let mut audit = occ.command(&["audit:list", "--about=mallory", "--output=json"]);
    let lines = json(&CliOutput::of(&audit.output().unwrap()));
    let last = lines.as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["action"], &last["detail"], &last["actor"], &last["origin"]),
        (&"pin.changed".into(), &"nobody".into(), &"tester".into(), &"command line".into())
    );
    let line = occ.run(&["audit:list", "--about=mallory", "-l", "1"]).out;
    assert!(line.ends_with("  tester (command line)  pin.changed  mallory nobody\n"), "{line}");
}

#[test]
fn flush_reaches_every_process_through_the_store() {
    let occ = OccFixture::with_people();
    let accounts = occ.accounts();
    let now = || occ.block_on(accounts.credential_epoch().current()).unwrap();
    let before = now();
    assert_eq!(occ.run(&["cache:flush", "Alice"]).out, "The cached sign-ins of alice are cleared\n");
    let named = occ.block_on(accounts.credential_epoch().since(before)).unwrap();
    assert!(format!("{named:?}").contains("alice") && format!("{named:?}").contains("Users"), "{named:?}");
    let before = now();
    assert_eq!(occ.run(&["cache:flush"]).out, "The sign-in caches are cleared\n");
    let all = occ.block_on(accounts.credential_epoch().since(before)).unwrap();
    assert!(matches!(all, accounts::EndedCredentials::Everything { .. }), "{all:?}");
}

#[test]
fn ban_outlives_the_user_until_lifted() {
    let occ = OccFixture::with_people();
    assert_eq!(
        occ.run(&["user:delete", "alice", "--ban"]).out,
        "The specified user was deleted, and the name is banned\n"
    );
    let add = || {
        CliOutput::of(
            &occ.command(&["user:add", "alice", "--password-from-env"])
                .env("OC_PASS", "a mad tea-party at four")
                .output()
                .unwrap(),
        )
    };
    assert_eq!(add().fails(1), "The name \"alice\" is banned: occ user:unban alice lifts that\n");
    assert!(occ.run(&["pin:list"]).out.contains("(banned)"));
    assert_eq!(
        occ.run(&["user:unban", "alice"]).out,
        "alice may sign in again, and an account may have this name\n"
    );
    assert_eq!(occ.run(&["user:unban", "alice"]).fails(1), "alice is not banned\n");
    assert_eq!(add().code, 0);
}
