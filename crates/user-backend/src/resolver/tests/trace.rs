//! The story of a decision.

use super::*;

#[tokio::test(start_paused = true)]
async fn trace_reads_like_a_story_and_an_answer_is_json() {
    let resolver = chain([
        (watch(people("mail").with_user("alice", "a")), BackendPolicy::default()),
        (watch(people("files").unavailable()), go_on_without()),
        (watch(people("office")), BackendPolicy::default()),
    ]);
    let answer = sign_in(&resolver, "alice", "wrong").await;
    insta::assert_snapshot!(answer.trace, @r#"
    1. mail    rejected: wrong name or password (0 ms)
    2. files   unavailable during connect: switched off (0 ms)
    3. office  rejected: unknown user (0 ms)
    => no backend accepted, and one that might have could not be asked (0 ms in all)
    "#);
    let json = serde_json::to_value(&answer).unwrap();
    assert_eq!(json["outcome"], "unavailable");
    assert_eq!(json["user"], serde_json::Value::Null);
    assert_eq!(json["trace"][1]["phase"], "connect");
    assert_eq!(json["trace"][0]["verdict"], "rejected");
    let json = serde_json::to_value(sign_in(&resolver, "ALICE", "a").await).unwrap();
    assert_eq!(
        (&json["outcome"], &json["user"], &json["backend"]),
        (&"authenticated".into(), &"alice".into(), &"mail".into())
    );
}

#[test]
fn credentials_debug_hides_the_password() {
    assert!(!format!("{:?}", Credentials::new("alice", "secret")).contains("secret"));
}
