//! Sessions: after one sign-in, a browser sends a cookie instead of the password.
//!
//! A session is a row in the store and is deleted in the transaction that ends its owner's
//! credentials; nothing of it is remembered here. [`ActiveSession`] is made by looking at that row
//! and in no other way.

use std::net::IpAddr;
use std::time::Duration;

use accounts::EXTERNAL_APP;
use accounts::{AccountsError, LOCAL_BACKEND, Session, Snapshot, Timestamp, Token, TokenHash, User};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use user_backend::{Outcome, Rejection};
use zeroize::Zeroizing;

use super::proof::{Accepted, ActiveSession};
use super::sealed;
use super::sign_in::Accepts;
use super::token_shape::is_token_shaped;
use crate::state::AppState;

/// A session ends after this time without a request.
const IDLE: Duration = Duration::from_secs(2 * 60 * 60);

/// And after this time in any case: external passwords are not verified again.
const LONGEST: Duration = Duration::from_secs(12 * 60 * 60);

/// Resolution of the time of last use: not every use is a write.
const SEEN_RESOLUTION: Duration = Duration::from_secs(60);

/// For how long a page shows a new app password again.
const SHOWN_FOR: Duration = Duration::from_secs(5 * 60);

/// Interval for deleting expired sessions.
const SWEEP: Duration = Duration::from_secs(10 * 60);

/// How long to wait while the server that checks the password cannot be reached.
const TRY_AGAIN: Duration = Duration::from_secs(60);

/// The longest description of a browser that is kept, in bytes.
const LONGEST_AGENT: usize = 200;

/// The origin of a session, shown to its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Browser {
    /// The address of the sign-in.
    pub address: IpAddr,
    /// The user agent.
    pub agent: String,
}

impl Browser {
    /// Where a session of the store comes from, as far as that can still be read.
    pub fn of(session: &Session) -> Option<Self> {
        kept(session).map(|kept| kept.browser)
    }

    /// The same, as much of it as is kept.
    fn shortened(&self) -> Self {
        Self { address: self.address, agent: cut(&self.agent, LONGEST_AGENT).to_owned() }
    }
}

/// The cookie of a session that was begun or confirmed.
#[derive(Debug)]
#[non_exhaustive]
pub struct SessionCookie {
    /// Its value.
    pub token: Token,
    /// How long the browser keeps it; until the browser is closed, if unset.
    pub life: Option<Duration>,
}

/// The stored data of a session.
#[derive(Debug, Serialize, Deserialize)]
struct Kept {
    #[serde(flatten)]
    browser: Browser,
    /// The password was accepted although who could tell was away.
    stale: bool,
    /// Its owner chose to stay signed in.
    #[serde(default)]
    lasting: bool,
    /// A secret that a page shows once more, sealed with the cookie, and until when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<(Timestamp, String)>,
}

impl AppState {
    /// Signs in with a password and begins a session; its token is the value of the cookie.
    ///
    /// `lasting`: the user chose to stay signed in, which holds if the settings allow it and the
    /// password was checked just now.
    ///
    /// # Errors
    /// When the store cannot tell.
    ///
    /// # Security
    /// The session does not begin when the password was changed, or the account disabled, while it
    /// was being checked.
    pub async fn begin_session(
        &self,
        name: &str,
        password: &str,
        browser: &Browser,
        lasting: bool,
    ) -> Result<Result<SessionCookie, Outcome>, AccountsError> {
        let before = self.accounts().credential_epoch().current().await?;
        let Accepted { proof, standing } =
            match self.sign_in(name, password, browser.address, Accepts::Password).await? {
                Ok(accepted) => accepted,
                Err(outcome) => return Ok(Err(outcome)),
            };
        let (source, browser) = (browser.address, browser.shortened());
        let stale = proof.is_stale();
        let life = self.stay().filter(|_| lasting && !stale);
        let kept = Kept { browser, stale, lasting: life.is_some(), shown: None };
        let data = serde_json::to_vec(&kept).unwrap_or_default();
        let system = self.accounts().as_system();
        let sessions = system.sessions();
        match sessions.begin_after(&standing.user.id, before, life.unwrap_or(IDLE), &data).await {
            Ok(token) => {
                tracing::info!(
                    target: "audit", user = ?standing.user.id, %source, "signed in at the page"
                );
                Ok(Ok(SessionCookie { token, life }))
            }
            Err(AccountsError::Stale { .. } | AccountsError::NotFound { .. }) => {
                Ok(Err(Outcome::Refused(Rejection::BadCredentials)))
            }
            Err(error) => Err(error),
        }
    }

    /// The user of this cookie; `None` when the session has ended, for whatever reason.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn session(&self, cookie: &str) -> Result<Option<ActiveSession>, AccountsError> {
        if !is_token_shaped(cookie) {
            return Ok(None);
        }
        self.session_of(&TokenHash::of(cookie)).await
    }

    /// The same, found by what is kept of its token.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub(super) async fn session_of(&self, token: &TokenHash) -> Result<Option<ActiveSession>, AccountsError> {
        let Some(session) = self.accounts().sessions().find(token).await? else { return Ok(None) };
        let Some(id) = &session.user else { return Ok(None) };
        let look = self.accounts().snapshot(Some(id.name())).await?;
        let Some(standing) = look.permissions() else { return Ok(None) };
        if !standing.user.enabled || !self.is_served(&standing.user, &look) {
            return Ok(None);
        }
        // Data that cannot be read come from another version and count as old.
        let kept = kept(&session);
        let stale = kept.as_ref().is_none_or(|kept| kept.stale);
        let lasting = kept.is_some_and(|kept| kept.lasting);
        if !self.goes_on(token, &session, lasting).await? {
            return Ok(None);
        }
        Ok(Some(ActiveSession { standing, token: *token, stale, lasting, confirmed: session.confirmed }))
    }

    /// Confirms a session with the password of its owner, which counts as a sign-in.
    ///
    /// Returns the session as it is from then on, and its new cookie; the one before it opens
    /// nothing any more.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn confirm_session(
        &self,
        session: &ActiveSession,
        password: &str,
        browser: &Browser,
    ) -> Result<Result<(ActiveSession, SessionCookie), Outcome>, AccountsError> {
        let id = &session.user().id;
        let decided = self.sign_in(id.as_str(), password, browser.address, Accepts::Password).await?;
        let refused = Outcome::Refused(Rejection::BadCredentials);
        let accepted = match decided {
            Ok(accepted) if accepted.standing.user.id == *id => accepted,
            Ok(_) => return Ok(Err(refused)),
            Err(outcome) => return Ok(Err(outcome)),
        };
        if accepted.proof.is_stale() {
            return Ok(Err(Outcome::Unavailable { retry_after: TRY_AGAIN }));
        }
        let system = self.accounts().as_system();
        let sessions = system.sessions();
        let found = sessions.find(&session.token).await?;
        let kept = found.as_ref().and_then(kept);
        let browser = kept.map_or_else(|| browser.shortened(), |kept| kept.browser);
        let lasting = session.lasting;
        let data = Kept { browser, stale: false, lasting, shown: None };
        let data = serde_json::to_vec(&data).unwrap_or_default();
        // A session that has ended meanwhile, because the password was changed, confirms nothing.
        let confirmed = sessions.confirm(&session.token, &data).await?;
        let Some((at, token)) = confirmed else { return Ok(Err(refused)) };
        tracing::info!(target: "audit", user = ?id, "confirmed the password at the page");
        let standing = accepted.standing;
        let (token_hash, confirmed) = (token.hash(), Some(at));
        // A confirmation does not move the end of a session.
        let stay = self.stay().filter(|_| lasting);
        let life = stay.zip(found).map(|(stay, found)| between(at, found.created.after(stay)));
        let session = ActiveSession { standing, token: token_hash, stale: false, lasting, confirmed };
        Ok(Ok((session, SessionCookie { token, life })))
    }

    /// How long a user may choose to stay signed in, if at all.
    pub fn stay(&self) -> Option<Duration> {
        let days = self.settings().pages.stay_signed_in_days;
        (days > 0).then(|| Duration::from_secs(u64::from(days) * 24 * 60 * 60))
    }

    /// Keeps a secret for the next page of a session, which shows it for a few minutes.
    ///
    /// Only its cookie opens it. Returns whether it is kept.
    ///
    /// # Errors
    /// When the store cannot be written.
    pub(crate) async fn keep_shown(
        &self,
        cookie: &str,
        secret: &impl Serialize,
    ) -> Result<bool, AccountsError> {
        let token = TokenHash::of(cookie);
        let system = self.accounts().as_system();
        let Some(mut kept) = system.sessions().find(&token).await?.as_ref().and_then(kept) else {
            return Ok(false);
        };
        let Ok(plain) = serde_json::to_vec(secret).map(Zeroizing::new) else { return Ok(false) };
        let Some(sealed) = sealed::seal(cookie, &plain) else { return Ok(false) };
        kept.shown = Some((accounts::Clock::system().now().after(SHOWN_FOR), sealed));
        system.sessions().put(&token, &serde_json::to_vec(&kept).unwrap_or_default()).await
    }

    /// The secret that was kept for this page.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(crate) async fn shown<T: DeserializeOwned>(&self, cookie: &str) -> Result<Option<T>, AccountsError> {
        let session = self.accounts().sessions().find(&TokenHash::of(cookie)).await?;
        let shown = session.as_ref().and_then(kept).and_then(|kept| kept.shown);
        let Some((_, sealed)) = shown.filter(|(until, _)| *until > accounts::Clock::system().now()) else {
            return Ok(None);
        };
        Ok(sealed::open(cookie, &sealed).and_then(|plain| serde_json::from_slice(&plain).ok()))
    }

    /// Removes expired rows, periodically.
    pub async fn sweep(&self) {
        let mut turns = tokio::time::interval(SWEEP);
        loop {
            turns.tick().await;
            if let Err(error) = self.accounts().as_system().sessions().sweep().await {
                tracing::warn!(%error, "what has expired could not be removed");
            }
        }
    }

    /// Whether the backend of this user is still enabled and admits them.
    ///
    /// `look` is about this user.
    pub(super) fn is_served(&self, user: &User, look: &Snapshot) -> bool {
        if user.backend.as_str() == LOCAL_BACKEND {
            return true;
        }
        let groups = look.details.as_deref().map(|details| &details.groups);
        let is_member =
            |group: &str| groups.is_some_and(|groups| groups.iter().any(|own| own.as_str() == group));
        look.app(EXTERNAL_APP).unwrap_or(true) && self.admits(user, is_member)
    }

    /// Whether a session continues; its owner has just used it.
    async fn goes_on(
        &self,
        token: &TokenHash,
        session: &Session,
        is_lasting: bool,
    ) -> Result<bool, AccountsError> {
        let now = accounts::Clock::system().now();
        let (idle, longest) = match self.stay().filter(|_| is_lasting) {
            Some(stay) => (stay, stay),
            None => (IDLE, LONGEST),
        };
        let left = between(now, session.created.after(longest));
        if left.is_zero() {
            return Ok(false);
        }
        if session.seen.after(SEEN_RESOLUTION) > now {
            return Ok(true);
        }
        self.accounts().as_system().sessions().touch(token, idle.min(left)).await
    }
}

fn kept(session: &Session) -> Option<Kept> {
    serde_json::from_slice(&session.data).ok()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.millis().saturating_sub(from.millis())).unwrap_or_default())
}

/// The beginning of a text, at most this many bytes, in whole characters.
fn cut(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or_default()).unwrap_or_default()
}
