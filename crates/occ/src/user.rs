//! The commands `user:…`.

mod add;
mod list;
mod reset;
mod setting;
mod tokens;

use accounts::{AccountsError, UserId};

use crate::Call;
use crate::cli::{UserCommand, UserDeleteArgs, WelcomeArgs};
use crate::exit::Failure;
use crate::output::Reply;
use crate::store::{self, Missing, Store};

/// What is said when there is no such user.
const MISSING: &str = "User does not exist";

pub(crate) async fn run(call: Call<'_>, command: UserCommand) -> Result<Reply, Failure> {
    match command {
        UserCommand::Add(args) => add::run(call, args).await,
        UserCommand::Delete(args) => delete(&open(call).await?, &args).await,
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
        UserCommand::Unban(args) => unban(&open(call).await?, &args.user).await,
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

async fn delete(store: &Store, args: &UserDeleteArgs) -> Result<Reply, Failure> {
    let (id, users) = (parse(&args.user)?, store.accounts.users());
    let deleted = if args.ban { users.delete_and_ban(&id).await } else { users.delete(&id).await };
    match deleted {
        Ok(_) if args.ban => Ok(Reply::done(["The specified user was deleted, and the name is banned"])),
        Ok(_) => Ok(Reply::done(["The specified user was deleted"])),
        Err(error @ AccountsError::LastAdmin) => {
            Err(Failure::refused(format!("The specified user could not be deleted: {error}")))
        }
        Err(error) => Err(missing(error)),
    }
}

async fn unban(store: &Store, user: &str) -> Result<Reply, Failure> {
    let id = parse(user)?;
    if store.accounts.users().unban(&id).await? {
        return Ok(Reply::done([format!("{id} may sign in again, and an account may have this name")]));
    }
    Err(Failure::refused(format!("{id} is not banned")))
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
    let Some(email) = &user.email else { return Err(no_address(&user.id)) };
    if args.reset_password && !user.is_local() {
        return Err(Failure::refused(format!(
            "The password of {} is kept by the backend {}; there is no link to choose one",
            user.id, user.backend
        )));
    }
    store.accounts.outbox().welcome(&user.id, args.reset_password).await.map_err(missing)?;
    Ok(Reply::done([format!("Welcome email to {email} is waiting to be sent")]))
}

fn no_address(id: &UserId) -> Failure {
    Failure::refused(format!("Email address is not set for the user {id}"))
}
