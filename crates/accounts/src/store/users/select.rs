//! The statements for lists of users.
//!
//! A page has to be as fast at the end of the list as at its beginning, and with a search as
//! without. Three ways lead there, and which is right depends on how many users match:
//! - without a search, an index in the order of the list is read from where the page begins;
//! - a text that many users have is found by walking through the covering index `users_search` in
//!   the order of the list: a page is full after a few steps;
//! - a text that few users have is found by an index of three-letter pieces, and the few are
//!   sorted.
//!
//! On SQLite the index of pieces is asked first; when it finds more than a few it stops, and the
//! walk is taken. PostgreSQL's planner decides alone, by its statistics; only for a text of two
//! letters, which have an index of their own there, it is done as on SQLite.

use crate::domain::{AccountsError, GroupId, User, UserFilter, UserId};
use crate::store::engine::{Db, Query, Row, SqlDialect, sql};
use crate::store::search::contains;
use crate::store::users::json_rows;
use crate::store::users::json_rows::pack;

/// Up to this number, matches are few.
const FEW: i64 = 1000;

/// How many of all matches are counted, beside the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Count {
    None,
    All,
    /// Up to one more than this number.
    UpTo(u64),
}

/// The users of a page, and the number of all matches if requested.
///
/// One statement as a rule, two for a text that many have.
pub(super) async fn page(
    db: &Db,
    filter: &UserFilter,
    limit: u64,
    count: Count,
) -> Result<(Vec<User>, Option<u64>), AccountsError> {
    let total = count != Count::None;
    if filter.groups.as_deref().is_some_and(<[GroupId]>::is_empty) || (limit == 0 && !total) {
        return Ok((Vec::new(), total.then_some(0)));
    }
    let wanted = match db.kind() {
        SqlDialect::Sqlite => pieces(&filter.search),
        SqlDialect::Postgres => pair(&filter.search),
    };
    if let Some(wanted) = wanted
        && let Some(row) = db.row(few(db.kind(), filter, &wanted, limit)).await?
        && row.int(2)? <= FEW
    {
        return read(&row, count);
    }
    let is_walked = is_large_group(db, filter).await?;
    let query = statement(db.kind(), filter, limit, count, is_walked);
    let row = db.row(if filter.search.is_empty() { query } else { query.planned_again() }).await?;
    row.map_or(Ok((Vec::new(), None)), |row| read(&row, count))
}

fn read(row: &Row, count: Count) -> Result<(Vec<User>, Option<u64>), AccountsError> {
    let users = json_rows::users(row, 0)?;
    let total = match count {
        Count::None => None,
        Count::All => Some(row.count(1)?),
        Count::UpTo(most) => Some(row.count(1)?.min(most.saturating_add(1))),
    };
    Ok((users, total))
}

/// Whether a search is in one group that has more than a few members.
///
/// On SQLite, looking at the list of all is faster then than looking up each member.
async fn is_large_group(db: &Db, filter: &UserFilter) -> Result<bool, AccountsError> {
    let (SqlDialect::Sqlite, Some([group]), false) =
        (db.kind(), filter.groups.as_deref(), filter.search.is_empty() || filter.recent)
    else {
        return Ok(false);
    };
    let look = sql("SELECT COUNT(*) FROM (SELECT 1 FROM members \
                    WHERE group_key = (SELECT key FROM groups WHERE id = $1) LIMIT +$2)");
    let row = db.row(look.bind(group.as_str()).bind(FEW + 1)).await?;
    Ok(row.map_or(Ok(0), |row| row.int(0))? > FEW)
}

/// Everything about few matches.
///
/// They are found by their pieces or their pair, kept, sorted and counted. If there are more, the
/// third column says so and the others are empty.
fn few(kind: SqlDialect, filter: &UserFilter, wanted: &str, limit: u64) -> Query {
    let query = match kind {
        SqlDialect::Sqlite => {
            let query =
                sql("WITH hits AS MATERIALIZED (SELECT rowid AS key FROM users_fts WHERE users_fts MATCH ");
            query.push_bind(kind, wanted).push(kind, " LIMIT ").push_bind_unseen(kind, FEW + 1)
        }
        SqlDialect::Postgres => {
            let query = sql("WITH hits AS MATERIALIZED (SELECT key FROM accounts_users_with(");
            query.push_bind(kind, wanted).push(kind, ", ").push_bind(kind, FEW + 1).push(kind, ") AS key")
        }
    };
    // Who was found is looked up in the table, in SQLite by order and in PostgreSQL by its own
    // choice.
    let (few, hit) = match kind {
        SqlDialect::Sqlite => (
            "), few AS MATERIALIZED (SELECT users.key, users.name, users.last_login FROM hits \
             CROSS JOIN users ON users.key = hits.key WHERE (SELECT COUNT(*) FROM hits) <= ",
            ") AS hit CROSS JOIN users ON users.key = hit.key)",
        ),
        SqlDialect::Postgres => (
            "), few AS MATERIALIZED (SELECT users.key, users.name, users.last_login FROM hits \
             JOIN users ON users.key = hits.key WHERE (SELECT COUNT(*) FROM hits) <= ",
            ") AS hit JOIN users ON users.key = hit.key)",
        ),
    };
    let query =
        conditions(kind, query.push(kind, few).push_bind(kind, FEW), filter, Membership::of_each(kind));
    let query =
        query.push(kind, ") SELECT (").push(kind, head(kind, filter)).push(kind, "FROM (SELECT key FROM few");
    let query = match &filter.after {
        Some(user) if !filter.recent => {
            query.push(kind, " WHERE name > ").push_bind(kind, user.name().as_str())
        }
        _ => query,
    };
    let order = if filter.recent { " ORDER BY last_login DESC, name" } else { " ORDER BY name" };
    let query = cut(kind, query.push(kind, order), filter, limit);
    query.push(kind, hit).push(kind, ", (SELECT COUNT(*) FROM few), (SELECT COUNT(*) FROM hits)")
}

/// A page, and the number of all: two selects side by side.
fn statement(kind: SqlDialect, filter: &UserFilter, limit: u64, count: Count, is_walked: bool) -> Query {
    let way = Way::find(kind, filter, is_walked);
    let mut query = sql("SELECT ");
    if limit > 0 {
        let (inner, tail) = way.frame(kind);
        query = query.push(kind, "(").push(kind, head(kind, filter)).push(kind, inner);
        query = conditions(kind, way.source(kind, query), filter, way.membership());
        if let Some(user) = filter.after.as_ref().filter(|_| !filter.recent) {
            query =
                query.push(kind, if way.is_member() { " AND members.name > " } else { " AND users.name > " });
            query = query.push_bind(kind, user.name().as_str());
        }
        let order = match (filter.recent, way.is_member()) {
            (true, _) => " ORDER BY users.last_login DESC, users.name",
            (false, true) => " ORDER BY members.name",
            (false, false) => " ORDER BY users.name",
        };
        query = cut(kind, query.push(kind, order), filter, limit).push(kind, tail).push(kind, ")");
    } else {
        query = query.push(kind, "NULL");
    }
    match count {
        Count::None => query,
        Count::All => {
            query = way.source(kind, query.push(kind, ", (SELECT COUNT(*) "));
            conditions(kind, query, filter, way.membership()).push(kind, ")")
        }
        Count::UpTo(most) => {
            query = query.push(kind, ", (SELECT COUNT(*) FROM (SELECT 1 ");
            query = match pieces(&filter.search) {
                // In any order, so rather than walking far for a text that one in a hundred has.
                Some(pieces) if matches!(way, Way::Walk) => {
                    let found = "FROM users_fts CROSS JOIN users ON users.key = users_fts.rowid WHERE users_fts MATCH ";
                    query.push(kind, found).push_bind(kind, pieces)
                }
                _ => way.source(kind, query),
            };
            query = conditions(kind, query, filter, way.membership()).push(kind, " LIMIT ");
            let limit = i64::try_from(most).map_or(i64::MAX, |most| most.saturating_add(1));
            query.push_bind_unseen(kind, limit).push(kind, ") AS counted)")
        }
    }
}

/// What packs the users of a page, in order.
const fn head(kind: SqlDialect, filter: &UserFilter) -> &'static str {
    match (kind, filter.recent) {
        (SqlDialect::Sqlite, false) => pack!(sqlite, "users.name"),
        (SqlDialect::Sqlite, true) => pack!(sqlite, "users.last_login DESC, users.name"),
        (SqlDialect::Postgres, false) => pack!(postgres, "users.name"),
        (SqlDialect::Postgres, true) => pack!(postgres, "users.last_login DESC, users.name"),
    }
}

fn cut(kind: SqlDialect, query: Query, filter: &UserFilter, limit: u64) -> Query {
    let number = |number| i64::try_from(number).unwrap_or(i64::MAX);
    let query = query.push(kind, " LIMIT ").push_bind_unseen(kind, number(limit));
    if filter.offset == 0 {
        return query;
    }
    query.push(kind, " OFFSET ").push_bind_unseen(kind, number(filter.offset))
}

/// Where the rows come from.
enum Way<'a> {
    /// The list of names alone, in order.
    List,
    /// The members of one group, in order, checked one by one.
    Members(&'a GroupId),
    /// The list of names of one group alone, in order.
    Roll(&'a GroupId),
    /// The table, by any index that the engine selects.
    Table,
    /// The covering index, in order; members of a large group are looked up.
    Walk,
}

impl<'a> Way<'a> {
    fn find(kind: SqlDialect, filter: &'a UserFilter, is_walked: bool) -> Self {
        let search = !filter.search.is_empty();
        let bare = !search && filter.enabled.is_none() && !filter.unconfirmed;
        match filter.groups.as_deref() {
            _ if filter.recent => Self::Table,
            _ if is_walked => Self::Walk,
            Some([group]) if bare => Self::Roll(group),
            Some([group]) => Self::Members(group),
            None if bare => Self::List,
            None if search && kind == SqlDialect::Sqlite => Self::Walk,
            _ => Self::Table,
        }
    }

    const fn is_member(&self) -> bool {
        matches!(self, Self::Members(_) | Self::Roll(_))
    }

    /// How the groups of a filter are checked.
    const fn membership(&self) -> Membership {
        match self {
            Self::Members(_) | Self::Roll(_) => Membership::Known,
            Self::Walk => Membership::OfEach,
            Self::List | Self::Table => Membership::Listed,
        }
    }

    /// What surrounds the page.
    ///
    /// An index alone knows it; wide rows are fetched for the page only, not for what is skipped on
    /// the way to it.
    const fn frame(&self, kind: SqlDialect) -> (&'static str, &'static str) {
        match (self, kind) {
            (Self::List, SqlDialect::Sqlite) => {
                ("FROM (SELECT users.name ", ") AS hit CROSS JOIN users ON users.name = hit.name")
            }
            (Self::List, SqlDialect::Postgres) => {
                ("FROM (SELECT users.name ", ") AS hit JOIN users ON users.name = hit.name")
            }
            (Self::Members(_) | Self::Roll(_), SqlDialect::Sqlite) => {
                ("FROM (SELECT members.user_key AS key ", ") AS hit CROSS JOIN users ON users.key = hit.key")
            }
            (Self::Members(_) | Self::Roll(_), SqlDialect::Postgres) => {
                ("FROM (SELECT members.user_key AS key ", ") AS hit JOIN users ON users.key = hit.key")
            }
            (Self::Table | Self::Walk, SqlDialect::Sqlite) => {
                ("FROM (SELECT users.key ", ") AS hit CROSS JOIN users ON users.key = hit.key")
            }
            (Self::Table | Self::Walk, SqlDialect::Postgres) => {
                ("FROM (SELECT users.key ", ") AS hit JOIN users ON users.key = hit.key")
            }
        }
    }

    /// Appends FROM and the beginning of WHERE.
    fn source(&self, kind: SqlDialect, query: Query) -> Query {
        match self {
            Self::Members(group) => {
                let query = query.push(
                    kind,
                    "FROM members JOIN users ON users.key = members.user_key \
                     WHERE members.group_key = (SELECT key FROM groups WHERE id = ",
                );
                query.push_bind(kind, group.as_str()).push(kind, ")")
            }
            Self::Roll(group) => {
                let query = query
                    .push(kind, "FROM members WHERE members.group_key = (SELECT key FROM groups WHERE id = ");
                query.push_bind(kind, group.as_str()).push(kind, ")")
            }
            Self::Walk => query.push(kind, "FROM users INDEXED BY users_search WHERE TRUE"),
            Self::List | Self::Table => query.push(kind, "FROM users WHERE TRUE"),
        }
    }
}

/// How it is found out whether a user is in the groups of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Membership {
    /// Only members are looked at.
    Known,
    /// All members are listed first.
    Listed,
    /// Each user is looked up among the members.
    OfEach,
}

impl Membership {
    /// For users who are few, or found by something else.
    const fn of_each(kind: SqlDialect) -> Self {
        // The planner of PostgreSQL chooses by itself.
        match kind {
            SqlDialect::Sqlite => Self::OfEach,
            SqlDialect::Postgres => Self::Listed,
        }
    }
}

/// Appends the rest of WHERE.
fn conditions(kind: SqlDialect, mut query: Query, filter: &UserFilter, membership: Membership) -> Query {
    if let (Some(groups), false) = (&filter.groups, membership == Membership::Known) {
        query = query.push(
            kind,
            if membership == Membership::OfEach {
                " AND EXISTS (SELECT 1 FROM groups CROSS JOIN members ON members.group_key = groups.key \
                 AND members.name = users.name WHERE groups.id IN ("
            } else {
                " AND users.key IN (SELECT user_key FROM members JOIN groups ON groups.key = members.group_key \
                 WHERE groups.id IN ("
            },
        );
        for (at, group) in groups.iter().enumerate() {
            query = if at > 0 { query.push(kind, ", ") } else { query };
            query = query.push_bind(kind, group.as_str());
        }
        query = query.push(kind, "))");
    }
    if !filter.search.is_empty() {
        query = contains(kind, query.push(kind, " AND users.search"), &filter.search);
        if let Some((viewer, groups)) = &filter.seen_by {
            query = visible(kind, query, &filter.search, viewer, groups);
        }
    }
    query = match filter.enabled {
        Some(true) => query.push(kind, " AND users.enabled"),
        Some(false) => query.push(kind, " AND NOT users.enabled"),
        None => query,
    };
    if filter.unconfirmed {
        query = query.push(
            kind,
            " AND users.email IS NOT NULL AND (users.confirmed_email IS NULL OR users.confirmed_email <> users.email)",
        );
    }
    if filter.recent {
        query = query.push(kind, " AND users.last_login IS NOT NULL");
    }
    query
}

/// Appends that what was found may be seen.
///
/// It is in the id, or the viewer administers the user or is the user.
fn visible(kind: SqlDialect, query: Query, text: &str, viewer: &UserId, groups: &[GroupId]) -> Query {
    let query = contains(kind, query.push(kind, " AND (users.name"), text).push(kind, " OR users.name = ");
    let mut query = query.push_bind(kind, viewer.name().as_str()).push(
        kind,
        " OR NOT (EXISTS (SELECT 1 FROM members JOIN groups ON groups.key = members.group_key \
         WHERE members.user_key = users.key AND groups.id = 'admin') \
         OR EXISTS (SELECT 1 FROM subadmins JOIN groups ON groups.key = subadmins.group_key \
         WHERE subadmins.user_key = users.key",
    );
    for group in groups {
        query = query.push(kind, " AND groups.id <> ").push_bind(kind, group.as_str());
    }
    query.push(kind, ")))")
}

/// The three-letter pieces of a text as an FTS5 expression.
///
/// Side by side, and the last three letters. `None` when the text is shorter, or has a NUL, which
/// ends a text in SQLite.
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

/// A text of two letters.
fn pair(text: &str) -> Option<String> {
    (text.chars().count() == 2).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pair_is_two_letters_however_many_bytes() {
        assert_eq!(pair("äé").as_deref(), Some("äé"));
        assert_eq!((pair("a"), pair("abc"), pair("")), (None, None, None));
    }

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
