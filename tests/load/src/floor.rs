//! Baseline server: axum with the same limits, timeouts and response bytes.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response};
use hyper_util::rt::TokioTimer;

use crate::Outcome;
use crate::process::Process;
use crate::site::{self, Answer};

/// The argument that turns this program into that server.
pub(crate) const COMMAND: &str = "floor";

/// Starts one that gives this answer.
///
/// # Errors
/// It does not start.
pub(crate) fn start(answer: &Answer, folder: &Path) -> Outcome<Process> {
    let file = folder.join("floor.http");
    fs::write(&file, &answer.raw)?;
    Process::start(Command::new(env::current_exe()?).arg(COMMAND).arg(&file), &folder.join("floor.log"))
}

/// Serves until it is killed.
///
/// # Errors
/// The answer cannot be read, or no port is free.
pub(crate) fn serve() -> Outcome {
    let file = env::args_os().nth(2).map(PathBuf::from).ok_or("which answer?")?;
    let answer = site::parse(fs::read(file)?)?;
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        // The server writes these itself.
        if !["content-length", "connection", "date"].contains(&name.as_str()) {
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
    }
    let body = Bytes::from(answer.body);
    let router = Router::new().fallback(async move || {
        let mut response = Response::new(Body::from(body.clone()));
        *response.headers_mut() = headers.clone();
        response
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        eprintln!("listening address={}", listener.local_addr()?);
        let mut server = axum_server::from_tcp(listener)?.http1_only();
        server.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(10));
        server.serve(router.into_make_service()).await?;
        Ok(())
    })
}
