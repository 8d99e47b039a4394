//! Service tokens of the caller: what automation signs in with.
//!
//! An administrator makes them for oneself. They act as their owner, so a token for another account
//! would be that account.

use accounts::{AccountsError, AppPassword, Expiry, SourceNetworks, Timestamp, TokenScopes};

use super::call::Call;
use super::docs::{ParamDoc, ParamKind, ResponseDoc};
use super::envelope::code::Code;
use super::envelope::data::Data;
use super::envelope::{OcsAnswer, OcsFailure};
use super::operation::{Operation, operation};

const NAME: Code = Code::of_endpoint(101);
const SCOPE: Code = Code::of_endpoint(102);
const NETWORK: Code = Code::of_endpoint(103);
const EXPIRES: Code = Code::of_endpoint(104);
const FULL: Code = Code::of_endpoint(105);

const UNKNOWN: ResponseDoc = (Code::ABSENT, "the caller has no service token of this number");

/// `GET /cloud/user/service-tokens`
pub(crate) const LIST: Operation = operation!(
    "ServiceTokenList",
    Passwords,
    "Lists the service tokens of the caller",
    service_tokens(),
    list(call)
);

async fn list(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let all = call.app.accounts().app_passwords().list(call.caller()?.id()).await?;
    let tokens = all.iter().filter(|token| token.service.is_some()).map(|token| as_data(token, None));
    Ok(Data::one("tokens", Data::List(tokens.collect())).into())
}

/// `POST /cloud/user/service-tokens`
pub(crate) const CREATE: Operation = operation!(
    "ServiceTokenCreate",
    Passwords,
    "Makes a service token, which acts as the caller",
    new_service_token(),
    create(call)
)
.more("The token is shown in this answer and never again. It has at most the rights that the caller has when it is used.")
.params(&[
    ParamDoc::text("name", "What it is for, in one line").required(),
    ParamDoc::new(
        "scopes",
        ParamKind::List,
        "What it may do: users:read, users:write, users:credentials, groups:read, groups:write, apps, admin, frontend:NAME",
    )
    .required(),
    ParamDoc::new("networks", ParamKind::List, "From where it works, such as 10.0.0.0/8; without any: from everywhere"),
    ParamDoc::text("expires", "When it ends: a day such as 2027-01-31 (00:00 UTC), or a time such as 90d or 12h; without: never"),
])
.codes(&[
    (NAME, "the name is empty, too long, or not one line"),
    (SCOPE, "no scope, or one that does not exist; the message lists them"),
    (NETWORK, "something that is no address and no network"),
    (EXPIRES, "no day and no time from now, or one that has passed"),
    (FULL, "the caller has 100 app passwords and service tokens"),
]);

async fn create(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let params = call.params;
    let (name, scopes) = (params.text("name")?.unwrap_or_default(), params.texts("scopes")?);
    let (networks, expires) = (params.texts("networks")?, params.text("expires")?.unwrap_or_default());
    let accounts = call.accounts()?;
    let scopes = TokenScopes::parse(scopes).map_err(|error| wrong(SCOPE, error))?;
    let networks = SourceNetworks::parse(networks).map_err(|error| wrong(NETWORK, error))?;
    let expires = match expires {
        "" => None,
        text => {
            let end = text.parse::<Expiry>().and_then(|end| end.in_future(accounts.now()));
            Some(end.map_err(|error| wrong(EXPIRES, error))?)
        }
    };
    let tokens = accounts.app_passwords();
    let made = tokens.create_service_token(call.caller()?.id(), name, scopes, networks, expires).await;
    let (token, made) = made.map_err(|error| match error {
        AccountsError::Invalid { field: "name of an app password", .. } => wrong(NAME, error),
        AccountsError::Invalid { field: "app passwords of this user", .. } => wrong(FULL, error),
        error => error.into(),
    })?;
    Ok(as_data(&made, Some(token.expose())).into())
}

/// A value that cannot be taken, with what was expected.
fn wrong(code: Code, error: AccountsError) -> OcsFailure {
    match error {
        error @ AccountsError::Invalid { .. } => OcsFailure::new(code, error.to_string()),
        error => error.into(),
    }
}

/// `DELETE /cloud/user/service-tokens/{key}`
pub(crate) const REVOKE: Operation = operation!(
    "ServiceTokenRevoke",
    Passwords,
    "Ends a service token of the caller, at once",
    nothing(),
    revoke(call)
)
.codes(&[UNKNOWN]);

async fn revoke(call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let unknown = || OcsFailure::new(Code::ABSENT, "There is no such service token");
    let key: i64 = call.captures.get("key").parse().map_err(|_| unknown())?;
    let (id, accounts) = (call.caller()?.id(), call.accounts()?);
    let all = accounts.app_passwords().list(id).await?;
    if !all.iter().any(|token| token.key == key && token.service.is_some()) {
        return Err(unknown());
    }
    accounts.app_passwords().revoke(id, key).await?;
    Ok(OcsAnswer::NOTHING)
}

/// A service token or an app password, which has no scopes; with the secret where it has just been
/// made.
pub(crate) fn as_data(token: &AppPassword, secret: Option<&str>) -> Data {
    let service = token.service.as_ref();
    let listed = |texts: Option<Vec<String>>| Data::from(texts.unwrap_or_default());
    let seconds = |at: Option<Timestamp>| Data::from(at.map_or(0, Timestamp::seconds));
    let from = token.last_used_from.map(|from| from.to_string()).unwrap_or_default();
    let mut entries = vec![
        ("id", Data::from(token.key)),
        ("name", token.name.as_str().into()),
        ("scopes", listed(service.map(|service| service.scopes.words()))),
        ("networks", listed(service.map(|service| service.networks.texts()))),
        ("created", seconds(Some(token.created))),
        ("expires", seconds(token.expires)),
        ("lastUsed", seconds(token.last_used)),
        ("lastUsedFrom", from.into()),
        ("wipe", token.wipe.into()),
    ];
    entries.extend(secret.map(|secret| ("token", secret.into())));
    Data::map(entries)
}
