//! A request for a page: session cookie, client address, and CSRF checks.

use std::time::Duration;

use accounts::{AccountsError, ActingAccounts, Token};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use zeroize::Zeroizing;

use super::form::Form;
use super::redirect::{allowed_origin, next};
use super::templates::{Frame, Message, page};
use crate::auth::client_address::Origin;
use crate::auth::cookie::Cookie;
use crate::auth::proof::ActiveSession;
use crate::auth::session::Browser;
use crate::problem::{plaintext, problem};
use crate::provisioning::params::{ParamError, Params};
use crate::request_body::{BodyError, Charge, Sender};
use crate::state::AppState;

/// One look at a page.
#[derive(Debug)]
pub(super) struct PageRequest {
    pub(super) app: AppState,
    pub(super) origin: Origin,
    uri: Uri,
    headers: HeaderMap,
    kind: Cookie,
    /// The cookie that came, or one for a new visitor.
    cookie: Zeroizing<String>,
    is_new: bool,
    /// Whether the session got a new cookie in this request.
    is_renewed: bool,
}

/// A response that ends a request early.
#[derive(Debug)]
pub(super) struct EarlyResponse(Box<Response<Body>>);

impl From<Response<Body>> for EarlyResponse {
    fn from(response: Response<Body>) -> Self {
        Self(Box::new(response))
    }
}

impl IntoResponse for EarlyResponse {
    fn into_response(self) -> Response<Body> {
        *self.0
    }
}

/// The result of a request.
pub(super) type PageResult = Result<Response<Body>, EarlyResponse>;

impl FromRequestParts<AppState> for PageRequest {
    type Rejection = EarlyResponse;

    async fn from_request_parts(parts: &mut Parts, app: &AppState) -> Result<Self, EarlyResponse> {
        let Some(origin) = parts.extensions.get::<Origin>().copied() else {
            return Err(problem(StatusCode::INTERNAL_SERVER_ERROR, "missing connection info").into());
        };
        let kind = Cookie::of(&app.settings(), &origin);
        let sent = kind.read(&parts.headers).map(str::to_owned);
        let is_new = sent.is_none();
        let cookie = match sent {
            Some(cookie) => cookie,
            None => Token::random()
                .map_err(|_| problem(StatusCode::SERVICE_UNAVAILABLE, "try again later"))?
                .expose()
                .to_owned(),
        };
        let request = Self {
            app: app.clone(),
            origin,
            uri: parts.uri.clone(),
            headers: parts.headers.clone(),
            kind,
            cookie: Zeroizing::new(cookie),
            is_new,
            is_renewed: false,
        };
        if !origin.private && !app.settings().allow_plaintext {
            return Err(request
                .message(StatusCode::FORBIDDEN, "HTTPS required", &[plaintext(&origin)], None)
                .into());
        }
        Ok(request)
    }
}

impl PageRequest {
    /// The page frame for visitors.
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame::new(&self.app, None)
    }

    /// The page frame for a signed-in user.
    pub(super) fn own_frame(&self) -> Frame<'_> {
        Frame::new(&self.app, Some(self.csrf_token()))
    }

    /// The request token for forms (CSRF protection).
    pub(super) fn csrf_token(&self) -> String {
        self.app.request_tokens().token(&self.cookie)
    }

    /// The public URL of a path.
    pub(super) fn url_for(&self, path: &str) -> String {
        format!("{}{path}", self.app.settings().public_path())
    }

    /// A field of the query.
    pub(super) fn asked(&self, name: &str) -> Option<String> {
        Form::parse(self.uri.query()?.as_bytes())?.get(name).map(str::to_owned)
    }

    /// The last part of the path.
    pub(super) fn last_segment(&self) -> &str {
        self.uri.path().rsplit('/').next().unwrap_or_default()
    }

    /// The browser.
    pub(super) fn browser(&self) -> Browser {
        let agent =
            self.headers.get(USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
        Browser { address: self.origin.address, agent: agent.unwrap_or_default() }
    }

    /// The accounts, on behalf of a user.
    pub(super) fn accounts_of(&self, session: &ActiveSession) -> ActingAccounts {
        self.app.accounts().on_behalf_of(session.actor(self.origin.address))
    }

    /// The signed-in user, if any.
    pub(super) async fn session(&self) -> Result<Option<ActiveSession>, EarlyResponse> {
        if self.is_new {
            return Ok(None);
        }
        self.app.session(&self.cookie).await.map_err(|error| self.failed(&error))
    }

    /// The signed-in user; others are sent to the login page and back.
    pub(super) async fn require_session(&self) -> Result<ActiveSession, EarlyResponse> {
        self.session().await?.ok_or_else(|| self.sign_in_first())
    }

    /// To the login page and back.
    fn sign_in_first(&self) -> EarlyResponse {
        let back = self.url_for("/login?redirect_url=") + &self.url_for("/settings");
        self.redirect(&back).into()
    }

    /// Whether a program in a page sent this, and not a form: it has the request token in a header.
    pub(super) fn is_from_program(&self) -> bool {
        self.headers.contains_key("requesttoken")
    }

    /// Reads the fields of a form or JSON body that a script in one of our pages sent.
    pub(super) async fn own_params(&self, body: Body) -> Result<(Params, Charge), StatusCode> {
        if self.is_new || !self.app.request_tokens().is_satisfied(&self.headers, &self.cookie) {
            return Err(StatusCode::PRECONDITION_FAILED);
        }
        let (body, charge) =
            self.app.bodies().read(Sender::Anonymous, self.origin.address, body).await.map_err(|error| {
                match error {
                    BodyError::Busy => StatusCode::SERVICE_UNAVAILABLE,
                    BodyError::TooLong { .. } | BodyError::Incomplete => StatusCode::PAYLOAD_TOO_LARGE,
                }
            })?;
        let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        match Params::of_body(kind, body).await {
            Ok(params) => Ok((params, charge)),
            Err(ParamError::MediaType) => Err(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Err(_) => Err(StatusCode::BAD_REQUEST),
        }
    }

    /// Reads a form without a request token. Refuses forms that another site makes a browser send.
    pub(super) async fn form(&self, body: Body) -> Result<Form, EarlyResponse> {
        let told =
            |status, line: &str| EarlyResponse::from(self.message(status, "Invalid form", &[line], None));
        // Browsers send it to protect users; programs do not.
        let site = self.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if !matches!(site, None | Some(b"same-origin" | b"none")) {
            return Err(self.forged());
        }
        Form::read(&self.headers, self.origin.address, body, self.app.bodies()).await.map_err(|status| {
            match status {
                StatusCode::SERVICE_UNAVAILABLE => {
                    let lines = &["The server is busy. Try again in a moment."];
                    waiting(
                        self.message(status, "Temporarily unavailable", lines, None),
                        Some(Duration::from_secs(1)),
                    )
                    .into()
                }
                status => told(status, "A field was sent twice, is not text, or is too long."),
            }
        })
    }

    /// Reads a form with the request token of this cookie (CSRF protection).
    pub(super) async fn own_form(&self, body: Body) -> Result<Form, EarlyResponse> {
        let form = self.form(body).await?;
        if self.is_new || !self.app.request_tokens().knows(&self.cookie, form.text("requesttoken")) {
            return Err(self.forged());
        }
        Ok(form)
    }

    fn forged(&self) -> EarlyResponse {
        let lines = &[
            "The page was open for too long, the form came from another site, or your browser blocks cookies. \
                       Nothing was changed.",
        ];
        let link = Some(("Start over", self.url_for("/settings")));
        self.message(StatusCode::FORBIDDEN, "This page has expired", lines, link).into()
    }

    /// The path to continue to after signing in, from an untrusted field.
    pub(super) fn next<'a>(&self, wanted: Option<&'a str>) -> Option<&'a str> {
        wanted.and_then(next)
    }

    /// The same, or an address on a host for which a proxy asks, and then its origin too.
    pub(super) fn next_on_any_host<'a>(&self, wanted: Option<&'a str>) -> Option<(&'a str, Option<&'a str>)> {
        let wanted = wanted?;
        let origin = allowed_origin(&self.app.settings(), wanted);
        (origin.is_some() || next(wanted).is_some()).then_some((wanted, origin))
    }

    /// A page with a form: a new visitor gets the cookie that it belongs to.
    pub(super) fn form_page(&self, status: StatusCode, template: &impl askama::Template) -> Response<Body> {
        self.with_cookie(page(status, template))
    }

    /// With the cookie, where the browser does not have it yet.
    pub(super) fn with_cookie(&self, mut response: Response<Body>) -> Response<Body> {
        if (self.is_new || self.is_renewed)
            && let Some(cookie) = self.kind.set(&self.cookie)
        {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    /// The session has a new token, and the cookie before it is worth nothing any more.
    pub(super) fn renew_cookie(&mut self, token: &Token) {
        self.cookie = Zeroizing::new(token.expose().to_owned());
        self.is_renewed = true;
    }

    /// A page that only tells something.
    pub(super) fn message(
        &self,
        status: StatusCode,
        title: &str,
        lines: &[&str],
        link: Option<(&str, String)>,
    ) -> Response<Body> {
        page(status, &Message { frame: self.frame(), title, lines, link })
    }

    /// To another page.
    pub(super) fn redirect(&self, to: &str) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let Ok(to) = HeaderValue::from_str(to) else {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "not found");
        };
        response.headers_mut().insert(LOCATION, to);
        response
    }

    /// With a new cookie. The one before it, which others may have seen or even chosen, is worth nothing any more.
    pub(super) fn with_session(&self, mut response: Response<Body>, token: &Token) -> Response<Body> {
        if let Some(cookie) = self.kind.set(token.expose()) {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    /// Clears the session cookie.
    pub(super) fn without_session(&self, mut response: Response<Body>) -> Response<Body> {
        if let Some(cookie) = self.kind.clear() {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    /// The page for a failure of the store.
    pub(super) fn failed(&self, error: &AccountsError) -> EarlyResponse {
        // The session has ended while the request was on its way.
        if *error == AccountsError::SignInEnded {
            return self.sign_in_first();
        }
        let (status, title) = if error.is_transient() {
            tracing::warn!(%error, "the store cannot be asked");
            (StatusCode::SERVICE_UNAVAILABLE, "Temporarily unavailable")
        } else {
            tracing::error!(%error, "the store failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong")
        };
        let lines = &["The accounts are unavailable. Try again later."];
        waiting(self.message(status, title, lines, None), None).into()
    }
}

/// Adds `Retry-After`.
pub(super) fn waiting(mut response: Response<Body>, wait: Option<Duration>) -> Response<Body> {
    if let Some(wait) = wait {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds(wait)));
    }
    response
}

/// Whole seconds to wait, at least one.
pub(super) fn seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0).max(u64::from(wait.is_zero()))
}
