//! Installations to import from, built from the documented tables, for each database.

use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor};

use crate::database::{Database, DatabaseServer};
use crate::{CliOutput, OccFixture};

/// `Wonderland-1` by PHP's `password_hash`, bcrypt, with the version in front.
pub(crate) const HASH: &str = "1|$2y$05$TmM5RCvZXYjeFvgcA571neItkZ9x9bpjVlxrL2/PwJeBqRGklxfJa";

/// The same password by old versions: bcrypt with `passwordsalt`, and SHA-1.
const OLDER: &str = "$2y$05$7rKgKRJ5FuP6.6Ujf4vGL.LJO3.jczyM6.i1yEHr7oIs/VE0FpDom";
const OLDEST: &str = "81f3122ee20bcce15538448e8fca39178037300f";

const CONFIG: &str = r"
  'passwordsalt' => 'pepperfromconfig',
  'user_backends' => [
    ['class' => '\OCA\UserExternal\IMAP', 'arguments' => ['mail.example.com', 993, 'ssl']],
    ['class' => 'OC_User_FTP', 'tls' => 'explicit', 'arguments' => ['files.example.com']],
  ],
";

const TABLES: &str = r#"
CREATE TABLE oc_users (uid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(64), password VARCHAR(255) NOT NULL DEFAULT '', uid_lower VARCHAR(64));
CREATE TABLE oc_groups (gid VARCHAR(64) PRIMARY KEY, displayname VARCHAR(255) NOT NULL DEFAULT 'name');
CREATE TABLE oc_group_user (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_group_admin (gid VARCHAR(64), uid VARCHAR(64), PRIMARY KEY (gid, uid));
CREATE TABLE oc_users_external (backend VARCHAR(128), uid VARCHAR(64), displayname VARCHAR(64), PRIMARY KEY (uid, backend));
CREATE TABLE oc_accounts (uid VARCHAR(64) PRIMARY KEY, data LONG);
CREATE TABLE oc_preferences (userid VARCHAR(64), appid VARCHAR(32), configkey VARCHAR(64), configvalue LONG, PRIMARY KEY (userid, appid, configkey));
CREATE TABLE oc_authtoken (id INTEGER PRIMARY KEY, uid VARCHAR(64) NOT NULL, name LONG NOT NULL, token VARCHAR(200) NOT NULL, type SMALLINT);
INSERT INTO oc_groups VALUES ('admin', 'admin'), ('staff', 'The Staff'), ('Ärzte & Co', 'Ärzte & Co'), (' odd', 'odd');
INSERT INTO oc_group_user VALUES ('admin', 'root'), ('staff', 'Alice'), ('Ärzte & Co', 'Alice'), ('staff', 'ingrid@example.com'), (' odd', 'root');
INSERT INTO oc_group_admin VALUES ('staff', 'Alice');
INSERT INTO oc_users_external VALUES ('mail.example.com', 'ingrid@example.com', 'Ingrid'), ('ftp://files.example.com', 'felix', NULL), ('gone.example.com', 'gunnar', NULL), ('ftp://files.example.com', 'ROOT', NULL);
INSERT INTO oc_accounts VALUES ('Alice', '{"displayname":{"value":"Alice Liddell 🎩","scope":"v2-federated"},"phone":{"value":"+441865276150","scope":"v2-private"},"website":{"value":"","scope":"v2-local"}}');
INSERT INTO oc_preferences VALUES ('Alice', 'settings', 'email', 'Alice@Example.com'), ('Alice', 'files', 'quota', '5 GB'), ('Alice', 'core', 'lang', 'de'), ('carol', 'core', 'enabled', 'false'), ('Alice', 'firstrunwizard', 'show', '0');
INSERT INTO oc_preferences VALUES ('Alice', 'login', 'lastLogin', '1700000000'), ('Alice', 'login', 'firstLogin', '1600000000'), ('felix', 'login', 'lastLogin', '1650000000'), ('carol', 'login', 'lastLogin', '0');
INSERT INTO oc_authtoken VALUES (1, 'Alice', 'Firefox', 'a', 0), (2, 'Alice', 'phone', 'b', 1), (3, 'root', 'sync', 'c', 1);
"#;

/// Which database the installation has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
    Mysql,
}

/// An installation, and a place to import it into.
pub(crate) struct Installation {
    /// Dropped before the event loop of the server, as is the store.
    pub(crate) database: Option<Database>,
    store: Option<Database>,
    pub(crate) occ: OccFixture,
    /// The user that the `config.php` names may read and nothing else.
    reader: String,
}

impl Installation {
    /// With root, Alice, carol (disabled), and users with passwords in older formats.
    pub(crate) fn new(kind: Kind) -> Option<Self> {
        let people = [("root", "NULL", HASH), ("Alice", "'Alice Liddell 🎩'", HASH), ("carol", "NULL", HASH)];
        let people = people.into_iter().chain([("older", "NULL", OLDER), ("oldest", "NULL", OLDEST)]);
        let rows = people.map(|(uid, name, hash)| format!("('{uid}', {name}, '{hash}', '{uid}')"));
        let rows = rows.collect::<Vec<_>>().join(", ");
        Self::with(kind, &format!("{TABLES}INSERT INTO oc_users VALUES {rows};"))
    }

    /// With other contents.
    pub(crate) fn with(kind: Kind, statements: &str) -> Option<Self> {
        let server = match kind {
            Kind::Sqlite => None,
            Kind::Postgres => Some(DatabaseServer::postgres()?),
            Kind::Mysql => Some(DatabaseServer::mysql()?),
        };
        let occ = OccFixture::new();
        let statements = statements.replace(" LONG", if kind == Kind::Mysql { " LONGTEXT" } else { " TEXT" });
        let database = server.map(|server| Database::new(server, &occ.runtime));
        let store =
            crate::on_postgres().then(|| Database::new(DatabaseServer::postgres().unwrap(), &occ.runtime));
        let mut made = Self { database, occ, reader: String::new(), store };
        match &made.database {
            None => {
                std::fs::create_dir_all(made.occ.path().join("config/data")).unwrap();
                made.occ.block_on(sqlite(&made.file(), &statements));
            }
            Some(database) => {
                database.run(&statements);
                // Other tests use the same server, but not this name.
                made.reader = format!("r_{}", database.name);
                let (reader, name) = (&made.reader, &database.name);
                database.run(&match kind {
                    Kind::Mysql => format!(
                        "CREATE USER {reader}@localhost IDENTIFIED BY 'Reading-Glass-1'; \
                         GRANT SELECT ON {name}.* TO {reader}@localhost"
                    ),
                    _ => format!(
                        "CREATE ROLE {reader} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}"
                    ),
                });
            }
        }
        made.configure(&made.host(), "");
        Some(made)
    }

    /// Writes the `config.php`, with more lines in it.
    pub(crate) fn configure(&self, host: &str, more: &str) {
        let source = match &self.database {
            None => "'dbtype' => 'sqlite3', 'dbname' => 'owncloud', 'datadirectory' => 'data',".to_owned(),
            Some(Database { name, server, .. }) => {
                let kind = if matches!(server, DatabaseServer::Mysql(_)) { "mysql" } else { "pgsql" };
                let user = &self.reader;
                format!(
                    "'dbtype' => '{kind}', 'dbname' => '{name}', 'dbhost' => '{host}', 'dbuser' => '{user}', \
                     'dbpassword' => 'Reading-Glass-1', 'dbport' => '', 'mysql.utf8mb4' => true, 'dbpersistent' => true,"
                )
            }
        };
        let store = self
            .store
            .as_ref()
            .map(|store| format!("'user_backends_store' => ['url' => '{}'],", store.url()));
        let text = format!("<?php\n$CONFIG = [\n{source}\n{}{CONFIG}{more}\n];\n", store.unwrap_or_default());
        self.occ.write("config/config.php", &text);
        #[cfg(unix)]
        {
            let closed = std::os::unix::fs::PermissionsExt::from_mode(0o600);
            std::fs::set_permissions(self.occ.path().join("config/config.php"), closed).unwrap();
        }
    }

    /// Writes a `config.php` for SQLite with these elements of `user_backends`.
    pub(crate) fn backends(&self, entries: &str) {
        let text = format!(
            "<?php\n$CONFIG = [\n'dbtype' => 'sqlite3', 'datadirectory' => 'data', 'version' => '34.0.0.1',\n\
             'user_backends_server' => ['listen' => '127.0.0.1:0', 'refusal_milliseconds' => 0, \
             'passwords' => ['memory_kib' => 7168, 'passes' => 1]],\n\
             'user_backends' => [{entries}],\n];\n"
        );
        self.occ.write("config/config.php", &text);
    }

    /// The host as the `config.php` says it: a socket.
    pub(crate) fn host(&self) -> String {
        match self.database.as_ref().map(|database| &database.server) {
            None => String::new(),
            Some(DatabaseServer::Mysql(_)) => format!("localhost:{}", self.socket().display()),
            Some(DatabaseServer::Postgres(options, _)) => {
                let socket = options.get_socket().map(|path| path.display().to_string());
                socket.unwrap_or_else(|| format!("{}:{}", options.get_host(), options.get_port()))
            }
        }
    }

    /// The socket of the MariaDB server.
    pub(crate) fn socket(&self) -> std::path::PathBuf {
        let Some(DatabaseServer::Mysql(options)) = self.database.as_ref().map(|database| &database.server)
        else {
            panic!("not MariaDB")
        };
        options.get_socket().expect("xtask starts it on a socket").clone()
    }

    /// Who reads.
    pub(crate) fn reader(&self) -> &str {
        &self.reader
    }

    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.occ.path().join("config/data/owncloud.db")
    }

    /// The database's file.
    ///
    /// The servers' databases cannot be written by the user that is given.
    pub(crate) fn bytes(&self) -> Option<Vec<u8>> {
        self.database.is_none().then(|| std::fs::read(self.file()).unwrap())
    }

    /// What the import says, for programs.
    pub(crate) fn import(&self, words: &[&str]) -> (CliOutput, Value) {
        let output = self.occ.run(&[&["import:nextcloud", "--output=json"], words].concat());
        let json = serde_json::from_str(&output.out).unwrap_or_else(|_| panic!("{output:?}"));
        (output, json)
    }

    /// The store.
    pub(crate) fn accounts(&self) -> accounts::ActingAccounts {
        let settings = match &self.store {
            Some(store) => accounts::StoreSettings::parse(&store.url()).unwrap(),
            None => accounts::StoreSettings::sqlite(self.occ.path().join("config/user-backend.db")),
        };
        self.occ.block_on(accounts::Accounts::open(&settings)).unwrap().as_system()
    }

    /// How many tables there are where the store will be.
    pub(crate) fn is_store_made(&self) -> bool {
        self.occ.run(&["user:list", "--limit=1"]).code == 0
    }
}

pub(super) async fn sqlite(path: &std::path::Path, statements: &str) {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
    let mut made = options.connect().await.unwrap();
    made.execute(AssertSqlSafe(statements.to_owned())).await.unwrap();
    made.close().await.unwrap();
}
