//! The lines that carry a name and a password, and nothing else.
//!
//! SASL PLAIN and SASL LOGIN are in [`crate::sasl`]. The command LOGIN (RFC 9051 section 6.2.3)
//! carries printable ASCII in quotes and everything else in a literal (section 4.3).

pub(super) use crate::sasl::{SecretLine, login_in_turns};
use crate::sasl::{exact, plain, with_capacity};

/// Longest line of the command LOGIN.
///
/// RFC 2683 section 3.2.1.5 asks clients to stay below about a thousand octets; servers have been
/// seen to hang up soon above it, which would look like an outage that anyone could cause by
/// typing. What does not fit goes into a literal.
pub(super) const MAX_LOGIN_LINE: usize = 1000;

/// Which literals a server takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literals {
    /// Each after a continuation.
    Synchronising,
    /// Also at once (RFC 7888): `LITERAL+`, or `LITERAL-`, which takes 4096 octets.
    ///
    /// No name and no password has more.
    AtOnce,
}

/// `TAG AUTHENTICATE PLAIN credentials`, for servers with SASL-IR (RFC 4959).
pub(super) fn plain_at_once(tag: &str, name: &str, password: &str) -> SecretLine {
    plain(&[tag.as_bytes(), b" AUTHENTICATE PLAIN "], name, password, b"\r\n")
}

/// The credentials alone, after a continuation.
pub(super) fn plain_in_turn(name: &str, password: &str) -> SecretLine {
    plain(&[], name, password, b"\r\n")
}

/// `TAG LOGIN name password`.
///
/// The first piece is sent at once, each further one after a continuation; the password is in the
/// last one.
pub(super) fn login(tag: &str, name: &str, password: &str, literals: Literals) -> Vec<SecretLine> {
    const VERB: &[u8] = b" LOGIN ";
    let quoted = |text: &str| 2 + text.len() + text.bytes().filter(|byte| is_special(*byte)).count();
    let fits = tag.len() + VERB.len() + quoted(name) + 1 + quoted(password) + 2 <= MAX_LOGIN_LINE;
    let first = tag.len() + VERB.len() + room_for(name) + 1 + room_for(password) + 2;
    let mut pieces = vec![with_capacity(first)];
    append(&mut pieces, &[tag.as_bytes(), VERB]);
    // A name has at most 255 bytes, so it always fits.
    argument(&mut pieces, name, is_plain(name), literals, 1 + room_for(password) + 2);
    append(&mut pieces, &[b" "]);
    argument(&mut pieces, password, is_plain(password) && fits, literals, 2);
    append(&mut pieces, &[b"\r\n"]);
    // Each piece is rebuilt in a buffer of its own size, so that none grows.
    pieces.into_iter().map(|piece| exact(&[&piece])).collect()
}

/// Whether a text can be quoted: printable ASCII.
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Maximum of bytes for a name or a password, quoted or as a literal with its length.
fn room_for(text: &str) -> usize {
    2 * text.len() + 16
}

/// Adds one argument: quoted, or as a literal.
///
/// `behind`: capacity for what follows in the same piece.
fn argument(pieces: &mut Vec<SecretLine>, text: &str, is_quotable: bool, literals: Literals, behind: usize) {
    if is_quotable {
        return append_quoted(pieces, text);
    }
    let length = text.len().to_string();
    match literals {
        Literals::AtOnce => append(pieces, &[b"{", length.as_bytes(), b"+}\r\n", text.as_bytes()]),
        Literals::Synchronising => {
            append(pieces, &[b"{", length.as_bytes(), b"}\r\n"]);
            pieces.push(with_capacity(room_for(text) + behind));
            append(pieces, &[text.as_bytes()]);
        }
    }
}

fn append(pieces: &mut [SecretLine], parts: &[&[u8]]) {
    if let Some(piece) = pieces.last_mut() {
        parts.iter().for_each(|part| piece.extend_from_slice(part));
    }
}

fn append_quoted(pieces: &mut [SecretLine], text: &str) {
    if let Some(piece) = pieces.last_mut() {
        quote(piece, text);
    }
}

/// RFC 9051 section 9, `quoted`.
fn quote(line: &mut Vec<u8>, text: &str) {
    line.push(b'"');
    for byte in text.bytes() {
        if is_special(byte) {
            line.push(b'\\');
        }
        line.push(byte);
    }
    line.push(b'"');
}

fn is_special(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    /// What a server makes of the base64 part.
    fn decoded(line: &[u8]) -> Vec<u8> {
        let text = str::from_utf8(line).unwrap().strip_suffix("\r\n").unwrap();
        STANDARD.decode(text.rsplit(' ').next().unwrap()).unwrap()
    }

    #[test]
    fn t02_plain_carries_every_name_and_password_byte_for_byte() {
        let odd =
            ["a", "ab", "abc", "p@ss \"w\\ord\" %41 {x}", "pässwörd€-ключ", " both ends ", "{5+}", "a:b@c;d"];
        for (name, password) in odd.iter().flat_map(|name| odd.iter().map(move |password| (name, password))) {
            let expected = [b"\0", name.as_bytes(), b"\0", password.as_bytes()].concat();
            let line = plain_at_once("Gab", name, password);
            assert!(line.starts_with(b"Gab AUTHENTICATE PLAIN "));
            assert_eq!(decoded(&line), expected);
            assert_eq!(decoded(&plain_in_turn(name, password)), expected);
        }
    }

    fn texts(pieces: &[SecretLine]) -> Vec<&str> {
        pieces.iter().map(|piece| str::from_utf8(piece).unwrap()).collect()
    }

    #[test]
    fn login_quotes_what_must_be_quoted_and_nothing_else() {
        for literals in [Literals::Synchronising, Literals::AtOnce] {
            let pieces = login("Gab", r#"al"ice\"#, r#" p@ss "w\ord" %41 {x} "#, literals);
            let line = "Gab LOGIN \"al\\\"ice\\\\\" \" p@ss \\\"w\\\\ord\\\" %41 {x} \"\r\n";
            assert_eq!(texts(&pieces), [line]);
        }
    }

    #[test]
    fn login_carries_eight_bit_texts_in_literals() {
        let pieces = |name, password, literals| login("G", name, password, literals);
        assert_eq!(
            texts(&pieces("alice", "défaut", Literals::Synchronising)),
            ["G LOGIN \"alice\" {7}\r\n", "défaut\r\n"]
        );
        assert_eq!(
            texts(&pieces("müller", "x\"y", Literals::Synchronising)),
            ["G LOGIN {7}\r\n", "müller \"x\\\"y\"\r\n"]
        );
        assert_eq!(
            texts(&pieces("müller", "ключ", Literals::Synchronising)),
            ["G LOGIN {7}\r\n", "müller {8}\r\n", "ключ\r\n"]
        );
        assert_eq!(
            texts(&pieces("müller", "ключ", Literals::AtOnce)),
            ["G LOGIN {7+}\r\nmüller {8+}\r\nключ\r\n"]
        );
    }

    #[test]
    fn sasl_login_sends_the_name_then_the_password() {
        let [name, password] = login_in_turns("müller", "défaut \"x\"");
        assert_eq!(decoded(&name), "müller".as_bytes());
        assert_eq!(decoded(&password), "défaut \"x\"".as_bytes());
    }

    #[test]
    fn login_lines_stay_below_what_servers_bear() {
        let line = |password: &str| login("G", "", password, Literals::Synchronising);
        let fixed = line("").first().unwrap().len();
        let longest = line(&"x".repeat(MAX_LOGIN_LINE - fixed));
        assert_eq!((longest.len(), longest.first().unwrap().len()), (1, MAX_LOGIN_LINE));
        let longer = "x".repeat(MAX_LOGIN_LINE - fixed + 1);
        let pieces = line(&longer);
        assert_eq!(texts(&pieces)[0], format!("G LOGIN \"\" {{{}}}\r\n", longer.len()));
        let pieces = login("G", &"\"".repeat(255), &"\\".repeat(1024), Literals::Synchronising);
        assert!(pieces.first().unwrap().len() <= MAX_LOGIN_LINE);
    }

    #[test]
    fn no_line_outgrows_its_buffer() {
        let mut texts: Vec<String> = (1..=1024).map(|length| "x".repeat(length)).collect();
        texts.extend((1..=512).map(|length| "é".repeat(length)));
        for text in texts {
            let [name, password] = login_in_turns(&text, &text);
            for line in [plain_at_once("Gab", &text, &text), plain_in_turn("a", &text), name, password] {
                assert_eq!(line.capacity(), line.len(), "{}", text.len());
            }
            for literals in [Literals::Synchronising, Literals::AtOnce] {
                for piece in login("Gab", "a\"b", &text, literals) {
                    assert_eq!(piece.capacity(), piece.len(), "{}", text.len());
                }
            }
        }
    }
}
