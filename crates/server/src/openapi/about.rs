//! What one operation takes and answers, in the words that both the document and the page are made of.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Tag as Described};

use super::{groups, rest, users};
use crate::ocs::route::Endpoint;

/// A chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tag {
    Users,
    Groups,
    Apps,
    Settings,
    Passwords,
    Around,
    Server,
}

impl Tag {
    /// All of them, in the order of the page.
    pub(super) const ALL: &[Self] =
        &[Self::Users, Self::Groups, Self::Apps, Self::Settings, Self::Passwords, Self::Around, Self::Server];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Apps => "apps",
            Self::Settings => "settings",
            Self::Passwords => "passwords",
            Self::Around => "around",
            Self::Server => "server",
        }
    }

    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Users => {
                "Users: who there is, what is known about them, which groups they are in and administer"
            }
            Self::Groups => "Groups",
            Self::Apps => "Apps: the features of this server that can be switched, and installed apps",
            Self::Settings => "Settings of apps. Answers are wrapped once more in data",
            Self::Passwords => "Passwords: whether one fits a name, whether one may be chosen",
            Self::Around => "What the server is and can do",
            Self::Server => "For operators: health, metrics, this description",
        }
    }

    pub(super) fn described(self) -> Described {
        let mut tag = Described::new(self.name());
        tag.description = Some(self.text().to_owned());
        tag
    }
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// A text that programs show as dots.
    Secret,
    Number,
    /// A number that is not negative.
    Count,
    /// `name[]=a&name[]=b`
    List,
    /// `name[key]=value`
    Map,
    /// `name[key][]=value`
    Lists,
}

/// A parameter in the query or in the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) required: bool,
    pub(super) text: &'static str,
    /// The words that it may be, if they are few.
    pub(super) words: &'static [&'static str],
}

impl Param {
    pub(super) const fn new(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, kind, required: false, text, words: &[] }
    }

    pub(super) const fn text(name: &'static str, text: &'static str) -> Self {
        Self::new(name, Kind::Text, text)
    }

    pub(super) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(super) const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }
}

/// The code that says that there is no such path: it is shown as 998 in version 1 and as 404 in version 2.
pub(super) const NO_PATH: u16 = 0;

/// A code of the envelope, and when it is answered.
pub(super) type Answered = (u16, &'static str);

/// What one operation takes and answers.
#[derive(Clone)]
pub(super) struct About {
    pub(super) tag: Tag,
    /// A sentence.
    pub(super) summary: &'static str,
    /// What else is to be said.
    pub(super) more: &'static str,
    pub(super) params: &'static [Param],
    /// Either these or the others.
    pub(super) or_params: &'static [Param],
    /// What is answered beside what every route answers.
    pub(super) codes: &'static [Answered],
    /// What stands under `data` when it worked.
    pub(super) data: RefOr<Schema>,
}

impl About {
    pub(super) fn new(tag: Tag, summary: &'static str, data: impl Into<RefOr<Schema>>) -> Self {
        Self { tag, summary, more: "", params: &[], or_params: &[], codes: &[], data: data.into() }
    }

    pub(super) fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    pub(super) fn params(mut self, params: &'static [Param]) -> Self {
        self.params = params;
        self
    }

    pub(super) fn or_params(mut self, params: &'static [Param]) -> Self {
        self.or_params = params;
        self
    }

    pub(super) fn codes(mut self, codes: &'static [Answered]) -> Self {
        self.codes = codes;
        self
    }
}

/// The description of an operation. Whoever adds one adds a description, or nothing compiles.
#[rustfmt::skip]
pub(super) fn about(endpoint: Endpoint) -> About {
    match endpoint {
        Endpoint::AppDisable => rest::app_disable(),
        Endpoint::AppEnable => rest::app_enable(),
        Endpoint::AppInfo => rest::app_info(),
        Endpoint::AppKeyDelete => rest::key_delete(),
        Endpoint::AppKeyGet => rest::key_get(),
        Endpoint::AppKeySet => rest::key_set(),
        Endpoint::AppKeys => rest::keys(),
        Endpoint::AppList => rest::app_list(),
        Endpoint::AppPasswordDelete => rest::app_password_delete(),
        Endpoint::AppPasswordGet => rest::app_password(),
        Endpoint::AppPasswordRotate => rest::app_password_rotate(),
        Endpoint::Capabilities => rest::capabilities(),
        Endpoint::ConfigApps => rest::config_apps(),
        Endpoint::GroupCreate => groups::create(),
        Endpoint::GroupDelete => groups::delete(),
        Endpoint::GroupDetails => groups::details(),
        Endpoint::GroupEdit => groups::edit(),
        Endpoint::GroupList => groups::list(),
        Endpoint::GroupSubAdmins => groups::subadmins(),
        Endpoint::GroupUsers => groups::users(),
        Endpoint::GroupUsersDetails => groups::users_details(),
        Endpoint::PasswordGenerate => rest::generate(),
        Endpoint::PasswordValidate => rest::validate(),
        Endpoint::PersonCheck => rest::person_check(),
        Endpoint::PreferenceDelete => rest::preference_delete(),
        Endpoint::PreferenceSet => rest::preference_set(),
        Endpoint::PreferencesDelete => rest::preferences_delete(),
        Endpoint::PreferencesSet => rest::preferences_set(),
        Endpoint::ServiceInfo => rest::service(),
        Endpoint::UserApps => users::apps(),
        Endpoint::UserCreate => users::create(),
        Endpoint::UserDelete => users::delete(),
        Endpoint::UserDisable => users::disable(),
        Endpoint::UserEdit => users::edit(),
        Endpoint::UserEditCollection => users::edit_collection(),
        Endpoint::UserEnable => users::enable(),
        Endpoint::UserFields => users::fields(),
        Endpoint::UserFieldsOf => users::fields_of(),
        Endpoint::UserGet => users::get(),
        Endpoint::UserGroupAdd => users::group_add(),
        Endpoint::UserGroupRemove => users::group_remove(),
        Endpoint::UserGroups => users::groups(),
        Endpoint::UserGroupsDetails => users::groups_details(),
        Endpoint::UserList => users::list(),
        Endpoint::UserListDetails => users::list_details(),
        Endpoint::UserListDisabled => users::list_disabled(),
        Endpoint::UserListRecent => users::list_recent(),
        Endpoint::UserSearchByPhone => users::by_phone(),
        Endpoint::UserSelf => users::oneself(),
        Endpoint::UserSubAdminAdd => users::promote(),
        Endpoint::UserSubAdminRemove => users::demote(),
        Endpoint::UserSubAdmins => users::subadmins(),
        Endpoint::UserSubAdminsDetails => users::subadmins_details(),
        Endpoint::UserWelcome => users::welcome(),
        Endpoint::UserWipe => users::wipe(),
    }
}
