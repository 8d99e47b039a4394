//! A small installation: store, local passwords, resets, a transport that records mails.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use accounts::{ActingAccounts, Clock, InvalidationWatcher, NewUser, StoredHash};
use accounts::{
    BaseUrl, EmailMessage, HashSettings, Hasher, LocalBackend, LocalPasswordService, MailTransport,
    MailWorker, PasswordHash, PasswordReset, PolicyRules, ResetSettings, SendError,
};
use async_trait::async_trait;
use password_policy::{PasswordPolicy, Settings};
use user_backend::clock::{Instant, now};
use user_backend::{
    Attempt, BackendError, BackendPolicy, Credentials, DomainRules, LoginName, Outcome, Password, Resolver,
    UserBackend, Verdict,
};

use crate::test_db::{TestDb, user};

pub(crate) const ALICE: &str = "Wonderland-1";

/// As cheap as the settings allow.
pub(crate) fn cost() -> HashSettings {
    HashSettings::default().with_cost(7 * 1024, 1, 1).unwrap()
}

pub(crate) fn deadline() -> Instant {
    now() + Duration::from_secs(60)
}

pub(crate) fn password(text: &str) -> Password {
    Password::parse(text).unwrap()
}

/// A mail server that a test can switch.
#[derive(Debug, Default)]
pub(crate) struct SentMails {
    pub(crate) messages: Mutex<Vec<EmailMessage>>,
    pub(crate) answers: Mutex<VecDeque<Result<(), SendError>>>,
}

#[async_trait]
impl MailTransport for SentMails {
    async fn send(&self, message: &EmailMessage, _: Instant) -> Result<(), SendError> {
        self.messages.lock().unwrap().push(message.clone());
        self.answers.lock().unwrap().pop_front().unwrap_or(Ok(()))
    }
}

pub(crate) struct Fixture {
    pub(crate) accounts: ActingAccounts,
    pub(crate) clock: Clock,
    pub(crate) hasher: Hasher,
    pub(crate) backend: LocalBackend,
    pub(crate) passwords: LocalPasswordService,
    pub(crate) reset: PasswordReset,
    pub(crate) mail_worker: MailWorker,
    pub(crate) table: Arc<SentMails>,
}

/// Signs in as a server does.
///
/// The resolver remembers, and forgets in time what ended elsewhere.
pub(crate) struct Remembering {
    resolver: Resolver,
    watcher: InvalidationWatcher,
}

impl Remembering {
    pub(crate) async fn of(accounts: &ActingAccounts, backend: LocalBackend) -> Self {
        let usual = BackendPolicy::default();
        let mut policy = backend.policy();
        (policy.cache_accepted, policy.cache_rejected) = (usual.cache_accepted, usual.cache_rejected);
        let resolver =
            Resolver::builder().lock(None).backend_with(Arc::new(backend), policy, DomainRules::default());
        let resolver = resolver.build().unwrap();
        let watcher = InvalidationWatcher::start(accounts.clone(), [resolver.clone()]).await.unwrap();
        Self { resolver, watcher }
    }

    pub(crate) async fn sign_in(&self, name: &str, text: &str) -> String {
        self.watcher.catch_up().await.unwrap();
        match self.resolver.authenticate(Credentials::new(name, text)).await.outcome {
            Outcome::Authenticated(proof) => format!("accepted {}", proof.name().as_str()),
            Outcome::Refused(rejection) => rejection.as_str().to_owned(),
            other => format!("{other:?}"),
        }
    }
}

impl Fixture {
    /// With alice, who has a password and an address, and the manual's rules plus one more.
    pub(crate) async fn with_alice(db: &TestDb) -> Self {
        let rules = r#"{"enforceNoContextWords": true}"#;
        let fixture = Self::empty(db, rules, ResetSettings::default()).await;
        fixture
            .add(
                NewUser::new(user("Alice"))
                    .display_name("Alice Liddell".parse().unwrap())
                    .email("alice@example.com".parse().unwrap()),
                ALICE,
            )
            .await;
        fixture
    }

    pub(crate) async fn empty(db: &TestDb, rules: &str, settings: ResetSettings) -> Self {
        let accounts = db.open().await.with_notices(true);
        let hasher = Hasher::new(cost()).unwrap();
        let policy =
            PasswordPolicy::from_settings(&serde_json::from_str::<Settings>(rules).unwrap()).unwrap();
        let rules = Arc::new(PolicyRules::new(policy, "Cloud"));
        let backend = LocalBackend::new(accounts.clone(), hasher.clone(), rules.clone()).unwrap();
        let passwords = LocalPasswordService::new(accounts.clone(), hasher.clone(), rules);
        let table = Arc::new(SentMails::default());
        let base = BaseUrl::parse("https://cloud.example.com/").unwrap();
        let mail_worker = MailWorker::new(accounts.clone(), table.clone(), base, "Cloud", &settings);
        let reset = PasswordReset::new(accounts.clone(), passwords.clone(), settings);
        Self { accounts, clock: db.clock.clone(), hasher, backend, passwords, reset, mail_worker, table }
    }

    pub(crate) async fn add(&self, new: NewUser, text: &str) {
        let hash = PasswordHash::new(&local(text), &cost()).unwrap();
        self.accounts.users().create(new.password(StoredHash::new(hash.expose()))).await.unwrap();
    }

    pub(crate) async fn sign_in(&self, name: &str, text: &str) -> Result<Verdict, BackendError> {
        sign_in(&self.backend, name, text).await
    }

    /// The tokens of all mails so far, oldest first.
    pub(crate) fn tokens(&self) -> Vec<String> {
        let messages = self.table.messages.lock().unwrap();
        let token = |message: &EmailMessage| {
            let (_, rest) = message.text().split_once("/lostpassword/reset/")?;
            rest.split_whitespace().next().map(str::to_owned)
        };
        messages.iter().filter_map(token).collect()
    }

    /// Subject and address of all mails so far, oldest first.
    pub(crate) fn mails(&self) -> Vec<(String, String)> {
        let messages = self.table.messages.lock().unwrap();
        messages.iter().map(|message| (message.subject().to_owned(), message.to().to_string())).collect()
    }

    /// Asks for a link and gets it.
    pub(crate) async fn link(&self, name: &str) -> String {
        self.reset.request(name, None).await.unwrap();
        self.mail_worker.deliver_due().await.unwrap();
        self.tokens().pop().unwrap()
    }

    pub(crate) async fn hash(&self, name: &str) -> Option<StoredHash> {
        self.accounts.passwords().find(&user(name)).await.unwrap().map(|kept| kept.hash)
    }
}

pub(crate) fn local(text: &str) -> accounts::LocalPassword {
    accounts::LocalPassword::new(&password(text)).unwrap()
}

pub(crate) async fn sign_in(backend: &LocalBackend, name: &str, text: &str) -> Result<Verdict, BackendError> {
    let (name, text) = (LoginName::parse(name).unwrap(), password(text));
    backend.authenticate(&Attempt::new(&name, &text, deadline())).await
}

/// Accepted or rejected as what, in one word.
pub(crate) fn word(verdict: Result<Verdict, BackendError>) -> String {
    match verdict {
        Ok(Verdict::Accepted(identity)) => format!("accepted {}", identity.name()),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => error.kind().to_owned(),
    }
}
