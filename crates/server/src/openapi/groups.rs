//! Descriptions: groups.

use super::users::RANGE;
use crate::provisioning::operation::{About, Answered, Param, Tag};
use crate::provisioning::schema as shape;

const ABSENT: &str = "there is no such group";

pub(super) fn list() -> About {
    About::new(Tag::Groups, "Lists the ids of groups", shape::named_list("groups")).params(RANGE)
}

pub(super) fn details() -> About {
    About::new(Tag::Groups, "Lists groups with their counts", shape::groups()).params(RANGE)
}

pub(super) fn users() -> About {
    About::new(Tag::Groups, "Lists the ids of a group's members", shape::named_list("users"))
        .codes(&[(403, "you do not administer the group"), (404, ABSENT)])
}

pub(super) fn users_details() -> About {
    About::new(Tag::Groups, "Lists a group's members with everything about them, by id", shape::details())
        .params(RANGE)
        .codes(&[(998, "there is no such group, or you do not administer it")])
}

pub(super) fn subadmins() -> About {
    About::new(Tag::Groups, "Lists the sub-admins of a group", shape::list()).codes(&[(101, ABSENT)])
}

pub(super) fn create() -> About {
    const PARAMS: &[Param] = &[
        Param::text("groupid", "Its id; letter case counts").required(),
        Param::text("displayname", "What it is called"),
    ];
    About::new(Tag::Groups, "Creates a group", shape::nothing())
        .params(PARAMS)
        .codes(&[(101, "the id or the name is none that can be taken"), (102, "there is a group of this id")])
}

pub(super) fn edit() -> About {
    const PARAMS: &[Param] = &[
        Param::text("key", "The field").required().words(&["displayname"]),
        Param::text("value", "The new name").required(),
    ];
    const CODES: &[Answered] = &[
        (101, "the name is none that can be taken"),
        (998, ABSENT),
        (999, "nothing but the display name can be changed"),
    ];
    About::new(Tag::Groups, "Renames a group", shape::nothing()).params(PARAMS).codes(CODES)
}

pub(super) fn delete() -> About {
    About::new(Tag::Groups, "Deletes a group; its members stay", shape::nothing())
        .codes(&[(101, ABSENT), (102, "the group admin stays")])
}
