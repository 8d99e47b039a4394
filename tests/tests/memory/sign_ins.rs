//! Many sign-ins leak no memory, counted to the byte.
//!
//! Two servers in this process, a third that is not running, and a resolver in front of each. The
//! cache is off, so every sign-in reaches a backend: right passwords, wrong ones, and those that
//! cannot be checked.

use std::net::Ipv4Addr;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rustls::ServerConfig;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufStream};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use user_backend::config::Format;
use user_backend::{Config, Credentials, Outcome, Resolver};

use super::*;

/// Rounds of three sign-ins until every table is full, and rounds that are counted.
const BEFORE: usize = 100;
const COUNTED: usize = 200;

/// What they may leave allocated in total: less than two bytes per sign-in.
const LEFT: usize = 1000;

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];
const RIGHT: &str = "Wonderland-1";

#[tokio::test]
async fn t29_hundreds_of_sign_ins_leave_no_memory_and_no_open_file() {
    let _alone = ALONE.lock().await;
    let ca = Ca::new();
    let mut server = Arc::unwrap_or_clone(ca.server(&Leaf::new(["127.0.0.1"])));
    // The session table of the server fills up slowly and is not ours.
    server.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    let server = Arc::new(server);
    let (files, mail) = (serve(Arc::clone(&server), ftp_server).await, serve(server, imap_server).await);
    // Reserved and closed again: nothing listens there.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let well = resolver(&ca, &[("ftp", files), ("imap", mail)]);
    let ill = resolver(&ca, &[("ftp", closed), ("imap", mail)]);
    let mut left = (0, 0);
    for (round, count) in [BEFORE, COUNTED].into_iter().enumerate() {
        for number in 0..count {
            sign_ins(&well, &ill, PEOPLE[number % PEOPLE.len()]).await;
        }
        let now = (quiet().await, open_descriptors());
        println!("{} bytes and {} descriptors after {count} rounds", now.0, now.1);
        if round == 1 {
            assert!(now.0 < left.0 + LEFT, "{} bytes before {count} rounds, {} after", left.0, now.0);
            assert!(now.1 <= left.1 + 2, "{} descriptors before {count} rounds, {} after", left.1, now.1);
        }
        left = now;
    }
}

async fn sign_ins(well: &Resolver, ill: &Resolver, name: &str) {
    let mut outcomes = Vec::new();
    for (resolver, password) in [(well, "wrong"), (well, RIGHT), (ill, RIGHT)] {
        resolver.invalidate_all();
        let source = Ipv4Addr::new(192, 0, 2, 7).into();
        let answer = resolver.authenticate(Credentials::new(name, password).from_source(source)).await;
        outcomes.push(match answer.outcome {
            Outcome::Authenticated(proof) => proof.backend().to_string(),
            Outcome::Refused(rejection) => rejection.as_str().to_owned(),
            other => other.as_str().to_owned(),
        });
    }
    // The file server knows no user, so both servers were asked each time.
    assert_eq!(outcomes, ["bad_credentials", "imap", "unavailable"], "{name}");
}

/// The memory in use once all closed connections are released.
async fn quiet() -> usize {
    let mut least = usize::MAX;
    for _ in 0..1000 {
        tokio::task::yield_now().await;
        least = least.min(MEMORY.current_usage());
    }
    least
}

fn resolver(ca: &Ca, servers: &[(&str, u16)]) -> Resolver {
    let mut text = String::new();
    for (class, port) in servers {
        text.push_str(&format!(
            "[[user_backends]]\nid = \"{class}\"\nclass = \"{class}\"\nhost = \"127.0.0.1\"\nport = {port}\n\
             tls = \"implicit\"\nca_file = \"{}\"\nwarm = 0\n",
            ca.file().display()
        ));
    }
    Resolver::from_config(&Config::parse(&text, Format::Toml, "here.toml").unwrap()).unwrap()
}

type Connection = BufStream<tokio_rustls::server::TlsStream<tokio::net::TcpStream>>;

/// Starts a server, and returns its port.
async fn serve<F, S>(config: Arc<ServerConfig>, say: F) -> u16
where
    F: Fn(Connection) -> S + Copy + Send + 'static,
    S: Future<Output = std::io::Result<()>> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(config);
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(async move {
                // However it ends, the client has its answer or none.
                if let Ok(stream) = acceptor.accept(stream).await {
                    let _ = say(BufStream::new(stream)).await;
                }
            });
        }
    });
    port
}

/// Knows no users.
async fn ftp_server(mut client: Connection) -> std::io::Result<()> {
    for reply in ["220 ready\r\n", "331 and the password?\r\n", "530 Login incorrect.\r\n"] {
        say(&mut client, reply).await?;
        client.read_line(&mut String::new()).await?;
    }
    Ok(())
}

/// Accepts every user with the same password.
async fn imap_server(mut client: Connection) -> std::io::Result<()> {
    say(&mut client, GREETING).await?;
    let mut line = String::new();
    client.read_line(&mut line).await?;
    let (tag, rest) = line.trim_end().split_once(' ').unwrap_or_default();
    let typed = BASE64_STANDARD.decode(rest.rsplit(' ').next().unwrap_or_default()).unwrap_or_default();
    let status = if typed.ends_with(format!("\0{RIGHT}").as_bytes()) {
        "OK yes"
    } else {
        "NO [AUTHENTICATIONFAILED] Authentication failed."
    };
    say(&mut client, &format!("{tag} {status}\r\n")).await
}

async fn say(client: &mut Connection, text: &str) -> std::io::Result<()> {
    client.write_all(text.as_bytes()).await?;
    client.flush().await
}
