//! `POST /cloud/users`: everything at once or nothing at all.
//!
//! The checks come in the order in which clients know them. The original creates the account first
//! and checks quota and language afterwards, so an error there leaves an incomplete user; here
//! they are checked first, with the same codes.

use accounts::{
    AccountsError, CONFIRMED_ADDRESS, DisplayName, EmailAddress, GroupId, LOCAL_BACKEND, Language,
    MAX_LOCAL_PASSWORD_BYTES, NewIdError, NewUser, Person, ProfileField, ProfileValue, UserId,
};
use user_backend::clock::{later, now};
use user_backend::{BackendId, Password};

use super::validate::{self, HASH_DEADLINE, checked, set_failed};
use crate::provisioning::call::Call;
use crate::provisioning::compat;
use crate::provisioning::docs::{ParamDoc, ParamKind, ResponseDoc, TextForm};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};
use crate::settings::SubAdminNames;

const INVALID: Code = Code::of_endpoint(101);
const TAKEN: Code = Code::of_endpoint(102);
const NO_SUB_ADMIN_GROUP: Code = compat::NO_SUB_ADMIN_GROUP;
const ADMIN_GROUP: Code = Code::of_endpoint(103);
const NO_GROUP: Code = Code::of_endpoint(104);
const NOT_ADMINISTERED: Code = Code::of_endpoint(105);
const GROUP_REQUIRED: Code = Code::of_endpoint(106);
const PASSWORD_REFUSED: Code = Code::of_endpoint(107);
const NO_PASSWORD_LINK: Code = Code::of_endpoint(108);
const EMAIL_REQUIRED: Code = Code::of_endpoint(110);
const NO_FREE_ID: Code = Code::of_endpoint(111);

const CODES: &[ResponseDoc] = &[
    (INVALID, "invalid user id, password, mail address, display name or backend"),
    (TAKEN, "the user already exists"),
    (compat::INVALID_FIELD, "invalid quota, language or manager"),
    (NO_SUB_ADMIN_GROUP, "unknown group in `subadmin[]`"),
    (ADMIN_GROUP, "the group admin cannot have sub-admins"),
    (NO_GROUP, "unknown group"),
    (NOT_ADMINISTERED, "you do not administer the group"),
    (GROUP_REQUIRED, "sub-admins must name a group"),
    (PASSWORD_REFUSED, "the password violates the policy; see the message"),
    (NO_PASSWORD_LINK, "neither a password nor a mail address was given"),
    (EMAIL_REQUIRED, "a mail address is required here"),
    (NO_FREE_ID, "no free id was found"),
    (
        Code::FORBIDDEN,
        "only administrators name a backend, set confirmedEmail, or use a name that another backend may own; sub-admins \
         promote within their groups",
    ),
];

const PARAMS: &[ParamDoc] = &[
    ParamDoc::text("userid", "The name to sign in with: a-z, A-Z, 0-9, blank and _.@-'")
        .form(TextForm::NEW_USER),
    ParamDoc::new("password", ParamKind::Secret, "Without one a link to set it is mailed"),
    ParamDoc::text("displayName", "What the user is called, at most 64 characters")
        .form(TextForm::at_most(64)),
    ParamDoc::text("email", "A mail address; pending until a link is followed that is sent to it")
        .form(TextForm::EMAIL),
    ParamDoc::text("confirmedEmail", "The same, confirmed without a link. Admins only").form(TextForm::EMAIL),
    ParamDoc::new("groups", ParamKind::List, "The groups to be in; sub-admins must name one")
        .form(TextForm::GROUP),
    ParamDoc::new("subadmin", ParamKind::List, "The groups to administer").form(TextForm::GROUP),
    ParamDoc::text("quota", "`none`, `default`, or a size such as `5 GB`").form(TextForm::QUOTA),
    ParamDoc::text("language", "A language, such as `de` or `pt_BR`").form(TextForm::LANGUAGE),
    ParamDoc::text("manager", "The id of the user's manager"),
    ParamDoc::text("backend", "Who checks the password: `local`, or the id of a backend. Admins only"),
];

/// `POST /cloud/users`
pub(crate) const CREATE: Operation =
    operation!("UserCreate", Users, "Creates a user, completely or not at all", id(), create(call))
        .params(PARAMS)
        .codes(CODES);

async fn create(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let params = call.params;
    let typed = params.text("userid")?.unwrap_or_default();
    let password = params.text("password")?.unwrap_or_default();
    let confirmed = params.text("confirmedEmail")?.unwrap_or_default().trim();
    if !confirmed.is_empty() && !call.caller()?.is_admin() {
        return Err(OcsFailure::new(Code::FORBIDDEN, "Logged in user must be an admin"));
    }
    let email = params.text("email")?.unwrap_or_default().trim();
    let email = if confirmed.is_empty() { email } else { confirmed };
    let backend = backend(call)?;

    let id = if typed.is_empty() && setting(call, "newUser.generateUserID").await? {
        generated_id(call).await?
    } else {
        existing_or_new(call, typed).await?
    };
    let groups = groups(call).await?;
    let administers = administered(call).await?;
    if password.len() > MAX_LOCAL_PASSWORD_BYTES {
        return Err(OcsFailure::new(INVALID, "Invalid password value"));
    }
    let local = backend.is_none();
    if local && password.is_empty() && email.is_empty() {
        let text = "To send a password link to the user an email address is required.";
        return Err(OcsFailure::new(NO_PASSWORD_LINK, text));
    }
    if !local && !password.is_empty() {
        return Err(OcsFailure::new(INVALID, "Invalid password value"));
    }
    if email.is_empty() && setting(call, "newUser.requireEmail").await? {
        return Err(OcsFailure::new(EMAIL_REQUIRED, "Required email address was not provided"));
    }
    let id = checked_id(id, params.text("userid")?.is_some())?;
    if !call.caller()?.is_admin() && has_possible_owner(call, &id) {
        return Err(OcsFailure::new(Code::FORBIDDEN, OWNED).with_hint(OWNED_HINT));
    }
    if !password.is_empty() && password.trim().is_empty() {
        return Err(blank());
    }
    let address = Some(email).filter(|email| !email.is_empty()).map(EmailAddress::parse).transpose();
    let address = address.map_err(|_| OcsFailure::new(INVALID, "Invalid email address"))?;

    let mut new = NewUser::new(id.clone());
    let display_name = params.text("displayName")?.filter(|name| !name.trim().is_empty());
    if display_name.is_some_and(|name| name.chars().count() > 64 || !can_carry(name)) {
        return Err(OcsFailure::new(INVALID, "Invalid display name"));
    }
    if let Some(name) = display_name {
        let invalid = |_| OcsFailure::new(INVALID, "Invalid display name");
        new = new.display_name(DisplayName::parse(name).map_err(invalid)?);
    }
    if let Some(text) = params.text("quota")?.filter(|text| !text.is_empty()) {
        new = new.quota(validate::quota(call, text).await?);
    }
    if let Some(language) = params.text("language")?.filter(|text| !text.is_empty()) {
        if !validate::is_language(language) {
            return Err(validate::no_language());
        }
        new = new.language(Language::parse(language).map_err(|_| validate::no_language())?);
    }
    if let Some(manager) = params.text("manager")?.filter(|text| !text.is_empty()) {
        let invalid = |_| OcsFailure::new(compat::INVALID_FIELD, "Invalid manager");
        let manager = ProfileValue::parse(ProfileField::Manager, checked("manager", manager)?);
        new = new.profile(manager.map_err(invalid)?, None);
    }
    new = groups.into_iter().fold(new, NewUser::group);
    new = administers.into_iter().fold(new, NewUser::subadmin_of);
    // Who signs in at a mail server with an address can be reached there.
    if let Some(address) = address.or_else(|| EmailAddress::parse(id.as_str()).ok().filter(|_| !local)) {
        new = if confirmed.is_empty() { new.email(address) } else { new.confirmed_email(address) };
    }
    if let Some(backend) = backend {
        new = new.backend(backend);
    }
    if !password.is_empty() {
        call.app.rules().await?;
        let person =
            Person { id: id.as_str(), display_name, email: Some(email).filter(|email| !email.is_empty()) };
        let password = Password::parse(password).map_err(|_| blank())?;
        let deadline = later(now(), HASH_DEADLINE);
        let hash = call.app.passwords().first(person, &password, deadline).await;
        new = new.password(hash.map_err(|error| set_failed(error, PASSWORD_REFUSED, blank()))?);
    }
    let user = match call.accounts()?.users().create(new).await {
        Ok(user) => user,
        Err(AccountsError::AlreadyExists { what: CONFIRMED_ADDRESS, .. }) => {
            return Err(OcsFailure::new(INVALID, "The email address belongs to another user"));
        }
        Err(error) if error.is_ban() => return Err(exists().with_hint(BANNED_HINT)),
        Err(AccountsError::AlreadyExists { .. }) => return Err(exists()),
        // Deleted since the look-up.
        Err(AccountsError::NotFound { id, .. }) => return Err(no_group(call, &id)),
        // The caller lost a group since the groups were checked.
        Err(AccountsError::Forbidden { .. }) => {
            return Err(OcsFailure::new(NOT_ADMINISTERED, "insufficient privileges for the groups"));
        }
        Err(AccountsError::Invalid { field, .. }) => {
            return Err(OcsFailure::new(INVALID, format!("Invalid {field}")));
        }
        Err(error) => return Err(error.into()),
    };
    // With an address that the caller gave: one that was derived from the id of an external user
    // gets no mail.
    if !email.is_empty() && user.email.is_some() && greets(call).await? {
        // A failure is logged; the account is created in any case, as clients expect. A user with a
        // password needs no link.
        let with_link = local && password.is_empty();
        let _ = call.app.send_welcome(&call.accounts()?, &user, with_link).await;
    }
    Ok(Data::one("id", user.id.as_str()).into())
}

/// The external backend that checks this user's password, if any.
fn backend(call: &Call<'_>) -> Result<Option<BackendId>, OcsFailure> {
    let Some(wanted) = call.params.text("backend")?.filter(|id| !id.is_empty()) else { return Ok(None) };
    let unknown = || OcsFailure::new(INVALID, format!("backend {wanted} does not exist"));
    let found = call.app.backend(wanted).ok_or_else(unknown)?;
    if found.as_str() == LOCAL_BACKEND {
        return Ok(None);
    }
    if !call.caller()?.is_admin() {
        return Err(OcsFailure::new(Code::FORBIDDEN, "Logged in user must be an admin"));
    }
    Ok(Some(found))
}

/// Whether an external backend may own the name and the settings protect such names.
///
/// Settings can allow sub-admins to create such users all the same.
///
/// # Security
/// The owner of the name there, who may not have signed in yet, would find an account that a
/// sub-admin controls.
fn has_possible_owner(call: &Call<'_>, id: &UserId) -> bool {
    call.app.settings().sub_admins_may_create == SubAdminNames::LocalNames
        && call.app.resolver().possible_owners(id.name()).iter().any(|owner| owner.as_str() != LOCAL_BACKEND)
}

/// The refusal for a sub-admin, of a name that an external backend may own.
const OWNED: &str = "Only administrators may use a name that may belong to a user of another backend";

/// The hint.
const OWNED_HINT: &str = "ask an administrator to create this user; or, if the names of your backends cannot be told from \
                          local ones, to set sub_admins_may_create = \"any-name\"";

/// An unused id; it is validated later.
async fn existing_or_new(call: &Call<'_>, typed: &str) -> Result<String, OcsFailure> {
    if let Ok(id) = UserId::parse(typed)
        && call.app.accounts().users().find(&id).await?.is_some()
    {
        return Err(exists());
    }
    Ok(typed.to_owned())
}

/// An unused random id.
async fn generated_id(call: &Call<'_>) -> Result<String, OcsFailure> {
    for _ in 0..10 {
        let token = accounts::Token::random()?;
        let id: String = token
            .expose()
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(10)
            .collect::<String>()
            .to_lowercase();
        let Ok(parsed) = UserId::parse(&id) else { continue };
        if id.len() == 10 && call.app.accounts().users().find(&parsed).await?.is_none() {
            return Ok(id);
        }
    }
    Err(OcsFailure::new(NO_FREE_ID, "Could not create non-existing user id"))
}

fn checked_id(id: String, sent: bool) -> Result<UserId, OcsFailure> {
    UserId::for_new(&id).map_err(|error: NewIdError| {
        let failure = OcsFailure::new(INVALID, error.to_string());
        match id.as_str() {
            _ if error == NewIdError::RouteWord => failure.with_hint(ROUTE_WORD),
            id if validate::has_curly_quotes(id) => failure.with_hint(QUOTES),
            id if id.contains('"') => failure.with_hint(INNER_QUOTES),
            _ if !sent => failure.with_hint(NO_ID),
            _ => failure,
        }
    })
}

/// The hint for an id that is a word of a route.
const ROUTE_WORD: &str = "GET /cloud/users/details, /disabled and /recent are lists, so no user could be read there; choose another id";

/// The hint for a missing id.
const NO_ID: &str = "send the name as userid, in lower case; with curl: -d userid=frank";

/// The hint for an id in quotes that the shell should have removed.
const INNER_QUOTES: &str = "the value has quotes in it; put them around the whole: -d 'userid=frank'";

/// The hint for an id in typographic quotes.
pub(crate) const QUOTES: &str = "the value has typographic quotes in it, as web pages and word processors make them; \
                                 type plain ones: -d 'userid=frank'";

/// The groups of the new user.
async fn groups(call: &Call<'_>) -> Result<Vec<GroupId>, OcsFailure> {
    let caller = call.caller()?;
    let mut groups = Vec::new();
    for typed in call.params.texts("groups")? {
        let group = known(call, typed).await?.ok_or_else(|| no_group(call, typed))?;
        if !caller.may_administer(&group) {
            let text = format!("insufficient privileges for group {typed}");
            return Err(OcsFailure::new(NOT_ADMINISTERED, text));
        }
        groups.push(group);
    }
    if groups.is_empty() && !caller.is_admin() {
        return Err(OcsFailure::new(GROUP_REQUIRED, "no group specified (required for subadmins)"));
    }
    Ok(groups)
}

/// The groups that the new user administers.
async fn administered(call: &Call<'_>) -> Result<Vec<GroupId>, OcsFailure> {
    let caller = call.caller()?;
    let mut groups = Vec::new();
    for typed in call.params.texts("subadmin")? {
        let missing = || OcsFailure::new(NO_SUB_ADMIN_GROUP, "Subadmin group does not exist");
        let group = known(call, typed).await?.ok_or_else(missing)?;
        if group.is_admin() {
            return Err(OcsFailure::new(ADMIN_GROUP, "Cannot create subadmins for admin group"));
        }
        if !caller.may_administer(&group) {
            return Err(OcsFailure::new(Code::FORBIDDEN, "No permissions to promote subadmins"));
        }
        groups.push(group);
    }
    Ok(groups)
}

async fn known(call: &Call<'_>, typed: &str) -> Result<Option<GroupId>, OcsFailure> {
    let Ok(group) = GroupId::parse(typed) else { return Ok(None) };
    Ok(call.app.accounts().groups().exists(&group).await?.then_some(group))
}

/// Whether new users are greeted by mail; they are unless the installation says no.
async fn greets(call: &Call<'_>) -> Result<bool, OcsFailure> {
    Ok(call.app.accounts().apps().value("core", "newUser.sendEmail").await?.as_deref() != Some("no"))
}

/// Whether a setting of the installation says yes.
async fn setting(call: &Call<'_>, key: &str) -> Result<bool, OcsFailure> {
    Ok(call.app.accounts().apps().value("core", key).await?.as_deref() == Some("yes"))
}

/// Why a name without a user is not available.
const BANNED_HINT: &str =
    "the name was banned when its user was deleted; an administrator lifts that with: occ user:unban";

fn exists() -> OcsFailure {
    OcsFailure::new(TAKEN, "User already exists")
}

fn blank() -> OcsFailure {
    OcsFailure::new(INVALID, "A valid password must be provided")
}

fn no_group(call: &Call<'_>, id: &str) -> OcsFailure {
    OcsFailure::new(NO_GROUP, compat::no_group(call.app.settings().compat, id))
}
