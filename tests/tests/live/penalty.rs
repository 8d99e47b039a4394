//! A Dovecot with Debian's own configuration, which slows an address down after wrong passwords.

use std::net::IpAddr;
use user_backend::config::{Format, Loader};
use user_backend::{Credentials, Outcome, Resolver};
use user_backend_tests::Rig;

fn resolver(rig: &Rig, port: u16, more: &str) -> Resolver {
    let text = format!(
        "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"{}\"\nport = {port}\ntls = \"implicit\"\n\
         ca_file = {:?}\ntimeout = \"25s\"\n{more}\n[resolver]\ndeadline = \"30s\"\n",
        rig.host(),
        rig.ca_file()
    );
    let config = Loader::new().parse(&text, Format::Toml, "t").unwrap_or_else(|errors| panic!("{errors}"));
    Resolver::from_config(&config).unwrap()
}

async fn sign_in(resolver: &Resolver, source: &str, password: &str) -> &'static str {
    let source: IpAddr = source.parse().unwrap();
    let answer = resolver.authenticate(Credentials::new("alice", password).from_source(source)).await;
    match answer.outcome {
        Outcome::Authenticated(_) => "accepted",
        Outcome::Refused(rejection) => rejection.as_str(),
        other => panic!("{other:?}: {}", answer.trace),
    }
}

#[tokio::test]
async fn stock_dovecot_counts_all_users_at_one_address() {
    let Some(rig) = Rig::find() else { return };
    let resolver = resolver(&rig, 10994, "");
    assert_eq!(sign_in(&resolver, "198.51.100.7", "Wonderland-1").await, "accepted");
    assert_eq!(sign_in(&resolver, "203.0.113.1", "a typo").await, "bad_credentials");
    let penalties = rig.penalties("stock");
    let [(address, penalty)] = penalties.as_slice() else { panic!("{penalties:?}") };
    assert!(*penalty > 0 && address.to_string() != "203.0.113.1", "{penalties:?}");
    // A right password takes it away again.
    resolver.invalidate_all();
    assert_eq!(sign_in(&resolver, "198.51.100.7", "Wonderland-1").await, "accepted");
    assert!(rig.penalties("stock").iter().all(|(_, penalty)| *penalty == 0));
}
