//! Which apps there are, which are on, and what they are set to.

use crate::Accounts;
use crate::domain::error::AccountsError;
use crate::store::audit::{self, Action};
use crate::store::engine::{fault, sql};

/// The room of apps and their configuration. Ids and keys are 1 to 255 bytes of printable ASCII.
#[derive(Clone, Copy, Debug)]
pub struct Apps<'a>(pub(crate) &'a Accounts);

impl Apps<'_> {
    /// Whether an app was switched on or off here; `None` when nobody ever said so.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn state(self, app: &str) -> Result<Option<bool>, AccountsError> {
        let row = self.0.db().row(sql("SELECT enabled FROM apps WHERE id = $1").bind(app)).await?;
        row.map(|row| row.bool(0)).transpose().map_err(fault)
    }

    /// All apps that were ever switched here, by id, and whether they are on.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn states(self) -> Result<Vec<(String, bool)>, AccountsError> {
        let rows = self.0.db().rows(sql("SELECT id, enabled FROM apps ORDER BY id")).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.bool(1)?))).collect::<Result<_, _>>().map_err(fault)
    }

    /// Switches an app on or off.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when the id cannot be one.
    pub async fn set_enabled(self, app: &str, enabled: bool) -> Result<(), AccountsError> {
        key("app id", app)?;
        let mut tx = self.0.db().begin().await?;
        let put = sql("INSERT INTO apps (id, enabled) VALUES ($1, $2) \
                       ON CONFLICT (id) DO UPDATE SET enabled = excluded.enabled");
        tx.execute(put.bind(app).bind(enabled)).await?;
        let action = if enabled { Action::AppEnabled } else { Action::AppDisabled };
        audit::note(&mut tx, self.0, action, app, None).await?;
        tx.commit().await
    }

    /// The apps that have values, by id.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn configured(self) -> Result<Vec<String>, AccountsError> {
        let rows = self.0.db().rows(sql("SELECT DISTINCT app FROM app_config ORDER BY app")).await?;
        rows.iter().map(|row| row.text(0)).collect::<Result<_, _>>().map_err(fault)
    }

    /// An app's values, by key.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn values(self, app: &str) -> Result<Vec<(String, String)>, AccountsError> {
        let query = sql("SELECT key, value FROM app_config WHERE app = $1 ORDER BY key");
        let rows = self.0.db().rows(query.bind(app)).await?;
        rows.iter().map(|row| Ok((row.text(0)?, row.text(1)?))).collect::<Result<_, _>>().map_err(fault)
    }

    /// Whether an app was switched on or off here, and its values by key: both as they are at one moment.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn state_and_values(
        self,
        app: &str,
    ) -> Result<(Option<bool>, Vec<(String, String)>), AccountsError> {
        let query = sql("SELECT key, value, NULL FROM app_config WHERE app = $1 \
                         UNION ALL SELECT NULL, NULL, enabled FROM apps WHERE id = $1 ORDER BY 1");
        let (mut state, mut values) = (None, Vec::new());
        for row in self.0.db().rows(query.bind(app)).await? {
            match row.text_or_null(0).map_err(fault)? {
                Some(key) => values.push((key, row.text(1).map_err(fault)?)),
                None => state = Some(row.bool(2).map_err(fault)?),
            }
        }
        Ok((state, values))
    }

    /// A value of an app.
    ///
    /// # Errors
    /// When the store cannot tell.
    pub async fn value(self, app: &str, key: &str) -> Result<Option<String>, AccountsError> {
        let query = sql("SELECT value FROM app_config WHERE app = $1 AND key = $2");
        let row = self.0.db().row(query.bind(app).bind(key)).await?;
        row.map(|row| row.text(0)).transpose().map_err(fault)
    }

    /// Sets a value of an app.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`] when id or key cannot be one, or the value has a NUL.
    pub async fn set_value(self, app: &str, name: &str, value: &str) -> Result<(), AccountsError> {
        key("app id", app)?;
        key("key", name)?;
        text(value)?;
        let mut tx = self.0.db().begin().await?;
        let put = sql("INSERT INTO app_config (app, key, value) VALUES ($1, $2, $3) \
                       ON CONFLICT (app, key) DO UPDATE SET value = excluded.value");
        tx.execute(put.bind(app).bind(name).bind(value)).await?;
        audit::note(&mut tx, self.0, Action::ConfigChanged, app, Some(name)).await?;
        tx.commit().await
    }

    /// Deletes a value; tells whether there was one.
    ///
    /// # Errors
    /// When it could not be written.
    pub async fn delete_value(self, app: &str, name: &str) -> Result<bool, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let delete = sql("DELETE FROM app_config WHERE app = $1 AND key = $2");
        if tx.execute(delete.bind(app).bind(name)).await? == 0 {
            return Ok(false);
        }
        audit::note(&mut tx, self.0, Action::ConfigChanged, app, Some(name)).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// An id or a key of configuration.
pub(crate) fn key(field: &'static str, key: &str) -> Result<(), AccountsError> {
    let fits =
        (1..=255).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
    if fits { Ok(()) } else { Err(AccountsError::invalid(field, key, "1 to 255 bytes of printable ASCII")) }
}

/// A value: PostgreSQL has no text with NUL.
pub(crate) fn text(value: &str) -> Result<(), AccountsError> {
    let nul = value.contains('\0');
    if nul { Err(AccountsError::invalid("value", "a text with NUL", "a text without NUL")) } else { Ok(()) }
}
