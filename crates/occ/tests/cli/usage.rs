//! Help texts and mistakes on the command line.

use crate::OccFixture;

#[test]
fn help_of_every_command_has_examples_and_exit_codes() {
    let occ = OccFixture::new();
    let all = occ.run(&["--help"]).out;
    let commands = all.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    let commands: Vec<&str> = commands.filter(|name| name.contains(':')).collect();
    assert!(commands.len() >= 37, "{commands:?}");
    for command in commands {
        let help = occ.run(&["help", command]);
        assert_eq!((help.code, help.err.as_str()), (0, ""));
        assert!(
            help.out.contains("Examples:\n  occ ") && help.out.contains("Exit codes:\n  0  "),
            "{}",
            help.out
        );
        assert_eq!(occ.run(&[command, "--help"]).out, help.out);
        assert!(help.out.lines().all(|line| line.chars().count() <= 100), "{}", help.out);
    }
    insta::assert_snapshot!("help", occ.run(&["--help"]).out);
    insta::assert_snapshot!("help_login", occ.run(&["help", "backend:login"]).out);
}

#[test]
fn version_is_printed() {
    let version = OccFixture::new().run(&["--version"]);
    assert_eq!((version.code, version.out.as_str()), (0, concat!("occ ", env!("CARGO_PKG_VERSION"), "\n")));
}

#[test]
fn usage_error_is_2_and_suggests_the_fix() {
    let occ = OccFixture::new();
    for (words, hint) in [
        (&[][..], "Usage: occ"),
        (&["bakend:list"], "backend:list"),
        (&["backend:list", "--outptu=json"], "--output"),
        (&["backend:list", "--output=xml"], "plain, json, json_pretty"),
        (&["backend:list", "alice"], "alice"),
        (&["--password-from-env", "user:list"], "--password-from-env"),
        (&["backend:login"], "<NAME>"),
        (&["backend:login", "alice", "--password-from-evn"], "--password-from-env"),
        (&["backend:login", "alice", "--password-from-env", "--password-from-stdin"], "cannot be used with"),
        (&["completion"], "<SHELL>"),
        (&["completion", "tcsh"], "bash"),
    ] {
        let output = occ.run(words);
        assert!(output.fails(2).contains(hint), "{words:?}: {output:?}");
    }
}

#[test]
fn mistyped_command_suggests_the_nearest_one() {
    let occ = OccFixture::new();
    for (typed, tip) in [
        ("user:resetpasword", Some("a similar subcommand exists: 'user:resetpassword'")),
        ("resetpassword", Some("a similar subcommand exists: 'user:resetpassword'")),
        ("User:Add", Some("a similar subcommand exists: 'user:add'")),
        ("user:reset", Some("a similar subcommand exists: 'user:resetpassword'")),
        ("user:auth", Some("'user:auth-tokens:add', 'user:auth-tokens:delete', 'user:auth-tokens:list'\n")),
        ("user:lastsen", Some("a similar subcommand exists: 'user:lastseen'")),
        ("config:system:list", None),
        ("maintenance:mode", None),
        ("x", None),
    ] {
        let output = occ.run(&[typed, "alice"]);
        let message = output.fails(2);
        assert!(message.starts_with(&format!("error: unrecognized subcommand '{typed}'\n")), "{message}");
        match tip {
            Some(tip) => assert!(message.contains(tip), "{message}"),
            None => assert!(!message.contains("similar"), "{message}"),
        }
    }
}

#[test]
fn list_names_every_command_of_the_help() {
    let occ = OccFixture::new();
    let raw = occ.run(&["list", "--raw"]);
    assert_eq!((raw.code, raw.err.as_str()), (0, ""));
    let names: Vec<&str> = raw.out.lines().filter_map(|line| line.split(' ').next()).collect();
    let help = occ.run(&["--help"]).out;
    let in_help = help.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    for name in in_help.filter(|name| name.contains(':')) {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    assert!(!raw.out.contains("twofactorauth"), "what is not supported is not listed");
    let group = occ.run(&["list", "group", "--raw"]).out;
    assert!(group.lines().count() == 9 && group.lines().all(|line| line.starts_with("group:")), "{group}");
    assert!(occ.run(&["list"]).out.contains("\nAvailable commands:\n"));
    let json: serde_json::Value = serde_json::from_str(&occ.run(&["list", "--output=json"]).out).unwrap();
    assert_eq!(json["commands"].as_array().unwrap().len(), names.len());
    assert!(occ.run(&["list", "hats"]).fails_silently().contains("\"hats\""));
}

#[test]
fn missing_choice_lists_the_possible_values() {
    let occ = OccFixture::new();
    for (words, choice) in
        [(&["user:lastseen"][..], "<USER|--all>"), (&["user:auth-tokens:delete", "alice"], "<ID|--all>")]
    {
        let output = occ.run(words);
        assert!(output.fails(2).contains(choice), "{output:?}");
    }
}

#[test]
fn password_on_the_command_line_is_refused_and_not_repeated() {
    let occ = OccFixture::with("user-backend.toml", "");
    for command in ["backend:login", "user:add", "user:resetpassword", "user:auth-tokens:add"] {
        for words in [
            &["--password", "Wonderland-1"][..],
            &["--password=Wonderland-1"],
            &["-p", "Wonderland-1"],
            &["-pWonderland-1"],
            &["--pass", "Wonderland-1"],
            &["Wonderland-1"],
            &["--", "Wonderland-1"],
            &["--password-from-env=Wonderland-1"],
            &["--password-from-stdin=Wonderland-1"],
            &["--generate-password=Wonderland-1"],
        ] {
            let output = occ.run(&[&[command, "alice"], words].concat());
            let message = output.fails(2);
            assert!(!message.contains("Wonderland"), "{command} {words:?}: {message}");
            let unknown_here = (command == "user:auth-tokens:add" && words[0].starts_with("--password-from"))
                || (command != "user:add" && words[0].starts_with("--generate"));
            if !unknown_here {
                assert!(
                    message.contains("never taken from the command line"),
                    "{command} {words:?}: {message}"
                );
                assert!(
                    message.contains("--password-from-env") && message.contains("--password-from-stdin"),
                    "{message}"
                );
            }
        }
    }
}
