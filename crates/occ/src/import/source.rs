//! The database of an existing installation, read and never written.
//!
//! Every column is read as text: the same installation may have grown through a dozen versions and two engines.

use std::path::{Path, PathBuf};

use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};
use user_backend::config::{Config, Loader};

use crate::cli::Common;
use crate::config;
use crate::exit::Failure;

/// The settings of a `config.php` that tell where the database is.
const SETTINGS: [&str; 7] = ["dbtype", "dbhost", "dbport", "dbname", "dbuser", "dbpassword", "dbtableprefix"];

/// A row of text.
type Cells = Vec<Option<String>>;

/// The open source.
#[derive(Debug)]
pub(super) struct Source {
    engine: Engine,
    prefix: String,
}

#[derive(Debug)]
enum Engine {
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// A user as the source has them.
#[derive(Debug)]
pub(super) struct UserRow {
    pub(super) uid: String,
    pub(super) display_name: Option<String>,
    /// The hash of a local user.
    pub(super) hash: Option<String>,
    /// What the source calls the backend of an external user.
    pub(super) backend: Option<String>,
}

impl Source {
    /// Opens the database that a `config.php` names: the one given, or the configuration itself.
    pub(super) async fn open(common: &Common, from: Option<&Path>) -> Result<Self, Failure> {
        let file = match from {
            Some(file) => file.to_owned(),
            None => config::find(common.config.as_deref())?,
        };
        if file.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("php")) {
            return Err(Failure::new(format!(
                "{} is no config.php; name that of the installation with --from",
                file.display()
            )));
        }
        let loader = Loader::new().allow_no_backends().setting("datadirectory");
        let loader = SETTINGS.into_iter().fold(loader, Loader::setting);
        let config = loader.load(&file).map_err(config::wrong)?;
        let text = |name: &str| config.section::<String>(name).map_err(config::wrong);
        let prefix = text("dbtableprefix")?.unwrap_or_else(|| "oc_".to_owned());
        if !prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(wrong(&config, "dbtableprefix", "another character", "letters, digits and _"));
        }
        let engine = match text("dbtype")?.as_deref().unwrap_or("sqlite3") {
            "sqlite" | "sqlite3" => sqlite(&config, &file, text("datadirectory")?, text("dbname")?).await?,
            "pgsql" => postgres(&config).await?,
            other => {
                let found = format!("the database {other:?}");
                return Err(wrong(&config, "dbtype", &found, "sqlite3 or pgsql; others cannot be read yet"));
            }
        };
        let mut source = Self { engine, prefix };
        if !source.has("users").await? {
            return Err(Failure::new(format!(
                "the database has no table {}users: this is no installation, or the table prefix is another one",
                source.prefix
            )));
        }
        Ok(source)
    }

    /// How many users there are, of both kinds.
    pub(super) async fn count(&mut self) -> Result<u64, Failure> {
        let mut total = 0;
        for table in ["users", "users_external"] {
            if !self.has(table).await? {
                continue;
            }
            let rows = self.rows("SELECT CAST(COUNT(*) AS TEXT) FROM {}", table, &[]).await?;
            let count = rows.into_iter().flatten().flatten().next();
            total += count.and_then(|count| count.parse::<u64>().ok()).unwrap_or(0);
        }
        Ok(total)
    }

    /// The users behind `after`, in the order of their ids.
    pub(super) async fn users(
        &mut self,
        external: bool,
        after: &str,
        limit: usize,
    ) -> Result<Vec<UserRow>, Failure> {
        let query = if external {
            // A name may be at several backends: the first of them, and whether that hides others is asked elsewhere.
            "SELECT uid, MAX(displayname), NULL, MIN(backend) FROM {} WHERE uid > $1 GROUP BY uid ORDER BY uid"
        } else {
            "SELECT uid, displayname, password, NULL FROM {} WHERE uid > $1 ORDER BY uid"
        };
        let table = if external { "users_external" } else { "users" };
        if external && !self.has(table).await? {
            return Ok(Vec::new());
        }
        let rows = self.rows(&format!("{query} LIMIT {limit}"), table, &[after]).await?;
        let users = rows.into_iter().filter_map(|mut row| {
            let (backend, hash, display_name) = (row.pop()?, row.pop()?, row.pop()?);
            Some(UserRow { uid: row.pop()??, display_name, hash, backend })
        });
        Ok(users.collect())
    }

    /// External users who are at several backends.
    pub(super) async fn ambiguous(&mut self) -> Result<Vec<String>, Failure> {
        if !self.has("users_external").await? {
            return Ok(Vec::new());
        }
        let query = "SELECT uid FROM {} GROUP BY uid HAVING COUNT(*) > 1 ORDER BY uid";
        Ok(self.rows(query, "users_external", &[]).await?.into_iter().flatten().flatten().collect())
    }

    /// The groups and their names.
    pub(super) async fn groups(&mut self) -> Result<Vec<(String, Option<String>)>, Failure> {
        // Old versions know no names of groups.
        let named = self.rows("SELECT gid, displayname FROM {} ORDER BY gid", "groups", &[]).await;
        let rows = match named {
            Ok(rows) => rows,
            Err(_) => self.rows("SELECT gid, NULL FROM {} ORDER BY gid", "groups", &[]).await?,
        };
        Ok(rows
            .into_iter()
            .filter_map(|mut row| Some((row.pop()?, row.pop()??)))
            .map(|(n, g)| (g, n))
            .collect())
    }

    /// The groups of a user, or those that the user administers.
    pub(super) async fn groups_of(&mut self, uid: &str, admin: bool) -> Result<Vec<String>, Failure> {
        let table = if admin { "group_admin" } else { "group_user" };
        let rows = self.rows("SELECT gid FROM {} WHERE uid = $1 ORDER BY gid", table, &[uid]).await?;
        Ok(rows.into_iter().flatten().flatten().collect())
    }

    /// The preferences that belong to a user's record: app, key, value.
    pub(super) async fn preferences(&mut self, uid: &str) -> Result<Vec<(String, String, String)>, Failure> {
        let query = "SELECT appid, configkey, configvalue FROM {} WHERE userid = $1 \
                     AND appid IN ('core', 'files', 'settings')";
        let rows = self.rows(query, "preferences", &[uid]).await?;
        Ok(rows
            .into_iter()
            .filter_map(|mut row| {
                let (value, key) = (row.pop()??, row.pop()??);
                Some((row.pop()??, key, value))
            })
            .collect())
    }

    /// What a user told about themselves, as JSON.
    pub(super) async fn account(&mut self, uid: &str) -> Result<Option<String>, Failure> {
        if !self.has("accounts").await? {
            return Ok(None);
        }
        let rows = self.rows("SELECT data FROM {} WHERE uid = $1", "accounts", &[uid]).await?;
        Ok(rows.into_iter().flatten().flatten().next())
    }

    async fn has(&mut self, table: &str) -> Result<bool, Failure> {
        let name = format!("{}{table}", self.prefix);
        let rows = match &mut self.engine {
            Engine::Sqlite(connection) => {
                let query = sqlx::query("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = $1");
                query.bind(name).fetch_all(connection).await.map(|rows| rows.len())
            }
            Engine::Postgres(connection) => {
                let query = sqlx::query("SELECT 1 FROM pg_class WHERE oid = to_regclass($1)");
                query.bind(name).fetch_all(connection).await.map(|rows| rows.len())
            }
        };
        rows.map(|rows| rows > 0).map_err(|error| unreadable(&error))
    }

    /// Asks the database; `{}` stands for the table with its prefix, which is letters, digits and `_`.
    async fn rows(&mut self, query: &str, table: &str, values: &[&str]) -> Result<Vec<Cells>, Failure> {
        let text = AssertSqlSafe(query.replace("{}", &format!("{}{table}", self.prefix)));
        match &mut self.engine {
            Engine::Sqlite(connection) => {
                let mut asked = sqlx::query(text);
                for value in values {
                    asked = asked.bind((*value).to_owned());
                }
                let rows = asked.fetch_all(connection).await.map_err(|error| unreadable(&error))?;
                rows.iter()
                    .map(|row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<Cells, _>>())
                    .collect::<Result<_, _>>()
                    .map_err(|error| unreadable(&error))
            }
            Engine::Postgres(connection) => {
                let mut asked = sqlx::query(text);
                for value in values {
                    asked = asked.bind((*value).to_owned());
                }
                let rows = asked.fetch_all(connection).await.map_err(|error| unreadable(&error))?;
                rows.iter()
                    .map(|row| (0..row.len()).map(|at| row.try_get(at)).collect::<Result<Cells, _>>())
                    .collect::<Result<_, _>>()
                    .map_err(|error| unreadable(&error))
            }
        }
    }
}

async fn sqlite(
    config: &Config,
    file: &Path,
    data: Option<String>,
    name: Option<String>,
) -> Result<Engine, Failure> {
    let Some(data) = data else {
        return Err(wrong(config, "datadirectory", "nothing", "the folder in which the database is"));
    };
    let folder = file.parent().unwrap_or_else(|| Path::new("")).join(data);
    let path: PathBuf = folder.join(format!("{}.db", name.as_deref().unwrap_or("owncloud")));
    if !path.is_file() {
        return Err(Failure::new(format!("there is no database {}", path.display())));
    }
    let options = SqliteConnectOptions::new().filename(&path).read_only(true).create_if_missing(false);
    let opened = options.connect().await;
    opened.map(Engine::Sqlite).map_err(|error| unreadable(&error).about(&path.display().to_string()))
}

async fn postgres(config: &Config) -> Result<Engine, Failure> {
    let text = |name: &str| config.section::<String>(name).map_err(config::wrong);
    let mut options =
        PgConnectOptions::new_without_pgpass().options([("default_transaction_read_only", "on")]);
    let host = text("dbhost")?.unwrap_or_else(|| "localhost".to_owned());
    match host.rsplit_once(':') {
        Some((name, port)) if !host.starts_with('/') && !name.contains(':') => {
            let port =
                port.parse().map_err(|_| wrong(config, "dbhost", "no port behind the colon", "host:port"))?;
            options = options.host(name).port(port);
        }
        _ => options = options.host(&host),
    }
    if let Some(name) = text("dbname")? {
        options = options.database(&name);
    }
    if let Some(user) = text("dbuser")? {
        options = options.username(&user);
    }
    if let Some(password) = text("dbpassword")? {
        options = options.password(&password);
    }
    options.connect().await.map(Engine::Postgres).map_err(|error| unreadable(&error))
}

fn wrong(config: &Config, name: &str, found: &str, expected: &str) -> Failure {
    config::wrong(config.section_error(name, &[], found, expected))
}

/// Without the server's own words: they can hold values.
fn unreadable(error: &sqlx::Error) -> Failure {
    let why = match error {
        sqlx::Error::Io(error) => format!("the connection failed: {}", error.kind()),
        sqlx::Error::Database(told) => {
            let code = told.code().unwrap_or_default();
            format!(
                "the database refuses (code {})",
                code.chars().filter(char::is_ascii_alphanumeric).collect::<String>()
            )
        }
        _ => "the database cannot be read".to_owned(),
    };
    Failure::unavailable(format!("the database to import from: {why}"))
}
