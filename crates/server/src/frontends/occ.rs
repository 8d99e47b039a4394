//! The socket for `occ backend:login --server`.
//!
//! Each connection has one request and one response, each a line of JSON.
//!
//! ```text
//! {"name":"alice","password":"…","source":"192.0.2.1","service":"sshd"}
//! {"outcome":"refused","user":null,"backend":null,"reason":"bad_credentials","retry_after":null}
//! ```
//! `outcome` is `authenticated`, `refused`, `throttled` or `unavailable`; `retry_after` is in
//! seconds. `source` and `service` may be left out. What is no request is answered with
//! `{"error":"…"}`.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use user_backend::{Outcome, Rejection};
use zeroize::{Zeroize, Zeroizing};

use super::socket::{Peer, Stopping};
use crate::auth::sign_in::Accepts;
use crate::auth::sign_in_log::{Client, Frontend};
use crate::state::AppState;

/// How long a client may take to send its request and to take its answer.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest request, with its line end.
///
/// The longest name and password fit, even if every byte is escaped.
const LONGEST_REQUEST: usize = 16 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    name: String,
    password: String,
    source: Option<IpAddr>,
    service: Option<String>,
}

impl Drop for Request {
    fn drop(&mut self) {
        self.password.zeroize();
    }
}

#[derive(Debug, Default, Serialize)]
struct LoginResponse {
    outcome: &'static str,
    user: Option<String>,
    backend: Option<String>,
    reason: Option<&'static str>,
    retry_after: Option<u64>,
}

/// Answers the request of a connection.
pub(super) async fn answer(app: AppState, mut stream: UnixStream, peer: Peer, mut stopping: Stopping) {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST));
    let read = tokio::select! {
        read = timeout(CLIENT_TIMEOUT, read_line(&mut stream, &mut line)) => read,
        () = stopping.wait() => return,
    };
    let reply = match read {
        Ok(Ok(())) => match serde_json::from_slice::<Request>(&line) {
            Ok(request) => serde_json::to_string(&decide(&app, &request, peer).await).ok(),
            // The parser may repeat what it found.
            Err(_) => Some(r#"{"error":"expected an object with name and password"}"#.to_owned()),
        },
        Ok(Err(error)) if error.kind() == io::ErrorKind::InvalidData => {
            Some(r#"{"error":"the request is too long"}"#.to_owned())
        }
        _ => None,
    };
    let Some(reply) = reply else { return };
    let _ = timeout(CLIENT_TIMEOUT, async {
        stream.write_all(format!("{reply}\n").as_bytes()).await?;
        stream.shutdown().await
    })
    .await;
}

/// Reads up to the first line end, and nothing that is longer than a request may be.
async fn read_line(stream: &mut UnixStream, line: &mut Vec<u8>) -> io::Result<()> {
    loop {
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(());
        }
        // More would be reallocated, and leave a copy of the password.
        let room = line.capacity() - line.len();
        if room == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if (&mut *stream).take(room as u64).read_buf(line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn decide(app: &AppState, request: &Request, peer: Peer) -> LoginResponse {
    let client = Client {
        source: request.source.map(|source| source.to_canonical()).filter(|_| peer.is_trusted),
        frontend: Frontend::Occ,
        service: request.service.as_deref(),
    };
    match app.sign_in_of(&request.name, &request.password, client, Accepts::AppPassword).await {
        Ok(Ok(accepted)) => {
            let user = accepted.standing.user;
            LoginResponse {
                outcome: "authenticated",
                user: Some(user.id.as_str().to_owned()),
                backend: Some(user.backend.as_str().to_owned()),
                ..LoginResponse::default()
            }
        }
        Ok(Err(outcome)) => LoginResponse {
            outcome: outcome.as_str(),
            reason: match &outcome {
                // As at every frontend, the answer does not reveal which accounts exist.
                Outcome::Refused(Rejection::UnknownUser) => Some(Rejection::BadCredentials.as_str()),
                Outcome::Refused(rejection) => Some(rejection.as_str()),
                Outcome::Throttled { limit, .. } => Some(limit.text()),
                _ => None,
            },
            retry_after: outcome.retry_after_seconds(),
            ..LoginResponse::default()
        },
        Err(error) => {
            tracing::warn!(%error, "a password could not be checked");
            LoginResponse { outcome: "unavailable", reason: Some("store"), ..LoginResponse::default() }
        }
    }
}
