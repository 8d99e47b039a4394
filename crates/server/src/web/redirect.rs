//! Redirects after a sign-in, to the page that was requested, if it is on this server.
//!
//! An attacker could otherwise send users from this server to a copy of it (open redirect). Other
//! hosts are those of applications for which a proxy asks, if the settings name them.

use accounts::{HostName, LoginRedirect};

use crate::settings::ServerSettings;

/// The longest path that is taken, in bytes.
const LONGEST: usize = 2000;

/// A path on this host, or `None`.
///
/// Ambiguous ones are refused: `//`, a backslash, an `@`, invisible characters.
pub(super) fn next(wanted: &str) -> Option<&str> {
    let plain = wanted.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\@\"<>`".contains(&byte));
    (plain && wanted.len() <= LONGEST && wanted.starts_with('/') && !wanted.contains("//")).then_some(wanted)
}

/// The origin of an address to which the login page may redirect.
///
/// Its host is that of `public_url` or one of `allowed_hosts`, and its scheme is that of
/// `public_url`. `None` for every other address, and without `login_redirect`.
pub(crate) fn allowed_origin<'a>(settings: &ServerSettings, wanted: &'a str) -> Option<&'a str> {
    let forward = settings.frontends.forward_auth.as_ref()?;
    if forward.login_redirect == LoginRedirect::Never {
        return None;
    }
    let public_url = settings.public_url();
    let (scheme, _) = public_url.split_once("://")?;
    let rest = wanted.strip_prefix(scheme)?.strip_prefix("://")?;
    let (authority, path) = rest.split_at_checked(rest.find('/')?)?;
    let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic() && !b"\\\"<>`".contains(&byte));
    let (host, port) = authority.split_once(':').unwrap_or((authority, "0"));
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_ours = authority.eq_ignore_ascii_case(&settings.public_host())
        || is_port && HostName::parse(host).is_some_and(|host| forward.allowed_hosts.contains(&host));
    let fits = is_ours && is_plain && wanted.len() <= LONGEST;
    fits.then(|| wanted.get(..wanted.len() - path.len())).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// O18.
    #[test]
    fn only_paths_of_this_host_are_gone_to() {
        for good in ["/", "/settings", "/ocs/v2.php/cloud/user?format=json", "/a/b#c", "/%2f%2fevil.example"]
        {
            assert_eq!(next(good), Some(good));
        }
        for bad in [
            "",
            "settings",
            "https://evil.example",
            "//evil.example",
            "///evil.example",
            "/a//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/@evil.example",
            "/a@b",
            "/\t/evil.example",
            "/\r\nSet-Cookie: a=b",
            " /settings",
            "/settings ",
            "javascript:alert(1)",
            "/ä",
            "/\u{202e}",
            "?a",
            ".//evil.example",
        ] {
            assert_eq!(next(bad), None, "{bad:?}");
        }
        assert_eq!(next(&format!("/{}", "a".repeat(LONGEST))), None);
    }

    #[test]
    fn other_hosts_are_gone_to_only_if_they_are_allowed() {
        let mut settings = ServerSettings {
            public_url: Some("https://users.example.com:8443/cloud".to_owned()),
            ..ServerSettings::default()
        };
        let good = "https://wiki.example.com/a?b=//c@d";
        assert_eq!(allowed_origin(&settings, good), None, "off");
        let text =
            r#"{"forward_auth": {"login_redirect": "redirect", "allowed_hosts": ["wiki.example.com"]}}"#;
        settings.frontends = serde_json::from_str(text).unwrap();
        for (good, origin) in [
            (good, "https://wiki.example.com"),
            ("https://WIKI.example.com:444/", "https://WIKI.example.com:444"),
            ("https://users.example.com:8443/cloud/settings", "https://users.example.com:8443"),
        ] {
            assert_eq!(allowed_origin(&settings, good), Some(origin));
        }
        for bad in [
            "",
            "/settings",
            "//wiki.example.com/",
            "///wiki.example.com/",
            "http://wiki.example.com/",
            "HTTPS://wiki.example.com/",
            "https:wiki.example.com/",
            "https:/wiki.example.com/",
            "https://wiki.example.com",
            "https://wiki.example.com.evil.com/",
            "https://evilwiki.example.com/",
            "https://wiki.example.com@evil.com/",
            "https://evil.com@wiki.example.com/",
            "https://evil@wiki.example.com/",
            "https://wiki.example.com:80:80/",
            "https://wiki.example.com:/",
            "https://wiki.example.com:443@evil.com/",
            "https://wiki.example.com\\@evil.com/",
            "https://evil.com\\/wiki.example.com/",
            "https://evil.com#wiki.example.com/",
            "https://evil.com?wiki.example.com/",
            "https://wiki.example.com?/",
            "https://wiki.example.com./",
            "https://wiki.example.com%2eevil.com/",
            "https://wiki.example.com /",
            "https://wiki.example.com/\r\nSet-Cookie: a=b",
            "https://wiki.example.com/\t",
            "https://wiki.example.com/\\",
            "https://wiki.example.com/\u{e4}",
            "https://users.example.com/",
            "javascript://wiki.example.com/%0aalert(1)",
            " https://wiki.example.com/",
        ] {
            assert_eq!(allowed_origin(&settings, bad), None, "{bad:?}");
        }
        let long = format!("https://wiki.example.com/{}", "a".repeat(LONGEST));
        assert_eq!(allowed_origin(&settings, &long), None);
    }
}
