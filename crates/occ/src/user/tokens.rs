//! `user:auth-tokens:…`: app passwords, one for each device or program, and service tokens for automation.

use accounts::{AccountsError, AppPassword, ServiceToken, SourceNetworks, TokenScopes};
use serde_json::{Value, json};

use super::{missing, parse};
use crate::cli::{TokenAddArgs, TokenDeleteArgs};
use crate::exit::{CliError, Exit};
use crate::output::Output;
use crate::store::Store;
use crate::time_format;

pub(super) async fn add(store: &Store, args: &TokenAddArgs) -> Result<Output, CliError> {
    let (user, tokens) = (parse(&args.user)?, store.accounts.app_passwords());
    let now = store.accounts.now();
    let expires = args.expires.map(|end| end.seen_from(now));
    if let Some(past) = expires.filter(|expires| *expires <= now) {
        let text = format!("--expires: found {}, expected a time in the future", time_format::iso(past));
        return Err(CliError::refused(text));
    }
    let (what, made) = if args.scope.is_empty() {
        ("app password", tokens.create(&user, &args.name, expires).await)
    } else {
        let wrong = |error: AccountsError| CliError::new(error.to_string());
        let scopes = TokenScopes::parse(&args.scope).map_err(wrong)?;
        let networks = SourceNetworks::parse(&args.from).map_err(wrong)?;
        let made = tokens.create_service_token(&user, &args.name, scopes, networks, expires).await;
        ("service token", made)
    };
    let (token, made) = made.map_err(missing)?;
    let mut json = about(&made);
    if let Value::Object(fields) = &mut json {
        fields.insert("token".to_owned(), token.expose().into());
    }
    Output::new(format!("{what}:\n{}\n", token.expose()), &json, Exit::Fine)
}

pub(super) async fn list(store: &Store, user: &str) -> Result<Output, CliError> {
    let found = store.accounts.app_passwords().list(&parse(user)?).await.map_err(missing)?;
    Ok(Output::tree(found.iter().map(|made| (made.key.to_string(), about(made))).collect::<Value>()))
}

fn about(made: &AppPassword) -> Value {
    let mut fields = json!({
        "id": made.key,
        "name": made.name,
        "kind": if made.service.is_some() { "service" } else { "device" },
        "created": time_format::iso(made.created),
        "last_used": time_format::iso_or_never(made.last_used),
        "last_used_from": made.last_used_from.map(|from| from.to_string()),
        "expires": time_format::iso_or_never(made.expires),
        "wipe": made.wipe,
    });
    if let (Some(ServiceToken { scopes, networks }), Value::Object(fields)) = (&made.service, &mut fields) {
        fields.insert("scopes".to_owned(), scopes.words().into());
        fields.insert("networks".to_owned(), networks.texts().into());
    }
    fields
}

pub(super) async fn delete(store: &Store, args: &TokenDeleteArgs) -> Result<Output, CliError> {
    let (user, tokens) = (parse(&args.user)?, store.accounts.app_passwords());
    let Some(id) = args.id else {
        let ended = tokens.revoke_all(&user).await.map_err(missing)?;
        return Ok(Output::done([format!("{ended} app passwords of {user} were revoked")]));
    };
    tokens.revoke(&user, id).await.map_err(|error| match error {
        AccountsError::NotFound { what: "app password", .. } => {
            CliError::refused(format!("{user} has no app password {id}"))
        }
        error => missing(error),
    })?;
    Ok(Output::done([format!("App password {id} of {user} was revoked")]))
}
