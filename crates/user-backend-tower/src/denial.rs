//! Why a request is not let through, and what HTTP says about it.

use http::header::{CACHE_CONTROL, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use thiserror::Error;
use user_backend::{NotAuthenticated, Outcome, UnreadableHop};

use crate::authorization::BadHeader;

/// Why a request is not let through.
///
/// | denial | status | headers |
/// |---|---|---|
/// | no credentials, or refused ones | 401 | `WWW-Authenticate` |
/// | a header that cannot be read | 400 | |
/// | forbidden | 403 | |
/// | throttled | 429 | `Retry-After` |
/// | unavailable | 503 | `Retry-After` |
///
/// Each has `Cache-Control: no-store` as well: an outage that a cache keeps outlives its end.
///
/// With the feature `axum` it is a response, for a handler with a form of its own. That one has no
/// `WWW-Authenticate`: browsers would ask for the password themselves.
///
/// ```
/// use axum::http::request::Parts;
/// use user_backend::{Authenticated, Credentials, Resolver};
/// use user_backend_tower::{ClientAddress, Denial, ForwardedFor};
///
/// async fn sign_in(
///     resolver: &Resolver, proxies: &ForwardedFor, parts: &Parts, name: &str, password: &str,
/// ) -> Result<Authenticated, Denial> {
///     let credentials = Credentials::new(name, password);
///     let credentials = match proxies.of(parts)? {
///         Some(client) => credentials.from_source(client),
///         None => credentials.without_source(),
///     };
///     Ok(resolver.authenticate(credentials).await.into_result()?)
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Denial {
    /// No name and password were sent.
    #[error("no name and password")]
    NoCredentials,
    /// The header `Authorization` cannot be read.
    #[error(transparent)]
    BadHeader(#[from] BadHeader),
    /// The proxy did not say where the request comes from in a way that can be read.
    #[error(transparent)]
    UnreadableHop(#[from] UnreadableHop),
    /// The resolver did not accept the credentials.
    #[error(transparent)]
    NotAuthenticated(#[from] NotAuthenticated),
    /// The user is signed in and may not do this.
    #[error("not allowed for this user")]
    Forbidden,
}

impl Denial {
    /// The status of the response.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoCredentials => StatusCode::UNAUTHORIZED,
            Self::BadHeader(_) | Self::UnreadableHop(_) => StatusCode::BAD_REQUEST,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotAuthenticated(error) => {
                StatusCode::from_u16(Outcome::from(*error).status()).unwrap_or(StatusCode::UNAUTHORIZED)
            }
        }
    }

    /// The value of `Retry-After`, in whole seconds; `None`: nothing to wait for.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::NotAuthenticated(error) => Outcome::from(*error).retry_after_seconds(),
            _ => None,
        }
    }

    /// A sentence for the person who signs in.
    ///
    /// The same for a wrong password and an unknown user.
    pub fn message(&self) -> &'static str {
        match self {
            Self::NoCredentials => "Sign in with your name and password.\n",
            Self::BadHeader(BadHeader::Twice) => "The header Authorization was sent more than once.\n",
            Self::BadHeader(BadHeader::Malformed) => "The header Authorization is not valid.\n",
            Self::UnreadableHop(_) => "The address of the client that the proxy sent cannot be read.\n",
            Self::Forbidden => "You may not open this.\n",
            Self::NotAuthenticated(NotAuthenticated::Refused(_)) => "Wrong name or password.\n",
            Self::NotAuthenticated(NotAuthenticated::Throttled { .. }) => {
                "Too many failed sign-ins. Wait, then try again.\n"
            }
            Self::NotAuthenticated(NotAuthenticated::Unavailable { .. }) => {
                "Passwords cannot be checked at the moment; yours may well be right. Try again soon.\n"
            }
        }
    }

    /// Sets the headers that belong to the status.
    ///
    /// `challenge` is the value of `WWW-Authenticate`.
    pub(crate) fn set_headers(&self, challenge: Option<&HeaderValue>, headers: &mut HeaderMap) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(challenge) = challenge.filter(|_| self.status() == StatusCode::UNAUTHORIZED) {
            headers.insert(WWW_AUTHENTICATE, challenge.clone());
        }
        if let Some(seconds) = self.retry_after_seconds() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
    }
}

#[cfg(test)]
mod tests {
    use user_backend::Rejection;

    use super::*;

    #[test]
    fn refusals_of_every_kind_read_the_same() {
        let all = [Rejection::BadCredentials, Rejection::UnknownUser, Rejection::AccountDisabled];
        let [wrong, others @ ..] = all.map(|why| Denial::NotAuthenticated(NotAuthenticated::Refused(why)));
        for other in others {
            assert_eq!(other.status(), wrong.status());
            assert_eq!(other.message(), wrong.message());
        }
    }
}
