//! Setting a new password without the old one: by a link that is mailed to the address on record.
//!
//! | file | what lives there |
//! |---|---|
//! | `token` | the secret in the link, and what is stored of it (pure) |
//! | `link` | `lost_password_link`, and the addresses that mails point to (pure) |

mod link;
mod token;

pub use link::{BaseUrl, LinkError, LostPassword, RESET_PATH};
pub use token::{BadToken, ResetToken, TokenDigest};

#[cfg(test)]
mod tests;
