//! Handing one mail over.

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;
use user_backend::clock::Instant;

use crate::service::mail::message::EmailMessage;

/// Delivers one message: over SMTP, or into a list in a test.
#[async_trait]
pub trait MailTransport: fmt::Debug + Send + Sync + 'static {
    /// Hands over one mail.
    ///
    /// # Errors
    /// [`SendError`] says whether trying again makes sense.
    ///
    /// # Cancellation
    /// The mail may still have been accepted.
    async fn send(&self, message: &EmailMessage, deadline: Instant) -> Result<(), SendError>;
}

/// A mail was not taken.
///
/// The texts never contain the server's text, only its reply codes: servers repeat addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Not now: the server cannot be reached, is not set up right, or says "later".
    #[error("the mail could not be sent now: {0}")]
    Later(String),
    /// Never: this mail or its recipient was refused.
    #[error("the mail was refused: {0}")]
    Refused(String),
}
