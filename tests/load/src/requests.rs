//! A number of requests to a server, one after the other, for `cargo xtask counts`.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::site::Plan;
use crate::{Outcome, SERVER, people};

/// The argument that asks for it; the number of requests comes next.
pub(crate) const COMMAND: &str = "requests";

const PATH: &str = "/ocs/v2.php/cloud/user";

/// Starts the server, sends the requests over one connection, and ends the server.
///
/// # Errors
/// A request is not answered with 200.
pub(crate) fn send(times: Option<String>) -> Outcome {
    let times: u32 = times.unwrap_or_default().parse().map_err(|_| "expected a number of requests")?;
    let program = env::var_os(SERVER).ok_or_else(|| format!("{SERVER} is not set"))?;
    let mut site = Plan::new(program.into())?.site(100, false)?;
    let caller = people::basic(0);
    site.ask_until_known(&caller, PATH)?;
    let mut stream = BufReader::new(TcpStream::connect(&site.server.address)?);
    let request = format!(
        "GET {PATH} HTTP/1.1\r\nhost: localhost\r\nauthorization: {caller}\r\nocs-apirequest: true\r\n\r\n"
    );
    for _ in 0..times {
        stream.get_mut().write_all(request.as_bytes())?;
        receive(&mut stream)?;
    }
    drop(stream);
    site.server.end()
}

/// Reads one answer, and throws it away.
fn receive(stream: &mut BufReader<TcpStream>) -> Outcome {
    let (mut line, mut length) = (String::new(), None);
    stream.read_line(&mut line)?;
    if !line.contains(" 200 ") {
        return Err(format!("the server says {}", line.trim()).into());
    }
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err("the server closed the connection".into());
        }
        let value = line.split_once(": ").filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        length = value.map_or(Ok(length), |(_, value)| value.trim().parse().map(Some))?;
    }
    let mut body = vec![0; length.ok_or("the answer has no length")?];
    Ok(stream.read_exact(&mut body)?)
}
