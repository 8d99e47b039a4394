//! One connection that asks again and again, and the time of each answer.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{Outcome, people};

/// A client with an open connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: BufReader<TcpStream>,
    /// The headers that say who asks.
    who: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Until the last byte.
    pub(crate) ms: f64,
}

impl Response {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

impl Client {
    /// A program with this `Authorization` header.
    ///
    /// # Errors
    /// No connection.
    pub(crate) fn program(address: &str, authorization: &str) -> Outcome<Self> {
        let who = format!("authorization: {authorization}\r\nocs-apirequest: true\r\n");
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream), who })
    }

    /// A browser in which an administrator has signed in.
    ///
    /// # Errors
    /// The sign-in was refused.
    pub(crate) fn browser(address: &str) -> Outcome<Self> {
        let mut client = Self::program(address, "")?;
        client.who = String::new();
        let login = client.get("/login")?;
        client.take_cookie(&login);
        let page = String::from_utf8_lossy(&login.body).into_owned();
        let token =
            page.split_once("name=\"requesttoken\" value=\"").and_then(|(_, rest)| rest.split('"').next());
        let token = token.ok_or("the login page has no request token")?;
        let form = [
            ("user", people::name(0)),
            ("password", people::password(0)),
            ("requesttoken", token.to_owned()),
        ];
        let answer = client.post("/login", &form)?;
        if answer.status != 303 {
            return Err(format!("the sign-in ended with status {}", answer.status).into());
        }
        client.take_cookie(&answer);
        Ok(client)
    }

    fn take_cookie(&mut self, response: &Response) {
        if let Some((cookie, _)) = response.header("set-cookie").and_then(|cookie| cookie.split_once(';')) {
            self.who = format!("cookie: {cookie}\r\n");
        }
    }

    /// Asks once.
    ///
    /// # Errors
    /// No answer.
    pub(crate) fn get(&mut self, path: &str) -> Outcome<Response> {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n{}\r\n", self.who);
        self.send(&request)
    }

    /// Asks once for what must be there.
    ///
    /// # Errors
    /// No answer, or another status than 200.
    pub(crate) fn get_ok(&mut self, path: &str) -> Outcome<Response> {
        let answer = self.get(path)?;
        if answer.status == 200 {
            Ok(answer)
        } else {
            Err(format!("{path}: status {}", answer.status).into())
        }
    }

    /// Sends a form.
    ///
    /// # Errors
    /// No answer.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, String)]) -> Outcome<Response> {
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
        let body = fields.collect::<Vec<_>>().join("&");
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: localhost\r\n{}content-type: application/x-www-form-urlencoded\r\n\
             content-length: {}\r\n\r\n{body}",
            self.who,
            body.len()
        );
        self.send(&request)
    }

    fn send(&mut self, request: &str) -> Outcome<Response> {
        let began = Instant::now();
        self.stream.get_mut().write_all(request.as_bytes())?;
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                return Err("the server closed the connection".into());
            }
            match line.trim_end() {
                "" => break,
                line => lines.push(line.to_owned()),
            }
        }
        let status =
            lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok()).ok_or("no status")?;
        let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let mut response = Response { status, headers, body: Vec::new(), ms: 0.0 };
        let length = response.header("content-length").map_or(Ok(0), str::parse::<usize>)?;
        response.body.resize(length, 0);
        self.stream.read_exact(&mut response.body)?;
        response.ms = began.elapsed().as_secs_f64() * 1e3;
        Ok(response)
    }
}
