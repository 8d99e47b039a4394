//! What all store commands share: location of the store, permissions, refusals.

use crate::{CliOutput, OccFixture};

/// Every refusal with its text and exit code.
///
/// The store has a user alice, a group staff, and mallory of the backend mail.
#[test]
fn every_refusal_has_its_text_and_its_exit_code() {
    let occ = OccFixture::with_people();
    let long = "x".repeat(65);
    let long = long.as_str();
    let commands: &[&[&str]] = &[
        &["user:add", "alice", "-n"],
        &["user:add", "ALICE", "-n"],
        &["user:add", "", "-n"],
        &["user:add", " bob", "-n"],
        &["user:add", "b/b", "-n"],
        &["user:add", long, "-n"],
        &["user:add", "bob", "-n"],
        &["user:add", "bob", "-n", "--email", "no-address"],
        &["user:add", "bob", "-n", "--group", ""],
        &["user:add", "bob", "--password-from-env"],
        &["user:delete", "ghost"],
        &["user:delete", "root"],
        &["user:disable", "ghost"],
        &["user:disable", "root"],
        &["user:enable", "ghost"],
        &["user:info", "ghost"],
        &["user:info", "no\u{1b}body"],
        &["user:lastseen", "ghost"],
        &["user:resetpassword", "ghost"],
        &["user:resetpassword", "mallory"],
        &["user:resetpassword", "alice", "-n"],
        &["user:resetpassword", "alice"],
        &["user:resetpassword", "alice", "--password-from-env"],
        &["user:resetpassword", "root", "--send-email"],
        &["user:resetpassword", "mallory", "--send-email"],
        &["user:setting", "ghost"],
        &["user:setting", "ghost", "app", "key", "value", "--ignore-missing-user"],
        &["user:setting", "alice", "app", "key"],
        &["user:setting", "alice", "app", "key", "value", "--update-only"],
        &["user:setting", "alice", "app", "key", "--delete", "--error-if-not-exists"],
        &["user:setting", "alice", "settings", "email", "no-address"],
        &["user:setting", "alice", "files", "quota", "much"],
        &["user:welcome", "ghost"],
        &["user:welcome", "root"],
        &["user:welcome", "mallory@example.com", "-r"],
        &["user:auth-tokens:add", "ghost"],
        &["user:auth-tokens:add", "alice", "--name", ""],
        &["user:auth-tokens:list", "ghost"],
        &["user:auth-tokens:delete", "ghost", "1"],
        &["user:auth-tokens:delete", "alice", "1"],
        &["group:add", "staff"],
        &["group:add", ""],
        &["group:delete", "admin"],
        &["group:delete", "nothing"],
        &["group:adduser", "nothing", "alice"],
        &["group:adduser", "staff", "ghost"],
        &["group:removeuser", "nothing", "alice"],
        &["group:removeuser", "staff", "ghost"],
        &["group:removeuser", "admin", "root"],
        &["group:info", "nothing"],
        &["group:subadmin:add", "nothing", "alice"],
        &["group:subadmin:add", "staff", "ghost"],
        &["group:subadmin:add", "admin", "alice"],
        &["group:subadmin:remove", "staff", "ghost"],
        &["group:subadmin:list", "nothing"],
        &["app:enable", ""],
        &["app:enable", "nothing"],
        &["app:disable", "nothing"],
        &["app:disable", "provisioning_api"],
        &["app:enable", "user_external", "-g", "staff"],
        &["app:getpath", "user_external"],
        &["user:setting", "alice", "settings", "display_name", "Alice"],
        &["user:setting", "alice", "settings", "display_name", ""],
        &["user:setting", "alice", "settings", "display_name", "--delete"],
        &["user:profile", "ghost"],
        &["user:profile", "alice", "hat"],
        &["user:profile", "alice", "hat", "bowler"],
        &["user:profile", "alice", "phone", "0711 x"],
        &["user:profile", "alice", "website", "https://u:p@h"],
        &["user:keys:verify", "ghost"],
        &["user:keys:verify", "alice"],
        &["user:add", "bob", "--generate-password", "--email", "bob@example.com"],
        &["user:resetpassword", "alice", "--send-email"],
        &["user:welcome", "alice"],
        &["mail:test", "alice@example.com"],
        &["twofactorauth:state", "alice"],
        &["twofactorauth:enforce", "--on"],
        &["security:certificates", "--output=json"],
        &["app:update", "--all"],
        &["config:app:set", "app", "name", "--value=x", "--type=integer"],
        &["config:app:set", "app", "name", "--lazy"],
        &["config:app:set", "app", "name", "--value=Wonderland-1", "--sensitive"],
        &["config:app:get", "app", "name", "--details"],
        &["config:app:get", "nothing", "nothing"],
        &["config:app:set", "app", "name", "--value=x", "--update-only"],
        &["config:app:set", "app", "api_token", "--value=Wonderland-1"],
        &["config:app:set", "password_policy", "minLengths", "--value=12"],
        &["config:app:set", "password_policy", "minLength", "--value=twelve"],
        &["config:app:set", "password_policy", "minLength", "--value=470"],
        &["config:app:delete", "app", "name", "--error-if-not-exists"],
        &["pin:rebind", "alice", "nowhere"],
        &["pin:rebind", "", "mail"],
    ];
    let mut table = String::new();
    for words in commands {
        let output = occ.run(words);
        assert!(!format!("{output:?}").contains("Wonderland"), "{output:?}");
        let (stream, text) = match (output.out.as_str(), output.err.as_str()) {
            (text, "") => ("", text),
            ("", text) => ("stderr: ", text),
            _ => panic!("{words:?}: {output:?}"),
        };
        let words = words.join(" ").replace(long, "x*65");
        table += &format!(
            "{words:?}\n    {} {stream}{}\n",
            output.code,
            text.trim_end().replace('\n', "\n      ")
        );
    }
    insta::assert_snapshot!(table);
}

#[test]
fn refusal_is_json_with_output_json() {
    let output = OccFixture::with_people().run(&["user:delete", "ghost", "--output=json"]);
    assert_eq!(
        (output.code, output.out.as_str(), output.err.as_str()),
        (1, "{\"error\":\"User does not exist\"}\n", "")
    );
}

#[test]
fn quiet_says_nothing_and_keeps_the_exit_code() {
    let occ = OccFixture::with_people();
    for (words, code) in [(&["user:list", "-q"][..], 0), (&["user:disable", "alice", "-q"], 0)] {
        let output = occ.run(words);
        assert_eq!((output.code, output.out.as_str(), output.err.as_str()), (code, "", ""));
    }
    assert_eq!(occ.run(&["user:delete", "ghost", "-q"]).fails_silently(), "User does not exist\n");
}

#[test]
fn only_writing_commands_create_the_store() {
    let occ = OccFixture::with_store();
    for words in [&["user:list"][..], &["group:list"], &["user:resetpassword", "admin"], &["cache:flush"]] {
        let output = occ.run(words);
        assert!(output.fails(2).contains("there is no store"), "{words:?}: {output:?}");
    }
    assert!(!occ.has_store());
    assert_eq!(occ.run(&["group:add", "staff"]).code, 0);
    assert_eq!(occ.run(&["group:list"]).out, "  - admin:\n  - staff:\n");
}

#[test]
fn store_path_is_relative_to_the_configuration() {
    let occ = OccFixture::with_store();
    occ.write(
        "etc/occ.toml",
        &format!("[store]\nurl = \"sqlite:../data/a.db\"\n{}", OccFixture::CONFIGURATION),
    );
    std::fs::create_dir(occ.path().join("data")).unwrap();
    assert_eq!(occ.run(&["group:add", "staff", "--config", "etc/occ.toml"]).code, 0);
    assert!(occ.path().join("data/a.db").exists());
}

#[test]
fn database_password_is_never_shown_and_closes_the_file() {
    let text = format!(
        "[store]\nurl = \"postgres://occ:Wonderland-1@127.0.0.1:{}/x\"\n{}",
        crate::closed_port(),
        OccFixture::CONFIGURATION
    );
    let occ = OccFixture::with("user-backend.toml", &text);
    mode(&occ, "user-backend.toml", 0o644);
    let output = occ.run(&["user:list", "-vv"]);
    assert!(output.fails(2).contains("a secret in it (`url`)"), "{output:?}");
    assert!(!output.err.contains("Wonderland"), "{output:?}");
    mode(&occ, "user-backend.toml", 0o600);
    let output = occ.run(&["user:list", "-vv"]);
    assert!(output.fails(3).contains("postgres://127.0.0.1:"), "{output:?}");
    assert!(
        output.err.ends_with("the store is unavailable: the server cannot be reached: connection refused\n")
    );
    assert!(!output.err.contains("Wonderland"), "{output:?}");
}

#[test]
fn foreign_store_is_refused_and_unchanged() {
    let occ = OccFixture::with("user-backend.toml", OccFixture::CONFIGURATION);
    occ.write("user-backend.db", "this is not a database, but a text of more than a hundred bytes, so that it is not taken for an empty one\n");
    let output = occ.run(&["user:list"]);
    assert!(output.fails(2).contains("no SQLite database"), "{output:?}");
    std::fs::remove_file(occ.path().join("user-backend.db")).unwrap();
    std::fs::create_dir(occ.path().join("user-backend.db")).unwrap();
    assert!(occ.run(&["user:list"]).fails(2).contains("is a directory"));
}

#[cfg(unix)]
#[test]
fn error_of_an_open_store_names_it() {
    // Nothing is read-only to root, and PostgreSQL has no file.
    if !rustix::process::geteuid().is_root() || crate::on_postgres() {
        eprintln!("skipped");
        return;
    }
    let occ = OccFixture::with("user-backend.toml", OccFixture::CONFIGURATION);
    assert_eq!(occ.run(&["group:add", "staff"]).code, 0);
    // The log that the command may have left is folded into the file.
    occ.block_on(occ.accounts().close());
    for (file, closed) in [("user-backend.db", 0o444), (".", 0o755)] {
        std::os::unix::fs::chown(occ.path().join(file), Some(33), Some(33)).unwrap();
        mode(&occ, file, closed);
    }
    let run = |words: &[&str]| {
        let mut command = occ.command(words);
        std::os::unix::process::CommandExt::uid(&mut command, 33);
        CliOutput::of(&command.output().unwrap())
    };
    let output = run(&["group:list"]);
    assert_eq!(output.out, "  - admin:\n  - staff:\n", "reading is possible: {output:?}");
    let output = run(&["group:add", "club"]);
    assert_eq!(output.fails(2), "occ: sqlite:user-backend.db: the store is read-only\n");
}

#[cfg(unix)]
#[test]
fn store_of_another_user_is_refused_with_a_hint() {
    // Only root can give a file away.
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: not root");
        return;
    }
    let occ = OccFixture::with("user-backend.toml", OccFixture::CONFIGURATION);
    assert_eq!(occ.run(&["group:add", "staff"]).code, 0);
    let store = occ.path().join("user-backend.db");
    std::os::unix::fs::chown(&store, Some(33), Some(33)).unwrap();
    let output = occ.run(&["user:list"]);
    let message = output.fails(2);
    assert!(message.contains("belongs to the user with the number 33, and this is number 0"), "{message}");
    assert!(message.contains("sudo -u '#33' occ"), "{message}");
    std::os::unix::fs::chown(&store, Some(0), Some(0)).unwrap();
    // Another user cannot even read it.
    let mut command = occ.command(&["user:list"]);
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(occ.path(), open).unwrap();
    std::os::unix::process::CommandExt::uid(&mut command, 33);
    let output = CliOutput::of(&command.output().unwrap());
    assert!(
        output.fails(2).contains("belongs to the user with the number 0, and this is number 33"),
        "{output:?}"
    );
}

#[cfg(unix)]
fn mode(occ: &OccFixture, file: &str, mode: u32) {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(occ.path().join(file), mode).unwrap();
}
