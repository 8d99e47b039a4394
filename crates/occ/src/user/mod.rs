//! The commands `user:…`.

mod add;
mod list;
mod profile;
mod reset;
mod setting;
mod tokens;

use std::pin::pin;

use accounts::{AccountsError, UserFilter, UserId};
use futures_util::TryStreamExt;

use crate::Call;
use crate::cli::{KeysArgs, SyncArgs, UserCommand, UserDeleteArgs, WelcomeArgs};
use crate::exit::CliError;
use crate::listing::{Listing, Shape};
use crate::output::Output;
use crate::store::{self, Missing, Store};

/// Message for an unknown user.
const MISSING: &str = "User does not exist";

pub(crate) async fn run(call: Call<'_>, command: UserCommand) -> Result<Output, CliError> {
    match command {
        UserCommand::Add(args) => add::run(call, args).await,
        UserCommand::Delete(args) => delete(&open(call).await?, &args).await,
        UserCommand::Disable(args) => enable(&open(call).await?, &args.user, false).await,
        UserCommand::Enable(args) => enable(&open(call).await?, &args.user, true).await,
        UserCommand::Info(args) => list::info(&open(call).await?, &args.user).await,
        UserCommand::LastSeen(args) => list::last_seen(call, &open(call).await?, &args).await,
        UserCommand::List(args) => list::run(call, &open(call).await?, &args).await,
        UserCommand::Report(_) => list::report(&open(call).await?).await,
        UserCommand::ResetPassword(args) => reset::run(call, &args).await,
        UserCommand::Setting(args) => setting::run(&open(call).await?, args).await,
        UserCommand::TokenAdd(args) => tokens::add(&open(call).await?, &args).await,
        UserCommand::TokenDelete(args) => tokens::delete(&open(call).await?, &args).await,
        UserCommand::TokenList(args) => tokens::list(&open(call).await?, &args.user).await,
        UserCommand::Unban(args) => unban(&open(call).await?, &args.user).await,
        UserCommand::Welcome(args) => welcome(&open(call).await?, &args).await,
        UserCommand::Profile(args) => profile::run(&open(call).await?, args).await,
        UserCommand::ClearAvatarCache => {
            // There are no avatars, so there is nothing to do.
            Ok(Output::done(["Clearing avatar cache has started", "Cleared avatar cache successfully"]))
        }
        UserCommand::VerifyKeys(args) => verify_keys(&open(call).await?, &args).await,
        UserCommand::SyncAccountData(args) => sync(call, &open(call).await?, &args).await,
    }
}

async fn open(call: Call<'_>) -> Result<Store, CliError> {
    store::open(call.common, Missing::Refuse).await
}

/// An invalid name is an unknown user.
fn parse(user: &str) -> Result<UserId, CliError> {
    UserId::parse(user).map_err(|_| CliError::refused(MISSING))
}

/// Maps refusals of the store to the messages of these commands.
fn missing(error: AccountsError) -> CliError {
    match error {
        AccountsError::NotFound { what: "user", .. } => CliError::refused(MISSING),
        error => error.into(),
    }
}

async fn delete(store: &Store, args: &UserDeleteArgs) -> Result<Output, CliError> {
    let (id, users) = (parse(&args.user)?, store.accounts.users());
    let deleted = if args.ban { users.delete_and_ban(&id).await } else { users.delete(&id).await };
    match deleted {
        Ok(_) if args.ban => Ok(Output::done(["The specified user was deleted, and the name is banned"])),
        Ok(_) => Ok(Output::done(["The specified user was deleted"])),
        Err(error @ AccountsError::LastAdmin) => {
            Err(CliError::refused(format!("The specified user could not be deleted: {error}")))
        }
        Err(error) => Err(missing(error)),
    }
}

async fn unban(store: &Store, user: &str) -> Result<Output, CliError> {
    let id = parse(user)?;
    if store.accounts.users().unban(&id).await? {
        return Ok(Output::done([format!("{id} may sign in again, and an account may have this name")]));
    }
    Err(CliError::refused(format!("{id} is not banned")))
}

async fn enable(store: &Store, user: &str, enabled: bool) -> Result<Output, CliError> {
    store.accounts.users().set_enabled(&parse(user)?, enabled).await.map_err(missing)?;
    Ok(Output::done([if enabled {
        "The specified user is enabled"
    } else {
        "The specified user is disabled"
    }]))
}

async fn welcome(store: &Store, args: &WelcomeArgs) -> Result<Output, CliError> {
    let user = store.accounts.users().get(&parse(&args.user)?).await.map_err(missing)?;
    let Some(email) = user.contact_email() else { return Err(no_address(&user.id)) };
    if args.reset_password && !user.is_local() {
        return Err(CliError::refused(format!(
            "The password of {} is kept by the backend {}; there is no link to choose one",
            user.id, user.backend
        )));
    }
    needs_mail_server(store)?;
    store.accounts.outbox().welcome(&user.id, args.reset_password).await.map_err(|error| match error {
        AccountsError::Full => {
            CliError::refused(format!("Too many welcome emails were sent to {email} today"))
        }
        error => missing(error),
    })?;
    Ok(Output::done([format!("Welcome email to {email} is waiting to be sent")]))
}

/// Users have no keys here.
async fn verify_keys(store: &Store, args: &KeysArgs) -> Result<Output, CliError> {
    let user = match UserId::parse(&args.user) {
        Ok(id) => store.accounts.users().find(&id).await?,
        Err(_) => None,
    };
    Err(CliError::refused(match user {
        Some(_) => "user:keys:verify is not supported by this server: users have no keys",
        None => "Unknown user",
    }))
}

/// Lists users with "nothing to update": backend data are never copied.
async fn sync(call: Call<'_>, store: &Store, args: &SyncArgs) -> Result<Output, CliError> {
    let filter = UserFilter::new().limit(args.window.limit).offset(args.window.offset);
    let mut listing = Listing::begin(call, Shape::Map);
    let mut users = pin!(store.accounts.users().stream(filter));
    while let Some(user) = users.try_next().await? {
        let line = format!("{} - nothing to update", user.id);
        if !listing.line(&line, user.id.as_str(), "nothing to update".into()).await? {
            break;
        }
    }
    listing.end().await
}

/// Without a mail server, a mail would wait for days and then be dropped.
fn needs_mail_server(store: &Store) -> Result<(), CliError> {
    match store.server.mail {
        Some(_) => Ok(()),
        None => Err(CliError::refused(format!("Failed to send email: {NO_MAIL_SERVER}"))),
    }
}

/// Why no mail is sent.
pub(crate) const NO_MAIL_SERVER: &str =
    "no mail server is set up; the section [mail] of the configuration names it";

/// The note about an address that cannot be confirmed.
fn unconfirmed(address: &str) -> String {
    format!("{address} is stored and not confirmed: another user has confirmed it, or has it as the user id")
}

fn no_address(id: &UserId) -> CliError {
    CliError::refused(format!("Email address is not set for the user {id}"))
}
