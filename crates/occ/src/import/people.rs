//! Maps one user of the source to an account.

use accounts::{
    AccountsError, DisplayName, EmailAddress, GroupId, LOCAL_BACKEND, Language, Locale, MAX_ADDITIONAL_MAILS,
    NewIdError, NewUser, PasswordHash, ProfileField, ProfileScope, ProfileValue, Timestamp, UserId,
};
use serde_json::Value;
use user_backend::config::{Config, Entry};
use user_backend::{BackendId, CanonicalName, LoginName, Verdict};

use super::backend_name::BackendName;
use super::decisions::{Decisions, Home, UserDecision};
use super::source::{Source, UserRow};
use crate::cli::{Common, ImportArgs};
use crate::config_file;
use crate::exit::CliError;

/// Which backend here checks the passwords of which backend there.
#[derive(Debug)]
pub(super) struct BackendMapping {
    config: Config,
    decisions: Decisions,
}

impl BackendMapping {
    /// From the configuration, and what the command line says.
    pub(super) fn new(common: &Common, args: &ImportArgs) -> Result<Self, CliError> {
        let (_, _, config) = config_file::read(common)?;
        let decisions = Decisions::read(&config, &args.backends, args.map.as_deref())?;
        Ok(Self { decisions, config })
    }

    pub(super) fn decisions(&self) -> &Decisions {
        &self.decisions
    }

    fn entry(&self, id: &BackendId) -> Option<&Entry> {
        self.config.entries().iter().find(|entry| entry.id() == id)
    }

    /// The entries that can be a backend of the source.
    fn candidates(&self, old: &str) -> Vec<&Entry> {
        let named: Vec<&Entry> = self.decisions.backends(old).filter_map(|id| self.entry(id)).collect();
        if !named.is_empty() {
            return named;
        }
        if let Some(entry) = self.config.entries().iter().find(|entry| entry.id().as_str() == old) {
            return vec![entry];
        }
        BackendName::parse(old).map(|name| name.entries(self.config.entries())).unwrap_or_default()
    }

    /// The entry for a user whom these backends of the source know.
    ///
    /// Where one of them can be several entries, such as two domains of one host, the name decides.
    fn of(&self, olds: &[String], id: &UserId) -> Result<&Entry, String> {
        let Ok(login) = LoginName::parse(id.as_str()) else {
            return Err("the id is no login name".to_owned());
        };
        let mut candidates: Vec<&Entry> = Vec::new();
        for entry in olds.iter().flat_map(|old| self.candidates(old)) {
            if !candidates.iter().any(|known| known.id() == entry.id()) {
                candidates.push(entry);
            }
        }
        let old = olds.iter().map(|old| format!("{old:?}")).collect::<Vec<_>>().join(" and ");
        if candidates.is_empty() {
            let quoted = olds.first().map_or("", String::as_str).replace('\'', r"'\''");
            return Err(format!(
                "no backend of the configuration is {old}; --backend '{quoted}=ID' names it"
            ));
        }
        // First the entries whose rules lead to this id, then those whose server can be asked about
        // it.
        let is_kept = |entry: &&Entry| {
            self.config.ask(entry, &login).is_ok_and(|(_, identity)| identity.name() == id.name())
        };
        let is_sent = |entry: &&Entry| self.config.ask_account(entry, &login).is_ok();
        for fits in [&is_kept as &dyn Fn(&&Entry) -> bool, &is_sent] {
            if candidates.len() > 1 && candidates.iter().any(fits) {
                candidates.retain(fits);
            }
        }
        // Of several backends there, the first in the order of the array is the one that was asked
        // first.
        if olds.len() > 1 {
            let first =
                self.config.entries().iter().find(|entry| candidates.iter().any(|c| c.id() == entry.id()));
            candidates = first.into_iter().collect();
        }
        match candidates.as_slice() {
            [one] => Ok(one),
            several => {
                let ids: Vec<&str> = several.iter().map(|entry| entry.id().as_str()).collect();
                Err(format!(
                    "several backends of the configuration are {old}, and the name fits to each: {}; --backend names one for \
                     all users, --map for each user",
                    ids.join(", ")
                ))
            }
        }
    }

    /// A remark about an imported user of a backend; `None` if the user signs in as before.
    fn remark(&self, entry: &Entry, id: &UserId) -> Option<String> {
        let login = LoginName::parse(id.as_str()).ok()?;
        if let Err(verdict) = self.config.ask_account(entry, &login) {
            let why = why_refused(entry, &login, &verdict);
            return Some(format!("cannot sign in: {why}; --map can give another id or backend"));
        }
        // There, an address of a domain that is stripped leads to the account without it.
        let (_, identity) = self.config.ask(entry, &login).ok()?;
        let is_stripped = entry.names().domain().stripped().is_some() && identity.name() != id.name();
        is_stripped.then(|| {
            format!(
                "signs in as \"{}\" there, because the backend {} strips the domain, and keeps this account here; --map can leave \
                 it out",
                identity.name(),
                entry.id()
            )
        })
    }
}

/// Why a name is not sent to a server, for an operator.
fn why_refused(entry: &Entry, login: &LoginName, verdict: &Verdict) -> String {
    let id = entry.id();
    match (entry.names().ask_account(login), verdict) {
        (Err(Verdict::Rejected(_)), _) => format!("deny_names of the backend {id} has this name"),
        (Err(Verdict::NotMine), _) => match entry.names().domain().domain() {
            Some(domain) => format!("the backend {id} is for names of the domain {domain}"),
            None => format!("the backend {id} is for names without a domain"),
        },
        (_, Verdict::NotMine) => format!("the backend {id} is for names without a domain"),
        (_, _) => format!("the name has a character that no account of the backend {id} can have"),
    }
}

/// A user to be taken over.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: UserId,
    /// Data that cannot be imported, with reasons.
    pub(super) remarks: Vec<String>,
    /// In how many groups this is, also as a sub-admin.
    pub(super) memberships: u64,
    /// The primary mail address.
    pub(super) email: Option<EmailAddress>,
    pub(super) is_disabled: bool,
    backend: Option<BackendId>,
    /// Everything else.
    pub(super) new: NewUser,
}

/// Why a user is not imported.
#[derive(Debug)]
pub(super) enum NotImported {
    /// The operator decided it.
    Skipped,
    /// This has to be known.
    Problem(String),
}

impl Person {
    /// Reads all data of a user, or returns why the user cannot be imported.
    pub(super) async fn read(
        source: &mut Source,
        row: UserRow,
        homes: &BackendMapping,
    ) -> Result<Result<Self, NotImported>, CliError> {
        let uid = row.uid;
        let UserDecision { is_skipped, id, backend: decided } = homes.decisions().user(&uid);
        if is_skipped {
            return Ok(Err(NotImported::Skipped));
        }
        let wanted = id.as_deref().unwrap_or(&uid);
        let Ok(id) = UserId::parse(wanted) else {
            let why = CanonicalName::parse(wanted).err().map(|error| error.to_string()).unwrap_or_default();
            let text = format!(
                "the user {uid:?} cannot have the id {wanted:?} here: {why}; --map can give another id"
            );
            return Ok(Err(NotImported::Problem(text)));
        };
        let address = match UserId::for_new(wanted) {
            // No browser and no proxy leaves such a path as it is.
            Err(NewIdError::Dots) => {
                let text = format!(
                    "the user {uid:?} cannot have the id {wanted:?} here: it has dots only; --map can give another id"
                );
                return Ok(Err(NotImported::Problem(text)));
            }
            Err(NewIdError::RouteWord) => Some(format!(
                "the API has a list of users at the address of {wanted:?}, so it does not show this one; --map can give \
                 another id"
            )),
            _ => None,
        };
        let preferences = source.preferences(&uid).await?;
        // There, everything else means disabled.
        let is_disabled = preferences.iter().any(|(app, key, value)| is_disabled(app, key, value));
        let mut remarks: Vec<String> = address.into_iter().collect();
        let home = match (decided, row.backends.is_empty()) {
            (Some(home), _) => home,
            (None, true) => Home::Local,
            (None, false) => match homes.of(&row.backends, &id) {
                Ok(entry) => Home::External(entry.id().clone()),
                // Another backend may know the name one day. The account, which is disabled, keeps
                // it.
                Err(problem) if is_disabled => {
                    remarks.push(format!(
                        "{problem}; imported as a disabled user of the backend local, to stay out"
                    ));
                    Home::Local
                }
                Err(problem) => return Ok(Err(NotImported::Problem(format!("{id}: {problem}")))),
            },
        };
        let backend = match home {
            Home::Local => None,
            Home::External(backend) => Some(backend),
        };
        let mut new = NewUser::new(id.clone()).create_missing_groups();
        if is_disabled {
            new = new.disabled();
        }
        if let Some(backend) = &backend {
            new = new.backend(backend.clone());
            if let Some(entry) = homes.entry(backend) {
                remarks.extend(homes.remark(entry, &id));
                if let Some(spelling) = spelling(entry, &id) {
                    new = new.upstream_spelling(spelling);
                }
            }
        } else if let Some(hash) = row.hash.filter(|hash| !hash.is_empty()) {
            let hash = source.salt().with(&hash);
            match PasswordHash::parse(hash.expose()) {
                Ok(_) => new = new.password(hash),
                Err(error) => remarks.push(format!("{error}; a new password is needed")),
            }
        }
        let mut memberships = 0;
        for group in source.groups_of(&uid, false).await? {
            match GroupId::visible(&group) {
                Ok(group) => (new, memberships) = (new.group(group), memberships + 1),
                Err(_) => remarks.push(format!("a member of {group:?}, which no group can be called")),
            }
        }
        let offices = source.groups_of(&uid, true).await?;
        // Administrators of everything administer every group anyway.
        for group in offices.iter().filter_map(|id| GroupId::visible(id).ok()).filter(|id| !id.is_admin()) {
            (new, memberships) = (new.subadmin_of(group), memberships + 1);
        }
        let mut draft = Draft { new, remarks };
        if let Some(name) = row.display_name.filter(|name| !name.is_empty()) {
            draft.set(DisplayName::parse_optional(&name), NewUser::display_name);
        }
        let (mut first, mut last, mut email) = (None, None, None);
        for (app, key, value) in preferences {
            match (app.as_str(), key.as_str()) {
                ("core", "lang") => draft.set(Language::parse_optional(&value), NewUser::language),
                ("core", "locale") => draft.set(Locale::parse_optional(&value), NewUser::locale),
                ("files", "quota") => draft.set(value.parse().map(Some), NewUser::quota),
                ("login", "firstLogin") => first = seconds(&value),
                ("login", "lastLogin") => last = seconds(&value),
                ("settings", "email") if !value.is_empty() => {
                    let address = EmailAddress::parse(&value);
                    email = address.as_ref().ok().cloned();
                    draft.set(address.map(Some), NewUser::known_email);
                }
                _ => {}
            }
        }
        if let Some(last) = last.or(first) {
            draft.new = draft.new.signed_in(first.unwrap_or(last), last);
        }
        if let Some(data) = source.account(&uid).await? {
            let mut mails = 0;
            for (field, value, scope) in profile(&data) {
                mails += u64::from(field == ProfileField::AdditionalMail);
                if field == ProfileField::AdditionalMail && mails > MAX_ADDITIONAL_MAILS {
                    let text = format!(
                        "more than {MAX_ADDITIONAL_MAILS} further mail addresses; left out {value:?}"
                    );
                    draft.remarks.push(text);
                    continue;
                }
                let value = ProfileValue::parse(field, &value).map(Some);
                draft.set(value, |new, value| new.profile(value, scope));
            }
        }
        let Draft { new, remarks } = draft;
        Ok(Ok(Self { id, remarks, memberships, email, is_disabled, backend, new }))
    }

    pub(super) fn is_external(&self) -> bool {
        self.backend.is_some()
    }

    pub(super) fn backend_id(&self) -> &str {
        self.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str)
    }
}

/// Whether a preference says that a user is disabled.
///
/// Everything but a yes does.
pub(super) fn is_disabled(app: &str, key: &str, value: &str) -> bool {
    let is_yes = ["true", "1", "yes", "on"].iter().any(|yes| value.eq_ignore_ascii_case(yes));
    app == "core" && key == "enabled" && !is_yes
}

/// How the server is known to spell a name.
///
/// The PHP app stores names of file servers as they were typed, and those of mail servers in lower
/// case.
///
/// # Security
/// The canonical form of decomposed or full-width letters may be another user there.
fn spelling<'i>(entry: &Entry, id: &'i UserId) -> Option<&'i str> {
    let spelling = id.as_str();
    let is_lowered = entry.class() == "imap" && !spelling.chars().any(char::is_uppercase);
    let is_canonical = LoginName::parse(spelling).is_ok_and(|name| name.spelling() == spelling);
    (!is_lowered || !is_canonical).then_some(spelling)
}

/// A user built value by value: an invalid value does not affect the others.
struct Draft {
    new: NewUser,
    remarks: Vec<String>,
}

impl Draft {
    fn set<T>(&mut self, value: Result<Option<T>, AccountsError>, put: impl FnOnce(NewUser, T) -> NewUser) {
        match value {
            Ok(Some(value)) => self.new = put(self.new.clone(), value),
            Ok(None) => {}
            Err(error) => self.remarks.push(format!("{error}; left out")),
        }
    }
}

/// A time in seconds, where there is one; beyond what can be one, the last there is.
fn seconds(text: &str) -> Option<Timestamp> {
    let seconds = text.parse::<i64>().ok().filter(|seconds| *seconds > 0)?;
    Some(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// The fields of a profile; name and mail address are elsewhere.
fn profile(data: &str) -> Vec<(ProfileField, String, Option<ProfileScope>)> {
    let Ok(Value::Object(fields)) = serde_json::from_str(data) else { return Vec::new() };
    let fields = fields.iter().filter_map(|(name, about)| {
        let field: ProfileField = name.parse().ok()?;
        if !field.holds_one_text() {
            return None;
        }
        let value = about.get("value")?.as_str().filter(|value| !value.is_empty())?;
        let scope =
            about.get("scope").and_then(Value::as_str).and_then(|scope| ProfileScope::from_any(scope).ok());
        Some((field, value.to_owned(), scope))
    });
    fields.collect()
}
