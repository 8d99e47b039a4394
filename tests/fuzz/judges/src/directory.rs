//! LDAP: what one answer to a bind means, and filters.

use user_backend::fuzzing::ldap::{bind_answer, filter as filled};

use crate::fake_server;

/// One message, as the answer to a bind.
pub fn result(input: &[u8]) {
    let holds = |code: u8| {
        let forms: [&[u8]; 3] = [&[0x0a, 1, code], &[0x0a, 2, 0, code], &[0x0a, 0x81, 1, code]];
        forms.iter().any(|form| input.windows(form.len()).any(|part| part == *form))
    };
    match bind_answer(input) {
        Some(Ok(true)) => assert!(holds(0), "a yes that was not sent"),
        Some(Ok(false)) => {
            assert!([19, 32, 48, 49, 50, 53].into_iter().any(holds), "a no that was not sent");
        }
        Some(Err(error)) => fake_server::has_no_secret(&error),
        None => {}
    }
}

/// First line: a filter.
///
/// After it a name, which must not change what the filter asks.
pub fn filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (text, name) = text.split_once('\n').unwrap_or((text, "alice"));
    let Some(plain) = filled(text, "alice") else { return };
    let found = filled(text, name).expect("a filter, whatever the name is");
    assert_eq!(shape(&plain), shape(&found), "{name:?} changes {text:?}");
    if text.contains("{name}") {
        let held = name.is_empty() || found.windows(name.len()).any(|part| part == name.as_bytes());
        assert!(held, "{name:?} is not in {text:?}");
    }
}

/// The tags of all values, in any order.
fn shape(bytes: &[u8]) -> Vec<u8> {
    let mut tags = Vec::new();
    walk(bytes, &mut tags);
    tags.sort_unstable();
    tags
}

fn walk(mut bytes: &[u8], tags: &mut Vec<u8>) {
    while let [tag, first, rest @ ..] = bytes {
        tags.push(*tag);
        let more = if *first < 0x80 { 0 } else { usize::from(*first & 0x7f) };
        let (size, rest) = rest.split_at(more);
        let length = match more {
            0 => usize::from(*first),
            _ => size.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        };
        let (value, rest) = rest.split_at(length);
        if tag & 0x20 != 0 {
            walk(value, tags);
        }
        bytes = rest;
    }
    assert!(bytes.is_empty(), "half a value");
}
