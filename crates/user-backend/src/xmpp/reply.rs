//! Features, failures and errors of XMPP: what they decide.
//!
//! Pure functions, so that every row can be tested without a server.
//!
//! RFC 6120 sections 4.3 (features), 4.9 (stream errors), 5 (STARTTLS), 6.5 (failures of SASL);
//! XEP-0440 (types of channel binding).

use super::scram::{Binding, Hash};
use super::xml::{Element, STREAMS};
use crate::error::{BackendError, Phase};
use crate::refusal::{ReplyClass, ReplyText, Words};
use crate::verdict::Rejection;

pub(super) const SASL: &str = "urn:ietf:params:xml:ns:xmpp-sasl";
pub(super) const TLS: &str = "urn:ietf:params:xml:ns:xmpp-tls";
const CHANNEL_BINDING: &str = "urn:xmpp:sasl-cb:0";
const STREAM_ERRORS: &str = "urn:ietf:params:xml:ns:xmpp-streams";

/// What is asked when an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// A stream was opened.
    Stream,
    /// TLS was asked for.
    StartTls,
    /// The name was sent, and no proof of the password.
    Name,
    /// The password, or the proof of it.
    Password,
}

impl Stage {
    pub(super) fn phase(self) -> Phase {
        match self {
            Self::Stream => Phase::Greeting,
            Self::StartTls => Phase::Tls,
            Self::Name | Self::Password => Phase::Login,
        }
    }

    /// Counts a failure that is no outage as a guess if the password was presented.
    pub(super) fn counted(self, error: BackendError) -> BackendError {
        if self == Self::Password { error.counting_unless_outage() } else { error }
    }
}

/// A mechanism of SASL that we have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mechanism {
    Scram(Hash, Binding),
    Plain,
}

impl Mechanism {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Scram(Hash::Sha256, Binding::Data(..)) => "SCRAM-SHA-256-PLUS",
            Self::Scram(Hash::Sha1, Binding::Data(..)) => "SCRAM-SHA-1-PLUS",
            Self::Scram(Hash::Sha256, _) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha1, _) => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
        }
    }
}

/// What TLS gives to bind a proof to the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct BindingData {
    pub(super) exporter: Option<Vec<u8>>,
    pub(super) end_point: Option<Vec<u8>>,
}

/// The features of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) starttls: bool,
    mechanisms: Vec<String>,
    bindings: Vec<String>,
}

impl Features {
    pub(super) fn of(features: &Element) -> Self {
        let texts = |namespace: &str, list: &str, of: &dyn Fn(&Element) -> Option<String>| -> Vec<String> {
            let list = features.child(namespace, list).map(|list| list.children.iter());
            list.into_iter().flatten().filter_map(of).collect()
        };
        Self {
            starttls: features.child(TLS, "starttls").is_some(),
            mechanisms: texts(SASL, "mechanisms", &|child| {
                child.is(SASL, "mechanism").then(|| child.text.trim().to_owned())
            }),
            bindings: texts(CHANNEL_BINDING, "sasl-channel-binding", &|child| {
                let name =
                    child.is(CHANNEL_BINDING, "channel-binding").then(|| child.attribute("type"))??;
                Some(name.to_owned())
            }),
        }
    }

    fn has(&self, mechanism: &str) -> bool {
        self.mechanisms.iter().any(|offered| offered == mechanism)
    }

    /// The names of what is offered and known.
    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        const KNOWN: [&str; 5] =
            ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-1", "PLAIN"];
        KNOWN.into_iter().filter(|name| self.has(name)).map(str::to_owned)
    }

    /// The mechanism for the password: the first of these that the server offers.
    ///
    /// # Errors
    /// A misconfigured [`BackendError`] when there is none.
    pub(super) fn mechanism(&self, data: &BindingData, encrypted: bool) -> Result<Mechanism, BackendError> {
        let misconfigured = |text: &str| Err(BackendError::misconfigured(Phase::Login, text));
        for (hash, name) in [(Hash::Sha256, "SCRAM-SHA-256"), (Hash::Sha1, "SCRAM-SHA-1")] {
            let binds = self.has(&format!("{name}-PLUS"));
            if let Some(binding) = self.binding(data).filter(|_| binds) {
                return Ok(Mechanism::Scram(hash, binding));
            }
            if self.has(name) {
                let any_binds = self.mechanisms.iter().any(|name| name.ends_with("-PLUS"));
                let could = data.exporter.is_some() || data.end_point.is_some();
                let binding = if could && !any_binds { Binding::NotOffered } else { Binding::Unsupported };
                return Ok(Mechanism::Scram(hash, binding));
            }
        }
        if self.has("PLAIN") {
            return Ok(Mechanism::Plain);
        }
        match self {
            Self { mechanisms, starttls: true, .. } if mechanisms.is_empty() && !encrypted => {
                misconfigured("the server takes no sign-in in clear text; it may require tls = \"explicit\"")
            }
            _ => misconfigured("the server offers neither SCRAM-SHA-256, SCRAM-SHA-1 nor PLAIN"),
        }
    }

    /// The channel binding that both sides have.
    fn binding(&self, data: &BindingData) -> Option<Binding> {
        let offers = |name: &str| self.bindings.iter().any(|offered| offered == name);
        let BindingData { exporter, end_point } = data;
        let all = [("tls-exporter", exporter), ("tls-server-end-point", end_point)];
        let found = all.into_iter().find(|(name, data)| data.is_some() && offers(name));
        // A server that does not say which it has is not asked for one that it may not have.
        found.and_then(|(name, data)| data.clone().map(|data| Binding::Data(name, data)))
    }
}

/// The words of a failure or an error, for the person who reads them.
pub(super) fn words_of(element: &Element) -> ReplyText {
    let mut words = ReplyText::default();
    for text in element.children.iter().filter(|child| child.name == "text") {
        words.add(text.text.as_bytes());
    }
    words
}

/// Judges a `failure` of SASL.
///
/// # Errors
/// A [`BackendError`] for everything that is no no to the name or the password. After the password,
/// one that is no outage counts as a guess.
pub(super) fn judge_failure(
    stage: Stage,
    failure: &Element,
    words: &Words,
) -> Result<Rejection, BackendError> {
    let condition = failure.children.iter().find(|child| child.namespace == SASL && child.name != "text");
    let condition = condition.map_or("", |condition| condition.name.as_str());
    judge_condition(stage, condition, words).map_err(|error| stage.counted(error))
}

fn judge_condition(stage: Stage, condition: &str, words: &Words) -> Result<Rejection, BackendError> {
    let known = CONDITIONS.iter().find(|known| **known == condition).copied();
    let shown = format!("failure {}", known.unwrap_or("of another kind"));
    let unavailable = |text: &str| Err(BackendError::outage(Phase::Login, text, &shown, &words.text));
    let misconfigured =
        |text: &str| Err(BackendError::misconfigured(Phase::Login, format!("{text} ({shown})")));
    let refused = |rejection| match (stage, rejection) {
        // A name that is refused alone is unknown, unless the words say more about its account.
        (Stage::Name, Rejection::BadCredentials) => Ok(Rejection::UnknownUser),
        _ => Ok(rejection),
    };
    match (known, words.class) {
        (_, ReplyClass::Refusal(rejection)) if words.is_taught => refused(rejection),
        (Some("credentials-expired"), _) => Ok(Rejection::CredentialsExpired),
        (Some("account-disabled"), _) => Ok(Rejection::AccountDisabled),
        (Some("temporary-auth-failure" | "aborted"), _) => unavailable("the server cannot answer now"),
        (Some("not-authorized"), ReplyClass::Outage) => unavailable("the server did not judge the login"),
        (Some("not-authorized"), ReplyClass::Refusal(rejection)) => refused(rejection),
        (Some("not-authorized"), ReplyClass::Unknown) => refused(Rejection::BadCredentials),
        (Some("encryption-required"), _) => misconfigured("the server requires TLS"),
        (Some("invalid-mechanism" | "mechanism-too-weak"), _) => {
            misconfigured("the server wants another way to sign in")
        }
        // What a server says to a name that it cannot take, and to channel binding that does not
        // match: Prosody has one word for both.
        (Some("malformed-request" | "incorrect-encoding" | "invalid-authzid"), class) => match class {
            ReplyClass::Refusal(rejection) => refused(rejection),
            ReplyClass::Outage | ReplyClass::Unknown => {
                Err(BackendError::not_recognised(&shown, words.text.clone()))
            }
        },
        (_, ReplyClass::Refusal(rejection)) => refused(rejection),
        (_, ReplyClass::Outage) => unavailable("the server did not judge the login"),
        (_, ReplyClass::Unknown) => Err(BackendError::not_recognised(&shown, words.text.clone()).learnable()),
    }
}

/// The conditions of RFC 6120 section 6.5.
const CONDITIONS: [&str; 11] = [
    "aborted",
    "account-disabled",
    "credentials-expired",
    "encryption-required",
    "incorrect-encoding",
    "invalid-authzid",
    "invalid-mechanism",
    "malformed-request",
    "mechanism-too-weak",
    "not-authorized",
    "temporary-auth-failure",
];

/// What an `error` of the stream, or any other element in the place of an answer, means.
pub(super) fn unexpected(stage: Stage, element: &Element) -> BackendError {
    let phase = stage.phase();
    let error = if element.is(STREAMS, "error") {
        let has = |condition: &str| element.child(STREAM_ERRORS, condition).is_some();
        if has("host-unknown") || has("host-gone") {
            BackendError::misconfigured(phase, "the server does not serve this `virtual_host`")
        } else if let Some(condition) = PROTOCOL_ERRORS.into_iter().find(|condition| has(condition)) {
            BackendError::protocol(phase, format!("the server does not take our stream ({condition})"))
        } else {
            BackendError::unavailable(phase, "the server ends the stream")
        }
    } else {
        BackendError::protocol(phase, "the server broke the rules of XMPP")
    };
    stage.counted(error)
}

/// Errors of a stream that say that we do not understand each other (RFC 6120 section 4.9.3).
const PROTOCOL_ERRORS: [&str; 10] = [
    "bad-format",
    "bad-namespace-prefix",
    "improper-addressing",
    "invalid-namespace",
    "invalid-xml",
    "not-well-formed",
    "restricted-xml",
    "unsupported-encoding",
    "unsupported-stanza-type",
    "unsupported-version",
];

#[cfg(test)]
mod tests;
