//! Descriptions: apps, settings, passwords, and what stands around.

use crate::provisioning::operation::{About, Answered, Kind, NO_PATH, Param, Tag};
use crate::provisioning::schema as shape;

const NO_APP: Answered = (998, "there is no such app");
const NOT_SETTABLE: Answered =
    (403, "no app can have this id, the key cannot be set, or its value makes no sense");

pub(super) fn app_list() -> About {
    const PARAMS: &[Param] =
        &[Param::text("filter", "Only those that are on, or off").words(&["enabled", "disabled"])];
    About::new(Tag::Apps, "Lists the ids of apps", shape::named_list("apps"))
        .params(PARAMS)
        .codes(&[(101, "the filter is another word")])
}

pub(super) fn app_info() -> About {
    About::new(Tag::Apps, "Tells what an app says about itself", shape::app()).codes(&[NO_APP])
}

pub(super) fn app_enable() -> About {
    About::new(Tag::Apps, "Switches an app on", shape::nothing()).codes(&[NO_APP])
}

pub(super) fn app_disable() -> About {
    About::new(Tag::Apps, "Switches an app off", shape::nothing()).codes(&[(403, "it is always on")])
}

pub(super) fn config_apps() -> About {
    About::new(Tag::Settings, "Lists the apps that may have settings", shape::wrapped(shape::list()))
}

pub(super) fn keys() -> About {
    About::new(Tag::Settings, "Lists the settings of an app that are set", shape::wrapped(shape::list()))
        .codes(&[NOT_SETTABLE])
}

pub(super) fn key_get() -> About {
    const PARAMS: &[Param] = &[Param::text("defaultValue", "What is answered if it is not set")];
    About::new(Tag::Settings, "Tells the value of a setting", shape::wrapped(shape::text("The value")))
        .params(PARAMS)
        .codes(&[NOT_SETTABLE])
}

pub(super) fn key_set() -> About {
    const PARAMS: &[Param] = &[Param::text("value", "The value").required()];
    About::new(Tag::Settings, "Sets a setting", shape::nothing()).params(PARAMS).codes(&[NOT_SETTABLE])
}

pub(super) fn key_delete() -> About {
    About::new(Tag::Settings, "Takes the value of a setting away", shape::nothing()).codes(&[NOT_SETTABLE])
}

const NO_PREFERENCES: Answered = (400, "no app here has settings of this kind");

pub(super) fn preference_set() -> About {
    const PARAMS: &[Param] = &[Param::text("configValue", "The value").required()];
    About::new(Tag::Settings, "Sets a preference of one's own", shape::nothing())
        .params(PARAMS)
        .codes(&[NO_PREFERENCES])
}

pub(super) fn preference_delete() -> About {
    About::new(Tag::Settings, "Takes a preference of one's own away", shape::nothing())
        .codes(&[NO_PREFERENCES])
}

pub(super) fn preferences_set() -> About {
    const PARAMS: &[Param] = &[Param::new("configs", Kind::Map, "The values by key")];
    About::new(Tag::Settings, "Sets preferences of one's own", shape::nothing())
        .params(PARAMS)
        .codes(&[NO_PREFERENCES])
}

pub(super) fn preferences_delete() -> About {
    const PARAMS: &[Param] = &[Param::new("configKeys", Kind::List, "The keys")];
    About::new(Tag::Settings, "Takes preferences of one's own away", shape::nothing())
        .params(PARAMS)
        .codes(&[NO_PREFERENCES])
}

const OFF: Answered = (NO_PATH, "the password policy is switched off");

pub(super) fn generate() -> About {
    About::new(Tag::Passwords, "Makes a password that the policy accepts", shape::named_text("password"))
        .codes(&[OFF])
}

pub(super) fn validate() -> About {
    const PARAMS: &[Param] = &[Param::new("password", Kind::Secret, "The password").required()];
    About::new(Tag::Passwords, "Tells whether the policy accepts a password", shape::judged())
        .params(PARAMS)
        .codes(&[OFF])
}

const NONE_IN_USE: Answered = (403, "the caller did not sign in with an app password");

pub(super) fn app_password() -> About {
    const CODES: &[Answered] = &[(
        403,
        "the caller signed in with an app password, or with the cookie of a page, and not with the password",
    )];
    About::new(Tag::Passwords, "Makes an app password for the caller", shape::named_text("apppassword"))
        .codes(CODES)
}

pub(super) fn app_password_rotate() -> About {
    let new = shape::named_text("newpassword");
    About::new(Tag::Passwords, "Replaces the app password that the caller signed in with", new)
        .codes(&[NONE_IN_USE])
}

pub(super) fn app_password_delete() -> About {
    let summary = "Ends the app password that the caller signed in with";
    About::new(Tag::Passwords, summary, shape::nothing()).codes(&[NONE_IN_USE])
}

pub(super) fn person_check() -> About {
    const PARAMS: &[Param] = &[
        Param::text("login", "The name").required(),
        Param::new("password", Kind::Secret, "The password").required(),
    ];
    About::new(Tag::Passwords, "Tells whether a name and a password belong together", shape::person())
        .params(PARAMS)
        .codes(&[
            (101, "one of them is missing"),
            (102, "they do not"),
            (403, "passwords are not taken over plain HTTP from other machines"),
        ])
}

pub(super) fn capabilities() -> About {
    About::new(Tag::Around, "Tells what the server can do", shape::capabilities())
}

pub(super) fn service() -> About {
    About::new(Tag::Around, "Tells what the server is", shape::service())
}
