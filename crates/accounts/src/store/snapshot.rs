//! What a server asks at every call, asked once for all who ask at the same time.
//!
//! Whether anybody's credential ended, which apps are on, who somebody is and what they may do: at every call that must be as
//! true as the store is. Each question alone costs a trip to another thread or another machine, which is far more than the
//! answer is worth. So questions that come while an answer is on its way wait for it to come back and go out together, in one
//! statement. Nothing is remembered.
//!
//! # The guarantee
//! The statement that answers a question begins after the question was asked, and everything it says was true at one moment.
//! Whatever any process had written before the request, the answer knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use user_backend::CanonicalName;

use crate::Accounts;
use crate::domain::error::AccountsError;
use crate::store::credential_epoch::CredentialEpoch;
use crate::store::users::packed::{SNAPSHOT, SnapshotRow};
use crate::store::users::{Details, Permissions};

/// So many people are asked about in one statement.
const MAX_NAMES: usize = 64;

/// Who waits longer does not wait for others any more.
const MAX_WAIT: Duration = Duration::from_millis(25);

/// So many statements are under way at most.
const MAX_IN_FLIGHT: usize = 3;

/// What the store says at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// How often anybody's credentials ended so far; see [`crate::CredentialEpoch`].
    pub epoch: CredentialEpoch,
    /// The person who was asked for, if there is one.
    pub details: Option<Arc<Details>>,
    apps: Arc<Vec<(String, bool)>>,
}

impl Snapshot {
    /// Whether an app is on; `None` when nobody ever switched it.
    pub fn app(&self, id: &str) -> Option<bool> {
        self.apps.iter().find(|(app, _)| app == id).map(|(_, enabled)| *enabled)
    }

    /// What the person may do who was asked for.
    pub fn permissions(&self) -> Option<Permissions> {
        self.details.as_deref().map(Permissions::of)
    }
}

/// Where requests wait.
#[derive(Debug, Default)]
pub(crate) struct Batcher(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    requests: Vec<Request>,
    in_flight: usize,
}

#[derive(Debug)]
struct Request {
    name: Option<CanonicalName>,
    answer: oneshot::Sender<Result<Snapshot, AccountsError>>,
}

impl Accounts {
    /// The generation, the apps, and everything about the person of that name: what is true now.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] and others that say that the store could not tell: nobody may be let in then.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn snapshot(&self, name: Option<&CanonicalName>) -> Result<Snapshot, AccountsError> {
        let (answer, mut answered) = oneshot::channel();
        let idle = {
            let mut waiting = self.batcher().lock();
            waiting.requests.push(Request { name: name.cloned(), answer });
            waiting.in_flight == 0
        };
        if idle {
            BatchWorker::start(self);
        }
        let broke = || AccountsError::unavailable("a question broke off");
        match tokio::time::timeout(MAX_WAIT, &mut answered).await {
            Ok(answer) => answer.map_err(|_| broke())?,
            // Whoever is asked does not answer. Others may.
            Err(_) => {
                BatchWorker::start(self);
                answered.await.map_err(|_| broke())?
            }
        }
    }
}

impl Batcher {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who takes requests to the store until there are none.
struct BatchWorker {
    accounts: Accounts,
    done: bool,
}

impl BatchWorker {
    fn start(accounts: &Accounts) {
        {
            let mut waiting = accounts.batcher().lock();
            if waiting.in_flight >= MAX_IN_FLIGHT || waiting.requests.is_empty() {
                return;
            }
            waiting.in_flight += 1;
        }
        let worker = Self { accounts: accounts.clone(), done: false };
        // A task of its own: whoever gives up waiting ends nobody else's request.
        tokio::spawn(worker.work());
    }

    async fn work(mut self) {
        while let Some(requests) = self.next() {
            answer(&self.accounts, requests).await;
        }
    }

    /// The next requests. When there are none the worker has gone in the same moment, so nobody waits for it in vain.
    fn next(&mut self) -> Option<Vec<Request>> {
        let mut waiting = self.accounts.batcher().lock();
        let some = waiting.requests.len().min(MAX_NAMES);
        if some == 0 {
            waiting.in_flight = waiting.in_flight.saturating_sub(1);
            self.done = true;
            return None;
        }
        Some(waiting.requests.drain(..some).collect())
    }
}

impl Drop for BatchWorker {
    /// The runtime ends, or something broke: nobody shall wait for an answer that will not come.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut waiting = self.accounts.batcher().lock();
        waiting.in_flight = waiting.in_flight.saturating_sub(1);
        if waiting.in_flight == 0 {
            waiting.requests.clear();
        }
    }
}

async fn answer(accounts: &Accounts, requests: Vec<Request>) {
    let names = requests.iter().filter_map(|request| request.name.as_ref().map(CanonicalName::as_str));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let found = match ask(accounts, &names).await {
        Ok(found) => found,
        Err(error) => {
            requests.into_iter().for_each(|request| drop(request.answer.send(Err(error.clone()))));
            return;
        }
    };
    let apps = Arc::new(found.apps);
    let people: HashMap<String, Result<Arc<Details>, AccountsError>> =
        found.users.into_iter().map(|(name, details)| (name, details.map(Arc::new))).collect();
    for Request { name, answer } in requests {
        let details = name.and_then(|name| people.get(name.as_str()).cloned()).transpose();
        let look = details.map(|details| Snapshot { epoch: found.epoch, details, apps: Arc::clone(&apps) });
        // Who went away needs no answer.
        drop(answer.send(look));
    }
}

/// The statement itself.
pub(crate) async fn ask(accounts: &Accounts, names: &[&str]) -> Result<SnapshotRow, AccountsError> {
    let list = serde_json::to_string(names).unwrap_or_default();
    let row = accounts.db().row(SNAPSHOT.bind(list)).await?;
    let row = row.ok_or_else(|| AccountsError::unreadable("the store says nothing"))?;
    SnapshotRow::read(&row)
}
