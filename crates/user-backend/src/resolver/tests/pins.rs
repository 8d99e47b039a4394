//! Pins: which backend owns which name.

use super::*;

#[tokio::test]
async fn backend_cannot_take_over_a_pinned_user() {
    let mail = watch(people("mail").with_user("alice", "mail-password"));
    let files = watch(people("files").with_user("alice", "files-password").with_user("bob", "b"));
    let resolver = chain([mail.clone(), files.clone()].map(|backend| (backend, BackendPolicy::default())));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "mail-password").await), Some("mail"));
    // An account of the same name elsewhere opens nothing, and is not even asked.
    let answer = sign_in(&resolver, "alice", "files-password").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(files.attempts(), 0);
    // An unknown user passes the whole chain and stays where they were accepted.
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "b").await), Some("files"));
    let asked = mail.attempts();
    assert!(sign_in(&resolver, "bob", "x").await.authenticated().is_none());
    assert_eq!(mail.attempts(), asked);
}

#[tokio::test]
async fn pinned_user_never_notices_the_outage_of_another_backend() {
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let bob = CanonicalName::parse("bob").unwrap();
    pins.bind(&bob, &BackendId::parse("files").unwrap(), None).await.unwrap();
    let resolver = Resolver::builder()
        .backend(people("mail").unavailable())
        .backend(people("files").with_user("bob", "b").with_user("carol", "c"))
        .pins(pins)
        .build()
        .unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "b").await), Some("files"));
    assert_eq!(sign_in(&resolver, "bob", "x").await.outcome, Outcome::Refused(Rejection::BadCredentials));
    // The owner of carol is unknown: she might be a user of the backend that is down.
    assert!(matches!(sign_in(&resolver, "carol", "c").await.outcome, Outcome::Unavailable { .. }));
}

#[tokio::test]
async fn only_an_admin_rebinds_and_the_cache_is_cleared() {
    let both = |id: &str| watch(people(id).with_user("alice", "a"));
    let resolver = chain([both("mail"), both("files")].map(|backend| (backend, BackendPolicy::default())));
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("mail"));
    let (alice, files) = (CanonicalName::parse("alice").unwrap(), BackendId::parse("files").unwrap());
    let before = resolver.rebind(&alice, Some(&files)).await.unwrap();
    assert_eq!(before.unwrap().as_str(), "mail");
    assert_eq!(accepted_by(&sign_in(&resolver, "alice", "a").await), Some("files"));
}

#[tokio::test]
async fn reordering_moves_no_user_and_a_missing_owner_admits_none() {
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let chain = |ids: &[&str]| {
        ids.iter()
            .fold(Resolver::builder().pins(Arc::clone(&pins)), |builder, id| {
                builder.backend(people(id).with_user("alice", "a"))
            })
            .build()
            .unwrap()
    };
    assert_eq!(accepted_by(&sign_in(&chain(&["mail", "files"]), "alice", "a").await), Some("mail"));
    assert_eq!(accepted_by(&sign_in(&chain(&["files", "mail"]), "alice", "a").await), Some("mail"));
    let answer = sign_in(&chain(&["files", "office"]), "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.ended_by, EndReason::OwnerMissing);
}

#[tokio::test]
async fn stripped_domain_keeps_the_owner_of_a_name() {
    // alice@example.com of the mail server and alice of the file server are one name, so they are
    // one person's.
    let strip = DomainRules::for_domain("example.com").unwrap().strip_domain(true);
    let mail = people("mail").with_user("alice@example.com", "m");
    let resolver = Resolver::builder()
        .backend_with(Arc::new(mail), BackendPolicy::default(), strip)
        .backend(people("files").with_user("alice", "f"))
        .build()
        .unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "alice@example.com", "m").await), Some("mail"));
    assert_eq!(sign_in(&resolver, "alice", "f").await.authenticated(), None);
}

#[tokio::test]
async fn failing_pin_store_refuses_sign_ins() {
    #[derive(Debug)]
    struct Failing;
    #[async_trait]
    impl PinStore for Failing {
        async fn owner(&self, _: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
            Err(PinError::new("disk full"))
        }
        async fn bind(
            &self,
            _: &CanonicalName,
            _: &BackendId,
            _: Option<&str>,
        ) -> Result<PinOwner, PinError> {
            Err(PinError::new("disk full"))
        }
        async fn rebind(
            &self,
            _: &CanonicalName,
            _: Option<&BackendId>,
        ) -> Result<Option<BackendId>, PinError> {
            Err(PinError::new("disk full"))
        }
    }
    let mail = people("mail").with_user("alice", "a");
    let resolver = Resolver::builder().backend(mail).pins(Arc::new(Failing)).build().unwrap();
    let answer = sign_in(&resolver, "alice", "a").await;
    assert!(matches!(answer.outcome, Outcome::Unavailable { .. }));
    assert_eq!(answer.trace.ended_by, EndReason::PinsUnavailable);
}

/// `local` without rules, and `mail`, which adds and knows the domain `example.com`.
fn local_and_mail(local: &SwitchedServer, mail: &SwitchedServer) -> (Resolver, Arc<dyn PinStore>) {
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let adds = DomainRules::for_domain("example.com").unwrap().add_domain(true);
    let resolver = Resolver::builder()
        .pins(Arc::clone(&pins))
        .backend_with(Arc::new(local.clone()), BackendPolicy::default(), DomainRules::none())
        .backend_with(Arc::new(mail.clone()), BackendPolicy::default(), adds)
        .build()
        .unwrap();
    (resolver, pins)
}

#[tokio::test(start_paused = true)]
async fn mistyped_password_of_a_local_user_reaches_no_other_backend() {
    let (local, mail) = (SwitchedServer::new("local").with("frank", "right"), SwitchedServer::new("mail"));
    let (resolver, pins) = local_and_mail(&local, &mail);
    pins.bind(&CanonicalName::parse("frank").unwrap(), &BackendId::parse("local").unwrap(), None)
        .await
        .unwrap();
    for typed in ["frank", "Frank", "\u{ff46}rank"] {
        let answer = sign_in(&resolver, typed, "almost right").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{typed}");
        assert!(mail.seen().is_empty(), "{typed}: {:?}", mail.seen());
    }
    assert_eq!(accepted_by(&sign_in(&resolver, "frank", "right").await), Some("local"));
    let mail_only = BackendId::parse("mail").unwrap();
    let restricted = Credentials::new("frank", "almost right").only_backend(&mail_only);
    let answer = resolver.authenticate(restricted).await;
    assert_eq!(answer.trace.ended_by, EndReason::OwnerMissing);
    assert!(mail.seen().is_empty());
}

#[tokio::test(start_paused = true)]
async fn bare_name_without_an_account_is_read_with_the_domain() {
    let (local, mail) = (SwitchedServer::new("local"), SwitchedServer::new("mail").with("bob", "m"));
    let (resolver, _) = local_and_mail(&local, &mail);
    for typed in ["bob", "bob@example.com"] {
        let answer = sign_in(&resolver, typed, "m").await;
        let proof = answer.authenticated().map(|proof| (proof.backend().as_str(), proof.name().as_str()));
        // This server knows users by what was typed.
        assert_eq!(proof, (typed == "bob").then_some(("mail", "bob@example.com")), "{typed}");
    }
}

#[tokio::test(start_paused = true)]
async fn bare_name_of_two_people_is_the_local_one() {
    let local = SwitchedServer::new("local").with("bob", "l");
    let mail = SwitchedServer::new("mail").with("bob", "m").with("bob@example.com", "m");
    let (resolver, pins) = local_and_mail(&local, &mail);
    pins.bind(&CanonicalName::parse("bob").unwrap(), &BackendId::parse("local").unwrap(), None)
        .await
        .unwrap();
    assert_eq!(accepted_by(&sign_in(&resolver, "bob", "l").await), Some("local"));
    assert_eq!(sign_in(&resolver, "bob", "m").await.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert!(mail.seen().is_empty());
    let answer = sign_in(&resolver, "bob@example.com", "m").await;
    assert_eq!(accepted_by(&answer), Some("mail"));
    assert_eq!(answer.authenticated().map(|proof| proof.name().as_str()), Some("bob@example.com"));
}

/// A server that distinguishes spellings, each with its own password.
#[derive(Clone, Debug)]
struct SpellingBackend(BackendId, HashMap<&'static str, &'static str>, Arc<Mutex<Vec<String>>>);

impl SpellingBackend {
    fn new<const N: usize>(people: [(&'static str, &'static str); N]) -> Self {
        Self(BackendId::parse("mail").unwrap(), people.into(), Arc::default())
    }

    fn sent(&self) -> Vec<String> {
        std::mem::take(&mut self.2.lock().unwrap())
    }

    fn alone(&self, names: impl Into<NameRules>) -> Resolver {
        Resolver::builder()
            .backend_with(Arc::new(self.clone()), BackendPolicy::default(), names)
            .build()
            .unwrap()
    }
}

impl fmt::Display for SpellingBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("case-sensitive")
    }
}

#[async_trait]
impl UserBackend for SpellingBackend {
    fn id(&self) -> &BackendId {
        &self.0
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.2.lock().unwrap().push(attempt.upstream_name.to_owned());
        let is_right = self.1.get(attempt.upstream_name) == Some(&attempt.password.expose());
        // Both of a pair are asked before either is answered.
        tokio::task::yield_now().await;
        Ok(match is_right {
            true => Verdict::Accepted(Identity::of(attempt.name)),
            false => Verdict::Rejected(Rejection::BadCredentials),
        })
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

#[tokio::test(start_paused = true)]
async fn account_with_a_look_alike_spelling_never_signs_in_as_another() {
    let spellings = ["\u{ff46}rank", "jose\u{301}"];
    let server = SpellingBackend::new(spellings.map(|spelling| (spelling, "attacker")));
    let resolver = server.alone(DomainRules::none());
    for (typed, sent) in spellings.iter().zip(["frank", "jos\u{e9}"]) {
        let answer = sign_in(&resolver, typed, "attacker").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{typed}");
        assert_eq!(server.sent(), [sent], "{typed}");
    }
}

#[tokio::test(start_paused = true)]
async fn only_the_spelling_accepted_first_is_sent() {
    let server = SpellingBackend::new([("Frank", "right"), ("frank", "attacker"), ("FRANK", "attacker")]);
    let resolver = server.alone(DomainRules::none());
    assert!(sign_in(&resolver, "Frank", "right").await.authenticated().is_some());
    resolver.invalidate_all();
    server.sent();
    for typed in ["frank", "FRANK", "\u{ff26}RANK"] {
        let answer = sign_in(&resolver, typed, "attacker").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{typed}");
        assert!(sign_in(&resolver, typed, "right").await.authenticated().is_some(), "{typed}");
        resolver.invalidate_all();
        assert_eq!(server.sent(), ["Frank", "Frank"], "{typed}");
    }
    // An administrator may want another one.
    let (frank, mail) = (CanonicalName::parse("frank").unwrap(), BackendId::parse("mail").unwrap());
    resolver.rebind(&frank, Some(&mail)).await.unwrap();
    assert!(sign_in(&resolver, "frank", "attacker").await.authenticated().is_some());
}

#[tokio::test(start_paused = true)]
async fn imported_spelling_is_sent_exactly() {
    // Two users of the server, and one name here: an import brought the first of them.
    let pairs = [
        ("zoe\u{308}", "zo\u{eb}"),
        ("\u{ff41}nna", "anna"),
        ("zoe\u{308}@example.com", "zo\u{eb}@example.com"),
    ];
    for (imported, other) in pairs {
        let server = SpellingBackend::new([(imported, "right"), (other, "other")]);
        let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
        let mail = BackendId::parse("mail").unwrap();
        pins.bind(&CanonicalName::parse(imported).unwrap(), &mail, Some(imported)).await.unwrap();
        let rules = match imported.contains('@') {
            true => DomainRules::for_domain("example.com").unwrap(),
            false => DomainRules::none(),
        };
        let backend = Arc::new(server.clone());
        let builder = Resolver::builder().backend_with(backend, BackendPolicy::default(), rules);
        let resolver = builder.pins(pins).build().unwrap();
        for typed in [imported, other] {
            let answer = sign_in(&resolver, typed, "other").await;
            assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials), "{typed}");
            assert!(sign_in(&resolver, typed, "right").await.authenticated().is_some(), "{typed}");
            resolver.invalidate_all();
            assert_eq!(server.sent(), [imported, imported], "{typed}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn spelling_is_pinned_before_the_domain_is_added() {
    let server = SpellingBackend::new([("Frank@example.com", "right")]);
    let rules = || DomainRules::for_domain("example.com").unwrap().strip_domain(true);
    let resolver = server.alone(rules().add_domain(true));
    for typed in ["Frank", "frank", "FRANK@Example.com"] {
        assert!(sign_in(&resolver, typed, "right").await.authenticated().is_some(), "{typed}");
        resolver.invalidate_all();
    }
    assert_eq!(server.sent(), ["Frank@example.com"; 3]);
    // The rules change, the spelling stays.
    let next = Resolver::builder().backend_with(Arc::new(server.clone()), BackendPolicy::default(), rules());
    resolver.replace(next).await.unwrap();
    server.sent();
    let _ = sign_in(&resolver, "frank", "right").await;
    assert_eq!(server.sent(), ["Frank"]);
}

#[tokio::test(start_paused = true)]
async fn two_spellings_at_the_same_time_are_one_account() {
    let server = SpellingBackend::new([("Frank", "one"), ("frank", "two")]);
    let resolver = Resolver::builder()
        .backend_with(Arc::new(server.clone()), BackendPolicy::default(), DomainRules::none())
        .lock(None)
        .build()
        .unwrap();
    let (one, two) = tokio::join!(sign_in(&resolver, "Frank", "one"), sign_in(&resolver, "frank", "two"));
    assert_eq!(server.sent().len(), 2);
    let accepted = [&one, &two].iter().filter(|answer| answer.authenticated().is_some()).count();
    assert_eq!(accepted, 1, "{} {}", one.trace, two.trace);
    let refused = [&one, &two].iter().any(|answer| matches!(answer.outcome, Outcome::Refused(_)));
    assert!(!refused, "the password may be right for the other spelling");
}

async fn owns(pins: &Arc<dyn PinStore>, backend: &str, name: &str) {
    let (name, backend) = (CanonicalName::parse(name).unwrap(), BackendId::parse(backend).unwrap());
    pins.bind(&name, &backend, None).await.unwrap();
}

fn known(answer: &TracedOutcome) -> Option<&str> {
    answer.authenticated().map(|proof| proof.name().as_str())
}

#[tokio::test(start_paused = true)]
async fn bare_id_of_an_account_signs_in_as_itself() {
    // An account that the PHP app made with stripDomain = false.
    let server = SpellingBackend::new([("alice@example.com", "right"), ("bob@example.com", "b")]);
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let adds = DomainRules::for_domain("example.com").unwrap().add_domain(true);
    let builder = Resolver::builder().pins(Arc::clone(&pins));
    let resolver =
        builder.backend_with(Arc::new(server.clone()), BackendPolicy::default(), adds).build().unwrap();
    owns(&pins, "mail", "alice").await;
    for typed in ["alice", "Alice"] {
        assert_eq!(known(&sign_in(&resolver, typed, "right").await), Some("alice"), "{typed}");
        resolver.invalidate_all();
    }
    assert_eq!(server.sent(), ["alice@example.com"; 2]);
    assert_eq!(
        sign_in(&resolver, "alice", "wrong").await.outcome,
        Outcome::Refused(Rejection::BadCredentials)
    );
    assert_eq!(known(&sign_in(&resolver, "alice@example.com", "right").await), Some("alice@example.com"));
    assert_eq!(known(&sign_in(&resolver, "bob", "b").await), Some("bob@example.com"));
}

#[tokio::test(start_paused = true)]
async fn escaped_at_is_read_unless_an_account_has_it_in_its_id() {
    let server = SpellingBackend::new([
        ("kim@example.com", "k"),
        ("sam%40example.com", "s"),
        ("sam@example.com", "other"),
    ]);
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let builder = Resolver::builder().pins(Arc::clone(&pins));
    let resolver = builder
        .backend_with(Arc::new(server.clone()), BackendPolicy::default(), DomainRules::none())
        .build()
        .unwrap();
    owns(&pins, "mail", "sam%40example.com").await;
    assert_eq!(known(&sign_in(&resolver, "kim%40example.com", "k").await), Some("kim@example.com"));
    assert_eq!(known(&sign_in(&resolver, "sam%40example.com", "s").await), Some("sam%40example.com"));
    assert_eq!(known(&sign_in(&resolver, "sam@example.com", "other").await), Some("sam@example.com"));
    assert_eq!(server.sent(), ["kim@example.com", "sam%40example.com", "sam@example.com"]);
    // One account, one memory, however it was typed.
    resolver.invalidate_user(&CanonicalName::parse("kim@example.com").unwrap());
    assert!(sign_in(&resolver, "kim%40example.com", "k").await.authenticated().is_some());
    assert_eq!(server.sent(), ["kim@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn account_with_a_windows_domain_signs_in_and_no_other_does() {
    let server = SpellingBackend::new([("CORP\\alice", "c"), ("alice", "right"), ("x@corp.example", "x")]);
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let rules = DomainRules::none().bare_names_only(true).windows_names("WORKGROUP").unwrap();
    let builder = Resolver::builder().pins(Arc::clone(&pins));
    let resolver =
        builder.backend_with(Arc::new(server.clone()), BackendPolicy::default(), rules).build().unwrap();
    assert_eq!(known(&sign_in(&resolver, "WORKGROUP\\alice", "right").await), Some("alice"));
    for typed in ["CORP\\alice", "x@corp.example"] {
        let answer = sign_in(&resolver, typed, "c").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::UnknownUser), "{typed}");
    }
    assert_eq!(server.sent(), ["alice"]);
    owns(&pins, "mail", "corp\\alice").await;
    owns(&pins, "mail", "x@corp.example").await;
    resolver.invalidate_all();
    assert_eq!(known(&sign_in(&resolver, "CORP\\alice", "c").await), Some("corp\\alice"));
    assert_eq!(known(&sign_in(&resolver, "x@corp.example", "x").await), Some("x@corp.example"));
}

#[tokio::test(start_paused = true)]
async fn stripped_domains_of_one_server_share_no_account() {
    let server =
        SpellingBackend::new([("kim@a.example", "a"), ("kim@b.example", "b"), ("sam@b.example", "s")]);
    let rules =
        DomainRules::for_domains(["a.example", "b.example"]).unwrap().strip_domain(true).add_domain(true);
    let pins: Arc<dyn PinStore> = Arc::new(MemoryPins::default());
    let builder = Resolver::builder().pins(Arc::clone(&pins));
    let resolver =
        builder.backend_with(Arc::new(server.clone()), BackendPolicy::default(), rules).build().unwrap();
    // An account of which the spelling is not known is that of the first domain.
    owns(&pins, "mail", "kim").await;
    let answer = sign_in(&resolver, "kim@b.example", "b").await;
    assert_eq!(answer.outcome, Outcome::Refused(Rejection::BadCredentials));
    assert_eq!(server.sent(), ["kim@a.example"]);
    assert_eq!(known(&sign_in(&resolver, "kim", "a").await), Some("kim"));
    // A new one is that of the first who signs in.
    assert_eq!(known(&sign_in(&resolver, "sam@b.example", "s").await), Some("sam"));
    resolver.invalidate_all();
    server.sent();
    let _ = sign_in(&resolver, "sam@a.example", "guess").await;
    assert_eq!(server.sent(), ["sam@b.example"]);
}
