//! What the mails say.
//!
//! The texts are templates in `templates/`: the first line is the subject, the rest the text.
//!
//! A mail holds no text that a user typed and that a mail program would make a link of: such names
//! are left out.

// The code that askama generates for an enum names its variants in full.
#![allow(unused_qualifications)]

use std::time::Duration;

use askama::Template;
use time::OffsetDateTime;
use time::macros::format_description;

use crate::domain::Timestamp;
use crate::service::mail::message::{EmailMessage, EmailMessageError, one_line};

/// Longest name in a text, in characters.
const MOST_NAME_CHARS: usize = 100;

/// A mail about an account.
#[derive(Clone, Debug)]
pub struct AccountMail<'a> {
    /// What the product is called.
    pub product: &'a str,
    /// The address of the product.
    pub base: &'a str,
    /// What the user is called.
    pub name: &'a str,
    /// The user id.
    pub user: &'a str,
    /// What the mail is about.
    pub topic: MailTopic<'a>,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum MailTopic<'a> {
    /// The link to set a new password.
    ResetLink {
        /// The link.
        link: &'a str,
        /// How long it works.
        life: Duration,
        /// Who asked for it.
        request: Option<MailRequest<'a>>,
    },
    /// The answer to a request for such a link where another server keeps the password.
    PasswordKeptElsewhere {
        /// The display name of that server.
        keeper: &'a str,
        /// Where they get help.
        help_url: Option<&'a str>,
        /// Who asked for it.
        request: Option<MailRequest<'a>>,
    },
    /// The notice that a password was changed.
    PasswordChanged {
        /// Whether the app passwords of the account ended too.
        app_passwords: bool,
    },
    /// The notice that a user may do more, and that their credentials ended for that.
    RightsRaised,
    /// The notice that another backend checks the password, and what ended.
    AccountMoved,
    /// The notice that an app password or a service token was made.
    AppPasswordAdded,
    /// The notice to a former address that the account has another one, or none.
    AddressChanged,
    /// The greeting to a new account.
    Welcome {
        /// The link to choose a first password, if there is one, and how long it works.
        link: Option<(&'a str, Duration)>,
        /// Where to get another link, if there is such a page.
        lost_password: Option<&'a str>,
    },
    /// The link that confirms an address.
    ConfirmAddress {
        /// The link.
        link: &'a str,
        /// How long it works.
        life: Duration,
    },
    /// The answer to an address that is another account's.
    AddressTaken,
}

/// A request for a mail, by someone who may not be its recipient.
#[derive(Clone, Copy, Debug)]
pub struct MailRequest<'a> {
    /// When it came.
    pub at: Timestamp,
    /// The network address that it came from.
    pub source: Option<&'a str>,
}

impl MailRequest<'_> {
    fn at(&self) -> String {
        let form = format_description!("[year]-[month]-[day] at [hour]:[minute] UTC");
        let moment = OffsetDateTime::from_unix_timestamp(self.at.seconds());
        moment.ok().and_then(|moment| moment.format(form).ok()).unwrap_or_else(|| "an unknown day".to_owned())
    }
}

/// What every text knows: names that make no links, one line each.
struct Frame<'a> {
    product: &'a str,
    base: &'a str,
    /// What the user is called, if that can be shown.
    name: Option<String>,
    /// The user id, if it can be shown.
    user: Option<String>,
}

#[derive(Template)]
#[template(escape = "none")]
enum MailText<'a> {
    #[template(path = "reset.txt")]
    Reset { frame: &'a Frame<'a>, link: &'a str, life: String, request: Option<MailRequest<'a>> },
    #[template(path = "password_kept_elsewhere.txt")]
    PasswordKeptElsewhere {
        frame: &'a Frame<'a>,
        keeper: &'a str,
        help_url: Option<&'a str>,
        request: Option<MailRequest<'a>>,
    },
    #[template(path = "password_changed.txt")]
    PasswordChanged { frame: &'a Frame<'a>, app_passwords: bool },
    #[template(path = "rights_raised.txt")]
    RightsRaised { frame: &'a Frame<'a> },
    #[template(path = "account_moved.txt")]
    AccountMoved { frame: &'a Frame<'a> },
    #[template(path = "app_password_added.txt")]
    AppPasswordAdded { frame: &'a Frame<'a> },
    #[template(path = "address_changed.txt")]
    AddressChanged { frame: &'a Frame<'a> },
    #[template(path = "welcome.txt")]
    Welcome { frame: &'a Frame<'a>, link: Option<(&'a str, String)>, lost_password: Option<&'a str> },
    #[template(path = "confirm_address.txt")]
    ConfirmAddress { frame: &'a Frame<'a>, link: &'a str, life: String },
    #[template(path = "address_taken.txt")]
    AddressTaken { frame: &'a Frame<'a> },
}

impl AccountMail<'_> {
    /// The mail to this address.
    ///
    /// # Errors
    /// [`EmailMessageError`] when the address or the text cannot be used.
    pub fn to(&self, address: &str) -> Result<EmailMessage, EmailMessageError> {
        let [name, user] = [self.name, self.user].map(|text| one_line(text, MOST_NAME_CHARS));
        let name = Some(name).filter(|name| !name.is_empty() && !looks_like_link(name));
        // An id that is the address of the recipient leads nowhere else.
        let is_own = user.eq_ignore_ascii_case(address);
        let user = Some(user).filter(|user| is_own || !looks_like_link(user));
        // Used in place of a name that is not shown.
        let to = name.clone().unwrap_or_default();
        let frame = &Frame { product: self.product, base: self.base, name, user };
        let text = match self.topic {
            MailTopic::ResetLink { link, life, request } => {
                MailText::Reset { frame, link, life: words(life), request }
            }
            MailTopic::PasswordKeptElsewhere { keeper, help_url, request } => {
                MailText::PasswordKeptElsewhere { frame, keeper, help_url, request }
            }
            MailTopic::PasswordChanged { app_passwords } => {
                MailText::PasswordChanged { frame, app_passwords }
            }
            MailTopic::RightsRaised => MailText::RightsRaised { frame },
            MailTopic::AccountMoved => MailText::AccountMoved { frame },
            MailTopic::AppPasswordAdded => MailText::AppPasswordAdded { frame },
            MailTopic::AddressChanged => MailText::AddressChanged { frame },
            MailTopic::Welcome { link, lost_password } => {
                let link = link.map(|(link, life)| (link, words(life)));
                MailText::Welcome { frame, link, lost_password }
            }
            MailTopic::ConfirmAddress { link, life } => {
                MailText::ConfirmAddress { frame, link, life: words(life) }
            }
            MailTopic::AddressTaken => MailText::AddressTaken { frame },
        };
        let text = text.render()?;
        let (subject, text) = text.split_once('\n').unwrap_or((text.as_str(), ""));
        let html = Html::of(self.product, subject, text, &self.links()).render()?;
        Ok(EmailMessage::new(address, &to, subject, format!("{}\n", text.trim()))?.with_html(html))
    }

    /// The addresses in the text that are ours.
    fn links(&self) -> Vec<&str> {
        let links = match self.topic {
            MailTopic::ResetLink { link, .. } | MailTopic::ConfirmAddress { link, .. } => [Some(link), None],
            MailTopic::PasswordKeptElsewhere { help_url, .. } => [help_url, None],
            MailTopic::Welcome { link, lost_password } => [link.map(|(link, _)| link), lost_password],
            _ => [None, None],
        };
        links.into_iter().flatten().chain([self.base]).collect()
    }
}

/// The same text in HTML.
///
/// Nothing is a link but the addresses that are ours.
#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    product: &'a str,
    subject: &'a str,
    parts: Vec<Part<'a>>,
}

struct Part<'a> {
    text: &'a str,
    is_link: bool,
}

impl<'a> Html<'a> {
    fn of(product: &'a str, subject: &'a str, text: &'a str, links: &[&str]) -> Self {
        let parts = text.split("\n\n").map(str::trim).filter(|text| !text.is_empty());
        let parts = parts.map(|text| Part { text, is_link: links.contains(&text) }).collect();
        Self { product, subject, parts }
    }
}

/// A length of time in words: `60 minutes`, `48 hours`, `7 days`.
fn words(time: Duration) -> String {
    const HOUR: u64 = 60 * 60;
    const DAY: u64 = 24 * HOUR;
    let seconds = time.as_secs();
    match (seconds / DAY, seconds / HOUR) {
        (days @ 3.., _) if seconds.is_multiple_of(DAY) => format!("{days} days"),
        (_, hours @ 2..) if seconds.is_multiple_of(HOUR) => format!("{hours} hours"),
        _ => format!("{} minutes", seconds / 60),
    }
}

/// Whether a mail program might make a link of a text or of a part of it.
///
/// In doubt it does: leaving out a name costs nothing, a link chosen by an attacker may cost a
/// password.
pub(crate) fn looks_like_link(text: &str) -> bool {
    use unicode_normalization::UnicodeNormalization;
    // Full-width letters and other dots are read as their ASCII forms.
    let folded: String = text.nfkc().collect::<String>().to_lowercase();
    let folded = folded.replace(['\u{3002}', '\u{ff61}', '\u{2024}', '\u{fe52}'], ".");
    if folded.contains("://") || folded.contains("www.") || folded.contains('@') || folded.contains('\\') {
        return true;
    }
    let is_scheme = |word: &str| {
        ["http:", "https:", "mailto:", "tel:", "sms:", "ftp:", "file:", "data:", "javascript:"]
            .iter()
            .any(|scheme| word.contains(scheme))
    };
    folded.split_whitespace().any(|word| is_scheme(word) || word.split(not_in_a_host).any(is_host))
}

fn not_in_a_host(c: char) -> bool {
    !(c.is_alphanumeric() || c == '-' || c == '.' || c == '_')
}

/// Whether a word looks like a host name.
///
/// Labels with dots between them, and a last one of two letters or more. An IPv4 address is one,
/// too.
fn is_host(word: &str) -> bool {
    let word = word.trim_matches('.');
    let labels: Vec<&str> = word.split('.').collect();
    let Some((last, others)) = labels.split_last() else { return false };
    if others.is_empty() || labels.iter().any(|label| label.is_empty()) {
        return false;
    }
    let letters = last.chars().filter(|c| c.is_alphabetic()).count();
    let is_number = |label: &&str| label.chars().all(|c| c.is_ascii_digit());
    letters >= 2 || (labels.len() == 4 && labels.iter().all(is_number))
}
