//! Batches the look-up of every call: one statement for concurrent requests.
//!
//! Whether a credential ended, which apps are on, who a user is and what the user may do: at every
//! call that must be as true as the store is. Each question alone costs a trip to another thread or
//! another machine, which is far more than the answer is worth. So requests that arrive during a
//! statement wait for its end and then run together, in one statement. Nothing is remembered.
//!
//! # The guarantee
//! The statement that answers a question begins after the question was asked, and everything it
//! says was true at one moment. The answer includes everything that any process wrote before the
//! request.

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

/// The queue of requests.
///
/// Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Batcher(Arc<Mutex<RequestQueue>>);

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
    /// The snapshot of a user, batched with concurrent requests.
    pub(crate) async fn ask(&self, db: &Db, name: Option<&CanonicalName>) -> Result<Snapshot, AccountsError> {
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
