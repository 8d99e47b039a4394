//! Descriptions: users.

use crate::provisioning::operation::{About, Answered, Kind, Param, Tag};
use crate::provisioning::schema as shape;

/// A part of a list.
pub(super) const RANGE: &[Param] = &[
    Param::text("search", "Only those with this in id, display name or mail address, in any letter case"),
    Param::new("limit", Kind::Number, "At most so many; negative: all"),
    Param::new("offset", Kind::Count, "Without so many at the beginning"),
];

const STRICT_RANGE: &[Param] = &[
    Param::text("search", "Only those with this in id, display name or mail address, in any letter case"),
    Param::new("limit", Kind::Count, "At most so many"),
    Param::new("offset", Kind::Count, "Without so many at the beginning"),
];

const GROUP: &[Param] = &[Param::text("groupid", "The group").required()];

const KEY_VALUE: &[Param] = &[
    Param::text("key", "The field").required(),
    Param::text("value", "What it shall hold; empty takes away what was there").required(),
];

const HIDDEN: Answered = (998, "there is no such user, or you may not see them");

pub(super) fn list() -> About {
    About::new(Tag::Users, "Lists the ids of users", shape::named_list("users"))
        .more("Sub-admins see the members of the groups they administer.")
        .params(RANGE)
}

pub(super) fn list_details() -> About {
    About::new(Tag::Users, "Lists users with everything about them, by id", shape::details())
        .more("Somebody who may not be seen is an id and nothing else.")
        .params(RANGE)
}

pub(super) fn list_disabled() -> About {
    About::new(Tag::Users, "Lists users who may not sign in", shape::details()).params(STRICT_RANGE)
}

pub(super) fn list_recent() -> About {
    About::new(Tag::Users, "Lists users, those who signed in last first", shape::details())
        .params(STRICT_RANGE)
}

pub(super) fn create() -> About {
    const PARAMS: &[Param] = &[
        Param::text("userid", "The name to sign in with: a-z, A-Z, 0-9, blank and _.@-'"),
        Param::new("password", Kind::Secret, "Without one a link to set it is mailed"),
        Param::text("displayName", "What the user is called, at most 64 characters"),
        Param::text("email", "A mail address"),
        Param::new("groups", Kind::List, "The groups to be in; sub-admins must name one"),
        Param::new("subadmin", Kind::List, "The groups to administer"),
        Param::text("quota", "`none`, `default`, or a size such as `5 GB`"),
        Param::text("language", "A language, such as `de` or `pt_BR`"),
        Param::text("manager", "The id of the user's manager"),
        Param::text("backend", "Who checks the password: `local`, or the id of a backend. Admins only"),
    ];
    const CODES: &[Answered] = &[
        (
            101,
            "the id, the password, the mail address, the display name or the backend is none that can be taken",
        ),
        (102, "there is a user of this id; or quota, language or sub-admin group cannot be taken"),
        (103, "nobody can be made a sub-admin of the group admin"),
        (104, "there is no such group"),
        (105, "you do not administer the group"),
        (106, "sub-admins must name a group"),
        (107, "the password policy refuses the password, and says why"),
        (108, "neither a password nor a mail address was given"),
        (110, "a mail address is required here"),
        (111, "no free id was found"),
        (403, "only administrators name a backend; sub-admins promote within their groups"),
    ];
    About::new(Tag::Users, "Creates a user: everything that is asked for, or nothing", shape::id())
        .params(PARAMS)
        .codes(CODES)
}

pub(super) fn get() -> About {
    About::new(Tag::Users, "Tells everything about a user", shape::user())
        .codes(&[(404, "there is no such user (told to administrators)"), HIDDEN])
}

pub(super) fn oneself() -> About {
    About::new(Tag::Users, "Tells everything about whoever asks", shape::user())
        .codes(&[(998, "you were deleted a moment ago")])
}

pub(super) fn apps() -> About {
    About::new(Tag::Users, "Lists the apps that are on for whoever asks", shape::named_list("apps"))
}

pub(super) fn fields() -> About {
    About::new(Tag::Users, "Lists the fields that people may edit", shape::list())
}

pub(super) fn fields_of() -> About {
    About::new(Tag::Users, "Lists the fields of a user that may be edited", shape::list()).codes(&[HIDDEN])
}

pub(super) fn edit() -> About {
    const FIELDS: &[Param] =
        &[Param::new("fields", Kind::Map, "Several fields at once, all of them or none; not the password")
            .required()];
    const CODES: &[Answered] = &[
        (101, "the display name is too long"),
        (102, "the value cannot be taken"),
        (
            103,
            "there is no such field, or you may not edit it; or the password policy refuses the password, and says why",
        ),
        HIDDEN,
    ];
    About::new(Tag::Users, "Changes fields of a user", shape::nothing())
        .more(
            "Fields: displayname, email, password, quota, manager, additional_mail, notify_email, language, locale, timezone, \
             first_day_of_week, phone, address, website, twitter, bluesky, fediverse, organisation, role, headline, biography, \
             profile_enabled, pronouns, birthdate; and for oneself avatarScope, emailScope and so on.",
        )
        .params(KEY_VALUE)
        .or_params(FIELDS)
        .codes(CODES)
}

pub(super) fn edit_collection() -> About {
    const PARAMS: &[Param] = &[
        Param::text("key", "An address that is there").required(),
        Param::text("value", "What becomes of it; empty takes it away").required(),
    ];
    About::new(Tag::Users, "Changes one of several mail addresses", shape::nothing())
        .more(
            "The collection is additional_mail, or additional_mailScope to say who may see one of one's own.",
        )
        .params(PARAMS)
        .codes(&[
            (102, "there is no such address, or the value cannot be taken"),
            (103, "no such collection"),
            HIDDEN,
        ])
}

pub(super) fn delete() -> About {
    About::new(Tag::Users, "Deletes a user", shape::nothing())
        .codes(&[(101, "oneself, or the last administrator"), HIDDEN])
}

const SWITCHED: &[Answered] = &[(101, "nobody of this id, oneself, or the last administrator"), HIDDEN];

pub(super) fn enable() -> About {
    About::new(Tag::Users, "Lets a user sign in again", shape::nothing()).codes(SWITCHED)
}

pub(super) fn disable() -> About {
    About::new(Tag::Users, "Keeps a user from signing in, at once", shape::nothing()).codes(SWITCHED)
}

pub(super) fn wipe() -> About {
    About::new(
        Tag::Users,
        "Ends all app passwords of a user and asks their devices to wipe",
        shape::nothing(),
    )
    .codes(&[(101, "oneself"), HIDDEN])
}

pub(super) fn welcome() -> About {
    About::new(Tag::Users, "Mails the greeting to a user again", shape::nothing()).codes(&[
        (101, "the user has no mail address"),
        (102, "it could not be sent"),
        HIDDEN,
    ])
}

pub(super) fn groups() -> About {
    About::new(Tag::Users, "Lists the groups that a user is in", shape::named_list("groups"))
        .more("Sub-admins see those that they administer.")
        .codes(&[HIDDEN])
}

pub(super) fn groups_details() -> About {
    About::new(Tag::Users, "Lists the groups that a user is in, with their counts", shape::groups())
        .codes(&[HIDDEN])
}

pub(super) fn group_add() -> About {
    About::new(Tag::Users, "Puts a user into a group", shape::nothing())
        .more("Twice is as good as once.")
        .params(GROUP)
        .codes(&[
            (101, "no group was named"),
            (102, "there is no such group"),
            (103, "there is no such user, or none whom you may take in"),
            (104, "you do not administer the group"),
        ])
}

pub(super) fn group_remove() -> About {
    About::new(Tag::Users, "Takes a user out of a group", shape::nothing()).params(GROUP).codes(&[
        (101, "no group was named"),
        (102, "there is no such group"),
        (103, "there is no such user, or you may not see them"),
        (104, "you do not administer the group"),
        (105, "oneself, the last administrator, or the last group in which you administer the user"),
    ])
}

pub(super) fn subadmins() -> About {
    About::new(Tag::Users, "Lists the groups that a user administers", shape::list())
        .codes(&[(404, "there is no such user")])
}

pub(super) fn subadmins_details() -> About {
    About::new(Tag::Users, "Lists the groups that a user administers, with their counts", shape::groups())
        .codes(&[(404, "there is no such user")])
}

pub(super) fn promote() -> About {
    About::new(Tag::Users, "Makes a user a sub-admin of a group", shape::nothing()).params(GROUP).codes(&[
        (101, "there is no such user"),
        (102, "there is no such group"),
        (103, "nobody can be made a sub-admin of the group admin"),
    ])
}

pub(super) fn demote() -> About {
    About::new(Tag::Users, "Ends that a user is a sub-admin of a group", shape::nothing())
        .params(GROUP)
        .codes(&[(101, "there is no such user or no such group"), (102, "the user does not administer it")])
}

pub(super) fn by_phone() -> About {
    const PARAMS: &[Param] = &[
        Param::text("location", "A country in two letters").required(),
        Param::new("search", Kind::Lists, "Phone numbers with their country code, by a key of one's own"),
    ];
    About::new(Tag::Users, "Finds users by their phone numbers, by key", shape::texts_by_key())
        .params(PARAMS)
        .codes(&[(400, "`location` is no country")])
}
