//! Asking for mails that are nobody's secret.

use crate::store::outbox::{self, MailKind};
use crate::store::users;
use crate::{Accounts, AccountsError, UserId};

/// The room of mails to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Outbox<'a>(pub(crate) &'a Accounts);

impl Outbox<'_> {
    /// Wants a greeting for a user, with a link to choose a password if the user's password is kept here.
    ///
    /// Somebody has to send it: see [`super::MailWorker`].
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user, or their mail address.
    pub async fn welcome(self, id: &UserId, with_link: bool) -> Result<(), AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let (_, user) = users::lock(&mut tx, id).await?;
        if user.email.is_none() {
            return Err(AccountsError::missing("mail address of", id.as_str()));
        }
        let kind = if with_link && user.is_local() { MailKind::WelcomeWithLink } else { MailKind::Welcome };
        outbox::put(&mut tx, kind, user.id.name().as_str(), None, self.0.now()).await?;
        tx.commit().await
    }

    /// How many mails wait to be sent: for metrics.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn waiting(self) -> Result<u64, AccountsError> {
        outbox::waiting(self.0.db()).await
    }
}
