//! One connection to a web server, and one request after another on it.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue, USER_AGENT};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;

use super::reply::Response;
use crate::clock::Instant;
use crate::error::{BackendError, FailureKind, Phase};
use crate::refusal::ReplyText;
use crate::transport::{BoundedStream, Endpoint, TlsClient, TlsSummary, broken, open, within};

/// Maximum of bytes read from one connection.
///
/// They hold the headers of two responses, and pages that explain a refusal.
pub(super) const MAX_BYTES: usize = 128 * 1024;

/// Most bytes of one header section.
const MAX_HEADERS: usize = 16 * 1024;

/// Most bytes of a page that are read.
///
/// What is longer is neither compared nor shown, and the connection is closed.
const MAX_PAGE: usize = 16 * 1024;

/// Who asks, as the server's log shows it.
const AGENT: &str = concat!("user-backend/", env!("CARGO_PKG_VERSION"));

/// A request without its address.
pub(super) struct PartialRequest<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) authorization: Option<HeaderValue>,
    /// A body and its type.
    pub(super) body: Option<(&'static str, Bytes)>,
}

/// An open connection.
pub(super) struct Session {
    sender: SendRequest<Full<Bytes>>,
    driver: Driver,
    host: HeaderValue,
    deadline: Instant,
    pub(super) peer: Option<SocketAddr>,
    pub(super) tls: Option<TlsSummary>,
}

/// Moves the bytes of the connection, until this is dropped.
struct Driver(JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Session {
    /// Connects, and encrypts if there is a TLS client.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        tls: Option<&TlsClient>,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let host = host_header(endpoint, tls.is_some())?;
        let opened = open(endpoint, tls, deadline).await?;
        let stream = TokioIo::new(BoundedStream::new(opened.stream, MAX_BYTES));
        let mut builder = Builder::new();
        builder.max_headers(100).max_buf_size(MAX_HEADERS);
        let (sender, connection) =
            builder.handshake(stream).await.map_err(|error| explain(&error, Phase::Greeting))?;
        let driver = Driver(tokio::spawn(connection));
        Ok(Self { sender, driver, host, deadline, peer: opened.peer, tls: opened.tls })
    }

    /// Whether another request may be sent on this connection.
    pub(super) async fn is_reusable(&mut self) -> bool {
        self.sender.ready().await.is_ok() && !self.driver.0.is_finished()
    }

    /// Sends one request and reads the response.
    ///
    /// The page is read if `is_wanted` returns true for its status.
    ///
    /// # Errors
    /// A [`BackendError`] when there is no response. If the request held a password, the server
    /// may have read it.
    pub(super) async fn ask(
        &mut self,
        question: PartialRequest<'_>,
        is_wanted: impl Fn(u16) -> bool,
    ) -> Result<(Response, ReplyText), BackendError> {
        let has_credentials = question.authorization.is_some() || question.body.is_some();
        let phase = if has_credentials { Phase::Login } else { Phase::Greeting };
        let request = self.request(question)?;
        let read = async {
            let answer = self.sender.send_request(request).await.map_err(|error| explain(&error, phase))?;
            let response = response(answer.status(), answer.headers());
            let mut text = ReplyText::with_limit(MAX_PAGE);
            // A connection that is used again must be read to its end; one that is not, is closed.
            if is_wanted(response.status) || !has_credentials {
                read_page(answer.into_body(), &mut text).await.map_err(|error| explain(&error, phase))?;
            }
            Ok((response, text))
        };
        let answer = within(self.deadline, phase, read).await;
        answer.map_err(|error| match error.failure_kind() {
            FailureKind::Unavailable if has_credentials => error.without_answer(),
            _ => error,
        })
    }

    fn request(&self, question: PartialRequest<'_>) -> Result<Request<Full<Bytes>>, BackendError> {
        let impossible = |_| BackendError::misconfigured(Phase::Login, "the path cannot be requested");
        let method = Method::from_bytes(question.method.as_bytes())
            .map_err(|_| BackendError::misconfigured(Phase::Login, "the method cannot be requested"))?;
        let mut request = Request::builder()
            .uri(question.path)
            .header(HOST, self.host.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*");
        if question.method == "PROPFIND" {
            request = request.header(HeaderName::from_static("depth"), "0");
        }
        if let Some(authorization) = question.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        let body = match question.body {
            Some((kind, body)) => {
                request = request.header(CONTENT_TYPE, kind);
                body
            }
            None => Bytes::new(),
        };
        request.method(method).body(Full::new(body)).map_err(impossible)
    }
}

fn response(status: StatusCode, headers: &hyper::HeaderMap) -> Response {
    let values = headers.get_all(hyper::header::WWW_AUTHENTICATE);
    let challenges = values.iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    Response { status: status.as_u16(), challenges: challenges.collect() }
}

/// Reads a page into the words, up to their limit.
async fn read_page(mut page: hyper::body::Incoming, text: &mut ReplyText) -> Result<(), hyper::Error> {
    while let Some(frame) = page.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if !text.append(&data) {
            break;
        }
    }
    Ok(())
}

fn host_header(endpoint: &Endpoint, is_encrypted: bool) -> Result<HeaderValue, BackendError> {
    let usual = match is_encrypted {
        true => super::HttpSettings::DEFAULT_TLS_PORT,
        false => super::HttpSettings::DEFAULT_PORT,
    };
    let name = endpoint.server_name();
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    let host = if endpoint.port() == usual { name } else { format!("{name}:{}", endpoint.port()) };
    HeaderValue::from_str(&host)
        .map_err(|_| BackendError::misconfigured(Phase::Connect, "the host cannot be requested"))
}

/// Maps a request without a response to an error.
///
/// hyper's texts may repeat what a server sent, so they are dropped.
fn explain(error: &hyper::Error, phase: Phase) -> BackendError {
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return broken(phase, io);
        }
        cause = inner.source();
    }
    if error.is_incomplete_message() || error.is_canceled() || error.is_closed() {
        return BackendError::unavailable(phase, "the server closed the connection");
    }
    BackendError::protocol(phase, "the server does not speak HTTP")
}
