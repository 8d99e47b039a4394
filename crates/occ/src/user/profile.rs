//! `user:profile`: what a user says about themselves, property by property.

use accounts::{
    AccountsError, DisplayName, EmailAddress, PhoneRegion, ProfileField, ProfileValue, UserChange, UserId,
};
use serde_json::{Map, Value};

use super::{missing, unconfirmed};
use crate::cli::ProfileArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::store::Store;

pub(super) async fn run(store: &Store, args: ProfileArgs) -> Result<Output, CliError> {
    let unknown = || CliError::refused(format!("The user \"{}\" does not exist.", args.user));
    let id = UserId::parse(&args.user).map_err(|_| unknown())?;
    let details = store.accounts.users().details(&id).await.map_err(|error| match error {
        AccountsError::NotFound { what: "user", .. } => unknown(),
        error => error.into(),
    })?;
    let user = &details.user;
    let value = |field: ProfileField| match field {
        ProfileField::DisplayName => Some(user.display_name_or_id()),
        ProfileField::Email => user.email.as_deref(),
        field => details.profile.value(field),
    };
    let Some(key) = args.key.as_deref() else {
        let set = properties().filter_map(|field| Some((field.as_str().to_owned(), value(field)?.into())));
        return Ok(Output::tree(Value::Object(set.collect::<Map<_, _>>())));
    };
    let field = properties().find(|field| field.as_str() == key);
    let present = field.and_then(value);
    let unset = || CliError::refused(format!("The property does not exist for user \"{}\".", user.id));
    if args.value.is_some() || args.delete {
        if present.is_none() && (args.update_only || args.error_if_not_exists) {
            return Err(unset());
        }
        let field = field.ok_or_else(|| CliError::refused(format!("Property {key} does not exist.")))?;
        let region = store.server.default_phone_region;
        let change = change(field, args.value.as_deref().unwrap_or_default(), region)?;
        let changed = store.accounts.users().change(&user.id, change).await.map_err(missing)?;
        let pending = changed.pending_email().filter(|_| field == ProfileField::Email);
        return Ok(Output::done(pending.map(unconfirmed)));
    }
    let value = present.or(args.default_value.as_deref()).ok_or_else(unset)?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

/// The properties with one value.
fn properties() -> impl Iterator<Item = ProfileField> {
    let own = [ProfileField::DisplayName, ProfileField::Email];
    own.into_iter().chain(ProfileField::scoped_texts())
}

fn change(field: ProfileField, text: &str, region: Option<PhoneRegion>) -> Result<UserChange, CliError> {
    let change = UserChange::new();
    Ok(match field {
        ProfileField::DisplayName if text.trim().is_empty() => {
            return Err(CliError::refused("New display name can't be empty"));
        }
        ProfileField::DisplayName => change.display_name(DisplayName::parse_optional(text)?),
        ProfileField::Email => change.email(EmailAddress::parse_optional(text)?),
        // An empty text deletes the property.
        field if text.is_empty() => change.field(ProfileValue::parse(field, text)?),
        field => change.field(ProfileValue::parse_typed(field, text, region)?),
    })
}
