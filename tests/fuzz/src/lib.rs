//! What must hold whatever strangers say.
//!
//! Each target is a function from bytes to nothing that fails an assertion when something is wrong: a yes that a second,
//! simpler reader of the same bytes does not find, a secret in an error, memory without bounds, a form that does not stay
//! what it is. libFuzzer runs them (`cargo xtask fuzz`); the recorded inputs in `corpus/` are replayed as ordinary tests,
//! changed a little each time, on any toolchain.

// A target says that something is wrong by failing.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod config;
mod ftp;
mod http;
mod imap;
mod names;
mod peer;
mod smb;

/// One reader, and the function that judges it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, and that of its corpus and its dictionary.
    pub name: &'static str,
    /// Judges one input.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "basic", run: http::basic },
    Target { name: "config_json", run: config::json },
    Target { name: "config_php", run: config::php },
    Target { name: "config_toml", run: config::toml },
    Target { name: "form", run: http::form },
    Target { name: "ftp_dialogue", run: ftp::dialogue },
    Target { name: "ftp_guard", run: ftp::guard },
    Target { name: "ftp_reply", run: ftp::reply },
    Target { name: "imap_guard", run: imap::guard },
    Target { name: "imap_reply", run: imap::reply },
    Target { name: "mailbox", run: config::mailbox },
    Target { name: "name", run: names::name },
    Target { name: "origin", run: http::origin },
    Target { name: "path", run: http::path },
    Target { name: "reset_link", run: http::reset_link },
    Target { name: "smb_errors", run: smb::errors },
    Target { name: "smb_greeting", run: smb::greeting },
    Target { name: "smb_session", run: smb::session },
    Target { name: "xml", run: http::xml },
];
