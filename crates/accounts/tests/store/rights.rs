//! Rights: checked in the transaction that uses them, and what ends with a promotion.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use accounts::{
    AccountsError, ActingAccounts, Actor, GroupId, NewUser, ResetSettings, SetError, SourceNetworks,
    StoredHash, TokenHash, TokenScopes, UsedCredential, UserChange, UserFilter, UserId,
};
use user_backend::BackendId;
use user_backend::resolver::PinStore as _;

use crate::fixture::{ALICE, Fixture, deadline, password};
use crate::test_db::{TestDb, group, on_both, user};

/// How often the race is run.
const ROUNDS: usize = 200;

/// `root` is an administrator; `sam` administers `staff`, with `mem` and `sid`.
///
/// `sid` administers `board`, with `other`.
async fn site(accounts: &ActingAccounts) {
    for id in ["staff", "board"] {
        accounts.groups().create(&group(id), None).await.unwrap();
    }
    for new in [
        NewUser::new(user("root")).group(GroupId::admin()),
        NewUser::new(user("sam")).subadmin_of(group("staff")),
        NewUser::new(user("sid")).group(group("staff")).subadmin_of(group("board")),
        NewUser::new(user("mem")).group(group("staff")).email("mem@example.com".parse().unwrap()),
        NewUser::new(user("other")).group(group("board")).email("other@example.com".parse().unwrap()),
    ] {
        accounts.users().create(new).await.unwrap();
    }
}

fn by(accounts: &ActingAccounts, name: &str) -> ActingAccounts {
    accounts.on_behalf_of(Actor::user(name, None))
}

/// Whether the actor was let through to what the change finds.
async fn allowed<T>(change: impl Future<Output = Result<T, AccountsError>>) -> bool {
    match change.await {
        Err(AccountsError::Forbidden { .. }) => false,
        Ok(_) | Err(AccountsError::Invalid { .. } | AccountsError::NotFound { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

/// Everything of a user that a rise in rights ends.
///
/// App passwords, sessions, whether a reset link works.
async fn credentials(accounts: &ActingAccounts, name: &str) -> (usize, u64, i64) {
    let id = user(name);
    let app_passwords = accounts.app_passwords().list(&id).await.unwrap().len();
    let there = accounts.reset_tokens().void(&id).await.unwrap();
    (app_passwords, accounts.sessions().count(&id).await.unwrap(), i64::from(there))
}

async fn give_credentials(accounts: &ActingAccounts, name: &str) {
    let id = user(name);
    accounts.app_passwords().create(&id, "phone", None).await.unwrap();
    accounts.sessions().begin(Some(&id), Duration::from_secs(60), b"").await.unwrap();
    accounts.reset_tokens().issue(&id, "reset", Duration::from_secs(60)).await.unwrap();
}

/// The rows of the table "When app passwords end" in the docs, without its head.
fn table_of_endings() -> Vec<Vec<&'static str>> {
    let (_, part) =
        include_str!("../../../../docs/login.md").split_once("### When app passwords end").unwrap();
    let lines =
        part.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// Whether sessions and reset links, and app passwords, are gone after what begins a row.
fn ending(row: &str) -> [bool; 2] {
    let table = table_of_endings();
    let cells =
        table.iter().find(|cells| cells[0].starts_with(row)).unwrap_or_else(|| panic!("no row: {row}"));
    [cells[1], cells[2]].map(|cell| cell == "end" || cell.starts_with("end;"))
}

/// Lines of the audit log about a user's credentials, with who and why.
async fn ended(accounts: &ActingAccounts, name: &str) -> Vec<(String, String)> {
    let lines = accounts.audit().after(0, 1000, Some(name)).await.unwrap();
    let ended = lines.into_iter().filter(|line| line.action == "credentials.ended");
    ended.map(|line| (line.actor, line.detail.unwrap_or_default())).collect()
}

/// Sets passwords like an endpoint, which checks the right first, until it is refused.
async fn keep_setting(fixture: Arc<Fixture>, id: String, number: usize, stop: Arc<AtomicBool>) {
    let accounts = &fixture.accounts;
    for round in 0.. {
        let sam = accounts.users().permissions(&user("sam")).await.unwrap();
        let target = accounts.users().details(&user(&id)).await.unwrap();
        if !sam.is_over(&target.groups, &target.subadmin_of) || stop.load(Ordering::Relaxed) {
            return;
        }
        let text = password(&format!("Looking-Glass-{number}-{round}"));
        match fixture.passwords.set(&user(&id), &text, Actor::user("sam", None), deadline()).await {
            Ok(()) | Err(SetError::Store(AccountsError::Stale { .. })) => {}
            Err(SetError::Store(AccountsError::Forbidden { .. })) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

/// Whether a sub-admin set the password of a user who already was an administrator.
async fn lost_the_race(fixture: &Arc<Fixture>, number: usize) -> bool {
    let id = format!("mem{number}");
    fixture.add(NewUser::new(user(&id)).group(group("staff")), ALICE).await;
    let stop = Arc::new(AtomicBool::new(false));
    let loops: Vec<_> = (0..3)
        .map(|number| tokio::spawn(keep_setting(fixture.clone(), id.clone(), number, stop.clone())))
        .collect();
    // The time for about one password, so that some are on their way.
    tokio::time::sleep(Duration::from_millis(5 + number as u64 % 20)).await;
    by(&fixture.accounts, "root").groups().add_member(&GroupId::admin(), &user(&id)).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    for one in loops {
        one.await.unwrap();
    }
    let lines = fixture.accounts.audit().after(0, 1000, Some(&id)).await.unwrap();
    let risen =
        lines.iter().position(|line| line.detail.as_deref() == Some("joined the group admin")).unwrap();
    lines[risen..].iter().any(|line| line.action == "password.changed")
}

on_both! {
    async fn change_with_an_ended_credential_is_refused(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        let sam = user("sam");
        let hour = Duration::from_secs(3600);
        let end = |change: &'static str| {
            let (accounts, sam) = (accounts.clone(), sam.clone());
            async move {
                match change {
                    "password" => accounts.passwords().set(&sam, &StoredHash::new("new")).await.unwrap(),
                    "disabled" => drop(accounts.users().set_enabled(&sam, false).await.unwrap()),
                    "revoked" => drop(accounts.app_passwords().revoke_all(&sam).await.unwrap()),
                    "wiped" => drop(accounts.app_passwords().wipe(&sam).await.unwrap()),
                    "signed out" => drop(accounts.sessions().end_all(&sam, None).await.unwrap()),
                    "promoted" => drop(accounts.groups().add_member(&GroupId::admin(), &sam).await.unwrap()),
                    "expired" => db.clock.advance(hour),
                    "deleted" => drop(accounts.users().delete(&sam).await.unwrap()),
                    other => panic!("{other}"),
                }
            }
        };
        for (kind, ends) in [
            ("password", &["password", "disabled", "wiped", "promoted", "deleted"][..]),
            ("app password", &["password", "disabled", "revoked", "wiped", "promoted", "expired", "deleted"]),
            ("service token", &["password", "disabled", "revoked", "wiped", "promoted", "expired", "deleted"]),
            ("session", &["password", "disabled", "signed out", "wiped", "promoted", "expired", "deleted"]),
        ] {
            for change in ends {
                let expires = Some(db.clock.now().after(hour));
                let credential = match kind {
                    "password" => UsedCredential::Password { before: accounts.credential_epoch().current().await.unwrap() },
                    "app password" => {
                        let (token, _) = accounts.app_passwords().create(&sam, "phone", expires).await.unwrap();
                        UsedCredential::AppPassword(token.hash())
                    }
                    "service token" => {
                        let scopes = TokenScopes::parse(["users:write"]).unwrap();
                        let networks = SourceNetworks::default();
                        let tokens = accounts.app_passwords();
                        let made = tokens.create_service_token(&sam, "job", scopes.clone(), networks, expires).await;
                        let token = made.unwrap().0.hash();
                        UsedCredential::ServiceToken { token, name: "job".to_owned(), scopes }
                    }
                    _ => {
                        let token = accounts.sessions().begin(Some(&sam), hour, b"").await.unwrap();
                        UsedCredential::Session(token.hash())
                    }
                };
                let acting = accounts.on_behalf_of(Actor::user("sam", None).signed_in(credential));
                let named = |name: &str| UserChange::new().display_name(Some(name.parse().unwrap()));
                acting.users().change(&user("mem"), named("before")).await.unwrap();
                end(change).await;
                let late = AccountsError::SignInEnded;
                let done = acting.users().change(&user("mem"), named("after")).await;
                assert_eq!(done.unwrap_err(), late, "{kind} {change}");
                assert_eq!(acting.users().change(&sam, named("after")).await.unwrap_err(), late, "{kind} {change}");
                assert_eq!(acting.groups().create(&group("new"), None).await.unwrap_err(), late, "{kind} {change}");
                let unknown = acting.users().change(&user("ghost"), named("after")).await;
                assert_eq!(unknown.unwrap_err(), late, "{kind} {change}: the error does not show who exists");
                let mem = accounts.users().get(&user("mem")).await.unwrap();
                assert_eq!(mem.display_name.as_deref(), Some("before"), "{kind} {change}");
                // As it was.
                if accounts.users().delete(&sam).await.is_ok() || *change == "deleted" {
                    accounts.users().create(NewUser::new(sam.clone()).subadmin_of(group("staff"))).await.unwrap();
                }
            }
        }
    }

    async fn service_token_changes_no_account_beyond_its_scopes(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        let by_token = |scopes: &[&str]| {
            let (accounts, scopes) = (accounts.clone(), TokenScopes::parse(scopes).unwrap());
            async move {
                let root = user("root");
                let made = accounts.app_passwords().create_service_token(
                    &root, "job", scopes.clone(), SourceNetworks::default(), None,
                );
                let token = made.await.unwrap().0.hash();
                let credential = UsedCredential::ServiceToken { token, name: "job".to_owned(), scopes };
                accounts.on_behalf_of(Actor::user("root", None).signed_in(credential))
            }
        };
        let (narrow, wide) = (by_token(&["users:credentials", "groups:write"]).await, by_token(&["admin"]).await);
        let missing = |needs| Err(AccountsError::ScopeMissing { needs });
        let (admin, groups) = (Some("admin"), Some("groups:write"));
        let address = UserChange::new().email(Some("new@example.com".parse().unwrap()));
        let named = UserChange::new().display_name(Some("X".parse().unwrap()));
        for acting in [&narrow, &wide] {
            // Its own owner, with any scopes.
            let root = user("root");
            assert_eq!(acting.passwords().set(&root, &StoredHash::new("x")).await, missing(None));
            assert_eq!(acting.users().change(&root, address.clone()).await.map(drop), missing(None));
            assert_eq!(acting.app_passwords().create(&root, "x", None).await.map(drop), missing(None));
            assert_eq!(acting.app_passwords().revoke_all(&root).await.map(drop), missing(None));
            assert_eq!(acting.sessions().end_all(&root, None).await.map(drop), missing(None));
            acting.users().change(&root, named.clone()).await.unwrap();
        }
        // A sub-admin takes the scope of administrators, also one who has just become one.
        for target in ["sid", "other"] {
            let target = user(target);
            if target == user("other") {
                narrow.passwords().set(&target, &StoredHash::new("x")).await.unwrap();
                accounts.groups().add_member(&GroupId::admin(), &target).await.unwrap();
            }
            assert_eq!(narrow.passwords().set(&target, &StoredHash::new("x")).await, missing(admin));
            assert_eq!(narrow.users().change(&target, address.clone()).await.map(drop), missing(admin));
            assert_eq!(narrow.users().set_enabled(&target, false).await.map(drop), missing(admin));
            assert_eq!(narrow.app_passwords().wipe(&target).await.map(drop), missing(admin));
            assert_eq!(narrow.users().delete(&target).await.map(drop), missing(admin));
            narrow.users().change(&target, named.clone()).await.unwrap();
            wide.users().set_enabled(&target, true).await.unwrap();
        }
        let (staff, mem) = (group("staff"), user("mem"));
        assert_eq!(narrow.groups().add_member(&GroupId::admin(), &mem).await, missing(admin).map(|()| true));
        assert_eq!(narrow.groups().remove_member(&GroupId::admin(), &user("other")).await, missing(admin).map(|()| true));
        assert_eq!(narrow.groups().add_subadmin(&staff, &mem).await, missing(admin).map(|()| true));
        assert_eq!(narrow.groups().remove_subadmin(&staff, &user("sam")).await, missing(admin).map(|()| true));
        // Deleting a group ends the rights of its sub-admins.
        assert_eq!(narrow.groups().delete(&staff).await, missing(admin));
        for acting in [&narrow, &wide] {
            accounts.groups().create(&group("plain"), None).await.unwrap();
            acting.groups().delete(&group("plain")).await.unwrap();
        }
        accounts.groups().create(&group("led"), None).await.unwrap();
        accounts.groups().add_subadmin(&group("led"), &user("sid")).await.unwrap();
        wide.groups().delete(&group("led")).await.unwrap();
        narrow.groups().remove_member(&staff, &mem).await.unwrap();
        narrow.groups().add_member(&staff, &mem).await.unwrap();
        // New users.
        for (new, needs) in [
            (NewUser::new(user("n1")).group(GroupId::admin()), [admin, groups]),
            (NewUser::new(user("n2")).subadmin_of(staff.clone()), [admin, None]),
            (NewUser::new(user("n3")).group(staff.clone()), [None, groups]),
            (NewUser::new(user("n4")), [None, None]),
        ] {
            for (acting, needs) in [&narrow, &wide].into_iter().zip(needs) {
                let made = acting.users().create(new.clone()).await;
                match needs {
                    Some(_) => assert_eq!(made.map(drop), missing(needs)),
                    None => drop(accounts.users().delete(&made.unwrap().id).await.unwrap()),
                }
            }
        }
    }

    async fn password_set_by_a_sub_admin_never_comes_after_the_promotion(db) {
        let fixture = Arc::new(Fixture::empty(db, r#"{"historySize": 0}"#, ResetSettings::default()).await);
        site(&fixture.accounts).await;
        let mut lost = 0;
        for number in 0..ROUNDS {
            lost += usize::from(lost_the_race(&fixture, number).await);
        }
        assert_eq!(lost, 0, "of {ROUNDS}");
    }

    async fn every_change_needs_a_right_of_the_actor(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        accounts.users().create(NewUser::new(user("gone")).group(GroupId::admin()).disabled()).await.unwrap();
        let mem = user("mem");
        let staff = group("staff");
        // Who may change mem, and who may administer everything: (actor, over mem, administrator).
        for (actor, over, admin) in [
            ("root", true, true), ("SAM", true, false), ("sid", false, false), ("other", false, false),
            ("ghost", false, false), ("gone", false, false), ("", false, false),
        ] {
            let acting = by(&accounts, actor);
            let new = NewUser::new(user(&format!("new{actor}"))).group(staff.clone());
            let promoted = new.clone().subadmin_of(group("board"));
            let hash = StoredHash::new("hash");
            let (users, groups) = (acting.users(), acting.groups());
            let change = || UserChange::new().display_name(Some("Mem".parse().unwrap()));
            for (what, expected, found) in [
                ("change", over, allowed(users.change(&mem, change())).await),
                ("disable", over, allowed(users.set_enabled(&mem, false)).await),
                ("enable", over, allowed(users.set_enabled(&mem, true)).await),
                ("password", over, allowed(acting.passwords().set(&mem, &hash)).await),
                ("wipe", over, allowed(acting.app_passwords().wipe(&mem)).await),
                ("revoke", over, allowed(acting.app_passwords().revoke_all(&mem)).await),
                ("app password", false, allowed(acting.app_passwords().create(&mem, "x", None)).await),
                ("sessions", over, allowed(acting.sessions().end_all(&mem, None)).await),
                ("one session", over, allowed(acting.sessions().end_of(&mem, &TokenHash::of("x"))).await),
                ("forget", admin, allowed(acting.credential_epoch().forget(mem.name())).await),
                ("release", admin, allowed(acting.failed_logins().reset("203.0.113.7".parse().unwrap())).await),
                ("rebind", admin, allowed(acting.pins().rebind(user("pinned").name(), None)).await),
                ("reset", over, allowed(acting.reset_tokens().issue(&mem, "welcome", Duration::from_secs(9))).await),
                ("welcome", over, allowed(acting.outbox().welcome(&mem, true)).await),
                ("leave", over, allowed(groups.remove_member(&staff, &mem)).await),
                ("invite", over, allowed(groups.add_any_user(&staff, &mem)).await),
                ("join", over, allowed(groups.add_member(&staff, &mem)).await),
                ("join board", admin, allowed(groups.add_member(&group("board"), &mem)).await),
                ("take in", admin, allowed(groups.add_member(&staff, &user("other"))).await),
                ("create", over, allowed(users.create(new)).await),
                ("promote", admin, allowed(groups.add_subadmin(&staff, &user("root"))).await),
                ("demote", admin, allowed(groups.remove_subadmin(&group("board"), &user("root"))).await),
                ("rename", admin, allowed(groups.rename(&staff, None)).await),
                ("app", admin, allowed(acting.apps().set_enabled("files", true)).await),
                ("value", admin, allowed(acting.apps().set_value("files", "x", "y")).await),
                ("no value", admin, allowed(acting.apps().delete_value("files", "x")).await),
            ] {
                assert_eq!(found, expected, "{actor}: {what}");
            }
            if !admin {
                assert!(!allowed(users.create(promoted)).await, "{actor}");
                assert!(!allowed(users.create(NewUser::new(user("none")))).await, "{actor}");
                assert!(!allowed(users.delete(&user("root"))).await, "{actor}");
            }
            // Back as it was.
            accounts.groups().add_member(&staff, &mem).await.unwrap();
            accounts.groups().remove_member(&group("board"), &mem).await.unwrap();
            accounts.groups().remove_member(&staff, &user("other")).await.unwrap();
        }
        let own = by(&accounts, "mem");
        assert!(allowed(own.app_passwords().create(&mem, "x", None)).await);
        assert!(!allowed(own.users().change(&mem, UserChange::new().quota(accounts::Quota::Unlimited))).await);
    }

    async fn sub_admins_have_no_rights_over_other_sub_admins(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        let is_over = async |target: &str| {
            let target = accounts.users().details(&user(target)).await.unwrap();
            let sam = accounts.users().permissions(&user("sam")).await.unwrap();
            sam.is_over(&target.groups, &target.subadmin_of)
        };
        assert!(is_over("mem").await);
        assert!(!is_over("sid").await, "sid administers board too");
        accounts.groups().add_subadmin(&group("board"), &user("sam")).await.unwrap();
        assert!(is_over("sid").await);
        accounts.groups().add_member(&GroupId::admin(), &user("sid")).await.unwrap();
        assert!(!is_over("sid").await);
    }

    async fn more_rights_end_what_was_made_before(db) {
        let accounts = db.open().await.with_notices(true);
        site(&accounts).await;
        let hash = StoredHash::new("hash");
        let root = by(&accounts, "root");
        let (staff, mem) = (group("staff"), user("mem"));
        let waiting = async || accounts.outbox().waiting().await.unwrap();
        let mut reasons = Vec::new();
        for (reason, step) in [
            ("became a sub-admin of staff", 0), ("joined the group admin", 1), ("password set by another person", 2),
        ] {
            give_credentials(&accounts, "mem").await;
            let (seen, mails) = (accounts.credential_epoch().current().await.unwrap(), waiting().await);
            match step {
                0 => drop(root.groups().add_subadmin(&staff, &mem).await.unwrap()),
                1 => drop(root.groups().add_member(&GroupId::admin(), &mem).await.unwrap()),
                _ => root.passwords().set(&mem, &hash).await.unwrap(),
            }
            assert_eq!(credentials(&accounts, "mem").await, (0, 0, 0), "{reason}");
            assert!(accounts.credential_epoch().current().await.unwrap() > seen, "{reason}");
            assert_eq!(waiting().await, mails + 1, "{reason}");
            reasons.push(("root".to_owned(), reason.to_owned()));
            assert_eq!(ended(&accounts, "mem").await, reasons);
        }
        // What gives an administrator nothing new ends nothing, nor does the password that the
        // owner sets.
        give_credentials(&accounts, "mem").await;
        root.groups().add_member(&GroupId::admin(), &mem).await.unwrap();
        root.groups().add_subadmin(&group("board"), &mem).await.unwrap();
        assert_eq!(credentials(&accounts, "mem").await, (1, 1, 1));
        by(&accounts, "mem").passwords().set(&mem, &hash).await.unwrap();
        assert_eq!(credentials(&accounts, "mem").await, (1, 0, 0));
        assert_eq!(ended(&accounts, "mem").await, reasons);
        assert_eq!(ended(&accounts, "root").await, [], "created as an administrator");
        // A device that is to be wiped still gets that request.
        give_credentials(&accounts, "other").await;
        accounts.app_passwords().wipe(&user("other")).await.unwrap();
        root.groups().add_member(&GroupId::admin(), &user("other")).await.unwrap();
        assert_eq!(credentials(&accounts, "other").await.0, 1);
    }

    async fn credentials_end_as_the_table_in_the_docs_says(db) {
        let fixture = Fixture::empty(db, r#"{"historySize": 0}"#, ResetSettings::default()).await;
        let (accounts, root) = (&fixture.accounts, by(&fixture.accounts, "root"));
        site(accounts).await;
        let set = async |id: &UserId, actor: &str| {
            let text = password(&format!("Looking-Glass-{id}-{actor}"));
            fixture.passwords.set(id, &text, Actor::user(actor, None), deadline()).await.unwrap();
        };
        let mail = BackendId::parse("mail").unwrap();
        let mut rows = Vec::new();
        for (row, steps) in [
            ("the owner sets a new password", &["own password"][..]),
            ("someone else sets the password", &["password"]),
            ("the password is set through a reset link", &["link"]),
            ("the user joins `admin`, or becomes a sub-admin", &["admin", "sub-admin"]),
            ("the account is given to another backend, or to none", &["rebound", "unbound", "taken over"]),
            ("the user is disabled", &["disabled"]),
        ] {
            let [ends, app_passwords_end] = ending(row);
            rows.push(row);
            for step in steps {
                let id = user(&format!("user-{}", step.replace(' ', "-")));
                let address = format!("{id}@example.com").parse().unwrap();
                let new = NewUser::new(id.clone()).email(address).password(StoredHash::new("x"));
                accounts.users().create(new).await.unwrap();
                if *step == "taken over" {
                    // What was made while the name belonged to no backend.
                    accounts.pins().rebind(id.name(), None).await.unwrap();
                }
                give_credentials(accounts, id.as_str()).await;
                let app = accounts.app_passwords().create(&id, "phone", None).await.unwrap().0.hash();
                match *step {
                    "own password" => set(&id, id.as_str()).await,
                    "password" => set(&id, "root").await,
                    "link" => {
                        let (link, _) = accounts.reset_tokens().issue(&id, "reset", Duration::from_secs(60)).await.unwrap();
                        drop(accounts.reset_tokens().redeem(&link.hash(), &StoredHash::new("new")).await.unwrap());
                    }
                    "admin" => drop(root.groups().add_member(&GroupId::admin(), &id).await.unwrap()),
                    "sub-admin" => drop(root.groups().add_subadmin(&group("staff"), &id).await.unwrap()),
                    "rebound" => drop(root.pins().rebind(id.name(), Some(&mail)).await.unwrap()),
                    "unbound" => drop(root.pins().rebind(id.name(), None).await.unwrap()),
                    "taken over" => drop(accounts.pin_store().bind(id.name(), &mail, None).await.unwrap()),
                    "disabled" => drop(root.users().set_enabled(&id, false).await.unwrap()),
                    other => panic!("{other}"),
                }
                let found = accounts.app_passwords().find(&app).await.unwrap();
                let refused = found.is_none_or(|(user, _)| !user.enabled);
                let left = credentials(accounts, id.as_str()).await;
                assert_eq!((left.1, left.2), if ends { (0, 0) } else { (1, 1) }, "{step}");
                assert_eq!((refused, left.0 == 0), (true, app_passwords_end), "{step}");
                if app_passwords_end && *step != "own password" {
                    assert_eq!(ended(accounts, id.as_str()).await.len(), if *step == "taken over" { 2 } else { 1 }, "{step}");
                }
            }
        }
        assert_eq!(rows.len(), table_of_endings().len(), "rows of the table without a test");
    }

    async fn name_bound_again_keeps_the_sign_in_that_binds_it(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        let (mem, mail) = (user("mem"), BackendId::parse("mail").unwrap());
        accounts.pins().rebind(mem.name(), None).await.unwrap();
        let before = accounts.credential_epoch().current().await.unwrap();
        accounts.pin_store().bind(mem.name(), &mail, None).await.unwrap();
        assert_eq!(accounts.users().get(&mem).await.unwrap().backend, mail);
        accounts.sessions().begin_after(&mem, before, Duration::from_secs(60), b"").await.unwrap();
    }

    async fn search_of_a_sub_admin_looks_at_what_they_may_see(db) {
        let accounts = db.open().await;
        site(&accounts).await;
        for (id, first) in [("boss", Some(GroupId::admin())), ("plain", None)] {
            let mut new = NewUser::new(user(id)).group(group("staff"));
            new = new.display_name(format!("Called {id}").parse().unwrap());
            new = new.email(format!("{id}-4711@example.com").parse().unwrap());
            accounts.users().create(first.into_iter().fold(new, NewUser::group)).await.unwrap();
        }
        accounts.users().change(&user("sid"), UserChange::new().email(Some("sid-4711@example.com".parse().unwrap())))
            .await.unwrap();
        let seen = async |text: &str| {
            let all = UserFilter::new().search(text);
            let both = [all.clone().group(group("staff")), all.in_any_group([group("staff"), group("nosuch")])];
            let [one, other] = both.map(|filter| filter.seen_by(user("sam"), [group("staff")]));
            let ids = async |filter: &UserFilter| -> Vec<String> {
                let (page, total) = accounts.users().page_and_total(filter).await.unwrap();
                assert_eq!(page.items.len() as u64, total);
                page.items.iter().map(|user| user.id.as_str().to_owned()).collect()
            };
            let found = ids(&one).await;
            assert_eq!(found, ids(&other).await);
            found
        };
        for text in ["4711", "47", "plain-4711@example.com"] {
            assert_eq!(seen(text).await, ["plain"], "{text}");
        }
        assert_eq!(seen("called").await, ["plain"]);
        assert_eq!(seen("boss").await, ["boss"], "the id is in every list");
        assert_eq!(seen("sid").await, ["sid"]);
    }
}

/// Two sub-admins who act on each other do not wait for each other in a circle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mutual_concurrent_changes_finish() {
    let Some(db) = TestDb::postgres().await else { return };
    let accounts = db.open().await;
    accounts.groups().create(&group("staff"), None).await.unwrap();
    for id in ["one", "two"] {
        let new = NewUser::new(user(id)).group(group("staff")).subadmin_of(group("staff"));
        accounts.users().create(new).await.unwrap();
    }
    let both = [("one", "two"), ("two", "one")].map(|(actor, target)| {
        let acting = by(&accounts, actor);
        tokio::spawn(async move {
            for number in 0..100 {
                let name = format!("Name {number}").parse().unwrap();
                let change = UserChange::new().display_name(Some(name));
                acting.users().change(&user(target), change).await.unwrap();
            }
        })
    });
    for one in both {
        one.await.unwrap();
    }
    accounts.close().await;
    db.remove().await;
}
