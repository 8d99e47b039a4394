//! Templates of the pages.
//!
//! The texts are in `templates/`, where everything that comes from elsewhere is escaped.

use std::borrow::Borrow;
use std::sync::Arc;

use accounts::LostPassword;
use askama::Template;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY, X_FRAME_OPTIONS};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};
use zeroize::Zeroizing;

use super::form::Form;
use super::format::ShownTime;
use super::language::PageLanguage;
use crate::gzip;
use crate::page_assets::{LOGO, PageAssets};
use crate::problem::{not_found, problem};
use crate::state::AppState;

/// Content security policy: own stylesheet, script, images and forms; no framing.
const POLICY: &str = "default-src 'none';style-src 'self';img-src 'self';script-src 'self';form-action 'self';base-uri 'none';\
                      frame-ancestors 'none'";

/// Allows the form of a page to lead to another origin.
///
/// Browsers apply `form-action` to redirects too.
pub(super) fn allow_form_action(response: &mut Response<Body>, origin: &str) {
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// The frame of every page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Name of the product.
    pub(super) product: &'a str,
    /// The prefix of every path.
    pub(super) base: String,
    pub(super) assets: Arc<PageAssets>,
    pub(super) language: PageLanguage,
    /// For scripts of other programs; ours does without.
    pub(super) request_token: Option<String>,
    pub(super) notice: Option<Notice>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(app: &'a AppState, language: PageLanguage, request_token: Option<String>) -> Self {
        let base = app.settings().public_path();
        let (product, assets) = (app.product(), app.page_assets());
        Self { product, base, assets, language, request_token, notice: None }
    }

    pub(super) fn with_notice(mut self, notice: Option<Notice>) -> Self {
        self.notice = notice;
        self
    }

    /// A text in the reader's language.
    pub(super) fn t(&self, id: &str) -> String {
        self.language.text(id)
    }

    /// A text with one value.
    pub(super) fn t1(&self, id: &str, name: &'static str, value: impl std::fmt::Display) -> String {
        self.language.text_with(id, &[(name, value.to_string().into())])
    }

    /// One of two texts.
    pub(super) fn either(&self, is: impl Borrow<bool>, yes: &str, no: &str) -> String {
        self.t(if *is.borrow() { yes } else { no })
    }

    /// A text with a number.
    pub(super) fn count(&self, id: &str, n: impl Borrow<usize>) -> String {
        self.language.text_with(id, &[("n", (*n.borrow()).into())])
    }

    /// What the page of a new service token says about it.
    pub(super) fn token_text(&self, name: impl std::fmt::Display, scopes: impl std::fmt::Display) -> String {
        let values = [("name", name.to_string().into()), ("scopes", scopes.to_string().into())];
        self.language.text_with("token-service-text", &values)
    }

    /// The links at the foot of the page.
    pub(super) fn links(&self) -> Vec<(String, &str)> {
        let settings = &self.assets.settings;
        let links = [
            ("imprint", &settings.imprint_url),
            ("privacy", &settings.privacy_url),
            ("help", &settings.help_url),
        ];
        links.into_iter().filter_map(|(id, link)| Some((self.t(id), link.as_deref()?))).collect()
    }

    pub(super) fn code(&self) -> &'static str {
        self.language.code()
    }

    pub(super) fn is_error(&self) -> bool {
        self.notice.as_ref().is_some_and(|notice| notice.kind == "bad")
    }

    /// The notice about no field, which stands at the top.
    pub(super) fn top_notice(&self) -> Option<&Notice> {
        self.notice.as_ref().filter(|notice| notice.field.is_none())
    }

    /// The notice about this field.
    pub(super) fn notice_at(&self, field: impl AsRef<str>) -> Option<&Notice> {
        self.notice.as_ref().filter(|notice| notice.field == Some(field.as_ref()))
    }

    /// Whether this field gets the focus: the one with an error, or else the usual one.
    pub(super) fn focuses(&self, field: impl AsRef<str>, usual: impl Borrow<bool>) -> bool {
        match self.notice.as_ref().and_then(|notice| notice.field) {
            Some(wrong) => wrong == field.as_ref(),
            None => *usual.borrow(),
        }
    }
}

/// A line that says how something went.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    pub(super) kind: &'static str,
    pub(super) text: String,
    /// A question, and where it leads.
    pub(super) link: Option<(String, String)>,
    /// The id of the field that it is about.
    field: Option<&'static str>,
}

impl Notice {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self { kind: "good", text: text.into(), link: None, field: None }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self { kind: "bad", text: text.into(), link: None, field: None }
    }

    pub(super) fn with_link(mut self, text: String, link: String) -> Self {
        self.link = Some((text, link));
        self
    }

    /// It is about the field with this id.
    pub(super) fn at(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// The text alone.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The ARIA role, for screen readers.
    pub(super) fn role(&self) -> &'static str {
        if self.kind == "bad" { "alert" } else { "status" }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct Login<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    /// The name that was typed.
    pub(super) user: &'a str,
    pub(super) next: Option<&'a str>,
    pub(super) lost: Option<String>,
    /// Whether a mail address signs in instead of a name.
    pub(super) takes_addresses: bool,
    /// For how many days one may stay signed in.
    pub(super) stay: Option<u16>,
    pub(super) stays: bool,
}

#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) user: &'a str,
    pub(super) next: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "login_flow.html")]
pub(super) struct LoginFlowPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) user: &'a str,
    /// What the program calls itself.
    pub(super) client: &'a str,
    pub(super) begun_from: &'a str,
    pub(super) begun: ShownTime,
    /// What an administrator may let the program do.
    pub(super) scopes: Vec<(&'static str, String)>,
    /// Where the form goes.
    pub(super) path: String,
}

#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) title: &'a str,
    pub(super) lines: &'a [&'a str],
    /// A text, and where it leads.
    pub(super) link: Option<(String, String)>,
}

#[derive(Template)]
#[template(path = "lost_password.html")]
pub(super) struct LostPasswordPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    /// What was typed.
    pub(super) user: &'a str,
}

#[derive(Template)]
#[template(path = "reset.html")]
pub(super) struct Reset<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) user: &'a str,
    pub(super) rules: String,
    /// Whether this is the first password.
    pub(super) welcome: bool,
}

#[derive(Template)]
#[template(path = "confirm_address.html")]
pub(super) struct ConfirmAddress<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) user: &'a str,
    pub(super) address: &'a str,
}

#[derive(Template)]
#[template(path = "logout.html")]
pub(super) struct Logout<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) user: &'a str,
}

#[derive(Template)]
#[template(path = "token.html")]
pub(super) struct NewToken<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) name: &'a str,
    pub(super) user: &'a str,
    /// The address of the server.
    pub(super) server: String,
    pub(super) token: &'a str,
    /// The token in groups of characters.
    pub(super) groups: Vec<&'a str>,
    /// The token as a QR code in SVG; for app passwords.
    pub(super) code: Option<String>,
    /// What a service token may do and from where; `None` for the app password of a device.
    pub(super) service: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct Personal<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    /// What was typed into the form that was refused.
    pub(super) typed: Typed<'a>,
    pub(super) called: &'a str,
    pub(super) user: &'a str,
    pub(super) display_name: &'a str,
    /// Whether users choose their display name and address themselves.
    pub(super) may_name: bool,
    pub(super) languages: Vec<ShownLanguage>,
    /// Set for administrators and sub-admins.
    pub(super) role: Option<String>,
    pub(super) email: &'a str,
    pub(super) address: ShownAddress<'a>,
    pub(super) groups: String,
    pub(super) backend: &'a str,
    /// Set for users with an external password.
    pub(super) elsewhere: Option<ExternalPasswordPage<'a>>,
    pub(super) rules: String,
    /// Whether app passwords end when the owner changes the password.
    pub(super) revokes_app_passwords: bool,
    /// The sessions that were seen last, and further ones.
    pub(super) sessions: Vec<ShownSession>,
    pub(super) more_sessions: Vec<ShownSession>,
    /// How many further ones there are, on this page or not.
    pub(super) more_session_count: usize,
    pub(super) session_pages: Pages,
    pub(super) tokens: Vec<ShownToken>,
    pub(super) token_pages: Pages,
    /// The query with which a form about a token comes back to this part of the list.
    pub(super) token_query: String,
    /// The scopes in the form for service tokens, each with what it opens.
    ///
    /// Empty for users who cannot make tokens.
    pub(super) scopes: Vec<(&'static str, String)>,
}

/// The input of a refused form: the last part of its address, and its fields.
#[derive(Clone, Copy, Default)]
pub(super) struct Typed<'a>(pub(super) Option<(&'a str, &'a Form)>);

impl<'a> Typed<'a> {
    /// The text of a field, if this form was refused; empty otherwise.
    pub(super) fn of(&self, form: &str, field: &str) -> &'a str {
        self.field(form, field).unwrap_or_default()
    }

    /// The text of a field, or its usual text.
    pub(super) fn or<'t>(&self, form: &str, field: &str, usual: &'t str) -> &'t str
    where
        'a: 't,
    {
        self.field(form, field).unwrap_or(usual)
    }

    /// Whether a box was ticked.
    pub(super) fn is_ticked(&self, form: &str, field: &str) -> bool {
        self.field(form, field).is_some()
    }

    /// Whether the box of a scope was ticked.
    fn has_scope(&self, scope: &str) -> bool {
        self.field("service-tokens", &format!("scope:{scope}")).is_some()
    }

    fn field(&self, form: &str, field: &str) -> Option<&'a str> {
        let (_, sent) = self.0.filter(|(refused, _)| *refused == form)?;
        sent.get(field)
    }
}

/// A language to choose.
pub(super) struct ShownLanguage {
    pub(super) code: String,
    pub(super) name: String,
    pub(super) chosen: bool,
}

/// The mail address, as its owner sees it.
pub(super) struct ShownAddress<'a> {
    pub(super) text: &'a str,
    pub(super) is_pending: bool,
    /// Another address, which is confirmed.
    pub(super) confirmed: Option<&'a str>,
    pub(super) has_mail: bool,
}

/// Where the user's password is kept.
pub(super) struct ExternalPasswordPage<'a> {
    pub(super) backend: &'a str,
    pub(super) link: Option<String>,
}

/// A session, as its owner sees it.
pub(super) struct ShownSession {
    pub(super) label: String,
    pub(super) browser: String,
    pub(super) address: String,
    pub(super) created: ShownTime,
    pub(super) seen: ShownTime,
    pub(super) own: bool,
    /// The name of the button that ends it.
    pub(super) end: String,
}

/// The ways to the pages before and after one of a list.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
}

/// An app password, as its owner sees it.
pub(super) struct ShownToken {
    pub(super) key: i64,
    pub(super) name: String,
    pub(super) created: ShownTime,
    pub(super) used: Option<ShownTime>,
    /// From which address it was used last.
    pub(super) used_from: Option<String>,
    pub(super) expires: Option<ShownTime>,
    pub(super) wipe: bool,
    /// What a service token may do and from where; `None` for the app password of a device.
    pub(super) service: Option<String>,
}

/// Answers with a page.
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response<Body> {
    // A page may show a new app password.
    let Ok(html) = template.render().map(Zeroizing::new) else {
        return problem(StatusCode::INTERNAL_SERVER_ERROR, "the page could not be written");
    };
    let mut response = Response::new(Body::from(html.as_bytes().to_vec()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("accept-language"));
    response
}

/// `GET /pages/{name}`
pub(super) async fn asset(
    State(app): State<AppState>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    let assets = app.page_assets();
    let Some(asset) = assets.find(&name) else { return not_found() };
    let mut response = gzip::response(&headers, asset.body.clone(), asset.packed.clone());
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=604800"));
    if name == LOGO {
        // An image that is opened directly runs no scripts.
        let policy = HeaderValue::from_static("default-src 'none';style-src 'unsafe-inline';sandbox");
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    response
}

/// The link for lost passwords: the same for every user.
pub(super) fn lost_link(app: &AppState) -> Option<String> {
    match app.resets().settings().lost_password_link() {
        LostPassword::Mail => Some(format!("{}/lostpassword", app.settings().public_path())),
        LostPassword::Elsewhere(url) => Some(url.to_string()),
        LostPassword::Disabled => None,
    }
}

/// The rules for a new password, in one sentence.
pub(super) fn rules(app: &AppState, language: PageLanguage) -> String {
    let Some(policy) = app.known_rules().policy() else { return language.text("rules-none") };
    let rules = policy.rules();
    let mut text = language.text_with("rules-length", &[("n", rules.min_length.into())]);
    let wanted = [
        (rules.enforce_upper_lower_case, "rules-case"),
        (rules.enforce_numeric_characters, "rules-digit"),
        (rules.enforce_special_characters, "rules-special"),
    ];
    for (_, what) in wanted.iter().filter(|(wanted, _)| *wanted) {
        text += ", ";
        text += &language.text(what);
    }
    if rules.enforce_non_common_password {
        text += "; ";
        text += &language.text("rules-common");
    }
    text.push('.');
    text
}

/// An error text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
