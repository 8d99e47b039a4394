//! Public files, compressed once for browsers that take gzip (RFC 9110, 8.4.1.3).
//!
//! # Security
//! Only what is the same for everyone: an answer with a secret and with text of a request would
//! reveal the secret by its length (BREACH).

use std::io::Write as _;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, VARY};
use axum::http::{HeaderMap, HeaderValue, Response};
use flate2::Compression;
use flate2::write::GzEncoder;

/// The bytes in gzip; `None` if that is not shorter.
pub(crate) fn compressed(bytes: &Bytes) -> Option<Bytes> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    // Writing into memory does not fail.
    encoder.write_all(bytes).ok()?;
    let packed = encoder.finish().ok()?;
    (packed.len() < bytes.len()).then(|| packed.into())
}

/// A response with these bytes, compressed if there is such a form and the client takes it.
pub(crate) fn response(headers: &HeaderMap, plain: Bytes, packed: Option<Bytes>) -> Response<Body> {
    let packed = packed.filter(|_| accepts_gzip(headers));
    let is_packed = packed.is_some();
    let mut response = Response::new(Body::from(packed.unwrap_or(plain)));
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept-Encoding"));
    if is_packed {
        response.headers_mut().insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether a client names gzip without refusing it (RFC 9110, 12.5.3).
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    codings.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight.trim().strip_prefix("q=").map_or(Ok(1.0), str::parse::<f32>);
        name.trim().eq_ignore_ascii_case("gzip") && weight.is_ok_and(|weight| weight > 0.0)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn compressed_bytes_are_shorter_and_the_same() {
        let plain = Bytes::from("Wonderland ".repeat(100));
        let packed = compressed(&plain).unwrap();
        let mut read = Vec::new();
        flate2::read::GzDecoder::new(&*packed).read_to_end(&mut read).unwrap();
        assert!(packed.len() < 100 && read == plain);
        assert_eq!(compressed(&Bytes::from_static(b"x")), None);
    }

    #[test]
    fn gzip_is_for_clients_that_take_it() {
        for (accepted, expected) in [
            ("gzip", true),
            ("br, GZip;q=0.5", true),
            ("gzip; q=0.001", true),
            ("gzip;q=0", false),
            ("gzip;q=0.000, br", false),
            ("gzip;q=x", false),
            ("xgzip, deflate", false),
            ("*", false),
            ("", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT_ENCODING, accepted.parse().unwrap());
            assert_eq!(accepts_gzip(&headers), expected, "{accepted}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
