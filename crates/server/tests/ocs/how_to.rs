//! The commands in the documentation work as written.

use std::process::{Command, Stdio};

use super::*;

const DOCUMENT: &str = include_str!("../../../../docs/provisioning-api.md");

/// The blocks of one language under a heading.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let (_, rest) = DOCUMENT.split_once(&format!("\n## {heading}\n")).expect("the heading is there");
    let section = rest.split("\n## ").next().unwrap();
    let fence = format!("```{language}\n");
    let blocks = section.split(fence.as_str()).skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs a program that reads a script from its standard input.
pub(crate) fn run(words: &[&str], script: &str) -> String {
    use std::io::Write;
    let mut command = Command::new(words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{words:?}: {error}"));
    child.stdin.take().unwrap().write_all(script.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (out, err) = (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{script}\n{out}\n{err}");
    out
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

/// With the address of this server, and the password that curl would ask for.
fn here(server: &Server, text: &str) -> String {
    text.replace("127.0.0.1:8080", &server.address.to_string())
        .replace("-u admin ", &format!("-sS -u 'admin:{PASSWORD}' "))
        .replace("admin:the password", &format!("admin:{PASSWORD}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_for_the_terminal_do_what_they_say() {
    let imap = "[[user_backends]]\nclass = \"imap\"\nid = \"mail\"\nhost = \"127.0.0.1\"\nport = 9\ntls = \"none\"\n";
    let server = Server::empty("", imap).await;
    server.person("admin", &["admin"], &[]).await;
    let mut calls = 0;
    for line in
        blocks("Start", "sh").iter().flat_map(|block| block.lines()).filter(|line| line.starts_with("curl"))
    {
        let out = tokio::task::block_in_place(|| run(&["sh"], &here(&server, line)));
        assert!(out.contains("<statuscode>100</statuscode>"), "{line}\n{out}");
        calls += 1;
    }
    let mut words = String::new();
    for line in blocks("Common tasks", "sh").iter().flat_map(|block| block.lines()) {
        if !line.starts_with("api ") {
            words += &format!("{line}\n");
            continue;
        }
        let out = tokio::task::block_in_place(|| run(&["sh"], &here(&server, &format!("{words}{line}\n"))));
        assert!(out.contains("<statuscode>100</statuscode>"), "{line}\n{out}");
        calls += 1;
    }
    assert_eq!(calls, 20, "as many as the page has");
    let readme = include_str!("../../../../README.md");
    for line in blocks("Start", "sh")
        .iter()
        .flat_map(|block| block.lines().filter(|line| line.starts_with("user-backend")))
    {
        let command = line.split('#').next().unwrap().trim();
        assert!(readme.contains(command), "the README begins in the same way: {command}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_print_users() {
    let server = Server::start().await;
    server.post("admin", "/cloud/groups", "groupid=staff").send().await.ok();
    for (language, program) in
        [("python", &["python3", "-"][..]), ("js", &["node", "--input-type=module", "-"])]
    {
        if !is_there(program[0]) {
            eprintln!("skipped: {} is not installed", program[0]);
            continue;
        }
        let script = here(&server, &blocks("From a program", language)[0]);
        let out = tokio::task::block_in_place(|| run(program, &script));
        assert!(out.contains("Frank") && out.contains("outsider"), "{language}: {out}");
        // Once more: everything exists already, and the program reports it.
        if language == "python" {
            let again =
                format!("try:\n    exec({script:?})\nexcept SystemExit as said:\n    print('said', said)\n");
            let out = tokio::task::block_in_place(|| run(program, &again));
            assert!(out.contains("said 102: User already exists"), "{out}");
        }
    }
}
