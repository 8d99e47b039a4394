//! A program that signs one user in and then waits, so that its memory can be inspected.
//!
//! `sign-in ENGINE PORT [CA_FILE]`; the password is the first line of the standard input, the
//! verdict the first line of the standard output, and the program ends with its standard input.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use user_backend::ftp::{FtpBackend, FtpSettings};
use user_backend::imap::{ImapBackend, ImapSettings};
use user_backend::smb::{SmbBackend, SmbEngine, SmbSettings};
use user_backend::transport::{Endpoint, ServerTrust, TlsMode};
use user_backend::{Attempt, BackendError, BackendId, LoginName, Password, UserBackend, Verdict, clock};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    user_backend::smb::run_helper_if_requested();
    let mut words = std::env::args().skip(1);
    let (engine, port) = (words.next().ok_or("no engine")?, words.next().ok_or("no port")?.parse()?);
    let backend = backend(&engine, port, words.next())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let verdict = runtime.block_on(sign_in(backend.as_ref()))?;
    writeln!(io::stdout(), "{verdict}")?;
    // The backend stays, with its helpers and connections.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// The password is stored only here, as far as this program controls it.
async fn sign_in(backend: &dyn UserBackend) -> Result<String, Error> {
    let (name, password) = (LoginName::parse("alice")?, password()?);
    let attempt = Attempt::new(&name, &password, clock::now() + Duration::from_secs(60));
    Ok(match backend.authenticate(&attempt).await {
        Ok(Verdict::Accepted(_)) => "accepted".to_owned(),
        Ok(Verdict::Rejected(rejection)) => rejection.as_str().to_owned(),
        Ok(Verdict::NotMine) => "not mine".to_owned(),
        Err(error) => error.kind().to_owned(),
    })
}

fn backend(engine: &str, port: u16, ca_file: Option<String>) -> Result<Box<dyn UserBackend>, Error> {
    let tls = if ca_file.is_some() { TlsMode::Implicit } else { TlsMode::None };
    let mut endpoint = Endpoint::new("127.0.0.1", port, tls).with_timeout(Duration::from_secs(60));
    if let Some(file) = ca_file {
        endpoint = endpoint.with_trust(ServerTrust::CaFile(file.into()));
    }
    let id = BackendId::parse("server")?;
    let smb = |engine| -> Result<Box<dyn UserBackend>, BackendError> {
        let settings = SmbSettings::new(id.clone(), endpoint.clone()).with_engine(engine).with_share("data");
        Ok(Box::new(SmbBackend::new(settings)?))
    };
    Ok(match engine {
        "imap" => Box::new(ImapBackend::new(ImapSettings::new(id, endpoint))?),
        "ftp" => Box::new(FtpBackend::new(FtpSettings::new(id, endpoint))?),
        "native" => smb(SmbEngine::Native)?,
        "pavao" => smb(SmbEngine::Pavao)?,
        _ => return Err("no such engine".into()),
    })
}

/// Reads byte by byte from the descriptor.
///
/// The standard library's buffer would keep a copy.
fn password() -> Result<Password, Error> {
    let mut input = File::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut line = String::with_capacity(1024);
    let mut byte = [0];
    while input.read(&mut byte)? == 1 && byte != *b"\n" {
        line.push(char::from(byte[0]));
    }
    // Takes the text over and wipes it.
    Ok(Password::parse(line)?)
}
