//! What one operation takes and answers, in the words that both the document and the page are made of.

use utoipa::openapi::schema::Schema;
use utoipa::openapi::{RefOr, Tag as Described};

/// A chapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
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
    pub(crate) const ALL: &[Self] =
        &[Self::Users, Self::Groups, Self::Apps, Self::Settings, Self::Passwords, Self::Around, Self::Server];

    pub(crate) fn name(self) -> &'static str {
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

    pub(crate) fn text(self) -> &'static str {
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

    pub(crate) fn described(self) -> Described {
        let mut tag = Described::new(self.name());
        tag.description = Some(self.text().to_owned());
        tag
    }
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
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
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    pub(crate) text: &'static str,
    /// The words that it may be, if they are few.
    pub(crate) words: &'static [&'static str],
}

impl Param {
    pub(crate) const fn new(name: &'static str, kind: Kind, text: &'static str) -> Self {
        Self { name, kind, required: false, text, words: &[] }
    }

    pub(crate) const fn text(name: &'static str, text: &'static str) -> Self {
        Self::new(name, Kind::Text, text)
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

/// The code that says that there is no such path: it is shown as 998 in version 1 and as 404 in version 2.
pub(crate) const NO_PATH: u16 = 0;

/// A code of the envelope, and when it is answered.
pub(crate) type Answered = (u16, &'static str);

/// What one operation takes and answers.
#[derive(Clone)]
pub(crate) struct About {
    pub(crate) tag: Tag,
    /// A sentence.
    pub(crate) summary: &'static str,
    /// What else is to be said.
    pub(crate) more: &'static str,
    pub(crate) params: &'static [Param],
    /// Either these or the others.
    pub(crate) or_params: &'static [Param],
    /// What is answered beside what every route answers.
    pub(crate) codes: &'static [Answered],
    /// What stands under `data` when it worked.
    pub(crate) data: RefOr<Schema>,
}

impl About {
    pub(crate) fn new(tag: Tag, summary: &'static str, data: impl Into<RefOr<Schema>>) -> Self {
        Self { tag, summary, more: "", params: &[], or_params: &[], codes: &[], data: data.into() }
    }

    pub(crate) fn more(mut self, more: &'static str) -> Self {
        self.more = more;
        self
    }

    pub(crate) fn params(mut self, params: &'static [Param]) -> Self {
        self.params = params;
        self
    }

    pub(crate) fn or_params(mut self, params: &'static [Param]) -> Self {
        self.or_params = params;
        self
    }

    pub(crate) fn codes(mut self, codes: &'static [Answered]) -> Self {
        self.codes = codes;
        self
    }
}
