use super::*;
use crate::refusal::{RefusalTexts, ReplyText, Sent};

const BASIC: &str = r#"Basic realm="cloud", charset="UTF-8""#;

fn judged(auth: HttpAuth, status: u16, challenges: &[&str], body: &str) -> String {
    with(Rules { auth, accept: None, refuse: None }, status, challenges, body)
}

fn with(rules: Rules, status: u16, challenges: &[&str], body: &str) -> String {
    let mut words = ReplyText::default();
    words.add(body.as_bytes());
    let taught = RefusalTexts::parse(["Zebra says no"]).unwrap();
    let words = words.judge(&taught, Sent { name: "alice", password: "Wonderland-1" });
    let challenges = challenges.iter().map(|text| (*text).to_owned()).collect();
    match judge(rules, &Response { status, challenges }, &words) {
        Ok(None) => "accepted".to_owned(),
        Ok(Some(rejection)) => rejection.as_str().to_owned(),
        Err(error) => match error.counts_as_guess() {
            true => format!("{} guess", error.kind()),
            false => error.kind().to_owned(),
        },
    }
}

#[test]
fn status_401_is_a_refusal_with_our_challenge_only() {
    for (challenges, outcome) in [
        (&[BASIC][..], "bad_credentials"),
        (&["basic realm=x"], "bad_credentials"),
        (&["Bearer, Basic realm=x"], "bad_credentials"),
        (&["Negotiate", BASIC], "bad_credentials"),
        (&[], "unavailable guess"),
        (&["Bearer realm=\"x\""], "unavailable guess"),
        (&["Digest realm=\"Basic\", nonce=\"n\""], "unavailable guess"),
        (&["Basically realm=\"x\""], "unavailable guess"),
        (&["Bearer realm=\"x, Basic realm=y\""], "unavailable guess"),
        (&["Basic realm=\"x"], "unavailable guess"),
    ] {
        assert_eq!(judged(HttpAuth::Basic, 401, challenges, ""), outcome, "{challenges:?}");
    }
    let digest = r#"Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256"#;
    assert_eq!(judged(HttpAuth::Digest, 401, &[digest], ""), "bad_credentials");
    assert_eq!(judged(HttpAuth::Digest, 401, &[BASIC], ""), "unavailable guess");
    for stale in ["stale=true", "stale=\"TRUE\"", "Stale=tRue"] {
        assert_eq!(judged(HttpAuth::Digest, 401, &[&format!("{digest}, {stale}")], ""), "unavailable");
    }
    assert_eq!(judged(HttpAuth::Digest, 401, &[&format!("{digest}, stale=false")], ""), "bad_credentials");
}

#[test]
fn status_401_to_a_form_is_a_refusal_without_a_challenge_only() {
    for auth in [HttpAuth::Form, HttpAuth::Json] {
        assert_eq!(judged(auth, 401, &[], ""), "bad_credentials");
        assert_eq!(judged(auth, 401, &[], r#"{"error":"account is locked"}"#), "account_locked");
        assert_eq!(judged(auth, 401, &[], r#"{"error":"database unavailable"}"#), "unavailable");
        assert_eq!(judged(auth, 401, &["Bearer"], ""), "unavailable guess");
        // A gateway in front of the application.
        assert_eq!(judged(auth, 401, &[BASIC], ""), "unavailable guess");
    }
}

#[test]
fn status_403_is_a_refusal_by_its_words_only() {
    for auth in [HttpAuth::Basic, HttpAuth::Digest, HttpAuth::Form, HttpAuth::Json] {
        for status in [400, 403, 409, 422] {
            assert_eq!(judged(auth, status, &[], "Invalid credentials"), "bad_credentials");
            assert_eq!(judged(auth, status, &[], "account has been disabled"), "account_disabled");
            assert_eq!(judged(auth, status, &[], "too many requests"), "unavailable");
            assert_eq!(judged(auth, status, &[], "zebra"), "unavailable guess");
            assert_eq!(judged(auth, status, &[], ""), "unavailable guess");
            assert_eq!(judged(auth, status, &[], "Zebra says no"), "bad_credentials");
        }
    }
}

#[test]
fn every_status_has_one_outcome() {
    for status in 100..=999 {
        let expected = match status {
            200 | 204 | 207 => "accepted",
            201..=399 => "misconfigured guess",
            400 | 401 | 403 | 409 | 422 => "unavailable guess",
            408 | 421 | 423 | 425 | 429 | 451 => "unavailable",
            402..=499 => "misconfigured guess",
            500..=599 => "unavailable",
            _ => "protocol guess",
        };
        assert_eq!(judged(HttpAuth::Basic, status, &[], "zebra"), expected, "{status}");
        assert_eq!(judged(HttpAuth::Digest, status, &[], "zebra"), expected, "{status}");
        let is_refused = status == 401;
        let expected = if is_refused { "bad_credentials" } else { expected };
        assert_eq!(judged(HttpAuth::Form, status, &[], "zebra"), expected, "{status}");
    }
}

#[test]
fn taught_words_refuse_with_any_status_but_a_yes() {
    for status in [202, 400, 401, 404, 500, 503] {
        assert_eq!(judged(HttpAuth::Form, status, &[], "Zebra says no"), "bad_credentials", "{status}");
    }
    assert_eq!(judged(HttpAuth::Form, 302, &[], "Zebra says no"), "misconfigured guess");
    assert_eq!(judged(HttpAuth::Form, 200, &[], "Zebra says no"), "accepted");
}

#[test]
fn accept_names_the_only_accepting_status() {
    let rules = Rules { auth: HttpAuth::Json, accept: Some(204), refuse: None };
    assert_eq!(with(rules, 204, &[], ""), "accepted");
    assert_eq!(with(rules, 200, &[], "{\"ok\":false}"), "unavailable guess");
    assert_eq!(with(rules, 200, &[], "{\"error\":\"wrong password\"}"), "bad_credentials");
    assert_eq!(with(rules, 200, &[], "{\"error\":\"internal\"}"), "misconfigured guess");
    assert_eq!(with(rules, 207, &[], ""), "unavailable guess");
}

#[test]
fn refuse_adds_one_refusing_status() {
    let rules = Rules { auth: HttpAuth::Basic, accept: None, refuse: Some(403) };
    assert_eq!(with(rules, 403, &[], "zebra"), "bad_credentials");
    assert_eq!(with(rules, 403, &[], "account is locked"), "account_locked");
    assert_eq!(with(rules, 422, &[], "zebra"), "unavailable guess");
    assert_eq!(with(rules, 200, &[], "zebra"), "accepted");
}

#[test]
fn stale_nonce_is_never_a_refusal() {
    let stale = r#"Digest realm="r", nonce="n", qop="auth", algorithm=SHA-256, stale=true"#;
    let rules = Rules { auth: HttpAuth::Digest, accept: None, refuse: Some(401) };
    assert_eq!(with(rules, 401, &[&stale.replace("true", "false")], ""), "bad_credentials");
    for body in ["", "Zebra says no", "Invalid credentials"] {
        assert_eq!(with(rules, 401, &[stale], body), "unavailable", "{body}");
        assert_eq!(judged(HttpAuth::Digest, 401, &[stale], body), "unavailable", "{body}");
    }
}
