//! Attempts restricted to one backend.
//!
//! What they may be answered from, and what they share with all others.

use super::*;

fn id(id: &str) -> BackendId {
    BackendId::parse(id).unwrap()
}

async fn sign_in_at(resolver: &Resolver, backend: &str, name: &str, password: &str) -> TracedOutcome {
    resolver.authenticate(Credentials::new(name, password).only_backend(&id(backend))).await
}

/// The backends `mail` and `files`, in this order.
fn both(mail: &SwitchedServer, files: &SwitchedServer, change: impl Fn(&mut BackendPolicy)) -> Resolver {
    let slot = |server: &SwitchedServer| (Arc::new(server.clone()), policy(&change));
    let builder =
        [mail, files].map(slot).into_iter().fold(Resolver::builder(), |builder, (server, policy)| {
            builder.backend_with(server, policy, DomainRules::none())
        });
    builder.build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn restricted_attempt_asks_no_other_backend() {
    let (mail, files) =
        (SwitchedServer::new("mail").with("alice", "a"), SwitchedServer::new("files").with("alice", "a"));
    let resolver = both(&mail, &files, |_| {});
    let answer = sign_in_at(&resolver, "files", "alice", "a").await;
    assert_eq!(accepted_by(&answer), Some("files"));
    assert_eq!((mail.seen().len(), files.seen().len()), (0, 1));
    let steps: Vec<_> = answer.trace.steps.iter().map(|step| step.verdict).collect();
    assert_eq!(steps, [StepOutcome::Skipped, StepOutcome::Accepted]);
    let again = sign_in_at(&resolver, "files", "alice", "a").await;
    assert_eq!((accepted_by(&again), again.trace.ended_by), (Some("files"), EndReason::CachedAcceptance));
    assert_eq!(files.seen().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn restricted_attempt_ignores_what_excluded_backends_answered() {
    let (mail, files) =
        (SwitchedServer::new("mail").with("alice", "a"), SwitchedServer::new("files").with("bob", "b"));
    let resolver = both(&mail, &files, |policy| policy.max_stale = Some(Duration::from_secs(3600)));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    // The name belongs to a backend that may not be asked: no decision, from memory or otherwise.
    let restricted = sign_in_at(&resolver, "files", "alice", "a").await;
    assert!(matches!(restricted.outcome, Outcome::Unavailable { .. }), "{:?}", restricted.outcome);
    assert_eq!((restricted.trace.ended_by, files.seen().len()), (EndReason::OwnerMissing, 0));
    // An earlier yes that only counts during outages does not count either.
    mail.down(true);
    tokio::time::advance(Duration::from_secs(600)).await;
    assert_eq!(sign_in_at(&resolver, "files", "alice", "a").await.authenticated(), None);
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::Grace);
}

#[tokio::test(start_paused = true)]
async fn refusal_is_remembered_for_its_own_restriction_only() {
    let (mail, files) =
        (SwitchedServer::new("mail").with("alice", "a"), SwitchedServer::new("files").with("bob", "b"));
    let resolver = both(&mail, &files, |policy| policy.on_reject = OnReject::Stop);
    let refused = Outcome::Refused(Rejection::BadCredentials);
    assert_eq!(sign_in_at(&resolver, "files", "alice", "a").await.outcome, refused);
    assert_eq!(sign_in_at(&resolver, "files", "alice", "a").await.trace.ended_by, EndReason::CachedRefusal);
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    // The other way round: `mail` ends the chain with its refusal, `files` would have accepted.
    assert_eq!(sign_in(&resolver, "bob", "b").await.outcome, refused);
    assert_eq!(accepted_by(&sign_in_at(&resolver, "files", "bob", "b").await), Some("files"));
}

#[tokio::test(start_paused = true)]
async fn refusal_ends_acceptances_of_the_same_backend() {
    let mail = SwitchedServer::new("mail").with("alice", "a");
    let resolver = mail.alone(BackendPolicy::default());
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    mail.set("alice", "new");
    assert_eq!(sign_in_at(&resolver, "mail", "alice", "a").await.authenticated(), None);
    assert_eq!(sign_in(&resolver, "alice", "a").await.authenticated(), None);
    assert_eq!(accepted_by(&sign_in_at(&resolver, "mail", "alice", "new").await), Some("mail"));
    mail.set("alice", "newest");
    assert_eq!(sign_in(&resolver, "alice", "new").await.authenticated(), None);
    assert_eq!(sign_in_at(&resolver, "mail", "alice", "new").await.authenticated(), None);
}

#[tokio::test(start_paused = true)]
async fn restricted_refusal_keeps_acceptances_of_other_backends() {
    let (mail, files) = (SwitchedServer::new("mail").with("alice", "a"), SwitchedServer::new("files"));
    let [of_mail, of_files] =
        ["mail.example", "files.example"].map(|domain| DomainRules::for_domain(domain).unwrap());
    let resolver = Resolver::builder()
        .backend_with(Arc::new(mail.clone()), BackendPolicy::default(), of_mail)
        .backend_with(Arc::new(files.clone()), BackendPolicy::default(), of_files)
        .build()
        .unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    // There the name is another user's.
    let refused = Outcome::Refused(Rejection::BadCredentials);
    assert_eq!(sign_in_at(&resolver, "files", "alice", "a").await.outcome, refused);
    assert_eq!(sign_in(&resolver, "alice", "a").await.trace.ended_by, EndReason::CachedAcceptance);
}

#[tokio::test(start_paused = true)]
async fn attempts_with_different_restrictions_share_no_flight() {
    let (gate, arrived) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let slow = Gated {
        id: id("slow"),
        gate: Arc::clone(&gate),
        arrived: Arc::clone(&arrived),
        panics: Mutex::default(),
    };
    let files = SwitchedServer::new("files");
    let resolver = Resolver::builder().backend(slow).backend(files.clone()).build().unwrap();
    let ask = |only: Option<&'static str>| {
        let resolver = resolver.clone();
        tokio::spawn(async move {
            match only {
                Some(only) => sign_in_at(&resolver, only, "alice", "a").await,
                None => sign_in(&resolver, "alice", "a").await,
            }
        })
    };
    let all = ask(None);
    arrived.acquire().await.unwrap().forget();
    // Not held up by the attempt that waits, and not answered by it.
    let refused = Outcome::Refused(Rejection::BadCredentials);
    assert_eq!(ask(Some("files")).await.unwrap().outcome, refused);
    assert_eq!(resolver.pressure().under_way, 1);
    // Attempts with the same restriction do share one.
    let same = [ask(Some("slow")), ask(Some("slow"))];
    arrived.acquire().await.unwrap().forget();
    assert_eq!(resolver.pressure().under_way, 2);
    gate.add_permits(2);
    for answer in same {
        assert_eq!(accepted_by(&answer.await.unwrap()), Some("slow"));
    }
    assert_eq!(accepted_by(&all.await.unwrap()), Some("slow"));
    assert_eq!(arrived.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn limits_count_restricted_and_unrestricted_failures_together() {
    let (mail, files) = (SwitchedServer::new("mail"), SwitchedServer::new("files").with("alice", "a"));
    let resolver = both(&mail, &files, |_| {});
    let from = "203.0.113.7".parse().unwrap();
    for guess in ["1", "2", "3", "4"] {
        let only = id("files");
        let guess = Credentials::new("alice", guess).from_source(from).only_backend(&only);
        assert!(matches!(resolver.authenticate(guess).await.outcome, Outcome::Refused(_)));
    }
    let pressure = resolver.pressure();
    assert_eq!((pressure.throttled_places, pressure.locked_users), (1, 1));
    // The limit of this user is reached, also for restricted guesses.
    let answer = sign_in(&resolver, "alice", "5").await;
    assert_eq!(answer.trace.ended_by, EndReason::UserLocked, "{}", answer.trace);
    assert_eq!((mail.seen().len(), files.seen().len()), (0, 4));
    resolver.forgive(SourceNet::of(from));
    resolver.unlock(&CanonicalName::parse("alice").unwrap());
    let pressure = resolver.pressure();
    assert_eq!((pressure.throttled_places, pressure.locked_users), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn distrusted_backend_is_not_asked_by_restricted_attempts() {
    let resolver = Resolver::builder().backend(OpenDoor(id("open"))).build().unwrap();
    assert_eq!(resolver.canary().await, [(id("open"), Canary::AcceptsAnyLogin)]);
    let answer = sign_in_at(&resolver, "open", "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{:?}", answer.outcome);
}

#[tokio::test(start_paused = true)]
async fn restriction_to_a_missing_backend_decides_nothing() {
    let mail = SwitchedServer::new("mail").with("alice", "a");
    let resolver = mail.alone(BackendPolicy::default());
    let answer = sign_in_at(&resolver, "files", "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }), "{:?}", answer.outcome);
    assert_eq!(answer.trace.note.as_deref(), Some("there is no backend \"files\""));
    assert_eq!(mail.seen().len(), 0);
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
}
