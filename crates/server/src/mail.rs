//! Mail: the welcome mail, and the worker that sends what is queued.

use std::sync::Arc;

use accounts::{AccountsError, ActingAccounts, BaseUrl, MailWorker, SmtpTransport, User};
use thiserror::Error;
use user_backend::BackendId;

use crate::start::StartError;
use crate::state::AppState;

impl AppState {
    /// Queues the welcome mail of a user for the [mail worker](Self::mail_worker).
    ///
    /// It may have a link to choose a password.
    ///
    /// # Errors
    /// [`WelcomeError`]
    pub async fn send_welcome(
        &self,
        accounts: &ActingAccounts,
        user: &User,
        with_link: bool,
    ) -> Result<(), WelcomeError> {
        if self.settings().mail.is_none() {
            tracing::warn!(user = ?user.id, "no mail server is configured, welcome mail not sent");
            return Err(WelcomeError::MailDisabled);
        }
        accounts.outbox().welcome(&user.id, with_link).await.map_err(|error| {
            tracing::warn!(user = ?user.id, %error, "welcome mail not sent");
            match error {
                AccountsError::Full => WelcomeError::TooMany,
                error => WelcomeError::Store(error),
            }
        })
    }

    /// The worker that hands mails to the mail server, if there is one.
    ///
    /// # Errors
    /// [`StartError::Mail`]
    pub fn mail_worker(&self) -> Result<Option<MailWorker>, StartError> {
        let Some(mail) = self.settings().mail.clone() else { return Ok(None) };
        let wrong = |error: &dyn std::error::Error| StartError::Mail(error.to_string());
        // The texts of faults name who is to blame.
        let id = BackendId::parse("mail").map_err(|error| wrong(&error))?;
        let courier = SmtpTransport::new(mail).map_err(|fault| wrong(&fault.with_backend(&id)))?;
        let base = BaseUrl::parse(&self.settings().public_url()).map_err(|error| wrong(&error))?;
        let accounts = self.accounts().clone();
        let settings = self.settings();
        let transport = Arc::new(courier);
        let worker = MailWorker::new(accounts, transport, base, settings.name.as_str(), &settings.reset);
        Ok(Some(worker.with_keepers(Arc::new(self.clone()))))
    }
}

/// A welcome mail was not queued.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WelcomeError {
    /// There is no mail server.
    #[error("no mail server is set up")]
    MailDisabled,
    /// Too many welcome mails: to the user, from the caller, or waiting to be sent.
    #[error("too many welcome mails")]
    TooMany,
    /// The store did not take it.
    #[error(transparent)]
    Store(AccountsError),
}
