//! Where the login page sends users with a lost password, and the addresses in mails.
//!
//! Both come from the configuration only, never from what a request says about its host: otherwise
//! who asks for a reset could choose where the link in the mail leads.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use url::{Host, Url};

use zeroize::Zeroizing;

use crate::domain::Token;

/// Longest address that is taken, in bytes.
const MOST_BYTES: usize = 2000;

/// What `lost_password_link` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum LostPassword {
    /// Empty or absent: mails with links, for users whose password this system keeps.
    #[default]
    Mail,
    /// The login page points elsewhere; nothing is mailed.
    Elsewhere(Url),
    /// `disabled`: there is no link, and nothing is mailed.
    Disabled,
}

/// An address in the configuration cannot be used.
///
/// The address is not repeated: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// A space, a control character or a backslash, which programs read in different ways.
    #[error("the address has a character that no address has")]
    Character,
    /// A user name or a password.
    #[error("the address has a user name or a password in it")]
    Login,
    /// Neither `https://…` nor `http://…`.
    #[error("the address does not begin with https:// or http://")]
    NotWeb,
    /// Not `https://…`.
    #[error("the address must begin with https:// (http:// for this machine only)")]
    Scheme,
    /// More than 2000 bytes.
    #[error("the address is too long")]
    TooLong,
    /// A base address with a query or a fragment, to which nothing can be appended.
    #[error("the address must not have a ? or #")]
    Tail,
    /// No address at all.
    #[error("this is not an address")]
    Unreadable,
}

impl LostPassword {
    /// Reads the setting: empty, `disabled`, or an absolute address.
    ///
    /// # Errors
    /// [`LinkError`]; the program does not start with such a setting.
    pub fn parse(setting: &str) -> Result<Self, LinkError> {
        match setting {
            "" => Ok(Self::Mail),
            "disabled" => Ok(Self::Disabled),
            address => absolute(address).map(Self::Elsewhere),
        }
    }

    /// Whether this system mails links itself.
    pub fn is_mail(&self) -> bool {
        matches!(self, Self::Mail)
    }

    /// Where the login page leads users with a lost password, if it is another site.
    pub fn elsewhere(&self) -> Option<&Url> {
        match self {
            Self::Elsewhere(url) => Some(url),
            Self::Mail | Self::Disabled => None,
        }
    }
}

impl TryFrom<String> for LostPassword {
    type Error = String;

    fn try_from(setting: String) -> Result<Self, String> {
        Self::parse(&setting)
            .map_err(|error| format!("{error}, expected an https address, \"disabled\", or an empty text"))
    }
}

impl From<LostPassword> for String {
    fn from(setting: LostPassword) -> Self {
        setting.to_string()
    }
}

impl fmt::Display for LostPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail => Ok(()),
            Self::Elsewhere(url) => url.fmt(f),
            Self::Disabled => f.write_str("disabled"),
        }
    }
}

/// The public address of the server, with which links in mails begin.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct BaseUrl(Url);

impl BaseUrl {
    /// Reads an absolute address without query and fragment.
    ///
    /// # Errors
    /// [`LinkError`]; the program does not start with such a setting.
    pub fn parse(address: &str) -> Result<Self, LinkError> {
        let mut url = absolute(address).and_then(without_tail)?;
        if !url.path().ends_with('/') {
            let path = format!("{}/", url.path());
            url.set_path(&path);
        }
        of_moderate_length(url.as_str())?;
        Ok(Self(url))
    }

    /// The address, with a slash at its end.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The address of the page that takes this token.
    ///
    /// # Security
    /// With it, the password can be set. The page must answer with `Referrer-Policy: no-referrer`
    /// and `Cache-Control: no-store`, and nothing may log its path.
    pub fn reset_link(&self, token: &Token) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{RESET_PATH}{}", self.0, token.expose()))
    }

    /// The address of the page that confirms a mail address with this token.
    ///
    /// # Security
    /// As with [`Self::reset_link`], nothing may log its path.
    pub fn confirmation_link(&self, token: &Token) -> Zeroizing<String> {
        Zeroizing::new(format!("{}{CONFIRMATION_PATH}{}", self.0, token.expose()))
    }

    /// The address of the page that mails reset links.
    pub fn lost_password(&self) -> String {
        format!("{}lostpassword", self.0)
    }
}

/// Where the page is that takes a token, below the base address; the token follows.
pub const RESET_PATH: &str = "lostpassword/reset/";

/// The same for the page that confirms a mail address.
pub const CONFIRMATION_PATH: &str = "address/confirm/";

impl TryFrom<String> for BaseUrl {
    type Error = LinkError;

    fn try_from(address: String) -> Result<Self, LinkError> {
        Self::parse(&address)
    }
}

/// The address of a server: a [`BaseUrl`], or the same with `http` to any machine.
pub(crate) fn public_address(address: &str) -> Result<Url, LinkError> {
    web_address(address).and_then(without_tail)
}

fn without_tail(url: Url) -> Result<Url, LinkError> {
    if url.query().is_some() || url.fragment().is_some() { Err(LinkError::Tail) } else { Ok(url) }
}

/// An absolute address with a host: `https`, or `http` to this machine.
fn absolute(address: &str) -> Result<Url, LinkError> {
    let url = web_address(address).map_err(|error| match error {
        LinkError::NotWeb => LinkError::Scheme,
        error => error,
    })?;
    let here = match url.host().ok_or(LinkError::Unreadable)? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.is_loopback(),
    };
    if url.scheme() == "https" || here { Ok(url) } else { Err(LinkError::Scheme) }
}

/// An absolute address with a host, for a browser.
///
/// What a lenient reader would mend is refused.
fn web_address(address: &str) -> Result<Url, LinkError> {
    of_moderate_length(address)?;
    if address.contains(odd) {
        return Err(LinkError::Character);
    }
    let (scheme, rest) = address.split_once("://").ok_or(LinkError::NotWeb)?;
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(LinkError::NotWeb);
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.is_empty() {
        return Err(LinkError::Unreadable);
    }
    if authority.contains('@') {
        return Err(LinkError::Login);
    }
    let url = Url::parse(address).map_err(|_| LinkError::Unreadable)?;
    // What is beyond ASCII is longer now.
    of_moderate_length(url.as_str())?;
    // A host may have been written with %22, and has a quote then.
    if url.as_str().contains(odd) {
        return Err(LinkError::Character);
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(LinkError::Login);
    }
    url.has_host().then_some(url).ok_or(LinkError::Unreadable)
}

fn of_moderate_length(address: &str) -> Result<(), LinkError> {
    if address.len() > MOST_BYTES { Err(LinkError::TooLong) } else { Ok(()) }
}

/// Whether no address has this character, and programs read it in different ways.
fn odd(c: char) -> bool {
    c.is_control() || c.is_whitespace() || matches!(c, '\\' | '"' | '<' | '>' | '`')
}
