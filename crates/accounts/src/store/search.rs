//! The condition of a search.

use crate::store::engine::{Query, SqlDialect};

/// No column of folded text holds more bytes.
///
/// SQLite takes patterns of 50,000 bytes, and answers longer ones with an error.
const LONGEST: usize = 8 * 1024;

/// Appends "contains `text`" to a column of folded text, which is never NULL.
///
/// GLOB is the faster one on SQLite, LIKE has the index on PostgreSQL.
pub(crate) fn contains(kind: SqlDialect, query: Query, text: &str) -> Query {
    if text.len() > LONGEST {
        return query.push(kind, " IS NULL");
    }
    let mut pattern = String::with_capacity(text.len() + 2);
    match kind {
        SqlDialect::Sqlite => {
            pattern.push('*');
            for c in text.chars() {
                if matches!(c, '*' | '?' | '[') {
                    pattern.extend(['[', c, ']']);
                } else {
                    pattern.push(c);
                }
            }
            pattern.push('*');
            query.push(kind, " GLOB ").push_bind_unseen(kind, pattern)
        }
        SqlDialect::Postgres => {
            pattern.push('%');
            for c in text.chars() {
                pattern.extend(matches!(c, '%' | '_' | '\\').then_some('\\'));
                pattern.push(c);
            }
            pattern.push('%');
            query.push(kind, " LIKE ").push_bind(kind, pattern)
        }
    }
}
