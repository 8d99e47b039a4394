//! The list of groups, and new ones.

use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::{AdminRequest, path_of};
use super::templates::{GroupLine, GroupList};
use super::user_list::{PER_PAGE, cut, number_of_users, one_more, pages};
use crate::web::form::Form;
use crate::web::page_request::PageResult;
use crate::web::templates::{Notice, Typed};

/// A group, as the API shows it.
#[derive(Debug, Deserialize)]
pub(super) struct ApiGroup {
    pub(super) id: String,
    pub(super) displayname: String,
    pub(super) usercount: u64,
}

/// `GET /admin/groups`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

/// `POST /admin/groups`
pub(super) async fn create(mut admin: AdminRequest, sent: Form) -> PageResult {
    let id = sent.text("groupid").trim().to_owned();
    let fields = [("groupid", id.as_str()), ("displayname", sent.text("displayname").trim())];
    match admin.act(&sent, Method::POST, "/cloud/groups", &fields).await? {
        Ok(_) => Ok(admin.done(&path_of(&["admin", "groups", &id]), "created")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice.at("groupid")), Some(&sent)).await
        }
    }
}

async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let search = admin.query_value("search");
    let offset = admin.offset();
    let (limit, from) = (one_more(PER_PAGE), offset.to_string());
    let fields = [("search", search.as_str()), ("limit", &limit), ("offset", &from)];
    let (mut groups, _) = admin.read_list::<ApiGroup>("/cloud/groups/details", "groups", &fields).await?;
    let has_more = cut(&mut groups, PER_PAGE);
    let line = |group: ApiGroup| GroupLine {
        path: path_of(&["admin", "groups", &group.id]),
        members: number_of_users(admin, group.usercount),
        called: group.displayname,
        id: group.id,
    };
    let template = GroupList {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/groups"),
        typed: Typed(sent.map(|sent| ("groups", sent))),
        groups: groups.into_iter().map(line).collect(),
        pages: pages(admin, "/admin/groups", &[("search", &search)], offset, PER_PAGE, has_more),
        search,
    };
    Ok(admin.request.form_page(status, &template))
}
