//! The examples are the files beside `src`: run one with `cargo run --example custom_backend`.
