//! A correct mail server (RFC 5321) as a script.

use crate::ScriptStep;

/// A line of the server.
pub fn say(text: &str) -> ScriptStep {
    ScriptStep::send(format!("{text}\r\n"))
}

/// From the first EHLO to the end of one mail from `noreply@example.org`.
///
/// `recipient` is the line that names who gets it.
pub fn takes_a_mail(recipient: &'static str) -> Vec<ScriptStep> {
    vec![
        ScriptStep::Expect("EHLO example.org\r\n"),
        say("250-sink\r\n250 AUTH PLAIN LOGIN"),
        ScriptStep::Expect("MAIL FROM:<noreply@example.org>"),
        say("250 ok"),
        ScriptStep::Expect(recipient),
        say("250 ok"),
        ScriptStep::Expect("DATA"),
        say("354 go on"),
        ScriptStep::Until("."),
        say("250 taken"),
        ScriptStep::Expect("QUIT"),
        say("221 bye"),
    ]
}
