//! Sixty pairs of names that a person could take for one.
//!
//! One person with one memory and one budget, or refused (T32).

use super::*;

/// Two spellings of one name.
const SAME: [(&str, &str); 30] = [
    // Letter case.
    ("alice", "ALICE"),
    ("alice", "Alice"),
    ("alice@example.com", "Alice@EXAMPLE.com"),
    ("mary ann", "Mary Ann"),
    ("o'neil", "O'NEIL"),
    ("jos\u{e9}", "JOS\u{c9}"),
    ("\u{e6}r\u{f8}", "\u{c6}R\u{d8}"),
    ("\u{43c}\u{430}\u{448}\u{430}", "\u{41c}\u{410}\u{428}\u{410}"),
    ("\u{3b1}\u{3bb}\u{3c6}\u{3b1}", "\u{391}\u{39b}\u{3a6}\u{391}"),
    ("\u{565}\u{57e}\u{561}", "\u{535}\u{54e}\u{531}"),
    ("stra\u{df}e", "STRA\u{1e9e}E"),
    ("\u{10d}apek", "\u{10c}APEK"),
    // Composed and decomposed.
    ("jos\u{e9}", "jose\u{301}"),
    ("jos\u{e9}", "JOSE\u{301}"),
    ("\u{fc}ber", "u\u{308}ber"),
    ("\u{e5}sa", "a\u{30a}sa"),
    ("\u{1e69}", "s\u{323}\u{307}"),
    ("\u{1e69}", "s\u{307}\u{323}"),
    ("vi\u{1ec7}t", "vie\u{323}\u{302}t"),
    ("\u{439}", "\u{438}\u{306}"),
    ("\u{1e69}", "S\u{323}\u{307}"),
    ("\u{f1}and\u{fa}", "n\u{303}andu\u{301}"),
    // Full and half width.
    ("alice", "\u{ff41}\u{ff4c}\u{ff49}\u{ff43}\u{ff45}"),
    ("alice", "\u{ff21}\u{ff2c}\u{ff29}\u{ff23}\u{ff25}"),
    ("bob1", "bob\u{ff11}"),
    ("x@example.com", "x\u{ff20}example.com"),
    ("a.b", "a\u{ff0e}b"),
    ("a-b", "a\u{ff0d}b"),
    ("\u{30a2}", "\u{ff71}"),
    ("\u{30ac}", "\u{ff76}\u{ff9e}"),
];

/// A name, and a spelling of it that is not allowed.
const REFUSED: [(&str, &str); 30] = [
    // Blanks around and inside.
    ("alice", "alice "),
    ("alice", " alice"),
    ("alice", "alice\u{a0}"),
    ("alice", "alice\u{3000}"),
    ("alice", "alice\u{2003}"),
    ("mary ann", "mary  ann"),
    // Control characters.
    ("alice", "alice\0"),
    ("alice", "alice\t"),
    ("alice", "alice\r\n"),
    ("alice", "ali\u{7f}ce"),
    ("alice", "ali\u{85}ce"),
    ("alice", "alice\0@example.com"),
    // What cannot be seen.
    ("alice", "ali\u{200d}ce"),
    ("alice", "ali\u{200c}ce"),
    ("alice", "ali\u{200b}ce"),
    ("alice", "\u{feff}alice"),
    ("alice", "ali\u{ad}ce"),
    ("alice", "alice\u{2060}"),
    ("alice", "alice\u{34f}"),
    ("alice", "alice\u{fe0f}"),
    ("alice", "ali\u{180e}ce"),
    // The other writing direction.
    ("alice", "\u{202e}ecila"),
    ("alice", "alice\u{200f}"),
    ("alice", "ali\u{2066}ce"),
    ("alice", "alice\u{5d0}"),
    // Letters in disguise.
    ("\u{ac00}", "\u{1100}\u{1161}"),
    ("fi", "\u{fb01}"),
    ("a", "\u{1d4b6}"),
    ("1", "\u{2460}"),
    ("tm", "\u{2122}"),
];

#[tokio::test(start_paused = true)]
async fn two_spellings_share_cache_and_budget() {
    for (one, other) in SAME {
        let canonical = CanonicalName::parse(one).unwrap();
        assert_eq!(CanonicalName::parse(other).as_ref(), Ok(&canonical), "{one} {other:?}");
        let server = SwitchedServer::new("mail").with(canonical.as_str(), "a");
        let resolver = server.alone(BackendPolicy::default());
        for name in [one, other] {
            let answer = sign_in(&resolver, name, "a").await;
            assert_eq!(answer.authenticated().map(Authenticated::name), Some(&canonical), "{name:?}");
        }
        assert_eq!(server.seen().len(), 1, "{one} {other:?}");
        for (number, name) in [one, other, one, other, one, other].iter().enumerate() {
            let _ = sign_in(&resolver, name, &format!("guess {number}")).await;
        }
        assert_eq!(server.seen().len(), 5, "{one} {other:?}");
        resolver.invalidate_user(&CanonicalName::parse(other).unwrap());
        assert_eq!(sign_in(&resolver, one, "guess 6").await.authenticated(), None, "{one} {other:?}");
        assert_eq!(server.seen().len(), 5, "{one} {other:?}");
        // The server is asked again, and what was right the last time is no guess.
        assert!(sign_in(&resolver, one, "a").await.authenticated().is_some(), "{one} {other:?}");
        assert_eq!(server.seen().len(), 6, "{one} {other:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn look_alike_spelling_is_refused_before_any_io() {
    for (one, other) in REFUSED {
        let server = SwitchedServer::new("mail").with(one, "a").with(other, "a");
        let resolver = server.alone(BackendPolicy::default());
        let answer = sign_in(&resolver, other, "a").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied), "{other:?}");
        assert_eq!((answer.trace.ended_by, server.seen().len()), (EndReason::InvalidInput, 0), "{other:?}");
        assert!(sign_in(&resolver, one, "a").await.authenticated().is_some(), "{one}");
    }
}

/// Different letters are different users, even if a language or font confuses them.
///
/// The rules for new accounts decide who may have such a name, not this code.
#[test]
fn different_letters_are_different_users() {
    for (one, other) in [
        ("i", "\u{131}"),
        ("i", "\u{130}"),
        ("strasse", "stra\u{df}e"),
        ("alice", "\u{430}lice"),
        ("alice", "\u{251}lice"),
        ("alice.", "alice"),
    ] {
        let both = [one, other].map(|name| CanonicalName::parse(name).unwrap());
        assert_ne!(both[0], both[1]);
    }
}

/// A backend that records the names it gets, and accepts each of them as it is.
#[derive(Debug)]
struct Noting(BackendId, Arc<Mutex<Vec<String>>>);

impl fmt::Display for Noting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("noting")
    }
}

#[async_trait]
impl UserBackend for Noting {
    fn id(&self) -> &BackendId {
        &self.0
    }
    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        self.1.lock().unwrap().push(attempt.upstream_name.to_owned());
        Ok(Verdict::Accepted(Identity::of(attempt.name)))
    }
    async fn probe(&self, _: Instant) -> Result<Probe, BackendError> {
        Ok(Probe::of(None))
    }
}

#[tokio::test(start_paused = true)]
async fn backend_gets_the_name_to_send_and_the_resolver_the_identity() {
    let rules = DomainRules::for_domain("example.com").unwrap();
    let both = rules.clone().add_domain(true).strip_domain(true).group_by_domain(true);
    for (rules, typed, sent, known) in [
        (both.clone(), "Alice", "Alice@example.com", "alice"),
        (both.clone(), "Alice@Example.com", "Alice@Example.com", "alice"),
        (rules.clone(), "Alice", "Alice", "alice@example.com"),
        // Has no canonical form with a domain in Latin letters appended, and is still sent.
        (both, "\u{5d0}\u{5d1}", "\u{5d0}\u{5d1}@example.com", "\u{5d0}\u{5d1}"),
    ] {
        let seen = Arc::new(Mutex::default());
        let noting = Noting(BackendId::parse("mail").unwrap(), Arc::clone(&seen));
        let resolver = Resolver::builder()
            .backend_with(Arc::new(noting), BackendPolicy::default(), rules)
            .build()
            .unwrap();
        let answer = sign_in(&resolver, typed, "a").await;
        assert_eq!(
            answer.authenticated().map(|proof| proof.name().as_str()),
            Some(known),
            "{}",
            answer.trace
        );
        assert_eq!(*seen.lock().unwrap(), [sent]);
        let foreign = sign_in(&resolver, "alice@evil.example", "a").await;
        assert_eq!(foreign.trace.steps[0].verdict, StepOutcome::NotMine);
        assert_eq!(seen.lock().unwrap().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn denied_name_is_refused_without_asking_a_backend() {
    let seen = Arc::new(Mutex::default());
    let noting = Noting(BackendId::parse("mail").unwrap(), Arc::clone(&seen));
    let resolver = Resolver::builder().backend(noting).build().unwrap();
    for name in ["guest", "ANONYMOUS", "ftp@example.com"] {
        let answer = sign_in(&resolver, name, "a").await;
        assert_eq!(answer.outcome, Outcome::Refused(Rejection::PolicyDenied), "{name}");
        assert_eq!(answer.trace.ended_by, EndReason::NotAttempted);
    }
    assert!(seen.lock().unwrap().is_empty());
}
