//! What the mails say. The texts are templates in `templates/`: the first line is the subject, the rest the text.

use askama::Template;

use crate::service::mail::message::{EmailMessage, EmailMessageError, one_line};

/// Longest name in a text, in characters.
const MOST_NAME_CHARS: usize = 100;

/// The mail with the link to set a new password.
#[derive(Clone, Debug)]
pub struct ResetLinkMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// The link.
    pub link: &'a str,
    /// How long it works, in minutes.
    pub minutes: u64,
}

/// The notice that a password was changed.
#[derive(Clone, Debug)]
pub struct PasswordChangedMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// The address of the product.
    pub base: &'a str,
    /// Whether the app passwords of the account ended too.
    pub app_passwords: bool,
}

/// The notice that a user may do more, and that their credentials ended for that.
#[derive(Clone, Debug)]
pub struct RightsRaisedMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// The address of the product.
    pub base: &'a str,
}

/// The notice that an app password or a service token was made.
#[derive(Clone, Debug)]
pub struct AppPasswordMadeMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// The address of the product.
    pub base: &'a str,
}

/// The greeting to a new account.
#[derive(Clone, Debug)]
pub struct WelcomeMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// What the person is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// The address of the product.
    pub base: &'a str,
    /// The link to set a first password, when there shall be one, and how many minutes it works.
    pub link: Option<(&'a str, u64)>,
}

#[derive(Template)]
#[template(path = "reset.txt", escape = "none")]
struct ResetText<'a> {
    product: &'a str,
    name: &'a str,
    user: &'a str,
    link: &'a str,
    minutes: u64,
}

#[derive(Template)]
#[template(path = "password_changed.txt", escape = "none")]
struct PasswordChangedText<'a> {
    product: &'a str,
    name: &'a str,
    user: &'a str,
    base: &'a str,
    app_passwords: bool,
}

#[derive(Template)]
#[template(path = "rights_raised.txt", escape = "none")]
struct RightsRaisedText<'a> {
    product: &'a str,
    name: &'a str,
    user: &'a str,
    base: &'a str,
}

#[derive(Template)]
#[template(path = "app_password_made.txt", escape = "none")]
struct AppPasswordMadeText<'a> {
    product: &'a str,
    name: &'a str,
    user: &'a str,
    base: &'a str,
}

#[derive(Template)]
#[template(path = "welcome.txt", escape = "none")]
struct WelcomeText<'a> {
    product: &'a str,
    name: &'a str,
    user: &'a str,
    base: &'a str,
    link: Option<(&'a str, u64)>,
}

impl ResetLinkMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let Self { product, link, minutes, .. } = *self;
        let [name, user] = lines([self.name, self.user]);
        message(address, &name, &ResetText { product, name: &name, user: &user, link, minutes })
    }
}

impl PasswordChangedMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let Self { product, base, app_passwords, .. } = *self;
        let [name, user] = lines([self.name, self.user]);
        let text = PasswordChangedText { product, name: &name, user: &user, base, app_passwords };
        message(address, &name, &text)
    }
}

impl RightsRaisedMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let Self { product, base, .. } = *self;
        let [name, user] = lines([self.name, self.user]);
        message(address, &name, &RightsRaisedText { product, name: &name, user: &user, base })
    }
}

impl AppPasswordMadeMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let Self { product, base, .. } = *self;
        let [name, user] = lines([self.name, self.user]);
        message(address, &name, &AppPasswordMadeText { product, name: &name, user: &user, base })
    }
}

impl WelcomeMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let Self { product, base, link, .. } = *self;
        let [name, user] = lines([self.name, self.user]);
        message(address, &name, &WelcomeText { product, name: &name, user: &user, base, link })
    }
}

/// Names in one line each, so that no name adds a paragraph to the text.
fn lines<const N: usize>(texts: [&str; N]) -> [String; N] {
    texts.map(|text| one_line(text, MOST_NAME_CHARS))
}

fn message(address: &str, name: &str, text: &impl Template) -> Result<EmailMessage, EmailMessageError> {
    let text = text.render()?;
    let (subject, text) = text.split_once('\n').unwrap_or((text.as_str(), ""));
    EmailMessage::new(address, name, subject, format!("{}\n", text.trim()))
}
