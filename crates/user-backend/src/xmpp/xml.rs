//! The XML of a stream: one element at a time, with bounds.
//!
//! The crate quick-xml reads it. RFC 6120 section 11.1 forbids comments, processing instructions,
//! document types and entities of one's own, so all of them are errors here.

use std::io;
use std::sync::Arc;

use quick_xml::errors::SyntaxError;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};
use thiserror::Error;
use tokio::io::{AsyncWriteExt, BufReader};

use crate::transport::{BoundedStream, Duplex};

/// Most bytes that are read from one connection.
pub(super) const MAX_BYTES: usize = 64 * 1024;

/// Deepest nesting within one element of the stream.
const MAX_DEPTH: usize = 8;

/// Most namespaces that a server may declare at once.
const MAX_NAMESPACES: usize = 64;

/// The namespace of a stream, its features and its errors.
pub(super) const STREAMS: &str = "http://etherx.jabber.org/streams";

/// Why a stream cannot be read any more, inside an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub(super) enum ProtocolViolation {
    /// The server sent something before it was asked.
    #[error("the server spoke before it was asked")]
    Unasked,
    /// The server sent something that is no stream of XMPP.
    #[error("the server does not speak XMPP")]
    NotXmpp,
}

impl From<ProtocolViolation> for io::Error {
    fn from(violation: ProtocolViolation) -> Self {
        Self::new(io::ErrorKind::InvalidData, violation)
    }
}

/// An element with all that is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) text: String,
    pub(super) children: Vec<Self>,
}

impl Element {
    /// Whether this is its name, in this namespace.
    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.namespace == namespace && self.name == name
    }

    /// The first child of this name.
    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One stream (RFC 6120 section 4): a document that is read while it is written.
pub(super) struct XmlStream<S> {
    reader: NsReader<BufReader<BoundedStream<S>>>,
    buffer: Vec<u8>,
}

impl<S: Duplex> XmlStream<S> {
    pub(super) fn new(stream: S) -> Self {
        let mut reader = NsReader::from_reader(BufReader::new(BoundedStream::new(stream, MAX_BYTES)));
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_end_names = true;
        reader.resolver_mut().set_max_namespace_bindings(MAX_NAMESPACES);
        Self { reader, buffer: Vec::new() }
    }

    /// Reads up to the end of the stream's first tag.
    ///
    /// # Errors
    /// The connection ends or breaks, or there is a [`ProtocolViolation`] in the error.
    pub(super) async fn header(&mut self) -> io::Result<Element> {
        let mut is_first = true;
        loop {
            match self.event().await? {
                Read::Declaration if is_first => {}
                Read::Text(text) if text.trim().is_empty() => {}
                Read::Start(element) => return Ok(element),
                _ => return Err(ProtocolViolation::NotXmpp.into()),
            }
            is_first = false;
        }
    }

    /// Reads the next whole element of the stream.
    ///
    /// # Errors
    /// As [`header`](Self::header); the end of the stream is an end-of-file error.
    pub(super) async fn element(&mut self) -> io::Result<Element> {
        let mut open: Vec<Element> = Vec::new();
        loop {
            match self.event().await? {
                Read::Start(element) if open.len() < MAX_DEPTH => open.push(element),
                Read::Text(text) => match open.last_mut() {
                    Some(parent) => parent.text.push_str(&text),
                    None if text.trim().is_empty() => {}
                    None => return Err(ProtocolViolation::NotXmpp.into()),
                },
                Read::End => match (open.pop(), open.last_mut()) {
                    (Some(whole), Some(parent)) => parent.children.push(whole),
                    (Some(whole), None) => return Ok(whole),
                    (None, _) => return Err(io::ErrorKind::UnexpectedEof.into()),
                },
                Read::Start(_) | Read::Declaration => return Err(ProtocolViolation::NotXmpp.into()),
            }
        }
    }

    async fn event(&mut self) -> io::Result<Read> {
        self.buffer.clear();
        let read = self.reader.read_resolved_event_into_async(&mut self.buffer).await;
        let not_xmpp = || io::Error::from(ProtocolViolation::NotXmpp);
        let (namespace, event) = read.map_err(|error| match error {
            quick_xml::Error::Io(error) => {
                Arc::try_unwrap(error).unwrap_or_else(|shared| io::Error::new(shared.kind(), shared))
            }
            // A connection that ended within a tag.
            quick_xml::Error::Syntax(error) if error != SyntaxError::InvalidBangMarkup => {
                io::ErrorKind::UnexpectedEof.into()
            }
            _ => not_xmpp(),
        })?;
        Ok(match event {
            Event::Start(start) => Read::Start(begun(&namespace, &start).ok_or_else(not_xmpp)?),
            Event::End(_) => Read::End,
            Event::Text(text) => Read::Text(text.xml10_content().into_owned()),
            Event::CData(text) => Read::Text(text.to_string()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().map_err(|_| not_xmpp())? {
                Some(found) => Read::Text(found.to_string()),
                None => Read::Text(resolve_predefined_entity(&reference).ok_or_else(not_xmpp)?.to_owned()),
            },
            Event::Decl(_) => Read::Declaration,
            Event::Eof => return Err(io::ErrorKind::UnexpectedEof.into()),
            Event::Comment(_) | Event::PI(_) | Event::DocType(_) | Event::Empty(_) => return Err(not_xmpp()),
        })
    }

    /// Sends something, after a check that the server waits for it.
    ///
    /// # Errors
    /// As [`quiet`](Self::quiet), or the connection breaks.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.quiet().await?;
        let stream = self.reader.get_mut().get_mut();
        stream.write_all(bytes).await?;
        stream.flush().await
    }

    /// Checks that all which the server sent has been read, and that nothing has arrived since.
    ///
    /// # Errors
    /// [`ProtocolViolation::Unasked`] when there is something, an end-of-file error when the server
    /// hung up.
    pub(super) async fn quiet(&mut self) -> io::Result<()> {
        let buffered = self.reader.get_mut();
        if buffered.buffer().is_empty() && buffered.get_mut().is_quiet().await? {
            return Ok(());
        }
        Err(ProtocolViolation::Unasked.into())
    }

    /// The stream beneath, for TLS.
    ///
    /// # Errors
    /// As [`quiet`](Self::quiet): what came in clear text would be taken for something that the
    /// server said under TLS.
    pub(super) async fn into_stream(mut self) -> io::Result<S> {
        self.quiet().await?;
        Ok(self.reader.into_inner().into_inner().into_inner())
    }
}

/// One piece of a stream.
enum Read {
    Declaration,
    Start(Element),
    Text(String),
    End,
}

/// An element with nothing in it yet.
fn begun(namespace: &ResolveResult<'_>, start: &BytesStart<'_>) -> Option<Element> {
    let namespace = match namespace {
        ResolveResult::Bound(namespace) => namespace.as_ref().to_owned(),
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return None,
    };
    let name = start.local_name().as_ref().to_owned();
    let mut element = Element { namespace, name, ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned();
        element.attributes.push((attribute.key.as_ref().to_owned(), value));
    }
    Some(element)
}

/// A text as the value of an attribute.
pub(super) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use tokio::io::{join, sink};

    use super::*;

    async fn read(text: &str) -> io::Result<Element> {
        let mut stream = XmlStream::new(join(Cursor::new(text.to_owned()), sink()));
        stream.header().await?;
        stream.element().await
    }

    const HEADER: &str =
        "<?xml version='1.0'?><s:stream xmlns='jabber:client' xmlns:s='http://etherx.jabber.org/streams'>";

    #[tokio::test]
    async fn element_is_read_with_its_namespaces() {
        let text = format!(
            "{HEADER} <s:features><m xmlns='urn:x' a='1 &amp; 2'>a&lt;b&#x41;<![CDATA[<c>]]></m><n/></s:features>"
        );
        let found = read(&text).await.unwrap();
        assert!(found.is(STREAMS, "features"));
        let child = found.child("urn:x", "m").unwrap();
        assert_eq!((child.text.as_str(), child.attribute("a")), ("a<bA<c>", Some("1 & 2")));
        assert!(found.child("jabber:client", "n").is_some() && found.child("", "n").is_none());
    }

    #[tokio::test]
    async fn forbidden_xml_is_an_error() {
        let deep = format!("{}{}", "<a>".repeat(9), "</a>".repeat(9));
        let long = format!("<a>{}</a>", "x".repeat(MAX_BYTES));
        for inner in [
            "<!-- x --><a/>",
            "<?php x ?><a/>",
            "<!DOCTYPE a [<!ENTITY e 'x'>]><a/>",
            "<a>&e;</a>",
            "<a>&#0;</a>",
            "<a></b>",
            "<p:a/>",
            "<a x='1' x='2'/>",
            "<a x=1/>",
            "text<a/>",
            "<?xml version='1.0'?><a/>",
            deep.as_str(),
            long.as_str(),
        ] {
            let error = read(&format!("{HEADER}{inner}")).await.unwrap_err();
            assert_ne!(error.kind(), io::ErrorKind::UnexpectedEof, "{inner:.40}");
        }
        for whole in
            ["x<a/>", "<!DOCTYPE a><a/>", "<!-- --><a/>", "HTTP/1.1 400 Bad Request\r\n\r\n", "{\"a\": 1}<"]
        {
            assert!(read(whole).await.is_err(), "{whole}");
        }
        for half in ["", "<a>", "<a", "</s:stream>"] {
            let error = read(&format!("{HEADER}{half}")).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{half}");
        }
    }
}
