//! Listeners: plain or TLS, how long a client may take, and how the server ends.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::ServiceExt;
use axum_server::Handle;
use axum_server::accept::Accept;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use metrics_exporter_prometheus::PrometheusHandle;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use thiserror::Error;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout_at;
use user_backend::clock::{later, now};
use user_backend::file_permissions;

use crate::auth::client_address::Connection;
use crate::connections::{ConnectionLimiter, Guarded};
use crate::frontends::BoundSockets;
use crate::metrics;
use crate::router::router;
use crate::state::AppState;
use crate::unreadable_head::ExplainUnreadable;

/// Send buffer per connection, in bytes; Linux takes twice as much.
const SEND_BUFFER: u32 = 64 * 1024;

/// How many connections wait to be taken.
const BACKLOG: u32 = 1024;

/// How long a client may take to send the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request.
const LONGEST_HEAD: usize = 16 * 1024;

/// How many headers a request may have.
const MOST_HEADERS: usize = 100;

/// The server could not listen.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The address is taken, or not ours.
    #[error("cannot listen on {address}: {source}")]
    Address {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// A socket of a frontend.
    #[error("frontends.{frontend}: cannot listen on {}: {source}", path.display())]
    Socket {
        /// The name of its table.
        frontend: &'static str,
        /// The socket.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The certificate or its key.
    #[error("{file}: {problem}")]
    Tls {
        /// The file.
        file: String,
        /// The reason.
        problem: String,
    },
    /// The listener broke.
    #[error("the listener ended: {0}")]
    Broken(#[from] io::Error),
}

/// An open listener that serves no requests yet.
#[derive(Debug)]
pub struct Listener {
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    app: AppState,
    handle: Handle<SocketAddr>,
    metrics: Option<PrometheusHandle>,
    monitoring: Option<TcpListener>,
    sockets: Option<BoundSockets>,
    stopping: watch::Sender<bool>,
}

impl Listener {
    /// Opens the listener of the settings.
    ///
    /// # Errors
    /// [`ListenError`]
    pub fn open(app: AppState) -> Result<Self, ListenError> {
        let settings = app.settings();
        let tls = match (&settings.tls_cert, &settings.tls_key) {
            (Some(cert), Some(key)) => Some(RustlsConfig::from_config(Arc::new(tls_config(cert, key)?))),
            _ => None,
        };
        let listener = bind(settings.listen)?;
        let monitoring = settings.metrics_listen.map(bind).transpose()?;
        let sockets = BoundSockets::open(&app).map_err(|(frontend, path, source)| ListenError::Socket {
            frontend,
            path,
            source,
        })?;
        let (sockets, stopping) = (Some(sockets), watch::Sender::new(false));
        Ok(Self { listener, tls, app, handle: Handle::new(), metrics: None, monitoring, sockets, stopping })
    }

    /// Shows these metrics at `/metrics`.
    ///
    /// They are for this machine only, or at the listener of the setting `metrics_listen`.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Option<PrometheusHandle>) -> Self {
        self.metrics = metrics;
        self
    }

    /// The listening address, with the chosen port.
    ///
    /// # Errors
    /// The system cannot say.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Where the listener for monitoring listens, if there is one.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn monitoring_address(&self) -> io::Result<Option<SocketAddr>> {
        self.monitoring.as_ref().map(TcpListener::local_addr).transpose()
    }

    /// The shutdown handle.
    pub fn shutdown_handle(&self) -> ShutdownHandle {
        let (handle, stopping) = (self.handle.clone(), self.stopping.clone());
        ShutdownHandle { handle, stopping, tls: self.tls.clone(), app: self.app.clone() }
    }

    /// Serves until shutdown.
    ///
    /// # Errors
    /// [`ListenError`] when the listener breaks.
    pub async fn serve(mut self) -> Result<(), ListenError> {
        let (monitoring, sockets) = (self.monitoring.take(), self.sockets.take());
        let stopping = self.stopping.clone();
        let (frontends, stopped) = (self.app.clone(), stopping.subscribe());
        // A task of its own: a program may run this future on a thread beside those of the runtime,
        // and each connection of saslauthd's protocol would go from there to one of them.
        let mut serving = JoinSet::new();
        if let Some(sockets) = sockets {
            serving.spawn(sockets.serve(frontends, stopped));
        }
        let frontends = async { while serving.join_next().await.is_some() {} };
        let (app, exporter, handle) = (self.app.clone(), self.metrics.clone(), self.handle.clone());
        // A server that no one can watch ends, so that it is noticed.
        let monitored = async {
            let served = match monitoring {
                Some(listener) => serve_monitoring(listener, app, exporter, handle.clone()).await,
                None => return Ok(()),
            };
            handle.shutdown();
            served
        };
        let clients = async {
            let served = self.serve_clients().await;
            handle.shutdown();
            stopping.send_replace(true);
            served
        };
        let (clients, monitored, ()) = tokio::join!(clients, monitored, frontends);
        clients.and(monitored)
    }

    async fn serve_clients(self) -> Result<(), ListenError> {
        let admission =
            Admission { connections: ConnectionLimiter::new(self.app.clone()), tls: self.tls.is_some() };
        let explaining = self.app.clone();
        let service = router(self.app, Connection { tls: self.tls.is_some() }, self.metrics)
            .into_make_service_with_connect_info::<SocketAddr>();
        match self.tls {
            Some(tls) => {
                let mut server = axum_server::from_tcp_rustls(self.listener, tls)?
                    .map(|tls| ExplainUnreadable::new(tls.acceptor(admission), explaining))
                    .handle(self.handle)
                    .http1_only();
                limit(server.http_builder());
                server.serve(service).await?;
            }
            None => {
                let mut server = axum_server::from_tcp(self.listener)?
                    .acceptor(ExplainUnreadable::new(admission, explaining))
                    .handle(self.handle)
                    .http1_only();
                limit(server.http_builder());
                server.serve(service).await?;
            }
        }
        Ok(())
    }
}

fn bind(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let open = || {
        let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
        #[cfg(unix)]
        socket.set_reuseaddr(true)?;
        // Connections inherit it. What a slow client has not taken yet is held here.
        socket.set_send_buffer_size(SEND_BUFFER)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    open().map_err(|source| ListenError::Address { address, source })
}

/// Serves metrics and health, over plain HTTP, with connections of its own.
async fn serve_monitoring(
    listener: TcpListener,
    app: AppState,
    exporter: Option<PrometheusHandle>,
    handle: Handle<SocketAddr>,
) -> Result<(), ListenError> {
    let admission = Admission { connections: ConnectionLimiter::for_monitoring(app.clone()), tls: false };
    let router = metrics::router(app, listener.local_addr()?, exporter);
    let mut server = axum_server::from_tcp(listener)?.acceptor(admission).handle(handle).http1_only();
    limit(server.http_builder());
    server.serve(router.into_make_service()).await?;
    Ok(())
}

/// Ends a server, or gives it a new certificate.
#[derive(Clone, Debug)]
pub struct ShutdownHandle {
    handle: Handle<SocketAddr>,
    stopping: watch::Sender<bool>,
    tls: Option<RustlsConfig>,
    app: AppState,
}

impl ShutdownHandle {
    /// Accepts no new connections, and lets open requests finish.
    ///
    /// They have as long as the settings say.
    pub fn stop(&self) {
        let grace = Duration::from_secs(self.app.settings().shutdown_grace_seconds);
        self.stopping.send_replace(true);
        self.handle.graceful_shutdown(Some(grace));
    }

    /// Reloads certificate and key; returns false if the server has no TLS.
    ///
    /// When they cannot be read, the old ones stay.
    ///
    /// # Errors
    /// [`ListenError::Tls`]
    pub fn reload_certificate(&self) -> Result<bool, ListenError> {
        let settings = self.app.settings();
        let (Some(tls), Some(cert), Some(key)) = (&self.tls, &settings.tls_cert, &settings.tls_key) else {
            return Ok(false);
        };
        tls.reload_from_config(Arc::new(tls_config(cert, key)?));
        Ok(true)
    }
}

/// Takes connections within their limits.
///
/// On a listener of HTTPS it says to those that speak HTTP what is wrong: all they would see else
/// is a few bytes of an alert.
#[derive(Clone, Debug)]
struct Admission {
    connections: ConnectionLimiter,
    tls: bool,
}

impl<S: Send + 'static> Accept<TcpStream, S> for Admission {
    type Stream = Guarded;
    type Service = S;
    type Future = Pin<Box<dyn Future<Output = io::Result<(Guarded, S)>> + Send>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let (admitted, tls) = (self.connections.admit(stream), self.tls);
        Box::pin(async move {
            let mut guarded = admitted?;
            if !tls {
                return Ok((guarded, service));
            }
            let stream = guarded.stream();
            let patience = later(now(), HEAD_TIMEOUT);
            let mut first = [0];
            timeout_at(patience, stream.peek(&mut first)).await.map_err(|_| io::ErrorKind::TimedOut)??;
            // TLS begins with 22, a request with the name of a method.
            if !first[0].is_ascii_alphabetic() {
                return Ok((guarded, service));
            }
            let refusal = async {
                stream.write_all(PLAIN_HTTP_RESPONSE.as_bytes()).await?;
                stream.shutdown().await?;
                // What is left unread would take the answer away again.
                tokio::io::copy(&mut stream.take(LONGEST_HEAD as u64), &mut tokio::io::sink()).await
            };
            let _ = timeout_at(patience, refusal).await;
            Err(io::ErrorKind::InvalidData.into())
        })
    }
}

const PLAIN_HTTP_RESPONSE: &str = "HTTP/1.1 400 Bad Request\r\n\
    Content-Type: application/json; charset=utf-8\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n\r\n\
    {\"message\":\"this server speaks HTTPS at this port: type https:// instead of http://\",\
    \"hint\":\"a password that was sent just now could be read on the way; change it, unless the way never left this machine\"}\n";

fn limit(builder: &mut hyper_util::server::conn::auto::Builder<hyper_util::rt::TokioExecutor>) {
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(LONGEST_HEAD)
        .max_headers(MOST_HEADERS);
}

fn tls_config(cert: &Path, key: &Path) -> Result<ServerConfig, ListenError> {
    let wrong = |file: &Path, problem: String| ListenError::Tls { file: file.display().to_string(), problem };
    let open = |file| file_permissions::open(file).map_err(|error| wrong(file, error.to_string()));
    let chain = CertificateDer::pem_reader_iter(open(cert)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| wrong(cert, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(cert, "no certificate found".to_owned()));
    }
    let secret = PrivateKeyDer::from_pem_reader(open(key)?).map_err(|error| wrong(key, error.to_string()))?;
    // Users who can write them, or read the key, can read every password on the way.
    file_permissions::check(cert).map_err(|error| wrong(cert, error.to_string()))?;
    file_permissions::check_secret(key).map_err(|error| wrong(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(cert, error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| wrong(key, error.to_string()))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
