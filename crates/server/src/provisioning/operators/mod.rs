//! For those who run the server: what it is doing, and what they may change about that.
//!
//! The pages below `/admin` call these operations as well.

pub(crate) mod audit;
pub(crate) mod backends;
pub(crate) mod brute_force;
pub(crate) mod configuration;
pub(crate) mod mail;
pub(crate) mod pins;

use accounts::Timestamp;

use super::envelope::data::Data;

/// A moment in seconds since 1970; 0 for none.
fn seconds(at: Option<Timestamp>) -> Data {
    at.map_or(0, Timestamp::seconds).into()
}

/// A number of things.
fn count(count: impl TryInto<i64>) -> Data {
    count.try_into().unwrap_or(i64::MAX).into()
}
