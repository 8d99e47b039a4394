//! The header that a page of somebody else's cannot make a browser send.
//!
//! A browser that is signed in here sends its password along with any form of any page. It does not send a header of its
//! own choice across origins, so every call must carry one: `OCS-APIRequest: true`. This is what people stumble over first,
//! so the refusal says what to do.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Response, StatusCode};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as URL_SAFE_NO_PAD;

/// What to do about it.
const HINT: &str = "every call needs the header OCS-APIRequest: true, exactly so; with curl: -H 'OCS-APIRequest: true'; \
     with the cookie of a page the header requesttoken too";

/// Whether a request carries it. The value must be exactly `true`; the spelling with an underscore is one that the
/// original takes too. A bearer token does as well: no browser sends one by itself.
pub fn is_satisfied(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).is_some_and(|value| value.as_bytes() == b"true");
    let bearer = |value: &[u8]| value.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case(b"bearer "));
    said("ocs-apirequest")
        || said("ocs_apirequest")
        || headers.get(AUTHORIZATION).is_some_and(|value| bearer(value.as_bytes()))
}

/// The request token of a session: a page that may read ours knows it, and nobody gets from it to the cookie.
pub fn request_token(cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(blake3::derive_key("user-backend server 2026 request token", cookie.as_bytes()))
}

/// Whether somebody who comes with this cookie knows its request token. Takes as long whatever they said.
pub fn knows_token(cookie: &str, said: &str) -> bool {
    // The hashes compare in constant time.
    blake3::hash(request_token(cookie).as_bytes()) == blake3::hash(said.as_bytes())
}

/// Whether a call with this cookie carries its request token.
pub fn is_satisfied_with_cookie(headers: &HeaderMap, cookie: &str) -> bool {
    let mut said = headers.get_all("requesttoken").iter();
    let one = said.next().and_then(|value| value.to_str().ok());
    one.is_some_and(|one| knows_token(cookie, one)) && said.next().is_none()
}

/// The refusal: JSON without an envelope, as clients know it, or a page for those who came with a browser.
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
    fn a_request_token_belongs_to_one_cookie() {
        let (one, other) = (request_token("one"), request_token("other"));
        assert!(knows_token("one", &one) && !knows_token("one", &other) && !knows_token("one", ""));
        let mut headers = HeaderMap::new();
        assert!(!is_satisfied_with_cookie(&headers, "one"));
        headers.append("requesttoken", one.parse().unwrap());
        assert!(is_satisfied_with_cookie(&headers, "one") && !is_satisfied_with_cookie(&headers, "other"));
        headers.append("requesttoken", one.parse().unwrap());
        assert!(!is_satisfied_with_cookie(&headers, "one"), "twice");
    }

    #[test]
    fn the_value_is_exactly_true() {
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
