//! Sends the mails of the outbox: finds recipients and creates tokens.
//!
//! Any number of workers, in any number of processes, may do so: each mail is claimed by one. A
//! worker that crashes leaves its mail to another, which draws a new token; a mail may then come
//! twice, and the link in the newer one works. Reset links have a lane of their own, so no number
//! of other mails, and no slow server that takes them, holds one up.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::Shared;
use user_backend::BackendId;
use user_backend::clock::{later, now};

use crate::domain::{AccountsError, EmailAddress, Token, User, UserId};
use crate::service::mail::message::EmailMessage;
use crate::service::mail::templates::{AccountMail, MailRequest, MailTopic};
use crate::service::mail::transport::{MailTransport, SendError};
use crate::service::password_reset::link::BaseUrl;
use crate::service::password_reset::request::{PURPOSE, typed_and_source};
use crate::service::password_reset::settings::ResetSettings;
use crate::store::address_confirmations::{self, Issued};
use crate::store::outbox::{Lane, MailKind, QueuedMail};
use crate::store::reset_tokens::WELCOME;
use crate::store::{Accounts, ActingAccounts, outbox};

/// Interval of checks of the queue.
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
    settings: ResetSettings,
    keepers: Option<Arc<dyn PasswordKeeperLookup>>,
}

/// What users see about the server that keeps a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordKeeper {
    /// What they call it.
    pub name: String,
    /// Where they get help.
    pub help_url: Option<String>,
}

/// Knows the servers that keep passwords.
pub trait PasswordKeeperLookup: fmt::Debug + Send + Sync + 'static {
    /// What users see about this backend; `None` if it is not configured.
    fn keeper(&self, backend: &BackendId) -> Option<PasswordKeeper>;
}

/// What became of the mails that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DeliveryReport {
    /// A server took them.
    pub sent: usize,
    /// They are tried again later.
    pub later: usize,
    /// Not delivered: unknown user, no address, too many requests, permanent rejection.
    pub dropped: usize,
}

/// Why a queued message was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DropReason {
    Disabled,
    NoAddress,
    Outdated,
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
        let (product, settings) = (product.into(), settings.clone());
        Self { accounts, transport, base, product, settings, keepers: None }
    }

    /// Says where the passwords of external accounts are kept.
    #[must_use]
    pub fn with_keepers(mut self, keepers: Arc<dyn PasswordKeeperLookup>) -> Self {
        self.keepers = Some(keepers);
        self
    }

    /// Works until `stop` is done.
    ///
    /// Work in progress is finished.
    ///
    /// # Cancellation
    /// Cancel safe; a mail in progress is sent again when its lease has expired.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let stop = pin!(stop.shared());
        let [reset, other] = Lane::ALL.map(|lane| self.work_lane(lane, stop.clone()));
        tokio::join!(reset, other);
    }

    async fn work_lane<F: Future<Output = ()>>(&self, lane: Lane, stop: Shared<F>) {
        let (mut stop, mut report) = (pin!(stop), DeliveryReport::default());
        loop {
            let pause = match self.deliver_one(lane, &mut report).await {
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
        for lane in Lane::ALL {
            while self.deliver_one(lane, &mut report).await? {}
        }
        Ok(report)
    }

    /// Takes the mail of a lane that has been due longest; returns whether there was one.
    async fn deliver_one(&self, lane: Lane, report: &mut DeliveryReport) -> Result<bool, AccountsError> {
        let store = self.accounts.store();
        let Some(queued) = outbox::claim(store, lane).await? else { return Ok(false) };
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
        tracing::debug!(kind = ?queued.kind, reason = ?reason, "a queued mail was dropped");
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
        let notice = match queued.kind {
            MailKind::ResetRequest => return self.reset(queued).await,
            MailKind::Welcome => return self.welcome(queued, false).await,
            MailKind::WelcomeWithLink => return self.welcome(queued, true).await,
            MailKind::ConfirmAddress => return self.confirmation(queued).await,
            MailKind::PasswordChanged => MailTopic::PasswordChanged { app_passwords: false },
            MailKind::PasswordChangedAll => MailTopic::PasswordChanged { app_passwords: true },
            MailKind::RightsRaised => MailTopic::RightsRaised,
            MailKind::AccountMoved => MailTopic::AccountMoved,
            MailKind::AppPasswordAdded => MailTopic::AppPasswordAdded,
            MailKind::AddressChanged => MailTopic::AddressChanged,
        };
        let Some(address) = &queued.address else { return Ok(Err(DropReason::NoAddress)) };
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        Ok(self.mail(&user, address, notice))
    }

    async fn reset(&self, queued: &QueuedMail) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let (typed, source) = typed_and_source(&queued.subject);
        let request = Some(MailRequest { at: queued.created, source });
        let (user, address) = match self.recipient(typed).await? {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        };
        if queued.attempt == 1 && !self.may_get_another(queued.kind, &address).await? {
            return Ok(Err(DropReason::TooMany));
        }
        if !user.is_local() {
            let keeper = self.keepers.as_ref().and_then(|keepers| keepers.keeper(&user.backend));
            let name = keeper.as_ref().map_or_else(|| user.backend.as_str(), |keeper| keeper.name.as_str());
            let help_url = keeper.as_ref().and_then(|keeper| keeper.help_url.as_deref());
            let topic = MailTopic::PasswordKeptElsewhere { keeper: name, help_url, request };
            return Ok(self.mail(&user, &address, topic));
        }
        let life = self.settings.life();
        let Some((token, address)) = self.token(&user, PURPOSE, life).await? else {
            return Ok(Err(DropReason::Outdated));
        };
        let link = self.base.reset_link(&token);
        Ok(self.mail(&user, &address, MailTopic::ResetLink { link: &link, life, request }))
    }

    async fn welcome(
        &self,
        queued: &QueuedMail,
        with_link: bool,
    ) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        let Some(contact) = user.contact_email() else { return Ok(Err(DropReason::NoAddress)) };
        // A mail that an older program queued names no address.
        if queued.address.as_deref().is_some_and(|address| address != contact) {
            return Ok(Err(DropReason::Outdated));
        }
        let life = self.settings.welcome_life();
        let token = if with_link { self.token(&user, WELCOME, life).await? } else { None };
        let link = token.map(|(token, _)| self.base.reset_link(&token));
        // Without a confirmed address no other link would come.
        let mails_links = self.settings.lost_password_link().is_mail() && user.confirmed_email.is_some();
        let lost_password = mails_links.then(|| self.base.lost_password());
        let topic = MailTopic::Welcome {
            link: link.as_ref().map(|link| (link.as_str(), life)),
            lost_password: lost_password.as_deref(),
        };
        Ok(self.mail(&user, contact, topic))
    }

    async fn confirmation(
        &self,
        queued: &QueuedMail,
    ) -> Result<Result<EmailMessage, DropReason>, AccountsError> {
        let Some(address) = &queued.address else { return Ok(Err(DropReason::NoAddress)) };
        let Some(user) = self.user(&queued.subject).await? else { return Ok(Err(DropReason::Unknown)) };
        let life = self.settings.confirmation_life();
        let store = self.accounts.store();
        Ok(match address_confirmations::issue(store, &user.id, address, life).await? {
            Issued::Token(token) => {
                let link = self.base.confirmation_link(&token);
                self.mail(&user, address, MailTopic::ConfirmAddress { link: &link, life })
            }
            Issued::Taken => self.mail(&user, address, MailTopic::AddressTaken),
            Issued::Outdated => Err(DropReason::Outdated),
        })
    }

    /// The user for what was typed, and the confirmed address.
    ///
    /// By user id, or else by that address.
    async fn recipient(&self, typed: &str) -> Result<Result<(User, String), DropReason>, AccountsError> {
        let by_id = self.user(typed).await?.map(addressed);
        if let Some(Ok(found)) = by_id {
            return Ok(Ok(found));
        }
        let by_address = match EmailAddress::parse(typed) {
            Ok(address) => self.accounts.users().owner_of_address(&address).await?.map(addressed),
            Err(_) => None,
        };
        Ok(by_address.or(by_id).unwrap_or(Err(DropReason::Unknown)))
    }

    async fn user(&self, name: &str) -> Result<Option<User>, AccountsError> {
        match UserId::parse(name) {
            Ok(id) => self.accounts.users().find(&id).await,
            Err(_) => Ok(None),
        }
    }

    /// Counts this mail against its recipient, who was not known when it was queued.
    async fn may_get_another(&self, kind: MailKind, address: &str) -> Result<bool, AccountsError> {
        let mut change = self.accounts.store().change().await?;
        let may = outbox::count_recipient(&mut change, kind.class(), address).await?;
        change.commit().await?;
        Ok(may)
    }

    /// A new token and its address; `None` if the user can no longer have one.
    async fn token(
        &self,
        user: &User,
        purpose: &str,
        life: Duration,
    ) -> Result<Option<(Token, String)>, AccountsError> {
        match self.accounts.reset_tokens().issue(&user.id, purpose, life).await {
            Ok((token, reset)) => Ok(Some((token, reset.email))),
            Err(AccountsError::Invalid { .. } | AccountsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn mail(&self, user: &User, address: &str, topic: MailTopic<'_>) -> Result<EmailMessage, DropReason> {
        let mail = AccountMail {
            product: &self.product,
            base: self.base.as_str(),
            name: user.display_name_or_id(),
            user: user.id.as_str(),
            topic,
        };
        mail.to(address).map_err(|error| {
            tracing::warn!(%error, "a mail could not be written");
            DropReason::NoAddress
        })
    }
}

/// A user who may get a mail about a lost password, and the address it goes to.
fn addressed(user: User) -> Result<(User, String), DropReason> {
    match user.confirmed_email.clone() {
        _ if !user.enabled => Err(DropReason::Disabled),
        None => Err(DropReason::NoAddress),
        Some(address) => Ok((user, address)),
    }
}
