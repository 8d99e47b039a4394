//! What a server asks at every call, asked once for all who ask at the same time.
//!
//! Whether anybody's credential ended, which apps are on, who somebody is and what they may do: at every call that must be as
//! true as the store is. Each question alone costs a trip to another thread or another machine, which is far more than the
//! answer is worth. So questions that come while an answer is on its way wait for it to come back and go out together, in one
//! statement. Nothing is remembered.
//!
//! # The guarantee
//! The statement that answers a question begins after the question was asked, and everything it says was true at one moment.
//! Whatever any process had written before the question, the answer knows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use user_backend::CanonicalName;

use crate::Accounts;
use crate::domain::error::AccountsError;
use crate::store::credential_epoch::Generation;
use crate::store::users::packed::{LOOK, Looked};
use crate::store::users::{Details, Standing};

/// So many people are asked about in one statement.
const MOST: usize = 64;

/// Who waits longer does not wait for others any more.
const SLOW: Duration = Duration::from_millis(25);

/// So many statements are under way at most.
const AT_WORK: usize = 3;

/// What the store says at one moment.
#[derive(Clone, Debug)]
pub struct Look {
    /// How often anybody's credentials ended so far; see [`crate::Generation`].
    pub generation: Generation,
    /// The person who was asked for, if there is one.
    pub details: Option<Arc<Details>>,
    apps: Arc<Vec<(String, bool)>>,
}

impl Look {
    /// Whether an app is on; `None` when nobody ever switched it.
    pub fn app(&self, id: &str) -> Option<bool> {
        self.apps.iter().find(|(app, _)| app == id).map(|(_, enabled)| *enabled)
    }

    /// What the person may do who was asked for.
    pub fn standing(&self) -> Option<Standing> {
        self.details.as_deref().map(Standing::of)
    }
}

/// Where questions wait.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    questions: Vec<Question>,
    at_work: usize,
}

#[derive(Debug)]
struct Question {
    name: Option<CanonicalName>,
    answer: oneshot::Sender<Result<Look, AccountsError>>,
}

impl Accounts {
    /// The generation, the apps, and everything about the person of that name: what is true now.
    ///
    /// # Errors
    /// [`AccountsError::Unavailable`] and others that say that the store could not tell: nobody may be let in then.
    ///
    /// # Cancellation
    /// Safe.
    pub async fn look(&self, name: Option<&CanonicalName>) -> Result<Look, AccountsError> {
        let (answer, mut answered) = oneshot::channel();
        let idle = {
            let mut waiting = self.desk().lock();
            waiting.questions.push(Question { name: name.cloned(), answer });
            waiting.at_work == 0
        };
        if idle {
            Worker::start(self);
        }
        let broke = || AccountsError::unavailable("a question broke off");
        match tokio::time::timeout(SLOW, &mut answered).await {
            Ok(answer) => answer.map_err(|_| broke())?,
            // Whoever is asked does not answer. Others may.
            Err(_) => {
                Worker::start(self);
                answered.await.map_err(|_| broke())?
            }
        }
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody who takes questions to the store until there are none.
struct Worker {
    accounts: Accounts,
    done: bool,
}

impl Worker {
    fn start(accounts: &Accounts) {
        {
            let mut waiting = accounts.desk().lock();
            if waiting.at_work >= AT_WORK || waiting.questions.is_empty() {
                return;
            }
            waiting.at_work += 1;
        }
        let worker = Self { accounts: accounts.clone(), done: false };
        // A task of its own: whoever gives up waiting ends nobody else's question.
        tokio::spawn(worker.work());
    }

    async fn work(mut self) {
        while let Some(questions) = self.next() {
            answer(&self.accounts, questions).await;
        }
    }

    /// The next questions. When there are none the worker has gone in the same moment, so nobody waits for it in vain.
    fn next(&mut self) -> Option<Vec<Question>> {
        let mut waiting = self.accounts.desk().lock();
        let some = waiting.questions.len().min(MOST);
        if some == 0 {
            waiting.at_work = waiting.at_work.saturating_sub(1);
            self.done = true;
            return None;
        }
        Some(waiting.questions.drain(..some).collect())
    }
}

impl Drop for Worker {
    /// The runtime ends, or something broke: nobody shall wait for an answer that will not come.
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let mut waiting = self.accounts.desk().lock();
        waiting.at_work = waiting.at_work.saturating_sub(1);
        if waiting.at_work == 0 {
            waiting.questions.clear();
        }
    }
}

async fn answer(accounts: &Accounts, questions: Vec<Question>) {
    let names = questions.iter().filter_map(|question| question.name.as_ref().map(CanonicalName::as_str));
    let mut names: Vec<&str> = names.collect();
    names.sort_unstable();
    names.dedup();
    let found = match ask(accounts, &names).await {
        Ok(found) => found,
        Err(error) => {
            questions.into_iter().for_each(|question| drop(question.answer.send(Err(error.clone()))));
            return;
        }
    };
    let apps = Arc::new(found.apps);
    let people: HashMap<String, Result<Arc<Details>, AccountsError>> =
        found.users.into_iter().map(|(name, details)| (name, details.map(Arc::new))).collect();
    for Question { name, answer } in questions {
        let details = name.and_then(|name| people.get(name.as_str()).cloned()).transpose();
        let look =
            details.map(|details| Look { generation: found.generation, details, apps: Arc::clone(&apps) });
        // Who went away needs no answer.
        drop(answer.send(look));
    }
}

/// The statement itself.
pub(crate) async fn ask(accounts: &Accounts, names: &[&str]) -> Result<Looked, AccountsError> {
    let list = serde_json::to_string(names).unwrap_or_default();
    let row = accounts.db().row(LOOK.bind(list)).await?;
    let row = row.ok_or_else(|| AccountsError::unreadable("the store says nothing"))?;
    Looked::read(&row)
}
