//! What each endpoint does. Nobody gets here who does not belong to the route's audience.

mod apps;
mod around;
mod create;
mod edit;
mod field;
mod groups;
mod list;
mod membership;
mod person;
mod settings;
mod tokens;
mod users;

pub use around::SPOKEN;

use accounts::Details;
use accounts::{Accounts, AccountsError, Actor, GroupId, User, UserId};

use super::caller::Caller;
use super::code::Code;
use super::envelope::{Answer, Failure};
use super::params::{ParamError, Params};
use super::path::decoded_again;
use super::route::{Captures, Endpoint};
use crate::app::App;
use crate::http::origin::Origin;

/// One call, as an endpoint sees it.
#[derive(Debug)]
pub struct Call<'a> {
    /// What the server is made of.
    pub app: &'a App,
    /// Who calls; nobody at the few routes for everybody.
    pub caller: Option<&'a Caller>,
    /// Where from.
    pub origin: Origin,
    /// What the program calls itself.
    pub agent: &'a str,
    /// What was sent along.
    pub params: &'a Params,
    /// The parts of the path that have a name.
    pub captures: &'a Captures<'a>,
}

/// Sends a call to its endpoint.
///
/// # Errors
/// The answer that says what went wrong.
pub async fn answer(endpoint: Endpoint, call: &Call<'_>) -> Result<Answer, Failure> {
    match endpoint {
        Endpoint::AppDisable => apps::switch(call, false).await,
        Endpoint::AppEnable => apps::switch(call, true).await,
        Endpoint::AppInfo => apps::info(call).await,
        Endpoint::AppKeyDelete => settings::delete(call).await,
        Endpoint::AppKeyGet => settings::get(call).await,
        Endpoint::AppKeySet => settings::set(call).await,
        Endpoint::AppKeys => settings::keys(call).await,
        Endpoint::AppList => apps::list(call).await,
        Endpoint::AppPasswordDelete => tokens::delete(call).await,
        Endpoint::AppPasswordGet => tokens::get(call).await,
        Endpoint::AppPasswordRotate => tokens::rotate(call).await,
        Endpoint::Capabilities => around::capabilities(call).await,
        Endpoint::ConfigApps => settings::apps(call).await,
        Endpoint::GroupCreate => groups::create(call).await,
        Endpoint::GroupDelete => groups::delete(call).await,
        Endpoint::GroupDetails => groups::details(call).await,
        Endpoint::GroupEdit => groups::edit(call).await,
        Endpoint::GroupList => groups::list(call).await,
        Endpoint::GroupSubAdmins => groups::subadmins(call).await,
        Endpoint::GroupUsers => groups::users(call).await,
        Endpoint::GroupUsersDetails => groups::users_details(call).await,
        Endpoint::PasswordGenerate => around::generate(call).await,
        Endpoint::PasswordValidate => around::validate(call).await,
        Endpoint::PersonCheck => around::person_check(call).await,
        Endpoint::PreferenceDelete => settings::delete_preference(call).await,
        Endpoint::PreferenceSet => settings::set_preference(call).await,
        Endpoint::PreferencesDelete => settings::delete_preferences(call).await,
        Endpoint::PreferencesSet => settings::set_preferences(call).await,
        Endpoint::ServiceInfo => around::service(call),
        Endpoint::UserApps => apps::of_user(call).await,
        Endpoint::UserCreate => create::create(call).await,
        Endpoint::UserDelete => users::delete(call).await,
        Endpoint::UserDisable => users::set_enabled(call, false).await,
        Endpoint::UserEdit => edit::edit(call).await,
        Endpoint::UserEditCollection => edit::collection(call).await,
        Endpoint::UserEnable => users::set_enabled(call, true).await,
        Endpoint::UserFields => edit::fields(call).await,
        Endpoint::UserFieldsOf => edit::fields_of(call).await,
        Endpoint::UserGet => users::get(call).await,
        Endpoint::UserGroupAdd => membership::add(call).await,
        Endpoint::UserGroupRemove => membership::remove(call).await,
        Endpoint::UserGroups => membership::groups(call).await,
        Endpoint::UserGroupsDetails => membership::groups_details(call).await,
        Endpoint::UserList => list::ids(call).await,
        Endpoint::UserListDetails => list::details(call).await,
        Endpoint::UserListDisabled => list::disabled(call).await,
        Endpoint::UserListRecent => list::recent(call).await,
        Endpoint::UserSearchByPhone => users::by_phone(call).await,
        Endpoint::UserSelf => users::oneself(call).await,
        Endpoint::UserSubAdminAdd => membership::promote(call).await,
        Endpoint::UserSubAdminRemove => membership::demote(call).await,
        Endpoint::UserSubAdmins => membership::subadmins(call).await,
        Endpoint::UserSubAdminsDetails => membership::subadmins_details(call).await,
        Endpoint::UserWelcome => users::welcome(call).await,
        Endpoint::UserWipe => users::wipe(call).await,
    }
}

impl Call<'_> {
    /// Who calls.
    ///
    /// # Errors
    /// Nobody is signed in. The route's audience sees to it that this does not happen.
    fn caller(&self) -> Result<&Caller, Failure> {
        self.caller.ok_or_else(Failure::nobody)
    }

    /// The accounts, used on the caller's behalf.
    fn accounts(&self) -> Result<Accounts, Failure> {
        let actor = Actor::user(self.caller()?.id().as_str(), Some(self.origin.address));
        Ok(self.app.accounts().on_behalf_of(actor))
    }

    /// The user that the path names, with everything about them.
    async fn named_details(&self) -> Result<Option<Details>, Failure> {
        let Ok(id) = UserId::parse(&self.captures.get("user")) else { return Ok(None) };
        match self.app.accounts().users().details(&id).await {
            Ok(details) => Ok(Some(details)),
            Err(AccountsError::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The user that the path names.
    async fn named_user(&self) -> Result<Option<User>, Failure> {
        let Ok(id) = UserId::parse(&self.captures.get("user")) else { return Ok(None) };
        Ok(self.app.accounts().users().find(&id).await?)
    }

    /// The user that the path names, if the caller is that user or over them.
    ///
    /// # Errors
    /// [`Failure::hidden`], which tells nobody whether there is such a user.
    async fn visible_details(&self) -> Result<Details, Failure> {
        let caller = self.caller()?;
        let details = self.named_details().await?;
        details.filter(|details| caller.may_see(details)).ok_or_else(Failure::hidden)
    }

    /// The user that the path names, if the caller is over them.
    ///
    /// # Errors
    /// [`Failure::hidden`], which tells nobody whether there is such a user.
    async fn user_below(&self) -> Result<User, Failure> {
        let user = self.named_user().await?.ok_or_else(Failure::hidden)?;
        if self.is_over(&user).await? { Ok(user) } else { Err(Failure::hidden()) }
    }

    /// Whether the caller is over somebody.
    async fn is_over(&self, user: &User) -> Result<bool, Failure> {
        let caller = self.caller()?;
        if caller.is_admin() {
            return Ok(true);
        }
        let groups = self.app.accounts().groups().of_user(&user.id).await?;
        Ok(caller.is_over(&groups))
    }

    /// The group that the path names: as it is written, or, if there is none, decoded once more, as clients encode it.
    async fn named_group(&self) -> Result<Option<GroupId>, Failure> {
        let written = self.captures.get("group");
        for id in [Some(written.clone()), decoded_again(&written)].into_iter().flatten() {
            let Ok(id) = GroupId::parse(&id) else { continue };
            if self.app.accounts().groups().exists(&id).await? {
                return Ok(Some(id));
            }
        }
        Ok(None)
    }

    /// Which part of a list is wanted: a negative limit is none, a negative offset is a mistake.
    fn range(&self) -> Result<Range, Failure> {
        let limit = self.params.number("limit")?.and_then(|limit| u64::try_from(limit).ok());
        let offset = self.params.number("offset")?.unwrap_or_default();
        let offset = u64::try_from(offset)
            .map_err(|_| Failure::new(Code::BAD_REQUEST, "The parameter offset must not be negative"))?;
        let search = self.params.text("search")?.unwrap_or_default().to_owned();
        Ok(Range { search, limit, offset })
    }
}

/// A part of a list.
#[derive(Debug)]
struct Range {
    search: String,
    limit: Option<u64>,
    offset: u64,
}

impl Failure {
    /// Nobody is signed in.
    pub fn nobody() -> Self {
        Self::new(Code::UNAUTHORISED, "Current user is not logged in")
    }

    /// There is no such user, or the caller may not know.
    fn hidden() -> Self {
        Self::new(Code::NOT_FOUND, "")
    }
}

impl From<AccountsError> for Failure {
    fn from(error: AccountsError) -> Self {
        match error {
            AccountsError::NotFound { .. } => Self::hidden(),
            error if error.is_transient() => {
                tracing::warn!(%error, "the store cannot be asked");
                Self::new(Code::UNAVAILABLE, "The accounts cannot be reached at the moment, try again later")
            }
            error => {
                tracing::error!(%error, "the store failed");
                Self::broken()
            }
        }
    }
}

impl From<ParamError> for Failure {
    fn from(error: ParamError) -> Self {
        let code = if error == ParamError::MediaType { Code::MEDIA_TYPE } else { Code::BAD_REQUEST };
        Self::new(code, error.to_string())
    }
}
