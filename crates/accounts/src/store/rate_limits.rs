//! Rate limits: at most N events per window, counted in the store.
//!
//! In the store and not in memory, so that a limit holds across processes and restarts and needs
//! nothing else to be installed.

use std::net::IpAddr;
use std::time::Duration;

use user_backend::brute_force::SourceNet;

use crate::domain::{AccountsError, Timestamp};
use crate::store::change::Change;
use crate::store::engine::{SqlDialect, each, sql};

/// A maximum number of events per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many events.
    pub max: u32,
    /// How long the window is.
    pub window: Duration,
}

/// The longest time that any limit looks back.
const MAX_WINDOW: Duration = Duration::from_secs(24 * 60 * 60);

/// Time until this number of events is allowed; `None` if it is now.
///
/// Another transaction that asks for the same subject waits until this one has ended: no burst
/// slips through between looking and taking.
async fn retry_after(
    change: &mut Change<'_>,
    limit: RateLimit,
    scope: &str,
    subject: &str,
    events: u32,
) -> Result<Option<Duration>, AccountsError> {
    let now = change.now();
    let Some(free) = limit.max.checked_sub(events) else { return Ok(Some(limit.window)) };
    if change.kind() == SqlDialect::Postgres {
        // SQLite has one writer at a time as it is.
        let alone = sql("SELECT pg_advisory_xact_lock(hashtext($1), hashtext($2))");
        change.execute(alone.bind(scope).bind(subject)).await?;
    }
    // Events from a far future are left out: a clock that was set back must not lock anyone out.
    let newest =
        sql("SELECT at FROM rate_limit_events WHERE scope = $1 AND subject = $2 AND at > $3 AND at < $4 \
                      ORDER BY at DESC LIMIT $5")
        .bind(scope)
        .bind(subject)
        .bind(now.before(limit.window).millis())
        .bind(now.after(limit.window).millis())
        .bind(i64::from(free) + 1);
    let rows = change.rows(newest).await?;
    if rows.len() <= usize::try_from(free).unwrap_or(usize::MAX) {
        return Ok(None);
    }
    let Some(oldest) = rows.last() else { return Ok(Some(limit.window)) };
    let free = Timestamp::from_millis(oldest.int(0)?).after(limit.window);
    let millis = u64::try_from(free.millis().saturating_sub(now.millis())).unwrap_or_default();
    Ok(Some(Duration::from_millis(millis.max(1)).min(limit.window)))
}

/// A counted event.
///
/// At every subject that it was counted for.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitEvent(Vec<i64>);

/// Counts an event if the limit allows it, or returns how long it takes until it does.
pub(crate) async fn acquire(
    change: &mut Change<'_>,
    limit: RateLimit,
    scope: &str,
    subject: &str,
) -> Result<Result<RateLimitEvent, Duration>, AccountsError> {
    acquire_all(change, scope, &[(subject.to_owned(), limit)]).await
}

/// Counts an event of a source if the limit allows it, or returns how long it takes until it does.
///
/// An IPv6 address counts at its /64, /56 and /48, with 1, 4 and 16 times the limit: one customer
/// may have up to a /48. No network gets more than `most`. Requests without an address count
/// together.
pub(crate) async fn acquire_from(
    change: &mut Change<'_>,
    limit: RateLimit,
    most: u32,
    scope: &str,
    source: Option<IpAddr>,
) -> Result<Result<RateLimitEvent, Duration>, AccountsError> {
    let Some(source) = source else { return acquire(change, limit, scope, "unknown").await };
    let levels = SourceNet::of(source).levels().map(|network| {
        let max = limit.max.saturating_mul(network.allowance_factor()).min(most);
        (network.to_string(), RateLimit { max, ..limit })
    });
    acquire_all(change, scope, &levels.collect::<Vec<_>>()).await
}

/// Counts an event at all of these subjects if the limit of each allows it.
async fn acquire_all(
    change: &mut Change<'_>,
    scope: &str,
    subjects: &[(String, RateLimit)],
) -> Result<Result<RateLimitEvent, Duration>, AccountsError> {
    for (subject, limit) in subjects {
        if let Some(wait) = retry_after(change, *limit, scope, subject, 1).await? {
            return Ok(Err(wait));
        }
    }
    let mut keys = Vec::with_capacity(subjects.len());
    for (subject, _) in subjects {
        let event =
            sql("INSERT INTO rate_limit_events (scope, subject, at) VALUES ($1, $2, $3) RETURNING key");
        let event = event.bind(scope).bind(subject.as_str()).bind(change.now().millis());
        keys.extend(change.row(event).await?.map(|row| row.int(0)).transpose()?);
    }
    Ok(Ok(RateLimitEvent(keys)))
}

/// Counts several events if the limit allows all, or returns the time until it does.
pub(crate) async fn acquire_several(
    change: &mut Change<'_>,
    limit: RateLimit,
    scope: &str,
    subject: &str,
    events: u32,
) -> Result<Result<(), Duration>, AccountsError> {
    if let Some(wait) = retry_after(change, limit, scope, subject, events).await? {
        return Ok(Err(wait));
    }
    let insert = each(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < $4) \
         INSERT INTO rate_limit_events (scope, subject, at) SELECT $1, $2, $3 FROM numbers",
        "INSERT INTO rate_limit_events (scope, subject, at) SELECT $1, $2, $3 FROM generate_series(1, $4)",
    );
    if events > 0 {
        let now = change.now().millis();
        change.execute(insert.bind(scope).bind(subject).bind(now).bind(i64::from(events))).await?;
    }
    Ok(Ok(()))
}

/// Takes an event off the count.
pub(crate) async fn release(change: &mut Change<'_>, event: RateLimitEvent) -> Result<(), AccountsError> {
    for key in event.0 {
        change.execute(sql("DELETE FROM rate_limit_events WHERE key = $1").bind(key)).await?;
    }
    Ok(())
}

/// Deletes events that are too old for every limit.
pub(crate) async fn purge_expired(change: &mut Change<'_>) -> Result<(), AccountsError> {
    let expired =
        sql("DELETE FROM rate_limit_events WHERE at < $1").bind(change.now().before(MAX_WINDOW).millis());
    change.execute(expired).await?;
    Ok(())
}
