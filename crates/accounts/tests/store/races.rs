//! Many at once, and several processes (each with its own handle).

use std::sync::Arc;

use accounts::{
    Accounts, AccountsError, ActingAccounts, CredentialEpoch, EndedCredentials, GroupId, InvalidationWatcher,
    NewUser, StoredHash, UserFilter, UserId,
};
use user_backend::{
    BackendId, BackendPolicy, Credentials, DomainRules, Resolver, StaticBackend, UserBackend,
};

use crate::test_db::{group, on_both, user};

/// One way to take an administrator away.
async fn take_away(accounts: &ActingAccounts, id: &UserId, how: usize) -> Result<(), AccountsError> {
    match how % 3 {
        0 => accounts.users().set_enabled(id, false).await.map(drop),
        1 => accounts.users().delete(id).await.map(drop),
        _ => accounts.groups().remove_member(&GroupId::admin(), id).await.map(drop),
    }
}

on_both! {
    async fn concurrent_changes_leave_an_administrator(db) {
        let handles = [db.open().await, db.open().await];
        let admins = GroupId::admin();
        for round in 0..12 {
            let ids: Vec<UserId> = (0..4).map(|n| user(&format!("r{round}n{n}"))).collect();
            for id in &ids {
                let new = NewUser::new(id.clone()).group(admins.clone());
                handles[0].users().create(new).await.unwrap();
            }
            // All who are left from the rounds before take part too.
            let all = handles[0].users().page(&UserFilter::new().group(admins.clone())).await.unwrap();
            let mut tasks = Vec::new();
            for (n, user) in all.items.iter().enumerate() {
                for (m, handle) in handles.iter().enumerate() {
                    let (handle, id) = (handle.clone(), user.id.clone());
                    tasks.push(tokio::spawn(async move { take_away(&handle, &id, round + n + m).await }));
                }
            }
            let mut refused = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Err(AccountsError::LastAdmin) => refused += 1,
                    Ok(()) | Err(AccountsError::NotFound { .. }) => {}
                    // PostgreSQL ends one of two who wait for each other.
                    Err(error) => assert!(error.is_transient(), "{error}"),
                }
            }
            let left = handles[1].users().count(&UserFilter::new().group(admins.clone()).enabled()).await.unwrap();
            assert!(left >= 1, "round {round}");
            assert!(refused > 0 || left > 1, "round {round}");
        }
    }

    async fn invalidation_reaches_every_process_once_it_returns(db) {
        let [here, there] = [db.open().await, db.open().await];
        let tasks: Vec<_> = (0..8).map(|n| {
            let (here, there) = (here.clone(), there.clone());
            tokio::spawn(async move {
                let id = user(&format!("user{n}"));
                here.users().create(NewUser::new(id.clone())).await.unwrap();
                for round in 0..10 {
                    let seen = there.credential_epoch().current().await.unwrap();
                    match round % 3 {
                        0 => here.passwords().set(&id, &StoredHash::new(round.to_string())).await.unwrap(),
                        1 => drop(here.users().set_enabled(&id, false).await.unwrap()),
                        _ => drop(here.users().set_enabled(&id, true).await.unwrap()),
                    }
                    let EndedCredentials::Users { now, names } = there.credential_epoch().since(seen).await.unwrap() else {
                        panic!("nothing noticed")
                    };
                    assert!(names.contains(id.name()), "{names:?}");
                    let ended = there.users().get(&id).await.unwrap().epoch;
                    assert!(seen < ended && ended <= now);
                }
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    async fn every_end_of_credentials_is_reported(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        let mut seen = accounts.credential_epoch().current().await.unwrap();
        for event in 0..8 {
            match event {
                0 => drop(accounts.users().create(NewUser::new(frank.clone()).password(StoredHash::new("a"))).await.unwrap()),
                1 => accounts.passwords().set(&frank, &StoredHash::new("b")).await.unwrap(),
                2 => drop(accounts.users().set_enabled(&frank, false).await.unwrap()),
                3 => drop(accounts.users().set_enabled(&frank, true).await.unwrap()),
                4 => {
                    let (_, made) = accounts.app_passwords().create(&frank, "phone", None).await.unwrap();
                    assert_eq!(accounts.credential_epoch().current().await.unwrap(), seen);
                    accounts.app_passwords().revoke(&frank, made.key).await.unwrap();
                }
                5 => drop(accounts.pins().rebind(frank.name(), Some(&BackendId::parse("mail").unwrap())).await.unwrap()),
                6 => drop(accounts.pins().rebind(frank.name(), None).await.unwrap()),
                _ => drop(accounts.users().delete(&frank).await.unwrap()),
            }
            let changes = accounts.credential_epoch().since(seen).await.unwrap();
            seen = changes.now();
            assert_eq!(changes, EndedCredentials::Users { now: seen, names: vec![frank.name().clone()] }, "{event}");
        }
        // What does not end credentials is not reported.
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        accounts.users().signed_in(&accounts.users().details(&frank).await.unwrap()).await.unwrap();
        accounts.users().set_enabled(&frank, true).await.unwrap();
        assert_eq!(accounts.credential_epoch().since(seen).await.unwrap(), EndedCredentials::None { now: seen });
    }

    async fn resolver_forgets_what_ended_in_another_process(db) {
        let [server, command] = [db.open().await, db.open().await];
        let people = StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1");
        let people = Arc::new(people);
        let resolver = Resolver::builder().backend_with(people.clone(), BackendPolicy::default(), DomainRules::none()).pins(server.pin_store()).build().unwrap();
        let follower = InvalidationWatcher::start(server.clone(), [resolver.clone()]).await.unwrap();
        for _ in 0..3 {
            follower.catch_up().await.unwrap();
            assert!(resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await.authenticated().is_some());
        }
        assert_eq!(people.attempts(), 1);
        let alice = user("alice");
        command.users().remember(alice.name(), people.id(), []).await.unwrap();
        command.users().set_enabled(&alice, false).await.unwrap();
        follower.catch_up().await.unwrap();
        resolver.authenticate(Credentials::new("alice", "Wonderland-1")).await;
        assert_eq!(people.attempts(), 2);
    }

    async fn process_far_behind_forgets_everything(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        for n in 0..1001 {
            accounts.users().set_enabled(&frank, n % 2 == 1).await.unwrap();
        }
        let now = accounts.credential_epoch().current().await.unwrap();
        assert_eq!(accounts.credential_epoch().since(CredentialEpoch::default()).await.unwrap(), EndedCredentials::Everything { now });
        // A database from a backup may be younger than what a process remembers.
        let stale = db.open().await;
        db.raw("UPDATE credential_epoch SET value = 5").await.unwrap();
        assert!(matches!(stale.credential_epoch().since(now).await.unwrap(), EndedCredentials::Everything { .. }));
    }

    async fn old_credential_events_are_deleted(db) {
        let accounts = db.open().await;
        db.raw("UPDATE credential_epoch SET value = 10000").await.unwrap();
        for (epoch, name) in [(1, "old"), (8000, "older"), (9500, "wanted")] {
            db.raw(&format!("INSERT INTO credential_events (epoch, name, at) VALUES ({epoch}, '{name}', 0)")).await.unwrap();
            db.raw(&format!("INSERT INTO unblocked_sources (epoch, source) VALUES ({epoch}, '192.0.2.1')")).await.unwrap();
        }
        for _ in 0..100 {
            accounts.credential_epoch().forget(user("frank").name()).await.unwrap();
        }
        for table in ["credential_events", "unblocked_sources"] {
            assert_eq!(db.number(&format!("SELECT COUNT(*) FROM {table} WHERE epoch < 9000")).await, 0, "{table}");
            assert_eq!(db.number(&format!("SELECT COUNT(*) FROM {table} WHERE epoch = 9500")).await, 1, "{table}");
        }
        let seen = CredentialEpoch::default();
        assert!(matches!(accounts.credential_epoch().since(seen).await.unwrap(), EndedCredentials::Everything { .. }));
    }

    async fn concurrent_create_and_sign_in_give_a_name_one_owner(db) {
        let accounts = db.open().await;
        let mail = BackendId::parse("mail").unwrap();
        for round in 0..20 {
            let id = user(&format!("User{round}"));
            let (one, other) = (accounts.clone(), accounts.clone());
            let new = NewUser::new(id.clone()).password(StoredHash::new("x"));
            let create = tokio::spawn(async move { one.users().create(new).await });
            let (name, backend) = (id.name().clone(), mail.clone());
            let accept = tokio::spawn(async move {
                let owner = other.pins().bind(&name, &backend, None).await?.backend;
                if owner == backend { other.users().remember(&name, &backend, []).await.map(drop) } else { Ok(()) }
            });
            let (created, accepted) = (create.await.unwrap(), accept.await.unwrap());
            let found = accounts.users().get(&id).await.unwrap();
            let owner = accounts.pins().owner(id.name()).await.unwrap().unwrap().backend;
            accepted.unwrap();
            assert_eq!(found.backend, owner);
            assert_eq!(created.is_ok(), found.is_local());
            assert_eq!(accounts.passwords().find(&id).await.unwrap().is_some(), found.is_local());
        }
    }

    async fn deleted_group_takes_no_members(db) {
        let accounts = db.open().await;
        for round in 0..20 {
            let (red, id) = (group(&format!("red{round}")), user(&format!("user{round}")));
            accounts.groups().create(&red, None).await.unwrap();
            let (one, other) = (accounts.clone(), accounts.clone());
            let (red2, id2) = (red.clone(), id.clone());
            let create = tokio::spawn(async move { one.users().create(NewUser::new(id2).group(red2)).await });
            let delete = tokio::spawn(async move { other.groups().delete(&red).await });
            delete.await.unwrap().unwrap();
            match create.await.unwrap() {
                Ok(user) => assert!(accounts.groups().of_user(&user.id).await.unwrap().is_empty()),
                Err(_) => assert_eq!(accounts.users().find(&id).await.unwrap(), None),
            }
        }
    }

    async fn ten_processes_start_at_once_on_an_empty_place(db) {
        let opens: Vec<_> = (0..10).map(|_| {
            let settings = db.settings.clone();
            tokio::spawn(async move { Accounts::open(&settings).await })
        }).collect();
        for open in opens {
            let accounts = open.await.unwrap().unwrap();
            assert!(accounts.groups().exists(&GroupId::admin()).await.unwrap());
        }
    }
}
