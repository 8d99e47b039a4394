//! The admin command line, with one more class of backends.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use user_backend::ClassRegistry;

fn main() -> ExitCode {
    occ::run(ClassRegistry::standard().with(custom_class::Pop3Class))
}
