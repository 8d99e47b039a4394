//! The owner of each name in a database of your own.
//!
//! The first backend that accepts a name owns it. With pins that last, another backend cannot take
//! it over after a restart. `cargo run --example sqlite_pins`

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use user_backend::resolver::{PinError, PinOwner, PinStore};
use user_backend::{BackendId, CanonicalName, Credentials, Resolver, StaticBackend};

/// Pins in the table `pins`.
#[derive(Debug)]
pub struct SqlitePins(SqlitePool);

impl SqlitePins {
    /// Opens the database, and creates the table if it is missing.
    pub async fn open(path: &std::path::Path) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await?;
        let table =
            "CREATE TABLE IF NOT EXISTS pins (name TEXT PRIMARY KEY, backend TEXT NOT NULL, spelling TEXT)";
        sqlx::query(table).execute(&pool).await?;
        Ok(Self(pool))
    }
}

fn owner((backend, spelling): (String, Option<String>)) -> Result<PinOwner, PinError> {
    Ok(PinOwner::new(BackendId::parse(&backend).map_err(PinError::new)?, spelling))
}

#[async_trait]
impl PinStore for SqlitePins {
    async fn owner(&self, name: &CanonicalName) -> Result<Option<PinOwner>, PinError> {
        let query = sqlx::query_as("SELECT backend, spelling FROM pins WHERE name = ?").bind(name.as_str());
        query.fetch_optional(&self.0).await.map_err(PinError::new)?.map(owner).transpose()
    }

    async fn bind(
        &self,
        name: &CanonicalName,
        backend: &BackendId,
        spelling: Option<&str>,
    ) -> Result<PinOwner, PinError> {
        // One statement: of two backends that accept a name at the same time, one becomes the
        // owner.
        let query = "INSERT INTO pins (name, backend, spelling) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE \
                     SET spelling = CASE WHEN backend = ?2 THEN coalesce(spelling, ?3) ELSE spelling END \
                     RETURNING backend, spelling";
        let query = sqlx::query_as(query).bind(name.as_str()).bind(backend.as_str()).bind(spelling);
        owner(query.fetch_one(&self.0).await.map_err(PinError::new)?)
    }

    async fn rebind(
        &self,
        name: &CanonicalName,
        backend: Option<&BackendId>,
    ) -> Result<Option<BackendId>, PinError> {
        let mut change = self.0.begin_with("BEGIN IMMEDIATE").await.map_err(PinError::new)?;
        let query = sqlx::query_as("DELETE FROM pins WHERE name = ? RETURNING backend, spelling");
        let before = query.bind(name.as_str()).fetch_optional(&mut *change).await.map_err(PinError::new)?;
        if let Some(backend) = backend {
            let query = sqlx::query("INSERT INTO pins (name, backend) VALUES (?, ?)");
            let query = query.bind(name.as_str()).bind(backend.as_str());
            query.execute(&mut *change).await.map_err(PinError::new)?;
        }
        change.commit().await.map_err(PinError::new)?;
        before.map(|before| Ok(owner(before)?.backend)).transpose()
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pins = SqlitePins::open("pins.db".as_ref()).await?;
    let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    let resolver = Resolver::builder().backend(people).pins(std::sync::Arc::new(pins)).build()?;
    let answer = resolver.authenticate(Credentials::new("Alice", "Wonderland-1")).await;
    println!("alice: {}; see: sqlite3 pins.db 'SELECT * FROM pins'", answer.outcome.as_str());
    Ok(())
}
