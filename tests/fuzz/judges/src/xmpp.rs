//! XMPP: what a stream means as the answer to a password, and the two messages of SCRAM.

use user_backend::fuzzing::xmpp::{answer, scram};

use crate::fake_server;

/// The input is what the server says, from its stream to its answer.
pub fn stream(input: &[u8]) {
    let holds = |word: &[u8]| input.windows(word.len()).any(|part| part == word);
    match fake_server::block_on(answer(input.to_vec())) {
        Some(Ok(true)) => assert!(holds(b"success") && holds(b"xmpp-sasl"), "a yes that was not sent"),
        Some(Ok(false)) => assert!(holds(b"failure"), "a no that was not sent"),
        Some(Err(error)) => fake_server::has_no_secret(&error),
        None => {}
    }
}

/// First line: the server's first message of SCRAM; after it its last one.
///
/// No input knows the password, but the one that the corpus has.
pub fn messages(input: &[u8]) {
    /// For the nonce "abcd", the salt "ABC" and 4096 rounds.
    const KNOWN: (&str, &str) = ("r=abcd,s=QUJD,i=4096", "v=uei3IhwxjNXPrRXsXyenPfcuuvE=");
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (first, last) = text.split_once('\n').unwrap_or((text, ""));
    // More rounds only take longer.
    let rounds = first.rsplit_once("i=").map_or("", |(_, rounds)| rounds);
    if rounds.split(',').next().is_some_and(|rounds| rounds.len() > 4) {
        return;
    }
    let is_yes = fake_server::block_on(scram(first, last));
    let is_known = first == KNOWN.0 && last.split(',').next() == Some(KNOWN.1);
    assert_eq!(is_yes, is_known, "{text:?}");
}
