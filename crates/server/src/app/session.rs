//! Sessions: after one sign-in a browser comes back with a cookie instead of the password.
//!
//! A session is a row in the store and dies there, in the transaction that ends its owner's credentials; nothing of it is
//! remembered here. [`SignedIn`] is made by looking at that row and in no other way.

use std::net::IpAddr;
use std::time::Duration;

use accounts::EXTERNAL_APP;
use accounts::{
    AccountsError, LOCAL_BACKEND, Permissions, Session, Snapshot, Timestamp, Token, TokenHash, User,
};
use serde::{Deserialize, Serialize};
use user_backend::Freshness;

use super::{App, SignIn, looks_like_one};

/// A session ends when nobody came for so long.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// And then in any case: nobody asks a mail server whether a password still holds.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// How exact the time of the latest visit is: not every visit is a write.
const GRAIN: Duration = Duration::from_secs(60);

/// What ended by itself is swept out so often.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// The longest description of a browser that is kept, in bytes.
const LONGEST_AGENT: usize = 200;

/// Where a session comes from, to be shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// The address of the sign-in.
    pub address: IpAddr,
    /// What the browser calls itself.
    pub agent: String,
}

impl Browser {
    /// Where a session of the store comes from, as far as that can still be read.
    pub fn of(session: &Session) -> Option<Self> {
        kept(session).map(|kept| kept.browser)
    }
}

/// What is kept in a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    browser: Browser,
    /// The password was accepted although who could tell was away.
    stale: bool,
}

/// Somebody who signed in a while ago and has come back.
#[derive(Clone, Debug)]
pub struct SignedIn {
    standing: Permissions,
    token: TokenHash,
    stale: bool,
}

impl SignedIn {
    /// The account, as it is now.
    pub fn standing(&self) -> &Permissions {
        &self.standing
    }

    /// The user.
    pub fn user(&self) -> &User {
        &self.standing.user
    }

    /// What the session is found by.
    pub fn token(&self) -> &TokenHash {
        &self.token
    }

    /// Whether the password was accepted by memory alone: not good enough for changing anything.
    pub fn is_stale(&self) -> bool {
        self.stale
    }
}

/// What became of a sign-in that shall last.
#[derive(Debug)]
pub enum NewSession {
    /// It is them; this goes to the browser.
    Begun(Token),
    /// It is not, or the person may not sign in.
    Refused,
    /// Too many wrong ones before.
    Throttled(Duration),
    /// Who could tell cannot be asked.
    Unavailable(Duration),
}

impl App {
    /// Signs a person in, by the password that they keep in mind: an app password is for programs and opens no page.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn sign_in_in_person(
        &self,
        name: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<SignIn, AccountsError> {
        self.held_back(async {
            if self.is_app_password(password).await? {
                return Ok(SignIn::Refused);
            }
            self.decide(name, password, from).await
        })
        .await
    }

    /// Whether a text is anybody's app password.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn is_app_password(&self, text: &str) -> Result<bool, AccountsError> {
        let tokens = self.accounts().app_passwords();
        Ok(looks_like_one(text) && tokens.owner(&TokenHash::of(text)).await?.is_some())
    }

    /// Signs a person in and begins a session.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Security
    /// The session does not begin when the password was changed, or the account disabled, while it was being checked.
    pub async fn begin_session(
        &self,
        name: &str,
        password: &str,
        browser: &Browser,
    ) -> Result<NewSession, AccountsError> {
        let before = self.accounts().credential_epoch().current().await?;
        let (proof, standing) = match self.sign_in_in_person(name, password, browser.address).await? {
            SignIn::Welcome(proof, standing) => (proof, standing),
            SignIn::Refused => return Ok(NewSession::Refused),
            SignIn::Throttled(wait) => return Ok(NewSession::Throttled(wait)),
            SignIn::Unavailable(wait) => return Ok(NewSession::Unavailable(wait)),
        };
        let mut browser = browser.clone();
        browser.agent = cut(&browser.agent, LONGEST_AGENT).to_owned();
        let stale = matches!(proof.freshness(), Freshness::Stale { .. });
        let data = serde_json::to_vec(&Kept { browser, stale }).unwrap_or_default();
        match self.accounts().sessions().begin_after(&standing.user.id, before, IDLE, &data).await {
            Ok(token) => {
                tracing::info!(target: "audit", user = ?standing.user.id, "signed in at the page");
                Ok(NewSession::Begun(token))
            }
            Err(AccountsError::Stale { .. } | AccountsError::NotFound { .. }) => Ok(NewSession::Refused),
            Err(error) => Err(error),
        }
    }

    /// Who comes with this cookie; nobody when the session has ended, for whatever reason.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn session(&self, cookie: &str) -> Result<Option<SignedIn>, AccountsError> {
        if !looks_like_one(cookie) {
            return Ok(None);
        }
        let (token, sessions) = (TokenHash::of(cookie), self.accounts().sessions());
        let Some(session) = sessions.find(&token).await? else { return Ok(None) };
        let Some(id) = &session.user else { return Ok(None) };
        let look = self.accounts().snapshot(Some(id.name())).await?;
        let Some(standing) = look.permissions() else { return Ok(None) };
        if !standing.user.enabled || !self.is_served(&standing.user, &look) {
            return Ok(None);
        }
        if !self.goes_on(&token, &session).await? {
            return Ok(None);
        }
        // What cannot be read is of another version and is believed to be old.
        let stale = kept(&session).is_none_or(|kept| kept.stale);
        Ok(Some(SignedIn { standing, token, stale }))
    }

    /// Removes what ended by itself, again and again.
    pub async fn sweep(&self) {
        let mut turns = tokio::time::interval(SWEEP);
        loop {
            turns.tick().await;
            if let Err(error) = self.accounts().sessions().sweep().await {
                tracing::warn!(%error, "what has expired could not be removed");
            }
        }
    }

    /// Whether whoever checks this user's password is still asked at all.
    fn is_served(&self, user: &User, look: &Snapshot) -> bool {
        let id = user.backend.as_str();
        id == LOCAL_BACKEND || self.backend(id).is_some() && look.app(EXTERNAL_APP).unwrap_or(true)
    }

    /// Whether a session goes on; its owner has just been seen.
    async fn goes_on(&self, token: &TokenHash, session: &Session) -> Result<bool, AccountsError> {
        let now = accounts::Clock::system().now();
        let left = between(now, session.created.after(LONGEST));
        if left.is_zero() {
            return Ok(false);
        }
        if session.seen.after(GRAIN) > now {
            return Ok(true);
        }
        self.accounts().sessions().touch(token, IDLE.min(left)).await
    }
}

fn kept(session: &Session) -> Option<Kept> {
    serde_json::from_slice(&session.data).ok()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.millis().saturating_sub(from.millis())).unwrap_or_default())
}

/// At most so many bytes of a text, whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
