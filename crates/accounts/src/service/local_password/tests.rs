//! What hashes promise, with hashes that PHP 8.2 made for the same passwords.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use user_backend::Password;
use user_backend::clock::now;

use crate::domain::{LocalPassword, PasswordTooLong};
use crate::service::local_password::hash::{LegacySalt, PasswordHash, PasswordMatch, UnknownHash};
use crate::service::local_password::pool::{HashLane, HashPool, PoolError};
use crate::service::local_password::settings::HashSettings;

const ARGON2ID: &str =
    "$argon2id$v=19$m=64,t=2,p=1$MFY2RE5GNDVsazVBNkhmWg$jgUHXNn4zJProSO8qlQSnBkCiih7XIB3tG8uxq3zCRA";
const ARGON2ID_469: &str =
    "$argon2id$v=19$m=64,t=2,p=1$N2tQRjYwRGV0LmQ1RS95Nw$0QZzAMBHRhwU9P3G/lFjHKQ1dzaFWWTKeDpYUhdrluQ";
const ARGON2ID_UNICODE: &str =
    "$argon2id$v=19$m=64,t=2,p=1$OFU3aHllTHRYTXNCaGRwaQ$jhEN+nAA5vwl0C+qZ0iUCfsY//J7WGAchTQ5Q6jQ9GM";
const ARGON2I: &str =
    "$argon2i$v=19$m=64,t=2,p=1$WE4uR3RBTlNsQ1lybFpkRg$2NgTTjWBx6FexTTBE+QvQ+JyJmx0//qoNJ7b+9E0Alk";
const BCRYPT: &str = "$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa";
const BCRYPT_UNICODE: &str = "$2y$05$8L8H.2gzXSW/BNIg7QQRcumLsncE.9AEXenQgAw8Xqyp7j9vpHuVa";
const BCRYPT_SALTED: &str = "$2y$05$7rKgKRJ5FuP6.6Ujf4vGL.LJO3.jczyM6.i1yEHr7oIs/VE0FpDom";
const BCRYPT_72: &str = "$2y$05$6YQqIn5wIEoNh/MBX1xKEOsaEPvMRfErcobfmiUo/PimY5uUjwZvm";
const BCRYPT_73: &str = "$2y$05$80a9ZOyziRiUL75HHLBwX..EVHIq5znJN5HLwXy8Wx84O06xW4Az2";
const SHA1: &str = "81f3122ee20bcce15538448e8fca39178037300f";

fn typed(text: &str) -> LocalPassword {
    LocalPassword::new(&Password::parse(text).unwrap()).unwrap()
}

/// As an import stores it.
fn salted(salt: &str, hash: &str) -> String {
    LegacySalt::new(salt).with(hash).expose().to_owned()
}

fn compare(stored: &str, text: &str) -> PasswordMatch {
    PasswordHash::parse(stored).unwrap().matches(&typed(text))
}

#[test]
fn hashes_brought_from_php_are_verified_as_php_did() {
    for stored in [
        format!("3|{ARGON2ID}"),
        format!("2|{ARGON2I}"),
        format!("1|{BCRYPT}"),
        ARGON2ID.to_owned(),
        BCRYPT.to_owned(),
        salted("pepperfromconfig", BCRYPT_SALTED),
        salted("the salt came later", BCRYPT),
        SHA1.to_owned(),
        SHA1.to_uppercase(),
    ] {
        assert_eq!(compare(&stored, "Wonderland-1"), PasswordMatch::Yes, "{stored}");
        for wrong in ["wonderland-1", "Wonderland-1 ", "Wonderland-", "Wonderland-12", "x"] {
            assert_eq!(compare(&stored, wrong), PasswordMatch::No, "{stored} {wrong}");
        }
    }
    for stored in [format!("3|{ARGON2ID_UNICODE}"), format!("1|{BCRYPT_UNICODE}"), BCRYPT_UNICODE.to_owned()]
    {
        assert_eq!(compare(&stored, "Zürich-日本-1"), PasswordMatch::Yes, "{stored}");
    }
}

#[test]
fn old_installation_salt_applies_to_bare_bcrypt_only() {
    assert_eq!(compare(&salted("another", BCRYPT_SALTED), "Wonderland-1"), PasswordMatch::No);
    assert_eq!(compare(&salted("", BCRYPT_SALTED), "Wonderland-1"), PasswordMatch::No);
    assert_eq!(compare(BCRYPT_SALTED, "Wonderland-1pepperfromconfig"), PasswordMatch::Yes);
    for other in [format!("1|{BCRYPT_SALTED}"), format!("3|{ARGON2ID}"), SHA1.to_owned(), "junk".to_owned()] {
        assert_eq!(salted("pepperfromconfig", &other), other);
    }
    assert_eq!(salted("", BCRYPT_SALTED), BCRYPT_SALTED);
    let text = salted("\u{e4}|\u{20ac}", BCRYPT_SALTED);
    assert_eq!(text.matches('|').count(), 2, "{text}");
    assert!(PasswordHash::parse(&text).is_ok());
}

/// T36: bcrypt hashes 72 bytes; a longer password is neither accepted nor rehashed.
#[test]
fn t36_no_password_is_ever_cut() {
    let x = |count: usize| "x".repeat(count);
    for stored in [BCRYPT_72.to_owned(), format!("1|{BCRYPT_72}")] {
        assert_eq!(compare(&stored, &x(72)), PasswordMatch::Yes);
        assert_eq!(compare(&stored, &x(73)), PasswordMatch::Truncated);
        assert_eq!(compare(&stored, &format!("{}y", x(72))), PasswordMatch::Truncated);
        assert_eq!(compare(&stored, &x(71)), PasswordMatch::No);
        assert_eq!(compare(&stored, &format!("{}y", x(71))), PasswordMatch::No);
    }
    // The owner of 73 bytes cannot be distinguished from an attacker who knows 72 of them.
    assert_eq!(compare(BCRYPT_73, &x(73)), PasswordMatch::Truncated);
    assert_eq!(compare(&format!("3|{ARGON2ID_469}"), &x(469)), PasswordMatch::Yes);
    assert_eq!(compare(&format!("3|{ARGON2ID_469}"), &x(468)), PasswordMatch::No);

    let long = Password::parse(x(470)).unwrap();
    assert_eq!(LocalPassword::new(&long).unwrap_err(), PasswordTooLong);
    assert_eq!(
        PasswordTooLong.to_string(),
        "Password is too long. Maximum allowed length is 469 characters."
    );
}

#[test]
fn passwords_are_compared_in_composed_form() {
    let settings = HashSettings::cheap();
    let composed = PasswordHash::new(&typed("\u{e9}t\u{e9}-Wonderland"), &settings).unwrap();
    assert_eq!(composed.matches(&typed("\u{e9}t\u{e9}-Wonderland")), PasswordMatch::Yes);
    assert_eq!(composed.matches(&typed("e\u{301}t\u{e9}-Wonderland")), PasswordMatch::Yes);
    let emoji = PasswordHash::new(&typed("🔑🔒🔑🔒🔑"), &settings).unwrap();
    assert_eq!(emoji.matches(&typed("🔑🔒🔑🔒🔑")), PasswordMatch::Yes);
    assert_eq!(emoji.matches(&typed("🔑🔒🔑🔒🔒")), PasswordMatch::No);
}

#[test]
fn unusable_hashes_are_recognised() {
    for junk in [
        "",
        "!",
        "*",
        "x",
        "3|",
        "3|!",
        "9|$argon2id$x",
        "1|",
        "$2y$05$short",
        "|",
        "$argon2id$",
        "$argon2id$v=19$m=64,t=2,p=1$MFY2RE5GNDVsazVBNkhmWg",
        "81f3122ee20bcce15538448e8fca3917803730zz",
        "$argon2x$v=19$m=64,t=2,p=1$MFY2RE5GNDVsazVBNkhmWg$jgUHXNn4zJProSO8qlQSnBkCiih7XIB3tG8uxq3zCRA",
        "$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxé€a",
        "$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklx🔑",
        "1|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklx🔑",
        "salted|",
        "salted||",
        "salted|cGVwcGVy|",
        "salted|cGVwcGVy|81f3122ee20bcce15538448e8fca39178037300f",
        "salted|not base64|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa",
        "salted|_w|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa",
        "$2y$99$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa",
    ] {
        assert!(PasswordHash::parse(junk).is_err(), "{junk}");
    }
}

#[test]
fn stored_hash_cannot_ask_for_all_memory_or_all_day() {
    for dear in [
        ARGON2ID.replace("m=64", "m=4294967295"),
        ARGON2ID.replace("m=64", "m=1048577"),
        ARGON2ID.replace("t=2", "t=1000000"),
        ARGON2ID.replace("m=64", "m=1048576").replace("p=1", "p=65"),
        BCRYPT.replace("$05$", "$31$"),
        salted("pepper", &BCRYPT.replace("$05$", "$31$")),
    ] {
        assert_eq!(PasswordHash::parse(&dear).unwrap_err(), UnknownHash::TooExpensive, "{dear}");
    }
}

#[test]
fn new_hashes_are_argon2id_with_a_unique_salt() {
    let settings = HashSettings::cheap();
    let mut seen = HashSet::new();
    for _ in 0..20 {
        let hash = PasswordHash::new(&typed("Wonderland-1"), &settings).unwrap();
        assert!(hash.expose().starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{}", hash.expose());
        assert_eq!(PasswordHash::parse(hash.expose()).unwrap(), hash);
        assert_eq!(hash.matches(&typed("Wonderland-1")), PasswordMatch::Yes);
        assert!(!hash.is_outdated(&settings));
        assert!(seen.insert(hash.expose().to_owned()));
    }
}

#[test]
fn default_cost_is_what_the_documentation_says() {
    let hash = PasswordHash::new(&typed("Wonderland-1"), &HashSettings::default()).unwrap();
    assert!(hash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.expose());
}

#[test]
fn hash_is_outdated_after_higher_costs_only() {
    let cheap = HashSettings::cheap();
    let hash = PasswordHash::new(&typed("Wonderland-1"), &cheap).unwrap();
    let dearer = cheap.with_cost(7 * 1024, 1, 1).unwrap();
    assert!(hash.is_outdated(&dearer));
    let more_passes = cheap.with_cost(7 * 1024, 3, 1).unwrap();
    let dear = PasswordHash::new(&typed("Wonderland-1"), &dearer).unwrap();
    assert!(dear.is_outdated(&more_passes) && !dear.is_outdated(&dearer) && !dear.is_outdated(&cheap));
    for imported in [
        format!("3|{ARGON2ID}"),
        format!("2|{ARGON2I}"),
        ARGON2I.to_owned(),
        BCRYPT.to_owned(),
        SHA1.to_owned(),
    ] {
        assert!(PasswordHash::parse(&imported).unwrap().is_outdated(&cheap), "{imported}");
    }
    assert!(PasswordHash::parse(ARGON2ID).is_ok_and(|ours| !ours.is_outdated(&cheap)));
}

#[test]
fn dummy_hash_matches_no_password() {
    let settings = HashSettings::cheap();
    let dummy = PasswordHash::dummy(&settings).unwrap();
    assert_eq!(PasswordHash::parse(dummy.expose()).unwrap(), dummy);
    assert!(!dummy.is_outdated(&settings), "it costs what a real one costs");
    assert_eq!(dummy.matches(&typed("Wonderland-1")), PasswordMatch::No);
    assert_ne!(dummy, PasswordHash::dummy(&settings).unwrap());
}

#[test]
fn t60_neither_hash_nor_salt_nor_password_is_printed() {
    let hash = PasswordHash::parse(ARGON2ID).unwrap();
    let text = format!("{hash:?} {:#?} {:?}", LegacySalt::new("pepper"), typed("Wonderland-1"));
    for secret in ["MFY2RE5", "pepper", "Wonderland"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn settings_say_what_they_take() {
    let read = |text: &str| serde_json::from_str::<HashSettings>(text).map_err(|error| error.to_string());
    assert_eq!(read("{}").unwrap(), HashSettings::default());
    assert_eq!(read(r#"{"memory_kib": 65536, "passes": 4}"#).unwrap().memory_kib(), 65536);
    for (text, part) in [
        (r#"{"memory_kib": 64}"#, "memory_kib must be between 7168 and 1048576, found 64"),
        (r#"{"passes": 0}"#, "passes must be between 1 and 64, found 0"),
        (r#"{"lanes": 65}"#, "lanes must be between 1 and 64, found 65"),
        (r#"{"at_once": 0}"#, "at_once must be between 1 and 1024, found 0"),
        (r#"{"memory": 64}"#, "unknown field `memory`"),
    ] {
        let found = read(text).unwrap_err();
        assert!(found.contains(part), "{text}: {found}");
    }
}

/// Work that blocks until the test releases it, and counts how much runs at once.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar, AtomicUsize, AtomicUsize)>);

impl Gate {
    fn work(&self) {
        let (open, changed, in_flight, most) = &*self.0;
        most.fetch_max(in_flight.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let open = open.lock().unwrap_or_else(PoisonError::into_inner);
        drop(changed.wait_while(open, |open| !*open).unwrap());
        in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn in_flight(&self) -> usize {
        self.0.2.load(Ordering::SeqCst)
    }

    fn most(&self) -> usize {
        self.0.3.load(Ordering::SeqCst)
    }
}

fn pool(at_once: usize, waiting: usize) -> HashPool {
    HashPool::new(&HashSettings::default().with_pool(at_once, waiting).unwrap())
}

async fn until(mut is_true: impl FnMut() -> bool) {
    while !is_true() {
        tokio::task::yield_now().await;
    }
}

/// T24: a thousand passwords wait for two hashing threads without blocking the runtime.
///
/// The runtime has one thread here.
#[tokio::test]
async fn t24_thousand_logins_at_once_never_starve_the_runtime() {
    let (pool, gate) = (pool(2, 998), Gate::default());
    let deadline = now() + Duration::from_secs(60);
    let logins: Vec<_> = (0..1000)
        .map(|_| {
            let (pool, gate) = (pool.clone(), gate.clone());
            tokio::spawn(async move { pool.run(deadline, move || gate.work()).await })
        })
        .collect();
    until(|| pool.free_places() == 0 && gate.in_flight() == 2).await;

    // The executor is free for other work.
    let other = tokio::spawn(async { 6 * 7 });
    assert_eq!(other.await.unwrap(), 42);
    assert_eq!(pool.run(deadline, || ()).await, Err(PoolError::Busy), "the queue has an end");

    gate.open();
    for login in logins {
        assert_eq!(login.await.unwrap(), Ok(()));
    }
    assert_eq!(gate.most(), 2, "never more at once than the settings say");
    assert_eq!(pool.free_places(), 1000);
}

#[tokio::test]
async fn proven_credentials_pass_a_full_queue_of_guesses() {
    let (pool, gate) = (pool(1, 99), Gate::default());
    let deadline = now() + Duration::from_secs(60);
    let order = Arc::new(Mutex::new(Vec::new()));
    let guesses: Vec<_> = (0..100)
        .map(|number| {
            let (pool, gate, order) = (pool.clone(), gate.clone(), Arc::clone(&order));
            tokio::spawn(async move {
                let work = move || {
                    gate.work();
                    order.lock().unwrap().push(number);
                };
                pool.run(deadline, work).await
            })
        })
        .collect();
    until(|| pool.free_places() == 0 && gate.in_flight() == 1).await;
    let proven = tokio::spawn({
        let (pool, order) = (pool.clone(), Arc::clone(&order));
        async move { pool.run_in(HashLane::Proven, deadline, move || order.lock().unwrap().push(1_000)).await }
    });
    tokio::task::yield_now().await;
    gate.open();
    assert_eq!(proven.await.unwrap(), Ok(()));
    for guess in guesses {
        assert_eq!(guess.await.unwrap(), Ok(()));
    }
    assert_eq!(order.lock().unwrap()[1], 1_000, "after the one that was at work, before all that wait");
}

#[tokio::test]
async fn cancelled_work_frees_no_thread() {
    let (pool, gate) = (pool(1, 1), Gate::default());
    let deadline = now() + Duration::from_secs(60);
    let first = {
        let (pool, gate) = (pool.clone(), gate.clone());
        tokio::spawn(async move { pool.run(deadline, move || gate.work()).await })
    };
    until(|| gate.in_flight() == 1).await;
    first.abort();
    assert!(first.await.unwrap_err().is_cancelled());
    assert_eq!(pool.free_places(), 1, "the thread is still at work");

    let second = {
        let (pool, gate) = (pool.clone(), gate.clone());
        tokio::spawn(async move { pool.run(deadline, move || gate.work()).await })
    };
    until(|| pool.free_places() == 0).await;
    assert_eq!(pool.run(deadline, || ()).await, Err(PoolError::Busy));
    gate.open();
    assert_eq!(second.await.unwrap(), Ok(()));
    until(|| pool.free_places() == 2).await;
    assert_eq!(gate.most(), 1);
}

#[tokio::test]
async fn abandoned_jobs_are_never_begun() {
    let (pool, gate) = (pool(1, 2), Gate::default());
    let deadline = now() + Duration::from_secs(60);
    let login = || {
        let (pool, gate) = (pool.clone(), gate.clone());
        tokio::spawn(async move { pool.run(deadline, move || gate.work()).await })
    };
    let first = login();
    until(|| gate.in_flight() == 1).await;
    let (second, third) = (login(), login());
    until(|| pool.free_places() == 0).await;
    second.abort();
    assert!(second.await.unwrap_err().is_cancelled());
    assert_eq!(pool.free_places(), 1, "at once, not when its turn would have come");
    gate.open();
    assert_eq!((first.await.unwrap(), third.await.unwrap()), (Ok(()), Ok(())));
    assert_eq!(pool.begun(), 2);
}

/// A pool may outlive a runtime.
///
/// What was never begun there is answered, and takes no thread with it.
#[test]
fn ended_runtime_leaves_the_pool_whole() {
    let pool = pool(1, 1);
    let deadline = now() + Duration::from_secs(60);
    let runtime = || {
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap()
    };
    let (first, gate) = (runtime(), Gate::default());
    first.block_on(async {
        let busy = gate.clone();
        // The only thread there is.
        let other = tokio::task::spawn_blocking(move || busy.work());
        until(|| gate.in_flight() == 1).await;
        let waiting = {
            let pool = pool.clone();
            tokio::spawn(async move { pool.run(deadline, || ()).await })
        };
        until(|| pool.free_places() == 1).await;
        drop((other, waiting));
    });
    first.shutdown_background();
    gate.open();
    assert_eq!(runtime().block_on(pool.run(deadline, || 1)), Ok(1));
}

#[tokio::test]
async fn waiting_ends_at_the_deadline_and_gives_the_place_back() {
    let (pool, gate) = (pool(1, 1), Gate::default());
    let far = now() + Duration::from_secs(60);
    let first = {
        let (pool, gate) = (pool.clone(), gate.clone());
        tokio::spawn(async move { pool.run(far, move || gate.work()).await })
    };
    until(|| gate.in_flight() == 1).await;
    assert_eq!(pool.run(now() + Duration::from_millis(5), || ()).await, Err(PoolError::Late));
    assert_eq!(pool.run(now(), || ()).await, Err(PoolError::Late));
    assert_eq!(pool.free_places(), 1);
    gate.open();
    assert_eq!(first.await.unwrap(), Ok(()));
}

/// T28: a panic in a job is an outage for one caller and ends no thread.
#[tokio::test]
async fn t28_panicking_work_keeps_its_thread() {
    let pool = pool(1, 0);
    let deadline = now() + Duration::from_secs(60);
    for _ in 0..3 {
        let broken = pool.run(deadline, || std::panic::resume_unwind(Box::new("broken"))).await;
        assert_eq!(broken, Err::<(), _>(PoolError::Died));
    }
    assert_eq!(pool.run(deadline, || 1).await, Ok(1));
}

proptest::proptest! {
    /// Any text in a database is checked for a hash without a panic.
    #[test]
    fn no_stored_text_breaks_the_parser(text in "\\PC{0,120}", cut in 0_usize..130) {
        let _ = PasswordHash::parse(&text);
        for known in [ARGON2ID, ARGON2I, BCRYPT, SHA1] {
            // A known hash with a piece of the text in its middle.
            let at = cut.min(known.len());
            let (begin, end) = known.split_at(at);
            let _ = PasswordHash::parse(&format!("{begin}{text}{end}"));
            let _ = PasswordHash::parse(&format!("1|{begin}{}", text.chars().take(known.len() - at).collect::<String>()));
        }
    }
}

/// `é` as one character, and as two.
const COMPOSED: &str = "caf\u{e9} au lait";
const DECOMPOSED: &str = "cafe\u{301} au lait";

#[test]
fn password_set_in_one_unicode_form_is_right_in_the_other() {
    for set in [COMPOSED, DECOMPOSED] {
        let hash = PasswordHash::new(&typed(set), &HashSettings::cheap()).unwrap();
        for again in [COMPOSED, DECOMPOSED] {
            assert_eq!(hash.matches(&typed(again)), PasswordMatch::Yes, "{set:?} {again:?}");
        }
        assert_eq!(hash.matches(&typed("cafe au lait")), PasswordMatch::No);
    }
    assert_eq!(typed(DECOMPOSED).expose(), COMPOSED);
    assert_eq!(typed(COMPOSED).forms().count(), 1);
    assert!(!format!("{:?}", typed(DECOMPOSED)).contains("lait"));
}

#[test]
fn hash_of_what_was_typed_before_stays_valid() {
    // SHA-1 of the decomposed form, as an installation would have it that never composed.
    let digest = <sha1::Sha1 as sha1::Digest>::digest(DECOMPOSED.as_bytes());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let hash = PasswordHash::parse(&hex).unwrap();
    assert_eq!(hash.matches(&typed(DECOMPOSED)), PasswordMatch::Yes);
    assert_eq!(hash.matches(&typed(COMPOSED)), PasswordMatch::No, "this was not typed");
}
