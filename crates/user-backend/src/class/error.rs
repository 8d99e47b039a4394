//! Why an entry makes no backend.

/// Why a class cannot make a backend of an entry.
///
/// The text must not hold a secret. A [`Problem`](super::Problem) is shown as it is, with its
/// hints.
pub type EntryError = Box<dyn std::error::Error + Send + Sync>;
