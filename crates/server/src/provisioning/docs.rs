//! Texts of the API documentation: chapters, parameters and codes.
//!
//! The OpenAPI document and the HTML page use them.

use utoipa::openapi::schema::{SchemaFormat, SchemaType};
use utoipa::openapi::{ObjectBuilder, Tag as OpenApiTag, Type};

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
pub(crate) struct ParamDoc {
    pub(crate) name: &'static str,
    pub(crate) kind: ParamKind,
    pub(crate) required: bool,
    pub(crate) text: &'static str,
    /// The words that it may be, if they are few.
    pub(crate) words: &'static [&'static str],
    /// The form of each of its texts.
    pub(crate) form: TextForm,
}

/// The form of a text: what an endpoint takes, as JSON Schema says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextForm {
    /// A regular expression (ECMA-262).
    pub(crate) pattern: Option<&'static str>,
    /// Fewest and most characters.
    pub(crate) length: (usize, Option<usize>),
    /// A format with a name, such as `email`.
    pub(crate) format: Option<&'static str>,
}

impl TextForm {
    /// Any text.
    pub(crate) const ANY: Self = Self { pattern: None, length: (0, None), format: None };

    /// The id of a user who exists, as it may stand in a path.
    pub(crate) const USER: Self = Self::of(
        "^[^\\s\\u0000-\\u001F\\u007F]([^\\u0000-\\u001F\\u007F]*[^\\s\\u0000-\\u001F\\u007F])?$",
        255,
    );

    /// The id of a user who is to be created.
    pub(crate) const NEW_USER: Self =
        Self::of("^([A-Za-z0-9_'-]|[A-Za-z0-9_.'-][A-Za-z0-9 _.@'-]{0,62}[A-Za-z0-9_'-])$", 64);

    /// The id of a group that exists.
    pub(crate) const GROUP: Self = Self::of(
        "^[^\\s\\u0000-\\u001F\\u007F]([^\\u0000-\\u001F\\u007F]*[^\\s\\u0000-\\u001F\\u007F])?$",
        255,
    );

    /// The id of a group that is to be created: not `0`, no dot at the end, no `@` at either.
    pub(crate) const NEW_GROUP: Self = Self::of(
        "^([^\\s\\u0000-\\u001F\\u007F@.0]|[^\\s\\u0000-\\u001F\\u007F@][^\\u0000-\\u001F\\u007F]*[^\\s\\u0000-\\u001F\\u007F@.])$",
        255,
    );

    /// The id of an app.
    pub(crate) const APP: Self = Self::of("^[A-Za-z0-9_-]([.]?[A-Za-z0-9_-])*$", 100);

    /// The name of a setting.
    pub(crate) const KEY: Self = Self::of("^[ -~]+$", 255);

    /// The number of a service token.
    pub(crate) const NUMBER: Self = Self::of("^[0-9]+$", 18);

    /// A mail address.
    pub(crate) const EMAIL: Self = Self { format: Some("email"), ..Self::ANY };

    /// Two letters of a country.
    pub(crate) const COUNTRY: Self = Self::of("^[A-Za-z]{2}$", 2);

    /// A quota.
    pub(crate) const QUOTA: Self = Self::of("^(none|default|[0-9]{1,6}([.][0-9]{1,3})? ?([KMGT]?B))$", 32);

    /// A language, perhaps with a country.
    pub(crate) const LANGUAGE: Self = Self::of("^[a-z]{2,3}([_-][A-Za-z0-9]{2,8})?$", 12);

    /// At most this many characters.
    pub(crate) const fn at_most(most: usize) -> Self {
        Self { length: (0, Some(most)), ..Self::ANY }
    }

    const fn of(pattern: &'static str, most: usize) -> Self {
        Self { pattern: Some(pattern), length: (1, Some(most)), format: None }
    }

    /// As keywords of JSON Schema.
    pub(crate) fn schema(self) -> ObjectBuilder {
        let mut text = ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).pattern(self.pattern);
        let (fewest, most) = self.length;
        text = text.min_length((fewest > 0).then_some(fewest)).max_length(most);
        text.format(self.format.map(|format| SchemaFormat::Custom(format.to_owned())))
    }
}

impl ParamDoc {
    pub(crate) const fn new(name: &'static str, kind: ParamKind, text: &'static str) -> Self {
        Self { name, kind, required: false, text, words: &[], form: TextForm::ANY }
    }

    pub(crate) const fn text(name: &'static str, text: &'static str) -> Self {
        Self::new(name, ParamKind::Text, text)
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn form(mut self, form: TextForm) -> Self {
        self.form = form;
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
