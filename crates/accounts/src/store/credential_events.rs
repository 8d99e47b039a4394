//! Whose credentials ended since a moment.

use user_backend::CanonicalName;
use user_backend::brute_force::SourceNet;

use crate::domain::{AccountsError, CredentialEpoch, EndedCredentials, Timestamp};
use crate::store::credential_epoch::{CredentialEpochs, KEPT};
use crate::store::engine::{Row, sql};
use crate::store::failed_logins::{self, FailedLogins};

impl CredentialEpochs<'_> {
    /// Whose credentials ended after `seen`.
    ///
    /// A `seen` from the future (a database was restored from a backup) is answered with
    /// [`EndedCredentials::Everything`].
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the store cannot be read: nothing remembered may be
    /// believed then.
    pub async fn since(self, seen: CredentialEpoch) -> Result<EndedCredentials, AccountsError> {
        let now = self.current().await?;
        Ok(self.changes_between(seen, now).await?.changes)
    }

    /// Users whose password ended or whose record was cleared since `not_before`, and when.
    ///
    /// Earlier wrong guesses no longer count. At most the events that are kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn passwords_ended_since(
        self,
        not_before: Timestamp,
    ) -> Result<Vec<(CanonicalName, Timestamp)>, AccountsError> {
        let events = sql(
            "SELECT name, MAX(at) FROM credential_events WHERE ends_password = 1 AND at >= $1 GROUP BY name",
        );
        let rows = self.0.db().rows(events.bind(not_before.millis())).await?;
        let unreadable = |_| AccountsError::unreadable("an event without a user");
        let ended = |row: &Row| {
            let name = CanonicalName::parse(&row.text(0)?).map_err(unreadable)?;
            Ok((name, Timestamp::from_millis(row.int(1)?)))
        };
        rows.iter().map(ended).collect()
    }

    /// Users whose credentials ended between two epochs, and sources that were reset.
    pub(crate) async fn changes_between(
        self,
        seen: CredentialEpoch,
        now: CredentialEpoch,
    ) -> Result<Events, AccountsError> {
        if now == seen {
            return Ok(Events {
                changes: EndedCredentials::None { now },
                passwords_ended: Vec::new(),
                sources: Vec::new(),
            });
        }
        if now < seen || now.number() - seen.number() > KEPT {
            let sources = FailedLogins(self.0).resets_between(seen, now).await?;
            return Ok(Events {
                changes: EndedCredentials::Everything { now },
                passwords_ended: Vec::new(),
                sources,
            });
        }
        let events =
            sql("SELECT name, NULL, MAX(CASE WHEN ends_password = 1 THEN at END) FROM credential_events \
                          WHERE epoch > $1 AND epoch <= $2 GROUP BY name UNION ALL \
                          SELECT DISTINCT NULL, source, CAST(NULL AS BIGINT) FROM unblocked_sources \
                          WHERE epoch > $1 AND epoch <= $2");
        let (mut names, mut passwords_ended, mut sources) = (Vec::new(), Vec::new(), Vec::new());
        for row in self.0.db().rows(events.bind(seen.number()).bind(now.number())).await? {
            if let Some(name) = row.text_or_null(0)? {
                let unreadable = |_| AccountsError::unreadable("an event without a user");
                let name = CanonicalName::parse(&name).map_err(unreadable)?;
                if let Some(at) = row.int_or_null(2)? {
                    passwords_ended.push((name.clone(), Timestamp::from_millis(at)));
                }
                names.push(name);
            }
            if let Some(source) = row.text_or_null(1)? {
                sources.push(failed_logins::source(&source)?);
            }
        }
        Ok(Events { changes: EndedCredentials::Users { now, names }, passwords_ended, sources })
    }
}

/// The events between two epochs.
#[derive(Debug)]
pub(crate) struct Events {
    /// Whose credentials ended.
    pub(crate) changes: EndedCredentials,
    /// Whose password, or account, was among them, and when it ended last.
    ///
    /// Not those who only lost or renewed an app password.
    pub(crate) passwords_ended: Vec<(CanonicalName, Timestamp)>,
    /// Sources whose failed sign-ins were reset.
    pub(crate) sources: Vec<SourceNet>,
}
