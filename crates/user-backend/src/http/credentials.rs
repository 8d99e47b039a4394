//! How a name and a password are put into a request.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_auth::{DigestClient, PasswordParams};
use hyper::header::HeaderValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::reply::{Response, is_outage};
use super::settings::HttpSettings;
use crate::error::{BackendError, Phase};
use crate::refusal::Sent;

/// A header of HTTP Basic in UTF-8 (RFC 7617 section 2.1).
///
/// The name must have no colon.
pub(super) fn basic(sent: Sent<'_>) -> Result<HeaderValue, BackendError> {
    let plain = Zeroizing::new([sent.name, ":", sent.password].concat());
    let begins = "Basic ".len();
    let length = begins + plain.len().div_ceil(3) * 4;
    let mut header = wiped(length);
    header.extend_from_slice(b"Basic ");
    header.resize(length, 0);
    let written = header.get_mut(begins..).map(|rest| STANDARD.encode_slice(plain.as_bytes(), rest));
    match written {
        Some(Ok(length)) => header.truncate(begins + length),
        _ => return Err(unsendable()),
    }
    secret_header(header)
}

/// The best challenge of a response to a request without credentials.
///
/// # Errors
/// A [`BackendError`] when the server asks for no password, or not like this.
pub(super) fn digest_challenge(response: &Response, allows_md5: bool) -> Result<DigestClient, BackendError> {
    let status = response.status;
    let misconfigured = |text: &str| {
        Err(BackendError::misconfigured(
            Phase::Greeting,
            format!("{text} (status {status} without a password)"),
        ))
    };
    match status {
        401 => {}
        200..=299 => return Err(open_to_all(status)),
        300..=399 => return misconfigured("the server redirects; set the address that it redirects to"),
        _ if is_outage(status) => {
            let text = format!("the server cannot answer now (status {status} without a password)");
            return Err(BackendError::unavailable(Phase::Greeting, text));
        }
        _ => return misconfigured("the server does not ask for a password"),
    }
    let mut offered: Vec<DigestClient> =
        response.challenges().filter_map(|challenge| DigestClient::try_from(&challenge).ok()).collect();
    if offered.is_empty() {
        return misconfigured("the server offers no digest that is known here");
    }
    let is_md5 = |client: &DigestClient| client.algorithm() == http_auth::digest::Algorithm::Md5;
    // The server's order within the same quality (RFC 7616 section 3.7).
    offered.sort_by_key(is_md5);
    offered.retain(|client| allows_md5 || !is_md5(client) && !client.rfc2069_compat());
    match offered.into_iter().next() {
        Some(client) => Ok(client),
        None => misconfigured(
            "the server offers digest with MD5 only; auth = \"basic\" inside TLS is better, allow_md5 = true consents",
        ),
    }
}

/// An answer to a challenge.
pub(super) fn digest(
    client: &mut DigestClient,
    sent: Sent<'_>,
    method: &str,
    path: &str,
) -> Result<HeaderValue, BackendError> {
    let params =
        PasswordParams { username: sent.name, password: sent.password, uri: path, method, body: None };
    // What the library says about it may hold the name.
    let header = client.respond(&params).map_err(|_| {
        BackendError::protocol(Phase::Greeting, "the server's digest challenge cannot be answered")
    })?;
    secret_header(Zeroizing::new(header.into_bytes()))
}

/// The body of an HTML form.
pub(super) fn form(settings: &HttpSettings, sent: Sent<'_>) -> (&'static str, Bytes) {
    let fields = [(&settings.name_field, sent.name), (&settings.password_field, sent.password)];
    let room: usize = fields.iter().map(|(field, value)| 3 * (field.len() + value.len()) + 2).sum();
    let mut body = wiped(room);
    for (nth, (field, value)) in fields.into_iter().enumerate() {
        if nth > 0 {
            body.push(b'&');
        }
        for (text, end) in [(field.as_str(), Some(b'=')), (value, None)] {
            for piece in utf8_percent_encode(text, NON_ALPHANUMERIC) {
                body.extend_from_slice(piece.as_bytes());
            }
            body.extend(end);
        }
    }
    ("application/x-www-form-urlencoded", Bytes::from_owner(body))
}

/// A JSON object.
pub(super) fn json(settings: &HttpSettings, sent: Sent<'_>) -> Result<(&'static str, Bytes), BackendError> {
    let fields = BTreeMap::from([
        (settings.name_field.as_str(), sent.name),
        (settings.password_field.as_str(), sent.password),
    ]);
    // An escaped character takes at most six bytes.
    let mut body =
        wiped(6 * fields.iter().map(|(field, value)| field.len() + value.len() + 4).sum::<usize>());
    serde_json::to_writer(&mut *body, &fields).map_err(|_| unsendable())?;
    Ok(("application/json", Bytes::from_owner(body)))
}

/// The server says yes to a request without a password.
pub(super) fn open_to_all(status: u16) -> BackendError {
    let text = format!(
        "the server asks for no password at this path, so it proves nothing (status {status} without a password)"
    );
    BackendError::misconfigured(Phase::Greeting, text)
}

/// A buffer of fixed capacity, so that it leaves no copies, which is wiped when dropped.
fn wiped(room: usize) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(Vec::with_capacity(room))
}

fn secret_header(text: Zeroizing<Vec<u8>>) -> Result<HeaderValue, BackendError> {
    let mut header = HeaderValue::from_maybe_shared(Bytes::from_owner(text)).map_err(|_| unsendable())?;
    header.set_sensitive(true);
    Ok(header)
}

fn unsendable() -> BackendError {
    BackendError::misconfigured(Phase::Login, "the name or the password cannot be sent")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::BackendId;
    use crate::transport::{Endpoint, TlsMode};

    const ALICE: Sent<'static> = Sent { name: "älice", password: "a b&c=\"\\%+ü" };

    fn settings() -> HttpSettings {
        HttpSettings::new(BackendId::parse("web").unwrap(), Endpoint::new("localhost", 80, TlsMode::None))
            .with_fields("user name", "pass[word]")
    }

    fn offers(challenges: &[&str]) -> Response {
        Response { status: 401, challenges: challenges.iter().map(|text| (*text).to_owned()).collect() }
    }

    #[test]
    fn basic_header_is_utf8_and_sensitive() {
        // RFC 7617 section 2.1.
        let header = basic(Sent { name: "test", password: "123£" }).unwrap();
        assert_eq!(header.as_bytes(), b"Basic dGVzdDoxMjPCow==");
        assert!(header.is_sensitive());
        assert_eq!(format!("{header:?}"), "Sensitive");
    }

    #[test]
    fn bodies_hold_both_fields_and_nothing_else() {
        let (kind, body) = form(&settings(), ALICE);
        assert_eq!(kind, "application/x-www-form-urlencoded");
        assert_eq!(body, "user%20name=%C3%A4lice&pass%5Bword%5D=a%20b%26c%3D%22%5C%25%2B%C3%BC");
        let (kind, body) = json(&settings(), ALICE).unwrap();
        assert_eq!(kind, "application/json");
        let read: BTreeMap<String, String> = serde_json::from_slice(&body).unwrap();
        assert_eq!(read["user name"], ALICE.name);
        assert_eq!(read["pass[word]"], ALICE.password);
        assert_eq!(read.len(), 2);
    }

    /// RFC 7616 section 3.9.1.
    #[test]
    fn digest_with_sha256_is_the_one_of_the_rfc() {
        let md5 = r#"Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm=MD5, nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
        let sha = md5.replace("MD5", "SHA-256");
        let mut client = digest_challenge(&offers(&[md5, &sha]), true).unwrap();
        let params = PasswordParams {
            username: "Mufasa",
            password: "Circle of Life",
            uri: "/dir/index.html",
            method: "GET",
            body: None,
        };
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = client.respond_with_testing_cnonce(&params, cnonce).unwrap();
        assert!(
            answer.contains("753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
            "{answer}"
        );
    }

    #[test]
    fn digest_with_md5_needs_consent() {
        let md5 = r#"Digest realm="r", nonce="n", qop="auth""#;
        let refused = |response: &Response| digest_challenge(response, false).err().unwrap();
        let error = refused(&offers(&[md5]));
        assert!(error.detail().contains("allow_md5 = true") && !error.is_transient(), "{error}");
        assert!(digest_challenge(&offers(&[md5]), true).is_ok());
        // Without qop it is that of RFC 2069.
        refused(&offers(&[r#"Digest realm="r", nonce="n", algorithm=SHA-256"#]));
        // Basic beside it is not used instead.
        refused(&offers(&[r#"Basic realm="r""#]));
        refused(&offers(&["Digest realm", "", "\u{fffd}"]));
    }

    #[test]
    fn page_without_a_challenge_is_no_place_to_sign_in() {
        for (status, kind) in [
            (200, "misconfigured"),
            (207, "misconfigured"),
            (302, "misconfigured"),
            (403, "misconfigured"),
            (429, "unavailable"),
            (500, "unavailable"),
            (503, "unavailable"),
        ] {
            let error = digest_challenge(&Response { status, challenges: Vec::new() }, true).err().unwrap();
            assert_eq!(error.kind(), kind, "{status}");
            assert!(!error.counts_as_guess());
        }
    }
}
