//! Extreme sizes and speeds of line-based servers, and what their tables share.

use std::time::Duration;

use user_backend::transport::TlsMode;
use user_backend_tests::ScriptStep;

use super::row::{Ending, Row, garbage, lengths};
use super::run::server_keys;

pub(super) const MODES: [TlsMode; 3] = [TlsMode::None, TlsMode::Explicit, TlsMode::Implicit];

/// A name, what the server says, and what may come of it.
pub(super) type Lie = (&'static str, &'static [u8], &'static [&'static str]);

/// A correct server up to its deviation.
pub(super) struct Stray<'a> {
    /// In place of its greeting.
    pub(super) greeting: &'a dyn Fn(&str) -> Row,
    /// In place of its answer to the password.
    pub(super) answer: &'a dyn Fn(&str) -> Row,
}

impl Stray<'_> {
    /// All of it.
    ///
    /// `begins` are the beginnings of a good greeting and of a good answer, `floods` what comes
    /// without end.
    pub(super) fn rows(&self, begins: [&[u8]; 2], floods: &[(&str, &'static [u8])]) -> Vec<Row> {
        let mut rows = self.slow(begins);
        for (name, bytes) in floods {
            let flood = ScriptStep::Flood { bytes, total: 400_000_000 };
            rows.extend(self.both(name, &flood).map(|row| row.only(&["protocol"])));
        }
        for length in lengths() {
            let noise = self.both(&format!("{length} bytes of garbage"), &ScriptStep::Send(garbage(length)));
            rows.extend(noise.map(|row| row.only(&["protocol", "unavailable"]).ending(Ending::HangsUp)));
        }
        rows.push(
            (self.greeting)("breaks off at the greeting").steps([ScriptStep::Reset]).only(&["unavailable"]),
        );
        rows.push(
            (self.answer)("breaks off at the answer").steps([ScriptStep::Reset]).only(&["unavailable"]),
        );
        let half = (self.answer)("closes its half before the answer").steps([ScriptStep::HalfClose]);
        rows.push(half.only(&["unavailable login"]));
        rows
    }

    fn slow(&self, [greeting, answer]: [&[u8]; 2]) -> Vec<Row> {
        let endless =
            |begin| ScriptStep::Slowly([begin, [b'x'; 200].as_slice()].concat(), Duration::from_secs(1));
        let greeting = (self.greeting)("an endless greeting, one byte a second").steps([endless(greeting)]);
        let answer = (self.answer)("an answer of one byte a second").steps([endless(answer)]);
        vec![greeting.only(&["unavailable"]), answer.only(&["unavailable login"])]
    }

    fn both(&self, name: &str, step: &ScriptStep) -> [Row; 2] {
        [
            (self.greeting)(&format!("{name} in place of a greeting")).steps([step.clone()]),
            (self.answer)(&format!("{name} in place of an answer")).steps([step.clone()]),
        ]
    }
}

/// The same for a server that speaks only after the password.
///
/// `after_login` is a server that has received it, `slow` the beginning of a good answer.
pub(super) fn answer_rows(
    after_login: &dyn Fn(String) -> Row,
    slow: Vec<u8>,
    floods: &[(&str, &'static [u8])],
) -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, bytes) in floods {
        let flood = ScriptStep::Flood { bytes, total: 400_000_000 };
        rows.push(after_login((*name).to_owned()).steps([flood]).only(&["protocol"]));
    }
    for length in lengths() {
        let row =
            after_login(format!("{length} bytes of garbage")).steps([ScriptStep::Send(garbage(length))]);
        rows.push(row.only(&["protocol", "unavailable"]).ending(Ending::HangsUp));
    }
    let slow = ScriptStep::Slowly(slow, Duration::from_secs(1));
    rows.push(
        after_login("an answer of one byte a second".to_owned()).steps([slow]).only(&["unavailable login"]),
    );
    rows.push(after_login("breaks off".to_owned()).steps([ScriptStep::Reset]).only(&["unavailable"]));
    let half = after_login("closes its half".to_owned()).steps([ScriptStep::HalfClose]);
    rows.push(half.only(&["unavailable login"]));
    rows
}

/// Lets the client read what was sent so far.
pub(super) fn pause() -> ScriptStep {
    ScriptStep::Drip(Vec::new())
}

pub(super) fn before_greeting(tls: TlsMode) -> Vec<ScriptStep> {
    if tls == TlsMode::Implicit { vec![ScriptStep::Tls(server_keys())] } else { Vec::new() }
}
