//! Dovecot's auth client protocol, version 1.2, which Postfix, Exim and Radicale speak.
//!
//! Lines of fields that are separated by tabs. The server sends `VERSION`, its mechanisms and
//! `DONE`; the client sends `VERSION` and `CPID`. Then come any number of `AUTH` requests, each
//! with a number of the client's, which are answered in any order with `OK`, `FAIL`, or `CONT`
//! where the mechanism needs more. (Source: `src/auth/auth-client-connection.c` and
//! `src/auth/auth-request-handler.c` of Dovecot.)
//!
//! An outage is `FAIL` with `temp`. All other refusals look the same. Postfix 3.7 and Exim 4.96 do
//! not read `temp` and tell their client of a wrong password; for them the settings can have the
//! connection end, which both take for an outage.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use accounts::OnOutage;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures_util::FutureExt;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{timeout, timeout_at};
use user_backend::Outcome;
use user_backend::clock::{Instant, later, now};
use zeroize::Zeroizing;

use super::socket::{Peer, Stopping};
use crate::auth::sign_in::Accepts;
use crate::auth::sign_in_log::{Client, Frontend};
use crate::state::AppState;

/// The supported major version of the protocol.
///
/// Another major version is another protocol; minor versions only add to it.
const MAJOR_VERSION: u32 = 1;
const MINOR_VERSION: u32 = 2;

/// How long a client may take for its part of the handshake, and to take an answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to continue a request, as in Dovecot.
const CONTINUE_TIMEOUT: Duration = Duration::from_secs(150);

/// The longest line, as in Dovecot 2.3.
const LONGEST_LINE: usize = 8 * 1024;

/// The longest name of a user or a service, in bytes.
const LONGEST_NAME: usize = 1024;

/// How many requests of one connection may be open.
const MOST_REQUESTS: usize = 32;

/// Numbers of the connections.
static CONNECTIONS: AtomicU32 = AtomicU32::new(1);

/// A line that this protocol does not have.
///
/// The connection ends, as in Dovecot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl From<Malformed> for io::Error {
    fn from(_: Malformed) -> Self {
        Self::from(io::ErrorKind::InvalidData)
    }
}

/// A line of a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Version { major: u32, minor: u32 },
    ProcessId,
    Begin(Begin),
    Continue { id: u32, response: String },
    Cancel { id: u32 },
}

/// The first line of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Begin {
    pub(super) id: u32,
    pub(super) mechanism: String,
    pub(super) service: String,
    pub(super) source: Option<IpAddr>,
    pub(super) response: Option<String>,
}

impl Line {
    pub(super) fn parse(line: &[u8]) -> Result<Self, Malformed> {
        let line = str::from_utf8(line).map_err(|_| Malformed)?;
        let mut fields = line.split('\t').map(unescape);
        let mut next = || fields.next().ok_or(Malformed);
        match next()?.as_str() {
            "VERSION" => Ok(Self::Version { major: number(&next()?)?, minor: number(&next()?)? }),
            "CPID" => number(&next()?).and_then(positive).map(|_| Self::ProcessId),
            "AUTH" => {
                let (id, mechanism) = (number(&next()?).and_then(positive)?, next()?.to_ascii_uppercase());
                let (mut service, mut source, mut response) = (None, None, None);
                for field in fields {
                    if response.is_some() {
                        return Err(Malformed);
                    }
                    match field.split_once('=') {
                        Some(("service", value)) => service = Some(value.to_owned()),
                        Some(("rip", value)) => {
                            source = value.parse().ok().map(|ip: IpAddr| ip.to_canonical());
                        }
                        Some(("resp", value)) => response = Some(value.to_owned()),
                        // Others tell of TLS, ports and the like. Dovecot ignores those that it
                        // does not know.
                        _ => {}
                    }
                }
                let service = service.filter(|service| service.len() <= LONGEST_NAME).ok_or(Malformed)?;
                Ok(Self::Begin(Begin { id, mechanism, service, source, response }))
            }
            "CONT" => Ok(Self::Continue { id: number(&next()?)?, response: next()? }),
            "CANCEL" => Ok(Self::Cancel { id: number(&next()?)? }),
            _ => Err(Malformed),
        }
    }
}

fn number(text: &str) -> Result<u32, Malformed> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| is_number).ok_or(Malformed)
}

fn positive(number: u32) -> Result<u32, Malformed> {
    if number == 0 { Err(Malformed) } else { Ok(number) }
}

/// A field without Dovecot's escapes: `\x01` and a character.
fn unescape(field: &str) -> String {
    let mut text = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        if c != '\x01' {
            text.push(c);
            continue;
        }
        match chars.next() {
            Some('0') => text.push('\0'),
            Some('1') => text.push('\x01'),
            Some('t') => text.push('\t'),
            Some('r') => text.push('\r'),
            Some('n') => text.push('\n'),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// A value as it can stand in a field.
pub(super) fn escape(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '\0' => text.push_str("\x010"),
            '\x01' => text.push_str("\x011"),
            '\t' => text.push_str("\x01t"),
            '\r' => text.push_str("\x01r"),
            '\n' => text.push_str("\x01n"),
            other => text.push(other),
        }
    }
    text
}

/// What a mechanism makes of a response.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextAction {
    /// It needs another response to this challenge.
    Challenge(&'static str, Exchange),
    /// It has a name and a password.
    Credentials { name: String, password: Zeroizing<String> },
    /// It has none.
    ///
    /// A code of Dovecot's says why, if it has one for it.
    Refused(Option<&'static str>),
}

/// How far a mechanism is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    /// PLAIN (RFC 4616) waits for its only message.
    Plain,
    /// LOGIN waits for the name.
    LoginName,
    /// LOGIN waits for the password of this name.
    LoginPassword(String),
}

impl Exchange {
    pub(super) fn begin(mechanism: &str, response: Option<&str>) -> NextAction {
        let (challenge, exchange) = match mechanism {
            "PLAIN" => ("", Self::Plain),
            "LOGIN" => ("Username:", Self::LoginName),
            // Mechanisms that were not offered.
            _ => return NextAction::Refused(None),
        };
        match response {
            None => NextAction::Challenge(challenge, exchange),
            Some(response) => exchange.take(response),
        }
    }

    fn take(self, response: &str) -> NextAction {
        let decoded = BASE64_STANDARD.decode(response).map(Zeroizing::new);
        let Ok(decoded) = decoded else { return NextAction::Refused(Some("invalid_base64")) };
        let Ok(text) = str::from_utf8(&decoded) else { return NextAction::Refused(None) };
        match self {
            Self::Plain => {
                let mut parts = text.split('\0');
                let (Some(acting_as), Some(name), Some(password), None) =
                    (parts.next(), parts.next(), parts.next(), parts.next())
                else {
                    return NextAction::Refused(None);
                };
                if !acting_as.is_empty() && acting_as != name {
                    return NextAction::Refused(Some("authz_fail"));
                }
                credentials(name, password)
            }
            Self::LoginName if text.len() > LONGEST_NAME => NextAction::Refused(None),
            Self::LoginName => NextAction::Challenge("Password:", Self::LoginPassword(text.to_owned())),
            Self::LoginPassword(name) => credentials(&name, text),
        }
    }
}

fn credentials(name: &str, password: &str) -> NextAction {
    if name.is_empty() || password.is_empty() || name.contains('\0') || password.contains('\0') {
        return NextAction::Refused(None);
    }
    NextAction::Credentials { name: name.to_owned(), password: Zeroizing::new(password.to_owned()) }
}

/// A refusal.
fn fail(id: u32, name: Option<&str>, code: Option<&str>) -> String {
    let mut line = format!("FAIL\t{id}");
    // Writing to a text cannot fail.
    if let Some(name) = name {
        let _ = write!(line, "\tuser={}", escape(name));
    }
    if let Some(code) = code {
        let _ = write!(line, "\tcode={code}");
    }
    line + "\n"
}

/// That nothing was decided.
fn fail_temporarily(id: u32, name: Option<&str>, reason: &str) -> String {
    let line = fail(id, name, Some("temp_fail"));
    format!("{}\ttemp\treason={reason}\n", line.trim_end_matches('\n'))
}

/// Answers the requests of a connection.
pub(super) async fn answer(app: AppState, stream: UnixStream, peer: Peer, mut stopping: Stopping) {
    if let Err(error) = talk(app, stream, peer, &mut stopping).await {
        tracing::debug!(%error, "a connection of Dovecot's auth protocol ended");
    }
}

async fn talk(app: AppState, stream: UnixStream, peer: Peer, stopping: &mut Stopping) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = LineReader::new(reader);
    write(&mut writer, &greeting()?).await?;
    let deadline = later(now(), CLIENT_TIMEOUT);
    let minor = tokio::select! {
        shaken = timeout_at(deadline, handshake(&mut lines)) => match shaken.map_err(|_| io::ErrorKind::TimedOut)?? {
            Some(minor) => minor,
            None => return Ok(()),
        },
        () = stopping.wait() => return Ok(()),
    };
    let on_outage = app.settings().frontends.dovecot_auth.as_ref().map(|settings| settings.on_outage);
    let mut requests = OpenRequests {
        app,
        peer,
        minor,
        closes_on_outage: on_outage == Some(OnOutage::Close),
        is_over: false,
        waiting: HashMap::new(),
        running: HashMap::new(),
        done: JoinSet::new(),
    };
    let mut is_stopping = false;
    loop {
        let answer = tokio::select! {
            () = stopping.wait(), if !is_stopping => {
                is_stopping = true;
                None
            }
            Some(done) = requests.done.join_next_with_id(), if !requests.done.is_empty() => {
                requests.finish(done)
            }
            line = lines.next(), if !is_stopping => match line? {
                Some(line) => requests.take(Line::parse(&line)?)?,
                // What is under way ends without a reader.
                None => return Ok(()),
            },
        };
        if let Some(answer) = answer {
            write(&mut writer, &answer).await?;
        }
        // The others that are being decided get their answers.
        is_stopping |= requests.is_over;
        if is_stopping && requests.done.is_empty() {
            return Ok(());
        }
    }
}

async fn write(writer: &mut (impl AsyncWriteExt + Unpin), text: &str) -> io::Result<()> {
    timeout(CLIENT_TIMEOUT, writer.write_all(text.as_bytes())).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// The server's part of the handshake.
fn greeting() -> io::Result<String> {
    let mut cookie = [0; 16];
    getrandom::fill(&mut cookie).map_err(|_| io::Error::other("the system gives no randomness"))?;
    let cookie = u128::from_ne_bytes(cookie);
    let (process, connection) = (std::process::id(), CONNECTIONS.fetch_add(1, Ordering::Relaxed));
    Ok(format!(
        "VERSION\t{MAJOR_VERSION}\t{MINOR_VERSION}\nMECH\tPLAIN\tplaintext\nMECH\tLOGIN\tplaintext\n\
         SPID\t{process}\nCUID\t{connection}\nCOOKIE\t{cookie:032x}\nDONE\n"
    ))
}

/// The client's part of the handshake: its minor version, or `None` if it hung up.
async fn handshake(lines: &mut LineReader<impl AsyncRead + Unpin>) -> io::Result<Option<u32>> {
    let Some(line) = lines.next().await? else { return Ok(None) };
    let Line::Version { major: MAJOR_VERSION, minor } = Line::parse(&line)? else {
        return Err(Malformed.into());
    };
    let Some(line) = lines.next().await? else { return Ok(None) };
    match Line::parse(&line)? {
        Line::ProcessId => Ok(Some(minor)),
        _ => Err(Malformed.into()),
    }
}

/// The lines of a connection.
#[derive(Debug)]
struct LineReader<R> {
    reader: R,
    buffer: Zeroizing<Vec<u8>>,
}

impl<R: AsyncRead + Unpin> LineReader<R> {
    fn new(reader: R) -> Self {
        Self { reader, buffer: Zeroizing::new(Vec::with_capacity(LONGEST_LINE)) }
    }

    /// The next line, without its end; `None` when the client has hung up.
    ///
    /// # Cancellation
    /// Safe: what was read is kept.
    async fn next(&mut self) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(end + 1);
                let mut line = std::mem::replace(&mut self.buffer, Zeroizing::new(rest));
                line.truncate(end);
                return Ok(Some(line));
            }
            let Some(room) = LONGEST_LINE.checked_sub(self.buffer.len()).filter(|room| *room > 0) else {
                return Err(Malformed.into());
            };
            if (&mut self.reader).take(room as u64).read_buf(&mut *self.buffer).await? == 0 {
                return Ok(None);
            }
        }
    }
}

/// A request that waits for its client.
#[derive(Debug)]
struct WaitingRequest {
    begin: Begin,
    exchange: Exchange,
    since: Instant,
}

/// A request that is being decided.
#[derive(Debug)]
struct Running {
    task: AbortHandle,
    name: String,
}

/// What became of a request.
#[derive(Debug)]
enum RequestOutcome {
    /// Accepted or refused.
    Decided(String),
    /// Nothing was decided: an outage, or a limit on guessing.
    Undecided(String),
}

/// The open requests of a connection.
#[derive(Debug)]
struct OpenRequests {
    app: AppState,
    peer: Peer,
    /// The minor version of the client.
    minor: u32,
    /// Whether the connection ends when a request cannot be decided.
    closes_on_outage: bool,
    /// Whether it ends now.
    is_over: bool,
    waiting: HashMap<u32, WaitingRequest>,
    running: HashMap<u32, Running>,
    done: JoinSet<(u32, RequestOutcome)>,
}

impl OpenRequests {
    /// Takes a line and returns what to send at once.
    fn take(&mut self, line: Line) -> Result<Option<String>, Malformed> {
        match line {
            Line::Begin(begin) => self.begin(begin),
            Line::Continue { id, response } => {
                let Some(WaitingRequest { begin, exchange, .. }) = self.waiting.remove(&id) else {
                    // Nothing to continue: it took too long, or there never was one.
                    return Ok((!self.running.contains_key(&id)).then(|| fail(id, None, None)));
                };
                Ok(self.step(begin, exchange.take(&response)))
            }
            Line::Cancel { id } => {
                self.waiting.remove(&id);
                if let Some(running) = self.running.remove(&id) {
                    running.task.abort();
                }
                Ok(None)
            }
            Line::Version { .. } | Line::ProcessId => Err(Malformed),
        }
    }

    fn begin(&mut self, mut begin: Begin) -> Result<Option<String>, Malformed> {
        let id = begin.id;
        if self.waiting.contains_key(&id) || self.running.contains_key(&id) {
            return Err(Malformed);
        }
        if self.waiting.len() + self.done.len() >= MOST_REQUESTS {
            let too_old = |since| later(since, CONTINUE_TIMEOUT) <= now();
            self.waiting.retain(|_, waiting| !too_old(waiting.since));
        }
        if self.waiting.len() + self.done.len() >= MOST_REQUESTS {
            return Ok(Some(fail_temporarily(id, None, "Too many requests at once")));
        }
        let response = begin.response.take().map(Zeroizing::new);
        let response = match response.as_deref().map(String::as_str) {
            // Older clients, such as Exim, send an empty response where they have none.
            Some("") if self.minor < 2 => None,
            // SMTP and others write an empty response in this way.
            Some("=") => Some(""),
            other => other,
        };
        let step = Exchange::begin(&begin.mechanism, response);
        Ok(self.step(begin, step))
    }

    fn step(&mut self, begin: Begin, step: NextAction) -> Option<String> {
        let id = begin.id;
        match step {
            NextAction::Refused(code) => Some(fail(id, None, code)),
            NextAction::Challenge(challenge, exchange) => {
                self.waiting.insert(id, WaitingRequest { begin, exchange, since: now() });
                Some(format!("CONT\t{id}\t{}\n", BASE64_STANDARD.encode(challenge)))
            }
            NextAction::Credentials { name, password } => {
                let (app, is_trusted, typed) = (self.app.clone(), self.peer.is_trusted, name.clone());
                let mut deciding = Box::pin(async move {
                    let source = begin.source.filter(|_| is_trusted);
                    (id, decide(&app, id, &typed, &password, source, &begin.service).await)
                });
                // An answer from memory waits for nothing, so it needs no task.
                if let Some((_, answer)) = (&mut deciding).now_or_never() {
                    return self.reply(answer);
                }
                let task = self.done.spawn(deciding);
                self.running.insert(id, Running { task, name });
                None
            }
        }
    }

    /// The reply to a decided request; `None` if it was cancelled.
    fn finish(
        &mut self,
        done: Result<(tokio::task::Id, (u32, RequestOutcome)), tokio::task::JoinError>,
    ) -> Option<String> {
        let answer = match done {
            Ok((task, (id, answer))) => {
                // Cancelled when it was already decided: the number may be another request's by
                // now.
                self.running.get(&id).filter(|running| running.task.id() == task)?;
                self.running.remove(&id);
                answer
            }
            Err(error) => {
                let broken = self.running.iter().find(|(_, running)| running.task.id() == error.id());
                let id = broken.map(|(id, _)| *id)?;
                let running = self.running.remove(&id)?;
                tracing::error!(%error, "a password could not be checked");
                RequestOutcome::Undecided(fail_temporarily(id, Some(&running.name), UNAVAILABLE))
            }
        };
        self.reply(answer)
    }

    /// The line to send; `None` if the connection ends instead.
    fn reply(&mut self, answer: RequestOutcome) -> Option<String> {
        match answer {
            RequestOutcome::Decided(line) => Some(line),
            RequestOutcome::Undecided(_) if self.closes_on_outage => {
                self.is_over = true;
                None
            }
            RequestOutcome::Undecided(line) => Some(line),
        }
    }
}

/// The reason of an outage.
const UNAVAILABLE: &str = "Temporarily unavailable, try again later";

async fn decide(
    app: &AppState,
    id: u32,
    name: &str,
    password: &str,
    source: Option<IpAddr>,
    service: &str,
) -> RequestOutcome {
    let service = Some(service).filter(|service| !service.is_empty());
    let client = Client { source, frontend: Frontend::DovecotAuth, service };
    match app.sign_in_of(name, password, client, Accepts::AppPassword).await {
        Ok(Ok(accepted)) => {
            let user = escape(accepted.standing.user.id.as_str());
            RequestOutcome::Decided(format!("OK\t{id}\tuser={user}\n"))
        }
        Ok(Err(Outcome::Refused(_))) => RequestOutcome::Decided(fail(id, Some(name), None)),
        Ok(Err(Outcome::Throttled { .. })) => {
            let reason = "Too many failed attempts, try again later";
            RequestOutcome::Undecided(fail_temporarily(id, Some(name), reason))
        }
        Ok(Err(_)) => RequestOutcome::Undecided(fail_temporarily(id, Some(name), UNAVAILABLE)),
        Err(error) => {
            tracing::warn!(%error, "a password could not be checked");
            RequestOutcome::Undecided(fail_temporarily(id, Some(name), UNAVAILABLE))
        }
    }
}

#[cfg(test)]
mod tests;
