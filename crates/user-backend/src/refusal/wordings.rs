//! The list of outage wordings and the list of refusal wordings.
//!
//! A phrase is compared word by word, without letter case and punctuation, and with the user's name
//! taken out of the reply: what someone typed as a name must neither look like an outage nor like a
//! refusal. Outages are looked for first, so a reply that says both ("temporary authentication
//! failure") is an outage. Only a locked account may be open again "later".
//!
//! A phrase of [`SPECIFIC`] is about credentials and counts anywhere in the text. One of
//! [`GENERAL`] ("login failed") says nothing about the reason, so it counts only if it is the whole
//! text: "login failed: shard 7 is gone" is not recognised.

use super::{ReplyClass, local_part};
use crate::verdict::Rejection;
use crate::verdict::Rejection::{
    AccountDisabled, AccountLocked, BadCredentials, CredentialsExpired, UnknownUser,
};

/// The server did not judge: it is down, busy, full, or requires something else first.
///
/// Never learned from canaries.
const OUTAGES: &[&str] = &[
    // Not now.
    "temporary",
    "temporarily",
    "transient",
    "unavailable",
    "not available",
    "busy",
    "overload",
    "overloaded",
    "maintenance",
    "try again later",
    "try later",
    "please try again in",
    "please wait",
    "later",
    "waiting for",
    "not ready",
    "starting up",
    "restarting",
    "shutting down",
    "shutdown",
    "down",
    "offline",
    "out of service",
    "not in service",
    "not responding",
    "no response",
    "timeout",
    "timed out",
    "time out",
    "not accepting",
    // Its own fault.
    "internal",
    "system error",
    "system failure",
    "system problem",
    "server error",
    "server failure",
    "server s",
    "service error",
    "generic failure",
    "processing failed",
    "unexpected",
    "exception",
    "fatal",
    "panic",
    "bug",
    "crash",
    "crashed",
    "died",
    "corrupt",
    "corrupted",
    "lookup failed",
    "read error",
    "write error",
    "i o error",
    // What it depends on.
    "backend",
    "upstream",
    "database",
    "sql",
    "ldap",
    "nfs",
    "dns",
    "domain controller",
    "cannot connect",
    "can t connect",
    "could not connect",
    "unable to connect",
    "failed to connect",
    "cannot contact",
    "can t contact",
    "could not contact",
    "unable to contact",
    "unreachable",
    "not reachable",
    "connection refused",
    "connection failed",
    "connection lost",
    "connection reset",
    "connection closed",
    "connection error",
    "lost connection",
    "broken pipe",
    "not connected",
    "no route to",
    // Too much.
    "too many",
    "maximum",
    "exceeded",
    "limit",
    "limited",
    "rate limit",
    "throttled",
    "throttling",
    "no more",
    "already connected",
    "already logged in",
    "in use",
    "locked by another",
    "memory",
    "resource",
    "resources",
    "disk",
    "quota",
    "load average",
    "license",
    "licence",
    // Not in this way, or not from here: it is not about the user.
    "mechanism",
    "unsupported",
    "not supported",
    "not implemented",
    "unrecognized",
    "unrecognised",
    "unknown command",
    "syntax",
    "malformed",
    "encryption",
    "encrypted",
    "under a layer",
    "cleartext",
    "clear text",
    "plaintext",
    "plain text",
    "plain login",
    "tls",
    "ssl",
    "starttls",
    "secure",
    "anonymous only",
    "only anonymous",
    "login with user",
    "valid hostname",
    "wrong host",
    "referral",
    "blacklisted",
    "blocklisted",
    "banned",
    "ip address",
    "your ip",
    "this ip",
    "the ip",
    "your host",
    "your network",
    "not allowed to connect",
    "basic authentication is disabled",
    "disabled for the tenant",
    "server access",
];

/// What servers add to a refusal for which they know no reason, in words of an outage.
const NO_REASON: &[&str] = &[
    // Postfix.
    "reason unavailable",
    // hMailServer.
    "restarting authentication process",
];

/// Too many passwords of this user were wrong, in words that are also on the list of outages.
const TOO_MANY_FAILURES: &[&str] = &[
    "too many failed logins",
    "too many failed login attempts",
    "too many failed password attempts",
    "too many invalid passwords",
    "too many wrong passwords",
    "too many bad passwords",
    "too many incorrect passwords",
    "too many password failures",
];

/// What says of a locked account that it will be open again, and otherwise of a server.
///
/// Longer ones first.
const NOT_NOW: &[&str] = &[
    "please try again in",
    "try again later",
    "try later",
    "please wait",
    "later",
    "temporarily",
    "temporary",
];

/// Words about this user's name, password or account, anywhere in the text.
///
/// The first that is found decides.
const SPECIFIC: &[(Rejection, Hint, &[&str])] = &[
    (
        CredentialsExpired,
        Hint::ForTheUser,
        &[
            "password expired",
            "password has expired",
            "password is expired",
            "passphrase expired",
            "credentials expired",
            "credentials have expired",
            "password must be changed",
            "must change your password",
            "must change password",
            "password change required",
            "required to change your password",
        ],
    ),
    (AccountLocked, Hint::ForTheUser, TOO_MANY_FAILURES),
    (
        AccountLocked,
        Hint::ForTheUser,
        &[
            "account locked",
            "account is locked",
            "account has been locked",
            "account temporarily locked",
            "account is temporarily locked",
            "account has been temporarily locked",
            "user locked",
            "user is locked",
            "locked out",
            "account blocked",
            "account is blocked",
            "account has been blocked",
            "web login required",
            "log in via your web browser",
            "login via your web browser",
            "log in with your web browser",
        ],
    ),
    (
        AccountDisabled,
        Hint::ForTheUser,
        &[
            "account disabled",
            "account is disabled",
            "account has been disabled",
            "user disabled",
            "user is disabled",
            "login disabled for this user",
            "account suspended",
            "account is suspended",
            "account has been suspended",
            "account inactive",
            "account is not active",
            "account is inactive",
            "account expired",
            "account has expired",
            "account does not have imap access",
            "disabled for the mailbox",
            "user has no permission",
            "account is not enabled for imap",
            "not enabled for imap use",
            // The password was right, and the user's folder cannot be entered: IIS, and vsftpd with
            // its 500.
            "home directory inaccessible",
            "oops cannot change directory",
        ],
    ),
    (
        BadCredentials,
        Hint::ForTheUser,
        &[
            "application specific password",
            "app specific password",
            "app password",
            "application password",
            "authorization code",
        ],
    ),
    (
        BadCredentials,
        Hint::None,
        &[
            "invalid credentials",
            "invalid login",
            "invalid logon",
            "invalid user",
            "invalid username",
            "invalid userid",
            "invalid password",
            "invalid authentication credentials",
            "bad password",
            "bad username",
            "bad user",
            "bad credentials",
            "bad login",
            "wrong password",
            "wrong username",
            "wrong user",
            "wrong login",
            "wrong credentials",
            "incorrect password",
            "incorrect username",
            "incorrect user",
            "incorrect login",
            "incorrect credentials",
            "login incorrect",
            "password incorrect",
            "password is incorrect",
            "password wrong",
            "password is wrong",
            "password invalid",
            "password is invalid",
            "password mismatch",
            "password error",
            "password not correct",
            "password is not correct",
            "password not accepted",
            "password rejected",
            "credentials incorrect",
            "credentials invalid",
            "credentials are invalid",
            "credentials not accepted",
            "credentials rejected",
            "login invalid",
            "no verifier for user",
        ],
    ),
    (
        UnknownUser,
        Hint::None,
        &[
            "no such user",
            "no such account",
            "unknown user",
            "user unknown",
            "user not found",
            "user does not exist",
            "user doesn t exist",
            "account does not exist",
            "account not found",
            "unknown account",
        ],
    ),
];

/// Words that only say no.
///
/// They count if the rest of the reply is [`FILLERS`].
const GENERAL: &[&str] = &[
    "login authentication failed",
    "authentication failed",
    "authentication failure",
    "authentication rejected",
    "authentication denied",
    "authenticate plain failed",
    "authenticate login failed",
    "authenticate failed",
    "auth failed",
    "auth failure",
    "login failed",
    "login failure",
    "login fail",
    "login denied",
    "login refused",
    "login rejected",
    "login not permitted",
    "login not allowed",
    "log in failed",
    "logon failed",
    "logon failure",
    "logon denied",
    "not logged in",
    "access denied",
    "access not allowed",
    "permission denied",
    "not authorized",
    "not authorised",
    "unauthorized",
    "user cannot log in",
    "user cannot login",
];

/// Words that make something else of a phrase of [`SPECIFIC`] before them.
///
/// "invalid password hash", "bad user database".
const OTHER_THINGS: &[&str] = &[
    "hash",
    "hashes",
    "scheme",
    "file",
    "files",
    "database",
    "table",
    "store",
    "storage",
    "cache",
    "session",
    "sessions",
    "service",
    "server",
    "servers",
    "process",
    "daemon",
    "backend",
    "field",
    "format",
    "encoding",
    "policy",
    "method",
    "request",
    "response",
    "data",
    "record",
    "query",
    "index",
    "config",
    "configuration",
    "setting",
    "settings",
    "module",
    "plugin",
    "agent",
    "quota",
    "directory",
    "list",
    "map",
    "node",
    "shard",
    "state",
];

/// Words that give no reason.
const FILLERS: &[&str] = &[
    "a",
    "an",
    "the",
    "for",
    "of",
    "in",
    "on",
    "to",
    "at",
    "by",
    "as",
    "user",
    "userid",
    "username",
    "name",
    "account",
    "mailbox",
    "your",
    "you",
    "are",
    "is",
    "was",
    "has",
    "been",
    "sorry",
    "please",
    "login",
    "logon",
    "log",
    "plain",
    "imap",
    "imap4",
    "imap4rev1",
    "ftp",
    "command",
    "failed",
    "failure",
    "kerberos",
    "again",
    "try",
    "check",
    "and",
];

/// Whether the words tell the user more than "wrong name or password".
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hint {
    None,
    ForTheUser,
}

/// What a reply means, and whether its words are meant for the user.
pub(super) fn class(text: &[u8], name: &str) -> (ReplyClass, bool) {
    let whole = normalised(&String::from_utf8_lossy(text));
    let mut reply = without_name(&whole, name);
    for phrase in NO_REASON {
        reply = without(&reply, phrase);
    }
    let is_outage = |reply: &str| OUTAGES.iter().any(|phrase| has(reply, phrase));
    // A locked account is one, however the server says that it will be open again. If it were taken
    // for an outage, the user's devices would keep the lock up.
    let is_outage = match refusal(&reply) {
        Some((AccountLocked, _)) => {
            let about_the_lock = TOO_MANY_FAILURES.iter().chain(NOT_NOW);
            is_outage(&about_the_lock.fold(reply.clone(), |rest, phrase| without(&rest, phrase)))
        }
        _ => is_outage(&reply),
    };
    if is_outage {
        return (ReplyClass::Outage, false);
    }
    // A user may be called "login" or "password". Removing these names must not hide what the text
    // says about them.
    let with_name = || if name.contains(' ') { None } else { refusal(&whole) };
    match refusal(&reply).or_else(with_name) {
        Some((rejection, hint)) => (ReplyClass::Refusal(rejection), hint == Hint::ForTheUser),
        None => (ReplyClass::Unknown, false),
    }
}

fn refusal(reply: &str) -> Option<(Rejection, Hint)> {
    let is_found = |phrase: &&str| behind(reply, phrase).any(|rest| !begins_with_other_thing(rest));
    let specific = SPECIFIC.iter().find(|(_, _, phrases)| phrases.iter().any(is_found));
    if let Some((rejection, hint, _)) = specific {
        return Some((*rejection, *hint));
    }
    let mut rest = reply.to_owned();
    for phrase in GENERAL {
        rest = without(&rest, phrase);
    }
    let is_general = rest != reply && rest.split_whitespace().all(|word| FILLERS.contains(&word));
    is_general.then_some((BadCredentials, Hint::None))
}

/// The words alone, in lower case, each between blanks.
fn normalised(text: &str) -> String {
    let mut words = String::with_capacity(text.len() + 2);
    words.push(' ');
    for c in text.chars() {
        if c.is_alphanumeric() {
            words.extend(c.to_lowercase());
        } else if !words.ends_with(' ') {
            words.push(' ');
        }
    }
    if !words.ends_with(' ') {
        words.push(' ');
    }
    words
}

fn has(reply: &str, phrase: &str) -> bool {
    behind(reply, phrase).next().is_some()
}

/// What follows each occurrence of the phrase, word by word.
fn behind<'a>(reply: &'a str, phrase: &'a str) -> impl Iterator<Item = &'a str> {
    let length = phrase.len();
    reply.match_indices(phrase).filter_map(move |(at, _)| {
        let (before, rest) = (reply.get(..at)?, reply.get(at + length..)?);
        (before.ends_with(' ') && rest.starts_with(' ')).then_some(rest)
    })
}

fn begins_with_other_thing(rest: &str) -> bool {
    rest.split_whitespace().next().is_some_and(|word| OTHER_THINGS.contains(&word))
}

/// A reply without any occurrence of this phrase.
fn without(reply: &str, phrase: &str) -> String {
    let padded = [" ", phrase, " "].concat();
    let mut rest = reply.to_owned();
    // Two in a row share a space.
    while rest.contains(&padded) {
        rest = rest.replace(&padded, " ");
    }
    rest
}

fn without_name(reply: &str, name: &str) -> String {
    let mut rest = reply.to_owned();
    for name in [Some(name), local_part(name)].into_iter().flatten() {
        let name = normalised(name);
        match name.trim() {
            "" => {}
            name => rest = without(&rest, name),
        }
    }
    rest
}

#[cfg(test)]
pub(super) fn lists() -> impl Iterator<Item = &'static str> {
    let specific = SPECIFIC.iter().flat_map(|(_, _, phrases)| phrases.iter());
    OUTAGES.iter().chain(specific).chain(GENERAL).copied()
}

#[cfg(test)]
pub(super) fn is_normal(phrase: &str) -> bool {
    normalised(phrase).trim() == phrase
}
