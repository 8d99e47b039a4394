//! All targets under libFuzzer; `FUZZ_TARGET` says which one.

#![no_main]

use std::sync::LazyLock;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    let target = user_backend_fuzz::TARGETS.iter().find(|target| target.name == name);
    target.unwrap_or_else(|| panic!("there is no target {name}")).run
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| TARGET(input));
