//! Which hosts this server answers for.
//!
//! A page of another site can make a browser ask this server under that site's own name, once the
//! name leads to our address (DNS rebinding), and then read the answers. The browser still says in
//! `Host` which name it was.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::{HeaderMap, Uri};

use crate::settings::ServerSettings;

/// Whether the host of a request is one of this server's.
///
/// These are the host of `public_url`, the address of `listen` and the `trusted_hosts`. A listener
/// for this machine also answers to the names of this machine, one for all addresses to any
/// address.
pub fn is_ours(settings: &ServerSettings, uri: &Uri, headers: &HeaderMap) -> bool {
    is_ours_at(settings.listen.ip(), settings, uri, headers)
}

/// The same for a listener of its own at this address.
pub(crate) fn is_ours_at(listen: IpAddr, settings: &ServerSettings, uri: &Uri, headers: &HeaderMap) -> bool {
    // A request may name its host in its first line; then that counts (RFC 9112, 3.2.2).
    let host = match uri.host() {
        Some(host) => host,
        None => match headers.get(HOST).map(|host| host.to_str()) {
            Some(Ok(host)) => without_port(host),
            Some(Err(_)) => return false,
            // HTTP/1.0; a browser does not do this.
            None => return true,
        },
    };
    let host = host.trim_end_matches('.');
    let is = |ours: &str| without_port(ours).eq_ignore_ascii_case(host);
    if settings.trusted_hosts.iter().any(|ours| ours == "*" || is(ours))
        || (settings.public_url.is_some() && is(&settings.public_host()))
    {
        return true;
    }
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>().map(|address| address.to_canonical()) {
        Ok(address) => {
            listen.is_unspecified()
                || address == listen.to_canonical()
                || (listen.is_loopback() && address.is_loopback())
        }
        Err(_) => (listen.is_loopback() || listen.is_unspecified()) && bare.eq_ignore_ascii_case("localhost"),
    }
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !name.ends_with(':') => {
            // The colons of an IPv6 address without brackets are no port.
            if name.contains(':') && !name.ends_with(']') { host } else { name }
        }
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(listen: &str, host: &str) -> bool {
        let settings = ServerSettings {
            listen: listen.parse().unwrap(),
            public_url: Some("https://cloud.example.com:8443/path".to_owned()),
            trusted_hosts: vec!["intra.example".to_owned(), "users:8080".to_owned()],
            ..ServerSettings::default()
        };
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        is_ours(&settings, &"/metrics".parse().unwrap(), &headers)
    }

    #[test]
    fn names_of_ours_are_answered_and_no_others() {
        for listen in ["127.0.0.1:8080", "192.0.2.7:80", "0.0.0.0:80", "[::]:80", "[::1]:80"] {
            for host in [
                "cloud.example.com",
                "CLOUD.example.com:8443",
                "cloud.example.com.",
                "intra.example",
                "intra.example:99",
                "users",
            ] {
                assert!(ours(listen, host), "{listen} {host}");
            }
            for host in [
                "evil.example",
                "evil.example:8080",
                "",
                "localhost.evil.example",
                "xcloud.example.com",
                ":80",
            ] {
                assert!(!ours(listen, host), "{listen} {host}");
            }
        }
        for (listen, host, expected) in [
            ("127.0.0.1:8080", "localhost:8080", true),
            ("127.0.0.1:8080", "127.0.0.1:9", true),
            ("127.0.0.1:8080", "127.1.2.3", true),
            ("127.0.0.1:8080", "[::1]:8080", true),
            ("127.0.0.1:8080", "192.0.2.7", false),
            ("192.0.2.7:80", "192.0.2.7", true),
            ("192.0.2.7:80", "192.0.2.8", false),
            ("192.0.2.7:80", "localhost", false),
            ("0.0.0.0:80", "192.0.2.8:1234", true),
            ("[::]:80", "[2001:db8::1]:80", true),
            ("0.0.0.0:80", "localhost", true),
        ] {
            assert_eq!(ours(listen, host), expected, "{listen} {host}");
        }
    }

    #[test]
    fn host_of_the_first_line_counts() {
        let settings = ServerSettings::default();
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost".parse().unwrap());
        assert!(!is_ours(&settings, &"http://evil.example/metrics".parse().unwrap(), &headers));
        assert!(is_ours(&settings, &"http://127.0.0.1:8080/".parse().unwrap(), &headers));
        let all = ServerSettings { trusted_hosts: vec!["*".to_owned()], ..settings };
        assert!(is_ours(&all, &"http://evil.example/metrics".parse().unwrap(), &headers));
    }
}
