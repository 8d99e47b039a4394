//! `user:setting`: what is set for a user, by app and key.
//!
//! Five of these settings are columns of the user's record here. They are shown and set under the
//! names that administrators know them by.

use accounts::{
    AccountsError, DisplayName, EmailAddress, Language, Locale, Preference, Quota, User, UserChange,
};
use serde_json::{Map, Value};

use super::{missing, parse, unconfirmed};
use crate::cli::SettingArgs;
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::store::Store;

/// A setting that the user's record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RecordColumn {
    DisplayName,
    Email,
    Language,
    Locale,
    Quota,
}

impl RecordColumn {
    const ALL: [(&'static str, &'static str, Self); 5] = [
        ("core", "lang", Self::Language),
        ("core", "locale", Self::Locale),
        ("files", "quota", Self::Quota),
        ("settings", "display_name", Self::DisplayName),
        ("settings", "email", Self::Email),
    ];

    fn named(app: &str, key: &str) -> Option<Self> {
        Self::ALL.iter().find(|(its_app, its_key, _)| (app, key) == (*its_app, *its_key)).map(|found| found.2)
    }

    fn of(self, user: &User) -> Option<String> {
        match self {
            // As there, every user has one.
            Self::DisplayName => Some(user.display_name_or_id().to_owned()),
            Self::Email => user.email.clone(),
            Self::Language => user.language.clone(),
            Self::Locale => user.locale.clone(),
            Self::Quota => (user.quota != Quota::Default).then(|| user.quota.to_human()),
        }
    }

    /// Nothing deletes it.
    fn change(self, value: Option<&str>) -> Result<UserChange, AccountsError> {
        let (change, text) = (UserChange::new(), value.unwrap_or_default());
        Ok(match self {
            Self::DisplayName => change.display_name(DisplayName::parse_optional(text)?),
            Self::Email => change.email(EmailAddress::parse_optional(text)?),
            Self::Language => change.language(Language::parse_optional(text)?),
            Self::Locale => change.locale(Locale::parse_optional(text)?),
            Self::Quota => change.quota(value.map_or(Ok(Quota::Default), str::parse)?),
        })
    }
}

pub(super) async fn run(store: &Store, args: SettingArgs) -> Result<Output, CliError> {
    let user = match parse(&args.user) {
        Ok(id) => store.accounts.users().find(&id).await?,
        Err(_) => None,
    };
    let Some(user) = user else { return unknown_user(&args) };
    let Some(app) = args.app.as_deref() else { return Ok(Output::tree(all(store, &user, None).await?)) };
    let Some(key) = args.key.as_deref() else { return Ok(Output::tree(all(store, &user, Some(app)).await?)) };

    let column = RecordColumn::named(app, key);
    let preferences = store.accounts.preferences();
    let present = match column {
        Some(column) => column.of(&user),
        None => preferences.find(&user.id, app, key).await?,
    };
    let unset = || CliError::refused(format!("The setting does not exist for user \"{}\".", user.id));
    if let Some(value) = args.value.as_deref() {
        if args.update_only && present.is_none() {
            return Err(unset());
        }
        if column == Some(RecordColumn::DisplayName) {
            if value == user.display_name_or_id() {
                return Err(CliError::refused("New and old display name are the same"));
            }
            if value.trim().is_empty() {
                return Err(CliError::refused("New display name can't be empty"));
            }
        }
        match column {
            Some(column) => {
                let changed = store.accounts.users().change(&user.id, column.change(Some(value))?).await;
                let changed = changed.map_err(missing)?;
                if let (RecordColumn::Email, Some(address)) = (column, changed.pending_email()) {
                    return Ok(Output::done([unconfirmed(address)]));
                }
            }
            None => preferences.set(&user.id, app, [(key, value)]).await.map_err(missing)?,
        }
        return Ok(Output::done::<String>([]));
    }
    if args.delete {
        if present.is_none() && args.error_if_not_exists {
            return Err(unset());
        }
        match column {
            Some(RecordColumn::DisplayName) => {
                return Err(CliError::refused("Display name can't be deleted."));
            }
            Some(column) => {
                store.accounts.users().change(&user.id, column.change(None)?).await.map_err(missing)?;
            }
            None => drop(preferences.delete(&user.id, app, [key]).await.map_err(missing)?),
        }
        return Ok(Output::done::<String>([]));
    }
    let value = present.or_else(|| args.default_value.clone()).ok_or_else(unset)?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

/// The result for an unknown user.
fn unknown_user(args: &SettingArgs) -> Result<Output, CliError> {
    let unset = || CliError::refused(format!("The setting does not exist for user \"{}\".", args.user));
    if !args.ignore_missing_user || args.value.is_some() {
        return Err(CliError::refused(format!("The user \"{}\" does not exist.", args.user)));
    }
    if args.key.is_none() {
        return Ok(Output::tree(Value::Object(Map::new())));
    }
    if args.delete {
        return if args.error_if_not_exists { Err(unset()) } else { Ok(Output::done::<String>([])) };
    }
    let value = args.default_value.as_deref().ok_or_else(unset)?;
    Output::new(format!("{value}\n"), &value, Exit::Fine)
}

/// All settings, by app.
async fn all(store: &Store, user: &User, app: Option<&str>) -> Result<Value, CliError> {
    let mut found: Vec<(String, String, String)> = Vec::new();
    for Preference { app, key, value, .. } in store.accounts.preferences().list(&user.id, app).await? {
        found.push((app, key, value));
    }
    for (its_app, key, column) in RecordColumn::ALL {
        if app.is_none_or(|app| app == its_app)
            && let Some(value) = column.of(user)
        {
            found.push((its_app.to_owned(), key.to_owned(), value));
        }
    }
    found.sort();
    let mut tree = Map::new();
    for (app, key, value) in found {
        let values = tree.entry(app).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(values) = values {
            values.insert(key, value.into());
        }
    }
    Ok(Value::Object(tree))
}
