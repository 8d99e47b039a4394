//! Users: created atomically, found in any spelling, listed in order.

use accounts::{
    Accounts, AccountsError, DisplayName, EmailAddress, GroupFilter, GroupId, Language, NewUser,
    ProfileField, ProfileScope, ProfileValue, Quota, StoredHash, UserChange, UserFilter,
};
use futures_util::TryStreamExt;
use user_backend::BackendId;

use crate::test_db::{group, on_both, user};

on_both! {
    async fn user_is_found_in_any_spelling_and_keeps_their_own(db) {
        let accounts = db.open().await;
        let new = NewUser::new(user("Frank"))
            .display_name(" Frank Smith ".parse().unwrap())
            .email("Frank@Example.com".parse().unwrap())
            .quota(Quota::Bytes(5 << 30))
            .language("de_DE".parse().unwrap());
        let created = accounts.users().create(new).await.unwrap();
        assert_eq!(accounts.users().get(&user("FRANK")).await.unwrap(), created);
        assert_eq!(created.id.as_str(), "Frank");
        assert_eq!(created.display_name_or_id(), "Frank Smith");
        assert_eq!(created.email.as_deref(), Some("frank@example.com"));
        assert_eq!((created.quota, created.enabled, created.is_local()), (Quota::Bytes(5 << 30), true, true));
        assert_eq!(created.created, db.clock.now());
        let again = accounts.users().create(NewUser::new(user("frank"))).await;
        assert_eq!(again, Err(AccountsError::AlreadyExists { what: "user", id: "frank".into() }));
        assert_eq!(accounts.users().find(&user("ghost")).await.unwrap(), None);
    }

    async fn open_existing_creates_nothing(db) {
        for _ in 0..2 {
            assert!(Accounts::open_existing(&db.settings).await.unwrap().is_none());
        }
        db.open().await.close().await;
        let there = Accounts::open_existing(&db.settings).await.unwrap().unwrap();
        assert_eq!(there.users().count(&UserFilter::new()).await.unwrap(), 0);
    }

    async fn imported_sign_in_times_are_kept(db) {
        let accounts = db.open().await;
        let now = db.clock.now();
        let day = std::time::Duration::from_secs(86_400);
        let seen = |id, first, last| {
            let new = NewUser::new(user(id)).signed_in(first, last);
            async { accounts.users().create(new).await.map(|user| (user.first_login, user.last_login)).unwrap() }
        };
        assert_eq!(seen("a", now.before(day), now).await, (Some(now.before(day)), Some(now)));
        assert_eq!(seen("b", now, now.before(day)).await, (Some(now.before(day)), Some(now.before(day))));
        assert_eq!(seen("c", now.after(day), now.after(day)).await, (Some(now), Some(now)), "not in the future");
    }

    async fn failed_creation_rolls_back(db) {
        let accounts = db.open().await;
        let base = || NewUser::new(user("frank")).password(StoredHash::new("x")).group(GroupId::admin());
        for new in [
            base().group(group("nowhere")),
            base().subadmin_of(GroupId::admin()),
            base().subadmin_of(group("nowhere")),
            base().backend(BackendId::parse("mail").unwrap()),
        ] {
            let error = accounts.users().create(new.clone()).await.unwrap_err();
            assert!(matches!(error, AccountsError::NotFound { .. } | AccountsError::Invalid { .. }), "{error}");
            assert_eq!(accounts.users().find(&user("frank")).await.unwrap(), None);
        }
        // What cannot be a value is refused before there is a user to create.
        for refused in [
            EmailAddress::parse("nonsense").map(drop),
            DisplayName::parse(&"x".repeat(65)).map(drop),
            Language::parse("no such thing").map(drop),
            ProfileValue::parse(ProfileField::Phone, &"1".repeat(3000)).map(drop),
        ] {
            assert!(matches!(refused, Err(AccountsError::Invalid { .. })), "{refused:?}");
        }
        assert_eq!(accounts.passwords().find(&user("frank")).await.unwrap(), None);
        assert!(accounts.audit().after(0, 10, None).await.unwrap().is_empty());
        accounts.users().create(base()).await.unwrap();
    }

    async fn hundred_creates_of_one_name_make_one_user(db) {
        let accounts = db.open().await;
        let creates = (0..100).map(|n| {
            let accounts = accounts.clone();
            let id = if n % 2 == 0 { "frank" } else { "FRANK" };
            tokio::spawn(async move { accounts.users().create(NewUser::new(user(id))).await })
        });
        let mut made = 0;
        for create in creates.collect::<Vec<_>>() {
            match create.await.unwrap() {
                Ok(_) => made += 1,
                Err(error) => assert!(matches!(error, AccountsError::AlreadyExists { .. }), "{error}"),
            }
        }
        assert_eq!(made, 1);
        assert_eq!(accounts.users().count(&UserFilter::new()).await.unwrap(), 1);
    }

    async fn several_fields_change_atomically(db) {
        let accounts = db.open().await;
        let frank = user("frank");
        accounts.users().create(NewUser::new(frank.clone())).await.unwrap();
        let change = UserChange::new()
            .display_name(Some("Frank".parse().unwrap()))
            .email(Some("f@example.com".parse().unwrap()))
            .quota(Quota::Unlimited)
            .field(ProfileValue::parse(ProfileField::Phone, "+49711").unwrap())
            .scope(ProfileField::Phone, ProfileScope::Private)
            .field(ProfileValue::parse(ProfileField::AdditionalMail, "second@example.com").unwrap());
        accounts.users().change(&frank, change.clone()).await.unwrap();
        let details = accounts.users().details(&frank).await.unwrap();
        assert_eq!(details.user.quota, Quota::Unlimited);
        assert_eq!(details.profile.value(ProfileField::Phone), Some("+49711"));
        assert_eq!(details.profile.scope(ProfileField::Phone), Some(ProfileScope::Private));
        assert_eq!(details.profile.value(ProfileField::AdditionalMail), Some("second@example.com"));
        let again = accounts.users().change(&frank, change.display_name(Some("Other".parse().unwrap()))).await;
        assert!(matches!(again, Err(AccountsError::AlreadyExists { what: "mail address", .. })), "{again:?}");
        assert_eq!(accounts.users().get(&frank).await.unwrap().display_name_or_id(), "Frank");
        let primary = UserChange::new().field(ProfileValue::parse(ProfileField::AdditionalMail, "F@example.com").unwrap());
        assert!(accounts.users().change(&frank, primary).await.is_err());
        let swap = UserChange::new().replace_email("second@example.com", Some("third@example.com".parse().unwrap())).email(None);
        assert_eq!(accounts.users().change(&frank, swap).await.unwrap().email, None);
        let drop = UserChange::new().replace_email("third@example.com", None).field(ProfileValue::parse(ProfileField::Phone, "").unwrap());
        accounts.users().change(&frank, drop).await.unwrap();
        let details = accounts.users().details(&frank).await.unwrap();
        assert_eq!(details.profile.value(ProfileField::AdditionalMail), None);
        assert_eq!(details.profile.value(ProfileField::Phone), None);
        assert_eq!(details.profile.scope(ProfileField::Phone), Some(ProfileScope::Private));
    }

    async fn pages_add_up_to_the_list_in_the_order_of_names(db) {
        let accounts = db.open().await;
        for n in 0..23 {
            let id = if n % 2 == 0 { format!("User{n:02}") } else { format!("user{n:02}") };
            let new = NewUser::new(user(&id)).display_name(format!("Person {}", 99 - n).parse().unwrap()).email(format!("p{n}@x.org").parse().unwrap());
            accounts.users().create(new).await.unwrap();
        }
        let mut walked = Vec::new();
        let mut filter = UserFilter::new().limit(5);
        loop {
            let page = accounts.users().page(&filter).await.unwrap();
            walked.extend(page.items.iter().map(|user| user.id.as_str().to_lowercase()));
            let Some(next) = page.next else { break };
            filter = filter.after(next);
        }
        let all: Vec<String> = (0..23).map(|n| format!("user{n:02}")).collect();
        assert_eq!(walked, all);
        let users = accounts.users();
        let streamed: Vec<_> = users.stream(UserFilter::new()).try_collect().await.unwrap();
        assert_eq!(streamed.iter().map(|user| user.id.as_str().to_lowercase()).collect::<Vec<_>>(), all);
        let by_offset = users.page(&UserFilter::new().limit(5).offset(20)).await.unwrap();
        assert_eq!((by_offset.items.len(), by_offset.next), (3, None));
        assert!(users.page(&UserFilter::new().limit(0)).await.unwrap().items.is_empty());
        assert!(users.page(&UserFilter::new().offset(1 << 40)).await.unwrap().items.is_empty());
        assert_eq!(users.count(&UserFilter::new().limit(1)).await.unwrap(), 23);
    }

    async fn search_is_a_substring_without_wildcards(db) {
        let accounts = db.open().await;
        for (id, name, mail) in [
            ("anna", "Änne 100%", "anna@one.example"),
            ("bob_x", "Bob", "bob@two.example"),
            ("carl", "Carl_\\", "carl@two.example"),
        ] {
            let new = NewUser::new(user(id)).display_name(name.parse().unwrap()).email(mail.parse().unwrap());
            accounts.users().create(new).await.unwrap();
        }
        for (search, found) in [
            ("", vec!["anna", "bob_x", "carl"]),
            ("änNE", vec!["anna"]),
            ("%", vec!["anna"]),
            ("_", vec!["bob_x", "carl"]),
            ("\\", vec!["carl"]),
            ("TWO.example", vec!["bob_x", "carl"]),
            ("two.example", vec!["bob_x", "carl"]),
            ("b", vec!["bob_x"]),
            ("[a]*?", vec![]),
            ("*", vec![]),
            ("e.exa", vec!["anna"]),
            ("onexexample", vec![]),
            ("example.com", vec![]),
            ("nna\nä", vec!["anna"]),
            ("ob", vec!["bob_x"]),
            ("'; --", vec![]),
            ("\" OR 1", vec![]),
        ] {
            let filter = UserFilter::new().search(search);
            let page = accounts.users().page(&filter).await.unwrap();
            let ids: Vec<&str> = page.items.iter().map(|user| user.id.as_str()).collect();
            assert_eq!(ids, found, "{search}");
            assert_eq!(accounts.users().count(&filter).await.unwrap(), found.len() as u64, "{search}");
        }
    }

    async fn two_letters_are_found_whether_few_or_many_have_them(db) {
        let accounts = db.open().await;
        for id in ["blue", "red"] {
            accounts.groups().create(&group(id), None).await.unwrap();
        }
        for n in 0..12 {
            let new = NewUser::new(user(&format!("qz{n:02}"))).display_name(format!("Ünïq {n}%_").parse().unwrap());
            accounts.users().create(new.group(group("blue"))).await.unwrap();
        }
        // More than few: inserted directly into the database, so that it does not take minutes.
        let rows = "WITH RECURSIVE list (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM list WHERE n < 1100) \
            INSERT INTO users (name, id, backend, enabled, search, created_at) \
            SELECT 'many' || (10000 + n), 'many' || (10000 + n), 'local', TRUE, 'many' || (10000 + n) || ' ox', 0 FROM list";
        db.raw(rows).await.unwrap();
        let users = accounts.users();
        let all = UserFilter::new;
        for (filter, first, count) in [
            (all().search("qz"), Some("qz00"), 12),
            (all().search("QZ").limit(5), Some("qz00"), 12),
            (all().search("qz").after(user("qz03")), Some("qz04"), 12),
            (all().search("qz").offset(11), Some("qz11"), 12),
            (all().search("qz").group(group("blue")), Some("qz00"), 12),
            (all().search("qz").in_any_group([group("blue"), group("red")]), Some("qz00"), 12),
            (all().search("qz").in_any_group([group("red")]), None, 0),
            (all().search("qz").disabled(), None, 0),
            (all().search("ün"), Some("qz00"), 12),
            (all().search("ïq"), Some("qz00"), 12),
            (all().search("%_"), Some("qz00"), 12),
            (all().search("1%"), Some("qz01"), 2),
            (all().search("zq"), None, 0),
            (all().search("__"), None, 0),
            (all().search("ox"), Some("many10001"), 1100),
            (all().search("ox").after(user("many11099")), Some("many11100"), 1100),
            (all().search("ox").offset(1099), Some("many11100"), 1100),
        ] {
            let page = users.page(&filter.clone().limit(100)).await.unwrap();
            assert_eq!(page.items.first().map(|user| user.id.as_str()), first, "{filter:?}");
            let (same, total) = users.page_and_total(&filter.clone().limit(100)).await.unwrap();
            assert_eq!((same, total), (page, count), "{filter:?}");
            assert_eq!(users.count(&filter).await.unwrap(), count, "{filter:?}");
        }
        users.delete(&user("qz00")).await.unwrap();
        let change = UserChange::new().display_name(Some("Other".parse().unwrap()));
        users.change(&user("qz01"), change).await.unwrap();
        assert_eq!(users.count(&all().search("qz")).await.unwrap(), 11);
        assert_eq!(users.count(&all().search("ïq")).await.unwrap(), 10);
        assert_eq!(users.count(&all().search("th")).await.unwrap(), 1);
    }

    async fn nul_in_a_search_finds_nothing(db) {
        let accounts = db.open().await;
        accounts.users().create(NewUser::new(user("frank")).email("f@example.com".parse().unwrap())).await.unwrap();
        let odd = "f\0r";
        assert!(accounts.users().page(&UserFilter::new().search(odd)).await.unwrap().items.is_empty());
        assert!(accounts.users().page(&UserFilter::new().search("\0")).await.unwrap().items.is_empty());
        assert!(accounts.users().by_phone(odd).await.unwrap().is_empty());
        assert_eq!(accounts.apps().value(odd, odd).await.unwrap(), None);
        assert_eq!(accounts.apps().state(odd).await.unwrap(), None);
        assert_eq!(accounts.preferences().find(&user("frank"), odd, odd).await.unwrap(), None);
        for refused in [
            DisplayName::parse(odd).map(drop),
            EmailAddress::parse("f\0@example.com").map(drop),
            EmailAddress::parse(odd).map(drop),
            Language::parse(odd).map(drop),
            ProfileValue::parse(ProfileField::Address, odd).map(drop),
            ProfileValue::parse(ProfileField::AdditionalMail, "f\0@example.com").map(drop),
        ] {
            assert!(matches!(refused, Err(AccountsError::Invalid { .. })), "{refused:?}");
        }
    }

    async fn over_long_search_finds_nothing(db) {
        let accounts = db.open().await;
        let name = "x".repeat(64);
        accounts.users().create(NewUser::new(user("anna")).display_name(name.parse().unwrap())).await.unwrap();
        accounts.groups().create(&group(&name), None).await.unwrap();
        // More than SQLite takes for a pattern, with and without its wildcards.
        for text in ["x".repeat(100_000), "[".repeat(20_000), "x".repeat(8193)] {
            assert_eq!(accounts.users().page(&UserFilter::new().search(&text)).await.unwrap().items, []);
            assert_eq!(accounts.users().count(&UserFilter::new().search(&text)).await.unwrap(), 0);
            assert_eq!(accounts.groups().count(&GroupFilter::new().search(&text)).await.unwrap(), 0);
        }
        assert_eq!(accounts.users().count(&UserFilter::new().search(&name)).await.unwrap(), 1);
        assert_eq!(accounts.groups().count(&GroupFilter::new().search(&name)).await.unwrap(), 1);
    }

    async fn filters_know_groups_disabled_and_recent(db) {
        let accounts = db.open().await;
        for id in ["red", "blue"] {
            accounts.groups().create(&group(id), None).await.unwrap();
        }
        for (id, groups) in [("anna", vec!["red"]), ("bob", vec!["red", "blue"]), ("carl", vec!["blue"]), ("dora", vec![])] {
            let mut new = NewUser::new(user(id));
            for id in groups {
                new = new.group(group(id));
            }
            accounts.users().create(new).await.unwrap();
        }
        accounts.users().set_enabled(&user("bob"), false).await.unwrap();
        for id in ["carl", "anna"] {
            db.clock.advance(std::time::Duration::from_secs(1));
            accounts.users().signed_in(&accounts.users().details(&user(id)).await.unwrap()).await.unwrap();
        }
        let cases = [
            (UserFilter::new().group(group("red")), vec!["anna", "bob"]),
            (UserFilter::new().in_any_group([group("red"), group("blue")]), vec!["anna", "bob", "carl"]),
            (UserFilter::new().in_any_group([]), vec![]),
            (UserFilter::new().group(group("none")), vec![]),
            (UserFilter::new().disabled(), vec!["bob"]),
            (UserFilter::new().enabled().group(group("red")), vec!["anna"]),
            (UserFilter::new().recent(), vec!["anna", "carl"]),
            (UserFilter::new().recent().limit(1), vec!["anna"]),
            (UserFilter::new().group(group("red")).after(user("anna")), vec!["bob"]),
            (UserFilter::new().group(group("blue")).search("CARL"), vec!["carl"]),
        ];
        for (filter, found) in cases {
            let page = accounts.users().page(&filter).await.unwrap();
            let ids: Vec<&str> = page.items.iter().map(|user| user.id.as_str()).collect();
            assert_eq!(ids, found, "{filter:?}");
            let streamed: Vec<_> = accounts.users().stream(filter.clone()).try_collect().await.unwrap();
            assert_eq!(streamed, page.items, "{filter:?}");
        }
    }

    async fn user_whose_id_is_only_dots_is_not_created(place) {
        let accounts = place.open().await;
        let mail = BackendId::parse("mail").unwrap();
        for id in [".", ".."] {
            let found = accounts.users().create(NewUser::new(user(id))).await;
            assert!(matches!(found, Err(AccountsError::Invalid { field: "user id", .. })), "{found:?}");
            let found = accounts.users().remember(user(id).name(), &mail, []).await;
            assert!(matches!(found, Err(AccountsError::Invalid { .. })), "{found:?}");
        }
        accounts.users().create(NewUser::new(user("..a"))).await.unwrap();
    }
}
