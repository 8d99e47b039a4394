//! Batches the look-up of every call: one statement for concurrent requests.
//!
//! Whether a credential ended, which apps are on, who a user is and what the user may do: at every
//! call that must be as true as the store is. Each question alone costs a trip to another thread or
//! another machine, which is far more than the answer is worth. So requests that arrive during a
//! statement wait for its end and then run together, in one statement.
//!
//! A file of SQLite says at once whether it was changed. What was found since its last change is
//! remembered, and forgotten with the next. Nothing else is remembered.
//!
//! # The guarantee
//! The statement that answers a question begins after the question was asked, or nothing was
//! committed between its beginning and the question. Everything it says was true at one moment. So
//! the answer includes everything that any process wrote before the request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use user_backend::CanonicalName;

use crate::domain::{AccountsError, Details};
use crate::store::engine::Db;
use crate::store::snapshot;
use crate::store::snapshot::Snapshot;

/// Maximum number of users per statement.
const MAX_NAMES: usize = 64;

/// Maximum time that a request waits for a batch.
const MAX_WAIT: Duration = Duration::from_millis(25);

/// Maximum number of concurrent statements.
const MAX_IN_FLIGHT: usize = 3;

/// Maximum number of remembered users.
///
/// A user takes a kilobyte or two.
const MAX_REMEMBERED: usize = 1024;

/// The queue of requests, and what is remembered.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batcher {
    queue: Arc<Mutex<RequestQueue>>,
    memory: Arc<Mutex<Memory>>,
}

/// What was found since the last commit.
#[derive(Debug, Default)]
struct Memory {
    /// The number of that commit; see [`Db::version`].
    version: Option<i64>,
    without_user: Option<Snapshot>,
    users: HashMap<CanonicalName, Snapshot>,
}

impl Memory {
    /// What is known at this version; what was known at another one is forgotten.
    ///
    /// A caller may come late, with a version that has passed. What it finds is newer than its
    /// question, and no version comes back.
    fn get(&mut self, version: i64, name: Option<&CanonicalName>) -> Option<Snapshot> {
        if self.version != Some(version) {
            self.version = Some(version);
            self.without_user = None;
            self.users.clear();
        }
        match name {
            None => self.without_user.clone(),
            Some(name) => self.users.get(name).cloned(),
        }
    }

    /// Keeps what a statement found that began after this version was read.
    ///
    /// Names without a user are not kept: there is no end of them.
    fn put(&mut self, version: i64, name: Option<&CanonicalName>, look: &Snapshot) {
        if self.version != Some(version) {
            return;
        }
        let Some(name) = name else {
            self.without_user = Some(look.clone());
            return;
        };
        if look.details.is_none() {
            return;
        }
        if self.users.len() >= MAX_REMEMBERED {
            self.users.clear();
        }
        self.users.insert(name.clone(), look.clone());
    }
}

#[derive(Debug, Default)]
struct RequestQueue {
    requests: Vec<Request>,
    in_flight: usize,
}

#[derive(Debug)]
struct Request {
    name: Option<CanonicalName>,
    answer: oneshot::Sender<Result<Snapshot, AccountsError>>,
}

impl Batcher {
    /// The snapshot of a user: remembered, or batched with concurrent requests.
    pub(crate) async fn ask(&self, db: &Db, name: Option<&CanonicalName>) -> Result<Snapshot, AccountsError> {
        // In this order: what is committed after the version was read is under another version.
        let version = db.version();
        let known = version.and_then(|version| self.memory().get(version, name));
        if let Some(look) = known {
            return Ok(look);
        }
        let look = self.ask_store(db, name).await?;
        if let Some(version) = version {
            self.memory().put(version, name, &look);
        }
        Ok(look)
    }

    async fn ask_store(&self, db: &Db, name: Option<&CanonicalName>) -> Result<Snapshot, AccountsError> {
        let (answer, mut answered) = oneshot::channel();
        let idle = {
            let mut queue = self.lock();
            queue.requests.push(Request { name: name.cloned(), answer });
            queue.in_flight == 0
        };
        if idle {
            BatchWorker::start(self, db);
        }
        let broke = || AccountsError::unavailable("a question broke off");
        match tokio::time::timeout(MAX_WAIT, &mut answered).await {
            Ok(answer) => answer.map_err(|_| broke())?,
            // The statement under way takes long. Another one may be faster.
            Err(_) => {
                BatchWorker::start(self, db);
                answered.await.map_err(|_| broke())?
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, RequestQueue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task that runs batches until no request is left.
struct BatchWorker {
    batcher: Batcher,
    db: Db,
    done: bool,
}

impl BatchWorker {
    fn start(batcher: &Batcher, db: &Db) {
        {
            let mut queue = batcher.lock();
            if queue.in_flight >= MAX_IN_FLIGHT || queue.requests.is_empty() {
                return;
            }
            queue.in_flight += 1;
        }
        let worker = Self { batcher: batcher.clone(), db: db.clone(), done: false };
        // A separate task: a cancelled caller ends no other request.
        tokio::spawn(worker.work());
    }

    async fn work(mut self) {
        while let Some(requests) = self.next() {
            answer(&self.db, requests).await;
        }
    }

    /// The next requests.
    ///
    /// Without any, the worker ends under the same lock, so no caller waits for it.
    fn next(&mut self) -> Option<Vec<Request>> {
        let mut queue = self.batcher.lock();
        let some = queue.requests.len().min(MAX_NAMES);
        if some == 0 {
            queue.in_flight = queue.in_flight.saturating_sub(1);
            self.done = true;
            return None;
        }
        Some(queue.requests.drain(..some).collect())
    }
}

impl Drop for BatchWorker {
    /// The runtime ends, or something broke.
    ///
    /// No caller must wait for an answer that will not come.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut queue = self.batcher.lock();
        queue.in_flight = queue.in_flight.saturating_sub(1);
        if queue.in_flight == 0 {
            queue.requests.clear();
        }
    }
}

async fn answer(db: &Db, requests: Vec<Request>) {
    let names = requests.iter().filter_map(|request| request.name.as_ref().map(CanonicalName::as_str));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let found = match snapshot::ask(db, &names).await {
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
        let look = details.map(|details| Snapshot::new(found.epoch, details, Arc::clone(&apps)));
        // Who went away needs no answer.
        drop(answer.send(look));
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::{NewUser, UserId};
    use crate::store::engine::Db;
    use crate::store::{Accounts, StoreSettings};

    #[tokio::test]
    async fn remembered_until_any_process_commits() {
        let folder = tempfile::tempdir().unwrap();
        let settings = StoreSettings::sqlite(folder.path().join("x.db"));
        let accounts = Accounts::open(&settings).await.unwrap();
        let other = Accounts::open(&settings).await.unwrap().as_system();
        let anna = UserId::parse("anna").unwrap();
        other.users().create(NewUser::new(anna.clone())).await.unwrap();
        for name in [None, Some(anna.name())] {
            accounts.snapshot(name).await.unwrap();
        }
        let Db::Sqlite { read, .. } = accounts.store().db() else { panic!("another engine") };
        // From here on, no statement can be asked.
        read.close().await;
        for _ in 0..2 {
            assert!(accounts.snapshot(None).await.unwrap().details.is_none());
            let look = accounts.snapshot(Some(anna.name())).await.unwrap();
            assert!(look.permissions().unwrap().user.enabled);
        }
        let ghost = UserId::parse("ghost").unwrap();
        assert!(accounts.snapshot(Some(ghost.name())).await.is_err(), "names without a user are not kept");
        other.users().set_enabled(&anna, false).await.unwrap();
        for name in [None, Some(anna.name())] {
            assert!(accounts.snapshot(name).await.is_err(), "{name:?}: a change was not noticed");
        }
    }
}
