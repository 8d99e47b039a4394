//! One dialogue with a server, from the open connection to the answer to the password.
//!
//! [`reply`](super::reply) decides what answers mean.
//!
//! RFC 4253 (keys), RFC 4252 (authentication), RFC 4256 (keyboard-interactive).

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::client::{
    AuthResult, Config, DisconnectReason, Handle, Handler, KeyboardInteractiveAuthResponse, Prompt,
};
use russh::keys::{HashAlg, PublicKeyOrCertificate};
use russh::{Preferred, SshId};

use super::host_keys::HostKeys;
use super::reply::{Answer, Method, choose, judge, judge_question, not_one_question, unasked};
use super::socket::{BoundedSocket, MAX_RECEIVED, SocketControl};
use crate::backend::Probe;
use crate::clock::Instant;
use crate::error::{BackendError, Phase};
use crate::refusal::{Login, Refused, ReplyText, Words};
use crate::transport::{Endpoint, dial, sooner, within};

/// What we call ourselves.
const CLIENT: &str = "SSH-2.0-user_backend";

/// Most messages of a conversation: the question, and what a server says around it.
const MAX_MESSAGES: usize = 8;

/// A server whose key was checked, that waits for a name.
pub(super) struct Session {
    handle: Handle<Client>,
    control: SocketControl,
    messages: Arc<Mutex<SshNotices>>,
    deadline: Instant,
    peer: Option<SocketAddr>,
}

/// What the server sent beside its answers.
#[derive(Default)]
struct SshNotices {
    /// The key that was refused.
    wrong_key: Option<String>,
    /// The kind of key that was accepted.
    key: Option<String>,
    /// The password was sent: from here on, messages may be about it.
    is_asked: bool,
    words: ReplyText,
    reason: Option<u32>,
}

/// The callbacks of russh, from its own task.
struct Client {
    keys: Arc<HostKeys>,
    messages: Arc<Mutex<SshNotices>>,
}

fn lock(messages: &Mutex<SshNotices>) -> MutexGuard<'_, SshNotices> {
    messages.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Handler for Client {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are not requested.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let is_known = self.keys.accept(key);
        let mut messages = lock(&self.messages);
        if is_known {
            messages.key = Some(key.algorithm().as_str().to_owned());
        } else {
            let fingerprint = key.fingerprint(HashAlg::Sha256);
            messages.wrong_key = Some(format!("{} {fingerprint}", key.algorithm().as_str()));
        }
        Ok(is_known)
    }

    async fn auth_banner(&mut self, banner: &str, _: &mut russh::client::Session) -> Result<(), Self::Error> {
        lock(&self.messages).add(banner);
        Ok(())
    }

    async fn disconnected(&mut self, reason: DisconnectReason<Self::Error>) -> Result<(), Self::Error> {
        match reason {
            DisconnectReason::ReceivedDisconnect(info) => {
                let mut messages = lock(&self.messages);
                messages.reason = Some(info.reason_code as u32);
                messages.add(&info.message);
                Ok(())
            }
            DisconnectReason::Error(error) => Err(error),
        }
    }
}

impl SshNotices {
    fn add(&mut self, text: &str) {
        if self.is_asked {
            for line in text.lines() {
                self.words.add(line.as_bytes());
            }
        }
    }
}

impl Session {
    /// Connects, exchanges keys and checks the server's.
    ///
    /// # Errors
    /// A [`BackendError`] in the phase that failed.
    ///
    /// # Cancellation
    /// Safe: the connection is closed.
    pub(super) async fn open(
        endpoint: &Endpoint,
        keys: &Arc<HostKeys>,
        deadline: Instant,
    ) -> Result<Self, BackendError> {
        let stream = dial(endpoint, deadline).await?;
        let peer = stream.peer_addr().ok();
        let (socket, control) = BoundedSocket::new(stream);
        let messages = Arc::<Mutex<SshNotices>>::default();
        let client = Client { keys: Arc::clone(keys), messages: Arc::clone(&messages) };
        let config = Arc::new(Config {
            client_id: SshId::Standard(Cow::Borrowed(CLIENT)),
            preferred: Preferred { key: Cow::Owned(keys.algorithms()), ..Preferred::DEFAULT },
            ..Config::default()
        });
        let connect = async {
            let opened = russh::client::connect_stream(config, socket, client).await;
            opened.map_err(|error| explain(&error, &control, &lock(&messages)))
        };
        let handle = within(sooner(endpoint.connect_timeout(), deadline), Phase::Tls, connect).await?;
        Ok(Self { handle, control, messages, deadline, peer })
    }

    /// Presents the name and the password.
    ///
    /// `Ok(Ok(()))` is the verified yes.
    ///
    /// The method `none` is tried first: its refusal lists the methods, and a server
    /// that accepts it asks for no password. There is no channel and no farewell: the connection is
    /// closed at once.
    ///
    /// # Errors
    /// A [`BackendError`] when the server neither accepted nor refused the password.
    ///
    /// # Security
    /// The password is written once, and only after the server refused `none`.
    pub(super) async fn sign_in(mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        within(self.deadline, Phase::Login, async {
            let none = self.handle.authenticate_none(login.sent.name).await;
            match choose(&self.answer(none)?)? {
                Method::Password => self.password(login).await,
                Method::KeyboardInteractive => self.conversation(login).await,
            }
        })
        .await
    }

    async fn password(&mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        self.ask();
        let answer = self.handle.authenticate_password(login.sent.name, login.sent.password).await;
        let answer = self.answer(answer).map_err(BackendError::without_answer)?;
        self.conclude(&answer, login, false)
    }

    async fn conversation(&mut self, login: Login<'_>) -> Result<Result<(), Refused>, BackendError> {
        let mut is_given = false;
        let mut answer = self.handle.authenticate_keyboard_interactive_start(login.sent.name, None).await;
        for _ in 0..MAX_MESSAGES {
            let reply = match answer {
                Ok(KeyboardInteractiveAuthResponse::InfoRequest { name, instructions, prompts }) => {
                    self.note(&name, &instructions, &prompts);
                    match (prompts.as_slice(), is_given) {
                        ([], _) => Vec::new(),
                        ([Prompt { echo: false, .. }], false) => {
                            is_given = true;
                            self.ask();
                            vec![login.sent.password.to_owned()]
                        }
                        ([first, ..], false) => return Err(not_one_question(prompts.len(), first.echo)),
                        ([..], true) => {
                            let words = self.words(login);
                            return judge_question(&words).map(|rejection| Err((rejection, words.message)));
                        }
                    }
                }
                Ok(KeyboardInteractiveAuthResponse::Success) if !is_given => {
                    return choose(&Answer::Success).map(|_| Ok(()));
                }
                Ok(KeyboardInteractiveAuthResponse::Failure { partial_success: false, .. }) if !is_given => {
                    return Err(not_one_question(0, false));
                }
                Ok(KeyboardInteractiveAuthResponse::Success) => {
                    return self.conclude(&Answer::Success, login, true);
                }
                Ok(KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success }) => {
                    let answer = self.failure(remaining_methods, partial_success);
                    return self.conclude(&answer, login, true);
                }
                Err(_) if !is_given => return Err(self.lost()),
                Err(_) => {
                    let ended = Answer::Ended(lock(&self.messages).reason);
                    return self.conclude(&ended, login, true);
                }
            };
            answer = self.handle.authenticate_keyboard_interactive_respond(reply).await;
        }
        Err(BackendError::protocol(Phase::Login, "the server talks without end"))
    }

    /// Messages from here on may be about the password.
    fn ask(&self) {
        self.control.ask();
        let mut messages = lock(&self.messages);
        messages.is_asked = true;
        messages.words.clear();
    }

    fn note(&self, name: &str, instructions: &str, prompts: &[Prompt]) {
        let mut messages = lock(&self.messages);
        let prompts = prompts.iter().map(|prompt| prompt.prompt.as_str());
        [name, instructions].into_iter().chain(prompts).for_each(|text| messages.add(text));
    }

    fn words(&self, login: Login<'_>) -> Words {
        lock(&self.messages).words.judge(login.taught, login.sent)
    }

    /// # Security
    /// russh hands out answers in the order in which they came. One that came before the password
    /// was sent is none.
    fn conclude(
        &self,
        answer: &Answer,
        login: Login<'_>,
        is_notice: bool,
    ) -> Result<Result<(), Refused>, BackendError> {
        if self.control.is_flooded() {
            return Err(flooded(Phase::Login));
        }
        if !matches!(answer, Answer::Ended(_)) && !self.control.is_answered() {
            return Err(unasked());
        }
        let words = self.words(login);
        Ok(judge(answer, &words, is_notice)?.map_err(|rejection| (rejection, words.message)))
    }

    fn answer(&self, answer: Result<AuthResult, russh::Error>) -> Result<Answer, BackendError> {
        match answer {
            Ok(AuthResult::Success) => Ok(Answer::Success),
            Ok(AuthResult::Failure { remaining_methods, partial_success }) => {
                if remaining_methods.is_empty() && self.control.is_flooded() {
                    return Err(flooded(Phase::Login));
                }
                Ok(self.failure(remaining_methods, partial_success))
            }
            Err(_) => Err(self.lost()),
        }
    }

    /// russh calls the end of the connection a failure after which no method is left.
    fn failure(&self, methods: russh::MethodSet, is_partial: bool) -> Answer {
        match methods.is_empty() && !is_partial {
            true => Answer::Ended(lock(&self.messages).reason),
            false => Answer::Failure { methods, is_partial },
        }
    }

    fn lost(&self) -> BackendError {
        match self.control.is_flooded() {
            true => flooded(Phase::Login),
            false => BackendError::unavailable(Phase::Login, "the server closed the connection"),
        }
    }

    /// The result of the probe.
    pub(super) fn into_probe(self) -> Probe {
        let key = lock(&self.messages).key.clone();
        Probe::of(self.peer).with_capabilities(key)
    }
}

fn flooded(phase: Phase) -> BackendError {
    BackendError::protocol(phase, format!("the server sent more than {MAX_RECEIVED} bytes"))
}

/// Maps a connection that was not made.
///
/// Errors of russh may hold words of the server, so none is passed on.
fn explain(error: &russh::Error, control: &SocketControl, messages: &SshNotices) -> BackendError {
    if control.is_flooded() {
        return flooded(Phase::Tls);
    }
    if let Some(key) = &messages.wrong_key {
        let text = format!("the server's key is not the one in the settings; it shows {key}");
        return BackendError::protocol(Phase::Tls, text)
            .with_hint("unless the server got a new key, another machine answers in its place");
    }
    match error {
        russh::Error::Version => BackendError::protocol(Phase::Greeting, "the server does not speak SSH 2.0"),
        russh::Error::NoCommonAlgo { kind, .. } => {
            let text = format!("the server has no algorithm of ours for: {kind:?}").to_lowercase();
            let error = BackendError::misconfigured(Phase::Tls, text);
            match kind {
                russh::AlgorithmKind::Key => {
                    error.with_hint("it must show a key of a kind that the settings know")
                }
                _ => error,
            }
        }
        russh::Error::IO(error) => {
            BackendError::unavailable(Phase::Tls, format!("the connection broke: {}", error.kind()))
        }
        russh::Error::Disconnect | russh::Error::HUP | russh::Error::RecvError | russh::Error::SendError => {
            BackendError::unavailable(Phase::Tls, "the server closed the connection")
        }
        russh::Error::WrongServerSig => {
            BackendError::protocol(Phase::Tls, "the server does not have the key that it shows")
        }
        _ => BackendError::protocol(Phase::Tls, "the server broke the rules of SSH"),
    }
}
