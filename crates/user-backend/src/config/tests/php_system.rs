//! What an installation of the PHP system has beside one `config.php`.
//!
//! More files, and what its `occ config:list` prints.

use super::*;
use crate::transport::TlsMode;

/// A folder with these files, and what is read of its `config.php`.
fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, Result<Config, InvalidConfig>) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let config = Loader::new().setting("dbname").load(folder.path().join("config.php"));
    (folder, config)
}

const MAIN: &str =
    "<?php $CONFIG = ['dbname' => 'one', 'user_backends' => [['class' => 'ftp', 'host' => 'main.example']]];";

fn hosts(config: &Config) -> Vec<&str> {
    config.entries().iter().filter_map(|entry| Some(entry.endpoint()?.host())).collect()
}

#[test]
fn later_config_php_takes_the_place_of_keys() {
    let entry = |host: &str| {
        format!("<?php $CONFIG = ['user_backends' => [['class' => 'ftp', 'host' => '{host}']]];")
    };
    let (ten, two) = (entry("ten.example"), entry("two.example"));
    let (_folder, config) = folder(&[
        ("config.php", MAIN),
        ("10.config.php", &ten),
        ("2.config.php", &two),
        ("apps.config.php", "<?php $CONFIG = array('appstoreenabled' => false);"),
        ("config.sample.php", "<?php $CONFIG = ['user_backends' => 'no'];"),
    ]);
    let config = config.unwrap();
    assert_eq!(hosts(&config), ["ten.example"]);
    assert_eq!(config.section::<String>("dbname").unwrap().as_deref(), Some("one"));
    assert_eq!(config.warnings(), []);
}

#[test]
fn config_php_without_backends_has_them_in_another_file() {
    let (_folder, config) = folder(&[
        ("config.php", "<?php $CONFIG = ['dbname' => 'one'];"),
        (
            "users.config.php",
            "<?php\n$CONFIG['user_backends'] = [['class' => 'ftp', 'host' => 'two.example']];",
        ),
    ]);
    assert_eq!(hosts(&config.unwrap()), ["two.example"]);
    // Without PHP's files, the name is that of one file.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("other.php"), MAIN).unwrap();
    std::fs::write(folder.path().join("x.config.php"), "<?php $CONFIG = ['user_backends' => 1];").unwrap();
    assert_eq!(hosts(&Config::load(folder.path().join("other.php")).unwrap()), ["main.example"]);
}

#[test]
fn error_in_another_file_names_it() {
    let wrong = "<?php\n$CONFIG = ['user_backends' => [\n['class' => 'ftp', 'host' => 'x', 'port' => 0]]];";
    let (_folder, config) = folder(&[("config.php", MAIN), ("users.config.php", wrong)]);
    let errors = config.unwrap_err();
    let error = errors.iter().next().unwrap();
    assert!(error.file().ends_with("users.config.php"), "{error}");
    assert_eq!((error.line(), error.path().as_str()), (Some(3), "user_backends[0].port"));
    // What cannot be read as data is an error where it is meant for us, and a warning elsewhere.
    let conditional = "<?php if (getenv('X')) { $CONFIG = ['user_backends' => []]; }";
    let (_folder, config) = folder(&[("config.php", MAIN), ("users.config.php", conditional)]);
    assert!(config.unwrap_err().to_string().contains("users.config.php:1:"), "an error");
    let (_folder, config) = folder(&[("config.php", MAIN), ("broken.config.php", "<?php $CONFIG = [;")]);
    let config = config.unwrap();
    assert_eq!(hosts(&config), ["main.example"]);
    let warning = &config.warnings()[0];
    assert!(
        warning.setting() == "*.config.php" && warning.text().contains("broken.config.php:1:"),
        "{warning}"
    );
}

#[cfg(unix)]
#[test]
fn other_writable_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.php"), MAIN).unwrap();
    let more = folder.path().join("more.config.php");
    std::fs::write(&more, "<?php $CONFIG = [];").unwrap();
    std::fs::set_permissions(&more, std::fs::Permissions::from_mode(0o666)).unwrap();
    let errors = Config::load(folder.path().join("config.php")).unwrap_err().to_string();
    assert!(errors.contains("more.config.php") && errors.contains("chmod go-w"), "{errors}");
    // One that cannot be opened stops the PHP system too.
    std::fs::remove_file(&more).unwrap();
    std::fs::create_dir(&more).unwrap();
    let errors = Config::load(folder.path().join("config.php")).unwrap_err().to_string();
    assert!(errors.contains("more.config.php") && errors.contains("a directory"), "{errors}");
}

#[test]
fn output_of_occ_config_list_is_read() {
    let text = r#"{"system": {"dbname": "one", "version": "34.0.0.1", "trusted_domains": ["x"],
        "user_backends": [{"class": "OC_User_FTP", "arguments": ["files.example", true]}],
        "user_backends_resolver": {"deadline": "9s"}}, "apps": {"core": {"installedat": "1"}}}"#;
    let loader = Loader::new().setting("dbname");
    let config = loader.parse(text, Format::Json, "list.json").unwrap();
    assert_eq!(hosts(&config), ["files.example"]);
    assert_eq!(config.resolver().deadline.as_secs(), 9);
    assert_eq!(config.section::<String>("dbname").unwrap().as_deref(), Some("one"));
    let hidden = text.replace(r#"["files.example", true]"#, r#""***REMOVED SENSITIVE VALUE***""#);
    let errors = loader.parse(&hidden, Format::Json, "list.json").unwrap_err();
    let error = errors.iter().next().unwrap();
    assert!(error.to_string().contains("occ config:list --private"), "{error}");
    assert_eq!(error.line(), Some(2));
    // A table of that name is not ours if the file has backends.
    let beside = r#"{"system": {}, "user_backends": [{"class": "ftp", "host": "x"}]}"#;
    assert!(Loader::new().parse(beside, Format::Json, "x.json").unwrap_err().to_string().contains("system"));
}

#[test]
fn mailbox_string_without_flags_to_this_machine_is_clear_text() {
    for (mailbox, tls) in [
        ("{localhost}", TlsMode::None),
        ("{127.0.0.1:143/imap}INBOX", TlsMode::None),
        ("{[::1]}", TlsMode::None),
        ("{mail.example.com}", TlsMode::Explicit),
        ("{localhost/tls}", TlsMode::Explicit),
        ("{localhost/ssl}", TlsMode::Implicit),
    ] {
        let config = php_entry(&format!("'class' => 'OC_User_IMAP', 'arguments' => ['{mailbox}']"));
        assert_eq!(config.entries()[0].tls(), Some(tls), "{mailbox}");
    }
}
