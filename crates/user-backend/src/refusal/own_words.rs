//! The words with which one server refuses, learned from two canary users.

use super::server_text::ServerText;
use super::{local_part, printable};
use crate::error::BackendError;

/// Placeholder for the name that was sent.
///
/// No reply holds these characters: they cannot be printed.
const NAME: &str = "\u{1}";

/// Placeholder for its part before the domain.
const LOCAL_PART: &str = "\u{2}";

/// What one server says to users who do not exist, with the name taken out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OwnWords {
    /// The code and the command, as our error says them.
    ///
    /// The same words with another code are other words.
    context: String,
    pattern: String,
}

impl OwnWords {
    /// The reply to two canary users, if it was the same.
    ///
    /// Each is the name that was sent, and what came of it. A reply without any word is none: it
    /// does not distinguish this server's refusals from anything else.
    pub(crate) fn of_both(one: (&str, &BackendError), other: (&str, &BackendError)) -> Option<Self> {
        let learned = |(name, error): (&str, &BackendError)| {
            let words = error.server_text().filter(|_| error.is_learnable())?.words()?;
            Some(Self { context: error.detail().to_owned(), pattern: with_places(words, name) })
        };
        let (one, other) = (learned(one)?, learned(other)?);
        (one == other && one.pattern.chars().any(char::is_alphanumeric)).then_some(one)
    }

    /// Whether this is what the server says to this user.
    ///
    /// The name is put into the pattern, instead of being taken out of the reply: a name may be a
    /// word of the reply.
    pub(crate) fn are_in(&self, name: &str, error: &BackendError) -> bool {
        let name = printable(name.as_bytes()).to_lowercase();
        let local = local_part(&name).unwrap_or(&name);
        let filled = self.pattern.replace(LOCAL_PART, local).replace(NAME, &name);
        let words = error.server_text().and_then(ServerText::words);
        self.context == error.detail() && words.is_some_and(|words| words.to_lowercase() == filled)
    }

    /// The words, with `{name}` in place of the name: what `refusal_texts` can hold.
    pub(crate) fn shown(&self) -> String {
        shown(&self.pattern)
    }
}

/// The reply to a canary, which may be shown even with its name.
///
/// The name is ours, and not a user's.
pub(crate) fn told_to_canary(text: &ServerText, name: &str) -> ServerText {
    match text.words().filter(|_| text.is_empty()) {
        Some(words) => text.shown_as(&shown(&with_places(words, name))),
        None => text.clone(),
    }
}

fn shown(pattern: &str) -> String {
    pattern.replace(NAME, "{name}").replace(LOCAL_PART, "{name}")
}

/// A canary's name is long and random, so every occurrence is the name.
fn with_places(words: &str, name: &str) -> String {
    let name = name.to_lowercase();
    let text = words.to_lowercase().replace(&name, NAME);
    match local_part(&name) {
        Some(local) => text.replace(local, LOCAL_PART),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sent;
    use super::*;

    const CANARIES: [&str; 2] = ["canary-3f2a90c1d5e7@example.com", "canary-aa10b7735c02@example.com"];
    const PASS: &str = "reply 530 to PASS";

    fn unrecognised(answer: &str, reply: &str, name: &str) -> BackendError {
        let text =
            ServerText::of(reply.as_bytes(), Sent { name, password: "0f1e2d3c4b5a69788796a5b4c3d2e1f0" });
        BackendError::not_recognised(answer, text).learnable()
    }

    /// What is learned when both get this reply, with `{}` for the name.
    fn learned(reply: [&str; 2]) -> Option<OwnWords> {
        let [one, other] = std::array::from_fn(|nth| {
            unrecognised(PASS, &reply[nth].replace("{}", CANARIES[nth]), CANARIES[nth])
        });
        OwnWords::of_both((CANARIES[0], &one), (CANARIES[1], &other))
    }

    #[test]
    fn same_words_for_two_canaries_are_learned_without_the_name() {
        let words = learned(["Nope, {} has no business here.", "Nope, {} has no business here."]).unwrap();
        assert_eq!(words.shown(), "nope, {name} has no business here.");
        let is = |reply: &str, name: &str| words.are_in(name, &unrecognised(PASS, reply, name));
        assert!(is("Nope, alice has no business here.", "alice"));
        assert!(is("Nope, ALICE@example.com has no  business here.", "alice@Example.com"));
        // A name that is a word of the reply.
        assert!(is("Nope, business has no business here.", "business"));
        assert!(!is("Nope, bob has no business here.", "alice"));
        assert!(!is("Nope, the file server has no business here.", "alice"));
        let other_code = unrecognised("reply 550 to PASS", "Nope, alice has no business here.", "alice");
        assert!(!words.are_in("alice", &other_code));
    }

    #[test]
    fn different_words_for_two_canaries_are_not_learned() {
        assert_eq!(learned(["Nope (a1)", "Nope (b2)"]), None);
        assert_eq!(learned(["Nope", "The flux is down"]), None);
    }

    #[test]
    fn answer_to_an_unknown_command_is_not_learned() {
        let text = |name| ServerText::of(b"What?", Sent { name, password: "0f1e2d3c4b5a" });
        let [one, other] = CANARIES.map(|name| BackendError::not_recognised("reply 500 to PASS", text(name)));
        assert_eq!(OwnWords::of_both((CANARIES[0], &one), (CANARIES[1], &other)), None);
    }

    #[test]
    fn texts_with_the_password_are_neither_learned_nor_matched() {
        let secret = "0f1e2d3c4b5a69788796a5b4c3d2e1f0";
        assert_eq!(learned([secret, secret]), None);
        let words = learned(["Nope, sorry", "Nope, sorry"]).unwrap();
        let echoed = ServerText::of(b"Nope, sorry", Sent { name: "alice", password: "Nope" });
        assert!(!words.are_in("alice", &BackendError::not_recognised(PASS, echoed)));
    }

    #[test]
    fn reply_to_a_canary_is_shown_without_its_name() {
        let shown = |reply: &str| {
            let error = unrecognised(PASS, &reply.replace("{}", CANARIES[0]), CANARIES[0]);
            told_to_canary(error.server_text().unwrap(), CANARIES[0]).as_str().to_owned()
        };
        assert_eq!(shown("No {} here (7)"), "no {name} here (7)");
        assert_eq!(shown("No one here (7)"), "No one here (7)");
        assert_eq!(shown("0f1e2d3c4b5a69788796a5b4c3d2e1f0 of {}"), "");
    }

    #[test]
    fn replies_without_words_are_not_learned() {
        for reply in ["", " ", "...", "{}", "<{}>", "???"] {
            assert_eq!(learned([reply, reply]), None, "{reply:?}");
        }
        let words = learned(["no", "no"]).unwrap();
        assert!(words.are_in("alice", &unrecognised(PASS, "No", "alice")));
        assert!(!words.are_in("alice", &unrecognised(PASS, "", "alice")));
        assert!(!words.are_in("alice", &BackendError::not_recognised(PASS, ServerText::withheld())));
    }
}
