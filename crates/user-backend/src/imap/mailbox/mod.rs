//! The mailbox string of PHP's `imap_open`.
//!
//! `{host:port/flag/flag}folder`, as the c-client library reads it.
//!
//! ```text
//! string = "{" host *( ":" port / "/" flag ) "}" folder        no blanks anywhere
//! host   = a host name or address                               an IPv6 address in brackets
//! port   = 1 to 65535, once, anywhere after the host
//! flag   = name [ "=" ( value / quoted value ) ]                names in any letter case
//! ```
//!
//! Two things differ from c-client on purpose: ports must be plain digits within their range
//! (c-client wraps around at 65536), and flags that would let the wrong person in are refused, each
//! with its reason.

use std::net::IpAddr;

use crate::document::error::Problem;
use crate::document::host;
use crate::document::tree::quoted;

/// c-client's limits, in bytes: the text between the braces, and the folder after them.
const MAX_SPEC: usize = 1023;
const MAX_FOLDER: usize = 255;

/// The TLS flags of a mailbox string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MailboxTls {
    /// `/ssl`: TLS from the first byte.
    Implicit,
    /// `/tls`: STARTTLS, required.
    Explicit,
    /// `/notls`: clear text.
    Never,
    /// None of them.
    ///
    /// In c-client: STARTTLS if the server offers it, else clear text, so an attacker on the
    /// network path can strip it.
    Unset,
}

/// What a mailbox string says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mailbox {
    pub(crate) host: String,
    pub(crate) port: Option<u16>,
    pub(crate) tls: MailboxTls,
    /// `/novalidate-cert`.
    pub(crate) any_certificate: bool,
    /// `/validate-cert`.
    pub(crate) checked_certificate: bool,
    /// What does nothing here, in words.
    pub(crate) without_effect: Vec<String>,
}

/// Whether a first argument is meant as a mailbox string.
pub(crate) fn is_meant(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Reads a mailbox string.
pub(crate) fn parse(text: &str) -> Result<Mailbox, Problem> {
    // Where there is a user name, there may be a password.
    let shown = if text.contains(['@', '=']) {
        "a mailbox string with a user name in it".to_owned()
    } else {
        quoted(text)
    };
    let bad = |why: &str| {
        Problem::new(shown.clone(), "a mailbox string such as \"{imap.example.com:993/imap/ssl}\"").hint(why)
    };
    if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        return Err(bad("it has no blanks in it"));
    }
    let rest = text.strip_prefix('{').ok_or_else(|| bad("it begins with {"))?;
    let (host, rest) = split_host(rest).ok_or_else(|| bad("the host has no end: close it with }"))?;
    let mut flags = MailboxFlags::default();
    let mut port = None;
    let mut rest = rest;
    let folder = loop {
        if let Some(folder) = rest.strip_prefix('}') {
            break folder;
        } else if let Some(behind) = rest.strip_prefix(':') {
            let end = behind.find([':', '/', '}']).ok_or_else(|| bad("it ends with }"))?;
            let (digits, behind) = behind.split_at_checked(end).unwrap_or((behind, ""));
            let number = host::parse_port(digits)
                .ok_or_else(|| Problem::new(format!("an invalid port in {shown}"), host::PORT_RANGE))?;
            if port.replace(number).is_some() {
                return Err(bad("it has two ports"));
            }
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix('/') {
            let (name, value, behind) = split_flag(behind).ok_or_else(|| bad("it ends with }"))?;
            flags
                .take(&name.to_ascii_lowercase(), value.as_deref())
                .map_err(|refusal| refusal.of(text, name))?;
            rest = behind;
        } else {
            return Err(bad("behind the host come :port and /flags, then }"));
        }
    };
    if text.len() - folder.len() > MAX_SPEC + 2 || folder.len() > MAX_FOLDER {
        return Err(bad("it is too long"));
    }
    if folder.contains(['{', '}']) {
        return Err(bad("it has one pair of braces"));
    }
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(literal) => literal
            .parse()
            .map(|address: IpAddr| address.to_string())
            .map_err(|_| bad("the address in brackets is invalid"))?,
        None => host::parse(host)
            .map_err(|problem| bad("its host is neither a name nor an address").hints(problem.hints))?,
    };
    let mut without_effect: Vec<String> = flags
        .unused
        .iter()
        .map(|name| format!("the flag /{name} has no effect: no mailbox is opened"))
        .collect();
    if !folder.is_empty() && !folder.eq_ignore_ascii_case("INBOX") {
        without_effect.push("the folder after } has no effect: no mailbox is opened".to_owned());
    }
    Ok(Mailbox {
        host,
        port,
        tls: flags.tls(),
        any_certificate: flags.any_certificate,
        checked_certificate: flags.checked_certificate,
        without_effect,
    })
}

/// The same string with `/notls` turned into `/tls`: what to write to encrypt.
pub(crate) fn encrypted(text: &str) -> String {
    // A folder may be called anything.
    let flags = text.find('}').unwrap_or(text.len());
    let (mut rest, folder) = text.split_at_checked(flags).unwrap_or((text, ""));
    let mut better = String::with_capacity(text.len());
    while let Some(start) = rest.to_ascii_lowercase().find("/notls") {
        better.push_str(rest.get(..start).unwrap_or_default());
        better.push_str("/tls");
        rest = rest.get(start + "/notls".len()..).unwrap_or_default();
    }
    better + rest + folder
}

/// The host ends at the first `:`, `/` or `}` that is not inside brackets.
fn split_host(text: &str) -> Option<(&str, &str)> {
    let from = if text.starts_with('[') { text.find(']')? } else { 0 };
    let end = from + text.get(from..)?.find([':', '/', '}'])?;
    text.split_at_checked(end)
}

/// Splits `name=value` or `name="quoted value"` off the text.
fn split_flag(text: &str) -> Option<(&str, Option<String>, &str)> {
    let end = text.find(['=', ':', '/', '}'])?;
    let (name, rest) = text.split_at_checked(end)?;
    let Some(value) = rest.strip_prefix('=') else { return Some((name, None, rest)) };
    let Some(inner) = value.strip_prefix('"') else {
        let end = value.find([':', '/', '}'])?;
        let (value, rest) = value.split_at_checked(end)?;
        return Some((name, Some(value.to_owned()), rest));
    };
    let mut unquoted = String::new();
    let mut chars = inner.char_indices();
    while let Some((offset, c)) = chars.next() {
        match c {
            '"' => return Some((name, Some(unquoted), inner.get(offset + 1..)?)),
            '\\' => unquoted.push(chars.next()?.1),
            _ => unquoted.push(c),
        }
    }
    None
}

#[derive(Debug, Default)]
struct MailboxFlags {
    service: bool,
    ssl: bool,
    tls: bool,
    notls: bool,
    any_certificate: bool,
    checked_certificate: bool,
    unused: Vec<&'static str>,
}

impl MailboxFlags {
    fn take(&mut self, name: &str, value: Option<&str>) -> Result<(), FlagError> {
        match (name, value) {
            ("imap" | "imap2" | "imap2bis" | "imap4" | "imap4rev1", None) => return self.serve(),
            ("service", Some(service)) if service.eq_ignore_ascii_case("imap") => return self.serve(),
            ("service" | "pop3" | "pop" | "nntp" | "smtp" | "submit", _) => {
                return Err(FlagError::OtherService);
            }
            ("ssl", None) if self.tls => return Err(FlagError::TlsTwice),
            ("tls" | "tls-sslv23", None) if self.ssl || self.notls => return Err(FlagError::TlsTwice),
            ("notls", None) if self.tls => return Err(FlagError::TlsTwice),
            ("ssl", None) => self.ssl = true,
            ("tls" | "tls-sslv23", None) => self.tls = true,
            ("notls", None) => self.notls = true,
            ("tryssl", None) => return Err(FlagError::TrySsl),
            ("novalidate-cert", None) if self.checked_certificate => return Err(FlagError::CertificateTwice),
            ("validate-cert", None) if self.any_certificate => return Err(FlagError::CertificateTwice),
            ("novalidate-cert", None) => self.any_certificate = true,
            ("validate-cert", None) => self.checked_certificate = true,
            ("secure", None) => return Err(FlagError::Secure),
            ("user" | "authuser", _) => return Err(FlagError::FixedUser),
            ("anonymous", None) => return Err(FlagError::Anonymous),
            // Nothing is opened, traced or run here, so these ask for nothing.
            ("readonly", None) => self.unused.push("readonly"),
            ("debug", None) => self.unused.push("debug"),
            ("norsh", None) => self.unused.push("norsh"),
            ("loser", None) => self.unused.push("loser"),
            ("", _) => return Err(FlagError::Empty),
            _ => return Err(FlagError::Unknown),
        }
        Ok(())
    }

    fn serve(&mut self) -> Result<(), FlagError> {
        if std::mem::replace(&mut self.service, true) { Err(FlagError::ServiceTwice) } else { Ok(()) }
    }

    fn tls(&self) -> MailboxTls {
        match self {
            Self { ssl: true, .. } => MailboxTls::Implicit,
            Self { tls: true, .. } => MailboxTls::Explicit,
            Self { notls: true, .. } => MailboxTls::Never,
            _ => MailboxTls::Unset,
        }
    }
}

/// Why a flag is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum FlagError {
    Unknown,
    Empty,
    OtherService,
    ServiceTwice,
    TlsTwice,
    CertificateTwice,
    TrySsl,
    Secure,
    FixedUser,
    Anonymous,
}

impl FlagError {
    /// The problem with a flag.
    ///
    /// Values of flags are not repeated: `/user=` has been seen with a password beside it.
    fn of(self, text: &str, name: &str) -> Problem {
        let flag = format!("the flag /{} in a mailbox string", name.escape_debug());
        let other = |expected: &str| Problem::new(flag.clone(), expected);
        match self {
            Self::Unknown => other("/imap, /ssl, /tls, /notls, /validate-cert, /novalidate-cert, /readonly, /debug, /norsh or /loser"),
            Self::Empty => Problem::new(quoted(text), "a name behind every / of a mailbox string"),
            Self::OtherService => other("/imap").hint("only IMAP servers are asked"),
            Self::ServiceTwice => other("one service in a mailbox string"),
            Self::TlsTwice => other("one of /ssl, /tls and /notls"),
            Self::CertificateTwice => other("either /validate-cert or /novalidate-cert"),
            Self::TrySsl => other("/ssl or /tls").hint("/tryssl goes on in clear text when TLS fails, so anyone on the network can make it fail"),
            Self::Secure => other("a mailbox string without it")
                .hint("/secure forbids sending passwords, and a password is all there is to check; /ssl or /tls protects it"),
            Self::FixedUser => other("a mailbox string without it")
                .hint("it would send one fixed account instead of the login name, so that one password opens every door"),
            Self::Anonymous => other("a mailbox string without it")
                .hint("it signs in without a password, so anyone would pass"),
        }
    }
}

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(test)]
mod tests;
