//! The list of users, and new ones.

use accounts::LOCAL_BACKEND_IN_API;
use axum::http::{Method, StatusCode};
use serde::Deserialize;

use super::admin_request::{AdminRequest, path_of};
use super::templates::{NewUser, UserLine, UserList};
use crate::provisioning::envelope::code::Code;
use crate::provisioning::serve::COUNTED_FOR_PAGES;
use crate::web::form::Form;
use crate::web::page_request::PageResult;
use crate::web::templates::{Notice, Pages, Typed, rules};

/// How many users a page has.
pub(super) const PER_PAGE: u64 = 50;

/// A user, as far as the API shows one to the reader.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApiUser {
    pub(super) id: String,
    /// Shown to administrators of the user.
    pub(super) enabled: Option<bool>,
    pub(super) displayname: Option<String>,
    pub(super) email: Option<String>,
    pub(super) confirmed_email: Option<String>,
    #[serde(default)]
    pub(super) groups: Vec<String>,
    #[serde(default)]
    pub(super) subadmin: Vec<String>,
    #[serde(default)]
    pub(super) backend: String,
    #[serde(default)]
    pub(super) last_login_timestamp: i64,
    #[serde(default)]
    pub(super) language: String,
    #[serde(default)]
    pub(super) quota: serde_json::Value,
}

impl ApiUser {
    /// The display name, or the id.
    pub(super) fn called(&self) -> &str {
        self.displayname.as_deref().unwrap_or(&self.id)
    }

    /// Whether the password is kept here.
    pub(super) fn is_local(&self) -> bool {
        self.backend == LOCAL_BACKEND_IN_API
    }

    /// A line of a list.
    pub(super) fn line(&self, admin: &AdminRequest) -> UserLine {
        UserLine {
            called: self.called().to_owned(),
            path: self.enabled.map(|_| path_of(&["admin", "users", &self.id])),
            email: self.email.clone().filter(|email| !email.is_empty()),
            groups: self.groups.join(", "),
            backend: Some(self.backend.clone()).filter(|id| !id.is_empty() && !self.is_local()),
            last_login: admin.time(self.last_login_timestamp),
            is_disabled: self.enabled == Some(false),
            is_admin: self.groups.iter().any(|group| group == accounts::ADMIN_GROUP),
            id: self.id.clone(),
        }
    }
}

/// `GET /admin`
pub(super) async fn home(admin: AdminRequest, _: Form) -> PageResult {
    Ok(admin.request.redirect(&admin.request.url_for("/admin/users")))
}

/// `GET /admin/users`
pub(super) async fn list(admin: AdminRequest, _: Form) -> PageResult {
    let (search, group, disabled) = (
        admin.query_value("search"),
        admin.query_value("group"),
        admin.request.query_value("disabled").is_some(),
    );
    let offset = admin.offset();
    let path = match () {
        () if disabled => "/cloud/users/disabled".to_owned(),
        () if !group.is_empty() => path_of(&["cloud", "groups", &group, "users", "details"]),
        () => "/cloud/users/details".to_owned(),
    };
    let (limit, from) = (one_more(PER_PAGE), offset.to_string());
    let fields = [("search", search.as_str()), ("limit", &limit), ("offset", &from)];
    let (mut users, total) = admin.read_list::<ApiUser>(&path, "users", &fields).await?;
    let has_more = cut(&mut users, PER_PAGE);
    let query =
        [("search", search.as_str()), ("group", &group), ("disabled", if disabled { "1" } else { "" })];
    let template = UserList {
        frame: admin.frame(admin.done_notice()),
        menu: admin.menu("/admin/users"),
        total: total.map(|total| number_of_users(&admin, total)),
        pages: pages(&admin, "/admin/users", &query, offset, PER_PAGE, has_more),
        users: users.iter().map(|user| user.line(&admin)).collect(),
        search,
        group,
        disabled,
    };
    Ok(admin.request.form_page(StatusCode::OK, &template))
}

/// The ways to the pages before and after one of a list.
pub(super) fn pages(
    admin: &AdminRequest,
    path: &str,
    query: &[(&str, &str)],
    offset: u64,
    per_page: u64,
    has_more: bool,
) -> Pages {
    let link = |offset: u64| admin.request.url_for(&link(path, query, "offset", &offset.to_string()));
    Pages {
        before: (offset > 0).then(|| link(offset.saturating_sub(per_page))),
        after: has_more.then(|| link(offset.saturating_add(per_page))),
    }
}

/// The limit that tells whether there is a page after this one.
pub(super) fn one_more(per_page: u64) -> String {
    per_page.saturating_add(1).to_string()
}

/// Leaves a page of what was read with that limit; whether there was more.
pub(super) fn cut<T>(list: &mut Vec<T>, per_page: u64) -> bool {
    let per_page = usize::try_from(per_page).unwrap_or(usize::MAX);
    let has_more = list.len() > per_page;
    list.truncate(per_page);
    has_more
}

/// A number of users that was counted up to a limit, in words.
pub(super) fn number_of_users(admin: &AdminRequest, number: u64) -> String {
    let (id, number) = match number {
        number if number > COUNTED_FOR_PAGES => ("admin-user-count-more", COUNTED_FOR_PAGES),
        number => ("admin-user-count", number),
    };
    admin.request.t_with(id, &[("n", number.into())])
}

/// A path with a query: the fields that have a value, and one more.
pub(super) fn link(path: &str, query: &[(&str, &str)], name: &str, value: &str) -> String {
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    let fields = query.iter().copied().filter(|(_, value)| !value.is_empty()).chain([(name, value)]);
    let fields =
        fields.map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)));
    format!("{path}?{}", fields.collect::<Vec<_>>().join("&"))
}

/// The fields that refusals of a new user are about.
const FIELDS: &[(u16, &str)] = &[(102, "userid"), (108, "email"), (110, "email")];

/// `GET /admin/new-user`
pub(super) async fn new(admin: AdminRequest, _: Form) -> PageResult {
    form(&admin, StatusCode::OK, None, None).await
}

/// `POST /admin/new-user`
pub(super) async fn create(mut admin: AdminRequest, sent: Form) -> PageResult {
    let (id, address) = (sent.text("userid").trim().to_owned(), sent.text("email").trim().to_owned());
    let is_confirmed = admin.caller().is_admin() && sent.get("confirmed").is_some();
    let mut fields = vec![
        ("userid", id.as_str()),
        ("displayName", sent.text("displayname")),
        (if is_confirmed { "confirmedEmail" } else { "email" }, &address),
        ("password", sent.text("password")),
        ("quota", sent.text("quota").trim()),
        ("language", sent.text("language")),
        ("backend", sent.text("backend")),
    ];
    let groups: Vec<&str> = sent.text("groups").split(',').map(str::trim).collect();
    fields.extend(groups.iter().filter(|group| !group.is_empty()).map(|group| ("groups[]", *group)));
    match admin.act(&sent, Method::POST, "/cloud/users", &fields).await? {
        Ok(answer) => {
            let (data, _) = answer.into_parts();
            let ApiId { id } = admin.decoded(&data)?;
            Ok(admin.done(&path_of(&["admin", "users", &id]), "created"))
        }
        Err(failure) => {
            let (status, notice) = admin.notice(&failure)?;
            let field = FIELDS.iter().find(|(code, _)| Code::of_endpoint(*code) == failure.code());
            let notice = match field {
                Some((_, field)) => notice.at(field),
                None => notice,
            };
            form(&admin, status, Some(notice), Some(&sent)).await
        }
    }
}

/// The id of what was created.
#[derive(Debug, Deserialize)]
struct ApiId {
    id: String,
}

async fn form(
    admin: &AdminRequest,
    status: StatusCode,
    notice: Option<Notice>,
    sent: Option<&Form>,
) -> PageResult {
    let settings = admin.request.app.settings();
    let template = NewUser {
        frame: admin.frame(notice),
        menu: admin.menu("/admin/users"),
        typed: Typed(sent.map(|sent| ("new-user", sent))),
        groups: known_groups(admin).await?,
        backends: backends(admin).await?,
        rules: rules(&admin.request.app, admin.request.language()),
        has_mail: settings.mail.is_some(),
    };
    Ok(admin.request.form_page(status, &template))
}

/// The groups that the reader may put users into, at most 100: suggestions beside a field.
pub(super) async fn known_groups(
    admin: &AdminRequest,
) -> Result<Vec<String>, crate::web::page_request::EarlyResponse> {
    if !admin.caller().is_admin() {
        return Ok(admin.caller().administers().iter().map(|group| group.as_str().to_owned()).collect());
    }
    Ok(admin.read_list::<String>("/cloud/groups", "groups", &[("limit", "100")]).await?.0)
}

/// Id and name of the backends; empty for sub-admins, whose users are local.
pub(super) async fn backends(
    admin: &AdminRequest,
) -> Result<Vec<(String, String)>, crate::web::page_request::EarlyResponse> {
    #[derive(Deserialize)]
    struct BackendChoice {
        id: String,
        name: String,
        local: bool,
    }
    if !admin.caller().is_admin() {
        return Ok(Vec::new());
    }
    let (all, _) = admin.read_list::<BackendChoice>("/cloud/server/backends", "backends", &[]).await?;
    let this = admin.t("this-server");
    let named = |one: BackendChoice| if one.local { (one.id, this.clone()) } else { (one.id, one.name) };
    Ok(all.into_iter().map(named).collect())
}
