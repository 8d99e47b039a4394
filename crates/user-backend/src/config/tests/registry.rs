//! Classes of somebody else's, and building backends.

use std::sync::Arc;

use super::*;
use crate::backend::UserBackend;
use crate::memory::StaticBackend;

fn with_demo() -> Registry {
    Registry::standard().with_class("Demo", |entry| {
        let Some(user) = entry.custom("user").and_then(|value| value.as_str()) else {
            return Err("the field `user` is missing".into());
        };
        Ok(Arc::new(StaticBackend::new(entry.id().as_str())?.with_user(user, "Wonderland-1"))
            as Arc<dyn UserBackend>)
    })
}

#[test]
fn backends_come_out_in_the_order_of_the_array_with_their_policies() {
    let text = "
        [[user_backends]]\nclass = \"ftp\"\nhost = \"files\"\nmax_concurrent = 3
        [[user_backends]]\nclass = \"imap\"\nhost = \"mail\"\ndomain = \"example.com\"\nstrip_domain = true";
    let links = toml(text).build_backends(&Registry::standard()).unwrap();
    let ids: Vec<_> = links.iter().map(|(backend, ..)| backend.id().to_string()).collect();
    assert_eq!(ids, ["ftp:files", "imap:mail"]);
    assert_eq!(links[0].1.max_concurrent, 3);
    assert_eq!(links[1].2.stripped(), Some("example.com"));
}

#[test]
fn a_class_of_ones_own_gets_the_common_fields_typed_and_its_own_as_they_are() {
    let registry = with_demo();
    let loader = Loader::new().with_registry(registry.clone());
    let text = "[[user_backends]]\nclass = \"DEMO\"\nuser = \"alice\"\npassword = \"Wonderland-2\"\ntimeout = \"2s\"\nhost = \"db\"\nport = 5432\nlist = [1, 2.5, {a = true}]";
    let config = loader.parse(text, Format::Toml, "demo.toml").unwrap();
    let entry = &config.entries()[0];
    assert_eq!((entry.id().as_str(), entry.class()), ("demo:db:5432", "demo"));
    assert_eq!(entry.endpoint().unwrap().timeout().as_secs(), 2);
    assert_eq!(entry.custom("list"), Some(&serde_json::json!([1, 2.5, {"a": true}])));
    assert_eq!(entry.custom("timeout"), None);
    assert!(
        !format!("{config:?}").contains("Wonderland"),
        "a third party's field may be a secret: {config:?}"
    );
    assert_eq!(config.build_backends(&registry).unwrap().len(), 1);
}

#[test]
fn a_class_without_a_host_is_named_by_itself() {
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
fn what_a_factory_refuses_is_an_error_of_its_entry() {
    let registry = with_demo();
    let text =
        "[[user_backends]]\nclass = \"ftp\"\nhost = \"localhost\"\n\n[[user_backends]]\nclass = \"demo\"";
    let config =
        Loader::new().with_registry(registry.clone()).parse(text, Format::Toml, "demo.toml").unwrap();
    let errors = config.build_backends(&registry).unwrap_err();
    assert_eq!(
        errors.to_string(),
        "demo.toml:5:1: user_backends[1]: found an entry that class `demo` cannot use: the field `user` is missing, expected one that it can"
    );
    // The classes of this crate alone do not know it either.
    assert!(config.build_backends(&Registry::standard()).is_err());
}

#[test]
fn a_ca_file_that_is_not_there_is_found_when_backends_are_built() {
    let config =
        toml("[[user_backends]]\nclass = \"ftp\"\nhost = \"files.example.com\"\nca_file = \"no-such.pem\"");
    let endpoint = config.entries()[0].endpoint().unwrap();
    assert_eq!(endpoint.trust(), &crate::transport::Trust::CaFile("conf/no-such.pem".into()));
}
