//! Sessions of signed-in users.

use std::time::Duration;

use crate::domain::{
    AccountsError, Action, CredentialEpoch, SKEW, Timestamp, Token, TokenHash, User, UserId,
};
use crate::store::change::{Change, LockedUser};
use crate::store::credential_epoch;
use crate::store::engine::{Row, sql};
use crate::store::handle::table;
use crate::store::rights::Right;
use crate::store::users::repository::find_key;
use crate::store::users::row::UserKey;

/// Most sessions of one user.
pub const MAX_SESSIONS: usize = 100;

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Whose it is; `None` before the sign-in.
    pub user: Option<UserId>,
    /// When it began.
    pub created: Timestamp,
    /// When it was seen last.
    pub seen: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
    /// When its owner last typed the password.
    pub confirmed: Option<Timestamp>,
    /// What the server keeps in it.
    pub data: Vec<u8>,
}

/// Whether a session is valid at `$2`.
///
/// `$3` has the latest time at which it may have begun or been used.
macro_rules! goes_on {
    () => {
        "sessions.expires_at > $2 AND sessions.created_at <= $3 AND sessions.seen_at <= $3"
    };
}

table! {
    /// Sessions.
    ///
    /// They end with the credentials of their user, in the same transaction; and when the clock is
    /// set back to before their beginning by more than [`SKEW`], since their age is unknown then.
    Sessions, SessionsMut
}

impl SessionsMut<'_> {
    /// Begins a session.
    ///
    /// The token goes to the browser; here only its hash is kept. Of a user who has
    /// [`MAX_SESSIONS`], the one that was not seen for the longest time ends.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: there is no such user, or they are disabled.
    pub async fn begin(
        self,
        user: Option<&UserId>,
        life: Duration,
        data: &[u8],
    ) -> Result<Token, AccountsError> {
        self.begin_if(user, |_| true, life, data).await
    }

    async fn begin_if(
        self,
        user: Option<&UserId>,
        still: impl Fn(&User) -> bool,
        life: Duration,
        data: &[u8],
    ) -> Result<Token, AccountsError> {
        let (token, now) = (Token::random()?, self.0.now());
        let mut change = self.0.change().await?;
        let mut key = None;
        if let Some(id) = user {
            let LockedUser { key: UserKey(found), user } = change.lock_user(id).await?;
            if !user.enabled {
                return Err(AccountsError::missing("enabled user", id.as_str()));
            }
            if !still(&user) {
                return Err(AccountsError::Stale { what: "sign-in" });
            }
            end_oldest(&mut change, found).await?;
            key = Some(found);
        }
        let insert = sql(
            "INSERT INTO sessions (token, user_key, created_at, seen_at, confirmed_at, expires_at, data) \
                          VALUES ($1, $2, $3, $3, $6, $4, $5)",
        )
        .bind(token.hash().bytes())
        .bind(key)
        .bind(now.millis())
        .bind(now.after(life).millis())
        .bind(data)
        .bind(key.map(|_| now.millis()));
        change.execute(insert).await?;
        change.commit().await?;
        Ok(token)
    }

    /// Begins a session, unless the user's credentials ended since `before`.
    ///
    /// So a password that was changed during its check is not accepted.
    ///
    /// # Errors
    /// [`AccountsError::Stale`] then, and those of [`Self::begin`].
    pub async fn begin_after(
        self,
        user: &UserId,
        before: CredentialEpoch,
        life: Duration,
        data: &[u8],
    ) -> Result<Token, AccountsError> {
        self.begin_if(Some(user), |user| user.epoch <= before, life, data).await
    }
}

impl Sessions<'_> {
    /// The session of a token, if it has not ended.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, token: &TokenHash) -> Result<Option<Session>, AccountsError> {
        let now = self.0.now();
        let query = sql(concat!(
            "SELECT users.id, users.name, sessions.created_at, seen_at, expires_at, data, confirmed_at FROM sessions \
             LEFT JOIN users ON users.key = sessions.user_key WHERE token = $1 AND ",
            goes_on!()
        ));
        let query = query.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis());
        let row = self.0.db().row(query).await?;
        let Some(row) = row else { return Ok(None) };
        let user = match (row.text_or_null(0)?, row.text_or_null(1)?) {
            (Some(id), Some(name)) => Some(UserId::stored(&id, &name)?),
            _ => None,
        };
        let time = |at| row.int(at).map(Timestamp::from_millis);
        Ok(Some(Session {
            user,
            created: time(2)?,
            seen: time(3)?,
            expires: time(4)?,
            confirmed: row.time_or_null(6)?,
            data: row.bytes(5)?,
        }))
    }
}

impl SessionsMut<'_> {
    /// Notes that a session was seen, and lets it live on from now.
    ///
    /// Returns whether it still existed.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn touch(self, token: &TokenHash, life: Duration) -> Result<bool, AccountsError> {
        let now = self.0.now();
        let touch = sql(concat!(
            "UPDATE sessions SET seen_at = $2, expires_at = $4 WHERE token = $1 AND ",
            goes_on!()
        ));
        let mut change = self.0.change().await?;
        let touch = touch.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis());
        let touch = touch.bind(now.after(life).millis());
        let there = change.execute(touch).await? > 0;
        change.commit().await?;
        Ok(there)
    }

    /// Replaces what the server keeps in a session; returns whether it still existed.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn put(self, token: &TokenHash, data: &[u8]) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let now = self.0.now();
        let put = sql(concat!("UPDATE sessions SET data = $4 WHERE token = $1 AND ", goes_on!()));
        let put = put.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis()).bind(data);
        let there = change.execute(put).await? > 0;
        change.commit().await?;
        Ok(there)
    }

    /// Records a password confirmation; replaces the session's data and token.
    ///
    /// Returns the time and the new token, or `None` if the session has ended.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn confirm(
        self,
        token: &TokenHash,
        data: &[u8],
    ) -> Result<Option<(Timestamp, Token)>, AccountsError> {
        let renewed = Token::random()?;
        let mut change = self.0.change().await?;
        let now = self.0.now();
        let confirm = sql(concat!(
            "UPDATE sessions SET confirmed_at = $2, data = $4, token = $5 \
             WHERE token = $1 AND user_key IS NOT NULL AND ",
            goes_on!()
        ));
        let confirm =
            confirm.bind(token.bytes()).bind(now.millis()).bind(now.after(SKEW).millis()).bind(data);
        let confirm = confirm.bind(renewed.hash().bytes());
        let there = change.execute(confirm).await? > 0;
        change.commit().await?;
        Ok(there.then_some((now, renewed)))
    }

    /// Ends a session; returns whether it existed.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn end(self, token: &TokenHash) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let there =
            change.execute(sql("DELETE FROM sessions WHERE token = $1").bind(token.bytes())).await? > 0;
        change.commit().await?;
        Ok(there)
    }

    /// Ends one session of this user; returns whether there was one.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn end_of(self, user: &UserId, token: &TokenHash) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(user, Right::Access).await?;
        let end = sql("DELETE FROM sessions WHERE user_key = $1 AND token = $2");
        let there = change.execute(end.bind(key.0).bind(token.bytes())).await? > 0;
        if there {
            change.note(Action::SessionsEnded, user.id.name().as_str(), None).await?;
        }
        change.commit().await?;
        Ok(there)
    }

    /// Ends all sessions of a user but one; returns how many.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn end_all(self, user: &UserId, but: Option<&TokenHash>) -> Result<u64, AccountsError> {
        let mut change = self.0.change().await?;
        let LockedUser { key, user } = change.lock_target(user, Right::Access).await?;
        let keep = but.map_or([0_u8; 32], |token| *token.bytes());
        let end = sql("DELETE FROM sessions WHERE user_key = $1 AND token <> $2");
        let ended = change.execute(end.bind(key.0).bind(&keep)).await?;
        if ended > 0 {
            change.note(Action::SessionsEnded, user.id.name().as_str(), None).await?;
        }
        change.commit().await?;
        Ok(ended)
    }
}

impl Sessions<'_> {
    /// A user's sessions, the one that was seen last first, at most 100.
    ///
    /// With each what it is found by.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn list(self, user: &UserId) -> Result<Vec<(TokenHash, Session)>, AccountsError> {
        let key = find_key(self.0.db(), user).await?;
        let now = self.0.now();
        let query = sql(concat!(
            "SELECT token, created_at, seen_at, expires_at, data, confirmed_at FROM sessions WHERE user_key = $1 AND ",
            goes_on!(),
            " ORDER BY seen_at DESC, token LIMIT 100"
        ));
        let query = query.bind(key.0).bind(now.millis()).bind(now.after(SKEW).millis());
        let rows = self.0.db().rows(query).await?;
        let read = |row: &Row| {
            let time = |at| row.int(at).map(Timestamp::from_millis);
            let token = TokenHash::stored(&row.bytes(0)?)?;
            let session = Session {
                user: Some(user.clone()),
                created: time(1)?,
                seen: time(2)?,
                expires: time(3)?,
                confirmed: row.time_or_null(5)?,
                data: row.bytes(4)?,
            };
            Ok((token, session))
        };
        rows.iter().map(read).collect()
    }

    /// How many sessions a user has.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn count(self, user: &UserId) -> Result<u64, AccountsError> {
        let key = find_key(self.0.db(), user).await?;
        let now = self.0.now();
        let query = sql(concat!("SELECT COUNT(*) FROM sessions WHERE user_key = $1 AND ", goes_on!()));
        let query = query.bind(key.0).bind(now.millis()).bind(now.after(SKEW).millis());
        let row = self.0.db().row(query).await?;
        Ok(row.map(|row| row.count(0)).transpose()?.unwrap_or_default())
    }
}

impl SessionsMut<'_> {
    /// Deletes expired sessions, resets and app passwords; returns their number.
    ///
    /// Servers call it regularly. After the clock was set back, it also deletes what began later
    /// than now.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn sweep(self) -> Result<u64, AccountsError> {
        let now = self.0.now();
        let (now, latest) = (now.millis(), now.after(SKEW).millis());
        let mut change = self.0.change().await?;
        let old = sql("DELETE FROM sessions WHERE expires_at <= $1 OR created_at > $2 OR seen_at > $2");
        let mut swept = change.execute(old.bind(now).bind(latest)).await?;
        let old = sql("DELETE FROM resets WHERE expires_at <= $1 OR created_at > $2");
        swept += change.execute(old.bind(now).bind(latest)).await?;
        swept += change.execute(sql("DELETE FROM app_passwords WHERE expires_at <= $1").bind(now)).await?;
        // The database raises the epoch by itself where app passwords end, and deletes nothing.
        credential_epoch::purge_passed(&mut change).await?;
        change.commit().await?;
        Ok(swept)
    }
}

/// Makes room for one more session of a user.
async fn end_oldest(change: &mut Change<'_>, user: i64) -> Result<(), AccountsError> {
    let keep = i64::try_from(MAX_SESSIONS - 1).unwrap_or(i64::MAX);
    let end = sql("DELETE FROM sessions WHERE token IN (SELECT token FROM sessions WHERE user_key = $1 \
                   ORDER BY seen_at DESC, created_at DESC, token LIMIT 1000000 OFFSET $2)");
    change.execute(end.bind(user).bind(keep)).await.map(drop)
}
