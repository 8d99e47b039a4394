//! Servers of five classes for `cargo xtask demo`: web, mail, directory, SSH, XMPP.
//!
//! Prints the `user_backends` that ask them, then an empty line, and ends them at the end of its
//! standard input. The user `alice` is at all of them; her password is in the first line, which is a
//! comment. Needs root and the Debian packages of the servers.

#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    eprintln!("these servers run on Linux only");
    std::process::ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    use user_backend_tests::live_server::{Account, Sshd};
    use user_backend_tests::local_server::{LocalServer, USERS};

    let (name, password) = USERS[0];
    let needs = |server: Option<LocalServer>, package: &str| {
        server.ok_or_else(|| std::io::Error::other(format!("{package} cannot run here")))
    };
    let web = needs(LocalServer::apache(), "apache2")?;
    let mail = needs(LocalServer::postfix(), "postfix")?;
    let directory = needs(LocalServer::slapd(), "slapd")?;
    let chat = needs(LocalServer::prosody(), "prosody")?;
    let shell = Sshd::start(&[Account::new(name, password)], "UsePAM yes");
    let shell = shell.ok_or_else(|| std::io::Error::other("openssh-server cannot run here"))?;

    println!("# {password}");
    let entry = |id: &str, class: &str, server: &LocalServer, port: u16, fields: &str| {
        let ca = server.ca_file();
        print!(
            "[[user_backends]]\nid = \"{id}\"\nclass = \"{class}\"\nhost = \"127.0.0.1\"\nport = {port}\nca_file = {ca:?}\n{fields}"
        );
    };
    entry("web", "http", &web, web.tls_port, "path = \"/basic/\"\n");
    entry("submission", "smtp", &mail, mail.port, "");
    entry(
        "directory",
        "ldap",
        &directory,
        directory.port,
        "bind = \"uid={name},ou=people,dc=example,dc=com\"\n",
    );
    entry("chat", "xmpp", &chat, chat.port, "virtual_host = \"example.com\"\nserver_name = \"127.0.0.1\"\n");
    println!(
        "[[user_backends]]\nid = \"shell\"\nclass = \"ssh\"\nhost = \"127.0.0.1\"\nport = {}\nfingerprint = \"{}\"\n",
        shell.port(),
        shell.fingerprint()
    );
    std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)
}
