//! What one user of the source is here.

use accounts::{Field, GroupId, LOCAL_BACKEND, NewUser, Scope, Timestamp, UserId};
use serde_json::Value;
use user_backend::BackendId;
use user_backend::config::Config;

use super::source::{Source, UserRow};
use crate::cli::Common;
use crate::config;
use crate::exit::Failure;

/// Which backend here checks the passwords of which backend there.
#[derive(Debug)]
pub(super) struct Homes {
    config: Config,
    named: Vec<(String, BackendId)>,
}

impl Homes {
    /// From the configuration, and what the command line says: `OLD=ID`.
    pub(super) fn new(common: &Common, named: &[String]) -> Result<Self, Failure> {
        let (_, config) = config::read(common)?;
        let named = named.iter().map(|pair| {
            let (old, id) = pair.rsplit_once('=').ok_or_else(|| {
                Failure::new(format!("--backend {pair}: found no =, expected the backend there=the id here"))
            })?;
            let known = config.entries().iter().find(|entry| entry.id().as_str() == id);
            let known = known.ok_or_else(|| Failure::new(format!("there is no backend \"{id}\"")))?;
            Ok((old.to_owned(), known.id().clone()))
        });
        Ok(Self { named: named.collect::<Result<_, Failure>>()?, config })
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
    /// Groups whose ids no group can have here.
    pub(super) odd_groups: Vec<String>,
    /// In how many groups this is, also as a sub-admin.
    pub(super) memberships: u64,
    backend: Option<BackendId>,
    /// Everything.
    pub(super) whole: NewUser,
    /// What is left without anything that could be refused for its looks.
    pub(super) plain: NewUser,
}

impl Person {
    /// Reads everything that belongs to a user, or tells why the user cannot be taken over.
    pub(super) async fn read(
        source: &mut Source,
        row: UserRow,
        homes: &Homes,
    ) -> Result<Result<Self, String>, Failure> {
        let uid = row.uid;
        let Ok(id) = UserId::parse(&uid) else {
            return Ok(Err(format!("the user {uid:?} has an id that nobody can have")));
        };
        let backend = match row.backend.as_deref().map(|old| homes.of(old)).transpose() {
            Ok(backend) => backend,
            Err(problem) => return Ok(Err(format!("{id}: {problem}"))),
        };
        let mut new = NewUser::new(id.clone()).create_missing_groups();
        if let Some(backend) = &backend {
            new = new.backend(backend.clone());
        } else if let Some(hash) = row.hash.filter(|hash| !hash.is_empty()) {
            new = new.password(source.salt().with(&hash));
        }
        let (mut memberships, mut odd_groups) = (0, Vec::new());
        for group in source.groups_of(&uid, false).await? {
            match GroupId::parse(&group) {
                Ok(group) => (new, memberships) = (new.group(group), memberships + 1),
                Err(_) => odd_groups.push(group),
            }
        }
        let offices = source.groups_of(&uid, true).await?;
        // Administrators of everything administer every group anyway.
        for group in offices.iter().filter_map(|id| GroupId::parse(id).ok()).filter(|id| !id.is_admin()) {
            (new, memberships) = (new.subadmin_of(group), memberships + 1);
        }
        let preferences = source.preferences(&uid).await?;
        let plain =
            preferences.iter().fold(new, |new, (app, key, value)| match (app.as_str(), key.as_str()) {
                ("core", "enabled") if value == "false" => new.disabled(),
                ("files", "quota") => new.quota(value.parse().unwrap_or_default()),
                _ => new,
            });
        let when = |key: &str| {
            let found = preferences.iter().find(|(app, found, _)| app == "login" && found == key);
            found.and_then(|(_, _, value)| value.parse::<i64>().ok()).filter(|seconds| *seconds > 0)
        };
        let plain = match (when("firstLogin"), when("lastLogin")) {
            (first, Some(last)) => plain.signed_in(at(first.unwrap_or(last)), at(last)),
            (Some(first), None) => plain.signed_in(at(first), at(first)),
            (None, None) => plain,
        };
        let mut whole = plain.clone();
        if let Some(name) = row.display_name.filter(|name| !name.is_empty()) {
            whole = whole.display_name(name);
        }
        for (app, key, value) in preferences {
            whole = match (app.as_str(), key.as_str()) {
                ("core", "lang") => whole.language(value),
                ("core", "locale") => whole.locale(value),
                ("settings", "email") if !value.is_empty() => whole.email(value),
                _ => whole,
            };
        }
        if let Some(data) = source.account(&uid).await? {
            let fields = profile(&data).into_iter();
            whole = fields.fold(whole, |whole, (field, value, scope)| whole.profile(field, value, scope));
        }
        Ok(Ok(Self { id, odd_groups, memberships, backend, whole, plain }))
    }

    pub(super) fn is_external(&self) -> bool {
        self.backend.is_some()
    }

    pub(super) fn backend_id(&self) -> &str {
        self.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str)
    }
}

/// A time in seconds; beyond what can be one, the last there is.
fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(seconds.saturating_mul(1000))
}

/// The fields of a profile; name and mail address are elsewhere.
fn profile(data: &str) -> Vec<(Field, String, Option<Scope>)> {
    let Ok(Value::Object(fields)) = serde_json::from_str(data) else { return Vec::new() };
    let fields = fields.iter().filter_map(|(name, about)| {
        let field: Field = name.parse().ok()?;
        if matches!(field, Field::DisplayName | Field::Email | Field::Avatar | Field::AdditionalMail) {
            return None;
        }
        let value = about.get("value")?.as_str().filter(|value| !value.is_empty())?;
        let scope = about.get("scope").and_then(Value::as_str).and_then(|scope| Scope::from_any(scope).ok());
        Some((field, value.to_owned(), scope))
    });
    fields.collect()
}
