//! The header that a page of somebody else's cannot make a browser send.
//!
//! A browser that is signed in here sends its password along with any form of any page. It does not send a header of its
//! own choice across origins, so every call must carry one: `OCS-APIRequest: true`. This is what people stumble over first,
//! so the refusal says what to do.

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderMap, Response, StatusCode};

/// What to do about it.
const HINT: &str =
    "every call needs the header OCS-APIRequest: true, exactly so; with curl: -H 'OCS-APIRequest: true'";

/// Whether a request carries it. The value must be exactly `true`; the spelling with an underscore is one that the
/// original takes too. A bearer token does as well: no browser sends one by itself.
pub fn is_satisfied(headers: &HeaderMap) -> bool {
    let said = |name| headers.get(name).is_some_and(|value| value.as_bytes() == b"true");
    let bearer = |value: &[u8]| value.get(..7).is_some_and(|begin| begin.eq_ignore_ascii_case(b"bearer "));
    said("ocs-apirequest")
        || said("ocs_apirequest")
        || headers.get(AUTHORIZATION).is_some_and(|value| bearer(value.as_bytes()))
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
        ("text/html; charset=utf-8", page)
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
