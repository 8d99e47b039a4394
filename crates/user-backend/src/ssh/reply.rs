//! Maps answers to authentication requests to decisions, in pure functions.
//!
//! Every row can be tested without a server.
//!
//! RFC 4252 sections 5.1 (answers), 5.2 (`none`), 8 (`password`); RFC 4256
//! (`keyboard-interactive`).

use russh::{MethodKind, MethodSet};

use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, Words};
use crate::verdict::Rejection;

/// How the password is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Password,
    KeyboardInteractive,
}

/// What came instead of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Success,
    Failure {
        /// What may be tried next.
        methods: MethodSet,
        /// The request was right, and more is wanted.
        is_partial: bool,
    },
    /// The connection ended.
    ///
    /// With the reason, if the server gave one (RFC 4253 section 11.1).
    Ended(Option<u32>),
}

const PARTIAL: &str = "the server wants more than a password: another method has to follow (partial success)";

/// Chooses the method for the password, from the response to the method `none`.
///
/// Every server must refuse `none`.
///
/// # Errors
/// A [`BackendError`] without such a method. No password was sent.
pub(super) fn choose(answer: &Answer) -> Result<Method, BackendError> {
    let misconfigured = |text: String| Err(BackendError::misconfigured(Phase::Login, text));
    match answer {
        Answer::Success => {
            misconfigured("the server lets this user in without a password, so it proves nothing".to_owned())
        }
        Answer::Failure { is_partial: true, .. } => Err(BackendError::protocol(
            Phase::Login,
            "the server took the method \"none\" for a part of a sign-in",
        )),
        Answer::Failure { methods, .. } if methods.contains(&MethodKind::Password) => Ok(Method::Password),
        Answer::Failure { methods, .. } if methods.contains(&MethodKind::KeyboardInteractive) => {
            Ok(Method::KeyboardInteractive)
        }
        Answer::Failure { methods, .. } => {
            let names: Vec<&str> = methods.iter().map(<&str>::from).collect();
            misconfigured(format!("the server takes no passwords from this user, only: {}", names.join(", ")))
        }
        Answer::Ended(reason) => Err(BackendError::unavailable(Phase::Login, ended(*reason))),
    }
}

/// Judges what the server said to the password.
///
/// `words` are those that came after it: of a banner, of an instruction, or of the end of the
/// connection; `is_notice`: they were an answer to this very password.
///
/// # Errors
/// A [`BackendError`] for everything that is neither a yes nor a no.
pub(super) fn judge(
    answer: &Answer,
    words: &Words,
    is_notice: bool,
) -> Result<Result<(), Rejection>, BackendError> {
    match answer {
        Answer::Success => Ok(Ok(())),
        Answer::Failure { is_partial: true, .. } => Err(BackendError::misconfigured(Phase::Login, PARTIAL)),
        Answer::Failure { .. } => match words.class {
            ReplyClass::Refusal(rejection) => Ok(Err(rejection)),
            // A banner is the same for every user, so only a notice may take the refusal back.
            ReplyClass::Outage if is_notice => {
                let text = "the server refuses, and says that it cannot answer now";
                Err(BackendError::unavailable(Phase::Login, text).with_outage_text(words.text.clone()))
            }
            ReplyClass::Outage | ReplyClass::Unknown => Ok(Err(Rejection::BadCredentials)),
        },
        Answer::Ended(reason) => match words.class {
            ReplyClass::Refusal(rejection) => Ok(Err(rejection)),
            ReplyClass::Unknown if reason.is_some() => {
                Err(BackendError::not_recognised(&ended(*reason), words.text.clone()))
            }
            ReplyClass::Outage => {
                let error = BackendError::unavailable(Phase::Login, ended(*reason)).without_answer();
                Err(error.with_outage_text(words.text.clone()))
            }
            ReplyClass::Unknown => {
                Err(BackendError::unavailable(Phase::Login, ended(*reason)).without_answer())
            }
        },
    }
}

/// Judges a question after the password was given.
///
/// A server requests a new password in this way.
///
/// # Errors
/// A [`BackendError`], unless the words say that this user is refused.
pub(super) fn judge_question(words: &Words) -> Result<Rejection, BackendError> {
    match words.class {
        ReplyClass::Refusal(rejection) => Ok(rejection),
        ReplyClass::Outage | ReplyClass::Unknown => {
            Err(BackendError::not_recognised("another question after the password", words.text.clone()))
        }
    }
}

/// The error for a conversation that does not begin with one hidden question.
pub(super) fn not_one_question(count: usize, is_shown: bool) -> BackendError {
    let asks = match (count, is_shown) {
        (0, _) => "never asks for the password".to_owned(),
        (1, true) => "asks a question whose answer may be seen".to_owned(),
        (count, _) => format!("asks {count} questions at once"),
    };
    BackendError::misconfigured(
        Phase::Login,
        format!("the server {asks}; keyboard-interactive works with one question, the password"),
    )
}

/// An answer that was there before the question.
pub(super) fn unasked() -> BackendError {
    BackendError::protocol(Phase::Login, "the server answered before it was asked")
}

fn ended(reason: Option<u32>) -> String {
    match reason {
        Some(reason) => format!("the server ended the connection, reason {reason}"),
        None => "the server closed the connection".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::{RefusalTexts, ReplyText, Sent};

    fn failure(methods: &[MethodKind], is_partial: bool) -> Answer {
        Answer::Failure { methods: methods.into(), is_partial }
    }

    fn words(text: &str) -> Words {
        let mut reply = ReplyText::default();
        reply.add(text.as_bytes());
        reply.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" })
    }

    /// A decision in words.
    fn shown<T: std::fmt::Debug>(result: Result<T, BackendError>) -> String {
        match result {
            Ok(decision) => format!("{decision:?}"),
            Err(error) => {
                let guess = if error.counts_as_guess() { ", a guess" } else { "" };
                let unanswered = if error.is_unanswered() { ", unanswered" } else { "" };
                let words = error.outage_text().map(|text| format!(", in words: {}", text.as_str()));
                format!("{} {}{guess}{unanswered}{}", error.kind(), error.detail(), words.unwrap_or_default())
            }
        }
    }

    #[test]
    fn none_is_never_a_yes_and_names_the_method() {
        use MethodKind::{HostBased, KeyboardInteractive, Password, PublicKey};
        for (answer, expected) in [
            (failure(&[PublicKey, Password], false), "Password"),
            (failure(&[KeyboardInteractive, Password], false), "Password"),
            (failure(&[PublicKey, KeyboardInteractive], false), "KeyboardInteractive"),
            (
                failure(&[PublicKey, HostBased], false),
                "misconfigured the server takes no passwords from this user, only: publickey, hostbased",
            ),
            (
                failure(&[Password], true),
                "protocol the server took the method \"none\" for a part of a sign-in",
            ),
            (
                Answer::Success,
                "misconfigured the server lets this user in without a password, so it proves nothing",
            ),
            (Answer::Ended(None), "unavailable the server closed the connection"),
            (Answer::Ended(Some(12)), "unavailable the server ended the connection, reason 12"),
        ] {
            assert_eq!(shown(choose(&answer)), expected, "{answer:?}");
        }
    }

    #[test]
    fn password_answers_have_one_meaning_each() {
        let no = failure(&[MethodKind::Password], false);
        let partial = failure(&[MethodKind::PublicKey], true);
        for (answer, text, expected) in [
            (Answer::Success, "", "Ok(())"),
            (no.clone(), "", "Err(BadCredentials)"),
            (no.clone(), "Welcome to the files", "Err(BadCredentials)"),
            (no.clone(), "The account is locked due to 3 failed logins.", "Err(AccountLocked)"),
            (
                no.clone(),
                "Authentication service is temporarily unavailable",
                "unavailable the server refuses, and says that it cannot answer now, in words: Authentication service is \
                 temporarily unavailable",
            ),
            (partial.clone(), "", &format!("misconfigured {PARTIAL}")),
            (Answer::Ended(None), "", "unavailable the server closed the connection, unanswered"),
            (
                Answer::Ended(Some(2)),
                "Too many authentication failures",
                "unavailable the server ended the connection, reason 2, unanswered, in words: Too many authentication \
                 failures",
            ),
            (
                Answer::Ended(Some(11)),
                "The flux is low",
                "unavailable the server's answer is not recognised as a refusal (the server ended the connection, \
                 reason 11), a guess",
            ),
            (Answer::Ended(Some(14)), "Permission denied", "Err(BadCredentials)"),
            (
                Answer::Ended(None),
                "Your account has expired; please contact your administrator",
                "Err(AccountDisabled)",
            ),
        ] {
            assert_eq!(shown(judge(&answer, &words(text), true)), expected, "{answer:?} {text:?}");
        }
        // A banner is the same for every user.
        let banner = words("This server is busy");
        assert_eq!(shown(judge(&no, &banner, false)), "Err(BadCredentials)");
    }

    #[test]
    fn second_question_is_an_expired_password_or_not_recognised() {
        for (text, expected) in [
            (
                "You are required to change your password immediately (password expired). New password: ",
                "CredentialsExpired",
            ),
            (
                "Verification code:",
                "unavailable the server's answer is not recognised as a refusal (another question after the password), a guess",
            ),
        ] {
            assert_eq!(shown(judge_question(&words(text))), expected, "{text:?}");
        }
    }
}
