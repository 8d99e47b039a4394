//! The dialogue with one server, from its greeting to its answer.
//!
//! Wire only: what a reply means is decided in [`reply`].
//!
//! `async_imap` reads what the guard lets through; we write the commands: each command has a random
//! tag of its own, so that no answer can be prepared before the question (RFC 9051 section 2.2.1),
//! and the line with the password goes out in one write, past the library's logging.

use std::net::IpAddr;

use async_imap::Client;

use super::guard::{Before, Guard, ProtocolViolation};
use super::reply::{self, Capabilities, LoginDecision, Method, Reply, TaggedStatus, Untagged};
use super::sasl::{self, SecretLine};
use crate::error::{BackendError, FailureKind, Phase};
use crate::refusal::{RefusalTexts, Sent, ServerText};
use crate::secret::random_hex;
use crate::transport::Duplex;

/// A name and a password, and how they are presented.
#[derive(Clone, Copy)]
pub(super) struct ImapLogin<'a> {
    pub(super) method: Method,
    pub(super) sent: Sent<'a>,
    pub(super) taught: &'a RefusalTexts,
    pub(super) encrypted: bool,
}

/// The server's answer to a [`ImapLogin`].
#[derive(Debug)]
pub(super) struct Judged {
    pub(super) decision: LoginDecision,
    /// The server's message for the user.
    pub(super) message: Option<ServerText>,
}

/// An open connection to a server, before a sign-in.
#[derive(Debug)]
pub(super) struct Session<S: Duplex> {
    client: Client<Guard<S>>,
    tag: String,
    capabilities: Option<Capabilities>,
}

impl<S: Duplex> Session<S> {
    /// Waits for the greeting.
    ///
    /// # Errors
    /// A [`BackendError`] when the server sends none, says goodbye, or claims that a user is signed
    /// in already.
    pub(super) async fn greeted(stream: S) -> Result<Self, BackendError> {
        let mut session = Self::over(Guard::new(stream));
        match session.next(Phase::Greeting).await? {
            // RFC 9051 section 7.1.4: this login was not requested, and there is no STARTTLS after
            // it.
            ServerReply::Status(Untagged::Preauth) => Err(ProtocolViolation::Preauth.fault(Phase::Greeting)),
            ServerReply::Status(Untagged::Ok) => Ok(session),
            _ => Err(ProtocolViolation::NoGreeting.fault(Phase::Greeting)),
        }
    }

    /// Continues over a connection that has just been encrypted.
    ///
    /// What was known about the server is forgotten.
    pub(super) fn resumed(stream: S, before: Before) -> Self {
        Self::over(Guard::resumed(stream, before))
    }

    /// Whether the server greeted as Dovecot.
    pub(super) fn is_dovecot(&self) -> bool {
        self.client.get_ref().is_dovecot()
    }

    fn over(guard: Guard<S>) -> Self {
        Self { client: Client::new(guard), tag: String::new(), capabilities: None }
    }

    /// Negotiates STARTTLS; returns the connection to encrypt, and what is known of it.
    ///
    /// # Errors
    /// A [`BackendError`] when the server does not offer it or refuses, or when anything was sent
    /// after its answer.
    pub(super) async fn agree_on_tls(mut self) -> Result<(S, Before), BackendError> {
        // A server that did not list what it can do is simply asked; one that did and left it out
        // is believed.
        if self.capabilities.as_ref().is_some_and(|offered| !offered.has("STARTTLS")) {
            return Err(reply::no_starttls());
        }
        self.begin(Phase::Tls, false).await?;
        let line = format!("{} STARTTLS\r\n", self.tag);
        self.send(Phase::Tls, line.as_bytes()).await?;
        reply::agreed_to_tls(self.answer(Phase::Tls).await?)?;
        let guard = self.client.into_inner();
        let before = guard.before();
        let stream = guard.into_silent_inner().await.map_err(|error| reply::broken(Phase::Tls, &error))?;
        Ok((stream, before))
    }

    /// What the server can do: as its greeting says, else it is asked.
    ///
    /// # Errors
    /// A [`BackendError`] when it does not answer.
    pub(super) async fn capabilities(&mut self) -> Result<Capabilities, BackendError> {
        if let Some(known) = &self.capabilities {
            return Ok(known.clone());
        }
        self.begin(Phase::Greeting, false).await?;
        let line = format!("{} CAPABILITY\r\n", self.tag);
        self.send(Phase::Greeting, line.as_bytes()).await?;
        let answer = self.answer(Phase::Greeting).await?;
        match (&self.capabilities, answer) {
            (Some(known), TaggedStatus::Ok) => Ok(known.clone()),
            _ => Err(BackendError::protocol(Phase::Greeting, "the server does not tell its capabilities")),
        }
    }

    /// Whether the server still waits for us, and has sent nothing since the last command.
    pub(super) async fn is_waiting(&mut self) -> bool {
        self.client.get_mut().is_silent().await
    }

    /// Sends the address of the user to the server (RFC 2971), before the credentials.
    ///
    /// Any answer is accepted.
    ///
    /// # Errors
    /// A [`BackendError`] when it does not answer.
    pub(super) async fn identify(&mut self, source: IpAddr) -> Result<(), BackendError> {
        self.begin(Phase::Greeting, false).await?;
        let line = format!("{} ID (\"x-originating-ip\" \"{}\")\r\n", self.tag, source.to_canonical());
        self.send(Phase::Greeting, line.as_bytes()).await?;
        self.answer(Phase::Greeting).await.map(drop)
    }

    /// Presents a name and a password, once, by a method that the server offers.
    ///
    /// # Errors
    /// A [`BackendError`] when the server did not judge them.
    ///
    /// # Cancellation
    /// Dropping the future closes the connection; the server may have judged.
    pub(super) async fn login(mut self, login: ImapLogin<'_>) -> Result<Judged, BackendError> {
        let ImapLogin { method, sent: Sent { name, password }, .. } = login;
        match method {
            Method::PlainAtOnce => {
                self.begin(Phase::Login, false).await?;
                let line = sasl::plain_at_once(&self.tag, name, password);
                self.send_password(&line).await?;
                self.judged(login).await
            }
            Method::PlainInTurns => {
                self.begin(Phase::Login, true).await?;
                let first = self.authenticate(method);
                self.in_turns(login, &[first, sasl::plain_in_turn(name, password)], 1).await
            }
            Method::LoginInTurns => {
                self.begin(Phase::Login, true).await?;
                let first = self.authenticate(method);
                let [name, password] = sasl::login_in_turns(name, password);
                self.in_turns(login, &[first, name, password], 1).await
            }
            Method::Login(literals) => {
                // The tag is drawn first: it is part of the first piece.
                self.draw_tag(Phase::Login)?;
                let pieces = sasl::login(&self.tag, name, password, literals);
                self.begin_drawn(Phase::Login, pieces.len() > 1).await?;
                // The name is in the first piece, unless it is a literal.
                let name_at = usize::from(!sasl::is_plain(name));
                self.in_turns(login, &pieces, name_at).await
            }
        }
    }

    /// The command that begins a dialogue of several turns.
    fn authenticate(&self, method: Method) -> SecretLine {
        SecretLine::new(format!("{} {}\r\n", self.tag, method.command()).into_bytes())
    }

    /// Sends each piece when it is its turn.
    ///
    /// The first at once, each further one after a continuation. The password is in the last one,
    /// the name in `name_at`.
    async fn in_turns(
        &mut self,
        login: ImapLogin<'_>,
        pieces: &[SecretLine],
        name_at: usize,
    ) -> Result<Judged, BackendError> {
        for (nth, piece) in pieces.iter().enumerate() {
            if nth > 0 {
                if let Some(answer) = self.turn_or_answer().await? {
                    let words = self.client.get_mut().take_words(login.taught, login.sent);
                    let ImapLogin { method, encrypted, .. } = login;
                    let decision = reply::refused_unheard(answer, &words, method, encrypted, nth > name_at)?;
                    return Ok(Judged { decision, message: words.message });
                }
                let turn = self.client.get_mut().take_turn(nth + 1 < pieces.len()).await;
                turn.map_err(|error| reply::broken(Phase::Login, &error))?;
            }
            match nth + 1 < pieces.len() {
                true => self.send(Phase::Login, piece).await?,
                false => self.send_password(piece).await?,
            }
        }
        self.judged(login).await
    }

    /// Sends the line that has the password.
    ///
    /// Where that fails, some of it may have arrived.
    async fn send_password(&mut self, line: &[u8]) -> Result<(), BackendError> {
        self.send(Phase::Login, line).await.map_err(BackendError::without_answer)
    }

    /// Waits for the answer to the password.
    async fn judged(&mut self, login: ImapLogin<'_>) -> Result<Judged, BackendError> {
        let answer = self.answer(Phase::Login).await;
        // It was sent and something came back that is no IMAP: that may be how this server refuses.
        // Where the connection ends, with a BYE or without one, the server may have compared the
        // password before.
        let answer = answer.map_err(|error| match error.failure_kind() {
            FailureKind::Protocol => error.counting_as_guess(),
            _ => error.without_answer(),
        })?;
        let words = self.client.get_mut().take_words(login.taught, login.sent);
        let decision = reply::decide(answer, &words, login.encrypted)?;
        Ok(Judged { decision, message: words.message })
    }

    /// Draws a tag and makes sure that the server is waiting for us.
    async fn begin(&mut self, phase: Phase, continuation: bool) -> Result<(), BackendError> {
        self.draw_tag(phase)?;
        self.begin_drawn(phase, continuation).await
    }

    fn draw_tag(&mut self, phase: Phase) -> Result<(), BackendError> {
        let random = random_hex::<16>()
            .map_err(|error| BackendError::unavailable(phase, error.to_string()).with_source(error))?;
        self.tag = format!("G{random}");
        Ok(())
    }

    async fn begin_drawn(&mut self, phase: Phase, continuation: bool) -> Result<(), BackendError> {
        let begun = self.client.get_mut().begin(&self.tag, continuation).await;
        begun.map_err(|error| reply::broken(phase, &error))
    }

    async fn send(&mut self, phase: Phase, line: &[u8]) -> Result<(), BackendError> {
        self.client.get_mut().send(line).await.map_err(|error| reply::broken(phase, &error))
    }

    /// Waits for the answer to our command.
    async fn answer(&mut self, phase: Phase) -> Result<TaggedStatus, BackendError> {
        loop {
            match self.next(phase).await? {
                ServerReply::Done(answer) => return Ok(answer),
                ServerReply::Continue => return Err(ProtocolViolation::OddContinuation.fault(phase)),
                ServerReply::Status(_) => {}
            }
        }
    }

    /// Waits until it is our turn, or for an answer that comes instead.
    async fn turn_or_answer(&mut self) -> Result<Option<TaggedStatus>, BackendError> {
        loop {
            match self.next(Phase::Login).await? {
                ServerReply::Done(answer) => return Ok(Some(answer)),
                ServerReply::Continue => return Ok(None),
                ServerReply::Status(_) => {}
            }
        }
    }

    /// Reads the next reply, and notes capabilities.
    async fn next(&mut self, phase: Phase) -> Result<ServerReply, BackendError> {
        loop {
            let response = match self.client.read_response().await {
                Ok(Some(response)) => response,
                Ok(None) => return Err(reply::closed(phase)),
                Err(error) => return Err(reply::broken(phase, &error)),
            };
            match Reply::read(response.parsed(), &self.tag) {
                Reply::Capabilities(capabilities) => self.note(capabilities),
                Reply::Status { status, capabilities } => {
                    if let Some(capabilities) = capabilities {
                        self.note(capabilities);
                    }
                    return Ok(ServerReply::Status(status));
                }
                Reply::Continue => return Ok(ServerReply::Continue),
                Reply::Done(answer) => return Ok(ServerReply::Done(answer)),
                Reply::Bye(code) => return Err(reply::goodbye(phase, code)),
                Reply::Odd => return Err(ProtocolViolation::OddReply.fault(phase)),
            }
        }
    }

    fn note(&mut self, capabilities: Capabilities) {
        let added = self.client.get_ref().added_rev1();
        self.capabilities = Some(capabilities.without_rev1(added));
    }
}

/// A reply that the dialogue has to react to.
enum ServerReply {
    Status(Untagged),
    Continue,
    Done(TaggedStatus),
}

#[cfg(test)]
mod tests;
