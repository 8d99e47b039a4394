//! Mail to people: what it says, whom it goes to, and the conversation with the mail server that takes it.
//!
//! | file | what lives there |
//! |---|---|
//! | `message` | one mail, built so that no name or subject can add a header |
//! | `templates` | what the mails say (templates) |
//! | `mails` | mails to be sent, kept in the store |
//! | `worker` | the worker that sends them |
//! | `settings` | the mail server and the sender's address |
//! | `smtp` | the conversation (RFC 5321), over the same connections and TLS as the password backends |
//!
//! The store holds no mail and no token in it, only who wants what; the worker writes the mail when it sends it.

mod mails;
mod message;
mod settings;
mod smtp;
mod templates;
mod worker;

pub(crate) use mails::Outbox;
pub use message::{EmailMessage, EmailMessageError};
pub use settings::{MailSettings, MailSettingsError};
pub use smtp::SmtpTransport;
pub use templates::{PasswordChangedMail, ResetLinkMail, WelcomeMail};
pub use worker::{DeliveryReport, MailWorker};

use std::fmt;

use async_trait::async_trait;
use thiserror::Error;
use user_backend::clock::Instant;

/// Somebody who takes mails away: a mail server, or a table in a test.
#[async_trait]
pub trait MailTransport: fmt::Debug + Send + Sync + 'static {
    /// Hands over one mail.
    ///
    /// # Errors
    /// [`SendError`] says whether trying again makes sense.
    ///
    /// # Cancellation
    /// The mail may have been taken all the same.
    async fn send(&self, letter: &EmailMessage, deadline: Instant) -> Result<(), SendError>;
}

/// A mail was not taken. The texts never hold what the server said, only its reply codes: servers repeat addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SendError {
    /// Not now: the server cannot be reached, is not set up right, or says "later".
    #[error("the mail could not be sent now: {0}")]
    Later(String),
    /// Never: this mail or its recipient was refused.
    #[error("the mail was refused: {0}")]
    Refused(String),
}

#[cfg(test)]
pub(crate) mod tests;
