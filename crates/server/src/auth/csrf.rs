//! CSRF protection: a header that a page of another site cannot make a browser send.
//!
//! A browser that is signed in here sends its password along with any form of any page. It does not
//! send a header of its own choice across origins, so every call must carry one: `OCS-APIRequest:
//! true`. This is what people stumble over first, so the refusal says what to do.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// What to do about it.
const HINT: &str = "every call needs the header OCS-APIRequest: true, exactly so; with curl: -H 'OCS-APIRequest: true'; \
     with the cookie of a page the header requesttoken too";

/// Whether a request carries it.
///
/// The value must be exactly `true`; the spelling with an underscore is one that the original takes
/// too. A bearer token does as well: no browser sends one by itself.
pub fn is_satisfied(headers: &HeaderMap) -> bool {
    let is_true = |name| headers.get(name).is_some_and(|value| value.as_bytes() == b"true");
    let bearer = |value: &[u8]| value.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case(b"bearer "));
    is_true("ocs-apirequest")
        || is_true("ocs_apirequest")
        || headers.get(AUTHORIZATION).is_some_and(|value| bearer(value.as_bytes()))
}

/// Makes the request tokens of cookies.
///
/// A page that may read ours knows the token of its cookie; from the cookie alone, or without the
/// key, there is no way to it.
///
/// The key is kept in the store, so the servers of one store agree, also after a restart.
#[derive(Clone)]
pub struct Key(Zeroizing<[u8; 32]>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// Makes tokens with this secret.
    pub fn new(secret: Zeroizing<[u8; 32]>) -> Self {
        Self(secret)
    }

    /// The request token of a cookie.
    pub fn token(&self, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(blake3::keyed_hash(&self.0, cookie.as_bytes()).as_bytes())
    }

    /// Whether a text is the request token of this cookie.
    ///
    /// Takes as long whatever the text is.
    pub fn knows(&self, cookie: &str, token: &str) -> bool {
        // The hashes compare in constant time.
        blake3::hash(self.token(cookie).as_bytes()) == blake3::hash(token.as_bytes())
    }

    /// Whether a call with this cookie carries its request token.
    pub fn is_satisfied(&self, headers: &HeaderMap, cookie: &str) -> bool {
        let mut values = headers.get_all("requesttoken").iter();
        let one = values.next().and_then(|value| value.to_str().ok());
        one.is_some_and(|one| self.knows(cookie, one)) && values.next().is_none()
    }
}

/// The response to a refused request: JSON without an envelope, or a page for browsers.
///
/// The JSON is what clients of the PHP system expect.
pub fn refusal(headers: &HeaderMap) -> Response<Body> {
    let wants_page = headers
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .and_then(|accept| accept.split([',', ';']).next())
        .is_some_and(|first| first.trim().eq_ignore_ascii_case("text/html"));
    let (content_type, body) = if wants_page {
        let page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>Access forbidden</title></head>\n\
             <body>\n<h1>Access forbidden</h1>\n<p>CSRF check failed</p>\n<p>This address is for programs: {HINT}</p>\n</body>\n</html>\n"
        );
        ("text/html; charset=UTF-8", page)
    } else {
        (
            "application/json; charset=utf-8",
            format!("{{\"message\":\"CSRF check failed\",\"hint\":\"{HINT}\"}}"),
        )
    };
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::PRECONDITION_FAILED;
    response.headers_mut().insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_token_belongs_to_one_cookie() {
        let key = Key::new(Zeroizing::new([7; 32]));
        let (one, other) = (key.token("one"), key.token("other"));
        assert!(key.knows("one", &one) && !key.knows("one", &other) && !key.knows("one", ""));
        let mut headers = HeaderMap::new();
        assert!(!key.is_satisfied(&headers, "one"));
        headers.append("requesttoken", one.parse().unwrap());
        assert!(key.is_satisfied(&headers, "one") && !key.is_satisfied(&headers, "other"));
        headers.append("requesttoken", one.parse().unwrap());
        assert!(!key.is_satisfied(&headers, "one"), "twice");
    }

    #[test]
    fn request_token_needs_the_secret() {
        let (ours, theirs) = (Key::new(Zeroizing::new([7; 32])), Key::new(Zeroizing::new([8; 32])));
        assert!(!ours.knows("one", &theirs.token("one")));
        let unkeyed = blake3::derive_key("user-backend server 2026 request token", b"one");
        assert!(!ours.knows("one", &URL_SAFE_NO_PAD.encode(unkeyed)));
        assert_eq!(format!("{ours:?}"), "Key(..)");
    }

    #[test]
    fn value_is_exactly_true() {
        for (name, value, expected) in [
            ("OCS-APIRequest", "true", true),
            ("ocs-apirequest", "true", true),
            ("OCS_APIREQUEST", "true", true),
            ("OCS-APIRequest", "1", false),
            ("OCS-APIRequest", "TRUE", false),
            ("OCS-APIRequest", "false", false),
            ("OCS-APIRequest", "true, true", false),
            ("X-OCS-APIRequest", "true", false),
            ("Authorization", "Bearer abc", true),
            ("Authorization", "Basic YTpi", false),
        ] {
            let mut headers = HeaderMap::new();
            headers
                .insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
            assert_eq!(is_satisfied(&headers), expected, "{name}: {value}");
        }
    }
}
