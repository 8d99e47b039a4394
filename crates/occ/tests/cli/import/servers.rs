//! Mail and file servers of these tests, and the server that signs their users in.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream as Client};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use user_backend::ClassRegistry;
use user_backend_server::listener::{Listener, ShutdownHandle};
use user_backend_server::settings::ServerSettings;
use user_backend_server::state::AppState;

use crate::OccFixture;

/// The names, in exactly this spelling, and passwords that a server takes.
pub(crate) type Known = &'static [(&'static str, &'static str)];

/// An FTP server in clear text on loopback, which may take names in any letter case; returns its
/// port.
pub(crate) fn ftp(occ: &OccFixture, known: Known, is_folding: bool) -> u16 {
    let accounts = Accounts { known, is_folding };
    serve(occ, move |stream| async move { ftp_session(stream, accounts).await })
}

/// An IMAP server of the same kind.
pub(crate) fn imap(occ: &OccFixture, known: Known, is_folding: bool) -> u16 {
    let accounts = Accounts { known, is_folding };
    serve(occ, move |stream| async move { imap_session(stream, accounts).await })
}

/// What a server knows, and how it compares names.
#[derive(Clone, Copy)]
struct Accounts {
    known: Known,
    is_folding: bool,
}

impl Accounts {
    fn takes(self, name: &str, password: &str) -> bool {
        let is_same = |known: &str| match self.is_folding {
            true => known.eq_ignore_ascii_case(name),
            false => known == name,
        };
        self.known.iter().any(|(known, right)| is_same(known) && *right == password)
    }
}

fn serve<F>(occ: &OccFixture, session: impl Fn(TcpStream) -> F + Send + 'static) -> u16
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = occ.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let port = listener.local_addr().unwrap().port();
    occ.runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(session(stream));
        }
    });
    port
}

async fn ftp_session(stream: TcpStream, accounts: Accounts) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 ready\r\n").await.ok()?;
    let mut name = String::new();
    let data = TcpListener::bind(("127.0.0.1", 0)).await.ok()?;
    let passive = format!("229 Entering Extended Passive Mode (|||{}|)\r\n", data.local_addr().ok()?.port());
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let line = line.trim_end_matches(['\r', '\n']);
        let (command, value) = line.split_once(' ').unwrap_or((line, ""));
        let reply = match command {
            "USER" => {
                name = value.to_owned();
                "331 Please specify the password.\r\n"
            }
            "PASS" if accounts.takes(&name, value) => "230 Login successful.\r\n",
            "PASS" => "530 Login incorrect.\r\n",
            // The PHP app lists the folder.
            "TYPE" => "200 done\r\n",
            "EPSV" => &passive,
            "NLST" => {
                stream.write_all(b"150 Here comes the directory listing.\r\n").await.ok()?;
                drop(data.accept().await.ok()?);
                "226 Directory send OK.\r\n"
            }
            "QUIT" => "221 Goodbye.\r\n",
            _ => "502 Command not implemented.\r\n",
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
}

async fn imap_session(stream: TcpStream, accounts: Accounts) -> Option<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"* OK [CAPABILITY IMAP4rev1] ready\r\n").await.ok()?;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await.ok()? == 0 {
            return None;
        }
        let mut line = line.trim_end().to_owned();
        // A literal (RFC 3501, section 4.3), for what cannot be quoted.
        while let Some((start, size)) = line.strip_suffix('}').and_then(|line| line.rsplit_once('{')) {
            let mut text = vec![0; size.trim_end_matches('+').parse().ok()?];
            stream.write_all(b"+ ready\r\n").await.ok()?;
            stream.read_exact(&mut text).await.ok()?;
            let mut rest = String::new();
            stream.read_line(&mut rest).await.ok()?;
            line = format!("{start}\"{}\"{}", String::from_utf8(text).ok()?, rest.trim_end());
        }
        let (tag, command) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match command.split_once(' ') {
            _ if command.eq_ignore_ascii_case("CAPABILITY") => {
                format!("* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n")
            }
            Some((verb, rest)) if verb.eq_ignore_ascii_case("LOGIN") => {
                let mut words = rest.splitn(2, ' ').map(|word| word.trim_matches('"'));
                let login = (words.next()?, words.next()?);
                match accounts.takes(login.0, login.1) {
                    true => format!("{tag} OK in\r\n"),
                    false => format!("{tag} NO [AUTHENTICATIONFAILED] no\r\n"),
                }
            }
            _ => format!("{tag} OK done\r\n"),
        };
        stream.write_all(reply.as_bytes()).await.ok()?;
    }
}

/// The server with this configuration.
pub(crate) struct ProvisioningServer {
    address: SocketAddr,
    shutdown_handle: ShutdownHandle,
}

impl Drop for ProvisioningServer {
    fn drop(&mut self) {
        self.shutdown_handle.stop();
    }
}

impl ProvisioningServer {
    pub(crate) fn start(occ: &OccFixture) -> Self {
        let file = occ.path().join("config/config.php");
        let (settings, config) = ServerSettings::load(&file, &ClassRegistry::standard()).unwrap();
        occ.block_on(async {
            let app = AppState::start(settings, &config).await.unwrap();
            let listening = Listener::open(app).unwrap();
            let (address, shutdown_handle) = (listening.address().unwrap(), listening.shutdown_handle());
            tokio::spawn(listening.serve());
            Self { address, shutdown_handle }
        })
    }

    /// Signs in with HTTP Basic: the id of the account, or the status.
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Result<String, u16> {
        let credentials = base64(&format!("{name}:{password}"));
        let mut client = Client::connect(self.address).unwrap();
        write!(
            client,
            "GET /ocs/v2.php/cloud/user?format=json HTTP/1.1\r\nHost: {}\r\nOCS-APIRequest: true\r\n\
             Authorization: Basic {credentials}\r\nConnection: close\r\n\r\n",
            self.address
        )
        .unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        let status: u16 = answer.split(' ').nth(1).unwrap().parse().unwrap();
        if status != 200 {
            return Err(status);
        }
        let body = answer.split_once("\r\n\r\n").unwrap().1;
        let json = body.get(body.find('{').unwrap()..=body.rfind('}').unwrap()).unwrap();
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        Ok(json["ocs"]["data"]["id"].as_str().unwrap().to_owned())
    }
}

fn base64(text: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |group: u32, place: u32| char::from(DIGITS[(group >> (18 - 6 * place)) as usize & 63]);
    let encode = |bytes: &[u8]| {
        let group = (0..3).fold(0, |group, at| (group << 8) | u32::from(*bytes.get(at).unwrap_or(&0)));
        let digits = (0..4).map(move |place| digit(group, place));
        digits.take(bytes.len() + 1).chain("==".chars().take(3 - bytes.len())).collect::<String>()
    };
    text.as_bytes().chunks(3).map(encode).collect()
}
