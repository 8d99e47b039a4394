//! What a server's replies mean for a sign-in.
//!
//! Pure: no I/O, no state.
//!
//! The rule for refusals: a reply is a rejection only if it is recognised as one. RFC 9051 section
//! 7.1 (and RFC 5530 before it) gives servers codes for "wrong password", "not now", "not here" and
//! "my own fault". Where there is no code, or one that says nothing about it, the words decide
//! (module `refusal`). Everything else is an outage.

use std::io;

use async_imap::imap_proto::{Capability, Outcome, Response, ResponseCode, Status};

use super::guard::{ProtocolViolation, UNLISTED, known_code};
use super::sasl::Literals;
use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, Words};
use crate::transport::TlsClient;
use crate::verdict::Rejection;

/// A reply, as far as a sign-in is concerned.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// `* OK`, `* PREAUTH`, `* NO` or `* BAD`, with the capabilities if they came with it.
    Status { status: Untagged, capabilities: Option<Capabilities> },
    /// `* BYE`.
    Bye(Option<&'static str>),
    /// `* CAPABILITY`.
    Capabilities(Capabilities),
    /// `+`.
    Continue,
    /// The answer to our command.
    Done(TaggedStatus),
    /// Something the guard would not have passed.
    Odd,
}

/// The word of an untagged status response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Untagged {
    Ok,
    Preauth,
    Trouble,
}

/// A status word and its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaggedStatus {
    Ok,
    No(Option<&'static str>),
    Bad(Option<&'static str>),
}

impl Reply {
    /// Reads what the parser made of a line.
    ///
    /// Only an answer with this very tag is an answer.
    pub(super) fn read(response: &Response<'_>, tag: &str) -> Self {
        match response {
            Response::Capabilities(list) => Self::Capabilities(Capabilities::read(list)),
            Response::Continue(_) => Self::Continue,
            Response::Data { status: Status::Bye, outcome } => Self::Bye(code(outcome)),
            Response::Data { status, outcome } => Self::Status {
                status: match status {
                    Status::Ok => Untagged::Ok,
                    Status::PreAuth => Untagged::Preauth,
                    _ => Untagged::Trouble,
                },
                capabilities: match &outcome.code {
                    Some(ResponseCode::Capabilities(list)) => Some(Capabilities::read(list)),
                    _ => None,
                },
            },
            Response::Done { tag: found, status, outcome } if found.as_bytes() == tag.as_bytes() => {
                TaggedStatus::read(status, outcome).map_or(Self::Odd, Self::Done)
            }
            _ => Self::Odd,
        }
    }
}

impl TaggedStatus {
    fn read(status: &Status, outcome: &Outcome<'_>) -> Option<Self> {
        match status {
            Status::Ok => Some(Self::Ok),
            Status::No => Some(Self::No(code(outcome))),
            Status::Bad => Some(Self::Bad(code(outcome))),
            Status::PreAuth | Status::Bye => None,
        }
    }
}

/// The parser knows some codes and leaves others in the text.
///
/// Here they are one thing again.
fn code(outcome: &Outcome<'_>) -> Option<&'static str> {
    match &outcome.code {
        Some(ResponseCode::Alert) => Some(known_code("ALERT")),
        Some(ResponseCode::Parse) => Some(known_code("PARSE")),
        Some(_) => Some(UNLISTED),
        None => {
            let text = outcome.information.as_deref()?.strip_prefix('[')?;
            Some(known_code(text.split([']', ' ']).next().unwrap_or_default()))
        }
    }
}

/// What the server says it can do (RFC 9051 section 6.1.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Capabilities {
    names: Vec<String>,
}

impl Capabilities {
    fn read(list: &[Capability<'_>]) -> Self {
        let names = list.iter().map(|capability| match capability {
            Capability::Imap4rev1 => "IMAP4rev1".to_owned(),
            Capability::Auth(mechanism) => format!("AUTH={}", mechanism.to_ascii_uppercase()),
            Capability::Atom(name) => name.to_ascii_uppercase(),
        });
        Self { names: names.collect() }
    }

    /// Without `IMAP4rev1`, when that was our addition.
    #[must_use]
    pub(super) fn without_rev1(mut self, added: bool) -> Self {
        if added {
            self.names.retain(|name| name != "IMAP4rev1");
        }
        self
    }

    /// Whether the server names this capability (in upper case).
    pub(super) fn has(&self, name: &str) -> bool {
        self.names.iter().any(|has| has == name)
    }

    /// All names.
    pub(super) fn into_names(self) -> Vec<String> {
        self.names
    }
}

/// How the name and the password are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    /// `AUTHENTICATE PLAIN` with the credentials on the same line (RFC 4959).
    PlainAtOnce,
    /// `AUTHENTICATE PLAIN`, a continuation, the credentials (RFC 4616).
    PlainInTurns,
    /// `AUTHENTICATE LOGIN`, name and password after a continuation each.
    LoginInTurns,
    /// `LOGIN` (RFC 9051 section 6.2.3).
    Login(Literals),
}

impl Method {
    /// The first method that the server offers.
    ///
    /// Each of them carries every name and password.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] when it takes no passwords on this connection.
    pub(super) fn choose(offered: &Capabilities, encrypted: bool) -> Result<Self, BackendError> {
        let is_disabled = offered.has("LOGINDISABLED");
        // LOGINDISABLED speaks about the LOGIN command only. In clear text it says what the server
        // thinks of clear text, and then no other command may carry the password either.
        if is_disabled && !encrypted {
            let text = "the server takes no passwords in clear text (LOGINDISABLED); set tls = \"explicit\" or \
                        \"implicit\"";
            return Err(BackendError::misconfigured(Phase::Login, text));
        }
        if offered.has("AUTH=PLAIN") {
            return Ok(if offered.has("SASL-IR") { Self::PlainAtOnce } else { Self::PlainInTurns });
        }
        if offered.has("AUTH=LOGIN") {
            return Ok(Self::LoginInTurns);
        }
        if is_disabled {
            let text = "the server takes no passwords: it offers neither AUTH=PLAIN nor AUTH=LOGIN, and disables LOGIN";
            return Err(BackendError::misconfigured(Phase::Login, text));
        }
        let at_once = ["LITERAL+", "LITERAL-"].into_iter().any(|name| offered.has(name));
        Ok(Self::Login(if at_once { Literals::AtOnce } else { Literals::Synchronising }))
    }

    /// The command, as errors name it.
    pub(super) fn command(self) -> &'static str {
        match self {
            Self::PlainAtOnce | Self::PlainInTurns => "AUTHENTICATE PLAIN",
            Self::LoginInTurns => "AUTHENTICATE LOGIN",
            Self::Login(_) => "LOGIN",
        }
    }
}

/// What the server decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LoginDecision {
    Yes,
    No(Rejection),
}

/// Reads the answer to the command that carried the password.
///
/// Its code decides, or else its words.
///
/// # Errors
/// A [`BackendError`] when the answer is no decision about this name and this password.
pub(super) fn decide(
    answer: TaggedStatus,
    words: &Words,
    encrypted: bool,
) -> Result<LoginDecision, BackendError> {
    let no = |rejection| Ok(LoginDecision::No(rejection));
    let code = match (answer, words.class) {
        (TaggedStatus::Ok, _) => return Ok(LoginDecision::Yes),
        (TaggedStatus::Bad(_), ReplyClass::Refusal(rejection)) if words.is_taught => return no(rejection),
        // The server may not know the command, or not take it now. Learning such an answer would
        // turn every password into a wrong one.
        (TaggedStatus::Bad(code), _) => {
            let text = shown("the server did not understand the login", code);
            return Err(BackendError::protocol(Phase::Login, text).with_server_text(words.text.clone()));
        }
        (TaggedStatus::No(code), _) => code,
    };
    match (code, words.class) {
        (Some("AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED"), _) => no(Rejection::BadCredentials),
        (Some("EXPIRED"), _) => no(Rejection::CredentialsExpired),
        (Some("CONTACTADMIN" | "NOPERM"), _) => no(Rejection::AccountDisabled),
        (Some("PRIVACYREQUIRED"), _) => Err(needs_privacy(encrypted)),
        // These codes say nothing about the password, so the words decide.
        (None | Some("ALERT" | "WEBALERT" | "PARSE" | UNLISTED), ReplyClass::Refusal(rejection)) => {
            no(rejection)
        }
        (None | Some("ALERT" | "WEBALERT" | "PARSE" | UNLISTED), ReplyClass::Unknown) => {
            let answer = shown("NO", code);
            Err(BackendError::not_recognised(&answer, words.text.clone()).learnable())
        }
        (Some(_), _) | (None, ReplyClass::Outage) => {
            let error =
                BackendError::unavailable(Phase::Login, shown("the server did not judge the login", code));
            Err(error.with_outage_text(words.text.clone()))
        }
    }
}

/// Reads a refusal that came before the password was sent.
///
/// It says nothing about the password. `knows_name`: the name was sent.
///
/// # Errors
/// A [`BackendError`] unless the server does not know the name.
pub(super) fn refused_unheard(
    answer: TaggedStatus,
    words: &Words,
    method: Method,
    encrypted: bool,
    knows_name: bool,
) -> Result<LoginDecision, BackendError> {
    let command = method.command();
    Err(match (answer, words.class) {
        (TaggedStatus::No(Some("PRIVACYREQUIRED")), _) => needs_privacy(encrypted),
        (TaggedStatus::No(Some("AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED")), _)
        | (TaggedStatus::No(None), ReplyClass::Refusal(_))
            if knows_name =>
        {
            return Ok(LoginDecision::No(Rejection::UnknownUser));
        }
        (TaggedStatus::No(code), _) => BackendError::unavailable(
            Phase::Login,
            shown(&format!("the server refused {command} before the password was sent"), code),
        ),
        (TaggedStatus::Bad(code), _) => BackendError::protocol(
            Phase::Login,
            shown(&format!("the server did not understand {command}, which it offers"), code),
        ),
        (TaggedStatus::Ok, _) => ProtocolViolation::EarlyYes.fault(Phase::Login),
    })
}

/// The server requires encryption.
fn needs_privacy(encrypted: bool) -> BackendError {
    let text = match encrypted {
        true => {
            "the server takes no passwords over this connection (PRIVACYREQUIRED), although it is encrypted"
        }
        false => {
            "the server takes no passwords over this connection (PRIVACYREQUIRED); set tls = \"explicit\" or \
             \"implicit\""
        }
    };
    BackendError::misconfigured(Phase::Login, text)
}

/// Reads the answer to STARTTLS.
///
/// # Errors
/// A [`BackendError`] unless the server agreed.
pub(super) fn agreed_to_tls(answer: TaggedStatus) -> Result<(), BackendError> {
    match answer {
        TaggedStatus::Ok => Ok(()),
        TaggedStatus::No(code) => {
            Err(BackendError::unavailable(Phase::Tls, shown("the server refused STARTTLS for now", code)))
        }
        TaggedStatus::Bad(_) => Err(no_starttls()),
    }
}

/// The error when the server does not offer the required encryption.
pub(super) fn no_starttls() -> BackendError {
    BackendError::misconfigured(
        Phase::Tls,
        "the server does not offer STARTTLS, or an attacker hides it; nothing was sent; if the port is for TLS from \
         the first byte, set tls = \"implicit\"",
    )
}

/// The server ended the dialogue with BYE.
pub(super) fn goodbye(phase: Phase, code: Option<&'static str>) -> BackendError {
    BackendError::unavailable(phase, shown("the server said goodbye (BYE)", code))
}

/// The connection ended or broke, or the guard refused what came.
pub(super) fn broken(phase: Phase, error: &io::Error) -> BackendError {
    if let Some(violation) = error.get_ref().and_then(|inner| inner.downcast_ref::<ProtocolViolation>()) {
        return violation.fault(phase);
    }
    if let Some(error) = TlsClient::explain_broken(phase, error) {
        return error;
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => closed(phase),
        // The parser's errors quote the line and are not passed on for that reason.
        io::ErrorKind::Other => BackendError::protocol(phase, "a reply cannot be read"),
        kind => BackendError::unavailable(phase, format!("the connection broke: {kind}")),
    }
}

/// The server closed the connection.
pub(super) fn closed(phase: Phase) -> BackendError {
    BackendError::unavailable(phase, "the server closed the connection")
}

impl ProtocolViolation {
    /// What the violation means.
    pub(super) fn fault(self, phase: Phase) -> BackendError {
        BackendError::protocol(phase, self.to_string()).with_source(self)
    }
}

fn shown(text: &str, code: Option<&'static str>) -> String {
    match code {
        None => text.to_owned(),
        Some(UNLISTED) => format!("{text} (with a code of its own)"),
        Some(code) => format!("{text} ({code})"),
    }
}

#[cfg(test)]
mod tests;
