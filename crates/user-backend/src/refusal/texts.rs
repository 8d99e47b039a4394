//! The setting `refusal_texts`: replies that an operator knows to be refusals.

use thiserror::Error;

use super::{local_part, printable};

/// Longest text, in characters.
const MAX_CHARACTERS: usize = 200;

/// Most texts of one backend.
const MAX_TEXTS: usize = 20;

/// Fewest letters and digits of a text, beside its placeholders.
const MIN_LETTERS: usize = 4;

/// Texts with which a server refuses a name and a password, as an operator taught them.
///
/// A text is the whole reply without its code, in any letter case. `{name}` matches the name that
/// was sent, or its part before the `@`; `*` anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RefusalTexts(Vec<String>);

/// Why a text cannot be one of [`RefusalTexts`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RefusalTextError {
    /// It would match nearly everything.
    #[error("a text with fewer than {MIN_LETTERS} letters or digits beside {{name}} and *")]
    TooGeneral,
    /// More than a reply line has.
    #[error("a text of {0} characters")]
    TooLong(usize),
    /// A control character, a line end, or another character that no reply shows.
    #[error("a text with a character that cannot be printed")]
    Unprintable,
    /// A code, which is judged apart from the words.
    #[error("a text that begins with a reply code")]
    Code,
    /// More texts than a server has.
    #[error("{0} texts")]
    TooMany(usize),
}

impl RefusalTexts {
    /// What a text must be, for error messages.
    pub(crate) const EXPECTED: &'static str = "the words of one refusal without its code, 4 to 200 characters; {name} stands for the name, * for anything";

    /// Checks and takes the texts.
    ///
    /// # Errors
    /// [`RefusalTextError`] of the first text that cannot be used.
    pub fn parse<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Result<Self, RefusalTextError> {
        let mut taken = Vec::new();
        for text in texts {
            Self::check(text.as_ref())?;
            taken.push(printable(text.as_ref().as_bytes()).to_lowercase());
        }
        if taken.len() > MAX_TEXTS { Err(RefusalTextError::TooMany(taken.len())) } else { Ok(Self(taken)) }
    }

    /// The rules for one text.
    pub(crate) fn check(text: &str) -> Result<(), RefusalTextError> {
        let characters = text.chars().count();
        if characters > MAX_CHARACTERS {
            return Err(RefusalTextError::TooLong(characters));
        }
        if text.chars().any(|c| c.is_control() || (!c.is_ascii() && !c.is_alphanumeric())) {
            return Err(RefusalTextError::Unprintable);
        }
        let begins_with_code = text.starts_with('[')
            || text.as_bytes().first_chunk().is_some_and(|[a, b, c, mark]: &[u8; 4]| {
                [a, b, c].into_iter().all(u8::is_ascii_digit) && matches!(mark, b' ' | b'-')
            });
        if begins_with_code {
            return Err(RefusalTextError::Code);
        }
        let letters = text.replace("{name}", "").chars().filter(|c| c.is_alphanumeric()).count();
        if letters < MIN_LETTERS { Err(RefusalTextError::TooGeneral) } else { Ok(()) }
    }

    /// Whether none was taught.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether one of them is this whole reply, about this name.
    pub(super) fn match_reply(&self, text: &[u8], name: &str) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let reply = printable(text).to_lowercase();
        let names = [Some(name), local_part(name)];
        self.0.iter().any(|text| {
            names.into_iter().flatten().any(|name| {
                let name = printable(name.as_bytes()).to_lowercase();
                is_like(&reply, &pattern(text, &name))
            })
        })
    }
}

/// One piece of a pattern.
///
/// `*` in a name is not a wildcard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum PatternPiece {
    Exactly(char),
    Anything,
}

fn pattern(text: &str, name: &str) -> Vec<PatternPiece> {
    let mut pieces = Vec::new();
    for (nth, part) in text.split("{name}").enumerate() {
        if nth > 0 {
            pieces.extend(name.chars().map(PatternPiece::Exactly));
        }
        pieces.extend(
            part.chars().map(|c| if c == '*' { PatternPiece::Anything } else { PatternPiece::Exactly(c) }),
        );
    }
    pieces
}

/// Whether a text is like a pattern.
///
/// Backtracks to the last wildcard only, so it takes at most `text` times `pattern` steps.
fn is_like(text: &str, pattern: &[PatternPiece]) -> bool {
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut piece) = (0, 0);
    let mut wildcard: Option<(usize, usize)> = None;
    while let Some(c) = text.get(at) {
        match pattern.get(piece) {
            Some(PatternPiece::Anything) => {
                wildcard = Some((piece + 1, at));
                piece += 1;
            }
            Some(PatternPiece::Exactly(expected)) if expected == c => {
                at += 1;
                piece += 1;
            }
            _ => match &mut wildcard {
                Some((after, from)) => {
                    *from += 1;
                    (piece, at) = (*after, *from);
                }
                None => return false,
            },
        }
    }
    pattern.get(piece..).unwrap_or_default().iter().all(|piece| *piece == PatternPiece::Anything)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusal_texts_match_whole_replies_only() {
        let texts = RefusalTexts::parse([
            "Sorry, no entry here.",
            "User {name} may not come in",
            "Ticket * refused, good bye",
        ])
        .unwrap();
        let is = |text: &str, name: &str| texts.match_reply(text.as_bytes(), name);
        assert!(is("sorry,  no entry HERE.\r\n", "alice"));
        assert!(!is("Sorry, no entry here. The database is down.", "alice"));
        assert!(!is("Oh! Sorry, no entry here.", "alice"));
        assert!(
            is("User alice may not come in", "alice")
                && is("User Alice may not come in", "alice@example.com")
        );
        assert!(!is("User bob may not come in", "alice"));
        assert!(is("Ticket 4711-ab refused, good bye", "alice") && is("Ticket no 5 refused, good bye", "x"));
        assert!(!is("Ticket 4711 refused, good bye, bye", "alice"));
        // A name is no pattern.
        assert!(is("User * may not come in", "*") && !is("User bob may not come in", "*"));
        assert!(!RefusalTexts::default().match_reply(b"", "x"));
    }

    #[test]
    fn overly_broad_refusal_texts_are_refused() {
        for (text, error) in [
            ("", RefusalTextError::TooGeneral),
            ("*", RefusalTextError::TooGeneral),
            ("no *", RefusalTextError::TooGeneral),
            ("{name} ** {name}", RefusalTextError::TooGeneral),
            ("530 Nope, sorry", RefusalTextError::Code),
            ("[ALERT] Nope, sorry", RefusalTextError::Code),
            ("Nope,\r\nsorry", RefusalTextError::Unprintable),
            ("Nope\u{202e}sorry", RefusalTextError::Unprintable),
        ] {
            assert_eq!(RefusalTexts::parse([text]), Err(error), "{text:?}");
        }
        assert_eq!(RefusalTexts::parse(["x".repeat(201)]), Err(RefusalTextError::TooLong(201)));
        assert_eq!(RefusalTexts::parse(vec!["Nope, sorry"; 21]), Err(RefusalTextError::TooMany(21)));
        assert!(RefusalTexts::parse(["Passwort ungültig", "530th try failed"]).is_ok());
    }

    #[test]
    fn matching_is_not_exponential() {
        let texts = RefusalTexts::parse(["a*a*a*a*a*a*a*a*a*a*a*b and more"]).unwrap();
        assert!(!texts.match_reply("a".repeat(2000).as_bytes(), "x"));
    }
}
