//! The list of common passwords, embedded.
//!
//! An exact set, not a probabilistic filter: no false positives. All of the list is kept, because
//! ASVS 5.0 (6.2.4) counts only entries that fit the policy: the 3,000 most common passwords of ten
//! characters or more are spread over the first 117,000.

mod fst_search;

use std::fmt;
use std::sync::LazyLock;

use fst::Set;
use thiserror::Error;

use fst_search::FstSearch;

/// Number of passwords on the list.
const ENTRIES: usize = 961_927;

/// How long, in bytes, an entry can be: the longest has 39.
///
/// A longer password is not looked up.
const LONGEST: usize = 42;

/// Two that the administrators' manual names.
const EXAMPLES: [&str; 2] = ["california", "enterprise"];

static LIST: &[u8] = include_bytes!("../../data/common-passwords.fst");

static EMBEDDED: LazyLock<Result<CommonPasswords, ListError>> = LazyLock::new(|| CommonPasswords::read(LIST));

/// The 961,927 distinct entries of the public list of a million common passwords.
pub struct CommonPasswords {
    set: Set<&'static [u8]>,
    search: FstSearch,
}

impl CommonPasswords {
    /// The embedded list.
    ///
    /// The first call checks its sum, count and two known entries, which takes some milliseconds.
    ///
    /// # Errors
    /// [`ListError`]: the file that was embedded is damaged.
    pub fn embedded() -> Result<&'static Self, ListError> {
        EMBEDDED.as_ref().map_err(|&error| error)
    }

    /// Whether a password is on the list, its ASCII letters in any case.
    ///
    /// Every single character counts as one of them, as in the list of the PHP system.
    /// Takes about 0.2 microseconds and no memory.
    pub fn contains(&self, password: &str) -> bool {
        let is_one = password.chars().nth(1).is_none() && !password.is_empty();
        is_one || password.len() <= LONGEST && self.search.finds(password.as_bytes())
    }

    /// How many passwords it has.
    pub fn len(&self) -> usize {
        self.set.len()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    fn read(bytes: &'static [u8]) -> Result<Self, ListError> {
        let set = Set::new(bytes).map_err(|_| ListError)?;
        set.as_fst().verify().map_err(|_| ListError)?;
        let search = FstSearch::new(bytes, set.as_fst().root().addr()).ok_or(ListError)?;
        let list = Self { set, search };
        let whole = list.len() == ENTRIES && EXAMPLES.iter().all(|example| list.contains(example));
        if whole { Ok(list) } else { Err(ListError) }
    }
}

impl fmt::Debug for CommonPasswords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommonPasswords({})", self.len())
    }
}

/// The embedded list of common passwords is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the embedded list of common passwords is damaged")]
pub struct ListError;

#[cfg(test)]
mod tests {
    use fst::Streamer;

    use super::*;

    #[test]
    fn embedded_list_is_whole() {
        assert_eq!(CommonPasswords::embedded().unwrap().len(), 961_927);
        assert!(LIST.len() <= 6_000_000);
    }

    #[test]
    fn common_password_is_found_in_any_letter_case() {
        let list = CommonPasswords::embedded().unwrap();
        for common in
            ["california", "enterprise", "banana", "CALIFORNIA", "EnterPrise", "123456", "aª»", "x", "X", "ä"]
        {
            assert!(list.contains(common), "{common}");
        }
        for rare in ["", "frankspassword", "Wonderland-1865", "californian sun set", "cálifornia", "\0\0"] {
            assert!(!list.contains(rare), "{rare}");
        }
    }

    #[test]
    fn every_entry_is_short_lower_case_and_found() {
        let list = CommonPasswords::embedded().unwrap();
        let mut entries = list.set.stream();
        let (mut count, mut longest) = (0, 0);
        while let Some(entry) = entries.next() {
            let entry = std::str::from_utf8(entry).unwrap();
            assert!(!entry.is_empty() && !entry.bytes().any(|b| b.is_ascii_uppercase()), "{entry}");
            assert!(list.contains(entry), "{entry}");
            longest = longest.max(entry.len());
            count += 1;
        }
        assert_eq!((count, longest), (961_927, 39));
    }

    #[test]
    fn neighbours_of_entries_are_found_only_if_they_are_entries() {
        let list = CommonPasswords::embedded().unwrap();
        let mut entries = list.set.stream();
        let (mut number, mut entered) = (0, 0);
        while let Some(entry) = entries.next() {
            number += 1;
            if number % 11 > 0 {
                continue;
            }
            let at = number % entry.len();
            let next = |letter: u8| letter.wrapping_add(1 + (number % 5) as u8).to_ascii_lowercase();
            let (mut changed, mut longer) = (entry.to_vec(), entry.to_vec());
            changed[at] = next(changed[at]);
            longer.insert(at, next(entry[at]));
            let without = [&entry[..at], &entry[at + 1..]].concat();
            for neighbour in
                [&entry[..entry.len() - 1], &entry[..at], &entry[at..], &changed, &longer, &without]
            {
                let is_entry = list.set.contains(neighbour);
                assert_eq!(
                    list.search.finds(neighbour),
                    is_entry,
                    "{:?}",
                    String::from_utf8_lossy(neighbour)
                );
                entered += usize::from(is_entry);
            }
        }
        assert!(entered > 10_000, "{entered}");
    }

    #[test]
    fn every_letter_may_begin() {
        let list = CommonPasswords::embedded().unwrap();
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let two = [first, second, b'1'].map(|letter| letter.to_ascii_lowercase());
                assert_eq!(list.search.finds(&two), list.set.contains(two), "{two:?}");
                assert_eq!(list.search.finds(&two[..2]), list.set.contains(&two[..2]), "{two:?}");
            }
        }
    }

    #[test]
    fn damaged_list_is_no_list() {
        let mut damaged = LIST.to_vec();
        damaged[LIST.len() / 2] ^= 1;
        assert_eq!(CommonPasswords::read(damaged.leak()).unwrap_err(), ListError);
        assert_eq!(CommonPasswords::read(&LIST[..LIST.len() - 1]).unwrap_err(), ListError);
        assert_eq!(CommonPasswords::read(b"").unwrap_err(), ListError);

        // whole, but not the one
        let other: &'static [u8] =
            Set::from_iter(["california", "enterprise"]).unwrap().into_fst().into_inner().leak();
        assert_eq!(CommonPasswords::read(other).unwrap_err(), ListError);
    }
}
