//! A backend for [axum-login](https://docs.rs/axum-login): form sign-in with sessions.
//!
//! A wrong password is `Ok(None)`, as axum-login requires. An outage and a limit are errors: a page
//! must not say "wrong password" then. Make a [`Denial`](crate::Denial) of the error, which has the
//! status, `Retry-After` and a sentence for the page, and with the feature `axum` is a response:
//!
//! ```
//! use user_backend::NotAuthenticated;
//! use user_backend_tower::Denial;
//!
//! // In a handler: `Err(axum_login::Error::Backend(error)) => ...`
//! let error = NotAuthenticated::Unavailable { retry_after: std::time::Duration::from_secs(5) };
//! let denial = Denial::from(error);
//! assert_eq!((denial.status().as_u16(), denial.retry_after_seconds()), (503, Some(5)));
//! assert!(denial.message().starts_with("Passwords cannot be checked at the moment"));
//! ```
//!
//! # When a session ends
//! When it expires, and once the configuration has no backend to which the user may belong. Its
//! user is no proof, so [`Resolver::invalidate_user`] does not end it. For sessions that do end,
//! keep the [`Authenticated`] and ask [`Resolver::still_counts`], as `examples/axum_session.rs` in
//! the repository does.
//!
//! # Example
//!
//! ```
//! use axum_login::AuthnBackend;
//! use user_backend::{Resolver, StaticBackend};
//! use user_backend_tower::axum_login::{LoginForm, ResolverBackend};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
//! let backend = ResolverBackend::new(Resolver::builder().backend(people).build()?);
//!
//! let form = LoginForm::new("Alice", "Wonderland-1").from_source("203.0.113.7".parse()?);
//! let user = backend.authenticate(form).await?.expect("alice is signed in");
//! assert_eq!(user.name(), "alice");
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::net::IpAddr;

use axum_login::{AuthUser, AuthnBackend};
use serde::{Deserialize, Serialize};
use user_backend::{Authenticated, CanonicalName, Credentials, NotAuthenticated, Outcome, Resolver};
use zeroize::Zeroizing;

/// A resolver as the backend of axum-login.
///
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct ResolverBackend {
    resolver: Resolver,
}

impl ResolverBackend {
    /// Signs users in through this resolver.
    pub fn new(resolver: Resolver) -> Self {
        Self { resolver }
    }
}

/// What a login form sends.
///
/// Deserialises from the fields `name` (or `username`) and `password`. Then add the client's
/// address with [`from_source`](Self::from_source): a form does not have it.
#[derive(Clone, Deserialize)]
pub struct LoginForm {
    #[serde(alias = "username")]
    name: String,
    password: Zeroizing<String>,
    #[serde(skip)]
    source: Option<IpAddr>,
}

impl LoginForm {
    /// A name and a password as typed.
    pub fn new(name: impl Into<String>, password: impl Into<String>) -> Self {
        Self { name: name.into(), password: Zeroizing::new(password.into()), source: None }
    }

    /// Says where the attempt comes from, for the limit per source.
    ///
    /// See [`Credentials::from_source`](user_backend::Credentials::from_source).
    #[must_use]
    pub fn from_source(mut self, source: IpAddr) -> Self {
        self.source = Some(source);
        self
    }
}

impl fmt::Debug for LoginForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginForm")
            .field("name", &self.name)
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

/// A user with a session: name, backend and groups, as they were at the sign-in.
///
/// It is its own id, which axum-login keeps in the session, so that no backend is asked at the
/// requests that follow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionUser {
    name: String,
    backend: String,
    groups: Vec<String>,
}

impl SessionUser {
    /// The canonical name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id of the backend that accepted the user.
    pub fn backend(&self) -> &str {
        &self.backend
    }

    /// The groups that the backend reported.
    pub fn groups(&self) -> &[String] {
        &self.groups
    }
}

impl From<&Authenticated> for SessionUser {
    fn from(proof: &Authenticated) -> Self {
        Self {
            name: proof.name().to_string(),
            backend: proof.backend().to_string(),
            groups: proof.identity().groups().map(str::to_owned).collect(),
        }
    }
}

impl fmt::Display for SessionUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl AuthUser for SessionUser {
    type Id = Self;

    fn id(&self) -> Self {
        self.clone()
    }

    /// The backend: a session ends when the user moves to another one.
    fn session_auth_hash(&self) -> &[u8] {
        self.backend.as_bytes()
    }
}

impl AuthnBackend for ResolverBackend {
    type User = SessionUser;
    type Credentials = LoginForm;
    type Error = NotAuthenticated;

    async fn authenticate(&self, form: LoginForm) -> Result<Option<SessionUser>, NotAuthenticated> {
        let credentials = Credentials::new(&form.name, &form.password);
        let credentials = match form.source {
            Some(source) => credentials.from_source(source),
            None => credentials,
        };
        match self.resolver.authenticate(credentials).await.outcome {
            Outcome::Authenticated(proof) => Ok(Some(SessionUser::from(&proof))),
            Outcome::Refused(_) => Ok(None),
            other => other.into_result().map(|proof| Some(SessionUser::from(&proof))),
        }
    }

    /// The user of a session.
    ///
    /// `None` once the configuration has no backend that the user may belong to.
    ///
    /// # Errors
    /// None.
    async fn get_user(&self, id: &SessionUser) -> Result<Option<SessionUser>, NotAuthenticated> {
        let Ok(name) = CanonicalName::parse(&id.name) else { return Ok(None) };
        let owners = self.resolver.possible_owners(&name);
        Ok(owners.iter().any(|owner| owner.as_str() == id.backend).then(|| id.clone()))
    }
}

#[cfg(test)]
mod tests {
    use user_backend::StaticBackend;

    use super::*;

    fn backend(people: StaticBackend) -> ResolverBackend {
        ResolverBackend::new(Resolver::builder().backend(people).build().unwrap())
    }

    fn people() -> StaticBackend {
        StaticBackend::new("people").unwrap().with_user("alice", "Wonderland-1")
    }

    #[tokio::test]
    async fn wrong_password_is_none_and_an_outage_an_error() {
        let up = backend(people());
        let user = up.authenticate(LoginForm::new("ALICE", "Wonderland-1")).await.unwrap().unwrap();
        assert_eq!((user.name(), user.backend(), user.to_string()), ("alice", "people", "alice".to_owned()));
        assert_eq!(up.authenticate(LoginForm::new("alice", "wrong")).await, Ok(None));
        assert_eq!(up.authenticate(LoginForm::new("unknown", "wrong")).await, Ok(None));
        let down = backend(people().unavailable());
        let answer = down.authenticate(LoginForm::new("alice", "Wonderland-1")).await;
        assert!(matches!(answer, Err(NotAuthenticated::Unavailable { .. })), "{answer:?}");
    }

    #[tokio::test]
    async fn session_ends_with_its_removed_backend() {
        let up = backend(people());
        let user = up.authenticate(LoginForm::new("alice", "Wonderland-1")).await.unwrap().unwrap();
        assert_eq!(up.get_user(&user.id()).await, Ok(Some(user.clone())));
        let other = backend(StaticBackend::new("other").unwrap().with_user("alice", "Wonderland-1"));
        assert_eq!(other.get_user(&user.id()).await, Ok(None));
    }

    #[test]
    fn debug_of_a_form_has_no_password() {
        let shown = format!("{:?}", LoginForm::new("alice", "Wonderland-1"));
        assert!(shown.contains("alice") && !shown.contains("Wonder"), "{shown}");
    }
}
