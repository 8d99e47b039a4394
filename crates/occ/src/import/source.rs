//! The database of an existing installation, read and never written.
//!
//! Every column is read as text: the same installation may have grown through a dozen versions and two engines.

mod engine;
mod place;

use std::path::Path;

use accounts::LegacySalt;

use crate::cli::Common;
use crate::config_file;
use crate::exit::CliError;
use engine::{Cells, Engine};
use place::Place;

/// The open source.
#[derive(Debug)]
pub(super) struct Source {
    engine: Engine,
    prefix: String,
    salt: LegacySalt,
}

/// A user as the source has them.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) uid: String,
    pub(super) display_name: Option<String>,
    /// The hash of a local user.
    pub(super) hash: Option<String>,
    /// Name of an external user's backend in the source.
    pub(super) backend: Option<String>,
    /// How many rows the source has for this user.
    pub(super) rows: u64,
}

impl UserRow {
    /// Whether the id is text as it stands there, and not what is left of it.
    pub(super) fn is_readable(&self) -> bool {
        !self.uid.contains(char::REPLACEMENT_CHARACTER)
    }
}

impl Source {
    /// Opens the database that a `config.php` names: the one given, or the configuration itself.
    pub(super) async fn open(common: &Common, from: Option<&Path>) -> Result<Self, CliError> {
        let file = match from {
            Some(file) => file.to_owned(),
            None => config_file::find(common.config.as_deref())?,
        };
        let place = Place::read(file, &common.registry)?;
        let engine = Engine::open(&place).await?;
        let salt = LegacySalt::new(place.text("passwordsalt")?.unwrap_or_default());
        let mut source = Self { engine, prefix: place.prefix, salt };
        if !source.has("users").await? {
            return Err(CliError::new(format!(
                "the database has no table {}users: this is no installation, or the table prefix is another one",
                source.prefix
            )));
        }
        Ok(source)
    }

    /// How many rows of users there are, of one kind.
    pub(super) async fn count(&mut self, external: bool) -> Result<u64, CliError> {
        self.number(users_of(external), "").await
    }

    /// How many app passwords there are. They are kept as hashes together with a secret of the installation, and a device
    /// shows its app password to the device only: nothing can be imported.
    pub(super) async fn app_passwords(&mut self) -> Result<u64, CliError> {
        self.number("authtoken", " WHERE type = 1").await
    }

    /// Salt of the oldest hashes (`passwordsalt`).
    pub(super) fn salt(&self) -> &LegacySalt {
        &self.salt
    }

    /// The users after `after`, in the order of their ids.
    pub(super) async fn users(
        &mut self,
        external: bool,
        after: &str,
        limit: usize,
    ) -> Result<Vec<UserRow>, CliError> {
        let table = users_of(external);
        if external && !self.has(table).await? {
            return Ok(Vec::new());
        }
        // A name may be at several backends: the first of them, and whether that hides others is asked elsewhere.
        let (what, together) = if external {
            ("uid, MAX(displayname), NULL, MIN(backend), CONCAT(COUNT(*), '')", "GROUP BY uid ")
        } else {
            ("uid, displayname, password, NULL, '1'", "")
        };
        let is_text = self.engine.is_text("uid");
        let query = format!(
            "SELECT {what} FROM {{}} WHERE uid > $1 AND {is_text} {together}ORDER BY uid LIMIT {limit}"
        );
        let rows = self.rows(&query, table, &[after]).await?;
        let users = rows.into_iter().filter_map(|mut row| {
            let rows = row.pop()??.parse().unwrap_or(1);
            let (backend, hash, display_name) = (row.pop()?, row.pop()?, row.pop()?);
            // A user without a matching backend does not become a local user.
            let backend = external.then(|| backend.unwrap_or_default());
            Some(UserRow { uid: row.pop()??, display_name, hash, backend, rows })
        });
        Ok(users.collect())
    }

    /// External users who are at several backends.
    pub(super) async fn ambiguous(&mut self) -> Result<Vec<String>, CliError> {
        if !self.has("users_external").await? {
            return Ok(Vec::new());
        }
        let query = "SELECT uid FROM {} GROUP BY uid HAVING COUNT(*) > 1 ORDER BY uid";
        Ok(self.rows(query, "users_external", &[]).await?.into_iter().flatten().flatten().collect())
    }

    /// Members who are no users, with their groups.
    pub(super) async fn strangers(&mut self) -> Result<Vec<(Option<String>, Option<String>)>, CliError> {
        let mut query = "SELECT uid, gid FROM {} WHERE 1 = 1".to_owned();
        for table in ["users", "users_external"] {
            if self.has(table).await? {
                let (prefix, members) = (&self.prefix, format!("{}group_user", self.prefix));
                query += &format!(
                    " AND NOT EXISTS (SELECT 1 FROM {prefix}{table} known WHERE known.uid = {members}.uid)"
                );
            }
        }
        let rows = self.rows(&(query + " ORDER BY gid, uid"), "group_user", &[]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?, row.pop()?)))
            .map(|(g, u)| (u, g))
            .collect())
    }

    /// The groups and their names.
    pub(super) async fn groups(&mut self) -> Result<Vec<(String, Option<String>)>, CliError> {
        // Old versions know no names of groups.
        let named = self.rows("SELECT gid, displayname FROM {} ORDER BY gid", "groups", &[]).await;
        let rows = match named {
            Ok(rows) => rows,
            Err(_) => self.rows("SELECT gid, NULL FROM {} ORDER BY gid", "groups", &[]).await?,
        };
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?, row.pop()?)))
            .map(|(n, g)| (g.unwrap_or_default(), n))
            .collect())
    }

    /// The groups of a user, or those that the user administers.
    pub(super) async fn groups_of(&mut self, uid: &str, admin: bool) -> Result<Vec<String>, CliError> {
        let table = if admin { "group_admin" } else { "group_user" };
        let rows = self.rows("SELECT gid FROM {} WHERE uid = $1 ORDER BY gid", table, &[uid]).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// The preferences that belong to a user's record: app, key, value.
    pub(super) async fn preferences(&mut self, uid: &str) -> Result<Vec<(String, String, String)>, CliError> {
        let query = "SELECT appid, configkey, configvalue FROM {} WHERE userid = $1 \
                     AND appid IN ('core', 'files', 'login', 'settings')";
        let rows = self.rows(query, "preferences", &[uid]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| {
                let (value, key) = (row.pop()??, row.pop()??);
                Some((row.pop()??, key, value))
            })
            .collect())
    }

    /// The profile of a user, as JSON.
    pub(super) async fn account(&mut self, uid: &str) -> Result<Option<String>, CliError> {
        if !self.has("accounts").await? {
            return Ok(None);
        }
        let rows = self.rows("SELECT data FROM {} WHERE uid = $1", "accounts", &[uid]).await?;
        Ok(rows.into_iter().flatten().flatten().next())
    }

    /// How many rows a table has; none when it is not there.
    async fn number(&mut self, table: &str, which: &str) -> Result<u64, CliError> {
        if !self.has(table).await? {
            return Ok(0);
        }
        let rows = self.rows(&format!("SELECT CONCAT(COUNT(*), '') FROM {{}}{which}"), table, &[]).await?;
        let count = rows.into_iter().flatten().flatten().next();
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    async fn has(&mut self, table: &str) -> Result<bool, CliError> {
        self.engine.has(&format!("{}{table}", self.prefix)).await
    }

    /// Asks the database; `{}` stands for the table with its prefix, which is letters, digits and `_`.
    async fn rows(&mut self, query: &str, table: &str, values: &[&str]) -> Result<Vec<Cells>, CliError> {
        self.engine.rows(&query.replace("{}", &format!("{}{table}", self.prefix)), values).await
    }
}

/// The table of one kind of user.
fn users_of(external: bool) -> &'static str {
    if external { "users_external" } else { "users" }
}
