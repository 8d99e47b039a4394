//! Many new users: a statement for each table, and not twenty for each user.
//!
//! Only for users whom nothing stands in the way of, which the caller has looked up in the same
//! transaction ([`Obstacles`]). What is written is what one after the other would write.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::json;

use crate::domain::{
    AccountsError, Action, DisplayName, EmailAddress, GroupId, Language, Locale, NewUser, ProfileScope,
    StoredHash, search_text,
};
use crate::store::change::{Change, Note};
use crate::store::credential_epoch;
use crate::store::engine::{Query, SqlDialect, each, sql};
use crate::store::outbox;
use crate::store::proven_credentials;
use crate::store::users::addresses::AddressSource;

/// A user to insert, with the address that is confirmed at once and who says so.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Insertion<'a> {
    pub(crate) new: &'a NewUser,
    pub(crate) confirmed: Option<(&'a EmailAddress, AddressSource)>,
}

/// What of a list of names, addresses and groups is there already.
#[derive(Debug, Default)]
pub(crate) struct Obstacles {
    /// Names of users, and names that a backend owns.
    pub(crate) names: HashSet<String>,
    /// Confirmed addresses in canonical form.
    pub(crate) addresses: HashSet<String>,
    pub(crate) groups: HashSet<String>,
}

impl Obstacles {
    /// Looks them up.
    ///
    /// No other transaction confirms one of these addresses before this one ends.
    pub(crate) async fn look(
        change: &mut Change<'_>,
        names: &HashSet<String>,
        addresses: &HashSet<String>,
        groups: &HashSet<String>,
    ) -> Result<Self, AccountsError> {
        if change.kind() == SqlDialect::Postgres {
            let alone = sql("SELECT pg_advisory_xact_lock(hashtext('confirmed_email'), hash) FROM \
                 (SELECT DISTINCT hashtext(value) AS hash FROM jsonb_array_elements_text($1::jsonb) AS list (value) \
                 ORDER BY hash) AS hashes");
            change.execute(alone.bind(list(addresses)?)).await?;
        }
        let taken = each(
            "SELECT name FROM users WHERE name IN (SELECT value FROM json_each($1)) \
             UNION SELECT name FROM pins WHERE name IN (SELECT value FROM json_each($1))",
            "SELECT name FROM users WHERE name IN (SELECT jsonb_array_elements_text($1::jsonb)) \
             UNION SELECT name FROM pins WHERE name IN (SELECT jsonb_array_elements_text($1::jsonb))",
        );
        let confirmed = each(
            "SELECT confirmed_key FROM users WHERE confirmed_key IN (SELECT value FROM json_each($1))",
            "SELECT confirmed_key FROM users WHERE confirmed_key IN (SELECT jsonb_array_elements_text($1::jsonb))",
        );
        let known = each(
            "SELECT id FROM groups WHERE id IN (SELECT value FROM json_each($1))",
            "SELECT id FROM groups WHERE id IN (SELECT jsonb_array_elements_text($1::jsonb))",
        );
        Ok(Self {
            names: texts(change, taken.bind(list(names)?)).await?,
            addresses: texts(change, confirmed.bind(list(addresses)?)).await?,
            groups: texts(change, known.bind(list(groups)?)).await?,
        })
    }
}

async fn texts(change: &mut Change<'_>, query: Query) -> Result<HashSet<String>, AccountsError> {
    change.rows(query).await?.iter().map(|row| row.text(0)).collect()
}

/// Inserts users with everything that belongs to them; the names of groups are those that exist.
///
/// `false` if another transaction has created one of them meanwhile: then this one has to be given up.
pub(crate) async fn insert_all(
    change: &mut Change<'_>,
    users: &[Insertion<'_>],
) -> Result<bool, AccountsError> {
    let now = change.now();
    let pins = users.iter().map(|Insertion { new, .. }| {
        json!({ "name": new.id.name().as_str(), "backend": new.backend_id(), "since": now.millis(),
                "spelling": new.upstream_spelling })
    });
    let pins = each(
        "INSERT INTO pins (name, backend, since, spelling) \
         SELECT value->>'name', value->>'backend', value->>'since', value->>'spelling' FROM json_each($1) \
         WHERE TRUE ON CONFLICT (name) DO NOTHING",
        "INSERT INTO pins (name, backend, since, spelling) SELECT name, backend, since, spelling \
         FROM jsonb_to_recordset($1::jsonb) AS list (name text, backend text, since bigint, spelling text) \
         ON CONFLICT (name) DO NOTHING",
    )
    .bind(list(pins)?);
    let number = u64::try_from(users.len()).unwrap_or(u64::MAX);
    if change.execute(pins).await? != number {
        return Ok(false);
    }
    let rows = users.iter().enumerate().map(|(place, user)| row(place, user, now.millis()));
    let inserted = each(
        "INSERT INTO users (name, id, backend, enabled, display_name, email, email_by, confirmed_email, confirmed_key, \
         confirmed_by, quota, language, locale, search, created_at, first_login, last_login) \
         SELECT value->>'name', value->>'id', value->>'backend', value->>'enabled', value->>'display_name', \
         value->>'email', value->>'email_by', value->>'email', value->>'confirmed_key', value->>'confirmed_by', \
         value->>'quota', value->>'language', value->>'locale', value->>'search', value->>'created_at', \
         value->>'first_login', value->>'last_login' FROM json_each($1) WHERE TRUE \
         ORDER BY value->>'place' ON CONFLICT (name) DO NOTHING RETURNING name, key",
        "INSERT INTO users (name, id, backend, enabled, display_name, email, email_by, confirmed_email, confirmed_key, \
         confirmed_by, quota, language, locale, search, created_at, first_login, last_login) \
         SELECT name, id, backend, enabled, display_name, email, email_by, email, confirmed_key, confirmed_by, quota, \
         language, locale, search, created_at, first_login, last_login FROM jsonb_to_recordset($1::jsonb) AS list \
         (place bigint, name text, id text, backend text, enabled boolean, display_name text, email text, email_by text, \
         confirmed_key text, confirmed_by text, quota bigint, language text, locale text, search text, created_at bigint, \
         first_login bigint, last_login bigint) ORDER BY place ON CONFLICT (name) DO NOTHING RETURNING name, key",
    );
    let mut keys = HashMap::with_capacity(users.len());
    for row in change.rows(inserted.bind(list(rows)?)).await? {
        keys.insert(row.text(0)?, row.int(1)?);
    }
    if keys.len() != users.len() {
        return Ok(false);
    }
    let key = |new: &NewUser| keys.get(new.id.name().as_str()).copied();
    join(change, users, &key).await?;
    profiles(change, users, &key).await?;
    passwords(change, users, &key).await?;
    let addressed: Vec<&str> = users
        .iter()
        .filter(|user| user.confirmed.is_some())
        .map(|user| user.new.id.name().as_str())
        .collect();
    // Of a user who had this name before.
    outbox::forget_links_of(change, &list(addressed)?).await?;
    let mut notes = Vec::new();
    for Insertion { new, confirmed } in users {
        let name = new.id.name().as_str();
        notes.push(Note { action: Action::UserCreated, target: name, detail: Some(new.backend_id()) });
        if let Some((_, by)) = confirmed {
            notes.push(Note { action: Action::AddressConfirmed, target: name, detail: Some(by.as_str()) });
        }
    }
    change.note_all(&notes).await?;
    Ok(true)
}

fn row(place: usize, Insertion { new, confirmed }: &Insertion<'_>, now: i64) -> serde_json::Value {
    let display_name = new.display_name.as_ref().map(DisplayName::as_str);
    let email = confirmed.map(|(address, _)| address.as_str());
    let by = confirmed.map(|(_, by)| by.as_str());
    let signed_in = new.signed_in.map(|(first, last)| (first.millis(), last.millis()));
    json!({
        "place": place,
        "name": new.id.name().as_str(),
        "id": new.id.as_str(),
        "backend": new.backend_id(),
        "enabled": new.enabled,
        "display_name": display_name,
        "email": email,
        "email_by": by.unwrap_or(AddressSource::Other.as_str()),
        "confirmed_key": confirmed.map(|(address, _)| address.canonical()),
        "confirmed_by": by,
        "quota": new.quota.column(),
        "language": new.language.as_ref().map(Language::as_str),
        "locale": new.locale.as_ref().map(Locale::as_str),
        "search": search_text::of_user(&new.id, display_name, email),
        "created_at": now,
        "first_login": signed_in.map(|(first, last)| first.min(last).min(now)),
        "last_login": signed_in.map(|(_, last)| last.min(now)),
    })
}

async fn join(
    change: &mut Change<'_>,
    users: &[Insertion<'_>],
    key: &impl Fn(&NewUser) -> Option<i64>,
) -> Result<(), AccountsError> {
    let members = users.iter().flat_map(|Insertion { new, .. }| {
        new.groups.iter().map(move |group| {
            json!({ "id": group.as_str(), "name": new.id.name().as_str(), "user_key": key(new) })
        })
    });
    let join = each(
        "INSERT INTO members (group_key, name, user_key) SELECT groups.key, list.value->>'name', list.value->>'user_key' \
         FROM json_each($1) AS list CROSS JOIN groups ON groups.id = list.value->>'id' WHERE TRUE \
         ON CONFLICT (group_key, name) DO NOTHING",
        "INSERT INTO members (group_key, name, user_key) SELECT groups.key, list.name, list.user_key \
         FROM jsonb_to_recordset($1::jsonb) AS list (id text, name text, user_key bigint) \
         JOIN groups ON groups.id = list.id ON CONFLICT (group_key, name) DO NOTHING",
    );
    change.execute(join.bind(list(members)?)).await.map(drop)
}

async fn profiles(
    change: &mut Change<'_>,
    users: &[Insertion<'_>],
    key: &impl Fn(&NewUser) -> Option<i64>,
) -> Result<(), AccountsError> {
    let fields = users.iter().flat_map(|Insertion { new, .. }| {
        new.profile.iter().map(move |(value, scope)| {
            json!({ "user_key": key(new), "field": value.field().as_str(), "value": value.as_str(),
                    "scope": scope.map(ProfileScope::as_str) })
        })
    });
    let put = each(
        "INSERT INTO profile (user_key, field, position, value, scope) SELECT value->>'user_key', value->>'field', 0, \
         value->>'value', value->>'scope' FROM json_each($1)",
        "INSERT INTO profile (user_key, field, position, value, scope) SELECT user_key, field, 0, value, scope \
         FROM jsonb_to_recordset($1::jsonb) AS list (user_key bigint, field text, value text, scope text)",
    );
    change.execute(put.bind(list(fields)?)).await.map(drop)
}

/// First passwords: the hash, its place in the history, and a new epoch for each.
async fn passwords(
    change: &mut Change<'_>,
    users: &[Insertion<'_>],
    key: &impl Fn(&NewUser) -> Option<i64>,
) -> Result<(), AccountsError> {
    let with_password: Vec<(&NewUser, &StoredHash)> =
        users.iter().filter_map(|user| Some((user.new, user.new.hash.as_ref()?))).collect();
    let Some(number) = i64::try_from(with_password.len()).ok().filter(|number| *number > 0) else {
        return Ok(());
    };
    let names: Vec<&str> = with_password.iter().map(|(new, _)| new.id.name().as_str()).collect();
    let before = credential_epoch::next_many(change, number).await?;
    proven_credentials::forget_all_of(change, &list(names)?).await?;
    let now = change.now().millis();
    let rows = (1..).zip(&with_password).map(|(nth, (new, hash)): (i64, _)| {
        json!({ "user_key": key(new), "hash": hash.expose(), "at": now, "epoch": before + nth,
                "name": new.id.name().as_str() })
    });
    let rows = list(rows)?;
    for statement in [
        each(
            "INSERT INTO passwords (user_key, hash, changed_at) \
             SELECT value->>'user_key', value->>'hash', value->>'at' FROM json_each($1)",
            "INSERT INTO passwords (user_key, hash, changed_at) SELECT user_key, hash, at \
             FROM jsonb_to_recordset($1::jsonb) AS list (user_key bigint, hash text, at bigint)",
        ),
        each(
            "INSERT INTO password_history (user_key, hash, at) \
             SELECT value->>'user_key', value->>'hash', value->>'at' FROM json_each($1)",
            "INSERT INTO password_history (user_key, hash, at) SELECT user_key, hash, at \
             FROM jsonb_to_recordset($1::jsonb) AS list (user_key bigint, hash text, at bigint, epoch bigint) ORDER BY epoch",
        ),
        each(
            "INSERT INTO credential_events (epoch, name, at, ends_password) \
             SELECT value->>'epoch', value->>'name', value->>'at', 1 FROM json_each($1)",
            "INSERT INTO credential_events (epoch, name, at, ends_password) SELECT epoch, name, at, 1 \
             FROM jsonb_to_recordset($1::jsonb) AS list (epoch bigint, name text, at bigint)",
        ),
        each(
            "UPDATE users SET credential_epoch = list.value->>'epoch' FROM json_each($1) AS list \
             WHERE users.key = list.value->>'user_key'",
            "UPDATE users SET credential_epoch = list.epoch \
             FROM jsonb_to_recordset($1::jsonb) AS list (user_key bigint, epoch bigint) WHERE users.key = list.user_key",
        ),
    ] {
        change.execute(statement.bind(rows.as_str())).await?;
    }
    Ok(())
}

/// A list as the engines take it: one parameter in JSON.
fn list<T: Serialize>(items: impl IntoIterator<Item = T>) -> Result<String, AccountsError> {
    let items: Vec<T> = items.into_iter().collect();
    serde_json::to_string(&items).map_err(|_| AccountsError::unreadable("a list cannot be written"))
}

/// Whether each of these groups is among those that exist.
pub(crate) fn all_exist(groups: &[GroupId], obstacles: &Obstacles) -> bool {
    groups.iter().all(|group| obstacles.groups.contains(group.as_str()))
}
