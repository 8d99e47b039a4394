//! Whether the time of a refusal reveals which accounts exist.
//!
//! Wrong passwords for existing and unknown users, in turns, each for another user and from another
//! source, so that no rate limit applies. Welch's t says how certain it is that the two take
//! different times: beyond 4.5 it is considered proven (Reparaz and others, "Dude, is my code
//! constant time?", 2017).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::Outcome;
use crate::measure::{Goal, Row, median};
use crate::people;
use crate::site::Plan;

/// At the same time: fewer than the hashes that fit into the time that a refusal takes.
const AT_ONCE: usize = 16;

/// The rows about the time of refusals.
///
/// # Errors
/// Something did not start, or a guess was right.
pub(crate) fn rows(plan: &Plan) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for (settings, when, goal) in [
        ("", "as usual", Some(Goal::AtMost(4.5))),
        ("refusal_milliseconds = 0\n", "with refusal_milliseconds = 0", None),
    ] {
        let site = plan.site_with(people::FEW.max(plan.guesses), false, settings)?;
        let address = site.server.address.parse()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let [known, unknown] = runtime.block_on(guess(address, plan.guesses))?;
        let t = Row::new(
            format!("time of refusals {when}, known beside unknown names: |t|"),
            &[welch(&known, &unknown).abs()],
        );
        rows.push(match goal {
            Some(goal) => t.goal(goal),
            None => t,
        });
        let ms = Row::new(format!("ms of a refusal {when}, known beside unknown names"), &[median(&known)]);
        rows.push(ms.floor(&[median(&unknown)]));
    }
    Ok(rows)
}

/// Milliseconds for existing and for unknown users.
async fn guess(address: SocketAddr, many: usize) -> Outcome<[Vec<f64>; 2]> {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut guesses = JoinSet::new();
    for number in 0..many {
        let turn = Arc::clone(&turns).acquire_owned().await?;
        guesses.spawn(async move {
            let _turn = turn;
            let name = if number % 2 == 0 { format!("user{number:05}") } else { format!("none{number:05}") };
            let took = refused(address, number, &name).await.map_err(|error| format!("{name}: {error}"));
            (number % 2, took)
        });
    }
    let mut took = [Vec::new(), Vec::new()];
    while let Some(guess) = guesses.join_next().await {
        let (kind, ms) = guess?;
        took[kind].push(ms?);
    }
    Ok(took)
}

/// One guess, from its own source.
async fn refused(address: SocketAddr, number: usize, name: &str) -> Outcome<f64> {
    let [.., second, third, fourth] = number.to_be_bytes();
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 100 + second, third, fourth), 0).into())?;
    let mut stream = socket.connect(address).await?;
    let login = BASE64_STANDARD.encode(format!("{name}:not the password"));
    let request = format!(
        "GET /ocs/v2.php/cloud/user HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic {login}\r\n\
         OCS-APIRequest: true\r\nConnection: close\r\n\r\n"
    );
    let began = Instant::now();
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    if answer.starts_with(b"HTTP/1.1 401 ") {
        Ok(took)
    } else {
        Err(String::from_utf8_lossy(&answer).lines().next().unwrap_or("no answer").into())
    }
}

/// Welch's t of two samples.
fn welch(one: &[f64], other: &[f64]) -> f64 {
    let [(mean, error), (other_mean, other_error)] = [one, other].map(|sample| {
        let number = sample.len() as f64;
        let mean = sample.iter().sum::<f64>() / number;
        let variance = sample.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (number - 1.0);
        (mean, variance / number)
    });
    (mean - other_mean) / (error + other_error).sqrt()
}
