//! Replies of SMTP: how one is read from its lines, and what it decides.
//!
//! Pure functions, so that every row can be tested without a server.
//!
//! RFC 5321 section 4.2 (form of replies), RFC 2034 and RFC 3463 (enhanced codes), RFC 4954
//! section 6 (codes of AUTH), RFC 3207 (STARTTLS), RFC 5248 (the registry of enhanced codes).

use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, ReplyText, Words};
use crate::verdict::Rejection;

/// Most lines of one reply.
///
/// The longest reply is that to EHLO; real ones have about 20 lines.
const MAX_LINES: usize = 100;

/// Why a reply cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum ProtocolViolation {
    /// The server sent something without a command.
    #[error("the server spoke before it was asked")]
    Unasked,
    /// A line or a reply is longer than any server's.
    #[error("the server sends a reply that is too long")]
    TooLong,
    /// The server sent something that is not a reply.
    #[error("the server does not speak SMTP")]
    NotAReply,
}

/// An enhanced status code, such as 5.7.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct EnhancedCode {
    class: u16,
    subject: u16,
    detail: u16,
}

impl EnhancedCode {
    /// The code at the beginning of a text, and the text after it.
    fn split(text: &[u8]) -> Option<(Self, &[u8])> {
        let end = text.iter().position(|byte| *byte == b' ').unwrap_or(text.len());
        let (code, rest) = (text.get(..end)?, text.get(end..)?);
        let mut parts = code.split(|byte| *byte == b'.').map(number);
        let (class, subject, detail) = (parts.next()??, parts.next()??, parts.next()??);
        let is_code = matches!(class, 2 | 4 | 5) && parts.next().is_none();
        let rest = rest.strip_prefix(b" ").unwrap_or(rest);
        is_code.then_some((Self { class, subject, detail }, rest))
    }
}

/// One to three digits.
fn number(digits: &[u8]) -> Option<u16> {
    let is_number = (1..=3).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit);
    is_number.then(|| digits.iter().fold(0, |number, digit| number * 10 + u16::from(digit - b'0')))
}

/// One reply.
#[derive(Default)]
pub(super) struct Reply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    lines: Vec<Zeroizing<Vec<u8>>>,
    /// Its words, without codes, if it is a refusal: those of other replies decide nothing.
    pub(super) text: ReplyText,
}

impl Reply {
    /// Takes the next line, without its line end. `true`: it was the last one.
    ///
    /// # Errors
    /// The line is not one of this reply.
    pub(super) fn take(&mut self, line: &[u8]) -> Result<bool, ProtocolViolation> {
        let [first @ b'2'..=b'5', second @ b'0'..=b'5', third @ b'0'..=b'9', rest @ ..] = line else {
            return Err(ProtocolViolation::NotAReply);
        };
        let code = [first, second, third].iter().fold(0, |code, digit| code * 10 + u16::from(*digit - b'0'));
        let (is_last, text) = match rest {
            // RFC 5321 section 4.2: clients should bear a code alone.
            [] => (true, rest),
            [b' ', text @ ..] => (true, text),
            [b'-', text @ ..] => (false, text),
            _ => return Err(ProtocolViolation::NotAReply),
        };
        let enhanced = EnhancedCode::split(text);
        let (enhanced, words) = enhanced.map_or((None, text), |(code, words)| (Some(code), words));
        if self.lines.is_empty() {
            (self.code, self.enhanced) = (code, enhanced);
        } else if self.code != code {
            return Err(ProtocolViolation::NotAReply);
        }
        if self.lines.len() == MAX_LINES {
            return Err(ProtocolViolation::TooLong);
        }
        if code >= 400 {
            self.text.add(words);
        }
        self.lines.push(Zeroizing::new(text.to_vec()));
        Ok(is_last)
    }

    /// What a reply to EHLO offers.
    pub(super) fn offer(&self) -> Offer {
        let mut offer = Offer::default();
        // The first line names the server.
        for line in self.lines.iter().skip(1) {
            offer.add(&String::from_utf8_lossy(line).to_ascii_uppercase());
        }
        offer
    }
}

/// The extensions of a server that matter here (RFC 5321 section 4.1.1.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) starttls: bool,
    pub(super) plain: bool,
    pub(super) login: bool,
    /// It takes sign-ins, by whatever mechanism.
    pub(super) auth: bool,
}

impl Offer {
    fn add(&mut self, line: &str) {
        // Servers for old clients also write `AUTH=PLAIN LOGIN`.
        let line = line.strip_prefix("AUTH=").map_or_else(|| line.to_owned(), |rest| format!("AUTH {rest}"));
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            Some("STARTTLS") => self.starttls = true,
            Some("AUTH") => {
                self.auth = true;
                for mechanism in words {
                    self.plain |= mechanism == "PLAIN";
                    self.login |= mechanism == "LOGIN";
                }
            }
            _ => {}
        }
    }

    /// The names of what is offered.
    pub(super) fn names(self) -> impl Iterator<Item = String> {
        let all = [("STARTTLS", self.starttls), ("AUTH=PLAIN", self.plain), ("AUTH=LOGIN", self.login)];
        all.into_iter().filter(|(_, is_offered)| *is_offered).map(|(name, _)| name.to_owned())
    }

    /// The mechanism for the password.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] when there is none.
    pub(super) fn mechanism(self, encrypted: bool) -> Result<Mechanism, BackendError> {
        let misconfigured = |text: &str| Err(BackendError::misconfigured(Phase::Login, text));
        match self {
            Self { plain: true, .. } => Ok(Mechanism::Plain),
            Self { login: true, .. } => Ok(Mechanism::Login),
            Self { auth: true, .. } => misconfigured("the server offers neither AUTH PLAIN nor AUTH LOGIN"),
            Self { starttls: true, .. } if !encrypted => {
                misconfigured("the server offers no AUTH in clear text; it may require tls = \"explicit\"")
            }
            _ => misconfigured("the server offers no AUTH; is this the port for submission?"),
        }
    }
}

/// How the password is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Login,
}

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The connection itself.
    Greeting,
    /// EHLO.
    Ehlo,
    /// STARTTLS.
    StartTls,
    /// AUTH, without credentials.
    Auth,
    /// The name alone.
    Name,
    /// The password.
    Password,
}

impl Stage {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Greeting | Self::Ehlo => Phase::Greeting,
            Self::StartTls => Phase::Tls,
            Self::Auth | Self::Name | Self::Password => Phase::Login,
        }
    }

    fn answered(self) -> &'static str {
        match self {
            Self::Greeting => "to the connection",
            Self::Ehlo => "to EHLO",
            Self::StartTls => "to STARTTLS",
            Self::Auth => "to AUTH",
            Self::Name => "to the name",
            Self::Password => "to the password",
        }
    }
}

/// The next step after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The stage is passed.
    ///
    /// After [`Stage::Password`]: the server verified the password.
    Proceed,
    /// The server refused the name and the password.
    Rejected(Rejection),
}

/// Judges a whole reply.
///
/// # Errors
/// A [`BackendError`] for everything that is neither the expected yes nor a no to the name or the
/// password. After the password, one that is no outage counts as a guess.
pub(super) fn judge(
    stage: Stage,
    reply: &Reply,
    encrypted: bool,
    words: &Words,
) -> Result<Next, BackendError> {
    judge_code(stage, reply, encrypted, words).map_err(|error| match stage {
        Stage::Password => error.counting_unless_outage(),
        _ => error,
    })
}

fn judge_code(stage: Stage, reply: &Reply, encrypted: bool, words: &Words) -> Result<Next, BackendError> {
    let code = reply.code;
    let shown = match reply.enhanced {
        None => format!("reply {code} {}", stage.answered()),
        Some(EnhancedCode { class, subject, detail }) => {
            format!("reply {code} {class}.{subject}.{detail} {}", stage.answered())
        }
    };
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(stage.phase(), format!("{text} ({shown})")));
    let is_credentials = matches!(stage, Stage::Name | Stage::Password);
    let unavailable = |text: &str| {
        Err(match is_credentials {
            true => BackendError::outage(stage.phase(), text, &shown, &words.text),
            false => BackendError::unavailable(stage.phase(), format!("{text} ({shown})")),
        })
    };
    // RFC 2034 section 4: both codes say the same. A yes that contradicts itself is none.
    let contradicts = reply.enhanced.is_some_and(|enhanced| enhanced.class != code / 100);
    match (stage, code, words.class) {
        (_, 200..=399, _) if contradicts => {
            Err(BackendError::protocol(stage.phase(), format!("the server contradicts itself ({shown})")))
        }
        (Stage::Greeting | Stage::StartTls, 220, _)
        | (Stage::Ehlo, 250, _)
        | (Stage::Auth | Stage::Name, 334, _)
        | (Stage::Password, 235, _) => Ok(Next::Proceed),
        (Stage::Auth | Stage::Name, 235, _) => {
            misconfigured("the server asks for no password, so it proves nothing")
        }
        (Stage::Greeting, 400..=599, _) => unavailable("the server turns connections away"),
        (Stage::Ehlo, 400..=499 | 521 | 550..=559, _) => unavailable("the server turns this client away"),
        (Stage::Ehlo, 500..=599, _) => misconfigured("the server does not take EHLO, which AUTH needs"),
        (_, 400..=599, ReplyClass::Refusal(rejection)) if is_credentials && words.is_taught => {
            Ok(refused(stage, rejection))
        }
        (_, 400..=499, _) => unavailable("the server cannot answer now"),
        (Stage::StartTls, 500..=599, _) => misconfigured("the server refuses TLS"),
        (_, 523 | 524 | 530 | 538, _) if !encrypted => {
            misconfigured("the server refuses the login; it may require tls = \"explicit\"")
        }
        (Stage::Auth, 500..=599, _) => misconfigured("the server takes no sign-in in this way"),
        (_, 500..=599, ReplyClass::Outage) => unavailable("the server did not judge the login"),
        // The server's own word for "not now", in a reply that says "no".
        (_, 500..=599, _) if contradicts => unavailable("the server did not judge the login"),
        (_, 500..=599, class) => match refusal(reply, class) {
            Some(rejection) => Ok(refused(stage, rejection)),
            None if matches!(code, 502 | 504 | 523 | 524 | 534 | 538) => {
                misconfigured("the server wants another way to sign in")
            }
            None => {
                let error = BackendError::not_recognised(&shown, words.text.clone());
                // 50z: the server did not understand, so it would say this to a right password too.
                Err(if code >= 510 { error.learnable() } else { error })
            }
        },
        _ => Err(BackendError::protocol(
            stage.phase(),
            format!("the server broke the rules of SMTP ({shown})"),
        )),
    }
}

/// The refusal in a reply of 500 to 599, by its codes and its words.
fn refusal(reply: &Reply, class: ReplyClass) -> Option<Rejection> {
    let detail = reply.enhanced.filter(|enhanced| enhanced.subject == 7).map(|enhanced| enhanced.detail);
    match (reply.code, detail, class) {
        // RFC 5248: "User account disabled".
        (_, Some(13), ReplyClass::Unknown) => Some(Rejection::AccountDisabled),
        (_, _, ReplyClass::Refusal(rejection)) => Some(rejection),
        // Mechanism too weak, encryption needed, password transition, trust relationship.
        (535, Some(9..=12 | 14), _) => None,
        // RFC 4954: "Authentication credentials invalid".
        (535, ..) if reply.enhanced.is_none_or(|enhanced| matches!(enhanced.subject, 0 | 7)) => {
            Some(Rejection::BadCredentials)
        }
        _ => None,
    }
}

/// A name that is refused alone is unknown, unless the words say more about its account.
fn refused(stage: Stage, rejection: Rejection) -> Next {
    Next::Rejected(match (stage, rejection) {
        (Stage::Name, Rejection::BadCredentials) => Rejection::UnknownUser,
        _ => rejection,
    })
}

#[cfg(test)]
mod tests;
