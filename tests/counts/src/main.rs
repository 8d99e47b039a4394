//! Runs one operation a number of times: `user-backend-counts OPERATION TIMES`.
//!
//! For `cargo xtask counts`, which runs it under a tool that counts instructions. Everything is on
//! one thread and nothing waits, so the same program counts the same.
#![forbid(unsafe_code)]

use std::env;
use std::hint::black_box;

use user_backend::Credentials;
use user_backend::cache::CacheBounds;
use user_backend::fuzzing::imap::dialogue;
use user_backend_bench::{RIGHT, Result, at_once, person, resolver_with, runtime};

/// Number of cached users.
const PEOPLE: usize = 64;

/// What a Dovecot says to who signs in.
const DIALOGUE: &[&[u8]] = &[
    b"* OK [CAPABILITY IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE LITERAL+ AUTH=PLAIN] Dovecot ready.\r\n",
    b"{tag} OK [CAPABILITY IMAP4rev1 SASL-IR ID ENABLE IDLE SORT THREAD=REFS MULTIAPPEND UIDPLUS] Logged in\r\n",
];

fn main() -> Result {
    let mut arguments = env::args().skip(1);
    let (operation, times) = (arguments.next().unwrap_or_default(), arguments.next().unwrap_or_default());
    let times: usize = times.parse().map_err(|_| format!("expected a number of times, found {times:?}"))?;
    match operation.as_str() {
        "cached-hit" => cached_hits(times),
        "imap-login" => imap_logins(times),
        other => Err(format!("expected `cached-hit` or `imap-login`, found {other:?}").into()),
    }
}

/// Sign-ins that memory answers.
fn cached_hits(times: usize) -> Result {
    let names: Vec<String> = (0..PEOPLE).map(person).collect();
    let resolver = resolver_with(CacheBounds::default())?;
    runtime()?.block_on(async {
        for name in &names {
            let _ = resolver.authenticate(Credentials::new(name, RIGHT)).await;
        }
    });
    for time in 0..times {
        if !at_once(&resolver, black_box(&names[time % PEOPLE]), black_box(RIGHT)) {
            return Err("a sign-in is not cached".into());
        }
    }
    Ok(())
}

/// Dialogues with an IMAP server: a greeting, one command, its answer.
///
/// The server is a script in memory, which is counted as well.
fn imap_logins(times: usize) -> Result {
    for _ in 0..times {
        if !matches!(dialogue(black_box(DIALOGUE), false, false).decided, Ok(Ok(()))) {
            return Err("a sign-in was not accepted".into());
        }
    }
    Ok(())
}
