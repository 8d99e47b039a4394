//! Maps FTP replies to decisions.
//!
//! Pure functions, so that every row can be tested without a server.
//!
//! The same code means different things at different places: 530 answers a wrong password, a name
//! that came without TLS, an address that is not welcome, and a server that is full. So a code is
//! judged together with the [`Stage`] it answers, and where it can mean both, with its words
//! (module `refusal`).
//!
//! RFC 959 section 4.2 (form of replies), 5.4 (which reply may answer what), RFC 2228 section 3 and
//! RFC 4217 section 4 (replies to AUTH).

use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, Words};
use crate::verdict::Rejection;

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// The connection itself.
    Greeting,
    /// AUTH TLS.
    Auth,
    /// USER.
    User,
    /// PASS, sent after a 331.
    Pass,
}

impl Stage {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Greeting => Phase::Greeting,
            Self::Auth => Phase::Tls,
            Self::User | Self::Pass => Phase::Login,
        }
    }

    fn answered(self) -> &'static str {
        match self {
            Self::Greeting => "to the connection",
            Self::Auth => "to AUTH TLS",
            Self::User => "to USER",
            Self::Pass => "to PASS",
        }
    }
}

/// The next step after a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The stage is passed.
    ///
    /// After [`Stage::Pass`]: the server verified the password.
    Proceed,
    /// Another reply follows.
    Wait,
    /// The server refused the name and the password.
    Rejected(Rejection),
}

impl Next {
    /// Insists that the stage is passed.
    ///
    /// # Errors
    /// A protocol [`BackendError`] when it is not.
    pub(super) fn proceed(self, stage: Stage) -> Result<(), BackendError> {
        match self {
            Self::Proceed => Ok(()),
            Self::Wait | Self::Rejected(_) => Err(not_ftp(stage)),
        }
    }
}

/// The message for a malformed reply.
pub(super) fn not_ftp(stage: Stage) -> BackendError {
    BackendError::protocol(stage.phase(), "the server does not speak FTP")
}

/// Judges a whole reply.
///
/// # Errors
/// A [`BackendError`] for everything that is neither the expected yes nor a no to the name or the
/// password. After the password, one that is no outage counts as a guess.
pub(super) fn judge(stage: Stage, body: &[u8], encrypted: bool, words: &Words) -> Result<Next, BackendError> {
    let judged = match code(body) {
        Some(code) => judge_code(stage, code, encrypted, words),
        None => Err(not_ftp(stage)),
    };
    judged.map_err(|error| match stage {
        Stage::Pass => error.counting_unless_outage(),
        _ => error,
    })
}

fn judge_code(stage: Stage, code: u16, encrypted: bool, words: &Words) -> Result<Next, BackendError> {
    let shown = format!("reply {code} {}", stage.answered());
    let unavailable = |text: &str| {
        Err(match matches!(stage, Stage::User | Stage::Pass) {
            true => BackendError::outage(stage.phase(), text, &shown, &words.text),
            false => BackendError::unavailable(stage.phase(), format!("{text} ({shown})")),
        })
    };
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(stage.phase(), format!("{text} ({shown})")));
    let refused = |rejection| Ok(Next::Rejected(rejection));
    match (stage, code, words.class) {
        (Stage::Greeting, 220, _) | (Stage::Auth, 234, _) | (Stage::User, 331, _) | (Stage::Pass, 230, _) => {
            Ok(Next::Proceed)
        }
        (Stage::Greeting, 120, _) => Ok(Next::Wait),
        (Stage::Greeting, 400..=599, _) => unavailable("the server turns connections away"),
        (Stage::User | Stage::Pass, 400..=599, ReplyClass::Refusal(rejection)) if words.is_taught => {
            refused(rejection)
        }
        // Under TLS these cannot mean "encrypt first", so the name is what is refused. In clear
        // text the words must say so.
        (Stage::User, 430 | 530 | 550, ReplyClass::Refusal(rejection)) => refused(unknown_user(rejection)),
        (Stage::User, 430 | 530 | 550, ReplyClass::Unknown) if encrypted => refused(Rejection::UnknownUser),
        (Stage::User, 430 | 530 | 550, ReplyClass::Outage) if encrypted => {
            unavailable("the server cannot answer now")
        }
        // This code has no other meaning, so it needs no words.
        (Stage::Pass, 430, ReplyClass::Refusal(rejection)) => refused(rejection),
        (Stage::Pass, 430, ReplyClass::Unknown) => refused(Rejection::BadCredentials),
        // pure-ftpd says 421 where it requires TLS.
        (Stage::User, 421, _) if !encrypted => {
            unavailable("the server cannot answer now, or requires tls = \"explicit\"")
        }
        (_, 400..=499, _) => unavailable("the server cannot answer now"),
        (Stage::Auth, 334 | 500..=599, _) => misconfigured("the server refuses TLS"),
        (Stage::User | Stage::Pass, 332, _) => {
            misconfigured("the server wants an account beside the password")
        }
        (Stage::User, 230 | 232, _) => misconfigured("the server asks for no password, so it proves nothing"),
        (Stage::Pass, 202 | 232, _) => misconfigured("the server did not check the password"),
        (Stage::User, 522 | 530 | 533..=537 | 550, _) | (Stage::Pass, 522 | 533..=537, _) if !encrypted => {
            misconfigured("the server refuses the login; it may require tls = \"explicit\"")
        }
        (Stage::User | Stage::Pass, 522 | 533..=537, _) => {
            misconfigured("the server refuses the login for another reason than the password")
        }
        (Stage::Pass, 500..=599, ReplyClass::Refusal(rejection)) => refused(rejection),
        (Stage::Pass, 500..=599, ReplyClass::Outage) if !encrypted => {
            unavailable("the server did not judge the login; it may require tls = \"explicit\"")
        }
        (Stage::Pass, 500..=599, ReplyClass::Outage) => unavailable("the server did not judge the login"),
        (Stage::Pass, 500..=599, ReplyClass::Unknown) => {
            let error = BackendError::not_recognised(&shown, words.text.clone());
            // 50z: the server did not understand, so it would say this to a right password too.
            Err(if (530..=559).contains(&code) { error.learnable() } else { error })
        }
        _ => {
            Err(BackendError::protocol(stage.phase(), format!("the server broke the rules of FTP ({shown})")))
        }
    }
}

/// A name that is refused alone is unknown, unless the words say more about its account.
fn unknown_user(rejection: Rejection) -> Rejection {
    if rejection == Rejection::BadCredentials { Rejection::UnknownUser } else { rejection }
}

/// The code of a whole reply; `None` if the reply violates RFC 959 section 4.2.
///
/// suppaftp ends a reply at the first line that looks like a last line, whatever its code; so a
/// `530-` reply could end in a line that begins with `230 `. Here the first and the last line must
/// carry the same code, and nothing in between may look like a last line.
fn code(body: &[u8]) -> Option<u16> {
    let mut lines = body.strip_suffix(b"\n")?.split(|byte| *byte == b'\n').map(line);
    let first = lines.next()?;
    let last = lines.next_back();
    let between_is_text = lines.all(|line| !matches!(line, LineKind::Last(_)));
    match (first, last) {
        (LineKind::Last(code), None) => Some(code),
        (LineKind::More(code), Some(LineKind::Last(end))) if code == end && between_is_text => Some(code),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum LineKind {
    /// `ddd ` and a text.
    Last(u16),
    /// `ddd-` and a text.
    More(u16),
    Text,
}

fn line(line: &[u8]) -> LineKind {
    let [first @ b'1'..=b'5', second @ b'0'..=b'9', third @ b'0'..=b'9', mark, ..] = line else {
        return LineKind::Text;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    let code = digit(first) * 100 + digit(second) * 10 + digit(third);
    match mark {
        b' ' => LineKind::Last(code),
        b'-' => LineKind::More(code),
        _ => LineKind::Text,
    }
}

#[cfg(test)]
mod tests;
