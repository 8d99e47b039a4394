//! The commands `group:…`.

use std::pin::pin;

use accounts::{AccountsError, Group, GroupDisplayName, GroupFilter, GroupId, UserFilter, UserId};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use crate::Call;
use crate::cli::{GroupAddArgs, GroupCommand, GroupListArgs, MemberArgs};
use crate::exit::CliError;
use crate::listing::{Listing, Shape};
use crate::output::Output;
use crate::store::{self, Missing, Store};

/// How many groups are read at a time.
const PAGE: u64 = 500;

pub(crate) async fn run(call: Call<'_>, command: GroupCommand) -> Result<Output, CliError> {
    let missing = if matches!(command, GroupCommand::Add(_)) { Missing::Create } else { Missing::Refuse };
    let store = store::open(call.common, missing).await?;
    match command {
        GroupCommand::Add(args) => add(&store, &args).await,
        GroupCommand::AddUser(args) => change(&store, &args, Change::Join).await,
        GroupCommand::Delete(args) => delete(&store, &args.group).await,
        GroupCommand::Info(args) => info(&store, &args.group).await,
        GroupCommand::List(args) => list(call, &store, &args).await,
        GroupCommand::RemoveUser(args) => change(&store, &args, Change::Leave).await,
        GroupCommand::SubadminAdd(args) => change(&store, &args, Change::Appoint).await,
        GroupCommand::SubadminList(args) => subadmins(&store, &args.group).await,
        GroupCommand::SubadminRemove(args) => change(&store, &args, Change::Dismiss).await,
    }
}

async fn add(store: &Store, args: &GroupAddArgs) -> Result<Output, CliError> {
    // Scripts know this refusal by 2.
    let id = GroupId::for_new(&args.group).map_err(|error| CliError::refused_as_usage(error.to_string()))?;
    let name = args.display_name.as_deref().map(GroupDisplayName::parse_optional).transpose();
    let name = name.map_err(|error| CliError::refused_as_usage(error.to_string()))?.flatten();
    match store.accounts.groups().create(&id, name).await {
        Ok(_) => Ok(Output::done([format!("Created group \"{id}\"")])),
        Err(AccountsError::AlreadyExists { .. }) => {
            Err(CliError::refused(format!("Group \"{id}\" already exists.")))
        }
        Err(error) => Err(error.into()),
    }
}

async fn delete(store: &Store, group: &str) -> Result<Output, CliError> {
    let unknown = || CliError::refused(format!("Group \"{group}\" does not exist."));
    let id = GroupId::parse(group).map_err(|_| unknown())?;
    match store.accounts.groups().delete(&id).await {
        Ok(()) => Ok(Output::done([format!("Group \"{id}\" was removed")])),
        Err(AccountsError::Protected { .. }) => {
            Err(CliError::refused(format!("Group \"{id}\" could not be deleted.")))
        }
        Err(AccountsError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}

async fn info(store: &Store, group: &str) -> Result<Output, CliError> {
    let unknown = || CliError::refused(format!("Group \"{group}\" does not exist."));
    let id = GroupId::parse(group).map_err(|_| unknown())?;
    let found = store.accounts.groups().find(&id).await?.ok_or_else(unknown)?;
    Ok(Output::tree(json!({
        "groupID": found.id,
        "displayName": found.display_name_or_id(),
        "members": found.members,
        "disabled": found.disabled,
        "subadmins": store.accounts.groups().subadmins(&id).await?,
    })))
}

async fn list(call: Call<'_>, store: &Store, args: &GroupListArgs) -> Result<Output, CliError> {
    let mut listing = Listing::begin(call, Shape::Map);
    let (mut left, mut offset) = (args.window.limit, args.window.offset);
    while left > 0 {
        let wanted = left.min(PAGE);
        let page = store.accounts.groups().list(&GroupFilter::new().limit(wanted).offset(offset)).await?;
        let printed = u64::try_from(page.len()).unwrap_or(u64::MAX);
        for group in &page {
            if !listing.entry(group.id.as_str(), about(store, group, args.info).await?).await? {
                return listing.end().await;
            }
        }
        if printed < wanted {
            break;
        }
        (left, offset) = (left - printed, offset.saturating_add(printed));
    }
    listing.end().await
}

/// Its members, and more about it where that is wanted.
async fn about(store: &Store, group: &Group, info: bool) -> Result<Value, CliError> {
    let mut members: Vec<Value> = Vec::new();
    let mut users = pin!(store.accounts.users().stream(UserFilter::new().group(group.id.clone())));
    while let Some(user) = users.try_next().await? {
        members.push(user.id.as_str().into());
    }
    if !info {
        return Ok(members.into());
    }
    Ok(json!({ "displayName": group.display_name_or_id(), "disabled": group.disabled, "users": members }))
}

/// Membership operations.
#[derive(Clone, Copy, Debug)]
enum Change {
    Appoint,
    Dismiss,
    Join,
    Leave,
}

/// Says nothing when it worked.
async fn change(store: &Store, args: &MemberArgs, change: Change) -> Result<Output, CliError> {
    let no_group = || CliError::refused("group not found");
    let no_user = || CliError::refused("user not found");
    let group = GroupId::parse(&args.group).map_err(|_| no_group())?;
    let user = UserId::parse(&args.user).map_err(|_| no_user())?;
    let groups = store.accounts.groups();
    let done = match change {
        Change::Appoint => groups.add_subadmin(&group, &user).await,
        Change::Dismiss => groups.remove_subadmin(&group, &user).await,
        Change::Join => groups.add_member(&group, &user).await,
        Change::Leave => groups.remove_member(&group, &user).await,
    };
    match done {
        Ok(_) => Ok(Output::done::<String>([])),
        Err(AccountsError::NotFound { what: "group", .. }) => Err(no_group()),
        Err(AccountsError::NotFound { what: "user", .. }) => Err(no_user()),
        Err(error) => Err(error.into()),
    }
}

async fn subadmins(store: &Store, group: &str) -> Result<Output, CliError> {
    let unknown = || CliError::refused("group not found");
    let id = GroupId::parse(group).map_err(|_| unknown())?;
    match store.accounts.groups().subadmins(&id).await {
        Ok(found) => Ok(Output::tree(found.iter().map(UserId::as_str).collect::<Value>())),
        Err(AccountsError::NotFound { .. }) => Err(unknown()),
        Err(error) => Err(error.into()),
    }
}
