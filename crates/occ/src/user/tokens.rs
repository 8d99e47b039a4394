//! `user:auth-tokens:…`: app passwords, one for each device or program.

use accounts::{AccountsError, AppPassword};
use serde_json::{Value, json};

use super::{missing, parse};
use crate::cli::{TokenAddArgs, TokenDeleteArgs};
use crate::exit::{Exit, Failure};
use crate::moment;
use crate::output::Reply;
use crate::store::Store;

pub(super) async fn add(store: &Store, args: &TokenAddArgs) -> Result<Reply, Failure> {
    let made = store.accounts.app_passwords().create(&parse(&args.user)?, &args.name, None).await;
    let (token, made) = made.map_err(missing)?;
    let json = json!({ "id": made.key, "name": made.name, "token": token.expose() });
    Reply::new(format!("app password:\n{}\n", token.expose()), &json, Exit::Fine)
}

pub(super) async fn list(store: &Store, user: &str) -> Result<Reply, Failure> {
    let found = store.accounts.app_passwords().list(&parse(user)?).await.map_err(missing)?;
    Ok(Reply::tree(found.iter().map(|made| (made.key.to_string(), about(made))).collect::<Value>()))
}

fn about(made: &AppPassword) -> Value {
    json!({
        "id": made.key,
        "name": made.name,
        "created": moment::iso(made.created),
        "last_used": moment::iso_or_never(made.last_used),
        "expires": moment::iso_or_never(made.expires),
        "wipe": made.wipe,
    })
}

pub(super) async fn delete(store: &Store, args: &TokenDeleteArgs) -> Result<Reply, Failure> {
    let (user, tokens) = (parse(&args.user)?, store.accounts.app_passwords());
    let Some(id) = args.id else {
        let ended = tokens.revoke_all(&user).await.map_err(missing)?;
        return Ok(Reply::done([format!("{ended} app passwords of {user} were revoked")]));
    };
    tokens.revoke(&user, id).await.map_err(|error| match error {
        AccountsError::NotFound { what: "app password", .. } => {
            Failure::refused(format!("{user} has no app password {id}"))
        }
        error => missing(error),
    })?;
    Ok(Reply::done([format!("App password {id} of {user} was revoked")]))
}
