//! Real programs as clients, with the snippets of the recipes.
//!
//! They are Postfix, Exim, Radicale, OpenLDAP, Caddy and nginx's mail proxy.
//!
//! Each signs in with the right password, with a wrong one, and while the backend of the user is
//! away.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader as AsyncBufReader};
use tokio::net::TcpListener;
use user_backend_tests::sandbox::{Sandbox, USERS, kept, skip};

use super::external_backend::imap_in_outage;
use super::recipes::snippet;
use super::sockets::{base64, socket_dir};
use super::*;

/// Two passwords and an outage, by name and password.
const RIGHT: (&str, &str) = ("Frank", PASSWORD);
const WRONG: (&str, &str) = ("Frank", "wrong");
const AWAY: (&str, &str) = ("mia@mail.example", "right");

/// A server with a recipe's settings and an unreachable backend, and its socket folder.
async fn server(server: &str, recipe: &str) -> (Server, TempDir) {
    let backend = imap_in_outage().await;
    let dir = socket_dir();
    let mut recipe = recipe.replace("/run/user-backend", dir.path().to_str().unwrap());
    // Users that packages make; root may ask everywhere.
    for (name, id) in USERS.into_iter().chain([("radicale", 0)]) {
        recipe = recipe.replace(&format!("\"{name}\""), &format!("\"{id}\""));
    }
    (Server::with(server, &format!("{recipe}\n{backend}")).await, dir)
}

/// A port that was free a moment ago.
fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// A program that runs until it is dropped.
struct RunningProgram(Child);

impl Drop for RunningProgram {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl RunningProgram {
    /// Starts a program whose output has this text when it is ready.
    fn start(command: &mut Command, ready: &str) -> Self {
        let (reader, writer) = std::io::pipe().unwrap();
        let child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
        // Only the program writes now.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let running = Self(child);
        let mut lines = BufReader::new(reader).lines();
        let mut seen = Vec::new();
        loop {
            let Some(line) = lines.next() else { panic!("it ended: {seen:#?}") };
            let line = String::from_utf8_lossy(line.unwrap().as_bytes()).into_owned();
            let is_ready = line.contains(ready);
            seen.push(line);
            if is_ready {
                break;
            }
        }
        // The rest is not read, and must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        running
    }
}

async fn connect(port: u16) -> AsyncBufReader<TcpStream> {
    loop {
        if let Ok(stream) = TcpStream::connect(("127.0.0.1", port)).await {
            return AsyncBufReader::new(stream);
        }
        tokio::task::yield_now().await;
    }
}

/// The last line of a reply of SMTP, or one line of another protocol.
async fn reply(stream: &mut AsyncBufReader<TcpStream>) -> String {
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.unwrap();
        if line.as_bytes().get(3) != Some(&b'-') {
            return line.trim_end().to_owned();
        }
    }
}

/// What an SMTP server answers to `AUTH PLAIN`.
async fn smtp_sign_in(port: u16, (name, password): (&str, &str)) -> String {
    let mut stream = connect(port).await;
    assert!(reply(&mut stream).await.starts_with("220 "));
    stream.write_all(b"EHLO client.example\r\n").await.unwrap();
    assert!(reply(&mut stream).await.starts_with("250 "));
    let response = base64(&format!("\0{name}\0{password}"));
    stream.write_all(format!("AUTH PLAIN {response}\r\n").as_bytes()).await.unwrap();
    reply(&mut stream).await
}

/// Postfix with the snippets below a heading.
async fn postfix(heading: &str, expected: [&str; 3]) {
    let (_server, sockets) = server("", &snippet("postfix", heading, "user-backend.toml")).await;
    let Some(sandbox) = Sandbox::with("postfix", &["postfix"], sockets.path()) else { return };
    let port = free_port();
    let main = snippet("postfix", heading, "/etc/postfix/main.cf");
    sandbox.write(
        "/etc/postfix/main.cf",
        &format!(
            "compatibility_level = 3.6\nmaillog_file = /dev/stdout\nmyhostname = mail.example.org\n\
             inet_interfaces = 127.0.0.1\nalias_maps =\nlocal_recipient_maps =\n{main}"
        ),
    );
    sandbox.write(
        "/etc/postfix/master.cf",
        &format!(
            "127.0.0.1:{port} inet n - n - - smtpd\npostlog unix-dgram n - n - 1 postlogd\nanvil unix - - n - 1 anvil\n"
        ),
    );
    if heading == "saslauthd" {
        let sasl = snippet("postfix", heading, "/etc/postfix/sasl/smtpd.conf");
        sandbox.write("/etc/postfix/sasl/smtpd.conf", &sasl);
    }
    let folders = "mkdir /var/lib/postfix /var/spool/postfix; chown postfix /var/lib/postfix";
    let _running =
        RunningProgram::start(&mut sandbox.command(folders, &["postfix", "start-fg"]), "daemon started");
    for (credentials, expected) in [RIGHT, WRONG, AWAY].into_iter().zip(expected) {
        let answer = smtp_sign_in(port, credentials).await;
        assert!(answer.starts_with(expected), "{credentials:?}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_asks_saslauthd() {
    postfix("saslauthd", ["235 2.7.0 ", "535 5.7.8 ", "454 4.7.0 "]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_asks_dovecot_auth() {
    postfix("Dovecot auth", ["235 2.7.0 ", "535 5.7.8 ", "454 4.7.0 "]).await;
}

/// Exim with the snippets below a heading; it speaks SMTP at its standard input.
async fn exim(heading: &str, dialogue: impl Fn((&str, &str)) -> String, expected: [&str; 3]) {
    let (_server, sockets) = server("", &snippet("exim", heading, "user-backend.toml")).await;
    let packages = ["exim4-daemon-heavy", "exim4-base", "libidn12", "libspf2-2"];
    let Some(sandbox) = Sandbox::with("exim", &packages, sockets.path()) else { return };
    let authenticators = snippet("exim", heading, "/etc/exim4/exim4.conf");
    // This client has no TLS.
    let only_with_tls = "  server_advertise_condition = ${if def:tls_in_cipher}\n";
    assert!(authenticators.contains(only_with_tls));
    let authenticators = authenticators.replace(only_with_tls, "");
    let text = format!("primary_hostname = mail.example.org\nlog_file_path = :syslog\n{authenticators}");
    sandbox.write("/etc/exim4/exim4.conf", &text);
    let folders = "mkdir -p /var/spool/exim4/input /var/spool/exim4/db /run/saslauthd; \
                   chown -R Debian-exim /var/spool/exim4; ln -s /run/user-backend/mux /run/saslauthd/mux";
    for (credentials, expected) in [RIGHT, WRONG, AWAY].into_iter().zip(expected) {
        let words = ["exim4", "-C", "/etc/exim4/exim4.conf", "-bs", "-oMa", "192.0.2.7"];
        let mut command = sandbox.command(folders, &words);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let text = format!("EHLO client.example\r\n{}QUIT\r\n", dialogue(credentials));
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = tokio::task::block_in_place(|| child.wait_with_output()).unwrap();
        let output_text = String::from_utf8_lossy(&output.stdout);
        let is_answer = |line: &&str| {
            line.starts_with(['2', '4', '5']) && !line.starts_with("25") && !line.starts_with("22")
        };
        let answer = output_text.lines().find(is_answer).unwrap_or_default();
        assert!(
            answer.starts_with(expected),
            "{credentials:?}: {output_text} {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_asks_dovecot_auth() {
    let plain = |(name, password): (&str, &str)| {
        format!("AUTH PLAIN {}\r\n", base64(&format!("\0{name}\0{password}")))
    };
    exim("Dovecot auth", plain, ["235 ", "535 ", "435 "]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exim_asks_saslauthd() {
    let login =
        |(name, password): (&str, &str)| format!("AUTH LOGIN {}\r\n{}\r\n", base64(name), base64(password));
    exim("saslauthd", login, ["235 ", "535 ", "435 "]).await;
}

/// What an LDAP server answers to a simple bind: its result code.
async fn bind(port: u16, dn: &str, password: &str) -> u8 {
    let field = |tag: u8, bytes: &[u8]| [&[tag, u8::try_from(bytes.len()).unwrap()], bytes].concat();
    let request = [field(2, &[3]), field(4, dn.as_bytes()), field(0x80, password.as_bytes())].concat();
    let message = field(0x30, &[field(2, &[1]), field(0x60, &request)].concat());
    let mut stream = connect(port).await;
    stream.write_all(&message).await.unwrap();
    // The message, its number, the tag of the response, and then the code.
    let mut response = [0; 10];
    stream.read_exact(&mut response).await.unwrap();
    assert_eq!((response[0], response[5], response[7]), (0x30, 0x61, 10), "{response:?}");
    response[9]
}

#[tokio::test(flavor = "multi_thread")]
async fn openldap_passes_binds_through() {
    let (_server, sockets) = server("", &snippet("openldap", "OpenLDAP", "user-backend.toml")).await;
    if !Path::new("/usr/sbin/slapd").exists() {
        return skip("slapd", "it is not installed (Debian package slapd)");
    }
    let Some(sandbox) = Sandbox::with("slapd", &[], sockets.path()) else { return };
    let sasl = snippet("openldap", "OpenLDAP", "/etc/ldap/sasl2/slapd.conf");
    sandbox.write("/etc/ldap/sasl2/slapd.conf", &sasl);
    sandbox.write(
        "/etc/ldap/test.conf",
        "include /etc/ldap/schema/core.schema\nmodulepath /usr/lib/ldap\nmoduleload back_mdb\ndatabase mdb\n\
         suffix \"dc=example,dc=org\"\ndirectory /var/lib/test\n",
    );
    let entry = snippet("openldap", "OpenLDAP", "alice.ldif");
    let entries = [("Frank", "Frank"), ("Mia", "mia@mail.example")]
        .map(|(cn, login)| entry.replace("{SASL}alice", &format!("{{SASL}}{login}")).replace("alice", cn));
    let top = "dn: dc=example,dc=org\nobjectClass: dcObject\nobjectClass: organization\no: x\ndc: example\n";
    sandbox.write("/etc/ldap/test.ldif", &[top, &entries[0], &entries[1]].join("\n"));
    let port = free_port();
    let address = format!("ldap://127.0.0.1:{port}");
    let prepare =
        "mkdir /var/lib/test; slapadd -f /etc/ldap/test.conf -l /etc/ldap/test.ldif >/dev/null 2>&1";
    let words = ["slapd", "-f", "/etc/ldap/test.conf", "-h", &address, "-d", "256"];
    let _running = RunningProgram::start(&mut sandbox.command(prepare, &words), "slapd starting");
    for (cn, password, expected) in [
        ("Frank", PASSWORD, 0),
        ("Frank", "wrong", 49),
        // slapd has no other word for an outage.
        ("Mia", "right", 49),
    ] {
        let dn = format!("cn={cn},dc=example,dc=org");
        assert_eq!(bind(port, &dn, password).await, expected, "{cn} {password}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn radicale_asks_dovecot_auth() {
    let (server, sockets) = server("", &snippet("radicale", "Radicale", "user-backend.toml")).await;
    let Some(python) = radicale() else { return };
    let dir = TempDir::new().unwrap();
    let port = free_port();
    let auth = snippet("radicale", "Radicale", "/etc/radicale/config");
    let auth = auth.replace("/run/user-backend", sockets.path().to_str().unwrap());
    let file = dir.path().join("config");
    let text = format!(
        "[server]\nhosts = 127.0.0.1:{port}\n[storage]\nfilesystem_folder = {}\n{auth}",
        dir.path().join("collections").display()
    );
    std::fs::write(&file, text).unwrap();
    let mut command = Command::new(python);
    command.args(["-u", "-m", "radicale", "-C"]).arg(&file).stdin(Stdio::null());
    let _running = RunningProgram::start(&mut command, "Radicale server ready");
    for (credentials, expected) in [RIGHT, WRONG, AWAY].into_iter().zip([207, 401, 401]) {
        let stream = connect(port).await.into_inner();
        let mut ask = server.page(Method::from_bytes(b"PROPFIND").unwrap(), "/");
        ask = ask.basic(credentials.0, credentials.1);
        let answer = ask.over(stream).await;
        assert_eq!(answer.status, expected, "{credentials:?}: {answer:?}");
    }
}

/// A Python that has Radicale, in a folder of its own.
fn radicale() -> Option<std::path::PathBuf> {
    let place = kept().join("radicale");
    let python = place.join("bin/python3");
    if python.exists() {
        return Some(python);
    }
    let scratch = TempDir::new_in(kept()).unwrap();
    let folder = scratch.path().join("venv");
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    let pip = folder.join("bin/python3");
    let mut install = Command::new(pip);
    install.args(["-m", "pip", "install", "--quiet", "--timeout", "20", "radicale>=3.3.1"]);
    let done = made.is_ok_and(|made| made.status.success())
        && install.output().is_ok_and(|installed| installed.status.success());
    if !done {
        skip("radicale", "it cannot be installed from PyPI");
        return None;
    }
    let _ = std::fs::rename(&folder, &place);
    Some(python)
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_protects_a_page() {
    let recipe = snippet("caddy", "Caddy", "user-backend.toml");
    let (server, sockets) = server("allow_plaintext = true", &recipe).await;
    let Some(sandbox) = Sandbox::with("caddy", &["caddy"], sockets.path()) else { return };
    let (port, application) = (free_port(), free_port());
    let site = snippet("caddy", "Caddy", "/etc/caddy/Caddyfile");
    let site = site.replace("127.0.0.1:8080", &server.address.to_string());
    let site = site.replace("127.0.0.1:3000", &format!("127.0.0.1:{application}"));
    let here = format!("http://localhost:{port} {{\n\tbind 127.0.0.1");
    let site = site.replacen("wiki.example.com {", &here, 1);
    let echo = "{http.request.header.Remote-User}|{http.request.header.Remote-Groups}|{http.request.header.Authorization}";
    let text = format!(
        "{{\n\tadmin off\n\tauto_https off\n}}\n{site}\nhttp://:{application} {{\n\tbind 127.0.0.1\n\trespond \"{echo}\"\n}}\n"
    );
    sandbox.write("/etc/caddy/Caddyfile", &text);
    let words = ["caddy", "run", "--config", "/etc/caddy/Caddyfile"];
    let _running = RunningProgram::start(
        &mut sandbox.command("export HOME=/run", &words),
        "serving initial configuration",
    );
    for (credentials, expected) in [RIGHT, WRONG, AWAY].into_iter().zip([200, 401, 503]) {
        let ask = server.page(Method::GET, "/page").basic(credentials.0, credentials.1);
        let ask = ask.header("Remote-User", "admin").header("Remote-Groups", "admin");
        let answer = ask.over(connect(port).await.into_inner()).await;
        assert_eq!(answer.status, expected, "{credentials:?}: {answer:?}");
        assert_eq!(answer.header("www-authenticate").is_empty(), expected != 401, "{answer:?}");
        if expected == 200 {
            assert_eq!(answer.body, "Frank|group1,group2|");
        }
    }
}

/// A mail server that says yes to all; the lines that it got.
async fn upstream(greeting: &'static str) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let (port, lines) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&lines);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = AsyncBufReader::new(stream);
            stream.write_all(greeting.as_bytes()).await.unwrap();
            let mut tag = String::new();
            loop {
                let mut line = String::new();
                if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
                    break;
                }
                let line = line.trim_end().to_owned();
                if line.ends_with('}') && line.contains(" LOGIN ") {
                    tag = line.split(' ').next().unwrap().to_owned();
                }
                let answer = match line.as_str() {
                    _ if greeting.starts_with("220") => "250 ok\r\n".to_owned(),
                    line if line.ends_with('}') => "+ go on\r\n".to_owned(),
                    _ => format!("{tag} OK signed in\r\n"),
                };
                seen.lock().unwrap().push(line);
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        }
    });
    (port, lines)
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_mail_sends_clients_to_their_server() {
    let (imap_server, imap_lines) = upstream("* OK ready\r\n").await;
    let (smtp_server, smtp_lines) = upstream("220 ready\r\n").await;
    let recipe = snippet("nginx-mail", "nginx as a mail proxy", "user-backend.toml");
    let recipe = recipe.replace("192.0.2.10:143", &format!("127.0.0.1:{imap_server}"));
    let recipe = recipe.replace("192.0.2.10:25", &format!("127.0.0.1:{smtp_server}"));
    let (server, sockets) = server("", &recipe).await;
    let Some(sandbox) = Sandbox::with("nginx with mail", &["nginx", "libnginx-mod-mail"], sockets.path())
    else {
        return;
    };
    let (imap, smtp) = (free_port(), free_port());
    let mail = snippet("nginx-mail", "nginx as a mail proxy", "/etc/nginx/nginx.conf");
    let mail = mail.replace("127.0.0.1:8080", &server.address.to_string());
    let mail = mail.replace("listen 143;", &format!("listen 127.0.0.1:{imap};"));
    let mail = mail.replace("listen 587;", &format!("listen 127.0.0.1:{smtp};"));
    let text = format!(
        "load_module /usr/lib/nginx/modules/ngx_mail_module.so;\ndaemon off;\nmaster_process off;\n\
         pid /run/nginx.pid;\nerror_log stderr notice;\nevents {{}}\n{mail}"
    );
    sandbox.write("/etc/nginx/nginx.conf", &text);
    let mut command = sandbox.command("mkdir -p /var/log/nginx /var/lib/nginx", &["nginx", "-e", "stderr"]);
    let _running = RunningProgram::start(&mut command, "nginx/");
    // A name that is typed in another way, and a password with what nginx escapes, so that both go
    // through its encoding.
    for ((name, password), expected) in [
        (("frank", PASSWORD), "a OK signed in"),
        (WRONG, "a NO [AUTHENTICATIONFAILED] Wrong name or password"),
        (AWAY, "a NO [UNAVAILABLE] Passwords cannot be checked now, try again later"),
    ] {
        let mut stream = connect(imap).await;
        assert!(reply(&mut stream).await.starts_with("* OK"));
        stream.write_all(format!("a LOGIN \"{name}\" \"{password}\"\r\n").as_bytes()).await.unwrap();
        assert_eq!(reply(&mut stream).await, expected, "{name}");
    }
    let lines = imap_lines.lock().unwrap().clone();
    assert_eq!(lines[1..], ["Frank {18}", PASSWORD], "{lines:?}");
    for (credentials, expected) in [RIGHT, WRONG, AWAY].into_iter().zip(["235 ", "535 5.7.8 ", "454 4.7.0 "])
    {
        let answer = smtp_sign_in(smtp, credentials).await;
        assert!(answer.starts_with(expected), "{credentials:?}: {answer}");
    }
    let lines = smtp_lines.lock().unwrap().clone();
    assert!(lines.iter().any(|line| line.starts_with("XCLIENT ADDR=127.0.0.1 LOGIN=Frank")), "{lines:?}");
    assert!(!lines.concat().contains(PASSWORD));
}

/// A program of a recipe, as a file below `/etc`.
fn script(sandbox: &Sandbox, recipe: &str, heading: &str) {
    let text = snippet(recipe, heading, "/usr/local/sbin/ask-user-backend");
    sandbox.write("/etc/ask-user-backend", &text);
}

#[tokio::test(flavor = "multi_thread")]
async fn dovecot_asks_with_its_checkpassword_interface() {
    if !Path::new("/usr/sbin/dovecot").exists() {
        return skip("dovecot", "it is not installed (Debian package dovecot-imapd)");
    }
    let (_server, sockets) = server("", &snippet("dovecot", "Dovecot", "user-backend.toml")).await;
    let Some(sandbox) = Sandbox::with("dovecot", &[], sockets.path()) else { return };
    script(&sandbox, "dovecot", "Dovecot");
    let port = free_port();
    let passdb = snippet("dovecot", "Dovecot", "/etc/dovecot/local.conf");
    let passdb = passdb.replace("/usr/local/sbin/ask-user-backend", "/etc/ask-user-backend");
    sandbox.write(
        "/etc/dovecot/test.conf",
        &format!(
            "protocols = imap\nlisten = 127.0.0.1\nssl = no\ndisable_plaintext_auth = no\nlog_path = /dev/stderr\n\
             base_dir = /run/dovecot\nmail_location = maildir:/run/mail/%u\nfirst_valid_uid = 1\n\
             userdb {{\n  driver = static\n  args = uid=64901 gid=64901 home=/run/mail/%u\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {port}\n  }}\n  inet_listener imaps {{\n    port = 0\n  }}\n}}\n\
             service anvil {{\n  unix_listener anvil-auth-penalty {{\n    mode = 0\n  }}\n}}\n{passdb}"
        ),
    );
    let prepare = "chmod 755 /etc/ask-user-backend; mkdir -m 777 /run/mail";
    let words = ["dovecot", "-F", "-c", "/etc/dovecot/test.conf"];
    let _running = RunningProgram::start(&mut sandbox.command(prepare, &words), "starting up");
    for ((name, password), expected) in
        [RIGHT, WRONG, AWAY].into_iter().zip(["a OK ", "a NO [AUTHENTICATIONFAILED] ", "a NO [UNAVAILABLE] "])
    {
        let mut stream = connect(port).await;
        assert!(reply(&mut stream).await.starts_with("* OK"));
        stream.write_all(format!("a LOGIN \"{name}\" \"{password}\"\r\n").as_bytes()).await.unwrap();
        let mut answer = reply(&mut stream).await;
        while answer.starts_with("* ") {
            answer = reply(&mut stream).await;
        }
        assert!(answer.starts_with(expected), "{name} {password}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn apache_asks_with_an_external_program() {
    if !Path::new("/usr/sbin/apache2").exists() {
        return skip("apache2", "it is not installed (Debian package apache2)");
    }
    let (server, sockets) = server("", &snippet("apache", "Apache", "user-backend.toml")).await;
    let packages = ["libapache2-mod-authnz-external"];
    let Some(sandbox) = Sandbox::with("apache2", &packages, sockets.path()) else { return };
    script(&sandbox, "apache", "Apache");
    let port = free_port();
    let site = snippet("apache", "Apache", "/etc/apache2/conf-enabled/user-backend.conf");
    let site = site.replace("/usr/local/sbin/ask-user-backend", "/etc/ask-user-backend");
    let modules: String = [
        "mpm_event",
        "authn_core",
        "authz_core",
        "authz_user",
        "auth_basic",
        "authnz_external",
        "headers",
        "dir",
        "alias",
    ]
    .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
    .concat();
    sandbox.write("/etc/apache2/page.txt", "the page");
    sandbox.write(
        "/etc/apache2/test.conf",
        &format!(
            "ServerRoot /etc/apache2\nServerName localhost\nListen 127.0.0.1:{port}\nPidFile /run/apache.pid\n\
             DefaultRuntimeDir /run\nErrorLog /dev/stderr\nLogLevel notice\nUser www-data\nGroup www-data\n{modules}\
             DocumentRoot /etc/apache2\n<Directory /etc/apache2>\nRequire all granted\n</Directory>\n\
             Header always set X-User \"expr=%{{REMOTE_USER}}\"\n{site}"
        ),
    );
    let prepare = "chmod 755 /etc/ask-user-backend; chmod 644 /etc/apache2/page.txt";
    let words = ["apache2", "-f", "/etc/apache2/test.conf", "-D", "FOREGROUND"];
    let _running = RunningProgram::start(&mut sandbox.command(prepare, &words), "resuming normal operations");
    for ((name, password), expected) in [RIGHT, WRONG, AWAY].into_iter().zip([200, 401, 401]) {
        let ask = server.page(Method::GET, "/page.txt").basic(name, password);
        let answer = ask.over(connect(port).await.into_inner()).await;
        assert_eq!(answer.status, expected, "{name} {password}: {answer:?}");
        if expected == 200 {
            assert_eq!((answer.body.as_str(), answer.header("x-user")), ("the page", "Frank"));
        }
    }
}
