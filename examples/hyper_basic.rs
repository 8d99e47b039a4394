//! HTTP Basic in front of a plain hyper service, by tower.
//!
//! `cargo run --example hyper_basic`, then `curl -u alice:Wonderland-1 http://127.0.0.1:3000/`

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::Layer;
use user_backend::{Authenticated, Resolver, StaticBackend};
use user_backend_tower::{BasicAuthLayer, PeerAddress};

type Body = Full<Bytes>;

async fn hello<B>(request: Request<B>) -> Result<Response<Body>, Infallible> {
    // The layer put the proof of sign-in there, or this service is not called.
    let name = request.extensions().get::<Authenticated>().map(|user| user.name().to_string());
    Ok(Response::new(Body::from(format!("Hello {}\n", name.unwrap_or_default()))))
}

/// Serves connections, one task each.
pub async fn serve(listener: TcpListener, resolver: Resolver) -> std::io::Result<()> {
    let layer = BasicAuthLayer::new(resolver, PeerAddress);
    loop {
        let (stream, peer) = listener.accept().await?;
        let protected = layer.layer(tower::service_fn(hello));
        // The address of the peer, where PeerAddress looks for it.
        let service = tower::util::MapRequest::new(protected, move |mut request: Request<_>| {
            request.extensions_mut().insert::<SocketAddr>(peer);
            request
        });
        tokio::spawn(async move {
            let http = hyper::server::conn::http1::Builder::new();
            if let Err(error) =
                http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).await
            {
                eprintln!("{peer}: {error}");
            }
        });
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let people = StaticBackend::new("people")?.with_user("alice", "Wonderland-1");
    let resolver = Resolver::builder().backend(people).build()?;
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("http://{}/", listener.local_addr()?);
    Ok(serve(listener, resolver).await?)
}
