//! Which apps there are, which are on, and what they are set to.

use zeroize::Zeroizing;

use crate::domain::{AccountsError, Action, AppSetting, AppValueType, app_config};
use crate::store::engine::{Query, Row, sql};
use crate::store::handle::table;
use crate::store::rights::Right;

table! {
    /// Apps and their configuration.
    ///
    /// Ids and keys are 1 to 255 bytes of printable ASCII.
    Apps, AppsMut
}

impl Apps<'_> {
    /// Whether an app was switched on or off here; `None` when it never was.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn state(self, app: &str) -> Result<Option<bool>, AccountsError> {
        let row = self.0.db().row(sql("SELECT enabled FROM apps WHERE id = $1").bind(app)).await?;
        row.map(|row| row.bool(0)).transpose()
    }

    /// All apps that were ever switched here, by id, and whether they are on.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn states(self) -> Result<Vec<(String, bool)>, AccountsError> {
        let rows = self.0.db().rows(sql("SELECT id, enabled FROM apps ORDER BY id")).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.bool(1)?))).collect::<Result<_, _>>()
    }
}

impl AppsMut<'_> {
    /// Switches an app on or off.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when the id cannot be one.
    pub async fn set_enabled(self, app: &str, enabled: bool) -> Result<(), AccountsError> {
        app_config::key("app id", app)?;
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let put = sql("INSERT INTO apps (id, enabled) VALUES ($1, $2) \
                       ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled");
        change.execute(put.bind(app).bind(enabled)).await?;
        let action = if enabled { Action::AppEnabled } else { Action::AppDisabled };
        change.note(action, app, None).await?;
        change.commit().await
    }
}

impl Apps<'_> {
    /// The apps that have values, by id.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn configured(self) -> Result<Vec<String>, AccountsError> {
        let rows = self.0.db().rows(sql("SELECT DISTINCT app FROM app_config ORDER BY app")).await?;
        rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>()
    }

    /// An app's values, by key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn values(self, app: &str) -> Result<Vec<(String, String)>, AccountsError> {
        let query = sql("SELECT key, value FROM app_config WHERE app = $1 ORDER BY key");
        let rows = self.0.db().rows(query.bind(app)).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<_, _>>()
    }

    /// Whether an app was switched on or off here, and its values by key.
    ///
    /// Both as they are at one moment.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn state_and_values(
        self,
        app: &str,
    ) -> Result<(Option<bool>, Vec<(String, String)>), AccountsError> {
        let query = sql("SELECT key, value, NULL FROM app_config WHERE app = $1 \
                         UNION ALL SELECT NULL, NULL, enabled FROM apps WHERE id = $1 ORDER BY 1");
        let (mut state, mut values) = (None, Vec::new());
        for row in self.0.db().rows(query.bind(app)).await? {
            match row.text_or_null(0)? {
                Some(key) => values.push((key, row.text(1)?)),
                None => state = Some(row.bool(2)?),
            }
        }
        Ok((state, values))
    }

    /// An app's settings, by key.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn settings(self, app: &str) -> Result<Vec<(String, AppSetting)>, AccountsError> {
        let query =
            sql("SELECT value, type, lazy, sensitive, key FROM app_config WHERE app = $1 ORDER BY key");
        let rows = self.0.db().rows(query.bind(app)).await?;
        rows.iter().map(|row| Ok((row.text(4)?, setting(row)?))).collect()
    }

    /// A setting of an app.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn setting(self, app: &str, key: &str) -> Result<Option<AppSetting>, AccountsError> {
        let query = sql("SELECT value, type, lazy, sensitive FROM app_config WHERE app = $1 AND key = $2");
        let row = self.0.db().row(query.bind(app).bind(key)).await?;
        row.as_ref().map(setting).transpose()
    }

    /// A value of an app.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn value(self, app: &str, key: &str) -> Result<Option<String>, AccountsError> {
        let query = sql("SELECT value FROM app_config WHERE app = $1 AND key = $2");
        let row = self.0.db().row(query.bind(app).bind(key)).await?;
        row.map(|row| row.text(0)).transpose()
    }
}

impl AppsMut<'_> {
    /// Sets a value of an app; what is known about it stays.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when id or key cannot be one, or the value has a NUL.
    pub async fn set_value(self, app: &str, name: &str, value: &str) -> Result<(), AccountsError> {
        let put = sql("INSERT INTO app_config (app, key, value) VALUES ($1, $2, $3) \
                       ON CONFLICT (app, key) DO UPDATE SET value = excluded.value");
        self.put(app, name, value, put.bind(app).bind(name).bind(value)).await
    }

    /// Sets a value of an app, and what is known about it.
    ///
    /// # Errors
    /// As [`Self::set_value`].
    pub async fn set(self, app: &str, name: &str, setting: &AppSetting) -> Result<(), AccountsError> {
        let put = sql(
            "INSERT INTO app_config (app, key, value, type, lazy, sensitive) VALUES ($1, $2, $3, $4, $5, $6) \
                       ON CONFLICT (app, key) DO UPDATE SET value = excluded.value, type = excluded.type, \
                       lazy = excluded.lazy, sensitive = excluded.sensitive",
        );
        let AppSetting { value, kind, lazy, sensitive } = setting;
        let put = put.bind(app).bind(name).bind(value.as_str()).bind(kind.as_str());
        self.put(app, name, value, put.bind(*lazy).bind(*sensitive)).await
    }

    async fn put(self, app: &str, name: &str, value: &str, put: Query) -> Result<(), AccountsError> {
        app_config::key("app id", app)?;
        app_config::key("key", name)?;
        app_config::text(value)?;
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        change.execute(put).await?;
        change.note(Action::ConfigChanged, app, Some(name)).await?;
        change.commit().await
    }

    /// Deletes a value; returns whether there was one.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn delete_value(self, app: &str, name: &str) -> Result<bool, AccountsError> {
        let mut change = self.0.change().await?;
        change.require(Right::Admin).await?;
        let delete = sql("DELETE FROM app_config WHERE app = $1 AND key = $2");
        if change.execute(delete.bind(app).bind(name)).await? == 0 {
            return Ok(false);
        }
        change.note(Action::ConfigChanged, app, Some(name)).await?;
        change.commit().await?;
        Ok(true)
    }
}

/// A row that begins with the columns `value, type, lazy, sensitive`.
///
/// A type of a later version counts as not set.
fn setting(row: &Row) -> Result<AppSetting, AccountsError> {
    Ok(AppSetting {
        value: Zeroizing::new(row.text(0)?),
        kind: row.text(1)?.parse().unwrap_or(AppValueType::Mixed),
        lazy: row.bool(2)?,
        sensitive: row.bool(3)?,
    })
}
