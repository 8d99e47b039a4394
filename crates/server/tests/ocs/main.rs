//! The API as clients see it: real requests to the real server on its own port.

// Helpers of tests may stop the test.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod admin;
mod admin_server;
mod answers;
mod attacks;
mod authentication;
mod bounds;
mod browser;
mod chromium;
mod compat;
mod config;
mod create;
mod credentials;
mod document;
mod edit;
mod exchanges;
mod external_backend;
mod forward_auth;
#[cfg(unix)]
mod frontend_adversarial;
#[cfg(target_os = "linux")]
mod frontend_programs;
mod guessing;
mod held_back;
mod hints;
mod how_to;
mod injection;
mod login_flow;
mod lost_password;
mod mail_address;
mod nginx_mail;
mod operators;
mod page_forms;
mod pages;
mod phone;
mod privilege;
mod program;
mod proxies;
mod races;
mod recipes;
mod recorded;
mod roles;
mod security;
mod service_tokens;
mod smuggling;
#[cfg(unix)]
mod sockets;
mod tokens;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use accounts::{ActingAccounts, CompatLevel, GroupId, NewUser, Person, StoreSettings, Token, UserId};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::TokioIo;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use tempfile::TempDir;
use tokio::net::{TcpSocket, TcpStream};
use user_backend::ClassRegistry;
use user_backend::Password;
use user_backend::clock::{later, now};
use user_backend_server::listener::{Listener, ShutdownHandle};
use user_backend_server::settings::ServerSettings;
use user_backend_server::state::AppState;

/// The password of every user in these tests, except where one is changed.
const PASSWORD: &str = "Wonder land 1865 !";

/// The cheapest hashes that are taken.
const CHEAP: &str = "[server.passwords]\nmemory_kib = 7168\npasses = 1\n";

/// A server with users.
///
/// They are `admin`; `sam`, a sub-admin of `group1` and a member of it; `Frank` in `group1` and
/// `group2`; `jane` in `group1`; `outsider` in `group3`.
struct Server {
    app: AppState,
    /// The accounts, used by the program itself.
    accounts: ActingAccounts,
    address: SocketAddr,
    shutdown_handle: ShutdownHandle,
    dir: TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shutdown_handle.stop();
    }
}

impl Server {
    async fn start() -> Self {
        Self::with("", "").await
    }

    /// With more lines in `[server]`, followed by more sections.
    async fn with(server: &str, sections: &str) -> Self {
        let empty = Self::empty(server, sections).await;
        for group in ["group1", "group2", "group3"] {
            empty.accounts.groups().create(&GroupId::parse(group).unwrap(), None).await.unwrap();
        }
        empty.person("admin", &["admin"], &[]).await;
        empty.person("Frank", &["group1", "group2"], &[]).await;
        empty.person("jane", &["group1"], &[]).await;
        empty.person("outsider", &["group3"], &[]).await;
        empty.person("sam", &["group1"], &["group1"]).await;
        empty
    }

    async fn empty(server: &str, sections: &str) -> Self {
        user_backend_tests::logging::on();
        let dir = TempDir::new().unwrap();
        let file = dir.path().join("server.toml");
        let hasty = if server.contains("refusal_milliseconds") { "" } else { "refusal_milliseconds = 0\n" };
        let text = format!("[server]\nlisten = \"127.0.0.1:0\"\n{hasty}{server}\n{CHEAP}{sections}");
        std::fs::write(&file, text).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard())
            .unwrap_or_else(|errors| panic!("{errors}"));
        let app = AppState::start(settings, &config).await.unwrap();
        let listening = Listener::open(app.clone()).unwrap();
        let (address, shutdown_handle) = (listening.address().unwrap(), listening.shutdown_handle());
        tokio::spawn(listening.serve());
        let accounts = app.accounts().as_system();
        Self { app, accounts, address, shutdown_handle, dir }
    }

    async fn person(&self, id: &str, groups: &[&str], administers: &[&str]) {
        let password = Password::parse(PASSWORD).unwrap();
        let person = Person { id, display_name: None, email: None };
        let deadline = later(now(), Duration::from_secs(60));
        let hash = self.app.passwords().first(person, &password, deadline).await.unwrap();
        let group = |id: &&str| GroupId::parse(id).unwrap();
        let mut new = NewUser::new(UserId::for_new(id).unwrap()).password(hash);
        new = groups.iter().map(group).fold(new, NewUser::group);
        new = administers.iter().map(group).fold(new, NewUser::subadmin_of);
        self.accounts.users().create(new).await.unwrap();
    }

    /// Runs a statement in the SQLite file, past the program.
    async fn raw(&self, statement: &str) {
        let url = format!("sqlite:{}", self.dir.path().join("user-backend.db").display());
        let mut store = sqlx::SqliteConnection::connect(&url).await.unwrap();
        store.execute(AssertSqlSafe(statement.to_owned())).await.unwrap();
        store.close().await.unwrap();
    }

    fn get(&self, who: &str, path: &str) -> Ask<'_> {
        self.ask(who, Method::GET, path)
    }

    fn post(&self, who: &str, path: &str, form: &str) -> Ask<'_> {
        self.ask(who, Method::POST, path).form(form)
    }

    fn put(&self, who: &str, path: &str, form: &str) -> Ask<'_> {
        self.ask(who, Method::PUT, path).form(form)
    }

    fn delete(&self, who: &str, path: &str) -> Ask<'_> {
        self.ask(who, Method::DELETE, path)
    }

    /// A request to a page, as a browser that knows nothing yet.
    fn page(&self, method: Method, path: &str) -> Ask<'_> {
        let path = path.to_owned();
        Ask { server: self, method, path, headers: Vec::new(), body: Vec::new(), from: new_address() }
    }

    /// A request as a signed-in user; `-` is anonymous.
    ///
    /// A path without `/ocs` is one of version 1.
    fn ask(&self, who: &str, method: Method, path: &str) -> Ask<'_> {
        let outside = ["/ocs/", "/healthz", "/readyz", "/metrics", "/openapi", "/docs", "/status.php"];
        let path = if outside.iter().any(|begin| path.starts_with(begin)) {
            path.to_owned()
        } else {
            format!("/ocs/v1.php{path}")
        };
        let ask =
            Ask { server: self, method, path, headers: Vec::new(), body: Vec::new(), from: new_address() };
        let ask = ask.header("OCS-APIRequest", "true");
        if who == "-" { ask } else { ask.basic(who, PASSWORD) }
    }
}

/// Runs a test with a fresh database of the PostgreSQL server, if there is one.
async fn on_postgres(story: impl AsyncFnOnce(&str)) {
    let Ok(server) = std::env::var("ACCOUNTS_POSTGRES") else {
        assert!(std::env::var_os("RIG_REQUIRED").is_none(), "ACCOUNTS_POSTGRES is not set");
        eprintln!("skipped: no ACCOUNTS_POSTGRES");
        return;
    };
    let name = format!("c{}", Token::random().unwrap().hash().label());
    let mut admin = PgConnection::connect(&server).await.unwrap();
    admin.execute(AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE template0"))).await.unwrap();
    let (base, query) = server.split_once('?').unwrap_or((&server, ""));
    let url = format!("{}/{name}?{query}", base.rsplit_once('/').unwrap().0);
    StoreSettings::parse(&url).unwrap();
    story(&format!("[store]\nurl = \"{url}\"\n")).await;
    admin.execute(AssertSqlSafe(format!("DROP DATABASE {name} WITH (FORCE)"))).await.unwrap();
}

/// A new address of this machine: failures from one do not slow down another.
fn new_address() -> Ipv4Addr {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    Ipv4Addr::from_bits(u32::from_be_bytes([127, 1, 0, 0]) + NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A request.
struct Ask<'a> {
    server: &'a Server,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    from: Ipv4Addr,
}

impl Ask<'_> {
    /// Adds a header in place of those of that name.
    fn header(mut self, name: &str, value: &str) -> Self {
        self = self.without(name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(found, _)| !found.eq_ignore_ascii_case(name));
        self
    }

    /// From this address instead of a unique one.
    fn from(mut self, address: Ipv4Addr) -> Self {
        self.from = address;
        self
    }

    fn basic(self, name: &str, password: &str) -> Self {
        use base64::Engine;
        let value = base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}"));
        self.header("Authorization", &format!("Basic {value}"))
    }

    fn form(self, form: &str) -> Self {
        if form.is_empty() { self } else { self.body("application/x-www-form-urlencoded", form) }
    }

    fn body(mut self, content_type: &str, body: &str) -> Self {
        self.body = body.into();
        self.header("Content-Type", content_type)
    }

    async fn send(self) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((self.from, 0).into()).unwrap();
        let stream = socket.connect(self.server.address).await.unwrap();
        self.over(stream).await
    }

    async fn over(
        self,
        stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    ) -> Answer {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request =
            Request::builder().method(self.method.clone()).uri(&self.path).header("Host", "localhost");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response =
            sender.send_request(request.body(Full::new(Bytes::from(self.body))).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let answer = Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body: String::from_utf8(body.to_vec()).unwrap(),
        };
        document::knows(self.server.app.settings().compat, &self.method, &self.path, &answer);
        answer
    }
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// What stands under `data` in an answer in JSON.
    fn data(&self) -> serde_json::Value {
        self.json()["ocs"]["data"].clone()
    }

    /// The code in the envelope, in either format.
    fn code(&self) -> u16 {
        if self.body.starts_with('{') {
            return u16::try_from(self.json()["ocs"]["meta"]["statuscode"].as_u64().unwrap_or_default())
                .unwrap();
        }
        self.element("statuscode").and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    fn message(&self) -> String {
        if self.body.starts_with('{') {
            return self.json()["ocs"]["meta"]["message"].as_str().unwrap_or_default().to_owned();
        }
        let text = self.element("message").unwrap_or_default();
        text.replace("&quot;", "\"").replace("&lt;", "<").replace("&amp;", "&")
    }

    fn element(&self, name: &str) -> Option<&str> {
        let (_, rest) = self.body.split_once(&format!("<{name}>"))?;
        Some(rest.split_once(&format!("</{name}>"))?.0)
    }

    #[track_caller]
    fn is(self, status: u16, code: u16, message: &str) -> Self {
        assert_eq!((self.status, self.code(), self.message().as_str()), (status, code, message), "{self:?}");
        self
    }

    /// It worked, in version 1.
    #[track_caller]
    fn ok(self) -> Self {
        self.is(200, 100, "OK")
    }

    /// It did not, in version 1.
    #[track_caller]
    fn fails(self, code: u16, message: &str) -> Self {
        let status = match code {
            997 => 401,
            429 | 503 => code,
            _ => 200,
        };
        self.is(status, code, message)
    }
}
