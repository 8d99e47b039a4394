//! Texts of the API documentation: chapters, parameters and codes.
//!
//! The OpenAPI document and the HTML page use them.

use utoipa::openapi::Tag as OpenApiTag;

use super::envelope::code::Code;

/// A chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Users,
    Groups,
    Apps,
    Settings,
    Passwords,
    Service,
    Operators,
    Server,
}

impl Tag {
    /// All of them, in the order of the page.
    pub(crate) const ALL: &[Self] = &[
        Self::Users,
        Self::Groups,
        Self::Apps,
        Self::Settings,
        Self::Passwords,
        Self::Service,
        Self::Operators,
        Self::Server,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Apps => "apps",
            Self::Settings => "settings",
            Self::Passwords => "passwords",
            Self::Service => "around",
            Self::Operators => "operators",
            Self::Server => "server",
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Users => "Users: accounts, their data, and the groups that they are in and administer",
            Self::Groups => "Groups",
            Self::Apps => "Apps: the features of this server that can be switched, and installed apps",
            Self::Settings => "Settings of apps. Answers are wrapped once more in data",
            Self::Passwords => "Passwords: whether one fits a name, whether one may be chosen",
            Self::Service => "What the server is and can do",
            Self::Operators => {
                "Running the server: backends, limits on guessing, pins, audit log, mail, configuration"
            }
            Self::Server => "For operators: health, metrics, this description",
        }
    }

    pub(crate) fn to_openapi(self) -> OpenApiTag {
        let mut tag = OpenApiTag::new(self.name());
        tag.description = Some(self.text().to_owned());
        tag
    }
}

/// Type of a parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParamKind {
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
pub(crate) struct Param {
    pub(crate) name: &'static str,
    pub(crate) kind: ParamKind,
    pub(crate) required: bool,
    pub(crate) text: &'static str,
    /// The words that it may be, if they are few.
    pub(crate) words: &'static [&'static str],
}

impl Param {
    pub(crate) const fn new(name: &'static str, kind: ParamKind, text: &'static str) -> Self {
        Self { name, kind, required: false, text, words: &[] }
    }

    pub(crate) const fn text(name: &'static str, text: &'static str) -> Self {
        Self::new(name, ParamKind::Text, text)
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn words(mut self, words: &'static [&'static str]) -> Self {
        self.words = words;
        self
    }
}

/// Documents that the path does not exist: 998 in version 1, 404 in version 2.
pub(crate) const UNKNOWN_PATH: Code = Code::of_endpoint(0);

/// A code of the envelope, and when it is answered.
///
/// A failure without a message has this text as its hint.
pub(crate) type ResponseDoc = (Code, &'static str);
