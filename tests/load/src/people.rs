//! The users in the store: 16 administrators who call, and 10^3, 10^4 or 10^5 others.
//!
//! The administrators are created through the API, with the hashes that the server makes. All
//! others are inserted directly into the database: a hundred thousand waits for the disk would take
//! minutes.

use std::path::Path;

use accounts::{Accounts, ActingAccounts, GroupId, NewUser, StoreSettings, StoredHash, UserId};
use accounts::{HashSettings, LocalPassword, PasswordHash};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};
use user_backend::Password;

use crate::Outcome;

/// Numbers of users.
pub(crate) const FEW: usize = 10_000;

/// As many as a long list has.
pub(crate) const MANY: usize = 100_000;

/// Number of administrators that call in turns.
pub(crate) const CALLERS: usize = 16;

/// Names that are searched: each belongs to 2 of 100.
pub(crate) const LAST: &[&str] = &[
    "adler", "bauer", "clark", "dietz", "ebert", "fuchs", "graf", "huber", "jones", "kaiser", "lang",
    "meyer", "nowak", "otto", "peters", "richter", "smith", "taylor", "vogel", "wagner", "young", "zimmer",
    "brown", "davis", "evans", "green", "hall", "king", "lewis", "moore", "baker", "cook", "dixon", "ellis",
    "ford", "gray", "hayes", "irwin", "james", "kelly", "long", "mills", "nash", "owens", "price", "quinn",
    "reed", "stone", "tate", "usher",
];

/// The header of the caller of that number.
pub(crate) fn basic(n: usize) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", name(n), password(n))))
}

/// The header of this user and password.
pub(crate) fn basic_of(name: &str, password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")))
}

/// The user whom only the mail server of [`crate::peers::imap_server`] knows.
pub(crate) const EXTERNAL: &str = "external";

/// The header of [`EXTERNAL`] with this password.
pub(crate) fn external(password: &str) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{EXTERNAL}:{password}")))
}

/// The name of the caller of that number.
pub(crate) fn name(n: usize) -> String {
    format!("boss{n:02}")
}

/// The password of the caller of that number.
pub(crate) fn password(n: usize) -> String {
    format!("Wonderland 1865, chapter {n}")
}

/// Creates the administrators who call.
///
/// # Errors
/// The store cannot be written.
pub(crate) async fn create_callers(accounts: &ActingAccounts) -> Outcome {
    for n in 0..CALLERS {
        let typed = LocalPassword::new(&Password::parse(password(n))?)?;
        let hash = PasswordHash::new(&typed, &HashSettings::default())?;
        let user = NewUser::new(UserId::parse(&name(n))?);
        let hash = StoredHash::new(hash.expose());
        accounts.users().create(user.password(hash).group(GroupId::admin())).await?;
    }
    Ok(())
}

/// Fills a new store.
///
/// # Errors
/// The store cannot be written.
pub(crate) async fn fill(path: &Path, people: usize) -> Outcome {
    let accounts = Accounts::open(&StoreSettings::sqlite(path)).await?.as_system();
    create_callers(&accounts).await?;
    for n in 0..100 {
        accounts.groups().create(&GroupId::parse(&format!("group{n:02}"))?, None).await?;
    }
    accounts.close().await;

    let options = SqliteConnectOptions::new().filename(path).foreign_keys(false);
    let mut connection = SqliteConnection::connect_with(&options).await?;
    let mut tx = connection.begin().await?;
    let list: Vec<_> = (0..people).map(person).collect();
    for chunk in list.chunks(5_000) {
        sqlx::query(PEOPLE).bind(serde_json::to_string(chunk)?).execute(&mut *tx).await?;
    }
    for statement in AROUND {
        sqlx::query(*statement).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    sqlx::query("ANALYZE").execute(&mut connection).await?;
    Ok(connection.close().await?)
}

fn person(n: usize) -> serde_json::Value {
    let (name, last) = (format!("user{n:05}"), LAST[n % LAST.len()]);
    let (display, email) = (format!("Person {n} {last}"), format!("{name}@example.com"));
    let search = format!("{name}\n{}\n{email}", display.to_lowercase());
    serde_json::json!({"name": name, "display": display, "email": email, "search": search})
}

const PEOPLE: &str = "INSERT INTO users (name, id, backend, enabled, display_name, email, search, created_at, \
    first_login, last_login) SELECT json_extract(value, '$.name'), json_extract(value, '$.name'), 'local', 1, \
    json_extract(value, '$.display'), json_extract(value, '$.email'), json_extract(value, '$.search'), 0, \
    1700000000000, 1790000000000 FROM json_each($1)";

/// Other data of each: a pin, a hash, two profile fields, two groups.
const AROUND: &[&str] = &[
    "INSERT INTO pins (name, backend, since) SELECT name, 'local', 0 FROM users WHERE name LIKE 'user%'",
    "INSERT INTO passwords (user_key, hash, changed_at) SELECT key, \
     (SELECT hash FROM passwords LIMIT 1), 0 FROM users WHERE name LIKE 'user%'",
    "INSERT INTO profile (user_key, field, position, value, scope) SELECT key, 'phone', 0, '+4971125242890', \
     'v2-local' FROM users WHERE name LIKE 'user%'",
    "INSERT INTO profile (user_key, field, position, value, scope) SELECT key, 'website', 0, \
     'https://example.com', NULL FROM users WHERE name LIKE 'user%'",
    "INSERT INTO members (group_key, name, user_key) SELECT groups.key, users.name, users.key FROM users \
     JOIN groups ON groups.id IN ('group' || substr('0' || (users.key % 100), -2), \
     'group' || substr('0' || (users.key / 7 % 100), -2)) WHERE users.name LIKE 'user%'",
];
