//! The commands `config:system:…`, and those of the guide to moving accounts.

use std::process::Command;

use crate::{CliOutput, OccFixture};

const TOML: &str = "\
# The office.
[[user_backends]]
class = \"ftp\" # no mail here
host = \"files.example.com\"

[resolver]
deadline = \"25s\" # enough for SMB
";

fn text(occ: &OccFixture, file: &str) -> String {
    std::fs::read_to_string(occ.path().join(file)).unwrap()
}

#[test]
fn toml_is_changed_in_place() {
    let occ = OccFixture::with("user-backend.toml", TOML);
    let output = occ.run(&["config:system:set", "resolver", "deadline", "--value=9s"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (0, "System config value resolver => deadline set to string 9s\n"),
        "{output:?}"
    );
    assert_eq!(text(&occ, "user-backend.toml"), TOML.replace("25s", "9s"));
    assert_eq!(occ.run(&["config:system:get", "user_backends_resolver", "deadline"]).out, "9s\n");
    let set = ["config:system:set", "user_backends", "0", "port", "--value=2121", "--type=integer"];
    assert_eq!(occ.run(&set).code, 0);
    assert_eq!(occ.run(&["config:system:get", "user_backends", "0", "port"]).out, "2121\n");
    let tree = occ.run(&["config:system:get", "user_backends"]).out;
    assert!(tree.contains("host: files.example.com"), "{tree}");
    assert_eq!(occ.run(&["config:system:delete", "user_backends", "0", "port"]).code, 0);
    assert_eq!(text(&occ, "user-backend.toml"), TOML.replace("25s", "9s"));
    let get = ["config:system:get", "user_backends", "0", "port"];
    assert_eq!(occ.run(&get).fails_silently(), "System config value user_backends => 0 => port is not set\n");
    assert_eq!(occ.run(&[&get[..], &["--default-value=21"]].concat()).out, "21\n");
    occ.run(&["config:system:delete", "user_backends", "0", "port", "--error-if-not-exists"]).fails(1);
    occ.run(&[
        "config:system:set",
        "resolver",
        "cache_entries",
        "--value=5",
        "--type=integer",
        "--update-only",
    ])
    .fails_silently();
    assert_eq!(std::fs::read_dir(occ.path()).unwrap().count(), 1, "a draft is left behind");
}

#[test]
fn change_to_an_invalid_configuration_is_refused() {
    let occ = OccFixture::with("user-backend.toml", TOML);
    for (words, expected) in [
        (
            &["resolver", "deadline", "--value=soon"][..],
            "user-backend.toml:7:12: resolver.deadline: found \"soon\"",
        ),
        (&["user_backends", "0", "class", "--value=imp"], "did you mean"),
        (&["user_backends", "0", "hots", "--value=x"], "an unknown field"),
    ] {
        let output = occ.run(&[&["config:system:set"], words].concat());
        assert!(output.fails(2).contains(expected), "{words:?}: {output:?}");
        assert!(!output.err.contains("/."), "the name of the draft: {output:?}");
    }
    for words in [
        &["users_backend", "0", "class", "--value=ftp"][..],
        &["user_backends", "7", "class", "--value=ftp"],
        &["resolver", "deadline", "x", "--value=9s"],
        &["resolver", "cache_entries", "--value=many", "--type=integer"],
    ] {
        occ.run(&[&["config:system:set"], words].concat()).fails(1);
    }
    let output = occ.run(&["config:system:set", "mail", "password", "--value=Wonderland-1"]);
    assert!(output.fails(2).contains("--value-from-stdin"), "{output:?}");
    assert_eq!(text(&occ, "user-backend.toml"), TOML);
    assert_eq!(std::fs::read_dir(occ.path()).unwrap().count(), 1, "a draft is left behind");
}

#[cfg(unix)]
#[test]
fn secret_from_standard_input_keeps_the_file_closed() {
    use std::os::unix::fs::PermissionsExt;
    let occ = OccFixture::with("user-backend.toml", TOML);
    let file = occ.path().join("user-backend.toml");
    let words = ["config:system:set", "mail", "--value-from-stdin", "--type=json"];
    let mail =
        br#"{"host": "mail.example.com", "from": "a@example.com", "username": "x", "password": "Wonderland-1"}"#;
    // The file may be read by others, which a secret forbids.
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(occ.run_with_input(&words, mail).fails(2).contains("chmod o-r"));
    assert_eq!(text(&occ, "user-backend.toml"), TOML);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let output = occ.run_with_input(&words, mail);
    assert_eq!((output.code, output.out.as_str()), (0, "System config value mail set\n"), "{output:?}");
    assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert!(text(&occ, "user-backend.toml").contains("Wonderland-1"));
}

#[test]
fn json_keeps_order_and_indentation() {
    let before = "{\n    \"user_backends\": [\n        {\n            \"host\": \"x.example\",\n            \"class\": \"ftp\"\n        }\n    ]\n}\n";
    let occ = OccFixture::with("c.json", before);
    let words =
        ["config:system:set", "--config", "c.json", "user_backends", "0", "host", "--value=y.example"];
    assert_eq!(occ.run(&words).code, 0);
    assert_eq!(text(&occ, "c.json"), before.replace("x.example", "y.example"));
    let system = r#"{"system": {"version": "34.0.0.1", "user_backends": [{"class": "ftp", "host": "x.example"}]}, "apps": {}}"#;
    let occ = OccFixture::with("c.json", system);
    let words = ["config:system:set", "--config", "c.json", "resolver", "deadline", "--value=9s"];
    assert_eq!(occ.run(&words).code, 0);
    let json: serde_json::Value = serde_json::from_str(&text(&occ, "c.json")).unwrap();
    assert_eq!(json["system"]["user_backends_resolver"]["deadline"], "9s");
    assert_eq!(json["system"]["version"], "34.0.0.1");
}

#[test]
fn config_php_is_never_written_and_the_lines_are_printed() {
    let before = "<?php\n$CONFIG = array (\n  'user_backends' => array (\n    0 => array ('class' => 'OC_User_FTP', 'arguments' => array ('localhost')),\n  ),\n);\n";
    let occ = OccFixture::with("config/config.php", before);
    assert_eq!(occ.run(&["config:system:get", "user_backends", "0", "arguments", "0"]).out, "localhost\n");
    let output = occ.run(&["config:system:set", "user_backends", "0", "tls", "--value=explicit"]);
    assert_eq!(output.code, 1, "nothing was set: {output:?}");
    assert!(
        output.err.contains("is not written") && output.err.contains("the place of its key 'user_backends'"),
        "{output:?}"
    );
    assert_eq!(text(&occ, "config/config.php"), before);
    // What is printed is what the file needs.
    occ.write("config/config.php", &format!("<?php\n$CONFIG = array (\n{});\n", output.out));
    assert_eq!(occ.run(&["config:system:get", "user_backends", "0", "tls"]).out, "explicit\n");
    let output = occ.run(&["config:system:set", "user_backends", "0", "tls", "--value=never"]);
    assert!(output.fails(2).contains("found \"never\""), "{output:?}");
}

/// Runs the blocks of the guide in their order, with `occ` as it is built here.
#[cfg(unix)]
#[test]
fn guide_to_moving_accounts_works_as_written() {
    let guide = include_str!("../../../../docs/moving-accounts.md");
    let occ = OccFixture::with_store();
    let file = text(&occ, "user-backend.toml").replace("id = \"mail\"\n", "id = \"mail\" # stays\n");
    occ.write(
        "user-backend.toml",
        &format!(
            "{file}\n[[user_backends]]\nid = \"files\"\nclass = \"ftp\"\nhost = \"files.example.com\"\n"
        ),
    );
    let accounts = occ.accounts();
    occ.block_on(async {
        for (id, backend) in
            [("alice", "mail"), ("felix", "files"), ("Fred O", "files"), ("ingrid@example.com", "mail")]
        {
            let user = accounts::NewUser::new(accounts::UserId::parse(id).unwrap());
            let backend = user_backend::BackendId::parse(backend).unwrap();
            accounts.users().create(user.backend(backend)).await.unwrap();
        }
        accounts.close().await;
    });
    let programs = tempfile::TempDir::new().unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_occ"), programs.path().join("occ")).unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let blocks: Vec<&str> =
        guide.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert_eq!(blocks.len(), 8);
    let run = |script: &str| {
        let mut sh = Command::new("sh");
        sh.args(["-eu", "-c", script])
            .current_dir(occ.path())
            .env("USER", "tester")
            .env_remove("USER_BACKEND_CONFIG");
        let output =
            CliOutput::of(&sh.env("PATH", format!("{}:{path}", programs.path().display())).output().unwrap());
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{script}: {output:?}");
        output.out
    };
    let pins = || occ.run(&["pin:list"]).out;
    assert!(run(blocks[0]).contains("felix"));
    run(blocks[1]);
    let file = text(&occ, "user-backend.toml");
    assert!(
        file.contains("host = \"new-mail.example.com\"") && file.contains("id = \"mail\" # stays"),
        "{file}"
    );
    assert!(run(blocks[2]).contains("backend: files"));
    // Alice is one of them now.
    run(blocks[3]);
    assert!(!pins().contains("files") && pins().contains("fred o: mail"), "{}", pins());
    run(blocks[4]);
    assert!(pins().contains("alice: local"));
    let mut login = occ.command(&["backend:login", "alice", "--password-from-env", "--backend", "local"]);
    let output = CliOutput::of(&login.env("OC_PASS", "Wonder land 1865 !").output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
    occ.set_mail(25);
    run(blocks[5]);
    let accounts = occ.accounts();
    assert_eq!(occ.block_on(accounts.outbox().waiting()).unwrap(), 1);
    run(blocks[6]);
    assert!(pins().contains("alice: mail"));
    let backends = run(blocks[7]);
    assert!(!backends.contains("files.example.com"), "{backends}");
}

#[test]
fn no_secret_is_taken_from_the_command_line() {
    let occ = OccFixture::with("user-backend.toml", TOML);
    for words in [
        &["frontends", "nginx_mail", "key", "--value=0123456789abcdef0123456789abcdef"][..],
        &["frontends", "nginx_mail", "--type=json", "--value={\"key\":\"0123456789abcdef\"}"],
        &["mail", "password", "--value=0123456789abcdef"],
        &["store", "url", "--value=postgres://host/db?user=u&password=0123456789abcdef"],
        &["user_backends", "0", "path", "--value=/login?api_key=0123456789abcdef"],
    ] {
        let said = occ.run(&[&["config:system:set"], words].concat());
        let told = said.fails(2);
        assert!(told.contains("--value-from-stdin") && !told.contains("0123456789"), "{words:?}: {told}");
    }
    assert_eq!(text(&occ, "user-backend.toml"), TOML);
}
