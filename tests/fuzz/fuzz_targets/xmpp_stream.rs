#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| user_backend_fuzz::xmpp_stream(input));
