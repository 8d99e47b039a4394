//! Forms, read strictly: each field once, a text and nothing else.
//!
//! Programs disagree about which of two fields of one name counts, and what `user[]` means. A reset
//! mail once went to an attacker's address because of that (CVE-2023-7028), so here both are
//! refused.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode;
use zeroize::Zeroizing;

use crate::request_body::{BodyBudget, BodyError, Charge, Sender};

/// Maximum number of fields in a form.
const MOST_FIELDS: usize = 16;

/// The fields of a form.
///
/// Their values may be passwords.
#[derive(Default)]
pub(super) struct Form {
    fields: Vec<(String, Zeroizing<String>)>,
    /// The memory that they hold.
    charge: Option<Charge>,
}

impl Form {
    /// Reads a form that was sent.
    ///
    /// # Errors
    /// The status that says why not.
    pub(super) async fn read(
        headers: &HeaderMap,
        source: IpAddr,
        body: Body,
        bodies: &BodyBudget,
    ) -> Result<Self, StatusCode> {
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let (body, charge) = bodies.read(Sender::Anonymous, source, body).await.map_err(BodyError::status)?;
        let mut form = Self::parse(&body).ok_or(StatusCode::BAD_REQUEST)?;
        form.charge = Some(charge);
        Ok(form)
    }

    /// Reads fields; `None` when one comes twice, is part of an array, or no text.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let mut form = Self::default();
        for field in text.split(|byte| *byte == b'&').filter(|field| !field.is_empty()) {
            let mut halves = field.splitn(2, |byte| *byte == b'=');
            let name = decoded(halves.next().unwrap_or_default())?;
            let value = decoded(halves.next().unwrap_or_default())?;
            let odd = |c: char| c.is_control() || matches!(c, '[' | ']' | '.' | ' ');
            if name.contains(odd) || form.get(&name).is_some() || form.fields.len() >= MOST_FIELDS {
                return None;
            }
            form.fields.push((name.to_string(), value));
        }
        Some(form)
    }

    /// The fields, in their order.
    pub(super) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A field, if it was sent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// A field; empty when it was not sent.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}

fn decoded(text: &[u8]) -> Option<Zeroizing<String>> {
    let blanks: Zeroizing<Vec<u8>> =
        text.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect::<Vec<u8>>().into();
    let bytes: Vec<u8> = percent_decode(&blanks).collect();
    String::from_utf8(bytes).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_is_one_text() {
        let form = Form::parse(b"user=Zo%C3%AB+B&password=a%26b%3D%2B&empty=&bare").unwrap();
        assert_eq!((form.text("user"), form.text("password")), ("Zoë B", "a&b=+"));
        assert_eq!((form.get("empty"), form.get("bare"), form.get("none")), (Some(""), Some(""), None));
        for bad in [
            "user=a&user=b",
            "user=a&%75ser=b",
            "user[]=a",
            "user=a&user%5B%5D=b",
            "user%5B0%5D=a",
            "user=a&user%00=b",
            "user=a&+user=b",
            "user=a&us.er=b",
            "user=%FF",
            "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q",
        ] {
            assert!(Form::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
