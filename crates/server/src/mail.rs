//! Mail: the welcome mail, and the worker that sends what is queued.

use std::sync::Arc;

use accounts::BaseUrl;
use accounts::{ActingAccounts, User};
use accounts::{MailWorker, SmtpTransport};
use thiserror::Error;
use user_backend::BackendId;

use crate::start::StartError;
use crate::state::AppState;

impl AppState {
    /// Queues the welcome mail of a user for the [mail worker](Self::mail_worker). A local user who never signed in gets a
    /// link to choose a password.
    ///
    /// # Errors
    /// [`MailDisabled`]: there is no mail server, or it could not be written down.
    pub async fn send_welcome(&self, accounts: &ActingAccounts, user: &User) -> Result<(), MailDisabled> {
        if self.settings().mail.is_none() {
            tracing::warn!(user = ?user.id, "no mail server is configured, welcome mail not sent");
            return Err(MailDisabled);
        }
        let with_link = user.is_local() && user.last_login.is_none();
        accounts.outbox().welcome(&user.id, with_link).await.map_err(|error| {
            tracing::warn!(user = ?user.id, %error, "welcome mail not sent");
            MailDisabled
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
        Ok(Some(MailWorker::new(accounts, Arc::new(courier), base, settings.name.as_str(), &settings.reset)))
    }
}

/// No mail could be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no mail server is set up")]
pub struct MailDisabled;
