//! A row of the table: a server's script, and the only outcomes that it may have.

use std::fmt;
use std::time::Duration;

use user_backend::transport::TlsMode;
use user_backend_tests::{FakeServer, ScriptStep};

/// What the server pretends to be, and how it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocol {
    Imap,
    Ftp,
    /// With HTTP Basic.
    Http,
    /// With HTTP Digest, which never sends the password.
    HttpDigest,
    /// With a template that is no DN, so that nothing is read after a yes.
    Ldap,
    Smtp,
    Ssh,
    /// With PLAIN.
    Xmpp,
    /// With SCRAM, which never sends the password.
    XmppScram,
    /// libsmbclient, with a share.
    SmbShare,
    /// libsmbclient, without one.
    SmbPipe,
    /// The crate smb2.
    SmbNative,
}

/// How often the server may receive the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Receives {
    /// Not at all.
    Nothing,
    /// Once at most: one attempt is one login.
    Once,
}

/// One script.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) protocol: Protocol,
    pub(super) tls: TlsMode,
    pub(super) steps: Vec<ScriptStep>,
    /// Words as [`run`](super::run::run) makes them of an answer.
    ///
    /// `accepted`, a rejection, or a kind of error, with or without its phase.
    pub(super) allowed: Vec<&'static str>,
    pub(super) receives: Receives,
    /// Whether time passes by itself.
    pub(super) flows: bool,
}

/// How a script continues after its lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The server says nothing more.
    Silence,
    /// The server hangs up.
    HangsUp,
}

impl Row {
    pub(super) fn new(name: impl fmt::Display, protocol: Protocol, tls: TlsMode) -> Self {
        Self {
            name: name.to_string(),
            protocol,
            tls,
            steps: Vec::new(),
            allowed: Vec::new(),
            receives: Receives::Nothing,
            flows: false,
        }
    }

    pub(super) fn steps(mut self, steps: impl IntoIterator<Item = ScriptStep>) -> Self {
        self.steps.extend(steps);
        self
    }

    pub(super) fn only(mut self, allowed: &[&'static str]) -> Self {
        self.allowed.extend_from_slice(allowed);
        self
    }

    pub(super) fn hears_it_once(mut self) -> Self {
        self.receives = Receives::Once;
        self
    }

    /// Lets time pass by itself, for scripts that come to a halt at an unknown place.
    ///
    /// Not for rows whose outcome is wrong when a deadline passes.
    pub(super) fn in_flowing_time(mut self) -> Self {
        self.flows = true;
        self
    }

    /// Ends the script.
    ///
    /// An attempt that may still wait is given the time to run out; one that must have an answer by
    /// now is not: in frozen time it would wait for ever, and the row fails.
    pub(super) fn ending(mut self, ending: Ending) -> Self {
        match ending {
            Ending::Silence => {
                self.name += ", then silence";
                if self.allowed.iter().any(|word| word.starts_with("unavailable")) {
                    self.steps.push(ScriptStep::Pass(super::run::DEADLINE + Duration::from_secs(1)));
                }
                self.steps.push(ScriptStep::Silence);
            }
            Ending::HangsUp => {
                self.name += ", then hangs up";
                // The end of the connection may be noticed before what was sent earlier.
                let decided = |word: &&'static str| {
                    !["protocol", "misconfigured"].iter().any(|kind| word.starts_with(kind))
                };
                if !self.allowed.iter().any(decided) {
                    self.allowed.push("unavailable");
                }
            }
        }
        self
    }

    /// Whether an outcome is one of those that the row allows.
    pub(super) fn allows(&self, outcome: &str) -> bool {
        let kind = outcome.split(' ').next().unwrap_or_default();
        self.allowed.iter().any(|word| *word == outcome || *word == kind)
    }
}

/// Names the row as its failure message does.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, tls {}: {}", self.protocol, self.tls, self.name)
    }
}

/// The peer of a row.
pub(super) async fn peer(row: &Row) -> FakeServer {
    FakeServer::start(row.steps.clone()).await
}

/// Every cut through what is sent: `first`, then `rest`, for each byte but the first.
pub(super) fn cuts(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8], &[u8])> {
    (1..bytes.len()).map(|at| (at, &bytes[..at], &bytes[at..]))
}

/// Bytes that mean nothing, always the same.
pub(super) fn garbage(length: usize) -> Vec<u8> {
    let mut state: u32 = 0x9e37_79b9 ^ u32::try_from(length).unwrap();
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[1]
    };
    (0..length).map(|_| next()).collect()
}

/// Lengths around which buffers end.
pub(super) fn lengths() -> impl Iterator<Item = usize> {
    let around = [64, 128, 256, 512, 1000, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
    (1..=32).chain(around.into_iter().flat_map(|middle| [middle - 1, middle, middle + 1]))
}
