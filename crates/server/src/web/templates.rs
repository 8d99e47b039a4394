//! Templates of the pages. The texts are in `templates/`, where everything that comes from elsewhere is escaped.

use std::fmt::Write as _;
use std::sync::LazyLock;

use accounts::LostPassword;
use askama::Template;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_FRAME_OPTIONS};
use axum::http::{HeaderValue, Response, StatusCode};
use zeroize::Zeroizing;

use super::format::DateTimeDisplay;
use crate::problem::problem;
use crate::state::AppState;

const STYLE: &str = include_str!("../../templates/style.css");
const ICON: &str = include_str!("../../templates/icon.svg");

/// Content security policy: our own stylesheet, icon and forms only, and no framing.
const POLICY: &str = "default-src 'none';style-src 'self';img-src 'self';form-action 'self';base-uri 'none';frame-ancestors 'none'";

/// Lets the form of a page lead to another origin too: browsers apply `form-action` to redirects.
pub(super) fn allow_form_action(response: &mut Response<Body>, origin: &str) {
    let policy = POLICY.replace("form-action 'self'", &format!("form-action 'self' {origin}"));
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, policy);
    }
}

/// Changes with the stylesheet, so that browsers may keep it as long as they like.
static STYLE_VERSION: LazyLock<String> =
    LazyLock::new(|| blake3::hash(STYLE.as_bytes()).to_hex().chars().take(12).collect());

/// The frame of every page.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    /// Name of the product.
    product: &'a str,
    /// The prefix of every path.
    base: String,
    style: &'static str,
    /// For scripts of other programs; our pages have none.
    request_token: Option<String>,
}

impl<'a> Frame<'a> {
    pub(super) fn new(app: &'a AppState, request_token: Option<String>) -> Self {
        let settings = app.settings();
        Self { product: app.product(), base: settings.public_path(), style: &STYLE_VERSION, request_token }
    }
}

/// A line that says how something went.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    kind: &'static str,
    text: String,
    link: Option<String>,
}

impl Notice {
    pub(super) fn good(text: impl Into<String>) -> Self {
        Self { kind: "good", text: text.into(), link: None }
    }

    pub(super) fn bad(text: impl Into<String>) -> Self {
        Self { kind: "bad", text: text.into(), link: None }
    }

    pub(super) fn with_link(mut self, link: Option<String>) -> Self {
        self.link = link;
        self
    }

    /// The text alone.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The ARIA role, for screen readers.
    fn role(&self) -> &'static str {
        if self.kind == "bad" { "alert" } else { "status" }
    }
}

#[derive(Template)]
#[template(path = "login.html")]
pub(super) struct Login<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) notice: Option<Notice>,
    pub(super) next: Option<&'a str>,
    pub(super) lost: Option<String>,
    /// Whether a mail address signs in instead of a name.
    pub(super) takes_addresses: bool,
}

#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct Confirm<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) notice: Option<Notice>,
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
    pub(super) begun: DateTimeDisplay,
    /// Where the form goes.
    pub(super) path: String,
}

#[derive(Template)]
#[template(path = "message.html")]
pub(super) struct Message<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) title: &'a str,
    pub(super) lines: &'a [&'a str],
    pub(super) link: Option<(&'a str, String)>,
}

#[derive(Template)]
#[template(path = "lost.html")]
pub(super) struct LostPasswordPage<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "reset.html")]
pub(super) struct Reset<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) notice: Option<Notice>,
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
    pub(super) token: &'a str,
    /// What a service token may do and from where; `None` for the app password of a device.
    pub(super) service: Option<String>,
}

#[derive(Template)]
#[template(path = "settings.html")]
pub(super) struct Personal<'a> {
    pub(super) frame: Frame<'a>,
    pub(super) csrf_token: String,
    pub(super) notice: Option<Notice>,
    pub(super) called: &'a str,
    pub(super) user: &'a str,
    pub(super) email: &'a str,
    pub(super) address: ShownAddress<'a>,
    pub(super) groups: String,
    pub(super) backend: &'a str,
    /// Set for users with an external password.
    pub(super) elsewhere: Option<ExternalPasswordPage<'a>>,
    pub(super) rules: String,
    /// Whether app passwords end when the owner changes the password.
    pub(super) revokes_app_passwords: bool,
    pub(super) sessions: Vec<ShownSession>,
    pub(super) tokens: Vec<ShownToken>,
    /// The scopes of the form that makes a service token, with what each opens; empty for who cannot make one.
    pub(super) scopes: Vec<(&'static str, &'static str)>,
}

/// The mail address, as its owner sees it.
pub(super) struct ShownAddress<'a> {
    pub(super) text: &'a str,
    pub(super) is_pending: bool,
    /// Another address, which is confirmed.
    pub(super) confirmed: Option<&'a str>,
    pub(super) may_change: bool,
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
    pub(super) created: DateTimeDisplay,
    pub(super) seen: DateTimeDisplay,
    pub(super) own: bool,
}

/// An app password, as its owner sees it.
pub(super) struct ShownToken {
    pub(super) key: i64,
    pub(super) name: String,
    pub(super) created: DateTimeDisplay,
    pub(super) used: Option<DateTimeDisplay>,
    /// From which address it was used last.
    pub(super) used_from: Option<String>,
    pub(super) expires: Option<DateTimeDisplay>,
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
    response
}

/// `GET /pages/style.css`
pub(super) async fn style() -> Response<Body> {
    asset("text/css; charset=utf-8", STYLE)
}

/// `GET /pages/icon.svg`
pub(super) async fn icon() -> Response<Body> {
    asset("image/svg+xml", ICON)
}

fn asset(kind: &'static str, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(text));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=604800"));
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
pub(super) fn rules(app: &AppState) -> String {
    let Some(policy) = app.known_rules().policy() else { return "No rules apply.".to_owned() };
    let rules = policy.rules();
    let mut text = format!("At least {} characters", rules.min_length);
    let wanted = [
        (rules.enforce_upper_lower_case, "upper and lower case letters"),
        (rules.enforce_numeric_characters, "a digit"),
        (rules.enforce_special_characters, "a special character"),
    ];
    for (_, what) in wanted.iter().filter(|(wanted, _)| *wanted) {
        // Writing into a text does not fail.
        let _ = write!(text, ", {what}");
    }
    if rules.enforce_non_common_password {
        text.push_str("; not a commonly used password");
    }
    text.push('.');
    text
}

/// An error text as a sentence.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), letters.as_str()))
}
