//! Many users: created together, and counted no further than asked.

use accounts::{
    AccountsError, ActingAccounts, GroupId, NewUser, ProfileField, ProfileScope, ProfileValue, Quota,
    StoredHash, UserFilter,
};
use user_backend::BackendId;

use crate::test_db::{TestDb, group, on_both, user};

/// Users of every kind, and some who cannot be created.
fn everyone() -> Vec<NewUser> {
    let base = |id: &str| NewUser::new(user(id));
    let address = |text: &str| text.parse().unwrap();
    let phone = || ProfileValue::parse(ProfileField::Phone, "+4971125242890").unwrap();
    let mail = |text: &str| ProfileValue::parse(ProfileField::AdditionalMail, text).unwrap();
    let mut all = vec![
        base("Plain"),
        base("full")
            .display_name("Full Of Data".parse().unwrap())
            .password(StoredHash::new("hash 1"))
            .known_email(address("Full@Example.com"))
            .quota(Quota::Bytes(5 << 30))
            .language("de_DE".parse().unwrap())
            .group(group("staff"))
            .group(GroupId::admin())
            .group(group("staff"))
            .profile(phone(), Some(ProfileScope::Local)),
        base("elsewhere").backend(BackendId::parse("mail").unwrap()).upstream_spelling("ElseWhere"),
        // The second of an address, in another spelling.
        base("second").known_email(address("FULL@example.com")).password(StoredHash::new("hash 2")),
        base("third").email(address("third@example.com")).disabled(),
        // An address that is the name of another, before and after.
        base("named@example.com").known_email(address("named@example.com")),
        base("thief").known_email(address("named@example.com")),
        base("early").known_email(address("late@example.com")),
        base("late@example.com").known_email(address("late@example.com")),
        base("FULL"),
        base("lost").group(group("nowhere")).password(StoredHash::new("hash 3")),
        base("maker").group(group("made")).create_missing_groups(),
        base("follower").group(group("made")),
        base("pending").password(StoredHash::new("hash 4")).confirmed_email(address("full@example.com")),
        base("asked").confirmed_email(address("asked@example.com")),
        base("chief").subadmin_of(group("staff")),
        base("many-mails").profile(mail("one@example.com"), None).profile(mail("two@example.com"), None),
        base("twice").profile(phone(), None).profile(phone(), Some(ProfileScope::Private)),
        base("welcome").email(address("welcome@example.com")).welcome(),
        base("sham").backend(BackendId::parse("mail").unwrap()).password(StoredHash::new("hash 5")),
        base("ünï 'quoted'").display_name("Ü \"n\" \\ ï".parse().unwrap()),
        base("there"),
        base("owned"),
        base("new").known_email(address("there@example.com")),
    ];
    // Enough for old events of credentials to be purged, in the middle.
    all.extend((0..150).map(|n| base(&format!("user{n}")).password(StoredHash::new(format!("hash of {n}")))));
    all
}

async fn begin(db: &TestDb) -> ActingAccounts {
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    accounts
        .users()
        .create(NewUser::new(user("there")).email("there@example.com".parse().unwrap()))
        .await
        .unwrap();
    let mail = BackendId::parse("mail").unwrap();
    accounts.pins().bind(user("owned").name(), &mail, None).await.unwrap();
    db.raw("UPDATE credential_epoch SET value = 5000").await.unwrap();
    db.raw("INSERT INTO credential_events (epoch, name, at, ends_password) VALUES (7, 'x', 1, 1), (3050, 'y', 1, 1)")
        .await
        .unwrap();
    accounts
}

async fn contents(db: &TestDb) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for (table, order) in [
        ("users", "key"),
        ("pins", "name"),
        ("groups", "key"),
        ("members", "group_key, name"),
        ("subadmins", "group_key, user_key"),
        ("profile", "user_key, field, position"),
        ("passwords", "user_key"),
        ("password_history", "key"),
        ("credential_epoch", "id"),
        ("credential_events", "epoch"),
        ("outbox", "key"),
        ("audit", "seq"),
    ] {
        all.push((table, db.rows(table, order).await));
    }
    all
}

on_both! {
    async fn users_created_together_are_those_created_one_by_one(db) {
        let accounts = begin(db).await;
        let mut expected = Vec::new();
        for new in everyone() {
            expected.push(accounts.users().create(new).await.map(drop));
        }
        accounts.close().await;
        let one_by_one = contents(db).await;
        db.clear().await;
        let accounts = begin(db).await;
        let results = accounts.users().create_all(&everyone()).await.unwrap();
        for ((new, result), expected) in everyone().iter().zip(&results).zip(&expected) {
            assert_eq!(result, expected, "{new:?}");
        }
        assert!(results.iter().filter(|result| result.is_err()).count() >= 5, "{results:?}");
        accounts.close().await;
        for ((table, together), (_, one_by_one)) in contents(db).await.iter().zip(&one_by_one) {
            assert_eq!(together, one_by_one, "{table}");
        }
    }

    async fn users_created_together_are_there_or_none_is(db) {
        let accounts = begin(db).await;
        assert_eq!(accounts.users().create_all(&[]).await.unwrap(), []);
        db.raw("ALTER TABLE password_history RENAME TO elsewhere").await.unwrap();
        assert!(accounts.users().create_all(&everyone()).await.is_err());
        assert_eq!(accounts.users().count(&UserFilter::new()).await.unwrap(), 1);
    }

    async fn numbers_of_users_are_counted_as_far_as_asked(db) {
        let accounts = db.open().await;
        let values = "WITH RECURSIVE list (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM list WHERE n < 2300) ";
        for id in ["large", "small"] {
            accounts.groups().create(&group(id), None).await.unwrap();
        }
        for rows in [
            format!(
                "{values} INSERT INTO users (name, id, backend, enabled, search, created_at) \
                 SELECT 'many' || (10000 + n), 'many' || (10000 + n), 'local', n % 2 = 0, \
                 'many' || (10000 + n) || CASE WHEN n % 100 = 0 THEN ' rare' ELSE ' often' END, 0 FROM list"
            ),
            "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key \
             FROM users JOIN groups ON groups.id = 'large' WHERE users.key % 2 = 1 OR users.key > 2000"
                .to_owned(),
            "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key \
             FROM users JOIN groups ON groups.id = 'small' WHERE users.key % 100 < 3"
                .to_owned(),
        ] {
            db.raw(&rows).await.unwrap();
        }
        let users = accounts.users();
        for text in ["", "often", "rare", "many1001", "o", "zz", "often rare", "ften"] {
            for filter in [
                UserFilter::new(),
                UserFilter::new().disabled(),
                UserFilter::new().group(group("large")),
                UserFilter::new().group(group("small")),
                UserFilter::new().in_any_group([group("large"), group("small")]),
                UserFilter::new().group(group("large")).disabled(),
            ] {
                let filter = filter.search(text).limit(20).offset(3);
                let (page, all) = users.page_and_total(&filter).await.unwrap();
                for most in [0, 5, 1000, 100_000] {
                    let mut pages = users.pages(filter.clone()).counted_up_to(most);
                    let found = pages.next().await.unwrap().unwrap_or_default();
                    assert_eq!(found, page.items, "{filter:?}");
                    assert_eq!(pages.total(), Some(all.min(most + 1)), "{filter:?}, {most}");
                }
                // By looking at each one.
                let mut slow = 0;
                let wanted = filter.clone().limit(u64::MAX).offset(0);
                for id in users.page(&wanted).await.unwrap().items.iter().map(|user| &user.id) {
                    slow += u64::from(users.find(id).await.unwrap().is_some());
                }
                assert_eq!(slow, all, "{filter:?}");
            }
        }
        let counted = accounts.groups().list_counted_up_to(&accounts::GroupFilter::new(), 100).await.unwrap();
        let counted: Vec<_> = counted.iter().map(|found| (found.id.as_str(), found.members)).collect();
        assert_eq!(counted, [("admin", 0), ("large", 101), ("small", 69)]);
        let only = accounts::GroupFilter::new().only(group("small"));
        assert_eq!(accounts.groups().list(&only).await.unwrap().len(), 1);
        assert_eq!(accounts.groups().list(&only.search("large")).await.unwrap(), []);
    }
}

#[tokio::test]
async fn users_created_together_on_behalf_of_a_user_need_the_right() {
    let db = TestDb::sqlite();
    let accounts = begin(&db).await;
    let stranger = accounts.on_behalf_of(accounts::Actor::user("there", None));
    let results = stranger.users().create_all(&[NewUser::new(user("x"))]).await.unwrap();
    assert!(matches!(results[..], [Err(AccountsError::Forbidden { .. })]), "{results:?}");
}
