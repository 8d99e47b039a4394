//! The lines that carry a name and a password, and nothing else.
//!
//! Each is built once, in a buffer of exactly the right size that is wiped afterwards: a buffer that grew would leave
//! copies behind. SASL PLAIN (RFC 4616) carries every character; LOGIN (RFC 9051 section 6.2.3) is for servers that
//! offer nothing else, and carries printable ASCII only.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// Longest LOGIN line. RFC 2683 section 3.2.1.5 asks clients to stay below about a thousand octets; servers have been
/// seen to hang up soon above it, which would look like an outage that anybody could cause by typing.
pub(super) const MAX_LOGIN_LINE: usize = 1000;

/// A line with a secret in it.
pub(super) type SecretLine = Zeroizing<Vec<u8>>;

/// Why LOGIN cannot carry a name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    NotAscii,
    TooLong,
}

/// `TAG AUTHENTICATE PLAIN credentials`, for servers with SASL-IR (RFC 4959).
pub(super) fn plain_at_once(tag: &str, name: &str, password: &str) -> SecretLine {
    plain_behind(&[tag.as_bytes(), b" AUTHENTICATE PLAIN "], name, password)
}

/// The credentials alone, behind a continuation.
pub(super) fn plain_in_turn(name: &str, password: &str) -> SecretLine {
    plain_behind(&[], name, password)
}

fn plain_behind(head: &[&[u8]], name: &str, password: &str) -> SecretLine {
    // RFC 4616 section 2: [authzid] NUL authcid NUL passwd. Neither may hold NUL: `LoginName` and `Password` see to it.
    let message = exact(&[b"\0", name.as_bytes(), b"\0", password.as_bytes()]);
    let encoded = message.len().div_ceil(3) * 4;
    let mut line = with_capacity(head.iter().map(|part| part.len()).sum::<usize>() + encoded + 2);
    head.iter().for_each(|part| line.extend_from_slice(part));
    let start = line.len();
    line.resize(start + encoded, 0);
    // It cannot fail, the room is exactly what is needed; if it did, NUL would make the server refuse the line.
    let _ = STANDARD.encode_slice(message.as_slice(), line.get_mut(start..).unwrap_or_default());
    line.extend_from_slice(b"\r\n");
    line
}

/// `TAG LOGIN "name" "password"`, quoted.
///
/// # Errors
/// [`Unfit`] when LOGIN cannot carry them.
pub(super) fn login(tag: &str, name: &str, password: &str) -> Result<SecretLine, Unfit> {
    if [name, password].iter().any(|text| text.bytes().any(|byte| !matches!(byte, b' '..=b'~'))) {
        return Err(Unfit::NotAscii);
    }
    const VERB: &[u8] = b" LOGIN ";
    let quoted = |text: &str| 2 + text.len() + text.bytes().filter(|byte| is_special(*byte)).count();
    let length = tag.len() + VERB.len() + quoted(name) + 1 + quoted(password) + 2;
    if length > MAX_LOGIN_LINE {
        return Err(Unfit::TooLong);
    }
    let mut line = with_capacity(length);
    line.extend_from_slice(tag.as_bytes());
    line.extend_from_slice(VERB);
    quote(&mut line, name);
    line.push(b' ');
    quote(&mut line, password);
    line.extend_from_slice(b"\r\n");
    Ok(line)
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

fn exact(parts: &[&[u8]]) -> SecretLine {
    let mut joined = with_capacity(parts.iter().map(|part| part.len()).sum());
    parts.iter().for_each(|part| joined.extend_from_slice(part));
    joined
}

fn with_capacity(bytes: usize) -> SecretLine {
    Zeroizing::new(Vec::with_capacity(bytes))
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn login_quotes_what_must_be_quoted_and_nothing_else() {
        let line = login("Gab", r#"al"ice\"#, r#" p@ss "w\ord" %41 {x} "#).unwrap();
        assert_eq!(
            str::from_utf8(&line).unwrap(),
            "Gab LOGIN \"al\\\"ice\\\\\" \" p@ss \\\"w\\\\ord\\\" %41 {x} \"\r\n"
        );
    }

    #[test]
    fn login_carries_printable_ascii_only() {
        for text in ["ключ", "é", "\u{80}", "a\0b", "a\r\nb", "\u{7f}"] {
            assert_eq!(login("G", text, "x").unwrap_err(), Unfit::NotAscii, "{text:?}");
            assert_eq!(login("G", "x", text).unwrap_err(), Unfit::NotAscii, "{text:?}");
        }
    }

    #[test]
    fn login_lines_stay_below_what_servers_bear() {
        let fixed = login("G", "", "").unwrap().len();
        assert_eq!(login("G", "", &"x".repeat(MAX_LOGIN_LINE - fixed)).unwrap().len(), MAX_LOGIN_LINE);
        assert_eq!(login("G", "", &"x".repeat(MAX_LOGIN_LINE - fixed + 1)).unwrap_err(), Unfit::TooLong);
        assert_eq!(login("G", &"\"".repeat(255), &"\\".repeat(400)).unwrap_err(), Unfit::TooLong);
    }

    #[test]
    fn no_line_outgrows_its_buffer() {
        for length in 1..=1024 {
            let text = "x".repeat(length);
            for line in [plain_at_once("Gab", &text, &text), plain_in_turn("a", &text)] {
                assert_eq!(line.capacity(), line.len(), "{length}");
            }
            if let Ok(line) = login("Gab", "a\"b", &text) {
                assert_eq!(line.capacity(), line.len(), "{length}");
            }
        }
    }
}
