//! A Dovecot with Debian's configuration, which delays addresses after wrong passwords.

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

#[tokio::test]
async fn forwarded_source_leaves_the_owner_without_a_penalty() {
    let Some(rig) = Rig::find() else { return };
    let resolver = resolver(&rig, 10995, "forward_source = true");
    let strangers: Vec<String> = (1..=5).map(|number| format!("203.0.113.{number}")).collect();
    // One after the other: together they would share what one address is delayed by.
    for (number, stranger) in strangers.iter().enumerate() {
        // Each from another address with another typo: no limit of the resolver is met but the
        // budget of the user.
        let name = ["alice", "bob", "carol", "erin", "ingrid"][number];
        let source: IpAddr = stranger.parse().unwrap();
        let answer = resolver.authenticate(Credentials::new(name, "a typo").from_source(source)).await;
        assert!(matches!(answer.outcome, Outcome::Refused(_)), "{stranger}: {}", answer.trace);
    }
    let penalties = rig.penalties("trusted");
    let guilty: Vec<_> = penalties.iter().filter(|(_, penalty)| *penalty > 0).collect();
    assert!(!guilty.is_empty(), "{penalties:?}");
    for (address, _) in &guilty {
        assert!(strangers.contains(&address.to_string()), "{penalties:?}");
    }
    assert_eq!(sign_in(&resolver, "198.51.100.7", "Wonderland-1").await, "accepted");
    // The next typo from one of these addresses is delayed by what it did itself, not by all five.
    let most = guilty.iter().map(|(_, penalty)| *penalty).max().unwrap();
    assert!(most <= 1, "{penalties:?}");
}
