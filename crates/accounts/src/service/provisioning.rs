//! Creating users: everything in one transaction, or nothing.

use user_backend::{BackendId, CanonicalName, Identity};

use crate::domain::new_user::Confirmation;
use crate::domain::user_id::has_only_dots;
use crate::domain::{
    AccountsError, Action, DisplayName, EmailAddress, FirstSignIn, GroupId, LOCAL_BACKEND, NewUser, User,
    UserId,
};
use crate::store::change::{Change, LockedUser};
use crate::store::outbox::{self, MailKind};
use crate::store::rights::Right;
use crate::store::users::addresses::{self, NewAddress};
use crate::store::users::repository::UsersMut;
use crate::store::users::row::UserKey;
use crate::store::users::{insert, profile};
use crate::store::{credential_epoch, groups, passwords, pins};

impl UsersMut<'_> {
    /// Creates a user with everything that belongs to them, or nothing at all.
    ///
    /// # Errors
    /// - [`AccountsError::AlreadyExists`]: the name is taken in some spelling, or another backend
    ///   owns it (a local account never shadows another one); or it is the confirmed mail address
    ///   of another user, and no administrator creates it; or the address that should be confirmed
    ///   is another user's.
    /// - [`AccountsError::NotFound`]: one of the groups.
    /// - [`AccountsError::Invalid`]: a password that another backend checks, or a sub-admin of the
    ///   group `admin`.
    pub async fn create(self, new: NewUser) -> Result<User, AccountsError> {
        let mut change = self.0.change().await?;
        change.require(Right::Create(&new)).await?;
        let user = provision(&mut change, &new).await?;
        change.commit().await?;
        Ok(user)
    }

    /// Records a user whom a backend accepted.
    ///
    /// Created at the first acceptance, unchanged later.
    ///
    /// A name that is a mail address is the user's confirmed address, as at a mail server. The groups
    /// that the backend reports (`group_by_domain`) are created when they are missing and joined at
    /// creation. The second value says whether the user is new.
    ///
    /// # Errors
    /// [`AccountsError::AlreadyExists`] when the name belongs to another backend.
    pub async fn remember(
        self,
        name: &CanonicalName,
        backend: &BackendId,
        told_groups: impl IntoIterator<Item = GroupId> + Send,
    ) -> Result<(User, bool), AccountsError> {
        let identity = Identity::new(name.clone());
        let first = FirstSignIn { names_are_addresses: true, ..FirstSignIn::default() };
        self.remember_named(&identity, backend, told_groups, &first).await
    }

    /// The same for an identity, with the groups, display name and address of its backend.
    ///
    /// Only a new user gets them. What cannot be one of them is left out.
    ///
    /// # Errors
    /// As [`Self::remember`].
    ///
    /// # Security
    /// The address counts as unconfirmed: in many directories users change it themselves. No one
    /// joins the group `admin` like this.
    pub async fn remember_identity(
        self,
        identity: &Identity,
        backend: &BackendId,
        first: &FirstSignIn,
    ) -> Result<(User, bool), AccountsError> {
        // A group that cannot be created is left out: it must not keep its members from signing in.
        let groups: Vec<_> = identity.groups().filter_map(|group| GroupId::visible(group).ok()).collect();
        self.remember_named(identity, backend, groups, first).await
    }

    async fn remember_named(
        self,
        identity: &Identity,
        backend: &BackendId,
        told_groups: impl IntoIterator<Item = GroupId> + Send,
        first: &FirstSignIn,
    ) -> Result<(User, bool), AccountsError> {
        let name = identity.name();
        let id = UserId::from_canonical(name.clone());
        if let Some(user) = self.find(&id).await? {
            let same = user.backend == *backend;
            return if same { Ok((user, false)) } else { Err(AccountsError::already("user", id.as_str())) };
        }
        // At a mail server, a login name that is an address is where its owner can be reached. At
        // others it may be the address of another person, like the address that a directory tells.
        let address = EmailAddress::parse(name.as_str()).ok();
        let told = identity.email().and_then(|email| EmailAddress::parse(email).ok());
        let mut new = NewUser::new(id.clone()).backend(backend.clone()).create_missing_groups();
        match address {
            Some(address) if first.names_are_addresses => new = new.known_email(address),
            address => (new.email, new.confirmation) = (told.or(address), Confirmation::Link),
        }
        new.display_name = identity.display_name().and_then(|name| DisplayName::parse(name).ok());
        new.quota = first.quota;
        new.language = first.language.clone();
        let groups = told_groups.into_iter().chain(first.groups.iter().cloned());
        for group in groups.filter(|group| !group.is_admin()) {
            if !new.groups.contains(&group) {
                new.groups.push(group);
            }
        }
        match self.create(new).await {
            Err(AccountsError::AlreadyExists { what, id: existing }) => match self.find(&id).await? {
                Some(user) if user.backend == *backend => Ok((user, false)),
                _ => Err(AccountsError::AlreadyExists { what, id: existing }),
            },
            other => other.map(|user| (user, true)),
        }
    }
}

/// Sets the address of a new user.
///
/// A local user without a password gets a welcome mail, whose link confirms it.
async fn address(
    change: &mut Change<'_>,
    key: UserKey,
    user: &mut User,
    new: &NewUser,
) -> Result<(), AccountsError> {
    let Some(address) = &new.email else { return Ok(()) };
    let address = match new.confirmation {
        Confirmation::Usual => NewAddress::Set(address),
        Confirmation::Known => NewAddress::Known(address),
        Confirmation::Link => NewAddress::Named(address),
        Confirmation::Required => {
            change.require(Right::Admin).await?;
            NewAddress::Confirmed(address)
        }
    };
    let is_asked = new.hash.is_some() || !user.is_local();
    addresses::set_first(change, key, user, address, is_asked).await
}

pub(crate) async fn provision(change: &mut Change<'_>, new: &NewUser) -> Result<User, AccountsError> {
    if new.hash.is_some() && new.backend_id() != LOCAL_BACKEND {
        return Err(AccountsError::invalid("password", "a password", "none: another backend checks it"));
    }
    let (id, backend) = (&new.id, new.backend_id());
    if has_only_dots(id.as_str()) {
        return Err(AccountsError::invalid("user id", id.as_str(), "not only dots"));
    }
    let taken = || AccountsError::already("user", id.as_str());
    // The owner of the address would not sign in with it any more.
    if addresses::is_confirmed_by_another(change, id).await? && !change.is_by_administrator().await? {
        return Err(taken());
    }
    if !pins::claim(change, id.name(), backend, new.upstream_spelling.as_deref()).await? {
        let is_banned = pins::is_banned(change, id.name()).await?;
        return Err(if is_banned { AccountsError::banned(id.as_str()) } else { taken() });
    }
    let LockedUser { key, mut user } = insert::insert(change, new).await?.ok_or_else(taken)?;
    for group in &new.groups {
        let group = groups::key(change, group, new.create_groups).await?;
        groups::join(change, group, key, id).await?;
    }
    for group in &new.subadmin_of {
        if new.create_groups {
            groups::key(change, group, true).await?;
        }
        groups::add_subadmin(change, group, key).await?;
    }
    for (value, scope) in &new.profile {
        profile::put(change, key, value, *scope).await?;
    }
    if !new.profile.is_empty() {
        profile::check_bytes(change, key, 0).await?;
    }
    if let Some(hash) = &new.hash {
        passwords::first(change, key, hash).await?;
        // This name and password may have been refused before there was a user; that refusal is
        // outdated.
        user.epoch = credential_epoch::bump(change, id.name()).await?;
        credential_epoch::stamp(change, key, user.epoch).await?;
    }
    change.note(Action::UserCreated, id.name().as_str(), Some(backend)).await?;
    address(change, key, &mut user, new).await?;
    if new.is_welcomed {
        let kind = if new.hash.is_none() { MailKind::WelcomeWithLink } else { MailKind::Welcome };
        let address = user.contact_email();
        if address.is_some() && !outbox::put(change, kind, id.name().as_str(), address).await? {
            return Err(AccountsError::Full);
        }
    }
    Ok(user)
}
