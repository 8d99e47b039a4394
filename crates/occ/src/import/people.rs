//! What one user of the source is here.

use accounts::{Field, GroupId, LOCAL_BACKEND, NewUser, Quota, Scope, StoredHash, UserId};
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
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: UserId,
    /// Groups whose ids no group can have here.
    pub(super) odd_groups: Vec<String>,
    backend: Option<BackendId>,
    hash: Option<StoredHash>,
    display_name: Option<String>,
    email: Option<String>,
    quota: Quota,
    language: Option<String>,
    locale: Option<String>,
    enabled: bool,
    groups: Vec<GroupId>,
    subadmin_of: Vec<GroupId>,
    profile: Vec<(Field, String, Option<Scope>)>,
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
        let hash = row.hash.filter(|hash| backend.is_none() && !hash.is_empty()).map(StoredHash::new);
        let mut person = Self {
            id,
            odd_groups: Vec::new(),
            backend,
            hash,
            display_name: row.display_name.filter(|name| !name.is_empty()),
            email: None,
            quota: Quota::Default,
            language: None,
            locale: None,
            enabled: true,
            groups: Vec::new(),
            subadmin_of: Vec::new(),
            profile: Vec::new(),
        };
        for group in source.groups_of(&uid, false).await? {
            match GroupId::parse(&group) {
                Ok(group) => person.groups.push(group),
                Err(_) => person.odd_groups.push(group),
            }
        }
        let offices = source.groups_of(&uid, true).await?;
        // Administrators of everything administer every group anyway.
        person.subadmin_of =
            offices.iter().filter_map(|id| GroupId::parse(id).ok()).filter(|id| !id.is_admin()).collect();
        for (app, key, value) in source.preferences(&uid).await? {
            match (app.as_str(), key.as_str()) {
                ("core", "enabled") => person.enabled = value != "false",
                ("core", "lang") => person.language = Some(value),
                ("core", "locale") => person.locale = Some(value),
                ("files", "quota") => person.quota = value.parse().unwrap_or_default(),
                ("settings", "email") => person.email = Some(value).filter(|value| !value.is_empty()),
                _ => {}
            }
        }
        if let Some(data) = source.account(&uid).await? {
            person.profile = profile(&data);
        }
        Ok(Ok(person))
    }

    pub(super) fn is_external(&self) -> bool {
        self.backend.is_some()
    }

    pub(super) fn backend_id(&self) -> &str {
        self.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str)
    }

    /// In how many groups this is, also as a sub-admin.
    pub(super) fn memberships(&self) -> u64 {
        u64::try_from(self.groups.len() + self.subadmin_of.len()).unwrap_or(u64::MAX)
    }

    /// With nothing that could be refused for its looks.
    pub(super) fn without_profile(mut self) -> Self {
        self.profile.clear();
        (self.display_name, self.email, self.language, self.locale) = (None, None, None, None);
        self
    }

    pub(super) fn into_new(self) -> NewUser {
        let mut new = NewUser::new(self.id).quota(self.quota).create_missing_groups();
        if let Some(backend) = self.backend {
            new = new.backend(backend);
        }
        if let Some(hash) = self.hash {
            new = new.password(hash);
        }
        if let Some(name) = self.display_name {
            new = new.display_name(name);
        }
        if let Some(email) = self.email {
            new = new.email(email);
        }
        if let Some(language) = self.language {
            new = new.language(language);
        }
        if let Some(locale) = self.locale {
            new = new.locale(locale);
        }
        if !self.enabled {
            new = new.disabled();
        }
        new = self.groups.into_iter().fold(new, NewUser::group);
        new = self.subadmin_of.into_iter().fold(new, NewUser::subadmin_of);
        self.profile.into_iter().fold(new, |new, (field, value, scope)| new.profile(field, value, scope))
    }
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
