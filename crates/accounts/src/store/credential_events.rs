//! Whose credentials ended since a moment.

use user_backend::CanonicalName;
use user_backend::layer::Place;

use crate::domain::{AccountsError, Changes, CredentialEpoch};
use crate::store::credential_epoch::{CredentialEpochs, KEPT};
use crate::store::engine::sql;
use crate::store::failed_logins::{self, FailedLogins};

impl CredentialEpochs<'_> {
    /// Whose credentials ended after `seen`.
    ///
    /// A `seen` from the future (a database was restored from a backup) is answered with [`Changes::Everything`].
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] when the store cannot be read: nothing remembered may be believed then.
    pub async fn since(self, seen: CredentialEpoch) -> Result<Changes, AccountsError> {
        let now = self.current().await?;
        self.changes_between(seen, now).await.map(|(changes, _)| changes)
    }

    /// Whose credentials ended after one epoch, up to another, and which sources were reset in between.
    pub(crate) async fn changes_between(
        self,
        seen: CredentialEpoch,
        now: CredentialEpoch,
    ) -> Result<(Changes, Vec<Place>), AccountsError> {
        if now == seen {
            return Ok((Changes::None { now }, Vec::new()));
        }
        if now < seen || now.number() - seen.number() > KEPT {
            return Ok((Changes::Everything { now }, FailedLogins(self.0).resets_between(seen, now).await?));
        }
        let events =
            sql("SELECT name, NULL FROM credential_events WHERE generation > $1 AND generation <= $2 UNION \
                        SELECT NULL, place FROM forgiven_places WHERE generation > $1 AND generation <= $2");
        let (mut names, mut sources) = (Vec::new(), Vec::new());
        for row in self.0.db().rows(events.bind(seen.number()).bind(now.number())).await? {
            if let Some(name) = row.text_or_null(0)? {
                let unreadable = |_| AccountsError::unreadable("an event names nobody");
                names.push(CanonicalName::parse(&name).map_err(unreadable)?);
            }
            if let Some(source) = row.text_or_null(1)? {
                sources.push(failed_logins::source(&source)?);
            }
        }
        Ok((Changes::Users { now, names }, sources))
    }
}
