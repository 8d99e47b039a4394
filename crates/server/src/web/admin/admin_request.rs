//! A request for a page of the administration: who asks, and calls of the API on their behalf.

use accounts::Timestamp;
use axum::body::Body;
use axum::http::{Method, Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::AdminPage;
use super::failure_text;
use super::templates::{AdminConfirm, Menu};
use crate::auth::proof::ActiveSession;
use crate::problem::problem;
use crate::provisioning::call_path::Path;
use crate::provisioning::caller::{Caller, RequiredRole};
use crate::provisioning::envelope::code::{Code, Version};
use crate::provisioning::envelope::data::Data;
use crate::provisioning::envelope::{OcsAnswer, OcsFailure};
use crate::provisioning::params::Params;
use crate::provisioning::routes::{Route, RouteMatch, find, find_among};
use crate::provisioning::serve::serve_page;
use crate::web::form::Form;
use crate::web::format::ShownTime;
use crate::web::page_request::{EarlyResponse, PageRequest};
use crate::web::program_response::waiting;
use crate::web::refusal::refusal;
use crate::web::templates::{Frame, Notice};

/// One look at a page of the administration.
#[derive(Debug)]
pub(super) struct AdminRequest {
    pub(super) request: PageRequest,
    page: &'static AdminPage,
    session: ActiveSession,
    caller: Caller,
    /// The operation that was called last to change something.
    changed_by: &'static str,
}

impl AdminRequest {
    /// Looks who asks, and whether they have the role that the page needs.
    pub(super) async fn begin(page: &'static AdminPage, request: PageRequest) -> Result<Self, EarlyResponse> {
        let Some(session) = request.session().await? else {
            let back = if *page.method == Method::GET { request.path_and_query() } else { "/admin" };
            return Err(request.sign_in_first_for(back));
        };
        let caller = Caller::new(session.clone().accepted());
        if caller.require(page.role, None).is_err() {
            let (title, line) = (request.t("admin-forbidden"), request.t("admin-forbidden-text"));
            let link = Some(request.account_link());
            return Err(request.message(StatusCode::FORBIDDEN, &title, &[&line], link).into());
        }
        Ok(Self { request, page, session, caller, changed_by: "" })
    }

    /// Who asks.
    pub(super) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// A text in the reader's language.
    pub(super) fn t(&self, id: &str) -> String {
        self.request.t(id)
    }

    /// A field of the query; empty if there is none.
    pub(super) fn query_value(&self, name: &str) -> String {
        self.request.query_value(name).unwrap_or_default()
    }

    /// Where the page of a list begins, as the query says.
    pub(super) fn offset(&self) -> u64 {
        self.query_value("offset").parse().unwrap_or_default()
    }

    /// A part of the path, decoded: the id that it names.
    pub(super) fn segment(&self, index: usize) -> String {
        let path = Path::parse(self.request.path());
        path.and_then(|path| path.segments().get(index).cloned()).unwrap_or_default()
    }

    /// Calls an operation of the API.
    ///
    /// # Errors
    /// The answer that says why not.
    async fn call(
        &self,
        method: &Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(&'static str, OcsAnswer), (&'static str, OcsFailure)> {
        // An id that is empty would make the path of another operation.
        let parsed = Path::parse(path).filter(|_| !path.contains("//"));
        // First what the page may call: an id can be a word that another route has in its place.
        let calls = self.page.calls;
        let is_meant = |route: &Route| calls.contains(&route.operation.id);
        let found =
            parsed.as_ref().map_or(RouteMatch::Nothing, |path| match find_among(method, path, is_meant) {
                RouteMatch::Route(route, captures) => RouteMatch::Route(route, captures),
                _ => find(method, path),
            });
        let RouteMatch::Route(route, captures) = found else { return Err(("", OcsFailure::unknown_path())) };
        let id = route.operation.id;
        // So the table says all that a page can do.
        if !self.page.calls.contains(&id) {
            tracing::error!(page = self.page.path, operation = id, "the row of the page does not name this");
            return Err((id, OcsFailure::broken()));
        }
        let params = Params::of_fields(fields).map_err(|error| (id, error.into()))?;
        let (app, origin, agent) = (&self.request.app, self.request.origin, self.request.browser().agent);
        let answer = serve_page(app, &self.caller, origin, &agent, (route, &captures), &params).await;
        answer.map(|answer| (id, answer)).map_err(|failure| (id, failure))
    }

    /// Reads something: its data, and how many there are in all.
    ///
    /// # Errors
    /// The page that says why not.
    pub(super) async fn read(
        &self,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(Data, Option<u64>), EarlyResponse> {
        match self.call(&Method::GET, path, fields).await {
            Ok((_, answer)) => Ok(answer.into_parts()),
            Err((_, failure)) => Err(self.refused(&failure)),
        }
    }

    /// Reads a list: the elements under a name, and how many there are in all.
    ///
    /// # Errors
    /// The page that says why not.
    pub(super) async fn read_list<T: DeserializeOwned>(
        &self,
        path: &str,
        name: &str,
        fields: &[(&str, &str)],
    ) -> Result<(Vec<T>, Option<u64>), EarlyResponse> {
        let (data, total) = self.read(path, fields).await?;
        let elements = match data.get(name) {
            Some(Data::List(elements)) => elements.iter().map(|one| self.decoded(one)).collect(),
            Some(Data::Map(entries)) => entries.iter().map(|(_, one)| self.decoded(one)).collect(),
            _ => Ok(Vec::new()),
        };
        Ok((elements?, total))
    }

    /// The data of an answer as a type.
    pub(super) fn decoded<T: DeserializeOwned>(&self, data: &Data) -> Result<T, EarlyResponse> {
        let decoded = serde_json::to_value(data).and_then(serde_json::from_value);
        decoded.map_err(|error| {
            tracing::error!(%error, page = self.page.path, "an answer of the API is not what the page expects");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written").into()
        })
    }

    /// Changes something.
    ///
    /// Where the API wants a recent password, the password that the form brought confirms the
    /// session.
    ///
    /// # Errors
    /// The page that asks for the password.
    pub(super) async fn act(
        &mut self,
        sent: &Form,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<Result<OcsAnswer, OcsFailure>, EarlyResponse> {
        let mut done = self.call(&method, path, fields).await;
        if done.as_ref().is_err_and(|(_, failure)| failure.is_unconfirmed()) {
            self.confirm(sent).await?;
            done = self.call(&method, path, fields).await;
        }
        Ok(match done {
            Ok((_, answer)) => Ok(answer),
            Err((id, failure)) => {
                self.changed_by = id;
                Err(failure)
            }
        })
    }

    /// Confirms the session with the password in the form, or asks for it.
    async fn confirm(&mut self, sent: &Form) -> Result<(), EarlyResponse> {
        let Some(password) = sent.get("current") else {
            return Err(self.confirm_page(sent, StatusCode::FORBIDDEN, None).into());
        };
        let decided =
            self.request.app.confirm_session(&self.session, password, &self.request.browser()).await;
        match decided.map_err(|error| self.request.failed(&error))? {
            Ok((confirmed, cookie)) => {
                self.request.renew_cookie(&cookie);
                self.caller = Caller::new(confirmed.clone().accepted());
                self.session = confirmed;
                Ok(())
            }
            Err(outcome) => {
                let wrong = || Notice::bad(self.t("wrong-password"));
                let (status, notice, wait) = refusal(&self.request, &outcome, StatusCode::FORBIDDEN, wrong);
                let page = self.confirm_page(sent, status, Some(notice.at("current")));
                Err(waiting(page, wait).into())
            }
        }
    }

    /// The page that asks for the password and sends the same form again.
    ///
    /// A new password for a user is typed again: no page repeats one.
    fn confirm_page(&self, sent: &Form, status: StatusCode, notice: Option<Notice>) -> Response<Body> {
        // The page has these itself: a field that comes twice is refused.
        const OURS: &[&str] = &["requesttoken", "for", "user-name", "current", "password"];
        let template = AdminConfirm {
            frame: self.frame(notice),
            menu: self.menu(""),
            path: self.request.url_for(self.request.path()),
            fields: sent.fields().filter(|(name, _)| !OURS.contains(name)).collect(),
            has_password: !sent.text("password").is_empty(),
        };
        self.request.form_page(status, &template)
    }

    /// The frame of a page.
    pub(super) fn frame(&self, notice: Option<Notice>) -> Frame<'_> {
        self.request.own_frame().with_notice(notice)
    }

    /// The menu, with the page that is shown.
    pub(super) fn menu(&self, shown: &'static str) -> Menu {
        let csrf_token = self.request.csrf_token();
        let may = |role| self.caller.require(role, None).is_ok();
        let tabs = TABS.iter().filter(|(_, _, role)| may(*role));
        Menu {
            csrf_token,
            me: self.session.user().id.as_str().to_owned(),
            is_admin: self.caller.is_admin(),
            tabs: tabs.map(|(path, text, _)| (*path, self.t(text), *path == shown)).collect(),
        }
    }

    /// To the page that says that something was done.
    pub(super) fn done(&self, path: &str, what: &str) -> Response<Body> {
        let page = self.request.redirect(&format!("{}?done={what}", self.request.url_for(path)));
        self.request.with_cookie(page)
    }

    /// What the query says was done.
    pub(super) fn done_notice(&self) -> Option<Notice> {
        let done = self.request.query_value("done")?;
        let (_, text) = DONE.iter().find(|(word, _)| *word == done)?;
        Some(Notice::good(self.t(text)))
    }

    /// What the page says about a change that was refused.
    ///
    /// # Errors
    /// The page for a session that has ended, and for what is unavailable or broken.
    pub(super) fn notice(&self, failure: &OcsFailure) -> Result<(StatusCode, Notice), EarlyResponse> {
        let code = failure.code().at(self.request.app.settings().compat);
        let status = match code {
            Code::UNAUTHORISED | Code::BROKEN => return Err(self.refused(failure)),
            Code::UNAVAILABLE | Code::THROTTLED | Code::FORBIDDEN | Code::ABSENT | Code::NOT_FOUND => {
                code.status(Version::V2)
            }
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let text = failure_text::of(self.request.language(), self.changed_by, code, failure);
        Ok((status, Notice::bad(text)))
    }

    /// The page for what cannot be shown.
    fn refused(&self, failure: &OcsFailure) -> EarlyResponse {
        let code = failure.code();
        let (status, title, text) = match code {
            Code::UNAUTHORISED => return self.request.sign_in_first_for("/admin"),
            Code::FORBIDDEN => (StatusCode::FORBIDDEN, "admin-forbidden", "admin-forbidden-text"),
            Code::UNAVAILABLE => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily-unavailable", "accounts-unavailable")
            }
            Code::BROKEN => (StatusCode::INTERNAL_SERVER_ERROR, "went-wrong", "accounts-unavailable"),
            // It is gone, or its id is one that nothing can have.
            _ => (StatusCode::NOT_FOUND, "not-found", "admin-gone"),
        };
        let link = Some((self.t("admin-back"), self.request.url_for("/admin")));
        let page = self.request.message(status, &self.t(title), &[&self.t(text)], link);
        self.request.with_cookie(page).into()
    }

    /// A moment that the API says in seconds; `None` for never.
    pub(super) fn time(&self, seconds: i64) -> Option<ShownTime> {
        let at = Timestamp::from_millis(seconds.saturating_mul(1000));
        (seconds > 0).then(|| ShownTime::of(self.request.language(), at))
    }
}

/// The pages in the menu: path, text, and who sees it.
///
/// Service tokens are made on the page of one's own account.
const TABS: &[(&str, &str, RequiredRole)] = &[
    ("/admin/users", "admin-users", RequiredRole::SubAdmin),
    ("/admin/groups", "groups", RequiredRole::Admin),
    ("/admin/policy", "admin-policy", RequiredRole::Admin),
    ("/admin/backends", "admin-backends", RequiredRole::Admin),
    ("/admin/brute-force", "admin-brute-force", RequiredRole::Admin),
    ("/admin/pins", "admin-pins", RequiredRole::Admin),
    ("/settings#service", "admin-service-tokens", RequiredRole::Admin),
    ("/admin/audit", "admin-audit", RequiredRole::Admin),
    ("/admin/mail", "admin-mail", RequiredRole::Admin),
    ("/admin/config", "admin-config", RequiredRole::Admin),
];

/// What a query can say was done.
const DONE: &[(&str, &str)] = &[
    ("created", "admin-done-created"),
    ("saved", "admin-done-saved"),
    ("deleted", "admin-done-deleted"),
    ("enabled", "admin-done-enabled"),
    ("disabled", "admin-done-disabled"),
    ("password", "admin-done-password"),
    ("joined", "admin-done-joined"),
    ("left", "admin-done-left"),
    ("promoted", "admin-done-promoted"),
    ("demoted", "admin-done-demoted"),
    ("mailed", "admin-done-mailed"),
    ("ended", "admin-done-ended"),
    ("revoked", "admin-done-revoked"),
    ("wiped", "admin-done-wiped"),
    ("released", "admin-done-released"),
    ("rebound", "admin-done-rebound"),
];

/// A path of these segments, encoded.
pub(super) fn path_of(segments: &[&str]) -> String {
    segments.iter().map(|one| format!("/{}", utf8_percent_encode(one, NON_ALPHANUMERIC))).collect()
}
