//! Third-party classes, and building backends.

use std::sync::Arc;

use serde::Deserialize;

use super::*;
use crate::backend::UserBackend;
use crate::class::{Arguments, Class, EntryError, FieldSpec, NamedFields, SettingsSpec, TransportSpec};
use crate::memory::StaticBackend;
use crate::resolver::{BackendPolicy, Credentials, Resolver};
use crate::transport::TlsMode;

/// A class of a third party: one user, and a list of anything.
#[derive(Debug)]
struct Demo;

impl Class for Demo {
    fn name(&self) -> &'static str {
        "demo"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const FIELDS: &[FieldSpec] = &[
            FieldSpec::text("user", "the only user"),
            FieldSpec::text("password", "the password of that user"),
            FieldSpec::any("list", "anything"),
            FieldSpec::integer("rounds", "how often", 1, 9),
            FieldSpec::duration("patience", "how long"),
            FieldSpec::boolean("strict", "whether"),
            FieldSpec::choice("mode", "how", &["fast", "safe"]),
        ];
        FIELDS
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let Some(user) = entry.text("user") else { return Err("the field `user` is missing".into()) };
        Ok(Arc::new(StaticBackend::new(entry.id().as_str())?.with_user(user, "Wonderland-1")))
    }
}

fn with_demo() -> ClassRegistry {
    ClassRegistry::standard().with(Demo)
}

/// A class whose fields follow from a struct.
#[derive(Debug)]
struct Realm;

#[derive(Debug, Deserialize)]
struct RealmSettings {
    realm: String,
    #[serde(default)]
    limits: Vec<u16>,
    #[serde(default)]
    bind_password: Option<String>,
}

impl Class for Realm {
    fn name(&self) -> &'static str {
        "realm"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["kingdom"]
    }

    fn settings(&self) -> Option<SettingsSpec> {
        Some(SettingsSpec::of::<RealmSettings>())
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new()
            .host_required()
            .tls_modes(&[TlsMode::Implicit, TlsMode::None])
            .default_port(8080)
            .default_tls_port(8443)
    }

    fn positional<'a>(&self, arguments: &Arguments<'a>) -> Option<NamedFields<'a>> {
        let named = arguments.named(&["host", "realm"])?;
        let host = Some(named.host("a host")?);
        let own = named.get(1).map(|field| ("realm", field)).into_iter().collect();
        Some(NamedFields { host, own, ..NamedFields::default() })
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let RealmSettings { realm, limits, bind_password } = entry.settings()?;
        let user = format!("{realm}-{}-{}", limits.len(), bind_password.is_some());
        Ok(Arc::new(StaticBackend::new(entry.id().as_str())?.with_user(&user, "Wonderland-1")))
    }
}

fn realm(fields: &str) -> Result<Config, InvalidConfig> {
    let registry = ClassRegistry::empty().with(Realm);
    let text = format!("[[user_backends]]\nclass = \"realm\"\n{fields}");
    Loader::new().with_registry(registry).parse(&text, Format::Toml, "realm.toml")
}

#[test]
fn third_party_field_errors_have_place_found_and_expected() {
    let text = "[[user_backends]]\nclass = \"demo\"\ntiemout = \"5s\"\nuser = 7\nrounds = 10\npatience = 3\nstrict = \"yes\"\nmode = \"save\"\nshare = \"data\"";
    let errors = Loader::new().with_registry(with_demo()).parse(text, Format::Toml, "demo.toml").unwrap_err();
    let found: Vec<_> = errors.iter().map(|error| (error.line(), error.path(), error.to_string())).collect();
    let expected = [
        (
            3,
            "tiemout",
            "found an unknown field, expected one that is known here\n  hint: did you mean `timeout`?",
        ),
        (4, "user", "found the number 7, expected a text"),
        (5, "rounds", "found the number 10, expected a number between 1 and 9"),
        (6, "patience", "found the number 3, expected a length of time"),
        (7, "strict", "found \"yes\", expected true or false"),
        (8, "mode", "found \"save\", expected \"fast\" or \"safe\"\n  hint: did you mean \"safe\"?"),
        (9, "share", "found a field of class `smb`, expected a field of class `demo`"),
    ];
    for ((line, field, words), (found_line, path, text)) in expected.iter().zip(&found) {
        assert_eq!((found_line, path.as_str()), (&Some(*line), &*format!("user_backends[0].{field}")));
        // Which class owns `share` is known where that class was compiled in.
        assert!(text.contains(words) || *field == "share", "{text}");
    }
    assert_eq!(found.len(), expected.len(), "{errors}");
}

#[test]
fn secret_field_of_a_third_party_is_not_repeated() {
    let text = "[[user_backends]]\nclass = \"demo\"\npassword = 20261129";
    let errors = Loader::new().with_registry(with_demo()).parse(text, Format::Toml, "demo.toml").unwrap_err();
    assert!(!errors.to_string().contains("20261129"), "{errors}");
    assert_eq!(errors.iter().next().map(ConfigError::found), Some("a value that is no text"));
}

#[test]
fn settings_struct_reports_every_wrong_field() {
    let errors = realm("host = \"h\"\nrelam = \"x\"\nrealm = 7\nlimits = [1, 70000]\nbind_password = 12345")
        .unwrap_err();
    assert_eq!(
        errors.to_string(),
        "realm.toml:4:1: user_backends[0].relam: found an unknown field, expected one that is known here\n  \
         hint: did you mean `realm`?\n\
         realm.toml:5:9: user_backends[0].realm: found the number 7, expected a text\n\
         realm.toml:6:14: user_backends[0].limits[1]: found the number 70000, expected a number between 0 and 65535\n\
         realm.toml:7:17: user_backends[0].bind_password: found a value that does not fit, expected a text"
    );
    let missing = realm("host = \"h\"").unwrap_err();
    assert_eq!(
        missing.to_string(),
        "realm.toml:1:1: user_backends[0].realm: found nothing, expected the field `realm`"
    );
}

#[tokio::test]
async fn third_party_class_has_own_ports_tls_and_arguments() {
    let config = realm("arguments = [\"h.example\", \"north\"]\nlimits = [1]").unwrap();
    assert_eq!(reached(&config), "h.example:8443 implicit");
    assert_eq!(config.entries()[0].id().as_str(), "realm:h.example");
    assert_eq!(config.entries()[0].text("realm"), Some("north"));
    let resolver = Resolver::from_config(&config).unwrap();
    let answer = resolver.authenticate(Credentials::new("north-1-false", "Wonderland-1")).await;
    assert!(answer.authenticated().is_some(), "{}", answer.trace);
    assert!(matches!(resolver.reload(&config).await, Ok(reloaded) if reloaded.kept.len() == 1));

    for (fields, path, words) in [
        ("host = \"h\"\nrealm = \"r\"\ntls = \"explicit\"", "tls", "expected \"implicit\" or \"none\""),
        ("host = \"h.example\"\nrealm = \"r\"\ntls = \"none\"", "tls", "expected encryption, or consent"),
        ("realm = \"r\"", "host", "found nothing"),
        ("arguments = [\"h\", \"north\"]\nrealm = \"r\"", "realm", "it for the second time"),
        ("arguments = [\"h\", \"north\", 1]", "arguments[2]", "one argument too many"),
        ("arguments = [\"h\", 5]", "arguments[1]", "found the number 5, expected a text"),
    ] {
        let errors = realm(fields).unwrap_err();
        let error = errors.iter().next().unwrap();
        assert_eq!(error.path(), format!("user_backends[0].{path}"), "{errors}");
        assert!(error.to_string().contains(words), "{errors}");
    }
    let port = |fields: &str| {
        realm(&format!("realm = \"r\"\nhost = \"localhost\"\n{fields}")).unwrap().entries()[0]
            .endpoint()
            .unwrap()
            .port()
    };
    assert_eq!((port("tls = \"none\""), port("tls = \"implicit\""), port("port = 1")), (8080, 8443, 1));
    let warm = realm("realm = \"r\"\nhost = \"h\"\nwarm = 2").unwrap();
    assert_eq!(warm.warnings()[0].text(), "without effect: this class prepares no connections");
    let alias = "[[user_backends]]\nclass = \"Kingdom\"\nhost = \"h\"\nrealm = \"r\"";
    let loader = Loader::new().with_registry(ClassRegistry::empty().with(Realm));
    assert_eq!(loader.parse(alias, Format::Toml, "x").unwrap().entries()[0].class(), "realm");
}

#[test]
fn backends_keep_the_order_of_the_array_and_their_policies() {
    let text = "
        [[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\nmax_concurrent = 3
        [[user_backends]]\nclass = \"imap\"\nhost = \"mail\"\ndomain = \"example.com\"\nstrip_domain = true";
    let backends = toml(text).build_backends().unwrap();
    let ids: Vec<_> = backends.iter().map(|built| built.backend.id().to_string()).collect();
    assert_eq!(ids, ["ftp:files", "imap:mail"]);
    assert_eq!(backends[0].policy.max_concurrent, 3);
    assert_eq!(backends[1].names.domain().stripped(), Some("example.com"));
}

#[test]
fn custom_class_gets_typed_common_and_raw_own_fields() {
    let loader = Loader::new().with_registry(with_demo());
    let text = "[[user_backends]]\nclass = \"DEMO\"\nuser = \"alice\"\npassword = \"Wonderland-2\"\ntimeout = \"2s\"\nhost = \"db\"\nport = 5432\nlist = [1, 2.5, {a = true}]";
    let config = loader.parse(text, Format::Toml, "demo.toml").unwrap();
    let entry = &config.entries()[0];
    assert_eq!((entry.id().as_str(), entry.class()), ("demo:db:5432", "demo"));
    assert_eq!(entry.endpoint().unwrap().timeout().as_secs(), 2);
    assert_eq!(entry.field("list"), Some(serde_json::json!([1, 2.5, {"a": true}])));
    assert_eq!(entry.text("timeout"), None);
    assert!(
        !format!("{config:?}").contains("Wonderland"),
        "a third party's field may be a secret: {config:?}"
    );
    assert_eq!(config.build_backends().unwrap().len(), 1);
}

#[test]
fn class_without_a_host_is_named_by_itself() {
    let loader = Loader::new().with_registry(with_demo());
    let config =
        loader.parse("[[user_backends]]\nclass = \"demo\"\nuser = \"alice\"", Format::Toml, "x").unwrap();
    assert_eq!(config.entries()[0].id().as_str(), "demo");
    assert_eq!(config.entries()[0].endpoint(), None);
    let portless =
        loader.parse("[[user_backends]]\nclass = \"demo\"\nhost = \"db\"", Format::Toml, "x").unwrap_err();
    assert_eq!(portless.iter().next().unwrap().path(), "user_backends[0].port");
}

#[test]
fn class_without_a_server_knows_no_server_fields() {
    let loader = Loader::new().with_registry(ClassRegistry::standard().with(FileClass));
    let text = "[[user_backends]]\nclass = \"file\"\nusers = \"u\"\nhost = \"db\"\nport = 5\ntls = \"none\"";
    assert_eq!(
        loader.parse(text, Format::Toml, "x").unwrap_err().to_string(),
        "x:4:1: user_backends[0].host: found a field of classes that have a server, expected a field of class `file`\n  \
         hint: the users are in a file\n\
         x:5:1: user_backends[0].port: found a field of classes that have a server, expected a field of class `file`\n  \
         hint: the users are in a file\n\
         x:6:1: user_backends[0].tls: found a field of classes that use TLS, expected a field of class `file`\n  \
         hint: the users are in a file"
    );
}

#[test]
fn factory_error_points_to_its_entry() {
    let text =
        "[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"\n\n[[user_backends]]\nclass = \"demo\"";
    let config = Loader::new().with_registry(with_demo()).parse(text, Format::Toml, "demo.toml").unwrap();
    let errors = config.build_backends().unwrap_err();
    assert_eq!(
        errors.to_string(),
        "demo.toml:5:1: user_backends[1]: found an entry that class `demo` cannot use: the field `user` is missing, expected one that it can"
    );
    // The classes of this crate alone do not know it either.
    assert!(Loader::new().parse(text, Format::Toml, "demo.toml").is_err());
}

#[test]
fn missing_ca_file_is_found_at_build() {
    let config =
        toml("[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\nca_file = \"no-such.pem\"");
    let endpoint = config.entries()[0].endpoint().unwrap();
    assert_eq!(endpoint.trust(), &crate::transport::ServerTrust::CaFile("conf/no-such.pem".into()));
}

/// A class of a third party that reads a file.
#[derive(Debug)]
struct FileClass;

impl Class for FileClass {
    fn name(&self) -> &'static str {
        "file"
    }

    fn fields(&self) -> &'static [FieldSpec] {
        const FIELDS: &[FieldSpec] = &[FieldSpec::text("users", "the file of users").required()];
        FIELDS
    }

    fn transport(&self) -> TransportSpec {
        TransportSpec::new().without_server("the users are in a file")
    }

    fn default_policy(&self) -> BackendPolicy {
        BackendPolicy { max_concurrent: 2, ..BackendPolicy::default() }
    }

    fn files(&self, entry: &Entry) -> Vec<std::path::PathBuf> {
        entry.path("users").into_iter().collect()
    }

    fn build(&self, entry: &Entry) -> Result<Arc<dyn UserBackend>, EntryError> {
        let file = entry.path("users").ok_or("no file")?;
        let users = std::fs::read_to_string(file)?;
        let backend = StaticBackend::new(entry.id().as_str())?;
        let users = users.lines().filter_map(|line| line.split_once(':'));
        Ok(Arc::new(users.fold(backend, |backend, (name, password)| backend.with_user(name, password))))
    }
}

#[tokio::test]
async fn class_is_rebuilt_after_its_file_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (file, users) = (dir.path().join("user-backend.toml"), dir.path().join("users"));
    std::fs::write(&users, "alice:a\n").unwrap();
    let text = "[[user_backends]]\nclass = \"file\"\nusers = \"users\"\n[[user_backends]]\nclass = \"file\"\nid = \"two\"\nusers = \"users\"\nmax_concurrent = 9\n";
    std::fs::write(&file, text).unwrap();
    let loader = Loader::new().with_registry(ClassRegistry::empty().with(FileClass));
    let config = loader.load(&file).unwrap();
    let concurrent: Vec<_> = config.entries().iter().map(|entry| entry.policy().max_concurrent).collect();
    assert_eq!(concurrent, [2, 9]);
    let resolver = Resolver::from_config(&config).unwrap();
    let status = async |password: &str| {
        resolver.authenticate(Credentials::new("alice", password).without_source()).await.outcome.status()
    };
    assert_eq!(status("a").await, 200);
    assert_eq!(resolver.reload(&config).await.unwrap().kept.len(), 2);
    std::fs::write(&users, "alice:b\n").unwrap();
    assert_eq!(resolver.reload(&config).await.unwrap().changed.len(), 2);
    assert_eq!((status("b").await, status("a").await), (200, 401));
}
