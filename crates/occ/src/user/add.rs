//! `user:add`: a user with password, groups and mail address, all of it or nothing.

use accounts::{AccountsError, DisplayName, EmailAddress, GroupId, NewUser, Person, SetError, UserId};
use user_backend::Password;
use user_backend::clock::{later, now};
use zeroize::Zeroizing;

use super::reset::{impossible, set_failure};
use super::{NO_MAIL_SERVER, needs_mail_server, unconfirmed};
use crate::Call;
use crate::cli::UserAddArgs;
use crate::exit::CliError;
use crate::output::Output;
use crate::password;
use crate::store::{self, HASHING_TIMEOUT, Missing, policy_failure};

pub(super) async fn run(call: Call<'_>, args: UserAddArgs) -> Result<Output, CliError> {
    let store = store::open(call.common, Missing::Create).await?;
    let accounts = &store.accounts;
    // Everything that can be wrong is found before a person is asked to type a password twice.
    let id = UserId::for_new(&args.user).map_err(|error| CliError::refused(error.to_string()))?;
    let taken = || CliError::refused(format!("The user \"{id}\" already exists."));
    if accounts.users().find(&id).await?.is_some() {
        return Err(taken());
    }
    let groups: Vec<GroupId> =
        args.groups.iter().map(|group| GroupId::parse(group)).collect::<Result<_, _>>()?;
    let email = args.email.as_deref().map(EmailAddress::parse).transpose()?;
    let display_name = args.display_name.as_deref().map(DisplayName::parse_optional).transpose()?.flatten();

    if args.generate_password && email.is_some() {
        // No one could choose a password.
        needs_mail_server(&store)?;
    }
    let local = store.local().await?;
    let person = Person {
        id: id.as_str(),
        display_name: args.display_name.as_deref(),
        email: email.as_ref().map(EmailAddress::as_str),
    };
    let typed = if args.generate_password {
        Zeroizing::new(local.rules.generate(&person).map_err(policy_failure)?.expose().to_owned())
    } else {
        let (question, again) = ("Enter password: ", "Confirm password: ");
        password::read_new(call.common, args.password, question, again, "a password").await?
    };
    let password = Password::parse(typed.as_str()).map_err(impossible)?;
    let hash = local.passwords(accounts).first(person, &password, later(now(), HASHING_TIMEOUT)).await;
    let hash = hash.map_err(|error: SetError| set_failure(error))?;

    let mut new = NewUser::new(id.clone()).password(hash).create_missing_groups();
    let mut created = Vec::new();
    for group in &groups {
        if !accounts.groups().exists(group).await? && !created.contains(&group) {
            created.push(group);
        }
        new = new.group(group.clone());
    }
    if let Some(name) = display_name {
        new = new.display_name(name);
    }
    if let Some(email) = email {
        new = new.email(email);
    }
    let user = match accounts.users().create(new).await {
        Ok(user) => user,
        Err(error) if error.is_ban() => {
            let text = format!("The name \"{id}\" is banned: occ user:unban {id} lifts that");
            return Err(CliError::refused(text));
        }
        Err(AccountsError::AlreadyExists { .. }) => return Err(taken()),
        Err(error) => return Err(error.into()),
    };

    let mut lines = vec![format!("The user \"{id}\" was created successfully")];
    if let Some(name) = &user.display_name {
        lines.push(format!("Display name set to \"{name}\""));
    }
    for group in &groups {
        if created.contains(&group) {
            lines.push(format!("Created group \"{group}\""));
        }
        lines.push(format!("User \"{id}\" added to group \"{group}\""));
    }
    match &user.email {
        Some(email) => {
            lines.extend(user.pending_email().map(unconfirmed));
            lines.push(if store.server.mail.is_none() {
                format!("Unable to send the welcome email to {email}: {NO_MAIL_SERVER}")
            } else {
                match accounts.outbox().welcome(&id, args.generate_password).await {
                    Ok(()) => format!("Welcome email to {email} is waiting to be sent"),
                    Err(AccountsError::Full) => {
                        format!("Too many welcome emails were sent to {email} today: no other is sent")
                    }
                    Err(error) => return Err(error.into()),
                }
            });
        }
        None if args.generate_password => lines.push(
            "The password is random and there is no mail address to send a link to: set one with occ user:resetpassword"
                .to_owned(),
        ),
        None => {}
    }
    Ok(Output::done(lines))
}
