//! A login form with sessions in axum, by axum-login.
//!
//! `cargo run --example axum_form`, then open <http://127.0.0.1:3000/> and sign in as alice,
//! Wonderland-1.

use std::error::Error;
use std::net::SocketAddr;

use axum::extract::ConnectInfo;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::AuthManagerLayerBuilder;
use axum_login::tower_sessions::{MemoryStore, SessionManagerLayer};
use user_backend::{Resolver, StaticBackend};
use user_backend_tower::Denial;
use user_backend_tower::axum_login::{LoginForm, ResolverBackend};

type AuthSession = axum_login::AuthSession<ResolverBackend>;

const FORM: &str = r#"<form method="post" action="/login"><input name="name" autocomplete="username">
<input name="password" type="password" autocomplete="current-password"><button>Sign in</button></form>"#;

async fn home(auth: AuthSession) -> Response {
    match auth.user {
        Some(user) => format!("Hello {user}").into_response(),
        None => Redirect::to("/login").into_response(),
    }
}

async fn sign_in(
    mut auth: AuthSession,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Form(form): Form<LoginForm>,
) -> Response {
    match auth.authenticate(form.from_source(peer.ip())).await {
        Ok(Some(user)) => match auth.login(&user).await {
            Ok(()) => Redirect::to("/").into_response(),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        },
        Ok(None) => (StatusCode::UNAUTHORIZED, "Wrong name or password").into_response(),
        // Not a wrong password: the mail server is down, or there were too many attempts.
        Err(axum_login::Error::Backend(error)) => Denial::from(error).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn sign_out(mut auth: AuthSession) -> Response {
    match auth.logout().await {
        Ok(_) => Redirect::to("/login").into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The application.
pub fn app(resolver: Resolver) -> Router {
    // A store in memory and cookies without TLS are for this example only.
    let sessions = SessionManagerLayer::new(MemoryStore::default()).with_secure(false);
    let auth = AuthManagerLayerBuilder::new(ResolverBackend::new(resolver), sessions).build();
    let login = get(async || Html(FORM)).post(sign_in);
    Router::new().route("/", get(home)).route("/login", login).route("/logout", post(sign_out)).layer(auth)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    let app = app(Resolver::builder().backend(people).build()?);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/", listener.local_addr()?);
    axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
