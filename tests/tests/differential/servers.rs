//! Mail and file servers whose accounts and moods the pairs choose.
//!
//! In clear text on loopback: both programs allow that.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// How a server behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// Compares names byte by byte.
    Exact,
    /// Takes every letter case of a name.
    Folding,
    /// Refuses without a code that says why.
    Uncoded,
    /// Says that it cannot check passwords now.
    Outage,
    /// Hangs up in the place of an answer.
    HangsUp,
    /// Takes the connection and says nothing.
    Silent,
    /// Is no server of this kind.
    Other,
    /// Refuses names that are not on its list when they are sent (FTP).
    List,
    /// The password is right, and the home folder is missing (FTP).
    NoHome,
    /// Lets `anonymous` in with any password (FTP).
    Anonymous,
}

/// Names in this spelling, and passwords.
pub(crate) type Accounts = &'static [(&'static str, &'static str)];

#[derive(Clone, Copy, Debug)]
struct Server {
    mood: Mood,
    accounts: Accounts,
}

impl Server {
    fn knows(self, name: &str) -> bool {
        self.accounts.iter().any(|(known, _)| self.is_same(known, name))
    }

    fn takes(self, name: &str, password: &str) -> bool {
        self.accounts.iter().any(|(known, right)| self.is_same(known, name) && *right == password)
            || (self.mood == Mood::Anonymous && name == "anonymous")
    }

    fn is_same(self, known: &str, name: &str) -> bool {
        match self.mood {
            Mood::Folding => known.eq_ignore_ascii_case(name),
            _ => known == name,
        }
    }
}

/// Starts an IMAP server; returns its port.
pub(crate) async fn imap(mood: Mood, accounts: Accounts) -> u16 {
    let server = Server { mood, accounts };
    serve(move |stream| imap_session(stream, server)).await
}

/// Starts an FTP server; returns its port.
pub(crate) async fn ftp(mood: Mood, accounts: Accounts) -> u16 {
    let server = Server { mood, accounts };
    serve(move |stream| ftp_session(stream, server)).await
}

/// A port at which nothing listens.
pub(crate) async fn down() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn serve<F: Future<Output = Option<()>> + Send + 'static>(
    session: impl Fn(TcpStream) -> F + Send + Sync + 'static,
) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let session = Arc::new(session);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(session(stream));
        }
    });
    port
}

/// A line without its end; nothing at the end of the connection.
async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = Vec::new();
    if stream.read_until(b'\n', &mut line).await.ok()? == 0 {
        return None;
    }
    let text = String::from_utf8_lossy(&line).into_owned();
    Some(text.trim_end_matches(['\r', '\n']).to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, text: &str) -> Option<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await.ok()
}

async fn imap_session(stream: TcpStream, server: Server) -> Option<()> {
    const CAPABILITIES: &str = "IMAP4rev1 SASL-IR AUTH=PLAIN";
    let mut stream = BufReader::new(stream);
    if server.mood == Mood::Silent {
        return line(&mut stream).await.map(drop);
    }
    if server.mood == Mood::Other {
        return say(&mut stream, "SSH-2.0-OpenSSH_9.2p1").await;
    }
    say(&mut stream, &format!("* OK [CAPABILITY {CAPABILITIES}] ready")).await?;
    loop {
        let text = line(&mut stream).await?;
        let mut words = text.splitn(3, ' ');
        let (tag, command) = (words.next()?.to_owned(), words.next()?.to_ascii_uppercase());
        let rest = words.next().unwrap_or_default().to_owned();
        match command.as_str() {
            "CAPABILITY" => {
                say(&mut stream, &format!("* CAPABILITY {CAPABILITIES}\r\n{tag} OK done")).await?;
            }
            "AUTHENTICATE" => {
                let mut words = rest.split(' ').skip(1);
                let encoded = match words.next() {
                    Some(initial) => initial.to_owned(),
                    None => {
                        say(&mut stream, "+ ").await?;
                        line(&mut stream).await?
                    }
                };
                let credentials = BASE64_STANDARD.decode(encoded).ok()?;
                let credentials = String::from_utf8_lossy(&credentials).into_owned();
                let mut parts = credentials.splitn(3, '\0').skip(1);
                let (name, password) = (parts.next()?, parts.next()?);
                judge_imap(&mut stream, &tag, server, name, password).await?;
            }
            "LOGIN" => {
                let (name, password) = quoted_pair(&rest)?;
                judge_imap(&mut stream, &tag, server, &name, &password).await?;
            }
            "LOGOUT" => return say(&mut stream, &format!("* BYE bye\r\n{tag} OK done")).await,
            _ => say(&mut stream, &format!("{tag} OK done")).await?,
        }
    }
}

async fn judge_imap(
    stream: &mut BufReader<TcpStream>,
    tag: &str,
    server: Server,
    name: &str,
    password: &str,
) -> Option<()> {
    let answer = match server.mood {
        Mood::HangsUp => return None,
        Mood::Outage => "NO [UNAVAILABLE] Temporary authentication failure.",
        _ if server.takes(name, password) => "OK signed in",
        Mood::Uncoded => "NO Login failed.",
        _ => "NO [AUTHENTICATIONFAILED] Authentication failed.",
    };
    say(stream, &format!("{tag} {answer}")).await
}

/// Two atoms or quoted strings.
fn quoted_pair(text: &str) -> Option<(String, String)> {
    let mut words = vec![String::new()];
    let (mut is_quoted, mut chars) = (false, text.chars());
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => words.last_mut()?.push(chars.next()?),
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut()?.push(c),
        }
    }
    let mut words = words.into_iter();
    Some((words.next()?, words.next()?))
}

async fn ftp_session(stream: TcpStream, server: Server) -> Option<()> {
    let mut stream = BufReader::new(stream);
    match server.mood {
        Mood::Silent => return line(&mut stream).await.map(drop),
        Mood::Other => return say(&mut stream, "SSH-2.0-OpenSSH_9.2p1").await,
        Mood::Outage => {
            return say(&mut stream, "421 There are too many connected users, please try later.").await;
        }
        _ => say(&mut stream, "220 ready").await?,
    }
    let (mut name, mut data): (String, Option<TcpListener>) = (String::new(), None);
    loop {
        let text = line(&mut stream).await?;
        let (command, value) = text.split_once(' ').unwrap_or((&text, ""));
        match command.to_ascii_uppercase().as_str() {
            "USER" if server.mood == Mood::List && !server.knows(value) => {
                say(&mut stream, "530 Permission denied.").await?;
            }
            "USER" => {
                value.clone_into(&mut name);
                say(&mut stream, "331 Please specify the password.").await?;
            }
            "PASS" => match server.mood {
                Mood::HangsUp => return None,
                Mood::NoHome if server.takes(&name, value) => {
                    return say(&mut stream, "500 OOPS: cannot change directory:/home/alice").await;
                }
                _ if server.takes(&name, value) => say(&mut stream, "230 Login successful.").await?,
                _ => say(&mut stream, "530 Login incorrect.").await?,
            },
            "EPSV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.ok()?;
                let port = listener.local_addr().ok()?.port();
                data = Some(listener);
                say(&mut stream, &format!("229 Entering Extended Passive Mode (|||{port}|)")).await?;
            }
            "PASV" => {
                let listener = TcpListener::bind("127.0.0.1:0").await.ok()?;
                let port = listener.local_addr().ok()?.port();
                data = Some(listener);
                let numbers = format!("127,0,0,1,{},{}", port >> 8, port & 255);
                say(&mut stream, &format!("227 Entering Passive Mode ({numbers}).")).await?;
            }
            "NLST" | "LIST" | "MLSD" => {
                say(&mut stream, "150 Here comes the directory listing.").await?;
                if let Some(listener) = data.take() {
                    drop(listener.accept().await.ok()?);
                }
                say(&mut stream, "226 Directory send OK.").await?;
            }
            "TYPE" | "CWD" | "OPTS" => say(&mut stream, "200 done").await?,
            "QUIT" => return say(&mut stream, "221 Goodbye.").await,
            _ => say(&mut stream, "502 Command not implemented.").await?,
        }
    }
}
