//! Credentials in the header `Authorization`: HTTP Basic (RFC 7617), or a Bearer token.
//!
//! Names and passwords are taken as UTF-8; other bytes are read as Latin-1, which is what old
//! clients send. One reading, never both: a password is offered once.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue};
use thiserror::Error;
use zeroize::Zeroizing;

/// Longer headers are no name and password.
const LONGEST: usize = 4096;

/// The content of the header `Authorization`.
pub enum AuthorizationHeader {
    /// No header.
    Nothing,
    /// A name and a password.
    Basic {
        /// The name, as typed.
        name: String,
        /// The password, as typed.
        password: Zeroizing<String>,
    },
    /// A token without a name (RFC 6750).
    Bearer(Zeroizing<String>),
    /// Another scheme.
    Other,
}

impl std::fmt::Debug for AuthorizationHeader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("Nothing"),
            Self::Basic { name, .. } => f.debug_struct("Basic").field("name", name).finish_non_exhaustive(),
            Self::Bearer(_) => f.write_str("Bearer"),
            Self::Other => f.write_str("Other"),
        }
    }
}

/// Why the header cannot be read.
///
/// Never repeats it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BadHeader {
    /// The header occurs twice.
    ///
    /// Programs that read the first and those that read the last would see different users.
    #[error("The header Authorization was sent more than once")]
    Twice,
    /// No base64, no colon, or endless.
    #[error("The header Authorization is not valid; curl makes it from: -u name:password")]
    Malformed,
}

impl AuthorizationHeader {
    /// Reads the header.
    ///
    /// # Errors
    /// [`BadHeader`] when it makes no sense.
    pub fn of(headers: &HeaderMap) -> Result<Self, BadHeader> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(Self::Nothing) };
        if values.next().is_some() {
            return Err(BadHeader::Twice);
        }
        Self::read(value)
    }

    fn read(value: &HeaderValue) -> Result<Self, BadHeader> {
        let bytes = value.as_bytes();
        let (scheme, rest) = match bytes.iter().position(|byte| *byte == b' ') {
            Some(at) => bytes.split_at(at),
            None => (bytes, &[][..]),
        };
        let bearer = scheme.eq_ignore_ascii_case(b"bearer");
        if !bearer && !scheme.eq_ignore_ascii_case(b"basic") {
            return Ok(Self::Other);
        }
        if rest.len() > LONGEST {
            return Err(BadHeader::Malformed);
        }
        if bearer {
            let token = std::str::from_utf8(rest.trim_ascii()).map_err(|_| BadHeader::Malformed)?;
            return Ok(Self::Bearer(Zeroizing::new(token.to_owned())));
        }
        let decoded =
            Zeroizing::new(BASE64_STANDARD.decode(rest.trim_ascii()).map_err(|_| BadHeader::Malformed)?);
        let text = Zeroizing::new(match std::str::from_utf8(&decoded) {
            Ok(text) => text.to_owned(),
            Err(_) => decoded.iter().map(|byte| char::from(*byte)).collect(),
        });
        let (name, password) = text.split_once(':').ok_or(BadHeader::Malformed)?;
        Ok(Self::Basic { name: name.to_owned(), password: Zeroizing::new(password.to_owned()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(values: &[&[u8]]) -> Result<(String, String), String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        match AuthorizationHeader::of(&headers) {
            Ok(AuthorizationHeader::Basic { name, password }) => Ok((name, password.to_string())),
            Ok(other) => Err(format!("{other:?}")),
            Err(error) => Err(error.to_string()),
        }
    }

    fn basic(credentials: &[u8]) -> Result<(String, String), String> {
        offered(&[format!("Basic {}", BASE64_STANDARD.encode(credentials)).as_bytes()])
    }

    #[test]
    fn first_colon_parts_name_and_password() {
        for (credentials, name, password) in [
            ("anna:geheim", "anna", "geheim"),
            ("anna:pa:ss", "anna", "pa:ss"),
            ("anna:", "anna", ""),
            (":x", "", "x"),
            ("Zoë:p🐘", "Zoë", "p🐘"),
            ("a%20b:%41", "a%20b", "%41"),
        ] {
            assert_eq!(basic(credentials.as_bytes()), Ok((name.to_owned(), password.to_owned())));
        }
        assert_eq!(basic(b"Zo\xeb:p\xe4ss"), Ok(("Zoë".to_owned(), "päss".to_owned())), "Latin-1");
    }

    #[test]
    fn malformed_header_is_refused_without_echo() {
        let malformed = "The header Authorization is not valid; curl makes it from: -u name:password";
        assert_eq!(basic(b"no colon"), Err(malformed.to_owned()));
        assert_eq!(offered(&[b"Basic !!!"]), Err(malformed.to_owned()));
        assert_eq!(offered(&[b"Basic"]), Err(malformed.to_owned()));
        assert_eq!(basic(&vec![b'a'; 8192]), Err(malformed.to_owned()));
        assert_eq!(
            offered(&[b"Basic YTpi", b"Basic YTpi"]),
            Err("The header Authorization was sent more than once".to_owned())
        );
        assert_eq!(offered(&[b"Bearer abc"]), Err("Bearer".to_owned()));
        assert_eq!(offered(&[b"Digest abc"]), Err("Other".to_owned()));
        assert_eq!(offered(&[]), Err("Nothing".to_owned()));
        assert_eq!(offered(&[b"bAsIc  YTpi "]), Ok(("a".to_owned(), "b".to_owned())));
    }

    #[test]
    fn debug_hides_passwords() {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_static("Basic YW5uYTpnZWhlaW0="));
        let shown = format!("{:?}", AuthorizationHeader::of(&headers).unwrap());
        assert!(shown.contains("anna") && !shown.contains("geheim"), "{shown}");
    }
}
