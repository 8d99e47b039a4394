//! Preferences of users, per app.

use crate::domain::{AccountsError, UserId, app_config};
use crate::store::change::LockedUser;
use crate::store::engine::sql;
use crate::store::handle::table;
use crate::store::rights::Right;

table! {
    /// Preferences.
    ///
    /// App ids and keys are 1 to 255 bytes of printable ASCII.
    Preferences, PreferencesMut
}

/// A preference.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Preference {
    /// The app.
    pub app: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl Preferences<'_> {
    /// All preferences of a user, by app and key; of one app only when one is named.
    ///
    /// # Errors
    /// When the store cannot be read. A user who does not exist has none.
    pub async fn list(self, user: &UserId, app: Option<&str>) -> Result<Vec<Preference>, AccountsError> {
        let all = "SELECT app, preferences.key, value FROM users JOIN preferences ON user_key = users.key \
                   WHERE users.name = $1 ORDER BY app, preferences.key";
        let some = "SELECT app, preferences.key, value FROM users JOIN preferences ON user_key = users.key \
                    WHERE users.name = $1 AND app = $2 ORDER BY app, preferences.key";
        let query = sql(if app.is_some() { some } else { all }).bind(user.name().as_str());
        let query = match app {
            Some(app) => query.bind(app),
            None => query,
        };
        let rows = self.0.db().rows(query).await?;
        let read = rows
            .iter()
            .map(|row| Ok(Preference { app: row.text(0)?, key: row.text(1)?, value: row.text(2)? }));
        read.collect::<Result<_, _>>()
    }

    /// A preference.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn find(self, user: &UserId, app: &str, key: &str) -> Result<Option<String>, AccountsError> {
        let query = sql("SELECT value FROM users JOIN preferences ON user_key = users.key \
                         WHERE users.name = $1 AND app = $2 AND preferences.key = $3");
        let row = self.0.db().row(query.bind(user.name().as_str()).bind(app).bind(key)).await?;
        row.map(|row| row.text(0)).transpose()
    }
}

impl PreferencesMut<'_> {
    /// Sets preferences of one app: all of them or none.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user. [`AccountsError::Invalid`].
    pub async fn set(
        self,
        user: &UserId,
        app: &str,
        values: impl IntoIterator<Item = (&str, &str)> + Send,
    ) -> Result<(), AccountsError> {
        let values: Vec<_> = values.into_iter().collect();
        app_config::key("app id", app)?;
        for (key, value) in &values {
            app_config::key("key", key)?;
            app_config::text(value)?;
        }
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, .. } = change.lock_target(user, Right::OneselfOrOver).await?;
        for (key, value) in values {
            let put = sql("INSERT INTO preferences (user_key, app, key, value) VALUES ($1, $2, $3, $4) \
                           ON CONFLICT (user_key, app, key) DO UPDATE SET value = excluded.value");
            change.execute(put.bind(user_key.0).bind(app).bind(key).bind(value)).await?;
        }
        change.commit().await
    }

    /// Deletes preferences of one app; returns how many there were.
    ///
    /// # Errors
    /// [`AccountsError::NotFound`]: the user.
    pub async fn delete(
        self,
        user: &UserId,
        app: &str,
        keys: impl IntoIterator<Item = &str> + Send,
    ) -> Result<u64, AccountsError> {
        let keys: Vec<_> = keys.into_iter().collect();
        let mut change = self.0.change().await?;
        let LockedUser { key: user_key, .. } = change.lock_target(user, Right::OneselfOrOver).await?;
        let mut deleted = 0;
        for key in keys {
            let delete = sql("DELETE FROM preferences WHERE user_key = $1 AND app = $2 AND key = $3");
            deleted += change.execute(delete.bind(user_key.0).bind(app).bind(key)).await?;
        }
        change.commit().await?;
        Ok(deleted)
    }
}
