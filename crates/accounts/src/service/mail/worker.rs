//! Empties the outbox: looks up who gets a mail, draws the token if one is needed, and hands the mail over.
//!
//! Any number of workers, in any number of processes, may do so: each mail is claimed by one. A worker that dies leaves its mail to
//! another, which draws a new token; a mail may then come twice, and the link in the newer one works.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use user_backend::clock::{later, now};

use crate::domain::{AccountsError, EmailAddress, Token, User, UserId};
use crate::service::mail::message::{EmailMessage, EmailMessageError};
use crate::service::mail::templates::{
    AppPasswordMadeMail, PasswordChangedMail, ResetLinkMail, RightsRaisedMail, WelcomeMail,
};
use crate::service::mail::transport::{MailTransport, SendError};
use crate::service::password_reset::link::BaseUrl;
use crate::service::password_reset::request::PURPOSE;
use crate::service::password_reset::settings::ResetSettings;
use crate::store::outbox::{MailKind, QueuedMail};
use crate::store::{Accounts, ActingAccounts, outbox, rate_limits};

/// How often the queue is looked at.
const POLL: Duration = Duration::from_secs(2);

/// The pause after the store could not be read.
const STORE_PAUSE: Duration = Duration::from_secs(15);

/// Time for one mail.
const TIME: Duration = Duration::from_secs(90);

/// Sends what is in the outbox.
#[derive(Debug)]
pub struct MailWorker {
    accounts: ActingAccounts,
    transport: Arc<dyn MailTransport>,
    base: BaseUrl,
    product: String,
    life: Duration,
}

/// What became of the mails that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// A server took them.
    pub sent: usize,
    /// They are tried again later.
    pub later: usize,
    /// Not delivered: there is no such person, no address, they asked too often, or the server refused for good.
    pub dropped: usize,
}

/// Why a queued message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropReason {
    Ambiguous,
    Disabled,
    KeptElsewhere,
    NoAddress,
    TooLate,
    TooMany,
    Unknown,
}

impl MailWorker {
    /// Sends the mails of this store through this transport; their links begin with `base`.
    pub fn new(
        accounts: impl Into<Accounts>,
        transport: Arc<dyn MailTransport>,
        base: BaseUrl,
        product: impl Into<String>,
        settings: &ResetSettings,
    ) -> Self {
        let accounts = accounts.into().as_system();
        Self { accounts, transport, base, product: product.into(), life: settings.life() }
    }

    /// Works until `stop` is done. What is under way then is finished.
    ///
    /// # Cancellation
    /// Safe; a mail under way is sent again when its lease is over.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let (mut stop, mut report) = (pin!(stop), DeliveryReport::default());
        loop {
            let pause = match self.deliver_one(&mut report).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => POLL,
                Err(error) => {
                    tracing::warn!(%error, "the mails that are due cannot be read");
                    STORE_PAUSE
                }
            };
            tokio::select! {
                biased;
                () = &mut stop => return,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Sends everything that is due now.
    ///
    /// # Errors
    /// When the store cannot be read or written; the rest stays where it is.
    ///
    /// # Cancellation
    /// Safe, as with [`Self::work`].
    pub async fn deliver_due(&self) -> Result<DeliveryReport, AccountsError> {
        let mut report = DeliveryReport::default();
        while self.deliver_one(&mut report).await? {}
        Ok(report)
    }

    /// Takes the mail that has been due longest; returns whether there was one.
    async fn deliver_one(&self, report: &mut DeliveryReport) -> Result<bool, AccountsError> {
        let store = self.accounts.store();
        let Some(queued) = outbox::claim(store).await? else { return Ok(false) };
        if store.now() > queued.created.after(queued.kind.ttl()) {
            // The workers were away for longer than it was worth waiting.
            return self.drop_it(&queued, DropReason::TooLate, report).await;
        }
        match self.write(&queued).await? {
            Ok(message) => self.hand_over(&queued, &message, report).await?,
            Err(reason) => return self.drop_it(&queued, reason, report).await,
        }
        Ok(true)
    }

    async fn drop_it(
        &self,
        queued: &QueuedMail,
        reason: DropReason,
        report: &mut DeliveryReport,
    ) -> Result<bool, AccountsError> {
        tracing::debug!(kind = ?queued.kind, reason = ?reason, "nobody gets this mail");
        report.dropped += 1;
        outbox::done(self.accounts.store(), queued).await?;
        Ok(true)
    }

    async fn hand_over(
        &self,
        queued: &QueuedMail,
        message: &EmailMessage,
        report: &mut DeliveryReport,
    ) -> Result<(), AccountsError> {
        let store = self.accounts.store();
        match self.transport.send(message, later(now(), TIME)).await {
            Ok(()) => {
                report.sent += 1;
                outbox::done(store, queued).await
            }
            Err(SendError::Later(reason)) => {
                let again = outbox::put_back(store, queued).await?;
                tracing::warn!(kind = ?queued.kind, reason, again, "a mail could not be sent");
                *(if again { &mut report.later } else { &mut report.dropped }) += 1;
                Ok(())
            }
            Err(SendError::Refused(reason)) => {
                tracing::warn!(kind = ?queued.kind, reason, "a mail was refused for good");
                report.dropped += 1;
                outbox::done(store, queued).await
            }
        }
    }

    async fn write(&self, queued: &QueuedMail) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        match queued.kind {
            MailKind::ResetRequest => self.reset(queued).await,
            MailKind::PasswordChanged => self.credentials_ended(queued, true, false).await,
            MailKind::PasswordChangedAll => self.credentials_ended(queued, true, true).await,
            MailKind::RightsRaised => self.credentials_ended(queued, false, true).await,
            MailKind::AppPasswordMade => self.app_password_made(queued).await,
            MailKind::Welcome => self.welcome(queued, false).await,
            MailKind::WelcomeWithLink => self.welcome(queued, true).await,
        }
    }

    async fn reset(&self, queued: &QueuedMail) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let user = match self.somebody(&queued.subject).await? {
            Ok(user) => user,
            Err(reason) => return Ok(Err(reason)),
        };
        if queued.attempt == 1 && !self.may_get_another(&user).await? {
            return Ok(Err(DropReason::TooMany));
        }
        let Some((token, address)) = self.token(&user, PURPOSE).await? else {
            return Ok(Err(DropReason::Unknown));
        };
        let link = self.base.reset_link(&token);
        let mail = ResetLinkMail {
            product: &self.product,
            name: user.display_name_or_id(),
            user: user.id.as_str(),
            link: &link,
            minutes: self.minutes(),
        };
        Ok(written(mail.to(&address)))
    }

    async fn credentials_ended(
        &self,
        queued: &QueuedMail,
        new_password: bool,
        app_passwords: bool,
    ) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let Some(address) = &queued.address else { return Ok(Err(DropReason::NoAddress)) };
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        let (product, base) = (self.product.as_str(), self.base.as_str());
        let (name, user) = (user.display_name_or_id(), user.id.as_str());
        Ok(written(if new_password {
            PasswordChangedMail { product, name, user, base, app_passwords }.to(address)
        } else {
            RightsRaisedMail { product, name, user, base }.to(address)
        }))
    }

    async fn app_password_made(
        &self,
        queued: &QueuedMail,
    ) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let Some(address) = &queued.address else { return Ok(Err(DropReason::NoAddress)) };
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        let (product, base) = (self.product.as_str(), self.base.as_str());
        let (name, user) = (user.display_name_or_id(), user.id.as_str());
        Ok(written(AppPasswordMadeMail { product, name, user, base }.to(address)))
    }

    async fn welcome(
        &self,
        queued: &QueuedMail,
        with_link: bool,
    ) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        let Some(address) = user.email.clone() else { return Ok(Err(DropReason::NoAddress)) };
        let token = if with_link { self.token(&user, "welcome").await? } else { None };
        let link = token.map(|(token, _)| self.base.reset_link(&token));
        let mail = WelcomeMail {
            product: &self.product,
            name: user.display_name_or_id(),
            user: user.id.as_str(),
            base: self.base.as_str(),
            link: link.as_ref().map(|link| (link.as_str(), self.minutes())),
        };
        Ok(written(mail.to(&address)))
    }

    /// The user for what was typed: a user id, or a mail address that exactly one enabled user has.
    async fn somebody(&self, typed: &str) -> Result<Result<User, DropReason>, AccountsError> {
        let mut user = self.user(typed).await?;
        if let (None, Ok(address)) = (&user, EmailAddress::parse(typed)) {
            let mut users = self.accounts.users().by_email(&address).await?;
            if users.len() > 1 {
                return Ok(Err(DropReason::Ambiguous));
            }
            user = users.pop();
        }
        Ok(match user {
            None => Err(DropReason::Unknown),
            Some(user) if !user.enabled => Err(DropReason::Disabled),
            Some(user) if !user.is_local() => Err(DropReason::KeptElsewhere),
            Some(user) if user.email.is_none() => Err(DropReason::NoAddress),
            Some(user) => Ok(user),
        })
    }

    async fn user(&self, name: &str) -> Result<Option<User>, AccountsError> {
        match UserId::parse(name) {
            Ok(id) => self.accounts.users().find(&id).await,
            Err(_) => Ok(None),
        }
    }

    /// Counts this mail against its owner, who shall not be buried in mails that others ask for.
    async fn may_get_another(&self, user: &User) -> Result<bool, AccountsError> {
        let name = user.id.name().as_str();
        let mut change = self.accounts.store().change().await?;
        let may = rate_limits::acquire(&mut change, ResetSettings::PER_USER, SCOPE, name).await?.is_ok();
        change.commit().await?;
        Ok(may)
    }

    /// A new token and the address on record; `None` when this user cannot have one any more.
    async fn token(&self, user: &User, purpose: &str) -> Result<Option<(Token, String)>, AccountsError> {
        match self.accounts.reset_tokens().issue(&user.id, purpose, self.life).await {
            Ok((token, reset)) => Ok(Some((token, reset.email))),
            Err(AccountsError::Invalid { .. } | AccountsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn minutes(&self) -> u64 {
        self.life.as_secs() / 60
    }
}

/// Mails to a user are counted under this scope.
const SCOPE: &str = "reset.user";

fn written(message: Result<EmailMessage, EmailMessageError>) -> Result<EmailMessage, DropReason> {
    message.map_err(|error| {
        tracing::warn!(%error, "a mail could not be written");
        DropReason::NoAddress
    })
}
