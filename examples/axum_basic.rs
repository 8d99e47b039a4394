//! HTTP Basic in front of an axum application.
//!
//! `cargo run --example axum_basic [user-backend.toml]`, then
//! `curl -u alice:Wonderland-1 http://127.0.0.1:3000/`

use std::error::Error;
use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use user_backend::{Config, Resolver, StaticBackend};
use user_backend_tower::{BasicAuthLayer, PeerAddress, SignedIn};

async fn hello(user: SignedIn) -> String {
    format!("Hello {}, known to {}\n", user.name(), user.backend())
}

/// The application.
///
/// What is added after the layer is open to everyone.
pub fn app(resolver: Resolver) -> Router {
    Router::new()
        .route("/", get(hello))
        // Behind a proxy: ForwardedFor::new(["10.0.0.0/8".parse()?]) in place of PeerAddress.
        .layer(BasicAuthLayer::new(resolver, PeerAddress).realm("Example"))
        .route("/about", get(async || "Sign in at /\n"))
}

/// The backends of a configuration file, or two made-up users.
pub fn resolver(file: Option<String>) -> Result<Resolver, Box<dyn Error>> {
    Ok(match file {
        Some(file) => Resolver::from_config(&Config::load(file)?)?,
        None => {
            let people = StaticBackend::new("people")?;
            let people = people.with_user("alice", "Wonderland-1").with_user("bob", "Builder-22");
            Resolver::builder().backend(people).build()?
        }
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let resolver = resolver(std::env::args().nth(1))?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/", listener.local_addr()?);
    // Without the connect info there is no address of the client, and no limit on guesses per
    // source.
    axum::serve(listener, app(resolver).into_make_service_with_connect_info::<SocketAddr>()).await?;
    Ok(())
}
