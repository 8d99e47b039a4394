//! One mail (RFC 5322).
//!
//! Nothing that a user or an admin typed can add a header or recipient.
//!
//! Addresses are typed ([`Address`]), names and subjects are cut down to printable text before they
//! reach the library that writes the headers.

use lettre::address::AddressError;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue, MIME_VERSION_1_0};
use lettre::message::{Mailbox, Message, MultiPart};
use lettre::{Address, address::Envelope};
use thiserror::Error;
use user_backend::clock::wall;

use crate::domain::EmailAddress;
use crate::domain::random::random;

/// Longest name in a header, in characters.
const MOST_NAME_CHARS: usize = 100;

/// Longest subject, in characters.
const MOST_SUBJECT_CHARS: usize = 200;

/// A mail to one person, in plain text and perhaps in HTML.
///
/// Its `Debug` does not show the text: a link in it may open an account.
#[derive(Clone)]
pub struct EmailMessage {
    to: Mailbox,
    subject: String,
    text: String,
    html: Option<String>,
}

/// A mail could not be written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmailMessageError {
    /// The stored address is invalid.
    #[error("the stored mail address cannot be used")]
    Address(#[from] AddressError),
    /// The template failed.
    #[error("the text of the mail could not be made")]
    Text(#[from] askama::Error),
    /// The library refused to write it.
    #[error("the mail could not be written")]
    Build(#[from] lettre::error::Error),
}

impl EmailMessage {
    /// A mail to a stored address.
    ///
    /// A name that could confuse a mail program is left out.
    ///
    /// # Errors
    /// [`EmailMessageError::Address`] when the address cannot be one.
    pub fn new(address: &str, name: &str, subject: &str, text: String) -> Result<Self, EmailMessageError> {
        let address: Address = address.parse()?;
        let name = one_line(name, MOST_NAME_CHARS);
        // An encoded word (RFC 2047) in a name would be shown decoded.
        let name = Some(name).filter(|name| !name.is_empty() && !name.contains("=?"));
        let subject = one_line(subject, MOST_SUBJECT_CHARS).replace("=?", "= ?");
        Ok(Self { to: Mailbox::new(name, address), subject, text, html: None })
    }

    /// A mail that only tests the way to an address.
    ///
    /// # Errors
    /// [`EmailMessageError::Address`]
    pub fn test(product: &str, address: &EmailAddress) -> Result<Self, EmailMessageError> {
        let subject = format!("Test mail from {product}");
        let name = one_line(product, MOST_SUBJECT_CHARS);
        let text = format!("This is a test of the mail settings of {name}. If you can read it, they work.\n");
        Self::new(address.as_str(), "", &subject, text)
    }

    /// With the same in HTML, for mail programs that show it.
    #[must_use]
    pub fn with_html(mut self, html: String) -> Self {
        self.html = Some(html);
        self
    }

    /// The one recipient.
    pub fn to(&self) -> &Address {
        &self.to.email
    }

    /// The subject.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The text.
    ///
    /// It may contain a link that gives access to an account.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The same in HTML, if there is such a part.
    pub fn html(&self) -> Option<&str> {
        self.html.as_deref()
    }

    /// The envelope, and the mail as it goes over the wire.
    ///
    /// # Errors
    /// [`EmailMessageError::Build`] if the library refuses.
    pub fn write(&self, from: &Mailbox) -> Result<(Envelope, Vec<u8>), EmailMessageError> {
        let message = Message::builder()
            .from(from.clone())
            .to(self.to.clone())
            .subject(self.subject.clone())
            .date(wall())
            .message_id(message_id(from.email.domain()))
            .header(AutoSubmitted);
        let message = match &self.html {
            Some(html) => {
                message.multipart(MultiPart::alternative_plain_html(self.text.clone(), html.clone()))?
            }
            None => {
                message.header(MIME_VERSION_1_0).header(ContentType::TEXT_PLAIN).body(self.text.clone())?
            }
        };
        Ok((message.envelope().clone(), message.formatted()))
    }
}

impl std::fmt::Debug for EmailMessage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EmailMessage").field("subject", &self.subject).finish_non_exhaustive()
    }
}

/// A fresh `Message-ID` under the sender's own domain.
///
/// Without one the library uses `localhost`, which mail filters treat as suspicious.
fn message_id(domain: &str) -> Option<String> {
    let bytes = random::<16>().ok()?;
    let left: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Some(format!("<{left}@{domain}>"))
}

/// `Auto-Submitted: auto-generated` (RFC 3834): holiday notices do not answer.
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Printable text in one line.
///
/// Invisible characters become spaces, runs of spaces one space, and long text is cut.
pub(super) fn one_line(text: &str, most: usize) -> String {
    let hidden = |c: char| {
        c.is_control()
            || c.is_whitespace()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let mut line = String::new();
    for word in text.split(hidden).filter(|word| !word.is_empty()) {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > most.saturating_mul(4) {
            break;
        }
    }
    line.chars().take(most).collect::<String>().trim_end().to_owned()
}
