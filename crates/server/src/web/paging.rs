//! Long lists in parts: a page shows one, and links to those beside it.

use super::page_request::PageRequest;
use super::templates::Pages;

/// How many entries a part has: a page stays below 30 KB with its stylesheet.
pub(super) const PER_PART: usize = 10;

/// The part of a list that the query names, and the ways to those beside it.
///
/// `name` is both the field of the query and the id of the section on the page at `path`.
pub(super) fn part<T>(request: &PageRequest, path: &str, name: &str, mut list: Vec<T>) -> (Vec<T>, Pages) {
    let from = begin(request.query_value(name).as_deref(), list.len());
    let link = |from: usize| request.url_for(&format!("{path}?{name}={from}#{name}"));
    let pages = Pages {
        before: (from > 0).then(|| link(from.saturating_sub(PER_PART))),
        after: (list.len() > from + PER_PART).then(|| link(from + PER_PART)),
    };
    list.drain(..from);
    list.truncate(PER_PART);
    (list, pages)
}

/// The query that leads back to the part that is shown, with this before it; empty for the first.
pub(super) fn query(request: &PageRequest, name: &str, before: char) -> String {
    let from: usize = request.query_value(name).and_then(|from| from.parse().ok()).unwrap_or_default();
    if from > 0 { format!("{before}{name}={from}") } else { String::new() }
}

/// Where a part begins: at the last one, if the list has become shorter.
fn begin(wanted: Option<&str>, len: usize) -> usize {
    let wanted: usize = wanted.and_then(|from| from.parse().ok()).unwrap_or_default();
    let last = len.saturating_sub(1) / PER_PART * PER_PART;
    wanted.min(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn part_begins_in_the_list() {
        for (wanted, len, expected) in [
            (None, 0, 0),
            (Some("10"), 0, 0),
            (Some("10"), 10, 0),
            (Some("10"), 11, 10),
            (Some("10"), 100, 10),
            (Some("4000"), 101, 100),
            (Some("-1"), 100, 0),
            (Some("18446744073709551616"), 100, 0),
            (Some("x"), 100, 0),
        ] {
            assert_eq!(begin(wanted, len), expected, "{wanted:?} of {len}");
        }
    }
}
