//! The statements behind lists of users.
//!
//! A page has to be as fast at the end of the list as at its beginning, and with a search as without. Three ways lead
//! there, and which is right depends on how many users match:
//! - without a search, an index in the order of the list is read from where the page begins;
//! - a text that many users have is found by walking through the covering index `users_search` in the order of the list: a
//!   page is full after a few steps;
//! - a text that few users have is found by an index of three-letter pieces, and the few are sorted.
//!
//! On SQLite a look at the index of pieces, which stops early, decides between the last two. PostgreSQL's planner decides
//! alone, by its statistics.

use super::filter::UserFilter;
use super::record::columns;
use crate::engine::{Db, Kind, Query, fault, sql};
use crate::error::AccountsError;
use crate::id::GroupId;

/// So many matches are few.
const FEW: i64 = 1000;

/// A page; `None` when no user can match.
pub(super) async fn page(db: &Db, filter: &UserFilter, limit: u64) -> Result<Option<Query>, AccountsError> {
    let Some(way) = Way::find(db, filter).await? else { return Ok(None) };
    let kind = db.kind();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let (head, tail) = way.frame();
    let mut query = conditions(kind, sql(head), filter, &way);
    let member = matches!(way, Way::Roll(_) | Way::Members(_));
    if let Some(user) = filter.after.as_ref().filter(|_| !filter.recent) {
        query = query.push(kind, if member { " AND members.name > " } else { " AND users.name > " });
        query = query.push_bind(kind, user.name().as_str());
    }
    let order = match (filter.recent, member) {
        (true, _) => " ORDER BY users.last_login DESC, users.name LIMIT ",
        (false, true) => " ORDER BY members.name LIMIT ",
        (false, false) => " ORDER BY users.name LIMIT ",
    };
    query = query.push(kind, order).push_bind(kind, limit);
    if filter.offset > 0 {
        query =
            query.push(kind, " OFFSET ").push_bind(kind, i64::try_from(filter.offset).unwrap_or(i64::MAX));
    }
    query = query.push(kind, tail);
    Ok(Some(if filter.search.is_empty() { query } else { query.planned_anew() }))
}

/// The number of all; `None` when no user can match.
pub(super) async fn total(db: &Db, filter: &UserFilter) -> Result<Option<Query>, AccountsError> {
    let Some(way) = Way::find(db, filter).await? else { return Ok(None) };
    let query = match way {
        Way::Walk => sql("SELECT COUNT(*) FROM users INDEXED BY users_search"),
        _ => sql("SELECT COUNT(*) "),
    };
    let query = conditions(db.kind(), query, filter, &way);
    Ok(Some(if filter.search.is_empty() { query } else { query.planned_anew() }))
}

/// Where the rows come from.
enum Way {
    /// Few matches, by the index of pieces; the parameter is for MATCH.
    Few(String),
    /// The list of names alone, in order.
    List,
    /// The members of one group, in order, looked at one by one.
    Members(GroupId),
    /// The list of names of one group alone, in order.
    Roll(GroupId),
    /// The table, by whatever index the engine likes.
    Table,
    /// The covering index, in order.
    Walk,
}

impl Way {
    async fn find(db: &Db, filter: &UserFilter) -> Result<Option<Self>, AccountsError> {
        let groups = filter.groups.as_deref();
        if groups.is_some_and(<[GroupId]>::is_empty) {
            return Ok(None);
        }
        let search = !filter.search.is_empty();
        if db.kind() == Kind::Sqlite
            && let Some(pieces) = pieces(&filter.search)
            && are_few(db, &pieces).await?
        {
            return Ok(Some(Self::Few(pieces)));
        }
        let bare = !search && filter.enabled.is_none();
        Ok(Some(match groups {
            _ if filter.recent => Self::Table,
            Some([group]) if bare => Self::Roll(group.clone()),
            Some([group]) => Self::Members(group.clone()),
            None if bare => Self::List,
            None if search && db.kind() == Kind::Sqlite => Self::Walk,
            _ => Self::Table,
        }))
    }

    /// What surrounds the conditions. Where an index alone knows the page, wide rows are fetched for the page only, not for
    /// what is skipped on the way to it.
    const fn frame(&self) -> (&'static str, &'static str) {
        match self {
            Self::List => (
                concat!("SELECT ", columns!(), "FROM (SELECT users.name "),
                ") AS hit JOIN users ON users.name = hit.name ORDER BY users.name",
            ),
            Self::Roll(_) => (
                concat!("SELECT ", columns!(), "FROM (SELECT members.user_key "),
                ") AS hit JOIN users ON users.key = hit.user_key ORDER BY users.name",
            ),
            Self::Walk => (
                concat!("SELECT ", columns!(), "FROM (SELECT key FROM users INDEXED BY users_search"),
                ") AS hit CROSS JOIN users ON users.key = hit.key ORDER BY users.name",
            ),
            Self::Few(_) | Self::Members(_) | Self::Table => (concat!("SELECT ", columns!()), ""),
        }
    }
}

/// Appends FROM and WHERE.
fn conditions(kind: Kind, mut query: Query, filter: &UserFilter, way: &Way) -> Query {
    query = match way {
        Way::Few(pieces) => {
            query = query.push(kind, "FROM (SELECT rowid AS key FROM users_fts WHERE users_fts MATCH ");
            query
                .push_bind(kind, pieces.as_str())
                .push(kind, ") AS hit CROSS JOIN users ON users.key = hit.key WHERE TRUE")
        }
        Way::Members(group) => {
            query = query.push(
                kind,
                "FROM members JOIN users ON users.key = members.user_key \
                 WHERE members.group_key = (SELECT key FROM groups WHERE id = ",
            );
            query.push_bind(kind, group.as_str()).push(kind, ")")
        }
        Way::Roll(group) => {
            query = query
                .push(kind, "FROM members WHERE members.group_key = (SELECT key FROM groups WHERE id = ");
            query.push_bind(kind, group.as_str()).push(kind, ")")
        }
        Way::Walk => query.push(kind, " WHERE TRUE"),
        Way::List | Way::Table => query.push(kind, "FROM users WHERE TRUE"),
    };
    if let (Some(groups), false) = (&filter.groups, matches!(way, Way::Members(_) | Way::Roll(_))) {
        query = query.push(
            kind,
            " AND users.key IN (SELECT user_key FROM members JOIN groups ON groups.key = members.group_key \
             WHERE groups.id IN (",
        );
        for (at, group) in groups.iter().enumerate() {
            query = if at > 0 { query.push(kind, ", ") } else { query };
            query = query.push_bind(kind, group.as_str());
        }
        query = query.push(kind, "))");
    }
    if !filter.search.is_empty() {
        query = contains(kind, query.push(kind, " AND users.search"), &filter.search);
    }
    query = match filter.enabled {
        Some(true) => query.push(kind, " AND users.enabled"),
        Some(false) => query.push(kind, " AND NOT users.enabled"),
        None => query,
    };
    if filter.recent {
        query = query.push(kind, " AND users.last_login IS NOT NULL");
    }
    query
}

/// Appends "contains `text`" to a column of folded text: GLOB is the faster one on SQLite, LIKE has the index on PostgreSQL.
pub(crate) fn contains(kind: Kind, query: Query, text: &str) -> Query {
    let mut pattern = String::with_capacity(text.len() + 2);
    match kind {
        Kind::Sqlite => {
            pattern.push('*');
            for c in text.chars() {
                if matches!(c, '*' | '?' | '[') {
                    pattern.extend(['[', c, ']']);
                } else {
                    pattern.push(c);
                }
            }
            pattern.push('*');
            query.push(kind, " GLOB ").push_bind(kind, pattern)
        }
        Kind::Postgres => {
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

/// The three-letter pieces of a text as an FTS5 expression: side by side, and the last three letters. `None` when the text
/// is shorter, or has a NUL, which ends a text in SQLite.
fn pieces(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let last = letters.len().checked_sub(3).filter(|_| !letters.contains(&'\0'))?;
    let mut expression = String::new();
    for at in (0..last).step_by(3).chain([last]) {
        let piece = letters.iter().skip(at).take(3);
        expression.push_str(if expression.is_empty() { "\"" } else { " AND \"" });
        piece.for_each(|c| expression.extend(std::iter::repeat_n(*c, if *c == '"' { 2 } else { 1 })));
        expression.push('"');
    }
    Some(expression)
}

async fn are_few(db: &Db, pieces: &str) -> Result<bool, AccountsError> {
    let query = sql("SELECT COUNT(*) FROM (SELECT 1 FROM users_fts WHERE users_fts MATCH $1 LIMIT $2)");
    let row = db.row(query.bind(pieces).bind(FEW + 1)).await?;
    Ok(row.map(|row| row.int(0)).transpose().map_err(fault)?.is_some_and(|found| found <= FEW))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_lie_side_by_side_and_the_last_fits() {
        assert_eq!(pieces("ab"), None);
        assert_eq!(pieces("abc").unwrap(), r#""abc""#);
        assert_eq!(pieces("abcd").unwrap(), r#""abc" AND "bcd""#);
        assert_eq!(pieces("abcdefgh").unwrap(), r#""abc" AND "def" AND "fgh""#);
        assert_eq!(pieces("\"äé").unwrap(), "\"\"\"äé\"");
        assert_eq!(pieces("a\0bc"), None);
    }
}
