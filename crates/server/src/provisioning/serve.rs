//! One call from beginning to end.
//!
//! The order of the checks is one that clients know: route, credentials, sign-in, role, the header
//! against forged requests, the kind of proof, parameters. Nothing is changed before all of them. A
//! credential is checked again after the body has arrived, and once more in the transaction of a
//! change.

use accounts::CompatLevel;
use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::{
    ACCEPT, ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER, USER_AGENT,
    WWW_AUTHENTICATE,
};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use user_backend::Outcome;
use user_backend_tower::AuthorizationHeader;

use super::call::{Call, SIGN_IN_ENDED};
use super::call_path::{Captures, Path};
use super::caller::{Caller, RequiredRole, STALE};
use super::envelope::code::{Code, Version};
use super::envelope::format::Format;
use super::envelope::{OcsAnswer, OcsFailure, Sealed, seal, stream};
use super::operation::Operation;
use super::params::{ParamError, Params};
use super::path_hint;
use super::routes::{Route, RouteMatch, find};
use crate::auth::client_address::Origin;
use crate::auth::cookie::Cookie;
use crate::auth::csrf;
use crate::auth::sign_in::Accepts;
use crate::auth::token_shape::is_token_shaped;
use crate::problem::{plaintext, problem};
use crate::request_body::{Charge, Sender};
use crate::state::AppState;
use crate::warnings::WarningKind;

/// Handles a call.
///
/// `path` is the part after `/ocs/v1.php`.
pub async fn serve(
    app: &AppState,
    version: Version,
    path: &str,
    origin: Origin,
    request: Request,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    // Read again after the sign-in: a sign-in may wait, and its request holds nothing else
    // meanwhile.
    let format = query(&parts).ok().and_then(|query| query.text("format").ok().flatten().map(str::to_owned));
    let mut reply = ResponseWriter {
        version,
        format: Format::choose(format.as_deref(), accept(&parts.headers)),
        level: app.settings().compat,
        in_background: parts
            .headers
            .get("x-requested-with")
            .is_some_and(|value| value.as_bytes() == b"XMLHttpRequest"),
        headers: HeaderMap::new(),
    };
    let path = Path::parse(path);
    let found = path.as_ref().map_or(RouteMatch::Nothing, |path| find(&parts.method, path));
    let (route, captures) = match (found, &path) {
        (RouteMatch::Route(route, captures), _) => (route, captures),
        (RouteMatch::OtherMethod, Some(path)) => return other_method(&parts.method, path, reply),
        (RouteMatch::OtherMethod | RouteMatch::Nothing, _) => {
            // The old answers never look at the header.
            reply.format = Format::choose(format.as_deref(), None);
            let hint = path_hint::unknown_path(&parts.method, path.as_ref(), parts.uri.path());
            return reply.send(Err(OcsFailure::unknown_path().with_hint(hint)));
        }
    };
    // Credentials in the header decide alone; the cookie counts only without them.
    let cookie = Cookie::of(&app.settings(), &origin)
        .read(&parts.headers)
        .filter(|_| !parts.headers.contains_key(AUTHORIZATION));
    let caller = match signed_in(app, origin, &parts, route, cookie, &reply).await {
        Ok(caller) => caller,
        Err(response) => return *response,
    };
    let sender = match &caller {
        Some(_) if route.role != RequiredRole::Anyone => Sender::SignedIn,
        _ => Sender::Anonymous,
    };
    let waits = !body.is_end_stream();
    let body = body_of(app, sender, origin, &parts, body).await;
    // A client can take its time to send a body, and what it signed in with may have ended
    // meanwhile.
    let caller = match caller {
        Some(caller) if waits => match caller.again(app, origin.address).await {
            Ok(Some(caller)) => Some(caller),
            Ok(None) => return reply.ended(&parts.headers),
            Err(error) => return reply.send(Err(error.into())),
        },
        caller => caller,
    };
    if let Some(format) = body.as_ref().ok().and_then(|(body, _)| body.text("format").ok().flatten()) {
        reply.format = Format::choose(Some(format), None);
    }
    if let Some(Err(failure)) =
        caller.as_ref().map(|caller| caller.require(route.role, route.operation.role_refusal))
    {
        return reply.send(Err(failure));
    }
    let in_session = caller.as_ref().is_some_and(|caller| caller.proof().is_session());
    let forged =
        in_session && cookie.is_none_or(|cookie| !app.request_tokens().is_satisfied(&parts.headers, cookie));
    if forged || !csrf::is_satisfied(&parts.headers) {
        return csrf::refusal(&parts.headers);
    }
    if let Some(caller) = caller.as_ref().filter(|_| route.role != RequiredRole::Anyone)
        && let Err(failure) = caller.prove(route.requires, route.scope, route.operation.app_password_refusal)
    {
        return reply.send(Err(failure));
    }
    let (query, (body, mut charge)) = match (query(&parts), body) {
        (Ok(query), Ok(body)) => (query, body),
        (Err(error), _) | (_, Err(error)) => return reply.refuse(error),
    };
    let in_query =
        query.shows_password(&body) && (route.operation.takes("password") || route.operation.takes("value"));
    if in_query {
        let name = caller.as_ref().map(|caller| caller.id().as_str());
        app.warn_about(
            WarningKind::PasswordInQuery,
            format_args!(
                "a password came in the query of a call ({}, caller {name:?}, from {}): proxies and logs on the way have \
                 it; the program should send it in the body",
                route.path, origin.address
            ),
        );
        if app.settings().refuse_passwords_in_query {
            let text = "A password in the query is refused here";
            return reply.send(Err(OcsFailure::new(Code::BAD_REQUEST, text).with_hint(IN_QUERY)));
        }
    }
    let mut params = query.overridden_by(body);
    let disguised = params.is_json_in_disguise();
    // What the endpoint does not know is not held while it works, and what is held is charged.
    params.keep(|name| route.operation.takes(name));
    if let Err(error) = charge.set(params.weight()) {
        return reply.refuse(error.into());
    }
    let agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let call = Call {
        app,
        caller: caller.as_ref(),
        origin,
        agent,
        params: &params,
        captures: &captures,
        counted_up_to: None,
    };
    let answer = answer(route, &call).await;
    if answer.as_ref().is_err_and(|failure| failure.code() == Code::UNAUTHORISED) {
        return reply.ended(&parts.headers);
    }
    let answer = answer.map_err(|failure| {
        let failure = explained(failure, route.operation, disguised);
        path_hint::of_word(route, &parts.method, path.as_ref(), failure)
    });
    let answer = if in_query { answer.map(|answer| answer.with_hint(IN_QUERY)) } else { answer };
    if route.operation.has_etag && answer.is_ok() {
        return reply.send_tagged(&answer, &parts.headers);
    }
    reply.send(answer)
}

/// How far lists are counted for pages: the store need not look at 100,000 rows for a number that
/// no one needs.
pub(crate) const COUNTED_FOR_PAGES: u64 = 1000;

/// Answers a call of one of our own pages on behalf of its signed-in user.
///
/// Numbers of entries are those up to [`COUNTED_FOR_PAGES`], and otherwise one more than that. Role,
/// proof and endpoint are those of the route. The page has checked that its form is ours.
pub(crate) async fn serve_page(
    app: &AppState,
    caller: &Caller,
    origin: Origin,
    agent: &str,
    (route, captures): (&Route, &Captures<'_>),
    params: &Params,
) -> Result<OcsAnswer, OcsFailure> {
    caller.require(route.role, route.operation.role_refusal)?;
    caller.prove(route.requires, route.scope, route.operation.app_password_refusal)?;
    let counted_up_to = Some(COUNTED_FOR_PAGES);
    let call = Call { app, caller: Some(caller), origin, agent, params, captures, counted_up_to };
    answer(route, &call).await.map_err(|failure| explained(failure, route.operation, false))
}

/// The answer of the endpoint.
///
/// A password that was accepted from memory alone changes nothing.
async fn answer(route: &Route, call: &Call<'_>) -> Result<OcsAnswer, OcsFailure> {
    let changes = !route.method.is_safe() || route.operation.changes_on_get;
    if changes && call.caller.is_some_and(|caller| caller.proof().is_stale()) {
        return Err(OcsFailure::new(Code::UNAVAILABLE, STALE));
    }
    (route.operation.handler)(call).await
}

fn query(parts: &Parts) -> Result<Params, ParamError> {
    Params::of_query(parts.uri.query().unwrap_or_default())
}

/// Reads the body; its memory is charged until the second value is dropped.
async fn body_of(
    app: &AppState,
    sender: Sender,
    origin: Origin,
    parts: &Parts,
    body: Body,
) -> Result<(Params, Charge), ParamError> {
    let (bytes, mut charge) = app.bodies().read(sender, origin.address, body).await?;
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let params = Params::of_body(content_type, bytes).await?;
    charge.set(params.weight())?;
    Ok((params, charge))
}

/// Adds what the code means to a failure without a message.
///
/// It stands beside the empty message that programs expect. One whose cause is how the parameters
/// were sent says that instead.
fn explained(failure: OcsFailure, operation: &Operation, disguised: bool) -> OcsFailure {
    if disguised {
        return failure.with_hint(JSON_SENT_AS_FORM_HINT);
    }
    let meaning = Some(failure.code()).filter(|_| failure.is_wordless());
    match meaning.and_then(|code| operation.meaning(code)) {
        Some(meaning) => failure.with_hint(meaning),
        None => failure,
    }
}

/// The hint for a password in a query.
const IN_QUERY: &str = "the password was in the address, where proxies and logs on the way keep it; send it in the body (curl: -d \
                        password=...), and change this one";

/// The hint for JSON without its content type.
const JSON_SENT_AS_FORM_HINT: &str = "the body looks like JSON and was sent as a form; with curl: -H 'Content-Type: application/json' -d '{...}'";

/// The hint for a wrong name or password.
const INVALID_CREDENTIALS_HINT: &str = "sign in with the name and the password of an account on this server, the ones of its login page; \
                     not those of the database or of the operating system";

/// The caller; `None` at a public route without credentials.
async fn signed_in(
    app: &AppState,
    origin: Origin,
    parts: &Parts,
    route: &Route,
    cookie: Option<&str>,
    reply: &ResponseWriter,
) -> Result<Option<Caller>, Box<Response<Body>>> {
    let refused = |status, text: &str| Box::new(problem(status, text));
    let failed = |failure: OcsFailure| Box::new(reply.clone().send(Err(failure)));
    let offered = AuthorizationHeader::of(&parts.headers)
        .map_err(|error| refused(StatusCode::BAD_REQUEST, &error.to_string()))?;
    let offered = match offered {
        // Bearer tokens of other programs have no meaning here.
        AuthorizationHeader::Bearer(token) if !is_token_shaped(&token) => AuthorizationHeader::Other,
        offered => offered,
    };
    match &offered {
        AuthorizationHeader::Basic { .. } | AuthorizationHeader::Bearer(_) => {}
        AuthorizationHeader::Nothing | AuthorizationHeader::Other if route.role == RequiredRole::Anyone => {
            return Ok(None);
        }
        AuthorizationHeader::Nothing | AuthorizationHeader::Other => {
            if let Some(cookie) = cookie
                && (origin.private || app.settings().allow_plaintext)
                && let Some(session) = app.session(cookie).await.map_err(|error| failed(error.into()))?
            {
                return Ok(Some(Caller::new(session.accepted())));
            }
            let hint = "send the name and the password of an account on this server with each call; with curl: -u name:password";
            return Err(failed(OcsFailure::unauthenticated().with_hint(hint)));
        }
    }
    if !origin.private && !app.settings().allow_plaintext {
        return Err(refused(StatusCode::FORBIDDEN, plaintext(&origin)));
    }
    let decided = match &offered {
        AuthorizationHeader::Basic { name, password } => {
            app.sign_in(name, password, origin.address, Accepts::ServiceToken).await
        }
        AuthorizationHeader::Bearer(token) => {
            app.sign_in_with_token(token, origin.address, Accepts::ServiceToken).await
        }
        AuthorizationHeader::Nothing | AuthorizationHeader::Other => return Ok(None),
    };
    match decided.map_err(|error| failed(error.into()))? {
        Ok(accepted) => Ok(Some(Caller::new(accepted))),
        Err(outcome @ Outcome::Refused(_)) => {
            let failure = OcsFailure::not_signed_in(&outcome).with_hint(INVALID_CREDENTIALS_HINT);
            Err(Box::new(reply.clone().in_xml().send(Err(failure))))
        }
        Err(outcome) => Err(failed(OcsFailure::not_signed_in(&outcome))),
    }
}

/// How an answer is sent.
#[derive(Clone)]
struct ResponseWriter {
    version: Version,
    format: Format,
    level: CompatLevel,
    /// Whether a script in a page asks.
    in_background: bool,
    headers: HeaderMap,
}

impl ResponseWriter {
    /// Says why parameters cannot be used.
    fn refuse(self, error: ParamError) -> Response<Body> {
        self.send(Err(error.into()))
    }

    fn send(mut self, answer: Result<OcsAnswer, OcsFailure>) -> Response<Body> {
        let mut answer = answer.map_err(|failure| failure.at(self.level));
        if answer.as_ref().is_err_and(|failure| failure.code() == Code::UNAUTHORISED) {
            self.headers.insert(WWW_AUTHENTICATE, challenge(self.in_background));
        }
        match stream(&mut answer, self.version, self.format) {
            Ok(None) => {}
            Ok(Some((content_type, body))) => {
                let mut response = Response::new(body);
                *response.headers_mut() = self.headers;
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
                return response;
            }
            Err(_) => return problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written"),
        }
        let Ok(sealed) = seal(&answer, self.version, self.format) else {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written");
        };
        let mut response = self.send_sealed(sealed);
        if let Some(wait) = answer.err().and_then(|failure| failure.retry_after()) {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }

    fn send_sealed(self, sealed: Sealed) -> Response<Body> {
        let mut response = Response::new(Body::from(sealed.body));
        *response.status_mut() = sealed.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(sealed.content_type));
        response
    }

    /// With a tag, so that clients who ask again and again need not read it again and again.
    fn send_tagged(self, answer: &Result<OcsAnswer, OcsFailure>, headers: &HeaderMap) -> Response<Body> {
        let Ok(sealed) = seal(answer, self.version, self.format) else {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "the answer could not be written");
        };
        let tag = format!("\"{}\"", blake3::hash(&sealed.body).to_hex().get(..32).unwrap_or_default());
        let known = headers.get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == tag.as_bytes());
        let mut response = if known {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        } else {
            self.send_sealed(sealed)
        };
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache, must-revalidate"));
        response
    }

    /// Responds as if the caller's credential had ended before the call.
    fn ended(self, headers: &HeaderMap) -> Response<Body> {
        if headers.contains_key(AUTHORIZATION) {
            let failure = OcsFailure::wrong_credentials().with_hint(SIGN_IN_ENDED);
            self.in_xml().send(Err(failure))
        } else {
            self.send(Err(OcsFailure::unauthenticated().with_hint(SIGN_IN_ENDED)))
        }
    }

    /// As XML in any case, as clients know the response to wrong credentials.
    fn in_xml(mut self) -> Self {
        self.format = Format::Xml;
        self
    }
}

/// Asks for a name and a password (RFC 7617).
///
/// A page that asks in the background gets a scheme that no browser knows: the browser would open a
/// window of its own otherwise.
fn challenge(in_background: bool) -> HeaderValue {
    HeaderValue::from_static(if in_background {
        "DummyBasic realm=\"Authorisation Required\", charset=\"UTF-8\""
    } else {
        "Basic realm=\"Authorisation Required\", charset=\"UTF-8\""
    })
}

fn accept(headers: &HeaderMap) -> Option<&str> {
    headers.get(ACCEPT).and_then(|value| value.to_str().ok())
}

/// A known path and a method that it does not know.
///
/// The original sends no body there.
fn other_method(method: &Method, path: &Path, reply: ResponseWriter) -> Response<Body> {
    let route = |method: Method| match find(&method, path) {
        RouteMatch::Route(route, _) => Some(route),
        RouteMatch::OtherMethod | RouteMatch::Nothing => None,
    };
    let known: Vec<&Route> =
        [Method::GET, Method::POST, Method::PUT, Method::DELETE].into_iter().filter_map(route).collect();
    let hint = path_hint::other_method(method, path, &known);
    let failure = OcsFailure::new(Code::OTHER_METHOD, "The method is not known here").with_hint(hint);
    let mut response = reply.send(Err(failure));
    let methods: Vec<&str> = known.iter().map(|route| route.method.as_str()).collect();
    if let Ok(methods) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(ALLOW, methods);
    }
    response
}
