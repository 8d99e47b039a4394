//! Resetting a password: the whole way, and everything that must not happen on it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::SendError;
use accounts::{
    ActingAccounts, Actor, BadToken, LostPassword, NewUser, RedeemError, RequestError, ResetSettings,
    SetError, UserChange, UserId,
};
use sqlx::{Connection, Executor, SqliteConnection};
use user_backend::BackendId;
use user_backend::resolver::PinStore;

use crate::fixture::{ALICE, Fixture, deadline, password, word};
use crate::test_db::{TestDb, on_both, user};

const NEW: &str = "Looking-Glass";

async fn redeem(fixture: &Fixture, token: &str, text: &str) -> Result<UserId, RedeemError> {
    fixture.reset.redeem(token, &password(text), None, deadline()).await
}

fn bad<T: std::fmt::Debug>(result: Result<T, RedeemError>) -> BadToken {
    match result {
        Err(RedeemError::Token(bad)) => bad,
        other => panic!("{other:?}"),
    }
}

fn ip(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

on_both! {
    async fn burst_of_wrong_links_is_counted_before_it_is_looked_at(db) {
        let fixture = Arc::new(Fixture::with_alice(db).await);
        let max = ResetSettings::BAD_TOKENS.max as usize;
        let guesses: Vec<_> = (0..3 * max).map(|number| {
            let fixture = fixture.clone();
            tokio::spawn(async move { fixture.reset.inspect(&format!("{number:0>43}"), ip("192.0.2.7")).await })
        }).collect();
        let mut looked_at = 0;
        for guess in guesses {
            match guess.await.unwrap() {
                Err(RedeemError::Token(BadToken::Invalid)) => looked_at += 1,
                Err(RedeemError::Throttled { .. }) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(looked_at, max);
    }

    async fn lost_password_is_replaced_by_the_owner_of_the_address(db) {
        let fixture = Fixture::with_alice(db).await;
        let accounts = &fixture.accounts;
        let session = accounts.sessions().begin(Some(&user("alice")), Duration::from_secs(3600), b"").await.unwrap();
        let (before, epoch) = (fixture.hash("alice").await, accounts.credential_epoch().current().await.unwrap());

        fixture.reset.request(" ALICE@example.com ", ip("192.0.2.1")).await.unwrap();
        assert!(fixture.mails().is_empty(), "the request does not wait for the mail");
        let round = fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!((round.sent, round.later, round.dropped), (1, 0, 0));
        assert_eq!(fixture.mails(), [("Set a new password for Cloud".to_owned(), "alice@example.com".to_owned())]);
        let token = fixture.tokens().pop().unwrap();

        // The link is there, and nothing has changed.
        assert_eq!(fixture.hash("alice").await, before);
        assert_eq!(accounts.credential_epoch().current().await.unwrap(), epoch);
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_some());
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        // Mail scanners follow links: looking uses nothing up.
        for _ in 0..20 {
            assert_eq!(fixture.reset.inspect(&token, None).await.unwrap().user, user("alice"));
        }

        assert_eq!(redeem(&fixture, &token, NEW).await.unwrap(), user("alice"));
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "bad_credentials");
        assert_eq!(word(fixture.sign_in("alice", NEW).await), "accepted alice");
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_none());
        assert_eq!(bad(redeem(&fixture, &token, "Looking-Glass-2").await), BadToken::Invalid);
        assert_eq!(word(fixture.sign_in("alice", NEW).await), "accepted alice");

        fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!(fixture.mails().len(), 2);
        assert_eq!(fixture.mails()[1].0, "The password of your account at Cloud was changed");
        let actions: Vec<_> = accounts.audit().after(0, 100, Some("alice")).await.unwrap()
            .into_iter().map(|line| line.action).collect();
        assert_eq!(actions, ["user.created", "address.confirmed", "reset.issued", "credentials.ended", "password.changed", "reset.used"]);
    }

    /// One response and one row for every name; and a mail for eligible users.
    async fn reset_request_reveals_nothing(db) {
        let fixture = Fixture::with_alice(db).await;
        let mail = || BackendId::parse("mail").unwrap();
        for new in [
            NewUser::new(user("bob")).email("bob@example.com".parse().unwrap()).disabled(),
            NewUser::new(user("nomail")),
            NewUser::new(user("carol")).email("carol@example.com".parse().unwrap()).backend(mail()),
            NewUser::new(user("twin1")).email("twins@example.com".parse().unwrap()),
            NewUser::new(user("twin2")).email("twins@example.com".parse().unwrap()),
            NewUser::new(user("mixed1")).email("mixed@example.com".parse().unwrap()),
            NewUser::new(user("mixed2")).email("mixed@example.com".parse().unwrap()).backend(mail()),
        ] {
            fixture.accounts.users().create(new).await.unwrap();
        }
        let requests = [
            "alice", "alice@example.com", "bob", "bob@example.com", "nomail", "carol", "carol@example.com",
            "twins@example.com", "mixed@example.com", "ghost", "ghost@example.com", "@", "a b c", "%", "'; DROP TABLE users; --",
            "alice@example.com,eve@example.com", "al\u{131}ce@example.com", "\u{ff41}lice",
        ];
        for (number, typed) in requests.iter().enumerate() {
            let before = fixture.accounts.outbox().waiting().await.unwrap();
            let db = ip(&format!("192.0.2.{number}"));
            assert!(fixture.reset.request(typed, db).await.is_ok(), "{typed}");
            assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), before + 1, "{typed}");
        }
        let round = fixture.mail_worker.deliver_due().await.unwrap();
        // A name that means alice in another width means alice; it is her address on record that
        // gets the mail. The first of two with one address has confirmed it. Carol gets a mail that
        // says where her password is kept. The second of them, at another backend, got that mail
        // when the account was created.
        assert_eq!((round.sent, round.dropped), (8, requests.len() - 7), "{:?}", fixture.mails());
        let to: Vec<_> = fixture.mails().into_iter().map(|(_, to)| to).collect();
        let expected = ["alice", "alice", "carol", "carol", "twins", "mixed", "alice", "mixed"];
        assert_eq!(to, expected.map(|name| format!("{name}@example.com")));
        let external: Vec<_> = fixture.mails().into_iter().filter(|mail| mail.0.contains("is kept by")).collect();
        assert!(external.len() == 2 && external.iter().all(|mail| mail.1 == "carol@example.com"), "{external:?}");
        assert_eq!(fixture.tokens().len(), 5);
        // Impossible names get the same response, without a look-up.
        for typed in ["", "   ", "a\r\nb", "a\0b", &"x".repeat(256)] {
            assert!(fixture.reset.request(typed, ip("198.51.100.1")).await.is_ok());
        }
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 0);
    }

    async fn every_voiding_event_voids_the_link(db) {
        let fixture = Fixture::with_alice(db).await;
        let (accounts, alice) = (&fixture.accounts, user("alice"));
        let users = accounts.users();
        for event in ["newer", "change", "email", "email removed", "disabled", "disabled and enabled", "sign-in", "backend", "void", "deleted"] {
            fixture.clock.advance(Duration::from_secs(3600));
            let token = fixture.link("alice").await;
            fixture.clock.advance(Duration::from_secs(1));
            match event {
                "newer" => drop(fixture.link("alice").await),
                "change" => fixture.passwords.set(&alice, &password("Looking-Glass-9"), Actor::system(), deadline()).await.unwrap(),
                "email" => drop(users.change(&alice, UserChange::new().email(Some("other@example.com".parse().unwrap()))).await.unwrap()),
                "email removed" => drop(users.change(&alice, UserChange::new().email(None)).await.unwrap()),
                "disabled" => assert!(users.set_enabled(&alice, false).await.unwrap()),
                "disabled and enabled" => {
                    users.set_enabled(&alice, false).await.unwrap();
                    users.set_enabled(&alice, true).await.unwrap();
                }
                "sign-in" => users.signed_in(&users.details(&alice).await.unwrap()).await.unwrap(),
                "backend" => drop(accounts.pin_store().rebind(alice.name(), Some(&BackendId::parse("mail").unwrap())).await.unwrap()),
                "void" => assert!(accounts.reset_tokens().void(&alice).await.unwrap()),
                _ => drop(users.delete(&alice).await.unwrap()),
            }
            assert_eq!(bad(fixture.reset.inspect(&token, None).await), BadToken::Invalid, "{event}");
            assert_eq!(bad(redeem(&fixture, &token, NEW).await), BadToken::Invalid, "{event}");
            if event == "deleted" {
                break;
            }
            // As it was, for the next event.
            users.set_enabled(&alice, true).await.unwrap();
            users.change(&alice, UserChange::new().email(Some("alice@example.com".parse().unwrap()))).await.unwrap();
            accounts.pin_store().rebind(alice.name(), Some(&BackendId::parse("local").unwrap())).await.unwrap();
        }
        assert_eq!(word(fixture.sign_in("alice", NEW).await), "unknown_user");
    }

    async fn link_works_for_an_hour(db) {
        let fixture = Fixture::with_alice(db).await;
        let token = fixture.link("alice").await;
        fixture.clock.advance(Duration::from_secs(3599));
        assert!(fixture.reset.inspect(&token, None).await.is_ok());
        fixture.clock.advance(Duration::from_secs(1));
        assert_eq!(bad(fixture.reset.inspect(&token, None).await), BadToken::Expired);
        assert_eq!(bad(redeem(&fixture, &token, NEW).await), BadToken::Expired);
        assert_eq!(BadToken::Expired.to_string(), "Could not reset password because the token is expired");
        assert_eq!(BadToken::Invalid.to_string(), "Could not reset password because the token is invalid");
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
    }

    async fn refused_password_keeps_the_link(db) {
        let fixture = Fixture::with_alice(db).await;
        let token = fixture.link("alice").await;
        for weak in ["short", "california", "alice in Wonderland", &"x".repeat(470)] {
            let error = redeem(&fixture, &token, weak).await.unwrap_err();
            assert!(matches!(&error, RedeemError::Set(SetError::Refused(_))), "{error}");
            assert!(error.to_string().starts_with("Password "), "{error}");
        }
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        redeem(&fixture, &token, NEW).await.unwrap();
    }

    async fn hundred_concurrent_uses_of_a_link_succeed_once(db) {
        let fixture = Arc::new(Fixture::with_alice(db).await);
        let token = fixture.link("alice").await;
        let posts: Vec<_> = (0..100).map(|number| {
            let (fixture, token) = (fixture.clone(), token.clone());
            tokio::spawn(async move {
                let text = format!("Looking-Glass-{number}");
                let source = ip(&format!("192.0.2.{number}"));
                fixture.reset.redeem(&token, &password(&text), source, deadline()).await.map(|_| text)
            })
        }).collect();
        let mut winners = Vec::new();
        for post in posts {
            match post.await.unwrap() {
                Ok(text) => winners.push(text),
                Err(RedeemError::Token(BadToken::Invalid)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(winners.len(), 1);
        assert_eq!(word(fixture.sign_in("alice", &winners[0]).await), "accepted alice");
        assert_eq!(fixture.accounts.passwords().history(&user("alice"), 24).await.unwrap().len(), 2);
    }

    /// O17: the limits hold in the default installation, and in all processes together.
    async fn o17_place_may_ask_ten_times_in_five_minutes(db) {
        let fixture = Fixture::with_alice(db).await;
        let other = accounts::PasswordReset::new(db.open().await, fixture.passwords.clone(), ResetSettings::default());
        for number in 0..10 {
            let reset = if number % 2 == 0 { &fixture.reset } else { &other };
            reset.request("ghost", ip("2001:db8::1")).await.unwrap();
        }
        for (typed, source) in [("alice", "2001:db8::ffff"), ("ghost", "2001:db8::1")] {
            match fixture.reset.request(typed, ip(source)).await {
                Err(RequestError::Throttled { retry_after }) => assert_eq!(retry_after, Duration::from_secs(300)),
                other => panic!("{other:?}"),
            }
        }
        fixture.reset.request("alice", ip("2001:db8:0:1::1")).await.unwrap();
        fixture.reset.request("alice", ip("192.0.2.1")).await.unwrap();
        fixture.clock.advance(Duration::from_secs(299));
        assert!(matches!(fixture.reset.request("alice", ip("2001:db8::1")).await, Err(RequestError::Throttled { .. })));
        fixture.clock.advance(Duration::from_secs(1));
        fixture.reset.request("alice", ip("2001:db8::1")).await.unwrap();
        // One customer may have a whole /48.
        let mut asked = 0;
        for net in 0..20 {
            for _ in 0..10 {
                asked += u32::from(fixture.reset.request("ghost", ip(&format!("2001:db8:9:{net:x}00::1"))).await.is_ok());
            }
        }
        assert_eq!(asked, 160);
    }

    async fn o17_burst_from_one_source_is_limited(db) {
        let fixture = Arc::new(Fixture::with_alice(db).await);
        let requests: Vec<_> = (0..50).map(|_| {
            let fixture = fixture.clone();
            tokio::spawn(async move { fixture.reset.request("ghost", ip("192.0.2.1")).await.is_ok() })
        }).collect();
        let mut received = 0;
        for requests in requests {
            received += usize::from(requests.await.unwrap());
        }
        assert_eq!(received, 10);
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 10);
    }

    async fn o17_reset_mails_are_limited(db) {
        let fixture = Fixture::with_alice(db).await;
        for number in 0..20 {
            fixture.reset.request("alice", ip(&format!("192.0.2.{number}"))).await.unwrap();
        }
        let round = fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!((round.sent, round.dropped), (5, 15));
        // The newest of the five links works.
        let token = fixture.tokens().pop().unwrap();
        assert!(fixture.reset.inspect(&token, None).await.is_ok());
        fixture.clock.advance(Duration::from_secs(1800));
        assert_eq!(fixture.link("alice").await.len(), 43);
    }

    async fn o17_guessing_reset_tokens_is_slowed_down(db) {
        let fixture = Fixture::with_alice(db).await;
        let token = fixture.link("alice").await;
        let guess = "A".repeat(43);
        for number in 0..10 {
            let wrong = if number % 2 == 0 { guess.as_str() } else { "nonsense\r\n" };
            assert_eq!(bad(fixture.reset.inspect(wrong, ip("192.0.2.1")).await), BadToken::Invalid);
        }
        for token in [&guess, &token] {
            let tried = fixture.reset.redeem(token, &password(NEW), ip("192.0.2.1"), deadline()).await;
            assert!(matches!(tried, Err(RedeemError::Throttled { .. })), "{tried:?}");
        }
        assert!(fixture.reset.inspect(&token, ip("192.0.2.2")).await.is_ok(), "other sources are not slowed down");
        fixture.clock.advance(Duration::from_secs(300));
        assert!(fixture.reset.inspect(&token, ip("192.0.2.1")).await.is_ok());
    }

    async fn full_queue_answers_like_an_empty_one(db) {
        let fixture = Fixture::with_alice(db).await;
        for number in 0..1000 {
            let source = ip(&format!("10.{}.{}.1", number / 250, number % 250));
            fixture.reset.request("ghost", source).await.unwrap();
        }
        fixture.reset.request("alice", ip("192.0.2.1")).await.unwrap();
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 1000);
        // Mails that an attacker does not cause are still queued.
        fixture.passwords.set(&user("alice"), &password(NEW), Actor::system(), deadline()).await.unwrap();
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 1001);
        let round = fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!((round.sent, round.dropped), (1, 1000));
    }

    async fn disabled_resets_send_no_mail_and_old_links_work(db) {
        let fixture = Fixture::with_alice(db).await;
        for setting in ["https://example.com/link/to/password/reset", "disabled"] {
            fixture.clock.advance(Duration::from_secs(3600));
            fixture.accounts.outbox().welcome(&user("alice"), true).await.unwrap();
            fixture.mail_worker.deliver_due().await.unwrap();
            let token = fixture.tokens().pop().unwrap();
            let link = LostPassword::parse(setting).unwrap();
            let settings = ResetSettings::default().with_lost_password_link(link);
            let reset = accounts::PasswordReset::new(fixture.accounts.clone(), fixture.passwords.clone(), settings);
            for typed in ["alice", "ghost", ""] {
                let error = reset.request(typed, None).await.unwrap_err();
                assert_eq!(error.to_string(), "Password reset is disabled");
            }
            assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 0);
            let text = format!("Looking-Glass-{}", setting.len());
            reset.redeem(&token, &password(&text), None, deadline()).await.unwrap();
            fixture.mail_worker.deliver_due().await.unwrap();
        }
    }

    async fn unsent_mail_is_retried_with_a_new_link(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.reset.request("alice", None).await.unwrap();
        let later = || Err(SendError::Later("reply 421".to_owned()));
        fixture.table.answers.lock().unwrap().extend([later(), later()]);
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().later, 1);
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().later, 0, "not before its time");
        fixture.clock.advance(Duration::from_secs(30));
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().later, 1);
        fixture.clock.advance(Duration::from_secs(30));
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().later + fixture.mails().len(), 2, "the pause doubles");
        fixture.clock.advance(Duration::from_secs(30));
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 1);
        let tokens = fixture.tokens();
        assert_eq!(tokens.len(), 3);
        assert!(fixture.reset.inspect(&tokens[0], None).await.is_err());
        assert!(fixture.reset.inspect(&tokens[2], None).await.is_ok());
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 0);
    }

    async fn request_ends_after_an_hour_of_failures_or_a_refusal(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.reset.request("alice", None).await.unwrap();
        let mut tries = 0;
        for _ in 0..200 {
            fixture.table.answers.lock().unwrap().push_back(Err(SendError::Later("reply 421".to_owned())));
            let round = fixture.mail_worker.deliver_due().await.unwrap();
            tries += round.later + round.dropped;
            fixture.clock.advance(Duration::from_secs(30));
        }
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 0);
        assert!((5..=10).contains(&tries), "{tries}");
        fixture.table.answers.lock().unwrap().clear();

        fixture.table.answers.lock().unwrap().push_back(Err(SendError::Refused("reply 550".to_owned())));
        fixture.reset.request("alice", None).await.unwrap();
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().dropped, 1);
        assert_eq!(fixture.accounts.outbox().waiting().await.unwrap(), 0);
    }

    async fn request_past_its_wait_for_a_worker_is_dropped(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.reset.request("alice", None).await.unwrap();
        fixture.clock.advance(Duration::from_secs(3601));
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().dropped, 1);
        assert!(fixture.mails().is_empty());
    }

    async fn workers_in_two_processes_send_each_mail_once(db) {
        let fixture = Fixture::with_alice(db).await;
        for number in 0..20 {
            let id = user(&format!("user{number}"));
            fixture.accounts.users().create(NewUser::new(id.clone()).email(format!("user{number}@example.com").parse().unwrap())).await.unwrap();
            fixture.accounts.outbox().welcome(&id, number % 2 == 0).await.unwrap();
        }
        let other = Fixture::empty(db, "{}", ResetSettings::default()).await;
        let (here, there) = tokio::join!(fixture.mail_worker.deliver_due(), other.mail_worker.deliver_due());
        assert_eq!(here.unwrap().sent + there.unwrap().sent, 20);
        let all: BTreeSet<_> = [fixture.mails(), other.mails()].concat().into_iter().map(|(_, to)| to).collect();
        assert_eq!(all.len(), 20);
        assert_eq!(fixture.tokens().len() + other.tokens().len(), 10);
    }

    async fn mail_of_a_dead_worker_is_sent_by_another(db) {
        let fixture = Fixture::with_alice(db).await;
        fixture.reset.request("alice", None).await.unwrap();
        {
            let dying = Silent::default();
            let base = accounts::BaseUrl::parse("https://cloud.example.com/").unwrap();
            let transport = Arc::new(dying);
            let mail_worker = accounts::MailWorker::new(fixture.accounts.clone(), transport.clone(), base, "Cloud", &ResetSettings::default());
            tokio::select! {
                biased;
                _ = mail_worker.deliver_due() => panic!("it never ends"),
                () = transport.0.notified() => {}
            }
        }
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 0, "it might still come back");
        fixture.clock.advance(Duration::from_secs(300));
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 1);
    }

    async fn welcome_mail_needs_an_address(db) {
        let fixture = Fixture::with_alice(db).await;
        let mails = fixture.accounts.outbox();
        let carol = NewUser::new(user("carol")).email("carol@example.com".parse().unwrap()).backend(BackendId::parse("mail").unwrap());
        fixture.accounts.users().create(carol).await.unwrap();
        fixture.accounts.users().create(NewUser::new(user("nomail"))).await.unwrap();
        mails.welcome(&user("alice"), true).await.unwrap();
        mails.welcome(&user("carol"), true).await.unwrap();
        assert!(mails.welcome(&user("nomail"), false).await.is_err());
        assert!(mails.welcome(&user("ghost"), false).await.is_err());
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 2);
        assert_eq!(fixture.tokens().len(), 1, "carol's password is not kept here");
        redeem(&fixture, &fixture.tokens()[0], NEW).await.unwrap();
    }
}

/// Takes mails and never answers.
#[derive(Debug, Default)]
struct Silent(tokio::sync::Notify);

#[async_trait::async_trait]
impl accounts::MailTransport for Silent {
    async fn send(
        &self,
        _: &accounts::EmailMessage,
        _: user_backend::clock::Instant,
    ) -> Result<(), SendError> {
        self.0.notify_one();
        std::future::pending().await
    }
}

/// The store, its log and its copies contain no token and no password.
#[tokio::test]
async fn t60_store_holds_no_token_and_no_password() {
    let db = TestDb::sqlite();
    let fixture = Fixture::with_alice(&db).await;
    let token = fixture.link("alice").await;
    let welcome = {
        fixture.accounts.outbox().welcome(&user("alice"), true).await.unwrap();
        fixture.mail_worker.deliver_due().await.unwrap();
        fixture.tokens().pop().unwrap()
    };
    redeem(&fixture, &welcome, "A-canary-in-the-coal-mine").await.unwrap();
    let mut read = 0;
    for file in std::fs::read_dir(db.folder()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        read += bytes.len();
        for secret in [token.as_str(), welcome.as_str(), "A-canary-in-the-coal-mine", ALICE] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret}");
        }
    }
    assert!(read > 10_000);
    assert!(!format!("{:?} {:?}", fixture.reset, fixture.mail_worker).contains(&token));
}

/// The events that void a link delete it.
///
/// If one was missed, after a direct change or a restored backup, the link still does not work.
#[tokio::test]
async fn valid_link_is_checked_against_the_current_state() {
    for (change, judged) in [
        ("UPDATE users SET display_name = 'x'", None),
        // Pending: the confirmed address is the one that counts.
        ("UPDATE users SET email = 'eve@example.com'", None),
        (
            "UPDATE users SET confirmed_email = 'eve@example.com', confirmed_key = 'eve@example.com'",
            Some(BadToken::Invalid),
        ),
        (
            "UPDATE users SET confirmed_email = NULL, confirmed_key = NULL, confirmed_by = NULL",
            Some(BadToken::Invalid),
        ),
        ("UPDATE users SET backend = 'mail'", Some(BadToken::Invalid)),
        ("UPDATE users SET enabled = 0", Some(BadToken::Invalid)),
        // That of a device may be: only a sign-in by password voids a link, and deletes it.
        ("UPDATE users SET last_login = created_at + 1", None),
        ("UPDATE resets SET expires_at = created_at", Some(BadToken::Expired)),
        ("DELETE FROM users", Some(BadToken::Invalid)),
    ] {
        let db = TestDb::sqlite();
        let fixture = Fixture::with_alice(&db).await;
        let token = fixture.link("alice").await;
        let file = format!("sqlite:{}", db.folder().join("accounts.db").display());
        let mut raw = SqliteConnection::connect(&file).await.unwrap();
        raw.execute(sqlx::AssertSqlSafe(format!("PRAGMA foreign_keys = ON; {change}"))).await.unwrap();
        let looked = fixture.reset.inspect(&token, None).await;
        let redeemed = redeem(&fixture, &token, NEW).await;
        match judged {
            None => assert!(looked.is_ok() && redeemed.is_ok(), "{change}"),
            Some(expected) => assert_eq!((bad(looked), bad(redeemed)), (expected, expected), "{change}"),
        }
    }
}

/// The worker stops on request, after it has finished the current mail.
#[tokio::test]
async fn worker_sends_queued_mail_until_stop() {
    let db = TestDb::sqlite();
    let fixture = Arc::new(Fixture::with_alice(&db).await);
    let stop = Arc::new(tokio::sync::Notify::new());
    fixture.reset.request("alice", None).await.unwrap();
    let worker = {
        let (fixture, stop) = (fixture.clone(), stop.clone());
        tokio::spawn(async move { fixture.mail_worker.work(stop.notified()).await })
    };
    while fixture.accounts.outbox().waiting().await.unwrap() > 0 {
        tokio::task::yield_now().await;
    }
    stop.notify_one();
    worker.await.unwrap();
    assert_eq!(fixture.mails().len(), 1);
}

/// Checks at compile time what may cross threads.
#[allow(dead_code)]
fn shared(accounts: ActingAccounts) -> impl Send + Sync {
    accounts
}
