//! Sessions of your own, which end with the sign-in they came from, behind a proxy.
//!
//! `cargo run --example axum_session`, open <http://127.0.0.1:3000/>, type alice and Wonderland-1.

use std::collections::HashMap;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::{HeaderMap, request::Parts};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::{Form, Router, routing::get};
use user_backend::{Authenticated, Credentials, Resolver, StaticBackend};
use user_backend_tower::{ClientAddress, Denial, ForwardedFor};

const FORM: &str = "<form method=post><input name=name><input name=password type=password><button>Sign in";

/// A password that changes on the mail server ends no session, so each ends after this time.
const LIFETIME: Duration = Duration::from_secs(8 * 60 * 60);

#[derive(Clone)]
struct Portal {
    resolver: Resolver,
    proxies: ForwardedFor,
    sessions: Arc<Mutex<HashMap<String, (Authenticated, Instant)>>>,
}

impl Portal {
    fn user(&self, headers: &HeaderMap) -> Option<Authenticated> {
        let mut cookies = headers.get(COOKIE)?.to_str().ok()?.split("; ");
        let token = cookies.find_map(|cookie| cookie.strip_prefix("session="))?;
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let (proof, since) = sessions.get(token)?;
        (since.elapsed() < LIFETIME && self.resolver.still_counts(proof)).then(|| proof.clone())
    }
}

/// The application.
pub fn app(resolver: Resolver, proxies: ForwardedFor) -> Router {
    let portal = Portal { resolver, proxies, sessions: Arc::default() };
    let login = get(async || Html(FORM)).post(sign_in);
    Router::new().route("/", get(home)).route("/login", login).with_state(portal)
}

async fn home(State(portal): State<Portal>, headers: HeaderMap) -> Result<String, Redirect> {
    portal.user(&headers).map(|proof| format!("Hello {}", proof.name())).ok_or_else(|| Redirect::to("/login"))
}

type Typed = Form<HashMap<String, String>>;

async fn sign_in(State(portal): State<Portal>, parts: Parts, form: Typed) -> Result<Response, Denial> {
    let typed = |field: &str| form.get(field).map(String::as_str).unwrap_or_default();
    let credentials = Credentials::new(typed("name"), typed("password"));
    let credentials = match portal.proxies.of(&parts)? {
        Some(client) => credentials.from_source(client),
        None => credentials.without_source(),
    };
    let proof = portal.resolver.authenticate(credentials).await.into_result()?;
    let mut sessions = portal.sessions.lock().unwrap_or_else(PoisonError::into_inner);
    sessions.retain(|_, (proof, since)| since.elapsed() < LIFETIME && portal.resolver.still_counts(proof));
    let token = tower_sessions::session::Id::default().to_string(); // 128 random bits
    // With TLS, add `Secure`.
    let cookie = format!("session={token}; HttpOnly; SameSite=Lax; Path=/");
    sessions.insert(token, (proof, Instant::now()));
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    let resolver = Resolver::builder().backend(people).build()?;
    // With a configuration, the networks are those of `config.resolver().trusted_proxies`.
    let app = app(resolver, ForwardedFor::new(["127.0.0.0/8".parse()?]));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    Ok(axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?)
}
