//! Commands that scripts of the PHP program run, with the same output and exit code.

use serde_json::json;

use crate::OccFixture;
use crate::people::json as read;

/// Runs in order in a store with root, alice, and two users of the backend mail.
const INVOCATIONS: &[(&[&str], &str, i32)] = &[
    // Refusals are on standard output.
    (&["user:add", "alice", "-n"], "The user \"alice\" already exists.\n", 1),
    (
        &["user:add", "bob", "-n"],
        "Interactive input or --password-from-env is needed for entering a password!\n",
        1,
    ),
    (
        &["user:resetpassword", "alice", "-n"],
        "Interactive input or --password-from-env is needed for entering a new password!\n",
        1,
    ),
    (&["user:delete", "nobody"], "User does not exist\n", 1),
    (&["user:info", "nobody"], "user not found\n", 1),
    (&["user:auth-tokens:list", "nobody"], "user not found\n", 1),
    (&["user:setting", "nobody", "files", "quota"], "The user \"nobody\" does not exist.\n", 1),
    (&["group:add", "staff"], "Group \"staff\" already exists.\n", 1),
    (&["group:delete", "nothing"], "Group \"nothing\" does not exist.\n", 1),
    (&["app:enable", "nothing"], "nothing not found\n", 1),
    (&["security:bruteforce:reset", "x"], "\"x\" is not a valid IP address\n", 1),
    // Options may be anywhere.
    (&["--limit", "1", "user:list"], "  - alice: Alice\n", 0),
    (&["--output=json", "--limit=1", "user:list", "--no-ansi"], "{\"alice\":\"Alice\"}\n", 0),
    (&["--ansi", "-n", "user:list", "-l1"], "  - alice: Alice\n", 0),
    // Settings.
    (&["user:setting", "alice", "files", "quota", "5 GB"], "", 0),
    (&["user:setting", "alice", "files", "quota"], "5 GB\n", 0),
    (
        &["user:setting", "alice", "settings", "display_name", "Alice"],
        "New and old display name are the same\n",
        1,
    ),
    (&["user:setting", "alice", "settings", "display_name", ""], "New display name can't be empty\n", 1),
    (
        &["user:setting", "alice", "settings", "display_name", "--delete"],
        "Display name can't be deleted.\n",
        1,
    ),
    (&["user:setting", "root", "settings", "display_name"], "root\n", 0),
    (&["user:setting", "alice", "core", "lang"], "The setting does not exist for user \"alice\".\n", 1),
    // Apps.
    (&["app:disable", "nothing"], "No such app enabled: nothing\n", 0),
    (&["app:disable", "provisioning_api"], "provisioning_api can't be disabled.\n", 2),
    (&["app:enable", "--force", "password_policy"], "password_policy already enabled\n", 0),
    (&["app:getpath", "nothing"], "", 1),
    // Configuration of apps.
    (&["config:app:get", "a", "b"], "", 1),
    (
        &["config:app:set", "a", "b", "--value=1", "--update-only"],
        "Config value b for app a not updated, as it has not been set before.\n",
        1,
    ),
    (
        &["config:app:delete", "a", "b", "--error-if-not-exists"],
        "Config b of app a could not be deleted because it did not exist\n",
        1,
    ),
    (&["config:app:set", "a", "b", "--value=1"], "Config value b for app a set to 1\n", 0),
    (&["config:app:set", "a", "n", "--value=x", "--type=integer"], "", 1),
    (
        &["config:app:set", "a", "n", "--value=yes", "--type=boolean"],
        "Config value n for app a set to 1\n",
        0,
    ),
    (&["config:app:set", "a", "n", "--value=no"], "Config value n for app a set to 0\n", 0),
    (
        &["config:app:get", "a", "n", "--details"],
        "  - app: a\n  - key: n\n  - value: 0\n  - type: boolean\n  - lazy: false\n  - sensitive: false\n",
        0,
    ),
    (&["config:app:set", "a", "s", "--value=1"], "Config value s for app a set to 1\n", 0),
    (&["config:app:set", "a", "s", "--sensitive", "--lazy"], "Config value s for app a set\n", 0),
    (&["config:app:get", "a", "s"], "1\n", 0),
    (
        &["config:list", "a"],
        "{\n    \"apps\": {\n        \"a\": {\n            \"b\": \"1\",\n            \"n\": \"0\",\n            \
         \"s\": \"***REMOVED SENSITIVE VALUE***\"\n        }\n    }\n}\n",
        0,
    ),
    (&["config:app:delete", "a", "n"], "Config value n of app a deleted\n", 0),
    (&["config:app:set", "a", "n", "--value=x"], "Config value n for app a set to x\n", 0),
    // What there is nothing to do for.
    (&["user:sync-account-data", "-l", "1"], "alice - nothing to update\n", 0),
    (
        &["user:clear-avatar-cache"],
        "Clearing avatar cache has started\nCleared avatar cache successfully\n",
        0,
    ),
    (&["user:keys:verify", "nobody"], "Unknown user\n", 1),
    (&["check"], "", 0),
];

#[test]
fn output_and_exit_code_are_those_of_the_php_program() {
    let occ = OccFixture::with_people();
    for (words, out, code) in INVOCATIONS {
        let output = occ.run(words);
        assert_eq!((output.code, output.out.as_str()), (*code, *out), "{words:?}: {output:?}");
    }
}

#[test]
fn status_reports_the_installation() {
    let occ = OccFixture::with_store();
    assert_eq!(read(&occ.run(&["status", "--output=json"]))["installed"], false);
    let output = occ.run(&["status", "-e"]);
    assert_eq!((output.code, output.out.as_str()), (1, ""));
    assert!(occ.run(&["check"]).fails(1).contains("there is no store yet"));
    assert_eq!(occ.run(&["group:add", "staff"]).code, 0);
    let status = read(&occ.run(&["status", "--output=json"]));
    let server = json!({
        "installed": true, "version": "25.0.2.0", "versionstring": "25.0.2", "edition": "", "maintenance": false,
        "needsDbUpgrade": false, "productname": status["productname"], "extendedSupport": false,
    });
    assert_eq!(status, server);
    assert!(occ.run(&["status"]).out.starts_with("  - installed: true\n  - version: 25.0.2.0\n"));
    let text = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
    occ.write("user-backend.toml", &text.replace("[server]", "[server]\ncompat = \"31\""));
    let newer = read(&occ.run(&["status", "--output=json"]));
    assert_eq!((&newer["version"], &newer["versionstring"]), (&json!("31.0.0.0"), &json!("31.0.0")));
    assert_eq!((occ.run(&["status", "--exit-code"]).code, occ.run(&["check"]).code), (0, 0));
    occ.write("user-backend.toml", "[sever]\n");
    let output = occ.run(&["check"]);
    assert!(output.fails(1).starts_with("  - "), "{output:?}");
}

#[test]
fn config_list_has_the_file_without_its_secrets() {
    let occ = OccFixture::with_people();
    let file = std::fs::read_to_string(occ.path().join("user-backend.toml")).unwrap();
    let mail = "[mail]\nhost = \"mail.example.com\"\nfrom = \"a@example.com\"\nusername = \"x\"\npassword = \"Wonderland-1\"\n";
    let nginx = "[frontends.nginx_mail]\nkey = \"Wonderland-0123456789\"\n";
    occ.write("user-backend.toml", &format!("{mail}{nginx}{file}"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let path = occ.path().join("user-backend.toml");
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    for words in [&["config:list"][..], &["config:list", "all"], &["config:list", "system"]] {
        let output = occ.run(words);
        assert!(!output.out.contains("Wonderland"), "{output:?}");
        let listed: serde_json::Value = serde_json::from_str(&output.out).unwrap();
        assert_eq!(listed["system"]["mail"]["password"], "***REMOVED SENSITIVE VALUE***");
        assert_eq!(listed["system"]["frontends"]["nginx_mail"]["key"], "***REMOVED SENSITIVE VALUE***");
        assert_eq!(listed["system"]["user_backends"][0]["class"], "imap");
        assert_eq!(listed.get("apps").is_some(), words.last() != Some(&"system"), "{words:?}");
    }
    assert!(occ.run(&["config:list", "--private"]).out.contains("Wonderland-1"));
}
