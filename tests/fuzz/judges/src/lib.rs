//! Fuzz targets: what must hold for any untrusted input.
//!
//! Each target is a function from bytes to nothing that fails an assertion when something is wrong:
//! a yes that a second, simpler reader of the same bytes does not find, a secret in an error,
//! memory without bounds, a form that does not stay what it is. libFuzzer runs them (`cargo fuzz`,
//! `cargo xtask fuzz`); the recorded inputs in `corpus/` are replayed as ordinary tests, changed a
//! little each time, on any toolchain.

// A target says that something is wrong by failing.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod config;
mod directory;
mod fake_server;
#[cfg(unix)]
mod frontends;
mod ftp;
mod http;
mod imap;
mod names;
mod smb;
mod smtp;
mod ssh;
mod web;
mod xmpp;

pub use config::{json as config_json, mailbox, php as config_php, toml as config_toml};
pub use directory::{filter as ldap_filter, result as ldap_result};
#[cfg(unix)]
pub use frontends::{dovecot_auth, forward_auth, nginx_mail, saslauthd};
pub use ftp::{dialogue as ftp_dialogue, guard as ftp_guard, reply as ftp_reply};
pub use http::{basic, form, origin, path, reset_link, xml};
pub use imap::{guard as imap_guard, reply as imap_reply};
pub use names::name;
pub use smb::{errors as smb_errors, greeting as smb_greeting, session as smb_session};
pub use smtp::{dialogue as smtp_dialogue, reply as smtp_reply};
pub use ssh::ssh_keys;
pub use web::response as http_response;
pub use xmpp::{messages as xmpp_scram, stream as xmpp_stream};

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
    Target { name: "basic", run: basic },
    Target { name: "config_json", run: config_json },
    Target { name: "config_php", run: config_php },
    Target { name: "config_toml", run: config_toml },
    #[cfg(unix)]
    Target { name: "dovecot_auth", run: dovecot_auth },
    #[cfg(unix)]
    Target { name: "forward_auth", run: forward_auth },
    Target { name: "form", run: form },
    Target { name: "ftp_dialogue", run: ftp_dialogue },
    Target { name: "ftp_guard", run: ftp_guard },
    Target { name: "ftp_reply", run: ftp_reply },
    Target { name: "http_response", run: http_response },
    Target { name: "imap_guard", run: imap_guard },
    Target { name: "imap_reply", run: imap_reply },
    Target { name: "ldap_filter", run: ldap_filter },
    Target { name: "ldap_result", run: ldap_result },
    Target { name: "mailbox", run: mailbox },
    Target { name: "name", run: name },
    #[cfg(unix)]
    Target { name: "nginx_mail", run: nginx_mail },
    Target { name: "origin", run: origin },
    Target { name: "path", run: path },
    Target { name: "reset_link", run: reset_link },
    #[cfg(unix)]
    Target { name: "saslauthd", run: saslauthd },
    Target { name: "smb_errors", run: smb_errors },
    Target { name: "smb_greeting", run: smb_greeting },
    Target { name: "smb_session", run: smb_session },
    Target { name: "smtp_dialogue", run: smtp_dialogue },
    Target { name: "smtp_reply", run: smtp_reply },
    Target { name: "ssh_keys", run: ssh_keys },
    Target { name: "xml", run: xml },
    Target { name: "xmpp_scram", run: xmpp_scram },
    Target { name: "xmpp_stream", run: xmpp_stream },
];
