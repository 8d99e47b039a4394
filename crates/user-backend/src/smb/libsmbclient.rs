//! Runs one login through libsmbclient, in whatever process and thread.
//!
//! What protects it, all of it measured against Samba's guest traps:
//! - `no_auto_anonymous_login`: else a refused login is silently repeated anonymously, and a share
//!   open to guests says yes;
//! - an encryption level above `None` makes libsmbclient demand signatures, and the answer to a
//!   session set-up can only be signed with the password: a guest session, which has no key, never
//!   passes;
//! - a new client for each login, dropped after it: a session that is there already would say yes
//!   to any password;
//! - something is opened on the session. The call answers for session and opening together, so only
//!   `Ok` is a yes: an error such as "not found" may come from a session that was never proved.

use std::net::SocketAddrV4;
use std::time::Duration;

use pavao::{
    SmbClient, SmbCredentials, SmbDialect, SmbEncryptionLevel, SmbError, SmbOpenOptions, SmbOptions,
};

use super::call::{Call, Ended};
use super::reply::Proof;

/// pavao writes the password into a log record of the level `trace`.
///
/// The features that this crate sets on `log` leave that level out of the program; should they ever
/// go missing, it does not compile.
const _: () = assert!(log::STATIC_MAX_LEVEL as usize <= log::LevelFilter::Debug as usize);

impl Call {
    /// Presents the name and the password.
    ///
    /// Blocks: until the end, each answer of the server may take `request_timeout`.
    pub(super) fn make(&self, request_timeout: Duration) -> Ended {
        // The server is not asked by these two: an error number of theirs is left over from
        // something else.
        let client = match SmbClient::new(self.credentials(), options()) {
            Ok(client) => client,
            Err(error) => return Ended::of_library(&error),
        };
        // libsmbclient counts milliseconds, and with none of them it would fail at once.
        if let Err(error) = client.set_timeout(request_timeout.max(Duration::from_millis(1))) {
            return Ended::of_library(&error);
        }
        // Not every failure in there comes with a number: one that was left over from the login
        // before would be the answer to another login.
        ::errno::set_errno(::errno::Errno(0));
        let opened = match self.proof {
            Proof::Share(_) => client.stat("/").map(drop),
            Proof::Pipe => {
                client.open_with("/srvsvc", SmbOpenOptions::default().read(true).write(true)).map(drop)
            }
        };
        match opened {
            Ok(()) => Ended::Yes,
            Err(SmbError::Io(error)) => {
                error.raw_os_error().filter(|number| *number != 0).map_or(Ended::Failed, Ended::Number)
            }
            Err(error) => Ended::of_library(&error),
        }
    }

    fn credentials(&self) -> SmbCredentials {
        let share = match &self.proof {
            Proof::Share(share) => encode(share),
            Proof::Pipe => "IPC$".to_owned(),
        };
        SmbCredentials::default()
            .server(server(self.peer))
            .share(share)
            .workgroup(&self.workgroup)
            .username(&self.name)
            .password(self.password.expose())
    }
}

/// The options, equal for every client of the process.
///
/// libsmbclient keeps the dialects in a global variable.
fn options() -> SmbOptions {
    SmbOptions::default()
        .no_auto_anonymous_login(true)
        .encryption_level(SmbEncryptionLevel::Request)
        .min_protocol(SmbDialect::Smb202)
        .max_protocol(SmbDialect::Smb311)
        .use_kerberos(false)
        .fallback_after_kerberos(false)
        .use_ccache(false)
}

/// The URL of a server, always with a port.
///
/// Without one, libsmbclient would try port 139 first for `IPC$`.
fn server(peer: SocketAddrV4) -> String {
    format!("smb://{}:{}", peer.ip(), peer.port())
}

/// A share's name as it stands in a URL.
fn encode(share: &str) -> String {
    let mut url = String::with_capacity(share.len());
    for byte in share.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'$') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}

impl Ended {
    fn of_library(error: &SmbError) -> Self {
        match error {
            SmbError::ProtocolConfigurationConflict => Self::Conflict,
            SmbError::Mutex => Self::Poisoned,
            _ => Self::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn port_is_always_set() {
        assert_eq!(server("127.0.0.2:445".parse().unwrap()), "smb://127.0.0.2:445");
    }

    #[test]
    fn share_cannot_leave_its_place_in_the_url() {
        assert_eq!(encode("home$"), "home$");
        assert_eq!(encode("My Data/../x@y?"), "My%20Data%2F..%2Fx%40y%3F");
        assert_eq!(encode("ä%41"), "%C3%A4%2541");
    }

    #[test]
    fn library_failure_is_never_a_verdict() {
        for error in [
            SmbError::BadFileDescriptor,
            SmbError::BadValue,
            SmbError::Mutex,
            SmbError::ProtocolConfiguration,
            SmbError::ProtocolConfigurationConflict,
            SmbError::Io(std::io::Error::other("no number")),
        ] {
            assert!(Ended::of_library(&error).meaning(&Proof::Pipe).is_err());
        }
    }
}
