//! Context words, which a password must not contain.
//!
//! They are publicly known words about the user and the service.
//!
//! NIST SP 800-63B-4 asks for it ("context-specific words"), ASVS 5.0 in 6.2.11. A guesser who
//! knows a login name tries it first, followed by a year.

use std::fmt;
use std::sync::LazyLock;

use zeroize::Zeroizing;

/// From how many code points on a word must not be anywhere in a password.
///
/// A shorter one ("Bo") must not be all of it: short names are in too many good passwords by
/// accident.
const CONTAINED_FROM: usize = 4;

/// Whose password it is, and where.
///
/// All of it is optional; what is absent is not checked.
///
/// Looked for are each of these texts as a whole and the words in it ("Alice", "Liddell"), in any
/// letter case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context<'a> {
    user_id: Option<&'a str>,
    display_name: Option<&'a str>,
    mail: Option<&'a str>,
    product: Option<&'a str>,
}

impl<'a> Context<'a> {
    /// The login name.
    #[must_use]
    pub fn user_id(self, user_id: &'a str) -> Self {
        Self { user_id: Some(user_id), ..self }
    }

    /// The name that others see.
    #[must_use]
    pub fn display_name(self, name: &'a str) -> Self {
        Self { display_name: Some(name), ..self }
    }

    /// The mail address; the part before its last `@` is compared.
    #[must_use]
    pub fn mail(self, address: &'a str) -> Self {
        Self { mail: Some(address), ..self }
    }

    /// The name of the service.
    #[must_use]
    pub fn product(self, name: &'a str) -> Self {
        Self { product: Some(name), ..self }
    }

    /// The first thing of these that a password has in it.
    pub(crate) fn found_in(&self, password: &str) -> Option<ContextField> {
        let password = folded(password);
        let fields = [
            (ContextField::UserId, self.user_id),
            (ContextField::DisplayName, self.display_name),
            (ContextField::Mail, self.mail.map(local_part)),
            (ContextField::Product, self.product),
        ];
        let known = fields.into_iter().filter_map(|(field, text)| Some((field, text?)));
        known.filter(|(_, text)| has_word_of(&password, text)).map(|(field, _)| field).next()
    }
}

/// The part of a [`Context`] that was found.
///
/// `Display` is its name for users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContextField {
    /// The login name.
    UserId,
    /// The name that others see.
    DisplayName,
    /// The mail address.
    Mail,
    /// The name of the service.
    Product,
}

impl fmt::Display for ContextField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId => "the user name",
            Self::DisplayName => "the display name",
            Self::Mail => "the email address",
            Self::Product => "the name of this service",
        })
    }
}

fn local_part(address: &str) -> &str {
    address.rsplit_once('@').map_or(address, |(local, _)| local)
}

fn has_word_of(folded_password: &str, text: &str) -> bool {
    let text = folded(text);
    let mut words = text.split(|c: char| !c.is_alphanumeric());
    // Where the whole text is, its words are: it is looked for only if none of them is.
    let mut no_word_tells = true;
    let has_word = words.any(|word| {
        no_word_tells &= is_short(word);
        has(folded_password, word)
    });
    has_word || (no_word_tells && has(folded_password, text.trim()))
}

fn has(folded_password: &str, word: &str) -> bool {
    if is_short(word) {
        return !word.is_empty() && folded_password == word;
    }
    memchr::memmem::find(folded_password.as_bytes(), word.as_bytes()).is_some()
}

fn is_short(word: &str) -> bool {
    word.chars().nth(CONTAINED_FROM - 1).is_none()
}

/// Without letter case, in memory that is wiped.
///
/// Its capacity is never outgrown, so no copy is left in memory.
fn folded(text: &str) -> Zeroizing<String> {
    if text.is_ascii() {
        let mut folded = Zeroizing::new(text.to_owned());
        folded.make_ascii_lowercase();
        return folded;
    }
    // Nearly every text keeps its length, and what is not reserved needs no wiping.
    let mut folded = Zeroizing::new(String::with_capacity(text.len() + LONGEST_LETTER));
    for letter in text.chars() {
        if folded.capacity() - folded.len() < LONGEST_LETTER {
            // No letter takes more than three times its bytes.
            let mut larger = Zeroizing::new(String::with_capacity(text.len() * 3 + LONGEST_LETTER));
            larger.push_str(&folded);
            folded = larger;
        }
        match alone(letter) {
            Some(one) => folded.push(one),
            None => folded.extend(fold(letter)),
        }
    }
    folded
}

/// Folds through upper case, so that ß equals ss and both small sigmas are equal.
fn fold(letter: char) -> impl Iterator<Item = char> {
    letter.to_uppercase().flat_map(char::to_lowercase)
}

/// How many bytes a letter can take that is folded.
const LONGEST_LETTER: usize = 12;

/// Common alphabets, dashes and quotation marks, up to the currency signs.
const ALPHABETS: usize = 0x2100;

/// Case folding of these alphabets; NUL if that takes more than one letter.
static ALONE: LazyLock<[char; ALPHABETS]> = LazyLock::new(|| {
    std::array::from_fn(|code| {
        let letter = u32::try_from(code).ok().and_then(char::from_u32).unwrap_or_default();
        let mut letters = fold(letter);
        letters.next().filter(|_| letters.next().is_none()).unwrap_or_default()
    })
});

/// Case folding of a letter on the fast path.
///
/// [`fold`] asks two tables of all of Unicode for each letter.
fn alone(letter: char) -> Option<char> {
    match letter {
        // Scripts without capitals: the living ones of India and China, Hangul, pictures.
        '\u{0590}'..='\u{109f}' | '\u{2e80}'..='\u{a63f}' | '\u{ac00}'..='\u{d7ff}' | '\u{1f000}'.. => {
            Some(letter)
        }
        '\0' => Some(letter),
        _ => ALONE.get(letter as usize).copied().filter(|one| *one != '\0'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn context_words_are_found_in_any_letter_case() {
        let alice = Context::default()
            .user_id("alice")
            .display_name("Alice Pleasance Liddell")
            .mail("al.lidd@wonderland.example")
            .product("Looking-Glass");
        let table = [
            ("aLiCe-in-wonderland", Some(ContextField::UserId)),
            ("2026alice", Some(ContextField::UserId)),
            ("pleasance!!", Some(ContextField::DisplayName)),
            ("my-LIDDELL-1", Some(ContextField::DisplayName)),
            ("al.lidd-1865", Some(ContextField::Mail)),
            ("the lidd of a pot", Some(ContextField::Mail)),
            ("al", Some(ContextField::Mail)),
            ("glass half full", Some(ContextField::Product)),
            ("looking-glass", Some(ContextField::Product)),
            // what is after the @ is no secret either, but it is not the person's name
            ("wonderland", None),
            // "al" is too short to be looked for inside
            ("royal palace", None),
            ("down the rabbit hole", None),
        ];
        for (password, found) in table {
            assert_eq!(alice.found_in(password), found, "{password}");
        }
    }

    #[test]
    fn words_of_other_scripts_are_words() {
        let person = Context::default().display_name("Žofie Ångström").product("Облако");
        assert_eq!(person.found_in("xx-ÅNGSTRÖM-xx"), Some(ContextField::DisplayName));
        assert_eq!(person.found_in("žofiežofie"), Some(ContextField::DisplayName));
        assert_eq!(person.found_in("моё облако"), Some(ContextField::Product));
        assert_eq!(person.found_in("angstrom"), None);
        let greek = Context::default().user_id("Οδυσσεύς").display_name("Strauß");
        assert_eq!(greek.found_in("ΟΔΥΣΣΕΎΣ του Ομήρου"), Some(ContextField::UserId));
        assert_eq!(greek.found_in("οδυσσεύς"), Some(ContextField::UserId));
        assert_eq!(greek.found_in("Vogel STRAUSS"), Some(ContextField::DisplayName));
    }

    #[test]
    fn nothing_known_finds_nothing() {
        let empty = Context::default().user_id("").display_name(" ").mail("@").product("--");
        for password in ["", " ", "x", "--", "correct horse"] {
            assert_eq!(Context::default().found_in(password), None);
            assert_eq!(empty.found_in(password).filter(|_| password != "--"), None, "{password:?}");
        }
    }

    #[test]
    fn no_letter_outgrows_the_buffer() {
        let worst = (0..=u32::from(char::MAX)).filter_map(char::from_u32).map(|c| {
            let folded: usize = fold(c).map(char::len_utf8).sum();
            (folded, c.len_utf8())
        });
        assert!(worst.into_iter().all(|(folded, plain)| folded <= 3 * plain && folded <= LONGEST_LETTER));
    }

    #[test]
    fn expanding_text_is_folded_whole() {
        for letter in ["\u{23a}", "\u{390}", "\u{149}", "\u{fb03}", "\u{1e9e}"] {
            let (text, folded) = (letter.repeat(400), folded(&letter.repeat(400)));
            assert_eq!(*folded, text.chars().flat_map(fold).collect::<String>(), "{letter}");
            assert!(folded.capacity() <= letter.len() * 1200 + LONGEST_LETTER);
        }
    }

    #[test]
    fn whole_text_of_short_words_is_found() {
        let person = Context::default().display_name(" Bo Li ").user_id("a.b.c");
        assert_eq!(person.found_in("xx bo li xx"), Some(ContextField::DisplayName));
        assert_eq!(person.found_in("1a.b.c1"), Some(ContextField::UserId));
        assert_eq!(person.found_in("li"), Some(ContextField::DisplayName));
        assert_eq!(person.found_in("xx bo xx li"), None);
    }

    #[test]
    fn fast_path_agrees_with_full_unicode() {
        let mut quick = 0;
        for letter in (0..=0x10_ffff).filter_map(char::from_u32) {
            let Some(one) = alone(letter) else { continue };
            assert!(fold(letter).eq([one]), "{letter:?}");
            quick += 1;
        }
        assert!(quick > 1_000_000, "{quick}");
    }
}
