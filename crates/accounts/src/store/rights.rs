//! The rights of the actor, checked in the transaction of the change.
//!
//! What an endpoint checked may have changed when the change is written: the target was made an
//! administrator, the actor lost a group. So each change names the right that it needs, and the
//! right is read under the locks of that change.
//!
//! The credential of the actor is checked in the same place, with the scopes of a service token, so
//! no endpoint can forget either.
//!
//! PostgreSQL: every change of a user's memberships, sub-admin groups or status locks the user's
//! row, so the rows of target and actor are locked here, in the order of their keys, and after them
//! the rows of the actor's groups against deletion. SQLite has one writer at a time.

use crate::domain::{
    AccountsError, GroupId, LOCAL_BACKEND, NewUser, Permissions, TokenScope, TokenScopes, UsedCredential,
    User, UserId,
};
use crate::store::change::{Change, LockedUser};
use crate::store::engine::{each, sql};
use crate::store::users::row::{UserKey, columns};

/// The right that a change needs.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Right<'a> {
    /// The target is the actor.
    Oneself,
    /// The target is the actor, who is an administrator.
    AdminOneself,
    /// The actor administers the target and is not the target.
    ///
    /// An administrator administers everyone.
    Over,
    /// One of these two.
    OneselfOrOver,
    /// As [`Right::Over`], for access: enabling, disabling, deleting, wiping.
    OverAccess,
    /// As [`Right::OneselfOrOver`], for what opens or closes the account.
    ///
    /// Passwords, addresses, app passwords, sessions.
    Access,
    /// The actor is an administrator.
    Admin,
    /// As [`Right::Admin`], for deleting a group.
    ///
    /// It ends the rights of the group's sub-admins.
    DeleteGroup { has_subadmins: bool },
    /// As [`Right::Admin`], for what opens or closes the account.
    ///
    /// Whether an address is confirmed.
    AdminAccess,
    /// The actor may administer this group, and the target too unless `anyone` may be added.
    Member { group: &'a GroupId, anyone: bool },
    /// The actor may create this user.
    Create(&'a NewUser),
}

impl Right<'_> {
    fn is_given(self, actor: &Permissions, target: Option<&Target>) -> bool {
        let oneself = target.is_some_and(|target| target.oneself);
        let over = target.is_some_and(|target| actor.is_over(&target.groups, &target.subadmin_of));
        actor.is_admin && (oneself || !matches!(self, Self::Oneself | Self::AdminOneself))
            || match self {
                Self::Admin | Self::AdminOneself | Self::AdminAccess | Self::DeleteGroup { .. } => false,
                Self::Oneself => oneself,
                Self::Over | Self::OverAccess => over && !oneself,
                Self::OneselfOrOver | Self::Access => oneself || over,
                Self::Member { group, anyone } => actor.may_administer(group) && (anyone || over),
                Self::Create(new) => {
                    let mine = |group: &GroupId| actor.may_administer(group);
                    new.backend_id() == LOCAL_BACKEND
                        && !new.groups.is_empty()
                        && new.groups.iter().all(mine)
                        && new.subadmin_of.iter().all(mine)
                        && !new.create_groups
                }
            }
    }

    /// Refuses a service token without the scope, even if its owner has the right.
    ///
    /// It must not become the account of its owner, which would let it outlive its scopes, networks
    /// and end, nor more than its scopes say.
    fn check_scopes(self, scopes: &TokenScopes, target: Option<&Target>) -> Result<(), AccountsError> {
        let is_admins = match self {
            Self::Oneself | Self::AdminOneself | Self::Access | Self::OverAccess | Self::AdminAccess
                if target.is_some_and(|target| target.oneself) =>
            {
                return Err(AccountsError::ScopeMissing { needs: None });
            }
            Self::Access | Self::OverAccess | Self::AdminAccess => target.is_some_and(Target::has_rights),
            Self::Member { group, .. } => group.is_admin(),
            Self::Create(new) => {
                if !new.groups.is_empty() && !scopes.allow(TokenScope::GroupsWrite) {
                    return Err(missing(TokenScope::GroupsWrite));
                }
                new.groups.iter().any(GroupId::is_admin) || !new.subadmin_of.is_empty()
            }
            // The one change of a user that takes an administrator is who administers a group.
            Self::Admin => target.is_some(),
            Self::DeleteGroup { has_subadmins } => has_subadmins,
            Self::Oneself | Self::AdminOneself | Self::Over | Self::OneselfOrOver => false,
        };
        if is_admins && !scopes.allow(TokenScope::Admin) { Err(missing(TokenScope::Admin)) } else { Ok(()) }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Oneself | Self::Over | Self::OneselfOrOver | Self::OverAccess | Self::Access => {
                "the right to change this user"
            }
            Self::Admin | Self::AdminOneself | Self::AdminAccess | Self::DeleteGroup { .. } => ADMIN,
            Self::Member { .. } => "the right to change the members of this group",
            Self::Create(_) => "the right to create this user",
        }
    }
}

/// What [`AccountsError::Forbidden`] says where an administrator is needed.
const ADMIN: &str = "an administrator";

impl AccountsError {
    /// Whether the change was refused because only administrators may make it.
    pub fn is_for_admins(&self) -> bool {
        matches!(self, Self::Forbidden { needs: ADMIN })
    }
}

const fn missing(scope: TokenScope) -> AccountsError {
    AccountsError::ScopeMissing { needs: Some(scope.as_str()) }
}

/// What a right over a user depends on.
struct Target {
    oneself: bool,
    groups: Vec<GroupId>,
    subadmin_of: Vec<GroupId>,
}

impl Target {
    /// Whether this is an administrator or a sub-admin.
    fn has_rights(&self) -> bool {
        self.groups.iter().any(GroupId::is_admin) || !self.subadmin_of.is_empty()
    }
}

impl Change<'_> {
    /// Checks a right that is about no existing user.
    pub(crate) async fn require(&mut self, right: Right<'_>) -> Result<(), AccountsError> {
        if !self.actor().is_user() {
            return Ok(());
        }
        let actor = self.lock_actor().await?;
        self.check(right, actor, None).await
    }

    /// Locks a user until the transaction ends, if the actor has the right.
    pub(crate) async fn lock_target(
        &mut self,
        id: &UserId,
        right: Right<'_>,
    ) -> Result<LockedUser, AccountsError> {
        if !self.actor().is_user() {
            return self.lock_user(id).await;
        }
        let oneself = self.actor().is(id);
        let (actor, target) = if oneself {
            let target = self.lock_user(id).await;
            let actor = target.as_ref().ok().map(|target| (target.key, target.user.clone()));
            (actor, target)
        } else if self.actor_is_first(id).await? {
            let actor = self.lock_actor().await?;
            (actor, self.lock_user(id).await)
        } else {
            let target = self.lock_user(id).await;
            (self.lock_actor().await?, target)
        };
        let target = match target {
            Ok(target) => target,
            Err(missing) => {
                self.check_sign_in(actor.as_ref()).await?;
                return Err(missing);
            }
        };
        let about = Target {
            oneself,
            groups: self.groups_of(target.key).await?,
            subadmin_of: self.subadmin_groups(target.key).await?,
        };
        self.check(right, actor, Some(about)).await?;
        Ok(target)
    }

    /// Whether the locked actor may do it, with the credential that they signed in with.
    async fn check(
        &mut self,
        right: Right<'_>,
        actor: Option<(UserKey, User)>,
        target: Option<Target>,
    ) -> Result<(), AccountsError> {
        self.check_sign_in(actor.as_ref()).await?;
        let forbidden = || AccountsError::Forbidden { needs: right.name() };
        let actor = self.permissions(actor.ok_or_else(forbidden)?).await?;
        if !right.is_given(&actor, target.as_ref()) {
            return Err(forbidden());
        }
        self.actor().scopes().map_or(Ok(()), |scopes| right.check_scopes(scopes, target.as_ref()))
    }

    /// Refuses an actor whose credential has ended since the sign-in.
    ///
    /// The actor's row is locked, and every change that ends a password, an app password or all
    /// sessions of a user locks it, too.
    async fn check_sign_in(&mut self, actor: Option<&(UserKey, User)>) -> Result<(), AccountsError> {
        let Some(credential) = self.actor().credential().cloned() else { return Ok(()) };
        let Some((key, user)) = actor.filter(|(_, user)| user.enabled) else {
            return Err(AccountsError::SignInEnded);
        };
        let (query, token) = match credential {
            UsedCredential::Password { before } if user.epoch <= before => return Ok(()),
            UsedCredential::Password { .. } => return Err(AccountsError::SignInEnded),
            UsedCredential::AppPassword(token) | UsedCredential::ServiceToken { token, .. } => (
                "SELECT 1 FROM app_passwords WHERE token = $1 AND user_key = $2 AND NOT wipe_requested \
                 AND (expires_at IS NULL OR expires_at > $3)",
                token,
            ),
            UsedCredential::Session(token) => {
                ("SELECT 1 FROM sessions WHERE token = $1 AND user_key = $2 AND expires_at > $3", token)
            }
        };
        let now = self.now().millis();
        let found = self.row(sql(query).bind(token.bytes()).bind(key.0).bind(now)).await?;
        found.map(drop).ok_or(AccountsError::SignInEnded)
    }

    /// Whether the actor's row comes before that of the target in the order of locking.
    async fn actor_is_first(&mut self, target: &UserId) -> Result<bool, AccountsError> {
        let Ok(actor) = UserId::parse(self.actor().name()) else { return Ok(true) };
        let query = sql("SELECT name FROM users WHERE name IN ($1, $2) ORDER BY key LIMIT 1");
        let query = query.bind(actor.name().as_str()).bind(target.name().as_str());
        let first = self.row(query).await?.map(|row| row.text(0)).transpose()?;
        Ok(first.as_deref() == Some(actor.name().as_str()))
    }

    /// The actor, who keeps their rights until the transaction ends.
    ///
    /// `None` when there is no such user, or a disabled one.
    async fn lock_actor(&mut self) -> Result<Option<(UserKey, User)>, AccountsError> {
        let Ok(id) = UserId::parse(self.actor().name()) else { return Ok(None) };
        let query = each(
            concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1"),
            concat!("SELECT ", columns!(), ", key FROM users WHERE name = $1 FOR SHARE"),
        );
        let row = self.row(query.bind(id.name().as_str())).await?;
        row.map(|row| Ok((UserKey::read(&row)?, User::read(&row)?))).transpose()
    }

    /// What the locked actor may do.
    ///
    /// A disabled one may do nothing.
    async fn permissions(&mut self, (key, user): (UserKey, User)) -> Result<Permissions, AccountsError> {
        if !user.enabled {
            return Err(AccountsError::Forbidden { needs: "an enabled account" });
        }
        let groups = self.groups_of(key).await?;
        let is_admin = groups.iter().any(GroupId::is_admin);
        let query = each(
            "SELECT groups.id FROM subadmins JOIN groups ON groups.key = subadmins.group_key \
             WHERE subadmins.user_key = $1 ORDER BY groups.key",
            "SELECT groups.id FROM subadmins JOIN groups ON groups.key = subadmins.group_key \
             WHERE subadmins.user_key = $1 ORDER BY groups.key FOR SHARE OF groups",
        );
        let rows = self.rows(query.bind(key.0)).await?;
        let subadmin_of = rows.iter().map(|row| row.text(0).map(|id| GroupId::stored(&id)));
        Ok(Permissions { user, is_admin, groups, subadmin_of: subadmin_of.collect::<Result<_, _>>()? })
    }

    /// Whether the actor is an administrator, the command line or the program itself.
    pub(crate) async fn is_by_administrator(&mut self) -> Result<bool, AccountsError> {
        if !self.actor().is_user() {
            return Ok(true);
        }
        let Ok(id) = UserId::parse(self.actor().name()) else { return Ok(false) };
        let query = sql("SELECT 1 FROM members JOIN groups ON groups.key = members.group_key \
                         WHERE members.name = $1 AND groups.id = 'admin'");
        Ok(self.row(query.bind(id.name().as_str())).await?.is_some())
    }

    /// Whether a locked user is an administrator.
    pub(crate) async fn is_admin(&mut self, key: UserKey) -> Result<bool, AccountsError> {
        Ok(self.groups_of(key).await?.iter().any(GroupId::is_admin))
    }

    async fn groups_of(&mut self, key: UserKey) -> Result<Vec<GroupId>, AccountsError> {
        let query = sql("SELECT groups.id FROM members JOIN groups ON groups.key = members.group_key \
                         WHERE members.user_key = $1");
        self.rows(query.bind(key.0)).await?.iter().map(|row| Ok(GroupId::stored(&row.text(0)?))).collect()
    }

    async fn subadmin_groups(&mut self, key: UserKey) -> Result<Vec<GroupId>, AccountsError> {
        let query = sql("SELECT groups.id FROM subadmins JOIN groups ON groups.key = subadmins.group_key \
                         WHERE subadmins.user_key = $1");
        self.rows(query.bind(key.0)).await?.iter().map(|row| Ok(GroupId::stored(&row.text(0)?))).collect()
    }
}
