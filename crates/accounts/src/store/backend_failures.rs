//! Failed logins of users at backends, counted for all servers.
//!
//! The library's [`SharedBudget`] on PostgreSQL. Each step is one statement on one row, which
//! exists per backend and user while anything counts: `INSERT ... ON CONFLICT DO UPDATE` locks the
//! row for the time of the statement and looks at its newest version, so no burst of several
//! servers exceeds a limit. Times are those of the database.
//!
//! Where a site counts in Valkey as well, each of the two grants a share of the limit
//! (`valkey_generation.rs`): the function `budget_share` returns that of PostgreSQL.

use std::time::Duration;

use async_trait::async_trait;
use user_backend::BackendId;
use user_backend::brute_force::{
    AttemptLimit, BudgetEntry, BudgetReply, BudgetResult, SharedBudget, SharedBudgetError, SourceHash,
    UserHash,
};

use crate::domain::AccountsError;
use crate::store::change::Change;
use crate::store::engine::{Query, SqlDialect, sql};
use crate::store::handle::ActingStore;

/// Number of bits of an entry below its time.
///
/// Random for one that is reserved, the hash of the network for a wrong password.
const LOW_BITS: u32 = SourceHash::BITS;

/// Longer than any attempt takes: its wrong password counts for a window after its end.
const LONGEST_ATTEMPT: Duration = Duration::from_secs(10 * 60);

/// How many rows there may be, the latest.
const MAX_ROWS: i64 = 100_000;

/// Failed logins at backends as a resolver takes them.
#[derive(Clone, Debug)]
pub struct StoredBudget(pub(crate) ActingStore);

impl StoredBudget {
    async fn take(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, AccountsError> {
        let window = millis(limit.per);
        let reserve = sql(
            "INSERT INTO backend_failures AS kept (backend, subject, wrong, reserved, expires_at) \
             SELECT $1, $2, '{}', ARRAY[(now_ms << 20) | floor(random() * 1048576)::bigint], now_ms + $3 + $5 \
             FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock \
             ON CONFLICT (backend, subject) DO UPDATE SET \
             wrong = ARRAY(SELECT entry FROM unnest(kept.wrong) AS entry \
                           WHERE entry > EXCLUDED.reserved[1] - ($3 << 20)), \
             reserved = ARRAY(SELECT entry FROM unnest(kept.reserved) AS entry \
                              WHERE entry > EXCLUDED.reserved[1] - ($3 << 20)) || EXCLUDED.reserved, \
             expires_at = EXCLUDED.expires_at \
             WHERE (SELECT count(*) FROM unnest(kept.wrong || kept.reserved) AS entry \
                    WHERE entry > EXCLUDED.reserved[1] - ($3 << 20)) < budget_share($4, $3) \
             RETURNING reserved[cardinality(reserved)]",
        );
        let reserve = reserve.bind(backend.as_str()).bind(user.to_string()).bind(window);
        let reserve = reserve.bind(i64::from(limit.failures)).bind(millis(LONGEST_ATTEMPT));
        let row = self.0.db().row(reserve).await?;
        match row {
            Some(row) => Ok(BudgetReply::Reserved(BudgetEntry::new(row.int(0)?))),
            None => self.why(backend, user, limit).await,
        }
    }

    /// Why nothing could be reserved.
    async fn why(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, AccountsError> {
        // The age of the wrong password that has to expire before there is room.
        let oldest = sql("SELECT now_ms - (entry >> 20) FROM backend_failures, unnest(wrong) AS entry, \
             (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now_ms) AS clock \
             WHERE backend = $1 AND subject = $2 AND now_ms - (entry >> 20) < $3 \
             ORDER BY entry DESC OFFSET greatest(budget_share($4, $3) - 1, 0) LIMIT 1");
        let oldest = oldest.bind(backend.as_str()).bind(user.to_string()).bind(millis(limit.per));
        let row = self.0.db().row(oldest.bind(i64::from(limit.failures))).await?;
        Ok(match row {
            Some(row) => {
                let age = u64::try_from(row.int(0)?).unwrap_or_default();
                BudgetReply::ReachedByFailures(limit.per.saturating_sub(Duration::from_millis(age)))
            }
            None => BudgetReply::ReachedByUnanswered,
        })
    }

    async fn end(
        &self,
        backend: &BackendId,
        user: &UserHash,
        entry: BudgetEntry,
        result: BudgetResult,
    ) -> Result<(), AccountsError> {
        let of_entry = |query: Query| query.bind(backend.as_str()).bind(user.to_string()).bind(entry.number);
        let db = self.0.db();
        // Usually it is all that counts: then the row goes.
        let alone = match result {
            BudgetResult::Right(source) => {
                let alone = sql("DELETE FROM backend_failures WHERE backend = $1 AND subject = $2 \
                     AND reserved = ARRAY[$3::bigint] AND NOT EXISTS (SELECT FROM unnest(wrong) AS entry \
                     WHERE entry > $3 OR entry & 1048575 <> $4) RETURNING 1");
                Some(of_entry(alone).bind(i64::from(source.number())))
            }
            BudgetResult::Nothing => {
                Some(of_entry(sql("DELETE FROM backend_failures WHERE backend = $1 AND subject = $2 \
                     AND reserved = ARRAY[$3::bigint] AND wrong = '{}' RETURNING 1")))
            }
            BudgetResult::Wrong(_) => None,
        };
        if let Some(alone) = alone
            && db.row(alone).await?.is_some()
        {
            return Ok(());
        }
        let update = match result {
            // The server cleared its own count when it saw the right password. Later wrong ones
            // may have come after that, and those from elsewhere count on.
            BudgetResult::Right(source) => of_entry(sql("UPDATE backend_failures SET \
                 wrong = ARRAY(SELECT entry FROM unnest(wrong) AS entry \
                               WHERE entry > $3 OR entry & 1048575 <> $4), \
                 reserved = array_remove(reserved, $3::bigint) WHERE backend = $1 AND subject = $2"))
            .bind(i64::from(source.number())),
            BudgetResult::Nothing => {
                of_entry(sql("UPDATE backend_failures SET reserved = array_remove(reserved, $3::bigint) \
                 WHERE backend = $1 AND subject = $2"))
            }
            // Under the time at which it was refused, and its network.
            BudgetResult::Wrong(source) => of_entry(sql("UPDATE backend_failures SET \
                 wrong = wrong || (((extract(epoch FROM clock_timestamp()) * 1000)::bigint << 20) | $4), \
                 reserved = array_remove(reserved, $3::bigint) WHERE backend = $1 AND subject = $2"))
            .bind(i64::from(source.number())),
        };
        db.row(update).await.map(drop)
    }
}

fn millis(time: Duration) -> i64 {
    // More than 250 years would not fit beside the low bits.
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).min(i64::MAX >> (LOW_BITS + 1))
}

/// Deletes what no longer counts, in the caller's transaction.
pub(crate) async fn purge(change: &mut Change<'_>) -> Result<(), AccountsError> {
    if change.kind() == SqlDialect::Sqlite {
        return Ok(());
    }
    let expired = sql("DELETE FROM backend_failures \
                       WHERE expires_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint");
    change.execute(expired).await?;
    let surplus = sql("DELETE FROM backend_failures WHERE expires_at < \
                       (SELECT expires_at FROM backend_failures ORDER BY expires_at DESC OFFSET $1 LIMIT 1)");
    change.execute(surplus.bind(MAX_ROWS)).await?;
    Ok(())
}

#[async_trait]
impl SharedBudget for StoredBudget {
    async fn reserve(
        &self,
        backend: &BackendId,
        user: &UserHash,
        limit: AttemptLimit,
    ) -> Result<BudgetReply, SharedBudgetError> {
        self.take(backend, user, limit).await.map_err(SharedBudgetError::new)
    }

    async fn settle(
        &self,
        backend: &BackendId,
        user: &UserHash,
        entry: BudgetEntry,
        result: BudgetResult,
    ) -> Result<(), SharedBudgetError> {
        self.end(backend, user, entry, result).await.map_err(SharedBudgetError::new)
    }
}
