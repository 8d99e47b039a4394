//! `user-backend-smb-helper`: runs libsmbclient for other programs.
//!
//! These are `occ`, the server and programs that embed the library.
//!
//! They start it when an `smb` backend with a `share` or `engine = "pavao"` is asked, or one whose
//! server requires encryption, and speak to it through its standard input. It is a program of its
//! own so that the others neither load libsmbclient nor fall under its licence.

use std::process::ExitCode;

/// Overwrites freed memory, as libsmbclient's own allocator is made to by the caller.
#[global_allocator]
static ALLOCATOR: zeroizing_alloc::ZeroAlloc<std::alloc::System> =
    zeroizing_alloc::ZeroAlloc(std::alloc::System);

const VERSION: &str = env!("CARGO_PKG_VERSION");

fn main() -> ExitCode {
    // Returns unless this process was started as a helper.
    #[cfg(target_os = "linux")]
    user_backend::smb::run_helper_if_requested();
    match std::env::args_os().nth(1).as_deref().and_then(std::ffi::OsStr::to_str) {
        Some("--version" | "-V") => {
            println!("user-backend-smb-helper {VERSION}");
            ExitCode::SUCCESS
        }
        Some("--help" | "-h") => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("{USAGE}");
            ExitCode::from(2)
        }
    }
}

const USAGE: &str = "\
Signs in at SMB servers for occ, user-backend-server and programs that use the library.

They start this program by themselves when a backend of the class smb needs
libsmbclient: with a share, with engine = \"pavao\", or at a server that requires
encryption. It takes no commands: see docs/configuration.md, \"SMB\".

Usage: user-backend-smb-helper [--help | --version]";
