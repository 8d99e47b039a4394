//! Snapshots: what is asked at every call, by many at the same time.

use accounts::{GroupId, NewUser, UserFilter};

use crate::test_db::{group, on_both, user};

on_both! {
    async fn look_knows_what_any_process_had_written_before_it(db) {
        let [here, there] = [db.open().await, db.open().await];
        let anna = user("anna");
        here.users().create(NewUser::new(anna.clone()).group(GroupId::admin())).await.unwrap();
        here.users().create(NewUser::new(user("other")).group(GroupId::admin())).await.unwrap();
        // Constant queries, so that there is always one in flight that began too early.
        let (asks, name) = (there.clone(), anna.name().clone());
        let always = tokio::spawn(async move {
            loop {
                asks.snapshot(Some(&name)).await.unwrap();
                // What is remembered waits for nothing, so this task would never end.
                tokio::task::yield_now().await;
            }
        });
        for round in 0..100 {
            let on = round % 2 == 0;
            let before = there.snapshot(Some(anna.name())).await.unwrap();
            here.users().set_enabled(&anna, !on).await.unwrap();
            here.apps().set_enabled("user_external", on).await.unwrap();
            let look = there.snapshot(Some(anna.name())).await.unwrap();
            assert_eq!(look.permissions().unwrap().user.enabled, !on, "round {round}");
            assert_eq!(look.app("user_external"), Some(on), "round {round}");
            assert!(round == 0 || look.epoch > before.epoch, "round {round}");
        }
        always.abort();
    }

    async fn every_caller_gets_its_own_snapshot(db) {
        let accounts = db.open().await;
        accounts.groups().create(&group("staff"), None).await.unwrap();
        for n in 0..20 {
            let mut new = NewUser::new(user(&format!("User{n}"))).display_name(format!("Number {n}").parse().unwrap());
            new = if n % 3 == 0 { new.group(group("staff")) } else { new };
            new = if n % 5 == 0 { new.subadmin_of(group("staff")) } else { new };
            accounts.users().create(new).await.unwrap();
        }
        let tasks: Vec<_> = (0..300).map(|n| {
            let accounts = accounts.clone();
            tokio::spawn(async move {
                let n = n % 25;
                let id = user(&format!("user{n}"));
                let look = accounts.snapshot(Some(id.name())).await.unwrap();
                if n >= 20 {
                    return assert_eq!((look.details.is_none(), look.app("none")), (true, None));
                }
                let details = look.details.as_deref().unwrap();
                assert_eq!(details.user.display_name.as_deref(), Some(format!("Number {n}").as_str()));
                assert_eq!(details.user.id.as_str(), format!("User{n}"));
                assert_eq!(details.groups.len(), usize::from(n % 3 == 0));
                assert_eq!(look.permissions().unwrap().subadmin_of.len(), usize::from(n % 5 == 0));
            })
        }).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert!(accounts.snapshot(None).await.unwrap().details.is_none());
    }

    async fn cancelled_caller_ends_no_other_query(db) {
        let accounts = db.open().await;
        accounts.users().create(NewUser::new(user("anna"))).await.unwrap();
        for _ in 0..50 {
            let tasks: Vec<_> = (0..20).map(|n| {
                let accounts = accounts.clone();
                let task = tokio::spawn(async move { accounts.snapshot(Some(user("anna").name())).await });
                if n % 2 == 0 {
                    task.abort();
                }
                (n, task)
            }).collect();
            for (n, task) in tasks {
                let ended = task.await;
                assert!(n % 2 == 0 || ended.unwrap().unwrap().details.is_some());
            }
        }
    }

    async fn unavailable_store_fails_every_caller(db) {
        let accounts = db.open().await;
        accounts.close().await;
        let anna = user("anna");
        for _ in 0..3 {
            let (one, other) = tokio::join!(accounts.snapshot(None), accounts.snapshot(Some(anna.name())));
            assert!(one.unwrap_err().is_transient() && other.unwrap_err().is_transient());
        }
    }

    async fn page_and_total_come_from_one_snapshot(db) {
        let accounts = db.open().await;
        for n in 0..30 {
            let last = if n % 3 == 0 { "Smith" } else { "Jones" };
            let new = NewUser::new(user(&format!("user{n:02}"))).display_name(format!("Person {last}").parse().unwrap());
            accounts.users().create(new).await.unwrap();
        }
        for (search, total) in [("smith", 10), ("JONES", 20), ("s", 30), ("r1", 10), ("ghost", 0), ("", 30)] {
            let filter = UserFilter::new().search(search).limit(4).offset(3);
            let (page, counted) = accounts.users().page_and_total(&filter).await.unwrap();
            assert_eq!(counted, total, "{search}");
            assert_eq!(page.items.len(), usize::try_from(total.saturating_sub(3).min(4)).unwrap(), "{search}");
            assert_eq!(page, accounts.users().page(&filter).await.unwrap(), "{search}");
            let behind = filter.clone().offset(0).after(user("user20"));
            let (_, counted) = accounts.users().page_and_total(&behind).await.unwrap();
            assert_eq!(counted, total, "{search}: where a page begins changes nothing");
        }
    }
}
