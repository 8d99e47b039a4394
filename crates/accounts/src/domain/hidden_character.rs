//! Characters that no reader sees, and that make two texts look like one.

/// Whether a character has no shape of its own, or changes the direction of others.
///
/// `Default_Ignorable_Code_Point` of Unicode (DerivedCoreProperties.txt), which has the marks of
/// direction, and the controls.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a display name has a hidden character that no script and no emoji needs.
///
/// Persian and Indic names need joiners, emoji need joiners and variation selectors. Both stand
/// beside characters beyond ASCII.
pub(crate) fn has_hidden(name: &str) -> bool {
    let mut before = 'a';
    let mut rest = name.chars();
    while let Some(c) = rest.next() {
        let is_needed = match c {
            '\u{200c}' | '\u{200d}' => {
                let next = rest.clone().next();
                is_visible(before) && next.is_some_and(|next| !next.is_ascii() && !is_hidden(next))
            }
            '\u{fe0e}' | '\u{fe0f}' => is_visible(before) && !is_hidden(before),
            _ => false,
        };
        if is_hidden(c) && !is_needed {
            return true;
        }
        before = c;
    }
    false
}

/// Whether a joiner may follow: a character beyond ASCII, which may be an emoji with its selector.
fn is_visible(c: char) -> bool {
    !c.is_ascii() && (!is_hidden(c) || c == '\u{fe0f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_scripts_and_emoji_need_are_visible() {
        for name in [
            "Frank",
            "Zoë",
            "علی\u{200c}رضا",
            "क्\u{200d}ष",
            "❤\u{fe0f}",
            "👩\u{200d}💻",
            "🏳\u{fe0f}\u{200d}🌈",
        ] {
            assert!(!has_hidden(name), "{name:?}");
        }
    }

    #[test]
    fn names_with_characters_that_no_reader_sees_are_found() {
        for name in [
            "a\tb",
            "a\u{7f}",
            "uni\u{200b}",
            "a\u{ad}b",
            "\u{202e}knarF",
            "a\u{2066}b",
            "a\u{2060}b",
            "a\u{200d}b",
            "ы\u{200d}",
            "ы\u{200d}\u{200d}ы",
            "a\u{fe0f}",
            "❤\u{fe0f}\u{fe0f}",
            "\u{3164}",
            "\u{e0041}",
            "\u{feff}a",
        ] {
            assert!(has_hidden(name), "{name:?}");
        }
    }
}
