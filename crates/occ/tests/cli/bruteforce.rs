//! Failed sign-ins from one source, and the status of running servers.

use accounts::{Clock, KeepFailures, LoginEvent};
use user_backend::brute_force::{Certainty, SourceNet};

use crate::OccFixture;
use crate::people::json;

fn cafe() -> SourceNet {
    "203.0.113.7".parse().unwrap()
}

#[test]
fn failed_sign_ins_of_an_address_are_shown_and_forgiven() {
    let occ = OccFixture::with_people();
    let none = occ.run(&["security:bruteforce:attempts", "203.0.113.7"]);
    let lines = [
        "place: 203.0.113.7",
        "attempts: 0",
        "delay: 0 ms",
        "refused: false",
        "retry_after: 0",
        "last: never",
    ];
    assert!(
        none.code == 0 && lines.iter().all(|line| none.out.contains(&format!("  - {line}\n"))),
        "{none:?}"
    );
    let accounts = occ.accounts();
    let now = Clock::system().now();
    let minutes = |minutes: u64| now.before(std::time::Duration::from_secs(minutes * 60));
    let failed = LoginEvent::SourceFailed(cafe(), Certainty::Wrong);
    let batch = [40, 20, 10, 5].map(|ago| (failed, minutes(ago)));
    occ.block_on(async {
        let seen = accounts.credential_epoch().current().await.unwrap();
        let hour = std::time::Duration::from_secs(3600);
        let keep = KeepFailures { sources: hour, users: hour };
        assert!(accounts.failed_logins().record("one", seen, &batch, keep).await.unwrap());
    });
    let source_status =
        json(&occ.run(&["security:bruteforce:attempts", "::ffff:203.0.113.7", "--output=json"]));
    assert_eq!(
        (
            &source_status["place"],
            &source_status["attempts"],
            &source_status["delay"],
            &source_status["refused"],
            &source_status["bypass-listed"]
        ),
        (&"203.0.113.7".into(), &3.into(), &400.into(), &false.into(), &false.into())
    );
    let address = ["security:bruteforce:attempts", "203.0.113.7"];
    for (action, attempts, delay) in [("login", 3, 400), ("share", 0, 0)] {
        let source_status = json(&occ.run(&[&address[..], &[action, "--output=json"]].concat()));
        assert_eq!(
            (&source_status["attempts"], &source_status["delay"]),
            (&attempts.into(), &delay.into()),
            "{action}"
        );
    }
    let forgiven = occ.run(&["security:bruteforce:reset", "203.0.113.7"]);
    assert_eq!(forgiven.out, "4 failed sign-ins from 203.0.113.7 are forgiven\n");
    let again = json(&occ.run(&["security:bruteforce:reset", "203.0.113.7", "--output=json_pretty"]));
    let nothing =
        "No failed sign-ins from 203.0.113.7 were written down; servers that run forgive it all the same";
    assert_eq!(again["messages"][0], nothing);
    let source_status = json(&occ.run(&["security:bruteforce:attempts", "203.0.113.7", "--output=json"]));
    assert_eq!((&source_status["attempts"], &source_status["last"]), (&0.into(), &"never".into()));
}

#[test]
fn invalid_address_is_refused() {
    let occ = OccFixture::with_people();
    for command in ["security:bruteforce:attempts", "security:bruteforce:reset"] {
        let output = occ.run(&[command, "localhost"]);
        assert_eq!(output.fails(1), "\"localhost\" is not a valid IP address\n");
        let output = occ.run(&[command, "203.0.113.0/24", "--output=json"]);
        assert_eq!(output.out, "{\"error\":\"\\\"203.0.113.0/24\\\" is not a valid IP address\"}\n");
    }
}

#[test]
fn cache_stats_list_running_servers_only() {
    let occ = OccFixture::with_people();
    let none = occ.run(&["cache:stats"]);
    assert_eq!(
        none.fails(1),
        "No server is running on this store; sign-in caches are in the memory of running servers\n"
    );
    let accounts = occ.accounts();
    let started = Clock::system().now();
    occ.block_on(async {
        accounts.instances().report("here:7:1", started, r#"{"pid":7,"accepted":3}"#).await.unwrap();
    });
    let servers = json(&occ.run(&["cache:stats", "--output=json"]));
    assert_eq!((&servers["here:7:1"]["pid"], &servers["here:7:1"]["accepted"]), (&7.into(), &3.into()));
    assert!(servers["here:7:1"]["told"].as_str().unwrap().starts_with("20"), "{servers}");
    let plain = occ.run(&["cache:stats"]).out;
    assert!(plain.starts_with("  - here:7:1:\n    - "), "{plain}");
    assert!(plain.contains("    - accepted: 3\n"), "{plain}");
}
