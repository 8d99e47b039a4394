//! The page of one group: its members, and who administers it.

use axum::http::{Method, StatusCode};

use super::admin_request::{AdminRequest, path_of};
use super::group_list::ApiGroup;
use super::templates::{AdminAsk, GroupPage};
use super::user_list::{ApiUser, cut, number_of_users, one_more, pages};
use crate::provisioning::groups::ONLY;
use crate::web::form::Form;
use crate::web::page_request::{EarlyResponse, PageResult};
use crate::web::paging::part;
use crate::web::templates::{Notice, Typed};

/// How many members a page has: fewer than the list of users, because each has a button.
const PER_PAGE: u64 = 30;

/// `GET /admin/groups/{group}`
pub(super) async fn show(admin: AdminRequest, _: Form) -> PageResult {
    let notice = admin.done_notice();
    page(&admin, StatusCode::OK, notice, None).await
}

async fn page(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let id = admin.segment(2);
    let offset = admin.offset();
    let (limit, from) = (one_more(PER_PAGE), offset.to_string());
    let api = |rest: &[&str]| path_of(&[&["cloud", "groups", id.as_str()], rest].concat());
    let fields = [("limit", limit.as_str()), ("offset", &from)];
    let (mut members, total) =
        admin.read_list::<ApiUser>(&api(&["users", "details"]), "users", &fields).await?;
    let has_more = cut(&mut members, PER_PAGE);
    let (administrators, _) = admin.read(&api(&["subadmins"]), &[]).await?;
    let administrators: Vec<String> = admin.decoded(&administrators)?;
    let path = path_of(&["admin", "groups", &id]);
    let (administrators, administrator_pages) = part(&admin.request, &path, "administrators", administrators);
    let form = admin.request.path().rsplit('/').next().unwrap_or_default();
    let template = GroupPage {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/groups"),
        typed: Typed(sent.map(|sent| (form, sent))),
        called: name(admin, &id).await?,
        is_admin: id == accounts::ADMIN_GROUP,
        total: total.map(|total| number_of_users(admin, total)),
        members: members.iter().map(|user| user.line(admin)).collect(),
        administrators: administrators
            .into_iter()
            .map(|id| (path_of(&["admin", "users", &id]), id))
            .collect(),
        administrator_pages,
        pages: pages(admin, &path, &[], offset, PER_PAGE, has_more),
        path: admin.request.url_for(&path),
        id,
    };
    Ok(admin.request.form_page(status, &template))
}

/// The display name of a group.
async fn name(admin: &AdminRequest, id: &str) -> Result<String, EarlyResponse> {
    let (found, _) = admin.read_list::<ApiGroup>("/cloud/groups/details", "groups", &[(ONLY, id)]).await?;
    Ok(found.into_iter().next().map_or_else(|| id.to_owned(), |group| group.displayname))
}

/// Changes something, and shows the page of the group again.
async fn change(
    mut admin: AdminRequest,
    sent: Form,
    (method, path): (Method, &str),
    fields: &[(&str, &str)],
    what: &'static str,
) -> PageResult {
    match admin.act(&sent, method, path, fields).await? {
        Ok(_) => Ok(admin.done(&path_of(&["admin", "groups", &admin.segment(2)]), what)),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

/// `POST /admin/groups/{group}/rename`
pub(super) async fn rename(admin: AdminRequest, sent: Form) -> PageResult {
    let (path, name) =
        (path_of(&["cloud", "groups", &admin.segment(2)]), sent.text("displayname").to_owned());
    change(admin, sent, (Method::PUT, &path), &[("key", "displayname"), ("value", &name)], "saved").await
}

/// A change of one user in this group, whom the form names.
async fn change_user(
    admin: AdminRequest,
    sent: Form,
    (method, collection): (Method, &str),
    what: &'static str,
) -> PageResult {
    let group = admin.segment(2);
    let path = path_of(&["cloud", "users", sent.text("user").trim(), collection]);
    change(admin, sent, (method, &path), &[("groupid", &group)], what).await
}

/// `POST /admin/groups/{group}/add`
pub(super) async fn add(admin: AdminRequest, sent: Form) -> PageResult {
    change_user(admin, sent, (Method::POST, "groups"), "joined").await
}

/// `POST /admin/groups/{group}/remove`
pub(super) async fn remove(admin: AdminRequest, sent: Form) -> PageResult {
    change_user(admin, sent, (Method::DELETE, "groups"), "left").await
}

/// `POST /admin/groups/{group}/promote`
pub(super) async fn promote(admin: AdminRequest, sent: Form) -> PageResult {
    change_user(admin, sent, (Method::POST, "subadmins"), "promoted").await
}

/// `POST /admin/groups/{group}/demote`
pub(super) async fn demote(admin: AdminRequest, sent: Form) -> PageResult {
    change_user(admin, sent, (Method::DELETE, "subadmins"), "demoted").await
}

/// `GET /admin/groups/{group}/delete`
pub(super) async fn ask_delete(admin: AdminRequest, _: Form) -> PageResult {
    let id = admin.segment(2);
    let values = [("group", name(&admin, &id).await?.into())];
    let template = AdminAsk {
        frame: admin.frame(None),
        menu: admin.menu("/admin/groups"),
        title: admin.request.t_with("admin-delete-group-ask", &values),
        text: admin.t("admin-delete-group-text"),
        button: admin.t("admin-delete"),
        choice: None,
        path: admin.request.url_for(&path_of(&["admin", "groups", &id, "delete"])),
        back: admin.request.url_for(&path_of(&["admin", "groups", &id])),
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}

/// `POST /admin/groups/{group}/delete`
pub(super) async fn delete(mut admin: AdminRequest, sent: Form) -> PageResult {
    let path = path_of(&["cloud", "groups", &admin.segment(2)]);
    match admin.act(&sent, Method::DELETE, &path, &[]).await? {
        Ok(_) => Ok(admin.done("/admin/groups", "deleted")),
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            page(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}
