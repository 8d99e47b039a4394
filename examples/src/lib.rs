//! The examples are the files beside `src`.
//!
//! Run one with `cargo run --example custom_backend`.

/// The programs in the README of the repository compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
