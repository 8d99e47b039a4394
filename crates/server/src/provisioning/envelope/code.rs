//! The codes of the API, and which HTTP status each has in its two versions.
//!
//! Version 1 answers nearly everything with 200 and says in the envelope how it went; version 2
//! says it in the status too.

use accounts::CompatLevel;
use axum::http::StatusCode;

use crate::provisioning::level_codes;

/// Which of the two envelopes: `/ocs/v1.php` or `/ocs/v2.php`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `/ocs/v1.php`
    V1,
    /// `/ocs/v2.php`
    V2,
}

/// Codes from here on are rows of the table of levels.
///
/// No code in an envelope is that large.
const LEVELS: u16 = 10_000;

/// A code in the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(u16);

impl Code {
    /// It worked: 100 in version 1, 200 in version 2.
    pub const OK: Self = Self(100);
    /// A part of the request is malformed.
    pub const BAD_REQUEST: Self = Self(400);
    /// The caller may not do this.
    pub const FORBIDDEN: Self = Self(403);
    /// Not found.
    pub const ABSENT: Self = Self(404);
    /// A method that the path does not know.
    pub const OTHER_METHOD: Self = Self(405);
    /// Unsupported content type of the body.
    pub const MEDIA_TYPE: Self = Self(415);
    /// Too many requests.
    pub const THROTTLED: Self = Self(429);
    /// Cannot be decided now.
    pub const UNAVAILABLE: Self = Self(503);
    /// Something broke on our side: 996 in version 1, 500 in version 2.
    pub const BROKEN: Self = Self(996);
    /// Not signed in.
    pub const UNAUTHORISED: Self = Self(997);
    /// Not found, or not visible to the caller.
    pub const NOT_FOUND: Self = Self(998);
    /// It failed and there is no code for it.
    pub const UNKNOWN: Self = Self(999);

    /// A code that means something at one endpoint only, 101 to 199 usually.
    pub const fn of_endpoint(code: u16) -> Self {
        Self(code)
    }

    /// A code that depends on the PHP system's version: a row of [`level_codes::CODES`].
    pub(crate) const fn of_level(row: u16) -> Self {
        Self(LEVELS + row)
    }

    /// The code that is answered at a level.
    #[must_use]
    pub fn at(self, level: CompatLevel) -> Self {
        match self.0.checked_sub(LEVELS) {
            Some(row) => Self(level_codes::number(row.into(), level)),
            None => self,
        }
    }

    /// The number that the envelope shows.
    pub fn shown(self, version: Version) -> u16 {
        match (version, self) {
            (Version::V2, Self::OK) => 200,
            (Version::V2, Self::BROKEN) => 500,
            (_, Self(code)) => code,
        }
    }

    /// The status of the answer.
    pub fn status(self, version: Version) -> StatusCode {
        match (version, self) {
            (_, Self::UNAUTHORISED) => StatusCode::UNAUTHORIZED,
            (_, Self::OTHER_METHOD) => StatusCode::METHOD_NOT_ALLOWED,
            // The two that a proxy or a client acts upon before it reads the envelope.
            (_, Self::THROTTLED) => StatusCode::TOO_MANY_REQUESTS,
            (_, Self::UNAVAILABLE) => StatusCode::SERVICE_UNAVAILABLE,
            (Version::V1, _) | (_, Self::OK) => StatusCode::OK,
            (Version::V2, Self::NOT_FOUND) => StatusCode::NOT_FOUND,
            (Version::V2, Self::BROKEN | Self::UNKNOWN) => StatusCode::INTERNAL_SERVER_ERROR,
            (Version::V2, Self(code @ 400..=599)) => {
                StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_REQUEST)
            }
            (Version::V2, _) => StatusCode::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_has_its_status_in_both_versions() {
        for (code, v1_shown, v1, v2_shown, v2) in [
            (100, 100, 200, 200, 200),
            (101, 101, 200, 101, 400),
            (113, 113, 200, 113, 400),
            (400, 400, 200, 400, 400),
            (403, 403, 200, 403, 403),
            (404, 404, 200, 404, 404),
            (405, 405, 405, 405, 405),
            (415, 415, 200, 415, 415),
            (429, 429, 429, 429, 429),
            (503, 503, 503, 503, 503),
            (996, 996, 200, 500, 500),
            (997, 997, 401, 997, 401),
            (998, 998, 200, 998, 404),
            (999, 999, 200, 999, 500),
        ] {
            let code = Code::of_endpoint(code);
            assert_eq!(code.shown(Version::V1), v1_shown);
            assert_eq!(code.status(Version::V1).as_u16(), v1);
            assert_eq!(code.shown(Version::V2), v2_shown);
            assert_eq!(code.status(Version::V2).as_u16(), v2);
        }
    }
}
