//! The backends with their state, and a test sign-in.

use std::time::Duration;

use axum::http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::admin_request::AdminRequest;
use super::templates::{BackendLine, BackendList, TestResult, TestStep};
use crate::web::form::Form;
use crate::web::format::wait;
use crate::web::page_request::PageResult;
use crate::web::templates::{Notice, Typed, sentence};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiBackend {
    id: String,
    name: String,
    local: bool,
    breaker_open: bool,
    trust: String,
    recognises_refusals: bool,
    outage: Option<ApiOutage>,
    last_answer: Option<ApiAnswer>,
}

#[derive(Deserialize)]
struct ApiOutage {
    seconds: u64,
    attempts: u64,
    phase: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ApiAnswer {
    verdict: String,
    seconds_ago: u64,
    milliseconds: u64,
}

/// The answer of the API to a test, with the name that was tried.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ApiResult {
    #[serde(default)]
    name: String,
    outcome: String,
    ended_by: String,
    note: String,
    milliseconds: u64,
    retry_after: u64,
    steps: Vec<ApiStep>,
}

#[derive(Deserialize, Serialize)]
struct ApiStep {
    backend: String,
    verdict: String,
    phase: String,
    milliseconds: u64,
    reason: String,
}

/// `GET /admin/backends`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    page(&admin, StatusCode::OK, None, None, None).await
}

/// `POST /admin/backends/test`
///
/// Another page shows the result, so loading that again tries nothing again.
pub(super) async fn test(mut admin: AdminRequest, sent: Form) -> PageResult {
    let name = sent.text("name").trim().to_owned();
    // What asks for the password does not repeat the one that is tried; it comes back as this.
    let password = zeroize::Zeroizing::new(sent.text("password").to_owned());
    let fields = [("name", name.as_str()), ("password", &password), ("backend", sent.text("backend"))];
    match admin.act(&sent, Method::POST, "/cloud/server/backends/test", &fields).await? {
        Ok(answer) => {
            let mut result: ApiResult = admin.decoded(&answer.into_parts().0)?;
            result.name = name;
            if admin.request.keep_shown(&result).await? {
                let next = admin.request.url_for("/admin/backends/test");
                return Ok(admin.request.with_cookie(admin.request.redirect(&next)));
            }
            page(&admin, StatusCode::OK, None, None, Some(result)).await
        }
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent), None).await
        }
    }
}

/// `GET /admin/backends/test`
pub(super) async fn result(admin: AdminRequest, _: Form) -> PageResult {
    match admin.request.shown::<ApiResult>().await? {
        Some(result) => page(&admin, StatusCode::OK, None, None, Some(result)).await,
        None => Ok(admin.request.redirect(&admin.request.url_for("/admin/backends"))),
    }
}

async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
    result: Option<ApiResult>,
) -> PageResult {
    let (backends, _) = admin.read_list::<ApiBackend>("/cloud/server/backends", "backends", &[]).await?;
    let template = BackendList {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/backends"),
        typed: Typed(sent.map(|sent| ("test", sent))),
        backends: backends.into_iter().map(|backend| line(admin, backend)).collect(),
        result: result.map(|result| shown(admin, result)),
    };
    Ok(admin.request.form_page(status, &template))
}

fn line(admin: &AdminRequest, backend: ApiBackend) -> BackendLine {
    let language = admin.request.language();
    let ago = |seconds: u64| wait(language, Duration::from_secs(seconds));
    let state = match () {
        () if backend.trust == "distrusted" => ("admin-backend-distrusted", false),
        () if backend.breaker_open => ("admin-backend-breaker", false),
        () if backend.outage.is_some() => ("admin-backend-outage", false),
        () if !backend.recognises_refusals => ("admin-backend-unrecognised", false),
        () if backend.last_answer.is_none() => ("admin-backend-untried", true),
        () => ("admin-backend-answers", true),
    };
    let mut lines = Vec::new();
    if let Some(outage) = &backend.outage {
        let values = [
            ("time", ago(outage.seconds).into()),
            ("n", outage.attempts.into()),
            ("phase", outage.phase.as_str().into()),
        ];
        lines.push(admin.request.t_with("admin-backend-outage-text", &values));
        lines.push(sentence(&outage.reason));
    }
    if let Some(last) = &backend.last_answer {
        let values = [
            ("time", ago(last.seconds_ago).into()),
            ("verdict", verdict(admin, &last.verdict).into()),
            ("ms", last.milliseconds.into()),
        ];
        lines.push(admin.request.t_with("admin-backend-last", &values));
    }
    if !backend.local {
        let text = match backend.trust.as_str() {
            "proven" => "admin-backend-proven",
            "distrusted" => "admin-backend-distrusted-text",
            _ => "admin-backend-unproven",
        };
        lines.push(admin.t(text));
    }
    if !backend.recognises_refusals {
        lines.push(admin.t("admin-backend-unrecognised-text"));
    }
    BackendLine {
        name: if backend.local { admin.t("this-server") } else { backend.name },
        id: backend.id,
        state: (admin.t(state.0), state.1),
        lines,
    }
}

/// The answer of a backend in words.
fn verdict(admin: &AdminRequest, word: &str) -> String {
    admin.t(match word {
        "accepted" => "admin-verdict-accepted",
        "rejected" => "admin-verdict-rejected",
        "not_mine" => "admin-verdict-not-mine",
        "misconfigured" => "admin-verdict-misconfigured",
        "protocol" => "admin-verdict-protocol",
        "skipped" => "admin-verdict-skipped",
        _ => "admin-verdict-unavailable",
    })
}

fn shown(admin: &AdminRequest, result: ApiResult) -> TestResult {
    let outcome = match result.outcome.as_str() {
        "authenticated" => "admin-test-authenticated",
        "refused" => "admin-test-refused",
        "throttled" => "admin-test-throttled",
        _ => "admin-test-unavailable",
    };
    let rule = result.ended_by.replace('_', " ");
    let mut rule =
        admin.request.t_with("admin-test-rule", &[("rule", rule.into()), ("ms", result.milliseconds.into())]);
    if !result.note.is_empty() {
        rule = format!("{rule} {}", sentence(&result.note));
    }
    if result.retry_after > 0 {
        let time = wait(admin.request.language(), Duration::from_secs(result.retry_after));
        rule = format!("{rule} {}", admin.request.t_with("admin-test-again", &[("time", time.into())]));
    }
    let step = |step: ApiStep| TestStep {
        verdict: verdict(admin, &step.verdict),
        kind: match step.verdict.as_str() {
            "accepted" => "good",
            "not_mine" | "skipped" => "",
            _ => "bad",
        },
        ms: admin.request.t_with("admin-ms", &[("n", step.milliseconds.into())]),
        reason: [step.phase, step.reason]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join(": "),
        backend: step.backend,
    };
    TestResult {
        is_good: result.outcome == "authenticated",
        outcome: admin.request.t_with(outcome, &[("name", result.name.as_str().into())]),
        rule,
        steps: result.steps.into_iter().map(step).collect(),
    }
}
