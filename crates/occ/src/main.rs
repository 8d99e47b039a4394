//! The admin command line with the classes of backends of this project.
#![forbid(unsafe_code)]

use std::process::ExitCode;

/// The allocator: it wipes freed memory.
///
/// Parsers and protocol libraries leave passwords in buffers that they do not wipe.
#[global_allocator]
static MEMORY: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

fn main() -> ExitCode {
    occ::run(user_backend::ClassRegistry::standard())
}
