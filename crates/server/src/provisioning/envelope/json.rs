//! Responses as JSON (RFC 8259), byte for byte as PHP writes it.
//!
//! Slashes, angle brackets and all characters outside ASCII are escaped. A number without a
//! fraction is written as an integer, and a map without entries as an empty list.

use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::{CharEscape, Formatter};

use super::data::Data;

/// Writes a value.
///
/// # Errors
/// Never in practice: writing to memory does not fail, and every value has a form in JSON.
pub fn write(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, Php);
    value.serialize(&mut serializer).map_err(io::Error::from)?;
    Ok(out)
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(text) => serializer.serialize_str(text),
            Self::List(elements) => serializer.collect_seq(elements),
            Self::Map(entries) if entries.is_empty() => serializer.collect_seq([(); 0]),
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key.as_str(), value)?;
                }
                map.end()
            }
        }
    }
}

/// The bytes that PHP escapes and serde_json does not: slash, angle brackets, all outside ASCII.
static ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0x80;
    while byte < escaped.len() {
        escaped[byte] = true;
        byte += 1;
    }
    (escaped[b'/' as usize], escaped[b'<' as usize], escaped[b'>' as usize]) = (true, true, true);
    escaped
};

/// The way of PHP.
#[derive(Clone, Copy, Debug)]
struct Php;

impl Formatter for Php {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        write!(writer, "{value}")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, text: &str) -> io::Result<()> {
        let mut rest = text;
        // Found in the first byte of a character.
        while let Some(at) = rest.bytes().position(|byte| ESCAPED[usize::from(byte)]) {
            let (plain, escaped) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut characters = escaped.chars();
            match characters.next() {
                Some('/') => writer.write_all(b"\\/")?,
                Some('<') => writer.write_all(b"\\u003C")?,
                Some('>') => writer.write_all(b"\\u003E")?,
                found => {
                    for unit in found.unwrap_or_default().encode_utf16(&mut [0; 2]) {
                        write!(writer, "\\u{unit:04x}")?;
                    }
                }
            }
            rest = characters.as_str();
        }
        writer.write_all(rest.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match escape {
            CharEscape::Quote => writer.write_all(b"\\\""),
            CharEscape::ReverseSolidus => writer.write_all(b"\\\\"),
            CharEscape::Solidus => writer.write_all(b"\\/"),
            CharEscape::Backspace => writer.write_all(b"\\b"),
            CharEscape::FormFeed => writer.write_all(b"\\f"),
            CharEscape::LineFeed => writer.write_all(b"\\n"),
            CharEscape::CarriageReturn => writer.write_all(b"\\r"),
            CharEscape::Tab => writer.write_all(b"\\t"),
            CharEscape::AsciiControl(byte) => write!(writer, "\\u{byte:04x}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(value: impl Into<Data>) -> String {
        String::from_utf8(write(&value.into()).unwrap()).unwrap()
    }

    #[test]
    fn bytes_equal_the_recorded_ones() {
        for (value, expected) in [
            (Data::from("https://example.org/<b>"), r#""https:\/\/example.org\/\u003Cb\u003E""#),
            (
                Data::from("Zoë 🐘 \"q\" \\ \n\u{1}\u{7f}"),
                "\"Zo\\u00eb \\ud83d\\udc18 \\\"q\\\" \\\\ \\n\\u0001\u{7f}\"",
            ),
            (Data::from(0.0), "0"),
            (Data::from(12.5), "12.5"),
            (Data::from(-3_i64), "-3"),
            (Data::from(true), "true"),
            (Data::from(None::<String>), "null"),
            (Data::Map(Vec::new()), "[]"),
            (Data::NOTHING, "[]"),
            (Data::map([("b", 1_u32), ("a", 2)]), r#"{"b":1,"a":2}"#),
        ] {
            assert_eq!(text(value.clone()), expected, "{value:?}");
        }
    }

    proptest! {
        #[test]
        fn every_text_reads_back_equal(stored in any::<String>()) {
            let written = write(&Data::from(stored.as_str())).unwrap();
            prop_assert!(written.is_ascii());
            prop_assert_eq!(serde_json::from_slice::<String>(&written).unwrap(), stored);
        }
    }
}
