//! Looking at users: one, all, and how many.

use std::pin::pin;

use accounts::{Details, LOCAL_BACKEND, LOCAL_BACKEND_IN_API, Quota, User, UserFilter};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use user_backend::BackendId;

use super::{missing, parse};
use crate::Call;
use crate::cli::{LastSeenArgs, UserListArgs};
use crate::exit::{CliError, Exit};
use crate::listing::{Listing, Shape};
use crate::output::{Output, one_line};
use crate::store::Store;
use crate::time_format;

pub(super) async fn run(call: Call<'_>, store: &Store, args: &UserListArgs) -> Result<Output, CliError> {
    let mut filter = UserFilter::new().limit(args.window.limit).offset(args.window.offset);
    if args.disabled {
        filter = filter.disabled();
    }
    if args.unconfirmed {
        filter = filter.unconfirmed();
    }
    let mut listing = Listing::begin(call, Shape::Map);
    if args.info {
        let mut users = pin!(store.accounts.users().stream_details(filter));
        while let Some(details) = users.try_next().await? {
            if !listing.entry(details.user.id.as_str(), about(store, &details)).await? {
                break;
            }
        }
    } else {
        let mut users = pin!(store.accounts.users().stream(filter));
        while let Some(user) = users.try_next().await? {
            if !listing.entry(user.id.as_str(), user.display_name_or_id().into()).await? {
                break;
            }
        }
    }
    listing.end().await
}

pub(super) async fn info(store: &Store, user: &str) -> Result<Output, CliError> {
    let unknown = || CliError::refused("user not found");
    let id = parse(user).map_err(|_| unknown())?;
    let details = store.accounts.users().details(&id).await.map_err(|error| match error {
        accounts::AccountsError::NotFound { .. } => unknown(),
        error => error.into(),
    })?;
    let mut tree = about(store, &details);
    if let Value::Object(members) = &mut tree {
        members.insert("storage".to_owned(), json!({ "quota": bytes(effective(store, details.user.quota)) }));
    }
    Ok(Output::tree(tree))
}

fn about(store: &Store, details: &Details) -> Value {
    let user = &details.user;
    json!({
        "user_id": user.id,
        "display_name": user.display_name_or_id(),
        "email": user.email.as_deref().unwrap_or_default(),
        "confirmed_email": user.confirmed_email.as_deref().unwrap_or_default(),
        "cloud_id": store.server.cloud_id(&user.id),
        "enabled": user.enabled,
        "groups": details.groups,
        "subadmin_of": details.subadmin_of,
        "quota": effective(store, user.quota).to_human(),
        "first_seen": time_format::iso_or_never(user.first_login),
        "last_seen": time_format::iso_or_never(user.last_login),
        "user_directory": store.server.home_of(&user.id),
        "backend": backend_name(&user.backend),
    })
}

/// How the PHP program calls the backend of local users.
fn backend_name(backend: &BackendId) -> &str {
    if backend.as_str() == LOCAL_BACKEND { LOCAL_BACKEND_IN_API } else { backend.as_str() }
}

/// What counts where a user has no quota.
fn effective(store: &Store, quota: Quota) -> Quota {
    match quota {
        Quota::Default if store.server.default_quota == Quota::Default => Quota::Unlimited,
        Quota::Default => store.server.default_quota,
        own => own,
    }
}

/// Bytes; -3 is unlimited, as in the API.
fn bytes(quota: Quota) -> i64 {
    match quota {
        Quota::Bytes(bytes) => i64::try_from(bytes).unwrap_or(i64::MAX),
        Quota::Unlimited | Quota::Default => -3,
    }
}

pub(super) async fn last_seen(
    call: Call<'_>,
    store: &Store,
    args: &LastSeenArgs,
) -> Result<Output, CliError> {
    if let Some(user) = &args.user {
        let user = store.accounts.users().get(&parse(user)?).await.map_err(missing)?;
        let json = json!({ "user_id": user.id, "last_seen": time_format::iso_or_never(user.last_login) });
        return Output::new(one_line(&seen(&user)) + "\n", &json, Exit::Fine);
    }
    let mut listing = Listing::begin(call, Shape::Map);
    let mut users = pin!(store.accounts.users().stream(UserFilter::new()));
    while let Some(user) = users.try_next().await? {
        let at = time_format::iso_or_never(user.last_login).into();
        if !listing.line(&seen(&user), user.id.as_str(), at).await? {
            break;
        }
    }
    listing.end().await
}

fn seen(user: &User) -> String {
    match user.last_login {
        Some(at) => format!("{}`s last login: {}", user.id, time_format::dotted(at)),
        None => format!("User {} has never logged in, yet.", user.id),
    }
}

pub(super) async fn report(store: &Store) -> Result<Output, CliError> {
    let users = store.accounts.users();
    let backends = users.report().await?;
    let total: u64 = backends.iter().map(|(_, count, _)| count).sum();
    let disabled: u64 = backends.iter().map(|(_, _, disabled)| disabled).sum();
    let directories = users.count(&UserFilter::new().recent()).await?;
    let active = users.count(&UserFilter::new().recent().enabled()).await?;

    let mut rows: Vec<Option<(String, u64)>> =
        backends.iter().map(|(backend, count, _)| Some((backend_name(backend).to_owned(), *count))).collect();
    rows.push(None);
    let sums = [
        ("total users", total),
        ("user directories", directories),
        ("active users", active),
        ("disabled users", disabled),
    ];
    rows.extend(sums.iter().map(|(what, count)| Some(((*what).to_owned(), *count))));
    let counts: serde_json::Map<String, Value> = backends
        .iter()
        .map(|(backend, count, _)| (backend_name(backend).to_owned(), (*count).into()))
        .collect();
    let json = json!({
        "backends": counts, "total_users": total, "user_directories": directories, "active_users": active,
        "disabled_users": disabled,
    });
    Output::new(boxed("User Report", &rows), &json, Exit::Fine)
}

/// A table of names and numbers in a frame; `None` is a line across.
fn boxed(title: &str, rows: &[Option<(String, u64)>]) -> String {
    let cells: Vec<Option<(String, String)>> = rows
        .iter()
        .map(|row| row.as_ref().map(|(name, count)| (one_line(name), count.to_string())))
        .collect();
    let widest = |of: fn(&(String, String)) -> &String, least: usize| {
        cells.iter().flatten().map(|cell| of(cell).chars().count()).fold(least, usize::max)
    };
    let (names, numbers) = (widest(|cell| &cell.0, title.chars().count()), widest(|cell| &cell.1, 0));
    let across = format!("+{:-<1$}+{2:-<3$}+\n", "", names + 2, "", numbers + 2);
    let mut text = format!("{across}| {title:names$} | {:numbers$} |\n{across}", "");
    for cell in &cells {
        text += &match cell {
            Some((name, number)) => format!("| {name:names$} | {number:<numbers$} |\n"),
            None => across.clone(),
        };
    }
    text + &across
}
