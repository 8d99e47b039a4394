//! Maps LDAP result codes to decisions, in pure functions.
//!
//! Every row can be tested without a server.
//!
//! RFC 4511 appendix A (result codes), RFC 4513 section 5.1; the codes that Active Directory puts
//! into its diagnostic message (`data 52e`) are Windows error codes.

use rasn_ldap::ResultCode;

use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, Words};
use crate::verdict::Rejection;

/// What a result answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// StartTLS.
    StartTls,
    /// The bind of the service account.
    Service,
    /// A search.
    Search,
}

impl Stage {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::StartTls => Phase::Tls,
            Self::Service | Self::Search => Phase::Greeting,
        }
    }

    fn answered(self) -> &'static str {
        match self {
            Self::StartTls => "to StartTLS",
            Self::Service => "to the bind of the service account",
            Self::Search => "to the search",
        }
    }
}

/// Insists on success of a step before the password.
///
/// # Errors
/// A [`BackendError`] in the stage's phase.
pub(super) fn proceed(stage: Stage, code: ResultCode) -> Result<(), BackendError> {
    let shown = format!("result {} {}", code as u8, stage.answered());
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(stage.phase(), format!("{text} ({shown})")));
    match (stage, code) {
        (_, ResultCode::Success) => Ok(()),
        (
            _,
            ResultCode::Busy
            | ResultCode::Unavailable
            | ResultCode::TimeLimitExceeded
            | ResultCode::AdminLimitExceeded
            | ResultCode::OperationsError
            | ResultCode::Other,
        ) if code != ResultCode::OperationsError || !matches!(stage, Stage::Search | Stage::StartTls) => {
            let text = format!("the server cannot answer now ({shown})");
            Err(BackendError::unavailable(stage.phase(), text))
        }
        (Stage::StartTls, _) => misconfigured("the server refuses TLS"),
        (Stage::Service, ResultCode::InvalidCredentials) => {
            misconfigured("the server refuses the service account; are its name and password right?")
        }
        (Stage::Service, ResultCode::ConfidentialityRequired | ResultCode::StrongerAuthRequired) => {
            misconfigured("the server requires TLS")
        }
        (Stage::Service, _) => misconfigured("the server refuses the service account"),
        (Stage::Search, ResultCode::NoSuchObject) => misconfigured("there is no such base"),
        (Stage::Search, ResultCode::SizeLimitExceeded) => misconfigured("the search finds too many entries"),
        (Stage::Search, ResultCode::Referral) => misconfigured("the server refers to another server"),
        // Active Directory answers a search without a sign-in with 1.
        (
            Stage::Search,
            ResultCode::OperationsError
            | ResultCode::InsufficientAccessRights
            | ResultCode::InappropriateAuthentication
            | ResultCode::StrongerAuthRequired
            | ResultCode::ConfidentialityRequired,
        ) => misconfigured("the server lets this account search nothing; a service account may be needed"),
        (Stage::Search, _) => misconfigured("the server does not take this search"),
    }
}

/// Judges the answer to a bind with the user's password.
///
/// `Ok(None)` is the yes. `diagnostic` is the server's message.
///
/// # Errors
/// A [`BackendError`] for everything that is neither a yes nor a recognised no. One that is no
/// outage counts as a guess.
pub(super) fn judge(
    code: ResultCode,
    diagnostic: &str,
    words: &Words,
) -> Result<Option<Rejection>, BackendError> {
    judge_code(code, diagnostic, words).map_err(BackendError::counting_unless_outage)
}

fn judge_code(code: ResultCode, diagnostic: &str, words: &Words) -> Result<Option<Rejection>, BackendError> {
    let shown = format!("result {} to the bind", code as u8);
    let unavailable = |text: &str| Err(BackendError::outage(Phase::Login, text, &shown, &words.text));
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(Phase::Login, format!("{text} ({shown})")));
    match (code, words.class) {
        (ResultCode::Success, _) => Ok(None),
        (_, ReplyClass::Refusal(rejection)) if words.is_taught => Ok(Some(rejection)),
        (ResultCode::InvalidCredentials, class) => match (windows_error(diagnostic), class) {
            (Some(error), _) => match windows_rejection(error) {
                Some(rejection) => Ok(Some(rejection)),
                None => unavailable("the domain controller did not judge the login"),
            },
            (None, ReplyClass::Refusal(rejection)) => Ok(Some(rejection)),
            (None, _) => Ok(Some(Rejection::BadCredentials)),
        },
        // The entry has no password.
        (ResultCode::InappropriateAuthentication, ReplyClass::Unknown) => Ok(Some(Rejection::BadCredentials)),
        (ResultCode::NoSuchObject, ReplyClass::Unknown) => Ok(Some(Rejection::UnknownUser)),
        // 389 Directory Server: too many wrong passwords, until some time has passed.
        (ResultCode::ConstraintViolation, _) => Ok(Some(Rejection::AccountLocked)),
        (
            ResultCode::InappropriateAuthentication
            | ResultCode::NoSuchObject
            | ResultCode::UnwillingToPerform
            | ResultCode::InsufficientAccessRights,
            ReplyClass::Refusal(rejection),
        ) => Ok(Some(rejection)),
        (ResultCode::UnwillingToPerform | ResultCode::InsufficientAccessRights, ReplyClass::Unknown) => {
            Err(BackendError::not_recognised(&shown, words.text.clone()).learnable())
        }
        (ResultCode::ConfidentialityRequired | ResultCode::StrongerAuthRequired, _) => {
            misconfigured("the server requires TLS")
        }
        (ResultCode::InvalidDnSyntax | ResultCode::NamingViolation, _) => {
            misconfigured("what the user signs in as is no DN; is `bind` right?")
        }
        (ResultCode::Referral, _) => misconfigured("the server refers to another server"),
        (ResultCode::AuthMethodNotSupported, _) => misconfigured("the server takes no passwords"),
        (ResultCode::ProtocolError, _) => misconfigured("the server does not take this bind"),
        (
            ResultCode::Busy
            | ResultCode::Unavailable
            | ResultCode::TimeLimitExceeded
            | ResultCode::AdminLimitExceeded
            | ResultCode::OperationsError
            | ResultCode::InappropriateAuthentication
            | ResultCode::NoSuchObject
            | ResultCode::UnwillingToPerform
            | ResultCode::InsufficientAccessRights
            | ResultCode::LoopDetect
            | ResultCode::Other,
            _,
        ) => unavailable("the server cannot answer now"),
        _ => {
            Err(BackendError::protocol(Phase::Login, format!("the server broke the rules of LDAP ({shown})")))
        }
    }
}

/// The Windows error in a diagnostic message of Active Directory.
///
/// `…: AcceptSecurityContext error, data 52e, v4563`.
fn windows_error(diagnostic: &str) -> Option<u32> {
    let rest = diagnostic.split_once("AcceptSecurityContext error, data ")?.1;
    let digits = rest.split_once(',')?.0;
    u32::from_str_radix(digits, 16).ok().filter(|_| digits.len() <= 8 && !digits.starts_with('+'))
}

/// What a Windows error says about the user; `None` for one that says nothing.
fn windows_rejection(error: u32) -> Option<Rejection> {
    match error {
        // ERROR_LOGON_FAILURE, ERROR_NO_SUCH_USER.
        0x52e => Some(Rejection::BadCredentials),
        0x525 => Some(Rejection::UnknownUser),
        // ERROR_INVALID_LOGON_HOURS, ERROR_INVALID_WORKSTATION, ERROR_ACCOUNT_DISABLED,
        // ERROR_ACCOUNT_EXPIRED.
        0x530 | 0x531 | 0x533 | 0x701 => Some(Rejection::AccountDisabled),
        // ERROR_PASSWORD_EXPIRED, ERROR_PASSWORD_MUST_CHANGE.
        0x532 | 0x773 => Some(Rejection::CredentialsExpired),
        // ERROR_ACCOUNT_LOCKED_OUT.
        0x775 => Some(Rejection::AccountLocked),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::{RefusalTexts, ReplyText, Sent, ServerText};

    const CODES: [u8; 38] = [
        0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21, 32, 33, 34, 36, 48, 49, 50,
        51, 52, 53, 54, 64, 65, 66, 67, 68, 69, 80,
    ];

    fn code(number: u8) -> ResultCode {
        rasn::ber::decode(&[0x0a, 1, number]).unwrap()
    }

    fn judged(number: u8, diagnostic: &str) -> String {
        let mut words = ReplyText::default();
        words.add(diagnostic.as_bytes());
        let taught = RefusalTexts::parse(["Zebra says no"]).unwrap();
        let words = words.judge(&taught, Sent { name: "alice", password: "Wonderland-1" });
        match judge(code(number), diagnostic, &words) {
            Ok(None) => "accepted".to_owned(),
            Ok(Some(rejection)) => rejection.as_str().to_owned(),
            Err(error) if error.counts_as_guess() => format!("{} guess", error.kind()),
            Err(error) => error.kind().to_owned(),
        }
    }

    #[test]
    fn outage_after_a_bind_has_the_words_of_the_server() {
        let mut words = ReplyText::default();
        words.add(b"Server is busy");
        let words = words.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
        let error = judge(ResultCode::Busy, "Server is busy", &words).unwrap_err();
        assert_eq!(error.outage_text().map(ServerText::as_str), Some("Server is busy"));
    }

    #[test]
    fn every_code_has_one_outcome() {
        for number in CODES {
            let expected = match number {
                0 => "accepted",
                49 | 48 => "bad_credentials",
                32 => "unknown_user",
                19 => "account_locked",
                50 | 53 => "unavailable guess",
                1 | 3 | 11 | 51 | 52 | 54 | 80 => "unavailable",
                2 | 7 | 8 | 10 | 13 | 34 | 64 => "misconfigured guess",
                _ => "protocol guess",
            };
            assert_eq!(judged(number, ""), expected, "{number}");
            assert_eq!(judged(number, "zebra"), expected, "{number}");
            let taught = if number == 0 { "accepted" } else { "bad_credentials" };
            assert_eq!(judged(number, "Zebra says no"), taught, "{number}");
        }
    }

    #[test]
    fn active_directory_codes_are_reasons() {
        for (data, outcome) in [
            ("52e", "bad_credentials"),
            ("525", "unknown_user"),
            ("530", "account_disabled"),
            ("531", "account_disabled"),
            ("532", "credentials_expired"),
            ("533", "account_disabled"),
            ("701", "account_disabled"),
            ("773", "credentials_expired"),
            ("775", "account_locked"),
            ("568", "unavailable"),
            ("0", "unavailable"),
            ("+52e", "bad_credentials"),
        ] {
            let diagnostic = format!(
                "80090308: LdapErr: DSID-0C09042F, comment: AcceptSecurityContext error, data {data}, v4563"
            );
            assert_eq!(judged(49, &diagnostic), outcome, "{data}");
        }
        assert_eq!(judged(49, "data 775, v4563"), "bad_credentials");
    }

    #[test]
    fn words_decide_where_the_code_does_not() {
        assert_eq!(judged(53, "account is locked"), "account_locked");
        assert_eq!(judged(53, "too many connections"), "unavailable");
        assert_eq!(judged(50, "invalid credentials"), "bad_credentials");
        assert_eq!(judged(49, "password expired"), "credentials_expired");
        assert_eq!(judged(32, "database unavailable"), "unavailable");
        assert_eq!(judged(48, "internal error"), "unavailable");
    }

    #[test]
    fn step_before_the_password_is_never_a_refusal() {
        for stage in [Stage::StartTls, Stage::Service, Stage::Search] {
            for number in CODES {
                let answer = proceed(stage, code(number));
                assert_eq!(answer.is_ok(), number == 0, "{stage:?} {number}");
                if let Err(error) = answer {
                    assert!(!error.counts_as_guess(), "{error}");
                    let is_outage =
                        matches!(number, 3 | 11 | 51 | 52 | 80) || (number, stage) == (1, Stage::Service);
                    assert_eq!(error.kind() == "unavailable", is_outage, "{stage:?} {error}");
                }
            }
        }
    }
}
