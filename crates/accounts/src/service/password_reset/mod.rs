//! Setting a new password without the old one.
//!
//! By a link that is mailed to the address on record.
//!
//! ```text
//! a name or an address is typed           PasswordReset::request   one row in the queue, for any name; the same answer
//!   a worker looks up who that is         MailWorker               a token for an enabled local user with an address, and a mail
//!     the person follows the link         PasswordReset::inspect   nothing is used up: mail scanners follow links, too
//!       and types a new password          PasswordReset::redeem    rules, then token and password in one transaction
//! ```
//!
//! Nothing changes before a valid token is used. The caller learns nothing: the worker checks later
//! whether the user exists. A token has 256 random bits, is stored as a hash only, works once and
//! for an hour, and is revoked by everything that ends credentials or changes where they are sent
//! (see [`crate::ResetToken`], where tokens are kept).
//!
//! Users whose password another backend keeps never get a link. For them there is
//! `lost_password_link`.
//!
//! | file | contents |
//! |---|---|
//! | `link` | `lost_password_link`, and the addresses that mails point to (pure) |
//! | `settings` | lifetime of tokens, limits of requests |
//! | `request` | asking |
//! | `redeem` | looking at a link and using it |

pub(crate) mod link;
pub(crate) mod redeem;
pub(crate) mod request;
pub(crate) mod settings;

#[cfg(test)]
mod tests;
