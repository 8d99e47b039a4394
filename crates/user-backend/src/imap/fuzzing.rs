//! For fuzzing: one dialogue in memory, and what was seen of it without the guard.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use super::reply::{LoginDecision, Method};
use super::script::{CREDENTIALS, NAME, PASSWORD, Record, ScriptStep, ScriptedServer};
use super::session::{ImapLogin, Session};
use crate::error::{BackendError, Phase};
use crate::fuzzing::Decided;
use crate::refusal::{RefusalTexts, Sent};

/// What came of a dialogue.
#[derive(Debug)]
pub struct DialogueResult {
    /// What we made of it.
    pub decided: Decided,
    /// Whether a whole line with our tag and OK came after the credentials.
    pub sent_yes: bool,
    /// Whether one with NO did.
    pub sent_no: bool,
    /// How often the credentials were written.
    pub times_written: usize,
    /// How many bytes the server got rid of.
    pub sent: usize,
    /// Whether unread server data remained when the connection was returned for encryption.
    pub injected: bool,
}

impl DialogueResult {
    /// What no text of this crate may contain.
    pub const SECRETS: [&str; 2] = [PASSWORD, CREDENTIALS];
}

/// Signs in at a server that sends these texts, each after one more client line.
///
/// `{tag}` is the tag of that line. `starttls`: agrees on encryption first.
pub fn dialogue(texts: &[&[u8]], stutters: bool, starttls: bool) -> DialogueResult {
    let mut steps = Vec::new();
    for (nth, text) in texts.iter().enumerate() {
        if nth > 0 {
            steps.push(ScriptStep::Receive);
        }
        steps.push(ScriptStep::Say(text.to_vec()));
    }
    let mut server = ScriptedServer::new(steps);
    server.stutters = stutters;
    let record = server.record();
    let mut injected = false;
    let ended = drive(sign_in(server, starttls, &mut injected));
    // A line that never comes is waited for until the deadline.
    let ended = ended.unwrap_or_else(|| Err(BackendError::timed_out(Phase::Login)));
    let decided = ended.map(|decision| match decision {
        LoginDecision::Yes => Ok(()),
        LoginDecision::No(rejection) => Err(rejection),
    });
    let Ok(record) = record.lock() else {
        return DialogueResult {
            decided,
            sent_yes: false,
            sent_no: false,
            times_written: 0,
            sent: 0,
            injected,
        };
    };
    let Record { times_written, .. } = *record;
    let (sent_yes, sent_no, sent) = (record.sent_yes(), record.sent_no(), record.sent.len());
    DialogueResult { decided, sent_yes, sent_no, times_written, sent, injected }
}

async fn sign_in(
    server: ScriptedServer,
    starttls: bool,
    injected: &mut bool,
) -> Result<LoginDecision, BackendError> {
    let record = server.record();
    let mut session = Session::greeted(server).await?;
    if starttls {
        let (server, before) = session.agree_on_tls().await?;
        *injected = record.lock().is_ok_and(|record| !record.ends_with_the_answer());
        session = Session::resumed(server, before);
    }
    let method = Method::choose(&session.capabilities().await?, true)?;
    let taught = RefusalTexts::default();
    let sent = Sent { name: NAME, password: PASSWORD };
    session
        .login(ImapLogin { method, sent, taught: &taught, encrypted: true })
        .await
        .map(|judged| judged.decision)
}

/// Polls as long as it is woken; without a clock, so that nothing waits for one.
fn drive<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let flag = Arc::new(WakeFlag(AtomicBool::new(true)));
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    while flag.0.swap(false, Ordering::AcqRel) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Some(output);
        }
    }
    None
}

struct WakeFlag(AtomicBool);

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
