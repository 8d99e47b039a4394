//! Let users sign in with the account they already have.
//!
//! Their password is kept by a mail server (IMAP), a file server (SMB), an FTP, SSH or web server,
//! or a directory (LDAP). This library asks those servers whether a password is right: safely, at
//! most once per attempt, and never confusing "the server is down" with "wrong password". A
//! [`Resolver`] asks several backends in turn, remembers outcomes, and hands out an
//! [`Authenticated`]: a proof of sign-in that no other code can make.
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
//! # I want to ...
//! | I want to | look at |
//! |---|---|
//! | sign users in with servers from a configuration file | [`Resolver::from_config`], [`Config::load`], [`config`] |
//! | put a resolver together in code | [`Resolver::builder`], [`ResolverBuilder::backend_with`], [`BackendPolicy`] |
//! | add to a configuration in code: pins, limits, more backends | [`ResolverBuilder::with_config`] |
//! | answer HTTP requests | [`Outcome::status`], [`Outcome::retry_after_seconds`], [`TracedOutcome::into_result`]; the crate `user-backend-tower` |
//! | limit guesses per client, behind a proxy too | [`Credentials::from_source`], [`client_address()`], [`config::ResolverSettings::trusted_proxies`] |
//! | keep a session and know when it ends | [`Authenticated`], [`Resolver::still_counts`], [`Resolver::invalidate_user`] |
//! | know whether it was an outage or a wrong password | [`Outcome`], [`Trace`], [`Resolver::outages`] |
//! | see groups, mail address and name of a user | [`Identity`] |
//! | read the configuration again while the program runs | [`Resolver::reload`], [`Resolver::replace`] |
//! | ask a server or a table of my own | [`UserBackend`], `conformance` (feature) |
//! | give my backend a `class` in the configuration | [`class`], [`Class`], [`ClassRegistry::with`] |
//! | put something around every backend | [`middleware`], [`ResolverBuilder::with_config_inside`] |
//! | keep which backend owns whom in my database | [`resolver::PinStore`], [`ResolverBuilder::pins`] |
//! | know where failed sign-ins come from | [`brute_force::FailedLoginObserver`], [`ResolverBuilder::failure_log`] |
//! | set limits: per source, per user, per backend | [`ResolverBuilder::throttle`], [`ResolverBuilder::lock`], [`BackendPolicy::budget`] |
//! | have metrics, log lines and spans | `Resolver::report_metrics` (feature `metrics`), [below](#logs-spans-and-metrics) |
//! | choose the crypto provider of TLS | [below](#tls) |
//! | test my program without a server | [`StaticBackend`], [`StaticBackend::set_available`], [`Resolver::with_fixed_outcome`] |
//!
//! # Modules
//! | layer | modules |
//! |---|---|
//! | vocabulary | [`identity`] names and ids, [`secret`] passwords, [`verdict`] decisions and proofs, [`error`] failures |
//! | contract | [`backend`]: the trait [`UserBackend`] and what every backend promises |
//! | backends | `imap`, `ftp`, `http`, `ldap`, `smb`, `smtp`, `ssh`, `xmpp` (each a cargo feature), [`memory`] for tests; [`transport`] connects and encrypts |
//! | decorators | [`middleware`]: timeout, concurrency limit, circuit breaker |
//! | resolver | [`resolver`]: order, names, pins, canary, trace; [`cache`] outcomes, [`brute_force`] limits on guessing |
//! | configuration | [`class`] what a class of backends declares, [`config`] the array `user_backends` in three formats |
//!
//! A backend depends on nothing of the resolver, the limits or other backends; the `class.rs` in
//! its folder connects it to the configuration. No two files import each other.
//!
//! # Cargo features
//! | feature | default | what it adds |
//! |---|---|---|
//! | `imap` | yes | mail servers |
//! | `ftp` | yes | FTP servers |
//! | `http` | no | web servers: Basic, Digest, WebDAV, a form or JSON of your own |
//! | `ldap` | no | LDAP directories and Active Directory |
//! | `smb-helper` | no | file servers, through libsmbclient in the program `user-backend-smb-helper`; Linux only |
//! | `smb` | no | the same, linked into this program (a C library under GPLv3+, so a binary with it is GPLv3+ as a whole) |
//! | `smb-native` | no | file servers in pure Rust, `engine = "native"`; needs Rust 1.91 |
//! | `smtp` | no | mail servers that take mail from their users (submission) |
//! | `ssh` | no | SSH servers whose key is known |
//! | `xmpp` | no | XMPP servers |
//! | `config-toml` | yes | configurations in TOML |
//! | `config-json` | no | configurations in JSON |
//! | `config-php` | no | the `config.php` of the PHP app; needs Rust 1.95 |
//! | `ring` | no | TLS runs on ring, if the program has installed no crypto provider |
//! | `crypto-provider` | no | a crypto provider may be given explicitly; a type of rustls 0.23 appears in the interface |
//! | `metrics` | no | counters and histograms through the crate `metrics` 0.24 |
//! | `certificate-details` | no | name and expiry date of the certificate in a [`Probe`] |
//! | `conformance` | no | the checks that any backend must pass |
//!
//! A feature adds API or a fallback; none changes how another behaves. A configuration that needs a
//! feature that is off is refused with the name of the feature.
//!
//! # TLS
//! The crypto provider is the program's choice. Taken is the first of these that is there: the one
//! given with `Config::with_crypto_provider` or `Endpoint::with_crypto_provider` (feature
//! `crypto-provider`); the one that the program has installed with
//! `rustls::crypto::CryptoProvider::install_default`; ring, with the feature `ring`. The library
//! installs none, so it can neither change nor make ambiguous what the rest of the program uses.
//! With none of them, a backend with TLS cannot be built, and the error says so.
//!
//! # Runtime
//! The resolver needs a tokio runtime with time and I/O enabled; a current-thread runtime will do.
//! Outside of a runtime, [`Resolver::authenticate`] panics, as tokio's timers do. Attempts run in
//! tasks of their own, so that a caller that hangs up does not end the attempt of another. A panic
//! in a backend becomes [`Outcome::Unavailable`] where panics unwind; with `panic = "abort"` it
//! ends the program. Tested on Linux; compiles for Windows. wasm32 has no sockets and is not
//! supported.
//!
//! # Logs, spans and metrics
//! These names are stable; a change is announced in the changelog. No level logs a password.
//!
//! | target of log lines | what |
//! |---|---|
//! | `user_backend::audit` | decisions that an operator may have to justify: lockouts, grace, foreign users (`WARN`), rebinding, reloads (`INFO`) |
//! | `user_backend::…` | outages and their end, distrusted backends (`WARN`, `ERROR`); every decided attempt (`DEBUG`) |
//! | `user_backend_tower::…` | mistakes in a program: no peer address (`WARN`), a route without its layer (`ERROR`) |
//!
//! Keep `INFO` of the audit lines where others are `WARN`: `warn,user_backend::audit=info`. The span
//! `attempt` (`DEBUG`) surrounds the work of one attempt, and in it `ask` (`INFO`, field `backend`)
//! that of one backend. Fields of `attempt` are `user`, the name as it was typed, and `source`. A typed name may be a password in the wrong field: below `DEBUG`,
//! names appear in audit lines only. Fields of lines: `backend`, `user`, `source`, `outcome`
//! ([`Outcome::as_str`]), `rule` ([`resolver::EndReason::as_str`]), `ms`, `kind`, `phase`
//! ([`Phase::as_str`]), `reason`.
//!
//! The metrics and their labels are listed at `Resolver::report_metrics`. Histograms are in
//! seconds, and their buckets are the recorder's. Values of `rule` are those of
//! [`resolver::EndReason::as_str`], values of `verdict` those of [`resolver::StepOutcome::as_str`].

#![forbid(unsafe_code)]

mod ascii;
pub mod backend;
pub mod brute_force;
pub mod cache;
pub mod class;
mod client_address;
#[doc(hidden)]
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
#[cfg_attr(
    not(all(feature = "config-toml", feature = "config-json", feature = "config-php")),
    allow(dead_code, reason = "not every format needs all of it")
)]
mod document;
#[doc(hidden)]
pub mod environment;
pub mod error;
pub mod file_permissions;
#[cfg(feature = "ftp")]
pub mod ftp;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
#[cfg(feature = "http")]
pub mod http;
pub mod identity;
#[cfg(feature = "imap")]
pub mod imap;
#[cfg(feature = "ldap")]
pub mod ldap;
pub mod memory;
pub mod middleware;
#[doc(hidden)]
pub mod process;
mod refusal;
pub mod resolver;
#[cfg(any(feature = "imap", feature = "smtp", feature = "xmpp"))]
mod sasl;
pub mod secret;
#[cfg(any(feature = "smb-helper", feature = "smb-native"))]
pub mod smb;
#[cfg(feature = "smtp")]
pub mod smtp;
#[cfg(feature = "ssh")]
pub mod ssh;
mod sync;
pub mod transport;
pub mod verdict;
#[cfg(feature = "xmpp")]
pub mod xmpp;

pub use async_trait::async_trait;
pub use backend::{Attempt, Probe, UserBackend};
pub use class::{Class, ClassRegistry};
pub use client_address::{Network, NetworkError, UnreadableHop, client_address};
pub use clock::Instant;
pub use config::Config;
pub use error::{BackendError, FailureKind, Phase};
pub use identity::{BackendId, CanonicalName, LoginName};
pub use memory::StaticBackend;
pub use refusal::{RefusalTextError, RefusalTexts, ServerText};
pub use resolver::names::{DomainRules, NameRules};
pub use resolver::{
    BackendPolicy, BuildError, Credentials, NotAuthenticated, Outcome, Resolver, ResolverBuilder, Trace,
    TracedOutcome,
};
pub use secret::Password;
pub use verdict::{Authenticated, Freshness, Identity, Rejection, Verdict};

/// The programs in the README compile.
#[cfg(all(doctest, feature = "config-toml"))]
#[doc = include_str!("../README.md")]
struct Readme;
