//! HTTP backend and long pages.

use std::time::Duration;

use user_backend::clock::now;
use user_backend::http::{HttpAuth, HttpBackend, HttpSettings};
use user_backend::transport::{Endpoint, TlsMode};
use user_backend::{Attempt, BackendId, LoginName, Password, RefusalTexts, UserBackend, Verdict};
use user_backend_tests::{FakeServer, ScriptStep};

const DEADLINE: Duration = Duration::from_secs(60);

/// The answer to a sign-in by Basic with 403 and this page, which comes in two parts.
async fn answer(page: &str) -> String {
    let head = format!("HTTP/1.1 403 Forbidden\r\nContent-Length: {}\r\n\r\n", page.len());
    let (begin, end) = page.split_at(page.len() / 2);
    let steps =
        [ScriptStep::Until(""), ScriptStep::send(head), ScriptStep::send(begin), ScriptStep::send(end)];
    let server = FakeServer::start(steps.into_iter().chain([ScriptStep::Silence])).await;
    let endpoint = Endpoint::new("127.0.0.1", server.port(), TlsMode::None).with_plaintext_consent(true);
    let settings = HttpSettings::new(BackendId::parse("web").unwrap(), endpoint)
        .with_auth(HttpAuth::Basic)
        .with_method("GET")
        .with_refusal_texts(RefusalTexts::parse(["*zebra says no*"]).unwrap());
    let (name, password) = (LoginName::parse("alice").unwrap(), Password::parse("Wonderland-1").unwrap());
    let backend = HttpBackend::new(settings).unwrap();
    match backend.authenticate(&Attempt::new(&name, &password, now() + DEADLINE)).await {
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(other) => format!("{other:?}"),
        Err(error) => format!("{} {error}", error.kind()),
    }
}

/// Regression: a page was compared up to 2 KiB, and not up to 16.
#[tokio::test]
async fn page_of_up_to_16_kib_is_recognised() {
    for length in [100, 3 * 1024, 16 * 1024] {
        for (words, rejection) in
            [("Zebra says no", "bad_credentials"), ("account is locked", "account_locked")]
        {
            let page = format!("<p>{words}</p>{}", " ".repeat(length - words.len() - 7));
            assert_eq!((page.len(), answer(&page).await.as_str()), (length, rejection));
        }
    }
    let longer = format!("<p>Zebra says no</p>{}", " ".repeat(16 * 1024));
    let answer = answer(&longer).await;
    assert!(answer.starts_with("unavailable") && answer.contains("not recognised"), "{answer}");
}
