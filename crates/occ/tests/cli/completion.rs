//! Completion in the real shells; the colons in command names are the hard part.

use std::process::{Command, Stdio};

use crate::OccFixture;

/// Presses Tab after `line` in a bash that has loaded the script.
///
/// Words are split the way bash splits them. Gives what bash puts in the place of the last word.
fn tab(script: &str, words: &[&str]) -> Vec<String> {
    let last = words.len() - 1;
    let current = if matches!(words[last], ":" | "=") { "" } else { words[last] };
    let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    let program = format!(
        "set -u\n{script}\nCOMP_WORDS=({})\nCOMP_CWORD={last}\nhandler=$(complete -p occ | sed 's/.*-F \\([^ ]*\\).*/\\1/')\n\
         $handler occ '{current}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n",
        quoted.join(" "),
        words[last - 1]
    );
    let output = Command::new("bash").args(["--norc", "-c", &program]).stdin(Stdio::null()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_after_a_colon() {
    if Command::new("bash").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: no bash");
        return;
    }
    let script = OccFixture::new().run(&["completion", "bash"]).out;
    for (words, expected) in [
        (&["occ", "back"][..], &["backend:list", "backend:check", "backend:login"][..]),
        (&["occ", "backend", ":"], &["list", "check", "login"]),
        (&["occ", "backend", ":", "l"], &["list", "login"]),
        (&["occ", "backend", ":", "lo"], &["login"]),
        (&["occ", "--output", "json", "backend", ":", "lo"], &["login"]),
        (&["occ", "backend", ":", "login", "--expl"], &["--explain"]),
        (&["occ", "backend", ":", "login", "--output", ""], &["plain", "json", "json_pretty"]),
        (&["occ", "backend", ":", "login", "--output", "=", "js"], &["json", "json_pretty"]),
        (&["occ", "--output", "=", ""], &["plain", "json", "json_pretty"]),
        (&["occ", "--output", "="], &["plain", "json", "json_pretty"]),
        (&["occ", "--output", "=", "json", "user", ":", "res"], &["resetpassword"]),
        (&["occ", "help", "backend", ":", "lo"], &["login"]),
        (&["occ", "completion", "fi"], &["fish"]),
        (&["occ", "user", ":", "res"], &["resetpassword"]),
        (&["occ", "user", ":", "auth-tokens", ":"], &["add", "delete", "list"]),
        (&["occ", "user", ":", "auth-tokens", ":", "a"], &["add"]),
        (&["occ", "user", ":", "auth-tokens", ":", "delete", "--al"], &["--all"]),
        (&["occ", "group", ":", "subadmin", ":", "rem"], &["remove"]),
        (&["occ", "user", ":", "add", "--gen"], &["--generate-password"]),
    ] {
        assert_eq!(tab(&script, words), expected, "{words:?}");
    }
}

#[test]
fn every_shell_gets_a_script_with_every_command() {
    let occ = OccFixture::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = occ.run(&["completion", shell]);
        assert_eq!((output.code, output.err.as_str()), (0, ""), "{shell}");
        assert!(shell != "fish" || output.out.contains("-a \"bash elvish fish "), "{}", output.out);
        for command in ["backend:check", "user:resetpassword", "user:auth-tokens:add", "group:subadmin:list"]
        {
            let written = if shell == "zsh" {
                format!("'{}:", command.replace(':', "\\:"))
            } else {
                command.to_owned()
            };
            assert!(output.out.contains(&written), "{shell}: {written}");
        }
    }
}
