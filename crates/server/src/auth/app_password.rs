//! App passwords: what a device or a script signs in with instead of its owner's password.
//!
//! A token stands in front of every backend. It is looked up here and never reaches a server: what looks like one and is
//! one of another user's is refused, what is none of ours goes on as a password.

use std::fmt;
use std::sync::Arc;

use accounts::{Accounts, AccountsError, TokenHash};
use async_trait::async_trait;
use user_backend::clock::Instant;
use user_backend::{
    Attempt, BackendError, BackendId, Identity, Phase, Probe, Rejection, UserBackend, Verdict,
};

/// How long a token is: 32 bytes in base64 without padding.
const LENGTH: usize = 43;

/// Whether a text could be a token: of an app password, or of a session.
pub(crate) fn is_token_shaped(text: &str) -> bool {
    text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// A backend that also takes the app passwords of its people.
#[derive(Debug)]
pub(crate) struct AppPasswordBackend {
    inner: Arc<dyn UserBackend>,
    accounts: Accounts,
}

impl AppPasswordBackend {
    pub(crate) fn new(inner: Arc<dyn UserBackend>, accounts: Accounts) -> Self {
        Self { inner, accounts }
    }

    /// The verdict about what is a token of ours; `None` for everything else.
    async fn by_token(&self, attempt: &Attempt<'_>) -> Result<Option<Verdict>, AccountsError> {
        let text = attempt.password.expose();
        if !is_token_shaped(text) {
            return Ok(None);
        }
        let hash = TokenHash::of(text);
        let Some((user, token)) = self.accounts.app_passwords().find(&hash).await? else {
            return Ok(None);
        };
        let name = attempt.name.canonical();
        let refused = token.refusal(&user, attempt.source, self.accounts.now());
        // No route knows scopes yet, so a service token opens nothing here, and like every token it never goes out.
        if token.service.is_some()
            || refused.is_some()
            || user.id.name() != name
            || user.backend != *self.inner.id()
        {
            return Ok(Some(Verdict::Rejected(Rejection::BadCredentials)));
        }
        self.accounts.app_passwords().used(&token, attempt.source).await?;
        Ok(Some(Verdict::Accepted(Identity::new(name.clone()))))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl UserBackend for AppPasswordBackend {
    fn id(&self) -> &BackendId {
        self.inner.id()
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Verdict, BackendError> {
        match self.by_token(attempt).await {
            Ok(Some(verdict)) => Ok(verdict),
            Ok(None) => self.inner.authenticate(attempt).await,
            // It may be a token, and those never go out.
            Err(error) => Err(BackendError::unavailable(Phase::Login, error.to_string())),
        }
    }

    async fn probe(&self, deadline: Instant) -> Result<Probe, BackendError> {
        self.inner.probe(deadline).await
    }
}

impl fmt::Display for AppPasswordBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithTokens({})", self.inner)
    }
}
