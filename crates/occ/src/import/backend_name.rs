//! What an installation calls a backend: the first argument of its class.
//!
//! The PHP app stores it with each user.
//!
//! | class | stored |
//! |---|---|
//! | IMAP | the host; formerly the whole mailbox string, `{host:port/imap/ssl}` |
//! | FTP | `ftp://host` or `ftps://host`, with `:port` if the argument had one |
//! | SMB, SSH | the host |
//! | XMPP | the host of Prosody's database, which need not be that of Prosody |
//! | WebDavAuth, BasicAuth | the whole address, `https://host:port/path` |

use std::net::{IpAddr, Ipv6Addr};

use user_backend::config::Entry;
use user_backend::transport::TlsMode;

/// A backend's name in the source, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BackendName {
    protocol: Protocol,
    host: String,
    port: Option<u16>,
    tls: Option<TlsMode>,
    /// The path of a web address.
    path: Option<String>,
}

/// The class, as the form of the name shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Imap,
    Ftp,
    Http,
    /// A host alone: any class but FTP and HTTP.
    Unset,
}

impl BackendName {
    /// `None` for what none of our classes stores.
    pub(super) fn parse(stored: &str) -> Option<Self> {
        if let Some(mailbox) = stored.trim_start().strip_prefix('{') {
            return Self::of_mailbox(mailbox);
        }
        for (scheme, tls) in [("ftp://", TlsMode::None), ("ftps://", TlsMode::Explicit)] {
            if let Some(rest) = strip_prefix_in_any_case(stored, scheme) {
                let (host, port) = host_and_port(rest.trim_end_matches('/'))?;
                let port = Some(port.unwrap_or(21));
                return Some(Self { protocol: Protocol::Ftp, host, port, tls: Some(tls), path: None });
            }
        }
        for (scheme, tls, usual) in [("http://", TlsMode::None, 80), ("https://", TlsMode::Implicit, 443)] {
            if let Some(rest) = strip_prefix_in_any_case(stored, scheme) {
                let (server, target) = rest.find(['/', '?']).map_or((rest, ""), |at| rest.split_at(at));
                let (host, port) = host_and_port(server)?;
                let path = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
                let port = Some(port.unwrap_or(usual));
                return Some(Self { protocol: Protocol::Http, host, port, tls: Some(tls), path: Some(path) });
            }
        }
        if stored.contains("://") {
            return None;
        }
        let (host, port) = host_and_port(stored.trim_matches('/'))?;
        Some(Self { protocol: Protocol::Unset, host, port, tls: None, path: None })
    }

    /// What stands after the opening brace of a mailbox string.
    fn of_mailbox(mailbox: &str) -> Option<Self> {
        let (inner, _) = mailbox.split_once('}')?;
        let end = match inner.strip_prefix('[') {
            Some(_) => inner.find(']')? + 1,
            None => inner.find([':', '/']).unwrap_or(inner.len()),
        };
        let (host, rest) = inner.split_at_checked(end)?;
        let (host, _) = host_and_port(host)?;
        // The port may stand between the flags.
        let port =
            rest.split('/').find_map(|part| part.split_once(':')).and_then(|(_, port)| port.parse().ok());
        let has = |flag: &str| rest.split([':', '/']).any(|part| part.eq_ignore_ascii_case(flag));
        let tls = match () {
            () if has("ssl") => Some(TlsMode::Implicit),
            () if has("tls") => Some(TlsMode::Explicit),
            () if has("notls") => Some(TlsMode::None),
            () => None,
        };
        let usual = if has("ssl") { 993 } else { 143 };
        Some(Self { protocol: Protocol::Imap, host, port: Some(port.unwrap_or(usual)), tls, path: None })
    }

    /// The entries that can be this backend: those of its class and host.
    ///
    /// If one of them is of a class that the app has, only those, and the same for the port, the
    /// encryption and the path.
    pub(super) fn entries<'e>(&self, entries: &'e [Entry]) -> Vec<&'e Entry> {
        let is_of_host = |entry: &&Entry| {
            let is_of_class = match self.protocol {
                Protocol::Imap => entry.class() == "imap",
                Protocol::Ftp => entry.class() == "ftp",
                Protocol::Http => entry.class() == "http",
                Protocol::Unset => !["ftp", "http"].contains(&entry.class()),
            };
            is_of_class && entry.endpoint().is_some_and(|endpoint| canonical(endpoint.host()) == self.host)
        };
        let mut fits: Vec<&Entry> = entries.iter().filter(is_of_host).collect();
        let app_class = |entry: &&Entry| ["imap", "smb", "ssh", "xmpp"].contains(&entry.class());
        let port =
            |entry: &&Entry| entry.endpoint().map(user_backend::transport::Endpoint::port) == self.port;
        let tls = |entry: &&Entry| entry.tls() == self.tls;
        let path = |entry: &&Entry| entry.text("path").or(Some("/")) == self.path.as_deref();
        for matches in [&app_class as &dyn Fn(&&Entry) -> bool, &port, &tls, &path] {
            if fits.iter().any(matches) {
                fits.retain(matches);
            }
        }
        fits
    }
}

fn strip_prefix_in_any_case<'t>(text: &'t str, prefix: &str) -> Option<&'t str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A host in lower case, an IPv6 address without brackets, and a port if there is one.
fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    if text.parse::<IpAddr>().is_ok() {
        return Some((canonical(text), None));
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().ok()?)),
        _ => (text, None),
    };
    let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = match bare {
        Some(address) => address.parse::<Ipv6Addr>().ok()?.to_string(),
        None => canonical(host),
    };
    (!host.is_empty()).then_some((host, port))
}

fn canonical(host: &str) -> String {
    host.parse::<IpAddr>().map_or_else(|_| host.to_ascii_lowercase(), |address| address.to_string())
}

#[cfg(test)]
mod tests {
    use user_backend::config::{Config, Format};

    use super::*;

    #[test]
    fn every_stored_form_is_read() {
        let name = |protocol, host: &str, port, tls| {
            Some(BackendName { protocol, host: host.to_owned(), port, tls, path: None })
        };
        let web = |host, port, tls, path: &str| {
            name(Protocol::Http, host, Some(port), tls)
                .map(|name| BackendName { path: Some(path.to_owned()), ..name })
        };
        use Protocol::{Ftp, Imap, Unset};
        let (none, explicit, implicit) =
            (Some(TlsMode::None), Some(TlsMode::Explicit), Some(TlsMode::Implicit));
        for (stored, read) in [
            ("mail.example.com", name(Unset, "mail.example.com", None, None)),
            ("Mail.Example.COM", name(Unset, "mail.example.com", None, None)),
            ("[::1]", name(Unset, "::1", None, None)),
            ("::1", name(Unset, "::1", None, None)),
            ("files:445", name(Unset, "files", Some(445), None)),
            ("//files/", name(Unset, "files", None, None)),
            ("ftp://files.example.com", name(Ftp, "files.example.com", Some(21), none)),
            ("ftps://files.example.com:2121", name(Ftp, "files.example.com", Some(2121), explicit)),
            ("ftp://[2001:DB8::1]:21/", name(Ftp, "2001:db8::1", Some(21), none)),
            ("FTP://files", name(Ftp, "files", Some(21), none)),
            ("{mail.example.com}", name(Imap, "mail.example.com", Some(143), None)),
            ("{mail.example.com:993/imap/ssl}INBOX", name(Imap, "mail.example.com", Some(993), implicit)),
            ("{mail/imap/SSL/novalidate-cert}", name(Imap, "mail", Some(993), implicit)),
            ("{mail/imap/tls:1143}", name(Imap, "mail", Some(1143), explicit)),
            ("{[::1]:143/notls}", name(Imap, "::1", Some(143), none)),
            (
                "https://cloud.example.com/remote.php/dav",
                web("cloud.example.com", 443, implicit, "/remote.php/dav"),
            ),
            ("HTTP://Cloud.Example.com:8080", web("cloud.example.com", 8080, none, "/")),
            ("https://[::1]?a=b", web("::1", 443, implicit, "/?a=b")),
            ("https://", None),
            ("xmpp://cloud.example.com", None),
            ("{mail", None),
            ("", None),
            ("ftp://", None),
            ("files:no port", None),
        ] {
            assert_eq!(BackendName::parse(stored), read, "{stored}");
        }
    }

    #[test]
    fn entries_differ_by_class_port_and_encryption() {
        let text = r#"
user_backends = [
  { id = "mail", class = "imap", host = "one.example", tls = "implicit" },
  { id = "mail-143", class = "imap", host = "one.example" },
  { id = "files", class = "ftp", host = "one.example" },
  { id = "files-clear", class = "ftp", host = "one.example", tls = "none", allow_plaintext = true },
  { id = "files-2121", class = "ftp", host = "one.example", port = 2121 },
  { id = "six", class = "ftp", host = "[2001:db8::1]" },
  { id = "web", class = "http", host = "one.example" },
  { id = "dav", class = "http", host = "one.example", path = "/dav/" },
  { id = "web-8443", class = "http", host = "one.example", port = 8443 },
  { id = "submission", class = "smtp", host = "one.example" },
  { id = "directory", class = "ldap", host = "one.example", base = "dc=example", name_attribute = "uid" },
  { id = "chat", class = "xmpp", host = "db.example", domain = "chat.example" },
  { id = "chat-ldap", class = "ldap", host = "db.example", base = "dc=example", name_attribute = "uid" },
  { id = "shell", class = "ssh", host = "shell.example", fingerprint = "SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM" },
  { id = "shell-2222", class = "ssh", host = "shell.example", port = 2222, fingerprint = "SHA256:Nh0Me49Zh9fDw/VYUfq43IJmI1T+XrjiYONPND8GzaM" },
  { id = "shares", class = "smb", host = "smb.example" },
  { id = "only-smtp", class = "smtp", host = "smtp.example" },
]"#;
        let config = Config::parse(text, Format::Toml, "test.toml").unwrap();
        for (stored, ids) in [
            ("one.example", &["mail", "mail-143"][..]),
            ("{one.example/imap/ssl}", &["mail"]),
            ("{one.example:993/imap}", &["mail"]),
            ("{one.example/tls}", &["mail-143"]),
            ("{one.example:1993/ssl}", &["mail"]),
            ("{one.example:1993}", &["mail", "mail-143"]),
            ("ftp://one.example", &["files-clear"]),
            ("ftps://one.example", &["files"]),
            ("ftps://one.example:2121", &["files-2121"]),
            ("ftp://one.example:2121", &["files-2121"]),
            ("ftps://[2001:DB8:0::1]", &["six"]),
            ("ftp://ftp", &[]),
            ("https://one.example", &["web"]),
            ("https://one.example/dav/", &["dav"]),
            ("https://one.example/moved/", &["web", "dav"]),
            ("https://one.example:8443/dav/", &["web-8443"]),
            ("https://two.example/", &[]),
            ("db.example", &["chat"]),
            ("shell.example", &["shell", "shell-2222"]),
            ("shell.example:2222", &["shell-2222"]),
            ("//smb.example", &["shares"]),
            // What the app never had, where nothing else is there.
            ("smtp.example", &["only-smtp"]),
        ] {
            let found = BackendName::parse(stored).unwrap().entries(config.entries());
            let found: Vec<&str> = found.iter().map(|entry| entry.id().as_str()).collect();
            assert_eq!(found, ids, "{stored}");
        }
    }
}
