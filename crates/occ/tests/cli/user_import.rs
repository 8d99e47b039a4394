//! `user:import`: users from CSV and JSON.

use serde_json::{Value, json};

use crate::{CliOutput, OccFixture};

const PEOPLE: &str = "\
id,password,display_name,email,groups,quota,backend
bob,a mad tea-party at four,Bob,bob@example.com,staff|cooks,5 GB,
alice,a mad tea-party at four,,,,,
carol,banana,,,,,
dora,,,,,,mail
erik,,,,,,
fritz,,,,,,nowhere
gina,Wonderland 1865 !,,no-address,,,
hugo,a mad tea-party at four,\"two
lines\",,,,
bob,a mad tea-party at four,,,,,
ivan,a mad tea-party at four
";

fn report(output: &CliOutput, code: i32) -> Value {
    assert_eq!((output.code, output.err.as_str()), (code, ""), "{output:?}");
    serde_json::from_str(&output.out).unwrap()
}

fn lines(report: &Value) -> Vec<u64> {
    report["problems"].as_array().unwrap().iter().map(|problem| problem["line"].as_u64().unwrap()).collect()
}

#[test]
fn rows_are_created_or_refused_with_their_line() {
    let occ = OccFixture::with_people();
    occ.write("people.csv", PEOPLE);
    let import = ["user:import", "people.csv", "--output=json"];
    let dry = report(&occ.run(&[&import[..], &["--dry-run"]].concat()), 1);
    assert_eq!(occ.run(&["user:list"]).out.lines().count(), 4, "a dry run creates no user");
    assert_eq!(occ.run(&["group:info", "cooks"]).code, 1);
    let output = occ.run(&import);
    assert!(!output.out.contains("Wonderland") && !output.out.contains("tea-party"), "{output:?}");
    let done = report(&output, 1);
    for report in [&dry, &done] {
        assert_eq!((&report["created"], &report["existing"]), (&2.into(), &1.into()), "{report}");
        assert_eq!(lines(report), [4, 6, 7, 8, 9, 11, 12], "{report}");
    }
    assert_eq!((&dry["dry_run"], &done["dry_run"]), (&true.into(), &false.into()));
    let problems = done["problems"].as_array().unwrap();
    for (at, user, expected) in [
        (0, "carol", "1,000,000 most common"),
        (1, "erik", "no password, no hash"),
        (2, "fritz", "there is no backend \"nowhere\"; there are: mail, local"),
        (3, "gina", "expected a mail address"),
        (4, "hugo", "display name"),
        (5, "bob", "the user of line 2 has this name"),
        (6, "", "found 2 values, expected 7"),
    ] {
        assert_eq!(problems[at]["user"], user);
        assert!(problems[at]["error"].as_str().unwrap().contains(expected), "{}", problems[at]);
    }
    let bob = report(&occ.run(&["user:info", "bob", "--output=json"]), 0);
    assert_eq!((&bob["groups"], &bob["quota"]), (&json!(["cooks", "staff"]), &"5 GB".into()));
    assert_eq!(report(&occ.run(&["user:info", "dora", "--output=json"]), 0)["backend"], "mail");
    let mut login = occ.command(&["backend:login", "bob", "--password-from-env", "--backend=local"]);
    let output = CliOutput::of(&login.env("OC_PASS", "a mad tea-party at four").output().unwrap());
    assert_eq!(output.code, 0, "{output:?}");
}

#[test]
fn repeated_import_skips_existing_users() {
    let occ = OccFixture::with_store();
    let people = r#"[
  {"userid": "bob", "password": "a mad tea-party at four", "groups": ["staff"], "enabled": false},
  {"userid": "carol", "password_hash": "1|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa"}
]"#;
    occ.write("people.json", people);
    let dry = occ.run(&["user:import", "people.json", "--dry-run"]);
    assert_eq!(
        (dry.code, dry.out.as_str()),
        (0, "would be created: 2\nthere already: 0\nrefused: 0\n"),
        "{dry:?}"
    );
    assert!(!occ.has_store(), "a dry run makes no store");
    let output = occ.run(&["user:import", "people.json"]);
    assert_eq!(
        (output.code, output.out.as_str()),
        (0, "created: 2\nthere already: 0\nrefused: 0\n"),
        "{output:?}"
    );
    assert_eq!(occ.run(&["user:list", "--disabled"]).out, "  - bob: bob\n");
    assert_eq!(occ.run(&["user:delete", "carol"]).code, 0);
    let again = occ.run_with_input(&["user:import", "-", "--format=json"], people.as_bytes());
    assert_eq!(
        (again.code, again.out.as_str()),
        (0, "created: 1\nthere already: 1\nrefused: 0\n"),
        "{again:?}"
    );
}

#[test]
fn user_without_a_password_gets_a_link_by_mail() {
    let occ = OccFixture::with_store();
    occ.write("people.csv", "id,email\nbob,bob@example.com\n");
    let import = ["user:import", "people.csv"];
    assert!(
        occ.run(&import).fails(1).contains("line 2: bob: found no password and no hash, and no mail server")
    );
    occ.set_mail(25);
    assert_eq!(occ.run(&import).code, 0);
    let accounts = occ.accounts();
    assert_eq!(occ.block_on(accounts.outbox().waiting()).unwrap(), 1);
    assert_eq!(occ.run(&import).code, 0);
    assert_eq!(occ.block_on(accounts.outbox().waiting()).unwrap(), 1, "no second mail");
}

#[test]
fn unreadable_file_is_a_usage_error() {
    let occ = OccFixture::with_store();
    occ.write("people.txt", "id\nbob\n");
    occ.write("bad.csv", "id,hat\nbob,x\n");
    occ.write("latin.csv", "id\n");
    std::fs::write(occ.path().join("latin.csv"), b"id\nb\xf6b\n").unwrap();
    for (file, expected) in [
        ("people.txt", "--format=csv"),
        ("bad.csv", "bad.csv: line 1: there is no column \"hat\""),
        ("latin.csv", "not UTF-8"),
        ("gone.csv", "cannot be read"),
    ] {
        assert!(occ.run(&["user:import", file]).fails(2).contains(expected), "{file}");
    }
    assert!(!occ.has_store());
}
