//! The program `user-backend-server`.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use user_backend::ClassRegistry;

/// The allocator: it wipes freed memory.
///
/// Parsers and protocol libraries leave passwords in buffers that they do not wipe.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    user_backend_server::run(ClassRegistry::standard())
}
