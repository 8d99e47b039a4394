//! The settings in `[frontends]`: how other programs use this server for sign-ins.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Deserializer, de};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization as _;
use user_backend::config::{Config, InvalidConfig};
use zeroize::Zeroizing;

use crate::domain::GroupId;
use crate::domain::hidden_character::is_hidden;
use crate::socket_settings::{DovecotAuthSettings, SaslauthdSettings, SocketSettings};

/// The section `[frontends]`.
///
/// A frontend without its table is off.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct FrontendSettings {
    /// Forward-auth: a reverse proxy asks about every request.
    pub forward_auth: Option<ForwardAuthSettings>,
    /// The protocol of saslauthd, for Postfix, Cyrus and OpenLDAP.
    pub saslauthd: Option<SaslauthdSettings>,
    /// Dovecot's auth client protocol, for Postfix, Exim and Radicale.
    pub dovecot_auth: Option<DovecotAuthSettings>,
    /// `auth_http` of nginx's mail proxy.
    pub nginx_mail: Option<NginxMailSettings>,
    /// The socket for `occ backend:login --server`.
    pub occ: Option<SocketSettings>,
}

/// The section `[frontends.forward_auth]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ForwardAuthSettings {
    /// The name in scopes of service tokens, `frontend:NAME` (default `forward_auth`).
    #[serde(deserialize_with = "frontend_name")]
    pub name: String,
    /// What a browser without credentials gets (default `never`: an HTTP Basic challenge).
    pub login_redirect: LoginRedirect,
    /// Hosts to which the login page may redirect, beside that of `public_url`.
    ///
    /// Default: none.
    pub allowed_hosts: Vec<HostName>,
    /// The parent domain of all hosts that share the session cookie.
    ///
    /// Default: none, only the host of `public_url` gets the cookie.
    pub cookie_domain: Option<HostName>,
    /// Who may open what.
    ///
    /// The first rule that matches decides. Without rules every user may; with rules, what none of
    /// them matches is denied.
    #[serde(rename = "rule")]
    pub rules: Vec<ForwardAuthRule>,
}

impl Default for ForwardAuthSettings {
    fn default() -> Self {
        Self {
            name: "forward_auth".to_owned(),
            login_redirect: LoginRedirect::default(),
            allowed_hosts: Vec::new(),
            cookie_domain: None,
            rules: Vec::new(),
        }
    }
}

/// What a browser without credentials gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum LoginRedirect {
    /// Status 401 and a challenge.
    ///
    /// The default.
    #[default]
    Never,
    /// Status 303, to the login page and back.
    Redirect,
    /// Status 401 with the login page in `Location`.
    ///
    /// For nginx, whose `auth_request` does not support redirects.
    Location,
}

/// Which users may open a host or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ForwardAuthRule {
    /// The host that it is about; unset: every host.
    pub host: Option<HostName>,
    /// The path that it is about, with everything below it; unset: every path.
    pub path: Option<PathPrefix>,
    /// The groups whose members may; unset: every user.
    ///
    /// An empty list is no one.
    pub groups: Option<Vec<GroupId>>,
}

/// The section `[frontends.nginx_mail]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NginxMailSettings {
    /// The secret that nginx sends in the header `X-Auth-Key`.
    pub key: FrontendKey,
    /// Where IMAP clients are sent; unset: they are refused.
    pub imap: Option<SocketAddr>,
    /// Where POP3 clients are sent; unset: they are refused.
    pub pop3: Option<SocketAddr>,
    /// Where SMTP clients are sent; unset: they are refused.
    pub smtp: Option<SocketAddr>,
}

/// A secret with which a program shows that it may ask.
#[derive(Clone)]
pub struct FrontendKey(Zeroizing<String>);

impl FrontendKey {
    /// Fewer characters can be guessed.
    const SHORTEST: usize = 16;
    const LONGEST: usize = 256;

    /// Reads printable ASCII without spaces, as it stands in a header.
    pub fn parse(text: &str) -> Option<Self> {
        let fits = (Self::SHORTEST..=Self::LONGEST).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether a program knows the key, compared in constant time.
    pub fn matches(&self, offered: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(offered).into()
    }
}

impl PartialEq for FrontendKey {
    fn eq(&self, other: &Self) -> bool {
        self.matches(other.0.as_bytes())
    }
}

impl Eq for FrontendKey {}

impl fmt::Debug for FrontendKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FrontendKey(..)")
    }
}

impl<'de> Deserialize<'de> for FrontendKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).ok_or_else(|| {
            let characters = text.chars().count();
            let expected =
                "16 to 256 printable ASCII characters without spaces, such as openssl rand -hex 32 prints";
            de::Error::custom(format!("{characters} characters, expected {expected}"))
        })
    }
}

/// The name of a host in lower case, without a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName(String);

impl HostName {
    /// Reads letters, digits, hyphens and dots.
    pub fn parse(text: &str) -> Option<Self> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let fits = text.len() <= 253 && text.split('.').all(is_label);
        fits.then(|| Self(text.to_ascii_lowercase()))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host is this one or below it.
    pub fn covers(&self, host: &str) -> bool {
        let above = host.len().checked_sub(self.0.len()).and_then(|at| host.split_at_checked(at));
        let Some((below, own)) = above else { return false };
        own.eq_ignore_ascii_case(&self.0) && (below.is_empty() || below.ends_with('.'))
    }
}

impl<'de> Deserialize<'de> for HostName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            de::Error::custom(format!("{text:?}, expected a host name such as \"wiki.example.com\""))
        })
    }
}

/// A path prefix in whole segments: `/admin` covers `/admin/users`, not `/admins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathPrefix(RequestPath);

impl PathPrefix {
    /// Parses a path that begins with a slash.
    ///
    /// One that all programs read alike; see [`RequestPath::parse`].
    pub fn parse(text: &str) -> Option<Self> {
        RequestPath::parse(text).map(Self)
    }

    /// Whether a path is this one or below it; `None` if programs disagree.
    pub fn covers(&self, path: &RequestPath) -> Option<bool> {
        let [exact, folded] =
            [(&self.0.exact, &path.exact), (&self.0.folded, &path.folded)].map(|(prefix, path)| {
                let (prefix, path) = (without_slashes(prefix), path.strip_prefix('/').unwrap_or(path));
                path.strip_prefix(prefix)
                    .is_some_and(|rest| prefix.is_empty() || rest.is_empty() || rest.starts_with('/'))
            });
        (exact == folded).then_some(exact)
    }
}

/// A decoded path, with both readings where some programs drop or fold characters.
///
/// What a rule is about and what a request is about are read by this one function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestPath {
    exact: String,
    /// As a program reads it that drops what [`fold`] drops.
    folded: String,
}

impl RequestPath {
    /// Parses a decoded path that begins with a slash.
    ///
    /// `None` if programs disagree on where it leads: with empty and dot segments, with characters
    /// that may end a path or a segment, and with escapes.
    pub fn parse(path: &str) -> Option<Self> {
        let is_ambiguous = |c: char| c.is_control() || matches!(c, '%' | ';' | '\\' | '?' | '#');
        let folded = fold(path);
        let fits = !path.contains(is_ambiguous) && !folded.contains('\\');
        let both = [path, &folded].into_iter().all(has_plain_segments);
        (fits && both).then(|| Self { exact: path.to_owned(), folded })
    }

    /// The path as it was decoded.
    pub fn as_str(&self) -> &str {
        &self.exact
    }
}

/// Whether a path begins with a slash and has neither empty nor dot segments.
fn has_plain_segments(path: &str) -> bool {
    let is_plain = |segment: &str| !matches!(segment, "" | "." | "..");
    path.starts_with('/') && (path == "/" || without_slashes(path).split('/').all(is_plain))
}

/// Without the slash at the start, and the one at the end.
fn without_slashes(path: &str) -> &str {
    let inner = path.strip_prefix('/').unwrap_or(path);
    inner.strip_suffix('/').filter(|inner| !inner.is_empty()).unwrap_or(inner)
}

/// A path without what some programs and file systems do not tell apart.
///
/// Dots and spaces at the end of a segment (Windows), invisible characters (HFS+), and full-width
/// and other forms of a character (programs that normalise names).
fn fold(path: &str) -> String {
    let path: String = path.chars().filter(|c| !is_hidden(*c)).nfkc().collect();
    let segments = path.split('/').map(|segment| match segment {
        "." | ".." => segment,
        _ => segment.trim_end_matches(|c: char| c == '.' || c.is_whitespace()),
    });
    segments.collect::<Vec<_>>().join("/")
}

impl<'de> Deserialize<'de> for PathPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let expected = "a path such as \"/admin\", decoded and without . and ..";
            de::Error::custom(format!("{text:?}, expected {expected}"))
        })
    }
}

fn frontend_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if crate::domain::is_frontend_name(&text) {
        return Ok(text);
    }
    let expected = "1 to 64 letters, digits, dots, hyphens and underscores";
    Err(de::Error::custom(format!("{text:?}, expected {expected}")))
}

/// The section of the configuration.
pub(crate) const SECTION: &str = "frontends";

impl FrontendSettings {
    /// Makes relative paths of sockets start at a folder.
    pub(crate) fn relative_to(&mut self, folder: &Path) {
        let saslauthd = self.saslauthd.as_mut().map(|settings| &mut settings.path);
        let dovecot_auth = self.dovecot_auth.as_mut().map(|settings| &mut settings.path);
        let occ = self.occ.as_mut().map(|settings| &mut settings.path);
        for path in saslauthd.into_iter().chain(dovecot_auth).chain(occ) {
            *path = folder.join(&path);
        }
    }

    /// Reads the section.
    ///
    /// `public_url` is where the login page is; `None` if that could not be read.
    pub(crate) fn from_config(config: &Config, public_url: Option<&str>) -> Result<Self, InvalidConfig> {
        let settings: Self = config.section(SECTION)?.unwrap_or_default();
        let (Some(forward), Some(public_url)) = (&settings.forward_auth, public_url) else {
            return Ok(settings);
        };
        let wrong = |field, found: String, expected: &str| {
            config.section_error(SECTION, &["forward_auth", field], found, expected)
        };
        let (scheme, rest) = public_url.split_once("://").unwrap_or_default();
        let authority = rest.split('/').next().unwrap_or_default();
        let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
        if let Some(domain) = &forward.cookie_domain {
            // A browser takes no cookie for a top-level domain, and the session would be lost.
            if scheme != "https" || !domain.covers(host) || !domain.as_str().contains('.') {
                let expected = "a parent domain of the host of public_url, which begins with https";
                return Err(wrong("cookie_domain", domain.as_str().to_owned(), expected));
            }
        }
        let has_cookie = |wanted: &HostName| {
            wanted.as_str().eq_ignore_ascii_case(host)
                || forward.cookie_domain.as_ref().is_some_and(|domain| domain.covers(wanted.as_str()))
        };
        if let Some(lost) = forward.allowed_hosts.iter().find(|wanted| !has_cookie(wanted)) {
            let expected = "hosts below cookie_domain: no other host gets the session cookie";
            return Err(wrong("allowed_hosts", lost.as_str().to_owned(), expected));
        }
        Ok(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_has_enough_characters_and_is_never_shown() {
        let key = FrontendKey::parse("0123456789abcdef").unwrap();
        assert!(key.matches(b"0123456789abcdef"));
        for other in [&b"0123456789abcdeF"[..], b"0123456789abcde", b"0123456789abcdef0", b""] {
            assert!(!key.matches(other));
        }
        assert_eq!(format!("{key:?}"), "FrontendKey(..)");
        for bad in ["0123456789abcde", "0123456789 abcdef", "0123456789abcdef\n", "0123456789abcdeü", ""] {
            assert_eq!(FrontendKey::parse(bad), None);
        }
        assert_eq!(FrontendKey::parse(&"a".repeat(257)), None);
    }

    #[test]
    fn path_prefix_covers_whole_segments() {
        let covers = |prefix: &str, path: &str| {
            PathPrefix::parse(prefix).unwrap().covers(&RequestPath::parse(path).unwrap())
        };
        for (prefix, path, expected) in [
            ("/", "/", true),
            ("/", "/a/b", true),
            ("/admin", "/admin", true),
            ("/admin/", "/admin", true),
            ("/admin", "/admin/users", true),
            ("/admin", "/administration", false),
            ("/admin", "/Admin", false),
            ("/admin", "/", false),
            ("/a/b", "/a", false),
            ("/Acme Inc.", "/Acme Inc./x", true),
        ] {
            assert_eq!(covers(prefix, path), Some(expected), "{prefix} {path}");
        }
        for (prefix, path) in [("/admin", "/admin. ./x"), ("/admin.", "/admin"), ("/admin", "/ad\u{200b}min")]
        {
            assert_eq!(covers(prefix, path), None, "{prefix} {path}");
        }
        for bad in
            ["", "admin", "//", "/a//b", "/../a", "/a/.", "/%61", "/a;b", "/a\\b", "/a?b", "/a#b", "/a\n"]
        {
            assert_eq!(PathPrefix::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn domain_covers_itself_and_hosts_below_it() {
        let domain = HostName::parse("Example.com").unwrap();
        for (host, expected) in [
            ("example.com", true),
            ("wiki.EXAMPLE.com", true),
            ("a.b.example.com", true),
            ("evilexample.com", false),
            ("example.com.evil.com", false),
            ("com", false),
            ("", false),
        ] {
            assert_eq!(domain.covers(host), expected, "{host}");
        }
        for bad in ["", "a..b", ".a", "a.", "-a", "a:1", "a/b", "a@b", "*.a", "ä.example", "[::1]"] {
            assert_eq!(HostName::parse(bad), None, "{bad:?}");
        }
    }
}
