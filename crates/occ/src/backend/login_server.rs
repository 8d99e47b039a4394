//! `backend:login --server`: asks the running server, with its cache, pins and limits.

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use super::{NO_DECISION, again};
use crate::cli::{Common, LoginArgs};
use crate::config_file;
use crate::exit::{CliError, Exit};
use crate::output::{Output, one_line};
use crate::password;

/// Longer than the server takes for a request.
const TIME: Duration = Duration::from_secs(90);

/// The longest answer.
const MOST: u64 = 64 * 1024;

#[derive(Serialize)]
struct Request<'a> {
    name: &'a str,
    password: &'a str,
    source: Option<std::net::IpAddr>,
    service: Option<&'a str>,
}

#[derive(Deserialize)]
struct LoginResponse {
    outcome: String,
    user: Option<String>,
    backend: Option<String>,
    reason: Option<String>,
    retry_after: Option<u64>,
}

pub(super) async fn run(common: &Common, args: &LoginArgs) -> Result<Output, CliError> {
    let (file, server, _) = config_file::read(common)?;
    let socket = server.frontends.occ.ok_or_else(|| {
        CliError::new(format!(
            "{}: --server needs the socket of the server: set path in [frontends.occ], and start the server again",
            file.display()
        ))
    })?;
    let question = format!("Password of {}: ", one_line(&args.name));
    let password = password::read(common, args.password, question).await?;
    let request = Request {
        name: &args.name,
        password: &password,
        source: args.source,
        service: args.service.as_deref(),
    };
    // A line of this size at most: a growing buffer leaves copies of the password in memory.
    let mut line = Zeroizing::new(Vec::with_capacity(6 * (args.name.len() + password.len()) + 1024));
    serde_json::to_writer(&mut *line, &request).map_err(|error| CliError::new(error.to_string()))?;
    line.push(b'\n');
    let path = socket.path;
    let answer = tokio::task::spawn_blocking(move || ask(&path, &line)).await;
    let text = answer.map_err(|_| CliError::new("asking the server ended with an internal error"))??;
    let answer: LoginResponse = serde_json::from_str(&text).map_err(|_| {
        CliError::unavailable(format!(
            "unavailable: the server did not understand the request; {NO_DECISION}"
        ))
    })?;
    reply(&answer)
}

/// Sends the request, and reads the answer.
fn ask(path: &Path, line: &[u8]) -> Result<String, CliError> {
    let mut stream = UnixStream::connect(path).map_err(|error| unreachable(path, &error))?;
    let mut text = String::new();
    let answer = stream
        .set_read_timeout(Some(TIME))
        .and_then(|()| stream.set_write_timeout(Some(TIME)))
        .and_then(|()| stream.write_all(line))
        .and_then(|()| stream.shutdown(Shutdown::Write))
        .and_then(|()| (&mut stream).take(MOST).read_to_string(&mut text));
    match answer {
        Ok(_) if !text.is_empty() => Ok(text),
        Ok(_) => Err(CliError::unavailable(format!(
            "unavailable: the server closed {} without an answer; {NO_DECISION}",
            path.display()
        ))),
        Err(error) => Err(unreachable(path, &error)),
    }
}

fn unreachable(path: &Path, error: &std::io::Error) -> CliError {
    let text = format!("unavailable: no server answers at {}: {error}; {NO_DECISION}", path.display());
    match error.kind() {
        std::io::ErrorKind::PermissionDenied => CliError::new(format!("{}: {error}", path.display())),
        _ => CliError::unavailable(text),
    }
}

fn reply(answer: &LoginResponse) -> Result<Output, CliError> {
    let LoginResponse { outcome, user, backend, reason, retry_after } = answer;
    let user_name = one_line(user.as_deref().unwrap_or_default());
    let why = reason.as_deref().map(|reason| format!(": {}", reason.replace('_', " "))).unwrap_or_default();
    let again = again(Duration::from_secs(retry_after.unwrap_or_default()));
    // Only a known yes is a yes.
    let (plain, exit) = match outcome.as_str() {
        "authenticated" if !user_name.is_empty() => {
            let backend = one_line(backend.as_deref().unwrap_or_default());
            (format!("{user_name} is authenticated by {backend}, at the server"), Exit::Fine)
        }
        "refused" => (format!("refused{why}"), Exit::Refused),
        "throttled" => (format!("throttled{why}; {again}: {NO_DECISION}"), Exit::Throttled),
        _ => (format!("unavailable{why}; {again}: {NO_DECISION}"), Exit::Unavailable),
    };
    let json = json!({
        "outcome": outcome, "user": user, "backend": backend, "reason": reason, "retry_after": retry_after,
    });
    Output::new(plain + "\n", &json, exit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_known_yes_is_a_yes() {
        for (answer, exit, plain) in [
            (
                r#"{"outcome":"authenticated","user":"al","backend":"mail"}"#,
                Exit::Fine,
                "al is authenticated by mail, at the server\n",
            ),
            (
                r#"{"outcome":"refused","reason":"bad_credentials"}"#,
                Exit::Refused,
                "refused: bad credentials\n",
            ),
            (
                r#"{"outcome":"throttled","reason":"per_user","retry_after":7}"#,
                Exit::Throttled,
                "throttled: per user; try again in 7 s: this says nothing about the password\n",
            ),
            (
                r#"{"outcome":"unavailable"}"#,
                Exit::Unavailable,
                "unavailable; try again: this says nothing about the password\n",
            ),
            (
                r#"{"outcome":"authenticated"}"#,
                Exit::Unavailable,
                "unavailable; try again: this says nothing about the password\n",
            ),
            (
                r#"{"outcome":"maybe","user":"al"}"#,
                Exit::Unavailable,
                "unavailable; try again: this says nothing about the password\n",
            ),
        ] {
            let reply = reply(&serde_json::from_str(answer).unwrap()).unwrap();
            assert_eq!((reply.exit, reply.plain.as_str()), (exit, plain));
        }
    }
}
