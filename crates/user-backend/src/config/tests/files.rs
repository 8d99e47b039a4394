//! Files: what they are, who may read them.

use std::fs;
use std::path::{Path, PathBuf};

use super::*;

fn write(dir: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.join(name);
    fs::write(&path, bytes).unwrap();
    mode(&path, 0o640);
    path
}

#[cfg(unix)]
fn mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// The errors of a file, with its directory left out.
fn refused(path: &Path) -> String {
    let text = Config::load(path).expect_err("refused").to_string();
    let text = text.replace(&path.parent().unwrap().display().to_string(), "DIR");
    #[cfg(unix)]
    if let Ok(metadata) = fs::metadata(path) {
        let owner = std::os::unix::fs::MetadataExt::uid(&metadata);
        return text.replace(&format!("owner {owner},"), "owner ME,");
    }
    text
}

const FTP: &str =
    "[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"\nca_file = \"ca.pem\"\ntls = \"explicit\"";

#[test]
fn ca_file_is_looked_for_beside_the_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let config = Config::load(write(dir.path(), "a.toml", FTP.as_bytes())).unwrap();
    let trust = config.entries()[0].endpoint().unwrap().trust();
    assert_eq!(trust, &crate::transport::ServerTrust::CaFile(dir.path().join("ca.pem")));
    let absolute = FTP.replace("ca.pem", "/etc/ssl/ca.pem");
    let config = Config::load(write(dir.path(), "b.toml", absolute.as_bytes())).unwrap();
    let trust = config.entries()[0].endpoint().unwrap().trust();
    assert_eq!(trust, &crate::transport::ServerTrust::CaFile("/etc/ssl/ca.pem".into()));
}

#[test]
fn non_regular_configuration_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("folder.toml");
    fs::create_dir(&folder).unwrap();
    let mut large = FTP.as_bytes().to_vec();
    large.resize(1024 * 1024 + 1, b'\n');
    let refusals = [
        refused(&dir.path().join("missing.toml")),
        refused(&folder),
        refused(&write(dir.path(), "settings.yaml", b"user_backends: []")),
        refused(&write(dir.path(), "latin1.toml", b"[[user_backends]]\nid = \"m\xfcnchen\"")),
        refused(&write(dir.path(), "latin1.php", b"<?php\n// M\xfcnchen\n$CONFIG = [];")),
        refused(&write(dir.path(), "empty.toml", b"")),
        refused(&write(dir.path(), "blank.json", b" \n\n")),
        refused(&write(dir.path(), "empty.php", b"")),
        refused(&write(dir.path(), "large.toml", &large)),
    ];
    insta::assert_snapshot!(refusals.join("\n\n"));
}

#[cfg(unix)]
#[test]
fn t63_world_readable_file_with_a_secret_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let php = "<?php $CONFIG = ['dbpassword' => 'Wonderland-1', 'user_backends' => [['class' => 'ftp', 'host' => 'localhost']]];";
    let path = write(dir.path(), "config.php", php.as_bytes());
    for closed in [0o600, 0o640] {
        mode(&path, closed);
        assert!(Config::load(&path).is_ok(), "{closed:o}");
    }
    let mut refusals = Vec::new();
    for open in [0o644, 0o646, 0o641] {
        mode(&path, open);
        refusals.push(refused(&path));
    }
    assert!(!refusals.concat().contains("Wonderland"));
    insta::assert_snapshot!(refusals.join("\n\n"));
}

#[cfg(unix)]
#[test]
fn t63_secrets_are_found_wherever_they_stand() {
    let dir = tempfile::tempdir().unwrap();
    let backends = "'user_backends' => [['class' => 'ftp', 'host' => 'localhost']]";
    for (nth, (other, secret)) in [
        ("'secret' => 'x',", true),
        ("'passwordsalt' => \"x\",", true),
        ("'redis' => ['host' => 'a', 'password' => 'x'],", true),
        ("'mail_smtppassword' => '',", false),
        ("'lost_password_link' => 'https://example.com',", false),
        ("'dbpassword' => getenv('DB'),", false),
        ("'user_backends_store' => ['url' => 'postgres://u:p@db/x'],", true),
        ("'user_backends_store' => ['url' => 'postgres://u@db/x'],", false),
        ("'user_backends_store' => ['url' => 'postgres://db/x?user=u&password=p'],", true),
        ("'user_backends_frontends' => ['nginx_mail' => ['key' => 'x']],", true),
        ("'user_backends_server' => ['tls_key' => 'key.pem'],", false),
        ("", false),
    ]
    .into_iter()
    .enumerate()
    {
        let text = format!("<?php $CONFIG = [{other} {backends}];");
        let path = write(dir.path(), &format!("{nth}.php"), text.as_bytes());
        mode(&path, 0o644);
        assert_eq!(Config::load(&path).is_err(), secret, "{other}");
    }
    let path = write(dir.path(), "server.toml", format!("[mail]\nsmtp_password = \"x\"\n{FTP}").as_bytes());
    mode(&path, 0o644);
    assert!(Loader::new().allow_section("mail").load(&path).is_err());
}

#[cfg(unix)]
#[test]
fn world_writable_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = write(dir.path(), "user-backend.toml", FTP.as_bytes());
    mode(&path, 0o644);
    assert!(Config::load(&path).is_ok());
    for (open, command) in [(0o646, "chmod o-w "), (0o664, "chmod g-w "), (0o666, "chmod go-w ")] {
        mode(&path, open);
        let text = refused(&path);
        assert!(text.contains(command) && text.contains(&format!("mode {open:04o}")), "{text}");
    }
    mode(&path, 0o644);
    mode(dir.path(), 0o777);
    assert!(refused(&path).contains("chmod go-w"), "nor one in a folder that everybody may write");
}

#[cfg(unix)]
#[test]
fn ca_file_writable_by_others_makes_no_backend() {
    let dir = tempfile::tempdir().unwrap();
    let certificate = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem();
    let ca = write(dir.path(), "ca.pem", certificate.as_bytes());
    let config = Config::load(write(dir.path(), "a.toml", FTP.as_bytes())).unwrap();
    assert!(crate::Resolver::from_config(&config).is_ok());
    mode(&ca, 0o664);
    let error = crate::Resolver::from_config(&config).unwrap_err().to_string();
    assert!(error.contains("user_backends[0].ca_file") && error.contains("chmod g-w "), "{error}");
}

#[cfg(unix)]
#[test]
fn pipe_is_refused_without_waiting_for_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let link = dir.path().join("null.toml");
    std::os::unix::fs::symlink("/dev/null", &link).unwrap();
    assert!(refused(&link).contains("something that is no file"));
    for (class, field) in [("imap", "ca_file"), ("ssh", "known_hosts")] {
        if !cfg!(feature = "ssh") && class == "ssh" {
            continue;
        }
        let text = format!(
            "[[user_backends]]\nclass = \"{class}\"\nhost = \"h.example.com\"\n{field} = \"null.toml\"\n"
        );
        let config = Config::load(write(dir.path(), "a.toml", text.as_bytes())).unwrap();
        let error = crate::Resolver::from_config(&config).unwrap_err().to_string();
        assert!(error.contains("it is no regular file"), "{field}: {error}");
    }
}

#[test]
fn program_with_its_own_backend_needs_no_other() {
    let loader = Loader::new().allow_section("server").allow_no_backends();
    for (text, format) in [
        ("", Format::Toml),
        ("[server]\n[resolver]\ndeadline = \"5s\"", Format::Toml),
        (r#"{"user_backends": []}"#, Format::Json),
        ("<?php $CONFIG = ['dbtype' => 'sqlite3'];", Format::Php),
    ] {
        let config = loader.parse(text, format, "server").unwrap_or_else(|errors| panic!("{text}\n{errors}"));
        assert!(config.entries().is_empty());
        assert!(Loader::new().allow_section("server").parse(text, format, "server").is_err(), "{text}");
    }
    assert!(loader.parse("user_backends = 1", Format::Toml, "server").is_err());
}
