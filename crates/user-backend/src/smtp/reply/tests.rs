use proptest::prelude::*;

use super::*;
use crate::refusal::{RefusalTexts, Sent};

const STAGES: [Stage; 6] =
    [Stage::Greeting, Stage::Ehlo, Stage::StartTls, Stage::Auth, Stage::Name, Stage::Password];

fn read(lines: &str) -> Result<Reply, ProtocolViolation> {
    let mut reply = Reply::default();
    for line in lines.lines() {
        if reply.take(line.as_bytes())? {
            return Ok(reply);
        }
    }
    Err(ProtocolViolation::NotAReply)
}

/// The outcome in one word: the decision, or the kind of the error.
fn judged(stage: Stage, lines: &str, encrypted: bool) -> &'static str {
    let mut reply = read(lines).unwrap();
    let taught = RefusalTexts::parse(["Zebra says no"]).unwrap();
    let words = reply.text.judge(&taught, Sent { name: "alice", password: "Wonderland-1" });
    match judge(stage, &reply, encrypted, &words) {
        Ok(Next::Proceed) => "proceed",
        Ok(Next::Rejected(rejection)) => rejection.as_str(),
        Err(error) => {
            assert_eq!(error.phase(), stage.phase());
            let is_guess =
                error.server_text().is_some() || (stage == Stage::Password && error.kind() != "unavailable");
            assert_eq!(error.counts_as_guess(), is_guess, "{lines} to {stage:?}: {error}");
            match error.server_text() {
                Some(_) if error.is_learnable() => "not recognised",
                Some(_) => "not understood",
                None => error.kind(),
            }
        }
    }
}

#[test]
fn code_is_judged_by_what_it_answers() {
    let table: &[(Stage, &[u16], &str)] = &[
        (Stage::Greeting, &[220], "proceed"),
        (Stage::Greeting, &[421, 450, 500, 521, 535, 554], "unavailable"),
        (Stage::Greeting, &[200, 211, 221, 235, 250, 334, 354], "protocol"),
        (Stage::Ehlo, &[250], "proceed"),
        (Stage::Ehlo, &[421, 450, 521, 550, 554], "unavailable"),
        (Stage::Ehlo, &[500, 501, 502, 503, 504, 530, 535], "misconfigured"),
        (Stage::Ehlo, &[220, 235, 251, 334], "protocol"),
        (Stage::StartTls, &[220], "proceed"),
        (Stage::StartTls, &[421, 454], "unavailable"),
        (Stage::StartTls, &[500, 501, 502, 503, 530, 535, 554], "misconfigured"),
        (Stage::StartTls, &[200, 235, 250, 334], "protocol"),
        (Stage::Auth, &[334], "proceed"),
        (Stage::Auth, &[235, 500, 501, 502, 503, 504, 530, 534, 535, 538, 550], "misconfigured"),
        (Stage::Auth, &[421, 432, 454], "unavailable"),
        (Stage::Auth, &[220, 250, 354], "protocol"),
        (Stage::Name, &[334], "proceed"),
        (Stage::Name, &[535], "unknown_user"),
        (Stage::Name, &[235, 502, 504, 534, 538], "misconfigured"),
        (Stage::Name, &[421, 454], "unavailable"),
        (Stage::Name, &[530, 550, 554], "not recognised"),
        (Stage::Name, &[220, 250, 354], "protocol"),
        (Stage::Password, &[235], "proceed"),
        (Stage::Password, &[535], "bad_credentials"),
        (Stage::Password, &[421, 432, 435, 450, 451, 454], "unavailable"),
        (Stage::Password, &[502, 504, 523, 524, 534, 538], "misconfigured"),
        (Stage::Password, &[500, 501, 503], "not understood"),
        (Stage::Password, &[525, 530, 550, 553, 554], "not recognised"),
        (Stage::Password, &[200, 220, 250, 251, 334, 354], "protocol"),
    ];
    for (stage, codes, expected) in table {
        for code in *codes {
            assert_eq!(judged(*stage, &format!("{code} zebra"), true), *expected, "{code} to {stage:?}");
        }
    }
    for code in [523, 524, 530, 538] {
        for stage in [Stage::Auth, Stage::Name, Stage::Password] {
            assert_eq!(judged(stage, &format!("{code} zebra"), false), "misconfigured", "{code}");
        }
    }
}

#[test]
fn enhanced_codes_and_words_give_the_reason() {
    for (lines, expected) in [
        ("235 2.7.0 Authentication successful", "proceed"),
        ("235", "proceed"),
        ("235 5.7.8 zebra", "protocol"),
        ("235-2.7.0 zebra\n235 2.7.0 ok", "proceed"),
        ("535 5.7.8 zebra", "bad_credentials"),
        ("535 5.7.3 Authentication unsuccessful", "bad_credentials"),
        ("535 5.7.139 Authentication unsuccessful, the user credentials were incorrect", "bad_credentials"),
        ("535 5.7.139 Authentication unsuccessful, basic authentication is disabled.", "unavailable"),
        ("535 5.7.8 Error: authentication failed: (reason unavailable)", "bad_credentials"),
        ("535 5.7.8 Error: authentication failed: generic failure", "unavailable"),
        ("535 Incorrect authentication data", "bad_credentials"),
        ("535 authorization failed (#5.7.0)", "bad_credentials"),
        ("535 5.7.8 Account is locked", "account_locked"),
        ("535 5.7.8 Password expired", "credentials_expired"),
        ("535 5.7.13 zebra", "account_disabled"),
        ("525 5.7.13 User account disabled", "account_disabled"),
        ("534 5.7.9 Application-specific password required", "bad_credentials"),
        ("534 5.7.9 Please log in with your web browser and then try again", "account_locked"),
        ("534 5.7.9 zebra", "misconfigured"),
        ("535 5.7.9 zebra", "not recognised"),
        ("535 5.7.14 zebra", "not recognised"),
        ("535 5.3.0 zebra", "not recognised"),
        ("535 4.7.0 zebra", "unavailable"),
        ("535 2.7.0 zebra", "unavailable"),
        ("454 4.7.0 Temporary authentication failure", "unavailable"),
        ("454 4.7.0 authentication failed", "unavailable"),
        ("454 4.7.0 Zebra says no", "bad_credentials"),
        ("550 5.7.1 invalid credentials", "bad_credentials"),
        ("550 User has no permission", "account_disabled"),
        ("554 5.7.0 Too many connections", "unavailable"),
        ("501 5.5.2 Zebra says no", "bad_credentials"),
        ("250 Zebra says no", "protocol"),
    ] {
        assert_eq!(judged(Stage::Password, lines, true), expected, "{lines}");
    }
    // Not before there are credentials.
    assert_eq!(judged(Stage::Auth, "535 Zebra says no", true), "misconfigured");
    assert_eq!(judged(Stage::Ehlo, "535 Zebra says no", true), "misconfigured");
    assert_eq!(judged(Stage::Name, "550 no such user", true), "unknown_user");
    assert_eq!(judged(Stage::Name, "535 account is locked", true), "account_locked");
}

#[test]
fn reply_is_read_whole_or_not_at_all() {
    for lines in [
        "235-ok\n535 no",
        "535-no\n235 ok",
        "235ok",
        "2350 ok",
        "23 ok",
        "635 ok",
        "135 ok",
        "265 ok",
        " 235 ok",
        "\u{0}235 ok",
        "２３５ ok",
        "235-ok",
        "",
        "* OK",
        "+OK",
        "235_ok",
    ] {
        assert!(read(lines).is_err(), "{lines:?}");
    }
    let long = "250-x\n".repeat(MAX_LINES) + "250 x";
    assert_eq!(read(&long).err(), Some(ProtocolViolation::TooLong));
    let longest = "250-x\n".repeat(MAX_LINES - 1) + "250 x";
    assert!(read(&longest).is_ok());
}

#[test]
fn offer_has_what_the_lines_say() {
    let offer = |lines: &str| read(lines).unwrap().offer();
    let both = offer("250-mail.example.com AUTH PLAIN\n250-SIZE 10\n250-STARTTLS\n250 AUTH LOGIN plain");
    assert_eq!(both, Offer { starttls: true, plain: true, login: true, auth: true });
    assert_eq!(both.names().collect::<Vec<_>>(), ["STARTTLS", "AUTH=PLAIN", "AUTH=LOGIN"]);
    assert_eq!(offer("250 STARTTLS"), Offer::default());
    assert_eq!(offer("250-x\n250 AUTH=LOGIN"), Offer { login: true, auth: true, ..Offer::default() });
    assert_eq!(offer("250-x\n250 AUTH CRAM-MD5"), Offer { auth: true, ..Offer::default() });
    assert_eq!(offer("250-x\n250-XAUTH PLAIN\n250 AUTHPLAIN"), Offer::default());
    let mechanism = |offer: Offer, encrypted| match offer.mechanism(encrypted) {
        Ok(mechanism) => format!("{mechanism:?}"),
        Err(error) => error.detail().to_owned(),
    };
    assert_eq!(mechanism(both, true), "Plain");
    assert_eq!(mechanism(Offer { plain: false, ..both }, true), "Login");
    let none = Offer { plain: false, login: false, ..both };
    assert!(mechanism(none, true).contains("neither AUTH PLAIN nor AUTH LOGIN"));
    assert!(mechanism(Offer { auth: false, ..none }, false).contains("tls = \"explicit\""));
    assert!(mechanism(Offer::default(), true).contains("the port for submission"));
}

proptest! {
    #[test]
    fn only_235_is_a_yes(code in 200_u16..600, words in "[ -~]{0,40}") {
        for stage in STAGES {
            let Ok(mut reply) = read(&format!("{code} {words}")) else { continue };
            let text = reply.text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
            let next = judge(stage, &reply, true, &text);
            let expected = match stage {
                Stage::Greeting | Stage::StartTls => 220,
                Stage::Ehlo => 250,
                Stage::Auth | Stage::Name => 334,
                Stage::Password => 235,
            };
            prop_assert!(!matches!(next, Ok(Next::Proceed)) || code == expected);
            let is_refused = matches!(next, Ok(Next::Rejected(_)));
            prop_assert!(!is_refused || (code >= 500 && stage >= Stage::Name));
        }
    }

    #[test]
    fn bytes_of_any_kind_make_no_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..6)) {
        let mut reply = Reply::default();
        for line in &lines {
            if reply.take(line).is_err() {
                break;
            }
        }
        let _ = reply.offer();
    }
}
