use serde::Deserialize;

use super::*;
use crate::config::{Format, Loader};

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Mail {
    host: String,
    #[serde(default)]
    port: u16,
    #[serde(default)]
    password: Option<String>,
    #[serde(default)]
    to: Vec<String>,
}

fn loader() -> Loader {
    Loader::new().section("mail").setting("lost_password_link")
}

fn toml(text: &str) -> Config {
    let text = format!("{text}\n[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\n");
    loader().parse(&text, Format::Toml, "server.toml").unwrap()
}

fn php(text: &str) -> Config {
    let text = format!(
        "<?php\n$CONFIG = array(\n{text}\n'user_backends' => [['class' => 'ftp', 'host' => 'files.example.com']]);"
    );
    loader().parse(&text, Format::Php, "config.php").unwrap()
}

fn mail() -> Mail {
    let to = vec!["a@example.com".to_owned(), "b@example.com".to_owned()];
    Mail { host: "mail.example.com".to_owned(), port: 587, password: Some("Wonderland-1".to_owned()), to }
}

#[test]
fn section_is_the_same_in_every_format() {
    let by_toml = toml(
        "[mail]\nhost = \"mail.example.com\"\nport = 587\npassword = \"Wonderland-1\"\nto = [\"a@example.com\", \"b@example.com\"]",
    );
    let by_php = php(
        "'mail' => 'of another app', 'user_backends_mail' => ['host' => 'mail.example.com', 'port' => 587,
         'password' => 'Wonderland-1', 'to' => [3 => 'a@example.com', 'b@example.com']],",
    );
    assert_eq!(by_toml.section("mail").unwrap(), Some(mail()));
    assert_eq!(by_php.section("mail").unwrap(), Some(mail()));
    assert_eq!(toml("").section::<Mail>("mail").unwrap(), None);
    assert_eq!(toml("").section::<Mail>("never asked for").unwrap(), None);
}

#[test]
fn associative_array_keeps_its_keys() {
    let config =
        php("'lost_password_link' => [1009 => '/ca.pem', PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT => false,
         \\PDO::MYSQL_ATTR_SSL_KEY => null],");
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        config.section_members("lost_password_link"),
        [
            ("1009".to_owned(), text("/ca.pem")),
            ("PDO::MYSQL_ATTR_SSL_VERIFY_SERVER_CERT".to_owned(), text("false")),
            ("PDO::MYSQL_ATTR_SSL_KEY".to_owned(), None),
        ]
    );
    assert_eq!(config.section_members("mail"), []);
}

#[test]
fn setting_of_the_php_system_keeps_its_name_and_its_place() {
    let link = |config: Config| config.section::<String>("lost_password_link").unwrap();
    assert_eq!(link(toml("lost_password_link = \"disabled\"")), Some("disabled".to_owned()));
    assert_eq!(link(php("'lost_password_link' => 'disabled',")), Some("disabled".to_owned()));
    // The same word elsewhere has another meaning.
    assert_eq!(
        link(php("'app' => ['lost_password_link' => getenv('X')], 'note' => 'lost_password_link',")),
        None
    );
}

#[test]
fn type_mismatch_is_shown_with_its_position() {
    let error = |text: &str| toml(text).section::<Mail>("mail").unwrap_err().to_string();
    insta::assert_snapshot!(
        [
            error("[mail]\nhost = \"mail\"\nport = \"587\""),
            error("[mail]\nhost = \"mail\"\nport = 65536"),
            error("[mail]\nport = 25"),
            error("[mail]\nhost = \"mail\"\nprot = 25"),
            error("[mail]\nhost = \"mail\"\nto = [\"a\", 3]"),
            error("mail = 3"),
            php("'user_backends_mail' => [\n'host' => 'mail', 'port' => 'x'],")
                .section::<Mail>("mail")
                .unwrap_err()
                .to_string(),
            toml("[mail]\nhost = \"mail\"")
                .section_error("mail", &["host"], "\"mail\"", "a host with a dot")
                .to_string(),
            toml("[mail]\nhost = \"mail\"").section_error("mail", &["port"], "nothing", "a port").to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn no_error_repeats_a_secret() {
    let error = |text: &str| toml(text).section::<Mail>("mail").unwrap_err().to_string();
    let errors = error("[mail]\nhost = \"mail\"\npassword = [\"Wonderland-1\"]")
        + &error("[mail]\nhost = \"mail\"\npassword = 1865")
        + &error("mail = \"smtp://alice:Wonderland-1@mail\"");
    assert!(!errors.contains("Wonderland") && !errors.contains("1865"), "{errors}");
    assert!(errors.contains("mail.password"), "{errors}");
}
