//! Names without an account, in a form that may be logged.
//!
//! They may be passwords that were typed into the wrong field.

use std::hash::{BuildHasher, RandomState};

/// Hides names under a random key that ends with the process.
#[derive(Debug, Default)]
pub(crate) struct UnknownNames(RandomState);

impl UnknownNames {
    /// A short hash: it shows that the same name came again, and nothing else.
    pub(super) fn hide(&self, typed: &str) -> String {
        format!("(unknown {:06x})", self.0.hash_one(typed) & 0x00ff_ffff)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_name_has_one_hash_per_process() {
        let (one, other) = (UnknownNames::default(), UnknownNames::default());
        let hidden = one.hide("correct horse battery staple");
        assert_eq!(hidden, one.hide("correct horse battery staple"));
        assert_ne!(hidden, one.hide("correct horse battery stable"));
        assert!((0..9).any(|n| one.hide(&n.to_string()) != other.hide(&n.to_string())));
        assert!(hidden.starts_with("(unknown ") && hidden.len() == "(unknown 123456)".len(), "{hidden}");
    }
}
