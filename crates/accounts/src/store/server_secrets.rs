//! Secrets that all servers of this store share, each created on first use.

use zeroize::Zeroizing;

use crate::domain::{AccountsError, random};
use crate::store::Accounts;
use crate::store::engine::sql;

impl Accounts {
    /// A secret of the servers of this store, by its name.
    ///
    /// 32 random bytes, the same for all processes.
    ///
    /// # Errors
    /// When the store cannot be read or written, or the system has no random bytes.
    ///
    /// # Security
    /// Anyone who can read the database knows it. It is not for what must withstand that.
    pub async fn secret(&self, name: &str) -> Result<Zeroizing<[u8; 32]>, AccountsError> {
        let db = self.store().db();
        let found = sql("SELECT value FROM server_secrets WHERE name = $1").bind(name);
        let mut row = db.row(found.clone()).await?;
        if row.is_none() {
            let new = random::random::<32>()
                .map_err(|_| AccountsError::unavailable("the system gave no random bytes"))?;
            let mut tx = db.begin().await?;
            let insert =
                sql("INSERT INTO server_secrets (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING");
            tx.execute(insert.bind(name).bind(&*new)).await?;
            row = tx.row(found).await?;
            tx.commit().await?;
        }
        let value = row.map(|row| row.bytes(0)).transpose()?.map(Zeroizing::new);
        let value = value.and_then(|value| <[u8; 32]>::try_from(value.as_slice()).ok());
        value.map(Zeroizing::new).ok_or_else(|| AccountsError::unreadable("a secret has another length"))
    }
}
