//! Changing fields of a user: one as clients have always done it (`key` and `value`), or several at once, all of them or none
//! (`fields[email]=…&fields[quota]=…`).

use accounts::password::MAX_LOCAL_PASSWORD_BYTES;
use accounts::users::Details;
use accounts::{AccountsError, Actor, Field, Scope, UserChange};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::validate::{self, HASH_DEADLINE, checked, set_failed};
use crate::provisioning::call::{Call, HIDDEN};
use crate::provisioning::docs::{Kind, Param};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::xml::can_carry;
use crate::provisioning::envelope::{Answer, Failure};
use crate::provisioning::operation::{Operation, operation};
use crate::provisioning::params::ParamError;

/// The fields that people may edit, in the order that clients rely on.
const EDITABLE: &[&str] = &[
    "displayname",
    "email",
    "additional_mail",
    "phone",
    "address",
    "website",
    "twitter",
    "fediverse",
    "organisation",
    "role",
    "headline",
    "biography",
    "profile_enabled",
    "bluesky",
    "pronouns",
];

/// Fields that hold any text of moderate length.
const PLAIN: &[Field] = &[
    Field::Address,
    Field::Biography,
    Field::Birthdate,
    Field::Bluesky,
    Field::Fediverse,
    Field::Headline,
    Field::Organisation,
    Field::Pronouns,
    Field::Role,
    Field::Timezone,
];

const NAME_TOO_LONG: Code = Code::of_endpoint(101);
const INVALID: Code = Code::of_endpoint(102);
const NOT_EDITABLE: Code = Code::of_endpoint(103);

/// `PUT /cloud/users/{user}`
pub(crate) const EDIT: Operation = operation!("UserEdit", Users, "Changes fields of a user", nothing(), edit(call))
.more(
    "Fields: displayname, email, password, quota, manager, additional_mail, notify_email, language, locale, timezone, \
     first_day_of_week, phone, address, website, twitter, bluesky, fediverse, organisation, role, headline, biography, \
     profile_enabled, pronouns, birthdate; and for oneself avatarScope, emailScope and so on.",
)
.params(&[
    Param::text("key", "The field").required(),
    Param::text("value", "What it shall hold; empty takes away what was there").required(),
])
.or_params(&[
    Param::new("fields", Kind::Map, "Several fields at once, all of them or none; not the password").required()
])
.codes(&[
    (NAME_TOO_LONG, "the display name is too long"),
    (INVALID, "the value cannot be taken"),
    (
        NOT_EDITABLE,
        "there is no such field, or you may not edit it; or the password policy refuses the password, and says why",
    ),
    HIDDEN,
]);

async fn edit(call: &Call<'_>) -> Result<Answer, Failure> {
    let details = call.visible_details().await?;
    let who = Editor::of(call, &details)?;
    let fields = match call.params.text_map("fields")? {
        Some(fields) => fields,
        None => vec![pair(call)?],
    };
    if let [("password", value)] = fields.as_slice() {
        set_password(call, &details, value).await?;
        return Ok(Answer::NOTHING);
    }
    let mut change = UserChange::new();
    for (key, value) in fields {
        if key == "password" {
            let text = "The password is changed in a call of its own";
            return Err(Failure::new(Code::BAD_REQUEST, text));
        }
        change = who.applied(change, key, value, call).await?;
    }
    match call.accounts()?.users().change(&details.user.id, change).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(AccountsError::AlreadyExists { .. }) => Err(Failure::bare(INVALID)),
        Err(AccountsError::Invalid { field: "display name", .. }) => Err(Failure::bare(NAME_TOO_LONG)),
        Err(AccountsError::Invalid { field: "email", .. }) => Err(Failure::bare(INVALID)),
        Err(AccountsError::Invalid { field, .. }) => Err(Failure::new(INVALID, format!("Invalid {field}"))),
        Err(error) => Err(error.into()),
    }
}

/// The one field that clients have always been able to change in a call.
fn pair<'c>(call: &'c Call<'_>) -> Result<(&'c str, &'c str), Failure> {
    let sent = |name| {
        call.params.once(name).map_err(|error| match error {
            ParamError::Missing { .. } => Failure::from(error).with_hint(PAIR),
            error => error.into(),
        })
    };
    Ok((sent("key")?, sent("value")?))
}

/// What people are told who sent `email=...`, or nothing.
const PAIR: &str = "send which field as key and what it becomes as value, with curl: -d key=email -d value=frank@example.com; \
                    or several as fields[email]=... and so on";

/// `PUT /cloud/users/{user}/{collection}`: `key` is a value that is there, `value` what becomes of it.
pub(crate) const COLLECTION: Operation = operation!(
    "UserEditCollection",
    Users,
    "Changes one of several mail addresses",
    nothing(),
    collection(call)
)
.more("The collection is additional_mail, or additional_mailScope to say who may see one of one's own.")
.params(&[
    Param::text("key", "An address that is there").required(),
    Param::text("value", "What becomes of it; empty takes it away").required(),
])
.codes(&[
    (INVALID, "there is no such address, or the value cannot be taken"),
    (NOT_EDITABLE, "no such collection"),
    HIDDEN,
]);

async fn collection(call: &Call<'_>) -> Result<Answer, Failure> {
    let details = call.visible_details().await?;
    let who = Editor::of(call, &details)?;
    let key = call.params.once("key")?;
    let value = call.params.once("value")?;
    let change = match call.captures.get("collection").as_str() {
        "additional_mail" => UserChange::new().replace_mail(key, value),
        "additional_mailScope" if who.oneself => {
            let scope = Scope::from_any(value).map_err(|_| Failure::bare(INVALID))?;
            UserChange::new().mail_scope(key, scope)
        }
        _ => return Err(Failure::bare(NOT_EDITABLE)),
    };
    match call.accounts()?.users().change(&details.user.id, change).await {
        Ok(_) => Ok(Answer::NOTHING),
        Err(
            AccountsError::NotFound { .. }
            | AccountsError::Invalid { .. }
            | AccountsError::AlreadyExists { .. },
        ) => Err(Failure::bare(INVALID)),
        Err(error) => Err(error.into()),
    }
}

/// `GET /cloud/user/fields`
pub(crate) const FIELDS: Operation =
    operation!("UserFields", Users, "Lists the fields that people may edit", list(), fields(call));

async fn fields(call: &Call<'_>) -> Result<Answer, Failure> {
    let named = call.app.settings().allow_user_to_change_display_name;
    let hidden = |field: &str| !named && matches!(field, "displayname" | "email");
    let caller_is_admin = call.caller()?.is_admin();
    Ok(Data::list(EDITABLE.iter().copied().filter(|field| caller_is_admin || !hidden(field))).into())
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

async fn fields_of(call: &Call<'_>) -> Result<Answer, Failure> {
    call.visible_details().await?;
    fields(call).await
}

/// Who edits whom.
struct Editor<'a> {
    details: &'a Details,
    oneself: bool,
    admin: bool,
}

impl<'a> Editor<'a> {
    fn of(call: &Call<'_>, details: &'a Details) -> Result<Self, Failure> {
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
    ) -> Result<UserChange, Failure> {
        // Whoever may not, and whatever is not, gets the same answer.
        let no = || Failure::bare(NOT_EDITABLE);
        let over = !self.oneself || self.admin;
        let may_name = !self.oneself || self.admin || call.app.settings().allow_user_to_change_display_name;
        Ok(match key {
            "displayname" | "display" | "email" if !may_name => return Err(no()),
            "displayname" | "display" if value.chars().count() > 64 || !can_carry(value) => {
                return Err(Failure::bare(NAME_TOO_LONG));
            }
            "displayname" | "display" => change.display_name(value),
            "email" => change.email(value),
            "quota" if over => change.quota(validate::quota(call, value).await?),
            "manager" if over => change.field(Field::Manager, checked("manager", value)?),
            "additional_mail" => {
                accounts::users::mail_address(value).map_err(|_| Failure::bare(INVALID))?;
                change.field(Field::AdditionalMail, value)
            }
            "notify_email" => {
                let address = self.own_address(value).ok_or(Failure::bare(INVALID))?;
                change.field(Field::NotifyEmail, address)
            }
            "language" if validate::is_language(value) => change.language(value),
            "language" => return Err(validate::no_language()),
            "locale" if value.is_empty() || validate::is_locale(value) => change.locale(value),
            "locale" => return Err(Failure::new(INVALID, "Invalid locale").with_hint(validate::LOCALE)),
            "first_day_of_week" if matches!(value, "-1" | "0" | "1" | "2" | "3" | "4" | "5" | "6") => {
                change.field(Field::FirstDayOfWeek, value)
            }
            "first_day_of_week" => return Err(Failure::new(INVALID, "Invalid first day of week")),
            "phone" if value.is_empty() => change.field(Field::Phone, value),
            "phone" => {
                let wrong = || Failure::new(INVALID, "Invalid phone").with_hint(validate::PHONE);
                change.field(Field::Phone, validate::phone(value).ok_or_else(wrong)?)
            }
            "website" if value.is_empty() || validate::is_website(value) => {
                change.field(Field::Website, checked("website", value)?)
            }
            "website" => return Err(Failure::new(INVALID, "Invalid website").with_hint(validate::WEBSITE)),
            "twitter" => change.field(Field::Twitter, checked("twitter", value)?.trim_start_matches('@')),
            "profile_enabled" => {
                let on = match value {
                    "1" | "true" => "1",
                    "0" | "false" | "" => "0",
                    _ => return Err(Failure::new(INVALID, "Invalid profile_enabled")),
                };
                change.field(Field::ProfileEnabled, on)
            }
            key => {
                if let Some(field) = PLAIN.iter().find(|field| field.as_str() == key) {
                    change.field(*field, checked(key, value)?)
                } else {
                    let field = scoped(key).filter(|_| self.oneself).ok_or_else(no)?;
                    change.scope(field, scope(field, value)?)
                }
            }
        })
    }

    /// One of the user's own addresses, or nothing.
    fn own_address(&self, value: &str) -> Option<String> {
        if value.is_empty() {
            return Some(String::new());
        }
        let address = accounts::users::mail_address(value).ok()?;
        let more = self.details.profile.entries(Field::AdditionalMail).any(|entry| entry.value == address);
        (more || self.details.user.email.as_deref() == Some(address.as_str())).then_some(address)
    }
}

/// The field whose scope a key is about.
fn scoped(key: &str) -> Option<Field> {
    let name = key.strip_suffix("Scope")?;
    let field: Field = name.parse().ok()?;
    let has_scope = EDITABLE.contains(&name) || matches!(field, Field::Avatar | Field::Birthdate);
    (has_scope && field != Field::AdditionalMail).then_some(field)
}

fn scope(field: Field, value: &str) -> Result<Scope, Failure> {
    let wrong = || Failure::new(INVALID, "Invalid scope");
    let scope = Scope::from_any(value).map_err(|_| wrong())?;
    let too_narrow = scope == Scope::Private && matches!(field, Field::DisplayName | Field::Email);
    if too_narrow { Err(wrong()) } else { Ok(scope) }
}

async fn set_password(call: &Call<'_>, details: &Details, value: &str) -> Result<(), Failure> {
    if value.len() > MAX_LOCAL_PASSWORD_BYTES {
        return Err(Failure::new(INVALID, "Invalid password value"));
    }
    if !details.user.is_local() {
        return Err(Failure::new(NOT_EDITABLE, "Setting the password is not supported by the users backend"));
    }
    call.app.rules().await?;
    // Empty, or with control characters: what is wrong with it is what the rules say, or else that it is none.
    let invalid = || Failure::new(INVALID, "Invalid password value");
    let Ok(password) = Password::parse(value) else {
        return Err(match call.app.broken_rules(value, &details.user).await {
            Some(text) => Failure::new(NOT_EDITABLE, text),
            None => invalid(),
        });
    };
    let by = Actor::user(call.caller()?.id().as_str(), Some(call.origin.address));
    let deadline = later(now(), HASH_DEADLINE);
    let done = call.app.passwords().set(&details.user.id, &password, by, deadline).await;
    done.map_err(|error| set_failed(error, NOT_EDITABLE, invalid()))
}
