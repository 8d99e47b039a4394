//! For fuzzing: what a stream means as the answer to a password, and SCRAM.

use std::io::Cursor;

use tokio::io::{join, sink};

use super::reply::{Features, SASL, Stage, judge_failure, unexpected, words_of};
use super::scram::{Binding, Exchange, Hash};
use super::xml::XmlStream;
use crate::error::BackendError;
use crate::refusal::{RefusalTexts, Sent};

/// Reads the header of a stream and one element, and judges it as the answer to a password.
///
/// Whether it accepts or refuses; `None` if it is neither a success nor a failure.
///
/// # Errors
/// The answer decides nothing.
pub async fn answer(stream: Vec<u8>) -> Option<Result<bool, BackendError>> {
    let mut stream = XmlStream::new(join(Cursor::new(stream), sink()));
    stream.header().await.ok()?;
    let element = stream.element().await.ok()?;
    let _ = Features::of(&element);
    if element.is(SASL, "success") {
        return Some(Ok(true));
    }
    if !element.is(SASL, "failure") {
        return Some(Err(unexpected(Stage::Password, &element)));
    }
    let sent = Sent { name: "alice", password: "Wonderland-1" };
    let words = words_of(&element).judge(&RefusalTexts::default(), sent);
    Some(judge_failure(Stage::Password, &element, &words).map(|_| false))
}

/// Whether these are the two messages of a server that knows the password.
pub async fn scram(challenge: &str, last: &str) -> bool {
    let exchange = Exchange::begin(Hash::Sha1, Binding::Unsupported, "alice", "abc".to_owned());
    match exchange.answer(challenge, "Wonderland-1").await {
        Ok((_, signature)) => signature.verify(last).is_ok(),
        Err(_) => false,
    }
}
