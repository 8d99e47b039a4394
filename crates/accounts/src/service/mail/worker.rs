//! Empties the outbox: looks up who gets a mail, draws the token if one is needed, and hands the mail over.
//!
//! Any number of workers, in any number of processes, may do so: each mail is claimed by one. A worker that dies leaves its mail to
//! another, which draws a new token; a mail may then come twice, and the link in the newer one works.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use user_backend::clock::{later, now};

use super::message::{Letter, LetterError};
use super::templates::{PasswordChanged, ResetLink, Welcome};
use super::{Courier, SendError};
use crate::service::password_reset::{self, BaseUrl, ResetSettings};
use crate::store::outbox::{self, Kind, Wanted};
use crate::store::rate_limits;
use crate::{Accounts, AccountsError, Token, User, UserId};

/// How often the queue is looked at.
const POLL: Duration = Duration::from_secs(2);

/// The pause after the store could not be read.
const STORE_PAUSE: Duration = Duration::from_secs(15);

/// Time for one mail.
const TIME: Duration = Duration::from_secs(90);

/// Sends what is in the outbox.
#[derive(Debug)]
pub struct Postman {
    accounts: Accounts,
    courier: Arc<dyn Courier>,
    base: BaseUrl,
    product: String,
    life: Duration,
}

/// What became of the mails that were due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Round {
    /// A server took them.
    pub sent: usize,
    /// They are tried again later.
    pub later: usize,
    /// Nobody gets them: there is no such person, no address, they asked too often, or the server refused for good.
    pub dropped: usize,
}

/// Why nobody gets a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Nobody {
    Ambiguous,
    Disabled,
    KeptElsewhere,
    NoAddress,
    TooLate,
    TooMany,
    Unknown,
}

impl Postman {
    /// Sends the mails of this store through this courier; their links begin with `base`.
    pub fn new(
        accounts: Accounts,
        courier: Arc<dyn Courier>,
        base: BaseUrl,
        product: impl Into<String>,
        settings: &ResetSettings,
    ) -> Self {
        Self { accounts, courier, base, product: product.into(), life: settings.life() }
    }

    /// Works until `stop` is done. What is under way then is finished.
    ///
    /// # Cancellation
    /// Safe; a mail under way is sent again when its lease is over.
    pub async fn work(&self, stop: impl Future<Output = ()>) {
        let (mut stop, mut round) = (pin!(stop), Round::default());
        loop {
            let pause = match self.deliver_one(&mut round).await {
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
    pub async fn deliver_due(&self) -> Result<Round, AccountsError> {
        let mut round = Round::default();
        while self.deliver_one(&mut round).await? {}
        Ok(round)
    }

    /// Takes the mail that has been due longest; tells whether there was one.
    async fn deliver_one(&self, round: &mut Round) -> Result<bool, AccountsError> {
        let (db, now) = (self.accounts.db(), self.accounts.now());
        let Some(wanted) = outbox::claim(db, now).await? else { return Ok(false) };
        if now > wanted.created.after(wanted.kind.patience()) {
            // The workers were away for longer than it was worth waiting.
            return self.drop_it(&wanted, Nobody::TooLate, round).await;
        }
        match self.write(&wanted).await? {
            Ok(letter) => self.hand_over(&wanted, &letter, round).await?,
            Err(nobody) => return self.drop_it(&wanted, nobody, round).await,
        }
        Ok(true)
    }

    async fn drop_it(
        &self,
        wanted: &Wanted,
        nobody: Nobody,
        round: &mut Round,
    ) -> Result<bool, AccountsError> {
        tracing::debug!(kind = ?wanted.kind, reason = ?nobody, "nobody gets this mail");
        round.dropped += 1;
        outbox::done(self.accounts.db(), wanted).await?;
        Ok(true)
    }

    async fn hand_over(
        &self,
        wanted: &Wanted,
        letter: &Letter,
        round: &mut Round,
    ) -> Result<(), AccountsError> {
        let db = self.accounts.db();
        match self.courier.send(letter, later(now(), TIME)).await {
            Ok(()) => {
                round.sent += 1;
                outbox::done(db, wanted).await
            }
            Err(SendError::Later(reason)) => {
                let again = outbox::put_back(db, wanted, self.accounts.now()).await?;
                tracing::warn!(kind = ?wanted.kind, reason, again, "a mail could not be sent");
                *(if again { &mut round.later } else { &mut round.dropped }) += 1;
                Ok(())
            }
            Err(SendError::Refused(reason)) => {
                tracing::warn!(kind = ?wanted.kind, reason, "a mail was refused for good");
                round.dropped += 1;
                outbox::done(db, wanted).await
            }
        }
    }

    async fn write(&self, wanted: &Wanted) -> Result<Result<Letter, Nobody>, AccountsError> {
        match wanted.kind {
            Kind::ResetRequest => self.reset(wanted).await,
            Kind::PasswordChanged => self.password_changed(wanted).await,
            Kind::Welcome => self.welcome(wanted, false).await,
            Kind::WelcomeWithLink => self.welcome(wanted, true).await,
        }
    }

    async fn reset(&self, wanted: &Wanted) -> Result<Result<Letter, Nobody>, AccountsError> {
        let user = match self.somebody(&wanted.subject).await? {
            Ok(user) => user,
            Err(nobody) => return Ok(Err(nobody)),
        };
        if wanted.attempt == 1 && !self.may_get_another(&user).await? {
            return Ok(Err(Nobody::TooMany));
        }
        let Some((token, address)) = self.token(&user, password_reset::PURPOSE).await? else {
            return Ok(Err(Nobody::Unknown));
        };
        let link = self.base.reset_link(&token);
        let mail = ResetLink {
            product: &self.product,
            name: user.called(),
            user: user.id.as_str(),
            link: &link,
            minutes: self.minutes(),
        };
        Ok(written(mail.to(&address)))
    }

    async fn password_changed(&self, wanted: &Wanted) -> Result<Result<Letter, Nobody>, AccountsError> {
        let Some(address) = &wanted.address else { return Ok(Err(Nobody::NoAddress)) };
        let Some(user) = self.user(&wanted.subject).await? else { return Ok(Err(Nobody::Unknown)) };
        let (product, base) = (self.product.as_str(), self.base.as_str());
        let mail = PasswordChanged { product, name: user.called(), user: user.id.as_str(), base };
        Ok(written(mail.to(address)))
    }

    async fn welcome(
        &self,
        wanted: &Wanted,
        with_link: bool,
    ) -> Result<Result<Letter, Nobody>, AccountsError> {
        let Some(user) = self.user(&wanted.subject).await? else { return Ok(Err(Nobody::Unknown)) };
        let Some(address) = user.email.clone() else { return Ok(Err(Nobody::NoAddress)) };
        let token = if with_link { self.token(&user, "welcome").await? } else { None };
        let link = token.map(|(token, _)| self.base.reset_link(&token));
        let mail = Welcome {
            product: &self.product,
            name: user.called(),
            user: user.id.as_str(),
            base: self.base.as_str(),
            link: link.as_ref().map(|link| (link.as_str(), self.minutes())),
        };
        Ok(written(mail.to(&address)))
    }

    /// Whom somebody meant who typed this: a user id, or a mail address that exactly one enabled user has.
    async fn somebody(&self, typed: &str) -> Result<Result<User, Nobody>, AccountsError> {
        let mut user = self.user(typed).await?;
        if user.is_none() && typed.contains('@') {
            let mut users = self.accounts.users().by_email(typed).await?;
            if users.len() > 1 {
                return Ok(Err(Nobody::Ambiguous));
            }
            user = users.pop();
        }
        Ok(match user {
            None => Err(Nobody::Unknown),
            Some(user) if !user.enabled => Err(Nobody::Disabled),
            Some(user) if !user.is_local() => Err(Nobody::KeptElsewhere),
            Some(user) if user.email.is_none() => Err(Nobody::NoAddress),
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
        let (name, now) = (user.id.name().as_str(), self.accounts.now());
        let mut tx = self.accounts.db().begin().await?;
        if rate_limits::wait(&mut tx, ResetSettings::PER_USER, SCOPE, name, now).await?.is_some() {
            return Ok(false);
        }
        rate_limits::take(&mut tx, SCOPE, name, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// A new token and the address on record; `None` when this user cannot have one any more.
    async fn token(&self, user: &User, purpose: &str) -> Result<Option<(Token, String)>, AccountsError> {
        match self.accounts.resets().issue(&user.id, purpose, self.life).await {
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

fn written(letter: Result<Letter, LetterError>) -> Result<Letter, Nobody> {
    letter.map_err(|error| {
        tracing::warn!(%error, "a mail could not be written");
        Nobody::NoAddress
    })
}
