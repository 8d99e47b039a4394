//! The protocol of saslauthd, used by Cyrus SASL in Postfix, Cyrus IMAP and OpenLDAP.
//!
//! A request is the strings login, password, service and realm, and from newer clients the client's
//! address (`IP;port`). Each is its length in two bytes, big-endian, and its bytes. The answer is
//! one such string that begins with `OK` or `NO`. Each connection has one request. (Source:
//! `lib/checkpw.c` and `saslauthd/ipc_unix.c` of Cyrus SASL.)
//!
//! The protocol has no word for an outage. A connection that is closed without an answer is no
//! wrong password to libsasl: it reports `SASL_FAIL` (generic failure) and not `SASL_BADAUTH`. So
//! that is what happens in an outage, and when a limit on guessing is reached.

use std::borrow::Cow;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::time::timeout;
use user_backend::Outcome;
use zeroize::Zeroizing;

use super::socket::{Peer, Stopping};
use crate::auth::sign_in::Accepts;
use crate::auth::sign_in_log::{Client, Frontend};
use crate::state::AppState;

/// How long a client may take to send its request, to take its answer, and to hang up.
const CLIENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest string; saslauthd itself takes fewer.
const LONGEST: usize = 1024;

/// The longest request: five strings with their lengths.
const LONGEST_REQUEST: usize = 5 * (2 + LONGEST);

/// A request.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Request<'a> {
    pub(super) login: &'a [u8],
    pub(super) password: &'a [u8],
    pub(super) service: &'a [u8],
    pub(super) realm: &'a [u8],
    pub(super) address: Option<&'a [u8]>,
}

/// No request of this protocol.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed;

impl<'a> Request<'a> {
    /// Reads a request; `None` if a part is missing.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let mut rest = bytes;
        let mut strings = [&[][..]; 4];
        for string in &mut strings {
            let Some((found, after)) = counted(rest)? else { return Ok(None) };
            (*string, rest) = (found, after);
        }
        let [login, password, service, realm] = strings;
        // Clients write a request at once, so what follows belongs to it: older ones send nothing
        // more.
        let address = if rest.is_empty() {
            None
        } else {
            match counted(rest)? {
                None => return Ok(None),
                Some((address, [])) => Some(address),
                Some(_) => return Err(Malformed),
            }
        };
        Ok(Some(Self { login, password, service, realm, address }))
    }

    /// The name to sign in with; `None` if no user can have it.
    pub(super) fn name(&self, join_realm: bool) -> Option<Cow<'a, str>> {
        let login = text(self.login)?;
        if join_realm && !self.realm.is_empty() {
            return Some(format!("{login}@{}", text(self.realm)?).into());
        }
        Some(login.into())
    }

    /// The address of the client, which libsasl writes as `192.0.2.1;4711`.
    fn source(&self) -> Option<IpAddr> {
        let text = str::from_utf8(self.address?).ok()?;
        let address: IpAddr = text.split(';').next()?.parse().ok()?;
        Some(address.to_canonical())
    }
}

/// A string, and what follows it.
type Split<'a> = (&'a [u8], &'a [u8]);

/// Text that is not empty and has no NUL, as in a string of C.
fn text(bytes: &[u8]) -> Option<&str> {
    str::from_utf8(bytes).ok().filter(|text| !text.is_empty() && !text.contains('\0'))
}

/// A string with its length before it, and what follows it.
fn counted(bytes: &[u8]) -> Result<Option<Split<'_>>, Malformed> {
    let Some((length, rest)) = bytes.split_first_chunk() else { return Ok(None) };
    let length = usize::from(u16::from_be_bytes(*length));
    if length > LONGEST {
        return Err(Malformed);
    }
    Ok(rest.split_at_checked(length))
}

/// Answers the request of a connection.
pub(super) async fn answer(app: AppState, mut stream: UnixStream, peer: Peer, mut stopping: Stopping) {
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST_REQUEST + 1));
    let read = tokio::select! {
        read = timeout(CLIENT_TIMEOUT, read(&mut stream, &mut bytes)) => read,
        () = stopping.wait() => return,
    };
    let Ok(Ok(())) = read else {
        tracing::debug!("no request of saslauthd's protocol");
        return;
    };
    let Ok(Some(request)) = Request::parse(&bytes) else { return };
    let Some(is_right) = decide(&app, &request, peer).await else { return };
    let reply: &[u8] = if is_right { b"\0\x02OK" } else { b"\0\x02NO" };
    let _ = timeout(CLIENT_TIMEOUT, async {
        stream.write_all(reply).await?;
        stream.shutdown().await?;
        // The client hangs up. Bytes that are left unread would look like a broken connection to
        // it.
        tokio::io::copy(&mut stream.take(LONGEST_REQUEST as u64), &mut tokio::io::sink()).await
    })
    .await;
}

/// Reads until a request is complete.
async fn read(stream: &mut UnixStream, bytes: &mut Vec<u8>) -> io::Result<()> {
    loop {
        if bytes.len() > LONGEST_REQUEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        // More would be reallocated, and leave a copy of the password.
        let room = (bytes.capacity() - bytes.len()) as u64;
        if (&mut *stream).take(room).read_buf(bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match Request::parse(bytes) {
            Ok(Some(_)) => return Ok(()),
            Ok(None) => {}
            Err(Malformed) => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

/// Whether the password is right; `None` if that is not known.
async fn decide(app: &AppState, request: &Request<'_>, peer: Peer) -> Option<bool> {
    let join_realm = app.settings().frontends.saslauthd.as_ref().is_some_and(|settings| settings.join_realm);
    let (Some(name), Some(password)) = (request.name(join_realm), text(request.password)) else {
        return Some(false);
    };
    let client = Client {
        source: request.source().filter(|_| peer.is_trusted),
        frontend: Frontend::Saslauthd,
        service: text(request.service),
    };
    match app.sign_in_of(&name, password, client, Accepts::AppPassword).await {
        Ok(Ok(_)) => Some(true),
        Ok(Err(Outcome::Refused(_))) => Some(false),
        Ok(Err(_)) => None,
        Err(error) => {
            tracing::warn!(%error, "a password could not be checked");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(strings: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for string in strings {
            bytes.extend_from_slice(&u16::try_from(string.len()).unwrap().to_be_bytes());
            bytes.extend_from_slice(string);
        }
        bytes
    }

    #[test]
    fn part_of_a_request_is_incomplete() {
        let whole = request(&[b"frank", b"secret", b"imap", b"example.org"]);
        for length in 0..whole.len() {
            assert_eq!(Request::parse(&whole[..length]), Ok(None), "{length}");
        }
        let found = Request::parse(&whole).unwrap().unwrap();
        let expected = Request {
            login: b"frank",
            password: b"secret",
            service: b"imap",
            realm: b"example.org",
            address: None,
        };
        assert_eq!(found, expected);
        assert_eq!(found.name(false).unwrap(), "frank");
        assert_eq!(found.name(true).unwrap(), "frank@example.org");
        // A newer client.
        let whole_of_five = request(&[b"frank", b"secret", b"imap", b"example.org", b"192.0.2.1;4711"]);
        for length in whole.len() + 1..whole_of_five.len() {
            assert_eq!(Request::parse(&whole_of_five[..length]), Ok(None), "{length}");
        }
        let found = Request::parse(&whole_of_five).unwrap().unwrap();
        assert_eq!(found.source(), Some([192, 0, 2, 1].into()));
    }

    #[test]
    fn oversized_and_surplus_strings_are_malformed() {
        let long = [b'a'; LONGEST + 1];
        for strings in [
            &[&long[..]][..],
            &[b"frank", &long],
            &[b"frank", b"secret", &long],
            &[b"frank", b"secret", b"imap", &long],
            &[b"frank", b"secret", b"imap", b"", &long],
            &[b"frank", b"secret", b"imap", b"", b"", b""],
        ] {
            assert_eq!(Request::parse(&request(strings)), Err(Malformed));
        }
        let longest = [&long[1..]; 5];
        let bytes = request(&longest);
        assert_eq!(bytes.len(), LONGEST_REQUEST);
        assert!(Request::parse(&bytes).unwrap().is_some());
        // The length alone shows it.
        assert_eq!(Request::parse(&[0xff, 0xff]), Err(Malformed));
    }

    #[test]
    fn name_with_nul_or_without_text_is_none() {
        for (login, realm, join_realm, expected) in [
            (&b"frank"[..], &b""[..], true, Some("frank")),
            (b"frank", b"example.org", true, Some("frank@example.org")),
            (b"frank", b"a\0b", true, None),
            (b"frank", b"a\0b", false, Some("frank")),
            (b"fra\0nk", b"", true, None),
            (b"frank\0", b"", false, None),
            (b"", b"example.org", true, None),
            (b"\xff", b"", false, None),
        ] {
            let request = Request { login, password: b"x", service: b"", realm, address: None };
            assert_eq!(request.name(join_realm).as_deref(), expected, "{login:?} {realm:?}");
        }
    }

    #[test]
    fn source_is_the_address_before_the_port() {
        for (address, expected) in [
            (&b"192.0.2.1;4711"[..], Some([192, 0, 2, 1].into())),
            (b"192.0.2.1", Some([192, 0, 2, 1].into())),
            (b"::ffff:192.0.2.1;25", Some([192, 0, 2, 1].into())),
            (b"2001:db8::1;25", Some("2001:db8::1".parse().unwrap())),
            (b"", None),
            (b"localhost;25", None),
            (b"\xff;25", None),
        ] {
            let request =
                Request { login: b"x", password: b"x", service: b"", realm: b"", address: Some(address) };
            assert_eq!(request.source(), expected, "{address:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn parser_takes_any_bytes(bytes in proptest::collection::vec(0_u8.., 0..80)) {
            if let Ok(Some(found)) = Request::parse(&bytes) {
                let mut strings = vec![found.login, found.password, found.service, found.realm];
                strings.extend(found.address);
                proptest::prop_assert_eq!(request(&strings), bytes);
            }
        }
    }
}
