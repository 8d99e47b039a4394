//! The commands `backend:…`.

pub(crate) mod check;
pub(crate) mod list;
pub(crate) mod login;
#[cfg(unix)]
mod login_server;

use std::time::Duration;

/// Reminder that an outage is no wrong password.
const NO_DECISION: &str = "this says nothing about the password";

/// When to try again.
fn again(after: Duration) -> String {
    match after.as_secs() {
        0 => "try again".to_owned(),
        seconds => format!("try again in {seconds} s"),
    }
}
