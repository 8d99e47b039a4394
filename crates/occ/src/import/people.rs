//! Maps one user of the source to an account.

use accounts::{
    AccountsError, DisplayName, EmailAddress, GroupId, LOCAL_BACKEND, Language, Locale, MAX_ADDITIONAL_MAILS,
    NewUser, PasswordHash, ProfileField, ProfileScope, ProfileValue, Timestamp, UserId,
};
use serde_json::Value;
use user_backend::BackendId;
use user_backend::config::Config;

use super::source::{Source, UserRow};
use crate::cli::Common;
use crate::config_file;
use crate::exit::CliError;

/// Which backend here checks the passwords of which backend there.
#[derive(Debug)]
pub(super) struct Homes {
    config: Config,
    named: Vec<(String, BackendId)>,
}

impl Homes {
    /// From the configuration, and what the command line says: `OLD=ID`.
    pub(super) fn new(common: &Common, named: &[String]) -> Result<Self, CliError> {
        let (_, _, config) = config_file::read(common)?;
        let named = named.iter().map(|pair| {
            let (old, id) = pair.rsplit_once('=').ok_or_else(|| {
                CliError::new(format!("--backend {pair}: found no =, expected the backend there=the id here"))
            })?;
            let known = config.entries().iter().find(|entry| entry.id().as_str() == id);
            let known = known.ok_or_else(|| CliError::new(format!("there is no backend \"{id}\"")))?;
            Ok((old.to_owned(), known.id().clone()))
        });
        Ok(Self { named: named.collect::<Result<_, CliError>>()?, config })
    }

    /// The source names a backend by what its arguments began with: a host, or a mailbox with a host in it.
    fn of(&self, old: &str) -> Result<BackendId, String> {
        if let Some((_, id)) = self.named.iter().find(|(name, _)| name == old) {
            return Ok(id.clone());
        }
        let host = old.trim_start_matches('{').split(['}', '/', ':']).next().unwrap_or_default();
        let fits = self.config.entries().iter().filter(|entry| {
            entry.id().as_str() == old
                || entry.endpoint().is_some_and(|endpoint| endpoint.host().eq_ignore_ascii_case(host))
        });
        match fits.collect::<Vec<_>>().as_slice() {
            [one] => Ok(one.id().clone()),
            [] => Err(format!("no backend of the configuration is {old:?}; --backend '{old}=ID' names it")),
            _ => Err(format!(
                "several backends of the configuration are {old:?}; --backend '{old}=ID' names one"
            )),
        }
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
    backend: Option<BackendId>,
    /// Everything else.
    pub(super) new: NewUser,
}

impl Person {
    /// Reads all data of a user, or returns why the user cannot be imported.
    pub(super) async fn read(
        source: &mut Source,
        row: UserRow,
        homes: &Homes,
    ) -> Result<Result<Self, String>, CliError> {
        let uid = row.uid;
        let Ok(id) = UserId::parse(&uid) else {
            return Ok(Err(format!("the user {uid:?} has an invalid id")));
        };
        let backend = match row.backend.as_deref().map(|old| homes.of(old)).transpose() {
            Ok(backend) => backend,
            Err(problem) => return Ok(Err(format!("{id}: {problem}"))),
        };
        let (mut new, mut remarks) = (NewUser::new(id.clone()).create_missing_groups(), Vec::new());
        if let Some(backend) = &backend {
            new = new.backend(backend.clone());
        } else if let Some(hash) = row.hash.filter(|hash| !hash.is_empty()) {
            let hash = source.salt().with(&hash);
            match PasswordHash::parse(hash.expose()) {
                Ok(_) => new = new.password(hash),
                Err(error) => remarks.push(format!("{error}; a new password is needed")),
            }
        }
        let mut memberships = 0;
        for group in source.groups_of(&uid, false).await? {
            match GroupId::parse(&group) {
                Ok(group) => (new, memberships) = (new.group(group), memberships + 1),
                Err(_) => remarks.push(format!("a member of {group:?}, which no group can be called")),
            }
        }
        let offices = source.groups_of(&uid, true).await?;
        // Administrators of everything administer every group anyway.
        for group in offices.iter().filter_map(|id| GroupId::parse(id).ok()).filter(|id| !id.is_admin()) {
            (new, memberships) = (new.subadmin_of(group), memberships + 1);
        }
        let mut draft = Draft { new, remarks };
        if let Some(name) = row.display_name.filter(|name| !name.is_empty()) {
            draft.set(DisplayName::parse_optional(&name), NewUser::display_name);
        }
        let (mut first, mut last, mut email) = (None, None, None);
        for (app, key, value) in source.preferences(&uid).await? {
            match (app.as_str(), key.as_str()) {
                // There, everything else means disabled.
                ("core", "enabled") if !matches!(value.as_str(), "true" | "1" | "yes" | "on") => {
                    draft.new = draft.new.disabled();
                }
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
        Ok(Ok(Self { id, remarks, memberships, email, backend, new }))
    }

    pub(super) fn is_external(&self) -> bool {
        self.backend.is_some()
    }

    pub(super) fn backend_id(&self) -> &str {
        self.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str)
    }
}

/// A user who is put together value by value: one that cannot be taken leaves the others alone.
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
