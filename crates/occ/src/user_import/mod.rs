//! `user:import`: creates users from a CSV or JSON file.
//!
//! Each row is one transaction, and a user who is there is left alone. So an import that was
//! interrupted is taken up by starting it again.

mod rows;

use std::collections::HashMap;
use std::io::Read as _;
use std::path::Path;

use accounts::{
    AccountsError, DisplayName, EmailAddress, GroupId, LOCAL_BACKEND, Language, LocalPasswordService,
    NewUser, PasswordHash, Person, SetError, StoredHash, UserId,
};
use serde_json::{Value, json};
use user_backend::clock::{later, now};
use user_backend::{BackendId, CanonicalName, Password};
use zeroize::Zeroizing;

use crate::Call;
use crate::cli::{ImportFormat, UserImportArgs};
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::{Output, one_line};
use crate::progress::Progress;
use crate::store::{self, HASHING_TIMEOUT, Missing, Store};
use rows::Row;

/// The largest file.
const MOST: u64 = 256 * 1024 * 1024;

/// How many refused rows are printed one by one; JSON has all.
const MAX_PRINTED_PROBLEMS: usize = 100;

/// A row that was refused.
#[derive(Debug)]
struct Problem {
    line: u64,
    user: String,
    error: String,
}

/// Result of an import.
#[derive(Debug, Default)]
struct UserImportSummary {
    created: u64,
    existing: u64,
    problems: Vec<Problem>,
}

/// What rows are checked against.
struct Import<'a> {
    /// `None` in a dry run before there is a store.
    store: Option<&'a Store>,
    passwords: Option<LocalPasswordService>,
    backends: Vec<BackendId>,
    has_mail: bool,
    dry_run: bool,
    no_mail: bool,
}

/// Why a row creates no user.
enum NotCreated {
    /// The user is there.
    Existing,
    /// This has to be known.
    Refused(String),
    /// Nothing more can be done.
    Failed(CliError),
}

impl From<AccountsError> for NotCreated {
    fn from(error: AccountsError) -> Self {
        match CliError::from(error) {
            error if error.is_refusal() => Self::Refused(error.to_string()),
            error => Self::Failed(error),
        }
    }
}

pub(crate) async fn run(call: Call<'_>, args: &UserImportArgs) -> Result<Output, CliError> {
    let format = format(args)?;
    let file = args.file.clone();
    // In a thread of its own: standard input may be slow, and Ctrl-C works meanwhile.
    let text = tokio::task::spawn_blocking(move || read(&file)).await;
    let text = text.map_err(|_| CliError::new("reading the file ended with an internal error"))??;
    let rows = rows::read(&text, format).map_err(|error| error.about(&args.file.display().to_string()))?;
    let (_, server, config) = config_file::read(call.common)?;
    let has_mail = server.mail.is_some();
    let store = if args.dry_run {
        // It creates no store; without one, everything is new.
        store::find(&config, server).await?
    } else {
        Some(store::open(call.common, Missing::Create).await?)
    };
    let passwords = match &store {
        Some(store) => Some(store.local().await?.passwords(&store.accounts)),
        None => None,
    };
    let import = Import {
        passwords,
        backends: config.entries().iter().map(|entry| entry.id().clone()).collect(),
        has_mail,
        dry_run: args.dry_run,
        no_mail: args.no_mail,
        store: store.as_ref(),
    };
    let mut summary = UserImportSummary::default();
    let mut seen: HashMap<CanonicalName, u64> = HashMap::new();
    let mut progress = Progress::new(u64::try_from(rows.len()).unwrap_or(u64::MAX));
    for (line, row) in rows {
        let user = row.as_ref().map(|row| row.id.clone()).unwrap_or_default();
        let left = match row {
            Ok(row) => import.take(row, line, &mut seen).await,
            Err(problem) => Err(NotCreated::Refused(problem)),
        };
        match left {
            Ok(()) => summary.created += 1,
            Err(NotCreated::Existing) => summary.existing += 1,
            Err(NotCreated::Refused(error)) => summary.problems.push(Problem { line, user, error }),
            Err(NotCreated::Failed(failure)) => {
                progress.end();
                let done = format!("stopped at line {line}, after {} users were created", summary.created);
                return Err(store::placed(failure).about(&done));
            }
        }
        progress.step(1);
    }
    progress.end();
    reply(&summary, args.dry_run)
}

fn format(args: &UserImportArgs) -> Result<ImportFormat, CliError> {
    let ending = args.file.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
    match (args.format, ending.as_str()) {
        (Some(format), _) => Ok(format),
        (None, "csv") => Ok(ImportFormat::Csv),
        (None, "json") => Ok(ImportFormat::Json),
        (None, _) => Err(CliError::new(format!(
            "{} does not say what it is; --format=csv or --format=json does",
            args.file.display()
        ))),
    }
}

/// The text of the file, which may hold passwords.
fn read(file: &Path) -> Result<Zeroizing<String>, CliError> {
    let failed =
        |error: &dyn std::fmt::Display| CliError::new(format!("{} cannot be read: {error}", file.display()));
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if file == Path::new("-") {
        std::io::stdin().lock().take(MOST + 1).read_to_end(&mut bytes)
    } else {
        let opened = std::fs::File::open(file).map_err(|error| failed(&error))?;
        opened.take(MOST + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| failed(&error))?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > MOST) {
        return Err(failed(&format!("it has more than {MOST} bytes")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| failed(&"it is not UTF-8"))?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl Import<'_> {
    /// Creates the user of a row, or checks whether it could be.
    async fn take(
        &self,
        row: Row,
        line: u64,
        seen: &mut HashMap<CanonicalName, u64>,
    ) -> Result<(), NotCreated> {
        let refused = |why: &str| NotCreated::Refused(why.to_owned());
        let backend = match row.backend.as_deref() {
            None | Some(LOCAL_BACKEND) => None,
            Some(id) => Some(self.backend(id)?),
        };
        let id = match &backend {
            None => UserId::for_new(&row.id).map_err(|error| NotCreated::Refused(error.to_string()))?,
            Some(_) => UserId::parse(&row.id)?,
        };
        if let Some(first) = seen.get(id.name()) {
            return Err(NotCreated::Refused(format!("the user of line {first} has this name")));
        }
        seen.insert(id.name().clone(), line);
        if let Some(store) = self.store
            && store.accounts.users().find(&id).await?.is_some()
        {
            return Err(NotCreated::Existing);
        }
        let mut new = NewUser::new(id.clone()).create_missing_groups();
        let email = row.email.as_deref().map(EmailAddress::parse).transpose()?;
        for group in &row.groups {
            new = new.group(GroupId::parse(group)?);
        }
        for group in &row.subadmin {
            new = new.subadmin_of(GroupId::parse(group)?);
        }
        if let Some(name) =
            row.display_name.as_deref().map(DisplayName::parse_optional).transpose()?.flatten()
        {
            new = new.display_name(name);
        }
        if let Some(quota) = row.quota.as_deref() {
            new = new.quota(quota.parse()?);
        }
        if let Some(language) = row.language.as_deref().map(Language::parse_optional).transpose()?.flatten() {
            new = new.language(language);
        }
        if row.is_disabled {
            new = new.disabled();
        }
        if let Some(email) = &email {
            new = new.email(email.clone());
        }
        let has_secret = row.password.is_some() || row.hash.is_some();
        match (backend, &row.password, &row.hash) {
            (Some(_), ..) if has_secret => {
                return Err(refused("another backend checks the password: leave it out"));
            }
            (Some(backend), ..) => new = new.backend(backend),
            (None, Some(_), Some(_)) => {
                return Err(refused("found a password and a hash, expected one of them"));
            }
            (None, Some(password), None) => {
                let person = Person {
                    id: id.as_str(),
                    display_name: row.display_name.as_deref(),
                    email: row.email.as_deref(),
                };
                if let Some(hash) = self.hash(person, password).await? {
                    new = new.password(hash);
                }
            }
            (None, None, Some(hash)) => {
                PasswordHash::parse(hash).map_err(|error| NotCreated::Refused(error.to_string()))?;
                new = new.password(StoredHash::new(hash.as_str()));
            }
            (None, None, None) if self.no_mail || row.is_disabled => {}
            (None, None, None) if email.is_none() => {
                return Err(refused("found no password, no hash, and no mail address to send a link to"));
            }
            (None, None, None) if !self.has_mail => {
                return Err(refused(
                    "found no password and no hash, and no mail server is set up to send a link ([mail]); --no-mail \
                     creates the user without a password",
                ));
            }
            (None, None, None) => new = new.welcome(),
        }
        self.create(new).await
    }

    fn backend(&self, id: &str) -> Result<BackendId, NotCreated> {
        self.backends.iter().find(|known| known.as_str() == id).cloned().ok_or_else(|| {
            let ids: Vec<&str> = self.backends.iter().map(BackendId::as_str).chain([LOCAL_BACKEND]).collect();
            NotCreated::Refused(format!("there is no backend {id:?}; there are: {}", ids.join(", ")))
        })
    }

    /// A hash of a password that passes the policy.
    ///
    /// A dry run only checks the policy, which needs a store.
    async fn hash(&self, person: Person<'_>, typed: &str) -> Result<Option<StoredHash>, NotCreated> {
        let password = Password::parse(typed).map_err(|error| NotCreated::Refused(error.to_string()))?;
        let Some(passwords) = &self.passwords else { return Ok(None) };
        let deadline = later(now(), HASHING_TIMEOUT);
        let done = if self.dry_run {
            passwords.check(person, typed, deadline).await.map(|()| None)
        } else {
            passwords.first(person, &password, deadline).await.map(Some)
        };
        done.map_err(|error| match error {
            SetError::Refused(why) => NotCreated::Refused(why),
            SetError::Store(error) => error.into(),
            SetError::Hasher(error) => NotCreated::Failed(CliError::unavailable(error.to_string())),
            error => NotCreated::Refused(error.to_string()),
        })
    }

    async fn create(&self, new: NewUser) -> Result<(), NotCreated> {
        let Some(store) = self.store.filter(|_| !self.dry_run) else { return Ok(()) };
        match store.accounts.users().create(new).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_ban() => Err(NotCreated::Refused("the name is banned".to_owned())),
            Err(AccountsError::Full) => Err(NotCreated::Refused(
                "too many welcome mails wait to be sent; import this row again later".to_owned(),
            )),
            Err(error) => Err(error.into()),
        }
    }
}

fn reply(summary: &UserImportSummary, dry_run: bool) -> Result<Output, CliError> {
    let UserImportSummary { created, existing, problems } = summary;
    let word = if dry_run { "would be created" } else { "created" };
    let mut plain = format!("{word}: {created}\nthere already: {existing}\nrefused: {}\n", problems.len());
    for Problem { line, user, error } in problems.iter().take(MAX_PRINTED_PROBLEMS) {
        let user = if user.is_empty() { String::new() } else { format!("{user}: ") };
        plain += &format!("  line {line}: {}\n", one_line(&format!("{user}{error}")));
    }
    if let Some(more) = problems.len().checked_sub(MAX_PRINTED_PROBLEMS).filter(|more| *more > 0) {
        plain += &format!("  and {more} more; --output=json has all\n");
    }
    let listed: Vec<Value> = problems
        .iter()
        .map(|problem| json!({ "line": problem.line, "user": problem.user, "error": problem.error }))
        .collect();
    let json = json!({
        "dry_run": dry_run, "created": created, "existing": existing, "refused": problems.len(), "problems": listed,
    });
    Output::new(plain, &json, if problems.is_empty() { Exit::Fine } else { Exit::Refused })
}
