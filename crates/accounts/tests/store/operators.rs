//! What operators look at: the audit log, failed sign-ins, the queue of mails, pins.

use std::time::Duration;

use accounts::{AuditFilter, EmailAddress, GroupId, KeepFailures, LoginEvent, NewUser, NextAttempt};
use user_backend::BackendId;
use user_backend::brute_force::{Certainty, SourceNet, SourceRateLimit};

use crate::test_db::{on_both, user};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

on_both! {
    async fn audit_log_is_searched_by_every_field(db) {
        let accounts = db.open().await;
        for id in ["alice", "bob"] {
            accounts.users().create(NewUser::new(user(id))).await.unwrap();
        }
        accounts.users().set_enabled(&user("bob"), false).await.unwrap();
        accounts.groups().create(&GroupId::parse("bob").unwrap(), None).await.unwrap();
        let audit = accounts.audit();
        let found = async |filter: AuditFilter, limit: u32| -> Vec<String> {
            let lines = audit.search(&filter, limit).await.unwrap();
            lines.into_iter().map(|line| format!("{} {}", line.action, line.target)).collect()
        };
        let all = found(AuditFilter::default(), 100).await;
        assert_eq!(all, ["group.created bob", "user.disabled bob", "user.created bob", "user.created alice"]);
        let text = |text: &str| Some(text.to_owned());
        let of = |actor, action, target| AuditFilter { actor, action, target, before: None };
        assert_eq!(found(of(None, text("user"), text("bob")), 100).await, all[1..3]);
        assert_eq!(found(of(text("system"), text("user.created"), None), 1).await, all[2..3]);
        assert_eq!(found(of(text("alice"), None, None), 100).await, [""; 0]);
        for nothing in ["u%", "user_", "User", "' OR 1=1 --"] {
            assert_eq!(found(of(None, text(nothing), None), 100).await, [""; 0], "{nothing}");
        }
        let second = audit.search(&AuditFilter::default(), 2).await.unwrap()[1].seq;
        let older = AuditFilter { before: Some(second), ..AuditFilter::default() };
        assert_eq!(found(older, 100).await, all[2..]);
    }

    async fn sources_with_most_failures_come_first(db) {
        let accounts = db.open().await;
        let failures = accounts.failed_logins();
        let seen = accounts.credential_epoch().current().await.unwrap();
        let now = db.clock.now();
        let source = |text: &str| -> SourceNet { text.parse().unwrap() };
        let failed = |from: &str, minutes: u64| {
            let event = LoginEvent::SourceFailed(source(from), Certainty::Wrong);
            (event, now.before(Duration::from_secs(minutes * 60)))
        };
        let batch = [
            failed("203.0.113.7", 3), failed("203.0.113.9", 50), failed("203.0.113.9", 20), failed("203.0.113.9", 1),
            failed("2001:db8::1", 2), failed("203.0.113.9", 10),
        ];
        assert!(failures.record("one", seen, &batch, KeepFailures { sources: DAY, users: DAY }).await.unwrap());
        let not_before = now.before(Duration::from_secs(30 * 60));
        let found = failures.sources(not_before, 10).await.unwrap();
        let counts: Vec<_> = found.iter().map(|(source, at)| (source.to_string(), at.len())).collect();
        let expected = [("203.0.113.9", 3), ("2001:db8::/64", 1), ("203.0.113.7", 1)];
        assert_eq!(counts, expected.map(|(source, count)| (source.to_owned(), count)));
        assert!(found[0].1.is_sorted(), "oldest first");
        assert_eq!(failures.sources(not_before, 1).await.unwrap(), found[..1]);
        let mut limit = SourceRateLimit::default();
        limit.refuse_after = 3;
        assert!(NextAttempt::of(&limit, found[0].0, &found[0].1, now).refused);
        failures.reset(source("203.0.113.9")).await.unwrap();
        assert_eq!(failures.sources(not_before, 10).await.unwrap().len(), 2);
    }

    async fn queue_shows_what_waits_and_no_name(db) {
        let accounts = db.open().await;
        let address: EmailAddress = "alice@example.org".parse().unwrap();
        accounts.users().create(NewUser::new(user("alice")).email(address)).await.unwrap();
        assert_eq!(accounts.outbox().next(10).await.unwrap(), []);
        accounts.outbox().welcome(&user("alice"), false).await.unwrap();
        let waiting = accounts.outbox().next(10).await.unwrap();
        assert_eq!((waiting.len(), waiting[0].kind.as_str(), waiting[0].attempts), (1, "welcome", 0));
        assert!(!format!("{waiting:?}").contains("alice"), "{waiting:?}");
        assert_eq!(accounts.outbox().next(0).await.unwrap(), []);
    }

    async fn pin_of_one_name_is_found(db) {
        let accounts = db.open().await;
        let mail = BackendId::parse("mail").unwrap();
        accounts.pins().rebind(user("alice").name(), Some(&mail)).await.unwrap();
        let found = accounts.pins().find(user("alice").name()).await.unwrap().unwrap();
        assert_eq!((found.name.as_str(), found.backend.as_str()), ("alice", "mail"));
        assert_eq!(accounts.pins().find(user("alic").name()).await.unwrap(), None);
    }

    async fn one_session_of_its_owner_is_ended(db) {
        let accounts = db.open().await;
        for id in ["alice", "bob"] {
            accounts.users().create(NewUser::new(user(id))).await.unwrap();
        }
        let begin = async |id: &str| accounts.sessions().begin(Some(&user(id)), DAY, b"").await.unwrap().hash();
        let (first, second, other) = (begin("alice").await, begin("alice").await, begin("bob").await);
        assert!(!accounts.sessions().end_of(&user("alice"), &other).await.unwrap(), "a session of another user");
        assert!(accounts.sessions().end_of(&user("alice"), &first).await.unwrap());
        assert!(!accounts.sessions().end_of(&user("alice"), &first).await.unwrap());
        let left: Vec<_> = accounts.sessions().list(&user("alice")).await.unwrap().into_iter().map(|(token, _)| token).collect();
        assert_eq!(left, [second]);
        assert_eq!(accounts.sessions().count(&user("bob")).await.unwrap(), 1);
    }
}
