//! An honest mail server (RFC 5321) as a script.

use crate::Step;

/// A line of the server.
pub fn say(text: &str) -> Step {
    Step::send(format!("{text}\r\n"))
}

/// From the first EHLO to the end of one mail from `noreply@example.org`; `recipient` is the line that names who gets it.
pub fn takes_a_mail(recipient: &'static str) -> Vec<Step> {
    vec![
        Step::Expect("EHLO example.org\r\n"),
        say("250-sink\r\n250 AUTH PLAIN LOGIN"),
        Step::Expect("MAIL FROM:<noreply@example.org>"),
        say("250 ok"),
        Step::Expect(recipient),
        say("250 ok"),
        Step::Expect("DATA"),
        say("354 go on"),
        Step::Until("."),
        say("250 taken"),
        Step::Expect("QUIT"),
        say("221 bye"),
    ]
}
