//! A private, indexed copy of the rows that the import reads.
//!
//! A source may have no indexes, and compare texts in a way of its own. Each of its tables is read
//! once, from one end to the other; everything else is answered by the copy.
//!
//! # Security
//! SQLite keeps the copy in memory, and what does not fit there in a file that only this user can
//! read and that has no name: it ends with the process.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Executor};

use super::engine::{Cells, Engine, RowSink, unreadable};
use crate::exit::CliError;

/// A table of the source.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    /// The first of them is the one that is looked up.
    columns: &'static [Column],
    /// Rows to leave out.
    which: Option<&'static str>,
    /// What is not known without it.
    without: Without,
}

#[derive(Debug)]
struct Column {
    name: &'static str,
    need: Need,
}

/// How much a column matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    /// Without it the table says nothing.
    Key,
    /// Old versions do not have it.
    May,
    /// Every version has it; without it something is lost.
    Should,
}

/// What it means that a table is missing.
#[derive(Clone, Copy, Debug)]
enum Without {
    /// Old versions, or those without the app, do not have it.
    Fine,
    /// Something is lost, which is reported.
    Less(&'static str),
    /// Nothing can be imported.
    Nothing(&'static str),
}

const fn column(name: &'static str, need: Need) -> Column {
    Column { name, need }
}

/// The tables, in the order in which they are read.
///
/// Preferences come last, so that a user who is disabled meanwhile is disabled here.
const TABLES: &[Table] = &[
    Table {
        name: "users",
        columns: &[
            column("uid", Need::Key),
            column("displayname", Need::May),
            column("password", Need::Should),
        ],
        which: None,
        without: Without::Nothing("the users"),
    },
    Table {
        name: "users_external",
        columns: &[column("uid", Need::Key), column("displayname", Need::May), column("backend", Need::Key)],
        which: None,
        without: Without::Fine,
    },
    Table {
        name: "groups",
        columns: &[column("gid", Need::Key), column("displayname", Need::May)],
        which: None,
        without: Without::Less("the groups"),
    },
    Table {
        name: "group_user",
        columns: &[column("uid", Need::Key), column("gid", Need::Key)],
        which: None,
        without: Without::Less("who is in which group"),
    },
    Table {
        name: "group_admin",
        columns: &[column("uid", Need::Key), column("gid", Need::Key)],
        which: None,
        without: Without::Less("who administers which group"),
    },
    Table {
        name: "accounts",
        columns: &[column("uid", Need::Key), column("data", Need::Should)],
        which: None,
        without: Without::Fine,
    },
    Table {
        name: "preferences",
        columns: &[
            column("userid", Need::Key),
            column("appid", Need::Key),
            column("configkey", Need::Key),
            column("configvalue", Need::Key),
        ],
        which: Some("appid IN ('core', 'files', 'login', 'settings')"),
        without: Without::Nothing("who is disabled"),
    },
];

/// The copy, and what was wrong with the source.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) connection: SqliteConnection,
    pub(super) problems: Vec<String>,
}

impl Copy {
    /// Copies what the import needs of a source whose tables have this prefix.
    pub(super) async fn make(source: &mut Engine, prefix: &str) -> Result<Self, CliError> {
        // An empty name is a database that SQLite deletes itself.
        let options = SqliteConnectOptions::new().filename("").create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Off).synchronous(SqliteSynchronous::Off);
        let connection = options.connect().await.map_err(|error| no_copy(&error))?;
        let mut copy = Self { connection, problems: Vec::new() };
        for table in TABLES {
            copy.create(table).await?;
            copy.fill(source, prefix, table).await?;
        }
        Ok(copy)
    }

    async fn create(&mut self, table: &Table) -> Result<(), CliError> {
        let Table { name, columns, .. } = table;
        let list =
            columns.iter().map(|column| format!("{} TEXT", column.name)).collect::<Vec<_>>().join(", ");
        let key = columns.first().map_or("rowid", |column| column.name);
        self.run(format!("CREATE TABLE {name} ({list}); CREATE INDEX {name}_by_{key} ON {name} ({key})"))
            .await
    }

    /// Reads one table from one end to the other.
    async fn fill(&mut self, source: &mut Engine, prefix: &str, table: &Table) -> Result<(), CliError> {
        let there = format!("{prefix}{}", table.name);
        let columns = source.columns(&there).await?;
        let has = |column: &Column| columns.iter().any(|name| name.eq_ignore_ascii_case(column.name));
        let missing = table.columns.iter().find(|column| column.need == Need::Key && !has(column));
        if columns.is_empty() || missing.is_some() {
            let why = match missing.filter(|_| !columns.is_empty()) {
                Some(column) => format!("its table {there} has no column {}", column.name),
                None => format!("it has no table {there}"),
            };
            return self.is_missing(table, &why, columns.is_empty());
        }
        for column in table.columns.iter().filter(|column| column.need == Need::Should && !has(column)) {
            let text = format!("the table {there} has no column {}, so none is imported", column.name);
            self.problems.push(text);
        }
        let columns = table.columns.iter().map(|column| match has(column) {
            true => source.as_text(column.name),
            false => "NULL".to_owned(),
        });
        let columns = columns.collect::<Vec<_>>().join(", ");
        let which = table.which.map(|which| format!(" WHERE {which}")).unwrap_or_default();
        self.run("BEGIN".to_owned()).await?;
        let query = format!("SELECT {columns} FROM {there}{which}");
        let read = source.rows_to(query, &mut Insertion { copy: self, table }).await?;
        self.run("COMMIT".to_owned()).await?;
        match (read, table.without) {
            (Ok(()), _) => Ok(()),
            (Err(error), Without::Less(_) | Without::Fine) if table.name != "users_external" => {
                let why = unreadable(&error);
                self.problems.push(format!("the table {there} cannot be read to its end: {why}"));
                Ok(())
            }
            (Err(error), _) => Err(unreadable(&error).about(&format!("table {there}"))),
        }
    }

    fn is_missing(&mut self, table: &Table, why: &str, is_whole_table: bool) -> Result<(), CliError> {
        match table.without {
            Without::Nothing(what) => Err(CliError::new(format!(
                "the database to import from does not say {what}: {why}. It is no installation, or only half of one, or the \
                 table prefix is another one"
            ))),
            Without::Fine if is_whole_table => Ok(()),
            Without::Fine => {
                self.problems.push(format!("the database is not of a known form: {why}"));
                Ok(())
            }
            Without::Less(what) => {
                self.problems.push(format!("the database does not say {what}: {why}"));
                Ok(())
            }
        }
    }

    async fn run(&mut self, statements: String) -> Result<(), CliError> {
        let done = self.connection.execute(AssertSqlSafe(statements)).await;
        done.map(drop).map_err(|error| no_copy(&error))
    }
}

/// A table that is being copied.
struct Insertion<'c> {
    copy: &'c mut Copy,
    table: &'c Table,
}

impl RowSink for Insertion<'_> {
    /// Each row has a cell for every column of the table.
    async fn take(&mut self, rows: Vec<Cells>) -> Result<(), CliError> {
        if rows.is_empty() {
            return Ok(());
        }
        let row = format!("({})", vec!["?"; self.table.columns.len()].join(", "));
        let places = vec![row; rows.len()].join(", ");
        let statement = format!("INSERT INTO {} VALUES {places}", self.table.name);
        let mut insert = sqlx::query(AssertSqlSafe(statement));
        for cell in rows.into_iter().flatten() {
            insert = insert.bind(cell);
        }
        insert.execute(&mut self.copy.connection).await.map(drop).map_err(|error| no_copy(&error))
    }
}

/// The disk is full, say.
pub(super) fn no_copy(error: &sqlx::Error) -> CliError {
    unreadable(error).about("the temporary copy of the source")
}
