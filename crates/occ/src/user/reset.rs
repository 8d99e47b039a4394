//! `user:resetpassword`: sets a new password, including a lost administrator password.

use accounts::Actor;
use accounts::{PasswordReset, RequestError, ResetSettings, SetError};
use user_backend::Password;
use user_backend::clock::{later, now};

use super::{MISSING, missing, needs_mail_server, no_address, parse};
use crate::Call;
use crate::cli::ResetArgs;
use crate::exit::CliError;
use crate::output::Output;
use crate::password;
use crate::store::{self, HASHING_TIMEOUT, Missing, Store};

/// Message for an external password.
const READ_ONLY: &str = "Error while resetting password!";

pub(super) async fn run(call: Call<'_>, args: &ResetArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Refuse).await?;
    let user = store.accounts.users().get(&parse(&args.user)?).await.map_err(missing)?;
    if !user.is_local() {
        return Err(CliError::refused(format!(
            "{READ_ONLY} The password of {} is kept by the backend {}",
            user.id, user.backend
        )));
    }
    if args.send_email {
        return send(&store, &user).await;
    }
    let typed = password::read_new(
        call.common,
        args.password,
        "Enter a new password: ",
        "Confirm the new password: ",
        "a new password",
    )
    .await?;
    let password = Password::parse(typed.as_str()).map_err(impossible)?;
    let passwords = store.local().await?.passwords(&store.accounts);
    let by = Actor::command_line(&store::person());
    passwords.set(&user.id, &password, by, later(now(), HASHING_TIMEOUT)).await.map_err(set_failure)?;
    Ok(Output::done([format!("Successfully reset password for {}", user.id)]))
}

/// Nothing changes until the link is used.
async fn send(store: &Store, user: &accounts::User) -> Result<Output, CliError> {
    let Some(email) = &user.confirmed_email else {
        return Err(match &user.email {
            Some(email) => CliError::refused(format!(
                "The email address {email} of the user {} is not confirmed; occ user:setting {} settings email {email} \
                 confirms it",
                user.id, user.id
            )),
            None => no_address(&user.id),
        });
    };
    if !user.enabled {
        return Err(CliError::refused(format!("The user {} is disabled", user.id)));
    }
    needs_mail_server(store)?;
    let passwords = store.local().await?.passwords(&store.accounts);
    let reset = PasswordReset::new((*store.accounts).clone(), passwords, ResetSettings::default());
    reset.request(user.id.as_str(), None).await.map_err(|error| match error {
        RequestError::Store(error) => error.into(),
        error => CliError::unavailable(error.to_string()),
    })?;
    Ok(Output::done([format!("Password reset link to {email} is waiting to be sent")]))
}

/// A text that cannot be a password at all.
pub(super) fn impossible(error: impl std::fmt::Display) -> CliError {
    CliError::refused(error.to_string())
}

/// Why a password was not set, in the words that people know.
pub(super) fn set_failure(error: SetError) -> CliError {
    match error {
        SetError::NoSuchUser => CliError::refused(MISSING),
        SetError::NotLocal { backend } => {
            CliError::refused(format!("{READ_ONLY} The password is kept by the backend {backend}"))
        }
        SetError::Refused(broken) => CliError::refused(broken),
        SetError::Store(error) => error.into(),
        SetError::Hasher(error) => CliError::unavailable(error.to_string()),
        error => CliError::new(error.to_string()),
    }
}
