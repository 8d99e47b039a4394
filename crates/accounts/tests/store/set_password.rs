//! Setting a password, as the command line, the provisioning API and the reset page do.

use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use accounts::{
    Actor, AppPasswordPolicy, EmailMessage, LocalPasswordService, NewUser, PasswordRules, Person,
    ResetSettings, SetError, Timestamp,
};
use futures_util::FutureExt;
use tokio::sync::mpsc;
use user_backend::BackendId;

use crate::fixture::{ALICE, Fixture, deadline, password, word};
use crate::test_db::{TestDb, on_both, user};

async fn set(fixture: &Fixture, name: &str, text: &str) -> Result<(), SetError> {
    fixture.passwords.set(&user(name), &password(text), Actor::command_line("root"), deadline()).await
}

async fn refusal(fixture: &Fixture, name: &str, text: &str) -> String {
    set(fixture, name, text).await.unwrap_err().to_string()
}

on_both! {
    async fn new_password_ends_sessions_of_the_old_one(db) {
        let fixture = Fixture::with_alice(db).await;
        let accounts = &fixture.accounts;
        let session = accounts.sessions().begin(Some(&user("alice")), Duration::from_secs(60), b"").await.unwrap();
        let token = fixture.link("alice").await;
        let seen = accounts.credential_epoch().current().await.unwrap();

        set(&fixture, "ALICE", "Looking-Glass").await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "bad_credentials");
        assert_eq!(word(fixture.sign_in("alice", "Looking-Glass").await), "accepted alice");
        assert!(accounts.sessions().find(&session.hash()).await.unwrap().is_none());
        assert!(fixture.reset.inspect(&token, None).await.is_err());
        assert!(accounts.credential_epoch().current().await.unwrap() > seen);
        let lines = accounts.audit().after(0, 100, Some("alice")).await.unwrap();
        let last = lines.last().unwrap();
        assert_eq!((last.action.as_str(), last.actor.as_str()), ("password.changed", "root"));
        assert!(lines.iter().all(|line| !line.detail.as_deref().unwrap_or_default().contains("Glass")));

        fixture.mail_worker.deliver_due().await.unwrap();
        let (subject, to) = fixture.mails().pop().unwrap();
        assert_eq!((subject.as_str(), to.as_str()), ("The password of your account at Cloud was changed", "alice@example.com"));
    }

    async fn rules_have_no_way_around_and_say_all_at_once(db) {
        let fixture = Fixture::with_alice(db).await;
        let before = fixture.hash("alice").await;
        assert_eq!(
            refusal(&fixture, "alice", "banana").await,
            "Password is among the 1,000,000 most common ones. Please make it unique. \
             Password needs to be at least 10 characters long."
        );
        assert_eq!(refusal(&fixture, "alice", &"x".repeat(470)).await, "Password is too long. Maximum allowed length is 469 characters.");
        for text in ["my name is Liddell", "I am ALICE myself"] {
            assert!(refusal(&fixture, "alice", text).await.contains("must not contain"), "{text}");
        }
        assert_eq!(fixture.hash("alice").await, before);
        assert_eq!(word(fixture.sign_in("alice", ALICE).await), "accepted alice");
        set(&fixture, "alice", &"x".repeat(469)).await.unwrap();
        assert_eq!(word(fixture.sign_in("alice", &"x".repeat(469)).await), "accepted alice");
        assert_eq!(word(fixture.sign_in("alice", &"x".repeat(468)).await), "bad_credentials");
    }

    /// The initial password counts, too.
    async fn earlier_passwords_are_not_taken_again(db) {
        let fixture = Fixture::empty(db, r#"{"historySize": 3}"#, ResetSettings::default()).await;
        fixture.add(NewUser::new(user("alice")), ALICE).await;
        let again = "Password must not have been used recently before.";
        assert_eq!(refusal(&fixture, "alice", ALICE).await, again);
        for text in ["Looking-Glass-1", "Looking-Glass-2"] {
            set(&fixture, "alice", text).await.unwrap();
        }
        for text in [ALICE, "Looking-Glass-1", "Looking-Glass-2"] {
            assert_eq!(refusal(&fixture, "alice", text).await, again, "{text}");
        }
        set(&fixture, "alice", "Looking-Glass-3").await.unwrap();
        set(&fixture, "alice", ALICE).await.unwrap();
    }

    /// A user with an external password never gets a local one: it would shadow the other.
    async fn external_user_gets_no_local_password(db) {
        let fixture = Fixture::with_alice(db).await;
        let carol = NewUser::new(user("carol")).backend(BackendId::parse("mail").unwrap()).email("carol@example.com".parse().unwrap());
        fixture.accounts.users().create(carol).await.unwrap();
        assert_eq!(refusal(&fixture, "carol", "Looking-Glass").await, "Setting the password is not supported by the users backend");
        assert_eq!(fixture.hash("carol").await, None);
        assert!(matches!(set(&fixture, "ghost", "Looking-Glass").await, Err(SetError::NoSuchUser)));
    }

    async fn concurrent_password_changes_are_atomic(db) {
        let fixture = Arc::new(Fixture::empty(db, r#"{"historySize": 24}"#, ResetSettings::default()).await);
        fixture.add(NewUser::new(user("alice")), ALICE).await;
        // Four passwords, so that no change conflicts more often than it is retried (five times).
        let changes: Vec<_> = (0..6).map(|number| {
            let fixture = fixture.clone();
            // Half of them set the same one: only one of those may succeed.
            let text = format!("Looking-Glass-{}", if number % 2 == 0 { 0 } else { number });
            tokio::spawn(async move { (set(&fixture, "alice", &text).await, text) })
        }).collect();
        let mut done = Vec::new();
        for change in changes {
            let (result, text) = change.await.unwrap();
            match result {
                Ok(()) => done.push(text),
                Err(SetError::Refused(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!(done.iter().filter(|text| text.as_str() == "Looking-Glass-0").count(), 1, "{done:?}");
        let history = fixture.accounts.passwords().history(&user("alice"), 24).await.unwrap();
        assert_eq!(history.len(), done.len() + 1);
        let mut accepted = 0;
        for text in &done {
            accepted += usize::from(word(fixture.sign_in("alice", text).await) == "accepted alice");
        }
        assert_eq!(accepted, 1, "exactly one password is right");
    }

    async fn app_passwords_end_with_the_password_unless_kept(db) {
        let fixture = Fixture::with_alice(db).await;
        let app_passwords = fixture.accounts.app_passwords();
        let keep = fixture.passwords.clone().with_app_passwords(AppPasswordPolicy::Keep);
        let owner = || Actor::user("ALICE", None);
        for (number, (passwords, by, kept)) in [
            (&keep, owner(), 1),
            (&fixture.passwords, owner(), 0),
            (&keep, Actor::system(), 0),
            (&keep, Actor::command_line("root"), 0),
        ].into_iter().enumerate() {
            app_passwords.revoke_all(&user("alice")).await.unwrap();
            app_passwords.create(&user("alice"), "phone", None).await.unwrap();
            let new = password(&format!("Looking-Glass-{number}"));
            passwords.set(&user("alice"), &new, by, deadline()).await.unwrap();
            assert_eq!(app_passwords.list(&user("alice")).await.unwrap().len(), kept, "{number}");
        }
        fixture.mail_worker.deliver_due().await.unwrap();
        let parts = |mail: &EmailMessage| {
            let text = mail.text();
            assert!(text.contains("Every session that was open has ended"), "{text}");
            (text.contains("still work"), text.contains("All app passwords of the account have ended"))
        };
        let messages = fixture.table.messages.lock().unwrap().clone();
        let notices: Vec<_> = messages.iter().filter(|mail| mail.subject().contains("was changed")).map(parts).collect();
        assert_eq!(notices, [(true, false), (false, true), (false, true), (false, true)]);
    }

    async fn first_password_goes_through_the_same_rules(db) {
        let fixture = Fixture::with_alice(db).await;
        let bob = Person { id: "bob", display_name: Some("Bob Builder"), email: None };
        let first = async |text: &str| fixture.passwords.first(bob, &password(text), deadline()).await;
        assert!(matches!(first("banana").await, Err(SetError::Refused(_))));
        assert!(matches!(first("the Builder of it").await, Err(SetError::Refused(_))));
        let hash = first("Looking-Glass").await.unwrap();
        fixture.accounts.users().create(NewUser::new(user("bob")).password(hash)).await.unwrap();
        assert_eq!(word(fixture.sign_in("bob", "Looking-Glass").await), "accepted bob");
    }
}

/// Rules that wait until the test lets them go.
#[derive(Debug)]
struct WaitingRules {
    entered: mpsc::UnboundedSender<()>,
    open: Arc<(Mutex<bool>, Condvar)>,
}

impl PasswordRules for WaitingRules {
    fn check(&self, text: &str, _: &Person<'_>) -> Result<(), String> {
        if text != "at once" {
            self.entered.send(()).unwrap();
            let (open, changed) = &*self.open;
            drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
        }
        Ok(())
    }

    fn history(&self) -> u32 {
        0
    }

    fn maximum_login_attempts(&self) -> Option<u32> {
        None
    }

    fn is_expired(&self, _: Timestamp, _: Timestamp) -> bool {
        false
    }
}

/// A rule may wait for a server.
///
/// Questions about passwords take a bounded number of threads, and none of those that set one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_about_passwords_take_a_bounded_number_of_threads() {
    let db = TestDb::sqlite();
    let fixture = Fixture::with_alice(&db).await;
    let (entered, mut began) = mpsc::unbounded_channel();
    let open = Arc::new((Mutex::new(false), Condvar::new()));
    let rules = Arc::new(WaitingRules { entered, open: Arc::clone(&open) });
    let passwords = LocalPasswordService::new(fixture.accounts.clone(), fixture.hasher.clone(), rules);
    let person = Person { id: "alice", display_name: None, email: None };
    let ask = || Box::pin(passwords.check(person, "waits", deadline()));
    // 16 are judged and 1,024 wait.
    let mut requests: Vec<_> = (0..1040).map(|_| ask()).collect();
    for one in &mut requests {
        assert!(one.now_or_never().is_none());
    }
    for _ in 0..16 {
        began.recv().await.unwrap();
    }
    let refused = ask().await;
    assert!(matches!(refused, Err(SetError::Hasher(_))), "{refused:?}");
    assert!(began.try_recv().is_err(), "no seventeenth thread");
    // A password is set meanwhile.
    passwords.set(&user("alice"), &password("at once"), Actor::system(), deadline()).await.unwrap();
    *open.0.lock().unwrap() = true;
    open.1.notify_all();
    for one in requests {
        one.await.unwrap();
    }
}
