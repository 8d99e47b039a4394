//! The path of a call, cut into segments before anything in it is decoded.
//!
//! Each segment is decoded once: `%2F` in an id is part of the id and never a new segment. Several
//! slashes in a row count as one, a slash at the end does not vanish: clients know `/cloud/users/`
//! as a path that does not exist.

use percent_encoding::percent_decode_str;

/// More segments than any route has, for any group id.
const MOST_SEGMENTS: usize = 64;

/// A decoded path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    segments: Vec<String>,
}

impl Path {
    /// Splits and decodes the path after `/ocs/v1.php`.
    ///
    /// `None` when it is not UTF-8 or has too many segments: nothing has such a path.
    pub fn parse(raw: &str) -> Option<Self> {
        let raw = raw.trim_start_matches('/');
        let mut segments = Vec::new();
        let mut pieces = raw.split('/').peekable();
        while let Some(piece) = pieces.next() {
            if piece.is_empty() && pieces.peek().is_some() {
                continue;
            }
            if segments.len() == MOST_SEGMENTS {
                return None;
            }
            segments.push(percent_decode_str(piece).decode_utf8().ok()?.into_owned());
        }
        Some(Self { segments })
    }

    /// The same with another last segment.
    pub(super) fn with_last(&self, last: &str) -> Self {
        let mut segments = self.segments.clone();
        segments.pop();
        segments.push(last.to_owned());
        Self { segments }
    }

    /// The segments.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }
}

/// The parts of a path that have a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captures<'p> {
    named: Vec<(&'static str, &'p [String])>,
}

impl Captures<'_> {
    /// The names.
    #[cfg(test)]
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        self.named.iter().map(|(name, _)| *name)
    }

    /// The part of this name: one segment, or several with their slashes.
    ///
    /// Empty without one.
    pub fn get(&self, name: &str) -> String {
        let found = self.named.iter().find(|(found, _)| *found == name);
        found.map(|(_, segments)| segments.join("/")).unwrap_or_default()
    }
}

/// The parts of a path that a pattern names, if the path is one of the pattern's.
pub(super) fn matched<'p>(pattern: &'static str, path: &'p [String]) -> Option<Captures<'p>> {
    let pieces = pattern.trim_start_matches('/').split('/');
    let behind = pieces.clone().count();
    let mut captures = Captures::default();
    let mut rest = path;
    for (index, piece) in pieces.enumerate() {
        let name = piece.strip_prefix('{').and_then(|piece| piece.strip_suffix('}'));
        let taken = match name {
            // As many as leave one segment for each later piece.
            Some(name) if name.ends_with('*') => {
                rest.len().checked_sub(behind - index - 1).filter(|n| *n > 0)?
            }
            _ => 1,
        };
        let (here, after) = rest.split_at_checked(taken)?;
        match name {
            Some(_) if here.iter().all(String::is_empty) => return None,
            Some(name) => captures.named.push((name.trim_end_matches('*'), here)),
            None if here.first().is_some_and(|segment| segment == piece) => {}
            None => return None,
        }
        rest = after;
    }
    rest.is_empty().then_some(captures)
}

/// An id decoded once more, as a form would: `a%2Fb` is `a/b`, `my+group` is `my group`.
///
/// `None` when that changes nothing or makes no text.
///
/// The original decodes the ids of groups twice, so clients encode them twice. The right way is to
/// look for the id as it came first, and for this one only if that does not exist.
pub fn decoded_again(id: &str) -> Option<String> {
    let spaced = id.replace('+', " ");
    let again = percent_decode_str(&spaced).decode_utf8().ok()?.into_owned();
    (again != id).then_some(again)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_cut_before_it_is_decoded() {
        for (raw, segments) in [
            ("/cloud/users", vec!["cloud", "users"]),
            ("//cloud///users", vec!["cloud", "users"]),
            ("/cloud/users/", vec!["cloud", "users", ""]),
            ("/cloud/groups/a%2Fb", vec!["cloud", "groups", "a/b"]),
            ("/cloud/groups/a%252Fb", vec!["cloud", "groups", "a%2Fb"]),
            ("/cloud/users/frank%20the+tank", vec!["cloud", "users", "frank the+tank"]),
            ("/cloud/users/%2e%2e/x", vec!["cloud", "users", "..", "x"]),
            ("/cloud/users/Espa%C3%B1a%00", vec!["cloud", "users", "Espa\u{f1}a\0"]),
            ("/", vec![""]),
            ("", vec![""]),
        ] {
            let found = Path::parse(raw).unwrap();
            assert_eq!(found.segments(), segments, "{raw}");
        }
        assert_eq!(Path::parse("/cloud/users/%ff"), None);
    }

    #[test]
    fn second_decoding_reports_a_difference() {
        assert_eq!(decoded_again("a%2Fb").as_deref(), Some("a/b"));
        assert_eq!(decoded_again("my+group").as_deref(), Some("my group"));
        assert_eq!(decoded_again("c%2B%2B").as_deref(), Some("c++"));
        assert_eq!(decoded_again("c++").as_deref(), Some("c  "));
        assert_eq!(decoded_again("plain"), None);
        assert_eq!(decoded_again("%ff"), None);
    }
}
