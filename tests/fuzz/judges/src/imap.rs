//! IMAP: whole dialogues through the guard, and what one answer means.

use user_backend::Rejection;
use user_backend::fuzzing::imap::{DialogueResult, dialogue};

/// Where the server waits for one more line from us.
const HEAR: u8 = 0xfe;

/// What the guard reads of one connection, and what it asks for at a time.
const MOST: usize = 64 * 1024 + 2 * 1024;

/// First byte: 1 = every other read finds nothing, 2 = STARTTLS first.
///
/// After it what the server sends.
pub fn guard(input: &[u8]) {
    let Some((how, script)) = input.split_first() else { return };
    let texts: Vec<&[u8]> = script.split(|byte| *byte == HEAR).collect();
    judge(&dialogue(&texts, how & 1 == 1, how & 2 == 2));
}

/// The input is the text after our tag in the response to an honest login.
pub fn reply(input: &[u8]) {
    // One line, and `{tag}` would be filled in.
    if input.contains(&b'\n') || input.windows(5).any(|window| window == b"{tag}") {
        return;
    }
    let greeting = b"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready\r\n".as_slice();
    let answer = [b"{tag} ", input, b"\r\n"].concat();
    let done = dialogue(&[greeting, &answer], false, false);
    judge(&done);
    let line = input.iter().map(|byte| if matches!(byte, b' '..=b'~') { char::from(*byte) } else { '?' });
    let line: String = line.collect();
    if line.len() > 8000 || announces_a_literal(&line) {
        assert!(done.decided.is_err(), "{line:?}: {done:?}");
        return;
    }
    let (word, text) = line.split_once(' ').unwrap_or((&line, ""));
    assert_eq!(matches!(done.decided, Ok(Ok(()))), word.eq_ignore_ascii_case("ok"), "{line:?}: {done:?}");
    if let Ok(Err(rejection)) = done.decided {
        assert!(word.eq_ignore_ascii_case("no"), "{line:?}: {done:?}");
        assert!(means(text, rejection), "{line:?}: {done:?}");
    }
}

/// What must hold of every dialogue.
fn judge(done: &DialogueResult) {
    match &done.decided {
        Ok(Ok(())) => assert!(done.sent_yes, "a yes that was not sent: {done:?}"),
        // A name that is refused before the password.
        Ok(Err(Rejection::UnknownUser)) if done.times_written == 0 => {}
        Ok(Err(_)) => assert!(done.sent_no, "a no that was not sent: {done:?}"),
        Err(fault) => {
            let text = format!("{fault:?}");
            assert!(!DialogueResult::SECRETS.iter().any(|secret| text.contains(secret)), "{text}");
        }
    }
    assert!(done.times_written <= 1, "the password was sent twice: {done:?}");
    assert!(done.sent <= MOST, "more was read than may be: {done:?}");
    assert!(!done.injected, "words in clear text survived STARTTLS: {done:?}");
}

/// The rejections that a code may mean.
///
/// Without a code, or with one that means nothing, the words must say it: no reply is a rejection
/// by default.
fn means(text: &str, rejection: Rejection) -> bool {
    let code = text.strip_prefix('[').filter(|code| code.contains(']'));
    let code = code.map(|code| code.split([']', ' ']).next().unwrap_or_default());
    match code.map(str::to_ascii_uppercase).as_deref() {
        Some("AUTHENTICATIONFAILED" | "AUTHORIZATIONFAILED") => rejection == Rejection::BadCredentials,
        Some("EXPIRED") => rejection == Rejection::CredentialsExpired,
        Some("CONTACTADMIN" | "NOPERM") => rejection == Rejection::AccountDisabled,
        Some(
            "UNAVAILABLE" | "SERVERBUG" | "INUSE" | "LIMIT" | "THROTTLED" | "PRIVACYREQUIRED" | "CANNOT"
            | "CLIENTBUG" | "CORRUPTION" | "OVERQUOTA" | "REFERRAL" | "NONEXISTENT" | "ALREADYEXISTS",
        ) => false,
        _ => says_no(text),
    }
}

/// Words without which nothing is a refusal.
fn says_no(text: &str) -> bool {
    let text = text.to_lowercase();
    [
        "fail",
        "incorrect",
        "invalid",
        "bad",
        "wrong",
        "denied",
        "refused",
        "reject",
        "unknown",
        "no such",
        "not ",
        "expired",
        "disabled",
        "locked",
        "blocked",
        "suspended",
        "inactive",
        "password",
        "unauthori",
        "cannot",
        "error",
        "mismatch",
        "does",
        "web",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// RFC 9051 section 4.3, and the non-synchronising forms.
fn announces_a_literal(line: &str) -> bool {
    let Some(number) = line.strip_suffix('}').and_then(|line| Some(line.rsplit_once('{')?.1)) else {
        return false;
    };
    let number = number.strip_suffix(['+', '-']).unwrap_or(number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}
