//! The queue of mails, and a test mail.

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::AdminRequest;
use super::templates::{MailLine, MailPage};
use crate::web::form::Form;
use crate::web::page_request::PageResult;
use crate::web::paging::part;
use crate::web::templates::{Notice, Typed};

#[derive(Deserialize)]
struct ApiQueue {
    server: String,
    waiting: u64,
    mails: Vec<ApiMail>,
}

#[derive(Deserialize)]
struct ApiMail {
    kind: String,
    created: i64,
    due: i64,
    attempts: u64,
}

/// `GET /admin/mail`
pub(super) async fn queue(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

/// `POST /admin/mail`
pub(super) async fn test(mut admin: AdminRequest, sent: Form) -> PageResult {
    let fields = [("address", sent.text("address").trim())];
    match admin.act(&sent, Method::POST, "/cloud/server/mail/test", &fields).await? {
        Ok(_) => Ok(admin.done("/admin/mail", "mailed")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            // Without a mail server there is no field.
            let has_field = admin.request.app.settings().mail.is_some();
            let notice = if has_field { notice.at("address") } else { notice };
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let (data, _) = admin.read("/cloud/server/mail", &[]).await?;
    let queue: ApiQueue = admin.decoded(&data)?;
    let line = |mail: ApiMail| MailLine {
        kind: mail.kind.replace('_', " "),
        created: admin.time(mail.created),
        due: admin.time(mail.due),
        attempts: admin.request.t_with("admin-mail-attempts", &[("n", mail.attempts.into())]),
    };
    let (mails, pages) = part(&admin.request, "/admin/mail", "queue", queue.mails);
    let template = MailPage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/mail"),
        typed: Typed(sent.map(|sent| ("mail", sent))),
        waiting: admin.request.t_with("admin-mail-waiting", &[("n", queue.waiting.into())]),
        server: queue.server,
        mails: mails.into_iter().map(line).collect(),
        pages,
    };
    Ok(admin.request.form_page(status, &template))
}
