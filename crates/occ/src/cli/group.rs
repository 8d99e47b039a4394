//! Command line of `group:…`.

use clap::{Args, Subcommand};

use super::{Window, exits};

/// The commands `group:…`.
#[derive(Debug, Subcommand)]
pub(crate) enum GroupCommand {
    /// Create a group
    #[command(name = "group:add", after_help = ADD_HELP)]
    Add(AddArgs),
    /// Make a user a member of a group
    #[command(name = "group:adduser", after_help = ADDUSER_HELP)]
    AddUser(MemberArgs),
    /// Delete a group; its members stay, without it
    #[command(name = "group:delete", after_help = DELETE_HELP)]
    Delete(GroupArg),
    /// Show a group
    #[command(name = "group:info", after_help = INFO_HELP)]
    Info(GroupArg),
    /// List the groups and their members
    #[command(name = "group:list", after_help = LIST_HELP)]
    List(ListArgs),
    /// End a user's membership in a group
    #[command(name = "group:removeuser", after_help = REMOVEUSER_HELP)]
    RemoveUser(MemberArgs),
    /// Let a user administer a group
    #[command(name = "group:subadmin:add", after_help = SUBADMIN_ADD_HELP)]
    SubadminAdd(MemberArgs),
    /// List who administers a group
    #[command(name = "group:subadmin:list", after_help = SUBADMIN_LIST_HELP)]
    SubadminList(GroupArg),
    /// Let a user administer a group no longer
    #[command(name = "group:subadmin:remove", after_help = SUBADMIN_REMOVE_HELP)]
    SubadminRemove(MemberArgs),
}

/// One group.
#[derive(Args, Debug)]
pub(crate) struct GroupArg {
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
}

/// A group and a user.
#[derive(Args, Debug)]
pub(crate) struct MemberArgs {
    /// The group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
    /// The user
    #[arg(value_name = "USER")]
    pub(crate) user: String,
}

/// Arguments of `group:add`.
#[derive(Args, Debug)]
pub(crate) struct AddArgs {
    /// The id of the new group
    #[arg(value_name = "GROUP")]
    pub(crate) group: String,
    /// Display name of the group
    #[arg(long, value_name = "NAME")]
    pub(crate) display_name: Option<String>,
}

/// Arguments of `group:list`.
#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    #[command(flatten)]
    pub(crate) window: Window,
    /// Show details of each
    #[arg(short, long)]
    pub(crate) info: bool,
}

const ADD_HELP: &str = concat!(
    "\
Examples:
  occ group:add staff --display-name \"Staff\"

",
    exits!("the group was created")
);

const ADDUSER_HELP: &str = concat!(
    "\
Prints nothing on success, also if the user was a member already.

Examples:
  occ group:adduser staff alice

",
    exits!("the user is a member")
);

const DELETE_HELP: &str = concat!(
    "\
The group admin cannot be deleted.

Examples:
  occ group:delete staff

",
    exits!("the group was deleted")
);

const INFO_HELP: &str = concat!(
    "\
Examples:
  occ group:info staff
  occ group:info staff --output=json | jq .members

",
    exits!("printed")
);

const LIST_HELP: &str = concat!(
    "\
Sorted by id. Long lists are streamed.

Examples:
  occ group:list
  occ group:list --info --output=json

",
    exits!("listed")
);

const REMOVEUSER_HELP: &str = concat!(
    "\
Prints nothing on success, also if the user was no member. The last enabled administrator cannot be \
removed from the group admin.

Examples:
  occ group:removeuser staff alice

",
    exits!("the user is no member")
);

const SUBADMIN_ADD_HELP: &str = concat!(
    "\
A sub-admin manages the members of a group and need not be one. Prints nothing on success.

Examples:
  occ group:subadmin:add staff alice

",
    exits!("the user administers the group")
);

const SUBADMIN_LIST_HELP: &str = concat!(
    "\
Examples:
  occ group:subadmin:list staff

",
    exits!("listed")
);

const SUBADMIN_REMOVE_HELP: &str = concat!(
    "\
Prints nothing on success.

Examples:
  occ group:subadmin:remove staff alice

",
    exits!("the user does not administer the group")
);
