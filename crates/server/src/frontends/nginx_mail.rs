//! nginx's mail proxy, which asks about each IMAP, POP3 and SMTP client.
//!
//! If the answer is yes, it connects the client to a mail server.
//!
//! nginx calls this `auth_http`. A request has the name, the password and the client's address in
//! headers. So are the address of the mail server, or a text for the client, in the answer. (Source:
//! the documentation and `src/mail/ngx_mail_auth_http_module.c` of nginx.)
//!
//! # Security
//! nginx says itself who its client is, so its word counts only with the key of the settings:
//! another proxy on the same machine would pass on forged values. nginx puts the name of
//! the answer into commands of its own, so this is the account's id and never what was typed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use accounts::NginxMailSettings;
use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use axum::routing::get;
use percent_encoding::percent_decode;
use user_backend::Outcome;
use zeroize::Zeroizing;

use crate::auth::client_address::Connection;
use crate::auth::sign_in::Accepts;
use crate::auth::sign_in_log::{Client, Frontend};
use crate::problem::{PLAINTEXT_REFUSED, not_found, problem};
use crate::state::AppState;
use crate::warnings::WarningKind;

/// Where nginx asks.
pub(crate) const PATH: &str = "/auth/mail";

/// How long nginx holds back a refusal.
///
/// Without any time, it would close the connection.
const WAIT: u64 = 1;

/// The same, after a limit on guessing was reached.
const LONGEST_WAIT: u64 = 10;

/// The maximum number of attempts per connection.
///
/// nginx keeps memory for each of them until the connection ends.
const MAX_ATTEMPTS: u32 = 10;

/// The longest name or password, in bytes.
const MAX_LENGTH: usize = 1024;

const NOT_NGINX: &str = "only nginx with the key of [frontends.nginx_mail] may ask here, from this machine or an address in \
                         trusted_proxies of [resolver]";

/// The routes of the frontend.
pub(crate) fn router() -> Router<AppState> {
    Router::new().route(PATH, get(answer))
}

/// A protocol of mail clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// IMAP.
    Imap,
    /// POP3.
    Pop3,
    /// SMTP.
    Smtp,
}

impl Protocol {
    fn as_str(self) -> &'static str {
        match self {
            Self::Imap => "imap",
            Self::Pop3 => "pop3",
            Self::Smtp => "smtp",
        }
    }

    fn server(self, settings: &NginxMailSettings) -> Option<SocketAddr> {
        match self {
            Self::Imap => settings.imap,
            Self::Pop3 => settings.pop3,
            Self::Smtp => settings.smtp,
        }
    }
}

/// What nginx asks.
#[derive(PartialEq, Eq)]
pub struct MailRequest {
    /// The protocol of the client.
    pub protocol: Protocol,
    /// The name and the password; `None` if no user can have them.
    pub credentials: Option<(String, Zeroizing<String>)>,
    /// Whether the client sent its password: nothing can be decided from a hash of it.
    pub is_password: bool,
    /// The address of the client; `None` at a Unix socket of nginx.
    pub source: Option<IpAddr>,
    /// The number of this attempt in the client's connection.
    pub attempt: u32,
}

impl fmt::Debug for MailRequest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { protocol, source, attempt, .. } = self;
        formatter.write_fmt(format_args!("MailRequest({protocol:?}, {source:?}, {attempt}, ..)"))
    }
}

/// No request of nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl MailRequest {
    /// Reads the headers.
    ///
    /// # Errors
    /// [`Malformed`]: a header is missing, is there twice, or cannot be read.
    pub fn of(headers: &HeaderMap) -> Result<Self, Malformed> {
        let text = |name| only(headers, name)?.to_str().map_err(|_| Malformed);
        let protocol = match text("auth-protocol")? {
            "imap" => Protocol::Imap,
            "pop3" => Protocol::Pop3,
            "smtp" => Protocol::Smtp,
            _ => return Err(Malformed),
        };
        let is_password = text("auth-method")? == "plain";
        let source = match text("client-ip")? {
            "unix:" => None,
            address => Some(address.parse::<IpAddr>().map_err(|_| Malformed)?.to_canonical()),
        };
        let attempt = text("auth-login-attempt")?.parse().map_err(|_| Malformed)?;
        let name = decoded(only(headers, "auth-user")?);
        let password = decoded(only(headers, "auth-pass")?);
        let credentials = name.zip(password).map(|(name, password)| (name.to_string(), password));
        Ok(Self { protocol, credentials, is_password, source, attempt })
    }
}

/// The one value of a header.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a HeaderValue, Malformed> {
    let mut values = headers.get_all(HeaderName::from_static(name)).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Ok(value),
        _ => Err(Malformed),
    }
}

/// Decodes a name or a password; `None` if no user can have it.
///
/// nginx writes `%`, spaces and control characters as `%xx`.
fn decoded(value: &HeaderValue) -> Option<Zeroizing<String>> {
    let bytes = Zeroizing::new(percent_decode(value.as_bytes()).collect::<Vec<u8>>());
    let text = str::from_utf8(&bytes).ok()?;
    let fits = !text.is_empty() && text.len() <= MAX_LENGTH && !text.contains('\0');
    fits.then(|| Zeroizing::new(text.to_owned()))
}

/// Why a client is not connected to a mail server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    /// Wrong credentials.
    Refused,
    /// A mechanism without a password.
    Mechanism,
    /// A limit on guessing: nothing was decided.
    Throttled {
        /// How long, in seconds.
        seconds: u64,
    },
    /// Nothing was decided.
    Unavailable,
}

impl Denial {
    /// The text for the client; IMAP and POP3 have their codes in it (RFC 5530, RFC 3206).
    fn text(self, protocol: Protocol) -> &'static str {
        match (self, protocol) {
            (Self::Refused, Protocol::Imap) => "[AUTHENTICATIONFAILED] Wrong name or password",
            (Self::Refused, Protocol::Pop3) => "[AUTH] Wrong name or password",
            (Self::Refused, Protocol::Smtp) => "Wrong name or password",
            (Self::Mechanism, _) => "This mechanism is not supported, use PLAIN or LOGIN",
            (Self::Throttled { .. }, Protocol::Imap) => {
                "[UNAVAILABLE] Too many failed attempts, try again later"
            }
            (Self::Throttled { .. }, Protocol::Pop3) => {
                "[SYS/TEMP] Too many failed attempts, try again later"
            }
            (Self::Throttled { .. }, Protocol::Smtp) => "Too many failed attempts, try again later",
            (Self::Unavailable, Protocol::Imap) => {
                "[UNAVAILABLE] Passwords cannot be checked now, try again later"
            }
            (Self::Unavailable, Protocol::Pop3) => {
                "[SYS/TEMP] Passwords cannot be checked now, try again later"
            }
            (Self::Unavailable, Protocol::Smtp) => "Passwords cannot be checked now, try again later",
        }
    }

    /// The reply code of SMTP (RFC 4954).
    fn code(self) -> &'static str {
        match self {
            Self::Refused => "535 5.7.8",
            Self::Mechanism => "504 5.5.4",
            Self::Throttled { .. } | Self::Unavailable => "454 4.7.0",
        }
    }

    fn wait(self) -> u64 {
        match self {
            Self::Throttled { seconds } => seconds.clamp(WAIT, LONGEST_WAIT),
            Self::Refused | Self::Mechanism | Self::Unavailable => WAIT,
        }
    }

    fn response(self, request: &MailRequest) -> Response<Body> {
        let mut headers = vec![("auth-status", HeaderValue::from_static(self.text(request.protocol)))];
        if request.protocol == Protocol::Smtp {
            headers.push(("auth-error-code", HeaderValue::from_static(self.code())));
        }
        if request.attempt < MAX_ATTEMPTS {
            headers.push(("auth-wait", HeaderValue::from(self.wait())));
        }
        respond(headers)
    }
}

/// nginx reads the headers only.
fn respond(headers: Vec<(&'static str, HeaderValue)>) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    for (name, value) in headers {
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
}

async fn answer(
    State(app): State<AppState>,
    Extension(connection): Extension<Connection>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response<Body> {
    let settings = app.settings();
    let Some(mail) = &settings.frontends.nginx_mail else { return not_found() };
    let peer = peer.ip().to_canonical();
    let headers = request.headers();
    let is_near = peer.is_loopback() || app.trusted_proxies().iter().any(|network| network.contains(peer));
    let knows_key = only(headers, "x-auth-key").is_ok_and(|key| mail.key.matches(key.as_bytes()));
    if !is_near || !knows_key {
        app.warn_about(
            WarningKind::Proxy,
            format_args!("refused: a request of {peer} for {PATH}: {NOT_NGINX}"),
        );
        return problem(StatusCode::FORBIDDEN, NOT_NGINX);
    }
    if !peer.is_loopback() && !connection.tls && !settings.allow_plaintext {
        return problem(StatusCode::FORBIDDEN, PLAINTEXT_REFUSED);
    }
    // Without its headers, nginx reports a temporary failure to its client.
    let Ok(request) = MailRequest::of(headers) else {
        return problem(StatusCode::BAD_REQUEST, "this is no request of nginx's mail proxy");
    };
    match decide(&app, mail, &request).await {
        Ok(headers) => respond(headers),
        Err(denial) => denial.response(&request),
    }
}

/// Where the client goes, as headers of the answer.
async fn decide(
    app: &AppState,
    settings: &NginxMailSettings,
    request: &MailRequest,
) -> Result<Vec<(&'static str, HeaderValue)>, Denial> {
    let protocol = request.protocol;
    if !request.is_password {
        return Err(Denial::Mechanism);
    }
    let Some(server) = protocol.server(settings) else {
        let name = protocol.as_str();
        app.warn_about(
            WarningKind::Proxy,
            format_args!(
                "refused: nginx asks for {name}, and [frontends.nginx_mail] has no {name} = \"ADDRESS:PORT\""
            ),
        );
        return Err(Denial::Unavailable);
    };
    let Some((name, password)) = &request.credentials else { return Err(Denial::Refused) };
    let client =
        Client { source: request.source, frontend: Frontend::NginxMail, service: Some(protocol.as_str()) };
    let accepted = match app.sign_in_of(name, password, client, Accepts::AppPassword).await {
        Ok(Ok(accepted)) => accepted,
        Ok(Err(Outcome::Refused(_))) => return Err(Denial::Refused),
        Ok(Err(Outcome::Throttled { retry_after, .. })) => {
            return Err(Denial::Throttled { seconds: retry_after.as_secs() });
        }
        Ok(Err(_)) => return Err(Denial::Unavailable),
        Err(error) => {
            tracing::warn!(%error, "a password could not be checked");
            return Err(Denial::Unavailable);
        }
    };
    let id = accepted.standing.user.id.as_str();
    // nginx writes the name into XCLIENT as it is, and a space would begin another attribute there.
    let is_safe = protocol != Protocol::Smtp || !id.contains(char::is_whitespace);
    let Some(id) = HeaderValue::from_bytes(id.as_bytes()).ok().filter(|_| is_safe) else {
        tracing::warn!(user = ?id, "this user cannot send mail through nginx: the id has a space");
        return Err(Denial::Refused);
    };
    Ok(vec![
        ("auth-status", HeaderValue::from_static("OK")),
        ("auth-server", text_header(&server.ip().to_string())?),
        ("auth-port", HeaderValue::from(server.port())),
        ("auth-user", id),
    ])
}

fn text_header(text: &str) -> Result<HeaderValue, Denial> {
    HeaderValue::from_str(text).map_err(|_| Denial::Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &[u8])]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        headers
    }

    const USUAL: [(&str, &[u8]); 6] = [
        ("auth-method", b"plain"),
        ("auth-user", b"frank"),
        ("auth-pass", b"secret"),
        ("auth-protocol", b"imap"),
        ("auth-login-attempt", b"1"),
        ("client-ip", b"192.0.2.42"),
    ];

    /// The usual request with another value; an empty one is no header.
    fn with(name: &'static str, value: &'static [u8]) -> Result<MailRequest, Malformed> {
        let mut headers = headers(&USUAL);
        headers.remove(name);
        if !value.is_empty() {
            headers.insert(name, HeaderValue::from_bytes(value).unwrap());
        }
        MailRequest::of(&headers)
    }

    #[test]
    fn names_and_passwords_are_percent_decoded() {
        for (value, expected) in [
            (&b"frank"[..], Some("frank")),
            (b"frank%40example.org", Some("frank@example.org")),
            (b"a%20b%25c+d", Some("a b%c+d")),
            (b"Zo%C3%AB", Some("Zoë")),
            ("Zoë".as_bytes(), Some("Zoë")),
            (b"100%", Some("100%")),
            (b"%zz", Some("%zz")),
            (b"a%00b", None),
            (b"%ff", None),
        ] {
            let name = with("auth-user", value).unwrap().credentials.map(|(name, _)| name);
            assert_eq!(name.as_deref(), expected, "{value:?}");
            let password = with("auth-pass", value).unwrap().credentials.map(|(_, password)| password);
            assert_eq!(password.as_deref().map(String::as_str), expected, "{value:?}");
        }
        let long = HeaderValue::from_bytes(&[b'a'; MAX_LENGTH + 1]).unwrap();
        assert_eq!(decoded(&long), None);
        assert_eq!(decoded(&HeaderValue::from_static("")), None);
    }

    #[test]
    fn missing_doubled_and_unreadable_headers_are_malformed() {
        for (name, _) in USUAL {
            assert_eq!(with(name, b""), Err(Malformed), "{name}");
            let mut twice = headers(&USUAL);
            twice.append(name, HeaderValue::from_static("frank"));
            assert_eq!(MailRequest::of(&twice), Err(Malformed), "{name}");
        }
        for (name, value) in [
            ("auth-protocol", &b"ftp"[..]),
            ("auth-protocol", b"IMAP"),
            ("auth-login-attempt", b"-1"),
            ("auth-login-attempt", b"99999999999"),
            ("client-ip", b"localhost"),
            ("client-ip", b"192.0.2.42:143"),
            ("client-ip", b"\xff"),
        ] {
            assert_eq!(with(name, value), Err(Malformed), "{name}");
        }
        let source = |value| with("client-ip", value).unwrap().source;
        assert_eq!(source(b"::ffff:192.0.2.1"), Some([192, 0, 2, 1].into()));
        assert_eq!(source(b"unix:"), None);
        for method in [&b"none"[..], b"apop", b"cram-md5", b"external"] {
            assert!(!with("auth-method", method).unwrap().is_password);
        }
    }

    #[test]
    fn denials_have_the_codes_of_their_protocol() {
        let request = |protocol, attempt| {
            let (credentials, source) = (None, None);
            MailRequest { protocol, credentials, is_password: true, source, attempt }
        };
        let throttled = Denial::Throttled { seconds: 900 };
        for (denial, protocol, attempt, status, code, wait) in [
            (Denial::Refused, Protocol::Imap, 1, "[AUTHENTICATIONFAILED] ", "", "1"),
            (Denial::Refused, Protocol::Pop3, 1, "[AUTH] ", "", "1"),
            (Denial::Refused, Protocol::Smtp, 1, "Wrong ", "535 5.7.8", "1"),
            (throttled, Protocol::Imap, 9, "[UNAVAILABLE] Too many", "", "10"),
            (throttled, Protocol::Pop3, 9, "[SYS/TEMP] Too many", "", "10"),
            (throttled, Protocol::Smtp, 10, "Too many", "454 4.7.0", ""),
            (Denial::Unavailable, Protocol::Imap, 1, "[UNAVAILABLE] Passwords", "", "1"),
            (Denial::Unavailable, Protocol::Pop3, 1, "[SYS/TEMP] Passwords", "", "1"),
            (Denial::Unavailable, Protocol::Smtp, 11, "Passwords", "454 4.7.0", ""),
            (Denial::Mechanism, Protocol::Smtp, 1, "This mechanism", "504 5.5.4", "1"),
        ] {
            let response = denial.response(&request(protocol, attempt));
            let header = |name| response.headers().get(name).map_or("", |value| value.to_str().unwrap());
            assert!(header("auth-status").starts_with(status), "{denial:?} {protocol:?}");
            assert_eq!(
                (header("auth-error-code"), header("auth-wait")),
                (code, wait),
                "{denial:?} {protocol:?}"
            );
            assert_eq!(header("auth-server"), "");
        }
    }
}
