//! The dialogue with one server, from its greeting to its answer. Wire only: what a reply means is [`reply`]'s business.
//!
//! `async_imap` reads what the guard lets through; what is written, is written by us: each command has a random tag of
//! its own, so that no answer can be prepared before the question (RFC 9051 section 2.2.1), and the line with the
//! password goes out in one write, past the library's logging.

use async_imap::Client;
use tokio::io::{AsyncRead, AsyncWrite};

use super::guard::{Guard, Offence};
use super::reply::{self, Answer, Capabilities, Decision, Method, Reply, Untagged};
use super::sasl::{self, Unfit};
use crate::error::{BackendError, Phase};
use crate::secret::random_hex;
use crate::verdict::Rejection;

/// What a stream must be able to do to carry a dialogue.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Wire for S {}

/// An open connection to a server that nobody has signed in on.
#[derive(Debug)]
pub(super) struct Session<S: Wire> {
    client: Client<Guard<S>>,
    tag: String,
    capabilities: Option<Capabilities>,
}

impl<S: Wire> Session<S> {
    /// Waits for the greeting.
    ///
    /// # Errors
    /// A [`BackendError`] when the server sends none, says goodbye, or claims that somebody is signed in already.
    pub(super) async fn greeted(stream: S) -> Result<Self, BackendError> {
        let mut session = Self::over(Guard::new(stream));
        match session.next(Phase::Greeting).await? {
            // RFC 9051 section 7.1.4: nobody asked for this login, and there is no STARTTLS after it.
            Heard::Status(Untagged::Preauth) => Err(Offence::Preauth.fault(Phase::Greeting)),
            Heard::Status(Untagged::Ok) => Ok(session),
            _ => Err(Offence::NoGreeting.fault(Phase::Greeting)),
        }
    }

    /// Goes on over a connection that has just been encrypted. What was known about the server is forgotten.
    pub(super) fn resumed(stream: S, total: usize) -> Self {
        Self::over(Guard::resumed(stream, total))
    }

    fn over(guard: Guard<S>) -> Self {
        Self { client: Client::new(guard), tag: String::new(), capabilities: None }
    }

    /// Asks for encryption and gives the connection back for it, with the number of bytes read so far.
    ///
    /// # Errors
    /// A [`BackendError`] when the server does not offer it or refuses, or when anything was sent behind its answer.
    pub(super) async fn agree_on_tls(mut self) -> Result<(S, usize), BackendError> {
        // A server that did not tell what it can do is simply asked; one that did and left it out is believed.
        if self.capabilities.as_ref().is_some_and(|offered| !offered.has("STARTTLS")) {
            return Err(reply::no_starttls());
        }
        self.begin(Phase::Tls, false).await?;
        let line = format!("{} STARTTLS\r\n", self.tag);
        self.send(Phase::Tls, line.as_bytes()).await?;
        reply::agreed_to_tls(self.answer(Phase::Tls).await?)?;
        let guard = self.client.into_inner();
        let total = guard.total();
        let stream = guard.into_silent_inner().await.map_err(|error| reply::broken(Phase::Tls, &error))?;
        Ok((stream, total))
    }

    /// What the server can do: as it told in its greeting, else it is asked.
    ///
    /// # Errors
    /// A [`BackendError`] when it does not tell.
    pub(super) async fn capabilities(&mut self) -> Result<Capabilities, BackendError> {
        if let Some(known) = &self.capabilities {
            return Ok(known.clone());
        }
        self.begin(Phase::Greeting, false).await?;
        let line = format!("{} CAPABILITY\r\n", self.tag);
        self.send(Phase::Greeting, line.as_bytes()).await?;
        let answer = self.answer(Phase::Greeting).await?;
        match (&self.capabilities, answer) {
            (Some(known), Answer::Ok) => Ok(known.clone()),
            _ => Err(BackendError::protocol(Phase::Greeting, "the server does not tell its capabilities")),
        }
    }

    /// Whether the server still waits for us, and has said nothing since it was last asked.
    pub(super) async fn is_waiting(&mut self) -> bool {
        self.client.get_mut().is_silent().await
    }

    /// Presents a name and a password, once, by a method that the server offers.
    ///
    /// # Errors
    /// A [`BackendError`] when the server did not judge them.
    ///
    /// # Cancellation
    /// Dropping the future closes the connection; the server may have judged.
    pub(super) async fn login(
        mut self,
        method: Method,
        name: &str,
        password: &str,
    ) -> Result<Decision, BackendError> {
        match method {
            Method::PlainAtOnce => {
                self.begin(Phase::Login, false).await?;
                let line = sasl::plain_at_once(&self.tag, name, password);
                self.send(Phase::Login, &line).await?;
            }
            Method::PlainInTurns => {
                self.begin(Phase::Login, true).await?;
                let line = format!("{} AUTHENTICATE PLAIN\r\n", self.tag);
                self.send(Phase::Login, line.as_bytes()).await?;
                if let Some(answer) = self.turn_or_answer().await? {
                    return Err(reply::refused_unheard(answer));
                }
                let line = sasl::plain_in_turn(name, password);
                self.client
                    .get_mut()
                    .take_turn()
                    .await
                    .map_err(|error| reply::broken(Phase::Login, &error))?;
                self.send(Phase::Login, &line).await?;
            }
            Method::Login => {
                self.begin(Phase::Login, false).await?;
                let line = match sasl::login(&self.tag, name, password) {
                    Ok(line) => line,
                    // Nobody can have such a password at a server that reads nothing longer.
                    Err(Unfit::TooLong) => return Ok(Decision::No(Rejection::PolicyDenied)),
                    Err(Unfit::NotAscii) => {
                        return Err(BackendError::misconfigured(
                            Phase::Login,
                            "the server offers LOGIN only, which cannot carry this name or password \
                             (characters outside ASCII); let it offer AUTH=PLAIN",
                        ));
                    }
                };
                self.send(Phase::Login, &line).await?;
            }
        }
        reply::decide(self.answer(Phase::Login).await?)
    }

    /// Draws a tag and makes sure that the server is waiting for us.
    async fn begin(&mut self, phase: Phase, continuation: bool) -> Result<(), BackendError> {
        let random = random_hex::<16>()
            .map_err(|error| BackendError::unavailable(phase, error.to_string()).with_source(error))?;
        self.tag = format!("G{random}");
        let begun = self.client.get_mut().begin(&self.tag, continuation).await;
        begun.map_err(|error| reply::broken(phase, &error))
    }

    async fn send(&mut self, phase: Phase, line: &[u8]) -> Result<(), BackendError> {
        self.client.get_mut().send(line).await.map_err(|error| reply::broken(phase, &error))
    }

    /// Waits for the answer to our command.
    async fn answer(&mut self, phase: Phase) -> Result<Answer, BackendError> {
        loop {
            match self.next(phase).await? {
                Heard::Done(answer) => return Ok(answer),
                Heard::Continue => return Err(Offence::OddContinuation.fault(phase)),
                Heard::Status(_) => {}
            }
        }
    }

    /// Waits until it is our turn, or for an answer that comes instead.
    async fn turn_or_answer(&mut self) -> Result<Option<Answer>, BackendError> {
        loop {
            match self.next(Phase::Login).await? {
                Heard::Done(answer) => return Ok(Some(answer)),
                Heard::Continue => return Ok(None),
                Heard::Status(_) => {}
            }
        }
    }

    /// Reads the next reply; notes capabilities by the way.
    async fn next(&mut self, phase: Phase) -> Result<Heard, BackendError> {
        loop {
            let response = match self.client.read_response().await {
                Ok(Some(response)) => response,
                Ok(None) => return Err(reply::closed(phase)),
                Err(error) => return Err(reply::broken(phase, &error)),
            };
            match Reply::read(response.parsed(), &self.tag) {
                Reply::Capabilities(told) => self.note(told),
                Reply::Status { status, capabilities } => {
                    if let Some(told) = capabilities {
                        self.note(told);
                    }
                    return Ok(Heard::Status(status));
                }
                Reply::Continue => return Ok(Heard::Continue),
                Reply::Done(answer) => return Ok(Heard::Done(answer)),
                Reply::Bye(code) => return Err(reply::goodbye(phase, code)),
                Reply::Odd => return Err(Offence::OddReply.fault(phase)),
            }
        }
    }

    fn note(&mut self, told: Capabilities) {
        let added = self.client.get_ref().added_rev1();
        self.capabilities = Some(told.without_rev1(added));
    }
}

/// A reply that the dialogue has to react to.
enum Heard {
    Status(Untagged),
    Continue,
    Done(Answer),
}

#[cfg(test)]
mod tests;
