//! Pins, apps, preferences, app passwords, sessions, resets, the audit log.

use std::time::Duration;

use accounts::{
    AccountsError, Actor, BANNED, EndedCredentials, FirstSignIn, NewUser, PHONE_SEARCHES, StoredHash,
    TokenHash, UserChange,
};
use user_backend::resolver::{PinOwner, PinStore, ProvenHash, ProvenStore};
use user_backend::{BackendId, CanonicalName, Identity};

use crate::test_db::{group, on_both, user};

const HOUR: Duration = Duration::from_secs(3600);

fn backend(id: &str) -> BackendId {
    BackendId::parse(id).unwrap()
}

fn name(id: &str) -> CanonicalName {
    CanonicalName::parse(id).unwrap()
}

on_both! {
    async fn phone_searches_are_counted_for_a_day(db) {
        let accounts = db.open().await;
        let users = accounts.users();
        let (jane, max) = (user("jane"), PHONE_SEARCHES.max);
        let day = PHONE_SEARCHES.window;
        assert_eq!(users.count_phone_searches(&jane, 0).await.unwrap(), Ok(()));
        assert_eq!(users.count_phone_searches(&jane, max + 1).await.unwrap(), Err(day), "never allowed");
        assert_eq!(users.count_phone_searches(&jane, max - 10).await.unwrap(), Ok(()));
        db.clock.advance(day / 2);
        assert_eq!(users.count_phone_searches(&jane, 11).await.unwrap(), Err(day / 2));
        assert_eq!(users.count_phone_searches(&jane, 10).await.unwrap(), Ok(()));
        assert_eq!(users.count_phone_searches(&jane, 1).await.unwrap(), Err(day / 2));
        assert_eq!(users.count_phone_searches(&user("sam"), max).await.unwrap(), Ok(()), "another user");
        db.clock.advance(day / 2);
        assert_eq!(users.count_phone_searches(&jane, max - 10).await.unwrap(), Ok(()));
        assert_eq!(users.count_phone_searches(&jane, 1).await.unwrap(), Err(day / 2));
    }

    async fn banned_name_has_no_account_until_unbanned(db) {
        let accounts = db.open().await;
        let (mail, mia) = (BackendId::parse("mail").unwrap(), user("mia"));
        let epoch = async || accounts.credential_epoch().current().await.unwrap();
        accounts.users().remember(mia.name(), &mail, []).await.unwrap();
        accounts.users().delete(&mia).await.unwrap();
        accounts.users().remember(mia.name(), &mail, []).await.unwrap();
        accounts.users().delete_and_ban(&mia).await.unwrap();
        let owner = accounts.pins().bind(mia.name(), &mail, None).await.unwrap();
        assert_eq!(owner.backend.as_str(), BANNED);
        for new in [NewUser::new(mia.clone()), NewUser::new(mia.clone()).backend(mail.clone())] {
            let error = accounts.users().create(new).await.unwrap_err();
            assert!(error.is_ban(), "{error}");
        }
        assert!(accounts.users().remember(mia.name(), &mail, []).await.is_err());
        let before = epoch().await;
        assert!(accounts.users().unban(&mia).await.unwrap());
        assert!(epoch().await > before, "a remembered refusal is outdated");
        assert!(!accounts.users().unban(&mia).await.unwrap());
        accounts.users().remember(mia.name(), &mail, []).await.unwrap();
        assert!(!accounts.users().unban(&mia).await.unwrap(), "the pin of a backend is no ban");
        let actions: Vec<String> =
            accounts.audit().latest(10, Some("mia")).await.unwrap().into_iter().map(|line| line.action).collect();
        assert!(actions.contains(&"user.banned".to_owned()) && actions.contains(&"user.unbanned".to_owned()));
    }

    async fn first_owner_stays_until_rebound(db) {
        let accounts = db.open().await;
        let pins = accounts.pin_store();
        let (alice, mail, files) = (name("alice"), backend("mail"), backend("files"));
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
        let owner = |backend: &BackendId, spelling: Option<&str>| PinOwner::new(backend.clone(), spelling.map(str::to_owned));
        assert_eq!(pins.bind(&alice, &mail, None).await.unwrap(), owner(&mail, None));
        assert_eq!(pins.bind(&alice, &files, Some("ALICE")).await.unwrap(), owner(&mail, None));
        for spelling in ["Alice", "alice"] {
            assert_eq!(pins.bind(&alice, &mail, Some(spelling)).await.unwrap(), owner(&mail, Some("Alice")));
        }
        accounts.close().await;
        let accounts = db.open().await;
        let pins = accounts.pin_store();
        assert_eq!(pins.owner(&alice).await.unwrap(), Some(owner(&mail, Some("Alice"))));
        assert_eq!(pins.rebind(&alice, Some(&files)).await.unwrap(), Some(mail.clone()));
        assert_eq!(pins.rebind(&alice, Some(&files)).await.unwrap(), Some(files.clone()));
        assert_eq!(pins.owner(&alice).await.unwrap(), Some(owner(&files, None)));
        assert_eq!(accounts.pins().list(Some(&files), None, 10).await.unwrap().len(), 1);
        assert_eq!(accounts.pins().list(Some(&mail), None, 10).await.unwrap().len(), 0);
        assert_eq!(pins.rebind(&alice, None).await.unwrap(), Some(files));
        assert_eq!(pins.owner(&alice).await.unwrap(), None);
        assert_eq!(accounts.pins().count().await.unwrap(), 0);
    }

    async fn proven_credentials_are_bounded_and_end_with_the_credential(db) {
        let accounts = db.open().await;
        let proven = accounts.proven_store();
        let (alice, bob) = (user("alice"), name("bob"));
        accounts.users().create(NewUser::new(alice.clone()).password(StoredHash::new("x"))).await.unwrap();
        let hash = |number: u8| ProvenHash::new([number; 32]);
        proven.add(&bob, &hash(100)).await.unwrap();
        for number in 0..12 {
            proven.add(alice.name(), &hash(number)).await.unwrap();
            // The first one is used again and again, so it stays.
            proven.add(alice.name(), &hash(0)).await.unwrap();
        }
        for number in 0..12 {
            assert_eq!(proven.contains(&hash(number)).await.unwrap(), number == 0 || number >= 3, "{number}");
        }
        proven.remove(&hash(0)).await.unwrap();
        assert!(!proven.contains(&hash(0)).await.unwrap());
        accounts.close().await;
        let accounts = db.open().await;
        let proven = accounts.proven_store();
        assert!(proven.contains(&hash(11)).await.unwrap(), "it lasts");
        for end in ["password", "disabled", "deleted"] {
            proven.add(alice.name(), &hash(1)).await.unwrap();
            match end {
                "password" => accounts.passwords().set(&alice, &StoredHash::new("y")).await.unwrap(),
                "disabled" => drop(accounts.users().set_enabled(&alice, false).await.unwrap()),
                _ => drop(accounts.users().delete(&alice).await.unwrap()),
            }
            assert!(!proven.contains(&hash(1)).await.unwrap(), "{end}");
            assert!(proven.contains(&hash(100)).await.unwrap(), "{end}: it was another user");
        }
    }

    async fn hundred_first_acceptances_have_one_winner(db) {
        let accounts = db.open().await;
        let binds: Vec<_> = (0..100).map(|n| {
            let pins = accounts.pin_store();
            tokio::spawn(async move { pins.bind(&name("alice"), &backend(&format!("b{}", n % 7)), None).await.unwrap() })
        }).collect();
        let mut owners = Vec::new();
        for bind in binds {
            owners.push(bind.await.unwrap());
        }
        owners.dedup();
        assert_eq!(owners.len(), 1);
    }

    async fn external_users_are_kept_at_the_first_acceptance(db) {
        let accounts = db.open().await;
        let users = accounts.users();
        let (alice, mail) = (name("alice@example.com"), backend("mail"));
        let (first, new) = users.remember(&alice, &mail, [group("example.com")]).await.unwrap();
        assert_eq!((new, first.is_local(), first.email.as_deref()), (true, false, Some("alice@example.com")));
        let (again, new) = users.remember(&alice, &mail, []).await.unwrap();
        assert_eq!((&again, new), (&first, false));
        assert!(accounts.groups().has_member(&group("example.com"), &first.id).await.unwrap());
        let other = users.remember(&alice, &backend("files"), []).await;
        assert!(matches!(other, Err(AccountsError::AlreadyExists { .. })));
        // A backend cannot make a user an administrator.
        let (bob, _) = users.remember(&name("bob"), &mail, [accounts::GroupId::admin()]).await.unwrap();
        assert!(!users.permissions(&bob.id).await.unwrap().is_admin);
        assert!(accounts.passwords().set(&bob.id, &StoredHash::new("x")).await.is_err());
        // A local account never shadows a user whom another backend owns, even before the first
        // sign-in.
        accounts.pins().bind(&name("carl"), &mail, None).await.unwrap();
        let shadow = users.create(NewUser::new(user("Carl"))).await;
        assert!(matches!(shadow, Err(AccountsError::AlreadyExists { .. })));
    }

    async fn identity_of_a_directory_fills_the_new_account(db) {
        let accounts = db.open().await;
        let (users, directory) = (accounts.users(), backend("directory"));
        let identity = |id: &str| {
            Identity::new(name(id)).with_display_name(" Alice L. ").with_email("alice@example.com")
                .with_group("staff").with_group("admin").with_group("")
        };
        let first = FirstSignIn::default();
        let (alice, new) = users.remember_identity(&identity("alice"), &directory, &first).await.unwrap();
        assert!(new);
        assert_eq!(alice.display_name.as_deref(), Some("Alice L."));
        // Users may write it in their directory: it signs no one in until its owner follows a link.
        assert_eq!(alice.confirmed_email.as_deref(), None);
        assert_eq!(alice.pending_email(), Some("alice@example.com"));
        let standing = users.permissions(&alice.id).await.unwrap();
        assert!(!standing.is_admin);
        assert!(accounts.groups().has_member(&group("staff"), &alice.id).await.unwrap());
        // What is no display name or address is left out, and a later sign-in changes nothing.
        let odd = Identity::new(name("bob")).with_display_name("a\nb").with_email("no address");
        let (bob, _) = users.remember_identity(&odd, &directory, &first).await.unwrap();
        assert_eq!((bob.display_name.as_deref(), bob.pending_email()), (None, None));
        let renamed = identity("alice").with_display_name("Mallory").with_group("late");
        let (again, new) = users.remember_identity(&renamed, &directory, &first).await.unwrap();
        assert_eq!((again, new), (alice, false));
    }

    async fn name_is_a_confirmed_address_only_where_names_are_addresses(db) {
        let accounts = db.open().await;
        let (users, directory) = (accounts.users(), backend("directory"));
        let named = |id: &str| Identity::new(name(id));
        let any = FirstSignIn::default();
        let (mallory, _) = users.remember_identity(&named("mallory@example.com"), &directory, &any).await.unwrap();
        assert_eq!((mallory.confirmed_email.as_deref(), mallory.pending_email()), (None, Some("mallory@example.com")));
        let told = named("bob@example.com").with_email("bob@home.example");
        let (bob, _) = users.remember_identity(&told, &directory, &any).await.unwrap();
        assert_eq!((bob.confirmed_email.as_deref(), bob.pending_email()), (None, Some("bob@home.example")));
        let mail = FirstSignIn { names_are_addresses: true, ..any };
        let told = named("carol@example.com").with_email("alice@example.com");
        let (carol, _) = users.remember_identity(&told, &directory, &mail).await.unwrap();
        assert_eq!(carol.confirmed_email.as_deref(), Some("carol@example.com"));
    }

    async fn rebound_user_loses_the_local_password(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        accounts.users().create(NewUser::new(frank.clone()).password(StoredHash::new("x"))).await.unwrap();
        accounts.pins().rebind(frank.name(), Some(&backend("mail"))).await.unwrap();
        assert_eq!(accounts.users().get(&frank).await.unwrap().backend, backend("mail"));
        assert_eq!(accounts.passwords().find(&frank).await.unwrap(), None);
        accounts.pins().rebind(frank.name(), None).await.unwrap();
        accounts.pins().bind(frank.name(), &backend("files"), None).await.unwrap();
        assert!(!accounts.users().remember(frank.name(), &backend("files"), []).await.unwrap().1);
    }

    async fn configuration_and_preferences_are_kept(db) {
        let accounts = db.open().await;
        let apps = accounts.apps();
        assert_eq!(apps.state("files").await.unwrap(), None);
        apps.set_enabled("files", true).await.unwrap();
        apps.set_enabled("files", false).await.unwrap();
        assert_eq!(apps.state("files").await.unwrap(), Some(false));
        assert_eq!(apps.states().await.unwrap(), [("files".to_owned(), false)]);
        apps.set_value("core", "b", "2").await.unwrap();
        apps.set_value("core", "a", "1").await.unwrap();
        apps.set_value("core", "b", "3").await.unwrap();
        assert_eq!(apps.values("core").await.unwrap(), [("a".into(), "1".into()), ("b".into(), "3".into())]);
        assert_eq!(apps.configured().await.unwrap(), ["core"]);
        assert!(apps.delete_value("core", "b").await.unwrap());
        assert!(!apps.delete_value("core", "b").await.unwrap());
        assert_eq!(apps.value("core", "b").await.unwrap(), None);
        assert!(apps.set_value("", "b", "3").await.is_err());
        assert!(apps.set_value("a", "b", "3\0").await.is_err());

        let (frank, preferences) = (user("frank"), accounts.preferences());
        assert!(preferences.set(&frank, "core", [("lang", "de")]).await.is_err());
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        preferences.set(&frank, "core", [("lang", "de"), ("zone", "Europe/Berlin")]).await.unwrap();
        preferences.set(&frank, "mail", [("x", "y")]).await.unwrap();
        assert!(preferences.set(&frank, "core", [("lang", "en"), ("bad\n", "")]).await.is_err());
        assert_eq!(preferences.find(&frank, "core", "lang").await.unwrap().as_deref(), Some("de"));
        assert_eq!(preferences.list(&frank, Some("core")).await.unwrap().len(), 2);
        assert_eq!(preferences.list(&frank, None).await.unwrap().len(), 3);
        assert_eq!(preferences.delete(&frank, "core", ["lang", "none"]).await.unwrap(), 1);
    }

    async fn app_passwords_are_named_counted_and_revoked(db) {
        let accounts = db.open().await;
        let (frank, tokens) = (user("frank"), accounts.app_passwords());
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        let (token, made) = tokens.create(&frank, " phone ", None).await.unwrap();
        let expires = db.clock.now().after(HOUR);
        let (short, _) = tokens.create(&frank, "script", Some(expires)).await.unwrap();
        let (owner, found) = tokens.owner(&token.hash()).await.unwrap().unwrap();
        assert_eq!((owner.id, found.name.as_str()), (frank.clone(), "phone"));
        assert_eq!(tokens.owner(&TokenHash::of("guess")).await.unwrap(), None);
        let (epoch, first) = (accounts.credential_epoch().current().await.unwrap(), db.clock.now());
        tokens.used(&found, Some("::ffff:203.0.113.7".parse().unwrap())).await.unwrap();
        db.clock.advance(Duration::from_secs(59));
        let found = tokens.list(&frank).await.unwrap().remove(0);
        tokens.used(&found, Some("::1".parse().unwrap())).await.unwrap();
        let found = tokens.list(&frank).await.unwrap().remove(0);
        assert_eq!(found.last_used, Some(first), "at most once a minute");
        assert_eq!(found.last_used_from, Some("203.0.113.7".parse().unwrap()));
        assert_eq!(accounts.credential_epoch().current().await.unwrap(), epoch);
        assert!(tokens.owner(&short.hash()).await.unwrap().is_some());
        db.clock.advance(HOUR);
        assert_eq!(tokens.owner(&short.hash()).await.unwrap(), None);
        assert_eq!(accounts.sessions().sweep().await.unwrap(), 1);
        assert_eq!(tokens.wipe(&frank).await.unwrap(), 1);
        assert!(tokens.list(&frank).await.unwrap()[0].wipe);
        accounts.users().set_enabled(&frank, false).await.unwrap();
        assert_eq!(tokens.owner(&token.hash()).await.unwrap(), None);
        accounts.users().set_enabled(&frank, true).await.unwrap();
        assert!(tokens.owner(&token.hash()).await.unwrap().is_some());
        accounts.users().create(NewUser::new(user("eve"))).await.unwrap();
        assert!(tokens.revoke(&user("eve"), made.key).await.is_err());
        tokens.revoke(&frank, made.key).await.unwrap();
        assert_eq!(tokens.owner(&token.hash()).await.unwrap(), None);
        assert_eq!(tokens.revoke_all(&frank).await.unwrap(), 0);
        assert!(tokens.create(&frank, "", None).await.is_err());
    }

    async fn app_password_rotates_once_and_never_after_wipe(db) {
        let accounts = db.open().await;
        let (frank, tokens) = (user("frank"), accounts.app_passwords());
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        let expires = db.clock.now().after(HOUR);
        let (first, made) = tokens.create(&frank, "phone", Some(expires)).await.unwrap();
        tokens.used(&made, None).await.unwrap();
        let before = tokens.list(&frank).await.unwrap();
        let second = tokens.rotate(&frank, &first.hash()).await.unwrap();
        assert_eq!(tokens.list(&frank).await.unwrap(), before, "everything but the token stays");
        assert_eq!(tokens.owner(&first.hash()).await.unwrap(), None);
        assert!(tokens.owner(&second.hash()).await.unwrap().is_some());
        assert!(tokens.rotate(&frank, &first.hash()).await.is_err(), "the old one");
        accounts.users().create(NewUser::new(user("eve"))).await.unwrap();
        assert!(tokens.rotate(&user("eve"), &second.hash()).await.is_err(), "of another user");
        let session = accounts.sessions().begin(Some(&frank), HOUR, b"").await.unwrap();
        assert_eq!(tokens.wipe(&frank).await.unwrap(), 1);
        assert!(tokens.rotate(&frank, &second.hash()).await.is_err(), "wiped");
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_none(), "sessions end with a wipe");
        let (third, _) = tokens.create(&frank, "script", Some(expires)).await.unwrap();
        db.clock.advance(HOUR);
        assert!(tokens.rotate(&frank, &third.hash()).await.is_err(), "expired");
    }

    async fn every_app_password_change_raises_the_epoch(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        let (_, made) = accounts.app_passwords().create(&frank, "phone", None).await.unwrap();
        let now = async || accounts.credential_epoch().current().await.unwrap();
        let raises = async |statement: &str| {
            let before = now().await;
            db.raw(statement).await.unwrap();
            match accounts.credential_epoch().since(before).await.unwrap() {
                EndedCredentials::None { .. } => false,
                EndedCredentials::Users { names, .. } => names == [frank.name().clone()],
                other => panic!("{other:?}"),
            }
        };
        assert!(!raises("UPDATE app_passwords SET last_used = 5").await);
        assert!(!raises("UPDATE app_passwords SET last_used = 6, last_used_from = '::1'").await);
        assert!(raises("UPDATE app_passwords SET scopes = 'users:read'").await);
        assert!(raises("UPDATE app_passwords SET networks = '10.0.0.0/8'").await);
        assert!(raises("UPDATE app_passwords SET networks = NULL").await);
        assert!(raises("UPDATE app_passwords SET scopes = NULL").await);
        for change in ["wipe_requested = TRUE", "expires_at = 1", "name = 'x'", "token = token", "created_at = 2, last_used = 6"] {
            let is_change = raises(&format!("UPDATE app_passwords SET {change}")).await;
            // PostgreSQL compares values, SQLite what is written.
            assert_eq!(is_change, change != "token = token" || db.is_sqlite(), "{change}");
        }
        accounts.app_passwords().used(&made, None).await.unwrap();
        assert!(raises("DELETE FROM app_passwords").await);
        accounts.app_passwords().create(&frank, "phone", None).await.unwrap();
        let before = now().await;
        accounts.users().delete(&frank).await.unwrap();
        let changes = accounts.credential_epoch().since(before).await.unwrap();
        assert!(matches!(changes, EndedCredentials::Users { names, .. } if names == [frank.name().clone()]));
    }

    async fn secret_is_created_once_and_shared(db) {
        let (one, other) = (db.open().await, db.open().await);
        let (first, second) = tokio::join!(one.secret("a"), other.secret("a"));
        let first = first.unwrap();
        assert_eq!(first, second.unwrap());
        assert_eq!(first, db.open().await.secret("a").await.unwrap());
        assert!(first != one.secret("b").await.unwrap() && *first != [0; 32]);
    }

    async fn sessions_begin_live_on_and_expire(db) {
        let accounts = db.open().await;
        let (frank, sessions) = (user("frank"), accounts.sessions());
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        let token = sessions.begin(Some(&frank), HOUR, b"data").await.unwrap();
        let visitor = sessions.begin(None, HOUR, b"").await.unwrap();
        let found = sessions.find(&token.hash()).await.unwrap().unwrap();
        assert_eq!((found.user, found.data.as_slice()), (Some(frank.clone()), &b"data"[..]));
        db.clock.advance(HOUR / 2);
        assert!(sessions.touch(&token.hash(), HOUR).await.unwrap());
        assert!(sessions.put(&token.hash(), b"more").await.unwrap());
        db.clock.advance(HOUR / 2);
        assert_eq!(sessions.find(&visitor.hash()).await.unwrap(), None);
        assert!(!sessions.touch(&visitor.hash(), HOUR).await.unwrap());
        assert_eq!(sessions.find(&token.hash()).await.unwrap().unwrap().data, b"more");
        let other = sessions.begin(Some(&frank), HOUR, b"").await.unwrap();
        assert_eq!(sessions.count(&frank).await.unwrap(), 2);
        assert_eq!(sessions.end_all(&frank, Some(&other.hash())).await.unwrap(), 1);
        assert!(sessions.end(&other.hash()).await.unwrap());
        assert!(!sessions.end(&other.hash()).await.unwrap());
        accounts.users().set_enabled(&frank, false).await.unwrap();
        assert!(sessions.begin(Some(&frank), HOUR, b"").await.is_err());
    }

    async fn session_is_listed_and_begins_only_in_the_same_epoch(db) {
        let accounts = db.open().await;
        let (frank, eve, sessions) = (user("frank"), user("eve"), accounts.sessions());
        for id in [&frank, &eve] {
            accounts.users().create(NewUser::new(id.clone()).password(StoredHash::new("a"))).await.unwrap();
        }
        let before = accounts.credential_epoch().current().await.unwrap();
        let first = sessions.begin_after(&frank, before, HOUR, b"first").await.unwrap();
        db.clock.advance(HOUR / 2);
        let second = sessions.begin_after(&frank, before, HOUR, b"second").await.unwrap();
        sessions.begin_after(&eve, before, HOUR, b"").await.unwrap();
        let listed = sessions.list(&frank).await.unwrap();
        let found: Vec<_> = listed.iter().map(|(token, session)| (*token, session.data.as_slice())).collect();
        assert_eq!(found, [(second.hash(), &b"second"[..]), (first.hash(), &b"first"[..])]);
        assert_eq!(listed[0].0.label().len(), 16);
        assert_ne!(listed[0].0.label(), listed[1].0.label());
        db.clock.advance(HOUR / 2);
        assert_eq!(sessions.list(&frank).await.unwrap().len(), 1, "the other is over");
        accounts.passwords().set(&frank, &StoredHash::new("b")).await.unwrap();
        assert!(sessions.list(&frank).await.unwrap().is_empty());
        let late = sessions.begin_after(&frank, before, HOUR, b"").await;
        assert_eq!(late.unwrap_err(), AccountsError::Stale { what: "sign-in" });
        sessions.begin_after(&eve, before, HOUR, b"").await.unwrap();
        let now = accounts.credential_epoch().current().await.unwrap();
        sessions.begin_after(&frank, now, HOUR, b"").await.unwrap();
        assert!(sessions.list(&user("ghost")).await.is_err());
    }

    async fn reset_is_used_once_by_one_of_a_hundred(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        let new = NewUser::new(frank.clone()).email("f@example.com".parse().unwrap()).password(StoredHash::new("old"));
        accounts.users().create(new).await.unwrap();
        let (token, reset) = accounts.reset_tokens().issue(&frank, "reset", HOUR).await.unwrap();
        assert_eq!(reset.email, "f@example.com");
        assert_eq!(accounts.reset_tokens().find(&token.hash()).await.unwrap(), Some(reset));
        let hash = token.hash();
        let posts: Vec<_> = (0..100).map(|n| {
            let accounts = accounts.clone();
            tokio::spawn(async move { accounts.reset_tokens().redeem(&hash, &StoredHash::new(format!("new{n}"))).await })
        }).collect();
        let mut done = 0;
        for post in posts {
            match post.await.unwrap() {
                Ok(_) => done += 1,
                Err(error) => assert_eq!(error, AccountsError::Stale { what: "reset token" }),
            }
        }
        assert_eq!(done, 1);
        assert!(accounts.passwords().find(&frank).await.unwrap().unwrap().hash.expose().starts_with("new"));
    }

    async fn reset_link_ends_with_every_change_of_owner_or_address(db) {
        let accounts = db.open().await;
        let (frank, mail) = (user("frank"), backend("mail"));
        let new = NewUser::new(frank.clone()).email("f@example.com".parse().unwrap()).password(StoredHash::new("old"));
        accounts.users().create(new).await.unwrap();
        for event in 0..7 {
            let (token, _) = accounts.reset_tokens().issue(&frank, "reset", HOUR).await.unwrap();
            match event {
                0 => accounts.passwords().set(&frank, &StoredHash::new("other")).await.unwrap(),
                1 => drop(accounts.users().change(&frank, UserChange::new().email(Some("g@example.com".parse().unwrap()))).await.unwrap()),
                2 => drop(accounts.reset_tokens().issue(&frank, "reset", HOUR).await.unwrap()),
                3 => accounts.users().signed_in(&accounts.users().details(&frank).await.unwrap()).await.unwrap(),
                4 => db.clock.advance(HOUR),
                5 => {
                    accounts.users().set_enabled(&frank, false).await.unwrap();
                    assert!(accounts.reset_tokens().issue(&frank, "reset", HOUR).await.is_err());
                    accounts.users().set_enabled(&frank, true).await.unwrap();
                }
                _ => drop(accounts.pins().rebind(frank.name(), Some(&mail)).await.unwrap()),
            }
            assert_eq!(accounts.reset_tokens().find(&token.hash()).await.unwrap(), None, "{event}");
            let late = accounts.reset_tokens().redeem(&token.hash(), &StoredHash::new("evil")).await;
            assert_eq!(late, Err(AccountsError::Stale { what: "reset token" }), "{event}");
        }
        // A user with an external password is never offered a local one.
        assert!(accounts.reset_tokens().issue(&frank, "reset", HOUR).await.is_err());
    }

    async fn hash_is_replaced_only_if_unchanged(db) {
        let accounts = db.open().await;
        let (frank, passwords) = (user("frank"), accounts.passwords());
        accounts.users().create(NewUser::new(frank.clone()).password(StoredHash::new("a"))).await.unwrap();
        let (a, b, c) = (StoredHash::new("a"), StoredHash::new("b"), StoredHash::new("c"));
        let session = accounts.sessions().begin(Some(&frank), HOUR, b"").await.unwrap();
        let before = accounts.credential_epoch().current().await.unwrap();
        passwords.rehash(&frank, &a, &b).await.unwrap();
        assert_eq!(passwords.rehash(&frank, &a, &c).await, Err(AccountsError::Stale { what: "password" }));
        assert_eq!(passwords.find(&frank).await.unwrap().unwrap().hash, b);
        assert_eq!(accounts.credential_epoch().current().await.unwrap(), before);
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_some());
        for n in 0..30 {
            passwords.set(&frank, &StoredHash::new(n.to_string())).await.unwrap();
        }
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_none());
        let history = passwords.history(&frank, 100).await.unwrap();
        assert_eq!((history.len(), history[0].expose()), (24, "29"));
        assert_eq!(passwords.history(&frank, 2).await.unwrap()[1].expose(), "28");
    }

    async fn every_change_has_its_line_and_the_lines_stay(db) {
        let accounts = db.open().await;
        let admin = accounts.on_behalf_of(Actor::user("root\n", Some([192, 0, 2, 1].into())));
        let frank = user("Frank");
        accounts.users().create(NewUser::new(user("root")).group(accounts::GroupId::admin())).await.unwrap();
        admin.users().create(NewUser::new(frank.clone())).await.unwrap();
        accounts.users().delete(&frank).await.unwrap();
        let lines = accounts.audit().after(1, 10, None).await.unwrap();
        let texts: Vec<String> = lines
            .iter()
            .map(|l| format!("{} {:?} {} {} {:?}", l.actor, l.origin.as_deref(), l.action, l.target, l.detail))
            .collect();
        assert_eq!(texts, [
            r#"root Some("192.0.2.1") user.created frank Some("local")"#,
            r#"system None user.deleted frank Some("local")"#,
        ]);
        accounts.audit().record("takeover.refused", "frank", Some("files")).await.unwrap();
        assert_eq!(accounts.audit().after(lines[1].seq, 10, Some("frank")).await.unwrap().len(), 1);
        for change in ["UPDATE audit SET actor = 'mallory'", "DELETE FROM audit"] {
            let refused = db.raw(change).await.unwrap_err().to_string();
            assert!(refused.contains("append_only"), "{refused}");
        }
        assert_eq!(accounts.audit().after(1, 10, None).await.unwrap().len(), 3);
    }
}

/// Direct SQL cannot remove the last administrator either.
#[tokio::test]
async fn database_itself_keeps_the_last_administrator() {
    let db = crate::test_db::TestDb::sqlite();
    let accounts = db.open().await;
    accounts.users().create(NewUser::new(user("one")).group(accounts::GroupId::admin())).await.unwrap();
    for change in [
        "DELETE FROM users",
        "UPDATE users SET enabled = 0",
        "DELETE FROM members",
        "DELETE FROM groups WHERE key = 1",
    ] {
        let refused = db.raw(change).await.unwrap_err().to_string();
        assert!(refused.contains("last_admin"), "{change}: {refused}");
    }
}

on_both! {
    async fn upgrade_keeps_what_is_known_about_settings(db) {
        db.of_schema(11, &[]).await;
        for (app, key, value) in [
            ("mine", "count", "7"), ("occ", "mine/count", r#"{"type":"integer","lazy":true,"sensitive":false}"#),
            ("mine", "pin", "1234"), ("occ", "mine/pin", r#"{"type":"mixed","lazy":false,"sensitive":true}"#),
            ("mine", "odd", "x"), ("occ", "mine/odd", "{damaged}"),
            ("mine", "plain", "y"), ("occ", "own", "z"),
        ] {
            db.raw(&format!("INSERT INTO app_config (app, key, value) VALUES ('{app}', '{key}', '{value}')")).await.unwrap();
        }
        let accounts = db.open().await;
        let settings = accounts.apps().settings("mine").await.unwrap();
        let known: Vec<_> = settings
            .iter()
            .map(|(key, found)| (key.as_str(), found.value.as_str(), found.kind.as_str(), found.lazy, found.sensitive))
            .collect();
        assert_eq!(known, [
            ("count", "7", "integer", true, false),
            ("odd", "x", "mixed", false, true),
            ("pin", "1234", "mixed", false, true),
            ("plain", "y", "mixed", false, false),
        ]);
        assert_eq!(accounts.apps().values("occ").await.unwrap(), [("own".to_owned(), "z".to_owned())]);
        // Setting the value alone keeps the rest.
        let system = accounts.as_system();
        system.apps().set_value("mine", "pin", "4321").await.unwrap();
        let found = accounts.apps().setting("mine", "pin").await.unwrap().unwrap();
        assert!(found.sensitive && *found.value == "4321" && !format!("{found:?}").contains("4321"));
        accounts.close().await;
    }
}
