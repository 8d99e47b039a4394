//! Fast checks for printable ASCII, which nearly all names and passwords are.
//!
//! They look at eight bytes at a time, because every sign-in needs them.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = ONES * 0x80;

/// Whether every byte is printable ASCII, including spaces.
#[inline]
pub(crate) fn is_printable(text: &str) -> bool {
    // Below a space the subtraction borrows into the highest bit, and 0x7e plus one is that bit.
    !any(text, |word| word | word.wrapping_sub(ONES * 0x20) | word.wrapping_add(ONES))
}

/// Whether every byte is printable ASCII and not a space.
#[inline]
pub(crate) fn is_graphic(text: &str) -> bool {
    !any(text, |word| word | word.wrapping_sub(ONES * 0x21) | word.wrapping_add(ONES))
}

/// Whether a text in ASCII has an upper-case letter.
#[inline]
pub(crate) fn has_upper_case(text: &str) -> bool {
    // From `A` on the first sum has the highest bit, after `Z` the second has it too.
    any(text, |word| word.wrapping_add(ONES * (0x80 - 0x41)) & !word.wrapping_add(ONES * (0x80 - 0x5b)))
}

/// Whether the highest bit of any byte is set by `marks`.
#[inline(always)]
fn any(text: &str, marks: impl Fn(u64) -> u64) -> bool {
    let (words, rest) = text.as_bytes().as_chunks();
    // The last eight bytes, which may overlap; a shorter text is padded with lower-case letters.
    let last = text.as_bytes().last_chunk().map_or_else(
        || rest.iter().fold(ONES * 0x61, |word, byte| word << 8 | u64::from(*byte)),
        |last| u64::from_le_bytes(*last),
    );
    let found = words.iter().fold(marks(last), |found, word| found | marks(u64::from_le_bytes(*word)));
    found & HIGH != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place_is_seen() {
        let plain = "abcdefghijklmnopqrst";
        for length in 0..=plain.len() {
            let text = &plain[..length];
            assert!(is_printable(text) && is_graphic(text) && !has_upper_case(text));
            for place in 0..length {
                for found in (0..=0xff_u32).filter_map(char::from_u32) {
                    let text = format!("{}{found}{}", &text[..place], &text[place + 1..]);
                    assert_eq!(is_printable(&text), found == ' ' || found.is_ascii_graphic(), "{text:?}");
                    assert_eq!(is_graphic(&text), found.is_ascii_graphic(), "{text:?}");
                    if found.is_ascii() {
                        assert_eq!(has_upper_case(&text), found.is_ascii_uppercase(), "{text:?}");
                    }
                }
            }
        }
    }
}
