//! The only cookie (RFC 6265): a session token.
//!
//! Visitors who have not signed in have one as well.
//!
//! Over an encrypted connection it is called `__Host-session`: browsers then ensure that no other
//! host and no plain page can have set it. Over plain HTTP, which only a machine talking to itself
//! or an operator's consent lets happen, it is `session`. With `cookie_domain`, all hosts below
//! that domain get it, and it is `__Secure-session`.

use std::time::Duration;

use accounts::HostName;
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};

use super::client_address::Origin;
use super::token_shape::is_token_shaped;
use crate::settings::ServerSettings;

/// How the cookie is sent to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cookie {
    /// Over encrypted connections alone.
    Secure,
    /// Also in the clear.
    Plain,
    /// Over encrypted connections, for all hosts below a domain.
    Shared(HostName),
}

impl Cookie {
    /// The cookie for a request: secure whenever people reach the server over HTTPS.
    pub fn of(settings: &ServerSettings, origin: &Origin) -> Self {
        let forward = settings.frontends.forward_auth.as_ref();
        if let Some(domain) = forward.and_then(|forward| forward.cookie_domain.clone()) {
            return Self::Shared(domain);
        }
        let secure = origin.encrypted || settings.public_url().starts_with("https:");
        if secure { Self::Secure } else { Self::Plain }
    }

    /// The token in it.
    ///
    /// A malformed cookie, or two of them, counts as no cookie.
    pub fn read<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
        let mut found = lines
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == self.name());
        let (_, token) = found.next()?;
        (found.next().is_none() && is_token_shaped(token)).then_some(token)
    }

    /// The `Set-Cookie` header for a token.
    ///
    /// It is valid for `life`, or until the browser is closed.
    pub fn set(&self, token: &str, life: Option<Duration>) -> Option<HeaderValue> {
        let age = life.map(|life| format!("; Max-Age={}", life.as_secs()));
        self.header(token, age.as_deref().unwrap_or_default())
    }

    /// The header that takes it back.
    pub fn clear(&self) -> Option<HeaderValue> {
        self.header("", "; Max-Age=0")
    }

    fn header(&self, token: &str, more: &str) -> Option<HeaderValue> {
        let kind = match self {
            Self::Secure => "; Secure".to_owned(),
            Self::Plain => String::new(),
            Self::Shared(domain) => format!("; Secure; Domain={}", domain.as_str()),
        };
        let text = format!("{}={token}; Path=/; HttpOnly; SameSite=Lax{kind}{more}", self.name());
        let mut header = HeaderValue::from_str(&text).ok()?;
        header.set_sensitive(true);
        Some(header)
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Secure => "__Host-session",
            Self::Plain => "session",
            Self::Shared(_) => "__Secure-session",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cookie: Cookie, lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(COOKIE, line.parse().unwrap());
        }
        cookie.read(&headers).map(str::to_owned)
    }

    #[test]
    fn one_token_of_the_right_name_and_shape_is_read() {
        let (one, other) = ("a".repeat(43), "b".repeat(43));
        for (cookie, lines, expected) in [
            (Cookie::Plain, vec![format!("x=1; session={one}; y=2")], Some(&one)),
            (Cookie::Plain, vec!["x=1".to_owned(), format!("session={one}")], Some(&one)),
            (Cookie::Secure, vec![format!("session={one}; __Host-session={other}")], Some(&other)),
            (Cookie::Secure, vec![format!("session={one}")], None),
            (Cookie::Plain, vec![format!("session={one}; session={other}")], None),
            (Cookie::Plain, vec!["session=short".to_owned()], None),
            (Cookie::Plain, vec![format!("session={}!", "a".repeat(42))], None),
            (Cookie::Plain, vec![], None),
        ] {
            let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            assert_eq!(read(cookie, &lines).as_ref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn no_script_and_no_other_site_gets_it() {
        let set = |cookie: Cookie| cookie.set("t", None).unwrap().to_str().unwrap().to_owned();
        assert_eq!(set(Cookie::Secure), "__Host-session=t; Path=/; HttpOnly; SameSite=Lax; Secure");
        assert_eq!(set(Cookie::Plain), "session=t; Path=/; HttpOnly; SameSite=Lax");
        let shared = Cookie::Shared(HostName::parse("example.com").unwrap());
        let expected = "__Secure-session=t; Path=/; HttpOnly; SameSite=Lax; Secure; Domain=example.com";
        assert_eq!(set(shared), expected);
        let lasting = Cookie::Plain.set("t", Some(Duration::from_secs(86_400))).unwrap();
        assert_eq!(lasting.to_str().unwrap(), "session=t; Path=/; HttpOnly; SameSite=Lax; Max-Age=86400");
        let clear = Cookie::Plain.clear().unwrap();
        assert_eq!(clear.to_str().unwrap(), "session=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
        assert!(clear.is_sensitive());
    }
}
