//! For fuzzing: what a mailbox string says.

use super::MailboxTls;

/// What a mailbox string says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// The host.
    pub host: String,
    /// The port, if it was given.
    pub port: Option<u16>,
    /// `implicit`, `explicit`, `never`; nothing if not given.
    pub tls: Option<&'static str>,
    /// Whether any certificate will do.
    pub any_certificate: bool,
}

/// Reads a mailbox string; the error is what a person reads.
///
/// # Errors
/// What was found instead.
pub fn mailbox(text: &str) -> Result<Mailbox, String> {
    let found = super::parse(text).map_err(|problem| problem.found)?;
    let tls = match found.tls {
        MailboxTls::Implicit => Some("implicit"),
        MailboxTls::Explicit => Some("explicit"),
        MailboxTls::Never => Some("never"),
        MailboxTls::Unset => None,
    };
    Ok(Mailbox { host: found.host, port: found.port, tls, any_certificate: found.any_certificate })
}

/// What to write instead, to encrypt.
pub fn encrypted(text: &str) -> String {
    super::encrypted(text)
}
