//! A user about to be created: everything in one transaction, or nothing.

use user_backend::{BackendId, CanonicalName};

use crate::domain::clock::Timestamp;
use crate::domain::error::AccountsError;
use crate::domain::id::{GroupId, LOCAL_BACKEND, UserId, fold};
use crate::store::audit::{self, Action};
use crate::store::credential_epoch;
use crate::store::engine::{Tx, fault, sql};
use crate::store::groups;
use crate::store::passwords::{self, StoredHash};
use crate::store::users::profile::{self, ProfileField, ProfileScope};
use crate::store::users::record::columns;
use crate::store::users::{Key, Users, changes};
use crate::store::users::{Quota, User};

/// A user about to be created.
///
/// ```no_run
/// # async fn example(accounts: accounts::Accounts) -> Result<(), accounts::AccountsError> {
/// use accounts::{GroupId, NewUser, Quota, UserId};
///
/// let frank = NewUser::new(UserId::parse("Frank")?)
///     .display_name("Frank Smith")
///     .email("frank@example.com")
///     .quota(Quota::Bytes(5 << 30))
///     .group(GroupId::parse("staff")?);
/// let frank = accounts.users().create(frank).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct NewUser {
    id: UserId,
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
    profile: Vec<(ProfileField, String, Option<ProfileScope>)>,
    create_groups: bool,
    signed_in: Option<(Timestamp, Timestamp)>,
}

impl NewUser {
    /// An enabled local user without a password, in no group.
    pub const fn new(id: UserId) -> Self {
        Self {
            id,
            backend: None,
            hash: None,
            display_name: None,
            email: None,
            quota: Quota::Default,
            language: None,
            locale: None,
            enabled: true,
            groups: Vec::new(),
            subadmin_of: Vec::new(),
            profile: Vec::new(),
            create_groups: false,
            signed_in: None,
        }
    }

    /// Somebody whose password this backend checks. Default: `local`, this store.
    #[must_use]
    pub fn backend(mut self, backend: BackendId) -> Self {
        self.backend = Some(backend);
        self
    }

    /// The hash of the first password; it becomes part of the password history.
    #[must_use]
    pub fn password(mut self, hash: StoredHash) -> Self {
        self.hash = Some(hash);
        self
    }

    /// What the user is called.
    #[must_use]
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// The primary mail address; stored trimmed and in lower case.
    #[must_use]
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// How much the user may store.
    #[must_use]
    pub const fn quota(mut self, quota: Quota) -> Self {
        self.quota = quota;
        self
    }

    /// The language.
    #[must_use]
    pub fn language(mut self, language: impl Into<String>) -> Self {
        self.language = Some(language.into());
        self
    }

    /// The locale.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// A user who cannot sign in yet.
    #[must_use]
    pub const fn disabled(mut self) -> Self {
        self.enabled = false;
        self
    }

    /// Makes the user a member.
    #[must_use]
    pub fn group(mut self, group: GroupId) -> Self {
        self.groups.push(group);
        self
    }

    /// Makes the user an administrator of the group (not a member).
    #[must_use]
    pub fn subadmin_of(mut self, group: GroupId) -> Self {
        self.subadmin_of.push(group);
        self
    }

    /// A profile field.
    #[must_use]
    pub fn profile(
        mut self,
        field: ProfileField,
        value: impl Into<String>,
        scope: Option<ProfileScope>,
    ) -> Self {
        self.profile.push((field, value.into(), scope));
        self
    }

    /// Somebody who signed in before, elsewhere: first and last. Times to come count as now.
    #[must_use]
    pub const fn signed_in(mut self, first: Timestamp, last: Timestamp) -> Self {
        self.signed_in = Some((first, last));
        self
    }

    /// Creates groups that are missing instead of failing.
    #[must_use]
    pub const fn create_missing_groups(mut self) -> Self {
        self.create_groups = true;
        self
    }

    /// Whether every value can be one, without asking a store: what [`Users::create`] refuses as invalid.
    ///
    /// # Errors
    /// [`AccountsError::Invalid`]: the first value that cannot be taken.
    pub fn check(&self) -> Result<(), AccountsError> {
        if self.hash.is_some() && self.backend.as_ref().is_some_and(|id| id.as_str() != LOCAL_BACKEND) {
            return Err(AccountsError::invalid("password", "a password", "none: another backend checks it"));
        }
        profile::display_name(self.display_name.as_deref())?;
        self.email.as_deref().map(profile::mail_address).transpose()?;
        profile::word(&self.language, "language")?;
        profile::word(&self.locale, "locale")?;
        self.subadmin_of.iter().try_for_each(groups::not_admin)?;
        self.profile.iter().try_for_each(|(field, value, _)| match field {
            ProfileField::AdditionalMail => profile::mail_address(value).map(drop),
            _ => profile::checked_value(*field, value),
        })
    }
}

impl Users<'_> {
    /// Creates a user with everything that belongs to them, or nothing at all.
    ///
    /// # Errors
    /// - [`AccountsError::AlreadyExists`]: the name is taken in some spelling, or another backend owns it (a local
    ///   account never shadows somebody else's).
    /// - [`AccountsError::NotFound`]: one of the groups.
    /// - [`AccountsError::Invalid`]: a field's value, or a sub-admin of the group `admin`.
    pub async fn create(self, new: NewUser) -> Result<User, AccountsError> {
        let mut tx = self.0.db().begin().await?;
        let user = insert(self, &mut tx, &new).await?;
        tx.commit().await?;
        Ok(user)
    }

    /// Keeps somebody whom a backend accepted: creates the user at the first acceptance, and does nothing later.
    ///
    /// The groups that the backend tells (`group_by_domain`) are created when they are missing and joined at creation.
    /// The second value tells whether the user is new.
    ///
    /// # Errors
    /// [`AccountsError::AlreadyExists`] when the name belongs to another backend.
    pub async fn remember(
        self,
        name: &CanonicalName,
        backend: &BackendId,
        told_groups: impl IntoIterator<Item = GroupId> + Send,
    ) -> Result<(User, bool), AccountsError> {
        let id = UserId::from_canonical(name.clone());
        if let Some(user) = self.find(&id).await? {
            let same = user.backend == *backend;
            return if same { Ok((user, false)) } else { Err(AccountsError::already("user", id.as_str())) };
        }
        // A login name that is a mail address is where its owner can be reached.
        let email = profile::mail_address(name.as_str()).ok();
        let mut new = NewUser::new(id.clone()).backend(backend.clone()).create_missing_groups();
        new.email = email;
        new.groups = told_groups.into_iter().filter(|group| !group.is_admin()).collect();
        match self.create(new).await {
            Err(AccountsError::AlreadyExists { what, id: told }) => match self.find(&id).await? {
                Some(user) if user.backend == *backend => Ok((user, false)),
                _ => Err(AccountsError::AlreadyExists { what, id: told }),
            },
            other => other.map(|user| (user, true)),
        }
    }
}

async fn insert(room: Users<'_>, tx: &mut Tx, new: &NewUser) -> Result<User, AccountsError> {
    let now = room.0.now();
    let id = &new.id;
    let name = id.name().as_str();
    let backend = new.backend.as_ref().map_or(LOCAL_BACKEND, BackendId::as_str);
    let taken = || AccountsError::already("user", id.as_str());
    new.check()?;
    let display_name = profile::display_name(new.display_name.as_deref())?;
    let email = new.email.as_deref().map(profile::mail_address).transpose()?;

    let pin =
        sql("INSERT INTO pins (name, backend, since) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING");
    if tx.execute(pin.bind(name).bind(backend).bind(now.millis())).await? == 0 {
        let owner = tx.row(sql("SELECT backend FROM pins WHERE name = $1").bind(name)).await?;
        let owner = owner.map(|row| row.text(0)).transpose().map_err(fault)?;
        if owner.as_deref() != Some(backend) {
            return Err(taken());
        }
    }
    let user = sql(concat!(
        "INSERT INTO users (name, id, backend, enabled, display_name, email, quota, language, locale, search, \
         created_at, first_login, last_login) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) \
         ON CONFLICT (name) DO NOTHING RETURNING ",
        columns!(),
        ", users.key"
    ))
        .bind(name)
        .bind(id.as_str())
        .bind(backend)
        .bind(new.enabled)
        .bind(display_name.as_deref())
        .bind(email.as_deref())
        .bind(new.quota.column())
        .bind(profile::word(&new.language, "language")?)
        .bind(profile::word(&new.locale, "locale")?)
        .bind(search_text(id, display_name.as_deref(), email.as_deref()))
        .bind(now.millis())
        .bind(new.signed_in.map(|(first, last)| first.min(last).min(now).millis()))
        .bind(new.signed_in.map(|(_, last)| last.min(now).millis()));
    let row = tx.row(user).await?.ok_or_else(taken)?;
    let (mut user, key) = (User::read(&row)?, Key(row.int(13).map_err(fault)?));

    for group in &new.groups {
        let group = groups::key(tx, group, new.create_groups).await?;
        groups::join(tx, group, key, id).await?;
    }
    for group in &new.subadmin_of {
        if new.create_groups {
            groups::key(tx, group, true).await?;
        }
        groups::add_subadmin(tx, group, key).await?;
    }
    for (field, value, scope) in &new.profile {
        profile::put(tx, key, *field, value, *scope).await?;
    }
    if let Some(hash) = &new.hash {
        passwords::first(tx, key, hash, now).await?;
        // Somebody may have tried this very name and password before there was a user; that refusal is outdated.
        user.epoch = credential_epoch::bump(tx, id.name(), now).await?;
        changes::stamp(tx, key, user.epoch).await?;
    }
    audit::note(tx, room.0, Action::UserCreated, name, Some(backend)).await?;
    Ok(user)
}

/// The text in which searches look.
pub(crate) fn search_text(id: &UserId, display_name: Option<&str>, email: Option<&str>) -> String {
    let (name, email) = (id.name().as_str(), email.unwrap_or_default());
    fold(&format!("{name}\n{}\n{email}", display_name.unwrap_or_default()))
}
