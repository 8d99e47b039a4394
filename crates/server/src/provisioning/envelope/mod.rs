//! The envelope around every answer, in two API versions, two formats and two compatibility levels.
//!
//! Most answers come in the envelope of today. Three kinds come in an older one that the original
//! never replaced, and that clients see on bad days: wrong credentials, a path that does not exist,
//! and a failure of the server. It has another content type and never mentions totals.

use std::borrow::Cow;
use std::io;
use std::time::Duration;

use accounts::CompatLevel;
use axum::body::Body;
use axum::http::StatusCode;
use serde::Serialize;
use user_backend::brute_force::GuessLimit;

pub mod code;
pub mod data;
pub mod format;
pub mod json;
pub mod streamed_list;
pub mod xml;

use code::{Code, Version};
use data::Data;
use format::Format;
use streamed_list::StreamedList;

/// A successful response of an endpoint.
#[derive(Debug)]
pub struct OcsAnswer {
    data: Data,
    /// Streamed data, if it is too large for memory.
    long: Option<StreamedList>,
    total: Option<u64>,
    per_page: Option<u64>,
    hint: Option<Cow<'static, str>>,
}

impl OcsAnswer {
    /// The answer without anything to say.
    pub const NOTHING: Self =
        Self { data: Data::NOTHING, long: None, total: None, per_page: None, hint: None };

    /// Adds a hint to a successful response.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The data, and how many there are in all if that is known.
    pub(crate) fn into_parts(self) -> (Data, Option<u64>) {
        (self.data, self.total)
    }

    /// Sets how many there are in all, and how many a page has.
    #[must_use]
    pub fn with_total(mut self, total: u64, per_page: u64) -> Self {
        (self.total, self.per_page) = (Some(total), Some(per_page));
        self
    }
}

impl From<Data> for OcsAnswer {
    fn from(data: Data) -> Self {
        Self { data, ..Self::NOTHING }
    }
}

impl From<StreamedList> for OcsAnswer {
    fn from(long: StreamedList) -> Self {
        Self { long: Some(long), ..Self::NOTHING }
    }
}

/// A failed response of an endpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct OcsFailure {
    code: Code,
    message: Option<Cow<'static, str>>,
    hint: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    data: Data,
    legacy: bool,
}

impl OcsFailure {
    /// A code and a message; many failures have an empty one.
    pub fn new(code: Code, message: impl Into<Cow<'static, str>>) -> Self {
        let message = Some(message.into());
        Self { code, message, hint: None, retry_after: None, data: Data::NOTHING, legacy: false }
    }

    /// A code and a message that never changes.
    pub const fn fixed(code: Code, message: &'static str) -> Self {
        let message = Some(Cow::Borrowed(message));
        Self { code, message, hint: None, retry_after: None, data: Data::NOTHING, legacy: false }
    }

    /// A code without a message.
    pub const fn bare(code: Code) -> Self {
        Self::fixed(code, "")
    }

    /// A failure with its text in the data instead of the message, as for settings of apps.
    pub fn in_data(code: Code, data: Data) -> Self {
        Self { code, message: None, hint: None, retry_after: None, data, legacy: false }
    }

    /// Wrong name or password, in the old envelope.
    pub fn wrong_credentials() -> Self {
        Self::new(Code::UNAUTHORISED, "Unauthorised").legacy()
    }

    /// A path that does not exist, in the old envelope.
    ///
    /// The link is part of the text that clients and people know.
    pub fn unknown_path() -> Self {
        let text = "Invalid query, please check the syntax. API specifications are here: \
                    http://www.freedesktop.org/wiki/Specifications/open-collaboration-services.\n";
        Self::new(Code::NOT_FOUND, text).legacy()
    }

    /// Something broke on our side, in the old envelope.
    ///
    /// What it was is in the log.
    pub fn broken() -> Self {
        Self::new(Code::BROKEN, "Internal Server Error\n").legacy()
    }

    /// A limit on guessing was reached.
    pub fn throttled(limit: GuessLimit, wait: Duration) -> Self {
        let text = "Too many failed sign-ins, try again later; this says nothing about the password";
        Self::new(Code::THROTTLED, text).with_hint(limit.text()).after(wait)
    }

    /// The backend that could check the password is unavailable.
    pub fn unavailable(wait: Duration) -> Self {
        let text = "Passwords cannot be checked at the moment, try again later; yours may well be right";
        Self::new(Code::UNAVAILABLE, text).after(wait)
    }

    /// Adds a hint for people; programs read the message.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<Cow<'static, str>>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether there is no text for people.
    pub fn is_wordless(&self) -> bool {
        self.message.as_deref() == Some("") && self.hint.is_none()
    }

    /// With the code of a level.
    #[must_use]
    pub(crate) fn at(mut self, level: CompatLevel) -> Self {
        self.code = self.code.at(level);
        self
    }

    /// When it makes sense to try again, if waiting helps.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Sets `Retry-After`.
    #[must_use]
    pub fn after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    fn legacy(mut self) -> Self {
        self.legacy = true;
        self
    }

    /// The code.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The text for people: the message, or the one in the data.
    pub(crate) fn text(&self) -> Option<&str> {
        let in_data = match self.data.get("data").and_then(|data| data.get("message")) {
            Some(Data::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        self.message().or(in_data).filter(|text| !text.is_empty())
    }

    /// The hint for people.
    pub(crate) fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The message, unless it is in the data.
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }
}

/// An answer in its envelope, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The status.
    pub status: StatusCode,
    /// The content type.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Puts an answer into its envelope.
///
/// # Errors
/// None in practice; see [`xml::write`] and [`json::write`].
pub fn seal(outcome: &Result<OcsAnswer, OcsFailure>, version: Version, format: Format) -> io::Result<Sealed> {
    let (code, legacy, data) = match outcome {
        Ok(answer) => (Code::OK, false, &answer.data),
        Err(failure) => (failure.code, failure.legacy, &failure.data),
    };
    // The one code that the old envelope says differently in version 2.
    let shown = match (version, code) {
        (Version::V2, Code::NOT_FOUND) if legacy => 404,
        _ => code.shown(version),
    };
    let meta = meta(outcome, version, shown, legacy);
    let content_type = match (format, legacy) {
        (Format::Xml, true) => "text/xml; charset=UTF-8",
        _ => content_type(format),
    };
    let body = match format {
        Format::Xml => xml::write("ocs", &[("meta", &meta), ("data", data)])?,
        Format::Json => json::write(&Document { ocs: Contents { meta: &meta, data } })?,
    };
    Ok(Sealed { status: code.status(version), content_type, body })
}

/// Puts a long list into its envelope, if the response is one.
///
/// The body is written while the list is read.
///
/// # Errors
/// None in practice; see [`xml::write`] and [`json::write`].
pub fn stream(
    outcome: &mut Result<OcsAnswer, OcsFailure>,
    version: Version,
    format: Format,
) -> io::Result<Option<(&'static str, Body)>> {
    let Some(long) = outcome.as_mut().ok().and_then(|answer| answer.long.take()) else { return Ok(None) };
    let meta = meta(outcome, version, Code::OK.shown(version), false);
    Ok(Some((content_type(format), long.into_body(&meta, format)?)))
}

const fn content_type(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json; charset=utf-8",
        Format::Xml => "application/xml; charset=utf-8",
    }
}

#[derive(Serialize)]
struct Document<'a> {
    ocs: Contents<'a>,
}

#[derive(Serialize)]
struct Contents<'a> {
    meta: &'a Data,
    data: &'a Data,
}

fn meta(outcome: &Result<OcsAnswer, OcsFailure>, version: Version, code: u16, legacy: bool) -> Data {
    let (status, message, total, per_page) = match outcome {
        Ok(answer) => ("ok", Data::from("OK"), answer.total, answer.per_page),
        Err(failure) => ("failure", failure.message.as_deref().into(), None, None),
    };
    let mut meta = vec![
        ("status".into(), Data::from(status)),
        ("statuscode".into(), Data::Int(code.into())),
        ("message".into(), message),
    ];
    let hint = match outcome {
        Ok(answer) => answer.hint.as_deref(),
        Err(failure) => failure.hint.as_deref(),
    };
    if let Some(hint) = hint {
        meta.push(("hint".into(), Data::from(hint)));
    }
    for (key, number) in [("totalitems", total), ("itemsperpage", per_page)] {
        match number {
            _ if legacy => {}
            // Texts, because the empty ones of version 1 are texts.
            Some(number) => meta.push((key.into(), Data::from(number.to_string()))),
            None if version == Version::V1 => meta.push((key.into(), Data::from(""))),
            None => {}
        }
    }
    Data::Map(meta)
}

#[cfg(test)]
mod tests;
