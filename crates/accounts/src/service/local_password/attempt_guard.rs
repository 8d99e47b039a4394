//! A counted attempt at a local password, until it is known what became of it.

use user_backend::CanonicalName;

use crate::store::handle::ActingStore;
use crate::store::login_attempts::LoginAttempts;

/// A counted attempt, taken back when it is dropped before anybody said what became of it.
#[derive(Debug)]
pub(crate) struct AttemptGuard {
    store: ActingStore,
    name: Option<CanonicalName>,
}

impl AttemptGuard {
    pub(crate) fn new(store: &ActingStore, name: &CanonicalName) -> Self {
        Self { store: store.clone(), name: Some(name.clone()) }
    }

    /// The password was wrong: the count stands.
    pub(crate) fn commit_failure(mut self) {
        self.name = None;
    }

    /// The password was right.
    pub(crate) async fn commit_success(mut self) {
        if let Some(name) = self.name.take()
            && let Err(error) = LoginAttempts(&self.store).forget(&name).await
        {
            tracing::warn!(user = ?name, %error, "a right password could not wipe the wrong ones before it");
        }
    }
}

impl Drop for AttemptGuard {
    fn drop(&mut self) {
        let (Some(name), Ok(runtime)) = (self.name.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let store = self.store.clone();
        runtime.spawn(async move {
            if let Err(error) = LoginAttempts(&store).cancel(&name).await {
                tracing::warn!(user = ?name, %error, "an attempt that told nothing stays counted");
            }
        });
    }
}
