//! Mail to users: texts, recipients, and the dialogue with the mail server.
//!
//! | file | contents |
//! |---|---|
//! | `message` | one mail, built so that no name or subject can add a header |
//! | `templates` | what the mails say (templates) |
//! | `mails` | mails to be sent, kept in the store |
//! | `worker` | the worker that sends them |
//! | `settings` | the mail server and the sender's address |
//! | `smtp` | the conversation (RFC 5321), over the same connections and TLS as the password backends |
//!
//! The store holds no mail and no token, only the recipient and the kind of mail; the worker writes
//! the mail when it sends it.

pub(crate) mod message;
pub(crate) mod settings;
pub(crate) mod smtp;
pub(crate) mod templates;
pub(crate) mod transport;
pub(crate) mod worker;

#[cfg(test)]
mod tests;
