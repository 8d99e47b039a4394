//! The connections that read.

use crate::domain::AccountsError;
use crate::store::engine::db::Db;
use crate::store::engine::open;
use crate::store::engine::query::sql;
use crate::store::settings::StoreSettings;

#[tokio::test]
async fn no_caller_waits_for_an_abandoned_attempt() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let db = open(&StoreSettings::sqlite(&path).with_connections(1)).await.unwrap();
    // It takes SQLite hours.
    let long = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) \
                SELECT COUNT(*) FROM n";
    for _ in 0..2 {
        let mut asking = Box::pin(db.row(sql(long)));
        assert!(futures_util::poll!(&mut asking).is_pending());
        drop(asking);
        let row = db.row(sql("SELECT 42")).await.unwrap().unwrap();
        assert_eq!(row.int(0).unwrap(), 42);
        let Db::Sqlite { read, .. } = &db else { panic!("another engine") };
        assert_eq!(read.open_now(), 1);
    }
}

#[tokio::test]
async fn closed_store_lends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.db");
    let db = open(&StoreSettings::sqlite(&path)).await.unwrap();
    db.close().await;
    let error = db.row(sql("SELECT 42")).await.err().unwrap();
    assert_eq!(error, AccountsError::unavailable("the store was closed"));
}
