//! Let users sign in with the account they already have.
//!
//! Their password lives on a mail server (IMAP), a file server (SMB) or an FTP server. This library asks those servers
//! whether a password is right: safely, at most once per attempt, and never confusing "the server is down" with "wrong
//! password". A [`Resolver`] asks several backends in turn, remembers outcomes, and hands out an [`Authenticated`]: a
//! proof of sign-in that no other code can make.
//!
//! ```
//! use user_backend::{Credentials, Outcome, Resolver, StaticBackend};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! // In a real program: Resolver::from_config(&Config::load("user-backend.toml")?)?
//! let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
//! let resolver = Resolver::builder().backend(people).build()?;
//!
//! let answer = resolver.authenticate(Credentials::new("Alice", "Wonderland-1")).await;
//! match answer.outcome {
//!     Outcome::Authenticated(proof) => println!("welcome, {}", proof.name()),
//!     Outcome::Refused(_) => println!("wrong name or password"),
//!     Outcome::Throttled { limit, retry_after } => println!("{limit}, try again in {} s", retry_after.as_secs()),
//!     Outcome::Unavailable { .. } => println!("we cannot check passwords right now, yours may well be right"),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The house, from the ground up
//! | floor | modules |
//! |---|---|
//! | words | [`identity`] names, [`secret`] passwords and keyed hashes, [`error`] why no decision was possible, [`clock`] |
//! | | [`ServerText`], [`RefusalTexts`]: what of a server's words may be shown, and which words are a refusal |
//! | decisions | [`verdict`] what a backend decided, and the proof of sign-in |
//! | | [`process`] what a program that holds passwords does first, [`environment`] how it takes one from a variable |
//! | wires | [`transport`] addresses, connections, TLS, deadlines |
//! | contract | [`backend`] the [`UserBackend`] trait: what every backend promises |
//! | backends | `imap`, `ftp`, `smb` (each a cargo feature), [`memory`] for tests and documentation |
//! | around them | [`middleware`] timeout, concurrency limit, circuit breaker; `conformance` the checks for backends of your own |
//! | | [`cache`] outcomes in memory, [`brute_force`] limits on guessing |
//! | above them | [`resolver`] order, rules about names, canary, one deadline, memory, trace |
//! | | [`class`] what the configuration needs to know about a class, ours or yours |
//! | top | [`config`] the `user_backends` array in TOML, JSON and `config.php` |
//!
//! Arrows only point down: a backend knows nothing of configuration, resolver, limits or other backends.
//!
//! # Cargo features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `imap` | yes | mail servers |
//! | `ftp` | yes | FTP servers |
//! | `smb` | no | file servers, through libsmbclient (a C library under GPLv3+, so a binary with it is GPLv3+ as a whole) |
//! | `smb-native` | no | file servers in pure Rust, `engine = "native"` |
//! | `conformance` | no | the checks that any backend must pass |
//!
//! A feature adds API; none changes how another behaves.

#![forbid(unsafe_code)]

mod ascii;
pub mod backend;
pub mod brute_force;
pub mod cache;
pub mod class;
mod client_address;
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg_attr(
    not(all(feature = "config-toml", feature = "config-json", feature = "config-php")),
    allow(dead_code, reason = "not every format needs all of it")
)]
mod document;
pub mod environment;
pub mod error;
pub mod file_permissions;
#[cfg(feature = "ftp")]
pub mod ftp;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod identity;
#[cfg(feature = "imap")]
pub mod imap;
pub mod memory;
pub mod middleware;
pub mod process;
mod refusal;
pub mod resolver;
pub mod secret;
#[cfg(any(feature = "smb", feature = "smb-native"))]
pub mod smb;
mod sync;
pub mod transport;
pub mod verdict;

pub use backend::{Attempt, Probe, UserBackend};
pub use class::{Class, ClassRegistry};
pub use client_address::{Network, NetworkError, UnreadableHop, client_address};
pub use config::Config;
pub use error::{BackendError, FailureKind, Phase};
pub use identity::{BackendId, CanonicalName, LoginName};
pub use memory::StaticBackend;
pub use refusal::{RefusalTextError, RefusalTexts, ServerText};
pub use resolver::names::{DomainRules, NameRules};
pub use resolver::{
    Answer, BuildError, Credentials, NotAuthenticated, Outcome, Policy, Resolver, ResolverBuilder, Trace,
};
pub use secret::Password;
pub use verdict::{Authenticated, Freshness, Identity, Rejection, Verdict};

/// The programs in the README compile.
#[cfg(all(doctest, feature = "config-toml"))]
#[doc = include_str!("../README.md")]
struct Readme;
