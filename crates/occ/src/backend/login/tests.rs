use serde_json::Value;
use user_backend::{BackendPolicy, Resolver, StaticBackend};

use super::*;

fn office() -> StaticBackend {
    StaticBackend::new("office").unwrap().with_user("alice", "Wonderland-1").with_refused_user(
        "locked",
        "Wonderland-1",
        Rejection::AccountLocked,
    )
}

fn dead(id: &str) -> StaticBackend {
    StaticBackend::new(id).unwrap().unavailable()
}

async fn ask(
    resolver: &Resolver,
    name: &str,
    password: &str,
    explain: Option<String>,
) -> Result<Output, CliError> {
    reply(&resolver.authenticate(Credentials::new(name, password)).await, name, explain)
}

/// Times differ from run to run.
fn timeless(text: &str) -> String {
    let mut shown = String::new();
    for part in text.split_inclusive(" ms") {
        let kept = part.strip_suffix(" ms").map(|head| head.trim_end_matches(|c: char| c.is_ascii_digit()));
        match kept {
            Some(head) if head.ends_with('(') => shown += &format!("{head}# ms"),
            _ => shown += part,
        }
    }
    shown
}

async fn login(resolver: &Resolver, name: &str, password: &str) -> (String, Value, Exit) {
    let reply = ask(resolver, name, password, None).await.unwrap();
    (timeless(&reply.plain), reply.json.unwrap(), reply.exit)
}

#[tokio::test]
async fn every_outcome_has_its_sentence_its_word_and_its_code() {
    let up = Resolver::builder().backend(office()).build().unwrap();
    let down = Resolver::builder().backend(dead("mail")).backend(office()).build().unwrap();
    for (resolver, name, password, sentence, word, exit) in [
        (
            &up,
            "Alice",
            "Wonderland-1",
            "alice is authenticated by office (# ms)\n",
            "authenticated",
            Exit::Fine,
        ),
        (&up, "alice", "wonderland-1", "refused: wrong name or password\n", "refused", Exit::Refused),
        (&up, "locked", "Wonderland-1", "refused: account locked\n", "refused", Exit::Refused),
        (
            &up,
            "alice",
            "",
            "refused: the password is empty; no backend was asked\n",
            "refused",
            Exit::Refused,
        ),
        (
            &up,
            "a\0",
            "x",
            "refused: the login name has a control character; no backend was asked\n",
            "refused",
            Exit::Refused,
        ),
        (
            &up,
            "guest",
            "x",
            "refused: not allowed: the settings deny this name; no backend was asked\n",
            "refused",
            Exit::Refused,
        ),
        (
            &down,
            "alice",
            "Wonderland-1",
            "unavailable: mail failed during connect (switched off); try again in 5 s: this says \
             nothing about the password\n",
            "unavailable",
            Exit::Unavailable,
        ),
    ] {
        let (plain, json, code) = login(resolver, name, password).await;
        assert_eq!((plain.as_str(), code), (sentence, exit), "{name:?}");
        assert_eq!(json["outcome"], word);
    }
}

#[tokio::test]
async fn throttled_attempt_is_not_called_a_wrong_password() {
    let mut policy = BackendPolicy::default();
    policy.budget.failures = 1;
    let link = std::sync::Arc::new(office());
    let resolver =
        Resolver::builder().backend_with(link, policy, user_backend::DomainRules::none()).build().unwrap();
    let (_, _, first) = login(&resolver, "alice", "x").await;
    let (plain, json, second) = login(&resolver, "alice", "y").await;
    assert_eq!((first, second), (Exit::Refused, Exit::Throttled));
    assert_eq!(json["outcome"], "throttled");
    assert!(
        plain.starts_with("throttled: too many sign-in attempts with this user name; try again in "),
        "{plain}"
    );
    assert!(plain.ends_with(" s: this says nothing about the password\n"), "{plain}");
}

#[tokio::test]
async fn json_has_the_promised_fields() {
    let resolver = Resolver::builder().backend(dead("mail")).build().unwrap();
    let (_, json, _) = login(&resolver, "alice", "x").await;
    for field in ["outcome", "user", "backend", "reason", "trace"] {
        assert!(json.get(field).is_some(), "{field}");
    }
    let step = &json["trace"][0];
    assert_eq!((step["backend"].as_str(), step["verdict"].as_str()), (Some("mail"), Some("unavailable")));
    assert_eq!(step["phase"], "connect");
    assert!(step["ms"].is_u64());
}

#[tokio::test]
async fn story_names_every_backend_and_what_to_do_next() {
    let policy = || {
        let mut policy = BackendPolicy::default();
        policy.on_unavailable = user_backend::resolver::policy::OnUnavailable::Continue;
        policy
    };
    let resolver = Resolver::builder()
        .backend_with(std::sync::Arc::new(dead("mail")), policy(), user_backend::DomainRules::none())
        .backend(office())
        .build()
        .unwrap();
    let reply =
        ask(&resolver, "Bob\u{202e}", "hidden-1", Some("occ backend:check".to_owned())).await.unwrap();
    assert!(!reply.plain.contains('\u{202e}'), "{}", reply.plain);
    let reply = ask(&resolver, "Bob", "hidden-1", Some("occ backend:check".to_owned())).await.unwrap();
    insta::assert_snapshot!(timeless(&reply.plain));
    assert!(!reply.plain.contains("hidden-1"));
}

/// A server that refuses in words that change.
#[derive(Debug)]
struct Moody(StaticBackend, std::sync::atomic::AtomicU32);

impl std::fmt::Display for Moody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("moody")
    }
}

#[async_trait::async_trait]
impl user_backend::UserBackend for Moody {
    fn id(&self) -> &user_backend::BackendId {
        self.0.id()
    }

    async fn authenticate(
        &self,
        attempt: &user_backend::Attempt<'_>,
    ) -> Result<user_backend::Verdict, user_backend::BackendError> {
        let number = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let reply = format!("No ({number})");
        let reply = user_backend::ServerText::new(reply.as_bytes(), attempt.upstream_name, attempt.password);
        Err(user_backend::BackendError::not_recognised("NO", reply).learnable())
    }

    async fn probe(
        &self,
        deadline: user_backend::clock::Instant,
    ) -> Result<user_backend::Probe, user_backend::BackendError> {
        self.0.probe(deadline).await
    }
}

#[tokio::test]
async fn unrecognised_answer_names_its_setting() {
    let moody = Moody(StaticBackend::new("mail").unwrap(), Default::default());
    let resolver = Resolver::builder().backend(moody).build().unwrap();
    let (plain, json, exit) = login(&resolver, "alice", "Wonderland-1").await;
    assert_eq!(exit, Exit::Unavailable);
    assert!(plain.contains("not recognised as a refusal (NO)"), "{plain}");
    assert!(
        plain.contains("the server says \"No (0)\"") && plain.contains("set refusal_texts = [\"No (0)\"]"),
        "{plain}"
    );
    assert_eq!(json["trace"][0]["server_text"], "No (0)");
}
