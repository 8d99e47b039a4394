//! One statement for both engines.
//!
//! Static text with `$1` parameters, values, and rows read by position.
//!
//! The text of a statement can only be built from literals, so no value can ever become part
//! of it; values travel as parameters (SQLite takes `$1` like PostgreSQL does).

use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, Row as _, SqlSafeStr, SqlStr};

use crate::domain::{AccountsError, Timestamp};
use crate::store::engine::fault::fault;

/// Which engine it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SqlDialect {
    Sqlite,
    Postgres,
}

/// A parameter.
#[derive(Clone)]
pub(crate) enum Value {
    Bool(bool),
    Bytes(Option<Vec<u8>>),
    Int(Option<i64>),
    Text(Option<String>),
}

impl Value {
    /// PostgreSQL refuses text with NUL, SQLite's GLOB ends there.
    ///
    /// Such a text is stored nowhere (everything that writes refuses it), so what is looked for
    /// here must only not be found.
    fn without_nul(&mut self) {
        if let Self::Text(Some(text)) = self
            && text.contains('\0')
        {
            *text = text.replace('\0', "\u{fffd}");
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Option<&str>> for Value {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<&[u8; 32]> for Value {
    fn from(value: &[u8; 32]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<Option<&[u8]>> for Value {
    fn from(value: Option<&[u8]>) -> Self {
        Self::Bytes(value.map(<[u8]>::to_vec))
    }
}

/// The text of a statement: the same for both engines, or one for each.
#[derive(Clone)]
enum Text {
    Same(&'static str),
    Each { sqlite: &'static str, postgres: &'static str },
    Parts(String),
}

/// A statement and its parameters.
#[derive(Clone)]
pub(crate) struct Query {
    text: Text,
    values: Vec<Value>,
    keep: bool,
}

/// A statement that both engines understand.
pub(crate) const fn sql(text: &'static str) -> Query {
    Query { text: Text::Same(text), values: Vec::new(), keep: true }
}

/// A statement that the engines spell differently; both take the same parameters.
pub(crate) const fn each(sqlite: &'static str, postgres: &'static str) -> Query {
    Query { text: Text::Each { sqlite, postgres }, values: Vec::new(), keep: true }
}

impl Query {
    /// Binds the next parameter.
    pub(crate) fn bind(mut self, value: impl Into<Value>) -> Self {
        self.values.push(value.into());
        self
    }

    /// Appends a literal piece of text.
    pub(crate) fn push(mut self, kind: SqlDialect, piece: &'static str) -> Self {
        let mut text = match self.text {
            Text::Parts(text) => text,
            Text::Same(text) => text.to_owned(),
            Text::Each { sqlite, postgres } => match kind {
                SqlDialect::Sqlite => sqlite.to_owned(),
                SqlDialect::Postgres => postgres.to_owned(),
            },
        };
        text.push_str(piece);
        self.text = Text::Parts(text);
        self
    }

    /// Appends the number of a new parameter and binds it.
    pub(crate) fn push_bind(mut self, kind: SqlDialect, value: impl Into<Value>) -> Self {
        self = self.push(kind, "$").bind(value);
        if let Text::Parts(text) = &mut self.text {
            text.push_str(&self.values.len().to_string());
        }
        self
    }

    /// The same, so that SQLite does not look at the value when it plans.
    ///
    /// It would plan again for every pattern and every limit, which takes longer than a page.
    pub(crate) fn push_bind_unseen(self, kind: SqlDialect, value: impl Into<Value>) -> Self {
        let query = if kind == SqlDialect::Sqlite { self.push(kind, "+") } else { self };
        query.push_bind(kind, value)
    }

    /// Lets the engine look at the values when it plans.
    ///
    /// For texts whose frequency decides which index is right.
    pub(crate) const fn planned_again(mut self) -> Self {
        self.keep = false;
        self
    }

    pub(super) fn into_parts(self, kind: SqlDialect) -> (SqlStr, Vec<Value>, bool) {
        let text = match self.text {
            Text::Same(text) => text.into_sql_str(),
            Text::Each { sqlite, .. } if kind == SqlDialect::Sqlite => sqlite.into_sql_str(),
            Text::Each { postgres, .. } => postgres.into_sql_str(),
            // `push` takes literals and `push_bind` numbers, nothing else gets here.
            Text::Parts(text) => AssertSqlSafe(text).into_sql_str(),
        };
        let mut values = self.values;
        values.iter_mut().for_each(Value::without_nul);
        (text, values, self.keep || kind == SqlDialect::Sqlite)
    }
}

/// A row of either engine, read by position.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

macro_rules! column {
    ($name:ident, $type:ty) => {
        pub(crate) fn $name(&self, at: usize) -> Result<$type, AccountsError> {
            match self {
                Self::Sqlite(row) => row.try_get(at),
                Self::Postgres(row) => row.try_get(at),
            }
            .map_err(fault)
        }
    };
}

impl Row {
    column!(bool, bool);
    column!(bytes, Vec<u8>);
    column!(int, i64);
    column!(int_or_null, Option<i64>);
    column!(text, String);
    column!(text_or_null, Option<String>);

    /// A number of rows.
    pub(crate) fn count(&self, at: usize) -> Result<u64, AccountsError> {
        Ok(u64::try_from(self.int(at)?).unwrap_or(0))
    }

    /// A moment.
    pub(crate) fn time(&self, at: usize) -> Result<Timestamp, AccountsError> {
        self.int(at).map(Timestamp::from_millis)
    }

    /// A moment, if it is set.
    pub(crate) fn time_or_null(&self, at: usize) -> Result<Option<Timestamp>, AccountsError> {
        Ok(self.int_or_null(at)?.map(Timestamp::from_millis))
    }
}
