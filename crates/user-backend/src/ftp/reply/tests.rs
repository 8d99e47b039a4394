use proptest::prelude::*;

use super::*;

const STAGES: [Stage; 4] = [Stage::Greeting, Stage::Auth, Stage::User, Stage::Pass];

fn reply(code: u16) -> Vec<u8> {
    format!("{code} text\r\n").into_bytes()
}

/// The outcome in one word: the decision, or the kind of the error.
fn outcome(stage: Stage, code: u16, encrypted: bool) -> &'static str {
    match judge(stage, &reply(code), encrypted) {
        Ok(Next::Proceed) => "proceed",
        Ok(Next::Wait) => "wait",
        Ok(Next::Rejected(rejection)) => rejection.as_str(),
        Err(fault) => {
            assert_eq!(fault.phase(), stage.phase());
            fault.kind()
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
        (Stage::User, &[230, 232, 332, 522, 530, 533, 534, 535, 536, 537, 550], "misconfigured"),
        (Stage::User, &[421, 430, 434, 450], "unavailable"),
        (Stage::User, &[110, 120, 200, 202, 220, 234, 334, 500, 501, 502, 503, 504, 553], "protocol"),
        (Stage::Pass, &[230], "proceed"),
        (Stage::Pass, &[430, 530], "bad_credentials"),
        (Stage::Pass, &[202, 232, 332, 522, 533, 534, 535, 536, 537, 550], "misconfigured"),
        (Stage::Pass, &[421, 431, 434, 450], "unavailable"),
        (Stage::Pass, &[110, 120, 200, 220, 221, 234, 250, 331, 334, 500, 501, 503, 532], "protocol"),
    ];
    for (stage, codes, expected) in table {
        for code in *codes {
            for encrypted in [true, false] {
                assert_eq!(outcome(*stage, *code, encrypted), *expected, "{code} to {stage:?}");
            }
        }
    }
}

#[test]
fn t03_of_all_codes_one_is_a_yes_and_two_are_a_no() {
    for code in 100..=599 {
        for stage in STAGES {
            let said = outcome(stage, code, true);
            let passes = [(Stage::Greeting, 220), (Stage::Auth, 234), (Stage::User, 331), (Stage::Pass, 230)];
            assert_eq!(said == "proceed", passes.contains(&(stage, code)), "{code} to {stage:?}");
            let rejects = stage == Stage::Pass && [430, 530].contains(&code);
            assert_eq!(said == "bad_credentials", rejects, "{code} to {stage:?}");
        }
    }
}

#[test]
fn t03_a_reply_ends_with_the_code_it_began_with() {
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
    // Bytes outside UTF-8 in a text are ignored.
    assert_eq!(code(b"530 \xff\xfe\r\n"), Some(530));
}

#[test]
fn error_texts_name_the_code_and_never_what_the_server_said() {
    let text = |stage, body: &str, encrypted| {
        judge(stage, body.as_bytes(), encrypted).unwrap_err().detail().to_owned()
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
fn nobody_goes_on_without_a_pass() {
    assert!(Next::Proceed.proceed(Stage::Pass).is_ok());
    for next in [Next::Wait, Next::Rejected(Rejection::BadCredentials)] {
        assert!(next.proceed(Stage::Pass).is_err());
    }
}

proptest! {
    #[test]
    fn no_bytes_panic_and_only_a_whole_230_is_a_yes(body in proptest::collection::vec(any::<u8>(), 0..64)) {
        for stage in STAGES {
            if judge(stage, &body, true).is_ok() {
                prop_assert!(body.ends_with(b"\n"));
            }
        }
        if judge(Stage::Pass, &body, true).is_ok_and(|next| next == Next::Proceed) {
            prop_assert!(body.starts_with(b"230"));
        }
    }

    #[test]
    fn two_codes_in_one_reply_are_never_a_decision(first in 100_u16..600, last in 100_u16..600, text in "[ -~]{0,20}") {
        let body = format!("{first}-{text}\r\n{last} {text}\r\n");
        prop_assert_eq!(code(body.as_bytes()), (first == last).then_some(first));
    }
}
