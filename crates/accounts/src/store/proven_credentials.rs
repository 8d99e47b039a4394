//! Proven credentials, kept for longer than a process.
//!
//! The library's [`ProvenStore`] on this store.
//!
//! A row is a keyed hash of a name and a password that were accepted last. The key is not in the
//! database, so a copy of it checks no guess. Rows go at a refusal and with everything that ends
//! the user's credentials. At most 10 rows per user and 100,000 in all; the oldest go first.

use async_trait::async_trait;
use user_backend::CanonicalName;
use user_backend::resolver::{ProvenHash, ProvenStore, ProvenStoreError};

use crate::domain::AccountsError;
use crate::store::change::Change;
use crate::store::engine::{each, sql};
use crate::store::handle::ActingStore;

/// Maximum number of rows of a user: one for each device with its own password.
const PER_USER: i64 = 10;

/// How many rows there may be.
const IN_ALL: i64 = 100_000;

/// Proven credentials as a resolver takes them.
#[derive(Clone, Debug)]
pub struct StoredProven(pub(crate) ActingStore);

impl StoredProven {
    async fn find(&self, hash: &ProvenHash) -> Result<bool, AccountsError> {
        let query = sql("SELECT 1 FROM proven_credentials WHERE hash = $1").bind(hash.as_bytes());
        Ok(self.0.db().row(query).await?.is_some())
    }

    async fn put(&self, name: &CanonicalName, hash: &ProvenHash, in_all: i64) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        // A new row, so that it is the newest.
        change.execute(sql("DELETE FROM proven_credentials WHERE hash = $1").bind(hash.as_bytes())).await?;
        let add =
            sql("INSERT INTO proven_credentials (name, hash) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING");
        change.execute(add.bind(name.as_str()).bind(hash.as_bytes())).await?;
        let surplus = sql("DELETE FROM proven_credentials WHERE name = $1 AND key <= \
                           (SELECT key FROM proven_credentials WHERE name = $1 ORDER BY key DESC LIMIT 1 OFFSET $2)");
        change.execute(surplus.bind(name.as_str()).bind(PER_USER)).await?;
        let surplus = sql("DELETE FROM proven_credentials \
                           WHERE key <= (SELECT MAX(key) FROM proven_credentials) - $1");
        change.execute(surplus.bind(in_all)).await?;
        change.commit().await
    }

    async fn delete(&self, hash: &ProvenHash) -> Result<(), AccountsError> {
        let mut change = self.0.change().await?;
        change.execute(sql("DELETE FROM proven_credentials WHERE hash = $1").bind(hash.as_bytes())).await?;
        change.commit().await
    }
}

/// Deletes a user's rows, in the caller's transaction.
pub(crate) async fn forget(change: &mut Change<'_>, name: &CanonicalName) -> Result<(), AccountsError> {
    change.execute(sql("DELETE FROM proven_credentials WHERE name = $1").bind(name.as_str())).await.map(drop)
}

#[async_trait]
impl ProvenStore for StoredProven {
    async fn contains(&self, credentials: &ProvenHash) -> Result<bool, ProvenStoreError> {
        self.find(credentials).await.map_err(ProvenStoreError::new)
    }

    async fn add(&self, person: &CanonicalName, credentials: &ProvenHash) -> Result<(), ProvenStoreError> {
        self.put(person, credentials, IN_ALL).await.map_err(ProvenStoreError::new)
    }

    async fn remove(&self, credentials: &ProvenHash) -> Result<(), ProvenStoreError> {
        self.delete(credentials).await.map_err(ProvenStoreError::new)
    }
}

/// The same for several users, named by a list in JSON.
pub(crate) async fn forget_all_of(change: &mut Change<'_>, names: &str) -> Result<(), AccountsError> {
    let forget = each(
        "DELETE FROM proven_credentials WHERE name IN (SELECT value FROM json_each($1))",
        "DELETE FROM proven_credentials WHERE name IN (SELECT jsonb_array_elements_text($1::jsonb))",
    );
    change.execute(forget.bind(names)).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Accounts, StoreSettings};

    #[tokio::test]
    async fn oldest_rows_beyond_the_limit_are_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let accounts =
            Accounts::open(&StoreSettings::sqlite(folder.path().join("accounts.db"))).await.unwrap();
        let proven = StoredProven(accounts.as_system().store().clone());
        let hash = |number: u8| ProvenHash::new([number; 32]);
        for number in 0..20 {
            let name = CanonicalName::parse(&format!("user{number}")).unwrap();
            proven.put(&name, &hash(number), 5).await.unwrap();
        }
        for number in 0..20 {
            assert_eq!(proven.find(&hash(number)).await.unwrap(), number >= 15, "{number}");
        }
    }
}
