//! What programs and proxies send to the frontends.

use axum::http::header::HOST;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use percent_encoding::percent_decode;
use user_backend_server::frontends::readers;

/// A request of saslauthd's protocol.
pub fn saslauthd(input: &[u8]) {
    /// A second reader: how long each string is, up to one that is cut off.
    fn strings(mut rest: &[u8]) -> (Vec<&[u8]>, bool) {
        let mut strings = Vec::new();
        while let [high, low, after @ ..] = rest {
            let length = usize::from(*high) * 256 + usize::from(*low);
            let Some((string, after)) = after.split_at_checked(length) else { return (strings, false) };
            strings.push(string);
            rest = after;
        }
        (strings, rest.is_empty())
    }
    let (found, is_whole) = strings(input);
    let longest = found.iter().map(|string| string.len()).max().unwrap_or_default();
    match readers::saslauthd(input) {
        Ok(Some((read, name))) => {
            assert!(is_whole && matches!(read.len(), 4 | 5) && longest <= 1024);
            assert_eq!(read, found);
            if let Some(name) = name {
                assert!(!name.is_empty() && !name.contains('\0'), "{name:?}");
                assert!(name.starts_with(std::str::from_utf8(read[0]).expect("text")));
            }
        }
        // A part is missing: no four strings yet, or a fifth one that is cut off.
        Ok(None) => assert!(found.len() < 4 || (found.len() == 4 && !is_whole)),
        Err(()) => {
            let announced = input.len() > 1 && (longest > 1024 || !is_whole);
            assert!(announced || found.len() > 5 || longest > 1024, "{} strings", found.len());
        }
    }
}

/// A connection of Dovecot's auth protocol, line by line.
pub fn dovecot_auth(input: &[u8]) {
    for line in input.split(|byte| *byte == b'\n') {
        let Ok(Some(request)) = readers::dovecot_auth(line) else { continue };
        let text = std::str::from_utf8(line).expect("a line in UTF-8");
        let mut fields = text.split('\t');
        assert_eq!(fields.next(), Some("AUTH"));
        let id: u32 = fields.next().and_then(|id| id.parse().ok()).expect("a number");
        assert!(id == request.id && id > 0);
        assert!(request.service.len() <= 1024 && text.contains("\tservice"));
        assert!(!request.has_source || text.contains("\trip"));
        if let Some((name, password)) = &request.credentials {
            assert!(!name.is_empty() && !name.contains('\0'));
            assert!(!password.is_empty() && !password.contains('\0'));
            // The response ends the line, so nothing after it could be read as another field.
            assert!(fields.next_back().is_some_and(|last| last.starts_with("resp=")));
            let escaped = readers::dovecot_escaped(name);
            assert!(!escaped.contains(['\t', '\n', '\r', '\0']), "{escaped:?}");
        }
    }
}

/// The lines of a request: name and value of each header.
///
/// The first line is the path.
fn lines(input: &[u8]) -> (&[u8], HeaderMap) {
    let mut lines = input.split(|byte| *byte == b'\n');
    let path = lines.next().unwrap_or_default();
    let mut headers = HeaderMap::new();
    for line in lines {
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = line.split_at(colon);
        let value = value.strip_prefix(b":").unwrap_or_default().trim_ascii();
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    (path, headers)
}

/// What a reverse proxy says about a request: path, and then its headers.
pub fn forward_auth(input: &[u8]) {
    let (path, headers) = lines(input);
    let Ok(mut request) = Request::builder().uri(path).body(()) else { return };
    *request.headers_mut() = headers.clone();
    let (parts, ()) = request.into_parts();
    let Some((host, path)) = readers::forward_auth(&parts) else { return };
    if let Some(path) = &path {
        // No program reads it in another way: no segment is empty or moves up, and nothing is
        // encoded any more.
        assert!(path.starts_with('/'), "{path:?}");
        assert!(!path.contains(['%', ';', '\\', '?', '#']) && !path.contains(char::is_control), "{path:?}");
        let inner = path.trim_matches('/');
        assert!(
            inner.is_empty() || !inner.split('/').any(|part| matches!(part, "" | "." | "..")),
            "{path:?}"
        );
    }
    let all = |name: &str| headers.get_all(name).iter().filter(|value| !value.is_empty()).count();
    let is_appended = parts.uri.path().strip_prefix("/auth/forward").is_some_and(|rest| !rest.is_empty());
    if is_appended {
        assert!(headers.get_all(HOST).iter().count() <= 1);
    } else {
        for name in ["x-forwarded-host", "x-forwarded-uri", "x-original-url"] {
            assert!(all(name) <= 1, "{name} is there twice");
        }
        let targets = all("x-forwarded-host") + all("x-original-url");
        assert!(host.is_none() || targets > 0, "a host that no one named");
    }
}

/// What nginx's mail proxy asks: an empty line, and then its headers.
pub fn nginx_mail(input: &[u8]) {
    let (_, headers) = lines(input);
    let Some(request) = readers::nginx_mail(&headers) else { return };
    let value = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().expect("a header").as_bytes();
        assert!(values.next().is_none(), "{name} is there twice");
        value
    };
    let names = ["auth-method", "auth-user", "auth-pass", "auth-protocol", "auth-login-attempt", "client-ip"];
    let [method, user, password, ..] = names.map(value);
    assert_eq!(request.is_password, method == b"plain");
    let shown = format!("{request:?}");
    if let Some((name, secret)) = &request.credentials {
        assert_eq!(percent_decode(user).collect::<Vec<u8>>(), name.as_bytes());
        assert_eq!(percent_decode(password).collect::<Vec<u8>>(), secret.as_bytes());
        assert!(!name.is_empty() && !name.contains('\0') && !secret.contains('\0'));
        // A password may be a part of the address.
        let is_address = request.source.is_some_and(|source| source.to_string().contains(secret.as_str()));
        assert!(secret.len() < 8 || is_address || !shown.contains(secret.as_str()), "{shown}");
    }
}
