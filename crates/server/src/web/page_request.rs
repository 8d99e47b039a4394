//! A request for a page: session cookie, client address, and CSRF checks.

use std::sync::OnceLock;
use std::time::Duration;

use accounts::{AccountsError, ActingAccounts, Token};
use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, Uri};
use axum::response::IntoResponse;
use fluent_bundle::FluentValue;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use super::form::Form;
use super::language::PageLanguage;
use super::program_response::{message, unusable, waiting};
use super::redirect::{allowed_origin, next};
use super::templates::{Frame, Message, page};
use crate::auth::client_address::Origin;
use crate::auth::cookie::Cookie;
use crate::auth::proof::ActiveSession;
use crate::auth::session::{Browser, SessionCookie};
use crate::openapi::url_for_caller;
use crate::problem::{plaintext, problem};
use crate::provisioning::params::{ParamError, Params};
use crate::request_body::{Charge, Sender};
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
    /// How long the browser keeps that cookie; until it is closed, if unset.
    cookie_life: Option<Duration>,
    /// The language that a signed-in user chose.
    chosen: OnceLock<PageLanguage>,
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
            cookie_life: None,
            chosen: OnceLock::new(),
        };
        if !origin.private && !app.settings().allow_plaintext {
            return Err(request.https_required().into());
        }
        Ok(request)
    }
}

impl PageRequest {
    /// The page frame for visitors.
    pub(super) fn frame(&self) -> Frame<'_> {
        Frame::new(&self.app, self.language(), None)
    }

    /// The page frame for a signed-in user.
    pub(super) fn own_frame(&self) -> Frame<'_> {
        Frame::new(&self.app, self.language(), Some(self.csrf_token()))
    }

    /// The language of the page: the user's, or else the browser's, or else the default.
    pub(super) fn language(&self) -> PageLanguage {
        let found = self.chosen.get().copied().or_else(|| PageLanguage::of_headers(&self.headers));
        found.or_else(|| PageLanguage::of_tag(&self.app.settings().default_language)).unwrap_or_default()
    }

    /// A text in that language.
    pub(super) fn t(&self, id: &str) -> String {
        self.language().text(id)
    }

    /// A text with values.
    pub(super) fn t_with(&self, id: &str, values: &[(&'static str, FluentValue<'_>)]) -> String {
        self.language().text_with(id, values)
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
    pub(super) fn query_value(&self, name: &str) -> Option<String> {
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
        let session = self.app.session(&self.cookie).await.map_err(|error| self.failed(&error))?;
        let chosen = session.as_ref().and_then(|session| session.user().language.as_deref());
        if let Some(language) = chosen.and_then(PageLanguage::of_tag) {
            let _ = self.chosen.set(language);
        }
        Ok(session)
    }

    /// The signed-in user; others are sent to the login page and back.
    pub(super) async fn require_session(&self) -> Result<ActiveSession, EarlyResponse> {
        self.session().await?.ok_or_else(|| self.sign_in_first())
    }

    /// To the login page and back.
    fn sign_in_first(&self) -> EarlyResponse {
        self.sign_in_first_for("/settings")
    }

    /// To the login page, and then to this path.
    pub(super) fn sign_in_first_for(&self, path: &str) -> EarlyResponse {
        let next = self.url_for(path);
        // As it stands, unless it has characters that would end the field.
        let next = match next.contains(['?', '&', '%', '#', '+']) {
            true => utf8_percent_encode(&next, NON_ALPHANUMERIC).to_string(),
            false => next,
        };
        self.redirect(&(self.url_for("/login?redirect_url=") + &next)).into()
    }

    /// The path and the query of the request.
    pub(super) fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", |found| found.as_str())
    }

    /// The address of the server, as this client knows it.
    pub(super) fn server_url(&self) -> String {
        url_for_caller(&self.app.settings(), &self.headers, self.origin.encrypted)
    }

    /// The path of the request, as it came.
    pub(super) fn path(&self) -> &str {
        self.uri.path()
    }

    /// Whether a script sent this, not a form: the request token is in a header.
    pub(super) fn is_from_program(&self) -> bool {
        self.headers.contains_key("requesttoken")
    }

    /// Reads the fields of a form or JSON body that a script in one of our pages sent.
    pub(super) async fn own_params(&self, body: Body) -> Result<(Params, Charge), EarlyResponse> {
        if self.is_new || !self.app.request_tokens().is_satisfied(&self.headers, &self.cookie) {
            return Err(message(StatusCode::PRECONDITION_FAILED, "CSRF check failed").into());
        }
        self.params(body).await
    }

    /// Reads the fields of a form or JSON body that a program sent.
    pub(super) async fn params(&self, body: Body) -> Result<(Params, Charge), EarlyResponse> {
        let read = async {
            let bodies = self.app.bodies();
            let (body, charge) = bodies.read(Sender::Anonymous, self.origin.address, body).await?;
            let kind = self.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
            Ok((Params::of_body(kind, body).await?, charge))
        };
        read.await.map_err(|error: ParamError| unusable(&error).into())
    }

    /// Reads a form without a request token.
    ///
    /// Refuses forms that another site makes a browser send.
    pub(super) async fn form(&self, body: Body) -> Result<Form, EarlyResponse> {
        // Browsers send it to protect users; programs do not.
        let site = self.headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
        if !matches!(site, None | Some(b"same-origin" | b"none")) {
            return Err(self.forged());
        }
        Form::read(&self.headers, self.origin.address, body, self.app.bodies()).await.map_err(|status| {
            match status {
                StatusCode::SERVICE_UNAVAILABLE => {
                    let page =
                        self.message(status, &self.t("temporarily-unavailable"), &[&self.t("busy")], None);
                    waiting(page, Some(Duration::from_secs(1))).into()
                }
                status => self
                    .message(status, &self.t("invalid-form"), &[&self.t("invalid-form-text")], None)
                    .into(),
            }
        })
    }

    /// Reads a form of the signed-in user that one of our pages made (CSRF protection).
    ///
    /// It has the request token of this cookie. If the cookie was renewed in another tab meanwhile,
    /// the browser must report that the form is same-origin, and the form must have been made for
    /// the user who is signed in.
    pub(super) async fn own_form(&self, body: Body) -> Result<Form, EarlyResponse> {
        let form = self.form(body).await?;
        if self.has_request_token(&form) {
            return Ok(form);
        }
        if let Some(owner) = form.get("for")
            && self.is_same_origin()
            && self.session().await?.is_some_and(|session| session.user().id.as_str() == owner)
        {
            return Ok(form);
        }
        Err(self.forged())
    }

    /// Reads a visitor's form.
    ///
    /// The flag is true if one of our pages made the form for this browser (CSRF protection).
    pub(super) async fn visitor_form(&self, body: Body) -> Result<(Form, bool), EarlyResponse> {
        let form = self.form(body).await?;
        let is_ours = self.has_request_token(&form)
            || (!self.is_new && self.is_same_origin() && form.get("for") == Some(""));
        Ok((form, is_ours))
    }

    fn has_request_token(&self, form: &Form) -> bool {
        !self.is_new && self.app.request_tokens().knows(&self.cookie, form.text("requesttoken"))
    }

    /// Whether the browser reports a same-origin request (Fetch Metadata).
    ///
    /// No page can make it say so.
    fn is_same_origin(&self) -> bool {
        self.headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin")
    }

    fn forged(&self) -> EarlyResponse {
        let link = Some((self.t("start-over"), self.url_for("/settings")));
        let (title, line) = (self.t("expired-title"), self.t("expired-text"));
        self.message(StatusCode::FORBIDDEN, &title, &[&line], link).into()
    }

    /// The page that replaces forms over plain HTTP from other machines.
    ///
    /// It links to the encrypted site.
    fn https_required(&self) -> Response<Body> {
        let title = self.t("https-title");
        if self.origin.unnamed_proxy {
            return self.message(StatusCode::FORBIDDEN, &title, &[plaintext(&self.origin)], None);
        }
        let url = self.app.settings().public_url();
        let link = url.starts_with("https://").then(|| (self.t("https-link"), format!("{url}/login")));
        self.message(StatusCode::FORBIDDEN, &title, &[&self.t("https-text")], link)
    }

    /// There is no such page.
    pub(super) fn missing(&self) -> Response<Body> {
        let (title, line) = (self.t("not-found"), self.t("not-found-text"));
        self.message(StatusCode::NOT_FOUND, &title, &[&line], Some(self.account_link()))
    }

    /// The link to the user's own page.
    pub(super) fn account_link(&self) -> (String, String) {
        (self.t("go-to-account"), self.url_for("/settings"))
    }

    /// What was typed as a name, if a page may show it again.
    pub(super) fn shown_name<'f>(&self, form: &'f Form) -> &'f str {
        let name = form.text("user");
        if name.len() <= 255 && !name.contains(char::is_control) { name } else { "" }
    }

    /// Keeps a secret for the page that shows it.
    pub(super) async fn keep_shown(&self, secret: &impl serde::Serialize) -> Result<bool, EarlyResponse> {
        self.app.keep_shown(&self.cookie, secret).await.map_err(|error| self.failed(&error))
    }

    /// The secret that was kept for this page.
    pub(super) async fn shown<T: serde::de::DeserializeOwned>(&self) -> Result<Option<T>, EarlyResponse> {
        self.app.shown(&self.cookie).await.map_err(|error| self.failed(&error))
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
            && let Some(cookie) = self.kind.set(&self.cookie, self.cookie_life)
        {
            response.headers_mut().insert(SET_COOKIE, cookie);
        }
        response
    }

    /// With the cookie of a session that was renewed in this request, whatever else went wrong.
    fn with_renewed_cookie(&self, response: Response<Body>) -> Response<Body> {
        if self.is_renewed { self.with_cookie(response) } else { response }
    }

    /// The session has a new token.
    ///
    /// The cookie before it, which others may have seen or even chosen, is worth nothing any more.
    /// So every response from here on has the new one.
    pub(super) fn renew_cookie(&mut self, new: &SessionCookie) {
        self.cookie_life = new.life;
        self.cookie = Zeroizing::new(new.token.expose().to_owned());
        self.is_renewed = true;
    }

    /// A page with a message only.
    pub(super) fn message(
        &self,
        status: StatusCode,
        title: &str,
        lines: &[&str],
        link: Option<(String, String)>,
    ) -> Response<Body> {
        self.with_renewed_cookie(page(status, &Message { frame: self.frame(), title, lines, link }))
    }

    /// To another page.
    pub(super) fn redirect(&self, to: &str) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::SEE_OTHER;
        let Ok(to) = HeaderValue::from_str(to) else {
            return problem(StatusCode::INTERNAL_SERVER_ERROR, "not found");
        };
        response.headers_mut().insert(LOCATION, to);
        self.with_renewed_cookie(response)
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
            (StatusCode::SERVICE_UNAVAILABLE, "temporarily-unavailable")
        } else {
            tracing::error!(%error, "the store failed");
            (StatusCode::INTERNAL_SERVER_ERROR, "went-wrong")
        };
        let line = self.t("accounts-unavailable");
        self.message(status, &self.t(title), &[&line], None).into()
    }
}
