//! Mail addresses: pending, confirmed, and when a confirmation ends.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use accounts::{
    AccountsError, ActingAccounts, Actor, AddressConfirmation, BaseUrl, ConfirmError, EmailAddress,
    EmailMessage, GroupId, LOCAL_BACKEND, MailTransport, MailWorker, NewUser, ResetSettings, SendError,
    StoredHash, User, UserChange, UserFilter,
};
use async_trait::async_trait;
use tokio::sync::Notify;
use user_backend::clock::Instant;
use user_backend::{BackendId, CanonicalName};

use crate::fixture::{Fixture, deadline, password};
use crate::test_db::{TestDb, group, on_both, user};

fn address(text: &str) -> EmailAddress {
    text.parse().unwrap()
}

fn by(accounts: &ActingAccounts, name: &str) -> ActingAccounts {
    accounts.on_behalf_of(Actor::user(name, None))
}

fn to(text: &str) -> UserChange {
    UserChange::new().email(Some(address(text)))
}

/// `root` is an administrator, `sam` administers `staff` with `mem` and `max`.
///
/// None has an address, all have a password.
async fn site(db: &TestDb) -> Fixture {
    let fixture = Fixture::empty(db, "{}", ResetSettings::default()).await;
    fixture.accounts.groups().create(&group("staff"), None).await.unwrap();
    for new in [
        NewUser::new(user("root")).group(GroupId::admin()),
        NewUser::new(user("sam")).subadmin_of(group("staff")),
        NewUser::new(user("mem")).group(group("staff")),
        NewUser::new(user("max")).group(group("staff")),
    ] {
        fixture.accounts.users().create(new.password(StoredHash::new("x"))).await.unwrap();
    }
    fixture
}

async fn read(accounts: &ActingAccounts, name: &str) -> User {
    accounts.users().get(&user(name)).await.unwrap()
}

/// The address that was set and the one that is confirmed.
async fn addresses(fixture: &Fixture, name: &str) -> (Option<String>, Option<String>) {
    let found = read(&fixture.accounts, name).await;
    (found.email, found.confirmed_email)
}

fn pair(set: &str, confirmed: Option<&str>) -> (Option<String>, Option<String>) {
    (Some(set.to_owned()), confirmed.map(str::to_owned))
}

/// Takes reset links and never answers to anything else.
#[derive(Debug, Default)]
struct TakesResetsOnly(Notify);

#[async_trait]
impl MailTransport for TakesResetsOnly {
    async fn send(&self, message: &EmailMessage, _: Instant) -> Result<(), SendError> {
        if message.subject().starts_with("Set a new password") {
            self.0.notify_one();
        }
        std::future::pending().await
    }
}

/// Sends what waits; the links that confirm an address, with the address each went to.
async fn links(fixture: &Fixture) -> Vec<(String, String)> {
    let before = fixture.table.messages.lock().unwrap().len();
    fixture.mail_worker.deliver_due().await.unwrap();
    let messages = fixture.table.messages.lock().unwrap();
    let link = |message: &EmailMessage| {
        let (_, rest) = message.text().split_once("/address/confirm/")?;
        Some((rest.split_whitespace().next()?.to_owned(), message.to().to_string()))
    };
    messages[before..].iter().filter_map(link).collect()
}

/// Subjects and addresses of the mails that are sent now.
async fn mails(fixture: &Fixture) -> Vec<(String, String)> {
    let before = fixture.mails().len();
    fixture.mail_worker.deliver_due().await.unwrap();
    fixture.mails().split_off(before)
}

fn confirmation(fixture: &Fixture) -> AddressConfirmation {
    AddressConfirmation::new(fixture.accounts.clone())
}

/// Sets the address and follows the link.
async fn set_and_confirm(fixture: &Fixture, actor: &str, name: &str, text: &str) {
    by(&fixture.accounts, actor).users().change(&user(name), to(text)).await.unwrap();
    let link = links(fixture).await.pop().unwrap();
    assert_eq!(link.1, text);
    confirmation(fixture).confirm(&link.0, None).await.unwrap();
}

/// Whether a reset requested by name sends a link to this address.
async fn is_reset_to(fixture: &Fixture, name: &str, text: &str) -> bool {
    fixture.reset.request(name, None).await.unwrap();
    mails(fixture).await.iter().any(|(subject, to)| subject.starts_with("Set a new password") && to == text)
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

async fn actions(fixture: &Fixture, name: &str) -> Vec<String> {
    let lines = fixture.accounts.audit().after(0, 1000, Some(name)).await.unwrap();
    lines.into_iter().map(|line| line.action).filter(|action| action.starts_with("address.")).collect()
}

/// `sam` sets the password of `mem`, and an address as `actor`.
///
/// Then `mem` becomes an administrator with a fresh password.
async fn leave_an_address_behind(db: &TestDb, actor: &str) {
    let fixture = site(db).await;
    let (accounts, mem) = (&fixture.accounts, user("mem"));
    let known = Actor::user("sam", None);
    fixture.passwords.set(&mem, &password("Known-to-sam-1"), known, deadline()).await.unwrap();
    set_and_confirm(&fixture, actor, "mem", "sam@evil.example").await;
    assert!(
        is_reset_to(&fixture, "mem", "sam@evil.example").await,
        "before, it is the address of the account"
    );
    // One more is requested and waits in the queue, and so does another link.
    fixture.reset.request("mem", ip("192.0.2.9")).await.unwrap();
    by(accounts, "sam").users().change(&mem, to("sam-2@evil.example")).await.unwrap();
    let fresh = Actor::user("root", None);
    fixture.passwords.set(&mem, &password("Fresh-from-root-1"), fresh, deadline()).await.unwrap();
    by(accounts, "root").groups().add_member(&GroupId::admin(), &mem).await.unwrap();
    let is_notice = |subject: &str| subject.contains("was changed") || subject.contains("more rights");
    let sent = mails(&fixture).await;
    assert!(sent.iter().all(|(subject, _)| is_notice(subject)), "{sent:?}");
    assert!(!is_reset_to(&fixture, "mem", "sam@evil.example").await);
    assert!(!is_reset_to(&fixture, "sam@evil.example", "sam@evil.example").await);
    assert_eq!(addresses(&fixture, "mem").await, pair("sam@evil.example", None));
    assert_eq!(actions(&fixture, "mem").await.last().map(String::as_str), Some("address.unconfirmed"));
    // Nor does a greeting carry a link there.
    accounts.outbox().welcome(&mem, true).await.unwrap();
    fixture.mail_worker.deliver_due().await.unwrap();
    let last = fixture.table.messages.lock().unwrap().last().cloned().unwrap();
    let has_link = last.text().contains("/lostpassword/reset/");
    assert!(last.subject().starts_with("Welcome") && !has_link, "{}", last.text());
}

on_both! {
    async fn changed_address_is_pending_until_confirmed(db) {
        let fixture = site(db).await;
        set_and_confirm(&fixture, "mem", "mem", "mem@example.com").await;
        assert_eq!(addresses(&fixture, "mem").await, pair("mem@example.com", Some("mem@example.com")));
        by(&fixture.accounts, "mem").users().change(&user("mem"), to("new@example.com")).await.unwrap();
        assert_eq!(addresses(&fixture, "mem").await, pair("new@example.com", Some("mem@example.com")));
        let owner = |text: &'static str| async { fixture.accounts.users().owner_of_address(&address(text)).await.unwrap().map(|user| user.id) };
        assert_eq!(owner("mem@example.com").await, Some(user("mem")));
        assert_eq!(owner("new@example.com").await, None);
        let (token, sent_to) = links(&fixture).await.pop().unwrap();
        assert_eq!(sent_to, "new@example.com");
        assert!(is_reset_to(&fixture, "mem", "mem@example.com").await, "the old one still counts");
        // Mail scanners follow links.
        for _ in 0..20 {
            assert_eq!(confirmation(&fixture).inspect(&token, None).await.unwrap(), (user("mem"), address("new@example.com")));
        }
        assert_eq!(addresses(&fixture, "mem").await.1.as_deref(), Some("mem@example.com"));
        confirmation(&fixture).confirm(&token, None).await.unwrap();
        assert_eq!(addresses(&fixture, "mem").await, pair("new@example.com", Some("new@example.com")));
        assert_eq!((owner("mem@example.com").await, owner("NEW@example.com").await), (None, Some(user("mem"))));
        let notice = mails(&fixture).await;
        assert_eq!(notice, [("The mail address of your account at Cloud was changed".to_owned(), "mem@example.com".to_owned())]);
        assert!(matches!(confirmation(&fixture).confirm(&token, None).await, Err(ConfirmError::Invalid)), "once");
        assert_eq!(actions(&fixture, "mem").await, ["address.confirmed", "address.confirmed"]);
    }

    async fn link_ends_with_what_it_was_for(db) {
        let fixture = site(db).await;
        let (accounts, mem) = (&fixture.accounts, user("mem"));
        set_and_confirm(&fixture, "mem", "mem", "mem@example.com").await;
        for event in ["newer", "other address", "back", "removed", "own password", "password by other", "disabled", "expired", "clock back"] {
            fixture.clock.advance(Duration::from_secs(24 * 3600));
            by(accounts, "mem").users().change(&mem, to("new@example.com")).await.unwrap();
            let (token, _) = links(&fixture).await.pop().unwrap();
            assert!(confirmation(&fixture).inspect(&token, None).await.is_ok(), "{event}");
            match event {
                "newer" => {
                    by(accounts, "mem").users().change(&mem, to("new@example.com")).await.unwrap();
                    assert_eq!(links(&fixture).await.len(), 1, "another link");
                }
                "other address" => drop(by(accounts, "mem").users().change(&mem, to("third@example.com")).await.unwrap()),
                "back" => drop(by(accounts, "mem").users().change(&mem, to("mem@example.com")).await.unwrap()),
                "removed" => drop(by(accounts, "mem").users().change(&mem, UserChange::new().email(None)).await.unwrap()),
                "own password" => fixture.passwords.set(&mem, &password("Looking-Glass"), Actor::user("mem", None), deadline()).await.unwrap(),
                "password by other" => fixture.passwords.set(&mem, &password("Looking-Glass-2"), Actor::user("sam", None), deadline()).await.unwrap(),
                "disabled" => drop(accounts.users().set_enabled(&mem, false).await.unwrap()),
                "expired" => fixture.clock.advance(Duration::from_secs(48 * 3600)),
                _ => fixture.clock.set_back(Duration::from_secs(3600)),
            }
            let confirmed = confirmation(&fixture).confirm(&token, None).await;
            assert!(matches!(confirmed, Err(ConfirmError::Invalid)), "{event}: {confirmed:?}");
            accounts.users().set_enabled(&mem, true).await.unwrap();
            // As it was, for the next event.
            let change = UserChange::new().confirmed_email(address("mem@example.com"));
            by(accounts, "root").users().change(&mem, change).await.unwrap();
        }
    }

    async fn pending_address_ends_with_the_credentials(db) {
        let fixture = site(db).await;
        set_and_confirm(&fixture, "mem", "mem", "mem@example.com").await;
        by(&fixture.accounts, "mem").users().change(&user("mem"), to("thief@example.com")).await.unwrap();
        // Not sent yet: the queue forgets it, too.
        fixture.passwords.set(&user("mem"), &password("Looking-Glass"), Actor::user("mem", None), deadline()).await.unwrap();
        assert_eq!(links(&fixture).await, []);
        assert_eq!(addresses(&fixture, "mem").await, pair("mem@example.com", Some("mem@example.com")));
        let found = fixture.accounts.users().page(&UserFilter::new().search("thief")).await.unwrap();
        assert!(found.items.is_empty(), "nor does a search find it");
    }

    /// An address that another user has confirmed is stored, but cannot be confirmed again.
    ///
    /// The response is the same.
    async fn taken_address_is_stored_unconfirmed_without_link(db) {
        let fixture = site(db).await;
        set_and_confirm(&fixture, "mem", "mem", "shared@example.com").await;
        for spelling in ["shared@example.com", "SHARED@Example.com", "\u{ff53}hared@example.com"] {
            let changed = by(&fixture.accounts, "max").users().change(&user("max"), to(spelling)).await.unwrap();
            assert_eq!((changed.pending_email(), changed.confirmed_email.as_deref()), (Some(address(spelling).as_str()), None));
            assert_eq!(links(&fixture).await, [], "{spelling}");
            let notice = fixture.table.messages.lock().unwrap().last().cloned().unwrap();
            assert!(notice.text().contains("already belongs to another account"), "{}", notice.text());
            assert!(!is_reset_to(&fixture, "max", "shared@example.com").await);
            assert!(is_reset_to(&fixture, "shared@example.com", "shared@example.com").await);
            let owner = fixture.accounts.users().owner_of_address(&address(spelling)).await.unwrap().unwrap();
            assert_eq!(owner.id, user("mem"), "{spelling}");
        }
        // When its owner lets it go, the other may confirm it.
        by(&fixture.accounts, "mem").users().change(&user("mem"), UserChange::new().email(None)).await.unwrap();
        fixture.clock.advance(Duration::from_secs(24 * 3600));
        by(&fixture.accounts, "max").users().change(&user("max"), to("shared@example.com")).await.unwrap();
        let (token, _) = links(&fixture).await.pop().unwrap();
        confirmation(&fixture).confirm(&token, None).await.unwrap();
        assert!(read(&fixture.accounts, "max").await.pending_email().is_none());
    }

    async fn address_taken_after_its_link_is_not_confirmed(db) {
        let fixture = site(db).await;
        by(&fixture.accounts, "max").users().change(&user("max"), to("shared@example.com")).await.unwrap();
        let (token, _) = links(&fixture).await.pop().unwrap();
        set_and_confirm(&fixture, "mem", "mem", "shared@example.com").await;
        assert!(matches!(confirmation(&fixture).confirm(&token, None).await, Err(ConfirmError::Taken)));
        assert_eq!(addresses(&fixture, "max").await, pair("shared@example.com", None));
    }

    async fn concurrent_confirmations_have_one_winner(db) {
        let fixture = Arc::new(site(db).await);
        for round in 0..20 {
            let text = format!("shared{round}@example.com");
            fixture.clock.advance(Duration::from_secs(24 * 3600));
            for name in ["mem", "max"] {
                by(&fixture.accounts, name).users().change(&user(name), to(&text)).await.unwrap();
            }
            let links = links(&fixture).await;
            assert_eq!(links.len(), 2);
            let tasks: Vec<_> = links.into_iter().map(|(token, _)| {
                let fixture = fixture.clone();
                tokio::spawn(async move { confirmation(&fixture).confirm(&token, None).await })
            }).collect();
            let mut confirmed = 0;
            for task in tasks {
                match task.await.unwrap() {
                    Ok(_) => confirmed += 1,
                    Err(ConfirmError::Taken) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            assert_eq!(confirmed, 1, "{round}");
            assert!(fixture.accounts.users().owner_of_address(&address(&text)).await.unwrap().is_some());
        }
    }

    async fn one_link_confirms_once_however_often_it_comes(db) {
        let fixture = Arc::new(site(db).await);
        by(&fixture.accounts, "mem").users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        let (token, _) = links(&fixture).await.pop().unwrap();
        let tasks: Vec<_> = (0..20).map(|number| {
            let (fixture, token) = (fixture.clone(), token.clone());
            tokio::spawn(async move { confirmation(&fixture).confirm(&token, ip(&format!("192.0.2.{number}"))).await.is_ok() })
        }).collect();
        let mut confirmed = 0;
        for task in tasks {
            confirmed += usize::from(task.await.unwrap());
        }
        assert_eq!(confirmed, 1);
        assert_eq!(actions(&fixture, "mem").await, ["address.confirmed"]);
    }

    /// H2, second way: an address that a sub-admin set earlier resets no administrator.
    async fn address_set_by_a_sub_admin_resets_nothing_after_a_promotion(db) {
        leave_an_address_behind(db, "sam").await;
    }

    /// The same by a sub-admin who knows the password and signs in as the member.
    async fn address_set_with_a_stolen_password_ends_with_a_promotion(db) {
        leave_an_address_behind(db, "mem").await;
    }

    async fn confirmation_depends_on_the_setter_of_the_address(db) {
        let fixture = site(db).await;
        let (accounts, mem) = (&fixture.accounts, user("mem"));
        for (actor, link, survives_password, survives_promotion) in [
            ("mem", true, true, false),
            ("sam", true, false, false),
            ("root", true, true, true),
            ("root", false, true, true),
            ("command line", false, true, true),
        ] {
            for (event, survives) in [("password", survives_password), ("promotion", survives_promotion), ("sub-admin", survives_promotion), ("rebind", survives_promotion)] {
                fixture.clock.advance(Duration::from_secs(24 * 3600));
                accounts.users().change(&mem, UserChange::new().email(None)).await.unwrap();
                match (actor, link) {
                    ("command line", _) => drop(accounts.users().change(&mem, to("mem@example.com")).await.unwrap()),
                    (actor, true) => set_and_confirm(&fixture, actor, "mem", "mem@example.com").await,
                    (actor, false) => {
                        let change = UserChange::new().confirmed_email(address("mem@example.com"));
                        by(accounts, actor).users().change(&mem, change).await.unwrap();
                    }
                }
                assert_eq!(addresses(&fixture, "mem").await, pair("mem@example.com", Some("mem@example.com")), "{actor}");
                match event {
                    "password" => fixture.passwords.set(&mem, &password(&format!("Looking-Glass-{}", fixture.clock.now().millis())), Actor::user("root", None), deadline()).await.unwrap(),
                    "promotion" => drop(accounts.groups().add_member(&GroupId::admin(), &mem).await.unwrap()),
                    "rebind" => drop(accounts.pins().rebind(mem.name(), Some(&BackendId::parse("mail").unwrap())).await.unwrap()),
                    _ => drop(accounts.groups().add_subadmin(&group("staff"), &mem).await.unwrap()),
                }
                let expected = survives.then_some("mem@example.com");
                assert_eq!(addresses(&fixture, "mem").await, pair("mem@example.com", expected), "{actor}, {link}, {event}");
                // The notice goes to the address that was confirmed until then.
                assert!(mails(&fixture).await.iter().any(|(subject, to)| to == "mem@example.com" && ["was changed", "more rights", "checked elsewhere"].iter().any(|part| subject.contains(part))), "{actor}, {event}");
                accounts.pins().rebind(mem.name(), Some(&BackendId::parse(LOCAL_BACKEND).unwrap())).await.unwrap();
                accounts.groups().remove_member(&GroupId::admin(), &mem).await.unwrap();
                accounts.groups().remove_subadmin(&group("staff"), &mem).await.unwrap();
            }
        }
    }

    async fn only_administrators_set_a_confirmed_address(db) {
        let fixture = site(db).await;
        let (accounts, mem) = (&fixture.accounts, user("mem"));
        let change = || UserChange::new().confirmed_email(address("mem@example.com"));
        for actor in ["mem", "max", "sam", "ghost"] {
            let refused = by(accounts, actor).users().change(&mem, change()).await;
            assert!(matches!(refused, Err(AccountsError::Forbidden { .. })), "{actor}");
        }
        let new = |id: &str| NewUser::new(user(id)).group(group("staff")).confirmed_email(address("new@example.com"));
        assert!(matches!(by(accounts, "sam").users().create(new("new1")).await, Err(AccountsError::Forbidden { .. })));
        let created = by(accounts, "root").users().create(new("new1")).await.unwrap();
        assert_eq!(created.confirmed_email.as_deref(), Some("new@example.com"));
        by(accounts, "root").users().change(&mem, change()).await.unwrap();
        // Not one that is taken: an administrator gets an error.
        let taken = by(accounts, "root").users().create(new("new2")).await;
        assert!(matches!(taken, Err(AccountsError::AlreadyExists { .. })));
        assert!(accounts.users().find(&user("new2")).await.unwrap().is_none());
        let taken = by(accounts, "root").users().change(&user("max"), change()).await;
        assert!(matches!(taken, Err(AccountsError::AlreadyExists { .. })));
        assert_eq!(addresses(&fixture, "max").await, (None, None));
    }

    /// An id wins over an address, and neither shuts the other out.
    async fn equal_id_and_address_keep_each_other_in(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        set_and_confirm(&fixture, "mem", "mem", "mem@example.com").await;
        // No sub-admin takes an address as an id, in any spelling.
        for id in ["mem@example.com", "Mem@Example.COM"] {
            let taken = by(accounts, "sam").users().create(NewUser::new(user(id)).group(group("staff"))).await;
            assert!(matches!(taken, Err(AccountsError::AlreadyExists { what: "user", .. })), "{taken:?}");
        }
        // An administrator may, and a backend whose user is called so.
        by(accounts, "root").users().create(NewUser::new(user("mem@example.com"))).await.unwrap();
        assert!(is_reset_to(&fixture, "mem", "mem@example.com").await, "the address stays that of its owner");
        assert!(is_reset_to(&fixture, "mem@example.com", "mem@example.com").await, "as long as the other has none");
        assert_eq!(addresses(&fixture, "mem").await, pair("mem@example.com", Some("mem@example.com")));
        // The reverse: an id is no address that another confirms.
        accounts.users().create(NewUser::new(user("boss@example.com"))).await.unwrap();
        for spelling in ["boss@example.com", "BOSS@example.com", "\u{ff42}oss@example.com"] {
            by(accounts, "max").users().change(&user("max"), to(spelling)).await.unwrap();
            assert_eq!(links(&fixture).await, [], "{spelling}");
        }
        let change = UserChange::new().confirmed_email(address("boss@example.com"));
        assert!(by(accounts, "root").users().change(&user("max"), change).await.is_err());
        // One's own id is.
        by(accounts, "boss@example.com").users().change(&user("boss@example.com"), to("boss@example.com")).await.unwrap();
        assert_eq!(links(&fixture).await.len(), 1);
    }

    /// A sub-admin creates a user who is called like an address while its owner confirms it.
    ///
    /// One of the two.
    async fn equal_id_and_address_never_arise_concurrently(db) {
        let fixture = Arc::new(site(db).await);
        for round in 0..20 {
            let text = format!("alike{round}@example.com");
            fixture.clock.advance(Duration::from_secs(24 * 3600));
            by(&fixture.accounts, "mem").users().change(&user("mem"), to(&text)).await.unwrap();
            let (token, _) = links(&fixture).await.pop().unwrap();
            let create = {
                let (fixture, new) = (fixture.clone(), NewUser::new(user(&text)).group(group("staff")));
                tokio::spawn(async move { by(&fixture.accounts, "sam").users().create(new).await.is_ok() })
            };
            let confirm = {
                let fixture = fixture.clone();
                tokio::spawn(async move { confirmation(&fixture).confirm(&token, None).await.is_ok() })
            };
            let (created, confirmed) = (create.await.unwrap(), confirm.await.unwrap());
            assert!(created != confirmed, "{round}: created {created}, confirmed {confirmed}");
        }
    }

    async fn user_of_a_mail_server_has_the_address_they_sign_in_with(db) {
        let fixture = site(db).await;
        let mail = BackendId::parse("mail").unwrap();
        let name = |text: &str| CanonicalName::parse(text).unwrap();
        let (mia, _) = fixture.accounts.users().remember(&name("mia@mail.example"), &mail, []).await.unwrap();
        assert_eq!(mia.confirmed_email.as_deref(), Some("mia@mail.example"));
        set_and_confirm(&fixture, "mem", "mem", "ann@mail.example").await;
        let (ann, _) = fixture.accounts.users().remember(&name("ann@mail.example"), &mail, []).await.unwrap();
        assert_eq!((ann.email.as_deref(), ann.confirmed_email), (Some("ann@mail.example"), None));
        assert_eq!(addresses(&fixture, "mem").await.1.as_deref(), Some("ann@mail.example"));
    }

    async fn without_mail_addresses_stay_unconfirmed(db) {
        let accounts = db.open().await;
        accounts.groups().create(&group("staff"), None).await.unwrap();
        accounts.users().create(NewUser::new(user("mem")).group(group("staff"))).await.unwrap();
        let changed = by(&accounts, "mem").users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        assert_eq!((changed.pending_email(), accounts.outbox().waiting().await.unwrap()), (Some("mem@example.com"), 0));
        let listed = accounts.users().page(&UserFilter::new().unconfirmed()).await.unwrap();
        assert_eq!(listed.items.iter().map(|user| user.id.as_str()).collect::<Vec<_>>(), ["mem"]);
        accounts.users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        assert!(accounts.users().page(&UserFilter::new().unconfirmed()).await.unwrap().items.is_empty());
    }

    /// M9: what an ordinary user could send to anyone.
    async fn mails_to_one_address_share_one_limit(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        // Links that confirm: many accounts, one recipient, in any spelling.
        for number in 0..12 {
            let name = ["mem", "max"][number % 2];
            let spelling = ["victim@example.com", "VICTIM@example.com", "\u{ff56}ictim@example.com"][number % 3];
            by(accounts, name).users().change(&user(name), to(spelling)).await.unwrap();
            fixture.mail_worker.deliver_due().await.unwrap();
        }
        assert_eq!(fixture.mails().len(), 5);
        // Notices: only a confirmed address gets any, and not without end.
        for number in 0..30 {
            fixture.passwords.set(&user("mem"), &password(&format!("Looking-Glass-{number}")), Actor::user("mem", None), deadline()).await.unwrap();
        }
        fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!(fixture.mails().len(), 5, "none to an address that is not confirmed");
        accounts.users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        for number in 0..30 {
            fixture.passwords.set(&user("mem"), &password(&format!("Through-it-{number}")), Actor::user("mem", None), deadline()).await.unwrap();
        }
        fixture.mail_worker.deliver_due().await.unwrap();
        assert_eq!(fixture.mails().len(), 25);
        // Greetings by a sub-admin.
        for number in 0..10 {
            let sent = by(accounts, "sam").outbox().welcome(&user("mem"), true).await;
            assert_eq!(sent.is_ok(), number < 5, "{number}: {sent:?}");
        }
        assert_eq!(accounts.outbox().waiting().await.unwrap(), 5);
        // The next day it is as before.
        fixture.clock.advance(Duration::from_secs(24 * 3600));
        by(accounts, "sam").outbox().welcome(&user("mem"), true).await.unwrap();
    }

    async fn mails_caused_by_a_user_are_limited_except_administrators(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        let waiting = || async { accounts.outbox().waiting().await.unwrap() };
        for number in 0..30 {
            by(accounts, "mem").users().change(&user("mem"), to(&format!("victim{number}@example.com"))).await.unwrap();
            fixture.mail_worker.deliver_due().await.unwrap();
        }
        assert_eq!(fixture.mails().len(), 20);
        for number in 0..210 {
            let new = NewUser::new(user(&format!("new{number:03}"))).group(group("staff"));
            accounts.users().create(new.email(address(&format!("new{number:03}@example.com")))).await.unwrap();
            let sent = by(accounts, "sam").outbox().welcome(&user(&format!("new{number:03}")), true).await;
            assert_eq!(sent.is_ok(), number < 200, "{number}: {sent:?}");
        }
        assert_eq!(waiting().await, 200);
        by(accounts, "root").outbox().welcome(&user("new209"), true).await.unwrap();
        accounts.outbox().welcome(&user("new208"), true).await.unwrap();
        assert_eq!(waiting().await, 202);
    }

    /// A flood of one class keeps no mail of another from anyone.
    async fn full_class_leaves_room_for_the_others(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        accounts.users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        fixture.mail_worker.deliver_due().await.unwrap();
        let rows = if db.is_sqlite() {
            "INSERT INTO outbox (kind, subject, created_at, due_at) WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
             SELECT 'welcome', 'nobody', 1700000000000, 1700000000000 FROM n"
        } else {
            "INSERT INTO outbox (kind, subject, created_at, due_at) SELECT 'welcome', 'nobody', 1700000000000, 1700000000000 FROM generate_series(1, 10000)"
        };
        db.raw(rows).await.unwrap();
        assert!(matches!(accounts.outbox().welcome(&user("mem"), false).await, Err(AccountsError::Full)));
        fixture.reset.request("mem", None).await.unwrap();
        fixture.passwords.set(&user("mem"), &password("Looking-Glass"), Actor::user("mem", None), deadline()).await.unwrap();
        assert_eq!(accounts.outbox().waiting().await.unwrap(), 10_002);
    }

    /// Not even where the server takes none of the others and never answers.
    async fn flood_of_other_mails_holds_up_no_reset_link(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        for number in 0..50 {
            let id = user(&format!("new{number}"));
            accounts.users().create(NewUser::new(id.clone()).email(address(&format!("new{number}@example.com")))).await.unwrap();
            accounts.outbox().welcome(&id, true).await.unwrap();
        }
        accounts.users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        fixture.reset.request("mem", None).await.unwrap();
        let transport = Arc::new(TakesResetsOnly::default());
        let base = BaseUrl::parse("https://cloud.example.com/").unwrap();
        let worker = MailWorker::new(accounts.clone(), transport.clone(), base, "Cloud", &ResetSettings::default());
        tokio::select! {
            () = worker.work(std::future::pending()) => panic!("it never ends"),
            () = transport.0.notified() => {}
        }
        assert_eq!(accounts.outbox().waiting().await.unwrap(), 51);
    }

    async fn welcome_link_lives_a_week_and_confirms_the_address(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        let anna = NewUser::new(user("anna")).group(group("staff")).email(address("anna@example.com"));
        by(accounts, "sam").users().create(anna).await.unwrap();
        assert_eq!(accounts.outbox().waiting().await.unwrap(), 0, "the greeting confirms the address");
        by(accounts, "sam").outbox().welcome(&user("anna"), true).await.unwrap();
        fixture.mail_worker.deliver_due().await.unwrap();
        let token = fixture.tokens().pop().unwrap();
        fixture.clock.advance(Duration::from_secs(7 * 24 * 3600 - 1));
        assert!(fixture.reset.inspect(&token, None).await.unwrap().is_welcome);
        // Until then the address signs in nowhere and resets nothing.
        assert!(accounts.users().owner_of_address(&address("anna@example.com")).await.unwrap().is_none());
        assert!(!is_reset_to(&fixture, "anna", "anna@example.com").await);
        fixture.reset.redeem(&token, &password("Looking-Glass"), None, deadline()).await.unwrap();
        assert_eq!(addresses(&fixture, "anna").await, pair("anna@example.com", Some("anna@example.com")));
        fixture.clock.advance(Duration::from_secs(24 * 3600));
        accounts.outbox().welcome(&user("anna"), true).await.unwrap();
        fixture.mail_worker.deliver_due().await.unwrap();
        let token = fixture.tokens().pop().unwrap();
        fixture.clock.advance(Duration::from_secs(7 * 24 * 3600));
        assert!(fixture.reset.inspect(&token, None).await.is_err());
    }

    /// The greeting goes to the address that the account had when it was wanted, or to none.
    async fn welcome_follows_no_later_address(db) {
        let fixture = site(db).await;
        let accounts = &fixture.accounts;
        let anna = NewUser::new(user("anna")).group(group("staff")).email(address("anna@example.com"));
        by(accounts, "sam").users().create(anna).await.unwrap();
        by(accounts, "root").outbox().welcome(&user("anna"), true).await.unwrap();
        by(accounts, "sam").users().change(&user("anna"), to("sam@evil.example")).await.unwrap();
        assert!(mails(&fixture).await.iter().all(|(subject, _)| !subject.starts_with("Welcome")));
    }

    async fn wrong_confirmation_links_are_limited_with_wrong_reset_links(db) {
        let fixture = site(db).await;
        by(&fixture.accounts, "mem").users().change(&user("mem"), to("mem@example.com")).await.unwrap();
        let (token, _) = links(&fixture).await.pop().unwrap();
        for number in 0..10 {
            let wrong = format!("{number:0>43}");
            if number % 2 == 0 {
                assert!(matches!(confirmation(&fixture).inspect(&wrong, ip("192.0.2.1")).await, Err(ConfirmError::Invalid)));
            } else {
                assert!(fixture.reset.inspect(&wrong, ip("192.0.2.1")).await.is_err());
            }
        }
        assert!(matches!(confirmation(&fixture).confirm(&token, ip("192.0.2.1")).await, Err(ConfirmError::Throttled { .. })));
        confirmation(&fixture).confirm(&token, ip("192.0.2.2")).await.unwrap();
        // A link for one purpose does not work for another.
        let reset = { fixture.reset.request("mem", None).await.unwrap(); fixture.mail_worker.deliver_due().await.unwrap(); fixture.tokens().pop().unwrap() };
        assert!(matches!(confirmation(&fixture).confirm(&reset, None).await, Err(ConfirmError::Invalid)));
        by(&fixture.accounts, "mem").users().change(&user("mem"), to("other@example.com")).await.unwrap();
        let (token, _) = links(&fixture).await.pop().unwrap();
        assert!(fixture.reset.inspect(&token, None).await.is_err());
    }
}

on_both! {
    /// Addresses of one user count as confirmed.
    ///
    /// Those of several users, and those that are another's id, do not.
    async fn upgrade_confirms_addresses_of_one_user(db) {
        db.of_schema(8, &[
            ("alone", Some("alone@example.com")),
            ("twin1", Some("twins@example.com")),
            ("twin2", Some("twins@example.com")),
            ("thief", Some("boss@example.com")),
            ("boss@example.com", None),
            ("own@example.com", Some("own@example.com")),
            ("none", None),
            ("wide1", Some("\u{ff41}lone@example.com")),
            ("wide2", Some("\u{ff57}ide@example.com")),
            ("idn1", Some("zoe@b\u{fc}cher.example")),
            ("idn2", Some("zoe@xn--bcher-kva.example")),
            ("umlaut1", Some("z\u{f6}e@example.com")),
            ("umlaut2", Some("zo\u{308}e@example.com")),
        ]).await;
        let accounts = db.open().await;
        let unconfirmed = accounts.users().page(&UserFilter::new().unconfirmed()).await.unwrap();
        let unconfirmed: Vec<_> = unconfirmed.items.iter().map(|user| user.id.to_string()).collect();
        assert_eq!(unconfirmed, ["idn1", "thief", "twin1", "twin2", "umlaut1", "umlaut2", "wide1"]);
        for (text, owner) in [
            ("alone@example.com", Some("alone")), ("twins@example.com", None), ("boss@example.com", None),
            ("own@example.com", Some("own@example.com")), ("wide@example.com", Some("wide2")), ("zoe@b\u{fc}cher.example", Some("idn2")),
        ] {
            let found = accounts.users().owner_of_address(&address(text)).await.unwrap();
            assert_eq!(found.map(|user| user.id.to_string()).as_deref(), owner, "{text}");
        }
        accounts.close().await;
        assert_eq!(db.number("SELECT COUNT(*) FROM users WHERE confirmed_by = 'other'").await, 4);
    }
}
