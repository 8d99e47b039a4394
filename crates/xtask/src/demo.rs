//! `cargo xtask demo`: users sign in at real servers, with typical failures. Three users sign in at
//! three servers and one at five more, so each class is used; one mistypes, one server is down, and
//! the administrator resets a lost password. nginx protects a page and asks the server who may open
//! it.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::demo_page::{ProtectedPage, remove_store};
use crate::demo_servers::MoreServers;
use crate::prerequisites;
use crate::rig::Rig;
use crate::step::{self, Outcome};

/// `cargo xtask demo`
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Servers in containers instead of processes on this machine
    #[arg(long)]
    compose: bool,
}

/// Runs the demo and ends clean.
///
/// # Errors
///
/// Something could not be installed, built or started, or a sign-in did not end as it should.
pub(crate) fn run(args: &Args) -> Outcome {
    let rig = Rig::new(args.compose);

    println!("1. Installing what is missing");
    let mut missing = prerequisites::missing_libraries();
    missing.extend(rig.missing()?);
    missing.extend(prerequisites::missing_proxy());
    if !args.compose {
        missing.extend(prerequisites::missing_servers().into_iter().filter(|name| name != "nginx"));
    }
    prerequisites::install(&missing)?;
    if missing.is_empty() {
        println!("   nothing is");
    }

    println!("\n2. Building occ, the command line, and the server (the first time takes a few minutes)");
    // Two builds: in one, `occ` would get the features of the helper, and link libsmbclient.
    step::run(&mut step::cargo(&["build", "-p", "occ"]))?;
    step::run(&mut step::cargo(&["build", "-p", "user-backend-smb-helper", "--features", "smb"]))?;
    step::run(&mut step::cargo(&["build", "-p", "user-backend-server"]))?;
    if !args.compose {
        step::run(&mut step::cargo(&["build", "-p", "user-backend-tests", "--bin", "local-servers"]))?;
    }

    println!("\n3. Starting an IMAP, an FTP and an SMB server on this machine");
    let guard = rig.up()?;
    let env = rig.env()?;
    let value = |name: &str| {
        let found = env.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        found.ok_or_else(|| format!("the test servers do not report {name}"))
    };
    let state = PathBuf::from(value("RIG_STATE")?);
    let people = fs::read_to_string(state.join("users.tsv"))?;
    let demo = Demo { config: write_config(&value("RIG_HOST")?, &state)?, people };
    println!("   and writing {}, which names all three", short(&demo.config).display());

    println!("\n4. Three people sign in; each is known to one of the servers only");
    demo.sign_in("ingrid", Expect::authenticated("mail"))?;
    demo.sign_in("felix", Expect::authenticated("files"))?;
    demo.sign_in("sam", Expect::authenticated("office"))?;

    println!(
        "\n5. A web server, a mail server, a directory, an XMPP and an SSH server ask for passwords, too"
    );
    if args.compose {
        println!("   skipped: they run as processes on this machine, without --compose");
    } else {
        let more = MoreServers::start()?;
        let demo = Demo { config: demo.write_more(more.backends())?, people: String::new() };
        for backend in ["web", "submission", "directory", "chat", "shell"] {
            demo.sign_in_at(backend, "alice", more.password())?;
        }
    }

    println!("\n6. A wrong password is refused");
    demo.sign_in("ingrid", Expect::refused())?;

    println!("\n7. nginx protects a page and asks the server about each request");
    let page = demo.page(&value("RIG_HOST")?, &state)?;
    demo.open(&page, None, 401)?;
    demo.open(&page, Some("not-the-password"), 401)?;
    demo.open(&page, Some(demo.password("ingrid")?), 200)?;

    println!("\n8. The mail server stops: no decision is possible, so the answer is not \"wrong password\"");
    let outage = rig.outage("imap", &guard)?;
    demo.sign_in("ingrid", Expect::unavailable())?;
    demo.open(&page, Some("another-password"), 503)?;
    drop((outage, page));

    println!("\n9. The administrator lost the password: occ sets a new one, and the old one ends");
    demo.reset_admin()?;

    println!("\n10. Ending what was started");
    drop(guard);
    println!(
        "\nDone: each sign-in, refusal and outage had the right answer, and so had the reset. Go on with:"
    );
    println!("  cargo xtask rig up");
    println!("  {}", demo.line("ingrid")?);
    println!("  cargo xtask test");
    Ok(())
}

/// How a sign-in must end.
#[derive(Clone, Copy, Debug)]
struct Expect {
    outcome: &'static str,
    exit: i32,
    backend: Option<&'static str>,
    wrong_password: bool,
}

impl Expect {
    const fn authenticated(backend: &'static str) -> Self {
        Self { outcome: "authenticated", exit: 0, backend: Some(backend), wrong_password: false }
    }

    const fn refused() -> Self {
        Self { outcome: "refused", exit: 1, backend: None, wrong_password: true }
    }

    const fn unavailable() -> Self {
        Self { outcome: "unavailable", exit: 3, backend: None, wrong_password: false }
    }
}

#[derive(Debug)]
struct Demo {
    config: PathBuf,
    people: String,
}

impl Demo {
    /// Signs one user in with `occ` and prints the result.
    fn sign_in(&self, user: &str, expect: Expect) -> Outcome {
        let right = self.password(user)?;
        let password = if expect.wrong_password { "not-the-password" } else { right };
        self.sign_in_with(user, password, expect)
    }

    fn sign_in_with(&self, user: &str, password: &str, expect: Expect) -> Outcome {
        self.login(&[user], password, expect)
    }

    /// The same, asking one backend and no other.
    fn sign_in_at(&self, backend: &'static str, user: &str, password: &str) -> Outcome {
        self.login(&[user, "--backend", backend], password, Expect::authenticated(backend))
    }

    fn login(&self, words: &[&str], password: &str, expect: Expect) -> Outcome {
        let user = words.first().copied().unwrap_or_default();
        let output = step::program(occ())
            .arg("--config")
            .arg(&self.config)
            .arg("backend:login")
            .args(words)
            .args(["--password-from-env", "--output=json"])
            .env_remove("NC_PASS")
            .env("OC_PASS", password)
            .output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let reply: Value = serde_json::from_slice(&output.stdout)
            .map_err(|error| format!("occ wrote no JSON ({error}); its errors: {}", errors.trim()))?;
        println!("   {user:<7} {}", described(&reply, output.status.code()));
        let as_expected = reply["outcome"] == expect.outcome
            && output.status.code() == Some(expect.exit)
            && expect.backend.is_none_or(|backend| reply["backend"] == backend);
        if !as_expected {
            let by = expect.backend.map(|backend| format!(" by {backend}")).unwrap_or_default();
            let wanted = format!("{}{by}, exit code {}", expect.outcome, expect.exit);
            return Err(format!("{user} should be {wanted}; occ answered {reply} {}", errors.trim()).into());
        }
        Ok(())
    }

    /// A configuration of more backends, beside the first one.
    fn write_more(&self, backends: &str) -> Outcome<PathBuf> {
        let file = self.config.with_file_name("more-servers.toml");
        fs::write(&file, format!("# Written by `cargo xtask demo`.\n\n{backends}"))?;
        Ok(file)
    }

    /// A fresh store with one administrator, whose password is reset.
    fn reset_admin(&self) -> Outcome {
        let (old, new) = ("the-password-that-was-lost", "the-password-that-came-after");
        self.occ(&["user:add", "admin", "--password-from-env", "--group", "admin"], old)?;
        self.sign_in_with("admin", old, Expect::authenticated("local"))?;
        self.occ(&["user:resetpassword", "admin", "--password-from-env"], new)?;
        self.sign_in_with("admin", old, Expect::refused())?;
        self.sign_in_with("admin", new, Expect::authenticated("local"))
    }

    /// A page behind nginx, for the users of the mail server.
    fn page(&self, host: &str, state: &Path) -> Outcome<ProtectedPage> {
        let ca = state.join("ca.crt");
        let backend = format!(
            "[[user_backends]]\nid = \"mail\"\nclass = \"imap\"\nhost = \"{host}\"\nport = 10993\ntls = \"implicit\"\nca_file = {ca:?}\n"
        );
        let folder = self.config.with_file_name("page");
        ProtectedPage::start(&folder, &backend)
    }

    /// Opens the page as ingrid, or as no one, and prints what nginx answers.
    fn open(&self, page: &ProtectedPage, password: Option<&str>, expected: u16) -> Outcome {
        let credentials = password.map(|password| ("ingrid", password));
        let who = if password.is_some() { "ingrid" } else { "no one" };
        let (status, user) = page.open(credentials)?;
        let known =
            if user.is_empty() { String::new() } else { format!(", the page is told that it is {user}") };
        println!("   {who:<7} {status}{known}");
        if status == expected && (user == "ingrid") == (status == 200) {
            return Ok(());
        }
        Err(format!("nginx should answer {expected} to {who}").into())
    }

    /// Runs `occ` with a password in its environment and shows what it says.
    fn occ(&self, words: &[&str], password: &str) -> Outcome {
        println!("   $ occ {}", words.join(" "));
        let mut command = step::program(occ());
        let output = command
            .arg("--config")
            .arg(&self.config)
            .args(words)
            .env_remove("NC_PASS")
            .env("OC_PASS", password)
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().for_each(|line| println!("     {line}"));
        if !output.status.success() {
            let errors = String::from_utf8_lossy(&output.stderr);
            return Err(format!("occ {} failed: {}", words.join(" "), errors.trim()).into());
        }
        Ok(())
    }

    fn password(&self, user: &str) -> Outcome<&str> {
        password(&self.people, user).ok_or_else(|| format!("users.tsv does not list {user}").into())
    }

    /// What a reader types to do the same.
    fn line(&self, user: &str) -> Outcome<String> {
        let (occ, config) = (occ(), short(&self.config));
        let command = format!("{} --config {}", short(&occ).display(), config.display());
        let password = self.password(user)?;
        Ok(format!("OC_PASS='{password}' {command} backend:login {user} --password-from-env --explain"))
    }
}

fn occ() -> PathBuf {
    step::target().join("debug/occ")
}

fn short(path: &Path) -> &Path {
    path.strip_prefix(step::root()).unwrap_or(path)
}

/// The password column of users.tsv.
fn password<'a>(people: &'a str, user: &str) -> Option<&'a str> {
    let mut rows = people.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t'));
    rows.find_map(|mut row| if row.next() == Some(user) { row.next() } else { None })
}

/// One reply of occ in plain words.
fn described(reply: &Value, exit: Option<i32>) -> String {
    let outcome = reply["outcome"].as_str().unwrap_or("?");
    let backend = reply["backend"].as_str().map(|backend| format!(" by \"{backend}\"")).unwrap_or_default();
    let reason = reply["reason"].as_str().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let asked = reply["trace"].as_array().map_or(&[][..], Vec::as_slice);
    let took: f64 = asked.iter().filter_map(|step| step["ms"].as_f64()).sum();
    let exit = exit.map_or_else(|| "none".to_owned(), |code| code.to_string());
    format!("{outcome}{backend}{reason}, {took:.0} ms, exit code {exit}")
}

fn write_config(host: &str, state: &Path) -> Outcome<PathBuf> {
    let folder = step::root().join("target/demo");
    fs::create_dir_all(&folder)?;
    let file = folder.join("user-backend.toml");
    let ca = state.join("ca.crt");
    // Debug quotes a path the way TOML's basic strings want it.
    let text = format!(
        r#"# Written by `cargo xtask demo`. The first backend that accepts decides.

[[user_backends]]
id = "mail"
class = "imap"
host = "{host}"
port = 10993
tls = "implicit"
ca_file = {ca:?}

[[user_backends]]
id = "files"
class = "ftp"
host = "{host}"
port = 10021
ca_file = {ca:?}

[[user_backends]]
id = "office"
class = "smb"
host = "{host}"
port = 10445
"#
    );
    fs::write(&file, text)?;
    // The store of an earlier demo has an administrator already.
    remove_store(&folder)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_taken_as_they_stand() {
        let people = "# user\tpassword\nerin\t at the ends \tall\tok\nbob\tp@ss\tall\tok\n";
        assert_eq!(password(people, "erin"), Some(" at the ends "));
        assert_eq!(password(people, "bob"), Some("p@ss"));
        assert_eq!(password(people, "# user"), None);
    }

    #[test]
    fn reply_is_described_in_plain_words() {
        let reply = serde_json::json!({
            "outcome": "authenticated", "user": "ingrid", "backend": "mail", "reason": null,
            "trace": [{ "backend": "mail", "verdict": "accepted", "phase": "login", "ms": 12.4 }],
        });
        assert_eq!(described(&reply, Some(0)), "authenticated by \"mail\", 12 ms, exit code 0");
    }
}
