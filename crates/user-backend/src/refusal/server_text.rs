//! Words of a server that may be shown: in reports, and to compare replies to canaries.

use std::fmt;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::{Serialize, Serializer};
use zeroize::Zeroizing;

use super::{Sent, local_part, printable};
use crate::secret::Password;

/// Most characters that are shown.
const MAX_SHOWN: usize = 200;

/// Fewest characters of a password that give it away when a server repeats a part of it.
const MIN_PART: usize = 4;

/// A server's reply about one name and password, safe to show.
///
/// Printable, at most 200 characters, and empty if it contains the name or the password in any
/// form.
///
/// `Debug` shows nothing; [`as_str`](Self::as_str) is for the places that mean to show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerText {
    shown: Box<str>,
    /// All words for the comparison of canaries, the name included.
    ///
    /// `None` when they hold the password, or are too many.
    words: Option<Box<str>>,
}

impl ServerText {
    /// From a server's reply to this name and password.
    pub fn new(reply: &[u8], name: &str, password: &Password) -> Self {
        Self::of(reply, Sent { name, password: password.expose() })
    }

    /// The same within this crate.
    pub(crate) fn of(reply: &[u8], sent: Sent<'_>) -> Self {
        let views = Views::of(reply);
        if views.hold_any_part(sent.password) {
            return Self::withheld();
        }
        let words = printable(reply);
        let names = [Some(sent.name), local_part(sent.name)];
        let shown = match names.into_iter().flatten().any(|name| views.hold(name)) {
            true => Box::default(),
            false => words.chars().take(MAX_SHOWN).collect::<String>().into(),
        };
        Self { shown, words: Some(words.into()) }
    }

    /// Of a reply without words.
    pub(super) fn empty() -> Self {
        Self { shown: Box::default(), words: Some(Box::default()) }
    }

    /// Nothing, about which nothing is known.
    pub(crate) fn withheld() -> Self {
        Self { shown: Box::default(), words: None }
    }

    /// The words, or nothing.
    pub fn as_str(&self) -> &str {
        &self.shown
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.shown.is_empty()
    }

    /// The same words, shown like this: with a placeholder where the name of a canary stood.
    pub(super) fn shown_as(&self, shown: &str) -> Self {
        Self { shown: shown.chars().take(MAX_SHOWN).collect::<String>().into(), words: self.words.clone() }
    }

    /// For the comparison of canaries only: they may hold the name.
    pub(super) fn words(&self) -> Option<&str> {
        self.words.as_deref()
    }
}

impl fmt::Debug for ServerText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerText(…)")
    }
}

impl Serialize for ServerText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown)
    }
}

/// Undoes one way to encode a text.
type Decoder = fn(&[u8]) -> Vec<u8>;

/// One text in every form in which servers repeat a name or a password.
///
/// As it is, decoded, without blanks. Lower case.
struct Views(Vec<Zeroizing<String>>);

impl Views {
    fn of(reply: &[u8]) -> Self {
        let decoders: [Decoder; 9] = [
            without_blanks,
            percent_decoded,
            unescaped,
            without_entities,
            unquoted,
            from_base64,
            from_hex,
            from_numbers,
            rotated,
        ];
        let plain = Zeroizing::new(reply.to_vec());
        let once: Vec<_> = decoders.iter().map(|decode| Zeroizing::new(decode(&plain))).collect();
        // Twice: base64 that is folded over two lines, percent signs inside quotes.
        let twice: Vec<_> = once
            .iter()
            .filter(|decoded| ***decoded != *plain)
            .flat_map(|decoded| decoders.iter().map(|decode| Zeroizing::new(decode(decoded))))
            .collect();
        let all = std::iter::once(plain).chain(once).chain(twice);
        Self(all.map(|bytes| lower(&bytes)).collect())
    }

    /// Whether a text contains a secret, as it is or with characters between its letters.
    fn hold(&self, secret: &str) -> bool {
        let plain = Zeroizing::new(secret.to_lowercase());
        let squeezed = letters(&plain);
        self.0.iter().any(|view| {
            view.contains(plain.as_str())
                || (squeezed.len() >= MIN_PART && letters(view).contains(squeezed.as_str()))
        })
    }

    /// The same, also for a large part of it, and for it backwards.
    fn hold_any_part(&self, secret: &str) -> bool {
        if self.hold(secret) {
            return true;
        }
        let squeezed = letters(&Zeroizing::new(secret.to_lowercase()));
        let backwards: Zeroizing<String> = Zeroizing::new(squeezed.chars().rev().collect());
        let part = squeezed.len().div_ceil(2).max(MIN_PART);
        self.0.iter().map(|view| letters(view)).any(|view| {
            [&squeezed, &backwards].into_iter().any(|secret| {
                // Only ASCII is left, so every byte is a character.
                (0..).map_while(|start| secret.get(start..start + part)).any(|part| view.contains(part))
            })
        })
    }
}

fn lower(bytes: &[u8]) -> Zeroizing<String> {
    Zeroizing::new(String::from_utf8_lossy(bytes).to_lowercase())
}

/// Letters and digits of ASCII.
///
/// A server that reads UTF-8 as Latin-1 leaves these as they are.
fn letters(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.chars().filter(char::is_ascii_alphanumeric).collect())
}

fn without_blanks(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect()
}

/// The text of a query without its escapes: `%` with two digits, and `+` for a blank.
pub(crate) fn percent_decoded(text: &[u8]) -> Vec<u8> {
    decoded(text, b'%')
}

/// Quoted-printable (RFC 2045 section 6.7).
fn unquoted(text: &[u8]) -> Vec<u8> {
    decoded(text, b'=')
}

/// Each `mark` and two hexadecimal digits become one byte.
fn decoded(text: &[u8], mark: u8) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, behind)) = rest.split_first() {
        let pair = behind.first_chunk().filter(|_| *first == mark).and_then(|[high, low]| hex(*high, *low));
        match pair {
            Some(byte) => {
                out.push(byte);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                out.push(if mark == b'%' && *first == b'+' { b' ' } else { *first });
                rest = behind;
            }
        }
    }
    out
}

/// IMAP quoting, and that of shells and C.
fn unescaped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut is_escaped = false;
    for byte in text {
        is_escaped = !is_escaped && *byte == b'\\';
        if !is_escaped {
            out.push(*byte);
        }
    }
    out
}

fn without_entities(text: &[u8]) -> Vec<u8> {
    const ENTITIES: [(&str, &str); 7] = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&apos;", "'"),
        ("&amp;", "&"),
    ];
    let mut text = String::from_utf8_lossy(text).into_owned();
    for (entity, character) in ENTITIES {
        if text.contains(entity) {
            text = text.replace(entity, character);
        }
    }
    text.into_bytes()
}

/// Everything that may be base64 (RFC 4648), decoded.
///
/// At each of the four places where it may begin.
fn from_base64(text: &[u8]) -> Vec<u8> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let mut out = Vec::new();
    for token in text.split(|byte| !(byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))) {
        let token: Zeroizing<Vec<u8>> = Zeroizing::new(
            token
                .iter()
                .map(|byte| match byte {
                    b'-' => b'+',
                    b'_' => b'/',
                    other => *other,
                })
                .collect(),
        );
        for start in 0..4 {
            let Some(rest) = token.get(start..) else { continue };
            // One character left over is no byte.
            let whole = rest.len() - usize::from(rest.len() % 4 == 1);
            if let Ok(bytes) = engine.decode(rest.get(..whole).unwrap_or_default()) {
                out.extend_from_slice(&bytes);
                out.push(b'\n');
            }
        }
    }
    out
}

/// Everything that may be hexadecimal, decoded; also with separators between its bytes.
fn from_hex(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let joined: Zeroizing<Vec<u8>> =
        Zeroizing::new(text.iter().copied().filter(|byte| !b" :,-.".contains(byte)).collect());
    for token in [text, &joined].into_iter().flat_map(|text| text.split(|byte| !byte.is_ascii_hexdigit())) {
        for start in 0..2 {
            let pairs = token.get(start..).unwrap_or_default().as_chunks::<2>().0;
            out.extend(pairs.iter().filter_map(|[high, low]| hex(*high, *low)));
            out.push(b'\n');
        }
    }
    out
}

/// Numeric character references: `\\x57`, `\\u0057`, `&#87;`, `&#x57;`, `87 111 110`.
///
/// Each number is read as octal, decimal and hexadecimal.
fn from_numbers(text: &[u8]) -> Vec<u8> {
    let text = Zeroizing::new(String::from_utf8_lossy(text).into_owned());
    let mut out = String::new();
    for radix in [8, 10, 16] {
        let numbers = text.split(|c: char| !c.is_ascii_hexdigit()).filter(|number| number.len() <= 6);
        out.extend(numbers.filter_map(|number| char::from_u32(u32::from_str_radix(number, radix).ok()?)));
        out.push('\n');
    }
    out.into_bytes()
}

/// ROT13.
fn rotated(text: &[u8]) -> Vec<u8> {
    let rotate = |byte: u8, first: u8| first + (byte - first + 13) % 26;
    let turned = text.iter().map(|byte| match byte {
        b'a'..=b'z' => rotate(*byte, b'a'),
        b'A'..=b'Z' => rotate(*byte, b'A'),
        other => *other,
    });
    turned.collect()
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

    use super::*;

    const NAME: &str = "alice@example.com";
    const PASSWORD: &str = "Wönder \"land\"-1%";

    fn text(reply: impl AsRef<[u8]>) -> ServerText {
        ServerText::of(reply.as_ref(), Sent { name: NAME, password: PASSWORD })
    }

    #[test]
    fn harmless_words_are_shown_in_printable_characters() {
        assert_eq!(text("Sorry,\tno\r\nentry  today").as_str(), "Sorry, no entry today");
        assert_eq!(text("Zugang für Gäste gesperrt").as_str(), "Zugang für Gäste gesperrt");
        assert_eq!(text(b"odd \x1b[2J \xff \xe2\x80\xae bytes").as_str(), "odd ?[2J ? ? bytes");
        assert_eq!(text("x".repeat(500)).as_str().len(), 200);
        assert_eq!(format!("{:?} {:#?}", text("hello"), text("hello")), "ServerText(…) ServerText(…)");
    }

    #[test]
    fn words_with_the_password_in_any_form_are_withheld() {
        let message = format!("\0{NAME}\0{PASSWORD}");
        let hex: String = PASSWORD.bytes().map(|byte| format!("{byte:02X}")).collect();
        let percent: String = PASSWORD.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let halves = STANDARD.encode(&message);
        let latin: Vec<u8> = PASSWORD.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
        let forms: Vec<Vec<u8>> = [
            PASSWORD.to_owned(),
            PASSWORD.to_uppercase(),
            PASSWORD.to_lowercase(),
            r#"Wönder \"land\"-1%"#.to_owned(),
            STANDARD.encode(PASSWORD),
            STANDARD.encode(&message),
            URL_SAFE_NO_PAD.encode(&message),
            STANDARD.encode(format!("{NAME}:{PASSWORD}")),
            // Cut off in the middle, and folded.
            STANDARD.encode(&message)[..36].to_owned(),
            format!("{}\r\n {}", &halves[..20], &halves[20..]),
            hex,
            percent,
            "W%C3%B6nder+%22land%22-1%25".to_owned(),
            "W=C3=B6nder=20=22land=22-1=25".to_owned(),
            "Wönder &quot;land&quot;-1%".to_owned(),
            "W ö n d e r l a n d 1".to_owned(),
            "W.ö.n.d.e.r.l.a.n.d.1".to_owned(),
            "1-dnal rednöW".to_owned(),
            // By number.
            PASSWORD.chars().map(|c| format!("&#{};", u32::from(c))).collect(),
            PASSWORD.chars().map(|c| format!("&#x{:x};", u32::from(c))).collect(),
            PASSWORD.chars().map(|c| format!("\\u{:04x}", u32::from(c))).collect(),
            PASSWORD.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
            PASSWORD.chars().map(|c| format!("{} ", u32::from(c))).collect(),
            PASSWORD.bytes().map(|byte| format!("{byte:02x}:")).collect(),
            // ROT13 of its letters.
            "Jöaqre \"ynaq\"-1%".to_owned(),
            // UTF-16.
            PASSWORD.chars().flat_map(|c| [c, '\0']).collect(),
            // A part of it.
            "Wönder".to_owned(),
            "nder \"lan".to_owned(),
        ]
        .into_iter()
        .map(String::into_bytes)
        .chain([latin])
        .collect();
        for form in forms {
            let reply = [b"refused: <".as_slice(), &form, b">"].concat();
            let shown = text(&reply);
            assert_eq!((shown.as_str(), shown.words()), ("", None), "{}", String::from_utf8_lossy(&reply));
        }
    }

    #[test]
    fn words_with_the_name_are_not_shown() {
        let encoded = STANDARD.encode(NAME);
        for form in [NAME, "ALICE@EXAMPLE.COM", "alice", "Alice%40example.com", &encoded, "a.l.i.c.e"] {
            let shown = text(format!("user <{form}> is refused"));
            assert_eq!(shown.as_str(), "", "{form}");
            // They can still be compared.
            assert!(shown.words().is_some(), "{form}");
        }
    }

    #[test]
    fn short_passwords_withhold_what_holds_them() {
        let shown = |password| ServerText::of(b"Sorry, no", Sent { name: "x", password }).as_str().to_owned();
        assert_eq!([shown("o"), shown("zz"), shown("zzz")], ["", "Sorry, no", "Sorry, no"]);
    }

    #[test]
    fn no_bytes_panic() {
        let mut state = 7_u32;
        for length in 0..600 {
            let bytes: Vec<u8> = (0..length)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    state.to_le_bytes()[3]
                })
                .collect();
            let _ = text(&bytes);
        }
    }
}
