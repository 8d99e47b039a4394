use super::*;
use crate::refusal::{RefusalTexts, ReplyText, Sent};
use crate::verdict::Rejection;

fn parsed(line: &str) -> Reply {
    let line = format!("{line}\r\n");
    let (rest, response) = Response::parse(line.as_bytes()).unwrap();
    assert!(rest.is_empty());
    Reply::read(&response, "Gab12")
}

/// The words of an answer, of this meaning.
fn words(class: ReplyClass, is_taught: bool) -> Words {
    let mut text = ReplyText::default();
    let mut words = text.judge(&RefusalTexts::default(), Sent { name: "alice", password: "Wonderland-1" });
    (words.class, words.is_taught) = (class, is_taught);
    words
}

const REFUSAL: ReplyClass = ReplyClass::Refusal(Rejection::BadCredentials);

/// The outcome in one word, as the table in the module's documentation has it.
fn outcome(line: &str, class: ReplyClass) -> &'static str {
    let Reply::Done(answer) = parsed(line) else { return "odd" };
    match decide(answer, &words(class, false), true) {
        Ok(LoginDecision::Yes) => "accepted",
        Ok(LoginDecision::No(rejection)) => rejection.as_str(),
        Err(error) if error.server_text().is_some() && error.is_learnable() => "not recognised",
        Err(error) => kind(error),
    }
}

fn kind(fault: BackendError) -> &'static str {
    fault.kind()
}

/// The answer, and what it means with words of a refusal, of an outage, and with others.
#[test]
fn every_answer_to_a_login_has_its_meaning() {
    let by_code = |outcome| [outcome; 3];
    let by_words = ["bad_credentials", "unavailable", "not recognised"];
    let table = [
        ("OK", by_code("accepted")),
        ("ok", by_code("accepted")),
        ("OK [CAPABILITY IMAP4rev1 IDLE]", by_code("accepted")),
        ("NO", by_words),
        ("NO [AUTHENTICATIONFAILED]", by_code("bad_credentials")),
        ("NO [AUTHORIZATIONFAILED]", by_code("bad_credentials")),
        ("NO [EXPIRED]", by_code("credentials_expired")),
        ("NO [CONTACTADMIN]", by_code("account_disabled")),
        ("NO [NOPERM]", by_code("account_disabled")),
        ("NO [PRIVACYREQUIRED]", by_code("misconfigured")),
        ("NO [UNAVAILABLE]", by_code("unavailable")),
        ("NO [SERVERBUG]", by_code("unavailable")),
        ("NO [INUSE]", by_code("unavailable")),
        ("NO [LIMIT]", by_code("unavailable")),
        ("NO [THROTTLED]", by_code("unavailable")),
        ("NO [CANNOT]", by_code("unavailable")),
        ("NO [CLIENTBUG]", by_code("unavailable")),
        ("NO [CORRUPTION]", by_code("unavailable")),
        ("NO [OVERQUOTA]", by_code("unavailable")),
        ("NO [REFERRAL]", by_code("unavailable")),
        ("NO [ALERT]", by_words),
        ("NO [WEBALERT]", by_words),
        ("NO [PARSE]", by_words),
        ("NO [UNLISTED]", by_words),
        ("NO [CAPABILITY IMAP4rev1]", by_words),
        ("BAD", by_code("protocol")),
        ("BAD [CLIENTBUG]", by_code("protocol")),
        ("PREAUTH", by_code("odd")),
        ("BYE", by_code("odd")),
    ];
    for (answer, expected) in table {
        for (class, expected) in [REFUSAL, ReplyClass::Outage, ReplyClass::Unknown].into_iter().zip(expected)
        {
            assert_eq!(outcome(&format!("Gab12 {answer}"), class), expected, "{answer} {class:?}");
            assert_eq!(outcome(&format!("Gab13 {answer}"), class), "odd", "{answer} with another tag");
        }
    }
}

#[test]
fn only_taught_words_make_bad_a_rejection() {
    let judged = |class, is_taught| decide(TaggedStatus::Bad(None), &words(class, is_taught), true);
    assert_eq!(judged(REFUSAL, true).unwrap(), LoginDecision::No(Rejection::BadCredentials));
    for class in [REFUSAL, ReplyClass::Unknown, ReplyClass::Outage] {
        let error = judged(class, false).unwrap_err();
        assert!(error.counts_as_guess() && !error.is_learnable(), "{class:?}");
    }
}

#[test]
fn outage_is_never_a_rejection_and_never_a_guess() {
    for code in ["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT", "THROTTLED"] {
        for class in [REFUSAL, ReplyClass::Outage, ReplyClass::Unknown] {
            assert!(
                !decide(TaggedStatus::No(Some(code)), &words(class, false), true)
                    .unwrap_err()
                    .counts_as_guess()
            );
        }
    }
    for code in [None, Some("ALERT"), Some(UNLISTED)] {
        let error = decide(TaggedStatus::No(code), &words(ReplyClass::Outage, false), true).unwrap_err();
        assert!(!error.counts_as_guess(), "{code:?}");
        let error = decide(TaggedStatus::No(code), &words(ReplyClass::Unknown, false), true).unwrap_err();
        assert!(error.counts_as_guess(), "{code:?}");
    }
}

#[test]
fn refusal_before_the_password_is_not_about_the_password() {
    let refused = |answer, class, knows_name| {
        let method = Method::LoginInTurns;
        match refused_unheard(answer, &words(class, false), method, true, knows_name) {
            Ok(LoginDecision::No(rejection)) => rejection.as_str(),
            Ok(LoginDecision::Yes) => "accepted",
            Err(error) => {
                assert!(!error.counts_as_guess() && error.server_text().is_none());
                error.kind()
            }
        }
    };
    for code in [None, Some("AUTHENTICATIONFAILED"), Some("EXPIRED"), Some(UNLISTED)] {
        assert_eq!(refused(TaggedStatus::No(code), REFUSAL, false), "unavailable");
    }
    for knows_name in [false, true] {
        assert_eq!(refused(TaggedStatus::No(Some("PRIVACYREQUIRED")), REFUSAL, knows_name), "misconfigured");
        assert_eq!(refused(TaggedStatus::Bad(None), REFUSAL, knows_name), "protocol");
        assert_eq!(refused(TaggedStatus::Ok, REFUSAL, knows_name), "protocol");
        assert_eq!(refused(TaggedStatus::No(None), ReplyClass::Outage, knows_name), "unavailable");
        assert_eq!(refused(TaggedStatus::No(None), ReplyClass::Unknown, knows_name), "unavailable");
    }
    // The name was sent, and refused.
    assert_eq!(refused(TaggedStatus::No(None), REFUSAL, true), "unknown_user");
    assert_eq!(
        refused(TaggedStatus::No(Some("AUTHENTICATIONFAILED")), ReplyClass::Unknown, true),
        "unknown_user"
    );
}

#[test]
fn t15_first_offered_mechanism_is_used() {
    let choose = |names: &str, encrypted| {
        let Reply::Capabilities(offered) = parsed(&format!("* CAPABILITY IMAP4rev1 {names}")) else {
            panic!("{names}")
        };
        Method::choose(&offered, encrypted).map_err(kind)
    };
    let login = |literals| Ok(Method::Login(literals));
    for encrypted in [true, false] {
        assert_eq!(choose("AUTH=PLAIN SASL-IR", encrypted), Ok(Method::PlainAtOnce));
        assert_eq!(choose("auth=plain AUTH=LOGIN AUTH=XOAUTH2", encrypted), Ok(Method::PlainInTurns));
        assert_eq!(choose("SASL-IR AUTH=LOGIN LITERAL+", encrypted), Ok(Method::LoginInTurns));
        assert_eq!(choose("SASL-IR AUTH=CRAM-MD5", encrypted), login(Literals::Synchronising));
        assert_eq!(choose("LITERAL+", encrypted), login(Literals::AtOnce));
        assert_eq!(choose("LITERAL-", encrypted), login(Literals::AtOnce));
        assert_eq!(choose("LOGINDISABLED", encrypted), Err("misconfigured"));
        assert_eq!(choose("LOGINDISABLED LITERAL+ AUTH=CRAM-MD5", encrypted), Err("misconfigured"));
    }
    for (names, method) in [
        ("LOGINDISABLED AUTH=PLAIN SASL-IR", Method::PlainAtOnce),
        ("LOGINDISABLED AUTH=LOGIN", Method::LoginInTurns),
    ] {
        assert_eq!(choose(names, true), Ok(method));
        assert_eq!(choose(names, false), Err("misconfigured"));
    }
}

#[test]
fn privacy_required_under_tls_advises_no_tls() {
    let text = |encrypted| {
        let words = words(ReplyClass::Unknown, false);
        decide(TaggedStatus::No(Some("PRIVACYREQUIRED")), &words, encrypted).unwrap_err().detail().to_owned()
    };
    assert!(text(false).contains("set tls") && !text(true).contains("set tls"), "{}", text(true));
}

#[test]
fn starttls_needs_a_clear_yes() {
    assert!(agreed_to_tls(TaggedStatus::Ok).is_ok());
    assert_eq!(agreed_to_tls(TaggedStatus::No(None)).map_err(kind), Err("unavailable"));
    assert_eq!(agreed_to_tls(TaggedStatus::Bad(None)).map_err(kind), Err("misconfigured"));
}

#[test]
fn errors_of_the_parser_are_not_repeated() {
    let error = io::Error::other("during parsing of \"Wonderland-1\"");
    let fault = broken(Phase::Login, &error);
    assert!(!format!("{fault} {fault:?}").contains("Wonderland"), "{fault:?}");
    assert_eq!(fault.kind(), "protocol");
}
