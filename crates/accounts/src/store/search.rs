//! The condition of a search.

use crate::store::engine::{Query, SqlDialect};

/// Appends "contains `text`" to a column of folded text.
///
/// GLOB is the faster one on SQLite, LIKE has the index on PostgreSQL.
pub(crate) fn contains(kind: SqlDialect, query: Query, text: &str) -> Query {
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
