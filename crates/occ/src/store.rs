//! Opens the store that the configuration names, as the user who owns it.
//!
//! A SQLite file that this program made as another user than the server's would be one that the
//! server cannot write: so the owner is checked first, and the error says what to do.

use std::fmt::Display;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use accounts::{
    Accounts, ActingAccounts, Actor, AppCatalogue, Hasher, LocalBackend, LocalPasswordService, PolicyError,
    PolicyRules, ServerSettings,
};
use user_backend::config::Config;

use crate::cli::Common;
use crate::config_file;
use crate::exit::CliError;

/// Time limit to check and hash a new password.
///
/// It is longer than any hash takes, and any server of breached passwords.
pub(crate) const HASHING_TIMEOUT: Duration = Duration::from_secs(60);

/// What becomes of a store that is not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    /// It is made: the command is about to put something in.
    Create,
    /// A missing store is an error: reading an empty one would be misleading.
    Refuse,
}

/// The open store, and what the configuration says about the installation.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) accounts: ActingAccounts,
    pub(crate) config: Config,
    pub(crate) server: ServerSettings,
    /// The apps there are.
    pub(crate) catalogue: AppCatalogue,
}

/// Everything that sets and checks local passwords.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) rules: Arc<PolicyRules>,
    hasher: Hasher,
}

/// Reads the configuration and opens the store.
pub(crate) async fn open(common: &Common, missing: Missing) -> Result<Store, CliError> {
    let (_, server, config) = config_file::read(common)?;
    let accounts = open_at(&server, missing).await?;
    Ok(Store::of(accounts, config, server))
}

/// The store that a configuration names, if it is there.
pub(crate) async fn find(config: &Config, server: ServerSettings) -> Result<Option<Store>, CliError> {
    match open_at(&server, Missing::Refuse).await {
        Ok(accounts) => Ok(Some(Store::of(accounts, config.clone(), server))),
        Err(failure) if failure.is_no_store() => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// Location of the store.
static PLACE: OnceLock<String> = OnceLock::new();

/// Adds the location of the store to an error: an operator may have several.
pub(crate) fn placed(failure: CliError) -> CliError {
    match PLACE.get().filter(|_| failure.is_of_store()) {
        Some(place) => failure.about(place),
        None => failure,
    }
}

async fn open_at(server: &ServerSettings, missing: Missing) -> Result<ActingAccounts, CliError> {
    let settings = server.store.as_ref().ok_or_else(|| CliError::new("the configuration names no store"))?;
    tracing::debug!(store = %settings, "opening the store");
    PLACE.get_or_init(|| settings.to_string());
    if let Some(path) = settings.path() {
        may_use(path, missing)?;
    }
    // A list takes as much memory as a short one that way.
    let alone = settings.clone().single_reader();
    let opened = match missing {
        Missing::Create => Accounts::open(&alone).await.map(Some),
        Missing::Refuse => Accounts::open_existing(&alone).await,
    };
    let accounts = opened?.ok_or_else(|| not_there(settings))?;
    let accounts = accounts.with_notices(server.mail.is_some());
    Ok(accounts.on_behalf_of(Actor::command_line(&person())))
}

impl Store {
    fn of(accounts: ActingAccounts, config: Config, server: ServerSettings) -> Self {
        let catalogue = AppCatalogue::new(server.apps_directory.as_deref());
        Self { accounts, config, server, catalogue }
    }

    /// The service for local passwords, with the current rules.
    pub(crate) async fn local(&self) -> Result<Local, CliError> {
        let rules = PolicyRules::read(&self.accounts, &self.server.name).await.map_err(policy_failure)?;
        let hasher = Hasher::new(self.server.passwords).map_err(|error| CliError::new(error.to_string()))?;
        Ok(Local { rules: Arc::new(rules), hasher })
    }
}

impl Local {
    /// Sets passwords.
    pub(crate) fn passwords(&self, accounts: &Accounts) -> LocalPasswordService {
        LocalPasswordService::new(accounts.clone(), self.hasher.clone(), Arc::clone(&self.rules) as _)
    }

    /// Checks passwords.
    pub(crate) fn backend(&self, accounts: &Accounts) -> Result<LocalBackend, CliError> {
        LocalBackend::new(accounts.clone(), self.hasher.clone(), Arc::clone(&self.rules) as _)
            .map_err(|error| CliError::new(error.to_string()))
    }
}

/// Rules that cannot be used are a wrong setting.
pub(crate) fn policy_failure(error: PolicyError) -> CliError {
    match error {
        PolicyError::Store(error) => error.into(),
        PolicyError::Generate => CliError::refused(error.to_string()),
        error => CliError::new(error.to_string()),
    }
}

/// The Unix user, for the audit log.
///
/// A hint, not a proof: anyone who can write the store can forge it.
pub(crate) fn person() -> String {
    let named = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    named.filter(|name| !name.is_empty()).unwrap_or_else(|| "occ".to_owned())
}

/// Whether this user may work with the file without getting in the server's way.
#[cfg(unix)]
fn may_use(path: &Path, missing: Missing) -> Result<(), CliError> {
    use std::os::unix::fs::MetadataExt;

    use rustix::fs::{Access, access};

    let me = rustix::process::geteuid().as_raw();
    let shown = path.display();
    let other = |what: &str, owner: u32| {
        CliError::new(format!(
            "{what} belongs to the user with the number {owner}, and this is number {me}; run this as its owner: \
             sudo -u '#{owner}' occ …"
        ))
    };
    match std::fs::metadata(path) {
        Ok(file) if file.is_dir() => Err(CliError::new(format!("the store {shown} is a directory"))),
        Ok(file) if me == 0 && file.uid() != 0 => Err(other(&format!("the store {shown}"), file.uid())),
        Ok(file) if me != file.uid() && access(path, Access::READ_OK | Access::WRITE_OK).is_err() => {
            Err(other(&format!("the store {shown}"), file.uid()))
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(CliError::new(format!("the store {shown} cannot be reached: {error}")))
        }
        Err(_) if missing == Missing::Refuse => Err(not_there(&shown)),
        Err(_) => {
            let folder = path
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or_else(|| Path::new("."));
            let found = std::fs::metadata(folder)
                .map_err(|error| CliError::new(format!("the folder of the store {shown}: {error}")))?;
            if me == 0 && found.uid() != 0 {
                return Err(other(&format!("the folder of the store {shown}"), found.uid()));
            }
            Ok(())
        }
    }
}

#[cfg(not(unix))]
fn may_use(path: &Path, missing: Missing) -> Result<(), CliError> {
    if missing == Missing::Refuse && !path.exists() { Err(not_there(&path.display())) } else { Ok(()) }
}

fn not_there(shown: &dyn Display) -> CliError {
    CliError::no_store(format!(
        "there is no store {shown}; occ user:add makes one, and so does the server when it starts"
    ))
}
