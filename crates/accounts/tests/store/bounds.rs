//! Limits per user: app passwords, sessions, further addresses, bytes of a profile.

use std::time::Duration;

use accounts::{
    AccountsError, ActingAccounts, EmailAddress, LoginFlowDenial, MAX_APP_PASSWORDS, MAX_SESSIONS, NewUser,
    ProfileField, ProfileScope, ProfileValue, UserChange,
};

use crate::test_db::{on_both, user};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn address(nth: usize) -> ProfileValue {
    EmailAddress::parse(&format!("eve-{nth}@example.com")).unwrap().into()
}

async fn addresses(accounts: &ActingAccounts) -> usize {
    let details = accounts.users().details(&user("eve")).await.unwrap();
    details.profile.entries(ProfileField::AdditionalMail).count()
}

fn is_refused(result: Result<impl Sized, AccountsError>, what: &str) -> bool {
    matches!(result, Err(AccountsError::Invalid { field, .. }) if field == what)
}

on_both! {
    /// 990 addresses a call made 39,600 of them before there was a bound.
    async fn additional_mails_are_ten_however_they_are_added(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        accounts.users().create(NewUser::new(eve.clone())).await.unwrap();
        let many = (0..990).fold(UserChange::new(), |change, nth| change.field(address(nth)));
        assert!(is_refused(accounts.users().change(&eve, many).await, "additional_mail"));
        assert_eq!(addresses(&accounts).await, 0, "all or nothing");
        let ten = (0..10).fold(UserChange::new(), |change, nth| change.field(address(nth)));
        accounts.users().change(&eve, ten).await.unwrap();
        for nth in 10..14 {
            let one_more = UserChange::new().field(address(nth));
            assert!(is_refused(accounts.users().change(&eve, one_more).await, "additional_mail"));
        }
        let swap = UserChange::new().replace_email("eve-3@example.com", None).field(address(10));
        accounts.users().change(&eve, swap).await.unwrap();
        assert_eq!(addresses(&accounts).await, 10);
        let new = (0..11).fold(NewUser::new(user("mallory")), |new, nth| new.profile(address(nth), None));
        assert!(is_refused(accounts.users().create(new).await, "additional_mail"));
        assert!(accounts.users().find(&user("mallory")).await.unwrap().is_none());
    }

    async fn additional_mails_added_at_once_stay_ten(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        accounts.users().create(NewUser::new(eve.clone())).await.unwrap();
        let add = |nth| {
            let (accounts, eve) = (accounts.clone(), eve.clone());
            tokio::spawn(async move { accounts.users().change(&eve, UserChange::new().field(address(nth))).await })
        };
        let mut added = 0;
        for task in (0..30).map(add).collect::<Vec<_>>() {
            added += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!((added, addresses(&accounts).await), (10, 10));
    }

    async fn profile_has_a_bound_in_bytes_and_may_shrink(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        accounts.users().create(NewUser::new(eve.clone())).await.unwrap();
        let texts = || ProfileField::scoped_texts();
        let set = |field, text: &str| UserChange::new().field(ProfileValue::parse(field, text).unwrap());
        // 8 * 2048 bytes, in letters of two bytes each.
        for field in texts().take(8) {
            accounts.users().change(&eve, set(field, &"ä".repeat(1024))).await.unwrap();
        }
        // Twice that is the bound, and more than the fields can hold by themselves.
        db.raw("UPDATE profile SET value = value || value").await.unwrap();
        let next = texts().nth(8).unwrap();
        assert!(is_refused(accounts.users().change(&eve, set(next, "x")).await, "profile"));
        let scope = UserChange::new().scope(next, ProfileScope::Private);
        accounts.users().change(&eve, scope).await.unwrap();
        // What an older version took stays, and can be made smaller step by step.
        let large = "UPDATE profile SET value = 'x' || value || value WHERE field = 'phone'";
        db.raw(large).await.unwrap();
        assert!(is_refused(accounts.users().change(&eve, set(next, "x")).await, "profile"));
        let first = texts().find(|field| *field != ProfileField::Phone).unwrap();
        accounts.users().change(&eve, set(first, &"x".repeat(2000))).await.unwrap();
    }

    /// One customer may have a whole /48 of IPv6.
    async fn login_flows_of_one_ipv6_customer_are_bounded(db) {
        let accounts = db.open().await;
        let begin = async |from: &str| accounts.login_flows().begin("phone", from.parse().unwrap()).await.unwrap();
        let mut begun = 0;
        for net in 0..17 {
            for _ in 0..60 {
                begun += u32::from(begin(&format!("2001:db8:7:{:x}::1", net * 256)).await.is_ok());
            }
        }
        assert_eq!(begun, 16 * 60, "sixteen times what one household may");
        let refused = begin("2001:db8:7:ffff::1").await.unwrap_err();
        assert!(matches!(refused, LoginFlowDenial::Source(wait) if wait > Duration::ZERO), "{refused:?}");
        assert!(begin("2001:db8:8::1").await.is_ok() && begin("198.51.100.77").await.is_ok());
        for _ in 0..59 {
            begin("198.51.100.77").await.unwrap();
        }
        assert!(begin("198.51.100.77").await.is_err());
    }

    /// What is left of the table is shared.
    async fn last_login_flows_are_for_all_networks(db) {
        let accounts = db.open().await;
        let begin = async |from: &str| accounts.login_flows().begin("phone", from.parse().unwrap()).await.unwrap();
        let fill = async |count: u32| {
            let (numbers, random) = match db.is_sqlite() {
                true => ("(WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {}) SELECT n FROM n)", "randomblob(32)"),
                false => ("generate_series(1, {}) AS n", "decode(md5(random()::text) || md5(random()::text), 'hex')"),
            };
            let (numbers, expires) = (numbers.replace("{}", &count.to_string()), db.clock.now().after(HOUR / 4).millis());
            let insert = format!("INSERT INTO login_flows (poll_token, page_token, client, begun_from, created_at, expires_at) \
                                  SELECT {random}, {random}, 'x', 'x', 0, {expires} FROM {numbers}");
            db.raw(&insert).await.unwrap();
        };
        fill(9_900).await;
        // An eighth of what is left.
        for _ in 0..11 {
            begin("198.51.100.1").await.unwrap();
        }
        assert!(matches!(begin("198.51.100.1").await.unwrap_err(), LoginFlowDenial::Source(_)));
        assert!(begin("198.51.100.2").await.is_ok());
        fill(10_000 - 9_912).await;
        let full = begin("198.51.100.3").await.unwrap_err();
        assert_eq!(full, LoginFlowDenial::Full(HOUR / 4));
    }

    async fn app_passwords_are_a_hundred_of_either_kind(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        let tokens = accounts.app_passwords();
        accounts.users().create(NewUser::new(eve.clone())).await.unwrap();
        let expires = Some(db.clock.now().after(HOUR));
        tokens.create(&eve, "short", expires).await.unwrap();
        let scopes = || accounts::TokenScopes::parse(["users:read"]).unwrap();
        for nth in 1..MAX_APP_PASSWORDS {
            if nth % 2 == 0 {
                tokens.create(&eve, "phone", None).await.unwrap();
            } else {
                tokens.create_service_token(&eve, "job", scopes(), Default::default(), None).await.unwrap();
            }
        }
        let error = tokens.create(&eve, "phone", None).await.unwrap_err();
        let text = "app passwords of this user: found \"100\", expected fewer than 100 before another is made; revoke one";
        assert_eq!(error.to_string(), text);
        let other = tokens.create_service_token(&eve, "job", scopes(), Default::default(), None).await;
        assert_eq!(other.unwrap_err(), error);
        db.clock.advance(HOUR);
        let (_, made) = tokens.create(&eve, "after the first one expired", None).await.unwrap();
        assert!(tokens.create(&eve, "phone", None).await.is_err());
        tokens.revoke(&eve, made.key).await.unwrap();
        tokens.create(&eve, "phone", None).await.unwrap();
        assert_eq!(tokens.list(&eve).await.unwrap().len(), 100);
    }

    async fn app_passwords_made_at_once_stay_a_hundred(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        accounts.users().create(NewUser::new(eve.clone())).await.unwrap();
        let make = |_| {
            let (accounts, eve) = (accounts.clone(), eve.clone());
            tokio::spawn(async move { accounts.app_passwords().create(&eve, "phone", None).await })
        };
        let mut made = 0;
        for task in (0..130).map(make).collect::<Vec<_>>() {
            made += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!((made, accounts.app_passwords().list(&eve).await.unwrap().len()), (100, 100));
    }

    async fn sessions_are_a_hundred_and_the_oldest_ends(db) {
        let (accounts, eve) = (db.open().await, user("eve"));
        let sessions = accounts.sessions();
        for name in ["eve", "frank"] {
            accounts.users().create(NewUser::new(user(name))).await.unwrap();
        }
        let other = sessions.begin(Some(&user("frank")), 9 * HOUR, b"").await.unwrap();
        let mut begun = Vec::new();
        for _ in 0..MAX_SESSIONS + 5 {
            db.clock.advance(Duration::from_secs(1));
            begun.push(sessions.begin(Some(&eve), 9 * HOUR, b"").await.unwrap());
            // In use all the time.
            assert!(sessions.touch(&begun[0].hash(), 9 * HOUR).await.unwrap());
        }
        assert_eq!(sessions.count(&eve).await.unwrap(), 100);
        assert_eq!(db.number("SELECT COUNT(*) FROM sessions").await, 101);
        assert!(sessions.find(&other.hash()).await.unwrap().is_some());
        for (nth, token) in begun.iter().enumerate() {
            let there = sessions.find(&token.hash()).await.unwrap().is_some();
            assert_eq!(there, nth == 0 || nth > 5, "{nth}");
        }
    }
}
