//! Recognises refusals by the text of a reply, if its code does not decide.
//!
//! Servers refuse in words that no standard defines, and report outages in the same place. A reply
//! counts as a refusal only if it is recognised as one, in this order:
//!
//! 1. its code (RFC 5530, FTP, NTSTATUS), which the protocol's `reply.rs` knows;
//! 2. the operator's [`RefusalTexts`] (setting `refusal_texts`);
//! 3. the list of outage wordings: then it is an outage;
//! 4. the list of refusal wordings;
//! 5. [`OwnWords`]: the words with which this server refused two canary users. The resolver
//!    compares these.
//!
//! Everything else is an outage that counts as a guess. The lists are in [`wordings`], with a table
//! of what real servers say beside them.
//!
//! # Security
//! Raw words of a server stay inside a [`ReplyText`]. What leaves it is a [`ReplyClass`], and a
//! [`ServerText`], which holds neither the name nor the password.

#![cfg_attr(
    not(all(feature = "imap", feature = "ftp")),
    allow(dead_code, reason = "not every class needs all of it")
)]

mod own_words;
mod server_text;
mod texts;
mod wordings;

pub(crate) use own_words::{OwnWords, told_to_canary};
pub use server_text::ServerText;
pub(crate) use server_text::percent_decoded;
pub use texts::{RefusalTextError, RefusalTexts};

use std::fmt;

use zeroize::Zeroizing;

use crate::backend::Attempt;
use crate::verdict::{Identity, Rejection, Verdict};

/// Most bytes of a reply that are kept, unless its protocol says otherwise.
///
/// What is longer is neither compared nor shown.
const MAX_REPLY: usize = 2 * 1024;

/// What the words of a reply mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplyClass {
    /// The server refuses this user, for this reason.
    Refusal(Rejection),
    /// The server cannot or does not want to judge now.
    Outage,
    /// Neither is recognised.
    Unknown,
}

/// A name and a password that were sent to a server.
#[derive(Clone, Copy)]
pub(crate) struct Sent<'a> {
    pub(crate) name: &'a str,
    pub(crate) password: &'a str,
}

impl<'a> Sent<'a> {
    /// Those of an attempt.
    pub(crate) fn of(attempt: &Attempt<'a>) -> Self {
        Self { name: attempt.upstream_name, password: attempt.password.expose() }
    }
}

/// A name and a password, and what this server's refusals are.
#[derive(Clone, Copy)]
pub(crate) struct Login<'a> {
    pub(crate) sent: Sent<'a>,
    pub(crate) taught: &'a RefusalTexts,
}

/// A refusal, and the server's message for the user.
pub(crate) type Refused = (Rejection, Option<ServerText>);

/// The verdict of a login.
///
/// The message of a refusal goes to the attempt.
pub(crate) fn verdict(attempt: &Attempt<'_>, login: Result<(), Refused>) -> Verdict {
    match login {
        Ok(()) => Verdict::Accepted(Identity::of(attempt.name)),
        Err(refused) => reject(attempt, refused),
    }
}

/// The verdict of a refusal.
///
/// The message goes to the attempt.
pub(crate) fn reject(attempt: &Attempt<'_>, (rejection, message): Refused) -> Verdict {
    if let Some(message) = message {
        attempt.set_message(message);
    }
    Verdict::Rejected(rejection)
}

/// What the words of one reply mean: all that leaves a guard.
#[derive(Clone, Debug)]
pub(crate) struct Words {
    pub(crate) class: ReplyClass,
    /// The operator taught them.
    pub(crate) is_taught: bool,
    /// For a report of what is not recognised.
    pub(crate) text: ServerText,
    /// A message with more detail than the class, e.g. that an app password is required.
    pub(crate) message: Option<ServerText>,
}

/// The raw words of one reply, inside a guard.
///
/// Wiped on drop, never shown.
pub(crate) struct ReplyText {
    raw: Zeroizing<Vec<u8>>,
    limit: usize,
    is_too_long: bool,
    /// The protocol marks these words as something to be shown to the user.
    is_alert: bool,
}

impl Default for ReplyText {
    fn default() -> Self {
        Self::with_limit(MAX_REPLY)
    }
}

impl ReplyText {
    /// Keeps at most this many bytes.
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self { raw: Zeroizing::default(), limit, is_too_long: false, is_alert: false }
    }

    /// Forgets everything, before the next reply.
    pub(crate) fn clear(&mut self) {
        *self = Self::with_limit(self.limit);
    }

    /// Marks the words as something that the user is to see.
    pub(crate) fn mark_as_alert(&mut self) {
        self.is_alert = true;
    }

    /// Whether there are any.
    pub(crate) fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Adds one line, without its code and its line end.
    pub(crate) fn add(&mut self, line: &[u8]) {
        let blank: &[u8] = if self.raw.is_empty() { b"" } else { b" " };
        if self.raw.len() + blank.len() + line.len() > self.limit {
            self.is_too_long = true;
            return;
        }
        self.append(blank);
        self.append(line);
    }

    /// Adds a part of a text that comes in parts; returns whether it had room.
    pub(crate) fn append(&mut self, part: &[u8]) -> bool {
        if self.raw.capacity() == 0 {
            // A buffer that grows would leave copies in memory.
            self.raw.reserve_exact(self.limit);
        }
        self.is_too_long |= self.raw.len() + part.len() > self.limit;
        if !self.is_too_long {
            self.raw.extend_from_slice(part);
        }
        !self.is_too_long
    }

    /// What the words mean, and what of them may be shown.
    ///
    /// Forgets them.
    pub(crate) fn judge(&mut self, taught: &RefusalTexts, sent: Sent<'_>) -> Words {
        let unknown = |text: ServerText| Words {
            class: ReplyClass::Unknown,
            is_taught: false,
            message: self.is_alert.then(|| text.clone()),
            text,
        };
        let words = if self.is_too_long {
            Words { message: None, ..unknown(ServerText::withheld()) }
        } else if self.raw.is_empty() {
            // Every yes comes here: guards keep the words of refusals only.
            unknown(ServerText::empty())
        } else {
            let is_taught = taught.match_reply(&self.raw, sent.name);
            let (class, is_for_the_user) = match is_taught {
                true => (ReplyClass::Refusal(Rejection::BadCredentials), false),
                false => wordings::class(&self.raw, sent.name),
            };
            // Making sure that a text holds no password takes its time, so it is done for those
            // that may be shown: those of a plain refusal never are.
            let is_for_the_user = is_for_the_user || self.is_alert;
            let is_plain_refusal = matches!(class, ReplyClass::Refusal(_)) && !is_for_the_user;
            let text = match is_plain_refusal {
                true => ServerText::withheld(),
                false => ServerText::of(&self.raw, sent),
            };
            Words { class, is_taught, message: is_for_the_user.then(|| text.clone()), text }
        };
        self.clear();
        words
    }
}

impl fmt::Debug for ReplyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplyText(…)")
    }
}

/// The part of a name before its domain, if it has one.
fn local_part(name: &str) -> Option<&str> {
    name.rsplit_once('@').map(|(local, _)| local).filter(|local| !local.is_empty())
}

/// One line of printable characters.
///
/// Control characters, bidirectional marks and what is not UTF-8 become `?`, runs of blanks become
/// one.
fn printable(reply: &[u8]) -> String {
    let text = String::from_utf8_lossy(reply);
    let clean = |c: char| match c {
        ' '..='~' => c,
        '\t' | '\r' | '\n' => ' ',
        c if c.is_alphanumeric() => c,
        _ => '?',
    };
    let text: String = text.chars().map(clean).collect();
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests;
