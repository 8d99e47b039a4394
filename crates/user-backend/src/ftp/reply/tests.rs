use proptest::prelude::*;

use super::*;
use crate::refusal::{RefusalTexts, ReplyText, Sent};

const STAGES: [Stage; 4] = [Stage::Greeting, Stage::Auth, Stage::User, Stage::Pass];

fn reply(code: u16) -> Vec<u8> {
    format!("{code} text\r\n").into_bytes()
}

/// The words of a reply, of this meaning.
fn words(class: ReplyClass) -> Words {
    let mut text = ReplyText::default();
    text.add(b"text");
    let words = text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    Words { class, ..words }
}

const REFUSAL: ReplyClass = ReplyClass::Refusal(Rejection::BadCredentials);
const CLASSES: [ReplyClass; 3] = [REFUSAL, ReplyClass::Outage, ReplyClass::Unknown];

/// The outcome in one word: the decision, or the kind of the error.
fn outcome(stage: Stage, code: u16, encrypted: bool, class: ReplyClass) -> &'static str {
    match judge(stage, &reply(code), encrypted, &words(class)) {
        Ok(Next::Proceed) => "proceed",
        Ok(Next::Wait) => "wait",
        Ok(Next::Rejected(rejection)) => rejection.as_str(),
        Err(error) => {
            assert_eq!(error.phase(), stage.phase());
            let is_guess =
                stage == Stage::Pass && (error.kind() != "unavailable" || error.server_text().is_some());
            assert_eq!(error.counts_as_guess(), is_guess, "{code} to {stage:?}: {error}");
            match error.server_text() {
                Some(_) if error.is_learnable() => "not recognised",
                Some(_) => "not understood",
                None => error.kind(),
            }
        }
    }
}

#[test]
fn a_code_is_judged_by_what_it_answers() {
    let table: &[(Stage, &[u16], &str)] = &[
        (Stage::Greeting, &[220], "proceed"),
        (Stage::Greeting, &[120], "wait"),
        (Stage::Greeting, &[421, 425, 430, 500, 530, 550], "unavailable"),
        (Stage::Greeting, &[110, 200, 221, 230, 232, 234, 331, 332], "protocol"),
        (Stage::Auth, &[234], "proceed"),
        (Stage::Auth, &[421, 431], "unavailable"),
        (Stage::Auth, &[334, 500, 502, 503, 504, 530, 533, 534, 550], "misconfigured"),
        (Stage::Auth, &[110, 120, 200, 220, 230, 232, 235, 331], "protocol"),
        (Stage::User, &[331], "proceed"),
        (Stage::User, &[230, 232, 332, 522, 533, 534, 535, 536, 537], "misconfigured"),
        (Stage::User, &[421, 434, 450], "unavailable"),
        (Stage::User, &[110, 120, 200, 202, 220, 234, 334, 500, 501, 502, 503, 504, 553], "protocol"),
        (Stage::Pass, &[230], "proceed"),
        (Stage::Pass, &[202, 232, 332, 522, 533, 534, 535, 536, 537], "misconfigured"),
        (Stage::Pass, &[421, 431, 434, 450], "unavailable"),
        (Stage::Pass, &[110, 120, 200, 220, 221, 234, 250, 331, 334], "protocol"),
    ];
    for (stage, codes, expected) in table {
        for code in *codes {
            for (encrypted, class) in
                [true, false].into_iter().flat_map(|tls| CLASSES.map(|class| (tls, class)))
            {
                let outcome = outcome(*stage, *code, encrypted, class);
                assert_eq!(outcome, *expected, "{code} to {stage:?} {class:?}");
            }
        }
    }
}

/// The code, and the outcome with words of a refusal, of an outage, and with others.
#[test]
fn words_decide_where_a_code_has_several_meanings() {
    let pass = [
        (530, ["bad_credentials", "unavailable", "not recognised"]),
        (550, ["bad_credentials", "unavailable", "not recognised"]),
        (532, ["bad_credentials", "unavailable", "not recognised"]),
        (430, ["bad_credentials", "unavailable", "bad_credentials"]),
        (500, ["bad_credentials", "unavailable", "not understood"]),
        (501, ["bad_credentials", "unavailable", "not understood"]),
        (503, ["bad_credentials", "unavailable", "not understood"]),
    ];
    for (code, expected) in pass {
        for encrypted in [true, false] {
            assert_eq!(CLASSES.map(|class| outcome(Stage::Pass, code, encrypted, class)), expected, "{code}");
        }
    }
    for code in [430, 530, 550] {
        let user = |encrypted| CLASSES.map(|class| outcome(Stage::User, code, encrypted, class));
        assert_eq!(user(true), ["unknown_user", "unavailable", "unknown_user"], "{code}");
        // It may be TLS that is wanted.
        let other = if code == 430 { "unavailable" } else { "misconfigured" };
        assert_eq!(user(false), ["unknown_user", other, other], "{code}");
    }
}

#[test]
fn taught_words_make_any_no_a_refusal() {
    let taught = Words { is_taught: true, ..words(REFUSAL) };
    for code in (400..=599).filter(|code| *code != 430) {
        let judged = judge(Stage::Pass, &reply(code), true, &taught);
        assert_eq!(judged.unwrap(), Next::Rejected(Rejection::BadCredentials), "{code}");
    }
    for code in (100..400).filter(|code| *code != 230) {
        assert!(judge(Stage::Pass, &reply(code), true, &taught).is_err(), "{code}");
    }
}

/// The user's folder is missing: the account is of no use there, the server is.
#[test]
fn vsftpd_without_a_home_folder_refuses_this_user_only() {
    let text = "500 OOPS: cannot change directory:/home/alice\r\n";
    let mut words = ReplyText::default();
    words.add(b"OOPS: cannot change directory:/home/alice");
    let words = words.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    let Next::Rejected(rejection) = judge(Stage::Pass, text.as_bytes(), true, &words).unwrap() else {
        panic!("not refused")
    };
    assert_eq!((rejection, rejection.is_cacheable()), (Rejection::AccountDisabled, false));
}

#[test]
fn t03_of_all_codes_one_is_a_yes() {
    for code in 100..=599 {
        for (stage, class) in STAGES.into_iter().flat_map(|stage| CLASSES.map(|class| (stage, class))) {
            let verdict = outcome(stage, code, true, class);
            let passes = [(Stage::Greeting, 220), (Stage::Auth, 234), (Stage::User, 331), (Stage::Pass, 230)];
            assert_eq!(verdict == "proceed", passes.contains(&(stage, code)), "{code} to {stage:?}");
            let is_no = ["bad_credentials", "unknown_user"].contains(&verdict);
            // No code below 400 is a no, and words of an outage never are.
            assert!(
                !is_no || (code >= 400 && class != ReplyClass::Outage && stage >= Stage::User),
                "{code} to {stage:?}"
            );
        }
    }
}

#[test]
fn t03_reply_ends_with_the_code_it_began_with() {
    for whole in [
        "230 hello\r\n",
        "230 \r\n",
        "230 hello\n",
        "230-hello\r\n230 bye\r\n",
        "230-hello\r\n anything\r\n230-more\r\n2300\r\n\r\n230x\r\n-230 \r\n230 bye\r\n",
        "230-hello\n230 bye\n",
        "230-\r\n530-text of the banner\r\n230 \r\n",
    ] {
        assert_eq!(code(whole.as_bytes()), Some(230), "{whole:?}");
    }
    for broken in [
        "",
        "\n",
        "230",
        "230 hello",
        "230\r\n",
        "230\t\r\n",
        "230x hello\r\n",
        "23 hello\r\n",
        "2300 hello\r\n",
        "630 hello\r\n",
        "030 hello\r\n",
        "+30 hello\r\n",
        " 230 hello\r\n",
        "hello\r\n230 hello\r\n",
        "230 hello\r\n230 bye\r\n",
        "230-hello\r\n",
        "230-hello\r\n230-bye\r\n",
        "530-no\r\n230 yes\r\n",
        "230-yes\r\n530 no\r\n",
        "530-no\r\n230 yes\r\n530 no\r\n",
        "230-yes\r\n530 no\r\n230 yes\r\n",
        "230-yes\r\n230 yes\r\n230 yes\r\n",
        "230-hello\r\n230 bye",
        "HTTP/1.1 400 Bad Request\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "* OK IMAP\r\n",
    ] {
        assert_eq!(code(broken.as_bytes()), None, "{broken:?}");
    }
    // Bytes outside UTF-8 in a text do not matter.
    assert_eq!(code(b"530 \xff\xfe\r\n"), Some(530));
}

#[test]
fn error_texts_name_the_code_and_no_server_text() {
    let text = |stage, body: &str, encrypted| {
        judge(stage, body.as_bytes(), encrypted, &words(ReplyClass::Unknown)).unwrap_err().detail().to_owned()
    };
    assert_eq!(
        text(Stage::User, "230 Wonderland-1\r\n", true),
        "the server asks for no password, so it proves nothing (reply 230 to USER)"
    );
    assert_eq!(
        text(Stage::User, "530 Wonderland-1\r\n", false),
        "the server refuses the login; it may require tls = \"explicit\" (reply 530 to USER)"
    );
    assert_eq!(text(Stage::Pass, "777 Wonderland-1\r\n", true), "the server does not speak FTP",);
    assert_eq!(
        text(Stage::Pass, "250 Wonderland-1\r\n", true),
        "the server broke the rules of FTP (reply 250 to PASS)",
    );
}

#[test]
fn only_a_passed_stage_goes_on() {
    assert!(Next::Proceed.proceed(Stage::Pass).is_ok());
    for next in [Next::Wait, Next::Rejected(Rejection::BadCredentials)] {
        assert!(next.proceed(Stage::Pass).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_only_a_whole_230_is_a_yes(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        for stage in STAGES {
            if judge(stage, &body, true, &words(ReplyClass::Unknown)).is_ok() {
                prop_assert!(body.ends_with(b"\n"));
            }
        }
        if judge(Stage::Pass, &body, true, &words(ReplyClass::Unknown)).is_ok_and(|next| next == Next::Proceed) {
            prop_assert!(body.starts_with(b"230"));
        }
    }

    #[test]
    fn two_codes_in_one_reply_are_never_a_decision(first in 100_u16..600, last in 100_u16..600, text in "[ -~]{0,20}") {
        let body = format!("{first}-{text}\r\n{last} {text}\r\n");
        prop_assert_eq!(code(body.as_bytes()), (first == last).then_some(first));
    }
}
