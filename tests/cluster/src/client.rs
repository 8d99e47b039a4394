//! One request over plain HTTP, from an address of its own.
//!
//! Every client has another source, so the limit per source does not hide what the others do.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;
use tokio::time::timeout;

use user_backend_tests::Rng;

use crate::Outcome;

/// How long a client waits for an answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// A value in the data of an API answer.
    pub(crate) fn data(&self, key: &str) -> Option<String> {
        let body: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        Some(body["ocs"]["data"][key].as_str()?.to_owned())
    }
}

/// A loopback address for a client.
pub(crate) fn any_source(rng: &mut Rng) -> IpAddr {
    let byte = |rng: &mut Rng| u8::try_from(rng.below(250) + 1).unwrap_or(1);
    let (second, third, fourth) = (100 + byte(rng) % 100, byte(rng), byte(rng));
    Ipv4Addr::new(127, second, third, fourth).into()
}

/// Sends one request; `form` makes it a POST or PUT.
///
/// # Errors
/// There was no whole answer in time.
pub(crate) async fn request(
    server: SocketAddr,
    source: IpAddr,
    (method, path): (&str, &str),
    (name, password): (&str, &str),
    form: &[(&str, &str)],
) -> Outcome<Answer> {
    let work = async {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::new(source, 0))?;
        let mut stream = socket.connect(server).await?;
        let credentials = BASE64_STANDARD.encode(format!("{name}:{password}"));
        let body: Vec<_> = form.iter().map(|(key, value)| format!("{key}={}", escaped(value))).collect();
        let body = body.join("&");
        let separator = if path.contains('?') { '&' } else { '?' };
        let mut head = format!(
            "{method} {path}{separator}format=json HTTP/1.1\r\nHost: {server}\r\nOCS-APIRequest: true\r\n\
             Authorization: Basic {credentials}\r\nConnection: close\r\n"
        );
        if !form.is_empty() {
            head += &format!(
                "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).await?;
        let mut raw = Vec::new();
        stream.read_to_end(&mut raw).await?;
        parse(&raw)
    };
    timeout(TIMEOUT, work).await.map_err(|_| "no answer in time")?
}

fn escaped(value: &str) -> String {
    value
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn parse(raw: &[u8]) -> Outcome<Answer> {
    let text = String::from_utf8_lossy(raw);
    let (head, body) = text.split_once("\r\n\r\n").ok_or("an answer without an end of its head")?;
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|status| status.parse().ok());
    let expected = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    if expected.is_some_and(|expected| body.len() < expected) {
        return Err("an answer that was cut off".into());
    }
    Ok(Answer { status: status.ok_or("an answer without a status")?, body: body.to_owned() })
}
