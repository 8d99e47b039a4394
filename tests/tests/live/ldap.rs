//! LDAP backend against OpenLDAP, which the tests start themselves.

use user_backend::clock::now;
use user_backend::ldap::{LdapBackend, LdapSettings};
use user_backend::transport::TlsMode;
use user_backend::{Attempt, BackendId, Identity, LoginName, Password, UserBackend, Verdict, conformance};
use user_backend_tests::local_server::{LocalServer, READER_PASSWORD, USERS};

use crate::{TIMEOUT, local_endpoint};

const PEOPLE: &str = "ou=people,dc=example,dc=com";
const GROUPS: &str = "ou=groups,dc=example,dc=com";
const TEMPLATE: &str = "uid={name},ou=people,dc=example,dc=com";
const READER: &str = "cn=reader,dc=example,dc=com";
const MODES: [TlsMode; 3] = [TlsMode::Explicit, TlsMode::Implicit, TlsMode::None];

fn settings(server: &LocalServer, tls: TlsMode) -> LdapSettings {
    LdapSettings::new(BackendId::parse("directory").unwrap(), local_endpoint(server, tls))
}

fn by_template(server: &LocalServer, tls: TlsMode) -> LdapSettings {
    settings(server, tls).with_bind(TEMPLATE)
}

fn by_search(server: &LocalServer, tls: TlsMode) -> LdapSettings {
    settings(server, tls)
        .with_search(PEOPLE, "(&(objectClass=inetOrgPerson)(uid={name}))")
        .with_service_account(READER, READER_PASSWORD)
        .with_groups(GROUPS, LdapSettings::DEFAULT_GROUP_FILTER)
}

async fn answer(settings: LdapSettings, name: &str, password: &str) -> Result<Identity, String> {
    let (name, password) = (LoginName::parse(name).unwrap(), Password::parse(password).unwrap());
    let backend = LdapBackend::new(settings).unwrap();
    match backend.authenticate(&Attempt::new(&name, &password, now() + TIMEOUT)).await {
        Ok(Verdict::Accepted(identity)) => Ok(identity),
        Ok(Verdict::Rejected(rejection)) => Err(rejection.as_str().to_owned()),
        Ok(Verdict::NotMine) => Err("not mine".to_owned()),
        Err(error) => Err(format!("{} {}: {}", error.kind(), error.phase(), error.detail())),
    }
}

async fn refused(settings: LdapSettings, name: &str, password: &str) -> String {
    answer(settings, name, password).await.unwrap_err()
}

#[tokio::test]
async fn openldap_keeps_every_promise() {
    let Some(server) = LocalServer::slapd() else { return };
    let known = conformance::TestUser::new("alice", "Wonderland-1").unwrap();
    for tls in MODES {
        for settings in [by_template(&server, tls), by_search(&server, tls)] {
            conformance::check(&LdapBackend::new(settings).unwrap(), &known).await.unwrap();
        }
    }
}

#[tokio::test]
async fn openldap_accepts_right_passwords_only() {
    let Some(server) = LocalServer::slapd() else { return };
    for tls in MODES {
        for (name, password) in USERS {
            for settings in [by_template(&server, tls), by_search(&server, tls)] {
                let identity = answer(settings.clone(), name, password).await.unwrap();
                assert_eq!(identity.name().as_str(), name);
                assert_eq!(refused(settings, name, "wrong").await, "bad_credentials");
            }
        }
        assert_eq!(refused(by_template(&server, tls), "unknown", "x").await, "bad_credentials");
        assert_eq!(refused(by_search(&server, tls), "unknown", "x").await, "unknown_user");
        assert_eq!(refused(by_template(&server, tls), "nopassword", "x").await, "bad_credentials");
    }
}

#[tokio::test]
async fn openldap_names_with_any_characters_are_values() {
    let Some(server) = LocalServer::slapd() else { return };
    for name in
        ["*", "al*", "alice)(uid=*", "alice,ou=people", "*)(|(uid=*", "alice\\2a", "(alice)", "alice+cn=x"]
    {
        let answer = refused(by_search(&server, TlsMode::None), name, "Wonderland-1").await;
        assert_eq!(answer, "unknown_user", "{name}");
        let answer = refused(by_template(&server, TlsMode::None), name, "Wonderland-1").await;
        assert_eq!(answer, "bad_credentials", "{name}");
    }
}

#[tokio::test]
async fn openldap_attributes_and_groups_are_in_the_identity() {
    let Some(server) = LocalServer::slapd() else { return };
    let tls = TlsMode::Explicit;
    let alice = answer(by_search(&server, tls), "alice", "Wonderland-1").await.unwrap();
    assert_eq!(alice.display_name(), Some("alice D."));
    assert_eq!(alice.email(), Some("alice@example.com"));
    assert_eq!(alice.groups().collect::<Vec<_>>(), ["admins", "staff"]);
    let carol = answer(by_search(&server, tls), "carol", USERS[2].1).await.unwrap();
    assert_eq!(carol.groups().count(), 0);
    // Users may read their own entry, and no group.
    let template = by_template(&server, tls).with_groups(GROUPS, LdapSettings::DEFAULT_GROUP_FILTER);
    let alice = answer(template, "alice", "Wonderland-1").await;
    let alice = alice.map(|alice| (alice.email().map(str::to_owned), alice.groups().count()));
    assert_eq!(
        alice,
        Err("misconfigured greeting: there is no such base (result 32 to the search)".to_owned())
    );
    let alice = answer(by_template(&server, tls), "alice", "Wonderland-1").await.unwrap();
    assert_eq!((alice.email(), alice.display_name()), (Some("alice@example.com"), Some("alice D.")));
    // By address, with the name of the directory.
    let by_mail = by_search(&server, tls).with_search(PEOPLE, "(mail={name})").with_name_attribute("uid");
    let alice = answer(by_mail, "alice@example.com", "Wonderland-1").await.unwrap();
    assert_eq!(alice.name().as_str(), "alice");
}

#[tokio::test]
async fn wrong_openldap_settings_are_misconfigured() {
    let Some(server) = LocalServer::slapd() else { return };
    let search = || settings(&server, TlsMode::Explicit).with_search(PEOPLE, LdapSettings::DEFAULT_FILTER);
    for (settings, begins) in [
        (
            search().with_service_account(READER, "wrong"),
            "misconfigured greeting: the server refuses the service account",
        ),
        (
            by_search(&server, TlsMode::Explicit).with_search("ou=none,dc=example,dc=com", "(uid={name})"),
            "misconfigured greeting: there is no such base",
        ),
        (
            by_search(&server, TlsMode::Explicit).with_search("dc=example,dc=com", "(uid={name})"),
            "misconfigured greeting: the search finds too many entries",
        ),
    ] {
        let answer = refused(settings, "twice", "Twice-1").await;
        let is_several = answer.starts_with("misconfigured greeting: `filter` finds several entries");
        assert!(answer.starts_with(begins) || (begins.contains("too many") && is_several), "{answer}");
    }
}
