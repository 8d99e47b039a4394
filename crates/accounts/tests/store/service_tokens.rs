//! Service tokens: who can own one, what it remembers, and what ends it.

use std::time::Duration;

use accounts::{
    AccountsError, ActingAccounts, Actor, AppPassword, GroupId, NewUser, SourceNetworks, Token, TokenHash,
    TokenRefusal, TokenScope, TokenScopes, UserId,
};

use crate::fixture::Fixture;
use crate::test_db::{TestDb, on_both, user};

const HOUR: Duration = Duration::from_secs(60 * 60);

/// With two administrators, and a sub-admin of the staff.
async fn people(db: &TestDb) -> ActingAccounts {
    let accounts = db.open().await;
    let staff = GroupId::parse("staff").unwrap();
    accounts.groups().create(&staff, None).await.unwrap();
    for name in ["root", "boss"] {
        accounts.users().create(NewUser::new(user(name)).group(GroupId::admin())).await.unwrap();
    }
    accounts.users().create(NewUser::new(user("sub")).subadmin_of(staff)).await.unwrap();
    accounts.users().create(NewUser::new(user("frank"))).await.unwrap();
    accounts
}

async fn make(
    accounts: &ActingAccounts,
    owner: &str,
    scopes: &[&str],
) -> Result<(Token, AppPassword), AccountsError> {
    let networks = SourceNetworks::parse(["10.0.0.0/8", "2001:db8::/32"]).unwrap();
    let scopes = TokenScopes::parse(scopes)?;
    accounts.app_passwords().create_service_token(&user(owner), "nightly job", scopes, networks, None).await
}

async fn exists(accounts: &ActingAccounts, token: &TokenHash) -> bool {
    accounts.app_passwords().find(token).await.unwrap().is_some()
}

async fn audited(accounts: &ActingAccounts, owner: &UserId) -> Vec<(String, String, String)> {
    let lines = accounts.audit().latest(50, Some(owner.name().as_str())).await.unwrap();
    let ours = lines.into_iter().filter(|line| line.action.starts_with("service_token"));
    ours.map(|line| (line.actor, line.action, line.detail.unwrap_or_default())).collect()
}

on_both! {
    async fn owner_is_notified_of_a_new_app_password_and_service_token(db) {
        let fixture = Fixture::with_alice(db).await;
        let (tokens, alice) = (fixture.accounts.app_passwords(), user("alice"));
        tokens.create(&alice, "https://evil.example/now", None).await.unwrap();
        let scopes = TokenScopes::parse(["users:read"]).unwrap();
        tokens.create_service_token(&alice, "job", scopes, SourceNetworks::default(), None).await.unwrap();
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 2);
        let messages = fixture.table.messages.lock().unwrap();
        for message in messages.iter() {
            let text = message.text();
            assert!(text.contains("a new app password or service token was made"), "{text}");
            assert!(!text.contains("evil.example"), "nothing that was typed: {text}");
        }
    }

    async fn service_token_is_found_with_its_proof(db) {
        let accounts = people(db).await;
        let tokens = accounts.app_passwords();
        let expires = db.clock.now().after(HOUR);
        let scopes = TokenScopes::parse(["users:read", "frontend:wiki"]).unwrap();
        let networks = SourceNetworks::parse(["10.0.0.0/8"]).unwrap();
        let frank = user("frank");
        let made = tokens.create_service_token(&frank, " job ", scopes.clone(), networks.clone(), Some(expires));
        let (token, made) = made.await.unwrap();
        let (owner, found) = tokens.find(&token.hash()).await.unwrap().unwrap();
        assert_eq!((&owner.id, &found), (&user("frank"), &made));
        assert_eq!((found.name.as_str(), found.expires), ("job", Some(expires)));
        let service = found.service.clone().unwrap();
        assert_eq!((&service.scopes, &service.networks), (&scopes, &networks));
        assert!(service.scopes.allow(TokenScope::UsersRead) && !service.scopes.allow(TokenScope::UsersWrite));
        assert_eq!(tokens.list(&user("frank")).await.unwrap(), [made]);
        assert!(tokens.find(&TokenHash::of("guess")).await.unwrap().is_none());

        let inside = Some("10.1.2.3".parse().unwrap());
        let refusal = |found: &AppPassword| found.refusal(&owner, inside, db.clock.now());
        assert_eq!(refusal(&found), None);
        let elsewhere = found.refusal(&owner, Some("192.0.2.1".parse().unwrap()), db.clock.now());
        assert_eq!(elsewhere, Some(TokenRefusal::Network));
        assert_eq!(found.refusal(&owner, None, db.clock.now()), Some(TokenRefusal::Network));
        db.clock.advance(HOUR);
        assert_eq!(refusal(&found), Some(TokenRefusal::Expired));
        tokens.wipe(&user("frank")).await.unwrap();
        let (_, wiped) = tokens.find(&token.hash()).await.unwrap().unwrap();
        assert_eq!(refusal(&wiped), Some(TokenRefusal::Wiped));
    }

    /// A device that goes on with one is refused here, and no backend sees it as a guess.
    async fn ended_tokens_are_known_whatever_ended_them(db) {
        let accounts = people(db).await;
        let tokens = accounts.app_passwords();
        let make = async |owner: &str| {
            accounts.users().create(NewUser::new(user(owner))).await.unwrap();
            let expires = Some(db.clock.now().after(HOUR));
            let (token, made) = tokens.create(&user(owner), "phone", expires).await.unwrap();
            assert!(!tokens.has_ended(&token.hash()).await.unwrap());
            (token.hash(), made.key)
        };
        let (revoked, key) = make("revoked").await;
        tokens.revoke(&user("revoked"), key).await.unwrap();
        let (all, _) = make("all").await;
        tokens.revoke_all(&user("all")).await.unwrap();
        let (rotated, _) = make("rotated").await;
        let new = tokens.rotate(&user("rotated"), &rotated).await.unwrap().hash();
        let (promoted, _) = make("promoted").await;
        accounts.groups().add_member(&GroupId::admin(), &user("promoted")).await.unwrap();
        let (wiped, _) = make("wiped").await;
        tokens.wipe(&user("wiped")).await.unwrap();
        assert!(!tokens.has_ended(&wiped).await.unwrap(), "its row is there and refuses it");
        accounts.users().delete(&user("wiped")).await.unwrap();
        let (deleted, _) = make("deleted").await;
        accounts.users().delete(&user("deleted")).await.unwrap();
        accounts.users().create(NewUser::new(user("deleted"))).await.unwrap();
        let (expired, _) = make("expired").await;
        db.clock.advance(HOUR);
        tokens.create(&user("expired"), "in its place", None).await.unwrap();
        for (number, ended) in [revoked, all, rotated, promoted, wiped, deleted, expired].iter().enumerate() {
            assert!(tokens.has_ended(ended).await.unwrap(), "{number}");
            assert!(!exists(&accounts, ended).await, "{number}");
        }
        assert!(exists(&accounts, &new).await && !tokens.has_ended(&new).await.unwrap());
        assert!(!tokens.has_ended(&TokenHash::of("guess")).await.unwrap());
    }

    async fn ended_tokens_are_bounded_and_swept(db) {
        let accounts = people(db).await;
        let (tokens, frank) = (accounts.app_passwords(), user("frank"));
        let (token, _) = tokens.create(&frank, "phone", None).await.unwrap();
        let first = token.hash();
        let mut last = first;
        for _ in 0..201 {
            last = tokens.rotate(&frank, &last).await.unwrap().hash();
        }
        assert_eq!(db.number("SELECT COUNT(*) FROM ended_app_passwords").await, 200);
        assert!(!tokens.has_ended(&first).await.unwrap(), "the oldest goes");
        db.raw("UPDATE ended_app_passwords SET ended_at = ended_at - 7862400000").await.unwrap();
        tokens.revoke_all(&frank).await.unwrap();
        assert!(tokens.has_ended(&last).await.unwrap());
        assert_eq!(db.number("SELECT COUNT(*) FROM ended_app_passwords").await, 1);
    }

    async fn service_token_is_no_app_password_of_a_device(db) {
        let accounts = people(db).await;
        let (token, _) = make(&accounts, "root", &["admin"]).await.unwrap();
        assert!(exists(&accounts, &token.hash()).await);
        assert_eq!(accounts.app_passwords().owner(&token.hash()).await.unwrap(), None);
        let (device, made) = accounts.app_passwords().create(&user("root"), "phone", None).await.unwrap();
        assert_eq!(made.service, None);
        assert!(accounts.app_passwords().owner(&device.hash()).await.unwrap().is_some());
    }

    async fn service_token_rotates_with_scopes_and_networks(db) {
        let accounts = people(db).await;
        let (first, made) = make(&accounts, "root", &["users:read", "apps"]).await.unwrap();
        let second = accounts.app_passwords().rotate(&user("root"), &first.hash()).await.unwrap();
        assert!(!exists(&accounts, &first.hash()).await);
        assert_eq!(accounts.app_passwords().find(&second.hash()).await.unwrap().unwrap().1, made);
    }

    async fn service_token_of_an_administrator_needs_one(db) {
        let accounts = people(db).await;
        for owner in ["frank", "sub"] {
            for scope in ["admin", "apps"] {
                let refused = make(&accounts, owner, &["users:read", scope]).await.unwrap_err();
                assert!(matches!(refused, AccountsError::Invalid { field: "scope", .. }), "{refused}");
            }
            make(&accounts, owner, &["users:read", "users:write", "groups:read", "frontend:wiki"]).await.unwrap();
        }
        accounts.users().set_enabled(&user("frank"), false).await.unwrap();
        assert!(make(&accounts, "frank", &["users:read"]).await.is_err(), "disabled");
        assert!(make(&accounts, "ghost", &["users:read"]).await.is_err());
    }

    async fn service_token_ends_with_the_rights_of_its_owner(db) {
        let accounts = people(db).await;
        let staff = GroupId::parse("staff").unwrap();
        for (nth, owner) in [(0, "boss"), (1, "sub"), (2, "frank"), (3, "frank"), (4, "boss")] {
            let owner = user(owner);
            if nth == 4 {
                accounts.groups().add_member(&GroupId::admin(), &owner).await.unwrap();
            }
            let (token, _) = make(&accounts, owner.as_str(), &["users:read"]).await.unwrap();
            let (device, _) = accounts.app_passwords().create(&owner, "phone", None).await.unwrap();
            let before = accounts.credential_epoch().current().await.unwrap();
            match nth {
                0 => drop(accounts.groups().remove_member(&GroupId::admin(), &owner).await.unwrap()),
                1 => drop(accounts.groups().remove_subadmin(&staff, &owner).await.unwrap()),
                2 => drop(accounts.users().set_enabled(&owner, false).await.unwrap()),
                3 => drop(accounts.users().delete(&owner).await.unwrap()),
                _ => db.raw("DELETE FROM members WHERE user_key = (SELECT key FROM users WHERE name = 'boss')").await.unwrap(),
            }
            assert!(!exists(&accounts, &token.hash()).await, "{nth}");
            assert_eq!(exists(&accounts, &device.hash()).await, nth != 3, "a device's own: {nth}");
            assert!(accounts.credential_epoch().current().await.unwrap() > before, "{nth}");
            if nth == 2 {
                accounts.users().set_enabled(&owner, true).await.unwrap();
                assert!(!exists(&accounts, &token.hash()).await, "it does not come back");
            }
        }
    }

    async fn service_token_ends_where_app_passwords_end(db) {
        let accounts = people(db).await;
        let (token, made) = make(&accounts, "root", &["users:read"]).await.unwrap();
        accounts.app_passwords().revoke(&user("root"), made.key).await.unwrap();
        assert!(!exists(&accounts, &token.hash()).await);
        let (token, _) = make(&accounts, "root", &["users:read"]).await.unwrap();
        assert_eq!(accounts.app_passwords().revoke_all(&user("root")).await.unwrap(), 1);
        assert!(!exists(&accounts, &token.hash()).await);
    }

    async fn service_token_is_named_in_the_audit_log(db) {
        let accounts = people(db).await;
        let root = user("root");
        let by_boss = accounts.on_behalf_of(Actor::command_line("boss"));
        let (_, made) = make(&by_boss, "root", &["users:read", "groups:read"]).await.unwrap();
        by_boss.app_passwords().revoke(&root, made.key).await.unwrap();
        make(&by_boss, "root", &["users:read"]).await.unwrap();
        accounts.users().set_enabled(&root, false).await.unwrap();
        let line = |actor: &str, action: &str, detail: &str| {
            (actor.to_owned(), action.to_owned(), detail.to_owned())
        };
        assert_eq!(
            audited(&accounts, &root).await,
            [
                line(
                    "boss",
                    "service_token.added",
                    "nightly job (groups:read users:read; from 10.0.0.0/8 2001:db8::/32)"
                ),
                line("boss", "service_token.revoked", "nightly job"),
                line("boss", "service_token.added", "nightly job (users:read; from 10.0.0.0/8 2001:db8::/32)"),
                line("system", "service_token.revoked", "nightly job"),
            ]
        );
    }
}
