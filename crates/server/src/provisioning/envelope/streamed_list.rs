//! Lists that are too long to be held: they are written while they are read.
//!
//! # When the store fails in the middle
//! The status and the beginning of the list are with the client by then and cannot be taken back.
//! To end the document as if nothing had happened would be a lie that a client may delete accounts
//! for. So the first page is read before anything is sent, and a store that is down by then is
//! answered like any other; a page that cannot be read later is read again, from where the
//! list stopped; and if that does not help the answer is broken off without its last chunk (RFC
//! 9112, section 7.1), which every client reports as an incomplete answer. What arrives whole is
//! whole.

use std::fmt;
use std::io;
use std::time::Duration;

use accounts::AccountsError;
use axum::body::{Body, Bytes};
use futures_util::stream::{self, BoxStream, StreamExt};
use quick_xml::Writer;

use super::data::Data;
use super::format::Format;
use super::{json, xml};

/// How long a page that could not be read is waited for, each time a little longer.
const RETRY_DELAYS: [Duration; 3] =
    [Duration::from_millis(200), Duration::from_millis(600), Duration::from_millis(1800)];

/// A list or map that is streamed in parts.
pub struct StreamedList {
    key: &'static str,
    first: Data,
    rest: Box<dyn PageSource>,
}

/// The source of a list's parts.
#[async_trait::async_trait]
pub trait PageSource: Send {
    /// The next part; `None` after the last.
    ///
    /// # Errors
    /// The store failed; the same part may be requested again.
    async fn next(&mut self) -> Result<Option<Data>, AccountsError>;
}

impl StreamedList {
    /// A list under this key, of which the first part was read already.
    pub fn new(key: &'static str, first: Data, rest: impl PageSource + 'static) -> Self {
        Self { key, first, rest: Box::new(rest) }
    }

    /// The body: the envelope around the list.
    ///
    /// # Errors
    /// None in practice; see [`xml::write`] and [`json::write`].
    pub fn into_body(self, meta: &Data, format: Format) -> io::Result<Body> {
        let Self { key, first, rest } = self;
        let mut script = StreamWriter::begin(key, meta, format)?;
        script.write(&first)?;
        let start = Bytes::from(script.take());
        let rest = stream::unfold(Some((script, rest)), next);
        let parts: BoxStream<'static, io::Result<Bytes>> =
            stream::once(async { Ok(start) }).chain(rest).boxed();
        Ok(Body::from_stream(parts))
    }
}

impl fmt::Debug for StreamedList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamedList").field("key", &self.key).finish_non_exhaustive()
    }
}

type State = Option<(StreamWriter, Box<dyn PageSource>)>;

async fn next(state: State) -> Option<(io::Result<Bytes>, State)> {
    let (mut script, mut rest) = state?;
    let written = match next_with_retry(rest.as_mut()).await {
        Ok(Some(part)) => {
            return Some(match script.write(&part) {
                Ok(()) => (Ok(Bytes::from(script.take())), Some((script, rest))),
                Err(error) => (Err(error), None),
            });
        }
        Ok(None) => script.end().map(Bytes::from),
        Err(error) => {
            tracing::error!(%error, "a list broke off in the middle");
            Err(io::Error::other("the store failed in the middle of a list"))
        }
    };
    Some((written, None))
}

async fn next_with_retry(rest: &mut dyn PageSource) -> Result<Option<Data>, AccountsError> {
    for wait in RETRY_DELAYS {
        match rest.next().await {
            Err(error) if error.is_transient() => {
                tracing::warn!(%error, "a list waits for the store");
                tokio::time::sleep(wait).await;
            }
            other => return other,
        }
    }
    rest.next().await
}

/// A document that grows.
struct StreamWriter {
    key: &'static str,
    encoder: ListEncoder,
}

enum ListEncoder {
    /// The opening and closing text of the list.
    Json(Vec<u8>, Option<u8>),
    /// The writer, and whether the list is open.
    Xml(Box<Writer<Vec<u8>>>, bool),
}

impl StreamWriter {
    fn begin(key: &'static str, meta: &Data, format: Format) -> io::Result<Self> {
        let encoder = match format {
            Format::Json => {
                let mut out = b"{\"ocs\":{\"meta\":".to_vec();
                out.extend(json::write(meta)?);
                out.extend(b",\"data\":{");
                out.extend(json::write(&Data::from(key))?);
                out.push(b':');
                ListEncoder::Json(out, None)
            }
            Format::Xml => {
                let mut writer = xml::document()?;
                xml::open(&mut writer, "ocs")?;
                xml::node(&mut writer, "meta", meta)?;
                xml::open(&mut writer, "data")?;
                ListEncoder::Xml(Box::new(writer), false)
            }
        };
        Ok(Self { key, encoder })
    }

    /// Adds entries; all parts are lists, or all are maps.
    fn write(&mut self, part: &Data) -> io::Result<()> {
        if matches!(part, Data::List(entries) if entries.is_empty())
            || matches!(part, Data::Map(entries) if entries.is_empty())
        {
            return Ok(());
        }
        match &mut self.encoder {
            ListEncoder::Json(out, close) => {
                // Written as a complete list or map; only the part between the brackets is used.
                let written = json::write(part)?;
                if let [open, entries @ .., end] = written.as_slice() {
                    out.push(if close.is_some() { b',' } else { *open });
                    out.extend(entries);
                    *close = Some(*end);
                }
                Ok(())
            }
            ListEncoder::Xml(writer, is_open) => {
                if !*is_open {
                    xml::open(writer, self.key)?;
                    *is_open = true;
                }
                xml::entries(writer, part)
            }
        }
    }

    /// The text written since the last call.
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(match &mut self.encoder {
            ListEncoder::Json(out, _) => out,
            ListEncoder::Xml(writer, _) => writer.get_mut(),
        })
    }

    fn end(mut self) -> io::Result<Vec<u8>> {
        match &mut self.encoder {
            ListEncoder::Json(out, Some(close)) => out.push(*close),
            ListEncoder::Json(out, None) => out.extend(b"[]"),
            ListEncoder::Xml(writer, true) => xml::close(writer, self.key)?,
            ListEncoder::Xml(writer, false) => xml::node(writer, self.key, &Data::NOTHING)?,
        }
        match &mut self.encoder {
            ListEncoder::Json(out, _) => out.extend(b"}}}"),
            ListEncoder::Xml(writer, _) => {
                xml::close(writer, "data")?;
                xml::close(writer, "ocs")?;
                writer.get_mut().push(b'\n');
            }
        }
        Ok(self.take())
    }
}

#[cfg(test)]
mod tests;
