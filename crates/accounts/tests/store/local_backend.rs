//! The backend `local`.

use std::sync::Arc;
use std::time::Duration;

use accounts::ResetSettings;
use accounts::{Actor, HashSettings, Hasher, LegacySalt, LocalBackend, NewUser, NoRules, StoredHash};
use user_backend::conformance::{self, TestUser};
use user_backend::{
    Attempt, BackendId, Credentials, DomainRules, LoginName, Outcome, Password, Rejection, Resolver,
    StaticBackend, UserBackend,
};

use crate::fixture::{ALICE, Fixture, Remembering, cost, deadline, password, sign_in, word};
use crate::test_db::{TestDb, on_both, user};

const SHA1: &str = "81f3122ee20bcce15538448e8fca39178037300f";
const BCRYPT: &str = "$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa";
const BCRYPT_SALTED: &str = "$2y$05$7rKgKRJ5FuP6.6Ujf4vGL.LJO3.jczyM6.i1yEHr7oIs/VE0FpDom";
const BCRYPT_72: &str = "$2y$05$6YQqIn5wIEoNh/MBX1xKEOsaEPvMRfErcobfmiUo/PimY5uUjwZvm";
const ARGON2ID: &str =
    "$argon2id$v=19$m=64,t=2,p=1$MFY2RE5GNDVsazVBNkhmWg$jgUHXNn4zJProSO8qlQSnBkCiih7XIB3tG8uxq3zCRA";
const ARGON2I: &str =
    "$argon2i$v=19$m=64,t=2,p=1$WE4uR3RBTlNsQ1lybFpkRg$2NgTTjWBx6FexTTBE+QvQ+JyJmx0//qoNJ7b+9E0Alk";

on_both! {
    async fn contract_is_kept(db) {
        let fixture = Fixture::with_alice(db).await;
        let known = TestUser::new("alice", ALICE).unwrap();
        conformance::check(&fixture.backend, &known).await.unwrap();
    }

    async fn every_person_gets_the_verdict_of_the_table(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.add(NewUser::new(user("bob")).disabled(), ALICE).await;
        fixture.add(NewUser::new(user("old")), ALICE).await;
        let users = fixture.accounts.users();
        users.create(NewUser::new(user("nopass"))).await.unwrap();
        users.create(NewUser::new(user("carol")).backend(BackendId::parse("mail").unwrap())).await.unwrap();
        for (name, hash) in [("locked", "!"), ("empty", ""), ("junk", "9|what"), ("long", BCRYPT_72)] {
            users.create(NewUser::new(user(name)).password(StoredHash::new(hash))).await.unwrap();
        }
        let long = "x".repeat(73);
        for (name, text, expected) in [
            ("alice", ALICE, "accepted alice"),
            ("ALICE", ALICE, "accepted alice"),
            ("alice", "wonderland-1", "bad_credentials"),
            ("bob", ALICE, "account_disabled"),
            ("bob", "wrong", "bad_credentials"),
            ("nopass", ALICE, "unknown_user"),
            ("carol", ALICE, "unknown_user"),
            ("ghost", ALICE, "unknown_user"),
            ("locked", "!", "bad_credentials"),
            ("empty", ALICE, "bad_credentials"),
            ("junk", "what", "bad_credentials"),
            ("long", long.as_str(), "credentials_expired"),
            ("long", &long[..72], "accepted long"),
            // T36: over-long is refused, never cut.
            ("alice", &"x".repeat(470), "policy_denied"),
            ("ghost", &"x".repeat(470), "policy_denied"),
        ] {
            assert_eq!(word(fixture.sign_in(name, text).await), expected, "{name} {text:.20}");
        }
    }

    /// T49: one comparison of the same cost for every name; so response times are equal.
    async fn t49_every_user_costs_one_comparison(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.add(NewUser::new(user("bob")).disabled(), ALICE).await;
        let users = fixture.accounts.users();
        users.create(NewUser::new(user("nopass"))).await.unwrap();
        users.create(NewUser::new(user("carol")).backend(BackendId::parse("mail").unwrap())).await.unwrap();
        users.create(NewUser::new(user("locked")).password(StoredHash::new("!"))).await.unwrap();
        for name in ["alice", "bob", "nopass", "carol", "locked", "ghost", "ghost else"] {
            let before = fixture.hasher.pool().begun();
            assert!(fixture.sign_in(name, "wrong password").await.is_ok());
            assert_eq!(fixture.hasher.pool().begun() - before, 1, "{name}");
        }
    }

    /// T37: the local flag wins, at once, also over what is remembered.
    async fn t37_disabled_user_is_out_at_once_and_in_again(db) {
        let fixture = Fixture::with_alice(db).await;
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        fixture.accounts.users().set_enabled(&user("alice"), false).await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "account_disabled");
        assert_eq!(word(fixture.sign_in("alice", "wrong").await), "bad_credentials");
        fixture.accounts.users().set_enabled(&user("alice"), true).await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        fixture.accounts.users().delete(&user("alice")).await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "unknown_user");
    }

    async fn accepted_password_is_remembered_without_hashing_again(db) {
        let fixture = Fixture::with_alice(db).await;
        let remembering = Remembering::of(&fixture.accounts, fixture.backend).await;
        assert_eq!(remembering.sign_in("alice", ALICE).await, "accepted alice");
        let begun = fixture.hasher.pool().begun();
        for name in ["alice", "Alice", "ALICE"] {
            assert_eq!(remembering.sign_in(name, ALICE).await, "accepted alice");
        }
        assert_eq!(fixture.hasher.pool().begun(), begun);
        assert_eq!(remembering.sign_in("alice", "another").await, "bad_credentials");
        assert_eq!(fixture.hasher.pool().begun(), begun + 1, "another password is always compared");
    }

    /// T42: every process refuses the old password as soon as the change returns.
    ///
    /// Fresh caches make no difference.
    async fn t42_old_password_ends_in_every_process_at_once(db) {
        let fixture = Fixture::with_alice(db).await;
        let elsewhere = {
            let accounts = db.open().await;
            let local = LocalBackend::new(accounts, Hasher::new(cost()).unwrap(), Arc::new(NoRules)).unwrap();
            let policy = local.policy();
            Resolver::builder().backend_with(Arc::new(local), policy, DomainRules::default()).build().unwrap()
        };
        let ask = async |text: &str| elsewhere.authenticate(Credentials::new("alice", text)).await.outcome;
        let mut old = ALICE.to_owned();
        for round in 0..5 {
            for _ in 0..2 {
                let found = ask(&old).await;
                assert!(matches!(found, Outcome::Authenticated(_)), "{round} {found:?}");
            }
            let new = format!("Looking-Glass-{round}");
            let found = ask(&new).await;
            assert!(matches!(found, Outcome::Refused(_)), "{round} {found:?}");
            fixture.passwords.set(&user("alice"), &password(&new), Actor::system(), deadline()).await.unwrap();
            assert_eq!(ask(&old).await, Outcome::Refused(Rejection::BadCredentials), "{round}");
            let found = ask(&new).await;
            assert!(matches!(found, Outcome::Authenticated(_)), "{round} {found:?}");
            old = new;
        }
    }

    async fn php_hashes_are_upgraded_without_ending_sessions(db) {
        let fixture = Fixture::empty(db, "{}", ResetSettings::default()).await;
        let hasher = Hasher::new(cost()).unwrap();
        let backend = LocalBackend::new(fixture.accounts.clone(), hasher, Arc::new(NoRules)).unwrap();
        let salt = LegacySalt::new("pepperfromconfig");
        let kinds = [SHA1.to_owned(), BCRYPT.to_owned(), BCRYPT_SALTED.to_owned(), format!("1|{BCRYPT}"),
            format!("2|{ARGON2I}"), format!("3|{ARGON2ID}"), ARGON2ID.to_owned()];
        for (number, stored) in kinds.iter().map(|stored| salt.with(stored)).enumerate() {
            let name = format!("user{number}");
            fixture.accounts.users().create(NewUser::new(user(&name)).password(stored.clone())).await.unwrap();
            let session = fixture.accounts.sessions().begin(Some(&user(&name)), Duration::from_secs(60), b"").await.unwrap();
            let before = fixture.accounts.users().get(&user(&name)).await.unwrap();

            assert_eq!(word(sign_in(&backend, &name, "Wonderland-2").await), "bad_credentials");
            assert_eq!(fixture.hash(&name).await, Some(stored), "a wrong password replaces nothing");
            assert_eq!(word(sign_in(&backend, &name, ALICE).await), format!("accepted {name}"));
            let ours = fixture.hash(&name).await.unwrap();
            assert!(ours.expose().starts_with("$argon2id$v=19$m=7168,t=1,p=1$"), "{}", ours.expose());
            let history = fixture.accounts.passwords().history(&user(&name), 24).await.unwrap();
            assert_eq!(history, std::slice::from_ref(&ours), "no copy of the weak hash stays behind");
            assert_eq!(word(sign_in(&backend, &name, ALICE).await), format!("accepted {name}"));
            assert_eq!(fixture.hash(&name).await, Some(ours), "once is enough");

            assert!(fixture.accounts.sessions().find(&session.hash()).await.unwrap().is_some());
            let after = fixture.accounts.users().get(&user(&name)).await.unwrap();
            assert_eq!(before.epoch, after.epoch);
        }
    }

    async fn concurrent_sign_ins_succeed_during_a_rehash(db) {
        let fixture = Arc::new(Fixture::empty(db, "{}", ResetSettings::default()).await);
        let new = NewUser::new(user("alice")).password(StoredHash::new(format!("1|{BCRYPT}")));
        fixture.accounts.users().create(new).await.unwrap();
        let logins: Vec<_> = (0..20).map(|_| {
            let fixture = fixture.clone();
            tokio::spawn(async move { word(fixture.sign_in("alice", ALICE).await) })
        }).collect();
        for login in logins {
            assert_eq!(login.await.unwrap(), "accepted alice");
        }
    }

    async fn hash_is_renewed_after_higher_costs(db) {
        let fixture = Fixture::with_alice(db).await;
        let dearer: HashSettings = cost().with_cost(8 * 1024, 2, 1).unwrap();
        let hasher = Hasher::new(dearer).unwrap();
        let backend = LocalBackend::new(fixture.accounts.clone(), hasher, Arc::new(NoRules)).unwrap();
        assert_eq!(word(sign_in(&backend, "alice", ALICE).await), "accepted alice");
        let hash = fixture.hash("alice").await.unwrap();
        assert!(hash.expose().contains("m=8192,t=2,p=1"), "{}", hash.expose());
        // A process that has not seen it yet does not revert it.
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        assert_eq!(fixture.hash("alice").await, Some(hash));
    }

    async fn expired_password_is_reported_to_its_owner_only(db) {
        let fixture = Fixture::empty(db, r#"{"expiration": 30}"#, ResetSettings::default()).await;
        fixture.add(NewUser::new(user("alice")), ALICE).await;
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        fixture.clock.advance(Duration::from_secs(30 * 24 * 60 * 60));
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "credentials_expired");
        assert_eq!(word(fixture.sign_in("alice", "wrong").await), "bad_credentials");
        fixture.passwords.set(&user("alice"), &password("Looking-Glass"), Actor::system(), deadline()).await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", "Looking-Glass").await), "accepted alice");
    }

    async fn an_outage_is_never_a_rejection(db) {
        let fixture = Fixture::with_alice(db).await;
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        fixture.accounts.close().await;
        for (name, text) in [("alice", ALICE), ("alice", "wrong"), ("ghost", "x")] {
            let error = fixture.sign_in(name, text).await.unwrap_err();
            assert!(error.is_transient() && error.backend().is_none(), "{error}");
        }
        assert!(fixture.backend.probe(deadline()).await.is_err());
    }

    /// T30: a mailbox with the name of a local user cannot sign in, with any password.
    async fn t30_another_backend_never_takes_over_a_local_name(db) {
        let fixture = Fixture::with_alice(db).await;
        let local = LocalBackend::new(fixture.accounts.clone(), fixture.hasher.clone(), Arc::new(NoRules)).unwrap();
        let policy = local.policy();
        let mail = StaticBackend::new("mail").unwrap().with_user("alice", "Mailbox-1").with_user("bob", "Mailbox-2");
        let resolver = Resolver::builder()
            .backend_with(Arc::new(local), policy, DomainRules::default())
            .backend(mail)
            .pins(fixture.accounts.pin_store())
            .build()
            .unwrap();
        let ask = async |name: &str, text: &str| resolver.authenticate(Credentials::new(name, text)).await.outcome;
        assert_eq!(ask("alice", "Mailbox-1").await, Outcome::Refused(Rejection::BadCredentials));
        assert!(matches!(ask("alice", ALICE).await, Outcome::Authenticated(proof) if proof.backend().as_str() == "local"));
        assert!(matches!(ask("bob", "Mailbox-2").await, Outcome::Authenticated(proof) if proof.backend().as_str() == "mail"));
    }
}

/// T24: no turn to hash is an outage for the one who waited, never a wrong password.
#[tokio::test]
async fn t24_no_room_to_hash_is_never_a_rejection() {
    let db = TestDb::sqlite();
    let fixture = Fixture::with_alice(&db).await;
    let tight = Hasher::new(cost().with_pool(1, 0).unwrap()).unwrap();
    let backend = LocalBackend::new(fixture.accounts.clone(), tight.clone(), Arc::new(NoRules)).unwrap();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let pool = tight.pool().clone();
    let held = tokio::spawn(async move { pool.run(deadline(), move || gate.recv()).await });
    while tight.pool().free_places() > 0 {
        tokio::task::yield_now().await;
    }
    for name in ["alice", "ghost"] {
        let error = sign_in(&backend, name, ALICE).await.unwrap_err();
        assert!(error.is_transient(), "{error}");
    }
    drop(open);
    held.await.unwrap().unwrap().unwrap_err();
    assert_eq!(word(sign_in(&backend, "alice", ALICE).await), "accepted alice");
}

/// T61: no copy of the password stays in memory after it was set, compared or reset.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn t61_no_password_stays_in_memory() {
    let db = TestDb::sqlite();
    let fixture = Fixture::with_alice(&db).await;
    let old = NewUser::new(user("old")).password(LegacySalt::new("pepperfromconfig").with(BCRYPT_SALTED));
    fixture.accounts.users().create(old).await.unwrap();
    let salted = Hasher::new(cost()).unwrap();
    let salted = LocalBackend::new(fixture.accounts.clone(), salted, Arc::new(NoRules)).unwrap();
    {
        let new = Password::parse(canary(1, 0)).unwrap();
        assert!(copies_in_memory(1) > 0, "what is there is found");
        fixture.passwords.set(&user("alice"), &new, Actor::system(), deadline()).await.unwrap();
        for name in ["alice", "old", "ghost"] {
            let name = LoginName::parse(name).unwrap();
            let attempt = Attempt::new(&name, &new, deadline());
            fixture.backend.authenticate(&attempt).await.unwrap();
            salted.authenticate(&attempt).await.unwrap();
        }
        let link = fixture.link("alice").await;
        fixture.reset.redeem(&link, &new, None, deadline()).await.unwrap();
    }
    assert_eq!(copies_in_memory(1), 0);
}

/// A long password that is nowhere in the program.
///
/// `veil` keeps the search from finding its own pattern with.
#[cfg(target_os = "linux")]
fn canary(number: u8, veil: u8) -> String {
    let mut text = String::with_capacity(200);
    let mut state = u32::from(number);
    for _ in 0..200 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let letter = b'a' + u8::try_from((state >> 16) % 26).unwrap();
        text.push(char::from(letter ^ veil));
    }
    text
}

#[cfg(target_os = "linux")]
fn copies_in_memory(number: u8) -> usize {
    use std::io::BufRead;
    use std::os::unix::fs::FileExt;

    const VEIL: u8 = 0x20;
    let (veiled, maps) = (canary(number, VEIL), std::fs::read_to_string("/proc/self/maps").unwrap());
    // Memory that was freed loses its first bytes to the allocator: the end is what would be left.
    let (first, others) = veiled.as_bytes()[160..].split_first().unwrap();
    let memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut found = 0;
    for line in maps.lines().filter(|line| line.contains(" rw") && !line.contains("[v")) {
        let (begin, end) = line.split_once(' ').unwrap().0.split_once('-').unwrap();
        let [begin, end] = [begin, end].map(|at| u64::from_str_radix(at, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - begin).unwrap()];
        if memory.read_exact_at(&mut bytes, begin).is_err() {
            continue;
        }
        let mut rest = bytes.as_slice();
        while rest.skip_until(first ^ VEIL).unwrap() > 0 {
            let is_it = rest.len() >= others.len()
                && rest.iter().zip(others).all(|(byte, veiled)| byte ^ VEIL == *veiled);
            found += usize::from(is_it);
        }
        bytes.fill(0);
        std::hint::black_box(&mut bytes);
    }
    found
}
