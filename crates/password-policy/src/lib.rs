//! Which passwords users may choose.
//!
//! Rules with the exact messages that administrators of the PHP application know, an embedded list
//! of the 961,927 most common passwords, a check with a Have-I-Been-Pwned range server that never
//! sends the password, and a generator. Length counts characters as users see them (Unicode code
//! points), nothing is ever truncated, and an answer names every rule at once instead of one per
//! attempt. It follows NIST SP 800-63B-4 and OWASP ASVS 5.0 chapter 6.2; what is asked here by
//! default is what the administrators' manual promises.
//!
//! ```
//! use password_policy::{Context, PasswordPolicy, Settings, Violation};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let policy = PasswordPolicy::from_settings(&Settings::default())?;
//! let alice = Context::default().user_id("alice").display_name("Alice Liddell");
//!
//! let refused = policy.validate("banana", &alice).unwrap_err();
//! assert_eq!(
//!     refused.to_string(),
//!     "Password is among the 1,000,000 most common ones. Please make it unique. \
//!      Password needs to be at least 10 characters long."
//! );
//! assert!(refused.contains(&Violation::TooShort { minimum: 10 }));
//!
//! assert!(policy.validate("down the rabbit hole", &alice).is_ok());
//! println!("a fresh one: {}", policy.generate()?.expose());
//! # Ok(())
//! # }
//! ```
//!
//! # What is where
//! | module | what |
//! |---|---|
//! | [`policy`] | [`PasswordPolicy`]: validate, generate, history, age, lock; [`Policies`]: one per scope |
//! | [`settings`] | [`Settings`]: the application's own words, in serde formats and as key and text; profiles |
//! | [`violation`] | [`Violation`]: each rule as data, and its exact text |
//! | [`context`] | [`Context`]: what is known about the user, and must not be the password |
//! | [`common`] | [`CommonPasswords`]: the embedded list |
//! | [`breached`] | [`RangeSource`]: where ranges of breached passwords come from, over HTTPS or from a folder |
//! | [`generate`] | the generator |
//! | [`expiry`] | what follows from a password's age and from failed logins |
//!
//! # Cargo features
//! `hibp` (off by default): ranges over HTTPS. Without it a range source can be a local folder, or
//! your own.
//!
//! # Security
//! Nothing here keeps, logs or prints a password; copies that are made for a comparison are wiped.

#![forbid(unsafe_code)]

pub mod breached;
pub mod common;
pub mod context;
pub mod expiry;
pub mod generate;
pub mod limits;
pub mod policy;
mod rules;
pub mod settings;
pub mod violation;

#[cfg(feature = "hibp")]
pub use breached::HttpRanges;
pub use breached::{FolderRanges, RangeError, RangePrefix, RangeSource};
pub use common::{CommonPasswords, ListError};
pub use context::{Context, ContextField};
pub use expiry::{Age, EXPIRED};
pub use generate::{GenerateError, Generated};
pub use limits::{MAX_HISTORY, MAX_PASSWORD_BYTES};
pub use policy::{PasswordPolicy, Policies};
pub use rules::Rules;
pub use settings::{InvalidSettings, Notice, Profile, RuleSettings, Scope, Settings, SettingsError, Value};
pub use violation::{Violation, Violations};

/// The program in the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
