//! The wall clock jumps: it is set, or a machine resumes with a wrong one.
//!
//! A day ahead, everything with a lifetime has ended. A day back, nothing lasts longer:
//! what began "in the future" has ended, too, and new requests start over. Servers whose clocks
//! differ by less than [`SKEW`] end nothing of each other's.

use std::time::Duration;

use accounts::{AccountsError, SKEW, StoredHash, Token};
use accounts::{BadToken, RedeemError};

use crate::fixture::{ALICE, Fixture, deadline, password, word};
use crate::test_db::{TestDb, on_both, user};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const INSTANT: Duration = Duration::from_millis(1);

/// What alice got at some moment.
struct Got {
    session: Token,
    link: String,
    /// An app password for two days.
    dated: Token,
    /// One that does not end.
    plain: Token,
}

async fn get(fixture: &Fixture) -> Got {
    let (alice, tokens) = (user("alice"), fixture.accounts.app_passwords());
    let session = fixture.accounts.sessions().begin(Some(&alice), 2 * HOUR, b"").await.unwrap();
    let date = fixture.clock.now().after(2 * DAY);
    let (dated, _) = tokens.create(&alice, "script", Some(date)).await.unwrap();
    let (plain, _) = tokens.create(&alice, "phone", None).await.unwrap();
    Got { session, link: fixture.link("alice").await, dated, plain }
}

/// Which credentials still work: session, link, app password with a date, and without.
async fn open(fixture: &Fixture, got: &Got) -> [bool; 4] {
    let (sessions, tokens) = (fixture.accounts.sessions(), fixture.accounts.app_passwords());
    let session = sessions.find(&got.session.hash()).await.unwrap().is_some();
    // Every way to a session agrees.
    let listed = sessions.list(&user("alice")).await.unwrap();
    assert_eq!(listed.iter().any(|(token, _)| *token == got.session.hash()), session);
    assert_eq!(sessions.put(&got.session.hash(), b"x").await.unwrap(), session);
    let link = match fixture.reset.inspect(&got.link, None).await {
        Ok(_) => true,
        Err(RedeemError::Token(BadToken::Expired)) => false,
        Err(other) => panic!("{other}"),
    };
    let hash = accounts::TokenHash::of(&got.link);
    assert_eq!(fixture.accounts.reset_tokens().find(&hash).await.unwrap().is_some(), link);
    let dated = tokens.owner(&got.dated.hash()).await.unwrap().is_some();
    [session, link, dated, tokens.owner(&got.plain.hash()).await.unwrap().is_some()]
}

/// The link is used, in both ways that there are.
async fn redeemed(fixture: &Fixture, link: &str) -> bool {
    let hash = accounts::TokenHash::of(link);
    let new = password("Looking-Glass-9");
    let by_owner = fixture.reset.redeem(link, &new, None, deadline()).await.is_ok();
    match fixture.accounts.reset_tokens().redeem(&hash, &StoredHash::new("x")).await {
        Ok(_) => true,
        Err(AccountsError::Stale { .. }) => by_owner,
        Err(other) => panic!("{other}"),
    }
}

async fn fixture(db: &TestDb) -> (Fixture, Got) {
    let fixture = Fixture::with_alice(db).await;
    let got = get(&fixture).await;
    assert_eq!(open(&fixture, &got).await, [true; 4]);
    (fixture, got)
}

on_both! {
    async fn t27_clock_a_day_ahead_ends_everything_with_a_lifetime(db) {
        let (fixture, got) = fixture(db).await;
        fixture.clock.advance(DAY);
        assert_eq!(open(&fixture, &got).await, [false, false, true, true], "its date has not come");
        assert!(!fixture.accounts.sessions().touch(&got.session.hash(), HOUR).await.unwrap());
        assert!(!redeemed(&fixture, &got.link).await);
        fixture.clock.advance(DAY);
        assert_eq!(open(&fixture, &got).await, [false, false, false, true]);
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
    }

    async fn t27_clock_a_day_back_lengthens_no_life(db) {
        let (fixture, got) = fixture(db).await;
        fixture.clock.set_back(DAY);
        // An app password ends on a date, so it is valid until that date.
        assert_eq!(open(&fixture, &got).await, [false, false, true, true]);
        assert!(!fixture.accounts.sessions().touch(&got.session.hash(), HOUR).await.unwrap());
        assert_eq!(fixture.accounts.sessions().count(&user("alice")).await.unwrap(), 0);
        assert!(!redeemed(&fixture, &got.link).await);
        // Nor does it live again when that moment comes for the second time.
        assert_eq!(fixture.accounts.sessions().sweep().await.unwrap(), 2);
        fixture.clock.advance(DAY);
        assert!(fixture.accounts.sessions().find(&got.session.hash()).await.unwrap().is_none());
        assert!(!redeemed(&fixture, &got.link).await);
        fixture.clock.advance(2 * DAY);
        assert!(fixture.accounts.app_passwords().owner(&got.dated.hash()).await.unwrap().is_none());
    }

    async fn t27_session_seen_in_the_future_has_ended(db) {
        let (fixture, got) = fixture(db).await;
        fixture.clock.advance(HOUR);
        assert!(fixture.accounts.sessions().touch(&got.session.hash(), DAY).await.unwrap());
        fixture.clock.set_back(HOUR - INSTANT);
        assert!(!open(&fixture, &got).await[0]);
        assert_eq!(fixture.accounts.sessions().sweep().await.unwrap(), 1);
    }

    async fn t27_clock_skew_of_minutes_ends_nothing(db) {
        let (fixture, got) = fixture(db).await;
        fixture.clock.set_back(SKEW);
        assert_eq!(open(&fixture, &got).await, [true; 4]);
        assert_eq!(fixture.accounts.sessions().sweep().await.unwrap(), 0);
        fixture.clock.set_back(INSTANT);
        assert_eq!(open(&fixture, &got).await, [false, false, true, true]);
    }

    async fn t27_request_after_the_clock_was_set_back_is_served_at_once(db) {
        let fixture = Fixture::with_alice(db).await;
        let (alice, users) = (user("alice"), fixture.accounts.users());
        users.signed_in(&users.details(&alice).await.unwrap()).await.unwrap();
        fixture.reset.request("alice", None).await.unwrap();
        fixture.clock.set_back(DAY);
        // The mail that waited does not wait for a day more, and a sign-in of tomorrow voids no
        // link of today.
        assert_eq!(fixture.mail_worker.deliver_due().await.unwrap().sent, 1);
        let link = fixture.tokens().pop().unwrap();
        assert_eq!(fixture.reset.inspect(&link, None).await.unwrap().user, alice);
        let got = get(&fixture).await;
        assert_eq!(open(&fixture, &got).await, [true; 4]);
        // A sign-in of today does.
        users.signed_in(&users.details(&alice).await.unwrap()).await.unwrap();
        assert_eq!(users.get(&alice).await.unwrap().last_login, Some(fixture.clock.now()));
        assert!(!redeemed(&fixture, &got.link).await);
    }
}
