//! Login flow version 2: a device signs in through a browser.
//!
//! Desktop and phone clients of the PHP system use it.
//!
//! The device begins a flow and opens a page in the browser. The user signs in there, sees which
//! program asks and from where, and agrees; the device, which has been asking all the time, gets an
//! app password of its own. The device never sees the password of its owner.
//!
//! # Security
//! Anyone can begin a flow and send its page to someone else. So nothing is granted without a click
//! on a page that says so, with the name and the address of the program, in a session whose owner
//! typed the password in the last 15 minutes. An administrator may choose scopes there; the program
//! then gets a service token with them instead.

use accounts::{AccountsError, Actor, LOGIN_FLOW_PATH, LoginFlow, LoginFlowDenial, TokenHash, TokenScopes};
use axum::body::Body;
use axum::http::header::USER_AGENT;
use axum::http::{HeaderMap, Response, StatusCode};

use super::account::scopes;
use super::format::ShownTime;
use super::page_request::{EarlyResponse, PageRequest, PageResult};
use super::program_response::{json, message, unusable, waiting};
use super::service_tokens::chosen_scopes;
use super::templates::LoginFlowPage;
use crate::auth::proof::ActiveSession;
use crate::auth::token_shape::is_token_shaped;

/// `POST /login/v2`: a device begins.
pub(super) async fn begin(request: PageRequest, headers: HeaderMap) -> PageResult {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let flows = request.app.accounts().as_system();
    let begun = match flows.login_flows().begin(agent, request.origin.address).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(denial)) => {
            let (status, text, wait) = match denial {
                LoginFlowDenial::Full(wait) => {
                    (StatusCode::SERVICE_UNAVAILABLE, "Too many devices wait to be signed in", wait)
                }
                LoginFlowDenial::Source(wait) => {
                    let text = "Too many devices were signed in from your address";
                    (StatusCode::TOO_MANY_REQUESTS, text, wait)
                }
            };
            return Ok(waiting(message(status, text), Some(wait)));
        }
        Err(error) => return Err(request.failed(&error)),
    };
    let url = request.server_url();
    let answer = serde_json::json!({
        "poll": { "token": begun.poll.expose(), "endpoint": format!("{url}/login/v2/poll") },
        "login": format!("{url}/{LOGIN_FLOW_PATH}{}", begun.page.expose()),
    });
    Ok(json(StatusCode::OK, &answer))
}

/// `POST /login/v2/poll`: the device asks whether its owner has agreed.
pub(super) async fn poll(request: PageRequest, body: Body) -> PageResult {
    let (params, charge) = request.params(body).await?;
    let token = params.text("token").map_err(|error| unusable(&error))?.unwrap_or_default();
    let token = is_token_shaped(token).then(|| TokenHash::of(token));
    drop((params, charge));
    let Some(token) = token else { return Ok(not_yet()) };
    let accounts = request.app.accounts();
    let failed = |error: AccountsError| request.failed(&error);
    let Some(user) = accounts.login_flows().granted_by(&token).await.map_err(failed)? else {
        return Ok(not_yet());
    };
    let actor = Actor::user(user.id.as_str(), Some(request.origin.address));
    match accounts.on_behalf_of(actor).login_flows().redeem(&user.id, &token).await {
        Ok((password, _)) => {
            let answer = serde_json::json!({
                "server": request.server_url(),
                "loginName": user.id.as_str(),
                "appPassword": password.expose(),
            });
            Ok(json(StatusCode::OK, &answer))
        }
        // Another request was faster, or the grant has ended.
        Err(AccountsError::NotFound { .. }) => Ok(not_yet()),
        Err(error @ (AccountsError::Invalid { .. } | AccountsError::Forbidden { .. })) => {
            tracing::warn!(user = ?user.id, %error, "a device was not given its app password");
            Ok(not_yet())
        }
        Err(error) => Err(failed(error)),
    }
}

/// `GET /login/v2/flow/{token}`: the page on which the user agrees.
pub(super) async fn show(request: PageRequest) -> PageResult {
    let session = confirmed(&request).await?;
    if request.query_value("done").is_some() {
        return Ok(message_page(&request, StatusCode::OK, "flow-done", &["flow-done-text", "flow-revoke"]));
    }
    let Some(flow) = found(&request).await? else { return Ok(gone(&request)) };
    let (frame, csrf_token) = (request.own_frame(), request.csrf_token());
    let page = LoginFlowPage {
        frame,
        csrf_token,
        user: session.user().id.as_str(),
        client: &flow.client,
        begun_from: &flow.begun_from,
        begun: ShownTime::of(request.language(), flow.begun),
        scopes: if session.standing().is_admin { scopes(request.language()).collect() } else { Vec::new() },
        path: path(&request),
    };
    Ok(request.form_page(StatusCode::OK, &page))
}

/// `POST /login/v2/flow/{token}`
pub(super) async fn grant(request: PageRequest, body: Body) -> PageResult {
    let session = confirmed(&request).await?;
    let sent = request.own_form(body).await?;
    let Some(token) = page_token(&request) else { return Ok(gone(&request)) };
    let chosen: Vec<String> = chosen_scopes(&sent).collect();
    // Without any it is the app password of a device.
    let scopes = if chosen.is_empty() { None } else { TokenScopes::parse(chosen).ok() };
    let accounts = request.accounts_of(&session);
    match accounts.login_flows().grant(&session.user().id, &token, scopes.as_ref()).await {
        Ok(()) => Ok(request.redirect(&format!("{}?done=granted", path(&request)))),
        Err(AccountsError::NotFound { .. }) => Ok(gone(&request)),
        Err(AccountsError::Forbidden { .. }) => {
            Ok(message_page(&request, StatusCode::FORBIDDEN, "service-title", &["only-admins"]))
        }
        Err(AccountsError::Invalid { .. }) => {
            let status = StatusCode::UNPROCESSABLE_ENTITY;
            Ok(message_page(&request, status, "flow-full", &["flow-full-text"]))
        }
        Err(error) => Err(request.failed(&error)),
    }
}

/// The session, if its owner typed the password a short while ago.
///
/// Others are redirected to a page where they type it, and back.
async fn confirmed(request: &PageRequest) -> Result<ActiveSession, EarlyResponse> {
    let page = match request.session().await? {
        Some(session) if session.is_confirmed() && !session.is_stale() => return Ok(session),
        Some(_) => "/login/confirm",
        None => "/login",
    };
    let to = format!("{}?redirect_url={}", request.url_for(page), path(request));
    Err(request.redirect(&to).into())
}

/// The path of this page.
///
/// The token in it is of letters that need no encoding.
fn path(request: &PageRequest) -> String {
    let token = Some(request.last_segment()).filter(|token| is_token_shaped(token)).unwrap_or_default();
    request.url_for(&format!("/{LOGIN_FLOW_PATH}{token}"))
}

fn page_token(request: &PageRequest) -> Option<TokenHash> {
    Some(request.last_segment()).filter(|token| is_token_shaped(token)).map(TokenHash::of)
}

/// The flow of this page, as long as no one has agreed.
async fn found(request: &PageRequest) -> Result<Option<LoginFlow>, EarlyResponse> {
    let Some(token) = page_token(request) else { return Ok(None) };
    let flow = request.app.accounts().login_flows().find(&token).await;
    Ok(flow.map_err(|error| request.failed(&error))?.filter(|flow| !flow.is_granted))
}

fn gone(request: &PageRequest) -> Response<Body> {
    message_page(request, StatusCode::NOT_FOUND, "flow-gone", &["flow-gone-text"])
}

/// A page with these texts and a link to the user's own page.
fn message_page(request: &PageRequest, status: StatusCode, title: &str, lines: &[&str]) -> Response<Body> {
    let lines: Vec<_> = lines.iter().map(|line| request.t(line)).collect();
    let lines: Vec<_> = lines.iter().map(String::as_str).collect();
    request.message(status, &request.t(title), &lines, Some(request.account_link()))
}

/// As clients know it, as long as no one has agreed, and for a token that is unknown.
fn not_yet() -> Response<Body> {
    json(StatusCode::NOT_FOUND, &serde_json::json!([]))
}
