//! Maps error numbers of libsmbclient and NTSTATUS codes to a verdict or an error.
//!
//! Nothing here does I/O, and nothing here can say yes to a failure.
//!
//! Codes: MS-ERREF section 2.3.1. What libsmbclient makes of them was measured with Samba 4.17.

use crate::error::{BackendError, Phase};
use crate::verdict::Rejection;

/// The response to a name and a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SmbAnswer {
    /// The session is there, and only the password could have set it up.
    Yes,
    /// No session for this person.
    No(Rejection),
}

/// What is opened to prove a session with libsmbclient.
///
/// It has no call that only opens a session.
#[cfg(feature = "smb-helper")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// The root of this share.
    Share(std::sync::Arc<str>),
    /// The pipe of the server service, which every server has that lists its shares.
    Pipe,
}

/// The error numbers of Linux that libsmbclient translates NTSTATUS codes into.
#[cfg(feature = "smb-helper")]
pub(super) mod errno {
    pub(in crate::smb) const EPERM: i32 = 1;
    pub(in crate::smb) const ENOENT: i32 = 2;
    pub(in crate::smb) const EACCES: i32 = 13;
    pub(in crate::smb) const EINVAL: i32 = 22;
    pub(in crate::smb) const ENOSYS: i32 = 38;
    pub(in crate::smb) const EPROTO: i32 = 71;
    pub(in crate::smb) const ENETUNREACH: i32 = 101;
    pub(in crate::smb) const ECONNABORTED: i32 = 103;
    pub(in crate::smb) const ECONNRESET: i32 = 104;
    pub(in crate::smb) const ETIMEDOUT: i32 = 110;
    pub(in crate::smb) const ECONNREFUSED: i32 = 111;
    pub(in crate::smb) const EHOSTUNREACH: i32 = 113;
}

/// Maps a failure of libsmbclient.
///
/// The address was resolved and reached before libsmbclient was called.
#[cfg(feature = "smb-helper")]
pub(super) fn of_errno(number: i32, proof: &Proof) -> Result<SmbAnswer, BackendError> {
    use errno::*;
    let unavailable = |detail: &str| Err(BackendError::unavailable(Phase::Login, detail));
    match (number, proof) {
        (EACCES, _) => Ok(SmbAnswer::No(Rejection::BadCredentials)),
        // The name was resolved by us, so this is a session that the server refuses for a reason
        // which libsmbclient has no number for: the account is locked, its password must be
        // changed, or the domain controller is down. Which of them, it does not say, and an outage
        // is never a rejection.
        (EINVAL, _) => Err(BackendError::unavailable(
            Phase::Login,
            "the server refuses this account, or cannot ask its domain controller; libsmbclient does not say which, \
             engine = \"native\" does",
        )
        .counting_as_guess()),
        // Older libraries say this for every failed session, an outage in the middle of it
        // included.
        (EPERM, _) => Err(BackendError::misconfigured(
            Phase::Login,
            "this libsmbclient does not tell a wrong password from an outage; install a newer one, or set engine = \"native\"",
        )),
        (ENOENT, Proof::Share(share)) => Err(BackendError::misconfigured(
            Phase::Login,
            format!("share \"{share}\" not found on the server"),
        )),
        (ENOENT, Proof::Pipe) => Err(BackendError::misconfigured(
            Phase::Login,
            "the server has no srvsvc pipe to prove a session with; name a share that is not open to guests, or set \
             engine = \"native\"",
        )),
        (ENOSYS | EPROTO, _) => {
            Err(BackendError::protocol(Phase::Greeting, "the server does not speak SMB 2 or 3"))
        }
        (ETIMEDOUT, _) => Err(BackendError::timed_out(Phase::Login)),
        (ECONNREFUSED, _) => unavailable("the connection was refused"),
        // It may have compared the password before.
        (ECONNABORTED | ECONNRESET, _) => {
            Err(BackendError::unavailable(Phase::Login, "the server closed the connection").without_answer())
        }
        (EHOSTUNREACH | ENETUNREACH, _) => unavailable("the server cannot be reached"),
        (other, _) => unavailable(&format!("libsmbclient failed with error number {other}")),
    }
}

/// Samba returns this for right credentials when it requires an encrypted session.
#[cfg(feature = "smb-native")]
pub(super) const ACCESS_DENIED: u32 = 0xc000_0022;

/// Maps the NTSTATUS of a session set-up.
#[cfg(feature = "smb-native")]
pub(super) fn of_status(status: u32) -> Result<SmbAnswer, BackendError> {
    let no = |rejection| Ok(SmbAnswer::No(rejection));
    let unavailable = |detail: &str| {
        Err(BackendError::unavailable(Phase::Login, format!("{detail} (status 0x{status:08x})")))
    };
    match status {
        // WRONG_PASSWORD, LOGON_FAILURE
        0xc000_006a | 0xc000_006d => no(Rejection::BadCredentials),
        // NO_SUCH_USER
        0xc000_0064 => no(Rejection::UnknownUser),
        // ACCOUNT_RESTRICTION, INVALID_LOGON_HOURS, INVALID_WORKSTATION, ACCOUNT_DISABLED,
        // LOGON_NOT_GRANTED, LOGON_TYPE_NOT_GRANTED, ACCOUNT_EXPIRED: the password may be right,
        // the account must not be used here or now.
        0xc000_006e | 0xc000_006f | 0xc000_0070 | 0xc000_0072 | 0xc000_0155 | 0xc000_015b | 0xc000_0193 => {
            no(Rejection::AccountDisabled)
        }
        // NOLOGON_INTERDOMAIN_TRUST_ACCOUNT, NOLOGON_WORKSTATION_TRUST_ACCOUNT,
        // NOLOGON_SERVER_TRUST_ACCOUNT: a machine and not a person.
        0xc000_0198..=0xc000_019a => no(Rejection::AccountDisabled),
        // ACCOUNT_LOCKED_OUT
        0xc000_0234 => no(Rejection::AccountLocked),
        // PASSWORD_EXPIRED, PASSWORD_MUST_CHANGE
        0xc000_0071 | 0xc000_0224 => no(Rejection::CredentialsExpired),
        ACCESS_DENIED => Err(BackendError::misconfigured(
            Phase::Login,
            "the server refused the session itself (status 0xc0000022), as servers do that want it encrypted; set \
             engine = \"pavao\"",
        )),
        // NOT_SUPPORTED, NTLM_BLOCKED
        0xc000_00bb | 0xc000_0418 => Err(BackendError::misconfigured(
            Phase::Login,
            format!("the server does not take NTLM (status 0x{status:08x})"),
        )),
        // NO_LOGON_SERVERS, NO_TRUST_LSA_SECRET, NO_TRUST_SAM_ACCOUNT, TRUSTED_DOMAIN_FAILURE,
        // TRUSTED_RELATIONSHIP_FAILURE, TRUST_FAILURE, NETLOGON_NOT_STARTED,
        // DOMAIN_CONTROLLER_NOT_FOUND
        0xc000_005e | 0xc000_018a..=0xc000_018e | 0xc000_0190 | 0xc000_0192 | 0xc000_0233 => {
            unavailable("the server cannot ask its domain controller")
        }
        // NO_MEMORY, INSUFFICIENT_RESOURCES, REQUEST_NOT_ACCEPTED, TOO_MANY_SESSIONS
        0xc000_0017 | 0xc000_009a | 0xc000_00ce | 0xc000_00d0 => unavailable("the server is overloaded"),
        // Not on the lists above: it may have been a refusal.
        _ => unavailable("the server refused the session").map_err(BackendError::counting_as_guess),
    }
}

#[cfg(test)]
mod tests;
