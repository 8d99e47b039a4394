//! Creating many users, as an import does.
//!
//! One transaction for all: a commit waits for the disk, and a statement for the database.

use std::collections::HashSet;

use user_backend::CanonicalName;

use crate::domain::new_user::Confirmation;
use crate::domain::user_id::has_only_dots;
use crate::domain::{AccountsError, EmailAddress, GroupId, LOCAL_BACKEND, NewUser, ProfileField, StoredHash};
use crate::service::provisioning::provision;
use crate::store::change::Change;
use crate::store::users::addresses::AddressSource;
use crate::store::users::insert_all::{Insertion, Obstacles, all_exist, insert_all};
use crate::store::users::profile::MAX_PROFILE_BYTES;
use crate::store::users::repository::UsersMut;

impl UsersMut<'_> {
    /// Creates users as [`Self::create`] does, in one transaction.
    ///
    /// Each is created completely or not at all: the results are in the order of the users.
    ///
    /// # Errors
    /// When the store cannot be written: then none of them was created.
    pub async fn create_all(self, new: &[NewUser]) -> Result<Vec<Result<(), AccountsError>>, AccountsError> {
        // The rights of a user are looked up for each.
        if !self.0.actor().is_user()
            && let Some(results) = self.create_in_one(new).await?
        {
            return Ok(results);
        }
        let mut results = Vec::with_capacity(new.len());
        for user in new {
            results.push(result(self.create(user.clone()).await.map(drop))?);
        }
        Ok(results)
    }

    /// `None` if another process created one of them meanwhile; then nothing was done.
    async fn create_in_one(
        self,
        new: &[NewUser],
    ) -> Result<Option<Vec<Result<(), AccountsError>>>, AccountsError> {
        let mut change = self.0.change().await?;
        let mut batch = Batch::look(&mut change, new).await?;
        let mut results = Vec::with_capacity(new.len());
        for user in new {
            if let Some(insertion) = batch.admit(user) {
                batch.waiting.push(insertion);
                results.push(Ok(()));
                continue;
            }
            if !batch.insert(&mut change).await? {
                return Ok(None);
            }
            change.begin_part().await?;
            let done = provision(&mut change, user).await.map(drop);
            change.end_part(done.is_ok()).await?;
            if done.is_ok() {
                batch.remember(user);
            }
            results.push(result(done)?);
        }
        if !batch.insert(&mut change).await? {
            return Ok(None);
        }
        change.commit().await?;
        Ok(Some(results))
    }
}

/// The result of one user; an error of the store is one of all.
fn result(done: Result<(), AccountsError>) -> Result<Result<(), AccountsError>, AccountsError> {
    match done {
        Err(
            error @ (AccountsError::AlreadyExists { .. }
            | AccountsError::Forbidden { .. }
            | AccountsError::Full
            | AccountsError::Invalid { .. }
            | AccountsError::NotFound { .. }),
        ) => Ok(Err(error)),
        Err(error) => Err(error),
        Ok(()) => Ok(Ok(())),
    }
}

/// Users who wait to be inserted together, and what stands in the way of others.
struct Batch<'a> {
    obstacles: Obstacles,
    waiting: Vec<Insertion<'a>>,
}

impl<'a> Batch<'a> {
    async fn look(change: &mut Change<'_>, new: &[NewUser]) -> Result<Self, AccountsError> {
        let (mut names, mut addresses, mut groups) = (HashSet::new(), HashSet::new(), HashSet::new());
        for user in new {
            names.insert(user.id.name().as_str().to_owned());
            names.extend(user.email.as_ref().into_iter().flat_map(names_of));
            let id = EmailAddress::parse(user.id.as_str()).ok();
            let all = user.email.iter().chain(&id);
            addresses.extend(all.map(|address| address.canonical().into_owned()));
            groups.extend(user.groups.iter().map(|group| group.as_str().to_owned()));
        }
        let obstacles = Obstacles::look(change, &names, &addresses, &groups).await?;
        Ok(Self { obstacles, waiting: Vec::new() })
    }

    /// The user as one to insert with the others, if nothing needs a closer look.
    fn admit(&mut self, new: &'a NewUser) -> Option<Insertion<'a>> {
        let name = new.id.name().as_str();
        let confirmed = match (&new.email, new.confirmation) {
            (None, _) => None,
            (Some(address), Confirmation::Known) => Some((address, AddressSource::Other)),
            (Some(address), Confirmation::Usual) => Some((address, AddressSource::Administrator)),
            (Some(_), Confirmation::Link | Confirmation::Required) => return None,
        };
        let is_free = |address: &EmailAddress| {
            !self.obstacles.addresses.contains(&*address.canonical())
                && names_of(address).all(|other| other == name || !self.obstacles.names.contains(&other))
        };
        let fields = new.profile.iter().map(|(value, _)| value.field());
        let texts = new.hash.iter().map(StoredHash::expose).chain(new.upstream_spelling.as_deref());
        let is_plain = !new.is_welcomed
            && !texts.into_iter().any(|text| text.contains('\0'))
            && new.subadmin_of.is_empty()
            && (new.hash.is_none() || new.backend_id() == LOCAL_BACKEND)
            && !has_only_dots(new.id.as_str())
            && all_exist(&new.groups, &self.obstacles)
            && fields.clone().all(|field| field != ProfileField::AdditionalMail)
            && fields.clone().map(ProfileField::as_str).collect::<HashSet<_>>().len() == fields.count()
            && new.profile.iter().map(|(value, _)| value.as_str().len() as u64).sum::<u64>()
                <= MAX_PROFILE_BYTES
            && !self.obstacles.names.contains(name)
            && confirmed.is_none_or(|(address, _)| is_free(address));
        if !is_plain {
            return None;
        }
        self.remember(new);
        Some(Insertion { new, confirmed })
    }

    /// Notes what stands in the way of others from now on.
    fn remember(&mut self, new: &NewUser) {
        self.obstacles.names.insert(new.id.name().as_str().to_owned());
        if let Some(address) = &new.email {
            self.obstacles.addresses.insert(address.canonical().into_owned());
        }
        let groups = new.groups.iter().chain(&new.subadmin_of).map(GroupId::as_str);
        self.obstacles.groups.extend(groups.map(str::to_owned));
    }

    async fn insert(&mut self, change: &mut Change<'_>) -> Result<bool, AccountsError> {
        let waiting = std::mem::take(&mut self.waiting);
        if waiting.is_empty() { Ok(true) } else { insert_all(change, &waiting).await }
    }
}

/// The names that users with this address as an id have.
fn names_of(address: &EmailAddress) -> impl Iterator<Item = String> {
    let spellings = [address.as_str().to_owned(), address.canonical().into_owned()];
    spellings
        .into_iter()
        .filter_map(|text| CanonicalName::parse(&text).ok().map(|name| name.as_str().to_owned()))
}
