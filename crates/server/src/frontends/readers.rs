//! The readers of untrusted input, as the fuzz targets call them.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use zeroize::Zeroizing;

use super::forward_auth;
pub use super::nginx_mail::{MailRequest, Protocol};
#[cfg(unix)]
use super::{dovecot_auth, saslauthd};

/// The host and the path of which a reverse proxy asks; `None` if it contradicts itself.
pub fn forward_auth(parts: &Parts) -> Option<(Option<String>, Option<String>)> {
    let asked = forward_auth::AskedFor::of(parts).ok()?;
    Some((asked.host_name().map(str::to_owned), asked.path().map(|path| path.as_str().to_owned())))
}

/// What nginx's mail proxy asks; `None` if it is no request of nginx.
pub fn nginx_mail(headers: &HeaderMap) -> Option<MailRequest> {
    MailRequest::of(headers).ok()
}

/// Reads a saslauthd request: its strings, and the name to sign in with.
///
/// There is a name if the realm belongs to it. `Ok(None)`: a part is missing. `Err`: malformed.
#[cfg(unix)]
#[allow(clippy::result_unit_err, clippy::type_complexity)]
pub fn saslauthd(bytes: &[u8]) -> Result<Option<(Vec<&[u8]>, Option<String>)>, ()> {
    let request = saslauthd::Request::parse(bytes).map_err(|_| ())?;
    Ok(request.map(|request| {
        let mut strings = vec![request.login, request.password, request.service, request.realm];
        strings.extend(request.address);
        (strings, request.name(true).map(std::borrow::Cow::into_owned))
    }))
}

/// A request of Dovecot's auth protocol.
#[cfg(unix)]
#[allow(missing_debug_implementations)]
pub struct DovecotRequest {
    /// Its number.
    pub id: u32,
    /// The service of the client.
    pub service: String,
    /// Whether it names the client's address.
    pub has_source: bool,
    /// The name and the password, if the line has both.
    pub credentials: Option<(String, Zeroizing<String>)>,
}

/// A line of Dovecot's auth protocol.
///
/// `Err`: malformed; `Ok(None)`: another line than `AUTH`.
#[cfg(unix)]
#[allow(clippy::result_unit_err)]
pub fn dovecot_auth(line: &[u8]) -> Result<Option<DovecotRequest>, ()> {
    let dovecot_auth::Line::Begin(begin) = dovecot_auth::Line::parse(line).map_err(|_| ())? else {
        return Ok(None);
    };
    let step = dovecot_auth::Exchange::begin(&begin.mechanism, begin.response.as_deref());
    let credentials = match step {
        dovecot_auth::NextAction::Credentials { name, password } => Some((name, password)),
        dovecot_auth::NextAction::Challenge(..) | dovecot_auth::NextAction::Refused(_) => None,
    };
    let (id, has_source) = (begin.id, begin.source.is_some());
    Ok(Some(DovecotRequest { id, service: begin.service, has_source, credentials }))
}

/// A value as Dovecot's auth protocol writes it into a line.
#[cfg(unix)]
pub fn dovecot_escaped(value: &str) -> String {
    dovecot_auth::escape(value)
}
