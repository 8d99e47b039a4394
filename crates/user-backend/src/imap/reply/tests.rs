use super::*;

fn parsed(line: &str) -> Reply {
    let line = format!("{line}\r\n");
    let (rest, response) = Response::parse(line.as_bytes()).unwrap();
    assert!(rest.is_empty());
    Reply::read(&response, "Gab12")
}

/// The outcome in one word, as the table in the module's documentation has it.
fn outcome(line: &str) -> &'static str {
    let Reply::Done(answer) = parsed(line) else { return "odd" };
    match decide(answer) {
        Ok(Decision::Yes) => "accepted",
        Ok(Decision::No(rejection)) => rejection.as_str(),
        Err(fault) => kind(fault),
    }
}

fn kind(fault: BackendError) -> &'static str {
    fault.kind()
}

#[test]
fn every_answer_to_a_login_has_its_meaning() {
    let table = [
        ("OK", "accepted"),
        ("ok", "accepted"),
        ("OK [CAPABILITY IMAP4rev1 IDLE]", "accepted"),
        ("NO", "bad_credentials"),
        ("NO [AUTHENTICATIONFAILED]", "bad_credentials"),
        ("NO [AUTHORIZATIONFAILED]", "bad_credentials"),
        ("NO [EXPIRED]", "credentials_expired"),
        ("NO [CONTACTADMIN]", "account_disabled"),
        ("NO [NOPERM]", "account_disabled"),
        ("NO [PRIVACYREQUIRED]", "misconfigured"),
        ("NO [UNAVAILABLE]", "unavailable"),
        ("NO [SERVERBUG]", "unavailable"),
        ("NO [INUSE]", "unavailable"),
        ("NO [LIMIT]", "unavailable"),
        ("NO [CANNOT]", "unavailable"),
        ("NO [CLIENTBUG]", "unavailable"),
        ("NO [CORRUPTION]", "unavailable"),
        ("NO [ALERT]", "unavailable"),
        ("NO [PARSE]", "unavailable"),
        ("NO [OVERQUOTA]", "unavailable"),
        ("NO [REFERRAL]", "unavailable"),
        ("NO [UNLISTED]", "unavailable"),
        ("NO [CAPABILITY IMAP4rev1]", "unavailable"),
        ("BAD", "protocol"),
        ("BAD [CLIENTBUG]", "protocol"),
        ("PREAUTH", "odd"),
        ("BYE", "odd"),
    ];
    for (answer, expected) in table {
        assert_eq!(outcome(&format!("Gab12 {answer}")), expected, "{answer}");
        assert_eq!(outcome(&format!("Gab13 {answer}")), "odd", "{answer} with another tag");
    }
}

#[test]
fn outage_is_never_a_rejection() {
    for code in ["UNAVAILABLE", "SERVERBUG", "INUSE", "LIMIT", "THROTTLED", "ALERT", UNLISTED] {
        assert!(decide(Answer::No(Some(code))).is_err(), "{code}");
    }
}

#[test]
fn a_refusal_before_the_password_says_nothing_about_the_password() {
    for code in [None, Some("AUTHENTICATIONFAILED"), Some("EXPIRED"), Some(UNLISTED)] {
        assert_eq!(kind(refused_unheard(Answer::No(code))), "unavailable");
    }
    assert_eq!(kind(refused_unheard(Answer::No(Some("PRIVACYREQUIRED")))), "misconfigured");
    assert_eq!(kind(refused_unheard(Answer::Bad(None))), "protocol");
    assert_eq!(kind(refused_unheard(Answer::Ok)), "protocol");
}

#[test]
fn t15_the_best_way_that_is_offered_is_taken() {
    let choose = |names: &str, encrypted| {
        let Reply::Capabilities(offered) = parsed(&format!("* CAPABILITY IMAP4rev1 {names}")) else {
            panic!("{names}")
        };
        Method::choose(&offered, encrypted).map_err(kind)
    };
    for encrypted in [true, false] {
        assert_eq!(choose("AUTH=PLAIN SASL-IR", encrypted), Ok(Method::PlainAtOnce));
        assert_eq!(choose("auth=plain AUTH=XOAUTH2", encrypted), Ok(Method::PlainInTurns));
        assert_eq!(choose("SASL-IR AUTH=CRAM-MD5", encrypted), Ok(Method::Login));
        assert_eq!(choose("LOGINDISABLED", encrypted), Err("misconfigured"));
    }
    assert_eq!(choose("LOGINDISABLED AUTH=PLAIN SASL-IR", true), Ok(Method::PlainAtOnce));
    assert_eq!(choose("LOGINDISABLED AUTH=PLAIN SASL-IR", false), Err("misconfigured"));
}

#[test]
fn starttls_needs_a_clear_yes() {
    assert!(agreed_to_tls(Answer::Ok).is_ok());
    assert_eq!(agreed_to_tls(Answer::No(None)).map_err(kind), Err("unavailable"));
    assert_eq!(agreed_to_tls(Answer::Bad(None)).map_err(kind), Err("misconfigured"));
}

#[test]
fn the_errors_of_the_parser_are_not_repeated() {
    let error = io::Error::other("during parsing of \"Wonderland-1\"");
    let fault = broken(Phase::Login, &error);
    assert!(!format!("{fault} {fault:?}").contains("Wonderland"), "{fault:?}");
    assert_eq!(fault.kind(), "protocol");
}
