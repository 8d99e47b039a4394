//! The commands `user:…`.

mod add;
mod list;
mod reset;
mod setting;
mod tokens;

use accounts::{AccountsError, UserId};

use crate::Call;
use crate::cli::{UserCommand, WelcomeArgs};
use crate::exit::Failure;
use crate::output::Reply;
use crate::store::{self, Missing, Store};

/// What is said when there is no such user.
const MISSING: &str = "User does not exist";

pub(crate) async fn run(call: Call<'_>, command: UserCommand) -> Result<Reply, Failure> {
    match command {
        UserCommand::Add(args) => add::run(call, args).await,
        UserCommand::Delete(args) => delete(&open(call).await?, &args.user).await,
        UserCommand::Disable(args) => enable(&open(call).await?, &args.user, false).await,
        UserCommand::Enable(args) => enable(&open(call).await?, &args.user, true).await,
        UserCommand::Info(args) => list::info(&open(call).await?, &args.user).await,
        UserCommand::LastSeen(args) => list::last_seen(call, &open(call).await?, &args).await,
        UserCommand::List(args) => list::run(call, &open(call).await?, &args).await,
        UserCommand::Report => list::report(&open(call).await?).await,
        UserCommand::ResetPassword(args) => reset::run(call, &args).await,
        UserCommand::Setting(args) => setting::run(&open(call).await?, args).await,
        UserCommand::TokenAdd(args) => tokens::add(&open(call).await?, &args).await,
        UserCommand::TokenDelete(args) => tokens::delete(&open(call).await?, &args).await,
        UserCommand::TokenList(args) => tokens::list(&open(call).await?, &args.user).await,
        UserCommand::Welcome(args) => welcome(&open(call).await?, &args).await,
    }
}

async fn open(call: Call<'_>) -> Result<Store, Failure> {
    store::open(call.common, Missing::Refuse).await
}

/// A name that cannot be anybody's is nobody's.
fn parse(user: &str) -> Result<UserId, Failure> {
    UserId::parse(user).map_err(|_| Failure::refused(MISSING))
}

/// The store's refusal, in the words of these commands.
fn missing(error: AccountsError) -> Failure {
    match error {
        AccountsError::NotFound { what: "user", .. } => Failure::refused(MISSING),
        error => error.into(),
    }
}

async fn delete(store: &Store, user: &str) -> Result<Reply, Failure> {
    match store.accounts.users().delete(&parse(user)?).await {
        Ok(_) => Ok(Reply::done(["The specified user was deleted"])),
        Err(error @ AccountsError::LastAdmin) => {
            Err(Failure::refused(format!("The specified user could not be deleted: {error}")))
        }
        Err(error) => Err(missing(error)),
    }
}

async fn enable(store: &Store, user: &str, enabled: bool) -> Result<Reply, Failure> {
    store.accounts.users().set_enabled(&parse(user)?, enabled).await.map_err(missing)?;
    Ok(Reply::done([if enabled {
        "The specified user is enabled"
    } else {
        "The specified user is disabled"
    }]))
}

async fn welcome(store: &Store, args: &WelcomeArgs) -> Result<Reply, Failure> {
    let user = store.accounts.users().get(&parse(&args.user)?).await.map_err(missing)?;
    let Some(email) = user.contact_email() else { return Err(no_address(&user.id)) };
    if args.reset_password && !user.is_local() {
        return Err(Failure::refused(format!(
            "The password of {} is kept by the backend {}; there is no link to choose one",
            user.id, user.backend
        )));
    }
    store.accounts.outbox().welcome(&user.id, args.reset_password).await.map_err(|error| match error {
        AccountsError::Full => {
            Failure::refused(format!("Too many welcome emails were sent to {email} today"))
        }
        error => missing(error),
    })?;
    Ok(Reply::done([format!("Welcome email to {email} is waiting to be sent")]))
}

/// What is said of an address that cannot be confirmed.
fn unconfirmed(address: &str) -> String {
    format!("{address} is stored and not confirmed: another user has confirmed it, or has it as the user id")
}

fn no_address(id: &UserId) -> Failure {
    Failure::refused(format!("Email address is not set for the user {id}"))
}
