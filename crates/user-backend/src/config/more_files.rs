//! The other files of a PHP configuration.
//!
//! Beside `config.php`, the PHP system reads every `*.config.php` of the folder.
//!
//! They come after it, in the natural order of their names (`2.config.php` before `10.config.php`),
//! and a key of a later file takes the place of an earlier one.

use std::cmp::Ordering;
use std::iter::Peekable;
use std::path::{Path, PathBuf};
use std::str::Chars;

/// The name of the first file.
const MAIN: &str = "config.php";

/// The end of the others' names.
const MORE: &str = ".config.php";

/// The other files of a configuration, in the order in which they are read.
///
/// None, if the first has another name.
///
/// # Errors
/// The folder cannot be listed.
pub(super) fn beside(main: &Path) -> std::io::Result<Vec<PathBuf>> {
    if main.file_name().is_none_or(|name| name != MAIN) {
        return Ok(Vec::new());
    }
    let folder =
        main.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str() else { continue };
        // As with a pattern of the shell, a name that begins with a dot is hidden.
        if name.ends_with(MORE) && !name.starts_with('.') {
            found.push(name.to_owned());
        }
    }
    found.sort_by(|one, other| natural(one, other).then_with(|| one.cmp(other)));
    // Named as the first file is.
    Ok(found.into_iter().map(|name| main.with_file_name(name)).collect())
}

/// Compares numbers in texts by their value, as PHP's `natsort` does.
///
/// Those with a zero in front, which is not at the beginning of the text, digit by digit.
fn natural(one: &str, other: &str) -> Ordering {
    let (mut one, mut other) =
        (without_zeros(one).chars().peekable(), without_zeros(other).chars().peekable());
    loop {
        match (one.peek().copied(), other.peek().copied()) {
            (Some(a), Some(b)) if a.is_ascii_digit() && b.is_ascii_digit() => {
                let is_fraction = a == '0' || b == '0';
                let (a, b) = (digits(&mut one), digits(&mut other));
                let by_length = if is_fraction { Ordering::Equal } else { a.len().cmp(&b.len()) };
                match by_length.then_with(|| a.cmp(&b)) {
                    Ordering::Equal => {}
                    different => return different,
                }
            }
            (a, b) if a == b => {
                if a.is_none() {
                    return Ordering::Equal;
                }
                one.next();
                other.next();
            }
            (a, b) => return a.cmp(&b),
        }
    }
}

/// A text without the zeros in front of the number that it begins with.
fn without_zeros(text: &str) -> &str {
    let rest = text.trim_start_matches('0');
    if rest.starts_with(|c: char| c.is_ascii_digit()) { rest } else { text }
}

/// The digits that come next.
fn digits(text: &mut Peekable<Chars<'_>>) -> String {
    std::iter::from_fn(|| text.next_if(char::is_ascii_digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_sorted_as_php_sorts_them() {
        let folder = tempfile::tempdir().unwrap();
        // The order that PHP's natsort gives these names.
        let order = [
            "2.config.php",
            "0003.config.php",
            "10.config.php",
            "Z.config.php",
            "a.config.php",
            "a02.config.php",
            "a1.config.php",
            "a10.config.php",
        ];
        for name in order.iter().chain(&[
            "config.php",
            "config.sample.php",
            ".hidden.config.php",
            "x.php",
            "myconfig.php",
        ]) {
            std::fs::write(folder.path().join(name), "<?php").unwrap();
        }
        let found = beside(&folder.path().join("config.php")).unwrap();
        let found: Vec<&str> = found.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(found, order);
        assert!(beside(&folder.path().join("x.php")).unwrap().is_empty());
    }
}
