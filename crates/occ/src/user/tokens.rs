//! `user:auth-tokens:…`: app passwords of devices and programs, and service tokens.

use accounts::{AccountsError, AppPassword, ServiceToken, SourceNetworks, TokenScopes};
use serde_json::{Value, json};

use super::{missing, parse};
use crate::cli::{TokenAddArgs, TokenDeleteArgs};
use crate::exit::{CliError, Exit};
use crate::output::{Output, framed};
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
    // The PHP program has other words for an unknown user here.
    let unknown = || CliError::refused("user not found");
    let id = parse(user).map_err(|_| unknown())?;
    let found = store.accounts.app_passwords().list(&id).await.map_err(|error| match error {
        AccountsError::NotFound { what: "user", .. } => unknown(),
        error => error.into(),
    })?;
    let json: Vec<Value> = found.iter().map(about).collect();
    let plain = if found.is_empty() { String::new() } else { framed(&HEADERS, &rows(&found)) };
    Output::new(plain, &json, Exit::Fine)
}

/// The columns of the table: those of the PHP program first.
const HEADERS: [&str; 10] = [
    "id",
    "name",
    "lastActivity",
    "type",
    "scope",
    "kind",
    "created",
    "expires",
    "networks",
    "last_used_from",
];

fn rows(found: &[AppPassword]) -> Vec<Vec<String>> {
    let row = |made: &AppPassword| {
        let service = made.service.as_ref();
        vec![
            made.key.to_string(),
            made.name.clone(),
            time_format::iso_or_never(made.last_used),
            if made.wipe { "wipe" } else { "permanent" }.to_owned(),
            service.map(|service| service.scopes.words().join(", ")).unwrap_or_default(),
            kind(made).to_owned(),
            time_format::iso(made.created),
            time_format::iso_or_never(made.expires),
            service.map(|service| service.networks.texts().join(", ")).unwrap_or_default(),
            made.last_used_from.map(|from| from.to_string()).unwrap_or_default(),
        ]
    };
    found.iter().map(row).collect()
}

fn kind(made: &AppPassword) -> &'static str {
    if made.service.is_some() { "service" } else { "device" }
}

fn about(made: &AppPassword) -> Value {
    let mut fields = json!({
        "id": made.key,
        "name": made.name,
        // The next three as in the PHP program: seconds, 1 for a token that stays and 2 for one
        // that is wiped, and what it opens. There are no files here.
        "lastActivity": made.last_used.unwrap_or(made.created).seconds(),
        "type": if made.wipe { 2 } else { 1 },
        "scope": { "filesystem": false },
        "kind": kind(made),
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
