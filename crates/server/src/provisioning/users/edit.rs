//! Changes fields of a user: one (`key` and `value`), or several at once.
//!
//! Several (`fields[email]=…&fields[quota]=…`) are changed all or none.

use accounts::{
    AccountsError, Details, DisplayName, EditedBy, EmailAddress, FieldRisk, FieldValue, Language, Locale,
    MAX_LOCAL_PASSWORD_BYTES, ProfileField, ProfileScope, ProfileValue, UserChange,
};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::validate::{self, HASH_DEADLINE, checked, formed, set_failed};
use crate::auth::proof::Requirement;
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::compat;
use crate::provisioning::docs::{ParamDoc, ParamKind};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::operation::{Operation, operation};
use crate::provisioning::params::ParamError;
use crate::provisioning::scope::TokenScope;

const NAME_TOO_LONG: Code = Code::of_endpoint(101);
const INVALID: Code = compat::INVALID_FIELD;
const NOT_EDITABLE: Code = compat::NOT_EDITABLE;

// The codes of `additional_mail` and `additional_mailScope`, the same in all versions.
const INVALID_ENTRY: Code = Code::of_endpoint(102);
pub(crate) const NO_COLLECTION: Code = Code::of_endpoint(103);

const MORE_NEEDED: &str =
    "the field needs the password, typed a short while ago; an app password will not do";

/// `PUT /cloud/users/{user}`
pub(crate) const EDIT: Operation = operation!("UserEdit", Users, "Changes fields of a user", nothing(), edit(call))
.more(
    "Fields: displayname, email, confirmedEmail, password, quota, manager, additional_mail, notify_email, language, locale, timezone, \
     first_day_of_week, phone, address, website, twitter, bluesky, fediverse, organisation, role, headline, biography, \
     profile_enabled, pronouns, birthdate; and for oneself avatarScope, emailScope and so on. A new email is pending until \
     the link is followed that is sent to it; the same again sends another link. Administrators set confirmedEmail: the \
     address counts at once, and one that another user has confirmed is refused.",
)
.params(&[
    ParamDoc::text("key", "The field").required(),
    ParamDoc::text("value", "The new value; empty deletes it").required(),
])
.or_params(&[
    ParamDoc::new("fields", ParamKind::Map, "Several fields at once, all of them or none; not the password").required()
])
.codes(&[
    (Code::FORBIDDEN, MORE_NEEDED),
    (NAME_TOO_LONG, "the display name is too long, or has a control or invisible character, such as a tab"),
    (INVALID, "invalid value"),
    (NOT_EDITABLE, "unknown field, or not allowed"),
    (compat::PASSWORD_REFUSED, "the password violates the policy; see the message"),
    (compat::NOT_LOCAL, "the password is kept elsewhere"),
    HIDDEN,
]);

async fn edit(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let details = call.visible_details().await?;
    let who = Editor::of(call, &details)?;
    let fields = match call.params.text_map("fields")? {
        Some(fields) => fields,
        None => vec![pair(call)?],
    };
    for (key, _) in &fields {
        let (required, scope) = needs(key, who.oneself);
        call.prove(required, scope)?;
    }
    if let [("password", value)] = fields.as_slice() {
        set_password(call, &details, value).await?;
        return Ok(OcsAnswer::NOTHING);
    }
    let mut change = UserChange::new();
    for (key, value) in fields {
        if key == "password" {
            let text = "Change the password in a separate call";
            return Err(OcsFailure::new(Code::BAD_REQUEST, text));
        }
        change = who.applied(change, key, value, call).await?;
    }
    match call.accounts()?.users().change(&details.user.id, change).await {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        Err(AccountsError::AlreadyExists { .. }) => Err(OcsFailure::bare(INVALID)),
        Err(error) => Err(invalid(error)),
    }
}

/// Required proof and scope for changing a field.
pub fn needs(key: &str, oneself: bool) -> (Requirement, TokenScope) {
    let is_credential = |field: ProfileField| field.rules().risk == FieldRisk::Credential;
    if matches!(key, "password" | "confirmedEmail") || key.parse().is_ok_and(is_credential) {
        return (Requirement::RecentPassword, TokenScope::UsersCredentials);
    }
    let is_own_matter = |field: ProfileField| field.rules().edited_by != EditedBy::Administrators;
    // Who sees a field is its owner's matter, also where a value opens the account.
    let harmless = matches!(key, "display" | "language" | "locale")
        || key.parse().is_ok_and(is_own_matter)
        || key.ends_with("Scope");
    let required = if oneself && harmless { Requirement::Any } else { Requirement::Password };
    (required, TokenScope::UsersWrite)
}

/// Why a value cannot be one.
fn invalid(error: AccountsError) -> OcsFailure {
    match error {
        AccountsError::Invalid { field: "display name", .. } => OcsFailure::bare(NAME_TOO_LONG),
        AccountsError::Invalid { field: "email", .. } => OcsFailure::bare(INVALID),
        AccountsError::Invalid { field, .. } => OcsFailure::new(INVALID, format!("Invalid {field}")),
        error => error.into(),
    }
}

/// The one field that clients have always been able to change in a call.
fn pair<'c>(call: &'c Call<'_>) -> Result<(&'c str, &'c str), OcsFailure> {
    let sent = |name| {
        call.params.once(name).map_err(|error| match error {
            ParamError::Missing { .. } => OcsFailure::from(error).with_hint(PAIR),
            error => error.into(),
        })
    };
    Ok((sent("key")?, sent("value")?))
}

/// The hint for `email=...`, and for no parameters.
const PAIR: &str = "send which field as key and what it becomes as value, with curl: -d key=email -d value=frank@example.com; \
                    or several as fields[email]=... and so on";

/// `PUT /cloud/users/{user}/{collection}`: replaces the value `key` with `value`.
pub(crate) const COLLECTION: Operation = operation!(
    "UserEditCollection",
    Users,
    "Changes one of several mail addresses",
    nothing(),
    collection(call)
)
.more("The collection is additional_mail, or additional_mailScope to say who may see one of one's own.")
.params(&[
    ParamDoc::text("key", "The address to replace; one that is not there is no mistake").required(),
    ParamDoc::text("value", "What becomes of it; empty takes it away").required(),
])
.codes(&[
    (Code::FORBIDDEN, MORE_NEEDED),
    (INVALID_ENTRY, "invalid value; or, for a scope, an unknown address"),
    (NO_COLLECTION, "no such collection"),
    HIDDEN,
]);

async fn collection(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let details = call.visible_details().await?;
    let who = Editor::of(call, &details)?;
    let key = call.params.once("key")?;
    let value = call.params.once("value")?;
    let collection = call.captures.get("collection");
    let (required, scope) = needs(&collection, who.oneself);
    call.prove(required, scope)?;
    let change = match collection.as_str() {
        "additional_mail" if value.is_empty() => UserChange::new().replace_email(key, None),
        "additional_mail" => {
            let address = EmailAddress::parse(value).map_err(|_| OcsFailure::bare(INVALID_ENTRY))?;
            // What the call asks for may be so already: clients repeat calls.
            if who.has_further_address(&address) {
                let is_other = EmailAddress::parse(key).is_ok_and(|key| key != address);
                let change = UserChange::new();
                if is_other { change.replace_email(key, None) } else { change }
            } else if who.knows_further_address(key) {
                UserChange::new().replace_email(key, Some(address))
            } else {
                UserChange::new().field(address.into())
            }
        }
        "additional_mailScope" if who.oneself => {
            let scope = ProfileScope::from_any(value).map_err(|_| OcsFailure::bare(INVALID_ENTRY))?;
            UserChange::new().email_scope(key, scope)
        }
        _ => return Err(OcsFailure::bare(NO_COLLECTION)),
    };
    match call.accounts()?.users().change(&details.user.id, change).await {
        Ok(_) => Ok(OcsAnswer::NOTHING),
        // It is gone already.
        Err(AccountsError::NotFound { what: "mail address", .. }) if collection == "additional_mail" => {
            Ok(OcsAnswer::NOTHING)
        }
        Err(
            AccountsError::NotFound { .. }
            | AccountsError::Invalid { .. }
            | AccountsError::AlreadyExists { .. },
        ) => Err(OcsFailure::bare(INVALID_ENTRY)),
        Err(error) => Err(error.into()),
    }
}

/// `GET /cloud/user/fields`
pub(crate) const FIELDS: Operation =
    operation!("UserFields", Users, "Lists the fields that users may edit", list(), fields(call));

async fn fields(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let named = call.app.settings().allow_user_to_change_display_name;
    let hidden = |field: &ProfileField| !named && field.rules().edited_by == EditedBy::UserIfAllowed;
    let caller_is_admin = call.caller()?.is_admin();
    let listed = compat::fields(call.app.settings().compat).into_iter();
    let shown = listed.filter(|field| caller_is_admin || !hidden(field));
    Ok(Data::list(shown.map(ProfileField::as_str)).into())
}

/// `GET /cloud/user/fields/{user}`
pub(crate) const FIELDS_OF: Operation = operation!(
    "UserFieldsOf",
    Users,
    "Lists the fields of a user that may be edited",
    list(),
    fields_of(call)
)
.codes(&[HIDDEN]);

async fn fields_of(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    call.visible_details().await?;
    fields(call).await
}

/// The editing user and the edited one.
struct Editor<'a> {
    details: &'a Details,
    oneself: bool,
    admin: bool,
}

impl<'a> Editor<'a> {
    fn of(call: &Call<'_>, details: &'a Details) -> Result<Self, OcsFailure> {
        let caller = call.caller()?;
        Ok(Self { details, oneself: details.user.id == *caller.id(), admin: caller.is_admin() })
    }

    /// The change with one field more.
    async fn applied(
        &self,
        change: UserChange,
        key: &str,
        value: &str,
        call: &Call<'_>,
    ) -> Result<UserChange, OcsFailure> {
        // A missing right and a missing user get the same response.
        let no = || OcsFailure::bare(NOT_EDITABLE);
        let over = !self.oneself || self.admin;
        let value_of = |field, text: &str| ProfileValue::parse(field, text).map_err(invalid);
        let may_name = !self.oneself || self.admin || call.app.settings().allow_user_to_change_display_name;
        Ok(match key {
            "displayname" | "display" | "email" if !may_name => return Err(no()),
            "displayname" | "display" if value.chars().count() > 64 || !can_carry(value) => {
                return Err(OcsFailure::bare(NAME_TOO_LONG));
            }
            // As clients know it: an empty name changes nothing.
            "displayname" | "display" if value.trim().is_empty() => change,
            "displayname" | "display" => {
                change.display_name(DisplayName::parse_optional(value).map_err(invalid)?)
            }
            "email" => change.email(EmailAddress::parse_optional(value).map_err(invalid)?),
            "confirmedEmail" if self.admin => {
                change.confirmed_email(EmailAddress::parse(value).map_err(invalid)?)
            }
            "quota" if over => change.quota(validate::quota(call, value).await?),
            "manager" if over => change.field(value_of(ProfileField::Manager, checked("manager", value)?)?),
            "additional_mail" => {
                let address = EmailAddress::parse(value).map_err(|_| OcsFailure::bare(INVALID))?;
                if !self.has_further_address(&address) {
                    change.field(address.into())
                } else if compat::refuses_known_address(call.app.settings().compat) {
                    return Err(OcsFailure::bare(INVALID));
                } else {
                    change
                }
            }
            "notify_email" => {
                let address = self.own_address(value).ok_or(OcsFailure::bare(INVALID))?;
                change.field(value_of(ProfileField::NotifyEmail, &address)?)
            }
            "language" if validate::is_language(value) => {
                change.language(Language::parse_optional(value).map_err(invalid)?)
            }
            "language" => return Err(validate::no_language()),
            "locale" if value.is_empty() || validate::is_locale(value) => {
                change.locale(Locale::parse_optional(value).map_err(invalid)?)
            }
            "locale" => return Err(OcsFailure::new(INVALID, "Invalid locale").with_hint(validate::LOCALE)),
            "first_day_of_week" | "phone" | "website" | "twitter" | "profile_enabled" | "timezone" => {
                change.field(formed(call, key, value)?)
            }
            key => {
                let text =
                    key.parse().ok().filter(|field: &ProfileField| field.rules().value == FieldValue::Text);
                if let Some(field) = text {
                    change.field(value_of(field, checked(key, value)?)?)
                } else {
                    let field = scoped(key).filter(|_| self.oneself).ok_or_else(no)?;
                    change.scope(field, scope(field, value)?)
                }
            }
        })
    }

    /// Whether the user has this further mail address.
    fn has_further_address(&self, address: &EmailAddress) -> bool {
        let mut others = self.details.profile.entries(ProfileField::AdditionalMail);
        others.any(|entry| entry.value == address.as_str())
    }

    /// The same for an address as typed.
    fn knows_further_address(&self, typed: &str) -> bool {
        EmailAddress::parse(typed).is_ok_and(|address| self.has_further_address(&address))
    }

    /// One of the user's own addresses, or nothing.
    fn own_address(&self, value: &str) -> Option<String> {
        if value.is_empty() {
            return Some(String::new());
        }
        let address = EmailAddress::parse(value).ok()?;
        let address = address.as_str();
        let mut others = self.details.profile.entries(ProfileField::AdditionalMail);
        let is_own =
            self.details.user.email.as_deref() == Some(address) || others.any(|entry| entry.value == address);
        is_own.then(|| address.to_owned())
    }
}

/// The field whose scope a key is about.
fn scoped(key: &str) -> Option<ProfileField> {
    let name = key.strip_suffix("Scope")?;
    name.parse().ok().filter(|field: &ProfileField| field.has_scope())
}

fn scope(field: ProfileField, value: &str) -> Result<ProfileScope, OcsFailure> {
    let wrong = || OcsFailure::new(INVALID, "Invalid scope");
    let scope = ProfileScope::from_any(value).map_err(|_| wrong())?;
    if field.rules().scopes.allow(scope) { Ok(scope) } else { Err(wrong()) }
}

async fn set_password(call: &Call<'_>, details: &Details, value: &str) -> Result<(), OcsFailure> {
    if value.len() > MAX_LOCAL_PASSWORD_BYTES {
        return Err(OcsFailure::new(INVALID, "Invalid password value"));
    }
    if !details.user.is_local() {
        return Err(OcsFailure::new(
            compat::NOT_LOCAL,
            "Setting the password is not supported by the users backend",
        ));
    }
    call.app.rules().await?;
    // Empty, or with control characters: report the violated rules, or else that it is invalid.
    let invalid = || OcsFailure::new(INVALID, "Invalid password value");
    let Ok(password) = Password::parse(value) else {
        return Err(match call.app.broken_rules(value, &details.user).await {
            Some(text) => OcsFailure::new(compat::PASSWORD_REFUSED, text),
            None => invalid(),
        });
    };
    let by = call.actor()?;
    let deadline = later(now(), HASH_DEADLINE);
    let done = call.app.passwords().set(&details.user.id, &password, by, deadline).await;
    done.map_err(|error| set_failed(error, compat::PASSWORD_REFUSED, invalid()))
}
