//! The database of an existing installation, read and never written.
//!
//! Every column is read as text: the same installation may have grown through a dozen versions and
//! two engines.

mod copy;
mod engine;
mod location;

use std::path::Path;

use accounts::LegacySalt;
use sqlx::sqlite::{Sqlite, SqliteConnection};

use crate::cli::Common;
use crate::config_file;
use crate::exit::CliError;
use copy::Copy;
use engine::{Cells, Engine};
use location::SourceLocation;

/// The latest version of the PHP system whose tables are known to be read right.
const LATEST_VERSION: u32 = 34;

/// The source, copied.
#[derive(Debug)]
pub(super) struct Source {
    copy: SqliteConnection,
    salt: LegacySalt,
    problems: Vec<String>,
    app_passwords: u64,
}

/// A user as the source has them.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) uid: String,
    pub(super) display_name: Option<String>,
    /// The hash of a local user.
    pub(super) hash: Option<String>,
    /// Names of an external user's backends in the source; usually one.
    pub(super) backends: Vec<String>,
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
    /// Reads the database of a `config.php`: the given one, or the configuration itself.
    pub(super) async fn read(common: &Common, from: Option<&Path>) -> Result<Self, CliError> {
        let file = match from {
            Some(file) => file.to_owned(),
            None => config_file::find(common.config.as_deref())?,
        };
        let place = SourceLocation::read(file, &common.registry)?;
        let mut engine = Engine::open(&place).await?;
        let salt = LegacySalt::new(place.text("passwordsalt")?.unwrap_or_default());
        let Copy { connection, mut problems } = Copy::make(&mut engine, &place.prefix).await?;
        problems.extend(place.version().as_deref().and_then(newer));
        let app_passwords = app_passwords(&mut engine, &place.prefix).await?;
        Ok(Self { copy: connection, salt, problems, app_passwords })
    }

    /// What is wrong with the source as a whole.
    pub(super) fn take_problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// How many app passwords there are.
    ///
    /// They are kept as hashes together with a secret of the installation, and a device shows its
    /// app password to the device only: nothing can be imported.
    pub(super) fn app_passwords(&self) -> u64 {
        self.app_passwords
    }

    /// Salt of the oldest hashes (`passwordsalt`).
    pub(super) fn salt(&self) -> &LegacySalt {
        &self.salt
    }

    /// How many rows of users there are, of one kind.
    pub(super) async fn count(&mut self, external: bool) -> Result<u64, CliError> {
        let table = if external { "users_external" } else { "users" };
        let rows = self.rows(&format!("SELECT COUNT(*) FROM {table}"), &[]).await?;
        let count = rows.into_iter().flatten().flatten().next();
        Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
    }

    /// The users after `after`, in the order of their ids.
    pub(super) async fn users(
        &mut self,
        external: bool,
        after: &str,
        limit: usize,
    ) -> Result<Vec<UserRow>, CliError> {
        let query = if external { EXTERNAL_USERS } else { LOCAL_USERS };
        let rows = self.rows(&format!("{query} LIMIT {limit}"), &[after]).await?;
        let users = rows.into_iter().filter_map(|mut row| {
            let rows = row.pop()??.parse().unwrap_or(1);
            let (backends, hash, display_name) = (row.pop()?, row.pop()?, row.pop()?);
            // Of no backend at all: a row without a name is of the backend with the empty name.
            let backends = backends.and_then(|list| serde_json::from_str::<Vec<Option<String>>>(&list).ok());
            let backends = backends.into_iter().flatten().map(Option::unwrap_or_default).collect();
            Some(UserRow { uid: row.pop()??, display_name, hash, backends, rows })
        });
        Ok(users.collect())
    }

    /// Members who are no users, with their groups.
    pub(super) async fn unknown_members(
        &mut self,
    ) -> Result<Vec<(Option<String>, Option<String>)>, CliError> {
        let rows = self.rows(UNKNOWN_MEMBERS, &[]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?, row.pop()?)))
            .map(|(g, u)| (u, g))
            .collect())
    }

    /// The groups and their names.
    pub(super) async fn groups(&mut self) -> Result<Vec<(String, Option<String>)>, CliError> {
        let rows = self.rows("SELECT gid, displayname FROM groups ORDER BY gid", &[]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?, row.pop()?)))
            .map(|(n, g)| (g.unwrap_or_default(), n))
            .collect())
    }

    /// The groups of a user, or those that the user administers.
    pub(super) async fn groups_of(&mut self, uid: &str, admin: bool) -> Result<Vec<String>, CliError> {
        let rows = self.rows(if admin { GROUPS_OF_ADMIN } else { GROUPS_OF }, &[uid]).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// The preferences that belong to a user's record: app, key, value.
    pub(super) async fn preferences(&mut self, uid: &str) -> Result<Vec<(String, String, String)>, CliError> {
        let rows = self.rows(PREFERENCES, &[uid]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| {
                let (value, key) = (row.pop()?.unwrap_or_default(), row.pop()??);
                Some((row.pop()??, key, value))
            })
            .collect())
    }

    /// The values of `enabled` of names that are no users there.
    pub(super) async fn enabled_of_others(&mut self) -> Result<Vec<(String, String)>, CliError> {
        let rows = self.rows(ENABLED_OF_OTHERS, &[]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?.unwrap_or_default(), row.pop()??)))
            .map(|(value, uid)| (uid, value))
            .collect())
    }

    /// The profile of a user, as JSON.
    pub(super) async fn account(&mut self, uid: &str) -> Result<Option<String>, CliError> {
        Ok(self.rows(ACCOUNT, &[uid]).await?.into_iter().flatten().flatten().next())
    }

    /// Asks the copy.
    async fn rows(&mut self, query: &str, values: &[&str]) -> Result<Vec<Cells>, CliError> {
        let rows = engine::fetch::<Sqlite>(&mut self.copy, query.to_owned(), values).await;
        rows.map_err(|error| copy::no_copy(&error))
    }
}

const LOCAL_USERS: &str =
    "SELECT uid, displayname, password, NULL, '1' FROM users WHERE uid > $1 ORDER BY uid";
const EXTERNAL_USERS: &str = "SELECT uid, MAX(displayname), NULL, json_group_array(backend), COUNT(*) FROM users_external \
     WHERE uid > $1 GROUP BY uid ORDER BY uid";
const UNKNOWN_MEMBERS: &str = "SELECT uid, gid FROM group_user member \
     WHERE NOT EXISTS (SELECT 1 FROM users known WHERE known.uid = member.uid) \
     AND NOT EXISTS (SELECT 1 FROM users_external known WHERE known.uid = member.uid) ORDER BY gid, uid";
const GROUPS_OF: &str = "SELECT gid FROM group_user WHERE uid = $1 ORDER BY gid";
const GROUPS_OF_ADMIN: &str = "SELECT gid FROM group_admin WHERE uid = $1 ORDER BY gid";
const PREFERENCES: &str = "SELECT appid, configkey, configvalue FROM preferences WHERE userid = $1";
const ENABLED_OF_OTHERS: &str = "SELECT userid, configvalue FROM preferences other \
     WHERE appid = 'core' AND configkey = 'enabled' \
     AND NOT EXISTS (SELECT 1 FROM users known WHERE known.uid = other.userid) \
     AND NOT EXISTS (SELECT 1 FROM users_external known WHERE known.uid = other.userid) ORDER BY userid";
const ACCOUNT: &str = "SELECT data FROM accounts WHERE uid = $1";

/// How many app passwords there are.
async fn app_passwords(engine: &mut Engine, prefix: &str) -> Result<u64, CliError> {
    let table = format!("{prefix}authtoken");
    if !engine.columns(&table).await?.iter().any(|column| column.eq_ignore_ascii_case("type")) {
        return Ok(0);
    }
    let query = format!("SELECT CONCAT(COUNT(*), '') FROM {table} WHERE type = 1");
    let rows = engine.rows(&query, &[]).await?;
    let count = rows.into_iter().flatten().flatten().next();
    Ok(count.and_then(|count| count.parse().ok()).unwrap_or(0))
}

/// The warning about a version that is newer than the known ones.
fn newer(version: &str) -> Option<String> {
    let major: u32 = version.split('.').next()?.trim().parse().ok()?;
    (major > LATEST_VERSION).then(|| {
        format!(
            "the installation has version {}, and {LATEST_VERSION} is the latest that is known here: compare what is imported \
             with what is there",
            version.escape_debug()
        )
    })
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{AssertSqlSafe, ConnectOptions, Executor, Row};

    use super::*;

    /// An installation of this size, without a single index.
    async fn without_indexes(people: usize) -> SqliteConnection {
        let mut made = SqliteConnectOptions::new().in_memory(true).connect().await.unwrap();
        let tables = "CREATE TABLE oc_users (uid TEXT, displayname TEXT, password TEXT);
            CREATE TABLE oc_users_external (backend TEXT, uid TEXT, displayname TEXT);
            CREATE TABLE oc_groups (gid TEXT, displayname TEXT);
            CREATE TABLE oc_group_user (gid TEXT, uid TEXT);
            CREATE TABLE oc_group_admin (gid TEXT, uid TEXT);
            CREATE TABLE oc_accounts (uid TEXT, data TEXT);
            CREATE TABLE oc_preferences (userid TEXT, appid TEXT, configkey TEXT, configvalue TEXT);";
        made.execute(tables).await.unwrap();
        let numbers =
            format!("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {people})");
        for (table, columns) in [
            ("oc_users", "'local ' || i, NULL, 'x'"),
            ("oc_users_external", "'mail', 'external ' || i, NULL"),
            ("oc_group_user", "'staff', 'local ' || i"),
            ("oc_preferences", "'external ' || i, 'core', 'enabled', 'false'"),
        ] {
            let insert = format!("INSERT INTO {table} {numbers} SELECT {columns} FROM n");
            made.execute(AssertSqlSafe(insert)).await.unwrap();
        }
        made
    }

    #[tokio::test]
    async fn source_without_indexes_is_read_once() {
        let mut queries = Vec::new();
        for people in [10, 2000] {
            let mut engine = Engine::of_sqlite(without_indexes(people).await);
            let copy = Copy::make(&mut engine, "oc_").await.unwrap();
            assert_eq!(copy.problems, [""; 0]);
            queries.push(engine.queries());
            let mut source = Source {
                copy: copy.connection,
                salt: LegacySalt::new(String::new()),
                problems: Vec::new(),
                app_passwords: 0,
            };
            assert_eq!(source.count(true).await.unwrap(), u64::try_from(people).unwrap());
            assert_eq!(source.groups_of("local 7", false).await.unwrap(), ["staff"]);
            assert_eq!(source.preferences("external 7").await.unwrap().len(), 1);
        }
        assert_eq!(queries[0], queries[1], "the number of users decides how much is asked");
    }

    #[tokio::test]
    async fn queries_about_one_user_use_an_index() {
        let mut engine = Engine::of_sqlite(without_indexes(10).await);
        let mut copy = Copy::make(&mut engine, "oc_").await.unwrap();
        for query in [
            LOCAL_USERS,
            EXTERNAL_USERS,
            UNKNOWN_MEMBERS,
            GROUPS_OF,
            GROUPS_OF_ADMIN,
            PREFERENCES,
            ENABLED_OF_OTHERS,
            ACCOUNT,
        ] {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {query}"));
            let plan = sqlx::query(explain).bind("alice").fetch_all(&mut copy.connection).await.unwrap();
            let plan: Vec<String> = plan.iter().map(|row| row.get::<String, _>("detail")).collect();
            // Those about everyone go through one table and look the others up.
            let scans = plan.iter().filter(|step| step.starts_with("SCAN")).count();
            let may_scan = usize::from([UNKNOWN_MEMBERS, ENABLED_OF_OTHERS].contains(&query));
            assert_eq!(scans, may_scan, "{query}: {plan:?}");
            assert!(
                plan.iter().any(|step| step.contains("USING") && step.contains("INDEX")),
                "{query}: {plan:?}"
            );
            assert!(!plan.iter().any(|step| step.contains("AUTOMATIC")), "{query}: {plan:?}");
        }
    }

    #[test]
    fn newer_versions_are_reported() {
        assert_eq!(newer("34.0.1.2"), None);
        assert_eq!(newer("9"), None);
        assert_eq!(newer("nonsense"), None);
        assert!(newer("35.0.0.0").is_some_and(|text| text.contains("version 35.0.0.0")));
    }
}
